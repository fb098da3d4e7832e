"""Gives a run the knowledge that it needs, and no more, from the compiled index.

A wheel carries the index. In a checkout it is compiled on first use and kept in the cache folder
of the platform, keyed by the content of the source files (names, sizes, times), so that an edit
shows at once. Without a cache folder to write to everything still works, only slower.
"""

from __future__ import annotations

import contextlib
import os
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from smtpdoctor.errors import KnowledgeError
from smtpdoctor.knowledge.schema import App, Catalogue, Entry, Preset, Reply, WordPattern

__all__ = [
    "app",
    "apps",
    "entries",
    "preset",
    "presets",
    "replies",
    "sources",
    "user_presets_folder",
    "words",
]

PACKAGE: Final = Path(__file__).resolve().parent.parent
_BUILT: Final = PACKAGE / "_index"
_FILES: Final = ("catalogue.json", "presets.json", "apps.json", "words.json")


def sources() -> tuple[Path, Path]:
    """Return the package folder and the presets folder: inside the package, else beside it."""
    inside = PACKAGE / "presets"
    return PACKAGE, inside if inside.is_dir() else PACKAGE.parent / "presets"


def _fingerprint() -> str:
    """Name the state of the source files without reading them."""
    import hashlib

    package, presets_folder = sources()
    digest = hashlib.sha256()
    folders = (package / "catalogue", package / "apps", presets_folder, package / "knowledge")
    for folder in folders:
        with os.scandir(folder) as listing:
            for item in sorted(listing, key=lambda found: found.name):
                if item.name.endswith((".toml", ".py")):
                    state = item.stat()
                    digest.update(f"{item.path} {state.st_size} {state.st_mtime_ns}\n".encode())
    state = (package / "words.toml").stat()
    digest.update(f"{state.st_size} {state.st_mtime_ns}".encode())
    return digest.hexdigest()[:32]


@cache
def _index_folder() -> Path | None:
    """Return the folder of a current index, compiling it first where need be; None: nowhere to keep it."""
    if _BUILT.is_dir():
        return _BUILT
    import tempfile

    import platformdirs

    root = platformdirs.user_cache_path("smtpdoctor")
    folder = root / f"index-{_fingerprint()}"
    if folder.is_dir():
        return folder
    files = _compiled()
    aside: str | None = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Made aside and moved into place, so that a run beside this one never sees half of it.
        aside = tempfile.mkdtemp(dir=root)
        for name, content in files.items():
            Path(aside, name).write_bytes(content)
        for old in root.glob("index-*"):
            _remove(old)
        Path(aside).rename(folder)
    except OSError:
        if aside is not None:
            _remove(Path(aside))
        return folder if folder.is_dir() else None
    return folder


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for name in _FILES:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


@cache
def _compiled() -> dict[str, bytes]:
    from smtpdoctor.knowledge.compile import index_bytes, read

    return index_bytes(read(*sources()))


def _file(name: str) -> bytes:
    folder = _index_folder()
    if folder is not None:
        try:
            return (folder / name).read_bytes()
        except OSError:
            pass
    return _compiled()[name]


@cache
def entries() -> dict[str, Entry]:
    """Return the catalogue by id."""
    return msgspec.json.decode(_file("catalogue.json"), type=Catalogue).entries


@cache
def _built_in_presets() -> dict[str, Preset]:
    return msgspec.json.decode(_file("presets.json"), type=dict[str, Preset])


def user_presets_folder() -> Path:
    """Return the folder for presets of the user's own."""
    import platformdirs

    return platformdirs.user_config_path("smtpdoctor") / "presets"


@cache
def presets() -> dict[str, Preset]:
    """Return all presets by id, the user's own over the built-in ones.

    A file of the user's own that is wrong raises KnowledgeError with its name and key.
    """
    found = dict(_built_in_presets())
    folder = user_presets_folder()
    if folder.is_dir():
        from smtpdoctor.knowledge.compile import read_preset

        problems: list[str] = []
        for path in sorted(folder.glob("*.toml")):
            try:
                found[path.stem] = read_preset(path, frozenset(entries()))
            except KnowledgeError as error:
                problems += error.problems
        if problems:
            raise KnowledgeError(problems)
    return dict(sorted(found.items()))


def preset(name: str) -> Preset | None:
    """Return the preset of that id or alias."""
    key = name.strip().lower()
    known = presets()
    if key in known:
        return known[key]
    squeezed = key.replace(" ", "").replace("-", "").replace("_", "")
    for one in known.values():
        names = (one.id, one.name.en.lower(), one.name.ko, *one.aliases)
        if any(key == other or squeezed == other.replace(" ", "").replace("-", "") for other in names):
            return one
    return None


@cache
def replies(preset_id: str) -> tuple[Reply, ...]:
    """Return a preset's own replies."""
    found = presets().get(preset_id)
    return msgspec.json.decode(found.reply, type=tuple[Reply, ...]) if found else ()


@cache
def apps() -> dict[str, App]:
    """Return the applications by id."""
    return msgspec.json.decode(_file("apps.json"), type=dict[str, App])


def app(name: str) -> App | None:
    """Return the application of that id."""
    return apps().get(name.strip().lower())


@cache
def words() -> tuple[WordPattern, ...]:
    """Return how systems word the error tokens, the special ones before the broad ones."""
    return msgspec.json.decode(_file("words.json"), type=tuple[WordPattern, ...])
