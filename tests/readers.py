"""Reads each report format back with a reader that others wrote, strictly: what it says, and that nothing got in.

A reader returns the verdict, the ids and the first step as the format tells them; what is no such format, or
holds what was put there by somebody else, fails an assertion.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from xml.dom import Node

import html5lib
import jsonschema
from lxml import etree
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

import smtpdoctor.report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["READERS", "Said", "flat", "json_schema", "read_annotations", "read_json", "read_sarif"]

_SCHEMAS: Final = Path(__file__).parent / "data" / "schemas"
_OWN_COMMENT: Final = re.compile(r"<!-- smtpdoctor(?: \d[^ <>]*|: end) -->\n?")
_ELEMENTS: Final = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "main",
        "div",
        "section",
        "article",
        "fieldset",
        "legend",
        "input",
        "label",
        "p",
        "span",
        "b",
        "strong",
        "code",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "ol",
        "ul",
        "li",
        "a",
        "bdi",
        "blockquote",
        "figure",
        "figcaption",
        "pre",
        "del",
        "ins",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "svg",
        "rect",
        "dl",
        "dt",
        "dd",
    ]
)
_ATTRIBUTES: Final = frozenset(
    [
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "type",
        "checked",
        "for",
        "href",
        "rel",
        "scope",
        "aria-labelledby",
        "aria-hidden",
        "data-verdict",
        "data-id",
        "viewBox",
        "preserveAspectRatio",
        "x",
        "y",
        "width",
        "height",
        "rx",
    ]
)
_STATES: Final = {"OK": "pass", "WARNING": "warn", "CRITICAL": "fail", "UNKNOWN": "inconclusive"}
_LEVELS: Final = {"error", "warning", "notice"}


class Said(NamedTuple):
    """What a report says; ``step`` is all of the text in which the first step must stand."""

    verdict: str
    ids: list[str]
    step: str


def flat(text: str) -> str:
    """Return a text with its blanks as one, and without backticks."""
    return " ".join(text.replace("`", "").split())


# JSON


@cache
def json_schema(*, closed: bool = True) -> Any:
    """Return the validator of our schema; ``closed``: keys that it does not describe are refused."""
    path = Path(smtpdoctor.report.__file__).parent / "json_v1.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    if closed:
        _close(schema["$defs"])
    return validator(schema)


def _close(part: Any) -> None:
    if isinstance(part, dict):
        if part.get("type") == "object" and "properties" in part and "additionalProperties" not in part:
            part["additionalProperties"] = False
        for one in part.values():
            _close(one)
    elif isinstance(part, list):
        for one in part:
            _close(one)


def read_json(text: str) -> Said:
    """Read the object of ``json``, or a line of ``json-lines``."""
    shown = json.loads(text)
    json_schema().validate(shown)
    reports = shown.get("reports", shown.get("profiles", [shown]))
    findings = [one for report in reports for one in report.get("findings", ())]
    verdict = reports[0].get("verdict", "") if len(reports) == 1 else ""
    return Said(verdict, [one["id"] for one in findings], findings[0]["fixes"][0] if findings else "")


def _read_lines(text: str) -> Said:
    said = [read_json(line) for line in text.split("\n")[:-1]]
    assert text.endswith("\n")
    steps = [one.step for one in said if one.ids]
    return Said(said[0].verdict, [name for one in said for name in one.ids], steps[0] if steps else "")


@cache
def _sarif_schema() -> Any:
    schema = json.loads((_SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    return jsonschema.Draft4Validator(schema)


def read_sarif(text: str) -> Said:
    """Read SARIF by its schema, and what the schema does not say by the standard's words."""
    log = json.loads(text)
    _sarif_schema().validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    prints = [one["partialFingerprints"]["smtpdoctor/v1"] for one in run["results"]]
    assert len(set(prints)) == len(prints)
    for one in run["results"]:
        assert rules[one["ruleIndex"]] == one["ruleId"]
        assert not _links_in(one["message"]["text"])
    steps = run["results"][0]["properties"]["steps"] if run["results"] else []
    verdict = run.get("properties", {}).get("verdict", "")
    return Said(verdict, [one["ruleId"] for one in run["results"]], steps[0] if steps else "")


def _links_in(text: str) -> list[str]:
    """Return the links of a plain message (SARIF 3.11.6): brackets that no odd number of backslashes escapes."""
    return re.findall(r"(?<!\\)(?:\\\\)*\[[^\]]*\]\([^)]*\)", text)


def _read_gitlab(text: str) -> Said:
    found = json.loads(text)
    assert isinstance(found, list)
    prints = [one["fingerprint"] for one in found]
    assert len(set(prints)) == len(prints)
    for one in found:
        # https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
        assert set(one) >= {"description", "check_name", "fingerprint", "severity", "location"}
        assert one["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert one["location"]["path"]
        assert not one["location"]["path"].startswith("./")
        assert one["location"]["lines"]["begin"] >= 1
    heads = [re.match(r"\[(\w+)\]", one["description"]) for one in found]
    verdicts = {head[1] for head in heads if head}
    ids = [one["check_name"].removeprefix("smtpdoctor/") for one in found]
    return Said(verdicts.pop() if len(verdicts) == 1 else "", ids, found[0]["description"] if found else "")


# XML


@cache
def _junit_schema() -> Any:
    return etree.XMLSchema(etree.parse(str(_SCHEMAS / "junit-10.xsd")))


def _read_junit(text: str) -> Said:
    tree = etree.fromstring(text.encode())
    _junit_schema().assertValid(tree)
    cases = tree.findall(".//testcase")
    failed = [kind for kind in ("failure", "error") for case in cases if case.find(kind) is not None]
    assert int(tree.get("tests")) == len(cases)
    assert int(tree.get("failures")) == failed.count("failure")
    assert int(tree.get("errors")) == failed.count("error")
    verdicts = {one.get("value") for one in tree.findall(".//property[@name='verdict']")}
    texts = ["".join(one.itertext()) for one in cases]
    grave = {one.get("type") for kind in ("failure", "error") for one in tree.iter(kind)}
    told = set(
        re.findall(r"(?m)^([a-z0-9-]+): ", "\n".join(one.text or "" for one in tree.iter("system-out")))
    )
    verdict = verdicts.pop() if len(verdicts) == 1 else ""
    assert (verdict in {"pass", "warn"}) or failed
    return Said(verdict, sorted(grave | told), "\n".join(texts))


# Lines


def _decoded(text: str, *, is_property: bool) -> str:
    """Undo the escapes as the runner does it, ``%25`` last."""
    escapes = {"%0D": "\r", "%0A": "\n", **({"%3A": ":", "%2C": ","} if is_property else {})}
    for escape, sign in escapes.items():
        text = text.replace(escape, sign)
    return text.replace("%25", "%")


def read_annotations(text: str) -> list[dict[str, str]]:
    """Read a log as the runner of GitHub Actions does (``ActionCommand.TryParseV2``); each line is to be a command."""
    found = []
    for line in re.split(r"\r\n|\n|\r", text)[:-1]:
        assert line.startswith("::"), line
        end = line.index("::", 2)
        name, _, properties = line[2:end].partition(" ")
        assert name in _LEVELS
        pairs = (one.partition("=") for one in properties.split(",") if one)
        told = {key: _decoded(value, is_property=True) for key, _, value in pairs}
        assert set(told) <= {"file", "line", "title"}
        assert int(told.get("line", "1")) >= 1
        found.append({"level": name, "message": _decoded(line[end + 2 :], is_property=False), **told})
    return found


def _read_github(text: str) -> Said:
    found = read_annotations(text)
    heads = [one["title"].split(": ")[0].removeprefix("smtpdoctor ").split(" ")[0] for one in found]
    ids = [name for one in found if (name := one["title"].rpartition(": ")[2]) in _ids()]
    return Said(heads[0], ids, found[0]["message"] if ids else "")


def _read_nagios(text: str) -> Said:
    line, rest = text.split("\n", 1)
    assert rest == ""
    said, sign, data = line.partition(" | ")
    found = re.fullmatch(r"SMTPDOCTOR (OK|WARNING|CRITICAL|UNKNOWN) - (.*)", said)
    assert found is not None
    assert sign or not data
    assert "|" not in data
    labels = [one.partition("=")[0] for one in data.split()]
    assert len(set(labels)) == len(labels)
    for one in data.split():
        assert re.fullmatch(r"[\w-]+=-?\d+(?:\.\d+)?(?:s;;;0)?", one), one
    verdict, _, words = found[2].partition(": ")
    assert _STATES[found[1]] == verdict
    first = [name for name in re.findall(r"(?:^|: )([a-z0-9-]+)(?=: )", words) if name in _ids()]
    more = re.search(r" \(\+ ([a-z0-9, -]+)\)$", words)
    ids = [*first[:1], *(more[1].split(", ") if more else [])]
    return Said(verdict, ids, words.replace("¦", "|"))


@cache
def _ids() -> frozenset[str]:
    from smtpdoctor.knowledge import load

    return frozenset(load.ids())


def _read_prometheus(text: str) -> Said:
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            assert sample.name.startswith("smtpdoctor_")
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    for told in samples.values():
        keys = [tuple(sorted(labels.items())) for labels, _ in told]
        assert len(set(keys)) == len(keys)
    (verdict,) = [labels["verdict"] for labels, value in samples["smtpdoctor_verdict"] if value == 1]
    found = sorted(
        (int(labels["number"]), labels) for labels, _ in samples.get("smtpdoctor_finding_info", [])
    )
    return Said(verdict, [labels["id"] for _, labels in found], found[0][1].get("step", "") if found else "")


# Pages


def _read_markdown(text: str) -> Said:
    """Render it as GitHub does: no HTML but our two comments, no picture, and a link says where it leads."""
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in text.split("\n"))
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(text)
    words: list[str] = []
    codes: list[str] = []
    for token in tokens:
        if token.type == "html_block":
            assert _OWN_COMMENT.fullmatch(token.content), token.content
        elif token.type == "fence":
            words.append(token.content)
        elif token.type == "inline":
            words.append("".join(_inline(token.children or [], codes)))
        else:
            assert token.type != "code_block"
    verdict = re.search(r"\((pass|warn|fail|inconclusive)\)$", words[0])
    assert verdict is not None
    return Said(verdict[1], [one for one in codes if one in _ids()], " ".join(words))


def _inline(children: list[Any], codes: list[str]) -> Iterator[str]:
    address = None
    for child in children:
        assert child.type not in {"html_inline", "image"}, child
        if child.type == "link_open":
            address = child.attrs["href"]
            assert str(address).startswith(("http://", "https://"))
        elif child.type == "text" and address is not None:
            assert child.content.startswith(("http://", "https://"))
            address = None
        elif child.type == "code_inline":
            codes.append(child.content)
        yield " " if child.type in {"softbreak", "hardbreak"} else child.content


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for child in node.childNodes:
        yield from _walk(child)


def _text_of(node: Any) -> str:
    return "".join(one.data for one in _walk(node) if one.nodeType == Node.TEXT_NODE)


def _read_html(text: str) -> Said:
    """Parse it strictly: elements and attributes that we use and no other, no script, no resource from outside."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("dom"), strict=True)
    document = parser.parse(text)
    elements = [one for one in _walk(document) if one.nodeType == Node.ELEMENT_NODE]
    assert {one.tagName for one in elements} <= _ELEMENTS
    ids = []
    for one in elements:
        attributes = dict(one.attributes.items())
        assert set(attributes) <= _ATTRIBUTES, attributes
        if "href" in attributes:
            assert one.tagName == "a"
            assert attributes["href"].startswith(("https://", "http://", "#"))
        ids += [attributes["id"]] if "id" in attributes else []
    assert len(set(ids)) == len(ids)
    assert [one.tagName for one in elements].count("style") == 1
    policies = [one for one in elements if one.getAttribute("http-equiv") == "Content-Security-Policy"]
    assert [one.getAttribute("content")[:18] for one in policies] == ["default-src 'none'"]
    verdicts = {value for one in elements if (value := one.getAttribute("data-verdict"))}
    languages = [one for one in elements if one.getAttribute("class").startswith("language")]
    names = [
        [
            value
            for one in _walk(part)
            if one.nodeType == Node.ELEMENT_NODE and (value := one.getAttribute("data-id"))
        ]
        for part in languages
    ]
    assert all(one == names[0] for one in names)
    return Said(verdicts.pop() if len(verdicts) == 1 else "", names[0], _text_of(document))


READERS: Final[dict[str, Callable[[str], Said]]] = {
    "json": read_json,
    "json-lines": _read_lines,
    "junit": _read_junit,
    "sarif": read_sarif,
    "github": _read_github,
    "gitlab": _read_gitlab,
    "markdown": _read_markdown,
    "html": _read_html,
    "nagios": _read_nagios,
    "prometheus": _read_prometheus,
}
