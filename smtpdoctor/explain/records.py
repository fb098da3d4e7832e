"""Lines → records: one event of a log, or one pasted error, with all lines that belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

__all__ = ["Record", "records"]

MAX_LINE: Final = 16_384
MAX_LINES: Final = 200
MAX_TEXT: Final = 65_536

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
# `docker compose logs` puts the container's name in front, Kubernetes tools likewise.
_CONTAINER: Final = re.compile(r"^[\w.-]{1,60}\s*\| ?")
_STAMP: Final = re.compile(
    r"""^\W{0,3}(?:
        \d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d           # 2024-05-14 10:34
      | \d\d?[-/.](?:\d\d?|[A-Z][a-z]{2})[-/.]\d{2,4}[ :,T]+\d\d?:\d\d   # 13/Mar/2024:09:12
      | (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)?,?\ ?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\ +\d+\ (?:\d{4}\ )?\d\d:\d\d
      | \d\d:\d\d:\d\d[.,\ ]
      | \d{10,13}[.\ ]
      | (?:DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL|TRACE)\b
    )""",
    re.VERBOSE,
)
_CONTINUED: Final = re.compile(
    r"""^(?:\s+\S | at\s | \}|\)|\] | Caused\ by: | nested\ exception | \.\.\.\ \d+\ more
        | Traceback\ | File\ " | During\ handling | The\ above\ exception | Stack\ trace | \#\d+\s | --->? | [a-z]+(?:\.\w+)+(?:Exception|Error)\b )""",
    re.VERBOSE,
)
_REPLY_PART: Final = re.compile(r"([245]\d\d)-")
_JSON_KEYS: Final = (
    "msg", "message", "event", "error", "err", "exception", "stack", "stack_trace", "stacktrace",
    "reason", "detail", "details", "log", "cause", "code", "response", "responseCode", "command", "errno", "logger",
    "name", "type", "MESSAGE", "SYSLOG_IDENTIFIER", "exc_info", "logger_name", "host", "port",
)  # fmt: skip


class Record(Struct, frozen=True):
    """The text of one event, and the lines it stands in."""

    text: str
    first: int
    last: int
    stamped: bool


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


def _collect(data: Any, parts: list[str], depth: int) -> None:
    if depth > 4 or not isinstance(data, dict):  # noqa: PLR2004 -- deeper is no log line
        return
    for key in _JSON_KEYS:
        value = data.get(key)
        if isinstance(value, dict):
            _collect(value, parts, depth + 1)
        elif isinstance(value, str):
            parts.append(
                value if key not in {"code", "responseCode", "command", "port"} else f"{key}: {value}"
            )
        elif isinstance(value, int) and key in {"code", "responseCode", "errno", "port"}:
            parts.append(f"{key}: {value}")


def _cleaned(line: str) -> tuple[str, bool]:
    """Return a line without colours and prefixes, and whether it was a JSON log line."""
    line = _ANSI.sub("", line.rstrip("\r\n")[:MAX_LINE])
    bare = _CONTAINER.sub("", line, count=1)
    words = _from_json(bare)
    return (words, True) if words is not None else (bare, False)


def records(lines: Iterable[str | None]) -> Iterator[Record]:
    """Cut lines into records; never holds more than one. None among the lines: nothing more came for now."""
    held: list[str] = []
    first = last = size = 0
    stamped = False

    def close() -> Record:
        return Record("\n".join(held), first, last, stamped)

    number = 0
    for raw in lines:
        if raw is None:
            if held:
                yield close()
                held, size = [], 0
            continue
        number += 1
        line, is_json = _cleaned(raw)
        if not line.strip():
            if held and stamped:
                yield close()
                held = []
            continue
        starts = is_json or bool(_STAMP.match(line))
        goes_on = (
            bool(held)
            and not starts
            and (
                not stamped
                or bool(_CONTINUED.match(line))
                or bool(_REPLY_PART.match(held[-1]))
                or not is_json
            )
        )
        if held and (not goes_on or len(held) >= MAX_LINES or size > MAX_TEXT):
            yield close()
            held, size = [], 0
        if not held:
            first, stamped = number, starts
        held.append(line)
        size += len(line)
        last = number
    if held:
        yield close()
