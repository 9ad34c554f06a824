"""`recover`: make a profile a device of the account whose 24 words the user has, and say which devices are out."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from onionchat.cli.asking import ask_yes, can_be_asked, confirm
from onionchat.cli.output import note, plural, say, say_table
from onionchat.cli.passphrase import Source, read_fd, read_file
from onionchat.cli.session import Context
from onionchat.errors import LocalError, UsageError

ALL = "all"
Reason = Literal["retired", "stolen"]


def recover(context: Context) -> int:
    """`recover`."""
    from onionchat.cli import compose

    options = context.options
    if options.stolen and not options.remove:
        raise UsageError("--stolen says how the devices of --remove were lost: name them, or `--remove all`")
    if not compose.profiles.profile_exists(context.profile):
        raise LocalError(
            f"there is no profile in {context.profile}. The words alone do not say which account they are of: first"
            " `onionchat import` an export of it, or use the profile of one of its devices"
        )
    if context.is_node_running():
        raise LocalError("a node is running on this profile; stop it first with `onionchat stop`")
    passphrase = context.passphrase.existing()
    recovery = compose.open_recovery(context.profile, passphrase, _words(context))
    try:
        removals, keep = _choice(recovery, options)
        done = recovery.carry_out(removals, keep)
    finally:
        recovery.close()
    _report(done)
    return 0


def _words(context: Context) -> str:
    """The words from a file or a descriptor, else typed without being shown."""
    options = context.options
    if options.words_file and options.words_fd is not None:
        raise UsageError("give --words-file or --words-fd, not both")
    if options.words_file:
        return read_file(Path(options.words_file), "the file of the words")
    if options.words_fd is not None:
        return read_fd(options.words_fd, "the words")
    if not context.passphrase.can_ask():
        raise UsageError("there is no terminal to ask for the 24 words: give --words-file or --words-fd")
    note("the first four letters of each word are enough; they are not shown")
    return Source(ask=context.passphrase.ask).existing("The 24 recovery words: ")


# --- which devices ------------------------------------------------------------------------------------------
def _choice(recovery: Any, options: Any) -> tuple[dict[Any, Reason], set[Any]]:
    """Whom to remove, and how; whom to let in again. LocalError without a yes."""
    keep = {recovery.find(name).id for name in options.keep or ()}
    others = recovery.devices
    _show(recovery, others)
    if options.remove or options.yes or not can_be_asked():
        reason: Reason = "stolen" if options.stolen else "retired"
        removals = {device.id: reason for device in _named(recovery, options.remove or (), keep)}
    else:
        removals, kept = _asked(recovery, keep)
        keep |= kept
    gone = [device.label for device in others if device.id in removals]
    what = "Make this profile a new device of that account" if recovery.is_new_device else "Let this device be in"
    confirm(f"{what}{', and remove ' + ', '.join(gone) if gone else ''}?", options.yes)
    return removals, keep


def _named(recovery: Any, names: Iterable[str], keep: set[Any]) -> list[Any]:
    found = []
    for name in names:
        active = [device for device in recovery.devices if device.state == "active" and device.id not in keep]
        found += active if name == ALL else [recovery.find(name)]
    return found


def _show(recovery: Any, others: list[Any]) -> None:
    if recovery.is_new_device:
        note("this profile comes from an export of that account; it becomes a new device of it")
    rows = [
        (device.label, device.state, f"linked by {device.linked_by}" if device.linked_by else "", device.short_id)
        for device in others
    ]
    if rows:
        note("the other devices of the account:")
        say_table(rows)


def _asked(recovery: Any, keep: set[Any]) -> tuple[dict[Any, Reason], set[Any]]:
    """Ask of each device whether it is the user's. Who is out is asked about only where the answer changes anything."""
    removals: dict[Any, Reason] = {}
    kept = set()
    unknown = [device for device in recovery.devices if device.id not in keep]
    for device in unknown:
        if device.state != "active" and not recovery.is_disputed:
            continue
        if ask_yes(f"{_called(device)}: is it yours, and in your hands?"):
            kept.add(device.id)
        elif ask_yes("    Can somebody else have it? (Then what it linked goes out with it.)"):
            removals[device.id] = "stolen"
        elif device.state == "active":
            removals[device.id] = "retired"
    for device in unknown:
        if removals and device.state != "active" and not recovery.is_disputed:
            is_wanted = ask_yes(f"{_called(device)} is out: is it yours, and to be in again if it can be?")
            kept |= {device.id} if is_wanted else set()
    return removals, kept


def _called(device: Any) -> str:
    return f"{device.label} ({device.short_id})"


def _report(done: Any) -> None:
    if done.is_new_device:
        say("this profile is a new device of your account now")
    else:
        say("this device is in your account" + (" again" if done.is_admitted else ""))
    for labels, what in (
        (done.removed, "removed"),
        (done.fell, "out too, since a stolen device had linked it (link it anew if it is yours)"),
        (done.returned, "in again"),
    ):
        if labels:
            say(f"{what}: {', '.join(labels)}")
    if done.is_new_device and done.contacts:
        say(
            f"{plural(done.contacts, 'contact')} to be met once more: give each of them a link (`onionchat invite`), or"
            " add one of theirs; each conversation goes on where it was"
        )
    sys.stdout.flush()
    note(
        "your contacts hear of it while `onionchat run` or the console is on; each should compare words with you again"
    )
