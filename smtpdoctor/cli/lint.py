"""``smtpdoctor lint``."""

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import (
    EXIT_PROBLEM,
    guarded,
    language,
    output_to,
    password_from,
    refuse_to_destroy,
    refuse_together,
    refuse_unusable,
)
from smtpdoctor.cli.declared import Exit
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.options import FormatChoice

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
    format_: opt.Format = FormatChoice.TERMINAL,
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
    refuse_to_destroy(output, force=force)
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
    with output_to(output) as stream:
        from smtpdoctor.report.view import view_of

        options = ("--no-environment",) if no_environment else ()
        views = [(name, view_of(report, tongue, options)) for name, report in reports]
        if format_ is not FormatChoice.TERMINAL:
            from smtpdoctor.report import renderer

            stream.write(renderer(format_.value).render_all(views))
        else:
            from smtpdoctor.report import terminal

            console = terminal.make_console(stream, color=not no_color and terminal.wants_color())
            for number, (name, view) in enumerate(views):
                if len(views) > 1:
                    terminal.print_service(console, name, first=number == 0)
                terminal.print_view(console, view, quiet=quiet, verbose=verbose, stages=True)
    if not all(report.healthy for _, report in reports):
        raise Exit(EXIT_PROBLEM)
