"""How exactly the time limits hold: each kind of peer that keeps a client waiting, at each stage.

``python benchmarks/deadlines.py``: a stage's limit first (``--timeout``), then the limit of the whole
run (``--deadline``) with an endless one for the stage. Each run must end within a second of its
limit; what the tests hold is only that it ends at all, as no test may fail on a busy machine.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smtpdoctor import Settings
from smtpdoctor.doctor import check
from smtpdoctor.model import Report, Stage
from smtpdoctor.probes.session import Options
from smtpdoctor.settings.resolve import Loaded, completed
from tests import certs, servers

LIMIT = 1.0  # seconds
ENDLESS = 300.0
ACCURACY = 1.0
USER = "app@example.test"


def _never_reading(peer: servers.Peer) -> None:
    """Leave all that the client says in the buffers of the system."""
    peer.stopping.wait()


def _flooding(peer: servers.Peer) -> None:
    """Send lines of a reply that never ends, as fast as the client takes them."""
    while not peer.stopping.is_set():
        peer.send(b"250-and one more line\r\n" * 1000)


BEHAVIOURS: dict[str, servers.Script] = {
    "silent": servers.silent,
    "dripping": servers.dripping(b"250-" + b"x" * 100_000, gap=0.05),
    "dripping lines": servers.dripping(b"250-x\r\n" * 100_000, gap=0.01),
    "never reading": _never_reading,
    "flooding": _flooding,
}
# Where in the dialogue a peer starts to misbehave; "." is the end of the message.
VERBS = ("EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", ".")


@contextlib.contextmanager
def _deaf() -> Iterator[int]:
    """Give a port whose queue of connections is full, so that no further one is answered."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((servers.HOST, 0))
        listener.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.settimeout(0.0)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def _run(port: int, security: str, ca_file: str, host: str = servers.HOST, **options: Any) -> Report:
    settings = Settings.of(
        host=host,
        port=port,
        security=security,  # type: ignore[arg-type] # one of the four words
        username=USER,
        password="correct horse 7",  # noqa: S106 -- made up
        sender=USER,
        recipient=USER,
    )
    given = Options(until=Stage.SEND, ca_file=ca_file, **options)
    return check(Loaded(completed(settings), ()), given)


def _peers(certificates: certs.Certificates) -> Iterator[tuple[str, Callable[..., Report]]]:
    """Yield each kind of peer with what runs a check against it."""
    ca_file = str(certificates.ca_pem)

    def against(script: servers.Script, security: str) -> Callable[..., Report]:
        def run(**options: Any) -> Report:
            with servers.serve(script) as server:
                return _run(server.port, security, ca_file, **options)

        return run

    def unanswered(**options: Any) -> Report:
        with _deaf() as port:
            return _run(port, "none", ca_file, **options)

    def nameless(**options: Any) -> Report:
        with servers.dns_server({"mail.example.test": servers.Dns.SILENT}) as server:
            resolver = (server.host, server.port)
            return _run(587, "none", ca_file, host="mail.example.test", resolver=resolver, **options)

    yield "name server, silent", nameless
    yield "connection, not answered", unanswered
    for kind, script in BEHAVIOURS.items():
        yield f"greeting, {kind}", against(script, "starttls")
        yield f"TLS at once, {kind}", against(script, "tls")
        yield (
            f"TLS handshake, {kind}",
            against(
                servers.sequence(
                    servers.greet(),
                    servers.ehlo("STARTTLS"),
                    servers.on("STARTTLS", "220 go ahead"),
                    script,
                ),
                "starttls",
            ),
        )
        for verb in VERBS:
            in_clear = ["STARTTLS"] if verb == "STARTTLS" else ["AUTH PLAIN"]
            security = "starttls" if verb == "STARTTLS" else "none"
            yield (
                f"{verb}, {kind}",
                against(servers.dialogue({verb: script}, capabilities=in_clear), security),
            )


def main() -> int:
    """Print how late each run ended; return 1 where one was a second late, or early."""
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, run in _peers(certs.make(Path(folder))):
            late = []
            for limits in (
                {"timeout": LIMIT, "deadline": ENDLESS},
                {"timeout": ENDLESS, "deadline": LIMIT},
            ):
                report = run(**limits)
                late.append(report.seconds - LIMIT)
                if report.verdict == "pass":
                    print(f"{name}: passed, which it must not")
                    return 1
            worst = max(worst, *late)
            stage, run_ = late
            print(f"{name:34} stage's limit {stage:+.3f} s, run's limit {run_:+.3f} s", flush=True)
    print(f"the latest: {worst:+.3f} s")
    return int(worst > ACCURACY)


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"{time.monotonic() - started:.0f} s in all")
    sys.exit(code)
