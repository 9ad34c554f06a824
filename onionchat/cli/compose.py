"""The composition root: the only module of the command line that knows profiles, nodes and Tor.

Imported when a command needs it, never for `--help`, and by those that talk to a running node not at all.
"""

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from onionchat.api import types as t
from onionchat.api.methods import BY_NAME
from onionchat.api.service import Service
from onionchat.cli.reactorthread import ReactorThread
from onionchat.cli.settings import Settings
from onionchat.errors import LocalError, NoNodeError
from onionchat.net import find
from onionchat.net.find import TorKind, TorOptions, TorPlace, find_places
from onionchat.net.launch import parse_tor_option
from onionchat.net.tor import Tor
from onionchat.node import profile
from onionchat.node.folder import make_folder, read_key
from onionchat.node.joining import Joining, JoinListener, JoinState, require_joinable
from onionchat.node.node import Node
from onionchat.node.recovering import Recovery as open_recovery

__all__ = ["JoinState", "open_recovery", "require_joinable"]
profiles = profile  # for the commands about the profile as a whole


# --- profiles ---------------------------------------------------------------------------------------------
def require_profile(directory: Path) -> None:
    """LocalError unless there is a profile, before anybody is asked for its passphrase."""
    if not profiles.profile_exists(directory):
        read_key(directory)  # says what is wrong


def require_no_profile(directory: Path) -> None:
    """LocalError when there is a profile already."""
    if profiles.profile_exists(directory):
        raise LocalError(f"there is a profile in {directory} already; use another --profile, or `onionchat wipe` it")


def tor_options(settings: Settings) -> TorOptions:
    """What the user said, as the net layer takes it. LocalError for a torrc line that is none."""
    for line in settings.tor_options:
        parse_tor_option(line)
    return TorOptions(
        mode=settings.tor,
        control=settings.control,
        socks=settings.socks,
        onion_port=settings.onion_port,
        tor_options=settings.tor_options,
    )


def tor_places(settings: Settings) -> list[TorPlace]:
    """Where Tor may be, best first."""
    return find_places(tor_options(settings), os.environ)


def permission_advice(kind: TorKind) -> str:
    """What to do when this kind of Tor refuses something."""
    return find.permission_advice(kind)


def filter_profile(kind: str) -> tuple[str, str]:
    """The control-port filter's profile for `whonix` or `tails`, and how to install it."""
    from onionchat.net.torprofile import instructions, profile_text

    return profile_text(kind), instructions(kind)


# --- joining an account ------------------------------------------------------------------------------------
def start_joining(
    directory: Path,
    code: str,
    label: str,
    passphrase: str,
    history_not_before_ms: int,
    settings: Settings,
    reactor: Any,
    listener: JoinListener,
) -> Joining:
    """Begin to join, with a Tor of its own."""
    joining = Joining(directory, code, label, passphrase, history_not_before_ms, reactor, listener)
    make_folder(directory)
    joining.start(Tor(reactor, tor_options(settings), directory, joining, os.environ))
    return joining


async def wait_admitted(
    directory: Path, passphrase: str, settings: Settings, reactor: Any, timeout_seconds: float
) -> str:
    """Run a node on a profile that has joined until it knows: "" it is in, "waiting" nobody was there, "refused".

    A profile that was refused is of no use, and wiped.
    """
    node = build_node(directory, passphrase, reactor, settings)
    done: Deferred[None] = Deferred()
    call = reactor.callLater(timeout_seconds, done.callback, None)

    def look(_: object = None) -> None:
        if (not node.own.is_linking or node.linking_refused) and not done.called:
            done.callback(None)

    node.subscribe(look)
    try:
        await node.start()
        look()
        await done
        state = "" if not node.own.is_linking else "refused" if node.linking_refused else "waiting"
    finally:
        if call.active():
            call.cancel()
        await node.stop()
    if state == "refused":
        profiles.wipe_profile(directory)
    return state


# --- nodes ------------------------------------------------------------------------------------------------
def build_node(directory: Path, passphrase: str, reactor: Any, settings: Settings | None) -> Node:
    """Open the profile (LockedError, StoreError, LocalError when it is in use) and put a node on it.

    Without `settings` the node knows no Tor: it is for one command on the store.
    """
    opened = profiles.Profile.open(directory, passphrase)
    tor = None if settings is None else tor_options(settings)
    allow = settings is not None and settings.allow_unrestricted
    return Node(opened, reactor, tor, allow_unrestricted=allow)


def build_service(node: Node) -> Service:
    """The methods of the local API on a node."""
    return Service(node)


class OfflineSession:
    """The methods of the local API on the store alone, for one command. The reactor runs in a thread meanwhile."""

    is_live = False

    def __init__(self, directory: Path, passphrase: str) -> None:
        self._thread = ReactorThread()
        try:
            self._node = self._thread.call(self._open, directory, passphrase)
        except BaseException:
            self._thread.stop()
            raise
        self._service = build_service(self._node)

    def _open(self, directory: Path, passphrase: str) -> Any:
        node = build_node(directory, passphrase, self._thread.reactor, None)
        return node.start().addCallback(lambda _: node)

    def call(self, name: str, params: t.Params | None = None) -> Any:
        """The result of a method. NoNodeError for those that need a node."""
        if BY_NAME[name].live:
            raise NoNodeError("no node is running on this profile; start one with `onionchat run`")
        return self._thread.call(self._service.call, name, t.Nothing() if params is None else params)

    def close(self) -> None:
        """Close the store."""
        try:
            self._thread.call(self._node.stop)
        finally:
            self._thread.stop()
