"""Nothing that is logged or printed holds a secret while things fail: a full disk, liars, wrong words, faults."""

from pathlib import Path

import pytest
from twisted.logger import formatEventAsClassicLogText, globalLogPublisher

from onionchat.errors import LocalError, LockedError, StoreError
from onionchat.kinds.chat import Text
from onionchat.store.people import OWN_SLOT
from onionchat.testing.leaks import Secrets
from onionchat.testing.nodes import PASSPHRASE, World
from onionchat.testing.strangers import Stranger
from onionchat.wire.records import Batch, LogOffered

TEXT, HOSTILE = "the xylophone is in the boathouse", "the vuvuzela of a liar"
NAME, GREETING = "Quokkabella", "we met at the lighthouse"
WRONG = "a passphrase that was mistyped"


@pytest.fixture
def logged():
    """Everything that is logged, formatted, with tracebacks and with the values of all fields."""
    lines: list[str] = []

    def observe(event) -> None:
        failure = event.get("log_failure")
        told = "" if failure is None else failure.getTraceback(detail="default")
        lines.append(f"{formatEventAsClassicLogText(event)} {told}")

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


def test_failures_inside_say_nothing_secret(tmp_path: Path, logged, capfd, monkeypatch):
    monkeypatch.setenv("ONIONCHAT_DEBUG", "1")
    world = World(tmp_path)
    ann, ben, mallory = world.add(NAME), world.add("Zeppelinus"), Stranger(world, name="Liarissimo")
    world.befriend(ann, ben)
    ann.send("Zeppelinus", TEXT)
    said: list[str] = []

    def refuse(kind: type[Exception], method: str, **params) -> None:
        with pytest.raises(kind) as caught:
            ann.do(method, **params)
        said.append(str(caught.value))

    # a disk that is full, and has room again
    pages = ann.node.store.reads.execute("PRAGMA page_count").fetchone()[0]
    world.wait(ann.node.store.write(lambda c: c.execute(f"PRAGMA max_page_count={pages}").fetchall()))
    for _ in range(30):
        try:
            ann.send("Zeppelinus", TEXT * 40)
        except StoreError as error:
            said.append(str(error))
    assert any("full" in each for each in said)
    ben.send(NAME, TEXT * 100)
    world.wait(ann.node.store.write(lambda c: c.execute("PRAGMA max_page_count=1000000").fetchall()))
    # what is asked wrongly
    refuse(LocalError, "message.send", name="nobody at all", text=TEXT)
    refuse(LocalError, "contact.add", link="onionchat:" + "a" * 56)
    refuse(LocalError, "request.accept", id="abcdefgh", name=TEXT)
    # somebody who lies, at a link and as a contact
    channel = mallory.dial_link(ann.do("invite.create", open=True).link)
    mallory.say(channel, mallory.request(GREETING, account=bytes(32)))
    accepted = mallory.meet(ann)
    link = mallory.connect(ann, accepted)
    mallory.open(link, ann)
    entry = mallory.write(Text(HOSTILE), 1)
    mallory.push(link, ann, [entry])
    mallory.say(link, Batch(mallory.conversation(ann), (HOSTILE.encode(),)))
    link = mallory.connect(ann, accepted)
    mallory.say(link, LogOffered(HOSTILE.encode(), (), False))
    # locked, and the wrong words
    world.wait(ann.node.lock())
    refuse(LockedError, "message.send", name="Zeppelinus", text=TEXT)
    refuse(LockedError, "node.unlock", passphrase=WRONG)
    world.wait(ann.node.unlock(PASSPHRASE))
    world.pass_time(5)
    # faults of ours, with errors that quote what they were about

    def fault(*_: object) -> None:
        raise ValueError(TEXT, ann.node.own.identity.seed, PASSPHRASE)

    forget = ann.node.subscribe(fault)
    ann.node.warn("something changed")
    forget()
    ann.node.through_gate(fault).addErrback(ann.node.report)
    world.settle()

    own, c = ann.node.own, ann.node.store.reads
    (discovery,) = c.execute("SELECT private FROM slot WHERE slot = ?", (OWN_SLOT,)).fetchone()
    keys = {"identity": own.identity.seed, "static": own.static.private, "discovery": bytes(discovery)}
    words = {"passphrase": PASSPHRASE, "wrong": WRONG, "text": TEXT, "lie": HOSTILE, "greeting": GREETING,
             "name": NAME, "other name": "Zeppelinus", "liar": "Liarissimo", "address": ann.address[:56]}  # fmt: skip
    ann.stop()
    ben.stop()
    world.actors.clear()
    world.stop()
    printed = capfd.readouterr()
    everything = "\n".join([*logged, *world.faults, printed.out, printed.err])
    assert len(logged) > 2 and "ValueError" in everything
    assert Secrets({**words, **keys}).in_bytes(everything.encode()) == []
    del words["other name"], words["name"]  # whom you named yourself may stand in the answer
    assert len(said) >= 6 and Secrets({**words, **keys}).in_bytes("\n".join(said).encode()) == []
