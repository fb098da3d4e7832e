"""A record → the failures that it tells of: what the rules make of it, weighed with all else that is seen in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.diagnosis import Context, Match, found_by, matching
from smtpdoctor.knowledge import load
from smtpdoctor.logs.excerpt import excerpt
from smtpdoctor.logs.judged import Judgement
from smtpdoctor.logs.lines import may_tell
from smtpdoctor.logs.lookup import of_entry
from smtpdoctor.logs.reading import Reading, Said, apart, read, said_in, says_failure
from smtpdoctor.logs.records import Record
from smtpdoctor.logs.score import NONE, Verdict, judged
from smtpdoctor.logs.signals import rules_seen, seen_in
from smtpdoctor.model import Confidence, Finding

__all__ = ["Judge", "Weigh", "is_consequence", "weighed"]

_MATCHES: Final = 8  # rules that are looked at, the most special first
_CANDIDATES: Final = 3
_PROBABLE: Final = 0.02
_OVERRULED: Final = 0.7
# A reply alone, by codes that HTTP does not use, and not a count of things.
_REFUSAL: Final = re.compile(r"(?m)^\W{0,4}(?:421|45[0-5]|53[0-8]|55[0-5])[ -][\"'<(]?[A-Z]")

# What is seen, and what the rules say for which entry → how probable each is; None: nothing to go by.
Weigh = Callable[[Sequence[str], Mapping[str, Sequence[str]]], Verdict | None]
_Told = tuple[Finding, Context, int]


def weighed(seen: Sequence[str], rules: Mapping[str, Sequence[str]]) -> Verdict | None:
    """Return how probable each entry is by the fitted weights."""
    scores = load.scores()
    return judged(seen, rules, scores) if scores.ids else None


def is_consequence(effect: str, cause: str) -> bool:
    """Whether the one id is often no more than a consequence of the other."""
    follows = load.entry(effect).follows
    return effect != cause and any(fnmatchcase(cause, pattern) for pattern in follows)


def _are_distinct(ids: Sequence[str]) -> bool:
    """Whether each is a failure of its own, none of them being what another looks like from outside."""
    return len(set(ids)) > 1 and not any(is_consequence(one, other) for one in ids for other in ids)


class Judge(Struct, frozen=True):
    """Says what records tell of.

    ``pasted``: a person chose this text, so that what does not speak of mail may be about it all the same.
    """

    provider: str | None
    pasted: bool
    weigh: Weigh = weighed

    def of(self, record: Record) -> Judgement:
        """Return what a record tells, each failure that stands in it."""
        whole = self._text(record.text)
        if whole is None:
            return ()
        several = list(apart(record.text))
        if len(several) > 1:
            parts = [(start, self._text(text)) for start, text in several]
            found = [(one[0], one[1], start + one[2]) for start, one in parts if one is not None]
            if _are_distinct([one[0].id for one in found]):
                return tuple(found)
        return (whole,)

    def _text(self, text: str) -> _Told | None:
        bare, *whole = said_in(text) or (None,)
        if bare is None:
            return None
        told = self._said(bare)
        for said in whole if told is None or told[0].id == "unclear" else ():
            # The error says nothing, but the settings beside it may be wrong.
            other = self._said(said)
            if other is not None and other[0].id.startswith("config-"):
                return other
        return told

    def _said(self, said: Said) -> _Told | None:
        reading = read(said, self.provider, pasted=self.pasted)
        if reading is None:
            return None
        matches = _matches(reading)
        if matches and not (reading.sure or matches[0].pattern):
            return None
        if not matches and not self._may_fail(reading, said.text):
            return None
        verdict = self.weigh(seen_in(reading, matches, pasted=self.pasted), rules_seen(matches))
        finding = self._finding(reading, matches, verdict, said.text)
        if finding is None:
            return None
        shown = excerpt(said.whole, finding)
        finding = replace(finding, evidence=replace(finding.evidence, text=shown.text))
        return finding, reading.context, said.whole.count("\n", 0, shown.place)

    def _may_fail(self, reading: Reading, text: str) -> bool:
        """Whether a text tells of a failure, though no rule knows it."""
        if reading.evidence.enhanced is not None and reading.sure:
            return True
        if not self.pasted:
            return False
        return _REFUSAL.search(text) is not None or says_failure(text) or any(map(may_tell, text.split("\n")))

    def _finding(
        self, reading: Reading, matches: Sequence[Match], verdict: Verdict | None, text: str
    ) -> Finding | None:
        evidence = reading.evidence
        if verdict is None:
            if matches:
                return found_by(matches[0], iter(matches[1:]), evidence)
            known = reading.sure and (evidence.enhanced is not None or _REFUSAL.search(text) is not None)
            if not known and not says_failure(text):
                return None
            unclear = of_entry(load.entry("unclear"), evidence=evidence)
            return replace(unclear, confidence=Confidence.POSSIBLE)
        chosen = _chosen(verdict, matches)
        if chosen == NONE:
            return None
        match = next((one for one in matches if one.id == chosen), None)
        if match is not None:
            finding = found_by(match, iter(()), evidence)
        else:
            finding = of_entry(load.entry(chosen), evidence=evidence)
        confidence = verdict.confidence(chosen, match.confidence if match is not None else None)
        others = (
            name
            for name, share in verdict.ranked
            if name not in {chosen, NONE, "unclear"} and share > _PROBABLE
        )
        names = tuple(islice(others, _CANDIDATES)) if confidence is not Confidence.CERTAIN else ()
        return replace(finding, confidence=confidence, candidates=names)


def _chosen(verdict: Verdict, matches: Sequence[Match]) -> str:
    """Return what is told: what a rule is sure of, unless all else that is seen speaks against it."""
    best, share = verdict.ranked[0]
    if not matches or matches[0].confidence is Confidence.POSSIBLE or matches[0].id == "unclear":
        return best
    return best if share >= _OVERRULED else matches[0].id


def _matches(reading: Reading) -> list[Match]:
    """Return the rules that fit, the most special first; a stage alone is no failure."""
    evidence = reading.evidence
    found = list(islice(matching(evidence, reading.context), _MATCHES))
    told = evidence.code or evidence.enhanced or evidence.error or evidence.labels
    if found and not (found[0].pattern or told):
        found = list(islice(matching(replace(evidence, stage=None), reading.context), _MATCHES))
    return found
