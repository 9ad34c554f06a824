"""Builds parsers from the table. Wrong usage raises UsageError with one line, instead of printing a page.

One parser takes the options of the whole and the command's name, another one the rest. (Sub-parsers of argparse
would not take `send bob --wait delivered hello`: an optional word after an option.)
"""

import argparse
import difflib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from onionchat.cli.table import BY_NAME, COMMANDS, CONSOLE, GLOBAL, TOR, Argument, Command, Needs
from onionchat.errors import UsageError

_EPILOG = """\
Without a command the console opens. Commands that need a node talk to the one that runs on the profile; others
open the profile themselves when none runs. `onionchat COMMAND --help` tells more, `man onionchat` all of it.
exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 locked or wrong passphrase, 4 no node, 5 no Tor
"""
_OPTIONS_TITLE = "\noptions:\n"


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are ours."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


class _Formatter(argparse.HelpFormatter):
    """Help with room for the longest option."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"max_help_position": 32, **options})


class _RawFormatter(_Formatter, argparse.RawDescriptionHelpFormatter):
    """As above, with the text after the options as it is."""


class _Help(argparse.Action):
    """`--help` of the whole: usage, the commands by family, the options."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        options = parser.format_help().split(_OPTIONS_TITLE, 1)[1]
        sys.stdout.write(f"{parser.format_usage()}\n{command_list()}{_OPTIONS_TITLE}{options}")
        parser.exit()


def main_parser() -> Parser:
    """The options before the command; what follows is left in `words`."""
    parser = Parser(
        prog="onionchat",
        usage="onionchat [OPTIONS] [TOR OPTIONS] [COMMAND ...]",
        epilog=_EPILOG,
        add_help=False,
        allow_abbrev=False,
        formatter_class=_RawFormatter,
    )
    parser.add_argument("-h", "--help", nargs=0, action=_Help, help="this page")
    parser.add_argument("--version", action="store_true", help="print the version")
    _add(parser, (*GLOBAL, *CONSOLE))
    _add(parser.add_argument_group("Tor options (also in config.toml in the profile's folder)"), TOR)
    parser.add_argument("words", nargs=argparse.PARSER, help=argparse.SUPPRESS).required = False
    return parser


def command_parser(command: Command) -> Parser:
    """The arguments of one command, and the options of the whole once more."""
    parser = Parser(
        prog=f"onionchat {command.name}",
        description=description(command),
        allow_abbrev=False,
        formatter_class=_Formatter,
    )
    _add(parser, command.arguments)
    _add(parser, [_hidden(argument) for argument in (*GLOBAL, *TOR)])
    return parser


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; `command` is the name, None for the console. UsageError when it is wrong."""
    if not all(_is_utf8(argument) for argument in arguments):
        raise UsageError("an argument is not valid UTF-8")
    found = main_parser().parse_args(list(arguments))
    words = found.words or []
    del found.words
    if not words:
        found.command = "version" if found.version else None
        return found
    command = find_command(words[0])
    parser = command_parser(command)
    if command.takes_all and words[1:2] != ["--help"]:
        found.argument = words[1:]
    else:
        found = parser.parse_intermixed_args(words[1:], found)
    found.command = command.name
    return found


def find_command(name: str) -> Command:
    """The row of the table. UsageError when there is none."""
    command = BY_NAME.get(name)
    if command is None:
        near = difflib.get_close_matches(name, BY_NAME, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise UsageError(f"unknown command “{name}”{hint} (`onionchat --help` lists all)")
    return command


def description(command: Command) -> str:
    """The first paragraph of a command's help."""
    marks = {Needs.NODE: " Needs a running node.", Needs.FREE: " The profile must not be in use."}
    first = command.help[0].upper() + command.help[1:] + "."
    return f"{first}{marks.get(command.needs, '')} {command.text}".strip()


def command_list() -> str:
    """The commands by family, a line each."""
    lines, family = [], ""
    for command in COMMANDS:
        if command.family != family:
            family = command.family
            lines.append(f"{family.lower()}:")
        lines.append(f"  {command.name:<12} {command.help}")
    return "\n".join(lines) + "\n"


def _add(parser: Any, arguments: Sequence[Argument]) -> None:
    for argument in arguments:
        parser.add_argument(*argument.names, **argument.options)


def _hidden(argument: Argument) -> Argument:
    """The same option after the command: taken, not listed, and without a default that would undo the first."""
    return Argument(argument.names[:1], {**argument.options, "help": argparse.SUPPRESS, "default": argparse.SUPPRESS})


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
