"""``smtpdoctor convert``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

from smtpdoctor.cli import options as opt
from smtpdoctor.cli.common import (
    guarded,
    language,
    output_to,
    refuse_to_destroy,
    tell,
)
from smtpdoctor.cli.declared import Argument, Option
from smtpdoctor.cli.known import Known
from smtpdoctor.cli.options import FormatChoice
from smtpdoctor.errors import UsageError
from smtpdoctor.model import Lang, Message
from smtpdoctor.text import say

if TYPE_CHECKING:
    from smtpdoctor.cli.config import Configured
    from smtpdoctor.generate.converting import Loss
    from smtpdoctor.generate.plan import Plan

__all__ = ["convert"]

_OF_CONNECTION = frozenset({"host", "port", "security"})


@guarded
def convert(  # noqa: PLR0913, PLR0912, PLR0915 -- the flags of the contract
    file: Annotated[Path, Argument(help="An application's configuration.", metavar="FILE")],
    to: Annotated[
        Optional[str],  # noqa: UP045 -- typer reads it at run time
        Option("--to", help="The application whose words they are to be.", metavar="APP"),
    ] = None,
    from_: Annotated[
        Optional[str],  # noqa: UP045
        Option("--from", help="The application whose file it is; detected when not given.", metavar="APP"),
    ] = None,
    service: opt.Service = None,
    app_version: opt.AppVersion = None,
    kind: opt.Kind = None,
    write: opt.WriteTo = None,
    with_password: Annotated[
        bool, Option("--with-password", help="Print the password too; --write writes it in any case.")
    ] = False,
    force: opt.ForceWriting = False,
    format_: opt.Format = FormatChoice.TERMINAL,
    output: opt.Output = None,
    lang: opt.Language = None,
    no_color: opt.NoColor = False,  # noqa: ARG001 -- shared; what is written here has no colour
    quiet: opt.QuietWriting = False,
    *,
    known: Known,
) -> None:
    """Say the settings of one application in the words of another, and what cannot be said."""
    from smtpdoctor.cli.generate import (
        format_for,
        kind_of,
        put,
        refuse_folder,
        refuse_odd_targets,
        tell_of_git,
        tell_of_secrets,
    )
    from smtpdoctor.generate.converting import Request, losses_of, planner_of

    tongue = language(lang)
    in_words = format_ is FormatChoice.TERMINAL
    refuse_odd_targets(write, output, force=force, in_words=in_words)
    if to is None:
        raise UsageError(Message("usage.convert.to"))
    if write is not None:
        refuse_folder(write, to, kind)
    if output is not None:
        refuse_to_destroy(output, force=force)
    target = _dialect(to, "--to")
    source = _read(file, from_, service, app_version, known)
    file_kind = kind_of(target, write, kind)
    carried = with_password or write is not None
    request = Request(source.reading, source.loaded, target, file_kind, carried)
    mend = shlex.join(["smtpdoctor", "fix", "--no-network", "--config", str(file), *_named(from_, service)])
    faults = list(_faults_of(source, mend))
    try:
        planner = planner_of(request)
        plan = planner({})
    except UsageError as error:
        if not faults:
            raise
        hint = Message("usage.convert.faulty", {"command": mend})
        raise UsageError(error.message, *error.hints, hint) from error
    format_of_file = format_for(target, file_kind, planner)
    if write is None:
        from smtpdoctor.generate import Merged

        text = format_of_file.render(plan, tongue)
        result = Merged(text=text, values={}, written=(), unchanged=(), to_fill_in=plan.to_fill_in)
    else:
        result = put(write, plan, format_of_file, tongue, force=force)
        if not quiet:
            tell_of_git(write, plan, tongue)
    losses = [*faults, *losses_of(request, plan)]
    if not in_words:
        from smtpdoctor.report.json_v1 import dump
        from smtpdoctor.report.objects import converted_object

        place = known.mask(str(write)) if write else None
        apps = (source.reading.dialect.id, target.id)
        said = [(one.name, known.mask(_said(one, tongue))) for one in losses]
        with output_to(output) as stream:
            stream.write(dump(converted_object(*apps, place, result, said)))
        return
    if write is None:
        with output_to(output) as stream:
            stream.write(result.text)
    for one in losses:
        tell(known.mask(_said(one, tongue)))
    if quiet:
        return
    if write is not None:
        names = ", ".join(result.written)
        tell(
            known.say(tongue, "generate.written", file=write, names=names)
            if names
            else known.say(tongue, "generate.unchanged", file=write)
        )
    tell_of_secrets(result, plan, tongue)
    masked = [] if carried or source.loaded.settings.password is None else _with_password(plan)
    if masked:
        tell(say(tongue, "convert.masked", names=", ".join(masked)))
    to_fill_in = [name for name in result.to_fill_in if name not in masked]
    if to_fill_in:
        tell(say(tongue, "generate.fill", names=", ".join(to_fill_in)))
    elif not losses and not result.secrets and not masked:
        tell(say(tongue, "convert.whole"))


def _with_password(plan: Plan) -> list[str]:
    """Return the names whose values hold a password."""
    return [one.name for one in plan.variables if "password" in {one.setting, *one.parts}]


def _said(one: Loss, lang: Lang) -> str:
    """Return a loss in a language."""
    values = {
        name: value.in_(lang) if hasattr(value, "in_") else value
        for name, value in one.message.values.items()
    }
    return say(lang, one.message.key, **values)


def _named(app: str | None, service: str | None) -> list[str]:
    """Return the options that say again whose settings they are."""
    given = (("--app", app), ("--service", service))
    return [word for flag, value in given if value is not None for word in (flag, value)]


def _faults_of(source: Configured, mend: str) -> Iterator[Loss]:
    """Yield what keeps the settings from connecting where they stand, and would in the new file."""
    from smtpdoctor.doctor import lint_only
    from smtpdoctor.generate.converting import Loss
    from smtpdoctor.knowledge import load
    from smtpdoctor.model import Severity

    seen: set[str] = set()
    for one in lint_only(source.loaded).findings:
        about = one.evidence.setting or ("security" if one.id == "config-tls-mode" else "")
        if one.severity is not Severity.ERROR or about not in _OF_CONNECTION or one.id in seen:
            continue
        seen.add(one.id)
        values: dict[str, object] = {"name": about, "title": load.entry(one.id).title, "command": mend}
        yield Loss(about, Message("convert.faulty", values))


def _dialect(name: str, flag: str) -> Any:
    from smtpdoctor.knowledge import load
    from smtpdoctor.settings.identify import unknown_app

    found = load.dialect(name)
    if found is None:
        raise unknown_app(name, flag)
    return found


def _read(file: Path, app: str | None, service: str | None, version: str | None, known: Known) -> Configured:
    """Return the settings of the one application of a file; raises UsageError where there are several."""
    from smtpdoctor.cli.config import Files, load_configs
    from smtpdoctor.settings.resolve import Flags

    files = Files(environment=False, flag="FILE", app_flag="--from")
    found = load_configs(
        Flags(app=app),
        [file],
        service=service,
        version=version or "",
        environment=False,
        known=known,
        files=files,
    )
    if len(found) > 1:
        names = ", ".join(one.service for one in found)
        values: dict[str, object] = {"file": str(file), "count": len(found), "names": names}
        raise UsageError(Message("usage.convert.several", values))
    return found[0]
