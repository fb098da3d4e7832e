"""Settings merged into Kubernetes manifests: every byte that is not ours stays, and no password in a workload."""

from __future__ import annotations

import base64
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from typer.testing import CliRunner

from smtpdoctor.cli import app
from smtpdoctor.cli.generate import format_for
from smtpdoctor.errors import UsageError
from smtpdoctor.formats import reader_of
from smtpdoctor.formats.document import Source
from smtpdoctor.generate.kinds import kinds_of
from smtpdoctor.generate.plan import Merged, Wish
from smtpdoctor.generate.planning import planner_for
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import Dialect
from smtpdoctor.model import Secret
from smtpdoctor.settings.dialect import read
from tests.examples import examples

PASSWORD = "abcd efgh ijkl mnop"
BARE = PASSWORD.replace(" ", "")
ABOVE = {
    "Deployment": ["spec:", "  template:", "    spec:"],
    "StatefulSet": ["spec:", "  serviceName: db", "  template:", "    spec:"],
    "Pod": ["spec:"],
    "CronJob": ["spec:", "  jobTemplate:", "    spec:", "      template:", "        spec:"],
}
ENVS = {
    "absent": [],
    "null": ["env:   # to come"],
    "brackets": ["env: []"],
    "plain": ["env:", "- name: TZ", "  value: Asia/Seoul   # here", "", "# of the shop"],
    "deep": ["env:", "    -   name: TZ", "        value: 'Asia/Seoul'"],
    "braces": ["env:", '  - {name: TZ, value: "Asia/Seoul"}'],
    "flow": ["env: [{name: TZ, value: Asia/Seoul}]"],
    "from": ["env:", "- name: A", "  valueFrom:", "    fieldRef: {fieldPath: metadata.name}"],
    "value first": ["env:", "- value: x", "  name: A"],
}
SECRETS = ["", "envFrom stringData", "envFrom data", "envFrom elsewhere", "unused"]


def manifest(kind: str, env: str, secret: str, *, sidecar: bool, end: str, last: bool) -> str:
    """Return a file with a workload, perhaps a Secret that its container takes, and something else."""
    lines = ["# of the shop", "apiVersion: apps/v1", f"kind: {kind}", "metadata: {name: n8n}", *ABOVE[kind]]
    inner = " " * (len(lines[-1]) - len(lines[-1].lstrip()) + 2)
    lines.append(f"{inner}containers:")
    if sidecar:
        lines += [f"{inner}- name: proxy", f"{inner}  image: envoyproxy/envoy:v1", f"{inner}  env: []"]
    container = [
        "name: n8n",
        "image: docker.io/n8nio/n8n:1.70",
        *ENVS[env],
        "ports:",
        "- containerPort: 5678",
    ]
    if secret.startswith("envFrom"):
        container += ["envFrom:", "- secretRef: {name: mine}"]
    lines += [f"{inner}- {container[0]}", *(f"{inner}  {one}".rstrip() for one in container[1:])]
    if secret and "elsewhere" not in secret:
        lines += ["---", "apiVersion: v1", "kind: Secret", "metadata:", "  name: mine"]
        lines += ["data:", "  TOKEN: eA=="] if "data" in secret.split() else ["stringData:", '  TOKEN: "x"']
    lines += ["---", "apiVersion: v1", "kind: Service", "metadata: {name: n8n}"]
    return end.join(lines) + (end if last else "")


def merged(name: str, text: str, wish: Wish, *, force: bool = False, preset: str = "gmail") -> Merged:
    """Return a manifest with an application's settings in it; raises UsageError."""
    provider, dialect = load.preset(preset), load.dialect(name)
    assert provider is not None
    assert dialect is not None
    kind = next(one for one in kinds_of(dialect) if one.name == "kubernetes")
    planner = planner_for(dialect, kind, provider, wish)
    return format_for(dialect, kind, planner).merge(text, planner({}), "en", file="x.yaml", force=force)


def objects(text: str) -> list[Any]:
    """Return the objects of a file, as somebody else's reader has them."""
    return list(YAML(typ="safe", pure=True).load_all(text))


def container_of(text: str) -> Any:
    """Return the container of the application, as somebody else's reader has it."""
    for one in objects(text):
        spec = one.get("spec") or {}
        while "containers" not in spec and spec:
            spec = spec.get("template") or spec.get("jobTemplate") or spec.get("spec") or {}
        for container in spec.get("containers", ()):
            if "n8n" in container["image"] or "django" in container["image"]:
                return container
    raise AssertionError(text)


def settings_in(dialect: Dialect, text: str) -> dict[str, str | None]:
    """Return what the application reads in a manifest."""
    reading = reader_of("kubernetes")
    assert reading is not None
    document = reading(Source(path="x.yaml", text=text))
    assert document.problems == ()
    scope = next(one for one in document.scopes if "n8n" in one.image)
    return {name: one.text for name, one in read(dialect, scope).used.items()}


@given(
    st.sampled_from(list(ABOVE)),
    st.sampled_from(list(ENVS)),
    st.sampled_from(SECRETS),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=examples(40))
def test_a_container_gets_entries_and_every_other_byte_stays(
    kind: str, env: str, secret: str, sidecar: bool, end: str, last: bool, given_password: bool
) -> None:
    """Whatever the list looks like: the application reads what was meant, and the password is in no container."""
    dialect = load.dialect("n8n")
    assert dialect is not None
    before = manifest(kind, env, secret, sidecar=sidecar, end=end, last=last)
    wish = Wish(username="jane@gmail.com", password=Secret(PASSWORD) if given_password else None)
    result = merged("n8n", before, wish)
    after = result.text
    lines = iter(after.split("\n"))
    new = {"env: []", "env:   # to come", "env: [{name: TZ, value: Asia/Seoul}]"} & {
        one.strip() for one in before.split("\n")
    }
    missing = [
        one
        for one in before.split("\n")
        if one.strip() not in new and not any(line.rstrip("\r") == one.rstrip("\r") for line in lines)
    ]
    assert missing == [], after
    assert after.count("\r\n") == (after.count("\n") if end == "\r\n" else 0)
    read_ = settings_in(dialect, after)
    assert (read_["host"], read_["port"]) == ("smtp.gmail.com", "465")
    assert read_["username"] == "jane@gmail.com"
    env_ = {one["name"]: one for one in container_of(after).get("env", ())}
    assert BARE not in str(container_of(after))
    in_file = secret in {"envFrom stringData", "envFrom data"}
    assert bool(result.secrets) == (not in_file)
    if in_file:
        assert "N8N_SMTP_PASS" not in env_
        held = next(one for one in objects(after) if one["kind"] == "Secret")
        value = (held.get("stringData") or {}).get("N8N_SMTP_PASS") or base64.b64decode(
            held["data"]["N8N_SMTP_PASS"]
        ).decode()
        assert value == (BARE if given_password else "your-app-password")
    else:
        assert env_["N8N_SMTP_PASS"]["valueFrom"]["secretKeyRef"]["key"] == "N8N_SMTP_PASS"
        assert BARE not in after
    again = merged("n8n", after, wish)
    assert again.text == after


def test_a_plain_password_in_a_container_gives_way_to_a_secret() -> None:
    """It is not replaced by another plain one."""
    before = manifest("Deployment", "plain", "", sidecar=False, end="\n", last=True).replace(
        "name: TZ", "name: N8N_SMTP_PASS"
    )
    result = merged("n8n", before, Wish(username="jane@gmail.com", password=Secret(PASSWORD)), force=True)
    assert BARE not in result.text
    assert "Asia/Seoul" not in result.text
    assert result.secrets == (("N8N_SMTP_PASS", "smtp"),)
    held = {one["name"]: one for one in container_of(result.text)["env"]}
    assert "value" not in held["N8N_SMTP_PASS"]


@pytest.mark.parametrize(("data", "quote"), [*product(("data", "stringData"), ("", '"'))])
def test_settings_go_where_their_like_stand(data: str, quote: str) -> None:
    """A ConfigMap that a container takes whole gets the settings, a Secret the password too."""
    kind = "ConfigMap" if data == "data" else "Secret"
    ref = "configMapRef" if kind == "ConfigMap" else "secretRef"
    text = (
        f"kind: {kind}\napiVersion: v1\nmetadata:\n  name: mail\n{data}:\n"
        f"  N8N_EMAIL_MODE: {quote}smtp{quote}\n  N8N_SMTP_HOST: {quote}smtp.gmail.com{quote}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: n8n\nspec:\n  template:\n    spec:\n"
        "      containers:\n      - image: n8nio/n8n\n        name: n8n\n        envFrom:\n"
        f"        - {ref}:\n            name: mail\n"
    )
    result = merged("n8n", text, Wish(username="jane@gmail.com", password=Secret(PASSWORD)))
    first, workload = objects(result.text)
    assert first[data]["N8N_SMTP_USER"] == "jane@gmail.com"
    assert first[data].get("N8N_SMTP_PASS") == (BARE if kind == "Secret" else None)
    env = workload["spec"]["template"]["spec"]["containers"][0].get("env", [])
    assert [one["name"] for one in env] == ([] if kind == "Secret" else ["N8N_SMTP_PASS"])


def test_a_file_without_a_container_gets_a_secret_of_its_own() -> None:
    """Behind the mark that begins another object."""
    before = "apiVersion: v1\nkind: Service\nmetadata: {name: n8n}\n"
    result = merged("n8n", before, Wish(username="jane@gmail.com", password=Secret(PASSWORD)))
    assert result.text.startswith(before)
    _, secret = objects(result.text)
    assert secret["kind"] == "Secret"
    assert secret["stringData"]["N8N_SMTP_PASS"] == BARE


def test_two_containers_of_no_known_image_are_told_apart_by_name() -> None:
    """Nothing is guessed: the containers are named in the refusal."""
    before = manifest("Deployment", "plain", "", sidecar=True, end="\n", last=True)
    before = before.replace("docker.io/n8nio/n8n:1.70", "shop/django:1").replace("- name: n8n", "- name: web")
    wish = Wish(username="jane@gmail.com")
    with pytest.raises(UsageError) as refused:
        merged("n8n", before, wish)
    assert refused.value.message.values["names"] == "proxy, web"
    result = merged("n8n", before, Wish(username="jane@gmail.com", service="web"))
    names = [one["name"] for one in container_of(result.text)["env"]]
    assert "N8N_SMTP_HOST" in names


LISTS = {
    "block": "- name: N8N_EMAIL_MODE\n  value: smtp\n- name: N8N_SMTP_HOST\n  value: mail.example-shop.com\n"
    "- name: N8N_SMTP_PORT\n  value: '587'   # STARTTLS\n# who\n- name: N8N_SMTP_SENDER\n  value: a@example-shop.com\n",
    "quoted": '- name: N8N_EMAIL_MODE\n  value: "smtp"\n- value: "mail.example-shop.com"\n  name: N8N_SMTP_HOST\n'
    '- name: N8N_SMTP_PORT\n  value: "587"\n- name: N8N_SMTP_SENDER\n  value: "a@example-shop.com"\n',
    "braces": "- {name: N8N_EMAIL_MODE, value: smtp}\n- {name: N8N_SMTP_HOST, value: mail.example-shop.com}\n"
    '- {name: N8N_SMTP_PORT, value: "587"}\n- {name: N8N_SMTP_SENDER, value: a@example-shop.com}\n',
}
AROUND = {
    "deployment": (ABOVE["Deployment"], "      containers:\n      - name: n8n\n        image: n8nio/n8n\n        env:\n", 8),
    "indented": (ABOVE["Deployment"], "      containers:\n        - name: n8n\n          image: n8nio/n8n\n          env:\n", 12),
    "values": ([], "image: {repository: n8nio/n8n, tag: latest}\nextraEnv:\n", 2),
}  # fmt: skip


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("style", LISTS)
def test_what_is_missing_is_added_as_an_entry(style: str, around: str, tmp_path: Path) -> None:
    """Where the change that mends a finding is one more variable of a container."""
    above, head, depth = AROUND[around]
    lines = "".join(f"{' ' * depth}{line}\n" for line in LISTS[style].splitlines())
    kind = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: n8n}\n" if above else ""
    before = kind + "".join(f"{one}\n" for one in above) + head + lines
    path = tmp_path / "file.yaml"
    path.write_text(before, encoding="utf-8")
    arguments = ["fix", "--no-network", "--write", "--no-environment", "--config", str(path), "--lang", "en"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    after = path.read_text(encoding="utf-8")
    rest = iter(after.splitlines())
    assert all(any(line == one for one in rest) for line in before.splitlines()), after
    assert len(after.splitlines()) == len(before.splitlines()) + (1 if style == "braces" else 2)
    assert 'value: "false"' in after


def test_the_names_of_secrets_are_shown_as_they_are(tmp_path: Path) -> None:
    """What takes a value from a Secret is no value; a plain password beside it is masked."""
    above, head, depth = AROUND["deployment"]
    entries = (
        "- name: N8N_SMTP_PASS\n  valueFrom: {secretKeyRef: {name: mail, key: smtp-password}}\n"
        "- name: TOKEN\n  valueFrom:\n    secretKeyRef:\n      name: mail\n      key: token-of-n8n\n"
        "- name: OTHER_PASSWORD\n  value: smtp-password-4711\n"
    )
    lines = "".join(f"{' ' * depth}{line}\n" for line in (LISTS["block"] + entries).splitlines())
    kind = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: n8n}\n"
    path = tmp_path / "file.yaml"
    path.write_text(kind + "".join(f"{one}\n" for one in above) + head + lines, encoding="utf-8")
    arguments = ["fix", "--no-network", "--no-environment", "--config", str(path), "--lang", "en"]
    told = CliRunner().invoke(app, arguments).output
    assert "smtp-password-4711" not in told
    assert "secretKeyRef: ********" not in told


def test_the_kind_of_a_file_is_known_by_what_stands_in_it(tmp_path: Path) -> None:
    """Its name need not say that it is a manifest, or a Compose file."""
    texts = {
        "app.yaml": manifest("Deployment", "plain", "", sidecar=True, end="\n", last=True),
        "stack.prod.yaml": "services:\n  n8n:\n    image: n8nio/n8n\n    environment:\n      TZ: UTC\n",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        arguments = ["generate", "gmail", "--app", "n8n", "--write", str(path), "--lang", "en"]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        assert "smtp.gmail.com" in path.read_text(encoding="utf-8")
