"""``smtpdoctor sandbox``, and the run of ``check --sandbox``."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final, Optional, Protocol, TypeVar

from msgspec.structs import replace

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import (
    guarded,
    language,
    live_output_to,
    password_from,
    refuse_to_destroy,
    refuse_together,
    tell,
)
from smtpdoctor.cli.declared import Option
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.options import FormatChoice
from smtpdoctor.errors import UsageError
from smtpdoctor.model import Message, Origin, Report, Security, Setting, Settings

if TYPE_CHECKING:
    from types import FrameType

    from smtpdoctor.cli.check import How
    from smtpdoctor.probes.session import Options
    from smtpdoctor.sandbox import Mail
    from smtpdoctor.settings.resolve import Loaded

__all__ = ["Show", "check_sandbox", "sandbox"]

T = TypeVar("T")

_RECIPIENT: Final = "you@localhost"
_IPV6: Final = 6
_TICK_SECONDS: Final = 0.5
_GRACE_SECONDS: Final = 2.0

_Ended = queue.SimpleQueue[Exception | None]


@guarded
def sandbox(  # noqa: PLR0913 -- the flags of the contract
    starttls_port: Annotated[
        int,
        Option(
            "--starttls-port",
            min=0,
            max=65535,
            help="Port for STARTTLS; 0: any that is free.",
            metavar="PORT",
        ),
    ] = 0,
    tls_port: Annotated[
        int,
        Option(
            "--tls-port",
            min=0,
            max=65535,
            help="Port for implicit TLS; 0: any that is free.",
            metavar="PORT",
        ),
    ] = 0,
    username: opt.Username = None,
    password_file: opt.PasswordFile = None,
    count: Annotated[
        Optional[int],  # noqa: UP045 -- typer reads it at run time
        Option("--count", min=1, help="End after this many messages.", metavar="N"),
    ] = None,
    format_: opt.Format = FormatChoice.TERMINAL,
    output: opt.Output = None,
    force: opt.Force = False,
    lang: opt.Language = None,
    no_color: opt.NoColor = False,
    quiet: Annotated[bool, Option("--quiet", help="No hints, only settings and messages.")] = False,
    verbose: Annotated[bool, Option("--verbose", help="Also the text of each message.")] = False,
    *,
    known: Known,
) -> None:
    """Run an SMTP server on this machine to aim an application at; it delivers nothing.

    It prints settings for a .env file, then each message as it comes, until Ctrl-C.
    """
    from smtpdoctor.sandbox import USERNAME, Sandbox

    refuse_together(("--quiet", quiet), ("--verbose", verbose))
    refuse_to_destroy(output, force=force)
    tongue = language(lang)
    given = password_from(file=password_file, stdin=False, ask=False, lang=tongue, known=known)
    if username is not None and not (username and username.isprintable()):
        values = {"flag": "--username", "value": ascii(username), "expected": Message("sandbox.username")}
        raise UsageError(Message("usage.value", values))
    ended: _Ended = queue.SimpleQueue()
    printing = threading.Lock()
    left = count

    def observe(mail: Mail) -> None:
        # On the server's thread: where the reader of our output is slow, the server is slow too,
        # and nothing piles up.
        nonlocal left
        with printing:
            if left == 0:
                return
            try:
                show.mail(mail)
            except Exception as error:  # noqa: BLE001 -- it is raised again below
                ended.put(error)
            if left is not None:
                left -= 1
                if left == 0:
                    ended.put(None)

    with (
        _signals(ended),
        live_output_to(output, private=given is None) as stream,
        contextlib.ExitStack() as stack,
    ):
        from smtpdoctor.report.sandbox import Lines, Shown, Terminal

        show: Shown
        if format_ is FormatChoice.JSON:
            show = Lines(stream, password_file, verbose=verbose)
        else:
            show = Terminal(
                stream,
                tongue,
                password_file,
                hint=None if quiet else tell,
                color=not no_color,
                verbose=verbose,
            )
        with printing:  # a quick client's message comes after the settings
            server = stack.enter_context(
                Sandbox(
                    starttls_port=starttls_port,
                    tls_port=tls_port,
                    username=username or USERNAME,
                    password=given.value if given else None,
                    observer=observe,
                )
            )
            show.ready(server)
        if (error := _wait(ended)) is not None:
            raise error
        if left == 0:
            server.close(_GRACE_SECONDS)  # whose message was the last may say QUIT


def _wait(ended: _Ended) -> Exception | None:
    while True:
        # Windows does not let Ctrl-C through to a thread that waits without a limit.
        with contextlib.suppress(queue.Empty):
            return ended.get(timeout=_TICK_SECONDS)


@contextlib.contextmanager
def _signals(ended: _Ended) -> Iterator[None]:
    """Make Ctrl-C and SIGTERM the way to end the server; pressed again, Ctrl-C breaks off."""
    asked = False

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        ended.put(None)  # SimpleQueue.put may be called from a signal handler

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    before = {
        number: handler
        for name in names
        if (number := getattr(signal, name, None)) is not None
        # What the parent process has switched off (nohup, a shell's background job) stays off.
        and (handler := signal.getsignal(number)) not in (signal.SIG_IGN, None)
    }
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Show(Protocol):
    """Runs a check and shows it."""

    def run(self, loaded: Loaded, options: Options, how: How) -> Report:
        """Run it with these settings."""


def _own(name: str, value: T) -> Setting[T]:
    """Return a setting that the sandbox made; advice calls it by its variable."""
    return Setting(value, Origin("sandbox", f"SMTP_{name.upper()}"))


def _given(name: str, value: T | None) -> Setting[T] | None:
    return None if value is None else Setting(value, Origin("flag", f"--{name}"))


def check_sandbox(
    security: Security | None,
    sender: str | None,
    to: str | None,
    options: Options,
    show: Show,
    how: How,
) -> Report:
    """Start the sandbox and check against it; raises UsageError where the flags contradict that.

    Without encryption the sandbox takes no login, so such a run fails as it would in earnest.
    """
    from smtpdoctor.sandbox import HOST, Sandbox
    from smtpdoctor.settings.resolve import Loaded

    refuse_together(("--sandbox", True), ("--ipv6", options.family == _IPV6))
    mode = security or Security.STARTTLS
    with Sandbox() as server:
        settings = Settings(
            host=_own("host", HOST),
            port=_own("port", server.tls_port if mode is Security.TLS else server.starttls_port),
            security=_given("security", security) or _own("opportunistic_tls", mode),
            username=_own("username", server.username),
            password=_own("password", server.password),
            sender=_given("sender", sender) or _own("sender", server.username),
            recipient=_given("to", to) or _own("recipient", _RECIPIENT),
        )

        def arrived(token: str) -> str | None:
            found = (mail.subject for mail in server.messages if token.encode() in mail.content)
            return next(found, None)

        options = replace(options, ca_file=str(server.ca_file), arrived=arrived)
        return show.run(Loaded(settings, ()), options, how)
