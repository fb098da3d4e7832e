"""Fixtures that all tests share."""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import os
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests import certs, known
from tests import postfix as postfix_server
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.certs import Certificates
    from tests.postfix import Postfix

_HOMES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME")
_NOISE = ("SMTP_", "SMTPDOCTOR_", "EMAIL_", "MAIL_")
_NOISY = {
    *("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES"),
    *("GITHUB_ACTIONS", "TF_BUILD"),
    *("PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED", "PYTHONOPTIMIZE"),
}

# A slow machine is no failure.
_ANY_MACHINE: dict[str, Any] = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("any-machine", **_ANY_MACHINE, max_examples=examples(50))
hypothesis.settings.load_profile("any-machine")
# For `mutmut run`: whether a change is noticed is no matter of chance, and nobody reads how it failed.
hypothesis.settings.register_profile(
    "mutation",
    **_ANY_MACHINE,
    derandomize=True,
    database=None,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)


def pytest_configure(config: pytest.Config) -> None:
    """Give the tests a home of their own, before any is collected: many are made from the presets.

    All keep the compiled index in it, which takes seconds to make; a test that is about the cache
    itself takes one of its own.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a shell has it for what runs in its background, and programs that are started inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Without byte code each worker and each of some hundred processes compiles all of it again: twice the time.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if hasattr(config, "workerinput"):  # a worker of pytest-xdist shares the folder of its master
        return
    home = tempfile.mkdtemp(prefix="smtpdoctor-tests-")
    before = {name: os.environ.get(name) for name in _HOMES}
    os.environ.update({name: str(Path(home, name)) for name in _HOMES})

    def restore() -> None:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(home)

    config.add_cleanup(restore)
    if config.getoption("numprocesses", None):
        known.keep(Path(home))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[Any]:
    """Collect without searching for garbage, as there is none; a worker reads what it is to collect in its own order.

    Where the tests have not been compiled yet each worker would compile all of them at the same time, which takes
    as long as a fifth of the run. As each begins at another place, it finds what the others have compiled.
    """
    gc.disable()
    given = getattr(session.config, "workerinput", None)
    folder = Path(__file__).parent
    if given is not None and [Path(one).resolve() for one in session.config.args] == [folder]:
        names = sorted(one.stem for one in folder.glob("test_*.py"))
        first = int(given["workerid"].removeprefix("gw")) * len(names) // given["workercount"]
        for name in (*names[first:], *names[:first]):
            with contextlib.suppress(Exception, pytest.skip.Exception):  # told where it is collected
                importlib.import_module(f"tests.{name}")
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later search for garbage: it is large, and stays to the end."""
    gc.freeze()


@pytest.fixture(scope="session")
def config_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Name for each test a folder that is not there: where it may put presets, and finds no others.

    Not a folder made for each: pytest looks through all that there are to number the next one.
    """
    base = tmp_path_factory.mktemp("config")
    return (base / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, config_homes: Iterator[Path]) -> None:
    """Keep the developer's own settings out of the tests, and theirs out of his."""
    for name in tuple(os.environ):
        if name.startswith(_NOISE) or name in _NOISY:
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(next(config_homes)))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Make a CA, and certificates good and bad."""
    return certs.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def postfix(certificates: Certificates) -> Iterator[Postfix]:
    """Run a real Postfix; its tests may be skipped on a desk, but never in CI."""
    works, reason = postfix_server.available()
    if not works:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with postfix_server.running(certificates) as server:
        yield server


@pytest.fixture
def unused_port() -> Iterator[int]:
    """Give a loopback port that refuses connections: bound, so that nobody else takes it, but not listening."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
