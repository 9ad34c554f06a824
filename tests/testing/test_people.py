"""People without Tor: their files, their commands, and what is said when something fails."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from onionchat.errors import LocalError, NoNodeError
from onionchat.testing.people import PASSPHRASE, Person, environment, leashed
from onionchat.testing.torproc import wait_until


@pytest.fixture
def person(tmp_path):
    return Person("alice", tmp_path / "alice", "unix:/nowhere/control", "127.0.0.1:9")


def test_the_passphrase_is_in_a_private_file_and_nowhere_else(person):
    assert stat.S_IMODE(person.passphrase_file.stat().st_mode) == 0o600
    assert PASSPHRASE not in " ".join(person.command("run"))
    assert PASSPHRASE not in " ".join(environment().values())


def test_a_command_names_profile_and_tor(person):
    command = person.command("send", "bob", "hello")
    assert command[-3:] == ["send", "bob", "hello"]
    assert str(person.profile) in command
    assert command[command.index("--control") + 1] == "unix:/nowhere/control"


def test_run_gives_the_exit_code_and_do_insists(person):
    assert person.run("no-such-command").code == 2
    with pytest.raises(LocalError, match=r"no-such-command.*2"):
        person.do("no-such-command")
    assert person.do("version").startswith("onionchat ")


def test_a_node_that_ends_is_told_with_its_last_words(person):
    person.launch()
    with pytest.raises(LocalError, match=r"ended.*profile"):
        person.wait_ready()
    assert not person.running
    with pytest.raises(LocalError):
        person.kill()
    person.stop()


def test_without_a_node_there_is_no_api(person):
    with pytest.raises(NoNodeError):
        person.call("status.get")


def test_waiting_ends(person):
    with pytest.raises(LocalError, match="pigs fly"):
        person.wait_until("pigs fly", lambda: False, 0.1)


def test_a_leashed_program_ends_with_the_one_that_started_it():
    code = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); input()"
    command = [sys.executable, "-c", code, *leashed(["sleep", "60"])]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    assert wait_until(lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n", 10.0)  # on its leash by now
    parent.kill()
    parent.wait()

    def gone():
        try:
            return "Z" in Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True

    assert wait_until(gone, 10.0)


def test_the_environment_points_nowhere(monkeypatch):
    monkeypatch.setenv("ONIONCHAT_PROFILE", "/nowhere")
    monkeypatch.setenv("TOR_CONTROL_PORT", "9051")
    assert not {"ONIONCHAT_PROFILE", "TOR_CONTROL_PORT"} & set(environment())
    assert environment()["PATH"] == os.environ["PATH"]
