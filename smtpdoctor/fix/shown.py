"""Files before and after as people see them: lines and differences, no secret in any of them. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher, unified_diff
from os.path import normpath
from typing import Final

from msgspec.structs import replace

from smtpdoctor.doctor import seal_of
from smtpdoctor.fix.operations import REFERENCE, Done
from smtpdoctor.fix.plan import Plan, Step
from smtpdoctor.fix.state import State
from smtpdoctor.formats.document import Assignment
from smtpdoctor.formats.editing import Edit
from smtpdoctor.formats.owning import own_name
from smtpdoctor.masking.guess import is_harmless, looks_random
from smtpdoctor.masking.references import references_in
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Change, Origin, Secret
from smtpdoctor.settings.lint import TYPOGRAPHIC
from smtpdoctor.settings.read import names_secret

__all__ = ["changes_of", "difference", "masked_lines"]

_Masking = tuple[list[str], Callable[[str], str]]
_CONTEXT: Final = 3
_COMPARED: Final = 1_000  # lines
_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,18}")
_SHOWN: Final = frozenset({"host", "port", "security"})
# What stands behind a name that speaks of a secret, also where nothing reads it: in a comment, in another section.
_NAMED: Final = re.compile(
    r"(?i)([\w.$\[\]'\"-]*(?:pass|pwd|secret|token|key|credential)[\w.\]'\"-]*\s*(?:=>|:=|[:=(,])\s*[\"'`]?)"
    r"(?!\$\{|\{\{|<%|process\.env|os\.|ENV|getenv|env\()([^\s\"'`,;)}\]]+)"
)
_TOKEN: Final = re.compile(r"[^\s\"'`=,;<>()]{12,}={0,2}")
_QUOTE: Final = rf"(?:[\"]{{3}}|[']{{3}}|[\"'`{''.join(TYPOGRAPHIC)}{''.join(TYPOGRAPHIC.values())}])?"
_PIECE: Final = re.compile(rf"^({_QUOTE}(?:[\w.-]+=)?{_QUOTE})(.*?)({_QUOTE}\s*)$", re.DOTALL)


def masked_lines(state: State, path: str, *others: State) -> list[str]:
    """Return the lines of a file without secrets: as many as there are, none with a control character.

    ``others`` are the same files at other moments: what is a password then is none to be shown now.
    """
    lines, mask = _masking(state, path, *others)
    return list(map(mask, lines))


def _masking(state: State, path: str, *others: State) -> _Masking:
    """Return the lines of a file, and what masks one: of a long file few are shown."""
    text = state.text(path) or ""
    states = (state, *others)
    for start, end in sorted(_secret_places(state, path, text, _secrets(states)), reverse=True):
        text = text[:start] + "\n".join(map(_masked, text[start:end].split("\n"))) + text[end:]
    seals = [seal_of(one.loaded) for each in states for one in each.subjects]
    public = _public(states)
    named = references_in(text)

    def mask(line: str) -> str:
        shown = line.removesuffix("\r")
        for seal in seals:
            shown = seal.own(shown)
        shown = _NAMED.sub(lambda found: found[0] if _refers(found, named) else _behind_name(found), shown)
        shown = _TOKEN.sub(lambda found: found[0] if found[0] in public else _if_random(found), shown)
        return printable(shown)

    return text.split("\n"), mask


def _public(states: tuple[State, ...]) -> frozenset[str]:
    """Return how a Secret of Kubernetes writes the values that are none, which a person has to see to write them."""
    found = set()
    for loaded in (subject.loaded for state in states for subject in state.subjects):
        settings = loaded.settings
        for one in (settings.host, settings.username, settings.sender):
            if one is not None:
                text = one.value.strip()
                found |= {
                    b64encode(f"{text}{end}".encode(errors="replace")).decode() for end in ("", "\n", "\r\n")
                }
    return frozenset(found)


def _hidden(done: Done) -> str:
    """Return a value that is not shown for standing under a name that nobody reads: it may be anything."""
    operation = done.operation
    if operation.what != "rename" or operation.setting in _SHOWN:
        return ""
    there = (one.assignment(operation.value) for one in done.state.subjects)
    value = next((one.value for one in there if one is not None and one.value), "") or ""
    address = operation.setting in {"sender", "username"} and _ADDRESS.fullmatch(value.strip())
    return "" if address or is_harmless(value) else value.strip()


def _secrets(states: tuple[State, ...]) -> frozenset[str]:
    """Return the passwords that the files give at any of some moments."""
    found = set()
    for state in states:
        for subject in state.subjects:
            password = subject.loaded.settings.password
            found |= {one.reveal().strip() for one in subject.loaded.secrets}
            if password is not None:
                found.add(password.value.reveal().strip())
    return frozenset(filter(None, found))


def _if_random(found: re.Match[str]) -> str:
    return Secret.MASK if looks_random(found[0]) else found[0]


def _behind_name(found: re.Match[str]) -> str:
    value = found[2]
    if value == Secret.MASK or value.lower() in {"true", "false", "null", "none", "nil"} or value.isdigit():
        return found[0]
    return found[1] + Secret.MASK


def _refers(found: re.Match[str], named: frozenset[str]) -> bool:
    """Whether what stands there is the name of a Secret or of a key of it."""
    name = re.sub(r"\W", "", found[1]).lower()
    return name.endswith("keyref") or (name == "key" and found[2].strip("\"'") in named)


def _masked(text: str) -> str:
    """Return a mask in the place of a value, its quotes and the name before it left."""
    found = _PIECE.match(text)
    assert found is not None  # noqa: S101 -- nothing in it has to be there
    return f"{found[1]}{Secret.MASK}{found[3]}" if found[2] else text


def _secret_places(state: State, path: str, text: str, secrets: frozenset[str]) -> set[tuple[int, int]]:
    """Return where the values stand of names that speak of secrets, and the password itself."""
    key = normpath(path)
    own = {
        id(at)
        for one in state.subjects
        if (used := one.reading.used.get("password")) is not None and (at := used.at) is not None
        if "@" not in at.name
    }
    regions = {
        (one.region.start, one.region.end)
        for subject in state.subjects
        for one in subject.reading.scope.assignments
        if id(one) in own and normpath(one.region.place.path) == key
    }
    for _, one, _ in state.standing():
        harmless = one.kind in {"boolean", "null", "call"} or (one.value or "").lower() in {
            "true",
            "false",
            "",
        }
        secret = names_secret(one.name) or (one.value or "").strip(" \t\r\n\"'`") in secrets
        if secret and not harmless and normpath(one.region.place.path) == key:
            regions.add((one.region.start, one.region.end))
    # One within another is masked with it; the name of a variable is no secret.
    regions = {one for one in regions if not REFERENCE.fullmatch(text[one[0] : one[1]])}
    return {
        one
        for one in regions
        if one[1] <= len(text)
        and not any(other != one and other[0] <= one[0] and one[1] <= other[1] for other in regions)
    }


def difference(plan: Plan, path: str, shown: str) -> str:
    """Return what changes in a file as a unified diff with context, "" where nothing does."""
    old, new = (state.text(path) or "" for state in (plan.before, plan.after))
    before, after = old.split("\n"), new.split("\n")
    if not before[-1] and not after[-1]:  # what stands behind the last line end is no line
        before, after = before[:-1], after[:-1]
    masked = _masking(plan.before, path, plan.after), _masking(plan.after, path, plan.before)
    # Lines are compared as they are and told without secrets: each stands for its number.
    numbered = list(
        unified_diff(
            [f"{line}\0" for line in before],
            [f"{line}\0" for line in after],
            shown,
            shown,
            n=_CONTEXT,
            lineterm="",
        )
    )
    hidden = list(filter(None, (_hidden(one) for step in plan.steps for one in step.done)))
    told = list(_shown(numbered, masked))
    for number, line in enumerate(told[2:], 2):
        for value in hidden if line[:1] in {"-", "+"} else ():
            told[number] = told[number].replace(value, Secret.MASK)
    return "\n".join(told) + "\n" if told else ""


def _shown(lines: list[str], masked: tuple[_Masking, _Masking]) -> Iterator[str]:
    (before, mask_before), (after, mask_after) = masked
    left = right = 0
    for number, line in enumerate(lines):
        if number < 2:  # noqa: PLR2004 -- the names of the files
            yield printable(line)
        elif line.startswith("@@"):
            found = re.match(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line)
            assert found is not None  # noqa: S101 -- difflib's own
            left = int(found[1]) - (0 if found[2] == "0" else 1)
            right = int(found[3]) - (0 if found[4] == "0" else 1)
            yield line
        else:
            sign = line[:1]
            yield sign + (mask_after(after[right]) if sign == "+" else mask_before(before[left]))
            left += sign != "+"
            right += sign != "-"


def changes_of(step: Step, before: State, first: State, last: State) -> tuple[Change, ...]:
    """Return the edits of a step; ``before`` is what the files said when it began, ``first`` and ``last`` around all.

    Each stands at the line that it has before any edit, and what changes a line again is one with what changed it.
    """
    found: list[Change] = []
    state = before
    for one in step.done:
        change = _change(one, state, (first, last))
        state = one.state
        again = next(
            (place for place, known in enumerate(found) if change.before and known.after == change.before),
            None,
        )
        if again is None:
            found.append(_at_first(change, before, first))
        else:
            known = found[again]
            found[again] = replace(
                change, before=known.before, origin=replace(change.origin, line=known.origin.line)
            )
    return tuple(one for one in found if one.before != one.after)


def _at_first(change: Change, before: State, first: State) -> Change:
    """Return a change with the line that it was at before all edits."""
    path, line = change.origin.path, change.origin.line
    if path is None or line is None:
        return change
    old, new = ((state.text(path) or "").split("\n") for state in (first, before))
    # Edits are few: what stands above the first and below the last of them is not compared again.
    above = _alike(old, new)
    below = _alike(old[above:][::-1], new[above:][::-1])
    if line <= above:
        return change
    moved = line + len(old) - len(new)
    between = old[above : len(old) - below], new[above : len(new) - below]
    if line <= len(new) - below and max(map(len, between)) <= _COMPARED:
        for _, start, _, begin, end in SequenceMatcher(None, *between, autojunk=False).get_opcodes():
            if begin < line - above <= end:
                moved = start + line - begin
                break
    return replace(change, origin=replace(change.origin, line=moved))


def _alike(one: list[str], other: list[str]) -> int:
    """Return how many lines are the same from the beginning on."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _whole_value(done: Done) -> str:
    """Return what a variable is to hold: of one with several settings in it all of it, of another name what it held."""
    renamed = done.operation.what == "rename"
    name, sign, _ = (done.operation.value if renamed else done.operation.name).partition("@")
    if not sign and not renamed:
        return done.operation.value
    standing = (one.assignment(name) for one in done.state.subjects)
    return next(
        (one.value for one in standing if one is not None and one.value),
        "" if renamed else done.operation.value,
    )


def _standing_name(state: State, edit: Edit) -> str:
    """Return the name whose own value an edit changes, "" where it stands under none.

    What a container gets as SMTP_PORT may stand as MAIL_PORT in a `.env`, or under a key of a ConfigMap.
    """
    path = normpath(edit.path)

    def held(one: Assignment) -> bool:
        region = one.region
        return normpath(region.place.path) == path and region.start <= edit.start <= edit.end <= region.end

    for _, one, _ in state.standing():
        if not one.effect and held(one):
            return one.name.partition("@")[0]
    text = state.text(edit.path) or ""
    return own_name(edit.path, text, edit.start)


def _change(done: Done, before: State, others: tuple[State, ...]) -> Change:
    edit, operation = done.edit, done.operation
    old = before.text(edit.path) or ""
    first = old.count("\n", 0, edit.start)
    last = old.count("\n", 0, edit.end)
    added = edit.text.count("\n")
    lines, mask = _masking(before, edit.path, done.state, *others)
    gone = list(map(mask, lines[first : last + 1]))
    lines, mask = _masking(done.state, edit.path, before, *others)
    come = list(map(mask, lines[first : first + added + 1]))
    # A line that only moved is none that changes.
    while gone and come and gone[0] == come[0]:
        first += 1
        gone, come = gone[1:], come[1:]
    while gone and come and gone[-1] == come[-1]:
        gone, come = gone[:-1], come[:-1]
    if hidden := _hidden(done):
        gone = [line.replace(hidden, Secret.MASK) for line in gone]
        come = [line.replace(hidden, Secret.MASK) for line in come]
    name = operation.value if operation.what == "rename" else operation.name.partition("@")[0]
    if operation.what == "set":
        name = _standing_name(before, edit) or name
    secret = names_secret(name) or operation.setting == "password"
    value = "" if operation.what == "remove" else Secret.MASK if hidden else _whole_value(done)
    for subject in (*before.subjects, *done.state.subjects):
        value = seal_of(subject.loaded).own(value)
    line = first + 1 if operation.what != "put" else None
    origin = Origin("file", name, edit.path, line)
    return Change(
        name, Secret.MASK if secret and value else value, origin, operation.setting, tuple(gone), tuple(come)
    )
