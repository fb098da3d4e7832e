"""Conversions between many applications: each ends with a file or a reason, in both languages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.checking import cli
from tests.examples import some_of

if TYPE_CHECKING:
    from pathlib import Path

# Of each way to secure a connection, to be switched on and off, and to name a server.
APPS = (
    *("smtp", "n8n", "mastodon", "laravel", "vaultwarden", "grafana", "gitea", "django", "odoo", "msmtp"),
    *("spring-boot", "ghost", "nextcloud", "curl", "keycloak", "symfony"),
)
SOURCES = ("smtp", "mastodon", "n8n", "spring-boot")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_each_pair_ends_with_a_file_or_a_reason(tmp_path: Path, source: str, security: str) -> None:
    made = cli("generate", "gmail", *(() if source == "smtp" else ("--app", source)), "--security", security)
    if made.exit_code:
        assert made.stderr
        return
    name = "application.properties" if source == "spring-boot" else ".env"
    path = tmp_path / name
    path.write_text(made.stdout, encoding="utf-8")
    pairs = list(zip(APPS, ("en", "ko") * len(APPS), strict=False))
    for target, lang in some_of(pairs, 3, SOURCES.index(source) + (security == "tls")):
        done = cli("convert", str(path), "--from", source, "--to", target, "--format", "json", "--lang", lang)
        told = json.loads(done.stdout)
        assert done.exit_code in {0, 1, 2}
        if "error" in told:
            assert told["error"]["message"]
        else:
            assert all(isinstance(loss, (str, dict)) and loss for loss in told["losses"])
            words = cli("convert", str(path), "--from", source, "--to", target, "--lang", lang)
            assert words.stdout


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("app", ["thunderbird", "apple-mail"])
def test_a_comment_of_xml_is_a_whole_paragraph(app: str, lang: str) -> None:
    """It cannot hold the hyphens of a flag, and half a sentence says nothing."""
    said = cli("generate", "naver", "--app", app, "--lang", lang, code=0).stdout
    comments = [line.strip()[5:-4] for line in said.splitlines() if line.strip().startswith("<!-- ")]
    assert len(comments) > 3
    for text in ("or `--set", "를 사용합니다", "사용합니다.", "--set"):
        assert text not in comments
    assert not any("--" in one for one in comments)
