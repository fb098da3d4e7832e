"""What of a word in a log may be shown: the words of errors, hosts, addresses, numbers, places in programs.

A secret cannot be told from a word by how it looks: pass phrases are words, keys look like names of hosts, a
password may be all digits. So it is the other way round: shown is what texts about failures are known to
consist of, and what has a form that nobody's secret has.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cache, lru_cache
from typing import Final, NamedTuple

from smtpdoctor.knowledge import load

__all__ = ["Judgement", "judge"]

_TELLING: Final = 4  # letters of a word that may be one of a secret
_TELLING_ELSEWHERE: Final = 2  # … in a script whose signs are syllables
_TOGETHER: Final = 5  # letters of short unknown parts of one word
_COUNTRY: Final = 2  # letters at the end of a host
_LONG_NUMBER: Final = 7  # digits
_STEM: Final = 5  # letters that words of one stem share
_NUMBERED: Final = 3  # digits behind a name: php8, smtp01
_ENDINGS: Final = ((8, 3), (6, 2), (5, 1))  # letters of a word, and of an ending that it may have
_PARTICLES: Final = 4  # syllables

_HOST: Final = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.){1,8}[a-z]{2,18}|localhost"
_FORMS: Final = (
    r"\[?(?:\d{1,3}\.){3}\d{1,3}\]?|\[?(?:ipv6:)?[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}\]?"
    r"|v?\d{1,4}(?:\.\d{1,5}){1,4}[a-z]?\d{0,3}|0x[0-9a-f]{1,16}"
    r"|\d{4}-\d\d-\d\d(?:t\d\d)?|\d{1,6}(?:[kmg]?b|m?s|k|m|h|min|st|nd|rd|th)|[-+]\d{1,5}|#\d{1,6}"
)
_PIECE: Final = r"[^=:,;|()<>\[\]{}\"'`/\\]++"
_AROUND: Final = ".!?*“”‘’«»„…-–—·#~。，、；：！？（）「」『』【】《》&+"
_WIDE: Final = (
    r"(?:\[?(?:\d{1,3}\.){3}\d{1,3}\]?|\[?(?:ipv6:)?[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\]|%\w{1,8})?)(?::\d{1,5})?"
)
_PAGE: Final = r"https?://([^/?#@:\s]+)(?::\d{1,5})?(?:[/?#]|$)"
_OPENSSL: Final = r"\d{0,20}:?error:[0-9a-f]{6,8}(?::|$)"
_PART: Final = r"[^\W_]+"
_HUMP: Final = r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
# What hosts end with, besides the two letters of a country.
_ENDS_OF_HOSTS: Final = frozenset(
    (
        *("com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "name", "mobi", "dev", "app", "cloud"),
        *("online", "site", "shop", "store", "tech", "email", "mail", "host", "local", "lan", "home", "internal"),
        *("corp", "intranet", "example", "test", "invalid", "localhost", "localdomain", "arpa", "svc", "xyz"),
    )
)


class Judgement(NamedTuple):
    """What a word is: where its first unknown part begins, if any, and what its short ones weigh.

    ``known``: it has a part that is known. Words that have none are one secret, where they stand together.
    """

    odd: int | None
    known: bool
    weight: int


class _Lexicon:
    """The words that texts about failures consist of."""

    def __init__(self) -> None:
        lists = load.secrets()
        names = (*lists.anywhere, *lists.words, *lists.echoes, *lists.prefixes, *lists.values, *lists.logins)
        said = (*lists.known, *lists.prose, *lists.plain, *lists.common, *lists.familiar)
        self.exact = frozenset((*names, *said))
        self.sorted = sorted(self.exact)
        self.ideographs = tuple(one for one in self.sorted if not one.isascii() and _is_unspaced(one))


@cache
def _lexicon() -> _Lexicon:
    return _Lexicon()


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


@lru_cache(2_048)
def judge(word: str, *, exact: bool) -> Judgement:
    """Return what can be shown of a word; ``exact``: no inflected form of another, as behind a secret's name."""
    lexicon = _lexicon()
    lowered = word.lower()
    if lowered in lexicon.exact:
        return Judgement(None, known=True, weight=0)
    page = _pattern(_PAGE).match(word)
    if _pattern(_WIDE).fullmatch(word) or (page is not None and _is_known_host(page[1], lexicon)):
        return Judgement(None, known=True, weight=0)  # what stands in the path is judged as one
    begin = _pattern(_OPENSSL).match(word)
    known, weight = begin is not None, 0
    first: int | None = None  # where the first unknown part begins
    for piece in _pattern(_PIECE).finditer(word, begin.end() if begin is not None else 0):
        core = piece[0].strip(_AROUND)
        if not core or core.lower() in lexicon.exact:
            known = known or bool(core)
            continue
        if _pattern(_FORMS).fullmatch(core) or _is_place(core, lexicon):
            known = known or not core.isdigit()
            continue
        for part in _parts(core):
            if _is_known(part, lexicon, exact=exact):
                known = known or len(part) >= _TELLING - 1 or not part.isascii()
                continue
            weight += _weight(part)
            first = piece.start() if first is None else first
            if weight >= _TOGETHER:
                return Judgement(0 if exact else first, known, weight)
    return Judgement(None, known, weight)


def _parts(text: str) -> list[str]:
    """Return the words that a name is made of: SMTP_PASSWORD, ConnectionRefusedError."""
    found: list[str] = _pattern(_PART).findall(text)
    return [one.lower() for part in found for one in re.split(_HUMP, part)]


def _is_known(part: str, lexicon: _Lexicon, *, exact: bool) -> bool:
    if part in lexicon.exact:
        return True
    if part.isdigit():
        return len(part) < _LONG_NUMBER
    if _pattern(_FORMS).fullmatch(part):
        return True
    if not part.isascii() and _is_unspaced(part):
        return len(part) < _TELLING_ELSEWHERE or any(one in part for one in lexicon.ideographs)
    if _is_hangul(part):
        return _is_korean(part, lexicon)
    letters = part.rstrip("0123456789")
    if letters != part:
        return len(part) - len(letters) <= _NUMBERED and letters in lexicon.exact
    return not exact and _is_inflected(part, lexicon)


def _is_inflected(word: str, lexicon: _Lexicon) -> bool:
    """Whether a word is a known one but for its ending."""
    longest = next((ending for letters, ending in _ENDINGS if len(word) >= letters), -1)
    for ending in range(longest + 1):
        stem = word[: len(word) - ending]
        if len(stem) < _STEM:
            return False
        place = bisect_left(lexicon.sorted, stem)
        if place < len(lexicon.sorted) and lexicon.sorted[place].startswith(stem):
            return True
    return False


def _is_korean(word: str, lexicon: _Lexicon) -> bool:
    """Whether a word is a known one but for its particles: 서버에서, 비밀번호를."""
    if len(word) < _TELLING_ELSEWHERE:
        return True
    for end in range(len(word), max(len(word) - _PARTICLES, _TELLING_ELSEWHERE) - 1, -1):
        if word[:end] in lexicon.exact:
            return True
    return False


def _weight(part: str) -> int:
    """Return how much of a secret an unknown part may be."""
    short = _TELLING if part.isascii() else _TELLING_ELSEWHERE
    return len(part) if len(part) < short else max(len(part), _TOGETHER)


def _is_hangul(text: str) -> bool:
    return "\uac00" <= text[:1] <= "\ud7a3"


def _is_unspaced(text: str) -> bool:
    """Whether a text is in a script that has no blanks between words: Chinese, Japanese, Thai."""
    return any("\u3040" <= one <= "\u30ff" or "\u4e00" <= one <= "\u9fff" or "\u0e00" <= one <= "\u0e7f" for one in text)


def _is_place(text: str, lexicon: _Lexicon) -> bool:
    """Whether a text is a host or an address, and no words or letters with dots between them."""
    name, at, host = text.rpartition("@")
    if _pattern(_HOST).fullmatch(host.rstrip(".")) is None:
        return False
    if at:
        return _pattern(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}").fullmatch(name) is not None
    last = host.lower().rstrip(".").rpartition(".")[2]
    return len(last) == _COUNTRY or last in _ENDS_OF_HOSTS or _is_known_host(host, lexicon)


def _is_known_host(host: str, lexicon: _Lexicon) -> bool:
    """Whether a part of a host is a word of those texts, which no random letters are."""
    return any(len(one) >= _TELLING - 1 and one in lexicon.exact for one in re.split(r"[.-]", host.lower()))
