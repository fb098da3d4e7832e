"""smtpdoctor.toml and [tool.smtpdoctor]: what it may say, where it is found, and what it must not bring about."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.errors import UsageError
from smtpdoctor.settings import project
from smtpdoctor.settings.project import Table, project_in
from tests import servers
from tests.checking import HOST, PASSWORD, USER, cli

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.certs import Certificates

SCHEMA = Path(project.__file__).with_name("smtpdoctor.schema.json")
KEYS = tuple(get_type_hints(Table))
SECRET = "hunter2-qx7"
GOOD: dict[str, list[Any]] = {
    "config": ["compose.yaml", ["a.env", "b.env"]],
    "env_file": [".env", [".env", ".env.local"]],
    "no_environment": [True, False],
    "port": [1, 587, 65_535],
    "security": ["tls", "starttls", "opportunistic", "none"],
    "until": ["dns", "recipient"],
    "timeout": [1, 0.5],
    "deadline": [30, 0.5],
    "connect_to": ["a:25:127.0.0.1:2525", ["a:25:127.0.0.1:2525"]],
    "ipv4": [True],
    "ipv6": [False],
    "retries": [0, 3],
    "fail_on": ["error", "warning", "permanent", "never"],
    "strict": [True],
    "ignore": [[], ["greylisted"], [{"id": "greylisted", "reason": "a mailbox for tests"}, "rate-limited"]],
}
BAD: dict[str, list[Any]] = {
    "no_environment": ["yes", 1],
    "port": [0, 65_536, "587", True, 25.5],
    "security": ["ssl", True],
    "until": ["send", "quit"],
    "timeout": [0, "10", 4_000, True],
    "deadline": [0.01, 90_000],
    "ipv4": ["on"],
    "ipv6": [0],
    "retries": [-1, 101, "2", 1.5],
    "fail_on": ["warnings", False],
    "strict": ["true"],
    "ignore": ["greylisted", [1], [{"reason": "x"}], [{"id": "greylisted", "why": "x"}]],
}


def written(value: Any) -> str:
    """Return a value as TOML has it; JSON is TOML but for tables."""
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {written(one)}' for name, one in value.items())}}}"
    return json.dumps(value)


def file_of(folder: Path, defaults: Mapping[str, Any], profiles: Mapping[str, Mapping[str, Any]]) -> Path:
    lines = [f"{name} = {written(value)}" for name, value in defaults.items()]
    for name, values in profiles.items():
        lines += [
            f"[profiles.{json.dumps(name)}]",
            *(f"{key} = {written(one)}" for key, one in values.items()),
        ]
    path = folder / "smtpdoctor.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def value_of(key: str) -> st.SearchStrategy[Any]:
    good = st.sampled_from(GOOD.get(key, ["text", "example.com"]))
    return good | st.sampled_from(BAD.get(key, ["", 5, ["x", ""], True, {"a": 1}]))


TABLES = st.sets(st.sampled_from([*KEYS, "prot", "host-name"]), max_size=4).flatmap(
    lambda keys: st.fixed_dictionaries({key: value_of(key) for key in sorted(keys)})
)


def test_the_schema_in_the_package_is_the_loader_s() -> None:
    """It is made from the types; `python -c "…schema()…"` writes it again where they change."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == project.schema()


@settings(max_examples=50)
@given(TABLES, TABLES)
def test_the_schema_and_the_loader_agree(
    tmp_path_factory: pytest.TempPathFactory, defaults: dict[str, Any], profile: dict[str, Any]
) -> None:
    """An editor that goes by the schema complains of what a run refuses, and of nothing else."""
    path = file_of(tmp_path_factory.mktemp("project"), defaults, {"one": profile})
    validator = jsonschema.Draft202012Validator(project.schema())
    valid = validator.is_valid({**defaults, "profiles": {"one": profile}})
    try:
        found = project_in(path)
        refused = found is None or any(isinstance(one, UsageError) for one in found.profiles.values())
    except UsageError:
        refused = True
    assert valid != refused


@settings(max_examples=50)
@given(st.sampled_from(KEYS), st.integers(0, 20), st.booleans())
def test_a_slip_of_the_finger_is_refused_with_the_nearest_name(
    tmp_path_factory: pytest.TempPathFactory, key: str, at: int, of_profile: bool
) -> None:
    """With file and line."""
    slip = key[: at % len(key)] + "x" + key[at % len(key) :]
    table = {"until": "dns", slip: "x"}
    path = file_of(
        tmp_path_factory.mktemp("project"), {} if of_profile else table, {"p": table} if of_profile else {}
    )
    error: Any = None
    try:
        found = project_in(path)
        error = found.profiles["p"] if found else None
    except UsageError as raised:
        error = raised
    assert isinstance(error, UsageError)
    place = f"{path}:{3 if of_profile else 2}"
    if error.message.key == "usage.project.password":  # it looks like one
        assert "pass" in key
        assert error.message.values["place"] == place
        return
    assert error.message.values == {"place": place, "name": slip}
    assert error.hints[0].values.get("name", key) in KEYS


@pytest.mark.parametrize("name", ["password", "PASSWORD", "smtp_password", "passwd", "pass", "api_token"])
@pytest.mark.parametrize("head", ["", "[profiles.p]\n"])
@pytest.mark.parametrize(
    "command", [["check"], ["lint"], ["check", "--profile", "p"], ["lint", "--all-profiles"]]
)
def test_a_password_is_refused_and_never_shown(
    name: str, head: str, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("smtpdoctor.toml").write_text(f'{head}host = "{HOST}"\n{name} = "{SECRET}"\n')
    result = cli(*command, "--no-environment", "--format", "json", code=2)
    assert SECRET not in result.stdout + result.stderr
    assert ("smtpdoctor.toml:" in result.stdout) == (not head or bool(command[1:]))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("port = ", "smtpdoctor.toml:1"),
        ("a = 1\na = 2", "smtpdoctor.toml:2"),
        ('x = """', "smtpdoctor.toml:1"),
        ("n = " + "9" * 5_000, "smtpdoctor.toml:"),
        ("[" * 5_000, "smtpdoctor.toml:"),
        ("profiles = 3", "smtpdoctor.toml:1"),
        ("[profiles]\np = 3", "smtpdoctor.toml:2"),
        ("[[profiles.p]]\nport = 3", "smtpdoctor.toml"),
        ('[profiles.p]\nconfig = "missing.yaml"', "smtpdoctor.toml:2"),
        ('[profiles.p]\nca_file = "smtpdoctor.toml"', "smtpdoctor.toml:2"),
        ('[profiles.p]\nresolver = "nowhere"', "smtpdoctor.toml:2"),
        ('[profiles.p]\nconnect_to = ["a:1:b"]', "smtpdoctor.toml:2"),
        ('[profiles.p]\nignore = ["greylistet"]', "smtpdoctor.toml:2"),
        ('[profiles.p]\npreset = "gmial"', "smtpdoctor.toml"),
        ('[profiles.p]\npassword_file = "gone"', "smtpdoctor.toml:2"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_what_is_broken_is_told_with_its_place(
    text: str, place: str, lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("smtpdoctor.toml").write_text(text)
    flags = ["--no-environment", "--until", "dns", "--lang", lang]
    assert place in cli("check", "--profile", "p", *flags, code=2).stderr


@pytest.mark.parametrize("data", [b"\xff\xfe\x00h", b"host = '\x00'", b"\xed\xa0\x80"])
def test_bytes_that_are_no_text(data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("smtpdoctor.toml").write_bytes(data)
    assert "smtpdoctor.toml" in cli("lint", "--host", HOST, "--no-environment", code=2).stderr


# -- Where it is found, and who wins -------------------------------------------


def lint(*arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cli("lint", "--no-environment", "--format", "json", *arguments).stdout)
    return found


def test_flags_win_over_the_profile_and_that_over_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file_of(
        tmp_path,
        {"host": "default.example.com", "port": 25, "sender": USER},
        {"p": {"host": "profile.example.com", "username": USER}},
    )
    shown = lint()["settings"]
    assert (shown["host"]["value"], shown["host"]["origin"]) == ("default.example.com", "smtpdoctor.toml:1")
    shown = lint("--profile", "p", "--port", "587")["settings"]
    assert {name: shown[name]["value"] for name in ("host", "port", "username", "sender")} == {
        "host": "profile.example.com",
        "port": 587,
        "username": USER,
        "sender": USER,
    }
    assert (shown["host"]["origin"], shown["port"]["origin"]) == ("smtpdoctor.toml:5", "flag --port")
    shown = lint("--profile", "p", "--url", "smtp://other.example.com:2525")["settings"]
    assert (shown["host"]["value"], shown["port"]["value"]) == ("other.example.com", 2525)


def test_no_retries_are_something_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zero on the command line wins, too."""
    monkeypatch.chdir(tmp_path)
    with servers.serve(servers.greet(code=421)) as server:
        file_of(tmp_path, {"host": HOST, "port": server.port, "security": "none", "retries": 1}, {})
        for more, attempts in (([], 2), (["--retries", "0"], 0)):
            flags = ["--until", "tls", "--no-environment", "--format", "json", *more]
            shown = json.loads(cli("check", *flags, code=1).stdout)
            assert (shown["verdict"], len(shown.get("attempts", ()))) == ("inconclusive", attempts)


def test_a_preset_and_what_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host or a preset of the file is completed as one that was typed is."""
    monkeypatch.chdir(tmp_path)
    file_of(tmp_path, {}, {"p": {"preset": "gmail"}, "h": {"host": "smtp.gmail.com"}})
    for name in ("p", "h"):
        shown = lint("--profile", name)
        assert (shown["preset"], shown["settings"]["host"]["value"]) == ("gmail", "smtp.gmail.com")
        assert shown["settings"]["port"]["origin"] == "preset gmail"
    assert lint("--profile", "p", "--host", "mail.example.com")["preset"] is None


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from a folder below, up to the root of the repository and no further."""
    (tmp_path / ".git").mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "app.env").write_text("SMTP_HOST=mail.example.com\nSMTP_PORT=587\n")
    file_of(tmp_path, {"env_file": "app.env"}, {})
    for folder in (tmp_path, below):
        monkeypatch.chdir(folder)
        assert lint()["settings"]["host"]["value"] == "mail.example.com"
    (below / ".git").mkdir()
    monkeypatch.chdir(below)
    cli("lint", "--no-environment", code=2)


def test_a_file_above_is_not_looked_for_outside_of_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in a folder for everybody may be anybody's."""
    file_of(tmp_path, {"host": "mail.example.com"}, {})
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    cli("lint", "--no-environment", code=2)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ('[tool.smtpdoctor]\nhost = "mail.example.com"\n', "mail.example.com"),
        ('[tool.smtpdoctor.profiles.p]\nhost = "mail.example.com"\n', None),
        ('[project]\nname = "smtpdoctor-user"\n', None),
        ("broken = smtpdoctor", None),
    ],
)
def test_pyproject(text: str, host: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of ours counts; a pyproject.toml without one, or a broken one, is none of our business."""
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(text)
    shown = lint("--sender", USER) if host else lint("--host", "typed.example.com")
    assert shown["settings"]["host"]["value"] == (host or "typed.example.com")
    if host:
        assert shown["settings"]["host"]["origin"] == "pyproject.toml:2"
    Path("smtpdoctor.toml").write_text('host = "own.example.com"\n')
    assert lint()["settings"]["host"]["value"] == "own.example.com"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--profile", "production"], ["smtpdoctor.toml", "pyproject.toml"]),
        (["--all-profiles"], ["smtpdoctor.toml"]),
    ],
)
def test_profiles_without_a_file(
    arguments: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("check", "lint"):
        error = cli(command, *arguments, code=2).stderr
        assert all(word in error for word in words)
    file_of(tmp_path, {}, {"production": {}, "staging": {}} if len(arguments) > 1 else {})
    if len(arguments) > 1:
        assert "Did you mean production?" in cli("check", "--profile", "prodction", code=2).stderr
    else:
        assert "no profiles" in cli("check", "--all-profiles", code=2).stderr


# -- What such a file must not bring about ---------------------------------------


def hostile(port: int, real: str, ca_pem: str) -> dict[str, dict[str, Any]]:
    """Return what a repository may say to get at a password that stands elsewhere."""
    at = {"host": HOST, "port": port, "security": "none", "username": USER}
    there = f"{real}:587:{HOST}:{port}"
    return {
        "host": at,
        "host and a file without one": {**at, "env_file": "password.env", "no_environment": True},
        "connect_to": {"connect_to": there},
        "connect_to and a CA": {"connect_to": there, "ca_file": ca_pem},
        "a CA": {"ca_file": ca_pem},
        "a file of the user's": {**at, "password_file": "../outside"},
        "a link to a file of the user's": {**at, "password_file": "link"},
        "a whole path": {**at, "password_file": "{outside}"},
    }


HOSTILE = tuple(hostile(0, "", ""))


@pytest.mark.parametrize("as_profile", [False, True])
@pytest.mark.parametrize("way", HOSTILE[:-3])
def test_no_password_of_the_environment_goes_where_only_the_file_says(
    way: str, as_profile: bool, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused, before anything is dialled."""
    refused(way, as_profile, certificates, tmp_path, monkeypatch)


@pytest.mark.parametrize("way", HOSTILE[-3:])
def test_no_file_of_the_user_is_read_as_a_password(
    way: str, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(way, True, certificates, tmp_path, monkeypatch)


def refused(
    way: str, as_profile: bool, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = "real.example.com"
    (tmp_path / "outside").write_text(SECRET)
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "password.env").write_text(f"SMTP_PASSWORD={SECRET}\n")
    monkeypatch.chdir(folder)
    with servers.serve(servers.dialogue()) as server:
        table = hostile(server.port, real, str(certificates.ca_pem))[way]
        if table.get("password_file", "").startswith("{"):
            table["password_file"] = str(tmp_path / "outside")
        file_of(folder, {} if as_profile else table, {"p": table} if as_profile else {})
        environment = {"SMTP_PASSWORD": SECRET, "SMTP_USERNAME": USER, "SMTP_SENDER": USER}
        if "host" not in table:
            environment |= {"SMTP_HOST": real, "SMTP_PORT": "587", "SMTP_TLS": "false"}
        words = ["--profile", "p"] if as_profile else []
        for command in ("check", "fix"):
            result = cli(command, *words, env=environment, code=2)
            assert SECRET not in result.stdout + result.stderr
            assert "smtpdoctor.toml" in result.stderr
        assert server.connections == []


# What the repository says, and in which of its files it names a server of its own.
FOREIGN: dict[str, tuple[dict[str, Any], str, str]] = {
    "another file of settings": ({"env_file": ["../foreign.env", "own.env"]}, "own.env", ""),
    "a link to one": ({"env_file": ["link.env", "own.env"]}, "own.env", ""),
    "in the other order": ({"env_file": ["own.env", "../bare.env"]}, "own.env", ""),
    "a file with a password alone": ({"env_file": "own.env"}, "own.env", "SMTP_PASSWORD_FILE=../secret\n"),
    "with the host in the profile": (
        {"env_file": ["../bare.env", "own.env"], "host": HOST},
        "own.env",
        "",
    ),
}


@pytest.mark.parametrize("in_repository", [False, True])
@pytest.mark.parametrize("way", FOREIGN)
def test_no_file_of_the_user_is_sent_to_whom_it_does_not_name(
    way: str, in_repository: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before anything is dialled, unless the command line names the files."""
    table, name, more = FOREIGN[way]
    folder = tmp_path / "repository"
    folder.mkdir()
    if in_repository:
        (folder / ".git").mkdir()
    (tmp_path / "foreign.env").write_text(f"SMTP_HOST=mail.example.com\nSMTP_PASSWORD={SECRET}\n")
    (tmp_path / "bare.env").write_text(f"SMTP_PASSWORD={SECRET}\n")
    (tmp_path / "secret").write_text(SECRET)
    (folder / "link.env").symlink_to(tmp_path / "foreign.env")
    monkeypatch.chdir(folder)
    with servers.serve(servers.dialogue()) as server:
        (folder / name).write_text(
            f"SMTP_HOST={HOST}\nSMTP_PORT={server.port}\nSMTP_TLS=false\nSMTP_OPPORTUNISTIC_TLS=false\n"
            f"SMTP_USERNAME={USER}\nSMTP_SENDER={USER}\n{more}"
        )
        file_of(folder, {}, {"p": {**table, "no_environment": True, "security": "none"}})
        for words in (
            ("check", "--profile", "p"),
            ("check", "--all-profiles"),
            ("fix", "--profile", "p"),
        ):
            result = cli(*words, code=2)
            said = result.stdout + result.stderr
            assert "smtpdoctor.toml" in said
            assert SECRET not in said
        assert server.connections == []
        files = table["env_file"] if isinstance(table["env_file"], list) else [table["env_file"]]
        typed = [word for one in files for word in ("--env-file", one)]
        if "host" not in table:
            cli("check", "--profile", "p", *typed, "--no-environment")
            server.join()
            assert any(line.startswith("AUTH") for line in server.lines)


def test_a_file_elsewhere_is_read_for_the_server_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with servers.serve(servers.dialogue()) as server:
        (tmp_path / "whole.env").write_text(
            f"SMTP_HOST={HOST}\nSMTP_PORT={server.port}\nSMTP_TLS=false\nSMTP_OPPORTUNISTIC_TLS=false\n"
            f"SMTP_USERNAME={USER}\nSMTP_SENDER={USER}\nSMTP_PASSWORD={PASSWORD}\n"
        )
        file_of(folder, {}, {"p": {"env_file": "../whole.env", "no_environment": True}})
        cli("check", "--profile", "p", code=0)
        server.join()
        assert any(line.startswith("AUTH") for line in server.lines)


def test_a_password_for_another_host_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names its host, only that one gets the login."""
    monkeypatch.chdir(tmp_path)
    with servers.serve(servers.dialogue()) as server:
        file_of(tmp_path, {"host": HOST, "port": server.port, "security": "none", "sender": USER}, {})
        environment = {"SMTP_PASSWORD": PASSWORD, "SMTP_USERNAME": USER, "SMTP_HOST": "mail.example.com"}
        result = cli("check", "--format", "json", env=environment, code=1)
        server.join()
        assert not any(line.startswith("AUTH") for line in server.lines)
        assert json.loads(result.stdout)["findings"][0]["id"] == "config-other-host"
        result = cli("check", "--format", "json", env={**environment, "SMTP_HOST": HOST}, code=0)
        server.join()
        assert any(line.startswith("AUTH") for line in server.lines)


def test_a_password_of_a_configuration_is_not_sent_to_a_typed_host(tmp_path: Path) -> None:
    """Nor does it leave an application's own file for a host that the command line names."""
    path = tmp_path / ".env.production"
    path.write_text(
        "SMTP_SERVER=mail.example.com\nSMTP_PORT=587\nSMTP_LOGIN=app@example.test\n"
        f"SMTP_PASSWORD={SECRET}\nSMTP_FROM_ADDRESS=app@example.test\n"
    )
    with servers.serve(servers.dialogue()) as server:
        flags = ["--host", HOST, "--port", str(server.port), "--security", "none"]
        rest = ["--no-environment", "--config", str(path), "--app", "mastodon", "--format", "json"]
        result = cli("check", *flags, *rest, code=1)
        server.join()
        assert not any(line.startswith("AUTH") for line in server.lines)
    assert "config-other-host" in [one["id"] for one in json.loads(result.stdout)["findings"]]


def test_a_file_sends_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipient in it is asked for at most; to send is for the command line to say."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_text(PASSWORD)
    with servers.serve(servers.dialogue()) as server:
        table = {
            "host": HOST,
            "port": server.port,
            "security": "none",
            "username": USER,
            "password_file": "password",
            "sender": USER,
            "to": "you@example.test",
        }
        file_of(tmp_path, table, {"asked": {"until": "recipient"}})
        for arguments, asked, sent in (
            ([], 0, 0),
            (["--profile", "asked"], 1, 0),
            (["--until", "send"], 2, 1),
        ):
            cli("check", *arguments, "--no-environment", code=0)
            server.join()
            assert sum(line.startswith("RCPT") for line in server.lines) == asked
            assert len(server.messages) == sent


def test_a_login_in_the_clear_is_for_the_command_line_to_allow() -> None:
    assert not {"allow_cleartext_auth", "password", "url", "output", "force"} & set(KEYS)


def test_a_password_file_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes to the host of the project, and to no other one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_text(PASSWORD)
    with servers.serve(servers.dialogue(users={USER: PASSWORD})) as server:
        table = {"host": HOST, "port": server.port, "username": USER, "password_file": "password"}
        file_of(tmp_path, {**table, "security": "none", "sender": USER, "no_environment": True}, {})
        cli("check", code=0)
        server.join()
        assert sum(line.startswith("AUTH") for line in server.lines) == 1
        result = cli("check", "--host", "localhost", "--format", "json")
        server.join()
        assert sum(line.startswith("AUTH") for line in server.lines) == 1
    assert json.loads(result.stdout)["settings"]["password"] == {}
    assert os.environ.get("SMTP_PASSWORD") is None
