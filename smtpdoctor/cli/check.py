"""``smtpdoctor check``."""

import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import (
    EXIT_BUG,
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
    unusable,
)
from smtpdoctor.cli.declared import Exit, Option
from smtpdoctor.cli.known import Known
from smtpdoctor.errors import UsageError
from smtpdoctor.model import Fault, Ignore, Lang, Message, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from smtpdoctor.cli.outputs import Outputs
    from smtpdoctor.cli.settings import Request
    from smtpdoctor.doctor import Observer
    from smtpdoctor.masking.echoes import Redactor
    from smtpdoctor.model import Policy, Report
    from smtpdoctor.probes.session import Options
    from smtpdoctor.report.told import Profile, Told
    from smtpdoctor.report.view import View
    from smtpdoctor.runner import Paused
    from smtpdoctor.settings.resolve import Loaded

__all__ = [
    "How",
    "Show",
    "ca_file_of",
    "check",
    "checked",
    "connect_to_of",
    "end",
    "only",
    "options_of",
    "refuse_unusable_in",
    "repeated_of",
    "resolver_of",
    "with_mending",
    "words_of",
]

Until = Literal["dns", "connect", "tls", "auth", "sender", "recipient", "send"]
_LARGEST_CA_FILE: Final = 16_777_216  # bytes; the bundles of the systems have some 200 KB
_TIMEOUT: Final = 10.0  # seconds
_DEADLINE: Final = 60.0
_AFTER_SENDER: Final = frozenset({"recipient", "send"})


@guarded
def check(  # noqa: PLR0913 -- the flags of the contract
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
    profile: opt.ProfileNames = None,
    all_profiles: opt.AllProfiles = False,
    until: Annotated[
        Until | None,
        Option("--until", help="The last stage; default: sender, with --to: send."),
    ] = None,
    to: Annotated[
        str | None,
        Option("--to", help="Send one test message to this address.", metavar="ADDRESS"),
    ] = None,
    ca_file: opt.CaFile = None,
    timeout: opt.Timeout = None,
    deadline: Annotated[
        float | None,
        Option(
            "--deadline",
            min=0.1,
            max=86400,
            help="Seconds for the whole run, all attempts together; default: 60.",
            metavar="SECONDS",
        ),
    ] = None,
    retries: Annotated[
        int | None,
        Option(
            "--retries",
            min=0,
            max=100,
            help="Try again after a temporary failure, so often at most; never a login that was not accepted.",
            metavar="N",
        ),
    ] = None,
    resolver: opt.Resolver = None,
    connect_to: opt.ConnectTo = None,
    ipv4: opt.Ipv4 = False,
    ipv6: opt.Ipv6 = False,
    allow_cleartext_auth: opt.AllowCleartextAuth = False,
    transcript: Annotated[bool, Option("--transcript", help="Show the SMTP dialogue.")] = False,
    strict: opt.Strict = False,
    fail_on: opt.FailOnChoice = None,
    ignore: opt.Ignored = None,
    use_sandbox: Annotated[
        bool, Option("--sandbox", help="Start the embedded server and check against it.")
    ] = False,
    egress: Annotated[
        bool, Option("--egress", help="Only try which mail ports are open from here; no login.")
    ] = False,
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
    """Run the stages in order against the real server and name the cause of what fails.

    Without --to no message leaves: the run ends after MAIL FROM, which is taken back.
    """
    from smtpdoctor.cli.settings import Request, asked_for, loaded_for, policy_of
    from smtpdoctor.settings.target import refuse_astray

    tongue = language(lang)
    if egress:  # which logs in nowhere, sends nothing, and takes five seconds in one go
        for flag, present in (
            ("--until", until is not None), ("--to", to is not None), ("--sandbox", use_sandbox),
            ("--transcript", transcript), ("--password-file", password_file is not None),
            ("--password-stdin", password_stdin), ("--ask-password", ask_password),
            ("--allow-cleartext-auth", allow_cleartext_auth), ("--all-profiles", all_profiles),
            ("--username", username is not None), ("--sender", sender is not None),
            ("--timeout", timeout is not None), ("--deadline", deadline is not None),
            ("--retries", retries is not None), ("--profile … --profile …", len(profile or ()) > 1),
        ):  # fmt: skip
            refuse_together(("--egress", True), (flag, present))
    refuse_together(("--quiet", quiet), ("--verbose", verbose))
    refuse_together(("--strict", strict), ("--fail-on", fail_on == "never"))
    outputs = outputs_of(format_, output, force=force)
    refuse_together(("--ipv4", ipv4), ("--ipv6", ipv6))
    refuse_together(("--profile", profile is not None), ("--all-profiles", all_profiles))
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
        to=to,
        config=config,
        env_file=env_file,
        service=service,
        app_version=app_version,
        no_environment=no_environment,
        until=until,
        ca_file=ca_file,
        timeout=timeout,
        deadline=deadline,
        resolver=resolver,
        connect_to=connect_to,
        ipv4=ipv4,
        ipv6=ipv6,
        strict=strict,
        fail_on=fail_on,
        retries=retries,
        ignore=tuple(map(Ignore, ignore or ())),
        has_password=password_file is not None or password_stdin or ask_password,
    )
    refuse_unusable_in(request)
    show = Show(outputs, output, anchor, tongue, quiet, verbose, transcript, not no_color)
    if use_sandbox:
        for name, given in (
            ("--preset", preset), ("--app", app), ("--url", url), ("--host", host), ("--port", port),
            ("--username", username), ("--password-file", password_file), ("--password-stdin", password_stdin),
            ("--ask-password", ask_password), ("--ehlo", ehlo), ("--env-file", env_file),
            ("--config", config), ("--profile", profile), ("--all-profiles", all_profiles),
            ("--no-environment", no_environment), ("--ca-file", ca_file), ("--connect-to", connect_to),
            ("--service", service), ("--app-version", app_version), ("--resolver", resolver),
        ):  # fmt: skip
            refuse_together(("--sandbox", True), (name, bool(given)))
        from smtpdoctor.cli.sandbox import check_sandbox

        options = options_of(replace(request, to=to or ""), tongue)
        how = How(policy_of(request), retries or 0, repeated_of(request, allow_cleartext_auth))
        report = check_sandbox(security, sender, to, options, show, how)
    else:
        several = all_profiles or len(profile or ()) > 1
        if not several:
            request = asked_for(request, known, profile[0] if profile else None)
            options = options_of(request, tongue, allow_cleartext_auth=allow_cleartext_auth)
            repeated = repeated_of(request, allow_cleartext_auth)
            repeated += ("--profile", profile[0]) if profile else ()
            how = How(policy_of(request), request.retries or 0, repeated)
        password = password_from(
            file=password_file, stdin=password_stdin, ask=ask_password, lang=tongue, known=known
        )
        request = replace(request, password=password or request.password)
        if several:
            from smtpdoctor.cli.profiles import check_profiles

            check_profiles(request, profile, show, known=known, allow_cleartext_auth=allow_cleartext_auth)
            return
        applications = loaded_for(request, lang=tongue, known=known)
        if len(applications) > 1 and not egress:
            from smtpdoctor.cli.profiles import check_applications

            check_applications(applications, request, options, how, show, known=known)
            return
        loaded = only(applications)
        how = with_mending(how, applications[0][0], request, lang=tongue, known=known)
        if egress:
            report = show.survey(loaded, options, how)
        else:
            refuse_astray(options.connect_to, loaded.settings)
            if request.origins:
                from smtpdoctor.cli.profiles import refuse_steered

                refuse_steered(loaded, request, options)
            report = show.run(loaded, options, how)
    end(report, before=show.end_of_format)


def end(*reports: "Report", before: "Callable[[], None]") -> None:
    """End with the exit code that reports ask for, the gravest of them; 0 is no end.

    ``before`` ends with the code that a format has for itself, if it has one; a bug of ours has its own.
    """
    findings = [
        finding
        for one in reports
        for finding in (*one.findings, *(ignored.finding for ignored in one.ignored))
    ]
    if any(finding.fault is Fault.SMTPDOCTOR for finding in findings):
        raise Exit(EXIT_BUG)
    before()
    if not all(one.healthy for one in reports):
        raise Exit(EXIT_PROBLEM)


class How(Struct, frozen=True):
    """What is made of a run: the policy, how often it is repeated, and the flags for a command that repeats it."""

    policy: "Policy"
    retries: int = 0
    repeated: tuple[str, ...] = ()
    mended: "Callable[[Report], Report] | None" = None  # adds to a report that failed what mends it


def checked(
    loaded: "Loaded",
    options: "Options",
    how: How,
    observer: "Observer | None" = None,
    paused: "Paused | None" = None,
    redactor: "Redactor | None" = None,
) -> "Report":
    """Run a check, again where that is allowed and may help, and return the report with its policy applied."""
    if how.retries:
        from smtpdoctor.runner import check as check_again

        report = check_again(loaded, options, observer, retries=how.retries, paused=paused, redactor=redactor)
    else:
        from smtpdoctor.doctor import check as run_check

        report = run_check(loaded, options, observer, redactor=redactor)
    if how.mended is not None and report.verdict == "fail":
        report = how.mended(report)
    return how.policy.applied(report)


def with_mending(how: How, service: str, request: "Request", *, lang: Lang, known: Known) -> How:
    """Return how to run it with what says of a report that failed how the application's files are to be mended.

    Of a `.env` alone the lines to write are known without trying.
    """
    if not request.config:
        return how

    def mended(report: "Report") -> "Report":
        from smtpdoctor.cli.mending import with_seen_changes

        return with_seen_changes(report, service, request, lang=lang, known=known)

    return replace(how, mended=mended)


def refuse_unusable_in(request: "Request") -> None:
    """Raise UsageError for values of a request that no server is to be bothered with."""
    refuse_unusable(
        sender=request.sender,
        recipient=request.to,
        ehlo=request.ehlo,
        host=request.host,
        url=request.url,
        username=request.username,
        preset=request.preset,
        app=request.app,
        resolver=request.resolver,
    )
    for text in request.connect_to or []:
        refuse_unusable(**{"connect-to": text})


def options_of(request: "Request", lang: Lang, *, allow_cleartext_auth: bool = False) -> "Options":
    """Return how to run what is asked for; raises UsageError. A ``to`` of a file sends no message."""
    from smtpdoctor.plan import UNTIL
    from smtpdoctor.probes.session import Options

    if request.until in _AFTER_SENDER and request.to is None:
        raise UsageError(Message("usage.needs", {"flag": f"--until {request.until}", "other": "--to"}))
    typed_to = request.to is not None and "to" not in request.origins
    return Options(
        until=UNTIL[request.until] if request.until else Stage.SEND if typed_to else Stage.SENDER,
        ca_file=ca_file_of(request.ca_file),
        timeout=_TIMEOUT if request.timeout is None else request.timeout,
        deadline=_DEADLINE if request.deadline is None else request.deadline,
        resolver=resolver_of(request.resolver),
        connect_to=dict(map(connect_to_of, request.connect_to or [])),
        family=4 if request.ipv4 else 6 if request.ipv6 else None,
        allow_cleartext_auth=allow_cleartext_auth,
        lang=lang,
    )


def only(found: "list[tuple[str, Loaded]]") -> "Loaded":
    """Return the settings of the one application that there is, for what is about one server."""
    if len(found) > 1:
        names = ", ".join(service for service, _ in found)
        raise UsageError(Message("usage.config.several", {"names": names}))
    return found[0][1]


def repeated_of(request: "Request", allow_cleartext_auth: bool) -> tuple[str, ...]:
    """Return the flags of a run that are about no setting as they were given, for the command that repeats it."""
    flags: dict[str, object] = {
        "--config": request.config,
        "--env-file": request.env_file,
        "--service": request.service,
        "--app": request.app,
        "--app-version": request.app_version,
        "--until": request.until,
        "--ca-file": request.ca_file,
        "--resolver": request.resolver,
        "--connect-to": request.connect_to,
        "--ipv4": request.ipv4,
        "--ipv6": request.ipv6,
        "--no-environment": request.no_environment,
    }
    given = {
        name: value
        for name, value in flags.items()
        if name.removeprefix("--").replace("-", "_") not in request.origins
    }
    return repeated_flags({**given, "--allow-cleartext-auth": allow_cleartext_auth})


class Show:
    """Runs a check and shows it in the formats that were asked for; without ``outputs`` that is the terminal's."""

    def __init__(
        self,
        outputs: "Outputs | None",
        output: Path | None,
        anchor: Path | None,
        lang: Lang,
        quiet: bool,
        verbose: bool,
        transcript: bool,
        color: bool,
    ) -> None:
        self._outputs = outputs
        self._output = output
        self._anchor = anchor
        self.lang = lang
        self._quiet = quiet
        self._verbose = verbose
        self._transcript = transcript
        self._color = color
        self._told: Told | None = None
        self._services = False

    def run(self, loaded: "Loaded", options: "Options", how: How) -> "Report":
        """Run the check; the report goes to standard output or files, progress to standard error."""
        if self._outputs is None:
            with output_to(self._output) as stream:
                return self._live(stream, loaded, options, how)[0]
        from smtpdoctor.report.view import view_of

        with self._outputs.opened() as streams:
            if live := self._outputs.main == "terminal":
                report, view = self._live(streams.main, loaded, options, how)
            else:
                report = checked(loaded, options, how)
                view = view_of(report, self.lang, words_of(report, loaded, how))
            self._told = self._told_of(report, view, words_of(report, loaded, how))
            streams.write(self._told, partial(self._print, view=view), printed=live)
        return report

    def end_of_format(self) -> None:
        """End with the exit code that a format has for itself, if it has one."""
        if self._outputs is not None and self._told is not None:
            self._outputs.end(self._told)

    def _told_of(self, report: "Report", view: "View", repeated: tuple[str, ...]) -> "Told":
        """Return the report as the formats take it."""
        from smtpdoctor.cli.outputs import places_for
        from smtpdoctor.report.told import Part, Told
        from smtpdoctor.report.view import view_of

        twin = None
        if self.bilingual:
            twin = view_of(report, other_language(self.lang), repeated)
        return Told(
            command="check",
            lang=self.lang,
            parts=(Part(name="", view=view, twin=twin, healthy=report.healthy),),
            transcript=self._transcript,
            places=places_for(self._anchor),
            when=self._outputs.now() if self._outputs is not None else "",
        )

    def _live(self, stream: IO[str], loaded: "Loaded", options: "Options", how: How) -> "tuple[Report, View]":
        """Run the check and print its stages as they end, then the rest."""
        from smtpdoctor.doctor import seal_of
        from smtpdoctor.report import terminal
        from smtpdoctor.report.view import view_of

        color = self._color and terminal.wants_color()
        console = terminal.make_console(stream, color=color)
        shows_progress = sys.stderr.isatty() and not self._quiet
        progress = terminal.make_console(sys.stderr, color=color) if shows_progress else None
        observer, paused = None, None
        if not self._quiet:
            terminal.print_heading(console, seal_of(loaded).settings(loaded.settings), self.lang)
            observer = terminal.Live(console, progress, self.lang, verbose=self._verbose)
            paused = observer.paused
        try:
            report = checked(loaded, options, how, observer, paused)
        finally:
            if observer is not None:
                observer.stop()
        view = view_of(report, self.lang, words_of(report, loaded, how))
        terminal.print_view(
            console, view, transcript=self._transcript, quiet=self._quiet, verbose=self._verbose
        )
        return report, view

    def _print(self, stream: IO[str], view: "View") -> None:
        """Print the whole report for a terminal into a file."""
        from smtpdoctor.report import terminal

        console = terminal.make_console(stream, color=self._color and terminal.wants_color())
        terminal.print_view(
            console,
            view,
            transcript=self._transcript,
            quiet=self._quiet,
            verbose=self._verbose,
            stages=True,
        )

    def survey(self, loaded: "Loaded", options: "Options", how: How) -> "Report":
        """Try which ports are open, and show that in the place of a check."""
        from smtpdoctor.cli.egress import surveyed
        from smtpdoctor.report import terminal

        color = self._color and terminal.wants_color()
        found = surveyed(
            loaded,
            options,
            self.lang,
            how.policy.applied,
            color=color,
            quiet=self._quiet,
        )

        def show(stream: IO[str]) -> None:
            console = terminal.make_console(stream, color=color)
            found.print(console, quiet=self._quiet, verbose=self._verbose)

        if self._outputs is None:
            with output_to(self._output) as stream:
                show(stream)
        else:
            with self._outputs.opened() as streams:
                self._told = self._told_of(found.report, found.view, how.repeated)
                streams.write(self._told, show)
        return found.report

    @property
    def progress(self) -> bool:
        """Whether it may be shown how far it has come: to a person who waits."""
        return sys.stderr.isatty() and not self._quiet

    @property
    def bilingual(self) -> bool:
        """Whether a format holds the report in both languages."""
        return self._outputs is not None and self._outputs.bilingual

    @contextmanager
    def several(
        self, command: Literal["check", "lint"], *, services: bool = False
    ) -> "Iterator[Callable[[Sequence[Profile]], None]]":
        """Give what shows the reports of several profiles or ``services``, and why others could not be run."""
        self._services = services
        if self._outputs is None:
            with output_to(self._output) as stream:
                yield lambda profiles: self._print_several(stream, profiles)
            return
        with self._outputs.opened() as streams:
            yield lambda profiles: streams.write(
                self._told_of_several(command, profiles), partial(self._print_several, profiles=profiles)
            )

    def _print_several(self, stream: IO[str], profiles: "Sequence[Profile]") -> None:
        from smtpdoctor.report import terminal
        from smtpdoctor.report.profiles import print_profiles

        print_profiles(
            terminal.make_console(stream, color=self._color and terminal.wants_color()),
            profiles,
            self.lang,
            transcript=self._transcript,
            quiet=self._quiet,
            verbose=self._verbose,
            services=self._services,
        )

    def _told_of_several(self, command: str, profiles: "Sequence[Profile]") -> "Told":
        from smtpdoctor.cli.outputs import places_for
        from smtpdoctor.report.told import Part, Told

        self._told = Told(
            command=command,
            lang=self.lang,
            parts=tuple(
                Part(name=one.name, view=one.view, twin=one.twin, healthy=one.healthy)
                for one in profiles
                if one.view is not None
            ),
            transcript=self._transcript,
            places=places_for(self._anchor),
            when=self._outputs.now() if self._outputs is not None else "",
            profiles=tuple(profiles),
            services=self._services,
        )
        return self._told


def words_of(report: "Report", loaded: "Loaded", how: How) -> tuple[str, ...]:
    """Return the flags of the run for the command that repeats it, which only advice tells."""
    if not report.findings:
        return ()
    from smtpdoctor.doctor import seal_of

    own = seal_of(loaded).own
    before = ("", *how.repeated)
    # Of hosts and ports in a row each is a value of its own; as one they would be taken for a server and its login.
    return tuple(
        _each_of_them(own, word) if flag == "--connect-to" else own(word)
        for flag, word in zip(before, how.repeated, strict=False)
    )


def _each_of_them(own: "Callable[[str], str]", text: str) -> str:
    """Mask each part of what says what to dial instead; raises nothing, as it has been read before."""
    (host, port), (address, other) = connect_to_of(text)
    hosts = (f"[{one}]" if ":" in one else one for one in (own(host), own(address)))
    return f"{next(hosts)}:{port}:{next(hosts)}:{other}"


def ca_file_of(path: Path | None) -> str | None:
    """Return the name of a file of CAs; raises UsageError where there are none in it."""
    if path is None:
        return None
    from smtpdoctor.files import named_file
    from smtpdoctor.net.tls import ContextError, strict_context

    name = named_file(path, most=_LARGEST_CA_FILE, flag="--ca-file")
    try:
        strict_context(name)  # which is kept for the run
    except ContextError as error:  # not PEM
        values: dict[str, object] = {"flag": "--ca-file", "value": name, "expected": Message("usage.pem")}
        raise UsageError(Message("usage.value", values)) from error
    return name


def resolver_of(text: str | None) -> tuple[str, int] | None:
    """Return the address and port of a name server; raises UsageError."""
    if text is None:
        return None
    import ipaddress

    address, port = text, "53"
    if text.startswith("["):
        address, closing, rest = text[1:].partition("]")
        port = (
            rest.removeprefix(":")
            if closing and rest.startswith(":")
            else "53"
            if closing and not rest
            else ""
        )
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    try:
        ipaddress.ip_address(address)
        number = _port(port)
    except ValueError as error:
        raise UsageError(unusable("--resolver", text, "usage.resolver")) from error
    return address, number


def _port(text: str) -> int:
    """Return a port's number; raises ValueError."""
    from smtpdoctor.settings.resolve import port_or_none

    number = port_or_none(text)
    if number is None:
        raise ValueError(text)
    return number


def connect_to_of(text: str) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return a host and port, and those to dial instead; raises UsageError."""
    from smtpdoctor.endpoints import endpoints_in

    found = endpoints_in(text)
    if found is None:
        raise UsageError(unusable("--connect-to", text, "usage.connect-to"))
    return found
