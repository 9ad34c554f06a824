"""What the `/` commands about me, the node and the console do. Those about people and messages: deeds.py."""

import os.path
from collections.abc import Sequence

from onionchat.api import types as t
from onionchat.errors import LocalError, UsageError
from onionchat.tui.desk import Desk
from onionchat.tui.devicelines import joining_words
from onionchat.tui.render import Line, Look, block, one_line, paragraph
from onionchat.tui.toraccount import WHOSE
from onionchat.tui.wrap import wrap

Words = Sequence[str]
TOR_PROFILES = ("whonix", "tails")


# --- me ----------------------------------------------------------------------------------------------
async def devices(desk: Desk, words: Words) -> None:
    """`/devices`"""
    desk.open_screen("devices")


async def label(desk: Desk, words: Words) -> None:
    """`/label DEVICE NEW`"""
    await desk.call("device.rename", t.DeviceRename(device=words[0], name=words[1]))
    desk.say(f"{one_line(words[0])} is called {one_line(words[1])} now, on all your devices.")


async def link(desk: Desk, words: Words) -> None:
    """`/link`"""
    desk.open_screen("link")


async def untrust(desk: Desk, words: Words) -> None:
    """`/untrust DEVICE`: what it did is shown before."""
    desk.open_screen("untrust", words[0])


async def settings(desk: Desk, words: Words) -> None:
    """`/settings`"""
    desk.open_screen("settings")


async def export(desk: Desk, words: Words) -> None:
    """`/export FILE`"""
    path = os.path.abspath(os.path.expanduser(words[0]))
    if os.path.lexists(path):
        raise LocalError(f"{one_line(path)} is there already: name a new file")
    desk.open_screen("export", path)


async def passwd(desk: Desk, words: Words) -> None:
    """`/passwd`"""
    desk.open_screen("passwd")


async def wipe(desk: Desk, words: Words) -> None:
    """`/wipe`, after a question."""
    question = (
        "Destroy the profile on this device: its keys, all messages, all contacts? Nothing brings them back. "
        "What others have of it stays with them."
    )
    desk.ask(question, [("Wipe", desk.wipe), ("Keep", lambda: None)])


async def doctor(desk: Desk, words: Words) -> None:
    """`/doctor`"""
    desk.say("Looking at Tor, permissions, clock, locks and disk …")
    await _show_output(desk, "Doctor", ["doctor"])


async def tor_profile(desk: Desk, words: Words) -> None:
    """`/tor-profile whonix|tails`"""
    if words[0] not in TOR_PROFILES:
        raise UsageError(f"/tor-profile is for {' or '.join(TOR_PROFILES)}")
    await _show_output(desk, f"For the control-port filter of {words[0].capitalize()}", ["tor-profile", words[0]])


async def version(desk: Desk, words: Words) -> None:
    """`/version`"""
    desk.say(await desk.run(["version"]))


async def _show_output(desk: Desk, title: str, arguments: Sequence[str]) -> None:
    text = block(await desk.run(arguments))
    desk.say("")

    def make(columns: int) -> list[Line]:
        lines: list[Line] = []
        for line in text.splitlines():
            first, *more = wrap(line, max(columns - 6, 8)) or [""]
            lines += [[("text", f" {first}")], *([("text", f"     {part}")] for part in more)]
        return lines

    desk.show_lines(title, make)


async def status(desk: Desk, words: Words) -> None:
    """`/status`"""
    state: t.Status = await desk.call("status.get", t.Nothing())
    desk.show_lines("Status", lambda columns: status_lines(state, columns, desk.look()))


def status_lines(state: t.Status, columns: int, look: Look) -> list[Line]:
    """The whole status, a line each."""
    tor_words = (WHOSE.get(state.tor.kind, ""), state.tor.summary)
    rows = [
        ("Name", state.name),
        ("This device", state.device_label or state.device[:12]),
        ("Devices", str(state.devices)),
        ("Joining", joining_words(state)),
        ("Tor", ", ".join(filter(None, (state.tor.state, f"{state.tor.bootstrap} %", state.tor.version, *tor_words)))),
        ("Onion", state.onion + (", only for devices of contacts" if state.restricted_discovery else "")),
        ("Connected", f"{len(state.peers)} devices"),
        ("Queued", str(state.queued)),
        ("Clock", "as most peers'" if not state.clock_skew_s else f"{state.clock_skew_s:+.0f} s against most peers"),
        ("Not allowed", ", ".join(state.missing)),
        *(("Warning", warning) for warning in state.warnings),
    ]
    lines: list[Line] = []
    for label, value in rows:
        if value:
            body = paragraph(one_line(value), max(columns - 15, 8))
            lines.append([("quiet", f" {label:<13} "), *body[0]])
            lines += [[("text", " " * 15), *line] for line in body[1:]]
    return lines


async def recovery(desk: Desk, words: Words) -> None:
    """`/recovery`: the 24 words, while they are kept."""
    found: t.RecoveryWords = await desk.call("recovery.words", t.Nothing())
    if not found.words:
        desk.say("There are no recovery words any more: they were written down, or declined.")
        return

    async def settle(written: bool) -> None:
        await desk.call("recovery.settle", t.RecoverySettled(written=written))
        desk.say("Good. They are wiped here." if written else "Declined. They are wiped here.")

    desk.ask(
        "Write these on paper; they bring the account back when all devices are lost: "
        + " ".join(f"{n}.{one_line(w)}" for n, w in enumerate(found.words, 1)),
        [
            ("They are on paper", lambda: desk.do(settle(True))),
            ("I want none", lambda: desk.do(settle(False))),
            ("Not now", lambda: None),
        ],
    )


async def setting(desk: Desk, words: Words) -> None:
    """`/set KEY [VALUE]`"""
    if len(words) > 1:
        await desk.call("setting.set", t.Setting(key=words[0], value=words[1]))
    value: t.SettingValue = await desk.call("setting.get", t.Setting(key=words[0]))
    desk.say(f"{one_line(words[0])} = {one_line(value.value or '')}")


async def stop(desk: Desk, words: Words) -> None:
    """`/stop`: the node too, after a question."""

    async def stopped() -> None:
        await desk.call("node.stop", t.Nothing())
        desk.quit()

    question = "Stop the node? Nothing is sent or received until it is started again."
    desk.ask(question, [("Stop", lambda: desk.do(stopped())), ("No", lambda: None)])


# --- the console -------------------------------------------------------------------------------------
async def requests(desk: Desk, words: Words) -> None:
    """`/requests`"""
    desk.open_screen("requests")


async def connection(desk: Desk, words: Words) -> None:
    """`/connection`"""
    desk.open_screen("connection")


async def show_help(desk: Desk, words: Words) -> None:
    """`/help`"""
    desk.open_screen("help")


async def lock(desk: Desk, words: Words) -> None:
    """`/lock`"""
    desk.lock()


async def leave(desk: Desk, words: Words) -> None:
    """`/quit`"""
    desk.quit()
