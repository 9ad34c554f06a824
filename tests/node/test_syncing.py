"""Sync sessions on live links: everything arrives, once, whatever breaks; each conversation for its own people."""

from twisted.internet.defer import Deferred

from onionchat import limits
from onionchat.kinds.chat import Text
from onionchat.log.commands import PrependBlock
from onionchat.net.failure import DialError, DialFailure
from onionchat.testing.nodes import EPOCH_SECONDS
from onionchat.testing.strangers import Stranger
from onionchat.wire.records import Ack, Batch, ConversationUnknown, Frontier, LogOffered, Request, RootDigest

NOW = int(EPOCH_SECONDS * 1000)


def test_what_was_written_apart_meets(world, friends):
    alice, bob = friends
    for _ in range(3):
        bob.cut()
        for number in range(40):
            alice.send("Bob", f"a{number}")
            bob.send("Alice", f"b{number}")
        bob.restore()
        world.pass_time(10)
    ids = [m.id for m in alice.log("Bob", limit=1000)]
    assert len(ids) == len(set(ids)) == 240
    assert ids == [m.id for m in bob.log("Alice", limit=1000)]
    assert alice.status().queued == bob.status().queued == 0


def test_streams_that_break_in_the_middle_lose_nothing(world, friends):
    alice, bob = friends
    sent = []
    for number in range(30):
        sent.append(alice.begin("message.send", name="Bob", text=f"{number} " + "x" * 9000))
        if number % 5 == 4:
            if number % 2:
                world.settle()
            world.network.break_streams(alice.tor)
    world.settle()
    world.pass_time(300)
    assert [m.id for m in bob.log("Alice", limit=100)] == [one.result.id for one in sent]


def test_a_conversation_is_for_its_people(world, friends):
    """Carol, a contact too, asks for the conversation with Bob and offers entries for it."""
    alice, bob = friends
    alice.send("Bob", "between us")
    carol = Stranger(world, 60, "Carol")
    link = carol.connect(alice, carol.meet(alice, "Carol"))
    other = alice.node.book.find("Bob").conversation
    log = alice.node.store.reads.execute(
        "SELECT id FROM log WHERE seed IS NOT NULL AND conversation = (SELECT n FROM conversation WHERE id = ?)",
        (other,),
    ).fetchone()[0]
    for record in (Frontier(other, ()), Request(other, log, 1, 1), Batch(other, ()), Ack(other, ())):
        answers = carol.say(link, record)
        assert answers in ([ConversationUnknown(other)], []), record
    assert not any(isinstance(record, Batch) and record.conversation == other for record in carol.heard)
    assert bob.texts("Alice") == ["between us"]


def begun(actor, other):
    """The conversations that have a session on the link to a device of the same person, and those that are level."""
    syncing = actor.node.syncing
    (state,) = [state for state in syncing._links.values() if state.device == other.node.own.device]
    return set(state.sessions), set(state.level)


def test_own_devices_that_hold_the_same_begin_nothing_until_there_is_something_to_say(world, friends):
    alice, bob = friends
    carol = world.add("Carol")
    world.befriend(alice, carol)
    phone = world.add_device(alice, "phone")
    for friend in (bob, carol):
        friend.send("Alice", "hello")
    world.pass_time(100)
    phone.cut()
    world.pass_time(10)
    phone.restore()
    world.pass_time(5)
    with_bob = alice.node.book.find("Bob").conversation
    for one, other in ((alice, phone), (phone, alice)):
        sessions, level = begun(one, other)
        assert sessions == set() and with_bob in level and len(level) == 3
    alice.send("Bob", "on the road")
    world.settle()
    assert phone.texts("Bob")[-1] == bob.texts("Alice")[-1] == "on the road"
    for one, other in ((alice, phone), (phone, alice)):
        assert begun(one, other)[0] == {with_bob}


def test_what_is_committed_while_digests_are_compared_is_not_left_for_later(world, friends):
    alice, _ = friends
    phone = world.add_device(alice, "phone")
    world.pass_time(100)
    phone.cut()
    world.pass_time(10)
    syncing, held = alice.node.syncing, []
    receive = syncing.record_received

    def hold(link, record):
        if isinstance(record, RootDigest):
            held.append((link, record))
        else:
            receive(link, record)

    syncing.record_received = hold
    phone.restore()
    world.pass_time(5)
    alice.send("notes", "meanwhile")
    assert phone.texts("notes") == []
    for link, record in held:
        receive(link, record)
    world.settle()
    assert phone.texts("notes") == ["meanwhile"]


def test_what_a_contact_sends_to_one_device_goes_on_to_one_that_was_level(world, friends):
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    bob.send("Alice", "hello")
    world.pass_time(100)
    phone.cut()
    reach = world.network.reach

    def not_one_another(dialler, address):
        found = reach(dialler, address)
        if {dialler, found} == {bob.tor, phone.tor}:
            raise DialError(DialFailure.UNREACHABLE)
        return found

    world.network.reach = not_one_another
    phone.restore()
    world.pass_time(10)
    assert begun(alice, phone)[0] == set() and not phone.contact("Bob").online
    sent = [bob.begin("message.send", name="Alice", text=str(number)) for number in range(40)]
    world.settle()
    world.pass_time(2)
    assert [line.id for line in phone.log("Bob", limit=40)] == [one.result.id for one in sent]


def test_a_log_of_somebody_else_is_not_believed(world):
    """Mallory offers a log in Bob's name, in her own conversation."""
    from onionchat.crypto.keys import SigningKey
    from onionchat.log.certificate import make_log_certificate

    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    mallory = Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.open(link, alice)
    key = SigningKey(b"\x0e" * 32)
    forged = make_log_certificate(key, mallory.conversation(alice), bob.node.own.device)
    mallory.say(link, LogOffered(forged, (), False))
    mallory.log_key = key
    mallory.write(Text("I am Bob"), NOW)
    mallory.push(link, alice)
    assert alice.log("Mallory") == [] and alice.texts("Bob") == []
    own = make_log_certificate(SigningKey(b"\x0f" * 32), mallory.conversation(alice), alice.node.own.device)
    mallory.say(link, LogOffered(own, (), False))
    assert alice.node.store.reads.execute(
        "SELECT count(*) FROM log WHERE device = ? AND seed IS NULL", (alice.node.own.device,)
    ).fetchone() == (0,)


def test_nothing_is_acknowledged_before_it_is_on_the_disk(world):
    alice = world.add("Alice")
    mallory = Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.open(link, alice)
    mallory.write(Text("hello"), NOW)
    seen = []
    record_received = alice.node.store.write

    def write(job):
        seen.append([r for r in mallory.heard if isinstance(r, Ack) and mallory.position() in r.positions])
        return record_received(job)

    alice.node.store.write = write
    answers = mallory.push(link, alice)
    assert seen and not seen[0]
    assert any(isinstance(r, Ack) and mallory.position() in r.positions for r in answers)


def test_receiving_twice_changes_nothing(world):
    alice = world.add("Alice")
    mallory = Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.open(link, alice)
    for number in range(3):
        mallory.write(Text(f"line {number}"), NOW + number)
    for _ in range(3):
        mallory.push(link, alice)
    assert alice.texts("Mallory") == ["line 0", "line 1", "line 2"] and not link.closed
    assert len(alice.heard("message")) == 3


def test_a_fork_freezes_the_log_and_is_told(world):
    from onionchat.kinds.fold import body_bytes
    from onionchat.log.entry import NO_ENTRY, Content, make_entry

    alice = world.add("Alice")
    mallory = Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.open(link, alice)
    mallory.write(Text("one thing"), NOW)
    mallory.push(link, alice)
    content = Content(bytes(16), (), "text", 0, body_bytes(Text("another thing")))
    mallory.push(link, alice, [make_entry(mallory.log_key, 1, NO_ENTRY, (NOW, 5), content)])
    assert "another thing" not in alice.texts("Mallory") and "one thing" in alice.texts("Mallory")
    (frozen,) = alice.node.store.reads.execute(
        "SELECT frozen FROM log WHERE id = ?", (mallory.log_key.public,)
    ).fetchone()
    assert frozen


def test_too_many_logs_are_refused(world, monkeypatch):
    from onionchat.crypto.keys import SigningKey
    from onionchat.log.certificate import make_log_certificate

    monkeypatch.setattr(limits, "LOGS_PER_CONVERSATION_MAX", 5)
    alice = world.add("Alice")
    mallory = Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.open(link, alice)
    for number in range(10):
        key = SigningKey(bytes([number + 1]) * 32)
        mallory.say(link, LogOffered(make_log_certificate(key, mallory.conversation(alice), mallory.device), (), False))
    (count,) = alice.node.store.reads.execute("SELECT count(*) FROM log WHERE seed IS NULL").fetchone()
    assert count <= 5
    alice.send("Mallory", "we can still write")


def test_a_block_of_history_does_not_overtake_the_admission_of_its_log(world, friends, monkeypatch):
    """Both come over one link, whose jobs wait for their turn at the gate."""
    alice, bob = friends
    bob.send("Alice", "hello")
    syncing = alice.node.syncing
    (state,) = syncing._links.values()
    (entry,) = [Stranger(world, 61).write(Text("older"), NOW)]
    begun = []
    monkeypatch.setattr(alice.node, "through_gate", lambda job: begun.append(job) or Deferred())
    state.jobs_in_gate = limits.LINK_JOBS_IN_GATE_MAX
    conversation = alice.node.book.find("Bob").conversation
    syncing._carry_out(state, conversation, PrependBlock(conversation, [entry]))
    assert begun == []
    state.jobs_in_gate = 0
    syncing._feed_gate(state)
    assert len(begun) == 1
