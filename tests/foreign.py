"""Files that nothing of ours reads, read by what others read them with: names and values as a dialect has them."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from smtpdoctor.formats.document import Assignment, Kind, Place, Region

__all__ = ["foreign"]


def foreign(kind: str, app: str, text: str) -> tuple[Assignment, ...]:
    """Return what a file says, as the names of its application's dialect."""
    read = {
        "xml": _xml,
        "plist": _plist,
        "curlrc": _curlrc,
        "swaksrc": _swaksrc,
        "fields": _fields,
        "rust": _rust,
    }
    return tuple(_assignment(name, value) for name, value in read[kind](text, app))


def _assignment(name: str, value: str) -> Assignment:
    kind: Kind = "call" if name.endswith("()") else "word"
    return Assignment(name=name, value=value, region=Region(Place("x", 1), 0, 0), kind=kind)


def _xml(text: str, app: str) -> Iterator[tuple[str, str]]:
    root = ET.fromstring(text)  # noqa: S314 -- our own text
    parts = ("mailet",) if app == "apache-james" else ("outgoingServer",)
    for part in parts:
        for element in root.iter(part):
            for child in element:
                yield f"{part}.{child.tag}", (child.text or "").strip()


def _plist(text: str, app: str) -> Iterator[tuple[str, str]]:
    for payload in plistlib.loads(text.encode())["PayloadContent"]:
        for name, value in payload.items():
            yield name, str(value).lower() if isinstance(value, bool) else str(value)


def _curlrc(text: str, app: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, sign, value = line.partition(" = ")
            yield f"--{name}", re.sub(r"\\(.)", r"\1", value[1:-1]) if sign else "true"


def _swaksrc(text: str, app: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, sign, value = line.partition(" ")
            yield name, value if sign else "true"


def _fields(text: str, app: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if not line.startswith("#"):
            name, sign, value = line.partition(": ")
            if sign:
                yield name, value


def _rust(text: str, app: str) -> Iterator[tuple[str, str]]:
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))
    string = r'"((?:\\.|[^"\\])*)"'
    for call in ("relay", "starttls_relay", "builder_dangerous"):
        if found := re.search(rf"SmtpTransport::{call}\({string}\)", code):
            yield f"SmtpTransport::{call}.0", found[1]
            yield f"SmtpTransport::{call}()", "()"
    if found := re.search(rf"from_url\(concat!\({string}, {string}\)\)", code):
        yield "SmtpTransport::from_url.0", found[1] + found[2]
    if found := re.search(r"\.port\((\d+)\)", code):
        yield "mailer.port.0", found[1]
    if found := re.search(rf"Credentials::new\({string}\.to_owned\(\), {string}\.to_owned\(\)\)", code):
        yield "Credentials::new.0", found[1]
        yield "Credentials::new.1", found[2]
    if found := re.search(rf"let sender: Mailbox = {string}", code):
        yield "message.from.0", found[1]
