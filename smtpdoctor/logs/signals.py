"""A reading → what is seen in it: concepts of any language, codes, identifiers, what the rules make of it.

Everything seen is a short name; how much each speaks for a failure is fitted, not written (``score``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from smtpdoctor.diagnosis import Match
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import any_of
from smtpdoctor.knowledge.schema import Patterns
from smtpdoctor.logs.lines import may_tell, tells
from smtpdoctor.logs.reading import Reading

__all__ = ["concepts_in", "is_told_in_prose", "seen_in", "stands_alone"]

_LINES: Final = 60
_LINE: Final = 600  # characters of a line that are looked at
_LONG_WORD: Final = 80  # characters
_LONG: Final = re.compile(rf"(?<!\S)(\S{{{_LONG_WORD}}})\S++")
_WORDS: Final = 4_000  # characters of a text whose words are looked at
_WORD: Final = re.compile(r"[^\W\d_]{3,20}")
_PLAIN: Final = re.compile(r"[\W_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CODES: Final = re.compile(r"(?<![\d.:])[45][0-5]\d(?![\d.:]\d)")
# What a line begins with in code, lists, quotes, differences.
_MARK: Final = re.compile(r"\s*([+|>#*@{<✓✗-])")
# How a line is built; what its words say is in `hints.toml`.
_BUILT: Final = {
    "stamp": re.compile(r"\d\d:\d\d:\d\d|^\W{0,3}\d{4}-\d\d-\d\d|^[A-Z][a-z]{2} [ \d]\d \d\d:"),
    "frame": re.compile(
        r"^\s*(?:at |File \"|#\d+ |in /)|:\d+:\d+\)|\(\w+\.java:\d+\)|\.(?:php|py|rb|js|go)[:(]\d+"
    ),
    "reply": re.compile(r"^[\W_]{0,6}[245]\d\d[ -]|\b[245]\d\d[ -]#?[245]\.\d\.\d"),
    "process": re.compile(r"\w\[\d+\]:"),
    "fence": re.compile(r"^\s*```|^>\s"),
    "quoted": re.compile(r"`[^`]{8,}`|\"[^\"]{20,}\""),
    "sentence": re.compile(r"[a-z]{2}[.?!]\s+[A-Z]|[다요]\.\s|。"),
    "question": re.compile(r"\?\s*$"),
    "heading": re.compile(r"^\s*(?:#{1,4} |\*\*|- \[)"),
    "difference": re.compile(r"^[+-]\s"),
    "table": re.compile(r"^\s*\|.*\|"),
    "assignment": re.compile(r"\w\s*(?:=|:=|=>)\s*\w|;\s*$"),
    "placeholder": re.compile(r"%[svd]\b|\{\w*\}|\$\{\w+\}|<[a-z][\w-]{2,30}>|\bfoo\b|\bbar\b"),
}
# A line of a program: as statements of most languages begin and end.
_CODE: Final = re.compile(
    r"(?:[;{}(,]|=>|\)\s*:|->)\s*(?://.*|#.*)?$|^\s*(?://|/\*|\*|#include|@\w+|\$\w+\s*(?:=|->|\[))|^\s*[}\])]+[;,)]*$"
    r"|^\s*(?:const|let|var|function|func|fn|def|class|return|if|else|elif|for|try|catch|except|finally|throw|raise|await|async"
    r"|import|from|export|public|private|protected|static|package|use|using|namespace|switch|case|end|describe|print|echo)\b(?!:)"
    r"|^\s*[\w.$\['\"\]]{1,80}\s*=\s*[^=]|\.\w{1,60}\([^)]{0,200}\)$"
)
# What is asked for over HTTP, and no page that helps.
_OVER_HTTP: Final = "over_http"
_API: Final = re.compile(
    r"\bhttps?://(?!\S*(?:help|support|docs?|wiki|faq|answer|kb|learn|go\.microsoft))\S*\bapi\b",
    re.IGNORECASE,
)
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


# What people write around an error that they quote, and in a text that is no report of one.
_OF_PROSE: Final = frozenset(
    f"is.{name}" for name in ("sentence", "advice", "plan", "asking", "met", "changed", "told")
)


_ALONE: Final = frozenset(("lines.1", "lines.2"))  # as `bit_length` counts them


def is_told_in_prose(seen: Iterable[str]) -> bool:
    """Whether people tell of what is seen, and no program alone."""
    return not _OF_PROSE.isdisjoint(seen)


def stands_alone(seen: Iterable[str]) -> bool:
    """Whether what is seen is a line that tells, or two or three, and nobody tells of them: an error was pasted.

    One of them may have several sentences, as those of Windows have.
    """
    names = frozenset(seen)
    if "c.first_person" in names or _ALONE.isdisjoint(names):
        return False
    return not is_told_in_prose(names - {"is.sentence"} if "lines.1" in names else names)


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


def _shortened(line: str) -> str:
    """Return a line in which a key of a thousand letters is one word as another, behind which more is looked at."""
    return line if len(line) <= _LONG_WORD else _LONG.sub(r"\1", line)


def _named() -> tuple[tuple[str, Patterns], ...]:
    hints = load.hints()
    return ("mail", hints.mail), ("perhaps mail", hints.perhaps_mail), ("foreign", hints.foreign)


def seen_in(reading: Reading, matches: Sequence[Match]) -> list[str]:
    """Return the names of all that is seen in a text, without order."""
    evidence, context = reading.evidence, reading.context
    found: dict[str, None] = {}
    # What stands around and tells nothing has no part in it, however much of that there is.
    every = [_shortened(line) for line in reading.lines.split("\n") if line.strip()]
    lines = [line for line in every if tells(line) or may_tell(line)][:_LINES] or every[:1]
    telling = "\n".join(lines)
    worded = load.hints().seen
    kinds = dict.fromkeys([*_KINDS, *_BUILT, *worded], 0)
    marks = 0
    found["within code" if _within_code(every, lines) else "not within code"] = None
    for line in lines:
        spoken = concepts_in(line)
        found.update(dict.fromkeys(f"c.{name}" for name in spoken))
        for name in _KINDS:
            kinds[name] += name in spoken
        looked = line[:_LINE]
        for name, pattern in _BUILT.items():
            kinds[name] += pattern.search(looked) is not None
        for name, patterns in worded.items():
            asked = name == _OVER_HTTP and "http" in looked and _API.search(looked) is not None
            kinds[name] += asked or any_of(patterns, looked)
        if (mark := _MARK.match(line)) is not None:
            found[f"mark.{mark[1]}"] = None
            marks += 1
    found.update(dict.fromkeys(f"most.{name}" for name, count in kinds.items() if 2 * count > len(lines)))
    found.update((f"is.{name}" if kinds[name] else f"is no {name}", None) for name in (*_BUILT, *worded))
    found[f"codes.{len(set(_CODES.findall(telling))).bit_length()}"] = None
    found[f"lines.{len(lines).bit_length()}"] = None
    found[f"size.{sum(map(len, lines)).bit_length()}"] = None
    found["marks" if 2 * marks > len(lines) else "no marks"] = None
    found["mail" if reading.sure else "perhaps mail"] = None
    for name, words in _named():
        found[f"{name} named" if any_of(words, telling) else f"no {name} named"] = None
    found.update(dict.fromkeys(f"w.{word}" for word in _WORD.findall(telling[:_WORDS].lower())))
    found.update(dict.fromkeys(_facts(reading)))
    found.update(dict.fromkeys(f"label.{label}" for label in evidence.labels))
    for name, value in (("stage", evidence.stage), ("library", context.library), ("error", evidence.error)):
        found[f"{name}.{value}" if value else f"no {name}"] = None
    found.update(dict.fromkeys(_of_rules(matches)))
    if "within code" in found and (not matches or matches[0].id == "unclear"):
        found["no more than code"] = None
    found.update(dict.fromkeys(_of_talk(reading)))
    # A sentence or a stack trace means another thing beside a known failure than beside none.
    known = _known(matches)
    found.update([(f"{known}: {name}", None) for name in found if name.startswith("is.")])
    return list(found)


def _known(matches: Sequence[Match]) -> str:
    """Return whether a rule knows which failure a text tells of."""
    if not matches:
        return "nothing"
    return "unclear" if matches[0].id == "unclear" else "known"


def _within_code(every: Sequence[str], telling: Sequence[str]) -> bool:
    """Whether each of the lines that tell is one of a program, and stands beside another such line.

    What stands farther away does not count: a paste may have any number of other lines.
    """
    coded = [_CODE.search(line[:_LINE]) is not None for line in every]
    named = set(telling)
    places = [place for place, line in enumerate(every) if line in named]
    return all(
        coded[place] and (any(coded[max(0, place - 1) : place]) or any(coded[place + 1 : place + 2]))
        for place in places
    )


def _of_talk(reading: Reading) -> Iterator[str]:
    """Yield how the dialogue in a text ended."""
    talk = reading.talk
    if talk is None:
        yield "no talk"
        return
    yield "talk.refused" if talk.refusal is not None else "talk.open"
    yield f"talk.{talk.stage}"


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
