"""What may mend a finding: changes worth a try, the nearest to what stands there first. Pure.

None of them is right for being listed here: whoever takes one tries it (``fix.plan``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches
from email.utils import parseaddr
from fnmatch import fnmatchcase
from typing import Final

from smtpdoctor.fix.operations import Operation
from smtpdoctor.fix.state import Found, Subject
from smtpdoctor.formats.document import Assignment, Kind
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.dialects import Flag
from smtpdoctor.knowledge.schema import Preset
from smtpdoctor.knowledge.table import FALSE, OTHER, TRUE, names_of, own_names, write
from smtpdoctor.labels import Label, meaning
from smtpdoctor.model import Evidence, Security, SettingName, Severity
from smtpdoctor.settings.lint import TYPOGRAPHIC, is_piece
from smtpdoctor.settings.resolve import IMPLICIT_TLS_PORTS, STARTTLS_PORTS, port_or_none

__all__ = ["NAMES", "Repair", "changed_settings", "repairs", "uncovers"]

Repair = tuple[Operation, ...]
_MODES: Final = frozenset(
    {
        Label.TLS_ON_STARTTLS_PORT,
        Label.STARTTLS_ON_TLS_PORT,
        Label.PLAIN_ON_TLS_PORT,
        Label.PORT_NOT_OFFERED,
        Label.NO_ENCRYPTION,
        Label.CLEARTEXT,
        Label.REFUSES_TO_START,
        Label.REFUSES_TO_SEND,
        Label.OPPOSITE_MEANING,
        Label.NOT_A_NUMBER,
        Label.OUT_OF_RANGE,
        Label.EMPTY,
        Label.TLS_OPTIONAL,
        Label.FALLS_BACK,
        Label.URL_SCHEME,
        # Seen on the network.
        Label.TLS_BYTES,
        Label.SILENT_TLS_PORT,
        Label.PLAIN_ANSWER,
        Label.SIBLING_ANSWERS,
    }
)
_WORDS: Final = frozenset({Label.WORD_NOT_READ, Label.WORD_REFUSED, Label.NOT_A_BOOLEAN})
_NAMES: Final = frozenset(
    {Label.UNREAD_NAME, Label.NEAR_NAME, Label.FOREIGN_NAME, Label.MISSING, Label.HALF_LOGIN, Label.NO_EFFECT}
)
NAMES: Final = frozenset({Label.UNREAD_NAME, Label.NEAR_NAME, Label.FOREIGN_NAME})
"""What is read under no name; whoever is called rightly may be all that was missing."""
_VALUES: Final = frozenset(
    {
        Label.QUOTED,
        Label.BLANK_AROUND,
        Label.CONTROL_CHARACTER,
        Label.QUOTES_KEPT,
        Label.COMMENT_KEPT,
        Label.VALUE_CUT,
        Label.BLANKS_KEPT,
        Label.BLANKS_LOST,
        Label.TRAILING_NEWLINE,
        Label.CARRIAGE_RETURN,
        Label.EXPANDED,
        Label.ESCAPED,
        Label.PASSWORD_FORM,
        Label.HOST_HAS_BLANK,
        Label.NOT_AN_ADDRESS,
        Label.USERNAME_FORM,
    }
)
_HOSTS: Final = frozenset(
    {
        Label.HOST_HAS_SCHEME,
        Label.HOST_HAS_PORT,
        Label.HOST_HAS_BLANK,
        Label.HOST_NEAR_MISS,
        Label.HOST_BAD_NAME,
        Label.OTHER_MAIL_DOMAIN,
    }
)
_SENDERS: Final = frozenset(
    {Label.SENDER_NOT_LOGIN, Label.SENDER_NOT_OWN, Label.SENDER_NOT_LOCAL_PART, Label.SENDER_HAS_NAME}
)
_LOGINS: Final = frozenset({Label.USERNAME_FORM, Label.WRONG_CREDENTIAL, Label.PLACEHOLDER})
_USUAL: Final = ((587, Security.STARTTLS), (465, Security.TLS))  # RFC 8314
_CLEAR: Final = frozenset({Label.NO_ENCRYPTION, Label.CLEARTEXT})
_MOVED: Final = 0.05  # how far another port of a known provider is beyond another word
_MOVED_BLINDLY: Final = 1.0  # … and one of a server of which nothing else is known
_WEAKER: Final = 0.1  # and STARTTLS that is not required, where the connection was secured without fail
_ADDED: Final = 1.5  # how far a line that comes or goes is, where a word in its place is 1
_AS_NEAR: Final = 0.05
_ABOUT_MAIL: Final = re.compile(r"(?i)smtp|mail|smpt|stmp|sntp|mial")
_PASSWORDS: Final = frozenset({"password", "pass", "passwd", "pwd", "pw", "passphrase"})
_QUOTE: Final = re.compile(r"\s*([\"'`])(.*)\1\s*(?:#.*)?", re.DOTALL)
_TYPOGRAPHIC: Final = re.compile(
    rf"\s*([{''.join(TYPOGRAPHIC)}])(.*)[{''.join(TYPOGRAPHIC.values())}]\s*(?:#.*)?", re.DOTALL
)
_PUT_IN: Final = re.compile(r"(?<!\$)\$\{?([A-Za-z_]\w*)")
_COMMENT: Final = re.compile(r"\s+#.*$", re.DOTALL)
_UNQUOTED: Final = re.compile(
    r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.]*)=[ \t]*[\"'`]?(?P<value>[^\s#\"'`](?:[^\"'`]*?[^\s\"'`])??)[\"'`]?(?:[ \t]+#.*|[ \t]*)"
)
_REMARK: Final = re.compile(r"\s#+\s")


def changed_settings(repair: Repair) -> set[str]:
    """Return the settings that a repair gives a value; one that is read at last had it before."""
    return {one.setting for one in repair if one.setting is not None and one.what in {"set", "put"}}


def uncovers(found: Found, repair: Repair) -> bool:
    """Whether what a finding is about may have hidden others, which a repair brings to light."""
    labels = found.finding.evidence.labels
    setting = found.finding.evidence.setting
    return (
        any(meaning(label, setting).blocks for label in labels)
        or found.finding.severity is Severity.ERROR
        or setting == "host"
        or bool(labels & _WORDS)
        or any(one.what == "rename" for one in repair)
    )


def repairs(found: Found, *, inert: bool = False, asked: bool = False) -> Iterator[Repair]:
    """Yield what may mend a finding.

    ``inert``: what does nothing may be taken out. ``asked``: a server is going to be asked whether it takes a
    connection; without that nobody knows whether one that is no known provider's speaks TLS at all.
    """
    for repair in _repairs(found, inert=inert, asked=asked):
        if not _tells(found.subject, repair):
            yield repair


def _tells(subject: Subject, repair: Repair) -> bool:
    """Whether a repair would write a part of the password that stands where something else belongs."""
    for one in repair:
        if one.what in {"set", "put"} and one.setting not in {None, "password"}:
            used = subject.reading.used.get(one.setting)
            if used is not None and is_piece(one.value, used.text or "", subject.loaded.settings):
                return True
    return False


def _repairs(found: Found, *, inert: bool, asked: bool) -> Iterator[Repair]:
    labels = found.finding.evidence.labels
    if labels & _CLEAR and not asked and not _is_known(found.subject):
        return
    for about, of_them in _KINDS:
        if labels & about:
            yield from of_them(found)
    if labels & (_MODES | _WORDS) or found.finding.id == "config-tls-mode":
        yield from _of_mode(found.subject)
    if Label.MISSING in labels:
        yield from _of_missing(found)
    if inert and labels & {*NAMES, Label.NO_EFFECT}:
        one = _at(found)
        if one is not None:
            yield (Operation("remove", one.name),)


def _at(found: Found) -> Assignment | None:
    """Return the assignment that a finding is about."""
    origin = found.finding.evidence.origin
    scope = found.subject.reading.scope
    names = [found.finding.evidence.facts.get("name", "").partition(" ")[0]]
    if origin is not None and origin.kind == "file":
        names.insert(0, origin.name)
        for one in reversed(scope.assignments):
            if one.name == origin.name and one.region.place.line == origin.line:
                return one
    by_name = scope.by_name()
    for name in filter(None, names):
        if name in by_name and by_name[name].region.place.path:
            return by_name[name]
    setting = found.finding.evidence.setting
    used = found.subject.reading.used.get(setting) if setting is not None else None
    return used.at if used is not None else None


def _is_known(subject: Subject) -> bool:
    """Whether it is known which ports a server has, and how each is secured."""
    preset = _preset(subject)
    return preset is not None and not preset.anywhere


def _preset(subject: Subject) -> Preset | None:
    return load.preset_with_id(subject.loaded.settings.preset)


def _put(subject: Subject, setting: SettingName, value: str, kind: Kind | None = None) -> Operation | None:
    """Return the operation that gives a setting a value, where it stands or where it belongs."""
    used = subject.reading.used.get(setting)
    if used is not None and used.at is not None:
        if not used.at.region.place.path:
            return None  # from the environment, where nothing can be written
        # A number in quotes stays in them.
        return Operation("set", used.at.name, value, setting, used.at.kind)
    key = subject.dialect.keys.get(setting)
    for name in own_names(subject.dialect, key.names) if key is not None else ():
        parent, part, _ = name.partition("@")
        if part and subject.assignment(parent) is None:
            continue
        there = subject.assignment(name)
        if there is not None:
            return Operation("set", name, value, setting, kind)
        return Operation("put", name, value, setting, kind)
    return None


# Values


def _of_value(found: Found) -> Iterator[Repair]:
    one = _at(found)
    if one is None or one.value is None:
        return
    name, at, _ = one.name.partition("@")
    whole = found.subject.assignment(name) if at else one
    if whole is None or whole.value is None:
        return
    text = found.subject.document.texts.get(whole.region.place.path, "")
    raw = text[whole.region.start : whole.region.end]
    raw = raw.removeprefix(f"{whole.name}=")
    setting = found.finding.evidence.setting
    tried = [
        _bare(whole.value),
        _bare(raw),
        _bare(_COMMENT.sub("", whole.value)),
        _bare(_COMMENT.sub("", raw)),
    ]
    remarks = {remark.kind for remark in whole.remarks}
    if "comment-kept" in remarks and (setting != "password" or _REMARK.search(whole.value)):
        # What stands behind the # was written for people; of a password only where it looks like that.
        tried = [*tried[2:], *tried]
    if remarks & {"value-cut", "blanks-lost", "expanded", "escaped"}:
        tried = [_bare(raw), *tried]
    if setting in {"password", "sender", "username"}:
        tried += [bare for one in tried if "@" in (bare := re.sub(r"\s", "", one)) or setting == "password"]
    for value in dict.fromkeys(tried):
        # The same value in another way of writing, where only that was wrong.
        if (value or whole.value in {"''", '""'}) and (value != whole.value or remarks):
            yield (Operation("set", whole.name, value, setting, None),)


def _bare(text: str) -> str:
    """Return a value without quotes and blanks around it, and what stands behind the quotes."""
    text = text.strip()
    while found := _QUOTE.fullmatch(text) or _TYPOGRAPHIC.fullmatch(text):
        text = found[2].strip()
    return re.sub(r"[\x00-\x1f\x7f]", "", text)


def _of_host(found: Found) -> Iterator[Repair]:
    facts = found.finding.evidence.facts
    subject = found.subject
    used = subject.reading.used.get("host")
    text = _bare((used.text or "") if used is not None else "")
    bare = re.split(r"[\s/?#]", (text.strip().partition("://")[2] or text.strip()).rpartition("@")[2])[0]
    name, _, behind = bare.partition(":")
    for value in dict.fromkeys(filter(None, (facts.get("known"), facts.get("expected"), name))):
        if value.startswith("*"):
            continue
        operation = _put(subject, "host", value)
        if operation is None:
            return
        yield (operation,)
        if behind.isdigit() and (port := _put(subject, "port", behind, "number")) is not None:
            yield operation, port


# Words


def _of_word(found: Found) -> Iterator[Repair]:
    one = _at(found)
    subject = found.subject
    if one is None:
        return
    for name, flag in subject.dialect.flags.items():
        names = flag.names or (name,)
        if not any(fnmatchcase(one.name, each) or one.name.lower() == each.lower() for each in names):
            continue
        for word, kind in _words_for(flag, one):
            yield (Operation("set", one.name, word, "security", kind),)
        yield from _of_mode(subject, without=name)
        yield (Operation("remove", one.name, "", "security"),)
    for switch in subject.dialect.switch:
        if one.name in switch.names:
            yield from _of_switch(found)


def _words_for(flag: Flag, one: Assignment) -> Iterator[tuple[str, Kind | None]]:
    """Yield words that are read and say what one seems to say: the same in another form, yes for yes."""
    text = _bare(one.value or "")
    known = [
        word
        for words in flag.states.values()
        for word in words
        if word and word[0] != "=" and OTHER not in word
    ]
    near = (text.lower(), *get_close_matches(text.lower(), ("true", "false"), 1, 0.7))
    looks = True if TRUE.intersection(near) else False if FALSE.intersection(near) else None
    tried = [word for word in known if word.lower() == text.lower()]
    if looks is not None:
        state = "true" if looks else "false"
        tried += [word for word in flag.states.get(state, ()) if word in known]
        tried += [word for word in known if word.lower() in (TRUE if looks else FALSE)]
        tried += [state]
    tried += get_close_matches(text, known, 3, 0.6)
    tried += [next((word for word in words if word in known), "") for words in flag.states.values()]
    opposite = FALSE if looks else TRUE if looks is False else frozenset()
    for word in dict.fromkeys(filter(None, tried)):
        if word.lower() in opposite:
            continue
        if word.lower() in {"true", "false"} and (flag.truth != "words" or one.kind in {"boolean", "number"}):
            yield word.lower(), "boolean"
        yield word, None
    if looks is False:  # what code takes for true unless nothing stands there
        yield "", None


def _of_switch(found: Found) -> Iterator[Repair]:
    subject = found.subject
    for switch in subject.dialect.switch:
        if switch.names[0].endswith("@scheme"):
            continue  # a URL of another kind names no server of SMTP
        words = [word for word in switch.on if not word.startswith("!") and OTHER not in word]
        for word in words[:3]:
            kind: Kind | None = "boolean" if word.lower() in {"true", "false"} else None
            there = next(
                (one for name in switch.names if (one := subject.assignment(name)) is not None), None
            )
            if there is not None and switch.part:
                listed = _listed(there.value or "", switch.on)
                yield (Operation("set", there.name, listed),)
            elif there is not None:
                yield (Operation("set", there.name, word, None, kind),)
                yield (Operation("set", there.name, word, None, None),)
            else:
                yield (Operation("put", switch.names[0], word, None, kind),)
        there = next((one for name in switch.names if (one := subject.assignment(name)) is not None), None)
        if there is not None and not switch.part:
            yield (Operation("remove", there.name),)


def _listed(text: str, words: tuple[str, ...]) -> str:
    """Return a list with the words that have to stand in it, and without those that must not."""
    sign = "," if "," in text else ";" if ";" in text else " "
    barred = {word[1:] for word in words if word.startswith("!")}
    kept = [one.strip() for one in text.split(sign) if one.strip() and one.strip() not in barred]
    kept += [word for word in words if not word.startswith("!") and word not in kept]
    return (", " if f"{sign} " in text and sign != " " else sign).join(kept)


# Names


def _of_name(found: Found) -> Iterator[Repair]:
    """Yield other names for what is not read: the one that is told, else the nearest that is not there yet."""
    subject = found.subject
    evidence = found.finding.evidence
    known = [name for name in dict.fromkeys(names_of(subject.dialect)) if "@" not in name]
    there = subject.reading.scope.by_name()
    free = [name for name in known if name not in there and "*" not in name]
    if evidence.labels & {Label.MISSING, Label.HALF_LOGIN}:
        setting = evidence.setting
        key = subject.dialect.keys.get(setting) if setting is not None else None
        wanted = [name for name in (key.names if key is not None else ()) if name in free]
        near = [
            name for name in there if name not in known and there[name].value and _ABOUT_MAIL.search(name)
        ]
        for name in wanted[:3]:
            for other in get_close_matches(name, near, 3, 0.6):
                if _may_be(setting, there[other].value or "") and _ends_alike(other, name):
                    yield (Operation("rename", other, name, setting),)
        yield from _of_variable(subject, setting, key.names if key is not None else ())
        return
    of = {name: setting for setting, key in subject.dialect.keys.items() for name in key.names}
    if Label.NEAR_NAME in evidence.labels:
        yield from _of_pairs(evidence, subject, of)
    one = _at(found)
    if one is None or one.name in known:
        return
    expected = evidence.facts.get("expected", "")
    # Of others only those that are as near: a name of another meaning would mend what is found, and nothing else.
    near = [] if expected else get_close_matches(one.name, free, 3, 0.7)
    near = [each for each in near if _likeness(one.name, each) > _likeness(one.name, near[0]) - _AS_NEAR]
    for name in dict.fromkeys((expected, *near)):
        if not name or name in there or not (name == expected or _ends_alike(one.name, name)):
            continue
        if _may_be(of.get(name), one.value or ""):
            yield (Operation("rename", one.name, name, of.get(name)),)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, other, one).ratio()


def _of_pairs(evidence: Evidence, subject: Subject, of: Mapping[str, SettingName]) -> Iterator[Repair]:
    """Yield the names that are told, all at once and then one by one: each may stand in the way of the others."""
    there = subject.reading.scope.by_name()
    names, expected = (evidence.facts.get(fact, "").split(", ") for fact in ("value", "expected"))
    repair: list[Operation] = []
    for name, meant in zip(names, expected, strict=False):
        fits = name in there and _may_be(of.get(meant), there[name].value or "")
        if fits and meant not in there and all(meant != one.value for one in repair):
            repair.append(Operation("rename", name, meant, of.get(meant)))
    if len(repair) > 1:
        yield tuple(repair)
    yield from ((one,) for one in repair)


def _of_variable(subject: Subject, setting: SettingName | None, names: Iterable[str]) -> Iterator[Repair]:
    """Yield other names for the variables of `.env` that nobody puts in, where one is put in that is not there."""
    texts = subject.document.texts
    there = {one.name: one.value or "" for _, one in subject.variables()}
    asked = {name for text in texts.values() for name in _PUT_IN.findall(text)}
    spare = [name for name, value in there.items() if value and name not in asked]
    for one in filter(None, map(subject.assignment, names)):
        region = one.region
        for name in _PUT_IN.findall(texts.get(region.place.path, "")[region.start : region.end]):
            for other in get_close_matches(name, spare, 3, 0.6) if name not in there else ():
                if _may_be(setting, there[other]) and _ends_alike(other, name):
                    yield (Operation("rename", other, name, setting),)


def _ends_alike(one: str, other: str) -> bool:
    """Whether the last words of two names are the same, but for a slip: those say what a value is."""
    left, right = (re.split(r"[_.\-]+", name.lower())[-1] for name in (one, other))
    return left == right or bool(get_close_matches(left, [right], 1, 0.7)) or {left, right} <= _PASSWORDS


def _may_be(setting: SettingName | None, text: str) -> bool:
    """Whether a value has the form of one for a setting."""
    text = text.strip()
    word = text.lower() in TRUE | FALSE
    match setting:
        case "host":
            return not word and not text.isdigit() and "@" not in text
        case "port":
            return port_or_none(text) is not None
        case "sender":
            return "@" in text
        case "username" | "password":
            return not word
        case _:
            return True


def _of_file(found: Found) -> Iterator[Repair]:
    """Yield quotes around the value of the line at which the reading of a `.env` ends: it has blanks, mostly."""
    document, origin = found.subject.document, found.finding.evidence.origin
    if document.syntax != "dotenv" or origin is None or origin.line is None or origin.path != document.path:
        return
    lines = document.texts.get(document.path, "").split("\n")
    line = _UNQUOTED.fullmatch(lines[origin.line - 1].rstrip("\r")) if origin.line <= len(lines) else None
    if line is not None:
        yield (Operation("quote", line["name"], line["value"]),)


def _of_missing(found: Found) -> Iterator[Repair]:
    """Yield what a provider is known to want where a setting is not there; a login is nobody's to guess."""
    subject = found.subject
    match found.finding.evidence.setting:
        case "sender" if (login := subject.loaded.settings.username) is not None and "@" in login.value:
            operation = _put(subject, "sender", login.value.strip())
        case "port":
            yield from _of_mode(subject)
            return
        case _:
            return
    if operation is not None:
        yield (operation,)


# Login and sender


def _of_login(found: Found) -> Iterator[Repair]:
    subject = found.subject
    if found.finding.evidence.setting != "username":
        return
    preset = _preset(subject)
    if preset is None:
        return
    name = subject.loaded.settings.username
    text = name.value.strip() if name is not None else ""
    sender = subject.loaded.settings.sender
    address = parseaddr(sender.value)[1] if sender is not None else ""
    wanted: list[str] = []
    if preset.username.form == "literal" and preset.username.value:
        wanted.append(preset.username.value)
    elif preset.username.form == "email" and text and "@" not in text:
        if address.partition("@")[0].lower() == text.lower():
            wanted.append(address)
        if len(preset.mail_domains) == 1:
            wanted.append(f"{text}@{preset.mail_domains[0]}")
    elif preset.username.form == "local-part" and "@" in text:
        wanted.append(text.partition("@")[0])
    for value in wanted:
        operation = _put(subject, "username", value)
        if operation is not None:
            yield (operation,)


def _of_login_switch(found: Found) -> Iterator[Repair]:
    """Yield the words that let an application log in, where it has a login and does not use it."""
    subject = found.subject
    if found.finding.evidence.setting != "username":
        return
    how = subject.dialect.behaviour
    wanted = [(how.login_names, how.login_on)] if how.login_names else []
    for when in how.login_when:
        for name, states in when.items():
            flag = subject.dialect.flags.get(name)
            if flag is None:
                continue
            chosen = (states,) if isinstance(states, str) else states
            words = tuple(word for state in chosen for word in flag.states.get(str(state), ()))
            wanted.append((flag.names or (name,), words))
    for names, words in wanted:
        there = next((one for name in names if (one := subject.assignment(name)) is not None), None)
        for word in [one for one in words if one and one[0] != "=" and OTHER not in one][:2]:
            kind: Kind | None = "boolean" if word in {"true", "false"} else None
            if there is None:
                yield (Operation("put", names[0], word, None, kind),)
                continue
            yield (Operation("set", there.name, word, None, kind if there.kind == "boolean" else None),)


def _of_sender(found: Found) -> Iterator[Repair]:
    subject = found.subject
    one = _at(found)
    sender, login = subject.loaded.settings.sender, subject.loaded.settings.username
    if sender is None or one is None or one.value is None:
        return
    labels = found.finding.evidence.labels
    shown, address = parseaddr(one.value)
    if Label.SENDER_HAS_NAME in labels and address:
        yield (Operation("set", one.name, address, "sender"),)
    if Label.SENDER_NOT_LOCAL_PART in labels:
        yield (Operation("set", one.name, (address or one.value).partition("@")[0], "sender"),)
    if login is None or not labels & {Label.SENDER_NOT_LOGIN, Label.SENDER_NOT_OWN}:
        return
    own = login.value.strip()
    if "@" not in own:
        preset = _preset(subject)
        domains = preset.mail_domains if preset is not None else ()
        if len(domains) != 1:
            return
        own = f"{own}@{domains[0]}"
    form = subject.dialect.keys["sender"].form if "sender" in subject.dialect.keys else ""
    if form == "local-part":
        local, _, domain = own.partition("@")
        yield (Operation("set", one.name, local, "sender"),)
        for name in filter(subject.assignment, subject.dialect.keys["sender"].domain):
            yield Operation("set", one.name, local, "sender"), Operation("set", name, domain, "sender")
        return
    if address and address in one.value:
        yield (Operation("set", one.name, one.value.replace(address, own), "sender"),)
    yield (Operation("set", one.name, f"{shown} <{own}>" if shown else own, "sender"),)


def _of_check(found: Found) -> Iterator[Repair]:
    """Yield the check of the certificate, where it is a provider's: its certificates are good."""
    subject = found.subject
    preset, one = _preset(subject), _at(found)
    if preset is None or preset.anywhere or preset.kind in {"own", "local"} or one is None:
        return
    check = subject.dialect.check
    text = _bare(one.value or "").lower()
    if one.kind == "boolean":
        yield (Operation("set", one.name, "true" if text == "false" else "false", "security", "boolean"),)
    if one.name in check.names or any(fnmatchcase(one.name, name) for name in check.names):
        other = "true" if text in FALSE else "false" if text in TRUE else ""
        if other and other not in check.off:
            yield (Operation("set", one.name, other, "security", "boolean"),)
            yield (Operation("set", one.name, other, "security"),)
        return
    for name, flag in subject.dialect.flags.items():
        if one.name in (flag.names or (name,)) or any(fnmatchcase(one.name, each) for each in flag.names):
            for words in flag.states.values():
                for word in [each for each in words if each and each[0] != "=" and OTHER not in each][:1]:
                    yield (Operation("set", one.name, word, "security", _kind_of(flag, word, one)),)
            yield (Operation("remove", one.name, "", "security"),)


# Mode and port


def _pairs(subject: Subject) -> Iterator[tuple[int, Security]]:
    """Yield the ports to send by, each with its mode: the provider's, else the usual ones and the one that stands."""
    settings = subject.loaded.settings
    preset, host = _preset(subject), settings.host.value if settings.host else None
    if preset is not None and not preset.anywhere:
        offered = [(one.port, one.security) for one in preset.endpoints_at(host)]
        yield from [pair for pair in offered if pair[1] is not Security.NONE] or offered
        return
    port = settings.port.value if settings.port else None
    if port is not None and preset is not None and preset.kind == "local":  # a mail sink
        yield port, Security.NONE
        return
    yield from _USUAL
    if port is not None and port not in IMPLICIT_TLS_PORTS:
        yield port, Security.STARTTLS
    if port is not None and port not in {*STARTTLS_PORTS, 25}:
        yield port, Security.TLS


def _of_mode(subject: Subject, *, without: str = "") -> Iterator[Repair]:
    """Yield flags and ports that belong together, what changes least first; the port stays where both are as near.

    ``without``: a flag whose word is not to stay.
    """
    dialect = subject.dialect
    standing = _flags(subject)
    have = {
        name: one.value
        for name, one in standing.items()
        if one is not None and one.value is not None and name != without
    }
    here = subject.reading.used.get("port")
    at = here.text.strip() if here is not None and here.text else ""
    port = port_or_none(at)
    host = subject.loaded.settings.host
    name = host.value if host is not None else "smtp.example.com"
    now = subject.loaded.settings.security
    tried: list[tuple[float, Repair]] = []
    digits = re.sub(r"\D", "", at)
    moved = _MOVED if _is_known(subject) or port is None else _MOVED_BLINDLY
    weaker = _WEAKER if now is not None and now.value in {Security.TLS, Security.STARTTLS} else 0.02
    for number, (wanted, mode) in enumerate(dict.fromkeys(_pairs(subject))):
        alone = _put(subject, "port", str(wanted), "number") if port != wanted else None
        if alone is not None and not without:
            cost = (1.0 if alone.what == "set" else _ADDED) + moved - (0.5 if digits == str(wanted) else 0)
            tried.append((cost + number / 1000, (alone,)))
        choices = [mode]
        if mode is Security.STARTTLS and (
            (now is not None and now.value is Security.OPPORTUNISTIC)
            or write(dialect, mode, wanted, have, host=name) is None
        ):
            choices.append(Security.OPPORTUNISTIC)
        for choice in choices:
            words = write(dialect, choice, wanted, have, host=name)
            if words is None:
                continue
            operations = _for_words(subject, standing, words, without)
            cost = sum(1.0 if one.what == "set" else _ADDED for one in operations)
            if port != wanted:
                operation = _put(subject, "port", str(wanted), "number")
                if operation is None:
                    continue
                operations.append(operation)
                cost += (1.0 if operation.what == "set" else _ADDED) + moved
            if choice is Security.OPPORTUNISTIC and mode is not choice:
                cost += weaker
            if operations:
                tried.append((cost + number / 1000, tuple(operations)))
    yield from (repair for _, repair in sorted(tried, key=lambda one: one[0]))


def _flags(subject: Subject) -> dict[str, Assignment | None]:
    """Return the assignment of each flag, the parts of URLs among them."""
    from smtpdoctor.settings.values import Values

    values = Values(subject.dialect, subject.reading.scope)
    return {name: values.get(flag.names or (name,)) for name, flag in subject.dialect.flags.items()}


def _for_words(
    subject: Subject, standing: Mapping[str, Assignment | None], words: Mapping[str, str], without: str
) -> list[Operation]:
    found: list[Operation] = []
    for name, flag in subject.dialect.flags.items():
        one, word = standing.get(name), words.get(name)
        if word is None and name != without:
            continue
        if one is not None and (word == one.value):
            continue
        if one is not None and not word:
            found.append(Operation("remove", one.name, "", "security"))
        elif one is not None and word:
            found.append(Operation("set", one.name, word, "security", _kind_of(flag, word, one)))
        elif word:
            for each in own_names(subject.dialect, flag.names or (name,)):
                parent, part, _ = each.partition("@")
                if part and subject.assignment(parent) is None:
                    continue
                found.append(Operation("put", each, word, "security", _kind_of(flag, word, None)))
                break
    return found


def _kind_of(flag: Flag, word: str, one: Assignment | None) -> Kind | None:
    if word in {"true", "false"} and (flag.truth != "words" or one is None or one.kind == "boolean"):
        return "boolean"
    return "number" if word.isdigit() and one is not None and one.kind == "number" else None


_KINDS: Final[tuple[tuple[frozenset[Label], Callable[[Found], Iterator[Repair]]], ...]] = (
    (frozenset({Label.FILE_SYNTAX, Label.BAD_LINE}), _of_file),
    (_VALUES, _of_value),
    (_HOSTS, _of_host),
    (_WORDS, _of_word),
    (_LOGINS, _of_login),
    (_SENDERS, _of_sender),
    (frozenset({Label.MAIL_OFF}), _of_switch),
    (_NAMES, _of_name),
    (frozenset({Label.NO_EFFECT}), _of_login_switch),
    (frozenset({Label.NO_CHECK}), _of_check),
)
