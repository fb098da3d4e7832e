"""What ``fix`` does, and how it is told: the changes as a diff, what they mend, and what is left to a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.cli.known import Known
from smtpdoctor.cli.mending import changes_by_key, prober, shown_by_server, with_changes
from smtpdoctor.cli.options import FormatChoice
from smtpdoctor.cli.settings import Request
from smtpdoctor.cli.states import state_for
from smtpdoctor.doctor import check as run_check
from smtpdoctor.doctor import lint_only
from smtpdoctor.errors import UsageError
from smtpdoctor.fix.plan import Plan, plan
from smtpdoctor.fix.shown import difference
from smtpdoctor.fix.state import Found, Key, State, Subject
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Change, Fault, Lang, Message, Policy, Report, Severity, Stage, Status
from smtpdoctor.probes.session import Options
from smtpdoctor.report.view import Problem, view_of
from smtpdoctor.text import say

__all__ = ["Outcome", "mended", "show"]

_MOST_STEPS: Final = 2  # that are told of what is left


class Outcome(Struct, frozen=True):
    """What mends what was found, and what is left.

    ``before`` and ``after`` are the reports by service; ``proof`` says how far the changes were tried: ``lint``,
    ``tls``, or ``login``.
    """

    plan: Plan
    before: tuple[tuple[str, Report], ...]
    after: tuple[tuple[str, Report], ...]
    changes: dict[Key, tuple[Change, ...]]
    proof: str

    @property
    def healthy(self) -> bool:
        """Whether nothing is left that counts as a problem."""
        return all(report.healthy for _, report in self.after)


def mended(
    request: Request, options: Options | None, policy: Policy, *, inert: bool, lang: Lang, known: Known
) -> Outcome:
    """Read, find, mend and try; ``options`` None: nothing goes over the network. Raises UsageError."""
    state = state_for(request, lang=lang, known=known)
    if options is None:
        made = plan(state, inert=inert)
        before = tuple((one.service, policy.applied(lint_only(one.loaded))) for one in state.subjects)
        after = tuple((one.service, policy.applied(lint_only(one.loaded))) for one in made.after.subjects)
        return _outcome(made, before, after, "lint")
    if len(state.subjects) > 1:
        names = ", ".join(one.service for one in state.subjects)
        raise UsageError(Message("usage.config.several", {"names": names}))
    return _with_server(state, options, policy, request, inert=inert)


def _with_server(state: State, options: Options, policy: Policy, request: Request, *, inert: bool) -> Outcome:
    from smtpdoctor.settings.target import refuse_astray

    subject = state.subjects[0]
    refuse_astray(options.connect_to, subject.loaded.settings)
    if request.origins:
        from smtpdoctor.cli.profiles import refuse_steered

        refuse_steered(subject.loaded, request, options)
    first = policy.applied(run_check(subject.loaded, options))
    seen = tuple(Found(subject, one) for one in first.findings if shown_by_server(one))
    made = plan(state, inert=inert, holds=prober(options), seen=seen)
    if not made.changed:
        return _outcome(made, ((subject.service, first),), ((subject.service, first),), "login")
    now = made.after.subjects[0]
    if _has_logged_in(first) or _host_of(now) != _host_of(subject):
        # The one login that is allowed was that of the first run: what it came to holds still. And a password
        # goes to no other host than the one beside which it stands: that one is not written yet.
        linted = lint_only(now.loaded)
        kept = tuple(
            one for one in first.findings if one.stage not in {Stage.CONFIG, Stage.CONNECT, Stage.TLS}
        )
        known = {one.id for one in linted.findings}
        findings = (*linted.findings, *(one for one in kept if one.id not in known))
        last, proof = policy.applied(replace(linted, findings=findings)), "tls"
    else:
        last, proof = policy.applied(run_check(now.loaded, options)), "login"
    return _outcome(made, ((subject.service, first),), ((subject.service, last),), proof)


def _host_of(subject: Subject) -> str:
    host = subject.loaded.settings.host
    return host.value if host is not None else ""


def _has_logged_in(report: Report) -> bool:
    """Whether a login was tried, with whatever success."""
    return any(
        one.stage is Stage.AUTH and one.status in {Status.PASS, Status.WARN, Status.FAIL}
        for one in report.stages
    )


def _outcome(
    made: Plan,
    before: tuple[tuple[str, Report], ...],
    after: tuple[tuple[str, Report], ...],
    proof: str,
) -> Outcome:
    changes = changes_by_key(made)
    before = tuple((name, with_changes(report, made.before, name, changes)) for name, report in before)
    return Outcome(made, before, after, changes, proof)


# How it is told


def show(
    outcome: Outcome,
    stream: IO[str],
    *,
    written: list[str],
    wrote: bool,
    format_: FormatChoice,
    lang: Lang,
    color: bool,
    quiet: bool,
) -> None:
    """Print what was found out, in the format that was asked for."""
    if format_ is not FormatChoice.TERMINAL:
        stream.write(_as_json(outcome, written, lang))
        return
    from smtpdoctor.report import terminal

    console = terminal.make_console(stream, color=color and terminal.wants_color())
    for text, style in _lines(outcome, written, lang, wrote=wrote, quiet=quiet):
        console.print(text, style=style or None, soft_wrap=True)


def _mended(outcome: Outcome, lang: Lang) -> Iterator[tuple[str, Problem]]:
    """Yield the findings that the changes mend, each with the service that it is about."""
    for service, report in outcome.before:
        subject = outcome.plan.before.subject(service)
        if subject is None:
            continue
        view = view_of(report, lang)
        for finding, problem in zip(report.findings, view.problems, strict=True):
            if Found(subject, finding).key in outcome.changes:
                yield service, problem


def _left(outcome: Outcome, lang: Lang) -> Iterator[tuple[str, Problem]]:
    for service, report in outcome.after:
        for problem in view_of(report, lang).problems:
            if problem.severity is not Severity.INFO:
                yield service, problem


def _lines(
    outcome: Outcome, written: list[str], lang: Lang, *, wrote: bool, quiet: bool
) -> Iterator[tuple[str, str]]:
    """Yield the lines that are told, each with its style."""
    left = list(_left(outcome, lang))
    changed = outcome.plan.changed
    if not changed and not left:
        yield say(lang, "fix.nothing"), "green"
    if changed and not quiet:
        yield say(lang, "fix.mended" if wrote else "fix.mends"), "bold"
        yield from ((f"  {_told(*one)}", "") for one in _mended(outcome, lang))
        yield "", ""
        for path in changed:
            yield from ((line, _style(line)) for line in difference(outcome.plan, path, path).splitlines())
        yield "", ""
    if left:
        yield say(lang, "fix.left"), "bold"
        yield from _to_do(left)
    for path, line in outcome.plan.generated.items():
        yield say(lang, "fix.generated", file=printable(path), line=printable(line)), "yellow"
    if outcome.plan.refused and left:
        yield say(lang, "fix.refused"), "yellow"
    if changed:
        yield say(lang, f"fix.proof.{outcome.proof}"), "dim"
    yield from ((say(lang, "fix.written", file=printable(path)), "green") for path in written)
    if changed and not wrote:
        yield say(lang, "fix.write"), ""


def _to_do(left: list[tuple[str, Problem]]) -> Iterator[tuple[str, str]]:
    for service, problem in left:
        yield f"  {_told(service, problem)}", "bold red" if problem.grave else "yellow"
        yield from ((f"    - {step.replace('`', '')}", "") for step in problem.steps[:_MOST_STEPS])
        if problem.best is not None and problem.fault in {Fault.CONFIG, Fault.ACCOUNT}:
            yield f"    {problem.best.url}", "cyan"


def _told(service: str, problem: Problem) -> str:
    where = f": {problem.where}" if problem.where else ""
    return f"{service}: {problem.title}{where}" if service else f"{problem.title}{where}"


def _style(line: str) -> str:
    if line.startswith(("---", "+++")):
        return "bold"
    if line.startswith("@@"):
        return "cyan"
    return {"-": "red", "+": "green"}.get(line[:1], "")


def _as_json(outcome: Outcome, written: list[str], lang: Lang) -> str:
    from smtpdoctor.report.json_v1 import VERSION, dump, problem_object, tool

    def objects(problems: Iterator[tuple[str, Problem]]) -> list[dict[str, Any]]:
        return [
            {**({"service": service} if service else {}), **problem_object(one)} for service, one in problems
        ]

    verdicts = [report.verdict for _, report in outcome.after]
    worst = next((one for one in ("fail", "inconclusive", "warn") if one in verdicts), "pass")
    shown: dict[str, Any] = {
        "version": VERSION,
        "tool": tool(),
        "verdict": worst,
        "files": [
            {"file": path, "diff": difference(outcome.plan, path, path), "written": path in written}
            for path in outcome.plan.changed
        ],
        "proof": outcome.proof,
        "generated": [{"file": path, "line": line} for path, line in outcome.plan.generated.items()],
        "fixed": objects(_mended(outcome, lang)),
        "findings": objects(_left(outcome, lang)),
    }
    return dump(shown)
