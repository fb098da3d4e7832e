"""msmtp's configuration: one scope for each account, with what it takes over from ``defaults`` and from others.

A line is a command and the rest of it, in double quotes or not; there are no comments behind a value. What
an account took over has the line of its ``account`` command as its effect.
"""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.formats.building import MOST_ASSIGNMENTS, Builder, kept
from smtpdoctor.formats.document import Assignment, Document, Place, Remark, Scope, Source

__all__ = ["read"]

_LINE: Final = re.compile(r"([^\n]*+)(?:\n|\Z)")
_COMMAND: Final = re.compile(r"[ \t]*+([^ \t]++)[ \t]*+")
_LONGEST_LINE: Final = 499  # a line of 500 characters without an end is refused there
_COMMANDS: Final = frozenset(
    [
        "add_missing_date_header",
        "add_missing_from_header",
        "aliases",
        "allow_from_override",
        "auth",
        "auto_from",
        "connect_timeout",
        "domain",
        "dsn_notify",
        "dsn_return",
        "eval",
        "from",
        "from_full_name",
        "host",
        "keepbcc",
        "logfile",
        "logfile_time_format",
        "maildomain",
        "ntlmdomain",
        "password",
        "passwordeval",
        "port",
        "protocol",
        "proxy_host",
        "proxy_port",
        "remove_bcc_headers",
        "set_date_header",
        "set_from_header",
        "set_msgid_header",
        "set_to_header",
        "socket",
        "source_ip",
        "syslog",
        "timeout",
        "tls",
        "tls_cert_file",
        "tls_certcheck",
        "tls_crl_file",
        "tls_fingerprint",
        "tls_force_sslv3",
        "tls_host_override",
        "tls_key_file",
        "tls_min_dh_prime_bits",
        "tls_nocertcheck",
        "tls_nostarttls",
        "tls_priorities",
        "tls_starttls",
        "tls_trust_file",
        "undisclosed_recipients",
        "user",
    ]
)


class _Account:
    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.place = place
        self.defaults: dict[str, Assignment] = {}
        self.set: dict[str, Assignment] = {}

    def taken(self, values: dict[str, Assignment]) -> dict[str, Assignment]:
        """Return what this account takes over of what another one or ``defaults`` has set."""
        return {
            name: Assignment(
                name=one.name,
                value=one.value,
                region=one.region,
                kind=one.kind,
                effect=(self.place,),
                remarks=one.remarks,
                source=one.source,
                style=one.style,
            )
            for name, one in values.items()
        }


class _RefusedError(Exception):
    def __init__(self, offset: int, detail: str = "") -> None:
        super().__init__(detail)
        self.offset = offset
        self.detail = detail


def read(source: Source) -> Document:
    """Read a file of accounts; of one that msmtp refuses, what stands before the mistake."""
    builder = Builder(source, "msmtprc")
    accounts: dict[str, _Account] = {}
    try:
        _read(builder, accounts)
    except _RefusedError as error:
        builder.problem("refused", error.offset, error.detail)
    scopes = tuple(
        Scope(
            assignments=tuple({**each.defaults, **each.set}.values()),
            name=each.name,
            place=each.place,
        )
        # The one that is used where nothing else is asked for stands first.
        for each in sorted(accounts.values(), key=lambda one: one.name != "default")
    )
    return builder.document(scopes)


def _read(builder: Builder, accounts: dict[str, _Account]) -> None:
    text = builder.text
    defaults: dict[str, Assignment] = {}
    values: dict[str, Assignment] | None = None
    count = at = 0
    while at < len(text):
        line = _LINE.match(text, at)
        assert line is not None  # noqa: S101 -- a line may be empty
        begin, at = at, line.end()
        body = line[1].removesuffix("\r")
        if len(body) > _LONGEST_LINE:
            raise _RefusedError(begin)
        command = _COMMAND.match(body)
        if command is None or command[1].startswith("#"):
            continue
        name, start = command[1], begin + command.start(1)
        raw = body[command.end() :].rstrip(" \t")
        place = begin + command.end()
        if name == "defaults":
            if raw:
                raise _RefusedError(place, name)
            values = defaults
        elif name == "account":
            current = _account(builder, accounts, _trimmed(raw), place, start)
            current.defaults = current.taken(defaults)
            accounts[current.name] = current
            values = current.set
            count += len(current.defaults) + len(values)
            if count > MOST_ASSIGNMENTS:
                raise _RefusedError(start, "limit")
        elif name not in _COMMANDS:
            raise _RefusedError(start)
        elif name == "eval":
            builder.problem("unsupported", start, name)
        else:
            if values is None:
                current = accounts["default"] = _Account("default", builder.place(start))
                values = current.set
            values[name] = _assignment(builder, name, raw, place)


def _account(builder: Builder, accounts: dict[str, _Account], text: str, place: int, start: int) -> _Account:
    name, sign, others = text.partition(":")
    name = _trimmed(name)
    if not name or "," in name or name in accounts:
        raise _RefusedError(place)
    account = _Account(name, builder.place(start))
    for other in others.split(",") if sign else ():
        known = accounts.get(_trimmed(other))
        if known is None:
            raise _RefusedError(place)
        account.set |= account.taken(known.set)
    return account


def _trimmed(text: str) -> str:
    text = text.strip(" \t")
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _assignment(builder: Builder, name: str, raw: str, place: int) -> Assignment:
    value: str | None = _trimmed(raw)
    remarks: tuple[Remark, ...] = kept(value or "")
    if value is not None and value.startswith('"') and not remarks:
        remarks = (Remark("quotes-kept", '"'),)
    source = ""
    if name == "passwordeval":
        value, source, remarks = None, "command", ()
    style = '"' if value != raw else "bare"
    return builder.assignment(
        name, value, place, place + len(raw), remarks=remarks, source=source, style=style
    )
