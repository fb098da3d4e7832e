"""How a host is spelled: the one spelling to compare by, and what must not be shown of it."""

from __future__ import annotations

import ipaddress
import re

from smtpdoctor.model import Secret

__all__ = ["host_key", "same_host", "without_password"]


def host_key(host: str) -> str:
    """Return a host's name in the one spelling by which it can be compared.

    Case, the dot at the end (RFC 1034 section 3.1) and brackets make no other host, and neither does
    a scheme, a login or a port that does not belong there.
    """
    name = host.strip()
    name = name.partition("://")[2] or name
    name = re.sub(r"[/\s].*", "", name.rpartition("@")[2], flags=re.DOTALL)
    for bare in (name, re.sub(r":\d*$", "", name)):
        try:
            return str(ipaddress.ip_address(bare.strip("[]")))
        except ValueError:
            continue
    name = re.sub(r":\d*$", "", name).rstrip(".").lower()
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name


def same_host(one: str, other: str) -> bool:
    """Whether two spellings name the same host."""
    return host_key(one) == host_key(other)


def without_password(text: str) -> str:
    """Return a text with the password masked that a URL in it holds, wherever its login ends."""
    return re.sub(r":(?!//).*@", f":{Secret.MASK}@", text, flags=re.DOTALL)
