"""python-dotenv's reading of a file, without the rest of that package.

``import dotenv`` also loads logging, tempfile and shutil, for editing files and setting variables,
which is not done here. It would be a tenth of the time that a whole check takes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from dotenv.parser import Binding
    from dotenv.variables import Atom

__all__ = ["parse_stream", "parse_variables"]


@cache
def _module(name: str) -> ModuleType:
    """Return a module of python-dotenv, from its file where the package is not loaded.

    It stays out of ``sys.modules``: whoever imports it later is to get the whole package.
    """
    package = None if "dotenv" in sys.modules else PathFinder.find_spec("dotenv")
    places = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec(name, places) if places else None
    if spec is None or spec.loader is None:  # also where Python is packed into one file
        return import_module(name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parse_stream(stream: IO[str]) -> Iterator[Binding]:
    """Yield the definitions and the wrong lines of a file."""
    found: Iterator[Binding] = _module("dotenv.parser").parse_stream(stream)
    return found


def parse_variables(text: str) -> Iterator[Atom]:
    """Yield the parts of a value: literal text and ``${NAME}``."""
    found: Iterator[Atom] = _module("dotenv.variables").parse_variables(text)
    return found
