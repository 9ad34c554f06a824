"""What a hostile other end can do to a device that joins: nothing that leaves a profile behind."""

import pytest
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.crypto.vault import Cost
from onionchat.errors import LocalError, RemoteError
from onionchat.identity.account import account_id, make_genesis, make_remove, unsigned_add
from onionchat.identity.link import format_code
from onionchat.node.joining import Joining, JoinState
from onionchat.node.profile import profile_exists
from onionchat.store.own import DeviceKeys
from onionchat.wire.records import (
    Admitted,
    DeviceCard,
    MembershipAccepted,
    MembershipOffered,
    Ready,
    Statements,
)
from tests.node.worlds import counting


class Channel:
    handshake_hash = b"\x05" * 32


class Link:
    """The end of a channel that records what is said."""

    def __init__(self):
        self.channel, self.closed, self.sent, self.reason = Channel(), False, [], ""

    def send(self, records):
        self.sent += records

    def close(self, reason):
        self.closed, self.reason = True, reason


class Tor:
    is_stopped = False

    def start(self):
        pass

    async def stop(self):
        self.is_stopped = True


class Meeting:
    """A device that joins, at the point where both sides have said yes; and the account that it is offered."""

    def __init__(self, folder):
        self.words, self.outcome, self.folder = (), [], folder
        self.clock, self.link, self.tor = Clock(), Link(), Tor()
        code = format_code(SigningKey(b"\x01" * 32).public)
        self.joining = Joining(
            folder, code, "phone", "correct horse", 0, self.clock, self,
            cost=Cost.TESTS, random=counting(3), in_thread=lambda f, *args: maybeDeferred(f, *args),
        )  # fmt: skip
        self.joining.done.addBoth(self.outcome.append)
        self.joining.start(self.tor)
        self.joining.channel_authenticated(self.link)
        self.say(Ready())
        self.joining.confirm(True)
        self.host = DeviceKeys.generate(counting(9))
        self.genesis = make_genesis(self.host.identity, bytes(32), None)
        self.account = account_id(self.genesis)
        self.new = self.joining._keys.identity.public

    def join_progress(self, text):
        pass

    def join_words(self, words):
        self.words = words

    def say(self, record):
        self.joining.record_received(self.link, record)

    def offer(self, **changed):
        told = {
            "account": self.account,
            "unsigned": unsigned_add(self.account, (self.account,), self.new, self.host.identity.public),
            "cards": (DeviceCard(self.host.certificate, b"\x02" * 32),),
        } | changed
        return MembershipOffered(**told)


@pytest.fixture
def meeting(tmp_path):
    return Meeting(tmp_path / "p")


def test_the_good_way(meeting):
    assert len(meeting.words) == 6
    meeting.say(Statements(meeting.account, (meeting.genesis,)))
    meeting.say(meeting.offer())
    assert isinstance(meeting.link.sent[-1], MembershipAccepted) and profile_exists(meeting.folder)
    meeting.say(Admitted(b"x"))
    assert meeting.outcome == [JoinState.JOINED] and meeting.tor.is_stopped


def test_membership_that_does_not_fit_is_refused_before_anything_is_made(meeting):
    other = DeviceKeys.generate(counting(10))
    heads = (meeting.account,)
    meeting.say(Statements(meeting.account, (meeting.genesis,)))
    for bad in (
        meeting.offer(
            unsigned=unsigned_add(meeting.account, heads, other.identity.public, meeting.host.identity.public)
        ),
        meeting.offer(unsigned=unsigned_add(meeting.account, heads, meeting.new, other.identity.public)),
        meeting.offer(unsigned=b"junk"),
        meeting.offer(account=b"\x09" * 32),
        meeting.offer(cards=()),
        meeting.offer(cards=(DeviceCard(other.certificate, b"\x02" * 32),)),
        meeting.offer(cards=(DeviceCard(b"junk", b"\x02" * 32),)),
    ):
        with pytest.raises(RemoteError):
            meeting.say(bad)
        assert not profile_exists(meeting.folder)
        assert not any(isinstance(record, MembershipAccepted) for record in meeting.link.sent)


def test_an_account_whose_devices_fight_is_not_joined(meeting):
    other = DeviceKeys.generate(counting(11))
    removal = make_remove(
        meeting.account, (meeting.account,), meeting.host.identity.public, "retired", (), (), other.identity
    )
    own_end = make_remove(
        meeting.account, (meeting.account,), meeting.host.identity.public, "retired", (), (), meeting.host.identity
    )
    meeting.say(Statements(meeting.account, (meeting.genesis, removal, own_end)))
    with pytest.raises(RemoteError):
        meeting.say(meeting.offer())
    assert not profile_exists(meeting.folder)


@pytest.mark.parametrize("record", [Admitted(b"x"), MembershipAccepted(b"\0" * 64, b"\0" * 32)])
def test_nothing_counts_at_the_wrong_time(meeting, record):
    with pytest.raises(RemoteError):
        meeting.say(record)


def test_nothing_of_an_account_is_taken_before_the_yes(tmp_path):
    meeting = Meeting(tmp_path / "q")
    meeting.joining._said_yes = False
    for record in (Statements(meeting.account, (meeting.genesis,)), meeting.offer()):
        with pytest.raises(RemoteError):
            meeting.say(record)


def test_statements_without_end_are_refused(meeting):
    with pytest.raises(RemoteError):
        for _ in range(3):
            meeting.say(Statements(meeting.account, (meeting.genesis,) * (limits.STATEMENTS_PER_ACCOUNT_MAX // 2)))


def test_a_disk_that_fails_links_nothing(meeting):
    def fail(*_):
        raise OSError("no space")

    meeting.joining._make = fail
    meeting.say(Statements(meeting.account, (meeting.genesis,)))
    meeting.say(meeting.offer())
    assert isinstance(meeting.outcome[0].value, LocalError) and meeting.link.reason == "error"
    assert not any(isinstance(record, MembershipAccepted) for record in meeting.link.sent)


def test_a_cancelled_one_is_over(meeting):
    meeting.joining.cancel()
    assert isinstance(meeting.outcome[0].value, LocalError) and meeting.tor.is_stopped
    meeting.joining.confirm(True)
    meeting.clock.advance(2 * limits.LINK_CODE_SECONDS)
