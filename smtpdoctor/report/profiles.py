"""The reports of several profiles or services: one JSON object, or one after another with a table that sums up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from smtpdoctor.masking.words import printable
from smtpdoctor.model import Lang, Verdict
from smtpdoctor.report import json_v1
from smtpdoctor.report.told import Profile, worst
from smtpdoctor.text import say

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_profiles", "profile_object", "render"]

_WORST: Final[tuple[Verdict, ...]] = ("fail", "inconclusive", "warn", "pass")


def render(profiles: Sequence[Profile], *, transcript: bool = False, services: bool = False) -> str:
    """Return all reports as one JSON object, in the order of the profiles, or of the services of a file."""
    key = "service" if services else "name"
    shown = [profile_object(one, transcript=transcript, key=key) for one in profiles]
    head = {
        "version": json_v1.VERSION,
        "tool": json_v1.tool(),
        "verdict": worst(one.verdict for one in profiles),
    }
    if any(one.view is None and not one.error for one in profiles):
        head["interrupted"] = True
    return json_v1.dump({**head, "reports" if services else "profiles": shown})


def profile_object(profile: Profile, *, transcript: bool, key: str = "name") -> dict[str, Any]:
    """Return what is told of one profile; ``key`` is what its name is called."""
    if profile.view is None:
        said = "\n".join(map(printable, profile.error.split("\n")))
        return {key: profile.name, **({"error": {"message": said}} if said else {"interrupted": True})}
    report: dict[str, Any] = msgspec.json.decode(json_v1.render(profile.view, transcript=transcript))
    return {
        key: profile.name,
        **{name: one for name, one in report.items() if name not in {"version", "tool"}},
    }


def print_profiles(
    console: Console,
    profiles: Sequence[Profile],
    lang: Lang,
    *,
    transcript: bool = False,
    quiet: bool = False,
    verbose: bool = False,
    services: bool = False,
) -> None:
    """Print the reports one after another, and a line for each at the end; quietly only those lines."""
    from rich.cells import cell_len
    from rich.text import Text

    from smtpdoctor.report.layout import hanging
    from smtpdoctor.report.terminal import Page, print_service, print_view

    page = Page(console)
    for number, one in enumerate(profiles):
        if quiet:
            break
        print_service(console, printable(one.name), first=number == 0)
        if one.view is not None:
            print_view(console, one.view, transcript=transcript, verbose=verbose, stages=True)
            continue
        text = _words(one, lang)
        head = [("  ", ""), (page.glyph("fail" if one.error else "skip"), ""), (" ", "")]
        for line in text.split("\n"):
            page.print(hanging(head, [(page.plain(printable(line)), "")], page.width - 1, 0, 4))
            head = [("    ", "")]
    if not quiet:
        page.print([Text()])
    widest = max((cell_len(printable(one.name)) for one in profiles), default=0)
    for one in profiles:
        name = printable(one.name)
        kind = _kind(one)
        head = [
            (page.glyph(kind), _STYLES[kind]),
            (" ", ""),
            (name + " " * (widest - cell_len(name)), "bold"),
            ("  ", ""),
        ]
        page.print(
            hanging(head, [(page.plain(_words(one, lang).split("\n")[0]), "")], page.width - 1, 0, widest + 4)
        )
    counts = {
        verdict: sum(_verdict(one) == verdict for one in profiles) for verdict in (*_WORST, "error", "open")
    }
    told = [say(lang, f"profiles.{name}", count=count) for name, count in counts.items() if count]
    page.print(
        [
            Text(
                say(
                    lang,
                    "services.all" if services else "profiles.all",
                    count=len(profiles),
                    told=", ".join(told),
                ),
                "bold",
            )
        ]
    )


_STYLES: Final = {"pass": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}


def _verdict(profile: Profile) -> str:
    if profile.view is None:
        return "error" if profile.error else "open"
    return profile.view.verdict


def _kind(profile: Profile) -> str:
    return {"pass": "pass", "warn": "warn", "open": "skip"}.get(_verdict(profile), "fail")


def _words(profile: Profile, lang: Lang) -> str:
    if profile.view is None:
        return profile.error or say(lang, "profiles.not-reached")
    shortest = profile.view.last[-1].replace("`", "")
    root = profile.view.problems[0].id if profile.view.problems else ""
    return f"{root}: {shortest}" if root and profile.view.verdict not in {"pass", "warn"} else shortest
