"""By what a provider is known: host names, mail domains, and the mark that it leaves in its replies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.knowledge.schema import Preset

__all__ = ["Names", "bare_words", "canonical", "names_of"]

_SIGNS: Final = re.compile(r"[\s()\[\]{}<>'\"“”‘’`:：,.;!?！？·/|–—-]+")


def bare_words(text: str) -> str:
    """Return a text as what is asked is compared: in lower case, with one space for signs and spaces."""
    return _SIGNS.sub(" ", text.lower()).strip()


def canonical(name: str) -> str:
    """Return the name of a variable in capitals with underscores, as smtpHost and spring.mail.host would be."""
    return re.sub(r"[-.]", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)).upper()


class Names(Struct, frozen=True):
    """Host name, mark in a reply, or mail domain → id of the preset.

    ``families`` are the host names with a ``*`` in them: start, end, and preset. ``misspelt`` has the
    host that is meant by a name that is wrong, ``pages`` the one that is meant by a provider's domain,
    where it has a web page and no mail server, ``free`` the mail domains at which anybody can have an
    address; all in lower case.
    """

    hosts: dict[str, str]
    families: tuple[tuple[str, str, str], ...]
    marks: dict[str, str]
    domains: dict[str, str]
    misspelt: dict[str, str]
    pages: dict[str, str]
    free: tuple[str, ...]

    def of_host(self, host: str) -> str | None:
        """Return the preset that a host name belongs to."""
        name = host.rstrip(".").lower()
        found = self.hosts.get(name)
        kin = (one for start, end, one in self.families if name.startswith(start) and name.endswith(end))
        return found or next(kin, None)

    def of_mark(self, lowered: str) -> str | None:
        """Return the preset whose mark a text in lower case has."""
        return next((one for mark, one in self.marks.items() if mark in lowered), None)

    def over(self, other: Names, hidden: Iterable[str]) -> Names:
        """Return these names with the others behind them, but for those of presets that are hidden."""
        gone = set(hidden)

        def joined(mine: dict[str, str], rest: dict[str, str]) -> dict[str, str]:
            return {**mine, **{key: one for key, one in rest.items() if one not in gone and key not in mine}}

        return Names(
            joined(self.hosts, other.hosts),
            (*self.families, *(one for one in other.families if one[2] not in gone)),
            joined(self.marks, other.marks),
            joined(self.domains, other.domains),
            {**other.misspelt, **self.misspelt},
            {**other.pages, **self.pages},
            other.free,  # who describes the mail of a company of one's own makes no free mail of it
        )


def names_of(presets: Iterable[Preset]) -> Names:
    """Return the names of presets; the first that claims one has it."""
    known = list(presets)
    free = {one for preset in known if preset.kind == "mailbox" for one in preset.mail_domains}
    families: list[tuple[str, str, str]] = []
    names = Names({}, (), {}, {}, {}, {}, tuple(sorted(free)))
    for preset in known:
        if preset.reply_marker:
            names.marks.setdefault(preset.reply_marker.lower(), preset.id)
        if preset.anywhere:
            continue  # localhost may be anything
        for domain in preset.mail_domains:
            names.domains.setdefault(domain.lower(), preset.id)
        for name in preset.misspelt:
            names.misspelt.setdefault(name.lower(), preset.host)
        sites = list(preset.mail_domains)
        if preset.kind == "transactional" and re.fullmatch(r"smtp\.[^.]+\.[a-z]+", preset.host):
            sites.append(preset.host.removeprefix("smtp."))
        for name in sites:
            names.pages.setdefault(name.lower(), preset.host_of(name))
        for host in (preset.host, *preset.hosts):
            start, star, end = host.lower().partition("*")
            if star:
                families.append((start, end, preset.id))
            else:
                names.hosts.setdefault(start, preset.id)
    pages = {name: host for name, host in names.pages.items() if name not in names.hosts}
    return replace(names, families=tuple(families), pages=pages)
