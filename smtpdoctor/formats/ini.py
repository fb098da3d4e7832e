"""ini files: go-ini's rules (Grafana, Gitea) and those of Python's configparser (Odoo among others).

Names are ``section.key``; what stands before the first section has no section. ``reader`` is one of
``READERS``.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from smtpdoctor.formats.building import Builder, kept
from smtpdoctor.formats.document import Document, Remark, Source

__all__ = ["READERS", "read"]


class _Rules(NamedTuple):
    """``continued``: a backslash ends no value; ``braces``: Grafana's ``${NAME}``; ``percent``: configparser's."""

    go: bool = True
    continued: bool = True
    braces: bool = False
    percent: bool = False


_RULES: Final = {
    "go-ini": _Rules(),
    "grafana": _Rules(braces=True),
    "gitea": _Rules(continued=False),
    "configparser": _Rules(go=False, percent=True),
    "odoo": _Rules(go=False),
}
READERS: Final = tuple(_RULES)


def read(source: Source) -> Document:
    """Read an ini file as ``source.reader`` does, ``go-ini`` where none is named."""
    rules = _RULES[source.reader or "go-ini"]
    builder = Builder(source, "ini")
    entries = (_go if rules.go else _python)(builder, rules)
    _filled(builder, entries, rules)
    return builder.document()


class _Entry(NamedTuple):
    section: str
    key: str
    value: str
    start: int
    end: int
    remarks: tuple[Remark, ...]
    style: str
    literal: bool = False


# --- go-ini

_SURROUNDED: Final = re.compile(r"""(['"])((?:(?!\1).)*+)\1""")
_GO_KEY: Final = re.compile(r'"""(.+?)"""|"([^"]*+)"|`([^`]*+)`')
_SIGN: Final = re.compile("[=:]")
_COMMENT: Final = re.compile("[#;]")
_MEANT: Final = re.compile(r"""(["'])((?:(?!\1)[^\n])*+)\1(?=[ \t\r]*+(?:[#;]|\n|\Z))""")


def _go(builder: Builder, rules: _Rules) -> list[_Entry]:
    text = builder.text
    found: list[_Entry] = []
    section = ""
    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        end = _line(text, at)
        line = text[at:end]
        begin = at + len(line) - len(line.lstrip())
        line = line.strip()
        at = end + 1
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            close = line.rfind("]")
            if close < 0:
                builder.problem("refused", begin)
                return found
            section = line[1:close]
            continue
        key, offset = _go_key(line)
        if offset < 0:
            builder.problem("refused", begin)
            return found
        start = begin + offset
        start += len(text[start:end]) - len(text[start:end].lstrip())
        entry, at = _go_value(builder, section, key, begin + offset, min(start, end), end, rules)
        if entry is None:
            return found
        found.append(entry)
    return found


def _go_key(line: str) -> tuple[str, int]:
    """Return a line's key, and where the value begins, -1 where there is none."""
    quoted = _GO_KEY.match(line)
    if line[0] in '"`' and quoted is None:
        return "", -1
    sign = _SIGN.search(line, quoted.end() if quoted else 0)
    if sign is None or sign.start() == 0:
        return "", -1
    key = next(one for one in quoted.groups() if one is not None) if quoted else line[: sign.start()]
    return key.strip(), sign.end()


def _go_value(
    builder: Builder, section: str, key: str, sign: int, start: int, end: int, rules: _Rules
) -> tuple[_Entry | None, int]:
    """Return the entry whose value begins there, and where the next line does; None where the file is refused."""
    text = builder.text
    raw = text[start:end].rstrip()
    # As there, three quotes alone at the end of a file are no beginning.
    quote = '"""' if raw.startswith('"""') and start + len('"""') <= min(end, len(text) - 1) else raw[:1]
    if quote in {'"""', "`"}:
        close = text.rfind(quote, start + len(quote), end)
        if close < 0:
            close = _later(text, end + 1, quote)
        if close < 0:
            builder.problem("refused", start, f"{section}.{key}")
            return None, end
        stop = close + len(quote)
        value = text[start + len(quote) : close]
        return _Entry(section, key, value, start, stop, (), quote), _line(text, close) + 1
    if not raw:
        return _Entry(section, key, "", sign, sign, (), "bare"), end + 1
    if raw.endswith("\\") and rules.continued:
        value, stop = _go_continued(text, raw[:-1], start + len(raw), end)
        remarks = (Remark("escaped", "\\"),)
        return _Entry(section, key, value, start, stop, remarks, "bare"), _line(text, stop) + 1
    return _go_plain(section, key, raw, start), end + 1


def _go_plain(section: str, key: str, raw: str, start: int) -> _Entry:
    comment = _COMMENT.search(raw)
    value = raw if comment is None else raw[: comment.start()].strip()
    remarks: list[Remark] = []
    meant = _MEANT.match(raw)
    stop = meant.end() if meant else len(value)
    if comment is not None:
        if meant is not None and comment.start() < meant.end():
            remarks.append(Remark("value-cut", comment[0]))
        elif meant is None and comment.start() and raw[comment.start() - 1] not in " \t":
            rest = re.search(r"[ \t][#;]", raw)
            stop = len(raw) if rest is None else len(raw[: rest.start()].rstrip())
            remarks.append(Remark("value-cut", comment[0]))
        elif not comment.start():
            stop = len(raw)
            remarks.append(Remark("value-cut", comment[0]))
    style = "bare"
    quoted = _SURROUNDED.fullmatch(value)
    if quoted is not None:
        style, value = quoted.groups()
    elif value[:1] in {"'", '"'} and not remarks:
        remarks.append(Remark("quotes-kept", value[0]))
    return _Entry(section, key, value, start, start + max(stop, 0), tuple(remarks), style)


def _go_continued(text: str, value: str, stop: int, end: int) -> tuple[str, int]:
    parts = [value]
    at = end + 1
    while at < len(text):
        end = _line(text, at)
        more = text[at:end].strip()
        if not more:
            break
        stop = end
        at = end + 1
        parts.append(more.removesuffix("\\"))
        if not more.endswith("\\"):
            break
    return "".join(parts), stop


def _later(text: str, at: int, quote: str) -> int:
    """Return the last of a quote's places in the first later line that has one."""
    first = text.find(quote, at)
    return first if first < 0 else text.rfind(quote, first, _line(text, first))


def _line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


# --- configparser

_MOST_CONTINUED: Final = 10_000


def _python(builder: Builder, rules: _Rules) -> list[_Entry]:
    del rules
    text = builder.text
    found: list[_Entry] = []
    seen: set[tuple[str, str]] = set()
    section: str | None = None
    indent = 0
    at = 0
    while at < len(text):
        begin, end = at, _line(text, at)
        line = text[at:end].rstrip("\r")
        at = end + 1
        content = line.strip()
        if not content or content[0] in "#;":
            continue
        level = len(line) - len(line.lstrip())
        start = begin + level
        if found and section is not None and level > indent and found[-1].section == section:
            last = found[-1]
            stop = start + len(content)
            if len(last.value) < _MOST_CONTINUED:
                found[-1] = last._replace(value=f"{last.value}\n{content}", end=stop)
            continue
        indent = level
        header = re.match(r"\[(.+)\]", content)
        if header is not None:
            section = header[1]
            continue
        sign = re.search(r"\s*+[=:]\s*+", content)
        if section is None or sign is None or not sign.start():
            builder.problem("refused", start)
            if section is None:
                return []
            continue
        key = content[: sign.start()].lower()
        if (section, key) in seen:
            builder.problem("refused", start, f"{section}.{key}")
            continue
        seen.add((section, key))
        value = content[sign.end() :]
        place = start + (sign.end() if value else sign.start() + len(sign[0].rstrip()))
        found.append(_Entry(section, key, value, place, place + len(value), kept(value), "bare"))
    return found


# --- Values that name others

_MOST_LEVELS: Final = 20
# What values may put into each other in one file: characters, and ten for each time.
_MOST_PUT_IN: Final = 1_000_000
_PERCENT: Final = re.compile(r"%(?:(%)|\(([^)]++)\)s|)")
_GO_PERCENT: Final = re.compile(r"%\(([^)]++)\)s")
_BRACES: Final = re.compile(r"\$__(env|file|vault)\{([^}]*+)\}|\$\{(\w++)\}")


class _UnknownError(Exception):
    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source


class _Values:
    """The values of a file, which may name each other."""

    def __init__(self, entries: list[_Entry], rules: _Rules) -> None:
        self.rules = rules
        self.values = {(one.section, one.key): one.value for one in entries}
        self.left = _MOST_PUT_IN

    def _spent(self, text: str) -> None:
        self.left -= len(text) + 10
        if self.left < 0:
            raise _UnknownError("%")

    def python(self, section: str, value: str, level: int = 0) -> str:
        """Put in what configparser does; it refuses what it cannot, and a sign that stands alone."""

        def one(found: re.Match[str]) -> str:
            if found[1]:
                return "%"
            name = (found[2] or "%").lower()
            text = self.values.get((section, name), self.values.get(("DEFAULT", name)))
            if text is None or level > _MOST_LEVELS:
                raise _UnknownError(name)
            self._spent(text)
            return self.python(section, text, level + 1)

        return _PERCENT.sub(one, value)

    def go(self, entry: _Entry) -> str:
        """Put in what go-ini does, up to the first name that is not there."""
        value = entry.value
        while (found := _GO_PERCENT.search(value)) is not None:
            text = self.values.get((entry.section, found[1]))
            if text is None or (found[1] == entry.key):
                text = self.values.get(("", found[1]))
            if text is None:
                break
            value = value.replace(found[0], text)
            self._spent(value)
        return value


def _filled(builder: Builder, entries: list[_Entry], rules: _Rules) -> None:
    """Keep the entries, with the values of others put in where the reader does so."""
    values = _Values(entries, rules)
    for entry in entries:
        value: str | None = entry.value
        source = ""
        remarks = list(entry.remarks)
        name = f"{entry.section}.{entry.key}" if entry.section else entry.key
        try:
            if "%" in entry.value and rules.go:
                value = values.go(entry)
            elif "%" in entry.value and rules.percent:
                value = values.python(entry.section, entry.value)
        except _UnknownError as error:
            value, source = None, error.source
            remarks.append(Remark("expanded", "%"))
            builder.problem("refused", entry.start, name)
        if value is not None and rules.braces and "$" in value:
            value, source = _grafana(value, builder)
        builder.assign(
            name, value, entry.start, entry.end, remarks=tuple(remarks), source=source, style=entry.style
        )


def _grafana(value: str, builder: Builder) -> tuple[str | None, str]:
    """Return a value with what Grafana puts in: variables of the environment; files are not known from here."""
    environment = builder.source.environment
    source = ""

    def one(found: re.Match[str]) -> str:
        nonlocal source
        name = found[3] or found[2]
        if found[1] in {"file", "vault"} or name not in environment:
            source = name
            return ""
        return environment[name]

    value = _BRACES.sub(one, value)
    return (None, source) if source else (value, "")
