"""What a shell may complete: the words for the place of the cursor, made from the declarations.

A script of the shell asks with ``_SMTPDOCTOR_COMPLETE`` in the environment and the words up to the cursor as
arguments. Each line of the answer is a word, perhaps a tab and a remark; ``:files`` means that the name of a file
may stand there. It is asked at each keystroke, so nothing is loaded that the answer does not need.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from smtpdoctor.cli.declared import COMMANDS, HELP, Argument, Declared, declared_in, function_of, kind_of

__all__ = ["FILES", "VARIABLE", "answer", "complete", "script_of"]

VARIABLE: Final = "_SMTPDOCTOR_COMPLETE"
FILES: Final = ":files"

_COMMON: Final = ("--version", "--help")
_PROVIDERS: Final = frozenset({"--preset", "presets name", "generate preset"})
_APPLICATIONS: Final = frozenset({"--app", "apps name", "convert --to"})
_IDS: Final = frozenset({"--ignore"})
_WORDS: Final = "explain words"  # an id, or the name of a log
_SHOWN: Final = 60  # characters of a remark


def answer(words: Sequence[str]) -> None:
    """Print what may stand in place of the last of the words; says nothing where it is not known."""
    try:
        lines = list(complete(words))
    except Exception:  # noqa: BLE001 -- a shell at its prompt has no use for an error
        lines = []
    sys.stdout.write("".join(f"{one}\n" for one in lines))


def complete(words: Sequence[str]) -> Iterator[str]:
    """Yield what may stand in place of the last word, given those before it."""
    *before, last = words or [""]
    if before in ([], [HELP]):
        yield from _beginning(last, [*COMMANDS, *(_COMMON if last.startswith("-") else ())])
        return
    command = before[0]
    if command not in COMMANDS:
        return
    declared = declared_in(function_of(command))
    options = {flag: (hint, one) for hint, one in declared.values() for flag in one.names}
    before = _joined(before[1:])
    if last == "=" and before and before[-1] in options:  # bash takes the sign for a word of its own
        last = ""
    elif before[-1:] == ["="]:
        before = before[:-1]
    name, sign, value = last.partition("=")
    if sign and name in options:
        yield from (
            one if one == FILES else f"{name}={one}" for one in _values(command, name, options[name], value)
        )
        return
    if before and before[-1] in options and kind_of(options[before[-1]][0])[0] is not bool:
        yield from _values(command, before[-1], options[before[-1]], last)
        return
    if last.startswith("-"):
        yield from _options(command, options, before, last)
        return
    for place, (hint, one) in declared.items():
        if isinstance(one, Argument):
            yield from _values(command, f"{command} {place}", (hint, one), last)
            return


def _joined(words: Sequence[str]) -> list[str]:
    """Return the words without the signs that bash has split off: what stands before one is an option."""
    found: list[str] = []
    for number, word in enumerate(words):
        if word == "=" and number < len(words) - 1:
            continue
        found.append(word)
    return found


def _options(
    command: str, options: dict[str, tuple[Any, Declared]], before: Sequence[str], last: str
) -> Iterator[str]:
    from smtpdoctor.text import default_language

    lang = default_language()
    korean: dict[str, str] = {}
    if lang == "ko":
        from smtpdoctor.text.help import KOREAN as korean  # noqa: N811 -- it is a table here
    given = {one.partition("=")[0] for one in before}
    for flag, (hint, one) in options.items():
        if flag.startswith(last) and (flag not in given or kind_of(hint)[1]):
            text = korean.get(f"{command} {flag}", korean.get(flag, str(one.more["help"])))
            yield f"{flag}\t{_short(text)}"
    yield from _beginning(last, _COMMON)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1].rstrip()}…"


def _values(command: str, name: str, parameter: tuple[Any, Declared], last: str) -> Iterator[str]:
    kind = kind_of(parameter[0])[0]
    keys = {name, f"{command} {name}"}
    if keys & _APPLICATIONS:
        from smtpdoctor.knowledge import load

        yield from _beginning(last, sorted({*load.apps(), *load.dialect_ids()}))
    elif keys & _PROVIDERS:
        from smtpdoctor.knowledge import load

        yield from _beginning(last, load.preset_ids())
    elif keys & _IDS or name == _WORDS:
        from smtpdoctor.knowledge import load

        yield from _beginning(last, load.ids())
        if name == _WORDS:
            yield FILES
    elif kind is Path or parameter[1].more.get("metavar") == "FILE":
        yield FILES
    else:
        from smtpdoctor.cli.helping import choices_of

        yield from _beginning(last, choices_of(parameter[0]))


def _beginning(start: str, words: Iterable[str]) -> Iterator[str]:
    return (word for word in words if word.startswith(start))


# -- Scripts ------------------------------------------------------------------

_BASH: Final = r"""# Completion of smtpdoctor in bash: source <(smtpdoctor completion bash)
_smtpdoctor() {
    local IFS=$'\n' current=${COMP_WORDS[COMP_CWORD]} answer line
    COMPREPLY=()
    answer=$(_SMTPDOCTOR_COMPLETE=bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    [ "$current" = "=" ] && current=""
    while IFS= read -r line; do
        case $line in
            "") ;;
            :files)
                compopt -o filenames 2>/dev/null
                while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
                ;;
            *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done <<<"$answer"
}
complete -F _smtpdoctor smtpdoctor
"""
_ZSH: Final = r"""#compdef smtpdoctor
# Completion of smtpdoctor in zsh: source <(smtpdoctor completion zsh), after compinit
_smtpdoctor() {
    local line
    local -a lines found shown
    lines=("${(@f)$(_SMTPDOCTOR_COMPLETE=zsh "${words[1]}" "${(@)words[2,$CURRENT]}" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        case $line in
            "") ;;
            :files) _files ;;
            *$'\t'*) found+=("${line%%$'\t'*}"); shown+=("${line%%$'\t'*}  -- ${line#*$'\t'}") ;;
            *) found+=("$line"); shown+=("$line") ;;
        esac
    done
    (( ${#found} == 0 )) || compadd -l -d shown -a found
}
if [[ ${funcstack[1]} == _smtpdoctor ]]; then
    _smtpdoctor "$@"
else
    compdef _smtpdoctor smtpdoctor
fi
"""
_FISH: Final = r"""# Completion of smtpdoctor in fish: smtpdoctor completion fish | source
function __smtpdoctor_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (_SMTPDOCTOR_COMPLETE=fish $words[1] $words[2..-1] 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path (commandline -ct)
        else
            printf '%s\n' $line
        end
    end
end
complete -c smtpdoctor -f -a '(__smtpdoctor_complete)'
"""
_SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script_of(shell: str) -> str:
    """Return the script for a shell."""
    return _SCRIPTS[shell]
