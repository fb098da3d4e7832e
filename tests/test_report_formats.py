"""The report formats: each says the same, is read by others' readers, and lets nothing in."""

from __future__ import annotations

import json
import shlex
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from smtpdoctor.model import Lang, Report
from smtpdoctor.report import FORMATS, RENDERERS, TERMINAL, renderer, terminal
from smtpdoctor.report.nagios import code_of
from smtpdoctor.report.told import Part, Places, Profile, Told, one_line, plain, worst
from smtpdoctor.report.view import view_of
from tests.checking import cli
from tests.examples import examples, some_of
from tests.fuzz.draw import RandomDraw
from tests.fuzz.target import no_control
from tests.fuzz.targets.reports import PASSWORD, a_report
from tests.readers import READERS, Said, flat, json_schema, read_annotations, read_json, read_sarif

# What a server, a log or a file may say that means something to one of the readers.
NASTY = (
    "::error file=x::injected",
    "\n::set-output name=x::y",
    "##[error]injected",
    "%0A::warning::injected",
    "]]><failure/>",
    "<script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "<!-- -->",
    "&lt;&#0;",
    "```\n# head",
    "~~~",
    "`",
    "|",
    " | x=1s",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "[x]: https://evil.example",
    "https://evil.example/a_b*c",
    "@team #1",
    "- item\n1. item\n> quote",
    "---",
    "$(reboot) `reboot`",
    "\\",
    '"',
    "'",
    "{0}",
    "한국어 中文",
    "\u202egnp.exe",
    "\u2028\u2029\x85",
    "\x1b[31m\x07\x00",
    "a" * 100,
)


class _Nasty(RandomDraw):
    """Draws texts that want to be more than text, up to 10,000 characters of them."""

    def text(self, most: int = 12, signs: str = "") -> str:  # noqa: ARG002 -- they are drawn elsewhere
        parts = self.several(lambda: self.pick(NASTY), 3)
        said = "".join(parts) if self.chance(80) else super().text(most)
        return (said * 10_000)[:10_000] if said and most >= 60 and self.chance(5) else said


NAMES = st.sampled_from(("", "web", *NASTY))
PLACES = Places("docs/anchor file.yml", None, lambda path: path.removeprefix("/work/"))


def told_of(
    report: Report, lang: Lang, name: str = "", *, transcript: bool = False, undecided: bool = False
) -> Told:
    views = [view_of(report, one) for one in (lang, "en" if lang == "ko" else "ko")]
    if undecided and report.verdict == "fail":
        views = [replace(one, verdict="inconclusive") for one in views]
    part = Part(name=name, view=views[0], twin=views[1], healthy=report.healthy)
    when = "2026-11-28T03:00:00+00:00"
    return Told(command="check", lang=lang, parts=(part,), transcript=transcript, places=PLACES, when=when)


def assert_same(name: str, said: Said, told: Told) -> None:
    """Check that a format says the verdict, the ids and the first step of a report."""
    view = told.parts[0].view
    ids = [one.id for one in view.problems]
    if name in {"junit", "markdown"}:  # by stage, and beside other ids that it may be
        assert set(ids) <= set(said.ids)
    else:
        assert said.ids == ids
    if ids or name != "gitlab":  # which has no place for a verdict without a finding
        assert said.verdict == view.verdict
    if view.problems and view.problems[0].steps:
        step = flat(plain(view.problems[0].steps[0]))
        if name == "nagios":  # whose carriers cut a line after 4 KB
            step = step[:1_000]
        # In code it stands apart, in other text its signs are escaped.
        step, told_step = (text.replace("##[", "# #[") for text in (step, flat(one_line(said.step))))
        assert step in told_step


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=examples(12))
@given(
    seed=st.integers(0, 1 << 32), lang=st.sampled_from(("en", "ko")), service=NAMES, transcript=st.booleans()
)
def test_every_format_says_the_same(name: str, seed: int, lang: Lang, service: str, transcript: bool) -> None:
    """Verdict, ids and first step, whatever a server says; read by a reader that others wrote."""
    report = a_report(_Nasty(seed))
    told = told_of(report, lang, service, transcript=transcript, undecided=seed % 3 == 0)
    text = renderer(name).tell(told)
    assert PASSWORD not in text
    assert_same(name, READERS[name](text), told)
    assert text == text.encode("utf-8").decode()


def squeezed(text: str) -> str:
    """Return a text without the blanks and line ends by which a terminal's width changes it."""
    return "".join(text.split())


@settings(max_examples=examples(25))
@given(seed=st.integers(0, 1 << 32), lang=st.sampled_from(("en", "ko")), verbose=st.booleans())
def test_the_terminal_says_the_same(seed: int, lang: Lang, verbose: bool) -> None:
    """Verdict, ids and first step, for people; nothing that a terminal obeys comes through."""
    view = told_of(a_report(_Nasty(seed)), lang, undecided=seed % 3 == 0).parts[0].view
    stream = StringIO()
    console = terminal.make_console(stream, color=False)
    terminal.print_view(console, view, transcript=True, quiet=False, verbose=verbose, stages=True)
    text = stream.getvalue()
    assert PASSWORD not in text
    no_control(text, "\n")
    flat_text = squeezed(text)
    left_out = [one for one in view.problems if one.id not in text]
    # Another finding with the same change as the first would say the same, and is left to --verbose.
    assert not [
        one.id for one in left_out if verbose or not one.changes or one.changes != view.problems[0].changes
    ]
    *_, last = text.splitlines()
    mark = {"pass": "✔", "warn": "!", "fail": "✖", "inconclusive": "✖"}[view.verdict]
    assert last.startswith(mark)
    assert any(squeezed(last[1:]) == squeezed(one) for one in view.last)
    if view.problems and view.problems[0].steps:
        assert squeezed(plain(view.problems[0].steps[0])) in flat_text


def test_every_format_has_a_reader() -> None:
    """A format without one would be checked by nobody."""
    assert set(READERS) == set(RENDERERS) == set(FORMATS) - {TERMINAL}


SEEDS = st.integers(0, 1 << 32)


@settings(max_examples=examples(8))
@given(seeds=st.lists(SEEDS, min_size=2, max_size=3), lang=st.sampled_from(("en", "ko")))
def test_several_reports_are_told_together(seeds: list[int], lang: Lang) -> None:
    """Each with its findings; the verdict over all is the gravest."""
    parts = tuple(
        told_of(a_report(_Nasty(seed)), lang, f"app {number}").parts[0] for number, seed in enumerate(seeds)
    )
    told = Told(command="lint", lang=lang, parts=parts, places=PLACES)
    ids = [one.id for part in parts for one in part.view.problems]
    assert told.verdict == worst(part.view.verdict for part in parts)
    for name in set(READERS) - {"junit", "gitlab", "markdown", "html", "nagios", "prometheus"}:
        assert READERS[name](renderer(name).tell(told)).ids == ids, name
    for name in ("junit", "gitlab", "html", "markdown"):
        text = renderer(name).tell(told)
        assert all(one in text for one in ids), name
    assert renderer("nagios").tell(told).split(": ")[0].endswith(f" - {told.verdict}")
    up = renderer("prometheus").tell(told)
    assert up.count("\nsmtpdoctor_up{") == len(parts)


def an_unrun(name: str, text: str) -> Profile:
    """Return a profile that could not be run, or without a text one that was not reached."""
    if not text:
        return Profile(name)
    return Profile(name, error=text, twin_error=f"{text} ({name})", file="/work/smtpdoctor.toml", line=7)


@settings(max_examples=examples(25))
@given(
    seeds=st.lists(SEEDS, max_size=2),
    unrun=st.lists(st.sampled_from(("", *NASTY)), min_size=1, max_size=3),
    lang=st.sampled_from(("en", "ko")),
)
def test_a_profile_without_a_report_is_told_in_every_format(
    seeds: list[int], unrun: list[str], lang: Lang
) -> None:
    """No format is green where a profile could not be run, and each says which and why."""
    parts = tuple(
        told_of(a_report(_Nasty(seed)), lang, f"run {number}").parts[0] for number, seed in enumerate(seeds)
    )
    broken = [an_unrun(f"unrun {number}", text) for number, text in enumerate(unrun)]
    ran = [Profile(one.name, one.view, healthy=one.healthy, twin=one.twin) for one in parts]
    told = Told(
        command="check",
        lang=lang,
        parts=parts,
        places=PLACES,
        when="2026-11-28T03:00:00+00:00",
        profiles=(*broken, *ran),
    )
    assert told.verdict not in {"pass", "warn"}
    texts = {name: renderer(name).tell(told) for name in READERS}
    for name in set(READERS) - {"prometheus", "markdown", "github", "json-lines"}:
        READERS[name](texts[name])
    for line in texts["json-lines"].splitlines():
        read_json(line)
    assert len(read_annotations(texts["github"])) >= len(broken)
    assert all(one["title"] for one in read_annotations(texts["github"]))
    names = [one.name for one in broken]
    for name, text in texts.items():
        assert all(one in text for one in names), name
    failed = any(one.view.verdict == "fail" for one in parts)
    assert code_of(told) == (2 if failed else 3)
    (run,) = json.loads(texts["sarif"])["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    errors = [one for one in invocation["toolExecutionNotifications"] if one["level"] == "error"]
    assert [one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in errors] == [
        7 for one in broken if one.error
    ]
    found = [one for one in json.loads(texts["gitlab"]) if one["check_name"] == "smtpdoctor/usage"]
    assert {(one["location"]["path"], one["location"]["lines"]["begin"]) for one in found} <= {
        ("smtpdoctor.toml", 7)
    }
    said = [one["name"] for one in json.loads(texts["json"])["profiles"]]
    assert said == [one.name for one in told.profiles]


def linted(folder: Path, text: str, *more: str, code: int = 1) -> str:
    """Return what lint says of a `.env` in a folder."""
    (folder / ".env").write_text(text)
    return cli("lint", "--no-environment", "--env-file", ".env", *more, code=code).stdout


# The mistake is on line 4.
WRONG = """# the shop
SMTP_HOST=smtp.gmail.com
SMTP_PORT=465
SMTP_TLS=false
SMTP_OPPORTUNISTIC_TLS=true
SMTP_USERNAME=shop@gmail.com
SMTP_PASSWORD=abcdabcdabcdabcd
SMTP_SENDER=shop@gmail.com
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in a repository, and go there."""
    for name in ("GITHUB_WORKFLOW_REF", "GITHUB_STEP_SUMMARY", "GITLAB_CI", "CI_CONFIG_PATH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    folder = tmp_path / "repo" / "deploy"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_finding_is_shown_where_the_line_is_to_be_changed(repository: Path) -> None:
    """File and line of the setting at fault, as seen from the top of the repository."""
    (first, *_) = read_annotations(linted(repository, WRONG, "--format", "github"))
    assert (first["file"], first["line"]) == ("deploy/.env", "4")
    (issue, *_) = json.loads(linted(repository, WRONG, "--format", "gitlab"))
    assert issue["location"] == {"path": "deploy/.env", "lines": {"begin": 4}}
    text = linted(repository, WRONG, "--format", "sarif")
    read_sarif(text)
    (result, *_) = json.loads(text)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "deploy/.env", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 4}


def test_the_fix_of_sarif_mends_the_file(repository: Path) -> None:
    """Applied as the standard says, line by line, it leaves settings that lint finds right."""
    (result, *_) = json.loads(linted(repository, WRONG, "--format", "sarif"))["runs"][0]["results"]
    lines = WRONG.split("\n")
    ((change,),) = (fix["artifactChanges"] for fix in result["fixes"])
    for one in sorted(change["replacements"], key=lambda one: -one["deletedRegion"]["startLine"]):
        region = one["deletedRegion"]
        lines[region["startLine"] - 1 : region["endLine"]] = one["insertedContent"]["text"].split("\n")
    told = linted(repository, "\n".join(lines), "--format", "json", code=0)
    assert "config-tls-mode" not in read_json(told).ids


@pytest.mark.parametrize(
    ("environment", "arguments", "place"),
    [
        ({}, (), None),
        ({}, ("--anchor", "../ci/mail.yml"), "ci/mail.yml"),
        (
            {"GITHUB_WORKFLOW_REF": "me/shop/.github/workflows/mail check.yml@refs/heads/main"},
            (),
            ".github/workflows/mail check.yml",
        ),
        ({"GITHUB_WORKFLOW_REF": "me/shop/elsewhere.yml@x"}, (), None),
        ({"GITLAB_CI": "true"}, (), ".gitlab-ci.yml"),
        ({"GITLAB_CI": "true", "CI_CONFIG_PATH": "ci/pipeline.yml"}, (), "ci/pipeline.yml"),
        ({"GITLAB_CI": "true", "CI_CONFIG_PATH": "x.yml@me/other"}, (), ".gitlab-ci.yml"),
    ],
)
def test_what_stands_in_no_file_has_an_anchor(
    repository: Path, environment: dict[str, str], arguments: tuple[str, ...], place: str | None
) -> None:
    """A setting of the environment is shown at the anchor, else at the workflow that set it."""
    (repository.parent / "ci").mkdir()
    settings = dict(line.split("=", 1) for line in WRONG.splitlines()[1:])
    done = cli("lint", "--format", "github", *arguments, env={**settings, **environment}, code=1)
    found = read_annotations(done.stdout)
    assert {one.get("file") for one in found} == {place}
    assert {one.get("line") for one in found} == ({"1"} if place else {None})


def test_a_job_has_a_summary(repository: Path) -> None:
    """Added to what other steps have said; a run does not fail of one that cannot be written."""
    summary = repository / "summary.md"
    summary.write_text("before\n")
    (repository / ".env").write_text(WRONG)
    arguments = ("lint", "--no-environment", "--format", "github")
    plain = cli(*arguments, code=1).stdout
    done = cli(*arguments, env={"GITHUB_STEP_SUMMARY": str(summary)}, code=1)
    assert done.stdout == plain
    said = summary.read_text()
    assert said.startswith("before\n")
    assert READERS["markdown"](said.removeprefix("before\n")).ids[0] == "config-tls-mode"
    done = cli(*arguments, env={"GITHUB_STEP_SUMMARY": str(repository / "no" / "where")}, code=1)
    assert done.stdout == plain
    assert "job summary" in done.stderr


def test_several_formats_at_once(repository: Path) -> None:
    """Each is what it is alone; standard output has the one without a file, else the terminal's."""
    names = sorted(set(READERS) - {"github"})
    more = [word for name in names for word in ("--format", f"{name}={name}.out")]
    alone = linted(repository, WRONG, "--format", "github")
    assert linted(repository, WRONG, *more, "--format", "github") == alone
    for name in names:
        text = (repository / f"{name}.out").read_text()
        assert READERS[name](text).ids[0] == "config-tls-mode"
    shown = linted(repository, WRONG, *more)
    assert "The TLS setting does not fit the port" in shown
    # What was written by the runs before is replaced without being asked for.
    linted(repository, WRONG, *more, "--output", "terminal.out")
    assert "The TLS setting does not fit the port" in (repository / "terminal.out").read_text()


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("text", [WRONG, WRONG.replace("SMTP_TLS=false", "SMTP_TLS=true")])
def test_only_what_is_ours_is_replaced(repository: Path, name: str, text: str) -> None:
    """A report of ours is known again, as it is and for each language; with something else in it, it is not."""
    for lang in ("en", "ko"):
        linted(repository, text, "--format", f"{name}=report", "--lang", lang, code=int(text == WRONG))
    whole = (repository / "report").read_text()
    others = (f"my notes\n{whole}", f"{whole}my notes\n", "my notes\n", "# smtpdoctor 0.1.0\nmy notes\n")
    for other in some_of(others, 2, list(READERS).index(name) + (text == WRONG)):
        if not whole.strip("[]\n"):
            break
        (repository / "report").write_text(other)
        done = cli("lint", "--no-environment", "--format", f"{name}=report")
        kept = (repository / "report").read_text() == other
        assert kept == (done.exit_code == 2)
        if name not in {"json", "json-lines", "sarif"} or not other.startswith(whole):
            assert kept, other
        cli("lint", "--no-environment", "--format", f"{name}=report", "--force", code=int(text == WRONG))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "xml"), ("xml", "junit", "html")),
        (("--format", "sarfi"), ("sarfi", "Did you mean sarif?")),
        (("--format", "html", "--format", "junit"), ("html", "junit", "--format junit=FILE")),
        (("--format", "html=x", "--format", "junit=./x"), ("x", "more than one")),
        (("--format", "html=x", "--output", "x"), ("x", "more than one")),
        (("--format", "html="), ("--format html= has no value",)),
        (("--format", "html=no/where/x"), ("no/where/x", "cannot be written")),
        (("--format", "html=."), ("cannot be written",)),
        (("--format", "html=/proc/self/x"), ("cannot be written",)),
        (("--format", "html=.env"), (".env was not written by smtpdoctor; --force",)),
        (("--format", "html", "--force"), ("--force needs --output",)),
    ],
)
@pytest.mark.parametrize("command", ["lint", "check"])
def test_wrong_usage(
    repository: Path, command: str, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Exit code 2 with what is wrong, before anything is run; nothing is written."""
    (repository / ".env").write_text(WRONG)
    done = cli(command, "--no-environment", "--host", "192.0.2.1", *arguments, code=2)
    for word in words:
        assert word in done.stderr
    assert done.stdout == ""
    assert {one.name for one in repository.iterdir()} == {".env"}


def test_wrong_usage_in_the_words_of_the_format(repository: Path) -> None:
    """Who reads annotations, status lines or objects gets one for this too."""
    (repository / ".env").write_text("nothing\n")
    (found,) = read_annotations(cli("lint", "--no-environment", "--format", "github", code=2).stdout)
    assert found["level"] == "error"
    done = cli("lint", "--no-environment", "--format", "nagios", code=3)
    assert done.stdout.startswith("SMTPDOCTOR UNKNOWN - ")
    line = cli("lint", "--no-environment", "--format", "json-lines", code=2).stdout
    json_schema().validate(json.loads(line))
    assert line.count("\n") == 1
    done = cli("lint", "--no-environment", "--format", "json=x", code=2)
    assert (done.stdout, (repository / "x").exists()) == ("", False)


@pytest.mark.parametrize(
    ("text", "code"), [(WRONG, 2), (WRONG.replace("SMTP_TLS=false", "SMTP_TLS=true"), 0)]
)
def test_nagios_has_exit_codes_of_its_own(repository: Path, text: str, code: int) -> None:
    """0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; beside another format on standard output they are ours."""
    text = text.replace("SMTP_OPPORTUNISTIC_TLS=true\n", "")
    states = {0: "OK", 1: "WARNING", 2: "CRITICAL"}
    assert linted(repository, text, "--format", "nagios", code=code).startswith(
        f"SMTPDOCTOR {states[code]} - "
    )
    linted(repository, text, "--format", "nagios=status", code=min(code, 1))


LOG = "Nov 28 mail: 535 5.7.8 Error: authentication failed\nNov 28 mail: connect ECONNREFUSED 192.0.2.1:25\n"


def test_explain_in_the_formats_that_make_sense_of_it(repository: Path) -> None:
    """A log's findings at their lines; the others are refused with the ones that are taken."""
    (repository / "mail.log").write_text(LOG)
    ids = read_json(cli("explain", "mail.log", "--format", "json", code=0).stdout).ids
    assert ids
    lines = cli("explain", "mail.log", "--format", "json-lines", code=0).stdout.split("\n")
    assert [read_json(f"{line}").ids for line in lines[:-1]] == [[one] for one in ids]
    sarif = cli("explain", "mail.log", "--format", "sarif", code=0).stdout
    assert read_sarif(sarif).ids == ids
    uris = {
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for one in json.loads(sarif)["runs"][0]["results"]
    }
    assert uris == {"deploy/mail.log"}
    found = read_annotations(cli("explain", "mail.log", "--format", "github", code=0).stdout)
    assert [one["title"] for one in found] == [f"smtpdoctor: {one}" for one in ids]
    markdown = cli("explain", "mail.log", "--format", "markdown", code=0).stdout
    assert all(f"`{one}`" in markdown for one in ids)
    for name in set(RENDERERS) - {"json", "json-lines", "sarif", "github", "markdown"}:
        done = cli("explain", "mail.log", "--format", f"{name}=x", code=2)
        assert f"{name} reports on a run" in done.stderr
    for name in ("sarif", "github"):
        assert "--list" in cli("explain", "--list", "--format", f"{name}=x", code=2).stderr
    assert "--follow" in cli("explain", "--follow", "--format", "markdown", code=2).stderr
    assert "--follow" in cli("explain", "--follow", "--format", "json=x", code=2).stderr


@pytest.mark.parametrize(
    "words", [("--list",), ("SMTP_TLS",), ("535",), ("auth-bad-credentials",), ("all is well",)]
)
def test_what_explain_says_is_json_as_its_schema_has_it(words: tuple[str, ...]) -> None:
    """Entries of the catalogue, answers, nothing at all."""
    json_schema().validate(json.loads(cli("explain", *words, "--format", "json", code=0).stdout))
    for line in cli("explain", *words, "--format", "json-lines", code=0).stdout.splitlines():
        json_schema().validate(json.loads(line))
    text = cli("explain", *words, "--format", "markdown", code=0).stdout
    assert text.startswith("<!-- smtpdoctor ")


def test_next_lists_what_would_help(repository: Path) -> None:
    """Commands that exist, the harmless ones marked: they use no network, try no login and change no file."""
    shown = json.loads(linted(repository, WRONG, "--format", "json"))
    told = {one["command"]: one["safe"] for one in shown["next"]}
    assert told["smtpdoctor explain config-tls-mode --preset gmail"] is True
    assert told["smtpdoctor check --env-file .env --no-environment"] is False
    for command, safe in told.items():
        if safe:
            _, *arguments = shlex.split(command)
            assert arguments[0] in {"explain", "lint", "apps", "presets", "fix"}
            done = cli(*arguments, code=int(arguments[0] == "fix"))  # which has something to offer
            assert arguments[0] != "fix" or "+SMTP_TLS=true" in done.stdout
    assert told["smtpdoctor fix --env-file .env --no-environment --no-network"] is True
    assert (repository / ".env").read_text() == WRONG
    (repository / "smtpdoctor.toml").write_text(
        '[profiles.a]\nenv_file = ".env"\nno_environment = true\nresolver = "127.0.0.1:9"\n'
    )
    for words in (
        ("lint", "--profile", "a"),
        ("check", "--profile", "a", "--until", "dns"),
    ):
        shown = json.loads(cli(*words, "--format", "json", code=1).stdout)
        (command,) = [one["command"] for one in shown["next"] if " fix " in one["command"]]
        assert command.startswith("smtpdoctor fix --profile a")
        assert ("--no-network" in command) == (words[0] == "lint")
        cli(*shlex.split(command)[1:], "--no-network", code=1)


def test_a_check_with_live_stages_and_files(repository: Path) -> None:
    """The terminal's report comes as it did, and the page holds what was said on the wire."""
    done = cli(
        "check", "--sandbox", "--transcript", "--format", "html=r.html", "--format", "terminal=r.txt", code=0
    )
    assert "Healthy" in done.stdout
    assert "Healthy" in (repository / "r.txt").read_text()
    page = (repository / "r.html").read_text()
    said = READERS["html"](page)
    assert (said.verdict, said.ids) == ("pass", [])
    for words in ("AUTH PLAIN ********", "STARTTLS", "Inside TLS", "TLS 안", "O=smtpdoctor sandbox"):
        assert words in said.step
    assert cli("check", "--sandbox", "--format", "nagios", code=0).stdout.startswith("SMTPDOCTOR OK - pass: ")
