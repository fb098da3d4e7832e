"""Settings merged into files as people have them: what is nothing, what comes from elsewhere, what others share."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from smtpdoctor.cli import app
from smtpdoctor.text import LANGUAGES, say


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where there is nothing."""
    monkeypatch.chdir(tmp_path)


def generate(
    name: str, file: str, text: str, *more: str, preset: str = "gmail", code: int = 0
) -> tuple[str, Result]:
    """Write a provider's settings into a file, and return its text and what was told."""
    Path(file).write_text(text, encoding="utf-8")
    given = ["generate", preset, "--app", name, "--write", file, "--set", "username=me@gmail.com"]
    done = CliRunner().invoke(app, [*given, "--lang", "en", *more])
    assert done.exit_code == code, done.output
    return Path(file).read_text(encoding="utf-8"), done


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("laravel", ".env", "MAIL_HOST=null\nMAIL_USERNAME=null\nMAIL_PASSWORD=null\n"),
        ("mastodon", "values.yaml", "mastodon:\n  smtp:\n    server:\n    login: ~\n    password: null # why\n"),
        ("vaultwarden", "compose.yaml", "services:\n  a:\n    image: vaultwarden/server\n    environment:\n      SMTP_HOST:\n"),
    ],
)  # fmt: skip
def test_what_is_nothing_gives_way(name: str, file: str, text: str) -> None:
    """Neither `null` nor an empty key is a value that somebody chose, nor one of another provider."""
    after, done = generate(name, file, text)
    assert "smtp.gmail.com" in after
    assert "me@gmail.com" in after
    assert "reset" not in done.output
    assert "# why" in after or "# why" not in text


@pytest.mark.parametrize(
    ("name", "file", "text", "source"),
    [
        ("nextcloud", "config.php", "<?php\n$CONFIG = array('mail_smtphost' => getenv('SMTP_HOST'));\n", "SMTP_HOST"),
        ("laravel", "mail.php", "<?php\nreturn ['mailers' => ['smtp' => ['transport' => 'smtp', 'host' => env('MAIL_HOST')]]];\n", "MAIL_HOST"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_what_comes_from_elsewhere_is_named(
    name: str, file: str, text: str, source: str, force: tuple[str, ...]
) -> None:
    """A literal never takes the place of a name: it is said where the value is to be written."""
    after, done = generate(name, file, text, "--for", "php", *force, code=2)
    assert after == text
    assert source in done.stderr
    assert ".env" in done.stderr


def test_other_accounts_keep_what_they_share() -> None:
    """What `defaults` says holds for all accounts: one of them gets lines of its own."""
    text = (
        "defaults\nport 587\ntls on\ntls_starttls on\n\naccount a\nhost smtp.a.example\nfrom a@a.example\n"
        "user a\n\naccount b\nhost smtp.b.example\nfrom b@b.example\nuser b\n\naccount default : a\n"
    )
    after, _ = generate("msmtp", "msmtprc", text, "--force")
    assert after.startswith("defaults\nport 587\ntls on\ntls_starttls on\n\naccount a\nhost smtp.gmail.com\n")
    assert after.endswith(text[text.index("\naccount b") :])
    own = after[after.index("account a") : after.index("account b")]
    assert "port 465\n" in own
    assert "tls_starttls off\n" in own


def test_environment_variables_in_another_file_of_yaml_are_known() -> None:
    """As the container of Discourse has them: no Compose file, and no manifest."""
    text = "templates:\n  - a\nenv:\n  LANG: en_US.UTF-8\n  DISCOURSE_HOSTNAME: x.example\n  # DISCOURSE_SMTP_PORT: 587\n\nvolumes: []\n"
    after, _ = generate("discourse", "app.yml", text)
    assert [line for line in after.splitlines() if line in text.splitlines()] == text.splitlines()
    assert "  DISCOURSE_HOSTNAME: x.example\n  DISCOURSE_SMTP_ADDRESS: smtp.gmail.com\n" in after


def test_a_service_is_known_by_its_name() -> None:
    """Where its image is built or of somebody else."""
    text = "services:\n  db:\n    image: postgres\n    environment:\n      A: b\n  zulip:\n    build: .\n    environment:\n      TZ: UTC\n"
    after, _ = generate("zulip", "compose.yaml", text)
    assert after.startswith(text)
    assert "SETTING_EMAIL_HOST" in after


def test_flat_keys_go_beside_their_like() -> None:
    """And not to the end of the file."""
    text = "mail.host: 'smtp'\n# mail.port: 25\n\nsystem.secret-key: 'x'\n"
    after, _ = generate("sentry", "config.yml", text, "--force")
    assert after.startswith("mail.host: 'smtp.gmail.com'\nmail.port: 465\n")
    assert after.endswith("# mail.port: 25\n\nsystem.secret-key: 'x'\n")


def test_a_file_of_a_kind_without_settings_is_refused_as_such() -> None:
    """With the kinds that there are."""
    _, done = generate("gitlab", "compose.yaml", "services:\n  a:\n    image: x\n", code=2)
    assert "ruby" in done.stderr


def test_a_password_beside_another_login_is_doubted() -> None:
    """It belonged to the user name that gave way."""
    text = "SMTP_HOST=smtp.gmail.com\nSMTP_USERNAME=you@gmail.com\nSMTP_PASSWORD=abcdabcdabcdabcd\n"
    after, done = generate("vaultwarden", ".env", text, "--force")
    assert "SMTP_PASSWORD=abcdabcdabcdabcd" in after
    assert "SMTP_PASSWORD: left unchanged" in done.stderr


def test_names_that_hold_a_password_are_told_whole() -> None:
    """A password that is a word in the names does not hide them."""
    _, done = generate("documenso", ".env", 'NEXT_PRIVATE_SMTP_PASSWORD="password"\n')
    assert "NEXT_PRIVATE_SMTP_HOST" in done.stderr
    assert "********" not in done.stderr.replace("NEXT_PRIVATE_SMTP_PASSWORD", "")


def test_a_password_that_is_known_is_not_asked_for() -> None:
    """It is not printed, and how it gets into the new file is said."""
    Path(".env").write_text(
        "SMTP_SERVER=smtp.gmail.com\nSMTP_PORT=465\nSMTP_TLS=true\nSMTP_LOGIN=a@gmail.com\n"
        "SMTP_PASSWORD=abcdabcdabcdabcd\nSMTP_FROM_ADDRESS=a@gmail.com\n",
        encoding="utf-8",
    )
    for lang in LANGUAGES:
        arguments = ["convert", ".env", "--from", "mastodon", "--to", "n8n", "--lang", lang]
        done = CliRunner().invoke(app, arguments)
        assert "abcdabcd" not in done.output
        assert "--with-password" in done.stderr
        assert say(lang, "generate.fill", names="N8N_SMTP_PASS") not in done.stderr
        done = CliRunner().invoke(app, [*arguments, "--write", f"{lang}.env"])
        assert "--with-password" not in done.stderr
        assert "abcdabcdabcdabcd" in Path(f"{lang}.env").read_text(encoding="utf-8")


def test_a_mode_that_only_the_port_keeps_from_is_said_so() -> None:
    """And not that an application does not know what it knows."""
    Path("m.env").write_text(
        "SMTP_SERVER=smtp.gmail.com\nSMTP_PORT=465\nSMTP_LOGIN=a@gmail.com\nSMTP_PASSWORD=x\nSMTP_FROM_ADDRESS=a@gmail.com\n",
        encoding="utf-8",
    )
    done = CliRunner().invoke(
        app, ["convert", "m.env", "--from", "mastodon", "--to", "grafana", "--lang", "en"]
    )
    assert done.exit_code == 2
    assert "on port 465" in done.stderr


def test_thunderbird_gets_no_word_that_it_does_not_know() -> None:
    """Its file has no word for encryption where it is offered."""
    Path("ghost.env").write_text(
        "mail__transport=SMTP\nmail__options__host=smtp.gmail.com\nmail__options__port=587\n"
        "mail__options__secure=false\nmail__options__auth__user=a@gmail.com\nmail__options__auth__pass=x\nmail__from=a@gmail.com\n",
        encoding="utf-8",
    )
    done = CliRunner().invoke(app, ["convert", "ghost.env", "--to", "thunderbird", "--lang", "en"])
    assert "<socketType>STARTTLS</socketType>" in done.stdout
    assert "requires STARTTLS" in done.stderr
