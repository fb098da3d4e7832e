"""What is seen in a pasted text → how probable it is that somebody's mail was not sent, and nothing else is told.

Rules say which failure it would be; whether it is one at all, and no manual, test, review or other
protocol, no single word decides. A logistic model weighs everything seen, by weights that are fitted.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp
from typing import Final

from smtpdoctor.knowledge.schema import Scores
from smtpdoctor.model import Confidence

__all__ = ["confidence_of", "logistic", "share_of"]

_UNIT: Final = 100  # weights and shares are in hundredths
_HIGHEST: Final = 30.0  # beyond which there is no difference


def logistic(total: float) -> float:
    """Return the probability that a sum of weights stands for."""
    return 1 / (1 + exp(-max(-_HIGHEST, min(total, _HIGHEST))))


def share_of(seen: Iterable[str], scores: Scores) -> float:
    """Return how probable a failure is, in hundredths."""
    return _UNIT * logistic(sum(scores.weights.get(name, 0) for name in ("always", *seen)) / _UNIT)


def confidence_of(share: float, rule: Confidence, scores: Scores) -> Confidence:
    """Return how sure an answer is, by how sure its rule is of itself and how probable a failure."""
    if rule is Confidence.CERTAIN and share >= scores.certain:
        return Confidence.CERTAIN
    likely = share >= scores.likely and rule is not Confidence.POSSIBLE
    return Confidence.LIKELY if likely else Confidence.POSSIBLE
