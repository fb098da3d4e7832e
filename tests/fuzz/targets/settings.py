"""Files that users write: ``.env``, secrets, presets."""

from __future__ import annotations

import io
import logging
import os
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from smtpdoctor.errors import KnowledgeError, UsageError
from smtpdoctor.formats.dotenv import UnwritableError, assigned, assignment, masked, value_of
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.compile import read_preset
from smtpdoctor.model import Secret
from smtpdoctor.settings.read import read_env_file, read_secret_file
from smtpdoctor.text import say
from tests.fuzz.draw import BytesDraw
from tests.fuzz.target import no_control, target

if TYPE_CHECKING:
    from smtpdoctor.knowledge.schema import Preset

logging.getLogger("dotenv.main").disabled = True  # it tells of every bad line

_NAMES: Final = frozenset(
    {"SMTP_HOST", "SMTP_PORT", "SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_SENDER", "SMTP_TLS"}
)
_MASKED: Final = 4  # characters from which a password is masked in the line of another variable, too


@cache
def _folder() -> Path:
    """Return a folder for the files of this process; in memory where the system has such a place."""
    memory = Path("/dev/shm")  # noqa: S108
    folder = tempfile.TemporaryDirectory(prefix="smtpdoctor-fuzz-", dir=memory if memory.is_dir() else None)
    _kept.append(folder)
    return Path(folder.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def _text(data: bytes) -> str | None:
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        return None


@target(
    b"SMTP_HOST=",
    b"SMTP_PASSWORD=",
    b"${SMTP_HOST}",
    b"${A:-b}",
    b"export ",
    b"'",
    b'"',
    b"\\n",
    b"\r\n",
    b" #",
)
def dotenv(data: bytes) -> None:
    """A ``.env`` file says the same as to python-dotenv, and no line that is kept shows a password."""
    path = _folder() / "dotenv.env"
    path.write_bytes(data)
    try:
        values, evidence = read_env_file(path, environment=os.environ, names=_NAMES)
    except UsageError as error:
        no_control(say("en", error.message))
        return
    text = _text(data)
    lines = data.count(b"\n") + data.count(b"\r") + 1
    for one in evidence:
        assert one.origin is not None
        assert 1 <= (one.origin.line or 0) <= lines
    for name, variable in values.items():
        assert 1 <= (variable.origin.line or 0) <= lines
        no_control(variable.origin.text, "\n")
        if name == "SMTP_PASSWORD" and len(variable.text) >= _MASKED and variable.text != Secret.MASK:
            assert variable.text not in repr(variable)
            shown = "\n".join(other.origin.text.replace(Secret.MASK, "") for other in values.values())
            assert variable.text not in shown, (variable.text, shown)
    if text is not None and "\ufeff" not in text[:1]:
        expected = dotenv_values(stream=io.StringIO(text, newline=None))
        everything = {name: value for name, value in expected.items() if value is not None}
        found, _ = read_env_file(path, environment=os.environ)
        assert {name: one.text for name, one in found.items()} == everything
        ours = {name: value for name, value in everything.items() if name in _NAMES}
        assert {name: one.text for name, one in values.items()} == ours


@target(b"\r\n", b"\n")
def secret_file(data: bytes) -> None:
    """A file with a value gives that value, without the one line end that editors add."""
    path = _folder() / "secret"
    path.write_bytes(data)
    try:
        value = read_secret_file(path, "--password-file")
    except UsageError as error:
        no_control(say("en", error.message))
        return
    text = _text(data)
    if text is not None:
        assert text in {value, f"{value}\n", f"{value}\r\n"}


@target(b"SMTP_PASSWORD=", b"'", b'"', b" # why", b"export ", b"${A}", b"\\", b"\r\n")
def dotenv_write(data: bytes) -> None:
    """A value that is written is read back the same, alone or in the place of another; a masked line has none."""
    draw = BytesDraw(data)
    value = draw.text(20)
    source = draw.rest().decode("utf-8", "replace")
    with suppress(UnwritableError):
        line = assignment("SMTP_PASSWORD", value)
        assert dotenv_values(stream=io.StringIO(line)) == {"SMTP_PASSWORD": value}
    # What generate hands over is one definition, as python-dotenv takes it apart.
    read = list(parse_stream(io.StringIO(source)))
    if len(read) != 1 or read[0].error or read[0].key is None or not read[0].value or "\r" in source:
        return
    name, old = read[0].key, read[0].value
    with suppress(UnwritableError):
        changed = assigned(source, value)
        if changed is not None:
            assert dotenv_values(stream=io.StringIO(changed)) == {name: value}, (source, changed)
    sign = next(one for one in map(chr, range(0xE000, 0xF8FF)) if one not in source)
    hidden = masked(source, sign)  # the mask's own signs may be a part of the value
    head = source.partition("=")[0] + "="  # which stays, even if the value says the same once more
    assert hidden is None or len(old) < _MASKED or old in head or old not in hidden, hidden
    value_of(source)


@cache
def _ids() -> frozenset[str]:
    return frozenset(load.ids())


def preset_of(data: bytes) -> Preset | None:
    """Return the user's preset that bytes are, None where the loader refuses them."""
    try:
        return read_preset(Path("own-preset.toml"), data, _ids())
    except KnowledgeError as error:
        assert error.problems
        assert all("own-preset.toml" in one for one in error.problems)
    return None


@target(b"[[endpoint]]\n", b"[[reply]]\n", b"pattern = ", b"id = ", b"[name]\n", b"'''", b"\n", most=6_000)
def preset(data: bytes) -> None:
    """A user's own preset is taken, or refused with file and key."""
    preset_of(data)
