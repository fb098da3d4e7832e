"""The comments that say what to fill in, where to click, and what belongs together."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from smtpdoctor.generate.plan import Plan
from smtpdoctor.knowledge.schema import Link, Password, SenderRule, Username
from smtpdoctor.model import Lang, SettingName
from smtpdoctor.text import say

__all__ = ["about", "heading", "words", "wrapped"]

_WIDTH: Final = 92
_PASSWORD_LINKS: Final = frozenset({"smtp-switch", "app-password", "api-key", "smtp-password", "approval"})


def _cells(text: str) -> int:
    """Return how many columns a text takes; Korean letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def words(part: Username | Password | SenderRule | Link, lang: Lang) -> str:
    """Return what a part of a preset says, in a language."""
    return part.ko if lang == "ko" else part.en


def wrapped(text: str, width: int = _WIDTH) -> Iterator[str]:
    """Break a text between words; a word that is longer than a line stays whole (an address)."""
    line = ""
    for word in text.split():
        if line and _cells(line) + 1 + _cells(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield line


def heading(plan: Plan, lang: Lang, *, check: str | None) -> Iterator[str]:
    """Return the lines at the top; ``check`` is the command that tries the settings."""
    yield say(lang, "generate.header", preset=plan.preset.name.in_(lang))
    yield say(lang, "generate.secret")
    if check:
        yield say(lang, "generate.check", command=check)


def about(plan: Plan, setting: SettingName, lang: Lang) -> Iterator[str]:
    """Return what is to be known before a variable is filled in or changed."""
    preset = plan.preset
    if setting == "port":
        mode = say(lang, f"security.{plan.security.value}")
        yield from wrapped(say(lang, "generate.security", port=plan.port, security=mode))
        others = [
            f"{one.port} ({say(lang, f'security.{one.security.value}')})"
            for one in preset.endpoint
            if one.port != plan.port and one.host in (None, plan.host)
        ]
        if others:
            yield from wrapped(say(lang, "generate.others", endpoints=", ".join(others)))
    elif setting == "username":
        yield from _labelled("presets.username", words(preset.username, lang), lang)
    elif setting == "password":
        yield from _labelled("presets.password", words(preset.password, lang), lang)
        for link in preset.link:
            if link.what in _PASSWORD_LINKS:
                yield from _click(link, lang)
    elif setting == "sender":
        yield from _labelled("presets.sender", words(preset.sender, lang), lang)
        for link in preset.link:
            if link.what == "sender":
                yield from _click(link, lang)


def _labelled(key: str, text: str, lang: Lang) -> Iterator[str]:
    yield from wrapped(f"{say(lang, key)}: {text}")


def _click(link: Link, lang: Lang) -> Iterator[str]:
    lines = wrapped(words(link, lang), _WIDTH - 2)
    yield f"- {next(lines)}"
    yield from (f"  {line}" for line in lines)
    yield f"  {link.url}"
