"""Sends mail with programs: ``programs.py PROGRAM``, as ``python_mail.py``. CA_OF_TEST is the CA that is trusted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Case = dict[str, Any]
TO = "somebody@example.test"
MESSAGE = "Subject: x\n\nx\n"
CA = os.environ.get("CA_OF_TEST", "")


def curl(case: Case, folder: Path) -> list[str]:
    message = folder / "message"
    message.write_text(MESSAGE, encoding="utf-8")
    trust = ["--cacert", CA] if CA else []
    mail = ["--mail-from", f"{case['id']}@example.test", "--mail-rcpt", TO, "-T", str(message)]
    login = ["--user", f"{case['id']}:secret", "--login-options", "AUTH=PLAIN"]
    options = case["options"]
    return [
        "curl",
        "-sS",
        "--max-time",
        "10",
        *trust,
        *mail,
        *login,
        *options["flags"],
        "--url",
        options["url"],
    ]


def swaks(case: Case, _: Path) -> list[str]:
    login = ["--auth", "PLAIN", "--auth-user", case["id"], "--auth-password", "secret"]
    place = ["--server", case["host"], "--port", str(case["port"]), "--timeout", "10"]
    mail = ["--from", f"{case['id']}@example.test", "--to", TO]
    return ["swaks", "--silent", "2", *place, *login, *mail, *case["options"]["flags"]]


def msmtp(case: Case, folder: Path) -> list[str]:
    lines = {"host": case["host"], "port": str(case["port"]), "user": case["id"], "password": "secret"}
    lines |= case["options"]["lines"]
    lines["from"], lines["timeout"] = f"{case['id']}@example.test", "10"
    if CA:
        lines["tls_trust_file"] = CA
    file = folder / "msmtprc"
    text = "account default\n" + "".join(f"{name} {value}\n" for name, value in lines.items())
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return ["msmtp", "--file", str(file), TO]


PROGRAMS: dict[str, Callable[[Case, Path], list[str]]] = {"curl": curl, "msmtp": msmtp, "swaks": swaks}


def main() -> None:
    arguments = PROGRAMS[sys.argv[1]]
    for line in sys.stdin:
        case = json.loads(line)
        with tempfile.TemporaryDirectory() as folder:
            command = arguments(case, Path(folder))
            run = subprocess.run(command, input=MESSAGE, capture_output=True, text=True, check=False)
        answer = "" if run.returncode == 0 else f"{run.returncode}: {run.stderr.strip()[-200:]}"
        sys.stdout.write(json.dumps({"id": case["id"], "error": answer}) + os.linesep)


if __name__ == "__main__":
    main()
