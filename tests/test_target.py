"""What a run dials and logs in with, out of the settings; and which names are this machine."""

from __future__ import annotations

from typing import Any

import pytest

from smtpdoctor.errors import UsageError
from smtpdoctor.model import Message, Secret, Security, Settings
from smtpdoctor.settings.target import Host, Login, Mailbox, Target, is_loopback, refuse_astray, target_of
from tests.checking import PASSWORD, USER, settings_for

HERE = [
    *("localhost", "LocalHost.", "mail.localhost", "a.b.LOCALHOST.", "[localhost]"),
    *("127.0.0.1", "127.255.1.2", "[127.0.0.1]", "::1", "[::1]", "0:0::1", "::1%lo", "::ffff:127.0.0.1"),
    *("[::ffff:127.8.0.1]", "127.0.0.1."),
]
ELSEWHERE = [
    *("", "[]", ".", "localhos", "localhost.example.test", "notlocalhost", "localhostX", "Xlocalhost", "localhost.localdomain"),
    *("10.0.0.1", "128.0.0.1", "0.0.0.0", "fe80::1%lo", "::", "::2", "::ffff:10.0.0.1", "[2001:db8::1]", "127.1.example.test"),  # noqa: S104
]  # fmt: skip


@pytest.mark.parametrize("host", HERE + ELSEWHERE)
def test_which_names_are_this_machine(host: str) -> None:
    """RFC 6761 section 6.3, all of 127.0.0.0/8 and ::1, also as a mapped address; nothing that merely looks so."""
    assert is_loopback(host) is (host in HERE)
    assert Host(host).loopback is (host in HERE)


@pytest.mark.parametrize(
    ("host", "in_tls"),
    [
        ("mail.example.test", "mail.example.test"),
        ("메일.example.test", "xn--h32bq4v.example.test"),
        ("fe80::1%lo", "fe80::1"),
        ("::1", "::1"),
        ("a..b", "a..b"),  # no name at all
        (f"{'가' * 60}.test", f"{'가' * 60}.test"),
    ],
)
def test_the_name_that_a_certificate_must_bear(host: str, in_tls: str) -> None:
    """In A-labels, an address without its scope; what has none stays, and will fit to nothing."""
    assert Host(host).in_tls == in_tls
    assert str(Host(host)) == host


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("mail.example.test", "mail.example.test"),
        (" [::1] ", "::1"),
        ("mail.example.test.", "mail.example.test"),
        ("Xmail.X", "Xmail.X"),
    ],
)
def test_a_target_of_all_settings(given: str, host: str) -> None:
    """Each setting has its place, and none is looked at again."""
    more: dict[str, Any] = {"to": "Bob <bob@example.test>", "ehlo": "client", "cipher": "HIGH"}
    found = target_of(settings_for(587, "starttls", host=given, sender='"App" <app@example.test>', **more))
    assert found == Target(
        host=Host(host),
        port=587,
        security=Security.STARTTLS,
        login=Login(USER, Secret(PASSWORD), token=False),
        sender=Mailbox("app@example.test", "App"),
        recipient=Mailbox("bob@example.test", "Bob"),
        ehlo="client",
        cipher="HIGH",
    )
    assert (found.half_login, found.known_host, found.provider) == (False, False, None)


def test_a_target_of_few_settings() -> None:
    """Without host or port there is none; without anything else it is as little as possible."""
    assert target_of(Settings.of(host="mail.example.test")) is None
    assert target_of(Settings.of(port=25)) is None
    found = target_of(Settings.of(host="mail.example.test", port=25))
    assert found == Target(host=Host("mail.example.test"), port=25, security=Security.OPPORTUNISTIC)
    assert found.half_login is found.known_host is False
    assert found.sender is None
    assert found.recipient is None
    assert found.login is None


@pytest.mark.parametrize(
    ("username", "password", "half"),
    [(None, None, False), ("u", "p", False), ("u", None, True), (None, "p", True)],
)
def test_half_a_login(username: str | None, password: str | None, half: bool) -> None:
    """A user name without a password, or the reverse, is no login."""
    found = target_of(settings_for(25, username=username, password=password))
    assert found is not None
    assert found.half_login is half
    assert (found.login is None) is (half or username is None)


@pytest.mark.parametrize("token", ["ya29." + "a" * 60, "ya29.short"])
def test_a_token_in_the_place_of_the_password(token: str) -> None:
    """It is known by its form."""
    found = target_of(settings_for(25, password=token))
    assert found is not None
    assert found.login is not None
    assert found.login.token is (len(token) > 60)


@pytest.mark.parametrize(
    ("sender", "username", "address"),
    [
        ("a@example.test", "b@example.test", "a@example.test"),
        (None, "b@example.test", "b@example.test"),
        ("no address", "b@example.test", "b@example.test"),
        ("no address", "apikey", None),
        (None, None, None),
    ],
)
def test_whose_the_mail_is(sender: str | None, username: str | None, address: str | None) -> None:
    """The sender, else the user name where that is an address."""
    found = target_of(settings_for(25, sender=sender, username=username))
    assert found is not None
    assert found.sender == (Mailbox(address) if address else None)
    if found.sender is not None:
        assert found.sender.domain == "example.test"
        assert str(found.sender) == address


def test_which_servers_were_to_be_dialled_elsewhere() -> None:
    """All of them are named beside the one that is checked."""
    instead = ("127.0.0.1", 2525)
    given = settings_for(587, host="mail.example.test")
    with pytest.raises(UsageError) as caught:
        refuse_astray({("a.test", 25): instead, ("b.test", 465): instead}, given)
    assert caught.value.message == Message(
        "usage.connect-to.astray", {"given": "a.test:25, b.test:465", "checked": "mail.example.test:587"}
    )
    for fine in (
        {("MAIL.example.test.", 587): instead},
        {("a.test", 25): instead, ("mail.example.test", 587): instead},
        {},
    ):
        refuse_astray(fine, given)
    refuse_astray({("a.test", 25): instead}, Settings.of(host="mail.example.test"))
    refuse_astray({("a.test", 25): instead}, Settings.of(port=25))
