"""The comments that say what to fill in, where to click, and what belongs together."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Final, Literal

from smtpdoctor.generate.plan import Plan, Variable
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.schema import Link, Password, SenderRule, Username
from smtpdoctor.model import Lang, Security, SettingName
from smtpdoctor.settings.resolve import preset_of_host
from smtpdoctor.text import LANGUAGES, say

__all__ = ["about", "heading", "renewed", "words", "wrapped"]

_Paragraph = tuple[str, ...]
_Kind = Literal["header", "port", "username", "password", "sender"]
_KINDS: Final[tuple[_Kind, ...]] = ("header", "port", "username", "password", "sender")
_LANGS: Final = LANGUAGES
# What was written about: an earlier plan is only asked for its words.
_WITH_LOGIN: Final = tuple(
    Variable(setting=one, names=(one,), value="") for one in ("port", "username", "password", "sender")
)

_WIDTH: Final = 92
_PASSWORD_LINKS: Final = frozenset({"smtp-switch", "app-password", "api-key", "smtp-password", "approval"})


def _cells(text: str) -> int:
    """Return how many columns a text takes; Korean letters take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def words(part: Username | Password | SenderRule | Link, lang: Lang) -> str:
    """Return what a part of a preset says, in a language."""
    return part.ko if lang == "ko" else part.en


@lru_cache(maxsize=1024)  # the comments of all plans that a file may be from are made again for each file
def wrapped(text: str, width: int = _WIDTH) -> _Paragraph:
    """Break a text between words; a word that is longer than a line stays whole (an address)."""
    return tuple(_lines(text, width))


def _lines(text: str, width: int) -> Iterator[str]:
    line: list[str] = []
    taken = 0
    for word in text.split():
        cells = _cells(word)
        if line and taken + 1 + cells > width:
            yield " ".join(line)
            line, taken = [word], cells
        else:
            taken += cells + bool(line)
            line.append(word)
    if line:
        yield " ".join(line)


def heading(plan: Plan, lang: Lang, *, check: str | None) -> Iterator[str]:
    """Return the lines at the top; ``check`` is the command that tries the settings."""
    if plan.converted_from is not None:
        yield say(lang, "convert.header", app=plan.converted_from.in_(lang))
    else:
        yield say(lang, "generate.header", preset=plan.preset.name.in_(lang))
    yield say(lang, "generate.secret")
    if check:
        yield say(lang, "generate.check", command=check)


def about(plan: Plan, setting: SettingName, lang: Lang, *, without: str = "") -> Iterator[str]:
    """Return what is to be known before a variable is filled in or changed.

    ``without`` is what a comment of the file cannot hold: a paragraph with it is left out whole.
    """
    paragraphs = _paragraphs(plan, setting, lang)
    return chain.from_iterable(one for one in paragraphs if not without or without not in " ".join(one))


def _paragraphs(plan: Plan, setting: SettingName, lang: Lang) -> Iterator[_Paragraph]:
    preset = plan.preset
    if plan.converted_from is not None:  # they are known, and worked
        return
    if setting == "port":
        mode = say(lang, f"security.{plan.security.value}")
        yield wrapped(say(lang, "generate.security", port=plan.port, security=mode))
        others = [
            f"{one.port} ({say(lang, f'security.{one.security.value}')})"
            for one in preset.endpoint
            if one.port != plan.port and one.host in (None, plan.host)
        ]
        if others:
            yield wrapped(say(lang, "generate.others", endpoints=", ".join(others)))
    elif setting == "username":
        yield _labelled("presets.username", words(preset.username, lang), lang)
    elif setting == "password":
        yield _labelled("presets.password", words(preset.password, lang), lang)
        yield from (_click(link, lang) for link in preset.link if link.what in _PASSWORD_LINKS)
    elif setting == "sender":
        yield _labelled("presets.sender", words(preset.sender, lang), lang)
        yield from (_click(link, lang) for link in preset.link if link.what == "sender")


def _labelled(key: str, text: str, lang: Lang) -> _Paragraph:
    return wrapped(f"{say(lang, key)}: {text}")


def _click(link: Link, lang: Lang) -> _Paragraph:
    first, *others = wrapped(words(link, lang), _WIDTH - 2)
    return (f"- {first}", *(f"  {line}" for line in others), f"  {link.url}")


# Comments that an earlier run wrote.


def renewed(
    texts: Sequence[str | None], plan: Plan, lang: Lang, *, host: str | None
) -> list[list[str] | None]:
    """Return what becomes of comments: None where a line stays, else the lines in its place.

    ``texts`` are the comments of a file line by line, None where something else stands, ``host`` is
    the one in the file. What smtpdoctor wrote for another provider or port gives way to what it has to
    say now; a comment of the user's own, or one of ours that the user changed, is none of these.
    """
    kept: list[list[str] | None] = [None] * len(texts)
    wanted = {kind: list(_in_all_languages(plan, kind)) for kind in _KINDS}
    now = {paragraph for kind in _KINDS for paragraph in wanted[kind]}
    stale: dict[str, list[tuple[_Paragraph, _Kind]]] = {}
    asked: set[str] = set()
    for other in _earlier(texts, plan, host):
        # Of the plans for one provider each has its own port, and all say the same of a login.
        kinds = _KINDS if other.preset.id not in asked else ("port",)
        asked.add(other.preset.id)
        for kind in kinds:
            for paragraph in _in_all_languages(other, kind):
                if paragraph not in now:
                    stale.setdefault(paragraph[0], []).append((paragraph, kind))
    said = {kind for kind in _KINDS if any(_stands(one, texts) for one in wanted[kind])}
    line = 0
    while line < len(texts):
        fitting = [
            (paragraph, kind)
            for paragraph, kind in stale.get(texts[line] or "", [])
            if tuple(texts[line : line + len(paragraph)]) == paragraph
        ]
        if not fitting:
            line += 1
            continue
        paragraph, kind = max(fitting, key=lambda one: len(one[0]))
        kept[line : line + len(paragraph)] = [[] for _ in paragraph]
        if kind not in said:
            said.add(kind)
            kept[line] = [text for one in _written(plan, kind, lang) for text in one]
        line += len(paragraph)
    return kept


def _stands(paragraph: _Paragraph, texts: Sequence[str | None]) -> bool:
    """Whether a paragraph stands among the comments."""
    starts = (number for number, text in enumerate(texts) if text == paragraph[0])
    return any(tuple(texts[start : start + len(paragraph)]) == paragraph for start in starts)


def _written(plan: Plan, kind: _Kind, lang: Lang) -> Iterator[_Paragraph]:
    """Return the paragraphs of one kind that belong to a plan alone, and not to every one."""
    if kind == "header":
        yield (say(lang, "generate.header", preset=plan.preset.name.in_(lang)),)
    elif any(kind in {one.setting, *one.parts} for one in plan.variables):
        yield from _paragraphs(plan, kind, lang)


def _in_all_languages(plan: Plan, kind: _Kind) -> Iterator[_Paragraph]:
    return chain.from_iterable(_written(plan, kind, language) for language in _LANGS)


def _earlier(texts: Sequence[str | None], plan: Plan, host: str | None) -> Iterator[Plan]:
    """Yield the plans whose comments may stand there: those of the providers that are named."""
    headers = {text for text in texts if text is not None and "smtpdoctor" in text}
    presets = {plan.preset.id: plan.preset}
    if headers:
        presets |= {
            one.id: one
            for one in load.presets().values()
            if any(say(lang, "generate.header", preset=one.name.in_(lang)) in headers for lang in _LANGS)
        }
    if host is not None and (found := preset_of_host(host)) is not None:
        presets[found.id] = found
    for preset in presets.values():
        for one in preset.endpoint:
            modes = {one.security}
            if one.security is Security.STARTTLS or preset.anywhere:
                modes |= set(Security) if preset.anywhere else {Security.OPPORTUNISTIC}
            for mode in modes:
                yield replace(
                    plan,
                    preset=preset,
                    host=one.host or preset.host,
                    port=one.port,
                    security=mode,
                    variables=_WITH_LOGIN,
                )
