"""What lies beside a `.env`: the sources that take its variables, and the packages that the project is made of.

Only looked at, within limits: few folders, few and small files, and nothing of what others wrote.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from smtpdoctor.errors import UsageError
from smtpdoctor.files import read_file

__all__ = ["Kept", "Packages", "imported", "mentioned", "packages", "settings_in", "sources"]

_LEVELS: Final = 2  # folders below the one of the file
_MOST_ENTRIES: Final = 2_000
_MOST_READ: Final = 60  # files
_LARGEST: Final = 262_144  # bytes of one; sources are smaller, but for those that a program wrote
_MOST_BYTES: Final = 4_194_304
_MOST_FOUND: Final = 8
_MOST_PARSED: Final = 12  # of those in which mail is spoken of
# What others wrote, what a program wrote, and what is tried only.
_SKIPPED: Final = re.compile(
    r"(?i)\..*|node_modules|vendor|bower_components|venv|env|virtualenv|site-packages|__pycache__|dist|build"
    r"|out|target|obj|bin|coverage|tests?|spec|specs|__tests__|e2e|fixtures|mocks?|__mocks__|migrations|docs?"
    r"|static|assets|templates|locales?"
)
_SOURCE: Final = re.compile(
    r"(?i)(?!.*\.(?:min|test|spec|d)\.[cm]?[jt]sx?$)(?!test_|conftest)"
    r".*\.(?:py|[cm]?[jt]s|[jt]sx|go|php|rb|ru|cs|java|kts?)|application[\w.-]*\.(?:properties|ya?ml)"
)
# What has settings without being source code; an example of one has none that are in use.
_SETTINGS: Final = re.compile(
    r"(?i)(?!.*(?:example|sample|template|dist|default)).*"
    r"(?:compose[\w.-]*\.ya?ml|appsettings[\w.-]*\.json|\.env(?:\.[\w.-]+)?|msmtprc|gitlab\.rb|\.ini|\.toml|\.properties)"
)
_OF_MAIL: Final = re.compile(rb"(?i)smtp|mail")
# Folders that are no level of their own.
_LAYOUT: Final = (Path("src/main/resources"), Path("src/main/java"), Path("src/main/kotlin"))
# Where settings of mail are, the likeliest first.
_LIKELY: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        "mail|smtp",
        r"setting|config|environment|production|plugins|application",
        r"notif|contact|auth|send",
        r"^(?:server|app|main|index|program|startup)\.",
        "",
    )
)
_MANIFEST: Final = re.compile(
    r"package\.json|composer\.json|requirements[\w.-]*\.txt|pyproject\.toml|Pipfile|Gemfile|go\.mod"
)
_NAME: Final = r"[A-Za-z0-9@][\w@./-]*"
_IN_TEXT: Final = {
    "txt": re.compile(rf"(?m)^[ \t]*({_NAME})"),
    "toml": re.compile(
        rf"(?m)^[ \t]*\"?({_NAME})\"?[ \t]*=|[\"']({_NAME})(?:\[[^\]]*\])?[ \t]*(?:[\"'=<>~!;])"
    ),
    "Pipfile": re.compile(rf"(?m)^[ \t]*\"?({_NAME})\"?[ \t]*="),
    "Gemfile": re.compile(rf"(?m)^[ \t]*gem[ \t(]+[\"']({_NAME})[\"']"),
    "mod": re.compile(rf"(?m)^[ \t]*(?:require[ \t]+)?({_NAME})[ \t]+v\d"),
}
_IMPORTED: Final = re.compile(
    rf"(?m)^[ \t]*(?:import|from)[ \t]+([A-Za-z_]\w*)|(?:require\(|from|import)[ \t]*[\"']({_NAME})[\"']"
)
_CALLED: Final = {
    "toml": re.compile(rf"(?m)^[ \t]*name[ \t]*=[ \t]*[\"']({_NAME})[\"']"),
    "mod": re.compile(rf"(?m)^module[ \t]+({_NAME})"),
}


Kept = dict[Path, bytes]


class Packages(Struct, frozen=True):
    """What manifests say: how the project is called, and what it is made of; in small letters."""

    names: frozenset[str]
    needs: frozenset[str]


def sources(env: Path, variables: Collection[str], kept: Kept | None = None) -> list[Path]:
    """Return the source files beside a `.env` in which one of its variables is named, the likeliest first.

    ``kept`` is what was read of files by their paths, here and below: each is read once.
    """
    if not variables:
        return []
    kept = {} if kept is None else kept
    named = re.compile(
        rb"\b(?:" + b"|".join(re.escape(one.encode()) for one in sorted(variables)) + rb")\b", re.IGNORECASE
    )
    candidates = [path for path in _below(env.parent) if _SOURCE.fullmatch(path.name)]
    found = (path for path, data in _read(candidates, kept) if named.search(data))
    return list(islice(found, _MOST_FOUND))


def settings_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a project that may hold settings of mail, the likeliest first, within the same limits."""
    candidates = [
        path for path in _below(folder) if _SOURCE.fullmatch(path.name) or _SETTINGS.fullmatch(path.name)
    ]
    of_mail = (path for path, data in _read(candidates, {}) if _OF_MAIL.search(data))
    yield from islice(of_mail, _MOST_PARSED)


def packages(env: Path, kept: Kept | None = None) -> Packages:
    """Return what the manifests beside a `.env` say, and those in the folders below it."""
    names: set[str] = set()
    needs: set[str] = set()
    for path in _below(env.parent, levels=1):
        if not _MANIFEST.fullmatch(path.name):
            continue
        text = _content(path, kept).decode("utf-8", "replace")
        kind = path.name if path.name in _IN_TEXT else path.suffix.removeprefix(".")
        if kind == "json":
            called, needed = _of_json(text)
            names |= called
            needs |= needed
        else:
            for found in _IN_TEXT[kind].finditer(text):
                needs.add(next(filter(None, found.groups())).lower())
            if kind in _CALLED:
                names |= {one.lower() for one in _CALLED[kind].findall(text)}
    return Packages(frozenset(names), frozenset(needs))


def imported(paths: Iterable[Path], kept: Kept | None = None) -> frozenset[str]:
    """Return the packages that sources of Python and JavaScript import; in small letters."""
    found: set[str] = set()
    for path in paths:
        text = _content(path, kept).decode("utf-8", "replace")
        found.update(next(filter(None, one.groups())).lower() for one in _IMPORTED.finditer(text))
    return frozenset(found)


def mentioned(paths: Iterable[Path], kept: Kept | None = None) -> frozenset[str]:
    """Return the words of sources, among them the names of variables."""
    texts = (_content(path, kept).decode("utf-8", "replace") for path in paths)
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))


def _of_json(text: str) -> tuple[set[str], set[str]]:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return set(), set()
    if not isinstance(data, dict):
        return set(), set()
    name = data.get("name")
    needed = (data.get(key) for key in ("dependencies", "devDependencies", "require"))
    return (
        {name.lower()} if isinstance(name, str) else set(),
        {key.lower() for one in needed if isinstance(one, dict) for key in one},
    )


def _read(candidates: Iterable[Path], kept: Kept) -> Iterator[tuple[Path, bytes]]:
    """Yield the likeliest of some files with what they hold, so many of them at most and so much."""
    likeliest = sorted(candidates, key=lambda path: (_rank(path), len(path.parts), str(path)))
    left = _MOST_BYTES
    for path in likeliest[:_MOST_READ]:
        data = _content(path, kept)
        left -= len(data)
        if left < 0:
            return
        yield path, data


def _rank(path: Path) -> int:
    whole = "/".join(path.parts[-2:])
    return next(
        at for at, one in enumerate(_LIKELY) if one.search(path.name if one.pattern[:1] == "^" else whole)
    )


def _below(folder: Path, levels: int = _LEVELS) -> Iterator[Path]:
    """Yield the files of a folder and of those below it, the nearest first; so many at most, no links to folders."""
    left = _MOST_ENTRIES
    waiting: list[tuple[Path, int]] = [(folder, 0)]
    for one in waiting:
        for path in _entries(one[0], left):
            left -= 1
            if not path.is_dir():
                yield path
            elif one[1] < levels and not _SKIPPED.fullmatch(path.name) and not path.is_symlink():
                waiting.append((path, one[1] + 1))
        if left <= 0:
            return
    if levels == _LEVELS:
        for layout in _LAYOUT:
            yield from (path for path in _entries(folder / layout, left) if not path.is_dir())


def _entries(folder: Path, most: int) -> Sequence[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [folder / one.name for one, _ in zip(entries, range(most), strict=False)]
    except OSError:
        return ()
    return sorted(found)


def _content(path: Path, kept: Kept | None) -> bytes:
    """Return what a file holds; nothing where it cannot be read, or is too large for a source."""
    if kept is not None and path in kept:
        return kept[path]
    try:
        data = read_file(path, most=_LARGEST, flag=path.name)
    except UsageError:
        data = b""
    if kept is not None:
        kept[path] = data
    return data
