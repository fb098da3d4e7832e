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
    from smtpdoctor.cli.settings import load_settings
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
    loaded = load_settings(flags, env_file or [], environment=not no_environment, lang=tongue, known=known)
    report = lint_only(loaded, strict=strict)
    with output_to(output) as stream:
        from smtpdoctor.report.view import view_of

        view = view_of(report, tongue, ("--no-environment",) if no_environment else ())
        if format_ is not FormatChoice.TERMINAL:
            from smtpdoctor.report import renderer

            stream.write(renderer(format_.value).render(view))
        else:
            from smtpdoctor.report import terminal

            console = terminal.make_console(stream, color=not no_color and terminal.wants_color())
            terminal.print_view(console, view, quiet=quiet, verbose=verbose, stages=True)
    if not report.healthy:
        raise Exit(EXIT_PROBLEM)
