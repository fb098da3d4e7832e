"""Which stages a run goes through, in which order: a pure function of the settings."""

from __future__ import annotations

from typing import Final

from smtpdoctor.model import Security, Stage

__all__ = ["UNTIL", "stages_for"]

# What `--until` takes, and the stage that it ends with.
UNTIL: Final = {
    "dns": Stage.DNS,
    "connect": Stage.CONNECT,
    "tls": Stage.TLS,
    "auth": Stage.AUTH,
    "sender": Stage.SENDER,
    "recipient": Stage.RECIPIENT,
    "send": Stage.SEND,
}


def stages_for(security: Security, until: Stage) -> tuple[Stage, ...]:
    """Return the stages in the order in which they run; implicit TLS comes before the greeting (RFC 8314)."""
    opening = (Stage.CONFIG, Stage.DNS, Stage.CONNECT)
    dialogue = (Stage.TLS, Stage.GREETING) if security is Security.TLS else (Stage.GREETING, Stage.TLS)
    closing = (Stage.AUTH, Stage.SENDER, Stage.RECIPIENT, Stage.SEND)
    stages = (*opening, *dialogue, *closing)
    if until is Stage.TLS:
        return (*opening, *dialogue)  # with STARTTLS the greeting is on the way; without, it proves the TLS
    end = stages.index(until)
    return (*stages, Stage.DELIVERY) if until is Stage.SEND else stages[: end + 1]
