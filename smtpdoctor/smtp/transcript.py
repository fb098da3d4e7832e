"""Records the dialogue; what is secret is masked here, when a turn is recorded."""

from __future__ import annotations

import re
import time
from typing import Final, Literal

from msgspec.structs import replace

from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.masking.words import decode
from smtpdoctor.model import Secret, Turn
from smtpdoctor.smtp.reply import Reply

__all__ = ["Transcript"]

_MAX_TURNS: Final = 2_000  # an endless server must not fill the memory
_MAX_TEXT: Final = 2_000
_ONE_MASK: Final = re.compile(rf"{re.escape(Secret.MASK)}(?: {re.escape(Secret.MASK)})+")


class Transcript:
    """The turns of one run, in order, with the seconds since its start."""

    def __init__(self, redact: Redactor | None = None) -> None:
        self.redact = redact or Redactor()
        self.turns: list[Turn] = []
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start of the run."""
        return time.monotonic() - self._start

    def record(self, direction: Literal["in", "out", "note"], text: str, *, encrypted: bool = False) -> bool:
        """Append one turn; a text of several lines becomes several turns, masked before it is split.

        Returns whether something is masked in it.
        """
        lines = self.redact.lines(text)
        for line in lines[: max(_MAX_TURNS - len(self.turns), 0)]:
            shown = line if len(line) <= _MAX_TEXT else f"{line[:_MAX_TEXT]}…"
            self.turns.append(Turn(self.seconds, direction, encrypted, shown))
        return any(Secret.MASK in line for line in lines)

    def record_received(self, data: bytes, *, encrypted: bool = False) -> bool:
        """Append what came from the wire as it came, one turn a line: decoded, masked, made printable.

        Returns whether something is masked in it.
        """
        data = data.removesuffix(b"\n")
        # Each line is decoded by itself, as a reply's are: one of them may be of another code page.
        text = data.decode() if data.isascii() else "\n".join(map(decode, data.split(b"\n")))
        return self.record("in", text, encrypted=encrypted)

    def record_reply(self, reply: Reply, raw: bytes, *, encrypted: bool = False) -> None:
        """Append a whole reply. What is masked of it here is not to be shown where its lines are told as one text."""
        masked = self.record_received(raw, encrypted=encrypted)
        if masked and len(reply.lines) > 1:
            shown = tuple(self.redact.together(reply.lines))
            self.redact.learn(reply.text, _ONE_MASK.sub(Secret.MASK, replace(reply, lines=shown).text))
