"""What a check says is to be changed: in the files of an application, tried, and in the commands that follow."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checking import HOST, PASSWORD, USER, cli
from tests.examples import examples
from tests.servers import dialogue, serve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.certs import Certificates

VALUES = {
    "SMTP_HOST": "localhost",
    "SMTP_PORT": "{port}",
    "SMTP_TLS": "true",
    "SMTP_USERNAME": USER,
    "SMTP_PASSWORD": PASSWORD,
    "SMTP_SENDER": USER,
}


def files(form: str, port: int) -> dict[str, str]:
    """Return a Compose file with the wrong mode, and the `.env` beside it."""
    values = {name: text.format(port=port) for name, text in VALUES.items()}
    head = "services:\n  web:\n    image: registry.example.test/shop:1\n"
    if form == "mapping":
        lines = [f'      {name}: "{text}"\n' for name, text in values.items()]
        return {"compose.yaml": f"{head}    environment:\n{''.join(lines)}"}
    if form == "list":
        lines = [f"      - {name}={text}\n" for name, text in values.items()]
        return {"compose.yaml": f"{head}    environment:\n{''.join(lines)}"}
    env = "# Mail\n" + "".join(f"{name}={text}\n" for name, text in values.items())
    if form == "env_file":
        return {"compose.yaml": f"{head}    env_file: .env\n", ".env": env}
    lines = [f"      {name}: ${{{name}}}\n" for name in values]
    return {"compose.yaml": f"{head}    environment:\n{''.join(lines)}", ".env": env}


def write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text)


def apply(folder: Path, sarif: Any) -> bool:
    """Make the change that a SARIF log offers, as an editor would; tell whether there is one."""
    result = sarif["runs"][0]["results"][0]
    for fix in result.get("fixes", [])[:1]:
        for change in fix["artifactChanges"]:
            path = folder / unquote(change["artifactLocation"]["uri"])
            lines = path.read_text().splitlines()
            for one in sorted(
                change["replacements"], key=lambda one: one["deletedRegion"]["startLine"], reverse=True
            ):
                region = one["deletedRegion"]
                text = one["insertedContent"]["text"]
                lines[region["startLine"] - 1 : region["endLine"]] = text.split("\n")
            path.write_text("\n".join(lines) + "\n")
    return "fixes" in result


@pytest.mark.parametrize("form", ["mapping", "list", "env_file", "put in"])
def test_what_mends_a_file_does(
    form: str, tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application reads what is to be written there, and the server that showed the fault takes it."""
    monkeypatch.chdir(tmp_path)
    with serve(dialogue(starttls_cert=certificates.good)) as server:
        write(tmp_path, files(form, server.port))
        flags = ("--config", "compose.yaml", "--ca-file", str(certificates.ca_pem), "--no-environment")
        before = len(server.connections)
        first = cli("check", *flags, "--format", "sarif", "--format", "json=told.json", code=1)
        dialled = len(server.connections) - before
        told = json.loads((tmp_path / "told.json").read_text())
        changes = {one["name"]: one for one in told["findings"][0]["changes"]}
        assert told["findings"][0]["id"] == "config-tls-mode"
        assert dialled == 1  # what was seen is enough: nobody is dialled again
        if form == "put in":
            # The service reads what the Compose file gives it, and of the `.env` only what that puts in.
            assert changes["SMTP_TLS"]["file"] == ".env"
            assert changes["SMTP_OPPORTUNISTIC_TLS"]["file"] == "compose.yaml"
            return
        assert apply(tmp_path, json.loads(first.stdout))
        if form == "mapping":  # where `NAME: true` is no text, which Compose before version 2 refuses
            assert '      SMTP_OPPORTUNISTIC_TLS: "true"\n' in (tmp_path / "compose.yaml").read_text()
        cli("check", *flags, code=0)


def test_no_shut_port_is_proposed(tmp_path: Path, certificates: Certificates) -> None:
    """What the same run found shut is no way out, whatever port the mode usually has."""
    for shut in (True, False):
        with (
            serve(dialogue(starttls_cert=certificates.good)) as server,
            serve(dialogue(implicit_cert=certificates.good)) as other,
        ):
            (tmp_path / "one.env").write_text(
                f"SMTP_HOST=localhost\nSMTP_PORT=2525\nSMTP_TLS=true\nSMTP_SENDER={USER}\n"
            )
            result = cli(
                *("check", "--env-file", tmp_path / "one.env", "--no-environment", "--format", "json"),
                *("--connect-to", f"localhost:2525:{HOST}:{server.port}"),
                *("--connect-to", f"localhost:587:{HOST}:1"),
                *("--connect-to", f"localhost:465:{HOST}:{1 if shut else other.port}"),
                code=1,
            )
        steps = json.loads(result.stdout)["findings"][0]["fixes"]
        assert steps
        assert any("465" in one for one in steps) is not shut
        assert not any("587" in one for one in steps)


names = st.from_regex(r"[a-z][a-z0-9-]{0,9}[a-z0-9](?:\.[a-z][a-z0-9-]{0,6}[a-z0-9]){0,2}", fullmatch=True)
addresses = st.one_of(names, st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map("[{}]".format))
elsewhere = st.builds(
    "{}:{}:{}:{}".format, addresses, st.integers(1, 65_535), addresses, st.integers(1, 65_535)
)


@settings(max_examples=examples(15))
@given(st.lists(elsewhere, max_size=3))
def test_what_was_dialled_instead_is_in_what_follows(others: list[str]) -> None:
    """Whoever runs a command of `next` dials what this run has dialled, however many were said."""
    with serve(dialogue()) as server:
        own = f"localhost:25252:{HOST}:{server.port}"
        flags = [word for one in [own, *others] for word in ("--connect-to", one)]
        result = cli(
            *("check", "--host", "localhost", "--port", "25252", "--security", "starttls", "--sender", USER),
            *(*flags, "--no-environment", "--format", "json"),
            code=1,
        )
    told = [shlex.split(one["command"]) for one in json.loads(result.stdout)["next"]]
    again = [words for words in told if words[:2] in (["smtpdoctor", "check"], ["smtpdoctor", "fix"])]
    assert again
    for words in again:
        given = [words[at + 1] for at, word in enumerate(words) if word == "--connect-to"]
        assert given == [own, *others]
    for words in told:
        if words[0] == "openssl":
            assert words[words.index("-connect") + 1] == f"{HOST}:{server.port}"
            assert words[words.index("-servername") + 1] == "localhost"
