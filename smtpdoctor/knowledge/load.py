"""Gives a run the knowledge that it needs, and no more, from the compiled index.

A wheel carries the index. In a checkout it is compiled on first use and kept in the cache folder
of the platform, keyed by the checkout and by its source files (names, sizes, times), so that an edit
shows at once. Several checkouts or versions share the folder: each takes away only what it made itself, and
what nobody has used for a week. Without a cache folder to write to everything still works, only slower.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from smtpdoctor.errors import KnowledgeError, UsageError
from smtpdoctor.files import names_in, read_file
from smtpdoctor.knowledge.names import Names, bare_words, names_of
from smtpdoctor.knowledge.schema import (
    App,
    Entry,
    Hints,
    Preset,
    Question,
    Reply,
    Rule,
    Scores,
    Secrets,
    Spellings,
    WordPattern,
)
from smtpdoctor.model import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smtpdoctor.knowledge.compile import Knowledge
    from smtpdoctor.knowledge.dialects import Dialect, DialectNames
    from smtpdoctor.knowledge.sieve import Sieve

__all__ = [
    "Reduced",
    "app",
    "apps",
    "dialect",
    "dialect_ids",
    "dialect_names",
    "entries",
    "entry",
    "fits",
    "from_sources",
    "hints",
    "ids",
    "keys",
    "names",
    "occurs",
    "own_problems",
    "preset",
    "preset_ids",
    "preset_with_id",
    "presets",
    "question",
    "reduced",
    "replies",
    "rule_sieve",
    "rules",
    "scores",
    "secrets",
    "sources",
    "spellings",
    "user_presets_folder",
    "warm",
    "word_sieve",
    "words",
]

T = TypeVar("T")

PACKAGE: Final = Path(__file__).resolve().parent.parent
_LARGEST_FILE: Final = 67_108_864  # of the index
# Of the user's own presets: a file has some 2 KB, the largest of ours 90.
_LARGEST_OWN: Final = 131_072
_MOST_OWN: Final = 200
_MOST_OWN_BYTES: Final = 1_048_576
_MOST_PROBLEMS: Final = 20
_LONGEST_PROBLEM: Final = 500  # characters
_LONGEST_QUESTION: Final = 60
_PREFIX: Final = "knowledge-"  # of the name of an index
_ASIDE: Final = "making-"  # of one that is being written
_BEFORE: Final = "index-"  # of those of earlier versions, which delete whatever begins like that
_OF_BEFORE: Final = r"index-[0-9a-f]{32}"
_COPY: Final = 12  # characters that stand for the checkout
_MOST_STATES: Final = (
    4  # that a checkout keeps beside the current one: somebody goes to and fro between branches
)
_DAY: Final = 86_400.0  # seconds
_UNUSED: Final = 7 * _DAY
_BUILT: Final = PACKAGE / "_index"
_FILES: Final = (
    "catalogue.json",
    "rules.json",
    "presets.json",
    "names.json",
    "apps.json",
    "dialects.json",
    "dialect-names.json",
    "words.json",
    "hints.json",
    "spellings.json",
    "secrets.json",
    "scores.json",
    "keys.json",
    "questions.json",
)


def sources() -> tuple[Path, Path]:
    """Return the package folder and the presets folder: inside the package, else beside it."""
    inside = PACKAGE / "presets"
    return PACKAGE, inside if inside.is_dir() else PACKAGE.parent / "presets"


def _fingerprint() -> str:
    """Name the state of the source files without reading them."""
    import hashlib

    package, presets_folder = sources()
    digest = hashlib.sha256()
    folders = (
        package / "catalogue",
        package / "apps",
        package / "dialects",
        presets_folder,
        package / "knowledge",
    )
    for folder in folders:
        with os.scandir(folder) as listing:
            for item in sorted(listing, key=lambda found: found.name):
                if item.name.endswith((".toml", ".py")):
                    state = item.stat()
                    digest.update(f"{item.path} {state.st_size} {state.st_mtime_ns}\n".encode())
    for name in (
        "words.toml",
        "hints.toml",
        "spellings.toml",
        "secrets.toml",
        "concepts.toml",
        "scores.json",
        "questions.toml",
    ):
        state = (package / name).stat()
        digest.update(f"{state.st_size} {state.st_mtime_ns}\n".encode())
    copy = hashlib.sha256(os.fsencode(package)).hexdigest()
    return f"{copy[:_COPY]}-{digest.hexdigest()[:32]}"


@cache
def _index_folder() -> Path | None:
    """Return the folder of a current index, compiling it first where need be; None: nowhere to keep it."""
    if _BUILT.is_dir():
        return _BUILT
    import platformdirs

    root = platformdirs.user_cache_path("smtpdoctor")
    folder = root / f"{_PREFIX}{_fingerprint()}"
    if _is_whole(folder):
        _note_use(folder)
        return folder
    import tempfile

    files = _compiled()
    aside: str | None = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Made aside and moved into place, so that a run beside this one never sees half of it.
        aside = tempfile.mkdtemp(prefix=_ASIDE, dir=root)
        for name, content in files.items():
            Path(aside, name).write_bytes(content)
        if not _is_whole(folder):  # else a run beside this one was quicker
            _remove(folder)
            Path(aside).rename(folder)
            aside = None
    except OSError:
        pass
    if aside is not None:
        _remove(Path(aside))
    if not _is_whole(folder):
        return None
    _clean(root, folder)
    return folder


def _note_use(folder: Path) -> None:
    """Keep the time of a folder young while it is used, and look once a day for others that are not."""
    with contextlib.suppress(OSError):
        if _age(folder) > _DAY:
            os.utime(folder)
            _clean(folder.parent, folder)


def _clean(root: Path, folder: Path) -> None:
    """Remove what nobody uses, but for the current index: a run beside this one may be of another version or state."""
    mine = folder.name[: len(_PREFIX) + _COPY]
    aged: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        for one in root.iterdir():
            if one == folder or not one.name.startswith((_PREFIX, _ASIDE, _BEFORE)):
                continue
            age = _age(one)
            if one.name.startswith(mine):
                aged.append((age, one))
            named = one.name.startswith((_PREFIX, _ASIDE)) or re.fullmatch(_OF_BEFORE, one.name)
            limit = _DAY if one.name.startswith(_ASIDE) else _UNUSED
            if age > limit or not named:
                _remove(one)
    for _, one in sorted(aged)[_MOST_STATES:]:
        _remove(one)


def _age(folder: Path) -> float:
    """Return the seconds since a folder was used; 0 for one that is gone or comes from the future."""
    import time

    with contextlib.suppress(OSError):
        return max(time.time() - folder.stat().st_mtime, 0.0)
    return 0.0


def _is_whole(folder: Path) -> bool:
    with contextlib.suppress(OSError):  # longer than a name can be
        return all((folder / name).is_file() for name in _FILES)
    return False


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        folder.rmdir()


@cache
def from_sources() -> Knowledge:
    """Read the knowledge files themselves, with the examples that the index leaves out; takes seconds.

    Raises KnowledgeError, which lists every problem of every file.
    """
    from smtpdoctor.knowledge.compile import read

    with _decoding:
        return read(*sources())


@cache
def _compiled() -> dict[str, bytes]:
    from smtpdoctor.knowledge.compile import index_bytes

    return index_bytes(from_sources())


# msgspec notes how a type is built before it has finished building it; a second thread that comes to the
# same type in the meantime crashes the process (seen with 0.22). Whoever else decodes has to wait.
_decoding: Final = threading.RLock()


def _decoded(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Decode what the index holds; safe to call from any thread."""
    with _decoding:
        return msgspec.json.decode(data, type=kind)


def _file(name: str) -> bytes:
    folder = _index_folder()
    if folder is not None:
        with contextlib.suppress(UsageError):
            data = read_file(folder / name, most=_LARGEST_FILE, flag=name)
            if data[-1:] in {b"]", b"}"}:
                return data
            if folder != _BUILT:  # a machine that lost its power leaves files without their end
                _remove(folder)
    return _compiled()[name]


@cache
def _raw_entries() -> dict[str, msgspec.Raw]:
    return _decoded(_file("catalogue.json"), dict[str, msgspec.Raw])


def ids() -> tuple[str, ...]:
    """Return the ids of the catalogue, in alphabetical order."""
    return tuple(_raw_entries())


@cache
def entry(name: str) -> Entry:
    """Return the entry of that id, without its rules; KeyError where there is none."""
    return _decoded(_raw_entries()[name], Entry)


def entries() -> dict[str, Entry]:
    """Return the catalogue by id, without its rules."""
    return {name: entry(name) for name in ids()}


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules of all entries, the most special first."""
    return _reduced.rules if _reduced is not None else _decoded(_file("rules.json"), tuple[Rule, ...])


@cache
def hints() -> Hints:
    """Return what the log reader knows a text by."""
    return _reduced.hints if _reduced is not None else _decoded(_file("hints.json"), Hints)


class Reduced(msgspec.Struct, frozen=True):
    """A part of what texts are known by, in the order of the index."""

    rules: tuple[Rule, ...]
    words: tuple[WordPattern, ...]
    hints: Hints
    scores: Scores | None = None


_reduced: Reduced | None = None


@contextlib.contextmanager
def reduced(to: Reduced) -> Iterator[None]:
    """Know no more than this for a while: how much does the rest carry? Not for several threads."""
    global _reduced  # noqa: PLW0603 -- what is measured is how this very module is used
    _forget()
    _reduced = to
    try:
        yield
    finally:
        _reduced = None
        _forget()


def _forget() -> None:
    for one in (rules, words, hints, scores, rule_sieve, word_sieve):
        one.cache_clear()


@cache
def spellings() -> Spellings:
    """Return what is said of names that look meant and are not read."""
    return _decoded(_file("spellings.json"), Spellings)


@cache
def secrets() -> Secrets:
    """Return by what a secret in a text is known."""
    return msgspec.json.decode(_file("secrets.json"), type=Secrets)


@cache
def scores() -> Scores:
    """Return how much what is seen in a text speaks for each entry."""
    if _reduced is not None and _reduced.scores is not None:
        return _reduced.scores
    return _decoded(_file("scores.json"), Scores)


@cache
def keys() -> dict[str, int]:
    """Return how the keys begin that are known by their form, and how many characters follow at least."""
    found = msgspec.json.decode(_file("keys.json"), type=dict[str, int])
    own = _own().values()
    if own:
        from smtpdoctor.knowledge.vocabulary import KEY_LENGTH, key_prefix

        prefixes = (key_prefix(one.password.pattern or "") for one in own)
        found = {**{prefix: KEY_LENGTH for prefix in prefixes if prefix}, **found}
    return found


@cache
def rule_sieve() -> Sieve[Rule]:
    """Return the rules by the literals that they need."""
    from smtpdoctor.knowledge.sieve import Sieve

    return Sieve(rules(), lambda rule: rule.atoms)


def warm() -> None:
    """Load what a check that fails needs, before threads do it side by side, each for itself."""
    rule_sieve()
    keys()
    secrets()
    spellings()


@cache
def word_sieve() -> Sieve[WordPattern]:
    """Return the wordings of error tokens by the literals that they need."""
    from smtpdoctor.knowledge.sieve import Sieve

    return Sieve(words(), lambda word: (word.atoms,))


@cache
def _built_in() -> dict[str, msgspec.Raw]:
    return _decoded(_file("presets.json"), dict[str, msgspec.Raw])


def user_presets_folder() -> Path:
    """Return the folder for presets of the user's own, as the platform has it."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if sys.platform == "linux" and (not base or base.startswith("/")):
        # What platformdirs would say, which takes 5 ms at every start to import. Without any home
        # `~` stays, where pathlib would raise an error.
        home = os.path.expanduser("~/.config")  # noqa: PTH111
        return Path(base or home) / "smtpdoctor" / "presets"
    import platformdirs

    return platformdirs.user_config_path("smtpdoctor") / "presets"


@cache
def _own_and_problems() -> tuple[dict[str, Preset], tuple[str | Message, ...]]:
    """Read the user's own presets; every command does, so whatever lies there must not stop or hold it up."""
    folder = user_presets_folder()
    try:
        # What editors put beside a file begins with a dot.
        names = [one for one in names_in(folder, flag="presets") if one.endswith(".toml") and one[0] != "."]
    except UsageError as error:
        return {}, (error.message,)
    if not names:
        return {}, ()
    from smtpdoctor.knowledge.compile import read_preset

    found: dict[str, Preset] = {}
    problems: list[str | Message] = []
    left = _MOST_OWN_BYTES
    for number, name in enumerate(names):
        if number == _MOST_OWN or left <= 0:
            size = f"{_MOST_OWN_BYTES >> 20} MB"
            values: dict[str, object] = {"flag": str(folder), "most": _MOST_OWN, "size": size}
            problems.append(Message("usage.file.many", values))
            break
        try:
            data = read_file(folder / name, most=_LARGEST_OWN, flag=name)
            left -= len(data)
            with _decoding:
                found[Path(name).stem] = read_preset(folder / name, data, frozenset(ids()))
        except UsageError as error:
            problems.append(error.message)
        except KnowledgeError as error:
            problems += [one[:_LONGEST_PROBLEM] for one in error.problems]
    if len(problems) > _MOST_PROBLEMS:
        more = Message("usage.preset.more", {"count": len(problems) - _MOST_PROBLEMS})
        problems = [*problems[:_MOST_PROBLEMS], more]
    return found, tuple(problems)


def _own() -> dict[str, Preset]:
    """Return the user's own presets; a file that is wrong is left out."""
    return _own_and_problems()[0]


def own_problems() -> tuple[str | Message, ...]:
    """Return what is wrong with the user's own presets that were left out: file and key of each."""
    return _own_and_problems()[1]


def fits(pattern: str, text: str, preset: Preset) -> bool:
    """Whether a whole text has the form that a pattern of a preset is about."""
    return _engine(pattern, preset).fullmatch(text) is not None


def occurs(pattern: str, text: str, preset: Preset) -> bool:
    """Whether a pattern of a preset occurs in a text."""
    return _engine(pattern, preset).search(text) is not None


def takes_word(username: str, preset: Preset) -> bool:
    """Whether a user name is what a literal form takes: its word, another one, or what may stand in its place."""
    form = preset.username
    if username == form.value or username in form.also:
        return True
    return form.pattern is not None and fits(form.pattern, username, preset)


def _engine(pattern: str, preset: Preset) -> Any:
    """Return a compiled pattern of a preset.

    A user's own pattern may be such that Python's engine takes for ever; those that come with the
    package are held by a test to be of none of these, and are spared the time to load another engine.
    """
    if preset.id not in _own():
        return re.compile(pattern)
    from smtpdoctor.knowledge.patterns import exact

    return exact(pattern)


@cache
def preset_with_id(name: str | None) -> Preset | None:
    """Return the preset of that id, the user's own over a built-in one."""
    if name is None:
        return None
    own = _own().get(name)
    if own is not None or name not in _built_in():
        return own
    return _decoded(_built_in()[name], Preset)


def preset_ids() -> tuple[str, ...]:
    """Return the ids of all presets, in alphabetical order."""
    return tuple(sorted({*_built_in(), *_own()}))


@cache
def presets() -> dict[str, Preset]:
    """Return all presets by id, the user's own over the built-in ones."""
    found = {name: preset_with_id(name) for name in preset_ids()}
    return {name: one for name, one in found.items() if one is not None}


@cache
def names() -> Names:
    """Return by what the providers are known."""
    built_in = _decoded(_file("names.json"), Names)
    own = _own()
    return names_of(own.values()).over(built_in, own) if own else built_in


@cache
def _by_name() -> dict[str, Preset]:
    """Return the presets by each of their names, as it is and without what stands between its words."""
    found: dict[str, Preset] = {}
    for one in presets().values():
        for name in (one.id, one.name.en.lower(), one.name.ko, *one.aliases):
            found.setdefault(name, one)
            found.setdefault(name.replace(" ", "").replace("-", ""), one)
    return found


def preset(name: str) -> Preset | None:
    """Return the preset of that id, alias, host, mail domain or address."""
    key = name.strip().lower()
    if (found := preset_with_id(key)) is not None:
        return found
    squeezed = key.replace(" ", "").replace("-", "").replace("_", "")
    if (found := _by_name().get(key) or _by_name().get(squeezed)) is not None:
        return found
    domain = key.rpartition("@")[2]
    return preset_with_id(names().of_host(domain) or names().domains.get(domain))


@cache
def replies(preset_id: str) -> tuple[Reply, ...]:
    """Return a preset's own replies."""
    found = preset_with_id(preset_id)
    return _decoded(found.reply, tuple[Reply, ...]) if found else ()


@cache
def apps() -> dict[str, App]:
    """Return the applications by id."""
    return _decoded(_file("apps.json"), dict[str, App])


@cache
def app(name: str) -> App | None:
    """Return the application of that id: its names, and what it writes for each way of securing a connection."""
    key = name.strip().lower()
    if key in apps():
        return apps()[key]
    found = dialect(key)
    if found is None:
        return None
    from smtpdoctor.knowledge.table import app_of

    return app_of(found)


@cache
def _raw_dialects() -> dict[str, msgspec.Raw]:
    return _decoded(_file("dialects.json"), dict[str, msgspec.Raw])


def dialect_ids() -> tuple[str, ...]:
    """Return the ids of the applications whose configuration is read, in alphabetical order."""
    return tuple(sorted(_raw_dialects()))


@cache
def dialect(name: str) -> Dialect | None:
    """Return the dialect of an application by its id or one of its other names, or that of the base variables."""
    from smtpdoctor.knowledge.dialects import Dialect

    key = name.strip().lower()
    if key in _raw_dialects():
        return _decoded(_raw_dialects()[key], Dialect)
    if key in apps():
        from smtpdoctor.knowledge.base import dialect_of_app

        return dialect_of_app(apps()[key])
    others = (dialect(one) for one in dialect_ids())
    return next((one for one in others if one is not None and key in one.aliases), None)


@cache
def dialect_names() -> DialectNames:
    """Return by what the applications are known."""
    from smtpdoctor.knowledge.dialects import DialectNames

    return _decoded(_file("dialect-names.json"), DialectNames)


@cache
def question(words: str) -> Question | None:
    """Return the answer to what people ask in the words of a guide, None where no guide says it so."""
    asked = bare_words(words)
    if not asked or len(asked) > _LONGEST_QUESTION:
        return None
    found = _decoded(_file("questions.json"), dict[str, msgspec.Raw]).get(asked)
    return None if found is None else _decoded(found, Question)


@cache
def words() -> tuple[WordPattern, ...]:
    """Return how systems word the error tokens, the special ones before the broad ones."""
    if _reduced is not None:
        return _reduced.words
    return _decoded(_file("words.json"), tuple[WordPattern, ...])
