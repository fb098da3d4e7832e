"""The public Python API behind ``smtpdoctor.check`` and ``smtpdoctor.explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpdoctor.model import Finding, Report, Settings, Stage
from smtpdoctor.plan import UNTIL
from smtpdoctor.settings.resolve import Loaded

if TYPE_CHECKING:
    from smtpdoctor.doctor import Observer

__all__ = ["check", "explain"]


def check(
    settings: Settings,
    *,
    until: str = "sender",
    ca_file: str | None = None,
    timeout: float = 10.0,
    deadline: float = 60.0,
    observer: Observer | None = None,
) -> Report:
    """Run the stages against the server of the settings.

    ``until`` is the last stage: dns, connect, tls, auth, sender, recipient, send. The last two need
    ``settings.recipient``, and only ``send`` sends a message. ``timeout`` (each stage) and
    ``deadline`` (the whole run) are in seconds. What a server does never raises; ValueError is for
    arguments that make no sense.
    """
    from smtpdoctor import doctor
    from smtpdoctor.probes.session import Options

    if until not in UNTIL:
        msg = f"until must be one of {', '.join(UNTIL)}, not {until!r}"
        raise ValueError(msg)
    last = UNTIL[until]
    if last in {Stage.RECIPIENT, Stage.SEND} and settings.recipient is None:
        msg = f"until={until!r} needs settings.recipient"
        raise ValueError(msg)
    options = Options(until=last, ca_file=ca_file, timeout=timeout, deadline=deadline)
    return doctor.check(Loaded(settings, ()), options, observer)


def explain(text: str, *, preset: str | None = None) -> tuple[Finding, ...]:
    """Name the causes behind an error text or a log, the gravest first; empty where there is no mail failure.

    ``preset`` is the id of the provider, where it is known.
    """
    from smtpdoctor.explain import explain_text

    return tuple(one.finding for one in explain_text(text, provider=preset))
