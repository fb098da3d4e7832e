"""``.env`` as bash reads it with ``. file``: assignments whose words say what they are; nothing is run.

What a command prints, the number of a process, a home folder are unknown. A value within ``if``, a loop or
a function is unknown as well: whether it is assigned is not to be seen here.
"""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.formats.building import MOST_DEPTH
from smtpdoctor.formats.env.entry import Bad, Entry, Names, RefusedError, Result, Scan, named

__all__ = ["shell"]

_BLANKS: Final = re.compile(r"(?:[ \t]++|\\\n)*+")
_NAME: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*+)(\+?=)")
_PLAIN: Final = re.compile(r"[^ \t\n\\'\"$`;&|<>()]++")
_SINGLE: Final = re.compile(r"'([^']*+)'")
_ANSI: Final = re.compile(r"\$'((?:[^'\\]++|\\.)*+)'", re.DOTALL)
_IN_DOUBLE: Final = re.compile(r"[^\\\"$`]++")
_VARIABLE: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*+)")
_BRACED: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*+)(?:(:?[-=?+])((?:[^\\'\"$`{}]++)*+))?\}")
_OTHER: Final = re.compile(r"\$(?:[0-9$?!#@*_-])")
_BACK_QUOTED: Final = re.compile(r"`(?:[^`\\]++|\\.)*+`", re.DOTALL)
_DECLARING: Final = frozenset({"export", "declare", "typeset", "readonly", "local"})
_QUIET: Final = frozenset({"set", "unset", ":", "true"})
_OPENING: Final = frozenset({"if", "case", "for", "while", "until", "select", "{", "("})
_BETWEEN: Final = frozenset({"then", "else", "do", "elif", "!"})
_READING: Final = frozenset({".", "source", "eval"})
_CLOSING: Final = frozenset({"fi", "esac", "done", "}", ")"})
_ANSI_ESCAPE: Final = re.compile(r"\\([abeEfnrtv\\'\"?])")
_ANSI_ESCAPED: Final = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip


class _Word:
    """A word of a command: what it says, and where it ends."""

    def __init__(self, result: Result, end: int, *, quoted: bool) -> None:
        self.result = result
        self.end = end
        self.quoted = quoted


def shell(text: str, names: Names) -> Scan:
    """Yield what assignments and ``export`` set."""
    at = depth = 0
    while at < len(text):
        at = _past_blanks(text, at)
        sign = text[at : at + 1]
        if sign in {"\n", ";", "&", "|"}:
            at += 1
        elif sign == "#":
            at = _line_end(text, at)
        elif sign:
            command = _Command(text, at, names)
            at = command.at
            depth = min(max(depth + command.change, 0), MOST_DEPTH)
            for one in command.found:
                if depth and isinstance(one, Entry):
                    names.file[one.name] = None
                    yield one._replace(value=None, source="condition")
                    continue
                if isinstance(one, Entry):
                    names.file[one.name] = one.value
                yield one


def _past_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return at if found is None else found.end()


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


class _Command:
    """One command: what it sets, where it ends, and whether it opens (1) or closes (-1) something."""

    def __init__(self, text: str, at: int, names: Names) -> None:
        self.text = text
        self.begin = self.at = at
        self.names = names
        self.found: list[Entry | Bad] = []
        self.change = 0
        self._before: list[tuple[str, bool, str | None]] = []
        self._first = ""
        while self._more():
            pass

    def _more(self) -> bool:
        """Read one word; returns whether the command goes on."""
        text = self.text
        self.at = _past_blanks(text, self.at)
        sign = text[self.at : self.at + 1]
        if not sign or sign in "\n;&|" or (sign == "#" and self.at > self.begin):
            return False
        if sign in "<>()":
            self._operator(sign)
            return False
        name = _NAME.match(text, self.at)
        if name is not None and (not self._first or self._first in _DECLARING):
            self._assign(name)
            return True
        word = _word(text, self.at, self.names)
        self.at = max(word.end, self.at + 1)
        if self._first:
            self._argument(word)
            return True
        if word.result.value == "" and not word.quoted:
            return True  # an empty variable is no command
        return self._program(word)

    def _operator(self, sign: str) -> None:
        at = self.at
        if sign in "<>":  # where it reads from or writes to is no setting
            self.at = _line_end(self.text, at)
            self.found.append(Bad(self.begin, kind="unsupported"))
        elif not self._first and not self.found:
            self.change = 1 if sign == "(" else -1
            self.at = at + 1
        elif self.text.startswith("()", at) and self._first and not self.found:
            self.at = at + 2  # a function, whose body follows
        elif sign == ")":
            self.at = at + 1  # a branch of a case
        else:
            raise RefusedError(at, kind="syntax")

    def _assign(self, name: re.Match[str]) -> None:
        value = Result(self.names)
        if self.text.startswith("(", name.end()):  # an array
            value.lacks("array")
            word = _Word(Result(self.names), _closed(self.text, name.end()), quoted=True)
        else:
            word = _word(self.text, name.end(), self.names)
        if name[2] == "+=":
            there, old = self.names.inner(name[1])
            if there and old is None:
                value.lacks(name[1])
            else:
                value.add(old or "")
        value.take(word.result)
        value.defaulted = word.result.defaulted
        entry = value.entry(name[1], name.end(), word.end)
        self.found.append(entry)
        self._before.append((name[1], *_now(self.names, name[1])))
        self.names.file[name[1]] = entry.value
        self.at = word.end

    def _argument(self, word: _Word) -> None:
        said = word.result.value or ""
        last = self.found[-1] if self.found else None
        if self._first in _DECLARING and isinstance(last, Entry) and not said.startswith("-"):
            self.found[-1] = last._replace(lost=True)

    def _program(self, word: _Word) -> bool:
        """Look at the word that says what is run."""
        said = word.result.value
        if said is None:
            # Where a command prints nothing, the assignments before it hold.
            self.found = [
                one._replace(value=None, source="command") if isinstance(one, Entry) else one
                for one in self.found
            ] or [Bad(self.begin, kind="unsupported")]
        elif not word.quoted and said in _OPENING:
            self.found.insert(0, Bad(self.begin, said, "unsupported"))
            self.change = 1
            return False
        elif not word.quoted and said in _CLOSING:
            self.change = -1
            return False
        elif not word.quoted and said in _BETWEEN:
            return False
        elif said in _READING:
            self.found.append(Bad(self.begin, said, "unsupported"))
        elif said not in _DECLARING:
            self._run(said)
        self._first = said or "?"
        return True

    def _run(self, said: str) -> None:
        """Take back the assignments before a command: they hold for it alone."""
        for name, there, old in reversed(self._before):
            self.names.file[name] = old
            if not there:
                del self.names.file[name]
        lost = next((one.name for one in self.found if isinstance(one, Entry)), "")
        self.found = [] if said in _QUIET else [Bad(self.begin, lost or named(self.text, self.begin))]


def _now(names: Names, name: str) -> tuple[bool, str | None]:
    return name in names.file, names.file.get(name)


def _word(text: str, at: int, names: Names) -> _Word:
    """Read a word; raises RefusedError where a quote is not closed."""
    result = Result(names)
    quoted = False
    if text.startswith("~", at):
        result.lacks("~")
    while at < len(text):
        sign = text[at]
        plain = _PLAIN.match(text, at)
        if plain is not None:
            result.add(plain[0])
            at = plain.end()
        elif sign in "'\"":
            at, quoted = _in_quotes(text, at, names, result), True
        elif sign == "\\":
            if text[at + 1 : at + 2] != "\n":
                result.add(text[at + 1 : at + 2] or "\\")
            at += 2
        elif sign in "$`":
            at = _outside(text, at, names, result)
        else:
            break
    return _Word(result, min(at, len(text)), quoted=quoted)


def _in_quotes(text: str, at: int, names: Names, result: Result) -> int:
    if text[at] == '"':
        return _double(text, at, names, result)
    closed = _SINGLE.match(text, at)
    if closed is None:
        raise RefusedError(at, "'", "syntax")
    result.add(closed[1])
    return closed.end()


def _outside(text: str, at: int, names: Names, result: Result) -> int:
    """Read what a dollar sign or a back quote begins outside quotes."""
    ansi = _ANSI.match(text, at)
    if ansi is not None:
        _ansi(ansi[1], result)
        return ansi.end()
    return at + 1 if text.startswith('$"', at) else _dollar(text, at, names, result)


def _ansi(body: str, result: Result) -> None:
    done = _ANSI_ESCAPE.sub(lambda one: _ANSI_ESCAPED.get(one[1], one[1]), body)
    if "\\" in _ANSI_ESCAPE.sub("", body):
        result.lacks("\\")  # numbers of characters: nobody writes a setting so
    result.add(done)


def _double(text: str, at: int, names: Names, result: Result) -> int:
    begin = at
    at += 1
    while at < len(text):
        sign = text[at]
        plain = _IN_DOUBLE.match(text, at)
        if plain is not None:
            result.add(plain[0])
            at = plain.end()
        elif sign == '"':
            return at + 1
        elif sign == "\\":
            after = text[at + 1 : at + 2]
            if after != "\n":
                result.add(after if after and after in '$`"\\' else sign + after)
            at += 2
        else:
            at = _dollar(text, at, names, result)
    raise RefusedError(begin, '"', "syntax")


def _dollar(text: str, at: int, names: Names, result: Result) -> int:
    """Put in what stands behind a dollar sign or a back quote; returns where it ends."""
    named = _VARIABLE.match(text, at)
    if named is not None:
        result.put(named[1], names.inner(named[1]))
        return named.end()
    braced = _BRACED.match(text, at)
    if braced is not None:
        _put_braced(braced, at, names, result)
        return braced.end()
    other = _OTHER.match(text, at)
    if other is not None:
        result.lacks(other[0])
        result.expanded = True
        return other.end()
    if text[at] == "`":
        closed = _BACK_QUOTED.match(text, at)
        if closed is None:
            raise RefusedError(at, "`", "syntax")
        result.lacks("command")
        return closed.end()
    if text.startswith(("$(", "${"), at):
        result.lacks("command" if text[at + 1] == "(" else "${")
        return _closed(text, at + 1)
    result.add("$")
    return at + 1


def _put_braced(found: re.Match[str], at: int, names: Names, result: Result) -> None:
    name, operator, default = found[1], found[2] or "", found[3] or ""
    there, value = names.inner(name)
    filled = there and not (operator.startswith(":") and value == "")
    if operator.endswith("+"):
        result.referred = True
        result.add(default if filled else "")
    elif filled or not operator:
        result.put(name, (there, value))
    elif operator.endswith("?"):
        raise RefusedError(at, name, "required")
    else:
        if operator.endswith("="):
            names.file[name] = default
        result.defaulted = result.referred = True
        result.add(default)


_BRACKETS: Final = re.compile(r"\\.|'[^']*+'|[(){}]", re.DOTALL)


def _closed(text: str, at: int) -> int:
    """Return where a bracket is closed, quotes passed over; raises RefusedError."""
    begin = at
    count = 0
    while (found := _BRACKETS.search(text, at)) is not None:
        at = found.end()
        if found[0] in "({":
            count += 1
        elif found[0] in ")}":
            count -= 1
            if not count:
                return at
    raise RefusedError(begin, text[begin], "syntax")
