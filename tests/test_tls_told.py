"""What the TLS stage makes of a certificate that was read: which findings, with which facts, in whose name.

The values are made here, as ``net.certificate`` would hand them over; the way over a wire is
``test_tls_verdicts``.
"""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from smtpdoctor.facts import TlsFacts
from smtpdoctor.labels import Label
from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.model import Message, Stage
from smtpdoctor.net.certificate import Certificate, Examined, Fault, Flaw, Name, describe
from smtpdoctor.net.tls import SessionFacts
from smtpdoctor.probes import tls
from smtpdoctor.probes.session import Address, Failed, Options, Passed, Session, Skipped
from smtpdoctor.settings.target import target_of
from smtpdoctor.smtp.errors import TLSFailed
from smtpdoctor.smtp.transcript import Transcript
from tests.checking import settings_for
from tests.each import each
from tests.test_certificate import shake

if TYPE_CHECKING:
    from tests.certs import Certificates

NOW = int(dt.datetime(2026, 3, 4, 5, tzinfo=dt.UTC).timestamp())
DAY = 86_400
PROVIDER: dict[str, Any] = {
    "host": "smtp.gmail.com",
    "preset": "gmail",
    "username": "alice@gmail.com",
    "sender": "alice@gmail.com",
}
OWN: dict[str, Any] = {"host": "mail.example.test"}
FAMILY: dict[str, Any] = {"host": "one.sakura.ne.jp", "preset": "sakura"}
WORDS = st.text("abc .-", max_size=8)
NAMES = st.sampled_from(["mail.example.test", "*.example.test", "a.test", "10.0.0.1", "mail"])


def session(security: str = "tls", *, port: int = 465, ca_file: str | None = None, **values: Any) -> Session:
    """Return a session in the stage, before anything was sent."""
    target = target_of(settings_for(port, security, **(values or OWN)))
    assert target is not None
    options = Options(ca_file=ca_file)
    found = Session(target, options, Transcript(Redactor([])), 0.0, stage=Stage.TLS)
    found.banner = "mx.example.test ESMTP"
    return found


def named(text: str) -> Name:
    """Return a distinguished name with one common name, DER."""
    value = text.encode()
    part = b"\x06\x03\x55\x04\x03\x0c" + bytes([len(value)]) + value
    pair = b"\x30" + bytes([len(part)]) + part
    group = b"\x31" + bytes([len(pair)]) + pair
    return Name(b"\x30" + bytes([len(group)]) + group)


def certificate(*names: str, subject: str = "server", days: int = 30, public: bool = False) -> Certificate:
    """Return a certificate of sixty days that ends in some."""
    return Certificate(
        encoded=b"",
        version=3,
        serial=1,
        subject=named(subject),
        issuer=named("Some CA"),
        not_before=NOW + (days - 60) * DAY,
        not_after=NOW + days * DAY,
        dns_names=names,
        public=public,
    )


def date(moment: int) -> str:
    return f"{dt.datetime.fromtimestamp(moment, dt.UTC):%Y-%m-%d}"


# -- Facts ------------------------------------------------------------------------------------------------


@given(st.lists(NAMES, max_size=30), st.integers(-400, 400), st.integers(1, 4), st.lists(WORDS, max_size=3))
@example(["a.test"] * 20, 1, 1, [])
@example([f"n{number}.test" for number in range(22)], 1, 1, ["Go", "Go"])
def test_the_facts_of_a_certificate(names: list[str], days: int, chain: int, refused: list[str]) -> None:
    """Its subject, issuer and days, the first twenty of its names, and how many certificates came."""
    leaf = certificate(*names, days=days)
    others = tuple(certificate(subject=f"ca {number}") for number in range(chain - 1))
    remark = Fault(Flaw.NO_SAN, leaf, 1, tuple(refused))
    facts = tls._facts(Examined((leaf, *others), "mail.example.test", NOW, (), (remark,)))
    assert (facts.subject, facts.issuer, facts.names) == ("server", "CN=Some CA", tuple(names[:20]))
    assert (facts.starts, facts.expires) == (date(leaf.not_before), date(leaf.not_after))
    assert (facts.days, facts.chain) == (days, chain)
    assert facts.refused_by == tuple(dict.fromkeys(refused))
    assert (facts.trust, facts.name, facts.dates, facts.version) == (None, None, None, "")


def test_no_certificate_has_no_facts() -> None:
    """As where a handshake ended before one came."""
    assert tls._facts(Examined((), "mail.example.test", NOW)) == TlsFacts()


@given(st.integers(-(10**6), 10**6) | st.integers())
def test_a_moment_is_a_day_or_nothing(moment: int) -> None:
    """Certificates may name any moment; what no calendar has is not told."""
    shown = tls._day(moment)
    assert shown == "" or shown[-6::3] == "--"
    if abs(moment) <= 10**6:
        assert shown == date(moment)


@given(WORDS, st.lists(NAMES, max_size=4), WORDS, st.none() | st.integers(-3, 3), WORDS)
def test_what_is_told_of_a_certificate(
    subject: str, names: list[str], issuer: str, days: int | None, banner: str
) -> None:
    """Every text of a finding finds its value by its name, and what there is none of is left out."""
    here = session()
    here.banner = banner
    facts = TlsFacts(
        subject=subject,
        names=tuple(names),
        issuer=issuer,
        starts="2026-01-02",
        expires="2027-01-02",
        days=days,
    )
    told = tls._told(facts, here)
    wanted = {
        "subject": subject,
        "names": ", ".join(names),
        "issuer": issuer,
        "starts": "2026-01-02",
        "expires": "2027-01-02",
        "days": "" if days is None else str(days),
        "banner": banner,
        "expected": "mail.example.test",
    }
    assert {name: text for name, text in told.items() if name != "usable"} == {
        name: text for name, text in wanted.items() if text
    }
    assert all(told.values())


# -- What OpenSSL takes, and others do not -----------------------------------------------------------------

REMARKS = st.lists(
    st.tuples(
        st.sampled_from(list(Flaw)), st.lists(st.sampled_from(["Go", "Java", "rustls", "GnuTLS"]), max_size=3)
    ),
    max_size=6,
)


@given(REMARKS, st.booleans())
def test_remarks_of_one_kind_are_one_finding(remarks: list[tuple[Flaw, list[str]]], provider: bool) -> None:
    """It names each program that refuses and each thing that is missing, once; it is worded by the first."""
    here = session(**(PROVIDER if provider else OWN))
    faults = [
        Fault(flaw, certificate("mail.example.test", subject=f"c{number}"), 1, tuple(refused))
        for number, (flaw, refused) in enumerate(remarks)
    ]
    leaf = certificate("mail.example.test")
    examined = Examined((leaf,), "mail.example.test", NOW, (), tuple(faults))
    facts = tls._facts(examined)
    found = tls._remarks(here, examined, facts)
    groups: dict[Label, list[Fault]] = {}
    for fault in faults:
        if fault.flaw in tls._LABELS:
            groups.setdefault(tls._LABELS[fault.flaw], []).append(fault)
    assert [one.labels & set(groups) for one in found] == [{label} for label in groups]
    for evidence, (label, group) in zip(found, groups.items(), strict=True):
        kinds = {tls._KINDS[one.flaw] for one in group if one.flaw in tls._KINDS}
        assert evidence.labels == {label, *kinds}
        assert evidence.text == describe(examined, group[0])
        assert evidence.stage is Stage.TLS
        told = dict(evidence.facts)
        refused = list(dict.fromkeys(name for one in group for name in one.refused_by))
        assert told.pop("refused_by") == ", ".join(refused)
        missing = [tls._MISSING[one.flaw] for one in group if one.flaw in tls._MISSING]
        assert told.pop("missing", "") == ", ".join(missing)
        assert told == tls._told(facts, here)


@pytest.mark.parametrize(
    ("flaw", "missing"),
    [
        (Flaw.NO_KEY_ID, "authorityKeyIdentifier"),
        (Flaw.CONSTRAINTS, "basicConstraints critical"),
        (Flaw.NO_CONSTRAINTS, "basicConstraints"),
        (Flaw.KEY_USAGE, "keyUsage digitalSignature"),
        (Flaw.STALE_CHAIN, "an expired CA certificate is sent, too"),
        (Flaw.PARTIAL_CHAIN, "a root among the trusted CAs"),
        (Flaw.NO_SAN, ""),
    ],
)
def test_what_is_missing_is_told_in_the_field_s_own_words(flaw: Flaw, missing: str) -> None:
    """Those of RFC 5280, for whoever makes the certificate."""
    leaf = certificate()
    examined = Examined((leaf,), "mail.example.test", NOW, (), (Fault(flaw, leaf, 1, ("Go",)),))
    (evidence,) = tls._remarks(session(), examined, tls._facts(examined))
    assert evidence.facts.get("missing", "") == missing


# -- Somebody else in a provider's place -------------------------------------------------------------------

OTHERS = ("mail.other.test",)
GMAIL = ("*.gmail.com", "other.example.test")
FOREIGN = [
    # of the host, of the certificate, public, with a CA of the user's own: whether it is somebody else
    (PROVIDER, Flaw.NAME_MISMATCH, OTHERS, False, False, True),
    (PROVIDER, Flaw.NAME_MISMATCH, OTHERS, True, True, True),
    (PROVIDER, Flaw.NAME_MISMATCH, GMAIL, False, False, False),
    (PROVIDER, Flaw.NAME_MISMATCH, ("smtp.gmail.com",), True, False, False),
    (PROVIDER, Flaw.NAME_MISMATCH, (), False, False, True),
    (PROVIDER, Flaw.NAME_MISMATCH, ("*.com", "*.test", "*"), False, False, True),
    (FAMILY, Flaw.NAME_MISMATCH, ("*.sakura.ne.jp",), False, False, False),
    (FAMILY, Flaw.NAME_MISMATCH, ("a.sakura.ne.jp",), False, False, False),
    (FAMILY, Flaw.NAME_MISMATCH, ("sakura.ne.jp", "*.sakura.example"), False, False, True),
    (PROVIDER, Flaw.UNKNOWN_ISSUER, GMAIL, False, False, True),
    (PROVIDER, Flaw.SELF_SIGNED, OTHERS, False, False, True),
    (PROVIDER, Flaw.UNKNOWN_ISSUER, GMAIL, True, False, False),
    (PROVIDER, Flaw.SELF_SIGNED, GMAIL, False, True, False),
    (PROVIDER, Flaw.EXPIRED, GMAIL, False, False, False),
    (PROVIDER, Flaw.PURPOSE, OTHERS, False, False, False),
    (OWN, Flaw.NAME_MISMATCH, OTHERS, False, False, False),
    (OWN, Flaw.UNKNOWN_ISSUER, OTHERS, False, False, False),
]


@pytest.mark.parametrize("store", [True, False])
def test_who_stands_in_the_place_of_a_provider(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, store: bool
) -> None:
    """Another's name, or an issuer that nobody knows where those that are known are at hand."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_pem) if store else "/nonexistent")
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")
    for host, flaw, names, public, own, foreign in FOREIGN:
        here = session(**host, ca_file="ca.pem" if own else None)
        leaf = certificate(*names, public=public)
        examined = Examined((leaf,), here.target.host.name, NOW, (Fault(flaw, leaf, 1),))
        wanted = foreign and (store or flaw is Flaw.NAME_MISMATCH)
        assert tls._is_foreign(here, examined, examined.faults[0]) == wanted, (host, flaw, names, public, own)
        assert not tls._is_foreign(here, Examined((), "x", NOW), examined.faults[0])
        evidence = tls._of_fault(here, examined, examined.faults[0], {}, None)
        empty = not store and not own and flaw in {Flaw.UNKNOWN_ISSUER, Flaw.SELF_SIGNED}
        assert (Label.NO_CA_STORE in evidence.labels) == empty


def test_a_refusal_without_a_certificate_is_told_all_the_same() -> None:
    """OpenSSL's own code stands for what could not be read."""
    failure = tls._refused_certificate(session(), TLSFailed("x509-1"))
    (evidence,) = failure.evidence
    assert (evidence.error, evidence.text, evidence.labels) == ("x509-1", "", frozenset())
    assert failure.summary.key == "tls.certificate-trust"
    assert failure.summary.values == dict.fromkeys(("names", "issuer", "subject", "expires"), "-")
    facts = failure.facts
    assert isinstance(facts, TlsFacts)
    assert (facts.trust, facts.name, facts.dates, facts.subject) == ("bad", "ok", "ok", "")


KINDS = {
    "dates": {Flaw.EXPIRED, Flaw.CHAIN_EXPIRED, Flaw.ROOT_EXPIRED, Flaw.NOT_YET_VALID},
    "name": {Flaw.NAME_MISMATCH},
}


@given(st.lists(st.sampled_from(list(tls._LABELS)), unique=True, min_size=1, max_size=5))
def test_what_openssl_refuses_is_told_apart(flaws: list[Flaw]) -> None:
    """What it stopped at comes first; each other judgement is a finding too, about the certificate at fault."""

    def judged(flaw: Flaw) -> str:
        return next((kind for kind, group in KINDS.items() if flaw in group), "trust")

    here = session(**OWN)
    chain = [certificate("a.test", subject=f"c{number}", days=number) for number in range(len(flaws))]
    faults = tuple(Fault(flaw, one, at) for at, (flaw, one) in enumerate(zip(flaws, chain, strict=True), 1))
    examined = Examined(tuple(chain), "mail.example.test", NOW, faults)
    told = tls._told(tls._facts(examined), here)
    first = tls._of_fault(here, examined, faults[0], told, TLSFailed("x509-1"))
    others = [tls._of_fault(here, examined, one, told, None) for one in faults]
    assert first.error == "x509-1"
    assert first == replace(others[0], error="x509-1")
    for evidence, fault in zip(others, faults, strict=True):
        assert tls._judgement(fault.flaw) == judged(fault.flaw)
        assert evidence.labels - {Label.NO_CA_STORE} == {tls._LABELS[fault.flaw]}
        own = {"subject": fault.certificate.subject.short, "expires": date(fault.certificate.not_after)}
        assert evidence.facts == told | own
        assert evidence.text == describe(examined, fault)
        assert evidence.error is None


@each(
    ("kind", "labels"),
    [
        ("expired", {Label.EXPIRED}),
        ("not_yet_valid", {Label.NOT_YET_VALID}),
        ("chain_expired", {Label.CHAIN_EXPIRED}),
        ("self_signed", {Label.SELF_SIGNED}),
        ("good", set()),
    ],
)
@each("host", ["localhost", "mail.other.test"])
def test_a_wrong_name_is_told_beside_what_openssl_stopped_at(
    certificates: Certificates, kind: str, labels: set[Label], host: str
) -> None:
    """OpenSSL stops at the first fault, and who mends that alone comes back with the next."""
    made = getattr(certificates, kind, None) or certificates[kind]
    shaken = shake(made, host)
    wanted = [labels] if labels else []
    if host != "localhost":  # compared before the dates, and after trust
        wanted.insert(int(kind == "self_signed"), {Label.NAME_MISMATCH})
    assert bool(wanted) == bool(shaken.token)
    if not wanted:
        return
    here = session(host=host, ca_file=str(made.ca_pem))
    failure = tls._refused_certificate(here, TLSFailed(shaken.token, b"", "", shaken.tls))
    assert [one.labels for one in failure.evidence] == wanted
    assert [one.error for one in failure.evidence] == [shaken.token, *[None] * (len(wanted) - 1)]
    assert all("issued by" in one.text for one in failure.evidence)
    facts = failure.facts
    assert isinstance(facts, TlsFacts)
    judged = "trust" if kind == "self_signed" else "name" if host != "localhost" else "dates"
    assert failure.summary.key == f"tls.certificate-{judged}"
    shown = ("bad" if kind == "self_signed" else "ok", "ok" if host == "localhost" else "bad")
    assert (facts.trust, facts.name) == shown
    assert facts.dates == ("bad" if labels and kind != "self_signed" else "ok")
    subject = failure.evidence[0].facts["subject"]
    assert failure.summary.values["subject"] == subject


# -- No STARTTLS ---------------------------------------------------------------------------------------------

LOOPBACK, ELSEWHERE, TOLD = (
    Address("127.0.0.1", 25),
    Address("192.0.2.1", 25),
    Address("127.0.0.1", 25, own=False),
)


@pytest.mark.parametrize("security", ["starttls", "opportunistic"])
def test_no_starttls(security: str) -> None:
    """What it means for the settings: an end, a warning, or nothing on this machine itself."""
    for provider, rewritten, address in product(
        (True, False), ("", "XXXXXXXA"), (None, LOOPBACK, ELSEWHERE, TOLD)
    ):
        here = session(security, port=587, **(PROVIDER if provider else OWN))
        here.address, here.rewritten = address, rewritten
        here.capabilities = {"SIZE": "1000", "AUTH": "PLAIN"} if address else {}
        try:
            found: Failed | Passed | Skipped = tls.step(here)
        except Failed as failure:
            found = failure
        foreign = provider and not rewritten
        if security == "starttls" or foreign:
            assert isinstance(found, Failed)
            assert found.summary.key == "tls.not-offered"
        elif address is LOOPBACK and not rewritten:
            assert found == Skipped(Message("tls.not-offered-loopback"))
            continue
        else:
            assert isinstance(found, Passed)
            assert (found.summary.key, found.facts) == ("tls.not-offered-opportunistic", None)
        (evidence,) = found.evidence
        wanted = {Label.STARTTLS_NOT_OFFERED}
        wanted |= {Label.INTERCEPTED} if foreign else set()
        wanted |= {Label.OPPORTUNISTIC} if isinstance(found, Passed) else set()
        if rewritten:
            wanted.add(Label.REWRITTEN if security == "starttls" else Label.REWRITTEN_PASSED)
        assert evidence.labels == wanted
        told = {"mechanisms": "SIZE AUTH" if address else "-", "banner": here.banner}
        assert evidence.facts == (told | {"first": rewritten} if rewritten else told)


@each(
    ("port", "provider", "offers"),
    [(587, True, True), (465, True, False), (2525, True, False), (587, False, False)],
)
def test_where_a_provider_offers_starttls(port: int, provider: bool, offers: bool) -> None:
    """On the ports of its preset, and nowhere that is not its own."""
    here = session("starttls", port=port, **(PROVIDER if provider else OWN))
    assert tls._provider_offers_starttls(here) is offers


# -- Encryption ------------------------------------------------------------------------------------------------


@given(WORDS, WORDS, st.booleans())
def test_a_session_that_protects_nothing(version: str, cipher: str, shown: bool) -> None:
    """Nobody at the other end, or a cipher that hides nothing: told apart, with both facts."""
    failure = tls._unprotected(session(), SessionFacts(version, cipher, 0, shown))
    (evidence,) = failure.evidence
    assert evidence.labels == {Label.WEAK_CIPHER if shown else Label.NO_CERTIFICATE}
    assert evidence.facts == {"cipher": cipher, "version": version}
    assert failure.facts == TlsFacts(version=version, cipher=cipher)
    assert failure.summary == Message("tls.unprotected", {"cipher": cipher})


@pytest.mark.parametrize(
    ("more", "what", "labels"),
    [
        ({"cipher": "NOSUCH"}, "ciphers", {Label.BAD_CIPHER}),
        ({"ca_file": "/nonexistent/ca.pem"}, "ca-file", set()),
    ],
)
def test_settings_of_which_no_context_is_made(more: dict[str, Any], what: str, labels: set[Label]) -> None:
    """The setting is at fault, and is quoted; nothing is sent."""
    here = session(**OWN, **more)
    here.channel = cast("Any", object())
    with pytest.raises(Failed) as caught:
        tls._handshake(here)
    assert caught.value.summary == Message("tls.broken", {"error": what})
    (evidence,) = caught.value.evidence
    assert evidence.labels == labels
    assert evidence.facts["value"] == more["cipher"] if "cipher" in more else evidence.facts["value"]


def test_bytes_that_are_a_reply() -> None:
    """Whole or without the end of its line; what is none of SMTP is none."""
    for said in (b"554 5.7.1 go away\r\n", b"554 5.7.1 go away", b"554-5.7.1 go\r\n554 away\r\n"):
        reply = tls._reply_in(said)
        assert reply is not None
        assert (reply.code, reply.positive) == (554, False)
    for said in (b"", b"hello there\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b"554-5.7.1 go\r\n"):
        assert tls._reply_in(said) is None
