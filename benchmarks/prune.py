"""Takes out of the catalogue and the wordings what no known text supports: ``python benchmarks/prune.py CASES… --among WORDINGS``.

A pattern is taken apart at its top; each alternative stays that occurs in a labelled text, in an example or a
near miss. Of one that is longer than a line the same holds for what stands in its groups. Rewrites the files.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.fit import cases_of, examples, wordings_of
from benchmarks.support import Part, alternatives, supporters
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import compiled

_PACKAGE: Final = Path(__file__).parent.parent / "smtpdoctor"
_WIDE: Final = 150
_BLOCK: Final = re.compile(r"(?m)^(?=\[\[?\w+(?:\.\w+)*\]\]?[ \t]*$)")
_TEXT: Final = re.compile(
    r"(?ms)^text = (?:\[\n.*?^\]|\[.*?\]|'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|\"(?:[^\"\\\n]|\\.)*\")[ \t]*(?:#.*)?\n"
)


def _groups(pattern: str) -> Iterator[tuple[int, int]]:
    """Yield where the groups of alternatives begin and end that stand in no other."""
    depth, place, begin = 0, 0, 0
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\":
            place += 1
        elif sign == "[":
            place = pattern.index("]", place + (3 if pattern[place + 1] == "^" else 2))
        elif sign == "(":
            depth += 1
            begin = place if depth == 1 else begin
        elif sign == ")":
            depth -= 1
            if depth == 0 and pattern.startswith("(?:", begin):
                yield begin, place
        place += 1


def _narrow(pattern: str, texts: list[str]) -> str:
    """Return a pattern that is too long for a line with those alternatives in its groups that occur in texts."""
    done = 0
    while len(pattern) > _WIDE:
        group = next((one for one in _groups(pattern) if one[0] >= done), None)
        if group is None:
            break
        before, behind = pattern[: group[0]], pattern[group[1] + 1 :]
        inside = alternatives(pattern[group[0] + 3 : group[1]])
        held = [one for one in inside if _occurs(f"{before}(?:{one}){behind}", texts)] or inside
        narrowed = f"(?:{'|'.join(held)})"
        pattern = f"{before}{narrowed}{behind}"
        done = len(before) + len(narrowed)
    return pattern


def _occurs(pattern: str, texts: list[str]) -> bool:
    return any(compiled(pattern).search(text) for text in texts)


def _patterns(block: str) -> list[str]:
    text = tomllib.loads(_TEXT.search(block)[0])["text"]  # type: ignore[index]
    listed = ["".join(one) for one in (text if isinstance(text, list) else [text])]
    return [one for pattern in listed for one in alternatives(pattern)]


def _written(patterns: list[str]) -> str:
    """Return patterns as the file has them, short ones together."""
    lines: list[str] = []
    for one in patterns:
        if lines and len(lines[-1]) + len(one) < _WIDE - 40 and not one.startswith("(?"):
            lines[-1] += f"|{one}"
        else:
            lines.append(one)
    if len(lines) == 1 and len(lines[0]) <= _WIDE:
        return f"text = {_quoted(lines[0])}\n"
    return "text = [\n" + "".join(map(_line, lines)) + "]\n"


def _quoted(pattern: str) -> str:
    return f"'{pattern}'" if "'" not in pattern else f"'''{pattern}'''"


def _line(pattern: str) -> str:
    """Return a pattern as an item of a list; a long one in pieces that end where an alternative does."""
    if len(pattern) <= _WIDE:
        return f"  {_quoted(pattern)},\n"
    pieces: list[str] = []
    while pattern:
        end = pattern.rfind("|", 60, 120) + 1 or 120
        end = len(pattern) if len(pattern) <= _WIDE - 20 else end
        pieces.append(pattern[:end])
        pattern = pattern[end:]
    return "  [\n" + "".join(f"    {_quoted(piece)},\n" for piece in pieces) + "  ],\n"


def _held(patterns: set[str], texts: list[str]) -> dict[str, set[int]]:
    """Return the patterns that occur in texts, and in which."""
    known = [Part("", 0, "", one) for one in sorted(patterns)]
    return {part.text: numbers for part, numbers in supporters(known, texts).items() if numbers}


def main() -> int:
    """Rewrite the files; print how many patterns there were and are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="+")
    parser.add_argument("--among", type=Path, nargs="*", default=[], help="lines as systems print them")
    arguments = parser.parse_args()
    cases = [*cases_of(arguments.file), *wordings_of(arguments.among)]
    cases += examples(case["text"] for case in cases)
    texts = [case["text"] for case in cases]
    # What a server says in the evidence of an example counts as well.
    for entry in load.from_sources().entries.values():
        evidence = [*(one.evidence for one in entry.example), *(one.evidence for one in entry.near_miss)]
        told = [one for one in evidence if one is not None]
        texts += [f"{one.code or ''} {one.text}".strip() for one in told if one.text]
    paths = [*sorted((_PACKAGE / "catalogue").glob("*.toml")), _PACKAGE / "words.toml"]
    blocks = {path: _BLOCK.split(path.read_text(encoding="utf-8")) for path in paths}
    header = ("[[match]]", "[[word]]")
    wanted = {
        pattern
        for some in blocks.values()
        for block in some
        if block.startswith(header) and _TEXT.search(block)
        for pattern in _patterns(block)
    }
    held = _held(wanted, texts)
    flat = [" ".join(line.strip() for line in text.split("\n")) for text in texts]
    shorter = {
        one: _narrow(one, [form for at in held[one] for form in (texts[at], flat[at])])
        for one in held
        if len(one) > _WIDE
    }
    before = after = 0
    for path, some in blocks.items():
        written: list[str] = []
        for block in some:
            if not (block.startswith(header) and (found := _TEXT.search(block))):
                written.append(block)
                continue
            patterns = _patterns(block)
            kept = [shorter.get(one, one) for one in patterns if one in held]
            before, after = before + len(patterns), after + len(kept)
            if kept == patterns and all(len(line) <= _WIDE + 10 for line in block.split("\n")):
                written.append(block)
            elif kept:
                written.append(block[: found.start()] + _written(kept) + block[found.end() :])
            else:
                # The comments in front of the next block end this one.
                written.append("")
        path.write_text("".join(written), encoding="utf-8")
    print(f"{before} → {after} alternatives")
    return 0


if __name__ == "__main__":
    sys.exit(main())
