"""Which mail ports are open from here: what keeps a port shut, what follows, and what the platform has to do with it."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.cli.declared import declared_in, function_of, kind_of
from smtpdoctor.egress import USUAL_PORTS, state_of
from smtpdoctor.errors import KnowledgeError
from smtpdoctor.knowledge.platforms import MACHINE, platforms, read_platforms, recognised
from smtpdoctor.labels import Label
from smtpdoctor.model import Evidence, Stage
from tests import egress_network as network
from tests import servers
from tests.checking import cli
from tests.each import each

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.certs import Certificates

HOST = servers.HOSTNAME


@contextlib.contextmanager
def _ports(scripts: Mapping[int, servers.Script | None]) -> Iterator[list[str]]:
    """Give the flags that lead each port of the host to a server of the test; None: nobody listens there."""
    flags: list[str] = []
    with contextlib.ExitStack() as stack:
        for port in USUAL_PORTS:
            script = scripts.get(port)
            at = 1 if script is None else stack.enter_context(servers.serve(script)).port
            flags += ["--connect-to", f"{HOST}:{port}:127.0.0.1:{at}"]
        yield flags


def _check(*arguments: str | Path, **environment: str) -> tuple[int, dict[str, Any]]:
    done = cli("check", "--egress", "--no-environment", "--format", "json", *arguments, env=environment)
    report: dict[str, Any] = json.loads(done.stdout)
    return done.exit_code, report


def _healthy(certificates: Certificates) -> dict[int, servers.Script]:
    starttls = servers.dialogue(
        starttls_cert=certificates.good, capabilities=["STARTTLS"], tls_capabilities=["AUTH PLAIN"]
    )
    tls = servers.dialogue(implicit_cert=certificates.good)
    return {port: tls if port in {465, 2465} else starttls for port in USUAL_PORTS}


@pytest.mark.skipif(not network.available(), reason="needs root, network namespaces and nft")
def test_every_way_to_shut_a_port_is_told_right() -> None:
    """What firewalls do, seen from a machine behind one: each in five seconds, and nothing on an open network."""
    found = network.survey(RENDER="true")
    told = {name: network.wrong(pattern, found[name]) for name, pattern in network.PATTERNS.items()}
    assert {name: one for name, one in told.items() if one} == {}


def test_an_open_network_is_not_talked_about(certificates: Certificates) -> None:
    """Nothing is logged in to, nothing is sent, and nothing is said of platforms."""
    with _ports(_healthy(certificates)) as flags:
        code, report = _check("--host", HOST, *flags, "--ca-file", certificates.ca_pem, RENDER="true")
    egress = report["egress"]
    assert (code, report["verdict"], report["findings"]) == (0, "pass", [])
    assert {one["port"]: one["state"] for one in egress["ports"]} == dict.fromkeys(USUAL_PORTS, "open")
    assert (egress["ways_out"], egress["platform"]["remarks"]) == ([], [])


@pytest.mark.parametrize("chosen", [True, False])
def test_a_port_that_somebody_chose_has_to_be_open(certificates: Certificates, *, chosen: bool) -> None:
    """Where nobody chose one, another that gets through is enough, and the way out names it."""
    port = ["--port", "587"] if chosen else []
    with _ports({**_healthy(certificates), 587: servers.closing}) as flags:
        arguments: list[str | Path] = ["--host", HOST, *port, *flags, "--ca-file", certificates.ca_pem]
        code, report = _check(*arguments, RENDER="true")
    egress = report["egress"]
    assert (code, report["verdict"]) == ((1, "fail") if chosen else (0, "warn"))
    assert next(one["state"] for one in egress["ports"] if one["port"] == 587) == "reset"
    assert 465 in [one["port"] for one in egress["ways_out"]]
    assert "2025-09-26" in egress["platform"]["remarks"][0]


@pytest.mark.parametrize(("flag", "code"), [("--strict", 1), ("--verbose", 0)])
def test_another_port_is_a_warning(certificates: Certificates, flag: str, code: int) -> None:
    with _ports({**_healthy(certificates), 587: servers.resetting}) as flags:
        arguments = ["check", "--egress", "--no-environment", "--host", HOST, *flags, flag]
        told = cli(*arguments, "--ca-file", certificates.ca_pem, code=code).stdout
    assert told.rstrip().endswith("but not on 587.")


def test_settings_without_a_server_are_told_of(tmp_path: Path) -> None:
    path = tmp_path / "settings.env"
    path.write_text("SMTP_HOST=mail.example.test\nSMTP_PORT=many\n")
    code, report = _check("--env-file", path)
    assert (code, report["verdict"], report["findings"][0]["id"]) == (1, "fail", "config-invalid")
    assert "egress" not in report


def test_a_name_that_is_none_is_a_matter_of_dns() -> None:
    code, report = _check("--host", "nosuch.invalid", "--resolver", "127.0.0.1:1")
    assert (code, report["stages"][-1]["name"]) == (1, "dns")
    assert report["verdict"] in {"fail", "inconclusive"}  # a resolver that is not there may come back
    assert (report["egress"]["ports"], report["egress"]["ways_out"]) == ([], [])


def test_a_port_that_begins_in_the_other_way_is_asked_again(certificates: Certificates) -> None:
    """What answers with TLS where STARTTLS was expected may be the server, or a proxy that takes every port."""
    ours, others = certificates.good, certificates.wrong_name
    scripts: dict[int, servers.Script | None] = {
        587: servers.dialogue(implicit_cert=ours),
        2525: servers.dialogue(implicit_cert=others),
        465: servers.dialogue(starttls_cert=ours, capabilities=["STARTTLS"], tls_capabilities=["AUTH PLAIN"]),
        2465: servers.dialogue(starttls_cert=others, capabilities=["STARTTLS"]),
    }
    with _ports(scripts) as flags:
        code, report = _check("--host", HOST, *flags, "--ca-file", certificates.ca_pem)
    found = {one["port"]: (one["state"], one["security"]) for one in report["egress"]["ports"]}
    assert code == 0
    assert found[587] == ("open", "tls")
    assert found[465] == ("open", "opportunistic")
    assert (found[2525][0], found[2465][0]) == ("redirected", "redirected")


def test_no_login_is_ever_tried(certificates: Certificates, tmp_path: Path) -> None:
    """A password that stands in the settings stays there."""
    starttls = servers.dialogue(
        starttls_cert=certificates.good, capabilities=["STARTTLS"], tls_capabilities=["AUTH PLAIN"]
    )
    path = tmp_path / "settings.env"
    path.write_text(
        f"SMTP_HOST={HOST}\nSMTP_PORT=587\nSMTP_USERNAME=app\nSMTP_PASSWORD=secret-7\nSMTP_SENDER=a@example.test\n"
    )
    with servers.serve(starttls) as server:
        flags = [
            part
            for port in USUAL_PORTS
            for part in ("--connect-to", f"{HOST}:{port}:127.0.0.1:{server.port if port == 587 else 1}")
        ]
        code, report = _check("--env-file", path, *flags, "--ca-file", certificates.ca_pem)
        server.join()
    said = {line.partition(" ")[0].upper() for line in server.lines}
    assert (code, report["verdict"]) == (0, "pass")
    assert said <= {"EHLO", "STARTTLS", "QUIT"}
    assert "secret-7" not in json.dumps(report)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_people_read_one_line_a_port(certificates: Certificates, lang: str) -> None:
    with _ports({465: servers.dialogue(implicit_cert=certificates.good)}) as flags:
        arguments = ["check", "--egress", "--no-environment", "--host", HOST, "--lang", lang, *flags]
        done = cli(*arguments, "--ca-file", certificates.ca_pem, env={"COLUMNS": "100"}, code=0)
    assert all(f" {port}" in done.stdout for port in USUAL_PORTS)


# What says which server, how to get there, what counts and how it is shown: the rest of `check` has no meaning here.
MEANT = frozenset(
    {
        *("--preset", "--app", "--url", "--host", "--port", "--security", "--ehlo", "--config", "--service"),
        *(
            "--app-version",
            "--env-file",
            "--no-environment",
            "--profile",
            "--ca-file",
            "--resolver",
            "--connect-to",
        ),
        *(
            "--ipv4",
            "--ipv6",
            "--strict",
            "--fail-on",
            "--ignore",
            "--egress",
            "--format",
            "--anchor",
            "--output",
        ),
        *("--force", "--lang", "--no-color", "--quiet", "--verbose"),
    }
)


def test_what_a_survey_does_not_do_is_refused() -> None:
    """Each option is either meant or refused, so none is taken and then forgotten."""
    values = {"--until": "dns", "--to": "a@example.test", "--password-file": "/dev/null"}
    refused = set()
    for hint, option in declared_in(function_of("check")).values():
        (name, *_) = option.names
        kind, _ = kind_of(hint)
        if name in MEANT or name in {"--help", "--version"}:
            continue
        given = [] if kind is bool else [values.get(name, "1")]
        done = cli("check", "--egress", "--host", HOST, name, *given, code=2)
        assert "--egress" in done.stderr
        assert name in done.stderr
        refused.add(name)
    assert {"--retries", "--timeout", "--deadline", "--username", "--to", "--sandbox"} <= refused


# -- What a port's state follows from -----------------------------------------


@given(
    stage=st.sampled_from([Stage.CONNECT, Stage.GREETING, Stage.TLS]),
    error=st.sampled_from(
        ["timeout", "ECONNREFUSED", "EHOSTUNREACH", "eof", "ECONNRESET", "not-smtp", "x509-10", None]
    ),
    labels=st.frozensets(st.sampled_from(list(Label)), max_size=2),
)
def test_a_port_is_open_only_if_the_server_itself_spoke(
    stage: Stage, error: str | None, labels: frozenset[Label]
) -> None:
    """Only what is wrong with the server alone leaves a port open."""
    state = state_of(Evidence(stage=stage, error=error, labels=labels))
    if stage is Stage.CONNECT:
        assert state != "open"
    if Label.INTERCEPTED in labels and stage is not Stage.CONNECT:
        assert state == "redirected"
    if state == "open":
        assert stage is Stage.TLS


# -- Platforms ----------------------------------------------------------------


@each("platform", platforms())
def test_a_platform_is_known_by_each_of_its_marks(platform: Any) -> None:
    """What stands above it has marks of its own."""
    for name in platform.variables:
        assert recognised({name: "1"}, {}) == platform
        assert recognised({name: ""}, {}) != platform
    for key, values in platform.machine.items():
        for value in values:
            assert recognised({}, {key: f"{value}\n"}) == platform


def test_a_variable_says_more_than_the_machine() -> None:
    found = recognised({"GITHUB_ACTIONS": "true"}, {"chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"})
    assert found is not None
    assert found.id == "github-actions"
    assert recognised({}, dict.fromkeys(MACHINE, "")) is None


PLATFORM = '[[platform]]\nid = "x"\nname = "X"\n'
RULE = '[platform.rule]\nblocked = {blocked}\nchecked = "2026-11"\nsources = {sources}\n[platform.rule.text]\nen = "a"\nko = "b"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1", "platform"),
        (PLATFORM, "nothing by which it is known"),
        (f'{PLATFORM}variables = ["A"]\ncolour = 1\n', "colour"),
        (f'{PLATFORM}variables = ["A"]\n{PLATFORM}variables = ["B"]\n', "twice"),
        (f'{PLATFORM}[platform.machine]\nserial = ["A"]\n', "serial"),
        (f'{PLATFORM}variables = ["A"]\n{RULE.format(blocked="[]", sources="[1]")}', "sources"),
        (f'{PLATFORM}variables = ["A"]\n{RULE.format(blocked="[]", sources="[]")}', "blocked"),
        (f'{PLATFORM}variables = ["A"]\n{RULE.format(blocked="[70000]", sources="[]")}', "sources"),
        (f'{PLATFORM}variables = ["A"]\n\n[other]\n', "other"),
        ("[[", "platforms.toml"),
    ],
)
def test_the_file_of_platforms_is_read_strictly(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "platforms.toml"
    path.write_text(text)
    with pytest.raises(KnowledgeError) as refused:
        read_platforms(path)
    assert problem in str(refused.value)
    assert str(path) in str(refused.value)
