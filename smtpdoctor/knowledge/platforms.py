"""Where a process runs, by what its platform leaves there, and the rule that the platform has for mail ports."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from smtpdoctor.errors import KnowledgeError
from smtpdoctor.knowledge.load import PACKAGE
from smtpdoctor.knowledge.schema import Text

__all__ = ["MACHINE", "Platform", "Rule", "platforms", "read_platforms", "recognised"]

MACHINE: Final = ("sys_vendor", "product_name", "chassis_asset_tag")
"""Files of ``/sys/class/dmi/id`` by which a virtual machine is known."""

_FILE: Final = "platforms.toml"
_MOST_PORT: Final = 65_535


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """What a platform does with mail ports: those that it blocks, and what to do about it.

    ``checked`` is the month in which the sources were read, ``since`` the day of the rule where it is known.
    """

    blocked: tuple[int, ...]
    text: Text
    checked: str
    sources: tuple[str, ...]
    since: str = ""


class Platform(Struct, frozen=True, forbid_unknown_fields=True):
    """A platform; one of ``variables`` that is set and not empty, or one value of ``machine``, says that it is this one.

    Without ``rule`` nothing is known of it that a source says.
    """

    id: str
    name: str
    variables: tuple[str, ...] = ()
    machine: dict[str, tuple[str, ...]] = {}
    rule: Rule | None = None


def _problems(platform: Platform) -> Iterator[str]:
    if not platform.variables and not platform.machine:
        yield "nothing by which it is known"
    yield from (f"machine: unknown key {key!r}" for key in platform.machine if key not in MACHINE)
    rule = platform.rule
    if rule is None:
        return
    if not rule.blocked or not all(0 < one <= _MOST_PORT for one in rule.blocked):
        yield "rule.blocked: a port from 1 to 65535 is missing"
    if not rule.sources:
        yield "rule.sources: nothing says so"


def read_platforms(path: Path) -> tuple[Platform, ...]:
    """Read the file strictly; raises KnowledgeError, which lists every problem of it."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        found = msgspec.convert(data.get("platform"), tuple[Platform, ...], strict=True)
        if unknown := data.keys() - {"platform"}:
            raise KnowledgeError([f"{path}: unknown key {one!r}" for one in sorted(unknown)])
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise KnowledgeError([f"{path}: {error}"]) from error
    problems = [f"{path}: {one.id}: {problem}" for one in found for problem in _problems(one)]
    names = [one.id for one in found]
    problems += [f"{path}: {name}: twice" for name in sorted({one for one in names if names.count(one) > 1})]
    if problems:
        raise KnowledgeError(problems)
    return found


@cache
def platforms() -> tuple[Platform, ...]:
    """Return the platforms, the special ones before those that they run on."""
    return read_platforms(PACKAGE / _FILE)


def recognised(environment: Mapping[str, str], machine: Mapping[str, str]) -> Platform | None:
    """Return where a process with this environment on this machine runs; what stands first in the file wins.

    The environment says more: a job of a CI runs on some cloud's machine, and the CI has the rules.
    """
    for one in platforms():
        if any(environment.get(name) for name in one.variables):
            return one
    for one in platforms():
        if any(machine.get(key, "").strip() in values for key, values in one.machine.items()):
            return one
    return None
