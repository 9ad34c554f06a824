"""Fills a profile with messages that a contact seems to have sent.

`python -m bench.fill PROFILE PASSPHRASE-FILE COUNT`. They go through the gate, as those of a session do, in batches
of the same size.
"""

import os
import sys
import time
from functools import partial
from pathlib import Path

from bench.parts import Inline, wait_fired
from bench.world import text_of
from onionchat.crypto.keys import SigningKey
from onionchat.ids import ConversationId
from onionchat.kinds.chat import Text
from onionchat.kinds.fold import Place, body_bytes, kind_of
from onionchat.log.certificate import Belief, make_log_certificate, parse_log_certificate
from onionchat.log.commands import AdmitLog
from onionchat.log.entry import NO_ENTRY, Content, Entry, make_entry
from onionchat.node.profile import Profile
from onionchat.store.db import Connection
from onionchat.store.store import Store
from onionchat.wire.records import LogOffered

BATCH = 300  # about 60 KiB
DAYS = 365
WORDS = ("tea", "garden", "kiosk", "five", "biscuit", "onion", "relay", "winter", "lamp", "letter", "bread")


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
    begin_ms = now_ms - DAYS * 86_400_000
    prev = NO_ENTRY
    for first in range(0, count, BATCH):
        batch: list[Entry] = []
        for number in range(first, min(count, first + BATCH)):
            ms = begin_ms + number * (now_ms - begin_ms) // count
            content = Content(os.urandom(16), (), kind_of(Text("")), 0, body_bytes(Text(_text(number))))
            batch.append(make_entry(key, number + 1, prev, (ms, 0), content))
            prev = batch[-1].id
        wait_fired(store.write(partial(store.gate.append, conversation_id=conversation, entries=batch, now_ms=now_ms)))


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


if __name__ == "__main__":
    fill_profile(Path(sys.argv[1]), Path(sys.argv[2]).read_text().removesuffix("\n"), int(sys.argv[3]))
