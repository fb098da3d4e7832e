"""The codes of the reply that a text tells of, and the token of its error, however they are wrapped or worded."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import compiled, matches, possible
from smtpdoctor.late import Late

__all__ = ["codes_in", "token_in"]

_NEGATIVE: Final = 400
_REPLY: Final = re.compile(
    r"(?<![\d.:/-])(2\d\d|4[23457]\d|5\d\d)(?:[ -]|[\"']?, ?[bu]?[\"']?)#?([245]\.\d{1,3}\.\d{1,3})(?!\d)"
)
_LEADING: Final = re.compile(r"^\W{0,4}(4[23457]\d|5\d\d)(?:[ -]|$|(?=[A-Z]))", re.MULTILINE)
_ENHANCED: Final = re.compile(r"(?<![\d.@/v-])([245]\.\d{1,2}\.\d{1,3})(?![\d.])")
# What stands before a version of a program, and so before no code: its name, or a label.
_OF_VERSION: Final = Late(
    r"(?:\b(?!(?i:codes?|error|errors|status|smtp|reply|replied|said|says|got|get|response|server|a|an|the|with|is|was|and|or|of|dsn|by"
    r"|fail\w*|bounce\w*|undeliver\w*|reject\w*|refus\w*|den\w*|unsuccessful\w*|permanent\w*|tempora\w*|transient\w*|fatal|hard|soft"
    r"|deliver\w*|auth\w*|login|mail|e-?mail|message|sender|recipient)\b)"
    r"[A-Z]\w{1,30}|\w{2,30} ?[Vv]er(?:sion)?) $|\b\w{0,20}version ?[:=]? $"
    r"|\b(?i:php|exim|perl|python|ruby|linux|node|java|wordpress|drupal|server|controller|kernel|stripe version) ?[:=]? ?$"
)
_BEHIND_NAME: Final = 40  # characters that are looked at
_CODE: Final = r"(2[0-9][0-9]|4[2357][0-9]|44[0-24-9]|5[0-79][0-9]|58[0-689])"  # 443 and 587 are ports
# What is no letter and no digit, by ranges: of all scripts they are hundreds, and take 10 ms to compile.
_SIGNS: Final = (
    r"`{-~\x{80}-\x{bf}\x{2000}-\x{206f}\x{2190}-\x{27bf}\x{3000}-\x{303f}\x{ff01}-\x{ff0f}\x{ff1a}-\x{ff20}"
)
_BETWEEN: Final = rf"[\t\r -/:-@\[-^{_SIGNS}]{{0,7}}[\t\r -,/:-@\[-^{_SIGNS}]"
_NEEDED: Final = re.compile("[45][0-9][0-9]")
# How lettre prints a code: by the meaning of its digits (RFC 5321 section 4.2.1).
_SPELT_OUT: Final = re.compile(
    r"severity: (\w+NegativeCompletion),\s+category: (\w+),\s+detail: (\w+)", re.IGNORECASE
)
_SEVERITIES: Final = {"transientnegativecompletion": 400, "permanentnegativecompletion": 500}
_CATEGORIES: Final = ("syntax", "information", "connections", "unspecified3", "unspecified4", "mailsystem")
_DETAILS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def codes_in(text: str) -> tuple[int | None, str | None]:
    """Return the basic and the enhanced code of the failure that a text tells of.

    Both together are a reply beyond doubt; else the basic code is looked for where one is usual, and
    a number anywhere else (a size, a port, a process) is none.
    """
    for code, enhanced in _REPLY.findall(text):
        if int(code) >= _NEGATIVE:
            return int(code), enhanced
    enhanced = next(
        (found[1] for found in _ENHANCED.finditer(text) if not _is_version(text, found.start())), ""
    )
    return _basic(text), enhanced if enhanced[:1] in {"4", "5"} else None


def token_in(text: str) -> str | None:
    """Return the error token that the text words; the file's order puts the special ones first."""
    fitting = load.word_sieve().fitting(text.lower())
    return next((word.token for word in fitting if matches(word.text, text)), None)


def _is_version(text: str, place: int) -> bool:
    """Whether the numbers at a place are the version of something: "Sidekiq 4.2.7", "PHP: 5.6.20"."""
    before = text[max(0, place - _BEHIND_NAME) : place].rpartition("\n")[2]
    return before[-1:] in {" ", ":"} and _OF_VERSION.search(before) is not None


def _basic(text: str) -> int | None:
    if (spelt := _spelt_out(text)) is not None:
        return spelt
    if _NEEDED.search(text) is not None:
        wrapped = (int(next(filter(None, found.groups()), 0)) for found in _wrapper().finditer(text))
        for codes in (wrapped, map(int, _LEADING.findall(text))):
            if (code := next((one for one in codes if one >= _NEGATIVE), None)) is not None:
                return code
    lowered = text.lower()
    hints = load.hints().code
    return next((one.code for one in hints if possible(one.atoms, lowered) and matches(one.text, text)), None)


@cache
def _wrapper() -> Any:
    """Return the pattern of what stands before a code; that of a process or of HTTP is passed over."""
    return compiled(
        r"\bexit code [0-9]+"
        rf"|\b(?:internal server error|http(?: status| error| response)?(?: code)?)[\t\r -/:-@\[-^{_SIGNS}]{{1,4}}[1-5][0-9]{{2}}\b"
        rf"|(?:{load.hints().before_code.whole})(?:{_BETWEEN})?{_CODE}(?:[^0-9.:/]|$)"
        r"|: (4[2-5][0-9]|5[0-5][0-9])[ -][\"'<(]?\pL"
        # Python: the arguments of an exception
        r"|[(\"'](421|43[0-9]|45[0-9]|5[2-5][0-9]), ?[bu]?[\"']|[(\"'](5[01][0-9]), ?b[\"']"
        r"|\bsmtp[^\n()]{0,12}\(([45][0-9][0-9])\) ?[:：]"
    )


def _spelt_out(text: str) -> int | None:
    found = _SPELT_OUT.search(text)
    if found is None:
        return None
    severity, category, detail = (part.lower() for part in found.groups())
    if severity not in _SEVERITIES or category not in _CATEGORIES or detail not in _DETAILS:
        return None
    return _SEVERITIES[severity] + 10 * _CATEGORIES.index(category) + _DETAILS.index(detail)
