"""``smtpdoctor presets`` through the public command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from smtpdoctor.cli import app
from smtpdoctor.knowledge import load
from smtpdoctor.text import LANGUAGES
from tests.each import each
from tests.examples import some_of

if TYPE_CHECKING:
    from typer.testing import Result

GOLDEN = Path(__file__).parent / "golden"
PRESETS = tuple(sorted(load.presets()))
SOME = ("daum", "gmail", "local", "microsoft365", "sendgrid")


def presets(*args: str, lang: str = "en", columns: str | None = "80", code: int = 0) -> Result:
    env = {"SMTPDOCTOR_LANG": lang, "COLUMNS": columns}
    result = CliRunner().invoke(app, ["presets", *args], env=env)
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


@pytest.mark.parametrize(
    ("golden", "args", "lang"),
    [
        ("presets-gmail.txt", ["gmail"], "en"),
        ("presets-naver-ko.txt", ["naver"], "ko"),
        ("presets-daum-verbose.txt", ["daum", "--verbose"], "en"),
    ],
)
def test_looks(golden: str, args: list[str], lang: str) -> None:
    shown = presets(*args, lang=lang).stdout
    path = GOLDEN / golden
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(shown)
    assert shown == path.read_text()


@each(
    ("name", "lang"),
    [(name, lang) for number, name in enumerate([None, *PRESETS]) for lang in some_of(LANGUAGES, 2, number)],
)
def test_fits_a_terminal_and_breaks_no_address(name: str | None, lang: str) -> None:
    shown = presets(*([name] if name else []), *(["--verbose"] if name else []), lang=lang).stdout
    assert "\x1b" not in shown
    for line in shown.splitlines():
        assert line == line.rstrip()
        assert cell_len(line) <= 80 or line.strip().startswith("https://"), line
    if name:
        preset = load.presets()[name]
        for link in preset.link:
            assert f"{link.url}\n" in shown
        for endpoint in preset.endpoint:
            assert f" {endpoint.port}  " in shown
        assert preset.host in shown
        assert shown.index(str(preset.endpoint[0].port)) < shown.index(
            "(권장)" if lang == "ko" else "(recommended)"
        )


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_lists_all_one_line_each_when_piped(lang: str) -> None:
    lines = presets(lang=lang, columns=None).stdout.splitlines()
    end = lines.index("")
    assert [line.split()[0] for line in lines[1:end]] == sorted(PRESETS)
    assert any("지메일" in line and "587" in line for line in lines)


def test_quiet_is_for_scripts() -> None:
    assert presets("--quiet").stdout.splitlines() == sorted(PRESETS)
    assert presets("sendgrid", "--quiet").stdout == "smtp.sendgrid.net:587 starttls\n"
    assert "contradict" in presets("--quiet", "--verbose", code=2).stderr


@each(
    ("name", "preset"),
    [
        *((name, "gmail") for name in ("Gmail", "지메일", "g-suite", "googlemail", " gmail ")),
        *((name, "gmail") for name in ("smtp.gmail.com", "SMTP.gmail.com.", "gmail.com", "kim@gmail.com")),
        *((name, "naver") for name in ("kim@naver.com", "smtp.naver.com", "naver.com")),
        ("contoso-com.mail.protection.outlook.com", "microsoft365"),
        ("email-smtp.eu-south-1.amazonaws.com", "ses"),
        *((name, "own") for name in ("postfix", "Apache James", "mailcow", "company SMTP", "회사 메일 서버")),
    ],
)
def test_other_names(name: str, preset: str) -> None:
    """A provider is found by whatever a person has of it: a name, its server, an address."""
    assert presets(name, "--quiet").stdout == presets(preset, "--quiet").stdout
    assert presets(name).stdout == presets(preset).stdout


def test_an_unknown_name_offers_the_nearest() -> None:
    result = presets("navr", code=2)
    assert result.stdout == ""
    assert "Did you mean naver?" in result.stderr
    assert "smtpdoctor presets" in presets("qqqqqq", code=2).stderr
    assert "naver" in json.loads(presets("navr", "--format", "json", code=2).stdout)["error"]["message"]


def test_replies_only_on_request() -> None:
    assert "auth-bad-credentials" not in presets("naver").stdout
    assert "auth-bad-credentials" in presets("naver", "--verbose").stdout


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("name", SOME)
def test_json_has_all_facts(name: str, lang: str) -> None:
    shown = json.loads(presets(name, "--format", "json", lang=lang).stdout)
    assert shown["version"] == 1
    assert shown["tool"]["name"] == "smtpdoctor"
    one, preset = shown["preset"], load.presets()[name]
    assert one["name"] == preset.name.in_("ko" if lang == "ko" else "en")
    # Every field of a preset is there under its own name or in the plural.
    fields = {field.rstrip("s") for field in preset.__struct_fields__} - {"reply"}
    assert fields <= {key.rstrip("s") for key in one}
    assert len(one["replies"]) == len(load.replies(name))
    assert one["endpoints"][0]["security"] == preset.endpoint[0].security.value
    everything = json.loads(presets("--format", "json", lang=lang).stdout)
    assert one in everything["presets"]
    assert [each["id"] for each in everything["presets"]] == sorted(PRESETS)


def test_output_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    assert presets("gmail", "--output", str(path)).stdout == ""
    assert path.read_text() == presets("gmail").stdout


def test_a_preset_of_the_users_own(tmp_path: Path) -> None:
    folder = tmp_path / "smtpdoctor" / "presets"
    folder.mkdir(parents=True)
    source = (load.sources()[1] / "resend.toml").read_text().partition("[[reply]]")[0]
    (folder / "mycompany.toml").write_text(source.replace("smtp.resend.com", "smtp.mycompany.example"))
    (folder / "mycompany.toml").chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-m", "smtpdoctor", "presets", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "mycompany" in done.stdout.split()
    (folder / "broken.toml").write_text("kind = 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "smtpdoctor", "presets"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert done.returncode == 0
    assert "broken.toml" in done.stderr
    assert "smtp.mycompany.example" in done.stdout


def test_a_slip_in_a_host_or_an_address_leads_to_its_preset() -> None:
    """And not to whichever word looks alike."""
    hosts = (("smtp.gmial.com", "gmail"), ("smtp.nave.com", "naver"), ("smtp.gmail.co", "gmail"))
    domains = (("hotmial.com", "hotmail.com"), ("kim@nvaer.com", "naver.com"), ("gmail.con", "gmail.com"))
    for wrong, right in (*hosts, *domains):
        assert f"Did you mean {right}?" in presets(wrong, code=2).stderr
