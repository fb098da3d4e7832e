"""The login stage by itself: what it sends, what it keeps back, and what it tells of either."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from smtpdoctor.facts import AuthFacts
from smtpdoctor.labels import Label
from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.model import Evidence, Message, Secret, Stage
from smtpdoctor.probes import step_of
from smtpdoctor.probes.logins import Outcome, SharedLogin, Turn
from smtpdoctor.probes.session import Address, Failed, Options, Passed, Session, Skipped
from smtpdoctor.settings.target import Conduct, target_of
from smtpdoctor.smtp.channel import Channel
from smtpdoctor.smtp.sasl import MECHANISMS, choose
from smtpdoctor.smtp.transcript import Transcript
from tests import servers
from tests.checking import HOST, USER, settings_for
from tests.each import each
from tests.examples import examples
from tests.servers import Peer, dialogue, serve

if TYPE_CHECKING:
    from tests.servers import Script, Server

TOKEN = "ya29." + "aB3-" * 20
NO_LOGIN: dict[str, Any] = {"username": None, "password": None}


def _read(peer: Peer) -> None:
    peer.read_line()


def _step(session: Session, stage: Stage) -> Passed | Skipped:
    session.start_stage(stage)
    return step_of(stage)(session)


@pytest.mark.parametrize(
    ("host", "preset", "values", "key"),
    [
        ("smtp.gmail.com", "gmail", NO_LOGIN, "auth.no-credentials"),
        ("smtp.gmail.com", "gmail", {"username": None}, "auth.half"),
        ("smtp.gmail.com", "gmail", {"password": None}, "auth.half"),
        ("smtp-relay.gmail.com", "gmail", NO_LOGIN, "auth.none"),
        ("mail.example.test", None, NO_LOGIN, "auth.none"),
    ],
)
def test_without_a_login(host: str, preset: str | None, values: dict[str, Any], key: str) -> None:
    """Where the provider wants one its absence is a failure; half of one is not sent, and told as such."""
    target = target_of(settings_for(587, host=host, preset=preset, **values))
    assert target is not None
    session = Session(target, Options(), Transcript(), time.monotonic() + 10)
    if key != "auth.no-credentials":
        assert _step(session, Stage.AUTH) == Skipped(Message(key))
        return
    with pytest.raises(Failed) as failure:
        _step(session, Stage.AUTH)
    assert failure.value.summary == Message(key, {"preset": "Gmail / Google Workspace"})
    assert failure.value.evidence[0].labels == {Label.NO_CREDENTIALS}


def _logging_in(
    server: Server, *, ip: str = HOST, own: bool = True, allowed: bool = False, **values: Any
) -> Session:
    """Return a session with a script server that has greeted, whose address is said to be this."""
    target = target_of(settings_for(server.port, **values))
    assert target is not None
    options = Options(allow_cleartext_auth=allowed)
    secret = target.login.secret.reveal() if target.login else ""
    session = Session(target, options, Transcript(Redactor([secret])), time.monotonic() + 10)
    session.start_stage(Stage.GREETING)
    session.channel = Channel.connect(HOST, server.port, session.transcript, session.deadline)
    session.address = Address(ip, server.port, own)
    assert isinstance(_step(session, Stage.GREETING), Passed)
    return session


def _login_failure(answer: str | Script, mechanism: str = "PLAIN", **values: Any) -> tuple[Failed, Session]:
    """Let a login fail by this answer to AUTH."""
    with serve(servers.greet(), servers.ehlo(f"AUTH {mechanism}"), servers.on("AUTH", answer)) as server:
        session = _logging_in(server, **values)
        with pytest.raises(Failed) as failure:
            _step(session, Stage.AUTH)
        session.open_channel().close()
    assert not session.logged_in
    return failure.value, session


def test_what_is_told_of_a_login_that_went_well() -> None:
    """By which mechanism, out of which, and that all that follows is said as this user."""
    with serve(dialogue(capabilities=["AUTH LOGIN PLAIN"])) as server:
        session = _logging_in(server)
        passed = _step(session, Stage.AUTH)
        session.open_channel().close()
    assert isinstance(passed, Passed)
    assert passed.facts == AuthFacts(("LOGIN", "PLAIN"), "PLAIN")
    assert passed.summary.values == {"username": USER, "mechanism": "PLAIN"}
    assert passed.evidence == ()
    assert session.logged_in is True
    assert session.surroundings() == (Label.LOGGED_IN,)
    shown = [turn.text for turn in session.transcript.turns if turn.direction == "out"]
    assert shown[-1] == "AUTH PLAIN ********"


@pytest.mark.parametrize("code", [432, 535])
def test_what_is_told_of_a_refused_login(code: int) -> None:
    """What was offered and tried, and the reply; a mechanism without a message of its own has no detail."""
    failure, session = _login_failure(
        servers.sequence(
            servers.say("334 "),
            _read,
            servers.say("334 "),
            _read,
            servers.say(f"{code} no"),
        ),
        "NTLM LOGIN",
    )
    (evidence,) = failure.evidence
    assert evidence.code == code
    assert evidence.facts == {"command": "AUTH", "mechanisms": "NTLM LOGIN", "mechanism": "LOGIN"}
    assert failure.summary == Message("auth.refused", {"code": str(code), "reply": "no"})
    assert failure.facts == AuthFacts(("NTLM", "LOGIN"), "LOGIN")
    shown = [turn.text for turn in session.transcript.turns if turn.direction == "out"]
    assert shown[-3:] == ["AUTH LOGIN", "********", "********"]


@pytest.mark.parametrize("answer", [servers.closing, "421 4.3.0 bye"])
def test_a_login_that_breaks_says_that_it_was_in_the_clear(answer: str | Script) -> None:
    """Where the user allows that, the login is out all the same."""
    failure, _ = _login_failure(answer, ip="192.0.2.1", allowed=True)
    assert [Label.CLEARTEXT_ALLOWED in one.labels for one in failure.evidence] == [False, True]
    assert failure.evidence[0].facts["mechanism"] == "PLAIN"
    assert failure.facts == AuthFacts(("PLAIN",), "PLAIN")


@pytest.mark.parametrize(
    ("ip", "values", "loopback"),
    [
        ("127.0.0.1", {"own": False}, True),
        ("::1", {"own": False}, True),
        ("127.0.0.1", {"host": "smtp.gmail.com", "preset": "gmail"}, True),
        ("192.0.2.1", {}, False),
        ("192.0.2.1", {"own": False}, False),
    ],
)
def test_why_a_login_is_kept_back(ip: str, values: dict[str, Any], loopback: bool) -> None:
    """An address of this machine that only a name server gave, or in a provider's name, is told."""
    with serve(dialogue()) as server:
        session = _logging_in(server, ip=ip, **values)
        with pytest.raises(Failed) as failure:
            _step(session, Stage.AUTH)
        session.open_channel().close()
        server.join()
        assert not any(line.startswith("AUTH") for line in server.lines)
    (evidence,) = failure.value.evidence
    assert failure.value.summary == Message("auth.cleartext")
    assert evidence.labels == ({Label.CLEARTEXT, Label.LOOPBACK} if loopback else {Label.CLEARTEXT})
    assert evidence.facts == ({"address": ip} if loopback else {})


def test_no_address_is_not_this_machine() -> None:
    """Nothing is known of the other side: no login in the clear."""
    target = target_of(settings_for(25))
    assert target is not None
    session = Session(target, Options(), Transcript(), time.monotonic() + 10)
    session.capabilities = {"AUTH": "PLAIN"}
    with pytest.raises(Failed) as failure:
        _step(session, Stage.AUTH)
    assert failure.value.evidence[0].labels == {Label.CLEARTEXT}


@pytest.mark.parametrize(("preset", "mechanism"), [("outlook", "XOAUTH2"), ("gmail", "PLAIN")])
def test_a_provider_s_token_is_one_whatever_it_looks_like(preset: str, mechanism: str) -> None:
    """A preset says that its password is an access token."""
    failure, _ = _login_failure("535 5.7.8 no", "PLAIN XOAUTH2", preset=preset)
    assert failure.evidence[0].facts["mechanism"] == mechanism
    assert (Label.OAUTH in failure.evidence[0].labels) == (mechanism == "XOAUTH2")


@pytest.mark.parametrize(
    ("challenge", "detail"), [("/w==", "\ufffd"), ("!", ""), ("e30", ""), ("e30=", "{}")]
)
def test_the_detail_of_a_refused_token(challenge: str, detail: str) -> None:
    """Whatever the challenge holds: no text, or no base64."""
    said = servers.sequence(servers.say(f"334 {challenge}"), _read, servers.say("535 no"))
    failure, _ = _login_failure(said, "XOAUTH2", password=TOKEN)
    assert failure.facts == AuthFacts(("XOAUTH2",), "XOAUTH2", detail)


@pytest.mark.parametrize(
    ("last", "code", "labels"),
    [
        ("235 2.7.0 welcome", 235, {Label.WRONG_CODE}),
        ("250 ok", 250, {Label.WRONG_CODE}),
        ("334 ", 334, {Label.WRONG_CODE}),
        ("400 no", 400, set()),
        ("501 5.7.0 cancelled", 501, set()),
    ],
)
def test_a_yes_to_a_cancelled_login_is_none(last: str, code: int, labels: set[Label]) -> None:
    """A server that asks on and on is cancelled; nothing that it says then is a login."""
    asked = [servers.say("334 "), _read] * 2
    failure, _ = _login_failure(servers.sequence(servers.say("334 "), _read, servers.say(last)))
    assert failure.evidence[0].code == code
    assert failure.evidence[0].labels == labels
    assert failure.evidence[0].facts["command"] == "AUTH"
    failure, _ = _login_failure(
        servers.sequence(*asked, servers.say("334 "), _read, servers.say(last)), "LOGIN"
    )
    assert failure.evidence[0].code == code


@each(
    ("mechanism", "asked"),
    [("PLAIN", 0), ("LOGIN", 0), ("LOGIN", 1), ("LOGIN", 2), ("CRAM-MD5", 0), ("CRAM-MD5", 1)],
)
@each("code", [200, 220, 250, 299, 300, 354, 399])
def test_an_answer_that_no_login_has(mechanism: str, asked: int, code: int) -> None:
    """It is told as what it is, at whatever step; what others take for a yes, at the last one and for 2yz alone."""
    prompts = [servers.say("334 PDFAYT4="), _read] * asked
    failure, _ = _login_failure(servers.sequence(*prompts, servers.say(f"{code} so be it")), mechanism)
    whole = {"PLAIN": 0, "LOGIN": 2}.get(mechanism) == asked
    some = {Label.TAKEN_BY_SOME} if whole and code < 300 else set()
    assert failure.evidence[0].labels == {Label.WRONG_CODE, *some}
    assert failure.evidence[0].facts["first"] == f"{code} so be it"


@pytest.mark.parametrize("real", ["235 2.7.0 welcome", "535 5.7.8 no"])
@pytest.mark.parametrize("code", [220, 250, 354])
def test_an_answer_with_the_real_one_behind_it(code: int, real: str) -> None:
    """It was one reply too many; what comes behind is not taken for the answer to anything."""
    failure, _ = _login_failure(servers.say(f"{code} so be it\n{real}"))
    assert failure.evidence[0].labels == {Label.STRAY}


@pytest.mark.parametrize("end", ["501 cancelled", servers.closing, "235 welcome"])
def test_a_server_that_proves_nothing_is_cancelled(end: str | Script) -> None:
    """However it takes that: the reason is that it has not proved itself, and its words show no nonce."""
    nonces: list[str] = []

    def refuse(peer: Peer) -> None:
        nonce = base64.b64decode(peer.lines[-1].split(" ")[2]).decode().partition("r=")[2]
        nonces.append(nonce)
        peer.send_line(f"334 {nonce}")
        assert peer.read_line() == "*"
        servers.say(end)(peer) if isinstance(end, str) else end(peer)

    failure, session = _login_failure(refuse, "SCRAM-SHA-256")
    evidence = failure.evidence[0]
    assert evidence.labels == {Label.SERVER_UNPROVED}
    assert evidence.error == "sasl-challenge"
    assert evidence.facts["command"] == "AUTH"
    assert session.transcript.turns
    assert not any(nonces[0] in turn.text for turn in session.transcript.turns)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_no_answer_is_shown_whether_it_is_known_for_a_secret_or_not(mechanism: str) -> None:
    """What goes out at AUTH is written down as a mask by itself, not because the redactor finds it."""
    asking = [servers.say("334 "), _read] * 3
    script = servers.sequence(*asking, servers.say("535 no"))
    password = TOKEN if "OAUTH" in mechanism else "correct horse 7"
    with serve(servers.greet(), servers.ehlo(f"AUTH {mechanism}"), servers.on("AUTH", script)) as server:
        session = _logging_in(server, password=password)
        session.transcript.redact = Redactor([])
        with pytest.raises(Failed):
            _step(session, Stage.AUTH)
        session.open_channel().close()
    shown = [turn.text for turn in session.transcript.turns if turn.direction == "out"][1:]
    assert shown[0] in {f"AUTH {mechanism}", f"AUTH {mechanism} {Secret.MASK}"}
    assert set(shown[1:]) <= {Secret.MASK, "*"}
    assert Secret.MASK in shown[0] or Secret.MASK in shown[1:]


SPOKEN = st.lists(
    st.sampled_from([*MECHANISMS, "NTLM", "GSSAPI", "EXTERNAL"]), unique=True, min_size=1, max_size=4
)


@settings(max_examples=examples(60))
@given(spoken=st.one_of(st.just([]), SPOKEN), offered=SPOKEN, password=st.sampled_from([TOKEN, "horse 7"]))
def test_where_no_mechanism_is_shared_nothing_is_sent(
    spoken: list[str], offered: list[str], password: str
) -> None:
    """The finding is about the application only where the server offers nothing that it speaks."""
    known = target_of(settings_for(587, password=password))
    assert known is not None
    session = Session(
        replace(known, conduct=Conduct(name="App", mechanisms=tuple(spoken))),
        Options(),
        Transcript(),
        time.monotonic() + 10,
    )
    session.secured = True
    session.capabilities = {"AUTH": " ".join(offered).lower()}
    token = password == TOKEN
    strange = bool(spoken) and not set(spoken) & set(offered)
    possible = choose(offered, token=token, order=spoken) is not None and not strange
    with pytest.raises((Failed, RuntimeError)) as caught:  # there is no connection: who sends finds none
        _step(session, Stage.AUTH)
    if possible:
        assert isinstance(caught.value, RuntimeError)
        return
    failure = caught.value
    assert isinstance(failure, Failed)
    names = " ".join(offered)
    told = {"mechanisms": names} | ({"app_name": "App", "spoken": " ".join(spoken)} if strange else {})
    assert failure.summary == Message("auth.no-mechanism.app" if strange else "auth.no-mechanism", told)
    assert failure.facts == AuthFacts(offered=tuple(offered))
    only_oauth = not token and set(offered) <= {"XOAUTH2", "OAUTHBEARER"}
    (evidence,) = failure.evidence
    assert evidence.labels == {Label.ONLY_OAUTH if only_oauth else Label.NO_COMMON_MECHANISM}
    assert evidence.facts == told


class Noting(Turn, frozen=True):
    """The part of a run that says to nobody else, but here, what became of the login."""

    outcomes: list[Outcome]

    def settle(self, outcome: Outcome) -> None:
        """Take note of it."""
        self.outcomes.append(outcome)


@each(
    ("mechanism", "answer", "outcome"),
    [
        ("PLAIN", "235 2.7.0 welcome", "accepted"),
        ("PLAIN", "250 ok", 250),
        ("PLAIN", "300 ok", 300),
        ("PLAIN", "421 4.3.0 bye", "open"),
        ("PLAIN", servers.closing, "open"),
        *(("PLAIN", f"{code} no", code) for code in (432, 454, 500, 502, 504, 530, 534, 535, 538, 550)),
        *(("LOGIN", f"{code} no", "open") for code in (421, 500, 501, 502, 503, 504, 530, 534, 538)),
        *(("LOGIN", f"{code} no", code) for code in (454, 535, 550)),
    ],
)
def test_what_an_answer_means_for_who_would_send_the_same_login(
    mechanism: str, answer: str | Script, outcome: str | int
) -> None:
    """Anything but a yes to it is a no; what came before it was sent, or from nobody, tells nothing of it."""
    noted: list[Outcome] = []
    with serve(servers.greet(), servers.ehlo(f"AUTH {mechanism}"), servers.on("AUTH", answer)) as server:
        session = _logging_in(server)
        session.options = replace(session.options, turn=Noting(SharedLogin(), 0, "other", noted))
        if outcome == "accepted":
            _step(session, Stage.AUTH)
        else:
            with pytest.raises(Failed):
                _step(session, Stage.AUTH)
        session.open_channel().close()
    (one,) = noted
    assert (one.code if isinstance(one, Evidence) else one) == outcome
    assert session.login_sent == (mechanism == "PLAIN")


@each("security", ["none", "opportunistic"])
@each(
    ("offered", "label", "key"),
    [
        ([], Label.NO_AUTH_OFFERED, "auth.not-offered"),
        (["AUTH"], Label.NO_AUTH_OFFERED, "auth.not-offered"),
        (["STARTTLS"], Label.AUTH_AFTER_STARTTLS, "auth.after-starttls"),
        (["STARTTLS", "AUTH"], Label.AUTH_AFTER_STARTTLS, "auth.after-starttls"),
    ],
)
def test_where_no_login_is_offered(offered: list[str], label: Label, key: str, security: str) -> None:
    """Where encryption may bring it that is said first; nothing is sent in either case."""
    with serve(dialogue(capabilities=offered)) as server:
        session = _logging_in(server, security=security)
        with pytest.raises(Failed) as failure:
            _step(session, Stage.AUTH)
        session.open_channel().close()
        server.join()
        assert not any(line.startswith("AUTH") for line in server.lines)
    assert failure.value.summary == Message(key)
    assert failure.value.evidence[0].labels == {label}
