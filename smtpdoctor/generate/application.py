"""Files of applications: a dialect, a kind of file and a provider → text, alone or merged into another. Pure.

What is written is read back before it is handed out, by the reader of its syntax and the dialect of its
application: a text that would be read otherwise than it was meant is none.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from smtpdoctor.errors import UsageError
from smtpdoctor.formats import reader_of
from smtpdoctor.formats.document import (
    Assignment,
    Document,
    Kind,
    Place,
    Region,
    Scope,
    Source,
    TooLargeError,
    edited,
    line_end_of,
)
from smtpdoctor.formats.dotenv import UnwritableError
from smtpdoctor.generate import compose
from smtpdoctor.generate.comments import about, heading, renewed
from smtpdoctor.generate.insertion import inserted
from smtpdoctor.generate.kinds import FileKind, Line, commented, filled, in_language, kinds_of, laid_out
from smtpdoctor.generate.literals import literals
from smtpdoctor.generate.plan import (
    Merged,
    Plan,
    Standing,
    Variable,
    decide,
    host_in,
    unwritable,
)
from smtpdoctor.generate.planning import Planner
from smtpdoctor.generate.refusals import culprit, refused, syntax_called
from smtpdoctor.generate.spelling import (
    form_of,
    names_of_key,
    says,
    shaped,
    word_of,
)
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import Dialect
from smtpdoctor.knowledge.table import state_from, state_of
from smtpdoctor.model import Lang, Message, Security, SettingName
from smtpdoctor.settings.dialect import read
from smtpdoctor.settings.identify import image_fits
from smtpdoctor.settings.reading import Reading
from smtpdoctor.settings.smtp_url import SmtpUrlError, parts_of
from smtpdoctor.settings.values import Values
from smtpdoctor.smtp.command import MailboxError, mailbox

__all__ = [
    "AppFile",
    "ComposeFile",
    "likely",
    "reading_of",
    "settings_of",
    "unusual",
]


def reading_of(dialect: Dialect, plan: Plan) -> Reading:
    """Return what the application makes of what is planned, as far as names alone tell it."""
    assignments = tuple(
        Assignment(name=one.name, value=one.value, region=Region(Place("", 0, 0), 0, 0), kind=one.kind)
        for one in plan.variables
    )
    return read(dialect, Scope(assignments=assignments))


class AppFile:
    """A kind of file of an application, as a ``Format``."""

    def __init__(self, dialect: Dialect, kind: FileKind, planner: Planner) -> None:
        self.dialect = dialect
        self.kind = kind
        self.form = form_of(dialect, kind.name)
        self.planner = planner
        self.rules = dialect.rules_of(kind.syntax)

    @property
    def NAME(self) -> str:  # noqa: N802 -- as a module has it
        """The name that ``--for`` takes."""
        return self.kind.name

    def owns(self, filename: str) -> bool:
        """Whether a file of that name is of this kind."""
        return self.kind.owns(filename)

    def check_command(self, file: str | None) -> str | None:
        """Return the command that tries such a file, None where nothing of ours reads it."""
        if not self.kind.syntax:
            return None
        import shlex

        name = shlex.quote(file or "FILE")
        return f"smtpdoctor check --config {name} --app {self.dialect.id}"

    def cautions(self, plan: Plan, names: Iterable[str]) -> tuple[Message, ...]:  # noqa: ARG002 -- the interface of a format
        """Return what to know once these variables are written."""
        if plan.host == "localhost" and self.kind.name == "kubernetes":
            return (Message("generate.localhost"),)
        return ()

    # Whole files

    def render(self, plan: Plan, lang: Lang, *, file: str | None = None) -> str:
        """Return a whole file; raises UsageError for a value that cannot be written."""
        shown = file or ""
        tried = dict.fromkeys(range(len(plan.variables)), 0)
        while True:
            texts = [self._literal(one, tried[number], shown) for number, one in enumerate(plan.variables)]
            text = self._text(plan, texts, lang, file)
            wrong = self._misread(text, plan, shown)
            if wrong is None:
                return text
            if wrong < 0:
                raise self._unwritten(plan.variables[-wrong - 1], shown)
            tried[wrong] += 1

    def _literal(self, one: Variable, number: int, file: str) -> str:
        """Return one of the ways to write a value."""
        kind = "string" if self.form.strings else one.kind
        if unwritable(one.value):
            raise self._unwritten(one, file)
        try:
            value = self.form.words.get(one.value, one.value) if one.flag else one.value
            ways = list(literals(self.kind.name, value, kind, self.rules))
        except UnwritableError as error:
            raise self._unwritten(one, file, error.what) from error
        if number >= len(ways):
            raise self._unwritten(one, file)
        return ways[number]

    def _unwritten(self, one: Variable, file: str, what: str = "") -> UsageError:
        """Return why a value is not written; ``what`` is what its writer says, where trying does not tell."""
        syntax = syntax_called(self.kind.name, self.rules)
        able = [
            other.kind.name
            for other in (
                AppFile(self.dialect, kind, self.planner)
                for kind in kinds_of(self.dialect)
                if kind is not self.kind
            )
            if other.holds(one, one.value)
        ]
        endings = self.dialect.secret_files if one.setting == "password" else ()
        return refused(
            one.name,
            file,
            one.value,
            culprit(one.value, partial(self.holds, one)) or what,
            syntax,
            able=able,
            pointer=f"{one.name}{endings[0]}" if endings and self.kind.shape == "variable" else "",
        )

    def holds(self, one: Variable, value: str) -> bool:
        """Whether such a file can hold a value for a setting, so that it is read back."""
        if unwritable(value):
            return False
        if self.kind.name == "compose":
            return True
        key = self.dialect.keys.get(one.setting)
        names = names_of_key(self.dialect, self.form, self.kind.shape, one.setting, key)
        name = next((name for name in names if "@" not in name), one.name)
        try:
            ways = list(
                literals(self.kind.name, value, "string" if self.form.strings else one.kind, self.rules)
            )
        except UnwritableError:
            return False
        if not self.kind.syntax or self.form.text or self.kind.write is None:
            return bool(ways)
        for way in ways:
            document = self._document(laid_out(self.kind, self.form, [Line(name, way)], ()), "x")
            scope = document.scopes[0] if document is not None and document.scopes else Scope(assignments=())
            at = Values(self.dialect, scope).get((name,))
            if at is not None and _same(at, value):
                return True
        return False

    def _text(self, plan: Plan, texts: Sequence[str], lang: Lang, file: str | None) -> str:
        command = self.check_command(file)
        above = list(heading(plan, lang, check=command if command and command.isprintable() else None))
        if self.form.text:
            return self._of_form(plan, texts, [*above, *self._all_about(plan, lang)], lang)
        lines = []
        before = None
        said: tuple[str, ...]
        for one, text in zip(plan.variables, texts, strict=True):
            said = ()
            if one.setting != before and one.setting in {"username", "password", "sender", "port"}:
                said = tuple(about(plan, one.setting, lang, without=self.kind.unsaid))
            elif one.parts:
                said = tuple(self._all_about(plan, lang))
            before = one.setting
            lines.append(Line(one.name, text, said))
        return laid_out(self.kind, self.form, lines, above)

    def _all_about(self, plan: Plan, lang: Lang) -> Iterator[str]:
        settings: tuple[SettingName, ...] = ("port", "username", "password", "sender")
        there = {part for one in plan.variables for part in (one.setting, *one.parts)}
        for setting in settings:
            if setting in there:
                yield from about(plan, setting, lang, without=self.kind.unsaid)

    def _of_form(self, plan: Plan, texts: Sequence[str], comments: Sequence[str], lang: Lang) -> str:
        words = {one.flag or one.setting: one.value for one in plan.variables}
        said = {one.flag or one.setting: text for one, text in zip(plan.variables, texts, strict=True)}
        sender = words.get("sender", "")
        local, _, domain = _bare(sender or words.get("username", "")).rpartition("@")
        host = f"[{plan.host}]" if ":" in plan.host else plan.host
        scheme = "smtps" if plan.security is Security.TLS else "smtp"
        derived = {
            "login": words.get("username", ""),
            "plain": "none" if plan.security is Security.NONE else "",
            "local": local if sender else "",
            "domain": domain or plan.host,
            "address": f"{host}:{plan.port}",
            "url": f"{scheme}://{host}:{plan.port}",
            "both": f"{words['username']}:{words.get('password', '')}" if words.get("username") else "",
            **{
                name: str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{plan.host}.{domain}"))
                for name in ("id", "id2")
            },
        }
        for name, value in derived.items():
            words[name] = value
            said[name] = next(literals(self.kind.name, value, "word", self.rules))
        lines = filled(in_language(self.form, lang), said, words)
        first = 1 if lines and lines[0].startswith("<?") else 0
        return "\n".join((*lines[:first], *commented(comments, self.kind.comment), *lines[first:])) + "\n"

    # Reading back

    def _document(self, text: str, file: str) -> Document | None:
        reading = reader_of(self.kind.syntax) if self.kind.syntax else None
        if reading is None:
            return None
        try:
            return reading(Source(path=file, text=text, reader=self.rules))
        except TooLargeError as error:
            values: dict[str, object] = {"place": str(error.place), "what": error.what, "most": error.most}
            raise UsageError(Message("usage.config.limit", values)) from None

    def _scope(self, document: Document, plan: Plan, file: str) -> Scope:
        """Return what the application gets of a file; raises UsageError where that is not clear."""
        if plan.service is not None:
            for one in document.scopes:
                if one.name == plan.service:
                    return one
            raise UsageError(Message("usage.config.service", {"name": plan.service, "file": file}))
        if len(document.scopes) > 1:
            ours = [one for one in document.scopes if self._host_stands(one)]
            named = [one for one in ours if one.name == "default"] or ours
            if len({one.name for one in named}) == 1:
                return named[0]
            names = ", ".join(dict.fromkeys(one.name for one in document.scopes))
            values: dict[str, object] = {"file": file, "count": len(document.scopes), "names": names}
            raise UsageError(Message("usage.generate.service", values))
        return document.scopes[0] if document.scopes else Scope(assignments=())

    def _host_stands(self, scope: Scope) -> bool:
        key = self.dialect.keys.get("host")
        return key is not None and Values(self.dialect, scope).first(key.names) is not None

    def _misread(self, text: str, plan: Plan, file: str) -> int | None:
        """Return the number of a variable that would be read otherwise; below 0 where no other way would help."""
        document = self._document(text, file)
        if document is None:
            return None
        values = Values(self.dialect, self._scope(document, plan, file))
        if not self.form.text:
            for number, one in enumerate(plan.variables):
                found = values.get(one.names)
                if found is None or not _same(found, one.value):
                    return number
        if self._says(document, plan, file):
            return None
        secret = next((n for n, one in enumerate(plan.variables) if one.setting == "password"), 0)
        return -secret - 1

    def _says(self, document: Document, plan: Plan, file: str) -> bool:
        settings = settings_of(plan, self.dialect)
        reading = read(self.dialect, self._scope(document, plan, file))
        return says(reading, settings, plan.security)

    def read(self, path: Path, plan: Plan, *, file: str) -> Mapping[str, str]:
        """Return the variables of a plan as the application finds them; raises UsageError."""
        document = self._document(path.read_text(encoding="utf-8"), file)
        if document is None or (self.form.text and self._says(document, plan, file)):
            return {one.name: one.value for one in plan.variables}
        values = Values(self.dialect, self._scope(document, plan, file))
        found = {}
        for one in plan.variables:
            at = self._standing_at(values, one)
            if at is not None and at.value is not None:
                found[one.name] = one.value if _same(at, one.value) else at.value
        for name, flag in self.dialect.flags.items():  # also those that were taken back
            for own in shaped(self.dialect, flag.names or (name,), self.kind.shape):
                at = values.get((own,))
                if at is not None and at.value is not None:
                    found.setdefault(own, at.value)
        return found

    # Merging

    def _standing_at(self, values: Values, one: Variable) -> Assignment | None:
        """Return where a variable stands in a file, under whichever of its names."""
        if one.flag:
            names: tuple[str, ...] = (*one.names, *(self.dialect.flags[one.flag].names or (one.flag,)))
            return values.get(tuple(name for name in names if "@" not in name))
        key = self.dialect.keys.get(one.setting)
        known = key.names if key is not None and one.value and one.setting != "security" else ()
        if self.form.text:
            return values.first(known)
        if set(one.names) & set(known) or one.parts:
            own = values.first(one.names)
            return (
                own if own is not None or one.parts else values.first(tuple(n for n in known if "@" not in n))
            )
        return values.first(one.names)

    def _have(self, values: Values) -> dict[str, str]:
        """Return the words of flags that stand in a file."""
        have = {}
        for name, flag in self.dialect.flags.items():
            own = [one for one in (flag.names or (name,)) if "@" not in one]
            found = values.get(own)
            if found is None or found.value is None or found.kind == "call":
                continue
            have[name] = found.value
            if flag.truth != "words" and found.kind == "string":  # a text is what its language takes it for
                have[name] = word_of(flag, state_of(flag, found.value, found.kind)) or found.value
        return have

    def merge(self, text: str, plan: Plan, lang: Lang, *, file: str, force: bool) -> Merged:
        """Return a file's text with the plan in it; raises UsageError and changes nothing else."""
        mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
        document = self._document(text, file)
        if document is None:
            raise UsageError(Message("usage.generate.whole", {"file": file, "syntax": self.kind.name}))
        for problem in document.problems:
            if problem.kind in {"syntax", "refused"}:
                raise UsageError(Message("usage.generate.broken", {"place": str(problem.place)}))
        scope = self._scope(document, plan, file)
        values = Values(self.dialect, scope)
        plan = self.planner(self._have(values))
        plan = replace(
            plan, variables=tuple(self._with_standing(one, values, plan) for one in plan.variables)
        )
        places = {
            one.name: at
            for one in plan.variables
            if (at := self._standing_at(values, one)) is not None and not self._is_shared(document, scope, at)
        }
        plan, secrets = self._adapted(plan, places)
        standing = {name: self._standing(at, document, plan, name) for name, at in places.items()}
        self._refuse_elsewhere(document, plan, places, standing, file)
        told = dict(standing)
        for setting in ("host", "username", "sender"):
            key = self.dialect.keys.get(setting)
            at = values.first(key.names) if key is not None else None
            if at is not None and at.value is not None and key is not None:
                told.setdefault(key.names[0], Standing(at.value))
        decision = decide(plan, told, file=file, force=force)
        edits = {name: value for name, value in decision.edits.items() if name in places}
        after, more = self._changed(document, scope, plan, edits, places, decision.additions, lang, file)
        secrets = {**secrets, **more}
        renewed_text = self._with_new_comments(after, plan, lang, host_in(plan, told))
        self._verify(
            document,
            renewed_text,
            plan,
            {**{n: standing[n].text for n in standing}, **decision.values},
            places,
            file,
        )
        return Merged(
            text=mark + renewed_text,
            values={
                name: value
                for name, value in decision.values.items()
                if name in {v.name for v in plan.variables} and name not in secrets
            },
            written=decision.written,
            unchanged=decision.unchanged,
            to_fill_in=tuple(name for name in decision.to_fill_in if name not in secrets),
            left=replace(
                decision.left, doubtful=tuple(name for name in decision.left.doubtful if name not in secrets)
            ),
            secrets=tuple(secrets.items()),
        )

    def _adapted(self, plan: Plan, places: Mapping[str, Assignment]) -> tuple[Plan, Mapping[str, str]]:  # noqa: ARG002 -- for other kinds of files
        """Return a plan that leaves alone what is not to be changed in such a file, and what a Secret has to have for it.

        The latter, as that of ``_changed``, are names, each with the Secret's, which is empty where it is not known.
        """
        return plan, {}

    def _with_standing(self, one: Variable, values: Values, plan: Plan) -> Variable:
        """Return a value of several settings with the login that stands there, where it is this provider's."""
        if not one.parts:
            return one
        at = values.first(one.names)
        how = next((e for e in self.dialect.explode if one.name in e.names), None)
        if at is None or not at.value or how is None:
            return one
        from smtpdoctor.settings.resolve import preset_of_host
        from smtpdoctor.settings.smtp_url import joined

        try:
            there, new = parts_of(at.value.strip(), how), parts_of(one.value, how)
        except SmtpUrlError:
            return one
        owner = preset_of_host(there.get("host", ""))
        same = there.get("host") == new.get("host") or (owner is not None and owner.id == plan.preset.id)
        if not same or not one.fill_in:
            return one
        kept = {name: there[name] for name in ("user", "password") if there.get(name)}
        value = joined({**new, **kept}, how)
        return replace(one, value=value, fill_in="password" not in kept and one.fill_in)

    def _standing(self, at: Assignment, document: Document, plan: Plan, name: str) -> Standing:
        raw = document.texts.get(at.region.place.path, "")[at.region.start : at.region.end]
        one = next(one for one in plan.variables if one.name == name)
        flag = self.dialect.flags.get(one.flag)
        if flag is not None and at.value is None and at.source:  # a constant of the library
            state = state_from(flag, at.source)
            if state is not None and state == state_of(flag, one.value):
                return Standing(one.value)
        if at.kind == "null" or (at.value or "").strip().lower() in self._nothing(document):
            return Standing("")
        if at.region.place.path != document.path or at.value is None:
            return Standing(raw, "reference" if raw or at.value is None else "text")
        if flag is not None and flag.truth != "words" and at.kind == "string" and one.kind == "boolean":
            return Standing(f'"{at.value}"')  # a text is true in code, whatever it says
        return Standing(at.value, "reference" if "${" in raw else "text")

    def _nothing(self, document: Document) -> tuple[str, ...]:
        """Return the words that an application takes for no value in such a file."""
        return self.dialect.nothing if document.syntax == "dotenv" else ()

    def _refuse_elsewhere(
        self,
        document: Document,
        plan: Plan,
        places: Mapping[str, Assignment],
        standing: Mapping[str, Standing],
        file: str,
    ) -> None:
        """Raise UsageError for what has to change and is only handed on by a file, with where it comes from."""
        found: dict[str, str] = {}
        for one in plan.variables:
            at, there = places.get(one.name), standing.get(one.name)
            if at is None or there is None or one.yields:
                continue
            if there.kind == "text" and (not there.text or one.equals(there.text)):
                continue
            place = at.region.place
            if place.path != document.path:
                found[at.name] = f"{place.path}:{place.line}"
            elif at.value is None and at.source and at.kind in {"unknown", "call"}:
                found[at.name] = at.source
        if found:
            names = ", ".join(f"{name} ({source})" for name, source in found.items())
            hints = []
            if any(kind.name == "dotenv" for kind in kinds_of(self.dialect)) and self.kind.name != "dotenv":
                hints.append(Message("usage.generate.elsewhere.env"))
            raise UsageError(Message("usage.generate.elsewhere", {"file": file, "names": names}), *hints)

    def _changed(
        self,
        document: Document,
        scope: Scope,
        plan: Plan,
        edits: Mapping[str, str],
        places: Mapping[str, Assignment],
        additions: Sequence[Variable],
        lang: Lang,
        file: str,
    ) -> tuple[str, Mapping[str, str]]:
        """Return a file's text with values in their places and what is missing added; and what a Secret has to have."""
        text = document.texts[document.path]
        regions = self._replacements(document, plan, edits, places, file)
        if additions and self.form.text:
            raise UsageError(Message("usage.generate.whole", {"file": file, "syntax": self.kind.name}))
        if not additions:
            return edited(text, regions), {}
        lines = [
            Line(
                one.name,
                self._literal(one, 0, file),
                tuple(about(plan, one.setting, lang, without=self.kind.unsaid)) if not places else (),
            )
            for one in additions
        ]
        above = list(heading(plan, lang, check=self.check_command(file))) if not places else []
        owned = [at for at in places.values() if at.region.place.path == document.path]
        added = inserted(self.kind, self.form, text, scope, owned, lines, above)
        if added is None:
            raise unusual(file, additions[0].name)
        insertions = ((Region(Place(document.path, 1), at, at), new) for at, new in added)
        return edited(text, [*regions, *insertions]), {}

    def _replacements(
        self,
        document: Document,
        plan: Plan,
        edits: Mapping[str, str],
        places: Mapping[str, Assignment],
        file: str,
    ) -> list[tuple[Region, str]]:
        """Return what takes the place of values that stand in a file; raises UsageError for one that cannot be written."""
        text = document.texts[document.path]
        found: list[tuple[Region, str]] = []
        for name, value in edits.items():
            at = places[name]
            one = next(one for one in plan.variables if one.name == name)
            if at.region.place.path != document.path or (not at.style and self.kind.name != "dotenv"):
                raise unusual(file, name)
            found.append((at.region, self._edited(at, text, replace(one, value=value), file)))
        return found

    def _edited(self, at: Assignment, text: str, one: Variable, file: str) -> str:
        from smtpdoctor.formats.code.writing import LANGUAGES, write
        from smtpdoctor.formats.writing import written

        old = text[at.region.start : at.region.end]
        own = at.style.split(" ")[0] in {"yaml", "dotenv"}
        if self.kind.syntax in LANGUAGES and not own:
            try:
                literal: Kind = one.kind if one.kind in {"boolean", "number"} and one.value else "string"
                value = one.value.lower() if literal == "boolean" else one.value
                return write(value, literal, at.style or self.kind.syntax, old)
            except (UnwritableError, ValueError) as error:
                raise self._unwritten(one, file, str(error)) from error
        if own or self.kind.name == "dotenv":
            if one.kind in {"boolean", "number"} and at.style.startswith("yaml plain"):
                return one.value
            try:
                return written(
                    one.value, at.style if own else "dotenv", old, reader="" if own else self.rules or ""
                )
            except UnwritableError as error:
                raise self._unwritten(one, file, error.what) from error
        kind: Kind = at.kind if at.kind in {"boolean", "number"} else one.kind
        if self.kind.name in {"json", "toml"} and at.kind == "string":
            kind = "string"
        return self._literal(replace(one, kind=kind), 0, file)

    def _with_new_comments(self, text: str, plan: Plan, lang: Lang, host: str | None) -> str:
        """Return the file with what an earlier run wrote about another provider replaced."""
        sign = self.kind.comment
        if not sign or sign == "<!--":
            return text
        lines = text.splitlines(keepends=True)
        texts = [
            bare[len(sign) + 1 :] if (bare := line.strip()).startswith(f"{sign} ") else None for line in lines
        ]
        new = renewed(texts, plan, lang, host=host)
        end = line_end_of(text)
        found: list[str] = []
        for line, said in zip(lines, new, strict=True):
            indent = line[: len(line) - len(line.lstrip())]
            found += [line] if said is None else [f"{indent}{one}{end}" for one in commented(said, sign)]
        return "".join(found)

    def _accounts(self, document: Document, plan: Plan, file: str) -> list[object]:
        """Return what the other accounts of a file say: under the same names, and not to be changed."""
        ours = self._scope(document, plan, file)
        regions = {one.region.start for one in ours.assignments if not self._is_shared(document, ours, one)}
        return [
            [(one.name, one.value) for one in scope.assignments]
            for scope in document.scopes
            if scope.name != ours.name and not any(one.region.start in regions for one in scope.assignments)
        ]

    def _is_shared(self, document: Document, scope: Scope, at: Assignment) -> bool:
        """Whether what stands there holds for another account as well, which is not to be changed."""
        if self.kind.name != "msmtprc":
            return False
        own = {one.region.start for one in scope.assignments if one.name == "host"}
        others = (
            one
            for one in document.scopes
            if one.name != scope.name and not own & {each.region.start for each in one.assignments}
        )
        return any(each.region == at.region for one in others for each in one.assignments)

    def _verify(
        self,
        before: Document,
        text: str,
        plan: Plan,
        wanted: Mapping[str, str],
        places: Mapping[str, Assignment],
        file: str,
    ) -> None:
        """Read the result back: raises UsageError rather than hand out a file that means something else."""
        after = self._document(text, file)
        assert after is not None  # noqa: S101 -- it was read before
        values = Values(self.dialect, self._scope(after, plan, file))
        ours = {at.name for at in places.values()} | {name for one in plan.variables for name in one.names}
        for one in plan.variables:
            at = self._standing_at(values, one)
            meant = wanted.get(one.name, one.value)
            if places.get(one.name) is not None and places[one.name].value is None and one.name not in wanted:
                continue
            if meant and (at is None or (at.value is not None and not _same(at, meant))):
                raise unusual(file, one.name)
        there, now = _others(before, ours), _others(after, ours)
        if any(now.get(scope) != values for scope, values in there.items() if values):
            raise unusual(file, plan.variables[0].name)
        if self.kind.name == "msmtprc" and self._accounts(before, plan, file) != self._accounts(
            after, plan, file
        ):
            raise unusual(file, plan.variables[0].name)


def likely(dialect: Dialect, scopes: Sequence[Scope]) -> list[Scope]:
    """Return what runs an image of an application, or else is called as it is."""
    patterns = load.dialect_names().images.get(dialect.id, ())
    found = [one for one in scopes if one.image and any(image_fits(one.image, each) for each in patterns)]
    return found or [one for one in scopes if one.name == dialect.id]


class ComposeFile(AppFile):
    """The environment of a service in a Compose file, which is taken apart by its lines."""

    def render(self, plan: Plan, lang: Lang, *, file: str | None = None) -> str:
        """Return a whole file; raises UsageError for a value that cannot be written."""
        return compose.render(plan, lang, file=file)

    def cautions(self, plan: Plan, names: Iterable[str]) -> tuple[Message, ...]:
        """Return what to know once these variables are written."""
        return compose.cautions(plan, names)

    def read(self, path: Path, plan: Plan, *, file: str) -> Mapping[str, str]:
        """Return the variables of a plan as the application finds them; raises UsageError."""
        text = path.read_text(encoding="utf-8")
        flags = self.dialect.flags.items()
        names = (
            own for name, flag in flags for own in shaped(self.dialect, flag.names or (name,), "variable")
        )
        plan = replace(plan, service=self._service(text, plan, file), unwanted=tuple(names))
        return compose.read(path, plan, file=file)

    def _service(self, text: str, plan: Plan, file: str) -> str | None:
        """Return the service that was named, or the one in which the application's settings stand already."""
        document = self._document(text, file)
        if plan.service is not None or document is None:
            return plan.service
        ours = [one.name for one in document.scopes if self._host_stands(one)] or [
            one.name for one in likely(self.dialect, document.scopes)
        ]
        return ours[0] if len(ours) == 1 and ours[0] else None

    def merge(self, text: str, plan: Plan, lang: Lang, *, file: str, force: bool) -> Merged:
        """Return a file's text with the plan in it; raises UsageError and changes nothing else."""
        service = self._service(text, plan, file)
        document = self._document(text, file)
        scopes = document.scopes if document is not None else ()
        ours = next((one for one in scopes if one.name == service or len(scopes) == 1), None)
        if ours is not None:
            plan = self.planner(self._have(Values(self.dialect, ours)))
        plan = replace(plan, service=service)
        return compose.merge(text, plan, lang, file=file, force=force)


def _others(document: Document, ours: set[str]) -> dict[str, list[tuple[str, str | None]]]:
    """Return what stands in a file that is none of ours, by what gets it."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    for scope in document.scopes:
        known = found.setdefault(scope.name, [])
        known += [(one.name, one.value) for one in scope.assignments if one.name not in ours]
    return found


def settings_of(plan: Plan, dialect: Dialect) -> dict[SettingName, str]:
    """Return the settings that a plan is to be read as."""
    settings: dict[SettingName, str] = {"host": plan.host, "port": str(plan.port)}
    for one in plan.variables:
        if (
            one.setting in {"username", "password", "sender", "ehlo"}
            and not one.flag
            and one.setting not in settings
        ):
            settings[one.setting] = one.value
        for part in one.parts:
            if part in {"username", "password", "sender"}:
                how = next((e for e in dialect.explode if one.name in e.names), None)
                if how is not None:
                    name = {"username": "user", "sender": "sender"}.get(part, part)
                    parts = parts_of(one.value, how)
                    if name in parts:
                        settings[part] = parts[name]
    return settings


def _same(at: Assignment, meant: str) -> bool:
    """Whether an assignment holds a value; a boolean may be spelled as its language has it."""
    text = at.value or ""
    return meant in {text, f'"{text}"'} or (at.kind == "boolean" and text.lower() == meant.lower())


def _bare(text: str) -> str:
    """Return the bare address of a sender."""
    try:
        return mailbox(text)
    except MailboxError:
        return text


def unusual(file: str, name: str) -> UsageError:
    """Return that a name stands in a file in a form that cannot be changed safely."""
    return UsageError(Message("usage.generate.unusual", {"file": file, "name": name}))
