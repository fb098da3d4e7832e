"""Options that several commands share, each once.

The annotations are real objects here and in the commands, not strings: typer would have to
evaluate each of them again.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from smtpdoctor.cli.declared import Option
from smtpdoctor.model import Security

__all__ = [
    "App",
    "AppVersion",
    "AskPassword",
    "Configs",
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
    "Service",
    "Strict",
    "Url",
    "Username",
    "Verbose",
]


class FormatChoice(StrEnum):
    """Report formats."""

    TERMINAL = "terminal"
    JSON = "json"


class LangChoice(StrEnum):
    """Languages."""

    EN = "en"
    KO = "ko"


Format = Annotated[FormatChoice, Option("--format", help="How to report.")]
Output = Annotated[Path | None, Option("--output", help="Write the report to this file.", metavar="FILE")]
Force = Annotated[bool, Option("--force", help="Let --output replace a file that smtpdoctor did not write.")]
Language = Annotated[
    LangChoice | None,
    Option("--lang", help="Language; default: SMTPDOCTOR_LANG, then the locale."),
]
NoColor = Annotated[bool, Option("--no-color", help="No colour (as NO_COLOR).")]
Quiet = Annotated[bool, Option("--quiet", help="Only the verdict.")]
Verbose = Annotated[bool, Option("--verbose", help="Tell all there is to say: every step, page and fact.")]
Strict = Annotated[bool, Option("--strict", help="Warnings count as problems.")]

PresetName = Annotated[
    str | None, Option("--preset", help="A provider: gmail, naver, sendgrid …", metavar="NAME")
]
App = Annotated[
    str | None,
    Option("--app", help="Whose variables to read; detected when not given.", metavar="NAME"),
]
Url = Annotated[str | None, Option("--url", help="smtp://user@host:587 or smtps://…", metavar="URL")]
Host = Annotated[str | None, Option("--host", help="Name of the SMTP server.", metavar="HOST")]
Port = Annotated[int | None, Option("--port", min=1, max=65535, help="Its port.", metavar="PORT")]
SecurityMode = Annotated[
    Security | None,
    Option(
        "--security",
        help="tls: from the first byte; starttls: STARTTLS or nothing; opportunistic: STARTTLS "
        "where offered; none.",
    ),
]
Username = Annotated[str | None, Option("--username", help="User name.", metavar="NAME")]
PasswordFile = Annotated[
    Path | None,
    Option("--password-file", help="A file that holds the password.", metavar="FILE"),
]
PasswordStdin = Annotated[bool, Option("--password-stdin", help="Read the password from standard input.")]
AskPassword = Annotated[bool, Option("--ask-password", help="Ask for the password.")]
Sender = Annotated[str | None, Option("--sender", help="Address mails come from.", metavar="ADDRESS")]
Ehlo = Annotated[str | None, Option("--ehlo", help="Name for EHLO.", metavar="NAME")]
EnvFiles = Annotated[
    list[Path] | None,
    Option(
        "--env-file",
        help="A .env file; repeatable, later wins. Default: ./.env, if it exists.",
        metavar="FILE",
    ),
]
Configs = Annotated[
    list[Path] | None,
    Option(
        "--config",
        help="An application's configuration: Compose, Kubernetes, YAML, properties, ini, JSON, .env, Ruby, "
        "PHP, Python …; repeatable, later wins.",
        metavar="FILE",
    ),
]
Service = Annotated[
    str | None, Option("--service", help="Which service of a Compose file or manifest.", metavar="NAME")
]
AppVersion = Annotated[
    str | None, Option("--app-version", help="Which version of the application runs.", metavar="VERSION")
]
NoEnvironment = Annotated[bool, Option("--no-environment", help="Leave the process environment out.")]
