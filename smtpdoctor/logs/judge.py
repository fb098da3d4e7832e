"""A record → the failures that it tells of: what the rules make of it, and whether it is one by all that is seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.diagnosis import CERTAINTY, Context, Match, found_by, matching
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import any_of
from smtpdoctor.knowledge.patterns import matches as occurs
from smtpdoctor.late import Late
from smtpdoctor.logs.codes import token_in
from smtpdoctor.logs.dialogue import speaks
from smtpdoctor.logs.excerpt import excerpt
from smtpdoctor.logs.judged import Judgement
from smtpdoctor.logs.lines import denied, fails, is_refusal_of_own_client, is_report, is_statement, may_tell
from smtpdoctor.logs.lookup import is_common, of_entry
from smtpdoctor.logs.reading import Reading, Said, apart, read, said_in, says_failure
from smtpdoctor.logs.records import Record, goes_on
from smtpdoctor.logs.score import confidence_of, share_of
from smtpdoctor.logs.signals import is_told_in_prose, seen_in, stands_alone
from smtpdoctor.model import Confidence, Finding

__all__ = ["Judge", "Weigh", "is_consequence", "weighed"]

_MATCHES: Final = 8  # rules that are looked at, the most special first
# A reply alone, by codes that HTTP does not use, and not a count of things.
_REFUSAL: Final = re.compile(r"(?m)^\W{0,4}(?:421|45[0-5]|53[0-8]|55[0-5])[ -][\"'<(]?[A-Z]")

# Behind it stands what could be the cause, as far as no server says so in its reply.
_ADVICE: Final = Late(
    r"\b(?:possible (?:causes?|reasons?)|please (?:check|verify|make sure|ensure)|make sure (?:that|the|your)"
    r"|check (?:that|if|whether)|(?:may|might|could) be (?:because|due|caused)|for example)\b",
    re.IGNORECASE,
)
# What stands in a program's source may be its own words, and has happened nowhere.
_OF_PROGRAMS: Final = frozenset({"within code", "is.test"})
_REPLY: Final = re.compile(r"\b[45]\d\d[ -]|\b[45]\.\d\.\d")

# What is seen → how probable a failure is, in hundredths; None: nothing to go by but the rules.
Weigh = Callable[[Sequence[str]], float | None]
_Told = tuple[Finding, Context, int]


def weighed(seen: Sequence[str]) -> float | None:
    """Return how probable a failure is by the fitted weights."""
    return share_of(seen, load.scores())


def is_consequence(effect: str, cause: str) -> bool:
    """Whether the one id is often no more than a consequence of the other."""
    follows = load.entry(effect).follows
    return effect != cause and any(fnmatchcase(cause, pattern) for pattern in follows)


def _are_distinct(ids: Sequence[str]) -> bool:
    """Whether each is a failure of its own, none of them being what another looks like from outside."""
    return len(set(ids)) > 1 and not any(is_consequence(one, other) for one in ids for other in ids)


def _is_anybodys(finding: Finding, reading: Reading, said: Said) -> bool:
    """Whether a failure is one that any program on a network has, with not one word in its text that is of mail.

    A web server hangs up, a certificate of one has expired, and nothing tells which it was.
    """
    evidence, context, hints = reading.evidence, reading.context, load.hints()
    if not is_common(finding.id) or evidence.code is not None or evidence.enhanced is not None:
        return False
    if context.provider is not None or context.library is not None:
        return False
    return not (any_of(hints.mail, said.whole) or any_of(hints.perhaps_mail, said.whole))


def _no_surer(part: Finding, whole: Finding) -> Finding:
    """Return the finding of a part: a list of failures in a manual has parts that look like any other."""
    return replace(part, confidence=max(part.confidence, whole.confidence, key=CERTAINTY.__getitem__))


class Judge(Struct, frozen=True):
    """Says what records tell of.

    ``pasted``: a person chose this text, so that what does not speak of mail may be about it all the same.
    ``app``: the application in whose names steps are told.
    """

    provider: str | None
    pasted: bool
    weigh: Weigh = weighed
    app: str | None = None

    def of(self, record: Record) -> Judgement:
        """Return what a record tells, each failure that stands in it."""
        whole = self._text(record.text)
        if whole is None:
            return ()
        several = list(apart(record.text))
        if len(several) > 1:
            parts = [(start, self._text(text)) for start, text in several if not _only_states(text)]
            found = [(one[0], one[1], start + one[2]) for start, one in parts if one is not None]
            if _are_distinct([one[0].id for one in found]):
                return tuple((_no_surer(one[0], whole[0]), *one[1:]) for one in found)
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
        reading = read(said, self.provider, pasted=self.pasted, app=self.app)
        if reading is None:
            return None
        matches = _matches(reading)
        if matches and not (reading.sure or matches[0].pattern):
            return None
        if not matches and not reading.sure and not self._may_fail(reading, said.text):
            return None
        parted = _without_statements(said, reading, matches[0]) if self.pasted and matches else None
        beside = self._said(parted[0]) if parted is not None else None
        if parted is not None and beside is not None:
            # A statement may be what was seen: "I get a timeout".
            same = beside[0].id == matches[0].id
            if same or not _says_failure_itself(parted[1]):
                return beside
        finding = self._finding(reading, matches, said)
        if finding is None:
            return None
        if parted is not None or (self.pasted and _only_states(said.text) and not _says_failure_itself(said)):
            finding = replace(finding, confidence=Confidence.POSSIBLE)
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

    def _least(self, seen: Sequence[str], matches: Sequence[Match]) -> int:
        """Return how probable a failure has to be, in hundredths."""
        scores = load.scores()
        return scores.alone if matches and stands_alone(seen) else scores.told

    def _finding(self, reading: Reading, matches: Sequence[Match], said: Said) -> Finding | None:
        # A line of a log stands there because a program wrote it; what a person pastes may be anything.
        seen = seen_in(reading, matches) if self.pasted else ()
        share = self.weigh(seen) if self.pasted else None
        # By what they are these tell of mail that was refused: it is no less probable than what has to be told.
        if share is not None and (
            is_report(said.whole) or (matches and is_refusal_of_own_client(reading.lines))
        ):
            share = max(share, load.scores().told)
        if share is not None and matches and _is_refused(reading):
            share = max(share, load.scores().likely)
        if share is not None and share < self._least(seen, matches):
            return None
        evidence = reading.evidence
        if matches:
            finding = found_by(matches[0], iter(matches[1:]), evidence)
        else:
            weighty = (
                share is not None or evidence.enhanced is not None or _REFUSAL.search(said.text) is not None
            )
            known = reading.sure and weighty
            if not known and not says_failure(said.text):
                return None
            unclear = of_entry(load.entry("unclear"), evidence=evidence)
            finding = replace(unclear, confidence=Confidence.POSSIBLE)
        if _is_anybodys(finding, reading, said):
            return replace(finding, confidence=Confidence.POSSIBLE)
        if share is None:
            return finding
        confidence = confidence_of(share, finding.confidence, load.scores())
        if confidence is Confidence.CERTAIN and (is_told_in_prose(seen) or not _OF_PROGRAMS.isdisjoint(seen)):
            confidence = Confidence.LIKELY
        return replace(finding, confidence=confidence)


def _is_refused(reading: Reading) -> bool:
    """Whether a text shows the commands of a dialogue, and the refusal that ended it."""
    return reading.talk is not None and reading.talk.refusal is not None


def _only_states(text: str) -> bool:
    """Whether a text is nothing but what a person tells of how things are."""
    return all(is_statement(line) for line in text.split("\n") if line.strip())


def _without_statements(said: Said, reading: Reading, best: Match) -> tuple[Said, Said] | None:
    """Return the rest, and the statements around it, where the best of all is known by these alone.

    None where it is known by anything else, or where nothing is left that failed.
    """
    first, last = 0, len(said.lines)
    while first < last and _is_beside(said.lines[first]):
        first += 1
    while first < last and _is_beside(said.lines[last - 1]):
        last -= 1
    rest = tuple(map(_without_advice, said.lines[first:last]))
    stated = (*said.lines[:first], *said.lines[last:])
    if rest == said.lines or not any(map(fails, rest)):
        return None
    known = any(_tells_it(line, reading, best) for line in said.lines)
    if not known or any(_tells_it(line, reading, best) for line in rest):
        return None
    return Said(rest, said.whole), Said(stated, said.whole)


def _is_beside(line: str) -> bool:
    return not line.strip() or is_statement(line)


def _without_advice(line: str) -> str:
    found = _ADVICE.search(line)
    return line if found is None or _REPLY.search(line) else line[: found.start()]


def _tells_it(line: str, reading: Reading, best: Match) -> bool:
    if best.pattern:
        return occurs(best.pattern, line)
    error = reading.evidence.error
    return error is not None and token_in(line) == error


def _says_failure_itself(stated: Said) -> bool:
    """Whether a statement says that something failed: "I get a timeout since yesterday"."""
    return any(any_of(load.hints().failure, denied(line)) for line in stated.lines)


def _parted(reading: Reading) -> tuple[str, str]:
    """Return the lines of the reply in a text, and those around it; two empty texts where they are not to be told apart."""
    code, enhanced = reading.evidence.code, reading.evidence.enhanced
    codes = [str(one) for one in (code, enhanced) if one is not None]
    said: list[str] = []
    around: list[str] = []
    goes = False
    for line in reading.lines.split("\n"):
        if any(one in line for one in codes) or (goes and line):
            said.append(line)
            goes = line.endswith((":", ",")) or goes_on(line)
        elif speaks(line):
            return "", ""  # in a dialogue all that was said before counts
        else:
            around.append(line)
            goes = False
    return " ".join(said), " ".join(around)


def _told_by_reply(reading: Reading, best: Match) -> list[Match]:
    """Return what the words of the reply alone say, where the best of all comes from the words around it."""
    said, around = _parted(reading)
    if not said or not (best.pattern and occurs(best.pattern, around)):
        return []
    found = list(islice(matching(replace(reading.evidence, text=said), reading.context), _MATCHES))
    telling = found and found[0].pattern and found[0].confidence is not Confidence.POSSIBLE
    if not telling or is_consequence(found[0].id, best.id):
        return []  # "cannot authenticate", below the token that was refused
    return found if best.id not in {one.id for one in found} else []


def _matches(reading: Reading) -> list[Match]:
    """Return the rules that fit, the most special first; a stage alone is no failure.

    What the words of the reply itself say comes before what stands around it.
    """
    evidence = reading.evidence
    found = list(islice(matching(evidence, reading.context), _MATCHES))
    if found and (by_reply := _told_by_reply(reading, found[0])):
        ids = {one.id for one in by_reply}
        return [*by_reply, *(one for one in found if one.id not in ids)]
    told = evidence.code or evidence.enhanced or evidence.error or evidence.labels
    if found and not (found[0].pattern or told):
        found = list(islice(matching(replace(evidence, stage=None), reading.context), _MATCHES))
    return _cause_first(found)


def _cause_first(found: list[Match]) -> list[Match]:
    """Put a cause that words leave no doubt of before what is often no more than its consequence."""
    if not found or found[0].confidence is Confidence.CERTAIN:
        return found
    causes = (one for one in found[1:] if one.pattern and one.confidence is Confidence.CERTAIN)
    cause = next((one for one in causes if is_consequence(found[0].id, one.id)), None)
    return found if cause is None else [cause, *(one for one in found if one is not cause)]
