"""``.env`` files: lines ``NAME=value`` as python-dotenv reads them.

What stands in a file is found with python-dotenv's own parser, so a line means here what it means
to the programs that read it. Only the value of a line is replaced; the rest stays byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Final

from smtpdoctor.errors import UsageError
from smtpdoctor.generate.comments import about, heading
from smtpdoctor.generate.plan import (
    Decision,
    Merged,
    Plan,
    Standing,
    Variable,
    decide,
    unwritable,
)
from smtpdoctor.model import Lang, Message

__all__ = ["NAME", "cautions", "check_command", "merge", "owns", "render"]

NAME: Final = "dotenv"
_FILE: Final = re.compile(r"(?:.*\.)?env(?:[._-].*)?", re.IGNORECASE)
_BARE: Final = re.compile(r"[A-Za-z0-9_./:@+-]+")
_BINDING: Final = re.compile(
    r"""(?P<head>\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)[^\S\r\n]*)
        (?P<sign>=[^\S\r\n]*)?
        (?P<tail>.*)""",
    re.DOTALL | re.VERBOSE,
)
_QUOTED: Final = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)


def owns(filename: str) -> bool:
    """Whether a file of that name is a ``.env`` file (``.envrc`` is a shell script)."""
    return bool(_FILE.fullmatch(filename))


def check_command(file: str | None) -> str | None:
    """Return the command that tries such a file."""
    if file in (None, ".env"):
        return "smtpdoctor check"
    import shlex

    return f"smtpdoctor check --env-file {shlex.quote(str(file))}"


def cautions(plan: Plan, names: Iterable[str]) -> tuple[Message, ...]:
    """Return what to know about values that not every program reads alike."""
    wanted = set(names)
    # dotenv-expand forgets the quotes and takes what follows a $ for a name (apps.md, section 3).
    dollars = [one.name for one in plan.variables if "$" in one.value and wanted & set(one.names)]
    return (Message("generate.dollar", {"names": ", ".join(dollars)}),) if dollars else ()


def _refused(value: str) -> Message | str | None:
    """Return what keeps a value from being read alike by all; None: nothing does."""
    if what := unwritable(value):
        return what
    if "'" in value:
        return "'"
    if "${" in value:
        return "${"  # python-dotenv expands it within single quotes too
    # Some readers take \\ and \' within single quotes for escapes and some do not.
    return "\\" if "\\\\" in value or value.endswith("\\") else None


def _written(name: str, value: str, file: str, *, quote: str = "") -> str:
    """Return a value as it stands behind the equals sign; raises UsageError for one that cannot."""
    if what := _refused(value):
        raise UsageError(Message("usage.generate.quote", {"name": name, "file": file, "what": what}))
    if not value:
        return ""
    if _BARE.fullmatch(value):
        return f"{quote}{value}{quote}"
    return f"'{value}'"


def _line(variable: Variable, file: str) -> str:
    return f"{variable.name}={_written(variable.name, variable.value, file)}"


def render(plan: Plan, lang: Lang, *, file: str | None = None) -> str:
    """Return a whole file; raises UsageError for a value that cannot be written."""
    return "\n".join(_block(plan, plan.variables, lang, file)) + "\n"


def _block(plan: Plan, variables: Iterable[Variable], lang: Lang, file: str | None) -> Iterator[str]:
    """Return the lines of a file or of the part to add to one."""
    for text in heading(plan, lang, check=check_command(file)):
        yield f"# {text}"
    before = None
    for variable in variables:
        # Port and TLS flags belong together, and so do the lines.
        if variable.setting != "security" or before not in {"port", "security"}:
            yield ""
            for text in about(plan, variable.setting, lang):
                yield f"# {text}"
        before = variable.setting
        yield _line(variable, file or ".env")


def _bindings(text: str) -> list[tuple[str, str | None, str]]:
    """Return (name or "", value, source) of all parts of a file; the sources make up the file."""
    from dotenv.parser import parse_stream

    return [(b.key or "", b.value, b.original.string) for b in parse_stream(StringIO(text, newline=""))]


def _standing(parts: Iterable[tuple[str, str | None, str]]) -> dict[str, Standing]:
    """Return the effective variables: the last of several definitions counts."""
    return {
        name: Standing(value or "", "reference" if "${" in (value or "") else "text")
        for name, value, _ in parts
        if name
    }


def merge(text: str, plan: Plan, lang: Lang, *, file: str, force: bool) -> Merged:
    """Return the file with the plan in it; only what the plan owns changes.

    Raises UsageError for values that are there already (unless ``force``) or cannot be written.
    """
    mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    end = "\r\n" if "\r\n" in text else "\n"
    parts = _bindings(text)
    decision = decide(plan, _standing(parts), file=file, force=force)
    sources = [source for _, _, source in parts]
    last = {name: number for number, (name, _, _) in enumerate(parts) if name}
    for name, value in decision.edits.items():
        sources[last[name]] = _replaced(sources[last[name]], name, value, file)
    if decision.additions:
        _add(
            sources,
            [last[name] for name in plan.owned if name in last],
            decision,
            plan,
            lang,
            file=file,
            end=end,
        )
    merged = "".join(sources)
    _verify(_bindings(merged), parts, decision, file)
    return Merged(
        text=mark + merged,
        written=decision.written,
        unchanged=decision.unchanged,
        to_fill_in=decision.to_fill_in,
    )


def _replaced(source: str, name: str, value: str, file: str) -> str:
    """Return a definition with another value: blanks, quotes, comment and line end stay."""
    found = _BINDING.fullmatch(source)
    if found is None:
        raise _unusual(file, name)
    head, sign, tail = found["head"], found["sign"] or "=", found["tail"]
    quoted = _QUOTED.match(tail)
    if quoted:
        old, rest, quote = quoted[0], tail[quoted.end() :], tail[0]
    else:
        line = re.match(r"[^\r\n]*", tail)
        whole = line[0] if line else ""
        comment = re.search(r"\s+#.*", whole) or (re.match(r"#.*", whole) if len(sign) > 1 else None)
        old = (whole[: comment.start()] if comment else whole).rstrip()
        rest, quote = tail[len(old) :], ""
    new = _written(name, value, file, quote=quote)
    if not old and not quoted and rest.startswith("#"):
        # "NAME= # why": the blank stands before the comment, so the value goes in between.
        sign, rest = "=", f" {rest}"
    return f"{head}{sign}{new}{rest}"


def _add(
    sources: list[str], owned: list[int], decision: Decision, plan: Plan, lang: Lang, *, file: str, end: str
) -> None:
    """Put variables behind the last that the plan owns, or as a block of their own at the end."""
    at = max(owned) + 1 if owned else len(sources)
    if owned:
        lines = [_line(one, file) for one in decision.additions]
    else:
        lines = list(_block(plan, decision.additions, lang, file))
        if "".join(sources).strip():
            lines.insert(0, "")
    if at and not sources[at - 1].endswith(("\n", "\r")) and "".join(sources[:at]):
        sources[at - 1] += end
    sources.insert(at, "".join(line + end for line in lines))


def _verify(
    after: Iterable[tuple[str, str | None, str]],
    before: Iterable[tuple[str, str | None, str]],
    decision: Decision,
    file: str,
) -> None:
    """Read the result back: raises UsageError rather than hand out a file that means something else."""
    wanted = {name: standing.text for name, standing in _standing(before).items()}
    wanted |= decision.edits
    wanted |= {one.name: one.value for one in decision.additions}
    read = {name: standing.text for name, standing in _standing(after).items()}
    for name in {**wanted, **read}:
        if wanted.get(name) != read.get(name):
            raise _unusual(file, name)


def _unusual(file: str, name: str) -> UsageError:
    return UsageError(Message("usage.generate.unusual", {"file": file, "name": name}))
