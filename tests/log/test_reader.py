"""The seams of the sessions: what a reader gives of a log that it does not have."""

from onionchat.ids import LogId
from onionchat.log.reader import LogReader, MembershipReader
from onionchat.testing.simulator_replica import Members
from tests.log.chains import LOG, chain
from tests.log.desk import ANN, CHAT, ME, STRANGER, Desk

UNKNOWN = LogId(b"u" * 32)


def test_a_log_that_is_not_there_gives_nothing() -> None:
    reader: LogReader = Desk(chain(3)).store
    assert reader.read(CHAT, UNKNOWN, 1, 9, 1000) == []
    assert reader.id_at(CHAT, UNKNOWN, 1) is None
    assert list(reader.tombstoned(CHAT, UNKNOWN, 1)) == list(reader.branches(CHAT, UNKNOWN)) == []


def test_reading_stops_at_what_fits() -> None:
    entries = chain(3)
    reader: LogReader = Desk(entries).store
    size = len(entries[0].raw)
    assert reader.read(CHAT, LOG, 1, 3, 2 * size) == [entries[0].raw, entries[1].raw]
    assert reader.read(CHAT, LOG, 1, 3, size - 1) == []
    assert reader.read(CHAT, LOG, 4, 9, 9999) == []


def test_members_are_of_the_rosters() -> None:
    desk = Desk(chain(1))
    members: MembershipReader = Members(desk.directory, desk.directory.people[ME], desk.store)
    assert members.member_account(CHAT, ANN) == desk.directory.people[ANN].account
    assert members.member_account(CHAT, STRANGER) is None
    known = members.known_log(LOG)
    assert known is not None and known.device == ANN
