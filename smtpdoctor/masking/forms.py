"""Credentials that are known by their form alone: the login in a URL, keys of providers, private keys.

A place is a span with two ends: the certain one, and a wider one for where the text does not say where
the secret ends. A URL is parsed by what a person meant with it, not by RFC 3986: a password that was
pasted into it as it is may hold any of ``@ / : # ?`` and blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache, lru_cache
from typing import Final, NamedTuple

from smtpdoctor.model import Secret

__all__ = ["Span", "covered", "credentials", "without_credentials"]

_SHORT: Final = 200  # characters of a text that is kept with what came of it
_LONG_PIECE: Final = 16  # characters; what has no piece of so many between its dots is no key
_SHORTEST_KEY: Final = 11  # characters
_HEAD: Final = 3  # characters by which a key may be known at once
_TELLING: Final = 5  # a longer beginning is that of no word, nor is one of capitals with a sign
_ENOUGH: Final = 64  # characters of a key that are looked at
# A variable in the place of a value; a password that begins so has a digit or a small letter in it.
_VARIABLE: Final = r"\$\{\w{1,60}\}|(?-i:\$[A-Z_]{1,60}(?![A-Za-z0-9])|%[A-Z_]{1,60}%)"
_NO_PASSWORD: Final = rf"\d{{1,5}}(?:[\W_]|$)|port\b|{_VARIABLE}|[<{{*\[]"
_SIGNS: Final = {ord(one): " " for one in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}
_PORTS: Final = ("587", "465", "2525", "25", "2587", "2465", "1025")
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.@")
_DOTS: Final = {ord("."): " ", ord("@"): " "}
_MOST: Final = 500  # places; behind so many all of a text is taken for a secret
# Schemes whose first part is a user name; in those of a provider's API it is the key.
_MAIL: Final = (
    " smtp smtps esmtp esmtps submission submissions mail ssl tls starttls smtp+tls smtp+ssl smtp+starttls "
    "smtp+insecure smtps+insecure sendmail native null tcp lmtp imap imaps pop pop3 pop3s sip sips xmpp "
)
# Words that an address stands behind, which then is no login.
_LABELS: Final = (
    " to from cc bcc for by user username login email e-mail mail mailto sender recipient recipients rcpt address "
    "account acct sip sips xmpp reply-to replyto error id name rejected contact support admin postmaster on at "
)
# What a parameter of such a name says is no secret: how one logs in.
_MECHANISMS: Final = (
    " plain login cram-md5 digest-md5 xoauth2 oauthbearer ntlm gssapi scram-sha-1 scram-sha-256 none null true false "
    "auto on off yes no * 0 1 basic required always never peer "
)
_OF_CIPHERS: Final = ("SECLEVEL", "STRENGTH")  # what stands behind an @ in a list of ciphers


class Span(NamedTuple):
    """Where a secret stands: ``end`` is certain, up to ``widest`` it may go on."""

    start: int
    end: int
    widest: int


def without_credentials(text: str) -> str:
    """Return a value of a setting, or what a person typed or a server said, without what is a credential by its form.

    Most texts hold nothing of the kind, which is told at once.
    """
    if _is_plain(text):
        return text
    return _without(text) if len(text) <= _SHORT else _covered(text)


def _covered(text: str) -> str:
    spans = credentials(text)
    return covered(text, spans) if spans else text


_without = lru_cache(512)(
    _covered
)  # a run tells the same few texts again and again: as facts, as evidence, in words


def covered(text: str, spans: Iterable[Span], start: int = 0, end: int | None = None) -> str:
    """Return a part of a text with a mask for each place."""
    end = len(text) if end is None else end
    parts: list[str] = []
    done = start
    masked = -1  # where the last mask ended
    for one in sorted(spans):
        first, last = max(one.start, start), min(one.widest, end)
        if first >= last:
            continue
        if first > done or masked < 0 or done > masked:
            parts.append(text[done : max(first, done)])
            parts.append(Secret.MASK)
        done = masked = max(done, last)
    return "".join((*parts, text[done:end]))


def _is_plain(text: str) -> bool:
    """Whether a value is a host name, an address, a word or a number in small letters, as most are."""
    if not _PLAIN.issuperset(text):
        return False
    return len(text) < _LONG_PIECE or all(len(one) < _LONG_PIECE for one in text.translate(_DOTS).split())


def credentials(text: str, *, log: bool = False) -> list[Span]:
    """Return where credentials stand that are known by their form.

    A text of one word, or one that begins as a URL or a login does, is one value: a login in it ends at the
    last ``@``, whatever stands before, and what its first word begins may hold blanks. In any other a login
    ends with its word. ``log``: so it does in all, and long tokens are left to whoever knows more of the text.
    """
    found: list[Span] = []
    alone = not log and _is_one_value(text)
    first = 0 if log else len(text) - len(text.lstrip()) + len("".join(text.split(None, 1)[:1]))
    if any(len(one) >= _SHORTEST_KEY for one in text.split()):
        found += _keys(text)
        if not log:
            found += _tokens(text)
    if "-----BEGIN" in text:
        found += _private_keys(text)
    if "@" in text or "//" in text or text.count(":") > 1 or "%2F" in text.upper():
        found += _in_value(text) if alone else _in_words(text)
    if "=" in text and (not log or any(one in text for one in "?&;")):
        found += _parameters(text, open_ended=len(text) if alone else first)
    numbered = "25" in text or "587" in text or "465" in text
    if numbered and any(sign + port + sign in text for sign in ":|;," for port in _PORTS):
        found += _listed(text, first)
    if len(found) > _MOST:
        found.sort()
        found = [*found[:_MOST], Span(found[_MOST].start, len(text), len(text))]
    return found


def _is_one_value(text: str) -> bool:
    bare = text.strip()
    if not any(map(str.isspace, bare)) or _scheme(bare, 0, len(bare))[1] is not None:
        return True
    login = _pattern(r"([^\s:@/<>]{1,64}+):\S[^\n]*@[^\s@<>]+").fullmatch(bare)
    return login is not None and not _one_of(login[1].lower(), _LABELS)


# Keys


def _keys(text: str) -> Iterator[Span]:
    """Yield the keys that begin as those of a provider do, each at the beginning of a word or of its part."""
    heads = _known_keys()
    place = 0
    for word in text.split():
        if len(word) < _SHORTEST_KEY:
            continue
        first = text.index(word, place)
        place = first + len(word)
        parts = word.translate(_SIGNS)
        start = token = 0
        while start <= len(word) - _SHORTEST_KEY:
            fitting = [
                one for one in heads.get(word[start : start + _HEAD], ()) if word.startswith(one[0], start)
            ]
            if fitting and token <= start:
                token = _end_of_token(word, start)
            if any(_is_key(word[start + len(prefix) : token], prefix, least) for prefix, least in fitting):
                yield Span(first + start, first + token, first + token)
                start = token
            start = parts.find(" ", start) + 1
            if start == 0:
                break


def _is_key(body: str, prefix: str, least: int) -> bool:
    """Whether a key goes on behind its beginning."""
    telling = len(prefix) > _TELLING or (not prefix.isalnum() and not prefix.islower())
    return len(body) >= least and (telling or _is_mixed(body[:_ENOUGH]))


@cache
def _known_keys() -> dict[str, list[tuple[str, int]]]:
    """Return the beginnings of keys by their first characters."""
    from smtpdoctor.errors import KnowledgeError
    from smtpdoctor.knowledge import load

    heads: dict[str, list[tuple[str, int]]] = {}
    # Where the files are wrong, that is being told, perhaps with this very text.
    with suppress(KnowledgeError):
        for prefix, least in load.keys().items():
            heads.setdefault(prefix[:_HEAD], []).append((prefix, least))
    return heads


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern, compiled when it is first needed: most values are plain."""
    return re.compile(text, re.IGNORECASE)


def _end_of_token(text: str, start: int) -> int:
    found = _pattern(r"[A-Z0-9_.~+/=-]++").match(text, start)
    end = found.end() if found else start
    while end > start and text[end - 1] == ".":
        end -= 1
    return end


def _is_mixed(body: str) -> bool:
    """Whether a text has a digit, or letters of both cases, as a random one has and a word has not."""
    if any(one.isdigit() for one in body):
        return True
    return any(one.islower() for one in body) and any(one.isupper() for one in body)


def _private_keys(text: str) -> Iterator[Span]:
    start = text.find("-----BEGIN")
    while start >= 0:
        head = text.find("-----", start + 10)
        if head < 0:
            return
        end = text.find("-----END", head + 5)
        end = len(text) if end < 0 else end
        if "PRIVATE KEY" in text[start:head]:
            yield Span(head + 5, end, end)
        start = text.find("-----BEGIN", max(end, head + 5))


def _tokens(text: str) -> Iterator[Span]:
    """Yield long pieces of small and capital letters and digits: no name of a host, a cipher or a person."""
    for found in _pattern(r"[A-Z0-9+/_=-]{32,}+").finditer(text):
        token = found[0]
        signs = sum(token.count(one) for one in "+/_=-")
        if text[found.end() : found.end() + 1] == "@" and text[found.start() - 1 : found.start()] == "<":
            continue  # the id of a message
        if (
            any(map(str.isdigit, token))
            and any(map(str.islower, token))
            and any(map(str.isupper, token))
            and (signs + 1) * 8 <= len(token)
        ):
            yield Span(found.start(), found.end(), found.end())


# Logins in addresses


def _in_value(text: str) -> Iterator[Span]:
    """Yield the login in a value, whichever way a URL was broken."""
    start, scheme = _scheme(text, 0, len(text))
    at = text.rfind("@")
    while at >= 0 and text[at + 1 : at + 9].upper().startswith(_OF_CIPHERS):
        at = text.rfind("@", 0, at)  # a list of ciphers
    named = scheme is None and _pattern(r"[^<>]*<[^<>@:/\s]+@[^<>@\s]+>\s*").fullmatch(text)
    if named:
        return  # the sender with a name
    if at < start:
        yield from _unfinished(text, start, len(text), scheme)
        return
    yield from _login(text, start, at, at, scheme)


def _one_of(word: str, words: str) -> bool:
    return f" {word} " in words


def _scheme(text: str, start: int, end: int) -> tuple[int, str | None]:
    """Return where the authority of a URL begins, and its scheme; None where there is none."""
    found = _pattern(
        r"[\s\"'`<(]*+(?:((?:[a-z]|\*{2,8}+)[a-z0-9+.*-]{0,40}+)[ \t]?(?::[/\\]{1,4}+|[/\\]{2,4}+|%3A(?:%2F){1,2}+)|[/\\]{2}+)"
    ).match(text, start, end)
    if found is not None:
        return found.end(), (found[1] or "").lower()
    short = _pattern(r"[\s\"'`<(]*+(smtps?|submissions?):(?=[^:@]*+:)").match(text, start, end)
    return (short.end(), short[1].lower()) if short is not None else (start, None)


def _login(text: str, start: int, at: int, widest: int, scheme: str | None) -> Iterator[Span]:
    """Yield what is secret of the login between two places of a URL."""
    colon = _colon(text, start, at)
    if scheme is not None and _takes_key(scheme):
        first = start
    elif colon < 0:
        return  # a user name
    else:
        first = colon
        if scheme is None and _one_of(text[start : colon - 1].strip(" \t\"'<([{").lower(), _LABELS):
            return  # `mailto:me@example.com`
    end = max(at, first)
    if first < max(at, widest) and not _pattern(_VARIABLE).fullmatch(text, first, end):
        yield Span(first, end, widest)


def _takes_key(scheme: str) -> bool:
    """Whether a URL's user name is a key by its scheme: `sendgrid+api://KEY@default`; of SMTP it is none."""
    return (
        bool(scheme)
        and scheme not in _MAIL
        and not scheme.endswith("+smtp")
        and not scheme.endswith("+smtps")
    )


def _colon(text: str, start: int, end: int) -> int:
    """Return where the password begins: behind the first colon, written as it is or encoded."""
    plain, encoded = text.find(":", start, end), text.lower().find("%3a", start, end)
    ends = [place + width for place, width in ((plain, 1), (encoded, 3)) if place >= 0]
    return min(ends, default=-1)


def _unfinished(text: str, start: int, end: int, scheme: str | None) -> Iterator[Span]:
    """Yield what stands where a URL has its port, and is none: a password whose host was forgotten."""
    if scheme is None or text[start : start + 1] == "[":
        return
    colon = _colon(text, start, end)
    rest = text[colon:end]
    if (
        colon < 0
        or not rest
        or _pattern(
            rf"\d{{0,5}}(?:[^\w$%](?s:.*))?|port|(?:{_VARIABLE})(?:\W.*)?|[<{{*\[].*|\d*:?\d*\)?:?",
        ).fullmatch(rest)
    ):
        return
    yield Span(colon, end, end)


def _in_words(text: str) -> Iterator[Span]:
    """Yield the logins in the words of a text."""
    done = 0
    for found in _pattern(r"@|//").finditer(text):
        place = found.start()
        if place < done:
            continue
        first = 1 + max(text.rfind(one, done, place) for one in " \n\t")
        first = max(first, done)
        end = _end_of_word(text, place)
        if "//" in text[first:end]:
            yield from _in_url(text, first, end)
        else:
            yield from _in_word(text, first, end)
        done = end


def _end_of_word(text: str, start: int) -> int:
    found = _pattern(r"\S*+").match(text, start)
    return found.end() if found else start


_CLOSING: Final = r"[\"'`<>]|&quot;|\\[\"'nrt]"


def _in_url(text: str, first: int, end: int) -> Iterator[Span]:
    """Yield the logins of a word that holds a URL."""
    slashes = text.find("//", first, end)
    if text[slashes - 1 : slashes] == ":":
        head = text[max(first, slashes - 44) : slashes - 1]
        known = _pattern(r"((?:[a-z]|\*{2,8}+)[a-z0-9+.*-]{0,40}+)$").search(head[-42:])
        scheme = known[1].lower() if known else ""
    else:
        scheme = ""
    start = slashes + 2
    last = text.rfind("@", start, end)
    if last < 0:
        yield from _unfinished_in_line(text, start, end, scheme)
        return
    closing = _pattern(_CLOSING).search(text, start, end)
    strict = text.rfind("@", start, closing.start() if closing else end)
    web = scheme in {"http", "https", "ws", "wss"}
    if web and re.search(r"[/?#]", text[start : last if strict < 0 else strict]):
        return  # an address in the path of a page; a key in its parameters is told by its name
    yield from _login(text, start, strict if strict >= 0 else last, last, scheme)


def _unfinished_in_line(text: str, start: int, end: int, scheme: str) -> Iterator[Span]:
    """Yield the password of a URL in a text that a blank cuts, or that lacks its host."""
    if not _one_of(scheme, _MAIL) or text[start : start + 1] == "[":
        return
    colon = _colon(text, start, end)
    closing = _pattern(_CLOSING + r"|[,;)\]}]").search(text, start, end)
    stop = closing.start() if closing else end
    if colon < 0 or colon >= end or _pattern(_NO_PASSWORD).match(text, colon, end):
        return
    line = text.find("\n", end)
    line = len(text) if line < 0 else line
    at = text.find("@", end, line)
    yield Span(colon, max(stop, colon), at if at >= 0 else end)


def _in_word(text: str, first: int, end: int) -> Iterator[Span]:
    """Yield the password of `user:password@host` in a word; the password may hold anything but a closing sign."""
    last = text.rfind("@", first, end)
    if text[last + 1 : last + 9].upper().startswith(_OF_CIPHERS) or not text[last + 1 : end].strip("\"'`<>"):
        return
    opening = first
    for found in _pattern(r"[\"'`<>(\[{,;|]|=(?!=)|:").finditer(text, first, last):
        if found[0] != ":":
            opening = found.end()
            continue
        login = text[opening : found.start()].lower()
        if (
            not _one_of(login, _LABELS)
            and _pattern(r"[\w.+%@-]{1,320}").fullmatch(login)
            and found.end() < last
        ):
            yield Span(found.end(), last, last)
            return


# Parameters and lists


def _parameters(text: str, open_ended: int) -> Iterator[Span]:
    """Yield the values of parameters whose names say that they are secret: `?auth=…`, `&password=…`.

    ``open_ended``: of what begins before, nothing says that it ends before the text does.
    """
    secret = _pattern(r"pass|pwd|pw$|secret|token|key|auth|cred|^sig|signature|code$|jwt|otp|sasl")
    apart = _pattern(r"(?-i:(?:smtp_?)?(?:pass(?:word|wd)?|pwd|pw|secret|token))")  # in a list with blanks
    done = 0
    for found in _pattern(r"(\A|[?&;\s]|&amp;)([a-z0-9_.\[\]-]{1,40}+)=").finditer(text):
        start = found.end()
        listed = not found[1].strip()
        if start <= done or not (apart.fullmatch(found[2]) if listed else secret.search(found[2])):
            continue
        alone = found.start() < open_ended
        following = (
            _pattern(r"\s[a-z0-9_.-]{1,40}+=|\Z").search(text, start)
            if listed
            else (None if alone else _pattern(r"&(?:amp;)?[a-z0-9_.\[\]-]{1,40}+=|\s|\Z").search(text, start))
        )
        done = widest = following.start() if following else len(text)
        closing = None if alone else _pattern(_CLOSING + r"|[&\s]").search(text, start, widest)
        end = closing.start() if closing else widest
        if not _one_of(text[start:end].strip("\"'").lower(), _MECHANISMS):
            yield Span(start, end, widest)


def _listed(text: str, open_ended: int) -> Iterator[Span]:
    """Yield logins in lists: `host:587:user:password`, `host|587|user|password`; the first word may go on."""
    pattern = r"(?<![\w.-])[a-z0-9][a-z0-9-]{0,62}+(?:\.[a-z0-9-]{1,63}+){1,8}+([:|;,])(?:25|465|587|2465|2525|2587|1025)\1(?=[^\s:|;,]{1,200}+\1)"
    for found in _pattern(pattern).finditer(text):
        end = len(text) if found.end() < open_ended else _end_of_word(text, found.end())
        yield Span(found.end(), end, end)
