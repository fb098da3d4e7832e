"""Runs checks for the tests: settings from a few words, and what must hold of any report.

``check`` calls the doctor in this process; ``cli`` goes through the command line in this process,
``command`` in one of its own.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
from typer.testing import CliRunner

import smtpdoctor
from smtpdoctor import Report, Settings
from smtpdoctor.cli import app
from smtpdoctor.model import (
    Origin,
    Security,
    Severity,
    Stage,
    Status,
)
from smtpdoctor.report import json_v1
from smtpdoctor.report.view import view_of
from tests.readers import json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from typer.testing import Result

HOST = "127.0.0.1"
USER = "app@example.test"
PASSWORD = "correct horse 7"
ORIGIN = Origin("flag", "test")
# Seconds that no test waits for, to be put where another limit has to end the wait.
NEVER = 300.0
_HANGS = 60.0


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """Check that a wait has an end at all, on whatever machine; `benchmarks/deadlines.py` shows how exact it is."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < _HANGS


def settings_for(  # noqa: PLR0913 -- one for each setting
    port: int,
    security: str = "none",
    *,
    host: str = "localhost",
    username: str | None = USER,
    password: str | None = PASSWORD,
    sender: str | None = USER,
    to: str | None = None,
    ehlo: str | None = None,
    cipher: str | None = None,
    preset: str | None = None,
) -> Settings:
    return Settings.of(
        host=host,
        port=port,
        security=Security(security),
        username=username,
        password=password,
        sender=sender,
        recipient=to,
        ehlo=ehlo,
        cipher=cipher,
        preset=preset,
    )


def check(
    port: int,
    security: str = "none",
    *,
    dial: int | None = None,
    options: Mapping[str, Any] | None = None,
    **values: Any,
) -> Report:
    """Run a check and return its report, which has been found sound; ``dial`` is the port to dial instead."""
    settings = settings_for(port, security, **values)
    given = dict(options or {})
    if isinstance(until := given.get("until"), Stage):
        given["until"] = until.value
    given.setdefault("timeout", 5.0)
    if dial is not None:
        host = settings.host.value if settings.host else ""
        given.setdefault("connect_to", {(host, port): (HOST, dial)})
    report = smtpdoctor.check(settings, **given)
    assert_sound(report)
    return report


def assert_sound(report: Report) -> None:
    """Check what holds of every report, whatever the server did."""
    failed = [one for one in report.stages if one.status is Status.FAIL]
    if failed:
        assert report.verdict in {"fail", "inconclusive"}
    if report.verdict in {"fail", "inconclusive"}:
        assert any(one.severity is Severity.ERROR for one in report.findings)
        assert not report.healthy
    last = next((one for one in failed if one.stage is not Stage.CONFIG), None)
    if last is not None:
        after = report.stages[report.stages.index(last) + 1 :]
        assert all(one.status is Status.SKIP and one.summary.key == "skip.after" for one in after)
    assert len({(one.id, one.evidence.setting) for one in report.findings}) == len(report.findings)
    for lang in ("en", "ko"):
        shown = json_v1.render(view_of(report, lang), transcript=True)
        password = report.settings.password
        if password is not None and len(password.value.reveal()) > 3:
            assert password.value.reveal() not in shown
        json_schema().validate(json.loads(shown))
        for found in json.loads(shown)["findings"]:
            assert found["title"]
            assert found["meaning"]
            assert found["fixes"]


def stage_of(report: Report, stage: Stage) -> Status:
    return next(one.status for one in report.stages if one.stage is stage)


def facts_of(report: Report, stage: Stage) -> dict[str, Any]:
    facts = next(one.facts for one in report.stages if one.stage is stage)
    found: dict[str, Any] = json.loads(msgspec.json.encode(facts)) if facts is not None else {}
    return found


def ids(report: Report) -> list[str]:
    return [one.id for one in report.findings]


def assert_failed(report: Report, finding: str, stage: Stage) -> None:
    """Check that this stage failed, and for this reason."""
    told = (ids(report), [(str(one.stage), str(one.status), one.summary) for one in report.stages])
    assert report.verdict in {"fail", "inconclusive"}, told
    assert (report.verdict == "inconclusive") <= report.findings[0].retryable, told
    assert report.findings[0].id == finding, told
    assert report.findings[0].severity is Severity.ERROR, told
    assert [one.stage for one in report.stages if one.status is Status.FAIL] == [stage], told
    index = [one.stage for one in report.stages].index(stage)
    assert all(one.status is not Status.SKIP or one.summary.values == {} for one in report.stages[:index]), (
        told
    )
    assert all(one.status is Status.SKIP for one in report.stages[index + 1 :]), told


def assert_passed(report: Report) -> None:
    """Check that all went well."""
    told = (ids(report), [(str(one.stage), str(one.status), one.summary) for one in report.stages])
    assert report.verdict == "pass", told
    assert report.findings == (), told
    fine = {Status.PASS, Status.SKIP}
    assert all(one.status in fine or one.suspected for one in report.stages), told
    assert bool(report.settled) == any(one.suspected for one in report.stages), told


def cli(*args: str | Path, env: Mapping[str, str | None] | None = None, code: int | None = None) -> Result:
    """Run the command line in this process; ``code`` is the exit code that it must have."""
    given = {"SMTPDOCTOR_LANG": "en", "COLUMNS": "80", **(env or {})}
    result = CliRunner().invoke(app, [str(arg) for arg in args], env=given)
    if code is not None:
        assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


def command(*args: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "smtpdoctor", *map(str, args)],
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
        timeout=300,
        **more,
    )
