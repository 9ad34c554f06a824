"""Commands about the profile as a whole."""

import os
import sys
import time
from pathlib import Path
from typing import Literal

from onionchat.api import types as t
from onionchat.cli.asking import ask_yes, confirm
from onionchat.cli.output import note, say, say_table
from onionchat.cli.passphrase import Source, read_file
from onionchat.cli.session import Context
from onionchat.errors import LocalError, NoNodeError, UsageError

_STOP_SECONDS = 30.0


# --- making one -------------------------------------------------------------------------------------------
def init(context: Context) -> int:
    """`init`: make a profile, and give out its recovery words once."""
    from onionchat.cli import compose

    options = context.options
    if options.no_recovery and options.recovery_file:
        raise UsageError("give --recovery-file or --no-recovery, not both")
    file = Path(options.recovery_file) if options.recovery_file else None
    compose.require_no_profile(context.profile)
    if file is not None and (file.exists() or file.is_symlink()):
        raise LocalError(f"{file} exists already; the recovery words go to a file of their own")
    passphrase = context.passphrase.new()
    recovery: Literal["keep", "decline"] = "decline" if options.no_recovery else "keep"
    words = compose.profiles.create_profile(context.profile, options.name, passphrase, recovery)
    say(f"profile {options.name} made in {context.profile}")
    if words and _hand_out(words, file):
        session = compose.OfflineSession(context.profile, passphrase)
        context.opened = session
        session.call("recovery.settle", t.RecoverySettled(written=True))
    return 0


def _hand_out(words: list[str], file: Path | None) -> bool:
    """Show the recovery words or write them to a file; whether they need not be kept any longer."""
    if file is not None:
        _write_private(file, " ".join(words) + "\n")
        note(f"the 24 recovery words are in {file}; take that file off this machine")
        return True
    if not sys.stdout.isatty():
        note("the 24 recovery words are kept in the profile until the console has shown them")
        return False
    say("\nThese 24 words are the only way back into your account when all its devices are lost.")
    say("Write them on paper. They are not shown again.\n")
    say_table([[f"{at + column + 1:>2} {words[at + column]}" for column in range(4)] for at in range(0, 24, 4)])
    say()
    if sys.stdin.isatty() and ask_yes("Have you written them down?"):
        return True
    note("they are kept in the profile until the console has shown them once more")
    return False


def _write_private(file: Path, text: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise LocalError(
            f"{file} cannot be written ({error.strerror}); the recovery words are kept in the profile"
        ) from None


def import_(context: Context) -> int:
    """`import`: a profile from an export."""
    from onionchat.cli import compose

    options = context.options
    compose.require_no_profile(context.profile)
    source = _existing_file(options.file)
    passphrase = context.passphrase.new("passphrase of the new profile")
    export_passphrase = _export_passphrase(context, passphrase, is_new=False)
    compose.profiles.import_profile(context.profile, source, export_passphrase, options.name, passphrase)
    say(f"imported into {context.profile}; history and contacts are there to read")
    return 0


# --- changing one -----------------------------------------------------------------------------------------
def passwd(context: Context) -> int:
    """`passwd`."""
    from onionchat.cli import compose

    options = context.options
    compose.require_profile(context.profile)
    if context.is_node_running():
        raise LocalError("a node is running on this profile; stop it first with `onionchat stop`")
    old = context.passphrase.existing("Present passphrase: ")
    file = Path(options.new_passphrase_file) if options.new_passphrase_file else None
    new = Source(ask=context.passphrase.ask).new("passphrase", file)
    compose.profiles.change_passphrase(context.profile, old, new, options.rekey)
    say("the passphrase is changed" + (", and the store has a new key" if options.rekey else ""))
    if not options.rekey:
        note("copies of the old key file still open with the old passphrase; --rekey makes them useless")
    return 0


def export(context: Context) -> int:
    """`export`: by the node when one runs, else from the profile."""
    options = context.options
    target = Path(options.file).absolute()
    if target.exists() or target.is_symlink():
        raise LocalError(f"{target} exists already; exports do not overwrite")
    if context.is_node_running():
        passphrase = _export_passphrase(context, context.passphrase.given(), is_new=True)
        params = t.ProfileExport(path=str(target), passphrase=passphrase, salvage=options.salvage)
        done: t.Done = context.live().call("profile.export", params)
        summary = done.notice
    else:
        summary = _export_offline(context, target)
    say(f"exported to {target}: {summary}")
    return 0


def _export_offline(context: Context, target: Path) -> str:
    from onionchat.cli import compose

    compose.require_profile(context.profile)
    passphrase = context.passphrase.existing("The profile's passphrase: ")
    own = _export_passphrase(context, passphrase, is_new=True)
    return compose.profiles.export_profile(context.profile, passphrase, target, own, context.options.salvage).summary


def _export_passphrase(context: Context, fallback: str | None, is_new: bool) -> str:
    """The export's own passphrase: from its file, asked for, or (scripts that name but one) the profile's."""
    file = context.options.export_passphrase_file
    if file:
        return read_file(Path(file))
    if context.passphrase.can_ask():
        asking = Source(ask=context.passphrase.ask)
        if is_new:
            return asking.asked_twice("passphrase of the export")
        return asking.existing("The export's passphrase: ")
    if fallback is None:
        raise UsageError("there is no terminal to ask for the export's own passphrase: give --export-passphrase-file")
    note("one passphrase was given: it is taken for the export and for the profile")
    return fallback


def wipe(context: Context) -> int:
    """`wipe`: stop the node, then destroy the profile."""
    from onionchat.cli import compose

    compose.require_profile(context.profile)
    confirm(f"Destroy the profile in {context.profile}, all its messages and its keys?", context.options.yes)
    _stop_node(context)
    left = compose.profiles.wipe_profile(context.profile)
    say(f"wiped {context.profile}")
    if left:
        note(f"left in the folder, because it is not onionchat's: {', '.join(sorted(left))}")
    return 0


def _stop_node(context: Context) -> None:
    try:
        context.live().call("node.stop")
    except NoNodeError:
        return
    finally:
        context.close()
    deadline = time.monotonic() + _STOP_SECONDS
    while context.is_node_running():
        if time.monotonic() > deadline:
            raise LocalError("the node does not stop; end it, then wipe again")
        time.sleep(0.05)


def _existing_file(text: str) -> Path:
    path = Path(text).absolute()
    if not path.is_file():
        raise LocalError(f"there is no file {path}")
    return path


# --- devices ----------------------------------------------------------------------------------------------
