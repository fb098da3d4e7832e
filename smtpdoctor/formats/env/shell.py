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
            found, at, change = _command(text, at, names)
            depth = min(max(depth + change, 0), MOST_DEPTH)
            for one in found:
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


def _command(text: str, at: int, names: Names) -> tuple[list[Entry | Bad], int, int]:
    """Return what one command sets, where it ends, and whether it opens (1) or closes (-1) something."""
    begin = at
    found: list[Entry | Bad] = []
    before: list[tuple[str, bool, str | None]] = []
    first = ""
    change = 0
    while True:
        at = _past_blanks(text, at)
        sign = text[at : at + 1]
        if not sign or sign in "\n;&|" or (sign == "#" and at > begin):
            break
        if sign in "<>()":
            if sign in "()" and not first and not found:
                change += 1 if sign == "(" else -1
                at += 1
                break
            if sign in "()":
                if text.startswith("()", at) and first and not found:
                    return [], at + 2, 0  # a function, whose body follows
                if sign == ")":
                    return found, at + 1, 0  # a branch of a case
                raise RefusedError(at, kind="syntax")
            at = _line_end(text, at)  # a redirection
            found.append(Bad(begin, kind="unsupported"))
            break
        name = _NAME.match(text, at)
        declaring = first in _DECLARING
        if name is not None and (not first or declaring):
            value = Result(names)
            if text.startswith("(", name.end()):  # an array
                value.lacks("array")
                word = _Word(Result(names), _closed(text, name.end()), quoted=True)
            else:
                word = _word(text, name.end(), names)
            if name[2] == "+=":
                there, old = names.inner(name[1])
                if there and old is None:
                    value.lacks(name[1])
                else:
                    value.add(old or "")
            value.take(word.result)
            value.defaulted = word.result.defaulted
            entry = value.entry(name[1], name.end(), word.end)
            found.append(entry)
            before.append((name[1], *_now(names, name[1])))
            names.file[name[1]] = entry.value
            at = word.end
            continue
        word = _word(text, at, names)
        said = word.result.value or ""
        if not first and word.result.value == "" and not word.quoted and word.end > at:
            at = word.end  # an empty variable is no command
            continue
        if not first:
            first = said or "?"
            if not word.quoted and said in _OPENING:
                return [Bad(begin, said, "unsupported"), *found], word.end, 1
            if not word.quoted and said in _CLOSING:
                return found, word.end, -1
            if not word.quoted and said in {"then", "else", "do", "elif", "!"}:
                return found, word.end, 0
            if said in {".", "source", "eval"}:
                found.append(Bad(begin, said, "unsupported"))
            elif word.result.value is None:
                # Where a command prints nothing, the assignments before it hold.
                found = [
                    one._replace(value=None, source="command") if isinstance(one, Entry) else one
                    for one in found
                ]
                if not found:
                    found = [Bad(begin, kind="unsupported")]
            elif said not in _DECLARING:
                # The assignments before it hold for that command alone.
                for key, there, old in reversed(before):
                    names.file[key] = old
                    if not there:
                        del names.file[key]
                lost = next((one.name for one in found if isinstance(one, Entry)), "")
                found = [] if said in _QUIET else [Bad(begin, lost or named(text, begin))]
        elif declaring and found and not said.startswith("-") and isinstance(found[-1], Entry):
            found[-1] = found[-1]._replace(lost=True)
        if word.end == at:
            at += 1
        else:
            at = word.end
    return found, at, change


def _now(names: Names, name: str) -> tuple[bool, str | None]:
    return name in names.file, names.file.get(name)


def _word(text: str, at: int, names: Names) -> _Word:
    """Read a word; raises RefusedError where a quote is not closed."""
    result = Result(names)
    quoted = False
    begin = at
    while at < len(text):
        sign = text[at]
        plain = _PLAIN.match(text, at)
        if plain is not None:
            if at == begin and sign == "~":
                result.lacks("~")
            result.add(plain[0])
            at = plain.end()
        elif sign == "'":
            closed = _SINGLE.match(text, at)
            if closed is None:
                raise RefusedError(at, "'", "syntax")
            result.add(closed[1])
            at, quoted = closed.end(), True
        elif sign == '"':
            at, quoted = _double(text, at, names, result), True
        elif sign == "\\":
            if text[at + 1 : at + 2] != "\n":
                result.add(text[at + 1 : at + 2] or "\\")
            at += 2
        elif sign in "$`":
            ansi = _ANSI.match(text, at)
            if ansi is not None:
                _ansi(ansi[1], result)
                at = ansi.end()
            elif text.startswith('$"', at):
                at += 1
            else:
                at = _dollar(text, at, names, result)
        else:
            break
    return _Word(result, min(at, len(text)), quoted=quoted)


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
