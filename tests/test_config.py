"""``--config``: real configurations of applications, files that name others, and what nobody can decide."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from smtpdoctor.cli import app
from smtpdoctor.knowledge import load
from tests.app_cases import answer, cases_in, score
from tests.examples import examples, some_of

DATA = Path(__file__).parent / "data"


@pytest.fixture(
    scope="module",
    params=["app-cases", "app-cases-public", "app-cases-found", "app-cases-asked", "app-cases-spread"],
)
def told(request: pytest.FixtureRequest) -> tuple[dict[str, int], list[str]]:
    """Return what is said of all cases, held against what is right."""
    folder = DATA / request.param
    cases = cases_in(folder)
    counts, misses = score(cases, {case["id"]: answer(folder, case) for case in cases})
    return dict(counts), misses


@pytest.mark.parametrize(
    ("what", "share"),
    [
        ("app", 0.95),
        ("host", 0.95),
        ("port", 0.95),
        ("security", 0.95),
        ("username", 0.95),
        ("sender", 0.95),
        ("sends_login", 0.9),
        ("findings", 0.95),
    ],
)
def test_real_configurations(what: str, share: float, told: tuple[dict[str, int], list[str]]) -> None:
    """What the application really uses, and what is wrong in which line."""
    counts, misses = told
    assert counts[f"{what} right"] >= share * counts[f"{what} of"], misses


def test_no_false_alarm_where_nothing_is_wrong(told: tuple[dict[str, int], list[str]]) -> None:
    counts, misses = told
    assert counts.get("false alarms where nothing is wrong", 0) == 0, misses
    assert counts.get("false alarms", 0) <= 2, misses


def lint(*arguments: str, code: int) -> str:
    """Run ``lint --config`` on files of the current folder."""
    done = CliRunner().invoke(app, ["lint", "--no-environment", *arguments])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


MASTODON = """SMTP_SERVER=smtp.naver.com
SMTP_PORT=465
SMTP_LOGIN=kim
SMTP_PASSWORD=abcdefghijkl
SMTP_FROM_ADDRESS=kim@naver.com
"""


def test_another_application_s_variables_need_no_flag(folder: Path) -> None:
    """In `.env` as in a file that is named; what it does with them is said in a sentence."""
    (folder / ".env").write_text(MASTODON)
    for arguments in ((), ("--config", ".env"), ("--app", "mastodon")):
        told = json.loads(lint(*arguments, "--format", "json", code=1))
        assert told["app"] == "mastodon"
        assert told["settings"]["host"] == {"value": "smtp.naver.com", "origin": ".env:1", "overrides": []}
        assert told["settings"]["security"]["value"] == "opportunistic"
        assert {one["id"] for one in told["findings"]} >= {"config-tls-mode"}
        assert "Mastodon connects to smtp.naver.com:465" in told["stages"][0]["summary"]


COMPOSE = """services:
  social:
    image: ghcr.io/mastodon/mastodon:v4.4
    env_file: social.env
  automation:
    image: n8nio/n8n:1.100
    environment:
      N8N_SMTP_HOST: smtp.gmail.com
      N8N_SMTP_PORT: "${MAIL_PORT:-587}"
      N8N_SMTP_USER: a@gmail.com
      N8N_SMTP_PASS: abcdabcdabcdabcd
  db:
    image: postgres:17
"""


def test_each_service_has_its_own_result(folder: Path) -> None:
    """And `--service` picks one; a finding stands where the text is wrong."""
    (folder / "compose.yml").write_text(COMPOSE)
    (folder / "social.env").write_text(MASTODON)
    (folder / ".env").write_text("MAIL_PORT=465\n")
    told = json.loads(lint("--config", "compose.yml", "--format", "json", code=1))
    assert [one["service"] for one in told["reports"]] == ["social", "automation"]
    assert [one["app"] for one in told["reports"]] == ["mastodon", "n8n"]
    one = json.loads(lint("--config", "compose.yml", "--service", "automation", "--format", "json", code=0))
    assert one["settings"]["port"] == {"value": 465, "origin": ".env:1", "overrides": []}
    assert one["settings"]["security"]["value"] == "tls"  # unless N8N_SMTP_SSL says otherwise
    output = lint("--config", "compose.yml", "--service", "nosuch", code=2)
    assert "nosuch" in output


def test_nothing_is_guessed(folder: Path) -> None:
    """Where the names belong to several applications, these are told; `--app` decides."""
    (folder / "mail.env").write_text("EMAIL_URL=smtp://user:pw@smtp.example.org:587\n")
    output = lint("--config", "mail.env", code=2)
    assert "--app" in output
    told = json.loads(lint("--config", "mail.env", "--app", "glitchtip", "--format", "json", code=1))
    assert told["settings"]["security"]["value"] == "none"


def test_a_file_of_nobody_s_says_so(folder: Path) -> None:
    (folder / "x.ini").write_text("[a]\nb = c\n")
    assert "smtpdoctor apps" in lint("--config", "x.ini", code=2)
    assert "nosuch.yml" in lint("--config", "nosuch.yml", code=2)
    (folder / "x.toml.bin").write_bytes(b"\0\1\2")
    assert "x.toml.bin" in lint("--config", "x.toml.bin", code=2)


def test_a_version_decides(folder: Path) -> None:
    """From `--app-version`, or the lock file beside; else both answers are told."""
    (folder / ".env").write_text(
        "APP_NAME=x\nMAIL_MAILER=smtp\nMAIL_SCHEME=tls\nMAIL_HOST=smtp.gmail.com\nMAIL_PORT=587\n"
        "MAIL_USERNAME=a@gmail.com\nMAIL_PASSWORD=abcdabcdabcdabcd\nMAIL_FROM_ADDRESS=a@gmail.com\n"
    )

    def ids(*arguments: str) -> set[str]:
        done = CliRunner().invoke(
            app, ["lint", "--no-environment", "--config", ".env", "--format", "json", *arguments]
        )
        return {one["id"] for one in json.loads(done.stdout)["findings"]}

    assert {"config-word", "config-by-version"} <= ids()
    assert "config-by-version" not in ids("--app-version", "8.0")
    assert "config-word" in ids("--app-version", "8.0")
    assert "config-word" not in ids("--app-version", "6.4")
    (folder / "composer.lock").write_text(
        json.dumps({"packages": [{"name": "symfony/mailer", "version": "v6.4.2"}]})
    )
    assert not {"config-word", "config-by-version"} & ids()


def test_apps_shows_what_is_known() -> None:
    """Every application, in both languages, in words and as JSON."""
    run = CliRunner()
    names = run.invoke(app, ["apps", "--quiet"]).stdout.split()
    assert {"mastodon", "n8n", "django", "laravel", "spring-boot", "nodemailer"} <= set(names)
    for number, name in enumerate(names):
        for lang in some_of(("en", "ko"), 2, number):
            done = run.invoke(app, ["apps", name, "--lang", lang])
            assert done.exit_code == 0, (name, done.output)
            assert name in done.stdout
        shown = json.loads(run.invoke(app, ["apps", name, "--format", "json"]).stdout)["app"]
        assert shown["id"] == name
        assert shown["modes"] or shown["variables"] == {}
    assert run.invoke(app, ["apps", "mastodn"]).exit_code == 2


def test_later_files_win(folder: Path) -> None:
    """As an override file over the one before it; each value has its own place."""
    (folder / "a.env").write_text(MASTODON)
    (folder / "b.env").write_text("SMTP_PORT=587\n")
    told = json.loads(lint("--config", "a.env", "--config", "b.env", "--format", "json", code=0))
    assert told["settings"]["port"]["origin"] == "b.env:1"
    assert told["settings"]["host"]["origin"] == "a.env:1"


def test_the_environment_stands_over_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.env").write_text(MASTODON)
    monkeypatch.setenv("SMTP_PORT", "587")
    done = CliRunner().invoke(app, ["lint", "--config", "a.env", "--format", "json"])
    assert json.loads(done.stdout)["settings"]["port"] == {
        "value": 587,
        "origin": "environment SMTP_PORT",
        "overrides": [],
    }


def test_more_than_is_looked_into_is_refused(folder: Path) -> None:
    """With what there is too much of, and where."""
    (folder / "compose.yml").write_text("services:\n" + "".join(f"  s{i}: {{}}\n" for i in range(400_000)))
    assert "compose.yml" in lint("--config", "compose.yml", code=2)
    lines = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
    )
    (folder / "bomb.yml").write_text("services:\n  x:\n    image: n8nio/n8n\n" + lines)
    assert "bomb.yml" in lint("--config", "bomb.yml", code=2)


def test_a_broken_file_is_told_with_its_line(folder: Path) -> None:
    """And what stood before the fault was read."""
    (folder / "compose.yml").write_text(COMPOSE.replace("  db:", '  "db: ['))
    (folder / "social.env").write_text(MASTODON)
    output = lint("--config", "compose.yml", code=1)
    assert "compose.yml:12" in output


# What is too much is refused, with the limit and the place.

N8N = "    image: n8nio/n8n\n    environment:\n      N8N_SMTP_HOST: smtp.example.net\n      N8N_SMTP_PORT: 465\n"


def refused(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["lint", "--no-environment", "--config", name])
    assert done.exit_code == 2, done.output
    return str(done.stderr)


def test_a_file_that_is_too_large_is_refused_by_its_size() -> None:
    assert "16 MB" in refused("docker-compose.yml", "services:\n  a:\n" + N8N + "#" * 17_000_000)


def test_a_long_file_of_source_code_is_refused_before_it_is_parsed() -> None:
    said = refused("send.php", "<?php\n$mail = new PHPMailer(true);\n" + "$a = 1;\n" * 650_000)
    assert "2000000" in said
    assert "send.php" in said


@pytest.mark.parametrize("depth", [12, 40])
@pytest.mark.parametrize("merged", [True, False])
def test_an_anchor_bomb_is_refused_or_told(depth: int, merged: bool) -> None:
    """Ten times ten times ten: neither as lists nor as merged maps are all of them ever made."""
    lines = ["x0: &x0", "  K0: v"]
    for number in range(1, depth):
        before = ", ".join([f"*x{number - 1}"] * 10)
        lines += [f"x{number}: &x{number}", f"  <<: [{before}]" if merged else f"  K{number}: [{before}]"]
    last = f"      <<: *x{depth - 1}" if merged else f"      B: *x{depth - 1}"
    text = "\n".join([*lines, "services:", "  n8n:", N8N + last, ""])
    Path("docker-compose.yml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["lint", "--no-environment", "--config", "docker-compose.yml"])
    assert done.exit_code in {1, 2}
    assert "docker-compose.yml" in done.output + done.stderr


def test_each_of_many_services_has_its_own_result() -> None:
    services = "".join(f"  s{number}:\n{N8N}" for number in range(60))
    Path("docker-compose.yml").write_text("services:\n" + services, encoding="utf-8")
    shown = json.loads(lint("--config", "docker-compose.yml", "--format", "json", code=1))
    assert len(shown["reports"]) == 60


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_break_in_a_secret_is_told_once(end: str) -> None:
    """As `echo` leaves it behind in base64: where it comes from, and not a second time that it is there."""
    import base64

    coded = base64.b64encode(f"kq8Rt2mWx91z{end}".encode()).decode()
    Path("secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: n8n}\ndata:\n"
        f"  N8N_SMTP_HOST: {base64.b64encode(b'mail.corp.example').decode()}\n"
        f"  N8N_SMTP_USER: {base64.b64encode(b'a@corp.example').decode()}\n"
        f"  N8N_SMTP_PASS: {coded}\n",
        encoding="utf-8",
    )
    shown = json.loads(lint("--config", "secret.yaml", "--format", "json", code=1))
    about = [one for one in shown["findings"] if one["origin"] == "secret.yaml:7"]
    assert [(one["id"], one["severity"]) for one in about] == [("config-file-syntax", "error")]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("compose.yml", 'services:\n  x:\n    environment:\n      N8N_SMTP_PASS: "{}\n      N8N: [a\n', 4),
        ("compose.yml", "services:\n\tx:\n\t\timage: n8nio/n8n\n\t\tN8N_SMTP_PASS: {}\n", 2),
        ("x.json", '{{"a": 1,\n "password": "{}" 3}}\n', 2),
        ("x.toml", 'a = 1\n[smtp]\npassword = "{}\n', 3),
        ("settings.py", 'EMAIL_PORT = 25\nEMAIL_HOST_PASSWORD = "{}\n', 2),
        ("x.json", '{{"a":' * 1000 + '"{}"' + "}}" * 1000, 1),
    ],
)
def test_where_nothing_is_found_the_place_that_stops_the_reading_is_told(
    name: str, text: str, line: int, lang: str, folder: Path
) -> None:
    """And nothing of what stands there."""
    (folder / name).write_text(text.format("Zx9kq0vm3PwS"))
    done = CliRunner().invoke(app, ["lint", "--no-environment", "--config", name, "--lang", lang])
    output = done.output
    assert done.exit_code in {1, 2}  # 1 where an application is known all the same
    assert f"{name}:{line}" in output
    assert "Zx9kq0vm3PwS" not in output


@given(
    st.sampled_from(
        sorted(
            name
            for name in load.dialect_names().exact
            if re.fullmatch("(?=.*(?:MAIL|SMTP))[A-Z0-9_]{6,}", name)
        )
    )
)
@settings(max_examples=examples(30))
def test_a_file_whose_names_all_miss_by_one_sign(name: str) -> None:
    """Says which name was meant, or at least one as near."""
    for wrong in (name.replace("__", "_", 1), f"{name[:-2]}{name[-1]}", f"{name}S"):
        if load.dialect_names().readers(wrong):
            continue
        with TemporaryDirectory() as there:
            path = Path(there) / "x.env"
            path.write_text(f"A=b\n{wrong}=Zx9kq0vm3PwS\n")
            output = lint("--config", str(path), code=2)
        assert f"{wrong} ({path}:2) is not read" in " ".join(output.split())
        assert "Zx9kq0vm3PwS" not in output


def test_one_candidate_is_no_choice(folder: Path) -> None:
    (folder / "x.env").write_text(
        "SMTP_HOST=smtp.gmail.com\nSMTP_PORT=465\nSMTP_USERNAME=a\nSMTP_FROM=a@gmail.com\nSMTP_SECURE=true\n"
    )
    assert "perhaps" in lint("--config", "x.env", code=2)


def test_a_value_longer_than_any_setting_is_refused(folder: Path) -> None:
    """Before anybody looks for secrets in megabytes of it."""
    (folder / "x.env").write_text("MAIL_MAILER=smtp\nAPP_NAME=x\nMAIL_PASSWORD=" + "Zx9kq0vm3PwS" * 100_000)
    output = lint("--config", "x.env", code=2)
    assert "MAIL_PASSWORD (x.env:3)" in output
    assert "Zx9" not in output


@pytest.mark.parametrize(
    ("head", "read"),
    [
        ("import os", "os.environ.get({!r}, '')"),
        ("import os", "os.getenv({!r}) or ''"),
        ("import environ\nenv = environ.Env()", "env({!r}, default='')"),
        ("from decouple import config", "config({!r}, default='')"),
    ],
)
def test_an_empty_default_is_left_to_the_environment(head: str, read: str, folder: Path) -> None:
    """It is no missing login."""
    server = "EMAIL_HOST = 'smtp.sendgrid.net'\nEMAIL_PORT = 587\nEMAIL_USE_TLS = True\n"
    login = "".join(f"{each} = {read.format(each)}\n" for each in ("EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD"))
    (folder / "settings.py").write_text(f"{head}\n{server}{login}")
    lint("--config", "settings.py", code=0)


def test_what_is_to_be_written_is_the_whole_value(folder: Path) -> None:
    """Of a variable with several settings in it; without the mark of a list, and readable in base64."""
    (folder / "compose.yml").write_text(
        "services:\n  g:\n    image: grafana/grafana\n    environment:\n      - GF_SMTP_ENABLED=true\n"
        "      - GF_SMTP_HOST=mail.hansol.kr:port\n      - GF_SMTP_FROM_ADDRESS=a@hansol.kr\n"
    )
    told = json.loads(lint("--config", "compose.yml", "--format", "json", code=1))
    change = told["findings"][0]["changes"][0]
    assert (change["name"], change["value"]) == ("GF_SMTP_HOST", "mail.hansol.kr:587")
    assert "write GF_SMTP_HOST=mail.hansol.kr:587 in" in " ".join(
        lint("--config", "compose.yml", code=1).split()
    )
    encoded = {
        key: base64.b64encode(text.encode()).decode()
        for key, text in {"HOST": "smtp.gmail.com\n", "USERNAME": "a@gmail.com", "PASSWORD": "abcdabcdabcdabcd\n",
                          "PORT": "465", "TLS": "true"}.items()
    }  # fmt: skip
    (folder / "secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: m}\ndata:\n"
        + "".join(f"  SMTP_{key}: {text}\n" for key, text in encoded.items())
        + "---\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n"
        "      image: line/abc-user-feedback-api\n      envFrom: [{secretRef: {name: m}}]\n"
    )
    output = lint("--config", "secret.yaml", code=1)
    assert f"SMTP_HOST: {base64.b64encode(b'smtp.gmail.com').decode()}" in output
    assert encoded["PASSWORD"].rstrip("=") not in output


def test_quotes_of_three_stay_around_a_mask(folder: Path) -> None:
    (folder / "grafana.ini").write_text(
        "[smtp]\nenabled = true\nhost = mail.hansol.kr:587\nuser = a@hansol.kr\npassword = abc#def;ghi\n"
        "from_address = a@hansol.kr\n"
    )
    output = " ".join(lint("--config", "grafana.ini", code=0).split())
    assert '+ password = """********"""' in output


@pytest.mark.parametrize(
    ("lang", "told"), [("en", "N8N_SMTP_SSL (not set)"), ("ko", "N8N_SMTP_SSL(설정 없음)")]
)
def test_a_default_that_decides_is_told_as_one(lang: str, told: str, folder: Path) -> None:
    (folder / "n8n.env").write_text(
        "N8N_EMAIL_MODE=smtp\nN8N_SMTP_HOST=smtp.mailgun.org\nN8N_SMTP_PORT=587\nN8N_SMTP_SENDER=a@hansol.kr\n"
    )
    assert told in " ".join(lint("--config", "n8n.env", "--lang", lang, code=1).split())


@pytest.mark.parametrize("word", ["null", "(null)", "NULL", "empty", "(empty)"])
def test_a_word_that_stands_for_no_value_is_no_login(word: str, folder: Path) -> None:
    """As the `.env` of a new Laravel has it."""
    (folder / ".env").write_text(
        f"APP_NAME=x\nMAIL_MAILER=smtp\nMAIL_HOST=127.0.0.1\nMAIL_PORT=2525\nMAIL_USERNAME={word}\n"
        f"MAIL_PASSWORD={word}\nMAIL_FROM_ADDRESS=hello@hansol.kr\n"
    )
    told = json.loads(lint("--config", ".env", "--format", "json", code=0))
    assert told["app"] == "laravel"
    assert not told["settings"]["username"]
    assert not told["settings"]["password"]


def test_mail_that_is_off_does_not_stop_an_application(folder: Path) -> None:
    (folder / ".env").write_text("APP_NAME=x\nMAIL_MAILER=log\nMAIL_HOST=127.0.0.1\nMAIL_PORT=2525\n")
    assert "Laravel sends nothing by SMTP" in " ".join(lint("--config", ".env", code=1).split())


VALUES = """grafana.ini:
  smtp:
    enabled: true
    host: email-smtp.eu-west-1.amazonaws.com:587
    user: AKIAIOSFODNN7EXAMPLE
    from_address: grafana@hansol.kr
smtp:
  existingSecret: grafana-smtp
"""


@pytest.mark.parametrize("above", [(), ("grafana",), ("kube-prometheus-stack", "grafana")])
def test_values_of_a_chart_and_of_one_in_another(above: tuple[str, ...], folder: Path) -> None:
    """What names a secret is no password; a line is where it is in the file."""
    indented = "".join(f"{'  ' * len(above)}{line}\n" for line in VALUES.splitlines())
    head = "".join(f"{'  ' * level}{name}:\n" for level, name in enumerate(above))
    (folder / "values.yaml").write_text(head + indented)
    told = json.loads(lint("--config", "values.yaml", "--format", "json", code=0))
    assert told["app"] == "grafana"
    assert told["settings"]["host"]["origin"] == f"values.yaml:{4 + len(above)}"
    assert told["findings"] == []


def test_blanks_behind_a_word_make_another_one_of_it_where_nothing_trims_it(folder: Path) -> None:
    """JavaMail compares the whole word; what is a number or a variable of Nodemailer is trimmed."""
    text = (
        "spring.mail.host=mail.hansol.kr\nspring.mail.port=587\nspring.mail.username=a@hansol.kr\n"
        "spring.mail.password=kq0vm3xz9wq\nspring.mail.properties.mail.smtp.starttls.enable=true{}\n"
    )
    found = []
    for end in ("", "  "):
        (folder / "application.properties").write_text(text.format(end))
        done = CliRunner().invoke(
            app, ["lint", "--no-environment", "--config", "application.properties", "--format", "json"]
        )
        found.append(json.loads(done.output)["settings"]["security"]["value"])
    assert found == ["opportunistic", "none"]


def test_a_file_is_named_as_it_was_written(folder: Path) -> None:
    """An absolute path stays one."""
    other = folder / "there"
    other.mkdir()
    (folder / "compose.yml").write_text(f"services:\n  n:\n    image: n8nio/n8n\n    env_file: {other}\n")
    assert f"{other} is a folder" in " ".join(lint("--config", "compose.yml", code=2).split())


BASE_LINES = {
    "SMTP_HOST": "smtp.gmail.com",
    "SMTP_PORT": "587",
    "SMTP_USERNAME": "someone@gmail.com",
    "SMTP_PASSWORD": "abcdefghijklmnop",
    "SMTP_SENDER": "someone@gmail.com",
    "SMTP_OPPORTUNISTIC_TLS": "true",
}


@pytest.mark.parametrize("kind", ["dotenv", "compose"])
def test_the_base_variables_are_nobody_s_unless_something_else_says_so(folder: Path, kind: str) -> None:
    """What `generate` writes by default is read back as that; an image, or a name beside, tells an application."""

    def app_of(image: str = "example/app", **more: str) -> str:
        lines = BASE_LINES | more
        if kind == "dotenv":
            text = "".join(f"{name}={value}\n" for name, value in lines.items())
        else:
            text = f"services:\n  web:\n    image: {image}\n    environment:\n" + "".join(
                f'      {name}: "{value}"\n' for name, value in lines.items()
            )
        name = {"dotenv": "mail.env", "compose": "compose.yml"}[kind]
        (folder / name).write_text(text)
        told = json.loads(lint("--config", name, "--format", "json", code=0))
        assert told["settings"]["security"]["value"] in {"starttls", "opportunistic"}
        return str(told["app"])

    assert app_of() == "smtp"
    assert app_of(SOMETHING_ELSE="x") == "smtp"
    assert app_of(MYSQL_PRIMARY_URL="mysql://db", ADMIN_WEB_URL="https://example.com") == "abc-user-feedback"
    if kind == "compose":
        assert app_of("line/abc-user-feedback-api:1") == "abc-user-feedback"


def test_who_shares_the_base_variables_is_not_guessed(folder: Path) -> None:
    lines = {name: BASE_LINES[name] for name in ("SMTP_HOST", "SMTP_PORT", "SMTP_USERNAME", "SMTP_PASSWORD")}
    (folder / "mail.env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    output = lint("--config", "mail.env", code=2)
    assert "smtp" in output.partition("may belong to")[2]
    told = json.loads(lint("--config", "mail.env", "--app", "smtp", "--format", "json", code=1))
    assert told["app"] == "smtp"


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_service_that_nobody_can_judge_is_named(folder: Path, lang: str) -> None:
    """Beside one that is known: silence would look like a clean bill. One without mail settings is not spoken of."""
    (folder / "compose.yml").write_text(
        "services:\n"
        "  api:\n    image: acme/api\n    environment: {SMTP_HOST: mail.corp.example, SMTP_PORT: 587, SMTP_USER: bob}\n"
        "  db:\n    image: postgres\n    environment: {POSTGRES_DB: api, POSTGRES_PASSWORD: x}\n"
        "  n8n:\n    image: n8nio/n8n\n    environment: {N8N_SMTP_HOST: mail.corp.example, N8N_SMTP_PORT: 465}\n"
    )
    done = CliRunner().invoke(app, ["lint", "--no-environment", "--config", "compose.yml", "--lang", lang])
    assert done.exit_code != 2
    assert "--service api --app" in done.stderr
    assert "--service db" not in done.stderr
    assert "n8n" not in done.stderr


@pytest.mark.parametrize("app", ["nodemailer", "smtplib"])
def test_a_library_that_is_called_reads_no_variables(folder: Path, app: str) -> None:
    """Its settings are arguments: no variable is to be named after one, and the source is what to look at."""
    (folder / ".env").write_text("SMTP_HOST=mail.corp.example\nSMTP_PORT=587\n")
    output = lint("--config", ".env", "--app", app, code=2)
    assert "--config" in output
    assert "*" not in output


NODE = "nodemailer.createTransport({host: process.env.SMTP_HOST, port: PORT, secure: process.env.SMTP_SECURE === 'true'})"
DJANGO = """import environ
env = environ.Env()
EMAIL_HOST = env("SMTP_HOST")
EMAIL_PORT = env.int("SMTP_PORT")
EMAIL_USE_SSL = env.bool("SMTP_SECURE")
"""


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("server.js", NODE.replace("PORT,", "Number(process.env.SMTP_PORT) || 587,")),
        ("server.js", NODE.replace("PORT,", "parseInt(process.env.SMTP_PORT, 10),")),
        ("settings.py", DJANGO),
        ("settings.py", DJANGO.replace("env.int(", "int(env(").replace('_PORT")', '_PORT"))')),
    ],
)
def test_a_variable_that_a_source_makes_a_number_of_is_changed(folder: Path, name: str, source: str) -> None:
    (folder / name).write_text(source)
    env = folder / ".env"
    env.write_text("SMTP_HOST=smtp.gmail.com\nSMTP_PORT=587\nSMTP_SECURE=true\n")
    done = CliRunner().invoke(app, ["fix", "--no-network", "--no-environment", "--write", "--config", name])
    assert "Wrote" in done.output
    assert env.read_text() == "SMTP_HOST=smtp.gmail.com\nSMTP_PORT=465\nSMTP_SECURE=true\n"


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("end", "quote", "told"), [("\n", "", "printf %s VALUE | base64"), ("", '"', "`$`"), ("", "", "")]
)
def test_what_became_of_the_values_is_told_whoever_they_are_for(
    folder: Path, lang: str, end: str, quote: str, told: str
) -> None:
    """A Secret made with `echo`, quotes in a list of Compose: no application has what was meant."""
    values = {"SMTP_HOST": "mail.corp.example", "SMTP_PORT": "587", "SMTP_USERNAME": "bob"}
    if quote or not end:
        rows = "".join(f"      - {name}={quote}{value}{quote}\n" for name, value in values.items())
        text, start = f"services:\n  web:\n    image: me/app\n    environment:\n{rows}", 5
    else:
        rows = "".join(
            f"  {name}: {base64.b64encode((value + end).encode()).decode()}\n"
            for name, value in values.items()
        )
        text, start = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: mail}}\ndata:\n{rows}", 5
    (folder / "x.yaml").write_text(text)
    output = lint("--config", "x.yaml", "--lang", lang, code=2)
    assert "--app" in output
    shown = [f"{name} (x.yaml:{line})" for line, name in enumerate(values, start)]
    if told:
        assert told in output
        assert ", ".join(shown) in output
    else:
        assert not any(one in output for one in shown)


@pytest.mark.parametrize(
    ("missing", "finding"), [("SMTP_PORT", "config-missing"), ("SMTP_SENDER", "config-missing"),
                             ("SMTP_PASSWORD", "config-credentials-form"), ("SMTP_USERNAME", "config-credentials-form")]
)  # fmt: skip
def test_what_is_not_there_is_told_by_its_own_name(folder: Path, missing: str, finding: str) -> None:
    """Not by that of the line beside it, which no edit may touch."""
    lines = {name: value for name, value in BASE_LINES.items() if name != missing}
    (folder / "mail.env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    told = json.loads(lint("--config", "mail.env", "--app", "smtp", "--format", "json", code=1))
    one = next(one for one in told["findings"] if one["id"] == finding)
    assert missing in one["meaning"] + one["fixes"][0]
    assert all(each["name"] not in lines or each["value"] != "465" for each in one["changes"])
    assert all(each["name"] == missing for each in one["changes"])
    assert "SMTP_USERNAME and SMTP_USERNAME" not in one["meaning"]


FALLBACKS = {
    "settings.py": """import os
EMAIL_HOST = "smtp.gmail.com"
EMAIL_PORT = 587
EMAIL_USE_TLS = True
EMAIL_HOST_USER = "someone@gmail.com"
EMAIL_HOST_PASSWORD = os.environ.get("MAIL_PW", "")
DEFAULT_FROM_EMAIL = "someone@gmail.com"
""",
    "mail.js": """nodemailer.createTransport({ host: "smtp.gmail.com", port: 465, secure: true,
  auth: { user: "someone@gmail.com", pass: process.env.MAIL_PW || "" } });
""",
}


@pytest.mark.parametrize("name", FALLBACKS)
def test_who_falls_back_to_nothing_has_the_environment_say_it(folder: Path, name: str) -> None:
    """An empty default is no statement that there is no password."""
    (folder / name).write_text(FALLBACKS[name])
    told = json.loads(lint("--config", name, "--format", "json", code=0))
    assert told["settings"]["username"]["value"] == "someone@gmail.com"
    assert not [one["id"] for one in told["findings"] if one["severity"] != "info"]


_NODE = """nodemailer.createTransport({ host: process.env.SMTP_HOST, port: 587,
  auth: { user: process.env.SMTP_USER, pass: process.env.SMTP_PASS } });
"""
_DJANGO = """EMAIL_HOST = {0}("SMTP_HOST")
EMAIL_PORT = 587
EMAIL_USE_TLS = True
EMAIL_HOST_USER = {0}("SMTP_USER")
EMAIL_HOST_PASSWORD = {0}("SMTP_PASS")
"""
_PHP = """<?php
$mail = new PHPMailer();
$mail->isSMTP();
$mail->SMTPAuth = true;
$mail->Host = getenv('SMTP_HOST');
$mail->Port = 587;
$mail->Username = getenv('SMTP_USER');
$mail->Password = getenv('SMTP_PASS');
"""
CODE = {
    "node": ("mail.js", _NODE, "kim"),
    "node with expansion": ("mail.js", f"require('dotenv-expand')\n{_NODE}", "kim"),
    "python": ("settings.py", "import os\n" + _DJANGO.format("os.getenv"), "kim#lee@firma.test"),
    "django-environ": (
        "settings.py", "import environ\nenv = environ.Env()\n" + _DJANGO.format("env"), "kim#lee@firma.test # his"
    ),
    "php": (
        "mail.php",
        _PHP,
        "kim",
    ),
}  # fmt: skip


@pytest.mark.parametrize("whose", CODE)
def test_the_env_beside_source_code_is_read_as_its_language_reads_it(folder: Path, whose: str) -> None:
    """The same line gives another login to Node.js, to Python and to django-environ."""
    name, code, user = CODE[whose]
    (folder / name).write_text(code)
    (folder / ".env").write_text(
        "SMTP_HOST=mail.firma.test\nSMTP_USER=kim#lee@firma.test # his\nSMTP_PASS=k7Rq2mXw\n"
    )
    told = CliRunner().invoke(app, ["lint", "--no-environment", "--config", name, "--format", "json"])
    at = json.loads(told.output)["settings"]["username"]
    assert (at["value"], at["origin"]) == (user, ".env:2")


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("SMTP_USER=kim@firma.test # his", "SMTP_USER=kim@firma.test"),
        ("SMTP_PASS=k7Rq2mXw # of the app", "SMTP_PASS=k7Rq2mXw"),
        ("SMTP_PASS=k7Rq #2mXw", "SMTP_PASS='k7Rq #2mXw'"),
    ],
)
def test_a_comment_that_became_part_of_a_value_is_taken_out(folder: Path, line: str, mended: str) -> None:
    """What stands behind the sign may be one of the password all the same, where no blank follows it."""
    name = line.partition("=")[0]
    lines = {
        "SMTP_HOST": "SMTP_HOST=smtp.naver.com",
        "SMTP_USER": "SMTP_USER=kim@firma.test",
        "SMTP_PASS": "SMTP_PASS=q",
    }
    (folder / "settings.py").write_text(CODE["django-environ"][1])
    (folder / ".env").write_text("\n".join({**lines, name: line}.values()) + "\n")
    CliRunner().invoke(app, ["lint", "--no-environment", "--config", "settings.py", "--fix", "--write"])
    assert (folder / ".env").read_text() == "\n".join({**lines, name: mended}.values()) + "\n"


def test_a_word_that_is_refused_is_not_offered_again(folder: Path) -> None:
    (folder / "mail.env").write_text(
        "MAIL_MAILER=smtp\nMAIL_SCHEME=tls\nMAIL_HOST=smtp.gmail.com\nMAIL_PORT=465\n"
        "MAIL_USERNAME=someone@gmail.com\nMAIL_PASSWORD=abcdefghijklmnop\nMAIL_FROM_ADDRESS=someone@gmail.com\n"
    )
    told = json.loads(lint("--config", "mail.env", "--lang", "en", "--format", "json", code=1))
    step = next(one["fixes"][0] for one in told["findings"] if one["id"] == "config-word")
    words = step.rpartition(":")[2]
    assert "smtps" in words
    assert "tls" not in words.replace("smtps", "")


@pytest.mark.parametrize(
    ("whose", "kind", "user"),
    [("nextcloud", "php", "someone@naver.com"), ("odoo", "ini", "someone@naver.com")],
)
def test_what_is_written_for_an_application_is_no_fault(
    folder: Path, whose: str, kind: str, user: str
) -> None:
    """The sender in two parts, and a word that says something else than it means, where nothing else says it."""
    (folder / "pw").write_text("ABCDEFGH1234")
    name = f"mail.{kind}"
    written = CliRunner().invoke(
        app,
        ["generate", "naver", "--app", whose, "--for", kind, "--write", name, "--password-file", "pw",
         "--set", f"username={user}", "--set", f"sender={user}"],
    )  # fmt: skip
    assert written.exit_code == 0, written.output
    told = json.loads(lint("--config", name, "--app", whose, "--format", "json", code=0))
    assert [one["id"] for one in told["findings"] if one["severity"] != "info"] == []
    assert told["settings"]["sender"]["value"] == user


@pytest.mark.parametrize(
    ("lang", "told", "never"),
    [("en", "GF_SMTP_HOST has no port", "is not set"), ("ko", "값에 포트가 없습니다", "항목이 없습니다")],
)
def test_a_server_without_its_port_is_not_said_to_be_absent(
    folder: Path, lang: str, told: str, never: str
) -> None:
    (folder / "grafana.env").write_text(
        "GF_SMTP_ENABLED=true\nGF_SMTP_HOST=smtp.gmail.com\nGF_SMTP_USER=a@gmail.com\n"
    )
    output = " ".join(lint("--config", "grafana.env", "--lang", lang, code=1).split())
    assert told in output
    assert never not in output


_PHPMAILER = """<?php
$mail = new PHPMailer(true);
{0}
$mail->Host = 'smtp.gmail.com';
$mail->Port = 587;
$mail->SMTPAuth = true;
$mail->SMTPSecure = 'tls';
$mail->Username = 'someone@gmail.com';
$mail->Password = 'abcdefghijklmnop';
$mail->setFrom('someone@gmail.com');
$mail->send();
"""


@pytest.mark.parametrize(
    ("line", "by_smtp"),
    [
        ("$mail->isSMTP();", True),
        ("$mail->IsSMTP();", True),
        ("$mail->Mailer = 'smtp';", True),
        ("if ($live) { $mail->isSMTP(); }", True),
        ("", False),
        ("// $mail->isSMTP();", False),
        ("$mail->isSendmail();", False),
        ("$mail->Mailer = 'mail';", False),
    ],
)
def test_phpmailer_uses_smtp_only_where_it_is_told_to(folder: Path, line: str, by_smtp: bool) -> None:
    """Else PHP's ``mail()``: what is missing is told with the call to write."""
    (folder / "mail.php").write_text(_PHPMAILER.format(line))
    told = json.loads(lint("--config", "mail.php", "--format", "json", code=0 if by_smtp else 1))
    found = [one for one in told["findings"] if one["id"] == "config-mail-off"]
    assert bool(found) is not by_smtp
    if found:
        assert "mail program of the machine" in found[0]["meaning"]
        assert found[0]["origin"].startswith("mail.php:")
    CliRunner().invoke(app, ["lint", "--no-environment", "--config", "mail.php", "--fix", "--write"])
    again = json.loads(lint("--config", "mail.php", "--format", "json", code=0))
    assert again["settings"]["security"]["value"] == "starttls"


def test_a_part_of_a_program_says_nothing_of_what_stands_elsewhere(folder: Path) -> None:
    (folder / "mail.php").write_text(
        _PHPMAILER.format("").replace("$mail = new PHPMailer(true);", "global $mail;")
    )
    told = json.loads(lint("--config", "mail.php", "--format", "json", code=0))
    assert not [one for one in told["findings"] if one["id"] == "config-mail-off"]


MARKED = {
    "compose": "services:\n  a:\n    image: x\n    environment:\n      SMTP_HOST: {0}\n      SMTP_PORT: '587'\n"
    "      SMTP_SENDER: a@corp.kr\n",
    "configmap": "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata:\n  SMTP_HOST: {0}\n  SMTP_PORT: '587'\n"
    "  SMTP_SENDER: a@corp.kr\n",
}


@pytest.mark.parametrize("kind", MARKED)
@pytest.mark.parametrize(
    ("written", "label"),
    [
        ('"smtp.corp.kr\\n"', "trailing-newline"),
        ("|\n        smtp.corp.kr", "trailing-newline"),
        ('"smtp.corp.kr\\r\\n"', "trailing-newline"),
    ],
)
def test_what_a_syntax_leaves_in_a_host_is_told_once(
    folder: Path, kind: str, written: str, label: str
) -> None:
    """As an error, with the value that is meant, and by what has left it there."""
    (folder / "x.yaml").write_text(MARKED[kind].format(written))
    told = json.loads(lint("--config", "x.yaml", "--app", "smtp", "--format", "json", code=1))
    (one,) = [each for each in told["findings"] if "SMTP_HOST" in each["meaning"] + str(each["fixes"])]
    assert one["id"] == "config-invalid"
    assert "line break" in one["meaning"]
    assert one["origin"].startswith("x.yaml:")
    assert "space" not in one["fixes"][0]


def test_what_is_wrong_with_a_host_besides_is_told_besides(folder: Path) -> None:
    (folder / "x.yaml").write_text(MARKED["compose"].format("|\n        smtp corp kr"))
    told = json.loads(lint("--config", "x.yaml", "--app", "smtp", "--format", "json", code=1))
    assert {"config-invalid", "config-file-syntax"} <= {one["id"] for one in told["findings"]}
