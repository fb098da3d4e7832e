"""Fills the placeholders of the catalogue's texts with the user's own names and values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, cast

from smtpdoctor.diagnosis import Context, holds
from smtpdoctor.knowledge import load, schema
from smtpdoctor.knowledge.placeholders import PLACEHOLDER
from smtpdoctor.knowledge.schema import Preset
from smtpdoctor.model import Finding, Lang, Security, SettingName, Settings, Stage
from smtpdoctor.text import say

__all__ = ["Names", "check_command", "fix_command", "offers", "pairs_of"]

_DEFAULT_ENV: Final = ".env"
# What has no file to be repeated from: flags, and the arguments of a program that calls the API.
_ON_THE_LINE: Final = frozenset({"flag", "argument"})
_OF_CHECK: Final = frozenset({"--until", "--to", "--sandbox"})
_SOURCES: Final = frozenset({"--config", "--env-file"})
_FLAGS: Final[tuple[SettingName, ...]] = ("host", "port", "security", "username", "sender", "ehlo")
_CALL: Final = "()"
_ENVIRONMENT: Final = r"[A-Z_][A-Z0-9_]*"
_WITH_OPTIONS: Final = "createTransport."
_USUAL: Final = ((587, Security.STARTTLS), (465, Security.TLS))  # RFC 8314


def pairs_of(preset: Preset | None, host: str | None) -> tuple[tuple[int, Security], ...]:
    """Return the ports to send by, each with its mode: the provider's first for each, else the usual ones."""
    if preset is None:
        return _USUAL
    found: dict[Security, int] = {}
    for one in preset.endpoints_at(host):
        found.setdefault(one.security, one.port)
    if len(found) > 1:
        found.pop(Security.NONE, None)
    return tuple((port, mode) for mode, port in found.items())


def offers(preset: Preset | None, host: str | None, port: int | None, security: Security | None) -> bool:
    """Whether a provider has such a port or way of securing it at a host; one that is not known has."""
    if preset is None or preset.anywhere:
        return True
    return any(
        port in {None, one.port} and (security is None or _alike(security, one.security))
        for one in preset.endpoints_at(host)
    )


def _alike(wanted: Security, offered: Security) -> bool:
    if wanted is Security.NONE or offered is Security.NONE:
        return wanted is offered
    return (wanted is Security.TLS) == (offered is Security.TLS)


def check_command(
    settings: Settings, options: Sequence[str] = (), *, added: frozenset[str] = frozenset()
) -> str:
    """Return the command that repeats a check; ``options`` are those that are about no setting.

    ``added``: options that stand behind it in a text, and are therefore left out.
    """
    words = ["smtpdoctor", "check"]
    known = [setting for name in (*_FLAGS, "password") if (setting := settings.get(name)) is not None]
    files = dict.fromkeys(
        one.origin.path for one in known if one.origin.kind == "file" and one.origin.line is not None
    )
    # What was named on the command line is named there again; of the rest only the places are known.
    if list(files) != [_DEFAULT_ENV] and _SOURCES.isdisjoint(options):
        words += [word for path in files if path for word in ("--env-file", path)]
    if any(one.origin.kind == "preset" for one in known) and settings.preset:
        words += ["--preset", settings.preset]
    for name in _FLAGS:
        setting = settings.get(name)
        if setting is not None and setting.origin.kind in _ON_THE_LINE:
            words += [f"--{name}", str(setting.value)]
    if settings.password is not None and settings.password.origin.kind in _ON_THE_LINE:
        origin = settings.password.origin
        words += {
            "--password-file": ["--password-file", origin.path or "FILE"],
            "--password-stdin": ["--password-stdin"],
        }.get(origin.name, ["--ask-password"])
    if settings.recipient is not None and settings.recipient.origin.kind in _ON_THE_LINE:
        words += ["--to", settings.recipient.value]
    if any(one.origin.kind == "sandbox" for one in known):
        words.append("--sandbox")
    return shlex.join(_without([*words, *options], added))


def fix_command(settings: Settings, options: Sequence[str] = (), *, network: bool) -> str:
    """Return the command that shows the changes for what a check, or without the network a lint, has found."""
    told = check_command(settings, options, added=_OF_CHECK).replace(" check", " fix", 1)
    return told if network else f"{told} --no-network"


def _without(words: Iterable[str], flags: frozenset[str]) -> Iterator[str]:
    """Yield the words of a command without some options and their values."""
    left_out = False
    for word in words:
        if word.startswith("--"):
            left_out = word.partition("=")[0] in flags
        if not left_out:
            yield word


def _bare(host: str) -> str:
    """Return a host's name as DNS compares it."""
    return host.strip("[]").rstrip(".").lower()


class Names:
    """Fills placeholders; see ``knowledge.placeholders``."""

    def __init__(
        self,
        finding: Finding,
        context: Context,
        preset: Preset | None,
        lang: Lang,
        options: Sequence[str] = (),
    ) -> None:
        self._finding = finding
        self._settings = context.settings
        self._app = load.app(context.settings.app) or load.apps()["smtp"]
        self._preset = preset
        self._lang = lang
        self._options = options

    def fill(self, text: str) -> str | None:
        """Return the text filled in, or None where a placeholder has no value."""
        values: dict[str, str] = {}
        for name in PLACEHOLDER.findall(text):
            value = self._value(name)
            if not value:
                return None
            values[name] = value
        filled = PLACEHOLDER.sub(
            lambda found: self._check(text[found.end() :]) if found[1] == "check" else values[found[1]],
            text,
        )
        # The usual file of an application is named once in a text.
        place = say(self._lang, "advice.at", name="", place=self._app.place) if self._app.place else ""
        before, there, behind = filled.partition(place) if place else (filled, "", "")
        return before + there + (behind.replace(place, "") if place else "")

    def _check(self, behind: str) -> str:
        """Return the command that repeats the check, but for the options that the text adds behind it."""
        words = behind.partition("`")[0].split()
        added = frozenset(word for word in words if word.startswith("--"))
        return check_command(self._settings, self._options, added=added)

    def fitting(self, advices: Iterable[schema.Advice], context: Context) -> list[tuple[schema.Advice, str]]:
        """Return the advices whose conditions hold and whose placeholders all have a value, filled in."""
        evidence = self._finding.evidence
        filled = (
            (one, self.fill(one.in_(self._lang))) for one in advices if holds(one.when, evidence, context)
        )
        return [(one, text) for one, text in filled if text]

    def variable(self, name: SettingName) -> str:
        """Return the application's variable for a setting, or all of them that are about security."""
        if name == "security":
            flags = dict.fromkeys(_spoken(flag.partition("@")[0]) for flag in self._app.flags)
            return say(self._lang, "advice.and").join(flags)
        return _spoken(self._variable(name).partition("@")[0])

    def is_part(self, name: SettingName) -> bool:
        """Whether a setting stands in a value that holds others as well, such as a URL."""
        return "@" in self._variable(name)

    def _variable(self, name: SettingName) -> str:
        """Return the variable that is in use, or the usual one, with the part of its value that is meant."""
        names = self._app.variables.get(name) or (f"SMTP_{name.upper()}",)
        setting = self._settings.get(name)
        used = setting.origin.name if setting is not None else ""
        # A name of its own is what most people set, rather than a part of an address or an argument of a call.
        usual = next((one for one in names if "@" not in one and not one[-1].isdigit()), names[0])
        return next((one for one in names if one.partition("@")[0] == used), usual)

    def written(self, mode: Security) -> dict[str, str]:
        """Return what the application writes for a way of securing the connection, near to what stands there."""
        return self._near(mode) or self._app.write.get(mode, {})

    def _near(self, mode: Security) -> dict[str, str]:
        """Return the words that have to change for a mode where some stand already, nothing where none do."""
        words = self._settings.words
        dialect = load.dialect(self._settings.app) if words else None
        if dialect is None:
            return {}
        from smtpdoctor.knowledge.table import told_names, write

        host = self._settings.host.value if self._settings.host else "smtp.example.com"
        port = next((port for port, one in self.pairs() if one is mode), None)
        modes = (mode, Security.OPPORTUNISTIC) if mode is Security.STARTTLS else (mode,)
        wanted = (write(dialect, one, port, words, host=host) for one in modes)
        found = next((one for one in wanted if one is not None), {})
        changed = {name: word for name, word in found.items() if word != words.get(name)}
        flags = {
            name: (*told_names(dialect, dialect.flags[name].names or (name,)), name)[0] for name in found
        }
        return {flags[name]: word for name, word in (changed or found).items()}

    def _value(self, name: str) -> str | None:
        head, _, rest = name.partition(".")
        match head:
            case "at":
                return self._at(cast("SettingName", rest))
            case "env":
                variable = self.variable(cast("SettingName", rest))
                return variable if re.fullmatch(_ENVIRONMENT, variable) else None
            case "set":
                return self._set(rest)
            case "ports":
                return self._any_of(str(port) for port, _ in self.pairs())
            case "fact" | "lead":
                return self._of_facts(head, rest)
            case "preset":
                return self._of_preset(rest)
            case "check":
                return self._check("")
            case "dial":
                host, port = self._dialled()
                return host if rest == "host" else str(port)
            case "openssl":
                return self._openssl(rest)
            case "login":
                username = self._bare("username")
                return username if username and "@" in username.strip("@") else None
            case "bare":
                return self._bare(cast("SettingName", rest))
            case _:
                setting = self._settings.get(cast("SettingName", head))
                return str(setting.value) if setting is not None else None

    def _of_facts(self, head: str, name: str) -> str | None:
        facts = self._finding.evidence.facts
        if head == "fact":
            return facts.get(name)
        lead = facts.get("lead")
        return say(self._lang, f"lead.{lead}") if lead else None

    def _at(self, name: SettingName) -> str:
        setting = self._settings.get(name)
        origin = setting.origin if setting else None
        evidence = self._finding.evidence
        if evidence.setting == name and evidence.origin is not None and not self.stands_beside():
            origin = evidence.origin
        variable = self.variable(name)
        if (
            name == "security"
            and origin is not None
            and origin.kind == "default"
            and origin.name != "default"
        ):
            return say(self._lang, "advice.unset", name=_spoken(origin.name))
        if origin is None or origin.kind in {"preset", "default", "sandbox"}:
            return self._placed(name, variable)
        if origin.kind == "file" and origin.path is None:
            return self._placed(name, variable)  # from a log, which says nothing about the settings
        if origin.kind in {"file", "project"}:
            return say(self._lang, "advice.at", name=origin.here or variable, place=str(origin))
        return origin.name

    def stands_beside(self) -> bool:
        """Whether what is not there is told at another setting, the nearest that stands."""
        return "beside" in self._finding.evidence.facts

    def _placed(self, setting: SettingName, variable: str) -> str:
        """Return a variable as it is told where no file was read: with the application's usual file.

        Of an argument, or a part of an address, it is told which.
        """
        if setting != "security" and (variable.endswith(_CALL) or self.is_part(setting)):
            what = say(self._lang, f"setting.{setting}")
            return say(self._lang, "advice.part", what=what, name=variable)
        known = (self._settings.get(name) for name in (*_FLAGS, "password"))
        if not self._app.place or any(one is not None and one.origin.path for one in known):
            return variable
        return say(self._lang, "advice.at", name=variable, place=self._app.place)

    def pairs(self) -> tuple[tuple[int, Security], ...]:
        """Return the ports to send by, each with its mode."""
        return pairs_of(self._preset, self._settings.host.value if self._settings.host else None)

    def open_pairs(self) -> Iterator[tuple[int, Security]]:
        """Yield those of them that this run has not found shut."""
        told = (one.split("/") for one in self._finding.evidence.facts.get("siblings", "").split())
        shut = {int(port) for port, _, state in told if state != "answers"}
        yield from (pair for pair in self.pairs() if pair[0] not in shut)

    def _any_of(self, texts: Iterable[str]) -> str:
        return say(self._lang, "advice.or").join(texts)

    def _set(self, rest: str) -> str | None:
        what, _, value = rest.partition(".")
        if what == "security":
            mode = Security(value)
            return self._mode(mode) if self._fits_here(mode) else None
        wanted = Security(value) if what == "pair" else None
        pairs = (pair for pair in self.open_pairs() if wanted in {None, pair[1]})
        return self._any_of(self._pair(port, mode) for port, mode in pairs)

    def _fits_here(self, mode: Security) -> bool:
        """Whether a mode can be set as long as the port stays."""
        host, port = self._settings.host, self._settings.port
        name = host.value if host else None
        here = port.value if port and offers(self._preset, name, port.value, None) else None
        if here is None and port and self._preset and self._preset.ports_complete:
            return False
        return offers(self._preset, name, here, mode)

    def _pair(self, port: int, mode: Security) -> str:
        number, written = self._written("port", str(port)), self._mode(mode)
        number = number or _assigned(self._variable("port"), str(port))
        return say(self._lang, "advice.pair", port=number, mode=written) if written else f"`{number}`"

    def _mode(self, mode: Security) -> str:
        lines = self.written(mode)
        words = {"true": self._app.true[0], "false": self._app.false[0]}
        told = say(self._lang, "advice.and").join(
            _assigned(name, words.get(text, text)) for name, text in lines.items()
        )
        return self._written("security", mode.value) or told

    def _written(self, name: SettingName, value: str) -> str:
        """Return how a value is given on the command line, or as an argument, where the setting came from there."""
        known = self._settings.get(name)
        if known is None:
            return ""
        if known.origin.kind == "project":
            return f"{known.origin.name} = {value}" if value.isdigit() else f'{known.origin.name} = "{value}"'
        if known.origin.kind not in _ON_THE_LINE:
            return ""
        if known.origin.kind == "flag":
            return f"--{name} {value}"
        return f"{name}={value}" if value.isdigit() else f'{name}="{value}"'

    def _of_preset(self, what: str) -> str | None:
        preset = self._preset
        if preset is None:
            return None
        match what:
            case "host":
                return preset.host
            case "port":
                mode = self._settings.security.value if self._settings.security else None
                pairs = self.pairs()
                fitting = (port for port, one in pairs if mode is None or _alike(mode, one))
                return str(next(fitting, pairs[0][0]))
            case "ports":
                return self._ports(preset)
            case "shape":
                return preset.password.shape.in_(self._lang) if preset.password.shape else None
            case "refused":
                return self._refused(preset)
            case "username":
                return preset.username.value if preset.username.form == "literal" else None
            case "password":
                return preset.password.example if preset.password.kind != "none" else None
            case _:
                return preset.name.in_(self._lang)

    def _ports(self, preset: Preset) -> str | None:
        """Return the other ports of the provider's usual server; a local one has whichever its owner gave it."""
        here = self._settings.port.value if self._settings.port else None
        if preset.anywhere or here is None:
            return None  # no port is another one than one that is not known
        return say(self._lang, "advice.and").join(
            f"{one.port} {say(self._lang, f'security.{one.security.value}')}"
            for one in preset.endpoints_at(self._settings.host.value if self._settings.host else None)
            if one.port != here
        )

    def _refused(self, preset: Preset) -> str | None:
        """Return what the preset says of the value that lint knew by one of its patterns."""
        part = preset.username if self._finding.evidence.setting == "username" else preset.password
        pattern = self._finding.evidence.facts.get("refused")
        return next((one.in_(self._lang) for one in part.refused if one.pattern == pattern), None)

    def _bare(self, name: SettingName) -> str | None:
        setting = self._settings.get(name)
        return str(setting.value).strip().strip("\"'`").strip() if setting is not None else None

    def _host(self) -> str:
        usual = self._preset.host if self._preset and not self._preset.anywhere else "smtp.example.com"
        named = self._finding.evidence.facts.get("named")  # in a log, where no settings are
        return (self._bare("host") or named or usual).rstrip(".")

    def _port(self) -> int:
        return self._settings.port.value if self._settings.port else self.pairs()[0][0]

    def _dialled(self) -> tuple[str, int]:
        """Return what was dialled: a flag may have had something else dialled instead of what the settings say."""
        host, port = self._host(), self._port()
        if self._finding.stage is Stage.CONFIG:
            return host, port
        for flag, text in pairwise(self._options):
            if flag != "--connect-to":
                continue
            from smtpdoctor.endpoints import endpoints_in

            found = endpoints_in(text)
            if found is not None and (_bare(found[0][0]), found[0][1]) == (_bare(host), port):
                return found[1]
        return host, port

    def _usual_mode(self) -> Security:
        """Return the mode that belongs to the port of this run, where the settings name none."""
        return next((mode for port, mode in self.pairs() if port == self._port()), Security.STARTTLS)

    def _openssl(self, mode: str) -> str:
        known = self._settings.security.value if self._settings.security else self._usual_mode()
        implicit = mode == "tls" or (not mode and known is Security.TLS)
        host, port = self._dialled()
        at = f"[{host}]" if ":" in host else host
        words = ["openssl", "s_client", *([] if implicit else ["-starttls", "smtp"])]
        words += ["-connect", f"{at}:{port}", "-servername", self._host()]
        return shlex.join(words)


def _spoken(name: str) -> str:
    """Return a name of code as people say it: a call instead of its argument, an option without its call."""
    head, _, last = name.rpartition(".")
    if last.isdigit():
        return head + _CALL
    return name.rpartition(_WITH_OPTIONS)[2].lstrip(".")


def _assigned(name: str, value: str) -> str:
    """Return how a variable is given a value, or the part of a value that its name speaks of."""
    name, _, part = name.partition("@")
    if value == _CALL:
        return name
    name = _spoken(name)
    match part.partition("."):
        case ("", _, _):
            return f"{name}={value}"
        case ("port", _, _):
            return f"{name}=…:{value}"
        case ("scheme", _, _):
            return f"{name}={value}://…"
        case ("query", _, key):
            return f"{name}=…?{key}={value}"
        case _:
            return f"{name}=…{value}…"
