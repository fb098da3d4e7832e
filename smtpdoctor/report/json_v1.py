"""JSON, version 1: a stable shape of its own, apart from the internal values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from smtpdoctor import __version__
from smtpdoctor.model import (
    Finding,
    Lang,
    Message,
    Report,
    Secret,
    SettingName,
    Settings,
)
from smtpdoctor.text import say

__all__ = [
    "VERSION",
    "dump",
    "explained",
    "finding_object",
    "render",
    "render_failure",
    "tool",
    "usage_finding",
]

VERSION: Final = 1
_SETTINGS: Final[tuple[SettingName, ...]] = ("host", "port", "security", "username", "password", "sender")
_OPTIONAL: Final[tuple[SettingName, ...]] = ("cipher", "ehlo", "recipient")


def dump(value: Mapping[str, Any]) -> str:
    """Return an object as the project prints JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def tool() -> dict[str, str]:
    """Return what every object says of the program that made it."""
    return {"name": "smtpdoctor", "version": __version__}


def _settings(settings: Settings) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name in (*_SETTINGS, *_OPTIONAL):
        setting = settings.get(name)
        if setting is not None:
            value = Secret.MASK if isinstance(setting.value, Secret) else setting.value
            shown[name] = {"value": value, "origin": str(setting.origin)}
        elif name in _SETTINGS:
            shown[name] = {}
    return shown


def finding_object(finding: Finding, advice: Any, **evidence: Any) -> dict[str, Any]:
    """Return one finding with its words."""
    return {
        "id": finding.id,
        "stage": finding.stage,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "fault": finding.fault,
        "retryable": finding.retryable,
        "title": advice.title,
        "meaning": advice.meaning,
        "fixes": list(advice.fixes),
        "links": [url for _, url in advice.links],
        "evidence": {
            "code": finding.evidence.code,
            "enhanced": finding.evidence.enhanced,
            "error": finding.evidence.error,
            "text": finding.evidence.text,
            **evidence,
        },
        "origin": advice.origin,
        "candidates": list(finding.candidates),
    }


def _findings(report: Report, lang: Lang) -> list[dict[str, Any]]:
    if not report.findings:
        return []
    from smtpdoctor.advice import advise, context_of

    context = context_of(report)
    return [finding_object(one, advise(one, context, lang)) for one in report.findings]


def render(report: Report, lang: Lang, *, transcript: bool = False) -> str:
    """Return the report as one JSON object."""
    shown: dict[str, Any] = {
        "version": VERSION,
        "tool": tool(),
        "verdict": report.verdict,
        "settings": _settings(report.settings),
        "preset": report.settings.preset,
        "app": report.settings.app,
        "stages": [
            {
                "name": result.stage,
                "status": result.status,
                "seconds": round(result.seconds, 3),
                "summary": say(lang, result.summary),
                "facts": msgspec.to_builtins(result.facts) if result.facts is not None else {},
            }
            for result in report.stages
        ],
        "findings": _findings(report, lang),
    }
    if transcript:
        shown["transcript"] = [
            {
                "seconds": round(turn.seconds, 3),
                "direction": turn.direction,
                "encrypted": turn.encrypted,
                "text": turn.text,
            }
            for turn in report.transcript
        ]
    return dump(shown)


def render_failure(finding: Mapping[str, Any]) -> str:
    """Return the object of a run that could not begin; its one finding says why."""
    return dump(
        {
            "version": VERSION,
            "tool": tool(),
            "verdict": "fail",
            "settings": {},
            "preset": None,
            "app": None,
            "stages": [],
            "findings": [finding],
        }
    )


def explained(findings: Iterable[Mapping[str, Any]]) -> str:
    """Return the object of ``explain``."""
    return dump({"version": VERSION, "tool": tool(), "findings": list(findings)})


def usage_finding(finding_id: str, message: Message, hints: Sequence[Message], lang: Lang) -> dict[str, Any]:
    """Return a usage error as a finding, so that JSON stays JSON."""
    text = say(lang, message)
    return {
        "id": finding_id,
        "stage": "config",
        "severity": "error",
        "confidence": "certain",
        "fault": "config",
        "retryable": False,
        "title": text,
        "meaning": text,
        "fixes": [say(lang, hint) for hint in hints],
        "links": [],
        "evidence": {"code": None, "enhanced": None, "error": "usage", "text": text},
        "origin": None,
        "candidates": [],
    }
