"""Characters that look like a letter or digit of ASCII, or are one in another form: а (Cyrillic) → a, ᴀ → a, 🇦 → a."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["plain_letter"]

# What Unicode itself does not call a form of the same letter (compare UTS 39, confusables).
_SIMILAR: Final = {
    ord(one): plain
    for plain, others in {
        "a": "аАαΑ", "b": "ЬьВΒβƅ", "c": "сСϲϹⅽ", "d": "ԁꓓ", "e": "еЕΕҽ℮", "f": "ϝϜքƒ", "g": "ɡԌց", "h": "һНΗհ",
        "i": "іІιΙı", "j": "јЈϳ", "k": "кКκΚ", "l": "ⅼӀӏ", "m": "мМΜ", "n": "ոпΝ", "o": "оОοΟօՕ", "p": "рРρΡ",
        "q": "ԛգ", "r": "гᴦ", "s": "ѕЅՏ", "t": "тТτΤ", "u": "υսԱ", "v": "νѵѴ", "w": "ԝԜѡω", "x": "хХχΧ",
        "y": "уУγΥүҮ", "z": "ΖᴢΖ", "3": "ЗзӠ", "6": "б", "8": "Ȣ", "7": "𐓒",
    }.items()
    for one in others
}  # fmt: skip
_NAMED: Final = ("LATIN", "REGIONAL INDICATOR", "MODIFIER LETTER")
_TAGS: Final = range(0xE0021, 0xE007F)  # characters of ASCII that nobody sees
_BRAILLE: Final = range(0x2821, 0x287F)  # dots that are the bits of a byte


def plain_letter(one: str) -> str:
    """Return the letter or digit of ASCII that a character stands for, in small; itself where there is none."""
    point = ord(one)
    if point in _SIMILAR:
        return _SIMILAR[point]
    if point in _TAGS or point in _BRAILLE:
        return chr(point & 0x7F).lower()
    name = unicodedata.name(one, "")
    if not any(one in name for one in _NAMED):
        return one
    letter = name.partition(" WITH ")[0].rpartition(" ")[2]
    return letter.lower() if len(letter) == 1 else one
