"""Ends a write at every step of it, and looks at what is left.

A program of its own (``python -m tests.cut_short FOLDER named|nameless``): each write runs in a child that ends itself at its
n-th step, for n = 1, 2, … up to the first that comes to its end. A step is a line of ``cli/writing.py``,
or something that Python asks the system for.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

OLD = "A=1\n"
SECRET = "SMTP_PASSWORD=S3cret\n"
EVENTS = ("open", "os.", "fcntl.")


def change(before: str | None) -> str:
    """Add a secret."""
    return (before or "").replace(SECRET, "") + SECRET


def check(path: Path) -> None:
    """Read what was written."""
    assert path.read_text().endswith(SECRET)


def write(path: Path) -> bool:
    """Write a file as ``generate`` does."""
    from smtpdoctor.cli.writing import edit

    return edit(path, change, check=check)


def _end_at(step: int, number: int) -> None:
    """Send this process a signal at its n-th step from here."""
    from smtpdoctor.cli import writing

    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), number)

    def local(_frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            count()
        return local

    def trace(frame: FrameType, _event: str, _argument: Any) -> Any:
        return local if frame.f_code.co_filename == writing.__file__ else None

    def heard(event: str, _arguments: Any) -> None:
        if event.startswith(EVENTS):
            count()

    sys.addaudithook(heard)
    sys.settrace(trace)


def _in_a_child(work: Callable[[], object]) -> int:
    """Run something in a child; return how that ended, as ``os.waitstatus_to_exitcode`` has it."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            work()
        except KeyboardInterrupt:
            os._exit(130)
        except BaseException:  # noqa: BLE001 -- the parent tells
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(folder: Path, *, there: bool, number: int, stride: int = 1) -> dict[str, Any]:
    """End a write at each of its steps, and return how many there are and what was wrong."""
    path = folder / ".env"
    before = OLD if there else None
    steps, left, wrong = 1 - stride, 0, []
    while True:
        steps += stride
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_text(before)
            path.chmod(0o600)

        def work(step: int = steps) -> None:
            _end_at(step, number)
            write(path)

        ended = _in_a_child(work)
        now = path.read_text() if path.exists() else None
        others = [one for one in folder.iterdir() if one != path]
        left += len(others)
        if now not in {before, change(before)}:
            wrong.append(f"{steps}: torn: {now!r}")
        if any(stat.S_IMODE(one.stat().st_mode) & 0o077 for one in folder.iterdir()):
            wrong.append(f"{steps}: open to others")
        write(path)
        if [path] != list(folder.iterdir()) or path.read_text() != change(before):
            wrong.append(f"{steps}: after the next run: {sorted(os.listdir(folder))}")  # noqa: PTH208
        if ended == 0:
            return {"steps": steps, "left": left, "wrong": wrong}
        if ended not in {-number, 130}:
            wrong.append(f"{steps}: {ended}")


def everything(folder: Path) -> dict[str, dict[str, Any]]:
    """End files in all ways: what cannot be met at every step, in a usual run each third; the rest at each eighth."""
    return {
        f"{there} {name}": run(folder, there=there == "old", number=getattr(signal, name), stride=stride)
        for there in ("old", "new")
        for name, stride in (("SIGKILL", max(3 // examples(3), 1)), ("SIGTERM", 8), ("SIGINT", 8))
    }


if __name__ == "__main__":
    place, kind = sys.argv[1:]
    if kind == "named":  # as on the systems that know no files without names
        del os.O_TMPFILE
    print(json.dumps(everything(Path(place))))  # noqa: T201
