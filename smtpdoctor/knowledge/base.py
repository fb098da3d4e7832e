"""The base variables as a dialect, so that one engine mends what stands in any file. Pure."""

from __future__ import annotations

from smtpdoctor.knowledge.dialects import Dialect, Flag, Key, Mode
from smtpdoctor.knowledge.schema import App
from smtpdoctor.model import SettingName

__all__ = ["dialect_of_app"]


def dialect_of_app(app: App) -> Dialect:
    """Return the table of the base variables in the form that those of applications have."""
    keys: dict[SettingName, Key] = {
        name: Key(names=names, required=name in app.required) for name, names in app.variables.items()
    }
    flags = {name: Flag(states={"true": app.true, "false": app.false, "absent": ("",)}) for name in app.flags}
    rows = [
        Mode(security=row.mode, when=dict(row.when), decided_by=row.decided_by or "") for row in app.security
    ]
    return Dialect(
        name=app.name,
        proof="source",
        sources=app.sources,
        keys=keys,
        # Where nothing of it stands there, the usual mode of the port holds.
        mode=(*rows, Mode(unclear=True)),
        flags=flags,
        secret_files=("_FILE",),
        prefixes=("SMTP_",),
        id=app.id,
    )
