"""By what a provider is known: host names, and the mark that it leaves in its replies."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from smtpdoctor.knowledge.schema import Preset

__all__ = ["Names", "names_of"]


class Names(Struct, frozen=True):
    """Host name, end of host names (with its dot), or mark in a reply → id of the preset; all in lower case."""

    hosts: dict[str, str]
    suffixes: dict[str, str]
    marks: dict[str, str]

    def of_host(self, host: str) -> str | None:
        """Return the preset that a host name belongs to."""
        name = host.rstrip(".").lower()
        found = self.hosts.get(name)
        return found or next((one for end, one in self.suffixes.items() if name.endswith(end)), None)

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
            joined(self.suffixes, other.suffixes),
            joined(self.marks, other.marks),
        )


def names_of(presets: Iterable[Preset]) -> Names:
    """Return the names of presets; the first that claims one has it."""
    names = Names({}, {}, {})
    for preset in presets:
        if preset.reply_marker:
            names.marks.setdefault(preset.reply_marker.lower(), preset.id)
        if preset.kind == "local":
            continue  # localhost may be anything
        for host in (preset.host, *preset.hosts):
            if host.startswith("*."):
                names.suffixes.setdefault(host[1:].lower(), preset.id)
            else:
                names.hosts.setdefault(host.lower(), preset.id)
    return names
