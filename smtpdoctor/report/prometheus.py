"""Metrics for the textfile collector of Prometheus' node_exporter.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final, get_args

from smtpdoctor.masking.words import printable
from smtpdoctor.model import Severity, Status, Verdict
from smtpdoctor.report.told import days_left, mark, one_line, plain

if TYPE_CHECKING:
    from smtpdoctor.report.told import Told

__all__ = ["tell"]

_Sample = tuple[dict[str, str], float]
_HELP: Final = {
    "up": "Whether mail can be sent with these settings (verdict pass or warn).",
    "verdict": "The verdict of the run: 1 for the one that it is.",
    "not_run": "A profile without a report: it could not be run, or was not reached.",
    "attempts": "How often it was tried, where temporary failures are tried again.",
    "ignored": "A finding that is ignored: its id, and why.",
    "findings": "How many findings there are.",
    "finding_info": "A finding: its id, and the first step to mend it.",
    "stage_status": "How a stage ended: 1 for the status that it has.",
    "stage_seconds": "How long a stage took.",
    "certificate_days": "Days until the server's certificate expires.",
    "run_seconds": "How long the run took.",
    "last_run_timestamp_seconds": "When the run ended.",
}


def tell(told: Told) -> str:
    """Return the metrics of all reports."""
    lines = [f"# {mark()}"]
    for name, samples in _metrics(told).items():
        if samples:
            lines += [f"# HELP smtpdoctor_{name} {_HELP[name]}", f"# TYPE smtpdoctor_{name} gauge"]
            lines += [f"smtpdoctor_{name}{_labels(labels)} {_number(value)}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _metrics(told: Told) -> dict[str, list[_Sample]]:
    found: dict[str, list[_Sample]] = {name: [] for name in _HELP}
    for name, sample in _samples(told):
        found[name].append(sample)
    return found


def _samples(told: Told) -> Iterator[tuple[str, _Sample]]:
    for part in told.parts:
        view = part.view
        host = next((row.shown for row in view.settings if row.name == "host" and row.value is not None), "")
        port = next((row.shown for row in view.settings if row.name == "port" and row.value is not None), "")
        base = {"service": part.name, "host": host, "port": port}
        yield "up", (base, view.verdict in {"pass", "warn"})
        for verdict in get_args(Verdict):
            yield "verdict", ({**base, "verdict": verdict}, verdict == view.verdict)
        for severity in Severity:
            count = sum(one.severity is severity for one in view.problems)
            yield "findings", ({**base, "severity": severity.value}, count)
        for number, one in enumerate(view.problems, 1):
            about = {
                "number": str(number),
                "id": one.id,
                "stage": one.stage.value,
                "severity": one.severity.value,
            }
            step = plain(one.steps[0]) if one.steps else ""
            yield "finding_info", ({**base, **about, "fault": one.fault.value, "step": step}, 1)
        for line in view.stages:
            stage = {**base, "stage": line.stage.value}
            for status in Status:
                yield "stage_status", ({**stage, "status": status.value}, status is line.status)
            yield "stage_seconds", (stage, line.seconds)
        days = days_left(view)
        if days is not None:
            yield "certificate_days", (base, days)
        yield "run_seconds", (base, view.seconds)
        if view.attempts:
            yield "attempts", (base, len(view.attempts))
        for name, reason in dict.fromkeys((one.id, one.reason) for one in view.ignored):
            yield "ignored", ({**base, "id": name, "reason": reason}, 1)
    for profile in told.unrun:
        yield "not_run", ({"service": profile.name}, 1)
        if profile.error:  # of one that was not reached nobody knows
            yield "up", ({"service": profile.name}, 0)
    if told.when:
        yield "last_run_timestamp_seconds", ({}, datetime.fromisoformat(told.when).timestamp())


def _labels(labels: dict[str, str]) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in _present(labels))
    return f"{{{told}}}" if told else ""


def _present(labels: dict[str, str]) -> Iterable[tuple[str, str]]:
    return ((name, value) for name, value in labels.items() if value)


def _escaped(text: str) -> str:
    return printable(one_line(text)).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(int(value))
