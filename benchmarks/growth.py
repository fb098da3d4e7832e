"""Whether time grows with the text alone: whatever an attacker repeats, and any literal that a pattern knows.

``python benchmarks/growth.py [--all]``: a piece repeated to four or eight times the length may take about as
many times as long, by the processor's clock; exit code 1 with what takes longer. Of the literals each fiftieth
is tried, with ``--all`` each. It is no test, as on a busy machine even that clock is none to judge by; the tests
hold that such texts are read at all.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smtpdoctor.knowledge import load
from smtpdoctor.logs import explain_text
from smtpdoctor.masking.echoes import Redactor

CORPUS: Final = Path(__file__).resolve().parent.parent / "tests" / "fuzz" / "corpus" / "explain-repeated"
MASKED: Final = (
    *("Zq7tRb xWpLk93 ", "Zq7t-xWpL.", "%5a%71\\x37", "aBcDeFgH ", "\\", "535-Zq7t\r\n", "A", "비밀번호"),
    "\x00\xff",
)
SIGNS: Final = (
    *("key-", "535-", "a.b.", "aA0", "0x8", "12:", "a@b ", "//:@", "password=", '"password":"'),
    *("AUTH PLAIN ", "?auth=", "-----BEGIN", '"', "'", "(", "[", "{", "<", "\\", "-", "_", ".", ":", "="),
    *("@", "/", "&", "|", " ", "가", "&quot;", "</a", "smtp.gmail.com "),
)
_HIDDEN: Final = "Zq7tRbxWpLk93"


def literals() -> list[str]:
    """Return every literal by which a pattern or a list of names is known."""
    groups = [group for rule in load.rules() for atoms in rule.atoms for group in atoms]
    groups += [group for word in load.words() for group in word.atoms]
    lists = load.secrets()
    groups += [lists.anywhere, lists.words, lists.logins, tuple(lists.keys), tuple(load.names().hosts)]
    return sorted({literal for group in groups for literal in group})


def _seconds(run: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    run(text)
    return time.process_time() - started


def _told(run: Callable[[str], object], piece: str, length: int, times: int, allowed: float) -> str:
    """Return what is wrong, "" where the longer text took no longer than it may."""
    short = f"smtp failed 535 {piece * (length // len(piece))}"
    long = f"smtp failed 535 {piece * (times * length // len(piece))}"
    small = min(_seconds(run, short) for _ in range(3))
    large = min(_seconds(run, long) for _ in range(3))
    return "" if large < allowed * small + 0.05 else f"{piece!r}: {small:.3f} s, {times} times {large:.3f} s"


def _wrong() -> Iterator[str]:
    redact = Redactor([_HIDDEN])
    for piece in MASKED:
        yield _told(redact, piece, 10_000, 8, 40)
    pieces = [path.read_bytes().decode("utf-8", "replace") for path in sorted(CORPUS.glob("*"))]
    lines = [f"{piece}\n" for piece in pieces]
    for piece in dict.fromkeys(
        (*SIGNS, *filter(None, pieces), *lines, *literals()[:: 1 if "--all" in sys.argv else 50])
    ):
        yield _told(explain_text, piece, 3_500, 4, 10)


def main() -> int:
    """Try all of them and return the exit code."""
    told = list(_wrong())
    wrong = [one for one in told if one]
    print("\n".join([*wrong, f"{len(told)} pieces, {len(wrong)} of them take longer than they may"]))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
