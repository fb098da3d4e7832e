"""Lines → records: one event of a log, or one pasted error, with all lines that belong to it.

Lines of several containers may be mixed (`docker compose logs`), so every container has a record
of its own open. What is held is bounded: in lines, in characters, in open records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from smtpdoctor.late import Late
from smtpdoctor.logs.dialogue import opens_another, speaks, speaks_on

__all__ = ["MAX_LINE", "Record", "clean", "goes_on", "records"]

MAX_LINE: Final = 16_384
MAX_LINES: Final = 120
MAX_TEXT: Final = 32_768
MAX_OPEN: Final = 64
_STALE: Final = 20  # lines of others, after which an event is taken as complete

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
# `docker compose logs` puts the container's name in front, Kubernetes tools likewise.
_CONTAINER: Final = re.compile(r"([\w.-]{1,60}) *\| ?")
_STAMP: Final = re.compile(
    r"""\W{0,3}(?:
        \d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d           # 2024-05-14 10:34
      | \d\d?[-/.](?:\d\d?|[A-Z][a-z]{2})[-/.]\d{2,4}[ :,T]+\d\d?:\d\d   # 13/Mar/2024:09:12
      | (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\ +\d+\ (?:\d{4}\ )?\d\d:\d\d
      | \d\d:\d\d:\d\d[.,\ \]]
      | \d{10,13}[.\ ]
      | \[[a-z][\w.:/-]{1,30}\]\ (?!\[)               # [mail] …
      | (?:DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL|TRACE)\b
      | (?:\d{1,3}\.){3}\d{1,3}\ -\ .{0,40}\[\d\d/   # an access log
    )""",
    re.VERBOSE,
)
_CONTINUED: Final = re.compile(
    r"""\s+\S | at\s | [}\])] | Caused\ by: | nested\ exception | \.\.\.\ \d+\ more
        | Traceback\ | File\ " | During\ handling | The\ above\ exception | Stack\ trace | \#\d+\s | --->?
        | [a-z]+(?:\.\w+)+(?:Exception|Error)\b | \w+(?:Exception|Error):\ """,
    re.VERBOSE,
)
_REPLY_PART: Final = re.compile(r"(?:^|\D)([245]\d\d)-\S*.*$")
# What the keys of JSON logs and of bounce events are called that say what happened, in any spelling.
_TELLING: Final = Late(
    r"msg|message|event|^e$|err|exception|^exc|stack|reason|detail|^log|cause|code|response|command"
    r"|^name$|^type$|stage|identifier|^host|^port$|context|descr|diagnos|fail|bounce|deliver|content|status|result|recipients",
    re.IGNORECASE,
)
_NAMED: Final = Late(r"code|command|^port$|stage|errno", re.IGNORECASE)
_MAX_DEPTH: Final = 6
_MAX_ITEMS: Final = 20


class Record(Struct, frozen=True):
    """The text of one event, and the lines it stands in; ``container`` is where it came from.

    ``times``: so often it was said, line by line, with nothing between. ``numbers`` are those of the
    lines of the text in the input.
    """

    text: str
    first: int
    last: int
    container: str = ""
    times: int = 1
    numbers: tuple[int, ...] = ()


class _Open(Struct):
    """A record that is still growing."""

    lines: list[str]
    first: int
    last: int
    size: int
    stamped: bool
    json: bool
    raw: str
    numbers: list[int]
    times: int = 1

    def add(self, line: str, number: int) -> None:
        """Take one more line, which may be several by now."""
        self.lines.append(line)
        self.numbers += [number] * (line.count("\n") + 1)
        self.last, self.size = number, self.size + len(line)


def _from_json(line: str) -> str | None:
    """Return the words of a JSON log line, or None where it is none."""
    stripped = line.strip()
    if not (stripped.startswith("{") and stripped.endswith("}")):
        return None
    try:
        data = msgspec.json.decode(stripped)
    except (msgspec.DecodeError, RecursionError):
        return None
    parts: list[str] = []
    _collect(data, parts, 0)
    return "\n".join(parts)


def _collect(data: Any, parts: list[str], depth: int, key: str = "") -> None:
    """Add the words of a JSON value; objects first say what is plain, then what lies deeper."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(data, dict):
        telling = [(name, value) for name, value in data.items() if _TELLING.search(name)]
        for name, value in sorted(telling, key=lambda item: isinstance(item[1], (dict, list))):
            _collect(value, parts, depth + 1, name)
    elif isinstance(data, list):
        for value in data[:_MAX_ITEMS]:
            _collect(value, parts, depth + 1, key)
    elif isinstance(data, str):
        parts.append(f"{key}: {data}" if _NAMED.search(key) else data)
    elif isinstance(data, int) and not isinstance(data, bool) and _NAMED.search(key):
        parts.append(f"{key}: {data}")


def clean(line: str) -> tuple[str, str, bool, bool]:
    """Return a line without colours and prefix, its container, whether it begins a record, whether it was JSON."""
    line = line.rstrip("\r\n")[:MAX_LINE]
    if "\x1b" in line:
        line = _ANSI.sub("", line)
    container = ""
    if (found := _CONTAINER.match(line)) is not None:
        container, line = found[1], line[found.end() :]
    words = _from_json(line) if line.lstrip().startswith("{") else None
    if words is not None:
        return words or line, container, True, True  # a JSON with no key of a log stays as it is
    return line, container, _STAMP.match(line) is not None, False


def goes_on(line: str) -> bool:
    """Whether a line belongs to the one before it by its looks: a stack trace, an indented block."""
    return _CONTINUED.match(line) is not None


def records(
    lines: Iterable[tuple[int, str] | None], *, whole: bool = False, live: bool = False
) -> Iterator[Record | None]:
    """Cut numbered lines into records.

    None among the lines: some were left out here, or nothing more came for now; it is passed on
    behind the records that it ends. ``whole``: the input is one pasted text, so that lines without a
    time stamp belong together. ``live``: each event is told by itself, also one that is said again.
    """
    opened: dict[str, _Open] = {}
    before: str | None = None  # the last line, where one like it begins a record and is all of it
    joined: str | None = None  # … or goes on with the record
    known: _Open | None = None
    begun = False  # whether the last line began a record
    for item in lines:
        if item is None:
            yield from _close_all(opened)
            yield None
            before = joined = known = None
            begun = False
            continue
        number, raw = item
        if known is not None and raw == before:
            known.times += 1
            known.last = number
            continue
        if known is not None and raw == joined and not _is_full(known):
            known.add(known.lines[-1], number)
            continue
        again = begun and known is not None and raw == known.raw
        line, container, starts, json = clean(raw)
        for other in [name for name, one in opened.items() if number - one.last > _STALE]:
            yield _closed(opened.pop(other), other)
        known = opened.get(container)
        before = joined = None
        begun = False
        if not line.strip():
            if known is not None and not (whole and (not known.stamped or speaks(known.lines[-1]))):
                yield _closed(opened.pop(container), container)
            known = None
            continue
        if known is not None and not _belongs(known, line, starts=starts, whole=whole):
            yield _closed(opened.pop(container), container)
            known = None
        if known is None:
            if len(opened) >= MAX_OPEN:
                yield from _close_all(opened)
            known = opened[container] = _opened(line, number, raw, starts=starts, json=json)
            # A line like the one before it has begun a record: so will all that follow it.
            before = raw if again and not live else None
            begun = True
        else:
            if known.times > 1:  # only the last of them goes on
                before_last = msgspec.structs.replace(known, last=known.last - 1, times=known.times - 1)
                yield _closed(before_last, container)
                known.numbers = [known.last] * len(known.numbers)
                known.first, known.times = known.last, 1
            known.add(line, number)
            joined = raw if not (whole or starts) and goes_on(line) else None
    yield from _close_all(opened)


def _is_full(known: _Open) -> bool:
    return len(known.lines) >= MAX_LINES or known.size > MAX_TEXT


def _belongs(known: _Open, line: str, *, starts: bool, whole: bool) -> bool:
    if _is_full(known):
        return False
    if starts:
        # A transcript whose every line has its time is one event still.
        talk = whole and not known.json and speaks_on(known.lines[-1]) and speaks_on(line)
        return talk and not opens_another(line, known.lines)
    if whole and not known.json:
        return not opens_another(line, known.lines)
    if goes_on(line):
        return True
    # A reply of several lines goes on until the line whose code is followed by a blank.
    return bool(_REPLY_PART.search(known.lines[-1])) and line.lstrip()[:1].isdigit()


def _opened(line: str, number: int, raw: str, *, starts: bool, json: bool) -> _Open:
    return _Open([line], number, number, len(line), starts, json, raw, [number] * (line.count("\n") + 1))


def _closed(known: _Open, container: str) -> Record:
    text = "\n".join(known.lines)
    return Record(text, known.first, known.last, container, known.times, tuple(known.numbers))


def _close_all(opened: dict[str, _Open]) -> Iterator[Record]:
    finished = sorted(opened.items(), key=lambda item: item[1].first)
    opened.clear()
    for container, known in finished:
        yield _closed(known, container)
