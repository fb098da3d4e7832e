"""What others drop into their repositories: the action, the hook, the image, and the examples of the documentation."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from smtpdoctor.cli.declared import COMMANDS, function_of, values_of
from tests.checking import command

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs" / "examples"
SCRIPT = ROOT / ".ci" / "action"

COMPOSE = """\
services:
  vault:
    image: vaultwarden/server:1.34.3
    environment:
      SMTP_HOST: smtp.sendgrid.net
      SMTP_PORT: "587"
      SMTP_SECURITY: {mode}
      SMTP_USERNAME: apikey
      SMTP_PASSWORD: ${{SMTP_PASSWORD}}
      SMTP_FROM: no-reply@example.com
"""
WRONG, RIGHT = COMPOSE.format(mode="force_tls"), COMPOSE.format(mode="starttls")


def _yaml(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


# -- The action ---------------------------------------------------------------


class _Runner:
    """Runs the steps of ``action.yml`` as the runner does, in a repository of a test."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "repository"
        self.repository.mkdir()
        self.temporary = folder / "temporary"
        self.output = folder / "output"
        program = self.temporary / "smtpdoctor" / "bin" / "smtpdoctor"
        program.parent.mkdir(parents=True)
        # What the first step installs: this checkout.
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m smtpdoctor "$@"\n')
        program.chmod(0o755)
        program.with_name("python").symlink_to(sys.executable)
        self.step = _yaml(ROOT / "action.yml")["runs"]["steps"][1]

    def run(self, **inputs: str) -> tuple[int, dict[str, str], str]:
        """Run the second step; return its exit code, its outputs, and what it prints."""
        declared = _yaml(ROOT / "action.yml")["inputs"]
        assert set(inputs) <= {name.replace("-", "_") for name in declared}
        given = {name: inputs.get(name.replace("-", "_"), one["default"]) for name, one in declared.items()}
        variables = {
            name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: given[found[1]], text)
            for name, text in self.step["env"].items()
        }
        self.output.write_text("")
        done = subprocess.run(
            ["bash", "-e", "-c", self.step["run"]],  # noqa: S607
            capture_output=True,
            check=False,
            text=True,
            cwd=self.repository / given["working-directory"],
            env={
                "PATH": os.environ["PATH"],
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_OUTPUT": str(self.output),
                "RUNNER_TEMP": str(self.temporary),
                "SMTPDOCTOR_LANG": "en",
                **variables,
            },
            timeout=300,
        )
        lines = (line.partition("=") for line in self.output.read_text().splitlines())
        return done.returncode, {name: value for name, _, value in lines}, done.stdout + done.stderr


@pytest.fixture
def runner(tmp_path: Path) -> _Runner:
    """Give a runner with an empty repository."""
    return _Runner(tmp_path)


def test_the_action_is_red_for_a_wrong_mode_and_green_once_mended(runner: _Runner) -> None:
    """The annotation stands at the line to change."""
    compose = runner.repository / "compose.yaml"
    compose.write_text(WRONG)
    code, outputs, said = runner.run(config="compose.yaml")
    assert (code, outputs["verdict"], outputs["finding"]) == (1, "fail", "config-tls-mode")
    assert (outputs["exit-code"], outputs["inconclusive"]) == ("1", "false")
    assert re.search(r"^::error file=compose\.yaml,line=[67],", said, re.MULTILINE)
    assert json.loads(Path(outputs["report"]).read_text())["verdict"] == "fail"
    compose.write_text(RIGHT)
    code, outputs, said = runner.run(config="compose.yaml")
    assert (code, outputs["verdict"], outputs["finding"]) == (0, "pass", "")
    assert "::error" not in said


INPUTS = ("config", "env_file", "app", "service", "preset", "arguments")
HOSTILE = ("`touch pwned`", "; touch pwned", "a\n--host\n$(touch pwned)", "' touch pwned '")


@pytest.mark.parametrize(
    "inputs", [dict.fromkeys(INPUTS, "$(touch pwned)"), {"arguments": "\n".join(HOSTILE)}], ids=["all", "odd"]
)
def test_nothing_of_an_input_is_run(runner: _Runner, inputs: dict[str, str]) -> None:
    """Somebody else's branch may have chosen it."""
    code, outputs, _ = runner.run(**inputs)
    assert code == 2
    assert (outputs["verdict"], outputs["exit-code"]) == ("error", "2")
    assert not list(runner.repository.iterdir())


def test_the_action_takes_no_other_command(runner: _Runner) -> None:
    code, outputs, said = runner.run(command="sandbox")
    assert (code, outputs["verdict"], outputs["exit-code"]) == (2, "error", "2")
    assert said.startswith("::error")


def test_arguments_are_one_a_line(runner: _Runner) -> None:
    (runner.repository / ".env").write_text("SMTP_HOST=smtp.sendgrid.net\nSMTP_PORT=587\n")
    code, outputs, _ = runner.run(arguments="--sender\na b@example.com\n\n--no-environment\n")
    assert (code, outputs["verdict"]) == (2, "error")


@pytest.mark.parametrize(
    ("profiles", "code", "verdict"),
    [
        ("[profiles.a]\n[profiles.b]\n", 1, "fail"),
        ("[profiles.a]\n[profiles.b]\nprot = 1\n", 1, "fail"),
        ("[profiles.b]\nprot = 1\n", 2, "error"),
        ("[profiles.a]\nsecurity = 'tls'\n[profiles.b]\nprot = 1\n", 2, "error"),
        ("[profiles.a]\nsecurity = 'tls'\n", 0, "pass"),
    ],
)
def test_the_outputs_are_about_all_profiles(runner: _Runner, profiles: str, code: int, verdict: str) -> None:
    head = "host = 'mail.acme.co.kr'\nport = 465\nsecurity = 'starttls'\nsender = 'a@acme.co.kr'\n"
    (runner.repository / "smtpdoctor.toml").write_text(head + profiles)
    ended, outputs, said = runner.run(arguments="--all-profiles\n--no-environment")
    assert (ended, outputs["verdict"], outputs["exit-code"]) == (code, verdict, str(code))
    assert outputs["findings"] == ("config-tls-mode" if verdict == "fail" else "")
    assert ("there is no key prot" in said) == ("prot" in profiles)


def test_every_output_of_the_action_is_set() -> None:
    action = _yaml(ROOT / "action.yml")
    told = re.findall(r'^    "([a-z-]+)":', SCRIPT.read_text(), re.MULTILINE)
    assert list(action["outputs"]) == told
    for name, one in action["outputs"].items():
        assert one["value"] == f"${{{{ steps.run.outputs.{name} }}}}"
    assert all(one["description"] for one in (*action["inputs"].values(), *action["outputs"].values()))


def test_the_step_that_installs_is_sound() -> None:
    """Installing takes the network, which no test has: its words are looked at."""
    done = subprocess.run(["bash", "-n", str(SCRIPT)], capture_output=True, check=False, text=True)  # noqa: S607
    assert (done.returncode, done.stderr) == (0, "")
    assert 'pip" install --quiet --disable-pip-version-check "$GITHUB_ACTION_PATH"' in SCRIPT.read_text()


# -- The hook -----------------------------------------------------------------


def test_the_hook_runs_a_line_of_ours(tmp_path: Path) -> None:
    hook = _yaml(ROOT / ".pre-commit-hooks.yaml")[0]
    (tmp_path / "compose.yaml").write_text(WRONG)
    program, *words = shlex.split(hook["entry"])
    assert program == "smtpdoctor"
    assert command(*words, "--config", "compose.yaml", cwd=tmp_path).returncode == 1
    names = [
        ".env",
        "deploy/.env.production",
        "prod.env",
        "compose.yml",
        "docker-compose.override.yaml",
        "app/settings.py",
    ]
    assert all(re.search(hook["files"], name) for name in names)
    assert not any(re.search(hook["files"], name) for name in ["README.md", "environment.md", "src/main.py"])


# -- The image ----------------------------------------------------------------


def _instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


def test_the_image_runs_as_nobody_in_particular() -> None:
    """A number, which Kubernetes can check against ``runAsNonRoot``; nothing runs in a shell."""
    last = _instructions()[max(at for at, (name, _) in enumerate(_instructions()) if name == "FROM") :]
    values = dict(last)
    uid, _, gid = values["USER"].partition(":")
    assert int(uid) > 0 < int(gid)
    assert json.loads(values["ENTRYPOINT"]) == ["smtpdoctor"]
    assert json.loads(values["CMD"])[0] in COMMANDS
    assert "RUN" not in values
    assert last[-1][0] in {"CMD", "ENTRYPOINT"}


def test_the_image_is_given_what_building_needs(tmp_path: Path) -> None:
    """The folder that the engine sees holds what the package names, and no more than the ignore file lets through."""
    let_through = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    copied: set[str] = set()
    for name, value in _instructions():
        if name == "COPY" and not value.startswith("--from="):
            *sources, target = value.split()
            for source in sources:
                assert source in let_through
                copied.add(source)
                place = tmp_path / (source if target == "./" else target)
                assert (ROOT / source).exists()
                place.symlink_to(ROOT / source)
    assert set(let_through) == copied
    import tomllib

    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    wanted = [project["project"]["readme"], *project["project"]["license-files"], "hatch_build.py"]
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert all((tmp_path / one).exists() for one in (*wanted, *wheel["packages"], *wheel["force-include"]))


# -- Examples -----------------------------------------------------------------


def _commands(text: str) -> list[str]:
    known = "|".join(COMMANDS)
    return re.findall(rf"(?m)(?:^|[`\s\"(])(smtpdoctor (?:{known})\b[^`\n\")|&>]*)", text)


@pytest.mark.parametrize(
    "path", [*sorted(EXAMPLES.iterdir()), ROOT / "docs" / "ci.md"], ids=lambda path: path.name
)
def test_every_command_of_the_examples_is_one(path: Path) -> None:
    """A reader can copy it as it stands."""
    for line in _commands(path.read_text(encoding="utf-8")):
        words = shlex.split(line.split(" #")[0])[1:]
        assert values_of(function_of(words[0]), words[1:]) is not None, line


def test_the_examples_of_kubernetes_run_the_image_without_rights() -> None:
    """Each container, whatever the kind of the object; its arguments are a line of ours."""
    seen = 0
    for path in EXAMPLES.glob("kubernetes-*.yaml"):
        found = _yaml(path)
        spec = found["spec"]["jobTemplate"]["spec"] if found["kind"] == "CronJob" else found["spec"]
        pod = spec["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["restartPolicy"] == "Never"
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            seen += 1
            rights = container["securityContext"]
            assert (rights["readOnlyRootFilesystem"], rights["allowPrivilegeEscalation"]) == (True, False)
            first, *rest = container["args"]
            assert values_of(function_of(first), rest) is not None
    assert seen == 3


def test_the_problem_matcher_reads_what_lint_writes(tmp_path: Path) -> None:
    task = json.loads((EXAMPLES / "vscode-tasks.json").read_text())["tasks"][0]
    pattern = task["problemMatcher"]["pattern"]
    (tmp_path / "compose.yaml").write_text(WRONG)
    done = command(*shlex.split(task["command"])[1:], cwd=tmp_path)
    # JavaScript's and Python's are alike in what stands there.
    found = [match for line in done.stdout.splitlines() if (match := re.match(pattern["regexp"], line))]
    first = {name: found[0][group] for name, group in pattern.items() if name != "regexp"}
    assert first["severity"] == "error"
    assert (first["file"], first["code"]) == ("compose.yaml", "config-tls-mode")
    assert first["line"] in {"6", "7"}  # port or mode, whichever is to be changed
    assert first["message"].startswith("The TLS setting")


CHECKER = shutil.which("check-jsonschema")


@pytest.mark.skipif(CHECKER is None, reason="check-jsonschema is not installed")
@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-actions", "action.yml"),
        ("vendor.github-workflows", "docs/examples/github-workflow.yml"),
        ("vendor.gitlab-ci", "docs/examples/gitlab-ci.yml"),
    ],
)
def test_others_schemas_take_the_files(schema: str, path: str) -> None:
    assert CHECKER is not None
    done = subprocess.run(
        [CHECKER, "--builtin-schema", schema, path], capture_output=True, check=False, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
