"""`onionchat completion bash|zsh|fish`: made from the table, so that nothing is forgotten."""

from collections.abc import Iterable

from onionchat.cli.output import say
from onionchat.cli.session import Context
from onionchat.cli.table import COMMANDS, CONSOLE, GLOBAL, TOR, Argument, Command

_FILE_METAVARS = ("FILE",)
_FOLDER_METAVARS = ("DIR",)
_WHOLE = (*GLOBAL, *CONSOLE, *TOR)


def completion(context: Context) -> int:
    """`completion`: the script for one shell."""
    say({"bash": bash, "zsh": zsh, "fish": fish}[context.options.shell]().rstrip("\n"))
    return 0


# --- bash -------------------------------------------------------------------------------------------------
def bash() -> str:
    """For `source <(onionchat completion bash)`."""
    names = " ".join(command.name for command in COMMANDS)
    cases = "\n".join(
        f"    {command.name}) words='{' '.join(_words(command))}'; files={int(_takes_file(command))} ;;"
        for command in COMMANDS
    )
    values = "\n".join(_bash_value(argument) for argument in _distinct(_options_with_choices()))
    return _BASH.format(
        commands=names,
        cases=cases,
        values=values,
        files="|".join(_names_with(_FILE_METAVARS)),
        folders="|".join(_names_with(_FOLDER_METAVARS)),
        others="|".join(_other_values()),
        options=" ".join(["--help", "--version", *(name for each in _WHOLE for name in each.names)]),
        with_value="|".join(name for each in _WHOLE if _takes_value(each) for name in each.names),
    )


def _bash_value(argument: Argument) -> str:
    choices = " ".join(argument.options["choices"])
    return f"    {'|'.join(argument.names)}) COMPREPLY=($(compgen -W '{choices}' -- \"$cur\")); return ;;"


_BASH = """\
# bash completion for onionchat: source <(onionchat completion bash)
_onionchat() {{
  local cur prev command words files i
  cur=${{COMP_WORDS[COMP_CWORD]}}
  prev=${{COMP_WORDS[COMP_CWORD-1]}}
  COMPREPLY=()
  case $prev in
    {files}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    {folders}) COMPREPLY=($(compgen -d -- "$cur")); return ;;
{values}
    {others}) return ;;
  esac
  command=
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      {with_value}) ((i++)) ;;
      -*) ;;
      *) command=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  if [[ -z $command ]]; then
    case $cur in
      -*) COMPREPLY=($(compgen -W '{options}' -- "$cur")) ;;
      *) COMPREPLY=($(compgen -W '{commands}' -- "$cur")) ;;
    esac
    return
  fi
  words= files=0
  case $command in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ $files == 1 && $cur != -* ]]; then COMPREPLY+=($(compgen -f -- "$cur")); fi
}}
complete -F _onionchat onionchat
"""


# --- zsh --------------------------------------------------------------------------------------------------
def zsh() -> str:
    """For a file `_onionchat` in $fpath, or `source <(onionchat completion zsh)`."""
    listed = "\n".join(f"    {_zsh_quoted(f'{command.name}:{command.help}')}" for command in COMMANDS)
    cases = "\n".join(f"    {command.name}) _arguments {_zsh_specs(command.arguments)} ;;" for command in COMMANDS)
    return _ZSH.format(commands=listed, cases=cases, options=_zsh_specs(_WHOLE))


_ZSH = """\
#compdef onionchat
# zsh completion for onionchat: put this into a file _onionchat in $fpath, or source it
_onionchat() {{
  local context state line
  local -a commands
  commands=(
{commands}
  )
  _arguments -C {options} '--help[this page]' '--version[print the version]' \\
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument) case $line[1] in
{cases}
    esac ;;
  esac
}}
if [[ $funcstack[1] == _onionchat ]]; then _onionchat "$@"; else compdef _onionchat onionchat; fi
"""


def _zsh_specs(arguments: Iterable[Argument]) -> str:
    return " ".join(_zsh_quoted(spec) for argument in arguments for spec in _zsh_spec(argument))


def _zsh_spec(argument: Argument) -> list[str]:
    text = _zsh_text(str(argument.options["help"]))
    value = f":{_zsh_text(_metavar(argument)).lower()}:{_zsh_action(argument)}"
    if argument.is_option:
        repeat = "*" if argument.options.get("action") == "append" else ""
        return [f"{repeat}{name}[{text}]{value if _takes_value(argument) else ''}" for name in argument.names]
    many = "*" if argument.options.get("nargs") == "*" else ""
    optional = ":" if argument.options.get("nargs") == "?" else ""
    return [f"{many}{optional}{value}"]


def _zsh_action(argument: Argument) -> str:
    if choices := argument.options.get("choices"):
        return f"({' '.join(choices)})"
    if _metavar(argument) in _FILE_METAVARS:
        return "_files"
    return "_files -/" if _metavar(argument) in _FOLDER_METAVARS else " "


def _zsh_text(text: str) -> str:
    return text.replace("[", "(").replace("]", ")").replace(":", ";").replace("'", "")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# --- fish -------------------------------------------------------------------------------------------------
def fish() -> str:
    """For ~/.config/fish/completions/onionchat.fish."""
    lines = ["# fish completion for onionchat: onionchat completion fish > ~/.config/fish/completions/onionchat.fish"]
    lines.append("complete -c onionchat -f")
    lines += [_fish_line(argument, "__fish_use_subcommand") for argument in _WHOLE]
    for command in COMMANDS:
        lines.append(
            f"complete -c onionchat -n __fish_use_subcommand -a {command.name} -d {_fish_quoted(command.help)}"
        )
        seen = _fish_quoted(f"__fish_seen_subcommand_from {command.name}")
        lines += [_fish_line(argument, seen) for argument in command.arguments if argument.is_option]
        for argument in command.arguments:
            if not argument.is_option and (argument.options.get("choices") or _metavar(argument) in _FILE_METAVARS):
                lines.append(f"complete -c onionchat -n {seen}{_fish_value(argument)}")
    return "\n".join(lines) + "\n"


def _fish_line(argument: Argument, condition: str) -> str:
    names = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in argument.names)
    value = (" -r" + _fish_value(argument)) if _takes_value(argument) else ""
    return f"complete -c onionchat -n {condition}{names}{value} -d {_fish_quoted(str(argument.options['help']))}"


def _fish_value(argument: Argument) -> str:
    if choices := argument.options.get("choices"):
        return f" -a {_fish_quoted(' '.join(choices))}"
    if _metavar(argument) in _FILE_METAVARS:
        return " -F"
    return " -a '(__fish_complete_directories)'" if _metavar(argument) in _FOLDER_METAVARS else ""


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


# --- the table --------------------------------------------------------------------------------------------
def _takes_value(argument: Argument) -> bool:
    return argument.options.get("action") != "store_true"


def _metavar(argument: Argument) -> str:
    return str(argument.options.get("metavar", argument.names[0].lstrip("-").upper()))


def _words(command: Command) -> list[str]:
    options = [name for argument in command.arguments if argument.is_option for name in argument.names]
    choices = [each for a in command.arguments if not a.is_option for each in a.options.get("choices", ())]
    return [*choices, *options, "--help"]


def _takes_file(command: Command) -> bool:
    return any(not each.is_option and _metavar(each) in _FILE_METAVARS for each in command.arguments)


def _all_options() -> list[Argument]:
    return [*_WHOLE, *(each for command in COMMANDS for each in command.arguments if each.is_option)]


def _options_with_choices() -> list[Argument]:
    return [each for each in _all_options() if "choices" in each.options]


def _names_with(metavars: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(name for each in _all_options() if _metavar(each) in metavars for name in each.names))


def _other_values() -> list[str]:
    """Options whose value cannot be guessed."""
    known = {*_names_with(_FILE_METAVARS), *_names_with(_FOLDER_METAVARS)}
    return [
        name
        for name in dict.fromkeys(name for each in _all_options() if _takes_value(each) for name in each.names)
        if name not in known and not any(name in each.names for each in _options_with_choices())
    ]


def _distinct(arguments: Iterable[Argument]) -> list[Argument]:
    return list({argument.names: argument for argument in arguments}.values())
