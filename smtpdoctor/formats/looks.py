"""By what a file's syntax is known: its name, and what its beginning looks like."""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.formats import yaml_kinds

__all__ = ["syntax_of"]

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
_YAML: Final = re.compile(r".*\.ya?ml(?:\.(?:example|sample|dist|tpl|tmpl|gotmpl|j2|erb))?", re.IGNORECASE)
_LOOKED_AT: Final = 100_000

_SECTION: Final = re.compile(r"^[ \t]*\[[^\]\n]+\][ \t]*(?:[#;].*)?\r?$", re.MULTILINE)
_TOML_VALUE: Final = re.compile(
    r"^[ \t]*[\w.\"'-]+[ \t]*=[ \t]*(?:\"[^\n]*\"|'[^\n]*'|true|false|[\d.+-]+|\[.*|\{.*)[ \t]*(?:#.*)?\r?$",
    re.MULTILINE,
)
_ASSIGNED: Final = re.compile(r"^[ \t]*(?:export[ \t]+)?[\w.-]+[ \t]*=(?!=|>)", re.MULTILINE)
_VARIABLE: Final = re.compile(r"^[ \t]*(?:export[ \t]+)?[A-Z][A-Z0-9_]*[ \t]*=", re.MULTILINE)
_ACCOUNT: Final = re.compile(
    r"^(?:account|defaults)\b[^=:\n]*(?::[^\n]*)?$|^host[ \t]+\S+[ \t]*$", re.MULTILINE
)
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
        return yaml_kinds.syntax_of(path, text)
    return _of_text(path, head)


def _of_text(path: str, head: str) -> str | None:
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
        return yaml_kinds.syntax_of(path, head)
    if assigned:
        return "dotenv" if len(_VARIABLE.findall(head)) * 2 > assigned else "properties"
    return None
