"""What the probes of one run share: one connection, and what was learned on the way.

The one mutable object of a run; owned by one thread, typed fields only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Lang, Message, Stage
from smtpdoctor.settings.target import ConnectTo, Target, is_loopback, redirected
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.reply import Reply
from smtpdoctor.smtp.transcript import Transcript

if TYPE_CHECKING:
    from smtpdoctor.probes.logins import Turn

__all__ = ["Address", "Failed", "Options", "Passed", "Session", "Skipped"]

_SHORT_WAIT: Final = 3.0


class Options(Struct, frozen=True, kw_only=True):
    """How to run: what the settings of an application do not say.

    ``timeout`` is for each stage, ``deadline`` for the whole run, both in seconds.
    ``connect_to`` maps a host and port to the ones to dial instead, as curl's option does.
    ``arrived`` is for a server whose mailbox can be seen: asked with the token of the test message,
    it returns the subject of the message that arrived, or None. ``looks``: a port that turns this client away may
    be looked at through further connections; a run that is repeated anyway is spared them, as they count
    where a server takes only so many. ``turn`` is the part of this run in a login that others send as well.
    """

    until: Stage = Stage.SENDER
    ca_file: str | None = None
    timeout: float = 10.0
    deadline: float = 60.0
    resolver: tuple[str, int] | None = None
    connect_to: ConnectTo = {}
    family: int | None = None  # 4 or 6: this IP version only
    allow_cleartext_auth: bool = False
    lang: Lang = "en"
    arrived: Callable[[str], str | None] | None = None
    looks: bool = True
    turn: Turn | None = None


class Address(Struct, frozen=True):
    """Where to dial: an IP address and a port.

    ``own``: the user or this machine said so, with an address, ``localhost`` or the file of hosts; the answer of
    a name server is the word of somebody else.
    """

    ip: str
    port: int
    own: bool = True

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine itself, by the user's own word."""
        return self.own and is_loopback(self.ip)


class Passed(Struct, frozen=True):
    """A stage that went well; ``evidence`` is what was odd all the same."""

    summary: Message
    facts: Struct | None = None
    evidence: tuple[Evidence, ...] = ()


class Skipped(Struct, frozen=True):
    """A stage that had nothing to do, and why."""

    summary: Message


class Failed(Exception):
    """A stage that found what keeps mail from being sent; ``evidence`` has the gravest first."""

    def __init__(self, summary: Message, *evidence: Evidence, facts: Struct | None = None) -> None:
        super().__init__(summary.key)
        self.summary = summary
        self.evidence = evidence
        self.facts = facts


class Session(Struct):
    """One run against one server.

    ``awaiting`` is the command whose reply is awaited (empty: the greeting), ``facts`` what the
    running stage knows so far: both for the case that the dialogue breaks.
    """

    target: Target
    options: Options
    transcript: Transcript
    run_deadline: float
    stage: Stage = Stage.CONFIG
    deadline: float = 0.0  # of the current stage, a time.monotonic() moment
    allotted: float = 0.0  # seconds that the current stage was given
    addresses: tuple[Address, ...] = ()
    address: Address | None = None
    channel: Channel | None = None
    awaiting: str = ""
    facts: Struct | None = None
    greeted: bool = False
    banner: str = ""
    ehlo: str = ""
    ehlo_assumed: bool = False  # which name the application sends is not known
    capabilities: Mapping[str, str] = {}
    secured: bool = False  # TLS with a verified certificate and secret bits
    rewritten: str = ""  # what something on the way has overwritten in what the server said
    login_sent: bool = False  # or a part of it
    logged_in: bool = False
    message: bytes | None = None
    token: str = ""
    in_transaction: bool = False
    over: bool = False  # nothing more is to be said on the connection

    @property
    def at_provider(self) -> bool:
        """Whether host and port are a known provider's own: whoever else answers there stands in between."""
        from smtpdoctor.knowledge import load

        target = self.target
        preset = load.preset_with_id(target.provider) if target.known_host else None
        return preset is not None and any(
            one.port == target.port for one in preset.endpoints_at(target.host.name)
        )

    def start_stage(self, stage: Stage) -> None:
        """Give a stage its time."""
        now = time.monotonic()
        self.stage = stage
        self.facts = None
        self.deadline = min(now + self.options.timeout, self.run_deadline)
        self.allotted = max(self.deadline - now, 0.0)
        if self.channel is not None:
            self.channel.deadline = self.deadline

    def wait(self, seconds: float) -> None:
        """Take note of a wait for another run, which is not to be at the expense of this one."""
        self.run_deadline += seconds
        self.deadline += seconds
        if self.channel is not None:
            self.channel.deadline = self.deadline

    @property
    def run_is_over(self) -> bool:
        """Whether the whole run has used up its time."""
        return time.monotonic() >= self.run_deadline

    def open_channel(self) -> Channel:
        """Return the channel that the connect stage opened."""
        if self.channel is None:
            msg = "no connection yet"
            raise RuntimeError(msg)
        return self.channel

    def redirected(self, port: int) -> tuple[str, int] | None:
        """Return what the options have dialled instead of a port of the server."""
        return redirected(self.options.connect_to, self.target.host.name, port)

    def ask(self, command: str, *, shown: str | None = None, awaiting: str | None = None) -> Reply:
        """Send a command and return its reply; raises DialogueError.

        ``awaiting`` names the command for the report where its first word does not.
        """
        self.awaiting = awaiting or command.partition(" ")[0].partition(":")[0]
        return self.open_channel().ask(command, shown=shown)

    def evidence(self, *labels: Label, **facts: str) -> Evidence:
        """Return evidence of the running stage that is no reply."""
        return Evidence(stage=self.stage, labels=frozenset(labels), facts=facts)

    def refused(self, reply: Reply, *labels: Label, **facts: str) -> Evidence:
        """Return the evidence of a reply that says no."""
        return Evidence(
            stage=self.stage,
            code=reply.code,
            enhanced=reply.enhanced,
            text=reply.text,
            labels=frozenset((*labels, *self.surroundings())),
            facts={"command": self.awaiting, **facts},
        )

    def surroundings(self) -> tuple[Label, ...]:
        """Return what a refusal has to be read with: a login that went through, TLS that the server does not see."""
        labels = (Label.LOGGED_IN,) if self.logged_in else ()
        # Who speaks TLS already and offers STARTTLS does not know of it: a proxy in front took it off.
        hidden = self.secured and "STARTTLS" in self.capabilities
        return (*labels, Label.TLS_UNSEEN) if hidden else labels

    def login_labels(self) -> tuple[Label, ...]:
        """Return the label for a dialogue without a login on a server that offers one."""
        return (Label.NOT_LOGGED_IN,) if "AUTH" in self.capabilities and self.target.login is None else ()
