"""Reads a password from standard input."""

from __future__ import annotations

import sys
from typing import Final

from smtpdoctor.errors import UsageError
from smtpdoctor.model import Message
from smtpdoctor.settings.read import LONGEST

__all__ = ["password_on_stdin"]

_MARK_AND_END: Final = 5  # bytes that are none of the password


def password_on_stdin(flag: str) -> str:
    """Return what stands there, less the line end that ``echo`` and editors add, as a file of it is read.

    Read as bytes: text would come with its carriage returns changed. Raises UsageError for what is
    no text, and for more than a password can be.
    """
    values: dict[str, object] = {"flag": flag}
    most = LONGEST + _MARK_AND_END
    try:
        data = sys.stdin.buffer.read(most + 1)
    except OSError as error:
        values |= {"file": sys.stdin.name, "reason": error.strerror or "?"}
        raise UsageError(Message("usage.file.unreadable", values)) from error
    if len(data) > most:
        raise UsageError(Message("usage.setting.long", {"what": flag, "most": LONGEST}))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(Message("usage.password.encoding", values)) from error
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text
