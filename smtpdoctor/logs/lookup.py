"""A word → entries: an id of the catalogue, a reply code, an enhanced status code, an error token."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.diagnosis import Context, diagnose
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import any_of
from smtpdoctor.knowledge.schema import Entry, Reply
from smtpdoctor.model import Confidence, Evidence, Finding, Stage

__all__ = ["Looked", "is_common", "look_up", "of_entry"]

# What goes before the first word of SMTP goes before that of any protocol.
_COMMON: Final = frozenset({Stage.DNS, Stage.CONNECT, Stage.TLS})
_OF_PORTS: Final = "config-tls-mode"  # "wrong version number" is what a web server hears as well


class Looked(Struct, frozen=True):
    """What a word stands for: the finding, the next ids, and what the provider means by it."""

    finding: Finding
    replies: tuple[Reply, ...] = ()


def of_entry(entry: Entry, *candidates: str, evidence: Evidence | None = None) -> Finding:
    """Return a finding that stands for an entry itself."""
    return Finding(
        id=entry.id,
        stage=entry.stage,
        severity=entry.severity,
        confidence=Confidence.POSSIBLE if candidates else Confidence.CERTAIN,
        fault=entry.fault,
        retryable=entry.retryable,
        evidence=evidence or Evidence(stage=entry.stage),
        candidates=candidates,
    )


def is_common(name: str) -> bool:
    """Whether a failure of that id is told in words that programs have for any connection, not for mail alone."""
    return load.entry(name).stage in _COMMON or name == _OF_PORTS


def _ids_with(*, code: int | None = None, enhanced: str | None = None, error: str | None = None) -> list[str]:
    """Return the ids whose rules name the code or token, the plainest rule first."""
    found: dict[str, float] = {}
    for rule in load.rules():
        if rule.label or rule.text:
            continue
        named = (
            (code is not None and code in rule.code)
            or (enhanced is not None and (enhanced in rule.enhanced or f"x{enhanced[1:]}" in rule.enhanced))
            or (error is not None and error in rule.error)
        )
        if named:
            found[rule.entry] = min(rule.score, found.get(rule.entry, 1e9))
    return sorted(found, key=lambda name: (found[name], name))


def _token(word: str) -> str | None:
    tokens = {token for rule in load.rules() for token in rule.error}
    by_case = {token.lower(): token for token in tokens}
    if word.lower() in by_case:
        return by_case[word.lower()]
    from smtpdoctor.logs.codes import token_in

    return token_in(word)


def look_up(word: str, provider: str | None) -> Looked | None:
    """Return what a single word stands for, or None where it is none of ours."""
    word = word.strip()
    if word.lower() in load.ids():
        return Looked(of_entry(load.entry(word.lower())))
    if re.fullmatch(r"[2-5]\d\d", word):
        evidence = Evidence(code=int(word))
        ids = list(load.hints().bare_code.get(word, ())) or _ids_with(code=int(word))
    elif re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", word):
        evidence = Evidence(enhanced=word)
        ids = _ids_with(enhanced=word)
    elif re.fullmatch(r"[A-Za-z][\w-]{2,60}", word) and (token := _token(word)) is not None:
        evidence = Evidence(error=token)
        ids = _ids_with(error=token)
    else:
        return None
    replies = tuple(
        reply
        for reply in load.replies(provider or "")
        if (evidence.code is not None and reply.code == evidence.code)
        or (evidence.enhanced is not None and reply.enhanced == evidence.enhanced)
    )
    best = diagnose(evidence, Context(provider=provider))
    if best is not None:
        ids = [best.id, *(name for name in ids if name != best.id)]
    if ids:
        finding = of_entry(load.entry(ids[0]), *ids[1:7], evidence=evidence)
        anybodys = evidence.error is not None and is_common(ids[0]) and not any_of(load.hints().mail, word)
        if anybodys and provider is None:
            finding = replace(finding, confidence=Confidence.POSSIBLE)
        return Looked(finding, replies)
    if replies:
        entry = load.entry(replies[0].diagnosis)
        return Looked(of_entry(entry, evidence=evidence), replies)
    return None
