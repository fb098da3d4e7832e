"""Look-ups through the real library of the system, in a network where the tests run the name server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.namespace import HERE, NAME, SILENT_HOST, available, commanded, looked_up

pytestmark = pytest.mark.skipif(not available(), reason="needs root on Linux")


def remarks_of(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one for one in found["answer"]["remarks"] if one["type"] == kind]


def test_a_healthy_look_up_asks_no_more_than_the_system_does() -> None:
    """One question for each record type, and nothing is explained."""
    found = looked_up("both")
    assert sorted(found["answer"]["addresses"]) == ["192.0.2.1", "2001:db8::1"]
    assert (found["answer"]["error"], found["answer"]["remarks"]) == ("", [])
    assert not found["explained"]
    assert sorted(found["queries"]) == [[NAME, "A"], [NAME, "AAAA"]]


def test_aaaa_is_dropped() -> None:
    """The system goes on with IPv4 after 15 seconds; that is not waited for, but told."""
    found = looked_up("aaaa-dropped", seconds=2.0)
    assert found["answer"]["addresses"] == ["192.0.2.1"]
    assert found["answer"]["error"] == ""
    (remark,) = remarks_of(found, "record-failed")
    assert (remark["record"], remark["outcome"], remark["felt"]) == ("AAAA", "silent", 15.0)


def test_the_options_of_the_machine_count_in_what_an_application_feels() -> None:
    """With a shorter time-out, programs wait less."""
    found = looked_up("aaaa-dropped", resolv=f"{HERE}options timeout:3 single-request\n", seconds=2.0)
    assert [one["felt"] for one in remarks_of(found, "record-failed")] == [6.0]


def test_a_is_dropped() -> None:
    """Without an answer for IPv4 the system gives up, whatever is known of IPv6; so does the check."""
    found = looked_up("a-dropped", seconds=2.0)
    assert found["answer"]["error"] == "dns-timeout"
    assert found["answer"]["addresses"] == []
    assert found["answer"]["other_family"] == ["2001:db8::1"]
    assert [one["record"] for one in remarks_of(found, "record-failed")] == ["A"]


def test_garbage_for_aaaa_ends_the_look_up_of_the_system() -> None:
    """A real send would fail, so this is no success."""
    found = looked_up("aaaa-garbage", seconds=3.0)
    assert found["answer"]["error"] == "dns-garbage"
    assert found["answer"]["other_family"] == ["192.0.2.1"]


@pytest.mark.parametrize(
    ("scenario", "addresses"),
    [("late", ["192.0.2.1"]), ("aaaa-late", ["192.0.2.1", "2001:db8::1"])],
)
def test_slow_is_not_silent(scenario: str, addresses: list[str]) -> None:
    """An answer that takes longer than the first second is an answer."""
    found = looked_up(scenario, seconds=2.4)
    assert sorted(found["answer"]["addresses"]) == addresses
    assert found["answer"]["remarks"] == []


def test_together_is_too_much_for_some_firewalls() -> None:
    """Each question alone is answered; asked together, one is lost."""
    found = looked_up("both", one_per_port=True, seconds=3.0)
    assert sorted(found["answer"]["addresses"]) == ["192.0.2.1", "2001:db8::1"]
    assert [one["felt"] for one in remarks_of(found, "parallel-lost")] == [5.0]


def test_the_first_name_server_is_dead() -> None:
    """The second one answers after the system has waited for the first."""
    resolv = f"nameserver {SILENT_HOST}\n{HERE}options timeout:1\n"
    found = looked_up("both", resolv=resolv, seconds=3.0)
    assert sorted(found["answer"]["addresses"]) == ["192.0.2.1", "2001:db8::1"]
    failed = remarks_of(found, "server-failed")
    assert [(one["server"], one["outcome"]) for one in failed] == [(f"{SILENT_HOST}:53", "silent")]


def test_no_such_name() -> None:
    """What does exist is told."""
    found = looked_up("nothing")
    assert (found["answer"]["error"], found["answer"]["zone"]) == ("nxdomain", "test")
    assert found["public"] is None  # a root of its own


@pytest.mark.parametrize(("scenario", "public"), [("public", True), ("both", False), ("silent", False)])
def test_whether_public_names_are_known(scenario: str, public: bool) -> None:
    """The root's name servers are known to every server that knows public names."""
    waited = 1.0 if scenario == "silent" else 10.0
    assert looked_up(scenario, seconds=0.5, public_seconds=waited)["public"] is public


def test_no_network_at_all() -> None:
    """There is no way to the name server; a provider's name is not doubted."""
    found = looked_up("closed", "smtp.gmail.com", resolv="nameserver 10.255.255.53\n")
    assert found["answer"]["error"] == "dns-unreachable"
    assert found["public"] is False
    assert [one["outcome"] for one in remarks_of(found, "server-failed")] == ["unreachable"]


def test_nobody_listens_at_the_name_servers_address() -> None:
    """That is neither silence nor a missing network."""
    assert looked_up("closed")["answer"]["error"] == "dns-closed"


def test_a_silent_name_server() -> None:
    """The time given is kept, and the server is named."""
    found = looked_up("silent", seconds=1.0)
    assert found["answer"]["error"] == "dns-timeout"
    assert [one["server"] for one in remarks_of(found, "server-failed")] == ["127.0.0.1:53"]


def test_a_mail_domain() -> None:
    """Its mail servers are told, the preferred one first."""
    found = looked_up("mail-domain")
    assert (found["answer"]["error"], found["answer"]["mx"]) == ("no-address", ["a.test", "b.test"])


def test_the_unwanted_ip_version() -> None:
    """The addresses that were left out are told."""
    found = looked_up("ipv6", family=4)
    assert (found["answer"]["error"], found["answer"]["other_family"]) == ("no-address", ["2001:db8::1"])


def test_search_domains() -> None:
    """A name with a dot that is found only below a search domain was probably meant as it stands."""
    resolv = f"{HERE}search other.test corp.test\n"
    found = looked_up("search", "mail.office", resolv=resolv)
    assert found["answer"]["addresses"] == ["192.0.2.3"]
    assert [one["name"] for one in remarks_of(found, "search-domain")] == ["mail.office.corp.test"]
    assert looked_up("search", "plain", resolv=resolv)["answer"]["addresses"] == ["192.0.2.4"]
    found = looked_up("search", "plain.", resolv=resolv)
    assert (found["answer"]["error"], found["answer"]["tried"]) == ("nxdomain", ["plain"])
    found = looked_up("search", "absent", resolv=resolv)
    assert found["answer"]["tried"] == ["absent.other.test", "absent.corp.test", "absent"]


def test_the_hosts_file() -> None:
    """It wins over the name server, and is named with its line."""
    found = looked_up("both", hosts=f"# pinned\n192.0.2.99  other.test {NAME}\n")
    assert found["answer"]["addresses"] == ["192.0.2.99"]
    assert [one["line"] for one in remarks_of(found, "hosts-file")] == [3]
    assert found["queries"] == []
    found = looked_up("both", hosts=f"2001:db8::99 {NAME}\n", family=4)
    assert found["answer"]["addresses"] == ["192.0.2.1"]
    assert remarks_of(found, "hosts-file") == []
    # The name in full stands first in a line, and is no search domain.
    found = looked_up("both", "mail", hosts=f"127.0.0.1 {NAME} mail\n")
    assert [one["line"] for one in remarks_of(found, "hosts-file")] == [2]
    assert remarks_of(found, "search-domain") == []


@pytest.mark.parametrize(
    ("scenario", "resolv", "finding"),
    [
        ("nothing", "nameserver 10.255.255.53\n", "dns-no-network"),
        ("servfail", HERE, "dns-no-network"),
        ("nothing", HERE, "dns-resolver-failure"),
        ("public", HERE, "dns-resolver-failure"),
    ],
)
def test_a_providers_own_host_is_never_doubted(scenario: str, resolv: str, finding: str) -> None:
    """`smtp.gmail.com` exists: what does not know it is at fault."""
    options = ["--host", "smtp.gmail.com", "--until", "dns", "--no-environment", "--format", "json"]
    report = commanded(scenario, ["check", *options], resolv=resolv)
    first = report["findings"][0]
    assert (first["id"], first["fault"], first["origin"]) == (finding, "network", None)
    assert "letter by letter" not in " ".join(first["fixes"])
