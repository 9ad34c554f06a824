"""The one table of commands: the parser, the help, the manual page and the completions are made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from onionchat.cli import values
from onionchat.limits import INVITATION_DEFAULT_SECONDS


class Needs(Enum):
    """What has to be there for a command; the value is the mark in help and manual."""

    NOTHING = ""
    EITHER = " "  # a running node, or a profile that this command opens itself
    NODE = "n"
    FREE = "s"  # a profile that is not in use


@dataclass(frozen=True)
class Argument:
    """One argument, as `argparse` takes it."""

    names: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_option(self) -> bool:
        """Whether it begins with a dash."""
        return self.names[0].startswith("-")


@dataclass(frozen=True)
class Command:
    """One command. `run` is `module:function` below `onionchat.cli`, imported when it is called."""

    name: str
    family: str
    help: str
    run: str
    arguments: tuple[Argument, ...] = ()
    needs: Needs = Needs.EITHER
    text: str = ""
    takes_all: bool = False  # all that follows goes to the command, options too


def word(name: str, help: str, **options: Any) -> Argument:
    """A positional argument."""
    return Argument((name.lower(),), {"metavar": name.upper(), "help": help, **options})


def option(*names: str, help: str, **options: Any) -> Argument:
    """An option with a value."""
    return Argument(names, {"help": help, **options})


def flag(*names: str, help: str) -> Argument:
    """An option without a value."""
    return Argument(names, {"help": help, "action": "store_true"})


JSON = flag("--json", help="print JSON, for programs")
NAME = word("name", "a contact, by your name for it")
ENTRY = word("id", "the message's id (`log --ids` or `--json` shows it)")
REQUEST = word("id", "the request's id (at least 6 characters), or a name")
NEW_PASSPHRASE = option(
    "--new-passphrase-file", metavar="FILE", help="take the new passphrase from FILE instead of asking"
)
EXPORT_PASSPHRASE = option(
    "--export-passphrase-file",
    "--new-passphrase-file",
    metavar="FILE",
    help="take the export's own passphrase from FILE instead of asking",
)
YES = flag("--yes", help="do not ask")

GLOBAL: tuple[Argument, ...] = (
    option("--profile", metavar="DIR", help="the profile's folder (default: $ONIONCHAT_PROFILE, else the data folder)"),
    option("--passphrase-fd", metavar="N", type=values.descriptor, help="read the passphrase from file descriptor N"),
    option("--passphrase-file", metavar="FILE", help="read the passphrase from FILE"),
)
TOR: tuple[Argument, ...] = (
    option("--tor", choices=("auto", "system", "launch"), help="which Tor: the best one, the system's, one of our own"),
    option("--control", metavar="PLACE", help="Tor's control port: tcp:HOST:PORT or unix:PATH"),
    option("--socks", metavar="PLACE", help="Tor's SOCKS port: HOST:PORT or unix:PATH"),
    option(
        "--tor-option",
        metavar="'NAME VALUE'",
        action="append",
        help="a torrc line for a Tor that we launch (repeatable)",
    ),
    option("--onion-port", metavar="N", type=int, help="a fixed local port for the onion"),
    flag("--allow-unrestricted", help="publish the onion even where Tor cannot hide it from strangers"),
)
CONSOLE: tuple[Argument, ...] = (
    flag("--plain", help="the console as a linear dialogue, for screen readers and dumb terminals"),
)

PROFILE, PEOPLE, TALK, NODE, MORE = "Profile", "People", "Messages", "Node", "More"

COMMANDS: tuple[Command, ...] = (
    Command(
        "init",
        PROFILE,
        "make a profile: an account of one device",
        "commands_profile:init",
        (
            option("--name", metavar="NAME", required=True, help="the name that you offer to those you meet"),
            option("--recovery-file", metavar="FILE", help="write the 24 recovery words to FILE"),
            flag("--no-recovery", help="no recovery words: without this profile the account is lost"),
        ),
        Needs.NOTHING,
        "Refuses to overwrite. The 24 recovery words are shown once, on a terminal or with --recovery-file; without "
        "either they stay in the profile until the console has shown them.",
    ),
    Command("passwd", PROFILE, "change the passphrase", "commands_profile:passwd", (
        flag("--rekey", help="also encrypt the whole store anew, with a new key"), NEW_PASSPHRASE,
    ), Needs.FREE),
    Command("export", PROFILE, "write history and contacts to a file", "commands_profile:export", (
        word("file", "the file to make"), flag("--salvage", help="take what can still be read of a damaged store"),
        EXPORT_PASSPHRASE,
    ), Needs.EITHER, "An export has a passphrase of its own and holds no private key."),
    Command("import", PROFILE, "make a profile from an export, to read", "commands_profile:import_", (
        word("file", "the export"), option("--name", metavar="NAME", help="the name of the new profile"),
        EXPORT_PASSPHRASE,
    ), Needs.NOTHING, "The profile holds history and contacts, read-only, until a device is linked or recovered."),
    Command("recover", PROFILE, "make this a device of the account whose 24 words you have",
            "commands_recovery:recover", (
        option("--words-file", metavar="FILE", help="take the 24 words from FILE instead of asking"),
        option("--words-fd", metavar="N", type=values.descriptor, help="read the 24 words from file descriptor N"),
        option("--remove", metavar="DEVICE", action="append",
               help="a device that is no longer yours, by its id or label, or `all` others (repeatable)"),
        flag("--stolen", help="somebody else may have what --remove names: what it did to the others is void"),
        option("--keep", metavar="DEVICE", action="append",
               help="a device that is yours, whatever a removed one did to it (repeatable)"),
        flag("--yes", help="do not ask, which devices are yours neither"),
    ), Needs.FREE, "On the profile of a device, or on one that was imported from an export, which becomes a new device "
            "of the account. The words are asked for, and not shown. A device that is out stays out, unless one that "
            "is removed as stolen had put it out and --keep names it."),
    Command("wipe", PROFILE, "destroy the profile and all that is in it", "commands_profile:wipe", (YES,)),
    Command("devices", PROFILE, "my devices", "commands_devices:devices", (JSON,)),
    Command("untrust", PROFILE, "remove a device of yours, lost, stolen or not used any more",
            "commands_devices:untrust", (
        word("device", "its name, or the beginning of its id, as `devices` lists them"),
        flag("--stolen", help="it is in the wrong hands: what it writes from now on is refused, all links are closed"),
        option("--undo", choices=("all", "none"), help="undo what it did (devices that it linked, trust, "
               "deletions), or not; without it you are asked on a terminal, and nothing is undone elsewhere"),
    ), text="Nothing reaches the device from then on, from this account or from contacts who have heard. Every device "
            "that stays moves to a new address."),
    Command("link", PROFILE, "let a new device of yours in: a code for it, and words to compare",
            "commands_devices:link", (
        flag("--qr", help="also draw the code as a QR code"),
        flag("--yes", help="do not ask whether the words are the same (for scripts)"),
    ), Needs.NODE, "Prints the code on its first line and waits for the new device. The code works once, for 10 "
            "minutes. Both devices then show six words: say yes at both only when they are the same."),
    Command("join", PROFILE, "make this a further device of your account, with a code from `link`",
            "commands_devices:join", (
        word("code", "the code that `onionchat link` has printed on the other device"),
        option("--name", metavar="DEVICE", required=True, help="what you call this device; contacts never see it"),
        option("--history", metavar="HOW-MUCH", type=values.history, default="all",
               help="which messages come to it: all, none, or from a day on (2026-05-24); default: all"),
        flag("--yes", help="do not ask whether the words are the same (for scripts)"),
    ), Needs.NOTHING, "Makes the profile, with a passphrase of its own, and stays until it is linked. Nothing is "
            "kept of an attempt that failed."),

    Command("invite", PEOPLE, "make a link for someone to reach you", "commands_people:invite", (
        flag("--open", help="usable more than once, until it expires or you close it"),
        option("--expires", metavar="TIME", type=values.duration, default=INVITATION_DEFAULT_SECONDS,
               help="how long it works: 30m, 12h, 7d (default: 7d)"),
        option("--accept-as", metavar="NAME", help="accept the first who comes, under this name"),
        flag("--qr", help="also draw it as a QR code"), JSON,
    ), text="The link is the first line. Give it to one person, by a way you trust."),
    Command("invitations", PEOPLE, "the links that you have given out", "commands_people:invitations", (JSON,)),
    Command("uninvite", PEOPLE, "take a link back", "commands_people:uninvite", (word("link", "the link"),)),
    Command("add", PEOPLE, "send a contact request to a link", "commands_people:add", (
        word("link", "the link that you were given"),
        option("--name", metavar="NAME", help="your name for whoever made it"),
        option("-m", "--message", metavar="GREETING", default="", help="a line that is shown with the request"), JSON,
    )),
    Command("requests", PEOPLE, "contact requests, both ways", "commands_people:requests", (JSON,)),
    Command("accept", PEOPLE, "accept a request", "commands_people:accept", (
        REQUEST, option("--name", metavar="NAME", help="your name for the new contact"), JSON,
    )),
    Command("ignore", PEOPLE, "ignore a request; the other side is told nothing", "commands_people:ignore", (REQUEST,)),
    Command("block", PEOPLE, "block a request's sender or a contact", "commands_people:block", (REQUEST,)),
    Command("unblock", PEOPLE, "take a block back", "commands_people:unblock", (REQUEST,)),
    Command("contacts", PEOPLE, "the people in your list", "commands_people:contacts", (JSON,)),
    Command("contact", PEOPLE, "show a contact, or set trust, rename, remove", "commands_people:contact", (
        NAME,
        word("action", "what to do with it", nargs="?",
             choices=("validated", "unvalidated", "compromised", "remove", "rename")),
        word("new", "the new name, after `rename`", nargs="?"), YES, JSON,
    ), text="Without an action the contact is shown."),
    Command("words", PEOPLE, "the words to compare with a contact", "commands_people:words", (NAME, JSON),
            text="Compare them by telephone or face to face, then: onionchat contact NAME validated"),
    Command("introduce", PEOPLE, "introduce one contact to another", "commands_people:introduce", (
        NAME, word("to", "the contact who gets the link"),
    )),
    Command("quota", PEOPLE, "how much a contact may write into your store", "commands_people:quota", (
        NAME, word("size", "such as 500M or 2G", type=values.size),
    )),

    Command("send", TALK, "send a message", "commands_messages:send", (
        NAME, word("text", "the message; standard input when it is missing", nargs="?"),
        option("--wait", choices=("delivered",), help="wait until a device of the contact has it"),
        option("--timeout", metavar="SECONDS", type=values.seconds, help="how long to wait at most"),
        option("--expires", metavar="TIME", type=values.duration, help="it disappears after 30m, 12h, 7d …"),
        option("--reply", metavar="ID", help="an answer to this message"),
        flag("--force", help="even to a compromised contact"), JSON,
    ), text="Prints the message's id when it is committed to the disk. With no node running it waits until one is. "
            "A text that begins with a dash goes after `--`."),
    Command("log", TALK, "the messages with a contact", "commands_messages:log", (
        NAME, option("-n", dest="count", metavar="N", type=values.page_size,
                     help="how many: the last N (default: 50; with --since: all)"),
        option("--since", metavar="CURSOR", type=values.cursor, help="what arrived after this cursor"),
        flag("--ids", help="show the messages' ids"), JSON,
    ), text="In the order of the screen. `cursor` in --json is the order of arrival, so that --since misses nothing."),
    Command("search", TALK, "search all messages", "commands_messages:search", (
        word("query", 'words, "phrases", prefix*; all must match'),
        option("--in", dest="in_name", metavar="NAME", help="only with this contact"),
        option("-n", dest="count", metavar="N", type=values.page_size, default=50, help="how many (default: 50)"),
        flag("--ids", help="show the messages' ids"), JSON,
    )),
    Command("edit", TALK, "change a message of yours", "commands_messages:edit", (
        NAME, ENTRY, word("text", "the new text"),
    )),
    Command("react", TALK, "react to a message", "commands_messages:react", (
        NAME, ENTRY, word("emoji", 'the reaction; "" takes yours away'),
    )),
    Command("retract", TALK, "take a message of yours back, on both sides", "commands_messages:retract", (NAME, ENTRY)),
    Command("forget", TALK, "forget messages here, for good", "commands_messages:forget", (
        NAME, word("id", "the messages' ids, or ID..ID for all from one to another", nargs="*"),
        option("--before", metavar="TIME", help='all before a day, a time, or "2d" ago'),
        option("--after", metavar="TIME", help="all from then on; with --before: between the two"),
        flag("--all", help="the whole conversation"), YES,
        flag("--keep-unsent", help="do not take back what has not been sent yet"), JSON,
    ), text="On all my devices, also those that are off: they do so when they connect. The other side keeps its copy."),
    Command("read", TALK, "mark a conversation read", "commands_messages:read", (NAME,)),
    Command("timer", TALK, "disappearing messages: 1d, 12h …, or off", "commands_messages:timer", (
        NAME, word("time", "such as 1d, or off", type=values.duration_or_off),
    )),
    Command("watch", TALK, "what happens, as it happens", "commands_messages:watch", (JSON,), Needs.NODE),

    Command("run", NODE, "run a node without a console, until it is stopped", "run:run", (
        flag("--once", help="give up with exit code 5 when Tor cannot be reached"),
    ), Needs.FREE, "Prints `ready DEVICE-ADDRESS` when its onion can be reached."),
    Command("status", NODE, "the node, Tor, the onion, who is connected", "commands_node:status", (JSON,)),
    Command("lock", NODE, "close store and channels, wipe the keys; the node stays", "commands_node:lock", (),
            Needs.NODE),
    Command("unlock", NODE, "open the store again", "commands_node:unlock", (), Needs.NODE),
    Command("stop", NODE, "stop the node", "commands_node:stop", (), Needs.NODE),
    Command("doctor", NODE, "check Tor, permissions, clock, locks, disk", "doctor:doctor", (JSON,), Needs.NOTHING),
    Command("tor-profile", NODE, "the control-port filter's profile, and how to install it",
            "commands_node:tor_profile", (word("kind", "which one", choices=("whonix", "tails")),), Needs.NOTHING),

    Command("demo", MORE, "a private Tor network on this machine, people, a conversation", "commands_node:demo", (
        word("argument", "given to the demo", nargs="*"),
    ), Needs.NOTHING, takes_all=True),
    Command("completion", MORE, "print completions for a shell", "completion:completion", (
        word("shell", "which one", choices=("bash", "zsh", "fish")),
    ), Needs.NOTHING),
    Command("version", MORE, "print the version", "commands_node:version", (), Needs.NOTHING),
)  # fmt: skip

BY_NAME: dict[str, Command] = {command.name: command for command in COMMANDS}
