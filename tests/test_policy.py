"""What is made of a report by whoever asked for it: verdict, exit code, what is ignored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import smtpdoctor
from smtpdoctor import Ignore, Policy, Report, Settings
from smtpdoctor.knowledge import load
from smtpdoctor.model import Confidence, Evidence, FailOn, Fault, Finding, Severity, Stage
from smtpdoctor.report import json_v1
from smtpdoctor.report.view import view_of
from tests import servers
from tests.checking import HOST, PASSWORD, USER, cli, settings_for
from tests.each import each

if TYPE_CHECKING:
    from collections.abc import Sequence

IDS = ("greylisted", "auth-bad-credentials", "connect-refused", "rate-limited")
ERRORS = st.builds(
    lambda name, severity, retryable, stage: Finding(
        id=name,
        stage=stage,
        severity=severity,
        confidence=Confidence.CERTAIN,
        fault=Fault.SERVER,
        retryable=retryable,
        evidence=Evidence(stage=stage),
    ),
    st.sampled_from(IDS),
    st.sampled_from(Severity),
    st.booleans(),
    st.sampled_from([Stage.DNS, Stage.AUTH, Stage.RECIPIENT]),
)
# The cause stands first, and no remark is one.
FINDINGS = st.lists(ERRORS, max_size=4).map(
    lambda found: sorted(found, key=lambda one: list(Severity).index(one.severity))
)
FAIL_ON = st.sampled_from(get_args(FailOn))


def report_of(findings: Sequence[Finding]) -> Report:
    return Report(settings=Settings(), stages=(), findings=tuple(findings))


@given(FINDINGS)
def test_a_failure_is_temporary_only_where_all_of_it_is(findings: list[Finding]) -> None:
    """One cause that does not pass by itself is enough for a plain failure."""
    errors = [one for one in findings if one.severity is Severity.ERROR]
    verdict = report_of(findings).verdict
    assert (verdict in {"fail", "inconclusive"}) == bool(errors)
    assert (verdict == "inconclusive") == (bool(errors) and all(one.retryable for one in errors))


@given(FINDINGS, FAIL_ON, st.booleans())
def test_what_counts(findings: list[Finding], fail_on: FailOn, strict: bool) -> None:
    """A stricter policy never lets pass what a milder one does not."""
    report = report_of(findings)
    judged = Policy(fail_on=fail_on, strict=strict).applied(report)
    assert judged.findings == report.findings
    warned = any(one.severity is Severity.WARNING for one in findings)
    expected = {
        "never": True,
        "error": report.verdict in {"pass", "warn"} and not (strict and warned),
        "warning": report.verdict in {"pass", "warn"} and not warned,
        "permanent": report.verdict != "fail"
        and not (strict and any(one.severity is Severity.WARNING and not one.retryable for one in findings)),
    }[fail_on]
    assert judged.healthy == expected
    assert report.healthy == (report.verdict in {"pass", "warn"})  # the result itself knows of no policy


@given(FINDINGS, st.sets(st.sampled_from(IDS)), FAIL_ON)
def test_what_is_ignored_decides_nothing_and_is_shown(
    findings: list[Finding], ignored: set[str], fail_on: FailOn
) -> None:
    """Nothing is lost, and what is left is judged as if the rest had not been found."""
    policy = Policy(
        fail_on=fail_on, ignore=tuple(Ignore(one, f"because of {one}") for one in sorted(ignored))
    )
    judged = policy.applied(report_of(findings))
    left = [one for one in findings if one.id not in ignored]
    assert (judged.verdict, judged.healthy) == (
        report_of(left).verdict,
        Policy(fail_on=fail_on).applied(report_of(left)).healthy,
    )
    assert sorted(map(id, [*judged.findings, *(one.finding for one in judged.ignored)])) == sorted(
        map(id, findings)
    )
    for lang in ("en", "ko"):
        shown = json.loads(json_v1.render(view_of(judged, lang)))
        told = {(one["id"], one["reason"]) for one in shown.get("ignored", ())}
        assert told == {(one.id, f"because of {one.id}") for one in findings if one.id in ignored}
        assert all(one in " ".join(view_of(judged, lang).remarks) for pair in told for one in pair)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("command", ["check", "lint"])
def test_an_unknown_id_is_refused_with_the_nearest(command: str, lang: str) -> None:
    """A slip of the finger ignores nothing."""
    name = load.ids()[3]
    result = cli(command, "--no-environment", "--host", HOST, "--ignore", f"{name}x", "--lang", lang, code=2)
    assert f"{name}x" in result.stderr
    assert name in result.stderr.replace(f"{name}x", "")


@pytest.mark.parametrize(
    ("reply", "more", "code"),
    [
        ("450 4.2.0 Greylisted, try again later", [], 1),
        ("450 4.2.0 Greylisted, try again later", ["--fail-on", "permanent"], 0),
        ("450 4.2.0 Greylisted, try again later", ["--fail-on", "never"], 0),
        ("550 5.1.1 No such user", ["--fail-on", "permanent"], 1),
        ("550 5.1.1 No such user", ["--fail-on", "never"], 0),
        ("550 5.1.1 No such user", ["--ignore", "recipient-rejected"], 0),
        ("550 5.1.1 No such user", ["--ignore", "greylisted"], 1),
    ],
)
def test_the_exit_code(reply: str, more: list[str], code: int, tmp_path: Path) -> None:
    """What is to make a run fail is what its caller says."""
    (tmp_path / "password").write_text(PASSWORD)
    with servers.serve(servers.dialogue({"RCPT": reply})) as server:
        flags = ["--host", HOST, "--port", str(server.port), "--security", "none", "--username", USER]
        rest = ["--password-file", str(tmp_path / "password"), "--sender", USER, "--to", "you@example.test"]
        last = ["--no-environment", "--until", "recipient", *more]
        result = cli("check", *flags, *rest, *last, code=code)
    if "recipient-rejected" in more:
        assert "ignored: recipient-rejected" in result.stdout
        assert "Nothing is wrong but what is ignored: recipient-rejected." in result.stdout


def test_flags_that_contradict() -> None:
    """To count warnings and nothing at all is no wish."""
    cli("lint", "--strict", "--fail-on", "never", code=2)
    cli("check", "--fail-on", "sometimes", code=2)


@each(
    "wrong",
    [
        {"policy": "error"},
        {"policy": Policy(fail_on="sometimes")},  # type: ignore[arg-type]
        {"policy": Policy(ignore=(Ignore("greylistet"),))},
        {"policy": Policy(ignore=("greylisted",))},  # type: ignore[arg-type]
        {"retries": -1},
        {"retries": 1.5},
        {"retries": True},
        {"retries": 101},
    ],
)
def test_what_the_api_refuses(wrong: dict[str, Any]) -> None:
    """A slip in a program's policy does not pass for a healthy run."""
    given_settings = Settings.of(host=HOST, port=9)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        smtpdoctor.check(given_settings, **wrong)
    if "policy" in wrong:
        with pytest.raises(ValueError, match="policy"):
            smtpdoctor.lint(given_settings, **wrong)


def test_the_policy_of_a_program() -> None:
    """The API applies it as the command does; without one the verdict decides."""
    with servers.serve(servers.greet(code=421)) as server:
        there = settings_for(server.port)
        report = smtpdoctor.check(there, until="tls", timeout=5)
        assert (report.verdict, report.healthy) == ("inconclusive", False)
        policy = Policy(fail_on="permanent")
        assert smtpdoctor.check(there, until="tls", timeout=5, policy=policy).healthy
        policy = Policy(ignore=(Ignore(report.findings[0].id, "known"),))
        again = smtpdoctor.check(there, until="tls", timeout=5, policy=policy)
        assert (again.verdict, again.healthy, again.ignored[0].reason) == ("pass", True, "known")
