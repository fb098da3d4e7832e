"""What is seen in a text → how probable each entry is, and that it is no mail failure at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp
from typing import Final

from msgspec import Struct

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.schema import Scores
from smtpdoctor.model import Confidence

__all__ = ["NONE", "Verdict", "judged"]

NONE: Final = "none"
_UNIT: Final = 100  # weights are in hundredths


class Verdict(Struct, frozen=True):
    """Entries with their probabilities, the likeliest first; ``none`` is one of them."""

    ranked: tuple[tuple[str, float], ...]

    def confidence(self, name: str, rule: Confidence | None) -> Confidence:
        """Return how sure an answer is; ``rule`` is what the rule says of itself that leads there."""
        scores, share = load.scores(), dict(self.ranked).get(name, 0.0) * _UNIT
        if rule is Confidence.CERTAIN and share >= scores.certain:
            return Confidence.CERTAIN
        likely = share >= scores.likely and rule is not Confidence.POSSIBLE
        return Confidence.LIKELY if likely else Confidence.POSSIBLE


def judged(seen: Iterable[str], rules: Mapping[str, Sequence[str]], scores: Scores) -> Verdict:
    """Return how probable each entry is by all that is seen: a logistic model of what speaks for it."""
    sums = [0.0] * len(scores.ids)
    for name in ("always", *seen):
        pairs = scores.weights.get(name, ())
        for at in range(0, len(pairs), 2):
            sums[pairs[at]] += pairs[at + 1]
    places = {name: place for place, name in enumerate(scores.ids)}
    for name, spoken in rules.items():
        if name in places:
            sums[places[name]] += sum(scores.rules.get(one, 0) for one in spoken)
    highest = max(sums)
    shares = [exp((one - highest) / _UNIT) for one in sums]
    total = sum(shares)
    ranked = sorted(zip(scores.ids, (one / total for one in shares), strict=True), key=lambda one: -one[1])
    return Verdict(tuple(ranked[:5]))
