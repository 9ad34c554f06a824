"""Commands about the node, and small ones."""

from onionchat import __version__
from onionchat.api import types as t
from onionchat.cli.commands_people import done
from onionchat.cli.output import length, note, plural, say, say_json, say_table
from onionchat.cli.session import Context

_LINKING = {
    "waiting": "this device waits for the one that it was linked with; keep both on",
    "refused": "this device was not admitted: `onionchat wipe`, and join again with a new code",
}
_RESTRICTED = {True: "hidden from strangers", False: "NOT hidden from strangers"}


def status(context: Context) -> int:
    """`status`."""
    found: t.Status = context.call("status.get")
    if context.options.json:
        say_json(found)
        return 0
    say_table(_status_rows(found))
    for warning in found.warnings:
        note(warning)
    return 0


def _status_rows(found: t.Status) -> list[tuple[str, str]]:
    rows = [("profile", " · ".join(part for part in (found.name, found.device_label) if part))]
    rows.append(("node", "running" if found.running else "not running"))
    if found.running:
        tor = f"{found.tor.state} {found.tor.version}".strip()
        progress = "" if found.tor.bootstrap in (0, 100) else f", {found.tor.bootstrap} %"
        rows.append(("Tor", tor + progress + (f": {found.tor.summary}" if found.tor.summary else "")))
        restricted = "" if found.onion == "unpublished" else f", {_RESTRICTED[found.restricted_discovery]}"
        rows.append(("onion", found.onion + restricted))
    if found.onion_problem:
        rows.append(("problem", found.onion_problem))
    if found.address:
        rows.append(("address", found.address))
    for peer in found.peers:
        rtt = "" if peer.rtt_ms is None else f", {peer.rtt_ms:.0f} ms"
        rows.append(("connected", f"{peer.contact} ({peer.device[:8]}{rtt})"))
    rows += [("missing", feature) for feature in found.missing]
    if found.clock_skew_s is not None and abs(found.clock_skew_s) >= 1:
        side = "behind" if found.clock_skew_s > 0 else "ahead of"
        rows.append(("clock", f"{length(abs(found.clock_skew_s))} {side} most peers'"))
    rows.append(("queued", plural(found.queued, "message")))
    rows.append(("unread", plural(found.unread, "message")))
    if found.requests:
        rows.append(("requests", str(found.requests)))
    rows.append(("devices", str(found.devices)))
    if found.removed:
        rows.append(("removed", "this device is out of its account: it can be read, and nothing else"))
    if found.linking:
        rows.append(("linking", _LINKING[found.linking]))
    if found.history_left is not None:
        rows.append(("history", f"{plural(found.history_left, 'older message')} on the way to this device"))
    if found.recovery_pending:
        rows.append(("recovery", "the 24 words are not written down yet: the console shows them"))
    return rows


def lock(context: Context) -> int:
    """`lock`."""
    context.live()
    return done(context, "node.lock", t.Nothing())


def unlock(context: Context) -> int:
    """`unlock`."""
    context.live()  # before the passphrase is asked for
    return done(context, "node.unlock", t.Passphrase(passphrase=context.passphrase.existing()))


def stop(context: Context) -> int:
    """`stop`."""
    context.live()
    return done(context, "node.stop", t.Nothing())


def tor_profile(context: Context) -> int:
    """`tor-profile`: the profile, then how to install it, as comments."""
    from onionchat.cli import compose

    text, instructions = compose.filter_profile(context.options.kind)
    say(text.rstrip("\n"))
    say("\n".join(line if line.startswith("#") else f"# {line}".rstrip() for line in instructions.splitlines()))
    return 0


def demo(context: Context) -> int:
    """`demo`."""
    from onionchat.testing.demo import run

    return int(run(context.options.argument) or 0)


def version(context: Context) -> int:
    """`version`."""
    say(f"onionchat {__version__}")
    return 0
