"""``fix``: what was found is mended in the file where it stands, nothing else changes, and no secret shows."""

from __future__ import annotations

import cProfile
import json
import random
import re
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from benchmarks.faults import APPS, LOGINS, Case, Result, cases, files_of, tried, working
from smtpdoctor.cli import app
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.mending import changes_by_key, write_files
from smtpdoctor.cli.settings import Request
from smtpdoctor.cli.states import state_for
from smtpdoctor.errors import UsageError
from smtpdoctor.fix import plan
from smtpdoctor.fix.parts import with_part
from smtpdoctor.fix.shown import difference, masked_lines
from smtpdoctor.knowledge.dialects import Explode, Url
from smtpdoctor.labels import Label
from smtpdoctor.model import Secret
from tests.app_cases import cases_in
from tests.checking import HOST, PASSWORD, USER, cli
from tests.each import each
from tests.examples import some_of
from tests.servers import dialogue, serve

if TYPE_CHECKING:
    from tests.certs import Certificates

CASES = Path(__file__).parent / "data" / "app-cases"
SAMPLED = 2  # faults of each file, so that the suite stays quick; benchmarks/faults.py tries all
# What an edit cannot mend: it needs a person, or a decision that is not ours.
OF_PEOPLE = {
    Label.PLACEHOLDER, Label.PASSWORD_FORM, Label.NO_CREDENTIALS, Label.REPLACED, Label.NO_EFFECT,
    Label.UNREAD_NAME, Label.OPPOSITE_MEANING, Label.NO_ENCRYPTION,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where there is nothing."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")


def run(*arguments: str | Path, code: int = 0) -> str:
    """Run a command and return what it prints."""
    done = CliRunner().invoke(app, [*map(str, arguments), "--no-environment", "--lang", "en"])
    assert done.exit_code == code, done.output
    return done.output


@cache
def sampled() -> list[tuple[Case, Result]]:
    """Return some faults of every application, and how each went."""
    chosen = random.Random(11)  # noqa: S311 -- the same each time
    found: list[tuple[Case, Result]] = []
    for one in APPS:
        provider = chosen.choice(sorted(LOGINS))
        several = list(cases(chosen, {one.id}, {provider}, two=False, kinds=1))
        for case in chosen.sample(several, min(SAMPLED, len(several))):
            result = tried(case.good, case.faults)
            if result is not None:
                found.append((case, result))
    return found


def test_faults_are_mended() -> None:
    """Of faults put into working files of all applications, nearly all are mended so that the mode works again."""
    failed = [(case.app.id, case.faults, result.why) for case, result in sampled() if result.why]
    assert len(sampled()) > len(APPS)
    assert len(failed) <= 0.05 * len(sampled()), failed


def test_a_mended_file_differs_where_the_fault_was_and_nowhere_else() -> None:
    """Lines that are about something else stay as they are, byte for byte, and nothing gets worse."""
    for case, result in sampled():
        assert not result.worse
        if result.plan is None:
            continue
        edits = sum(len(step.done) for step in result.plan.steps)
        for old, new in result.plan.changed.values():
            blocks = SequenceMatcher(None, old.splitlines(True), new.splitlines(True), autojunk=False)
            gone = sum(j - i for tag, i, j, _, _ in blocks.get_opcodes() if tag != "equal")
            come = sum(j - i for tag, _, _, i, j in blocks.get_opcodes() if tag != "equal")
            assert max(gone, come) <= edits, (case.app.id, case.faults)


def test_no_secret_shows_in_what_is_told() -> None:
    """Neither in the lines before nor in those after, nor in a change, whatever the fault did to its name."""
    for case, result in sampled():
        if result.plan is None:
            continue
        told = "".join(difference(result.plan, path, path) for path in result.plan.changed)
        told += repr(changes_by_key(result.plan))
        assert LOGINS[case.provider].password[:10] not in told, case.faults


def test_of_a_long_file_only_what_is_shown_is_masked() -> None:
    """How long it takes does not go by the length of the file, but for reading it."""
    Path("mail.env").write_text("# a comment\n" * 3_000 + BASE, encoding="utf-8")
    profile = cProfile.Profile()
    shown = profile.runcall(run, "fix", "--no-network", "--config", "mail.env", code=1)
    assert "+SMTP_PORT=465" in shown
    masked = [one for one in profile.getstats() if getattr(one.code, "co_name", "") == "mask"]
    assert 0 < sum(one.callcount for one in masked) < 100


def test_a_difference_tells_both_files() -> None:
    """Its lines are those of the file before and of the file after, but for the secrets in them."""
    for _, result in sampled():
        if result.plan is None:
            continue
        before, after = result.plan.before, result.plan.after
        for path in result.plan.changed:
            lines = difference(result.plan, path, path).splitlines()[2:]
            assert re.fullmatch(r"@@ -\d+(,\d+)? \+\d+(,\d+)? @@", lines[0])
            # What stands under a name that nobody reads is masked beyond that.
            lines = [one for one in lines if not one.startswith("@@") and Secret.MASK not in one]
            old, new = masked_lines(before, path, after), masked_lines(after, path, before)
            assert {one[1:] for one in lines if one[0] in " -"} <= set(old)
            assert {one[1:] for one in lines if one[0] in " +"} <= set(new)


def test_real_configurations_are_mended() -> None:
    """Of the real files with a finding that an edit can mend, nine in ten are; nothing gets worse."""
    mendable, left = 0, []
    for case in cases_in(CASES):
        main = CASES / case["id"] / case["main"]
        state = state_for(Request(config=[main], no_environment=True), lang="en", known=Known())
        editable = [one.key for one in state.found if not one.finding.evidence.labels & OF_PEOPLE]
        made = plan(state)
        assert len(made.after.found) <= len(state.found)
        if not editable:
            continue
        mendable += 1
        left += [(case["id"], key) for key in editable if made.after.keys[key] >= state.keys[key]]
    assert mendable >= 25
    assert len({name for name, _ in left}) <= 0.1 * mendable, left


SPRING = """\
spring:
  mail:
    host: smtp.gmail.com
    port: 465          # SMTP
    username: app@gmail.com
    password: abcdefghijklmnop
    properties:
      mail:
        smtp:
          starttls:
            enable: true
            required: true
"""


def test_it_is_shown_and_then_written() -> None:
    """Nothing changes before it is asked for; then one place does, and there is nothing left to mend."""
    file = Path("application.yml")
    file.write_text(SPRING)
    file.chmod(0o640)
    shown = run("fix", "--no-network", "--config", file, code=1)
    assert "-    port: 465          # SMTP" in shown
    assert "+    port: 587          # SMTP" in shown
    assert "abcdefghijklmnop" not in shown
    assert file.read_text() == SPRING
    assert "Wrote application.yml." in run("fix", "--no-network", "--write", "--config", file)
    assert file.read_text() == SPRING.replace("465", "587")
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(Path().iterdir()) == [file]
    assert "Nothing to fix." in run("fix", "--no-network", "--config", file)


def test_the_line_that_another_file_puts_in_is_changed_where_it_stands() -> None:
    """A Compose file that takes its port from `.env` stays as it is."""
    compose = next(one for one in APPS if one.name == "compose.yml")
    files = files_of(compose, "gmail", "tls")
    for name, text in files.items():
        Path(name).write_text(text.replace("465", "587"))
    before = Path("compose.yml").read_text()
    shown = run("fix", "--no-network", "--write", "--config", "compose.yml")
    assert "+++ .env" in shown
    assert Path("compose.yml").read_text() == before
    assert Path(".env").read_text() == files[".env"]


PUT_IN = {"SERVER": "smtp.gmail.com", "LOGIN": USER, "PASSWORD": "abcdefghijklmnop", "FROM": "jane@gmail.com"}


@pytest.mark.parametrize("prefix", ["SMTP", "MAIL"])
@pytest.mark.parametrize("wrong", [name for name in PUT_IN if name != "FROM"])
def test_a_slip_in_the_name_of_what_is_put_in_is_mended_where_it_is_given_its_value(
    prefix: str, wrong: str
) -> None:
    """One letter goes from the name in `.env`, at each place in turn; the Compose file stays as it is."""
    values = PUT_IN | {"LOGIN": "jane@gmail.com"}
    compose = "services:\n  web:\n    image: tootsuite/mastodon:v4.3\n    environment:\n" + "".join(
        f"      SMTP_{name if name != 'FROM' else 'FROM_ADDRESS'}: ${{{prefix}_{name}}}\n" for name in values
    )
    compose += "      SMTP_PORT: 587\n"
    Path("compose.yaml").write_text(compose, encoding="utf-8")
    for at in some_of(range(1, len(wrong)), 2, prefix == "MAIL"):
        slipped = wrong[:at] + wrong[at + 1 :]
        lines = {f"{prefix}_{name if name != wrong else slipped}": value for name, value in values.items()}
        text = "# mail\n" + "".join(f"{name}={value}\n" for name, value in lines.items()) + "OTHER_THING=x\n"
        Path(".env").write_text(text, encoding="utf-8")
        told = run("fix", "--no-network", "--config", "compose.yaml", "--format", "json", code=1)
        told += run("lint", "--config", "compose.yaml", "--format", "json", code=1)
        told += run("fix", "--no-network", "--config", "compose.yaml", "--write")
        assert values["PASSWORD"] not in told
        assert Path(".env").read_text() == text.replace(f"{prefix}_{slipped}=", f"{prefix}_{wrong}=")
        assert Path("compose.yaml").read_text() == compose


def test_what_two_services_have_from_one_place_is_told_of_both() -> None:
    """A port behind an anchor: one edit mends both."""
    text = (
        "x-mail: &mail\n  SMTP_SERVER: smtp.gmail.com\n  SMTP_PORT: 465\n  SMTP_LOGIN: jane@gmail.com\n"
        "  SMTP_PASSWORD: abcdefghijklmnop\n  SMTP_FROM_ADDRESS: jane@gmail.com\n"
        "services:\n  web:\n    image: tootsuite/mastodon:v4.3\n    environment:\n      <<: *mail\n"
        "      SMTP_ENABLE_STARTTLS: always\n"
        "  sidekiq:\n    image: tootsuite/mastodon:v4.3\n    environment: *mail\n"
    )
    Path("compose.yaml").write_text(text, encoding="utf-8")
    told = json.loads(run("fix", "--no-network", "--config", "compose.yaml", "--format", "json", code=1))
    assert {one["service"] for one in told["fixed"]} == {"web", "sidekiq"}
    assert all(one["changes"] for one in told["fixed"])
    run("fix", "--no-network", "--config", "compose.yaml", "--write")
    assert Path("compose.yaml").read_text() == text.replace("465", "587")


def test_quotes_that_became_part_of_a_password_go_and_it_never_shows() -> None:
    """An app password in quotes in a list of Compose."""
    text = (
        "services:\n  api:\n    image: linecorp/abc-user-feedback:latest\n    environment:\n"
        "      - SMTP_HOST=smtp.gmail.com\n      - SMTP_PORT=465\n      - SMTP_USERNAME=fb@gmail.com\n"
        '      - SMTP_PASSWORD="abcd efgh ijkl mnop"\n      - SMTP_SENDER=fb@gmail.com\n      - SMTP_TLS=true\n'
        "      - SMTP_BASE_URL=https://fb.example.org\n"
    )
    Path("docker-compose.yml").write_text(text)
    shown = run("fix", "--no-network", "--write", "--config", "docker-compose.yml")
    assert "abcd" not in shown
    assert "mnop" not in shown
    assert '"abcd' not in Path("docker-compose.yml").read_text()
    state = state_for(
        Request(config=[Path("docker-compose.yml")], no_environment=True), lang="en", known=Known()
    )
    assert state.subjects[0].assignment("SMTP_PASSWORD").value == "abcd efgh ijkl mnop"  # type: ignore[union-attr]


@pytest.mark.parametrize("host", ["{}/{}:587", "{} {}", "{}:{}"])
@pytest.mark.parametrize(
    "command", [["lint"], ["lint", "--fix"], ["fix", "--no-network"], ["lint", "--format=json"]]
)
def test_no_part_of_a_password_is_taken_for_the_host(host: str, command: list[str]) -> None:
    """A password that stands where the host belongs may begin as a name does: cut out, it would be shown as one."""
    head, tail = "kTdhbtU1VsH", "90210"
    password = host.format(head, tail).removesuffix(":587")
    Path(".env").write_text(
        BASE.replace("smtp.gmail.com", f"'{host.format(head, tail)}'").replace(
            "abcdefghijklmnop", f"'{password}'"
        )
    )
    assert not re.search(f"{head}|{tail}", run(*command, code=1))


BASE = (
    "SMTP_HOST=smtp.gmail.com\nSMTP_PORT=587\nSMTP_SENDER=a@gmail.com\nSMTP_USERNAME=a@gmail.com\n"
    "SMTP_PASSWORD=abcdefghijklmnop\nSMTP_TLS=true\n"
)


def test_lint_offers_the_same_changes() -> None:
    """What `lint` says is to be written is what `fix` writes."""
    Path(".env").write_text(BASE)
    (finding,) = json.loads(run("lint", "--format", "json", code=1))["findings"]
    shown = json.loads(run("fix", "--no-network", "--format", "json", code=1))
    (mended,) = shown["fixed"]
    assert (
        finding["changes"]
        == mended["changes"]
        == [{"file": ".env", "line": 2, "name": "SMTP_PORT", "value": "465"}]
    )
    assert (shown["verdict"], shown["findings"], shown["proof"]) == ("pass", [], "lint")
    assert [(one["file"], one["written"]) for one in shown["files"]] == [(".env", False)]
    run("lint", "--fix", "--write")
    assert Path(".env").read_text() == BASE.replace("587", "465")
    run("lint")


def test_several_names_that_nobody_reads_are_mended_at_once() -> None:
    """Each at its own line in the file as it stands, and a line that changes twice is told once."""
    text = "SMTP_HOST=smtp.gmail.com\nSMTP_PORT=465\nSMTP_USERNAME=kim@gmail.com\nSMTP_PASSWORD=abcdefghijklmnop\n"
    Path(".env").write_text(f"{text}SMTP_SECURE=false\nSMTP_FROM=kim@gmail.com\n")
    found = json.loads(run("lint", "--format", "json", code=1))["findings"]
    (misnamed,) = (one for one in found if one["id"] == "config-unknown-name")
    told = [(one["line"], one["name"], one["value"]) for one in misnamed["changes"]]
    assert told == [(5, "SMTP_TLS", "true"), (6, "SMTP_SENDER", "kim@gmail.com")]
    shown = run("lint", code=1)
    assert "- SMTP_SECURE=false" in shown
    assert "+ SMTP_TLS=true" in shown
    assert "SMTP_TLS=false" not in shown
    run("fix", "--no-network", "--write")
    assert Path(".env").read_text() == f"{text}SMTP_TLS=true\nSMTP_SENDER=kim@gmail.com\n"


def test_a_setting_that_is_no_text_stands_in_the_way_of_no_change() -> None:
    """A variable of the environment may hold any bytes."""
    Path(".env").write_text(
        "SMTP_HOST=smtp.gmail.com\nSMTP_PRT=587\nSMTP_USERNAME=kim@gmail.com\nSMTP_PASSWORD=x\n"
    )
    told = cli("lint", env={"SMTP_SENDER": "\udcff@example.test"}, code=1)
    assert "SMTP_PORT=587" in told.stdout


def test_digits_of_other_scripts_and_without_end_are_no_port() -> None:
    """Some count as digits and are no numbers, and of others Python makes none."""
    for port in ("²", "٥٨٧", "9" * 2_000, "0" * 20 + "1" + "9" * 20):
        settings = (
            f"MAIL_MAILER=smtp\nMAIL_HOST=smtp.gmail.com\nMAIL_PORT={port}\nMAIL_FROM_ADDRESS=a@gmail.com\n"
        )
        Path(".env").write_text(settings)
        for name in ("laravel", "django"):
            assert cli("lint", "--env-file", ".env", "--app", name, "--no-environment").exit_code in {0, 1}
        Path(".env").write_text(settings.replace("MAIL_", "SMTP_"))
        (first, *_) = json.loads(run("lint", "--format", "json", code=1))["findings"]
        assert first["id"] in {"config-invalid", "config-unknown-name"}


@each(
    ("line", "mended"),
    [
        ("SMTP_USERNAME=“kim@gmail.com”", "SMTP_USERNAME=kim@gmail.com"),
        ("SMTP_PASSWORD=‘abcdefghijklmnop’", "SMTP_PASSWORD=abcdefghijklmnop"),
        ("SMTP_SENDER=„kim@gmail.com“", "SMTP_SENDER=kim@gmail.com"),
        ("SMTP_SENDER=kim @gmail.com", "SMTP_SENDER=kim@gmail.com"),
        ("SMTP_HOST=“smtp.gmail.com”", "SMTP_HOST=smtp.gmail.com"),
        ("SMTP_PORT=«587»", "SMTP_PORT=587"),
        ('SMTP_PORT="587', "SMTP_PORT=587"),
        ("SMTP_PASSWORD='abcdefghijklmnop", "SMTP_PASSWORD=abcdefghijklmnop"),
    ],
)
def test_quotes_that_come_from_a_page_or_do_not_close_are_taken_away(line: str, mended: str) -> None:
    """Word processors and web pages make other quotes of them, which no reader takes for any."""
    base = {
        "SMTP_HOST": "smtp.gmail.com",
        "SMTP_PORT": "587",
        "SMTP_USERNAME": "kim@gmail.com",
        "SMTP_PASSWORD": "abcdefghijklmnop",
        "SMTP_SENDER": "kim@gmail.com",
    }
    name = line.partition("=")[0]
    others = "".join(f"{one}={value}\n" for one, value in base.items() if one != name)
    Path(".env").write_text(f"{others}{line}\n")
    run("fix", "--no-network", "--write")
    assert Path(".env").read_text() == f"{others}{mended}\n"
    run("lint")


def test_lint_shows_the_lines_of_any_file() -> None:
    """Before and after, as they stand in that file."""
    Path("application.yml").write_text(SPRING)
    shown = run("lint", "--config", "application.yml", code=1)
    assert "-     port: 465          # SMTP" in shown
    assert "+     port: 587          # SMTP" in shown


def test_what_needs_a_person_is_said_and_the_rest_is_mended() -> None:
    """A placeholder for a password stays; where to get one is told."""
    Path(".env").write_text(BASE.replace("abcdefghijklmnop", "your_app_password"))
    shown = run("fix", "--no-network", "--write", code=1)
    assert "Left for you to do:" in shown
    assert "https://" in shown.partition("Left for you to do:")[2]
    assert Path(".env").read_text() == BASE.replace("587", "465").replace(
        "abcdefghijklmnop", "your_app_password"
    )


@pytest.mark.parametrize(
    "line", ["# Code generated by helm. DO NOT EDIT.", "# managed by Ansible", "# 자동 생성된 파일입니다"]
)
def test_a_file_that_another_program_makes_is_left_alone(line: str) -> None:
    """It is said which line says so, and nothing is written."""
    Path(".env").write_text(f"{line}\n{BASE}")
    shown = run("fix", "--no-network", "--write", code=1)
    assert line in shown
    assert Path(".env").read_text() == f"{line}\n{BASE}"


def test_nothing_is_taken_out_unless_it_is_asked_for() -> None:
    """What has no effect stays, and goes with a flag of its own."""
    good = files_of(next(one for one in APPS if one.id == "laravel"), "gmail", "tls")[".env"]
    Path(".env").write_text(f"{good}MAIL_ENCRYPTION=ssl\n")
    run("fix", "--no-network", "--write", "--config", ".env")
    assert "MAIL_ENCRYPTION" in Path(".env").read_text()
    run("fix", "--no-network", "--write", "--remove-inert", "--config", ".env")
    assert Path(".env").read_text() == good


def test_a_file_that_changed_since_it_was_read_is_left_alone() -> None:
    """Whoever was faster keeps what he wrote."""
    Path(".env").write_text(BASE)
    made = plan(state_for(Request(env_file=[Path(".env")], no_environment=True), lang="en", known=Known()))
    other = BASE + "MORE=1\n"
    Path(".env").write_text(other)
    with pytest.raises(UsageError) as error:
        write_files(made, backup=False)
    assert error.value.message.key == "usage.fix.changed"
    assert Path(".env").read_text() == other


def test_of_several_files_it_is_said_which_were_written() -> None:
    """The first is whole where the second fails."""
    compose = next(one for one in APPS if one.name == "compose.yml")
    for name, text in files_of(compose, "gmail", "tls").items():
        Path(name).write_text(text.replace("465", "587").replace("fb", "x").replace('"true"', '"ture"'))
    made = plan(
        state_for(Request(config=[Path("compose.yml")], no_environment=True), lang="en", known=Known())
    )
    assert sorted(made.changed) == [".env", "compose.yml"]
    second = list(made.changed)[1]
    Path(second).write_text("# gone\n")
    with pytest.raises(UsageError) as error:
        write_files(made, backup=False)
    assert error.value.hints[-1].values == {"files": next(iter(made.changed))}
    assert Path(next(iter(made.changed))).read_text() == next(iter(made.changed.values()))[1]
    assert Path(second).read_text() == "# gone\n"


def test_a_backup_is_kept_where_that_is_asked_for() -> None:
    """For its owner alone; one that holds something else is not lost."""
    Path(".env").write_text(BASE)
    run("fix", "--no-network", "--write", "--backup")
    kept = Path(".env.bak")
    assert kept.read_text() == BASE
    assert kept.stat().st_mode & 0o777 == 0o600
    Path(".env").write_text(BASE + "X=1\n")
    run("fix", "--no-network", "--write", "--backup", code=2)
    assert (kept.read_text(), Path(".env").read_text()) == (BASE, BASE + "X=1\n")


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_the_mark_at_the_beginning_stay(ends: str, mark: str) -> None:
    """As does a file without a line end behind its last line."""
    for last in (ends, ""):
        text = mark + SPRING.replace("\n", ends).rstrip("\r\n") + last
        Path("application.yml").write_bytes(text.encode())
        run("fix", "--no-network", "--write", "--config", "application.yml")
        assert Path("application.yml").read_bytes() == text.replace("465", "587").encode()


@pytest.mark.parametrize(
    ("flags", "words"), [(["--backup"], "--write"), (["--no-network", "--service", "x"], "--config")]
)
def test_wrong_use(flags: list[str], words: str) -> None:
    """Is said, with what it needs."""
    Path(".env").write_text(BASE)
    assert words in run("fix", *flags, code=2)


def test_who_it_is_has_to_be_known() -> None:
    """Settings that may belong to several applications are nobody's to change."""
    text = "SMTP_HOST=smtp.gmail.com\nSMTP_PORT=465\nSMTP_USER=a@gmail.com\nSMTP_PASS=x\n"
    Path("mail.env").write_text(text)
    run("fix", "--no-network", "--write", "--config", "mail.env", code=2)
    assert Path("mail.env").read_text() == text


# Against a server


def at(port: int, certificates: Certificates, *more: str) -> list[str]:
    return [
        *("fix", "--connect-to", f"localhost:2999:{HOST}:{port}", "--ca-file", str(certificates.ca_pem)),
        *("--timeout", "3", *more),
    ]


def settings(tls: str) -> str:
    return (
        f"SMTP_HOST=localhost\nSMTP_PORT=2999\nSMTP_SENDER={USER}\nSMTP_USERNAME={USER}\n"
        f"SMTP_PASSWORD={PASSWORD}\nSMTP_TLS={tls}\n"
    )


def test_the_mode_that_a_server_speaks_is_written(certificates: Certificates) -> None:
    """At a port that says nothing of its mode the server is asked, and one login is all that it sees."""
    script = dialogue(
        starttls_cert=certificates.good, capabilities=["STARTTLS"], tls_capabilities=["AUTH PLAIN LOGIN"]
    )
    with serve(script) as server:
        Path(".env").write_text(settings("true"))
        shown = run(*at(server.port, certificates, "--write"))
        assert sum(line.startswith("AUTH") for line in server.lines) == 1
    assert "tried against the server" in shown
    assert PASSWORD not in shown
    text = Path(".env").read_text()
    assert "SMTP_TLS=false" in text
    assert "SMTP_OPPORTUNISTIC_TLS=true" in text


def test_what_no_server_takes_is_not_offered(certificates: Certificates) -> None:
    """A host that is written rightly and answers nobody stays as it is."""
    with serve(dialogue()) as server:
        closed = server.port
    text = settings("true").replace("SMTP_PORT=2999", "SMTP_PORT=587")
    Path(".env").write_text(text)
    arguments = at(closed, certificates, "--write", "--timeout", "1")
    arguments += [
        "--connect-to",
        f"localhost:587:{HOST}:{closed}",
        "--connect-to",
        f"localhost:465:{HOST}:{closed}",
    ]
    assert "is not offered" in run(*arguments, code=1)
    assert Path(".env").read_text() == text


def test_two_faults_that_hide_each_other_are_mended_together(certificates: Certificates) -> None:
    """Neither change alone would lead to a connection."""
    script = dialogue(
        starttls_cert=certificates.good, capabilities=["STARTTLS"], tls_capabilities=["AUTH PLAIN LOGIN"]
    )
    with serve(script) as server:
        text = settings("flase").replace("HOST=localhost", "HOST=smtp://localhost").replace("2999", "587")
        Path(".env").write_text(text + "SMTP_OPPORTUNISTIC_TLS=ture\n")
        arguments = at(server.port, certificates, "--write")
        arguments += ["--connect-to", f"localhost:587:{HOST}:{server.port}"]
        arguments += ["--connect-to", f"localhost:465:{HOST}:{server.port}"]
        run(*arguments)
        # The host beside which the password stands is another one until the file is written.
        assert not any(line.startswith("AUTH") for line in server.lines)
    assert "SMTP_HOST=localhost\nSMTP_PORT=587\n" in Path(".env").read_text()


def test_a_login_that_was_refused_is_not_tried_again(certificates: Certificates) -> None:
    """One login, whatever is mended beside it."""
    script = dialogue(
        {"AUTH": "535 5.7.8 no"},
        starttls_cert=certificates.good,
        capabilities=["STARTTLS"],
        tls_capabilities=["AUTH PLAIN LOGIN"],
    )
    text = settings("false") + "SMTP_OPPORTUNISTIC_TLS=yess\n"
    with serve(script) as server:
        Path(".env").write_text(text)
        shown = run(*at(server.port, certificates, "--write"), code=1)
        assert sum(line.startswith("AUTH") for line in server.lines) <= 1
    assert "Left for you to do:" in shown


@pytest.mark.parametrize(
    ("text", "part", "value", "wanted"),
    [
        ("smtp://u%40x:p@h:587/?a=b", "scheme", "smtps", "smtps://u%40x:p@h:587/?a=b"),
        ("smtp://u:p@h:587", "port", "465", "smtp://u:p@h:465"),
        ("smtp://u:p@h", "port", "465", "smtp://u:p@h:465"),
        ("smtp://h:25", "host", "g", "smtp://g:25"),
        ("smtp://u:p@h:587", "user", "a@b", "smtp://a%40b:p@h:587"),
        ("smtp://h", "query.tls", "true", "smtp://h?tls=true"),
        ("smtp://h?tls=false&x=1", "query.tls", "true", "smtp://h?tls=true&x=1"),
        ("smtp://h?tls=false&x=1", "query.tls", "", "smtp://h?x=1"),
        ("nothing", "port", "465", None),
    ],
)
def test_a_part_of_a_url(text: str, part: str, value: str, wanted: str | None) -> None:
    """The rest of its text stays."""
    assert (
        with_part(text, Explode(names=("X",), codec="url", url=Url(schemes=("smtp",))), part, value) == wanted
    )


def test_a_working_file_stays_as_it_is(tmp_path: Path) -> None:
    """Nothing is changed where nothing is wrong."""
    for one in APPS:
        state = working(tmp_path / "x", files_of(one, "gmail", "tls"))
        if state is not None and not state.found:
            assert plan(state).steps == ()


CHAINS = {
    "one": ("MAIL_PORT=465\n", 1, "MAIL_PORT"),
    "two": ("A=x\nPORT=465\nMAIL_PORT=${PORT}\n", 2, "PORT"),
    "three": ('MAIL_PORT_=465\nB="${MAIL_PORT_}"\nMAIL_PORT=${B}\n', 1, "MAIL_PORT_"),
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("put_in", ["${MAIL_PORT}", '"${MAIL_PORT:-587}"', "$MAIL_PORT"])
def test_a_change_names_what_is_changed(chain: str, put_in: str) -> None:
    """Behind a variable that is put in stands another name, in another file; that is the one to be changed."""
    text, line, name = CHAINS[chain]
    Path("compose.yaml").write_text(
        "services:\n  web:\n    image: ghcr.io/mastodon/mastodon:v4.2\n    environment:\n"
        f"      SMTP_SERVER: smtp.gmail.com\n      SMTP_PORT: {put_in}\n      SMTP_LOGIN: a@gmail.com\n"
        "      SMTP_PASSWORD: abcdabcdabcdabcd\n      SMTP_FROM_ADDRESS: a@gmail.com\n",
        encoding="utf-8",
    )
    Path(".env").write_text(text, encoding="utf-8")
    for command in (("fix", "--no-network"), ("lint",)):
        told = json.loads(run(*command, "--config", "compose.yaml", "--format", "json", code=1))
        (change,) = next(one["changes"] for one in told.get("fixed", told["findings"]) if one["changes"])
        assert (change["file"], change["line"], change["name"]) == (".env", line, name)
    run("fix", "--no-network", "--write", "--config", "compose.yaml")
    assert Path(".env").read_text(encoding="utf-8") == text.replace("465", "587")


def test_what_others_are_made_of_as_well_stays() -> None:
    """A value that serves another end, too, is not changed for the sake of the mail."""
    text = "PORT=4650\nEMAIL_PORT=${PORT}\nOTHER=${PORT}\n"
    rest = "EMAIL_HOST=smtp.gmail.com\nEMAIL_USE_TLS=true\nEMAIL_HOST_USER=a@gmail.com\nEMAIL_HOST_PASSWORD=abcdabcdabcdabcd\n"
    path = Path("django.env")
    arguments = ("fix", "--no-network", "--write", "--config", "django.env", "--app", "django")
    path.write_text(text + rest, encoding="utf-8")
    run(*arguments)
    assert path.read_text(encoding="utf-8") == text + rest
    path.write_text(text.replace("OTHER=${PORT}\n", "") + rest, encoding="utf-8")
    run(*arguments)
    assert "PORT=587\nEMAIL_PORT=${PORT}\n" in path.read_text(encoding="utf-8")


def test_the_key_of_a_config_map_is_named() -> None:
    """What a container takes from a ConfigMap stands there under a key of its own."""
    Path("d.yaml").write_text(
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mail}\ndata:\n  port: "465"\n---\n'
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: m}\nspec:\n  template:\n    spec:\n      containers:\n"
        "      - name: web\n        image: ghcr.io/mastodon/mastodon:v4.2\n        env:\n"
        "        - {name: SMTP_SERVER, value: smtp.gmail.com}\n        - name: SMTP_PORT\n          valueFrom:\n"
        "            configMapKeyRef: {name: mail, key: port}\n        - {name: SMTP_LOGIN, value: a@gmail.com}\n"
        "        - {name: SMTP_FROM_ADDRESS, value: a@gmail.com}\n",
        encoding="utf-8",
    )
    told = json.loads(run("lint", "--config", "d.yaml", "--format", "json", code=1))
    changes = [one for each in told["findings"] for one in each["changes"]]
    assert {"file": "d.yaml", "line": 5, "name": "port", "value": "587"} in changes


@pytest.mark.parametrize("behind", ["", "   ", " # of Gmail", "\r"])
@pytest.mark.parametrize("ahead", ["", "export "])
def test_a_value_that_ends_the_reading_of_a_file_gets_quotes(behind: str, ahead: str) -> None:
    """An app password as it is shown, with blanks: the whole file is refused for it, and what stands below is lost."""
    end = "\r\n" if behind == "\r" else "\n"
    lines = [
        "MAIL_MAILER=smtp", "MAIL_HOST=smtp.gmail.com", "MAIL_PORT=587", "MAIL_USERNAME=a@gmail.com",
        f"{ahead}MAIL_PASSWORD=abcd efgh ijkl mnop{behind.rstrip(chr(13))}", "MAIL_FROM_ADDRESS=a@gmail.com", "",
    ]  # fmt: skip
    Path("laravel.env").write_bytes(end.join(lines).encode())
    arguments = ("fix", "--no-network", "--config", "laravel.env", "--app", "laravel")
    told = run(*arguments, code=1)
    assert "efgh" not in told
    run(*arguments, "--write")
    after = Path("laravel.env").read_bytes().decode().split(end)
    assert after[:4] + after[5:] == lines[:4] + lines[5:]
    assert after[4].replace("'", "").replace('"', "") == lines[4]
    assert re.search("[\"']abcd efgh ijkl mnop[\"']", after[4])


def test_words_for_nothing_and_names_of_variables_are_no_secrets() -> None:
    """They would hide the lines in which they stand for something else."""
    Path("settings.py").write_text(
        'EMAIL_HOST = "smtp.gmail.com"\nEMAIL_PORT = 465\nEMAIL_USE_TLS = True\nEMAIL_HOST_USER = "a@gmail.com"\n'
        'EMAIL_HOST_PASSWORD = "abcdabcdabcdabcd"\nOTHER_SECRET = secret("EMAIL_HOST_PASSWORD")\n',
        encoding="utf-8",
    )
    told = run("fix", "--no-network", "--config", "settings.py", "--app", "django", code=1)
    assert ' EMAIL_HOST_PASSWORD = "********"' in told


def test_the_name_of_a_variable_is_shown() -> None:
    """A reference says where a password comes from, and is none; one with a default holds one."""
    base = "spring:\n  mail:\n    host: smtp.gmail.com\n    port: 465\n    username: a@gmail.com\n    password: {}\n    properties:\n      mail.smtp.starttls.enable: true\n"
    for text, shown in (
        ("${MAIL_PASSWORD}", True),
        ('"${MAIL_PASSWORD}"', True),
        ("${A:abcdabcdabcdabcd}", False),
    ):
        Path("application.yml").write_text(base.format(text), encoding="utf-8")
        told = run("fix", "--no-network", "--config", "application.yml", code=1)
        assert (f"    password: {text}" in told) is shown
        assert "abcdabcdabcdabcd" not in told
