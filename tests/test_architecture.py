"""The layers: imports point one way, and start-up loads only what a command needs."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from smtpdoctor import __version__
from smtpdoctor.cli import COMMANDS, app
from tests import servers
from tests.each import each

if TYPE_CHECKING:
    from tests.certs import Certificates

PACKAGE = Path(__file__).parent.parent / "smtpdoctor"

# What a layer may import of ours, besides itself. Lists what is allowed, so that a new arrow is a decision.
ALLOWED: dict[str, set[str]] = {
    "terms": set(),
    "labels": {"terms"},
    "model": {"terms", "labels"},
    "masking": {"model", "errors", "knowledge"},
    "endpoints": set(),
    "late": set(),
    "facts": {"terms"},
    "errors": {"model"},
    "files": {"model", "errors"},
    "text": {"model"},
    "plan": {"model"},
    "smtp": {"model", "masking"},
    "net": {"smtp", "masking"},
    "knowledge": {"model", "labels", "errors", "files", "late"},
    "settings": {"model", "labels", "errors", "files", "formats", "knowledge", "smtp", "masking"},
    "diagnosis": {"model", "labels", "knowledge"},
    "formats": {"late"},
    "advice": {"model", "labels", "endpoints", "formats", "knowledge", "diagnosis", "text"},
    "probes": {"model", "labels", "facts", "knowledge", "settings", "smtp", "masking", "net", "text"},
    "fix": {"model", "labels", "errors", "formats", "knowledge", "settings", "masking", "doctor"},
    "doctor": {"model", "labels", "knowledge", "plan", "probes", "settings", "smtp", "masking", "diagnosis"},
    "egress": {
        "model",
        "labels",
        "facts",
        "knowledge",
        "settings",
        "smtp",
        "probes",
        "diagnosis",
        "doctor",
    },
    "logs": {"model", "labels", "knowledge", "diagnosis", "masking", "late"},
    "generate": {"model", "errors", "formats", "knowledge", "settings", "smtp", "masking", "text"},
    "report": {
        "model",
        "egress",
        "knowledge",
        "diagnosis",
        "advice",
        "generate",
        "sandbox",
        "smtp",
        "masking",
        "text",
        "smtpdoctor",
    },
    "sandbox": {"model", "errors", "smtp", "masking", "text"},
    "runner": {"model", "doctor", "masking", "probes", "settings"},
    "api": {
        "model",
        "errors",
        "knowledge",
        "plan",
        "settings",
        "doctor",
        "runner",
        "net",
        "probes",
        "logs",
        "report",
        "text",
    },
}


def _layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    """Return the layers of ours that a module imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "smtpdoctor":
            parts = node.module.split(".")
            names = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
            known = {
                name for name in names if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()
            }
            found |= known or {"smtpdoctor"}
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith("smtpdoctor.")
            }
    return found


MODULES = [path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or _layer(path) in ALLOWED]


@each("path", MODULES)
def test_imports_point_one_way(path: Path) -> None:
    """A module imports its own layer and the ones below it; the command line may import all."""
    layer = _layer(path)
    if layer != "cli":
        assert _imports(path) - {layer} <= ALLOWED[layer]


# Runs a command, and tells of each socket which module of ours asked for it.
SOCKETS = """
import os, runpy, sys
def hook(event, arguments):
    if event == "socket.__new__":
        frame = sys._getframe()
        while frame and not frame.f_globals.get("__name__", "").startswith("smtpdoctor"):
            frame = frame.f_back
        if frame:
            os.write(2, frame.f_globals["__name__"].encode() + b"\\n")
sys.addaudithook(hook)
sys.argv[0] = "smtpdoctor"
runpy.run_module("smtpdoctor", run_name="__main__")
"""


def test_only_the_channel_owns_a_socket() -> None:
    """Whatever speaks to a server does it through the channel, which masks and ends in time."""
    arguments = ["check", "--sandbox", "--security", "starttls", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-c", SOCKETS, *arguments], capture_output=True, text=True, check=True
    )
    assert set(done.stderr.split()) == {"smtpdoctor.smtp.channel", "smtpdoctor.sandbox"}


# Runs a command, and tells which modules it loaded that Python had not loaded by itself.
MODULES_LOADED = """
import sys
before = set(sys.modules)
import runpy
sys.argv[0] = "smtpdoctor"
try:
    runpy.run_module("smtpdoctor", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
finally:
    sys.stderr.write("\\n".join(sys.modules.keys() - before))
"""
SETTINGS = """
SMTP_HOST=localhost
SMTP_PORT={port}
SMTP_TLS=false
SMTP_OPPORTUNISTIC_TLS=true
SMTP_USERNAME=app@example.test
SMTP_PASSWORD=secret-7
SMTP_SENDER=app@example.test
"""
JSON = ("--format", "json")
UNTIL_AUTH = ("check", "--until", "auth", "--ca-file", "ca.pem")
FAILURE = "535 5.7.8 Error: authentication failed"
# A command, how many modules of ours and how many in all it may load, and what it must not load at
# all. What a run loads is most of the time that it takes; a larger number here is a decision.
# Another release of Python or of a library splits a module of its own, which is no decision of ours.
OF_OTHERS = 4
# No plain line loads these: typer takes as long as a third of a check, python-dotenv's package a tenth.
NEVER = {"typer", "click", "dotenv", "logging", "cryptography", "dns"}
BUDGETS = {
    "version": (("--version",), 4, 54, {"ssl", "rich", "re2", "msgspec", "smtpdoctor.cli.check"}),
    "check until dns": (
        ("check", "--until", "dns", *JSON),
        61,
        182,
        {
            "rich",
            "smtpdoctor.knowledge.compile",
            "aiosmtpd",
            "trustme",
            "asyncio",
            "re2",
        },
    ),
    "check until auth": (
        (*UNTIL_AUTH, *JSON),
        69,
        190,
        {"rich", "smtpdoctor.diagnosis", "smtpdoctor.knowledge.compile", "re2"},
    ),
    "check in a terminal": (
        UNTIL_AUTH,
        68,
        237,
        {"asyncio", "re2", "smtpdoctor.diagnosis"},
    ),
    "lint": (("lint", *JSON), 56, 173, {"rich", "asyncio", "re2"}),
    "explain": (
        ("explain", FAILURE, *JSON),
        55,
        162,
        {"rich", "ssl"},
    ),
    "explain --list": (
        ("explain", "--list", *JSON),
        54,
        161,
        {"rich", "ssl"},
    ),
    "presets": (("presets", *JSON), 28, 137, {"rich", "ssl", "re2"}),
    "generate": (("generate", "gmail"), 40, 160, {"rich", "asyncio", "re2"}),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment whose cache has the compiled index: the first run of a checkout compiles it.

    Its own, as another copy of smtpdoctor that tests run takes the one of all tests for out of date.
    """
    home = tmp_path_factory.mktemp("cache")
    shared = Path(os.environ["XDG_CACHE_HOME"], "smtpdoctor")
    if shared.is_dir():
        shutil.copytree(shared, home / "smtpdoctor")
    environment = {**os.environ, "XDG_CACHE_HOME": str(home)}
    # Quick where it could be copied.
    code = "from smtpdoctor.knowledge import load; load.ids()"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return environment


@pytest.mark.parametrize("name", BUDGETS)
def test_a_command_loads_no_more_than_it_needs(
    name: str, certificates: Certificates, tmp_path: Path, compiled: dict[str, str]
) -> None:
    """Speed is a feature: nothing heavy is loaded that a run does not use."""
    arguments, ours, budget, unwanted = BUDGETS[name]
    unwanted = unwanted | NEVER
    healthy = servers.dialogue(
        starttls_cert=certificates.good, capabilities=["STARTTLS"], tls_capabilities=["AUTH PLAIN"]
    )
    with servers.serve(healthy) as server:
        (tmp_path / ".env").write_text(SETTINGS.format(port=server.port))
        (tmp_path / "ca.pem").write_bytes(certificates.ca_pem.read_bytes())
        command = [sys.executable, "-c", MODULES_LOADED, *arguments]
        environment = {**os.environ, "XDG_CACHE_HOME": compiled["XDG_CACHE_HOME"]}
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
        )
    loaded = set(done.stderr.split())
    assert {name for name in loaded if name in unwanted or name.partition(".")[0] in unwanted} == set()
    assert sum(name.partition(".")[0] == "smtpdoctor" for name in loaded) <= ours
    assert len(loaded) <= budget + OF_OTHERS, sorted(loaded)


@each("command", COMMANDS)
def test_every_command_tells_the_version(command: str) -> None:
    """A shared option is shared."""
    result = CliRunner().invoke(app, [command, "--version"])
    assert (result.exit_code, result.stdout) == (0, f"smtpdoctor {__version__}\n")
