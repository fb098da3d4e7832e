"""What a person states before the error that is pasted: "own server with a self signed certificate:".

A statement about the set-up is no failure that was seen, whatever words stand in it.
"""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.diagnosis import Match
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import matches as occurs
from smtpdoctor.logs.codes import token_in
from smtpdoctor.logs.lines import denied, fails
from smtpdoctor.logs.reading import Reading, Said

__all__ = ["only_states", "says_failure_itself", "without_statements"]

_FEWEST: Final = 5  # words: what is shorter may be the reason that a program prints
# How people speak of what is theirs and of what they did, which programs do not.
_PERSON: Final = re.compile(
    r"\b(?:i|i'm|i've|we|my|our|own|behind|installed|with an?|ich|wir|mein\w{0,2}|unser\w{0,2}|eigene\w?|mit eine\w"
    r"|je|j'ai|nous|notre|mon|avec une?|yo|tengo|tenemos|mi|nuestr[oa]|con una?|meu|nosso|temos)\b"
    r"|저희|우리|제가|내 |사용(?:하|중)|我们?的?|使用|私の|弊社|使って",
    re.IGNORECASE,
)
# How programs write: stamps, levels, labels before a colon, names of exceptions, calls, addresses, marks of code.
_PROGRAM: Final = re.compile(
    r"\d\d:\d\d|\w(?:Error|Exception)\b|[A-Za-z_]\(|::|\b(?:4(?!43|65)|5(?!87))\d\d\b|[{}<>\[\]|=\\]|\w: "
    r"|^\s*(?:at |File |#|\$|-|\"|')|\b\w+\.\w+:\d"
    r"|^\s*(?i:failed|error|errors|unable|could|cannot|can't|warning|message|sending)\b"
)


def _is_statement(line: str) -> bool:
    """Whether a person tells how things are, as no program prints it."""
    return len(line.split()) >= _FEWEST and _PERSON.search(line) is not None and _PROGRAM.search(line) is None


def only_states(text: str) -> bool:
    """Whether a text is nothing but what a person tells of how things are."""
    return all(_is_statement(line) for line in text.split("\n") if line.strip())


def without_statements(said: Said, reading: Reading, best: Match) -> tuple[Said, Said] | None:
    """Return the rest, and the statements that stand before it, where the best of all is known by these alone.

    None where it is known by anything else, or where nothing is left that failed.
    """
    count = 0
    while count < len(said.lines) and _is_statement(said.lines[count]):
        count += 1
    before, rest = said.lines[:count], said.lines[count:]
    if not before or not any(map(fails, rest)):
        return None
    known = [line for line in said.lines if _tells_it(line, reading, best)]
    if not known or any(_tells_it(line, reading, best) for line in rest):
        return None
    return Said(rest, said.whole), Said(before, said.whole)


def _tells_it(line: str, reading: Reading, best: Match) -> bool:
    if best.pattern:
        return occurs(best.pattern, line)
    error = reading.evidence.error
    return error is not None and token_in(line) == error


def says_failure_itself(stated: Said) -> bool:
    """Whether a statement says that something failed: "I get a timeout since yesterday"."""
    return any(occurs(load.hints().failure, denied(line)) for line in stated.lines)
