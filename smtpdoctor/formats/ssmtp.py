"""sSMTP's ``ssmtp.conf``: ``name=value`` lines in which ``#`` ends a value wherever it stands.

Names count without capitals, of equal ones the first; ``mailhub`` holds a host and perhaps a port.
"""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.formats.building import Builder, kept
from smtpdoctor.formats.document import Document, Remark, Source

__all__ = ["read"]

_LINE: Final = re.compile(r"[ \t]*+([A-Za-z]++)[ \t]*+=[ \t]*+([^\n#]*+)(#[^\n]*+)?")


def read(source: Source) -> Document:
    """Read an ``ssmtp.conf``."""
    builder = Builder(source, "ssmtp")
    seen: set[str] = set()
    at = 0
    for line in builder.text.splitlines(keepends=True):
        found = _LINE.match(builder.text, at, at + len(line))
        stripped = line.strip()
        if found is None:
            if stripped and not stripped.startswith("#"):
                builder.problem("line", at)
        elif found[1].lower() not in seen:
            seen.add(found[1].lower())
            _assign(builder, found)
        at += len(line)
    return builder.document()


def _assign(builder: Builder, found: re.Match[str]) -> None:
    value = found[2].rstrip()
    start, end = found.start(2), found.start(2) + len(value)
    remarks = kept(value)
    if found[3] and end == found.start(3) and (value or found[2] == ""):
        # What is lost is part of what has to be written anew.
        rest = re.match(r"[^ \t\r\n]*", found[3])
        end += rest.end() if rest else 0
        remarks = (*remarks, Remark("value-cut", "#"))
    builder.assign(found[1], value, start, end, remarks=remarks)
