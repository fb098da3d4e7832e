"""Whether a file is one that smtpdoctor wrote, known by what stands in it.

``--output`` replaces such a file without asking. What a user has written, or has added to a file of
ours, is worth more than the bother of a ``--force``: where there is doubt the file is not ours.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from smtpdoctor.files import read_file
from smtpdoctor.knowledge import load
from smtpdoctor.model import Stage
from smtpdoctor.text import LANGUAGES, messages, say

__all__ = ["is_ours"]

_LARGEST: Final = 16_777_216  # a larger report there is not
_FIRST_LINES: Final = 8
_JSON: Final = re.compile(r'\s*\{\s*"version"\s*:\s*\d+\s*,\s*"tool"\s*:\s*\{\s*"name"\s*:\s*"smtpdoctor"')
_HEADING: Final = re.compile(r"smtpdoctor \d+\.\d+\S*(?:  .*)?")
_MARK: Final = re.compile(r"<!-- smtpdoctor \d+\.\d+\S* -->")
_METRICS: Final = re.compile(r"# smtpdoctor \d+\.\d+\S*")
_METRIC: Final = re.compile(r"smtpdoctor_|# (?:(?:HELP|TYPE) smtpdoctor_|smtpdoctor )")
_ANNOTATION: Final = re.compile(r"::(?:error|warning|notice) (?:[^:]*,)?title=smtpdoctor\b")
_STATUS_LINE: Final = re.compile(r"SMTPDOCTOR (?:OK|WARNING|CRITICAL|UNKNOWN) - ")
_SARIF: Final = re.compile(
    r'\s*\{\s*"\$schema"\s*:\s*"[^"]*sarif[^"]*"\s*,\s*"version"\s*:\s*"2\.1\.0"\s*,\s*"runs"\s*:\s*\['
    r'\s*\{\s*"tool"\s*:\s*\{\s*"driver"\s*:\s*\{\s*"name"\s*:\s*"smtpdoctor"'
)
_STATUS: Final = "✔✖!?"
_ASSIGNMENT: Final = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)")


def is_ours(path: Path) -> bool:
    """Whether a file may be replaced: a report, a list or the settings of a sandbox, or nothing at all.

    What is no ordinary file (a pipe, ``/dev/null``) cannot be lost. Raises OSError.
    """
    if not path.exists() or not path.is_file():
        return True
    if path.stat().st_size > _LARGEST:
        return False
    try:
        text = read_file(path, most=_LARGEST, flag="--output").decode()
    except UnicodeDecodeError:
        return False
    lines = text.splitlines()
    return (
        not text.strip()
        or bool(_JSON.match(text))
        or _is_format(text, lines)
        or bool(lines and _HEADING.fullmatch(lines[0]))
        or _is_verdict(lines)
        or _is_explanation(lines)
        or _is_list_of_presets(lines)
        or _is_sandbox(lines)
    )


def _is_format(text: str, lines: list[str]) -> bool:
    """Whether this is a report in one of the formats for programs or pages, whole and with its mark."""
    begin, last = lines[:2], lines[-1]
    marked = any(_MARK.fullmatch(line) for line in begin)
    if lines[0].startswith(("<?xml", "<!DOCTYPE html>")):
        return marked and last in {"</testsuites>", "</html>"}
    if lines[0].startswith("<!--"):
        return marked and last == "<!-- smtpdoctor: end -->"
    if lines[0].startswith("# "):
        return _METRICS.fullmatch(lines[0]) is not None and all(map(_METRIC.match, lines))
    if lines[0].startswith("::"):
        return all(map(_ANNOTATION.match, lines))
    if len(lines) == 1 and _STATUS_LINE.match(last):
        return True
    return bool(_SARIF.match(text)) or _is_code_quality(text)


def _is_code_quality(text: str) -> bool:
    """Whether this is GitLab's list of findings with none but ours; an empty one is nobody's loss."""
    if not text.startswith("["):
        return False
    import msgspec

    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return all(
        isinstance(one, dict) and str(one.get("check_name")).startswith("smtpdoctor/") for one in found
    )


def _is_verdict(lines: list[str]) -> bool:
    """Whether this is what ``--quiet`` leaves of a report: one line that begins as a verdict does."""
    if len(lines) != 1 or lines[0][:1] not in _STATUS or lines[0][1:2] != " ":
        return False
    said = lines[0][2:]
    if said.partition(":")[0] in load.ids():
        return True
    keys = [key for key in messages("en") if key.startswith("verdict.")]
    # The terminal shows what stands in backticks without them.
    texts = [messages(lang)[key].replace("`", "") for lang in LANGUAGES for key in keys]
    heads = [text.partition("{")[0] for text in texts]
    return any(head and said.startswith(head) for head in heads)


def _is_explanation(lines: list[str]) -> bool:
    """Whether a finding stands at the top, its title beside its id, or the list of all of them."""
    if lines in [[say(lang, "report.no-findings")] for lang in LANGUAGES]:
        return True
    told = [line for line in lines if line.strip()][:_FIRST_LINES]
    stages = {say(lang, f"stage.{stage}") for lang in LANGUAGES for stage in Stage}
    known = frozenset(load.ids())
    for number, line in enumerate(told):
        name = re.match(r" {0,2}([a-z0-9-]+)(?:  | · )", line)
        if name is None or name[1] not in known:
            continue
        # A narrow terminal breaks the title over several lines.
        above = " ".join(" ".join(told[:number]).split())
        titles = [load.entry(name[1]).title.in_(lang) for lang in LANGUAGES]
        if number == 0:
            return any(line[name.end() :].strip() == title for title in titles)
        return told[0] in stages or (told[0].startswith("  ") and above.endswith(tuple(titles)))
    return False


def _is_list_of_presets(lines: list[str]) -> bool:
    """Whether this is what ``presets`` prints: its list, its ids, or one of them in full."""
    known = load.presets()
    told = [line for line in lines if line.strip()]
    if all(line in known for line in told):
        return True
    name, _, last = told[0].rpartition("  ")
    if last in known and name in {known[last].name.in_(lang) for lang in LANGUAGES}:
        return True
    heads = {say(lang, "presets.name") for lang in LANGUAGES}
    return told[0].split("  ")[0] in heads and len(told) > 1 and told[1].split(" ")[0] in known


def _is_sandbox(lines: list[str]) -> bool:
    """Whether these are the settings of a sandbox and nothing else."""
    heads = {f"# {say(lang, 'sandbox.env-starttls')}" for lang in LANGUAGES}
    if not lines or lines[0] not in heads:
        return False
    told = [found for line in lines if (found := _ASSIGNMENT.fullmatch(line))]
    names = {found[1] for found in told}
    hosts = {found[2] for found in told if found[1] == "SMTP_HOST"}
    return all(name.startswith("SMTP_") for name in names) and hosts <= {"127.0.0.1", "localhost"}
