"""``smtpdoctor lint``."""

from typing import IO, Annotated

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
from smtpdoctor.cli.declared import Exit, Option
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.options import FormatChoice
from smtpdoctor.errors import UsageError
from smtpdoctor.model import Lang, Message

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
    fix: Annotated[
        bool, Option("--fix", help="Show the change that fixes what is found; with --write make it.")
    ] = False,
    write: Annotated[
        bool, Option("--write", help="Change the files; without it the change is only shown.")
    ] = False,
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
    if write and not fix:
        raise UsageError(Message("usage.needs", {"flag": "--write", "other": "--fix"}))
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
    if fix:
        from smtpdoctor.cli.fix import finish
        from smtpdoctor.cli.mended import mended

        outcome = mended(
            flags,
            config,
            env_file,
            service=service,
            app_version=app_version,
            environment=not no_environment,
            options=None,
            inert=False,
            strict=strict,
            lang=tongue,
            known=known,
        )
        finish(
            outcome,
            write=write,
            backup=False,
            format_=_format_of_fix(format_),
            output=output,
            lang=tongue,
            color=not no_color,
            quiet=quiet,
        )
        return
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
    if not all(report.verdict == "pass" for _, report in reports):
        from smtpdoctor.cli.mending import with_tried_changes

        reports = with_tried_changes(
            reports,
            flags,
            config,
            env_file,
            service=service,
            app_version=app_version,
            environment=not no_environment,
            lang=tongue,
            known=known,
        )
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


def _format_of_fix(formats: list[str] | None) -> FormatChoice:
    """Return the format of a change, which is told in the terminal's or as JSON; raises UsageError."""
    name = formats[0] if formats and len(formats) == 1 else "terminal" if not formats else ""
    if name not in {one.value for one in FormatChoice}:
        known = Message("usage.one-of", {"names": ", ".join(one.value for one in FormatChoice)})
        values: dict[str, object] = {"flag": "--format", "value": " ".join(formats or []), "expected": known}
        raise UsageError(Message("usage.value", values))
    return FormatChoice(name)
