"""How often ``explain`` names the right cause: ``python benchmarks/evaluate.py CASES.jsonl…``.

A case is a JSON object a line: ``text``, ``label`` (the ids that are right; ``none``: no finding),
and perhaps ``provider``, which is passed as ``--preset`` where it is one. A case is right when the
first finding's id is among its labels.

``--own-out`` is the honest share of texts that were in view while patterns were written: each text is
explained without the patterns that only it supports, and by weights fitted without the texts of its project.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.fit import FOLDS, cases_of, examples, fit, fold_of, read_without_own, samples_of, wordings_of
from benchmarks.support import own_parts
from smtpdoctor.knowledge import load
from smtpdoctor.logs import explain_text


class Outcome(NamedTuple):
    """What the first finding says: its id, ``none`` where there is none, and how sure it is."""

    id: str
    confidence: str


def outcome(case: dict[str, Any]) -> Outcome:
    """Explain one text."""
    known = load.preset(case.get("provider") or "")
    found = explain_text(case["text"], provider=known.id if known else None)
    if not found:
        return Outcome("none", "none")
    return Outcome(found[0].finding.id, str(found[0].finding.confidence))


def own_left_out(cases: Sequence[dict[str, Any]], among: Sequence[dict[str, Any]]) -> Iterator[Outcome]:
    """Explain each text without the patterns that no other text supports, by weights fitted without its part.

    ``among`` are further texts, by which patterns are supported and weights fitted.
    """
    every = [*cases, *among]
    own = own_parts([case["text"] for case in every])
    samples = samples_of(every)
    folds = [fold_of(case) for case in every]
    fitted = [
        fit([one for some, of in zip(samples, folds, strict=True) if of != fold for one in some])
        for fold in range(FOLDS)
    ]
    for number in range(len(cases)):
        found = read_without_own(every, number, fitted[folds[number]], own)
        if found:
            yield Outcome(found[0].finding.id, str(found[0].finding.confidence))
        else:
            yield Outcome("none", "none")


def interval(right: int, total: int) -> tuple[float, float]:
    """Return Wilson's interval of 95 % for a share, in percent."""
    if total == 0:
        return 0.0, 100.0
    z, share = 1.96, right / total
    middle = share + z * z / (2 * total)
    wide = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return 100 * (middle - wide) / (1 + z * z / total), 100 * (middle + wide) / (1 + z * z / total)


def _share(right: int, total: int) -> str:
    low, high = interval(right, total)
    return f"{right} of {total}: {100 * right / max(total, 1):.1f} % ({low:.1f} to {high:.1f})"


def report(
    cases: Sequence[dict[str, Any]], outcomes: Sequence[Outcome], *, show: bool, per_id: bool
) -> float:
    """Print the shares and what was confused; return the share that is right, in percent."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    told: Counter[str] = Counter()
    held: Counter[str] = Counter()
    confused: dict[str, list[str]] = defaultdict(list)
    alarms = negatives = 0
    for case, got in zip(cases, outcomes, strict=True):
        wanted = case["label"]
        total[wanted[0]] += 1
        told[got.confidence] += 1
        negatives += wanted == ["none"]
        if got.id in wanted:
            right[wanted[0]] += 1
            held[got.confidence] += 1
            continue
        alarms += wanted == ["none"]
        confused[wanted[0]].append(f"{case.get('id', '?')} → {got.id} ({got.confidence})")
        if show:
            print(
                f"--- {case.get('id')} wanted {wanted} got {got.id} ({got.confidence})\n{case['text'][:900]}\n"
            )
    for name in sorted(total):
        if per_id or confused[name]:
            wrong = "  " + ", ".join(confused[name]) if confused[name] else ""
            print(f"{name:26} {right[name]:4}/{total[name]:<4}{wrong}")
    print(f"\nright: {_share(right.total(), total.total())}")
    print(f"false alarms: {_share(alarms, negatives)}")
    for name in ("certain", "likely", "possible", "none"):
        print(f"{name}: {_share(held[name], told[name])} right")
    return 100 * right.total() / max(total.total(), 1)


def main() -> int:
    """Print the shares; return 1 below the share asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="+")
    parser.add_argument(
        "--own-out", action="store_true", help="leave out the patterns that only the text supports"
    )
    parser.add_argument("--among", type=Path, nargs="*", default=[], help="lines as systems print them")
    parser.add_argument("--at-least", type=float, default=0.0, metavar="PERCENT")
    parser.add_argument("--show", action="store_true", help="print the texts of wrong cases")
    parser.add_argument("--per-id", action="store_true", help="print the ids that are all right, too")
    arguments = parser.parse_args()
    cases = cases_of(arguments.file)
    among = wordings_of(arguments.among)
    if arguments.own_out:
        among += examples(case["text"] for case in [*cases, *among])
    outcomes = list(own_left_out(cases, among)) if arguments.own_out else list(map(outcome, cases))
    share = report(cases, outcomes, show=arguments.show, per_id=arguments.per_id)
    return int(share < arguments.at_least)


if __name__ == "__main__":
    sys.exit(main())
