"""What others have of our logs: known at once, on the disk soon, there after a restart."""


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
    own = alice.node.store.reads.execute("SELECT n FROM log WHERE seed IS NOT NULL").fetchall()
    rows = alice.node.store.reads.execute("SELECT log FROM ack").fetchall()
    assert rows and set(rows) <= set(own)
