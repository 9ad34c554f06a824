"""A storm over two people on a real Tor network while both write: kills, cuts, full disks; and what must hold after.

    with Storm(alice, bob, network, random.Random(seed)) as storm:
        report = storm.rage(messages=300)

Programs and Tors are killed with -9, the relays are frozen (SIGSTOP), the file system of a profile is filled to its
last byte. What comes next is drawn from `random`: the same seed draws the same faults at the same times, as far as real
processes keep time. Afterwards everything is mended, and `check` says what is missing, doubled or out of order.
"""

import contextlib
import heapq
import os
import random as dice
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

from onionchat.api import types as t
from onionchat.api.client import SyncClient
from onionchat.errors import LocalError, OnionchatError
from onionchat.testing.network import TorNetwork
from onionchat.testing.people import Person
from onionchat.testing.torproc import wait_until

LEVEL_SECONDS = 180.0  # after the storm: Tors start, descriptors are published anew, both dial
STEP_SECONDS = 0.05
RELAUNCH_SECONDS = 0.5
PAUSE_SECONDS = 0.1  # of a writer between two messages
LOOK_BACK = 1000  # messages among which a writer looks whether its last one was kept
DISK_MIB = 192
KINDS = ("program", "program", "program", "tor", "tor", "cut", "disk")
"""What goes wrong; the program more often than the rest."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong: when (seconds from the start), for how long, and to whom (0 or 1)."""

    at: float
    kind: str
    who: int
    seconds: float


def faults(random: dice.Random, kinds: Sequence[str] = KINDS) -> Iterator[Fault]:
    """Without end. They may overlap."""
    at = 0.0
    longest = {"program": 2.0, "tor": 4.0, "cut": 10.0, "disk": 5.0}
    while True:
        at += random.uniform(0.3, 5.0)
        kind = random.choice(kinds)
        yield Fault(at, kind, random.randrange(2), random.uniform(0.0, longest[kind]))


def check(
    shown: Sequence[Sequence[tuple[str, str]]], written: Sequence[Sequence[str]], committed: set[str]
) -> list[str]:
    """What is wrong with a conversation, a line each.

    `shown`: (id, text) as each of the two has it on the screen. `written`: the texts of each writer, in their order.
    `committed`: ids that a `message.send` has answered with.
    """
    wrong: list[str] = []
    wanted = Counter(text for texts in written for text in texts)
    for who, lines in enumerate(shown):
        texts = Counter(text for _, text in lines)
        wrong += [f"{who} lacks {text}" for text in wanted if text not in texts]
        wrong += [f"{who} has {times} times {text}" for text, times in texts.items() if times > 1]
        wrong += [f"{who} has {text}, which nobody wrote" for text in texts if text not in wanted]
        wrong += [f"{who} lacks the committed {each}" for each in sorted(committed - {each for each, _ in lines})]
        for author, own in enumerate(written):
            if [text for _, text in lines if text in set(own)] != list(own):
                wrong.append(f"{who} has what {author} wrote out of order")
    if any(lines != shown[0] for lines in shown):
        wrong.append("the two have different conversations")
    return wrong


class Writer(threading.Thread):
    """Writes numbered messages. When a call fails it looks, once the node is back, whether that message was kept."""

    def __init__(self, person: Person, name: str, messages: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._person, self._name, self._stopping = person, name, stop
        self.texts = [f"{person.name} {number:05}" for number in range(messages)]
        self.committed: set[str] = set()
        self.failed_calls = 0
        self.done = 0

    def run(self) -> None:
        """Until all are written, or it is told to stop."""
        is_in_doubt = False
        while self.done < len(self.texts) and not self._stopping.is_set():
            try:
                with self._person.api() as client:
                    if is_in_doubt and self._was_kept(client):
                        self.done += 1
                    is_in_doubt = False
                    while self.done < len(self.texts) and not self._stopping.is_set():
                        is_in_doubt = True
                        self._write(client)
                        is_in_doubt = False
            except OnionchatError:  # it is down, or starts, or its disk is full
                self.failed_calls += 1
                time.sleep(0.2)

    def _write(self, client: SyncClient) -> None:
        params = t.MessageSend(name=self._name, text=self.texts[self.done])
        self.committed.add(client.call("message.send", params, LEVEL_SECONDS).id)
        self.done += 1
        time.sleep(PAUSE_SECONDS)

    def _was_kept(self, client: SyncClient) -> bool:
        lines = client.call("message.log", t.MessageLog(name=self._name, limit=LOOK_BACK), LEVEL_SECONDS)
        return self.texts[self.done] in [line.text for line in lines]


class SmallDisk:
    """A file system of a few MiB in memory, mounted at a folder; needs root."""

    def __init__(self, folder: Path, mebibytes: int = DISK_MIB) -> None:
        """Mount it. LocalError when that is not allowed here."""
        self.folder = folder
        self._filler = folder / "filler"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=700", "onionchat-chaos", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LocalError(f"no small disk can be mounted here: {done.stderr.strip()}")

    @staticmethod
    def available() -> bool:
        """Whether it is worth a try."""
        return os.geteuid() == 0 and shutil.which("mount") is not None

    def fill(self) -> None:
        """Leave not a byte."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (2**20, 2**12, 1):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)):
                        pass

    def make_room(self) -> None:
        """Free again."""
        self._filler.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Gone, with all that was in it."""
        subprocess.run(["umount", "-l", str(self.folder)], capture_output=True, check=False)


@dataclass
class Report:
    """What a storm did, and what it found."""

    messages: int = 0
    seconds: float = 0.0
    level_seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    failed_calls: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        done = ", ".join(f"{times} × {kind}" for kind, times in sorted(self.faults.items()))
        outcome = "none lost, doubled or out of order" if not self.wrong else f"WRONG: {'; '.join(self.wrong[:10])}"
        return (
            f"{self.messages} messages in {self.seconds:.0f} s through {done} ({self.failed_calls} calls failed);"
            f" level {self.level_seconds:.0f} s after it; {outcome}"
        )


class Storm:
    """Two people, contacts of each other under their names, and what happens to them."""

    def __init__(
        self, people: Sequence[Person], network: TorNetwork, random: dice.Random, disks: Sequence[SmallDisk] = ()
    ) -> None:
        """`disks`: those on which the two profiles are; none when no disk shall be full."""
        self._people, self._network, self._disks = people, network, disks
        kinds = [kind for kind in KINDS if kind != "disk" or disks]
        self._faults = faults(random, kinds)
        self._down: set[tuple[str, int]] = set()
        self._ends: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._started = time.monotonic()
        self.report = Report()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._network.resume()
        for disk in self._disks:
            disk.make_room()

    @property
    def _now(self) -> float:
        return time.monotonic() - self._started

    def rage(self, messages: int) -> Report:
        """Let both write, and everything go wrong, until that many are written; then mend all, wait, and compare."""
        stop = threading.Event()
        one, other = self._people
        writers = [
            Writer(one, other.name, messages // 2, stop),
            Writer(other, one.name, messages - messages // 2, stop),
        ]
        self._started = time.monotonic()
        for writer in writers:
            writer.start()
        try:
            while any(writer.is_alive() for writer in writers):
                self._go_on(next(self._faults), lambda: any(writer.is_alive() for writer in writers))
        finally:
            stop.set()
        self._mend(writers)
        return self.report

    def _go_on(self, fault: Fault, is_on: Callable[[], bool]) -> None:
        """Until the time of a fault has come, and then do it; what is over in between is mended."""
        while self._now < fault.at:
            if not is_on():
                return
            while self._ends and self._ends[0][0] <= self._now:
                heapq.heappop(self._ends)[2]()
            self._look()
            time.sleep(STEP_SECONDS)
        key = (fault.kind, 0 if fault.kind == "cut" else fault.who)
        if key not in self._down:
            self.report.faults[fault.kind] += 1
            self._down.add(key)
            end = self._begin(fault)
            heapq.heappush(self._ends, (self._now + fault.seconds, next(self._numbers), end))

    def _begin(self, fault: Fault) -> Callable[[], None]:
        """Break it; what mends it."""
        person = self._people[fault.who]
        match fault.kind:
            case "program":
                if person.running:
                    person.kill()
                return lambda: self._launch(fault.who)
            case "tor":
                assert person.tor is not None
                person.tor.kill()
                return lambda: self._start_tor(fault.who)
            case "cut":
                self._network.pause()
                return self._resume
            case _:
                self._disks[fault.who].fill()
                return lambda: self._make_room(fault.who)

    def _launch(self, who: int) -> None:
        self._down.discard(("program", who))
        if not self._people[who].running:
            self._people[who].launch()

    def _start_tor(self, who: int) -> None:
        self._down.discard(("tor", who))
        tor = self._people[who].tor
        assert tor is not None
        if not tor.running:
            tor.start()

    def _resume(self) -> None:
        self._down.discard(("cut", 0))
        self._network.resume()

    def _make_room(self, who: int) -> None:
        self._down.discard(("disk", who))
        self._disks[who].make_room()

    def _look(self) -> None:
        """A program that was not killed must run; with a full disk it may find that it cannot start."""
        for who, person in enumerate(self._people):
            if person.running or ("program", who) in self._down:
                continue
            if ("disk", who) not in self._down and not self._was_full(person):
                raise LocalError(f"{person.name}'s node has ended by itself: {person.last_words()}")
            person.launch()
            time.sleep(RELAUNCH_SECONDS)

    def _was_full(self, person: Person) -> bool:
        return "disk is full" in person.last_words()

    def _mend(self, writers: Sequence[Writer]) -> None:
        for _, _, end in sorted(self._ends, key=lambda each: each[:2]):
            end()
        self._ends.clear()
        for person in self._people:
            if not person.running:
                person.launch()
        report = self.report
        report.messages = sum(writer.done for writer in writers)
        report.seconds = self._now
        report.failed_calls = sum(writer.failed_calls for writer in writers)
        self._compare(writers)
        report.level_seconds = self._now - report.seconds

    def _compare(self, writers: Sequence[Writer]) -> None:
        committed = {each for writer in writers for each in writer.committed}
        written = [writer.texts for writer in writers]

        def is_right() -> bool:
            try:
                one, other = self._people
                shown = [self._shown(one, other), self._shown(other, one)]
            except OnionchatError as error:
                self.report.wrong = [str(error)]
                return False
            self.report.wrong = check(shown, written, committed)
            return not self.report.wrong

        wait_until(is_right, LEVEL_SECONDS)

    def _shown(self, person: Person, other: Person) -> list[tuple[str, str]]:
        return [(message.id, message.text) for message in person.messages(other.name)]
