"""Digests between own devices."""

from collections.abc import Sequence

from onionchat.ids import ConversationId, DeviceId, LogId
from onionchat.log.commands import Close, SendRecord, StartLevel, StartSync
from onionchat.log.log import LogHead
from onionchat.log.sync_digest import DigestSession, State
from onionchat.wire.records import ConversationDigests, Ping, RootDigest

KEY = b"k" * 32
PEER = DeviceId(b"p" * 32)
ONE, TWO, THREE = (ConversationId(bytes([n]) * 32) for n in (1, 2, 3))


class Books:
    """Heads by conversation: the number stands for the position of one log."""

    def __init__(self, **positions: int) -> None:
        self.forks: dict[ConversationId, bool] = {}  # whether they are settled
        self.positions = {{"one": ONE, "two": TWO, "three": THREE}[name]: seq for name, seq in positions.items()}

    def heads_of_all(self) -> dict[ConversationId, Sequence[LogHead]]:
        return {
            conversation: [
                LogHead(
                    LogId(conversation),
                    seq,
                    seq.to_bytes(32, "big"),  # type: ignore[arg-type]
                    frozen=conversation in self.forks,
                )
            ]
            for conversation, seq in self.positions.items()
        }

    def unsettled(self, peer: DeviceId) -> set[LogId]:
        assert peer == PEER
        return {LogId(conversation) for conversation, is_settled in self.forks.items() if not is_settled}


def meet(ours: Books, theirs: Books) -> tuple[list[object], list[object], int]:
    """Both sides talk until they are done: what each decides, and how many records were sent."""
    sides = [DigestSession(ours, KEY, PEER), DigestSession(theirs, KEY, PEER)]
    out = [side.start() for side in sides]
    decided: list[list[object]] = [[], []]
    sent = 0
    while any(out):
        for number in (0, 1):
            for command in out[number]:
                if isinstance(command, SendRecord):
                    sent += 1
                    out[1 - number] = [*out[1 - number], *sides[1 - number].receive_record(command.record)]
                else:
                    decided[number].append(command)
            out[number] = []
    assert all(side.state is State.DONE for side in sides)
    return decided[0], decided[1], sent


def test_equal_devices_send_one_root_each() -> None:
    ours, theirs, sent = meet(Books(one=3, two=5), Books(two=5, one=3))
    assert ours == theirs == [StartLevel(ONE), StartLevel(TWO)]
    assert sent == 2


def test_only_what_differs_begins_with_frontiers() -> None:
    ours, theirs, sent = meet(Books(one=3, two=5), Books(one=3, two=6))
    assert set(ours) == set(theirs) == {StartLevel(ONE), StartSync(TWO)}
    assert sent == 4


def test_who_has_a_conversation_alone_begins_it() -> None:
    ours, theirs, _ = meet(Books(one=3, two=5), Books(one=3, three=1))
    assert set(ours) == {StartLevel(ONE), StartSync(TWO)}
    assert set(theirs) == {StartLevel(ONE), StartSync(THREE)}


def test_an_empty_log_makes_no_difference() -> None:
    ours, _, sent = meet(Books(one=0), Books(one=0))
    assert ours == [StartLevel(ONE)] and sent == 2


def test_settled_forks_are_level_whatever_the_branch() -> None:
    ours, theirs = Books(one=3, two=5), Books(one=3, two=7)
    ours.forks[TWO] = theirs.forks[TWO] = True
    decided, _, sent = meet(ours, theirs)
    assert decided == [StartLevel(ONE), StartLevel(TWO)] and sent == 2
    theirs.forks[TWO] = False
    decided, _, sent = meet(ours, theirs)
    assert StartSync(TWO) in decided and sent == 4


def test_the_snapshot_stays_as_it_was() -> None:
    books = Books(one=3)
    session = DigestSession(books, KEY, PEER)
    session.start()
    books.positions[ONE] = 4
    assert [head.seq for head in session.heads_of(ONE)] == [3]


def test_misbehaviour_closes() -> None:
    root = RootDigest(bytes(16))
    twice = ConversationDigests(b"1" * 8 + b"2" * 8 + b"1" * 8 + b"3" * 8)
    cut_off = ConversationDigests(b"1" * 8 + b"2" * 7)
    for records in ([ConversationDigests(b"")], [root, root], [root, twice], [root, cut_off], [Ping(1)]):
        session = DigestSession(Books(one=3), KEY, PEER)
        session.start()
        commands = [command for record in records for command in session.receive_record(record)]
        assert isinstance(commands[-1], Close)
        assert session.receive_record(root) == []
