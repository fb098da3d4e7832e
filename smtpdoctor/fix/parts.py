"""A value that holds several settings, with another one of them; the rest of its text stays as it is. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from smtpdoctor.knowledge.dialects import Explode

__all__ = ["with_part"]

_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<login>.*)@)?(?P<host>\[[^\]]*\]|[^:/?#@]*)"
    r"(?::(?P<port>[^/?#@]*))?(?P<path>[^?#]*)(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_AUTHORITY: Final = re.compile(
    r"(?P<before>(?:[A-Za-z][A-Za-z0-9+.-]*://)?)(?P<host>\[[^\]]*\]|[^:;,]*)(?::(?P<port>[^;,]*))?(?P<rest>.*)",
    re.DOTALL,
)


def with_part(text: str, how: Explode, part: str, value: str) -> str | None:
    """Return a value whose part of that name is another one; None where it cannot be said in it."""
    match how.codec:
        case "url":
            return _in_url(text.strip(), part, value)
        case "host:port" | "hosts":
            return _in_authority(text.strip(), part, value)
        case "login":
            user, _, password = text.partition(":")
            return (
                f"{value}:{password}" if part == "user" else f"{user}:{value}" if part == "password" else None
            )
        case _:
            return None


def _in_authority(text: str, part: str, value: str) -> str | None:
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    before, host, port, rest = found["before"], found["host"], found["port"], found["rest"]
    if part == "scheme":
        before = f"{value}://" if value else ""
    elif part == "host":
        host = value
    elif part == "port":
        port = value
    else:
        return None
    return f"{before}{host}:{port}{rest}" if port else f"{before}{host}{rest}"


def _in_url(text: str, part: str, value: str) -> str | None:
    found = _URL.fullmatch(text)
    if found is None:
        return None
    parts = {name: one for name, one in found.groupdict().items() if one is not None}
    login = parts.get("login", "")
    if part in {"scheme", "host", "port"}:
        parts[part] = value
    elif part == "user":
        login = quote(value, safe="") + (f":{login.partition(':')[2]}" if ":" in login else "")
    elif part.startswith("query."):
        parts["query"] = _in_query(parts.get("query", ""), part.removeprefix("query."), value)
    else:
        return None
    host = parts["host"] + (f":{parts['port']}" if parts.get("port") else "")
    query = f"?{parts['query']}" if parts.get("query") else ""
    return f"{parts['scheme']}://{f'{login}@' if login else ''}{host}{parts.get('path', '')}{query}"


def _in_query(query: str, name: str, value: str) -> str:
    pairs = [one for one in query.split("&") if one]
    new = f"{name}={quote(value, safe='')}" if value else ""
    for at, one in enumerate(pairs):
        if one.partition("=")[0] == name:
            pairs[at] = new
            break
    else:
        pairs.append(new)
    return "&".join(filter(None, pairs))
