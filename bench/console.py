"""The console in a real pty on a real node: keys while messages arrive, pages, switching, first paint, being idle."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.figures import Figure, Size, median
from bench.fill import NOTE, arrive_with_history
from bench.world import text_of, world
from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.node.profile import Profile
from onionchat.testing.people import PASSPHRASE, Person

COLUMNS, ROWS = 80, 24
SHOWN_SECONDS_MAX = 30.0
QUIET_SECONDS = 0.003  # a picture is over when nothing follows for so long; not counted
MESSAGES_PER_SECOND = 50
SECONDS_BETWEEN_KEYS = 0.03  # a very fast typist, or a key that is held
NUMBER = re.compile(rb"message (\d+) [a-z]")  # whole: the list shows the beginning of the last line, too


class Pty:
    """A program on a terminal that is only read, so that an emulator's own time does not count."""

    def __init__(self, command: Sequence[str]) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
            os.execve(command[0], list(command), environment)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._since = b""

    def press(self, keys: bytes) -> float:
        """Press keys; when that was (`time.perf_counter`). What was drawn before is forgotten."""
        self.rest(0)
        self._since = b""
        begin = time.perf_counter()
        os.write(self._fd, keys)
        return begin

    def shown(self, true: Callable[[bytes], bool], what: str, whole: bool = True) -> float:
        """Read until it is true of what was drawn since the last key; when that was, or when the picture was whole."""
        end = time.perf_counter() + SHOWN_SECONDS_MAX
        last = 0.0
        while time.perf_counter() < end:
            done = true(self._since)
            if not select.select([self._fd], [], [], QUIET_SECONDS if done else 0.5)[0]:
                if done:
                    return last
                continue
            self._since += os.read(self._fd, 65536)
            if whole or not done:
                last = time.perf_counter()
        raise LocalError(f"not drawn in {SHOWN_SECONDS_MAX:g} s: {what}")

    def rest(self, seconds: float) -> None:
        """Read what is drawn meanwhile."""
        end = time.perf_counter() + seconds
        while select.select([self._fd], [], [], max(0.0, end - time.perf_counter()))[0]:
            self._since = (self._since + os.read(self._fd, 65536))[-65536:]

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + 15
        while time.monotonic() < end and os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if select.select([self._fd], [], [], 0.05)[0]:
                try:
                    os.read(self._fd, 65536)
                except OSError:  # Linux: the other end is closed
                    time.sleep(0.05)
        os.close(self._fd)


def p99(numbers: Sequence[float]) -> float:
    """The one that 99 of 100 do not exceed."""
    return sorted(numbers)[min(len(numbers) - 1, int(len(numbers) * 0.99))]


def console(size: Size) -> list[Figure]:
    """What a person in front of the console waits for, with a million messages in one conversation."""
    count = size.of(1_000_000, 50_000)
    with world() as people:
        alice, bob = arrive_with_history(people, count)
        bob.launch()
        figures = _opening(alice, size)
        window = _opened(alice)
        try:
            figures += [_paging(window, size), _switching(window, size)]
            figures += _typing(window, bob, size)
            bob.stop()
            figures.append(_idle(window, size))
        finally:
            window.close()
    return figures


def _opened(alice: Person) -> Pty:
    """The console with a node in its own process, its conversation open."""
    window = Pty(alice.command())
    window.shown(lambda drawn: NUMBER.search(drawn) is not None, "the conversation")
    window.rest(3)
    return window


def _opening(alice: Person, size: Size) -> list[Figure]:
    """Enter on the passphrase → the conversation is on the screen; of it, opening the key file."""
    passphrase_option = {"--passphrase-file", str(alice.passphrase_file)}
    command = [word for word in alice.command() if word not in passphrase_option]
    whole, key = [], []
    for _ in range(size.of(3, 2)):
        begin = time.perf_counter()
        Profile.open(Path(alice.profile), PASSPHRASE).close()
        key.append(time.perf_counter() - begin)
        window = Pty(command)
        window.shown(lambda drawn: b"Passphrase" in drawn, "the passphrase")
        window.press(PASSPHRASE.encode())
        window.rest(0.5)
        begin = window.press(b"\r")
        whole.append(window.shown(lambda drawn: NUMBER.search(drawn) is not None, "the conversation") - begin)
        window.close()
    beyond = [one - other for one, other in zip(whole, key, strict=True)]
    return [
        Figure("Enter on the passphrase → the conversation is drawn", median(whole), "s", rounds=whole),
        Figure("… beyond opening the key (Argon2id)", median(beyond), "s", "the key", median(key), beyond),
    ]


def _paging(window: Pty, size: Size) -> Figure:
    """Page-up, again and again."""
    taken = []
    lowest = [10**9]

    def older(drawn: bytes) -> bool:
        return any(int(found) < lowest[0] for found in NUMBER.findall(drawn))

    window.press(b"\x1b[5~")
    window.rest(0.3)
    lowest[0] = min(int(found) for found in NUMBER.findall(window._since))
    for _ in range(size.of(300, 100)):
        begin = window.press(b"\x1b[5~")
        taken.append((window.shown(older, "an older page") - begin) * 1000)
        lowest[0] = min(lowest[0], *(int(found) for found in NUMBER.findall(window._since)))
        window.rest(SECONDS_BETWEEN_KEYS)
    window.press(b"\x1b>")
    window.rest(1)
    return Figure("page-up, 99th percentile", p99(taken), "ms", "median", median(taken))


def _switching(window: Pty, size: Size) -> Figure:
    """To the notes and back."""
    taken = []
    for _ in range(size.of(30, 20)):
        for seen in (lambda drawn: NOTE.encode() in drawn, lambda drawn: NUMBER.search(drawn) is not None):
            begin = window.press(b"\x1b[1;3B")  # Alt-Down
            taken.append((window.shown(seen, "the other conversation") - begin) * 1000)
            window.rest(0.1)
    return Figure("switching the conversation, 99th percentile", p99(taken), "ms", "median", median(taken))


def _typing(window: Pty, bob: Person, size: Size) -> list[Figure]:
    """Key → screen, alone and while messages come."""
    count = size.of(300, 200)
    alone = _keys(window, count)
    over = threading.Event()
    sent: list[float] = []
    sender = threading.Thread(target=_send, args=(bob, over, sent), daemon=True)
    sender.start()
    window.rest(2)
    busy = _keys(window, count)
    over.set()
    sender.join()
    note = f"{len(sent) / (sent[-1] - sent[0]):.0f} messages a second were sent"
    return [
        Figure("key → screen, 99th percentile", p99(alone), "ms", "median", median(alone)),
        Figure("… while messages arrive", p99(busy), "ms", "median", median(busy), note=note),
    ]


def _keys(window: Pty, count: int) -> list[float]:
    """Milliseconds from a key to its letter on the screen."""
    taken = []
    typed = b""
    for number in range(count):
        if number % 30 == 0:
            window.press(b"\x15")  # Ctrl-U
            window.rest(0.2)
            typed = b""
        letter = b"qxzjkvwy"[number * 5 % 8 : number * 5 % 8 + 1]
        typed += letter
        begin = window.press(letter)
        taken.append((window.shown(lambda drawn, text=typed: text in drawn, "a letter", False) - begin) * 1000)
        window.rest(SECONDS_BETWEEN_KEYS)
    window.press(b"\x15")
    return taken


def _send(bob: Person, over: threading.Event, sent: list[float]) -> None:
    """Messages at an even pace until it is over."""
    with bob.api() as client:
        while not over.is_set():
            client.call("message.send", t.MessageSend(name="alice", text=text_of(10**8 + len(sent))))
            sent.append(time.perf_counter())
            time.sleep(max(0.0, sent[0] + len(sent) / MESSAGES_PER_SECOND - time.perf_counter()))


def _idle(window: Pty, size: Size) -> Figure:
    """How often the console with its node wakes up when nothing happens."""
    window.rest(5)
    seconds = size.of(30, 20)
    before = _switches(window.pid)
    window.rest(seconds)
    return Figure("wake-ups when nothing happens", (_switches(window.pid) - before) / seconds, "1/s")


def _switches(pid: int) -> int:
    """Voluntary context switches of all threads."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.MULTILINE)
        total += int(found[1]) if found else 0
    return total
