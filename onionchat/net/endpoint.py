"""Where Tor's ports are, as people write it: `tcp:HOST:PORT`, `unix:PATH`, `HOST:PORT`.

No name is resolved: HOST is an IP address, or the word `localhost`. Only loopback addresses pass, and those
that the caller names (the Gateway of a Whonix Workstation).
"""

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, UNIXClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint

from onionchat.errors import LocalError
from onionchat.limits import UNIX_PATH_MAX_BYTES

_FORMS = "write tcp:HOST:PORT, unix:PATH or HOST:PORT, as in tcp:127.0.0.1:9051"


@dataclass(frozen=True)
class TcpPlace:
    """A TCP port; `host` is the text of an IP address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"tcp:[{self.host}]:{self.port}" if ":" in self.host else f"tcp:{self.host}:{self.port}"


@dataclass(frozen=True)
class UnixPlace:
    """A Unix socket."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


Place = TcpPlace | UnixPlace


def parse_place(text: str, allowed_hosts: Collection[str] = ()) -> Place:
    """Read an endpoint; LocalError for nonsense and for hosts that are neither loopback nor in `allowed_hosts`."""
    if text.startswith("unix:"):
        return _parse_unix(text.removeprefix("unix:"))
    host, colon, port = text.removeprefix("tcp:").rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise LocalError(f"that is no port of Tor: {_shown(text)}; {_FORMS}")
    return TcpPlace(_parse_host(host, text, allowed_hosts), int(port))


def _parse_unix(path: str) -> UnixPlace:
    if not path.startswith("/") or "\x00" in path or "\n" in path:
        raise LocalError(f"a Unix socket needs an absolute path: {_shown(path)}; {_FORMS}")
    if len(path.encode("utf-8", "surrogateescape")) > UNIX_PATH_MAX_BYTES:
        raise LocalError(f"the path of that Unix socket is longer than {UNIX_PATH_MAX_BYTES} bytes; use a shorter one")
    return UnixPlace(Path(path))


def _parse_host(host: str, text: str, allowed_hosts: Collection[str]) -> str:
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if host == "localhost":
        host = "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise LocalError(f"Tor's host must be an IP address of this machine: {_shown(text)}; {_FORMS}") from None
    if address.is_loopback or (address.is_private and str(address) in allowed_hosts):
        return str(address)
    raise LocalError(f"Tor must be on this machine (127.0.0.1 or a Unix socket), not at {address}: {_FORMS}")


def _shown(text: str) -> str:
    """The user's own text, short and without control characters."""
    return repr(text if len(text) <= 60 else text[:60] + "…")


def client_endpoint(reactor: Any, place: Place, timeout_seconds: float) -> IStreamClientEndpoint:
    """The Twisted endpoint that connects there. `reactor` provides IReactorTCP or IReactorUNIX."""
    if isinstance(place, UnixPlace):
        return UNIXClientEndpoint(reactor, str(place.path), timeout=timeout_seconds)  # type: ignore[no-untyped-call]
    kind = TCP6ClientEndpoint if ":" in place.host else TCP4ClientEndpoint
    return kind(reactor, place.host, place.port, timeout=timeout_seconds)
