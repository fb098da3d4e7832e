"""How a host is spelled: the one spelling to compare by."""

from __future__ import annotations

import ipaddress
import re

__all__ = ["host_key", "same_host"]


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
    if name.isascii():
        return name
    from smtpdoctor.smtp.command import DomainError, a_labels

    try:
        return a_labels(name).rstrip(".")  # also one that only the mapping makes a dot
    except DomainError:
        return name


def same_host(one: str, other: str) -> bool:
    """Whether two spellings name the same host."""
    return host_key(one) == host_key(other)
