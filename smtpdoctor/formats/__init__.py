"""The syntaxes of configuration files: text ↔ assignments. Pure; nothing is read or written here.

A syntax is a module with ``read(source) -> Document``, loaded when it is asked for. Which one a file has is
known by its name, and by a look at its text where the name leaves it open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smtpdoctor.formats.document import Document, Source

__all__ = ["SOURCE_CODE", "SYNTAXES", "reader_of", "syntax_of"]

SYNTAXES: Final[dict[str, str]] = {
    "compose": "smtpdoctor.formats.compose",
    "csharp": "smtpdoctor.formats.csharp",
    "dotenv": "smtpdoctor.formats.env",
    "github-actions": "smtpdoctor.formats.pipelines",
    "gitlab-ci": "smtpdoctor.formats.pipelines",
    "go": "smtpdoctor.formats.go",
    "ini": "smtpdoctor.formats.ini",
    "java": "smtpdoctor.formats.java",
    "javascript": "smtpdoctor.formats.javascript",
    "json": "smtpdoctor.formats.jsonc",
    "kubernetes": "smtpdoctor.formats.kubernetes",
    "msmtprc": "smtpdoctor.formats.msmtprc",
    "muttrc": "smtpdoctor.formats.muttrc",
    "php": "smtpdoctor.formats.php",
    "properties": "smtpdoctor.formats.properties",
    "python": "smtpdoctor.formats.python",
    "ruby": "smtpdoctor.formats.ruby",
    "ssmtp": "smtpdoctor.formats.ssmtp",
    "toml": "smtpdoctor.formats.toml",
    "yaml": "smtpdoctor.formats.yaml",
}
"""A syntax, and the module that reads it."""
SOURCE_CODE: Final = frozenset({"csharp", "go", "java", "javascript", "php", "python", "ruby"})
"""The syntaxes of programs: what they say is part of a code that may do more."""


def reader_of(syntax: str) -> Callable[[Source], Document] | None:
    """Return what reads a syntax, None where nothing does, or where a package that it needs is not installed."""
    from importlib import import_module
    from importlib.util import find_spec

    name = SYNTAXES.get(syntax)
    if name is None or find_spec(name) is None:
        return None
    module = import_module(name)
    if any(find_spec(package) is None for package in getattr(module, "NEEDS", ())):
        return None
    read: Callable[[Source], Document] = module.read
    return read


def syntax_of(path: str, text: str) -> str | None:
    """Return the syntax of a file by its name and a look at its beginning, None where neither tells."""
    from smtpdoctor.formats import looks

    return looks.syntax_of(path, text)
