"""One page that holds everything: no outside resource, no script, both languages, light and dark, and on paper.

The policy in its head (CSP) allows the one style sheet by its hash and nothing else, so that even a mistake
in here could load or run nothing. What others said is text wherever it stands; ``_tag`` escapes all that is
not markup already.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from smtpdoctor.masking.words import printable
from smtpdoctor.model import Lang, Stage, Status
from smtpdoctor.report.style import STYLE
from smtpdoctor.report.told import level, mark, pieces, plain
from smtpdoctor.text import say

if TYPE_CHECKING:
    from smtpdoctor.report.told import Part, Profile, Told
    from smtpdoctor.report.view import Excerpt, Problem, Row, StageLine, View

__all__ = ["tell"]

_SIGNS: Final = {"pass": "✔", "warn": "!", "fail": "✖", "inconclusive": "?", "skip": "–", "suspected": "?"}
_TURNS: Final = {("out", False): "→", ("in", False): "←", ("out", True): "⇒", ("in", True): "⇐"}
_TLS: Final = (
    "version",
    "cipher",
    "trust",
    "name",
    "dates",
    "subject",
    "names",
    "issuer",
    "starts",
    "expires",
    "chain",
)
_LANGUAGES: Final[dict[Lang, str]] = {"en": "English", "ko": "한국어"}
_WIDTH: Final = 1000  # units of a bar's drawing
_THINNEST: Final = 4
_LONGEST: Final = 4_000  # characters of the other side's words


class _Markup(str):
    """What is markup already."""

    __slots__ = ()


def _text(content: object) -> str:
    if isinstance(content, _Markup):
        return content
    return escape(printable(str(content)))


def _tag(name: str, /, *content: object, **attributes: object) -> _Markup:
    """Return an element; ``class_`` and ``for_`` are named as Python allows, None is left out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(printable(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(map(_text, content))
    return _Markup(f"<{name}{told}>{inner}</{name}>")


def _void(name: str, /, **attributes: object) -> _Markup:
    return _Markup(_tag(name, **attributes).removesuffix(f"</{name}>"))


def _words(text: str) -> _Markup:
    """Return a text of ours, what stands in backticks as code."""
    return _Markup("".join(_tag("code", part) if is_code else _text(part) for part, is_code in pieces(text)))


def tell(told: Told) -> str:
    """Return the page."""
    langs = _langs(told)
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = (
        _void("meta", charset="utf-8"),
        _void("meta", http_equiv="Content-Security-Policy", content=policy),
        _void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _void("meta", name="color-scheme", content="light dark"),
        _void("meta", name="referrer", content="no-referrer"),
        _void("meta", name="generator", content=mark()),
        _tag("title", _title(told)),
        _Markup(f"<style>{STYLE}</style>"),
    )
    body = (
        _tag("header", *_header(told, langs), class_="top"),
        _tag("main", *(_language(told, lang, langs) for lang in langs), id="report"),
    )
    page = _tag(
        "html", _tag("head", *head), _Markup("\n"), _tag("body", *body), _Markup("\n"), lang=told.lang
    )
    return f"<!DOCTYPE html>\n<!-- {mark()} -->\n{page}\n"


def _langs(told: Told) -> tuple[Lang, ...]:
    there = {view.lang for part in told.parts for view in part.views}
    there |= set(_LANGUAGES) if any(one.twin_error for one in told.unrun) else set()
    return tuple(lang for lang in _LANGUAGES if lang in there) or (told.lang,)


def _in(lang: Lang, part: Part) -> View:
    return next((view for view in part.views if view.lang == lang), part.view)


def _title(told: Told) -> str:
    return f"smtpdoctor: {say(told.lang, f'report.verdict.{told.verdict}')}"


def _header(told: Told, langs: Sequence[Lang]) -> Iterator[_Markup]:
    name = _tag("span", "smtpdoctor", class_="brand")
    yield _tag(
        "p", name, " ", _tag("span", mark().removeprefix("smtpdoctor "), class_="quiet"), class_="tool"
    )
    if len(langs) > 1:
        # Radio buttons need no script; the style sheet shows the language that is chosen.
        choices: list[object] = [_tag("legend", "Language · 언어", class_="unseen")]
        for lang in langs:
            checked = "" if lang == told.lang else None
            choices += [
                _void("input", type="radio", name="language", id=f"lang-{lang}", checked=checked),
                _tag("label", _LANGUAGES[lang], for_=f"lang-{lang}", lang=lang),
            ]
        yield _tag("fieldset", *choices, class_="switch")


def _language(told: Told, lang: Lang, langs: Sequence[Lang]) -> _Markup:
    content: list[object] = []
    several = len(told.parts) > 1 or bool(told.unrun)
    if several:
        verdict = say(lang, f"report.verdict.{told.verdict}")
        content.append(_tag("h1", verdict, class_=f"overall {told.verdict}"))
        content.append(_overview(told, lang))
    for number, part in enumerate(told.parts):
        content.append(_Page(told, part, _in(lang, part), f"{lang}-{number}", several=several).whole())
    content += [
        _unrun(told, one, lang, f"{lang}-{len(told.parts) + number}") for number, one in enumerate(told.unrun)
    ]
    chosen = "only" if len(langs) == 1 else f"in-{lang}"
    return _tag("div", *content, class_=f"language {chosen}", lang=lang)


def _overview(told: Told, lang: Lang) -> _Markup:
    items = []
    for number, part in enumerate(told.parts):
        view = _in(lang, part)
        link = _tag("a", part.name, href=f"#{lang}-{number}")
        items.append(_tag("li", _sign(view.verdict), " ", link, " ", _words(view.last[0])))
    for number, one in enumerate(told.unrun, len(told.parts)):
        link = _tag("a", one.name, href=f"#{lang}-{number}")
        items.append(_tag("li", _sign(one.verdict), " ", link, " ", one.said(lang, told.lang).split("\n")[0]))
    return _tag("ul", *items, class_="overview")


def _unrun(told: Told, profile: Profile, lang: Lang, key: str) -> _Markup:
    """Return what is told of a profile without a report."""
    head = say(lang, "profiles.not-run") if profile.error else say(lang, "profiles.not-reached")
    name = _tag("span", profile.name, class_="name")
    title = _Markup("".join(map(_text, (name, " ", _sign(profile.verdict), " ", head))))
    lines = (_tag("p", one) for one in (profile.said(lang, told.lang).split("\n") if profile.error else ()))
    section = _tag(
        "section",
        _tag("h2", title, id=f"{key}-verdict"),
        *lines,
        class_=f"verdict {profile.verdict}",
        aria_labelledby=f"{key}-verdict",
        data_verdict=profile.verdict,
    )
    return _tag("article", section, id=key, aria_labelledby=f"{key}-verdict")


def _sign(kind: str) -> _Markup:
    return _tag("span", _SIGNS[kind], class_=f"sign {kind}", aria_hidden="true")


class _Page:
    """The report about one application, in one language; ``key`` makes its ids unique."""

    def __init__(self, told: Told, part: Part, view: View, key: str, *, several: bool) -> None:
        self._told, self._part, self._view, self._key = told, part, view, key
        self._lang = view.lang
        self._depth = 2 if several else 1

    def whole(self) -> _Markup:
        """Return all of it."""
        sections = [
            self._verdict(),
            *self._problems(),
            *self._stages(),
            *self._tls(),
            *self._capabilities(),
            *self._settings(),
            *self._transcript(),
        ]
        return _tag("article", *sections, id=self._key, aria_labelledby=f"{self._key}-verdict")

    def _say(self, key: str, **values: object) -> str:
        return say(self._lang, key, **values)

    def _heading(self, text: object, below: int = 0, **more: object) -> _Markup:
        return _tag(f"h{self._depth + below}", text, **more)

    def _section(self, name: str, *content: object) -> _Markup:
        key = f"{self._key}-{name}"
        title = self._heading(self._say(f"report.section.{name}"), 1, id=key)
        return _tag("section", title, *content, class_=f"card {name}", aria_labelledby=key)

    def _verdict(self) -> _Markup:
        view = self._view
        said = self._say(f"report.verdict.{view.verdict}")
        name = [_tag("span", self._part.name, class_="name"), " "] if self._part.name else []
        about = " · ".join(
            filter(
                None,
                (
                    view.heading.provider,
                    ", ".join(view.heading.places),
                    f"{view.seconds:.1f} s" if view.seconds else "",
                    self._told.when.replace("T", " ").replace("+00:00", " UTC"),
                ),
            )
        )
        return _tag(
            "section",
            self._heading(
                _Markup("".join(map(_text, (*name, _sign(view.verdict), " ", said)))),
                id=f"{self._key}-verdict",
            ),
            _tag("p", _words(view.last[0]), class_="last"),
            _tag("p", about, class_="quiet"),
            class_=f"verdict {view.verdict}",
            aria_labelledby=f"{self._key}-verdict",
            data_verdict=view.verdict,
        )

    # findings

    def _problems(self) -> Iterator[_Markup]:
        if self._view.problems:
            yield self._section("findings", *map(self._problem, self._view.problems))
        if self._view.settled:
            yield _tag("ul", *(_tag("li", one.text) for one in self._view.settled), class_="settled quiet")
        if self._view.remarks:
            yield _tag("ul", *(_tag("li", one) for one in self._view.remarks), class_="remarks quiet")

    def _problem(self, problem: Problem) -> _Markup:
        kind = level(problem).value
        title = (_tag("span", problem.kind, class_="kind"), " ", _words(problem.title))
        content: list[object] = [
            self._heading(_Markup("".join(map(_text, title))), 2),
            _tag("p", _tag("code", problem.id), " · ", " · ".join(problem.about[1:]), class_="quiet"),
        ]
        if problem.where:
            value = [" ", _tag("code", problem.value)] if problem.value else []
            content.append(self._labelled("report.where", _tag("strong", problem.where), *value))
        if problem.quote is not None:
            key = "report.evidence" if problem.quote.code is None else "report.server"
            words = problem.quote.words
            shown = words if len(words) <= _LONGEST else f"{words[:_LONGEST]} …"
            content.append(self._labelled(key))
            content.append(_tag("blockquote", _tag("bdi", shown)))
        retry = f" {self._say('report.retry')}" if problem.retryable else ""
        content.append(self._labelled("report.cause", _words(problem.meaning), retry))
        if problem.steps:
            content.append(self._labelled("report.fix"))
            content.append(_tag("ol", *self._steps(problem)))
        if problem.sure:
            content.append(self._labelled("report.sure", _words(problem.sure)))
        if problem.candidates:
            names: list[object] = []
            for one in problem.candidates:
                names += [", "] if names else []
                names += [_words(one.title), " (", _tag("code", one.id), ")"]
            content.append(self._labelled("report.maybe", *names))
        if problem.links:
            items = (_tag("li", _link(link.url, link.label)) for link in problem.links)
            content += [self._labelled("report.links"), _tag("ul", *items)]
        return _tag("article", *content, class_=f"finding {kind}", data_id=problem.id)

    def _labelled(self, key: str, *content: object) -> _Markup:
        blank = [" "] if content else []
        return _tag("p", _tag("b", f"{self._say(key)}:"), *blank, *content)

    def _steps(self, problem: Problem) -> Iterator[_Markup]:
        for number, step in enumerate((*problem.steps, *problem.rest)):
            excerpts = map(_excerpt, problem.excerpts) if number == 0 else ()
            yield _tag("li", _words(step), *excerpts)

    # what was seen

    def _stages(self) -> Iterator[_Markup]:
        stages = self._view.stages
        if not stages:
            return
        whole = sum(one.seconds for one in stages)
        timed = whole > 0
        heads = ["stage", "result", *(["time", "course"] if timed else [])]
        head = _tag("tr", *(_tag("th", self._say(f"report.table.{name}"), scope="col") for name in heads))
        rows, before = [], 0.0
        for one in stages:
            rows.append(self._stage(one, before, whole))
            before += one.seconds
        yield self._section(
            "stages", _tag("table", _tag("thead", head), _tag("tbody", *rows), class_="waterfall")
        )

    def _stage(self, line: StageLine, before: float, whole: float) -> _Markup:
        state = _tag("span", self._say(f"report.status.{line.kind}"), class_="unseen")
        cells: list[object] = [
            _tag("th", _sign(line.kind), state, " ", line.title, scope="row"),
            _tag("td", _words(line.summary), class_="summary"),
        ]
        if whole > 0:
            time = "" if line.status is Status.SKIP else f"{line.seconds * 1000:.0f} ms"
            cells += [
                _tag("td", time, class_="number"),
                _tag("td", _bar(line, before, whole), class_="course"),
            ]
        return _tag("tr", *cells, class_=line.kind)

    def _facts(self, stage: Stage) -> dict[str, Any]:
        return next((one.facts for one in self._view.stages if one.stage is stage), {})

    def _tls(self) -> Iterator[_Markup]:
        facts = self._facts(Stage.TLS)
        rows = []
        for name in _TLS:
            value = facts.get(name)
            if value in (None, "", [], ()):
                continue
            if name in {"trust", "name", "dates"}:
                shown: object = _Markup(
                    f"{_sign('pass' if value == 'ok' else 'warn' if value == 'expiring' else 'fail')} "
                    f"{_text(self._say(f'report.judged.{value}'))}"
                )
            else:
                shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            if name == "expires" and facts.get("days") is not None:
                shown = f"{shown} ({self._say('report.days', count=facts['days'])})"
            rows += [_tag("dt", self._say(f"report.tls.{name}")), _tag("dd", shown)]
        if rows:
            yield self._section("tls", _tag("dl", *rows))

    def _capabilities(self) -> Iterator[_Markup]:
        before = self._facts(Stage.GREETING).get("capabilities") or ()
        inside = self._facts(Stage.TLS).get("capabilities") or ()
        implicit = any(row.name == "security" and row.value == "tls" for row in self._view.settings)
        if implicit and not inside:
            before, inside = (), before
        if not before and not inside:
            return
        blocks = []
        for name, told, other in (("before", before, inside), ("inside", inside, before)):
            if told:
                items = (
                    _tag("li", _tag("code", one), class_="alone" if other and one not in other else None)
                    for one in told
                )
                title = self._heading(self._say(f"report.capabilities.{name}"), 2)
                blocks.append(_tag("div", title, _tag("ul", *items)))
        note = (
            [_tag("p", self._say("report.capabilities.alone"), class_="quiet")] if before and inside else []
        )
        yield self._section("capabilities", _tag("div", *blocks, class_="columns"), *note)

    def _settings(self) -> Iterator[_Markup]:
        rows = [self._row(row) for row in self._view.settings]
        if rows:
            heads = (self._say(f"report.table.{name}") for name in ("setting", "value", "source"))
            head = _tag("tr", *(_tag("th", one, scope="col") for one in heads))
            yield self._section("settings", _tag("table", _tag("thead", head), _tag("tbody", *rows)))

    def _row(self, row: Row) -> _Markup:
        shown = (
            _tag("code", _tag("bdi", row.shown))
            if row.value is not None
            else _tag("span", row.shown, class_="quiet")
        )
        source: list[object] = [row.source]
        source += [_tag("div", one.words, class_="odd") for one in row.overrides]
        if row.remark:
            source.append(_tag("div", row.remark, class_="odd"))
        return _tag(
            "tr", _tag("th", row.label, scope="row"), _tag("td", shown), _tag("td", *source, class_="quiet")
        )

    def _transcript(self) -> Iterator[_Markup]:
        turns = self._view.transcript if self._told.transcript else ()
        if not turns:
            return
        items = []
        for one in turns:
            sign = _TURNS.get((one.direction, one.encrypted), "=")
            who = self._say(f"report.turn.{one.direction}{'-tls' if one.encrypted else ''}")
            items.append(
                _tag(
                    "li",
                    _tag("span", f"{one.seconds:.3f}", class_="time"),
                    _tag("span", sign, class_="sign", aria_hidden="true"),
                    _tag("span", f"{who}: ", class_="unseen"),
                    _tag("bdi", one.text),
                    class_=f"{one.direction}{' tls' if one.encrypted else ''}",
                )
            )
        yield self._section("transcript", _tag("ol", *items))


def _bar(line: StageLine, before: float, whole: float) -> _Markup:
    """Return a bar that begins where the stages before have ended."""
    if line.status is Status.SKIP:
        return _Markup("")
    width = max(round(line.seconds / whole * _WIDTH), _THINNEST)
    start = min(round(before / whole * _WIDTH), _WIDTH - width)
    return _tag(
        "svg",
        _tag("rect", x=start, y=0, width=width, height=10, rx=2, class_=line.kind),
        viewBox=f"0 0 {_WIDTH} 10",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def _excerpt(excerpt: Excerpt) -> _Markup:
    lines = [_tag("del" if one.sign == "-" else "ins", f"{one.sign} {one.text}") for one in excerpt.lines]
    return _tag("figure", _tag("figcaption", _tag("code", excerpt.place)), _tag("pre", *lines))


def _link(url: str, label: str) -> _Markup:
    """Return a link; what is no page of the web is text."""
    address = plain(url)
    if not address.startswith(("https://", "http://")):
        return _Markup(_text(f"{label} {address}".strip()))
    told: Iterable[object] = (label, " ", _tag("span", address, class_="quiet")) if label else (address,)
    return _tag("a", *told, href=address, rel="noreferrer")
