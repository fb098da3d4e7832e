"""What the probes of one run share: one connection, and what was learned on the way.

The one mutable object of a run; owned by one thread, typed fields only.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct

from smtpdoctor.labels import Label
from smtpdoctor.model import (
    Evidence,
    Lang,
    Message,
    Setting,
    SettingName,
    Stage,
    StageResult,
    Status,
)
from smtpdoctor.settings.resolve import Loaded
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import DialogueError
from smtpdoctor.smtp.reply import Reply
from smtpdoctor.smtp.transcript import Transcript
from smtpdoctor.smtp.words import decode

__all__ = ["Address", "Options", "Session", "known"]

T = TypeVar("T")
_FIRST = 120
# Which line of the settings a person looks at first when a stage fails.
_SETTING_OF: Final[Mapping[Stage, SettingName]] = {
    Stage.DNS: "host",
    Stage.CONNECT: "port",
    Stage.GREETING: "port",
    Stage.TLS: "security",
    Stage.AUTH: "password",
    Stage.SENDER: "sender",
    Stage.RECIPIENT: "recipient",
    Stage.SEND: "sender",
}


class Options(Struct, frozen=True, kw_only=True):
    """How to run: what the settings of an application do not say.

    ``timeout`` is for each stage, ``deadline`` for the whole run, both in seconds.
    ``connect_to`` maps a host and port to the ones to dial instead, as curl's option does.
    ``arrived`` is for a server whose mailbox can be seen: asked with the token of the test message,
    it returns the subject of the message that arrived, or None.
    """

    until: Stage = Stage.SENDER
    ca_file: str | None = None
    timeout: float = 10.0
    deadline: float = 60.0
    resolver: tuple[str, int] | None = None
    connect_to: Mapping[tuple[str, int], tuple[str, int]] = {}
    family: int | None = None  # 4 or 6: this IP version only
    allow_cleartext_auth: bool = False
    lang: Lang = "en"
    arrived: Callable[[str], str | None] | None = None


class Address(Struct, frozen=True):
    """Where to dial: an IP address and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine itself."""
        return ipaddress.ip_address(self.ip.partition("%")[0]).is_loopback


class Session(Struct):
    """One run against one server."""

    loaded: Loaded
    options: Options
    transcript: Transcript
    run_deadline: float
    deadline: float = 0.0  # of the current stage, a time.monotonic() moment
    addresses: tuple[Address, ...] = ()
    address: Address | None = None
    channel: Channel | None = None
    ehlo: str = ""
    capabilities: Mapping[str, str] = {}
    message: bytes | None = None
    token: str = ""
    in_transaction: bool = False

    @property
    def host(self) -> str:
        """The host's name as the application has it, without the dot of the root."""
        return known(self.loaded.settings.host).strip().strip("[]").rstrip(".")

    @property
    def port(self) -> int:
        """The port as the application has it."""
        return known(self.loaded.settings.port)

    def start_stage(self) -> None:
        """Give the current stage its time."""
        self.deadline = min(time.monotonic() + self.options.timeout, self.run_deadline)
        if self.channel is not None:
            self.channel.deadline = self.deadline

    def open_channel(self) -> Channel:
        """Return the channel that the connect stage opened."""
        if self.channel is None:
            msg = "no connection yet"
            raise RuntimeError(msg)
        return self.channel

    def redact(self, text: str) -> str:
        """Return a text fit to keep: without secrets and control characters."""
        return self.transcript.redact(text)

    def about(self, stage: Stage) -> dict[str, Any]:
        """Return the setting that a failure in a stage is usually about, and where it stands."""
        name = _SETTING_OF.get(stage)
        setting = self.loaded.settings.get(name) if name else None
        return {"setting": name, "origin": setting.origin} if setting else {}

    def login_labels(self) -> tuple[str, ...]:
        """Return the label for a dialogue without a login on a server that offers one."""
        offered = "AUTH" in self.capabilities and self.loaded.settings.password is None
        return (Label.NOT_LOGGED_IN,) if offered else ()

    def refused(self, stage: Stage, reply: Reply, *labels: str, **facts: str) -> Evidence:
        """Return the evidence of a reply that says no."""
        return Evidence(
            stage=stage,
            code=reply.code,
            enhanced=reply.enhanced,
            text=self.redact(reply.text),
            labels=frozenset(labels),
            facts=facts,
            **self.about(stage),
        )

    def broken(self, stage: Stage, error: DialogueError, *labels: str, **facts: str) -> Evidence:
        """Return the evidence of a dialogue that broke."""
        # The first line is enough to tell what is speaking.
        line = error.received.lstrip().split(b"\n")[0][:_FIRST]
        first = self.redact(decode(line).rstrip("\r")) if line else ""
        if first:
            facts["first"] = first
        if error.token == "timeout":  # noqa: S105 -- an error token
            facts.setdefault("seconds", f"{self.options.timeout:g}")
            if error.received:
                labels = (*labels, Label.DRIPPING)
        label = getattr(error, "label", None)
        all_labels = frozenset((*labels, *([label] if label else [])))
        text = first or getattr(error, "detail", "")
        return Evidence(
            stage=stage,
            error=error.token,
            text=text,
            labels=all_labels,
            facts=facts,
            **self.about(stage),
        )


def known(setting: Setting[T] | None) -> T:
    """Return the value of a setting that the config stage has found to be there."""
    if setting is None:
        msg = "a setting that the config stage demands is absent"
        raise RuntimeError(msg)
    return setting.value


def passed(stage: Stage, key: str, facts: Mapping[str, Any] | None = None, **values: object) -> StageResult:
    """Return the result of a stage that went well."""
    return StageResult(stage=stage, status=Status.PASS, summary=Message(key, values), facts=facts or {})


def failed(
    stage: Stage, key: str, *evidence: Evidence, facts: Mapping[str, Any] | None = None, **values: object
) -> StageResult:
    """Return the result of a stage that failed."""
    return StageResult(
        stage=stage,
        status=Status.FAIL,
        summary=Message(key, values),
        facts=facts or {},
        evidence=evidence,
    )


def skipped(stage: Stage, key: str, **values: object) -> StageResult:
    """Return the result of a stage that did not run, with the reason."""
    return StageResult(stage=stage, status=Status.SKIP, summary=Message(key, values))
