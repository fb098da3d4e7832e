"""Options that several commands share, each once.

The annotations are real objects here and in the commands, not strings: typer would have to
evaluate each of them again.
"""

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from smtpdoctor.model import Security

__all__ = [
    "App",
    "AskPassword",
    "Ehlo",
    "EnvFiles",
    "Force",
    "Format",
    "FormatChoice",
    "Host",
    "LangChoice",
    "Language",
    "NoColor",
    "NoEnvironment",
    "Output",
    "PasswordFile",
    "PasswordStdin",
    "Port",
    "PresetName",
    "Quiet",
    "SecurityMode",
    "Sender",
    "Strict",
    "Url",
    "Username",
    "Verbose",
    "no_nan",
]


def no_nan(value: float) -> float:
    """Refuse what is no number though it is a float: it lies within all limits."""
    if math.isnan(value):
        raise typer.BadParameter(str(value))
    return value


class FormatChoice(StrEnum):
    """Report formats."""

    TERMINAL = "terminal"
    JSON = "json"


class LangChoice(StrEnum):
    """Languages."""

    EN = "en"
    KO = "ko"


Format = Annotated[FormatChoice, typer.Option("--format", help="How to report.")]
Output = Annotated[
    Path | None, typer.Option("--output", help="Write the report to this file.", metavar="FILE")
]
Force = Annotated[
    bool, typer.Option("--force", help="Let --output replace a file that smtpdoctor did not write.")
]
Language = Annotated[
    LangChoice | None,
    typer.Option("--lang", help="Language; default: SMTPDOCTOR_LANG, then the locale."),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colour (as NO_COLOR).")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Only the verdict.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Tell all there is to say: every step, page and fact.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings count as problems.")]

PresetName = Annotated[
    str | None, typer.Option("--preset", help="A provider: gmail, naver, sendgrid …", metavar="NAME")
]
App = Annotated[
    str | None,
    typer.Option("--app", help="Whose variables to read; detected when not given.", metavar="NAME"),
]
Url = Annotated[str | None, typer.Option("--url", help="smtp://user@host:587 or smtps://…", metavar="URL")]
Host = Annotated[str | None, typer.Option("--host", help="Name of the SMTP server.", metavar="HOST")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Its port.", metavar="PORT")]
SecurityMode = Annotated[
    Security | None,
    typer.Option(
        "--security",
        help="tls: from the first byte; starttls: STARTTLS or nothing; opportunistic: STARTTLS "
        "where offered; none.",
    ),
]
Username = Annotated[str | None, typer.Option("--username", help="User name.", metavar="NAME")]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", help="A file that holds the password.", metavar="FILE"),
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
AskPassword = Annotated[bool, typer.Option("--ask-password", help="Ask for the password.")]
Sender = Annotated[str | None, typer.Option("--sender", help="Address mails come from.", metavar="ADDRESS")]
Ehlo = Annotated[str | None, typer.Option("--ehlo", help="Name for EHLO.", metavar="NAME")]
EnvFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--env-file",
        help="A .env file; repeatable, later wins. Default: ./.env, if it exists.",
        metavar="FILE",
    ),
]
NoEnvironment = Annotated[bool, typer.Option("--no-environment", help="Leave the process environment out.")]
