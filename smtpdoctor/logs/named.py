"""Where secrets stand by what stands before them: a name, a call that logs in, an option, a command of the dialogue.

Texts that people paste hold settings of every syntax, cut and mixed, so nothing is parsed by a grammar:
behind a name come a few signs, by which it is told whether a value follows at all, and how it ends. A
value has two ends (``masking.forms.Span``): the certain one, and the last one that could be meant.
Every step moves on in the text, so the work is linear in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import islice, pairwise
from typing import Final, NamedTuple

import re2

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import compiled
from smtpdoctor.masking.forms import Span

__all__ = ["Named", "Talk", "is_hangul", "is_known_korean", "named", "unquoted_end"]

_MOST: Final = 300  # names; behind so many everything is taken for a secret
_LONGEST_NAME: Final = 60
_MANY_LINES: Final = 40  # a quoted value does not go on for longer
_MOST_STEPS: Final = 4_000  # from quote to quote; a text with more has no structure that could be told
_MOST_ESCAPES: Final = 16
_TELLING: Final = 4  # letters of a word that may be one of a secret
_LONG: Final = 6  # letters of words that are shorter and unknown, together


class Talk(NamedTuple):
    """Where a text may name a secret: behind its name, or in the quotes of a call."""

    start: int
    end: int


class Named(NamedTuple):
    """Places of values, and of encoded ones, whose ends are plain; and where a text speaks of a secret."""

    values: list[Span]
    coded: list[Span]
    talk: list[Talk]


class _Lexicon:
    """The lists of ``secrets.toml``, made ready."""

    def __init__(self) -> None:
        lists = load.secrets()
        self.kinds = {
            **dict.fromkeys(lists.last, "last"),
            **dict.fromkeys(lists.echoes, "echo"),
            **dict.fromkeys(lists.words, "word"),
            **dict.fromkeys(lists.anywhere, "anywhere"),
        }
        self.soft = frozenset(lists.soft)
        self.echoes = frozenset(lists.echoes)
        self.prefixes = lists.prefixes
        self.prose = frozenset(lists.prose)
        self.known = frozenset((*lists.known, *lists.prose))
        self.said = frozenset(
            one for one in (*lists.known, *lists.prose, *lists.common, *lists.familiar) if is_hangul(one)
        )
        names = "|".join(re2.escape(one) for one in sorted(self.kinds, key=len, reverse=True))
        self.names = compiled(names)
        calls = "|".join(re2.escape(one) for one in sorted(lists.logins, key=len, reverse=True))
        # The name of a call may end so; the name of a setting is one of these.
        self.calls = compiled(rf"(?:{calls})\(|\b(?:{calls})[\"']?\s{{0,4}}(?:=>|[:=])\s{{0,4}}[({{\[]")
        self.bare_calls = compiled(r"\b(?:login|authenticate|auth|credentials)[ \t]{1,4}[\"']")
        self.quoted = compiled(r"([a-z_][a-z0-9_.:]*)\([\"']")
        values = "|".join(lists.values)
        # Between a name and a value that stand apart: `name: X` newline `value: …`, `key="X" value="…"`.
        self.pair = re.compile(
            rf"[\"'`\\]{{0,4}}+[\s,;]*+[\"'`\\]{{0,4}}+(?:{values})[\"'`\\]{{0,4}}+[ \t]*+(?:=>|[:=])",
            re.IGNORECASE,
        )
        flags, pairs = "|".join(map(re2.escape, lists.flags)), "|".join(map(re2.escape, lists.pair_flags))
        self.options = compiled(rf"(?:^|[\s\"'\[,(])-{{1,2}}(?:({flags})|({pairs}))(?:[ \t=]+|[\"'],[ \t]*)")


@cache
def _lexicon() -> _Lexicon:
    return _Lexicon()


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def named(text: str) -> Named:
    """Return where secrets stand in a text by what stands before them."""
    scan = _Scan(text)
    scan.behind_names()
    values = [
        *scan.spans,
        *scan.in_calls(),
        *scan.options(),
        *scan.in_commands(),
        *scan.logins(),
    ]
    values += _rows(text, scan.lexicon.known)
    return Named(values, [*_dialogue(text), *scan.in_hosts()], sorted([*scan.talk, *scan.in_quotes()]))


def unquoted_end(text: str, start: int) -> tuple[int, int]:
    """Return where a bare value ends: with certainty, and with the word at the latest."""
    word = _pattern(r"\S*+").match(text, start)
    widest = word.end() if word else start
    sign = _pattern(r"[,;)}\]>\"'`&|]|\\[rnt]").search(text, start + 1, widest)
    return (sign.start() if sign else widest), widest


_CLOSE: Final = r"(?:\\{0,8}+[\"'`]|&quot;|&#0?3[49];|%22|[\])*”’»]){0,4}+"
# `["password":protected]=>`, `["password":"App\Mailer":private]=>`: a property, as PHP prints one.
_SCOPE: Final = r"(?::[\"']?[\w\\]{1,80}+[\"']?)?:(?:protected|private|public)[\"']?\]"
_NOTE: Final = r"(?:[ \t]{0,8}(?:\([^()\n]{0,60}+\)|\[[^\[\]\n]{0,60}+\]))?"
_SIGN: Final = (
    r"[ \t]{0,40}(?:\.{2,40}[ \t]{0,40}|(?:value|field|string)[ \t]{0,4})?(=>|->|→|:=|=+|:+|＝|：|\||%3[AD])"
)
_FOR: Final = r"[ \t]{1,4}(?:for|of|on|from|by|as|with)\b[^\n:=]{1,120}+[:=]"
_IS: Final = (
    r"[ \t]{1,4}(?:is|was|are|were|to|value|used|는|은|が|は)\b[ \t]{0,4}[:=]?[ \t]{0,4}"
    r"|(?:는|은|이|가|을|를|が|は|を)[ \t]{1,4}"
)
# Behind a name in prose comes a blank, or a sign and a blank; all else is the syntax of something.
_STRUCTURE: Final = (
    r"[ \t]+(?=[{<|=]|\[(?!\S*[ \t]))|(?![.,;:!?)\]]*+(?:\s|$)|'s\b|\(s\)|\(\))(?=[<>&:;,(\[{|\\])"
)
_TAGS: Final = (
    r"[\"']?/?>?(?:(?:\s*+</?[a-z][^<>\n]{0,120}+>){1,4}+|(?:\s*+&lt;/?[a-z][\w:.-]{0,40}+&gt;){1,4}+)"
)
# A placeholder is one by the words in it.
_NOTHING: Final = (
    r"(?:[\"'`(\[<{]{0,3}(?:null|none|nil|undefined|true|false|\*{3,}|x{3,}|\.{3,}|…|-|hidden|redacted|masked|filtered"
    r"|secret|removed|omitted|not[ _-]set|unset|empty|blank|(?P<words><[\w ./-]{1,40}>|\$\{?[a-z_][a-z0-9_]*\}?"
    r"|%[a-z_]{1,40}%|\{\{?[\w. -]{1,40}\}\}?|your[-_ ][\w -]{1,40}))|[\"'`]{2})[\"'`)\]>},;.]{0,3}(?=\s|$)"
)
# Behind brackets or quotes with nothing in them: that the value is over, and not that it begins with them.
_OVER: Final = r"[,;:)\]}>.!?&|\"'`\\]{0,4}(?:\s|$)|[,;:)\]}]{0,4}(?:[\"'`\\]|</)|[)\]}]{0,4}[,;&](?=[\w.-]{1,40}(?:=|:\s))"
_ENDING: Final = r"[.,;:!?)\]}\"'…]{0,4}(?=\s|$)"  # of a word in a sentence
# What a server says is no value: a reply code, an enhanced one, or both.
_SAID: Final = r"(?:[245][0-9][0-9](?:[ \t]+|-|$))?(?:#?[245]\.[0-9]{1,2}\.[0-9]{1,3}(?=[\s:;]|$)[ \t:;]*+)?"
# Behind a blank another field begins, or a sign that no value goes on with.
_FURTHER: Final = (
    r"(?=\n)|[ \t](?=[a-z][\w.-]{0,40}[=:]|-{1,2}[a-z]|[(\[{<|]|[245][0-9][0-9][ -]|\S*[,;)\]}](?:\s|$))"
)
_BEGINNING: Final = (
    r"[\s>|#;*+-]*+(?:(?:export|set|setx|env|arg|declare|let|const|var|final|private|public|static|string|local|-[ex])"
    r"[ \t]{1,4}){0,3}[\"'$\[@]{0,2}"
)
# Types and wrappers before a value: `string(8) "…"`, `!binary |`, `String("…")`, `Some("…")`, `b'…'`.
_TAG: Final = (
    r"(?:!{1,2}(?:binary|str|string|int|float|env|env_var|secret|vault|encrypted|sub|ref)\b[ \t]++(?=\S))?"
)
_BLOCK: Final = r"(?:[|>][+-]?\d?[ \t]*+\r?\n[ \t]*+)?"
_WRAPPED: Final = (
    rf"(?:(?:string|str|bytes|int|float)\(\d{{1,9}}\)[ \t]*+)?{_TAG}{_BLOCK}"
    r"(?:base64:)?(?:[brufn@$]{1,2}(?=[\"'`]))?"
)
_CALL: Final = r"[a-z_][\w.:<>]{0,40}+\([ \t]*+(?:[brufn@$]{1,2})?(?=[\"'`]|\\{1,8}[\"'])"
_LOGIN_BEFORE: Final = r"\b(?:login|machine|user(?:name)?|account|default)[ \t]{1,8}[^\s]{1,60}\s{1,8}\Z"
# `gh secret set SMTP_PASSWORD --body …`, `--name /app/SMTP_PASSWORD --value …`
_VALUE_OPTION: Final = r"[\"']?[ \t]{1,8}-{1,2}(?:value|body|b|v|val|data)(?:[ \t=]{1,4}|(?=[\"']))"
# Commands that a secret is an argument of, and what is turned into base64 to log in by hand.
_COMMANDS: Final = (
    r"\bdoveadm[ \t]{1,4}auth[ \t]{1,4}(?:test|login)(?:[ \t]{1,4}-\S{1,60}){0,4}[ \t]{1,4}[^\s-]\S{0,200}[ \t]{1,4}"
    r"|\bhtpasswd[ \t]{1,4}-[a-z]*b[a-z]*[ \t]{1,4}\S{1,200}[ \t]{1,4}\S{1,200}[ \t]{1,4}"
    r"|\b(?:echo|printf|print)(?:[ \t]{1,4}-\w{1,4})?[ \t]{1,4}(?=[^\n]{0,400}\|[ \t]*(?:base64|openssl|b64encode|uuencode)\b)"
)
_LABEL: Final = (
    r"(?:^|\n)[ \t]*(?:[\w-]{1,20}+[ \t]{1,4}){0,3}\Z"  # words before the name of a field of a form
)
_OPENING: Final = r"\\{0,8}[\"'`]|&quot;|&#0?3[49];|%22|[“”„«»‘’‹「『]"
_CLOSERS: Final = {
    "“": "”“",
    "”": "”",
    "„": "“”",
    "«": "»",
    "»": "«",
    "‘": "’‘",
    "’": "’",
    "‹": "›",
    "「": "」",
    "『": "』",
}
_SAYING: Final = (
    "error",
    "exception",
    "failure",
    "refused",
    "failed",
    "warning",
    "rejected",
    "message",
)  # calls
_PAIRS: Final = {"(": ")", "[": "]", "{": "}"}
_BEFORE_A_NAME: Final = frozenset(("", *" \t\n\r\"'`(["))
_FAULTS: Final = frozenset(
    (
        *("invalid", "bad", "wrong", "missing", "error", "failed", "failure"),
        *("expired", "unknown", "denied", "refused", "rejected", "incorrect", "mismatch"),
    )
)
_BEHIND: Final = r"\s|$|[,;:)\]}>&|/\\.<%#+!?=-]"


class _Scan:
    """A text in which secrets are looked for; what has been found out about its quotes is kept."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lexicon = _lexicon()
        self.spans: list[Span] = []
        self.talk: list[Talk] = []
        self._last_quotes: dict[tuple[str, int], int] = {}
        self._steps = _MOST_STEPS

    # names

    def behind_names(self) -> None:
        """Find the values of names."""
        done = count = 0
        for hit in self.lexicon.names.finditer(self.text):
            start, end = hit.span()
            if start < done:
                continue
            count += 1
            if count > _MOST:
                self.spans.append(Span(start, len(self.text), len(self.text)))
                return
            left, right = self._identifier(start, end, done)
            stem = hit[0].lower()
            if not self._is_name(left, start, end, right, stem):
                done = end
                continue
            done = right
            span, strong = (None, True) if stem in self.lexicon.echoes else self._value(left, right)
            if span is not None and span.end > span.start:
                self.spans.append(span)
                done = max(done, span.end)
            if strong or stem not in self.lexicon.soft or self._names_a_setting(left, start, right):
                self.talk.append(Talk(done, self._line_end(done)))

    def _identifier(self, start: int, end: int, lowest: int) -> tuple[int, int]:
        """Return the ends of the name that a word is a part of."""
        before = self.text[max(lowest, start - _LONGEST_NAME) : start][::-1]
        left = start - _end(r"[\w.$-]*+", before, 0)
        return left, _end(r"(?a:[\w-]|\.(?=\w)){0,60}+", self.text, end)

    def _is_name(self, left: int, start: int, end: int, right: int, stem: str) -> bool:
        """Whether a word names a secret, or is only a part of another word: compass, tokenizer, keyboard."""
        text, kind = self.text, self.lexicon.kinds.get(stem, "anywhere")
        if kind == "anywhere" or not text[start].isascii():
            return True
        before = text[start - 1 : start] if start > left else ""
        behind = text[end : end + 1] if end < right else ""
        begins = not before.isalpha() or (text[start].isupper() and before.islower())
        if kind == "echo":
            return left == start and right == end
        begins = begins or text[left:start].lower().endswith(self.lexicon.prefixes)
        if kind == "last":
            # A key alone may be any, also the key of a pair, whose value is a name.
            value = _pattern(r"[ \t]{0,4}[:=][ \t]{0,4}([^\s\"'<>]{1,80})").match(text, right)
            alone = value is not None and self.lexicon.names.search(value[1]) is None
            return begins and end == right and (start > left or alone)
        shouted = text[left:right].isupper()
        return begins and (
            not behind.isalpha() or (behind.isupper() and not shouted) or text[end:right].lower() == "s"
        )

    def _value(self, left: int, right: int) -> tuple[Span | None, bool]:
        """Return where the value of a name stands, and whether the name is one beyond doubt."""
        text = self.text
        place = _end(_SCOPE, text, _end(_CLOSE, text, right))
        if text.startswith(("(", ">"), right):
            return self._in_brackets(left, right)
        if text[left - 1 : left] == "/" and text.startswith(("<", "&"), right - 1):
            return None, False
        if _pattern(r"<(?:[\w.-]{1,30}:)?\Z").search(text, max(0, left - 32), left):
            element = _pattern(r"(?:\s+[\w:.-]{1,40}\s?=[^<>\n]{0,400}|\s?/?)>").match(text, right)
            if element is not None:
                return self._content(element.end()), True
        if (pair := self._paired(place)) is not None:
            return self._at(pair, exact=text.count("<", place, pair) != 1), True
        if (sign := _pattern(_NOTE + _SIGN).match(text, place)) is not None:
            exact = self._is_exact(left, right, place, sign)
            return self._at(sign.end(), exact=exact, whole_line=self._begins_line(left)), True
        listed = _pattern(r"[ \t]*+,[ \t]*+(?=[\"'`]|\\{1,8}\")").match(text, place)
        if listed is not None:
            return self._at(listed.end(), exact=True), True
        if (far := _pattern(_FOR).match(text, place)) is not None:
            return self._at(far.end(), exact=False), True
        if (said := _pattern(_IS).match(text, place)) is not None and place == right:
            return self._at(said.end(), exact=False), False
        odd = _pattern(_STRUCTURE).match(text, place)
        if odd is not None and not self._is_nothing(odd.end()):
            return Span(odd.end(), self._line_end(place), self._line_end(place)), True
        return self._beside(left, right, place), False

    def _begins_line(self, left: int) -> bool:
        """Whether a name begins its line, as in a file of settings."""
        start = self.text.rfind("\n", 0, left) + 1
        if left - start > 2 * _LONGEST_NAME:
            return False
        return _pattern(_BEGINNING).fullmatch(self.text, start, left) is not None

    def _is_exact(self, left: int, right: int, place: int, sign: re.Match[str]) -> bool:
        """Whether a name is one of a setting, behind which no sentence goes on: SMTP_PASSWORD=…, "password": …."""
        tight = sign[1] not in {":", "：", "|"} and self.text[sign.end() : sign.end() + 1] not in {" ", ""}
        return tight or place > right or self._is_setting(left, right)

    def _paired(self, place: int) -> int | None:
        """Return where the value begins that stands apart from its name: `value: …`, `<string>…`."""
        for pattern in (_pattern(_TAGS), self.lexicon.pair, _pattern(_VALUE_OPTION)):
            if (found := pattern.match(self.text, place)) is not None:
                return found.end()
        # `<entry key="password">…</entry>`, `<Password type="plain">…`
        closed = place > 0 and self.text[place - 1] in "\"'" and self.text.startswith(">", place)
        return place + 1 if closed else None

    def _in_brackets(self, left: int, right: int) -> tuple[Span | None, bool]:
        """Return the value of `setPassword("…")`, `<password>…</password>`."""
        text = self.text
        if text[right] == "(":
            wrapped = _pattern(r"\(\s*+(?:[\w.:]{1,40}\()?(?:[brufn@$]{0,2})(?=[\"'`]|\\{1,8}\")").match(
                text, right
            )
            if wrapped is not None:
                return self._quoted(wrapped.end()), True
            if (odd := _pattern(_STRUCTURE).match(text, right)) is not None and odd.end() == right:
                return Span(right + 1, self._line_end(right), self._line_end(right)), True
            sign = _pattern(_NOTE + _SIGN).match(text, right)
            return (self._at(sign.end(), exact=False), True) if sign is not None else (None, False)
        if text[left - 1 : left] == "/":
            return None, False  # the end of an element
        return self._content(right + 1), True

    def _content(self, start: int) -> Span | None:
        """Return what stands in an element that begins at a place."""
        text = self.text
        begin = _end(r"\s*+(?:<!\[CDATA\[)?", text, start)
        line = self._line_end(begin)
        end = text.find("]]>" if text.startswith("<![CDATA[", begin - 9) else "<", begin)
        end = line if end < 0 else end
        return Span(begin, end, max(end, text.rfind("</", begin, line))) if end > begin else None

    def _beside(self, left: int, right: int, place: int) -> Span | None:
        """Return what stands behind a name with nothing but a blank between, where it can be its value."""
        text = self.text
        start = _end(r"[ \t]*+", text, place)
        if (below := _pattern(r"[ \t]*+\r?\n[ \t]*+(\S++)[ \t\r]*+(?:\n|$)").match(text, place)) is not None:
            # The fields of a form, copied: a name on its line, what was typed on the next.
            label = place == right and _pattern(_LABEL).search(text, max(0, left - 80), left)
            if not label or self._are_known(below[1]):
                return None
            return Span(below.start(1), below.end(1), self._line_end(below.start(1)))
        if start == place:
            return None
        if self._opens(start):
            return self._quoted(start)
        if text.startswith("-", left) or _pattern(_LOGIN_BEFORE).search(text, max(0, left - 80), left):
            return self._at(start, exact=False)
        # `wp config set SMTP_PASSWORD …`, `smtp_pass …`; in a sentence a word of a language follows.
        word = _pattern(r"(?!\([^()\n]{0,60}\)(?:\s|$))\S++").match(text, start)
        if word is None or self._are_known(word[0]) or _pattern(_ENDING).match(text, start):
            return None
        alone = self._begins_line(left) and text[word.end() : word.end() + 1] in {"", "\n", "\r"}
        if alone or (self._is_setting(left, right) and self._stands_alone(left, right)):
            return self._at(start, exact=True)
        return None

    def _names_a_setting(self, left: int, start: int, right: int) -> bool:
        compound = self.text[left:start].lower() in self.lexicon.prefixes  # SMTPPASS
        return (compound or self._is_setting(left, right)) and self._stands_alone(left, right)

    def _stands_alone(self, left: int, right: int) -> bool:
        """Whether a name is a word of its own, and none of an error: not ?p=BadCredentials, not INVALID_TOKEN."""
        apart = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", self.text[left:right]).lower().split()
        return self.text[left - 1 : left] in _BEFORE_A_NAME and not _FAULTS.intersection(apart)

    def _is_setting(self, left: int, right: int) -> bool:
        """Whether a name is one of a setting by how it is written: SMTP_PASSWORD, smtpPassword, smtp.password."""
        name = self.text[left:right]
        humps = any(one.islower() and other.isupper() for one, other in pairwise(name))
        return humps or "_" in name or "." in name or name.startswith("-")

    def _at(self, place: int, *, exact: bool, whole_line: bool = False) -> Span | None:
        """Return the value that begins at a place; ``exact``: no sentence can go on there."""
        text = self.text
        lines = "{1,2}" if not exact else ""
        start = _end(rf"[ \t]*+(?:(?:\r?\n[ \t]*+){lines}(?:\d{{1,5}}[ \t]*\|[ \t]*+)?)?", text, place)
        another_line = "\n" in text[place:start]
        wrapped, start = start, _end(_WRAPPED, text, start)
        exact = exact or "\n" in text[wrapped:start]  # a block of YAML
        if start >= len(text) or text[start] == "\n":
            return None
        if self._opens(start):
            return self._quoted(start)
        if (call := _pattern(_CALL).match(text, start)) is not None:
            inside = self._quoted(call.end())
            return inside and inside._replace(start=start)  # the call itself may be a part of the value
        if self._is_said(start) or self._is_nothing(start):
            return None
        if text[start] in _PAIRS:
            inside = self._bracketed(start)
            # Of brackets with nothing in them, what stands behind may be the value.
            end, over = (inside.end, _BEHIND) if inside is not None else (start + 1, _OVER)
            if _pattern(over).match(text, end + 1) is not None:
                return inside
        if another_line and not exact and _pattern(r"\S++[ \t]*+(?:$|\n)").match(text, start) is None:
            return None  # a sentence on a line of its own
        if not exact and self._is_prose(start):
            return None
        if _pattern(r"[.,;:!?)\]}\"']{1,4}(?:\s|$)").match(text, start):
            return None  # the end of a sentence
        end, widest = unquoted_end(text, start)
        if whole_line or not exact:
            widest = self._line_end(start)
        elif end == widest:  # with a blank, which may be one of the value
            further = _pattern(_FURTHER).search(text, widest)
            widest = further.start() if further else len(text)
        return Span(start, end, widest)

    def _is_prose(self, start: int) -> bool:
        word = _pattern(r"[^\W\d_]+(?:['’-][^\W\d_]+)*").match(self.text, start)
        if word is None:
            return False
        if word[0].lower() not in self.lexicon.prose and not (
            is_hangul(word[0]) and is_known_korean(word[0], self.lexicon.said)
        ):
            return False
        return _pattern(_ENDING).match(self.text, word.end()) is not None

    def _is_nothing(self, start: int) -> bool:
        """Whether a value says that there is none, or stands for one: null, <your password>, $SMTP_PASSWORD."""
        found = _pattern(_NOTHING).match(self.text, start)
        return found is not None and (found["words"] is None or self._are_known(found["words"]))

    def _are_known(self, text: str) -> bool:
        """Whether no word in a text is one that a person could have made up."""
        apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
        lexicon, short = self.lexicon, 0
        for word in _pattern(r"[^\W_]+").findall(apart.lower()):
            if word in lexicon.known or word in lexicon.kinds:
                continue
            if len(word) >= _TELLING:
                prefix = next((one for one in lexicon.prefixes if word.startswith(one)), "")
                if word[len(prefix) :] not in lexicon.kinds:
                    return False
            short += len(word) if word.isalpha() and word.isascii() else 0
        return short < _LONG  # many short parts that are no words make up a long one

    def _is_said(self, start: int) -> bool:
        """Whether a reply of a server stands at a place, and no value that begins as one does."""
        end = _end(_SAID, self.text, start)
        if end == start:
            return False
        tight = self.text[end - 1] == "-"
        word = _pattern(r"[^\W\d_]++(?:['’-][^\W\d_]++)*+" + (_ENDING if tight else "")).match(self.text, end)
        if word is None:
            return not tight and not self.text[end : end + 1].isdigit()
        return not word[0].isascii() or self._are_known(word[0])

    def _line_end(self, start: int) -> int:
        end = self.text.find("\n", start)
        return len(self.text) if end < 0 else end

    # quotes and brackets

    def _opens(self, start: int) -> bool:
        return _pattern(_OPENING).match(self.text, start) is not None

    def _quoted(self, start: int) -> Span | None:
        """Return what stands in quotes; the last sign that can be the closing one is the widest end."""
        text = self.text
        opening = _pattern(_OPENING).match(text, start)
        if opening is None:
            return None
        mark = opening[0]
        if len(mark) == 1 and mark in "\"'`" and text.startswith(mark * 2, opening.end()):
            mark *= 3  # of Python, of a Java text block
        begin = start + len(mark)
        line = self._line_end(begin)
        first = self._closing(mark, begin, line)
        if first == begin and _pattern(_OVER).match(text, begin + len(mark)) is None:
            return Span(begin, line, line)  # no end of quotes with nothing in them: the value goes on
        if first is not None:
            return Span(begin, first, max(first, self._last_closing(mark, begin, line)))
        # Cut short, or a value of several lines: what is certain is this line.
        stop = line
        for _ in range(_MANY_LINES):
            if stop >= len(text):
                break
            stop = self._line_end(stop + 1)
        further = self._closing(mark, line, stop)
        return Span(begin, line, line if further is None else further)

    def _closings(self, mark: str, begin: int, end: int) -> Iterator[int]:
        """Yield the places between two where quotes of a kind can close."""
        sign, escapes = mark[-1], len(mark) - 1 if mark[0] == "\\" else 0
        if mark[0] in _CLOSERS:
            closing = f"[{_CLOSERS[mark[0]]}]"
        else:
            closing = rf"\\{{{escapes}}}{re.escape(sign)}" if escapes else re.escape(mark)
        behind = _pattern(_BEHIND)
        for found in _pattern(closing).finditer(self.text, begin, end):
            self._steps -= 1
            if self._steps < 0:
                return
            if mark == sign and _is_escaped(self.text, begin, found.start()):
                continue
            if behind.match(self.text, found.end()) is not None:
                yield found.start()

    def _closing(self, mark: str, begin: int, end: int) -> int | None:
        return next(self._closings(mark, begin, end), None)

    def _last_closing(self, mark: str, begin: int, line: int) -> int:
        """Return the last place in a line where quotes of a kind can close."""
        key = (mark, line)
        if key not in self._last_quotes:
            self._last_quotes[key] = max(self._closings(mark, begin, line), default=begin)
        return self._last_quotes[key]

    def _bracketed(self, start: int, argument: int = 0) -> Span | None:
        """Return what stands in brackets, from its n-th part on; to the end of the line where they do not close."""
        text = self.text
        line = self._line_end(start)
        depth, part, place = 0, 0, start
        begin = start + 1 if argument == 0 else None
        while self._steps > 0:
            self._steps -= 1
            found = _pattern(r"[()\[\]{},\"'`]").search(text, place, line)
            if found is None:
                break
            sign, place = found[0], found.end()
            if sign in "([{":
                depth += 1
            elif sign in ")]}":
                depth -= 1
                if depth <= 0 and sign != _PAIRS[text[start]]:
                    depth = 1  # a sign of the value: another one closes
                elif depth <= 0:
                    end = found.start()
                    return None if begin is None or end <= begin else Span(begin, end, end)
            elif sign == ",":
                part += depth == 1
                if part == argument and begin is None:
                    begin = place
            elif (close := self._closing(sign, place, line)) is not None:
                place = close + 1
        return None if begin is None or begin >= line else Span(begin, line, line)

    # calls and options

    def in_calls(self) -> Iterator[Span]:
        """Yield the arguments of calls that log in, but for the first, which is the user's name."""
        text = self.text
        done = 0
        for hit in self.lexicon.calls.finditer(text):
            if hit.start() < done:
                continue
            done, bracket = hit.end(), hit.end() - 1
            span = self._bracketed(bracket, 1)
            if span is None:
                alone = self._bracketed(bracket)
                quoted = alone is not None and text[bracket] == "(" and self._opens(alone.start)
                colon = text.find(":", alone.start, alone.end) if alone is not None and quoted else -1
                if alone is None or colon < 0:
                    continue
                span = Span(colon + 1, alone.end, alone.widest)
            start = _end(r"\s*+", text, span.start)
            by_name = text[bracket] == "{" and _pattern(r"[\w\"']{1,30}\s*:").match(text, start)
            if start < span.end and not by_name:
                yield Span(start, span.end, span.widest)
                done = span.end
        for hit in self.lexicon.bare_calls.finditer(text):
            first = self._quoted(hit.end() - 1)
            start = _end(r"[\"'][ \t]*+,[ \t]*+", text, first.end) if first else 0
            if first and start > first.end:
                yield Span(start, self._line_end(start), self._line_end(start))

    def in_quotes(self) -> Iterator[Talk]:
        """Yield what stands in the quotes of a call: `new Client("…")`; of an exception they are a sentence."""
        for hit in islice(self.lexicon.quoted.finditer(self.text), _MANY_LINES):
            inside = self._quoted(hit.end() - 1)
            if inside is not None and not hit[1].lower().endswith(_SAYING):
                yield Talk(inside.start, inside.end)

    def options(self) -> Iterator[Span]:
        """Yield what stands behind options of commands: `swaks -ap …`, `curl -u me:…`."""
        text = self.text
        for hit in self.lexicon.options.finditer(text):
            start = hit.end()
            span = self._quoted(start) if self._opens(start) else Span(start, *unquoted_end(text, start))
            if span is None:
                continue
            if hit[1]:
                other = _pattern(r"\d{1,5}(?:\s|$)|-{1,2}[a-z][a-z-]{0,30}(?=[\s=]|$)").match(text, start)
                # It may be a port or another option.
                if other is None or not self._are_known(other[0].lstrip("0123456789")):
                    yield Span(span.start, span.widest, span.widest)
            elif (colon := text.find(":", span.start, span.widest)) >= 0:
                yield Span(colon + 1, span.widest, span.widest)

    def in_commands(self) -> Iterator[Span]:
        """Yield what commands are given that take a secret, or encode one: `echo -n … | base64`."""
        for found in islice(_pattern(_COMMANDS).finditer(self.text), _MANY_LINES):
            start = _end(r"\$(?=[\"'])", self.text, found.end())
            span = self._quoted(start) if self._opens(start) else Span(start, *unquoted_end(self.text, start))
            if span is not None and span.end > span.start:
                yield span

    def in_hosts(self) -> Iterator[Span]:
        """Yield what stands before an at sign where a host belongs: of a URL that was broken, the login or its end."""
        if "@" in self.text:
            for found in islice(compiled(_BEFORE_HOST).finditer(self.text), _MOST):
                group = found.lastindex or 0
                yield Span(found.start(group), found.end(group), found.end(group))

    def logins(self) -> Iterator[Span]:
        """Yield the passwords of `as bob:…`, where neither part is a word that such a sentence has."""
        for found in islice(compiled(_LOGIN).finditer(self.text), _MOST):
            user = found[1].lower()
            if (
                user in self.lexicon.known
                or user in _SCHEMES
                or _pattern(r"[0-9a-f]*\d[0-9a-f]*").fullmatch(user)
            ):
                continue  # a word of the sentence, of a URL, or an address of IPv6
            if not self._are_known(found[2]):
                yield Span(found.start(2), found.end(2), found.end(2))
        for found in islice(compiled(_BEHIND_ADDRESS).finditer(self.text), _MOST):
            if not self._are_known(found[1]):
                yield Span(found.start(1), found.end(1), found.end(1))


def _end(pattern: str, text: str, start: int) -> int:
    """Return where a pattern ends that matches at a place, or the place."""
    found = _pattern(pattern).match(text, start)
    return found.end() if found is not None else start


def _is_escaped(text: str, begin: int, place: int) -> bool:
    """Whether a quote is a part of the value: an odd number of backslashes stands before."""
    count = 0
    while count < _MOST_ESCAPES and place - count > begin and text[place - count - 1] == "\\":
        count += 1
    return count % 2 == 1


# Dialogues

_AUTH: Final = (
    r"\bAUTH[ =](?:PLAIN|LOGIN|CRAM-MD5|DIGEST-MD5|XOAUTH2|OAUTHBEARER|NTLM|GSSAPI|SCRAM-[A-Z0-9-]+)[ :=]+"
    r"|\b(?:bearer|basic)[ \t]+|\b334[ -]"
)
# The questions of AUTH LOGIN, which are no secret.
_PROMPTS: Final = (
    "VXNlcm5hbWU6",
    "UGFzc3dvcmQ6",
    "VXNlciBOYW1lAA==",
    "UGFzc3dvcmQA",
    "dXNlcm5hbWU6",
    "cGFzc3dvcmQ6",
)
_CODED: Final = r"[\"']?(\S{3,}[^\s\"'),;])"
# What the client answers to 334: at the end of a line, behind a mark of its side, or alone.
_ANSWER: Final = r"([A-Za-z0-9+/_-]{8,}={0,2})(?:\\r)?(?:\\n)?[\"']?[ \t\r]*$"
_MARKED: Final = (
    r"(?m)(?:\b(?:C|client|client -> server|send|sent)[:>][ \t]*|\b334 |(?:[-=~<]{0,3}>{1,3}|[|\])])[ \t]*)(?:b?[\"'])?"
    + _ANSWER
)
_ALONE: Final = r"(?m)^[ \t]*(?:b?[\"'])?" + _ANSWER


def _dialogue(text: str) -> Iterator[Span]:
    """Yield what is sent to log in, encoded: behind AUTH, and on the lines that answer a challenge."""
    lowered = text.lower()
    speaks = "auth" in lowered or "334" in text
    patterns = [(compiled(_MARKED), 1)] if ">" in text or ":" in text or speaks else []
    if speaks:
        patterns.append((compiled(_ALONE), 1))
    for pattern, group in patterns:
        for hit in pattern.finditer(text):
            if _is_coded(hit[group]):
                yield Span(hit.start(group), hit.end(group), hit.end(group))
    if speaks or "bearer" in lowered or "basic" in lowered:
        for hit in compiled(_AUTH).finditer(text):
            coded = _pattern(_CODED).match(text, hit.end())
            if coded is not None and _is_coded(coded[1]):
                yield Span(coded.start(1), coded.end(1), coded.end(1))


def _is_coded(word: str) -> bool:
    """Whether a word is more than a word of a language or of the protocol."""
    if word.startswith(_PROMPTS):
        return False
    if word.endswith("=") or any(map(str.isdigit, word)):
        return True
    return not (word.isupper() or word[1:].islower())


# Tables

_HOST: Final = r"(?:@?[a-z0-9.-]+\.[a-z]+|localhost)"
# Postfix' file of passwords: a host or domain, blanks, and user:password; as a line, or in one.
_ROW: Final = (
    rf"(?m)^[ \t]*(\[?{_HOST}\]?(?::[a-z0-9]+)?|\[[0-9a-f.:]+\](?::[a-z0-9]+)?)[ \t]+([^\s:\[(]+):(\S.*)$"
    rf"|[\s(\"'](\[{_HOST}\](?::[a-z0-9]+)?|@{_HOST}|{_HOST}(?::[0-9]+)?)[ \t]+([^\s:\[(]+):(\S.*)"
)
_IN_A_LINE, _ALONG = 3, 6  # the groups of the password
_SCHEMES: Final = frozenset(
    ("http", "https", "smtp", "smtps", "file", "ldap", "ldaps", "tcp", "ssl", "tls", "unix", "arn", "urn")
)
# A login in a sentence: `as bob:…`, `creds bob:…`.
_LOGIN: Final = r"\b(?:for|as|user|login|with|account|credentials?|creds?|auth)[ \t]{1,4}[\"'`]?([\w.@+-]{1,64}):(\S{4}\S*)"
# `me@example.com:…`, and no port
_BEHIND_ADDRESS: Final = rf"[\w.+-]@{_HOST}:([^\s/:@\d]\S{{3}}\S*|\d{{1,5}}[^\s/:@\d)\]]\S{{2}}\S*)"
# `ENOTFOUND word@smtp.example.com`, `word@smtp.example.com:587`
_BEFORE_HOST: Final = (
    r"\b(?:ENOTFOUND|EAI_AGAIN|lookup|getaddrinfo(?: for)?|resolve(?: the)?(?: host)?:?|host(?: name)?:?)[ \t]{1,2}[\"'`]?"
    rf"([^\s\"'`@:<]+)@{_HOST}|([^\s\"'`@:<>=,;(]+)@{_HOST}:(?:25|26|465|587|2525|2465|2587|1025)\b"
)


def _rows(text: str, known: frozenset[str]) -> Iterator[Span]:
    """Yield the passwords of lines that are a row of a table."""
    if ":" not in text:
        return
    for found in compiled(_ROW).finditer(text):
        group = _IN_A_LINE if found[_IN_A_LINE] else _ALONG
        host, user, value = found[group - 2], found[group - 1].lower(), found[group]
        if group == _ALONG and user in known:
            continue
        # `https://…`, `Foo::Bar`, unless the host is written as only a table has it.
        if value.startswith("//") and user in _SCHEMES:
            continue
        code = (":", "//", "/ ") if group == _IN_A_LINE else ("//", "/ ")
        if value.startswith(code) and not host.startswith(("[", "@")):
            continue
        yield Span(found.start(group), found.end(group), found.end(group))


# Korean words: a stem, and what particles and endings of verbs consist of

_STEM: Final = 2  # syllables of a stem
_LONGEST_ENDING: Final = 5  # … of what follows it
_LONGEST_COMPOUND: Final = 8
_OF_ENDINGS: Final = frozenset(
    "은는이가을를에서로으와과의도만까지부터게께나라고며면입니다습인일임한할함해했하합되된될됨됩됐돼였었았겠시십세셔요오"
    "자려도록야죠지진져졌않못안네데던든들님서같수있없어아여러주적중기간려다"
)


def is_hangul(text: str) -> bool:
    """Whether a text begins with a Korean syllable."""
    return "\uac00" <= text[:1] <= "\ud7a3"


def is_known_korean(word: str, known: AbstractSet[str]) -> bool:
    """Whether a word is a known one, or made of two, but for its particles: 서버에서, 확인하세요, 설정방법을."""
    if len(word) < _STEM or word in known:
        return True
    ending = len(word)
    while ending > max(len(word) - _LONGEST_ENDING, 0) and word[ending - 1] in _OF_ENDINGS:
        ending -= 1
    stems = [word[:end] for end in range(max(ending, _STEM), len(word))]
    if any(one in known for one in stems):
        return True
    stems = [one for one in (*stems, word) if len(one) <= _LONGEST_COMPOUND]
    return any(
        one[:end] in known and one[end:] in known for one in stems for end in range(_STEM, len(one) - 1)
    )
