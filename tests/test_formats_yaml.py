"""YAML: what each reader takes a scalar for, where it stands, how a value is written, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.formats import SYNTAXES, pipelines, reader_of, syntax_of, yaml
from smtpdoctor.formats.document import Assignment, Document, Source, TooLargeError, edited
from smtpdoctor.formats.dotenv import UnwritableError
from smtpdoctor.formats.writing import change
from smtpdoctor.formats.yaml_nodes import MOST_SIGNS, Scalar, parsed
from smtpdoctor.formats.yaml_scalars import RULES, Style, resolved, write
from tests.each import each
from tests.examples import examples

# What yaml.v3 (as fmt.Sprint prints it), SnakeYAML 2.4, Psych 4 and PyYAML 6 make of a plain scalar.
SCALARS = [
    ("yes", "string yes", "boolean true", "boolean true", "boolean true"),
    ("No", "string No", "boolean false", "boolean false", "boolean false"),
    ("on", "string on", "boolean true", "boolean true", "boolean true"),
    ("OFF", "string OFF", "boolean false", "boolean false", "boolean false"),
    ("y", "string y", "string y", "string y", "string y"),
    ("N", "string N", "string N", "string N", "string N"),
    ("true", "boolean true", "boolean true", "boolean true", "boolean true"),
    ("True", "boolean true", "boolean true", "boolean true", "boolean true"),
    ("tRUE", "string tRUE", "string tRUE", "boolean true", "string tRUE"),
    ("null", "null", "null", "null", "null"),
    ("~", "null", "null", "null", "null"),
    ("587", "number 587", "number 587", "number 587", "number 587"),
    ("0587", "number 587", "string 0587", "string 0587", "string 0587"),
    ("0123", "number 83", "number 83", "number 83", "number 83"),
    ("-0123", "number -83", "number -83", "number -83", "number -83"),
    ("0o17", "number 15", "string 0o17", "string 0o17", "string 0o17"),
    ("0x1F", "number 31", "number 31", "number 31", "number 31"),
    ("0b101", "number 5", "number 5", "number 5", "number 5"),
    ("1_000", "number 1000", "number 1000", "number 1000", "number 1000"),
    ("1,000", "string 1,000", "string 1,000", "number 1000", "string 1,000"),
    (
        "12345678901234567890123",
        "number 1.2345678901234568e+22",
        "number 12345678901234567890123",
        "number 12345678901234567890123",
        "number 12345678901234567890123",
    ),
    ("1e3", "number 1000", "number 1000.0", "string 1e3", "string 1e3"),
    ("1.5e3", "number 1500", "number 1500.0", "string 1.5e3", "string 1.5e3"),
    ("1e6", "number 1e+06", "number 1000000.0", "string 1e6", "string 1e6"),
    ("1E-7", "number 1e-07", "number 1.0E-7", "string 1E-7", "string 1E-7"),
    ("1.10", "number 1.1", "number 1.1", "number 1.1", "number 1.1"),
    (".5", "number 0.5", "number 0.5", "number 0.5", "number 0.5"),
    ("5.", "number 5", "number 5.0", "number 5.0", "number 5.0"),
    ("+5", "number 5", "number 5", "number 5", "number 5"),
    ("-0", "number 0", "number 0", "number 0", "number 0"),
    ("-1", "number -1", "number -1", "number -1", "number -1"),
    ("1:30", "string 1:30", "number 90", "number 5400", "number 90"),
    ("190:20:30", "string 190:20:30", "number 685230", "number 685230", "number 685230"),
    ("1:30.5", "string 1:30.5", "number 90.5", "number 5430.0", "number 90.5"),
    ("+.inf", "number +Inf", "number Infinity", "number Infinity", "number inf"),
    (".nan", "number NaN", "number NaN", "number NaN", "number nan"),
    (":sym", "string :sym", "string :sym", "string sym", "string :sym"),
    ("2026-01-02", "unknown", "unknown", "unknown", "unknown"),
    ("123456789.5", "number 1.234567895e+08", "number 1.234567895E8", "number 123456789.5", "number 123456789.5"),
    ("0_7", "number 7", "number 7", "number 7", "number 7"),
    ("08", "number 8", "string 08", "string 08", "string 08"),
    ("a b", "string a b", "string a b", "string a b", "string a b"),
    ("smtp.example.com:587", *["string smtp.example.com:587"] * 4),
    ("1.2.3.4", "string 1.2.3.4", "string 1.2.3.4", "string 1.2.3.4", "string 1.2.3.4"),
]  # fmt: skip


def document(
    text: str,
    path: str = "app.yml",
    files: Mapping[str, str] | None = None,
    *,
    syntax: str = "",
    reader: str = "",
) -> Document:
    read = reader_of(syntax) if syntax else yaml.read
    assert read is not None
    return read(Source(path=path, text=text, beside=(files or {}).get, reader=reader))


def values(read: Document, scope: int = 0) -> dict[str, str | None]:
    return {name: one.value for name, one in read.scopes[scope].by_name().items()}


def one(read: Document, name: str) -> Assignment:
    return next(
        found
        for scope in reversed(read.scopes)
        for found in reversed(scope.assignments)
        if found.name == name
    )


@each("row", SCALARS)
def test_a_scalar_is_what_its_reader_makes_of_it(row: tuple[str, ...]) -> None:
    text, *wanted = row
    for rules, expected in zip(("compose", "snakeyaml", "psych", "pyyaml"), wanted, strict=True):
        kind, value, _ = resolved(Scalar(text, "", "", 0, 0), RULES[rules])
        found = kind if kind in {"null", "unknown"} else f"{kind} {value}"
        assert (rules, found) == (rules, expected)


def test_words_that_readers_disagree_about_stay_words_where_the_reader_is_not_known() -> None:
    read = document("a: yes\nb: 0123\nc: true\nd: 587\ne: 'yes'\nf: 1e3\ng: x\n")
    kinds = {name: (found.kind, found.value) for name, found in read.scopes[0].by_name().items()}
    assert kinds == {
        "a": ("word", "yes"), "b": ("word", "0123"), "c": ("boolean", "true"), "d": ("number", "587"),
        "e": ("string", "yes"), "f": ("word", "1e3"), "g": ("string", "x"),
    }  # fmt: skip
    assert values(document("a: yes\nb: 0123\n", reader="spring")) == {"a": "true", "b": "83"}
    assert one(document("a: 0123\n", reader="spring"), "a").remarks[0].kind == "retyped"


# Writing

STYLES = st.builds(
    Style,
    quote=st.sampled_from(["", "'", '"']),
    name=st.sampled_from(["", "A", "SMTP_PASSWORD"]),
    base64=st.booleans(),
    dollars=st.booleans(),
    string=st.booleans(),
    behind=st.booleans(),
)
ODD = st.sampled_from(
    [row[0] for row in SCALARS]
    + [
        "",
        " ",
        "#",
        "a #b",
        "a: b",
        "- a",
        "? a",
        "{a}",
        "[a]",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a`",
        "---",
    ]
    + [
        "'",
        '"',
        "''",
        '"q"',
        "\\",
        "a\nb",
        "\ta",
        "a\t",
        "$a",
        "$$",
        "${a}",
        "{{ a }}",
        "<%= a %>",
        "{% a %}",
        "é",
        "\x85",
    ]
    + [
        "\ufeffa",
        "\u2028",
        "\x00",
        "\x7f",
        "\U0001f600",
        "=",
        "<<",
        "a:",
        ":a",
        ".",
        "..",
        "~a",
        "0x",
        "12e",
        "\ue000",
        "a,b",
    ]
)
VALUES = (
    ODD | st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.builds(str.__add__, ODD, ODD)
)


@settings(max_examples=examples(20))
@given(VALUES, STYLES)
def test_a_style_survives_its_name_and_a_value_every_reader(value: str, style: Style) -> None:
    assert Style.of(str(style)) == style
    raw = write(value, str(style))
    assert "\n" not in raw
    expected = value
    if style.base64 or style.dollars or style.name:
        return  # read back in the files where they stand, below
    for template in (
        f"k:{'' if style.behind else ' '}{raw}\n",
        f"[{raw}, x]\n",
        f"- {raw} # c\n",
        f"{{k: {raw}}}",
    ):
        file = parsed("", template)
        assert not file.problems
        nodes = [node for node in file.scalars() if node.value != "x" or value == "x"]
        for name, rules in RULES.items():
            kind, found, _ = resolved(nodes[0], rules)
            assert (name, found) == (name, expected)
            assert not style.string or kind == "string"


PLACES = [
    ("yaml", "app.yml", "a: x # keep\nb: [1, {k: 'x'}]\nc: \"x\"\nd: |\n  x\n  y\n\n# end\ne: >-\n  x\nf: !!str x\ng:\nh: &q x\n"),
    ("yaml", "app.yml", "spring:\n  mail: {host: x, port: 587}\n  # é\n  b: 'a b'\r\n  c:\r\n"),
    ("yaml", "app.yml", "env:\n  A_B: x\n  C_D: 'x'\nrun: []\n"),
    ("compose", "compose.yml", "services:\n  a:\n    environment:\n      - A=x # c\n      - 'B=$$y'\n      - \"C=z\"\n      - D\n"),
    ("compose", "compose.yml", "services:\n  a:\n    environment: {A: x, B: '${Q}', C: \"z\"}\n    env_file: e\n"),
    ("compose", "compose.yml", "x: &x\n  A: x\n  B:\nservices:\n  a:\n    environment:\n      <<: *x\n      C: |\n        q\n"),
    ("kubernetes", "k.yml", "kind: Secret\nmetadata: {name: s}\ndata:\n  A: eA==\n  B: 'eQ=='\nstringData: {C: z, D: \"\"}\n"),
    ("kubernetes", "k.yml", "kind: Pod\nspec:\n  containers:\n  - name: c\n    env:\n    - name: A\n      value: x\n    - {name: B, value: \"$(A)\"}\n"),
    ("kubernetes", "k.yml", "kind: ConfigMap\ndata:\n  app.yml: |\n    a: x\n    b: 'y'\n  A_B: z\n"),
    ("kubernetes", "kustomization.yaml", "secretGenerator:\n- name: s\n  literals:\n  - A=x\n  - 'B=\"y\"'\n"),
    ("github-actions", ".github/workflows/a.yml", "on: push\nenv:\n  A: x\njobs:\n  j:\n    env: {B: '${{ env.A }}', C: 1}\n"),
    ("gitlab-ci", ".gitlab-ci.yml", "variables:\n  A: x\n  B: {value: \"y\", expand: false}\nj:\n  script: z\n  variables:\n    C: $A\n"),
]  # fmt: skip


@settings(max_examples=examples(25))
@given(st.sampled_from(PLACES), VALUES | st.sampled_from(["''", '""', "'x'"]), st.data())
def test_a_changed_value_is_read_back_and_nothing_else_changes(
    place: tuple[str, str, str], value: str, data: st.DataObject
) -> None:
    """In every kind of file, in every style: the value is that value, and all others what they were."""
    syntax, path, text = place
    files = {"e": "E=1\n", ".env": "Q='a b'\n"}
    before = document(text, path, files, syntax=syntax)
    assert not before.problems
    targets = [
        (number, found)
        for number, scope in enumerate(before.scopes)
        for found in scope.by_name().values()
        if found.style and found.region.place.path == path
    ]
    number, target = data.draw(st.sampled_from(targets))
    try:
        region, new = change(before, target, value)
    except UnwritableError:
        assert "$" in value
        return
    after = document(edited(text, [(region, new)]), path, files, syntax=syntax)
    assert after.problems == ()
    found = after.scopes[number].by_name()[target.name]
    assert (found.value, found.region.start) == (value, region.start + ("behind" in target.style))
    moved = {id(one) for scope in before.scopes for one in scope.assignments if one.region == region}
    for old, scope in zip(before.scopes, after.scopes, strict=True):
        for name, kept in old.by_name().items():
            if id(kept) not in moved and "$" not in text:
                assert scope.by_name()[name].value == kept.value


@settings(max_examples=examples(15))
@given(
    st.lists(
        st.tuples(st.text("abcAB_", min_size=1, max_size=6), VALUES),
        min_size=1,
        max_size=8,
        unique_by=lambda x: x[0],
    ),
    st.sampled_from(sorted(RULES)),
)
def test_what_is_written_as_a_file_is_read(pairs: list[tuple[str, str]], rules: str) -> None:
    """Whole files of generated values: names, values and places; the text of a region is that of the value."""
    text = "".join(f"{json.dumps(key)}: {write(value, 'yaml plain')}\n" for key, value in pairs)
    file = parsed("a.yml", text)
    assert not file.problems
    (root,) = file.documents
    found = {key.value: node for key, node, _ in file.pairs(file.follow(root, 0))}  # type: ignore[arg-type]
    assert list(found) == [key for key, _ in pairs]
    for number, (key, value) in enumerate(pairs):
        node = found[key]
        assert isinstance(node, Scalar)
        assert resolved(node, RULES[rules])[1] == value
        assert text[node.start : node.end] == write(value, "yaml plain")
        assert file.place(node.start).line == number + 1


# What stands in files


def test_names_are_dotted_and_every_place_is_right() -> None:
    text = (
        "mail.use-tls: true\ncourier:\n  smtp:\n    connection_uri: smtps://x\nlist:\n- a\n- {b: c}\nempty:\n"
    )
    read = document(text)
    assert values(read) == {
        "mail.use-tls": "true", "courier.smtp.connection_uri": "smtps://x", "list.0": "a", "list.1.b": "c", "empty": None,
    }  # fmt: skip
    assert [found.region.place.line for found in read.scopes[0].assignments] == [1, 4, 6, 7, 8]
    assert one(read, "empty").kind == "null"
    assert (one(read, "list.1.b").region.place.line, one(read, "list.1.b").region.place.column) == (7, 7)


def test_an_alias_leads_to_the_text_and_names_the_way() -> None:
    text = "a: &a\n  host: x\n  port: 25\nb:\n  <<: *a\n  port: 587\nc: *a\n"
    read = document(text)
    assert values(read)["b.port"] == "587"
    host = one(read, "b.host")
    assert (host.region.place.line, [place.line for place in host.effect]) == (2, [5])
    assert [place.line for place in one(read, "c.port").places] == [3, 7]


def test_of_several_merged_maps_the_first_counts() -> None:
    read = document("a: &a {x: 1}\nb: &b {x: 2, y: 3}\nc: {<<: [*a, *b], z: 4}\nd: {<<: *b, x: 9}\n")
    found = values(read)
    assert (found["c.x"], found["c.y"], found["c.z"], found["d.x"]) == ("1", "3", "4", "9")


def test_a_map_takes_the_place_of_a_merged_one_whole() -> None:
    read = document("a: &a\n  smtp: {host: x, port: 25}\nb:\n  <<: *a\n  smtp: {host: y}\n")
    assert {name: value for name, value in values(read).items() if name[0] == "b"} == {"b.smtp.host": "y"}


def test_springs_profiles_are_scopes_over_what_holds_for_all() -> None:
    text = (
        "spring:\n  mail: {host: a, port: 25}\n---\nspring:\n  config.activate.on-profile: prod, eu\n"
        "  mail.host: b\n---\nspring.profiles: dev\nspring.mail.port: 1025\n"
    )
    read = document(text, "application.yml")
    assert [scope.name for scope in read.scopes] == ["", "prod", "eu", "dev"]
    assert values(read, 1)["spring.mail.host"] == values(read, 2)["spring.mail.host"] == "b"
    assert (values(read, 3)["spring.mail.host"], values(read, 3)["spring.mail.port"]) == ("a", "1025")
    beside = document("spring.mail.host: c\n", "application-qa.yml", {"application.yml": text})
    assert (
        beside.scopes[0].name,
        values(beside)["spring.mail.host"],
        values(beside)["spring.mail.port"],
    ) == ("qa", "c", "25")


def test_springs_placeholders_are_replaced_where_that_can_be_known() -> None:
    text = (
        "spring:\n  mail:\n    host: ${MAIL_HOST:smtp.example.com}\n    username: ${MAIL_USER}\n    password: ${MAIL_PASS}\n"
        "    port: ${my.port}\n    url: smtp://${MAIL_HOST:h}:${my.port}\n    nested: ${A:${B:c}}\n    loop: ${loop.a}\n"
        "my.port: 0587\nloop: {a: '${loop.b}', b: '${loop.a}'}\n"
    )
    read = document(text, "application.yml", {".env": "MAIL_USER=me\n"})
    found = values(read)
    assert found["spring.mail.host"] == "smtp.example.com"
    assert (found["spring.mail.username"], str(one(read, "spring.mail.username").region.place)) == (
        "me",
        ".env:1",
    )
    assert [place.line for place in one(read, "spring.mail.username").effect] == [4]
    assert (one(read, "spring.mail.password").kind, one(read, "spring.mail.password").source) == (
        "unknown",
        "MAIL_PASS",
    )
    assert (found["spring.mail.port"], found["spring.mail.url"]) == ("0587", "smtp://h:0587")
    assert found["spring.mail.nested"] == "c"
    assert {problem.kind for problem in read.problems} == {"cycle"}
    assert found["loop.a"] is None


def test_a_key_in_brackets_has_dots_of_its_own_for_spring() -> None:
    text = "spring.mail.properties:\n  '[mail.smtp.auth]': yes\n  mail.smtp.starttls: {enable: true}\n"
    assert values(document(text)) == {
        "spring.mail.properties.mail.smtp.auth": "true",
        "spring.mail.properties.mail.smtp.starttls.enable": "true",
    }


def test_symfonys_variables_come_from_its_env() -> None:
    text = "framework:\n  mailer:\n    dsn: '%env(MAILER_DSN)%'\n    other: '%env(json:file:X)%'\n    more: '%env(NOPE)%'\n"
    read = document(text, "config/packages/mailer.yaml", {"../../.env": "MAILER_DSN=smtp://h:25\n"})
    assert values(read) == {
        "framework.mailer.dsn": "smtp://h:25",
        "framework.mailer.other": None,
        "framework.mailer.more": None,
    }
    assert [str(place) for place in one(read, "framework.mailer.dsn").places] == [
        ".env:1",
        "config/packages/mailer.yaml:3",
    ]
    assert one(read, "framework.mailer.more").source == "NOPE"


def test_erb_is_read_as_far_as_it_is_literal() -> None:
    text = (
        "default: &default\n  address: <%= ENV.fetch('HOST', 'h') %>\n  port: <%= ENV.fetch(\"PORT\") { 587 } %>\n"
        "<% if ENV['X'] %>\n  user: a\n<% else %>\n  user: b\n<% end %>\n"
        "production:\n  <<: *default\n  password: <%= ENV['PW'] %>\n  key: <%= File.read('x') %>\n"
        "  url: smtp://<%= ENV['U'] || 'u' %>@<%= ENV.fetch('HOST', 'h') %>\n"
        "development:\n  address: localhost\n"
    )
    read = document(text, "config/mail.yml", {".env": "U=me\n"})
    assert [scope.name for scope in read.scopes] == ["production", "development"]
    found = values(read)
    assert (found["address"], found["port"], found["url"]) == ("h", "587", "smtp://me@h")
    assert one(read, "port").kind == "number"
    assert (found["password"], found["key"], found["user"]) == (None, None, None)
    assert [one(read, name).kind for name in ("password", "key", "user")] == ["unknown"] * 3
    assert one(read, "password").source == "PW"


@each(
    "text",
    [
        "a: !secret smtp_password", "a: !vault |\n  $ANSIBLE_VAULT;1.1\n", "a: '{{ vault_password }}'", "a: {{ x }}",
        "a: \"x{{ y | default('z') }}\"", "a: ENC[AES256_GCM,data:x]", "a: ${SECRET}", "a: '%env(MAILER)%'", "a: !!binary eA==",
        "a:\n  {{- toYaml .Values.x | nindent 2 }}\n", "a: !Ref X", "a: !reference [x, y]",
    ],
)  # fmt: skip
def test_what_comes_from_elsewhere_is_unknown_and_not_missing(text: str) -> None:
    read = document(text + "\n")
    found = one(read, "a")
    assert (found.kind, found.value, read.problems) == ("unknown", None, ())


def test_variables_within_other_files_are_scopes_of_their_own() -> None:
    text = (
        "grafana:\n  image: {repository: grafana/grafana, tag: '11.0'}\n  env:\n    GF_SMTP_HOST: x\n    GF_SMTP_PASSWORD:\n"
        "      valueFrom: {secretKeyRef: {name: s}}\n  extraEnvVars:\n  - name: A_B\n    value: 'true'\n  - C_D=e\n"
    )
    read = document(text, "values.yaml")
    scopes = {scope.name: scope for scope in read.scopes if scope.environment}
    assert scopes["grafana"].image == "grafana/grafana:11.0"
    found = {
        name: one_.value
        for scope in read.scopes
        if scope.environment
        for name, one_ in scope.by_name().items()
    }
    assert found == {"GF_SMTP_HOST": "x", "GF_SMTP_PASSWORD": None, "A_B": "true", "C_D": "e"}
    assert not [name for name in read.scopes[0].by_name() if "GF_" in name]


def test_discourse_has_variables_and_site_settings() -> None:
    text = (
        "templates: []\nenv:\n  DISCOURSE_SMTP_PORT: 0587\n  DISCOURSE_SMTP_PASSWORD: #abc\nrun:\n"
        "  - exec: rails r \"SiteSetting.notification_email='a@b.c'\"\n"
        "  - exec:\n      cmd:\n        - rails r 'SiteSetting.set(\"x\", true); SiteSetting.y = z'\n"
    )
    read = document(text, "containers/app.yml")
    scope = next(scope for scope in read.scopes if scope.environment)
    found = scope.by_name()
    assert found["SiteSetting.notification_email"].value == "a@b.c"
    assert text[found["SiteSetting.notification_email"].region.start :].startswith("a@b.c")
    assert (found["SiteSetting.x"].value, found["SiteSetting.y"].kind) == ("true", "unknown")
    assert [(mark.kind, mark.sign) for mark in found["DISCOURSE_SMTP_PASSWORD"].remarks] == [
        ("value-cut", "#")
    ]


# Bad input


@pytest.mark.parametrize(
    ("text", "line", "read"),
    [
        ("a: b\nc: \"d\ne: f\n", 2, {"a": "b"}),
        ("a: b\nc:\n\td: e\n", 3, {"a": "b"}),
        ("a: b\nc: d\n e: f\n", 3, {"a": "b"}),
        ("a: b\nc: [d, e\n", 2, {"a": "b", "c.0": "d", "c.1": "e"}),
        ("a: b\nc: *d\ne: f\n", 2, {"a": "b", "c": None, "e": "f"}),
        ("a: b\nc: \x01d\n", 2, {"a": "b"}),
        ("a: b\nc: '\\q'\nd: \"\\q\"\n", 3, {"a": "b", "c": "\\q"}),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_where_and_what_was_understood(
    text: str, line: int, read: Mapping[str, str | None]
) -> None:
    found = document(text)
    assert [problem.kind for problem in found.problems] == ["syntax"]
    assert found.problems[0].place.line == line
    known = values(found)
    assert {name: known[name] for name in read} == read


def test_an_alias_to_itself_is_a_cycle() -> None:
    read = document("a: &a\n  b: *a\n  c: d\n")
    assert [problem.kind for problem in read.problems] == ["cycle"]
    assert values(read)["a.c"] == "d"


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
)
MERGED = "x0: &x0 {A: 1}\n" + "".join(
    f"x{level}: &x{level} {{<<: [{','.join([f'*x{level - 1}'] * 9)}]}}\n" for level in range(1, 12)
)


@pytest.mark.parametrize(
    ("syntax", "text"),
    [
        ("yaml", BOMB),
        ("compose", MERGED + "services: {a: {environment: *x11}}\n"),
        ("yaml", "[" * 200),
        ("yaml", "- " * 3000),
        ("compose", "services:\n" + "  a: {image: x}\n" * (MOST_SIGNS // 16 + 1)),
    ],
)
def test_too_much_is_refused_with_the_limit(syntax: str, text: str) -> None:
    with pytest.raises(TooLargeError) as error:
        document(text, syntax=syntax)
    assert error.value.most > 0
    assert error.value.what


@pytest.mark.parametrize(
    ("syntax", "text"),
    [
        ("compose", "services:\n a:\n  environment:\n   A: " + "${A:-" * 2000 + "}" * 2000),
        ("compose", "services:\n a:\n  environment:\n   A: " + "${A:-b}" * 20_000),
        ("yaml", "spring:\n" + "".join(f"  a{n}: ${{spring.a{n + 1}}}${{spring.a{n + 1}}}\n" for n in range(18)) + "  a18: ''\n"),
        ("gitlab-ci", "variables:\n" + "".join(f"  A{n}: $A{n + 1}$A{n + 1}\n" for n in range(19)) + "  A19: ''\n"),
    ],
    ids=["levels", "many", "spring", "gitlab"],
)  # fmt: skip
def test_values_made_of_values_end(syntax: str, text: str) -> None:
    read = document(text, ".gitlab-ci.yml", syntax=syntax)
    assert "limit" in {problem.kind for problem in read.problems}


YAMLISH = st.lists(
    st.sampled_from(
        [
            "a", "b", ": ", ":", "\n", "\n  ", "\n- ", "- ", "[", "]", "{", "}", ", ", "'", '"', "|", ">-", "&a ", "*a", "<<: ", "!t ", "#",
            " # c", "---\n", "${A:-", "}", "$", "{{ x }}", "{{", "{%", "<%= ENV['A'] %>", "<%", "%>", "services:\n", "environment:\n",
            "  image: x\n", "kind: Secret\n", "data:\n", "  ", "\t", "\r\n", "=", "env:\n", "jobs:\n", "variables:\n", "spring:\n", "\x00", "\ufeff",
            "extends: a\n", "env_file: .env\n", "stringData:\n", "spec:\n", "containers:\n", "0123", "~", "? ", "%YAML 1.1\n", "\ue000", "\\",
        ]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@settings(max_examples=examples(25))
@given(YAMLISH, st.sampled_from(["yaml", "compose", "kubernetes", "github-actions", "gitlab-ci"]))
def test_no_text_makes_it_fall_over_and_every_region_is_in_a_text(text: str, syntax: str) -> None:
    """Nothing but TooLargeError escapes; places are within the texts; no value is in what is shown."""
    files = {".env": "A=1\nsecret=zq7\n", "e": "X=zq7\n"}
    for prefix in ("", "services:\n  a:\n    environment:\n", "kind: Pod\nspec:\n"):
        read = document(
            prefix + text, ".gitlab-ci.yml" if syntax == "gitlab-ci" else "x.yml", files, syntax=syntax
        )
        for scope in read.scopes:
            for found in scope.assignments:
                whole = read.texts[found.region.place.path]
                assert 0 <= found.region.start <= found.region.end <= len(whole)
                assert (found.value is None) == (found.kind in {"null", "unknown"})
        assert "zq7" not in repr(read) + repr(read.scopes) + repr(read.problems)


# Which syntax


@each(
    ("path", "text", "syntax"),
    [
        ("docker-compose.prod.yml", "services:\n  a:\n    image: x\n", "compose"),
        ("stack.yaml", "version: '3'\nx-a: &a {}\nservices:\n  a:\n    deploy: {}\n", "compose"),
        ("my.yml", "services: {a: {image: x}}\n", "compose"),
        ("services.yaml", "services:\n  _defaults:\n    autowire: true\n", "yaml"),
        ("a.yml", "apiVersion: v1\nkind: Secret\n", "kubernetes"),
        (
            "templates/a.yaml",
            "{{- if .Values.x }}\napiVersion: apps/v1\nkind: Deployment\n{{- end }}\n",
            "kubernetes",
        ),
        ("kustomization.yaml", "resources: []\n", "kubernetes"),
        ("app.yml", "env:\n  A: b\n", "yaml"),
        (".github/workflows/ci.yml", "name: x\n", "github-actions"),
        ("ci.yml", "on: push\njobs:\n  a:\n    steps: []\n", "github-actions"),
        (".gitlab-ci.yml", "a: {script: b}\n", "gitlab-ci"),
        ("values.yaml", "image: x\nservice: {type: ClusterIP}\n", "yaml"),
        ("application.yml", "spring:\n  mail:\n    host: x\n", "yaml"),
    ],
)
def test_the_syntax_of_a_text(path: str, text: str, syntax: str) -> None:
    assert syntax_of(path, text) == syntax
    assert syntax in SYNTAXES


# Pipelines


def test_a_workflows_variables_reach_its_jobs_and_steps() -> None:
    text = (
        "on: push\nenv:\n  SMTP_HOST: a\n  SMTP_PASSWORD: ${{ secrets.SMTP_PASSWORD }}\njobs:\n  build:\n    container: node:20\n"
        "    env:\n      SMTP_HOST: b\n      COPY: ${{ env.SMTP_HOST }}\n    steps:\n      - run: x\n"
        "      - name: send\n        env: {SMTP_PORT: 587, URL: 'smtp://${{ vars.H }}'}\n"
        "    services:\n      mail: {image: axllent/mailpit, env: {MP_SMTP_AUTH: 'a:b'}}\n"
    )
    read = document(text, ".github/workflows/a.yml", syntax="github-actions")
    scopes = {scope.name: scope for scope in read.scopes}
    assert set(scopes) == {"build", "build.send", "build.mail"}
    found = scopes["build.send"].by_name()
    assert {name: one_.value for name, one_ in found.items()} == {
        "SMTP_HOST": "b", "SMTP_PASSWORD": None, "COPY": "a", "SMTP_PORT": "587", "URL": None,
    }  # fmt: skip
    assert (found["SMTP_PASSWORD"].source, found["URL"].source) == ("secrets.SMTP_PASSWORD", "vars.H")
    assert [place.line for place in found["COPY"].places] == [3, 10]
    assert (scopes["build"].image, scopes["build.mail"].image) == ("node:20", "axllent/mailpit")


def test_a_pipelines_variables_are_expanded_from_what_the_file_has() -> None:
    text = (
        "image: ruby:3\nvariables:\n  HOST: smtp.example.com\n  URL: smtp://${HOST}:$PORT\n  PORT: '587'\n  PW: pa$$word\n"
        "  SECRET: $FROM_SETTINGS\n  RAW: {value: $HOST, expand: false}\n  A: $B\n  B: $A\n  COPY: $HOST\n"
        "test:\n  script: x\n  variables:\n    HOST: other\n    USED: $HOST\n"
    )
    read = document(text, ".gitlab-ci.yml", syntax="gitlab-ci")
    found = values(read)
    assert (found["URL"], found["PW"], found["RAW"]) == ("smtp://smtp.example.com:587", "pa$word", "$HOST")
    assert (found["SECRET"], found["A"], found["B"]) == (None, None, None)
    assert {problem.kind for problem in read.problems} == {"cycle"}
    assert [place.line for place in one(read, "COPY").places] == [3, 11]
    assert values(read, 1)["USED"] == "other"
    assert [scope.image for scope in read.scopes] == ["ruby:3", "ruby:3"]


def test_the_reader_of_pipelines_tells_them_apart() -> None:
    assert pipelines.read(Source(path=".gitlab-ci.yml", text="a: b\n")).syntax == "gitlab-ci"
    assert pipelines.read(Source(path="x.yml", text="on: push\njobs: {}\n")).syntax == "github-actions"
    assert re.fullmatch(r"[\w.]+", SYNTAXES["gitlab-ci"])
