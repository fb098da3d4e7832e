"""Masks what a log should never have held: passwords, tokens, AUTH payloads. Addresses and replies stay.

Three nets, one behind the other: what is a credential by its form (``masking.forms``), what stands
behind a name, a call or a command (``named``), and of what is left each word that looks like no word of a
language, a host, an address, a place in a program or a number. Behind the name of a secret a word has to
be known to be shown. What is shown of a log needs no more than the words of a reply; the diagnosis was
made from the text as it was.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from smtpdoctor.knowledge import load
from smtpdoctor.logs.familiar import judge
from smtpdoctor.logs.named import Talk, named
from smtpdoctor.masking.forms import Span, covered, credentials
from smtpdoctor.masking.words import printable

__all__ = ["Shown", "masked", "shown"]

_SHORT: Final = 6  # characters; a shorter word tells nothing of a secret
_SHORT_BEHIND: Final = 4  # … behind the name of one
_LONG_WORD: Final = 8  # letters, from which small and capital ones can be told to be random
_FEWEST_LETTERS_A_HUMP: Final = 3.1  # camelCase has more, base64 less
_LONG_PART: Final = 16  # of a path or the address of a page
_WITHIN: Final = 2  # words from one that is masked to the next: what stands between is no sentence
_QUOTES: Final = frozenset("\"'`“”‘’«»[({<")
_LOOK_BACK: Final = 2_048  # characters before a place, in which a value may begin that goes on there


class _Words:
    """The words that nobody's secret is told by."""

    def __init__(self) -> None:
        lists = load.secrets()
        self.known = frozenset((*lists.known, *lists.prose, *lists.plain))


@cache
def _words() -> _Words:
    return _Words()


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


class Shown(NamedTuple):
    """A part of a text fit to be shown.

    ``secret``: it begins in the midst of a secret, ``doubtful``: perhaps it does.
    """

    text: str
    secret: bool
    doubtful: bool


def masked(text: str) -> str:
    """Return a text without secrets and without control characters."""
    return shown(text, 0, len(text)).text


def shown(text: str, start: int, end: int) -> Shown:
    """Return a part of a text without secrets, its control characters made visible.

    What stands before the part tells of values that go on in it.
    """
    lowest = max(0, start - _LOOK_BACK)
    text, start = text[lowest:end], start - lowest
    names = named(text)
    # Behind a value nothing is sure to be none of it.
    values = [one._replace(widest=max(one.widest, _end_of_line(text, one.end))) for one in names.values]
    spans = sorted([*credentials(text, log=True), *names.coded, *values])
    secret = any(one.start < start < one.end for one in spans)
    doubtful = any(one.start < start < one.widest for one in spans)
    if not secret:
        # What may have gone on to this part has not, or what is known would not stand here.
        spans = [one if one.start >= start else Span(one.start, one.end, one.end) for one in spans]
    spans += _odd_words(text, start, spans, names.talk)
    return Shown(printable(covered(text, spans, start)), secret, doubtful)


def _end_of_line(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


# Words

# A word ends at a blank, and where a log writes the end of a line, a field or an element as signs.
_WORD: Final = (
    r"\\[rntu\"']|</?[a-z]{1,10}\s?/?>|&(?:[a-z]{2,6}|#\d{2,4});|[\"'][:,=]|[:,=][\"']"
    r"|((?:(?!\\[rnt\"']|</?[a-z]{1,10}\s?/?>|&(?:[a-z]{2,6}|#\d{2,4});|[\"'][:,=]|[:,=][\"'])\S)++)"
)
_AROUND: Final = "\"'`.,:;!?()[]{}<>*“”‘’«»„…\\|/-–—=·#~。，、；：！？（）「」『』【】《》"
_LETTERS: Final = r"[^\W\d_]+(?:[-'’/._:,+&()]{1,3}[^\W\d_]+)*"
_NUMBER: Final = r"[\d.,:;/%+\-x()#\[\]TZ_]+"
_HOST: Final = (
    r"(?:\[?(?:\d{1,3}\.){3}\d{1,3}\]?|\[?[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}\]?"
    r"|(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.){1,8}[a-z]{2,18}|localhost)\.?"
)
_PLACE: Final = rf"(?:[a-z0-9_-]+=)?<?{_HOST}(?:\[[0-9a-f.:]{{3,45}}\]?)?(?::\d{{1,5}})?>?"
_ADDRESS: Final = rf"(?:[a-z]+[=:])?<?[\w.!#$%&'*+/=?^`{{|}}~-]{{1,64}}@{_HOST}>?"
_PAGE: Final = rf"https?://{_HOST}(?::\d{{1,5}})?(?P<path>[/?#]\S*)?"
_CODE: Final = r"0x[0-9a-f]{1,16}|(?:error|e?smtp|dns|rfc822|x-\w+)[:;].*|[a-z]{1,4}\d{1,4}|b'\d.*|\d+(?:\.\d+)?[kmg]?[sb]|\d{1,6}[a-z]{1,3}|v?\d+(?:\.\d+)+[a-z]?\d*"
_FOR_WHOM: Final = frozenset(
    {"for", "as", "user", "login", "with", "account", "credentials", "creds", "auth"}
)
_PAIR: Final = r"([\w.@+-]{1,64}+)([:/|])([^\W\d_]{4,}+)"  # user:password
_PAIR_AT: Final = rf"([\w.+-]{{1,64}}+)[/|](\S{{4,}})@{_HOST}(?::\d{{1,5}})?"  # user/password@host
# A place in a program: `SMTPTransport.java:734`, `node:internal/async_hooks:130`, `Foo::Bar#baz`.
_PARTS: Final = r"[./:#()\[\]<>,_;=\"'-]+"


class _Token(NamedTuple):
    """A word of a text, what of it cannot be shown, and whether the sign of an end stands before or behind it."""

    start: int
    end: int
    odd: int | None
    loose: int
    opened: bool
    closed: bool
    talk: bool


def _odd_words(text: str, start: int, spans: list[Span], talk: list[Talk]) -> Iterator[Span]:
    """Yield the words from a place on that nobody knows, and those that are one secret with them."""
    tokens = list(_tokens(text, start, spans, talk))
    odd = [one.odd is not None for one in tokens]
    for first, last in _runs(tokens):
        odd[first:last] = [True] * (last - first)
    last = -1
    for number, one in enumerate(tokens):
        if not odd[number]:
            continue
        begin = one.start + (one.odd or 0)
        if last >= 0 and number - last <= _WITHIN and _is_one(text, tokens[last : number + 1]):
            begin = tokens[last].end  # what stands between belongs to it
        elif number and not odd[number - 1] and tokens[number - 1].opened and not tokens[number - 1].closed:
            begin = tokens[number - 1].start if not one.opened else begin
        yield Span(begin, one.end, one.end)
        last = number
        following = tokens[number + 1] if number + 1 < len(tokens) else None
        if following is not None and following.closed and not (following.opened or one.closed or odd[number + 1]):
            yield Span(one.end, following.end, following.end)


def _tokens(text: str, start: int, spans: list[Span], talk: list[Talk]) -> Iterator[_Token]:
    """Yield the words from a place on that are not masked as a whole."""
    known = _words().known
    starts = [one.start for one in spans]
    reach = list(accumulate((one.widest for one in spans), max))
    ahead = iter(talk)
    following = next(ahead, None)
    spoken = plain = -1  # up to where a text speaks of a secret, and does so in plain letters
    before = ""
    for found in _pattern(_WORD).finditer(text, start):
        word, first = found[1], found.start()
        core = word.strip(_AROUND) if word else ""
        if not core:
            continue
        first += word.index(core)
        last = first + len(core)
        while following is not None and following.start <= first:
            spoken = max(spoken, following.end)
            plain = max(plain, following.end) if following.plain else plain
            following = next(ahead, None)
        place = bisect_right(starts, last - 1)
        judged = judge(core, exact=first < spoken)
        inside = judged.odd
        if place and reach[place - 1] > first:  # masked already, at least in part
            if reach[place - 1] >= last:
                continue
        elif inside is None and (inside := _in_pair(core, before, known)) is None:
            unlike = len(core) >= _SHORT and (_is_padded(text, first, last) or not _is_harmless(core, known))
            inside = _odd_part(core, known) if unlike else None
        yield _Token(
            first,
            last,
            inside,
            0 if judged.known else judged.weight,
            text[first - 1 : first] in _QUOTES,
            text[last : last + 1] in _QUOTES,
            first < spoken,
        )
        before = core


def _runs(tokens: list[_Token]) -> Iterator[tuple[int, int]]:
    """Yield where short parts of words that nobody knows stand together, so that they may be a long one."""
    begin = weight = 0
    for number, one in enumerate(tokens):
        if one.loose == 0:
            begin, weight = number + 1, 0
            continue
        weight += one.loose
        if weight >= _SHORT and number > begin:
            yield begin, number + 1


def _is_one(text: str, tokens: list[_Token]) -> bool:
    """Whether between the first and the last of words is nothing but blanks: they may be one secret."""
    return all(text[one.end : other.start].isspace() and "\n" not in text[one.end : other.start] for one, other in pairwise(tokens))


def _in_pair(word: str, before: str, known: frozenset[str]) -> int | None:
    """Return where the password begins of a word that is a login: bob:…, bob/…@host; ``before``: the word before."""
    pair = _pattern(_PAIR).fullmatch(word)
    if pair is not None and (pair[2] == ":" or before in _FOR_WHOM):
        return None if pair[3].lower() in known or pair[1].lower() in known else pair.start(3)
    pair = _pattern(_PAIR_AT).fullmatch(word)
    # No principal of Kerberos, whose parts are a service and a host.
    if pair is None or pair[1].lower() in known or _pattern(_PLACE).fullmatch(pair[2]):
        return None
    return pair.start(2)


def _is_padded(text: str, first: int, last: int) -> bool:
    """Whether a word is base64 that is filled up to groups of four."""
    padding = len(text[last : last + 2]) - len(text[last : last + 2].lstrip("="))
    coded = padding and (last - first + padding) % 4 == 0
    return bool(coded and _pattern(r"[a-z0-9+/_-]++(?!=*[a-z0-9\"'<])").match(text, first, last + 3))


def _is_known(word: str, known: frozenset[str], *, plain: bool) -> bool:
    """Whether a word can be shown that stands behind the name of a secret."""
    parts = re.split(r"[\W_]+", word.lower())
    if word.lower() in known or (
        all(_is_known_part(one, known, plain) for one in parts)
        # Many short parts that are no words make up a long one.
        and sum(len(one) for one in parts if _is_odd_and_short(one, known)) < _SHORT
    ):
        return True
    if _pattern(_PLACE).fullmatch(word) or _pattern(_ADDRESS).fullmatch(word):
        return True
    return _pattern(_PAGE).fullmatch(word) is not None and _is_harmless(word, known)


def _is_odd_and_short(part: str, known: frozenset[str]) -> bool:
    return len(part) < _SHORT_BEHIND and part.isalpha() and part.isascii() and part not in known


def _is_known_part(part: str, known: frozenset[str], plain: bool) -> bool:  # noqa: FBT001
    if part.isdigit():
        return len(part) < _SHORT
    # A language without blanks or with endings has no list of words.
    return len(part) < _SHORT_BEHIND or part in known or not (plain or part.isascii())


def _is_harmless(word: str, known: frozenset[str]) -> bool:
    """Whether a word is one of a language, a host, an address, a place in a program, a number."""
    lowered = word.lower()
    if lowered in known or _pattern(_NUMBER).fullmatch(word):
        return True
    if _pattern(_LETTERS).fullmatch(word):
        return all(_is_word(one) for one in re.split(r"[^\w]+", word))
    if (
        _pattern(_PLACE).fullmatch(word)
        or _pattern(_ADDRESS).fullmatch(word)
        or _pattern(_CODE).fullmatch(word)
    ):
        return True
    field = _pattern(r"[a-z][a-z_.-]{0,30}=(\S{1,400})").fullmatch(word)
    if field is not None:
        return _is_harmless(field[1].strip(_AROUND), known)
    page = _pattern(_PAGE).fullmatch(word)
    if page is not None:
        return all(_is_part(one, _LONG_PART, known) for one in re.split(r"[\W_]+", page["path"] or ""))
    if _pattern(r"(?:.*[^a-z])?[a-z]:\\{1,2}.*|(?:[^\\]*\\){3,}[^\\]*").fullmatch(word):
        word = word.replace("\\", "/")
    if "@" in word or re.search(r"[!?%^&*~|+$\\]", word):
        return False
    parts = _pattern(_PARTS).split(word)
    mixed = any(not (one.isalpha() or one.isdigit()) for one in parts if one)
    telling = any(len(one) >= _SHORT_BEHIND and one.isalpha() for one in parts)
    return (telling or not mixed) and all(_is_part(one, _SHORT, known) for one in parts)


def _odd_part(word: str, known: frozenset[str]) -> int:
    """Return where a word begins to be odd: behind the sign of equality or the host of a page."""
    page = _pattern(_PAGE).fullmatch(word)
    if page is not None:
        return page.start("path") + 1
    head, sign, _ = word.partition("=")
    return (
        len(head) + 1
        if sign and _pattern(r"[a-z][\w.-]{0,30}").fullmatch(head) and _is_harmless(head, known)
        else 0
    )


def _is_part(part: str, short: int, known: frozenset[str]) -> bool:
    """Whether a part of a name in a program or of a path is a word or a number."""
    if len(part) < short or part.isdigit() or part.lower() in known:
        return True
    if part.isalpha():
        return _is_word(part)
    letters = part.rstrip("0123456789")
    return letters.isalpha() and letters.lower() in known and len(part) - len(letters) < _SHORT_BEHIND


def _is_word(word: str) -> bool:
    """Whether letters are those of a word: small and capital ones change as in camelCase, not at random."""
    if len(word) < _LONG_WORD or not word.isascii() or word.islower() or word.isupper() or word[1:].islower():
        return True
    pairs = list(pairwise(word))
    humps = 1 + sum(one.islower() and other.isupper() for one, other in pairs)
    shouts = sum(one.isupper() and other.isupper() for one, other in pairs)
    return len(word) / (humps + shouts / 2) >= _FEWEST_LETTERS_A_HUMP
