"""``python -m smtpdoctor.knowledge``: checks every knowledge file of the checkout."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import re2
from msgspec.structs import asdict

from smtpdoctor.errors import KnowledgeError
from smtpdoctor.knowledge.compile import Knowledge, read
from smtpdoctor.knowledge.load import sources
from smtpdoctor.knowledge.patterns import compiled
from smtpdoctor.knowledge.platforms import platforms
from smtpdoctor.knowledge.schema import Patterns


def _told(problems: Iterable[str]) -> int:
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    return 1


def _refused(known: Knowledge) -> Iterator[str]:
    """Yield what RE2 itself has against a pattern, which building the package does without."""
    patterns = [
        (entry.id, one) for entry in known.entries.values() for rule in entry.match for one in rule.text
    ]
    patterns += [(word.token, one) for word in known.words for one in word.text]
    patterns += [
        (field, one.whole) for field, one in asdict(known.hints).items() if isinstance(one, Patterns)
    ]
    for name, pattern in patterns:
        try:
            compiled(pattern)
        except re2.error as error:
            yield f"{name}: {error}"


def main() -> int:
    """Print every problem; return the exit code."""
    try:
        known = read(*sources())
        places = platforms()
    except KnowledgeError as error:
        return _told(error.problems)
    if refused := list(_refused(known)):
        return _told(refused)
    counts = {
        "entries": len(known.entries),
        "presets": len(known.presets),
        "replies": sum(map(len, known.replies.values())),
        "apps": len(known.apps),
        "words": len(known.words),
        "platforms": len(places),
    }
    sys.stdout.write(" ".join(f"{name}={count}" for name, count in counts.items()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
