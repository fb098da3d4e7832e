"""What an application would do where the doctor stops, or goes on: told beside what was seen.

The doctor itself trusts no certificate that is not in order and sends no login unprotected. What the
application would put up with is worth a sentence of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.facts import TlsFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Stage
from smtpdoctor.settings.target import Conduct

__all__ = ["held_against"]

_CLEAR: Final = frozenset({Label.CLEARTEXT, Label.CLEARTEXT_ALLOWED})


def held_against(
    conduct: Conduct, evidence: tuple[Evidence, ...], facts: Struct | None
) -> tuple[Evidence, ...]:
    """Return evidence with what the application would do, as the facts ``app_name`` and ``app_does``."""
    return tuple(_told(conduct, one, facts) for one in evidence)


def _told(conduct: Conduct, one: Evidence, facts: Struct | None) -> Evidence:
    does = " ".join(_does(conduct, one, facts))
    if not does:
        return one
    told = {"app_name": conduct.name, "app_does": does}
    if conduct.timeout is not None:
        told["app_seconds"] = f"{conduct.timeout:g}"
    return replace(one, facts={**one.facts, **told})


def _does(conduct: Conduct, one: Evidence, facts: Struct | None) -> Iterator[str]:
    if one.stage is Stage.TLS and isinstance(facts, TlsFacts):
        chain = "bad" in {facts.trust, facts.dates}
        bad = chain or facts.name == "bad"
        if bad and (conduct.verifies is False or (not chain and conduct.checks_name is False)):
            yield "accepts"
    if one.stage is Stage.AUTH and one.labels & _CLEAR:
        yield "sends-in-clear" if conduct.clear_login else "refuses-clear"
    if one.error == "timeout" and conduct.timeout is not None:
        yield "waits"
