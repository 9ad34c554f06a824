"""Writes docs/onionchat.1 from the table and docs/manual.md: `python -m onionchat.cli.manpage > docs/onionchat.1`."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from onionchat import __version__
from onionchat.cli.parser import description
from onionchat.cli.table import COMMANDS, CONSOLE, GLOBAL, TOR, Argument, Command

MANUAL = Path(__file__).parents[2] / "docs" / "manual.md"
_LEFT_OUT = ("Commands", "Options")  # sections of the manual that the table says better

_EXIT_CODES = (
    ("0", "Done."),
    ("1", "Refused or failed; the line on standard error says why and what to do."),
    ("2", "Wrong usage."),
    ("3", "Locked, or a wrong passphrase."),
    ("4", "No node is running."),
    ("5", "Tor cannot be reached."),
    ("130, 141", "Interrupted; the reader of the output has gone."),
)
_ENVIRONMENT = (
    ("ONIONCHAT_PROFILE", "The profile's folder, where --profile is not given."),
    ("XDG_DATA_HOME", "The profile is in $XDG_DATA_HOME/onionchat (~/.local/share/onionchat) by default."),
    ("XDG_RUNTIME_DIR", "The node's socket stands here when its path in the profile would be too long."),
    ("NO_COLOR", "The console without colours."),
    ("ONIONCHAT_DEBUG", "1: after an error inside onionchat, show where in the program it was."),
    ("TOR_CONTROL_HOST, TOR_CONTROL_PORT, TOR_CONTROL_IPC_PATH", "On Whonix: Tor's control port."),
)
_FILES = (
    ("DIR/api.sock", "The running node's socket (docs/api.md)."),
    ("DIR/config.toml", "Tor options, written by you alone: tor, control, socks, tor-option (a list), onion-port."),
)


def page(manual: str) -> str:
    """The whole page, as roff."""
    lines = [f'.TH ONIONCHAT 1 "" "onionchat {__version__}" "User Commands"', ".SH NAME"]
    lines += ["onionchat \\- messages over Tor onion services, without a server"]
    lines += [".SH SYNOPSIS", ".B onionchat", "[\\fIOPTIONS\\fR] [\\fITOR OPTIONS\\fR] [\\fICOMMAND\\fR ...]"]
    sections = dict(_sections(manual))
    lines += [".SH DESCRIPTION", *_roff(sections.pop("", []))]
    lines += [".SH OPTIONS", *_arguments((*GLOBAL, *CONSOLE)), ".SS Tor options", *_arguments(TOR), ".SH COMMANDS"]
    family = ""
    for command in COMMANDS:
        if command.family != family:
            family = command.family
            lines.append(f".SS {family}")
        lines += _command(command)
    for title, body in sections.items():
        if title not in _LEFT_OUT:
            lines += [f".SH {_escaped(title).upper()}", *_roff(body)]
    for title, rows in (("EXIT STATUS", _EXIT_CODES), ("ENVIRONMENT", _ENVIRONMENT), ("FILES", _FILES)):
        lines += [f".SH {title}", *(line for name, text in rows for line in _item(name, text))]
    return "\n".join(lines) + "\n"


def _command(command: Command) -> list[str]:
    usage = " ".join([command.name, *(_usage(argument) for argument in command.arguments)])
    lines = [".TP", f".B {_escaped(usage)}", _escaped(description(command))]
    options = [argument for argument in command.arguments if argument.is_option]
    if options:
        lines += [".RS", *_arguments(options), ".RE"]
    return lines


def _usage(argument: Argument) -> str:
    value = _value(argument)
    if argument.is_option:
        shown = f"{argument.names[0]} {value}".strip()
        return shown if argument.options.get("required") else f"[{shown}]"
    return {"?": f"[{value}]", "*": f"[{value} ...]"}.get(str(argument.options.get("nargs")), value)


def _value(argument: Argument) -> str:
    if argument.options.get("action") == "store_true":
        return ""
    if choices := argument.options.get("choices"):
        return "|".join(choices)
    return str(argument.options.get("metavar", argument.names[0].lstrip("-").upper()))


def _arguments(arguments: Iterable[Argument]) -> list[str]:
    lines = []
    for argument in arguments:
        names = ", ".join(f"{name} {_value(argument)}".strip() for name in argument.names)
        text = str(argument.options["help"])
        lines += _item(names, text[0].upper() + text[1:] + ".")
    return lines


def _item(name: str, text: str) -> list[str]:
    return [".TP", f".B {_escaped(name)}", _escaped(text)]


# --- Markdown, as far as the manual uses it -------------------------------------------------------------------
def _sections(manual: str) -> Iterator[tuple[str, list[str]]]:
    """(title, lines) of each `##` section; what is before the first has the title ''."""
    title, body = "", list[str]()
    is_code = False
    for line in manual.splitlines():
        is_code ^= line.startswith("```")
        if line.startswith("## ") and not is_code:
            yield title, body
            title, body = line[3:], []
        elif is_code or not line.startswith("# "):
            body.append(line)
    yield title, body


def _roff(lines: Iterable[str]) -> Iterator[str]:
    is_code = False
    for line in lines:
        if line.startswith("```"):
            yield ".RE\n.fi" if is_code else ".PP\n.nf\n.RS 4"
            is_code = not is_code
        elif is_code:
            yield _escaped(line) or "."
        else:
            yield from _roff_line(line)


def _roff_line(line: str) -> Iterator[str]:
    if line.startswith("### "):
        yield f".SS {_inline(line[4:])}"
    elif re.match(r"\|[-| ]+\|$", line):
        return
    elif line.startswith("|"):
        first, *rest = (cell.strip() for cell in line.strip("|").split("|"))
        yield from (".TP", f".B {_inline(first) or ' '}", _inline(" — ".join(rest)))
    elif found := re.match(r"(?:[-*]|[0-9]+\.) (.*)", line):
        mark = "\\(bu" if line[0] in "-*" else line.split(" ", 1)[0]
        yield from (f".IP {mark} 4", _inline(found[1]))
    elif line.strip():
        yield _inline(line.strip())
    else:
        yield ".PP"


def _inline(text: str) -> str:
    text = re.sub(r"\[([^]]+)\]\(([^)]+)\)", r"\1 (\2)", text)
    parts = re.split(r"(`[^`]*`|\*\*[^*]+\*\*|\*[^*]+\*)", text)
    return _protected("".join(_styled(part) for part in parts))


def _styled(part: str) -> str:
    for mark, font in (("`", "B"), ("**", "B"), ("*", "I")):
        if len(part) > 2 * len(mark) and part.startswith(mark) and part.endswith(mark):
            return f"\\f{font}{_characters(part[len(mark) : -len(mark)])}\\fR"
    return _characters(part)


def _escaped(text: str) -> str:
    return _protected(_characters(text))


def _characters(text: str) -> str:
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in plain)  # any groff, any locale


def _protected(line: str) -> str:
    """A dot or an apostrophe at the start would be a command."""
    return "\\&" + line if line.startswith((".", "'")) else line


if __name__ == "__main__":
    sys.stdout.write(page(MANUAL.read_text("utf-8")))
