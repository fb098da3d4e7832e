"""Words that are whole numbers of a large base, and data that were compressed before they were encoded."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Final

__all__ = ["inflated", "renumbered"]

_MOST: Final = 65_536  # bytes that come of compressed ones
_ONLY_BLOCK: Final = frozenset({3, 5})  # the last one, compressed (RFC 1951 section 3.2.3)
_MEMORY: Final = 1 << 26
_LEAST: Final = 5  # bytes that say something
_LONGEST: Final = 1_000  # characters of a number
_BTC: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_FLICKR: Final = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_UPPER_FIRST: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOWER_FIRST: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASES: Final = tuple(
    {ord(one): value for value, one in enumerate(base)}
    for base in (_BTC, _FLICKR, _UPPER_FIRST, _LOWER_FIRST)
)


@lru_cache(512)  # servers say the same words again and again
def renumbered(word: bytes) -> tuple[bytes, ...]:
    """Return the bytes of a text that a word may be as a number in base 10, 36, 58 or 62."""
    if len(word) > _LONGEST or not word.isalnum() or (word.isalpha() and (word.isupper() or word.islower())):
        return ()
    found = (value.to_bytes((value.bit_length() + 7) // 8) for value in _values(word))
    return tuple(data for data in found if len(data) >= _LEAST)


def _values(word: bytes) -> Iterator[int]:
    if word.isdigit():
        yield int(word)
        return
    yield int(word, 36)
    for base in _BASES:
        value = 0
        for one in word:
            number = base.get(one)
            if number is None:
                break
            value = value * len(base) + number
        else:
            yield value


def inflated(data: bytes) -> bytes:
    """Return what data are the compressed form of, b"" where they are none; no more than can be looked through."""
    bits = 0
    if data[:2] == b"\x1f\x8b" or (data[:1] == b"\x78" and int.from_bytes(data[:2]) % 31 == 0):
        bits = 47
    elif data[:3] == b"BZh":
        from bz2 import BZ2Decompressor

        with suppress(OSError, ValueError):
            return BZ2Decompressor().decompress(data, _MOST)
        return b""
    elif data[:5] == b"\xfd7zXZ":
        from lzma import LZMADecompressor, LZMAError

        with suppress(LZMAError):
            return LZMADecompressor(memlimit=_MEMORY).decompress(data, _MOST)
        return b""
    elif data[:1] and data[0] & 7 in _ONLY_BLOCK:
        bits = -15  # without a head: then it has to be whole
    if not bits:
        return b""
    unpacker = zlib.decompressobj(bits)
    with suppress(zlib.error):
        found = unpacker.decompress(data, _MOST)
        if bits > 0 or (unpacker.eof and not unpacker.unused_data):
            return found
    return b""
