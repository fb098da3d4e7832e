"""Reads the sources of settings: the process environment, ``.env`` files, ``<NAME>_FILE`` secrets.

A source that cannot be read at all raises UsageError; what is odd inside one becomes evidence.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from os.path import normpath
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.errors import UsageError
from smtpdoctor.files import is_there, read_file
from smtpdoctor.labels import Label
from smtpdoctor.masking.forms import without_credentials
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Evidence, Message, Origin, Secret, Stage

__all__ = [
    "LONGEST",
    "Layer",
    "Variable",
    "Variables",
    "decoded",
    "names_secret",
    "read_env_file",
    "read_secret_file",
    "read_variables",
    "refuse_long",
]

# A login has to fit into a line of 12,288 bytes in base64 (RFC 4954 section 4), which is 9,216 of user
# name and password together. Tokens have some 2,500; no other setting comes near it.
LONGEST: Final = 8_192  # bytes of a value
_LONGEST_PLAIN: Final = 2_048  # of one that holds no secret, neither alone nor in a URL
_MAX_FILE: Final = 1_048_576  # a .env file is a few KiB; a hundred times that is a mistake
_MAX_SECRET: Final = 65_536
_MAX_VALUE: Final = 65_536  # characters; `A=${B}${B}` doubles with every line
_MAX_EXPANDED: Final = 1_048_576  # characters of all the values that are expanded
_MOST_TOLD: Final = 20  # of a kind of oddity
_MOST_PLACES: Final = 5
_MOST_OTHERS: Final = 1_000  # names about mail that nobody reads
_LONGEST_NAME: Final = 100
_LONGEST_SHOWN: Final = 1_000  # characters of a definition
_FILE_SUFFIX: Final = "_FILE"
# A name like these may have been meant for us though we do not read it.
_ABOUT_MAIL: Final = ("SMTP", "SMPT", "STMP", "SNTP", "MAIL")
_SECRET: Final = ("PASS", "PWD", "SECRET", "TOKEN", "KEY")
_URL: Final = ("URL", "URI", "DSN")
# The name in a line that cannot be read, as far as it was written.
_NAME: Final = r"(?m)^[ \t]*(?:export[ \t]+)?'?([A-Za-z_][\w.-]*)'?[ \t]*="
# What the names of other variables look like, and hardly a piece of a password.
_USUAL_NAME: Final = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
# What is written where a path belongs and looks like one; a password seldom does.
_PATH: Final = r"(?:~|\.{1,2})?/[\w.@+~/-]*|[A-Za-z]:[\\/][\w.@+~\\/-]*"
_SHORTEST_SECRET: Final = 4  # a shorter one would mask half of any line
_MOST_SECRETS: Final = 256  # with more in one file, no line of it is shown


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


def decoded(data: bytes, values: Mapping[str, object]) -> str:
    """Return a text in whatever common encoding it is; raises UsageError for what is none."""
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


def read_secret_file(
    path: Path, flag: str, *, pipes: bool = False, secret: bool = True, most: int = LONGEST
) -> str:
    """Return the value in a file that holds one, of at most so many bytes; raises UsageError.

    ``pipes``: whether the command line named it, where it may be a pipe. ``secret``: whether what stands
    in the place of its name may be the secret itself, and is not to be shown.
    """
    data = read_file(path, most=_MAX_SECRET, flag=flag, pipes=pipes, secret=secret)
    text = decoded(data, {"file": str(path), "flag": flag})
    text = text[:-1].removesuffix("\r") if text.endswith("\n") else text
    refuse_long(text, f"{flag}: {path}", most)
    return text


def refuse_long(text: str, what: str, most: int = LONGEST) -> None:
    """Raise UsageError for a value that is longer than any setting of mail can be; ``what`` says whose it is."""
    # A character has four bytes at most.
    if 4 * len(text) > most and len(text.encode("utf-8", "surrogatepass")) > most:
        raise UsageError(Message("usage.setting.long", {"what": what, "most": most}))


def _most_bytes(name: str) -> int:
    return LONGEST if _has_one_of((*_SECRET, *_URL), name) else _LONGEST_PLAIN


def read_env_file(
    path: Path,
    *,
    flag: str | None = "--env-file",
    environment: Mapping[str, str] | None = None,
    names: frozenset[str] | None = None,
) -> tuple[dict[str, Variable], list[Evidence]]:
    """Read a ``.env`` file as python-dotenv does, keeping line numbers; raises UsageError.

    As there, the last of two equal names wins and ``${NAME}`` is expanded, from the lines above and
    then from the environment. Only ``names`` are read, where they are given, and their lines are kept
    for the report, secrets masked. ``flag`` is what named the file, None where it was found.
    """
    file = _EnvFile(path, flag, environment or {}, names)
    return file.variables(), file.evidence()


class _EnvFile:
    """The definitions of a ``.env`` file; what nobody asks for is not expanded."""

    def __init__(
        self,
        path: Path,
        flag: str | None,
        environment: Mapping[str, str],
        names: frozenset[str] | None,
        texts: dict[str, str | None] | None = None,
    ) -> None:
        from smtpdoctor.formats.dotenv_python import parts

        named: dict[str, object] = {"file": str(path), "flag": flag or Message("stage.config")}
        text = texts.get(normpath(path)) if texts is not None else None
        if text is None:
            text = decoded(read_file(path, most=_MAX_FILE, flag=named["flag"], pipes=flag is not None), named)
            if texts is not None:
                texts[normpath(path)] = text
        # The line ends of all systems, as reading a file as text gives them.
        self._text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._path = str(path)
        self._environment = environment
        self._names = names
        self._texts: list[str | None] = []
        self._spans: list[tuple[int, int]] = []
        self._places: dict[str, list[int]] = {}  # of each name the numbers of its definitions
        self._counted = (0, 1)  # a position, and the line in which it is
        self._lost: dict[str, Origin] = {}
        self._wrong: list[int] = []  # the first lines that cannot be read
        self._foreign = ""
        self._first_wrong: Origin | None = None
        self._count_wrong = 0
        for key, value, start, end, error in parts(self._text):
            if error:
                self._look_at(start, end)
            elif key is not None:
                self._places.setdefault(key, []).append(len(self._texts))
                self._texts.append(value)
                self._spans.append((start, end))
        self._values: dict[int, str | None] = {}
        self._left = _MAX_EXPANDED

    def variables(self) -> dict[str, Variable]:
        """Return the variables that have a value, in the order in which they last stand."""
        names = self._names
        wanted = {places[-1]: name for name, places in self._places.items() if names is None or name in names}
        secrets = _longest_first(
            value
            for name, places in self._places.items()
            if _holds_secret(name)
            for at in places
            # As it stands there, and as it is with what is put into it.
            for value in (self._texts[at], self._expanded(at) if at in wanted else None)
            if value
        )
        found: dict[str, Variable] = {}
        for at, name in sorted(wanted.items()):
            value = self._expanded(at)
            if value is not None:
                found[name] = _masked(Variable(value, self._origin(name, at)), secrets)
        return found

    def others(self) -> dict[str, Origin]:
        """Return the names about mail that have a value and are none of those that are read."""
        found: dict[str, Origin] = {}
        for name, places in self._places.items():
            if _is_other(name, self._names or frozenset()) and (self._texts[places[-1]] or "").strip():
                found[name] = Origin("file", name, self._path, self._line(*self._spans[places[-1]])[0])
                if len(found) == _MOST_OTHERS:
                    break
        return found

    def evidence(self) -> list[Evidence]:
        """Return what is odd about the lines, in their order: of a kind so many, and of each name one."""
        found = [self._about_lost(origin, _named(name, origin)) for name, origin in self._lost.items()]
        if self._first_wrong is not None:
            found.append(self._about_lost(self._first_wrong, self._place_of_wrong(self._first_wrong)))
        names = self._places if self._names is None else sorted(self._names & self._places.keys())
        twice = [name for name in names if len(self._places[name]) > 1][:_MOST_TOLD]
        for name in twice:
            first, last = self._places[name][0], self._places[name][-1]
            facts = {"value": name, "first": str(self._line(*self._spans[first])[0])}
            label = frozenset({Label.DUPLICATE})
            origin = self._origin(name, last)
            found.append(Evidence(stage=Stage.CONFIG, labels=label, origin=origin, facts=facts))
        return sorted(found, key=lambda one: (one.origin and one.origin.line) or 0)

    def _place_of_wrong(self, first: Origin) -> str:
        """Return where the lines are that cannot be read: of one its name, too, of many the first lines."""
        if self._count_wrong == 1:
            return _named(self._foreign, first)
        more = self._count_wrong - len(self._wrong)
        return ", ".join([str(first), *map(str, self._wrong[1:])]) + (f" … (+{more})" if more else "")

    def _about_lost(self, origin: Origin, place: str) -> Evidence:
        label = frozenset({Label.BAD_LINE})
        return Evidence(stage=Stage.CONFIG, labels=label, origin=origin, facts={"place": place})

    def _look_at(self, start: int, end: int) -> None:
        """Note lines that cannot be read: a quote that is not closed takes the lines behind it along.

        Each of the names that is lost is told with its own line; what stands there is never shown.
        """
        if self._count_wrong >= _MOST_PLACES and "=" not in self._text[start:end]:
            self._count_wrong += 1
            return
        source = self._text[start:end]
        ours, foreign = False, ""
        for number, one in enumerate(re.finditer(_NAME, source)):
            name = one[1]
            if self._names is not None and name in self._names:
                ours = True
                if name not in self._lost and len(self._lost) < _MOST_TOLD:
                    line = self._line(start + one.start(1), end)[0]
                    self._lost[name] = Origin("file", name, self._path, line)
            elif number == 0 and not source[: one.start()].strip():
                foreign = name
        if ours:
            return
        self._count_wrong += 1
        if self._count_wrong <= _MOST_PLACES:
            origin = Origin("file", "", self._path, self._line(start, end)[0])
            self._first_wrong = self._first_wrong or origin
            shown = len(foreign) <= _LONGEST_NAME and re.fullmatch(_USUAL_NAME, foreign)
            self._foreign = foreign if shown else ""
            self._wrong.append(origin.line or 0)

    def _line(self, start: int, end: int) -> tuple[int, str]:
        """Return in which line a part of the text begins, and the part without the blanks around it."""
        source = self._text[start:end].lstrip()
        position = end - len(source)
        known, line = self._counted if self._counted[0] <= position else (0, 1)
        line += self._text.count("\n", known, position)
        self._counted = (position, line)
        return line, source.rstrip()

    def _origin(self, name: str, at: int) -> Origin:
        line, source = self._line(*self._spans[at])
        shown = _shown(name, source) if self._names is not None else ""
        return Origin("file", name, self._path, line, shown)

    def _expanded(self, wanted: int) -> str | None:
        """Return the value of a definition, for which those that it names are expanded first."""
        waiting = [wanted]
        while waiting:
            at = waiting[-1]
            if at in self._values:
                waiting.pop()
                continue
            text = self._texts[at]
            if text is None or "${" not in text:
                self._values[at] = text
                continue
            missing = self._missing(text, at)
            if missing:
                waiting += missing
            else:
                self._values[at] = self._resolved(text, at)
        return self._values[wanted]

    def _missing(self, text: str, at: int) -> list[int]:
        """Return the definitions that a value names and that are not expanded yet, each once."""
        from smtpdoctor.formats.dotenv_python import parse_variables

        named = {part.name for part in parse_variables(text) if not isinstance(part, str)}
        above = (self._above(name, at) for name in named)
        return [one for one in above if one is not None and one not in self._values]

    def _above(self, name: str, at: int) -> int | None:
        """Return the last definition of a name above another one."""
        places = self._places.get(name, [])
        number = bisect_left(places, at)
        return places[number - 1] if number else None

    def _resolved(self, text: str, at: int) -> str:
        from smtpdoctor.formats.dotenv_python import parse_variables

        found: list[str] = []
        size = 0
        for part in parse_variables(text):
            if isinstance(part, str):
                value: str | None = part
                if part == text:
                    return text  # `${` and nothing that ends it
            elif (above := self._above(part.name, at)) is not None:
                value = self._values[above]
            else:
                value = self._environment.get(part.name, part.default)
            found.append(value or "")
            size += len(found[-1])
            if size > min(_MAX_VALUE, self._left):
                raise UsageError(Message("usage.file.expansion", self._too_long(at)))
        self._left -= size
        return "".join(found)

    def _too_long(self, at: int) -> dict[str, object]:
        name = next(name for name, places in self._places.items() if at in places)
        line = self._line(*self._spans[at])[0]
        return {"name": name[:_LONGEST_NAME], "place": f"{self._path}:{line}", "most": _MAX_VALUE}


def _named(name: str, origin: Origin) -> str:
    return f"{name} ({origin})" if name else str(origin)


def _has_one_of(words: Iterable[str], name: str) -> bool:
    name = name.upper()
    return any(word in name for word in words)


def _is_other(name: str, kept: frozenset[str]) -> bool:
    """Whether a name is one about mail that is not read; a very long one is nobody's slip of the finger."""
    return name not in kept and len(name) <= _LONGEST_NAME and _has_one_of(_ABOUT_MAIL, name)


def names_secret(name: str) -> bool:
    """Whether the name of a variable speaks of a secret."""
    return _has_one_of(_SECRET, name)


def _holds_secret(name: str) -> bool:
    """Whether a variable of that name holds a secret itself, not the name of a file with one."""
    return names_secret(name) and not name.endswith(_FILE_SUFFIX)


def _longest_first(secrets: Iterable[str]) -> list[str]:
    return sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)


def _shown(name: str, source: str) -> str:
    """Return the lines of a variable fit to be shown: all of a secret's value is masked.

    Also what looks like a comment behind it: where the quotes are missing, it is the password's end.
    """
    if _holds_secret(name) or len(source) > _LONGEST_SHOWN:
        return _without_value(source)
    # A whole URL where a host belongs has a password in it.
    source = without_credentials(source) if re.search(r":\S+@", source) else source
    return "\n".join(map(printable, source.split("\n")))


def _without_value(source: str) -> str:
    head, sign, _ = source.partition("=")
    return printable(f"{head.rstrip()}={Secret.MASK}" if sign else head)


def read_variables(
    *,
    environment: Mapping[str, str] | None,
    env_files: Iterable[Path],
    implicit_env_file: Path | None,
    names: Iterable[str],
    texts: dict[str, str | None] | None = None,
) -> Variables:
    """Read the sources: the environment (None: left out) over the files, later files over earlier ones.

    ``names`` are the variables that matter; of each, ``<NAME>_FILE`` may name a file with the value.
    ``texts`` are files that were read already, by their normal path; what is read is added to it.
    Raises UsageError for a source that cannot be read, and for a value that is longer than any can be.
    """
    wanted = frozenset(names)
    kept = wanted | {name + _FILE_SUFFIX for name in wanted}
    layers: list[Layer] = []
    evidence: list[Evidence] = []
    files: list[tuple[Path, str | None]] = [(path, "--env-file") for path in env_files]
    if not files and implicit_env_file is not None and is_there(implicit_env_file):
        files = [(implicit_env_file, None)]
    for path, flag in files:
        file = _EnvFile(path, flag, environment or {}, kept, texts)
        layers.insert(0, Layer(str(path), file.variables(), file.others()))
        odd = file.evidence()
        evidence += [one for one in odd if not one.origin or not one.origin.name or one.origin.name in wanted]
    if environment is not None and (layer := _of_environment(environment, kept)):
        layers.insert(0, layer)
    for layer in layers:
        for name, one in layer.values.items():
            refuse_long(one.text, _named(name, one.origin), _most_bytes(name))
    merged: dict[str, Variable] = {}
    for layer in reversed(layers):
        merged |= layer.values
    evidence += _read_pointers(merged, layers, wanted)
    secrets = _secrets_of(layers)
    return Variables(
        {name: _masked(one, secrets) for name, one in merged.items()},
        tuple(evidence),
        tuple(str(path) for path, _ in files),
        tuple(
            Layer(one.place, {name: _masked(v, secrets) for name, v in one.values.items()}, one.others)
            for one in layers
        ),
    )


def _of_environment(environment: Mapping[str, str], kept: frozenset[str]) -> Layer | None:
    """Return what the environment says of what is read and what only looks so; an empty value means nothing."""
    values: dict[str, Variable] = {}
    others: dict[str, Origin] = {}
    for name, text in environment.items():
        if name in kept:
            values[name] = Variable(text, Origin("environment", name))
        elif len(others) < _MOST_OTHERS and _is_other(name, kept) and text.strip():
            others[name] = Origin("environment", name)
    return Layer("environment", values, others) if values or others else None


def _secrets_of(layers: Iterable[Layer]) -> list[str]:
    return _longest_first(
        one.text for layer in layers for name, one in layer.values.items() if _holds_secret(name)
    )


def _masked(variable: Variable, secrets: list[str]) -> Variable:
    """Mask a secret that stands in the line of another variable, too."""
    text = variable.origin.text
    if not text:
        return variable
    if len(secrets) > _MOST_SECRETS:
        text = _without_value(text)
    else:
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
        flag = f"{name}{_FILE_SUFFIX} ({pointer.origin})"
        secret = _holds_secret(name) or not _is_path(pointer.text, _secrets_of(layers))
        text = read_secret_file(Path(pointer.text), flag, secret=secret, most=_most_bytes(name))
        merged[name] = Variable(text, Origin("file", name, pointer.text))
        number = next(n for n, one in enumerate(layers) if one.values.get(name + _FILE_SUFFIX) is pointer)
        layers[number] = replace(layers[number], values={**layers[number].values, name: merged[name]})


def _is_path(text: str, secrets: Iterable[str]) -> bool:
    """Whether what should be the path of a file looks like one, and shows none of the secrets."""
    return re.fullmatch(_PATH, text) is not None and not any(one in text for one in secrets)
