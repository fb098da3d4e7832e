"""What the commands beside ``check`` and ``explain`` print as JSON: stable shapes, apart from the files' own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from smtpdoctor.model import Lang
from smtpdoctor.report.json_v1 import VERSION, tool

if TYPE_CHECKING:
    from smtpdoctor.generate import Merged
    from smtpdoctor.knowledge.schema import Endpoint, Preset, Refused, Reply

__all__ = ["converted_object", "generated_object", "preset_object"]


def preset_object(preset: Preset, lang: Lang) -> dict[str, Any]:
    """Return all facts about a preset, its texts in one language."""
    from smtpdoctor.knowledge import load

    def words(part: Any) -> str:
        text: str = part.ko if lang == "ko" else part.en
        return text

    def refused(kinds: tuple[Refused, ...]) -> list[dict[str, Any]]:
        return [{"pattern": one.pattern, "unequal": one.unequal, "text": words(one)} for one in kinds]

    def endpoint(one: Endpoint) -> dict[str, Any]:
        return {
            "port": one.port,
            "security": one.security,
            "host": one.host or preset.host,
            "note": words(one.note) if one.note else None,
        }

    def reply(one: Reply) -> dict[str, Any]:
        return {
            "code": one.code,
            "enhanced": one.enhanced,
            "text": one.text,
            "stage": one.stage,
            "side": one.side,
            "diagnosis": one.diagnosis,
            "cause": words(one.cause),
            "cure": words(one.cure),
            "source": one.source,
        }

    return {
        "id": preset.id,
        "name": words(preset.name),
        "kind": preset.kind,
        "aliases": list(preset.aliases),
        "host": preset.host,
        "hosts": list(preset.hosts),
        "misspelt": list(preset.misspelt),
        "no_login": list(preset.no_login),
        "mail_domains": list(preset.mail_domains),
        "domain_hosts": dict(preset.domain_hosts),
        "shared_hosts": list(preset.shared_hosts),
        "ports_complete": preset.ports_complete,
        "endpoints": [endpoint(one) for one in preset.endpoint],
        "username": {
            "form": preset.username.form,
            "value": preset.username.value,
            "also": list(preset.username.also),
            "pattern": preset.username.pattern,
            "refused": refused(preset.username.refused),
            "text": words(preset.username),
        },
        "password": {
            "kind": preset.password.kind,
            "pattern": preset.password.pattern,
            "shape": words(preset.password.shape) if preset.password.shape else None,
            "example": preset.password.example,
            "refused": refused(preset.password.refused),
            "text": words(preset.password),
        },
        "sender": {"rule": preset.sender.rule, "text": words(preset.sender)},
        "auth_mechanisms": list(preset.auth_mechanisms),
        "min_tls": preset.min_tls,
        "reply_marker": preset.reply_marker,
        "size_limit": preset.size_limit,
        "spf_include": list(preset.spf_include),
        "links": [{"what": one.what, "text": words(one), "url": one.url} for one in preset.link],
        "limits": [words(one) for one in preset.limit],
        "notes": [words(one) for one in preset.note],
        "replies": [reply(one) for one in load.replies(preset.id)],
        "checked": preset.checked,
        "sources": list(preset.sources),
    }


def _secrets(result: Merged) -> list[dict[str, str]]:
    """Return the names whose values have to stand in a Secret of Kubernetes, each with the Secret's."""
    return [{"name": name, "secret": secret} for name, secret in result.secrets]


def generated_object(preset: str, app: str, file: str | None, result: Merged) -> dict[str, Any]:
    """Return what was written into a file; without one, the text that was made."""
    return {
        "version": VERSION,
        "tool": tool(),
        "file": file,
        "preset": preset,
        "app": app,
        "written": list(result.written) if file else [],
        "unchanged": list(result.unchanged) if file else [],
        "to_fill_in": list(result.to_fill_in),
        "secrets": _secrets(result),
        "reset": list(result.left.reset),
        "doubtful": list(result.left.doubtful),
        **({} if file else {"text": result.text}),
    }


def converted_object(
    source: str, target: str, file: str | None, result: Merged, losses: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Return what was written in another application's words, and what got lost."""
    return {
        "version": VERSION,
        "tool": tool(),
        "file": file,
        "from": source,
        "to": target,
        "written": list(result.written) if file else [],
        "unchanged": list(result.unchanged) if file else [],
        "to_fill_in": list(result.to_fill_in),
        "losses": [{"name": name, "text": text} for name, text in losses],
        **({} if file else {"text": result.text}),
    }
