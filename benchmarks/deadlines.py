"""How exactly the time limits hold: each kind of peer that keeps a client waiting, at each stage, with and without TLS.

``python benchmarks/deadlines.py [WORD…]``: a stage's limit first (``--timeout``), then the limit of the whole
run (``--deadline``) with an endless one for the stage; with words, only the situations whose name has one of
them. Each run must end within a second of its limit, and no flood may fill the memory; what the tests hold
is only that a run ends at all, as no test may fail on a busy machine. The peers are processes of their own,
so that a flood takes no time from the doctor but the processor's.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smtpdoctor import Settings
from smtpdoctor.doctor import check
from smtpdoctor.model import Report, Stage
from smtpdoctor.probes.session import Options
from smtpdoctor.settings.resolve import Loaded, completed
from tests import certs, servers
from tests.servers import Peer, Script, dialogue, greet, sequence

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LIMIT = 0.5  # seconds
ENDLESS = 300.0
ACCURACY = 1.0
MOST_MEMORY = 100  # MB more than before the first flood
USER = "app@example.test"
FORKED = multiprocessing.get_context("fork")


# -- Peers that keep a client waiting -------------------------------------------------------------


def _never_reading(peer: Peer) -> None:
    """Leave all that the client says in the buffers of the system."""
    peer.stopping.wait()


def _flood(data: bytes, pieces: int = 20_000) -> Script:
    """Send the same again and again, as fast as the client takes it, so many bytes at a time."""
    block = data * max(1, pieces // len(data))

    def run(peer: Peer) -> None:
        while not peer.stopping.is_set():
            peer.send(block)

    return run


def _behind(first: bytes, script: Script) -> Script:
    return sequence(servers.raw(first), script)


def _awaiting_a_hello(peer: Peer) -> None:
    peer.receive()


def _half_a_record(peer: Peer) -> None:
    """Begin a record of TLS, below the session if there is one."""
    with socket.socket(fileno=socket.dup(peer._socket.fileno())) as below:  # noqa: SLF001 -- what is below TLS
        below.sendall(b"\x17\x03\x03\x40\x00" + bytes(100))
    peer.wait()


IN_WORDS: dict[str, Script] = {
    "silent": servers.silent,
    "dripping": servers.dripping(b"250-" + b"x" * 100_000, gap=0.02),
    "dripping lines": servers.dripping(b"250-x\r\n" * 100_000, gap=0.005),
    "never reading": _never_reading,
    "flooding lines": _flood(b"250-and one more line\r\n"),
    "flooding replies": _behind(b"250-a\r\n", _flood(b"250 and one more\r\n")),
    "flooding single bytes": _flood(b"2", 1),
    "a line without end": _behind(b"250 ", _flood(b"x")),
    "flooding blank lines": _flood(b"\r\n"),
    "half a record": _half_a_record,
}


def _record(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + b"\x03\x03" + len(data).to_bytes(2, "big") + data


def _in_pieces(message: bytes, size: int) -> bytes:
    """Return a handshake message in as many records as it takes."""
    return b"".join(_record(22, message[at : at + size]) for at in range(0, len(message), size))


# A ServerHello of TLS 1.2 (RFC 5246 section 7.4.1.3) that any client takes, without extensions.
_HELLO = b"\x02\x00\x00\x26\x03\x03" + bytes(32) + b"\x00\xc0\x2f\x00"
_CHAIN = (
    b"\x0b\x01\x80\x00\x01\x7f\xfd"  # and a Certificate message of 98,304 bytes, the rest of which is to come
)

# What a peer can do between hello and the end of a handshake, in the clear.
IN_HANDSHAKE: dict[str, Script] = {
    "hello requests": _flood(_record(22, b"\0\0\0\0")),
    "warnings": _flood(_record(21, b"\x01\x5a")),
    "change of ciphers": _flood(_record(20, b"\x01")),
    "empty records": _flood(_record(22, b"")),
    "a hello in single bytes": _flood(_in_pieces(b"\x02\x00\x3e\x00" + bytes(16_000), 1)),
    "a chain without end": _behind(_record(22, _HELLO), _flood(_in_pieces(_CHAIN + bytes(16_000), 16_000))),
    "a chain that drips": _behind(
        _record(22, _HELLO), servers.dripping(_in_pieces(_CHAIN + bytes(90_000), 1), 0.002)
    ),
    "a record that drips": servers.dripping(b"\x16\x03\x03\x20\x00" + b"\x02" * 8_000, 0.01),
}

# Where in the dialogue a peer starts to misbehave; "." is the end of the message.
VERBS = ("EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", ".", "QUIT")


def _with_tickets(certificates: certs.Certificates, count: int) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.cert_pem, certificates.good.key_pem)
    context.num_tickets = count
    return context


# -- Runs -----------------------------------------------------------------------------------------


def _serving(script: Script, pipe: Connection) -> None:
    with servers.serve(script) as server:
        pipe.send(server.port)
        pipe.recv()


@contextlib.contextmanager
def _elsewhere(script: Script) -> Iterator[int]:
    """Follow a script in another process, and give its port."""
    ours, theirs = FORKED.Pipe()
    process = FORKED.Process(target=_serving, args=(script, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(20)


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


Runs = Iterator[tuple[str, Callable[..., Report]]]


def _peers(certificates: certs.Certificates) -> Runs:
    """Yield each kind of peer with what runs a check against it."""
    ca_file = str(certificates.ca_pem)

    def against(script: Script, security: str) -> Callable[..., Report]:
        def run(**options: Any) -> Report:
            with _elsewhere(script) as port:
                return _run(port, security, ca_file, **options)

        return run

    def unanswered(**options: Any) -> Report:
        with _deaf() as port:
            return _run(port, "none", ca_file, **options)

    def nameless(answer: servers.Answer) -> Callable[..., Report]:
        def run(**options: Any) -> Report:
            with servers.dns_server({"mail.example.test": answer}) as server:
                resolver = (server.host, server.port)
                return _run(587, "none", ca_file, host="mail.example.test", resolver=resolver, **options)

        return run

    yield "name server, silent", nameless(servers.Dns.SILENT)
    yield "name server, garbage", nameless(servers.Dns.GARBAGE)
    yield "name server, thousands", nameless([f"127.9.{n // 250}.{n % 250 + 1}" for n in range(2000)])
    yield "connection, not answered", unanswered
    implicit = servers.tls_on_connect(certificates.good)
    for kind, script in IN_WORDS.items():
        yield f"greeting, {kind}", against(script, "starttls")
        yield f"TLS at once, {kind}", against(script, "tls")
        yield f"greeting in TLS, {kind}", against(sequence(implicit, script), "tls")
        yield f"behind the greeting, {kind}", against(sequence(greet(), script), "none")
        yield f"behind it in TLS, {kind}", against(sequence(implicit, greet(), script), "tls")
        for verb in VERBS:
            in_clear = ["STARTTLS"] if verb == "STARTTLS" else ["AUTH PLAIN"]
            security = "starttls" if verb == "STARTTLS" else "none"
            yield f"{verb}, {kind}", against(dialogue({verb: script}, capabilities=in_clear), security)
            if verb != "STARTTLS":
                inside = dialogue({verb: script}, implicit_cert=certificates.good)
                yield f"{verb} in TLS, {kind}", against(inside, "tls")
    # What comes before the client's hello is an injection, and told at once.
    go = sequence(servers.on("STARTTLS", "220 go ahead"), _awaiting_a_hello)
    for kind, script in {**IN_WORDS, **IN_HANDSHAKE}.items():
        asked = sequence(greet(), servers.ehlo("STARTTLS"), go)
        yield f"handshake, {kind}", against(sequence(asked, script), "starttls")
        if kind in IN_HANDSHAKE:
            yield f"handshake at once, {kind}", against(script, "tls")
    yield "tickets without end", against(servers.tls_with(_with_tickets(certificates, 200_000)), "tls")


# What a run may come to, though a peer keeps it waiting: the message was accepted before.
FINE = ("QUIT",)


def _memory() -> int:
    """Return the most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> int:
    """Print how late each run ended; return 1 where one was a second late, early, or took the memory."""
    worst, wrong, number = 0.0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        before = 0
        for name, run in _peers(certs.make(Path(folder))):
            if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
                continue
            late = []
            for limits in (
                {"timeout": LIMIT, "deadline": ENDLESS},
                {"timeout": ENDLESS, "deadline": LIMIT},
            ):
                report = run(**limits)
                late.append(report.seconds - LIMIT)
                if report.verdict == "pass" and not name.startswith(FINE):
                    print(f"{name}: passed, which it must not")
                    wrong += 1
            before = before or _memory()
            number += 1
            worst = max(worst, *late)
            wrong += any(one > ACCURACY for one in late)
            stage, run_ = late
            print(f"{name:40} stage's limit {stage:+.3f} s, run's limit {run_:+.3f} s", flush=True)
        grown = _memory() - before
    print(f"{number} situations, the latest {worst:+.3f} s, {grown} MB of memory")
    return int(wrong > 0 or grown > MOST_MEMORY)


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"{time.monotonic() - started:.0f} s in all")
    sys.exit(code)
