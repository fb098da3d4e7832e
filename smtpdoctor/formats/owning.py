"""Under which name a value stands in its own file, whatever another file hands it on as. Pure."""

from __future__ import annotations

from smtpdoctor.formats import env, syntax_of, yaml_nodes
from smtpdoctor.formats.document import Source, TooLargeError

__all__ = ["own_name"]


def own_name(path: str, text: str, at: int) -> str:
    """Return the name of the value that stands at a place of a `.env` or a YAML file, "" where there is none."""
    try:
        syntax = syntax_of(path, text)
        if syntax == "dotenv":
            return _in_env(path, text, at)
        if syntax in {"compose", "kubernetes", "yaml"}:
            return _in_yaml(path, text, at)
    except TooLargeError:
        pass
    return ""


def _in_env(path: str, text: str, at: int) -> str:
    for scope in env.read(Source(path=path, text=text)).scopes:
        for one in scope.assignments:
            if one.region.start <= at <= one.region.end:
                return one.name
    return ""


def _in_yaml(path: str, text: str, at: int) -> str:
    file = yaml_nodes.parsed(path, text)
    for node in file.items():
        if isinstance(node, yaml_nodes.Sequence):
            for item in node.items:
                if isinstance(item, yaml_nodes.Scalar) and item.start <= at <= item.end and "=" in item.value:
                    return item.value.partition("=")[0]
        elif isinstance(node, yaml_nodes.Mapping):
            for key, value in node.entries:
                if isinstance(value, yaml_nodes.Scalar) and value.start <= at <= value.end:
                    own = key.value if isinstance(key, yaml_nodes.Scalar) else ""
                    named = file.string(node, "name") or file.string(node, "key")
                    return named if own == "value" and named else own
    return ""
