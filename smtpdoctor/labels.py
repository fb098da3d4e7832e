"""The conclusions that a lint rule, a probe or the log reader draws from more than one field.

A label is the joint between who saw something and the catalogue that names it. ``Label`` is the
closed list, ``MEANINGS`` the one table of what a label means beside its name; the knowledge files
may use no other words.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from smtpdoctor.terms import SettingName, Stage

__all__ = ["MEANINGS", "Label", "Meaning", "is_suspicion", "meaning"]


class Label(StrEnum):
    """A conclusion; the value is how TOML files and JSON spell it."""

    # settings
    MISSING = "missing"
    NO_PORT_TO_START = "no-port-to-start"
    NO_PORT_TO_SEND = "no-port-to-send"
    EMPTY = "empty"
    NOT_A_NUMBER = "not-a-number"
    OUT_OF_RANGE = "out-of-range"
    NOT_A_BOOLEAN = "not-a-boolean"
    BAD_LINE = "bad-line"
    DUPLICATE = "duplicate"
    CONTRADICTION = "contradiction"
    OVERRIDDEN = "overridden"
    NEAR_NAME = "near-name"
    FOREIGN_NAME = "foreign-name"
    OTHER_HOST = "other-host"
    LOGIN_ELSEWHERE = "login-elsewhere"
    PLACEHOLDER = "placeholder"
    QUOTED = "quoted"
    BLANK_AROUND = "blank-around"
    CONTROL_CHARACTER = "control-character"
    UNSENDABLE = "unsendable"
    HOST_HAS_SCHEME = "host-has-scheme"
    HOST_HAS_PORT = "host-has-port"
    HOST_HAS_BLANK = "host-has-blank"
    HOST_BAD_NAME = "host-bad-name"
    HOST_NEAR_MISS = "host-near-miss"
    OTHER_MAIL_DOMAIN = "other-mail-domain"
    TLS_ON_STARTTLS_PORT = "tls-on-starttls-port"
    STARTTLS_ON_TLS_PORT = "starttls-on-tls-port"
    PLAIN_ON_TLS_PORT = "plain-on-tls-port"
    PORT_NOT_OFFERED = "port-not-offered"
    READING_PORT = "reading-port"
    NO_ENCRYPTION = "no-encryption"
    CLEARTEXT = "cleartext"
    CLEARTEXT_ALLOWED = "cleartext-allowed"
    BAD_CIPHER = "bad-cipher"
    NULL_CIPHER = "null-cipher"
    HALF_LOGIN = "half-login"
    NO_CREDENTIALS = "no-credentials"
    USERNAME_FORM = "username-form"
    PASSWORD_FORM = "password-form"  # noqa: S105 -- a label
    WRONG_CREDENTIAL = "wrong-credential"
    NO_TOKEN = "no-token"  # noqa: S105 -- a label
    NOT_AN_ADDRESS = "not-an-address"
    SENDER_NOT_LOGIN = "sender-not-login"
    SENDER_NOT_OWN = "sender-not-own"
    FREE_MAIL_SENDER = "free-mail-sender"
    DEFAULT_SENDER = "default-sender"
    SENDER_BY_CODE = "sender-by-code"
    SENDER_IS_LOGIN = "sender-is-login"
    # what an application makes of its settings
    WORD_NOT_READ = "word-not-read"
    WORD_REFUSED = "word-refused"
    OPPOSITE_MEANING = "opposite-meaning"
    NO_EFFECT = "no-effect"
    UNREAD_NAME = "unread-name"
    REFUSES_TO_START = "refuses-to-start"
    REFUSES_TO_SEND = "refuses-to-send"
    MAIL_OFF = "mail-off"
    SWITCH_ABSENT = "switch-absent"
    SWITCH_NOT_CALLED = "switch-not-called"
    REPLACED = "replaced"
    SERVER_NAMED = "server-named"
    NO_CHECK = "no-check"
    NO_NAME_CHECK = "no-name-check"
    NEVER_CHECKED = "never-checked"
    SENDER_NOT_LOCAL_PART = "sender-not-local-part"
    SENDER_HAS_NAME = "sender-has-name"
    URL_SCHEME = "url-scheme"
    URL_HOST = "url-host"
    URL_SIGN = "url-sign"
    BY_VERSION = "by-version"
    TLS_OPTIONAL = "tls-optional"
    FALLS_BACK = "falls-back"
    # what the syntax of a file makes of a value
    QUOTES_KEPT = "quotes-kept"
    COMMENT_KEPT = "comment-kept"
    VALUE_CUT = "value-cut"
    BLANKS_KEPT = "blanks-kept"
    BLANKS_LOST = "blanks-lost"
    TRAILING_NEWLINE = "trailing-newline"
    CARRIAGE_RETURN = "carriage-return"
    EXPANDED = "expanded"
    ESCAPED = "escaped"
    FILE_SYNTAX = "file-syntax"
    FILE_MISSING = "file-missing"
    FILE_CYCLE = "file-cycle"
    FILE_REQUIRED = "file-required"
    FILE_LIMIT = "file-limit"
    # names
    CONTAINER_NAME = "container-name"
    CNAME_CHAIN = "cname-chain"
    CNAME_LOOP = "cname-loop"
    ONLY_MX = "only-mx"
    OTHER_FAMILY = "other-family"
    HALF_ANSWERED = "half-answered"
    NO_PUBLIC_NAMES = "no-public-names"
    NULL_ADDRESS = "null-address"
    NAME_HIDDEN = "name-hidden"
    # connection
    ALL_ADDRESSES_FAILED = "all-addresses-failed"
    IPV6_ONLY_FAILED = "ipv6-only-failed"
    SOME_ADDRESSES_FAILED = "some-addresses-failed"
    LOOPBACK = "loopback"
    LOOPBACK_DEFAULT = "loopback-default"
    KNOWN_PROVIDER = "known-provider"
    SIBLING_ANSWERS = "sibling-answers"
    # what speaks there
    TLS_BYTES = "tls-bytes"
    SILENT_TLS_PORT = "silent-tls-port"
    PLAIN_ANSWER = "plain-answer"
    HTTP = "http"
    SSH = "ssh"
    IMAP = "imap"
    POP3 = "pop3"
    FTP = "ftp"
    LMTP = "lmtp"
    NNTP = "nntp"
    REDIS = "redis"
    MYSQL = "mysql"
    OTHER_PROTOCOL = "other-protocol"
    PROXY_EXPECTED = "proxy-expected"
    REWRITTEN = "rewritten"
    REWRITTEN_PASSED = "rewritten-passed"
    BINARY = "binary"
    MALFORMED = "malformed"
    BROKEN_REPLY = "broken-reply"
    LINE_TOO_LONG = "line-too-long"
    ENDLESS = "endless"
    DRIPPING = "dripping"
    UNFINISHED = "unfinished"
    UNENDING = "unending"
    # dialogue
    HELO = "helo"
    EHLO_ASSUMED = "ehlo-assumed"
    STRAY = "stray"
    WRONG_CODE = "wrong-code"
    TAKEN_BY_SOME = "taken-by-some"
    DEADLINE = "deadline"
    PERMANENT = "permanent"
    STARTTLS = "starttls"
    STARTTLS_NOT_OFFERED = "starttls-not-offered"
    OPPORTUNISTIC = "opportunistic"
    INJECTED = "injected"
    # TLS
    OLD_PROTOCOL = "old-protocol"
    WEAK_CIPHER = "weak-cipher"
    NO_COMMON_CIPHER = "no-common-cipher"
    NO_CERTIFICATE = "no-certificate"
    NO_ALERT = "no-alert"
    HANDSHAKE_UNTOLD = "handshake-untold"
    INTERNAL_ERROR = "internal-error"
    CLIENT_CERTIFICATE = "client-certificate"
    NEEDS_SNI = "needs-sni"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRING = "expiring"
    CHAIN_EXPIRED = "chain-expired"
    NAME_MISMATCH = "name-mismatch"
    SELF_SIGNED = "self-signed"
    MISSING_INTERMEDIATE = "missing-intermediate"
    UNKNOWN_ISSUER = "unknown-issuer"
    NO_CA_STORE = "no-ca-store"
    PURPOSE = "purpose"
    REVOKED = "revoked"
    INTERCEPTED = "intercepted"
    NO_SAN = "no-san"
    STRICT_PROFILE = "strict-profile"
    NO_STAPLE = "no-staple"
    KEY_USAGE = "key-usage"
    STALE_CHAIN = "stale-chain"
    PARTIAL_CHAIN = "partial-chain"
    WEAK_CRYPTO = "weak-crypto"
    # login
    AUTH_AFTER_STARTTLS = "auth-after-starttls"
    NO_AUTH_OFFERED = "no-auth-offered"
    NO_COMMON_MECHANISM = "no-common-mechanism"
    ONLY_OAUTH = "only-oauth"
    OAUTH = "oauth"
    CLOSED_AFTER_AUTH = "closed-after-auth"
    SERVER_UNPROVED = "server-unproved"
    NOT_LOGGED_IN = "not-logged-in"
    LOGGED_IN = "logged-in"
    TLS_UNSEEN = "tls-unseen"
    # message
    SMTPUTF8_NEEDED = "smtputf8-needed"
    NOT_ARRIVED = "not-arrived"
    RESET_AFTER_YES = "reset-after-yes"
    # smtpdoctor itself
    CRASH = "crash"


class Meaning(Struct, frozen=True, kw_only=True):
    """What a label means for the course of a run.

    ``blocks``: nothing can be dialled with such a setting. ``suspicion``: what the settings suggest
    until the network has shown it. ``disproved_by``: the stage whose success shows that it was
    wrong. ``explains``: the stages whose failure makes this warning the cause; ``yields``: not where the
    server has named another cause for certain. ``lasts``: what fails so does not pass by itself, whatever the
    code of the reply. ``of``: the settings for which this holds; empty: any.
    """

    blocks: bool = False
    suspicion: bool = False
    disproved_by: Stage | None = None
    explains: frozenset[Stage] = frozenset()
    yields: bool = False
    lasts: bool = False
    of: frozenset[SettingName] = frozenset()


_LOGIN: Final[frozenset[SettingName]] = frozenset({"username", "password"})
_DIALLED: Final[frozenset[SettingName]] = frozenset({"host", "port", "cipher"})
_BLOCKS: Final = Meaning(blocks=True, of=_DIALLED)
_LASTS: Final = Meaning(lasts=True)
_MODE: Final = Meaning(
    suspicion=True,
    disproved_by=Stage.GREETING,
    explains=frozenset({Stage.GREETING, Stage.TLS}),
)
_FORM: Final = Meaning(suspicion=True, disproved_by=Stage.AUTH, of=_LOGIN)
_SURE: Final = Meaning(disproved_by=Stage.AUTH, of=_LOGIN)
_CUT: Final = Meaning(suspicion=True, disproved_by=Stage.AUTH, explains=frozenset({Stage.AUTH}), of=_LOGIN)

MEANINGS: Final[Mapping[Label, Meaning]] = {
    Label.MISSING: _BLOCKS,
    Label.NO_PORT_TO_START: _BLOCKS,
    Label.NO_PORT_TO_SEND: _BLOCKS,
    Label.EMPTY: _BLOCKS,
    Label.BAD_LINE: Meaning(blocks=True, of=frozenset({"host", "port"})),
    Label.NOT_A_NUMBER: _BLOCKS,
    Label.OUT_OF_RANGE: _BLOCKS,
    Label.HOST_HAS_SCHEME: _BLOCKS,
    Label.HOST_HAS_PORT: _BLOCKS,
    Label.HOST_HAS_BLANK: _BLOCKS,
    Label.HOST_BAD_NAME: _BLOCKS,
    Label.BAD_CIPHER: _BLOCKS,
    Label.NULL_CIPHER: _BLOCKS,
    Label.UNSENDABLE: Meaning(blocks=True, of=_LOGIN),
    Label.TLS_ON_STARTTLS_PORT: _MODE,
    Label.STARTTLS_ON_TLS_PORT: _MODE,
    Label.PLAIN_ON_TLS_PORT: _MODE,
    Label.PORT_NOT_OFFERED: Meaning(
        suspicion=True,
        disproved_by=Stage.GREETING,
        explains=frozenset({Stage.CONNECT, Stage.GREETING}),
    ),
    Label.READING_PORT: Meaning(
        suspicion=True,
        disproved_by=Stage.GREETING,
        explains=frozenset({Stage.CONNECT, Stage.GREETING}),
    ),
    Label.HOST_NEAR_MISS: Meaning(
        suspicion=True, disproved_by=Stage.CONNECT, explains=frozenset({Stage.DNS, Stage.CONNECT})
    ),
    Label.USERNAME_FORM: Meaning(
        suspicion=True,
        disproved_by=Stage.AUTH,
        explains=frozenset({Stage.AUTH}),
        yields=True,
        of=_LOGIN,
    ),
    Label.PASSWORD_FORM: _FORM,
    Label.WRONG_CREDENTIAL: _SURE,
    Label.NO_TOKEN: _SURE,
    Label.PLACEHOLDER: _CUT,
    Label.CONTROL_CHARACTER: _CUT,
    Label.QUOTED: _CUT,
    Label.BLANK_AROUND: _CUT,
    # Where the login was tried all the same, the server is on this machine or the user allowed it.
    Label.CLEARTEXT: Meaning(suspicion=True, disproved_by=Stage.AUTH),
    Label.SENDER_NOT_LOGIN: Meaning(suspicion=True),
    Label.SENDER_NOT_OWN: Meaning(suspicion=True),
    Label.FREE_MAIL_SENDER: Meaning(disproved_by=Stage.SEND),
    Label.DEFAULT_SENDER: Meaning(disproved_by=Stage.SEND),
    Label.SENDER_BY_CODE: Meaning(disproved_by=Stage.SEND),
    Label.REFUSES_TO_START: Meaning(blocks=True),
    Label.PERMANENT: _LASTS,
    # Who does not prove himself, or talks out of turn, is not the server or is broken.
    Label.SERVER_UNPROVED: _LASTS,
    Label.STRAY: _LASTS,
    Label.WRONG_CODE: _LASTS,
    Label.INJECTED: _LASTS,
    Label.BROKEN_REPLY: _LASTS,
    Label.OTHER_MAIL_DOMAIN: Meaning(
        suspicion=True, disproved_by=Stage.AUTH, explains=frozenset({Stage.AUTH})
    ),
}
_NOTHING: Final = Meaning()


def is_suspicion(labels: frozenset[Label], setting: SettingName | None) -> bool:
    """Whether labels about a setting are only what the settings suggest, until the network has shown it."""
    return bool(labels) and all(meaning(label, setting).suspicion for label in labels)


def meaning(label: Label, setting: SettingName | None) -> Meaning:
    """Return what a label means when it is about this setting."""
    found = MEANINGS.get(label, _NOTHING)
    return found if not found.of or setting in found.of else _NOTHING
