"""A record → what it says, without settings → evidence; or None where it is about something else than mail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache
from itertools import islice, pairwise
from typing import Any, Final

import re2
from msgspec import Struct

from smtpdoctor.diagnosis import Context
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import any_of, automaton, is_rare
from smtpdoctor.labels import Label
from smtpdoctor.logs.codes import codes_in, token_in
from smtpdoctor.logs.dialogue import Dialogue, dialogue
from smtpdoctor.logs.lines import denied, fails, is_ignored, is_report, tells, without_settings
from smtpdoctor.logs.masking import masked
from smtpdoctor.logs.records import goes_on
from smtpdoctor.model import Evidence, Origin, Setting, Settings, Stage

__all__ = [
    "Reading",
    "Said",
    "Subject",
    "apart",
    "app_of",
    "read",
    "said_in",
    "says_failure",
    "speaks_of_no_sending",
    "subject_of",
    "token_in",
]

_TLS_PORTS: Final = frozenset({465, 2465})
_SILENCE: Final = frozenset({"timeout", "ETIMEDOUT", "eof", "ECONNRESET"})
_DNS_TOKENS: Final = frozenset({"nxdomain", "no-address", "servfail", "dns-timeout", "EAI_AGAIN"})
_CLOSED: Final = frozenset({"eof", "ECONNRESET", "EPIPE"})
_REFUSED: Final = 535
_REPORT_FIELD: Final = re.compile(r"\b((?:Remote|Reporting|Received-From)-MTA): {0,40}dns;", re.IGNORECASE)
# qmail-send writes its report with an underscore for each blank.
_QMAIL_REPORT: Final = re.compile(r"\bdelivery \d{1,20}: (?:failure|deferral): \S+")
_BLANKS: Final = re.compile(r"[ \t]{2,}")
# A reply as hardly another protocol has it; its server may well speak of the database that it lacks.
_REPLY_FIRST: Final = re.compile(r"(?m)^\W{0,4}(?:421|45\d|55\d)[ -]")
_ALONE: Final = re.compile(r"\W{0,4}[45]\d\d[ -]")
_NAMED_FIRST: Final = re.compile(r"[\w.:]{1,120}(?:Exception|Error): ?\(?\d{3}\b")
_FEWEST: Final = 2
_ASSIGNED: Final = re.compile(r"(?<![\w.])([A-Za-z][\w.]{4,80})[\"']?[ \t]{0,4}[=:]")
_OF_MAIL: Final = re.compile(r"mail|smtp", re.IGNORECASE)
_SEVERAL: Final = 2
_SHORT: Final = 400
_LONG_WORD: Final = 80
_FEW: Final = 4

_PORT: Final = re.compile(
    r"(?:[\w\])]:|port\W{0,3}(?:=>?)?\W{0,2}|PORT=['\"]?)(25|465|587|2525|2465|2587|1025)\b", re.IGNORECASE
)
# The host behind what could not be reached, as libraries write it.
_DIALLED: Final = re.compile(
    r"(?:\bE(?:NOTFOUND|AI_AGAIN|CONNREFUSED|TIMEDOUT|HOSTUNREACH|NETUNREACH)|\bdial tcp:?|\blookup|\bSMTP host:|established with host"
    r"|\bUnknownHostException:|\bgetaddrinfo for|could not resolve (?:the )?host:?)"
    r"[ \"']{1,2}(?:lookup )?(?:(?:ssl|tls|tcp)://)?(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9-]*\.)+[a-z0-9-]*[a-z0-9]|localhost\b)",
    re.IGNORECASE,
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

    ``lines`` is the text of the evidence with the ends of its lines, which are blanks there; ``talk`` is the
    dialogue in it.
    """

    evidence: Evidence
    context: Context
    sure: bool
    lines: str
    talk: Dialogue | None = None


def speaks_of_no_sending(text: str) -> bool:
    """Whether a mailbox is read or a database asked, and no SMTP is named beside it, nor mail that was to be sent."""
    hints = load.hints()
    if "smtp" in text.lower() or not any_of(hints.not_sending, text):
        return False
    return not any_of(hints.sends_all_the_same, text)


def subject_of(text: str, *, pasted: bool) -> Subject:
    """Say whether a text is about mail, about something else, or gives no hint.

    ``pasted``: a person chose this text, which a short one gives the benefit of the doubt.
    """
    hints = load.hints()
    if speaks_of_no_sending(text):
        return Subject.OTHER
    if any_of(hints.mail, text) or _REPLY_FIRST.search(text):
        return Subject.MAIL
    # What stands around says nothing: a server that listens on port 8080, a query that took its time.
    lines = text.split("\n")
    telling = [line for line in lines if tells(line) or goes_on(line)] if len(lines) > 1 else lines
    if any(any_of(hints.foreign, line) for line in telling):
        return Subject.OTHER
    if any_of(hints.perhaps_mail, text):
        return Subject.MAIL
    short = pasted and len(telling) <= _FEW and sum(map(_length, telling)) <= _SHORT
    return Subject.MAIL if short else Subject.UNKNOWN


def _length(line: str) -> int:
    """Return how much a line tells: a key of a thousand letters is one word."""
    return sum(1 + min(len(word), _LONG_WORD) for word in line.split(" ")) - 1


def says_failure(text: str) -> bool:
    """Whether a line of the text says that something with mail went wrong, whatever it was."""
    hints = load.hints()
    lines = denied(text).split("\n")
    return any(
        any_of(hints.failure, line) and (any_of(hints.mail, line) or any_of(hints.perhaps_mail, line))
        for line in lines
    )


@cache
def _literals() -> tuple[str, ...]:
    """Return what the names of all providers' servers are told by."""
    names = load.names()
    return (*names.hosts, *(end or start for start, end, _ in names.families))


@cache
def _known_hosts() -> Any:
    """Return one automaton for the names of all providers' servers."""
    return automaton(map(re2.escape, _literals()))


def _places(literal: bytes, text: bytes) -> Iterator[tuple[int, int]]:
    start = text.find(literal)
    while start >= 0:
        yield start, start + len(literal)
        start = text.find(literal, start + 1)


def _hits(text: bytes) -> Iterator[tuple[int, int]]:
    """Yield where something stands by which the name of a provider's server is told, from left to right."""
    if is_rare("hosts", len(text)):
        yield from sorted(place for one in _literals() for place in _places(one.encode(), text))
        return
    done = 0
    while (hit := _known_hosts().search(text, done)) is not None:
        yield hit.start(), hit.end()
        done = hit.end()


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
    for start, end in _hits(text):
        if start < done:
            continue
        around = text[max(0, start - _LONGEST_HOST) : end + _LONGEST_HOST].decode("ascii", "replace")
        first = last = start - max(0, start - _LONGEST_HOST)
        while first > 0 and around[first - 1] in _OF_HOST:
            first -= 1
        while last < len(around) and around[last] in _OF_HOST:
            last += 1
        done = max(end, start + last - (start - max(0, start - _LONGEST_HOST)))
        yield around[first:last].strip("-_.")


def _named(text: str, error: str | None) -> dict[str, str]:
    """Return the host that a text says was not reached; of a name that nobody has, also which was probably meant.

    None where somebody wrote a secret in its place.
    """
    found = _DIALLED.search(text)
    if found is None or text[found.end() : found.end() + 1] in {"_", "@"} or masked(found[1]) != found[1]:
        return {}
    named = found[1].strip("[]").lower()
    if error not in _DNS_TOKENS or load.names().of_host(named) is not None:
        return {"named": named}
    from smtpdoctor.knowledge.near import meant

    known = meant(named.rstrip("."), load.names())
    return {"named": named, "known": known} if known is not None else {"named": named}


def _labels(text: str, code: int | None, error: str | None, port: int | None) -> frozenset[Label]:
    """Return what a live probe would have noticed beside the error."""
    hints = load.hints()
    labels = set()
    if code == _REFUSED and any_of(hints.oauth, text):
        labels.add(Label.OAUTH)
    if error == "ECONNREFUSED" and any_of(hints.loopback, text):
        # Where nobody runs a mail server it is the library's default, since the setting was never loaded.
        default = any_of(hints.loopback_default, text)
        labels.add(Label.LOOPBACK_DEFAULT if default else Label.LOOPBACK)
    silent = code is None and port in _TLS_PORTS and error in _SILENCE and any_of(hints.waited, text)
    if silent and (any_of(hints.never_implicit_tls, text) or not any_of(hints.implicit_tls, text)):
        labels.add(Label.SILENT_TLS_PORT)
    return frozenset(labels)


def _given_up(talk: Dialogue | None, lines: Sequence[str]) -> frozenset[Label]:
    """Return why a client ended a dialogue, where it says behind it that it failed: at the login, if none was offered."""
    if talk is None or talk.given_up is None:
        return frozenset()
    label, place = talk.given_up
    failing = [line for line in lines[place:] if fails(line)]
    if not failing or (label is not Label.HANDSHAKE_UNTOLD and _stage(failing) is not Stage.AUTH):
        return frozenset()
    return frozenset((label,))


def _stage(lines: Sequence[str]) -> Stage | None:
    """Return the stage that lines speak of: those that fail, and only where these name none the others."""
    failing = [line for line in lines if fails(line)]
    for some in (failing, lines) if len(failing) < len(lines) else (lines,):
        text = "\n".join(some)
        found = next((one.stage for one in load.hints().stage if any_of(one.text, text)), None)
        if found is not None:
            return found
    return None


class Said(Struct, frozen=True):
    """What a record says: its lines, tidied, and the whole text that they are taken from.

    ``whole`` has the settings in it that are pasted beside an error, and all else that is left out of the
    lines. What is shown is looked for and masked there: by what stands around is known what is a secret.
    """

    lines: tuple[str, ...]
    whole: str

    @property
    def text(self) -> str:
        """The lines, with their ends."""
        return "\n".join(self.lines)


def said_in(text: str) -> tuple[Said, ...]:
    """Return what the text of a record says: without the settings in it, and with them where there are any.

    Nothing is said by lines that only look like a reply, those of an access log.
    """
    # RFC 3464 names the type of a host name there, which says nothing about DNS.
    if "mta:" in text.lower():
        text = _REPORT_FIELD.sub(r"\1:", text)
    if "delivery " in text:
        text = _QMAIL_REPORT.sub(lambda report: report[0].replace("_", " ").replace("/", " "), text)
    lines = text.split("\n")
    whole = "\n".join(map(_tidied, lines))
    kept = [line for line in lines if not is_ignored(line)]
    if not kept:
        return ()
    full = Said(tuple(map(_tidied, kept)), whole)
    bare = list(without_settings(kept))
    rest = tuple(_tidied(line) for line in bare if line.strip())
    if not rest or bare == kept:
        return (full,)
    return Said(rest, whole), full


def _tidied(line: str) -> str:
    return _BLANKS.sub(" ", line.strip(" \t"))


def apart(text: str) -> Iterator[tuple[int, str]]:
    """Yield the parts of a text that may tell of failures of their own, and at which line each begins.

    Lines that speak for themselves, each with another code or error, are failures one after the other;
    what a dialogue, a stack trace or a report says in several lines is one.
    """
    lines = text.split("\n")
    starts: list[int] = []
    before: tuple[int | None, str | None] | None = None
    for place, line in enumerate(lines):
        chained = goes_on(line) and not _NAMED_FIRST.match(line)
        if chained or not (tells(line) or _ALONE.match(line)):
            continue
        code = codes_in(line)[0]
        seen = (code, None if code is not None else token_in(line))
        if seen == (None, None):
            continue
        if seen != before:
            starts.append(place)
        before = seen
    if len(starts) < _SEVERAL or dialogue(text) is not None:
        return
    starts[0] = 0
    for start, end in pairwise([*starts, len(lines)]):
        yield start, "\n".join(lines[start:end])


def app_of(text: str) -> str | None:
    """Return whose settings are pasted beside an error, by names that no other application has."""
    names = {name for name in _ASSIGNED.findall(text) if _OF_MAIL.search(name)}
    if len(names) < _FEWEST:
        return None
    known = load.dialect_names().exact
    apps = {app for name in names for app, kind in known.get(name, {}).items() if kind == "own"}
    app = apps.pop() if len(apps) == 1 else None
    return app if app is not None and load.app(app) is not None else None


def read(said: Said, provider: str | None, *, pasted: bool, app: str | None = None) -> Reading | None:
    """Return what a text tells, or None where it is about something else than mail.

    ``app`` is the application whose settings stand beside it, in whose names steps are told.
    """
    text = said.text
    subject = subject_of(text, pasted=pasted)
    reported = pasted and is_report(said.whole)
    if subject is Subject.OTHER and not reported:
        return None
    if reported or (subject is Subject.UNKNOWN and any_of(load.hints().mail, said.whole)):
        subject = Subject.MAIL
    talk = dialogue(text) if len(said.lines) > 1 else None
    refused = talk.refusal if talk else None
    code, enhanced = codes_in(text) if refused is None else (refused.code, refused.enhanced)
    hints = load.hints()
    stage = (refused.stage if refused else talk and talk.stage) or _stage(said.lines)
    lowered = said.whole.lower()
    library = next((one for one in hints.library if any(word in lowered for word in one.words)), None)
    port = int(found[1]) if (found := _PORT.search(text)) else None
    error = token_in(text)
    if code is not None and error in _DNS_TOKENS and not any_of(hints.resolving, text):
        error = None  # a server that speaks of DNS in its reply has resolved no name of ours
    if error in _CLOSED and talk is not None and talk.farewell and refused is None:
        error = None  # the client said goodbye before
    labels = _labels(text, code, error, port)
    if code is None and enhanced is None and error is None:
        labels |= _given_up(talk, said.lines)
    if port is None and (found := _PORT.search(said.whole)):
        port = int(found[1])
        if port in _TLS_PORTS and any_of(hints.implicit_tls, said.whole):
            port = None  # set as it has to be, which explains nothing
    app = app or (library.app if library is not None else "") or Settings().app
    settings = Settings(port=Setting(port, Origin("file", "")) if port else None, app=app)
    evidence = Evidence(
        stage=stage,
        code=code,
        enhanced=enhanced,
        error=error,
        labels=labels,
        text=text.replace("\n", " "),  # a report's lines are folded and indented
        origin=None,
        facts=_named(text, error),
    )
    context = Context(
        settings=settings, provider=_provider(said.whole, provider), library=library.name if library else None
    )
    if subject is Subject.UNKNOWN and not pasted:
        return None  # in a log, words that could be about mail mostly are not
    return Reading(evidence, context, sure=subject is Subject.MAIL, lines=text, talk=talk)
