"""The private Tor network, with real tor processes."""

import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import socks
from stem.control import Controller

from onionchat.errors import TorError
from onionchat.testing import network as network_module
from onionchat.testing.network import TorClient, TorNetwork
from onionchat.testing.torproc import TorProcess, free_ports, wait_until

pytestmark = pytest.mark.tor

ROOT = Path(__file__).parents[2]
REACHABLE_SECONDS = 60.0


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while received := self.request.recv(4096):
            self.request.sendall(received)


@pytest.fixture(scope="module")
def network() -> Iterator[TorNetwork]:
    with TorNetwork() as started:
        yield started


@pytest.fixture(scope="module")
def client(network: TorNetwork) -> Iterator[TorClient]:
    with network.client("alice") as started:
        yield started


@pytest.fixture(scope="module")
def echo_port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def onion(tor: TorClient, port: int) -> Iterator[str]:
    """An onion service on port 80 that leads to a local port, as long as the block lasts."""
    with Controller.from_socket_file(tor.control.removeprefix("unix:")) as control:
        control.authenticate()
        yield control.create_ephemeral_hidden_service({80: port}).service_id + ".onion"


def reached(tor: TorClient, address: str, timeout_seconds: float = 10) -> bool:
    """Whether the echo behind an onion answers."""
    host, port = tor.socks.split(":")
    with socks.socksocket() as stream:
        stream.settimeout(timeout_seconds)
        stream.set_proxy(socks.SOCKS5, host, int(port), rdns=True)
        try:
            stream.connect((address, 80))
            stream.sendall(b"hello")
            return bool(stream.recv(4096) == b"hello")
        except OSError:
            return False


def test_an_echo_through_an_onion_from_a_cold_start(echo_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    with TorNetwork() as network:
        relays = time.monotonic() - started
        with network.client("alice") as alice:
            ready = time.monotonic() - started
            with onion(alice, echo_port) as address:
                assert wait_until(lambda: reached(alice, address), REACHABLE_SECONDS)
                echo = time.monotonic() - started
        pids = [process.pid for process in network.processes()]
        directory = network.directory
    with capsys.disabled():
        print(f"\ncold start: relays {relays:.2f} s, client ready {ready:.2f} s, echo through an onion {echo:.2f} s")
    assert len(pids) == network_module.RELAYS
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not directory.exists()


def test_two_clients_meet(network: TorNetwork, client: TorClient, echo_port: int) -> None:
    with network.client("bob") as bob, onion(bob, echo_port) as address:
        assert wait_until(lambda: reached(client, address), REACHABLE_SECONDS)


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_client_keeps_its_ports_over_a_restart(
    network: TorNetwork, client: TorClient, echo_port: int, how: str
) -> None:
    with network.client(f"carol-{how}") as carol:
        before = (carol.pid, carol.control, carol.socks)
        getattr(carol, how)()
        assert not carol.running
        with pytest.raises(TorError, match="does not run"):
            _ = carol.pid
        carol.restart()
        assert carol.pid != before[0]
        assert (carol.control, carol.socks) == before[1:]
        with onion(carol, echo_port) as address:
            assert wait_until(lambda: reached(client, address), REACHABLE_SECONDS)


def test_a_cut_network_lets_nothing_through_and_comes_back(
    network: TorNetwork, client: TorClient, echo_port: int
) -> None:
    with onion(client, echo_port) as address:
        assert wait_until(lambda: reached(client, address), REACHABLE_SECONDS)
        network.pause()
        try:
            assert not reached(client, address, timeout_seconds=4)
        finally:
            network.resume()
        assert wait_until(lambda: reached(client, address), REACHABLE_SECONDS)


def test_a_tor_that_others_launch_can_live_in_the_network(network: TorNetwork) -> None:
    """As `onionchat --tor launch --tor-option …` does it."""
    folder = network.directory / "launched"
    network.prepare(folder)
    assert all(len(line.split(" ", 1)) == 2 for line in network.torrc_options())
    tor = TorProcess(folder, [*network.torrc_options(), "SocksPort 0", "DisableNetwork 1"])
    tor.start()
    try:
        assert tor.wait_listening()
        tor.ask("SETCONF DisableNetwork=0")
        assert wait_until(tor.bootstrapped, REACHABLE_SECONDS)
    finally:
        tor.stop()


def test_a_taken_port_is_not_the_end(
    network: TorNetwork, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    request.addfinalizer(taken.close)
    first = iter([[taken.getsockname()[1]]])
    monkeypatch.setattr(network_module, "free_ports", lambda count: next(first, None) or free_ports(count))
    with network.client("dave") as dave:
        assert int(dave.socks.split(":")[1]) != taken.getsockname()[1]


def test_a_relay_s_taken_port_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = iter([[taken.getsockname()[1], *free_ports(4)]])
        monkeypatch.setattr(network_module, "free_ports", lambda count: next(first, None) or free_ports(count))
        with TorNetwork() as network, network.client("alice") as alice:
            assert alice.running


def network_of_another_process(frozen: bool) -> tuple[subprocess.Popen[str], str, list[str]]:
    """A process with a network of its own: the process, the network's folder, its relays' pids."""
    script = (
        "import time\nfrom onionchat.testing.network import TorNetwork\nnetwork = TorNetwork().start()\n"
        f"if {frozen}: network.pause()\n"
        "print(network.directory, *[p.pid for p in network.processes()], flush=True)\ntime.sleep(600)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert owner.stdout is not None
    directory, *pids = owner.stdout.readline().split()
    owner.stdout.close()
    return owner, directory, pids


def is_running(pid: str, directory: str) -> bool:
    """Whether that process is still the relay that it was: numbers are given again, and on a busy machine soon."""
    try:
        return directory.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_all_of_it_ends_when_the_process_that_started_it_is_killed() -> None:
    """Tor looks every 15 s. What was frozen then mostly ends as well, but nothing holds it to that."""
    made = [network_of_another_process(frozen=False)]
    pids = [(pid, directory) for _, directory, some in made for pid in some]
    assert all(is_running(*relay) for relay in pids)
    for owner, _, _ in made:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    try:
        assert wait_until(lambda: not any(is_running(*relay) for relay in pids), 90)
    finally:
        for _, directory, _ in made:
            shutil.rmtree(directory)
    assert len(pids) == network_module.RELAYS


def test_a_normal_end_of_the_process_leaves_no_files() -> None:
    """Without `stop` and without `with`."""
    script = "from onionchat.testing.network import TorNetwork\nprint(TorNetwork().start().directory)\n"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not os.path.exists(ended.stdout.strip())


def test_without_tor_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(TorError, match="apt-get install tor"):
        TorNetwork().start()
