"""A private Tor network on loopback: a few relays, no authority, a consensus that we sign ourselves.

    with TorNetwork() as network, network.client("alice") as alice:
        ...  # alice.control, alice.socks

It is up in seconds, nothing in it leaves the machine, and all of it ends with the process that started it.
`network_consensus` makes the directory, `torproc` the processes.
"""

import atexit
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from onionchat.errors import TorError
from onionchat.testing.network_consensus import Authority, Relay, cached_files
from onionchat.testing.torproc import TorProcess, free_ports, tor_program, wait_until

RELAYS = 5  # four did work, three do not: a circuit to an onion needs that many different ones
READY_SECONDS = 60.0
ATTEMPTS = 5  # another program may take a port between our look and tor's bind

COMMON_OPTIONS = (
    "TestingTorNetwork 1",
    "PathsNeededToBuildCircuits 0.67",
    "Schedulers Vanilla",  # the default waits for up to 10 ms on every hop
    "AvoidDiskWrites 1",
    "ShutdownWaitLength 0",
    "GeoIPFile /dev/null",  # saves 10 MB in each process
    "GeoIPv6File /dev/null",
    "NumCPUs 1",
)
RELAY_OPTIONS = (
    "Address 127.0.0.1",
    "SocksPort 0",
    "AssumeReachable 1",
    "ExitRelay 0",
    "DirCache 1",
    "PublishServerDescriptor 0",
    "FetchServerDescriptors 0",
    "ContactInfo nobody",
    "MaxMemInQueues 256 MB",
    "DoSCircuitCreationEnabled 0",  # all clients have one address here
    "DoSConnectionEnabled 0",
    "DoSRefuseSingleHopClientRendezvous 0",
)


class TorClient:
    """A tor that peers use: control socket and SOCKS port stay the same over kill and restart."""

    def __init__(self, network: "TorNetwork", name: str) -> None:
        self.name = name
        self._network = network
        self._port = 0
        self._process: TorProcess | None = None
        self.data_directory = network.directory / name

    @property
    def control(self) -> str:
        """As `onionchat --control` takes it."""
        return f"unix:{self.data_directory / 'control'}"

    @property
    def socks(self) -> str:
        """As `onionchat --socks` takes it."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def process(self) -> TorProcess:
        """TorError when it was never started."""
        if self._process is None:
            raise TorError(f"the tor of {self.name} was not started")
        return self._process

    def start(self) -> None:
        """Launch it; `wait_ready` says when it is usable. TorError when it cannot be launched."""
        if self._process is not None:
            self._process.start()
            self._process.wait_listening()
            return
        for _ in range(ATTEMPTS):
            self._network.prepare(self.data_directory)
            self._port = free_ports(1)[0]
            options = [*self._network.torrc_options(), "ClientOnly 1", f"SocksPort {self.socks} ExtendedErrors"]
            process = TorProcess(self.data_directory, options)
            process.start()
            if process.wait_listening():
                self._process = process
                return
            process.stop()
        raise TorError(f"the tor of {self.name} does not start: {process.last_words()}")

    def wait_ready(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Until circuits can be built; TorError when that takes longer, or tor ended."""
        if not wait_until(self.process.bootstrapped, timeout_seconds):
            raise TorError(f"tor was not ready after {timeout_seconds:g} s: {self.process.last_words()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()

    def restart(self) -> None:
        """Stop it if it runs, and start it with the same data, control socket and SOCKS port; ready at return."""
        self.stop()
        self.start()
        self.wait_ready()

    def pause(self) -> None:
        """Freeze it (SIGSTOP)."""
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def __enter__(self) -> Self:
        if not self.running:
            self.start()
        self.wait_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class TorNetwork:
    """Relays and their directory; clients are made by name and end with it."""

    def __init__(self) -> None:
        self.directory = Path()
        self._authority = Authority()
        self._cached: dict[str, str] = {}
        self._relays: list[TorProcess] = []
        self._clients: dict[str, TorClient] = {}

    def start(self, base: Path | None = None, relays: int = RELAYS) -> Self:
        """Make the network in a new folder below `base` (default: the system's for temporary files).

        Returns when every relay accepts connections. TorError when tor is missing, or does not start.
        """
        self.directory = Path(tempfile.mkdtemp(prefix="oct-", dir=base))
        atexit.register(self.stop)
        try:
            self._start_relays(relays)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End every process and remove every file; may be called twice."""
        processes = self.processes()
        for process in processes:
            process.ask_to_stop()
        for process in processes:
            process.stop()
        self._clients.clear()
        self._relays.clear()
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()
        atexit.unregister(self.stop)

    def client(self, name: str) -> TorClient:
        """The client of that name, made when it is new (not started: use `with`, or `start`)."""
        if name not in self._clients:
            self._clients[name] = TorClient(self, name)
        return self._clients[name]

    def torrc_options(self) -> list[str]:
        """`Name value` lines for a tor that is to live in this network (`onionchat --tor-option`)."""
        return [*COMMON_OPTIONS, f"DirAuthority {self._authority.torrc_value()}"]

    def prepare(self, data_directory: Path) -> None:
        """Put the directory into a tor's data directory (made when missing), before that tor starts."""
        data_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in self._cached.items():
            (data_directory / name).write_text(text)

    def pause(self) -> None:
        """Cut the network: every relay freezes."""
        for relay in self._relays:
            relay.pause()

    def resume(self) -> None:
        for relay in self._relays:
            relay.resume()

    def processes(self) -> list[TorProcess]:
        """All that run now, relays first (for measuring)."""
        return [*self._relays, *(client.process for client in self._clients.values() if client.running)]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_relays(self, count: int) -> None:
        for attempt in range(ATTEMPTS):
            ports = free_ports(count)
            folders = [self.directory / f"relay{attempt}{index}" for index in range(count)]
            relays = self._make_keys(folders, ports)
            self._cached = cached_files(self._authority, relays)
            self._relays = [
                TorProcess(folder, self._relay_options(relay)) for folder, relay in zip(folders, relays, strict=True)
            ]
            for folder, process in zip(folders, self._relays, strict=True):
                self.prepare(folder)
                process.start()
            if all(process.wait_listening() for process in self._relays):
                return
            told = [relay.last_words() for relay in self._relays if not relay.running]
            for process in self._relays:
                process.stop()
        raise TorError(f"the relays of the private Tor network do not start: {told}")

    def _relay_options(self, relay: Relay) -> list[str]:
        return [
            *self.torrc_options(),
            *RELAY_OPTIONS,
            f"Nickname {relay.nickname}",
            f"ORPort 127.0.0.1:{relay.or_port} IPv4Only",
        ]

    def _make_keys(self, folders: list[Path], ports: list[int]) -> list[Relay]:
        """Let tor make each relay's keys, all at once, and read the public halves."""
        waiting = []
        for folder, port in zip(folders, ports, strict=True):
            folder.mkdir(mode=0o700)
            torrc = folder / "torrc"
            lines = [*self.torrc_options(), *RELAY_OPTIONS, f"Nickname {folder.name}", f"ORPort 127.0.0.1:{port}"]
            torrc.write_text("\n".join([*lines, f"DataDirectory {folder}"]) + "\n")
            command = [tor_program(), "-f", str(torrc), "--defaults-torrc", "/dev/null", "--list-fingerprint"]
            waiting.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        for process in waiting:
            output = process.communicate()[0].decode(errors="replace")
            if process.returncode != 0:
                raise TorError(f"tor could not make a relay's keys: {output.strip().splitlines()[-1:]}")
        return [Relay.load(folder.name, port, folder) for folder, port in zip(folders, ports, strict=True)]
