"""A finding in words: title, cause, steps, pages and the lines to change, in one language, for these settings.

The one place where the catalogue's texts meet the user's own names and values; every report
format prints what this returns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from msgspec import Struct

from smtpdoctor.advice.changes import Excerpt, changes_of, excerpts_of
from smtpdoctor.advice.names import Names, check_command, fix_command
from smtpdoctor.advice.steps import Step, chosen, settings_in, tidy
from smtpdoctor.diagnosis import Context
from smtpdoctor.knowledge import load, schema
from smtpdoctor.knowledge.schema import Entry, LinkKind, Preset, Reply
from smtpdoctor.labels import Label
from smtpdoctor.model import Change, Fault, Finding, Lang, Message, Report, SettingName, Settings, Stage
from smtpdoctor.text import say

__all__ = ["Advice", "Excerpt", "advise", "check_command", "context_of", "fix_command"]

_OF_LOGIN: Final[tuple[LinkKind, ...]] = (
    "app-password",
    "api-key",
    "smtp-password",
    "smtp-switch",
    "approval",
    "help",
)
_BY_SETTING: Final[dict[SettingName, tuple[LinkKind, ...]]] = {
    "username": _OF_LOGIN,
    "password": _OF_LOGIN,
    "sender": ("sender", "approval"),
}
_BY_STAGE: Final[dict[Stage, tuple[LinkKind, ...]]] = {
    Stage.AUTH: _OF_LOGIN,
    Stage.SENDER: ("sender", "approval"),
}
# What a person can see to at the provider's pages; a network or a server's fault is not mended there.
_AT_PROVIDER: Final = frozenset({Fault.CONFIG, Fault.ACCOUNT})
_ENGLISH: Final[Lang] = "en"
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?=[^\W_a-z]|[`\"'(])")
_LONGEST_CAUSE: Final = {"en": 210, "ko": 120}
_SAYS_IT_ALONE: Final = {"en": 50, "ko": 25}  # a shorter note ("Issuer: …") needs its sentence


class Advice(Struct, frozen=True):
    """What a person is told about a finding.

    ``cause`` is the meaning in a sentence or two; ``steps`` are told by default, ``rest`` when asked
    for. ``origin`` is where the setting in question stands.
    """

    title: str
    cause: str
    meaning: str
    steps: tuple[str, ...]
    rest: tuple[str, ...]
    sure: str
    links: tuple[tuple[str, str], ...]  # label, address
    changes: tuple[Change, ...]
    excerpts: tuple[Excerpt, ...]
    origin: str | None

    @property
    def fixes(self) -> tuple[str, ...]:
        """All steps, the best first."""
        return (*self.steps, *self.rest)


def context_of(report: Report) -> Context:
    """Return the context in which a report's findings were made."""
    labels = frozenset(
        label
        for finding in report.findings
        if finding.evidence.stage == "config"
        for label in finding.evidence.labels
    )
    return Context(settings=report.settings, provider=report.settings.preset, labels=labels)


def advise(finding: Finding, context: Context, lang: Lang, options: Sequence[str] = ()) -> Advice:
    """Put a finding in words; ``options`` are those of the run that are about no setting."""
    entry = load.entry(finding.id)
    preset = load.preset_with_id(context.provider)
    names = Names(finding, context, preset, lang, options)
    reply = None
    if preset is not None and finding.reply is not None:
        reply = load.replies(preset.id)[finding.reply]
    notes = names.fitting(entry.note, context)
    meaning = [entry.meaning.in_(lang)]
    if preset is not None and reply is not None:
        meaning.append(f"{preset.name.in_(lang)}: {reply.cause.in_(lang)}")
    changes = changes_of(finding, context, entry, names)
    about = changes[0].setting if changes else None
    overridden = _overridden(finding, context.settings, lang)
    steps = tidy([*overridden, *_steps(entry, preset, reply, names, context, lang)], about)
    told = chosen(steps)
    beside = list(_beside(finding, lang))
    return Advice(
        title=entry.title.in_(lang),
        cause=" ".join([_cause(finding, entry, reply, notes, lang), *beside]),
        meaning=" ".join([*meaning, *(text for _, text in notes), *beside]),
        steps=told,
        rest=tuple(step.text for step in steps[len(told) :]),
        sure=names.fill(entry.sure.in_(lang)) or "",
        links=_links(finding, entry, preset, lang),
        changes=changes,
        excerpts=excerpts_of(changes),
        origin=str(finding.evidence.origin) if finding.evidence.origin else None,
    )


def _sentence(text: str) -> str:
    return _SENTENCE_END.split(text, maxsplit=1)[0]


def _cause(
    finding: Finding,
    entry: Entry,
    reply: Reply | None,
    notes: Sequence[tuple[schema.Advice, str]],
    lang: Lang,
) -> str:
    """Return the cause in a sentence, with what was seen in this very case where both are short enough."""
    if reply is not None and reply.diagnosis == finding.id:
        return _sentence(reply.cause.in_(lang))
    first = _sentence(entry.meaning.in_(lang))
    for note, text in notes:
        when = note.when
        if when is None or not (when.label or when.error or when.code or when.security):
            continue
        if entry.stage is Stage.CONFIG and when.label:
            return text  # what is wrong with this very setting, where the meaning can only list what may be
        both = f"{first} {text}"
        if len(both) <= _LONGEST_CAUSE[lang]:
            return both
        return text if len(text) > _SAYS_IT_ALONE[lang] else first
    return first


def _beside(finding: Finding, lang: Lang) -> Iterator[str]:
    """Yield what the server's other ports said, where they were tried, and what the application does here."""
    told = []
    for one in finding.evidence.facts.get("siblings", "").split():
        port, security, state = one.split("/")
        mode = say(lang, f"security.{security}")
        told.append(say(lang, f"advice.sibling.{state}", port=port, security=mode))
    if told:
        yield say(lang, "advice.siblings", ports=say(lang, "advice.and").join(told))
    facts = finding.evidence.facts
    for does in facts.get("app_does", "").split():
        yield say(lang, f"advice.app.{does}", app=facts["app_name"], seconds=facts.get("app_seconds", ""))


def _overridden(finding: Finding, settings: Settings, lang: Lang) -> Iterator[Step]:
    """Yield the step that is first where the environment overrides what the file says of the setting at fault."""
    name = finding.evidence.setting
    setting = settings.get(name) if name is not None else None
    if setting is None or setting.origin.kind != "environment" or Label.OVERRIDDEN in finding.evidence.labels:
        return
    for other in setting.overrides:
        if other.origin.kind == "file" and other.origin.line is not None:
            said = Message("advice.overridden", {"name": setting.origin.name, "place": str(other.origin)})
            yield Step(say(lang, said), say("en", said), 0)
            return


def _steps(
    entry: Entry,
    preset: Preset | None,
    reply: Reply | None,
    names: Names,
    context: Context,
    lang: Lang,
) -> Iterator[Step]:
    if reply is not None:
        yield Step(reply.cure.in_(lang), reply.cure.en, 0)
    elsewhere = preset is not None and not preset.anywhere
    for fix, text in names.fitting(entry.fix, context):
        if elsewhere and (fix.own or (fix.general and settings_in(fix.en) <= set(entry.provider_facts))):
            continue
        special = fix.when is not None and (
            bool(fix.when.words) or (preset is not None and preset.id in fix.when.provider)
        )
        rank = 1 if special else 2 if fix.when is not None and fix.when.seen else 4
        yield Step(text, fix.en, rank, settings_in(fix.en))
    if preset is not None:
        yield from _of_provider(entry, preset, context.settings, lang)


def _of_provider(entry: Entry, preset: Preset, settings: Settings, lang: Lang) -> Iterator[Step]:
    """Yield what the provider wants to see in the settings that the entry is about."""
    for what in entry.provider_facts:
        # A user name of the right form may still be wrong, but that is not the first thing to look at.
        rank = 5 if what == "username" and _fits(settings, preset) else 3
        host = settings.host.value if settings.host else None
        text, said = (_fact(preset, what, host, one) for one in (lang, _ENGLISH))
        yield Step(text, said, rank, frozenset({what}))


def _fact(preset: Preset, what: str, host: str | None, lang: Lang) -> str:
    if what == "port":
        text = say(lang, "advice.and").join(
            f"{one.port} {say(lang, f'security.{one.security.value}')}" for one in preset.endpoints_at(host)
        )
    else:
        part = getattr(preset, what)
        text = part.ko if lang == "ko" else part.en
    return say(lang, f"advice.preset-{what}", preset=preset.name.in_(lang), text=text)


def _fits(settings: Settings, preset: Preset) -> bool:
    """Whether the user name has the form that the provider wants."""
    username = settings.username.value if settings.username else ""
    match preset.username.form:
        case "literal":
            return load.takes_word(username, preset)
        case "email" | "email-or-local":
            return "@" in username.strip("@") or (bool(username) and preset.username.form != "email")
        case _:
            return False


def _links(finding: Finding, entry: Entry, preset: Preset | None, lang: Lang) -> tuple[tuple[str, str], ...]:
    """Return the pages that are about this: the provider's, and the general ones."""
    wanted = entry.where or ()
    if entry.where is None and finding.fault in _AT_PROVIDER:
        setting = entry.setting or finding.evidence.setting
        by_setting = _BY_SETTING.get(setting, ()) if setting else ()
        wanted = by_setting if entry.stage is Stage.CONFIG else _BY_STAGE.get(entry.stage, by_setting)
    found: list[tuple[str, str]] = []
    if preset is not None:
        picked = [link for what in wanted for link in preset.link if link.what == what]
        special = [link for link in picked if link.what != "help"]
        found += [(link.ko if lang == "ko" else link.en, link.url) for link in special or picked]
    found += [("", url) for url in entry.links if preset is None or _is_for(preset, url)]
    return tuple(found)


def _is_for(preset: Preset, url: str) -> bool:
    """Whether a page is of use to who sends through this provider: that of another one is not."""
    domain = _domain(url)
    if any(domain == _domain(link.url) for link in preset.link):
        return True
    return domain not in _domains()


@cache
def _domains() -> frozenset[str]:
    """Return the domains of the pages of all providers."""
    return frozenset(_domain(link.url) for one in load.presets().values() for link in one.link)


def _domain(url: str) -> str:
    host = url.partition("://")[2].partition("/")[0]
    return ".".join(host.split(".")[-2:])
