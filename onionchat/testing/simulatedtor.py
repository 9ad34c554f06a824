"""A whole Tor in memory, as `net.tor.Tor` sees one: a control port (bare or filtered) and a SOCKS port."""

from typing import Any

from onionchat.net.endpoint import Place, UnixPlace
from onionchat.testing.controlfilter import FilterRules
from onionchat.testing.controlport import ControlServer, SimulatedTor
from onionchat.testing.memory import MemoryEndpoint
from onionchat.testing.socksport import SocksRequest, SocksServer


class TorInMemory:
    """`endpoint_for` goes to `Tor(...)`. A dial reaches the onions that are up; `replies` says otherwise by address."""

    def __init__(self, clock: Any, rules: FilterRules | None = None) -> None:
        self.simulated = SimulatedTor()
        self.control = MemoryEndpoint(clock, lambda: ControlServer(self.simulated, rules))
        self.socks = MemoryEndpoint(clock, lambda: SocksServer(self._reply))
        self.replies: dict[str, int | None] = {}
        self.requests: list[SocksRequest] = []

    def endpoint_for(self, reactor: object, place: Place, timeout_seconds: float) -> MemoryEndpoint:
        """Control ports are the places whose text has `control` in it, or port 951 or 9051."""
        text = str(place)
        is_control = text.endswith((":951", ":9051")) or (isinstance(place, UnixPlace) and "control" in text)
        return self.control if is_control else self.socks

    def _reply(self, request: SocksRequest) -> int | None:
        self.requests.append(request)
        address = request.host.removesuffix(".onion")
        if address in self.replies:
            return self.replies[address]
        return 0 if address in self.simulated.onions else 0xF0
