"""How much what is seen in texts speaks for a failure: ``python benchmarks/fit.py CASES.jsonl… --among WORDINGS``.

A logistic model, fitted to labelled texts and to the examples of the catalogue, each read without the
patterns that only it supports: otherwise the rules would look better than they are on texts that nobody has
seen. Writes ``smtpdoctor/scores.json``; ``evaluate.py --own-out`` says what it is worth.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.support import own_parts, without
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.schema import Scores
from smtpdoctor.logs import explain_text
from smtpdoctor.logs.judge import weighed
from smtpdoctor.logs.score import logistic

__all__ = [
    "FOLDS",
    "Sample",
    "cases_of",
    "examples",
    "fit",
    "fold_of",
    "read_without_own",
    "samples_of",
    "wordings_of",
]

FOLDS: Final = 5
_ROUNDS: Final = 40
_SHRINK: Final = 9.0  # what a weight costs, squared and halved, beside the losses of all texts
_RARE: Final = 2  # texts, in fewer of which something seen says nothing
_RARE_WORD: Final = 3
_OF_WORDINGS: Final = 0.1  # what a line counts as a system prints it: they are many, and cut out
_SMALL: Final = 0.02
_STEEP: Final = 1e-9
_STILL: Final = 0.01  # a step that changes nothing any more, as weights are kept in hundredths
_NONE: Final = "none"
# Hundredths of probability, held against the texts by `evaluate.py --own-out`.
_TOLD: Final = 68
_ALONE: Final = 50
_LIKELY: Final = 90
_CERTAIN: Final = 98


class Sample(NamedTuple):
    """What was seen in a record of a text, and whether it tells of a failure."""

    seen: Sequence[str]
    failure: bool
    weight: float = 1.0


def cases_of(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the cases of files of labelled texts."""
    return [msgspec.json.decode(line) for path in paths for line in path.read_bytes().splitlines() if line]


def wordings_of(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the lines of files that systems print: they support patterns, and count less than a whole text."""
    return [{**case, "wording": True} for case in cases_of(paths)]


def examples(but: Iterable[str]) -> list[dict[str, Any]]:
    """Return the examples and near misses of the catalogue as cases, but for texts that are known already."""
    seen = {text.strip() for text in but}
    found = []
    for name, entry in load.from_sources().entries.items():
        cases = [(one.text, name, one.provider) for one in entry.example]
        cases += [(one.text, one.id, one.provider) for one in entry.near_miss]
        for text, label, provider in cases:
            if text.strip() and text.strip() not in seen:
                seen.add(text.strip())
                found.append({"text": text, "label": [label], "provider": provider, "example": True})
    return found


def fold_of(case: Mapping[str, Any]) -> int:
    """Return the part of the texts to which one belongs: those of one project stay together."""
    project = (case.get("source") or "").partition("#")[0].strip() or case["text"]
    return int(hashlib.sha256(project.encode()).hexdigest(), 16) % FOLDS


def samples_of(cases: Sequence[Mapping[str, Any]]) -> list[list[Sample]]:
    """Return what is seen in each text, read without the patterns that no other of the texts supports.

    Lines that systems print are there for the patterns that they support, and are read with all of them.
    """
    found: list[list[Sample]] = []
    texts = [case["text"] for case in cases if not case.get("wording")]
    own_of = dict(zip(texts, own_parts(texts), strict=True))
    for case in cases:
        own = () if case.get("wording") else own_of[case["text"]]
        seen: list[Sequence[str]] = []

        def note(names: Sequence[str], seen: list[Sequence[str]] = seen) -> float | None:
            seen.append(names)
            return None

        known = load.preset(case.get("provider") or "")
        with load.reduced(without(own)):
            explain_text(case["text"], provider=known.id if known else None, weigh=note)
        found.append(_labelled(seen, case))
    return found


def _labelled(seen: Sequence[Sequence[str]], case: Mapping[str, Any]) -> list[Sample]:
    """Return the samples of a text: which of several records its label is about, the rules have to say."""
    failure = _NONE not in case["label"]
    if failure and len(seen) > 1:
        fitting = [one for one in seen if any(f"rule.{name}" in one for name in case["label"])]
        seen = fitting[:1] or seen[:1]
    weight = _OF_WORDINGS if case.get("wording") else 1.0
    return [Sample(names, failure, weight / len(seen)) for names in seen]


def fit(samples: Sequence[Sample]) -> Scores:
    """Return the weights under which the labels are the likeliest: Newton's steps, one weight after the other."""
    counts = Counter(name for sample in samples for name in set(sample.seen))
    rows: dict[str, list[int]] = defaultdict(list)
    for number, sample in enumerate(samples):
        rows["always"].append(number)
        for name in set(sample.seen):
            if counts[name] >= (_RARE_WORD if name.startswith("w.") else _RARE):
                rows[name].append(number)
    sums = [0.0] * len(samples)
    weights = dict.fromkeys(sorted(rows), 0.0)
    for _ in range(_ROUNDS):
        farthest = 0.0
        for name, weight in weights.items():
            shrink = 0.0 if name == "always" else _SHRINK
            slope, curve = shrink * weight, shrink + _STEEP
            for number in rows[name]:
                share = logistic(sums[number])
                sample = samples[number]
                slope += sample.weight * (share - sample.failure)
                curve += sample.weight * share * (1 - share)
            step = max(-1.0, min(slope / curve, 1.0))
            weights[name] = weight - step
            farthest = max(farthest, abs(step))
            for number in rows[name]:
                sums[number] -= step
        if farthest < _STILL:
            break
    return Scores(
        weights={name: round(100 * value) for name, value in weights.items() if abs(value) >= _SMALL},
        told=_TOLD,
        alone=_ALONE,
        likely=_LIKELY,
        certain=_CERTAIN,
        concepts=load.scores().concepts,
    )


def read_without_own(
    cases: Sequence[Mapping[str, Any]], number: int, scores: Scores, own: Sequence[Sequence[Any]]
) -> list[Any]:
    """Explain a text by weights that were fitted without it, and without its own patterns."""
    case = cases[number]
    known = load.preset(case.get("provider") or "")
    reduced = msgspec.structs.replace(without(own[number]), scores=scores)
    with load.reduced(reduced):
        return list(explain_text(case["text"], provider=known.id if known else None, weigh=weighed))


def write(scores: Scores) -> Path:
    """Write weights to where the package has them, a line for each thing seen."""
    written = {**msgspec.to_builtins(scores)}
    del written["concepts"]
    path = Path(__file__).parent.parent / "smtpdoctor" / "scores.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(written), indent=1) + b"\n")
    return path


def main() -> int:
    """Fit the weights to all texts, and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="+")
    parser.add_argument("--among", type=Path, nargs="*", default=[], help="lines as systems print them")
    arguments = parser.parse_args()
    cases = [*cases_of(arguments.file), *wordings_of(arguments.among)]
    cases += examples(case["text"] for case in cases)
    scores = fit([sample for several in samples_of(cases) for sample in several])
    path = write(scores)
    print(f"{len(cases)} texts, {len(scores.weights)} things seen, {path.stat().st_size >> 10} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
