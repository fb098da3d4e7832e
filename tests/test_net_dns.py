"""`net.dns` without a run around it: a name server of the tests, addresses and odd names."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from smtpdoctor.net import dns
from smtpdoctor.net.answer import (
    AddressForm,
    Answer,
    DnssecFailed,
    ExtendedError,
    LinkLocal,
    NameInvalid,
    NullAddress,
    OtherEncoding,
    Outcome,
    RecordFailed,
    ServerFailed,
    SpecialName,
)
from smtpdoctor.net.dns import knows_public_names, resolve
from tests.checking import NEVER, ending
from tests.each import each
from tests.servers import Dns, DnsReply, dns_server, other_id, other_question

if TYPE_CHECKING:
    from tests.servers import Answers

NAME = "mail.example.net"
SOA = "SOA ns.example. admin.example. 1 1 1 1 1"


def look_up(
    answers: Answers, host: str = NAME, *, family: int | None = None, seconds: float = 5.0, **options: Any
) -> Answer:
    with dns_server(answers, **options) as server:
        at = (server.host, server.port)
        return resolve(host, 587, family=family, resolver=at, deadline=time.monotonic() + seconds)


def literal(host: str, family: int | None = None) -> Answer:
    """Resolve what needs no name server: this one does not exist."""
    return resolve(host, 587, family=family, resolver=("127.0.0.1", 1), deadline=time.monotonic() + 5)


def remarks(answer: Answer, kind: type) -> list[Any]:
    return [remark for remark in answer.remarks if isinstance(remark, kind)]


# -- One record type of two -----------------------------------------------------


def test_aaaa_dropped() -> None:
    """The wait for the second answer ends."""
    answer = look_up({(NAME, "A"): "192.0.2.1", (NAME, "AAAA"): Dns.SILENT}, seconds=2.0)
    assert (answer.addresses, answer.error) == (("192.0.2.1",), "")
    (remark,) = remarks(answer, RecordFailed)
    assert (remark.record, remark.outcome) == ("AAAA", Outcome.SILENT)
    assert remark.seconds > 0


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (Dns.SERVFAIL, Outcome.SERVFAIL),
        (Dns.NXDOMAIN, Outcome.NXDOMAIN),
        (Dns.REFUSED, Outcome.REFUSED),
        (Dns.FORMERR, Outcome.REJECTED),
    ],
)
def test_a_wrong_no_for_aaaa(said: Dns, outcome: Outcome) -> None:
    """The system goes on with IPv4; programs on Alpine do not."""
    answer = look_up({(NAME, "A"): "192.0.2.1", (NAME, "AAAA"): said})
    assert (answer.addresses, answer.error) == (("192.0.2.1",), "")
    assert [(one.record, one.outcome, one.felt) for one in remarks(answer, RecordFailed)] == [
        ("AAAA", outcome, None)
    ]


def test_no_aaaa_is_a_right_answer() -> None:
    """Most hosts have none."""
    assert look_up({NAME: "192.0.2.1"}) == Answer(name=NAME, addresses=("192.0.2.1",), chain=(NAME,))


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({(NAME, "A"): Dns.SILENT, (NAME, "AAAA"): "2001:db8::1"}, "dns-timeout"),
        ({(NAME, "A"): "192.0.2.1", (NAME, "AAAA"): Dns.GARBAGE}, "dns-garbage"),
    ],
)
def test_what_makes_the_system_give_up(answers: Answers, error: str) -> None:
    """The addresses that are known all the same are told."""
    answer = look_up(answers, seconds=1.5)
    assert (answer.addresses, answer.error, len(answer.other_family)) == ((), error, 1)


# -- What there is instead ------------------------------------------------------


def test_only_mail_servers() -> None:
    """By preference; a single dot is no host (RFC 7505)."""
    answer = look_up({NAME: ["MX 20 b.test", "MX 10 A.test"]})
    assert (answer.error, answer.mx) == ("no-address", ("a.test", "b.test"))
    assert look_up({NAME: "MX 0 ."}).mx == ()


@pytest.mark.parametrize(("family", "other"), [(4, "2001:db8::1"), (6, "192.0.2.1")])
def test_only_the_other_ip_version(family: int, other: str) -> None:
    """It is told, and not used."""
    answer = look_up({NAME: other}, family=family)
    assert (answer.addresses, answer.error, answer.other_family) == ((), "no-address", (other,))


@pytest.mark.parametrize(("zone", "told"), [("net", "net"), ("example.net", "example.net"), (".", ".")])
def test_which_part_of_the_name_exists(zone: str, told: str) -> None:
    """The zone that answers "no" does."""
    answer = look_up({(zone, "SOA"): SOA})
    assert (answer.error, answer.zone) == ("nxdomain", told)


# -- Aliases --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "error", "chain"),
    [
        ({NAME: "CNAME b.test.", "b.test": "CNAME c.test.", "c.test": "192.0.2.7"}, "", "b.test c.test"),
        ({NAME: "CNAME b.test."}, "nxdomain", "b.test"),
        ({NAME: "CNAME b.test.", "b.test": Dns.NODATA}, "no-address", "b.test"),
        ({NAME: "CNAME b.test.", "b.test": f"CNAME {NAME}."}, "cname-loop", f"b.test {NAME}"),
        ({NAME: f"CNAME {NAME}."}, "cname-loop", NAME),
        ({NAME: "CNAME b.test.", "b.test": "CNAME b.test."}, "cname-loop", "b.test b.test"),
    ],
)
def test_aliases(answers: Answers, error: str, chain: str) -> None:
    """The whole chain is told, to where it ends or goes round."""
    answer = look_up(answers)
    assert (answer.error, " ".join(answer.chain)) == (error, f"{NAME} {chain}")
    assert answer.canonical == ("" if error == "cname-loop" else answer.chain[-1])


@pytest.mark.parametrize("last", [NAME, "b.test"])
def test_a_loop_for_which_the_server_only_says_that_it_failed(last: str) -> None:
    """The aliases are followed one by one."""
    answers: dict[Any, Any] = {
        (name, kind): Dns.SERVFAIL for name in (NAME, "a.test", "b.test") for kind in ("A", "AAAA")
    }
    answers |= {NAME: "CNAME a.test.", "a.test": "CNAME b.test.", "b.test": f"CNAME {last}."}
    answer = look_up(answers)
    assert (answer.error, answer.chain) == ("cname-loop", (NAME, "a.test", "b.test", last))


def test_an_alias_to_a_broken_zone() -> None:
    """That is the server's failure, and the chain shows where it happens."""
    answers: dict[Any, Any] = {(NAME, "A"): Dns.SERVFAIL, (NAME, "AAAA"): Dns.SERVFAIL}
    answer = look_up({**answers, NAME: "CNAME a.test.", "a.test": Dns.SERVFAIL})
    assert (answer.error, answer.chain) == ("servfail", (NAME, "a.test"))


# -- Name servers that fail -----------------------------------------------------


@pytest.mark.parametrize(
    ("said", "error", "outcome"),
    [
        (Dns.SERVFAIL, "servfail", Outcome.SERVFAIL),
        (Dns.FORMERR, "servfail", Outcome.REJECTED),
        (Dns.REFUSED, "dns-refused", Outcome.REFUSED),
        (Dns.GARBAGE, "dns-garbage", Outcome.GARBAGE),
        (Dns.SILENT, "dns-timeout", Outcome.SILENT),
    ],
)
def test_failures_are_told_apart(said: Dns, error: str, outcome: Outcome) -> None:
    """In the time given, and the server is named."""
    with ending():
        answer = look_up({NAME: said}, seconds=0.7 if said is Dns.SILENT else 10.0)
    assert (answer.error, answer.addresses) == (error, ())
    assert [one.outcome for one in remarks(answer, ServerFailed)] == [outcome]


def test_nobody_listens() -> None:
    """An ICMP error is an answer: nothing is waited for."""
    with dns_server({}) as server:
        at = (server.host, server.port)
    with ending():
        answer = resolve(NAME, 587, family=None, resolver=at, deadline=time.monotonic() + NEVER)
    assert answer.error == "dns-closed"
    assert [one.server for one in remarks(answer, ServerFailed)] == [f"{at[0]}:{at[1]}"]


@pytest.mark.parametrize("resolver", [("::1", 1), ("fe80::1%nosuch0", 53), ("255.255.255.255", 53)])
def test_no_way_to_the_name_server(resolver: tuple[str, int]) -> None:
    """Whatever the system says to it, it is a value."""
    answer = resolve(NAME, 587, family=None, resolver=resolver, deadline=time.monotonic() + 0.5)
    assert answer.error in {"dns-closed", "dns-unreachable"}


def test_an_answer_too_long_for_udp() -> None:
    """It is asked for over TCP; more addresses than anybody dials are left out."""
    many = [f"192.0.2.{number}" for number in range(1, 200)]
    answer = look_up({NAME: DnsReply(many, truncated=True)})
    assert len(answer.addresses) == 64
    assert set(answer.addresses) < set(many)


def test_an_answer_too_long_for_udp_without_tcp() -> None:
    """That has a name of its own: a firewall that lets UDP pass only."""
    answer = look_up({NAME: DnsReply("192.0.2.1", truncated=True)}, tcp=False)
    assert answer.error == "dns-truncated"


@pytest.mark.parametrize("before", [other_id, other_question, lambda _: b"", lambda _: b"\xff" * 40])
def test_what_is_no_answer_to_the_question_is_passed_over(before: Any) -> None:
    """The true answer behind it counts."""
    answer = look_up({NAME: DnsReply("192.0.2.1", preceded_by=before)})
    assert (answer.addresses, answer.remarks) == (("192.0.2.1",), ())


def test_a_server_from_before_edns() -> None:
    """It is asked again in its own words."""
    assert look_up({NAME: DnsReply("192.0.2.1", with_edns=Dns.FORMERR)}).addresses == ("192.0.2.1",)


def test_a_datagram_may_get_lost() -> None:
    """The question is repeated."""
    with dns_server({NAME: Dns.SILENT}) as server:
        at = (server.host, server.port)
        answer = resolve(NAME, 587, family=4, resolver=at, deadline=time.monotonic() + 1.9)
        assert answer.error == "dns-timeout"
        assert server.queries == [(NAME, "A")] * 2


def test_signatures_that_do_not_hold() -> None:
    """The server's own reason is told, without control characters, and that the name is there without them."""
    reply = DnsReply(Dns.SERVFAIL, ede=(7, "expired\x1b[31m for example.net"), unchecked="192.0.2.1")
    answer = look_up({NAME: reply})
    assert answer.error == "servfail"
    assert remarks(answer, ExtendedError) == [
        ExtendedError(7, "signature-expired", "expired [31m for example.net")
    ]
    assert remarks(answer, DnssecFailed)


def test_a_reason_that_is_unknown_here() -> None:
    """Its number is kept."""
    answer = look_up({NAME: DnsReply(Dns.SERVFAIL, ede=(4711, ""))})
    assert remarks(answer, ExtendedError) == [ExtendedError(4711)]
    assert not remarks(answer, DnssecFailed)


# -- Public names ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "known"),
    [
        ({".": ["NS a.root-servers.net", "NS m.root-servers.net"]}, True),
        ({".": "NS ns.corp.internal"}, None),
        ({".": Dns.NODATA}, None),
        ({".": Dns.SILENT}, None),
        ({".": Dns.SERVFAIL}, False),
        ({".": Dns.REFUSED}, False),
        ({}, False),
    ],
)
def test_whether_public_names_are_known(answers: Answers, known: bool | None) -> None:
    """The question is for the root, and names nobody."""
    with dns_server(answers) as server:
        seconds = 0.5 if answers.get(".") is Dns.SILENT else 10.0
        assert knows_public_names((server.host, server.port), time.monotonic() + seconds) is known
        assert server.queries == [(".", "NS")]


# -- Addresses and names as text ------------------------------------------------


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("[192.0.2.1]", "192.0.2.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", str(ipaddress.ip_address("::ffff:192.0.2.1"))),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_an_address_is_taken_as_it_is(host: str, address: str) -> None:
    """No name server is asked."""
    found = literal(host)
    assert (found.addresses, found.literal, found.remarks) == ((address,), True, ())


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("010.0.0.1", "8.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("3221225985", "192.0.2.1"),
    ],
)
def test_old_forms_of_addresses(host: str, address: str) -> None:
    """What the system makes of them is told."""
    found = literal(host)
    assert (found.addresses, found.remarks) == ((address,), (AddressForm(address),))


def test_addresses_that_cannot_be_dialled() -> None:
    """One lacks its interface, the other is no address of a host."""
    assert literal("fe80::1").remarks == (LinkLocal("fe80::1"),)
    assert literal("0.0.0.0").remarks == (NullAddress("0.0.0.0"),)  # noqa: S104 -- not bound
    assert remarks(look_up({NAME: "0.0.0.0"}), NullAddress)  # noqa: S104 -- not bound


@pytest.mark.parametrize(("host", "family"), [("192.0.2.1", 6), ("2001:db8::1", 4)])
def test_an_address_of_the_unwanted_ip_version(host: str, family: int) -> None:
    """It is left out as a name's would be."""
    found = literal(host, family)
    assert (found.addresses, found.error, found.other_family) == ((), "no-address", (host,))


@each(
    ("host", "reason", "part"),
    [
        ("", "empty", ""),
        (".", "empty", ""),
        ("smtp..example.net", "empty-label", "smtp..example.net"),
        (".example.net", "empty-label", ".example.net"),
        ("smtp.example.net,", "character", ","),
        ("smtp example.net", "character", " "),
        ("user@example.net", "character", "@"),
        ("[mail", "character", "["),
        (f"{'a' * 64}.net", "label-too-long", "a" * 64),
        (".".join(["abcdefghi"] * 26), "too-long", ""),
        ("192.0.2.300", "number", "300"),
        ("1.2.3.4.5", "number", "5"),
        (f"{'ü' * 70}.de", "encoding", f"{'ü' * 70}.de"),
    ],
)
def test_what_cannot_be_a_name(host: str, reason: str, part: str) -> None:
    """Nobody is asked for it, and the reason is told."""
    found = literal(host)
    assert found.error == "name-invalid"
    assert [(one.reason, one.part) for one in remarks(found, NameInvalid)] == [(reason, part)]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("MAIL.Example.NET", "mail.example.net"),
        ("mail.example.net.", "mail.example.net"),
        ("mail_server", "mail_server"),
        ("mailserver", "mailserver"),
        ("메일.한국", "xn--h32bq4v.xn--3e0b707e"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER。example", "xn--bcher-kva.example"),
    ],
)
def test_names(host: str, name: str) -> None:
    """Case, the root's dot and letters of other alphabets."""
    found = look_up({name: "192.0.2.1"}, host)
    assert (found.name, found.addresses, found.remarks) == (name, ("192.0.2.1",), ())


def test_the_sharp_s_is_a_letter_today() -> None:
    """The rules of 2003, which Python's own encoding has, lead to another host."""
    found = look_up({"xn--fa-hia.de": "192.0.2.1", "fass.de": "192.0.2.2"}, "faß.de")
    assert (found.name, found.addresses) == ("xn--fa-hia.de", ("192.0.2.1",))
    assert found.remarks == (OtherEncoding("fass.de"),)


@pytest.mark.parametrize(
    ("host", "suffix"),
    [
        ("mail.localhost", "localhost"),
        ("printer.local", "local"),
        ("smtp.example.com", "example.com"),
        ("mail.home.arpa", "home.arpa"),
        ("host.docker.internal", "internal"),
    ],
)
def test_names_that_public_dns_does_not_serve(host: str, suffix: str) -> None:
    """They are told with a failure only."""
    assert remarks(look_up({}, host), SpecialName) == [SpecialName(suffix)]
    assert not remarks(look_up({host: "192.0.2.1"}, host), SpecialName)


# -- The order of addresses -----------------------------------------------------


@pytest.mark.parametrize(
    ("sources", "order"),
    [
        # IPv6 before IPv4, where both can be reached
        ({"192.0.2.1": "198.51.100.1", "2001:db8::1": "2001:db8::9"}, ["2001:db8::1", "192.0.2.1"]),
        # what cannot be reached comes last
        ({"2001:db8::1": None, "192.0.2.1": "198.51.100.1"}, ["192.0.2.1", "2001:db8::1"]),
        # a source of another kind: 6to4, local addresses
        ({"2001:db8::1": "fd00::9", "192.0.2.1": "198.51.100.1"}, ["192.0.2.1", "2001:db8::1"]),
        (
            {"2002:c000:201::1": "2002:c000:202::1", "2001:db8::1": "2001:db8::9"},
            ["2001:db8::1", "2002:c000:201::1"],
        ),
        # a source that reaches less far
        ({"2001:db8::1": "fe80::9", "192.0.2.1": "198.51.100.1"}, ["192.0.2.1", "2001:db8::1"]),
        # else as they came
        ({"192.0.2.2": "198.51.100.1", "192.0.2.1": "198.51.100.1"}, ["192.0.2.2", "192.0.2.1"]),
    ],
)
def test_the_order_of_the_system(sources: dict[str, str | None], order: list[str]) -> None:
    """RFC 6724: precedence, reachability, labels and scopes."""
    assert sorted(sources, key=lambda one: dns._preference(one, sources[one])) == order


def test_loopback_addresses_are_reachable() -> None:
    """The machine's own routes count."""
    assert dns._source("127.0.0.1") == "127.0.0.1"
    assert dns._ordered(["127.0.0.1", "127.0.0.1"]) == ("127.0.0.1",)


# -- What a look-up costs -------------------------------------------------------


def test_the_machines_own_name_for_itself() -> None:
    """Through the system, one thread and nothing more; the order is the system's."""
    before = set(threading.enumerate())
    answer = resolve("localhost", 25, family=None, resolver=None, deadline=time.monotonic() + 10)
    found = socket.getaddrinfo("localhost", 25, type=socket.SOCK_STREAM)
    assert answer.addresses == tuple(dict.fromkeys(str(one[4][0]) for one in found))
    assert (answer.error, answer.remarks) == ("", ())
    assert len(set(threading.enumerate()) - before) <= 1


def test_the_system_fails_where_no_name_can_be() -> None:
    """A deadline that has passed is kept as well."""
    with ending():
        answer = resolve("absent.invalid", 25, family=4, resolver=None, deadline=time.monotonic())
    assert answer.error
