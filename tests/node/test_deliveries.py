"""What others have of our logs: known at once, on the disk soon, there after a restart."""

from onionchat import limits
from onionchat.codec import encode
from onionchat.wire.records import Deliveries, LogDelivered


def saved(actor):
    """Rows of acknowledgements on the disk."""
    return actor.node.store.reads.execute("SELECT count(*) FROM ack").fetchone()[0]


def test_known_at_once_and_told(world, friends):
    alice, bob = friends
    entry = alice.send("Bob", "hello")
    assert alice.log("Bob")[0].delivered_to == [bob.device]
    (event,) = alice.heard("delivered")
    assert (event.id, event.conversation, event.device) == (entry, "Bob", bob.device)
    assert bob.heard("delivered") == []


def test_each_message_is_told_once_and_in_order(world, friends):
    alice, _bob = friends
    ids = [alice.send("Bob", f"line {n}") for n in range(5)]
    _bob.restart()
    world.pass_time(60)
    ids.append(alice.send("Bob", "after"))
    assert [event.id for event in alice.heard("delivered")] == ids


def test_each_of_many_that_one_acknowledgement_covers_is_told(world, friends):
    alice, bob = friends
    bob.cut()
    sent = [alice.send("Bob", str(number)) for number in range(300)]
    bob.restore()
    world.pass_time(30)
    assert [event.id for event in alice.heard("delivered")] == sent


def test_of_more_than_any_window_holds_the_newest_are_told_and_the_rest_drawn_anew(world, friends, monkeypatch):
    alice, bob = friends
    monkeypatch.setattr(limits, "DELIVERED_EVENTS_MAX", 10)
    bob.cut()
    sent = [alice.send("Bob", str(number)) for number in range(100)]
    bob.restore()
    world.pass_time(30)
    assert [event.id for event in alice.heard("delivered")] == sent[-10:]
    assert alice.heard("changed")


def test_edits_and_reactions_are_no_deliveries(world, friends):
    alice, _ = friends
    entry = alice.send("Bob", "hello")
    alice.do("message.edit", name="Bob", id=entry, text="hello!")
    alice.do("message.react", name="Bob", id=entry, emoji="👍")
    assert [event.id for event in alice.heard("delivered")] == [entry]


def test_a_restart_forgets_none_of_it(world, friends):
    alice, bob = friends
    alice.send("Bob", "hello")
    bob.cut()
    alice.restart()
    assert alice.log("Bob")[0].delivered_to == [bob.device] and saved(alice) > 0
    assert alice.status().queued == 0


def test_it_is_saved_after_a_while(world, friends):
    alice, _ = friends
    before = saved(alice)
    alice.send("Bob", "hello")
    assert saved(alice) == before
    world.pass_time(6)
    assert saved(alice) == before + 1


def test_what_a_crash_lost_is_found_again(world, friends):
    alice, bob = friends
    alice.send("Bob", "hello")
    world.pass_time(6)
    alice.world.wait(alice.node.store.write(lambda c: c.execute("DELETE FROM ack")))
    alice.restart()
    world.pass_time(60)
    assert alice.log("Bob")[0].delivered_to == [bob.device]


def test_others_logs_do_not_matter(world, friends):
    alice, bob = friends
    alice.send("Bob", "mine")
    bob.send("Alice", "his")
    world.pass_time(6)
    own = alice.node.store.reads.execute("SELECT id FROM log WHERE seed IS NOT NULL").fetchall()
    rows = alice.node.store.reads.execute("SELECT log FROM ack").fetchall()
    assert rows and set(rows) <= set(own)


# --- several devices ----------------------------------------------------------------------------------------
def test_a_device_that_never_met_the_contact_knows_who_has_what(world, friends):
    """A2 meets B1 never, and A1 only after A1 has met B1."""
    alice, bob = friends
    world.pass_time(10)
    bob.cut()
    phone = world.add_device(alice, "phone")
    entry = alice.send("Bob", "hello")
    world.pass_time(5)
    (line,) = phone.log("Bob")
    assert (line.state, line.delivered_to, line.devices) == ("waiting", [], 1)
    assert line.carried_by == ["device 1"] and alice.log("Bob")[-1].carried_by == ["phone"]
    assert phone.status().queued == alice.status().queued == 1
    phone.cut()
    bob.restore()
    world.pass_time(20)
    bob.cut()
    phone.restore()
    world.pass_time(20)
    line = phone.log("Bob")[-1]
    assert (line.id, line.state, line.delivered_to, line.carried_by) == (entry, "delivered", [bob.device], [])
    assert phone.status().queued == 0
    assert [e.id for e in phone.heard("delivered") if e.device == bob.device] == [entry]


def test_a_device_that_was_off_hears_through_a_third(world, friends):
    alice, bob = friends
    world.pass_time(10)
    phone, tablet = world.add_device(alice, "phone"), world.add_device(alice, "tablet")
    tablet.cut()
    phone.cut()
    alice.send("Bob", "hello")
    world.pass_time(10)
    phone.restore()
    world.pass_time(20)
    bob.cut()
    alice.cut()
    tablet.restore()
    world.pass_time(20)
    assert tablet.log("Bob")[-1].delivered_to == [bob.device]


def test_each_device_of_the_contact_counts_and_late_ones_do_not(world, friends):
    alice, bob = friends
    world.pass_time(10)
    second = world.add_device(bob, "Bob's phone")
    world.pass_time(10)
    second.cut()
    alice.send("Bob", "hello")
    world.settle()
    line = alice.log("Bob")[-1]
    assert (line.delivered_to, line.devices) == ([bob.device], 2)
    (since,) = alice.node.store.reads.execute(
        "SELECT since FROM announced WHERE device = ?", (second.node.own.device,)
    ).fetchone()
    assert 0 < since < line.time
    job = "UPDATE announced SET since = ? WHERE device = ?"
    world.wait(alice.node.store.write(lambda c: c.execute(job, (line.time + 1, second.node.own.device))))
    assert alice.log("Bob")[-1].devices == 1  # it was linked when that was written already
    third = world.add_device(bob, "Bob's tablet")
    second.restore()
    world.pass_time(120)
    line = next(line for line in alice.log("Bob") if line.text == "hello")
    assert (set(line.delivered_to), line.devices) == ({bob.device, second.device, third.device}, 3)


def test_a_device_that_nobody_saw_for_90_days_holds_nothing_back(world, friends):
    alice, bob = friends
    second = world.add_device(bob, "Bob's phone")
    world.pass_time(10)
    second.cut()
    world.pass_time(10)
    for days, meant in ((89, 2), (91, 1)):
        alice.clock_offset_seconds = bob.clock_offset_seconds = days * 86400.0
        world.pass_time(10)
        bob.restart()
        world.pass_time(10)
        alice.send("Bob", f"after {days} days")
        world.settle()
        assert (len(alice.log("Bob")[-1].delivered_to), alice.log("Bob")[-1].devices) == (1, meant)


def counted(link):
    """What is sent over a link from now on."""
    sent, send = [], link.send
    link.send = lambda records: (sent.extend(records), send(records))[1]
    return sent


def test_who_knows_it_already_is_told_nothing(world, friends):
    alice, _bob = friends
    phone = world.add_device(alice, "phone")
    for n in range(20):
        alice.send("Bob", str(n))
    world.pass_time(20)
    begin, sent = alice.node.deliveries.begin, []

    def begun(link, device):
        sent.append(counted(link))
        begin(link, device)

    alice.node.deliveries.begin = begun
    phone.restart()
    world.pass_time(20)
    kinds = [type(record).__name__ for records in sent for record in records]
    assert kinds.count("DeliveriesAsked") == len(sent) == 1 and "Deliveries" not in kinds


def test_what_changes_is_told_once_and_together(world, friends):
    alice, _bob = friends
    phone = world.add_device(alice, "phone")
    world.pass_time(20)
    sent = counted(alice.node.peers.live[phone.node.own.device])
    for n in range(50):
        alice.send("Bob", str(n))
    world.pass_time(20)
    told = [record for record in sent if type(record).__name__ == "Deliveries"]
    assert len(told) == 1 and len(encode(told[0])) < 400


def test_a_device_of_a_contact_may_not_tell_of_deliveries(world, friends):
    alice, bob = friends
    bob.node.peers.live[alice.node.own.device].send([Deliveries(5, ())])
    world.settle()
    assert not alice.contact("Bob").online


def test_what_a_hostile_own_device_tells_is_bounded(world, friends):
    """A stolen device may lie about deliveries; it cannot fill this one, nor speak of what is yet to be written."""
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    world.pass_time(10)
    link = phone.node.peers.live[alice.node.own.device]
    (log,) = (row[0] for row in alice.node.store.reads.execute(
        "SELECT log.id FROM log JOIN conversation ON conversation.n = log.conversation"
        " WHERE seed IS NOT NULL AND place = 'direct'"
    )) if alice.send("Bob", "one") else ()  # fmt: skip
    world.settle()
    link.send([Deliveries(2**62, (LogDelivered(log, ((b"\x07" * 32, 2**40), (bob.node.own.device, 2**40))),))])
    for start in range(0, 2 * limits.DELIVERIES_UNKNOWN_LOGS_MAX, 256):
        logs = [(n + start).to_bytes(32, "big") for n in range(256)]
        link.send([Deliveries(2**62, tuple(LogDelivered(log, ((b"\x07" * 32, 5),)) for log in logs))])
    devices = [n.to_bytes(32, "big") for n in range(512)]
    link.send([Deliveries(2**62, (LogDelivered(log, tuple((device, 1) for device in devices)),))])
    world.pass_time(10)
    assert saved(alice) <= limits.DELIVERIES_UNKNOWN_LOGS_MAX + limits.DELIVERIES_PER_LOG_MAX + 10
    bob.cut()
    alice.send("Bob", "two")
    assert alice.log("Bob")[-1].state == "waiting" and alice.status().queued == 1
    link = phone.node.peers.live[alice.node.own.device]
    link.send([Deliveries(2**62, tuple(LogDelivered(bytes([n]) * 32, ((b"d" * 32, 1),) * 512) for n in range(2)))])
    world.settle()
    assert phone.node.own.device not in alice.node.peers.live
