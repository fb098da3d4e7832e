"""The targets of ``tests/fuzz`` over their corpus: seeds from the wild, and what once failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from smtpdoctor.logs import explain_text
from tests.each import each
from tests.fuzz import engine
from tests.fuzz.draw import BytesDraw, RandomDraw
from tests.fuzz.leak import leaked
from tests.fuzz.target import CORPUS

TARGETS = engine.load(instrumented=False)
TIMED = "explain-repeated"  # which measures: its pieces are read here, and measured by `benchmarks/growth.py`


def test_every_target_has_seeds_and_every_seed_a_target() -> None:
    """A target without seeds would be fed with noise alone."""
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)


@each("name", sorted({*TARGETS} - {TIMED}))
def test_the_corpus(name: str) -> None:
    """Every invariant holds for every input that is kept."""
    for path in sorted(TARGETS[name].corpus.glob("*")):
        try:
            TARGETS[name].run(path.read_bytes())
        except Exception as error:
            error.add_note(f"with {path}")
            raise


def test_what_once_took_long_is_read() -> None:
    """A piece that is repeated, as one line or as many."""
    for path in sorted(TARGETS[TIMED].corpus.glob("*")):
        piece = path.read_bytes().decode("utf-8", "replace") or "x"
        for text in (piece, f"{piece}\n"):
            explain_text(f"smtp error: {text * (4_000 // len(text))}")


def test_the_runner_keeps_what_fails(tmp_path: Path) -> None:
    """An input that breaks an invariant is written down, and the exit code says so."""
    code = (
        "import sys; from tests.fuzz import engine, target\n"
        "def broken(data): assert b'x' not in data\n"
        "one = target.Target('broken', broken, 9, (b'x',))\n"
        "from pathlib import Path\n"
        "sys.exit(engine.run(one, engine.Limits(inputs=5000, failures=Path(sys.argv[1])), guided=False))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True)
    assert done.returncode == 1
    (kept,) = (tmp_path / "broken").iterdir()
    assert b"x" in kept.read_bytes()


def test_a_leak_is_seen_in_whatever_form() -> None:
    """The look for secrets finds each, by itself: else its silence would mean nothing."""
    from tests.fuzz.targets.masking import _FORMS

    for number, form in enumerate(_FORMS):
        said = form("Zq7-vK2x'Wd9\"s", RandomDraw(number))
        assert leaked("Zq7-vK2x'Wd9\"s", f"535 rejected {said} here"), (number, said)
    assert not leaked("Zq7-vK2x'Wd9\"s", "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6 ********")


def test_choices() -> None:
    """Whatever the source, choices are within bounds; when it is used up, they are the simplest."""
    for draw in (BytesDraw(bytes(range(200))), RandomDraw(3)):
        assert all(0 <= draw.below(bound) < bound for bound in (1, 2, 255, 256, 257, 70_000))
        assert draw.weighted((1, "a"), (0, "b")) == "a"
    empty = BytesDraw(b"")
    assert (empty.below(9), empty.text(), empty.chance(50), empty.over) == (0, "", False, True)
