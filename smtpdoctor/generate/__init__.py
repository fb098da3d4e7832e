"""Writes configuration: a preset and the user's values → text, alone or merged into a file's text.

A format is a module with the functions of ``Format``. One more format is one more module and one
more line in ``FORMATS``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

from smtpdoctor.generate import compose, dotenv
from smtpdoctor.generate.plan import Left, Merged, Plan, Variable, Wish, plan_for
from smtpdoctor.model import Lang, Message

__all__ = [
    "FORMATS",
    "Format",
    "Left",
    "Merged",
    "Plan",
    "Variable",
    "Wish",
    "format_of",
    "merged",
    "plan_for",
]


class Format(Protocol):
    """How one kind of file is written. Nothing here writes to the file system."""

    @property
    def NAME(self) -> str:  # noqa: N802 -- a constant of the module
        """The name that ``--for`` takes."""

    def owns(self, filename: str) -> bool:
        """Whether a file of that name is of this kind."""

    def check_command(self, file: str | None) -> str | None:
        """Return the command that tries such a file, if there is one."""

    def cautions(self, plan: Plan, names: Iterable[str]) -> tuple[Message, ...]:
        """Return what to know once these variables are written."""

    def render(self, plan: Plan, lang: Lang, *, file: str | None = None) -> str:
        """Return a whole file; raises UsageError for a value that cannot be written."""

    def read(self, path: Path, plan: Plan, *, file: str) -> Mapping[str, str]:
        """Return the variables of a plan as those who read such a file find them; raises UsageError.

        ``file`` is what the user calls it.
        """

    def merge(self, text: str, plan: Plan, lang: Lang, *, file: str, force: bool) -> Merged:
        """Return a file's text with the plan in it; raises UsageError and changes nothing else."""


FORMATS: Final[tuple[Format, ...]] = (dotenv, compose)


def format_of(filename: str) -> Format | None:
    """Return the format of a file by its name."""
    return next((one for one in FORMATS if one.owns(filename)), None)


def merged(format_: Format, text: str, plan: Plan, lang: Lang, *, file: str, force: bool) -> Merged:
    """Return a file's new text; an empty one is written as a whole. Raises UsageError."""
    if text.strip("\ufeff \t\r\n"):
        return format_.merge(text, plan, lang, file=file, force=force)
    values = {one.name: one.value for one in plan.variables}
    new = format_.render(plan, lang, file=file)
    return Merged(text=new, values=values, written=tuple(values), unchanged=(), to_fill_in=plan.to_fill_in)
