"""The public Python API: whatever it is given, it works or says in a ValueError what is wrong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpdoctor import Report, Settings, check, explain, lint, words
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Origin, Secret, Setting
from tests.each import each
from tests.examples import examples
from tests.lines import SECRET, shown_of

if TYPE_CHECKING:
    from tests.certs import Certificates

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, 10**5_000, -1, 0, 65_536]),
    st.floats(),
    st.text(st.characters(), max_size=20),
    st.sampled_from(["\udcff", "\0", "a\r\nb", "x" * 70_000, "nan", "", " ", "\u202e"]),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=3),
    st.tuples(st.text(max_size=3), st.integers()),
    st.builds(dict),
    st.builds(object),
    st.just(Path("x")),
    st.just(complex(1)),
)
GOOD: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 1,
    "security": "none",
    "username": "bob",
    "password": SECRET,
    "sender": "a@example.test",
    "recipient": "b@example.test",
    "ehlo": "x.test",
    "cipher": "HIGH",
    "preset": None,
}
OPTIONS: dict[str, Any] = {
    "until": "connect",
    "ca_file": None,
    "timeout": 0.5,
    "deadline": 1.0,
    "resolver": ("127.0.0.1", 1),
    "connect_to": {("127.0.0.1", 1): ("127.0.0.1", 1)},
    "family": 4,
    "allow_cleartext_auth": True,
    "strict": 1,
}
QUICK = settings(deadline=None, max_examples=examples(20), suppress_health_check=list(HealthCheck))


def one_odd(usual: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw the usual arguments, some of them replaced by anything."""
    names = st.sets(st.sampled_from(sorted(usual)), min_size=1, max_size=2)
    return names.flatmap(lambda odd: st.fixed_dictionaries(dict.fromkeys(sorted(odd), ODD))).map(
        lambda odd: {**usual, **odd}
    )


def sound(call: Any) -> None:
    """Check that a call works, or raises a ValueError fit to be shown."""
    said, found = "", None
    try:
        found = call()
    except ValueError as error:
        said = f"{type(error).__name__}: {error}"
    assert said == printable(said)
    assert not said or said.startswith("ValueError: ")
    assert not shown_of(SECRET, said)
    if isinstance(found, Report):
        assert all(one.id != "internal-error" for one in found.findings)
        assert not shown_of(SECRET, repr(words(found, "ko")))


@QUICK
@given(one_odd(GOOD))
def test_any_settings(values: dict[str, Any]) -> None:
    """Of any type, length and content."""
    sound(lambda: lint(Settings.of(**values)))
    sound(
        lambda: check(
            Settings.of(**values), until="connect", timeout=0.5, deadline=1, resolver=("127.0.0.1", 1)
        )
    )


@QUICK
@given(one_odd(OPTIONS))
def test_any_options(options: dict[str, Any]) -> None:
    """A limit that is no number would switch itself off, and one that has no end would never come."""
    plain = Settings.of(host="127.0.0.1", port=1, security="none", sender="a@example.test")
    options["until"] = options["until"] or "connect"
    sound(lambda: check(plain, **options))


@each("name", ["timeout", "deadline"])
@each("value", [math.nan, math.inf, -math.inf, 0, -1, 10**40, 1e300, True, "1", None])
def test_a_limit_is_a_number_of_seconds(name: str, value: Any) -> None:
    """Above nothing, and with an end."""
    with pytest.raises(ValueError, match=f"{name} must be a number of seconds"):
        check(Settings.of(host="127.0.0.1"), **{name: value})


@QUICK
@given(ODD, ODD)
def test_anything_else(one: Any, other: Any) -> None:
    """What is no text, no report, no settings."""
    sound(lambda: explain(one, preset=other))
    sound(lambda: words(one, other))
    sound(lambda: lint(one))
    if not isinstance(one, Secret):
        sound(lambda: lint(Settings(host=one)))
        sound(lambda: lint(Settings(password=Setting(one, Origin("argument", "password")))))


def test_a_file_of_cas(certificates: Certificates, tmp_path: Path) -> None:
    """A path of either kind; what is none is refused before anything is dialled."""
    (tmp_path / "text").write_text("not a certificate")
    plain = Settings.of(host="127.0.0.1", port=1, security="none")
    assert check(plain, until="connect", ca_file=certificates.ca_pem).verdict == "fail"  # type: ignore[arg-type]
    assert check(plain, until="connect", ca_file=str(certificates.ca_pem)).verdict == "fail"
    for wrong in (tmp_path / "none", tmp_path, tmp_path / "text", "n" * 300, "a\0b", "\ud83d"):
        with pytest.raises(ValueError, match="ca_file"):
            check(plain, until="connect", ca_file=wrong)  # type: ignore[arg-type]
