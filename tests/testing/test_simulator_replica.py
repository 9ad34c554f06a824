"""One simulated device."""

from onionchat.testing.simulator_replica import CommitWanted, Replica, Send
from onionchat.wire.records import Ack, Batch, ConversationUnknown, Frontier, Position
from tests.log.chains import chain
from tests.log.desk import ANN, CHAT, ME, STRANGER, Desk

ENTRIES = chain(3)


def replica(known: bool = True) -> tuple[Desk, Replica]:
    desk = Desk(known=known)
    return desk, Replica(desk.directory.people[ME], desk.directory, desk.store)


def records(effects: list[object]) -> list[object]:
    return [effect.record for effect in effects if isinstance(effect, Send)]


def test_it_saves_and_then_acknowledges() -> None:
    desk, mine = replica()
    assert isinstance(records(mine.link_opened(1, ANN, 0.0))[0], Frontier)  # type: ignore[arg-type]
    mine.record_received(1, Frontier(CHAT, (Position(ENTRIES[0].log, 0, bytes(32)),)), 0.0)
    effects = mine.record_received(1, Batch(CHAT, tuple(entry.raw for entry in ENTRIES)), 0.0)
    assert effects == [CommitWanted()] and desk.store.shown(CHAT) == []
    done = mine.commit(1)
    assert desk.store.shown(CHAT) == ENTRIES
    assert [type(record) for record in records(mine.after_commit(done, 0.0))] == [Ack]  # type: ignore[arg-type]


def test_a_crash_loses_the_queue_and_keeps_the_disk() -> None:
    desk, mine = replica()
    mine.link_opened(1, ANN, 0.0)
    mine.record_received(1, Frontier(CHAT, ()), 0.0)
    mine.record_received(1, Batch(CHAT, (ENTRIES[0].raw,)), 0.0)
    mine.commit(1)
    mine.record_received(1, Batch(CHAT, (ENTRIES[1].raw,)), 0.0)
    mine.crash()
    assert not mine.commit_waits
    assert desk.store.shown(CHAT) == ENTRIES[:1]


def test_a_conversation_that_we_do_not_share_is_unknown() -> None:
    desk, mine = replica()
    desk.directory.people[STRANGER] = desk.directory.people[ANN]
    mine.link_opened(1, ANN, 0.0)
    other = b"z" * 32
    assert records(mine.record_received(1, Frontier(other, ()), 0.0)) == [ConversationUnknown(other)]  # type: ignore[arg-type]


def test_what_is_written_goes_out_on_all_links() -> None:
    _, mine = replica()
    for link in (1, 2):
        mine.link_opened(link, ANN, 0.0)
        mine.record_received(link, Frontier(CHAT, ()), 0.0)
    _, effects = mine.write(CHAT, b"hello", 0.0, 1000)
    assert sorted(
        effect.link for effect in effects if isinstance(effect, Send) and isinstance(effect.record, Batch)
    ) == [1, 2]
