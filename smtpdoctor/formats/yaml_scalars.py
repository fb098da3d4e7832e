"""What readers of YAML take a scalar for, and how a value is written so that it is read back as it was.

The same text is another value for another reader: ``yes`` is true for SnakeYAML, Psych and PyYAML (YAML 1.1)
and a word for Go and JavaScript (1.2); ``0123`` is 83 for all but JavaScript; ``1e3`` is a number for all but
PyYAML and Psych. ``RULES`` says whose rules hold; without a name only what all agree on has a type.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from smtpdoctor.formats.document import Kind
from smtpdoctor.formats.dotenv import UnwritableError
from smtpdoctor.formats.yaml_nodes import Scalar

__all__ = ["RULES", "Rules", "Style", "resolved", "write"]

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_TRUE_11: Final = _TRUE | {"yes", "Yes", "YES", "on", "On", "ON"}
_FALSE_11: Final = _FALSE | {"no", "No", "NO", "off", "Off", "OFF"}
_SHORT: Final = frozenset({"y", "Y", "n", "N"})
_DECIMAL: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_ANY_NUMBER: Final = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO]?[0-7_,]+|0[bB][01_]+|\.?[0-9][0-9_,.]*(?:[eE][-+]?[0-9_]+)?|\.[iI](?:nf|NF))"
    r"|\.(?:nan|NaN|NAN)|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9].*)?")
_NOT_A_NUMBER: Final = frozenset({".nan", ".NaN", ".NAN"})

Typed = tuple[Kind, str]


def _shortest(number: float) -> tuple[str, str, int]:
    """Return sign, digits and the exponent of the first digit of the shortest text for a number."""
    digits, _, exponent = f"{abs(number):.16e}".partition("e")
    for places in range(17):
        digits, _, exponent = f"{abs(number):.{places}e}".partition("e")
        if float(f"{digits}e{exponent}") == abs(number):
            break
    return "-" if math.copysign(1, number) < 0 else "", digits.replace(".", ""), int(exponent)


def _decimal(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    rest = digits[exponent + 1 :]
    return f"{whole}.{rest}" if rest else whole


def _printed(number: float, *, least: int, most: int, wide: str) -> str:
    """Return a number as a language prints it: with an exponent below ``least`` and from ``most`` on."""
    sign, digits, exponent = _shortest(number)
    digits = digits.rstrip("0") or "0"
    if least <= exponent < most:
        return sign + _decimal(digits, exponent)
    point = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}e{'-' if exponent < 0 else '+'}{abs(exponent):{wide}}"


def _go_float(number: float) -> str:
    """As fmt.Sprint of Go prints a float64."""
    return _printed(number, least=-4, most=21 if number == 0 else 6, wide="02d")


def _go_int(text: str) -> int | None:
    """As strconv.ParseInt(text, 0, 64) does it, blanks of ``_`` removed; None where it is no integer."""
    plain = text.replace("_", "")
    found = re.fullmatch(
        r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|(0|[1-9][0-9]*))", plain
    )
    if found is None:
        return None
    sign, hexadecimal, binary, octal, old, decimal = found.groups()
    for digits, base in ((hexadecimal, 16), (binary, 2), (octal, 8), (old, 8)):
        if digits is not None:
            number = int(digits, base) if len(digits) < 70 else 1 << 70  # noqa: PLR2004 - more than 64 bits
            break
    else:
        number = int(decimal) if len(decimal) < 25 else 1 << 70  # noqa: PLR2004
    number = -number if sign == "-" else number
    return number if -(1 << 63) <= number < 1 << 64 else None


def _float(text: str) -> float:
    return float(text.replace("_", ""))


def _go(text: str) -> Typed | None:
    if text[0] in "+-.0123456789":
        if _DATE.fullmatch(text):
            return "unknown", text
        number = _go_int(text)
        if number is not None:
            return "number", str(number)
        plain = text if text[0] == "." else text.replace("_", "")
        if re.fullmatch(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", plain):
            value = float(plain)
            return None if math.isinf(value) else ("number", _go_float(value))
        if re.fullmatch(r"[-+]?\.(?:inf|Inf|INF)", text):
            return "number", "-Inf" if text[0] == "-" else "+Inf"
        if text in _NOT_A_NUMBER:
            return "number", "NaN"
    return None


def _sixties(text: str) -> int:
    total = 0
    for part in text.lstrip("+-").replace("_", "").split(":"):
        total = total * 60 + int(part)
    return -total if text.startswith("-") else total


def _old_int(text: str) -> int | None:
    """YAML 1.1: 0123 is octal, 1:30 is ninety."""
    plain = text.replace("_", "")
    sign = -1 if plain.startswith("-") else 1
    digits = plain.lstrip("+-")
    if len(digits) > 4000:  # noqa: PLR2004 - int() of Python has a limit of its own
        return None
    if re.fullmatch(r"[-+]?0b[01_]+", text):
        return sign * int(digits[2:] or "0", 2)
    if re.fullmatch(r"[-+]?0x[0-9a-fA-F_]+", text):
        return sign * int(digits[2:] or "0", 16)
    if re.fullmatch(r"[-+]?0[0-7_]+", text):
        return sign * int(digits, 8)
    if re.fullmatch(r"[-+]?(?:0|[1-9][0-9_]*)", text):
        return sign * int(digits)
    if re.fullmatch(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+", text):
        return _sixties(text)
    return None


def _snakeyaml(text: str) -> Typed | None:
    if _DATE.fullmatch(text):
        return "unknown", text  # a java.util.Date
    number = _old_int(text)
    if number is not None:
        return "number", str(number)
    if re.fullmatch(
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?",
        text,
    ):
        return "number", _java_float(_float(text))
    if re.fullmatch(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*", text):
        whole, _, rest = text.partition(".")
        return "number", _java_float(float(_sixties(whole)) + _float(f"0.{rest}0"))
    if re.fullmatch(r"[-+]?\.(?:inf|Inf|INF)", text):
        return "number", "-Infinity" if text[0] == "-" else "Infinity"
    return ("number", "NaN") if text in _NOT_A_NUMBER else None


def _java_float(number: float) -> str:
    """As Double.toString of Java."""
    if math.isinf(number):
        return "-Infinity" if number < 0 else "Infinity"
    sign, digits, exponent = _shortest(number)
    digits = digits.rstrip("0") or "0"
    if number == 0 or -3 <= exponent < 7:  # noqa: PLR2004 - from 10^-3 to 10^7
        text = _decimal(digits, exponent)
        return sign + (text if "." in text else f"{text}.0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def _pyyaml(text: str) -> Typed | None:
    if _DATE.fullmatch(text):
        return "unknown", text
    number = _old_int(text)
    if number is not None:
        return "number", str(number)
    if re.fullmatch(r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?", text):
        return "number", repr(_float(text))
    if re.fullmatch(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*", text):
        whole, _, rest = text.partition(".")
        return "number", repr(float(_sixties(whole)) + _float(f"0.{rest}0"))
    if re.fullmatch(r"[-+]?\.(?:inf|Inf|INF)", text):
        return "number", "-inf" if text[0] == "-" else "inf"
    if text in _NOT_A_NUMBER:
        return "number", "nan"
    return None


def _ruby_float(number: float) -> str:
    digits, sign, exponent = repr(number).partition("e")
    return digits + (".0" if sign and "." not in digits else "") + sign + exponent


def _psych(text: str) -> Typed | None:
    if _DATE.fullmatch(text):
        return "unknown", text
    if text.startswith(":") and len(text) > 1:
        return "string", text[1:]
    plain = text.replace(",", "")
    if re.fullmatch(
        r"[-+]?(?:0[0-7_,]+|0|[1-9](?:[0-9]|,[0-9]|_[0-9])*|0x[_,]*[0-9a-fA-F][0-9a-fA-F_,]*|0b[01_,]+)", text
    ):
        number = _old_int(plain)
        if number is not None:
            return "number", str(number)
    if re.fullmatch(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}(?:\.[0-9_]*)?", text):
        point = "." in text
        parts = [float(part) if point else int(part) for part in text.replace("_", "").split(":")]
        number = sum(part * 60 ** (2 - place) for place, part in enumerate(parts))  # hours come first
        return "number", _ruby_float(number) if isinstance(number, float) else str(number)
    if re.fullmatch(r"[-+]?\.(?:inf|Inf|INF)", text):
        return "number", "-Infinity" if text[0] == "-" else "Infinity"
    if text in _NOT_A_NUMBER:
        return "number", "NaN"
    if re.fullmatch(r"[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][-+][0-9]+)?", text) and re.search("[0-9]", text):
        try:
            return "number", _ruby_float(_float(plain))
        except ValueError:
            return None
    return None


def _js_float(number: float) -> str:
    if math.isinf(number):
        return "-Infinity" if number < 0 else "Infinity"
    return _printed(number, least=-7 + 1, most=21, wide="d")


def _js(text: str) -> Typed | None:
    plain = text.replace("_", "")
    found = re.fullmatch(r"([-+]?)(?:0x([0-9a-fA-F]+)|0o([0-7]+)|0b([01]+)|([0-9]+))", plain)
    if found and not text.endswith("_") and not text.startswith("_"):
        sign, *bases = found.groups()
        for digits, base in zip(bases, (16, 8, 2, 10), strict=True):
            if digits is not None and len(digits) < 300:  # noqa: PLR2004 - a double ends there
                number = int(digits, base)
                value = number if number < 1 << 53 else int(float(number))
                return "number", str(-value if sign == "-" else value)
    if re.fullmatch(
        r"[-+]?(?:[0-9][0-9_]*)(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?", text
    ):
        return "number", _js_float(_float(text))
    return None


def _agreed(text: str) -> Typed | None:
    """Take for a number what every reader takes for the same one."""
    return ("number", text) if _DECIMAL.fullmatch(text) and text[0] != "+" else None


class Rules(Struct, frozen=True):
    """How a reader types what is not quoted.

    ``unsure``: words that others read otherwise stay words. ``placeholders``: who replaces ``${A}`` in values:
    ``spring``, nobody (``""``), or it is not known (``?``). ``twice``: a key may come twice, and the last counts.
    ``fold``: true and false in any case.
    """

    true: frozenset[str]
    false: frozenset[str]
    number: Callable[[str], Typed | None]
    unsure: bool = False
    placeholders: Literal["", "spring", "?"] = ""
    twice: bool = False
    fold: bool = False


RULES: Final[dict[str, Rules]] = {
    "": Rules(_TRUE, _FALSE, _agreed, unsure=True, placeholders="?", twice=True),
    # A field of a Go struct has its type: a string keeps its text, whatever it looks like.
    "go": Rules(_TRUE, _FALSE, _agreed, unsure=True),
    "compose": Rules(_TRUE, _FALSE, _go),  # yaml.v3 without types, then fmt.Sprint
    "kubernetes": Rules(_TRUE_11 | {"y", "Y"}, _FALSE_11 | {"n", "N"}, _go, twice=True),  # yaml.v2
    "spring": Rules(_TRUE_11, _FALSE_11, _snakeyaml, placeholders="spring"),
    "snakeyaml": Rules(_TRUE_11, _FALSE_11, _snakeyaml),
    "psych": Rules(_TRUE_11, _FALSE_11, _psych, twice=True, fold=True),
    "pyyaml": Rules(_TRUE_11, _FALSE_11, _pyyaml, twice=True),
    "js": Rules(_TRUE, _FALSE, _js),
}


def resolved(node: Scalar, rules: Rules, text: str | None = None) -> tuple[Kind, str | None, bool]:
    """Return kind and value of a scalar for a reader, and whether the value is another text than its author's."""
    text = node.value if text is None else text
    if node.style or node.tag in {"!", "!!str"}:
        return "string", text, False
    if text in _NULL:
        return "null", None, False
    plain = text.lower() if rules.fold else text
    if plain in rules.true or plain in rules.false:
        word = "true" if plain in rules.true else "false"
        return "boolean", word, word != text and text.lower() != word
    typed = rules.number(text)
    if typed is not None:
        return typed[0], typed[1], typed[1] != text
    if rules.unsure and (text in _TRUE_11 | _FALSE_11 | _SHORT or _ANY_NUMBER.fullmatch(text)):
        return "word", text, False
    return "string", text, False


# Writing

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+=-]*(?::[A-Za-z0-9_./@+=-]+)*")
_ESCAPES: Final = {
    "\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", "\x1b": "\\e",
}  # fmt: skip
_ESCAPED: Final = re.compile(
    '[\\\\"\x00-\x1f\x7f-\xa0\xad\u2028\u2029\ufeff\ud800-\udfff\ue000-\uf8ff\ufffe\uffff]'
)
_OTHER_THAN_PLAIN: Final = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u2028\u2029\ufeff\ud800-\udfff\ue000-\uf8ff\ufffe\uffff]"
)


_FLAGS: Final = ("base64", "dollars", "string", "behind", "braces")


class Style(Struct, frozen=True):
    """How a value stands where it is: what ``write`` has to keep.

    ``quote`` is ``""`` or a quotation mark; ``name`` that of an item ``NAME=value``; ``base64`` of a Secret;
    ``dollars`` are doubled (Compose); ``string``: it must stay a string whatever it looks like (Kubernetes). ``behind``: nothing stands there yet,
    not even the blank behind the colon. ``braces``: what is in ``${}`` is replaced, and cannot be said.
    """

    quote: str = ""
    name: str = ""
    base64: bool = False
    dollars: bool = False
    string: bool = False
    behind: bool = False
    braces: bool = False

    def __str__(self) -> str:
        flags = [word for word in _FLAGS if getattr(self, word)]
        named = [f"name={self.name}"] if self.name else []
        return " ".join(["yaml", {"": "plain", "'": "single", '"': "double"}[self.quote], *flags, *named])

    @classmethod
    def of(cls, text: str) -> Style:
        """Return a style from its name; raises ValueError for one that is none."""
        head, _, name = text.partition(" name=")
        words = head.split(" ")
        quotes = {"plain": "", "single": "'", "double": '"'}
        if len(words) < 2 or words[0] != "yaml" or words[1] not in quotes:  # noqa: PLR2004
            raise ValueError(text)
        return cls(quotes[words[1]], name, **{word: True for word in words[2:] if word in _FLAGS})


def _double(value: str) -> str:
    def escape(found: re.Match[str]) -> str:
        sign = found[0]
        if sign in _ESCAPES:
            return _ESCAPES[sign]
        code = ord(sign)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004

    # A template would be taken for one; {{ and <% must not stand there as they are.
    text = _ESCAPED.sub(escape, value)
    return '"' + text.replace("{{", "{\\x7b").replace("{%", "{\\x25").replace("<%", "<\\x25") + '"'


def write(value: str, style: str) -> str:
    """Return the text that stands for a value where the style is this, so that it is read back as it is.

    Raises UnwritableError for what cannot be said there, and ValueError for a style of another syntax.
    """
    how = Style.of(style)
    if how.braces and "${" in value:
        raise UnwritableError("${")
    if how.base64:
        value = base64.b64encode(value.encode("utf-8", "surrogateescape")).decode("ascii")
    if how.dollars:
        value = value.replace("$", "$$")
    if how.name and how.string and len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = f'"{value}"'  # Kustomize takes one pair of quotes away
    if how.name:
        value = f"{how.name}={value}"
    return f" {_quoted(value, how)}" if how.behind else _quoted(value, how)


def _quoted(value: str, how: Style) -> str:
    template = any(opening in value for opening in ("{{", "{%", "<%"))
    if template or how.quote == '"' or _OTHER_THAN_PLAIN.search(value):
        return _double(value)
    if not how.quote and _PLAIN.fullmatch(value) and _reads_back(value, string=how.string):
        return value
    return "'" + value.replace("'", "''") + "'"


def _reads_back(value: str, *, string: bool) -> bool:
    """Whether a plain scalar is this text for every reader."""
    if value in {"true", "false"} or (_DECIMAL.fullmatch(value) and value[0] != "+" and value != "-0"):
        return not string
    return not (
        value in _NULL | _TRUE | _FALSE | _TRUE_11 | _FALSE_11 | _SHORT
        or value.lower() in {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
        or _ANY_NUMBER.fullmatch(value)
        or _DATE.fullmatch(value)
        or value.startswith(("---", "..."))
        or value == "="
    )
