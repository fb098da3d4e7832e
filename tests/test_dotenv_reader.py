"""python-dotenv's parser is used without the rest of its package, and leaves no trace of that."""

from __future__ import annotations

import subprocess
import sys

READS = """
import sys
from io import StringIO
if "whole" in sys.argv:
    import dotenv
from smtpdoctor.settings.dotenv import parse_stream, parse_variables
binding = next(parse_stream(StringIO("A='${B}' # why")))
assert (binding.key, binding.value, binding.error) == ("A", "${B}", False)
assert [part.resolve({"B": "b"}) for part in parse_variables(binding.value)] == ["b"]
assert ("dotenv" in sys.modules) == ("dotenv.parser" in sys.modules) == ("whole" in sys.argv)
from dotenv import dotenv_values
assert dotenv_values(stream=StringIO("A=1")) == {"A": "1"}
"""


def test_the_parser_alone_reads_what_the_package_reads() -> None:
    """Whoever imports python-dotenv later gets all of it."""
    subprocess.run([sys.executable, "-c", READS], check=True)


def test_the_package_is_used_where_it_is_loaded() -> None:
    """Nothing is loaded twice."""
    subprocess.run([sys.executable, "-c", READS, "whole"], check=True)
