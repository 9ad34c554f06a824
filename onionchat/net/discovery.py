"""The discovery keys that our Tor holds for us, so that it can find those who hide.

They are the daemon's, for all its users, and outlive our connection. So we keep the list of ours, give them
again when Tor forgot them, and take every one back at lock and at stop.
"""

from onionchat.errors import TorError
from onionchat.net.control import TorControl


class DiscoveryKeys:
    """What Tor should hold: address -> X25519 private key of 32 bytes."""

    def __init__(self) -> None:
        self._wanted: dict[str, bytes] = {}
        self._control: TorControl | None = None

    def __repr__(self) -> str:
        return f"DiscoveryKeys({len(self._wanted)} keys)"

    async def connected(self, control: TorControl) -> None:
        """A control connection is there: give everything to it."""
        self._control = control
        await self.give_all()

    def disconnected(self) -> None:
        """The control connection is gone. The keys may still be in Tor."""
        self._control = None

    async def give_all(self) -> None:
        """Give every key (again); Tor takes a key that it has without complaint."""
        for address, key in list(self._wanted.items()):
            await self._give(address, key)

    async def grant(self, address: str, private_key: bytes) -> None:
        """Let Tor find `address`. Kept and given again until revoked."""
        self._wanted[address] = private_key
        await self._give(address, private_key)

    async def revoke(self, address: str) -> None:
        """Take the key back. Also right for an address of an earlier run."""
        self._wanted.pop(address, None)
        if self._control is not None:
            await self._quietly(self._control, address)

    async def revoke_all(self) -> None:
        """Take all keys back: at lock, at stop."""
        for address in list(self._wanted):
            await self.revoke(address)

    async def _give(self, address: str, key: bytes) -> None:
        if self._control is not None:
            await self._control.client_auth_add(address, key)

    async def _quietly(self, control: TorControl, address: str) -> None:
        try:
            await control.client_auth_remove(address)
        except TorError:
            return  # a key that Tor does not hold needs no removal; a lost connection is mended elsewhere
