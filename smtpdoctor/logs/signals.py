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
# A line of a program: as statements of most languages begin and end.
_CODE: Final = re.compile(
    r"(?:[;{}(,]|=>|\)\s*:|->)\s*(?://.*|#.*)?$|^\s*(?://|/\*|\*|#include|@\w+|\$\w+\s*(?:=|->|\[))|^\s*[}\])]+[;,)]*$"
    r"|^\s*(?:const|let|var|function|func|fn|def|class|return|if|else|elif|for|try|catch|except|finally|throw|raise|await|async"
    r"|import|from|export|public|private|protected|static|package|use|using|namespace|switch|case|end|describe|print|echo)\b(?!:)"
    r"|^\s*[\w.$\['\"\]]{1,80}\s*=\s*[^=]|\.\w{1,60}\([^)]{0,200}\)$"
)
# What happened, as programs that send mail, and others, write it.
_EVENTS: Final = {
    "undelivered": re.compile(
        r"\bstatus=(?:bounced|deferred|undeliverable|expired)\b|\bstat=(?!sent)\w|\bdelivery \d+: (?:failure|deferral)"
        r"|\bhost \S+ (?:\S+ )?said: |(?:^|\s)(?:\*\*|==) \S+@\S+ |\bDiagnostic-Code: |\bAction: failed\b|\(in reply to ",
        re.IGNORECASE,
    ),
    "delivered": re.compile(r"\bstatus=sent\b|\bstat=sent\b|\bdelivery \d+: success", re.IGNORECASE),
    "raised": re.compile(
        r"SMTP\w*(?:Error|Exception|Refused|Disconnected|Busy)\b|\b(?:Mail|Email|Mailer|Messaging|Transport|Swift_\w+|Send)Exception\b"
        r"|\bE(?:AUTH|SOCKET|CONNECTION|ENVELOPE|MESSAGE|DNS|TLS)\b|SMTP(?:Error| ERROR| Error|\.Error)\b|\bMailer Error\b"
    ),
    "over_http": re.compile(
        r"\bhttps?://(?!\S*(?:help|support|docs?|wiki|faq|answer|kb|learn|go\.microsoft))\S*\bapi\b|\bstatus_?code\b\W{1,4}[34]\d\d"
        r"|\bHTTP(?:/[\d.]+)?[ :]+(?:error |status |code )*[45]\d\d|\b40[0134] (?:bad request|unauthori|forbidden|not found)"
        r"|APIError|ApiException|\bPOST /|\bGET /|graph\.microsoft|googleapis|\bXMLHttp",
        re.IGNORECASE,
    ),
    "received": re.compile(
        r"\bsmtpd?\[\d+\]: (?:NOQUEUE|connect from|warning: )|/(?:smtpd|postscreen|cleanup|lmtp|pop3d|imapd)\[|\bNOQUEUE\b|\bclient=\S+\[|\bdovecot\b"
        r"|\blocalPort\b|\bremoteIp\b|\bopendkim\b|\brspamd\b|\bspamd\b|\bmilter",
        re.IGNORECASE,
    ),
    "complaint": re.compile(
        r"\b(?:not|never|no longer|n[o'’]?t|stop(?:ped|s)|fail(?:s|ed|ing)?|unable|impossible)\b[^.\n]{0,40}\b(?:work|send|sent|sending|receiv\w+|arriv\w+"
        r"|deliver\w*|get|connect\w*|e-?mails?|log ?in|authenticate)\b",
        re.IGNORECASE,
    ),
    "asking": re.compile(
        r"\b(?:any (?:ideas?|help|hints?|suggestions?|advice|clue)|how (?:can|do|to|could|should) |please help|help me|can (?:some|any)(?:one|body)"
        r"|what (?:is|am|could|can|should)|why (?:is|am|do|does|can|are)|am i |thanks\b|thank you)",
        re.IGNORECASE,
    ),
    "met": re.compile(
        r"\b(?:i|we|he|she|customers?|users?|client) (?:am |are |is |was |were |have |had |always |now |then |also |just |only |still |keep |kept )*"
        r"(?:gets?|got|getting|receiv\w+|seeing|see|saw|tried|try|trying|having|had|encounter\w*|fac(?:e|ing)|ran into|run into|experienc\w+)\b"
        r"|following (?:error|exception|message)|error (?:message )?(?:is|was|says|i get|below)|오류가|에러가|안 ?(?:됩|돼|되)|报错|エラーが",
        re.IGNORECASE,
    ),
    "changed": re.compile(
        r"\b(?:this|the) (?:pr|pull request|patch|commit|change|module|tutorial|article|guide|page|section|release|version) |\[(?:FIX|ADD|IMP|REF|REM)\]"
        r"|^\s*(?:fix|feat|chore|refactor|docs|add|adds|added|allow|make|support|improve|update|remove|change)(?:\([^)]{1,30}\))?:? [a-z]"
        r"|\bsteps to reproduce\b|\bexpected behaviou?r\b|\bi (?:suggest|propose|would like)|- \[[ x]\]",
        re.IGNORECASE,
    ),
    "told": re.compile(
        r"\b(?:error|code|message|fehler|erreur)s? (?:occurs?|appears?|means?|indicates?|happens?|is (?:displayed|shown|returned))\b|\b(?:common|typical|possible|likely) (?:causes?|reasons?|errors?)\b"
        r"|\bhow to fix\b|\b(?:solution|fix|cause|ursache|lösung|원인|해결)s?\s*[:：|]|bedeutet|auftr(?:itt|eten)|häufig|原因|解决|対処|場合",
        re.IGNORECASE,
    ),
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


def _named() -> tuple[tuple[str, Patterns], ...]:
    hints = load.hints()
    return ("mail", hints.mail), ("perhaps mail", hints.perhaps_mail), ("foreign", hints.foreign)


def seen_in(reading: Reading, matches: Sequence[Match]) -> list[str]:
    """Return the names of all that is seen in a text, without order."""
    evidence, context = reading.evidence, reading.context
    found: dict[str, None] = {}
    # What stands around and tells nothing has no part in it, however much of that there is.
    every = [line for line in reading.lines.split("\n") if line.strip()]
    lines = [line for line in every if tells(line) or may_tell(line)][:_LINES] or every[:1]
    telling = "\n".join(lines)
    kinds = dict.fromkeys([*_KINDS, *_MACHINE, *_EVENTS], 0)
    marks = 0
    found["within code" if _within_code(every, lines) else "not within code"] = None
    for line in lines:
        spoken = concepts_in(line)
        found.update(dict.fromkeys(f"c.{name}" for name in spoken))
        for name in _KINDS:
            kinds[name] += name in spoken
        for name, pattern in (*_MACHINE.items(), *_EVENTS.items()):
            kinds[name] += pattern.search(line[:_LINE]) is not None
        if (mark := _MARK.match(line)) is not None:
            found[f"mark.{mark[1]}"] = None
            marks += 1
    found.update(dict.fromkeys(f"most.{name}" for name, count in kinds.items() if 2 * count > len(lines)))
    found.update((f"is.{name}" if kinds[name] else f"is no {name}", None) for name in (*_MACHINE, *_EVENTS))
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
    return list(found)


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
