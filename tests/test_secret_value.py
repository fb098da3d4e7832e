"""A secret as a value: whatever is done with it shows the mask, and nothing breaks."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import io
import json
import pickle
import pprint
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from smtpdoctor.model import Origin, Secret, Setting, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

# Of a form that no text of ours has by accident.
SECRETS = st.text(min_size=3).map(lambda text: f"Zq7{text}9#")


@dataclasses.dataclass
class Holder:
    """Somebody else's value that holds one."""

    password: Secret


def _fail(*values: object) -> NoReturn:
    raise ValueError(*values)


def _frames(secret: Secret) -> traceback.TracebackException:
    held = Holder(secret)
    settings = Settings(password=Setting(secret, Origin("argument", "password")))
    try:
        _fail(held, settings)
    except ValueError as error:
        return traceback.TracebackException.from_exception(error, capture_locals=True)


def _rich(secret: Secret) -> str:
    stream = io.StringIO()
    try:
        _fail(secret)
    except ValueError:
        Console(file=stream, width=200).print(Traceback(show_locals=True))
    return stream.getvalue()


def _encoded(encode: Callable[[object], object], value: object) -> str:
    """Return what an encoder says: what it cannot encode it refuses, without a word of what it is."""
    try:
        return str(encode(value))
    except TypeError as error:
        return repr(error)


WAYS: dict[str, Callable[[Secret], Any]] = {
    "repr": repr,
    "str": str,
    "format": lambda one: f"{one} {one!r} {one!s} {one:>40} {one:.3}",
    "percent": lambda one: "%s %r %a" % (one, one, one),  # noqa: UP031 -- this is what is tested
    "print": lambda one: print(one, file=(stream := io.StringIO())) or stream.getvalue(),
    "pprint": lambda one: pprint.pformat({"password": one, "holder": Holder(one)}),
    "rich": lambda one: pretty_repr([one, Holder(one)]),
    "rich-traceback": _rich,
    "traceback": lambda one: "".join(_frames(one).format()),
    "members": lambda one: repr(inspect.getmembers(one)),
    "dir": lambda one: repr([getattr(one, name) for name in dir(one)]),
    "dataclass": lambda one: repr(dataclasses.asdict(Holder(one))) + repr(dataclasses.replace(Holder(one))),
    "struct": lambda one: repr(msgspec.structs.asdict(Setting(one, Origin("argument", "x")))),
    "json": lambda one: _encoded(json.dumps, {"password": one}),
    "json-default": lambda one: json.dumps({"password": one}, default=str),
    "msgspec": lambda one: _encoded(msgspec.json.encode, Setting(one, Origin("argument", "x"))),
    "builtins": lambda one: _encoded(msgspec.to_builtins, Setting(one, Origin("argument", "x"))),
    "pickle": lambda one: b"".join(pickle.dumps([one], number) for number in range(6)),
    "copies": lambda one: repr([copy.copy(one), copy.deepcopy(one), copy.deepcopy(Holder(one))]),
    "settings": lambda one: repr(Settings.of(host="mail.example.test", password=one)),
}


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=30)
@given(text=SECRETS)
def test_no_way_of_showing_a_secret_shows_it(way: str, text: str) -> None:
    """Not as a text, not within another value, not in a traceback with its locals."""
    secret = Secret(text)
    del text  # which a traceback would show of this very function
    shown = WAYS[way](secret)
    for form in (secret.reveal(), repr(secret.reveal())[1:-1], json.dumps(secret.reveal())[1:-1]):
        assert (form.encode() if isinstance(shown, bytes) else form) not in shown


@given(SECRETS, SECRETS)
def test_a_copy_is_the_secret_and_a_pickle_is_not(one: str, other: str) -> None:
    """Equality is that of the strings; what was stored has the mask."""
    secret = Secret(one)
    assert copy.deepcopy(Holder(secret)).password.reveal() == copy.copy(secret).reveal() == one
    assert (Secret(one) == Secret(other)) is (one == other)
    assert Secret(one) != one
    assert hash(Secret(one)) == hash(Secret(one))
    assert pickle.loads(pickle.dumps(secret)).reveal() == Secret.MASK  # noqa: S301 -- our own
    assert (bool(Secret("")), bool(secret)) == (False, True)


CRASH = """
import faulthandler, sys
from smtpdoctor.model import Secret
faulthandler.enable()
def fail(secret):
    held = {{"password": secret, "list": [secret]}}
    {crash}
fail(Secret("".join(map(chr, {points}))))
"""


@pytest.mark.parametrize("crash", ["raise KeyError(secret)", "faulthandler.dump_traceback()", "secret + 1"])
def test_a_crash_shows_no_secret(crash: str) -> None:
    """What Python itself prints, on its way out or when asked."""
    text = "Zq7tRbxWpLk93"
    code = CRASH.format(crash=crash, points=[ord(one) for one in text])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "fail" in done.stderr
    assert text not in done.stdout + done.stderr
