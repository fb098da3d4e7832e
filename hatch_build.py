"""Compiles the knowledge index into the wheel, so that an installed smtpdoctor reads no TOML.

An editable install gets none: it compiles from the files that are being edited.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class IndexHook(BuildHookInterface):
    """Adds ``smtpdoctor/_index/*.json`` to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the index from this source tree."""
        # With an older Python this is as far as it gets: pip then says which one is needed.
        if version == "editable" or sys.version_info < (3, 11):
            return
        root = Path(self.root)
        sys.path.insert(0, str(root))
        try:
            from smtpdoctor.knowledge.compile import index_bytes, read
        finally:
            sys.path.remove(str(root))
        folder = Path(tempfile.mkdtemp(prefix="smtpdoctor-index-"))
        for name, content in index_bytes(read(root / "smtpdoctor", root / "presets")).items():
            (folder / name).write_bytes(content)
            build_data["force_include"][str(folder / name)] = f"smtpdoctor/_index/{name}"
        self._folder = folder

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was compiled aside."""
        folder = getattr(self, "_folder", None)
        if folder is not None:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
