"""Evidence → findings. Pure: live probes and pasted logs share it.

All rules of the catalogue, and the provider's own replies, are held against the evidence; the most
special one that fits decides (``Rule.score``), and the next ones are the candidates.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import matches, possible
from smtpdoctor.knowledge.schema import Alternative, Conditions, Reply, Rule, When
from smtpdoctor.labels import Label, is_suspicion, meaning
from smtpdoctor.model import Confidence, Evidence, Finding, SettingName, Settings, Severity, Stage

__all__ = [
    "CERTAINTY",
    "GRAVITY",
    "Context",
    "Match",
    "diagnose",
    "found_by",
    "holds",
    "matching",
    "order",
    "placed",
    "ties",
]

_MAX_TEXT: Final = 16_384  # a longer text says nothing more
_MAX_CANDIDATES: Final = 3
_PERMANENT: Final = 500  # RFC 5321 section 4.2.1: 5yz, a permanent negative reply
_REPLY_SCORE: Final = 50  # the provider's own words beat any general rule but a label
_TELLING: Final = 20  # characters of a provider's own words, without its code
CERTAINTY: Final = {Confidence.CERTAIN: 0, Confidence.LIKELY: 1, Confidence.POSSIBLE: 2}
GRAVITY: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


class Context(Struct, frozen=True, kw_only=True):
    """What is known beside the evidence; ``labels`` are those of the config stage."""

    settings: Settings = Settings()
    provider: str | None = None
    library: str | None = None
    labels: frozenset[Label] = frozenset()


class Match(Struct, frozen=True):
    """An entry that fits evidence: how special the rule was that led there, and how sure it is.

    ``severity`` None: the entry's own; ``reply`` is the index of the provider's reply that decided.
    """

    score: float
    id: str
    confidence: Confidence
    severity: Severity | None = None
    reply: int | None = None
    pattern: str = ""


def _enhanced_fits(wanted: tuple[str, ...], enhanced: str | None) -> bool:
    return enhanced is not None and any(
        one == enhanced or (one.startswith("x.") and one[1:] == enhanced[1:]) for one in wanted
    )


def holds(when: Conditions | None, evidence: Evidence, context: Context) -> bool:
    """Whether all conditions but the text hold."""
    if when is None:
        return True
    labels = evidence.labels
    if isinstance(when, When):
        labels |= context.labels  # an advice may depend on what the config stage saw
        if when.app and context.settings.app not in when.app:
            return False
        if when.words and not any(word in evidence.text.lower() for word in when.words):
            return False
        if when.unless is not None and _all_hold(when.unless, evidence, context, labels):
            return False
    return _all_hold(when, evidence, context, labels)


def _all_hold(when: Conditions, evidence: Evidence, context: Context, labels: frozenset[Label]) -> bool:
    settings = context.settings
    port = settings.port.value if settings.port else None
    security = settings.security.value if settings.security else None
    # The conditions that most often fail come first.
    return (
        (not when.label or not labels.isdisjoint(when.label))
        and (not when.error or evidence.error in when.error)
        and (not when.code or evidence.code in when.code)
        and (not when.stage or evidence.stage in when.stage)
        and (not when.enhanced or _enhanced_fits(when.enhanced, evidence.enhanced))
        and (not when.setting or (evidence.setting or "unknown") in when.setting)
        and (not when.provider or (context.provider or "unknown") in when.provider)
        and (not when.port or port in when.port)
        and (not when.security or security in when.security)
        and (not when.library or context.library in when.library)
    )


def _matching(rule: Rule, text: str, lowered: str) -> str | None:
    """Return the pattern of a rule that occurs in a text, "" where it needs none, None where none does."""
    if not rule.text:
        return ""
    pairs = zip(rule.text, rule.atoms, strict=True)
    return next((one for one, atoms in pairs if possible(atoms, lowered) and matches(one, text)), None)


def _by_rules(evidence: Evidence, context: Context, text: str) -> Iterator[Match]:
    """Yield the entries that fit, each by its most special rule, the most special first."""
    text = text[:_MAX_TEXT]
    lowered = text.lower()
    found: set[str] = set()
    for rule in load.rule_sieve().fitting(lowered):
        if rule.entry in found or not holds(rule, evidence, context):
            continue
        pattern = _matching(rule, text, lowered)
        if pattern is not None:
            found.add(rule.entry)
            yield Match(rule.score, rule.entry, rule.confidence, rule.severity, pattern=pattern)


def _codes_fit(reply: Reply, evidence: Evidence) -> bool:
    """Whether the codes are those of a provider's reply.

    Words alone count only where no code was seen at all, and where nobody else speaks like that: a
    connection that was refused is no server that says "Connection refused" of the next one.
    """
    code, enhanced = evidence.code, evidence.enhanced
    if code is None and enhanced is None:
        return evidence.error is None and len(reply.text) >= _TELLING and " " in reply.text
    if enhanced is None and reply.code is None and reply.enhanced is not None:
        return reply.enhanced[0] == str(code)[0]
    same = enhanced is None or reply.enhanced in {None, enhanced}
    return same and (code is None or reply.code in {None, code})


def _reply_fits(reply: Reply, evidence: Evidence, text: str) -> bool:
    """Whether a reply of a provider is what the other side said: its codes, its stage and its words."""
    return (
        reply.text.lower() in text
        and (reply.stage == "any" or evidence.stage is None or evidence.stage == reply.stage)
        and _codes_fit(reply, evidence)
    )


def _alternative_holds(alt: Alternative, evidence: Evidence, context: Context) -> bool:
    """Whether the other meaning of a reply is the one here.

    In a log nobody sees the password; where a provider takes app passwords only, a normal one is by
    far the commonest reason of a refusal.
    """
    if (context.labels | evidence.labels).intersection(alt.when):
        return True
    preset = load.preset_with_id(context.provider)
    unseen = context.settings.password is None and Label.PASSWORD_FORM in alt.when
    return unseen and preset is not None and preset.password.kind == "app-password"


def _by_replies(evidence: Evidence, context: Context, text: str) -> Iterator[Match]:
    """Yield what the provider means by its words: the best first, then its other meaning."""
    if context.provider is None or not text:
        return
    lowered = text.lower()
    best: tuple[float, int, Reply] | None = None
    for number, reply in enumerate(load.replies(context.provider)):
        if not _reply_fits(reply, evidence, lowered):
            continue
        score = (
            (_REPLY_SCORE + min(len(reply.text), 60) / 2 if reply.text else 30)
            + 4 * (reply.code is not None)
            + 8 * (reply.enhanced is not None)
            + 2 * (reply.stage != "any")
        )
        if best is None or score > best[0]:
            best = (score, number, reply)
    if best is None:
        return
    score, number, reply = best
    diagnosis, other, confidence = reply.diagnosis, None, Confidence.CERTAIN
    if reply.alt:
        other, confidence = reply.alt.diagnosis, Confidence.LIKELY
        if _alternative_holds(reply.alt, evidence, context):
            diagnosis, other = other, diagnosis
    yield Match(score, diagnosis, confidence, reply=number, pattern=re.escape(reply.text))
    if other is not None:
        yield Match(score - 1, other, Confidence.POSSIBLE)


def _whole_text(evidence: Evidence) -> str:
    """Return the text with the code in front, as a log would have it."""
    if evidence.code is None or evidence.text.startswith(str(evidence.code)):
        return evidence.text
    return f"{evidence.code} {evidence.text}"


def matching(evidence: Evidence, context: Context) -> Iterator[Match]:
    """Yield all that fits, the most special first; nothing is looked at before it is asked for."""
    text = _whole_text(evidence)
    return heapq.merge(
        _by_rules(evidence, context, text),
        _by_replies(evidence, context, text),
        key=lambda match: (-match.score, match.id),
    )


def diagnose(evidence: Evidence, context: Context) -> Finding | None:
    """Return the cause behind one piece of evidence, or None where nothing fits."""
    found = matching(evidence, context)
    best = next(found, None)
    return found_by(best, found, evidence) if best is not None else None


def found_by(best: Match, others: Iterator[Match], evidence: Evidence) -> Finding:
    """Return the finding of what fits best; of the others the next ones are candidates where it is not certain."""
    names: dict[str, None] = {}
    if best.confidence is not Confidence.CERTAIN:
        candidates = (match.id for match in others if match.id != best.id)
        while len(names) < _MAX_CANDIDATES and (name := next(candidates, None)) is not None:
            names[name] = None
    entry = load.entry(best.id)
    return Finding(
        id=best.id,
        stage=evidence.stage or entry.stage,
        severity=best.severity or entry.severity,
        confidence=best.confidence,
        fault=entry.fault,
        retryable=entry.retryable and not _for_good(evidence, entry.stage),
        evidence=evidence,
        candidates=tuple(names),
        reply=best.reply,
        pattern=best.pattern,
    )


def _for_good(evidence: Evidence, usual: Stage) -> bool:
    """Whether a failure does not pass by itself: by a label, or by 5yz instead of the greeting or to STARTTLS.

    At the greeting the address or all mail is refused (RFC 5321 section 3.1, RFC 7504), at STARTTLS a
    server says 454 where TLS is not available for the moment (RFC 3207 section 4).
    """
    if any(meaning(label, evidence.setting).lasts for label in evidence.labels):
        return True
    before_login = (evidence.stage or usual) in {Stage.GREETING, Stage.TLS}
    return before_login and evidence.code is not None and evidence.code >= _PERMANENT


def ties(evidence: Evidence, context: Context) -> list[str]:
    """Return the ids that claim the evidence with the same, highest score: a defect of the catalogue."""
    found = list(matching(evidence, context))
    return sorted(match.id for match in found if match.score == found[0].score)


def placed(finding: Finding, settings: Settings) -> Finding:
    """Return the finding with the place of the setting that is at fault, where its entry names one."""
    name = load.entry(finding.id).setting
    setting = settings.get(name) if name and finding.evidence.setting is None else None
    if setting is None:
        return finding
    return replace(finding, evidence=replace(finding.evidence, setting=name, origin=setting.origin))


def order(findings: list[Finding], failed: Stage | None) -> tuple[Finding, ...]:
    """Put the root cause first: errors before warnings, an earlier stage before a later one.

    A suspicion of the config stage is the cause where it explains the stage that failed, else a
    remark: what the server said decides. A misspelt name is the cause of what is missing. One cause
    is told once: the config stage's origin joins the live evidence.
    """
    merged: list[Finding] = []
    for finding in findings:
        place = next((at for at, known in enumerate(merged) if _is_same(known, finding)), None)
        if place is None:
            merged.append(finding)
        else:
            merged[place] = _joined(merged[place], finding)
    told = {
        one.evidence.setting
        for one in merged
        if one.severity is Severity.ERROR and one.stage is not Stage.CONFIG
    }
    certain = any(_is_certain(one) for one in merged)
    absent = any(not _ABSENT.isdisjoint(one.evidence.labels) for one in merged)
    merged = [
        replace(one, severity=Severity.ERROR) if absent and Label.NEAR_NAME in one.evidence.labels else one
        for one in merged
    ]
    stages = list(Stage)

    def explains(finding: Finding) -> bool:
        return failed is not None and _explains(finding, failed, certain=certain)

    def rank(finding: Finding) -> tuple[int, bool, int, int]:
        severity, remark = GRAVITY[finding.severity], False
        if absent and Label.NEAR_NAME in finding.evidence.labels:
            severity = -1
        elif failed is not None and _is_suspicion(finding):
            remark = not explains(finding)
            severity = severity if remark else -1
        return severity, remark, stages.index(finding.stage), CERTAINTY[finding.confidence]

    return tuple(sorted((one for one in merged if explains(one) or not _says_less(one, told)), key=rank))


# Something is not set that has to be; a name that nobody reads may have been meant to set it.
_ABSENT: Final = frozenset({Label.MISSING, Label.NO_CREDENTIALS, Label.HALF_LOGIN, Label.NOT_LOGGED_IN})
_NAMES: Final = frozenset({Label.NEAR_NAME, Label.FOREIGN_NAME})
# What is to be mended in each line by itself.
_EACH: Final = frozenset(
    {
        Label.UNREAD_NAME, Label.NO_EFFECT, Label.WORD_NOT_READ, Label.WORD_REFUSED, Label.OPPOSITE_MEANING,
        Label.QUOTES_KEPT, Label.COMMENT_KEPT, Label.VALUE_CUT, Label.BLANKS_KEPT, Label.BLANKS_LOST,
        Label.TRAILING_NEWLINE, Label.CARRIAGE_RETURN, Label.EXPANDED, Label.ESCAPED, Label.REPLACED, Label.SERVER_NAMED,
        Label.FILE_SYNTAX, Label.FILE_MISSING, Label.FILE_CYCLE, Label.FILE_REQUIRED, Label.FILE_LIMIT,
        Label.NO_CHECK,
    }
)  # fmt: skip
_LOGIN: Final = frozenset({"username", "password"})


def _is_same(known: Finding, finding: Finding) -> bool:
    """Whether two findings are one cause: of one entry, and not about two different settings."""
    if known.id != finding.id:
        return False
    one, other = known.evidence.setting, finding.evidence.setting
    if known.stage is not Stage.CONFIG or finding.stage is not Stage.CONFIG:
        return one is None or other is None or one == other or {one, other} <= _LOGIN
    if known.evidence.origin != finding.evidence.origin and not _EACH.isdisjoint(finding.evidence.labels):
        return False
    # Names that nobody reads are told together, whatever each was meant to set.
    return one == other or (known.evidence.labels | finding.evidence.labels) <= _NAMES


def _is_certain(finding: Finding) -> bool:
    """Whether the network has shown the cause of an error beyond doubt."""
    live = finding.stage is not Stage.CONFIG and finding.severity is Severity.ERROR
    return live and finding.confidence is Confidence.CERTAIN


def _is_suspicion(finding: Finding) -> bool:
    evidence = finding.evidence
    return finding.stage is Stage.CONFIG and is_suspicion(evidence.labels, evidence.setting)


def _explains(finding: Finding, failed: Stage, *, certain: bool) -> bool:
    """Whether what is suspected of a setting is why the stage failed."""
    setting = finding.evidence.setting
    meanings = [meaning(label, setting) for label in finding.evidence.labels]
    return any(failed in one.explains and not (one.yields and certain) for one in meanings)


def _says_less(finding: Finding, told: set[SettingName | None]) -> bool:
    """Whether what the server said of the same login or sender has made a suspicion needless."""
    setting = finding.evidence.setting
    same = setting in told or (setting in _LOGIN and bool(_LOGIN & told))
    return same and finding.severity is not Severity.ERROR and _is_suspicion(finding)


def _joined(first: Finding, second: Finding) -> Finding:
    """Return one finding of two with the same id: the graver one, with what the other knows beside.

    How grave a suspicion is, the network has shown.
    """
    live, config = (second, first) if first.stage is Stage.CONFIG else (first, second)
    if config.stage is not Stage.CONFIG:
        return first
    evidence = replace(
        live.evidence,
        origin=live.evidence.origin or config.evidence.origin,
        setting=live.evidence.setting or config.evidence.setting,
        labels=live.evidence.labels | config.evidence.labels,
        facts={**config.evidence.facts, **live.evidence.facts},
    )
    severity = min(live.severity, config.severity, key=GRAVITY.__getitem__)
    if _is_suspicion(config):
        severity = live.severity
    return replace(live, evidence=evidence, severity=severity)
