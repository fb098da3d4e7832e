"""JSON, version 1, as the contract has it: strict types, so that nothing is missing and nothing is more.

Written from the contract, not from the code that prints: ``msgspec`` refuses what does not fit.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

__all__ = ["Checked", "Explained", "read_checked", "read_explained"]


class _Strict(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Tool(_Strict, frozen=True):
    """What made the object."""

    name: Literal["smtpdoctor"]
    version: str


class Overridden(_Strict, frozen=True):
    """What a weaker source said."""

    value: str | int
    origin: str


class Value(_Strict, frozen=True):
    """A setting; an empty object where there is none."""

    value: str | int | None = None
    origin: str | None = None
    overrides: tuple[Overridden, ...] = ()


class Settings(_Strict, frozen=True):
    """The settings."""

    host: Value
    port: Value
    security: Value
    username: Value
    password: Value
    sender: Value
    cipher: Value = Value()
    ehlo: Value = Value()
    recipient: Value = Value()


StageName = Literal[
    "config", "dns", "connect", "greeting", "tls", "auth", "sender", "recipient", "send", "delivery"
]


class StageObject(_Strict, frozen=True):
    """A stage."""

    name: StageName
    status: Literal["pass", "warn", "fail", "skip"]
    seconds: float
    summary: str
    facts: dict[str, Any] | None


class EvidenceObject(_Strict, frozen=True):
    """What a finding is known by; what ``explain`` adds has defaults."""

    code: int | None
    enhanced: str | None
    error: str | None
    text: str
    count: int = 1
    file: str | None = None
    line: int = 1
    last_line: int = 1
    caused_by: str | None = None


class ChangeObject(_Strict, frozen=True):
    """An edit."""

    file: str | None
    line: int | None
    name: str
    value: str


class FindingObject(_Strict, frozen=True):
    """A finding."""

    id: str
    stage: str
    severity: Literal["error", "warning", "info"]
    confidence: Literal["certain", "likely", "possible"]
    fault: Literal["config", "account", "server", "network", "smtpdoctor"]
    retryable: bool
    title: str
    meaning: str
    fixes: tuple[str, ...]
    links: tuple[str, ...]
    evidence: EvidenceObject
    origin: str | None
    candidates: tuple[str, ...]
    changes: tuple[ChangeObject, ...]


class TurnObject(_Strict, frozen=True):
    """A line of the transcript."""

    seconds: float
    direction: Literal["in", "out", "note"]
    encrypted: bool
    text: str


class CommandObject(_Strict, frozen=True):
    """A command that would help."""

    command: str
    safe: bool


class IgnoredObject(_Strict, frozen=True):
    """A finding that was not to count, and why."""

    id: str
    reason: str
    text: str


class AttemptObject(_Strict, frozen=True):
    """What one of several attempts met."""

    id: str | None
    stage: str | None
    pause: float
    seconds: float
    text: str


class Checked(_Strict, frozen=True):
    """What ``check`` and ``lint`` print."""

    version: Literal[1]
    tool: Tool
    verdict: Literal["pass", "warn", "fail", "inconclusive"]
    settings: Settings
    preset: str | None
    app: str
    stages: tuple[StageObject, ...]
    findings: tuple[FindingObject, ...]
    next: tuple[CommandObject, ...]
    settled: tuple[dict[str, str], ...] = ()
    ignored: tuple[IgnoredObject, ...] = ()
    attempts: tuple[AttemptObject, ...] = ()
    attempts_ended: str = ""
    transcript: tuple[TurnObject, ...] = ()


class Explained(_Strict, frozen=True):
    """What ``explain`` prints."""

    version: Literal[1]
    tool: Tool
    findings: tuple[FindingObject, ...]
    next: tuple[CommandObject, ...] = ()


def read_checked(text: str) -> Checked:
    """Read the object of ``check``; raises where it does not fit."""
    found = msgspec.json.decode(text, type=Checked)
    if found.verdict == "fail":
        assert any(one.severity == "error" for one in found.findings)
    return found


def read_explained(text: str) -> Explained:
    """Read the object of ``explain``; raises where it does not fit."""
    return msgspec.json.decode(text, type=Explained)
