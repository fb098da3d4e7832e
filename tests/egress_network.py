"""A network of two machines, in which a firewall of the second one does to each address what a pattern says.

``python -m tests.egress_network`` runs as root in a mount and network namespace of its own, makes a second network
namespace for the servers, and asks ``smtpdoctor check --egress`` for each pattern: what is printed is one JSON object,
each pattern's answer by its name. Nothing of it is left when it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from smtpdoctor.cli import app
from smtpdoctor.knowledge import load
from tests import certs, servers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HOST: Final = "smtp.sendgrid.net"  # offers 25, 465, 587 and 2525
PRESET: Final = "sendgrid"
ROOT: Final = Path(__file__).parent.parent
_SERVERS: Final = "servers"
_AT_ONCE: Final = 7
_AGAIN: Final = 2
_SECONDS: Final = 5.0
_NEW_MOUNTS: Final = 0x20000  # CLONE_NEWNS of unshare(2)
_BIND: Final = 0x1000  # MS_BIND of mount(2)
_OTHER: Final = "mail.hosting.example"


class Pattern(NamedTuple):
    """What a firewall does, in the words of nft with ``{at}`` for the address; ``states`` of IPv4 and of IPv6."""

    rules: tuple[str, ...] = ()
    redirects: tuple[tuple[str, str], ...] = ()  # match, and the server that answers instead
    states: Mapping[int, str | tuple[str, str]] = MappingProxyType({})  # of ports that are not open
    verdict: str = "pass"
    finding: str = ""


PORTS: Final = (587, 465, 2525, 25)
_DROP_MAIL: Final = "tcp dport { 25, 465, 587 } drop"
PATTERNS: Final[dict[str, Pattern]] = {
    "open": Pattern(),
    "drop one": Pattern(("tcp dport 587 drop",), (), {587: "dropped"}, "warn", "connect-timeout"),
    "drop all but 2525": Pattern(
        (_DROP_MAIL,), (), dict.fromkeys((25, 465, 587), "dropped"), "warn", "connect-timeout"
    ),
    "drop 25": Pattern(("tcp dport 25 drop",), (), {25: "dropped"}),
    "drop all": Pattern(
        ("meta l4proto tcp drop",), (), dict.fromkeys(PORTS, "dropped"), "fail", "connect-timeout"
    ),
    "reject with a reset": Pattern(
        ("tcp dport 587 reject with tcp reset",), (), {587: "refused"}, "warn", "connect-refused"
    ),
    "reject as port unreachable": Pattern(
        ("tcp dport 587 reject with icmpx type port-unreachable",),
        (),
        {587: "refused"},
        "warn",
        "connect-refused",
    ),
    "reject as prohibited": Pattern(
        ("tcp dport 587 reject with icmpx type admin-prohibited",),
        (),
        {587: "rejected"},
        "warn",
        "connect-unreachable",
    ),
    "reject as host unreachable": Pattern(
        ("meta l4proto tcp reject with icmpx type host-unreachable",),
        (),
        dict.fromkeys(PORTS, "rejected"),
        "fail",
        "connect-unreachable",
    ),
    "reject as no route": Pattern(
        ("tcp dport { 465, 587 } reject with icmpx type no-route",),
        (),
        {465: "rejected", 587: "rejected"},
        "warn",
        "connect-unreachable",
    ),
    "redirect to another server": Pattern(
        (), (("tcp dport 587", "other"),), {587: "redirected"}, "warn", "tls-intercepted"
    ),
    "redirect TLS to another server": Pattern((), (("tcp dport 465", "other-tls"),), {465: "redirected"}),
    "redirect to a captive portal": Pattern(
        (), (("tcp dport 587", "portal"),), {587: "redirected"}, "warn", "tls-intercepted"
    ),
    "redirect without STARTTLS": Pattern(
        (), (("tcp dport 587", "plain"),), {587: "redirected"}, "warn", "tls-intercepted"
    ),
    "tarpit": Pattern((), (("tcp dport 587", "silent"),), {587: "tarpit"}, "warn", "greeting-timeout"),
    "tarpit of TLS": Pattern((), (("tcp dport 465", "silent"),), {465: "tarpit"}),
    "cut off with a reset": Pattern(
        (), (("tcp dport 587", "resetting"),), {587: "reset"}, "warn", "connect-closed"
    ),
    "cut off": Pattern((), (("tcp dport 587", "closing"),), {587: "reset"}, "warn", "connect-closed"),
    "IPv6 dropped": Pattern(
        ("meta nfproto ipv6 meta l4proto tcp drop",),
        (),
        dict.fromkeys(PORTS, ("open", "dropped")),
        "warn",
        "connect-partial",
    ),
    "IPv4 rejected": Pattern(
        ("meta nfproto ipv4 tcp dport 587 reject with icmpx type admin-prohibited",),
        (),
        {587: ("rejected", "open")},
        "warn",
        "connect-partial",
    ),
}


def available() -> bool:
    """Whether this process may make networks, and has the programs for it; in CI it must."""
    if os.environ.get("CI"):
        return sys.platform == "linux"
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    tried = "mount -t tmpfs tmpfs /run && ip netns add x && ip netns exec x nft list ruleset"
    with contextlib.suppress(OSError):
        command = ["unshare", "-mn", "sh", "-c", tried]
        return not subprocess.run(command, capture_output=True, check=False).returncode
    return False


def survey(**environment: str) -> dict[str, Any]:
    """Return the answer to each pattern by its name: the JSON, the exit code and the terminal's text."""
    done = subprocess.run(
        ["unshare", "-mn", "--kill-child", "-f", sys.executable, "-m", "tests.egress_network"],  # noqa: S607
        capture_output=True,
        check=False,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _addresses(number: int) -> tuple[str, str]:
    return f"10.77.0.{number + 10}", f"fd77::{number + 10:x}"


def _run(*command: str, text: str | None = None) -> None:
    subprocess.run(command, check=True, input=text, text=True, stdout=sys.stderr)


def _in_servers(*command: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", _SERVERS, *command)


def _build() -> None:
    """Make the second machine, and an address of it for each pattern."""
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")
    _run("ip", "netns", "add", _SERVERS)
    _run("ip", "link", "add", "client", "type", "veth", "peer", "name", "server", "netns", _SERVERS)
    client = "link set lo up\nlink set client up\naddr add 10.77.0.1/24 dev client\naddr add fd77::1/64 dev client nodad\n"
    _run("ip", "-batch", "-", text=client)
    server = ["link set lo up", "link set server up"]
    for number in range(len(PATTERNS)):
        four, six = _addresses(number)
        server += [f"addr add {four}/24 dev server", f"addr add {six}/64 dev server nodad"]
    _run(*_in_servers("ip", "-batch", "-"), text="\n".join(server) + "\n")
    # All patterns are one client's: what the kernel says to one peer in a second would not be enough for them.
    limits = "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit"
    _run(*_in_servers("sh", "-c", f"mount -t proc proc /proc; {limits}"))


def _ruleset(ports: dict[str, int]) -> str:
    """Return the firewall: what is done to each pattern's addresses, and where the mail ports lead."""
    first, then = [], []
    for number, pattern in enumerate(PATTERNS.values()):
        four, six = _addresses(number)
        for at in (f"ip daddr {four}", f"ip6 daddr {six}"):
            first += [f"{at} {rule}" for rule in pattern.rules]
            then += [f"{at} {match} redirect to :{ports[name]}" for match, name in pattern.redirects]
    then += [
        f"tcp dport {{ 25, 587, 2525 }} redirect to :{ports['good']}",
        f"tcp dport 465 redirect to :{ports['good-tls']}",
    ]
    return (
        "table inet firewall {\n chain first { type filter hook prerouting priority -150;\n  "
        + "\n  ".join(first)
        + "\n }\n chain then { type nat hook prerouting priority -100;\n  "
        + "\n  ".join(then)
        + "\n }\n}\n"
    )


def _serve(folder: str) -> None:
    """Be the servers, until standard input ends."""
    made = certs.make(Path(folder))
    shop = made.workshop
    own = shop.store("own", shop.leaf(shop.root, [HOST]))
    other = shop.store("other", shop.leaf(shop.root, [_OTHER]))
    starttls: dict[str, Any] = {"capabilities": ["STARTTLS"], "tls_capabilities": ["AUTH PLAIN"]}
    greeting = f"220 {_OTHER} ESMTP"
    scripts = {
        "good": servers.dialogue(starttls_cert=own, **starttls),
        "good-tls": servers.dialogue(implicit_cert=own),
        "other": servers.dialogue(starttls_cert=other, greeting=greeting, **starttls),
        "other-tls": servers.dialogue(implicit_cert=other, greeting=greeting),
        "plain": servers.dialogue(greeting=greeting, capabilities=["AUTH PLAIN"]),
        "portal": servers.say("HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n"),
        "silent": servers.silent,
        "resetting": servers.resetting,
        "closing": servers.closing,
    }
    with contextlib.ExitStack() as stack:
        ports = {
            name: stack.enter_context(servers.serve(script, host="::")).port
            for name, script in scripts.items()
        }
        print(json.dumps({"ports": ports}), flush=True)  # noqa: T201
        sys.stdin.read()


def _ask(number: int, folder: Path) -> int:
    """Begin to ask for one pattern, in a process whose file of hosts has the provider at this pattern's addresses.

    A child of this one, since starting Python twenty times would take longer than all that is waited for.
    """
    hosts, answer = folder / f"hosts-{number}", folder / f"answer-{number}"
    hosts.write_text("".join(f"{one} {HOST}\n" for one in _addresses(number)))
    child = os.fork()
    if child:
        return child
    code = 99
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        mounted = libc.unshare(_NEW_MOUNTS) or libc.mount(bytes(hosts), b"/etc/hosts", None, _BIND, None)
        assert not mounted, os.strerror(ctypes.get_errno())
        sys.stdout = answer.open("w", encoding="utf-8")
        arguments = ["check", "--egress", "--preset", PRESET, "--no-environment", "--format", "json"]
        app([*arguments, "--ca-file", str(folder / "ca.pem")])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(code)


def _answers(folder: Path, numbers: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the answers to some patterns, asked for at once."""
    for number, child in [(number, _ask(number, folder)) for number in numbers]:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        yield number, {"code": code, "report": json.loads((folder / f"answer-{number}").read_text())}


def _all_answers(folder: Path) -> list[dict[str, Any]]:
    """Return the answer to each pattern; what came out wrong is asked again by itself, for a machine that is busy."""
    patterns, count = list(PATTERNS.values()), len(PATTERNS)
    found: dict[int, dict[str, Any]] = {}
    for first in range(0, count, _AT_ONCE):
        found.update(_answers(folder, range(first, min(first + _AT_ONCE, count))))
    for _ in range(_AGAIN):
        for number in range(count):
            if wrong(patterns[number], found[number]):
                found.update(_answers(folder, [number]))
    return [found[number] for number in range(count)]


def wrong(pattern: Pattern, answer: dict[str, Any]) -> object:
    """Return what of an answer is not as the pattern has it; nothing where all is."""
    report, egress = answer["report"], answer["report"]["egress"]
    seen = {
        one["port"]: tuple(trial["state"] for trial in one["attempts"])
        for one in egress["ports"]
        if one["offered"]
    }
    states = {port: pattern.states.get(port, "open") for port in PORTS}
    expected = {port: (one, one) if isinstance(one, str) else one for port, one in states.items()}
    ids = [one["id"] for one in report["findings"]][:1]
    shut = any("open" not in one for one in expected.values())
    right = (
        seen == expected
        and report["verdict"] == pattern.verdict
        and ids == ([pattern.finding] if pattern.finding else [])
        and answer["code"] == (1 if pattern.verdict == "fail" else 0)
        and bool(egress["platform"]["remarks"]) == shut
        and bool(egress["ways_out"]) == bool(pattern.finding)
        and egress["seconds"] <= _SECONDS
    )
    return None if right else (seen, report["verdict"], ids, egress)


def _main() -> None:
    _build()
    load.presets()  # once, and not in each child
    with tempfile.TemporaryDirectory() as folder:
        command = _in_servers(sys.executable, "-m", "tests.egress_network", folder)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as serving:
            assert serving.stdin is not None
            assert serving.stdout is not None
            ports = json.loads(serving.stdout.readline())["ports"]
            _run(*_in_servers("nft", "-f", "-"), text=_ruleset(ports))
            answers = _all_answers(Path(folder))
            serving.stdin.close()
    print(json.dumps(dict(zip(PATTERNS, answers, strict=True))))  # noqa: T201


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _serve(sys.argv[1])
    else:
        _main()
