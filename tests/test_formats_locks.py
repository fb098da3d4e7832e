"""Versions in the files that package managers write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpdoctor.formats.locks import LOCKS, locked_version

COMPOSER = '{"packages": [{"name": "symfony/mailer", "version": "v7.3.1"}], "packages-dev": [{"name": "a/b", "version": "dev-main"}]}'
GEMFILE = """GEM
  remote: https://rubygems.org/
  specs:
    actionmailer (7.1.3)
      mail (~> 2.5, >= 2.5.4)
    mail (2.8.1)
      mini_mime (>= 0.1.1)

DEPENDENCIES
  mail
"""
NPM = '{"lockfileVersion": 3, "packages": {"": {"version": "1.0.0"}, "node_modules/nodemailer": {"version": "6.9.13"}, "node_modules/x/node_modules/nodemailer": {"version": "5.0.0"}}}'
OLD_NPM = '{"dependencies": {"nodemailer": {"version": "4.7.0"}}}'
YARN = '# yarn lockfile v1\n\n"nodemailer@^6.0.0", nodemailer@^6.9.0:\n  version "6.9.9"\n  resolved "https://x"\n\nother@1:\n  version "2.0.0"\n'
BERRY = '"nodemailer@npm:^6.9.0":\n  version: 6.9.14\n  resolution: "nodemailer@npm:6.9.14"\n'
POETRY = '[[package]]\nname = "django"\nversion = "5.2.1"\n\n[package.dependencies]\nsqlparse = ">=0.3"\n\n[[package]]\nname = "Flask-Mail"\nversion = "0.10.0"\n'
PIPFILE = '{"default": {"django": {"version": "==4.2.11"}}}'
REQUIREMENTS = "# django==1.0\ndjango[argon2]==5.1.4 ; python_version > '3' # pinned\nflask_mail == 0.9.1\nredis>=4\ncelery==5.*\nwheel==1.0 \\\n    --hash=sha256:aa\n"
GO = "module x\n\nrequire (\n\tgopkg.in/mail.v2 v2.3.1\n\tgithub.com/wneessen/go-mail v0.4.2 // indirect\n)\n"
VERSIONS = [
    ("composer.lock", COMPOSER, "symfony/mailer", "7.3.1"),
    ("composer.lock", COMPOSER, "a/b", None),
    ("Gemfile.lock", GEMFILE, "mail", "2.8.1"),
    ("Gemfile.lock", GEMFILE, "mini_mime", None),
    ("a/package-lock.json", NPM, "nodemailer", "6.9.13"),
    ("package-lock.json", OLD_NPM, "nodemailer", "4.7.0"),
    ("yarn.lock", YARN, "nodemailer", "6.9.9"),
    ("yarn.lock", BERRY, "nodemailer", "6.9.14"),
    ("yarn.lock", YARN, "mailer", None),
    ("poetry.lock", POETRY, "Django", "5.2.1"),
    ("uv.lock", POETRY, "flask_mail", "0.10.0"),
    ("Pipfile.lock", PIPFILE, "django", "4.2.11"),
    ("requirements.txt", REQUIREMENTS, "django", "5.1.4"),
    ("requirements/prod.txt", REQUIREMENTS, "django", None),
    ("prod-requirements.txt", REQUIREMENTS, "Flask-Mail", "0.9.1"),
    ("requirements.txt", REQUIREMENTS, "redis", None),
    ("requirements.txt", REQUIREMENTS, "celery", None),
    ("requirements.txt", REQUIREMENTS, "wheel", "1.0"),
    ("go.mod", GO, "gopkg.in/mail.v2", "2.3.1"),
    ("go.mod", "require gopkg.in/mail.v2 v2.0.0\n", "gopkg.in/mail.v2", "2.0.0"),
    ("notes.txt", REQUIREMENTS, "django", None),
]


@pytest.mark.parametrize(("path", "text", "package", "version"), VERSIONS)
def test_a_version_is_found(path: str, text: str, package: str, version: str | None) -> None:
    assert locked_version(path, text, package) == version
    assert locked_version(path, text.replace("\n", "\r\n"), package) == version
    assert locked_version(path, text, "nobody/has-this") is None


@given(
    st.sampled_from(LOCKS),
    st.text(max_size=40) | st.sampled_from(["[" * 100_000, '{"packages": 5}', "[[package]]\nname = 5"]),
)
def test_what_cannot_be_read_says_nothing(path: str, text: str) -> None:
    assert locked_version(path, text, "mail") is None
