"""A reading → what is seen in it: concepts of any language, codes, identifiers, what the rules make of it.

Everything seen is a short name; how much each speaks for a failure is fitted, not written (``score``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from smtpdoctor.diagnosis import Match
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import matches as occurs
from smtpdoctor.logs.lines import may_tell, tells
from smtpdoctor.logs.reading import Reading

__all__ = ["concepts_in", "seen_in"]

_LINES: Final = 60
_LINE: Final = 600  # characters of a line that are looked at
_MANY: Final = 12  # concepts in a line, more of which are a list of things and no sentence
_WORDS: Final = 4_000  # characters of a text whose words are looked at
_WORD: Final = re.compile(r"[^\W\d_]{3,20}")
_PLAIN: Final = re.compile(r"[\W_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CODES: Final = re.compile(r"(?<![\d.:])[45][0-5]\d(?![\d.:]\d)")
# What a line begins with in code, lists, quotes, differences.
_MARK: Final = re.compile(r"\s*([+|>#*@{<✓✗-])")
# What programs write and people hardly do.
_MACHINE: Final = {
    "stamp": re.compile(r"\d\d:\d\d:\d\d|^\W{0,3}\d{4}-\d\d-\d\d|^[A-Z][a-z]{2} [ \d]\d \d\d:"),
    "exception": re.compile(r"\b\w+(?:Error|Exception)\b"),
    "frame": re.compile(
        r"^\s*(?:at |File \"|#\d+ |in /)|:\d+:\d+\)|\(\w+\.java:\d+\)|\.(?:php|py|rb|js|go)[:(]\d+"
    ),
    "reply": re.compile(r"^[\W_]{0,6}[245]\d\d[ -]|\b[245]\d\d[ -]#?[245]\.\d\.\d"),
    "level": re.compile(r"\b(?:ERROR|WARN(?:ING)?|FATAL|CRITICAL|INFO|DEBUG|error|warning|fatal)[\]:|]"),
    "process": re.compile(r"\w\[\d+\]:"),
    "fence": re.compile(r"^\s*```|^>\s"),
    "quoted": re.compile(r"`[^`]{8,}`|\"[^\"]{20,}\""),
    "sentence": re.compile(r"[a-z]{2}[.?!]\s+[A-Z]|[다요]\.\s|。"),
    "question": re.compile(r"\?\s*$"),
    "heading": re.compile(r"^\s*(?:#{1,4} |\*\*|- \[)"),
    "difference": re.compile(r"^[+-]\s"),
    "table": re.compile(r"^\s*\|.*\|"),
    "assignment": re.compile(r"\w\s*(?:=|:=|=>)\s*\w|;\s*$"),
    "test": re.compile(
        r"\bassert\w*\b|\bexpect\(|@pytest|\bdescribe\(|\bdef test_|#\[test\]|\bmock|\bTests run:"
    ),
    "hunk": re.compile(
        r"^@@ -|^diff --git |^\+\+\+ |^--- a/|^\S+\.(?:md|py|js|ts|go|rs|rb|php|java):\d+$|```diff"
    ),
    "advice": re.compile(
        r"\b(?:if you|you (?:must|can|should|need|may|will|want|are)|make sure|please (?:check|make|verify|contact|note)"
        r"|for example|e\.g\.|such as|the following|indicates? that|see also|see the)\b",
        re.IGNORECASE,
    ),
    "plan": re.compile(
        r"\b(?:would be (?:nice|great|convenient|useful|good|better)|feature request|proposal|(?:this|the) (?:pr|patch|change)\b"
        r"|(?:fix(?:es|ed)?|feat|chore|refactor|docs)[(:]|regression|hardening|we should|it should|should (?:return|be|not|use)"
        r"|release notes?|changelog|add(?:s|ed) (?:a|an|the|support))\b",
        re.IGNORECASE,
    ),
    "placeholder": re.compile(r"%[svd]\b|\{\w*\}|\$\{\w+\}|<[a-z][\w-]{2,30}>|\bfoo\b|\bbar\b"),
}
_KINDS: Final = (
    "first_person",
    "wishes",
    "web",
    "prose",
    "code_text",
    "other_protocol",
    "imap",
    "incoming",
    "form",
    "outgoing",
)


def concepts_in(line: str) -> list[str]:
    """Return what a line speaks of."""
    words = _CAMEL.sub(" ", line[:_LINE]).replace("'", "").replace("’", "").lower()
    plain = f" {_PLAIN.sub(' ', words)} "
    found = []
    for name, literals in load.scores().concepts.items():
        # Some hundred for each line of a log: a plain loop takes a third less time than any().
        for literal in literals:
            if literal in plain:
                found.append(name)
                break
    return found


def _named() -> tuple[tuple[str, str], ...]:
    hints = load.hints()
    return ("mail", hints.mail), ("perhaps mail", hints.perhaps_mail), ("foreign", hints.foreign)


def seen_in(reading: Reading, matches: Sequence[Match]) -> list[str]:
    """Return the names of all that is seen in a text, without order."""
    evidence, context = reading.evidence, reading.context
    found: dict[str, None] = {}
    # What stands around and tells nothing has no part in it, however much of that there is.
    every = [line for line in reading.lines.split("\n") if line.strip()]
    lines = [line for line in every if tells(line) or may_tell(line)][:_LINES] or every[:1]
    kinds = dict.fromkeys([*_KINDS, *_MACHINE], 0)
    marks = 0
    for line in lines:
        spoken = concepts_in(line)
        found.update(dict.fromkeys(f"c.{name}" for name in spoken))
        if len(spoken) <= _MANY:
            found.update(dict.fromkeys(f"{one}+{other}" for one, other in combinations(sorted(spoken), 2)))
        for name in _KINDS:
            kinds[name] += name in spoken
        for name, pattern in _MACHINE.items():
            kinds[name] += pattern.search(line[:_LINE]) is not None
        if (mark := _MARK.match(line)) is not None:
            found[f"mark.{mark[1]}"] = None
            marks += 1
    found.update(dict.fromkeys(f"most.{name}" for name, count in kinds.items() if 2 * count > len(lines)))
    found.update((f"is.{name}" if kinds[name] else f"is no {name}", None) for name in _MACHINE)
    found[f"codes.{len(set(_CODES.findall(reading.lines))).bit_length()}"] = None
    found[f"lines.{len(lines).bit_length()}"] = None
    found[f"size.{sum(map(len, lines)).bit_length()}"] = None
    found["marks" if 2 * marks > len(lines) else "no marks"] = None
    found["mail" if reading.sure else "perhaps mail"] = None
    for name, words in _named():
        found[f"{name} named" if occurs(words, reading.lines) else f"no {name} named"] = None
    found.update(dict.fromkeys(f"w.{word}" for word in _WORD.findall(reading.lines[:_WORDS].lower())))
    found.update(dict.fromkeys(_facts(reading)))
    found.update(dict.fromkeys(f"label.{label}" for label in evidence.labels))
    for name, value in (("stage", evidence.stage), ("library", context.library), ("error", evidence.error)):
        found[f"{name}.{value}" if value else f"no {name}"] = None
    found.update(dict.fromkeys(_of_rules(matches)))
    return list(found)


def _of_rules(matches: Sequence[Match]) -> Iterator[str]:
    """Yield what the rules of the catalogue make of a text, and how much they agree."""
    if not matches:
        yield "no rule"
        return
    best = matches[0]
    yield f"rule.{best.confidence}"
    yield f"rule.{best.id}"
    yield "words" if best.pattern else "no words"
    yield f"special.{min(max(int(best.score) // 10, 0), 6)}"
    if best.reply is not None:
        yield "reply"
    yield f"rules.{min(len(matches), 4)}"
    if all(one.id == best.id for one in matches):
        yield "agreed"


def _facts(reading: Reading) -> Iterator[str]:
    code, enhanced = reading.evidence.code, reading.evidence.enhanced
    if code is None:
        yield "no code"
    else:
        yield f"code.{code}"
        yield f"code.{code // 10}."
    if enhanced is None:
        yield "no enhanced"
    else:
        yield f"enhanced.{enhanced[1:]}"
        yield f"enhanced.{enhanced[1:3]}"
