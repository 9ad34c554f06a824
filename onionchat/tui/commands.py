"""The one table of `/` commands: names, arguments, help. Completion and the help are made from it."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from onionchat.errors import LocalError, UsageError
from onionchat.tui import deeds, nodedeeds
from onionchat.tui.desk import Desk
from onionchat.tui.words import words_with_starts

Kind = Literal["text", "name", "request", "link", "trust", "emoji", "word", "command"]
TRUST_WORDS = ("validated", "unvalidated", "compromised")


@dataclass(frozen=True)
class Argument:
    """One argument. `rest`: all that is left of the line, as it is. `words`: the fixed words it may be."""

    shown: str
    kind: Kind = "text"
    optional: bool = False
    rest: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """One command."""

    name: str
    arguments: tuple[Argument, ...]
    help: str
    run: Callable[[Desk, Sequence[str]], Coroutine[Any, Any, None]]

    @property
    def usage(self) -> str:
        """`/add LINK [NAME]`"""
        shown = [f"[{a.shown}]" if a.optional else a.shown for a in self.arguments]
        return " ".join([f"/{self.name}", *shown])

    def argument(self, index: int) -> Argument | None:
        """The argument at a place; a `rest` goes on for ever."""
        if index < 0 or not self.arguments:
            return None
        if index < len(self.arguments):
            return self.arguments[index]
        return self.arguments[-1] if self.arguments[-1].rest else None


_NAME = Argument("NAME", "name")
_NAME_OR_THIS = Argument("NAME", "name", optional=True)
_REQUEST = Argument("ID", "request")

COMMANDS: tuple[Command, ...] = (
    Command("accept", (_REQUEST, Argument("NAME", optional=True)), "accept a contact request", deeds.accept),
    Command(
        "add",
        (Argument("LINK", "link"), Argument("NAME", optional=True), Argument("GREETING", optional=True, rest=True)),
        "ask the one who made a link to be a contact",
        deeds.add,
    ),
    Command("block", (_NAME_OR_THIS,), "block this contact, or the sender of a request", deeds.block),
    Command("cancel", (_REQUEST,), "take a request of yours back", deeds.cancel),
    Command("connection", (), "Tor and every device, in plain words (F5)", nodedeeds.connection),
    Command("contact", (_NAME_OR_THIS,), "all about a contact: trust, devices, what it keeps here", deeds.contact),
    Command("contacts", (), "the people in your list", deeds.contacts),
    Command("devices", (), "my devices: their state, link a new one, rename", nodedeeds.devices),
    Command("doctor", (), "check Tor, permissions, clock, locks, disk", nodedeeds.doctor),
    Command("edit", (Argument("TEXT", rest=True),), "change your last message (another one: Esc, e)", deeds.edit),
    Command(
        "expiring",
        (Argument("1d", "word", words=("1h", "1d", "7d")), Argument("TEXT", rest=True)),
        "send a message that goes away after a time",
        deeds.send_expiring,
    ),
    Command(
        "export", (Argument("FILE", rest=True),), "write history and contacts to an encrypted file", nodedeeds.export
    ),
    Command("force", (Argument("TEXT", rest=True),), "send even to a compromised contact", deeds.force),
    Command("forget", (Argument("DAY"),), "forget all that is older than a day (2026-11-20)", deeds.forget),
    Command("help", (), "keys and commands (F1)", nodedeeds.show_help),
    Command("ignore", (_REQUEST,), "ignore a request; the other side is told nothing", deeds.ignore),
    Command("introduce", (Argument("TO", "name"),), "introduce this contact to another", deeds.introduce),
    Command("invitations", (), "the links that you gave out", deeds.invitations),
    Command(
        "invite",
        (
            Argument("open", "word", optional=True, words=("open", "1d", "7d", "4w", "as")),
            Argument("7d", "word", optional=True, words=("1d", "7d", "4w", "as")),
            Argument("as", "word", optional=True, words=("as",)),
            Argument("NAME", optional=True),
        ),
        "make a link, with its QR code; `as NAME` accepts the first who comes",
        deeds.invite,
    ),
    Command(
        "label",
        (Argument("DEVICE"), Argument("NEW")),
        "another name for a device of mine (/devices, n)",
        nodedeeds.label,
    ),
    Command("link", (), "link another device of mine: a code, and words to compare", nodedeeds.link),
    Command("lock", (), "clear the screen, close the store, wipe the keys (Ctrl-L)", nodedeeds.lock),
    Command("log", (_NAME,), "the messages with a contact: the same as /open", deeds.log),
    Command("open", (_NAME,), "open a conversation (Ctrl-K)", deeds.open_conversation),
    Command("passwd", (), "change the passphrase", nodedeeds.passwd),
    Command("quit", (), "leave the console (Ctrl-Q)", nodedeeds.leave),
    Command("quota", (Argument("SIZE"), _NAME_OR_THIS), "how much a contact may keep here", deeds.quota),
    Command("react", (Argument("EMOJI", "emoji"),), "react to their last message", deeds.react),
    Command("read", (_NAME_OR_THIS,), "mark as read", deeds.read),
    Command("recovery", (), "the recovery words, while they are kept", nodedeeds.recovery),
    Command("remove", (_NAME_OR_THIS,), "remove a contact and the conversation", deeds.remove),
    Command("rename", (Argument("NEW"),), "another name for this contact, here", deeds.rename),
    Command("requests", (), "contact requests (F3)", nodedeeds.requests),
    Command("retract", (), "take your last message back (another one: Esc, t)", deeds.retract),
    Command("search", (Argument("QUERY", optional=True, rest=True),), "search (Ctrl-F)", deeds.search),
    Command("send", (_NAME, Argument("TEXT", rest=True)), "send a message, to whomever", deeds.send),
    Command("set", (Argument("KEY"), Argument("VALUE", optional=True, rest=True)), "a setting", nodedeeds.setting),
    Command("settings", (), "my devices and the settings (F6)", nodedeeds.settings),
    Command("status", (), "the node, Tor, the onion", nodedeeds.status),
    Command("stop", (), "stop the node too", nodedeeds.stop),
    Command(
        "timer",
        (Argument("1d|off", "word", words=("1h", "1d", "7d", "off")),),
        "messages of this conversation go away after a time",
        deeds.timer,
    ),
    Command(
        "tor-profile",
        (Argument("whonix|tails", "word", words=nodedeeds.TOR_PROFILES),),
        "the control-port filter's profile, and how to install it",
        nodedeeds.tor_profile,
    ),
    Command(
        "trust",
        (Argument("STATE", "trust"), _NAME_OR_THIS),
        "validated, unvalidated or compromised",
        deeds.trust,
    ),
    Command("unblock", (_NAME_OR_THIS,), "take a block back", deeds.unblock),
    Command("uninvite", (Argument("LINK", "link"),), "close an invitation", deeds.uninvite),
    Command(
        "untrust", (Argument("DEVICE"),), "remove a device of mine: lost, stolen, not used any more", nodedeeds.untrust
    ),
    Command("version", (), "which onionchat this is", nodedeeds.version),
    Command("wipe", (), "destroy the profile on this device (Ctrl-X, F9 in a hurry)", nodedeeds.wipe),
    Command("words", (_NAME_OR_THIS,), "compare words (F2)", deeds.compare),
)
# Commands of the command line that are none here: what to do instead, as the console says it.
ELSEWHERE: dict[str, str] = {
    "completion": "Completions are for your shell: leave with Ctrl-Q, then `onionchat completion bash`.",
    "demo": "The demonstration makes people of its own: type `onionchat demo` in a shell.",
    "import": "An export becomes a profile of its own: in a shell, `onionchat --profile NEWFOLDER import FILE`.",
    "init": "There is a profile here. Another one: in a shell, `onionchat --profile NEWFOLDER`.",
    "join": "This device has an account. For a place in another one: in a shell, `onionchat --profile NEWFOLDER`.",
    "recover": "Recovering needs the profile for itself: leave the console, then `onionchat recover` in a shell.",
    "run": "The node runs already. Without a console: leave with Ctrl-Q, then `onionchat run`.",
    "unlock": "It is open. When it is locked, the console asks for the passphrase by itself.",
    "watch": "The console shows what happens as it happens. For programs: `onionchat watch` in a shell.",
}

BY_NAME: dict[str, Command] = {command.name: command for command in COMMANDS}


def is_command(text: str) -> bool:
    """Whether the input is a command; `//` at the start is a message that begins with a slash."""
    return text.startswith("/") and not text.startswith("//")


def parse_command(text: str) -> tuple[Command, list[str]]:
    """The command and its words. UsageError says what it should look like, LocalError where to type it instead."""
    words = words_with_starts(text)
    name = words[0][0][1:] if words else ""
    command = BY_NAME.get(name)
    if name in ELSEWHERE:
        raise LocalError(ELSEWHERE[name])
    if command is None:
        near = [known for known in sorted(BY_NAME) if name and known.startswith(name)]
        if len(near) != 1:
            hint = ", ".join(f"/{known}" for known in near) or "F1 lists the commands"
            raise UsageError(f"there is no such command: {hint}; // sends a message that begins with a slash")
        command = BY_NAME[near[0]]
    return command, _arguments(command, text, words[1:])


def _arguments(command: Command, text: str, words: list[tuple[str, int]]) -> list[str]:
    values = [word for word, _ in words]
    count = len(command.arguments)
    if command.arguments and command.arguments[-1].rest and len(words) >= count:
        rest = text[words[count - 1][1] :].strip()
        single = len(words) == count and rest.startswith('"')
        values = [*values[: count - 1], values[count - 1] if single else rest]
    needed = sum(not argument.optional for argument in command.arguments)
    if not needed <= len(values) <= count:
        raise UsageError(f"{command.usage}: {command.help}")
    return values
