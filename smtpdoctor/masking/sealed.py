"""What a run found → what may leave it: every text of a value masked and made printable, once and in one place.

Probes, rules and the diagnosis work on what really came. What they return passes through here before
anyone else sees it, so that no renderer can show what it must not, and no masking can change a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.masking.forms import without_credentials
from smtpdoctor.model import Evidence, Finding, Message, Origin, Secret, Setting, Settings, Stage, StageResult

__all__ = ["Seal", "public_of", "secrets_of"]

T = TypeVar("T")
Mask = Callable[[str], str]
Together = Callable[[Sequence[str]], Sequence[str]]

_MOST: Final = 400  # characters of a fact; a whole reply is kept as the evidence's text
_HOST: Final = re.compile(r"(?:[\w*-]{1,63}\.)+[\w-]{1,63}", re.ASCII)
_SIZE: Final = re.compile(r"SIZE(?: [0-9]{1,10})?", re.ASCII)  # RFC 1870
# What most servers offer, and to log in with.
_NO_PIECES: Final = frozenset(
    {
        "STARTTLS",
        "PIPELINING",
        "8BITMIME",
        "SMTPUTF8",
        "CHUNKING",
        "ENHANCEDSTATUSCODES",
        "DSN",
        "HELP",
        "PLAIN",
        "LOGIN",
        "XOAUTH",
        "XOAUTH2",
        "OAUTHBEARER",
        "PLAIN-CLIENTTOKEN",
        "CRAM-MD5",
        "DIGEST-MD5",
        "NTLM",
        "GSSAPI",
        "GSS-SPNEGO",
        "EXTERNAL",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256",
        "SCRAM-SHA-1-PLUS",
        "SCRAM-SHA-256-PLUS",
    }
)
# Facts and values in words of ours alone, which say nothing that was not said already.
_OURS: Final = frozenset(
    {
        "answer",
        "answering",
        "code",
        "command",
        "count",
        "days",
        "error",
        "felt",
        "flag",
        "kind",
        "mechanism",
        "mode",
        "port",
        "refused_for",
        "seconds",
        "security",
        "siblings",
        "size",
        "token",
    }
)


class Seal:
    """Makes values fit to leave a run.

    ``redact`` knows the secrets of the run. Of what others said, whatever shares a longer piece with a
    secret is masked; of the user's own settings only a whole secret, and what has the form of one.
    """

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact

    def result(self, result: StageResult) -> StageResult:
        """Seal how a stage ended."""
        mask = self.own if result.stage is Stage.CONFIG else self._heard
        return replace(
            result,
            summary=_message(result.summary, mask),
            facts=_through(result.facts, mask, self._together if mask == self._heard else None),
            evidence=tuple(map(self.evidence, result.evidence)),
        )

    def finding(self, finding: Finding) -> Finding:
        """Seal a finding; its names are of the catalogue."""
        return replace(finding, evidence=self.evidence(finding.evidence))

    def evidence(self, evidence: Evidence) -> Evidence:
        """Seal evidence. Its origin is the user's own, and so is all that the config stage found."""
        mask = self.own if evidence.stage is Stage.CONFIG else self._heard
        return replace(
            evidence,
            text=mask(evidence.text),
            facts=_values(evidence.facts, mask),
            origin=self._origin(evidence.origin) if evidence.origin else None,
        )

    def said(self, message: Message) -> Message:
        """Seal what is said of the user's own settings."""
        return _message(message, self.own)

    def settings(self, settings: Settings) -> Settings:
        """Seal settings: a password that stands where a name belongs is one all the same."""
        changed = {
            name: self._setting(value)
            for name in settings.__struct_fields__
            if isinstance(value := getattr(settings, name), Setting)
        }
        return replace(settings, **changed, switches=tuple(map(self._origin, settings.switches)))

    def _setting(self, setting: Setting[Any]) -> Setting[Any]:
        value = self.own(setting.value) if type(setting.value) is str else setting.value
        overrides = tuple(map(self._setting, setting.overrides))
        return Setting(value, self._origin(setting.origin), overrides)

    def _origin(self, origin: Origin) -> Origin:
        if not (origin.path or origin.text):
            return origin
        text = "\n".join(map(self.own, origin.text.split("\n")))
        return replace(origin, path=origin.path and self.own(origin.path), text=text)

    def own(self, text: str) -> str:
        """Return a text of the user's own as it may be shown."""
        return self._shown(text, self._redact.own)

    def _heard(self, text: str) -> str:
        return self._shown(text, self._redact)

    def _together(self, texts: Sequence[str]) -> Sequence[str]:
        """Return what is told as a list, masked as a whole: a secret may stand in pieces in its elements."""
        known = {one for one in texts if one in _NO_PIECES or _SIZE.fullmatch(one)}
        given = [one for one in texts if one not in known]
        if len(given) < 2:  # noqa: PLR2004
            return texts
        if all(map(_HOST.fullmatch, given)):
            # Without what parts them they are one word, which takes long to be read.
            joined = " ".join(given)
            if self._redact(joined) == joined:
                return texts
        left = iter(self._redact.together(given))
        return [one if one in known else next(left) for one in texts]

    def _shown(self, text: str, mask: Mask) -> str:
        harmless = self._redact.harmless
        if not text or text in harmless:
            return text
        shown = without_credentials(mask(text))
        if shown == text and self._redact.is_plain(text):
            harmless.add(text)
        return shown


def _message(message: Message, mask: Mask) -> Message:
    return Message(message.key, _values(message.values, mask)) if message.values else message


def _values(values: Mapping[str, T], mask: Mask) -> dict[str, T]:
    return {
        name: value if name in _OURS else _shortened(_through(value, mask)) for name, value in values.items()
    }


def _shortened(value: T) -> T:
    """Cut what is long, once it is masked: the first part of a secret would not be known as one."""
    if isinstance(value, str) and len(value) > _MOST:
        return f"{value[:_MOST]}…"  # type: ignore[return-value] # a text stays a text
    return value


def _through(value: T, mask: Mask, together: Together | None = None) -> T:
    """Return a value with all its texts masked; words of a closed vocabulary are no texts.

    ``together`` masks the elements of a list before each is masked by itself.
    """
    given: Any = value
    found: Any = value
    if type(given) is str:
        found = mask(given)
    elif isinstance(given, Message):
        found = _message(given, mask)
    elif isinstance(given, Struct):
        fields = given.__struct_fields__
        found = type(given)(**{name: _through(getattr(given, name), mask, together) for name in fields})
    elif isinstance(given, tuple | list | frozenset):
        if together is not None and len(given) > 1 and {type(one) for one in given} == {str}:
            given = type(given)(together([*given]))
        found = type(given)(_through(one, mask, together) for one in given)
    elif isinstance(given, Mapping):
        found = {name: _through(one, mask, together) for name, one in given.items()}
    return found  # type: ignore[no-any-return]


def secrets_of(settings: Settings) -> list[str]:
    """Return every password that the sources gave, also those that a stronger one has overridden.

    A host that is more than a name may hold a login, which is to be masked elsewhere, too.
    """
    found: list[str] = []
    if settings.password is not None:
        every = (settings.password, *settings.password.overrides)
        found = [one.value.reveal() for one in every if isinstance(one.value, Secret)]
    host = settings.host
    if host is not None and any(sign in host.value for sign in "/@?"):
        from smtpdoctor.masking.guess import credentials_in

        found += credentials_in(host.value)
    return found


def public_of(settings: Settings) -> list[str]:
    """Return what a report shows anyway: a piece of it that a password shares is no secret by itself."""
    names = ("host", "username", "sender", "recipient", "ehlo")
    return [found.value for name in names if (found := getattr(settings, name)) is not None]
