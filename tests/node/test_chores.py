"""Every few seconds: what expires goes, also after the program was off; who had used up its room may write again."""

from onionchat.node.chores import CHORES_SECONDS


def test_what_expires_goes_while_it_runs(world, friends):
    alice, bob = friends
    alice.send("Bob", "for a minute", expires_seconds=60)
    alice.send("Bob", "for ever")
    world.pass_time(50)
    assert bob.texts("Alice")[-2:] == ["for a minute", "for ever"]
    world.pass_time(10 + CHORES_SECONDS)
    for one, name in ((alice, "Bob"), (bob, "Alice")):
        assert "for a minute" not in one.texts(name) and one.texts(name)[-1] == "for ever"


def test_what_expired_meanwhile_is_gone_before_anybody_looks(world, friends):
    alice, bob = friends
    alice.send("Bob", "for a minute", expires_seconds=60)
    world.settle()
    bob.stop()
    world.pass_time(120)
    bob.start()
    assert "for a minute" not in bob.texts("Alice") and bob.do("message.search", query="minute") == []


def test_none_are_done_while_locked(world, friends):
    alice, _ = friends
    world.wait(alice.node.lock())
    world.pass_time(10 * CHORES_SECONDS)
    assert not alice.node.is_unlocked


def test_more_room_lets_a_contact_write_again(world, friends):
    alice, bob = friends
    alice.do("contact.quota", name="Bob", size_bytes=1024 * 1024)
    for _ in range(60):
        bob.send("Alice", "x" * 30_000)
    world.pass_time(30)
    got = sum(text.startswith("x") for text in alice.texts("Bob"))
    assert got < 60 and any("used up its room" in text for text in alice.texts("Bob"))
    alice.do("contact.quota", name="Bob", size_bytes=1024**3)
    world.pass_time(30)
    assert sum(line.text.startswith("x") for line in alice.log("Bob", limit=200)) == 60
