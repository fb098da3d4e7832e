"""The DNS stage: names that do not exist, have no address, or that nobody answers for."""

from __future__ import annotations

from typing import Any

import pytest

from smtpdoctor.labels import Label
from smtpdoctor.model import Fault, Report, Stage, Status
from tests.checking import NEVER, assert_failed, assert_passed, check, cli, ending, facts_of, ids, stage_of
from tests.servers import Answer, Answers, Dns, dns_server

NAME = "mail.example.test"
TIMEOUT = 0.4


def resolve(answers: Answers, *, host: str = NAME, **options: Any) -> Report:
    """Run up to the DNS stage against a name server with these answers."""
    with dns_server(answers) as server:
        options = {"resolver": (server.host, server.port), "until": Stage.DNS, "timeout": 3.0, **options}
        return check(587, "starttls", host=host, options=options)


@pytest.mark.parametrize(
    ("answer", "addresses"),
    [
        ("192.0.2.1", ["192.0.2.1"]),
        ("2001:db8::1", ["2001:db8::1"]),
        (["2001:db8::1", "192.0.2.1"], ["192.0.2.1", "2001:db8::1"]),
        (["192.0.2.2", "192.0.2.1"], ["192.0.2.2", "192.0.2.1"]),
    ],
)
def test_addresses(answer: Answer, addresses: list[str]) -> None:
    """All addresses are told, of both kinds; their order is the server's."""
    report = resolve({NAME: answer})
    assert_passed(report)
    assert sorted(facts_of(report, Stage.DNS)["addresses"]) == sorted(addresses)
    assert not facts_of(report, Stage.DNS)["cname"]


def test_the_dot_of_the_root_is_no_part_of_the_name() -> None:
    """`mail.example.test.` is the same name."""
    assert_passed(resolve({NAME: "192.0.2.1"}, host=f"{NAME}."))


def test_a_chain_of_aliases() -> None:
    """The end of the chain is told."""
    report = resolve({NAME: "CNAME a.test.", "a.test": "CNAME b.test.", "b.test": "192.0.2.7"})
    assert_passed(report)
    facts = facts_of(report, Stage.DNS)
    assert (facts["addresses"], facts["cname"]) == (["192.0.2.7"], "b.test")


@pytest.mark.parametrize(("family", "address"), [(4, "192.0.2.1"), (6, "2001:db8::1")])
def test_one_ip_version_only(family: int, address: str) -> None:
    """`--ipv4` and `--ipv6` leave the other addresses out."""
    report = resolve({NAME: ["192.0.2.1", "2001:db8::1"]}, family=family)
    assert facts_of(report, Stage.DNS)["addresses"] == [address]


def test_no_address_of_the_wanted_version() -> None:
    """A host on IPv4 only, asked for IPv6: the flag is at fault."""
    report = resolve({NAME: "192.0.2.1"}, family=6)
    assert_failed(report, "dns-not-found", Stage.DNS)
    evidence = report.findings[0].evidence
    assert Label.OTHER_FAMILY in evidence.labels
    assert (evidence.facts["other"], evidence.facts["flag"]) == ("192.0.2.1", "--ipv6")
    assert facts_of(report, Stage.DNS)["other_family"] == ["192.0.2.1"]


def test_one_record_type_unanswered() -> None:
    """The mail can be sent, after a wait that every program has."""
    report = resolve({(NAME, "A"): "192.0.2.1", (NAME, "AAAA"): Dns.SILENT}, timeout=2.0)
    assert (report.verdict, ids(report)) == ("warn", ["dns-partial"])
    assert stage_of(report, Stage.DNS) is Status.WARN
    assert report.findings[0].evidence.facts["kind"] == "AAAA"


def test_a_wrong_no_for_one_record_type() -> None:
    """Programs on Alpine take it for the whole answer."""
    report = resolve({(NAME, "A"): "192.0.2.1", (NAME, "AAAA"): Dns.NXDOMAIN})
    assert ids(report) == ["dns-partial"]
    assert report.findings[0].evidence.facts["answer"] == "NXDOMAIN"


def test_without_a_the_system_gives_up() -> None:
    """It is no warning, though AAAA was answered."""
    report = resolve({(NAME, "A"): Dns.SILENT, (NAME, "AAAA"): "2001:db8::1"}, timeout=2.0)
    assert_failed(report, "dns-resolver-failure", Stage.DNS)
    assert report.findings[0].evidence.facts["kind"] == "A"


def test_a_mail_domain() -> None:
    """Its mail servers are told, and that they are not what to write."""
    report = resolve({NAME: ["MX 10 in.example.test", "TXT x"]})
    assert_failed(report, "dns-not-found", Stage.DNS)
    assert Label.ONLY_MX in report.findings[0].evidence.labels
    assert facts_of(report, Stage.DNS)["mx"] == ["in.example.test"]


@pytest.mark.parametrize(
    ("answers", "finding"),
    [
        ({}, "dns-no-network"),
        ({".": Dns.SERVFAIL}, "dns-no-network"),
        ({".": Dns.REFUSED, "smtp.gmail.com": Dns.REFUSED}, "dns-no-network"),
        ({".": "NS a.root-servers.net", "smtp.gmail.com": Dns.SERVFAIL}, "dns-resolver-failure"),
        ({".": "NS a.root-servers.net", "smtp.gmail.com": Dns.NODATA}, "dns-resolver-failure"),
        ({".": "NS a.root-servers.net"}, "dns-resolver-failure"),
        ({".": "NS ns.corp.internal"}, "dns-resolver-failure"),
    ],
)
def test_the_name_of_a_providers_own_host_is_right(answers: Answers, finding: str) -> None:
    """A resolver that does not have it is at fault, not the settings."""
    nobody = {"username": None, "password": None}
    with dns_server(answers) as server:
        options = {"resolver": (server.host, server.port), "until": Stage.DNS}
        report = check(587, "starttls", host="smtp.gmail.com", preset="gmail", options=options, **nobody)
    assert_failed(report, finding, Stage.DNS)
    assert report.findings[0].fault is Fault.NETWORK


@pytest.mark.parametrize(
    ("answers", "finding", "error", "label"),
    [
        ({}, "dns-not-found", "nxdomain", None),
        ({NAME: Dns.NODATA}, "dns-not-found", "no-address", None),
        ({NAME: "MX 10 other.test"}, "dns-not-found", "no-address", None),
        ({NAME: "CNAME a.test.", "a.test": Dns.NODATA}, "dns-not-found", "no-address", "cname-chain"),
        ({NAME: "CNAME a.test."}, "dns-not-found", "nxdomain", "cname-chain"),
        ({NAME: "CNAME a.test.", "a.test": f"CNAME {NAME}."}, "dns-cname-loop", "cname-loop", "cname-loop"),
        ({NAME: Dns.REFUSED}, "dns-resolver-failure", "dns-refused", None),
        ({NAME: Dns.GARBAGE}, "dns-resolver-failure", "dns-garbage", None),
        ({NAME: Dns.SERVFAIL}, "dns-resolver-failure", "servfail", None),
        ({NAME: Dns.SILENT}, "dns-resolver-failure", "dns-timeout", None),
    ],
)
def test_failures(answers: Answers, finding: str, error: str, label: str | None) -> None:
    """A missing name, a name without addresses, and a name server that fails are different things."""
    with ending():
        report = resolve(answers, timeout=TIMEOUT, deadline=NEVER)
    assert_failed(report, finding, Stage.DNS)
    evidence = report.findings[0].evidence
    assert evidence.error == error
    assert evidence.facts["value"] == NAME
    if label:
        assert label in evidence.labels


def test_the_deadline_of_the_run_holds() -> None:
    """A name server that never answers cannot outlast it."""
    with ending():
        resolve({NAME: Dns.SILENT}, timeout=NEVER, deadline=TIMEOUT)


def test_a_name_without_a_dot_is_perhaps_a_container() -> None:
    """`mailpit` exists in its own network only."""
    report = resolve({}, host="mailpit")
    assert_failed(report, "dns-not-found", Stage.DNS)
    assert "container-name" in report.findings[0].evidence.labels


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "192.0.2.1"])
def test_an_address_needs_no_resolver(host: str) -> None:
    """An address is taken as it is."""
    report = resolve({}, host=host)
    assert_passed(report)
    assert facts_of(report, Stage.DNS)["addresses"] == [host]


def test_localhost_through_the_system() -> None:
    """Without `--resolver` the system answers, hosts file and all."""
    report = check(587, "starttls", options={"until": Stage.DNS})
    assert_passed(report)
    assert set(facts_of(report, Stage.DNS)["addresses"]) <= {"127.0.0.1", "::1"}


def test_the_resolver_flag() -> None:
    """`--resolver` takes an address, with a port or without."""
    with dns_server({NAME: "192.0.2.1"}) as server:
        done = cli(
            *("check", "--host", NAME, "--until", "dns", "--no-environment"),
            *("--resolver", f"{server.host}:{server.port}"),
            code=0,
        )
        assert "192.0.2.1" in done.stdout
        assert server.queries


@pytest.mark.parametrize(
    "text", ["nonsense", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:-1", "127.0.0.1:0", "[::1", ""]
)
def test_a_resolver_that_is_none(text: str) -> None:
    """It is refused before anything is sent."""
    done = cli("check", "--host", NAME, "--until", "dns", "--no-environment", "--resolver", text, code=2)
    assert "--resolver" in done.stderr
    assert done.stdout == ""


def test_the_stage_passes_before_the_connection_fails() -> None:
    """Names are not blamed for what the network does."""
    with dns_server({NAME: "127.0.0.1"}) as server:
        options = {"resolver": (server.host, server.port), "timeout": 2.0}
        report = check(1, "starttls", host=NAME, options=options)
        assert report.stages[1].status is Status.PASS
        assert report.findings[0].stage is Stage.CONNECT
