"""The connect stage: TCP, every address in turn until one takes the connection."""

from __future__ import annotations

import time
from typing import Any

from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Stage, StageResult
from smtpdoctor.probes.session import Session, failed, passed
from smtpdoctor.settings.lint import is_loopback
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.errors import ConnectFailed

__all__ = ["probe"]


def probe(session: Session) -> StageResult:
    """Dial; each address gets an equal share of the time that is left."""
    results: list[dict[str, Any]] = []
    for number, address in enumerate(session.addresses):
        now = time.monotonic()
        share = max(session.deadline - now, 0) / (len(session.addresses) - number)
        try:
            channel = Channel.connect(address.ip, address.port, session.transcript, now + share)
        except ConnectFailed as error:
            seconds = round(time.monotonic() - now, 3)
            results.append({"address": str(address), "error": error.token, "seconds": seconds})
            session.transcript.record("note", f"connect {address}: {error.token}")
            continue
        results.append({"address": str(address), "seconds": round(time.monotonic() - now, 3)})
        session.transcript.record("note", f"connect {address}")
        channel.deadline = session.deadline
        session.channel, session.address = channel, address
        facts = {"address": str(address), "addresses": results}
        return passed(Stage.CONNECT, "connect.pass", facts, address=str(address))
    return _failure(session, results)


def _failure(session: Session, results: list[dict[str, Any]]) -> StageResult:
    # A refusal says more than silence, and both say more than an IP version that this machine lacks.
    weight = {"ENETUNREACH": 2, "EADDRNOTAVAIL": 2, "timeout": 1}
    ranked = sorted(results, key=lambda result: weight.get(result["error"], 0))
    error = ranked[0]["error"] if ranked else "EADDRNOTAVAIL"
    labels = set()
    if len(results) > 1:
        labels.add(Label.ALL_ADDRESSES_FAILED)
    if results and all(result["address"].startswith("[") for result in results):
        labels.add(Label.IPV6_ONLY_FAILED)
    if is_loopback(session.host):
        labels.add(Label.LOOPBACK)
    evidence = Evidence(
        stage=Stage.CONNECT,
        error=error,
        labels=frozenset(labels),
        **session.about(Stage.CONNECT),
        facts={
            "address": ranked[0]["address"] if ranked else "",
            "addresses": ", ".join(f"{result['address']} ({result['error']})" for result in results),
            "seconds": f"{session.options.timeout:g}",
        },
    )
    facts = {"addresses": results}
    where = ranked[0]["address"] if ranked else session.host
    return failed(Stage.CONNECT, "connect.fail", evidence, facts=facts, address=where, error=error)
