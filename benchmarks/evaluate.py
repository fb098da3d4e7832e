"""How often ``explain`` names the right cause: ``python benchmarks/evaluate.py CASES.jsonl``.

A case is a JSON object a line: ``text``, ``label`` (the ids that are right; ``none``: no finding),
and perhaps ``provider``, which is passed as ``--preset`` where it is one. A case is right when the
first finding's id is among its labels.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec

from smtpdoctor.knowledge import load
from smtpdoctor.logs import explain_text


def outcome(case: dict[str, Any]) -> str:
    """Return the id of the first finding, ``none`` where there is none."""
    known = load.preset(case.get("provider") or "")
    found = explain_text(case["text"], provider=known.id if known else None)
    return found[0].finding.id if found else "none"


def main() -> int:
    """Print the share, per id, and what was confused; return 1 below the share asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--at-least", type=float, default=0.0, metavar="PERCENT")
    parser.add_argument("--show", action="store_true", help="print the texts of wrong cases")
    arguments = parser.parse_args()
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    confused: dict[str, list[str]] = defaultdict(list)
    alarms = 0
    for line in arguments.file.read_bytes().splitlines():
        case = msgspec.json.decode(line)
        wanted, got = case["label"], outcome(case)
        total[wanted[0]] += 1
        if got in wanted:
            right[wanted[0]] += 1
            continue
        alarms += wanted == ["none"]
        confused[wanted[0]].append(f"{case.get('id', '?')} → {got}")
        if arguments.show:
            print(f"--- {case.get('id')} wanted {wanted} got {got}\n{case['text'][:600]}\n")
    share = 100 * right.total() / max(total.total(), 1)
    for name in sorted(total):
        wrong = "  " + ", ".join(confused[name]) if confused[name] else ""
        print(f"{name:26} {right[name]:4}/{total[name]:<4}{wrong}")
    print(f"\n{right.total()} of {total.total()} right: {share:.1f} %; false alarms: {alarms}")
    return int(share < arguments.at_least)


if __name__ == "__main__":
    sys.exit(main())
