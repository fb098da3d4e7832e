"""Options that several commands share, each once.

The annotations are real objects here and in the commands, not strings: typer would have to
evaluate each of them again.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from smtpdoctor.cli.declared import Option
from smtpdoctor.model import FailOn, Security

__all__ = [
    "AllProfiles",
    "AllowCleartextAuth",
    "Anchor",
    "App",
    "AppVersion",
    "AskPassword",
    "CaFile",
    "Configs",
    "ConnectTo",
    "Ehlo",
    "EnvFiles",
    "FailOnChoice",
    "FileKind",
    "Force",
    "ForceWriting",
    "Format",
    "FormatChoice",
    "Formats",
    "FormatsOfTexts",
    "Host",
    "Ignored",
    "Ipv4",
    "Ipv6",
    "Kind",
    "LangChoice",
    "Language",
    "NoColor",
    "NoEnvironment",
    "Output",
    "PasswordFile",
    "PasswordStdin",
    "Port",
    "PresetName",
    "ProfileNames",
    "Quiet",
    "QuietWriting",
    "Resolver",
    "SecurityMode",
    "Sender",
    "Service",
    "Strict",
    "Timeout",
    "Url",
    "Username",
    "Verbose",
    "WriteChanges",
    "WriteTo",
]


class FormatChoice(StrEnum):
    """Formats of the commands that report on no run: lists, sheets, what was generated."""

    TERMINAL = "terminal"
    JSON = "json"


class LangChoice(StrEnum):
    """Languages."""

    EN = "en"
    KO = "ko"


FileKind = Literal[
    "dotenv", "compose", "kubernetes", "yaml", "properties", "ini", "json", "toml", "python", "php", "ruby",
    "msmtprc", "javascript", "java", "go", "csharp", "rust", "xml", "plist", "curlrc", "swaksrc", "fields",
]  # fmt: skip
"""The kinds of files that are written (``generate/kinds.py``)."""

Format = Annotated[FormatChoice, Option("--format", help="How to report.")]
Formats = Annotated[
    list[str] | None,
    Option(
        "--format",
        help="How to report: terminal, json, json-lines, junit, sarif, github, gitlab, markdown, html, nagios, "
        "prometheus; with =FILE into a file. Repeatable.",
        metavar="NAME[=FILE]",
    ),
]
FormatsOfTexts = Annotated[
    list[str] | None,
    Option(
        "--format",
        help="terminal, json, json-lines, sarif, github or markdown; with =FILE into a file. Repeatable.",
        metavar="NAME[=FILE]",
    ),
]
Anchor = Annotated[
    Path | None,
    Option(
        "--anchor",
        help="Where sarif, github and gitlab show what stands in no file; default: the workflow.",
        metavar="FILE",
    ),
]
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
FailOnChoice = Annotated[
    FailOn | None,
    Option(
        "--fail-on",
        help="What ends with 1: an error (default), also a warning, only what is not temporary, or nothing.",
    ),
]
Ignored = Annotated[
    list[str] | None,
    Option("--ignore", help="A finding that is not to decide anything; repeatable.", metavar="ID"),
]
ProfileNames = Annotated[
    list[str] | None,
    Option(
        "--profile",
        help="A profile of smtpdoctor.toml or of [tool.smtpdoctor] in pyproject.toml; repeatable.",
        metavar="NAME",
    ),
]
AllProfiles = Annotated[bool, Option("--all-profiles", help="All profiles of that file, side by side.")]

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

# Of what goes over the network.
CaFile = Annotated[
    Path | None,
    Option("--ca-file", help="Trust these CA certificates instead of the system's.", metavar="PEM"),
]
Timeout = Annotated[
    float | None,
    Option("--timeout", min=0.1, max=3600, help="Seconds for a stage; default: 10.", metavar="SECONDS"),
]
Resolver = Annotated[str | None, Option("--resolver", help="Ask this name server.", metavar="IP[:PORT]")]
ConnectTo = Annotated[
    list[str] | None,
    Option("--connect-to", help="Dial ADDR:PORT instead, keep the name.", metavar="HOST:PORT:ADDR:PORT"),
]
Ipv4 = Annotated[bool, Option("--ipv4", help="IPv4 only.")]
Ipv6 = Annotated[bool, Option("--ipv6", help="IPv6 only.")]
AllowCleartextAuth = Annotated[
    bool, Option("--allow-cleartext-auth", help="Send the login unencrypted if it comes to that.")
]

# Of what is written.
WriteChanges = Annotated[
    bool, Option("--write", help="Change the files; without it the change is only shown.")
]
Kind = Annotated[
    FileKind | None,
    Option("--for", help="The kind of file; default: by the name of --write, else the usual one."),
]
WriteTo = Annotated[
    Path | None,
    Option("--write", help="Write to this file, keeping what stands in it.", metavar="FILE"),
]
ForceWriting = Annotated[
    bool,
    Option("--force", help="Overwrite other values in the file of --write, and the whole file of --output."),
]
QuietWriting = Annotated[bool, Option("--quiet", help="No word about what was written.")]
