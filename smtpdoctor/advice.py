"""A finding in words: title, meaning, numbered fixes and pages, in one language, for these settings.

The one place where the catalogue's texts meet the user's own names and values; every report
format prints what this returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from msgspec import Struct

from smtpdoctor.diagnosis import Context, holds
from smtpdoctor.knowledge import load, schema
from smtpdoctor.knowledge.placeholders import PLACEHOLDER
from smtpdoctor.knowledge.schema import Entry, Preset
from smtpdoctor.model import Finding, Lang, Report, Security, SettingName
from smtpdoctor.text import say

__all__ = ["Advice", "advise", "context_of"]

_LINKS_BY_STAGE: Final = {
    "config": ("app-password", "api-key", "smtp-password", "help"),
    "auth": ("app-password", "smtp-switch", "api-key", "smtp-password", "approval", "help"),
    "sender": ("sender", "approval", "help"),
    "recipient": ("limits", "errors", "help"),
    "send": ("limits", "sender", "errors"),
    "delivery": ("sender", "errors"),
}


class Advice(Struct, frozen=True):
    """What a person is told about a finding; ``origin`` is where the setting in question stands."""

    title: str
    meaning: str
    fixes: tuple[str, ...]
    sure: str
    links: tuple[tuple[str, str], ...]  # label, address
    origin: str | None


def context_of(report: Report) -> Context:
    """Return the context in which a report's findings were made."""
    labels = frozenset(
        label
        for finding in report.findings
        if finding.evidence.stage == "config"
        for label in finding.evidence.labels
    )
    return Context(settings=report.settings, provider=report.settings.preset, labels=labels)


def advise(finding: Finding, context: Context, lang: Lang) -> Advice:
    """Put a finding in words."""
    entry = load.entry(finding.id)
    preset = load.preset_with_id(context.provider)
    names = _Names(finding, context, preset, lang)
    meaning = [entry.meaning.in_(lang)]
    fixes: list[str] = []
    if preset is not None and finding.reply is not None:
        reply = load.replies(preset.id)[finding.reply]
        meaning.append(f"{preset.name.in_(lang)}: {reply.cause.in_(lang)}")
        fixes.append(reply.cure.in_(lang))
    meaning += names.fitting(entry.note, context)
    fixes += names.fitting(entry.fix, context)
    if preset is not None and finding.reply is None:
        fixes += _of_provider(entry, preset, lang)
    return Advice(
        title=entry.title.in_(lang),
        meaning=" ".join(meaning),
        fixes=tuple(dict.fromkeys(fixes)),
        sure=names.fill(entry.sure.in_(lang)) or "",
        links=_links(entry, preset, lang),
        origin=str(finding.evidence.origin) if finding.evidence.origin else None,
    )


def _of_provider(entry: Entry, preset: Preset, lang: Lang) -> list[str]:
    """Return what the provider wants to see in the settings that the entry is about."""
    texts = {
        "username": preset.username.ko if lang == "ko" else preset.username.en,
        "password": preset.password.ko if lang == "ko" else preset.password.en,
        "sender": preset.sender.ko if lang == "ko" else preset.sender.en,
    }
    name = preset.name.in_(lang)
    return [
        say(lang, f"advice.preset-{what}", preset=name, text=texts[what]) for what in entry.provider_facts
    ]


def _links(entry: Entry, preset: Preset | None, lang: Lang) -> tuple[tuple[str, str], ...]:
    wanted = entry.where or _LINKS_BY_STAGE.get(entry.stage, ())
    found: list[tuple[str, str]] = []
    if preset is not None and entry.fault != "network":
        chosen = [link for what in wanted for link in preset.link if link.what == what]
        special = [link for link in chosen if link.what != "help"]
        found += [(link.ko if lang == "ko" else link.en, link.url) for link in special or chosen]
    # Pages of other providers help nobody who uses this one.
    general = [url for url in entry.links if not found or "rfc-editor.org" in url]
    found += [("", url) for url in general]
    return tuple(found)


class _Names:
    """Fills placeholders with the user's own names and values; see ``knowledge.placeholders``."""

    def __init__(self, finding: Finding, context: Context, preset: Preset | None, lang: Lang) -> None:
        self._finding = finding
        self._settings = context.settings
        self._app = load.apps().get(context.settings.app) or load.apps()["smtp"]
        self._preset = preset
        self._lang = lang

    def fill(self, text: str) -> str | None:
        """Return the text filled in, or None where a placeholder has no value."""
        values: dict[str, str] = {}
        for name in PLACEHOLDER.findall(text):
            value = self._value(name)
            if not value:
                return None
            values[name] = value
        return PLACEHOLDER.sub(lambda found: values[found[1]], text)

    def fitting(self, advices: Iterable[schema.Advice], context: Context) -> list[str]:
        """Return the advices whose conditions hold and whose placeholders all have a value."""
        evidence = self._finding.evidence
        filled = (self.fill(one.in_(self._lang)) for one in advices if holds(one.when, evidence, context))
        return [text for text in filled if text]

    def _value(self, name: str) -> str | None:
        head, _, rest = name.partition(".")
        match head:
            case "at":
                return self._at(cast("SettingName", rest))
            case "set":
                return self._set(rest)
            case "fact":
                return self._finding.evidence.facts.get(rest)
            case "check":
                return "smtpdoctor check"
            case "dial":
                return self._dial()[rest == "port"]
            case "openssl":
                return self._openssl(rest)
            case "preset":
                return self._preset.name.in_(self._lang) if self._preset else None
            case _:
                setting = self._settings.get(cast("SettingName", head))
                return str(setting.value) if setting is not None else None

    def _dial(self) -> tuple[str, str]:
        host, port = self._settings.host, self._settings.port
        return host.value if host else "smtp.example.com", str(port.value) if port else "587"

    def _openssl(self, mode: str) -> str:
        host, port = self._dial()
        set_to = self._settings.security.value if self._settings.security else Security.STARTTLS
        security = Security(mode) if mode else set_to
        starttls = "" if security is Security.TLS else " -starttls smtp"
        return f"openssl s_client -connect {host}:{port} -servername {host}{starttls}"

    def _at(self, name: SettingName) -> str:
        setting = self._settings.get(name)
        origin = setting.origin if setting else None
        evidence = self._finding.evidence
        if evidence.setting == name and evidence.origin is not None:
            origin = evidence.origin
        variable = self._variable(name)
        if origin is None or origin.kind in {"preset", "default", "sandbox"}:
            return variable
        if origin.kind == "file" and origin.path is None:
            return variable  # from a log, which says nothing about the settings
        if origin.kind == "file":
            return say(self._lang, "advice.at", name=origin.name or variable, place=str(origin))
        return origin.name

    def _variable(self, name: SettingName) -> str:
        if name == "security":
            return say(self._lang, "advice.and").join(self._app.flags)
        return self._app.variables.get(name, (f"SMTP_{name.upper()}",))[0]

    def _set(self, rest: str) -> str | None:
        what, _, value = rest.partition(".")
        flagged = self._settings.get(cast("SettingName", what))
        if flagged is not None and flagged.origin.kind == "flag":
            return f"--{what} {value}"
        if what == "port":
            return f"{self._variable('port')}={value}"
        lines = self._app.write.get(Security(value), {})
        return say(self._lang, "advice.and").join(f"{name}={text}" for name, text in lines.items())
