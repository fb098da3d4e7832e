"""How a host is spelled: the one spelling to compare by, and the host that a wrong name was meant to be."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtpdoctor.knowledge.names import Names

__all__ = ["host_key", "meant_host", "same_host"]


@lru_cache(256)  # of one check alone it is asked for the same host a dozen times
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


def meant_host(host: str, names: Names) -> str | None:
    """Return the provider's host that a name was probably meant to be, None where nothing speaks for one."""
    name = host_key(host)
    if "." not in name:
        return None
    from smtpdoctor.knowledge.near import meant

    return meant(name, names)
