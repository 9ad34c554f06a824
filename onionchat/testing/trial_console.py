"""Opens the console on a made-up node in this terminal: `python -m onionchat.testing.trial_console`.

`--first-run` begins at the beginning, `--long` has a conversation of 20,000 messages, `--hostile` is full of text that
wants to take over the terminal; `--fixed` stops the clock at the time of the made-up messages.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.testing.fakeservice import FakeService
from onionchat.testing.fakeworld import START_MS, FakeTalk, fake_words
from onionchat.tui import firstrun, main
from onionchat.tui.backend import Backend, Joiner, JoinListener, Options
from onionchat.tui.config import read_options

STARTING = t.TorStatus(
    state="bootstrapping", bootstrap=45, version="0.4.9.11", summary="loading relay descriptors", kind="launched"
)
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07 \u202egnp.exe\u2066 a\u200bb \x9b31m tag\U000e0041 \ud7ff\ufeff "
    + "z"
    + "\u0301" * 60
    + " \r\n\x00 \u2028next \U0001f468\u200d\U0001f469\u200d\U0001f467 \x07"
)


def hostile_service(now: Callable[[], float]) -> FakeService:
    """Every text that somebody else could choose is hostile."""
    service = FakeService(now, people=False)
    for number in range(3):
        name = f"{HOSTILE}{number}"
        talk = service.add_talk(FakeTalk(name, devices=2, devices_online=number))
        for at in range(30):
            message = service.add_message(
                talk, name if at % 3 else "me", f"{HOSTILE}{at}", unread=at > 25 and at % 3 > 0
            )
            message.reactions = [t.Reactions(emoji=HOSTILE, by=[name])]
            message.reply_to, message.reply_text, message.reply_from = message.id, HOSTILE, name
            message.device = HOSTILE
        service.add_message(talk, "", HOSTILE, kind="notice")
        talk.draft = HOSTILE
    service.requests.append(
        t.ContactRequest(
            id=HOSTILE, name=HOSTILE, greeting=HOSTILE * 3, words=[HOSTILE] * 12, time=1, direction="incoming"
        )
    )
    service.tor = t.TorStatus(state=HOSTILE, bootstrap=3, version=HOSTILE, summary=HOSTILE)
    return service


def long_service(now: Callable[[], float], count: int = 20_000) -> FakeService:
    """One conversation that goes on and on."""
    service = FakeService(now)
    talk = service.add_talk(FakeTalk("Long", trust="validated", devices_online=1))
    words = fake_words("long", 16)
    for number in range(count):
        text = " ".join(words[(number * 7 + at) % 16] for at in range(number % 23 + 1))
        service.add_message(
            talk, "me" if number % 3 else "Long", f"{number} {text}", START_MS - (count - number) * 90_000
        )
    return service


class TrialOutside:
    """A command line that only repeats."""

    def strength(self, passphrase: str) -> tuple[int, str]:
        """By length alone."""
        score = min(len(passphrase) // 5, 4)
        return score, "" if score > 2 else "More words make it stronger."

    def run(self, arguments: Sequence[str]) -> "Deferred[str]":
        """What was asked for."""
        return succeed(f"ok  trial  onionchat {' '.join(arguments)}\n\nWhat to do: nothing.")


class TrialFounder(TrialOutside):
    """The first run without keys: Tor is connected after three seconds, another device comes after one."""

    def __init__(self, now: Callable[[], float], later: Callable[..., Any]) -> None:
        self._now, self._later = now, later

    def create_profile(self, name: str, passphrase: str) -> "Deferred[Backend]":
        """A node with nobody in it."""
        service = FakeService(self._now, people=False)
        service.recovery = fake_words("recovery", 16) + fake_words("more", 8)
        ready, service.tor = service.tor, STARTING
        service.onion = "unpublished"

        def up() -> None:
            service.tor, service.onion = ready, "reachable"
            for invitation in service.invitations:
                invitation.state = "published"

        self._later(3, up)
        made: Deferred[Backend] = succeed(service)
        return made

    def require_joinable(self, code: str, label: str) -> None:
        """A code begins as one, a device has a name."""
        if not code.startswith("onionchat-link:"):
            raise LocalError("that is no code: it begins with onionchat-link:")
        if not label:
            raise LocalError("a name must not be empty")

    def join(self, code: str, label: str, passphrase: str, not_before_ms: int, listener: JoinListener) -> Joiner:
        """Words after a second, and after a yes the conversations of the other device."""
        return TrialJoiner(self._now, self._later, listener)


class TrialJoiner:
    """A device on its way, whose other device always says yes."""

    def __init__(self, now: Callable[[], float], later: Callable[..., Any], listener: JoinListener) -> None:
        self._now, self._later, self._listener = now, later, listener
        self.done: Deferred[Backend] = Deferred()
        later(0.5, listener.join_progress, "looking for the other device; it may take a minute")
        later(1, listener.join_words, fake_words("tablet", 6))

    def confirm(self, is_equal: bool) -> None:
        """Both sides said yes, or nothing was linked."""
        if is_equal:
            self._listener.join_progress("making the profile")
            self._later(0.5, self.done.callback, FakeService(self._now))
        else:
            self.done.errback(LocalError("the words were different: nothing was linked; make a new code"))

    def cancel(self) -> None:
        """The user leaves."""
        if not self.done.called:
            self.done.errback(LocalError("it was cancelled; nothing was linked"))


def arguments() -> argparse.Namespace:
    """The options of the trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("first-run", "long", "hostile", "fixed", "ascii", "plain", "no-colour", "chatty", "light", "linking"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--config", metavar="FOLDER", help="the folder with a console.toml")
    return parser.parse_args()


def main_program() -> None:
    """Runs until it is left."""
    chosen = arguments()
    now = (lambda: START_MS / 1000) if chosen.fixed else time.time
    made = hostile_service(now) if chosen.hostile else long_service(now) if chosen.long else FakeService(now)
    options = Options(
        colours="none" if chosen.no_colour else "auto",
        ascii_only=True if chosen.ascii else None,
        plain=chosen.plain,
        theme="light" if chosen.light else "dark",
        utc_offset_seconds=0 if chosen.fixed else None,
    )
    options = read_options(Path(chosen.config), options) if chosen.config else options
    run_reactor: Any = reactor

    def open_console(backend: Backend | None) -> Any:
        return None if backend is None else main.run(backend, run_reactor, options, now, TrialOutside())

    def chat() -> None:
        made.receive("Bob", "Still here?")
        run_reactor.callLater(3, chat)

    def device_follows(event: t.Event) -> None:
        if event.event == "link" and event.state == "waiting":
            run_reactor.callLater(0.5, made.device_comes)

    def begin() -> None:
        if chosen.first_run:
            founder = TrialFounder(now, run_reactor.callLater)
            done: Any = firstrun.run(founder, run_reactor, options).addCallback(open_console)
        else:
            done = open_console(made)
        if chosen.chatty:
            run_reactor.callLater(3, chat)
        if chosen.linking:
            made.subscribe(device_follows)
        done.addErrback(lambda failure: sys.stderr.write(failure.getTraceback()))
        done.addBoth(lambda _: run_reactor.stop())

    run_reactor.callWhenRunning(begin)
    run_reactor.run()


if __name__ == "__main__":
    main_program()
