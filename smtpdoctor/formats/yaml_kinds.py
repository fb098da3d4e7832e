"""Which of the YAML syntaxes a text has, told by its name and its first keys; nothing is parsed for it."""

from __future__ import annotations

import re
from typing import Final, Literal

__all__ = ["YamlSyntax", "syntax_of"]

YamlSyntax = Literal["compose", "kubernetes", "github-actions", "gitlab-ci", "yaml"]

_LOOKED_AT: Final = 400_000  # signs: a Compose file may begin with much that it shares
_KEY: Final = re.compile(
    r"^(?:\"([^\"\n]+)\"|'([^'\n]+)'|([A-Za-z_][\w./-]*))[ \t]*:(?=[ \t\r\n]|$)", re.MULTILINE
)
_SERVICE: Final = re.compile(
    r"^[ \t]+(?:-[ \t]+)?(?:image|build|env_file|extends|environment|deploy|container_name|ports|depends_on|<<)[ \t]*:",
    re.MULTILINE,
)
_FLOW_SERVICE: Final = re.compile(r"[{,]\s*[\"']?(?:image|build)[\"']?\s*:")
_NAMED: Final = re.compile(
    r"(?:.*[-_.])?(?:docker-)?compose(?:[-_.].*)?\.ya?ml(?:\..+)?|(?:.*[-_.])?stack(?:[-_.].*)?\.ya?ml"
)
_JOB: Final = re.compile(r"^[ \t]+(?:script|stage|trigger|rules|extends)[ \t]*:", re.MULTILINE)


def syntax_of(path: str, text: str) -> YamlSyntax:
    """Return the syntax of a text that is YAML."""
    head = text[:_LOOKED_AT]
    name = path.replace("\\", "/").rpartition("/")[2].lower()
    keys = {found[1] or found[2] or found[3] for found in _KEY.finditer(head)}
    if re.search(r"(?:^|/)kustomization\.ya?ml$", path.lower()) or keys & {
        "secretGenerator",
        "configMapGenerator",
    }:
        return "kubernetes"
    if {"apiVersion", "kind"} <= keys and not ({"services", "jobs"} & keys and "metadata" not in keys):
        return "kubernetes"
    if re.search(r"(?:^|/)\.?(?:github|gitea|forgejo)/workflows/[^/]+$", path.replace("\\", "/")):
        return "github-actions"
    if re.fullmatch(r"\.?gitlab-ci.*\.ya?ml", name):
        return "gitlab-ci"
    if "services" in keys and (_NAMED.fullmatch(name) or _SERVICE.search(head) or _FLOW_SERVICE.search(head)):
        return "compose"
    if "jobs" in keys and keys & {"on", "true"}:
        return "github-actions"
    if keys & {"stages", "variables", "include"} and _JOB.search(head) and "jobs" not in keys:
        return "gitlab-ci"
    if (
        _NAMED.fullmatch(name)
        and keys <= {"name", "version", "services", "include", "volumes", "networks"}
        and keys
    ):
        return "compose"
    return "yaml"
