"""What an application does with its variables: assignments and its dialect → a reading. Pure.

The table of a dialect is read forwards here (what will it do?); ``generate.spelling`` reads it backwards (what
must be set so that it does?). What is set without any effect follows from it as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise, product
from math import prod
from typing import Final, Literal

from msgspec.structs import replace

from smtpdoctor.formats.document import Assignment, Scope
from smtpdoctor.knowledge.dialects import (
    Behaviour,
    Check,
    CheckRow,
    Dialect,
    Flag,
    Idle,
    Key,
    Mode,
    Switch,
    When,
    shown,
    tail_of,
)
from smtpdoctor.knowledge.table import (
    ABSENT,
    FALSE,
    OTHER,
    STAR,
    STRING,
    TRUE,
    holds,
    in_range,
    names_of,
    own_names,
    row_of,
    seen_by_modes,
    state_from,
    state_of,
    version_key,
)
from smtpdoctor.model import Security, SettingName
from smtpdoctor.settings.reading import Answer, Oddity, OddityKind, Reading, Used
from smtpdoctor.settings.slips import is_other_case, is_slip, near
from smtpdoctor.settings.values import Values, is_given

__all__ = ["read"]

_UNKNOWN: Final = "=unknown"
# What settings call a mechanism; other words (auto, none, true) leave the choice to the code.
_SASL: Final = frozenset(
    {
        *("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM", "GSSAPI", "XOAUTH2", "OAUTHBEARER"),
        *("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    }
)
_MOST_ANSWERS: Final = 4_096  # combinations of flags whose values are not known
_CALLED: Final = "()"
# Settings that conditions tell apart by their value, and a value that no condition has.
_TOLD_APART: Final[Mapping[str, str]] = {"host": "host.invalid", "port": "1"}
_World = tuple[Mapping[str, str | None], Mapping[str, str | None]]
"""The states of flags and the settings beside them, as they may be."""

# What applications call their server; whoever lacks one and has another's name for it meant it.
_A_HOST: Final = re.compile(r"(?i)(?:.*_)?(?:SMTP|MAIL|EMAIL)_?(?:HOST|SERVER|ADDRESS|HOSTNAME)")

# What is written into an INI file as it is, and loses its quotes when that is read; what has a `#` gets others around.
_IN_INI: Final = re.compile(r'"""([^#;`\n]*)"""')
_LAST_PART: Final = re.compile(r"[._:\[\]]+")
_VARIABLE: Final = re.compile(r"[A-Za-z_]\w*")
_SHORTEST_PART: Final = 4  # letters of a word in which a slip is told from another word


def read(dialect: Dialect, scope: Scope, *, version: str = "") -> Reading:
    """Return what an application does with a scope; ``version`` is that of ``dialect.version_of``, if it is known."""
    return _Reader(dialect, scope, version).reading()


class _Reader:
    def __init__(self, dialect: Dialect, scope: Scope, version: str) -> None:
        self.dialect = dialect
        self.values = Values(dialect, scope)
        self.version = version
        self.oddities: list[Oddity] = list(self.values.oddities)
        self.names = {self.values.canonical(name) for name in names_of(dialect)}
        self.patterns: dict[str, list[str]] = {}
        for name in self.names:
            if OTHER in name:
                self.patterns.setdefault(tail_of(name), []).append(name)
        self.flags = {name: self.values.get(flag.names or (name,)) for name, flag in dialect.flags.items()}
        self.states = {name: self._state(name, flag) for name, flag in dialect.flags.items()}

    def reading(self) -> Reading:
        used = {
            name: one for name, key in self.dialect.keys.items() if (one := self._used(name, key)) is not None
        }
        self._overridden(used)
        answers = self._answers(used)
        mode = answers[-1].security if answers else None
        if "port" not in used and (port := self._default_port(mode)) is not None:
            used["port"] = Used(str(port))
        on = self._switches()
        self._words()
        self._inert(used)
        self._missing(used)
        self._unread(used)
        last = answers[-1].row if answers else None
        logs_in = self._logs_in(used) if last is None or not last.refuses else None
        if logs_in and mode is Security.NONE and self.dialect.behaviour.clear_by_mechanism:
            logs_in = None
        verifies, checks_name = self._checks(used, answers)
        self._refusals(answers)
        return Reading(
            dialect=self.dialect,
            scope=self.values.scope,
            used=used,
            answers=answers,
            logs_in=logs_in,
            verifies=verifies,
            checks_name=checks_name,
            oddities=tuple(self.oddities),
            on=on,
            mechanisms=self._mechanisms(),
        )

    # Settings

    def _used(self, name: SettingName, key: Key) -> Used | None:
        one = self.values.first(key.names)
        if one is not None and self._is_nothing(one):
            one = replace(one, kind="null", value=None)
        if one is not None and one.value is None and one.kind != "null":
            return Used(None, one)
        if one is not None and one.kind != "null" and one.value is not None and one.value.strip():
            return Used(self._formed(name, key, one), one)
        if (pointer := self._elsewhere(key)) is not None:
            return Used(None, pointer)
        if key.of and (other := self.dialect.keys.get(key.of)) is not None:
            return self._used(key.of, other)
        if key.default is None or isinstance(key.default, dict):
            return None
        return Used(str(key.default), None)

    def _is_nothing(self, one: Assignment) -> bool:
        """Whether a variable of the environment holds a word that its code takes for no value."""
        from_environment = self.values.scope.environment or one.style.startswith("dotenv")
        return (
            bool(self.dialect.nothing)
            and from_environment
            and (one.value or "").strip().lower() in self.dialect.nothing
        )

    def _elsewhere(self, key: Key) -> Assignment | None:
        """Return what says that a value is to be found somewhere else."""
        endings = self.dialect.secret_files
        names = (*key.elsewhere, *(name + ending for name in key.names for ending in endings))
        one = self.values.first(names)
        return one if one is not None and is_given(one) else None

    def _formed(self, name: SettingName, key: Key, one: Assignment) -> str:
        text = one.value or ""
        if key.form == "yaml":
            bare = text.strip()
            return bare[1:-1] if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'" else text
        if key.form == "ini" and (quoted := _IN_INI.fullmatch(text)) is not None:
            return quoted[1]
        if key.form == "local-part":
            rest = self.values.first(key.domain) if key.domain else None
            domain = (rest.value or "") if rest is not None else ""
            if "@" in text:
                self.oddities.append(
                    Oddity(kind="sender-form", name=one.name, at=one, setting=name, expected="local-part")
                )
            if not domain and one.name in key.needs_domain:
                self.oddities.append(
                    Oddity(kind="missing", name=shown(key.domain[0]), at=one, setting=name, ends="send")
                )
            return f"{text}@{domain}" if domain else text
        if key.form == "address" and "<" in text:
            self.oddities.append(
                Oddity(kind="sender-form", name=one.name, at=one, setting=name, expected="address")
            )
        return text

    def _default_port(self, mode: Security | None) -> int | None:
        key = self.dialect.keys.get("port")
        if key is None or not isinstance(key.default, dict) or mode is None:
            return None
        return key.default.get(mode)

    # The table

    def _answers(self, used: Mapping[SettingName, Used]) -> tuple[Answer, ...]:
        if self.values.broken is not None:  # it never gets so far
            return (Answer(None, None, self.values.broken),)
        found: list[Answer] = []
        for since, until in self._ranges(self.dialect.mode):
            one = self._answer(used, since)
            if found and (found[-1].security, found[-1].row and found[-1].row.refuses) == (
                one.security,
                one.row and one.row.refuses,
            ):
                last = found.pop()
                found.append(_between(last, last.since, until))
            else:
                found.append(_between(one, since, until))
        return tuple(found)

    def _ranges(self, rows: Sequence[Mode] | Sequence[CheckRow]) -> list[tuple[str, str]]:
        """Return the ranges of versions in which other rows hold."""
        if self.version:
            return [(self.version, self.version)]
        edges = {edge for row in rows for edge in (row.since, row.until) if edge}
        bounds = ["", *sorted(edges, key=version_key), ""]
        return list(pairwise(bounds)) if edges else [("", "")]

    def _worlds(self, whens: Sequence[When], used: Mapping[SettingName, Used]) -> list[_World] | None:
        """Return what may be the case, more than one where values are not known that some conditions look at.

        None where there are too many to look at.
        """
        names = {name for when in whens for name in when}
        open_ = [name for name, state in self.states.items() if state == _UNKNOWN and name in names]
        plain = _plain(used)
        hidden = [name for name in _TOLD_APART if name in names and plain.get(name, "") is None]
        choices = [list(self.dialect.flags[name].states) for name in open_]
        choices += [_told_apart(name, whens) for name in hidden]
        if prod(map(len, choices)) > _MOST_ANSWERS:
            return None
        found: list[_World] = []
        for chosen in product(*choices):
            states = dict(zip(open_, chosen, strict=False))
            rest = dict(zip(hidden, chosen[len(open_) :], strict=True))
            found.append(({**self.states, **states}, {**plain, **rest}))
        return found

    def _answer(self, used: Mapping[SettingName, Used], version: str) -> Answer:
        worlds = self._worlds([row.when for row in self.dialect.mode], used)
        rows: list[Mode | None] = []
        for states, plain in worlds or ():
            row = row_of(self.dialect, states, plain, version)
            if row not in rows:
                rows.append(row)
        if worlds is None or len({one and (one.security, one.refuses) for one in rows}) > 1:
            open_ = [name for name, state in self.states.items() if state == _UNKNOWN]
            if open_:
                return Answer(None, None, self.flags[open_[0]], open_[0])
            port = used.get("port")
            return Answer(None, None, port.at if port is not None else None)
        if not rows or rows[0] is None:
            return Answer(None, None, None)
        return self._decided(rows[0], used)

    def _state(self, name: str, flag: Flag) -> str | None:
        one = self.flags[name]
        if one is None:
            return state_of(flag, None)
        if one.kind == "call":
            return state_of(flag, _CALLED)
        if one.value is None and one.kind != "null":
            return state_from(flag, one.source) or _UNKNOWN
        return state_of(flag, one.value, one.kind)

    def _holds(self, whens: Sequence[When], used: Mapping[SettingName, Used]) -> bool | None:
        """Whether one of some conditions holds; None where that is not known."""
        worlds = self._worlds(whens, used)
        if worlds is None:
            return None
        found = {any(holds(when, states, plain) for when in whens) for states, plain in worlds}
        return found.pop() if len(found) == 1 else None

    def _decided(self, row: Mode, used: Mapping[SettingName, Used]) -> Answer:
        names = [name for name in (row.decided_by, *row.when) if name in self.flags]
        for name in names:
            at = self.flags.get(name) or self.values.get((name,))
            if at is not None:
                return Answer(row.security, row, at, name, at.value)
        if not names and (only := self._only_flag()) is not None:
            flag, at = only
            return Answer(row.security, row, at, flag, at.value)
        flag = next((name for name in names if name in self.dialect.flags), "")
        word = self.dialect.flags[flag].default if flag else None
        port = used.get("port")
        at = port.at if port is not None and "port" in row.when else None
        return Answer(row.security, row, at, flag, word)

    def _only_flag(self) -> tuple[str, Assignment] | None:
        """Return the one flag that is set of those that the rows look at: with another word it would be another row."""
        seen = seen_by_modes(self.dialect)
        found = [(name, at) for name, at in self.flags.items() if at is not None and name in seen]
        return found[0] if len(found) == 1 else None

    # What is wrong or odd

    def _near(self, *names: SettingName) -> Assignment | None:
        """Return the assignment beside which something absent is told about: the first of the application's."""
        for name in names:
            key = self.dialect.keys.get(name)
            one = self.values.first(key.names) if key is not None else None
            if one is not None:
                return one
        return next((one for one in self.values.scope.assignments if self._reads(one.name)), None)

    def _reads(self, name: str) -> bool:
        """Whether a name is one that the application reads, or that is known to do nothing in it."""
        key = self.values.canonical(name)
        return key in self.names or any(
            fnmatchcase(key, each) for tail in {"", tail_of(key)} for each in self.patterns.get(tail, ())
        )

    def _switches(self) -> bool:
        on = True
        for switch in self.dialect.switch:
            one = self.values.first(switch.names)
            if one is not None and one.value is None and one.kind not in {"call", "null"}:
                continue
            if one is None and switch.needs and self.values.first(switch.needs) is None:
                continue
            text = switch.default if one is None else _CALLED if one.kind == "call" else (one.value or "")
            if not _is_on(switch, text):
                on = False
                at = one if one is not None else self._near("host")
                scheme = "://" if switch.names[0].endswith("@scheme") else ""
                lead = next((lead for lead, words in switch.leads.items() if _is_word(text, words)), "")
                facts = {
                    "word": text + scheme,
                    "lead": lead,
                    "absent": "yes" if one is None else "",
                }
                self.oddities.append(
                    Oddity(
                        kind="off",
                        name=shown(switch.names[0] if one is None else one.name),
                        at=at,
                        expected=switch.on[0] + scheme,
                        facts=facts,
                        ends="send",
                    )
                )
        return on

    def _words(self) -> None:
        for name, flag in self.dialect.flags.items():
            one = self.flags[name]
            if one is None or one.value is None or one.kind == "call":
                continue
            state = self.states[name]
            if state is None:
                self.oddities.append(
                    Oddity(
                        kind="word",
                        name=one.name,
                        at=one,
                        setting="security",
                        expected=_words_of(flag),
                        facts={"word": one.value},
                        ends=flag.invalid,
                    )
                )
            elif _misleads(flag, one, state):
                self.oddities.append(
                    Oddity(
                        kind="word",
                        name=one.name,
                        at=one,
                        setting="security",
                        expected=_words_of(flag),
                        facts={"word": one.value, "state": state},
                        # A text that code tests for truth would be right in another program.
                        in_effect=flag.truth != "words" and one.kind == "string" and bool(one.effect),
                    )
                )

    def _inert(self, used: Mapping[SettingName, Used]) -> None:
        told: set[str] = set()
        for idle in self.dialect.idle:
            if not self._idle_holds(idle, used):
                continue
            for name in idle.names:
                for one in self.values.matching(name):
                    if one.name in told or not is_given(one):
                        continue
                    if idle.value and not re.fullmatch(idle.value, (one.value or "").strip()):
                        continue
                    told.add(one.name)
                    if idle.opposite:
                        self.oddities.append(Oddity(kind="opposite", name=one.name, at=one))
                        continue
                    if idle.unread:
                        expected = shown(idle.instead) if idle.instead else ""
                        self.oddities.append(
                            Oddity(kind="unread", name=one.name, at=one, expected=expected, ends=idle.ends)
                        )
                        continue
                    self.oddities.append(
                        Oddity(
                            kind="inert",
                            name=one.name,
                            at=one,
                            setting="security",
                            expected=shown(idle.instead) if idle.instead else "",
                        )
                    )

    def _idle_holds(self, idle: Idle, used: Mapping[SettingName, Used]) -> bool:
        # Where no version is known, that the answer depends on it is told by itself.
        if (idle.since or idle.until) and not self.version:
            return False
        if not in_range(self.version, idle.since, idle.until):
            return False
        return self._holds((idle.when,), used) is True

    def _overridden(self, used: dict[SettingName, Used]) -> None:
        for one in self.dialect.overriding:
            at = self.values.first(one.names)
            if at is None or not is_given(at):
                continue
            losing = self.values.first(one.over) if one.over else self._near("host")
            if losing is None:
                continue
            kind: OddityKind = "named" if "@" in at.name else "overriding"
            self.oddities.append(Oddity(kind=kind, name=at.name, at=at, expected=losing.name))
            for name, text in one.instead.items():
                used[name] = Used(text, at)

    def _missing(self, used: Mapping[SettingName, Used]) -> None:
        if self.values.broken is not None:
            return
        without_port = self._without_port(used)
        for name, key in self.dialect.keys.items():
            if key.required and name not in used and not (name == "port" and without_port):
                whole = (one.partition("@")[0] for one in key.names if "@" in one)
                at = self.values.first((*key.names, *whole)) or self._near()
                self.oddities.append(
                    Oddity(kind="missing", name=self._told_name(name), at=at, setting=name, ends="send")
                )

    def _without_port(self, used: Mapping[SettingName, Used]) -> bool:
        """Note a value of host and port that has no port, where its code cannot do without."""
        host, port = used.get("host"), used.get("port")
        if host is None or host.at is None or not host.text or (port is not None and port.at is not None):
            return False
        whole = host.at.name.partition("@")[0]
        for how in self.dialect.explode:
            names = map(self.values.canonical, how.names)
            if how.needs_port and any(fnmatchcase(self.values.canonical(whole), one) for one in names):
                self.oddities.append(
                    Oddity(
                        kind="no-port",
                        name=shown(whole),
                        at=host.at,
                        setting="port",
                        facts={"word": host.text},
                        ends=how.needs_port,
                    )
                )
                return True
        return False

    def _unread(self, used: Mapping[SettingName, Used]) -> None:
        """Note names that look meant: with the application's own prefix, or for a setting that it lacks."""
        prefixes = tuple(map(self.values.canonical, self.dialect.prefixes))
        lacks_host = "host" in self.dialect.keys and ("host" not in used or used["host"].at is None)
        host = self._told_name("host") if lacks_host else None
        wanting, ends = self._wanting(used), self.dialect.strict
        tails: dict[str, list[str]] = {}
        for each in wanting:
            tail = _LAST_PART.split(each)[-1]
            if "*" not in tail and len(tail) >= _SHORTEST_PART:
                tails.setdefault(tail, []).append(self.values.canonical(each))
        whole = {self.values.canonical(each): each for each in wanting if "*" not in each}
        spelled = {each.lower(): meant for each, meant in whole.items()}
        for key, one in self.values.named().items():
            plain = key
            for ending in self.dialect.secret_files:
                plain = plain.removesuffix(self.values.canonical(ending))
            if "@" in key or plain in self.names:
                continue
            if self._reads(one.name):  # perhaps by a pattern, which holds for slips as well
                meant = near(key, whole)
            elif (meant := spelled.get(key.lower())) is None:
                ours = bool(prefixes) and key.startswith(prefixes)
                meant = "" if ours else self._slip(one, tails) or near(key, whole)
                if meant is None and host is not None and _may_mean(host, one):
                    meant = host
            if meant is not None:
                self.oddities.append(Oddity(kind="unread", name=one.name, at=one, expected=meant, ends=ends))

    def _wanting(self, used: Mapping[SettingName, Used]) -> list[str]:
        """Return the names of settings and flags that are not there."""
        found = [
            name.partition("@")[0]
            for setting, key in self.dialect.keys.items()
            if setting not in used or used[setting].at is None
            for name in key.names
        ]
        for name, flag in self.dialect.flags.items():
            if self.flags[name] is None:
                found += [one.partition("@")[0] for one in flag.names or (name,)]
        there = self.values.named()
        return [name for name in dict.fromkeys(found) if self.values.canonical(name) not in there]

    def _slip(self, one: Assignment, tails: Mapping[str, Sequence[str]]) -> str | None:
        """Return the name of a setting that is not there, from which another one differs by a slip of the pen."""
        last = _LAST_PART.split(one.name)[-1]
        for tail, patterns in tails.items():
            if abs(len(last) - len(tail)) <= 1 and (is_slip(last, tail) or is_other_case(last, tail)):
                meant = one.name[: len(one.name) - len(last)] + tail
                key = self.values.canonical(meant)
                if any(fnmatchcase(key, pattern) for pattern in patterns):
                    return meant
        return None

    def _logs_in(self, used: Mapping[SettingName, Used]) -> bool | None:
        how = self.dialect.behaviour
        if how.login == "never":
            return False
        allowed = self._may_log_in(used)
        if allowed is not True:
            return allowed
        name, password = used.get("username"), used.get("password")
        if name is not None and name.unknown:
            return None
        if how.login == "always":
            return True
        if how.tokens and self.values.first(how.tokens) is not None:
            return None
        if how.empty == "error" and name is None and (there := self._empty("username")) is not None:
            self._half_login("username", there, ends="send")
            return None
        if (name is None) != (password is None) and (how.login == "both" or how.half == "error"):
            one = name or password
            if one is not None and one.at is not None:
                other: SettingName = "password" if name is not None else "username"
                self._half_login(other, one.at, ends="send" if how.half == "error" else "")
            return None if how.half == "error" else False
        if name is not None and password is not None and self._may_be_absent(password, how):
            return None
        if how.login == "user":
            return name is not None
        return name is not None or (how.login == "either" and password is not None)

    def _may_be_absent(self, password: Used, how: Behaviour) -> bool:
        """Whether a password is kept where it may be missing, and without one there is no login.

        A file that is named is there; what a command prints, or code finds in its environment, may not be.
        """
        key, at = self.dialect.keys.get("password"), password.at
        if (
            not password.unknown
            or key is None
            or at is None
            or not (how.login == "both" or how.half == "error")
        ):
            return False
        by_code = at.kind == "unknown" and bool(at.source)
        return by_code or any(at in self.values.matching(name) for name in key.elsewhere)

    def _mechanisms(self) -> tuple[str, ...]:
        """Return the mechanisms that it speaks: those that a setting names, else all that its code knows."""
        how = self.dialect.behaviour
        one = self.values.first(how.mechanism_names) if how.mechanism_names else None
        if one is None or one.kind == "null":
            return how.mechanisms
        if one.value is None:
            return ()
        words = (word.strip("\"':").upper().replace("_", "-") for word in re.split(r"[\s,]+", one.value))
        return tuple(word for word in words if word in _SASL) or how.mechanisms

    def _may_log_in(self, used: Mapping[SettingName, Used]) -> bool | None:
        """Return whether its flags let it log in; what is given for a login that they do not allow is told."""
        how = self.dialect.behaviour
        name = used.get("username")
        allowed: bool | None = True
        at, expected = name.at if name is not None else None, ""
        if how.login_names:
            one = self.values.first(how.login_names)
            word = how.login_default if one is None else one.value
            allowed = None if word is None else word.strip().lower() in how.login_on
            at, expected = one or at, how.login_names[0]
        if allowed and how.login_when:
            allowed = self._holds(how.login_when, used)
            flag = next(iter(how.login_when[0]))
            expected = (
                next(iter(self.dialect.flags[flag].names), flag) if flag in self.dialect.flags else flag
            )
        if allowed is False and name is not None and name.at is not None:
            self.oddities.append(
                Oddity(
                    kind="inert",
                    name=name.at.name,
                    at=at,
                    setting="username",
                    expected=shown(expected),
                )
            )
        return allowed

    def _told_name(self, setting: SettingName) -> str:
        """Return the name under which people are told of a setting."""
        key = self.dialect.keys.get(setting)
        names = own_names(self.dialect, key.names) if key is not None else ()
        return shown(names[0]) if names else setting

    def _empty(self, name: SettingName) -> Assignment | None:
        """Return the assignment that leaves a setting empty."""
        key = self.dialect.keys.get(name)
        one = self.values.first(key.names) if key is not None else None
        return one if one is not None and one.value is not None and one.kind != "null" else None

    def _half_login(self, other: SettingName, at: Assignment, *, ends: Literal["", "send"]) -> None:
        name = self._told_name(other)
        self.oddities.append(Oddity(kind="half-login", name=name, at=at, setting=other, ends=ends))

    def _checks(
        self, used: Mapping[SettingName, Used], answers: Sequence[Answer]
    ) -> tuple[bool | None, bool | None]:
        """Return whether the certificate's chain is checked, and whose it is."""
        check: Check = self.dialect.check
        if all(one.security is Security.NONE for one in answers):
            return check.default, check.default and check.name
        one = self.values.first(check.names) if check.names else None
        if one is not None:
            if one.value is None and one.kind != "null":
                return None, None
            if (one.value or "").strip().lower() in check.off:
                self.oddities.append(Oddity(kind="no-check", name=one.name, at=one))
                return False, False
        off = self._holds(check.when, used) if check.when else False
        if off is None:
            return None, None
        if off:
            states = self._flags_of(check.when)
            self.oddities.append(
                Oddity(kind="no-check", name=states[0].name if states else "", at=next(iter(states), None))
                if states
                else Oddity(kind="no-check", name="", at=self._near())
            )
            return False, False
        chain, name = self._check_rows(used)
        if chain is False:
            by = self._flags_of(row.when for row in check.row if row.check is False)
            kind: OddityKind = "no-check" if by else "never-checks"
            self.oddities.append(
                Oddity(kind=kind, name=by[0].name if by else "", at=by[0] if by else self._near())
            )
        elif chain and name is False:
            self.oddities.append(Oddity(kind="no-name-check", name="", at=self._near("host")))
        return chain, name

    def _check_rows(self, used: Mapping[SettingName, Used]) -> tuple[bool | None, bool | None]:
        check = self.dialect.check
        worlds = self._worlds([row.when for row in check.row], used)
        if worlds is None:
            return None, None
        found = set()
        for since, _ in self._ranges(check.row):
            for states, plain in worlds:
                row = next(
                    (
                        row
                        for row in check.row
                        if in_range(since, row.since, row.until) and holds(row.when, states, plain)
                    ),
                    CheckRow(),
                )
                chain = check.default if row.check is None else row.check
                found.add((chain, chain and (check.name if row.name is None else row.name)))
        chains, names = {chain for chain, _ in found}, {name for _, name in found}
        return (
            chains.pop() if len(chains) == 1 else None,
            names.pop() if len(names) == 1 else None,
        )

    def _flags_of(self, whens: Iterable[When]) -> list[Assignment]:
        """Return the assignments that some conditions are about."""
        found = (self.flags.get(name) for when in whens for name in when)
        return [one for one in found if one is not None]

    def _refusal(self, answer: Answer, row: Mode, at: Assignment | None, *, last: bool) -> Oddity:
        """Return what is wrong where a row refuses: one word, or several settings that exclude each other."""
        flags = [name for name in row.when if name in self.flags]
        alone = len(flags) == 1 and at is not None and at is self.flags[flags[0]]
        return Oddity(
            kind="word" if alone else "refuses",
            name=at.name if at is not None else answer.flag,
            at=at,
            setting="security",
            # What is refused is none of the words to write instead.
            expected=_words_of(self.dialect.flags[flags[0]], row.when[flags[0]]) if alone else "",
            facts={"word": at.value or ""} if alone and at is not None else {},
            ends=row.refuses if last else "",
        )

    def _refusals(self, answers: Sequence[Answer]) -> None:
        for one in answers:
            if one.row is None:
                continue
            if one.row.refuses:
                at = one.at or self._near()
                told = [odd for odd in self.oddities if odd.at == at and odd.kind == "word"]
                if told and all(other.row is not None and other.row.refuses for other in answers):
                    self.oddities = [
                        replace(odd, ends=odd.ends or one.row.refuses) if odd in told else odd
                        for odd in self.oddities
                    ]
                if not told:
                    self.oddities.append(self._refusal(one, one.row, at, last=one is answers[-1]))
            elif one.row.opposite and one.at is not None:
                self.oddities.append(Oddity(kind="opposite", name=one.at.name, at=one.at, setting="security"))
            if one.row.falls_back:
                at = one.at or self._near()
                name = at.name if at is not None else one.flag
                self.oddities.append(Oddity(kind="falls-back", name=name, at=at, setting="security"))
        if len({one.security for one in answers}) > 1:
            at = next((one.at for one in answers if one.at is not None), None) or self._near()
            self.oddities.append(
                Oddity(kind="version", name=at.name if at else "", at=at, setting="security")
            )


def _may_mean(host: str, one: Assignment) -> bool:
    """Whether what stands there is a server under another name; that of an argument is none for a variable."""
    can_be = _VARIABLE.fullmatch(host) is not None or _VARIABLE.fullmatch(one.name) is None
    return bool(one.value) and _A_HOST.fullmatch(one.name) is not None and can_be


def _told_apart(name: str, whens: Sequence[When]) -> list[str]:
    """Return values of a setting, one for each that conditions tell apart, and one that none of them names."""
    found: list[str] = []
    for when in whens:
        wanted = when.get(name, ())
        for one in (wanted,) if isinstance(wanted, str) else wanted:
            if one == "loopback":
                found.append("localhost")
            elif one != "absent":
                found.append(str(one).replace(OTHER, "x"))
    return [*dict.fromkeys(found), _TOLD_APART[name]]


def _plain(used: Mapping[SettingName, Used]) -> dict[str, str | None]:
    return {name: one.text for name, one in used.items()}


def _between(one: Answer, since: str, until: str) -> Answer:
    return Answer(one.security, one.row, one.at, one.flag, one.word, since, until)


def _is_on(switch: Switch, text: str) -> bool:
    words = [word if switch.exact else word.lower() for word in switch.on]
    text = text if switch.exact else text.lower()
    if not switch.part:
        wanted = [word for word in words if not word.startswith("!")]
        barred = any(fnmatchcase(text.strip(), word[1:]) for word in words if word.startswith("!"))
        return not barred and (not wanted or any(fnmatchcase(text.strip(), word) for word in wanted))
    parts = re.split(r"[\s,;]+", text.strip())
    return all((word[1:] not in parts) if word.startswith("!") else (word in parts) for word in words)


def _is_word(text: str, words: Iterable[str]) -> bool:
    """Whether a text is one of some words, without regard to capitals and to the colon of a symbol."""
    plain = text.strip().lower().removeprefix(":")
    return any(fnmatchcase(plain, word.lower()) for word in words)


def _words_of(flag: Flag, refused: object = ()) -> str:
    """Return a word for each state of a flag, but for those that are refused."""
    without = {refused} if isinstance(refused, str) else set(refused) if isinstance(refused, tuple) else set()
    words = [
        next((word for word in words if word and word[0] not in "*="), "")
        for state, words in flag.states.items()
        if state not in without
    ]
    return ", ".join(dict.fromkeys(filter(None, words)))


def _misleads(flag: Flag, one: Assignment, state: str) -> bool:
    """Whether a word looks like yes or no and means the other here, or has only fallen into what any word means."""
    text = (one.value or "").strip().lower()
    looks = True if text in TRUE else False if text in FALSE else None
    if flag.truth != "words":
        return one.kind == "string" and looks is False and state != state_of(flag, "false", "boolean")
    if looks is not None and state in {"true", "false"}:
        return looks is not (state == "true")
    known = {word for words in flag.states.values() for word in words if word != STAR}
    told = known - {"", OTHER, STRING, ABSENT}
    if looks is not None and {word.lower() for word in told} <= (FALSE if looks else TRUE):
        return False  # the plain opposite of the one word that there is
    if flag.exact:
        text = (one.value or "").strip()
    else:
        known = {word.lower() for word in known}
    return bool(told and text) and text not in known and flag.invalid == "" and OTHER in flag.states[state]
