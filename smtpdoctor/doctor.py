"""Runs the stages in order, diagnoses what they found, and returns the report.

settings → plan → probes → evidence → diagnosis → report, one way. An observer is told of each
stage as it starts and ends; it cannot change anything.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, Protocol

from msgspec.structs import replace

from smtpdoctor.labels import Label, is_suspicion, meaning
from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.masking.sealed import Seal, public_of, secrets_of
from smtpdoctor.model import (
    Confidence,
    Evidence,
    Fault,
    Finding,
    Message,
    Report,
    Security,
    Settled,
    Severity,
    Stage,
    StageResult,
    Status,
)
from smtpdoctor.plan import stages_for
from smtpdoctor.probes import step_of
from smtpdoctor.probes.broken import broken, nothing_left
from smtpdoctor.probes.session import Failed, Options, Passed, Session, Skipped
from smtpdoctor.settings.lint import is_blocking, lint
from smtpdoctor.settings.resolve import Loaded
from smtpdoctor.settings.target import Conduct, Target, target_of
from smtpdoctor.smtp.errors import DialogueError
from smtpdoctor.smtp.transcript import Transcript

__all__ = ["Observer", "Quiet", "Redactors", "check", "lint_only", "seal_of"]


_TRANSIENT: Final = 4  # the first digit of a negative reply that is to be tried again
_PERMANENT: Final = 5
_MOST_OF_A_KIND: Final = 100  # findings about the settings; whoever has mended these is told the next ones
_NEEDS_SENDER: Final = frozenset({Stage.SENDER, Stage.RECIPIENT, Stage.SEND})


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


def check(
    loaded: Loaded,
    options: Options | None = None,
    observer: Observer | None = None,
    *,
    redactor: Redactor | None = None,
) -> Report:
    """Run all stages that the options ask for; remote behaviour never raises.

    ``redactor`` is that of these settings, where several runs share one: it knows what it has seen.
    """
    options = options or Options()
    observer = observer or Quiet()
    run = _Run(loaded, options, redactor)
    observer.started(Stage.CONFIG)
    observer.ended(run.config(needs_sender=options.until in _NEEDS_SENDER))
    target = None if run.stopped else target_of(loaded.settings, loaded.conduct)
    security = target.security if target else Security.STARTTLS
    session = run.session(target) if target else None
    try:
        stages = stages_for(security, options.until)[1:]
        for stage in stages:
            if session is None or run.stopped is not None:
                result = run.skipped(stage)
            else:
                observer.started(stage)
                result = run.step(stage, session, last=stage is stages[-1])
            observer.ended(result)
    finally:
        if session is not None:
            _hang_up(session, run.stopped)
    return run.report()


def lint_only(loaded: Loaded) -> Report:
    """Run the config stage alone; nothing is sent, not even a DNS query."""
    run = _Run(loaded, Options())
    run.config(needs_sender=True, alone=True)
    return run.report()


def seal_of(loaded: Loaded) -> Seal:
    """Return the seal for what is shown of settings before they are judged."""
    return Seal(_redactor(loaded))


class Redactors:
    """Makes redactors, one for all settings with the same secrets and the same public texts."""

    def __init__(self) -> None:
        self._made: dict[tuple[tuple[str, ...], tuple[str, ...]], Redactor] = {}

    def of(self, loaded: Loaded) -> Redactor:
        """Return the redactor for these settings; to be called on one thread, and used on any."""
        known = _known_of(loaded)
        if known not in self._made:
            self._made[known] = Redactor(known[0], public=known[1])
        return self._made[known]


def _known_of(loaded: Loaded) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is secret in settings, and what is public."""
    secrets = (*secrets_of(loaded.settings), *(one.reveal() for one in loaded.secrets))
    return secrets, (*public_of(loaded.settings), *_named_by(loaded.settings.preset))


def _redactor(loaded: Loaded) -> Redactor:
    return _made(*_known_of(loaded))


@lru_cache(maxsize=2)  # what is tried to mend one file is judged a dozen times, with the same secrets
def _made(secrets: tuple[str, ...], public: tuple[str, ...]) -> Redactor:
    return Redactor(secrets, public=public)


def _named_by(provider: str | None) -> Iterator[str]:
    """Yield the names and pages of a provider: what a password has of these, everybody knows."""
    from smtpdoctor.knowledge import load

    preset = load.preset_with_id(provider)
    if preset is not None:
        yield preset.name.en
        yield from (one.url for one in preset.link)


class _Run:
    """What a run has come to so far.

    The findings are kept as they came, since they are still to be weighed; whatever leaves the run, to
    the observer or in the report, is sealed.
    """

    def __init__(self, loaded: Loaded, options: Options, redactor: Redactor | None = None) -> None:
        self._loaded = loaded
        self._options = options
        self._started = time.monotonic()
        self._transcript = Transcript(redactor or _redactor(loaded))
        self._results: list[StageResult] = []
        self._findings: list[Finding] = []
        self.stopped: Stage | None = None

    def session(self, target: Target) -> Session:
        """Return the session in which the stages behind the config stage run."""
        deadline = self._started + self._options.deadline
        return Session(target, self._options, self._transcript, deadline)

    def config(self, *, needs_sender: bool, alone: bool = False) -> StageResult:
        """Judge the settings. ``alone``: no network follows that could settle what they suggest."""
        started = time.monotonic()
        evidence = tuple(
            _some_of_each_kind(
                lint(
                    self._loaded,
                    needs_sender=needs_sender,
                    needs_login=alone,
                    cleartext_allowed=self._options.allow_cleartext_auth,
                )
            )
        )
        found = self._diagnosed(evidence)
        settings = self._loaded.settings
        shown = {name: settings.get(name) for name in ("host", "port", "security")}
        values: dict[str, object] = {
            name: str(setting.value) if setting else "?" for name, setting in shown.items()
        }
        told = [one for one in found if one.severity is not Severity.INFO]
        suspected = (
            bool(told)
            and not alone
            and all(is_suspicion(one.evidence.labels, one.evidence.setting) for one in told)
        )
        status = _status_of(told)
        if suspected:
            status = Status.WARN
        key = "config.suspected" if suspected else "config.problems" if told else "config.pass"
        result = StageResult(
            stage=Stage.CONFIG,
            status=status,
            seconds=time.monotonic() - started,
            summary=self._loaded.judged or Message(key, {"count": len(told), **values}),
            evidence=evidence,
            suspected=suspected,
        )
        # Settings that are wrong but usable do not end a run: the network often confirms what they suggest.
        return self._kept(result, found, ends=any(map(is_blocking, evidence)))

    def step(self, stage: Stage, session: Session, *, last: bool = False) -> StageResult:
        """Run one stage; behind the last one no reply may be left over."""
        session.start_stage(stage)
        started = time.monotonic()
        try:
            outcome: Passed | Skipped | Failed = step_of(stage)(session)
            if last:
                nothing_left(session)
        except Failed as failure:
            outcome = failure
        except DialogueError as error:
            outcome = broken(session, error)
        except Exception as error:  # noqa: BLE001 -- a crash of ours is a result too, and says so
            outcome = _crashed(session, error)
        if isinstance(outcome, Failed):
            outcome.evidence = _looked_beside(session, outcome.evidence)
        if session.target.conduct is not None and not isinstance(outcome, Skipped):
            outcome = _held_against(session.target.conduct, outcome)
        seconds = time.monotonic() - started
        if isinstance(outcome, Skipped):
            skipped = StageResult(stage=stage, status=Status.SKIP, seconds=seconds, summary=outcome.summary)
            return self._kept(skipped, [])
        found = self._diagnosed(outcome.evidence)
        failed = isinstance(outcome, Failed)
        result = StageResult(
            stage=stage,
            status=Status.FAIL if failed else _status_of(found),
            seconds=seconds,
            summary=outcome.summary,
            facts=outcome.facts,
            evidence=outcome.evidence,
        )
        if failed and not any(one.severity is Severity.ERROR for one in found):
            found.append(_unclear(result))
        return self._kept(result, found, ends=failed)

    def skipped(self, stage: Stage) -> StageResult:
        """Note a stage that nothing is left to try in."""
        after = Message(f"stage.{(self.stopped or Stage.CONFIG).value}")
        summary = Message("skip.after", {"stage": after})
        return self._kept(StageResult(stage=stage, status=Status.SKIP, summary=summary), [])

    def _kept(self, result: StageResult, found: list[Finding], *, ends: bool = False) -> StageResult:
        # What an exchange has added to the secrets is masked, too.
        sealed = Seal(self._transcript.redact).result(result)
        self._results.append(sealed)
        self._findings += found
        if ends:
            self.stopped = result.stage
        return sealed

    def _diagnosed(self, evidence: Iterable[Evidence]) -> list[Finding]:
        given = list(evidence)
        if not given:
            return []
        from smtpdoctor.diagnosis import Context, diagnose, placed

        settings = self._loaded.settings
        labels = frozenset(
            label for one in self._findings if one.stage is Stage.CONFIG for label in one.evidence.labels
        )
        context = Context(settings=settings, provider=settings.preset, labels=labels)
        found = (diagnose(one, context) for one in given)
        return [_by_code(placed(one, settings)) for one in found if one is not None]

    def report(self) -> Report:
        """Return what the run has come to, the cause first."""
        ordered: tuple[Finding, ...] = ()
        passed = {one.stage for one in self._results if one.status in {Status.PASS, Status.WARN}}
        settled = tuple(
            Settled(one, by) for one in self._findings if (by := _disproved_by(one, passed)) is not None
        )
        gone = {id(one.finding) for one in settled}
        believed = [one for one in self._findings if id(one) not in gone]
        if believed:
            from smtpdoctor.diagnosis import order

            ordered = order(believed, self.stopped)
        seal = Seal(self._transcript.redact)
        return Report(
            settings=seal.settings(self._loaded.settings),
            stages=tuple(self._results),
            findings=tuple(map(seal.finding, ordered)),
            settled=tuple(Settled(seal.finding(one.finding), one.by) for one in settled),
            transcript=tuple(self._transcript.turns),
            seconds=time.monotonic() - self._started,
        )


def _some_of_each_kind(evidence: Iterable[Evidence]) -> Iterator[Evidence]:
    """Yield evidence, of each kind so much of it as somebody may want to read."""
    told: Counter[frozenset[Label]] = Counter()
    for one in evidence:
        told[one.labels] += 1
        if told[one.labels] <= _MOST_OF_A_KIND:
            yield one


def _looked_beside(session: Session, evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return the evidence of a failure with what the server's other ports said, where that matters."""
    if session.stage not in {Stage.CONNECT, Stage.GREETING, Stage.TLS} or not evidence:
        return evidence
    from smtpdoctor.probes.siblings import with_siblings

    return (with_siblings(session, evidence[0]), *evidence[1:])


def _held_against(conduct: Conduct, outcome: Passed | Failed) -> Passed | Failed:
    """Return an outcome with what the application itself would do there."""
    if not outcome.evidence:
        return outcome
    from smtpdoctor.probes.conduct import held_against

    evidence = held_against(conduct, outcome.evidence, outcome.facts)
    if isinstance(outcome, Passed):
        return replace(outcome, evidence=evidence)
    outcome.evidence = evidence
    return outcome


def _status_of(found: Iterable[Finding]) -> Status:
    """Return the status of a stage by the gravest of its findings; a remark is no warning."""
    severities = {one.severity for one in found}
    if Severity.ERROR in severities:
        return Status.FAIL
    return Status.WARN if Severity.WARNING in severities else Status.PASS


def _disproved_by(finding: Finding, passed: set[Stage]) -> Stage | None:
    """Return the stage whose success showed that what the config stage suspected is wrong."""
    if finding.stage is not Stage.CONFIG or not finding.evidence.labels:
        return None
    setting = finding.evidence.setting
    by = [meaning(label, setting).disproved_by for label in finding.evidence.labels]
    return by[0] if all(stage in passed for stage in by) else None


def _by_code(finding: Finding) -> Finding:
    """Return a finding that is temporary or not as the server's code says (RFC 5321 section 4.2.1).

    4yz is, but for a login, where the catalogue alone decides: some servers refuse a wrong password with 454.
    5yz is not, unless the words say what it is: a quota is refused with 550, and full again tomorrow.
    """
    evidence = finding.evidence
    if evidence.code is None or finding.stage is Stage.AUTH:
        return finding
    kind = evidence.code // 100
    if kind == _TRANSIENT and not any(meaning(one, evidence.setting).lasts for one in evidence.labels):
        return replace(finding, retryable=True)
    if kind == _PERMANENT and not finding.pattern and finding.reply is None:
        return replace(finding, retryable=False)
    return finding


def _unclear(result: StageResult) -> Finding:
    """Return the finding for a failure that no entry of the catalogue knows."""
    return _by_code(_unknown(result))


def _unknown(result: StageResult) -> Finding:
    return Finding(
        id="unclear",
        stage=result.stage,
        severity=Severity.ERROR,
        confidence=Confidence.POSSIBLE,
        fault=Fault.SERVER,
        retryable=False,
        evidence=result.evidence[0] if result.evidence else Evidence(stage=result.stage),
    )


def _crashed(session: Session, error: Exception) -> Failed:
    import traceback

    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})"
    evidence = replace(session.evidence(Label.CRASH, value=where), text=where)
    return Failed(Message("crash", {"where": where}), evidence)


def _hang_up(session: Session, stopped: Stage | None) -> None:
    channel = session.channel
    if channel is None:
        return
    if session.over or stopped in {Stage.CONNECT, Stage.TLS} or not session.greeted:
        # Nothing sensible can be said on a broken connection, and a client that speaks before the
        # greeting is a spam robot to some servers (RFC 5321 section 4.3.1).
        channel.close()
    elif session.in_transaction:
        channel.close("RSET", "QUIT")
    else:
        channel.close("QUIT")
