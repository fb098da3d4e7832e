"""The TLS stage: implicit TLS (RFC 8314) or STARTTLS (RFC 3207), and what the certificate is worth."""

from __future__ import annotations

import ssl
import time
from typing import Any, Final

from msgspec.structs import replace

from smtpdoctor.facts import TlsFacts
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Message, Security, Stage
from smtpdoctor.probes.broken import answered, broken, label_of
from smtpdoctor.probes.greeting import capabilities_shown, hello
from smtpdoctor.probes.session import Failed, Passed, Session, Skipped
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import DialogueError, TLSFailed
from smtpdoctor.smtp.reply import ReplyParser, identify
from smtpdoctor.smtp.transcript import Transcript

__all__ = ["step"]

_READY: Final = 220
_SOON: Final = 14  # days: a certificate that ends sooner is a warning
_DAY: Final = 86_400
_UNTRUSTED: Final = frozenset({"x509-2", "x509-18", "x509-19", "x509-20", "x509-21"})
_NAME: Final = frozenset({"x509-62", "x509-64"})
_DATES: Final = frozenset({"x509-9", "x509-10"})


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
    if session.rewritten:
        labels.add(Label.REWRITTEN)
    if security is Security.STARTTLS:
        raise Failed(Message("tls.not-offered"), _capabilities(session, *labels))
    address = session.address
    if address is not None and address.is_loopback:
        return Skipped(Message("tls.not-offered-loopback"))
    evidence = _capabilities(session, *labels, Label.OPPORTUNISTIC)
    return Passed(Message("tls.not-offered-opportunistic"), None, (evidence,))


def _capabilities(session: Session, *labels: Label) -> Evidence:
    told = {"mechanisms": " ".join(session.capabilities) or "-", "banner": session.banner}
    if session.rewritten:
        told["first"] = session.rewritten
    return session.evidence(*labels, **told)


def _injected(session: Session, extra: bytes) -> Failed:
    first = session.redact(extra[:120].decode("latin-1").strip())
    evidence = replace(session.evidence(Label.INJECTED, first=first), text=first)
    return Failed(Message("tls.injected", {"first": first}), evidence)


def context_for(session: Session) -> ssl.SSLContext:
    """Return the strict context: TLS 1.2 or later (RFC 8997), the certificate and its name verified."""
    context = ssl.create_default_context(cafile=session.options.ca_file)
    if session.target.cipher is not None:
        context.set_ciphers(session.target.cipher)
    return context


def _handshake(session: Session) -> Passed:
    channel = session.open_channel()
    session.awaiting = ""
    try:
        channel.start_tls(context_for(session), session.target.host.name)
    except DialogueError as error:
        raise _broken(session, error) from error
    tls = channel.tls
    certificate: dict[str, Any] = dict(tls.getpeercert() or {}) if tls else {}
    described = _described(certificate, session)
    facts = TlsFacts(
        version=(tls.version() if tls else None) or "",
        cipher=(tls.cipher() or ("?",))[0] if tls else "",
        trust="ok",
        name="ok",
        dates="ok",
        **described,
    )
    session.transcript.record("note", f"TLS {facts.version} {facts.cipher}")
    days = facts.days if facts.days is not None else _SOON
    values = {"version": facts.version, "cipher": facts.cipher, "days": days}
    if days >= _SOON:
        return Passed(Message("tls.pass", values), facts)
    evidence = session.evidence(Label.EXPIRING, days=str(days), expires=facts.expires)
    return Passed(Message("tls.expiring", values), replace(facts, dates="expiring"), (evidence,))


def _described(certificate: dict[str, Any], session: Session) -> dict[str, Any]:
    """Return the facts of a verified certificate, as the ssl module decodes it."""
    if not certificate:
        return {}

    def name(field: str) -> str:
        pairs = [pair for part in certificate.get(field, ()) for pair in part]
        wanted = ("commonName", "organizationName")
        return session.redact(", ".join(value for key, value in pairs if key in wanted))

    ends = ssl.cert_time_to_seconds(certificate["notAfter"])
    return {
        "subject": name("subject"),
        "names": tuple(session.redact(value) for _, value in certificate.get("subjectAltName", ())),
        "issuer": name("issuer"),
        "expires": time.strftime("%Y-%m-%d", time.gmtime(ends)),
        "days": int((ends - time.time()) // _DAY),
    }


def _broken(session: Session, error: DialogueError) -> Failed:
    """Tell why there is no TLS; a refused certificate is fetched once more, to be explained."""
    kind = identify(error.received) if error.received else ""
    labels: tuple[Label, ...] = ()
    if kind == "malformed" and _is_reply(error.received):
        injected = session.target.security is not Security.TLS
        labels = (Label.INJECTED if injected else Label.PLAIN_ANSWER,)
    elif kind not in {"", "tls-bytes", "binary", "malformed"}:
        labels = (label_of(kind),)
    failure = broken(session, error, *labels)
    if not isinstance(error, TLSFailed):
        return failure
    if error.token.startswith("x509-"):
        return _refused_certificate(session, error, failure.evidence[0])
    evidence = failure.evidence[0]
    if not evidence.labels:
        seen = _what_it_speaks(session)
        if seen is not None:
            failure.facts, label = seen
            told = {"version": failure.facts.version, "cipher": failure.facts.cipher}
            evidence = replace(evidence, labels=frozenset({label}), facts={**evidence.facts, **told})
    if "first" in evidence.facts and kind in {"tls-bytes", "binary"}:
        # The bytes of a TLS record are nobody's words.
        facts = {name: text for name, text in evidence.facts.items() if name != "first"}
        evidence = replace(evidence, text="", facts=facts)
    failure.evidence = (evidence,)
    return failure


def _is_reply(data: bytes) -> bool:
    parser = ReplyParser()
    parser.feed(data if data.endswith(b"\n") else data + b"\n")
    try:
        parser.next_reply()
    except DialogueError:
        return False
    return True


def _again(session: Session) -> Channel | None:
    """Open a second connection with TLS that takes anything: to look, never to log in."""
    from smtpdoctor.probes.look import relaxed_context

    address = session.address
    if address is None:
        return None
    channel = None
    try:
        channel = Channel.connect(address.ip, address.port, Transcript(), session.deadline)
        if session.target.security is not Security.TLS:
            channel.read_reply()
            channel.ask(f"EHLO {session.ehlo}")
            channel.ask("STARTTLS")
            channel.drop_pending()
        channel.start_tls(relaxed_context(), session.target.host.name)
    except DialogueError:
        if channel is not None:
            channel.close()
        return None
    return channel


def _what_it_speaks(session: Session) -> tuple[TlsFacts, Label] | None:
    """Find out whether the server speaks an old protocol or weak ciphers only."""
    channel = _again(session)
    if channel is None or channel.tls is None:
        return None
    facts = TlsFacts(version=channel.tls.version() or "", cipher=(channel.tls.cipher() or ("?",))[0])
    channel.close()
    if facts.version in {"SSLv3", "TLSv1", "TLSv1.1"}:
        return facts, Label.OLD_PROTOCOL
    return facts, Label.NO_COMMON_CIPHER if session.target.cipher is not None else Label.WEAK_CIPHER


def _refused_certificate(session: Session, error: TLSFailed, evidence: Evidence) -> Failed:
    """Explain a certificate that OpenSSL refused: each verdict apart, what it refused first."""
    first = "dates" if error.token in _DATES else "name" if error.token in _NAME else "trust"
    facts = replace(TlsFacts(trust="ok", name="ok", dates="ok"), **{first: "bad"})
    channel = _again(session)
    others: list[Evidence] = []
    if channel is not None and channel.tls is not None:
        from smtpdoctor.probes import certificate

        seen = certificate.examine(channel.tls, session.target.host.name)
        version = channel.tls.version() or ""
        channel.close()
        if seen is not None:
            described = {name: _redacted(session, value) for name, value in seen.facts.items()}
            bad_dates = seen.labels & {Label.EXPIRED, Label.NOT_YET_VALID}
            judged = {
                "trust": "bad" if error.token in _UNTRUSTED else "ok",
                "name": "bad" if Label.NAME_MISMATCH in seen.labels else "ok",
                "dates": "bad" if bad_dates else "ok",
                first: "bad",
            }
            facts = TlsFacts(version=version, **described, **judged)  # type: ignore[arg-type]
            told = {
                name: ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
                for name, value in described.items()
            }
            told["expected"] = session.redact(session.target.host.name)
            # A key that is too short, say, has nothing to do with who issued the certificate.
            explained = first != "trust" or error.token in _UNTRUSTED
            evidence = replace(
                evidence,
                labels=evidence.labels | (_labels_for(first, seen.labels) if explained else set()),
                facts={**evidence.facts, **told},
            )
            for verdict in ("trust", "name", "dates"):
                labels = _labels_for(verdict, seen.labels)
                if verdict not in (first, "trust") and labels:
                    others.append(Evidence(stage=Stage.TLS, labels=frozenset(labels), facts=told))
    summary = Message(f"tls.certificate-{first}", {"detail": error.detail})
    return Failed(summary, evidence, *others, facts=facts)


def _redacted(session: Session, value: object) -> object:
    if isinstance(value, (list, tuple)):
        return tuple(session.redact(str(one)) for one in value)
    return session.redact(value) if isinstance(value, str) else value


def _labels_for(verdict: str, labels: frozenset[Label]) -> set[Label]:
    groups = {
        "trust": {Label.SELF_SIGNED, Label.MISSING_INTERMEDIATE, Label.UNKNOWN_ISSUER},
        "name": {Label.NAME_MISMATCH},
        "dates": {Label.EXPIRED, Label.NOT_YET_VALID},
    }
    return set(labels & groups[verdict])
