"""A whole check through AUTH over STARTTLS, beside its peers, against one local Postfix.

``python benchmarks/check.py [--runs N] [--doctor FILE]``: needs root, unshare, openssl, postfix and
dovecot (as the tests do), swaks, and node with npm for nodemailer; a peer that is missing is left
out. Each is a whole process that verifies the certificate: the doctor with its settings in a
``.env`` file, swaks told the sender and the recipient, without which it looks its own name up.
All run in turns and in mixed order, so that a busy moment hits all alike. Printed is of each the least time in
milliseconds, its ratio to swaks, the median, and the least CPU time: what else the machine does can
only add to them, so the least say most on one that is shared.

Measure an installed wheel (``--doctor``), as users have it: a checkout looks at each file of its
knowledge at every start, to see whether it has changed.

Twice: once with the CA in a file of its own that each program is told of, and once with the CA in
the system's store, beside the hundred and more that are there. For that the programs run in a
mount namespace of their own, in which /etc/ssl/certs is a copy; the system's stays as it is.

Before anything is timed each program must refuse a certificate of nobody's; one that does not
verify would be measured at less work.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import certs, postfix

STORE = Path("/etc/ssl/certs")
NODEMAILER = "nodemailer@^10.6"
WARM_UP = 3
# What would point a program at another store, load more into it, or change what the doctor does.
_FOREIGN = ("SSL_", "NODE_", "SMTP_", "SMTPDOCTOR_", "SWAKS_", "PYTHON")

SMTPLIB = """
import smtplib, ssl, sys
host, port, user, password, *ca = sys.argv[1:]
with smtplib.SMTP(host, int(port)) as smtp:
    smtp.starttls(context=ssl.create_default_context(cafile=ca[0] if ca else None))
    smtp.login(user, password)
"""
VERIFY = """
const [host, port, user, pass, ca] = process.argv.slice(2);
const tls = ca ? {ca: require('fs').readFileSync(ca)} : {};
const options = {host, port: +port, secure: false, requireTLS: true, auth: {user, pass}, tls};
require('nodemailer').createTransport(options).verify().then(() => process.exit(0), (error) => {
  console.error(error.message); process.exit(1);
});
"""


@dataclass(frozen=True)
class Time:
    """What a run took, in seconds: from its start to its end, and of the CPU."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Run:
    """One program to measure: its command, the folder it starts in, its environment."""

    command: Sequence[str]
    cwd: Path
    env: Mapping[str, str]

    def timed(self) -> Time | None:
        """Run it once, or None where it fails; its output is thrown away, as nobody reads it meanwhile."""
        started = time.perf_counter()
        process = subprocess.Popen(
            self.command,
            cwd=self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        return None if process.returncode else Time(seconds, usage.ru_utime + usage.ru_stime)


@dataclass(frozen=True)
class Bench:
    """What all programs are measured against, and a folder for what they need."""

    work: Path
    server: postfix.Postfix
    doctor: str
    env: Mapping[str, str]
    nodemailer: bool

    def programs(self, service: str, ca: str | None) -> dict[str, Run]:
        """Return the programs by name, aimed at a port of the server; ``ca`` None: the system's store."""
        port, user, password = str(self.server.ports[service]), self.server.user, self.server.password
        account = ("localhost", port, user, password)
        folder = self.work / f"app-{service}"
        folder.mkdir(exist_ok=True)
        settings = {
            "SMTP_HOST": "localhost",
            "SMTP_PORT": port,
            "SMTP_TLS": "false",
            "SMTP_OPPORTUNISTIC_TLS": "true",
            "SMTP_USERNAME": user,
            "SMTP_PASSWORD": f"'{password}'",
            "SMTP_SENDER": user,
        }
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

        def run(*command: str, **env: str) -> Run:
            return Run(command, folder, {**self.env, **env})

        told = ("--ca-file", ca) if ca else ()
        found = {
            "smtpdoctor check": run(self.doctor, "check", "--until", "auth", "--format", "json", *told),
            "smtplib": run(sys.executable, "-c", SMTPLIB, *account, *((ca,) if ca else ())),
        }
        if swaks := shutil.which("swaks"):
            found["swaks"] = run(
                *(swaks, "--server", "localhost", "--port", port, "--from", user, "--to", user),
                *("--tls", "--tls-verify", *(("--tls-ca-path", ca) if ca else ())),
                *("--auth", "PLAIN", "--auth-user", user, "--auth-password", password),
                *("--quit-after", "AUTH"),
            )
        if self.nodemailer and (node := shutil.which("node")):
            # Node has a store of its own inside; this is how a CA is added to it.
            extra = {} if ca else {"NODE_EXTRA_CA_CERTS": str(self.server.ca_pem)}
            script = str(self.work / "verify.js")
            found["nodemailer verify()"] = run(node, script, *account, *((ca,) if ca else ()), **extra)
        return found


def _installed(work: Path) -> bool:
    """Install nodemailer into the folder, where there is npm."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return False
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(work), NODEMAILER]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (work / "verify.js").write_text(VERIFY)
    return True


def _add_to_store(work: Path, ca_pem: Path) -> None:
    """Put a CA into a copy of the system's store, which this process and its children see instead."""
    copy = work / "store"
    shutil.copytree(STORE, copy, symlinks=True)
    command = ["openssl", "x509", "-noout", "-hash", "-in", str(ca_pem)]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    shutil.copy(ca_pem, copy / f"{name}.0")
    with (copy / "ca-certificates.crt").open("ab") as bundle:
        bundle.write(ca_pem.read_bytes())
    subprocess.run(["mount", "--bind", str(copy), str(STORE)], check=True)


@contextlib.contextmanager
def _bench(doctor: str | None) -> Iterator[Bench]:
    """Start the server and make ready what the programs need."""
    found = doctor or shutil.which("smtpdoctor", path=str(Path(sys.executable).parent))
    if found is None:
        sys.exit("there is no smtpdoctor beside this Python")
    with tempfile.TemporaryDirectory(prefix="smtpdoctor-bench-") as folder:
        work = Path(folder)
        (work / "certs").mkdir()
        certificates = certs.make(work / "certs")
        env = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        env["XDG_CACHE_HOME"] = str(work / "cache")
        if "PYTHONPATH" in os.environ:
            env["PYTHONPATH"] = os.environ["PYTHONPATH"]
        _add_to_store(work, certificates.ca_pem)
        try:
            with postfix.running(certificates) as server:
                yield Bench(work, server, found, env, _installed(work))
        finally:
            subprocess.run(["umount", str(STORE)], check=True)


def _times(programs: Mapping[str, Run], runs: int) -> dict[str, list[Time]]:
    times: dict[str, list[Time]] = {name: [] for name in programs}
    for turn in range(runs + WARM_UP):
        # In another order each time: the server has not quite done with one when the next one comes.
        for name in random.Random(turn).sample(list(programs), len(programs)):  # noqa: S311
            program = programs[name]
            taken = program.timed()
            if taken is None:
                sys.exit(f"{name} fails: {program.command}")
            if turn >= WARM_UP:
                times[name].append(taken)
    return times


def main() -> int:
    """Measure both stores; return 1 where the doctor misses its mark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--doctor", metavar="FILE", help="the smtpdoctor to measure, if not this Python's")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        script = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:], "--inside"]
        return subprocess.run(["unshare", "--mount", *script], check=False).returncode
    missed = False
    with _bench(arguments.doctor) as bench:
        for store, ca in (("a CA file", str(bench.server.ca_pem)), ("the system's store", None)):
            for name, program in bench.programs("self_signed", ca).items():
                if program.timed():
                    sys.exit(f"{name} takes a certificate that it must refuse")
            programs = bench.programs("submission", ca)
            if ca is None:
                programs["smtpdoctor --version"] = Run([bench.doctor, "--version"], bench.work, bench.env)
                programs["python -c pass"] = Run([sys.executable, "-c", "pass"], bench.work, bench.env)
            times = _times(programs, arguments.runs)
            least = {name: min(one.wall for one in taken) for name, taken in times.items()}
            swaks, nodemailer = least.get("swaks"), least.get("nodemailer verify()")
            print(f"verified by {store}:")
            for name, taken in times.items():
                ratio = f"{least[name] / swaks:5.2f} x swaks" if swaks else ""
                median = statistics.median(one.wall for one in taken) * 1000
                cpu = min(one.cpu for one in taken) * 1000
                print(
                    f"  {name:22} {least[name] * 1000:7.1f} ms {ratio}  (median {median:.1f}, CPU {cpu:.1f})"
                )
            doctor = least["smtpdoctor check"]
            missed |= swaks is not None and doctor > 1.4 * swaks
            missed |= nodemailer is not None and doctor > nodemailer
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
