"""Which changes mend what was found: each is tried, and told only where it holds. Pure but for what ``read`` reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec import Struct

from smtpdoctor.fix.generated import made_by
from smtpdoctor.fix.operations import Done, applied
from smtpdoctor.fix.repairs import changed_settings, repairs
from smtpdoctor.fix.state import Found, Key, State
from smtpdoctor.labels import meaning
from smtpdoctor.model import Severity

__all__ = ["Plan", "Step", "plan"]

_MOST_REPAIRS: Final = 24
_MOST_STEPS: Final = 20
_DEPTH: Final = 2


class Step(Struct, frozen=True):
    """A finding and what mends it, in the order in which it was done."""

    found: Found
    done: tuple[Done, ...]


class Plan(Struct, frozen=True):
    """What mends what was found, and what does not.

    ``after`` is what the files say then; ``left`` are the findings that no edit mends, ``generated`` the files
    that another program makes, by name with what says so: nothing is changed in them.
    """

    before: State
    after: State
    steps: tuple[Step, ...]
    left: tuple[Found, ...]
    generated: dict[str, str]

    @property
    def changed(self) -> dict[str, tuple[str, str]]:
        """The text before and after of each file that changes."""
        found: dict[str, tuple[str, str]] = {}
        for path, text in self.after.texts.items():
            old = self.before.texts.get(path)
            if text is not None and old is not None and text != old:
                found[path] = old, text
        return found


def plan(state: State, *, inert: bool = False) -> Plan:
    """Return the changes after which nothing of what they mend is found any more, and nothing new.

    ``inert``: what does nothing may be taken out as well.
    """
    current = state
    steps: list[Step] = []
    given_up: set[Key] = set()
    generated: dict[str, str] = {}
    while len(steps) < _MOST_STEPS:
        target = next((one for one in current.found if one.key not in given_up), None)
        if target is None:
            break
        done = _mended(current, target, _DEPTH, inert=inert, generated=generated)
        if done is None:
            given_up.add(target.key)
            continue
        steps.append(Step(target, done))
        current = done[-1].state
        given_up.clear()
    return Plan(state, current, tuple(steps), current.found, generated)


def _mended(
    state: State, target: Found, depth: int, *, inert: bool, generated: dict[str, str]
) -> tuple[Done, ...] | None:
    """Return the first changes that mend a finding, with what they bring to light, None where none do."""
    second: tuple[Done, ...] | None = None
    for repair in islice(repairs(target, inert=inert), _MOST_REPAIRS):
        done = _carried_out(state, target.subject.service, repair)
        if done is None or (by := _generated(state, done)):
            generated |= by if done is not None else {}
            continue
        after = done[-1].state
        if after.keys[target.key] >= state.keys[target.key]:
            continue
        new = _new(after, state)
        if not new:
            return done
        if depth:
            rest = _rest(state, done, depth, inert=inert, generated=generated)
            if rest is not None:
                return rest
        if second is None and _brings_to_light(target, repair, new):
            second = done
    return second


def _generated(state: State, done: tuple[Done, ...]) -> dict[str, str]:
    found = {}
    for one in done:
        said = made_by(state.text(one.edit.path) or "")
        if said:
            found[one.edit.path] = said
    return found


def _carried_out(state: State, service: str, repair: tuple[object, ...]) -> tuple[Done, ...] | None:
    done: list[Done] = []
    for operation in repair:
        one = applied(done[-1].state if done else state, service, operation)  # type: ignore[arg-type]
        if one is None:
            return None
        done.append(one)
    return tuple(done) or None


def _new(after: State, before: State) -> list[Found]:
    """Return what is found after a change and was not before."""
    known = Counter(before.keys)
    new = []
    for one in after.found:
        if known[one.key]:
            known[one.key] -= 1
        else:
            new.append(one)
    return new


def _rest(
    state: State, done: tuple[Done, ...], depth: int, *, inert: bool, generated: dict[str, str]
) -> tuple[Done, ...] | None:
    """Return changes with those that mend what they brought to light, None where not all of it can be."""
    while new := _new(done[-1].state, state):
        more = _mended(done[-1].state, new[0], depth - 1, inert=inert, generated=generated)
        if more is None or len(_new(more[-1].state, state)) >= len(new):
            return None
        done = (*done, *more)
    return done


def _brings_to_light(target: Found, repair: tuple[object, ...], new: list[Found]) -> bool:
    """Whether what is found now was there before, and could not be seen: what stood in its way is gone."""
    labels = target.finding.evidence.labels
    setting = target.finding.evidence.setting
    blocked = any(meaning(label, setting).blocks for label in labels)
    hid = blocked or target.finding.severity is Severity.ERROR or setting == "host"
    touched = changed_settings(repair)  # type: ignore[arg-type]
    return hid and all((one.finding.evidence.setting or "") not in touched for one in new)


def edits_of(steps: tuple[Step, ...]) -> Iterator[Done]:
    """Yield all that was done."""
    for step in steps:
        yield from step.done
