"""A value in the place of another one, whatever file and syntax that place is of."""

from __future__ import annotations

from smtpdoctor.formats.document import Assignment, Document, Region
from smtpdoctor.formats.dotenv import UnwritableError

__all__ = ["change", "written"]


def written(value: str, style: str, old: str, *, reader: str = "") -> str:
    """Return how a value stands in the place of another that is written like this (``Assignment.style``).

    For what the YAML syntaxes read, ``.env`` files that they look into among it; ``reader`` is whose rules hold
    for a ``.env`` that does not say so. Raises UnwritableError where nothing can be written there.
    """
    syntax, _, rest = style.partition(" ")
    if syntax == "yaml":
        from smtpdoctor.formats.yaml_scalars import write

        return write(value, style)
    if syntax == "dotenv":
        from smtpdoctor.formats import env

        return env.write(value, rest or reader or env.DEFAULT, old)
    raise UnwritableError(syntax)


def change(document: Document, one: Assignment, value: str) -> tuple[Region, str]:
    """Return the region and the text for ``edited`` with which an assignment is read as this value.

    Raises UnwritableError where nothing can be written there.
    """
    text = document.texts.get(one.region.place.path, "")
    return one.region, written(value, one.style, text[one.region.start : one.region.end])
