"""An SMTP URL, or ``host:port``, taken apart as an application does it. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from smtpdoctor.knowledge.dialects import Url

__all__ = ["SmtpUrlError", "host_and_port", "url_parts"]

_SCHEME: Final = r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)"
_PORT: Final = r"(.*?)(?::(\d+))?"


class SmtpUrlError(ValueError):
    """A URL that cannot be taken apart: ``why`` (scheme, host, sign), and the sign that stands unencoded."""

    def __init__(self, why: str, sign: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.sign = sign


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
    found = re.fullmatch(_SCHEME, text, re.DOTALL)
    if found is None:
        raise SmtpUrlError("scheme")
    scheme, rest = found[1].lower(), found[2]
    if how.schemes and scheme not in how.schemes:
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
