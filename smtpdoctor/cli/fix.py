"""``smtpdoctor fix``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec.structs import replace

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import (
    EXIT_PROBLEM,
    guarded,
    language,
    output_to,
    password_from,
    refuse_to_destroy,
    refuse_together,
)
from smtpdoctor.cli.declared import Exit, Option
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.options import FormatChoice
from smtpdoctor.errors import UsageError
from smtpdoctor.model import Lang, Message

if TYPE_CHECKING:
    from smtpdoctor.cli.mended import Outcome

__all__ = ["fix"]


@guarded
def fix(  # noqa: PLR0913 -- the flags of the contract
    preset: opt.PresetName = None,
    app: opt.App = None,
    url: opt.Url = None,
    host: opt.Host = None,
    port: opt.Port = None,
    security: opt.SecurityMode = None,
    username: opt.Username = None,
    password_file: opt.PasswordFile = None,
    password_stdin: opt.PasswordStdin = False,
    ask_password: opt.AskPassword = False,
    sender: opt.Sender = None,
    ehlo: opt.Ehlo = None,
    config: opt.Configs = None,
    service: opt.Service = None,
    app_version: opt.AppVersion = None,
    env_file: opt.EnvFiles = None,
    no_environment: opt.NoEnvironment = False,
    profile: Annotated[
        str | None,
        Option(
            "--profile",
            help="A profile of smtpdoctor.toml or of [tool.smtpdoctor] in pyproject.toml.",
            metavar="NAME",
        ),
    ] = None,
    write: opt.WriteChanges = False,
    backup: Annotated[bool, Option("--backup", help="Keep each old file as FILE.bak, with --write.")] = False,
    remove_inert: Annotated[
        bool, Option("--remove-inert", help="Take out what has no effect as well.")
    ] = False,
    no_network: Annotated[
        bool, Option("--no-network", help="Go by the settings alone, as lint does.")
    ] = False,
    ca_file: opt.CaFile = None,
    timeout: opt.Timeout = None,
    deadline: Annotated[
        float | None,
        Option(
            "--deadline",
            min=0.1,
            max=86400,
            help="Seconds for the whole run; default: 60.",
            metavar="SECONDS",
        ),
    ] = None,
    resolver: opt.Resolver = None,
    connect_to: opt.ConnectTo = None,
    ipv4: opt.Ipv4 = False,
    ipv6: opt.Ipv6 = False,
    allow_cleartext_auth: opt.AllowCleartextAuth = False,
    strict: opt.Strict = False,
    format_: opt.Format = FormatChoice.TERMINAL,
    output: opt.Output = None,
    force: opt.Force = False,
    lang: opt.Language = None,
    no_color: opt.NoColor = False,
    quiet: opt.Quiet = False,
    *,
    known: Known,
) -> None:
    """Show the change that fixes what check or lint found, as a diff; --write applies it.

    Each change was tried: the files are read again with it, and the server is asked whether it takes such a
    connection.
    """
    from smtpdoctor.cli.check import options_of, refuse_unusable_in
    from smtpdoctor.cli.mended import mended
    from smtpdoctor.cli.settings import Request, asked_for, policy_of

    tongue = language(lang)
    refuse_together(("--ipv4", ipv4), ("--ipv6", ipv6))
    refuse_to_destroy(output, force=force)
    if backup and not write:
        raise UsageError(Message("usage.needs", {"flag": "--backup", "other": "--write"}))
    request = Request(
        preset=preset,
        app=app,
        url=url,
        host=host,
        port=port,
        security=security,
        username=username,
        sender=sender,
        ehlo=ehlo,
        config=config,
        env_file=env_file,
        service=service,
        app_version=app_version,
        no_environment=no_environment,
        ca_file=ca_file,
        timeout=timeout,
        deadline=deadline,
        resolver=resolver,
        connect_to=connect_to,
        ipv4=ipv4,
        ipv6=ipv6,
        strict=strict,
        has_password=password_file is not None or password_stdin or ask_password,
    )
    refuse_unusable_in(request)
    request = asked_for(request, known, profile)
    options = None if no_network else options_of(request, tongue, allow_cleartext_auth=allow_cleartext_auth)
    password = password_from(
        file=password_file, stdin=password_stdin, ask=ask_password, lang=tongue, known=known
    )
    request = replace(request, password=password or request.password)
    outcome = mended(request, options, policy_of(request), inert=remove_inert, lang=tongue, known=known)
    finish(
        outcome,
        write=write,
        backup=backup,
        format_=format_,
        output=output,
        lang=tongue,
        color=not no_color,
        quiet=quiet,
    )


def finish(
    outcome: "Outcome",
    *,
    write: bool,
    backup: bool,
    format_: FormatChoice,
    output: Path | None,
    lang: Lang,
    color: bool,
    quiet: bool,
) -> None:
    """Write what was asked for, show it, and end with the exit code that belongs to it."""
    from smtpdoctor.cli.mended import show
    from smtpdoctor.cli.mending import write_files

    written = write_files(outcome.plan, backup=backup) if write else []
    with output_to(output) as stream:
        show(
            outcome,
            stream,
            written=written,
            wrote=write,
            format_=format_,
            lang=lang,
            color=color,
            quiet=quiet,
        )
    if not outcome.healthy or (outcome.plan.changed and not write):
        raise Exit(EXIT_PROBLEM)
