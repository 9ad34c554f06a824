"""`onionchat demo` as a process: the story, the console with Bob, and that nothing of it is left."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from onionchat.testing.people import environment
from onionchat.testing.screen import TerminalEmulator
from onionchat.testing.torproc import wait_until

pytestmark = pytest.mark.timeout(180)
DEMO = [sys.executable, "-m", "onionchat", "demo"]
GONE_SECONDS = 10.0


class Place:
    """A folder for temporary files of one demonstration, by which its processes are known, too."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ocd-"))
        self.environment = {**environment(), "TMPDIR": str(self.folder)}

    def processes(self) -> list[str]:
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().decode(errors="replace").split("\0")
            except OSError:  # it has just ended
                continue
            if any(str(self.folder) in word for word in words):
                found.append(" ".join(words))
        return found

    def assert_clean(self) -> None:
        assert wait_until(lambda: not self.processes(), GONE_SECONDS), self.processes()
        assert os.listdir(self.folder) == []


@pytest.fixture
def place():
    found = Place()
    yield found
    shutil.rmtree(found.folder, ignore_errors=True)


def test_the_story_is_told_and_nothing_is_left(place):
    done = subprocess.run(
        [*DEMO, "--script"], env=place.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^ +onionchat:[a-z2-7]{56}$", done.stdout, re.MULTILINE)) == 1
    assert len(set(re.findall(r"\b[a-z2-7]{56}(?:\.onion)?$", done.stdout, re.MULTILINE))) >= 2
    assert len(re.findall(r"delivered, [0-9]+ ms", done.stdout)) == 4
    words = re.findall(r"^ +(Alice|Bob): ((?:[a-z]+ ){11}[a-z]+)$", done.stdout, re.MULTILINE)
    assert [name for name, _ in words] == ["Alice", "Bob"]
    assert "See you at six, at the kiosk.  (edited, 👍)" in done.stdout
    assert "8 messages, each delivered once, in the same order on all four devices" in done.stdout.splitlines()[-1]
    place.assert_clean()


def test_the_story_as_json_with_profiles_kept(place):
    done = subprocess.run([*DEMO, "--json", "--keep"], env=place.environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    (log,) = [step["log"] for step in steps if "log" in step]
    assert len(log) == 8
    kept = [step["kept"] for step in steps if "kept" in step]
    assert len(kept) == 2
    command = [sys.executable, "-m", "onionchat", "--profile", f"{kept[1]}/profile"]
    command += ["--passphrase-file", f"{kept[1]}/passphrase", "log", "Alice", "--json"]
    read = json.loads(subprocess.run(command, env=place.environment, capture_output=True, check=True).stdout)
    assert [message["text"] for message in read if message["kind"] != "notice"] == [text for _, text in log]
    assert wait_until(lambda: not place.processes(), GONE_SECONDS)


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, "relays start"), (signal.SIGTERM, "makes a profile"), (signal.SIGTERM, "Bob starts his program")],
)
def test_interrupted_it_cleans_up(place, number, moment):
    demo = subprocess.Popen(
        [*DEMO, "--script"],
        env=place.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen = ""
    while moment not in seen:
        read = demo.stdout.read(1)
        assert read, seen
        seen += read
    time.sleep(0.3)
    demo.send_signal(number)
    _, err = demo.communicate(timeout=60)
    assert demo.returncode == 128 + number
    assert "everything was removed" in err
    place.assert_clean()


def test_killed_it_leaves_no_process(place):
    demo = subprocess.Popen([*DEMO, "--script"], env=place.environment, stdout=subprocess.PIPE, text=True)
    seen = ""
    while "publishes its onion" not in seen:
        seen += demo.stdout.read(1)
    time.sleep(1.0)
    assert len(place.processes()) >= 9  # five relays, two Tors, two nodes
    demo.kill()
    demo.wait()
    assert wait_until(lambda: not place.processes(), 40.0), place.processes()  # a tor looks for its owner every 15 s


def test_on_a_terminal_bob_answers_in_the_real_console(place):
    with TerminalEmulator(DEMO, 100, 30, place.environment) as terminal:
        terminal.wait_for("Press Enter", 90)
        terminal.press("enter")
        terminal.wait_for("● Bob .* 2 ", 90)  # his two lines of greeting, unread
        terminal.press("ctrl n")
        terminal.wait_for("Write me something", 20)
        terminal.type("how are you?")
        terminal.press("enter")
        terminal.wait_for("A good question", 60)
        terminal.press("ctrl q")
        assert terminal.wait_ended(60) == 0
    place.assert_clean()
