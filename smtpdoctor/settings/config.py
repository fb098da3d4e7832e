"""What an application makes of its configuration → Settings with evidence. Pure.

The reading of a dialect is put into the terms that a check and the catalogue know: settings with their
origins, and evidence with labels for all that is wrong or odd.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from smtpdoctor.formats.document import Assignment, Document, Problem, RemarkKind
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import Dialect
from smtpdoctor.knowledge.table import turns, write
from smtpdoctor.labels import Label
from smtpdoctor.masking.guess import is_harmless
from smtpdoctor.masking.words import printable, printable_facts
from smtpdoctor.model import (
    Evidence,
    Message,
    Origin,
    Secret,
    Security,
    Setting,
    SettingName,
    Settings,
    Stage,
)
from smtpdoctor.settings.hosts import same_host
from smtpdoctor.settings.read import names_secret
from smtpdoctor.settings.reading import Answer, Oddity, Reading, Used
from smtpdoctor.settings.resolve import (
    IMPLICIT_TLS_PORTS,
    STARTTLS_PORTS,
    Loaded,
    port_in,
    port_or_none,
    preset_at,
    told_of,
)
from smtpdoctor.settings.target import Conduct
from smtpdoctor.settings.values import Values

__all__ = ["loaded_of", "origin_of"]

_CALLED: Final = "()"  # the word of a flag that is a call
_LONGEST_SHOWN: Final = 1_000
_DEFINED: Final = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=")
_LOGIN: Final[tuple[SettingName, ...]] = ("username", "password")
_LABELS: Final[Mapping[str, Label]] = {
    "word": Label.WORD_NOT_READ,
    "opposite": Label.OPPOSITE_MEANING,
    "inert": Label.NO_EFFECT,
    "off": Label.MAIL_OFF,
    "overriding": Label.REPLACED,
    "named": Label.SERVER_NAMED,
    "missing": Label.MISSING,
    "falls-back": Label.FALLS_BACK,
    "no-check": Label.NO_CHECK,
    "never-checks": Label.NEVER_CHECKED,
    "no-name-check": Label.NO_NAME_CHECK,
    "half-login": Label.HALF_LOGIN,
    "unread": Label.UNREAD_NAME,
    "version": Label.BY_VERSION,
}
_ENDS: Final[Mapping[tuple[str, bool], Label]] = {
    ("refuses", True): Label.REFUSES_TO_START,
    ("refuses", False): Label.REFUSES_TO_SEND,
    ("no-port", True): Label.NO_PORT_TO_START,
    ("no-port", False): Label.NO_PORT_TO_SEND,
}
_REMARKS: Final[Mapping[RemarkKind, Label]] = {
    "quotes-kept": Label.QUOTES_KEPT,
    "comment-kept": Label.COMMENT_KEPT,
    "value-cut": Label.VALUE_CUT,
    "blanks-kept": Label.BLANKS_KEPT,
    "blanks-lost": Label.BLANKS_LOST,
    "trailing-newline": Label.TRAILING_NEWLINE,
    "carriage-return": Label.CARRIAGE_RETURN,
    "expanded": Label.EXPANDED,
    "escaped": Label.ESCAPED,
}
# How a value is kept whole, by the syntax.
_QUOTED: Final[Mapping[str, str]] = {
    "dotenv": "'…'",
    "ini": '"""…"""',
    "yaml": "'…'",
    "compose": "'…'",
    "kubernetes": "'…'",
}
_NO_SECRETS: Final = frozenset({"null", "none", "nil", "true", "false"})
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_PROBLEMS: Final[Mapping[str, Label]] = {
    "syntax": Label.FILE_SYNTAX,
    "line": Label.FILE_SYNTAX,
    "refused": Label.FILE_SYNTAX,
    "cycle": Label.FILE_CYCLE,
    "missing-file": Label.FILE_MISSING,
    "required": Label.FILE_REQUIRED,
    "limit": Label.FILE_LIMIT,
}


def origin_of(one: Assignment | None, texts: Mapping[str, str], *, secret: bool = False) -> Origin:
    """Return where a value stands, with its line; what may be a secret is masked in it."""
    if one is None:
        return Origin("default", "default")
    place = one.region.place
    name = one.name.partition("@")[0]
    if not place.path:
        return Origin("environment", name)
    text = texts.get(place.path, "")
    start = text.rfind("\n", 0, one.region.start) + 1
    end = text.find("\n", one.region.end)
    end = len(text) if end < 0 else end
    if secret or "@" in one.name:
        line = text[start : one.region.start] + Secret.MASK + text[one.region.end : end]
    else:
        line = text[start:end]
    # Lines are edited as `.env` has them; what another syntax would have there is not told as a line.
    of_env = one.style.startswith("dotenv")
    shown = "\n".join(map(printable, line.split("\n"))) if of_env and len(line) <= _LONGEST_SHOWN else ""
    through = one.effect[0].path if one.effect and one.effect[0].path != place.path else ""
    variable = ""
    if through and (found := _DEFINED.match(text[start:end])) is not None and found[1] != name:
        variable = found[1]
    return Origin("file", name, place.path, place.line, shown, through, variable)


def _effect_of(one: Assignment, texts: Mapping[str, str]) -> Origin:
    """Return where a value is used that stands somewhere else."""
    place = one.effect[0]
    lines = texts.get(place.path, "").split("\n", place.line)
    line = printable(lines[place.line - 1]) if len(lines) >= place.line else ""
    return Origin("file", one.name.partition("@")[0], place.path, place.line, line[:_LONGEST_SHOWN])


def loaded_of(
    reading: Reading, document: Document, given: Mapping[str, Setting[Any]] | None = None
) -> Loaded:
    """Return the settings of a reading, and what is wrong or odd with them.

    ``given`` are settings from the command line, which stand over those of the file.
    """
    return _Loader(reading, document, given or {}).loaded()


class _Loader:
    def __init__(self, reading: Reading, document: Document, given: Mapping[str, Setting[Any]]) -> None:
        self._reading = reading
        self._dialect: Dialect = reading.dialect
        self._texts = document.texts
        self._document = document
        self._given = given
        self._is_base = reading.dialect.id in load.apps()

    def loaded(self) -> Loaded:
        evidence: list[Evidence] = []
        found: dict[str, Any] = dict(self._given)
        for name in ("host", "username", "sender", "ehlo", "cipher"):
            used = self._reading.used.get(name)
            if name not in found and used is not None and used.text:
                found[name] = Setting(used.text, origin_of(used.at, self._texts))
        if "port" not in found and (port := self._port(evidence)) is not None:
            found["port"] = port
        password = self._reading.used.get("password")
        if "password" not in found and password is not None and password.text:
            found["password"] = Setting(
                Secret(password.text), origin_of(password.at, self._texts, secret=True)
            )
        evidence += self._without_foreign_login(found)
        if self._reading.logs_in is False:
            for name in ("username", "password"):
                if name not in self._given:
                    found.pop(name, None)
        answer = self._answer()
        if not self._reading.connects:
            answer = None
        if "security" not in found and answer is not None and answer.security is not None:
            found["security"] = Setting(answer.security, self._security_origin(answer))
        # First what became of the values that are there: what is missing or odd may be for that.
        evidence += self._remarks()
        evidence += self._oddities()
        evidence += self._problems()
        host = found.get("host")
        login = found["username"].value if "username" in found else None
        preset = preset_at(host.value, login) if host is not None else None
        flags = {name: one for name in self._dialect.flags if (one := self._assignment(name)) is not None}
        unknown = frozenset(name for name, used in self._reading.used.items() if used.unknown)
        settings = Settings(
            **found,
            elsewhere=unknown,
            preset=preset.id if preset else None,
            app=self._dialect.id,
            switches=tuple(origin_of(one, self._texts) for one in flags.values()),
            words={name: one.value for name, one in flags.items() if one.value and is_harmless(one.value)},
        )
        return Loaded(
            settings,
            tuple(evidence),
            tuple(self._secrets()),
            unknown,
            self._said(settings, answer),
            self._mode_at(answer),
            own.text if (own := self._reading.used.get("host")) is not None else None,
            self._conduct(),
        )

    def _without_foreign_login(self, found: dict[str, Any]) -> Iterator[Evidence]:
        """Take away a login whose host is not the one that the command line names: it is sent to its own alone."""
        host, own = self._given.get("host"), self._reading.used.get("host")
        if host is None or own is None or not own.text or same_host(host.value, own.text):
            return
        dropped: list[SettingName] = [name for name in _LOGIN if name in found and name not in self._given]
        if not dropped:
            return
        standing = [self._reading.used[name].at for name in dropped]
        names = [one.name.partition("@")[0] for one in standing if one is not None]
        for name in dropped:
            del found[name]
        yield self._evidence(
            Label.OTHER_HOST,
            standing[-1],
            dropped[-1],
            names=", ".join(names or dropped),
            host=host.value.strip(),
            flag=host.origin.name,
            other=own.text,
            place=str(origin_of(own.at, self._texts)),
        )

    def _conduct(self) -> Conduct:
        reading, how = self._reading, self._dialect.behaviour
        return Conduct(
            name=self._dialect.name.en,
            mechanisms=reading.mechanisms,
            as_listed=how.as_listed,
            tries_all=how.tries_all,
            verifies=reading.verifies,
            checks_name=reading.checks_name,
            clear_login=how.clear_login,
            names_itself=how.names_itself or None,
            timeout=how.timeout,
        )

    def _assignment(self, flag: str) -> Assignment | None:
        names = {flag, *self._dialect.flags[flag].names}
        return next((one for one in self._reading.scope.assignments[::-1] if one.name in names), None)

    def _answer(self) -> Answer | None:
        """Return the answer of the newest versions, where they differ."""
        return self._reading.answers[-1] if self._reading.answers else None

    def _security_origin(self, answer: Answer) -> Origin:
        if answer.at is None:
            return Origin("default", answer.flag or "default")
        return origin_of(answer.at, self._texts)

    def _mode_at(self, answer: Answer | None) -> Origin | None:
        """Return where to change the mode: at the flag that decides, unless no other word for it would do."""
        if answer is None or answer.at is None:
            return None
        if answer.flag in self._dialect.flags and answer.security is not Security.NONE:
            words = {
                name: one.value
                for name in self._dialect.flags
                if (one := self._assignment(name)) is not None and one.value
            }
            port = self._reading.used.get("port")
            number = port_or_none(port.text) if port is not None and port.text else None
            implicit = answer.security is not Security.TLS
            if not turns(self._dialect, answer.flag, words, number, implicit=implicit):
                return None
        return origin_of(answer.at, self._texts)

    def _said(self, settings: Settings, answer: Answer | None) -> Message:
        """Return what the application does, and why, in one sentence."""
        shown = {"host": settings.host, "port": settings.port}
        values: dict[str, object] = {name: str(one.value) if one else "?" for name, one in shown.items()}
        values["app_name"] = self._dialect.name.en if not self._is_base else Message("config.app.any")
        said = self._how_said(values, answer)
        ignored = dict.fromkeys(
            _with_part(one.name) for one in self._reading.oddities if one.kind in {"inert", "unread"}
        )
        if not ignored:
            return said
        return Message("config.app.ignores", {"said": said, "names": ", ".join(map(printable, ignored))})

    def _how_said(self, values: dict[str, object], answer: Answer | None) -> Message:
        if answer is None or answer.security is None:
            if any(one.kind == "off" for one in self._reading.oddities):
                return Message("config.app.off", values)
            refused = not self._reading.connects
            return Message("config.app.refused" if refused else "config.app.unsure", values)
        values["how"] = Message(f"how.{answer.security.value}")
        values["flag"] = answer.flag
        if answer.flag and answer.at is not None and answer.word is not None and is_harmless(answer.word):
            if answer.word == _CALLED:
                return Message("config.app.calls", values)
            return Message("config.app.flag", {**values, "word": answer.word})
        if answer.flag and answer.word is not None and answer.at is None:
            return Message("config.app.default", {**values, "word": answer.word})
        by_port = answer.row is not None and "port" in answer.row.when
        return Message("config.app.port" if by_port else "config.app.plain", values)

    def _port(self, evidence: list[Evidence]) -> Setting[int] | None:
        used: Used | None = self._reading.used.get("port")
        if used is None or used.text is None:
            return None
        text = used.text.strip()
        number = port_in(text)
        if isinstance(number, Label):
            evidence.append(self._evidence(number, used.at, "port", **told_of(text)))
            return None
        return Setting(number, origin_of(used.at, self._texts))

    def _evidence(
        self, label: Label, at: Assignment | None, setting: SettingName | None, **facts: str
    ) -> Evidence:
        name = facts.pop("name", at.name.partition("@")[0] if at is not None else "")
        secret = setting == "password"
        if not self._is_base:  # nobody knows whose the base variables are
            facts |= {"app": self._dialect.id, "app_name": self._dialect.name.en}
        return Evidence(
            stage=Stage.CONFIG,
            labels=frozenset({label}),
            setting=setting,
            origin=origin_of(at, self._texts, secret=secret) if at is not None else None,
            facts=printable_facts(name=name, **facts),
        )

    def _is_of(self, setting: SettingName | None, at: Assignment | None) -> bool:
        """Whether an assignment is one of a setting, and not only what stands nearest to it."""
        key = self._dialect.keys.get(setting) if setting is not None else None
        if key is None or at is None:
            return True
        whole = (name.partition("@")[0] for name in key.names)
        return Values(self._dialect, self._reading.scope).first((*key.names, *whole)) is at

    def _oddities(self) -> Iterator[Evidence]:
        for one in self._reading.oddities:
            if one.kind != "opposite" or one.setting != "security" or not self._is_said_so():
                yield self._about(one)

    def _is_said_so(self) -> bool:
        """Whether a mode belongs to the port, and the word that stands there is how this application says it."""
        answer, used = self._answer(), self._reading.used.get("port")
        text = (used.text or "") if used is not None else ""
        port = port_or_none(text)
        ports = {Security.TLS: IMPLICIT_TLS_PORTS, Security.STARTTLS: STARTTLS_PORTS}
        if answer is None or answer.security is None or port not in ports.get(answer.security, ()):
            return False
        flag = self._dialect.flags.get(answer.flag)
        words = write(self._dialect, answer.security, port)
        return (
            flag is not None
            and words is not None
            and any({answer.word, words.get(answer.flag)}.issubset(one) for one in flag.states.values())
        )

    def _about(self, one: Oddity) -> Evidence:
        facts = {"name": _with_part(one.name), **self._facts_of(one)}
        word = one.facts.get("word")
        if word is not None:
            facts |= told_of(word)
        evidence = self._evidence(_label_of(one), one.at, one.setting, **facts)
        if (more := _more_of(one)) is not None:
            evidence = replace(evidence, labels=evidence.labels | {more})
        if one.in_effect and one.at is not None:
            return replace(evidence, origin=_effect_of(one.at, self._texts))
        return evidence

    def _facts_of(self, one: Oddity) -> dict[str, str]:
        facts = {"expected": one.expected} if one.expected else {}
        absent = one.kind in {"missing", "half-login"} and not self._is_of(one.setting, one.at)
        if absent or one.facts.get("absent"):
            facts["beside"] = "yes"
        facts |= {name: one.facts[name] for name in ("sign", "lead") if name in one.facts}
        if one.kind == "version":
            facts["value"] = "; ".join(map(_told, self._reading.answers))
        if one.kind == "opposite":
            answer = self._answer()
            facts["mode"] = answer.security.value if answer and answer.security else ""
        return facts

    def _remarks(self) -> Iterator[Evidence]:
        """Yield what the syntax did to values that the application uses."""
        used = {id(one.at): name for name, one in self._reading.used.items() if one.at is not None}
        flags = {id(one) for name in self._dialect.flags if (one := self._assignment(name)) is not None}
        for one in self._reading.scope.assignments:
            setting = used.get(id(one)) or ("security" if id(one) in flags else None)
            if setting is None:
                continue
            for remark in one.remarks:
                label = _REMARKS.get(remark.kind)
                if label is not None:
                    facts = {"sign": remark.sign} if remark.sign else {}
                    if (quoted := _QUOTED.get(self._document.syntax)) is not None:
                        facts["quoted"] = quoted
                    yield self._evidence(label, one, setting, **facts)

    def _problems(self) -> Iterator[Evidence]:
        for problem in self._document.problems:
            label = _PROBLEMS.get(problem.kind)
            if label is not None:
                yield _of_problem(problem, label)

    def _secrets(self) -> Iterator[Secret]:
        password = self._reading.used.get("password")
        if (
            password is not None and password.text
        ):  # also one that is a part of a URL, or an argument of a call
            yield Secret(password.text)
        assignments = self._reading.scope.assignments
        called = {one.name for one in assignments if one.kind == "call"}
        for one in assignments:
            if one.value and names_secret(one.name) and not _is_no_secret(one, called):
                yield Secret(one.value)


def _label_of(one: Oddity) -> Label:
    match one.kind:
        case "refuses" | "no-port":
            return _ENDS[one.kind, one.ends == "start"]
        case "sender-form":
            return Label.SENDER_NOT_LOCAL_PART if one.expected == "local-part" else Label.SENDER_HAS_NAME
        case "url":
            why = one.facts.get("why", "")
            return {"scheme": Label.URL_SCHEME, "host": Label.URL_HOST}.get(why, Label.URL_SIGN)
        case "word" if one.ends:
            return Label.WORD_REFUSED
        case kind:
            return _LABELS[kind]


def _more_of(one: Oddity) -> Label | None:
    """Return what else there is to say of an oddity: that something is not there at all."""
    if one.kind == "no-port":
        return Label.MISSING
    if one.kind == "off" and one.facts.get("absent"):
        return Label.SWITCH_NOT_CALLED if one.expected == _CALLED else Label.SWITCH_ABSENT
    return None


def _is_no_secret(one: Assignment, called: set[str]) -> bool:
    """Whether what stands under a secret's name is a word for nothing, or the variable that it is taken from."""
    if one.kind in {"call", "null", "boolean"} or (one.value or "").strip().lower() in _NO_SECRETS:
        return True
    function, _, argument = one.name.rpartition(".")
    return argument == "0" and f"{function}()" in called and _VARIABLE.fullmatch(one.value or "") is not None


def _with_part(name: str) -> str:
    """Return a name as people are told it, with the option of a URL that it is about."""
    plain, _, part = name.partition("@")
    return f"{plain} (?{part.removeprefix('query.')})" if part.startswith("query.") else plain


def _of_problem(problem: Problem, label: Label) -> Evidence:
    place = problem.place
    return Evidence(
        stage=Stage.CONFIG,
        labels=frozenset({label}),
        origin=Origin("file", "", place.path, place.line),
        facts=printable_facts(place=str(place), value=problem.detail),
    )


def _told(answer: Answer) -> str:
    bounds = " ".join(
        part
        for part in (
            f">= {answer.since}" if answer.since else "",
            f"< {answer.until}" if answer.until else "",
        )
        if part
    )
    mode = answer.security.value if answer.security is not None else "refused"
    return f"{bounds}: {mode}" if bounds else mode
