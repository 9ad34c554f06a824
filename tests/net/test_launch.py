"""Launching a Tor of our own: its configuration, its directories, its end."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from onionchat.errors import LocalError, TorError
from onionchat.limits import UNIX_PATH_MAX_BYTES
from onionchat.net import launch
from onionchat.net.launch import TOR_STOP_SECONDS, LaunchedTor, find_program, make_paths, parse_tor_option, torrc_text


class Reactor(Clock):
    """A clock that can also start processes, in name."""

    def __init__(self):
        super().__init__()
        self.started = []

    def spawnProcess(self, protocol, executable, args, env):
        self.protocol = protocol
        self.started.append((executable, args, env))
        self.signals = []
        return self

    def signalProcess(self, name):
        self.signals.append(name)


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "bin/tor"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return {"PATH": str(path.parent), "XDG_RUNTIME_DIR": str(tmp_path)}


@pytest.fixture
def launched(tmp_path, program):
    return Launched(tmp_path / "p", program)


class Launched:
    def __init__(self, profile, env, options=()):
        self.reactor = Reactor()
        self.ended = []
        self.tor = LaunchedTor(self.reactor, profile, options, env, self.ended.append)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("UseBridges 1", ("UseBridges", "1")),
        ("  Bridge obfs4 1.2.3.4:5 cert=x ", ("Bridge", "obfs4 1.2.3.4:5 cert=x")),
        ("__DisablePredictedCircuits 1", ("__DisablePredictedCircuits", "1")),
    ],
)
def test_options(text, pair):
    assert parse_tor_option(text) == pair


@pytest.mark.parametrize(
    "text",
    [
        "", "UseBridges", "Name value\nSocksPort 0.0.0.0:1", "Name a\x00b", "+Bridge x", "%include /etc/passwd", "a b",
        "SocksPort 9050", "socksport 9050", "DataDirectory /", "ControlPort 1", "__OwningControllerProcess 1",
        "HiddenServiceDir /x", "User nobody", "Log debug file /x", "HashedControlPassword x",
    ],
)  # fmt: skip
def test_options_that_are_malformed_or_ours_are_refused(text):
    with pytest.raises(LocalError):
        parse_tor_option(text)


def test_the_configuration_is_private_and_dies_with_us(tmp_path):
    paths = make_paths(tmp_path / "p", {"XDG_RUNTIME_DIR": str(tmp_path)})
    lines = torrc_text(paths, 4711, ["UseBridges 1"]).splitlines()
    assert f'DataDirectory "{tmp_path}/p/tor"' in lines
    assert "CookieAuthentication 1" in lines
    assert "__OwningControllerProcess 4711" in lines
    assert "AvoidDiskWrites 1" in lines
    assert lines[-1] == "UseBridges 1"
    (socks,) = [line for line in lines if line.startswith("SocksPort")]
    assert "ExtendedErrors" in socks
    assert "unix:" in socks
    assert not any(line.startswith(("ControlPort", "ORPort", "DirPort")) for line in lines)


def test_what_guards_long_lived_onions_is_left_on(tmp_path):
    """Vanguards are Tor's default; nothing that we say turns them, or the guards, off."""
    lines = torrc_text(make_paths(tmp_path / "p", {"XDG_RUNTIME_DIR": str(tmp_path)}), 4711, []).splitlines()
    said = {line.split()[0] for line in lines}
    assert not {name for name in said if "guard" in name.lower() or "HSLayer" in name}
    assert not said & {"HiddenServiceSingleHopMode", "HiddenServiceNonAnonymousMode", "LearnCircuitBuildTimeout"}


def test_the_data_directory_is_ours_alone(tmp_path):
    (tmp_path / "p/tor").mkdir(parents=True, mode=0o755)
    (tmp_path / "p/tor/control.sock").touch()
    paths = make_paths(tmp_path / "p", {})
    assert stat.S_IMODE(paths.data.stat().st_mode) == 0o700
    assert not paths.control.exists()


@pytest.mark.parametrize("name", ["x" * 100, "with space", 'quo"te', "über"])
def test_long_or_awkward_paths_get_short_sockets_that_go_away(tmp_path, program, name):
    launched = Launched(tmp_path / name, program)
    paths = launched.tor.paths
    assert paths.temporary is not None
    assert stat.S_IMODE(paths.temporary.stat().st_mode) == 0o700
    assert len(os.fsencode(paths.control)) <= UNIX_PATH_MAX_BYTES
    launched.reactor.protocol.processEnded(None)
    assert not paths.temporary.exists()


def test_a_path_with_a_line_break_is_refused(tmp_path, program):
    with pytest.raises(LocalError):
        Launched(tmp_path / "a\nb", program)


def test_the_command_and_its_environment(launched, tmp_path):
    ((executable, arguments, env),) = launched.reactor.started
    assert executable.endswith("/tor")
    assert arguments == ["tor", "-f", str(tmp_path / "p/tor/torrc"), "--defaults-torrc", "/dev/null"]
    assert set(env) == {"PATH", "HOME", "LC_ALL"}
    assert stat.S_IMODE((tmp_path / "p/tor/torrc").stat().st_mode) == 0o600


def test_no_tor_installed_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("onionchat.net.launch.shutil.which", lambda name, path: None)
    with pytest.raises(TorError, match="apt install tor"):
        find_program({"PATH": str(tmp_path)})


def test_its_last_complaint_is_told(launched):
    launched.reactor.protocol.outReceived(b"Nov 1 [notice] fine\nNov 1 [warn] so so\nNov 1 [err] Reading con")
    launched.reactor.protocol.outReceived(b"fig failed \x1b[2J\nNov 1 [notice] bye\n")
    launched.reactor.protocol.processEnded(None)
    assert launched.ended == ["Reading config failed  [2J"]


def test_an_end_without_a_word(launched):
    launched.reactor.protocol.processEnded(None)
    assert launched.ended == ["no reason given"]


def test_stopping_is_polite_then_firm(launched):
    stopped = []
    launched.tor.stop().addCallback(stopped.append)
    assert launched.reactor.signals == ["TERM"]
    launched.reactor.advance(TOR_STOP_SECONDS + 0.1)
    assert launched.reactor.signals == ["TERM", "KILL"]
    launched.reactor.protocol.processEnded(None)
    assert stopped == [None]
    assert launched.ended == []


def test_stopping_in_time_leaves_no_timer(launched):
    stopping = launched.tor.stop()
    launched.reactor.protocol.processEnded(None)
    assert stopping.called
    assert launched.reactor.getDelayedCalls() == []
    assert launched.tor.stop().called


def test_endless_output_is_not_kept(launched):
    for _ in range(100):
        launched.reactor.protocol.outReceived(b"x" * 100_000)
    launched.reactor.protocol.processEnded(None)
    assert launched.ended == ["no reason given"]


def left_over(tmp_path, torrc):
    """A process that runs with a torrc, and its number in the file."""
    data = tmp_path / "profile" / "tor"
    data.mkdir(parents=True)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "-f", torrc.format(data=data)])
    (data / "pid").write_text(f"{sleeper.pid}\n")
    while b"torrc" not in Path(f"/proc/{sleeper.pid}/cmdline").read_bytes():  # it has not begun yet
        assert sleeper.poll() is None
    return data, sleeper


def test_a_tor_that_a_killed_node_left_behind_is_ended(tmp_path):
    """Else it holds the data directory, and the next start waits for it in vain."""
    data, sleeper = left_over(tmp_path, "{data}/torrc")
    assert launch.end_left_over(data)
    assert sleeper.wait(10) == -signal.SIGKILL
    assert not launch.end_left_over(data)


def test_a_number_that_belongs_to_another_process_by_now_harms_nobody(tmp_path):
    data, sleeper = left_over(tmp_path, "/somebody/elses/torrc")
    try:
        assert not launch.end_left_over(data)
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.parametrize("content", ["", "x", "-1", "0", "99999999999"])
def test_a_file_without_a_number_is_no_left_over(tmp_path, content):
    (tmp_path / "pid").write_text(content)
    assert not launch.end_left_over(tmp_path)
