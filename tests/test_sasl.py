"""SASL mechanisms against the vectors of their specifications."""

from __future__ import annotations

import base64

import pytest

from smtpdoctor.smtp.sasl import MECHANISMS, choose, looks_like_token


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [
        ("tim", "tanstaaftanstaaf", b"\x00tim\x00tanstaaftanstaaf"),
        ("메일", "비밀", b"\x00\xeb\xa9\x94\xec\x9d\xbc\x00\xeb\xb9\x84\xeb\xb0\x80"),
    ],
)
def test_plain(username: str, password: str, message: bytes) -> None:
    """RFC 4616 section 4: NUL, name, NUL, password, all in one message of UTF-8."""
    assert list(MECHANISMS["PLAIN"](username, password)) == [message]


def test_login() -> None:
    """LOGIN waits for a prompt, then gives the name and the password, whatever the prompts say."""
    steps = MECHANISMS["LOGIN"]("tim", "pass word")
    assert next(steps) is None
    assert steps.send(b"Username:") == b"tim"
    assert steps.send(b"?") == b"pass word"
    with pytest.raises(StopIteration):
        steps.send(b"more?")


def test_cram_md5() -> None:
    """The example of RFC 2195 section 2."""
    steps = MECHANISMS["CRAM-MD5"]("tim", "tanstaaftanstaaf")
    assert next(steps) is None
    challenge = base64.b64decode("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+")
    answer = steps.send(challenge)
    assert answer == base64.b64decode("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw")


def test_xoauth2() -> None:
    """The example of Google's documentation; the error in a challenge is answered with an empty line."""
    steps = MECHANISMS["XOAUTH2"]("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    expected = (
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1sem"
        "RHRXVZMjl0Q2cBAQ=="
    )
    assert next(steps) == base64.b64decode(expected)
    assert steps.send(b'{"status":"400"}') == b""


@pytest.mark.parametrize(
    ("offered", "token", "mechanism"),
    [
        (("LOGIN", "PLAIN"), False, "PLAIN"),
        (("cram-md5", "login"), False, "LOGIN"),
        (("CRAM-MD5", "XOAUTH2"), False, "CRAM-MD5"),
        (("XOAUTH2", "GSSAPI"), False, None),
        ((), False, None),
        (("PLAIN", "XOAUTH2"), True, "XOAUTH2"),
        (("PLAIN", "LOGIN"), True, None),
    ],
)
def test_choose(offered: tuple[str, ...], token: bool, mechanism: str | None) -> None:
    """The best that both know; a password never goes as a token, nor a token as a password."""
    assert choose(iter(offered), token=token) == mechanism


@pytest.mark.parametrize("start", ["ya29.", "EwB", "eyJ"])
def test_tokens_are_told_from_passwords(start: str) -> None:
    """An OAuth token is long and begins in a known way; a short password may begin so, too."""
    assert looks_like_token(start + "a" * 100)
    assert not looks_like_token(start + "a" * 10)
    assert not looks_like_token("x" + start + "a" * 100)
