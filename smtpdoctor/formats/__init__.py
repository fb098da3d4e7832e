"""The syntaxes of configuration files: text ↔ assignments. Pure; nothing is read or written here.

A syntax is a module with ``read(source) -> Document``, loaded when it is asked for. Which one a file has is
known by its name, and by a look at its text where the name leaves it open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smtpdoctor.formats.document import Document, Source

__all__ = ["SYNTAXES", "reader_of", "syntax_of"]

SYNTAXES: Final[dict[str, str]] = {
    "compose": "smtpdoctor.formats.compose",
    "csharp": "smtpdoctor.formats.csharp",
    "dotenv": "smtpdoctor.formats.env",
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


_NAMES: Final[tuple[tuple[str, str], ...]] = (
    (r"(?:docker-)?compose(?:[._-].*)?\.ya?ml", "compose"),
    (r"\.env|\.env[._-].*|.*\.env|env|\.flaskenv|\.envrc|env\.(?:example|sample|local|prod.*)", "dotenv"),
    (r"\.?msmtprc(?:\..*)?", "msmtprc"),
    (r"\.?(?:neo)?muttrc(?:\..*)?", "muttrc"),
    (r"ssmtp\.conf|revaliases", "ssmtp"),
    (r"(?:odoo|openerp-server|\.odoorc|\.openerp_serverrc).*|pip\.conf", "ini"),
    (r".*\.(?:ini|cfg|inc\.ini)(?:\.(?:example|sample|dist))?", "ini"),
    (r".*\.properties(?:\.(?:example|sample|dist))?|keycloak\.conf", "properties"),
    (r".*\.(?:json|jsonc|json5)", "json"),
    (r".*\.toml(?:\.(?:example|sample|dist))?|pipfile", "toml"),
    (r".*\.(?:rb|ru|rake)|.*\.rb\.(?:erb|template|example)|gemfile", "ruby"),
    (r".*\.(?:php|phtml)(?:\.(?:example|sample|dist))?", "php"),
    (r".*\.pyw?(?:\.(?:example|sample|dist))?", "python"),
    (r".*\.(?:[cm]?[jt]s|[jt]sx)", "javascript"),
    (r".*\.(?:java|kts?|groovy)", "java"),
    (r".*\.go", "go"),
    (r".*\.cs", "csharp"),
)
_BY_NAME: Final = tuple((re.compile(pattern, re.IGNORECASE), syntax) for pattern, syntax in _NAMES)
_YAML: Final = re.compile(r".*\.ya?ml(?:\.(?:example|sample|dist|tpl|gotmpl))?", re.IGNORECASE)
_LOOKED_AT: Final = 100_000

_KUBERNETES: Final = re.compile(r"^(?:apiVersion|kind):", re.MULTILINE)
_SERVICES: Final = re.compile(r"^services:[ \t]*(?:#.*)?\r?$", re.MULTILINE)
_SECTION: Final = re.compile(r"^[ \t]*\[[^\]\n]+\][ \t]*(?:[#;].*)?\r?$", re.MULTILINE)
_TOML_VALUE: Final = re.compile(
    r"^[ \t]*[\w.\"'-]+[ \t]*=[ \t]*(?:\"[^\n]*\"|'[^\n]*'|true|false|[\d.+-]+|\[.*|\{.*)[ \t]*(?:#.*)?\r?$",
    re.MULTILINE,
)
_ASSIGNED: Final = re.compile(r"^[ \t]*(?:export[ \t]+)?[\w.-]+[ \t]*=(?!=|>)", re.MULTILINE)
_VARIABLE: Final = re.compile(r"^[ \t]*(?:export[ \t]+)?[A-Z][A-Z0-9_]*[ \t]*=", re.MULTILINE)
_ACCOUNT: Final = re.compile(r"^(?:account|defaults)\b[^=:\n]*(?::[^\n]*)?$|^host[ \t]+\S+[ \t]*$", re.MULTILINE)
_MUTT: Final = re.compile(r"^[ \t]*set[ \t]+\w+[ \t]*=", re.MULTILINE)
_PAIR: Final = re.compile(r"^[ \t]*(?:- )?[\w.\"'-]+:(?:[ \t]|\r?$)", re.MULTILINE)


def syntax_of(path: str, text: str) -> str | None:
    """Return the syntax of a file by its name and a look at its beginning, None where neither tells."""
    name = re.split(r"[/\\]", path)[-1]
    head = text[:_LOOKED_AT].removeprefix("\ufeff")
    for pattern, syntax in _BY_NAME:
        if pattern.fullmatch(name):
            return syntax
    if name.lower() == "config" and re.search(r"[/\\]msmtp[/\\]config$", path):
        return "msmtprc"
    if _YAML.fullmatch(name):
        return _of_yaml(head)
    return _of_text(head)


def _of_yaml(head: str) -> str:
    if len(set(_KUBERNETES.findall(head))) > 1:
        return "kubernetes"
    return "compose" if _SERVICES.search(head) else "yaml"


def _of_text(head: str) -> str | None:
    start = head.lstrip()[:5]
    if start[:1] == "{":
        return "json"
    if start == "<?php":
        return "php"
    if _ACCOUNT.search(head) and not _ASSIGNED.search(head):
        return "msmtprc"
    if _MUTT.search(head):
        return "muttrc"
    assigned = len(_ASSIGNED.findall(head))
    if _SECTION.search(head) and assigned:
        return "toml" if len(_TOML_VALUE.findall(head)) == assigned else "ini"
    pairs = len(_PAIR.findall(head))
    if pairs > assigned:
        return _of_yaml(head)
    if assigned:
        return "dotenv" if len(_VARIABLE.findall(head)) * 2 > assigned else "properties"
    return None
