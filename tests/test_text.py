"""Both languages say the same: the same keys, the same values in them, nothing left over."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from smtpdoctor.model import Message
from smtpdoctor.text import LANGUAGES, default_language, messages, say

PACKAGE = Path(__file__).parent.parent / "smtpdoctor"
KEY = re.compile(r"[a-z]+(?:\.[a-zA-Z0-9_-]*[a-zA-Z0-9_])+")


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_languages_have_the_same_keys_and_values() -> None:
    """A sentence that one language lacks, or that names other values, would break a run in it."""
    english, korean = messages("en"), messages("ko")
    assert english.keys() == korean.keys()
    assert {key: _fields(text) for key, text in english.items()} == {
        key: _fields(text) for key, text in korean.items()
    }


def _strings() -> tuple[set[str], set[str]]:
    """Return the strings of the program outside of the languages, and the heads of those that are put together."""
    whole: set[str] = set()
    heads: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if path.stem in LANGUAGES:
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                heads.add(str(node.values[0].value))
    return whole, heads


def test_every_key_in_the_code_is_known_and_every_known_key_is_used() -> None:
    """Keys are strings, so the type checker cannot see a misspelt or a forgotten one."""
    whole, heads = _strings()
    known = messages("en")
    topics = {key.partition(".")[0] for key in known}
    modules = {"report.json_v1", "report.view", "report.objects", "report.sandbox", "mail.log"}
    keys = {one for one in whole if KEY.fullmatch(one) and one.partition(".")[0] in topics}
    assert {one for one in keys if not one.endswith((".py", ".json", ".toml"))} - modules <= known.keys()
    put_together = tuple(one for one in heads if one.partition(".")[0] in topics and one[-1:] in {".", "-"})
    assert [key for key in known if key not in whole and not key.startswith(put_together)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_message_inside_a_message_and_an_error_token_are_put_in_words(lang: str) -> None:
    """Values may be messages themselves; error tokens read as words where there are any."""
    stage = Message("stage.auth")
    inner = say("ko" if lang == "ko" else "en", "skip.after", stage=stage)
    assert say("ko" if lang == "ko" else "en", stage) in inner
    assert "ECONNREFUSED" not in say("en", "connect.fail", address="192.0.2.1:25", error="ECONNREFUSED")
    assert "EWEIRD" in say("en", "connect.fail", address="192.0.2.1:25", error="EWEIRD")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8", "SMTPDOCTOR_LANG": "ko"}, "ko"),
        ({"LC_MESSAGES": "ko", "LANG": "en_US"}, "ko"),
    ],
)
def test_the_language_comes_from_the_environment(environment: dict[str, str], expected: str) -> None:
    """SMTPDOCTOR_LANG first, then the locale in POSIX order."""
    assert default_language(environment) == expected
