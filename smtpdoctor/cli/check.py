"""``smtpdoctor check``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import (
    EXIT_BUG,
    EXIT_PROBLEM,
    guarded,
    language,
    output_to,
    password_from,
    refuse_to_destroy,
    refuse_together,
    refuse_unusable,
    unusable,
)
from smtpdoctor.cli.declared import Exit, Option
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.options import FormatChoice
from smtpdoctor.errors import UsageError
from smtpdoctor.model import Fault, Lang, Message, Stage

if TYPE_CHECKING:
    from smtpdoctor.model import Report
    from smtpdoctor.probes.session import Options
    from smtpdoctor.settings.resolve import Loaded

__all__ = ["check"]

Until = Literal["dns", "connect", "tls", "auth", "sender", "recipient", "send"]
_LARGEST_CA_FILE: Final = 16_777_216  # bytes; the bundles of the systems have some 200 KB
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
    until: Annotated[
        Until | None,
        Option("--until", help="The last stage; default: sender, with --to: send."),
    ] = None,
    to: Annotated[
        str | None,
        Option("--to", help="Send one test message to this address.", metavar="ADDRESS"),
    ] = None,
    ca_file: Annotated[
        Path | None,
        Option("--ca-file", help="Trust these CA certificates instead of the system's.", metavar="PEM"),
    ] = None,
    timeout: Annotated[
        float,
        Option(
            "--timeout",
            min=0.1,
            max=3600,
            help="Seconds for a stage.",
            metavar="SECONDS",
        ),
    ] = 10.0,
    deadline: Annotated[
        float,
        Option(
            "--deadline",
            min=0.1,
            max=86400,
            help="Seconds for the whole run.",
            metavar="SECONDS",
        ),
    ] = 60.0,
    resolver: Annotated[
        str | None,
        Option("--resolver", help="Ask this name server.", metavar="IP[:PORT]"),
    ] = None,
    connect_to: Annotated[
        list[str] | None,
        Option("--connect-to", help="Dial ADDR:PORT instead, keep the name.", metavar="HOST:PORT:ADDR:PORT"),
    ] = None,
    ipv4: Annotated[bool, Option("--ipv4", help="IPv4 only.")] = False,
    ipv6: Annotated[bool, Option("--ipv6", help="IPv6 only.")] = False,
    allow_cleartext_auth: Annotated[
        bool, Option("--allow-cleartext-auth", help="Send the login unencrypted if it comes to that.")
    ] = False,
    transcript: Annotated[bool, Option("--transcript", help="Show the SMTP dialogue.")] = False,
    strict: opt.Strict = False,
    use_sandbox: Annotated[
        bool, Option("--sandbox", help="Start the embedded server and check against it.")
    ] = False,
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
    """Run the stages in order against the real server and name the cause of what fails.

    Without --to no message leaves: the run ends after MAIL FROM, which is taken back.
    """
    from smtpdoctor.cli.settings import load_applications
    from smtpdoctor.plan import UNTIL
    from smtpdoctor.probes.session import Options
    from smtpdoctor.settings.resolve import Flags
    from smtpdoctor.settings.target import refuse_astray

    tongue = language(lang)
    refuse_together(("--quiet", quiet), ("--verbose", verbose))
    refuse_to_destroy(output, force=force)
    refuse_together(("--ipv4", ipv4), ("--ipv6", ipv6))
    refuse_unusable(
        sender=sender,
        recipient=to,
        ehlo=ehlo,
        host=host,
        url=url,
        username=username,
        preset=preset,
        app=app,
        resolver=resolver,
    )
    for text in connect_to or []:
        refuse_unusable(**{"connect-to": text})
    if until in _AFTER_SENDER and to is None and not use_sandbox:
        raise UsageError(Message("usage.needs", {"flag": f"--until {until}", "other": "--to"}))
    options = Options(
        until=UNTIL[until] if until else Stage.SEND if to or use_sandbox else Stage.SENDER,
        ca_file=_ca_file(ca_file),
        timeout=timeout,
        deadline=deadline,
        resolver=_resolver(resolver),
        connect_to=dict(map(_connect_to, connect_to or [])),
        family=4 if ipv4 else 6 if ipv6 else None,
        allow_cleartext_auth=allow_cleartext_auth,
        lang=tongue,
    )
    repeated = _repeated(
        {
            "--until": until,
            "--ca-file": ca_file,
            "--resolver": resolver,
            "--connect-to": connect_to,
            "--ipv4": ipv4,
            "--ipv6": ipv6,
            "--no-environment": no_environment,
            "--allow-cleartext-auth": allow_cleartext_auth,
        }
    )
    show = _Show(format_, output, tongue, quiet, verbose, transcript, not no_color, repeated)
    if use_sandbox:
        for name, given in (
            ("--preset", preset), ("--app", app), ("--url", url), ("--host", host), ("--port", port),
            ("--username", username), ("--password-file", password_file), ("--password-stdin", password_stdin),
            ("--ask-password", ask_password), ("--ehlo", ehlo), ("--env-file", env_file),
            ("--config", config),
            ("--no-environment", no_environment), ("--ca-file", ca_file), ("--connect-to", connect_to),
        ):  # fmt: skip
            refuse_together(("--sandbox", True), (name, bool(given)))
        from smtpdoctor.cli.sandbox import check_sandbox

        report = check_sandbox(security, sender, to, options, show, strict=strict)
    else:
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
            recipient=to,
        )
        found = load_applications(
            flags,
            config,
            env_file,
            service=service,
            app_version=app_version,
            environment=not no_environment,
            lang=tongue,
            known=known,
        )
        loaded = _only(found)
        refuse_astray(options.connect_to, loaded.settings)
        report = show.run(loaded, options, strict=strict)
    if any(finding.fault is Fault.SMTPDOCTOR for finding in report.findings):
        raise Exit(EXIT_BUG)
    if not report.healthy:
        raise Exit(EXIT_PROBLEM)


def _only(found: "list[tuple[str, Loaded]]") -> "Loaded":
    """Return the settings of the one application that there is; a check is about one server."""
    if len(found) > 1:
        names = ", ".join(service for service, _ in found)
        raise UsageError(Message("usage.config.several", {"names": names}))
    return found[0][1]


def _repeated(flags: dict[str, object]) -> tuple[str, ...]:
    """Return flags as they were given, for the command that repeats the run."""
    words: list[str] = []
    for name, value in flags.items():
        if value is True:
            words.append(name)
        elif isinstance(value, list):
            words += [word for one in value for word in (name, str(one))]
        elif value:
            words += [name, str(value)]
    return tuple(words)


class _Show:
    """Runs a check and shows it in the format that was asked for."""

    def __init__(
        self,
        format_: FormatChoice,
        output: Path | None,
        lang: Lang,
        quiet: bool,
        verbose: bool,
        transcript: bool,
        color: bool,
        repeated: tuple[str, ...],
    ) -> None:
        self._format = format_
        self._output = output
        self.lang = lang
        self._quiet = quiet
        self._verbose = verbose
        self._transcript = transcript
        self._color = color
        self._repeated = repeated  # the flags that a repetition of the run needs, but those of settings

    def run(self, loaded: "Loaded", options: "Options", *, strict: bool) -> "Report":
        """Run the check; the report goes to standard output or a file, progress to standard error."""
        from smtpdoctor.doctor import check as run_check

        with output_to(self._output) as stream:
            if self._format is not FormatChoice.TERMINAL:
                from smtpdoctor.report import renderer
                from smtpdoctor.report.view import view_of

                report = run_check(loaded, options, strict=strict)
                view = view_of(report, self.lang, self._words(report, loaded))
                text = renderer(self._format.value).render(view, transcript=self._transcript)
                stream.write(text)
                return report
            from smtpdoctor.doctor import seal_of
            from smtpdoctor.report import terminal
            from smtpdoctor.report.view import view_of

            color = self._color and terminal.wants_color()
            console = terminal.make_console(stream, color=color)
            shows_progress = sys.stderr.isatty() and not self._quiet
            progress = terminal.make_console(sys.stderr, color=color) if shows_progress else None
            observer = None
            if not self._quiet:
                terminal.print_heading(console, seal_of(loaded).settings(loaded.settings), self.lang)
                observer = terminal.Live(console, progress, self.lang, verbose=self._verbose)
            try:
                report = run_check(loaded, options, observer, strict=strict)
            finally:
                if observer is not None:
                    observer.stop()
            terminal.print_view(
                console,
                view_of(report, self.lang, self._words(report, loaded)),
                transcript=self._transcript,
                quiet=self._quiet,
                verbose=self._verbose,
            )
            return report

    def _words(self, report: "Report", loaded: "Loaded") -> tuple[str, ...]:
        """Return the flags of the run for the command that repeats it, which only advice tells."""
        if not report.findings:
            return ()
        from smtpdoctor.doctor import seal_of

        return tuple(map(seal_of(loaded).own, self._repeated))


def _ca_file(path: Path | None) -> str | None:
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


def _resolver(text: str | None) -> tuple[str, int] | None:
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
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < number < 65_536:  # noqa: PLR2004 -- RFC 9293
        raise ValueError(text)
    return number


def _connect_to(text: str) -> tuple[tuple[str, int], tuple[str, int]]:
    import re

    part = r"(\[[^\]]+\]|[^:\[\]]+)"
    found = re.fullmatch(rf"{part}:(\d{{1,5}}):{part}:(\d{{1,5}})", text)
    if found is None:
        raise UsageError(unusable("--connect-to", text, "usage.connect-to"))
    name, port, address, other = found.groups()
    try:
        return (name.strip("[]"), _port(port)), (address.strip("[]"), _port(other))
    except ValueError as error:
        raise UsageError(unusable("--connect-to", text, "usage.connect-to")) from error
