"""Whether a file would be put under version control, where a password does not belong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

__all__ = ["is_versioned"]

_SECONDS: Final = 5.0


def is_versioned(path: Path) -> bool:
    """Whether a file lies in a git repository that does not ignore it; False where git cannot be asked."""
    folder = path.absolute().parent
    if not any((one / ".git").exists() for one in (folder, *folder.parents)):
        return False
    git = shutil.which("git")
    if git is None:
        return False
    # What a repository has configured must not run a program of its choice.
    command = [git, "-c", "core.fsmonitor=false", "check-ignore", "--quiet", "--", path.name]
    try:
        done = subprocess.run(  # noqa: S603 -- git by its full path, and a name behind --
            command, cwd=folder, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 1
