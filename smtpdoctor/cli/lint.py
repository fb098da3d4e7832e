"""``smtpdoctor lint``."""

from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

from msgspec.structs import replace

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import (
    EXIT_PROBLEM,
    guarded,
    language,
    other_language,
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
from smtpdoctor.model import Ignore, Lang, Message

if TYPE_CHECKING:
    from smtpdoctor.cli.outputs import Outputs
    from smtpdoctor.model import Report

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
    write: opt.WriteChanges = False,
    profile: opt.ProfileNames = None,
    all_profiles: opt.AllProfiles = False,
    strict: opt.Strict = False,
    fail_on: opt.FailOnChoice = None,
    ignore: opt.Ignored = None,
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
    from smtpdoctor.cli.settings import Request, asked_for, loaded_for, policy_of
    from smtpdoctor.doctor import lint_only

    tongue = language(lang)
    refuse_together(("--quiet", quiet), ("--verbose", verbose))
    if write and not fix:
        raise UsageError(Message("usage.needs", {"flag": "--write", "other": "--fix"}))
    refuse_together(("--strict", strict), ("--fail-on", fail_on == "never"))
    refuse_together(("--profile", profile is not None), ("--all-profiles", all_profiles))
    outputs = outputs_of(format_, output, force=force)
    refuse_unusable(sender=sender, ehlo=ehlo, host=host, url=url, username=username, preset=preset, app=app)
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
        strict=strict,
        fail_on=fail_on,
        ignore=tuple(map(Ignore, ignore or ())),
        has_password=password_file is not None or password_stdin or ask_password,
    )
    several = all_profiles or len(profile or ()) > 1
    if not several:
        request = asked_for(request, known, profile[0] if profile else None)
    password = password_from(
        file=password_file, stdin=password_stdin, ask=ask_password, lang=tongue, known=known
    )
    request = replace(request, password=password or request.password)
    if several:
        refuse_together(("--fix", fix), ("--profile" if profile else "--all-profiles", True))
        from smtpdoctor.cli.check import Show
        from smtpdoctor.cli.profiles import lint_profiles

        show = Show(outputs, output, anchor, tongue, quiet, verbose, False, not no_color)
        lint_profiles(request, profile, show, known=known)
        return
    policy = policy_of(request)
    if fix:
        from smtpdoctor.cli.fix import finish
        from smtpdoctor.cli.mended import mended

        finish(
            mended(request, None, policy, inert=False, lang=tongue, known=known),
            write=write,
            backup=False,
            format_=_format_of_fix(format_),
            output=output,
            lang=tongue,
            color=not no_color,
            quiet=quiet,
        )
        return
    loaded = loaded_for(request, lang=tongue, known=known)
    reports = [(name, policy.applied(lint_only(one))) for name, one in loaded]
    if not all(report.verdict == "pass" for _, report in reports):
        from smtpdoctor.cli.mending import with_tried_changes

        reports = with_tried_changes(reports, request, lang=tongue, known=known)
    repeated = repeated_flags(
        {
            "--config": config,
            "--env-file": env_file,
            "--service": service,
            "--app": app,
            "--app-version": app_version,
            "--no-environment": no_environment,
            "--profile": profile,
        }
    )
    _show(
        reports,
        repeated,
        outputs,
        output,
        anchor,
        lang=tongue,
        color=not no_color,
        quiet=quiet,
        verbose=verbose,
    )
    if not all(report.healthy for _, report in reports):
        raise Exit(EXIT_PROBLEM)


def _show(  # noqa: PLR0913 -- how it is shown
    reports: list[tuple[str, "Report"]],
    repeated: tuple[str, ...],
    outputs: "Outputs | None",
    output: Path | None,
    anchor: Path | None,
    *,
    lang: Lang,
    color: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Print the reports of the services in the formats that were asked for."""
    from smtpdoctor.report.view import view_of

    views = [(name, view_of(report, lang, repeated)) for name, report in reports]

    def print_terminal(stream: IO[str]) -> None:
        from smtpdoctor.report import terminal

        console = terminal.make_console(stream, color=color and terminal.wants_color())
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

        other = other_language(lang)
        parts = tuple(
            Part(
                name=name if len(views) > 1 else "",
                view=view,
                twin=view_of(report, other, repeated) if outputs.bilingual else None,
                healthy=report.healthy,
            )
            for (name, view), (_, report) in zip(views, reports, strict=True)
        )
        told = Told(command="lint", lang=lang, parts=parts, places=places_for(anchor), when=outputs.now())
        with outputs.opened() as streams:
            streams.write(told, print_terminal)
        outputs.end(told)


def _format_of_fix(formats: list[str] | None) -> FormatChoice:
    """Return the format of a change, which is told in the terminal's or as JSON; raises UsageError."""
    name = formats[0] if formats and len(formats) == 1 else "terminal" if not formats else ""
    if name not in {one.value for one in FormatChoice}:
        known = Message("usage.one-of", {"names": ", ".join(one.value for one in FormatChoice)})
        values: dict[str, object] = {"flag": "--format", "value": " ".join(formats or []), "expected": known}
        raise UsageError(Message("usage.value", values))
    return FormatChoice(name)
