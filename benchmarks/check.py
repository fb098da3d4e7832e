"""A whole check through AUTH over STARTTLS, beside its peers, against one local Postfix.

``python benchmarks/check.py [--runs N]``: needs root, postfix and dovecot (as the tests do), swaks,
and node with npm for nodemailer; a peer that is missing is left out. Prints the median of each in
milliseconds and its ratio to swaks, all measured in turns in one run. Also ``--version`` beside
``python -c pass``.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import certs, postfix

SMTPLIB = """
import smtplib, ssl, sys
host, port, user, password, ca = sys.argv[1:]
with smtplib.SMTP(host, int(port)) as smtp:
    smtp.starttls(context=ssl.create_default_context(cafile=ca))
    smtp.login(user, password)
"""
NODEMAILER = """
const [host, port, user, pass, ca] = process.argv.slice(2);
const tls = {ca: require('fs').readFileSync(ca)};
const options = {host, port: +port, secure: false, requireTLS: true, auth: {user, pass}, tls};
require('nodemailer').createTransport(options).verify().then(() => process.exit(0), (error) => {
  console.error(error); process.exit(1);
});
"""


@contextlib.contextmanager
def _commands() -> Iterator[dict[str, Sequence[str]]]:
    """Start the servers and yield what to measure."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "certs").mkdir()
        certificates = certs.make(work / "certs")
        with postfix.running(certificates) as server:
            port = str(server.ports["submission"])
            user, password, ca = server.user, server.password, str(server.ca_pem)
            (work / "password").write_text(password)
            doctor = shutil.which("smtpdoctor", path=str(Path(sys.executable).parent)) or "smtpdoctor"
            found: dict[str, Sequence[str]] = {
                "python -c pass": [sys.executable, "-c", "pass"],
                "smtpdoctor --version": [doctor, "--version"],
                "smtpdoctor check": [
                    doctor, "check", "--host", "localhost", "--port", port, "--security", "starttls",
                    "--username", user, "--password-file", str(work / "password"), "--ca-file", ca,
                    "--until", "auth", "--format", "json", "--no-environment",
                ],
                "smtplib": [sys.executable, "-c", SMTPLIB, "localhost", port, user, password, ca],
            }  # fmt: skip
            if swaks := shutil.which("swaks"):
                found["swaks"] = [
                    swaks, "--server", "localhost", "--port", port, "--tls", "--auth", "PLAIN",
                    "--auth-user", user, "--auth-password", password, "--quit-after", "AUTH",
                ]  # fmt: skip
            node, npm = shutil.which("node"), shutil.which("npm")
            if node and npm:
                install = [npm, "install", "--silent", "--prefix", folder, "nodemailer"]
                subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
                script = work / "verify.js"
                script.write_text(NODEMAILER)
                found["nodemailer verify()"] = [node, str(script), "localhost", port, user, password, ca]
            yield found


def main() -> int:
    """Measure in turns, so that a busy moment hits all alike."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with _commands() as commands:
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(runs + 2):
            for name, command in commands.items():
                started = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
                if turn > 1:  # the first two warm the caches
                    times[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(values) for name, values in times.items()}
    base = medians.get("swaks")
    for name, median in medians.items():
        ratio = f"{median / base:5.2f} x swaks" if base else ""
        print(f"{name:22} {median * 1000:7.1f} ms {ratio}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
