"""What a text may stand for: each reading of it, and where in it each character of that comes from."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.masking.views import View, is_text, views
from tests.each import each

NOISE = "\u0298"

# The readings of a text besides itself backwards: what it becomes, and where each character of that stands.
READINGS: dict[str, dict[str, list[tuple[int, int]] | None]] = {
    "plain": {},
    "a b": {"ab": None},
    "a%41%2Fb%u0042": {"aA/bB": [(0, 1), (1, 4), (4, 7), (7, 8), (8, 14)], "a%41/b%u0042": None},
    "%EC%95%88": {"안": [(0, 9)], "%EC9588": None},
    "%ff%fe%41": {"\xff\xfeA": [(0, 3), (3, 6), (6, 9)], "%fffe41": None},
    "=41=\n=42x": {"ABx": [(0, 3), (5, 8), (8, 9)]},
    "=EC=\r\n=95=88=": {"안=": [(0, 12), (12, 13)], "=EC=95=88=": None},
    "=3Dx=41": {"=xA": [(0, 3), (3, 4), (4, 7)], "=x=41": [(0, 3), (3, 4), (4, 5), (5, 6), (6, 7)]},
    "+41+42": {"AB": [(0, 3), (3, 6)]},
    r"\x41\102\n\u0043\u{44}\U00000045\7\q\e": {
        "AB\nCDE\x07q\x1b": [
            *((0, 4), (4, 8), (8, 10), (10, 16), (16, 22), (22, 32), (32, 34), (34, 36), (36, 38))
        ],
        r"\x41102n\u0043\u{44}\U00000045\7qe": None,
        # And as CSS has them.
        "\\x41\u0102\\n\\u0043\\u{44}\\U00000045\x07\\q\x0e": None,
    },
    r"\377\xff": {"\xff\xff": [(0, 4), (4, 8)], r"\377xff": None, "\u0377\\xff": None},
    r"\xec\x95\x88\12": {"안\n": [(0, 12), (12, 15)], r"\xecx95x8812": None, "\\xec\\x95\\x88\x12": None},
    r"\U00110000x": {"x": [(10, 11)], f"\\\1SM5{NOISE}M4{NOISE}\1": None},
    "&lt;&#65;&#x42;&nosuch;&copy": {
        "<AB&nosuch;©": [
            *((0, 4), (4, 9), (9, 15), (15, 16), (16, 17), (17, 18), (18, 19), (19, 20), (20, 21), (21, 22)),
            *((22, 23), (23, 28)),
        ],
        "&lt65;&#x42;&nosuch;&copy": None,
    },
    "535-5.7.8 ab\r\n535 cd": {
        "abcd": [(10, 11), (11, 12), (18, 19), (19, 20)],
        "535-578 ab\r\n535 cd": None,
    },
    "ab\n250-cd": {"abcd": [(0, 1), (1, 2), (7, 8), (8, 9)]},
    "0x41, 0x42": {"AB": [(0, 4), (6, 10)], "0x410x42": None},
    "65, 66, 67, 68, 69": {"ABCDE": [(0, 2), (4, 6), (8, 10), (12, 14), (16, 18)], "6566676869": None},
    "65, 66, 67, 68": {"65666768": None},
    "41:42:43:44:45": {
        "ABCDE": [(0, 2), (3, 5), (6, 8), (9, 11), (12, 14)],
        "4142434445": None,
        ")*+,-": None,
    },
    "65.66.67.68.69": {"ABCDE": [(0, 2), (3, 5), (6, 8), (9, 11), (12, 14)], "6566676869": None},
    "101 102 103 104 105": {
        "ABCDE": [(0, 3), (4, 7), (8, 11), (12, 15), (16, 19)],
        "efghi": None,
        "101102103104105": None,
    },
    "a\x1b[1mb\x1b[0mc": {"abc": [(0, 1), (5, 6), (10, 11)], "a\x1b[1mb0mc": None},
    "xax\bbx\bc": {"xabc": [(0, 1), (1, 2), (4, 5), (7, 8)]},
    r"\x{41}\0102.": {"A\x082.": None, r"\x{41}B.": None},
    "U+0041 U+0042x": {"ABx": [(0, 7), (7, 13), (13, 14)]},
    "&#0000000065;&#x00041;": {"AA": [(0, 13), (13, 22)], "&#\1\0\0\0\0e\1;&#x00041;": None},
    "=\n250-ab=\n250 c": {"abc": [(6, 7), (7, 8), (14, 15)], "=ab=c": None},
    "41-42-43-44": {},
    "\u1107\u1175x": {"비x": [(0, 2), (2, 3)]},
    "aBcD eFgH": {"aBcDeFgH": [(0, 1), (1, 2), (2, 3), (3, 4), (5, 6), (6, 7), (7, 8), (8, 9)]},
    "abcd efgh ij": {"abcdefghij": None},
    "abcd= efgh=": {"abcd=efgh=": None},
    "aBcD xyzw": {"aBcDxyzw": None},
    "abc efgh": {},
    "aBcDe xyz": {"aBcDexyz": None},
    "%41=42": {
        "AB": [(0, 3), (3, 6)],
        "A=42": [(0, 3), (3, 4), (4, 5), (5, 6)],
        "%41B": [(0, 1), (1, 2), (2, 3), (3, 6)],
    },
    "cGFzcyB3b3Jk": {
        "\1pass word\1": [
            *((0, 1), (0, 2), (1, 3), (2, 4), (4, 6), (5, 7), (6, 8), (8, 10), (9, 11), (10, 12), (11, 12))
        ]
    },
    "something cGFzcyB3b3Jk": {"something \1pass word\1": None},
    "xaGVsbG8gd29ybGQh": {"\1hello world!\1": None},
    "<cGFzcyB3b3Jk=>": {"<\1pass word\1>": None},
    "70617373776f7264": {
        "\1password\1": [
            *((0, 1), (0, 2), (2, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14), (14, 16), (15, 16))
        ]
    },
    "MFRGGZDFMZTWQ2LK": {"\1abcdefghij\1": None},
    "QQ==": {},
    "abcdefgh": {},
}


def spans_of(view: View) -> list[tuple[int, int]]:
    """Return where each character of a view comes from."""
    return [next(iter(view.spans([(at, at + 1, False)])))[:2] for at in range(len(view.text))]


@each("text", READINGS)
def test_each_reading_of_a_text(text: str) -> None:
    """All that it may stand for, nothing else, and where that stands."""
    first, *others = views(text, depth=1)
    assert (first.text, spans_of(first)) == (text, [(at, at + 1) for at in range(len(text))])
    found = {one.text: one for one in others if not one.backwards}
    backwards = [one for one in others if one.backwards]
    assert set(found) >= set(READINGS[text])  # numbers may be read in more than one way
    assert [one.text for one in backwards] == ([text[::-1]] if text != text[::-1] else [])
    for one in backwards:
        assert spans_of(one) == [(at, at + 1) for at in reversed(range(len(text)))]
        assert list(one.spans([(0, 2, False)])) == [(len(text) - 2, len(text), False)]
    for shown, spans in READINGS[text].items():
        assert spans is None or spans_of(found[shown]) == spans


@pytest.mark.parametrize("sign", [":", "-", " "])
@given(data=st.text("abcxyzABCXYZ019", min_size=5, max_size=12))
def test_bytes_in_two_digits_each(sign: str, data: str) -> None:
    """Whatever of the usual signs parts them, and each from where its digits stand."""
    text = sign.join(f"{one:02x}" for one in data.encode())
    (found,) = [one for one in views(text, depth=1) if one.text == data]
    assert spans_of(found) == [(3 * at, 3 * at + 2) for at in range(len(data))]


@pytest.mark.parametrize(
    ("data", "sure"),
    [
        (b"\0me\0pass word", True),
        (b"user=me\1auth=Bearer x\1\1", True),
        ("비밀번호 하나".encode(), True),
        (b"\xf0\1\xff\xfepass word\xff\xf1\xf2", False),
    ],
)
def test_encoded_words_are_decoded_surely_or_vaguely(data: bytes, sure: bool) -> None:
    """A word that is a text for sure; of another only what may be said, the rest is a letter that no secret has."""
    text = f"334 {base64.b64encode(data).decode()} x"
    vague = [one.vague for one in views(text) if one.decodes and not one.backwards and "a" in one.text[4:-2]]
    decoded = [one for one in views(text, depth=1) if one.decodes]
    assert [one.vague for one in decoded] == [not sure]
    assert all(one.decoded for one in decoded)
    assert (NOISE in decoded[0].text) is not sure
    assert sure or "pass word" in decoded[0].text
    assert vague[0] is not sure if vague else sure
    # A run of it is of an encoded word; what is beside it is not.
    start = decoded[0].text.index("\1") + 1
    assert next(iter(decoded[0].spans([(start, start + 3, False)])))[2] is True
    assert next(iter(decoded[0].spans([(0, 3, False)]))) == (0, 3, False)
    end = len(decoded[0].text)
    assert next(iter(decoded[0].spans([(end - 1, end, False)]))) == (len(text) - 1, len(text), False)


def test_what_was_encoded_more_than_once() -> None:
    """Views of views reach it, and tell what they went through."""
    twice = base64.b64encode(base64.b64encode(b"pass word")).decode()
    assert any("pass word" in one.text for one in views(twice))
    escaped = "".join(f"%{one:02x}" for one in twice.encode())
    assert any("pass word" in one.text and one.decoded for one in views(escaped))
    parted = f"{twice[:8]} {twice[8:]}"
    assert any("pass word" in one.text and one.glued for one in views(parted))
    assert any("drow ssap"[::-1] in one.text and one.backwards for one in views(twice[::-1]))


@pytest.mark.parametrize("size", [20_000, 20_001])
def test_a_long_text_has_few_readings(size: int) -> None:
    """With its escapes read, and its words decoded: what is longer than people say is not read backwards."""
    text = ("%41 cGFzcyB3b3Jk " * 2_000)[:size]
    found = list(views(text, depth=1))
    assert any(one.backwards for one in found) is (size == 20_000)
    assert any("A cGFz" in one.text for one in found)
    assert any("\1pass word\1" in one.text for one in found)


@each(
    ("data", "text"),
    [
        (b"pass word", True), (b"a\0b\1c\t\r\n", True), (b"a\2b", False), (b"", True), ("비밀".encode(), True),
        ("a\u200bb".encode(), True), ("a\u0085b".encode(), False), (b"\xff", False), (b"\x7f", False),
    ],
)  # fmt: skip
def test_what_is_a_text(data: bytes, text: bool) -> None:
    """What may be said, and what stands between the parts of a login."""
    assert is_text(data) is text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_no_reading_points_outside(text: str) -> None:
    """Whatever a text holds: each character of each reading comes from somewhere in it."""
    for view in views(text, depth=2):
        for start, end, _ in view.spans([(at, at + 1, False) for at in range(len(view.text))]):
            assert 0 <= start < end <= len(text)
