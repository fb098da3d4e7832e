"""Runs the stages in order, diagnoses what they found, and returns the report.

settings → plan → probes → evidence → diagnosis → report, one way. An observer is told of each
stage as it starts and ends; it cannot change anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec.structs import replace

from smtpdoctor.labels import Label, meaning
from smtpdoctor.model import (
    Confidence,
    Evidence,
    Fault,
    Finding,
    Message,
    Report,
    Security,
    Severity,
    Stage,
    StageResult,
    Status,
)
from smtpdoctor.plan import stages_for
from smtpdoctor.probes import probe_of
from smtpdoctor.probes.session import Options, Session
from smtpdoctor.settings.lint import is_blocking
from smtpdoctor.settings.resolve import Loaded
from smtpdoctor.smtp.redact import Redactor
from smtpdoctor.smtp.transcript import Transcript

__all__ = ["Observer", "Quiet", "check", "lint_only"]


class Observer(Protocol):
    """Is told how a run goes."""

    def started(self, stage: Stage) -> None:
        """Take note that a stage begins."""

    def ended(self, result: StageResult) -> None:
        """Take note of how a stage ended."""


class Quiet:
    """An observer that does nothing."""

    def started(self, stage: Stage) -> None:
        """Do nothing."""

    def ended(self, result: StageResult) -> None:
        """Do nothing."""


def _secrets(loaded: Loaded) -> list[str]:
    password = loaded.settings.password
    return [password.value.reveal()] if password else []


def _new_session(loaded: Loaded, options: Options) -> Session:
    transcript = Transcript(Redactor(_secrets(loaded)))
    return Session(loaded, options, transcript, time.monotonic() + options.deadline)


def check(
    loaded: Loaded, options: Options | None = None, observer: Observer | None = None, *, strict: bool = False
) -> Report:
    """Run all stages that the options ask for; remote behaviour never raises."""
    options = options or Options()
    observer = observer or Quiet()
    session = _new_session(loaded, options)
    started = time.monotonic()
    security = loaded.settings.security.value if loaded.settings.security else Security.STARTTLS
    results: list[StageResult] = []
    findings: list[Finding] = []
    stopped: Stage | None = None
    try:
        for stage in stages_for(security, options.until):
            if stopped is not None:
                summary = Message("skip.after", {"stage": Message(f"stage.{stopped.value}")})
                result = StageResult(stage=stage, status=Status.SKIP, summary=summary)
            else:
                observer.started(stage)
                result, found = _run(stage, session, findings)
                findings += found
                if _ends_the_run(result):
                    stopped = stage
            results.append(result)
            observer.ended(result)
    finally:
        _hang_up(session, stopped)
    return _report(session, results, findings, stopped, started, strict=strict)


def lint_only(loaded: Loaded, *, strict: bool = False) -> Report:
    """Run the config stage alone; nothing is sent, not even a DNS query."""
    from smtpdoctor.probes.config import result_of

    started = time.monotonic()
    session = _new_session(loaded, Options())
    result = result_of(session, needs_sender=True)
    found = _diagnosed(result.evidence, session, ())
    result = _settled(replace(result, seconds=time.monotonic() - started), found)
    return _report(session, [result], found, None, started, strict=strict)


def _run(stage: Stage, session: Session, known: list[Finding]) -> tuple[StageResult, list[Finding]]:
    session.start_stage()
    started = time.monotonic()
    probe: Callable[[Session], StageResult] = probe_of(stage)
    try:
        result = probe(session)
    except Exception as error:  # noqa: BLE001 -- a crash of ours is a result too, and says so
        result = _crashed(stage, error)
    result = replace(result, seconds=time.monotonic() - started)
    found = _diagnosed(result.evidence, session, known)
    if result.status is Status.FAIL and not any(one.severity is Severity.ERROR for one in found):
        found.append(_unclear(result))
    return _settled(result, found), found


def _ends_the_run(result: StageResult) -> bool:
    """Whether nothing can be tried after this.

    Settings that are wrong but usable do not end it: the network often confirms what they suggest.
    """
    if result.stage is Stage.CONFIG:
        return any(map(is_blocking, result.evidence))
    return result.status is Status.FAIL


def _unclear(result: StageResult) -> Finding:
    """Return the finding for a failure that no entry of the catalogue knows."""
    return Finding(
        id="unclear",
        stage=result.stage,
        severity=Severity.ERROR,
        confidence=Confidence.POSSIBLE,
        fault=Fault.SERVER,
        retryable=False,
        evidence=result.evidence[0] if result.evidence else Evidence(stage=result.stage),
    )


def _crashed(stage: Stage, error: Exception) -> StageResult:
    import traceback

    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})"
    evidence = Evidence(stage=stage, labels=frozenset({Label.CRASH}), text=where, facts={"value": where})
    return StageResult(
        stage=stage, status=Status.FAIL, summary=Message("crash", {"where": where}), evidence=(evidence,)
    )


def _diagnosed(evidence: Iterable[Evidence], session: Session, known: Iterable[Finding]) -> list[Finding]:
    found = list(evidence)
    if not found:
        return []
    from smtpdoctor.diagnosis import Context, diagnose

    settings = session.loaded.settings
    labels = frozenset(
        label for finding in known if finding.stage is Stage.CONFIG for label in finding.evidence.labels
    )
    context = Context(settings=settings, provider=settings.preset, labels=labels)
    return [finding for one in found if (finding := diagnose(one, context)) is not None]


def _settled(result: StageResult, found: list[Finding]) -> StageResult:
    """Let the gravest finding decide whether the config stage failed or warns."""
    if result.stage is not Stage.CONFIG or not result.evidence:
        return result
    worst = Status.WARN if found else Status.PASS
    if any(finding.severity is Severity.ERROR for finding in found):
        worst = Status.FAIL
    return replace(result, status=worst)


def _hang_up(session: Session, stopped: Stage | None) -> None:
    channel = session.channel
    if channel is None:
        return
    greeted = any(turn.direction == "in" for turn in session.transcript.turns)
    if stopped in {Stage.CONNECT, Stage.TLS} or not greeted:
        # Nothing sensible can be said on a broken connection, and a client that speaks before the
        # greeting is a spam robot to some servers (RFC 5321 section 4.3.1).
        channel.close()
    elif session.in_transaction:
        channel.close("RSET", "QUIT")
    else:
        channel.close("QUIT")


def _disproved(finding: Finding, passed: set[Stage]) -> bool:
    """Whether the network has shown that what the config stage suspected is wrong."""
    if finding.stage is not Stage.CONFIG:
        return False
    labels = finding.evidence.labels
    return bool(labels) and all(
        meaning(label, finding.evidence.setting).disproved_by in passed for label in labels
    )


def _cleared(result: StageResult, findings: list[Finding]) -> StageResult:
    """Take back what the config stage said of suspicions that the network disproved."""
    if result.stage is not Stage.CONFIG:
        return result
    left = [finding for finding in findings if finding.stage is Stage.CONFIG]
    key = "config.problems" if left else "config.pass"
    summary = Message(key, {**result.summary.values, "count": len(left)})
    return _settled(replace(result, summary=summary), left)


def _report(
    session: Session,
    results: list[StageResult],
    findings: list[Finding],
    stopped: Stage | None,
    started: float,
    *,
    strict: bool,
) -> Report:
    ordered: tuple[Finding, ...] = ()
    passed = {result.stage for result in results if result.status is Status.PASS}
    believed = [finding for finding in findings if not _disproved(finding, passed)]
    if len(believed) < len(findings):
        findings = believed
        results = [_cleared(result, findings) for result in results]
    if findings:
        from smtpdoctor.diagnosis import order

        ordered = order(findings, stopped)
    return Report(
        settings=session.loaded.settings,
        stages=tuple(results),
        findings=ordered,
        transcript=tuple(session.transcript.turns),
        seconds=time.monotonic() - started,
        strict=strict,
    )
