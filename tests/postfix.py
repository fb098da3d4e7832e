"""A real Postfix with Dovecot's SASL, on high loopback ports, for the tests.

Scripted servers answer as we imagine that servers answer; this one answers as a
server does. One instance in a directory of its own serves every variant, each on
its own port, and leaves the system's configuration and queue alone.

``python -m tests.postfix`` runs it by hand, or for a benchmark: the first line of
the output is JSON with the ports, and Enter or SIGTERM ends it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import grp
import json
import os
import pwd
import random
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests import certs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.certs import Certificate, Certificates

HOST = "127.0.0.1"
HOSTNAME = "mail.example.test"
USER = "app@example.test"
PASSWORD = "correct horse 7"
UTF8_USER = "utf8@example.test"
UTF8_PASSWORD = "pässwörd 비밀 7"

# Recipients that exist: in a domain with virtual mailboxes, and in a local one.
RECIPIENT = "app@example.test"
LOCAL_RECIPIENT = "app@local.example.test"
# The only sender that the port `sender_unverified` accepts.
VERIFIED_SENDER = USER
# A sender that belongs to somebody else than USER, for `sender_mismatch`.
OWNED_SENDER = "boss@example.test"
SIZE_LIMIT = 1000

_SECONDS = 10.0
_ATTEMPTS = 3
# Below the range that the kernel takes the ports of outgoing connections from.
_PORTS = range(20000, 32000)
_BLOCK = 200
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


class StartError(Exception):
    """The servers did not start; the message holds what they logged."""


@dataclass(frozen=True)
class Postfix:
    """The running servers: where they listen and who may log in."""

    directory: Path
    ports: Mapping[str, int]
    ca_pem: Path
    ipv6: bool
    host: str = HOST
    hostname: str = HOSTNAME
    user: str = USER
    password: str = PASSWORD
    utf8_user: str = UTF8_USER
    utf8_password: str = UTF8_PASSWORD

    def log(self) -> str:
        """Read what both have logged so far, for a failing test to show."""
        return _log(self.directory)


def available() -> tuple[bool, str]:
    """Whether the servers can run here, and if not, why."""
    if sys.platform != "linux":
        return False, "Postfix is tested on Linux only"
    if os.geteuid() != 0:
        return False, "Postfix needs root"
    for program in ("postconf", "dovecot"):
        if shutil.which(program, path=_PATH) is None:
            return False, f"{program} is not installed"
    for name in ("postfix", "dovecot", "dovenull"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            return False, f"there is no user {name}"
    version = _output("dovecot", "--version")
    if not version.startswith("2.3."):
        return False, f"the configuration here is for Dovecot 2.3, not {version}"
    return True, ""


@contextlib.contextmanager
def running(certificates: Certificates) -> Iterator[Postfix]:
    """Run Postfix and Dovecot, and leave no process and no file behind."""
    for attempt in range(1, _ATTEMPTS + 1):
        with contextlib.ExitStack() as stack:
            try:
                server = _start(certificates, stack)
            except StartError:
                # Somebody else may have taken a port between our look and Postfix's.
                if attempt == _ATTEMPTS:
                    raise
                continue
            yield server
            return


def _start(certificates: Certificates, stack: contextlib.ExitStack) -> Postfix:
    # Not pytest's tmp_path: only root may enter it, and a socket's path is short.
    directory = Path(tempfile.mkdtemp(prefix="smtpdoctor-"))
    stack.callback(shutil.rmtree, directory)
    directory.chmod(0o755)
    _make_directories(directory)
    ipv6 = _has_ipv6()
    services = _services(certificates)
    numbers = _reserve_ports(stack, len(services), ipv6=ipv6)
    ports = dict(zip(services, numbers, strict=True))
    _configure_dovecot(directory)
    _configure_postfix(directory, certificates, services, ports, ipv6=ipv6)
    # Dovecot goes last, as Postfix holds connections to it.
    dovecot = _spawn(directory, stack, "dovecot", "-F", "-c", str(directory / "dovecot.conf"))
    master = Path(_output("postconf", "-d", "-h", "daemon_directory"), "master")
    postfix = _spawn(directory, stack, str(master), "-c", str(directory / "etc"), "-s")
    auth = directory / "queue/private/auth"
    _await(directory, dovecot, str(auth), b"DONE\n")
    # The master listens on all ports before it serves any of them.
    _await(directory, postfix, (HOST, ports["smtp"]), b"220 ")
    return Postfix(directory, ports, certificates.ca_pem, ipv6)


# -- Configuration ------------------------------------------------------------


def _services(certificates: Certificates) -> dict[str, dict[str, str]]:
    """Each port's name and what main.cf says differently for it."""
    tls = {"smtpd_tls_security_level": "may"}
    auth = {"smtpd_sasl_auth_enable": "yes"}
    wrapper = {"smtpd_tls_wrappermode": "yes"}
    # A server that takes mail for its own domains from anybody, and from those who
    # have logged in for all domains: what most variants are a variant of.
    usual = tls | auth
    login_only = {"smtpd_relay_restrictions": "permit_sasl_authenticated, reject"}
    early = {"smtpd_delay_reject": "no"}
    required = {"smtpd_tls_security_level": "encrypt"}

    def access(step: str, answer: str) -> dict[str, str]:
        check = f"check_{step}_access static:{{{answer}}}"
        return {f"smtpd_{step}_restrictions": check}

    services = {
        "smtp": {},
        "submission": usual | login_only,
        "submission_encrypt": usual | login_only | required,
        "smtps": usual | login_only | wrapper,
        "relay": usual,
        "no_auth": tls,
        "no_starttls": auth | {"smtpd_tls_auth_only": "no"},
        "starttls_required": usual | required,
        "auth_plain": usual | {"smtpd_sasl_mechanism_filter": "plain"},
        "auth_login": usual | {"smtpd_sasl_mechanism_filter": "login"},
        "auth_cram_md5": usual | {"smtpd_sasl_mechanism_filter": "cram-md5"},
        "auth_scram_sha_1": usual | {"smtpd_sasl_mechanism_filter": "scram-sha-1"},
        "auth_scram_sha_256": usual | {"smtpd_sasl_mechanism_filter": "scram-sha-256"},
        "client_refused": usual | early | {"smtpd_client_restrictions": "reject"},
        "helo_refused": usual | early | {"smtpd_helo_restrictions": "reject"},
        "helo_not_fqdn": usual | early | {"smtpd_helo_restrictions": "reject_non_fqdn_helo_hostname"},
        "relay_denied": usual,
        "unknown_recipient": usual,
        "sender_mismatch": usual | {"smtpd_sender_restrictions": "reject_sender_login_mismatch"},
        "sender_unverified": usual
        | {
            "smtpd_sender_restrictions": (
                f"check_sender_access inline:{{{VERIFIED_SENDER}=OK}}, "
                "check_sender_access static:{550 5.7.1 not verified}"
            )
        },
        "greylisted": usual | access("recipient", "450 4.7.1 Greylisted, please try again later"),
        "size_announced": usual | {"message_size_limit": str(SIZE_LIMIT)},
        "size_at_data": usual
        | {
            "message_size_limit": str(SIZE_LIMIT),
            "smtpd_discard_ehlo_keywords": "size, chunking",
        },
        "content_rejected": usual | {"cleanup_service_name": "cleanup-checked"},
        "tls12_only": usual
        | {
            "smtpd_tls_protocols": "!TLSv1.3",
            "smtpd_tls_mandatory_protocols": "!TLSv1.3",
        },
    }
    for certificate in (
        certificates.expired,
        certificates.not_yet_valid,
        certificates.expiring,
        certificates.wrong_name,
        certificates.self_signed,
        certificates.missing_intermediate,
        certificates.with_intermediate,
    ):
        options = usual | {"smtpd_tls_chain_files": _chain(certificate)}
        services[certificate.name] = options
        services[f"{certificate.name}_smtps"] = options | wrapper
    return services


def _chain(certificate: Certificate) -> str:
    return f"{certificate.key_pem}, {certificate.cert_pem}"


def _make_directories(directory: Path) -> None:
    """Make what Postfix's own start script would, which takes a second to run."""
    owner = pwd.getpwnam("postfix").pw_uid
    postdrop = grp.getgrnam("postdrop").gr_gid
    for name in ("etc", "queue", "queue/pid", "dovecot"):
        (directory / name).mkdir(mode=0o755)
    private = (
        *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold"),
        *("incoming", "private", "saved", "trace"),
    )
    for name in ("data", *(f"queue/{name}" for name in private)):
        (directory / name).mkdir(mode=0o700)
        os.chown(directory / name, owner, 0)
    public = directory / "queue/public"
    public.mkdir()
    os.chown(public, owner, postdrop)
    public.chmod(0o2710)
    log = directory / "mail.log"
    log.touch(mode=0o600)
    os.chown(log, owner, 0)


def _configure_dovecot(directory: Path) -> None:
    """Configure the service `auth` and nothing else."""
    users = directory / "users"
    logins = {USER: PASSWORD, UTF8_USER: UTF8_PASSWORD}
    users.write_text(
        "".join(f"{user}:{{PLAIN}}{password}:::::\n" for user, password in logins.items()),
        encoding="utf-8",
    )
    users.chmod(0o644)
    (directory / "dovecot.conf").write_text(
        f"""\
protocols =
base_dir = {directory}/dovecot
state_dir = {directory}/dovecot/state
log_path = {directory}/dovecot.log
ssl = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
# The least there is: half a second, as Dovecot's timer turns no faster.
auth_failure_delay = 0
auth_verbose = yes
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = {users}
}}
service auth {{
  unix_listener {directory}/queue/private/auth {{
    mode = 0600
    user = postfix
  }}
}}
# Otherwise every failed login makes the next one slower.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
""",
        encoding="utf-8",
    )


def _configure_postfix(
    directory: Path,
    certificates: Certificates,
    services: Mapping[str, Mapping[str, str]],
    ports: Mapping[str, int],
    *,
    ipv6: bool,
) -> None:
    etc = directory / "etc"
    (etc / "header_checks").write_text("/./ REJECT 5.7.1 Message content rejected\n")
    settings = {
        "compatibility_level": "3.6",
        "queue_directory": f"{directory}/queue",
        "data_directory": f"{directory}/data",
        "maillog_file": f"{directory}/mail.log",
        "maillog_file_prefixes": str(directory),
        "mail_owner": "postfix",
        "inet_protocols": "all" if ipv6 else "ipv4",
        "inet_interfaces": "127.0.0.1, [::1]" if ipv6 else "127.0.0.1",
        "myhostname": HOSTNAME,
        # No client is trusted for its address: all of them come from 127.0.0.1.
        "mynetworks": "",
        "mydestination": LOCAL_RECIPIENT.partition("@")[2],
        "local_recipient_maps": f"inline:{{{LOCAL_RECIPIENT}=x}}",
        "virtual_mailbox_domains": RECIPIENT.partition("@")[2],
        "virtual_mailbox_maps": f"inline:{{{RECIPIENT}=x, {UTF8_USER}=x}}",
        "alias_maps": "",
        "alias_database": "",
        # Whatever is accepted is thrown away: no mail leaves this machine.
        **dict.fromkeys(
            (
                "local_transport",
                "virtual_transport",
                "relay_transport",
                "default_transport",
            ),
            "discard:",
        ),
        # No look-up in a DNS that may be slow or absent, and no waiting on purpose.
        "smtpd_peername_lookup": "no",
        "smtpd_error_sleep_time": "0",
        "smtpd_client_connection_count_limit": "0",
        "smtpd_helo_required": "yes",
        "smtpd_relay_restrictions": ("permit_sasl_authenticated, reject_unauth_destination"),
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": "private/auth",
        "smtpd_sasl_security_options": "noanonymous",
        # What most servers offer; SCRAM has ports of its own.
        "smtpd_sasl_mechanism_filter": "plain, login, cram-md5",
        "smtpd_sender_login_maps": f"inline:{{{USER}={USER}, {OWNED_SENDER}=boss}}",
        "smtpd_tls_security_level": "none",
        "smtpd_tls_auth_only": "yes",
        "smtpd_tls_chain_files": _chain(certificates.good),
        "smtpd_tls_loglevel": "1",
    }
    (etc / "main.cf").write_text(
        "".join(f"{name} = {value}\n" for name, value in settings.items()),
        encoding="utf-8",
    )
    table = [
        "postlog unix-dgram n - n - 1 postlogd",
        "cleanup unix n - n - 0 cleanup",
        "cleanup-checked unix n - n - 0 cleanup",
        f"  -o header_checks=regexp:{etc}/header_checks",
        "qmgr unix n - n 300 1 qmgr",
        "tlsmgr unix - - n 1000? 1 tlsmgr",
        "rewrite unix - - n - - trivial-rewrite",
        "bounce unix - - n - 0 bounce",
        "defer unix - - n - 0 bounce",
        "trace unix - - n - 0 bounce",
        "flush unix n - n 1000? 0 flush",
        "proxymap unix - - n - - proxymap",
        "error unix - - n - - error",
        "retry unix - - n - - error",
        "discard unix - - n - - discard",
        "anvil unix - - n - 1 anvil",
    ]
    for name, options in services.items():
        table.append(f"{ports[name]} inet n - n - - smtpd")
        table.append(f"  -o syslog_name=postfix/{name}")
        table.extend(f"  -o {{ {key} = {value} }}" for key, value in options.items())
    (etc / "master.cf").write_text("\n".join([*table, ""]), encoding="utf-8")
    # Postfix waits for more than a second while a file may still be being written.
    for file in etc.iterdir():
        os.utime(file, (time.time() - 60,) * 2)


# -- Processes ----------------------------------------------------------------


def _spawn(directory: Path, stack: contextlib.ExitStack, *command: str) -> subprocess.Popen[bytes]:
    """Start a daemon in a session of its own, which is ended with the stack."""
    with (directory / "stderr.log").open("ab") as stderr:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            env={"PATH": _PATH, "LC_ALL": "C"},
            start_new_session=True,
        )
    stack.enter_context(_guarded(process.pid))
    stack.callback(_end, process)
    return process


@contextlib.contextmanager
def _guarded(pid: int) -> Iterator[None]:
    """End a daemon where we are killed before we could.

    The kernel's own signal for that is lost as soon as Postfix changes its user.
    """
    with subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _ || kill -TERM "$1"', "sh", str(pid)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as guard:
        try:
            yield
        finally:
            guard.communicate(b"\n")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a daemon and its whole session, by force where it takes too long."""
    with process:
        process.terminate()
        if _await_end(process.pid):
            return
        for pid in _session(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not _await_end(process.pid):
            message = f"processes {_session(process.pid)} are left of {process.args!r}"
            raise RuntimeError(message)


def _await_end(leader: int) -> bool:
    """Wait for all processes of a session, which are mostly not our children."""
    deadline = time.monotonic() + _SECONDS
    while pids := _session(leader):
        for pid in pids:
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                remaining = max(0.0, deadline - time.monotonic())
                if not select.select([handle], [], [], remaining)[0]:
                    return False
            finally:
                os.close(handle)
    return True


def _session(leader: int) -> list[int]:
    """All processes of a session that have not ended: neither zombies nor, being reaped, dead."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, _parent, _group, session = status.rpartition(")")[2].split()[:4]
        if int(session) == leader and state not in "ZXx":
            found.append(int(entry.name))
    return found


def _await(
    directory: Path,
    process: subprocess.Popen[bytes],
    address: str | tuple[str, int],
    wanted: bytes,
) -> None:
    """Wait until a server answers, or say what it has logged instead."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        with (
            socket.socket(family, socket.SOCK_STREAM) as client,
            contextlib.suppress(OSError),
        ):
            client.settimeout(max(0.01, deadline - time.monotonic()))
            client.connect(address)
            answer = b""
            while chunk := client.recv(4096):
                answer += chunk
                if wanted in answer:
                    return
        # Not a sleep: it ends at once where the process has given up.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
            break
    message = f"{process.args!r} does not answer ({process.poll()=})\n{_log(directory)}"
    raise StartError(message)


def _log(directory: Path) -> str:
    texts = []
    for name in ("stderr.log", "dovecot.log", "mail.log"):
        with contextlib.suppress(FileNotFoundError):
            texts.append((directory / name).read_text("utf-8", errors="replace"))
    return "".join(texts)


def _output(*command: str) -> str:
    program = shutil.which(command[0], path=_PATH)
    if program is None:
        raise FileNotFoundError(command[0])
    return subprocess.run([program, *command[1:]], check=True, capture_output=True, text=True).stdout.strip()


# -- Ports --------------------------------------------------------------------


@functools.cache
def _has_ipv6() -> bool:
    return _is_free(socket.AF_INET6, 0)


def _is_free(family: socket.AddressFamily, port: int) -> bool:
    host = HOST if family == socket.AF_INET else "::1"
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _reserve_ports(stack: contextlib.ExitStack, count: int, *, ipv6: bool) -> list[int]:
    """Choose a block of ports, and keep other test runs from choosing it too.

    Postfix sets SO_REUSEPORT, with which two of them take the same port without any
    error, and then each gets half of the connections.
    """
    families = [socket.AF_INET, *([socket.AF_INET6] if ipv6 else [])]
    for start in random.sample(_PORTS[::_BLOCK], len(_PORTS[::_BLOCK])):
        with contextlib.ExitStack() as attempt:
            lock = attempt.enter_context(socket.socket(socket.AF_UNIX))
            try:
                lock.bind(f"\0smtpdoctor-tests-{start}")
            except OSError:
                continue
            free = [
                port
                for port in range(start, start + _BLOCK)
                if all(_is_free(family, port) for family in families)
            ]
            if len(free) >= count:
                stack.enter_context(attempt.pop_all())
                return free[:count]
    message = "there are not enough free ports"
    raise StartError(message)


# -- By hand ------------------------------------------------------------------


def _stop(*_: object) -> None:
    # Once is enough: a second one would cut the cleaning up short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> None:
    """Run the servers until Enter, the end of the input, or a signal."""
    works, reason = available()
    if not works:
        sys.exit(reason)
    signal.signal(signal.SIGTERM, _stop)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(running(certs.make(Path(directory))))
        print(json.dumps(dataclasses.asdict(server), default=str), flush=True)  # noqa: T201
        if _is_null(sys.stdin.fileno()):
            signal.pause()
        sys.stdin.readline()


def _is_null(descriptor: int) -> bool:
    """Whether this is /dev/null, as in a background job: nobody can press Enter."""
    status = os.fstat(descriptor)
    null = Path(os.devnull).stat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == null.st_rdev


if __name__ == "__main__":
    main()
