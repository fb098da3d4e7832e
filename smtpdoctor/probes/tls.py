"""The TLS stage: implicit TLS (RFC 8314) or STARTTLS (RFC 3207), and what the certificate is worth."""

from __future__ import annotations

import time
from typing import Final

from msgspec.structs import replace

from smtpdoctor.facts import TlsFacts
from smtpdoctor.knowledge import load
from smtpdoctor.labels import Label
from smtpdoctor.masking.words import decode
from smtpdoctor.model import Evidence, Message, Security, Stage
from smtpdoctor.net.certificate import Examined, Fault, Flaw, describe, name_matches
from smtpdoctor.net.tls import (
    CipherRemark,
    ContextError,
    SessionFacts,
    bundle_may_know,
    cipher_remark,
    examine_session,
    offered_suites,
    session_facts,
    strict_context,
    trust_store,
)
from smtpdoctor.probes.broken import answered, broken, label_of
from smtpdoctor.probes.greeting import capabilities_shown, hello
from smtpdoctor.probes.session import Failed, Passed, Session, Skipped
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import DialogueError, Disconnected, TLSFailed, Unsolicited
from smtpdoctor.smtp.reply import MAX_LINE, Reply, ReplyParser, identify
from smtpdoctor.smtp.transcript import Transcript

__all__ = ["step"]

_READY: Final = 220
_LOOK_SECONDS: Final = 3.0
_SHOWN_NAMES: Final = 20
_USABLE_NAMES: Final = 3
# Names that are not public ones (RFC 6761, RFC 6762, ICANN's .internal; the rest is what systems and routers make up).
_PRIVATE: Final = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "invalid"}
)
_NO_TEXT: Final = frozenset({"tls-bytes", "binary"})
_NO_WORDS: Final = frozenset({"", "tls-bytes", "binary", "malformed"})

_LABELS: Final = {
    Flaw.EXPIRED: Label.EXPIRED,
    Flaw.CHAIN_EXPIRED: Label.CHAIN_EXPIRED,
    Flaw.ROOT_EXPIRED: Label.CHAIN_EXPIRED,
    Flaw.NOT_YET_VALID: Label.NOT_YET_VALID,
    Flaw.NAME_MISMATCH: Label.NAME_MISMATCH,
    Flaw.SELF_SIGNED: Label.SELF_SIGNED,
    Flaw.MISSING_INTERMEDIATE: Label.MISSING_INTERMEDIATE,
    Flaw.UNKNOWN_ISSUER: Label.UNKNOWN_ISSUER,
    Flaw.PURPOSE: Label.PURPOSE,
    Flaw.REVOKED: Label.REVOKED,
    Flaw.EXPIRING: Label.EXPIRING,
    Flaw.NO_SAN: Label.NO_SAN,
    Flaw.NO_KEY_ID: Label.STRICT_PROFILE,
    Flaw.CONSTRAINTS: Label.STRICT_PROFILE,
    Flaw.NO_CONSTRAINTS: Label.STRICT_PROFILE,
    Flaw.KEY_USAGE: Label.STRICT_PROFILE,
    Flaw.STALE_CHAIN: Label.STRICT_PROFILE,
    Flaw.PARTIAL_CHAIN: Label.STRICT_PROFILE,
}
# Of the strict profile: what is mended otherwise than by making CA and certificate anew.
_KINDS: Final = {
    Flaw.KEY_USAGE: Label.KEY_USAGE,
    Flaw.STALE_CHAIN: Label.STALE_CHAIN,
    Flaw.PARTIAL_CHAIN: Label.PARTIAL_CHAIN,
}
# What is missing or odd, in the field's own words.
_MISSING: Final = {
    Flaw.NO_KEY_ID: "authorityKeyIdentifier",
    Flaw.CONSTRAINTS: "basicConstraints critical",
    Flaw.NO_CONSTRAINTS: "basicConstraints",
    Flaw.KEY_USAGE: "keyUsage digitalSignature",
    Flaw.STALE_CHAIN: "an expired CA certificate is sent, too",
    Flaw.PARTIAL_CHAIN: "a root among the trusted CAs",
}
_ANONYMOUS: Final = (
    "ADH-",
    "AECDH-",
)  # OpenSSL's names of what works without a certificate, as a server does that has none
_DATES: Final = frozenset({Flaw.EXPIRED, Flaw.CHAIN_EXPIRED, Flaw.ROOT_EXPIRED, Flaw.NOT_YET_VALID})
_ISSUER: Final = frozenset({Flaw.SELF_SIGNED, Flaw.UNKNOWN_ISSUER})
_WEAK: Final = {
    "rsa-key-exchange": "RSA key exchange without forward secrecy",
    "finite-field-dh": "finite-field Diffie-Hellman only",
    "cbc": "CBC ciphers only",
}


def step(session: Session) -> Passed | Skipped:
    """Encrypt the connection as the settings demand."""
    security = session.target.security
    if security is Security.TLS:
        return _handshake(session)
    if security is Security.NONE:
        return Skipped(Message("tls.off"))
    if "STARTTLS" not in session.capabilities:
        return _not_offered(session, security)
    reply = answered(session, "STARTTLS")
    if reply.code != _READY:
        evidence = session.refused(reply, Label.STARTTLS)
        values = {"code": reply.code, "reply": evidence.text}
        raise Failed(Message("tls.starttls-refused", values), evidence)
    if extra := session.open_channel().drop_pending():
        raise _injected(session, extra)
    passed = _handshake(session)
    # RFC 3207 section 4.2: everything learned before the handshake is forgotten.
    session.capabilities = {}
    session.facts = passed.facts
    hello(session)
    facts = passed.facts
    if isinstance(facts, TlsFacts):
        facts = replace(facts, capabilities=capabilities_shown(session))
    return replace(passed, facts=facts)


def _not_offered(session: Session, security: Security) -> Passed | Skipped:
    labels = {Label.STARTTLS_NOT_OFFERED}
    told = {"mechanisms": " ".join(session.capabilities) or "-", "banner": session.banner}
    if session.rewritten:
        # Where the settings allow clear text, the application goes on all the same.
        labels.add(Label.REWRITTEN if security is Security.STARTTLS else Label.REWRITTEN_PASSED)
        told["first"] = session.rewritten
    elif _provider_offers_starttls(session):
        labels.add(Label.INTERCEPTED)
    if security is Security.STARTTLS or Label.INTERCEPTED in labels:
        raise Failed(Message("tls.not-offered"), session.evidence(*labels, **told))
    address = session.address
    if address is not None and address.is_loopback and not session.rewritten:
        return Skipped(Message("tls.not-offered-loopback"))
    evidence = session.evidence(*labels, Label.OPPORTUNISTIC, **told)
    return Passed(Message("tls.not-offered-opportunistic"), None, (evidence,))


def _provider_offers_starttls(session: Session) -> bool:
    """Whether the provider that this host belongs to offers STARTTLS on this port, so that another answers here."""
    target = session.target
    preset = load.preset_with_id(target.provider) if target.known_host else None
    endpoints = preset.endpoints_at(target.host.name) if preset else ()
    return any(one.port == target.port and one.security is Security.STARTTLS for one in endpoints)


def _injected(session: Session, extra: bytes) -> Failed:
    # What is no text is nobody's words; of what is, the first line is enough to tell what it is.
    words = extra.lstrip()[:MAX_LINE].split(b"\n")[0]
    kind = identify(extra)
    first = kind if kind in _NO_TEXT else decode(words).strip()
    evidence = replace(session.evidence(Label.INJECTED, first=first), text=first)
    return Failed(Message("tls.injected", {"first": first}), evidence)


# -- The handshake ------------------------------------------------------------


def _handshake(session: Session) -> Passed:
    session.awaiting = ""
    ca_file, host = session.options.ca_file, session.target.host.in_tls
    channel = session.open_channel()
    try:
        context = strict_context(ca_file, session.target.cipher)
        try:
            channel.start_tls(context, host)
        except TLSFailed as error:
            if not bundle_may_know(error.token, ca_file):
                raise
            # The hashed directory of CAs did not know the issuer; the bundle, which takes long to load, may.
            channel.close()
            session.channel = channel = _dialled(session, session.transcript)
            channel.start_tls(strict_context(ca_file, session.target.cipher, bundle=True), host)
    except ContextError as error:
        labels = (Label.BAD_CIPHER,) if error.what == "ciphers" else ()
        evidence = session.evidence(*labels, value=session.target.cipher or error.reason)
        raise Failed(Message("tls.broken", {"error": error.what}), evidence) from error
    except DialogueError as error:
        raise _broken(session, error) from error
    return _shaken(session, channel)


def _dialled(session: Session, transcript: Transcript) -> Channel:
    """Return another connection, up to the moment before the handshake; raises DialogueError."""
    address = session.address
    if address is None:
        raise Disconnected("eof")
    channel = Channel.connect(address.ip, address.port, transcript, session.deadline)
    if session.target.security is not Security.TLS:
        try:
            channel.read_reply()
            channel.ask(f"EHLO {session.ehlo}")
            if channel.ask("STARTTLS").code != _READY:
                raise Disconnected("eof")
            if extra := channel.drop_pending():
                raise Unsolicited((), extra)
        except DialogueError:
            channel.close()
            raise
    return channel


def _shaken(session: Session, channel: Channel) -> Passed:
    """Return what a handshake that went well is worth."""
    tls = channel.tls
    if tls is None:
        msg = "no TLS after a handshake"
        raise RuntimeError(msg)
    made = session_facts(tls)
    session.secured = made.protects
    if not made.protects:
        raise _unprotected(session, made)
    examined = examine_session(tls, session.target.host.in_tls, time.time())
    facts = replace(_facts(examined), version=made.version, cipher=made.cipher)
    facts = replace(facts, trust="ok", name="ok", dates="ok")
    session.transcript.record("note", f"TLS {made.version} {made.cipher}")
    stapled = _stapled(session, examined)
    if any(Label.REVOKED in one.labels for one in stapled):
        summary = Message("tls.certificate-revoked")
        raise Failed(summary, *stapled, facts=replace(facts, trust="bad"))
    refusing, remarks = _cipher_remark(session, made.cipher)
    facts = replace(facts, refused_by=tuple(dict.fromkeys((*facts.refused_by, *refusing))))
    evidence = [*stapled, *_remarks(session, examined, facts), *remarks]
    values: dict[str, object] = {"version": made.version, "cipher": made.cipher, "days": facts.days}
    if any(Label.EXPIRING in one.labels for one in evidence):
        facts = replace(facts, dates="expiring")
        return Passed(Message("tls.expiring", values), facts, tuple(evidence))
    return Passed(Message("tls.pass", values), facts, tuple(evidence))


def _unprotected(session: Session, made: SessionFacts) -> Failed:
    """Return the failure of a handshake behind which nobody in particular is, or which hides nothing."""
    label = Label.WEAK_CIPHER if made.certificate else Label.NO_CERTIFICATE
    evidence = session.evidence(label, cipher=made.cipher, version=made.version)
    facts = TlsFacts(version=made.version, cipher=made.cipher)
    return Failed(Message("tls.unprotected", {"cipher": made.cipher}), evidence, facts=facts)


def _facts(examined: Examined) -> TlsFacts:
    leaf = examined.leaf
    if leaf is None:
        return TlsFacts()
    return TlsFacts(
        subject=leaf.subject.short,
        names=tuple(leaf.names[:_SHOWN_NAMES]),
        issuer=str(leaf.issuer),
        starts=_day(leaf.not_before),
        expires=_day(leaf.not_after),
        days=examined.days_left,
        chain=len(examined.sent),
        refused_by=examined.refused_by,
    )


def _day(moment: int) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(moment))
    except (OverflowError, OSError, ValueError):
        return ""


def _told(facts: TlsFacts, session: Session) -> dict[str, str]:
    """Return the facts of a certificate as the texts name them."""
    told = {
        "subject": facts.subject,
        "names": ", ".join(facts.names),
        "usable": _usable(facts, session),
        "issuer": facts.issuer,
        "expires": facts.expires,
        "starts": facts.starts,
        "days": str(facts.days) if facts.days is not None else "",
        "expected": session.target.host.name,
        "banner": session.banner,
    }
    return {name: text for name, text in told.items() if text}


def _usable(facts: TlsFacts, session: Session) -> str:
    """Return the names of a certificate that may be written in place of the host.

    No wildcard, which is no host, none that means another machine on each machine or nothing outside
    of one network, and none at all where the host is a known provider's: whoever shows
    another name there is not the provider.
    """
    if session.target.known_host:
        return ""
    names = (name for name in facts.names if "*" not in name)
    if not session.target.host.loopback:
        known = session.target.host.name
        names = (name for name in names if _is_public(name) or _domain(name) == _domain(known))
    return ", ".join(list(names)[:_USABLE_NAMES])


def _is_public(name: str) -> bool:
    """Whether a name may mean the same machine everywhere: a host name with a domain that is no private one."""
    last = name.rstrip(".").rpartition(".")
    return bool(last[0]) and not last[2].isdigit() and ":" not in name and last[2].lower() not in _PRIVATE


def _domain(name: str) -> str:
    """Return what stands behind the first dot of a host name; anything else is a domain of its own."""
    bare = name.lower().rstrip(".")
    behind = bare.partition(".")[2]
    return behind if behind and not bare[-1].isdigit() else bare


def _remarks(session: Session, examined: Examined, facts: TlsFacts) -> list[Evidence]:
    """Return the evidence of what OpenSSL takes though others refuse it, one for each kind."""
    found: dict[Label, Evidence] = {}
    for remark in examined.remarks:
        label = _LABELS.get(remark.flaw)
        if label is None:
            continue
        missing = _MISSING.get(remark.flaw, "")
        known = found.get(label)
        told = dict(known.facts) if known else _told(facts, session)
        if missing:
            told["missing"] = ", ".join(part for part in (told.get("missing"), missing) if part)
        refused = dict.fromkeys(name for name in told.get("refused_by", "").split(", ") if name)
        told["refused_by"] = ", ".join(refused | dict.fromkeys(remark.refused_by))
        text = known.text if known else describe(examined, remark)
        labels = (known.labels if known else frozenset()) | {label, _KINDS.get(remark.flaw, label)}
        found[label] = replace(session.evidence(*labels, **told), text=text)
    return list(found.values())


def _cipher_remark(session: Session, cipher: str) -> tuple[tuple[str, ...], list[Evidence]]:
    """Return who refuses the cipher, where the server has no better one, and the evidence of it."""
    remark: CipherRemark | None = cipher_remark(cipher)
    if remark is None:
        return (), []
    from smtpdoctor.net.second_look import takes_forward_secrecy

    deadline = min(session.deadline, time.monotonic() + _LOOK_SECONDS)
    better = takes_forward_secrecy(
        lambda: _dialled(session, Transcript()), session.target.host.in_tls, deadline=deadline
    )
    if better is not False:
        return (), []
    told = {"weak": f"{_WEAK[remark.kind]} ({cipher})", "refused_by": ", ".join(remark.refused_by)}
    return remark.refused_by, [replace(session.evidence(Label.WEAK_CRYPTO, **told), text=cipher)]


def _stapled(session: Session, examined: Examined) -> list[Evidence]:
    """Look at the OCSP staple of a certificate that demands one; Python's ssl module does not show it."""
    demand = examined.first(Flaw.MUST_STAPLE)
    if demand is None:
        return []
    from smtpdoctor.net.second_look import fetch_staple

    deadline = min(session.deadline, time.monotonic() + _LOOK_SECONDS)
    _, staple = fetch_staple(
        lambda: _dialled(session, Transcript()), session.target.host.in_tls, deadline=deadline
    )
    if staple is None:
        told = {"missing": "OCSP staple", "refused_by": ", ".join(demand.refused_by)}
        text = describe(examined, demand)
        return [replace(session.evidence(Label.STRICT_PROFILE, Label.NO_STAPLE, **told), text=text)]
    return [session.evidence(Label.REVOKED)] if staple.status == "revoked" else []


# -- Why there is no TLS ------------------------------------------------------


def _broken(session: Session, error: DialogueError) -> Failed:
    """Tell why there is no TLS."""
    kind = identify(error.received) if error.received else ""
    labels: tuple[Label, ...] = ()
    if kind == "malformed" and (reply := _reply_in(error.received)) is not None:
        if session.target.security is Security.TLS and not reply.positive:
            return _turned_away(session, reply)
        injected = session.target.security is not Security.TLS
        labels = (Label.INJECTED if injected else Label.PLAIN_ANSWER,)
    elif kind not in _NO_WORDS:
        labels = (label_of(kind),)
    if isinstance(error, TLSFailed) and error.token.startswith("x509-"):
        return _refused_certificate(session, error)
    failure = broken(session, error, *labels)
    if labels or error.token == "timeout":  # noqa: S105 -- an error token
        return failure
    return _looked_at(session, error, failure)


def _reply_in(data: bytes) -> Reply | None:
    """Return the reply that bytes in the clear are, if they are one."""
    parser = ReplyParser()
    parser.feed(data if data.endswith(b"\n") else data + b"\n")
    try:
        return parser.next_reply()
    except DialogueError:
        return None


def _turned_away(session: Session, reply: Reply) -> Failed:
    """Return the failure of a port that refuses in the clear instead of shaking hands: that is no other mode."""
    from smtpdoctor.probes.look import greets_a_balancer

    evidence = replace(session.refused(reply), stage=Stage.GREETING)
    if greets_a_balancer(session):
        evidence = replace(evidence, labels=frozenset({Label.PROXY_EXPECTED}))
    values = {"code": reply.code, "reply": evidence.text}
    return Failed(Message("greeting.refused", values), evidence)


def _looked_at(session: Session, error: DialogueError, failure: Failed) -> Failed:
    """Look a second time, without credentials, and add what was seen."""
    from smtpdoctor.net.second_look import Cause, alert_of, second_look

    causes = {
        Cause.OLD_TLS: Label.OLD_PROTOCOL,
        Cause.WEAK_CIPHER: Label.WEAK_CIPHER,
        Cause.NO_COMMON_CIPHER: Label.NO_COMMON_CIPHER,
        Cause.CLOSED: Label.NO_ALERT,
        Cause.CLIENT_CERTIFICATE: Label.CLIENT_CERTIFICATE,
        Cause.SERVER_NAME: Label.NEEDS_SNI,
        Cause.INTERNAL_ERROR: Label.INTERNAL_ERROR,
    }
    context = strict_context(session.options.ca_file, session.target.cipher)
    seen = second_look(
        lambda: _dialled(session, Transcript()),
        session.target.host.in_tls,
        deadline=min(session.deadline, time.monotonic() + _LOOK_SECONDS),
        token=error.token,
        received=error.received,
        offered=offered_suites(context),
        own_choice=session.target.cipher is not None,
    )
    label = causes.get(seen.cause)
    if label is Label.NO_ALERT and session.target.security is Security.TLS and not error.received:
        label = None  # a port that hangs up on whoever comes has no quarrel with the handshake
    evidence = failure.evidence[0]
    told = {
        "alert": seen.alert or alert_of(error.token),
        "version": seen.version,
        "cipher": seen.cipher,
        "authorities": ", ".join(seen.authorities),
    }
    facts = {**evidence.facts, **{name: text for name, text in told.items() if text}}
    labels = evidence.labels | ({label} if label else set())
    if seen.cipher.startswith(_ANONYMOUS):
        labels |= {Label.NO_CERTIFICATE}
    if seen.staple is not None and seen.staple.status == "revoked":
        labels |= {Label.REVOKED}
    failure.evidence = (replace(evidence, labels=labels, facts=facts), *failure.evidence[1:])
    failure.facts = TlsFacts(version=seen.version, cipher=seen.cipher)
    return failure


def _refused_certificate(session: Session, error: TLSFailed) -> Failed:
    """Explain a certificate that OpenSSL refused: each judgement apart, what it refused first."""
    host = session.target.host.in_tls
    examined = Examined((), host, int(time.time()))
    if error.session is not None:
        examined = examine_session(error.session, host, time.time(), error.token)
    flaws = {fault.flaw for fault in examined.faults}
    first = examined.faults[0] if examined.faults else None
    judged = _judgement(first.flaw if first else Flaw.OTHER)
    facts = replace(
        _facts(examined),
        trust="bad" if judged == "trust" else "ok",
        name="bad" if Flaw.NAME_MISMATCH in flaws else "ok",
        dates="bad" if flaws & _DATES else "ok",
    )
    told = _told(facts, session)
    evidence = _of_fault(session, examined, first, told, error)
    if any(_is_foreign(session, examined, fault) for fault in examined.faults):
        evidence = replace(evidence, labels=evidence.labels | {Label.INTERCEPTED})
    others = [
        _of_fault(session, examined, fault, told, None)
        for fault in examined.faults[1:]
        if _LABELS.get(fault.flaw) and _judgement(fault.flaw) != judged
    ]
    values = {
        "names": told.get("names", "-"),
        "issuer": told.get("issuer", "-"),
        **{name: evidence.facts.get(name, "-") for name in ("subject", "expires")},
    }
    return Failed(Message(f"tls.certificate-{judged}", values), evidence, *others, facts=facts)


def _judgement(flaw: Flaw) -> str:
    return "dates" if flaw in _DATES else "name" if flaw is Flaw.NAME_MISMATCH else "trust"


def _of_fault(
    session: Session, examined: Examined, fault: Fault | None, told: dict[str, str], error: TLSFailed | None
) -> Evidence:
    labels = set()
    facts = dict(told)
    if fault is not None:
        if label := _LABELS.get(fault.flaw):
            labels.add(label)
        facts["subject"] = fault.certificate.subject.short
        facts["expires"] = _day(fault.certificate.not_after)
        if fault.flaw in _ISSUER and session.options.ca_file is None and trust_store().empty:
            labels.add(Label.NO_CA_STORE)
    evidence = session.evidence(*labels, **facts)
    text = describe(examined, fault)
    return replace(evidence, text=text, error=error.token if error else None)


def _is_foreign(session: Session, examined: Examined, fault: Fault) -> bool:
    """Whether somebody else answers in the place of a known provider.

    Its own certificate bears its own names, and public CAs, whose certificates are logged, issued it.
    """
    target, leaf = session.target, examined.leaf
    if not target.known_host or leaf is None:
        return False
    names = load.names()
    own = [host for host, provider in names.hosts.items() if provider == target.provider]
    theirs = any(
        names.of_host(name) == target.provider
        or any(name_matches(name, host) for host in own)  # `*.example.com` is theirs if one of their hosts is
        for name in leaf.names
    )
    if fault.flaw is Flaw.NAME_MISMATCH:
        return not theirs
    own_ca = session.options.ca_file is not None
    return fault.flaw in _ISSUER and not own_ca and not leaf.public and not trust_store().empty
