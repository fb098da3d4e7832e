"""Mutt's configuration as far as it sets variables: ``set smtp_url = "smtps://…"``.

What a command in back quotes prints, and other files that it reads, are not known from here.
"""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.formats.building import MOST_VALUE, Builder
from smtpdoctor.formats.document import Document, Remark, Source

__all__ = ["read"]

_COMMAND: Final = re.compile(r"[ \t]*+(\w++)")
_NAME: Final = re.compile(r"[ \t]*+(no|inv)?+(\w++)[ \t]*+(=[ \t]*+)?")
_PART: Final = re.compile(
    r"'(?P<single>[^'\n]*+)'|(?P<double>\")|`(?P<command>[^`\n]*+)`|\\(?P<escaped>[^\n])"
    r"|\$(?P<variable>\w++)|(?P<plain>[^ \t\n\r'\"`\\$;#]++|\$)"
)
_INSIDE: Final = re.compile(
    r"`(?P<command>[^`\n]*+)`|\\(?P<escaped>[^\n])|\$(?P<variable>\w++)|(?P<plain>[^\"`\\$\n]++|\$)"
)
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "e": "\x1b"}


class _Value:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.source = ""
        self.expanded = False

    def add(self, found: re.Match[str], values: dict[str, str | None], builder: Builder) -> None:
        groups = found.groupdict()
        if groups.get("command") is not None:
            self.source = "command"
        elif groups["escaped"] is not None:
            self.parts.append(_ESCAPED.get(groups["escaped"], groups["escaped"]))
        elif groups["variable"] is not None:
            name = groups["variable"]
            text = values.get(name, builder.source.environment.get(name, ""))
            self.expanded |= name not in values and name not in builder.source.environment
            if text is None or len(text) > MOST_VALUE:
                self.source = name
            else:
                self.parts.append(text)
        else:
            self.parts.append(groups["plain"] if groups["plain"] is not None else groups.get("single") or "")


def read(source: Source) -> Document:
    """Read a ``muttrc``."""
    builder = Builder(source, "muttrc")
    values: dict[str, str | None] = {}
    text = builder.text
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        command = _COMMAND.match(text, at, end)
        if command is not None and command[1] == "set":
            _set(builder, values, command.end(), end)
        elif command is not None and command[1] == "source":
            builder.problem("unsupported", command.start(1), "source")
        at = end + 1
    return builder.document()


def _set(builder: Builder, values: dict[str, str | None], at: int, end: int) -> None:
    text = builder.text
    while (name := _NAME.match(text, at, end)) is not None:
        at = name.end()
        if not name[3]:
            said = "no" if name[1] == "no" else "yes"
            values[name[2]] = said
            builder.assign(
                name[2], said, name.start(1) if name[1] else name.start(2), at, kind="boolean", style=""
            )
            continue
        value = _Value()
        start = at
        while (part := _PART.match(text, at, end)) is not None:
            at = part.end()
            if part["double"] is None:
                value.add(part, values, builder)
                continue
            while (inside := _INSIDE.match(text, at, end)) is not None:
                value.add(inside, values, builder)
                at = inside.end()
            if text[at : at + 1] != '"' or at >= end:
                builder.problem("line", start, name[2])
                return
            at += 1
        said_there = None if value.source else "".join(value.parts)
        if said_there is not None and len(said_there) > MOST_VALUE:
            builder.problem("limit", start, name[2])
            said_there = None
        remarks = [Remark("expanded", "$")] if value.expanded else []
        if text[at : at + 1] == "#" and at > start:
            remarks.append(Remark("value-cut", "#"))
        values[name[2]] = said_there
        style = text[start] if text[start : start + 1] in {"'", '"'} else "bare"
        builder.assign(
            name[2], said_there, start, at, remarks=tuple(remarks), source=value.source, style=style
        )
