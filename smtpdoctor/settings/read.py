"""Reads the sources of settings: the process environment, ``.env`` files, ``<NAME>_FILE`` secrets.

A source that cannot be read at all raises UsageError; what is odd inside one becomes evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Final

from msgspec import Struct

from smtpdoctor.errors import UsageError
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Message, Origin, Stage

__all__ = ["Variable", "Variables", "read_env_file", "read_secret_file", "read_variables"]

_MAX_FILE: Final = 1_048_576  # a .env file is a few KiB; a hundred times that is a mistake
_MAX_VALUE: Final = 65_536  # `A=${B}${B}` doubles with every line
_PIPE_SECONDS: Final = 5.0
_FILE_SUFFIX: Final = "_FILE"


class Variable(Struct, frozen=True):
    """A variable's text and where it stands; ``text`` may be a secret, so it never shows in repr."""

    text: str
    origin: Origin

    def __repr__(self) -> str:
        return f"Variable(origin={str(self.origin)!r})"


class Variables(Struct, frozen=True):
    """All variables by name, the strongest source first, and what was odd on the way."""

    values: Mapping[str, Variable]
    evidence: tuple[Evidence, ...] = ()
    files: tuple[str, ...] = ()


def _text_of(path: Path, flag: str) -> str:
    """Return a text file's content, whatever common encoding it is in."""
    values: dict[str, object] = {"file": str(path), "flag": flag}
    try:
        if path.is_dir():
            raise UsageError(Message("usage.file.directory", values))
        size = path.stat().st_size
        if size > _MAX_FILE:
            raise UsageError(Message("usage.file.large", {**values, "size": f"{size / 1e6:.0f}"}))
        data = path.read_bytes() if path.is_file() else _from_pipe(path)
    except FileNotFoundError as error:
        raise UsageError(Message("usage.file.missing", values)) from error
    except OSError as error:
        raise UsageError(
            Message("usage.file.unreadable", {**values, "reason": error.strerror or "?"})
        ) from error
    if len(data) > _MAX_FILE:
        raise UsageError(Message("usage.file.large", {**values, "size": ">1"}))
    return _decoded(data, values)


def _from_pipe(path: Path) -> bytes:
    """Read a pipe (a shell's ``<(command)``) or device: as much as may be, and no longer than some seconds."""
    import errno
    import os
    import select
    import time

    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        data = b""
        deadline = time.monotonic() + _PIPE_SECONDS
        while len(data) <= _MAX_FILE:
            ready, _, _ = select.select([handle], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            part = os.read(handle, _MAX_FILE + 1 - len(data))
            if not part:
                break
            data += part
        return data
    finally:
        os.close(handle)


def _decoded(data: bytes, values: dict[str, object]) -> str:
    encodings = ["utf-8-sig", "cp949"]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\0" in data:
        raise UsageError(Message("usage.file.binary", values))
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeError:
            continue
        if "\0" in text:
            break
        return text
    raise UsageError(Message("usage.file.binary", values))


def read_secret_file(path: Path, flag: str) -> str:
    """Return the value in a file that holds one, without the line end that editors add."""
    text = _text_of(path, flag)
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text


def read_env_file(
    path: Path, *, flag: str = "--env-file", environment: Mapping[str, str] | None = None
) -> tuple[dict[str, Variable], list[Evidence]]:
    """Read a ``.env`` file with python-dotenv's parser, keeping line numbers.

    As there, the last of two equal names wins and ``${NAME}`` is expanded, from the lines above and
    then from the environment.
    """
    text = _text_of(path, flag)
    from dotenv.parser import parse_stream

    lines: dict[str, int] = {}
    texts: list[tuple[str, str | None]] = []
    evidence: list[Evidence] = []
    for binding in parse_stream(StringIO(text, newline=None)):
        # The parser counts blank and comment lines in front of a binding as part of it.
        ahead = len(binding.original.string) - len(binding.original.string.lstrip())
        line = binding.original.line + binding.original.string[:ahead].count("\n")
        if binding.error:
            origin = Origin("file", "", str(path), line)
            evidence.append(Evidence(stage=Stage.CONFIG, labels=frozenset({Label.BAD_LINE}), origin=origin))
            continue
        if binding.key is None:
            continue
        if binding.key in lines:
            facts = {"value": binding.key, "first": str(lines[binding.key])}
            origin = Origin("file", binding.key, str(path), line)
            evidence.append(
                Evidence(stage=Stage.CONFIG, labels=frozenset({Label.DUPLICATE}), origin=origin, facts=facts)
            )
        lines[binding.key] = line
        texts.append((binding.key, binding.value))
    values = _expanded(texts, environment or {})
    return {
        name: Variable(value, Origin("file", name, str(path), lines[name]))
        for name, value in values.items()
        if value is not None and name in lines
    }, evidence


def _expanded(texts: list[tuple[str, str | None]], environment: Mapping[str, str]) -> dict[str, str | None]:
    """Expand ``${NAME}`` as python-dotenv does, but from the environment that the run may see."""
    from dotenv.variables import parse_variables

    values: dict[str, str | None] = {}
    for name, text in texts:
        known = {**environment, **values}
        expanded = "" if text is None else "".join(part.resolve(known) for part in parse_variables(text))
        if len(expanded) > _MAX_VALUE:
            raise UsageError(Message("usage.file.expansion", {"name": name, "most": _MAX_VALUE}))
        values[name] = None if text is None else expanded
    return values


def read_variables(
    *,
    environment: Mapping[str, str] | None,
    env_files: Iterable[Path],
    implicit_env_file: Path | None,
    names: Iterable[str],
) -> Variables:
    """Merge the sources: the environment (None: left out) over the files, later files over earlier ones.

    ``names`` are the variables that matter; of each, ``<NAME>_FILE`` may name a file with the value.
    """
    wanted = frozenset(names)
    merged: dict[str, Variable] = {}
    evidence: list[Evidence] = []
    files = list(env_files)
    if not files and implicit_env_file is not None and implicit_env_file.exists():
        files = [implicit_env_file]
    for path in files:
        values, odd = read_env_file(path, environment=environment)
        merged |= {name: value for name, value in values.items() if _base(name, wanted) in wanted}
        evidence += [one for one in odd if not one.origin or not one.origin.name or one.origin.name in wanted]
    for name, text in (environment or {}).items():
        if _base(name, wanted) in wanted:
            merged[name] = Variable(text, Origin("environment", name))
    for name in wanted:
        pointer = merged.pop(name + _FILE_SUFFIX, None)
        if pointer is None or not pointer.text:
            continue
        if name in merged and merged[name].text:
            facts = {"value": f"{name}, {name}{_FILE_SUFFIX}"}
            label = frozenset({Label.CONTRADICTION})
            evidence.append(Evidence(stage=Stage.CONFIG, labels=label, origin=pointer.origin, facts=facts))
            continue
        path = Path(pointer.text)
        text = read_secret_file(path, f"{name}{_FILE_SUFFIX} ({pointer.origin})")
        merged[name] = Variable(text, Origin("file", name, str(path)))
    return Variables(merged, tuple(evidence), tuple(str(path) for path in files))


def _base(name: str, wanted: frozenset[str]) -> str:
    if name not in wanted and name.endswith(_FILE_SUFFIX):
        return name.removesuffix(_FILE_SUFFIX)
    return name
