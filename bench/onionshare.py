"""OnionShare's chat beside ours, in one run on the same Tors.

OnionShare is installed from the package index into an environment of its own (`bench/.onionshare`, which git
ignores), because it pins old libraries; nothing of it is a dependency of this project. A room is a page that one
program serves; whoever is in it is a browser. Nothing is stored, nothing is encrypted beyond Tor's own, and who is not
in the room misses what is said. `visitor` is the scripted browser.
"""

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.figures import Figure, Size, median, p95
from bench.talk import burst_once, first_message, one_way, round_trips
from bench.world import SECONDS_MAX, cpu_seconds, rss_mib, two
from onionchat.errors import LocalError
from onionchat.testing.network import TorClient
from onionchat.testing.people import Person, leashed

ENVIRONMENT = Path(__file__).with_name(".onionshare")
PROGRAM = ENVIRONMENT / "bin" / "onionshare-cli"
PACKAGES = ("onionshare-cli>=2.6", "websocket-client>=1.8", "PySocks>=1.7")
INSTALL_SECONDS = 300
ROOM_SECONDS = 60.0
ONLINE_SECONDS = 5.0


def prepare() -> None:
    """Make the environment if it is not there; says so, and goes on, when that cannot be done."""
    if PROGRAM.exists():
        return
    print("installing OnionShare into bench/.onionshare …", flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True, capture_output=True)
        install = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "-qq", *PACKAGES]
        subprocess.run(install, check=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        PROGRAM.unlink(missing_ok=True)
        print(f"OnionShare cannot be installed here, so it is left out: {error}", flush=True)


class Room:
    """`onionshare-cli --chat` on somebody's Tor."""

    def __init__(self, tor: TorClient, folder: Path) -> None:
        """Start it. `url` and `key` are known after `wait_open`."""
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "connection_type": "socket_file",
            "socket_file_path": str(tor.process.control_socket),
            "auth_type": "no_auth",  # stem reads the cookie by itself
            "use_autoupdate": False,
        }
        config = folder / "onionshare.json"
        config.write_text(json.dumps(settings))
        environment = {**os.environ, "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
        command = [str(PROGRAM), "--chat", "--config", str(config)]
        self.url = self.key = ""
        self._out = folder / "room.out"
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                leashed(command), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment
            )

    def wait_open(self) -> None:
        """Until it has printed its address and the key that opens its descriptor. LocalError when it does not."""
        end = time.monotonic() + ROOM_SECONDS
        while not self.key:
            lines = self._out.read_text(errors="replace").splitlines(keepends=True)
            whole = [line.strip() for line in lines if line.endswith("\n")]
            self.url = next((line for line in whole if line.startswith("http://") and line.endswith(".onion")), "")
            if self.url:
                self.key = next((line.split()[-1] for line in whole if line.startswith("Private key:")), "")
            if self.process.poll() is not None or time.monotonic() > end:
                raise LocalError(f"OnionShare's room does not open: {whole[-3:]}")
            time.sleep(0.005)

    def admit(self, tor: TorClient) -> None:
        """Give a visitor's Tor the key, as a browser asks its user for it."""
        key = base64.b64encode(base64.b32decode(self.key + "=" * (-len(self.key) % 8))).decode()
        address = self.url.removeprefix("http://").removesuffix(".onion")
        reply = tor.process.ask(f"ONION_CLIENT_AUTH_ADD {address} x25519:{key}")
        if "25" not in reply[:2]:
            raise LocalError(f"the visitor's Tor does not take the room's key: {reply}")

    def close(self) -> None:
        """End the program."""
        self.process.kill()
        self.process.wait()


class Visitor:
    """A process of `visitor`."""

    def __init__(self, tor: TorClient) -> None:
        """Start it."""
        script = Path(__file__).with_name("visitor.py")
        command = [str(ENVIRONMENT / "bin" / "python"), str(script), tor.socks]
        self._process = subprocess.Popen(
            leashed(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def begin(self, name: str, *arguments: object) -> None:
        """Tell it to do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self._process.stdin.flush()

    def end(self) -> Any:
        """What came of it. LocalError when the visitor has failed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LocalError("the visitor of OnionShare's room has failed")
        return json.loads(line)

    def do(self, name: str, *arguments: object) -> Any:
        """Both."""
        self.begin(name, *arguments)
        return self.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()


class _Theirs:
    """The numbers of OnionShare, a round at a time."""

    def __init__(self, alice: Person, bob: Person, size: Size) -> None:
        assert alice.tor is not None
        assert bob.tor is not None
        self._host, self._guest = bob.tor, alice.tor
        self._folder = bob.profile.parent / "onionshare"
        self._count, self._burst = size.of(200, 50), size.of(2000, 300)
        self.ready: list[float] = []
        self.first: list[float] = []
        self.trips: list[float] = []
        self.medians: list[float] = []
        self.ways: list[float] = []
        self.bursts: list[float] = []
        self.memory = self.idle = 0.0

    def round(self, number: int) -> None:
        """A room, two in it, messages."""
        with Visitor(self._guest) as guest, Visitor(self._host) as host:
            begin = time.perf_counter()
            room = Room(self._host, self._folder)
            try:
                room.wait_open()
                for tor in (self._guest, self._host):
                    room.admit(tor)
                host.begin("join", room.url, f"host{number}")
                loaded, _ = guest.do("join", room.url, f"guest{number}")
                host.end()
                self.ready.append(loaded - begin)
                guest.begin("send", "first", 1)
                self.first.append(host.do("hear", 1)[0] - begin)
                guest.end()
                guest.do("hear", 1)  # its own comes back
                self._talk(guest, host)
                if number == 0:
                    self._rest(room)
            finally:
                room.close()

    def _talk(self, guest: Visitor, host: Visitor) -> None:
        guest.do("trips", 10)
        trips = guest.do("trips", self._count)
        self.trips += trips
        self.medians.append(median(trips))
        host.do("hear", 10 + self._count)
        for number in range(self._count):
            host.begin("hear", 1)
            time.sleep(0.005)  # it listens
            sent = guest.do("send", f"way {number}", 1)
            self.ways.append((host.end()[0] - sent) * 1000)
            guest.do("hear", 1)
        guest.begin("send", "burst", self._burst)
        shown, last = host.do("hear", self._burst)
        if last != f"burst {self._burst - 1}":
            raise LocalError(f"OnionShare has shown “{last}” last")
        self.bursts.append(self._burst / (shown - guest.end()))

    def _rest(self, room: Room) -> None:
        before, begin = cpu_seconds(room.process.pid), time.perf_counter()
        time.sleep(ONLINE_SECONDS)
        self.idle = (cpu_seconds(room.process.pid) - before) / (time.perf_counter() - begin) * 100
        self.memory = rss_mib(room.process.pid)


def onionshare(size: Size) -> list[Figure]:
    """Start, first message, round trip, one way, burst, memory: ours, with OnionShare's beside it."""
    if not PROGRAM.exists():
        return [Figure("OnionShare could not be installed", 0, "rounds")]
    ready: list[float] = []
    first: list[float] = []
    trips: list[float] = []
    medians: list[float] = []
    ways: list[float] = []
    bursts: list[float] = []
    with two() as (alice, bob):
        theirs = _Theirs(alice, bob, size)
        for number in range(size.rounds(4)):
            theirs.round(number)
            begin, shown = first_message(alice, bob)
            first.append(shown - begin)
            alice.wait_online("bob")
            times = round_trips(alice, size.of(200, 50))
            trips += times
            medians.append(median(times))
            ways += one_way(alice, bob, size.of(200, 50))
            bursts.append(burst_once(alice, bob, size.of(2000, 300)).there)
            alice.stop()
            begin = time.perf_counter()
            alice.launch()
            alice.wait_ready(SECONDS_MAX)
            ready.append(time.perf_counter() - begin)
            alice.wait_online("bob")
        used, begin = cpu_seconds(bob.pid), time.perf_counter()
        time.sleep(ONLINE_SECONDS)
        idle = (cpu_seconds(bob.pid) - used) / (time.perf_counter() - begin) * 100
        memory = rss_mib(bob.pid)
    name = "OnionShare"
    return [
        Figure(
            "program start → reached through another circuit", median(ready), "s", name, median(theirs.ready), ready
        ),
        Figure("start of both → first message shown", median(first), "s", name, median(theirs.first), first),
        Figure("round trip of a message, median", median(trips), "ms", name, median(theirs.trips), medians),
        Figure("round trip of a message, p95", p95(trips), "ms", name, p95(theirs.trips)),
        Figure("sent → shown to the other, median", median(ways), "ms", name, median(theirs.ways)),
        Figure("sent → shown to the other, p95", p95(ways), "ms", name, p95(theirs.ways)),
        Figure("burst of 2,000, shown to the other", median(bursts), "msg/s", name, median(theirs.bursts), bursts),
        Figure("resident memory, two connected", memory, "MiB", name, theirs.memory),
        Figure("idle processor time, two connected", idle, "% of a core", name, theirs.idle),
    ]
