"""The ``.env`` files of Compose and of others, as the YAML syntaxes look into them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from smtpdoctor.formats.document import (
    Assignment,
    Document,
    Problem,
    Region,
    Remark,
    Scope,
    Source,
    line_starts,
    place_at,
)

__all__ = ["definitions", "read"]


def read(source: Source) -> Document:
    """Return the definitions of an env file by the rules of ``source.reader``."""
    starts = line_starts(source.text)
    found: list[Assignment] = []
    problems: list[Problem] = []
    known = dict(source.environment)
    for line in re.finditer(r"[^\n]+", source.text):
        one = re.match(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s*(.*?)\s*$", line[0])
        if one is None:
            continue
        start = line.start() + one.start(2)
        raw, remarks = one[2], []
        value = raw
        if source.reader != "raw":
            quoted = re.match(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"", raw)
            if quoted:
                raw = quoted[0]
                value = quoted[1] if quoted[1] is not None else quoted[2]
            else:
                raw = value = re.sub(r"\s+#.*", "", raw)
            if not raw.startswith("'"):

                def put(name: re.Match[str]) -> str:
                    remarks.append(Remark("expanded", name[0]))
                    return known.get(name[1] or name[2], "")

                value = re.sub(r"\$\{(\w+)\}|\$([A-Za-z_]\w*)", put, value)
        known[one[1]] = known.get(one[1], value) if one[1] in source.environment else value
        found.append(
            Assignment(
                name=one[1],
                value=value,
                region=Region(place_at(source.path, starts, start), start, start + len(raw)),
                remarks=tuple(remarks),
            )
        )
    return Document(
        path=source.path,
        syntax="env",
        texts={source.path: source.text},
        scopes=(Scope(assignments=tuple(found), environment=True),),
        problems=tuple(problems),
    )


def definitions(path: str, text: str, reader: str, environment: Mapping[str, str]) -> dict[str, Assignment]:
    """Return what a file defines, by name."""
    document = read(Source(path=path, text=text, reader=reader, environment=environment))
    return {name: one for scope in document.scopes for name, one in scope.by_name().items()}
