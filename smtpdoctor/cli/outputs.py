"""Where a report goes, and in which formats: ``--format NAME[=FILE]``, ``--output FILE``."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from smtpdoctor.cli.common import output_to, refuse_to_destroy, tell
from smtpdoctor.cli.declared import Exit
from smtpdoctor.cli.known import shown
from smtpdoctor.errors import UsageError
from smtpdoctor.masking.words import document_for_log
from smtpdoctor.model import Lang, Message
from smtpdoctor.report import EXPLAINING, FORMATS, TERMINAL, explaining, renderer
from smtpdoctor.text import say

if TYPE_CHECKING:
    from smtpdoctor.report.told import Found, Places, Told

__all__ = ["Outputs", "Sink", "outputs_from", "places_for"]

_FLAG: Final = "--format"
_NEAR: Final = 0.6
_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
_LARGEST_SUMMARY: Final = 1_000_000  # bytes; the runner takes 1 MiB of a step, and nothing of a larger one
# How a format writes a number sign otherwise. An annotation is a command of ours as a whole.
_NUMBER_SIGNS: Final = {
    **dict.fromkeys(("json", "json-lines", "sarif", "gitlab"), "\\u0023"),
    **dict.fromkeys(("junit", "html"), "&#35;"),
    **dict.fromkeys(("nagios", "prometheus"), "# "),
}
_BILINGUAL: Final = frozenset({"html"})
_DATED: Final = frozenset({"html", "junit", "prometheus"})


class Sink(NamedTuple):
    """One format of the report. ``file`` is None for what goes to standard output, or where ``--output`` says."""

    format: str
    file: Path | None


class Outputs(NamedTuple):
    """Where the report goes; the first sink is the one without a file of its own."""

    sinks: tuple[Sink, ...]
    output: Path | None

    @property
    def main(self) -> str:
        """The format on standard output, or in the file of ``--output``."""
        return self.sinks[0].format

    @property
    def formats(self) -> frozenset[str]:
        """All formats."""
        return frozenset(one.format for one in self.sinks)

    @property
    def bilingual(self) -> bool:
        """Whether a format holds the report in both languages."""
        return not self.formats.isdisjoint(_BILINGUAL)

    def now(self) -> str:
        """Return the time for the formats that say it; the others are the same from run to run."""
        if self.formats.isdisjoint(_DATED):
            return ""
        from datetime import UTC, datetime

        return datetime.now(UTC).isoformat(timespec="seconds")

    def end(self, told: Told) -> None:
        """End with the exit code that a format has for itself, if it has one."""
        if self.main == "nagios":
            from smtpdoctor.report.nagios import code_of

            raise Exit(code_of(told))

    @contextlib.contextmanager
    def opened(self) -> Iterator[Streams]:
        """Give the streams; each file is written whole at the end, or not at all. Raises UsageError."""
        with ExitStack() as stack:
            streams = [
                stack.enter_context(
                    output_to(self.output) if one.file is None else output_to(one.file, _FLAG)
                )
                for one in self.sinks
            ]
            yield Streams(self, streams)


class Streams(NamedTuple):
    """The streams of the sinks, in their order."""

    outputs: Outputs
    streams: Sequence[IO[str]]

    @property
    def main(self) -> IO[str]:
        """The stream of the format without a file of its own."""
        return self.streams[0]

    def write(self, told: Told, terminal: Callable[[IO[str]], None], *, printed: bool = False) -> None:
        """Write the report in all formats.

        ``terminal`` prints the terminal's; ``printed``: to the main stream it is printed already.
        """
        for number, (sink, stream) in enumerate(zip(self.outputs.sinks, self.streams, strict=True)):
            if sink.format != TERMINAL:
                stream.write(self._text(sink, renderer(sink.format).tell(told)))
            elif number or not printed:
                terminal(stream)
        if "github" in self.outputs.formats:
            _summarize(renderer("markdown").tell(told), told.lang)

    def _text(self, sink: Sink, text: str) -> str:
        """Return what is written: into a log nothing that commands who keeps it."""
        sign = _NUMBER_SIGNS.get(sink.format)
        if sign is None or sink.file is not None or self.outputs.output is not None:
            return text
        return document_for_log(text, sign)

    def write_found(self, told: Callable[[], Found], terminal: Callable[[IO[str]], None]) -> None:
        """Write what ``explain`` found in all formats; ``told`` makes of it what all but the terminal's need."""
        found: Found | None = None
        for sink, stream in zip(self.outputs.sinks, self.streams, strict=True):
            if sink.format == TERMINAL:
                terminal(stream)
                continue
            found = found or told()
            stream.write(self._text(sink, explaining(sink.format).tell_found(found)))
        if found is not None and "github" in self.outputs.formats:
            _summarize(explaining("markdown").tell_found(found), found.lang)


def outputs_from(
    formats: Sequence[str], output: Path | None, *, force: bool, explains: bool = False
) -> Outputs:
    """Read the values of ``--format``; raises UsageError before anything is run."""
    sinks = [_sink(text, explains=explains) for text in formats]
    main = [one for one in sinks if one.file is None] or [Sink(TERMINAL, None)]
    if len(main) > 1:
        values: dict[str, object] = {"first": main[0].format, "second": main[1].format}
        raise UsageError(Message("usage.format.stdout", values))
    files = [one for one in sinks if one.file is not None]
    places = [one.file for one in files if one.file is not None]
    taken: set[str] = {_at_end_of_links(output)} if output is not None else set()
    for place in places:
        real = _at_end_of_links(place)
        if real in taken:
            raise UsageError(Message("usage.format.twice", {"file": str(place)}))
        taken.add(real)
    if output is not None or not places:
        refuse_to_destroy(output, force=force)
    for place in places:
        refuse_to_destroy(place, force=force, flag=_FLAG)
    return Outputs((main[0], *files), output)


def _at_end_of_links(path: Path) -> str:
    """Return where a path leads, to be compared; as it is where no folder is there that it could start from."""
    try:
        return os.path.realpath(path)
    except OSError:  # the working folder was deleted, and writing will say so
        return str(path)


def _sink(text: str, *, explains: bool) -> Sink:
    name, sign, file = text.partition("=")
    if name not in FORMATS:
        raise _unknown(name, explains=explains)
    if explains and name not in EXPLAINING:
        values: dict[str, object] = {"name": name, "known": ", ".join(EXPLAINING)}
        raise UsageError(Message("usage.format.explain", values))
    if not sign:
        return Sink(name, None)
    if not file.strip():
        raise UsageError(Message("usage.empty", {"flag": f"{_FLAG} {name}="}))
    if "\0" in file:
        raise UsageError(Message("usage.no-argument"))
    return Sink(name, Path(file))


def _unknown(name: str, *, explains: bool) -> UsageError:
    from difflib import get_close_matches

    names = EXPLAINING if explains else FORMATS
    values: dict[str, object] = {
        "flag": _FLAG,
        "value": shown(name),
        "expected": Message("usage.one-of", {"names": ", ".join(names)}),
    }
    near = get_close_matches(name.lower(), names, 1, _NEAR)
    hints = [Message("usage.near", {"name": near[0]})] if near else []
    return UsageError(Message("usage.value", values), *hints)


def _summarize(text: str, lang: Lang) -> None:
    """Add the report to the job's summary, if this is a job of GitHub Actions.

    The file is the runner's, other steps write to it too, and a run does not fail of it.
    """
    name = os.environ.get(_SUMMARY)
    if not name or len(text.encode()) > _LARGEST_SUMMARY:
        return
    try:
        with Path(name).open("a", encoding="utf-8", newline="") as stream:
            stream.write(f"{text}\n")
    except OSError as error:
        tell(say(lang, "usage.summary", file=name, reason=error.strerror or "?"))


# places


def places_for(anchor: Path | None, environment: Mapping[str, str] | None = None) -> Places:
    """Return where findings are shown: paths of the repository, the anchor, the workflow that runs this."""
    from smtpdoctor.report.told import Places

    given = os.environ if environment is None else environment
    return Places(str(anchor) if anchor is not None else None, _workflow(given), _relative)


def _workflow(environment: Mapping[str, str]) -> str | None:
    """Return the file that describes this run, of GitHub Actions or GitLab CI."""
    found = re.fullmatch(
        r"[^/@]+/[^/@]+/(\.github/workflows/[^@]+)@.*", environment.get("GITHUB_WORKFLOW_REF", "")
    )
    if found is not None:
        return found[1]
    if environment.get("GITLAB_CI"):
        named = environment.get("CI_CONFIG_PATH", "")
        # It may also be an address, or a file of another project.
        return named if named and ":" not in named and "@" not in named else ".gitlab-ci.yml"
    return None


def _relative(path: str) -> str:
    """Return a path from the top of the repository that it is in, else as it was given."""
    try:
        whole = os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path))  # noqa: PTH118, PTH119, PTH120
        root = _root(os.path.dirname(whole))  # noqa: PTH120
    except (OSError, ValueError):
        return path
    return Path(whole).relative_to(root).as_posix() if root is not None else path


@cache
def _root(folder: str) -> str | None:
    """Return the top folder of the repository that a folder is in."""
    for one in (Path(folder), *Path(folder).parents):
        if (one / ".git").exists():  # a file in a work tree or submodule
            return str(one)
    return None
