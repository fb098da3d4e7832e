"""Holds what ``lint --config`` says of real configurations against what is right: ``app_cases.py FOLDER``.

FOLDER is like ``tests/data/app-cases``. Told is the share of each value and finding that is right, and every miss.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.app_cases import answer, cases_in, score


def main() -> int:
    """Run every case and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    cases = cases_in(folder)
    counts, misses = score(cases, {case["id"]: answer(folder, case) for case in cases})
    print("\n".join(misses))
    for name, number in sorted(counts.items()):
        print(f"{number:5} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
