"""The TLS stage: implicit TLS (RFC 8314) or STARTTLS (RFC 3207), and what the certificate is worth."""

from __future__ import annotations

import ssl
import time
from typing import Any, Final

from msgspec.structs import replace

from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Message, Security, Stage, StageResult, Status
from smtpdoctor.probes.greeting import hello, hello_failed
from smtpdoctor.probes.session import Session, failed, known, passed, skipped
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import DialogueError, TLSFailed
from smtpdoctor.smtp.reply import ReplyParser, identify
from smtpdoctor.smtp.transcript import Transcript

__all__ = ["probe"]

_READY: Final = 220
_SOON: Final = 14  # days: a certificate that ends sooner is a warning
_DAY: Final = 86_400
_UNTRUSTED: Final = frozenset({"x509-2", "x509-18", "x509-19", "x509-20", "x509-21"})
_NAME: Final = frozenset({"x509-62", "x509-64"})
_DATES: Final = frozenset({"x509-9", "x509-10"})


def probe(session: Session) -> StageResult:
    """Encrypt the connection as the settings demand."""
    security = known(session.loaded.settings.security)
    if security is Security.TLS:
        return _handshake(session)
    if security is Security.NONE:
        return skipped(Stage.TLS, "tls.off")
    if "STARTTLS" not in session.capabilities:
        return _not_offered(session, security)
    channel = session.open_channel()
    try:
        reply = channel.ask("STARTTLS")
    except DialogueError as error:
        evidence = session.broken(Stage.TLS, error)
        return failed(Stage.TLS, "tls.broken", evidence, error=error.token)
    if reply.code != _READY:
        evidence = session.refused(Stage.TLS, reply, Label.STARTTLS)
        return failed(Stage.TLS, "tls.starttls-refused", evidence, code=reply.code, reply=evidence.text)
    if extra := channel.drop_pending():
        return _injected(session, extra)
    result = _handshake(session)
    if result.status is Status.FAIL:
        return result
    # RFC 3207 section 4.2: everything learned before the handshake is forgotten.
    session.capabilities = {}
    if refusal := hello(session, Stage.TLS):
        return hello_failed(session, Stage.TLS, *refusal, dict(result.facts))
    facts = {**result.facts, "capabilities": [f"{k} {v}".strip() for k, v in session.capabilities.items()]}
    return replace(result, facts=facts)


def _not_offered(session: Session, security: Security) -> StageResult:
    facts = {"mechanisms": " ".join(session.capabilities) or "-"}
    evidence = Evidence(stage=Stage.TLS, labels=frozenset({Label.STARTTLS_NOT_OFFERED}), facts=facts)
    if security is Security.STARTTLS:
        return failed(Stage.TLS, "tls.not-offered", evidence)
    address = session.address
    if address is not None and address.is_loopback:
        return skipped(Stage.TLS, "tls.not-offered-loopback")
    evidence = replace(evidence, labels=frozenset({Label.STARTTLS_NOT_OFFERED, Label.OPPORTUNISTIC}))
    summary = Message("tls.not-offered-opportunistic", {})
    return StageResult(stage=Stage.TLS, status=Status.WARN, summary=summary, evidence=(evidence,))


def _injected(session: Session, extra: bytes) -> StageResult:
    first = session.redact(extra[:120].decode("latin-1").strip())
    evidence = Evidence(
        stage=Stage.TLS, labels=frozenset({Label.INJECTED}), text=first, facts={"first": first}
    )
    return failed(Stage.TLS, "tls.injected", evidence, first=first)


def context_for(session: Session) -> ssl.SSLContext:
    """Return the strict context: TLS 1.2 or later (RFC 8997), the certificate and its name verified."""
    context = ssl.create_default_context(cafile=session.options.ca_file)
    cipher = session.loaded.settings.cipher
    if cipher is not None:
        context.set_ciphers(cipher.value)
    return context


def _handshake(session: Session) -> StageResult:
    channel = session.open_channel()
    try:
        channel.start_tls(context_for(session), session.host)
    except DialogueError as error:
        return _broken(session, error)
    tls = channel.tls
    certificate: dict[str, Any] = dict(tls.getpeercert() or {}) if tls else {}
    facts: dict[str, Any] = {
        "version": tls.version() if tls else None,
        "cipher": (tls.cipher() or ("?",))[0] if tls else None,
        "trust": "ok",
        "name": "ok",
        "dates": "ok",
        **_described(certificate, session),
    }
    session.transcript.record("note", f"TLS {facts['version']} {facts['cipher']}")
    days = facts.get("days", _SOON)
    values = {"version": facts["version"], "cipher": facts["cipher"], "days": days}
    if days >= _SOON:
        return passed(Stage.TLS, "tls.pass", facts, **values)
    told = {"days": str(days), "expires": str(facts["expires"])}
    evidence = Evidence(stage=Stage.TLS, labels=frozenset({Label.EXPIRING}), facts=told)
    return StageResult(
        stage=Stage.TLS,
        status=Status.WARN,
        summary=Message("tls.expiring", values),
        facts={**facts, "dates": "expiring"},
        evidence=(evidence,),
    )


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
        "names": [session.redact(value) for _, value in certificate.get("subjectAltName", ())],
        "issuer": name("issuer"),
        "expires": time.strftime("%Y-%m-%d", time.gmtime(ends)),
        "days": int((ends - time.time()) // _DAY),
    }


def _broken(session: Session, error: DialogueError, *labels: str) -> StageResult:
    """Tell why there is no TLS; a refused certificate is fetched once more, to be explained."""
    kind = identify(error.received) if error.received else ""
    if kind == "malformed" and _is_reply(error.received):
        injected = known(session.loaded.settings.security) is not Security.TLS
        labels = (*labels, Label.INJECTED if injected else Label.PLAIN_ANSWER)
    elif kind in {"http", "ssh", "imap", "pop3", "ftp"}:
        labels = (*labels, kind)
    evidence = session.broken(Stage.TLS, error, *labels)
    if not isinstance(error, TLSFailed):
        return failed(Stage.TLS, "tls.broken", evidence, error=error.token)
    if error.token.startswith("x509-"):
        return _refused_certificate(session, error, evidence)
    facts: dict[str, Any] = {}
    if not evidence.labels:
        facts, seen = _what_it_speaks(session)
        evidence = replace(
            evidence, labels=evidence.labels | seen, facts={**evidence.facts, **_as_text(facts)}
        )
    return failed(Stage.TLS, "tls.broken", evidence, facts=facts, error=error.token)


def _is_reply(data: bytes) -> bool:
    parser = ReplyParser()
    parser.feed(data if data.endswith(b"\n") else data + b"\n")
    try:
        parser.next_reply()
    except DialogueError:
        return False
    return True


def _as_text(facts: dict[str, Any]) -> dict[str, str]:
    return {
        name: ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        for name, value in facts.items()
    }


def _again(session: Session) -> Channel | None:
    """Open a second connection with TLS that takes anything: to look, never to log in."""
    from smtpdoctor.probes.look import relaxed_context

    address = session.address
    if address is None:
        return None
    channel = None
    try:
        channel = Channel.connect(address.ip, address.port, Transcript(), session.deadline)
        if known(session.loaded.settings.security) is not Security.TLS:
            channel.read_reply()
            channel.ask(f"EHLO {session.ehlo}")
            channel.ask("STARTTLS")
            channel.drop_pending()
        channel.start_tls(relaxed_context(), session.host)
    except DialogueError:
        if channel is not None:
            channel.close()
        return None
    return channel


def _what_it_speaks(session: Session) -> tuple[dict[str, Any], set[str]]:
    """Find out whether the server speaks an old protocol or weak ciphers only."""
    channel = _again(session)
    if channel is None or channel.tls is None:
        return {}, set()
    facts = {"version": channel.tls.version(), "cipher": (channel.tls.cipher() or ("?",))[0]}
    channel.close()
    if facts["version"] in {"SSLv3", "TLSv1", "TLSv1.1"}:
        return facts, {Label.OLD_PROTOCOL}
    own_choice = session.loaded.settings.cipher is not None
    return facts, {Label.NO_COMMON_CIPHER if own_choice else Label.WEAK_CIPHER}


def _refused_certificate(session: Session, error: TLSFailed, evidence: Evidence) -> StageResult:
    """Explain a certificate that OpenSSL refused: each verdict apart, what it refused first."""
    verdicts = {"trust": "ok", "name": "ok", "dates": "ok"}
    first = "dates" if error.token in _DATES else "name" if error.token in _NAME else "trust"
    facts: dict[str, Any] = dict(verdicts, **{first: "bad"})
    channel = _again(session)
    others: list[Evidence] = []
    if channel is not None and channel.tls is not None:
        from smtpdoctor.probes import certificate

        seen = certificate.examine(channel.tls, session.host)
        channel.close()
        if seen is not None:
            described = {name: _redacted(session, value) for name, value in seen.facts.items()}
            facts = {
                **described,
                "version": channel.tls.version(),
                "trust": "bad" if error.token in _UNTRUSTED else "ok",
                "name": "bad" if Label.NAME_MISMATCH in seen.labels else "ok",
                "dates": "bad" if seen.labels & {Label.EXPIRED, Label.NOT_YET_VALID} else "ok",
                first: "bad",
            }
            told = _as_text({**described, "expected": session.redact(session.host)})
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
    return failed(Stage.TLS, f"tls.certificate-{first}", evidence, *others, facts=facts, detail=error.detail)


def _redacted(session: Session, value: object) -> object:
    if isinstance(value, list):
        return [session.redact(str(one)) for one in value]
    return session.redact(value) if isinstance(value, str) else value


def _labels_for(verdict: str, labels: frozenset[str]) -> set[str]:
    groups = {
        "trust": {Label.SELF_SIGNED, Label.MISSING_INTERMEDIATE, Label.UNKNOWN_ISSUER},
        "name": {Label.NAME_MISMATCH},
        "dates": {Label.EXPIRED, Label.NOT_YET_VALID},
    }
    return set(labels & groups[verdict])
