"""The probes: one function a stage, ``step(session)``, which returns Passed or Skipped, or raises Failed.

A DialogueError may escape a step: the doctor makes evidence of it (``broken``), for all stages alike.
``STEPS`` is the list that the doctor walks; ``plan`` says in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from smtpdoctor.model import Stage
from smtpdoctor.probes.session import Passed, Session, Skipped

__all__ = ["STEPS", "Step", "step_of"]

Step = Callable[[Session], Passed | Skipped]

# Modules, not functions: a run that ends early imports only what it reaches.
STEPS: Final[Mapping[Stage, str]] = {
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


def step_of(stage: Stage) -> Step:
    """Return the step of a stage."""
    found: Step = import_module(f"smtpdoctor.probes.{STEPS[stage]}").step
    return found
