"""Which host of a provider a wrong name was meant to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smtpdoctor.knowledge.names import Names

__all__ = ["edits", "meant"]

# Second-level names below which the domains of a country are given away.
_SECOND: Final = frozenset({"ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"})
# What mail servers are called: none of these is a slip of the finger for another.
_WORDS: Final = frozenset(
    {
        *("asmtp", "auth", "bulk", "email", "esmtp", "imap", "live", "mail", "mailer", "mailout", "mails"),
        *(
            "msmtp",
            "outbound",
            "outgoing",
            "pop",
            "post",
            "relay",
            "secure",
            "send",
            "sender",
            "smtp",
            "smtpa",
        ),
        *("smtpauth", "smtpout", "smtps", "smtpx", "submission", "submit", "webmail"),
    }
)
# What fingers make of the ends of names: none of these is given away, or hardly anybody has one there.
_ENDS: Final = {
    **dict.fromkeys(
        ("cim", "cm", "cmo", "coom", "comm", "con", "cpm", "cok", "ocm", "om", "vom", "xom"), "com"
    ),
    **dict.fromkeys(("ent", "met", "ner", "nett", "ney", "nrt", "nte"), "net"),
    **dict.fromkeys(("ogr", "orf", "orgg", "rog"), "org"),
}
_SHORT: Final = 4  # a shorter label is near to too many others
_PLAIN: Final = 5
_LONG: Final = 8  # long enough for two slips


def meant(name: str, names: Names) -> str | None:
    """Return the provider's host that a name, in lower case, was probably meant to be; None where nothing speaks for one.

    That is a wrong name that people are known to write, or a slip of one or two letters in a single
    label. It is never said of the domain of another known provider: ``smtp.mail.com`` is no misspelt
    ``smtp.gmail.com``.
    """
    if "." not in name:
        return None
    if (known := names.misspelt.get(name)) is not None:
        return known
    labels = name.split(".")
    if (known := _at_whole_name(labels, names)) is not None:
        return known
    suffix = len(labels) - _width(labels)
    near = []
    for known in names.hosts:
        at, right = _one_label_apart(labels, known)
        if at is None or at > suffix:
            continue
        if _is_slip(labels[at], right) if at < suffix else _is_slip_of_domain(labels[at], right):
            near.append((edits(labels[at], right), at, known))
    if any(at == suffix for _, at, _ in near) and _has_domain(names, ".".join(labels[suffix:])):
        near = [one for one in near if one[1] < suffix]
    return min(near, default=(0, 0, None))[2]


def _at_whole_name(labels: Sequence[str], names: Names) -> str | None:
    """Return the known host that a name is but for its last label, or whose web page it is."""
    end = _ENDS.get(labels[-1])
    if end is not None:
        whole = ".".join((*labels[:-1], end))
        return whole if whole in names.hosts else names.misspelt.get(whole)
    bare = ".".join(labels[1:] if labels[0] == "www" else labels)
    return names.pages.get(bare)


def _has_domain(names: Names, domain: str) -> bool:
    """Whether a domain belongs to a provider that is known, by its hosts or by the addresses there."""
    return any(_domain(one) == domain for one in (*names.hosts, *names.domains))


def _one_label_apart(labels: Sequence[str], known: str) -> tuple[int | None, str]:
    """Return where a known host differs from a name, and what it has there; None if not in a single label."""
    other = known.split(".")
    if len(other) != len(labels):
        return None, ""
    places = [at for at, (one, two) in enumerate(zip(labels, other, strict=True)) if one != two]
    return (places[0], other[places[0]]) if len(places) == 1 else (None, "")


def _width(labels: Sequence[str]) -> int:
    """Return how many labels the domain has that somebody registered."""
    *_, second, top = ("", *labels)
    return 3 if second in _SECOND and len(top) == 2 else 2  # noqa: PLR2004 -- the code of a country


def _domain(host: str) -> str:
    labels = host.split(".")
    return ".".join(labels[-_width(labels) :])


def _is_slip(wrong: str, right: str) -> bool:
    """Whether one label of a provider's own domain was meant to be another: its servers have similar names."""
    if any(map(str.isdigit, wrong + right)):
        return False
    ones, others = wrong.split("-"), right.split("-")
    if len(ones) == len(others):
        parts = [(one, two) for one, two in zip(ones, others, strict=True) if one != two]
    else:
        parts = [(wrong, right)]
    if len(parts) != 1:
        return False
    ((one, two),) = parts
    return len(two) >= _SHORT and one not in _WORDS and _near(one, two)


def _is_slip_of_domain(wrong: str, right: str) -> bool:
    """Whether the name of a domain that no known provider has was meant to be a provider's."""
    if _digits(wrong) != _digits(right):
        return False
    if len(right) < _PLAIN:
        # Of a short name only what no other word is: two letters swapped, or one doubled.
        same = sorted(wrong) == sorted(right) or _is_doubled(wrong, right)
        return len(right) >= _SHORT and same and _near(wrong, right)
    return _near(wrong, right)


def _digits(label: str) -> str:
    return "".join(filter(str.isdigit, label))


def _is_doubled(wrong: str, right: str) -> bool:
    return any(wrong == right[:at] + right[at - 1] + right[at:] for at in range(1, len(right) + 1))


def _near(wrong: str, right: str) -> bool:
    most = 2 if len(right) >= _LONG else 1
    return abs(len(wrong) - len(right)) <= most and edits(wrong, right) <= most


def edits(one: str, other: str) -> int:
    """Return how many letters were dropped, doubled, mistaken or swapped."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, rows[i - 2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]
