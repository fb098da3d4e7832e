"""Masks what a log should never have held: passwords, tokens, AUTH payloads. Addresses and replies stay.

Three nets, one behind the other: what is a credential by its form (``masking.forms``), what stands
behind a name, a call or a command (``named``), and of what is left each word that is not known. A secret
cannot be told from a word by how it looks: pass phrases are words, a key may look like the name of a host, a
password be all digits. So shown is what texts about failures are known to be made of, and what has a form
that no secret has: addresses, hosts, codes, versions, places in a program. The diagnosis was made from the
text as it was.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from smtpdoctor.knowledge import load
from smtpdoctor.logs.named import Talk, is_hangul, is_known_korean, named
from smtpdoctor.masking.forms import Span, covered, credentials
from smtpdoctor.masking.words import printable

__all__ = ["Shown", "masked", "shown"]

_LOOK_BACK: Final = 2_048  # characters before a place, in which a value may begin that goes on there
_AROUND_REST: Final = "@=:/,;?&" + "\"'()[]{}<>."
_WITHIN: Final = 3  # words between one that is masked and the next
_LOOSE: Final = 6  # letters of short unknown words that stand together


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
    spans = sorted(
        [*spans, *(Span(*one.span(), one.end()) for one in _pattern(_NUMBERS).finditer(text, start))]
    )
    tokens = list(_tokens(text, start, spans, names.talk))
    odd = _odd(text, tokens)
    if any(odd):
        spans += _odd_words(text, tokens, odd)
        spans += _enclosed(text, start, tokens, odd)
    return Shown(printable(covered(text, spans, start)), secret, doubtful)


def _end_of_line(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


# Words

# A word ends at a blank, and where a log writes the end of a line, a field or an element as signs.
_ESCAPE: Final = (
    r"\\[rntu\"']|</?(?:[abipuq]|br|hr|li|[uo]l|t[dhrt]|em|h[1-6]|div|span|pre|code|strong|small|font|table)\s?/?>"
    r"|&(?:quot|amp|lt|gt|apos|nbsp|#\d{2,4});|[\"'][:,=]|[:,=][\"']"
)
_WORD: Final = rf"{_ESCAPE}|((?:(?!{_ESCAPE})\S)++)"
_AROUND: Final = "\"'`.,:;!?()[]{}<>*“”‘’«»„…\\|/-–—=·#~。，、；：！？（）「」『』【】《》"
# The characters of a text as numbers: a list of them, calls of `chr`, bytes of a dump.
_NUMBER: Final = r"(?:(?:chr|ord|u?int8|byte)\(|0x|\\x|&#x?)?(?:[0-9a-f]{2}|\d{3})\b[\])]?"
_NUMBERS: Final = (
    rf"(?<![\w.:-]){_NUMBER}(?P<sign>[ \t]*+[,;+.:|&~-][ \t]*+|[ \t]{{1,2}}|(?=\\x|&#)){_NUMBER}"
    rf"(?:(?P=sign){_NUMBER}){{4,}}+"
)
_CLOSED: Final = frozenset(("", *")]}\"'`,;.!?”’»」"))
_QUOTES: Final = frozenset("\"'`“”‘’«»[({<")
_PAIR_AT: Final = (
    r"([\w.+-]{1,64}+)[/|](\S{4,})@(?:[a-z0-9_-]{1,63}\.){1,8}[a-z]{2,18}(?::\d{1,5})?"  # user/password@host
)


_ENCLOSED: Final = (
    r"[(\[{<]([^()\[\]{}<>\n]{1,400})[)\]}>]|(?<!\w)\"([^\"\n]{1,400})\"(?!\w)|(?<!\w)'([^'\n]{1,400})'(?!\w)"
    r"|`([^`\n]{1,400})`|[“„]([^“”\n]{1,400})[“”]|[‘‚]([^‘’\n]{1,400})’|[«»]([^«»\n]{1,400})[«»]|「([^「」\n]{1,400})」"
)
_STATED: Final = r"=|:(?=\s)|\b[245]\d\d\b|\b[245]\.\d{1,2}\.\d"  # fields, replies


class _Token(NamedTuple):
    """A word of a text, what of it cannot be shown, and whether the sign of an end stands before or behind it."""

    start: int
    end: int
    odd: int | None
    loose: int
    known: bool
    opened: bool
    closed: bool


def _odd(text: str, tokens: Sequence[_Token]) -> list[bool]:
    """Return of each word whether nobody knows it."""
    odd = [one.odd is not None for one in tokens]
    for first, last in _runs(tokens):
        odd[first:last] = [True] * (last - first)
    for number in range(1, len(tokens)):  # pieces of an unknown word that signs divide
        one = tokens[number]
        if (
            one.loose
            and not one.known
            and odd[number - 1]
            and not _is_apart(text, *tokens[number - 1 : number + 1])
        ):
            odd[number] = True
    return odd


def _enclosed(text: str, start: int, tokens: Sequence[_Token], odd: Sequence[bool]) -> Iterator[Span]:
    """Yield what stands in brackets or quotes and is unknown in part: a value, and no sentence."""
    starts = [one.start for one in tokens]
    for found in _pattern(_ENCLOSED).finditer(text, start):
        begin, end = found.span(found.lastindex or 0)
        inside = odd[bisect_left(starts, begin) : bisect_left(starts, end)]
        if sum(inside) * 3 >= len(inside) > 1 and _pattern(_STATED).search(text, begin, end) is None:
            yield Span(begin, end, end)


def _odd_words(text: str, tokens: Sequence[_Token], odd: Sequence[bool]) -> Iterator[Span]:
    """Yield the words that nobody knows, and those that are one secret with them."""
    phrase: list[int] = []  # the words of the secret at hand
    for number, one in enumerate(tokens):
        if not odd[number]:
            if len(phrase) > 1 and phrase[-1] == number - 1 and _ends(text, tokens, number):
                yield Span(tokens[number - 1].end, one.end, one.end)  # the last word of a pass phrase
            elif len(phrase) > 1 and phrase[-1] == number - 2 and _ends(text, tokens, number):
                last = tokens[phrase[-1] : number + 1]
                if _is_one(text, last) and not _are_prose(text, last[1:]):
                    yield Span(last[0].end, one.end, one.end)  # its last two
            continue
        begin = one.start + (one.odd or 0)
        if phrase and _is_phrase(text, tokens[phrase[-1] : number + 1]):
            begin = tokens[phrase[-1]].end  # what stands between belongs to it
            phrase.append(number)
        else:
            before = tokens[number - 1] if number else one
            if number and not odd[number - 1] and before.opened and not (before.closed or one.opened):
                begin = before.start  # the first word in quotes
            phrase = [number]
        yield Span(begin, one.end, one.end)
        behind = tokens[number + 1 : number + 2]
        if behind and behind[0].closed and not (behind[0].opened or one.closed or odd[number + 1]):
            yield Span(one.end, behind[0].end, behind[0].end)  # the last word in quotes


def _ends(text: str, tokens: Sequence[_Token], number: int) -> bool:
    """Whether a word stands behind a blank and ends its line, or a sign follows as behind a value, and no word."""
    one = tokens[number]
    behind = text[one.end : _end_of_line(text, one.end)].rstrip()
    ended = behind[:1] in _CLOSED or (behind[0].isspace() and not behind.lstrip()[0].isalnum())
    return ended and text[tokens[number - 1].end : one.start].isspace()


def _tokens(text: str, start: int, spans: list[Span], talk: Sequence[Talk]) -> Iterator[_Token]:
    """Yield the words from a place on that are not masked as a whole."""
    starts = [one.start for one in spans]
    reach = list(accumulate((one.widest for one in spans), max))
    ahead = iter(talk)
    following = next(ahead, None)
    spoken = -1  # up to where a text speaks of a secret
    for found in _pattern(_WORD).finditer(text, _beginning(text, start)):
        word, first = found[1], found.start()
        core = word.strip(_AROUND) if word else ""
        if not core:
            continue
        first += word.index(core)
        while following is not None and following.start <= first:
            spoken = max(spoken, following.end)
            following = next(ahead, None)
        whole = (first, first + len(core))
        for begin, end in _uncovered(*whole, starts, reach):
            judged = _judged(text[begin:end], exact=begin < spoken)
            inside = judged.odd
            named = text[begin:end].endswith((":", "="))  # what is masked behind it
            if (inside is None and (begin, end) != whole and not named and _is_rest(text[begin:end])) or (
                inside and _is_rest(text[begin : begin + inside])
            ):
                inside = 0
            elif inside is None and (begin, end) == whole:
                pair = _pattern(_PAIR_AT).fullmatch(core)
                if _is_padded(text, begin, end):
                    inside = 0
                elif pair is not None and not _is_principal(pair[1], pair[2]):
                    inside = pair.start(2)
            opened, closed = text[begin - 1 : begin] in _QUOTES, text[end : end + 1] in _QUOTES
            yield _Token(begin, end, inside, judged.weight, judged.known, opened, closed)


def _uncovered(
    begin: int, end: int, starts: Sequence[int], reach: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yield the parts of a word that are not masked yet."""
    while begin < end:
        number = bisect_right(starts, begin)
        if number and reach[number - 1] > begin:
            begin = reach[number - 1]
            continue
        stop = min(starts[number], end) if number < len(starts) else end
        yield begin, stop
        begin = stop


def _beginning(text: str, place: int) -> int:
    """Return where the letters and digits begin in whose midst a place is."""
    while place > 0 and text[place - 1 : place + 1].isalnum():
        place -= 1
    return place


def _runs(tokens: Sequence[_Token]) -> Iterator[tuple[int, int]]:
    """Yield where short parts of words that nobody knows stand together, so that they may be a long one."""
    begin, weight = 0, 0
    for number, one in enumerate(tokens):
        if one.known:
            begin, weight = number + 1, 0
            continue
        begin = begin if weight else number
        weight += one.loose
        if weight >= _LOOSE and (number > begin or weight > one.loose):
            yield begin, number + 1
            begin = number + 1  # and what goes on behind it


def _is_apart(text: str, one: _Token, other: _Token) -> bool:
    return any(map(str.isspace, text[one.end : other.start]))


def _is_one(text: str, tokens: Sequence[_Token]) -> bool:
    """Whether between the first and the last of words is nothing but blanks: they may be one secret."""
    return all(
        text[one.end : other.start].isspace() and "\n" not in text[one.end : other.start]
        for one, other in pairwise(tokens)
    )


def _is_phrase(text: str, tokens: Sequence[_Token]) -> bool:
    """Whether the first and the last of words are of one secret: one between them, or some that are no sentence."""
    between = tokens[1:-1]
    if len(between) > 1 and (len(between) > _WITHIN or _are_prose(text, between)):
        return False
    return _is_one(text, tokens)


def _are_prose(text: str, tokens: Sequence[_Token]) -> bool:
    """Whether one of some words is of those that join others to a sentence."""
    return any(text[one.start : one.end].lower() in _lexicon().prose for one in tokens)


def _is_rest(part: str) -> bool:
    """Whether what touches a mask says nothing by itself: of a password with signs in it the rest."""
    lexicon = _lexicon()
    core = part.strip(_AROUND_REST)
    if core.isdigit() or sum(map(str.isalnum, core)) <= 1 or _is_place(core, lexicon):
        return False
    parts = _parts(core)
    known = [one for one in parts if len(one) > 1 and one in lexicon.exact]
    return not known or (len(parts) > 1 and max(map(len, parts)) == _TELLING_ELSEWHERE)


def _is_principal(service: str, host: str) -> bool:
    """Whether two words are one of Kerberos: smtp/mail.example.com@EXAMPLE.COM."""
    return service.lower() in _lexicon().exact or _is_place(host, _lexicon())


def _is_padded(text: str, first: int, last: int) -> bool:
    """Whether a word is base64 that is filled up to groups of four."""
    padding = len(text[last : last + 2]) - len(text[last : last + 2].lstrip("="))
    coded = padding and (last - first + padding) % 4 == 0
    return bool(coded and _pattern(r"[a-z0-9+/_-]++(?!=*[a-z0-9\"'<])").match(text, first, last + 3))


# What is known

_TELLING: Final = 4  # letters of a word that may be one of a secret
_TELLING_ELSEWHERE: Final = 2  # … in a script whose signs are syllables
_TOGETHER: Final = 5  # letters of short unknown parts of one word
_COUNTRY: Final = 2  # letters at the end of a host
_LONG_NUMBER: Final = 9  # digits; a size or a date has fewer
_LONG_NUMBER_BEHIND: Final = 6  # … behind the name of a secret
_STEM: Final = 5  # letters that words of one stem share
_DRAWN: Final = 16  # letters of what nobody knows in the address of a page
_NUMBERED: Final = 3  # digits behind a name of as many letters at least: php8, smtp01
_ENDINGS: Final = ((8, 3), (6, 2), (5, 1))  # letters of a word, and of an ending that it may have
_OTHER_ENDING: Final = 4  # letters by which a known word of the same stem may be longer
_FEWEST_LETTERS_A_HUMP: Final = 2.5  # camelCase has more, random letters have less

_HOST: Final = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.){1,8}[a-z]{2,18}|localhost"
# A day of a log or a certificate; an earlier one may be somebody's birthday.
_DAY: Final = (
    r"20[1-9]\d([./-])\d\d\1\d\d(?:t\d\d)?|\d\d([./-])\d\d\2(?:20[1-9]\d)|\d\d\.\d{1,9}(?:[+-]\d{4})?"
    r"|\d{1,2}\.\d{1,2}\.\d{1,5}\.\d{1,5}"  # a version of Windows' programs
)
_DIVIDED: Final = r"[(+]?\d+(?:[)._/+-]{1,2}\d+)++"
_OF_MAIL: Final = r"mail|smtp|(?:^|[.-])(?:mx|mta|relay|server|exchange|host|docker|cluster)\d{0,3}(?:$|[.-])"
_FORMS: Final = (
    r"v?\d{1,4}(?:\.\d{1,5}){1,4}[a-z]?\d{0,3}"
    r"|20[1-9]\d-\d\d-\d\dt\d\d|\d{1,4}(?:[kmg]?b|m?s|k|m|h|min|st|nd|rd|th)|[-+]\d{1,5}|-?2147\d{6}|#\d{1,6}"
)
_HEX_NUMBER: Final = r"0x[0-9a-f]{1,16}"  # an error of Windows, a place in memory
_PIECE: Final = r"[^=:,;|()<>\[\]{}\"'`/\\]++"
_AROUND_PIECE: Final = ".!?*“”‘’«»„…-–—·#~。，、；：！？（）「」『』【】《》&+"
_WIDE: Final = (
    r"(?:\[?(?:\d{1,3}\.){3}\d{1,3}\]?"
    r"|\[?(?:ipv6:)?(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?=\S*::)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?:\]|%\w{1,8})?"
    r")(?::\d{1,5})?"
)
_PAGE: Final = r"https?://([^/?#@:\s]+)(?::\d{1,5})?(?:[/?#]|$)"
_RARE: Final = r"[!%^&*~$#]"
_SIGNS: Final = rf"{_RARE}|(?:[^\w.,:/=@-][\w.,:/=@-]*+){{2}}"  # or brackets, quotes and strokes, several
_OPENSSL: Final = r"\d{0,20}:?error:[0-9a-f]{6,8}(?::|$)"
_PART: Final = r"[^\W_]+"
_SCRIPT: Final = (
    r"[a-z0-9\u00c0-\u024f]+|[^a-z0-9\u00c0-\u024f]+"  # of what is written without a blank between
)
_HUMP: Final = r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"


class _Judgement(NamedTuple):
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
        self.prose = frozenset(lists.prose)
        self.host_endings = frozenset(lists.host_endings)

    @cached_property
    def sorted(self) -> list[str]:
        """The words, to find those that begin alike."""
        return sorted(self.exact)

    @cached_property
    def ideographs(self) -> tuple[str, ...]:
        """The words of scripts without blanks between them."""
        return tuple(one for one in self.sorted if not one.isascii() and _is_unspaced(one))


@cache
def _lexicon() -> _Lexicon:
    return _Lexicon()


def _judged(word: str, *, exact: bool) -> _Judgement:
    """Return what can be shown of a word; ``exact``: no inflected form of another, as behind a secret's name."""
    lexicon = _lexicon()
    lowered = word.lower()
    if lowered in lexicon.exact or _pattern(_WIDE).fullmatch(word):
        return _Judgement(None, known=len(word) > 1, weight=0)  # the letters of a word may stand apart
    if _is_long_number(word, exact=exact) or _is_long_number(word.rpartition(":")[2], exact=exact):
        return _Judgement(0, known=False, weight=_TOGETHER)
    page = _pattern(_PAGE).match(word)
    if page is not None and _is_known_host(page[1], lexicon):
        odd = [one for one in _parts(word[page.end() :]) if not _is_known(one, lexicon, exact=exact)]
        drawn = sum(len(one) for one in odd if not one.isdigit())
        return _Judgement(page.end() if drawn >= _DRAWN else None, known=True, weight=0)
    begin = _pattern(_OPENSSL).match(word)
    known, weight = begin is not None, 0
    first: int | None = None  # where the first unknown part begins
    unspaced = not (exact or word.isascii()) and any(one in word for one in lexicon.ideographs)
    for piece in _pattern(_PIECE).finditer(word, begin.end() if begin is not None else 0):
        core = piece[0].strip(_AROUND_PIECE)
        if not core or core.lower() in lexicon.exact:
            known = known or len(core) >= _TELLING - 1 or not core.isascii()
            continue
        if _is_long_number(core, exact=exact):
            return _Judgement(0 if exact or first is None else first, known, _TOGETHER)
        if _has_form(core, exact=exact) or _is_place(core, lexicon):
            known = known or not core.isdigit()
            continue
        for part in _parts(core):
            if _is_known(part, lexicon, exact=exact) or (unspaced and _is_unspaced(part)):
                if not part.isdigit() and (len(part) >= _TELLING - 1 or not part.isascii()):
                    known = True
                elif part.isalpha():
                    first = piece.start() if first is None else first
                continue
            weight += _weight(part)
            first = piece.start() if first is None else first
            if weight >= _TOGETHER:
                return _Judgement(0 if exact else first, known, weight)
    # Signs that join no words, and no word: what is left is short pieces of a password.
    drawn = (
        not known and len(word) >= _LOOSE and _pattern(_SIGNS if weight else _RARE).search(word) is not None
    )
    return _Judgement(0 if drawn else None, known, weight)


def _has_form(word: str, *, exact: bool) -> bool:
    """Whether a word has a form that no secret has, but for that of a number behind the name of one."""
    if _pattern(_FORMS).fullmatch(word):
        return True
    return not exact and _pattern(_HEX_NUMBER).fullmatch(word) is not None


def _is_long_number(text: str, *, exact: bool) -> bool:
    """Whether a text is digits with signs between them, too many for a code, a version or a time of our days."""
    if not (text[:1].isdigit() or text[:1] in {"(", "+"}):
        return False
    digits = sum(map(str.isdigit, text))
    if digits < (_LONG_NUMBER_BEHIND if exact else _LONG_NUMBER - 1) or text.isdigit():
        return False  # what has no sign is judged as a part
    if _pattern(_DIVIDED).fullmatch(text) is None or _pattern(_WIDE).fullmatch(text):
        return False
    return exact or _pattern(_DAY).fullmatch(text) is None


def _parts(text: str) -> list[str]:
    """Return the words that a name is made of: SMTP_PASSWORD, ConnectionRefusedError."""
    found: list[str] = []
    for run in _pattern(_PART).findall(text):
        for script in _pattern(_SCRIPT).findall(run):
            humps = re.split(_HUMP, script)
            drawn = len(humps) > 1 and len(script) < _FEWEST_LETTERS_A_HUMP * len(humps)
            found += [script.lower()] if drawn else map(str.lower, humps)
    return found


def _is_known(part: str, lexicon: _Lexicon, *, exact: bool) -> bool:
    if part in lexicon.exact:
        return True
    if part.isdigit():
        return len(part) < (_LONG_NUMBER_BEHIND if exact else _LONG_NUMBER)
    if not part.isascii() and _is_unspaced(part):
        return len(part) < _TELLING_ELSEWHERE
    if is_hangul(part):
        return is_known_korean(part, lexicon.exact)
    letters = part.rstrip("0123456789")
    if letters != part:
        return len(part) - len(letters) <= _NUMBERED <= len(letters) and letters in lexicon.exact
    return not exact and _is_inflected(part, lexicon)


def _is_inflected(word: str, lexicon: _Lexicon) -> bool:
    """Whether a word is a known one but for its ending."""
    longest = next((ending for letters, ending in _ENDINGS if len(word) >= letters), -1)
    for ending in range(longest + 1):
        stem = word[: len(word) - ending]
        if len(stem) < _STEM:
            return False
        place = bisect_left(lexicon.sorted, stem)
        near = lexicon.sorted[place : place + 1]
        if near and near[0].startswith(stem) and len(near[0]) - len(stem) <= _OTHER_ENDING:
            return True
    return False


def _weight(part: str) -> int:
    """Return how much of a secret an unknown part may be."""
    short = _TELLING if part.isascii() else _TELLING_ELSEWHERE
    return len(part) if len(part) < short else max(len(part), _TOGETHER)


def _is_unspaced(text: str) -> bool:
    """Whether a text is in a script that has no blanks between words: Chinese, Japanese, Thai."""
    if max(text, default="") < "\u0e00":
        return False
    return any(
        "\u3040" <= one <= "\u30ff" or "\u4e00" <= one <= "\u9fff" or "\u0e00" <= one <= "\u0e7f"
        for one in text
    )


def _is_place(text: str, lexicon: _Lexicon) -> bool:
    """Whether a text is a host or an address, and no words or letters with dots between them."""
    name, at, host = text.rpartition("@")
    if _pattern(_HOST).fullmatch(host.rstrip(".")) is None:
        return False
    last = host.lower().rstrip(".").rpartition(".")[2]
    ends = len(last) == _COUNTRY or last in lexicon.host_endings
    if at:
        named = _pattern(r"[\w.!#$&'*+=?^`{|}~-]{1,64}").fullmatch(name) is not None
        return named and (ends or len(last) < _TELLING or last in lexicon.exact)
    return ends or _pattern(_OF_MAIL).search(host) is not None


def _is_known_host(host: str, lexicon: _Lexicon) -> bool:
    """Whether a part of a host is a word of those texts, which no random letters are."""
    return any(len(one) >= _TELLING - 1 and one in lexicon.exact for one in re.split(r"[.-]", host.lower()))
