"""A value that holds several settings, taken apart as an application does it, and put together again. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import quote, unquote

from smtpdoctor.knowledge.dialects import Explode, Url

__all__ = ["SmtpUrlError", "host_and_port", "joined", "parts_of", "url_parts"]

_VALUE: Final = "=value"
_SCHEME: Final = r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)"


class SmtpUrlError(ValueError):
    """A URL that cannot be taken apart: ``why`` (scheme, host, sign), and the sign that stands unencoded."""

    def __init__(self, why: str, sign: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.sign = sign


def parts_of(text: str, how: Explode) -> dict[str, str]:
    """Return the parts of a value by the names that a dialect gives them; raises SmtpUrlError."""
    match how.codec:
        case "url":
            return url_parts(text, how.url)
        case "host:port":
            return host_and_port(text)
        case "hosts":
            first = re.split("[;,]", text)[0].strip()
            found = re.fullmatch(_SCHEME, first, re.DOTALL)
            scheme = {"scheme": found[1].lower()} if found else {}
            return scheme | host_and_port(found[2] if found else first)
        case "login":
            user, colon, password = text.partition(":")
            return {"user": user, **({"password": password} if colon else {})}
        case "service":
            parts = how.words.get(_service(text)) or how.words.get("*", {})
            return {name: text if part == _VALUE else part for name, part in parts.items()}


def joined(parts: Mapping[str, str], how: Explode) -> str:
    """Return a value with the given parts, so that ``parts_of`` returns them again.

    Raises ValueError for parts that it cannot hold.
    """
    match how.codec:
        case "url":
            return _url_of(parts)
        case "host:port":
            return _authority(parts)
        case "hosts":
            scheme = parts.get("scheme")
            return f"{scheme}://{_authority(parts)}" if scheme else _authority(parts)
        case "login":
            return ":".join(parts[name] for name in ("user", "password") if name in parts)
        case "service":
            for word, known in how.words.items():
                if known == dict(parts):
                    return word
            raise ValueError("no provider with these parts")


def _service(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]", "", text.rpartition("@")[2].lower())


def _authority(parts: Mapping[str, str]) -> str:
    host = parts.get("host", "")
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{parts['port']}" if parts.get("port") else host


def _url_of(parts: Mapping[str, str]) -> str:
    login = ""
    if "user" in parts or "password" in parts:
        both = [parts.get("user", "")] + ([parts["password"]] if "password" in parts else [])
        login = ":".join(quote(one, safe="") for one in both) + "@"
    path = f"/{parts['path']}" if "path" in parts else ""
    queries = [
        f"{quote(name.removeprefix('query.'))}={quote(text, safe='')}"
        for name, text in parts.items()
        if name.startswith("query.")
    ]
    query = "?" + "&".join(queries) if queries else ""
    return f"{parts['scheme']}://{login}{_authority(parts)}{path}{query}"


def host_and_port(text: str) -> dict[str, str]:
    """Return the parts of ``host:port``; an IPv6 address stands in brackets."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    return {"host": host, **({"port": port} if port else {})}


def url_parts(text: str, how: Url | None) -> dict[str, str]:
    """Return scheme, user, password, host, port, path and query of a URL; raises SmtpUrlError.

    What must be percent-encoded (RFC 3986 section 3.2.1) and is not is told by its sign, never by the text.
    """
    how = how or Url(schemes=())
    for name in how.lists:
        if text.startswith(f"{name}("):
            text = (
                text[len(name) + 1 :].removesuffix(")").split()[0]
                if text[len(name) + 1 :].strip(" )")
                else ""
            )
    found = re.fullmatch(_SCHEME, text, re.DOTALL)
    if found is None:
        raise SmtpUrlError("scheme")
    scheme, rest = found[1].lower(), found[2]
    if how.schemes and not any(fnmatchcase(scheme, one) for one in how.schemes):
        raise SmtpUrlError("scheme")
    at = rest.rfind("@")
    login, place = (rest[:at], rest[at + 1 :]) if at >= 0 else ("", rest)
    # Behind the login the rest has its signs; in front of it they cut the URL short.
    for sign in "/?#":
        if sign in login and sign not in how.raw:
            raise SmtpUrlError("sign", sign)
    if "@" in login and "@" not in how.raw:
        raise SmtpUrlError("sign", "@")
    authority, path, query = _split(place)
    parts = {"scheme": scheme}
    host = host_and_port(authority)
    if not host["host"] and scheme not in {"null", "native", "sendmail"} and authority != "":
        raise SmtpUrlError("host")
    parts |= host
    if login:
        user, colon, password = login.partition(":")
        parts["user"] = _decoded(user, how)
        if colon:
            parts["password"] = _decoded(password, how)
    if path:
        parts["path"] = path
    for one in re.split("[&;]", query) if query else ():
        name, _, value = one.partition("=")
        parts[f"query.{unquote(name)}"] = unquote(value.replace("+", " "))
    return parts


def _split(text: str) -> tuple[str, str, str]:
    text = text.partition("#")[0]
    before, _, query = text.partition("?")
    authority, slash, path = before.partition("/")
    return authority, path if slash else "", query


def _decoded(text: str, how: Url) -> str:
    return unquote(text.replace("+", " ") if how.plus else text)
