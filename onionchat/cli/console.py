"""`onionchat` without a command: the console, on the node that runs, or with a node in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from onionchat.api.async_client import AsyncClient
from onionchat.api.local import LocalClient
from onionchat.api.socketpath import socket_path
from onionchat.cli import mainloop
from onionchat.cli.livenode import LiveNode
from onionchat.cli.outside import CommandLine
from onionchat.cli.passphrase import strength
from onionchat.cli.session import Context
from onionchat.cli.settings import Settings
from onionchat.errors import ExitCode, LocalError, NoNodeError
from onionchat.tui import firstrun, unlock
from onionchat.tui import main as screen
from onionchat.tui.backend import Backend, Joiner, JoinListener, Options
from onionchat.tui.config import read_options


class OwnNode:
    """Makes or opens the profile and runs its node in this process. It is the console's `Founder`."""

    def __init__(self, profile: Path, settings: Settings, reactor: Any) -> None:
        self._profile = profile
        self._settings = settings
        self._reactor = reactor
        self.live: LiveNode | None = None
        self._joining: _Joined | None = None

    def strength(self, passphrase: str) -> tuple[int, str]:
        """0 (worthless) to 4 (strong), and one line of advice."""
        return strength(passphrase)

    def create_profile(self, name: str, passphrase: str) -> "Deferred[Backend]":
        """Make the profile and start its node."""
        return Deferred.fromCoroutine(self._create(name, passphrase))

    def open(self, passphrase: str) -> "Deferred[Backend]":
        """Open the profile and start its node; fails with LockedError when the passphrase is wrong."""
        return Deferred.fromCoroutine(self._open(passphrase))

    async def _create(self, name: str, passphrase: str) -> Backend:
        from onionchat.cli import compose

        compose.profiles.create_profile(self._profile, name, passphrase, "keep")
        return await self._open(passphrase)

    async def _open(self, passphrase: str) -> Backend:
        from onionchat.cli import compose

        node = compose.build_node(self._profile, passphrase, self._reactor, self._settings)
        live = LiveNode(node, compose.build_service(node), self._profile, self._reactor)
        await live.start()
        self.live = live
        return LocalClient(live)

    def require_joinable(self, code: str, label: str) -> None:
        """LocalError when that is no code of another device, or no name for this one."""
        from onionchat.cli import compose

        compose.require_joinable(self._profile, code, label)

    def join(self, code: str, label: str, passphrase: str, not_before_ms: int, listener: JoinListener) -> Joiner:
        """Begin to make this a further device of an account."""
        from onionchat.cli import compose

        joining = compose.start_joining(
            self._profile, code, label, passphrase, not_before_ms, self._settings, self._reactor, listener
        )
        self._joining = _Joined(joining, lambda: self.open(passphrase))
        return self._joining

    async def stop(self) -> None:
        """Stop the node, if it was started, and what was on the way to one."""
        if self._joining is not None:
            self._joining.cancel()  # does nothing when it is over
            await self._joining.over
        if self.live is not None:
            await self.live.stop()


class _Joined:
    """One attempt to join; then the profile is opened, whether the other device's last word came or not: a node on it
    finds out."""

    def __init__(self, joining: Any, open_it: "Callable[[], Deferred[Backend]]") -> None:
        self._joining = joining
        self.over: Deferred[None] = Deferred()
        """Nothing of it is under way any more."""
        self.done: Deferred[Backend] = joining.done
        self.done.addBoth(self._is_over).addCallback(lambda _: open_it())

    def _is_over(self, outcome: Any) -> Any:
        self.over.callback(None)
        return outcome

    def confirm(self, is_equal: bool) -> None:
        """What the user says of the words."""
        self._joining.confirm(is_equal)

    def cancel(self) -> None:
        """The user has enough of it."""
        self._joining.cancel()


def console(context: Context) -> int:
    """The console, until the user leaves."""
    settings = context.settings()
    options = read_options(context.profile, Options(plain=context.options.plain))
    given = [_passphrase_before(context, options)]  # a list, so that nothing of it is kept while the console runs

    async def main(reactor: Any, interrupted: "Deferred[None]") -> int:
        own = OwnNode(context.profile, settings, reactor)
        try:
            opening = Deferred.fromCoroutine(_backend(context, own, reactor, options, given.pop()))
            backend = await mainloop.first_of(interrupted, opening)  # None as well when a signal came meanwhile
            if backend is not None:
                outside = CommandLine(context.profile, context.options, reactor)
                left = screen.run(backend, reactor, options, outside=outside, until=interrupted)
                await mainloop.first_of(left, own.live.stop_asked if own.live else _lost(backend))
        finally:
            await own.stop()
        return int(ExitCode.DONE)

    return mainloop.run(main)


def _lost(backend: Backend) -> "Deferred[None]":
    """Fails when the node that another process runs goes away: nothing that is on the screen would be true any more."""
    lost: Deferred[None] = Deferred()
    if isinstance(backend, AsyncClient):
        backend.on_lost = lost.errback
    return lost


def _passphrase_before(context: Context, options: Options) -> str | None:
    """The passphrase that an option names; in plain mode it is asked for before the console starts."""
    from onionchat.cli import compose

    if context.is_node_running():
        return None
    if screen.wants_plain(options):
        compose.require_profile(context.profile)
        return context.passphrase.existing()
    return context.passphrase.given()


async def _backend(context: Context, own: OwnNode, reactor: Any, options: Options, given: str | None) -> Backend | None:
    """The running node, else our own one: opened with what was given, else by the unlock screen or the first run."""
    from onionchat.cli import compose

    try:
        return await AsyncClient.connect(reactor, socket_path(context.profile))
    except NoNodeError:
        pass
    if not compose.profiles.profile_exists(context.profile):
        if given is not None:
            raise LocalError("there is no profile yet: make it with `onionchat init`, or start without a passphrase")
        return await firstrun.run(own, reactor, options)
    if given is not None:
        return await own.open(given)
    return await unlock.run(own.open, reactor, options)
