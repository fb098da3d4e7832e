"""What several runs know together of a login that they share: one that was refused is sent by no other.

An account is locked by a few wrong logins, whoever of the runs sends them. So the first run sends it alone; once
it is accepted all send it side by side, and once it is refused none does any more.
"""

from __future__ import annotations

import threading
import time
from typing import Literal

from msgspec import Struct

from smtpdoctor.model import Evidence

__all__ = ["Outcome", "Refusal", "SharedLogin", "Turn"]

Outcome = Literal["accepted", "open"] | Evidence
"""What became of a login: the evidence of the refusal, and ``open`` where nobody has said anything to it."""


class Refusal(Struct, frozen=True):
    """A login that was refused: the name of the run that has sent it, and what the server said."""

    name: str
    evidence: Evidence


class SharedLogin:
    """The state of one login at one server, for runs on any threads; it does not hold the login itself."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._left: list[bool] = []
        self._accepted = False
        self._refused: Refusal | None = None
        self._trying = False

    def turn(self, name: str) -> Turn:
        """Return the part of one more run, ``name``; the earlier one goes first."""
        self._left.append(False)
        return Turn(self, len(self._left) - 1, name)

    def take(self, number: int, patience: float) -> Refusal | None:
        """Wait until it may be sent, or return why it may not.

        Runs before this one go first, as long as that takes ``patience`` seconds at most: so the report does not
        depend on chance. One that sends it at this moment is waited for in any case.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_settled or self._is_next(number), patience)
            self._changed.wait_for(lambda: self._is_settled or not self._trying)
            if self._refused is None and not self._accepted:
                self._trying = True
            return self._refused

    def settle(self, name: str, outcome: Outcome) -> None:
        """Take note of what became of the login that was taken."""
        with self._changed:
            self._trying = False
            if isinstance(outcome, Evidence):
                self._refused = self._refused or Refusal(name, outcome)
            self._accepted |= outcome == "accepted"
            self._changed.notify_all()

    def leave(self, number: int) -> None:
        """Take note that a run has ended and will send nothing more."""
        with self._changed:
            self._left[number] = True
            self._changed.notify_all()

    @property
    def _is_settled(self) -> bool:
        return self._accepted or self._refused is not None

    def _is_next(self, number: int) -> bool:
        return not self._trying and all(self._left[:number])


class Turn(Struct, frozen=True):
    """The part that one run has in a login that several share."""

    shared: SharedLogin
    number: int
    name: str

    def take(self, patience: float) -> tuple[Refusal | None, float]:
        """Wait until it may be sent; return why it may not, and the seconds waited."""
        began = time.monotonic()
        return self.shared.take(self.number, patience), time.monotonic() - began

    def settle(self, outcome: Outcome) -> None:
        """Say what became of it; to be called once for each ``take`` without a refusal."""
        self.shared.settle(self.name, outcome)

    def leave(self) -> None:
        """Say that the run has ended."""
        self.shared.leave(self.number)
