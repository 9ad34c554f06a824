"""Messages between two nodes, through the API: both sides see the same, in the same order."""

import pytest

from onionchat import limits
from onionchat.api.conversations import check_text
from onionchat.errors import LocalError, UsageError
from onionchat.kinds import account as kinds
from onionchat.kinds import chat
from onionchat.testing.nodes import EPOCH_SECONDS
from onionchat.testing.strangers import Stranger
from onionchat.text import safe_text

NOW = int(EPOCH_SECONDS * 1000)
NASTY = "\x1b[2J\u202eevil\u200b\u2066\x07\x9b31m\ttext\u0000\rafter"


def size(actor, query="SELECT count(*) FROM entry"):
    """One number of the database."""
    return actor.node.store.reads.execute(query).fetchone()[0]


# --- sending ------------------------------------------------------------------------------------------------
def test_both_see_the_same(world, friends):
    alice, bob = friends
    for number in range(6):
        (alice if number % 2 else bob).send("Bob" if number % 2 else "Alice", f"line {number}")
        world.pass_time(1)
    assert alice.texts("Bob") == bob.texts("Alice") == [f"line {n}" for n in range(6)]
    assert [m.id for m in alice.log("Bob")] == [m.id for m in bob.log("Alice")]
    assert [m.sender for m in alice.log("Bob")] == ["Bob", "me"] * 3


def test_order_is_equal_after_a_partition(world, friends):
    alice, bob = friends
    bob.cut()
    bob.clock_offset_seconds = -90  # clocks of honest machines differ
    for number in range(5):
        alice.send("Bob", f"a{number}")
        bob.send("Alice", f"b{number}")
        world.pass_time(7)
    bob.restore()
    world.pass_time(30)
    assert [m.id for m in alice.log("Bob")] == [m.id for m in bob.log("Alice")]
    assert len(alice.log("Bob")) == 10
    assert any(m.late for m in alice.log("Bob") + bob.log("Alice"))


def test_the_states_of_a_message(world, friends):
    alice, bob = friends
    bob.cut()
    alice.send("Bob", "hello")
    (line,) = alice.log("Bob")
    assert (line.state, line.delivered_to, line.devices) == ("waiting", [], 1) and alice.status().queued == 1
    bob.restore()
    (line,) = alice.log("Bob")
    assert (line.state, line.delivered_to) == ("delivered", [bob.device]) and alice.status().queued == 0
    assert bob.log("Alice")[0].state == "received"


TOO_LONG = limits.TEXT_MAX_BYTES + 1


@pytest.mark.parametrize("text", ["", "  \n ", "x" * TOO_LONG, "é" * (TOO_LONG // 2 + 1), "half a pair: \ud83d"])
def test_texts_that_cannot_be_sent(world, friends, text):
    alice, _ = friends
    count = size(alice)
    for call in (lambda: alice.send("Bob", text), lambda: check_text(text)):
        with pytest.raises(LocalError, match=r"empty|too long|not valid"):
            call()
    assert size(alice) == count


def test_the_longest_text(world, friends):
    alice, bob = friends
    alice.send("Bob", "x" * limits.TEXT_MAX_BYTES)
    assert bob.texts("Alice") == ["x" * limits.TEXT_MAX_BYTES]


def test_hostile_text_is_safe_at_both_ends(world, friends):
    alice, bob = friends
    entry = alice.send("Bob", "before " + NASTY)
    alice.send("Bob", NASTY, reply_to=entry)
    bob.do("message.react", name="Alice", id=entry, emoji="\u202e👍")
    lines = [*alice.log("Bob"), *bob.log("Alice"), *bob.do("message.search", query="before")]
    for line in lines:
        for text in (line.text, line.reply_text, *(r.emoji for r in line.reactions)):
            assert safe_text(text) == text and "\x1b" not in text and "\u202e" not in text
    for event in (*alice.events, *bob.events):
        assert "\x1b" not in str(event) and "\u202e" not in str(event)
    (conversation,) = [c for c in bob.do("conversation.list") if c.name == "Alice"]
    assert safe_text(conversation.last_line) == conversation.last_line and "\n" not in conversation.last_line


def test_to_a_compromised_contact_only_with_force(world, friends):
    alice, bob = friends
    alice.do("contact.trust", name="Bob", trust="compromised")
    with pytest.raises(LocalError, match="compromised"):
        alice.send("Bob", "hello")
    alice.send("Bob", "hello", force=True)
    assert bob.texts("Alice") == ["hello"]


def test_to_a_blocked_contact_nothing_is_sent(world, friends):
    alice, _ = friends
    alice.do("contact.block", id="Bob")
    with pytest.raises(LocalError, match="blocked"):
        alice.send("Bob", "hello", force=True)


def test_notes_to_oneself(world, friends):
    alice, bob = friends
    count = len(bob.events)
    alice.send("Notes", "buy milk")
    assert alice.texts("notes") == ["buy milk"] and alice.log("Notes")[0].state == "delivered"
    assert [c.name for c in alice.do("conversation.list")] == ["Notes", "Bob"]
    assert len(bob.events) == count


def test_who_is_not_there(world, friends):
    alice, _ = friends
    for method, params in (("message.send", {"text": "x"}), ("message.log", {}), ("message.read", {})):
        with pytest.raises(LocalError, match="no contact called"):
            alice.do(method, name="\x1b[2Jnobody", **params)


# --- replies, edits, reactions, retractions -----------------------------------------------------------------
def test_replies(world, friends):
    alice, bob = friends
    first = alice.send("Bob", "What time?")
    bob.send("Alice", "At four", reply_to=first[:10])
    line = alice.log("Bob")[-1]
    assert (line.reply_to, line.reply_text, line.reply_from) == (first, "What time?", "me")
    with pytest.raises(LocalError, match="no such message"):
        alice.send("Bob", "x", reply_to="a" * 52)


def test_edits(world, friends):
    alice, bob = friends
    entry = alice.send("Bob", "helo")
    alice.do("message.edit", name="Bob", id=entry, text="hello")
    for line in (alice.log("Bob")[0], bob.log("Alice")[0]):
        assert (line.text, line.edited) == ("hello", True)
    assert bob.do("message.search", query="helo") == [] and len(bob.do("message.search", query="hello")) == 1
    with pytest.raises(LocalError, match="own messages"):
        bob.do("message.edit", name="Alice", id=entry, text="goodbye")


def test_reactions(world, friends):
    alice, bob = friends
    entry = alice.send("Bob", "hello")
    for actor, other, emoji in ((bob, "Alice", "👍"), (alice, "Bob", "👍"), (bob, "Alice", "🎉")):
        actor.do("message.react", name=other, id=entry, emoji=emoji)
    assert {r.emoji: r.by for r in alice.log("Bob")[0].reactions} == {"👍": ["me"], "🎉": ["Bob"]}
    bob.do("message.react", name="Alice", id=entry, emoji="")
    assert [r.emoji for r in bob.log("Alice")[0].reactions] == ["👍"]
    for emoji in ("two words", "x" * 65):
        with pytest.raises(UsageError):
            bob.do("message.react", name="Alice", id=entry, emoji=emoji)


def test_taking_back(world, friends):
    alice, bob = friends
    entry = alice.send("Bob", "a secret word")
    with pytest.raises(LocalError, match="own messages"):
        bob.do("message.retract", name="Alice", id=entry)
    alice.do("message.retract", name="Bob", id=entry)
    for actor, other in ((alice, "Bob"), (bob, "Alice")):
        (line,) = actor.log(other)
        assert line.retracted and line.text == "(taken back)" and not line.withheld
        assert actor.do("message.search", query="secret") == []
        assert actor.node.store.reads.execute("SELECT 1 FROM entry WHERE instr(content, 'a secret')").fetchone() is None
    with pytest.raises(LocalError, match="own messages"):
        alice.do("message.edit", name="Bob", id=entry, text="again")


def contact(world, alice):
    """Somebody who says what the test wants, connected with Alice."""
    stranger = Stranger(world)
    link = stranger.connect(alice, stranger.meet(alice))
    stranger.open(link, alice)
    return stranger, link


def test_marks_by_another_than_the_author_change_nothing(world):
    alice = world.add("Alice")
    stranger, link = contact(world, alice)
    mine = alice.send("Mallory", "my words")
    target = alice.node.store.reads.execute("SELECT header FROM entry WHERE mine AND shown").fetchone()[0]
    from onionchat.store.messages import id_of

    entry = id_of(target)
    stranger.write(chat.Edit(entry, "forged words"), NOW + 1)
    stranger.write(chat.Retract(entry), NOW + 2)
    stranger.push(link, alice)
    line = alice.log("Mallory")[0]
    assert (line.id, line.text, line.edited, line.retracted) == (mine, "my words", False, False)
    assert alice.do("message.search", query="forged") == []


def test_what_cannot_be_used_harms_nothing(world):
    """Unknown kinds, garbage, kinds of *self*: kept and acknowledged; unknown kinds are shown for what they are."""
    alice = world.add("Alice")
    stranger, link = contact(world, alice)
    account = alice.node.own.account
    stranger.write_raw("hologram", b"\x01", NOW)
    stranger.write_raw("text", b"garbage", NOW + 1)
    stranger.write(kinds.TrustSet(stranger.account, "validated"), NOW + 2)
    stranger.write(kinds.Setting("name", "Mallory"), NOW + 3)
    stranger.write(kinds.Contact(account, "Mallory", "", "active", 1), NOW + 4)
    stranger.write(chat.Text("and a word"), NOW + 5)
    stranger.push(link, alice)
    assert not link.closed
    assert [(m.kind, m.text) for m in alice.log("Mallory")] == [
        ("newer", "(from a newer version of onionchat)"), ("text", "and a word")]  # fmt: skip
    assert alice.status().name == "Alice" and alice.contact("Mallory").trust == "unvalidated"


def test_a_broken_signature_is_refused_and_nothing_is_kept(world):
    import msgspec

    alice = world.add("Alice")
    stranger, link = contact(world, alice)
    entry = stranger.write(chat.Text("hello"), NOW)
    broken = msgspec.structs.replace(entry, signature=bytes(64))
    stranger.push(link, alice, [broken])
    assert link.closed and alice.log("Mallory") == []


def test_a_clock_that_is_far_ahead_is_marked(world):
    alice = world.add("Alice")
    stranger, link = contact(world, alice)
    stranger.write(chat.Text("from the future"), NOW + 3600_000)
    stranger.push(link, alice)
    alice.send("Mallory", "now")
    assert [(m.text, m.future) for m in alice.log("Mallory")] == [("now", False), ("from the future", True)]
    world.pass_time(3700)
    assert [m.future for m in alice.log("Mallory")] == [False, False]


def test_earlier_messages_that_are_missing_are_marked(world):
    alice = world.add("Alice")
    stranger, link = contact(world, alice)
    from onionchat.kinds.fold import body_bytes
    from onionchat.log.entry import NO_ENTRY, Content, make_entry

    body = chat.Text("an answer")
    content = Content(bytes(16), (b"\x07" * 32,), "text", 0, body_bytes(body))
    entry = make_entry(stranger.log_key, 1, NO_ENTRY, (NOW, 0), content)
    stranger.push(link, alice, [entry])
    assert alice.log("Mallory")[0].missing_before


# --- disappearing ---------------------------------------------------------------------------------------------
def test_a_message_disappears_on_both_sides(world, friends):
    alice, bob = friends
    entry = alice.send("Bob", "in a minute I am gone", expires_seconds=60)
    alice.do("message.edit", name="Bob", id=entry, text="in a moment I am gone")
    assert bob.log("Alice")[0].expires == alice.log("Bob")[0].expires
    world.pass_time(70)
    for actor, other in ((alice, "Bob"), (bob, "Alice")):
        (line,) = actor.log(other)
        assert (line.text, line.withheld) == ("(disappeared)", False)
        found = "SELECT count(*) FROM entry WHERE instr(content, 'I am gone')"
        assert size(actor, found) == 0 and actor.do("message.search", query="gone") == []
        assert [e for e in actor.heard("changed") if e.conversation == other]


def test_it_disappears_by_the_wall_clock_and_while_off(world, friends):
    alice, bob = friends
    alice.send("Bob", "gone tomorrow", expires_seconds=86400)
    bob.stop()
    bob.clock_offset_seconds += 2 * 86400
    bob.start()
    world.pass_time(6)
    assert bob.texts("Alice") == ["(disappeared)"] and alice.texts("Bob") == ["gone tomorrow"]


def test_what_comes_after_its_time_is_not_kept(world, friends):
    alice, bob = friends
    bob.cut()
    alice.send("Bob", "too late", expires_seconds=60)
    world.pass_time(120)
    bob.restore()
    world.pass_time(60)
    assert bob.texts("Alice") == []  # nobody saw that there was anything
    assert size(bob, "SELECT count(*) FROM entry WHERE instr(content, 'too late')") == 0
    assert alice.log("Bob")[0].text == "(disappeared)"


def test_the_timer(world, friends):
    alice, bob = friends
    alice.do("conversation.timer", name="Bob", seconds=3600)
    bob.send("Alice", "short-lived")
    assert bob.log("Alice")[-1].expires is not None
    assert [c.timer_seconds for c in bob.do("conversation.list") if c.name == "Alice"] == [3600]
    assert bob.log("Alice")[0].text == "disappearing messages: 1 h" and bob.log("Alice")[0].kind == "timer"
    bob.do("conversation.timer", name="Alice")
    alice.send("Bob", "for ever")
    assert alice.log("Bob")[-1].expires is None


# --- reading, unread --------------------------------------------------------------------------------------------
def test_unread_and_read(world, friends):
    alice, bob = friends
    ids = [alice.send("Bob", f"line {n}") for n in range(4)]
    assert bob.contact("Alice").unread == bob.status().unread == 4 and alice.contact("Bob").unread == 0
    bob.do("message.read", name="Alice", id=ids[1])
    assert bob.contact("Alice").unread == 2
    assert [m.unread for m in bob.log("Alice")] == [False, False, True, True]
    bob.do("message.read", name="Alice", id=ids[0])  # marks only grow
    assert bob.contact("Alice").unread == 2
    bob.do("message.read", name="Alice")
    count = size(bob)
    bob.do("message.read", name="Alice")
    assert bob.contact("Alice").unread == 0 and size(bob) == count
    bob.restart()
    assert bob.contact("Alice").unread == 0


def test_pages(world, friends):
    alice, bob = friends
    ids = [alice.send("Bob", f"line {n}") for n in range(9)]
    texts = [f"line {n}" for n in range(9)]

    def page(**params):
        return [m.text for m in bob.log("Alice", **params)]

    assert page(limit=3) == texts[-3:]
    assert page(limit=2, before=ids[4]) == texts[2:4] and page(limit=2, after=ids[4]) == texts[5:7]
    assert page(limit=3, around=ids[4]) == texts[3:6]
    cursor = bob.log("Alice")[5].cursor
    assert page(since=cursor) == texts[6:]
    with pytest.raises(UsageError):
        page(before=ids[0], after=ids[1])
    with pytest.raises(LocalError):
        page(before="a" * 52)


def test_search(world, friends):
    alice, _ = friends
    for text in ("marmalade sandwich", "orange marmalade", "bread"):
        alice.send("Bob", text)
    alice.send("Notes", "buy marmalade")
    assert [m.text for m in alice.do("message.search", query="marma*")] == [
        "buy marmalade", "orange marmalade", "marmalade sandwich"]  # fmt: skip
    assert [m.conversation for m in alice.do("message.search", query="marmalade")] == ["Notes", "Bob", "Bob"]
    assert len(alice.do("message.search", query='"orange marmalade"', name="Bob")) == 1
    for query in ('"', "NEAR(", "*", 'a" OR "b', "x" * 5000, "\x00", "col:x", "-x", "(("):
        try:
            alice.do("message.search", query=query)
        except LocalError:
            continue


# --- forgetting -----------------------------------------------------------------------------------------------
def test_forgetting_is_one_sided(world, friends):
    alice, bob = friends
    entry = alice.send("Bob", "a secret word")
    done = bob.do("message.forget", name="Alice", ids=[entry])
    assert (done.count, done.unsent) == (1, 0)
    assert bob.texts("Alice") == ["(forgotten)"] and alice.texts("Bob") == ["a secret word"]
    bob.restart()
    world.pass_time(60)
    assert bob.texts("Alice") == ["(forgotten)"] and bob.log("Alice")[0].forgotten
    assert bob.do("message.search", query="secret") == []


def test_forgetting_what_is_unsent_withdraws_it(world, friends):
    alice, bob = friends
    alice.send("Bob", "sent")
    bob.cut()
    entry = alice.send("Bob", "regretted")
    done = alice.do("message.forget", name="Bob", ids=[entry])
    assert (done.count, done.unsent) == (1, 1)
    bob.restore()
    world.pass_time(60)
    assert bob.texts("Alice")[0] == "sent" and "regretted" not in "".join(bob.texts("Alice"))
    assert bob.node.store.reads.execute("SELECT 1 FROM entry WHERE instr(content, 'regretted')").fetchone() is None
    assert alice.log("Bob")[1].forgotten or alice.log("Bob")[1].retracted


def test_forgetting_without_withdrawing(world, friends):
    alice, bob = friends
    bob.cut()
    entry = alice.send("Bob", "kept by nobody")
    alice.do("message.forget", name="Bob", ids=[entry], withdraw=False)
    bob.restore()
    world.pass_time(60)
    assert [m.withheld for m in bob.log("Alice")] in ([True], [])


def test_forgetting_all_before_a_time(world, friends):
    alice, bob = friends
    for number in range(4):
        alice.send("Bob", f"line {number}")
        world.pass_time(10)
    middle = bob.log("Alice")[2].time
    assert bob.do("message.forget", name="Alice", before=middle).count == 2
    assert bob.texts("Alice") == ["(forgotten)", "(forgotten)", "line 2", "line 3"]
    for params in ({}, {"ids": [bob.log("Alice")[0].id], "before": middle}):
        with pytest.raises(UsageError):
            bob.do("message.forget", name="Alice", **params)


def test_notices_can_be_forgotten(world, friends):
    alice, _ = friends
    alice.do("contact.trust", name="Bob", trust="validated")
    (notice,) = alice.log("Bob")
    assert (notice.kind, notice.sender) == ("notice", "")
    alice.do("message.forget", name="Bob", ids=[notice.id])
    assert alice.log("Bob") == []


# --- drafts, quotas ---------------------------------------------------------------------------------------------
def test_drafts_are_kept_and_told_to_nobody(world, friends):
    alice, bob = friends
    alice.do("conversation.draft", name="Bob", text="Dear B")
    alice.restart()
    assert [c.draft for c in alice.do("conversation.list") if c.name == "Bob"] == ["Dear B"]
    count = size(alice)
    alice.do("conversation.draft", name="Bob", text="Dear B")
    assert size(alice) == count
    world.pass_time(10)
    assert bob.texts("Alice") == []


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("conversation.draft", {"name": "Bob", "text": "\ud800"}),
        ("contact.add", {"greeting": "\ud800"}),
        ("setting.set", {"key": "theme", "value": "\ud800"}),
        ("setting.set", {"key": "\ud800", "value": "dark"}),
        ("message.react", {"name": "Bob", "emoji": "\ud800"}),
        ("contact.rename", {"name": "Bob", "new": "\ud800"}),
        ("contact.get", {"name": "\ud800"}),
        ("message.search", {"query": "\ud800"}),
    ],
)
def test_half_a_surrogate_pair_is_refused_in_words(world, friends, method, params):
    alice, bob = friends
    if method == "contact.add":
        params = {**params, "link": bob.do("invite.create").link}
    if method == "message.react":
        params = {**params, "id": alice.send("Bob", "hello")}
    with pytest.raises(LocalError) as refused:
        alice.do(method, **params)
    assert str(refused.value).encode()


def test_a_quota_stops_a_contact_and_loses_nothing(world, friends):
    alice, bob = friends
    alice.do("contact.quota", name="Bob", size_bytes=1024 * 1024)
    sent = [bob.send("Alice", f"{n:04} " + "x" * 30_000) for n in range(50)]
    assert len(alice.log("Bob", limit=100)) < 45
    assert [m.text for m in alice.log("Bob", limit=100) if m.kind == "notice"] != []
    assert alice.contact("Bob").quota_used_bytes > 900_000 and bob.status().queued > 5
    alice.restart()
    world.pass_time(120)
    assert len([m for m in alice.log("Bob", limit=100) if m.kind == "notice"]) <= 2
    alice.do("contact.quota", name="Bob", size_bytes=4 * 1024 * 1024)
    world.pass_time(300)
    assert [m.id for m in alice.log("Bob", limit=100) if m.kind == "text"] == sent
    assert bob.status().queued == 0
