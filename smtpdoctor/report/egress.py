"""What can be reached from here, in words, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from smtpdoctor.egress import Door, Egress, Trial
from smtpdoctor.knowledge import load
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Lang, Security
from smtpdoctor.report.layout import hanging, wrapped
from smtpdoctor.report.terminal import Page
from smtpdoctor.text import say

__all__ = ["Way", "egress_object", "print_egress", "summary", "ways_out"]

_MOST_SAID: Final = 120  # characters of a greeting
_API: Final = "transactional"


class Way(Struct, frozen=True):
    """A way out, and the port that it needs, None where it is no port."""

    text: str
    port: int | None = None


def _preset(egress: Egress, lang: Lang) -> str:
    preset = load.preset_with_id(egress.report.settings.preset)
    return preset.name.in_(lang) if preset is not None and egress.known else egress.host


def _ports(doors: tuple[Door, ...]) -> str:
    return ", ".join(str(one.port) for one in doors)


def summary(egress: Egress, lang: Lang) -> str:
    """Return the line that sums up."""
    values: dict[str, object] = {"host": egress.host, "port": egress.port, "ports": _ports(egress.usable)}
    door = next((one for one in egress.doors if one.port == egress.port), None)
    if egress.report.verdict == "pass":
        return say(lang, "egress.pass", **values)
    if egress.report.verdict == "warn":
        return say(lang, "egress.warn.half" if door is not None and door.is_open else "egress.warn", **values)
    return say(lang, "egress.fail" if egress.usable else "egress.fail.all", **values)


def platform_lines(egress: Egress, lang: Lang) -> Iterator[str]:
    """Yield what is known of the platform, where a port is kept from us; on an open network nothing."""
    platform, shut = egress.platform, egress.shut
    if platform is None or not shut:
        return
    if platform.rule is None:
        yield say(lang, "egress.platform.unknown", platform=platform.name)
        return
    values: dict[str, object] = {"platform": platform.name, "checked": platform.rule.checked}
    yield say(lang, "egress.platform", **values, rule=platform.rule.text.in_(lang))
    blocked = platform.rule.blocked
    other = tuple(one for one in shut if one.port not in blocked)
    if other:
        yield say(lang, "egress.platform.not-it", ports=_ports(other))


def ways_out(egress: Egress, lang: Lang) -> Iterator[Way]:
    """Yield what can be done where the port of the settings, or every port, is shut; else nothing."""
    door = next((one for one in egress.doors if one.port == egress.port), None)
    if door is None or (door.is_open and not door.half):
        return
    host = egress.host
    if door.is_open:
        yield Way(say(lang, "egress.way.ipv4", port=door.port))
        return
    for one in egress.usable:
        yield Way(say(lang, "egress.way.port", port=one.port, security=_mode(one), host=host), one.port)
    if egress.usable:
        return
    # Where nobody knows that the server listens, a refusal may well be its own.
    if egress.known or door.first.state not in {"refused", "turned-away", "no-route"}:
        yield Way(say(lang, "egress.way.ask", port=egress.port, host=host), egress.port)
    preset = load.preset_with_id(egress.report.settings.preset)
    if preset is not None and egress.known and preset.kind == _API:
        yield Way(say(lang, "egress.way.api", preset=preset.name.in_(lang)))


# -- For programs -------------------------------------------------------------


def egress_object(egress: Egress, lang: Lang) -> dict[str, Any]:
    """Return what JSON has under ``egress``."""
    platform = egress.platform
    return {
        "host": egress.host,
        "port": egress.port,
        "seconds": round(egress.seconds, 3),
        "summary": summary(egress, lang),
        "usable": [one.port for one in egress.usable],
        "ports": list(map(_door_object, egress.doors)),
        "platform": None
        if platform is None
        else {
            "id": platform.id,
            "name": platform.name,
            "remarks": list(platform_lines(egress, lang)),
            "checked": platform.rule.checked if platform.rule is not None else None,
            "sources": list(platform.rule.sources) if platform.rule is not None else [],
        },
        "ways_out": [{"text": one.text, "port": one.port} for one in ways_out(egress, lang)],
    }


def _door_object(door: Door) -> dict[str, Any]:
    return {
        "port": door.port,
        "security": door.mode.value,
        "offered": door.offered,
        "state": door.first.state,
        "attempts": [
            {
                "address": one.address,
                "family": one.family,
                "state": one.state,
                "seconds": round(one.seconds, 3),
                "greeting": printable(one.greeting),
                "detail": printable(one.detail),
            }
            for one in door.trials
        ],
    }


# -- For people ---------------------------------------------------------------


def print_egress(console: Console, egress: Egress, lang: Lang) -> None:
    """Print a line a port, what the platform does, and the ways out."""
    page = Page(console)
    widths = (
        max((len(str(one.port)) for one in egress.doors), default=0),
        max((cell_len(_mode(one)) for one in egress.doors), default=0),
        max((cell_len(_state(one.first, lang)) for one in egress.doors), default=0),
    )
    for door in egress.doors:
        page.print(_door_lines(page, egress, door, lang, widths))
    remarks = list(platform_lines(egress, lang))
    if remarks:
        page.print([Text()])
    for text in remarks:
        page.print(wrapped([(page.plain(text), "")], page.width - 1))


def _mode(door: Door) -> str:
    return "TLS" if door.mode is Security.TLS else "STARTTLS"


def _state(trial: Trial, lang: Lang) -> str:
    return say(lang, f"egress.state.{trial.state}")


def _door_lines(
    page: Page, egress: Egress, door: Door, lang: Lang, widths: tuple[int, int, int]
) -> list[Text]:
    kind = "pass" if door.is_open else "fail" if door in egress.shut else "skip"
    style = {"pass": "green", "fail": "bold red", "skip": "dim"}[kind]
    dim = "dim" if kind == "skip" else ""
    mode, state = _mode(door), _state(door.first, lang)
    head = [
        ("  ", ""),
        (page.glyph(kind), style),
        (" ", ""),
        (str(door.port).ljust(widths[0]), dim or "bold"),
        ("  ", ""),
        (mode + " " * (widths[1] - cell_len(mode)), dim),
        ("  ", ""),
        (state + " " * (widths[2] - cell_len(state)), dim or style),
        ("  ", ""),
    ]
    said = "; ".join(filter(None, _said(egress, door, lang)))
    return hanging(head, [(page.plain(said), dim)], page.width - 1, 0, sum(widths) + 10)


def _said(egress: Egress, door: Door, lang: Lang) -> Iterator[str]:
    first = door.first
    if not door.offered and egress.known:
        yield say(lang, "egress.not-offered", preset=_preset(egress, lang))
        return
    if not door.offered and not door.is_open:
        yield say(lang, "egress.not-known")
        return
    detail = printable(first.detail)[:_MOST_SAID]
    key = f"egress.why.{first.state}"
    if first.state == "redirected" and not detail:
        key = f"{key}.unnamed"
    yield say(lang, key, greeting=printable(first.greeting)[:_MOST_SAID], detail=detail)
    for one in door.tried if door.is_open else ():
        if one.state != "open":
            yield say(lang, "egress.half", family=one.family, state=_state(one, lang))
