"""Which changes mend what was found: each is tried, and told only where it holds. Pure but for what ``read`` reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice
from typing import Final

from msgspec import Struct

from smtpdoctor.fix.generated import made_by
from smtpdoctor.fix.operations import Done, applied
from smtpdoctor.fix.repairs import NAMES, Repair, changed_settings, repairs, uncovers
from smtpdoctor.fix.state import Found, Key, State

__all__ = ["Holds", "Plan", "Step", "plan"]

_MOST_REPAIRS: Final = 24
_MOST_STEPS: Final = 20
_DEPTH: Final = 2
_OF_CONNECTION: Final = frozenset({"host", "port", "security"})
_MOST_FOLLOWED: Final = 6


class Step(Struct, frozen=True):
    """A finding and what mends it, in the order in which it was done."""

    found: Found
    done: tuple[Done, ...]

    @property
    def settings(self) -> set[str]:
        """The settings that change."""
        return {one.operation.setting for one in self.done if one.operation.setting is not None}


class Plan(Struct, frozen=True):
    """What mends what was found, and what does not.

    ``after`` is what the files say then; ``left`` are the findings that no edit mends, ``generated`` the files
    that another program makes, by name with what says so: nothing is changed in them. ``refused``: the server
    did not take what would have mended something, or could not be asked.
    """

    before: State
    after: State
    steps: tuple[Step, ...]
    left: tuple[Found, ...]
    generated: dict[str, str]
    refused: bool = False

    @property
    def changed(self) -> dict[str, tuple[str, str]]:
        """The text before and after of each file that changes."""
        found: dict[str, tuple[str, str]] = {}
        for path, text in self.after.texts.items():
            old = self.before.texts.get(path)
            if text is not None and old is not None and text != old:
                found[path] = old, text
        return found


Holds = Callable[[State, str], bool]
"""Whether what a service would do then works: where a server can be asked."""


def plan(
    state: State, *, inert: bool = False, holds: Holds | None = None, seen: tuple[Found, ...] = ()
) -> Plan:
    """Return the changes after which nothing of what they mend is found any more, and nothing new.

    ``inert``: what does nothing may be taken out as well. ``holds`` is asked of each change of where and how
    the connection is made. ``seen`` is what only the server has shown; what mends that has to hold there.
    """
    if holds is not None:
        # Two faults beside each other would each keep the server from taking what mends the other.
        whole = _Planner(inert=inert, holds=lambda _, __: True)
        after = whole.mend_all(state)
        about = {step.found.subject.service for step in whole.steps if step.settings & _OF_CONNECTION}
        if not seen and all(holds(after, service) for service in about):
            return Plan(state, after, tuple(whole.steps), after.found, whole.generated)
    planner = _Planner(inert=inert, holds=holds)
    current = planner.mend_all(state)
    for target in seen:
        done = planner.mended(current, target, 0, by_server=True)
        if done is not None:
            planner.steps.append(Step(target, done))
            current = planner.mend_all(done[-1].state)
    return Plan(
        state, current, tuple(planner.steps), current.found, planner.generated, refused=planner.refused
    )


class _Planner:
    def __init__(self, *, inert: bool, holds: Holds | None) -> None:
        self.steps: list[Step] = []
        self.generated: dict[str, str] = {}
        self.refused = False
        self._inert = inert
        self._holds = holds

    def mend_all(self, current: State) -> State:
        """Mend one finding after the other, and return what is said then."""
        given_up: set[Key] = set()
        while len(self.steps) < _MOST_STEPS:
            waiting = [one for one in current.found if one.key not in given_up]
            if not waiting:
                break
            misnamed = (one for one in waiting if one.finding.evidence.labels & NAMES)
            target = next(misnamed, waiting[0])
            done = self.mended(current, target, _DEPTH)
            if done is None:
                given_up.add(target.key)
                continue
            self.steps.append(Step(target, done))
            current = done[-1].state
            given_up.clear()
        return current

    def mended(
        self, state: State, target: Found, depth: int, *, by_server: bool = False
    ) -> tuple[Done, ...] | None:
        """Return the first changes that mend a finding, with what they bring to light, None where none do.

        A line is taken out only where no other change helps.
        """
        tried = list(islice(repairs(target, inert=self._inert, asked=self._holds is not None), _MOST_REPAIRS))
        removing = [one for one in tried if any(each.what == "remove" for each in one)]
        for several in ([one for one in tried if one not in removing], removing):
            done = self._first(state, target, several, depth, by_server=by_server)
            if done is not None:
                return done
        return None

    def _first(
        self, state: State, target: Found, tried: list[Repair], depth: int, *, by_server: bool
    ) -> tuple[Done, ...] | None:
        service = target.subject.service
        others: list[tuple[Repair, tuple[Done, ...]]] = []
        for repair in tried:
            done = _carried_out(state, service, repair)
            if done is None:
                continue
            if by := _generated(state, done):
                self.generated |= by
                continue
            if not by_server and done[-1].state.keys[target.key] >= state.keys[target.key]:
                continue
            if _new(done[-1].state, state):
                others.append((repair, done))
            elif self._works(done, service):
                return done
        for _, done in others[:_MOST_FOLLOWED] if depth else ():
            rest = self._rest(state, done, depth)
            if rest is not None and self._works(rest, service):
                return rest
        for repair, done in others:
            if _brings_to_light(target, repair, _new(done[-1].state, state)) and self._works(done, service):
                return done
        return None

    def _works(self, done: tuple[Done, ...], service: str) -> bool:
        """Whether the server takes it, where a change is about the connection to it and one can be asked."""
        settings = {one.operation.setting for one in done}
        if self._holds is None or not settings & _OF_CONNECTION:
            return True
        works = self._holds(done[-1].state, service)
        self.refused = self.refused or not works
        return works

    def _rest(self, state: State, done: tuple[Done, ...], depth: int) -> tuple[Done, ...] | None:
        """Return changes with those that mend what they brought to light, None where not all of it can be."""
        while new := _new(done[-1].state, state):
            more = self.mended(done[-1].state, new[0], depth - 1)
            if more is None or len(_new(more[-1].state, state)) >= len(new):
                return None
            done = (*done, *more)
        return done


def _generated(state: State, done: tuple[Done, ...]) -> dict[str, str]:
    found = {}
    for one in done:
        said = made_by(state.text(one.edit.path) or "")
        if said:
            found[one.edit.path] = said
    return found


def _carried_out(state: State, service: str, repair: Repair) -> tuple[Done, ...] | None:
    done: list[Done] = []
    for operation in repair:
        one = applied(done[-1].state if done else state, service, operation)
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


def _brings_to_light(target: Found, repair: Repair, new: list[Found]) -> bool:
    """Whether what is found now was there before, and could not be seen: what stood in its way is gone."""
    touched = changed_settings(repair)
    return uncovers(target, repair) and all(
        (one.finding.evidence.setting or "") not in touched for one in new
    )
