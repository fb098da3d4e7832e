"""What holds for every application's dialect: its table says the same in both directions, and what does nothing does."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from io import StringIO
from itertools import product
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from smtpdoctor.formats.document import Assignment, Kind, Scope
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import Dialect, Explode, Url, problems_of, shown
from smtpdoctor.knowledge.table import inert, names_of, seen_by_modes, write
from smtpdoctor.report.app_sheets import app_object, print_app
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.identify import identify
from smtpdoctor.settings.reading import Oddity, Reading
from smtpdoctor.settings.smtp_url import SmtpUrlError, joined, parts_of
from smtpdoctor.terms import Lang, Security, SettingName
from tests.each import each
from tests.examples import examples, some_of
from tests.spelled import assignment, concrete, spelled, usable
from tests.test_catalogue import NO_WORD

PORTS: Final = (None, 25, 465, 587)
HOST: Final = "smtp.example.com"
APPS: Final = load.dialect_ids()
FIRST: Final = "0"
LAST: Final = "9999"


def dialect_of(app: str) -> Dialect:
    found = load.dialect(app)
    assert found is not None
    return found


def versions_of(dialect: Dialect) -> list[str]:
    """Return a version of each range that the table tells apart."""
    edges = {edge for row in dialect.mode for edge in (row.since, row.until) if edge}
    return [FIRST, *sorted(edges), LAST] if edges else [""]


def told(dialect: Dialect, words: dict[str, str], port: int | None, version: str = "") -> Reading:
    settings: dict[SettingName, str] = {"host": HOST, "username": "user", "password": "secret"}
    if port is not None:
        settings["port"] = str(port)
    return read(dialect, spelled(dialect, settings, words), version=version)


@each("app", APPS)
def test_what_is_written_for_a_mode_is_read_as_that_mode(app: str) -> None:
    dialect = dialect_of(app)
    said = set()
    for version, mode, port in product(versions_of(dialect), Security, PORTS):
        words = write(dialect, mode, port, version=version)
        if words is None:
            continue
        said.add(mode)
        reading = told(dialect, words, port, version)
        assert reading.security is mode, (version, port, words, reading.oddities)
    assert said, "it can say nothing"


@each("app", APPS)
def test_every_mode_of_a_table_can_be_written(app: str) -> None:
    dialect = dialect_of(app)
    rows = {row.security for row in dialect.mode if row.security is not None}
    written = {
        mode
        for version, mode, port in product(versions_of(dialect), Security, PORTS)
        if write(dialect, mode, port, version=version) is not None
    }
    assert written <= rows
    # Some things can be said only without a login, or to a server of one's own.
    assert written == rows or any({"username", "host"} & row.when.keys() for row in dialect.mode)


def words_of(dialect: Dialect) -> Iterator[dict[str, str]]:
    """Yield words for the flags of a table: none, and each of each."""
    yield {}
    for name, flag in dialect.flags.items():
        if name not in seen_by_modes(dialect) or not any(
            map(partial(usable, dialect), flag.names or (name,))
        ):
            continue
        for words in flag.states.values():
            for word in words[:1]:
                if word and word[0] != "=" and "*" not in word:
                    yield {name: word}


@each("app", APPS)
def test_what_does_nothing_changes_nothing(app: str) -> None:
    dialect = dialect_of(app)
    always = [idle for idle in dialect.idle if not (idle.when or idle.since or idle.until)]
    names = {name: idle for idle in always for name in idle.names if "@" not in name and "*" not in name}
    before = told(dialect, {}, 587)
    for name, idle in names.items():
        for word in ("true", "false", "tls", "ssl"):
            scope = Scope(assignments=(*before.scope.assignments, assignment(name, word)))
            after = read(dialect, scope)
            assert (after.answers, after.verifies) == (before.answers, before.verifies), name
            kinds = {odd.kind for odd in after.oddities if odd.name == name}
            assert kinds & {"inert", "unread", "opposite"} or not re.fullmatch(idle.value or ".*", word), name


@each("app", APPS)
def test_a_flag_that_is_inert_may_have_any_word(app: str) -> None:
    dialect = dialect_of(app)
    version = versions_of(dialect)[-1]
    for words in words_of(dialect):
        for name in inert(dialect, words, 587, version=version):
            for other in words_of(dialect):
                if name in other:
                    changed = told(dialect, {**words, **other}, 587, version)
                    assert changed.security is told(dialect, words, 587, version).security


@each("app", APPS)
def test_what_is_not_known_is_never_taken_for_something(app: str) -> None:
    dialect = dialect_of(app)
    for words, port in some_of(list(product(words_of(dialect), (465, 587))), 3, APPS.index(app)):
        known = told(dialect, words, port)
        assignments = known.scope.assignments
        if read(dialect, known.scope).oddities != known.oddities:
            continue
        for number, one in enumerate(assignments):
            if one.kind == "call":
                continue
            hidden = msgspec.structs.replace(one, value=None, kind="unknown", source="SECRET")
            scope = Scope(assignments=(*assignments[:number], hidden, *assignments[number + 1 :]))
            reading = read(dialect, scope)
            assert reading.security in {None, known.security}
            if any(used.at is one for used in known.used.values()):
                assert any(used.unknown for used in reading.used.values())
            assert not any(odd.kind == "missing" for odd in reading.oddities) or any(
                odd.kind == "missing" for odd in known.oddities
            )


@each("app", APPS)
def test_each_name_of_an_application_is_known_as_its_own(app: str) -> None:
    dialect = dialect_of(app)
    names = load.dialect_names()
    for name in names_of(dialect):
        plain = name.partition("@")[0]
        if "[" not in plain:
            assert app in names.readers(plain.replace("*", "x") if plain.count("*") == 1 else plain), name


@each("app", APPS)
def test_every_text_is_there_in_korean(app: str) -> None:
    dialect = dialect_of(app)
    texts = [trap.text for trap in dialect.trap]
    several = (dialect.switch, dialect.idle, dialect.mode, dialect.overriding)
    texts += [one.text for rows in several for one in rows if one.text is not None]
    for text in texts:
        assert re.search("[가-힣]", text.ko), text
        assert not re.search("[가-힣]", text.en), text
        assert text.en.endswith("."), text
        assert text.ko.endswith("."), text
        assert not NO_WORD.search(text.en), text


def test_the_services_of_one_dialect_are_those_of_another() -> None:
    ours = next(one.words for one in dialect_of("nodemailer").explode if one.words)
    theirs = next(one.words for one in dialect_of("strapi").explode if one.words)
    assert ours == theirs
    assert all(set(parts) <= {"host", "port", "secure", "requireTLS", "ignoreTLS"} for parts in ours.values())


@each("app", APPS)
def test_an_application_is_never_taken_for_another(app: str) -> None:
    """With names of its own it is known, and without it is at least among those that it may be."""
    dialect = dialect_of(app)
    mode = next(words for mode in Security if (words := write(dialect, mode, 587)) is not None)
    settings: dict[SettingName, str] = {"host": HOST, "port": "587", "username": "u", "password": "p"}
    scope = spelled(dialect, settings, mode)
    found = identify(scope, "file", load.dialect_names(), syntax=dialect.syntaxes[0])
    assert app in (found.app, *found.candidates) or found.reason == "nothing"
    own = [name for name in dialect.detect.names if name in exact_names(dialect)]
    if own:
        more = (*scope.assignments, *(assignment(name, "x") for name in own))
        known = identify(Scope(assignments=more), "file", load.dialect_names(), syntax=dialect.syntaxes[0])
        assert app in (known.app, *known.candidates)


def exact_names(dialect: Dialect) -> set[str]:
    return {name for name in names_of(dialect) if "*" not in name and "@" not in name}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_application_can_be_shown(lang: Lang) -> None:
    for app in APPS:
        out = StringIO()
        print_app(Console(file=out, width=80), dialect_of(app), lang)
        assert dialect_of(app).name.in_(lang) in out.getvalue()
        assert app_object(dialect_of(app), lang)["id"] == app


def test_a_long_file_costs_no_more_for_the_many_patterns_of_a_dialect() -> None:
    """A name is looked up by its last part: of the patterns that it does not fit few are tried."""
    patterns = load.dialect_names().patterns
    most = max(len(several) for tail, several in patterns.items() if tail) + len(patterns.get("", {}))
    assert most < sum(map(len, patterns.values())) / 3


# The codecs

SIGNS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
HOSTS = st.from_regex(r"[a-z][a-z0-9.-]{0,20}|[0-9a-f:]{2,4}:[0-9a-f:]{1,4}", fullmatch=True)
NUMBERS = st.integers(1, 65_535).map(str)


@settings(max_examples=examples(25))
@given(user=SIGNS.filter(bool), password=st.none() | SIGNS, host=HOSTS, port=st.none() | NUMBERS, query=SIGNS)
def test_a_url_is_taken_apart_as_it_was_put_together(
    user: str, password: str | None, host: str, port: str | None, query: str
) -> None:
    how = Explode(names=("URL",), codec="url", url=Url(schemes=("smtp", "smtps")))
    parts = {"scheme": "smtps", "host": host, "user": user, "query.x": query}
    if password is not None:
        parts["password"] = password
    if port is not None:
        parts["port"] = port
    assert parts_of(joined(parts, how), how) == parts


@settings(max_examples=examples(25))
@given(host=HOSTS, port=st.none() | NUMBERS, scheme=st.sampled_from(["", "tls", "ssl"]))
def test_hosts_are_taken_apart_as_they_were_put_together(host: str, port: str | None, scheme: str) -> None:
    how = Explode(names=("HOST",), codec="hosts")
    parts = {"host": host}
    if port is not None:
        parts["port"] = port
    if scheme:
        parts["scheme"] = scheme
    text = joined(parts, how)
    assert parts_of(text, how) == parts
    assert parts_of(f"{text};tls://other.example.com:587", how) == parts


@settings(max_examples=examples(25))
@given(st.text(max_size=60))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    for codec in ("host:port", "hosts", "login", "service", "url"):
        how = Explode(names=("X",), codec=codec, url=Url(schemes=("smtp",), lists=("failover",)))
        with suppress(SmtpUrlError):
            assert all(isinstance(part, str) for part in parts_of(text, how).values())


WORDS = st.sampled_from(["true", "false", "True", "", "tls", "ssl", "TLS", "none", "null", "*", "()", "465"])
KINDS: st.SearchStrategy[Kind] = st.sampled_from(
    ["word", "string", "boolean", "number", "null", "call", "unknown"]
)


@settings(max_examples=examples(30))
@given(st.data())
def test_any_words_are_read(data: st.DataObject) -> None:
    dialect = dialect_of(data.draw(st.sampled_from(APPS)))
    names = sorted({name.partition("@")[0].replace("*", "x") for name in names_of(dialect)})
    chosen = data.draw(st.lists(st.sampled_from(names), max_size=8, unique=True))
    assignments = [
        assignment(name, data.draw(st.none() | WORDS), data.draw(KINDS), data.draw(WORDS)) for name in chosen
    ]
    reading = read(dialect, Scope(assignments=tuple(assignments)))
    for odd in reading.oddities:
        assert odd.name or odd.at is None or odd.kind in {"no-check", "no-name-check", "never-checks"}


# What may be wrong in a TOML

GOOD: Final = """
name = { en = "App", ko = "앱" }
proof = "source"
sources = ["app/app mail.py"]
keys.host = { names = ["HOST"] }
keys.port = { names = ["URL@port"] }
explode = [{ names = ["URL"], codec = "url", url = { schemes = ["smtp"] } }]
flags.TLS = { states = { true = ["true"], false = ["false", "", "*"] } }
flags.SSL = { default = "true", states = { true = ["true"], false = ["false"] } }
mode = [
  { security = "tls", when = { SSL = "true", port = [465, "absent"], host = ["loopback"] } },
  { security = "starttls", when = { TLS = "true", username = "set" }, since = "1.2", until = "2" },
  { refuses = "start", when = { TLS = "true" } },
  { security = "none" },
]
idle = [{ names = ["OLD"], instead = "TLS" }]
check = { names = ["VERIFY"], off = ["false"] }
"""
MISTAKES: Final = {
    "a flag of a row": ('when = { TLS = "true" }', 'when = { TSL = "true" }', "'TSL' is no flag"),
    "a state of a row": ('when = { TLS = "true" }', 'when = { TLS = "on" }', "no state 'on'"),
    "a port that is a text": ('port = [465, "absent"]', 'port = ["465"]', "port: '465'"),
    "a word of a user": ('username = "set"', 'username = "given"', "not set or absent"),
    "a host in capitals": ('host = ["loopback"]', 'host = ["Loopback"]', "host: 'Loopback'"),
    "a row without a mode": ('{ refuses = "start", when', "{ when", "either a security"),
    "a mode that is unclear": ('refuses = "start"', 'refuses = "start", unclear = true', "either a security"),
    "a last row with conditions": (
        '{ security = "none" }',
        '{ security = "none", since = "3" }',
        "last mode",
    ),
    "a row that is never reached": (
        '{ security = "none" }',
        '{ security = "none" }, { security = "tls", when = { SSL = "true" } }, { security = "none" }',
        "never reached",
    ),
    "a word with two states": ('["false", "", "*"]', '["TRUE", "", "*"]', "two states"),
    "a special word": ('["false", "", "*"]', '["=none", "*"]', "no special word"),
    "a default without a state": ('default = "true"', 'default = "yes"', "has no state"),
    "a default and a word for it": (
        'false = ["false"] }',
        'false = ["false", "=absent"] }',
        "what is absent",
    ),
    "a flag without use": ("idle =", 'flags.X.states = { true = ["1"] }\nidle =', "nothing depends"),
    "a bound that is a word": ('since = "1.2"', 'since = "old"', "no version"),
    "bounds without a range": ('until = "2"', 'until = "1.2"', "no version lies"),
    "a name for two": ('"URL@port"]', '"HOST"]', "'HOST' is keys"),
    "a name that does nothing, and does": ('"OLD"', '"HOST"', "as well"),
    "a name with a blank": ('"HOST"', '"HOST "', "the name"),
    "a part of what is whole": ('names = ["URL"]', 'names = ["DSN"]', "not taken apart"),
    "a URL without schemes": (', url = { schemes = ["smtp"] }', "", "belong together"),
    "a service without words": ('codec = "url", url', 'codec = "service", url', "belong together"),
    "a check without a word": (', off = ["false"]', "", "without a word"),
    "a login without a word": (
        "check =",
        'behaviour = { login_names = ["LOGIN"] }\ncheck =',
        "belong together",
    ),
    "no source": ('["app/app mail.py"]', "[]", "no source"),
    "decided by nobody": (
        'refuses = "start",',
        'refuses = "start", decided_by = "X",',
        "no flag and no name",
    ),
}


def dialect_from(text: str) -> Dialect:
    data: dict[str, Any] = tomllib.loads(text)
    return msgspec.convert({**data, "id": "app"}, Dialect, strict=True)


def test_the_example_has_no_mistake() -> None:
    assert list(problems_of(dialect_from(GOOD))) == []


@each("mistake", MISTAKES)
def test_a_mistake_is_told(mistake: str) -> None:
    old, new, expected = MISTAKES[mistake]
    assert old in GOOD
    problems = list(problems_of(dialect_from(GOOD.replace(old, new, 1))))
    assert any(expected in problem for problem in problems), problems


# Parts of one value: a server that its port belongs to.
SERVERS_WITH_PORT: Final = [
    (app, name)
    for app in APPS
    for one in dialect_of(app).explode
    if one.codec in {"host:port", "hosts"}
    for name in one.names
]


@each("app", APPS)
def test_a_port_that_belongs_to_another_value_is_missed_in_it(app: str) -> None:
    """Where the port is needed and only stands behind the server, the dialect says what happens without it."""
    dialect = dialect_of(app)
    port = dialect.keys.get("port")
    if port is None or port.default is not None or not all("@port" in name for name in port.names):
        return
    alone = [one for one in dialect.explode if one.codec == "host:port"]
    assert all(one.needs_port for one in alone)


@each(("app", "name"), SERVERS_WITH_PORT)
def test_a_server_without_its_port_is_told_as_such(app: str, name: str) -> None:
    """Not that nothing is set: what stands there is the server, and the rest of it is missing."""
    dialect = dialect_of(app)
    how = next(one for one in dialect.explode if name in one.names)
    key = name.replace("*", "x")
    for value, lacks in ((HOST, True), (f"{HOST}:", True), (f"{HOST}:587", False), ("", False)):
        reading = read(dialect, Scope(assignments=(assignment(key, value),)))
        found = [one for one in reading.oddities if one.kind == "no-port"]
        assert bool(found) is bool(lacks and how.needs_port)
        assert all(one.at is not None and one.at.name.startswith(key) for one in found)
        if found:
            assert found[0].ends == how.needs_port
            assert not [one for one in reading.oddities if one.kind == "missing" and one.setting == "port"]


SWITCHES: Final = [(app, number) for app in APPS for number, _ in enumerate(dialect_of(app).switch)]


@each(("app", "number"), SWITCHES)
def test_a_switch_that_leads_elsewhere_is_told(app: str, number: int) -> None:
    """Also where it is absent and stands for that; with what it says on, and where nothing of it can be known, not."""
    dialect = dialect_of(app)
    switch = dialect.switch[number]
    name = concrete(switch.names[-1].partition("@")[0])
    settings: dict[SettingName, str] = {"host": HOST, "username": "user", "password": "secret"}
    rest = [one for one in spelled(dialect, settings, {}).assignments if one.name != name]
    needs = [assignment(concrete(one), "x") for one in switch.needs[:1]]

    def off(*more: Assignment) -> list[Oddity]:
        found = read(dialect, Scope(assignments=(*rest, *more))).oddities
        names = {shown(switch.names[0]), shown(name)}
        return [one for one in found if one.kind == "off" and one.name in names]

    plain = [word for word in switch.on if word[:1] not in "!*" and word != "()"]
    if not switch.names[-1].endswith("@scheme"):
        for word in plain:
            assert not off(*needs, assignment(name, word))
        for lead, words in switch.leads.items():
            for word in words:
                said = word.replace("*", "x")
                (one,) = off(*needs, assignment(name, said))
                assert (one.facts["word"], one.facts["lead"], one.facts["absent"]) == (said, lead, "")
    if switch.needs and not any(fnmatchcase(one.name, each) for one in rest for each in switch.needs):
        assert not off()
    absent = off(*needs)
    for one in absent:
        assert one.facts["absent"]
        assert one.facts["word"].removesuffix("://") == switch.default
    if (
        not switch.names[-1].endswith("@scheme")
        and plain
        and switch.default not in plain
        and "*" not in str(switch.on)
    ):
        assert absent
