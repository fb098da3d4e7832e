"""A value in the place of another one, whatever file and syntax that place is of."""

from __future__ import annotations

from smtpdoctor.formats.document import Assignment, Document, Region
from smtpdoctor.formats.dotenv import UnwritableError

__all__ = ["change"]


def change(document: Document, one: Assignment, value: str) -> tuple[Region, str]:
    """Return the region and the text for ``edited`` with which an assignment is read as this value.

    For what the YAML syntaxes read, ``.env`` files that they look into among it. Raises UnwritableError
    where nothing can be written there.
    """
    syntax, _, rest = one.style.partition(" ")
    if syntax == "yaml":
        from smtpdoctor.formats.yaml_scalars import write

        return one.region, write(value, one.style)
    if syntax == "dotenv":
        from smtpdoctor.formats import env

        text = document.texts[one.region.place.path]
        return one.region, env.write(value, rest or env.DEFAULT, text[one.region.start : one.region.end])
    raise UnwritableError(syntax)
