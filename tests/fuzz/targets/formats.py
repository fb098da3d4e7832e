"""The syntaxes of configuration files, whoever reads them."""

from __future__ import annotations

from contextlib import suppress

from smtpdoctor.formats import reader_of
from smtpdoctor.formats.document import Document, Source, TooLargeError, edited
from smtpdoctor.formats.env import READERS, UnwritableError, write
from smtpdoctor.formats.ini import READERS as INI
from smtpdoctor.formats.properties import READERS as PROPERTIES
from smtpdoctor.formats.yaml_scalars import RULES
from tests.fuzz.target import target

HOW = (
    *(("dotenv", one) for one in READERS),
    *(("ini", one) for one in INI),
    *(("properties", one) for one in PROPERTIES),
    *((one, "") for one in ("json", "toml", "msmtprc", "muttrc", "ssmtp")),
    *(("yaml", one) for one in RULES),
    *((one, "") for one in ("compose", "kubernetes", "github-actions", "gitlab-ci")),
)


def _read(how: tuple[str, str], text: str) -> Document:
    read = reader_of(how[0])
    assert read is not None
    return read(Source(path="f", text=text, reader=how[1], environment={"B": "bee"}))


@target(b"A=", b"B=bee\n", b"export ", b"'", b'"', b"`", b"${B}", b"${A:-x}", b"$$", b" #", b"\\", b"\r\n", b"[s]\n",
        b'{"a":', b"[[t]]\n", b"account a : b\n", b"#---\n", b"%(a)s", b'"""', b"services:\n  a:\n    environment:\n", b"      - A=",
        b"kind: Secret\n", b"data:\n  a.yml: |\n", b"{{ x }}", b"<%= ENV['A'] %>", b"---\n", b"&a ", b"*a", b"<<: ", b"? ", b"!t ", b"\n  ")  # fmt: skip
def config(data: bytes) -> None:
    """Any text is read by any reader; values stand where they are said to, and one that is written comes back."""
    how = HOW[data[0] % len(HOW)] if data else HOW[0]
    text = data[1:].decode("utf-8", "replace")
    try:
        document = _read(how, text)
    except TooLargeError:
        return
    for scope in document.scopes:
        for one in scope.assignments:
            assert 0 <= one.region.start <= one.region.end <= len(text)
            assert one.region.place.line == text.count("\n", 0, one.region.start) + 1
            assert (one.value is None) == (one.kind in {"unknown", "null"})
    if how[0] != "dotenv" or document.problems:
        return
    there = [one for one in document.scopes[0].assignments if one.source != "environment"]
    if not there or len({one.name for one in there}) < len(there):
        return
    one = there[len(data) % len(there)]
    with suppress(UnwritableError):
        new = write("s3 #x", how[1], text[one.region.start : one.region.end])
        again = _read(how, edited(text, [(one.region, new)]))
        assert again.scopes[0].by_name()[one.name].value == "s3 #x", (how, text)
