"""Which texts support a pattern: what of the catalogue and the wordings would be there without a text.

A pattern is taken apart at its top: each alternative stands for itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.atoms import atoms_of, patterns_of
from smtpdoctor.knowledge.patterns import compiled, possible
from smtpdoctor.knowledge.schema import Patterns
from smtpdoctor.logs.codes import codes_in

__all__ = ["Part", "alternatives", "own_parts", "parts", "supporters", "without"]

# What tells of mail or of a failure in general; the others of hints.toml are the grammar of replies.
_HINTS: Final = (
    "mail",
    "perhaps_mail",
    "not_sending",
    "sends_all_the_same",
    "foreign",
    "ignored",
    "failure",
    "waited",
    "implicit_tls",
    "never_implicit_tls",
    "loopback",
    "resolving",
    "oauth",
)


class Part(NamedTuple):
    """An alternative of a pattern: in which list it stands, at which place there, under which name."""

    kind: str
    place: int
    name: str
    text: str


def alternatives(pattern: str) -> list[str]:
    """Return the alternatives of a pattern that stand in no group."""
    found: list[str] = []
    depth, start, place = 0, 0, 0
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\":
            place += 1
        elif sign == "[":
            place = _end_of_class(pattern, place)
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
        elif sign == "|" and depth == 0:
            found.append(pattern[start:place])
            start = place + 1
        place += 1
    return [*found, pattern[start:]]


def _end_of_class(pattern: str, place: int) -> int:
    place += 1
    if pattern[place] == "^":
        place += 1
    if pattern[place] == "]":
        place += 1
    while pattern[place] != "]":
        place += 2 if pattern[place] == "\\" else 1
    return place


def parts() -> Iterator[Part]:
    """Yield every alternative of the rules, the wordings and the hints."""
    for place, rule in enumerate(load.rules()):
        for text in rule.text:
            yield from (Part("rule", place, rule.entry, one) for one in alternatives(text))
    for place, word in enumerate(load.words()):
        yield from (Part("word", place, word.token, one) for one in alternatives(word.text))
    hints = load.hints()
    for name in _HINTS:
        yield from (Part("hint", 0, name, one) for one in alternatives(getattr(hints, name).whole))
    for place, stage in enumerate(hints.stage):
        yield from (Part("stage", place, stage.stage, one) for one in alternatives(stage.text.whole))
    for place, code in enumerate(hints.code):
        yield from (Part("code", place, str(code.code), one) for one in alternatives(code.text))


def supporters(known: Sequence[Part], texts: Iterable[str]) -> Mapping[Part, set[int]]:
    """Return the numbers of the texts in which each part occurs."""
    atoms = [(part, atoms_of(part.text)) for part in known]
    found: dict[Part, set[int]] = defaultdict(set)
    for number, text in enumerate(texts):
        flat = " ".join(line.strip() for line in text.split("\n"))
        code = codes_in(text)[0]
        forms = {text, flat, f"{code} {flat}" if code else flat}
        lowered = "\n".join(forms).lower()
        for part, groups in atoms:
            if possible(groups, lowered) and any(compiled(part.text).search(form) for form in forms):
                found[part].add(number)
    return found


def own_parts(texts: Sequence[str]) -> list[list[Part]]:
    """Return for each text the parts that none of the others supports."""
    found: list[list[Part]] = [[] for _ in texts]
    for part, numbers in supporters(list(parts()), texts).items():
        if len(numbers) == 1:
            found[next(iter(numbers))].append(part)
    return found


def without(left_out: Iterable[Part]) -> load.Reduced:
    """Return what is known without some parts."""
    rules, words, hints = list(load.rules()), list(load.words()), load.hints()
    texts: dict[tuple[str, int, str], set[str]] = defaultdict(set)
    for part in left_out:
        texts[part.kind, part.place, part.name].add(part.text)
    gone: dict[str, set[int]] = defaultdict(set)
    stages, codes = list(hints.stage), list(hints.code)
    for (kind, place, name), some in texts.items():
        match kind:
            case "rule":
                rule = rules[place]
                kept = [(text, _kept(text, some)) for text in rule.text]
                left = [(text, atoms_of(text)) for _, text in kept if text]
                if not left:
                    gone[kind].add(place)
                rules[place] = replace(
                    rule, text=tuple(one for one, _ in left), atoms=tuple(atoms for _, atoms in left)
                )
            case "word":
                text = _kept(words[place].text, some)
                if not text:
                    gone[kind].add(place)
                words[place] = replace(words[place], text=text, atoms=atoms_of(text))
            case "hint":
                hints = replace(hints, **{name: _left(getattr(hints, name), some)})
            case "stage":
                stages[place] = replace(stages[place], text=_left(stages[place].text, some))
            case _:
                text = _kept(codes[place].text, some) or r"[^\s\S]"
                codes[place] = replace(codes[place], text=text, atoms=atoms_of(text))
    return load.Reduced(
        tuple(one for place, one in enumerate(rules) if place not in gone["rule"]),
        tuple(one for place, one in enumerate(words) if place not in gone["word"]),
        replace(hints, stage=tuple(stages), code=tuple(codes)),
    )


def _left(patterns: Patterns, left_out: set[str]) -> Patterns:
    return patterns_of([one for one in alternatives(patterns.whole) if one not in left_out] or [r"[^\s\S]"])


def _kept(text: str, left_out: set[str]) -> str:
    return "|".join(one for one in alternatives(text) if one not in left_out)
