"""The strict loader of the knowledge files, and the index that a run reads instead."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import platformdirs
import pytest

from smtpdoctor.errors import KnowledgeError
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.compile import index_bytes, read, read_preset
from smtpdoctor.knowledge.schema import Advice, Text
from tests.known import known

if TYPE_CHECKING:
    from collections.abc import Callable

KNOWN = known()

ENTRY = """\
stage = "auth"
severity = "error"
fault = "config"
retryable = false
links = []
[title]
en = "Title"
ko = "제목"
[meaning]
en = "Meaning"
ko = "뜻"
[sure]
en = "Sure of {host}"
ko = "{host} 확인"
[[note]]
en = "Note {fact.days}"
ko = "{fact.days} 참고"
when = { label = ["helo"] }
[[fix]]
en = "Set {at.password} to {set.pairs}"
ko = "{set.pairs} {at.password}"
[[match]]
text = 'bad (?:word|thing)'
[[example]]
text = "one"
[[example]]
evidence = { code = 535 }
[[near_miss]]
id = "none"
text = "near"
"""
PRESET = """\
kind = "mailbox"
host = "smtp.corp.example"
checked = "2026-11"
sources = ["own"]
[name]
en = "Corp"
ko = "회사"
[[endpoint]]
port = 465
security = "tls"
[username]
form = "literal"
value = "corp"
en = "x"
ko = "x"
[password]
kind = "api-key"
pattern = '^[a-z]+$'
shape = { en = "x", ko = "x" }
example = "your-key"
en = "x"
ko = "x"
[sender]
rule = "any"
en = "x"
ko = "x"
[[reply]]
text = "no entry"
stage = "auth"
side = "submission"
diagnosis = "thing"
source = "own"
cause = { en = "x", ko = "x" }
cure = { en = "x", ko = "x" }
"""
APP = """\
required = ["host"]
true = ["true"]
false = ["false"]
security = []
sources = ["own"]
[name]
en = "App"
ko = "앱"
[variables]
host = ["HOST"]
[write]
tls = {}
"""
WORDS = """\
[[word]]
token = "eof"
text = ['closed']
"""
SPELLINGS = """\
[near]
host = ["SERVER"]
[[foreign]]
app = "App"
names = ["APP_HOST", "APP_SMTP_*"]
"""
QUESTIONS = """\
[[question]]
words = ["Thing happens"]
answers = ["thing"]
[question.title]
en = "Thing"
ko = "것"
[[question.text]]
en = "It happens."
ko = "일어납니다."
"""
FILES = {
    "catalogue/thing.toml": ENTRY,
    "presets/corp.toml": PRESET,
    "apps/app.toml": APP,
    "words.toml": WORDS,
    "hints.toml": re.sub(r"(?m)^\d{3} = .*$", "", (load.PACKAGE / "hints.toml").read_text(encoding="utf-8")),
    "spellings.toml": SPELLINGS,
    "secrets.toml": (load.PACKAGE / "secrets.toml").read_text(encoding="utf-8"),
    "concepts.toml": """\
[concept]
login = [" login ", "인증"]
""",
    "scores.json": '{"weights": {"c.login": 50}, "told": 0, "alone": 0, "likely": 60, "certain": 90}',
    "questions.toml": QUESTIONS,
}


@pytest.fixture
def problems(tmp_path: Path) -> Callable[[str, str, str], list[str]]:
    """Return a function that changes one file of a small, right tree, and tells what the loader says."""

    def change(name: str, old: str, new: str) -> list[str]:
        for path, text in FILES.items():
            file = tmp_path / path
            file.parent.mkdir(exist_ok=True)
            changed = text
            if path == name:
                assert old in text
                changed = text.replace(old, new, 1)
            file.write_text(changed)
        try:
            read(tmp_path, tmp_path / "presets")
        except KnowledgeError as error:
            return [problem.removeprefix(f"{tmp_path}/") for problem in str(error).split("\n")]
        return []

    return change


def test_the_small_tree_is_right(problems: Callable[[str, str, str], list[str]]) -> None:
    """What the tests below change one thing of is taken as it is."""
    assert problems("words.toml", "", "") == []


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        # what msgspec's schema refuses
        ("catalogue/thing.toml", "severity =", "sevrity = 1\nseverity =", ["sevrity"]),
        ("catalogue/thing.toml", 'ko = "제목"', "", ["ko", "title"]),
        ("catalogue/thing.toml", 'ko = "{host} 확인"', "", ["ko", "sure"]),
        ("catalogue/thing.toml", 'stage = "auth"', 'stage = "login"', ["login", "stage"]),
        ("catalogue/thing.toml", "retryable = false", 'retryable = "no"', ["bool", "retryable"]),
        ("catalogue/thing.toml", "[[match]]", "[[match]]\nlabels = ['x']", ["labels", "match"]),
        ("catalogue/thing.toml", "code = 535", 'code = "535"', ["int", "code"]),
        ("presets/corp.toml", "checked", "chekced", ["chekced"]),
        ("presets/corp.toml", "port = 465", 'port = "465"', ["port", "endpoint"]),
        ("presets/corp.toml", 'side = "submission"', 'side = "submision"', ["reply", "side", "submision"]),
        ("presets/corp.toml", 'source = "own"', 'source = "own"\nsources = []', ["reply", "sources"]),
        ("apps/app.toml", "required =", "require =", ["require"]),
        ("apps/app.toml", "host = [", "hots = [", ["hots", "variables"]),
        ("words.toml", "token", "tokn", ["tokn"]),
        ("spellings.toml", "host =", "hosts =", ["hosts", "near"]),
        ("spellings.toml", "names", "nams", ["nams", "foreign"]),
        ("spellings.toml", '"APP_HOST"', '"app_host"', ["App", "'app_host'", "capitals"]),
        ("spellings.toml", '"SERVER"', '"SERVER*"', ["near", "'SERVER*'"]),
        ("spellings.toml", '"SERVER"', '"SERVER", "SERVER"', ["near", "'SERVER'", "twice"]),
        ("words.toml", "[[word]]", "[[words]]", ["word"]),
        ("questions.toml", "[[question]]", "[[questions]]", ["question"]),
        ("questions.toml", "answers", "answer", ["answer"]),
        ("questions.toml", '["Thing happens"]', '["a"]\n[[question]]\nwords = ["b"]', ["there is no answer"]),
        ("questions.toml", 'answers = ["thing"]', 'answers = ["none"]', ["no diagnosis 'none'"]),
        ("questions.toml", '["Thing happens"]', '["a", "A"]\n[[question]]\nwords = ["a."]', ["asked twice"]),
        ("questions.toml", '[question.title]\nen = "Thing"\nko = "것"', "", ["a title belongs to a text"]),
        ("apps/app.toml", "[write]", '[about.HOTS]\nen = "x"\nko = "x"\n[write]', ["'HOTS' is no variable"]),
        (
            "catalogue/thing.toml",
            "[[fix]]",
            '[[fix]]\nwhen = { words = ["Upper"] }',
            ["'Upper' is not in lower case"],
        ),
        # what is no TOML
        ("catalogue/thing.toml", 'stage = "auth"', "stage = auth", ["line 1"]),
        ("presets/corp.toml", 'kind = "mailbox"', "kind", ["line 1"]),
        ("apps/app.toml", "[name]", "[name", ["line 6"]),
        ("words.toml", "[[word]]", "[[word", ["line 1"]),
        # what is right in shape only
        (
            "catalogue/thing.toml",
            "Note {fact.days}",
            "Note {fakt.days}",
            ["placeholders of en and ko differ"],
        ),
        (
            "catalogue/thing.toml",
            "{set.pairs} {at.password}",
            "{at.password}",
            ["differ", "Set {at.password}"],
        ),
        ("catalogue/thing.toml", "{at.password} to", "{at.pasword} to", ["unknown placeholder {at.pasword}"]),
        ("catalogue/thing.toml", 'en = "Title"', 'en = "Title of {host}"', ["title"]),
        (
            "catalogue/thing.toml",
            "Set {at.password} to {set.pairs}",
            "Set {host}",
            ["fix: one without"],
        ),
        (
            "catalogue/thing.toml",
            "bad (?:word",
            "bad (?=word",
            ["match 1", "not an RE2 pattern", "bad (?=word"],
        ),
        ("catalogue/thing.toml", "bad (?:word", "(?<!x)bad (?:word", ["match 1", "not an RE2 pattern"]),
        ("catalogue/thing.toml", "|thing)'", "|(thing)) \\1'", ["match 1", "not an RE2 pattern"]),
        ("catalogue/thing.toml", "|thing)", "|thing", ["match 1", "text"]),
        ("catalogue/thing.toml", "text = 'bad (?:word|thing)'", "weight = 3", ["match 1: no condition"]),
        ("catalogue/thing.toml", "[[match]]", "[[match]]\nscore = 3", ["match 1: score"]),
        ("catalogue/thing.toml", "[[match]]\ntext = 'bad (?:word|thing)'\n", "match = []\n", ["match"]),
        ("catalogue/thing.toml", '[[example]]\ntext = "one"\n', "", ["example: two or more"]),
        ("catalogue/thing.toml", 'text = "one"', 'source = "one"', ["example: give either text or evidence"]),
        ("catalogue/thing.toml", 'text = "one"', 'text = "one"\nevidence = {}', ["example: give either"]),
        ("catalogue/thing.toml", '[[near_miss]]\nid = "none"\ntext = "near"\n', "", ["near_miss"]),
        ("catalogue/thing.toml", 'id = "none"', 'id = "thing"', ["near_miss", "'thing'"]),
        ("catalogue/thing.toml", 'id = "none"', 'id = "nothing"', ["near_miss", "'nothing'"]),
        ("presets/corp.toml", 'diagnosis = "thing"', 'diagnosis = "thong"', ["'no entry'", "'thong'"]),
        (
            "presets/corp.toml",
            'source = "own"',
            'source = "own"\nalt = { diagnosis = "thong", when = ["helo"] }',
            ["'no entry'", "'thong'"],
        ),
        ("presets/corp.toml", 'text = "no entry"', 'text = ""', ["reply: neither text nor code"]),
        (
            "presets/corp.toml",
            '[[endpoint]]\nport = 465\nsecurity = "tls"',
            "[[limit]]\nen='x'\nko='x'",
            ["endpoint"],
        ),
        ("presets/corp.toml", "^[a-z]+$", "(?!x)", ["password.pattern", "not an RE2 pattern"]),
        ("presets/corp.toml", "^[a-z]+$", "(x", ["password.pattern"]),
        ("presets/corp.toml", 'value = "corp"\n', "", ["username.value"]),
        (
            "presets/corp.toml",
            'form = "literal"\nvalue = "corp"',
            'form = "regex"\nvalue = "("',
            ["username.value"],
        ),
        ("presets/corp.toml", "your-key", "my-key", ["password.example"]),
        # what a preset says of its servers and of those of others
        ("presets/corp.toml", "shape =", "shap =", ["shap"]),
        ("presets/corp.toml", 'shape = { en = "x", ko = "x" }\n', "", ["password.shape", "pattern"]),
        ("presets/corp.toml", "pattern = '^[a-z]+$'\n", "", ["password.shape", "pattern"]),
        ("presets/corp.toml", 'kind = "mailbox"', 'kind = "mailbocks"', ["kind", "mailbox"]),
        ("presets/corp.toml", "checked", "ports_complete = true\nchecked", ["ports_complete", "sources"]),
        (
            "presets/corp.toml",
            "checked",
            'misspelt = ["smtp.corp.example"]\nchecked',
            ["misspelt", "'smtp.corp.example'"],
        ),
        ("presets/corp.toml", "checked", 'hosts = ["*.corp.*"]\nchecked', ["hosts", "'*.corp.*'"]),
        (
            "presets/corp.toml",
            "checked",
            'no_login = ["mx.corp.example"]\nchecked',
            ["no_login", "'mx.corp.example'"],
        ),
        (
            "presets/corp.toml",
            'security = "tls"',
            'security = "tls"\nhost = "mx.corp.example"',
            ["endpoint.host", "'mx.corp.example'"],
        ),
        (
            "presets/corp.toml",
            "[name]",
            '[domain_hosts]\n"corp.example" = "smtp.corp.example"\n[name]',
            ["domain_hosts", "'corp.example'"],
        ),
        (
            "presets/corp.toml",
            "[sender]",
            "[[password.refused]]\npattern = '(?=x)'\nen = 'x'\nko = 'x'\n[sender]",
            ["refused", "not an RE2 pattern"],
        ),
        (
            "catalogue/thing.toml",
            "[[match]]",
            '[[change]]\nsetting = "port"\nvalue = "port:465"\n[[match]]',
            ["port:tls", "'port:465'"],
        ),
        ("words.toml", "closed", "(?<=x)closed", ["eof", "not an RE2 pattern"]),
    ],
)
def test_what_the_loader_refuses(
    problems: Callable[[str, str, str], list[str]], name: str, old: str, new: str, words: list[str]
) -> None:
    """Each mistake is a problem that names the file, and the key or the text."""
    if name == "catalogue/thing.toml" and new == "match = []\n":
        # A table cannot be closed again, so the key goes to the top.
        old, new = ENTRY, "match = []\n" + ENTRY.replace(old, "")
    if "en='x'" in new:
        old, new = PRESET, "endpoint = []\n" + PRESET.replace(old, "")
    found = problems(name, old, new)
    assert any(one.startswith(f"{name}: ") and all(word in one for word in words) for one in found), found


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Every file is read to the end, so that one run shows all there is to mend."""
    for path in FILES:
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text("wrong = 1")
    with pytest.raises(KnowledgeError) as caught:
        read(tmp_path, tmp_path / "presets")
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        str(tmp_path / path) for path in FILES
    ]


def test_no_two_presets_have_the_same_host_or_domain(
    problems: Callable[[str, str, str], list[str]], tmp_path: Path
) -> None:
    """Whose a name is must not depend on the order of the files."""
    assert problems("words.toml", "", "") == []
    more = 'mail_domains = ["corp.example"]\nchecked'
    (tmp_path / "presets/corp.toml").write_text(PRESET.replace("checked", more))
    (tmp_path / "presets/firm.toml").write_text(PRESET.replace("checked", more))
    with pytest.raises(KnowledgeError) as caught:
        read(tmp_path, tmp_path / "presets")
    found = "\n".join(caught.value.problems)
    assert "'smtp.corp.example' belongs to" in found
    assert "'corp.example' belongs to" in found


def test_one_preset_is_read_as_strictly() -> None:
    """A preset of the user's own goes through the same checks; as editors of Windows write it, too."""
    file = Path("corp.toml")
    for data in (PRESET.encode(), PRESET.encode("utf-8-sig"), PRESET.replace("\n", "\r\n").encode()):
        assert read_preset(file, data, frozenset({"thing"})).id == "corp"
    with pytest.raises(KnowledgeError, match=r"corp\.toml: .*no diagnosis 'thing'"):
        read_preset(file, PRESET.encode(), frozenset())


def test_texts_come_in_both_languages() -> None:
    """A text is asked for in a language."""
    for one in (Text("en", "ko"), Advice("en", "ko")):
        assert [one.in_("en"), one.in_("ko")] == ["en", "ko"]


@pytest.mark.parametrize(
    ("patterns", "problem"),
    [
        ("['bad word', 'refused']", None),
        ("['bad word', '']", "expected a pattern, or a list of patterns"),
        ("[]", "expected a pattern, or a list of patterns"),
        ("['bad word', 5]", "expected a pattern, or a list of patterns"),
        ("['bad word', '(']", "unterminated subpattern"),
    ],
)
def test_a_rule_may_list_its_patterns(
    problems: Callable[[str, str, str], list[str]], tmp_path: Path, patterns: str, problem: str | None
) -> None:
    """A long alternation is written a line each, and is one pattern afterwards."""
    told = problems("catalogue/thing.toml", "'bad (?:word|thing)'", patterns)
    if problem is None:
        assert told == []
        assert read(tmp_path, tmp_path / "presets").entries["thing"].match[0].text == ("bad word", "refused")
    else:
        (line,) = told
        assert problem in line


# -- The index ----------------------------------------------------------------


def test_the_index_is_what_the_files_say() -> None:
    """The compiled index gives the same values as the TOML, but for the examples, which no run needs."""
    replace = msgspec.structs.replace
    assert load.entries() == {
        name: replace(entry, match=(), example=(), near_miss=()) for name, entry in KNOWN.entries.items()
    }
    rules = [rule for entry in KNOWN.entries.values() for rule in entry.match]
    assert sorted(load.rules(), key=str) == sorted(rules, key=str)
    assert [rule.score for rule in load.rules()] == sorted((rule.score for rule in rules), reverse=True)
    none = msgspec.Raw(b"[]")
    presets = load.presets()
    assert {name: replace(one, reply=none) for name, one in presets.items()} == {
        name: replace(one, reply=none) for name, one in KNOWN.presets.items()
    }
    assert {name: load.replies(name) for name in presets} == KNOWN.replies
    assert load.apps() == KNOWN.apps
    assert [(word.token, word.text) for word in load.words()] == WORDINGS


@pytest.mark.parametrize("base", ["", "/somewhere/config", "relative"])
def test_presets_of_ones_own_are_where_the_platform_has_them(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short way on Linux leads to where platformdirs leads."""
    monkeypatch.setenv("XDG_CONFIG_HOME", base)
    assert load.user_presets_folder() == platformdirs.user_config_path("smtpdoctor") / "presets"


def test_things_are_found_by_name() -> None:
    """What is not known is None, or nothing."""
    assert load.app(" SMTP ") is load.apps()["smtp"]
    assert load.app("nosuch") is None
    assert load.preset("nosuch") is None
    assert load.replies("nosuch") == ()


COUNT = """
from smtpdoctor.knowledge import load
print(len(load.entries()), len(load.presets()), len(load.apps()), len(load.words()))
"""
WORDINGS = [(word.token, text) for word in KNOWN.words for text in word.text]
SMALL = "1 1 1 1\n"
COUNTS = f"{len(KNOWN.entries)} {len(KNOWN.presets)} {len(KNOWN.apps)} {len(WORDINGS)}\n"


def run(*arguments: str, code: int = 0, **environment: str) -> str:
    """Run Python, and return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == code
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the package as a wheel lays it out, which Python finds first: the presets inside."""
    monkeypatch.chdir(tmp_path)
    for name in tuple(os.environ):
        if name.startswith("COV"):
            monkeypatch.delenv(name)  # the coverage of a copy says nothing
    package, presets = load.sources()
    target = tmp_path / "smtpdoctor"
    shutil.copytree(package, target, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(presets, target / "presets", dirs_exist_ok=True)
    return target


@pytest.fixture
def small(copy: Path) -> Path:
    """Return a copy of the package with the small tree in the place of what it knows: compiled in a moment."""
    for folder in ("catalogue", "presets", "apps"):
        shutil.rmtree(copy / folder)
    for name, text in FILES.items():
        file = copy / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return copy


def test_the_index_is_kept_and_used_again(small: Path, tmp_path: Path) -> None:
    """The first run leaves one index behind, and takes away what is none."""
    cache = tmp_path / "cache" / "smtpdoctor"
    old = cache / "index-of-before"
    old.mkdir(parents=True)
    (old / "words.json").write_text("[]")
    assert run("-c", COUNT, XDG_CACHE_HOME=str(cache.parent)) == SMALL
    (index,) = cache.iterdir()
    files = {file.name: file.stat().st_mtime_ns for file in index.iterdir()}
    kinds = (
        "catalogue",
        "rules",
        "presets",
        "names",
        "apps",
        "dialects",
        "dialect-names",
        "words",
        "hints",
        "spellings",
        "secrets",
        "scores",
        "keys",
        "questions",
    )
    assert set(files) == {f"{kind}.json" for kind in kinds}
    assert run("-c", COUNT, XDG_CACHE_HOME=str(cache.parent)) == SMALL
    assert {file.name: file.stat().st_mtime_ns for file in index.iterdir()} == files
    # A file that somebody took away or put something else for is no reason to fail, nor one without its end.
    (index / "words.json").unlink()
    os.mkfifo(index / "words.json")
    assert run("-c", COUNT, XDG_CACHE_HOME=str(cache.parent)) == SMALL
    (index / "words.json").write_bytes((index / "words.json").read_bytes()[:-9] + bytes(9))
    assert run("-c", COUNT, XDG_CACHE_HOME=str(cache.parent)) == SMALL
    assert not index.exists()


def test_copies_share_a_cache(small: Path, tmp_path: Path) -> None:
    """Each keeps its own index; what nobody has used for long goes, as soon as one is compiled or once a day."""
    cache = tmp_path / "cache" / "smtpdoctor"
    other = tmp_path / "other"
    shutil.copytree(small, other / "smtpdoctor")

    def count(folder: Path) -> set[Path]:
        done = run("-c", COUNT, XDG_CACHE_HOME=str(cache.parent), PYTHONPATH=str(folder), PYTHONSAFEPATH="1")
        assert done == SMALL
        return set(cache.iterdir())

    def age(index: Path, days: float) -> None:
        then = time.time() - days * 86_400
        os.utime(index, (then, then))

    first = count(tmp_path)
    both = count(other)
    assert len(first) == 1
    assert first < both
    assert count(tmp_path) == count(other) == both
    # One that is used stays, however old; one that is not, and what a run that was ended has left, goes.
    left = [cache / "making-1", cache / f"index-{'0' * 32}"]
    for one in left:
        one.mkdir()
        age(one, 8)
    (mine,) = first
    (theirs,) = both - first
    age(theirs, 8)
    age(mine, 8)
    assert count(tmp_path) == first
    assert count(other) == both
    # A state of the files is kept for a while, and few of them.
    states = set()
    for number in range(6):
        (small / "hints.toml").write_text(FILES["hints.toml"] + "\n" * number)
        states = count(tmp_path)
    assert theirs in states
    assert 2 <= len(states - {theirs}) <= 5


def test_runs_side_by_side_compile_one_index(small: Path, tmp_path: Path) -> None:
    """Whoever is first; none of them finds half of it, or takes away what another has written."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    running = [
        subprocess.Popen([sys.executable, "-c", COUNT], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [one.communicate()[0] for one in running] == [SMALL] * 4
    assert len(list((tmp_path / "cache" / "smtpdoctor").iterdir())) == 1


def test_a_cache_that_cannot_be_written_still_works(small: Path, tmp_path: Path) -> None:
    """Where there is no place for an index, a run compiles it for itself."""
    (tmp_path / "file").write_text("in the way")
    assert run("-c", COUNT, XDG_CACHE_HOME=str(tmp_path / "file")) == SMALL


def test_a_wheel_s_own_index_is_used(copy: Path, tmp_path: Path) -> None:
    """An index inside the package is read as it is, and nothing is written anywhere."""
    (copy / "_index").mkdir(exist_ok=True)
    for name, content in index_bytes(KNOWN).items():
        (copy / "_index" / name).write_bytes(content)
    shutil.rmtree(copy / "catalogue")
    cache = tmp_path / "cache"
    assert run("-c", COUNT, XDG_CACHE_HOME=str(cache)) == COUNTS
    assert not cache.exists()


def test_the_module_tells_all_problems(small: Path) -> None:
    """``python -m smtpdoctor.knowledge`` prints what is wrong, and fails."""
    (small / "presets" / "wrong.toml").write_text("wrong = 1")
    (small / "words.toml").write_text("")
    output = run("-m", "smtpdoctor.knowledge", code=1)
    first, second = output.splitlines()
    assert "wrong.toml: " in first
    assert "words.toml: " in second


def test_the_module_tells_what_re2_does_not_take(small: Path) -> None:
    """Python's own patterns may hold more than RE2 does: a repetition beyond a thousand."""
    words = small / "words.toml"
    words.write_text(words.read_text(encoding="utf-8") + "\n[[word]]\ntoken = \"eof\"\ntext = ['a{2000}']\n")
    output = run("-m", "smtpdoctor.knowledge", code=1)
    assert output.startswith("eof: ")


def test_the_module_tells_how_much_there_is(small: Path) -> None:
    """``python -m smtpdoctor.knowledge`` finds nothing wrong, and succeeds."""
    assert "entries=1 presets=1 " in run("-m", "smtpdoctor.knowledge")


def test_any_number_of_threads_may_be_the_first() -> None:
    """Nothing crashes where several threads load the same kinds of knowledge at once."""
    code = """
import sys, threading
from smtpdoctor.knowledge import load
start = threading.Barrier(8)
def work():
    start.wait()
    load.rules(), load.hints(), load.spellings(), load.names(), load.apps(), load.words(), load.entry("unclear")
    load.preset_with_id("gmail"), load.replies("gmail")
load.ids()
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
"""
    # Without a lock each run crashes with even chances.
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [one.wait() for one in running] == [0, 0, 0]
