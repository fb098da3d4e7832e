"""What a server and the man in the middle will do in one dialogue, as a value that can be drawn, kept and cut down.

The server is honest: it takes a message when its own rules say so, and knows whether it has. What is
wrong with it are ``twists``: another code at a step, a reply that is written oddly, comes in pieces, twice,
too early or never, a connection that breaks. Most scripts have one or two: with more, nothing gets far.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tests.fuzz.draw import Draw

__all__ = ["STEPS", "Script", "Twist", "draw_script", "simpler"]

STEPS: Final = (
    *("greeting", "ehlo", "helo", "starttls", "ehlo-tls", "auth", "challenge"),
    *("mail", "rcpt", "data", "dot"),
)
USER: Final = "app@example.test"
TOKEN: Final = "ya29." + "a0AfB_byC-Token" * 5


class Twist(Struct, frozen=True, omit_defaults=True):
    """One thing that is not as it should be at one step."""

    step: str
    kind: str
    code: int = 0
    number: int = 0
    text: str = ""


class Script(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The settings of the clients, and what the server is and does.

    ``login`` is none, right or wrong. ``implicit``: the server begins with TLS. ``certificate`` is one of
    ``tests.certs``, or ``anonymous`` for none; ``old_tls``: nothing newer than TLS 1.1.
    """

    security: str = "none"
    host: str = "localhost"
    login: str = "none"
    username: str = USER
    password: str = "correct horse 7"
    sender: str = USER
    recipient: str = "someone@example.test"
    implicit: bool = False
    certificate: str = "good"
    old_tls: bool = False
    capabilities: tuple[str, ...] = ()
    tls_capabilities: tuple[str, ...] = ()
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2")  # that the server really knows
    auth_required: bool = False
    tls_required: bool = False
    cipher: str = ""
    twists: tuple[Twist, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether somebody will say nothing until the time is up."""
        mute = any(twist.kind in {"silence", "unfinished"} for twist in self.twists)
        return mute or (self.implicit and self.security != "tls")


_CODES: Final = (
    *(250, 220, 235, 334, 354, 421, 450, 451, 452, 454, 500, 501, 502, 503, 504, 530, 534, 535, 538),
    *(550, 551, 552, 553, 554, 555, 200, 211, 221, 251, 252, 253, 259, 299, 300, 350, 399, 400, 499, 599),
)
_PASSWORDS: Final = (
    *("correct horse 7", "hunter2", "AUTH", "LOGIN", "PLAIN", "STARTTLS", "SIZE", "250", "235", "OK", "not"),
    *(
        "a",
        "pw",
        "owned",
        "example",
        "mail",
        "queued",
        "p=ss,w\u00f6rd",
        "비밀번호 8",
        " lead",
        "trail ",
        "%s",
    ),
)
_SENDERS: Final = (
    USER,
    "other@example.test",
    "j\u00f6rg@example.test",
    "info@b\u00fccher.example",
    "a+b=c@example.test",
)
_RECIPIENTS: Final = (
    "someone@example.test",
    "둘@example.test",
    "x@xn--bcher-kva.example",
    "very.long@example.test",
)
_CAPABILITIES: Final = (
    *("PIPELINING", "8BITMIME", "SIZE", "SIZE 10485760", "SIZE 0", "size 35882577", "SMTPUTF8"),
    *("ENHANCEDSTATUSCODES", "DSN", "CHUNKING", "HELP", "VRFY", "XCLIENT", "X-ODD =", "", " "),
)
_AUTH: Final = (
    *("AUTH PLAIN LOGIN", "AUTH PLAIN", "AUTH LOGIN", "AUTH CRAM-MD5", "AUTH LOGIN PLAIN CRAM-MD5"),
    *("AUTH=PLAIN LOGIN", "auth plain login", "AUTH  PLAIN  LOGIN ", "AUTH PLAIN SCRAM-SHA-256 NTLM"),
    *("AUTH NTLM GSSAPI", "AUTH", "AUTH XOAUTH2 PLAIN LOGIN", "AUTH\tPLAIN"),
)
_CERTIFICATES: Final = (
    *("wrong_name", "expired", "not_yet_valid", "self_signed", "missing_intermediate", "weak_key"),
    *("anonymous", "with_intermediate", "expiring", "wildcard", "client_only", "sha1", "unknown_critical"),
)
_CIPHERS: Final = ("HIGH", "ECDHE+AESGCM", "ALL:@SECLEVEL=0", "aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0")
_STYLES: Final = (
    *("multi", "bare-lf", "no-text", "blank", "tab", "no-separator", "trailing", "long", "bytes"),
    *("codes-differ", "no-code", "leading-blank", "leading-line", "control", "cr"),
)
_BREAKS: Final = ("close-before", "close-after", "close-middle", "reset-before", "reset-after", "goodbye")
_CHALLENGES: Final = (
    *("", "VXNlcm5hbWU6", "UGFzc3dvcmQ6", "dXNlciBuYW1lOg==", "Username:", "!!!", "PDEuMUBtYWlsPg==", "="),
    *("eyJzdGF0dXMiOiI0MDAifQ==", "bm8=", "AAAA", "한글"),
)


def draw_script(draw: Draw) -> Script:
    """Draw a script: sound in itself first, then twisted."""
    security = draw.pick(("starttls", "none", "opportunistic", "tls"))
    login = draw.weighted((6, "right"), (2, "none"), (1, "wrong"))
    token = login != "none" and draw.chance(4)
    mechanisms = "AUTH XOAUTH2" if token else _AUTH[0]
    auth_required = login != "none" and draw.chance(60)
    implicit = (security == "tls") != draw.chance(1)
    common = draw.some(_CAPABILITIES, 30)
    base = [*common[:2], *([mechanisms] if login != "none" else []), *common[2:]]
    if draw.chance(12):
        base = [draw.pick(_AUTH) if one.startswith("AUTH") else one for one in base]
    if draw.chance(2):
        base.append("SIZE 100")
    inside = base
    if draw.chance(20):  # RFC 4954 section 4: many name AUTH only inside TLS
        base = [one for one in base if not one.startswith("AUTH")]
    elif draw.chance(6):
        inside = draw.some(inside, 60)
    offer = draw.weighted((12, "STARTTLS"), (1, "starttls"), (1, "XXXXXXXA"), (1, ""), (1, "STARTTLS "))
    if offer and not implicit:
        base.insert(draw.below(len(base) + 1), offer)
    odd_certificate = security != "none" and draw.chance(15)
    script = Script(
        security=security,
        host=draw.weighted((3, "localhost"), (3, "mail.example.test")),
        login=login,
        username=draw.weighted((8, USER), (1, "app"), (1, "앱@example.test"), (1, "a b")),
        password=TOKEN if token else draw.pick(_PASSWORDS) if draw.chance(50) else _PASSWORDS[0],
        sender=draw.pick(_SENDERS) if draw.chance(20) else USER,
        recipient=draw.pick(_RECIPIENTS) if draw.chance(20) else _RECIPIENTS[0],
        implicit=implicit,
        certificate=draw.pick(_CERTIFICATES) if odd_certificate else "good",
        old_tls=security != "none" and draw.chance(2),
        capabilities=tuple(base),
        tls_capabilities=tuple(inside),
        mechanisms=("PLAIN", "LOGIN") if draw.chance(5) else Script().mechanisms,
        auth_required=auth_required,
        cipher=draw.pick(_CIPHERS) if security != "none" and draw.chance(5) else "",
        tls_required=security in {"starttls", "opportunistic"} and draw.chance(15),
    )
    count = draw.weighted((4, 1), (3, 0), (2, 2), (1, 4))
    return replace(script, twists=tuple(_draw_twist(draw) for _ in range(count)))


def _draw_twist(draw: Draw) -> Twist:
    step = draw.pick(STEPS)
    family = draw.weighted(
        (30, "code"),
        (20, "style"),
        (10, "pace"),
        (14, "more"),
        (14, "break"),
        (6, "challenge"),
        (5, "inject"),
        (1, "mute"),
    )
    match family:
        case "code":
            code = draw.below(400) + 200 if draw.chance(15) else draw.pick(_CODES)
            return Twist(step, "code", code)
        case "style":
            kind = draw.pick(_STYLES)
            most = (
                draw.pick((2, 20, 90)) if kind == "multi" else draw.pick((100, 600, 2100, 8150, 9000, 17_000))
            )
            return Twist(step, kind, number=most, code=draw.pick(_CODES))
        case "pace":
            return Twist(step, draw.pick(("split", "late", "drip")), number=draw.pick((2, 5, 20)))
        case "more":
            # Half of them are what the client hopes for: those are the ones that may be taken for an answer.
            hoped = {
                "greeting": 250,
                "starttls": 250,
                "data": 250,
                "rcpt": 354,
                "ehlo-tls": 235,
                "challenge": 235,
            }
            code = hoped.get(step, 250) if draw.chance(50) else draw.pick(_CODES)
            return Twist(step, draw.pick(("extra", "ahead", "extra-later")), code, draw.pick((1, 3, 10)))
        case "break":
            return Twist(step, draw.pick(_BREAKS))
        case "challenge":
            return Twist("challenge", draw.pick(("text", "again")), text=draw.pick(_CHALLENGES))
        case "inject":
            injected = draw.pick(
                ("250 injected", "220 ready", "250-x\r\n250 AUTH PLAIN", "x", "\x16\x03\x01")
            )
            return Twist("starttls", "inject", text=injected)
        case _:
            return Twist(step, draw.pick(("silence", "unfinished")))


def simpler(script: Script) -> Iterator[Script]:
    """Yield scripts with one oddity less, or less in one of them."""
    for index in range(len(script.twists)):
        yield replace(script, twists=script.twists[:index] + script.twists[index + 1 :])
    plain = Script(security=script.security, implicit=script.implicit, login=script.login)
    for name in script.__struct_fields__:
        usual = getattr(plain, name)
        if name not in {"twists", "capabilities", "tls_capabilities"} and getattr(script, name) != usual:
            yield replace(script, **{name: usual})
    for name in ("capabilities", "tls_capabilities"):
        given: tuple[str, ...] = getattr(script, name)
        for index in range(len(given)):
            yield replace(script, **{name: given[:index] + given[index + 1 :]})
    if script.security == "opportunistic":
        yield replace(script, security="starttls")
    if script.login == "right":
        yield replace(script, login="none")
