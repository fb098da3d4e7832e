"""What is written for applications, as tests and a benchmark look at it: cells, texts, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator

from smtpdoctor.doctor import lint_only
from smtpdoctor.formats import reader_of
from smtpdoctor.formats.document import Document, Scope, Source
from smtpdoctor.generate import compose
from smtpdoctor.generate.application import AppFile, settings_of
from smtpdoctor.generate.kinds import FileKind
from smtpdoctor.generate.plan import Plan, Wish, endpoints_for, host_for, values_for
from smtpdoctor.generate.planning import planner_for
from smtpdoctor.knowledge.dialects import Dialect
from smtpdoctor.knowledge.schema import Preset
from smtpdoctor.knowledge.table import write
from smtpdoctor.model import Origin, Secret, Security, Setting, SettingName, Settings, Severity
from smtpdoctor.settings.config import loaded_of
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.resolve import Loaded
from tests.foreign import foreign

__all__ = ["cells", "document_of", "faults", "sayable", "written"]


def caused(plan: Plan) -> frozenset[str]:
    """Return what the rules find in the settings themselves, whatever file they stand in: placeholders first."""
    origin = Origin("flag", "--flag")
    values = {one.setting: one.value for one in plan.variables if not one.parts}
    if any(one.parts for one in plan.variables):  # a URL holds the same placeholders
        values |= {
            "username": "your-user-name",
            "password": "your-password",
            "sender": "your-address@your-domain.com",
        }

    def told(name: SettingName) -> Setting[str] | None:
        return Setting(values[name], origin) if name in values else None

    settings = Settings(
        host=Setting(plan.host, origin),
        port=Setting(plan.port, origin),
        security=Setting(plan.security, origin),
        username=told("username"),
        password=Setting(Secret(values["password"]), origin) if "password" in values else None,
        sender=told("sender"),
        preset=plan.preset.id,
    )
    return frozenset(one.id for one in lint_only(Loaded(settings, ())).findings)


def cells(preset: Preset) -> Iterator[tuple[int, Security]]:
    """Yield what a provider offers: ports and modes, STARTTLS as required and as it comes."""
    found = {(one.port, one.security) for one in preset.endpoint if "*" not in (one.host or "")}
    found |= {
        (one.port, Security.OPPORTUNISTIC)
        for one in preset.endpoint
        if one.security is Security.STARTTLS and "*" not in (one.host or "")
    }
    yield from sorted(found)


def written(dialect: Dialect, kind: FileKind, preset: Preset, wish: Wish) -> tuple[Plan, str]:
    """Return what is planned and its text; raises UsageError."""
    planner = planner_for(dialect, kind, preset, wish)
    plan = planner({})
    if kind.name == "compose":
        return plan, compose.render(plan, "en")
    return plan, AppFile(dialect, kind, planner).render(plan, "en")


def document_of(dialect: Dialect, kind: FileKind, text: str) -> tuple[Document, Scope]:
    """Return a text as its reader has it: ours, or one of somebody else's."""
    if not kind.syntax:
        scope = Scope(assignments=foreign(kind.name, dialect.id, text))
        return Document(path="x", syntax=kind.name, texts={"x": text}, scopes=(scope,)), scope
    reader = reader_of(kind.syntax)
    assert reader is not None
    document = reader(Source(path="x", text=text, reader=dialect.rules_of(kind.syntax)))
    return document, document.scopes[0]


def faults(dialect: Dialect, kind: FileKind, plan: Plan, text: str) -> list[str]:
    """Return what is wrong with a text: settings that are read otherwise, and what the rules find."""
    document, scope = document_of(dialect, kind, text)
    reading = read(dialect, scope)
    found = []
    for name, wanted in settings_of(plan, dialect).items():
        used, key = reading.used.get(name), dialect.keys.get(name)
        if key is not None and key.form != "local-part" and (used is None or used.text != wanted):
            found.append(f"{name} is {used and used.text!r}")
    if not reading.answers or reading.answers[-1].security is not plan.security:
        found.append(f"mode is {reading.security}")
    report = lint_only(loaded_of(reading, document))
    told = [one.id for one in report.findings if one.severity is not Severity.INFO]
    if told:
        ours = caused(plan)
        found += [one for one in told if one not in ours]
    return found


def sayable(dialect: Dialect, preset: Preset, port: int, mode: Security) -> bool:
    """Whether an application's table has words for a mode at a provider, and a login where one is needed."""
    wish = Wish(port=port, security=mode)
    endpoint = next(endpoints_for(preset, wish))
    values = values_for(preset, wish, host_for(preset, endpoint, wish), port)
    login = "username" in values
    if any(key.required and name not in values for name, key in dialect.keys.items()):
        return False
    if login and ("username" not in dialect.keys or dialect.behaviour.login == "never"):
        return False
    words = write(dialect, mode, port, login=login)
    if words is None:
        return False
    known = [form.words for form in dialect.form if form.words and not form.off]
    # What a person may choose in a window need not have a word in a file.
    return all(not word or all(word in one for one in known) for word in words.values())
