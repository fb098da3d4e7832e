"""``.env`` files: lines ``NAME=value`` as python-dotenv reads them.

What stands in a file is found by a reader that is held against python-dotenv's, so a line means here
what it means to the programs that read it. Only the value of a line is replaced; the rest stays byte for
byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Final

from smtpdoctor.errors import UsageError
from smtpdoctor.formats.dotenv import UnwritableError, assigned, assignment
from smtpdoctor.generate.comments import about, heading, renewed
from smtpdoctor.generate.plan import (
    Decision,
    Merged,
    Plan,
    Standing,
    Variable,
    decide,
    host_in,
)
from smtpdoctor.model import Lang, Message

__all__ = ["NAME", "cautions", "check_command", "merge", "owns", "read", "render"]

NAME: Final = "dotenv"
_FILE: Final = re.compile(r"(?:.*\.)?env(?:[._-].*)?", re.IGNORECASE)


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
    # dotenv-expand forgets the quotes and takes what follows a $ for a name.
    dollars = [one.name for one in plan.variables if "$" in one.value and wanted & set(one.names)]
    return (Message("generate.dollar", {"names": ", ".join(dollars)}),) if dollars else ()


def _unwritten(name: str, value: str, file: str, error: UnwritableError) -> UsageError:
    from smtpdoctor.generate.refusals import culprit, refused

    syntax = Message("generate.syntax.read-alike")
    core = culprit(value, _is_writable) or error.what
    able = ("compose", "kubernetes")
    return refused(name, file, value, core, syntax, able=able, pointer=f"{name}_FILE")


def _is_writable(value: str) -> bool:
    try:
        assignment("A", value)
    except UnwritableError:
        return False
    return True


def _line(variable: Variable, file: str) -> str:
    try:
        return assignment(variable.name, variable.value)
    except UnwritableError as error:
        raise _unwritten(variable.name, variable.value, file, error) from error


def render(plan: Plan, lang: Lang, *, file: str | None = None) -> str:
    """Return a whole file; raises UsageError for a value that cannot be written."""
    return "\n".join(_block(plan, plan.variables, lang, file)) + "\n"


def _block(plan: Plan, variables: Iterable[Variable], lang: Lang, file: str | None) -> Iterator[str]:
    """Return the lines of a file or of the part to add to one."""
    command = check_command(file) or ""
    # A line break in the file's name would end the comment, and the rest of the name be a line of its own.
    for text in heading(plan, lang, check=command if command.isprintable() else None):
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
    from smtpdoctor.formats.dotenv_python import parse_stream

    return [(b.key or "", b.value, b.original.string) for b in parse_stream(StringIO(text, newline=""))]


def _standing(parts: Iterable[tuple[str, str | None, str]]) -> dict[str, Standing]:
    """Return the effective variables: the last of several definitions counts."""
    return {
        name: Standing(value or "", "reference" if "${" in (value or "") else "text")
        for name, value, _ in parts
        if name
    }


def read(path: Path, plan: Plan, *, file: str) -> Mapping[str, str]:  # noqa: ARG001 -- the interface of a format
    """Return the application's variables as ``check`` finds them; raises UsageError where it would."""
    from smtpdoctor.settings.read import read_env_file, refuse_long

    names = {name for names in plan.app.variables.values() for name in names}
    found, _ = read_env_file(path, names=plan.owned | names | {f"{name}_FILE" for name in names})
    for name, one in found.items():
        refuse_long(one.text, name)
    return {name: one.text for name, one in found.items()}


def merge(text: str, plan: Plan, lang: Lang, *, file: str, force: bool) -> Merged:
    """Return the file with the plan in it; only what the plan owns changes.

    Raises UsageError for values that are there already (unless ``force``) or cannot be written.
    """
    mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    end = "\r\n" if "\r\n" in text else "\n"
    parts = _bindings(text)
    standing = _standing(parts)
    decision = decide(plan, standing, file=file, force=force)
    parts = _bindings(_with_new_comments(parts, plan, lang, host_in(plan, standing), end))
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
        values=decision.values,
        written=decision.written,
        unchanged=decision.unchanged,
        to_fill_in=decision.to_fill_in,
        left=decision.left,
    )


def _with_new_comments(
    parts: list[tuple[str, str | None, str]], plan: Plan, lang: Lang, host: str | None, end: str
) -> str:
    """Return the file with what an earlier run wrote about another provider replaced."""
    texts = [
        source.strip()[2:] if not name and value is None and source.lstrip().startswith("# ") else None
        for name, value, source in parts
    ]
    new = renewed(texts, plan, lang, host=host)
    lines: list[str] = []
    for (_, _, source), said in zip(parts, new, strict=True):
        if said is None:
            lines.append(source)
            continue
        ahead = source[: len(source) - len(source.lstrip())]  # blank lines, and the indentation
        blank, indent = ahead[: ahead.rfind("\n") + 1], ahead[ahead.rfind("\n") + 1 :]
        lines += [blank, *(f"{indent}# {text}{end}" for text in said)]
    return "".join(lines)


def _replaced(source: str, name: str, value: str, file: str) -> str:
    """Return a definition with another value: blanks, quotes, comment and line end stay."""
    try:
        new = assigned(source, value)
    except UnwritableError as error:
        raise _unwritten(name, value, file, error) from error
    if new is None:
        raise _unusual(file, name)
    return new


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
    wanted |= decision.values
    read = {name: standing.text for name, standing in _standing(after).items()}
    for name in {**wanted, **read}:
        if wanted.get(name) != read.get(name):
            raise _unusual(file, name)


def _unusual(file: str, name: str) -> UsageError:
    return UsageError(Message("usage.generate.unusual", {"file": file, "name": name}))
