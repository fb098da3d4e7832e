"""What can be said about settings without any network. Pure: settings in, evidence out."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec.structs import replace

from smtpdoctor.formats import SOURCE_CODE
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.schema import Preset, Refused
from smtpdoctor.labels import Label, meaning
from smtpdoctor.masking.words import printable_facts
from smtpdoctor.model import Evidence, Secret, Security, Setting, SettingName, Settings, Stage
from smtpdoctor.settings.hosts import meant_host
from smtpdoctor.settings.resolve import IMPLICIT_TLS_PORTS, STARTTLS_PORTS, Loaded
from smtpdoctor.settings.target import is_loopback
from smtpdoctor.smtp.command import DomainError, MailboxError, a_labels, mailbox

__all__ = [
    "TYPOGRAPHIC",
    "fits_username",
    "is_blocking",
    "is_piece",
    "is_placeholder",
    "is_placeholder_host",
    "lint",
]

_PLACEHOLDER: Final = r"""your[-_ .]?(?:.*[-_ ])?(?:password|passwd|pass|pw|secret|key|token|user(?:name)?|e?mail|host|server|address|login|id|account|api)\b.*
    |your[-_].+|.*[-_. ](?:goes[-_ ])?here|<.*>|\[[^\]:]*\]|\{\{.*\}\}|\$\{\w+\}|(?-i:\$[A-Z_][A-Z0-9_]*)|%\w+%
    |change[-_ ]?(?:me|this|it)(?![^\W_]).*|replace[-_ ]?(?:me|this|with)?(?![^\W_]).*|enter[-_ ].+|insert[-_ ].+|fill[-_ ]?(?:me|in)\b.*
    |x{3,}(?:[- ]x{3,})*|\*{3,}|\.{3,}|todo\b.*
    |[a-z]{1,9}[-_.](?:x{3,}|your[-_. ]).*|앱[ _-]?비밀번호.*"""
# A value without any of these is no placeholder; it spares the pattern above its 2 ms.
_HINTS: Final = (
    "your", "here", "<", "[", "{", "$", "%", "change", "replace", "enter", "insert", "fill", "xxx",
    "***", "...", "todo", "비밀번호",
)  # fmt: skip
_PLACEHOLDER_WORDS: Final = frozenset(
    {
        "tbd", "dummy", "placeholder", "re_123456789", "secret", "password", "passwd", "example", "비밀번호",
        "app-password", "app_password", "app password", "api-key", "api_key", "api key",
    }
)  # fmt: skip
_PLACEHOLDER_HOST: Final = r"(?:.*\.)?(?:your-?(?:domain|host|server|provider|company)|mydomain|my-?domain)\.[a-z]+|(?:smtp|mail)\.(?:example|provider|host)\.(?:com|org|net)|host\.com"
_LOGIN: Final = frozenset({"username", "password"})
_READING_PORTS: Final = frozenset({110, 143, 993, 995})  # POP3 and IMAP, and both within TLS (RFC 8314)
_SINK_PORT: Final = 1025  # MailHog, Mailpit, MailCatcher, maildev: no TLS, and mail that goes nowhere
# What is worth knowing beside what is wrong: none of it says that a setting cannot be used.
_REMARKS: Final = frozenset({Label.OVERRIDDEN, Label.NEAR_NAME, Label.FOREIGN_NAME, Label.LOGIN_ELSEWHERE})
_LINE_ENDS: Final = frozenset({Label.TRAILING_NEWLINE, Label.CARRIAGE_RETURN})
_LEFT_OVER: Final = frozenset({Label.CONTROL_CHARACTER, Label.BLANK_AROUND})
# What a syntax leaves in a value, and how it shows in a host.
_MARKS: Final = _LINE_ENDS | {Label.QUOTES_KEPT, Label.BLANKS_KEPT}
_SHOWN_IN_HOST: Final = frozenset({Label.HOST_HAS_BLANK, Label.HOST_BAD_NAME})
# Behind a setting of ciphers: without what nobody proves himself with, or what encrypts nothing.
_PROTECTING: Final = ":!aNULL:!eNULL:!PSK:!SRP"
TYPOGRAPHIC: Final = {
    "“": "”",
    "”": "”",
    "„": "“”",
    "‘": "’",
    "’": "’",
    "‚": "‘’",
    "«": "»",
    "»": "«",
    "「": "」",
}
"""What web pages and word processors make of quotes: which of them close which."""
_QUOTES: Final = {**{one: one for one in "\"'`"}, **TYPOGRAPHIC}
# What no mechanism can say (RFC 4616 section 2): NUL, which ends a part, and what has no bytes in UTF-8. Other
# control characters are odd, but servers take them in a password.
_UNSENDABLE: Final = r"[\x00\ud800-\udfff]"
_CONTROL: Final = r"[\x00-\x08\x0a-\x1f\x7f]"


def is_placeholder(text: str) -> bool:
    """Whether a text is what templates put where a value belongs."""
    bare = text.strip()
    lowered = bare.lower()
    if lowered in _PLACEHOLDER_WORDS:
        return True
    if not any(hint in lowered for hint in _HINTS):
        return False
    return bool(re.fullmatch(_PLACEHOLDER, bare, re.IGNORECASE | re.VERBOSE))


def is_blocking(evidence: Evidence) -> bool:
    """Whether a run cannot go on to the network."""
    return any(meaning(label, evidence.setting).blocks for label in evidence.labels)


def lint(
    loaded: Loaded, *, needs_sender: bool = True, needs_login: bool = True, cleartext_allowed: bool = False
) -> tuple[Evidence, ...]:
    """Return all that is wrong or odd with the settings: what could not be read first, remarks last.

    ``needs_login``: say so where a provider wants a login and none is set; a run that goes on to the
    network finds that out by itself, if it comes so far.
    ``cleartext_allowed``: the user said that a login may go unencrypted, so it is not refused.
    """
    settings = loaded.settings
    preset = load.preset_with_id(settings.preset)
    remarks = [one for one in loaded.evidence if one.labels <= _REMARKS]
    found = [one for one in loaded.evidence if one not in remarks]
    unusable = {one.setting for one in found} | loaded.unknown
    needed: tuple[SettingName, ...] = ("host", "port", "sender") if needs_sender else ("host", "port")
    absent = (name for name in needed if settings.get(name) is None and name not in unusable)
    if loaded.judged is None:
        found += (_about(name, None, Label.MISSING) for name in absent)
    found = _with_host(found, tuple(_host(settings)))
    found += (
        _at_port(one, loaded) for one in _security(settings, preset, cleartext_allowed=cleartext_allowed)
    )
    found += _cipher(settings)
    told = any(
        Label.OTHER_HOST in one.labels
        or (Label.BAD_LINE in one.labels and one.setting in {"username", "password"})
        for one in found
    )
    told = told or loaded.judged is not None  # by the application's own rule
    ended = {one.setting for one in found if one.labels & _LINE_ENDS}
    found += (
        one
        for one in _login(settings, preset)
        if not (told and Label.HALF_LOGIN in one.labels)
        # What the file's syntax has left at the end of a value is told as that.
        and not (one.setting in ended and one.labels & _LEFT_OVER)
    )
    if needs_login and (not told or loaded.judged is not None) and not loaded.unknown & _LOGIN:
        found += _no_login(settings, preset)
    found += _sender(settings, preset)
    return (*found, *remarks)


def _about(name: SettingName, setting: Setting[Any] | None, *labels: Label, **facts: str) -> Evidence:
    return Evidence(
        stage=Stage.CONFIG,
        labels=frozenset(labels),
        setting=name,
        origin=setting.origin if setting else None,
        facts=printable_facts(name=setting.origin.name, **facts) if setting else printable_facts(**facts),
    )


def _with_host(found: list[Evidence], of_host: tuple[Evidence, ...]) -> list[Evidence]:
    """Return evidence with that about the host: what the file's syntax has left in it is one fault and not two."""
    marks = [one for one in found if one.setting == "host" and one.labels & _MARKS]
    wrong = next((one for one in of_host if one.labels & _SHOWN_IN_HOST), None)
    if not marks or wrong is None or not _is_left_over(wrong.facts.get("value", "")):
        return [*found, *of_host]
    labels = wrong.labels.union(*(one.labels for one in marks))
    facts = {name: text for one in (*marks, wrong) for name, text in one.facts.items()}
    joined = replace(wrong, labels=labels, facts=facts)
    rest = [one for one in found if one not in marks]
    return [*rest, *(joined if one is wrong else one for one in of_host)]


def _is_left_over(text: str) -> bool:
    """Whether a host is one but for what stands around it."""
    bare = re.sub(r"(?:\\x[0-9a-f]{2})+$", "", text.strip()).strip("\"' \t\r\n")
    return bool(bare) and _strange_in(bare) is None and re.search(r"\s", bare) is None


def _host(settings: Settings) -> Iterator[Evidence]:
    setting = settings.host
    if setting is None:
        return
    raw = setting.value
    host = raw.strip()
    meant = _expected(host, settings)
    if "://" in host:
        yield _about("host", setting, Label.HOST_HAS_SCHEME, value=host, **meant)
    elif raw != host or re.search(r"\s", host):
        at_end = raw.rstrip("\r\n") != raw and re.search(r"\s", host) is None
        ends = (Label.TRAILING_NEWLINE,) if at_end else ()
        yield _about("host", setting, Label.HOST_HAS_BLANK, *ends, value=raw, **meant)
    elif _is_address(host):
        return
    elif re.search(r":\d*$", host):
        behind = host.rpartition(":")[2]
        known = settings.port is not None and str(settings.port.value) == behind
        more = {} if known or not behind or is_piece(behind, host, settings) else {"behind": behind}
        yield _about("host", setting, Label.HOST_HAS_PORT, value=host, **meant, **more)
    elif not _at_provider(settings.preset) and (is_placeholder_host(host) or is_placeholder(host)):
        yield _about("host", setting, Label.PLACEHOLDER, value=host)
    elif (strange := _strange_in(host)) is not None:
        more = {"sign": strange} if strange and not strange.isascii() else {}
        yield _about("host", setting, Label.HOST_BAD_NAME, **_told(host), **more)
    elif load.names().of_host(host) is None and (near := meant_host(host, load.names())):
        yield _about("host", setting, Label.HOST_NEAR_MISS, value=host, known=near)


def _at_provider(preset: str | None) -> bool:
    """Whether the host is known, or at least said to be, a provider's."""
    known = load.preset_with_id(preset)
    return known is not None and not known.anywhere


def is_placeholder_host(host: str) -> bool:
    """Whether a host is what templates put where a host belongs."""
    if not any(hint in host.lower() for hint in ("your", "domain", "example", "provider", "host.")):
        return False
    return bool(re.fullmatch(_PLACEHOLDER_HOST, host, re.IGNORECASE))


def _expected(text: str, settings: Settings) -> dict[str, str]:
    """Return the name in a host that has more than its name, if there is a usable one."""
    bare = (text.partition("://")[2] or text).rpartition("@")[2]
    name = re.split(r"[\s:/?#]", bare.strip(), maxsplit=1)[0]
    return {"expected": name} if _strange_in(name) is None and not is_piece(name, text, settings) else {}


def is_piece(part: str, text: str, settings: Settings) -> bool:
    """Whether a part of a text is one of the password that stands in it: cut out, nobody would know it as that."""
    given = (settings.password, *settings.password.overrides) if settings.password else ()
    secrets = (one.value.reveal().strip() for one in given if isinstance(one.value, Secret))
    return any(one and one in text and part in one for one in secrets)


def _told(text: str, *, words: bool = False) -> dict[str, str]:
    """Return the facts about a value that is none: the whole of it, or its length where it may be a secret.

    ``words``: it should be words of a short list, so that whatever else it is may be one. It is masked and
    cut where it is shown, and not here: a piece of a secret would not be known as one.
    """
    from smtpdoctor.masking.guess import is_harmless, looks_random

    may_show = is_harmless(text) if words else not looks_random(text)
    return {"value": text} if may_show else {"length": str(len(text))}


def _strange_in(host: str) -> str | None:
    """Return the sign by which a host can be no name, "" where it is none by its form, None where it can be one."""
    try:
        name = a_labels(host)
    except DomainError as error:
        return error.sign
    labels = name.removesuffix(".").split(".")
    fits = len(name) <= 254 and all(map(_valid_label, labels))  # noqa: PLR2004 -- RFC 1035
    return None if fits else ""


def _valid_label(label: str) -> bool:
    # Underscores are no host name (RFC 1123), but names of containers have them.
    plain = label.replace("-", "").replace("_", "")
    fits = 0 < len(label) < 64  # noqa: PLR2004 -- RFC 1035
    return fits and plain.isalnum() and plain.isascii() and label[0] != "-" != label[-1]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def _security(settings: Settings, preset: Preset | None, *, cleartext_allowed: bool) -> Iterator[Evidence]:
    port, security, host = settings.port, settings.security, settings.host
    if port is None or security is None:
        return
    offered = preset.endpoints_at(host.value if host else None) if preset else ()
    endpoints = [one for one in offered if one.port == port.value]
    implicit = {one.security is Security.TLS for one in endpoints} or (
        {True}
        if port.value in IMPLICIT_TLS_PORTS
        else {False}
        if port.value in STARTTLS_PORTS or port.value == 25  # noqa: PLR2004
        else set()
    )
    facts = {"port": str(port.value)}
    if port.value in _READING_PORTS and not endpoints:
        yield _about("port", port, Label.READING_PORT, value=str(port.value))
    elif security.value is Security.TLS and implicit == {False}:
        yield _about("security", security, Label.TLS_ON_STARTTLS_PORT, **facts)
    elif security.value is not Security.TLS and implicit == {True}:
        label = Label.PLAIN_ON_TLS_PORT if security.value is Security.NONE else Label.STARTTLS_ON_TLS_PORT
        yield _about("security", security, label, **facts)
    elif preset and preset.ports_complete and not endpoints:
        ports = ", ".join(dict.fromkeys(str(one.port) for one in offered))
        yield _about("port", port, Label.PORT_NOT_OFFERED, value=str(port.value), ports=ports)
    elif security.value is not Security.NONE or host is None or is_loopback(host.value):
        return
    elif settings.password is None and port.value != _SINK_PORT:
        # With a login the auth stage refuses to go on, which is an error of its own.
        yield _about("security", security, Label.NO_ENCRYPTION, **facts)
    elif settings.password is not None:
        label = Label.CLEARTEXT_ALLOWED if cleartext_allowed else Label.CLEARTEXT
        yield _about("security", security, label, **facts)


def _at_port(evidence: Evidence, loaded: Loaded) -> Evidence:
    """Tell of a mode at the port where no word for the flag that decides would change it, or none stands there."""
    port = loaded.settings.port
    if loaded.judged is None or evidence.setting != "security" or port is None:
        return evidence
    if loaded.mode_at is not None:
        return replace(evidence, origin=loaded.mode_at)
    return replace(evidence, origin=port.origin, setting="port")


def _cipher(settings: Settings) -> Iterator[Evidence]:
    if settings.cipher is None:
        return
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for rest, label in (("", Label.BAD_CIPHER), (_PROTECTING, Label.NULL_CIPHER)):
        try:
            context.set_ciphers(settings.cipher.value + rest)
        except (ssl.SSLError, ValueError):
            yield _about("cipher", settings.cipher, label, **_told(settings.cipher.value, words=True))
            return


def _login(settings: Settings, preset: Preset | None) -> Iterator[Evidence]:
    username, password = settings.username, settings.password
    if (username is None) != (password is None):
        given: SettingName = "username" if password is None else "password"
        yield _about(given, username or password, Label.HALF_LOGIN)
    if username is not None:
        yield from _credential("username", username, username.value)
    if password is not None:
        yield from _credential("password", password, password.value.reveal())
    if preset is None:
        return
    if username is not None and not is_placeholder(username.value):
        yield from _username(settings, preset, username)
    if password is not None:
        yield from _password(preset, password, username.value.strip() if username else "")


def _username(settings: Settings, preset: Preset, setting: Setting[str]) -> Iterator[Evidence]:
    username = setting.value.strip()
    facts = _told(setting.value)
    if pattern := _refused(username, preset.username.refused, username, preset):
        yield _about("username", setting, Label.WRONG_CREDENTIAL, refused=pattern, **facts)
    elif not fits_username(setting.value, preset):
        if preset.username.form == "literal" and preset.username.value:
            facts["expected"] = preset.username.value
        yield _about("username", setting, Label.USERNAME_FORM, **facts)
    elif settings.host is not None and (meant := _host_of_login(username, settings.host.value, preset)):
        yield _about("host", settings.host, Label.OTHER_MAIL_DOMAIN, known=meant, login=username)


def _host_of_login(username: str, host: str, preset: Preset) -> str | None:
    """Return the host at which an address logs in, where that is another of the provider's hosts."""
    meant = preset.domain_hosts.get(username.rpartition("@")[2].lower())
    here = host.strip().rstrip(".").lower()
    return meant if meant not in {None, here} and here in {preset.host, *preset.hosts} else None


def _password(preset: Preset, setting: Setting[Any], username: str) -> Iterator[Evidence]:
    text = setting.value.reveal()
    if preset.password.strip_spaces:
        text = re.sub(r"\s", "", text)
    if is_placeholder(text):
        return
    if _is_quoted(bare := text.strip()):
        text = bare[1:-1]  # which is told as that, and once
    if pattern := _refused(text.strip(), preset.password.refused, username, preset):
        yield _about("password", setting, Label.WRONG_CREDENTIAL, refused=pattern)
    elif preset.password.kind == "oauth2" or (
        preset.password.pattern and not load.fits(preset.password.pattern, text, preset)
    ):
        # An OAuth token is no password, and no pattern is about it.
        from smtpdoctor.smtp.sasl import looks_like_token

        if looks_like_token(text):
            return
        label = Label.NO_TOKEN if preset.password.kind == "oauth2" else Label.PASSWORD_FORM
        yield _about("password", setting, label, length=str(len(text)))


def _refused(text: str, kinds: Sequence[Refused], username: str, preset: Preset) -> str | None:
    """Return the pattern by which a value is known to be of a kind that never logs in."""
    for one in kinds:
        twins = not one.unequal or (text != username and load.occurs(one.pattern, username, preset))
        if twins and load.occurs(one.pattern, text, preset):
            return one.pattern
    return None


def _no_login(settings: Settings, preset: Preset | None) -> Iterator[Evidence]:
    """Say that a provider wants a login, where there is none at all."""
    if preset is None or settings.host is None or settings.username or settings.password:
        return
    if preset.needs_login(settings.host.value):
        yield _about("username", None, Label.NO_CREDENTIALS)


def _credential(name: SettingName, setting: Setting[Any], text: str) -> Iterator[Evidence]:
    bare = text.strip()
    if not text.isprintable() and re.search(_UNSENDABLE, text):
        yield _about(name, setting, Label.UNSENDABLE)
    elif is_placeholder(text):
        yield _about(name, setting, Label.PLACEHOLDER)
    elif _is_quoted(bare):
        yield _about(name, setting, Label.QUOTED)
    elif not text.isprintable() and re.search(_CONTROL, text):
        yield _about(name, setting, Label.CONTROL_CHARACTER)
    elif text != bare:
        yield _about(name, setting, Label.BLANK_AROUND)


def _is_quoted(bare: str) -> bool:
    """Whether a text stands in quotes, also in those that word processors and pages make of them."""
    return len(bare) > 1 and bare[-1] in _QUOTES.get(bare[0], "")


def fits_username(username: str, preset: Preset) -> bool:
    """Whether a user name has the form that a provider takes."""
    match preset.username.form:
        case "literal":
            return load.takes_word(username, preset)
        case "email":
            # With a name before it, it is what stands in a From header.
            return "@" in username.strip("@") and re.search(r"\S\s|[<>]", username.strip()) is None
        case "local-part":
            return "@" not in username
        case "email-or-local":
            return not username.startswith("@") and not username.endswith("@")
        case "regex":
            return load.fits(preset.username.value or "", username, preset)
        case _:
            return True


def _sender(settings: Settings, preset: Preset | None) -> Iterator[Evidence]:
    for name, setting in (("sender", settings.sender), ("recipient", settings.recipient)):
        if setting is None:
            continue
        try:
            address = mailbox(setting.value)
        except MailboxError:
            yield _about(name, setting, Label.NOT_AN_ADDRESS, **_told(setting.value))  # type: ignore[arg-type]
            continue
        if name == "sender" and is_placeholder(address.partition("@")[0]) and address.startswith("your"):
            yield _about("sender", setting, Label.PLACEHOLDER, value=address)
        elif name == "sender":
            ruled: list[Evidence] = []
            if preset and settings.host and preset.needs_login(settings.host.value):
                ruled = list(_sender_against_rule(settings, preset, setting, address))
            sample = _brought_along(settings, address)
            unsaid = all(Label.SENDER_NOT_OWN in one.labels for one in ruled)  # it may still be an alias
            yield from [sample] if sample is not None and unsaid else ruled


def _brought_along(settings: Settings, address: str) -> Evidence | None:
    """Return evidence for a sender that an application has where none is set: whoever sends by it, it is not his.

    Not for a server on this machine or beside it: what only catches mail takes any sender.
    """
    setting, host = settings.sender, settings.host.value.strip() if settings.host is not None else ""
    if setting is None or settings.app is None or settings.app in load.apps():
        return None
    if "." not in host or is_loopback(host):
        return None
    dialect = load.dialect(settings.app)
    key = dialect.keys.get("sender") if dialect is not None else None
    if dialect is None or key is None or address.lower() != str(key.default).lower():
        return None
    # Whoever is set up in code may name another sender there for each message.
    by_code = (Label.SENDER_BY_CODE,) if not SOURCE_CODE.isdisjoint(dialect.syntaxes) else ()
    told = {"app": dialect.id, "app_name": dialect.name.en, "value": address}
    return _about("sender", setting, Label.DEFAULT_SENDER, *by_code, **told)


def _sender_against_rule(
    settings: Settings, preset: Preset, setting: Setting[str], address: str
) -> Iterator[Evidence]:
    """Hold the sender against what the provider lets through."""
    domain = address.rpartition("@")[2].lower()
    match preset.sender.rule:
        case "verified-domain":
            if domain in load.names().free:
                yield _about("sender", setting, Label.FREE_MAIL_SENDER, value=address, domain=domain)
        case "login-address" | "login-or-alias" | "rewritten" as rule:
            login = settings.username.value.strip() if settings.username else ""
            if login and not is_placeholder(login) and not _is_own_sender(login, address, preset):
                label = Label.SENDER_NOT_LOGIN if rule == "login-address" else Label.SENDER_NOT_OWN
                yield _about("sender", setting, label, value=address, expected=login)


def _is_own_sender(username: str, address: str, preset: Preset) -> bool:
    """Whether a sender is the address of a login, as far as the two alone can tell."""
    login, sender = username.lower(), address.lower()
    if login == sender or login == f"*@{sender.rpartition('@')[2]}":
        return True  # a password for all addresses of a domain
    if "@" not in login:
        # The bare id of the same mailbox, or a login that is no address at all.
        return sender.partition("@")[0] == login or not preset.mail_domains
    # An account may go by an address elsewhere; which mailbox it has then, only the provider knows.
    theirs = tuple(one.rpartition("@")[2] in preset.mail_domains for one in (login, sender))
    return preset.sender.rule == "login-or-alias" and theirs == (False, True)
