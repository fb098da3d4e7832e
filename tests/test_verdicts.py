"""The right verdict for each kind of server that a wrong one was once given for.

Each row is a kind, not a case: a script that behaves as real servers of that kind do, and the cause
that has to come first.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from smtpdoctor import Report, Settings, check, doctor, words
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Lang, Severity, Stage, Status
from smtpdoctor.probes.session import Options
from smtpdoctor.settings.resolve import Loaded
from tests import servers
from tests.checking import PASSWORD, USER, assert_failed, cli, ids, stage_of
from tests.checking import check as check_with
from tests.servers import HOST, Dns, Peer, Script, dialogue, dns_server, on, raw, say, sequence, serve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.certs import Certificates

QUICK = 0.6
SOON = 1.5  # where the server has to have answered some commands before it falls silent
NO_LOGIN: dict[str, Any] = {"username": None, "password": None}


def run(script: Script, **more: Any) -> Report:
    """Check a server as README says; what is given overrides the settings."""
    options = {name: more.pop(name) for name in ("timeout", "deadline", "ca_file", "until") if name in more}
    with serve(script) as server:
        given = {"security": "none", "username": USER, "password": PASSWORD, "sender": USER, **more}
        return check(Settings.of(**{"host": HOST, "port": server.port, **given}), **options)


def cause(report: Report) -> tuple[str, Stage]:
    first = report.findings[0]
    assert first.severity is Severity.ERROR, ids(report)
    return first.id, first.stage


# -- Other protocols that greet with 220, or with a code ------------------------------------------

LMTP_REFUSAL = "500 5.5.1 Unknown command"
FOREIGN: dict[str, tuple[Script, Label]] = {
    "lmtp that says so": (
        dialogue({"EHLO": LMTP_REFUSAL, "HELO": LMTP_REFUSAL}, greeting="220 mail.example.test LMTP ready"),
        Label.LMTP,
    ),
    "lmtp that does not say so": (
        dialogue(
            {"EHLO": "502 5.5.2 no", "HELO": "502 5.5.2 no", "LHLO": "250 mail.example.test"},
            greeting="220 mail.example.test ready",
        ),
        Label.LMTP,
    ),
    "ftp": (
        dialogue({"EHLO": "500 Unknown command.", "HELO": "500 no"}, greeting="220 (vsFTPd 3.0.3)"),
        Label.FTP,
    ),
    "nothing known": (
        dialogue({"EHLO": "500 ?", "HELO": "500 ?", "LHLO": "500 ?"}, greeting="220 ready"),
        Label.OTHER_PROTOCOL,
    ),
    "news": (
        sequence(say("200 news.example.test InterNetNews NNRP server ready"), servers.silent),
        Label.NNTP,
    ),
    "redis": (on("", ""), Label.REDIS),
    "mysql": (sequence(raw(b"J\0\0\0\n8.0.36\0" + bytes(40)), servers.silent), Label.MYSQL),
}


def _redis(peer: Peer) -> None:
    """Answer only what is asked, as Redis does."""
    while True:
        word = peer.read_line().partition(" ")[0]
        peer.send_line(f"-ERR unknown command '{word}', with args beginning with:")


FOREIGN["redis"] = (_redis, Label.REDIS)


@pytest.mark.parametrize("kind", FOREIGN)
def test_another_protocol(kind: str) -> None:
    """It is named, and is never a matter of the name that EHLO gives or of being turned away."""
    script, label = FOREIGN[kind]
    report = run(script, timeout=QUICK * 4 if kind == "redis" else 5.0)
    assert cause(report) == ("not-smtp", Stage.GREETING)
    assert label in report.findings[0].evidence.labels


# -- Replies that belong to no command ------------------------------------------------------------

GREETING = "220 mail.example.test ESMTP"
EHLO_REPLY = servers.multiline(250, "mail.example.test", "AUTH PLAIN", "STARTTLS")


def _late_stray(peer: Peer) -> None:
    """Answer a line that a load balancer put in front only once EHLO has come."""
    peer.send_line(GREETING)
    peer.read_line()
    peer.send_line("502 5.5.2 Error: command not recognized\n" + EHLO_REPLY)
    peer.wait()


STRAY: dict[str, Script] = {
    "a line in front": sequence(
        say(f"{GREETING}\n502 5.5.2 Error: command not recognized"), dialogue(greeting=None)
    ),
    "a line in front, answered late": _late_stray,
    "greeting twice": sequence(say(f"{GREETING}\n{GREETING}"), dialogue(greeting=None)),
    "greeting twice, the second late": dialogue({"EHLO": [GREETING, EHLO_REPLY]}),
    "ehlo answered twice": dialogue({"EHLO": f"{EHLO_REPLY}\n{EHLO_REPLY}"}),
    "a yes to another question in front": dialogue(
        {"STARTTLS": "250 mail.example.test\n454 not now"}, capabilities=["STARTTLS"]
    ),
}


@pytest.mark.parametrize("kind", STRAY)
def test_a_reply_that_belongs_to_no_command(kind: str) -> None:
    """It is told as such: a 2xx is no refusal, and what comes behind it is not its answer."""
    report = run(STRAY[kind], security="starttls")
    assert cause(report)[0] == "stray-reply"
    assert Label.STRAY in report.findings[0].evidence.labels


def test_a_yes_to_another_question() -> None:
    """With nothing behind it, it is what the server answers, though no such answer exists; TLS is not begun."""
    script = dialogue({"STARTTLS": "250 mail.example.test"}, capabilities=["STARTTLS"])
    report = run(script, security="starttls")
    assert cause(report) == ("wrong-reply", Stage.TLS)
    assert "stray-reply" in report.findings[0].candidates


# -- A port for a load balancer -------------------------------------------------------------------


def _waits_for_proxy(peer: Peer) -> None:
    """Greet whoever sends the header, and nobody else."""
    if peer.read_line().startswith("PROXY "):
        dialogue()(peer)
    peer.send_line("* BAD Invalid PROXY header")


def _silent_without_proxy(peer: Peer) -> None:
    if peer.read_line().startswith("PROXY "):
        dialogue()(peer)
    peer.wait()


@pytest.mark.parametrize(
    "script",
    [
        say("503 Command refused, required Proxy negotiation failed"),
        _waits_for_proxy,
        _silent_without_proxy,
    ],
    ids=["Exim", "Dovecot", "silent"],
)
def test_a_port_that_waits_for_a_proxy_header(script: Script) -> None:
    """It is for a load balancer, whatever it says meanwhile."""
    assert cause(run(script, timeout=4.0)) == ("proxy-expected", Stage.GREETING)


# -- Silence --------------------------------------------------------------------------------------

SILENT_AT = ["EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "."]


@pytest.mark.parametrize("verb", SILENT_AT)
def test_no_answer_to_a_command(certificates: Certificates, verb: str) -> None:
    """Silence after the greeting is about that command; the greeting came, and nothing was understood."""
    script = dialogue({verb: servers.silent}, starttls_cert=certificates.good)
    report = run(script, security="starttls", recipient=USER, ca_file=str(certificates.ca_pem), timeout=SOON)
    first = report.findings[0]
    assert first.id == "reply-timeout", ids(report)
    assert first.evidence.facts["command"] == verb
    assert first.evidence.facts["seconds"] == f"{SOON:g}"
    assert first.evidence.origin is None


def test_the_run_s_own_deadline() -> None:
    """Where the whole run has used up its time, that ended it, not the server's patience with a stage."""
    report = run(dialogue({"EHLO": servers.silent}), timeout=5.0, deadline=QUICK)
    assert cause(report)[0] == "deadline-reached"


def test_an_unfinished_greeting_is_waited_for() -> None:
    """Postfix's postscreen sends a first line at once, and the rest six seconds later."""

    def teaser(peer: Peer) -> None:
        peer.send_line("220-mail.example.test ESMTP")
        peer.stopping.wait(QUICK)
        dialogue()(peer)

    assert run(teaser, timeout=30.0).verdict == "pass"
    report = run(sequence(say("220-mail.example.test ESMTP"), servers.silent), timeout=SOON)
    assert cause(report) == ("greeting-timeout", Stage.GREETING)
    assert Label.UNFINISHED in report.findings[0].evidence.labels


# -- Refusals that mean something else than they look like ----------------------------------------

REFUSALS: list[tuple[str, str, str]] = [
    ("AUTH", "451 4.3.2 Internal server error", "server-error"),
    ("AUTH", "454 4.7.0 Temporary authentication failure: Connection lost", "server-error"),
    ("MAIL", "451 Sender rate overlimit - 31.2 / 1h", "rate-limited"),
    ("RCPT", "451 Sender rate overlimit - 31.2 / 1h", "rate-limited"),
    ("RCPT", "550 5.3.2 Service currently unavailable", "server-error"),
]


@pytest.mark.parametrize(("verb", "reply", "finding"), REFUSALS)
def test_a_refusal(verb: str, reply: str, finding: str) -> None:
    """The code and the words are read together, each at its stage."""
    assert cause(run(dialogue({verb: reply}), recipient=USER))[0] == finding


@pytest.mark.parametrize("code", [554, 550, 521, 556])
def test_a_permanent_refusal_at_the_greeting(code: int) -> None:
    """Nobody is told to try again where 5yz says that it is no use (RFC 5321 section 4.2.1)."""
    report = run(say(f"{code} 5.7.1 no SMTP service here for you"))
    assert report.findings[0].stage is Stage.GREETING
    assert not report.findings[0].retryable


def test_a_temporary_refusal_at_the_greeting() -> None:
    """And it is where 4yz says that it may be."""
    assert run(say("421 4.3.2 Service not available, try again later")).findings[0].retryable


@pytest.mark.parametrize(
    "script",
    [
        dialogue(capabilities=["PIPELINING", "XXXXXXXA", "8BITMIME"]),
        dialogue(capabilities=["XXXA", "XXXXXXXXXXXXXXB"]),
        dialogue(greeting="220 **********************************************0*2******0*00"),
    ],
    ids=["STARTTLS", "all", "greeting"],
)
def test_a_firewall_that_rewrites(script: Script) -> None:
    """The rewriting is the proof, and the advice is not to switch encryption off."""
    assert cause(run(script, security="starttls")) == ("smtp-rewritten", Stage.TLS)


@pytest.mark.parametrize("offered", ["NTLM", "GSSAPI NTLM", "EXTERNAL", "DIGEST-MD5"])
def test_mechanisms_that_nobody_here_speaks(offered: str) -> None:
    """They are named; what the server does not offer is not recommended."""
    report = run(dialogue(capabilities=[f"AUTH {offered}"]))
    assert cause(report) == ("auth-mechanism", Stage.AUTH)
    assert report.findings[0].evidence.facts["mechanisms"] == offered


# -- TLS, and what is not TLS's fault -------------------------------------------------------------


def test_a_server_that_ends_after_ehlo_inside_tls(certificates: Certificates) -> None:
    """The handshake went well: it is the server that stopped (typically: its SASL socket is missing)."""
    script = dialogue(
        {"EHLO": [EHLO_REPLY, servers.closing]}, capabilities=["STARTTLS"], starttls_cert=certificates.good
    )
    report = run(script, security="starttls", ca_file=str(certificates.ca_pem))
    assert cause(report)[0] == "connect-closed"


# -- Addresses and names --------------------------------------------------------------------------


def _ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as one:
        try:
            one.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.skipif(not _ipv6(), reason="no IPv6 here")
def test_a_refusal_on_ipv6_is_a_refusal() -> None:
    """Nothing is said of IPv4 that was not tried."""
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::1", 0))
        report = check(Settings.of(host="::1", port=taken.getsockname()[1], sender=USER), until="connect")
    assert cause(report) == ("connect-refused", Stage.CONNECT)


def test_one_of_two_addresses_is_dead() -> None:
    """It works, and the address that does not is told with the time that it cost."""
    with serve(dialogue()) as server, dns_server({"mail.test": ["127.0.0.3", HOST]}) as resolver:
        options = {"resolver": (resolver.host, resolver.port)}
        for _ in range(20):  # a name server may give them in either order
            report = check_with(server.port, "opportunistic", host="mail.test", **NO_LOGIN, options=options)
            assert report.verdict == "warn"  # it is in the clear, too
            if ids(report)[0] == "connect-partial":
                assert "127.0.0.3" in report.findings[0].evidence.facts["addresses"]
                assert stage_of(report, Stage.CONNECT) is Status.WARN
                return
        pytest.fail("the dead address never came first")


# -- The live reply decides -----------------------------------------------------------------------


def test_what_the_server_says_beats_what_the_settings_suggest(certificates: Certificates) -> None:
    """A user name of an odd form is a remark beside a certain answer of the provider."""
    reply = (
        "534-5.7.9 Application-specific password required. Learn more at\n"
        "534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor gsmtp"
    )
    shop = certificates.workshop
    certificate = shop.store("gmail", shop.leaf(shop.root, ("smtp.gmail.com",)))
    with serve(dialogue({"AUTH": reply}, starttls_cert=certificate)) as server:
        report = check_with(
            587,
            "starttls",
            dial=server.port,
            host="smtp.gmail.com",
            preset="gmail",
            username="alice",
            sender="alice@gmail.com",
            options={"ca_file": str(certificate.ca_pem)},
        )
    assert_failed(report, "auth-app-password", Stage.AUTH)


@pytest.mark.parametrize("security", ["none", "opportunistic"])
def test_no_login_in_the_clear_in_a_provider_s_name(security: str) -> None:
    """A provider's name is not this machine, though something here answers to it."""
    with serve(dialogue()) as server:
        report = check_with(587, security, dial=server.port, host="smtp.gmail.com", preset="gmail")
        server.join()
        assert not any(line.startswith("AUTH") for line in server.lines)
    assert report.verdict == "fail"


# -- What a refusal has to be read with -----------------------------------------------------------


def test_a_refusal_after_a_login_is_not_for_want_of_one() -> None:
    """Who has logged in is not told to log in."""
    for verb in ("MAIL", "RCPT"):
        report = run(dialogue({verb: "530 5.7.0 Authentication required"}), recipient=USER)
        assert Label.LOGGED_IN in report.findings[0].evidence.labels
        assert report.findings[0].id != "auth-required"


def test_a_sender_that_is_the_login_already() -> None:
    """To write the login into the sender changes nothing; the server's list of owners is wrong."""
    refusal = "553 5.7.1 Sender address rejected: not owned by user"
    for sender, same in ((USER.upper(), True), ("other@example.test", False)):
        report = run(dialogue({"MAIL": refusal}), sender=sender)
        assert report.findings[0].id == "sender-mismatch"
        assert (Label.SENDER_IS_LOGIN in report.findings[0].evidence.labels) is same


def test_tls_that_the_server_does_not_see(certificates: Certificates) -> None:
    """STARTTLS inside TLS: a proxy in front took the TLS off."""
    script = dialogue(
        {"MAIL": "530 5.7.0 Must issue a STARTTLS command first"},
        implicit_cert=certificates.good,
        tls_capabilities=["STARTTLS", "AUTH PLAIN"],
    )
    report = run(script, security="tls", host="localhost", ca_file=str(certificates.ca_pem))
    assert Label.TLS_UNSEEN in report.findings[0].evidence.labels


def test_a_temporary_refusal_of_ehlo_is_not_about_the_name(certificates: Certificates) -> None:
    """Nor is one inside TLS a refusal of STARTTLS."""
    busy = "451 4.3.0 Temporary server error"
    assert cause(run(dialogue({"EHLO": busy})))[0] == "server-error"
    script = dialogue({"EHLO": [EHLO_REPLY, "421 4.3.0 Try later"]}, starttls_cert=certificates.good)
    report = run(script, security="starttls", host="localhost", ca_file=str(certificates.ca_pem))
    assert cause(report)[0] != "starttls-rejected"


def test_a_file_server_that_wants_its_own_login() -> None:
    """Vsftpd answers EHLO with 530: that is FTP, not a login that mail wants."""
    reply = "530 Please login with USER and PASS."
    report = run(dialogue({"EHLO": reply, "HELO": reply}, greeting="220 (vsFTPd 3.0.3)"))
    assert cause(report) == ("not-smtp", Stage.GREETING)


def _closes_without_proxy(peer: Peer) -> None:
    """Postfix, Dovecot and others close, at once or after a while, what does not begin with the header."""
    if peer.number == 0:
        peer.close()
    elif peer.read_line().startswith("PROXY "):
        dialogue()(peer)


@pytest.mark.parametrize(
    "script",
    [
        _closes_without_proxy,
        servers.by_connection(say("421 4.3.0 Server local error"), _waits_for_proxy),
    ],
    ids=["closes", "421"],
)
def test_a_port_for_a_load_balancer_is_proved(script: Script) -> None:
    """It greets the one who brings the header."""
    assert cause(run(script, timeout=4.0))[0] == "proxy-expected"


def test_a_name_that_a_filter_keeps_back() -> None:
    """0.0.0.0 is no server, and whatever answers there has nothing to do with the name."""
    with dns_server({"mail.test": ["0.0.0.0"]}) as resolver:  # noqa: S104 -- an answer, not an address to bind
        options = {"resolver": (resolver.host, resolver.port)}
        report = check_with(25, "none", host="mail.test", options=options)
    assert report.findings[0].stage is Stage.DNS
    assert Label.NULL_ADDRESS in report.findings[0].evidence.labels


@pytest.mark.parametrize("failing", [Dns.SERVFAIL, Dns.SILENT])
def test_an_address_that_was_not_told_is_not_missing(failing: Dns) -> None:
    """Where the question for A was not answered, "no AAAA" does not mean that there is no address."""
    with dns_server({("mail.test", "A"): failing, ("mail.test", "AAAA"): Dns.NODATA}) as resolver:
        options = {"resolver": (resolver.host, resolver.port), "timeout": QUICK * 2}
        report = check_with(25, "none", host="mail.test", options=options)
    assert cause(report)[0] == "dns-resolver-failure"


# -- The other ports ------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_other_ports_are_tried_after_a_time_out(
    certificates: Certificates, unused_port: int, lang: Lang
) -> None:
    """Without credentials: which of them answers is told, and which is closed."""
    with serve(dialogue(implicit_cert=certificates.good)) as answering, serve(servers.silent) as silent:
        mapped = {
            ("mail.example.test", port): (HOST, dialled)
            for port, dialled in ((2525, silent.port), (465, answering.port), (587, unused_port))
        }
        report = check_with(
            2525,
            "starttls",
            host="mail.example.test",
            options={"connect_to": mapped, "timeout": QUICK},
        )
        answering.join()
    first = report.findings[0]
    assert first.id == "greeting-timeout"
    assert first.evidence.facts["siblings"] == "465/tls/answers 587/starttls/closed"
    assert not any(line.startswith("AUTH") for line in answering.lines)
    cause = words(report, lang).problems[0].cause
    assert "465" in cause
    assert "587" in cause


# -- Several causes in the settings ---------------------------------------------------------------


def linted(folder: Path, *lines: str, env: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    (folder / ".env").write_text("\n".join(lines) + "\n")
    shown = cli("lint", "--env-file", folder / ".env", "--format", "json", env=env)
    findings: list[dict[str, Any]] = json.loads(shown.stdout)["findings"]
    return findings


GMAIL = ("SMTP_HOST=smtp.gmail.com", "SMTP_PORT=587", "SMTP_SENDER=hong@gmail.com")


def test_two_settings_are_two_causes(tmp_path: Path) -> None:
    """User name and password are each told by itself, and neither is given the other's value."""
    found = linted(tmp_path, *GMAIL, "SMTP_USERNAME=hong", "SMTP_PASSWORD=abc")
    about = {one["origin"]: one for one in found if one["id"] == "config-credentials-form"}
    lines = [str(origin).rpartition(":")[2] for origin in about]
    assert sorted(lines) == ["4", "5"]
    for one in about.values():
        assert all(change["value"] != "app-password" for change in one["changes"])


def test_a_certain_error_is_not_hidden_by_a_warning_of_its_kind(tmp_path: Path) -> None:
    """The strongest of several findings decides the verdict, also where they are of one entry."""
    (tmp_path / ".env").write_text(
        "SMTP_HOST=smtp.sendgrid.net\nSMTP_PORT=587\nSMTP_SENDER=a@example.org\n"
        "SMTP_USERNAME=me@example.org\nSMTP_PASSWORD=abc\n"
    )
    assert cli("lint", "--env-file", tmp_path / ".env").exit_code == 1


def test_a_misspelt_name_is_why_something_is_missing() -> None:
    """The login is absent since nobody reads SMTP_USER: that comes first, and is an error."""
    settings = Settings.of(host="smtp.naver.com", port=587, security="starttls", sender="kim@naver.com")
    found = Evidence(
        stage=Stage.CONFIG,
        labels=frozenset({Label.NEAR_NAME}),
        setting="username",
        facts={"told": "SMTP_USER → SMTP_USERNAME"},
    )
    report = doctor.check(Loaded(settings, (found,)), Options(timeout=QUICK, until=Stage.DNS))
    assert ids(report)[0] != "config-unknown-name"  # nothing is said to be missing before the login
    with serve(dialogue()) as server:
        options = Options(
            connect_to={("smtp.naver.com", 587): (HOST, server.port)}, allow_cleartext_auth=True
        )
        plain = Settings.of(
            host="smtp.naver.com", port=587, security="none", sender="kim@naver.com", preset="naver"
        )
        report = doctor.check(Loaded(plain, (found,)), options)
    assert cause(report)[0] == "config-unknown-name"


def test_what_the_environment_overrides_is_the_first_suspect(tmp_path: Path) -> None:
    """Beside a password in the file that another one overrides, the first step is to take that one away."""
    (tmp_path / ".env").write_text(
        f"SMTP_HOST={HOST}\nSMTP_SENDER={USER}\nSMTP_USERNAME={USER}\nSMTP_PASSWORD=right-one\nSMTP_TLS=false\n"
    )
    with serve(dialogue(users={})) as server:
        env = {"SMTP_PASSWORD": "old-one", "SMTP_PORT": str(server.port)}
        shown = cli("check", "--env-file", tmp_path / ".env", "--format", "json", env=env)
    first = json.loads(shown.stdout)["findings"][0]
    assert first["id"] == "auth-bad-credentials"
    assert "unset SMTP_PASSWORD" in first["fixes"][0]
    assert "old-one" not in shown.stdout


def test_another_protocol_at_a_provider_s_own_port() -> None:
    """The port is right there, so something stands in between; it is not the port's fault."""
    report = None
    with serve(servers.http_server) as server:
        report = check_with(
            587,
            "starttls",
            dial=server.port,
            host="smtp.gmail.com",
            preset="gmail",
            options={"timeout": QUICK * 4},
        )
    assert cause(report) == ("tls-intercepted", Stage.GREETING)
    assert report.findings[0].evidence.origin is None
