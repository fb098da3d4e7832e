"""The probes: one function a stage, ``probe(session) -> StageResult``.

``PROBES`` is the list that the doctor walks; ``plan`` says in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from smtpdoctor.model import Stage, StageResult
from smtpdoctor.probes.session import Session

__all__ = ["PROBES", "Probe", "probe_of"]

Probe = Callable[[Session], StageResult]

# Modules, not functions: a run that ends early imports only what it reaches.
PROBES: Final[Mapping[Stage, str]] = {
    Stage.CONFIG: "config",
    Stage.DNS: "dns",
    Stage.CONNECT: "connect",
    Stage.GREETING: "greeting",
    Stage.TLS: "tls",
    Stage.AUTH: "auth",
    Stage.SENDER: "sender",
    Stage.RECIPIENT: "recipient",
    Stage.SEND: "send",
    Stage.DELIVERY: "delivery",
}


def probe_of(stage: Stage) -> Probe:
    """Return the probe of a stage."""
    found: Probe = import_module(f"smtpdoctor.probes.{PROBES[stage]}").probe
    return found
