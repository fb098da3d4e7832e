"""Holds the doctor's word against what happened to the messages of the other clients."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from smtpdoctor.model import Report, Status
from tests.fuzz.dialogue import clients
from tests.fuzz.dialogue.script import Script, simpler
from tests.fuzz.dialogue.server import Stage

__all__ = ["Verdict", "cut_down", "judged"]

Client = Callable[[Script, Stage], str]


def _on_purpose(script: Script) -> bool:
    """Whether the doctor says no on purpose, whatever other clients make of it.

    Each is an attack on the connection that they do not notice, so that their success is luck:

    * bytes in the clear behind the 220 to STARTTLS (RFC 3207 section 6), which smtplib throws away;
    * a reply that came before its command: who takes it believes it, whatever the server decides;
    * one reply too many around the message: which of them answers for it nobody can tell;
    * a reset behind the yes to the message, which may as well have lain there unread;
    * ciphers of the user's without authentication or encryption, or a server without a certificate: anybody is
      let in, or reads along; that TLS 1.3 knows no such ciphers saves the others.
    """
    kinds = {(one.kind, one.step) for one in script.twists}
    foreign = {("inject", "starttls"), ("extra", "starttls")}
    foreign |= {("reset-after", "dot")}
    foreign |= {(kind, step) for kind in ("extra", "extra-later") for step in ("data", "dot")}
    return (
        bool(foreign & kinds)
        or script.certificate == "anonymous"
        or "NULL" in script.cipher
        or any(kind == "ahead" for kind, _ in kinds)
    )


def _tells_nobody(script: Script) -> bool:
    """Whether a yes of the server's own comes while the message is on its way, and nothing after it.

    On the wire that is the answer to the message; any other word, or a reset, would give it away.
    """
    twists = [one for one in script.twists if one.step == "data"]
    yes = any(one.kind == "extra-later" and 200 <= one.code < 300 for one in twists)
    return yes and any(one.kind == "close-after" for one in twists)


class Verdict(Struct, frozen=True):
    """What came of one script; ``kind`` is empty where doctor and clients agree."""

    kind: str
    healthy: bool
    told: str
    others: dict[str, str]


def judged(script: Script, stage: Stage, nodemailer: Client | None = None) -> Verdict:
    """Play a script to the doctor and to the others, and compare."""
    stage.play(script)
    report = clients.doctor(script, stage)
    taken = stage.settled()
    told = _told(report)
    others: dict[str, str] = {}

    def sends(name: str, client: Client) -> bool:
        if name not in others:
            stage.play(script)
            error = client(script, stage)
            others[name] = error or ("" if stage.settled() else "told that it was accepted, which it was not")
        return not others[name]

    def second(script: Script, stage: Stage) -> str:
        return clients.python(script, stage, clients.Second)

    fine = sends("smtplib", clients.python)
    if nodemailer is not None:
        sends("nodemailer", nodemailer)
    kind = ""
    if report.healthy:
        if not taken:
            kind = "" if _tells_nobody(script) else "false green: the doctor's own message was not accepted"
        elif taken and not (fine or not others.get("nodemailer", "?") or sends("second", second)):
            kind = "false green: no other client sends"
    elif fine and sends("second", second) and not others.get("nodemailer"):
        kind = "" if _on_purpose(script) else "false red"
    return Verdict(kind, report.healthy, told, others)


def _told(report: Report) -> str:
    failed = next((str(one.stage) for one in report.stages if one.status is Status.FAIL), "")
    ids = " ".join(one.id for one in report.findings)
    words = report.findings[0].evidence.text if report.findings else ""
    return f"{failed} {ids} {words[:60]!r}".strip()


def cut_down(script: Script, kind: str, stage: Stage, nodemailer: Client | None = None) -> Script:
    """Return the simplest script that is found to have the same kind of disagreement."""
    while True:
        for one in simpler(script):
            if judged(one, stage, nodemailer).kind == kind:
                script = one
                break
        else:
            return script
