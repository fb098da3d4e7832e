"""``smtpdoctor.toml`` or ``[tool.smtpdoctor]`` of pyproject.toml → what it says, with places. Strict.

Such a file comes with a repository, so it is somebody else's word until it was read: it can name servers,
files and limits, and never hold a password, allow a login in the clear or have a message sent. What it may not
have a login sent to is decided where the login is known (``cli/profiles.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct

from smtpdoctor.errors import UsageError
from smtpdoctor.files import read_file
from smtpdoctor.model import FailOn, Message, SecurityName
from smtpdoctor.settings.read import decoded, names_secret

__all__ = ["NAME", "Ignoring", "Project", "Table", "project_in", "schema"]

NAME: Final = "smtpdoctor.toml"
_LARGEST: Final = 1_048_576
_MOST_PROFILES: Final = 10_000
_LONGEST_NAME: Final = 100
_NEAR: Final = 0.6
_PLACE: Final = re.compile(r"\(at line (\d+), column \d+\)")

Text = Annotated[str, Meta(min_length=1, max_length=2048)]
Paths = Text | list[Text]
Seconds = Annotated[float, Meta(ge=0.1, le=86400)]
Until = Literal["dns", "connect", "tls", "auth", "sender", "recipient"]


class Ignoring(Struct, frozen=True, forbid_unknown_fields=True):
    """A finding that is not to decide anything: its id, and why."""

    id: Text
    reason: Annotated[str, Meta(max_length=500)] = ""


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one table may say: each key is the flag of that name."""

    config: Annotated[Paths | None, Meta(description="As --config; relative to this file.")] = None
    env_file: Annotated[Paths | None, Meta(description="As --env-file; relative to this file.")] = None
    no_environment: Annotated[bool | None, Meta(description="Leave the process environment out.")] = None
    app: Annotated[Text | None, Meta(description="Whose variables to read.")] = None
    app_version: Annotated[Text | None, Meta(description="Which version of it runs.")] = None
    service: Annotated[Text | None, Meta(description="Which service of a Compose file or manifest.")] = None
    preset: Annotated[Text | None, Meta(description="A provider: gmail, naver, sendgrid …")] = None
    host: Annotated[Text | None, Meta(description="Name of the SMTP server.")] = None
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    security: SecurityName | None = None
    username: Text | None = None
    password_file: Annotated[
        Text | None,
        Meta(
            description="A file beside or below this one that holds the password; never the password itself."
        ),
    ] = None
    sender: Annotated[Text | None, Meta(description="Address mails come from.")] = None
    ehlo: Annotated[Text | None, Meta(description="Name for EHLO.")] = None
    to: Annotated[
        Text | None,
        Meta(
            description='The recipient for until = "recipient"; a message is sent only with --to or --until send.'
        ),
    ] = None
    until: Annotated[Until | None, Meta(description="The last stage.")] = None
    timeout: Annotated[float, Meta(ge=0.1, le=3600, description="Seconds for a stage.")] | None = None
    deadline: Annotated[float, Meta(ge=0.1, le=86400, description="Seconds for the whole run.")] | None = None
    ca_file: Annotated[
        Text | None, Meta(description="Trust these CA certificates instead; relative to this file.")
    ] = None
    resolver: Annotated[Text | None, Meta(description="Ask this name server: IP[:PORT].")] = None
    connect_to: Annotated[Paths | None, Meta(description="HOST:PORT:ADDR:PORT, as curl has it.")] = None
    ipv4: bool | None = None
    ipv6: bool | None = None
    retries: Annotated[int, Meta(ge=0, le=100)] | None = None
    fail_on: FailOn | None = None
    strict: Annotated[bool | None, Meta(description="Warnings count as problems.")] = None
    ignore: Annotated[
        list[Text | Ignoring] | None, Meta(description="Findings that are not to decide anything, and why.")
    ] = None


class File(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """smtpdoctor.toml: what holds for every run, and named profiles."""

    profiles: Annotated[
        dict[str, Table], Meta(description="By name, for --profile NAME and --all-profiles.")
    ] = {}


class Project(Struct, frozen=True):
    """A file that was read: ``defaults`` and each profile as it stands, the latter with its own errors.

    ``lines`` are those of keys, by ``key`` and ``profiles.NAME.key``.
    """

    path: Path
    defaults: Table
    profiles: Mapping[str, Table | UsageError]
    lines: Mapping[str, int]

    def line_of(self, profile: str | None, key: str) -> int | None:
        """Return the line on which a key stands, in a profile or outside of all."""
        return _line_of(self.lines, f"profiles.{profile}.{key}" if profile is not None else key)


def schema() -> dict[str, Any]:
    """Return the JSON schema of the file, which is in the package as smtpdoctor.schema.json."""
    found = msgspec.json.schema(File)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "smtpdoctor.toml, or [tool.smtpdoctor] of pyproject.toml",
        **found,
    }


def project_in(path: Path) -> Project | None:
    """Read the file, None where a pyproject.toml has no table for us; raises UsageError with the place.

    What is wrong in one profile is that profile's error alone.
    """
    import tomllib

    own = path.name == NAME
    flag = Message("usage.project")
    text = decoded(read_file(path, most=_LARGEST, flag=flag), {"file": str(path), "flag": flag})
    try:
        data: Any = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is no TOMLDecodeError
        if not own and "tool.smtpdoctor" not in text:
            return None  # somebody else's to complain of
        found = _PLACE.search(str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise UsageError(Message("usage.project.syntax", {"place": f"{path}:{line}"})) from None
    prefix = ""
    if not own:
        tool = data.get("tool")
        data = tool.get("smtpdoctor") if isinstance(tool, dict) else None
        if data is None:
            return None
        prefix = "tool.smtpdoctor."
    lines = _lines(path, text, prefix)
    if not isinstance(data, dict):
        raise _wrong(path, lines, "", "smtpdoctor", Message("usage.project.table"))
    profiles = data.pop("profiles", {})
    if not isinstance(profiles, dict) or len(profiles) > _MOST_PROFILES:
        raise _wrong(path, lines, "", "profiles", Message("usage.project.table"))
    defaults = _table(path, lines, "", data)
    return Project(path, defaults, dict(_profiles(path, lines, profiles)), lines)


def _profiles(
    path: Path, lines: Mapping[str, int], profiles: Mapping[str, Any]
) -> Iterator[tuple[str, Table | UsageError]]:
    for name, values in profiles.items():
        try:
            if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
                raise _wrong(path, lines, "", "profiles", Message("usage.project.name"))
            if not isinstance(values, dict):
                raise _wrong(path, lines, "profiles.", name, Message("usage.project.table"))
            yield name, _table(path, lines, f"profiles.{name}.", values)
        except UsageError as error:
            yield name, error


def _table(path: Path, lines: Mapping[str, int], prefix: str, values: Mapping[str, Any]) -> Table:
    """Return one table; no value of it is ever quoted, as it may be a password in the wrong place."""
    hints = _hints()
    for key, value in values.items():
        place = _place(path, lines, f"{prefix}{key}")
        if key not in hints:
            raise _unknown(key, place, [*hints, *(["profiles"] if not prefix else [])])
        try:
            msgspec.convert(value, hints[key], strict=True)
        except msgspec.ValidationError:
            raise _wrong(path, lines, prefix, key, _expected(key)) from None
    return msgspec.convert(values, Table, strict=True)


@cache
def _hints() -> dict[str, Any]:
    return get_type_hints(Table, include_extras=True)


def _unknown(key: str, place: str, known: list[str]) -> UsageError:
    bare = re.sub(r"[^a-z]", "", key.lower())
    if names_secret(key) or bare.endswith(("password", "passwd", "pass", "secret", "token")):
        return UsageError(
            Message("usage.project.password", {"place": place}), Message("usage.project.password.how")
        )
    message = Message("usage.project.unknown", {"place": place, "name": key})
    near = get_close_matches(key.lower().replace("-", "_"), known, 1, _NEAR)
    if near:
        return UsageError(message, Message("usage.near", {"name": near[0]}))
    return UsageError(message, Message("usage.project.known", {"known": ", ".join(known)}))


def _wrong(path: Path, lines: Mapping[str, int], prefix: str, key: str, expected: Message) -> UsageError:
    place = _place(path, lines, f"{prefix}{key}")
    return UsageError(Message("usage.project.value", {"place": place, "key": key, "expected": expected}))


_EXPECTED: Final[Mapping[str, Message]] = {
    "port": Message("usage.whole", {"least": 1, "most": 65_535}),
    "retries": Message("usage.whole", {"least": 0, "most": 100}),
    "timeout": Message("usage.number", {"least": 0.1, "most": 3_600}),
    "deadline": Message("usage.number", {"least": 0.1, "most": 86_400}),
    "ignore": Message("usage.project.ignore"),
    "security": Message("usage.one-of", {"names": "tls, starttls, opportunistic, none"}),
    "fail_on": Message("usage.one-of", {"names": "error, warning, permanent, never"}),
    "until": Message("usage.project.until", {"names": "dns, connect, tls, auth, sender, recipient"}),
    **dict.fromkeys(("config", "env_file", "connect_to"), Message("usage.project.texts")),
    **dict.fromkeys(("no_environment", "ipv4", "ipv6", "strict"), Message("usage.project.switch")),
}


def _expected(key: str) -> Message:
    return _EXPECTED.get(key, Message("usage.project.text"))


def _lines(path: Path, text: str, prefix: str) -> dict[str, int]:
    """Return the line of each key, by its whole name below the prefix."""
    from smtpdoctor.formats.document import Source
    from smtpdoctor.formats.toml import read

    document = read(Source(path=str(path), text=text))
    found: dict[str, int] = {}
    for scope in document.scopes:
        for one in scope.assignments:
            if one.name.startswith(prefix):
                found.setdefault(one.name.removeprefix(prefix), one.region.place.line)
    return found


def _line_of(lines: Mapping[str, int], name: str) -> int | None:
    if name in lines:
        return lines[name]
    return next((line for known, line in lines.items() if known.startswith(f"{name}.")), None)


def _place(path: Path, lines: Mapping[str, int], name: str) -> str:
    line = _line_of(lines, name)
    return f"{path}:{line}" if line else str(path)
