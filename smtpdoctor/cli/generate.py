"""``smtpdoctor generate``."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Optional

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import (
    guarded,
    language,
    output_to,
    password_from,
    refuse_to_destroy,
    refuse_together,
    tell,
)
from smtpdoctor.cli.declared import Argument, Option
from smtpdoctor.cli.known import Known, shown
from smtpdoctor.cli.options import FormatChoice
from smtpdoctor.errors import UsageError
from smtpdoctor.model import Lang, Message, Security
from smtpdoctor.text import say

if TYPE_CHECKING:
    from smtpdoctor.generate import Format, Merged, Plan, Wish
    from smtpdoctor.generate.kinds import FileKind
    from smtpdoctor.generate.planning import Planner
    from smtpdoctor.knowledge.dialects import Dialect
    from smtpdoctor.knowledge.schema import App, Preset

__all__ = ["format_for", "generate", "kind_of", "put", "refuse_odd_targets", "tell_of_git"]

_WITH_SERVICES: Final = frozenset({"compose", "kubernetes", "msmtprc"})
_LOOKED_AT: Final = 400_000  # bytes
_NAMES: Final = ("username", "sender", "host", "port", "security", "cipher", "ehlo", "service")


@guarded
def generate(  # noqa: PLR0913 -- the flags of the contract
    preset: Annotated[str, Argument(help="A provider: gmail, naver, sendgrid …", metavar="PRESET")],
    app: Annotated[
        Optional[str],  # noqa: UP045 -- typer reads it at run time
        Option("--app", help="Whose variables to write; default: the base variables.", metavar="NAME"),
    ] = None,
    values: Annotated[
        Optional[list[str]],  # noqa: UP045
        Option(
            "--set",
            help="A value: username, sender, host, port, security, cipher, or service (Compose). Repeatable.",
            metavar="NAME=VALUE",
        ),
    ] = None,
    security: opt.SecurityMode = None,
    password_file: opt.PasswordFile = None,
    password_stdin: opt.PasswordStdin = False,
    ask_password: opt.AskPassword = False,
    kind: opt.Kind = None,
    write: opt.WriteTo = None,
    force: opt.ForceWriting = False,
    format_: opt.Format = FormatChoice.TERMINAL,
    output: opt.Output = None,
    lang: opt.Language = None,
    no_color: opt.NoColor = False,  # noqa: ARG001 -- shared; what is written here has no colour
    quiet: opt.QuietWriting = False,
    *,
    known: Known,
) -> None:
    """Write configuration for an application: print it, or merge it into a file with --write."""
    from smtpdoctor.settings.resolve import preset_named

    tongue = language(lang)
    in_words = format_ is FormatChoice.TERMINAL
    refuse_odd_targets(write, output, force=force, in_words=in_words)
    if write is not None:
        refuse_folder(write, app, kind)
    if ask_password and write is None:
        raise UsageError(Message("usage.needs", {"flag": "--ask-password", "other": "--write"}))
    if output is not None and not in_words:
        refuse_to_destroy(output, force=force)
    provider = preset_named(preset)
    application = _app(app, manifest=_is_manifest(write, kind))
    wish = _wish(values or [], security, _settings_of(application))
    file_kind = _kind_of(application, write, kind)
    name = kind if file_kind is None else file_kind.name
    if wish.service is not None and (name or _format(write, kind).NAME) not in _WITH_SERVICES:
        raise UsageError(Message("usage.needs", {"flag": "--set service", "other": "--for compose"}))
    password = password_from(
        file=password_file, stdin=password_stdin, ask=ask_password, lang=tongue, known=known
    )
    if password is not None:
        # What is printed ends up in terminals and logs, so a password goes to files only.
        wish = replace(wish, unprinted=True) if write is None else replace(wish, password=password.value)
    format_of_file, plan = _planned(provider, application, file_kind, wish, write, kind)
    if write is None:
        result = _printed(plan, format_of_file.render(plan, tongue))
    else:
        result = put(write, plan, format_of_file, tongue, force=force)
        _tell_of_readers(write, plan, format_of_file, None if quiet else tongue)
        tell_of_git(write, plan, tongue)
    if not in_words:
        from smtpdoctor.report.json_v1 import dump
        from smtpdoctor.report.objects import generated_object

        place = known.mask(str(write)) if write else None
        printed = generated_object(provider.id, application.id, place, result)
        with output_to(output) as stream:
            stream.write(dump(printed))
        return
    if write is None:
        if output is not None:
            _keep_users_file(output, result.text, force=force)
        with output_to(output) as stream:
            stream.write(result.text)
    if not quiet:
        if output is not None:
            written = ", ".join(one.name for one in plan.variables)
            tell(known.say(tongue, "generate.written", file=output, names=written))
        unprinted = [
            one.name for one in plan.variables if wish.unprinted and "password" in {one.setting, *one.parts}
        ]
        _tell(result, plan, format_of_file, write, unprinted, tongue, known)
        _tell_of_mode(plan, wish, tongue)


def refuse_odd_targets(write: Path | None, output: Path | None, *, force: bool, in_words: bool) -> None:
    """Raise UsageError for flags that do not say together where to write."""
    refuse_together(("--write", write is not None and in_words), ("--output", output is not None))
    if force and write is None and output is None:
        raise UsageError(Message("usage.needs", {"flag": "--force", "other": "--write"}))


def refuse_folder(path: Path, app: str | None, kind: str | None) -> None:
    """Raise UsageError where a folder is to be written to, with the name of a file that would be right in it."""
    if not os.path.isdir(path):  # noqa: PTH112 -- a path that is too long is none
        return
    from smtpdoctor.generate.kinds import example_of
    from smtpdoctor.generate.planning import kind_for
    from smtpdoctor.knowledge import load

    dialect = load.dialect(app) if app is not None and app not in load.apps() else None
    if dialect is not None:
        name = example_of(kind_for(dialect, kind))
    else:
        name = {"compose": "compose.yaml", "kubernetes": "mailer.yaml"}.get(kind or "", ".env")
    hints = [Message("usage.write.folder.how", {"file": str(path / name)})] if name else []
    raise UsageError(Message("usage.write.folder", {"flag": "--write", "file": str(path)}), *hints)


def _keep_users_file(output: Path, text: str, *, force: bool) -> None:
    """Raise UsageError where the printed settings would take the place of what a user has in the file."""
    try:
        refuse_to_destroy(output, force=force, text=text)
    except UsageError as error:
        raise UsageError(error.message, Message("usage.output.write", {"file": str(output)})) from error


def _is_manifest(path: Path | None, kind: str | None) -> bool:
    """Whether what is to be written is of Kubernetes: said so, by the name of the file, or by what stands in it."""
    if kind is not None or path is None:
        return kind == "kubernetes"
    if path.suffix.lower() not in {".yaml", ".yml"}:
        return False
    from smtpdoctor.generate.kinds import KINDS

    return _syntax_within(path) == "kubernetes" or any(
        one.name == "kubernetes" and one.owns(path.name) and not path.exists() for one in KINDS
    )


def _app(name: str | None, *, manifest: bool) -> App | Dialect:
    """Return the base variables, or the application with a name; raises UsageError.

    ``manifest``: it is for Kubernetes, where the base variables are written as those of any application.
    """
    from smtpdoctor.knowledge import load

    known = load.apps()
    found = known.get((name or "smtp").strip().lower())
    if found is not None and not manifest:
        return found
    from smtpdoctor.settings.identify import unknown_app

    dialect = load.dialect(name or "smtp")
    if dialect is None:
        raise unknown_app(name or "")
    return dialect


def _settings_of(application: App | Dialect) -> set[str]:
    """Return what an application has a name for."""
    from smtpdoctor.knowledge.schema import App

    return set(application.variables if isinstance(application, App) else application.keys)


def _kind_of(application: App | Dialect, path: Path | None, kind: str | None) -> FileKind | None:
    """Return the kind of file of an application, None for the base variables; raises UsageError."""
    from smtpdoctor.knowledge.schema import App

    if isinstance(application, App):
        if kind not in {None, "dotenv", "compose"}:
            values: dict[str, object] = {
                "app": application.id,
                "kind": kind,
                "known": "dotenv, compose, kubernetes",
            }
            raise UsageError(Message("usage.generate.kind", values))
        return None
    try:
        return kind_of(application, path, kind)
    except UsageError as error:
        from smtpdoctor.formats import SOURCE_CODE
        from smtpdoctor.formats.looks import syntax_of
        from smtpdoctor.generate.kinds import kinds_of

        by_code = any(one.syntax in SOURCE_CODE for one in kinds_of(application))
        if path is None or kind is not None or not by_code or syntax_of(path.name, "") != "dotenv":
            raise
        # Whoever takes the settings from there in code of his own, wants the usual names.
        hint = Message("usage.generate.file.base", {"app": application.name.en, "file": str(path)})
        raise UsageError(error.message, *error.hints, hint) from error


def kind_of(application: Dialect, path: Path | None, kind: str | None) -> FileKind:
    """Return the kind of file that was named, or that a file's name tells, or the usual one; raises UsageError."""
    from smtpdoctor.generate.kinds import example_of, kind_of_file, kinds_of
    from smtpdoctor.generate.planning import kind_for

    if kind is not None or path is None:
        return kind_for(application, kind)
    found = kind_of_file(application, str(path))
    if found is None or found.name == "yaml":
        found = _kind_within(application, path, found)
    if found is None:
        known = ", ".join(one.name for one in kinds_of(application))
        values: dict[str, object] = {"file": str(path), "app": application.name.en, "known": known}
        example = next(filter(None, map(example_of, kinds_of(application))), "")
        hint = Message("usage.generate.file.for", {"known": known})
        if example:
            hint = Message("usage.generate.file.such", {"known": known, "file": str(path.with_name(example))})
        raise UsageError(Message("usage.generate.file", values), hint)
    return found


def _kind_within(application: Dialect, path: Path, named: FileKind | None) -> FileKind | None:
    """Return the kind of a file that stands already by a look into it, else the one that its name tells.

    Raises UsageError for one in which the application has no settings.
    """
    from smtpdoctor.generate.kinds import kinds_of
    from smtpdoctor.generate.planning import kind_for

    syntax = _syntax_within(path)
    if syntax is None:
        return named
    if syntax in {"compose", "kubernetes"}:
        return kind_for(application, syntax)
    if syntax != "yaml":
        return next((one for one in kinds_of(application) if one.syntax == syntax), named)
    if named is not None or not _has_variables(path):
        return named
    # A map or list of environment variables is read alike, whoever starts the container.
    return next((one for one in kinds_of(application) if one.name == "kubernetes"), None)


def _has_variables(path: Path) -> bool:
    """Whether environment variables stand in a YAML file."""
    from smtpdoctor.files import beginning_of
    from smtpdoctor.formats import reader_of
    from smtpdoctor.formats.document import Source, TooLargeError

    reading = reader_of("yaml")
    text = beginning_of(path, _LOOKED_AT).decode("utf-8", "replace")
    try:
        return reading is not None and any(
            one.environment for one in reading(Source(path=str(path), text=text)).scopes
        )
    except TooLargeError:
        return False


def _syntax_within(path: Path) -> str | None:
    from smtpdoctor.files import beginning_of
    from smtpdoctor.formats import syntax_of

    text = beginning_of(path, _LOOKED_AT).decode("utf-8", "replace")
    return syntax_of(str(path), text) if text.strip() else None


def _planned(
    provider: Preset,
    application: App | Dialect,
    file_kind: FileKind | None,
    wish: Wish,
    path: Path | None,
    kind: str | None,
) -> tuple[Format, Plan]:
    """Return how a file is written, and what is to stand in it; raises UsageError."""
    from smtpdoctor.knowledge.schema import App

    if file_kind is None or isinstance(application, App):
        from smtpdoctor.generate import plan_for

        assert isinstance(application, App)  # noqa: S101 -- all others have a kind of file
        return _format(path, kind), plan_for(provider, application, wish)
    from smtpdoctor.generate.planning import planner_for

    planner = planner_for(application, file_kind, provider, wish)
    return format_for(application, file_kind, planner), planner({})


def format_for(application: Dialect, file_kind: FileKind, planner: Planner) -> Format:
    """Return how a kind of file of an application is written."""
    from smtpdoctor.generate.application import AppFile, ComposeFile

    if file_kind.name == "kubernetes":
        from smtpdoctor.generate.manifests import ManifestFile

        return ManifestFile(application, file_kind, planner)
    written = ComposeFile if file_kind.name == "compose" else AppFile
    return written(application, file_kind, planner)


def _tell_of_mode(plan: Plan, wish: Wish, lang: Lang) -> None:
    """Say what an application cannot do, or only its newer versions, though it is set as well as can be."""
    from smtpdoctor.knowledge import load

    app = plan.app.name.in_(lang)
    if plan.security is Security.OPPORTUNISTIC and wish.security is None and not plan.preset.anywhere:
        tell(say(lang, "generate.opportunistic", app=app))
    dialect = load.dialect(plan.app.id) if plan.app.id not in load.apps() else None
    if dialect is None:
        return
    from smtpdoctor.generate.application import reading_of

    reading = reading_of(dialect, plan)
    if reading.verifies is False and plan.security is not Security.NONE and reading.connects:
        tell(say(lang, "convert.check.off", app=app))
    since = next((one.since for one in reversed(reading.answers) if one.since), "")
    if len({one.security for one in reading.answers}) > 1 and since:
        tell(say(lang, "convert.version", app=app, version=since))


def tell_of_secrets(result: Merged, plan: Plan, lang: Lang) -> None:
    """Say which Secret of Kubernetes has to hold what was not written into a workload."""
    for name, secret in result.secrets:
        from smtpdoctor.generate.manifests import SECRET

        known = "generate.secrets.there" if secret else "generate.secrets.elsewhere"
        key = "generate.secrets" if secret == SECRET else known
        tell(say(lang, key, name=name, secret=secret))
        if any(name in one.names and one.parts for one in plan.variables):
            tell(say(lang, "generate.secrets.line", name=name))


def tell_of_git(path: Path, plan: Plan, lang: Lang) -> None:
    """Say that a file which holds a password, or is to hold one, would be put under version control."""
    from smtpdoctor.cli.versioned import is_versioned

    settings = {part for one in plan.variables for part in (one.setting, *one.parts)}
    if "password" in settings and is_versioned(path):
        tell(say(lang, "generate.versioned", file=path))


def _wish(given: list[str], security: Security | None, known: set[str]) -> Wish:
    """Return what the command line asks for; raises UsageError for what --set does not take."""
    from smtpdoctor.generate import Wish
    from smtpdoctor.settings.read import refuse_long

    names = [name for name in _NAMES if name in known | {"security", "service"}]
    wishes: dict[str, Any] = {"security": security} if security else {}
    for text in given:
        name, sign, value = text.partition("=")
        name = name.strip().lower()
        if name == "password":
            raise UsageError(Message("usage.set.password"))
        if not sign or name not in names or not value.strip():
            # A mistyped name may be followed by a secret, so what stands behind it is not shown.
            got = f"{name}=…" if sign and value.strip() else text
            raise UsageError(Message("usage.set", {"names": ", ".join(names), "value": got}))
        refuse_long(value, f"--set {name}")
        wished = _number(value) if name == "port" else _mode(value) if name == "security" else value
        if name in wishes and wishes[name] != wished:
            second = f"--set {name}={wished}"
            first = "--security" if name == "security" and security else f"--set {name}={wishes[name]}"
            raise UsageError(Message("usage.contradiction.flags", {"first": first, "second": second}))
        wishes[name] = wished
    return Wish(**wishes)


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 65_535:  # noqa: PLR2004 -- RFC 9293
        return int(text)
    values: dict[str, object] = {
        "flag": "--set port",
        "value": shown(text),
        "expected": Message("usage.whole", {"least": 1, "most": 65_535}),
    }
    raise UsageError(Message("usage.value", values))


def _mode(text: str) -> Security:
    try:
        return Security(text.strip().lower())
    except ValueError as error:
        known = Message("usage.one-of", {"names": ", ".join(one.value for one in Security)})
        values: dict[str, object] = {"flag": "--set security", "value": shown(text), "expected": known}
        raise UsageError(Message("usage.value", values)) from error


def _format(path: Path | None, kind: str | None) -> Format:
    """Return the format by the name of the file, or the one that was named."""
    from smtpdoctor.generate import FORMATS, format_of

    named = next((one for one in FORMATS if kind == one.NAME), None)
    if path is None:
        return named or FORMATS[0]
    found = format_of(path.name)
    if found is None and named is None:
        syntax = _syntax_within(path)
        found = next((one for one in FORMATS if syntax == one.NAME), None)
    if found is None and named is None:
        values: dict[str, object] = {"file": str(path)}
        raise UsageError(Message("usage.generate.format", values), Message("usage.generate.format.for"))
    if found is not None and named is not None and found is not named:
        first, second = f"--for {kind}", f"--write {path}"
        raise UsageError(Message("usage.contradiction.flags", {"first": first, "second": second}))
    chosen = named or found
    assert chosen is not None  # noqa: S101 -- both None was refused above
    return chosen


def _printed(plan: Plan, text: str) -> Merged:
    from smtpdoctor.generate import Merged

    return Merged(text=text, values={}, written=(), unchanged=(), to_fill_in=plan.to_fill_in)


def put(path: Path, plan: Plan, format_: Format, lang: Lang, *, force: bool) -> Merged:
    """Merge into a file; it changes only where its reader finds in it what was to be written."""
    from smtpdoctor.cli.writing import edit
    from smtpdoctor.generate import merged

    result: Merged | None = None

    def change(before: str | None) -> str:
        nonlocal result
        result = merged(format_, before or "", plan, lang, file=str(path), force=force)
        result = replace(result, renewed=result.text != before)
        return result.text

    def check(written: Path) -> None:
        assert result is not None  # noqa: S101 -- what is written was made before
        try:
            read = format_.read(written, plan, file=str(path))
        except UsageError as error:
            # It knows the file by the name that it has for now.
            values = {
                name: value.replace(str(written), str(path)) if isinstance(value, str) else value
                for name, value in error.message.values.items()
            }
            raise UsageError(Message(error.message.key, values), *error.hints) from error
        for name, value in result.values.items():
            if read.get(name) != value:
                raise UsageError(Message("usage.generate.misread", {"file": str(path), "name": name}))

    edit(path, change, check=check)
    assert result is not None  # noqa: S101 -- it was made, or an error raised
    return result


def _tell_of_readers(path: Path, plan: Plan, format_: Format, lang: Lang | None) -> None:
    """Say that others may read a file with a password in it; its mode may be wanted, so it stays."""
    if lang is None or sys.platform == "win32":  # where a mode says nothing
        return
    from smtpdoctor.settings.lint import is_placeholder

    with contextlib.suppress(OSError, UsageError):  # somebody has taken it away already
        mode = path.stat().st_mode & 0o777
        if not mode & 0o077:
            return
        read = format_.read(path, plan, file=str(path))
        secret = [one for one in plan.variables if "password" in {one.setting, *one.parts}]
        told = [(read.get(name), one) for one in secret for name in one.names]
        if any(
            text and not is_placeholder(text) and not (one.fill_in and text == one.value)
            for text, one in told
        ):
            tell(say(lang, "generate.exposed", file=path, mode=f"{mode:04o}"))


def _tell(
    result: Merged,
    plan: Plan,
    format_: Format,
    path: Path | None,
    unprinted: list[str],
    lang: Lang,
    known: Known,
) -> None:
    """Say on standard error what was written and what is still to do; names only."""
    names = [one.name for one in plan.variables] if path is None else list(result.written)
    if path is not None and names:
        tell(known.say(lang, "generate.written", file=path, names=", ".join(names)))
    elif path is not None:
        tell(known.say(lang, "generate.comments" if result.renewed else "generate.unchanged", file=path))
    left = result.left
    provider = plan.preset.name.in_(lang)
    if left.reset:
        owner = left.owner if isinstance(left.owner, str) else left.owner.in_(lang) if left.owner else "?"
        tell(say(lang, "generate.reset", names=", ".join(left.reset), owner=owner))
    if left.doubtful:
        tell(say(lang, "generate.doubtful", names=", ".join(left.doubtful), preset=provider))
    if unprinted:
        tell(say(lang, "generate.masked", names=", ".join(unprinted)))
    if result.to_fill_in:
        tell(say(lang, "generate.fill", names=", ".join(result.to_fill_in)))
    tell_of_secrets(result, plan, lang)
    for caution in format_.cautions(plan, names):
        tell(say(lang, caution))
    if path is not None and (command := format_.check_command(str(path))):
        tell(known.say(lang, "generate.next", command=command))
