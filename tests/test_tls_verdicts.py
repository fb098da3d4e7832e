"""What `check` says of certificates and handshakes: the same on every Python."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpdoctor import Report, Settings, check
from smtpdoctor.labels import Label
from smtpdoctor.model import Message, Stage, Status
from tests import servers
from tests.checking import PASSWORD, USER, facts_of, ids
from tests.checking import check as check_with
from tests.each import each
from tests.examples import examples
from tests.servers import HOST, Peer, Script, dialogue, serve
from tests.test_names import certificate_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.certs import Certificate, Certificates

# kind of certificate → the id of the cause, and how it is told
VERDICTS: dict[str, tuple[str, str]] = {
    "good": ("", "pass"),
    "with_intermediate": ("", "pass"),
    "cross_ordered": ("", "pass"),
    "rsa": ("", "pass"),
    "expired": ("tls-cert-expired", "fail"),
    "not_yet_valid": ("tls-cert-expired", "fail"),
    "chain_expired": ("tls-chain-expired", "fail"),
    "root_expired": ("tls-chain-expired", "fail"),
    "wrong_name": ("tls-cert-name", "fail"),
    "self_signed": ("tls-cert-untrusted", "fail"),
    "missing_intermediate": ("tls-cert-untrusted", "fail"),
    "wrong_intermediate": ("tls-cert-untrusted", "fail"),
    "alone": ("tls-cert-untrusted", "fail"),
    "client_only": ("tls-cert-purpose", "fail"),
    "intermediate_client_only": ("tls-cert-purpose", "fail"),
    "weak_key": ("tls-weak-crypto", "fail"),
    "sha1": ("tls-weak-crypto", "fail"),
    "forged": ("tls-chain-invalid", "fail"),
    "name_constraints": ("tls-chain-invalid", "fail"),
    "unknown_critical": ("tls-chain-invalid", "fail"),
    "path_too_long": ("tls-chain-invalid", "fail"),
    "issued_by_leaf": ("tls-chain-invalid", "fail"),
    "no_cert_sign": ("tls-chain-invalid", "fail"),
    "must_staple": ("tls-cert-profile", "warn"),
    "stale_twin": ("tls-cert-profile", "warn"),
    "usage_without_signature": ("tls-cert-profile", "warn"),
    "expiring": ("tls-cert-expiring", "warn"),
    "cn_only": ("tls-cert-no-san", "warn"),
    "no_key_id": ("tls-cert-profile", "warn"),
    "root_not_critical": ("tls-cert-profile", "warn"),
    "intermediate_not_critical": ("tls-cert-profile", "warn"),
    "root_without_constraints": ("tls-cert-profile", "warn"),
}


def certificate_of(certificates: Certificates, kind: str) -> Certificate:
    found: Certificate | None = getattr(certificates, kind, None)
    return found or certificates[kind]


def run(script: Script, **more: Any) -> Report:
    options = {name: more.pop(name) for name in ("timeout", "ca_file", "until") if name in more}
    with serve(script) as server:
        given = {"security": "tls", "username": USER, "password": PASSWORD, "sender": USER, **more}
        return check(Settings.of(host="localhost", port=server.port, **given), **options)


@pytest.mark.parametrize("kind", VERDICTS)
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate(certificates: Certificates, kind: str, security: str) -> None:
    """Its cause is named by what is wrong, and its evidence is words about the certificate at fault."""
    certificate = certificate_of(certificates, kind)
    script = dialogue(
        implicit_cert=certificate if security == "tls" else None,
        starttls_cert=certificate if security == "starttls" else None,
    )
    report = run(script, security=security, ca_file=str(certificate.ca_pem))
    finding, verdict = VERDICTS[kind]
    assert (report.verdict, ids(report)[:1]) == (verdict, [finding] if finding else [])
    if finding:
        evidence = report.findings[0].evidence
        assert report.findings[0].stage is Stage.TLS
        assert "issued by" in evidence.text
        assert "\\x" not in evidence.text


def test_which_certificate_of_the_chain_expired(certificates: Certificates) -> None:
    """Renewing the server's own certificate does not help against an expired intermediate."""
    certificate = certificates["chain_expired"]
    report = run(dialogue(implicit_cert=certificate), ca_file=str(certificate.ca_pem))
    evidence = report.findings[0].evidence
    assert "2nd of 2 certificates" in evidence.text
    assert evidence.facts["subject"] == "Intermediate"
    assert facts_of(report, Stage.TLS)["dates"] == "bad"


def test_whose_words_refuse(certificates: Certificates) -> None:
    """The runtimes that refuse what OpenSSL takes are named."""
    certificate = certificates["cn_only"]
    report = run(dialogue(implicit_cert=certificate), ca_file=str(certificate.ca_pem))
    assert "Go" in report.findings[0].evidence.facts["refused_by"]


@pytest.mark.parametrize(("days", "left", "told"), [(6, 5, False), (6, 0.5, True), (45, 20, False), (90, 40, False), (365, 20, True)])  # fmt: skip
def test_expiry_is_told_by_the_share_that_is_left(
    certificates: Certificates, days: float, left: float, *, told: bool
) -> None:
    """A fresh certificate of six days is no reason to worry; a yearly one with three weeks left is."""
    certificate = certificates.lasting(days, left)
    report = run(dialogue(implicit_cert=certificate), ca_file=str(certificate.ca_pem))
    assert ids(report) == (["tls-cert-expiring"] if told else [])


# -- A provider's place ---------------------------------------------------------------------------


def at_gmail(script: Script, security: str, certificates: Certificates | None, **more: Any) -> Report:
    options: dict[str, Any] = {"ca_file": str(certificates.ca_pem)} if certificates else {}
    with serve(script) as server:
        port = 465 if security == "tls" else 587
        return check_with(
            port,
            security,
            dial=server.port,
            host="smtp.gmail.com",
            preset="gmail",
            username="alice@gmail.com",
            sender="alice@gmail.com",
            options=options,
            **more,
        )


def test_another_party_s_certificate_at_a_provider_s_host(certificates: Certificates) -> None:
    """Somebody stands in between; nobody is told to write that party's name into the host."""
    report = at_gmail(dialogue(implicit_cert=certificates.wrong_name), "tls", certificates)
    assert ids(report)[0] == "tls-intercepted"
    assert Label.INTERCEPTED in report.findings[0].evidence.labels


def test_an_unknown_issuer_at_a_provider_s_host(certificates: Certificates) -> None:
    """The right name from a CA that nobody knows is an antivirus or a proxy that reads along."""
    report = at_gmail(dialogue(implicit_cert=certificates["provider"]), "tls", None)
    assert ids(report)[0] in {"tls-intercepted", "tls-cert-untrusted"}
    if Label.NO_CA_STORE not in report.findings[0].evidence.labels:
        assert ids(report)[0] == "tls-intercepted"


def test_no_starttls_at_a_provider_s_host() -> None:
    """Gmail offers STARTTLS on 587: who does not is another, whatever it greets as."""
    script = dialogue(greeting="220-cpanel.example.net ESMTP Exim 4.98\n220 and/or bulk e-mail.")
    report = at_gmail(script, "starttls", None)
    assert ids(report)[0] == "tls-intercepted"


# -- Handshakes -----------------------------------------------------------------------------------


def with_tls(certificate: Certificate, **how: Any) -> Script:
    return servers.sequence(servers.tls_on_connect(certificate, **how), dialogue())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_only(certificates: Certificates) -> None:
    """The version that the server has is told."""
    script = with_tls(certificates.good, minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1_1)
    report = run(script, ca_file=str(certificates.ca_pem))
    assert ids(report)[0] == "tls-version"
    assert report.findings[0].evidence.facts["version"] == "TLSv1.1"
    assert facts_of(report, Stage.TLS)["version"] == "TLSv1.1"


def _wants_certificate(certificate: Certificate, version: ssl.TLSVersion) -> Script:
    def run(peer: Peer) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = version
        context.load_cert_chain(certificate.cert_pem, certificate.key_pem)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate.ca_pem)
        peer.start_tls_with(context)
        dialogue()(peer)

    return run


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_a_client_certificate(
    certificates: Certificates, version: ssl.TLSVersion
) -> None:
    """In TLS 1.3 the alert comes after the handshake, at the first read."""
    report = run(_wants_certificate(certificates.good, version), ca_file=str(certificates.ca_pem))
    assert ids(report)[0] == "tls-client-cert"


def test_a_server_that_wants_a_client_certificate_and_says_so_later(certificates: Certificates) -> None:
    """Postfix lets the handshake pass and refuses in SMTP."""
    reply = "421 4.7.1 mail.example.test Error: No client certificate presented"
    script = dialogue(
        {"EHLO": ["250-mail.example.test\n250 STARTTLS", reply]}, starttls_cert=certificates.good
    )
    report = run(script, security="starttls", ca_file=str(certificates.ca_pem))
    assert ids(report)[0] == "tls-client-cert"


def _hangs_up(peer: Peer) -> None:
    peer.receive()
    peer.close()


def test_a_handshake_that_ends_without_an_alert() -> None:
    """After a yes to STARTTLS the connection ends: that is told, and not made into a version."""
    script = dialogue(
        {"STARTTLS": servers.sequence(servers.say("220 2.0.0 Ready"), _hangs_up)}, capabilities=["STARTTLS"]
    )
    report = run(script, security="starttls")
    assert ids(report)[0] == "tls-handshake"
    assert Label.NO_ALERT in report.findings[0].evidence.labels


# What a user may write into the setting of ciphers, in OpenSSL's words.
WORDS = (
    "aNULL",
    "eNULL",
    "ALL",
    "COMPLEMENTOFALL",
    "ADH",
    "AECDH",
    "NULL-SHA256",
    "PSK",
    "HIGH",
    "+aNULL",
    "@STRENGTH",
)
UNPROTECTED = ("aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0", "aNULL:eNULL:@SECLEVEL=0")


@settings(
    max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
    level=st.sampled_from(["", ":@SECLEVEL=0", "@SECLEVEL=0", ":@SECLEVEL=1"]),
    offered=st.sampled_from(UNPROTECTED),
    security=st.sampled_from(["tls", "starttls", "opportunistic"]),
)
def test_no_login_to_nobody(
    certificates: Certificates, words: list[str], level: str, offered: str, security: str
) -> None:
    """Whatever the setting: where there is no certificate, or no encryption, no run is healthy and no login sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(offered)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if "eNULL" in offered:
        context.load_cert_chain(certificates["rsa"].cert_pem, certificates["rsa"].key_pem)
    handshake = servers.tls_with(context)
    if security == "tls":
        script = servers.sequence(handshake, dialogue())
    else:
        go = servers.sequence(servers.say("220 2.0.0 Go"), handshake)
        script = dialogue({"STARTTLS": go}, capabilities=["STARTTLS"], tls_capabilities=["AUTH PLAIN"])
    with serve(script) as server:
        report = check_with(
            server.port,
            security,
            cipher=":".join(words) + level,
            options={"ca_file": str(certificates.ca_pem)},
        )
        server.join()
    assert report.verdict == "fail"
    assert report.findings[0].id in {"tls-cipher", "config-invalid", "tls-handshake"}
    assert not any(line.startswith("AUTH") for line in server.lines)


def test_a_setting_that_lets_everything_in(certificates: Certificates) -> None:
    """Among the rest there is something that protects, and only that is offered."""
    report = run(
        dialogue(implicit_cert=certificates.good),
        cipher="ALL:aNULL:eNULL:@SECLEVEL=0",
        ca_file=str(certificates.ca_pem),
    )
    assert report.verdict == "pass"


@pytest.mark.parametrize("cipher", ["aNULL", "eNULL:@SECLEVEL=0", "ADH:AECDH", "PSK"])
def test_a_setting_that_leaves_nothing_that_protects(cipher: str) -> None:
    """It is told as such, before anything is dialled, and is no slip in the words."""
    report = run(servers.silent, cipher=cipher)
    assert ids(report) == ["config-invalid"]
    assert report.findings[0].evidence.labels == {Label.NULL_CIPHER}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_nothing_of_a_tls_record_is_shown(certificates: Certificates) -> None:
    """The bytes of a record are nobody's words, in no language."""
    for script in (
        with_tls(certificates.self_signed),
        with_tls(certificates.good, minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1_1),
        servers.raw(b"\x15\x03\x01\x00\x02\x02\x28"),
    ):
        report = run(script, ca_file=str(certificates.ca_pem))
        assert report.verdict == "fail"
        for finding in report.findings:
            assert "\\x" not in finding.evidence.text
            assert "\\x" not in " ".join(finding.evidence.facts.values())


def test_another_host_s_name_is_offered(certificates: Certificates) -> None:
    """A host that is nobody's known server may well be written wrong in the settings."""
    report = run(dialogue(implicit_cert=certificates.wrong_name), ca_file=str(certificates.ca_pem))
    assert ids(report) == ["tls-cert-name"]
    assert report.findings[0].evidence.setting == "host"
    assert HOST not in report.findings[0].evidence.facts["names"]


@pytest.mark.parametrize("host", ["smtp.acme.org", "mail"])
def test_a_name_that_means_every_machine_is_none_to_write(certificates: Certificates, host: str) -> None:
    """`localhost` and addresses stand in many certificates, and mean another machine wherever one is."""
    with serve(dialogue(implicit_cert=certificates.good)) as server:
        report = check_with(
            465, "tls", dial=server.port, host=host, options={"ca_file": str(certificates.good.ca_pem)}
        )
    assert ids(report)[0] == "tls-cert-name"
    assert report.findings[0].evidence.facts["usable"] == "mail.example.test"


@pytest.mark.parametrize(
    ("kind", "label", "missing"),
    [
        ("must_staple", Label.NO_STAPLE, "OCSP staple"),
        ("usage_without_signature", Label.KEY_USAGE, "keyUsage digitalSignature"),
        ("stale_twin", Label.STALE_CHAIN, "an expired CA certificate is sent, too"),
    ],
)
def test_what_stricter_programs_miss_is_told_apart(
    certificates: Certificates, kind: str, label: Label, missing: str
) -> None:
    """A staple, a usage and a chain file are mended in different places."""
    certificate = certificates[kind]
    report = run(dialogue(implicit_cert=certificate), ca_file=str(certificate.ca_pem))
    evidence = report.findings[0].evidence
    assert evidence.labels == {Label.STRICT_PROFILE, label}
    assert evidence.facts["missing"] == missing
    assert "GnuTLS" in evidence.facts["refused_by"].split(", ")
    assert "issued by" in evidence.text


def _tls_1_2(certificate: Certificate, ciphers: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate.cert_pem, certificate.key_pem)
    return context


def test_a_server_that_has_no_certificate(certificates: Certificates) -> None:
    """It can take nothing but ciphers without authentication, whatever the client's settings."""
    context = _tls_1_2(certificates.good, "AECDH-AES256-SHA")
    report = run(servers.tls_with(context), ca_file=str(certificates.ca_pem))
    assert ids(report)[0] == "tls-cipher"
    assert Label.NO_CERTIFICATE in report.findings[0].evidence.labels


RSA_ALONE = "RSA key exchange without forward secrecy"


@pytest.mark.parametrize(
    ("cipher", "weak"),
    [
        ("AES128-SHA", RSA_ALONE),
        ("AES128-GCM-SHA256", RSA_ALONE),
        ("AES256-SHA256", RSA_ALONE),
        ("ECDHE-RSA-AES128-SHA", "CBC ciphers only"),
    ],
)
def test_who_refuses_a_cipher_stands_among_the_facts(
    certificates: Certificates, cipher: str, weak: str
) -> None:
    """Not only who refuses the certificate."""
    certificate = certificates["rsa"]
    context = _tls_1_2(certificate, cipher)
    report = run(servers.sequence(servers.tls_with(context), dialogue()), ca_file=str(certificate.ca_pem))
    assert "tls-weak-crypto" in ids(report)
    refused = facts_of(report, Stage.TLS)["refused_by"]
    assert any("Python" in one for one in refused), refused
    (evidence,) = (one.evidence for one in report.findings if one.id == "tls-weak-crypto")
    assert (evidence.text, evidence.facts["weak"]) == (cipher, f"{weak} ({cipher})")
    assert evidence.facts["refused_by"] in ", ".join(refused)


# -- What is told of a certificate ----------------------------------------------------------------

MANY = [f"n{number}.example.test" for number in range(25)]


@pytest.mark.parametrize(
    ("host", "names", "usable"),
    [
        ("smtp.acme.org", ["mail.example.test"], "mail.example.test"),
        ("smtp.acme.org", ["*.example.test", "a.example.test"], "a.example.test"),
        (
            "smtp.acme.org",
            ["localhost", "mail", "mail.LOCAL", "a.lan", "x.internal", "1.2.3.4", "10.0.0.1.5", "b.test"],
            "b.test",
        ),
        ("smtp.corp.lan", ["mail.corp.lan", "other.lan", "b.mail.corp.lan"], "mail.corp.lan"),
        ("SMTP.corp.LAN.", ["mail.corp.lan"], "mail.corp.lan"),
        ("10.1.2.3", ["10.1.2.4", "mail.acme.lan"], ""),
        ("mail", ["mail2", "mail3.lan"], ""),
        ("smtp.acme.org", MANY, ", ".join(MANY[:3])),
        ("localhost", ["mail", "host.local", "*.local", "c"], "mail, host.local, c"),
        ("localhost", ["*.example.test"], ""),
        ("smtp.acme.org", ["mail.local.", "ok.example.test."], "ok.example.test."),
        ("smtp.corp.lan", ["mail.corp.lan."], "mail.corp.lan."),
        ("smtp.acme.org", ["smtp.gmail.com"], "smtp.gmail.com"),
    ],
)
def test_which_names_may_be_written_instead(
    certificates: Certificates, host: str, names: list[str], usable: str
) -> None:
    """Names that mean the same machine everywhere, or that stand beside the one that was written; three at most."""
    certificate = certificate_for(certificates, *names)
    with serve(dialogue(implicit_cert=certificate)) as server:
        report = check_with(
            465, "tls", dial=server.port, host=host, options={"ca_file": str(certificate.ca_pem)}
        )
    (evidence,) = (one.evidence for one in report.findings if one.id == "tls-cert-name")
    assert evidence.facts.get("usable", "") == usable
    assert evidence.facts["names"] == ", ".join(names[:20])
    assert evidence.facts["expected"] == host.rstrip(".")
    assert Label.INTERCEPTED not in evidence.labels


@each(
    ("kind", "trust", "name", "dates"),
    [
        ("good", "ok", "ok", "ok"),
        ("expired", "ok", "ok", "bad"),
        ("not_yet_valid", "ok", "ok", "bad"),
        ("chain_expired", "ok", "ok", "bad"),
        ("root_expired", "ok", "ok", "bad"),
        ("wrong_name", "ok", "bad", "ok"),
        ("self_signed", "bad", "ok", "ok"),
        ("alone", "bad", "ok", "ok"),
        ("client_only", "bad", "ok", "ok"),
        ("expiring", "ok", "ok", "expiring"),
    ],
)
def test_each_judgement_of_a_certificate_stands_for_itself(
    certificates: Certificates, kind: str, trust: str, name: str, dates: str
) -> None:
    """Trust, name and dates; and the facts that they are about."""
    certificate = certificate_of(certificates, kind)
    report = run(dialogue(implicit_cert=certificate), ca_file=str(certificate.ca_pem))
    leaf = x509.load_der_x509_certificate(certificate.chain[0])
    facts = facts_of(report, Stage.TLS)
    assert (facts["trust"], facts["name"], facts["dates"]) == (trust, name, dates)
    assert facts["chain"] == len(certificate.chain)
    assert facts["starts"] == f"{leaf.not_valid_before_utc:%Y-%m-%d}"
    assert facts["expires"] == f"{leaf.not_valid_after_utc:%Y-%m-%d}"
    told = next(one for one in report.stages if one.stage is Stage.TLS).summary
    failed = "bad" in (trust, name, dates)
    worst = "trust" if trust == "bad" else "name" if name == "bad" else "dates"
    passed = "tls.expiring" if dates == "expiring" else "tls.pass"
    assert told.key == (f"tls.certificate-{worst}" if failed else passed)
    if failed:
        assert told.values["names"] == ", ".join(facts["names"])
        assert told.values["issuer"] == facts["issuer"]
        assert "-" not in (told.values["subject"], told.values["issuer"])
        assert report.findings[0].evidence.facts["days"] == str(facts["days"])
        assert (report.findings[0].evidence.error or "").startswith("x509-")
    else:
        assert facts["version"] == "TLSv1.3"
        assert told.values == {"version": "TLSv1.3", "cipher": facts["cipher"], "days": facts["days"]}


def test_what_several_programs_refuse_is_one_finding(certificates: Certificates) -> None:
    """Its facts name each thing that is missing, and each program once."""
    certificate = certificates["root_not_critical"]
    report = run(dialogue(implicit_cert=certificate), ca_file=str(certificate.ca_pem))
    (finding,) = report.findings
    refused = finding.evidence.facts["refused_by"].split(", ")
    assert len(set(refused)) == len(refused)
    assert "basicConstraints critical" in finding.evidence.facts["missing"]
    assert facts_of(report, Stage.TLS)["refused_by"] == refused


# -- No TLS, or something before it ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("security", "offers", "status", "key"),
    [
        ("none", ["STARTTLS"], Status.SKIP, "tls.off"),
        ("opportunistic", [], Status.SKIP, "tls.not-offered-loopback"),
        ("starttls", [], Status.FAIL, "tls.not-offered"),
    ],
)
def test_a_stage_without_tls(security: str, offers: list[str], status: Status, key: str) -> None:
    """Where it is off, where there is none, and where it was demanded."""
    with serve(dialogue(capabilities=["AUTH PLAIN", *offers])) as server:
        report = check_with(server.port, security)
    stage = next(one for one in report.stages if one.stage is Stage.TLS)
    assert (stage.status, stage.summary.key) == (status, key)
    if status is Status.FAIL:
        facts = report.findings[0].evidence.facts
        assert facts["mechanisms"] == "AUTH"
        assert "mail.example.test" in facts["banner"]


@pytest.mark.parametrize(
    ("extra", "first"),
    [
        (b"250 injected\r\n", "250 injected"),
        (b"\r\n  QUIT \r\nmore", "QUIT"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "tls-bytes"),
        (b"\x00\x01\x02", "binary"),
    ],
)
def test_what_stands_behind_the_yes_to_starttls(extra: bytes, first: str) -> None:
    """Its first line where it is text; what is none is called by its name."""
    script = dialogue({"STARTTLS": servers.raw(b"220 go\r\n" + extra)}, capabilities=["STARTTLS"])
    report = run(script, security="starttls")
    assert ids(report)[0] == "starttls-injection"
    evidence = report.findings[0].evidence
    assert (evidence.text, evidence.facts["first"]) == (first, first)
    told = next(one.summary for one in report.stages if one.stage is Stage.TLS)
    assert told == Message("tls.injected", {"first": first})


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("said", "tls", "starttls"),
    [
        (b"220 mx.example.test ESMTP\r\n", "config-tls-mode", "starttls-injection"),
        (b"220 mx.example.test ESMTP", "config-tls-mode", "starttls-injection"),
        (b"554 5.7.1 you are blocked\r\n", "", "starttls-injection"),
    ],
)
def test_words_in_the_place_of_a_handshake(security: str, said: bytes, tls: str, starttls: str) -> None:
    """A greeting in the clear is another mode, a refusal is a refusal, and after STARTTLS either was put there."""

    def speaks(peer: Peer) -> None:
        peer.receive()
        servers.raw(said)(peer)

    go = servers.sequence(servers.say("220 2.0.0 Go"), speaks)
    script = speaks if security == "tls" else dialogue({"STARTTLS": go}, capabilities=["STARTTLS"])
    report = run(script, security=security)
    found = tls if security == "tls" else starttls
    if found:
        assert ids(report)[0] == found
        return
    assert report.findings[0].evidence.code == 554
    assert report.findings[0].stage is Stage.GREETING
    told = next(one for one in report.stages if one.status is Status.FAIL).summary
    assert (told.key, told.values["code"]) == ("greeting.refused", 554)


def test_what_is_offered_inside_tls_stands_among_its_facts(certificates: Certificates) -> None:
    """What was said before is forgotten."""
    script = dialogue(starttls_cert=certificates.good, tls_capabilities=["AUTH PLAIN", "SIZE 1000"])
    report = run(script, security="starttls", ca_file=str(certificates.ca_pem))
    assert facts_of(report, Stage.TLS)["capabilities"] == ["AUTH PLAIN", "SIZE 1000"]


def test_a_machine_without_cas_is_told(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody is unknown where nobody is known: the store is what is missing."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    report = run(dialogue(implicit_cert=certificates.self_signed))
    assert Label.NO_CA_STORE in report.findings[0].evidence.labels
    report = run(
        dialogue(implicit_cert=certificates.self_signed), ca_file=str(certificates["root_expired"].ca_pem)
    )
    assert Label.NO_CA_STORE not in report.findings[0].evidence.labels


@pytest.mark.parametrize("kind", ["alone", "expired", "self_signed"])
def test_a_refused_certificate_is_looked_at_once(certificates: Certificates, kind: str) -> None:
    """With a CA of the user's own there is no other bundle that may know more: no second connection."""
    certificate = certificate_of(certificates, kind)
    with serve(dialogue(implicit_cert=certificate)) as server:
        report = check_with(server.port, "tls", options={"ca_file": str(certificates.ca_pem)})
        server.join()
        assert len(server.connections) == 1
    assert report.verdict == "fail"
