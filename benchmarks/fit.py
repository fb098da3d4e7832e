"""How much what is seen in texts speaks for each entry: ``python benchmarks/fit.py CASES.jsonl… --among WORDINGS``.

A logistic model, fitted to labelled texts and to the examples of the catalogue, each read without the
patterns that only it supports: otherwise the rules would look better than they are on texts that nobody has
seen. Writes ``smtpdoctor/scores.json``; ``evaluate.py --own-out`` says what it is worth.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import exp, sqrt
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.support import own_parts, without
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.schema import Scores
from smtpdoctor.logs import explain_text
from smtpdoctor.logs.judge import weighed
from smtpdoctor.logs.score import NONE, Verdict

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
_ROUNDS: Final = 14
_RATE: Final = 0.12
_SHRINK: Final = 0.02  # of each weight, at each step that it takes part in
_RARE: Final = 4  # texts, in fewer of which something seen says nothing
_OF_EXAMPLES: Final = 1.0  # what an example counts beside a text as people paste it
_OF_WORDINGS: Final = 0.25  # and a line as a system prints it: they are many, and cut out
_SMALL: Final = 0.08
_FLAT: Final = 0.01
_KNOWN: Final = 0.97  # a text that is answered so surely teaches nothing more
_TWO: Final = 2
# Hundredths of probability, held against the texts by `evaluate.py --own-out`.
_CERTAIN: Final = 98
_LIKELY: Final = 60


class Sample(NamedTuple):
    """What was seen in a text, what the rules said, and the ids that are right."""

    seen: Sequence[str]
    rules: Mapping[str, Sequence[str]]
    right: frozenset[str]
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
    """Return what is seen in each text, read without the patterns that no other of the texts supports."""
    found: list[list[Sample]] = []
    for case, own in zip(cases, own_parts([case["text"] for case in cases]), strict=True):
        seen: list[tuple[Sequence[str], Mapping[str, Sequence[str]]]] = []

        def note(
            names: Sequence[str],
            rules: Mapping[str, Sequence[str]],
            seen: list[tuple[Sequence[str], Mapping[str, Sequence[str]]]] = seen,
        ) -> Verdict | None:
            seen.append((names, rules))
            return None

        known = load.preset(case.get("provider") or "")
        with load.reduced(without(own)):
            explain_text(case["text"], provider=known.id if known else None, weigh=note)
        found.append(_labelled(seen, case))
    return found


def _labelled(
    seen: Sequence[tuple[Sequence[str], Mapping[str, Sequence[str]]]], case: Mapping[str, Any]
) -> list[Sample]:
    """Return the samples of a text: which of several records its label is about, the rules have to say."""
    right = frozenset(case["label"])
    weight = _OF_EXAMPLES if case.get("example") else _OF_WORDINGS if case.get("wording") else 1.0
    if NONE not in right and len(seen) > 1:
        fitting = [one for one in seen if next(iter(one[1]), None) in right]
        seen = fitting[:1] or (seen[:1] if len(seen) <= _TWO else [])
    return [Sample(names, rules, right, weight / max(len(seen), 1)) for names, rules in seen]


def fit(samples: Sequence[Sample], seed: int = 1) -> Scores:
    """Return the weights under which the right ids are the likeliest: AdaGrad on the logistic loss."""
    counts = Counter(name for sample in samples for name in set(sample.seen))
    used = {name for name, count in counts.items() if count >= _RARE} | {"always"}
    ids = sorted({name for sample in samples for name in sample.right})
    places = {name: place for place, name in enumerate(ids)}
    size = len(ids)
    weights: dict[str, dict[int, float]] = {name: {} for name in used}
    squares: dict[str, dict[int, float]] = {name: {} for name in used}
    shared: dict[str, float] = {}
    shared_squares: dict[str, float] = {}
    rng = random.Random(seed)  # noqa: S311 -- the order of the texts
    ready = [
        (
            ["always", *(name for name in sample.seen if name in used)],
            [(places[name], spoken) for name, spoken in sample.rules.items() if name in places],
            [places[name] for name in sample.right],
            sample.weight,
        )
        for sample in samples
    ]
    for number in range(_ROUNDS):
        rng.shuffle(ready)
        rate = _RATE / (1 + number / 6)
        for names, rules, right, weight in ready:
            sums = [0.0] * size
            for name in names:
                for place, value in weights[name].items():
                    sums[place] += value
            for place, spoken in rules:
                sums[place] += sum(shared.get(one, 0.0) for one in spoken)
            shares = _shares(sums)
            held = sum(shares[place] for place in right) or 1e-9
            if held > _KNOWN:
                continue
            slopes = [weight * share for share in shares]
            for place in right:
                slopes[place] -= weight * shares[place] / held
            steep = [(place, slope) for place, slope in enumerate(slopes) if abs(slope) > _FLAT]
            for name in names:
                row, sums_of = weights[name], squares[name]
                for place, slope in steep:
                    before = row.get(place, 0.0)
                    step = slope + _SHRINK * before
                    sums_of[place] = square = sums_of.get(place, 0.1) + step * step
                    row[place] = before - rate * step / sqrt(square)
            for place, spoken in rules:
                slope = slopes[place]
                for one in spoken:
                    shared_squares[one] = square = shared_squares.get(one, 0.1) + slope * slope
                    shared[one] = shared.get(one, 0.0) - rate * slope / sqrt(square)
    pairs = {
        name: tuple(
            number
            for place, value in sorted(row.items())
            if abs(value) >= _SMALL
            for number in (place, round(100 * value))
        )
        for name, row in sorted(weights.items())
    }
    return Scores(
        ids=tuple(ids),
        weights={name: some for name, some in pairs.items() if some},
        rules={name: round(100 * value) for name, value in sorted(shared.items())},
        certain=_CERTAIN,
        likely=_LIKELY,
        concepts=load.scores().concepts,
    )


def _shares(sums: Sequence[float]) -> list[float]:
    highest = max(sums)
    powers = [exp(one - highest) for one in sums]
    total = sum(powers)
    return [one / total for one in powers]


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
    lines = ",\n".join(
        f"{msgspec.json.encode(name).decode()}: {msgspec.json.encode(value).decode()}"
        for name, value in written.pop("weights").items()
    )
    head = ",\n".join(
        f"{msgspec.json.encode(name).decode()}: {msgspec.json.encode(value).decode()}"
        for name, value in written.items()
    )
    path.write_text(f'{{{head},\n"weights": {{\n{lines}\n}}}}\n', encoding="utf-8")
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
