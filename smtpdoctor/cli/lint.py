"""``smtpdoctor lint``."""

from typing import IO

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import (
    EXIT_PROBLEM,
    guarded,
    language,
    output_to,
    outputs_of,
    password_from,
    refuse_together,
    refuse_unusable,
    repeated_flags,
)
from smtpdoctor.cli.declared import Exit
from smtpdoctor.cli.known import Known
from smtpdoctor.model import Lang

__all__ = ["lint"]


@guarded
def lint(  # noqa: PLR0913 -- the flags of the contract
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
    strict: opt.Strict = False,
    format_: opt.Formats = None,
    anchor: opt.Anchor = None,
    output: opt.Output = None,
    force: opt.Force = False,
    lang: opt.Language = None,
    no_color: opt.NoColor = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
    *,
    known: Known,
) -> None:
    """Check the settings themselves; no network, not even DNS."""
    from smtpdoctor.cli.settings import load_applications
    from smtpdoctor.doctor import lint_only
    from smtpdoctor.settings.resolve import Flags

    tongue = language(lang)
    refuse_together(("--quiet", quiet), ("--verbose", verbose))
    outputs = outputs_of(format_, output, force=force)
    refuse_unusable(sender=sender, ehlo=ehlo, host=host, url=url, username=username, preset=preset, app=app)
    password = password_from(
        file=password_file, stdin=password_stdin, ask=ask_password, lang=tongue, known=known
    )
    flags = Flags(
        preset=preset,
        app=app,
        url=url,
        host=host,
        port=port,
        security=security,
        username=username,
        password=password,
        sender=sender,
        ehlo=ehlo,
    )
    loaded = load_applications(
        flags,
        config,
        env_file,
        service=service,
        app_version=app_version,
        environment=not no_environment,
        lang=tongue,
        known=known,
    )
    reports = [(name, lint_only(one, strict=strict)) for name, one in loaded]
    from smtpdoctor.report.view import view_of

    repeated = repeated_flags(
        {
            "--config": config,
            "--env-file": env_file,
            "--service": service,
            "--app": app,
            "--app-version": app_version,
            "--no-environment": no_environment,
        }
    )
    views = [(name, view_of(report, tongue, repeated)) for name, report in reports]

    def print_terminal(stream: IO[str]) -> None:
        from smtpdoctor.report import terminal

        console = terminal.make_console(stream, color=not no_color and terminal.wants_color())
        for number, (name, view) in enumerate(views):
            if len(views) > 1:
                terminal.print_service(console, name, first=number == 0)
            terminal.print_view(console, view, quiet=quiet, verbose=verbose, stages=True)

    if outputs is None:
        with output_to(output) as stream:
            print_terminal(stream)
    else:
        from smtpdoctor.cli.outputs import places_for
        from smtpdoctor.report.told import Part, Told

        other: Lang = "en" if tongue == "ko" else "ko"
        parts = tuple(
            Part(
                name=name if len(views) > 1 else "",
                view=view,
                twin=view_of(report, other, repeated) if outputs.bilingual else None,
                healthy=report.healthy,
            )
            for (name, view), (_, report) in zip(views, reports, strict=True)
        )
        told = Told(command="lint", lang=tongue, parts=parts, places=places_for(anchor), when=outputs.now())
        with outputs.opened() as streams:
            streams.write(told, print_terminal)
        outputs.end(told)
    if not all(report.healthy for _, report in reports):
        raise Exit(EXIT_PROBLEM)
