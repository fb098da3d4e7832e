"""Runs a look-up in a network of its own, where the name server of the machine is one of the tests'.

glibc reads ``/etc/resolv.conf``, which no test may change for the machine: what ``looked_up`` asks for is done
in a network and mount namespace of its own, with that file (and the hosts file) in its place. That is a child of a
process that has loaded all it takes: starting Python for each would take longer than what is asked for.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import functools
import importlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers import Answers, Dns, DnsReply, dns_server

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "mail.example.test"
HERE = "nameserver 127.0.0.1\n"
SILENT_HOST = "127.0.0.2"
_NEW_MOUNTS, _NEW_NETWORK = 0x20000, 0x40000000  # CLONE_NEWNS, CLONE_NEWNET
_BIND, _PRIVATE = 0x1000, 0x44000  # MS_BIND, MS_REC | MS_PRIVATE
_LONGEST = 300.0
SOA = "SOA ns.test. admin.test. 1 1 1 1 1"

# By name, as another process has to start them.
SCENARIOS: dict[str, Answers] = {
    "both": {NAME: ["192.0.2.1", "2001:db8::1"]},
    "aaaa-dropped": {(NAME, "A"): "192.0.2.1", (NAME, "AAAA"): Dns.SILENT},
    "a-dropped": {(NAME, "A"): Dns.SILENT, (NAME, "AAAA"): "2001:db8::1"},
    "late": {NAME: DnsReply("192.0.2.1", after=0.9)},
    "aaaa-late": {(NAME, "A"): "192.0.2.1", (NAME, "AAAA"): DnsReply("2001:db8::1", after=0.9)},
    "aaaa-garbage": {(NAME, "A"): "192.0.2.1", (NAME, "AAAA"): Dns.GARBAGE},
    "ipv6": {NAME: "2001:db8::1"},
    "mail-domain": {NAME: ["MX 20 b.test", "MX 10 a.test"]},
    "search": {"mail.office.corp.test": "192.0.2.3", "plain.corp.test": "192.0.2.4"},
    "servfail": {NAME: Dns.SERVFAIL},
    "nothing": {".": "NS ns.test", "test": SOA},
    "public": {".": "NS a.root-servers.net"},
    "silent": {NAME: Dns.SILENT},
}


def available() -> bool:
    """Whether this process may make a network of its own; in CI it must."""
    if os.environ.get("CI"):
        return sys.platform == "linux"
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    return _unshares("-mn")


def may_have_a_network() -> bool:
    """Whether a network of its own can be made here; where not, what needs one is left out."""
    return sys.platform == "linux" and _unshares("-n")


def _unshares(flags: str) -> bool:
    with contextlib.suppress(OSError):
        return not subprocess.run(["unshare", flags, "true"], capture_output=True, check=False).returncode  # noqa: S607
    return False


def looked_up(scenario: str, host: str = NAME, **options: Any) -> dict[str, Any]:
    """Return the answer, the queries that the server saw, and whether public names are known.

    ``resolv`` and ``hosts`` are the texts of the machine's files; the rest goes to ``resolve``.
    """
    return _run("resolve", {"scenario": scenario, "host": host, **options})


def commanded(scenario: str, command: Sequence[str], **options: Any) -> dict[str, Any]:
    """Return what a command of smtpdoctor prints as JSON."""
    return _run("command", {"scenario": scenario, "command": list(command), **options})


@functools.cache
def _helper() -> subprocess.Popen[str]:
    """Start the process whose children look up; it ends with this one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.namespace"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )

    def end() -> None:
        with process:
            pass

    atexit.register(end)
    return process


def _run(what: str, options: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "resolv.conf").write_text(options.pop("resolv", HERE))
        (folder / "hosts").write_text(f"127.0.0.1 localhost\n{options.pop('hosts', '')}")
        helper = _helper()
        assert helper.stdin is not None
        assert helper.stdout is not None
        asked = {"folder": name, "environment": dict(os.environ), "what": what, "options": options}
        helper.stdin.write(json.dumps(asked) + "\n")
        helper.stdin.flush()
        assert select.select([helper.stdout], [], [], _LONGEST)[0], "it never ends"
        ended = helper.stdout.readline()
        answer, said = ((folder / one).read_text(encoding="utf-8") for one in ("answer", "said"))
        assert answer, (ended, said)
        found: dict[str, Any] = json.loads(answer)
        return found


def _into_a_namespace(folder: Path) -> None:
    """Leave the network and the mounts of the machine, which stay as they are, and put two files in their place."""
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(source: Path | None, target: str, flags: int) -> int:
        return libc.mount(bytes(source) if source else None, target.encode(), None, flags, None)  # type: ignore[no-any-return]

    failed = (
        libc.unshare(_NEW_MOUNTS | _NEW_NETWORK)
        or mount(None, "/", _PRIVATE)
        or mount(folder / "resolv.conf", "/etc/resolv.conf", _BIND)
        or mount(folder / "hosts", "/etc/hosts", _BIND)
    )
    assert not failed, os.strerror(ctypes.get_errno())
    loopback_up()


def _serve() -> None:
    """Answer each line of standard input by a child, and say how it ended."""
    for name in ("smtpdoctor.cli", "smtpdoctor.net.dns"):
        importlib.import_module(name)
    assert "smtpdoctor.net.nameserver" not in sys.modules  # whether a look-up loads it is asked for
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            folder = Path(asked["folder"])
            for name, number in (("answer", 1), ("said", 2)):
                with (folder / name).open("wb") as file:
                    os.dup2(file.fileno(), number)
            os.environ.clear()
            os.environ.update(asked["environment"])
            _into_a_namespace(folder)
            _main(asked["what"], asked["options"])
            return
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)  # noqa: T201


def loopback_up() -> None:
    """Switch the loopback interface of a new network on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        up_and_running = 0x49  # IFF_UP, IFF_LOOPBACK, IFF_RUNNING
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", up_and_running))  # SIOCSIFFLAGS


def _main(what: str, options: dict[str, Any]) -> None:
    scenario = options.pop("scenario")
    one_per_port = options.pop("one_per_port", False)
    with contextlib.ExitStack() as stack:
        if scenario == "closed":
            queries: list[tuple[str, str]] = []
        else:
            # A name server that takes the question and never answers.
            silent = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            silent.bind((SILENT_HOST, 53))
            server = dns_server(SCENARIOS[scenario], port=53, one_per_port=one_per_port)
            queries = stack.enter_context(server).queries
        if what == "command":
            from smtpdoctor.cli import app

            app(options["command"], standalone_mode=False)
            return
        _print_answer(queries, **options)


def _print_answer(
    queries: list[tuple[str, str]],
    host: str,
    *,
    family: int | None = None,
    seconds: float = 6.0,
    public_seconds: float = 1.0,
) -> None:
    import msgspec

    from smtpdoctor.net.dns import knows_public_names, resolve

    answer = resolve(host, 587, family=family, resolver=None, deadline=time.monotonic() + seconds)
    asked, explained = list(queries), "smtpdoctor.net.nameserver" in sys.modules
    public = knows_public_names(None, time.monotonic() + public_seconds)
    found = {"answer": msgspec.to_builtins(answer), "queries": asked}
    print(json.dumps({**found, "explained": explained, "public": public}))  # noqa: T201


if __name__ == "__main__":
    _serve()
