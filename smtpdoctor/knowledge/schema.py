"""The shape of the knowledge files; unknown or missing keys are refused.

The same types are read from TOML (strictly, by ``compile``) and from the compiled index.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct

from smtpdoctor.labels import Label
from smtpdoctor.model import (
    Confidence,
    Fault,
    Lang,
    Security,
    SettingName,
    Severity,
    Stage,
)

__all__ = [
    "Advice",
    "Alternative",
    "App",
    "AppSecurity",
    "CodeHint",
    "Conditions",
    "Edit",
    "Endpoint",
    "Entry",
    "Example",
    "ExampleEvidence",
    "Foreign",
    "Hints",
    "LibraryHint",
    "Link",
    "NearMiss",
    "Password",
    "Preset",
    "Question",
    "Refused",
    "Reply",
    "Rule",
    "Scores",
    "Secrets",
    "SenderRule",
    "Spellings",
    "StageHint",
    "Text",
    "Username",
    "When",
    "Word",
    "WordPattern",
]

LinkKind = Literal[
    "app-password",
    "smtp-switch",
    "api-key",
    "smtp-password",
    "sender",
    "limits",
    "errors",
    "help",
    "approval",
    "activity",
]


Groups = tuple[tuple[str, ...], ...]


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """One text in every language of the project."""

    en: str
    ko: str

    def in_(self, lang: Lang) -> str:
        """Return the text in that language."""
        return self.ko if lang == "ko" else self.en


class Conditions(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Conditions on evidence and settings; every key that is given must hold, any of its values does.

    ``unknown`` among the providers or settings: it is not known which this is.
    """

    stage: tuple[Stage, ...] = ()
    code: tuple[int, ...] = ()
    enhanced: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    label: tuple[Label, ...] = ()
    setting: tuple[SettingName | Literal["unknown"], ...] = ()
    provider: tuple[str, ...] = ()
    port: tuple[int, ...] = ()
    security: tuple[Security, ...] = ()
    library: tuple[str, ...] = ()


class When(Conditions, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When an advice applies; its labels may also be those that the config stage gave.

    ``words``, in lower case: one of them occurs in what the other side said. ``unless``: it does not apply
    where these conditions hold.
    """

    app: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    unless: Conditions | None = None

    @property
    def seen(self) -> bool:
        """Whether something has to be there for it: an advice that only ``unless`` limits is for any case."""
        return self != When(unless=self.unless)


class Advice(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A numbered fix, or a further sentence of the meaning, that may depend on the case.

    ``general``: it guesses what a provider wants in a setting, and is left out where the provider says it.
    ``own``: it is for who runs the server, which nobody does who sends through a provider that is known.
    """

    en: str
    ko: str
    when: When | None = None
    general: bool = False
    own: bool = False

    def in_(self, lang: Lang) -> str:
        """Return the text in that language."""
        return self.ko if lang == "ko" else self.en


class Edit(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A change of a setting that mends the case; of several, the first that can be made is taken.

    ``value`` is text with placeholders, ``security:tls`` (what this application writes for that mode) or
    ``port:tls`` (the server's port for it). An edit cannot be made where a condition does not hold, a placeholder has
    no value, the provider does not offer it, or the setting has that value already.
    """

    setting: SettingName
    value: str
    when: When | None = None


class Rule(Conditions, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One way to recognise an entry: all conditions hold, and ``text`` occurs in the other side's words.

    ``text`` lists patterns, of which any may match; a file may give a single one as it is.

    Computed, never written: ``entry`` is the id of its entry, ``score`` says how special it is,
    ``atoms`` has for each pattern groups of literals: a text that matches holds one of each group.
    """

    text: tuple[str, ...] = ()
    confidence: Confidence = Confidence.LIKELY
    severity: Severity | None = None
    weight: float = 0
    score: float = 0
    atoms: tuple[Groups, ...] = ()
    entry: str = ""


class ExampleEvidence(Struct, frozen=True, forbid_unknown_fields=True):
    """Evidence as a live probe would give it."""

    stage: Stage | None = None
    code: int | None = None
    enhanced: str | None = None
    error: str | None = None
    text: str = ""
    labels: tuple[Label, ...] = ()
    setting: SettingName | None = None
    port: int | None = None
    security: Security | None = None


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """A case that must be diagnosed as the entry it stands in."""

    text: str = ""
    evidence: ExampleEvidence | None = None
    provider: str | None = None
    source: str = ""


class NearMiss(Struct, frozen=True, forbid_unknown_fields=True):
    """A case that looks alike but is ``id`` instead (``none``: no mail failure at all)."""

    id: str
    text: str = ""
    evidence: ExampleEvidence | None = None
    provider: str | None = None
    source: str = ""


class Entry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One cause that a person can act on; the file's name is its id.

    ``where`` lists the pages of a provider that help (default: by stage; empty: none does), ``provider_facts`` what
    the provider says about settings that the entry is about, ``follows`` the ids (with ``*``) that
    it is often only a consequence of. ``setting`` is the setting at fault in a live finding, if any
    is; ``change`` the edits that mend it.
    """

    stage: Stage
    severity: Severity
    fault: Fault
    retryable: bool
    links: tuple[str, ...]
    title: Text
    meaning: Text
    sure: Text
    fix: tuple[Advice, ...]
    match: tuple[Rule, ...]
    note: tuple[Advice, ...] = ()
    example: tuple[Example, ...] = ()
    near_miss: tuple[NearMiss, ...] = ()
    where: tuple[LinkKind, ...] | None = None
    follows: tuple[str, ...] = ()
    provider_facts: tuple[Literal["username", "password", "sender", "port"], ...] = ()
    setting: SettingName | None = None
    change: tuple[Edit, ...] = ()
    seed: str = ""
    id: str = ""


class Endpoint(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A port of a provider and how it is secured."""

    port: int
    security: Security
    host: str | None = None
    note: Text | None = None


class Refused(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A kind of value that never logs in at a provider, by its pattern, and a sentence that says what it is.

    ``unequal``: a value of this kind logs in only where user name and password are the same, and here
    both are of the kind and differ.
    """

    pattern: str
    en: str
    ko: str
    unequal: bool = False

    def in_(self, lang: Lang) -> str:
        """Return the sentence in that language."""
        return self.ko if lang == "ko" else self.en


class Username(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a provider takes as user name.

    ``also`` are further words beside that of a literal form, ``pattern`` what else may stand in its place.
    """

    form: Literal["literal", "email", "local-part", "email-or-local", "regex", "any", "none"]
    en: str
    ko: str
    value: str | None = None
    also: tuple[str, ...] = ()
    pattern: str | None = None
    refused: tuple[Refused, ...] = ()
    source: str = ""


class Password(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a provider takes as password.

    ``pattern`` is the usual shape, for a warning only, since providers change it without a word;
    ``shape`` says the same in words, with the length.
    """

    kind: Literal["app-password", "account-password", "api-key", "smtp-password", "token", "oauth2", "none"]
    example: str
    en: str
    ko: str
    pattern: str | None = None
    shape: Text | None = None
    strip_spaces: bool = False
    refused: tuple[Refused, ...] = ()
    source: str = ""


class SenderRule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which senders a provider lets through.

    ``login-or-alias``: other addresses of the account too, which nobody but the provider knows;
    ``verified-domain``: a domain of the user's own alone, so never the address of a free mail service.
    """

    rule: Literal[
        "login-address", "login-or-alias", "verified-domain", "verified-identity", "rewritten", "any"
    ]
    en: str
    ko: str


class Link(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where to click at a provider; ``what`` is what for."""

    what: LinkKind
    url: str
    en: str
    ko: str


class Alternative(Struct, frozen=True, forbid_unknown_fields=True):
    """Another diagnosis of the same reply, when one of these labels holds."""

    diagnosis: str
    when: tuple[Label, ...]


class Reply(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A reply of a provider's own, and what it means there."""

    text: str
    stage: Literal[
        "config", "dns", "connect", "greeting", "tls", "auth", "sender", "recipient", "send", "any"
    ]
    side: Literal["submission", "mx", "both", "downstream", "activity"]
    diagnosis: str
    cause: Text
    cure: Text
    source: str
    code: int | None = None
    enhanced: str | None = None
    alt: Alternative | None = None


class Preset(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A provider; the file's name is its id. ``reply`` stays undecoded until a failure needs it.

    ``kind`` is ``mailbox``, ``transactional`` or ``sink``; ``local`` for a sink on the own machine and
    ``own`` for a server that somebody runs: both are where their owner put them, under any name and on
    any port.
    ``ports_complete``: ``endpoint`` is what the provider's own page lists, so it offers no other port.
    In the name of a host one ``*`` stands for whatever may be there. ``no_login`` are those of the hosts
    that take mail without a login, ``domain_hosts`` the mail domains that log in at one host alone,
    ``shared_hosts`` those of another preset at which accounts of the mail domains here log in as well,
    by the rules here, ``misspelt`` names that people write where they mean ``host``.
    """

    kind: str
    host: str
    name: Text
    endpoint: tuple[Endpoint, ...]
    username: Username
    password: Password
    sender: SenderRule
    checked: str
    sources: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    misspelt: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    mail_domains: tuple[str, ...] = ()
    domain_hosts: dict[str, str] = {}
    shared_hosts: tuple[str, ...] = ()
    no_login: tuple[str, ...] = ()
    ports_complete: bool = False
    auth_mechanisms: tuple[str, ...] = ()
    min_tls: str | None = None
    size_limit: int | None = None
    reply_marker: str | None = None
    spf_include: tuple[str, ...] = ()
    link: tuple[Link, ...] = ()
    limit: tuple[Text, ...] = ()
    note: tuple[Text, ...] = ()
    reply: Raw = Raw(b"[]")
    id: str = ""

    @property
    def anywhere(self) -> bool:
        """Whether it is no provider's but the user's own, at any name and port."""
        return self.kind in {"local", "own"}

    def endpoints_at(self, host: str | None) -> tuple[Endpoint, ...]:
        """Return the endpoints of a host: its own where it has any, else those of the usual server."""
        name = (host or self.host).rstrip(".").lower()
        own = tuple(one for one in self.endpoint if one.host and _covers(one.host, name))
        return own or tuple(one for one in self.endpoint if one.host is None) or self.endpoint

    def needs_login(self, host: str) -> bool:
        """Whether a host of the provider takes no mail without a login."""
        if self.anywhere or "none" in {self.username.form, self.password.kind}:
            return False
        name = host.rstrip(".").lower()
        return not any(_covers(one, name) for one in self.no_login)

    def host_of(self, domain: str) -> str:
        """Return the host at which addresses of a mail domain log in."""
        return self.domain_hosts.get(domain, self.host)


def _covers(host: str, name: str) -> bool:
    """Whether a host of a preset is that name; ``*`` stands for whatever may be there."""
    start, star, end = host.partition("*")
    return name.startswith(start) and name.endswith(end) if star else name == host


class Question(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What people ask in the words of a guide: a heading of its table, a library's code, a name.

    ``answers`` are ids of the catalogue, the likeliest first; ``title`` and ``text`` say what no entry does.
    """

    words: tuple[str, ...]
    answers: tuple[str, ...] = ()
    title: Text | None = None
    text: tuple[Text, ...] = ()


class AppSecurity(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row of an application's truth table: its own variables → how the connection is secured.

    ``when`` maps a variable to ``true``, ``false``, ``absent`` or a literal word, and ``port`` to a
    list of ports; the first row whose conditions all hold decides.
    """

    mode: Security
    when: dict[str, str | tuple[int, ...]] = {}
    decided_by: str | None = None


class App(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an application spells its SMTP settings, by what its code does; the file's name is its id.

    ``place`` is the file in which its settings usually stand, where that is one. ``about`` says what each variable means, in the order in which they are listed.
    """

    name: Text
    variables: dict[SettingName, tuple[str, ...]]
    required: tuple[SettingName, ...]
    true: tuple[str, ...]
    false: tuple[str, ...]
    security: tuple[AppSecurity, ...]
    write: dict[Security, dict[str, str]]
    sources: tuple[str, ...]
    detect: tuple[str, ...] = ()
    about: dict[str, Text] = {}
    place: str = ""
    id: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """The variables of the truth table, in order of appearance."""
        names: dict[str, None] = {}
        for row in self.security:
            names.update((name, None) for name in row.when if name != "port")
        return tuple(names)


class Foreign(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The names by which an application knows its settings; ``*`` at the end stands for any rest.

    ``library``: the framework that it is made with, whose names it may have taken over.
    """

    app: str
    names: tuple[str, ...]
    library: str = ""


NearKind = Literal["host", "port", "username", "password", "sender", "tls", "starttls", "cipher"]


class Spellings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of names that look meant and are not read; ``spellings.toml`` says how.

    ``foreign`` are those of the dialects, and before them those that no dialect has.
    """

    near: dict[NearKind, tuple[str, ...]]
    foreign: tuple[Foreign, ...]


class Word(Struct, frozen=True, forbid_unknown_fields=True):
    """How systems and libraries word an error token, in any language."""

    token: str
    text: tuple[str, ...]


class WordPattern(Struct, frozen=True):
    """One wording of an error token; ``atoms`` as a pattern of a Rule has them."""

    token: str
    text: str
    atoms: Groups


class Patterns(Struct, frozen=True, forbid_unknown_fields=True):
    """Patterns of which any may match: ``whole`` is all as one, ``parts`` are they, with atoms as those of a Rule.

    Computed from the list that the file has.
    """

    whole: str
    parts: tuple[tuple[str, Groups], ...]


class StageHint(Struct, frozen=True, forbid_unknown_fields=True):
    """How a text speaks of a stage."""

    stage: Stage
    text: Patterns


class LibraryHint(Struct, frozen=True, forbid_unknown_fields=True):
    """Words, in lower case, of which a text by this library has one.

    ``app`` is the dialect in whose names steps are told, none where nothing is set in them.
    """

    name: str
    words: tuple[str, ...]
    app: str = ""


class CodeHint(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How libraries word a basic code; ``atoms`` as a pattern of a Rule has them, computed."""

    code: int
    text: str
    atoms: Groups = ()


class Hints(Struct, frozen=True, forbid_unknown_fields=True):
    """What the log reader knows a text by; ``hints.toml`` says what each is for.

    In the file each pattern is a list of patterns, of which any may match.
    """

    mail: Patterns
    perhaps_mail: Patterns
    not_sending: Patterns
    sends_all_the_same: Patterns
    foreign: Patterns
    ignored: Patterns
    failure: Patterns
    failure_in_log: Patterns
    in_log: tuple[str, ...]
    waited: Patterns
    implicit_tls: Patterns
    never_implicit_tls: Patterns
    loopback: Patterns
    loopback_default: Patterns
    resolving: Patterns
    oauth: Patterns
    before_code: Patterns
    report: Patterns
    seen: dict[str, Patterns]
    bare_code: dict[str, tuple[str, ...]]
    stage: tuple[StageHint, ...]
    library: tuple[LibraryHint, ...]
    code: tuple[CodeHint, ...]


class Scores(Struct, frozen=True, forbid_unknown_fields=True):
    """How much what is seen in a text speaks for a failure; fitted by ``benchmarks/fit.py``, never written.

    ``weights`` are in hundredths. ``told``, ``likely`` and ``certain`` are the probabilities in hundredths from
    which on an answer is given, and called so; ``alone`` is that of a line that a rule knows and nobody tells of.
    Computed: ``concepts``, the literals of ``concepts.toml``.
    """

    weights: dict[str, int]
    told: int
    alone: int
    likely: int
    certain: int
    concepts: dict[str, tuple[str, ...]] = {}


class Secrets(Struct, frozen=True, forbid_unknown_fields=True):
    """By what a secret in a text is known; ``secrets.toml`` says what each list is for.

    Computed, never written: ``known`` are the words of replies and errors, which tell nobody's secret,
    ``familiar`` those of all that is said about them.
    """

    anywhere: tuple[str, ...]
    words: tuple[str, ...]
    soft: tuple[str, ...]
    echoes: tuple[str, ...]
    last: tuple[str, ...]
    prefixes: tuple[str, ...]
    values: tuple[str, ...]
    logins: tuple[str, ...]
    flags: tuple[str, ...]
    pair_flags: tuple[str, ...]
    prose: tuple[str, ...]
    plain: tuple[str, ...]
    common: tuple[str, ...]
    host_endings: tuple[str, ...]
    keys: dict[str, int]
    known: tuple[str, ...] = ()
    familiar: tuple[str, ...] = ()
