"""Kubernetes: what each container gets, where the text of it stands, and what the cluster would refuse."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.formats import kubernetes
from smtpdoctor.formats.document import Assignment, Document, Source, edited
from smtpdoctor.formats.writing import change

MANIFESTS = """\
apiVersion: v1
kind: Secret
metadata: {name: mail}
data:
  SMTP_PASSWORD: c2VjcmV0Cg==
  BROKEN: "%%"
stringData:
  SMTP_USERNAME: me
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  SMTP_HOST: smtp.example.com
  app.env: |
    # mail
    A=b
    C="d"
  application.yml: |
    spring:
      mail:
        host: h   # c
  smtp.ini: |
    [smtp]
    host = x
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      volumes:
      - name: v
        configMap: {name: settings}
      initContainers:
      - {name: wait, image: busybox, env: [{name: X, value: "1"}]}
      containers:
      - name: web
        image: foo/bar:1.2
        envFrom:
        - configMapRef: {name: settings}
          prefix: P_
        env:
        - name: PASSWORD
          valueFrom: {secretKeyRef: {name: mail, key: SMTP_PASSWORD}}
        - name: ELSEWHERE
          valueFrom: {secretKeyRef: {name: other, key: k}}
        - name: IP
          valueFrom: {fieldRef: {fieldPath: status.podIP}}
        - name: URL
          value: smtp://$(P_SMTP_HOST):587/$(NOPE)$$(X)
        - name: EMPTY
"""


def document(text: str, files: Mapping[str, str] | None = None, path: str = "k.yml") -> Document:
    return kubernetes.read(Source(path=path, text=text, beside=(files or {}).get))


def scope(read: Document, name: str) -> dict[str, Assignment]:
    return next(one.by_name() for one in read.scopes if one.name == name)


def test_a_container_gets_what_the_objects_of_the_file_hold() -> None:
    read = document(MANIFESTS)
    found = scope(read, "web")
    assert {name: one.value for name, one in found.items()} == {
        "P_SMTP_HOST": "smtp.example.com",
        "PASSWORD": "secret\n",
        "ELSEWHERE": None,
        "IP": None,
        "URL": "smtp://smtp.example.com:587/$(NOPE)$(X)",
        "EMPTY": "",
    }
    assert (found["ELSEWHERE"].kind, found["ELSEWHERE"].source) == ("unknown", "other/k")
    assert [mark.kind for mark in found["PASSWORD"].remarks] == ["trailing-newline"]
    assert [place.line for place in found["PASSWORD"].places] == [5, 46]
    assert [place.line for place in found["P_SMTP_HOST"].places] == [15, 43]
    assert next(one.image for one in read.scopes if one.name == "web") == "foo/bar:1.2"
    assert scope(read, "wait")["X"].value == "1"
    assert [(problem.kind, problem.place.line, problem.detail) for problem in read.problems] == [
        ("refused", 6, "BROKEN")
    ]


def test_files_in_a_config_map_are_read_in_their_places() -> None:
    read = document(MANIFESTS)
    found = [one for one in read.scopes if one.name == "settings"]
    assert {one.image for one in found} == {"foo/bar:1.2"}
    named = {name: one for scope_ in found for name, one in scope_.by_name().items()}
    for name, value, line, raw in (
        ("A", "b", 18, "b"), ("C", "d", 19, '"d"'), ("spring.mail.host", "h", 23, "h"), ("smtp.host", "x", 26, "x"),
    ):  # fmt: skip
        one = named[name]
        assert (one.value, one.region.place.line) == (value, line)
        assert MANIFESTS[one.region.start : one.region.end] == raw
    region, new = change(read, named["spring.mail.host"], "a: b")
    after = document(edited(MANIFESTS, [(region, new)]))
    assert {name: one.value for one_ in after.scopes if one_.name == "settings" for name, one in one_.by_name().items()} == {
        **{name: one.value for name, one in named.items()}, "spring.mail.host": "a: b",
    }  # fmt: skip


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.booleans())
def test_a_secrets_value_survives_base64(value: str, wrapped: bool) -> None:
    encoded = base64.b64encode(value.encode()).decode() or '""'
    if wrapped and value:
        encoded = (
            "|\n    " + "\n    ".join(encoded[at : at + 5] for at in range(0, len(encoded), 5))
            if encoded
            else '""'
        )
    text = f"kind: Secret\nmetadata: {{name: s}}\ndata:\n  A: {encoded}\n  B: eA==\n"
    read = document(text)
    one = scope(read, "s")["A"]
    assert one.value == value
    assert ("trailing-newline" in {mark.kind for mark in one.remarks}) == value.endswith("\n")
    region, new = change(read, one, value.strip() + "z")
    after = scope(document(edited(text, [(region, new)])), "s")
    assert {name: found.value for name, found in after.items()} == {"A": value.strip() + "z", "B": "x"}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("587", True),
        ("true", True),
        ("yes", True),
        ("'587'", False),
        ('"true"', False),
        ("x", False),
        ("0x1", True),
    ],
)
def test_a_variable_must_be_a_string(value: str, problem: bool) -> None:
    text = f"kind: Pod\nspec:\n  containers:\n  - name: c\n    env:\n    - name: A\n      value: {value}\n"
    read = document(text)
    assert [(one.kind, one.place.line) for one in read.problems] == ([("refused", 7)] if problem else [])
    region, new = change(read, scope(read, "c")["A"], "587")
    assert new.strip("'\"") == "587"
    assert new != "587"
    assert document(edited(text, [(region, new)])).problems == ()


def test_a_key_that_a_secret_of_the_file_does_not_have_is_missed() -> None:
    text = "kind: Secret\nmetadata: {name: s}\nstringData: {A: x}\n---\nkind: Pod\nspec:\n  containers:\n  - name: c\n    env:\n"
    reference = "    - {name: V, valueFrom: {secretKeyRef: {name: s, key: B%s}}}\n"
    read = document(text + reference % "")
    assert [(one.kind, one.detail) for one in read.problems] == [("required", "s/B")]
    assert scope(read, "c")["V"].kind == "unknown"
    assert document(text + reference % ", optional: true").scopes[0].assignments == ()


def test_templates_of_helm_are_unknown_and_hide_nothing() -> None:
    text = (
        "{{- if .Values.mail.enabled }}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ include \"x.name\" . }}\n"
        "  labels:\n    {{- include \"x.labels\" . | nindent 4 }}\nspec:\n  template:\n    spec:\n      containers:\n"
        "        - name: {{ .Chart.Name }}\n          image: \"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"\n          env:\n"
        "            - name: SMTP_HOST\n              value: {{ .Values.mail.host | quote }}\n"
        "            {{- if eq .Values.mail.tls \"starttls\" }}\n            - name: SMTP_TLS\n              value: \"true\"\n            {{- end }}\n"
        "            {{- range $k, $v := .Values.extra }}\n            - name: {{ $k }}\n              value: {{ $v | quote }}\n            {{- end }}\n"
        "            - name: SMTP_PASSWORD\n              valueFrom:\n                secretKeyRef:\n                  name: {{ .Release.Name }}-mail\n                  key: password\n"
        "          {{- with .Values.envFrom }}\n          envFrom: {{- toYaml . | nindent 12 }}\n          {{- end }}\n{{- end }}\n"
    )  # fmt: skip
    read = document(text)
    assert read.problems == ()
    (container,) = read.scopes
    found = container.by_name()
    assert {name: one.value for name, one in found.items()} == {
        "SMTP_HOST": None,
        "SMTP_TLS": "true",
        "SMTP_PASSWORD": None,
    }
    assert found["SMTP_HOST"].source == ".Values.mail.host"
    assert found["SMTP_HOST"].region.place.line == 16


def test_a_template_decides_between_two_values() -> None:
    text = (
        "kind: ConfigMap\nmetadata: {name: c}\ndata:\n  {{- if .Values.x }}\n  A: b\n  {{- else }}\n  A: c\n  {{- end }}\n  D: e\n"
        "  F: {{ .Values.f }}\n  G:\n    {{- toYaml .Values.g | nindent 4 }}\n"
    )
    found = scope(document(text), "c")
    assert {name: (one.kind, one.value) for name, one in found.items()} == {
        "A": ("unknown", None), "D": ("word", "e"), "F": ("unknown", None), "G": ("unknown", None),
    }  # fmt: skip


def test_sealed_secrets_are_unknown() -> None:
    text = (
        "kind: SealedSecret\nmetadata: {name: s}\nspec: {encryptedData: {A: AgB}}\n---\nkind: ExternalSecret\nmetadata: {name: e}\n"
        "spec:\n  target: {name: t}\n  data: [{secretKey: B, remoteRef: {key: mail/pw}}]\n---\nkind: Pod\nspec:\n  containers:\n"
        "  - name: c\n    envFrom: [{secretRef: {name: s}}]\n    env:\n    - {name: V, valueFrom: {secretKeyRef: {name: t, key: B}}}\n"
        "    - {name: W, valueFrom: {secretKeyRef: {name: t, key: C}}}\n    - {name: U, value: $(LATER)}\n"
    )
    read = document(text)
    found = scope(read, "c")
    assert {name: (one.kind, one.value) for name, one in found.items()} == dict.fromkeys(
        "AVWU", ("unknown", None)
    )
    assert (found["V"].source, read.problems) == ("mail/pw", ())


def test_kustomize_makes_secrets() -> None:
    text = 'secretGenerator:\n- name: s\n  literals:\n  - A=x\n  - B="y"\n  envs: [mail.env, no.env]\nconfigMapGenerator:\n- {name: c, literals: [C=z=1]}\n'
    read = document(text, {"mail.env": "D='q'\n"}, "base/kustomization.yaml")
    assert {name: one.value for name, one in scope(read, "s").items()} == {"D": "'q'", "A": "x", "B": "y"}
    assert [str(place) for place in scope(read, "s")["D"].places] == [
        "base/mail.env:1",
        "base/kustomization.yaml:6",
    ]
    assert scope(read, "c")["C"].value == "z=1"
    assert [(one.kind, one.detail) for one in read.problems] == [("missing-file", "no.env")]


def test_lists_cron_jobs_and_other_kinds_are_read() -> None:
    pod = "{containers: [{name: %s, image: i, env: [{name: A, value: x}]}]}"
    text = (
        "kind: List\nitems:\n- {kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: "
        + pod % "cron"
        + "}}}}}\n"
        "- {kind: StatefulSet, spec: {template: {spec: "
        + pod % "state"
        + "}}}\n- {kind: Pod, spec: "
        + pod % "pod"
        + "}\n"
        "- {kind: Keycloak, metadata: {name: kc}, spec: {smtp: {host: h}}}\n- {kind: Service, spec: {ports: [{port: 25}]}}\n"
    )
    read = document(text)
    assert [one.name for one in read.scopes] == ["cron", "state", "pod", "kc"]
    assert scope(read, "kc")["spec.smtp.host"].value == "h"


def test_a_file_with_windows_line_ends_has_right_places() -> None:
    text = "kind: ConfigMap\r\nmetadata: {name: c}\r\ndata:\r\n  a.yml: |\r\n    x: y\r\n    host: 'h'\r\n  B_C: d\r\n"
    read = document(text)
    one = next(found for part in read.scopes for found in part.assignments if found.name == "host")
    assert (one.value, one.region.place.line, text[one.region.start : one.region.end]) == ("h", 6, "'h'")
    assert read.scopes[-1].by_name()["B_C"].value == "d"
