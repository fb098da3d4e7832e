"""Errors that smtpdoctor raises about its own use; remote behaviour never raises above a probe."""

from __future__ import annotations

from smtpdoctor.model import Message

__all__ = ["KnowledgeError", "SmtpdoctorError", "UsageError"]


class SmtpdoctorError(Exception):
    """Root of the project's errors."""


class UsageError(SmtpdoctorError):
    """The command line or a source of settings cannot be used at all (exit code 2).

    ``message`` names the file, line and value, and what would be right; ``hints`` are further
    sentences that help. Neither ever holds a secret.
    """

    def __init__(self, message: Message, *hints: Message) -> None:
        super().__init__(message.key)
        self.message = message
        self.hints = hints


class KnowledgeError(SmtpdoctorError):
    """Files of the catalogue, the presets or the applications that the strict loader refuses."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
