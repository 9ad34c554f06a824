"""Commands about the devices of the account: the list, linking one that is in with a new one."""

import time
from typing import Any, Literal

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from onionchat.api import types as t
from onionchat.cli import mainloop
from onionchat.cli.asking import ask_while, ask_yes, can_be_asked
from onionchat.cli.output import date_and_clock, note, plural, say, say_json, say_table
from onionchat.cli.session import Context, LiveSession
from onionchat.errors import LocalError

SAME_WORDS = "Does the other device show the same six words?"
MEMBER_SECONDS = 120.0
"""For the first channel between the two devices; both are on and want it."""
HISTORY_ALL, HISTORY_NONE = "all", "none"


def devices(context: Context) -> int:
    """`devices`."""
    found: list[t.OwnDevice] = context.call("device.list")
    if context.options.json:
        say_json(found)
        return 0
    rows = []
    for each in found:
        here = "this one" if each.this else "online" if each.online else "offline"
        behind = f"has yet to hear of {plural(each.to_forget, 'deletion')}" if each.to_forget else ""
        rows.append((each.name or "(no name)", each.state, here, each.id, behind))
    say_table(rows)
    say(f"({plural(len(found), 'device')})")
    return 0


# --- removing -----------------------------------------------------------------------------------------------
def untrust(context: Context) -> int:
    """`untrust`: on a terminal what the device did is listed, and asked about."""
    options = context.options
    undo: Literal["all", "none"] = options.undo or "none"
    if options.undo is None and can_be_asked():
        undo = _ask_undo(context, options.device)
    params = t.DeviceUntrust(device=options.device, stolen=options.stolen, undo=undo)
    result: t.Done = context.call("device.untrust", params)
    note(result.notice)
    return 0


def _ask_undo(context: Context, device: str) -> Literal["all", "none"]:
    deeds: list[t.Deed] = context.call("device.review", t.DeviceOnly(device=device))
    for deed in deeds:
        say(f"{date_and_clock(deed.time) if deed.time else 'at some time'}  {deed.text}")
    say(f"({plural(len(deeds), 'thing')} that this device did, as far as they still stand)")
    if not ask_yes("Remove this device for good?"):
        raise LocalError("nothing was done")
    if not any(deed.undo for deed in deeds):
        return "none"
    return "all" if ask_yes("Undo what it did: devices that it linked, trust, blocks, deletions?") else "none"


# --- a device that is in ----------------------------------------------------------------------------------
def link(context: Context) -> int:
    """`link`: a code, six words, a yes; until the new device is in."""
    options = context.options
    _require_yes(options.yes)
    session = context.live()
    session.subscribe(("link",))
    started: t.LinkStatus = session.call("link.start")
    say(started.code)
    note("on the new device: onionchat join CODE --name NAME. The code works once, for 10 minutes")
    if options.qr:
        for line in ("", *started.qr, ""):
            say(line)
    try:
        return _see_through(session, options.yes)
    except BaseException:
        session.call("link.cancel")
        raise


def _see_through(session: LiveSession, is_sure: bool) -> int:
    is_asked = is_published = False
    while True:
        status: t.LinkStatus = session.call("link.state")
        if status.published and not is_published:
            is_published = True
            note("the code's address is up; waiting for the new device")
        if status.state == "comparing" and status.words and not is_asked:
            is_asked = True
            say(f"{status.device}: {' '.join(status.words)}")
            answer = True if is_sure else ask_while(SAME_WORDS, lambda: _is_over(session))
            if answer is not None:
                session.call("link.confirm", t.LinkConfirm(equal=answer))
            continue
        if status.state == "linked":
            say(f"linked: {status.device}")
            return 0
        if status.state in ("failed", "none"):
            raise LocalError(status.problem or "another command has ended it; nothing was linked")
        session.next_event(timeout_seconds=2.0)


def _is_over(session: LiveSession) -> bool:
    status: t.LinkStatus = session.call("link.state")
    return status.state != "comparing"


def _require_yes(is_sure: bool) -> None:
    if not is_sure and not can_be_asked():
        raise LocalError("comparing the words needs a yes, and there is no terminal to ask on: give --yes")


# --- a new device -----------------------------------------------------------------------------------------
def join(context: Context) -> int:
    """`join`: become another device of the account that the code is of."""
    from onionchat.cli import compose

    options = context.options
    _require_yes(options.yes)
    compose.require_joinable(context.profile, options.code, options.name)
    passphrase = context.passphrase.new()
    settings = context.settings()
    user = _User(options.yes)
    since_ms = history_not_before_ms(options.history, time.time())

    async def main(reactor: Any, interrupted: "Deferred[None]") -> int:
        joining = compose.start_joining(
            context.profile, options.code, options.name, passphrase, since_ms, settings, reactor, user
        )
        user.confirm = joining.confirm
        interrupted.addCallback(lambda _: joining.cancel())
        try:
            is_certain = await joining.done is compose.JoinState.JOINED
        finally:
            user.is_over = True
        if not is_certain:
            note("the connection broke at the last step; asking the other device whether this one is in")
        outcome = await compose.wait_admitted(context.profile, passphrase, settings, reactor, MEMBER_SECONDS)
        return _joined(outcome, is_certain)

    return mainloop.run(main)


def _joined(outcome: str, is_certain: bool) -> int:
    if outcome == "refused":
        raise LocalError("the other device did not admit this one: nothing was linked; make a new code")
    if outcome == "waiting" and not is_certain:
        raise LocalError(
            "it is not known whether this device was admitted: `onionchat run` finds out when the other one is on"
        )
    say("linked; contacts and messages come while `onionchat run` or the console is on")
    return 0


def history_not_before_ms(text: str, now: float) -> int:
    """From when on messages are brought to a new device: `all`, `none`, or a day as milliseconds since 1970."""
    if text == HISTORY_ALL:
        return 0
    return int(now * 1000) if text == HISTORY_NONE else int(text)


class _User:
    """Shows what joining says, and asks."""

    def __init__(self, is_sure: bool) -> None:
        self._is_sure = is_sure
        self._last = ""
        self.confirm: Any = None
        self.is_over = False

    def join_progress(self, text: str) -> None:
        """A line for the user, once."""
        if text != self._last:
            self._last = text
            note(text)

    def join_words(self, words: tuple[str, ...]) -> None:
        """Show the words, and ask without holding up the reactor."""
        say(" ".join(words))
        if self._is_sure:
            self.confirm(True)
        else:
            deferToThread(ask_while, SAME_WORDS, lambda: self.is_over).addCallback(self._answered)

    def _answered(self, answer: bool | None) -> None:
        if answer is not None:
            self.confirm(answer)
