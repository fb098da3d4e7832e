"""How a host and port are written together: what to dial instead of them, as ``--connect-to`` takes it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["endpoints_in"]

_HIGHEST_PORT: Final = 65_535  # RFC 9293


def endpoints_in(text: str) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """Return a host and port, and those to dial instead, of ``HOST:PORT:ADDR:PORT`` as curl has it; None: not such.

    An IPv6 address stands in brackets.
    """
    part = r"(\[[^\]]+\]|[^:\[\]]+)"
    found = re.fullmatch(rf"{part}:(\d{{1,5}}):{part}:(\d{{1,5}})", text, re.ASCII)
    if found is None:
        return None
    name, port, address, other = found.groups()
    if not all(0 < int(number) <= _HIGHEST_PORT for number in (port, other)):
        return None
    return (name.strip("[]"), int(port)), (address.strip("[]"), int(other))
