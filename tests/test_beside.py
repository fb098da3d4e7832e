"""A `.env` whose names tell nobody's settings: the sources beside it, and the packages of the project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from smtpdoctor.cli import app
from smtpdoctor.cli.beside import packages, sources
from smtpdoctor.cli.config import load_configs
from smtpdoctor.cli.known import Known
from smtpdoctor.errors import UsageError
from smtpdoctor.settings.resolve import Flags
from tests.examples import examples

ROOT: Final = Path(__file__).parent.parent
# The names that people give: host, port, user name, password.
NAMES: Final = (
    ("SMTP_HOST", "SMTP_PORT", "SMTP_USER", "SMTP_PASS"),
    ("SMTP_HOST", "SMTP_PORT", "SMTP_USERNAME", "SMTP_PASSWORD"),
    ("SMTP_SERVER", "SMTP_PORT", "SMTP_USERNAME", "SMTP_PASSWORD"),
    ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_USER", "EMAIL_PASS"),
    ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD"),
    ("MAIL_HOST", "MAIL_PORT", "MAIL_USER", "MAIL_PASSWORD"),
    ("MAIL_SERVER", "MAIL_PORT", "MAIL_USERNAME", "MAIL_PASSWORD"),
    ("CONTACT_MAIL_SERVER", "CONTACT_MAIL_PORT", "CONTACT_MAIL_LOGIN", "CONTACT_MAIL_PW"),
)
# A program by where it lies, and what it does with them: always STARTTLS, or TLS by a number alone.
PROGRAMS: Final[Mapping[str, tuple[str, str]]] = {
    "django": (
        "site/settings.py",
        (
            'import os\nEMAIL_HOST = os.environ["{0}"]\nEMAIL_PORT = int(os.environ["{1}"])\nEMAIL_USE_TLS = True\n'
            'EMAIL_HOST_USER = os.environ["{2}"]\nEMAIL_HOST_PASSWORD = os.environ.get("{3}")\n'
        ),
    ),
    "smtplib": (
        "notify.py",
        (
            "import os, smtplib\nfrom config import settings\n"
            "s = smtplib.SMTP(settings.{0}, settings.{1})\ns.starttls()\ns.login(settings.{2}, settings.{3})\n"
        ),
    ),
    "nodemailer": (
        "src/lib/mailer.ts",
        (
            "import nodemailer from 'nodemailer'\nconst t = nodemailer.createTransport({{ host: process.env.{0},\n"
            "  port: Number(process.env.{1}), requireTLS: true, secure: false,\n"
            "  auth: {{ user: process.env.{2}, pass: process.env.{3} }} }})\n"
        ),
    ),
    "phpmailer": (
        "public/contact.php",
        (
            "<?php\n$mail = new PHPMailer(true);\n$mail->isSMTP();\n$mail->SMTPAuth = true;\n$mail->SMTPSecure = 'tls';\n"
            "$mail->Host = getenv('{0}');\n$mail->Port = getenv('{1}');\n$mail->Username = getenv('{2}');\n"
            "$mail->Password = $_ENV['{3}'];\n"
        ),
    ),
    "rails": (
        "config/environments/production.rb",
        (
            "Rails.application.configure do\n  config.action_mailer.delivery_method = :smtp\n"
            '  config.action_mailer.smtp_settings = {{ address: ENV["{0}"], port: ENV["{1}"].to_i,\n'
            '    user_name: ENV["{2}"], password: ENV["{3}"], enable_starttls: true }}\nend\n'
        ),
    ),
    "mailkit": (
        "Program.cs",
        (
            'var client = new MailKit.Net.Smtp.SmtpClient();\nclient.Connect(Environment.GetEnvironmentVariable("{0}"),\n'
            '  int.Parse(Environment.GetEnvironmentVariable("{1}")), SecureSocketOptions.StartTls);\n'
            'client.Authenticate(Environment.GetEnvironmentVariable("{2}"), Environment.GetEnvironmentVariable("{3}"));\n'
        ),
    ),
    "spring-boot": (
        "src/main/resources/application.properties",
        (
            "spring.mail.host=${{{0}}}\nspring.mail.port=${{{1}}}\nspring.mail.username=${{{2}}}\n"
            "spring.mail.password=${{{3}}}\nspring.mail.properties.mail.smtp.starttls.enable=true\n"
            "spring.mail.properties.mail.smtp.starttls.required=true\n"
        ),
    ),
}
VALUES: Final = ("smtp.naver.com", "465", "kim@naver.com", "ABCDEFGH1234")


def env_of(names: tuple[str, ...]) -> str:
    return "".join(f"{name}={value}\n" for name, value in zip(names, VALUES, strict=True))


def put(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def lint(*arguments: str) -> dict[str, object]:
    done = CliRunner().invoke(app, ["lint", "--no-environment", "--format", "json", *arguments])
    told: dict[str, object] = json.loads(done.output)
    return told


@given(
    whose=st.sampled_from(list(PROGRAMS)),
    names=st.sampled_from(NAMES),
    file=st.sampled_from([".env", "mail.env"]),
)
@settings(max_examples=examples(21), deadline=None)
def test_the_program_that_takes_them_says_whose_settings_they_are(
    whose: str, names: tuple[str, ...], file: str
) -> None:
    """Each value stands in the `.env`, under the name that it has there, and what it meets in the program."""
    path, text = PROGRAMS[whose]
    with TemporaryDirectory() as there:
        folder = put(Path(there), {file: env_of(names), path: text.format(*names)})
        (one,) = load_configs(Flags(), [folder / file], environment=False, known=Known())
        assert one.identified.app == whose
        assert one.identified.reason == "sources"
        found = one.loaded.settings
        for number, value in enumerate((found.host, found.port, found.username)):
            assert value is not None
            assert str(value.value) == VALUES[number]
            origin = value.origin
            assert (origin.path, origin.line, origin.here) == (str(folder / file), number + 1, names[number])
            assert origin.through == str(folder / path)
        assert found.password is not None
        assert found.password.value.reveal() == VALUES[3]
        assert found.security is not None
        assert found.security.value == "starttls"


@given(
    pair=st.lists(st.sampled_from(list(PROGRAMS)), min_size=2, max_size=2, unique=True),
    names=st.sampled_from(NAMES),
)
@settings(max_examples=examples(8), deadline=None)
def test_of_two_programs_both_are_told(pair: list[str], names: tuple[str, ...]) -> None:
    with TemporaryDirectory() as there:
        files = {PROGRAMS[one][0]: PROGRAMS[one][1].format(*names) for one in pair}
        folder = put(Path(there), {".env": env_of(names), **files})
        found = load_configs(Flags(), [folder / ".env"], environment=False, known=Known())
        assert {(one.identified.app, one.service) for one in found} == {
            (one, str(folder / PROGRAMS[one][0])) for one in pair
        }


def test_the_implicit_file_is_read_so_and_of_two_programs_one_is_to_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its names are almost the base variables: whoever reads SMTP_USER has a program of his own."""
    monkeypatch.chdir(tmp_path)
    names = NAMES[0]
    path, text = PROGRAMS["nodemailer"]
    put(tmp_path, {".env": env_of(names), path: text.format(*names)})
    told = lint()
    assert told["app"] == "nodemailer"
    (finding,) = (one for one in told["findings"] if one["id"] == "config-tls-mode")  # type: ignore[attr-defined]
    assert finding["origin"] in {".env:2", f"{path}:3"}
    other, more = PROGRAMS["rails"]
    put(tmp_path, {other: more.format(*names)})
    message = str(lint()["error"])
    assert path in message
    assert other in message


@pytest.mark.parametrize("folder", ["node_modules/x", "vendor/x", ".git/x", "venv/lib", "a/b/c", "tests"])
def test_what_others_wrote_and_what_lies_deep_is_not_looked_at(tmp_path: Path, folder: str) -> None:
    names = NAMES[0]
    put(tmp_path, {".env": env_of(names), f"{folder}/mail.js": PROGRAMS["nodemailer"][1].format(*names)})
    assert sources(tmp_path / ".env", names) == []
    with pytest.raises(UsageError):
        load_configs(Flags(), [tmp_path / ".env"], environment=False, known=Known())


def test_only_so_much_is_looked_at(tmp_path: Path) -> None:
    """A folder of very many files, a file that is very large, a link that leads back: an end comes soon."""
    names = NAMES[0]
    text = PROGRAMS["nodemailer"][1].format(*names)
    put(tmp_path, {f"a{number}.js": "//\n" for number in range(300)})
    put(tmp_path, {".env": env_of(names), "big.js": text + "//" + " " * 300_000, "src/mailer.js": text})
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert sources(tmp_path / ".env", names) == [tmp_path / "src/mailer.js"]


@pytest.mark.parametrize(
    ("file", "text", "names", "needs"),
    [
        ("package.json", '{"name": "Shop", "dependencies": {"nodemailer": "^6"}, "devDependencies": {"jest": "1"}}',
         {"shop"}, {"nodemailer", "jest"}),
        ("package.json", "{", set(), set()),
        ("package.json", "[" * 100_000, set(), set()),
        ("composer.json", '{"name": "a/shop", "require": {"laravel/framework": "^12"}}', {"a/shop"}, {"laravel/framework"}),
        ("requirements.txt", "# x\nDjango>=5\nflask-mail==1 ; python_version>'3'\n-r more.txt\n", set(), {"django", "flask-mail"}),
        ("Gemfile", "source 'x'\ngem 'rails', '~> 7'\n  gem \"mail\"\n", set(), {"rails", "mail"}),
        ("go.mod", "module example.org/shop\nrequire (\n\tgopkg.in/gomail.v2 v2.0.0\n)\n", {"example.org/shop"},
         {"gopkg.in/gomail.v2"}),
    ],
)  # fmt: skip
def test_manifests(tmp_path: Path, file: str, text: str, names: set[str], needs: set[str]) -> None:
    put(tmp_path, {file: text})
    found = packages(tmp_path / ".env")
    assert found.names == names
    assert found.needs == needs


def test_a_project_of_python_says_what_it_is_made_of(tmp_path: Path) -> None:
    put(
        tmp_path,
        {"pyproject.toml": '[project]\nname = "shop"\ndependencies = ["Django>=5", "environs[django]"]\n'
         '[tool.poetry.dependencies]\nflask-mail = "^0.9"\n'},
    )  # fmt: skip
    found = packages(tmp_path / ".env")
    assert found.names == {"shop"}
    assert {"django", "environs", "flask-mail"} <= found.needs


@pytest.mark.parametrize(
    ("manifest", "text", "whose"),
    [
        ("requirements.txt", "Django==5.0\n", "django"),
        ("composer.json", '{"require": {"laravel/framework": "^12"}}', None),
        ("package.json", '{"name": "healthchecks"}', "healthchecks"),
    ],
)
def test_where_no_source_takes_them_the_packages_decide(
    tmp_path: Path, manifest: str, text: str, whose: str | None
) -> None:
    """But only among those that the names leave."""
    put(tmp_path, {".env": env_of(NAMES[4]), manifest: text})
    if whose is None:
        with pytest.raises(UsageError):
            load_configs(Flags(), [tmp_path / ".env"], environment=False, known=Known())
    else:
        (one,) = load_configs(Flags(), [tmp_path / ".env"], environment=False, known=Known())
        assert one.identified.app == whose


def test_the_sources_of_the_application_itself_are_no_program_beside_it(tmp_path: Path) -> None:
    """A checkout of Mastodon has sources that read its variables; it is Mastodon all the same."""
    lines = "SMTP_SERVER=smtp.naver.com\nSMTP_PORT=465\nSMTP_LOGIN=kim\nSMTP_PASSWORD=abcdefghijkl\nSMTP_FROM_ADDRESS=a@naver.com\n"
    text = PROGRAMS["rails"][1].format("SMTP_SERVER", "SMTP_PORT", "SMTP_LOGIN", "SMTP_PASSWORD")
    put(
        tmp_path,
        {".env": lines, "package.json": '{"name": "@mastodon/mastodon"}', PROGRAMS["rails"][0]: text},
    )
    (one,) = load_configs(Flags(), [tmp_path / ".env"], environment=False, known=Known())
    assert one.identified.app == "mastodon"


def test_the_application_that_was_named_is_taken_whatever_lies_beside(tmp_path: Path) -> None:
    names = NAMES[0]
    path, text = PROGRAMS["nodemailer"]
    put(tmp_path, {".env": env_of(names), path: text.format(*names)})
    (one,) = load_configs(Flags(app="vaultwarden"), [tmp_path / ".env"], environment=False, known=Known())
    assert one.identified.app == "vaultwarden"


def test_what_is_mended_is_the_line_of_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is told under the name that stands there."""
    monkeypatch.chdir(tmp_path)
    names = NAMES[7]
    path, text = PROGRAMS["smtplib"]
    put(tmp_path, {".env": env_of(names), path: text.format(*names)})
    done = CliRunner().invoke(app, ["lint", "--no-environment", "--config", ".env", "--fix", "--write"])
    assert done.exit_code in {0, 1}, done.output
    assert (tmp_path / ".env").read_text().splitlines()[1] == f"{names[1]}=587"
    assert f"{names[1]} (.env:2)" in done.output


CONFIG = """module.exports = {{ email: {{ host: process.env.{0}, port: process.env.{1}, secure: process.env.SMTP_SECURE,
  auth: {{ user: process.env.{2}, pass: process.env.{3} }} }} }};
"""


@pytest.mark.parametrize(
    "manifest", ['{"dependencies": {"nodemailer": "6"}}', '{"dependencies": {"express": "4"}}', ""]
)
def test_an_object_with_a_host_is_nobodys_without_a_package_that_takes_it(
    tmp_path: Path, manifest: str
) -> None:
    """Whatever else reads such an object may make other things of its words."""
    put(tmp_path, {".env": env_of(NAMES[0]), "config/config.js": CONFIG.format(*NAMES[0])})
    if manifest:
        put(tmp_path, {"package.json": manifest})
    if "nodemailer" in manifest:
        (one,) = load_configs(Flags(), [tmp_path / ".env"], environment=False, known=Known())
        assert one.identified.app == "nodemailer"
    else:
        with pytest.raises(UsageError):
            load_configs(Flags(), [tmp_path / ".env"], environment=False, known=Known())


@pytest.mark.parametrize(
    ("image", "whose"),
    [("registry.corp.test/shop:3", "django"), ("healthchecks/healthchecks:v3", "healthchecks")],
)
def test_an_image_of_nobody_known_runs_a_program_made_with_a_framework(
    tmp_path: Path, image: str, whose: str
) -> None:
    """Names that several applications share with what they are made with are not theirs in another image."""
    lines = "".join(f"      {name}: {value}\n" for name, value in zip(NAMES[4], VALUES, strict=True))
    put(tmp_path, {"compose.yml": f"services:\n  web:\n    image: {image}\n    environment:\n{lines}"})
    (one,) = load_configs(Flags(), [tmp_path / "compose.yml"], environment=False, known=Known())
    assert one.identified.app == whose


@given(
    read=st.sets(st.sampled_from(["EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_HOST_USER"])), wrapped=st.booleans()
)
@settings(max_examples=examples(10), deadline=None)
def test_a_name_that_no_source_takes_is_told(read: set[str], wrapped: bool) -> None:
    """Django itself reads no variable: what its settings do not take is of no use, and has no value there."""
    env = {
        "EMAIL_HOST": "mx.corp.test",
        "EMAIL_PORT": "2525",
        "EMAIL_USE_TLS": "True",
        "EMAIL_HOST_USER": "kim",
    }
    form = 'parsed(env("{0}"))' if wrapped else 'env("{0}")'
    lines = [f"{name} = " + form.format(name) for name in sorted(read)]
    text = "import environ\nenv = environ.Env()\nEMAIL_HOST = env('EMAIL_HOST')\n" + "\n".join(lines) + "\n"
    with TemporaryDirectory() as there:
        folder = put(
            Path(there),
            {".env": "".join(f"{name}={value}\n" for name, value in env.items()), "app/settings.py": text},
        )
        (one,) = load_configs(Flags(), [folder / ".env"], environment=False, known=Known())
        told = {odd.name for odd in one.reading.oddities if odd.kind == "unread"}
        assert told == env.keys() - read - {"EMAIL_HOST"}
        port = one.loaded.settings.port
        if "EMAIL_PORT" not in read:
            assert port is not None
            assert port.value == 25


def test_what_is_not_reached_is_not_taken(tmp_path: Path) -> None:
    """A branch of the settings that another variable rules out: the server is the default."""
    put(
        tmp_path,
        {
            ".env": "EMAIL_BACKEND=django.core.mail.backends.smtp.EmailBackend\nEMAIL_HOST=mx.corp.test\n",
            "conf/settings.py": 'import os\nif os.getenv("EMAIL_BACKEND"):\n'
            '    EMAIL_BACKEND = os.getenv("EMAIL_BACKEND")\nelif os.getenv("EMAIL_HOST"):\n'
            '    EMAIL_HOST = os.getenv("EMAIL_HOST")\n',
        },
    )
    (one,) = load_configs(Flags(), [tmp_path / ".env"], environment=False, known=Known())
    assert one.reading.used["host"].text == "localhost"
    assert [odd.name for odd in one.reading.oddities if odd.kind == "unread"] == ["EMAIL_HOST"]


def test_the_values_of_dotenv_are_those_of_the_file(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            ".env": "EMAIL=kim@corp.test\nPASS=k7Rq2mXw\nMAIL_SERVER=mx.corp.test\n",
            "emails.py": "from dotenv import dotenv_values\nimport smtplib\nvalues = dotenv_values('.env')\n"
            's = smtplib.SMTP(values["MAIL_SERVER"], 587)\ns.starttls()\n'
            's.login(values["EMAIL"], values.get("PASS"))\n',
        },
    )
    (one,) = load_configs(Flags(), [tmp_path / ".env"], environment=False, known=Known())
    used = {name: value.text for name, value in one.reading.used.items()}
    assert (used["host"], used["username"], used["password"]) == ("mx.corp.test", "kim@corp.test", "k7Rq2mXw")


def test_no_secret_of_the_file_is_shown_with_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one that no source takes, on the lines around."""
    monkeypatch.chdir(tmp_path)
    names = NAMES[0]
    path, text = PROGRAMS["smtplib"]
    others = "STRIPE_SECRET=Tq8vLw2xNz\nDB_PWD=Hs4kRm9bYc\n"
    put(tmp_path, {".env": others + env_of(names) + others.lower(), path: text.format(*names)})
    for arguments in (["--fix"], ["--fix", "--format", "json"], []):
        done = CliRunner().invoke(app, ["lint", "--no-environment", "--config", ".env", *arguments])
        assert not any(one in done.output for one in ("Tq8vLw2xNz", "Hs4kRm9bYc", VALUES[3], "tq8vlw2xnz"))


# Reads settings and tells which files below this folder are opened, whoever opens them.
COUNTED: Final = """
import os, sys
from pathlib import Path
opened = []
def note(event, values):
    if event == "open" and isinstance(values[0], str) and not os.path.isabs(values[0]):
        opened.append(os.path.normpath(values[0]))
from smtpdoctor.cli.config import load_configs
from smtpdoctor.cli.known import Known
from smtpdoctor.settings.resolve import Flags
sys.addaudithook(note)
(found,) = load_configs(Flags(), [Path(".env")], environment=False, known=Known())
print(found.identified.app, *opened, sep="\\n")
"""


@pytest.mark.parametrize("whose", PROGRAMS)
def test_a_source_beside_is_read_once(tmp_path: Path, whose: str) -> None:
    """It is looked through for names, for packages and for settings."""
    names = NAMES[0]
    path, text = PROGRAMS[whose]
    put(tmp_path, {".env": env_of(names), path: text.format(*names), "requirements.txt": "Django==5.0\n"})
    done = subprocess.run(
        [sys.executable, "-c", COUNTED],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    app, *opened = done.stdout.splitlines()
    assert app == whose
    assert sorted(one for one in opened if one in {path, "requirements.txt"}) == sorted(
        {path, "requirements.txt"}
    )


# Where applications keep their settings, with nothing of them in a `.env`.
KEPT: Final[Mapping[str, tuple[str, str]]] = {
    "Spring Boot": ("src/main/resources/application.yml", "spring:\n  mail:\n    host: {0}\n    port: {1}\n"),
    "Rails, Ruby's mail gem": (
        "config/environments/production.rb",
        'Rails.application.configure do\n  config.action_mailer.smtp_settings = {{ address: "{0}", port: {1} }}\nend\n',
    ),
    "Django": ("site/settings.py", 'EMAIL_HOST = "{0}"\nEMAIL_PORT = {1}\nEMAIL_USE_TLS = True\n'),
    "Laravel": (
        "config/mail.php",
        "<?php\nreturn ['default' => 'smtp', 'mailers' => ['smtp' => ['transport' => 'smtp', 'host' => '{0}', 'port' => {1}]]];\n",
    ),
    "Grafana": (
        "docker-compose.yml",
        (
            "services:\n  web:\n    image: grafana/grafana:11.0.0\n    environment:\n"
            "      GF_SMTP_ENABLED: 'true'\n      GF_SMTP_HOST: {0}:{1}\n"
        ),
    ),
    "SMTP_HOST and its like": (".env.production", "SMTP_HOST={0}\nSMTP_PORT={1}\nSMTP_SENDER=a@corp.kr\n"),
}


@pytest.mark.parametrize("whose", KEPT)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_settings_that_lie_elsewhere_in_the_project_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whose: str, lang: str
) -> None:
    """They are not taken without being named, but it is said how; and naming them so does it."""
    monkeypatch.chdir(tmp_path)
    path, text = KEPT[whose]
    put(tmp_path, {path: text.format("smtp.corp.kr", 587), f"node_modules/{path}": text.format("x.kr", 25)})
    done = CliRunner().invoke(app, ["lint", "--no-environment", "--lang", lang])
    assert done.exit_code == 2
    assert f"`--config {path}`" in done.stderr
    assert lang == "ko" or whose in done.stderr
    assert "generate" not in done.stderr
    told = lint("--config", path)
    assert told["settings"]["host"]["value"] == "smtp.corp.kr"  # type: ignore[index]


def test_samples_and_tests_are_no_settings_of_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "SMTP_HOST=smtp.corp.kr\nSMTP_PORT=587\n"
    put(
        tmp_path,
        {".env.example": text, ".env.sample": text, "tests/.env.production": text, "a/b/c/.env.x": text},
    )
    done = CliRunner().invoke(app, ["lint", "--no-environment"])
    assert done.exit_code == 2
    assert "--config" not in done.stderr
    assert "smtpdoctor generate" in done.stderr


@pytest.mark.parametrize(
    ("lines", "whose"),
    [
        ("EMAIL_HOST=smtp.corp.kr\nEMAIL_PORT=587\nEMAIL_HOST_USER=a\nEMAIL_HOST_PASSWORD=b\n", "django"),
        (
            "MAIL_MAILER=smtp\nMAIL_HOST=smtp.corp.kr\nMAIL_PORT=587\nMAIL_USERNAME=a\nMAIL_PASSWORD=b\n",
            "laravel",
        ),
        # Flask-Mail reads some of these, too.
        (
            "MAIL_MAILER=smtp\nMAIL_HOST=smtp.corp.kr\nMAIL_PORT=587\nMAIL_USERNAME=a\nMAIL_PASSWORD=b\nMAIL_ENCRYPTION=tls\n",
            "laravel",
        ),
    ],
)
def test_of_a_framework_and_what_is_made_with_it_the_framework_is_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, whose: str
) -> None:
    """With nothing beside that decides; in the words of the command that was typed."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path, {".env": lines})
    for words in (["lint"], ["lint", "--config", ".env"], ["convert", ".env", "--to", "n8n"]):
        done = CliRunner().invoke(app, [*words, *(["--no-environment"] if words[0] == "lint" else [])])
        assert done.exit_code == 2, words
        flag = "--from" if words[0] == "convert" else "--app"
        assert f"`{flag} {whose}`" in done.stderr, words
    assert lint("--app", whose)["app"] == whose
