"""The public Python API: what ``from smtpdoctor import …`` gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from smtpdoctor.errors import UsageError
from smtpdoctor.model import Finding, Lang, Report, Settings, Stage
from smtpdoctor.plan import UNTIL
from smtpdoctor.settings.resolve import Loaded, completed
from smtpdoctor.settings.target import ConnectTo, refuse_astray
from smtpdoctor.text import say

if TYPE_CHECKING:
    from smtpdoctor.doctor import Observer
    from smtpdoctor.report.view import View

__all__ = ["check", "explain", "lint", "words"]


def _loaded(settings: Settings, connect_to: ConnectTo | None = None) -> Loaded:
    try:
        found = completed(settings)
        refuse_astray(connect_to or {}, found)
    except UsageError as error:
        raise ValueError(say("en", error.message)) from None
    return Loaded(found, ())


def check(  # noqa: PLR0913 -- one for each option of the command
    settings: Settings,
    *,
    until: str | None = None,
    ca_file: str | None = None,
    timeout: float = 10.0,
    deadline: float = 60.0,
    resolver: tuple[str, int] | None = None,
    connect_to: Mapping[tuple[str, int], tuple[str, int]] | None = None,
    family: Literal[4, 6] | None = None,
    allow_cleartext_auth: bool = False,
    strict: bool = False,
    observer: Observer | None = None,
) -> Report:
    """Run the stages against the server of the settings.

    ``until`` is the last stage: dns, connect, tls, auth, sender, recipient, send; by default sender,
    or send where ``settings.recipient`` is given, and only ``send`` sends a message. ``timeout`` (each
    stage) and ``deadline`` (the whole run) are in seconds. ``resolver`` is the address and port of a
    name server, ``connect_to`` maps a host and port to those to dial instead (one of them must be those of the
    settings), ``family`` leaves one IP version out. What a server does never raises; ValueError is for arguments that make no sense.
    """
    from smtpdoctor import doctor
    from smtpdoctor.probes.session import Options

    if until is None:
        until = "sender" if settings.recipient is None else "send"
    if until not in UNTIL:
        msg = f"until must be one of {', '.join(UNTIL)}, not {until!r}"
        raise ValueError(msg)
    last = UNTIL[until]
    if last in {Stage.RECIPIENT, Stage.SEND} and settings.recipient is None:
        msg = f"until={until!r} needs settings.recipient"
        raise ValueError(msg)
    options = Options(
        until=last,
        ca_file=ca_file,
        timeout=timeout,
        deadline=deadline,
        resolver=resolver,
        connect_to=connect_to or {},
        family=family,
        allow_cleartext_auth=allow_cleartext_auth,
    )
    return doctor.check(_loaded(settings, connect_to), options, observer, strict=strict)


def lint(settings: Settings, *, strict: bool = False) -> Report:
    """Judge the settings themselves; nothing is sent, not even a DNS query. ValueError as in ``check``."""
    from smtpdoctor import doctor

    return doctor.lint_only(_loaded(settings), strict=strict)


def words(report: Report, lang: Lang = "en") -> View:
    """Put a report in words: stages, problems with cause, steps and pages, and what to do next."""
    from smtpdoctor.report.view import view_of

    return view_of(report, lang)


def explain(text: str, *, preset: str | None = None) -> tuple[Finding, ...]:
    """Name the causes behind an error text or a log, the gravest first; empty where there is no mail failure.

    ``preset`` is the id of the provider, where it is known.
    """
    from smtpdoctor.logs import explain_text

    return tuple(one.finding for one in explain_text(text, provider=preset))
