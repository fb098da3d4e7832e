"""Reads the sources of settings: the process environment, ``.env`` files, ``<NAME>_FILE`` secrets.

A source that cannot be read at all raises UsageError; what is odd inside one becomes evidence.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.errors import UsageError
from smtpdoctor.labels import Label
from smtpdoctor.masking.forms import without_credentials
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Evidence, Message, Origin, Secret, Stage

__all__ = ["Layer", "Variable", "Variables", "read_env_file", "read_secret_file", "read_variables"]

_MAX_FILE: Final = 1_048_576  # a .env file is a few KiB; a hundred times that is a mistake
_MAX_VALUE: Final = 65_536  # `A=${B}${B}` doubles with every line
_PIPE_SECONDS: Final = 5.0
_FILE_SUFFIX: Final = "_FILE"
# A name like these may have been meant for us though we do not read it.
_ABOUT_MAIL: Final = ("SMTP", "SMPT", "STMP", "SNTP", "MAIL")
_SECRET: Final = ("PASS", "PWD", "SECRET", "TOKEN", "KEY")
# The name in a line that cannot be read, as far as it was written.
_NAME: Final = r"(?m)^[ \t]*(?:export[ \t]+)?'?([A-Za-z_][\w.-]*)'?[ \t]*="
_SHORTEST_SECRET: Final = 4  # a shorter one would mask half of any line


class Variable(Struct, frozen=True):
    """A variable's text and where it stands; ``text`` may be a secret, so it never shows in repr."""

    text: str
    origin: Origin

    def __repr__(self) -> str:
        return f"Variable(origin={str(self.origin)!r})"


class Layer(Struct, frozen=True):
    """What one source says: the environment or a file, whose ``place`` this is.

    ``others`` are the names about mail that stand there with a value and that nobody reads.
    """

    place: str
    values: Mapping[str, Variable]
    others: Mapping[str, Origin] = {}


class Variables(Struct, frozen=True):
    """All variables by name, and what was odd on the way.

    ``values`` are those that count; ``layers`` is what each source says, the strongest first.
    """

    values: Mapping[str, Variable]
    evidence: tuple[Evidence, ...] = ()
    files: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()


def _text_of(path: Path, flag: str | None) -> str:
    """Return a text file's content, whatever common encoding it is in; ``flag`` is what named the file."""
    values: dict[str, object] = {"file": str(path), "flag": flag or Message("stage.config")}
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
    encodings = ["utf-8", "cp949"]
    data = data.removeprefix(BOM_UTF8)
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
    path: Path,
    *,
    flag: str | None = "--env-file",
    environment: Mapping[str, str] | None = None,
    names: frozenset[str] = frozenset(),
) -> tuple[dict[str, Variable], list[Evidence]]:
    """Read a ``.env`` file with python-dotenv's parser, keeping line numbers.

    As there, the last of two equal names wins and ``${NAME}`` is expanded, from the lines above and
    then from the environment. The lines of ``names`` are kept for the report, secrets masked.
    """
    text = _text_of(path, flag)
    from smtpdoctor.settings.dotenv import parse_stream

    lines: dict[str, int] = {}
    raw: dict[str, str] = {}
    texts: list[tuple[str, str | None]] = []
    evidence: list[Evidence] = []
    for binding in parse_stream(StringIO(text, newline=None)):
        # The parser counts blank and comment lines in front of a binding as part of it.
        source = binding.original.string.lstrip()
        ahead = len(binding.original.string) - len(source)
        line = binding.original.line + binding.original.string[:ahead].count("\n")
        if binding.error:
            evidence += _lost(source, path, line, names)
            continue
        if binding.key is None:
            continue
        if binding.key in names:
            raw[binding.key] = _shown(binding.key, source.rstrip())
        if binding.key in lines:
            facts = {"value": binding.key, "first": str(lines[binding.key])}
            origin = Origin("file", binding.key, str(path), line, raw.get(binding.key, ""))
            evidence.append(
                Evidence(stage=Stage.CONFIG, labels=frozenset({Label.DUPLICATE}), origin=origin, facts=facts)
            )
        lines[binding.key] = line
        texts.append((binding.key, binding.value))
    values = _expanded(texts, environment or {})
    secrets = _longest_first(value for name, value in texts if value and _holds_secret(name))
    return {
        name: _masked(
            Variable(value, Origin("file", name, str(path), lines[name], raw.get(name, ""))), secrets
        )
        for name, value in values.items()
        if value is not None and name in lines
    }, evidence


def _lost(source: str, path: Path, line: int, names: frozenset[str]) -> Iterator[Evidence]:
    """Tell of lines that cannot be read: a quote that is not closed takes the lines behind it along.

    Each of ``names`` that is lost is told with its own line; what stands there is never shown.
    """
    found = [
        Origin("file", one[1], str(path), line + source[: one.start(1)].count("\n"))
        for one in re.finditer(_NAME, source)
    ]
    ours = [one for one in found if one.name in names]
    foreign = found[0].name if found and found[0].line == line else ""
    for origin in ours or [Origin("file", "", str(path), line)]:
        called = origin.name or foreign
        facts = {"place": f"{called} ({origin})" if called else str(origin)}
        yield Evidence(stage=Stage.CONFIG, labels=frozenset({Label.BAD_LINE}), origin=origin, facts=facts)


def _has_one_of(words: Iterable[str], name: str) -> bool:
    name = name.upper()
    return any(word in name for word in words)


def _holds_secret(name: str) -> bool:
    """Whether a variable of that name holds a secret itself, not the name of a file with one."""
    return _has_one_of(_SECRET, name) and not name.endswith(_FILE_SUFFIX)


def _longest_first(secrets: Iterable[str]) -> list[str]:
    return sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)


def _shown(name: str, source: str) -> str:
    """Return the lines of a variable fit to be shown: all of a secret's value is masked.

    Also what looks like a comment behind it: where the quotes are missing, it is the password's end.
    """
    if _holds_secret(name):
        head, sign, _ = source.partition("=")
        return printable(f"{head.rstrip()}={Secret.MASK}" if sign else head)
    # A whole URL where a host belongs has a password in it.
    source = without_credentials(source) if re.search(r":\S+@", source) else source
    return "\n".join(map(printable, source.split("\n")))


def _expanded(texts: list[tuple[str, str | None]], environment: Mapping[str, str]) -> dict[str, str | None]:
    """Expand ``${NAME}`` as python-dotenv does, but from the environment that the run may see."""
    from smtpdoctor.settings.dotenv import parse_variables

    values: dict[str, str | None] = {}
    known: dict[str, str | None] = dict(environment)
    for name, text in texts:
        expanded = "" if text is None else "".join(part.resolve(known) for part in parse_variables(text))
        if len(expanded) > _MAX_VALUE:
            raise UsageError(Message("usage.file.expansion", {"name": name, "most": _MAX_VALUE}))
        values[name] = known[name] = None if text is None else expanded
    return values


def read_variables(
    *,
    environment: Mapping[str, str] | None,
    env_files: Iterable[Path],
    implicit_env_file: Path | None,
    names: Iterable[str],
) -> Variables:
    """Read the sources: the environment (None: left out) over the files, later files over earlier ones.

    ``names`` are the variables that matter; of each, ``<NAME>_FILE`` may name a file with the value.
    """
    wanted = frozenset(names)
    kept = wanted | {name + _FILE_SUFFIX for name in wanted}
    layers: list[Layer] = []
    evidence: list[Evidence] = []
    files: list[tuple[Path, str | None]] = [(path, "--env-file") for path in env_files]
    if not files and implicit_env_file is not None and implicit_env_file.exists():
        files = [(implicit_env_file, None)]
    for path, flag in files:
        found, odd = read_env_file(path, flag=flag, environment=environment, names=kept)
        layers.insert(0, _layer(str(path), found, kept))
        evidence += [one for one in odd if not one.origin or not one.origin.name or one.origin.name in wanted]
    if environment is not None:
        given = {
            name: Variable(text, Origin("environment", name))
            for name, text in environment.items()
            if name in kept or _has_one_of(_ABOUT_MAIL, name)
        }
        if given:
            layers.insert(0, _layer("environment", given, kept))
    merged: dict[str, Variable] = {}
    for layer in reversed(layers):
        merged |= layer.values
    evidence += _read_pointers(merged, layers, wanted)
    secrets = _longest_first(
        one.text for layer in layers for name, one in layer.values.items() if _holds_secret(name)
    )
    return Variables(
        {name: _masked(one, secrets) for name, one in merged.items()},
        tuple(evidence),
        tuple(str(path) for path, _ in files),
        tuple(
            Layer(one.place, {name: _masked(v, secrets) for name, v in one.values.items()}, one.others)
            for one in layers
        ),
    )


def _layer(place: str, found: Mapping[str, Variable], kept: frozenset[str]) -> Layer:
    """Tell what is read from what only looks as if it were; an empty value means nothing."""
    others = {
        name: one.origin
        for name, one in found.items()
        if name not in kept and one.text.strip() and _has_one_of(_ABOUT_MAIL, name)
    }
    return Layer(place, {name: one for name, one in found.items() if name in kept}, others)


def _masked(variable: Variable, secrets: Iterable[str]) -> Variable:
    """Mask a secret that stands in the line of another variable, too."""
    text = variable.origin.text
    for secret in secrets:
        text = text.replace(secret, Secret.MASK)
    if text == variable.origin.text:
        return variable
    return replace(variable, origin=replace(variable.origin, text=text))


def _read_pointers(
    merged: dict[str, Variable], layers: list[Layer], wanted: frozenset[str]
) -> Iterator[Evidence]:
    """Put the values of ``<NAME>_FILE`` in the place of their names, there and in the layer that named them."""
    for name in sorted(wanted):
        pointer = merged.pop(name + _FILE_SUFFIX, None)
        if pointer is None or not pointer.text:
            continue
        if name in merged and merged[name].text:
            used = f"{name} ({merged[name].origin})"
            facts = {"value": f"{used}, {name}{_FILE_SUFFIX} ({pointer.origin})", "used": used}
            label = frozenset({Label.CONTRADICTION})
            yield Evidence(stage=Stage.CONFIG, labels=label, origin=pointer.origin, facts=facts)
            continue
        path = Path(pointer.text)
        text = read_secret_file(path, f"{name}{_FILE_SUFFIX} ({pointer.origin})")
        merged[name] = Variable(text, Origin("file", name, str(path)))
        number = next(n for n, one in enumerate(layers) if one.values.get(name + _FILE_SUFFIX) is pointer)
        layers[number] = replace(layers[number], values={**layers[number].values, name: merged[name]})
