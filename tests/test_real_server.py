"""What `check` says about a real Postfix with Dovecot, on the ports of the fixture `postfix`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from smtpdoctor.model import Report, Severity, Stage, Status
from tests.certs import EXPIRING_DAYS
from tests.checking import (
    assert_failed,
    assert_passed,
    check,
    command,
    facts_of,
    ids,
    stage_of,
)
from tests.postfix import (
    LOCAL_RECIPIENT,
    OWNED_SENDER,
    PASSWORD,
    RECIPIENT,
    USER,
    VERIFIED_SENDER,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postfix import Postfix

WRONG = "anything but that"
NO_LOGIN: dict[str, Any] = {"username": None, "password": None}


def at(postfix: Postfix, service: str, security: str = "starttls", **values: Any) -> Report:
    options = {"ca_file": str(postfix.ca_pem), **values.pop("options", {})}
    return check(postfix.ports[service], security, options=options, **values)


# -- What works ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "security"),
    [
        ("submission", "starttls"),
        ("submission", "opportunistic"),
        ("smtps", "tls"),
        ("with_intermediate", "starttls"),
        ("with_intermediate_smtps", "tls"),
        ("no_starttls", "none"),
        ("relay", "starttls"),
    ],
)
def test_the_right_settings_pass(postfix: Postfix, service: str, security: str) -> None:
    """Login and sender are accepted, nothing is found, and nothing was sent."""
    report = at(postfix, service, security)
    assert_passed(report)
    assert stage_of(report, Stage.AUTH) is Status.PASS
    assert report.stages[-1].stage is Stage.SENDER


@pytest.mark.parametrize(
    ("service", "mechanism"),
    [
        ("auth_plain", "PLAIN"),
        ("auth_login", "LOGIN"),
        ("auth_cram_md5", "CRAM-MD5"),
        ("auth_scram_sha_1", "SCRAM-SHA-1"),
        ("auth_scram_sha_256", "SCRAM-SHA-256"),
    ],
)
@pytest.mark.parametrize("right", [True, False])
def test_every_mechanism_tells_right_from_wrong(
    postfix: Postfix, service: str, mechanism: str, right: bool
) -> None:
    """A server that offers one mechanism only is logged in to with it; a wrong password is a wrong one."""
    report = at(postfix, service, password=PASSWORD if right else WRONG)
    assert facts_of(report, Stage.AUTH)["mechanism"] == mechanism
    if right:
        assert_passed(report)
    else:
        assert_failed(report, "auth-bad-credentials", Stage.AUTH)


@pytest.mark.parametrize(
    "service", ["auth_plain", "auth_login", "auth_cram_md5", "auth_scram_sha_1", "auth_scram_sha_256"]
)
def test_a_password_beyond_ascii_is_sent_as_utf8(postfix: Postfix, service: str) -> None:
    """RFC 4616 says UTF-8, and Dovecot takes it in each mechanism."""
    report = at(postfix, service, username=postfix.utf8_user, password=postfix.utf8_password)
    assert_passed(report)


def test_tls_1_2_is_enough(postfix: Postfix) -> None:
    """RFC 8997 still allows TLS 1.2."""
    report = at(postfix, "tls12_only")
    assert_passed(report)
    assert facts_of(report, Stage.TLS)["version"] == "TLSv1.2"


def test_ipv6(postfix: Postfix) -> None:
    """`--ipv6` dials the IPv6 address; with a literal address the certificate's address is checked."""
    if not postfix.ipv6:
        pytest.skip("there is no IPv6 here")
    report = at(postfix, "submission", host="::1")
    assert_passed(report)
    assert facts_of(report, Stage.CONNECT)["address"].startswith("[::1]:")


@pytest.mark.parametrize(("service", "security"), [("submission", "starttls"), ("smtps", "tls")])
def test_a_message_is_sent_and_its_queue_id_reported(postfix: Postfix, service: str, security: str) -> None:
    """With a recipient one message goes out; Postfix's queue id is what its log has."""
    report = at(postfix, service, security, to=RECIPIENT)
    assert_passed(report)
    queue_id = facts_of(report, Stage.SEND)["queue_id"]
    assert f" {queue_id}: " in postfix.log()
    delivery = report.stages[-1]
    assert delivery.stage is Stage.DELIVERY
    assert delivery.status is Status.SKIP
    assert delivery.summary.values["token"] == facts_of(report, Stage.SEND)["token"]


def test_without_a_login_mail_for_the_servers_own_users_passes(postfix: Postfix) -> None:
    """A server that takes mail for itself needs no login; the stage says that none is set."""
    report = at(postfix, "relay", to=LOCAL_RECIPIENT, **NO_LOGIN)
    assert_passed(report)
    assert stage_of(report, Stage.AUTH) is Status.SKIP


# -- Login --------------------------------------------------------------------


@pytest.mark.parametrize(("service", "security"), [("submission", "starttls"), ("smtps", "tls")])
def test_wrong_password(postfix: Postfix, service: str, security: str) -> None:
    """The cause is the login, the server's words are quoted, and nothing is tried after it."""
    report = at(postfix, service, security, password=WRONG)
    assert_failed(report, "auth-bad-credentials", Stage.AUTH)
    evidence = report.findings[0].evidence
    assert (evidence.code, evidence.enhanced) == (535, "5.7.8")
    assert "authentication failed" in evidence.text


@pytest.mark.parametrize("user", ["nobody@example.test", "app"])
def test_wrong_user(postfix: Postfix, user: str) -> None:
    """An unknown user is refused like a wrong password."""
    assert_failed(at(postfix, "submission", username=user), "auth-bad-credentials", Stage.AUTH)


def test_a_login_where_none_is_offered(postfix: Postfix) -> None:
    """Settings with a login on a server without AUTH."""
    assert_failed(at(postfix, "no_auth"), "auth-not-offered", Stage.AUTH)


# -- TLS mode -----------------------------------------------------------------


@pytest.mark.parametrize("security", ["starttls", "opportunistic", "none"])
@pytest.mark.parametrize("port", [None, 465])
def test_waiting_for_a_greeting_on_a_tls_port(postfix: Postfix, security: str, port: int | None) -> None:
    """The classic: such a port says nothing until TLS begins. A second look tells, on any port number."""
    number = postfix.ports["smtps"]
    options = {"timeout": 0.8, "ca_file": str(postfix.ca_pem)}
    report = check(port or number, security, dial=number, options=options)
    assert report.findings[0].id == "config-tls-mode"
    assert stage_of(report, Stage.GREETING) is Status.FAIL
    assert stage_of(report, Stage.AUTH) is Status.SKIP


@pytest.mark.parametrize("service", ["submission", "smtp"])
def test_implicit_tls_on_a_starttls_port(postfix: Postfix, service: str) -> None:
    """The other way round: the greeting comes where a handshake was expected."""
    report = at(postfix, service, "tls")
    assert_failed(report, "config-tls-mode", Stage.TLS)
    assert report.findings[0].evidence.text.startswith("220 ")


@pytest.mark.parametrize("login", [True, False])
def test_starttls_is_not_offered(postfix: Postfix, login: bool) -> None:
    """`starttls` goes on with STARTTLS or not at all."""
    report = at(postfix, "no_starttls", **({} if login else NO_LOGIN))
    assert_failed(report, "starttls-not-offered", Stage.TLS)


def test_opportunistic_goes_on_without_starttls_on_this_machine(postfix: Postfix) -> None:
    """On a loopback address nobody listens in, so clear text is no problem."""
    report = at(postfix, "no_starttls", "opportunistic")
    assert_passed(report)
    assert stage_of(report, Stage.TLS) is Status.SKIP


@pytest.mark.parametrize(
    ("service", "values"),
    [
        ("submission_encrypt", {}),
        ("submission", {}),
        ("starttls_required", NO_LOGIN),
    ],
)
def test_a_server_that_demands_starttls(postfix: Postfix, service: str, values: dict[str, Any]) -> None:
    """Whether it hides AUTH until then or refuses MAIL FROM: the cure is STARTTLS."""
    report = at(postfix, service, "none", **values)
    assert report.findings[0].id == "starttls-required"
    assert report.verdict == "fail"


# -- Certificates -------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "finding", "verdict"),
    [
        ("expired", "tls-cert-expired", "dates"),
        ("not_yet_valid", "tls-cert-expired", "dates"),
        ("wrong_name", "tls-cert-name", "name"),
        ("self_signed", "tls-cert-untrusted", "trust"),
        ("missing_intermediate", "tls-cert-untrusted", "trust"),
    ],
)
@pytest.mark.parametrize("implicit", [False, True])
def test_bad_certificates(postfix: Postfix, service: str, finding: str, verdict: str, implicit: bool) -> None:
    """Each is told apart from the others, and no login is sent to such a server."""
    port, security = (f"{service}_smtps", "tls") if implicit else (service, "starttls")
    report = at(postfix, port, security)
    assert_failed(report, finding, Stage.TLS)
    assert ids(report) == [finding]
    facts = facts_of(report, Stage.TLS)
    verdicts = {name: facts[name] for name in ("trust", "name", "dates")}
    assert verdicts == {"trust": "ok", "name": "ok", "dates": "ok", verdict: "bad"}
    assert not any("AUTH" in turn.text for turn in report.transcript if turn.direction == "out")


@pytest.mark.parametrize(
    ("service", "label"), [("self_signed", "self-signed"), ("missing_intermediate", "missing-intermediate")]
)
def test_why_a_certificate_is_not_trusted(postfix: Postfix, service: str, label: str) -> None:
    """Self-signed and without its intermediate have different cures."""
    assert label in at(postfix, service).findings[0].evidence.labels


def test_a_certificate_for_another_name_says_which(postfix: Postfix) -> None:
    """The names that it is for, and the one that was expected."""
    facts = at(postfix, "wrong_name").findings[0].evidence.facts
    assert facts["names"] == "other.example.test"
    assert facts["expected"] == "localhost"


def test_a_private_ca_is_not_trusted_unless_named(postfix: Postfix) -> None:
    """Without `--ca-file` the system's list decides."""
    report = check(postfix.ports["submission"], "starttls")
    assert_failed(report, "tls-cert-untrusted", Stage.TLS)


@pytest.mark.parametrize(("service", "security"), [("expiring", "starttls"), ("expiring_smtps", "tls")])
def test_a_certificate_that_ends_soon_is_a_warning(postfix: Postfix, service: str, security: str) -> None:
    """Everything works, and the days that are left are told."""
    report = at(postfix, service, security)
    assert report.verdict == "warn"
    assert ids(report) == ["tls-cert-expiring"]
    assert report.findings[0].severity is Severity.WARNING
    assert report.findings[0].evidence.facts["days"] == str(EXPIRING_DAYS)
    assert stage_of(report, Stage.TLS) is Status.WARN
    assert stage_of(report, Stage.SENDER) is Status.PASS
    assert report.healthy


# -- Refusals -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "finding", "stage", "values"),
    [
        ("submission", "auth-required", Stage.RECIPIENT, {"to": RECIPIENT, **NO_LOGIN}),
        ("helo_refused", "helo-rejected", Stage.GREETING, {}),
        ("helo_not_fqdn", "helo-rejected", Stage.GREETING, {"ehlo": "app"}),
        ("client_refused", "greeting-rejected", Stage.GREETING, {}),
        ("unknown_recipient", "recipient-rejected", Stage.RECIPIENT, {"to": "nobody@example.test"}),
        ("sender_mismatch", "sender-mismatch", Stage.RECIPIENT, {"to": RECIPIENT, "sender": OWNED_SENDER}),
        ("sender_unverified", "sender-not-verified", Stage.RECIPIENT,
         {"to": RECIPIENT, "sender": "unverified@example.test"}),
        ("greylisted", "greylisted", Stage.RECIPIENT, {"to": RECIPIENT}),
        ("size_announced", "message-too-large", Stage.SENDER, {"to": RECIPIENT}),
        ("size_at_data", "message-too-large", Stage.SEND, {"to": RECIPIENT}),
        ("content_rejected", "content-rejected", Stage.SEND, {"to": RECIPIENT}),
    ],
)  # fmt: skip
def test_refusals(postfix: Postfix, service: str, finding: str, stage: Stage, values: dict[str, Any]) -> None:
    """Each refusal is named for what it is, at the stage where the server gave it."""
    report = at(postfix, service, **values)
    assert_failed(report, finding, stage)
    assert report.findings[0].evidence.code is not None


def test_relay_denied(postfix: Postfix) -> None:
    """Without a login mail for elsewhere is refused; the server offers one, so either id helps, first or second."""
    report = at(postfix, "relay_denied", to="x@elsewhere.example", **NO_LOGIN)
    assert stage_of(report, Stage.RECIPIENT) is Status.FAIL
    finding = report.findings[0]
    assert finding.id in {"relay-denied", "auth-required"}
    assert finding.id == "relay-denied" or finding.candidates[0] == "relay-denied"
    assert finding.evidence.labels == {"not-logged-in"}


def test_only_greylisting_invites_to_try_again(postfix: Postfix) -> None:
    """A 450 is worth a second try, a 554 is not."""
    assert at(postfix, "greylisted", to=RECIPIENT).findings[0].retryable
    assert not at(postfix, "unknown_recipient", to="nobody@example.test").findings[0].retryable


def test_the_verified_sender_is_accepted(postfix: Postfix) -> None:
    """The same server takes the sender that it knows."""
    assert_passed(at(postfix, "sender_unverified", sender=VERIFIED_SENDER, to=RECIPIENT))


def test_nothing_listens(postfix: Postfix, unused_port: int) -> None:
    """A port without a server is refused at once."""
    report = check(unused_port, "starttls")
    assert_failed(report, "connect-refused", Stage.CONNECT)
    assert "loopback" in report.findings[0].evidence.labels


# -- Through the command ------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "security", "password", "code", "finding"),
    [
        ("submission", "starttls", PASSWORD, 0, None),
        ("submission", "starttls", WRONG, 1, "auth-bad-credentials"),
        ("expired_smtps", "tls", PASSWORD, 1, "tls-cert-expired"),
        ("expiring", "starttls", PASSWORD, 0, "tls-cert-expiring"),
    ],
)
def test_the_command(
    postfix: Postfix,
    tmp_path: Path,
    service: str,
    security: str,
    password: str,
    code: int,
    finding: str | None,
) -> None:
    """The exit code and the JSON of the command say the same as the report."""
    env_file = tmp_path / ".env"
    env_file.write_text(
        f"SMTP_HOST=localhost\nSMTP_PORT={postfix.ports[service]}\nSMTP_USERNAME={USER}\n"
        f"SMTP_PASSWORD='{password}'\nSMTP_SENDER={USER}\n"
    )
    done = command(
        *("check", "--env-file", env_file, "--no-environment", "--security", security),
        *("--ca-file", postfix.ca_pem, "--format", "json"),
    )
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    shown = json.loads(done.stdout)
    assert [one["id"] for one in shown["findings"]][:1] == ([finding] if finding else [])
    assert shown["verdict"] == ("fail" if code else "warn" if finding else "pass")
    assert shown["settings"]["password"] == {"value": "********", "origin": f"{env_file}:4", "overrides": []}
    assert password not in done.stdout
