"""Linking through the whole ceremony, between a node and a device without a profile; and all the ways it can fail."""

from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, maybeDeferred

from onionchat import limits
from onionchat.crypto.vault import Cost
from onionchat.errors import LocalError
from onionchat.node.joining import DECISION_SECONDS, Joining, JoinState
from onionchat.testing.nodes import PASSPHRASE, Actor
from onionchat.testing.virtualtor import VirtualTor


class Newcomer:
    """A device that joins, and its user."""

    def __init__(self, world, code, name="phone", history_not_before_ms=0):
        self.world, self.name = world, name
        self.lines, self.words, self.outcome = [], [], []
        self.in_thread = lambda f, *args: maybeDeferred(f, *args)
        self.joining = Joining(
            world.folder / name,
            code,
            name,
            PASSPHRASE,
            history_not_before_ms,
            world.reactor,
            self,
            cost=Cost.TESTS,
            in_thread=lambda f, *args: self.in_thread(f, *args),
        )
        self.joining.done.addBoth(self.outcome.append)
        self.tor = VirtualTor(world.network, self.joining)
        self.joining.start(self.tor)
        world.pass_time(1)

    def join_progress(self, text):
        self.lines.append(text)

    def join_words(self, words):
        self.words = list(words)

    @property
    def problem(self):
        return self.outcome[0].getErrorMessage()

    def is_nothing_left(self):
        return not Path(self.world.folder / self.name).exists()

    def become(self):
        """The device as a running node."""
        actor = Actor(self.world, self.name, 77, lambda _: None)
        self.world.actors.append(actor)
        self.world.pass_time(5)
        return actor


@pytest.fixture
def alice(world):
    return world.add("Alice")


def linked(world, host, name="phone"):
    """The whole ceremony."""
    new = Newcomer(world, host.do("link.start").code, name)
    assert host.do("link.state").words == new.words
    host.do("link.confirm", equal=True)
    new.joining.confirm(True)
    world.pass_time(1)
    return new


def test_both_show_the_same_six_words_and_both_confirm(world, alice):
    started = alice.do("link.start")
    assert started.state == "waiting" and started.published and started.qr
    assert started.expires == alice.node.now_ms() + 600_000
    new = Newcomer(world, started.code)
    seen = alice.do("link.state")
    assert (seen.state, seen.device, len(seen.words)) == ("comparing", "phone", 6)
    assert seen.words == new.words
    assert alice.do("link.confirm", equal=True).said_yes
    world.pass_time(1)
    assert alice.do("link.state").state == "comparing" and len(alice.do("device.list")) == 1
    new.joining.confirm(True)
    world.pass_time(1)
    assert new.outcome == [JoinState.JOINED] and alice.do("link.state").state == "linked"
    assert [d.name for d in alice.do("device.list")] == ["device 1", "phone"] or len(alice.do("device.list")) == 2
    phone = new.become()
    assert phone.node.book.is_member and not phone.node.own.is_linking
    assert {d.id for d in phone.do("device.list")} == {alice.device, phone.device}
    assert all(d.online for d in phone.do("device.list"))
    assert [e.state for e in alice.heard("link")][-1] == "linked"


def test_it_gets_contacts_and_messages(world, alice):
    bob = world.add("Bob")
    world.befriend(alice, bob)
    sent = [bob.send("Alice", str(n)) for n in range(100)]
    phone = linked(world, alice).become()
    world.pass_time(10)
    assert [line.id for line in phone.log("Bob", limit=200) if line.kind == "text"] == sent
    assert phone.status().history_left is None
    assert phone.device in {d.id for d in bob.contact("Alice").devices if d.online}


@pytest.mark.parametrize("who", ["host", "newcomer"])
def test_a_no_links_nothing(world, alice, who):
    new = Newcomer(world, alice.do("link.start").code)
    if who == "host":
        new.joining.confirm(True)
        world.settle()
        alice.do("link.confirm", equal=False)
    else:
        alice.do("link.confirm", equal=True)
        new.joining.confirm(False)
    world.pass_time(1)
    assert alice.do("link.state").state == "failed" and len(alice.do("device.list")) == 1
    assert "nothing was linked" in new.problem and new.is_nothing_left()


def test_a_code_is_for_one_device_once(world, alice):
    code = alice.do("link.start").code
    first = Newcomer(world, code, "first")
    second = Newcomer(world, code, "second")
    assert "another device came with this code" in second.problem and second.is_nothing_left()
    alice.do("link.confirm", equal=True)
    first.joining.confirm(True)
    world.pass_time(1)
    assert first.outcome == [JoinState.JOINED]
    third = Newcomer(world, code, "third")
    world.pass_time(limits.LINK_CODE_SECONDS)
    assert "expired, was used, or was mistyped" in third.problem and third.is_nothing_left()
    assert len(alice.do("device.list")) == 2


def test_a_racer_sees_nothing_of_the_account(world, alice):
    """Somebody else who has the code comes first: the words differ, and it was told no account, name or device."""
    bob = world.add("Bob")
    world.befriend(alice, bob)
    heard = []
    code = alice.do("link.start").code
    thief = Newcomer(world, code, "thief")
    receive = thief.joining.record_received
    thief.joining.record_received = lambda link, record: (heard.append(record), receive(link, record))
    thief.joining.confirm(True)
    world.pass_time(5)
    honest = Newcomer(world, code, "honest")
    assert honest.words == [] and "another device came" in honest.problem
    alice.do("link.confirm", equal=False)
    world.pass_time(1)
    assert heard == [] and thief.is_nothing_left() and len(alice.do("device.list")) == 1


def test_a_code_expires(world, alice):
    code = alice.do("link.start").code
    world.pass_time(limits.LINK_CODE_SECONDS + 1)
    assert alice.do("link.state").state == "failed" and "expired" in alice.do("link.state").problem
    late = Newcomer(world, code)
    world.pass_time(limits.LINK_CODE_SECONDS + 1)
    assert "nobody waits at this code" in late.problem


def test_words_that_nobody_answers_expire(world, alice):
    new = Newcomer(world, alice.do("link.start").code)
    world.pass_time(limits.LINK_CODE_SECONDS + 1)
    assert alice.do("link.state").state == "failed" and new.outcome and new.is_nothing_left()


@pytest.mark.parametrize("code", ["onionchat-link:abc", "onionchat:" + "a" * 56, "onionchat-link:" + "b" * 56, ""])
def test_a_mistyped_code_is_refused_at_once(world, code):
    with pytest.raises(LocalError):
        Newcomer(world, code)


def test_a_profile_with_an_account_is_not_linked(world, alice):
    bob = world.add("Bob")
    with pytest.raises(LocalError, match=r"already, with an account of its own.*export.*wipe"):
        Newcomer(world, alice.do("link.start").code, "Bob")
    assert bob.status().name == "Bob"


def test_a_connection_that_breaks_while_comparing_links_nothing(world, alice):
    new = Newcomer(world, alice.do("link.start").code)
    alice.do("link.confirm", equal=True)
    world.network.break_streams(new.tor)
    world.pass_time(1)
    new.joining.confirm(True)
    assert "make a new code" in new.problem and new.is_nothing_left()
    assert "went away" in alice.do("link.state").problem and len(alice.do("device.list")) == 1


def test_a_connection_that_breaks_while_the_profile_is_made_links_nothing(world, alice):
    new = Newcomer(world, alice.do("link.start").code)

    later = Deferred()
    new.in_thread = lambda make, *args: later.addCallback(lambda _: make(*args))
    alice.do("link.confirm", equal=True)
    new.joining.confirm(True)
    world.pass_time(1)
    world.network.break_streams(new.tor)
    world.pass_time(1)
    later.callback(None)
    world.pass_time(1)
    assert "nothing was linked" in new.problem and new.is_nothing_left()
    assert alice.do("link.state").state == "failed" and len(alice.do("device.list")) == 1


def test_the_last_word_is_lost_and_found_again(world, alice):
    """The admission is on the host's disk, but its answer never came: the device asks when it is started."""
    new = Newcomer(world, alice.do("link.start").code)
    alice.do("link.confirm", equal=True)
    receive = new.joining.record_received
    cut = []

    def deaf(link, record):
        if type(record).__name__ == "Admitted":
            cut.append(record)
            return
        receive(link, record)

    new.joining.record_received = deaf
    new.joining.confirm(True)
    world.pass_time(DECISION_SECONDS + 1)
    assert cut and new.outcome == [JoinState.UNCERTAIN]
    phone = new.become()
    assert phone.node.book.is_member and len(alice.do("device.list")) == 2


def test_a_device_whose_signature_never_came_is_refused_and_says_so(world, alice):
    new = Newcomer(world, alice.do("link.start").code)
    alice.do("link.confirm", equal=True)
    said = alice.node.linking.said
    alice.node.linking.said = lambda link, record: (
        world.network.break_streams(new.tor) if type(record).__name__ == "MembershipAccepted" else said(link, record)
    )
    new.joining.confirm(True)
    world.pass_time(5)
    assert new.outcome == [JoinState.UNCERTAIN] and alice.do("link.state").state == "failed"
    phone = new.become()
    assert phone.status().linking == "refused" and len(alice.do("device.list")) == 1
    assert not phone.node.book.is_member


def test_the_host_is_killed_before_the_commit(world, alice):
    new = Newcomer(world, alice.do("link.start").code)
    new.joining.confirm(True)
    alice.restart()
    world.pass_time(5)
    assert "make a new code" in new.problem and new.is_nothing_left() and len(alice.do("device.list")) == 1


def test_a_label_that_is_taken_gets_a_number(world, alice):
    linked(world, alice).become()
    again = Newcomer(world, alice.do("link.start").code, "Phone")
    assert alice.do("link.state").device == "Phone 2"
    alice.do("link.cancel")
    world.pass_time(1)
    assert again.is_nothing_left()


def test_no_more_than_sixteen(world, alice, monkeypatch):
    monkeypatch.setattr(limits, "DEVICES_PER_ACCOUNT_MAX", 2)
    linked(world, alice)
    with pytest.raises(LocalError, match="untrust"):
        alice.do("link.start")


def test_a_new_code_ends_the_old_one(world, alice):
    old = alice.do("link.start").code
    assert alice.do("link.start").code != old
    late = Newcomer(world, old)
    assert late.words == []
    late.joining.cancel()


def test_it_is_over_at_lock(world, alice):
    new = Newcomer(world, alice.do("link.start").code)
    world.wait(alice.node.lock())
    world.pass_time(1)
    assert new.outcome and new.is_nothing_left()
    world.wait(alice.node.unlock(PASSPHRASE))
