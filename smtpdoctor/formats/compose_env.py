"""The ``.env`` files that the YAML syntaxes look into; how their values are written is told with them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from smtpdoctor.formats import env
from smtpdoctor.formats.document import Assignment, Document, Source

__all__ = ["definitions", "read"]


def read(source: Source) -> Document:
    """Return the definitions of an env file by the rules of ``source.reader``; raises TooLargeError."""
    document = env.read(source)
    scopes = tuple(
        replace(
            scope,
            assignments=tuple(
                replace(one, style=f"dotenv {source.reader}") if one.style else one
                for one in scope.assignments
            ),
        )
        for scope in document.scopes
    )
    return replace(document, scopes=scopes)


def definitions(path: str, text: str, reader: str, environment: Mapping[str, str]) -> dict[str, Assignment]:
    """Return what a file defines, by name; raises TooLargeError."""
    document = read(Source(path=path, text=text, reader=reader, environment=environment))
    return {name: one for scope in document.scopes for name, one in scope.by_name().items()}
