"""The layers: imports point one way, and start-up loads only what a command needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from smtpdoctor import __version__
from smtpdoctor.cli import COMMANDS, app

PACKAGE = Path(__file__).parent.parent / "smtpdoctor"

# What a layer may import of ours, besides itself. Lists what is allowed, so that a new arrow is a decision.
ALLOWED: dict[str, set[str]] = {
    "model": set(),
    "errors": {"model"},
    "text": {"model"},
    "plan": {"model"},
    "smtp": {"model"},
    "net": {"smtp"},
    "knowledge": {"model", "errors"},
    "settings": {"model", "errors", "knowledge", "smtp"},
    "diagnosis": {"model", "knowledge"},
    "advice": {"model", "knowledge", "diagnosis", "text"},
    "probes": {"model", "knowledge", "settings", "smtp", "text"},
    "doctor": {"model", "plan", "probes", "settings", "smtp", "diagnosis"},
    "explain": {"model", "knowledge", "diagnosis", "smtp"},
    "generate": {"model", "errors", "knowledge", "settings", "smtp", "text"},
    "report": {"model", "knowledge", "diagnosis", "advice", "text", "smtpdoctor"},
    "sandbox": {"model", "errors", "smtp", "text"},
    "api": {"model", "plan", "settings", "doctor", "probes", "explain"},
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


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    """A module imports its own layer and the ones below it; the command line may import all."""
    layer = _layer(path)
    if layer != "cli":
        assert _imports(path) - {layer} <= ALLOWED[layer]


def test_only_the_channel_owns_a_socket() -> None:
    """Whatever speaks to a server does it through the channel, which masks and ends in time."""
    users = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "socket.socket(" in path.read_text(encoding="utf-8")
    }
    assert users <= {"smtp/channel.py", "sandbox.py"}


def _modules_after(*arguments: str) -> set[str]:
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['smtpdoctor', *{list(arguments)!r}]\n"
        "try:\n    runpy.run_module('smtpdoctor', run_name='__main__')\n"
        "except SystemExit:\n    pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code]
    # The first run of a checkout compiles the index of the knowledge files; the second is the usual one.
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--version"], {"ssl", "rich.console", "re2", "smtpdoctor.diagnosis", "smtpdoctor.cli.check"}),
        (
            [
                "check",
                "--url",
                "smtp://127.0.0.1:9",
                "--until",
                "dns",
                "--format",
                "json",
                "--no-environment",
            ],
            {
                "rich.console",
                "dns.resolver",
                "cryptography",
                "smtpdoctor.knowledge.compile",
                "aiosmtpd",
                "trustme",
                "asyncio",
                "dotenv",
            },
        ),
        (["explain", "--list", "--format", "json"], {"ssl", "rich.console", "dns.resolver", "cryptography"}),
    ],
    ids=["version", "check", "explain"],
)
def test_start_up_imports_only_what_the_command_needs(arguments: list[str], unwanted: set[str]) -> None:
    """Speed is a feature: nothing heavy is loaded that a run does not use."""
    assert _modules_after(*arguments) & unwanted == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_the_version(command: str) -> None:
    """A shared option is shared."""
    result = CliRunner().invoke(app, [command, "--version"])
    assert (result.exit_code, result.stdout) == (0, f"smtpdoctor {__version__}\n")
