"""What docs/threat-model.md says that a contact learns, and nothing beside it."""

from pathlib import Path

from onionchat.codec import encode
from onionchat.kinds.chat import Text
from onionchat.testing.hostile import NOW_MS, Hostile
from onionchat.testing.leaks import Secrets
from onionchat.testing.nodes import Actor, World
from onionchat.wire.frame import encode_frame
from onionchat.wire.records import AnyRecord, Ready

OTHERS = ("Quokkabella", "Zeppelinus", "Xylophonia")


def sent_bytes(world: World, actor: Actor) -> int:
    """All that an actor's Tor was ever given to send."""
    dialled = sum(len(stream.near.written) for stream in world.network.streams if stream.dialler is actor.tor)
    taken = sum(len(stream.far.written) for stream in world.network.streams if stream.owner is actor.tor)
    return dialled + taken


def test_whether_it_was_read_is_told_to_nobody(world: World, friends: tuple[Actor, Actor]) -> None:
    alice, bob = friends
    sent = alice.send("Bob", "did you read this?")
    assert [line.state for line in alice.log("Bob") if line.id == sent] == ["delivered"]
    before = sent_bytes(world, bob)
    bob.do("message.read", name="Alice")
    assert bob.contact("Alice").unread == 0
    world.pass_time(10)
    assert sent_bytes(world, bob) == before
    alice.send("Bob", "and this?")
    assert sent_bytes(world, bob) > before, "what is sent is counted"


def told_to_a_new_contact(folder: Path, others: tuple[str, ...]) -> tuple[list[AnyRecord], list[int], int, Secrets]:
    """What Mallory hears until she is level with Alice; the lengths; Alice's keys in Tor; what must not be there."""
    folder.mkdir()
    world = World(folder)
    alice = world.add("Alice")
    secrets: dict[str, bytes | str] = {}
    for name in others:
        friend = world.add(name)
        world.befriend(alice, friend)
        alice.send(name, f"{name}, this is between us")
        own = friend.node.own
        secrets |= {name: name, f"{name}'s account": own.account, f"{name}'s device": own.device}
        secrets[f"{name}'s address"] = friend.address
        secrets[f"talk with {name}"] = alice.node.book.find(name).conversation
    mallory = Hostile(world)
    victim = mallory.befriend(alice.do("invite.create", accept_as="Mallory").link)
    link = mallory.arrive(victim)
    mallory.begin(link, victim)
    mallory.write(Text("whom else do you know?"), NOW_MS)
    mallory.push(link, alice)
    alice.send("Mallory", "nobody")
    world.pass_time(120)
    keys = len(alice.tor.onions.own[alice.address].client_keys)
    heard = list(mallory.heard)
    world.stop()
    assert world.faults == []
    return heard, [sum(map(len, encode_frame([record]))) for record in heard], keys, Secrets(secrets)


def test_a_contact_learns_neither_who_the_others_are_nor_how_many(tmp_path: Path) -> None:
    alone, alone_sizes, alone_keys, _ = told_to_a_new_contact(tmp_path / "alone", ())
    heard, sizes, keys, secrets = told_to_a_new_contact(tmp_path / "known", OTHERS)
    assert Ready() in heard and len(heard) > 6
    assert [type(record) for record in heard] == [type(record) for record in alone]
    assert sizes == alone_sizes
    assert keys == alone_keys, "a descriptor has as many keys for many contacts as for one"
    assert secrets.in_bytes(b"".join(map(encode, heard))) == []


def test_a_blocked_contact_is_turned_away_as_unknown(world: World) -> None:
    alice, mallory = world.add("Alice"), Hostile(world)
    victim = mallory.befriend(alice.do("invite.create", accept_as="Mallory").link)
    mallory.arrive(victim)
    alice.do("contact.block", id=mallory.id)
    assert mallory.ends[-1] == "the other side said goodbye: done"
    before = len(mallory.heard)
    late = mallory.dial_device(alice)  # with a key that it has stolen
    assert mallory.say(late, Ready()) == [] and len(mallory.heard) == before
    assert mallory.ends[-1] == "the other side said goodbye: unknown"


def test_who_finds_an_introduced_one_s_link_still_has_to_be_accepted(world: World) -> None:
    """A device makes a link when a contact asks for one, without asking its user; that is no acceptance."""
    alice, bob, carol = (world.add(name) for name in ("Alice", "Bob", "Carol"))
    world.befriend(bob, alice)
    world.befriend(bob, carol)
    bob.do("contact.introduce", name="Carol", to="Alice")
    world.pass_time(10)
    links = [i for i in carol.node.book.invitations.values() if i.for_contact]
    assert len(links) == 1 and not links[0].accept_as
    assert "Alice" not in {contact.name for contact in carol.do("contact.list")}


def test_no_remote_text_becomes_a_path(world: World, tmp_path: Path) -> None:
    """A name, a greeting, a message, a kind: whatever they say, the same files are there."""
    alice = world.add("Alice")
    link = alice.do("invite.create", open=True).link
    before = {path for path in tmp_path.rglob("*") if not path.name.endswith(("-wal", "-shm"))}
    for number, path in enumerate(("../../../../tmp/owned", "/etc/cron.d/owned", "onionchat.db", "key", "C:\\owned")):
        mallory = Hostile(world, 500 + number, path)
        mallory.say(mallory.dial_link(link), mallory.request(path))
        alice.do("request.accept", id=mallory.id)
        mallory.write(Text(path), NOW_MS)
        mallory.write_raw("file", path.encode(), NOW_MS + 1)
    world.settle()
    assert {path for path in tmp_path.rglob("*") if not path.name.endswith(("-wal", "-shm"))} == before
    assert not Path("/tmp/owned").exists()
