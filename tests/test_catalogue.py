"""Every entry of the catalogue: its examples and near misses are its tests, and it says what it must."""

from __future__ import annotations

from pathlib import Path

import pytest
import re2

from smtpdoctor.advice import advise
from smtpdoctor.diagnosis import Context, diagnose, ties
from smtpdoctor.explain import explain_text
from smtpdoctor.explain.lookup import of_entry
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.placeholders import PLACEHOLDER
from smtpdoctor.knowledge.schema import Entry, Example, ExampleEvidence, NearMiss
from smtpdoctor.model import Evidence, Lang, Origin, Setting, Settings

KNOWN = load.from_sources()
FACTS = Path(__file__).parent / "data" / "diagnoses.txt"


def _evidence(given: ExampleEvidence) -> Evidence:
    return Evidence(
        stage=given.stage,
        code=given.code,
        enhanced=given.enhanced,
        error=given.error,
        text=given.text,
        labels=frozenset(given.labels),
        setting=given.setting,
    )


def _context(given: ExampleEvidence, provider: str | None) -> Context:
    origin = Origin("default", "example")
    settings = Settings(
        port=Setting(given.port, origin) if given.port else None,
        security=Setting(given.security, origin) if given.security else None,
    )
    return Context(settings=settings, provider=provider)


def _outcome(case: Example | NearMiss) -> str:
    provider = case.provider if case.provider in KNOWN.presets else None
    if case.evidence is not None:
        found = diagnose(_evidence(case.evidence), _context(case.evidence, provider))
        return found.id if found else "none"
    explained = explain_text(case.text, provider=provider)
    return explained[0].finding.id if explained else "none"


EXAMPLES = [
    pytest.param(entry, example, id=f"{name}-{number}")
    for name, entry in KNOWN.entries.items()
    for number, example in enumerate(entry.example, 1)
]
NEAR_MISSES = [
    pytest.param(entry, near, id=f"{name}-{number}")
    for name, entry in KNOWN.entries.items()
    for number, near in enumerate(entry.near_miss, 1)
]
ENTRIES = [pytest.param(entry, id=name) for name, entry in KNOWN.entries.items()]


@pytest.mark.parametrize(("entry", "example"), EXAMPLES)
def test_an_example_is_diagnosed_as_its_entry(entry: Entry, example: Example) -> None:
    """What an entry gives as its example must lead to it."""
    assert _outcome(example) == entry.id


@pytest.mark.parametrize(("entry", "near"), NEAR_MISSES)
def test_a_near_miss_is_something_else(entry: Entry, near: NearMiss) -> None:
    """What looks alike must lead to the entry that it names."""
    assert _outcome(near) == near.id != entry.id


@pytest.mark.parametrize(("entry", "example"), EXAMPLES)
def test_no_two_entries_claim_an_example_equally(entry: Entry, example: Example) -> None:
    """A tie is decided by nothing but the alphabet, so there must be none."""
    if example.evidence is not None:
        provider = example.provider if example.provider in KNOWN.presets else None
        evidence = _evidence(example.evidence)
        assert ties(evidence, _context(example.evidence, provider)) == [entry.id]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_reads_well_without_any_settings(entry: Entry, lang: Lang) -> None:
    """`explain <id>` knows no settings: there is a fix all the same, and no placeholder is left."""
    advice = advise(of_entry(entry), Context(), lang)
    assert advice.fixes
    for text in (advice.title, advice.meaning, advice.sure, *advice.fixes):
        assert text.strip() == text
        assert not PLACEHOLDER.search(text)


@pytest.mark.parametrize("entry", ENTRIES)
def test_patterns_are_re2(entry: Entry) -> None:
    """All patterns are matched by RE2, which knows less than Python's re."""
    for rule in entry.match:
        for pattern in rule.text:
            re2.compile(pattern)


def test_every_id_has_its_file() -> None:
    """An id is for ever: none of the founding ones may disappear."""
    assert set(FACTS.read_text().split()) <= set(KNOWN.entries)
