"""Every application × every provider × every mode that both can express: written, read back, and linted.

``python benchmarks/generate.py [--apps a,b] [--presets a,b] [--show]`` prints how many cells there are, how many
were written, and what the rules say of those. What a provider causes by itself (a placeholder for a password) does
not count. A cell that the application's table can say in none of its kinds of files is none.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smtpdoctor.doctor import lint_only
from smtpdoctor.errors import UsageError
from smtpdoctor.formats import reader_of
from smtpdoctor.formats.document import Document, Scope, Source
from smtpdoctor.generate import compose
from smtpdoctor.generate.application import AppFile, planner_for, settings_of
from smtpdoctor.generate.kinds import FileKind, kinds_of
from smtpdoctor.generate.plan import Plan, Wish, endpoints_for, host_for, values_for
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import Dialect
from smtpdoctor.knowledge.schema import Preset
from smtpdoctor.knowledge.table import write
from smtpdoctor.model import Origin, Secret, Security, Setting, SettingName, Settings, Severity
from smtpdoctor.settings.config import loaded_of
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.resolve import Loaded
from tests.foreign import foreign


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
    if reader is None:
        raise SystemExit(f"nothing reads {kind.syntax}")
    document = reader(Source(path="x", text=text, reader=dialect.rules_of(kind.syntax)))
    return document, document.scopes[0]


def faults(dialect: Dialect, kind: FileKind, plan: Plan, text: str) -> list[str]:
    """Return what is wrong with a text: settings that are read otherwise, and what the rules find."""
    document, scope = document_of(dialect, kind, text)
    reading = read(dialect, scope)
    found = []
    for name, text in settings_of(plan, dialect).items():
        used, key = reading.used.get(name), dialect.keys.get(name)
        if key is not None and key.form != "local-part" and (used is None or used.text != text):
            found.append(f"{name} is {used and used.text!r}")
    if not reading.answers or reading.answers[-1].security is not plan.security:
        found.append(f"mode is {reading.security}")
    report = lint_only(loaded_of(reading, document))
    found += [
        one.id for one in report.findings if one.severity is not Severity.INFO and one.id not in caused(plan)
    ]
    return found


def main() -> None:
    """Write all, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apps", default=",".join(load.dialect_ids()))
    parser.add_argument("--presets", default=",".join(load.presets()))
    parser.add_argument("--show", action="store_true", help="each cell with something to say")
    given = parser.parse_args()
    start = time.process_time()
    counts: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for app in given.apps.split(","):
        dialect = load.dialect(app)
        if dialect is None:
            raise SystemExit(f"no application {app}")
        for name in given.presets.split(","):
            preset = load.preset(name)
            if preset is None:
                raise SystemExit(f"no provider {name}")
            for port, mode in cells(preset):
                wish = Wish(port=port, security=mode)
                endpoint = next(endpoints_for(preset, wish))
                values = values_for(preset, wish, host_for(preset, endpoint, wish), port)
                login = "username" in values
                if write(dialect, mode, port, login=login) is None or (
                    login and "username" not in dialect.keys
                ):
                    continue
                counts["cells"] += 1
                done = False
                for kind in kinds_of(dialect):
                    try:
                        plan, text = written(dialect, kind, preset, wish)
                    except UsageError:
                        continue
                    done = True
                    counts["files"] += 1
                    wrong = faults(dialect, kind, plan, text)
                    counts["good"] += not wrong
                    said.update(f"{app}: {one}" for one in wrong)
                    if wrong and given.show:
                        print(app, kind.name, name, port, mode.value, wrong)
                counts["written"] += done
                if not done and given.show:
                    print(app, "cannot be written:", name, port, mode.value)
    print(
        f"cells {counts['cells']}, written {counts['written']}; files {counts['files']}, good {counts['good']}"
    )
    print(f"{time.process_time() - start:.0f} s of CPU")
    for one, number in said.most_common(40):
        print(f"{number:6} {one}")


if __name__ == "__main__":
    main()
