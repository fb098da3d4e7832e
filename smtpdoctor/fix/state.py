"""Settings as files have them at a moment: what they say, what is wrong with it, and what another text would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from os.path import normpath
from typing import Final

from msgspec import Struct

from smtpdoctor.doctor import lint_only
from smtpdoctor.errors import UsageError
from smtpdoctor.formats import env
from smtpdoctor.formats.document import Assignment, Document, Source, TooLargeError
from smtpdoctor.formats.editing import Edit, changed
from smtpdoctor.knowledge.dialects import Dialect
from smtpdoctor.model import Finding, Report, Severity
from smtpdoctor.settings.reading import Reading
from smtpdoctor.settings.resolve import Loaded
from smtpdoctor.settings.values import Values

__all__ = ["Budget", "Found", "Key", "Read", "State", "Subject"]

_MOST_READS: Final = 1_000
_MOST_CHARACTERS: Final = 10_000_000

Key = tuple[str, str, frozenset[str], str, str]
"""By what a finding is the same before and after a change: service, id, labels, setting and name."""
_Entry = tuple[str | None, str]


class Subject(Struct, frozen=True):
    """One application's settings: the service where a file has several, and what it makes of them."""

    service: str
    dialect: Dialect
    reading: Reading
    loaded: Loaded
    document: Document

    def __repr__(self) -> str:
        return f"Subject({self.service!r}, {self.dialect.id!r})"

    def assignment(self, name: str) -> Assignment | None:
        """Return the assignment of a name that counts, however the application compares names."""
        one = self.reading.scope.by_name().get(name)
        if one is None and self.dialect.binding and "@" not in name:
            one = Values(self.dialect, self.reading.scope).get((name,))
        return one

    def variables(self) -> Iterator[tuple[Document, Assignment]]:
        """Yield what the `.env` beside a Compose file gives it to put in, each with the `.env` as a document."""
        for path, text in self.document.texts.items() if self.document.syntax == "compose" else ():
            if normpath(path).replace("\\", "/").rpartition("/")[2] == ".env":
                document = env.read(Source(path=path, text=text))
                for scope in document.scopes:
                    yield from ((document, one) for one in scope.assignments)


class Found(Struct, frozen=True):
    """A finding and whose it is."""

    subject: Subject
    finding: Finding

    @property
    def key(self) -> Key:
        """By what it is the same in another state."""
        evidence = self.finding.evidence
        origin = evidence.origin
        labels = frozenset(label.value for label in evidence.labels)
        name = origin.name if origin is not None else evidence.facts.get("name", "")
        return self.subject.service, self.finding.id, labels, evidence.setting or "", name


class Budget:
    """How much is read again for a plan, so that a large file with much that is wrong has an end as well."""

    def __init__(self) -> None:
        self.reads = 0
        self._characters = 0

    def allows(self, characters: int) -> bool:
        """Take note of one more reading of so many characters, and return whether it may be."""
        self.reads += 1
        self._characters += characters
        return self.reads <= _MOST_READS and self._characters <= _MOST_CHARACTERS


class State:
    """What files say: applications, documents, texts by path. ``read`` says what other texts would."""

    def __init__(
        self,
        subjects: tuple[Subject, ...],
        documents: tuple[Document, ...],
        texts: Mapping[str, str | None],
        read: Read,
    ) -> None:
        self.subjects = subjects
        self.documents = documents
        self.texts = texts
        self.budget = Budget()
        self._read = read

    @cached_property
    def reports(self) -> tuple[tuple[Subject, Report], ...]:
        """What the rules say of each application."""
        return tuple((one, lint_only(one.loaded)) for one in self.subjects)

    @cached_property
    def found(self) -> tuple[Found, ...]:
        """What is wrong, the causes first; remarks are not."""
        return tuple(
            Found(subject, finding)
            for subject, report in self.reports
            for finding in report.findings
            if finding.severity is not Severity.INFO
        )

    @cached_property
    def keys(self) -> Counter[Key]:
        """What is wrong, by what it is known."""
        return Counter(one.key for one in self.found)

    def subject(self, service: str) -> Subject | None:
        """Return the application of a service."""
        return next((one for one in self.subjects if one.service == service), None)

    def text(self, path: str) -> str | None:
        """Return the text of a file by any of its names."""
        return self.texts.get(normpath(path))

    def with_edit(self, edit: Edit) -> State | None:
        """Return what the files would say after an edit, None where they could not be read any more."""
        text = self.text(edit.path)
        if text is None or not edit.path:
            return None
        texts = {**self.texts, normpath(edit.path): changed(text, edit)}
        if not self.budget.allows(sum(len(one) for one in texts.values() if one is not None)):
            return None
        try:
            after = self._read(texts)
        except (UsageError, TooLargeError):
            return None
        after.budget = self.budget
        same = [(one.service, one.dialect.id) for one in self.subjects]
        return after if [(one.service, one.dialect.id) for one in after.subjects] == same else None

    def entries(self) -> dict[tuple[str, int, str, int], _Entry]:
        """Return every name that is given a value, by file, scope, name and how often it stood before."""
        found: dict[tuple[str, int, str, int], _Entry] = {}
        for document in self.documents:
            scopes = [*(scope.assignments for scope in document.scopes), document.variables]
            for number, scope in enumerate(scopes):
                seen: Counter[str] = Counter()
                for one in scope:
                    found[document.path, number, one.name, seen[one.name]] = one.value, one.kind
                    seen[one.name] += 1
        return found

    def problems(self) -> int:
        """Return how much could not be read."""
        return sum(len(one.problems) for one in self.documents)

    def standing(self) -> Iterator[tuple[tuple[str, int, str, int], Assignment, Document]]:
        """Yield every assignment with the key of its entry."""
        for document in self.documents:
            scopes = [*(scope.assignments for scope in document.scopes), document.variables]
            for number, scope in enumerate(scopes):
                seen: Counter[str] = Counter()
                for one in scope:
                    yield (document.path, number, one.name, seen[one.name]), one, document
                    seen[one.name] += 1


Read = Callable[[Mapping[str, str | None]], State]
"""Reads files whose texts are given, and others from where they lie; raises UsageError."""
