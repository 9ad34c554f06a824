"""Where Tor is: what the user said, Whonix, Tails, a system Tor, else one that we launch.

`find_places` looks at files and variables only, and gives candidates, best first; `tor.py` tries them. On
Whonix and Tails there is one candidate: a Tor of our own would not be let out there, or run over the other.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from onionchat.errors import UsageError
from onionchat.net.endpoint import Place, TcpPlace, UnixPlace, parse_place

WHONIX_PORTS = range(16600, 16650)  # what the shipped filter profile lets an onion point at
WHONIX_GATEWAY = "10.152.152.10"
LOOPBACK = "127.0.0.1"
DEFAULT_SOCKS = TcpPlace(LOOPBACK, 9050)
_WHONIX_MARK = "usr/share/anon-ws-base-files/workstation"
_SYSTEM_SOCKET = "run/tor/control"
_TAILS_PORT = 951
_CONTROL_PORT = 9051


class TorKind(Enum):
    """Whose Tor it is."""

    EXPLICIT = "explicit"
    WHONIX = "whonix"
    TAILS = "tails"
    SYSTEM = "system"
    LAUNCHED = "launched"


@dataclass(frozen=True)
class TorPlace:
    """A Tor, and where it may send the connections that come in for our onions.

    `control` and `socks` are None for a Tor that is still to be launched. `listen_host` is where we listen,
    `onion_target_host` what Tor is told; `onion_ports` are the local ports allowed, None for any.
    """

    kind: TorKind
    control: Place | None
    socks: Place | None
    onion_target_host: str = LOOPBACK
    listen_host: str = LOOPBACK
    onion_ports: range | None = None


@dataclass(frozen=True)
class TorOptions:
    """What the user said on the command line or in `config.toml`."""

    mode: str = "auto"
    control: str | None = None
    socks: str | None = None
    onion_port: int | None = None
    tor_options: tuple[str, ...] = ()


def is_whonix(root: Path = Path("/")) -> bool:
    """Whether this is a Whonix Workstation."""
    return (root / _WHONIX_MARK).exists()


def is_tails(root: Path = Path("/")) -> bool:
    """Whether this is Tails."""
    if (root / "etc/amnesia").exists():
        return True
    try:
        lines = (root / "etc/os-release").read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    return any(line.strip().replace('"', "") in ("ID=tails", "ID='tails'") for line in lines)


def allowed_hosts(env: Mapping[str, str], root: Path = Path("/")) -> frozenset[str]:
    """Hosts besides loopback where a control port may be: on Whonix the Gateway, elsewhere none."""
    if not is_whonix(root):
        return frozenset()
    named = env.get("TOR_CONTROL_HOST", "")
    try:
        is_private = ipaddress.ip_address(named).is_private
    except ValueError:
        is_private = False
    return frozenset({WHONIX_GATEWAY, named}) if is_private else frozenset({WHONIX_GATEWAY})


def find_places(options: TorOptions, env: Mapping[str, str], root: Path = Path("/")) -> list[TorPlace]:
    """Candidates, best first, never empty. UsageError or LocalError for options that make no sense."""
    if options.mode not in ("auto", "system", "launch"):
        raise UsageError("`--tor` is auto, system or launch")
    if options.onion_port is not None and not 0 < options.onion_port < 65536:
        raise UsageError("`--onion-port` is a number from 1 to 65535")
    hosts = allowed_hosts(env, root)
    places = _explicit(options, hosts, env, root) or _detected(options.mode, env, root)
    return [_with_options(place, options, hosts) for place in places]


def _explicit(options: TorOptions, hosts: frozenset[str], env: Mapping[str, str], root: Path) -> list[TorPlace]:
    if options.control is None:
        return []
    if options.mode == "launch":
        raise UsageError("`--control` names a Tor that runs; it does not go with `--tor launch`")
    control = parse_place(options.control, hosts)
    if is_whonix(root):
        return [_whonix(env, hosts, control)]
    return [TorPlace(TorKind.TAILS if is_tails(root) else TorKind.EXPLICIT, control, DEFAULT_SOCKS)]


def _detected(mode: str, env: Mapping[str, str], root: Path) -> list[TorPlace]:
    if mode == "launch":
        return [TorPlace(TorKind.LAUNCHED, None, None)]
    if is_whonix(root):
        return [_whonix(env, allowed_hosts(env, root), None)]
    if is_tails(root):
        return [TorPlace(TorKind.TAILS, TcpPlace(LOOPBACK, _TAILS_PORT), DEFAULT_SOCKS)]
    system = [TorPlace(TorKind.SYSTEM, TcpPlace(LOOPBACK, _CONTROL_PORT), DEFAULT_SOCKS)]
    socket = root / _SYSTEM_SOCKET
    if socket.exists():
        system.insert(0, TorPlace(TorKind.SYSTEM, UnixPlace(socket), DEFAULT_SOCKS))
    return system if mode == "system" else [*system, TorPlace(TorKind.LAUNCHED, None, None)]


def _whonix(env: Mapping[str, str], hosts: frozenset[str], control: Place | None) -> TorPlace:
    return TorPlace(
        TorKind.WHONIX,
        control or _whonix_control(env, hosts),
        DEFAULT_SOCKS,
        # the filter's profile puts the Workstation's own address in; connections come in from the Gateway
        listen_host="0.0.0.0",  # noqa: S104
        onion_ports=WHONIX_PORTS,
    )


def _whonix_control(env: Mapping[str, str], hosts: frozenset[str]) -> Place:
    if path := env.get("TOR_CONTROL_IPC_PATH"):
        return parse_place(f"unix:{path}")
    host = env.get("TOR_CONTROL_HOST", LOOPBACK)
    return parse_place(f"tcp:{host}:{env.get('TOR_CONTROL_PORT', _CONTROL_PORT)}", hosts)


def _with_options(place: TorPlace, options: TorOptions, hosts: frozenset[str]) -> TorPlace:
    socks = place.socks if options.socks is None else parse_place(options.socks, hosts)
    ports = place.onion_ports
    if options.onion_port is not None:
        if ports is not None and options.onion_port not in ports:
            raise UsageError(
                f"on Whonix `--onion-port` is {ports.start} to {ports.stop - 1}: the filter allows no other"
            )
        ports = range(options.onion_port, ports.stop if ports else min(65536, options.onion_port + len(WHONIX_PORTS)))
    return TorPlace(place.kind, place.control, socks, place.onion_target_host, place.listen_host, ports)


def permission_advice(kind: TorKind) -> str:
    """What to do when this kind of Tor refuses something, as the end of a sentence."""
    match kind:
        case TorKind.WHONIX:
            return "on the Gateway install the profile that `onionchat tor-profile whonix` prints"
        case TorKind.TAILS:
            return "install the profile that `onionchat tor-profile tails` prints (once each start of Tails)"
        case TorKind.LAUNCHED:
            return "check the `--tor-option` that were given"
        case TorKind.SYSTEM | TorKind.EXPLICIT:
            return (
                "set `ControlPort 9051` and `CookieAuthentication 1` in torrc and add yourself to the group of the "
                "cookie file (Debian: `sudo adduser $USER debian-tor`, then log in anew), or use `--tor launch`"
            )
