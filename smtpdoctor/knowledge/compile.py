"""Reads every knowledge file strictly and compiles the index that a run reads.

``read(root)`` gives values or a KnowledgeError that lists every problem with its file;
``write_index`` is called when the package is built, and by ``load`` for a checkout.
"""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from smtpdoctor.errors import KnowledgeError
from smtpdoctor.knowledge.atoms import atoms_of, parsed, patterns_of
from smtpdoctor.knowledge.dialects import Behaviour, Dialect, names_of_dialects, problems_of
from smtpdoctor.knowledge.names import bare_words, canonical, names_of
from smtpdoctor.knowledge.placeholders import ALWAYS, IN_EDITS, PLACEHOLDER, SOMETIMES
from smtpdoctor.knowledge.schema import (
    Advice,
    App,
    Conditions,
    Edit,
    Entry,
    Example,
    Foreign,
    Groups,
    Hints,
    NearMiss,
    Patterns,
    Preset,
    Question,
    Reply,
    Rule,
    Scores,
    Secrets,
    Spellings,
    Text,
    When,
    Word,
    WordPattern,
)
from smtpdoctor.knowledge.vocabulary import KEY_LENGTH, familiar, key_prefix, vocabulary
from smtpdoctor.model import Security

__all__ = ["Knowledge", "index_bytes", "parse_preset", "read", "read_preset"]

S = TypeVar("S", bound=msgspec.Struct)

# What an edit may set without a placeholder, and which settings those are.
_PORT: Final = re.compile(r"port:(?:tls|starttls)")
_MODE: Final = re.compile(rf"security:(?:{'|'.join(Security)})")
_KINDS: Final = ("mailbox", "transactional", "sink", "local", "own")
# Of a user's own preset. The reader of TOML compares every beginning of a name with the others.
_MOST_DOTS: Final = 100
_TOO_DEEP: Final = re.compile(rf"(?m)^(?:[^.\n]*+\.){{{_MOST_DOTS}}}")
_LONGEST_PATTERN: Final = 1_000
# RE2 has neither look-around nor back-references; the log reader needs RE2's speed.
_NOT_RE2: Final = re.compile(r"\(\?(?:[=!]|<[=!])|\\[1-9]|\(\?P=")


# What is left of a line before concepts are looked for in it.
_PLAIN: Final = re.compile(r"[\W_]+")
_OF_MAIL: Final = re.compile(r"MAIL|SMTP")


class Knowledge(msgspec.Struct, frozen=True):
    """Everything that the files say."""

    entries: dict[str, Entry]
    presets: dict[str, Preset]
    replies: dict[str, tuple[Reply, ...]]
    apps: dict[str, App]
    dialects: dict[str, Dialect]
    words: tuple[Word, ...]
    hints: Hints
    spellings: Spellings
    secrets: Secrets
    scores: Scores
    questions: tuple[Question, ...]


def _score(rule: Rule) -> float:
    """How special a rule is: the more and the rarer its conditions, the higher."""
    literal = len(re.sub(r"\\[A-Za-z]|\(\?[a-z:]+|[\\^$.|?*+()\[\]{}]", "", "".join(rule.text)))
    return (
        40 * bool(rule.label)
        + 30 * bool(rule.provider)
        + ((20 + min(literal, 30) / 2) if rule.text else 0)
        + 12 * bool(rule.error)
        + 8 * bool(rule.enhanced)
        + 6 * bool(rule.setting)
        + 4 * bool(rule.code)
        + 4 * bool(rule.library)
        + 3 * bool(rule.port)
        + 3 * bool(rule.security)
        + 2 * bool(rule.stage)
        + rule.weight
    )


def _atoms(pattern: str) -> Groups:
    try:
        return atoms_of(pattern)
    except re.error:
        return ()  # told by _problems_of_rule


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


class _Known(msgspec.Struct, frozen=True):
    """The ids that files may refer to."""

    ids: frozenset[str]
    presets: frozenset[str]
    apps: frozenset[str]


def _problems_of_references(entry: Entry, known: _Known) -> Iterator[str]:
    """Yield what an entry refers to that does not exist: such a condition would never hold."""
    conditions: list[Conditions] = [*entry.match]
    advices = [one.when for one in (*entry.fix, *entry.note) if one.when is not None]
    advices += [one.when for one in entry.change if one.when is not None]
    conditions += advices
    conditions += [one.unless for one in advices if one.unless is not None]
    for when in conditions:
        yield from (f"no provider {name!r}" for name in when.provider if name not in known.presets)
        if isinstance(when, When):
            yield from (f"no application {name!r}" for name in when.app if name not in known.apps)
            yield from (
                f"words: {word!r} is not in lower case" for word in when.words if word != word.lower()
            )
    cases: list[Example | NearMiss] = [*entry.example, *entry.near_miss]
    yield from (
        f"example: no provider {case.provider!r}"
        for case in cases
        if case.provider is not None and case.provider not in known.presets
    )
    for pattern in entry.follows:
        if not fnmatch.filter(known.ids, pattern):
            yield f"follows: no entry {pattern!r}"


def _problems_of_entry(entry: Entry, known: _Known) -> Iterator[str]:
    ids = known.ids
    yield from _problems_of_references(entry, known)
    if not entry.match and entry.id != "not-delivered":
        yield "match: no rule leads here"
    if len(entry.example) < 2:  # noqa: PLR2004 -- two is the rule of the catalogue
        yield "example: two or more are needed"
    if not entry.near_miss:
        yield "near_miss: one or more is needed"
    for near in entry.near_miss:
        if near.id == entry.id or (near.id != "none" and near.id not in ids):
            yield f"near_miss: {near.id!r} is no other entry"
    cases: list[Example | NearMiss] = [*entry.example, *entry.near_miss]
    for case in cases:
        if bool(case.text) == (case.evidence is not None):
            yield "example: give either text or evidence"
    unconditional = [
        fix
        for fix in entry.fix
        if (fix.when is None or not fix.when.seen)
        and all(ALWAYS.fullmatch(name) for name in PLACEHOLDER.findall(fix.en))
    ]
    if not unconditional:
        yield "fix: one without `when` and with {at.*} and {set.*} alone is needed"
    for text in (entry.title, entry.meaning):
        if PLACEHOLDER.search(text.en) or PLACEHOLDER.search(text.ko):
            yield "title and meaning: no placeholders there"
    advices: list[Advice | Text] = [*entry.fix, *entry.note, entry.sure]
    for advice in advices:
        yield from _problems_of_placeholders(advice.en, advice.ko)
    yield from _problems_of_edits(entry.change)
    for number, rule in enumerate(entry.match, 1):
        yield from (f"match {number}: {problem}" for problem in _problems_of_rule(rule))


def _problems_of_placeholders(en: str, ko: str) -> Iterator[str]:
    if sorted(PLACEHOLDER.findall(en)) != sorted(PLACEHOLDER.findall(ko)):
        yield f"placeholders of en and ko differ: {en!r}"
    for name in PLACEHOLDER.findall(en):
        if not ALWAYS.fullmatch(name) and not SOMETIMES.fullmatch(name):
            yield f"unknown placeholder {{{name}}}"


def _problems_of_edits(edits: tuple[Edit, ...]) -> Iterator[str]:
    for number, edit in enumerate(edits, 1):
        yield from (f"change {number}: {problem}" for problem in _problems_of_edit(edit))


def _problems_of_edit(edit: Edit) -> Iterator[str]:
    names = PLACEHOLDER.findall(edit.value)
    yield from (f"unknown placeholder {{{name}}}" for name in names if not IN_EDITS.fullmatch(name))
    if edit.setting == "security" and not _MODE.fullmatch(edit.value):
        yield f"value: expected security:MODE, not {edit.value!r}"
    if edit.setting == "port" and not _PORT.fullmatch(edit.value) and edit.value != "{preset.port}":
        yield f"value: expected port:tls, port:starttls or {{preset.port}}, not {edit.value!r}"
    if edit.setting == "password" and edit.value != "{preset.password}":
        yield "value: for a password only the placeholder {preset.password}"
    if not edit.value:
        yield "value: empty"


def _problems_of_pattern(where: str, pattern: str) -> Iterator[str]:
    if _NOT_RE2.search(pattern):
        yield f"{where}: not an RE2 pattern: {pattern!r}"
    try:
        parsed(pattern)
    except re.error as error:
        yield f"{where}: {error}: {pattern!r}"


def _problems_of_rule(rule: Rule) -> Iterator[str]:
    if _score(rule) == rule.weight:
        yield "no condition"
    if rule.score or rule.atoms or rule.entry:
        yield "score, atoms and entry are computed"
    for pattern in rule.text:
        yield from _problems_of_pattern("text", pattern)


def _problems_of_preset(preset: Preset, replies: tuple[Reply, ...], ids: frozenset[str]) -> Iterator[str]:
    if not preset.endpoint:
        yield "endpoint: one or more is needed"
    if preset.password.pattern:
        yield from _problems_of_pattern("password.pattern", preset.password.pattern)
    for refused in (*preset.username.refused, *preset.password.refused):
        yield from _problems_of_pattern("refused.pattern", refused.pattern)
    yield from _problems_of_hosts(preset)
    if preset.username.form in {"literal", "regex"} and not preset.username.value:
        yield f"username.value: a {preset.username.form} needs it"
    elif preset.username.form == "regex":
        yield from _problems_of_pattern("username.value", preset.username.value or "")
    if preset.username.pattern:
        if preset.username.form != "literal":
            yield "username.pattern: stands beside the word of a literal form alone"
        yield from _problems_of_pattern("username.pattern", preset.username.pattern)
    if preset.password.kind != "none" and not preset.password.example.startswith("your-"):
        yield "password.example must begin with 'your-', so that lint knows it for a placeholder"
    for reply in replies:
        for diagnosis in (reply.diagnosis, *([reply.alt.diagnosis] if reply.alt else [])):
            if diagnosis not in ids:
                yield f"reply {reply.text!r}: no diagnosis {diagnosis!r}"
        if not reply.text and reply.code is None:
            yield "reply: neither text nor code"


def _problems_of_hosts(preset: Preset) -> Iterator[str]:
    hosts = {preset.host, *preset.hosts}
    yield from (f"hosts: {one!r} has more than one *" for one in sorted(hosts) if one.count("*") > 1)
    named: dict[str, Iterable[str | None]] = {
        "endpoint.host": (one.host for one in preset.endpoint),
        "no_login": preset.no_login,
        "domain_hosts": preset.domain_hosts.values(),
    }
    for key, names in named.items():
        yield from (f"{key}: {name!r} is not among the hosts" for name in names if name and name not in hosts)
    unknown = set(preset.domain_hosts).difference(preset.mail_domains)
    yield from (f"domain_hosts: {name!r} is not among the mail domains" for name in sorted(unknown))


def _problems_of_ours(presets: Mapping[str, Preset]) -> Iterator[tuple[str, str]]:
    """Yield id and problem of what only the presets of the project have to keep to: they know of each other."""
    names = names_of(presets.values())
    for name, preset in presets.items():
        if preset.kind not in _KINDS:
            yield name, f"kind: expected one of {', '.join(_KINDS)}"
        if bool(preset.password.pattern) != bool(preset.password.shape):
            yield name, "password.shape: belongs to a pattern, and says it in words"
        if preset.ports_complete and not any(one.startswith("https://") for one in preset.sources):
            yield name, "ports_complete: which page says so? There is none among the sources"
        for host in preset.shared_hosts:
            if names.of_host(host) in {None, name}:
                yield name, f"shared_hosts: {host!r} is no host of another preset"
        for host in preset.misspelt:
            if names.of_host(host) is not None:
                yield name, f"misspelt: {host!r} is a host of {names.of_host(host)}"
        if preset.anywhere:
            continue
        claimed = [(host, names.of_host(host)) for host in (preset.host, *preset.hosts) if "*" not in host]
        claimed += [(domain, names.domains.get(domain)) for domain in preset.mail_domains]
        for one, owner in claimed:
            if owner != name:
                yield name, f"{one!r} belongs to {owner} already"


def _patterns(value: Any, key: str) -> list[str]:
    """Return the patterns of a key: a list of them, or a single one.

    One that is longer than a line is a list of its pieces.
    """
    patterns = value if isinstance(value, list) else [value]
    patterns = [
        "".join(one) if isinstance(one, list) and all(isinstance(piece, str) for piece in one) else one
        for one in patterns
    ]
    if not patterns or not all(isinstance(one, str) and one for one in patterns):
        raise msgspec.ValidationError(f"{key}: expected a pattern, or a list of patterns")
    return patterns


def _listed(rule: Any) -> Any:
    if not isinstance(rule, dict) or "text" not in rule:
        return rule
    return {**rule, "text": _patterns(rule["text"], "text")}


def _joined(table: Any, *keys: str) -> Any:
    """Return a table with one pattern where the file has a list of patterns, of which any may match."""
    if not isinstance(table, dict):
        return table
    return {**table, **{key: "|".join(_patterns(table[key], key)) for key in keys if key in table}}


def _any_of(table: Any, *keys: str) -> Any:
    """Return a table with the literals of each pattern, too, where the file has a list of them."""
    if not isinstance(table, dict):
        return table
    lists = {key: _patterns(table[key], key) for key in keys if key in table}
    return {**table, **{key: msgspec.to_builtins(_with_atoms(some)) for key, some in lists.items()}}


def _with_atoms(patterns: list[str]) -> Patterns:
    try:
        return patterns_of(patterns)
    except re.error:
        return Patterns("|".join(patterns), ())  # told by _problems_of_pattern


_HINTS: Final = tuple(field.name for field in msgspec.structs.fields(Hints) if field.type is Patterns)


def _hints(path: Path, ids: frozenset[str], problems: list[str]) -> Hints | None:
    try:
        data = _toml(path)
        data = {
            **_any_of(data, *_HINTS),
            "seen": _any_of(data.get("seen"), *data.get("seen", ())),
            "stage": [_any_of(one, "text") for one in data.get("stage", [])],
            "code": [_joined(one, "text") for one in data.get("code", [])],
        }
        hints = _convert(data, Hints)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        problems.append(f"{path}: {error}")
        return None
    patterns = [(name, getattr(hints, name).whole) for name in _HINTS]
    patterns += [(f"seen.{name}", some.whole) for name, some in hints.seen.items()]
    patterns += [(one.stage, one.text.whole) for one in hints.stage]
    patterns += [(str(one.code), one.text) for one in hints.code]
    for name, pattern in patterns:
        problems += [f"{path}: {problem}" for problem in _problems_of_pattern(name, pattern)]
    for names in hints.bare_code.values():
        problems += [f"{path}: bare_code: no diagnosis {name!r}" for name in names if name not in ids]
    codes = (msgspec.structs.replace(one, atoms=_atoms(one.text)) for one in hints.code)
    return msgspec.structs.replace(hints, code=tuple(codes))


def _spellings(path: Path, problems: list[str]) -> Spellings | None:
    try:
        spellings = _convert(_toml(path), Spellings)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        problems.append(f"{path}: {error}")
        return None
    near = [word for words in spellings.near.values() for word in words]
    problems += [f"{path}: near: {word!r} stands there twice" for word in near if near.count(word) > 1]
    foreign = [(one.app, name) for one in spellings.foreign for name in one.names]
    problems += [
        f"{path}: {place}: {name!r} is no name in capitals"
        for place, name in [*(("near", word) for word in near), *foreign]
        if not re.fullmatch(r"[A-Z0-9_]+\*?", name) or (place == "near" and name.endswith("*"))
    ]
    return spellings


def _questions(path: Path, ids: frozenset[str], problems: list[str]) -> tuple[Question, ...]:
    """Return what people ask, each question by its words as they are compared."""
    try:
        questions = msgspec.convert(_toml(path)["question"], tuple[Question, ...], strict=True)
    except (OSError, ValueError, KeyError, msgspec.ValidationError) as error:
        problems.append(f"{path}: {error}")
        return ()
    known: set[str] = set()
    for question in questions:
        problems += [f"{path}: no diagnosis {name!r}" for name in question.answers if name not in ids]
        if not question.answers and not question.text:
            problems.append(f"{path}: {question.words[:1]}: there is no answer")
        if bool(question.title) != bool(question.text):
            problems.append(f"{path}: {question.words[:1]}: a title belongs to a text")
        words = {bare_words(word) for word in question.words}
        problems += [f"{path}: {word!r} is asked twice" for word in words & known]
        known |= words
    return tuple(
        msgspec.structs.replace(one, words=tuple(dict.fromkeys(map(bare_words, one.words))))
        for one in questions
    )


def _secrets(path: Path, problems: list[str]) -> Secrets | None:
    try:
        secrets = _convert(_toml(path), Secrets)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        problems.append(f"{path}: {error}")
        return None
    problems += [f"{path}: {name}: is computed" for name in ("known", "familiar") if getattr(secrets, name)]
    return secrets


def _scores(package: Path, problems: list[str]) -> Scores | None:
    """Read what was fitted, and the concepts that it is about."""
    path, fitted = package / "concepts.toml", package / "scores.json"
    concepts: dict[str, tuple[str, ...]] | None = None
    scores: Scores | None = None
    try:
        concepts = msgspec.convert(_toml(path)["concept"], dict[str, tuple[str, ...]], strict=True)
    except (OSError, ValueError, KeyError, msgspec.ValidationError) as error:
        problems.append(f"{path}: {error}")
    try:
        scores = msgspec.json.decode(fitted.read_bytes(), type=Scores)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        problems.append(f"{fitted}: {error}")
    if concepts is None or scores is None:
        return None
    for name, literals in concepts.items():
        problems += [
            f"{path}: {name}: {one!r} can never occur"
            for one in literals
            if one != _PLAIN.sub(" ", one.lower()) or not one.strip()
        ]
    return msgspec.structs.replace(scores, concepts=concepts)


def _with_keys_and_words(
    secrets: Secrets,
    entries: Mapping[str, Entry],
    presets: Mapping[str, Preset],
    replies: Mapping[str, tuple[Reply, ...]],
    words: tuple[Word, ...],
    applications: Iterable[str],
) -> Secrets:
    """Add what the other files say: how a provider's keys begin, the words of replies and errors, and who is known."""
    prefixes = (key_prefix(one.password.pattern or "") for one in presets.values())
    keys = {prefix: KEY_LENGTH for prefix in prefixes if prefix}
    cases: list[Example | NearMiss] = []
    for one in entries.values():
        cases += [*one.example, *one.near_miss]
    texts = [case.text or (case.evidence.text if case.evidence else "") for case in cases]
    texts += [reply.text for several in replies.values() for reply in several]
    patterns = [text for one in entries.values() for rule in one.match for text in rule.text]
    patterns += [text for word in words for text in word.text]
    said = [*texts, *applications]
    said += [text for one in presets.values() for text in (one.name.en, one.name.ko)]
    for one in entries.values():
        said += [one.title.en, one.title.ko, one.meaning.en, one.meaning.ko, one.sure.en, one.sure.ko]
        said += [text for advice in one.fix for text in (advice.en, advice.ko)]
    return msgspec.structs.replace(
        secrets,
        keys={**keys, **secrets.keys},
        known=tuple(vocabulary(texts, patterns)),
        familiar=tuple(familiar(said, patterns)),
    )


def _convert(data: Mapping[str, Any], kind: type[S]) -> S:
    return msgspec.convert(data, kind, strict=True)


def parse_preset(name: str, data: dict[str, Any]) -> tuple[Preset, tuple[Reply, ...]]:
    """Turn the decoded TOML of one preset into values."""
    try:
        replies = msgspec.convert(data.pop("reply", []), tuple[Reply, ...], strict=True)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(f"reply: {error}") from error
    data["id"] = name
    preset = _convert(data, Preset)
    raw = msgspec.Raw(msgspec.json.encode(replies))
    return msgspec.structs.replace(preset, reply=raw), replies


def read_preset(path: Path, data: bytes, ids: frozenset[str]) -> Preset:
    """Read one preset of the user's own strictly, from what stands in its file; raises KnowledgeError.

    Others' files are not to be trusted as ours are: their patterns have to be such that RE2 takes them,
    and what takes the reader of TOML the square of its length, or too deep, is refused.
    """
    try:
        text = data.decode("utf-8-sig")
        if _TOO_DEEP.search(text):
            raise KnowledgeError([f"{path}: a name of more than {_MOST_DOTS} parts"])
        preset, replies = parse_preset(path.stem, tomllib.loads(text))
        problems = [f"{path}: {problem}" for problem in _problems_of_preset(preset, replies, ids)]
        # What Python has something against already need not be told twice.
        problems = problems or [f"{path}: {problem}" for problem in _refused_by_re2(preset)]
    except RecursionError:
        raise KnowledgeError([f"{path}: nested too deep"]) from None
    except (ValueError, msgspec.ValidationError) as error:
        raise KnowledgeError([f"{path}: {error}"]) from error
    if problems:
        raise KnowledgeError(problems)
    return preset


def _refused_by_re2(preset: Preset) -> Iterator[str]:
    named = [("password.pattern", preset.password.pattern)]
    if preset.username.form == "regex":
        named.append(("username.value", preset.username.value))
    kinds = (*preset.username.refused, *preset.password.refused)
    named += [("refused.pattern", one.pattern) for one in kinds]
    for key, pattern in named:
        if not pattern:
            continue
        if len(pattern) > _LONGEST_PATTERN:
            yield f"{key}: more than {_LONGEST_PATTERN} characters"
            continue
        from smtpdoctor.knowledge.patterns import refused

        if reason := refused(pattern):
            yield f"{key}: {reason}: {pattern!r}"


def _stems(folder: Path) -> frozenset[str]:
    return frozenset(path.stem for path in folder.glob("*.toml"))


def _read_all(folder: Path, problems: list[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(folder.glob("*.toml")):
        try:
            yield path, _toml(path)
        except (OSError, ValueError) as error:
            problems.append(f"{path}: {error}")


def _dialects(folder: Path, problems: list[str]) -> dict[str, Dialect]:
    found: dict[str, Dialect] = {}
    for path, data in _read_all(folder, problems):
        try:
            found[path.stem] = _convert({**data, "id": path.stem}, Dialect)
        except msgspec.ValidationError as error:
            problems.append(f"{path}: {error}")
            continue
        problems += [f"{path}: {problem}" for problem in problems_of(found[path.stem])]
    return _with_words(found, folder, problems)


def read(package: Path, presets: Path) -> Knowledge:
    """Read all files below the package folder and the presets folder.

    Raises KnowledgeError, which lists every problem of every file.
    """
    problems: list[str] = []
    entries: dict[str, Entry] = {}
    ids = _stems(package / "catalogue")
    known_names = _Known(ids, _stems(presets) | {"unknown"}, _stems(package / "apps"))
    for path, data in _read_all(package / "catalogue", problems):
        try:
            rules = [_listed(rule) for rule in data.pop("match", [])]
            entry = _convert({**data, "match": rules, "id": path.stem}, Entry)
        except msgspec.ValidationError as error:
            problems.append(f"{path}: {error}")
            continue
        problems += [f"{path}: {problem}" for problem in _problems_of_entry(entry, known_names)]
        computed = tuple(
            msgspec.structs.replace(
                rule, score=_score(rule), atoms=tuple(map(_atoms, rule.text)), entry=path.stem
            )
            for rule in entry.match
        )
        entries[path.stem] = msgspec.structs.replace(entry, match=computed)
    known: dict[str, Preset] = {}
    replies: dict[str, tuple[Reply, ...]] = {}
    for path, data in _read_all(presets, problems):
        try:
            known[path.stem], replies[path.stem] = parse_preset(path.stem, data)
        except msgspec.ValidationError as error:
            problems.append(f"{path}: {error}")
            continue
        found = _problems_of_preset(known[path.stem], replies[path.stem], ids)
        problems += [f"{path}: {problem}" for problem in found]
    problems += [f"{presets / name}.toml: {problem}" for name, problem in _problems_of_ours(known)]
    apps: dict[str, App] = {}
    for path, data in _read_all(package / "apps", problems):
        try:
            app = apps[path.stem] = _convert({**data, "id": path.stem}, App)
        except msgspec.ValidationError as error:
            problems.append(f"{path}: {error}")
            continue
        read_names = {*app.flags, *(name for names in app.variables.values() for name in names)}
        problems += [
            f"{path}: about: {name!r} is no variable" for name in app.about if name not in read_names
        ]
    dialects = _dialects(package / "dialects", problems)
    words: tuple[Word, ...] = ()
    try:
        listed = [_listed(word) for word in _toml(package / "words.toml")["word"]]
        words = msgspec.convert(listed, tuple[Word, ...], strict=True)
    except (OSError, ValueError, KeyError, msgspec.ValidationError) as error:
        problems.append(f"{package / 'words.toml'}: {error}")
    problems += [
        f"{package / 'words.toml'}: {problem}"
        for word in words
        for pattern in word.text
        for problem in _problems_of_pattern(word.token, pattern)
    ]
    hints = _hints(package / "hints.toml", ids, problems)
    spellings = _spellings(package / "spellings.toml", problems)
    secrets = _secrets(package / "secrets.toml", problems)
    scores = _scores(package, problems)
    questions = _questions(package / "questions.toml", ids, problems)
    if problems or hints is None or spellings is None or secrets is None or scores is None:
        raise KnowledgeError(problems)
    secrets = _with_keys_and_words(secrets, entries, known, replies, words, dialects)
    foreign = (*spellings.foreign, *_foreign(dialects, apps))
    spellings = msgspec.structs.replace(spellings, foreign=foreign)
    return Knowledge(
        entries, known, replies, apps, dialects, words, hints, spellings, secrets, scores, questions
    )


def _foreign(dialects: Mapping[str, Dialect], apps: Mapping[str, App]) -> Iterator[Foreign]:
    """Yield the variables of mail by which each application is known.

    Not those that begin as ours do: with another application's name of that kind somebody means ours.
    """
    ours = (name for app in apps.values() for several in app.variables.values() for name in several)
    heads = tuple({name.partition("_")[0] + "_" for name in ours})
    for dialect in dialects.values():
        if dialect.binding != "spring" and not {"environment", "dotenv"}.intersection(dialect.syntaxes):
            continue
        keys = (name for key in dialect.keys.values() for name in (*key.names, *key.elsewhere))
        flags = (name for flag, one in dialect.flags.items() for name in one.names or (flag,))
        tables = (dialect.explode, dialect.switch, dialect.overriding)  # what does nothing is of anybody
        more = (name for table in tables for one in table for name in one.names)
        written = {
            name.partition("@")[0]
            for name in (*keys, *flags, *more, *dialect.known, *dialect.detect.names, *dialect.check.names)
        }
        # Where points count as underscores the environment has them all in capitals.
        if dialect.binding in {"spring", "nested"}:
            written = {name.replace(".", "_").replace("-", "").upper() for name in written}
        names = {canonical(name) for name in written if name.partition("_")[0].isupper() or name[:1] == "_"}
        names |= {f"{canonical(one)}*" for one in dialect.prefixes}
        families = tuple(name[:-1] for name in names if name.endswith("*"))
        kept = {
            name
            for name in names
            if re.fullmatch(r"[A-Z0-9_]+\*?", name)
            and _OF_MAIL.search(name)
            and not name.startswith(heads)
            and (name.endswith("*") or not name.startswith(families))
        }
        if kept:
            label = re.sub(r"\s*\(.*\)", "", dialect.name.en)
            yield Foreign(app=label, names=tuple(sorted(kept)), library=dialect.behaviour.library)


def _with_words(dialects: dict[str, Dialect], folder: Path, problems: list[str]) -> dict[str, Dialect]:
    """Give each dialect the words of providers that stand in another one."""
    found = {}
    for app, dialect in dialects.items():
        explode = []
        for one in dialect.explode:
            words = one.words
            if one.of:
                other = dialects.get(one.of)
                words = next((each.words for each in other.explode if each.words), {}) if other else {}
                if not words:
                    problems.append(f"{folder / app}.toml: {one.of!r} has no words of providers")
            explode.append(msgspec.structs.replace(one, words=words))
        changed = msgspec.structs.replace(dialect, explode=tuple(explode)) if explode else dialect
        if library := dialect.behaviour.library:
            if library not in dialects or library == app:
                problems.append(f"{folder / app}.toml: behaviour: {library!r} is no library")
                continue
            changed = msgspec.structs.replace(changed, behaviour=_through(changed, dialects[library]))
        found[app] = changed
    return found


def _through(dialect: Dialect, library: Dialect) -> Behaviour:
    """Return what an application does, with what it leaves to the library that sends its mail."""
    own, other = dialect.behaviour, library.behaviour
    return msgspec.structs.replace(
        own,
        mechanisms=own.mechanisms or other.mechanisms,
        as_listed=own.as_listed if own.mechanisms else other.as_listed,
        tries_all=own.tries_all if own.mechanisms else other.tries_all,
        timeout=other.timeout if own.timeout is None else own.timeout,
        ehlo=own.ehlo or other.ehlo,
        names_itself=own.names_itself or other.names_itself,
    )


def index_bytes(knowledge: Knowledge) -> dict[str, bytes]:
    """Return the files of the index: name → JSON. Examples stay behind: a run has no use for them.

    The rules stand apart, the most special first: a diagnosis looks at them until one fits, and then
    at the one entry that it leads to.
    """
    entries = {
        name: msgspec.structs.replace(entry, match=(), example=(), near_miss=())
        for name, entry in knowledge.entries.items()
    }
    rules = [rule for entry in knowledge.entries.values() for rule in entry.match]
    rules.sort(key=lambda rule: (-rule.score, rule.entry))
    return {
        "catalogue.json": msgspec.json.encode(entries),
        "rules.json": msgspec.json.encode(rules),
        "presets.json": msgspec.json.encode(knowledge.presets),
        "names.json": msgspec.json.encode(names_of(knowledge.presets.values())),
        "apps.json": msgspec.json.encode(knowledge.apps),
        "dialects.json": msgspec.json.encode(knowledge.dialects),
        "dialect-names.json": msgspec.json.encode(names_of_dialects(knowledge.dialects)),
        "words.json": msgspec.json.encode(
            [WordPattern(word.token, text, _atoms(text)) for word in knowledge.words for text in word.text]
        ),
        "hints.json": msgspec.json.encode(knowledge.hints),
        "spellings.json": msgspec.json.encode(knowledge.spellings),
        "secrets.json": msgspec.json.encode(knowledge.secrets),
        "scores.json": msgspec.json.encode(knowledge.scores),
        "keys.json": msgspec.json.encode(knowledge.secrets.keys),
        "questions.json": msgspec.json.encode(
            {word: question for question in knowledge.questions for word in question.words}
        ),
    }
