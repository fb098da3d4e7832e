"""A record → evidence: codes, error tokens, stage, library, provider; or None where it is no mail failure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import cache
from itertools import islice
from typing import Any, Final

import re2
from msgspec import Struct

from smtpdoctor.diagnosis import Context
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import automaton, matches
from smtpdoctor.labels import Label
from smtpdoctor.logs.codes import codes_in
from smtpdoctor.logs.dialogue import dialogue
from smtpdoctor.logs.records import Record
from smtpdoctor.model import Evidence, Origin, Setting, Settings

__all__ = ["Reading", "Subject", "read", "says_failure", "speaks_of_no_sending", "subject_of", "token_in"]

_TLS_PORTS: Final = frozenset({465, 2465})
_SILENCE: Final = frozenset({"timeout", "ETIMEDOUT", "eof", "ECONNRESET"})
_DNS_TOKENS: Final = frozenset({"nxdomain", "no-address", "servfail", "dns-timeout", "EAI_AGAIN"})
_REFUSED: Final = 535
_REPORT_FIELD: Final = re.compile(r"\b((?:Remote|Reporting|Received-From)-MTA): {0,40}dns;", re.IGNORECASE)
# qmail-send writes its report with an underscore for each blank.
_QMAIL_REPORT: Final = re.compile(r"\bdelivery \d{1,20}: (?:failure|deferral): \S+")
_BLANKS: Final = re.compile(r"[ \t]{2,}")
# A reply as hardly another protocol has it; its server may well speak of the database that it lacks.
_REPLY_FIRST: Final = re.compile(r"\W{0,4}(?:421|45\d|55\d)[ -]")
# Failures that were none: "0 errors", "without failure", "not refused", "after timeout succeeded".
_NO_FAILURE: Final = re.compile(
    r"\b(?:0|no|not|without(?: any)?)\W{1,8}(?:\w{1,40}\W{1,8})?(?:errors?|fail\w{0,20}|refused|rejected|expired|time-?outs?)\b"
    r"|\bsucceeded after [\w ]{1,40}",
    re.IGNORECASE,
)
_SHORT: Final = 400
_FEW: Final = 4

_PORT: Final = re.compile(
    r"(?:[\w\])]:|port\W{0,3}(?:=>?)?\W{0,2}|PORT=['\"]?)(25|465|587|2525|2465|2587|1025)\b", re.IGNORECASE
)
_OF_HOST: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")
_LONGEST_HOST: Final = 253  # RFC 1035 section 2.3.4
_MANY: Final = 50  # names that look like a provider's and are none


class Subject(Enum):
    """What a text is about."""

    MAIL = "mail"
    OTHER = "other"
    UNKNOWN = "unknown"


class Reading(Struct, frozen=True):
    """The evidence in a record; ``sure``: the text is about mail, whatever the evidence says.

    ``lines`` is the text of the evidence with the ends of its lines, which are blanks there.
    """

    evidence: Evidence
    context: Context
    sure: bool
    lines: str


def token_in(text: str) -> str | None:
    """Return the error token that the text words; the file's order puts the special ones first."""
    fitting = load.word_sieve().fitting(text.lower())
    return next((word.token for word in fitting if matches(word.text, text)), None)


def speaks_of_no_sending(text: str) -> bool:
    """Whether a mailbox is read or a database asked, and no SMTP is named beside it."""
    return matches(load.hints().not_sending, text) and "smtp" not in text.lower()


def subject_of(text: str, *, pasted: bool) -> Subject:
    """Say whether a text is about mail, about something else, or gives no hint.

    ``pasted``: a person chose this text, which a short one gives the benefit of the doubt.
    """
    hints = load.hints()
    if matches(hints.ignored, text):
        return Subject.OTHER
    if speaks_of_no_sending(text):
        return Subject.OTHER
    if matches(hints.mail, text) or _REPLY_FIRST.match(text):
        return Subject.MAIL
    if matches(hints.foreign, text):
        return Subject.OTHER
    short = pasted and len(text) <= _SHORT and text.count("\n") < _FEW
    return Subject.MAIL if short or matches(hints.perhaps_mail, text) else Subject.UNKNOWN


def says_failure(text: str) -> bool:
    """Whether a line of the text says that something with mail went wrong, whatever it was."""
    hints = load.hints()
    lines = _NO_FAILURE.sub("", text).split("\n")
    return any(
        matches(hints.failure, line) and (matches(hints.mail, line) or matches(hints.perhaps_mail, line))
        for line in lines
    )


@cache
def _known_hosts() -> Any:
    """Return one automaton for the names of all providers' servers."""
    names = load.names()
    return automaton(map(re2.escape, (*names.hosts, *(end or start for start, end, _ in names.families))))


def _provider(text: str, given: str | None) -> str | None:
    if given is not None:
        return given
    lowered = text.lower()
    names = load.names()
    return names.of_mark(lowered) or next(
        filter(None, map(names.of_host, islice(_hosts(lowered), _MANY))), None
    )


def _hosts(lowered: str) -> Iterator[str]:
    """Yield the host names of a text that hold the name of a provider's server."""
    text = lowered.encode("utf-8", "replace")
    done = 0
    while (hit := _known_hosts().search(text, done)) is not None:
        start, done = hit.start(), hit.end()
        around = text[max(0, start - _LONGEST_HOST) : done + _LONGEST_HOST].decode("ascii", "replace")
        first = last = start - max(0, start - _LONGEST_HOST)
        while first > 0 and around[first - 1] in _OF_HOST:
            first -= 1
        while last < len(around) and around[last] in _OF_HOST:
            last += 1
        done = max(done, start + last - (start - max(0, start - _LONGEST_HOST)))
        yield around[first:last].strip("-_.")


def _labels(text: str, code: int | None, error: str | None, port: int | None) -> frozenset[Label]:
    """Return what a live probe would have noticed beside the error."""
    hints = load.hints()
    labels = set()
    if code == _REFUSED and matches(hints.oauth, text):
        labels.add(Label.OAUTH)
    if error == "ECONNREFUSED" and matches(hints.loopback, text):
        # Where nobody runs a mail server: the library's default, since the setting was never loaded.
        labels.add(Label.LOOPBACK_DEFAULT)
    silent = code is None and port in _TLS_PORTS and error in _SILENCE and matches(hints.waited, text)
    if silent and (matches(hints.never_implicit_tls, text) or not matches(hints.implicit_tls, text)):
        labels.add(Label.SILENT_TLS_PORT)
    return frozenset(labels)


def read(record: Record, provider: str | None, *, pasted: bool) -> Reading | None:
    """Return what a record tells, or None where it is about something else than mail."""
    # RFC 3464 names the type of a host name there, which says nothing about DNS.
    text = record.text
    if "mta:" in text.lower():
        text = _REPORT_FIELD.sub(r"\1:", text)
    if "delivery " in text:
        text = _QMAIL_REPORT.sub(lambda report: report[0].replace("_", " ").replace("/", " "), text)
    subject = subject_of(text, pasted=pasted)
    if subject is Subject.OTHER:
        return None
    talk = dialogue(text) if record.first != record.last else None
    said = talk.refusal if talk else None
    code, enhanced = codes_in(text) if said is None else (said.code, said.enhanced)
    hints = load.hints()
    stage = (said.stage if said else talk and talk.stage) or next(
        (one.stage for one in hints.stage if matches(one.text, text)), None
    )
    lowered = text.lower()
    library = next((one for one in hints.library if any(word in lowered for word in one.words)), None)
    port = int(found[1]) if (found := _PORT.search(text)) else None
    error = token_in(text)
    if code is not None and error in _DNS_TOKENS and not matches(hints.resolving, text):
        error = None  # a server that speaks of DNS in its reply has resolved no name of ours
    labels = _labels(text, code, error, port)
    lines = "\n".join(_BLANKS.sub(" ", line.strip(" \t")) for line in text.split("\n"))
    origin = Origin("file", "", None, record.first)
    app = (library.app if library is not None else "") or Settings().app
    settings = Settings(port=Setting(port, origin) if port else None, app=app)
    evidence = Evidence(
        stage=stage,
        code=code,
        enhanced=enhanced,
        error=error,
        labels=labels,
        text=lines.replace("\n", " "),  # a report's lines are folded and indented
        origin=None,
    )
    context = Context(
        settings=settings, provider=_provider(text, provider), library=library.name if library else None
    )
    if subject is Subject.UNKNOWN and not pasted:
        return None  # in a log, words that could be about mail mostly are not
    return Reading(evidence, context, sure=subject is Subject.MAIL, lines=lines)
