"""Sentences of the program itself, in every language; the catalogue's texts live in the catalogue.

One Python module a language: they load from bytecode, faster than any other format.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Final

from smtpdoctor.model import Lang, Message

__all__ = ["LANGUAGES", "default_language", "messages", "say"]

LANGUAGES: Final[tuple[Lang, ...]] = ("en", "ko")


@cache
def messages(lang: Lang) -> Mapping[str, str]:
    """Return all sentences of a language by key."""
    found: Mapping[str, str] = import_module(f"smtpdoctor.text.{lang}").MESSAGES
    return found


def say(lang: Lang, message: Message | str, **values: object) -> str:
    """Return a message in a language. An error token among the values is put in words."""
    if isinstance(message, str):
        message = Message(message, values)
    known = messages(lang)
    filled = {
        name: say(lang, value)
        if isinstance(value, Message)
        else known.get(f"error.{value}", value)
        if name == "error"
        else value
        for name, value in message.values.items()
    }
    return known[message.key].format_map(filled)


def default_language(environment: Mapping[str, str] | None = None) -> Lang:
    """Return the language of the environment: SMTPDOCTOR_LANG, then the locale (POSIX order)."""
    environment = os.environ if environment is None else environment
    for name in ("SMTPDOCTOR_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value:
            return "ko" if value.lower().startswith("ko") else "en"
    return "en"
