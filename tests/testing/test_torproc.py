"""One tor process, without a network (DisableNetwork 1)."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from onionchat.errors import TorError
from onionchat.testing.torproc import EPHEMERAL_PORTS, TorProcess, free_ports, tor_program, wait_until

OPTIONS = ["DisableNetwork 1", "SocksPort 0", "AvoidDiskWrites 1", "GeoIPFile /dev/null", "GeoIPv6File /dev/null"]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("t")


@pytest.fixture
def tor(folder: Path) -> Iterator[TorProcess]:
    process = TorProcess(folder / "d", OPTIONS)
    process.start()
    assert process.wait_listening()
    yield process
    process.stop()


def test_free_ports_are_free_different_and_out_of_the_kernel_s_way() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert max(ports) < int(EPHEMERAL_PORTS.read_text().split()[0])
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()


def test_a_port_in_use_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        offered = iter([port, port + 1 if port < 65535 else port - 1])
        monkeypatch.setattr("random.randrange", lambda *_: next(offered))
        assert free_ports(1) != [port]


def test_waiting_ends_at_once_or_at_the_timeout() -> None:
    assert wait_until(lambda: True, 0)
    assert not wait_until(lambda: False, 0.01)
    end = time.monotonic() + 0.1
    assert wait_until(lambda: time.monotonic() > end, 30)


def test_no_tor_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(TorError, match="apt-get install tor"):
        tor_program()


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TorError, match="set TMPDIR"):
        TorProcess(tmp_path / ("a" * 100), [])


def test_what_never_ran_has_no_pid_and_can_be_stopped(folder: Path) -> None:
    process = TorProcess(folder / "d", OPTIONS)
    process.stop()
    assert not process.running
    with pytest.raises(TorError, match="it said nothing"):
        _ = process.pid
    with pytest.raises(TorError):
        process.kill()


@pytest.mark.tor
def test_it_answers_and_keeps_others_out(tor: TorProcess) -> None:
    assert tor.ask("GETINFO process/pid") == f"250-process/pid={tor.pid}\r\n250 OK\r\n"
    assert tor.ask("NONSENSE").startswith("510 ")
    assert tor.data_directory.stat().st_mode & 0o077 == 0
    assert not tor.bootstrapped()


@pytest.mark.tor
def test_a_wrong_cookie_is_refused(tor: TorProcess) -> None:
    (tor.data_directory / "control_auth_cookie").write_bytes(bytes(32))
    with pytest.raises(ConnectionError, match="refused the cookie"):
        tor.ask("GETINFO version")


@pytest.mark.tor
def test_it_starts_again_after_a_kill_and_after_a_stop(tor: TorProcess) -> None:
    with pytest.raises(TorError, match="already runs"):
        tor.start()
    pids = {tor.pid}
    for end in (tor.kill, tor.stop):
        end()
        assert not tor.running
        tor.start()
        assert tor.wait_listening()
        assert "250-version=" in tor.ask("GETINFO version")
        pids.add(tor.pid)
    assert len(pids) == 3


@pytest.mark.tor
def test_a_frozen_one_is_silent_until_woken_and_can_be_stopped(
    tor: TorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onionchat.testing.torproc.ANSWER_SECONDS", 0.3)
    tor.pause()
    with pytest.raises(TimeoutError):
        tor.ask("GETINFO version")
    tor.resume()
    monkeypatch.undo()
    assert "250-version=" in tor.ask("GETINFO version")
    tor.pause()
    tor.stop()
    assert not tor.running


@pytest.mark.tor
def test_a_tor_that_cannot_start_tells_why(folder: Path) -> None:
    process = TorProcess(folder / "d", [*OPTIONS, "NoSuchOption 1"])
    process.start()
    assert not process.wait_listening()
    with pytest.raises(TorError, match=r"does not run.*config"):
        process.bootstrapped()
