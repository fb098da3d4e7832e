"""A transcript → how it ended, as a live probe would have seen it.

swaks, telnet, curl, debug output of libraries and logs of servers mark the two sides in ways that
contradict each other (``->`` is the client to some and the server to others), so a line is told by
what it says: a reply begins with its code, a command with its verb (RFC 5321 sections 4.1 and 4.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from smtpdoctor.labels import Label
from smtpdoctor.late import Late
from smtpdoctor.model import Stage

__all__ = ["Answer", "Dialogue", "dialogue", "opens_another", "speaks", "speaks_on"]

# What may stand before: times, ids in brackets, levels, names, and in the end a mark of direction. A mark that
# looks like an arrow is one behind whatever a logger has put before it.
_MARK: Final = (
    r"""(?:^|^.{0,120}?(?:[\])]|\b[SC]|server|client|reply|send|recv|sent|received|data|smtp|[0-9]|^)[ \t]*"""
    r"""(?:[<>=~*-]{1,4}|:|[<>=~*-]{0,3}[ \t]*[|:])[ \t]*"""
    r"""|^.{0,120}?[\s:|\])](?:<[-=~<]{0,3}|[-=~>]{0,3}>)[ \t]*:?[ \t]*)(?:b?['"])?[ \t]*"""
)
_REPLY: Final = re.compile(_MARK + r"([2-5][0-5]\d)(?:([ -])(.*)|$)", re.IGNORECASE)
_COMMAND: Final = re.compile(
    _MARK + r"(EHLO|HELO|LHLO|STARTTLS|AUTH|MAIL FROM:|RCPT TO:|DATA|BDAT|RSET|QUIT|NOOP|VRFY|\.)"
    r"(?=[ <\\'\"]|$)",
    re.IGNORECASE,
)
# What a client says in the middle of a login: no command, and alone behind its mark.
_CODED: Final = Late(
    r"""(?:^|^.{0,120}?[\s:|\])])(?:[-=~>]{0,3}>|C:|(?:server|client|sent|send):)[ \t]*(?:b?['"])?"""
    r"""[A-Za-z0-9+/]{4,}={0,2}(?:\\r)?(?:\\n)?['"]?[ \t]*$""",
    re.IGNORECASE,
)
# What PHPMailer, swaks and curl say of the connection in between.
_ASIDE: Final = re.compile(
    r"^.{0,60}?(?:client -> server|server -> client|smtp (?:notice|error|inbound)|connection: (?:open|clos)|={3}|\*{3}|\* ?[A-Z])",
    re.IGNORECASE,
)
_EXTENSIONS: Final = re.compile(r"\b(?:AUTH|STARTTLS)\b")
_ENHANCED: Final = re.compile(r"#?([245]\.\d{1,3}\.\d{1,3})\b")
_STAGES: Final = {
    "EHLO": Stage.GREETING,
    "HELO": Stage.GREETING,
    "LHLO": Stage.GREETING,
    "STARTTLS": Stage.TLS,
    "AUTH": Stage.AUTH,
    "MAIL FROM:": Stage.SENDER,
    "RCPT TO:": Stage.RECIPIENT,
    "DATA": Stage.SEND,
    "BDAT": Stage.SEND,
    ".": Stage.SEND,
}  # the others are answered whatever was refused before
_VERBS: Final = ("ehlo", "helo", "auth", "mail from", "rcpt to")
_MAX_LINE: Final = 1_000  # RFC 5321 section 4.5.3.1: a line has 512 octets at most
_NEGATIVE: Final = 400
_ASKS: Final = 3  # the first digit of a reply that asks for more: RFC 5321 section 4.2.1
_FEWEST: Final = 2  # commands: one alone may be a word of prose, unless it was answered, and its answer too


def _command_in(line: str) -> str | None:
    found = _COMMAND.match(line)
    if found is None or _REPLY.match(line):  # the line of a reply that lists STARTTLS is none
        return None
    return found[1].upper()


def speaks(line: str) -> bool:
    """Whether a line is a command, a reply, or a remark about the connection, as transcripts have them."""
    line = line[:_MAX_LINE]
    return bool(_COMMAND.match(line) or _REPLY.match(line) or _ASIDE.match(line))


def speaks_on(line: str) -> bool:
    """Whether a line may go on with a transcript: it speaks, or has what a client answers to a challenge."""
    return speaks(line) or _CODED.match(line[:_MAX_LINE]) is not None


def opens_another(line: str, before: Sequence[str]) -> bool:
    """Whether a line is the greeting of another connection than the one that the lines before are about."""
    found = _REPLY.match(line[:_MAX_LINE])
    if found is None or found[1] != "220":
        return False
    commands = filter(None, (_command_in(one[:_MAX_LINE]) for one in reversed(before)))
    return next(commands, "STARTTLS") != "STARTTLS"


class Answer(Struct, frozen=True):
    """A reply: in which stage it came, and its codes."""

    stage: Stage
    code: int
    enhanced: str | None


class Dialogue(Struct, frozen=True):
    """How far a dialogue came: the stage of its last command (None: it was closed), and the refusal that stopped it.

    ``given_up`` is why the client may have ended it without one, and the place of the line behind its last command
    and the reply to that: what it found missing, or what failed beneath it. ``farewell``: QUIT was answered, so what
    ends then was ended by the client.
    """

    stage: Stage | None
    refusal: Answer | None
    given_up: tuple[Label, int] | None = None
    farewell: bool = False


def _answers(lines: Iterable[str], commands: Iterable[str | None]) -> Iterator[Answer]:
    """Yield the replies that belong to a stage; ``commands`` has the command of each line that is one."""
    stage: Stage | None = Stage.GREETING
    begun: int | None = None  # the code of a reply of several lines; its first one counts
    for line, command in zip(lines, commands, strict=True):
        if command is not None:
            stage, begun = _STAGES.get(command), None
        elif (found := _REPLY.match(line)) is not None:
            code = int(found[1])
            if code != begun and stage is not None:
                enhanced = _ENHANCED.match(found[3] or "")
                yield Answer(stage, code, enhanced[1] if enhanced else None)
            begun = code if found[2] == "-" else None


def _is_answered(command: str, answers: Iterable[Answer]) -> bool:
    """Whether a server asked further, and answered again: AUTH and DATA are followed by what is no command.

    Before EHLO it has greeted.
    """
    codes = [answer.code for answer in answers if answer.stage is _STAGES.get(command)]
    if command == "EHLO" and codes == [220, 250]:
        return True
    return len(codes) >= _FEWEST and codes[0] // 100 == _ASKS


def _given_up(lines: Sequence[str], commands: Sequence[str | None]) -> tuple[Label, int] | None:
    """Return why a client may have ended a dialogue in which nothing was refused, by its last command but QUIT.

    Behind a STARTTLS that was granted comes EHLO again (RFC 3207 section 4.2), if TLS could be begun; a login
    comes behind an EHLO whose reply lists AUTH (RFC 4954 section 3).
    """
    places = [
        place for place, command in enumerate(commands) if command not in {None, "QUIT", "RSET", "NOOP"}
    ]
    if not places:
        return None
    last = places[-1]
    ends = next((place for place in range(last + 1, len(lines)) if commands[place] is not None), len(lines))
    replies = [place for place in range(last + 1, ends) if _REPLY.match(lines[place])]
    codes = {found[1] for found in map(_REPLY.match, lines[last + 1 : ends]) if found is not None}
    match commands[last]:
        case "STARTTLS" if codes == {"220"}:
            return Label.HANDSHAKE_UNTOLD, replies[-1] + 1
        case "EHLO" if codes == {"250"}:
            listed = set(_EXTENSIONS.findall("\n".join(lines[last + 1 : ends])))
            if "AUTH" not in listed:
                hidden = "STARTTLS" in listed and "STARTTLS" not in commands
                return (Label.AUTH_AFTER_STARTTLS if hidden else Label.NO_AUTH_OFFERED), replies[-1] + 1
    return None


def _said_farewell(lines: Sequence[str], commands: Sequence[str | None]) -> bool:
    """Whether the last command is QUIT, and it was answered (RFC 5321 section 4.1.1.10)."""
    last = max((place for place, command in enumerate(commands) if command is not None), default=0)
    replies = (found[1] for found in map(_REPLY.match, lines[last + 1 :]) if found is not None)
    return commands[last] == "QUIT" and next(replies, "") == "221"


def dialogue(text: str) -> Dialogue | None:
    """Return how the dialogue in a text ended, or None where it holds none.

    A refusal that was got over (AUTH CRAM-MD5, then AUTH PLAIN) does not count.
    """
    lowered = text.lower()
    if not any(verb in lowered for verb in _VERBS):
        return None
    lines = [line[:_MAX_LINE] for line in text.split("\n")]
    commands = list(map(_command_in, lines))
    given = [command for command in commands if command is not None]
    if not given:
        return None
    answers = list(_answers(lines, commands))
    if len(given) < _FEWEST and not _is_answered(given[0], answers):
        return None
    stages = list(Stage)
    last: Answer | None = None
    for answer in answers:
        if answer.code >= _NEGATIVE:
            last = answer
        elif last is not None and stages.index(answer.stage) >= stages.index(last.stage):
            last = None
    given_up = _given_up(lines, commands) if last is None else None
    return Dialogue(_STAGES.get(given[-1]), last, given_up, farewell=_said_farewell(lines, commands))
