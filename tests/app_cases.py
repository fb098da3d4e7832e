"""Holds what is said of real configurations against what is right.

A folder has a folder for each case and ``expected.jsonl``: application, effective values, findings with their
lines.
"""

from __future__ import annotations

import json
from collections import Counter
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from smtpdoctor.cli.config import load_configs
from smtpdoctor.cli.known import Known
from smtpdoctor.doctor import lint_only
from smtpdoctor.errors import UsageError
from smtpdoctor.labels import Label
from smtpdoctor.model import Finding, Severity
from smtpdoctor.settings.resolve import Flags
from smtpdoctor.text import say

__all__ = ["answer", "cases_in", "score"]

KINDS = {
    Label.TLS_ON_STARTTLS_PORT: "tls-port-mismatch",
    Label.STARTTLS_ON_TLS_PORT: "tls-port-mismatch",
    Label.PLAIN_ON_TLS_PORT: "tls-port-mismatch",
    Label.PORT_NOT_OFFERED: "wrong-port",
    Label.READING_PORT: "wrong-protocol",
    Label.WORD_NOT_READ: "invalid-value",
    Label.WORD_REFUSED: "invalid-value",
    Label.NOT_A_NUMBER: "invalid-value",
    Label.OPPOSITE_MEANING: "opposite-meaning",
    Label.NO_EFFECT: "ignored-setting",
    Label.FOREIGN_NAME: "unknown-setting",
    Label.UNREAD_NAME: "unknown-setting",
    Label.NEAR_NAME: "unknown-setting",
    Label.REFUSES_TO_START: "contradiction",
    Label.REFUSES_TO_SEND: "contradiction",
    Label.MAIL_OFF: "mail-off",
    Label.REPLACED: "overridden",
    Label.NO_CHECK: "no-verify",
    Label.NO_NAME_CHECK: "no-verify",
    Label.HALF_LOGIN: "no-login",
    Label.SENDER_NOT_LOCAL_PART: "sender",
    Label.SENDER_HAS_NAME: "sender",
    Label.NOT_AN_ADDRESS: "sender",
    Label.SENDER_NOT_LOGIN: "sender",
    Label.SENDER_NOT_OWN: "sender",
    Label.MISSING: "missing-setting",
    Label.NO_CREDENTIALS: "no-login",
    Label.NO_ENCRYPTION: "cleartext",
    Label.CLEARTEXT: "cleartext",
    Label.QUOTES_KEPT: "quotes-kept",
    Label.QUOTED: "quotes-kept",
    Label.COMMENT_KEPT: "comment-kept",
    Label.VALUE_CUT: "value-cut",
    Label.EXPANDED: "value-cut",
    Label.TRAILING_NEWLINE: "trailing-newline",
    Label.BLANKS_LOST: "unquoted-space",
    Label.URL_SIGN: "url-encoding",
    Label.URL_SCHEME: "invalid-value",
    Label.URL_HOST: "url-encoding",
    Label.USERNAME_FORM: "wrong-credentials-form",
    Label.PASSWORD_FORM: "wrong-credentials-form",
    Label.WRONG_CREDENTIAL: "wrong-credentials-form",
    Label.PLACEHOLDER: "placeholder",
    Label.TLS_OPTIONAL: "downgrade",
}


def answer(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    """Return what the program says of a case, in the words of the expectations."""
    main = folder / case["id"] / case["main"]
    given = {"id": case["id"], "app": None, "findings": []}
    try:
        found = load_configs(Flags(), [main], environment=False, known=Known())
    except UsageError as error:
        given["error"] = say("en", error.message)
        return given
    if case["app"] == "several" or len(found) > 1:
        given["app"] = "several"
    one = found[0]
    reading, settings = one.reading, one.loaded.settings
    report = lint_only(one.loaded)
    if given["app"] is None:
        given["app"] = one.identified.app
    given["host"] = settings.host.value if settings.host else None
    given["port"] = settings.port.value if settings.port else None
    username, sender = reading.used.get("username"), reading.used.get("sender")
    given["username"] = username.text if username else None
    given["sender"] = _bare(sender.text) if sender and sender.text else None
    given["security"] = reading.security.value if reading.security and reading.connects else None
    # Where there is no login it is not sent either, however far the application gets.
    given["sends_login"] = reading.logs_in if reading.connects or reading.logs_in is False else None
    root = main.parent
    for _ in Path(case["main"]).parts[1:]:
        root = root.parent
    given["findings"] = [
        {"kind": _kind(finding), "line": origin.line, "file": _beside(origin.path, root, case)}
        for finding in report.findings
        if finding.severity is not Severity.INFO
        and (origin := finding.evidence.origin) is not None
        and origin.line is not None
    ]
    given["without a line"] = [
        finding.id
        for finding in report.findings
        if finding.severity is not Severity.INFO
        and (finding.evidence.origin is None or finding.evidence.origin.line is None)
    ]
    return given


def _bare(text: str) -> str:
    return parseaddr(text)[1] if "<" in text else text


def _beside(path: str | None, root: Path, case: dict[str, Any]) -> str:
    shown = Path(path or "").resolve()
    return str(shown.relative_to(root.resolve())) if shown.is_relative_to(root.resolve()) else case["main"]


def _kind(finding: Finding) -> str:
    return next((KINDS[label] for label in finding.evidence.labels if label in KINDS), finding.id)


def _right(case: dict[str, Any], given: dict[str, Any], key: str) -> bool:
    allowed = [case[key], *(one[key] for one in case.get("versions", []) if key in one)]
    return given.get(key) in allowed


def score(cases: list[dict[str, Any]], answers: dict[str, dict[str, Any]]) -> tuple[Counter[str], list[str]]:
    """Count what is right, and list every miss."""
    counts: Counter[str] = Counter()
    misses: list[str] = []
    for case in cases:
        given = answers.get(case["id"], {})
        if "error" in given:
            misses.append(f"{case['id']}: {given['error']}")
        for key in ("app", "host", "port", "security", "username", "sender", "sends_login"):
            counts[f"{key} of"] += 1
            if _right(case, given, key):
                counts[f"{key} right"] += 1
            else:
                misses.append(f"{case['id']}: {key} {given.get(key)!r}, expected {case[key]!r}")
        left = list(given.get("findings", []))
        known = set()
        for wanted in case["findings"]:
            file = wanted.get("file", case["main"])
            lines = {wanted["line"], *wanted.get("lines_ok", [])}
            known |= {(file, line) for line in lines}
            hits = [
                one
                for one in left
                if one["file"] == file and one["line"] in lines and one["kind"] == wanted["kind"]
            ]
            counts["findings of"] += 1
            if hits:
                counts["findings right"] += 1
                left.remove(hits[0])
            else:
                misses.append(
                    f"{case['id']}: missed {wanted['kind']} at {file}:{wanted['line']} ({wanted['setting']})"
                )
        for one in left:
            if (one["file"], one["line"]) in known or one["kind"] in case["also_ok"]:
                continue
            counts["false alarms"] += 1
            counts["false alarms where nothing is wrong"] += not case["trap"]
            misses.append(f"{case['id']}: false alarm {one['kind']} at {one['file']}:{one['line']}")
    return counts, misses


def cases_in(folder: Path) -> list[dict[str, Any]]:
    """Return what is expected of each case."""
    lines = (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]
