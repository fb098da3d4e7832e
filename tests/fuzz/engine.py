"""Feeds a target: with atheris (libFuzzer, led by coverage) where it is installed, else by mutation alone.

Inputs that fail are kept beside the seeds, and pytest replays all of them from then on.
"""

from __future__ import annotations

import hashlib
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from tests.fuzz.target import TARGETS, Target

__all__ = ["Limits", "has_atheris", "load", "run"]


class Limits(Struct, frozen=True, kw_only=True):
    """How long to go on; ``inputs`` 0 is no limit, and so is ``seconds`` 0.

    ``keep_going``: past failures, too; ``failures`` is where they are kept, by default beside the seeds.
    """

    inputs: int = 0
    seconds: float = 0.0
    seed: int = 1
    keep_going: bool = False
    failures: Path | None = None


class Failed(Exception):
    """An input for which an invariant does not hold."""


def has_atheris() -> bool:
    """Whether libFuzzer leads the search."""
    return find_spec("atheris") is not None


def load(*, instrumented: bool) -> dict[str, Target]:
    """Import all targets; ``instrumented``: so that libFuzzer sees which code of the package runs."""
    if instrumented:
        atheris = import_module("atheris")
        with atheris.instrument_imports(include=["smtpdoctor"]):
            import_module("tests.fuzz.targets")
    else:
        import_module("tests.fuzz.targets")
    return TARGETS


class _Watch:
    """Runs a target, keeps what fails, and counts."""

    def __init__(self, target: Target, limits: Limits) -> None:
        self._target = target
        self._keep_going = limits.keep_going
        self._folder = limits.failures / target.name if limits.failures else target.corpus
        self._seen: set[tuple[str, ...]] = set()
        self.count = 0
        self.failures = 0

    def __call__(self, data: bytes) -> None:
        """Run one input; raises Failed where an invariant does not hold, unless that is to be passed over."""
        self.count += 1
        try:
            self._target.run(data)
        except Exception as error:
            self.failures += 1
            frames = traceback.extract_tb(error.__traceback__)
            where = (type(error).__name__, *(f"{one.filename}:{one.lineno}" for one in frames[-2:]))
            if where in self._seen:
                return
            self._seen.add(where)
            path = self._folder / f"failed-{hashlib.sha256(data).hexdigest()[:12]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            print(f"{self._target.name}: failed after {self.count} inputs, kept in {path}")
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
            if not self._keep_going:
                raise Failed(path.name) from error


def run(target: Target, limits: Limits, *, guided: bool) -> int:
    """Run a target within limits, returns the exit code; ``guided``: libFuzzer leads, and ends the process itself."""
    watch = _Watch(target, limits)
    if guided:
        return _with_atheris(target, limits, watch)
    return _by_mutation(target, limits, watch)


def _with_atheris(target: Target, limits: Limits, watch: _Watch) -> int:
    atheris: Any = import_module("atheris")
    for path in sorted(target.corpus.glob("*")):  # before the clock runs: the first one loads the knowledge
        watch(path.read_bytes())
    with tempfile.TemporaryDirectory(prefix="smtpdoctor-fuzz-") as folder:
        grown, words = Path(folder, "grown"), Path(folder, "words")
        grown.mkdir()
        words.write_text("".join(f'"{_escaped(one)}"\n' for one in target.words), encoding="ascii")
        options = [
            sys.argv[0],
            f"-max_len={target.most}",
            f"-seed={limits.seed or 1}",
            f"-artifact_prefix={target.corpus}/",
            *([f"-dict={words}"] if target.words else []),
            "-timeout=120",  # by the clock, and the machine may be busy
            "-report_slow_units=120",
            "-rss_limit_mb=1024",
            "-print_final_stats=1",
            "-reload=0",  # of its own files, by the clock: the same inputs for the same seed
            *([f"-runs={limits.inputs}"] if limits.inputs else []),
            *([f"-max_total_time={int(limits.seconds)}"] if limits.seconds else []),
            str(grown),
            str(target.corpus),
        ]
        atheris.Setup(options, watch)
        atheris.Fuzz()
    return 0


def _escaped(word: bytes) -> str:
    return "".join(chr(one) if 0x20 <= one < 0x7F and one not in b'"\\' else f"\\x{one:02x}" for one in word)


def _by_mutation(target: Target, limits: Limits, watch: _Watch) -> int:
    seeds = [path.read_bytes() for path in sorted(target.corpus.glob("*"))] or [b""]
    draw = random.Random(limits.seed)  # noqa: S311
    end = time.monotonic() + limits.seconds if limits.seconds else None
    try:
        for seed in seeds:
            watch(seed)
        while (not limits.inputs or watch.count < limits.inputs) and (end is None or time.monotonic() < end):
            watch(_mutated(draw, seeds, target)[: target.most])
    except Failed:
        return 1
    print(f"{target.name}: {watch.count} inputs, {watch.failures} failures")
    return int(watch.failures > 0)


def _mutated(draw: random.Random, seeds: list[bytes], target: Target) -> bytes:
    data = bytearray(draw.choice(seeds))
    for _ in range(draw.choice((1, 1, 2, 4, 8))):
        draw.choice(_MUTATIONS)(draw, data, seeds, target)
    return bytes(data)


def _place(draw: random.Random, data: bytearray) -> int:
    return draw.randrange(len(data) + 1)


def _change(draw: random.Random, data: bytearray, _seeds: list[bytes], _target: Target) -> None:
    if data:
        data[draw.randrange(len(data))] = draw.randrange(256)


def _flip(draw: random.Random, data: bytearray, _seeds: list[bytes], _target: Target) -> None:
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _insert(draw: random.Random, data: bytearray, _seeds: list[bytes], _target: Target) -> None:
    place = _place(draw, data)
    data[place:place] = draw.randbytes(draw.choice((1, 1, 2, 4, 16)))


def _remove(draw: random.Random, data: bytearray, _seeds: list[bytes], _target: Target) -> None:
    place = _place(draw, data)
    del data[place : place + draw.choice((1, 1, 2, 8, 64))]


def _repeat(draw: random.Random, data: bytearray, _seeds: list[bytes], _target: Target) -> None:
    start = _place(draw, data)
    piece = data[start : start + draw.choice((1, 2, 8, 32))]
    data[start:start] = piece * draw.choice((1, 2, 10))


def _word(draw: random.Random, data: bytearray, _seeds: list[bytes], target: Target) -> None:
    if target.words:
        place = _place(draw, data)
        data[place:place] = draw.choice(target.words)


def _splice(draw: random.Random, data: bytearray, seeds: list[bytes], _target: Target) -> None:
    other = draw.choice(seeds)
    start = draw.randrange(len(other) + 1)
    place = _place(draw, data)
    data[place:] = other[start:]


_Mutation = Callable[[random.Random, bytearray, list[bytes], Target], None]
_MUTATIONS: Final[tuple[_Mutation, ...]] = (_change, _flip, _insert, _remove, _repeat, _word, _word, _splice)
