"""Asking for the other branch of a log of ours: further down until it hangs on ours, and no more than once."""

from onionchat.crypto.keys import SigningKey
from onionchat.ids import EntryId
from onionchat.log.branches import CLAIM_PREFIX, BranchPull, chains
from onionchat.log.commands import SendRecord
from onionchat.log.entry import Entry
from onionchat.log.frontier import Levels
from onionchat.log.scheduler import RequestScheduler
from onionchat.wire.records import Position, Request
from tests.log.chains import LOG, chain, head_of
from tests.log.desk import CHAT, position

COMMON = chain(10)
OURS = COMMON + chain(5, after=COMMON[-1], tag=b"o")
THEIRS = COMMON + chain(400, after=COMMON[-1], tag=b"t")


class Shelf:
    """Our branch, and what was taken back."""

    def __init__(self) -> None:
        self.taken: set[EntryId] = set()
        self.lacking: set[EntryId] = set()

    def id_at(self, conversation: object, log: object, seq: int) -> EntryId | None:
        return OURS[seq - 1].id if 1 <= seq <= len(OURS) else None

    def is_taken(self, entry: EntryId) -> bool:
        return entry in self.taken

    def is_taken_whole(self, entry: EntryId) -> bool:
        return entry in self.taken - self.lacking


def pull(shelf: Shelf, scheduler: RequestScheduler | None = None, frozen: bool = True) -> BranchPull:
    levels = Levels({LOG: head_of(OURS, frozen=frozen)})
    made = BranchPull(CHAT, shelf, levels, scheduler or RequestScheduler())  # type: ignore[arg-type]
    made.own = frozenset([LOG])
    return made


def asked(branches: BranchPull, now: float = 0.0) -> list[tuple[int, int]]:
    """Ranges of the requests."""
    commands, _ = branches.commands(now)
    records = [command.record for command in commands if isinstance(command, SendRecord)]
    assert all(isinstance(record, Request) and record.log == LOG for record in records)
    return [(record.first, record.last) for record in records if isinstance(record, Request)]


def answer(branches: BranchPull, first: int, last: int, theirs: list[Entry] = THEIRS) -> None:
    assert all(branches.took(entry) for entry in theirs[first - 1 : last])


def test_it_asks_further_down_until_it_hangs() -> None:
    shelf = Shelf()
    branches = pull(shelf)
    branches.peer_position(position(THEIRS))
    assert asked(branches) == [(347, 410)]
    assert asked(branches) == []
    answer(branches, 347, 410)
    assert asked(branches) == [(155, 410)]
    answer(branches, 155, 200)
    assert asked(branches) == [(1, 410)]
    answer(branches, 1, 410)
    assert asked(branches) == []  # it hangs; the gate has it
    shelf.taken.update(entry.id for entry in THEIRS[10:])
    assert asked(branches) == []
    branches.peer_position(position(chain(1, after=THEIRS[-1])))  # the peer has more now
    assert asked(branches) == [(348, 411)]


def test_what_is_taken_back_is_hung_on() -> None:
    shelf = Shelf()
    shelf.taken.update(entry.id for entry in THEIRS[10:350])
    branches = pull(shelf)
    branches.peer_position(position(THEIRS))
    assert asked(branches) == [(347, 410)]
    answer(branches, 347, 410)
    assert asked(branches) == []


def test_a_newest_entry_that_came_as_evidence_is_asked_for_once_with_its_body() -> None:
    shelf = Shelf()
    shelf.taken.update(entry.id for entry in THEIRS[10:])
    shelf.lacking.add(THEIRS[-1].id)
    branches = pull(shelf)
    branches.peer_position(position(THEIRS))
    assert asked(branches) == [(347, 410)]
    answer(branches, 347, 410)
    assert asked(branches) == [] and asked(branches) == []


def test_nothing_is_asked_of_a_peer_with_our_branch_or_an_empty_log() -> None:
    branches = pull(Shelf())
    branches.peer_position(position(OURS[:12]))
    branches.peer_position(Position(LOG, 0, bytes(32)))
    assert asked(branches) == []


def test_only_forked_logs_of_our_own_are_asked_for() -> None:
    branches = pull(Shelf(), frozen=False)
    branches.peer_position(position(THEIRS))
    assert not branches.took(THEIRS[-1]) and asked(branches) == []
    foreign = SigningKey(b"f" * 32)
    branches = pull(Shelf())
    branches.peer_position(position(chain(3, key=foreign)))
    assert asked(branches) == []


def test_the_log_freezes_after_the_position_was_named() -> None:
    branches = pull(Shelf(), frozen=False)
    branches.peer_position(position(THEIRS))
    branches._levels.ours[LOG] = head_of(OURS, frozen=True)
    assert asked(branches) == [(347, 410)]


def test_a_short_branch_is_asked_for_from_its_first_entry() -> None:
    branches = pull(Shelf())
    theirs = chain(3, tag=b"t")
    branches.peer_position(position(theirs))
    assert asked(branches) == [(1, 3)]
    answer(branches, 1, 3, theirs)
    assert asked(branches) == []


def test_an_answer_that_begins_elsewhere_changes_nothing() -> None:
    """A peer whose floor is higher, or one that sends what it likes: it is asked once."""
    branches = pull(Shelf())
    branches.peer_position(position(THEIRS))
    assert asked(branches) == [(347, 410)]
    answer(branches, 360, 410)
    assert asked(branches) == []


def test_one_peer_at_a_time_is_asked() -> None:
    shelf, scheduler = Shelf(), RequestScheduler()
    first, second = pull(shelf, scheduler), pull(shelf, scheduler)
    for branches in (first, second):
        branches.peer_position(position(THEIRS))
    assert asked(first) == [(347, 410)]
    commands, look_again = second.commands(1.0)
    assert commands == [] and look_again == scheduler.free_at(CLAIM_PREFIX + LOG)
    first.stopped()
    assert asked(second, 2.0) == [(347, 410)]


def test_chains_break_where_an_entry_names_another() -> None:
    other = chain(2, after=COMMON[4], tag=b"z")
    assert chains([*COMMON[:3], *other]) == [COMMON[:3], other]
    assert chains([COMMON[0], COMMON[2]]) == [[COMMON[0]], [COMMON[2]]]
    assert chains([]) == []
