"""A file that stands in a manifest: its values, and where they stand in the outer file."""

from __future__ import annotations

from smtpdoctor.formats import reader_of
from smtpdoctor.formats.document import Source
from tests.each import each

BLOCK = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: mail
data:
  {name}: {style}
{body}
"""
FILES = {
    "application.yml": ("spring:\n  mail:\n    host: smtp.example.com\n", "smtp.example.com"),
    "app.properties": ("# mail\nspring.mail.host=smtp.example.com\n", "smtp.example.com"),
    "grafana.ini": ("[smtp]\nhost = smtp.example.com:587\n", "smtp.example.com:587"),
    ".env": ('SMTP_HOST="smtp.example.com"\n', "smtp.example.com"),
    "settings.json": ('{"smtp": {"host": "smtp.example.com"}}\n', "smtp.example.com"),
}


def _read(text: str) -> list[tuple[str | None, int]]:
    read = reader_of("kubernetes")
    assert read is not None
    document = read(Source(path="mail.yaml", text=text))
    return [(one.value, one.region.place.line) for scope in document.scopes for one in scope.assignments]


@each("style", ["|", "|-", "|+", "|2", ">", ">-"])
@each("name", FILES)
def test_a_file_in_a_manifest_is_read_where_it_stands(name: str, style: str) -> None:
    """What is folded is another text; of the others each value stands in the line that a person sees."""
    body, value = FILES[name]
    text = BLOCK.format(name=name, style=style, body="".join(f"    {line}\n" for line in body.splitlines()))
    found = _read(text)
    if style.startswith("|") and style != "|2":
        line = next(at for at, one in enumerate(text.splitlines(), 1) if "smtp.example.com" in one)
        assert (value, line) in found
    for _, line in found:
        assert 1 <= line <= text.count("\n") + 1


@each("body", ["{{ .Values.mail }}", "<html>\n<body>", "#!/bin/sh\nSMTP_HOST=x", "a: [1\nb: }"])
@each("name", ["application.yml", "run.sh", "index.html", ".env"])
def test_what_is_no_file_of_settings_does_no_harm(name: str, body: str) -> None:
    """Templates, pages, scripts and what does not parse: something is told, or nothing."""
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    _read(BLOCK.format(name=name, style="|", body=indented))
