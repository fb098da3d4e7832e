"""Names of servers: whose certificate is asked for, where the login goes, and what a name cannot be."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import smtpdoctor
from smtpdoctor.model import Stage, Status
from smtpdoctor.settings.hosts import host_key, same_host
from smtpdoctor.smtp.command import DomainError, a_labels
from tests import certs
from tests.checking import HOST, PASSWORD, USER, assert_failed, check, cli, ids, settings_for, stage_of
from tests.each import each
from tests.examples import examples
from tests.servers import dialogue, dns_server, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.certs import Certificate, Certificates
    from tests.servers import Server

MAIL = "mail.example.test"
NUMBERS = itertools.count()
FEW = settings(
    max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def certificate_for(certificates: Certificates, *names: str, common_name: str = "server") -> Certificate:
    """Return a certificate for names, each as it is spelled: an address in brackets is one, else it is text."""
    shop = certificates.workshop
    entries = [
        x509.DNSName(name) if not name.startswith("[") else certs.general_name(name.strip("[]"))
        for name in names
    ]
    given = [(x509.SubjectAlternativeName(entries), False)] if entries else []
    leaf = certs.certify(common_name, shop.root, extensions=given)
    return shop.store(f"names-{next(NUMBERS)}", leaf)


@contextlib.contextmanager
def serving(certificate: Certificate, security: str, host: str = HOST) -> Iterator[Server]:
    script = dialogue(
        implicit_cert=certificate if security == "tls" else None,
        starttls_cert=None if security == "tls" else certificate,
    )
    with serve(script, host=host) as server:
        yield server


# host, names of the certificate, whether it is the host's
NAMES: list[tuple[str, Sequence[str], bool]] = [
    (MAIL, [MAIL], True),
    (MAIL, ["other.example.test", MAIL], True),
    ("MAIL.Example.TEST", [MAIL], True),
    (MAIL, ["Mail.EXAMPLE.test"], True),
    (f"{MAIL}.", [MAIL], True),
    (MAIL, ["example.test"], False),
    ("example.test", [MAIL], False),
    (MAIL, [f"{MAIL}.evil.test"], False),
    (MAIL, [f"evil{MAIL}"], False),
    (MAIL, [], False),
    # RFC 9525 section 6.3: a wildcard is the whole leftmost label, and stands for one
    (MAIL, ["*.example.test"], True),
    ("MAIL.example.test.", ["*.EXAMPLE.test"], True),
    (f"a.{MAIL}", ["*.example.test"], False),
    ("example.test", ["*.example.test"], False),
    (MAIL, ["m*.example.test"], False),
    (MAIL, ["*l.example.test"], False),
    (MAIL, ["mail.*.test"], False),
    (MAIL, ["*.*.test"], False),
    ("mail.test", ["*.test"], False),
    (MAIL, ["*"], False),
    # other scripts: A-labels, by the rules of 2008
    ("메일.example.test", ["xn--h32bq4v.example.test"], True),
    ("메일.example.test", ["*.example.test"], True),
    ("메일.example.test", ["xn--*.example.test"], False),
    ("xn--h32bq4v.example.test", ["xn--h32bq4v.example.test"], True),
    ("mail.예시.test", ["*.xn--vv4b11d.test"], True),
    ("BÜCHER。example．test", ["xn--bcher-kva.example.test"], True),
    ("faß.example.test", ["xn--fa-hia.example.test"], True),
    ("faß.example.test", ["fass.example.test"], False),
    # addresses: in the certificate as addresses, never as text
    ("127.0.0.1", ["[127.0.0.1]"], True),
    ("[127.0.0.1]", ["[127.0.0.1]"], True),
    ("127.0.0.1", ["127.0.0.1"], False),
    ("127.0.0.1", ["[127.0.0.2]"], False),
    ("127.0.0.1", ["localhost"], False),
    ("localhost", ["[127.0.0.1]"], False),
    ("[::1]", ["[::1]"], True),
    ("::1", ["[::1]"], True),
    ("0:0:0:0::1", ["[::1]"], True),
    ("::1%lo", ["[::1]"], True),
    ("[::1]", ["::1"], False),
    ("localhost", ["localhost"], True),
    ("Localhost.", ["localhost"], True),
]


@pytest.mark.parametrize(
    ("host", "names", "fits"), NAMES, ids=[f"{host} {'+'.join(names)}" for host, names, _ in NAMES]
)
def test_whose_certificate_it_has_to_be(
    certificates: Certificates, host: str, names: Sequence[str], fits: bool
) -> None:
    """The login goes out exactly if the certificate is for the name in the settings, in each mode with TLS.

    In a usual run each name in one of the modes: the name is compared in one place for all of them.
    """
    certificate = certificate_for(certificates, *names)
    modes = ("tls", "starttls", "opportunistic")
    first = NAMES.index((host, list(names), fits)) % len(modes)
    for security in (*modes[first:], *modes[:first])[: examples(1)]:
        with serving(certificate, security, "::1" if ":" in host else HOST) as server:
            more = {} if host.strip("[]")[0] in "1:0" else {"dial": server.port}
            report = check(
                server.port, security, host=host, options={"ca_file": str(certificate.ca_pem)}, **more
            )
            server.join()
        logged_in = any(line.startswith("AUTH") for line in server.lines)
        assert logged_in is fits, (security, ids(report))
        assert stage_of(report, Stage.TLS) is (Status.PASS if fits else Status.FAIL)
        if not fits:
            assert_failed(report, "tls-cert-name", Stage.TLS)


def test_a_common_name_counts_where_there_is_no_other(certificates: Certificates) -> None:
    """OpenSSL takes it, and others do not: that is told; beside other names it counts for nothing."""
    alone = certificate_for(certificates, common_name=MAIL)
    beside = certificate_for(certificates, "other.example.test", common_name=MAIL)
    address = certificate_for(certificates, common_name=HOST)
    for certificate, host, found in (
        (alone, MAIL, "tls-cert-no-san"),
        (beside, MAIL, "tls-cert-name"),
        (address, HOST, "tls-cert-name"),
    ):
        with serving(certificate, "tls") as server:
            options = {"ca_file": str(certificate.ca_pem)}
            report = check(server.port, "tls", host=host, dial=server.port, options=options)
        assert ids(report)[0] == found


@pytest.mark.parametrize(
    ("given", "dialled"),
    [
        (["--host", MAIL], MAIL),
        (["--host", f"{MAIL.upper()}."], MAIL),
        (["--host", "메일.예시.test"], "xn--h32bq4v.xn--vv4b11d.test"),
        (["--url", f"smtps://{MAIL}:465"], MAIL),
        (["--url", f"smtps://{MAIL.upper()}.:465/"], MAIL),
        (["--url", "smtps://메일.예시.test:465"], "메일.예시.test"),
        ([], MAIL),
    ],
)
def test_each_way_to_name_a_host(
    certificates: Certificates, tmp_path: Path, given: list[str], dialled: str
) -> None:
    """Flag, URL and variable lead to the same name in the certificate, and so does each spelling to `--connect-to`."""
    certificate = certificate_for(certificates, MAIL, "xn--h32bq4v.xn--vv4b11d.test")
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / ".env").write_text(f"SMTP_HOST={MAIL}\nSMTP_PORT=465\nSMTP_TLS=true\n")
    for spelled in (dialled, f"{dialled.upper()}."):
        with serving(certificate, "tls") as server:
            done = cli(
                *(
                    "check",
                    *given,
                    "--env-file",
                    str(tmp_path / ".env"),
                    "--no-environment",
                    "--username",
                    USER,
                ),
                *("--password-file", str(tmp_path / "password"), "--sender", USER),
                *("--ca-file", str(certificate.ca_pem), "--format", "json"),
                *("--connect-to", f"{spelled}:465:{HOST}:{server.port}"),
            )
            server.join()
        assert done.exit_code == 0, done.stdout
        assert any(line.startswith("AUTH") for line in server.lines)


# -- Dialling elsewhere ---------------------------------------------------------------------------

OTHERS = [(MAIL, 465), ("other.example.test", 587), ("example.test", 587), (f"{MAIL}.test", 587), (HOST, 587)]


@pytest.mark.parametrize("other", OTHERS)
def test_to_dial_elsewhere_for_another_server_is_a_slip(tmp_path: Path, other: tuple[str, int]) -> None:
    """Nothing is dialled: the login would go to the real server, which was to be spared."""
    (tmp_path / "password").write_text(PASSWORD)
    with serve(dialogue()) as server:
        flags = [
            "--host",
            MAIL,
            "--port",
            "587",
            "--username",
            USER,
            "--password-file",
            str(tmp_path / "password"),
        ]
        mapped = f"{other[0]}:{other[1]}:{HOST}:{server.port}"
        done = cli(
            "check",
            *flags,
            "--sender",
            USER,
            "--no-environment",
            "--connect-to",
            mapped,
            "--format",
            "json",
            code=2,
        )
        assert not server.connections
        said = json.loads(done.stdout)["error"]["message"]
        assert f"{other[0]}:{other[1]}" in said
        assert f"{MAIL}:587" in said
        with pytest.raises(ValueError, match="connect-to"):
            smtpdoctor.check(settings_for(587, host=MAIL), connect_to={other: (HOST, server.port)})


spellings = st.sampled_from([str, str.upper, str.title, lambda host: f"{host}."])
hosts = st.sampled_from([MAIL, "메일.한국", "faß.example.test", "2001:db8::1", "xn--h32bq4v.test"])


@FEW
@given(host=hosts, one=spellings, other=spellings)
def test_a_name_is_the_same_however_it_is_spelled(host: str, one: Any, other: Any) -> None:
    """Case and the root's dot make no other host, in any script."""
    assume("ß" not in host or one is not str.upper is not other)  # whose capital is two letters
    assert same_host(one(host), other(host))
    assert host_key(host_key(one(host))) == host_key(other(host))


# -- Names in other scripts -----------------------------------------------------------------------

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(deadline=None)
@given(names)
def test_what_comes_of_a_name_is_ascii_or_an_error(name: str) -> None:
    """Nothing that means something elsewhere (a slash, an at sign, a blank) comes out of other letters."""
    try:
        found = a_labels(name)
    except DomainError:
        assert not name.isascii()
        return
    assert found.isascii()
    if name.isascii():
        assert found == name
    else:
        assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.")
        assert a_labels(found) == found


@pytest.mark.parametrize(
    "host", ["☕.example", "mail.😀.test", "a／b.예시.test", "예시@메일.test", "메일 서버.test"]
)
def test_what_no_name_can_hold(host: str) -> None:
    """It is a slip in the settings, told with the sign, and nothing is dialled."""
    report = smtpdoctor.check(settings_for(587, "starttls", host=host))
    assert_failed(report, "config-invalid", Stage.CONFIG)


# -- This machine ---------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["none", "opportunistic"])
@pytest.mark.parametrize("answer", ["127.0.0.1", "127.0.0.53", "::1", "::ffff:127.0.0.1"])
def test_a_name_server_does_not_say_what_this_machine_is(security: str, answer: str) -> None:
    """A public name that leads to loopback is somebody else's word: no login in the clear."""
    with (
        serve(dialogue(), host="::1" if answer == "::1" else HOST) as server,
        dns_server({MAIL: answer}) as resolver,
    ):
        options = {"resolver": (resolver.host, resolver.port)}
        report = check(server.port, security, host=MAIL, options=options)
        server.join()
        assert not any(line.startswith("AUTH") for line in server.lines)
    assert report.verdict == "fail"
    if answer in {"127.0.0.1", "::1"}:
        assert_failed(report, "auth-cleartext", Stage.AUTH)


@each(
    "host", ["localhost", "LOCALHOST.", "mail.localhost", "127.0.0.1", "[127.0.0.1]", "127.1", "[::1]", MAIL]
)
def test_what_the_user_himself_says_is_this_machine(host: str) -> None:
    """Also a name for which he has an address on this machine dialled."""
    with serve(dialogue(), host="::1" if ":" in host else HOST) as server:
        dial = server.port if host.endswith("t") and host != "localhost" else None
        report = check(server.port, "none", host=host, dial=dial)
        server.join()
        assert any(line.startswith("AUTH") for line in server.lines), ids(report)
    assert report.verdict == "pass"
