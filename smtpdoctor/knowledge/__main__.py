"""``python -m smtpdoctor.knowledge``: checks every knowledge file of the checkout."""

from __future__ import annotations

import sys

from smtpdoctor.errors import KnowledgeError
from smtpdoctor.knowledge.compile import read
from smtpdoctor.knowledge.load import sources


def main() -> int:
    """Print every problem; return the exit code."""
    try:
        known = read(*sources())
    except KnowledgeError as error:
        sys.stdout.write("".join(f"{problem}\n" for problem in error.problems))
        return 1
    counts = {
        "entries": len(known.entries),
        "presets": len(known.presets),
        "replies": sum(map(len, known.replies.values())),
        "apps": len(known.apps),
        "words": len(known.words),
    }
    sys.stdout.write(" ".join(f"{name}={count}" for name, count in counts.items()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
