"""Makes ``report.svg``, the picture in the README, from a real run: ``python docs/picture.py``.

The server is a stand-in that refuses the login as Gmail does; everything shown is what
``smtpdoctor check`` prints in a terminal.
"""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import servers  # noqa: E402 -- the tests are no package that is installed
from tests.certs import Certificate  # noqa: E402

ENV = """\
SMTP_HOST=smtp.gmail.com
SMTP_PORT=587
SMTP_SENDER=shop@gmail.com
SMTP_USERNAME=shop@gmail.com
SMTP_PASSWORD=my-google-password
SMTP_TLS=false
SMTP_OPPORTUNISTIC_TLS=true
"""
REFUSAL = "535 5.7.8 Username and Password not accepted. For more information, go to https://support.google.com/mail/?p=BadCredentials - gsmtp"
COLUMNS = 92


def _printed(command: list[str], folder: Path) -> str:
    """Run a command in a terminal and return what it printed there."""
    leader, follower = pty.openpty()
    environment = {
        **os.environ,
        "COLUMNS": str(COLUMNS),
        "LINES": "60",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    with subprocess.Popen(command, stdout=follower, stderr=subprocess.DEVNULL, cwd=folder, env=environment):
        os.close(follower)
        chunks: list[bytes] = []
        while True:
            try:
                chunk = os.read(leader, 65_536)
            except OSError:  # Linux says so when the other end is gone
                break
            if not chunk:
                break
            chunks.append(chunk)
    os.close(leader)
    return b"".join(chunks).decode().replace("\r\n", "\n")


def main() -> None:
    """Run, record, export."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        ends = datetime.now(UTC) + timedelta(days=71, hours=1)
        leaf = authority.issue_cert("smtp.gmail.com", not_after=ends)
        leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
        for number, part in enumerate(leaf.cert_chain_pems):
            part.write_to_path(str(folder / "cert.pem"), append=number > 0)
        (folder / ".env").write_text(ENV)
        certificate = Certificate("gmail", folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
        dialogue = servers.dialogue(
            {"AUTH": REFUSAL},
            greeting="220 smtp.gmail.com ESMTP ready - gsmtp",
            capabilities=["SIZE 35882577", "STARTTLS"],
            tls_capabilities=["SIZE 35882577", "AUTH LOGIN PLAIN XOAUTH2"],
            starttls_cert=certificate,
        )
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(servers.serve(dialogue))
            dial = f"smtp.gmail.com:587:smtp.gmail.com:{server.port}"
            names = stack.enter_context(servers.dns_server({"smtp.gmail.com": server.host}))
            resolver = f"{names.host}:{names.port}"
            text = _printed(
                [
                    sys.executable,
                    "-m",
                    "smtpdoctor",
                    "check",
                    "--connect-to",
                    dial,
                    "--resolver",
                    resolver,
                    "--ca-file",
                    "ca.pem",
                    "--no-environment",
                ],
                folder,
            )
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        console.print(Text("$ smtpdoctor check", "bold"))
        console.print(Text.from_ansi(text), soft_wrap=True)
    console.save_svg(str(ROOT / "docs" / "report.svg"), title="smtpdoctor", unique_id="smtpdoctor")


if __name__ == "__main__":
    main()
