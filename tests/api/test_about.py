"""Status, connections, devices, recovery words, settings, export, lock."""

import os

import msgspec
import pytest
import pytest_twisted

from onionchat.api import types as t
from onionchat.crypto.vault import Cost
from onionchat.errors import LocalError, LockedError
from onionchat.node import profile
from onionchat.testing.nodes import PASSPHRASE


def test_status(world, friends):
    alice, bob = friends
    status = alice.status()
    assert (status.name, status.device, status.onion, status.running) == ("Alice", alice.device, "reachable", True)
    assert (status.tor.state, status.tor.bootstrap) == ("ready", 100)
    (peer,) = status.peers
    assert (peer.contact, peer.device) == ("Bob", bob.device) and peer.since <= alice.node.now_ms()
    assert status.restricted_discovery and not status.recovery_pending and status.devices == 1
    assert len(status.address) == 56 and status.requests == status.unread == status.queued == 0


def test_status_counts(world, friends):
    alice, bob = friends
    bob.do("contact.add", link=world.add("Carol").do("invite.create").link)
    carol = world.actors[-1]
    assert carol.status().requests == 1
    bob.send("Alice", "hello")
    assert alice.status().unread == 1
    bob.cut()
    alice.send("Bob", "one")
    alice.send("Bob", "two")
    assert alice.status().queued == 2


def test_without_tor(world, friends):
    alice, _ = friends
    alice.cut()
    status = alice.status()
    assert (status.tor.state, status.tor.summary, status.onion) == ("lost", "there is no network", "unpublished")


def test_connections(world, friends):
    alice, bob = friends
    (line,) = alice.do("connection.list")
    assert (line.contact, line.device, line.state, line.waiting_messages) == ("Bob", bob.device, "connected", 0)
    bob.cut()
    alice.send("Bob", "hello")
    world.pass_time(30)
    (line,) = alice.do("connection.list")
    assert (line.state, line.since, line.waiting_messages) == ("waiting", None, 1)
    assert line.tries > 0 and line.next_try_seconds >= 0 and line.last_failure and line.last_seen
    alice.do("contact.block", id="Bob")
    assert alice.do("connection.list")[0].state == "idle"


def test_settings(world):
    alice = world.add("Alice")
    assert alice.do("setting.get", key="theme").value is None
    alice.do("setting.set", key="theme", value="dark")
    assert alice.do("setting.get", key="theme").value == "dark"
    alice.do("setting.set", key="theme", value=None)
    assert alice.do("setting.get", key="theme").value is None
    for key in ("draft:x", "device:x"):
        with pytest.raises(LocalError):
            alice.do("setting.set", key=key, value="x")


def test_settings_of_others_are_left_alone(world):
    """Names of registers that the node itself keeps are not a way round their commands."""
    alice = world.add("Alice")
    for key in ("forced:" + "a" * 52, "introduce:" + "a" * 26):
        try:
            alice.do("setting.set", key=key, value="1")
        except LocalError:
            continue
        alice.restart()
        assert alice.status().name == "Alice"


def test_recovery_words(tmp_path, world):
    alice = world.add("Alice")
    assert alice.do("recovery.words").words == []
    alice.stop()
    profile.wipe_profile(alice.folder)
    words = profile.create_profile(alice.folder, "Alice", PASSPHRASE, "keep", Cost.TESTS, os.urandom)
    alice.start()
    assert alice.do("recovery.words").words == words and alice.status().recovery_pending
    alice.do("recovery.settle", written=True)
    assert alice.do("recovery.words").words == [] and not alice.status().recovery_pending
    alice.restart()
    assert alice.do("recovery.words").words == []


@pytest_twisted.ensureDeferred
async def test_export(tmp_path, world, friends):
    alice, _ = friends
    alice.send("Bob", "to be kept")
    target = tmp_path / "alice.export"
    done = await alice.begin("profile.export", path=str(target), passphrase="another one")
    assert done.notice and b"to be kept" not in target.read_bytes()
    with pytest.raises(LocalError):
        await alice.begin("profile.export", path=str(target), passphrase="another one")


def test_lock_needs_the_passphrase_back(world):
    alice = world.add("Alice")
    alice.do("node.lock")
    with pytest.raises(LockedError):
        alice.do("node.unlock", passphrase="")
    alice.do("node.unlock", passphrase=PASSPHRASE)
    assert alice.status().name == "Alice"


@pytest_twisted.ensureDeferred
async def test_another_passphrase_on_an_open_profile(world):
    alice = world.add("Alice")
    with pytest.raises(LocalError, match="not the present passphrase"):
        await alice.begin("profile.passwd", old="wrong", new="new one")
    await alice.begin("profile.passwd", old=PASSPHRASE, new="new one")
    alice.do("node.lock")
    with pytest.raises(LockedError):
        alice.do("node.unlock", passphrase=PASSPHRASE)
    alice.do("node.unlock", passphrase="new one")
    assert "new one" not in repr(t.PassphraseChange(old="new one", new="new one"))


@pytest.mark.parametrize("is_locked", [False, True])
def test_a_wipe_leaves_nothing_of_ours(world, friends, is_locked):
    alice, bob = friends
    (alice.folder / "console.toml").write_text("")
    if is_locked:
        alice.do("node.lock")
    assert "console.toml" in alice.do("profile.wipe", sure="wipe").notice
    assert [path.name for path in alice.folder.iterdir()] == ["console.toml"]
    assert bob.do("contact.list")[0].online is False
    with pytest.raises(LockedError):
        alice.do("contact.list")
    alice.stop()


def test_a_wipe_is_not_done_by_a_slip():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b"{}", type=t.ProfileWipe)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"sure": "yes"}', type=t.ProfileWipe)


def test_our_other_devices_are_among_the_connections(world, friends):
    alice, _ = friends
    phone = world.add_device(alice, "phone")
    (own,) = [peer for peer in alice.do("connection.list") if not peer.contact]
    assert (own.device, own.label, own.state) == (phone.device, "phone", "connected")
    phone.cut()
    world.pass_time(200)
    (own,) = [peer for peer in alice.do("connection.list") if not peer.contact]
    assert own.state != "connected" and own.last_seen
    assert [event.change for event in alice.heard("device") if event.contact == ""][-1] == "offline"
