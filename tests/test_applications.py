"""Configuration that is written for applications: each reads it as it was meant, whoever reads the file."""

from __future__ import annotations

import ast
import configparser
import contextlib
import json
import re
import shutil
import stat
import subprocess
import tomllib
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from typer.testing import CliRunner

from smtpdoctor.cli import app
from smtpdoctor.cli.generate import format_for
from smtpdoctor.cli.options import FileKind
from smtpdoctor.errors import UsageError
from smtpdoctor.generate.application import settings_of
from smtpdoctor.generate.kinds import KINDS, kinds_of
from smtpdoctor.generate.plan import Wish
from smtpdoctor.generate.planning import planner_for
from smtpdoctor.generate.spelling import form_of, says
from smtpdoctor.knowledge import load
from smtpdoctor.model import Message, Secret, Security
from smtpdoctor.settings.dialect import read
from smtpdoctor.text import LANGUAGES, say
from tests.each import each
from tests.examples import examples, some_of
from tests.written import cells, document_of, faults, sayable, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

    from smtpdoctor.generate.kinds import FileKind as Kind
    from smtpdoctor.knowledge.dialects import Dialect

APPS = load.dialect_ids()
PRESETS = tuple(load.presets())
# What an application does whatever is written: found by the rules, and told when it is written.
QUIRKS = {
    ("outline", "config-no-verification"),
    ("curl", "config-tls-optional"),
    ("odoo", "config-word"),
    ("symfony", "config-version-dependent"),
}


def dialect_of(name: str) -> Dialect:
    found = load.dialect(name)
    assert found is not None
    return found


def run(*args: object, lang: str = "en") -> Result:
    return CliRunner().invoke(app, [str(one) for one in args], env={"SMTPDOCTOR_LANG": lang})


def sample(number: int) -> Iterator[str]:
    """Yield a provider for an application, another one for each: all of them are had in turn."""
    yield PRESETS[(number * 5) % len(PRESETS)]


def test_the_kinds_of_files_are_those_of_the_option() -> None:
    assert set(get_args(FileKind)) == {one.name for one in KINDS}


def test_every_application_has_a_kind_of_file() -> None:
    assert [name for name in APPS if not kinds_of(dialect_of(name))] == []


@pytest.mark.parametrize("name", APPS)
def test_what_is_written_is_read_as_it_was_meant(name: str) -> None:
    """Written for a provider and a mode that both can express, read back the same, and nothing found in it."""
    dialect = dialect_of(name)
    for preset_name in sample(APPS.index(name)):
        preset = load.preset(preset_name)
        assert preset is not None
        kinds = kinds_of(dialect)
        offered = list(cells(preset))
        for port, mode in (*offered[:1], *some_of(offered[1:], 2, APPS.index(name))):
            done = []
            for kind in kinds if (port, mode) == offered[0] else kinds[:1]:
                try:
                    plan, text = written(dialect, kind, preset, Wish(port=port, security=mode))
                except UsageError:
                    continue
                done.append(kind.name)
                wrong = [one for one in faults(dialect, kind, plan, text) if (name, one) not in QUIRKS]
                assert wrong == [], (kind.name, preset_name, port, mode, text)
            assert done or len(kinds) > 1 or not sayable(dialect, preset, port, mode), (
                preset_name,
                port,
                mode,
            )


@cache
def in_all_kinds() -> list[tuple[Dialect, Kind, str]]:
    """Return a text of each application in each kind of file."""
    found = []
    preset = load.preset("gmail")
    assert preset is not None
    for name in APPS:
        dialect = dialect_of(name)
        for kind in kinds_of(dialect):
            try:
                _, text = written(dialect, kind, preset, Wish(username="jane@gmail.com"))
            except UsageError:
                continue
            found.append((dialect, kind, text))
    return found


def test_readers_of_others_take_the_files() -> None:
    """What is no file of its syntax for its usual reader is of no use, whatever ours make of it."""
    for dialect, kind, text in in_all_kinds():
        match kind.name:
            case "python":
                ast.parse(text)
            case "json":
                assert isinstance(json.loads(text), dict)
            case "toml":
                assert tomllib.loads(text)
            case "yaml" | "kubernetes" | "compose":
                assert YAML(typ="safe").load(text), dialect.id
            case "ini":
                parser = configparser.ConfigParser(interpolation=None)
                parser.read_string(text)
                assert parser.sections(), dialect.id


@pytest.mark.parametrize(
    ("kind", "program", "command"),
    [
        ("php", "php", ["php", "-l"]),
        ("javascript", "node", ["node", "--check"]),
        ("ruby", "ruby", ["ruby", "-c"]),
    ],
)
def test_languages_take_the_files(kind: str, program: str, command: list[str], tmp_path: Path) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")
    endings = {"php": "php", "javascript": "js", "ruby": "rb"}
    for dialect, one, text in in_all_kinds():
        if one.name == kind:
            path = tmp_path / f"{dialect.id}.{endings[kind]}"
            path.write_text(text, encoding="utf-8")
            done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, (dialect.id, done.stdout, done.stderr, text)


PASSWORDS = st.text(
    st.sampled_from("aZ0 '\"\\$#%{}&<>=:;,!?@~`|*[]()é가\t\n") | st.characters(codec="utf-8"),
    min_size=1,
    max_size=14,
)


@settings(
    max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(password=PASSWORDS, number=st.integers(0, 10_000))
def test_a_value_is_read_back_or_refused(password: str, number: int) -> None:
    """Whatever a password consists of: a file never says another one."""
    preset = load.preset("own")
    assert preset is not None
    dialect = dialect_of(APPS[number % len(APPS)])
    for kind in kinds_of(dialect):
        wish = Wish(username="jane", sender="jane@example.com", password=Secret(password))
        try:
            plan, text = written(dialect, kind, preset, wish)
        except UsageError:
            continue
        _, scope = document_of(dialect, kind, text)
        used = read(dialect, scope).used.get("password")
        if used is not None:  # there are files that hold no password
            assert used.text == password, (dialect.id, kind.name, text)
        else:
            assert kind.name in {"xml", "plist"} or "password" not in dialect.keys, (
                dialect.id,
                kind.name,
                plan,
            )


# Files that stand already.

STANDING = {
    "dotenv": "# mine\nA=1\n\nB='x' # why\n",
    "yaml": "# mine\nserver:\n  port: 8080   # why\nlogging:\n  - a\n",
    "properties": "# mine\nserver.port=8080\n! why\n",
    "ini": "; mine\n[server]\nport = 1\n\n[log]\nlevel = info\n",
    "json": '{\n  "server": {\n    "port": 1\n  },\n  "log": "info"\n}\n',
    "toml": '# mine\nname = "x"\n\n[server]\nport = 1\n',
    "php": "<?php\n// mine\ndefine( 'A', 1 );\n",
    "ruby": "# mine\nexternal_url 'https://x'\n",
    "msmtprc": "# mine\ndefaults\ntls_trust_file /etc/ssl/a.pem\n",
    "kubernetes": "# mine\napiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  A: '1'\n",
}


@each("name", APPS)
def test_a_file_keeps_what_is_not_ours(name: str) -> None:
    """Every line that stood there stands there still, in its order; a second run changes nothing."""
    preset = load.preset("gmail")
    assert preset is not None
    dialect = dialect_of(name)
    for kind in kinds_of(dialect):
        before = STANDING.get(kind.name)
        if before is None or kind.name == "compose":
            continue
        wish = Wish(username="jane@gmail.com", password=Secret("abcd efgh ijkl mnop"))
        try:
            planner = planner_for(dialect, kind, preset, wish)
            plan = planner({})
        except UsageError:
            continue
        file = format_for(dialect, kind, planner)
        if form_of(dialect, kind.name).text:
            with pytest.raises(UsageError):
                file.merge(before, plan, "en", file="x", force=False)
            continue
        after = file.merge(before, plan, "en", file="x", force=False).text
        lines = iter(after.split("\n"))
        missing = [one for one in before.split("\n") if one and not any(_holds(line, one) for line in lines)]
        assert missing == [], (kind.name, after)
        again = file.merge(after, plan, "ko", file="x", force=False)
        assert again.text == after
        assert again.written == ()


def _holds(line: str, one: str) -> bool:
    """Whether a line is one that stood there; a member of JSON may have got a comma."""
    return line in {one, f"{one},"}


@pytest.mark.parametrize("name", APPS)
def test_a_file_is_turned_from_one_mode_to_another(name: str) -> None:
    """What a file says of the mode before does not stay in the way, whatever words it said that with."""
    preset = load.preset("own")
    assert preset is not None
    dialect = dialect_of(name)
    kinds = kinds_of(dialect)
    for kind in kinds if APPS.index(name) % 6 == 0 else kinds[:1]:
        texts = {}
        for port, mode in ((465, Security.TLS), (587, Security.STARTTLS), (587, Security.OPPORTUNISTIC)):
            wish = Wish(port=port, security=mode, username="jane", sender="jane@example.com")
            with contextlib.suppress(UsageError):
                texts[mode] = (*written(dialect, kind, preset, wish), wish)
        pairs = list(product(texts, texts.items()))
        for before, (mode, (plan, _, wish)) in some_of(pairs, 2, APPS.index(name)):
            if before is mode or not kind.syntax or form_of(dialect, kind.name).text:
                continue
            file = format_for(dialect, kind, planner_for(dialect, kind, preset, wish))
            after = file.merge(texts[before][1], plan, "en", file="x", force=True).text
            document, scope = document_of(dialect, kind, after)
            assert document.problems == ()
            assert says(read(dialect, scope), settings_of(plan, dialect), mode), (
                kind.name,
                before,
                mode,
                after,
            )


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("n8n", ".env", "N8N_SMTP_HOST=smtp.naver.com\nN8N_SMTP_USER=a@naver.com\nN8N_SMTP_PASS=secret-of-naver\n"),
        ("spring-boot", "application.yml", "spring:\n  mail:\n    host: smtp.naver.com\n    password: secret-of-naver\n"),
        ("spring-boot", "application.properties", "spring.mail.host=smtp.naver.com\nspring.mail.password=secret-of-naver\n"),
        ("gitea", "app.ini", "[mailer]\nSMTP_ADDR = smtp.naver.com\nPASSWD = secret-of-naver\n"),
        ("gitlab", "gitlab.rb", "gitlab_rails['smtp_address'] = 'smtp.naver.com'\ngitlab_rails['smtp_password'] = 'secret-of-naver'\n"),
        ("django", "settings.py", "EMAIL_HOST = 'smtp.naver.com'\nEMAIL_HOST_PASSWORD = 'secret-of-naver'\n"),
        ("ghost", "config.json", '{"mail": {"options": {"host": "smtp.naver.com", "auth": {"pass": "secret-of-naver"}}}}'),
        ("lldap", "lldap.toml", '[smtp_options]\nserver = "smtp.naver.com"\npassword = "secret-of-naver"\n'),
        ("nextauth", ".env", "EMAIL_SERVER=smtp://a%40naver.com:secret-of-naver@smtp.naver.com:587\n"),
        ("wordpress", "wp-config.php", "<?php\ndefine('WPMS_SMTP_HOST', 'smtp.naver.com');\ndefine('WPMS_SMTP_PASS', 'secret-of-naver');\n"),
        ("msmtp", "msmtprc", "account default\nhost smtp.naver.com\npassword secret-of-naver\n"),
    ],
)  # fmt: skip
def test_the_login_of_another_provider_does_not_stay(name: str, file: str, text: str, tmp_path: Path) -> None:
    """Without --force nothing happens; with it the old provider's login is gone, and the file is read as ours."""
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    refused = run("generate", "gmail", "--app", name, "--write", path)
    assert refused.exit_code == 2
    assert path.read_text(encoding="utf-8") == text
    done = run("generate", "gmail", "--app", name, "--write", path, "--force")
    assert done.exit_code == 0, done.stderr
    after = path.read_text(encoding="utf-8")
    assert "secret-of-naver" not in after + done.output
    assert "smtp.gmail.com" in after
    report = json.loads(
        run("lint", "--config", path, "--app", name, "--no-environment", "--format", "json").stdout
    )
    assert report["settings"]["host"]["value"] == "smtp.gmail.com"
    assert report["settings"]["security"]["value"] in {"tls", "starttls"} or name == "gitlab"


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("spring-boot", "application.yml", "spring: [\n"),
        ("ghost", "config.json", '{"mail": \n'),
        ("lldap", "lldap.toml", "[smtp_options\n"),
        ("django", "settings.py", "EMAIL_HOST = (\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_left_alone(name: str, file: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    done = run("generate", "gmail", "--app", name, "--write", path, "--force")
    assert done.exit_code == 2
    assert path.read_text(encoding="utf-8") == text


def test_a_file_under_version_control_is_told(tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("no git")
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    told = run("generate", "gmail", "--app", "n8n", "--write", tmp_path / ".env")
    assert ".gitignore" in told.stderr
    (tmp_path / ".gitignore").write_text(".env\n", encoding="utf-8")
    told = run("generate", "gmail", "--app", "n8n", "--write", tmp_path / ".env")
    assert ".gitignore" not in told.stderr


# Another application's words.

MASTODON = (
    "SMTP_SERVER=smtp.gmail.com\nSMTP_PORT=587\nSMTP_LOGIN=jane@gmail.com\nSMTP_PASSWORD=abcdefghijklmnop\n"
    "SMTP_FROM_ADDRESS=jane@gmail.com\nSMTP_ENABLE_STARTTLS=always\nSMTP_REPLY_TO=help@gmail.com\n"
)


@pytest.fixture
def mastodon(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text(MASTODON, encoding="utf-8")
    return path


@pytest.mark.parametrize(("lang", "said"), [("en", "cannot require STARTTLS"), ("ko", "STARTTLS를 필수로")])
def test_what_gets_lost_is_told(lang: str, said: str, mastodon: Path) -> None:
    done = run("convert", mastodon, "--from", "mastodon", "--to", "n8n", lang=lang)
    assert done.exit_code == 0, done.stderr
    assert said in done.stderr
    assert "SMTP_REPLY_TO" in done.stderr
    assert "N8N_SMTP_HOST=smtp.gmail.com" in done.stdout
    assert "abcdefghijklmnop" not in done.output


def test_the_losses_are_in_json(mastodon: Path) -> None:
    done = json.loads(
        run("convert", mastodon, "--to", "n8n", "--from", "mastodon", "--format", "json").stdout
    )
    assert (done["from"], done["to"]) == ("mastodon", "n8n")
    assert {"security", "others"} <= {one["name"] for one in done["losses"]}
    assert "N8N_SMTP_PASS" in done["to_fill_in"]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_fault_that_is_carried_over_is_told(lang: str, tmp_path: Path) -> None:
    """And how it is mended where it stands; also where nothing can be said for it."""
    path = tmp_path / ".env"
    path.write_text(MASTODON.replace("587", "465"), encoding="utf-8")
    done = run("convert", path, "--from", "mastodon", "--to", "django", lang=lang)
    assert done.exit_code == 0, done.stderr
    command = f"smtpdoctor fix --no-network --config {path} --app mastodon"
    assert command in done.stderr
    path.write_text(MASTODON.replace("587", "none"), encoding="utf-8")
    done = run("convert", path, "--from", "mastodon", "--to", "django", lang=lang)
    assert done.exit_code == 2
    assert command in done.stderr


def test_the_base_variables_are_an_application_s_words(mastodon: Path, tmp_path: Path) -> None:
    """As what is converted from, and to; what comes back is the same."""
    text = run("convert", mastodon, "--from", "mastodon", "--to", "smtp", "--with-password").stdout
    assert "SMTP_HOST=smtp.gmail.com" in text
    assert "SMTP_OPPORTUNISTIC_TLS=true" in text
    base = tmp_path / "base.env"
    base.write_text(text, encoding="utf-8")
    back = run("convert", base, "--from", "smtp", "--to", "mastodon", "--with-password").stdout
    expected = MASTODON.replace("SMTP_REPLY_TO=help@gmail.com\n", "").splitlines()
    assert sorted(line for line in back.splitlines() if not line.startswith("#")) == sorted(expected)


def test_a_password_goes_where_it_is_asked_for(mastodon: Path, tmp_path: Path) -> None:
    shown = run("convert", mastodon, "--from", "mastodon", "--to", "n8n", "--with-password")
    assert "N8N_SMTP_PASS=abcdefghijklmnop" in shown.stdout
    path = tmp_path / "n8n.env"
    done = run("convert", mastodon, "--from", "mastodon", "--to", "n8n", "--write", path)
    assert done.exit_code == 0, done.stderr
    assert "abcdefghijklmnop" not in done.output
    assert "N8N_SMTP_PASS=abcdefghijklmnop" in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "--to"),
        (("--to", "n9n"), "n8n"),
        (("--to", "n8n", "--for", "ini"), "dotenv"),
        (("--to", "dotnet", "--from", "vaultwarden"), "vaultwarden"),
        (("--to", "gnuboard", "--from", "mastodon"), "gnuboard"),
    ],
)
def test_refuses_to_convert(args: tuple[str, ...], said: str, mastodon: Path) -> None:
    done = run("convert", mastodon, *args)
    assert done.exit_code == 2
    assert said.lower() in done.stderr.lower()


def test_what_cannot_be_said_is_refused_with_what_can(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(MASTODON.replace("587", "465").replace("SMTP_ENABLE_STARTTLS=always", "SMTP_TLS=true"))
    done = run("convert", path, "--from", "mastodon", "--to", "odoo")
    assert done.exit_code == 2
    assert "smtpdoctor generate gmail --app odoo --set port=587" in done.stderr


def test_settings_come_back_from_another_application(tmp_path: Path) -> None:
    """From one application to another and back: the same host, port, login and sender, and the same mode or told."""
    preset = load.preset("sendgrid")
    assert preset is not None
    path, other = tmp_path / "first", tmp_path / "second"
    for number, name in enumerate(APPS):
        dialect = dialect_of(name)
        kind = kinds_of(dialect)[0]
        if kind.name != "dotenv" or number % 9:
            continue
        try:
            _, text = written(dialect, kind, preset, Wish(security=Security.TLS, sender="jane@example.com"))
        except UsageError:
            continue
        path.with_suffix(".env").write_text(text, encoding="utf-8")
        for target in ("vaultwarden", "spring-boot"):
            other.unlink(missing_ok=True)
            file = other.with_suffix(".env" if target == "vaultwarden" else ".properties")
            file.unlink(missing_ok=True)
            done = run("convert", path.with_suffix(".env"), "--from", name, "--to", target, "--write", file)
            assert done.exit_code == 0, (name, target, done.stderr)
            arguments = ("--config", file, "--app", target, "--no-environment", "--format", "json")
            shown = json.loads(run("lint", *arguments).stdout)["settings"]
            assert shown["host"]["value"] == "smtp.sendgrid.net", name
            assert (shown["port"]["value"], shown["security"]["value"]) == (465, "tls"), name
            assert shown["username"]["value"] == "apikey", name


def test_no_text_is_left_unfilled() -> None:
    for dialect, _, text in in_all_kinds():
        assert re.search(r"@\{", text) is None, dialect.id


@pytest.mark.parametrize("lang", LANGUAGES)
def test_names_are_told_without_our_own_signs(lang: str) -> None:
    """A part of a value is a note of ours: nobody finds it in a file."""
    for name in some_of(APPS, 2, LANGUAGES.index(lang)):
        shown = CliRunner().invoke(app, ["apps", name, "--lang", lang]).stdout
        assert not re.search(r"\w@(?:host|port|user|password|scheme|query)\b", shown), name


UNUSUAL = ("a\tb", "a'\"$`b", "a${B}c", "ab ", "한글🙂", "a%(b)s")


@pytest.mark.parametrize("name", APPS)
def test_what_cannot_be_written_is_refused_with_why_and_with_what_can(name: str) -> None:
    """Which signs, in which syntax; and each kind of file that is named for it holds the value."""
    preset = load.preset("own")
    assert preset is not None
    dialect = dialect_of(name)
    kinds = kinds_of(dialect)

    @cache  # what one kind names as able is tried for itself as well
    def refusal(kind: Kind, password: str) -> UsageError | None:
        wish = Wish(username="jane", sender="jane@example.com", password=Secret(password))
        try:
            planner = planner_for(dialect, kind, preset, wish)
            format_for(dialect, kind, planner).render(planner({}), "en")
        except UsageError as error:
            return error
        return None

    for kind, password in some_of(list(product(kinds, UNUSUAL)), 3, APPS.index(name)):
        error = refusal(kind, password)
        if error is None or error.message.key != "usage.generate.syntax":
            continue  # others: it takes no login, or has no place for a password
        why = error.message.values["why"]
        assert isinstance(why, Message)
        assert why.key != "generate.why.changed", (kind.name, password)
        told = [say(lang, error.message) for lang in LANGUAGES]
        assert all(one and "None" not in one for one in told)
        assert why.key == "generate.why.control" or error.hints
        for hint in error.hints:
            for other in str(hint.values.get("known", "")).split(", ") if "known" in hint.values else ():
                able = next(one for one in kinds if one.name == other)
                assert refusal(able, password) is None, (kind.name, other, password)


@each("name", APPS)
def test_what_is_said_to_people_is_in_their_language(name: str) -> None:
    """Also what stands in the midst of a text that is written as a whole."""
    preset = load.preset("naver")
    assert preset is not None
    dialect = dialect_of(name)
    for kind in kinds_of(dialect):
        try:
            planner = planner_for(dialect, kind, preset, Wish(username="jane@naver.com"))
            file = format_for(dialect, kind, planner)
            texts = [file.render(planner({}), lang).splitlines() for lang in LANGUAGES]
        except UsageError:
            continue
        signs = "<!--" if kind.comment == "<!--" else kind.comment or "#"
        alike = [
            line.strip()
            for line in texts[1]
            if line.strip().startswith(signs) and not re.search("[가-힣]|https?://|smtpdoctor ", line)
        ]
        assert alike == [], kind.name
