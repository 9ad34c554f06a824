"""A Tor of our own, as a child process: it holds no onion keys, writes little, and dies with us.

Its data directory is inside the profile (0700). Its control and SOCKS ports are Unix sockets beside it, or,
where that path is too long or awkward, in a private directory that goes away at the end. Vanguards are
Tor's own default.
"""

import os
import re
import shutil
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from onionchat.errors import LocalError, TorError
from onionchat.limits import UNIX_PATH_MAX_BYTES
from onionchat.net.endpoint import UnixPlace
from onionchat.net.find import TorKind, TorPlace

_OPTION = re.compile(r"([A-Za-z_][A-Za-z0-9_]{1,63}) ([^\x00-\x1f\x7f]{1,2000})")
_OURS = frozenset(
    {
        "datadirectory", "controlsocket", "controlport", "socksport", "cookieauthentication", "cookieauthfile",
        "__owningcontrollerprocess", "hashedcontrolpassword", "log", "runasdaemon", "pidfile", "user",
        "hiddenservicedir", "clientonionauthdir", "controlportwritetofile", "__controlport", "__socksport",
    }
)  # fmt: skip
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.@+-]+")
_WORST_NAME = "control.sock"
PID_NAME = "pid"
LEFT_OVER_TRIES, LEFT_OVER_SECONDS = 50, 0.02  # what was killed is gone within milliseconds
TOR_STOP_SECONDS = 5.0  # a client Tor ends at once; one that hangs is killed after this


@dataclass(frozen=True)
class LaunchPaths:
    """Where the launched Tor lives. `temporary` is a directory to remove at the end, or None."""

    data: Path
    sockets: Path
    temporary: Path | None

    @property
    def control(self) -> Path:
        return self.sockets / "control.sock"

    @property
    def socks(self) -> Path:
        return self.sockets / "socks.sock"


def parse_tor_option(text: str) -> tuple[str, str]:
    """`Name value` of a `--tor-option`; LocalError when it is malformed or one of those that we set ourselves."""
    match = _OPTION.fullmatch(text.strip())
    if match is None:
        raise LocalError("a `--tor-option` is 'Name value', as in --tor-option 'UseBridges 1'")
    if match.group(1).lower() in _OURS:
        raise LocalError(f"`--tor-option {match.group(1)}` cannot be set: onionchat sets it for its own Tor")
    return match.group(1), match.group(2)


def make_paths(profile: Path, env: Mapping[str, str]) -> LaunchPaths:
    """Make the directories, private to us. Remove what is left of earlier sockets."""
    data = profile.absolute() / "tor"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    data.chmod(0o700)
    if len(os.fsencode(data / _WORST_NAME)) <= UNIX_PATH_MAX_BYTES and _PLAIN_PATH.fullmatch(str(data)):
        for path in (data / "control.sock", data / "socks.sock"):
            path.unlink(missing_ok=True)
        return LaunchPaths(data, data, None)
    base = env.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    short = Path(tempfile.mkdtemp(prefix="onionchat-", dir=base))  # 0700 by mkdtemp
    return LaunchPaths(data, short, short)


def _quoted(path: Path) -> str:
    text = str(path)
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise LocalError("the profile's path has control characters in it; choose another `--profile`")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def torrc_text(paths: LaunchPaths, owner_pid: int, options: Sequence[str]) -> str:
    """The whole configuration of the launched Tor."""
    lines = [
        f"DataDirectory {_quoted(paths.data)}",
        f"ControlSocket {paths.control}",
        f"SocksPort unix:{paths.socks} ExtendedErrors IsolateSOCKSAuth",
        "CookieAuthentication 1",
        "ClientOnly 1",
        "AvoidDiskWrites 1",
        "Log notice stdout",
        f"PidFile {_quoted(paths.data / PID_NAME)}",
        f"__OwningControllerProcess {owner_pid}",
    ]
    lines += [" ".join(parse_tor_option(option)) for option in options]
    return "\n".join(lines) + "\n"


def find_program(env: Mapping[str, str]) -> str:
    """The path of the tor program; TorError when there is none."""
    path = env.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/usr/local/sbin:/sbin"
    found = shutil.which("tor", path=path)
    if found is None:
        raise TorError(
            "no Tor was found; install it (Debian: `sudo apt install tor`) or say where one runs: `--control`"
        )
    return found


def end_left_over(data: Path, proc: Path = Path("/proc"), kill: Callable[[int, int], object] = os.kill) -> bool:
    """End the Tor that a killed node of this profile left behind; whether there was one.

    It holds the data directory. Tor itself notices only every 15 s that its owner is gone. The number in its file
    counts only for a process that runs with this very torrc.
    """
    try:
        pid = int((data / PID_NAME).read_text("ascii"))
        arguments = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return False
    if os.fsencode(data / "torrc") not in arguments:
        return False
    try:
        kill(pid, signal.SIGKILL)
    except OSError:
        return False
    for _ in range(LEFT_OVER_TRIES):
        if not (proc / str(pid)).exists() or b"Z (zombie)" in _status(proc / str(pid)):
            break
        time.sleep(LEFT_OVER_SECONDS)
    return True


def _status(process: Path) -> bytes:
    try:
        return (process / "status").read_bytes()
    except OSError:
        return b""


class _Process(ProcessProtocol):
    """Keeps the last lines that Tor said, to be able to say why it died."""

    def __init__(self, ended: Callable[[str], None]) -> None:
        self._ended = ended
        self._lines: deque[str] = deque(maxlen=40)
        self._rest = b""

    def outReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data)[-8192:].split(b"\n")
        self._lines.extend(line.decode("utf-8", "replace") for line in lines)

    errReceived = outReceived

    def last_complaint(self) -> str:
        """The last error or warning of Tor, without its time stamp."""
        bad = [line for line in self._lines if "[err]" in line] or [line for line in self._lines if "[warn]" in line]
        text = bad[-1].split("] ", 1)[-1] if bad else "no reason given"
        return "".join(character if character.isprintable() else " " for character in text)[:200]

    def processEnded(self, reason: Failure) -> None:
        self._ended(self.last_complaint())


class LaunchedTor:
    """One run of our own Tor. `on_ended(complaint)` is called when it ends without having been stopped."""

    def __init__(
        self,
        reactor: Any,
        profile: Path,
        options: Sequence[str],
        env: Mapping[str, str],
        on_ended: Callable[[str], object],
    ) -> None:
        self._reactor = reactor
        self._on_ended = on_ended
        self._stopping: Deferred[None] | None = None
        self._program = find_program(env)
        self.paths = make_paths(profile, env)
        end_left_over(self.paths.data)
        torrc = self.paths.data / "torrc"
        torrc.write_text(torrc_text(self.paths, os.getpid(), options), "utf-8")
        torrc.chmod(0o600)
        arguments = ["tor", "-f", str(torrc), "--defaults-torrc", "/dev/null"]
        clean = {"PATH": env.get("PATH", "/usr/bin:/bin"), "HOME": str(self.paths.data), "LC_ALL": "C"}
        self._transport = reactor.spawnProcess(_Process(self._ended), self._program, arguments, clean)

    @property
    def place(self) -> TorPlace:
        """Where it can be talked to; its sockets appear a moment after the start."""
        return TorPlace(TorKind.LAUNCHED, UnixPlace(self.paths.control), UnixPlace(self.paths.socks))

    def _ended(self, complaint: str) -> None:
        self._transport = None
        if self.paths.temporary is not None:
            shutil.rmtree(self.paths.temporary, ignore_errors=True)
        if self._stopping is None:
            self._on_ended(complaint)
        elif not self._stopping.called:
            self._stopping.callback(None)

    def stop(self) -> "Deferred[None]":
        """Ask it to end, make it end after a while; fires when it has ended."""
        if self._transport is None:
            return succeed(None)
        if self._stopping is None:
            self._stopping = Deferred()
            self._signal("TERM")
            kill = self._reactor.callLater(TOR_STOP_SECONDS, self._signal, "KILL")
            self._stopping.addBoth(lambda _: kill.cancel() if kill.active() else None)
        return self._stopping

    def _signal(self, name: str) -> None:
        if self._transport is not None:
            self._transport.signalProcess(name)
