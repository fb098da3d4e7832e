"""Which version of a package a project has, by the file that its package manager writes. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["LOCKS", "locked_version"]

LOCKS: Final = (
    "composer.lock", "Gemfile.lock", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "poetry.lock",
    "uv.lock", "Pipfile.lock", "requirements.txt", "go.mod",
)  # fmt: skip
"""The files that are looked into."""
_MOST: Final = 20_000_000
_EXACT: Final = re.compile(r"v?(\d[\w.+-]*)")


def locked_version(path: str, text: str, package: str) -> str | None:
    """Return the version of a package that a lock file names, None where it names none, or not one.

    ``path`` tells the kind of file by its name. What cannot be read says nothing.
    """
    name = re.split(r"[/\\]", path)[-1].lower()
    if len(text) > _MOST:
        return None
    text = text.removeprefix("\ufeff")
    if name in {"composer.lock", "package-lock.json", "npm-shrinkwrap.json", "pipfile.lock"}:
        try:
            found = _of_json(name, json.loads(text), package)
        except (ValueError, RecursionError):
            return None
    elif name in {"poetry.lock", "uv.lock"}:
        found = _of_toml(text, package)
    elif name == "gemfile.lock":
        found = _first(rf"^    {re.escape(package)} \(([^)\s]+)\)", text)
    elif name == "yarn.lock":
        found = _of_yarn(text, package)
    elif name == "go.mod":
        found = _first(rf"^(?:require[ \t]+|[ \t]+){re.escape(package)}[ \t]+v(\S+)", text)
    elif re.fullmatch(r".*requirements.*\.(?:txt|in|lock)|constraints\.txt", name):
        found = _of_requirements(text, package)
    else:
        return None
    exact = _EXACT.fullmatch(found or "")
    return exact[1] if exact is not None else None


def _first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text, re.MULTILINE)
    return None if found is None else found[1]


def _dictionary(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _of_json(name: str, data: object, package: str) -> str | None:
    tree = _dictionary(data)
    if name == "composer.lock":
        for one in _listed(tree, "packages", "packages-dev"):
            if str(one.get("name", "")).lower() == package.lower():
                return _text(one.get("version"))
        return None
    if name == "pipfile.lock":
        for group in ("default", "develop"):
            for key, one in _dictionary(tree.get(group)).items():
                if _normal(key) == _normal(package):
                    return (_text(_dictionary(one).get("version")) or "").removeprefix("==")
        return None
    packages = _dictionary(tree.get("packages"))
    own = _dictionary(packages.get(f"node_modules/{package}"))
    own = own or _dictionary(_dictionary(tree.get("dependencies")).get(package))  # before npm 7
    return _text(own.get("version"))


def _listed(tree: dict[str, Any], *keys: str) -> Iterator[dict[str, Any]]:
    for key in keys:
        value = tree.get(key)
        for one in value if isinstance(value, list) else ():
            yield _dictionary(one)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _normal(name: str) -> str:
    """Return a name as Python's package index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _of_toml(text: str, package: str) -> str | None:
    import tomllib

    try:
        tree = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError):
        return None
    for one in _listed(tree, "package"):
        if _normal(str(one.get("name", ""))) == _normal(package):
            return _text(one.get("version"))
    return None


def _of_yarn(text: str, package: str) -> str | None:
    name = re.escape(package)
    entry = rf'^"?{name}@[^\n]*:[ \t]*\r?\n(?:[ \t]+[^\n]*\n)*?[ \t]+version:?[ \t]+"?([^"\s]+)"?'
    return _first(entry, text)


def _of_requirements(text: str, package: str) -> str | None:
    for line in text.splitlines():
        found = re.match(
            r"[ \t]*([\w.-]+)(?:\[[^\]]*\])?[ \t]*===?[ \t]*([^\s;#\\,*]+)[ \t]*(?:$|[;#\\])", line
        )
        if found is not None and _normal(found[1]) == _normal(package):
            return found[2]
    return None
