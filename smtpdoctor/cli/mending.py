"""What ``fix``, ``lint`` and ``check`` do with a plan: findings with the changes that mend them, and files that are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from smtpdoctor.cli.known import Known
from smtpdoctor.cli.settings import Request
from smtpdoctor.cli.states import state_for
from smtpdoctor.doctor import check as run_check
from smtpdoctor.errors import UsageError
from smtpdoctor.fix.plan import Plan, plan
from smtpdoctor.fix.shown import changes_of
from smtpdoctor.fix.state import Found, Key, State
from smtpdoctor.labels import Label
from smtpdoctor.model import (
    Change,
    Fault,
    Finding,
    Lang,
    Message,
    Report,
    Security,
    Severity,
    Stage,
    Status,
)
from smtpdoctor.probes.session import Options
from smtpdoctor.settings.hosts import same_host

__all__ = [
    "changes_by_key",
    "prober",
    "shown_by_server",
    "with_changes",
    "with_seen_changes",
    "with_tried_changes",
    "write_files",
]

_MARK = "\ufeff"
# What a server shows of settings that do not belong together.
_SHOWN_BY_SERVER: Final = frozenset(
    {Label.TLS_BYTES, Label.SILENT_TLS_PORT, Label.PLAIN_ANSWER, Label.SIBLING_ANSWERS}
)


def changes_by_key(plan: Plan) -> dict[Key, tuple[Change, ...]]:
    """Return the changes that mend each finding, by which it is known."""
    found: dict[Key, tuple[Change, ...]] = {}
    state = plan.before
    for step in plan.steps:
        changes = changes_of(step, state, plan.before, plan.after)
        after = step.done[-1].state
        # What mends one service may mend another: both take their values from there.
        for key in (step.found.key, *(one for one in state.keys if not after.keys[one])):
            found.setdefault(key, changes)
        state = after
    return found


def with_changes(
    report: Report, state: State, service: str, changes: Mapping[Key, tuple[Change, ...]]
) -> Report:
    """Return a report whose findings say what mends them."""
    subject = state.subject(service)
    if subject is None or not changes:
        return report
    findings = tuple(
        replace(one, changes=changes.get(Found(subject, one).key, ())) for one in report.findings
    )
    return replace(report, findings=findings)


def with_tried_changes(
    reports: list[tuple[str, Report]], request: Request, *, lang: Lang, known: Known
) -> list[tuple[str, Report]]:
    """Return reports whose findings say what mends them, as far as an edit does; each was tried."""
    try:
        state = state_for(request, lang=lang, known=known)
    except UsageError:  # what came from a pipe is gone, and with it the file that could be changed
        return reports
    changes = changes_by_key(plan(state))
    return [(name, with_changes(report, state, name, changes)) for name, report in reports]


def with_seen_changes(report: Report, service: str, request: Request, *, lang: Lang, known: Known) -> Report:
    """Return the report of a check whose findings say what mends them, as far as an edit of a file does.

    Each change was tried by reading the files again, and agrees with what this run has seen of the server, which is
    not bothered again. What cannot be tried so is left to the catalogue's words.
    """
    if not any(one.severity is Severity.ERROR and one.fault is Fault.CONFIG for one in report.findings):
        return report
    try:
        state = state_for(replace(request, service=service or request.service), lang=lang, known=known)
    except UsageError:  # what came from a pipe is gone, and with it the file that could be changed
        return report
    subject = state.subject(service)
    if subject is None:
        return report
    seen = tuple(Found(subject, one) for one in report.findings if shown_by_server(one))
    changes = changes_by_key(plan(state, holds=_as_seen(report), seen=seen))
    # What the settings alone have shown and the server has confirmed is one finding here, with the labels of both.
    for one in seen:
        alike = (made for key, made in changes.items() if _but_labels(key) == _but_labels(one.key))
        if one.key not in changes and (found := next(alike, None)):
            changes[one.key] = found
    return with_changes(report, state, service, changes)


def _but_labels(key: Key) -> tuple[str, ...]:
    service, name, _, *rest = key
    return service, name, *rest


def shown_by_server(finding: Finding) -> bool:
    """Whether only the server has shown that settings do not belong together."""
    return finding.stage is not Stage.CONFIG and (
        finding.id == "config-tls-mode" or bool(finding.evidence.labels & _SHOWN_BY_SERVER)
    )


def _as_seen(report: Report) -> Callable[[State, str], bool]:
    """Return what tells whether a server takes a connection as settings say, by what a run has seen of its ports."""
    host = report.settings.host
    port = report.settings.port.value if report.settings.port else 0
    tls: dict[int, bool] = {}  # ports of that host: whether TLS begins with the first byte
    for finding in report.findings:
        evidence = finding.evidence
        for one in evidence.facts.get("siblings", "").split():
            number, mode, state = one.split("/")
            if state == "answers":
                tls[int(number)] = mode == Security.TLS.value
        if Label.PLAIN_ANSWER in evidence.labels:
            tls[port] = False
        elif evidence.labels & {Label.TLS_BYTES, Label.SILENT_TLS_PORT}:
            tls[port] = True

    def holds(state: State, service: str) -> bool:
        subject = state.subject(service)
        if subject is None or host is None:
            return False
        now = subject.loaded.settings
        if now.host is None or now.port is None or now.security is None:
            return False
        mode = now.security.value
        begins = tls.get(now.port.value)
        return (
            same_host(now.host.value, host.value)
            and begins is not None
            and mode is not Security.NONE
            and begins == (mode is Security.TLS)
        )

    return holds


def prober(options: Options) -> Callable[[State, str], bool]:
    """Return what asks a server whether it takes a connection as settings say; nobody logs in there."""
    known: dict[tuple[object, ...], bool] = {}

    def holds(state: State, service: str) -> bool:
        subject = state.subject(service)
        if subject is None:
            return False
        settings = subject.loaded.settings
        key = tuple(one.value if one else None for one in (settings.host, settings.port, settings.security))
        if key not in known:
            # Without a login: the one that is allowed belongs to the check itself.
            bare = replace(settings, username=None, password=None)
            loaded = replace(subject.loaded, settings=bare, evidence=(), unknown=frozenset())
            report = run_check(loaded, replace(options, until=Stage.TLS))
            reached = [
                one for one in report.stages if one.stage in {Stage.CONNECT, Stage.GREETING, Stage.TLS}
            ]
            known[key] = (
                bool(reached)
                and not any(one.status is Status.FAIL for one in report.stages)
                and any(one.stage is Stage.CONNECT and one.status is not Status.SKIP for one in reached)
            )
        return known[key]

    return holds


def write_files(plan: Plan, *, backup: bool) -> list[str]:
    """Write what a plan changes, each file whole or not at all; raises UsageError, which says what was written."""
    from smtpdoctor.cli.writing import edit

    written: list[str] = []
    try:
        for path, (old, new) in plan.changed.items():
            if backup:
                _keep(Path(path), old)
            edit(Path(path), partial(_instead, old=old, new=new, path=path), check=_no_check)
            written.append(path)
    except UsageError as error:
        if not written:
            raise
        done = Message("fix.written-before", {"files": ", ".join(written)})
        raise UsageError(error.message, *error.hints, done) from error
    return written


def _no_check(_: Path) -> None:
    """Leave what was read again in memory as it is."""


def _instead(before: str | None, *, old: str, new: str, path: str) -> str:
    """Return the new text of a file that says what it said when it was read; raises UsageError."""
    mark = _MARK if before is not None and before.startswith(_MARK) else ""
    if before is None or before.removeprefix(_MARK) != old.removeprefix(_MARK):
        raise UsageError(Message("usage.fix.changed", {"file": path}))
    return mark + new.removeprefix(_MARK)


def _keep(path: Path, old: str) -> None:
    """Put the old text beside a file, for its owner alone; what is kept there already stays."""
    from smtpdoctor.cli.writing import edit

    kept = path.with_name(f"{path.name}.bak")

    def change(before: str | None) -> str:
        if before is not None and before != old:
            raise UsageError(Message("usage.fix.backup", {"file": str(kept)}))
        return old

    edit(kept, change, check=_no_check)
