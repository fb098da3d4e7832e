"""What single lines are: what tells of mail or of a failure, what is routine, what is a setting beside it.

Whether a text is about a mail failure is decided by what tells of one. Lines that tell nothing may stand
before and behind it in any number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import any_of
from smtpdoctor.late import Late
from smtpdoctor.logs.codes import token_in
from smtpdoctor.logs.dialogue import speaks
from smtpdoctor.logs.records import MAX_LINE, clean, goes_on

__all__ = [
    "are_of_containers",
    "clusters",
    "denied",
    "fails",
    "is_ignored",
    "is_refusal_of_own_client",
    "is_report",
    "is_setting",
    "is_statement",
    "may_tell",
    "tells",
    "without_settings",
]

_GAP: Final = 10  # routine lines that part two failures
_BEHIND: Final = 8  # lines behind a failure that may go on with it
_FEW: Final = 3  # lines that are looked at as they are
Numbered = tuple[int, str]

# Failures that were none: "0 errors", "without failure", "not refused", "after timeout succeeded".
_NO_FAILURE: Final = re.compile(
    r"\b(?:0|no|not|without(?: any)?)\W{1,8}(?:\w{1,40}\W{1,8})?(?:errors?|fail\w{0,20}|refused|rejected|expired|time-?outs?)\b"
    r"|\bsucceeded after [\w ]{1,40}",
    re.IGNORECASE,
)
_CODE: Final = re.compile(
    r"(?:(?:^\W{0,4}|\b(?:said|replied|responded): )[45][0-5]\d[ -]\S|(?<![\d.:/@v-])#?[45]\.\d{1,3}\.\d{1,3}(?![\d.]))"
)
_ROUTINE_LEVEL: Final = re.compile(
    r"\b(?:INFO|DEBUG|TRACE|NOTICE)\b|\b(?:level|lvl|severity)\W{1,3}(?:info|debug|trace)\b|\[(?:info|debug|notice)\]"
)

# How settings are written: NAME=value, name: value, "name" => value, $mail->Name = value;
_BEGIN: Final = (
    r"""[\s>|#;*+,{(\[-]*(?:(?:export|set|env|const|let|var|final|private|public|static|-e)\s+)?["'`]?"""
)
_KEY: Final = r"""(?P<key>\$?[A-Za-z_][\w.>\[\]'"\\-]{0,80}?)["'`\]]{0,2}"""
_SIGN: Final = r"""\s{0,20}(?:=>|:=|==?|:)\s{0,20}"""
_VALUE: Final = (
    r"""(?:(?P<quoted>"[^"\n]{0,200}"|'[^'\n]{0,200}')|(?P<bare>[^\s"'{}\[\]]{0,200})|[{\[(][\s{}\[\]()]*)"""
    r"""[\s,;)\]}]*(?:(?:\#|//)[^\n]*)?"""
)
_SETTING: Final = re.compile(_BEGIN + _KEY + _SIGN + _VALUE + r"\s*$")
# Names that settings of mail have a part of; what an error or a report says of itself is none of them.
_NAMED: Final = Late(
    r"host|server|port\b|port$|user|login|pass|from|sender|reply.?to|encrypt|secur|tls|ssl|auth|mailer|driver|transport"
    r"|backend|timeout|protocol|address|domain|helo|service|enable|require|debug|charset|smtp|mail|secret|token"
    r"|api.?key|pool|method|accept|verify|cipher|ignore|provider|sandbox|tenant",
    re.IGNORECASE,
)
_SAYS: Final = Late(
    r"err|exception|reason|message|msg|detail|response|reply|status|cause|stack|descr|diagnos|result|fail|event"
    r"|mta\b|recipient$|action|said|syscall|(?<!pass)code$|command|trace|remote|library|function|level|^to$|relay|^hostname$",
    re.IGNORECASE,
)
# Settings in a line with other things, by names that nothing else has.
_INLINE: Final = re.compile(
    r"\b(?:(?=[A-Z0-9_]{0,40}(?:MAIL|SMTP))[A-Z][A-Z0-9_]{2,60}=(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|[^\s\"']{0,200})"
    r"|spring\.mail\.[\w.]{1,80}\s{0,2}[=:]\s{0,2}\S{1,200})"
)
_PROSE: Final = 3  # words in quotes that may be a value


# What a server notes of strangers that try it out. Its own network is no stranger, nor is whoever has a name.
_NEAR: Final = r"(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|f[cd]|::1\])"
_STRANGER: Final = rf"(?:unknown)?\[(?!{_NEAR})[0-9a-fx.:*]{{3,45}}\]"
_ATTACK: Final = Late(
    rf"(?:warning: |from )[\w.-]{{0,120}}{_STRANGER}(?:: SASL [\w-]{{1,20}} authentication (?:failed|failure|aborted)"
    rf"|: [45]\d\d [\d.]{{3,9}} [^\n]{{0,120}}relay access denied)"
    rf"|(?:lost connection|too many errors|timeout|ssl_accept error) (?:after \w+ )?(?:\([^)]{{0,40}}\) )?from [\w.-]{{0,120}}{_STRANGER}(?!: -1)"
    rf"|rejected RCPT [^\n]{{0,200}}(?:listed (?:at|in|on)|relay not permitted|unrouteable|blacklist|blocklist)"
    rf"|smtp (?:protocol|syntax) error in \"[^\"\n]{{1,80}}\" h=[\w.-]{{0,120}} ?(?:\([^)\n]{{0,120}}\) )?{_STRANGER}"
    rf"|(?:non-smtp command|improper command pipelining|hostname \S{{1,200}} does not resolve)[^\n]{{0,200}}",
    re.IGNORECASE,
)

# What a server refused of a client in its own network, or of one that introduces itself as programs and devices
# behind a router do (RFC 5321 section 4.1.3): no server of strangers, but somebody's application.
_OWN_CLIENT: Final = Late(
    rf"\breject: [A-Z-]{{4,15}} from [\w.-]{{0,120}}\[{_NEAR}|\breject: [^\n]{{1,1000}} helo=<\[(?:IPv6:)?{_NEAR}"
    rf"|\bH=[\w.-]{{0,120}} ?(?:\([^)\n]{{0,120}}\) )?\[{_NEAR}[^\n]{{1,400}} rejected "
    rf"|\bruleset=check_\w{{2,10}}, [^\n]{{1,400}}\brelay=[\w.-]{{0,120}} ?\[{_NEAR}[^\n]{{1,200}}\breject=",
    re.IGNORECASE,
)


# A command behind a prompt, and what such a command tells of its connection.
_COMMAND: Final = Late(
    r"[\w.@~:/\[\]-]{0,60}[$#] ?[a-z]\S* \S|(?:wget|curl) \S|(?:Resolving|Connecting to|Trying) \S|--\d{4}-\d\d-\d\d"
)


def is_report(text: str) -> bool:
    """Whether a text is one of those by which a sender learns that a message was not delivered."""
    return any_of(load.hints().report, text)


def is_refusal_of_own_client(text: str) -> bool:
    """Whether a text tells of mail of somebody's own program or device that a server refused."""
    return "reject" in text.lower() and _OWN_CLIENT.search(text) is not None


_SENTENCE: Final = 5  # words: what is shorter may be the reason that a program prints
# How people speak of what is theirs and of what they did, which programs do not.
_PERSON: Final = Late(
    r"\b(?:was the old|previous error|i|i'm|i've|we|my|our|own|behind|installed|with an?|ich|wir|mein\w{0,2}|unser\w{0,2}|eigene\w?|mit eine\w"
    r"|je|j'ai|nous|notre|mon|avec une?|yo|tengo|tenemos|mi|nuestr[oa]|con una?|meu|nosso|temos)\b"
    r"|저희|우리|제가|내 |사용(?:하|중)|我们?的?|使用|私の|弊社|使って",
    re.IGNORECASE,
)
# How programs write: stamps, levels, labels before a colon, names of exceptions, calls, addresses, marks of code.
_PROGRAM: Final = Late(
    r"\d\d:\d\d|\w(?:Error|Exception)\b|[A-Za-z_]\(|::|\b(?:4(?!43|65)|5(?!87))\d\d\b|[{}<>\[\]|=\\]|\w: "
    r"|^\s*(?:at |File |#|\$|-|\"|')|\b\w+\.\w+:\d"
    r"|^\s*(?i:failed|error|errors|unable|could|cannot|can't|warning|message|sending)\b"
)


# What is of no person and no program.
_ADDRESS: Final = re.compile(r"https?://\S+")
_REMARK: Final = re.compile(r"^\W{0,3}(?:ps|p\.s\.|note|edit|update|btw|info|hinweis)\s?:\s+", re.IGNORECASE)


def denied(line: str) -> str:
    """Return a line without the failures that it says there were none of."""
    return _NO_FAILURE.sub("", line)


def is_ignored(line: str) -> bool:
    """Whether a line looks like a reply or a refusal and is none: of an access log, of strangers at a server."""
    return any_of(load.hints().ignored, line) or (
        any(one in line for one in ("from ", "SASL", " rejected RCPT ", ' error in "'))
        and _ATTACK.search(line) is not None
        and _OWN_CLIENT.search(line) is None
    )


def tells(line: str) -> bool:
    """Whether a line tells of mail or of a failure."""
    hints = load.hints()
    if is_ignored(line):
        return False
    return fails(line) or any_of(hints.mail, line) or any_of(hints.perhaps_mail, line)


def fails(line: str) -> bool:
    """Whether a line says that something failed, in words, by a code or by the name of an error."""
    return (
        any_of(load.hints().failure, denied(line))
        or _CODE.search(line) is not None
        or token_in(line) is not None
    )


def may_tell(line: str) -> bool:
    """Whether a line may tell of a failure, by a word that stands in many a line."""
    if _ROUTINE_LEVEL.search(line) or is_ignored(line):
        return False
    return any_of(load.hints().failure_in_log, denied(line)) or speaks(line)


def clusters(lines: Sequence[Numbered]) -> tuple[list[list[Numbered]], int]:
    """Return what belongs together of a text, without the lines around it that tell nothing, and how many tell.

    A text of which no line tells is one as it is.
    """
    if len(lines) <= _FEW:
        return [list(lines)], len(lines)
    cleaned = [clean(line)[0][:MAX_LINE] for _, line in lines]
    telling = [place for place, line in enumerate(cleaned) if line and tells(line)]
    count = len(telling)
    if not telling:
        telling = [place for place, line in enumerate(cleaned) if line and may_tell(line)]
    if not telling:
        return [], 0
    spans: list[list[int]] = []
    for place in telling:
        if spans and _quiet(cleaned[spans[-1][1] + 1 : place]) < _GAP:
            spans[-1][1] = place
        else:
            spans.append([place, place])
    for number, span in enumerate(spans):
        lowest = spans[number - 1][1] + 1 if number else 0
        highest = spans[number + 1][0] if number + 1 < len(spans) else len(lines)
        while span[0] > lowest and (goes_on(cleaned[span[0]]) or _leads(cleaned[span[0] - 1])):
            span[0] -= 1
        span[1] = min(span[1] + _BEHIND, highest - 1)
        while span[1] + 1 < highest and goes_on(cleaned[span[1] + 1]):
            span[1] += 1
    return [list(lines[first : last + 1]) for first, last in spans], count


def are_of_containers(lines: Sequence[Numbered]) -> bool:
    """Whether lines come from the log of containers, in which each is an event of its own."""
    telling = [container for line, container, *_ in (clean(line) for _, line in lines) if tells(line)]
    return len(telling) > _GAP and 2 * sum(map(bool, telling)) > len(telling)


def _quiet(lines: Iterable[str]) -> int:
    """Return how many lines have nothing to do with what stands around them."""
    return sum(1 for line in lines if line and not goes_on(line) and not speaks(line))


def _leads(line: str) -> bool:
    """Whether a line may belong to a failure that is told in the next one: its settings, a dialogue, a command."""
    return is_setting(line) or may_tell(line) or _COMMAND.match(line) is not None


def is_setting(line: str) -> bool:
    """Whether a line says how something is set, as files and code do, and nothing else."""
    found = _SETTING.match(line)
    if found is None:
        return False
    key, quoted = found["key"], found["quoted"] or ""
    if _SAYS.search(key) or not _NAMED.search(key):
        return False
    value = quoted[1:-1] or found["bare"] or ""
    if (len(value.split()) > _PROSE and "@" not in value) or "oauth" in value.lower():
        return False  # a sentence; or how the login was tried, which decides what its refusal means
    return not any_of(load.hints().failure, value)


def is_statement(line: str) -> bool:
    """Whether a person tells how things are, as no program prints it: "own server with a self signed certificate:".

    A statement about the set-up is no failure that was seen, whatever words stand in it.
    """
    line = _REMARK.sub("", _ADDRESS.sub("", line))
    return (
        len(line.split()) >= _SENTENCE and _PROGRAM.search(line) is None and _PERSON.search(line) is not None
    )


def without_settings(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines without the settings in them; one that is a setting is empty then."""
    for line in lines:
        yield "" if is_setting(line) else _INLINE.sub("", line)
