"""The closed vocabularies: what a stage, a status, a severity, a setting may be called.

They stand apart from the values of ``model``, so that ``labels`` can speak of them too.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

__all__ = [
    "ORDERED_STAGES",
    "SETTING_NAMES",
    "Confidence",
    "FailOn",
    "Fault",
    "Lang",
    "Security",
    "SecurityName",
    "SettingName",
    "Severity",
    "Stage",
    "Status",
    "Verdict",
]

Lang = Literal["en", "ko"]
Verdict = Literal["pass", "warn", "fail", "inconclusive"]
FailOn = Literal["error", "warning", "permanent", "never"]
SettingName = Literal[
    "host", "port", "security", "username", "password", "sender", "cipher", "ehlo", "recipient"
]
SETTING_NAMES: Final[tuple[SettingName, ...]] = (
    "host",
    "port",
    "security",
    "username",
    "password",
    "sender",
    "cipher",
    "ehlo",
    "recipient",
)


SecurityName = Literal["tls", "starttls", "opportunistic", "none"]


class Security(StrEnum):
    """How the connection is secured (RFC 8314 for implicit TLS, RFC 3207 for STARTTLS)."""

    TLS = "tls"  # from the first byte
    STARTTLS = "starttls"  # STARTTLS or nothing
    OPPORTUNISTIC = "opportunistic"  # STARTTLS where offered, else clear text
    NONE = "none"


class Stage(StrEnum):
    """A part of the job that the user sees; the order of the members is the usual one."""

    CONFIG = "config"
    DNS = "dns"
    CONNECT = "connect"
    GREETING = "greeting"
    TLS = "tls"
    AUTH = "auth"
    SENDER = "sender"
    RECIPIENT = "recipient"
    SEND = "send"
    DELIVERY = "delivery"


ORDERED_STAGES: Final = tuple(Stage)


class Status(StrEnum):
    """How a stage ended."""

    PASS = "pass"  # noqa: S105 -- not a password
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


class Severity(StrEnum):
    """How much a finding matters: an error keeps mail from being sent."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Confidence(StrEnum):
    """How sure a finding is of its cause."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Fault(StrEnum):
    """Who can mend it."""

    CONFIG = "config"
    ACCOUNT = "account"
    SERVER = "server"
    NETWORK = "network"
    SMTPDOCTOR = "smtpdoctor"
