"""A session answers the methods of the local API: the running node, or the store opened by this very command."""

import argparse
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from onionchat.api import types as t
from onionchat.api.client import SyncClient
from onionchat.api.socketpath import socket_path
from onionchat.cli.passphrase import Source
from onionchat.cli.settings import Settings, load_settings
from onionchat.errors import NoNodeError


class Session(Protocol):
    """What commands call. `is_live`: a node answers, and does what was asked for at once."""

    is_live: bool

    def call(self, name: str, params: t.Params | None = None) -> Any:
        """The typed result of a method; OnionchatError when it failed."""
        ...

    def close(self) -> None:
        """Let go of the node, or of the profile."""
        ...


class LiveSession:
    """A session at a running node."""

    is_live = True

    def __init__(self, client: SyncClient) -> None:
        self._client = client

    def call(self, name: str, params: t.Params | None = None) -> Any:
        """Call a method."""
        return self._client.call(name, params)

    def subscribe(self, events: Collection[str]) -> None:
        """Ask for events."""
        self._client.subscribe(events)

    def next_event(self, timeout_seconds: float | None = None) -> t.Event | None:
        """The next event, None when none came in time."""
        return self._client.next_event(timeout_seconds)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


@dataclass
class Context:
    """What a command has: the options, the profile's folder, and a session when it asks for one."""

    options: argparse.Namespace
    profile: Path
    passphrase: Source
    opened: Session | None = None

    def live(self) -> LiveSession:
        """A session at the running node. NoNodeError when there is none."""
        if not isinstance(self.opened, LiveSession):
            self.opened = LiveSession(SyncClient(socket_path(self.profile)))
        return self.opened

    def session(self) -> Session:
        """The running node, else the profile opened here (which asks for the passphrase)."""
        if self.opened is None:
            try:
                self.opened = self.live()
            except NoNodeError:
                from onionchat.cli import compose

                compose.require_profile(self.profile)
                self.opened = compose.OfflineSession(self.profile, self.passphrase.existing())
        return self.opened

    def call(self, name: str, params: t.Params | None = None) -> Any:
        """Call a method of whichever session."""
        return self.session().call(name, params)

    def is_node_running(self) -> bool:
        """Whether a node answers on this profile."""
        try:
            SyncClient(socket_path(self.profile)).close()
        except NoNodeError:
            return False
        return True

    def settings(self) -> Settings:
        """What the user wants of Tor."""
        return load_settings(self.profile, self.options)

    def close(self) -> None:
        """Close the session, if there is one."""
        if self.opened is not None:
            self.opened.close()
            self.opened = None
