"""A value as it stands in a file of each syntax, so that whoever reads that file gets it back. Pure.

Raises UnwritableError for what cannot be said there. Where a syntax has several ways to say a value, the
plainest is tried first; which of them is read back as it was meant, the caller finds out by reading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from smtpdoctor.formats.document import Kind
from smtpdoctor.formats.dotenv import UnwritableError

__all__ = ["LITERALS", "Literal", "literals"]

Literal = Callable[[str, Kind, str], Iterator[str]]
"""Value, kind and whose rules hold → the ways to write it, the plainest first."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_INI: Final = re.compile(r"[A-Za-z0-9_./:@+-][A-Za-z0-9_./:@+ -]*(?<! )|")
_XML: Final[Mapping[str, str]] = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def literals(syntax: str, value: str, kind: Kind, rules: str) -> Iterator[str]:
    """Yield the ways to write a value in a syntax; raises UnwritableError where there is none."""
    if found := _CONTROL.search(value):
        raise UnwritableError(found[0])
    yield from LITERALS[syntax](value, kind, rules)


def _typed(value: str, kind: Kind) -> bool:
    return (kind == "number" and bool(_NUMBER.fullmatch(value))) or (
        kind == "boolean" and value in {"true", "false"}
    )


def _dotenv(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001 -- the interface of a literal
    from smtpdoctor.formats import env

    yield env.write(value, rules or env.DEFAULT)


def _yaml(value: str, kind: Kind, rules: str) -> Iterator[str]:
    from smtpdoctor.formats.yaml_scalars import write

    if _typed(value, kind):
        yield value
    else:
        yield write(value, "yaml plain string braces" if rules == "spring" else "yaml plain string")


def _words_of_yaml(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001
    from smtpdoctor.formats.yaml_scalars import write

    yield write(value, "yaml single string")


def _json(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001
    yield value if _typed(value, kind) else json.dumps(value, ensure_ascii=False)


def _ini(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001
    if rules in {"configparser", "odoo"}:
        yield value.replace("%", "%%") if rules == "configparser" else value
        return
    if _INI.fullmatch(value):
        yield value
    yield f'"""{value}"""'
    yield f"`{value}`"
    yield value


def _properties(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001
    text = value.replace("\\", "\\\\")
    if text[:1] in {" ", "\t"}:
        text = "\\" + text
    if text.endswith(" ") and len(text) > 1:  # what nobody sees, the next editor takes away
        text = text[:-1] + "\\u0020"
    # Java read these files as Latin-1 up to version 8, and Spring does still.
    yield re.sub(r"[^\x20-\x7e]", lambda found: "".join(f"\\u{unit:04x}" for unit in _units(found[0])), text)


def _units(sign: str) -> Iterator[int]:
    data = sign.encode("utf-16-be")
    yield from (int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))


def _of(language: str) -> Literal:
    def one(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001
        from smtpdoctor.formats.code.writing import write

        if kind == "boolean" and value.lower() in {"true", "false"}:  # True, as a `.env` of Python has it
            value = value.lower()
        yield write(value, kind if _typed(value, kind) else "string", language)

    return one


def _rust(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001
    yield value if _typed(value, kind) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _msmtprc(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001
    if value.startswith('"') or value != value.strip():
        yield f'"{value}"'
    else:
        yield value


def _xml(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001
    yield re.sub('[&<>"]', lambda found: _XML[found[0]], value)


def _curlrc(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001
    yield '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bare(value: str, kind: Kind, rules: str) -> Iterator[str]:  # noqa: ARG001
    if value != value.strip():  # an argument of swaks is all that stands behind the first blank
        raise UnwritableError(" ")
    yield value


LITERALS: Final[Mapping[str, Literal]] = {
    "csharp": _of("csharp"),
    "curlrc": _curlrc,
    "dotenv": _dotenv,
    "fields": _bare,
    "go": _of("go"),
    "ini": _ini,
    "java": _of("java"),
    "javascript": _of("javascript"),
    "json": _json,
    "kubernetes": _words_of_yaml,
    "msmtprc": _msmtprc,
    "php": _of("php"),
    "plist": _xml,
    "properties": _properties,
    "python": _of("python"),
    "ruby": _of("ruby"),
    "rust": _rust,
    "swaksrc": _bare,
    "toml": _json,
    "xml": _xml,
    "yaml": _yaml,
}
"""A syntax, and how a value stands in it."""
