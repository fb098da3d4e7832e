"""``smtpdoctor completion``: the script by which a shell completes what is typed."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import guarded, patient
from smtpdoctor.cli.completing import script_of
from smtpdoctor.cli.declared import Argument

__all__ = ["completion"]

Shell = Literal["bash", "zsh", "fish"]


@guarded
def completion(
    shell: Annotated[Shell, Argument(help="Which shell: bash, zsh or fish.", metavar="SHELL")],
    lang: opt.Language = None,  # noqa: ARG001 -- of what may be wrong
) -> None:
    """Print the script that completes commands, options, providers, applications and ids in a shell."""
    stream = patient(sys.stdout)
    stream.write(script_of(shell))
    stream.flush()
