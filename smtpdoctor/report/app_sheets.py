"""Sheets about applications: the list, and one with its variables, the table of its flags and its traps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from smtpdoctor.knowledge.dialects import Dialect, Flag, Key, Mode
from smtpdoctor.knowledge.table import told_names, usual_port, write
from smtpdoctor.model import Lang, Security
from smtpdoctor.report.layout import code, hanging, wrapped
from smtpdoctor.report.terminal import Page
from smtpdoctor.text import say

__all__ = ["app_object", "print_app", "print_apps"]

_PROOF = {"wire": "green", "source": "green", "unproven": "yellow"}


def print_apps(console: Console, apps: Sequence[Dialect], lang: Lang) -> None:
    """Print the applications: id, name, and the names by which it knows host and password."""
    page = Page(console)
    first = max((len(one.id) for one in apps), default=0) + 2
    second = max((cell_len(one.name.in_(lang)) for one in apps), default=0) + 2
    for one in apps:
        names = [_first(one, one.keys.get(name)) for name in ("host", "password")]
        head = [(one.id.ljust(first), "bold cyan"), (_padded(one.name.in_(lang), second), "")]
        said = [(", ".join(filter(None, names)), "dim")]
        if one.proof == "unproven":
            said.insert(0, (f"{say(lang, 'apps.unproven')} ", "yellow"))
        page.print(hanging(head, said, page.width, 0, first + second))
    console.print()
    page.print(Text(line, "dim") for line in say(lang, "apps.hint").splitlines())


def print_app(console: Console, app: Dialect, lang: Lang) -> None:
    """Print all about one application."""
    page = Page(console)
    page.print(_sheet(page, app, lang))


def _sheet(page: Page, app: Dialect, lang: Lang) -> Iterator[Text]:
    yield Text.assemble((app.name.in_(lang), "bold cyan"), ("  " + app.id, "bold"))
    if app.aliases:
        yield from wrapped([(", ".join(app.aliases), "dim")], page.width)
    yield Text(say(lang, f"apps.proof.{app.proof}"), _PROOF[app.proof])
    yield from _title(lang, "apps.variables")
    width = max(cell_len(say(lang, f"setting.{name}")) for name in app.keys) + 2
    for name, key in app.keys.items():
        head = [(_padded(say(lang, f"setting.{name}"), width), "dim")]
        yield from hanging(head, _key_parts(app, key, lang), page.width, 2, width)
    for one in app.switch:
        names = _spoken(told_names(app, one.names))
        yield from hanging([("", "")], code(_switch(names, one.on, one.default, lang)), page.width, 2, 0)
    yield from _flags(page, app, lang)
    yield from _table(page, app, lang)
    yield from _written(page, app, lang)
    yield from _besides(page, app, lang)
    yield from _notes(page, app, lang)
    yield Text()
    for text in app.sources:
        yield from wrapped([(text, "dim")], page.width)


def _spoken(names: Iterable[str]) -> tuple[str, ...]:
    """Return names as people are told them: of a value with several parts, which one where it is not plain."""
    told = []
    for name in names:
        plain, _, part = name.partition("@")
        option = part.removeprefix("query.")
        told.append(
            f"{plain} (?{option})"
            if option != part
            else f"{plain} (scheme://)"
            if part == "scheme"
            else plain
        )
    return tuple(dict.fromkeys(told))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _first(app: Dialect, key: Key | None) -> str:
    names = told_names(app, key.names) if key is not None else ()
    return names[0].partition("@")[0] if names else ""


def _title(lang: Lang, key: str) -> list[Text]:
    return [Text(), Text(say(lang, key), "bold")]


def _key_parts(app: Dialect, key: Key, lang: Lang) -> list[tuple[str, str]]:
    parts = [(", ".join(_spoken(told_names(app, key.names))), "")]
    if key.required:
        parts.append((f"  {say(lang, 'apps.required')}", "yellow"))
    elif isinstance(key.default, dict):
        ports = ", ".join(f"{port} ({mode.value})" for mode, port in key.default.items())
        parts.append((f"  {say(lang, 'apps.default', value=ports)}", "dim"))
    elif key.default is not None:
        parts.append((f"  {say(lang, 'apps.default', value=key.default)}", "dim"))
    return parts


def _switch(names: Iterable[str], on: Iterable[str], default: str, lang: Lang) -> str:
    return say(lang, "apps.switch", name=", ".join(names), on=", ".join(on), default=default or '""')


def _words(flag: Flag) -> Iterator[str]:
    for state, words in flag.states.items():
        told = ", ".join(_word(one) for one in words)
        yield f"{told} → {state}" if (state,) != words else told


def _word(word: str) -> str:
    return {"": '""', "*": "…", "=absent": "-", "=string": '"…"', "=*": "*"}.get(word, word)


def _flags(page: Page, app: Dialect, lang: Lang) -> Iterator[Text]:
    if app.flags:
        yield from _title(lang, "apps.flags")
    for name, flag in app.flags.items():
        head = [(", ".join(_spoken(told_names(app, flag.names or (name,)))) or name, "bold"), ("  ", "")]
        said = page.plain("; ").join(_words(flag))
        if flag.default is not None:
            said += f"  ({say(lang, 'apps.default', value=_word(flag.default))})"
        yield from hanging(head, [(said, "")], page.width, 2, 4)


def _table(page: Page, app: Dialect, lang: Lang) -> Iterator[Text]:
    yield from _title(lang, "apps.table")
    for row in app.mode:
        yield from hanging([("- ", "")], code(_row(row, lang)), page.width, 2, 2)


def _row(row: Mode, lang: Lang) -> str:
    when = say(lang, "advice.and").join(
        f"{name} = {'/'.join(map(str, (wanted,) if isinstance(wanted, str) else wanted))}"
        for name, wanted in row.when.items()
    )
    if row.security is not None:
        what = say(lang, f"security.{row.security.value}")
    elif row.unclear:
        what = say(lang, "apps.unclear")
    else:
        what = say(lang, f"apps.refuses.{row.refuses}")
    if row.falls_back:
        what += f" ({say(lang, 'apps.falls-back')})"
    versions = " ".join(
        part
        for part in (f">= {row.since}" if row.since else "", f"< {row.until}" if row.until else "")
        if part
    )
    said = f"{when or say(lang, 'apps.otherwise')}: {what}"
    return f"{said} ({versions})" if versions else said


def _written(page: Page, app: Dialect, lang: Lang) -> Iterator[Text]:
    yield from _title(lang, "apps.write")
    for mode in Security:
        words = write(app, mode, usual_port(mode))
        told = say(lang, "apps.cannot") if words is None else _assigned(words) or say(lang, "apps.nothing")
        head = [(f"{say(lang, f'security.{mode.value}')}: ", "dim")]
        yield from hanging(head, [(told, "" if words is not None else "yellow")], page.width, 2, 2)


def _assigned(words: dict[str, str]) -> str:
    return ", ".join(
        name + word if word == "()" else f"{name}={word}" for name, word in words.items() if word
    )


def _besides(page: Page, app: Dialect, lang: Lang) -> Iterator[Text]:
    """Yield how it logs in, and what it does besides: name, time-out, certificate."""
    how = app.behaviour
    texts = [say(lang, f"apps.login.{how.login}")]
    if how.login != "never" and how.mechanisms:
        key = (
            "apps.mechanisms-all"
            if how.tries_all
            else "apps.mechanisms-listed"
            if how.as_listed
            else "apps.mechanisms"
        )
        texts.append(say(lang, key, names=", ".join(how.mechanisms)))
    if how.login != "never" and how.mechanism_names:
        names = ", ".join(told_names(app, how.mechanism_names))
        texts.append(say(lang, "apps.mechanism-names", names=names))
    if how.login != "never" and not how.clear_login:
        texts.append(say(lang, "apps.no-clear-login"))
    if how.ehlo is not None:
        texts.append(say(lang, "apps.ehlo", name=how.ehlo.in_(lang)))
    if how.timeout is not None:
        texts.append(say(lang, "apps.timeout", seconds=f"{how.timeout:g}"))
    yield from _title(lang, "apps.besides")
    for text in texts:
        yield from hanging([("- ", "")], code(text), page.width, 2, 2)


def _notes(page: Page, app: Dialect, lang: Lang) -> Iterator[Text]:
    texts = [one.text.in_(lang) for one in app.trap]
    for idle in app.idle:
        if idle.text is None and (idle.when or idle.since or idle.until):
            continue  # the table says under which conditions
        names = ", ".join(_spoken(told_names(app, idle.names)))
        texts.append(idle.text.in_(lang) if idle.text else say(lang, "apps.idle", names=names))
    texts += [
        over.text.in_(lang)
        if over.text
        else say(lang, "apps.overriding", names=", ".join(_whole(over.names)))
        for over in app.overriding
    ]
    if not app.check.default:
        texts.append(say(lang, "apps.unchecked"))
    elif not app.check.name:
        texts.append(say(lang, "apps.unnamed"))
    texts += [row.text.in_(lang) for row in app.mode if row.text is not None]
    if texts:
        yield from _title(lang, "apps.traps")
    for text in texts:
        yield from hanging([("- ", "")], code(text), page.width, 2, 2)


def _whole(names: Iterable[str]) -> Iterator[str]:
    yield from dict.fromkeys(name.partition("@")[0].lstrip("*").lstrip(".") for name in names)


def app_object(app: Dialect, lang: Lang) -> dict[str, Any]:
    """Return an application as JSON, its texts in one language."""
    return {
        "id": app.id,
        "name": app.name.in_(lang),
        "aliases": list(app.aliases),
        "proof": app.proof,
        "syntaxes": list(app.syntaxes),
        "variables": {
            name: {
                "names": list(key.names),
                "default": key.default,
                "required": key.required,
            }
            for name, key in app.keys.items()
        },
        "flags": {
            name: {
                "names": list(flag.names or (name,)),
                "states": {state: list(words) for state, words in flag.states.items()},
                "default": flag.default,
            }
            for name, flag in app.flags.items()
        },
        "modes": [
            {
                "security": row.security,
                "when": row.when,
                "refuses": row.refuses or None,
                "unclear": row.unclear,
                "falls_back": row.falls_back,
                "since": row.since or None,
                "until": row.until or None,
            }
            for row in app.mode
        ],
        "write": {mode.value: write(app, mode, usual_port(mode)) for mode in Security},
        "login": app.behaviour.login,
        "mechanisms": list(app.behaviour.mechanisms),
        "timeout": app.behaviour.timeout,
        "checks_certificate": app.check.default,
        "checks_name": app.check.default and app.check.name,
        "traps": [one.text.in_(lang) for one in app.trap],
        "sources": list(app.sources),
    }
