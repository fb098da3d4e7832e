"""The values that flow through smtpdoctor: settings → stages → evidence → findings → report.

Everything here is frozen, knows no I/O and imports only the vocabularies (``terms``, ``labels``);
every other module may import it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.labels import Label, is_suspicion
from smtpdoctor.terms import (
    ORDERED_STAGES,
    SETTING_NAMES,
    Confidence,
    FailOn,
    Fault,
    Lang,
    Security,
    SecurityName,
    SettingName,
    Severity,
    Stage,
    Status,
    Verdict,
)

__all__ = [
    "ORDERED_STAGES",
    "SETTING_NAMES",
    "Change",
    "Confidence",
    "Evidence",
    "FailOn",
    "Fault",
    "Finding",
    "Ignore",
    "Ignored",
    "Lang",
    "Message",
    "Origin",
    "Policy",
    "Report",
    "Secret",
    "Security",
    "SecurityName",
    "Setting",
    "SettingName",
    "Settings",
    "Settled",
    "Severity",
    "Stage",
    "StageResult",
    "Status",
    "Trial",
    "Turn",
    "Verdict",
]

T = TypeVar("T")


class Secret:
    """A string that never shows: not in ``repr``, ``str``, ``format``, a traceback or what walks over members.

    ``reveal()`` is the one way out, so that a search finds every use. A copy is the secret itself; what is
    pickled holds the mask in its place, since whoever stores it does not mean to store a password.
    """

    # A function that returns it, not the string: debuggers and `inspect` show what attributes hold.
    __slots__ = ("_kept",)
    _kept: Callable[[], str]
    MASK: Final = "********"

    def __init__(self, value: str) -> None:
        self._kept = lambda: value

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._kept()

    def __repr__(self) -> str:
        return f"Secret({self.MASK!r})"

    def __str__(self) -> str:
        return self.MASK

    def __format__(self, spec: str) -> str:
        return format(self.MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._kept())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.reveal()

    def __hash__(self) -> int:
        return hash((Secret, self._kept()))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, (self.MASK,)


class Message(Struct, frozen=True):
    """A sentence for people before a language is chosen: a key of ``smtpdoctor.text`` and its values."""

    key: str
    values: Mapping[str, object] = {}


class Origin(Struct, frozen=True):
    """Where a value came from.

    ``name`` is the flag, the variable, the key of the project's file or the preset; ``path`` and ``line``
    say where it stands when it was read from a file, and ``text`` is what stands there: the raw lines of the variable,
    with a secret's value masked. ``through`` is the file that hands it on, where it reaches the application by
    another one, and ``variable`` the name that stands there, where that is not the one it has further on.
    """

    kind: Literal["flag", "environment", "file", "project", "preset", "sandbox", "argument", "default"]
    name: str
    path: str | None = None
    line: int | None = None
    text: str = ""
    through: str = ""
    variable: str = ""

    @property
    def here(self) -> str:
        """The name under which people find the value where it stands."""
        return self.variable or self.name

    def __str__(self) -> str:
        match self.kind:
            case "file" | "project":
                return f"{self.path}:{self.line}" if self.line else f"{self.path}"
            case "environment":
                return f"environment {self.name}"
            case "preset":
                return f"preset {self.name}"
            case "flag":
                return f"flag {self.name}"
            case "argument":
                return f"argument {self.name}"
            case "sandbox":
                return "sandbox"
            case _:
                return "default"


class Setting(Struct, Generic[T], frozen=True):
    """A value and where it came from.

    ``overrides`` is what weaker sources said instead, the strongest of them first; only values that
    differ are there.
    """

    value: T
    origin: Origin
    overrides: tuple[Setting[T], ...] = ()


class Settings(Struct, frozen=True, kw_only=True):
    """What an application would use to send mail; a field is None where nothing gave it.

    ``preset`` is the id of the provider that the host belongs to or that the user named,
    ``app`` the id of the application whose variables were read, ``switches`` where those of its
    variables stand that together say how the connection is secured, ``words`` what they say, as far as it
    may be shown. ``elsewhere`` are those whose value comes from where it cannot be seen.
    """

    host: Setting[str] | None = None
    port: Setting[int] | None = None
    security: Setting[Security] | None = None
    username: Setting[str] | None = None
    password: Setting[Secret] | None = None
    sender: Setting[str] | None = None
    cipher: Setting[str] | None = None
    ehlo: Setting[str] | None = None
    recipient: Setting[str] | None = None
    preset: str | None = None
    app: str = "smtp"
    switches: tuple[Origin, ...] = ()
    words: Mapping[str, str] = {}
    elsewhere: frozenset[SettingName] = frozenset()

    @classmethod
    def of(  # noqa: PLR0913 -- one for each setting
        cls,
        *,
        host: str | None = None,
        port: int | None = None,
        security: Security | SecurityName | None = None,
        username: str | None = None,
        password: str | Secret | None = None,
        sender: str | None = None,
        recipient: str | None = None,
        ehlo: str | None = None,
        cipher: str | None = None,
        preset: str | None = None,
    ) -> Settings:
        """Return settings from plain values.

        What is left out is completed by ``check`` and ``lint``: from the preset that is named or that
        the host belongs to, then by what is usual (port 587, STARTTLS). Raises ValueError for a word
        that is no way to secure a connection.
        """

        def given(name: str, value: T | None) -> Setting[T] | None:
            return None if value is None else Setting(value, Origin("argument", name))

        secret = Secret(password) if isinstance(password, str) else password
        words = [one.value for one in Security]
        if security is not None and not (isinstance(security, str) and security in words):
            raise ValueError(f"security must be one of {', '.join(words)}")
        return cls(
            host=given("host", host),
            port=given("port", port),
            security=given("security", None if security is None else Security(security)),
            username=given("username", username),
            password=given("password", secret),
            sender=given("sender", sender),
            recipient=given("recipient", recipient),
            ehlo=given("ehlo", ehlo),
            cipher=given("cipher", cipher),
            preset=preset,
        )

    def get(self, name: SettingName) -> Setting[Any] | None:
        """Return the setting of that name."""
        found: Setting[Any] | None = getattr(self, name)
        return found


class Evidence(Struct, frozen=True, kw_only=True):
    """One thing that went wrong, as facts: what ``diagnose`` works from.

    ``error`` is a normalised token (``ECONNREFUSED``, ``timeout``, ``x509-10``,
    ``WRONG_VERSION_NUMBER``), made from ``errno`` or OpenSSL's reason, never from a message;
    ``text`` is the other side's own words; ``labels`` are conclusions that a probe, a lint rule
    or the log reader drew from more than one field.
    """

    stage: Stage | None = None
    code: int | None = None
    enhanced: str | None = None
    error: str | None = None
    text: str = ""
    labels: frozenset[Label] = frozenset()
    setting: SettingName | None = None
    origin: Origin | None = None
    facts: Mapping[str, str] = {}


class StageResult(Struct, frozen=True, kw_only=True):
    """How one stage ended; ``facts`` is the stage's own struct of ``smtpdoctor.facts``.

    ``evidence`` lists what is wrong, the gravest first. ``suspected``: all of it is only what the
    settings suggest, so the stages to come decide.
    """

    stage: Stage
    status: Status
    seconds: float = 0.0
    summary: Message
    facts: Struct | None = None
    evidence: tuple[Evidence, ...] = ()
    suspected: bool = False


class Change(Struct, frozen=True):
    """An edit that mends a finding: what a variable or flag is to say.

    ``origin`` is where the setting stands now, without a line where it is missing; a secret's new
    value is a placeholder. ``before`` and ``after`` are the lines as they stand and as they will, secrets
    masked, where the edit was made and read again; ``setting`` is None where it is about none.
    """

    name: str
    value: str
    origin: Origin
    setting: SettingName | None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class Finding(Struct, frozen=True, kw_only=True):
    """A cause that a person can act on: an entry of the catalogue applied to evidence.

    ``reply`` is the index of the preset's own reply that decided or refined it, if any;
    ``candidates`` are the next likely ids when the confidence is not ``certain``; ``pattern``
    is what the other side's words were known by, empty where a code, an error or a label decided.
    ``changes`` are edits that were tried and mend it.
    """

    id: str
    stage: Stage
    severity: Severity
    confidence: Confidence
    fault: Fault
    retryable: bool
    evidence: Evidence
    candidates: tuple[str, ...] = ()
    reply: int | None = None
    pattern: str = ""
    changes: tuple[Change, ...] = ()


class Settled(Struct, frozen=True):
    """A suspicion of the config stage, and the stage whose success showed that it was wrong."""

    finding: Finding
    by: Stage


class Turn(Struct, frozen=True):
    """One line of the dialogue as the transcript keeps it; secrets were masked when it was recorded."""

    seconds: float
    direction: Literal["in", "out", "note"]
    encrypted: bool
    text: str


class Ignore(Struct, frozen=True):
    """An id of the catalogue that is not to decide anything, and why somebody said so."""

    id: str
    reason: str = ""


class Ignored(Struct, frozen=True):
    """A finding that decides nothing any more, and why somebody said so."""

    finding: Finding
    reason: str = ""


class Trial(Struct, frozen=True, kw_only=True):
    """One of several runs: what it met (None: nothing that keeps mail from being sent), and where.

    ``pause`` is how long was waited before it, ``seconds`` how long it took.
    """

    finding: str | None = None
    stage: Stage | None = None
    pause: float = 0.0
    seconds: float = 0.0


class Report(Struct, frozen=True, kw_only=True):
    """The result of a run; ``findings[0]`` is the root cause.

    ``ignored`` and ``accepted`` are what a ``Policy`` made of it: the findings that decide nothing, and
    whether the rest may pass; ``accepted`` is None where none was applied. ``attempts`` lists the runs
    where a temporary failure was to be tried again, the last of which is told here; ``ended`` says why there
    was no further one.
    """

    settings: Settings
    stages: tuple[StageResult, ...]
    findings: tuple[Finding, ...]
    settled: tuple[Settled, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    transcript: tuple[Turn, ...] = ()
    seconds: float = 0.0
    attempts: tuple[Trial, ...] = ()
    ended: Message | None = None
    accepted: bool | None = None

    @property
    def verdict(self) -> Verdict:
        """``fail`` with an error finding, ``warn`` with a warning, else ``pass``.

        ``inconclusive`` is a failure that is temporary by its nature: another run may end otherwise, with
        nothing changed. What the settings are only suspected of is not decided either, then.
        """
        errors = [one for one in self.findings if one.severity is Severity.ERROR]
        if errors:
            lasting = any(not one.retryable and not _is_suspicion(one) for one in errors)
            return "inconclusive" if self.findings[0].retryable and not lasting else "fail"
        return "warn" if any(one.severity is Severity.WARNING for one in self.findings) else "pass"

    @property
    def healthy(self) -> bool:
        """Whether the exit code is 0: by the policy that was applied, else where there is no error."""
        return self.verdict in {"pass", "warn"} if self.accepted is None else self.accepted


def _is_suspicion(finding: Finding) -> bool:
    evidence = finding.evidence
    return finding.stage is Stage.CONFIG and is_suspicion(evidence.labels, evidence.setting)


class Policy(Struct, frozen=True, kw_only=True):
    """What whoever runs a check makes of its result; the result itself knows nothing of it.

    ``fail_on``: ``error``; ``warning``, as ``strict``; ``permanent``: what is temporary may pass;
    ``never``. ``ignore`` names what decides nothing.
    """

    fail_on: FailOn = "error"
    ignore: tuple[Ignore, ...] = ()
    strict: bool = False

    def applied(self, report: Report) -> Report:
        """Return the report with the ignored findings set apart, and with whether the rest may pass."""
        reasons = {one.id: one.reason for one in reversed(self.ignore)}
        ignored = tuple(Ignored(one, reasons[one.id]) for one in report.findings if one.id in reasons)
        left = tuple(one for one in report.findings if one.id not in reasons)
        kept = replace(report, findings=left, ignored=(*report.ignored, *ignored))
        return replace(kept, accepted=self._accepts(kept))

    def _accepts(self, report: Report) -> bool:
        if self.fail_on == "never":
            return True
        verdict = report.verdict
        if verdict == "fail" or (verdict == "inconclusive" and self.fail_on != "permanent"):
            return False
        warned = any(
            one.severity is Severity.WARNING and not (one.retryable and self.fail_on == "permanent")
            for one in report.findings
        )
        return not (warned and (self.strict or self.fail_on == "warning"))
