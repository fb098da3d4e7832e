"""Compose: the variables that a container gets, as Docker Compose itself answers, and where their text stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smtpdoctor.formats import compose
from smtpdoctor.formats.document import Assignment, Document, Source, edited
from smtpdoctor.formats.writing import change
from tests.each import each

# 95 generated projects, and what Docker Compose 2.40.3 says of each (`docker compose config`).
TRUTH = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "compose_truth.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
FATAL = {"syntax", "refused", "required", "cycle", "missing-file"}


def document(
    text: str,
    files: Mapping[str, str] | None = None,
    *,
    path: str = "compose.yml",
    process: Mapping[str, str] | None = None,
) -> Document:
    source = Source(path=path, text=text, beside=(files or {}).get, environment=process or {})
    return compose.read(source)


def services(read: Document) -> dict[str, dict[str, Assignment]]:
    return {scope.name: scope.by_name() for scope in read.scopes}


def values(read: Document, name: str = "a") -> dict[str, str | None]:
    return {key: one.value for key, one in services(read)[name].items()}


def kinds(read: Document) -> list[tuple[str, int, str]]:
    return [(problem.kind, problem.place.line, problem.detail) for problem in read.problems]


@each("number", range(len(TRUTH)))
def test_a_project_is_what_docker_compose_makes_of_it(number: int) -> None:
    case: dict[str, Any] = TRUTH[number]
    files = case["files"]
    read = document(files["compose.yml"], files, process=case["process"])
    refused = [problem for problem in read.problems if problem.kind in FATAL]
    assert bool(refused) == (case["services"] is None), read.problems
    if refused:
        return
    mine = services(read)
    assert {scope.name: scope.image for scope in read.scopes} == {
        name: service["image"] for name, service in case["services"].items()
    }
    for name, service in case["services"].items():
        wanted = service["environment"]
        assert set(mine[name]) == set(wanted)
        for key, one in mine[name].items():
            # Compose knows that nothing else is set; from a file alone that is not to be known.
            if one.kind != "unknown":
                assert (name, key, one.value) == (name, key, wanted[key])
            else:
                assert wanted[key] is None or ".env" not in files


@each("number", range(0, len(TRUTH), 3))
def test_a_change_of_a_project_changes_one_variable(number: int) -> None:
    """Also where the text stands in .env or an env file: it is changed there."""
    case: dict[str, Any] = TRUTH[number]
    files: dict[str, str] = dict(case["files"])
    if case["services"] is None:
        return
    read = document(files["compose.yml"], files, process=case["process"])
    scope, one = next(
        ((scope, one) for scope in read.scopes for one in scope.by_name().values() if one.style), (None, None)
    )
    if scope is None or one is None:
        return
    path = one.region.place.path
    assert read.texts[path] == files[path]
    region, new = change(read, one, "pa#$x y")
    files[path] = edited(files[path], [(region, new)])
    after = document(files["compose.yml"], files, process=case["process"])
    assert after.problems == read.problems
    assert services(after)[scope.name][one.name].value == "pa#$x y"


def test_a_value_from_env_stands_there_and_takes_effect_here() -> None:
    text = (
        "services:\n  a:\n    env_file:\n      - path: ./mail.env\n        required: false\n    environment:\n"
        "      SMTP_HOST: ${HOST}\n      SMTP_PORT: ${PORT:-587}\n      URL: smtp://${HOST}:${PORT:-587}\n      SMTP_TLS: True\n"
    )
    files = {".env": "# mail\nHOST='smtp.example.com' # c\n", "mail.env": "SMTP_USER=me\nSMTP_HOST=lost\n"}
    found = services(document(text, files))["a"]
    assert [str(place) for place in found["SMTP_HOST"].places] == [".env:2", "compose.yml:7"]
    assert [str(place) for place in found["SMTP_USER"].places] == ["mail.env:1", "compose.yml:4"]
    assert [str(place) for place in found["URL"].places] == ["compose.yml:9"]
    assert [mark.kind for mark in found["SMTP_PORT"].remarks] == ["defaulted"]
    assert (found["URL"].value, found["SMTP_TLS"].value) == ("smtp://smtp.example.com:587", "true")
    assert files[".env"][found["SMTP_HOST"].region.start :].startswith("'smtp.example.com'")


def test_what_is_not_set_is_empty_only_where_it_is_known_that_nothing_else_can_set_it() -> None:
    text = 'services: {a: {environment: ["A=${NOPE}", "B=pa$word", "C", "D=$WHOLE", "E=smtp://${U}@h"]}}\n'
    alone = services(document(text))["a"]
    assert {name: (one.value, one.kind) for name, one in alone.items()} == {
        "A": (None, "unknown"),
        "B": ("pa", "word"),
        "C": (None, "unknown"),
        "D": (None, "unknown"),
        "E": (None, "unknown"),
    }
    assert [(mark.kind, mark.sign) for mark in alone["B"].remarks] == [("expanded", "$")]
    assert (alone["A"].source, alone["D"].source) == ("NOPE", "$")
    beside = values(document(text, {".env": "X=1\n"}))
    assert beside == {"A": "", "B": "pa", "C": None, "D": "", "E": "smtp://@h"}
    assert values(document(text, process={"NOPE": "1", "C": "2"}))["C"] == "2"


@each(
    ("item", "value", "marks"),
    [
        ('- A="x"', '"x"', ["quotes-kept"]),
        ("- A='x'", "'x'", ["quotes-kept"]),
        ("- A=\"\"", '""', ["quotes-kept"]),
        ('- "A=x"', "x", []),
        ("- A=x # c", "x", []),
        ("- A=a#b", "a#b", []),
        ("- 'A=x # c'", "x # c", ["comment-kept"]),
        ("- A='x' y", "'x' y", []),
        ("- A= x", " x", ["blanks-kept"]),
        ("- A=$$x", "$x", []),
        ("- A=x$y", "x", ["expanded"]),
        ("A: 'x'", "x", []),
        ("A: 0123", "83", ["retyped"]),
        ("A: 1e3", "1000", ["retyped"]),
        ("A: True", "true", []),
        ("A: yes", "yes", []),
        ("A: |\n        x", "x\n", ["trailing-newline"]),
        ("A: |-\n        x", "x", []),
        ("A: a$$b", "a$b", []),
    ],
)  # fmt: skip
def test_what_a_line_gives(item: str, value: str, marks: list[str]) -> None:
    one = services(document(f"services:\n  a:\n    environment:\n      {item}\n", {".env": ""}))["a"]["A"]
    assert (one.value, [mark.kind for mark in one.remarks]) == (value, marks)
    assert one.region.place.line == 4


def test_a_value_that_begins_with_a_hash_is_a_comment() -> None:
    one = services(document("services:\n  a:\n    environment:\n      A: #secret\n"))["a"]["A"]
    assert ([mark.kind for mark in one.remarks], one.value) == (["value-cut"], None)


def test_services_extend_merge_and_are_overridden() -> None:
    text = (
        "x-mail: &mail {SMTP_HOST: x, SMTP_PORT: 25}\nservices:\n  base:\n    image: i:1\n    env_file: e\n"
        "    environment: {<<: *mail, SMTP_PORT: 587}\n  a: {extends: base, profiles: [p], environment: [SMTP_USER=me]}\n"
        "  b:\n    build: .\n    extends: {file: other.yml, service: far}\n"
    )
    files = {
        "e": "E=1\nSMTP_HOST=no\n",
        "other.yml": "services:\n  far:\n    image: far\n    environment: {FAR: '${X}'}\n",
        ".env": "X=y\n",
        "compose.override.yml": "services:\n  a:\n    image: i:2\n    environment: {SMTP_PORT: '465'}\n  c: {image: c}\n",
    }
    read = document(text, files)
    assert [(scope.name, scope.image) for scope in read.scopes] == [
        ("base", "i:1"),
        ("a", "i:2"),
        ("b", "far"),
        ("c", "c"),
    ]
    assert values(read) == {"E": "1", "SMTP_HOST": "x", "SMTP_PORT": "465", "SMTP_USER": "me"}
    found = services(read)
    assert str(found["a"]["SMTP_PORT"].region.place) == "compose.override.yml:4"
    assert [str(place) for place in found["b"]["FAR"].places] == [".env:1", "other.yml:4"]
    assert [place.line for place in found["base"]["SMTP_HOST"].places] == [1, 6]
    assert read.problems == ()
    assert all(read.texts[name] == value for name, value in files.items())


def test_an_override_may_take_everything_back() -> None:
    files = {
        "compose.override.yml": "services:\n  a:\n    environment: !override\n      B: 2\n  b: {environment: !reset null}\n"
    }
    read = document("services: {a: {environment: {A: 1}}, b: {environment: {A: 1}}}\n", files)
    assert (values(read), values(read, "b")) == ({"B": "2"}, {})


def test_files_that_are_included_are_read() -> None:
    read = document(
        "include: [mail/compose.yml]\nservices: {a: {image: x}}\n",
        {"mail/compose.yml": "services: {m: {image: y}}\n"},
    )
    assert [scope.name for scope in read.scopes] == ["a", "m"]


def test_a_configuration_within_is_read_in_its_place() -> None:
    text = (
        "services:\n  a:\n    image: prom/alertmanager:v0.27\n    configs:\n      - source: am\n        target: /etc/alertmanager/alertmanager.yml\n"
        "configs:\n  am:\n    content: |\n      global:\n        smtp_smarthost: 'h:587'\n        smtp_require_tls: false\n"
    )
    scope = document(text).scopes[1]
    assert (scope.name, scope.image, scope.environment) == ("am", "prom/alertmanager:v0.27", False)
    one = scope.by_name()["global.smtp_smarthost"]
    assert (one.value, one.region.place.line, text[one.region.start : one.region.end]) == (
        "h:587",
        11,
        "'h:587'",
    )


@each(
    ("text", "files", "problem"),
    [
        ("services: {a: {environment: {A: '${B:?no}'}}}", {".env": ""}, ("required", 1, "B")),
        ("services: {a: {environment: {A: '${B'}}}", {}, ("refused", 1, "${")),
        ("services: {a: {environment: {A: '${1}'}}}", {}, ("refused", 1, "${")),
        ("services:\n  a:\n    env_file: [nope.env]", {}, ("missing-file", 3, "nope.env")),
        ("services:\n  a: {extends: b}\n  b: {extends: a}", {}, ("cycle", 3, "a")),
        ("services: {a: {environment: {A: 1, A: 2}}}", {}, ("refused", 1, "A")),
        ("services: {a: {environment: {A: [1]}}}", {}, ("refused", 1, "A")),
        ("services: {a: {environment: {A: 2026-01-02}}}", {}, ("refused", 1, "A")),
        ("services: {a: {environment: ['A = b']}}", {}, ("refused", 1, "A")),
        ("services: {a: {environment: {3: b}}}", {}, ("refused", 1, "3")),
        ("services: {a: {environment: x}}", {}, ("refused", 1, "environment")),
        ("services: {a: {environment: ['A: b']}}", {}, ("line", 1, "A")),
        ("services: {a: {extends: {file: no.yml, service: b}}}", {}, ("missing-file", 1, "no.yml")),
        ("services: {a: {extends: b}}", {}, ("refused", 1, "b")),
        ("include: [no.yml]", {}, ("missing-file", 1, "no.yml")),
        ("services:\n  a:\n    environment:\n      A: b\n     B: c", {}, ("syntax", 5, "")),
    ],
)  # fmt: skip
def test_what_stops_compose_is_told_with_its_place(
    text: str, files: Mapping[str, str], problem: tuple[str, int, str]
) -> None:
    assert problem in kinds(document(text + "\n", files))


def test_a_file_cut_off_gives_what_stands_before() -> None:
    read = document('services:\n  a:\n    image: x\n    environment:\n      A: b\n      C: "d\n')
    assert values(read) == {"A": "b"}
    assert kinds(read) == [("syntax", 6, "")]


def test_a_thousand_services_are_read() -> None:
    one = "  s{0}:\n    image: a:{0}\n    env_file: e\n    environment: [A={0}, 'B=${{X}}']\n"
    read = document(
        "services:\n" + "".join(map(one.format, range(300))), {"e": "E=1\n" * 20, ".env": "X=1\n"}
    )
    assert len(read.scopes) == 300
    assert values(read, "s299") == {"E": "1", "A": "299", "B": "1"}
