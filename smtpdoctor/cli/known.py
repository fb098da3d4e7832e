"""What may be said of a command's use: each value in a sentence passes here before anybody sees it.

Whoever uses a command wrongly may have put a password in any place of it, and which one it is often
stands somewhere else: in the environment, in the ``.env`` file, in the file that was to be read next.
So the secrets are not those of the settings, which do not exist yet. They are looked for when there is
something to be said, in every source that the line names and whether or not it can be read as a whole.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from smtpdoctor.files import beginning_of
from smtpdoctor.model import Lang, Message, Secret
from smtpdoctor.text import say

__all__ = ["Known", "shown"]

# The last word of a name that holds a secret; not PWD, which is the shell's name for the folder.
_NAMED: Final = (
    r"(?i)(?:pass|passwd|password|passphrase|secret|token|key|credentials?|.pwd|_pw|auth)(?:_file)?$"
)
_NO_SECRET: Final = frozenset({"OLDPWD"})
_URL: Final = r"(?i)host|server|url|uri|dsn"
_ASSIGNMENT: Final = r"(?m)^[ \t]*(?:export[ \t]+|- )?[\"']?([A-Za-z_][\w.-]*)[\"']?[ \t]*[=:][ \t]*(.*)$"
_POINTER: Final = "_FILE"
_LARGEST: Final = 1_048_576
_MOST: Final = 500  # secrets: no line has more, and each is looked for in each value
_LONGEST_SECRET: Final = 16_384  # characters: longer than any token, and than a line of AUTH may be
_SECONDS: Final = 1.0
_LONGEST: Final = 400  # characters of a value that are shown
_FILES: Final = ("env_file", "write")
# Values in words of ours alone. Where one is masked, everybody can read the password off the gap.
_OURS: Final = frozenset(
    {
        ("usage.one-of", "names"),
        ("usage.set", "names"),
        ("usage.help", "command"),
        # The variables of an application.
        ("generate.written", "names"),
        ("usage.generate.exists", "names"),
        ("usage.generate.kind", "app"),
    }
)
# What was typed where a name or an address belongs, and is none; the name of a file may well look random.
_TYPED: Final = frozenset({"name", "value", "words", "scheme"})


def shown(text: str) -> str | Message:
    """Return a value for a number or a word of a short list as it may be shown, or else what it is made of."""
    from smtpdoctor.masking.guess import is_harmless

    if is_harmless(text):
        return text
    letters = re.search(r"[^\W\d_]", text) is not None
    digits = re.search(r"\d", text) is not None
    kind = "signs"
    if text.isalnum():
        kind = "mixed" if letters and digits else "letters" if letters else "digits"
    return Message(f"usage.unshown.{kind}", {"count": len(text)})


def _is_ours(key: str, name: str, value: object) -> bool:
    """Whether a value of a message says nothing of what the user has said: a flag, or the words that are known."""
    if name == "flag":
        return isinstance(value, str) and re.fullmatch(r"--[a-z0-9-]+", value) is not None
    return name == "known" or (key, name) in _OURS


class Known:
    """The secrets that a command may know of.

    ``values`` are those of the command's parameters by name, as far as they could be read.
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = values or {}
        self._learned: dict[str, None] = {}
        self._masking: Callable[[str], str] | None = None

    def learn(self, *secrets: str) -> None:
        """Take note of secrets that were read."""
        self._learned |= dict.fromkeys(secrets)
        self._masking = None

    def say(self, lang: Lang, message: Message | str, **values: object) -> str:
        """Put a message in words, none of its values with a secret or a control character."""
        if isinstance(message, str):
            message = Message(message, values)
        return say(lang, self._masked(message))

    def mask(self, text: str) -> str:
        """Return a value as it may be shown."""
        from smtpdoctor.masking.forms import without_credentials

        if self._masking is None:
            from smtpdoctor.masking.echoes import Redactor

            self._masking = Redactor(self._secrets()).own
        masked = without_credentials(self._masking(text))
        return masked if len(masked) <= _LONGEST else f"{masked[:_LONGEST]}…"

    def _masked(self, message: Message) -> Message:
        values = {
            name: one if _is_ours(message.key, name, one) else self._value(name, one)
            for name, one in message.values.items()
        }
        return Message(message.key, values)

    def _value(self, name: str, value: object) -> object:
        if isinstance(value, Message):
            return self._masked(value)
        if isinstance(value, int | float):
            return value
        text = str(value)
        if name in _TYPED:
            from smtpdoctor.masking.guess import looks_random

            text = Secret.MASK if looks_random(text) else text
        shown = self.mask(text)
        return shown if shown == shown.strip() != "" else f'"{shown}"'

    def _secrets(self) -> list[str]:
        found: dict[str, None] = dict(self._learned)
        for one in self._sources():
            found |= dict.fromkeys(text for text in (one, one.strip()) if 0 < len(text) <= _LONGEST_SECRET)
            if len(found) > _MOST:
                break
        return list(found)

    def _sources(self) -> Iterator[str]:
        from smtpdoctor.masking.guess import credentials_in
        from smtpdoctor.masking.references import references_in

        yield from self._typed()
        for name, text in os.environ.items():
            yield from _of_variable(name, text)
        for path in self._paths("password_file"):
            yield from (*_in_file(str(path)), *_misplaced(str(path)))
        for path in [*(path for name in _FILES for path in self._paths(name)), Path(".env")]:
            whole = _text_of(path)
            named = references_in(whole)
            for name, text in re.findall(_ASSIGNMENT, whole):
                for one in _unquoted(text) if name != "key" or text.strip() not in named else ():
                    yield from _of_variable(name, one)
        for name in ("url", "host"):
            for text in self._all(name):
                yield from credentials_in(str(text))

    def _all(self, name: str) -> Sequence[Any]:
        value = self._values.get(name)
        return value if isinstance(value, list) else [] if value is None else [value]

    def _paths(self, name: str) -> list[Path]:
        # `--write` is a file's name to some commands and a switch to others.
        return [Path(one) for one in self._all(name) if not isinstance(one, bool)]

    def _typed(self) -> Iterator[str]:
        """Yield a password on standard input that nobody has read yet, if it comes at once."""
        if not self._values.get("password_stdin") or self._learned:
            return
        import select
        from io import UnsupportedOperation

        with suppress(OSError, ValueError):
            try:
                comes = not sys.stdin.isatty() and bool(select.select([sys.stdin], [], [], _SECONDS)[0])
            except UnsupportedOperation:
                comes = True  # a text in memory, of a program that calls this
            if comes:
                yield sys.stdin.buffer.read1(_LARGEST).decode("utf-8", "replace")  # type: ignore[union-attr]


def _of_variable(name: str, text: str) -> Iterator[str]:
    """Yield what is secret in a variable: its value, that of the file that it names, or a login in a URL."""
    is_secret = re.search(_NAMED, name) is not None and name not in _NO_SECRET
    if name.endswith(_POINTER):
        yield from _in_file(text) if is_secret else ()
        yield from _misplaced(text)
    elif is_secret:
        yield text
    elif re.search(_URL, name):
        from smtpdoctor.masking.guess import credentials_in

        yield from credentials_in(text)


def _unquoted(text: str) -> Iterator[str]:
    """Yield what a line of a file may mean: with and without quotes, comment and escapes."""
    text = text.strip()
    yield text
    yield re.split(r"\s+#", text, maxsplit=1)[0]
    if text[:1] in {"'", '"'}:
        inside = text[1:].rpartition(text[0])[0] or text[1:]
        yield inside
        yield re.sub(r"\\(.)", r"\1", inside)


def _in_file(name: str) -> Iterator[str]:
    """Yield what stands in a file that holds a secret."""
    yield _text_of(Path(name))


def _misplaced(name: str) -> Iterator[str]:
    """Yield what stands where the name of a file belongs, and may be what was to stand in the file."""
    from smtpdoctor.masking.guess import is_harmless, looks_random

    with suppress(OSError, ValueError):
        if os.path.lexists(name):
            return
    is_path = "/" in name or os.sep in name or re.search(r"\.\w{1,5}$", name)
    if looks_random(name) or not (is_path or is_harmless(name)):
        yield name


def _text_of(path: Path) -> str:
    """Return the beginning of a file, or nothing; a pipe or device would have to be waited for."""
    return beginning_of(path, _LARGEST).decode("utf-8", "surrogateescape")
