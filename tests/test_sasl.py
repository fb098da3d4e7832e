"""SASL mechanisms against the vectors of their specifications."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor import doctor
from smtpdoctor.model import Stage
from smtpdoctor.report import json_v1
from smtpdoctor.report.view import view_of
from smtpdoctor.settings.resolve import Loaded
from smtpdoctor.smtp.errors import SASLFailed
from smtpdoctor.smtp.sasl import MECHANISMS, choose, derived, finish, looks_like_token, prepared, scram
from tests.checking import PASSWORD, USER, assert_failed, assert_passed, check, settings_for
from tests.each import each
from tests.examples import examples
from tests.servers import Peer, Script, dialogue, ehlo, greet, mail_ok, on, serve, silent

# RFC 5802 section 5 and RFC 7677 section 3.
SCRAM = {
    "sha1": (
        "fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    "sha256": (
        "rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [
        ("tim", "tanstaaftanstaaf", b"\x00tim\x00tanstaaftanstaaf"),
        ("메일", "비밀", b"\x00\xeb\xa9\x94\xec\x9d\xbc\x00\xeb\xb9\x84\xeb\xb0\x80"),
    ],
)
def test_plain(username: str, password: str, message: bytes) -> None:
    """RFC 4616 section 4: NUL, name, NUL, password, all in one message of UTF-8."""
    assert list(MECHANISMS["PLAIN"](username, password)) == [message]


def test_login() -> None:
    """LOGIN waits for a prompt, then gives the name and the password, whatever the prompts say."""
    steps = MECHANISMS["LOGIN"]("tim", "pass word")
    assert next(steps) is None
    assert steps.send(b"Username:") == b"tim"
    assert steps.send(b"?") == b"pass word"
    with pytest.raises(StopIteration):
        steps.send(b"more?")


def test_cram_md5() -> None:
    """The example of RFC 2195 section 2."""
    steps = MECHANISMS["CRAM-MD5"]("tim", "tanstaaftanstaaf")
    assert next(steps) is None
    challenge = base64.b64decode("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+")
    answer = steps.send(challenge)
    assert answer == base64.b64decode("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw")


def test_xoauth2() -> None:
    """The example of Google's documentation; the error in a challenge is answered with an empty line."""
    steps = MECHANISMS["XOAUTH2"]("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    expected = (
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1sem"
        "RHRXVZMjl0Q2cBAQ=="
    )
    assert next(steps) == base64.b64decode(expected)
    assert steps.send(b'{"status":"400"}') == b""


def test_oauthbearer() -> None:
    """RFC 7628 section 3.1, the user name escaped as SASL has it; an error is answered with one byte."""
    steps = MECHANISMS["OAUTHBEARER"]("a=b,c@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")
    token = b"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
    assert next(steps) == b"n,a=a=3Db=2Cc@example.com,\1auth=Bearer " + token + b"\1\1"
    assert steps.send(b'{"status":"invalid_token"}') == b"\1"


@each("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"])
@each("rounds", [0, 1, 2])
def test_mechanisms_without_a_proof_take_any_acceptance(mechanism: str, rounds: int) -> None:
    """A server may say yes at any moment, also before it has asked for anything."""
    steps = MECHANISMS[mechanism]("tim", "password")
    next(steps)
    try:
        for _ in range(rounds):
            steps.send(b"?")
    except StopIteration:
        return
    finish(steps)
    # Whoever asks on is told nothing more.
    with pytest.raises(StopIteration):
        steps.send(b"?")


# -- SCRAM ---------------------------------------------------------------------


@pytest.mark.parametrize("digest", SCRAM)
def test_scram(digest: str) -> None:
    """The specifications' examples: both proofs are right, and the server's was looked at."""
    nonce, server_first, client_final, server_final = SCRAM[digest]
    steps = scram(digest, "user", "pencil", nonce)
    assert next(steps) == f"n,,n=user,r={nonce}".encode()
    assert steps.send(server_first.encode()) == client_final.encode()
    assert steps.send(server_final.encode()) == b""
    finish(steps)


def test_scram_has_another_nonce_each_time() -> None:
    """It is long enough not to be guessed, and of characters that need no escape (RFC 5802 section 7)."""
    firsts = {next(MECHANISMS["SCRAM-SHA-256"]("user", "pencil")) for _ in range(3)}
    assert len(firsts) == 3
    assert all(
        first and len(first.partition(b"r=")[2]) >= 32 and b"," not in first[3:].partition(b"r=")[2]
        for first in firsts
    )


def test_a_scram_user_name_is_escaped() -> None:
    """A comma and an equals sign would end the name, or begin an escape."""
    assert next(scram("sha1", "a=b,c", "x", "n")) == b"n,,n=a=3Db=2Cc,r=n"


@pytest.mark.parametrize("rounds", [0, 1])
def test_a_server_that_says_yes_too_early_has_proved_nothing(rounds: int) -> None:
    """Who does not know the password can still say 235."""
    nonce, server_first, _, _ = SCRAM["sha256"]
    steps = scram("sha256", "user", "pencil", nonce)
    next(steps)
    for _ in range(rounds):
        steps.send(server_first.encode())
    with pytest.raises(SASLFailed) as caught:
        finish(steps)
    assert caught.value.token == "scram-unproven"


@pytest.mark.parametrize("final", [b"", b"v=", b"v=AAAA", b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", b"\xff"])
def test_a_server_with_a_wrong_proof_is_refused(final: bytes) -> None:
    """Its signature has to be the one that only this password makes."""
    nonce, server_first, _, _ = SCRAM["sha256"]
    steps = scram("sha256", "user", "pencil", nonce)
    next(steps)
    steps.send(server_first.encode())
    with pytest.raises(SASLFailed) as caught:
        steps.send(final)
    assert caught.value.token == "scram-unproven"


def test_a_server_that_says_why_it_refuses() -> None:
    """The reason is answered with nothing, as the reply tells it; an acceptance behind it is no proof."""
    nonce, server_first, _, _ = SCRAM["sha1"]
    steps = scram("sha1", "user", "wrong", nonce)
    next(steps)
    steps.send(server_first.encode())
    assert steps.send(b"e=invalid-proof") == b""
    with pytest.raises(SASLFailed) as caught:
        finish(steps)
    assert caught.value.token == "scram-unproven"


def test_a_proof_may_have_extensions() -> None:
    """What stands behind the signature is for clients that know it (RFC 5802 section 7)."""
    nonce, server_first, _, server_final = SCRAM["sha256"]
    steps = scram("sha256", "user", "pencil", nonce)
    next(steps)
    steps.send(server_first.encode())
    assert steps.send(f"{server_final},x=1".encode()) == b""
    finish(steps)


@each(
    "challenge",
    [
        *(
            "",
            "hello",
            "r=NONCE,s=QSXCR,i=1",
            "r=NONCEx,s=QSXCR+Q6sek8bf92",
            "r=otherNONCE,s=QSXCR+Q6sek8bf92,i=1",
        ),
        *(
            "r=NONCE,s=QSXCR+Q6sek8bf92,i=1",
            "r=NONCEx,s=QSXCR+Q6sek8bf92,i=0",
            "r=NONCEx,s=QSXCR+Q6sek8bf92,i=-1",
        ),
        *(
            "r=NONCEx,s=QSXCR+Q6sek8bf92,i=999999999",
            "r=NONCEx,s=QSXCR+Q6sek8bf92,i=600001",
            "r=NONCEx,s=QSXCR,i=1",
            "r=NONCEx,s=QSX=CR+Q,i=1",
            "m=must,r=NONCEx,s=QSXCR+Q6sek8bf92,i=1",
            "e=unknown-user",
        ),
    ],
)
def test_a_challenge_that_is_none(challenge: str) -> None:
    """A nonce that is not ours, no salt, endless work, an extension that we would have to know."""
    steps = scram("sha1", "user", "pencil", "NONCE")
    next(steps)
    with pytest.raises(SASLFailed) as caught:
        steps.send(challenge.encode())
    assert caught.value.token == "sasl-challenge"


def test_as_much_work_as_is_advised_is_done() -> None:
    """OWASP's number of iterations is still taken; one more is not, see above."""
    steps = scram("sha1", "user", "pencil", "NONCE")
    next(steps)
    assert (steps.send(b"r=NONCEx,s=QSXCR+Q6sek8bf92,i=600000") or b"").startswith(b"c=biws,r=NONCEx,p=")


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_challenge_ends_in_a_value(first: bytes, second: bytes) -> None:
    """Whatever a server sends, only SASLFailed comes out."""
    for name in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
        steps = MECHANISMS[name]("user", "pencil")
        next(steps)
        with pytest.raises(SASLFailed):
            steps.send(first)
    for digest in SCRAM:
        steps = scram(digest, "user", "pencil", "nonce")
        next(steps)
        steps.send(b"r=nonce+,s=QSXCR+Q6sek8bf92,i=1")
        if second.startswith(b"e="):
            assert steps.send(second) == b""
        else:
            with pytest.raises(SASLFailed):
                steps.send(second)


@each(
    ("text", "result"),
    [
        *(("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX")),
        *(
            ("비밀\u3000번호", "비밀 번호"),
            ("\u1107\u1175\u1106\u1175\u11af", "비밀"),
            ("pässwörd", "pässwörd"),
        ),
        *(("\u0627\u0628", "\u0627\u0628"), ("\ufb01sh", "fish"), ("\u00ad", "")),
        # Forbidden: as it is.
        # From right to left: at both ends, and with nothing of the other direction; else as it is.
        *(
            ("\ufe8d", "\u0627"),
            ("\ufe8d1\ufe8d", "\u06271\u0627"),
            ("\ufe8d1\ufe8d\ufe8d", "\u06271\u0627\u0627"),
        ),
        *(("\ufe8d1", "\ufe8d1"), ("1\ufe8d", "1\ufe8d"), ("\ufe8d1\ufe8d1", "\ufe8d1\ufe8d1")),
        *(
            ("\ufe8da\ufe8d", "\ufe8da\ufe8d"),
            ("1\ufe8d\ufe8d", "1\ufe8d\ufe8d"),
            ("a\u3000b\ufb01", "a bfi"),
        ),
        *(("\u0627\u0031", "\u0627\u0031"), ("\u0627a\u0628", "\u0627a\u0628"), ("é\x07", "é\x07")),
        *(("\ue000ﬁ", "\ue000ﬁ"), ("\udc80ﬁ", "\udc80ﬁ"), ("ﬁ\ufffd", "ﬁ\ufffd")),
    ],
)
def test_saslprep(text: str, result: str) -> None:
    """The examples of RFC 4013 section 3, and Korean typed on a Mac, which has its letters apart."""
    assert prepared(text) == result


def test_what_of_an_answer_is_masked() -> None:
    """What lets the password be guessed without the server: digest, proof, and the nonce that binds them."""
    nonce, _, client_final, _ = SCRAM["sha1"]
    assert derived("CRAM-MD5", b"tim b913a602c7eda7a495b4e6e7334d3890") == (
        "b913a602c7eda7a495b4e6e7334d3890",
    )
    assert derived("CRAM-MD5", b"a b c b913a602") == ("b913a602",)  # a user name may hold blanks
    assert derived("CRAM-MD5", b"\xff 12") == ("12",)
    assert derived("SCRAM-SHA-1", f"n,,n=user,r={nonce}".encode()) == (nonce,)
    assert derived("SCRAM-SHA-1", client_final.encode())[1:] == ("v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",)
    assert derived("PLAIN", b"\0tim\0p=r=") == derived("SCRAM-SHA-1", b"") == ()


def server(*, proof: str = "right", echo: bool = False, digest: str = "sha256") -> Script:
    """Answer AUTH with SCRAM, written out once more: the proof may be wrong, or missing."""

    def key(data: bytes, *parts: bytes) -> bytes:
        return hmac.digest(data, b"".join(parts), digest)

    def run(peer: Peer) -> None:
        first = base64.b64decode(peer.lines[-1].split(" ")[2]).decode().removeprefix("n,,")
        challenge = f"r={first.partition('r=')[2]}server,s={base64.b64encode(b'salt').decode()},i=4096"
        peer.send_line(f"334 {base64.b64encode(challenge.encode()).decode()}")
        line = peer.read_line()
        final = base64.b64decode(line).decode()
        message = f"{first},{challenge},{final.rpartition(',p=')[0]}".encode()
        salted = hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), b"salt", 4096)
        told = base64.b64encode(key(key(salted, b"Server Key"), message)).decode()
        if proof != "none":
            told = told if proof == "right" else told[::-1]
            peer.send_line(f"334 {base64.b64encode(f'v={told}'.encode()).decode()}")
            if peer.read_line() == "*":
                peer.send_line("501 5.7.0 Authentication aborted")
                return
        peer.send_line(f"235 2.7.0 you said {line} {final}" if echo else "235 2.7.0 welcome")

    return run


@pytest.mark.parametrize("proof", ["right", "wrong", "none"])
@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_a_login_with_a_server_that_has_to_prove_itself(name: str, proof: str) -> None:
    """Only a server that knows the password is believed; one with a wrong proof is not asked on."""
    answer = server(proof=proof, digest="sha1" if name == "SCRAM-SHA-1" else "sha256")
    with serve(greet(), ehlo(f"AUTH {name}"), on("AUTH", answer), mail_ok(), silent) as running:
        report = check(running.port)
        running.join()
    if proof == "right":
        assert_passed(report)
        return
    assert report.verdict == "fail"
    assert report.findings[0].stage is Stage.AUTH
    assert report.findings[0].evidence.error == "scram-unproven"
    assert ("*" in running.lines) == (proof == "wrong")
    assert sum(line.startswith("AUTH") for line in running.lines) == 1


def test_an_echo_of_scram_shows_nothing_to_guess_with() -> None:
    """Neither nonce nor proof gets into the transcript, from whichever side, in whatever encoding."""
    parts = (greet(), ehlo("AUTH SCRAM-SHA-256"), on("AUTH", server(echo=True)), mail_ok(), silent)
    with serve(*parts) as running:
        report = check(running.port)
        running.join()
        lines = running.lines[
            running.lines.index(next(one for one in running.lines if one.startswith("AUTH"))) :
        ]
    shown = json_v1.render(view_of(report, "en"), transcript=True)
    final = base64.b64decode(lines[1]).decode()
    for secret in (
        lines[0].split(" ")[2],
        lines[1],
        final.rpartition("p=")[2],
        final[len("c=biws,r=") :][:32],
    ):
        assert secret not in shown
    assert "********" in shown


def test_a_wrong_password_is_only_that() -> None:
    """A refusal of the proof is a refused login, though the server proved nothing."""
    with serve(greet(), ehlo("AUTH SCRAM-SHA-256"), on("AUTH", "535 5.7.8 no"), silent) as running:
        assert_failed(check(running.port), "auth-bad-credentials", Stage.AUTH)


# -- What cannot be said -----------------------------------------------------------

UNSENDABLE = st.sampled_from(["\0", "\udc80", "\ud800"])
SOME = st.text("abc 가@.#", max_size=6)


@settings(max_examples=examples(20), deadline=None)
@given(before=SOME, sign=UNSENDABLE, after=SOME, name=st.sampled_from(["username", "password"]))
def test_what_no_mechanism_can_say(before: str, sign: str, after: str, name: str) -> None:
    """NUL ends a part (RFC 4616 section 2), and what has no UTF-8 has no bytes: told before anything is dialled."""
    settings = settings_for(9, **{name: before + sign + after})
    report = doctor.check(
        Loaded(settings, ())
    )  # the API takes no lone surrogate at all; an environment may have one
    assert_failed(report, "config-credentials-form", Stage.CONFIG)
    assert report.findings[0].evidence.setting == name


@pytest.mark.parametrize("sign", ["\1", "\t", "\x7f", "\x80", "\ue000", "\u200b"])
def test_what_servers_may_take(sign: str) -> None:
    """What SASLprep forbids is sent as it is, as Dovecot and PostgreSQL have it: only the server can say whether it is right."""
    password = f"ab{sign}cd"
    with serve(dialogue(users={USER: password})) as running:
        assert check(running.port, password=password).healthy


# -- Choosing ------------------------------------------------------------------


@each(
    ("offered", "token", "mechanism"),
    [
        (("LOGIN", "PLAIN"), False, "PLAIN"),
        (("cram-md5", "login"), False, "LOGIN"),
        (("CRAM-MD5", "XOAUTH2"), False, "CRAM-MD5"),
        (("XOAUTH2", "GSSAPI"), False, None),
        ((), False, None),
        (("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"), False, "CRAM-MD5"),
        (("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), False, "SCRAM-SHA-256"),
        (("scram-sha-1", "SCRAM-SHA-1-PLUS"), False, "SCRAM-SHA-1"),
        (("SCRAM-SHA-256-PLUS", "NTLM", "GSSAPI", "EXTERNAL"), False, None),
        (("PLAIN", "XOAUTH2", "OAUTHBEARER"), True, "XOAUTH2"),
        (("PLAIN", "OAUTHBEARER", "SCRAM-SHA-256"), True, "OAUTHBEARER"),
        (("PLAIN", "LOGIN"), True, None),
    ],
)
def test_choose(offered: tuple[str, ...], token: bool, mechanism: str | None) -> None:
    """The best that both know; a password never goes as a token, nor a token as a password."""
    assert choose(iter(offered), token=token) == mechanism


@pytest.mark.parametrize("start", ["ya29.", "EwB", "eyJ"])
def test_tokens_are_told_from_passwords(start: str) -> None:
    """An OAuth token is long and begins in a known way; a short password may begin so, too."""
    assert looks_like_token(start.ljust(61, "a"))
    assert not looks_like_token(start.ljust(60, "a"))
    assert not looks_like_token("x" + start + "a" * 100)
