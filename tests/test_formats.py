"""ini, properties, JSON, TOML and the files of mail programs: values, places, mistakes, limits."""

from __future__ import annotations

import configparser
import json
import math
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.formats import SYNTAXES, building, ini, properties, reader_of, syntax_of
from smtpdoctor.formats.document import Assignment, Document, Source, TooLargeError, edited
from tests.each import each
from tests.examples import examples

PIECES = [
    "[s]\n", "[[t]]\n", "a", "b.c", "key", "=", " = ", ":", ": ", "\n", "\n", "\r\n", "\r", '"', "'", "`", '"""',
    "'''", "\\", "\\u00e9", "\\u", "#", " # c", ";", "!", "{", "}", "[", "]", ",", "${", "${a:b}", "%(a)s", "%",
    "true", "null", "1", "-2.5e3", "//", "/*", "*/", "account x\n", "account y : x\n", "defaults\n", "host h\n",
    "passwordeval cat\n", "set a=", "mailhub=", "#---\n", "spring.profiles=p\n", "한", "\ufeff", "\0", "\t", " ",
]  # fmt: skip
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=20).map("".join), st.text(max_size=20))
READ = [
    *(("ini", one) for one in ini.READERS),
    *(("properties", one) for one in properties.READERS),
    ("json", ""), ("toml", ""), ("msmtprc", ""), ("muttrc", ""), ("ssmtp", ""),
]  # fmt: skip


def parsed(syntax: str, text: str, reader: str = "", environment: dict[str, str] | None = None) -> Document:
    read = reader_of(syntax)
    assert read is not None
    return read(Source(path="f", text=text, reader=reader, environment=environment or {}))


def values(document: Document) -> dict[str, str | None]:
    return {name: one.value for name, one in document.scopes[0].by_name().items()}


def one_of(document: Document, name: str) -> Assignment:
    return document.scopes[0].by_name()[name]


def kinds(document: Document, name: str) -> set[str]:
    return {remark.kind for remark in one_of(document, name).remarks}


def standing(document: Document, name: str) -> str:
    region = one_of(document, name).region
    return document.texts["f"][region.start : region.end]


@settings(max_examples=examples(75), deadline=None)
@given(TEXTS, st.sampled_from(READ))
def test_any_text_is_read_without_an_exception(text: str, how: tuple[str, str]) -> None:
    """Each value stands in the line that is named; one that is not known says so, and its text is unseen."""
    document = parsed(how[0], text, how[1])
    for scope in document.scopes:
        for one in scope.assignments:
            assert 0 <= one.region.start <= one.region.end <= len(text)
            assert one.region.place.line == text.count("\n", 0, one.region.start) + 1
            assert (one.value is None) == (one.kind in {"unknown", "null"})
            assert len(repr(one)) < 100 + len(one.name) * 4


@pytest.mark.parametrize(
    ("syntax", "reader", "before", "after"),
    [
        ("ini", "grafana", "[smtp]\npassword = ", "   ; c\nuser=x\n"),
        ("ini", "odoo", "[options]\nsmtp_password = ", "\nuser=x\n"),
        ("properties", "java", "a=1\nspring.mail.password = ", "\nb=2\n"),
        ("json", "", '{"a": {"password": ', ' , "b": [1, null] } } // c\n'),
        ("toml", "", "[a]\npassword = ", " # c\n[b]\nx=1\n"),
        ("msmtprc", "", "account a\npassword ", "\nhost h\n"),
        ("muttrc", "", "set smtp_pass = ", " # c\nset x=1\n"),
        ("ssmtp", "", "AuthPass=", "\nroot=x\n"),
    ],
)
@settings(max_examples=examples(15), deadline=None)
@given(old=st.text("abz019_", min_size=1, max_size=9), new=st.text("abz019_", min_size=1, max_size=9))
def test_a_region_is_the_value_and_nothing_else(
    syntax: str, reader: str, before: str, after: str, old: str, new: str
) -> None:
    mark = '"' if syntax in {"json", "toml"} else ""
    text = f"{before}{mark}{old}{mark}{after}"
    document = parsed(syntax, text, reader)
    one = next(one for one in document.scopes[0].assignments if "assword" in one.name or "ass" in one.name)
    assert (one.region.start, one.region.end) == (len(before), len(text) - len(after))
    changed = edited(text, [(one.region, f"{mark}{new}{mark}")])
    assert changed == f"{before}{mark}{new}{mark}{after}"
    again = values(parsed(syntax, changed, reader))
    assert again == {**values(document), one.name: new}


# --- ini


def test_go_ini_cuts_at_a_comment_sign_also_in_quotes() -> None:
    """Only three quotes and back quotes protect it (go-ini, ``readValue``)."""
    document = parsed(
        "ini",
        '[smtp]\na = x#y\nb = "x#y"\nc = """x#y"""\nd = `x;y`\ne = x ; c\nf = "q"\ng="""m\nn"""\nh=x\\\n y\n',
        "grafana",
    )
    assert values(document) == {
        "smtp.a": "x", "smtp.b": '"x', "smtp.c": "x#y", "smtp.d": "x;y", "smtp.e": "x", "smtp.f": "q",
        "smtp.g": "m\nn", "smtp.h": "xy",
    }  # fmt: skip
    assert kinds(document, "smtp.a") == kinds(document, "smtp.b") == {"value-cut"}
    assert standing(document, "smtp.b") == '"x#y"'
    assert standing(document, "smtp.a") == "x#y"
    assert kinds(document, "smtp.e") == kinds(document, "smtp.c") == kinds(document, "smtp.f") == set()
    assert values(parsed("ini", "[s]\na=x\\\n", "gitea")) == {"s.a": "x\\"}


def test_grafana_puts_variables_in() -> None:
    document = parsed("ini", "[s]\na=${A}\nb=$__env{B}\nc=$__file{/x}\nd=%(e)s\ne=1\n", "grafana", {"A": "x"})
    assert values(document) == {"s.a": "x", "s.b": None, "s.c": None, "s.d": "1", "s.e": "1"}
    assert one_of(document, "s.b").source == "B"
    assert values(parsed("ini", "[s]\na=${A}\n", "gitea", {"A": "x"})) == {"s.a": "${A}"}


INI = st.lists(
    st.sampled_from(
        ["a", "B", "x y", "#", " # c", ";", '"', "'", "%%", "%", "%(b)s", "%(q)s", "=", ":", "[", "]"]
    ),
    max_size=5,
).map("".join)


@settings(max_examples=examples(30), deadline=None)
@given(INI, st.sampled_from(["\n", "\n  more\n", "\n\n"]), st.booleans())
def test_configparser_itself(value: str, end: str, percent: bool) -> None:
    text = f"# c\n[s]\nb = bee\nA = {value}{end}Z: 1\n[t]\na=2\n"
    there: configparser.RawConfigParser = (
        configparser.ConfigParser() if percent else configparser.RawConfigParser()
    )
    document = parsed("ini", text, "configparser" if percent else "odoo")
    try:
        there.read_string(text)
    except configparser.Error:
        assert document.problems
        return
    for section in there.sections():
        for key in there.options(section):
            try:
                expected: str | None = there.get(section, key)
            except configparser.InterpolationError:
                expected = None
            assert values(document)[f"{section}.{key}"] == expected


# --- properties


def test_properties_are_read_as_java_reads_them() -> None:
    text = (
        "! c\n# c\n  a : x\\\n   y\r\nb\\ c\\:d=1\ne\n\nf \\u00e9\\t\ng==h\nk=C:\\Users # c  \nm=\\\\\\#\\=\n"
        'n = "q"\nlast=x\\'
    )
    document = parsed("properties", text, "java")
    assert values(document) == {
        "a": "xy", "b c:d": "1", "e": "", "f": "é\t", "g": "=h", "k": "C:Users # c  ", "m": "\\#=", "n": '"q"',
        "last": "x",
    }  # fmt: skip
    assert kinds(document, "k") == {"escaped", "comment-kept"}
    assert kinds(document, "n") == {"quotes-kept"}
    assert kinds(document, "m") == set()
    assert standing(document, "a") == "x\\\n   y"
    assert one_of(document, "a").region.place.line == 3


def test_spring_placeholders() -> None:
    text = "h=${HOST:localhost}\np=${PW}\nq=${PW:}\nr=${h}:1\ns=${t}\nt=${s}\nu=${A:${B:c}}\nv=${spring.mail.host}\n"
    document = parsed("properties", text, "", {"SPRING_MAIL_HOST": "smtp.example.com"})
    assert values(document) == {
        "h": "localhost", "p": None, "q": "", "r": "localhost:1", "s": None, "t": None, "u": "c",
        "v": "smtp.example.com",
    }  # fmt: skip
    assert kinds(document, "h") == kinds(document, "u") == {"defaulted"}
    assert one_of(document, "p").source == "PW"
    assert {one.kind for one in document.problems} == {"cycle"}


def test_a_profile_is_a_scope_of_its_own() -> None:
    text = "a=1\nb=1\n#---\nspring.config.activate.on-profile=prod\nb=2\n#---\nc=3\n"
    document = parsed("properties", text)
    assert [
        (scope.name, {k: v.value for k, v in scope.by_name().items() if len(k) == 1})
        for scope in document.scopes
    ] == [
        ("", {"a": "1", "b": "1", "c": "3"}),
        ("prod", {"a": "1", "b": "2", "c": "3"}),
    ]
    assert len(parsed("properties", text, "java").scopes) == 1


# --- JSON and TOML

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
KEYS = st.text("abc_-", min_size=1, max_size=4)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


def leaves(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    members = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else None
    if members is None:
        yield name, tree
    else:
        for key, one in members:
            yield from leaves(one, f"{name}.{key}" if name else str(key))


@settings(max_examples=examples(40), deadline=None)
@given(
    st.dictionaries(KEYS, TREES, max_size=3), st.sampled_from([None, 2]), st.booleans(), st.integers(0, 200)
)
def test_json_as_the_standard_library_reads_it(
    tree: Any, indent: int | None, ascii_only: bool, cut: int
) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii_only)
    document = parsed("json", text)
    assert not document.problems
    found = {one.name: one for one in document.scopes[0].assignments}
    expected = dict(leaves(tree))
    assert found.keys() == expected.keys()
    for name, one in found.items():
        raw = text[one.region.start : one.region.end]
        assert json.loads(raw) == expected[name]
        assert one.value == (expected[name] if one.kind == "string" else None if one.kind == "null" else raw)
    if cut < len(text):
        assert [one.kind for one in parsed("json", text[:cut]).problems] == ["syntax"]


def test_json_with_comments_and_last_commas() -> None:
    document = parsed("json", '// c\n{"a": 1, /* "b": 2, */ "c": [true, "x",],}\n')
    assert values(document) == {"a": "1", "c.0": "true", "c.1": "x"}
    assert one_of(document, "c.1").region.place.line == 2


TOML = st.lists(
    st.sampled_from(
        ["[t]", "[t.u]", "[[l]]", "[[l.m]]", "a = 1", "b.c = '#'", 'd = "x\\n\\u00e9"', 'e = """\n m\\\n  n"""', "f = [1, 'x']",
         "g = { a = true, b.c = 1979-05-27 }", '"h i" = 0xff', "k = '''r'''''  # c", "m = 1_0.5", "# c", "n = [", "o = x", 'p = "']
    ),
    max_size=7,
).map("\n".join)  # fmt: skip


@settings(max_examples=examples(50), deadline=None)
@given(TOML)
def test_toml_as_the_standard_library_reads_it(text: str) -> None:
    document = parsed("toml", text)
    try:
        expected = dict(leaves(tomllib.loads(text)))
    except tomllib.TOMLDecodeError:
        assert document.problems
        return
    assert not document.problems
    found = {one.name: one for one in document.scopes[0].assignments}
    assert found.keys() == expected.keys()
    for name, one in found.items():
        raw = text[one.region.start : one.region.end]
        assert tomllib.loads(f"x = {raw}") == {"x": expected[name]}
        if one.kind == "string":
            assert one.value == expected[name]
        elif one.kind == "number":
            assert math.isclose(float(one.value or ""), expected[name])


# --- Mail programs


def test_accounts_take_over_what_others_set() -> None:
    text = (
        'defaults\ntls on\nport 25\naccount a\nhost a.test\nport 465\npasswordeval "pass x"\nuser "me "\n'
        "defaults\ntimeout 5\naccount b : a\nport 587 # c\nfrom 'x'\naccount default : b\n"
    )
    document = parsed("msmtprc", text)
    assert not document.problems
    found = {scope.name: scope.by_name() for scope in document.scopes}
    assert list(found) == ["default", "a", "b"]
    assert {name: one.value for name, one in found["default"].items()} == {
        "tls": "on", "port": "587 # c", "host": "a.test", "passwordeval": None, "user": "me ", "timeout": "5",
        "from": "'x'",
    }  # fmt: skip
    assert found["default"]["host"].region.place.line == 5
    assert [place.line for place in found["default"]["host"].effect] == [14]
    assert "timeout" not in found["a"]
    assert {remark.kind for remark in found["b"]["port"].remarks} == {"comment-kept"}
    assert {remark.kind for remark in found["b"]["from"].remarks} == {"quotes-kept"}
    assert found["a"]["passwordeval"].source == "command"


@pytest.mark.parametrize("line", ["foo bar", "account b : c", "account a", "account", "host " + "x" * 500])
def test_what_msmtp_refuses(line: str) -> None:
    document = parsed("msmtprc", f"account a\nhost h\n{line}\n")
    assert [(one.kind, one.place.line) for one in document.problems] == [("refused", 3)]
    assert values(document) == {"host": "h"}


def test_mutt_and_ssmtp() -> None:
    document = parsed("muttrc", 'set a="x \\"$b" c=\'#\' # c\nset b=`pass` nod d2\nset e=x#y\nsource f\n')
    assert values(document) == {"a": 'x "', "c": "#", "b": None, "d": "no", "d2": "yes", "e": "x"}
    assert {one.kind for one in document.problems} == {"unsupported"}
    document = parsed("ssmtp", "mailhub=h:465\nAuthPass=a#b\nauthpass=c\nUseTLS=YES # c\n")
    assert values(document) == {"mailhub": "h:465", "AuthPass": "a", "UseTLS": "YES"}
    assert kinds(document, "AuthPass") == {"value-cut"}
    assert standing(document, "AuthPass") == "a#b"


# --- Which syntax


@each(
    ("path", "text", "syntax"),
    [
        (".env", "", "dotenv"), ("a/.env.production", "", "dotenv"), ("docker.env", "", "dotenv"),
        ("compose.yml", "", "compose"), ("docker-compose.prod.yaml", "", "compose"),
        ("stack.yml", "version: '3'\nservices:\n  a:\n", "compose"),
        ("x.yaml", "apiVersion: v1\nkind: Secret\n", "kubernetes"), ("values.yaml", "smtp:\n  host: x\n", "yaml"),
        ("application.properties", "", "properties"), ("grafana.ini", "", "ini"), ("odoo.conf", "", "ini"),
        ("airflow.cfg", "", "ini"), ("x.conf", "[smtp]\nhost = x\n", "ini"), ("x.conf", '[a]\nb = "x"\n', "toml"),
        ("appsettings.Production.json", "", "json"), ("config.toml", "", "toml"),
        ("msmtprc", "", "msmtprc"), ("/home/x/.config/msmtp/config", "", "msmtprc"), ("x", "defaults\ntls on\n", "msmtprc"),
        (".muttrc", "", "muttrc"), ("ssmtp.conf", "", "ssmtp"), ("gitlab.rb", "", "ruby"), ("wp-config.php", "", "php"),
        ("settings.py", "", "python"), ("auth.ts", "", "javascript"), ("Mail.java", "", "java"), ("m.go", "", "go"),
        ("EmailService.cs", "", "csharp"), ("x", "SMTP_HOST=a\nSMTP_PORT=1\n", "dotenv"), ("x", '{"a": 1}', "json"),
        ("x", "spring.mail.host=a\n", "properties"), ("x", "a: 1\nb: 2\n", "yaml"), ("x", "<?php\n", "php"),
        ("x", "just words\n", None), ("x", "", None),
    ],
)  # fmt: skip
def test_which_syntax_a_file_has(path: str, text: str, syntax: str | None) -> None:
    assert syntax_of(path, text) == syntax
    assert syntax is None or syntax in SYNTAXES


# --- Limits


@pytest.mark.parametrize(
    ("syntax", "text"),
    [
        ("json", "[" * 100_000), ("json", '{"a":' * 20_000), ("toml", "a=" + "[" * 100_000), ("toml", "a." * 100_000),
        ("toml", "a={" * 30_000), ("json", '{"' + "a" * 5000 + '":[{"b":1}]}'),
    ],
)  # fmt: skip
def test_what_is_too_deep_is_a_problem(syntax: str, text: str) -> None:
    assert {one.kind for one in parsed(syntax, text).problems} & {"limit", "syntax"}


@each(("syntax", "reader"), READ)
def test_what_is_too_much_is_refused(syntax: str, reader: str) -> None:
    with pytest.raises(TooLargeError) as caught:
        parsed(syntax, "x" * (building.MOST_CHARACTERS + 1), reader)
    assert (caught.value.what, caught.value.most) == ("characters", building.MOST_CHARACTERS)


def test_too_many_assignments_are_refused_and_problems_are_cut() -> None:
    with pytest.raises(TooLargeError):
        parsed("json", f"[{'1,' * building.MOST_ASSIGNMENTS}1]")
    document = parsed("ssmtp", "x\n" * 1000)
    assert len(document.problems) == building.MOST_PROBLEMS + 1
    assert document.problems[-1].kind == "limit"


def test_values_that_double_each_other_end() -> None:
    for syntax, reader, form in (
        ("properties", "", "${%s}"),
        ("ini", "grafana", "%%(%s)s"),
        ("ini", "configparser", "%%(%s)s"),
    ):
        lines = ["[s]"] if syntax == "ini" else []
        lines += [
            "a0=" + "x" * 100,
            *(f"a{number}=" + (form % f"a{number - 1}") * 2 for number in range(1, 60)),
        ]
        document = parsed(syntax, "\n".join(lines), reader)
        assert sum(len(one.value or "") for one in document.scopes[0].assignments) < 3_000_000
