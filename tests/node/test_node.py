"""A node's life: start, stop, lock, unlock; a full disk; what was in the middle of something."""

import pytest
from twisted.internet.defer import fail

from onionchat.api import types as t
from onionchat.errors import LockedError, StoreError
from onionchat.node.events import Locked
from onionchat.store.store import Store
from onionchat.testing.nodes import PASSPHRASE

TABLES = ("entry", "ack", "register", "device", "slot", "address")


def fill_disk(actor):
    """From now on nothing more fits into the database: SQLite's own words, whatever is still free in its pages."""

    def job(c):
        for table in TABLES:
            for what in ("INSERT", "UPDATE"):
                c.execute(
                    f"CREATE TEMP TRIGGER full_{table}_{what} BEFORE {what} ON main.{table}"
                    " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
                )

    actor.world.wait(actor.node.store.write(job))


def free_disk(actor):
    """There is space again."""

    def job(c):
        for table in TABLES:
            for what in ("INSERT", "UPDATE"):
                c.execute(f"DROP TRIGGER full_{table}_{what}")

    actor.world.wait(actor.node.store.write(job))


# --- lock and unlock ------------------------------------------------------------------------------------------
def test_lock_and_unlock(world, friends):
    alice, bob = friends
    alice.send("Bob", "before")
    alice.do("node.lock")
    assert not alice.node.is_unlocked and alice.node.profile.is_locked
    assert isinstance(alice.node_events[-1], Locked) and alice.events[-1].event == "locked"
    assert not bob.contact("Alice").online
    with pytest.raises(LockedError):
        alice.do("contact.list")
    status = alice.status()
    assert (status.device, status.name, status.tor.state) == ("", "", "off")
    for used in (lambda: alice.node.store, lambda: alice.node.book, lambda: alice.node.own):
        with pytest.raises(LockedError):
            used()
    bob.send("Alice", "while you were away")
    with pytest.raises(LockedError):
        alice.do("node.unlock", passphrase="wrong")
    assert not alice.node.is_unlocked
    alice.do("node.unlock", passphrase=PASSPHRASE)
    alice.do("node.unlock", passphrase=PASSPHRASE)  # twice is harmless
    world.pass_time(60)
    assert alice.texts("Bob") == ["before", "while you were away"] and alice.contact("Bob").online


@pytest.mark.parametrize("method", ["node.lock", "stop"])
def test_lock_in_the_middle_of_everything(world, friends, method):
    """Sends, dials, requests and moves are under way; nothing is lost that was promised, and nothing fails aloud."""
    alice, bob = friends
    carol = world.add("Carol")
    carol.do("contact.add", link=alice.do("invite.create").link)
    alice.do("invite.create", expires_seconds=3)
    alice.node.services.move(urgent=False).addErrback(lambda failure: failure.trap(LockedError))
    begun = [alice.begin("message.send", name="Bob", text=f"line {n}") for n in range(20)]
    begun += [alice.begin("request.accept", id=alice.do("request.list")[0].id)] if method == "stop" else []
    for one in begun:
        one.addErrback(lambda failure: failure.trap(LockedError))
    bob.begin("message.send", name="Alice", text="crossing")
    ended = alice.node.lock() if method == "node.lock" else alice.node.stop()
    world.wait(ended)
    world.pass_time(30)
    if method == "stop":
        alice.start()
    else:
        alice.do("node.unlock", passphrase=PASSPHRASE)
    world.pass_time(120)
    promised = [one.result.id for one in begun if isinstance(getattr(one, "result", None), t.Sent)]
    assert {m.id for m in bob.log("Alice")} >= set(promised)
    assert "crossing" in alice.texts("Bob")
    assert [m.id for m in alice.log("Bob")] == [m.id for m in bob.log("Alice")]


def test_an_unlock_that_the_disk_refuses_can_be_tried_again(world, friends, monkeypatch):
    alice, _ = friends
    world.wait(alice.node.lock())
    full = StoreError("the disk is full")
    with monkeypatch.context() as patch:
        patch.setattr(Store, "ensure_self", lambda store: fail(full))
        with pytest.raises(StoreError, match="full"):
            world.wait(alice.node.unlock(PASSPHRASE))
    assert not alice.node.is_unlocked and alice.node.profile.is_locked
    with pytest.raises(LockedError):
        alice.do("contact.list")
    world.wait(alice.node.unlock(PASSPHRASE))
    world.pass_time(5)
    assert alice.contact("Bob").online


def test_a_stop_while_locked_and_twice(world, friends):
    alice, _ = friends
    alice.do("node.lock")
    alice.stop()
    alice.stop()
    alice.start()


def test_who_was_stopped_before_it_was_ready(tmp_path, world):
    alice = world.add("Alice")
    alice.stop()
    from onionchat.node.node import Node
    from onionchat.testing.nodes import WatchedProfile

    node = Node(WatchedProfile.open(alice.folder, PASSPHRASE), world.reactor, None)
    node.start()
    world.wait(node.stop())
    alice.start()


def test_a_profile_that_is_in_use_is_not_opened(world):
    from onionchat.errors import LocalError
    from onionchat.testing.nodes import WatchedProfile

    alice = world.add("Alice")
    with pytest.raises(LocalError, match="use"):
        WatchedProfile.open(alice.folder, PASSPHRASE)


def test_everything_is_there_after_a_restart(world, friends):
    alice, bob = friends
    entry = alice.send("Bob", "hello")
    bob.do("message.react", name="Alice", id=entry, emoji="👍")
    alice.do("contact.trust", name="Bob", trust="validated")
    alice.do("contact.rename", name="Bob", new="Robert")
    before = [alice.log("Robert"), alice.contact("Robert").trust, alice.do("invite.list")]
    alice.restart()
    world.pass_time(30)
    assert [alice.log("Robert"), alice.contact("Robert").trust, alice.do("invite.list")] == before


# --- a full disk ------------------------------------------------------------------------------------------------
def test_a_full_disk_refuses_what_cannot_be_kept(world, friends):
    alice, _ = friends
    fill_disk(alice)
    with pytest.raises(StoreError, match="disk is full"):
        alice.send("Bob", "x" * 20_000)
    assert alice.texts("Bob") == []
    free_disk(alice)
    alice.send("Bob", "x" * 20_000)
    world.faults.clear()


def test_a_full_disk_acknowledges_nothing_and_goes_on_later(world, friends):
    alice, bob = friends
    fill_disk(alice)
    sent = [bob.send("Alice", f"{n} " + "x" * 20_000) for n in range(3)]
    world.pass_time(60)
    assert bob.status().queued == 3 and all(m.state != "delivered" for m in bob.log("Alice"))
    free_disk(alice)
    world.pass_time(1200)
    assert [m.id for m in alice.log("Bob")] == sent and bob.status().queued == 0
    assert all("disk" not in fault and "Traceback" not in fault for fault in world.faults), world.faults
    world.faults.clear()


def test_requests_and_acceptances_wait_for_space(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    link = alice.do("invite.create").link
    fill_disk(alice)
    bob.do("contact.add", link=link, greeting="x" * 400)
    world.pass_time(30)
    assert alice.do("request.list") == [] and bob.do("request.list")[0].state == "waiting"
    free_disk(alice)
    world.pass_time(1200)
    fill_disk(bob)
    alice.do("request.accept", id=alice.do("request.list")[0].id)
    world.pass_time(60)
    free_disk(bob)
    world.pass_time(1200)
    assert alice.contact("Bob").online and bob.contact("Alice").online
    assert all("Traceback" not in fault for fault in world.faults), world.faults
    world.faults.clear()


def test_a_stop_on_a_full_disk_ends(world, friends):
    alice, _ = friends
    alice.send("Bob", "hello")
    fill_disk(alice)
    alice.stop()
    assert not alice.node.is_unlocked
    alice.start()  # its lock was let go
    world.faults.clear()


# --- subscribers and faults --------------------------------------------------------------------------------------
def test_what_comes_as_history_is_told_and_counts_like_the_rest(world, friends):
    """A linked device gets the beginning of every log as a block: a timer in it holds, a new message is told of."""
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    world.pass_time(30)
    assert bob.log("Alice")[-1].kind == "notice"  # nobody has written yet
    bob.do("conversation.timer", name="Alice", seconds=3600)
    sent = bob.send("Alice", "hello")
    world.settle()
    assert [e.id for e in phone.heard("message") if e.text == "hello"] == [sent]
    (found,) = [c for c in phone.do("conversation.list") if c.name == "Bob"]
    assert found.timer_seconds == 3600
