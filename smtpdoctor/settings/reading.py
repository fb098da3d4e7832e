"""What an application makes of its settings, as values: what it uses, how it connects, what is odd about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from smtpdoctor.formats.document import Assignment, Scope
from smtpdoctor.knowledge.dialects import Dialect, Mode
from smtpdoctor.model import Security, SettingName

__all__ = ["Answer", "Oddity", "OddityKind", "Reading", "Used"]

OddityKind = Literal[
    "word",  # a word that is not read, or not as it looks
    "opposite",  # what it does is other than it seems to say
    "inert",  # it changes nothing
    "refuses",  # with this it does not start, or not send
    "off",  # mail is switched off
    "overriding",  # another way of sending takes its place
    "named",  # or the name of a service, which stands for a server of its own
    "missing",  # it cannot do without
    "no-port",  # a value has a host and lacks the port that belongs behind it
    "falls-back",  # it goes on in clear text where the connection cannot be secured
    "no-check",  # the certificate is not checked
    "never-checks",  # nor would it be in any case
    "no-name-check",  # or not whose it is
    "half-login",
    "sender-form",
    "url",  # a URL that it cannot take apart
    "unread",  # a name that it does not read, though it looks so
    "version",  # the answer depends on the version
]


class Oddity(Struct, frozen=True, kw_only=True):
    """Something that is wrong or odd about a setting, or about one that is not there.

    ``at`` is the assignment that is told about; where the setting is absent the nearest one that stands.
    ``ends``: what does not happen for it. ``in_effect``: it is wrong where the value is used, not where it stands.
    """

    kind: OddityKind
    name: str
    at: Assignment | None = None
    setting: SettingName | None = None
    expected: str = ""
    facts: Mapping[str, str] = {}
    ends: Literal["", "start", "send"] = ""
    in_effect: bool = False


class Used(Struct, frozen=True):
    """A value that the application uses: its text, or None where it is not known; the assignment, or a default."""

    text: str | None
    at: Assignment | None = None

    def __repr__(self) -> str:
        return f"Used(at={self.at!r})"

    @property
    def unknown(self) -> bool:
        """Whether there is a value that cannot be known from here."""
        return self.text is None


class Answer(Struct, frozen=True):
    """How the connection is secured by versions from ``since`` to ``until`` (not including; "" is any).

    ``security`` is None where it never gets so far (``row.refuses``) or where it depends on what is not known.
    ``at`` is what decided, None where nothing is written about it; ``why`` its name and word.
    """

    security: Security | None
    row: Mode | None
    at: Assignment | None
    flag: str = ""
    word: str | None = None
    since: str = ""
    until: str = ""


class Reading(Struct, frozen=True, kw_only=True):
    """What an application makes of a scope.

    ``used`` are its settings; ``answers`` how it secures the connection, one for each range of versions
    that differs. ``logs_in``, ``verifies`` (the chain) and ``checks_name`` are None where they depend on what
    is not known. ``mechanisms`` are those by which it may log in, as it prefers them.
    """

    dialect: Dialect
    scope: Scope
    used: Mapping[SettingName, Used]
    answers: tuple[Answer, ...]
    logs_in: bool | None
    verifies: bool | None
    oddities: tuple[Oddity, ...]
    checks_name: bool | None = None
    on: bool = True
    mechanisms: tuple[str, ...] = ()

    @property
    def connects(self) -> bool:
        """Whether it gets as far as a connection, by all versions or by the newest."""
        last = self.answers[-1].row if self.answers else None
        return (
            self.on
            and not any(one.ends for one in self.oddities if one.kind != "refuses")
            and not self._is_no_port()
            and not (last is not None and last.refuses == "start")
            and not (last is not None and last.refuses and last.security is None)
        )

    def _is_no_port(self) -> bool:
        """Whether what is given for a port is none: nothing is ever connected to it."""
        port = self.used.get("port")
        return port is not None and bool(port.text) and not (port.text or "").strip().isdecimal()

    @property
    def security(self) -> Security | None:
        """The one way in which the connection is secured, None where there is none or more than one."""
        found = {one.security for one in self.answers}
        return found.pop() if len(found) == 1 else None

    @property
    def login_in_clear(self) -> bool:
        """Whether it may send its login over a connection that is not encrypted."""
        if not self.connects:
            return False
        clear = {Security.NONE, Security.OPPORTUNISTIC}
        may = any(
            one.security in clear or (one.row is not None and one.row.falls_back) for one in self.answers
        )
        return may and self.logs_in is True and self.dialect.behaviour.clear_login
