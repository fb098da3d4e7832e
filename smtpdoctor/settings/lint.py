"""What can be said about settings without any network. Pure: settings in, evidence out."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any, Final

from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.schema import Preset
from smtpdoctor.labels import Label, meaning
from smtpdoctor.masking.words import printable_facts
from smtpdoctor.model import Evidence, Security, Setting, SettingName, Settings, Stage
from smtpdoctor.settings.resolve import IMPLICIT_TLS_PORTS, STARTTLS_PORTS, Loaded
from smtpdoctor.settings.target import is_loopback
from smtpdoctor.smtp.command import MailboxError, mailbox

__all__ = [
    "fits_username",
    "is_blocking",
    "is_placeholder",
    "is_placeholder_host",
    "lint",
]

_PLACEHOLDER: Final = r"""your[-_ .]?(?:.*[-_ ])?(?:password|passwd|pass|pw|secret|key|token|user(?:name)?|e?mail|host|server|address|login|id|account|api)\b.*
    |your[-_].+|.*[-_. ](?:goes[-_ ])?here|<.*>|\[[^\]:]*\]|\{\{.*\}\}|\$\{\w+\}|(?-i:\$[A-Z_][A-Z0-9_]*)|%\w+%
    |change[-_ ]?(?:me|this|it)(?![^\W_]).*|replace[-_ ]?(?:me|this|with)?(?![^\W_]).*|enter[-_ ].+|insert[-_ ].+|fill[-_ ]?(?:me|in)\b.*
    |x{3,}|\*{3,}|\.{3,}|todo\b.*
    |SG\.x{3,}.*|re_x{3,}.*|앱[ _-]?비밀번호.*"""
# A value without any of these is no placeholder; it spares the pattern above its 2 ms.
_HINTS: Final = (
    "your", "here", "<", "[", "{", "$", "%", "change", "replace", "enter", "insert", "fill", "xxx",
    "***", "...", "todo", "비밀번호",
)  # fmt: skip
_PLACEHOLDER_WORDS: Final = frozenset(
    {
        "tbd", "dummy", "placeholder", "secret", "password", "passwd", "example", "비밀번호",
        "app-password", "app_password", "app password", "api-key", "api_key", "api key",
    }
)  # fmt: skip
_PLACEHOLDER_HOST: Final = r"(?:.*\.)?(?:your-?(?:domain|host|server|provider|company)|mydomain|my-?domain)\.[a-z]+|(?:smtp|mail)\.(?:example|provider|host)\.(?:com|org|net)|host\.com"
_NEAR: Final = 0.88
# What is worth knowing beside what is wrong: none of it says that a setting cannot be used.
_REMARKS: Final = frozenset({Label.OVERRIDDEN, Label.NEAR_NAME, Label.FOREIGN_NAME, Label.LOGIN_ELSEWHERE})
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
    loaded: Loaded, *, needs_sender: bool = True, cleartext_allowed: bool = False
) -> tuple[Evidence, ...]:
    """Return all that is wrong or odd with the settings: what could not be read first, remarks last.

    ``cleartext_allowed``: the user said that a login may go unencrypted, so it is not refused.
    """
    settings = loaded.settings
    preset = load.preset_with_id(settings.preset)
    remarks = [one for one in loaded.evidence if one.labels <= _REMARKS]
    found = [one for one in loaded.evidence if one not in remarks]
    unusable = {one.setting for one in found}
    needed: tuple[SettingName, ...] = ("host", "port", "sender") if needs_sender else ("host", "port")
    absent = (name for name in needed if settings.get(name) is None and name not in unusable)
    found += (_about(name, None, Label.MISSING) for name in absent)
    found += _host(settings)
    found += _security(settings, preset, cleartext_allowed=cleartext_allowed)
    found += _cipher(settings)
    told = any(
        Label.OTHER_HOST in one.labels
        or (Label.BAD_LINE in one.labels and one.setting in {"username", "password"})
        for one in found
    )
    found += (one for one in _login(settings, preset) if not (told and Label.HALF_LOGIN in one.labels))
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


def _host(settings: Settings) -> Iterator[Evidence]:
    setting = settings.host
    if setting is None:
        return
    raw = setting.value
    host = raw.strip()
    if "://" in host:
        yield _about("host", setting, Label.HOST_HAS_SCHEME, value=host, **_expected(host))
    elif raw != host or re.search(r"\s", host):
        yield _about("host", setting, Label.HOST_HAS_BLANK, value=raw, **_expected(host))
    elif not _is_address(host) and re.search(r":\d*$", host):
        behind = host.rpartition(":")[2]
        known = settings.port is not None and str(settings.port.value) == behind
        more = {} if known or not behind else {"behind": behind}
        yield _about("host", setting, Label.HOST_HAS_PORT, value=host, **_expected(host), **more)
    elif settings.preset is None and (is_placeholder_host(host) or is_placeholder(host)):
        yield _about("host", setting, Label.PLACEHOLDER, value=host)
    elif not _is_address(host) and not _valid_name(host):
        yield _about("host", setting, Label.HOST_BAD_NAME, **_told(host))
    elif settings.preset is None and (near := _near_miss(host)):
        yield _about("host", setting, Label.HOST_NEAR_MISS, value=host, known=near)


def is_placeholder_host(host: str) -> bool:
    """Whether a host is what templates put where a host belongs."""
    if not any(hint in host.lower() for hint in ("your", "domain", "example", "provider", "host.")):
        return False
    return bool(re.fullmatch(_PLACEHOLDER_HOST, host, re.IGNORECASE))


def _expected(text: str) -> dict[str, str]:
    """Return the name in a host that has more than its name, if there is a usable one."""
    bare = (text.partition("://")[2] or text).rpartition("@")[2]
    parts = re.split(r"[\s:/?#]", bare.strip(), maxsplit=1)
    return {"expected": parts[0]} if _valid_name(parts[0]) else {}


def _told(text: str, *, words: bool = False) -> dict[str, str]:
    """Return the facts about a value that is none: the whole of it, or its length where it may be a secret.

    ``words``: it should be words of a short list, so that whatever else it is may be one. It is masked and
    cut where it is shown, and not here: a piece of a secret would not be known as one.
    """
    from smtpdoctor.masking.guess import is_harmless, looks_random

    may_show = is_harmless(text) if words else not looks_random(text)
    return {"value": text} if may_show else {"length": str(len(text))}


def _valid_name(host: str) -> bool:
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return False
    labels = name.removesuffix(".").split(".")
    return len(name) <= 254 and all(map(_valid_label, labels))  # noqa: PLR2004 -- RFC 1035


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


def _near_miss(host: str) -> str | None:
    """Return the known host that a name was probably meant to be."""
    name = host.rstrip(".").lower()
    if "." not in name or _is_address(name):
        return None
    known: dict[str, str] = {}
    for preset in load.presets().values():
        if preset.kind == "local":
            continue
        if name in preset.mail_domains:
            return preset.host
        known |= {one: one for one in (preset.host, *preset.hosts) if "*" not in one}
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1, _NEAR)
    return near[0] if near else None


def _security(settings: Settings, preset: Preset | None, *, cleartext_allowed: bool) -> Iterator[Evidence]:
    port, security, host = settings.port, settings.security, settings.host
    if port is None or security is None:
        return
    endpoints = [one for one in preset.endpoint if one.port == port.value] if preset else []
    implicit = {one.security is Security.TLS for one in endpoints} or (
        {True}
        if port.value in IMPLICIT_TLS_PORTS
        else {False}
        if port.value in STARTTLS_PORTS or port.value == 25  # noqa: PLR2004
        else set()
    )
    facts = {"port": str(port.value)}
    if security.value is Security.TLS and implicit == {False}:
        yield _about("security", security, Label.TLS_ON_STARTTLS_PORT, **facts)
    elif security.value is not Security.TLS and implicit == {True}:
        label = Label.PLAIN_ON_TLS_PORT if security.value is Security.NONE else Label.STARTTLS_ON_TLS_PORT
        yield _about("security", security, label, **facts)
    elif preset and preset.kind != "local" and not endpoints:
        ports = ", ".join(dict.fromkeys(str(one.port) for one in preset.endpoint))
        yield _about("port", port, Label.PORT_NOT_OFFERED, value=str(port.value), ports=ports)
    elif (
        security.value is Security.NONE and host and not is_loopback(host.value) and settings.password is None
    ):
        # With a login the auth stage refuses to go on, which is an error of its own.
        yield _about("security", security, Label.NO_ENCRYPTION, **facts)
    elif security.value is Security.NONE and host and not is_loopback(host.value):
        label = Label.CLEARTEXT_ALLOWED if cleartext_allowed else Label.CLEARTEXT
        yield _about("security", security, label, **facts)


def _cipher(settings: Settings) -> Iterator[Evidence]:
    if settings.cipher is None:
        return
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(settings.cipher.value)
    except (ssl.SSLError, ValueError):
        text = settings.cipher.value
        yield _about("cipher", settings.cipher, Label.BAD_CIPHER, **_told(text, words=True))


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
    if username is not None and not fits_username(username.value, preset):
        facts = {"value": username.value}
        if preset.username.form == "literal" and preset.username.value:
            facts["expected"] = preset.username.value
        yield _about("username", username, Label.USERNAME_FORM, **facts)
    if password is not None and preset.password.pattern:
        text = password.value.reveal()
        if preset.password.strip_spaces:
            text = re.sub(r"\s", "", text)
        if not is_placeholder(text) and not load.fits(preset.password.pattern, text, preset):
            # An OAuth token is no password, and no pattern is about it.
            from smtpdoctor.smtp.sasl import looks_like_token

            if not looks_like_token(text):
                yield _about("password", password, Label.PASSWORD_FORM, expected=preset.password.kind)


def _credential(name: SettingName, setting: Setting[Any], text: str) -> Iterator[Evidence]:
    bare = text.strip()
    if is_placeholder(text):
        yield _about(name, setting, Label.PLACEHOLDER)
    elif len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'`":
        yield _about(name, setting, Label.QUOTED)
    elif not text.isprintable() and re.search(_CONTROL, text):
        yield _about(name, setting, Label.CONTROL_CHARACTER)
    elif text != bare:
        yield _about(name, setting, Label.BLANK_AROUND)


def fits_username(username: str, preset: Preset) -> bool:
    """Whether a user name has the form that a provider takes."""
    match preset.username.form:
        case "literal":
            return username == preset.username.value
        case "email":
            return "@" in username.strip("@")
        case "local-part":
            return "@" not in username
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
        elif name == "sender" and preset and preset.sender.rule in {"login-address", "rewritten"}:
            yield from _sender_against_login(settings, preset, setting, address)


def _sender_against_login(
    settings: Settings, preset: Preset, setting: Setting[str], address: str
) -> Iterator[Evidence]:
    if settings.username is None or address.lower() == settings.username.value.strip().lower():
        return
    username = settings.username.value.strip()
    if "@" not in username and address.partition("@")[0].lower() == username.lower():
        return  # the bare id of the same mailbox
    if preset.mail_domains or "@" in username:
        yield _about("sender", setting, Label.SENDER_NOT_LOGIN, value=address, expected=username)
