"""Profiles with messages that a contact seems to have sent; they go through the gate, as those of a session do.

`python -m bench.fill PROFILE PASSPHRASE-FILE COUNT`. Another process makes and signs the entries meanwhile.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from bench.parts import Inline, wait_fired
from bench.world import text_of, two
from onionchat.api import types as t
from onionchat.crypto.keys import SigningKey
from onionchat.ids import ConversationId
from onionchat.kinds.chat import Text
from onionchat.kinds.fold import Place, body_bytes, kind_of
from onionchat.log.certificate import Belief, make_log_certificate, parse_log_certificate
from onionchat.log.commands import AdmitLog
from onionchat.log.entry import NO_ENTRY, Content, make_entry, parse_entry
from onionchat.node.profile import Profile
from onionchat.store.db import Connection
from onionchat.store.store import Store
from onionchat.testing.people import People, Person
from onionchat.wire.records import LogOffered

BATCH = 300  # about 60 KiB
DAYS = 365
WORDS = ("tea", "garden", "kiosk", "five", "biscuit", "onion", "relay", "winter", "lamp", "letter", "bread")
NOTE = "only a note to myself"
_filled: dict[int, Path] = {}


# --- a profile ------------------------------------------------------------------------------------------------
def fill_profile(directory: Path, passphrase: str, count: int) -> None:
    """`count` messages from the first contact, spread over the past year."""
    profile = Profile.open(directory, passphrase)
    store = profile.open_store(Inline())
    try:
        _fill(store, count)
    finally:
        store.close()
        profile.close()


def _fill(store: Store, count: int) -> None:
    conversation, device = _contact(store.reads)
    key = SigningKey(os.urandom(32))
    certificate = make_log_certificate(key, conversation, device)
    offer = LogOffered(certificate, (), True)
    admit = AdmitLog(conversation, parse_log_certificate(certificate), Belief.DIRECT, offer)
    wait_fired(store.write(lambda c: store.gate.admit(c, admit)))
    now_ms = int(time.time() * 1000)
    for raws in _made_elsewhere(key.seed, count, now_ms):
        batch = [parse_entry(raw) for raw in raws]
        wait_fired(store.write(partial(store.gate.append, conversation_id=conversation, entries=batch, now_ms=now_ms)))


def _made_elsewhere(seed: bytes, count: int, now_ms: int) -> Iterator[list[bytes]]:
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    making = context.Process(target=_make, args=(theirs, seed, count, now_ms), daemon=True)
    making.start()
    theirs.close()
    try:
        for _ in range(0, count, BATCH):
            yield ours.recv()
    finally:
        making.kill()
        making.join()


def _make(pipe: Pipe, seed: bytes, count: int, now_ms: int) -> None:
    """The process: batches of encoded entries of one log."""
    key, prev = SigningKey(seed), NO_ENTRY
    begin_ms = now_ms - DAYS * 86_400_000
    for first in range(0, count, BATCH):
        batch: list[bytes] = []
        for number in range(first, min(count, first + BATCH)):
            ms = begin_ms + number * (now_ms - begin_ms) // count
            content = Content(os.urandom(16), (), kind_of(Text("")), 0, body_bytes(Text(_text(number))))
            entry = make_entry(key, number + 1, prev, (ms, 0), content)
            prev = entry.id
            batch.append(entry.raw)
        pipe.send(batch)


def _text(number: int) -> str:
    words = [WORDS[(number * step) % len(WORDS)] for step in (3, 5, 7, 11)]
    return text_of(number).rstrip("x") + " ".join(words)


def _contact(c: Connection) -> tuple[ConversationId, bytes]:
    """The conversation with the first contact, and a device of that contact's."""
    conversation, account = c.execute(
        "SELECT id, account FROM conversation WHERE place = ?", (Place.DIRECT.value,)
    ).fetchone()
    (device,) = c.execute("SELECT id FROM device WHERE account = ?", (account,)).fetchone()
    return ConversationId(conversation), bytes(device)


# --- two people -----------------------------------------------------------------------------------------------
def fill_person(person: Person, count: int) -> float:
    """Fill somebody's profile, in a process of its own; messages a second."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "bench.fill", str(person.profile), str(person.passphrase_file), str(count)]
    subprocess.run(command, check=True)
    return count / (time.perf_counter() - begin)


def long_history(count: int) -> Path:
    """A folder with the profiles of Alice and Bob, contacts; Alice's holds so many messages, and an older note."""
    if count not in _filled:
        folder = Path(tempfile.mkdtemp(prefix="ocb-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        with two() as (alice, bob):
            alice.call("message.send", t.MessageSend(name="notes", text=NOTE))
            for person in (alice, bob):
                person.stop()
            fill_person(alice, count)
            for person in (alice, bob):
                shutil.copytree(person.profile, folder / person.name)
        _filled[count] = folder
    return _filled[count]


def arrive_with_history(people: People, count: int) -> tuple[Person, Person]:
    """Alice and Bob with copies of those profiles; their nodes do not run."""
    folder = long_history(count)
    alice, bob = (people.add(name) for name in ("alice", "bob"))
    for person in (alice, bob):
        shutil.copytree(folder / person.name, person.profile, dirs_exist_ok=True)
    for person in (alice, bob):
        assert person.tor is not None
        person.tor.wait_ready()
    return alice, bob


if __name__ == "__main__":
    fill_profile(Path(sys.argv[1]), Path(sys.argv[2]).read_text().removesuffix("\n"), int(sys.argv[3]))
