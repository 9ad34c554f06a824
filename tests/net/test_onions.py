"""Onions are published, lost without a word, mended, and known to be reachable or not."""

import pytest
from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.task import Clock

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import LocalError, TorError
from onionchat.ids import onion_address
from onionchat.net.control import connect_control
from onionchat.net.discovery import DiscoveryKeys
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.onions import UPLOAD_WAIT_SECONDS, UPLOADS_ENOUGH, OnionService, OnionServices, OnionState
from onionchat.net.torprofile import profile_text
from onionchat.testing.controlfilter import FilterRules
from onionchat.testing.memory import settle
from onionchat.testing.simulatedtor import TorInMemory

KEY = SigningKey(bytes(range(32)))
ADDRESS = onion_address(KEY.public)
CLIENT = ExchangeKey(bytes([7]) * 32)
OPEN = OnionService(ADDRESS, KEY.expanded(), 16600)
RESTRICTED = OnionService(ADDRESS, KEY.expanded(), 16600, (CLIENT.public,), CLIENT.private)


class World:
    """A Tor in memory and our onions; probes end as `probe_result` says."""

    def __init__(self, rules=None):
        self.clock = Clock()
        self.tor = TorInMemory(self.clock, rules)
        self.states = []
        self.probe_result = None
        self.probes = []
        self.keys = DiscoveryKeys()
        self.onions = OnionServices(self.clock, self.keys, self.probe, lambda a, state: self.states.append(state))

    @property
    def simulated(self):
        return self.tor.simulated

    def probe(self, address):
        self.probes.append(address)
        if self.probe_result is None:
            return Deferred()
        return succeed(None) if self.probe_result is True else fail(DialError(self.probe_result))

    def start(self, coroutine):
        results = []
        ensureDeferred(coroutine).addBoth(results.append)
        settle(self.clock)
        return results

    def run(self, coroutine):
        (result,) = self.start(coroutine)
        if hasattr(result, "raiseException"):
            result.raiseException()
        return result

    def connect(self):
        self.control = self.run(connect_control(self.tor.control, self.clock, "install the profile"))
        self.run(self.control.listen(self.onions.event))
        self.run(self.keys.connected(self.control))
        self.run(self.onions.connected(self.control, "127.0.0.1"))

    def pass_time(self, seconds):
        self.clock.advance(seconds)
        settle(self.clock)

    def count(self, command):
        return sum(line.startswith(command) for line in self.simulated.lines)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def published(world):
    world.connect()
    world.run(world.onions.publish(RESTRICTED))
    return world


def test_what_is_wanted_before_the_connection_is_published_with_it(world):
    world.run(world.onions.publish(OPEN))
    assert world.onions.state(ADDRESS) is OnionState.UNPUBLISHED
    world.connect()
    assert world.simulated.targets == {ADDRESS: "16600,127.0.0.1:16600"}
    assert world.states == [OnionState.PUBLISHING]


def test_a_restricted_onion_and_our_own_key_to_find_it(published):
    assert published.simulated.clients[ADDRESS] == 1
    assert set(published.simulated.discovery_keys) == {ADDRESS}
    assert published.onions.is_restricted(ADDRESS)


def test_one_upload_is_not_enough_four_are(published):
    published.simulated.upload(ADDRESS, UPLOADS_ENOUGH - 1)
    settle(published.clock)
    assert published.onions.state(ADDRESS) is OnionState.PUBLISHING
    published.simulated.upload(ADDRESS, 1)
    settle(published.clock)
    assert published.onions.state(ADDRESS) is OnionState.REACHABLE


def test_others_onions_and_other_actions_do_not_count(published):
    published.simulated.upload("b" * 56, 10)
    for action in ("UPLOAD", "FAILED", "CREATED", "REQUESTED"):
        published.simulated.tell(f"650 HS_DESC {action} {ADDRESS} x")
    published.simulated.tell("650 HS_DESC UPLOADED")
    settle(published.clock)
    assert published.onions.state(ADDRESS) is OnionState.PUBLISHING


def test_reaching_ourselves_is_enough_and_starts_with_the_first_upload(published):
    published.probe_result = True
    assert published.probes == []
    published.simulated.upload(ADDRESS)
    settle(published.clock)
    assert published.probes == [ADDRESS]
    assert published.onions.state(ADDRESS) is OnionState.REACHABLE


def test_without_upload_events_it_is_probed_at_once(world):
    world.simulated.refusals["SETEVENTS"] = "510 Command filtered"
    world.connect()
    world.run(world.onions.publish(OPEN))
    assert world.probes == [ADDRESS]


def test_when_no_event_comes_it_is_probed_all_the_same(published):
    published.probe_result = True
    published.pass_time(UPLOAD_WAIT_SECONDS + 0.1)
    assert published.onions.state(ADDRESS) is OnionState.REACHABLE


def test_a_missing_key_shows_the_descriptor_only_where_keys_cannot_be_given(world):
    world.probe_result = DialFailure.KEY_MISSING
    world.simulated.refusals["ONION_CLIENT_AUTH_ADD"] = "510 Command filtered"
    world.connect()
    world.run(world.onions.publish(RESTRICTED))
    world.simulated.upload(ADDRESS)
    settle(world.clock)
    assert world.onions.state(ADDRESS) is OnionState.REACHABLE


def test_a_missing_key_is_a_failure_where_keys_can_be_given(published):
    published.probe_result = DialFailure.KEY_MISSING
    published.simulated.upload(ADDRESS)
    published.pass_time(60)
    assert published.onions.state(ADDRESS) is OnionState.PUBLISHING


def test_silent_loss_behind_the_filter_is_mended_with_the_keys():
    world = World(FilterRules.from_text(profile_text("whonix")))
    world.connect()
    world.run(world.onions.publish(RESTRICTED))
    world.simulated.upload(ADDRESS, 4)
    settle(world.clock)
    world.simulated.restart()
    settle(world.clock)
    assert not world.control.is_lost
    world.run(world.onions.mend())
    assert set(world.simulated.onions) == set(world.simulated.discovery_keys) == {ADDRESS}
    assert world.states == [
        OnionState.PUBLISHING, OnionState.REACHABLE, OnionState.UNPUBLISHED, OnionState.PUBLISHING
    ]  # fmt: skip


def test_mending_what_is_whole_changes_nothing(published):
    lines = len(published.simulated.lines)
    published.run(published.onions.mend())
    assert published.simulated.lines[lines:] == ["GETINFO onions/current"]


def test_a_lost_connection_unpublishes_and_the_next_publishes(published):
    published.onions.disconnected()
    assert published.onions.state(ADDRESS) is OnionState.UNPUBLISHED
    assert published.clock.getDelayedCalls() == []
    published.control.close()
    settle(published.clock)
    published.connect()
    assert published.onions.state(ADDRESS) is OnionState.PUBLISHING


def test_where_onions_may_not_be_listed_adding_again_tells_and_harms_nothing(world):
    world.simulated.refusals["GETINFO onions/current"] = "510 Command filtered"
    world.connect()
    world.run(world.onions.publish(OPEN))
    world.run(world.onions.mend())
    assert world.count("DEL_ONION") == 0
    assert world.count("ADD_ONION") == 2
    assert world.onions.state(ADDRESS) is OnionState.PUBLISHING
    world.simulated.onions.clear()
    world.run(world.onions.mend())
    assert set(world.simulated.onions) == {ADDRESS}


def test_an_answer_older_than_the_onion_does_not_judge_it(world):
    """The list is asked for, the onion added, the old list arrives: the onion must not be taken down."""
    world.connect()
    mending = ensureDeferred(world.onions.mend())
    publishing = ensureDeferred(world.onions.publish(OPEN))
    settle(world.clock)
    assert mending.called
    assert publishing.called
    assert world.count("ADD_ONION") == 1
    assert world.count("DEL_ONION") == 0


def test_a_left_over_of_ours_is_replaced(world):
    world.connect()
    world.run(world.control.add_onion(OPEN.expanded_key, 16600, "127.0.0.1:1"))
    world.run(world.onions.publish(OPEN))
    assert world.simulated.targets[ADDRESS] == "16600,127.0.0.1:16600"
    assert world.count("DEL_ONION") == 1


def test_a_left_over_on_another_connection_is_waited_for(world):
    other = World()
    other.tor.simulated = world.simulated
    other.connect()
    other.run(other.onions.publish(OPEN))
    world.connect()
    with pytest.raises(TorError):
        world.run(world.onions.publish(OPEN))
    assert world.onions.problem(ADDRESS) is not None
    other.control.close()
    settle(other.clock)
    world.run(world.onions.mend())
    assert world.onions.problem(ADDRESS) is None
    assert world.onions.state(ADDRESS) is OnionState.PUBLISHING


@pytest.mark.parametrize("answer", ["510 Command filtered", "512 Invalid", "552 Unrecognized option"])
def test_no_client_authorization_is_refused_with_what_is_lost(world, answer):
    world.simulated.refusals["ADD_ONION .*ClientAuthV3"] = answer
    world.connect()
    with pytest.raises(TorError, match="--allow-unrestricted") as caught:
        world.run(world.onions.publish(RESTRICTED))
    assert "install the profile" in str(caught.value)
    assert world.simulated.onions == {}
    assert world.onions.state(ADDRESS) is OnionState.UNPUBLISHED


def test_with_an_explicit_yes_it_is_published_open_and_said_so(world):
    world.simulated.refusals["ADD_ONION .*ClientAuthV3"] = "510 Command filtered"
    world.connect()
    service = OnionService(ADDRESS, KEY.expanded(), 16600, (CLIENT.public,), allow_unrestricted=True)
    world.run(world.onions.publish(service))
    assert not world.onions.is_restricted(ADDRESS)
    assert world.onions.missing == {"ADD_ONION ClientAuthV3"}


def test_proof_of_work_is_left_out_where_it_cannot_be_had(world):
    world.simulated.refusals["ADD_ONION .*PoWDefensesEnabled"] = "512 Invalid argument"
    world.connect()
    world.run(world.onions.publish(OnionService(ADDRESS, KEY.expanded(), 16600, pow_defense=True)))
    assert world.onions.missing == {"ADD_ONION PoWDefensesEnabled"}
    assert set(world.simulated.onions) == {ADDRESS}


def test_a_refusal_at_reconnection_is_kept_as_a_problem_and_tried_again(world):
    world.simulated.refusals["ADD_ONION"] = "510 Command filtered"
    world.run(world.onions.publish(OPEN))
    world.connect()
    assert "install the profile" in world.onions.problem(ADDRESS)
    world.simulated.refusals.clear()
    world.run(world.onions.mend())
    assert world.onions.state(ADDRESS) is OnionState.PUBLISHING


def test_unpublishing_takes_down_the_onion_and_the_key(published):
    published.run(published.onions.unpublish(ADDRESS))
    assert published.simulated.onions == published.simulated.discovery_keys == {}
    assert published.states[-1] is OnionState.UNPUBLISHED
    assert published.clock.getDelayedCalls() == []
    published.run(published.onions.unpublish(ADDRESS))
    assert published.onions.addresses == []


def test_an_onion_unpublished_while_it_is_added_does_not_stay_up(world):
    world.connect()
    publishing = ensureDeferred(world.onions.publish(OPEN))
    unpublishing = ensureDeferred(world.onions.unpublish(ADDRESS))
    settle(world.clock)
    assert publishing.called
    assert unpublishing.called
    assert world.simulated.onions == {}


def test_one_address_is_published_once(published):
    with pytest.raises(LocalError):
        published.run(published.onions.publish(RESTRICTED))


def test_another_address_than_ours_is_taken_down_again(world):
    world.connect()
    wrong = OnionService(onion_address(bytes(32)), KEY.expanded(), 16600)
    with pytest.raises(TorError):
        world.run(world.onions.publish(wrong))
    assert world.simulated.onions == {}


def test_secrets_are_in_no_repr():
    text = repr(RESTRICTED)
    assert repr(KEY.expanded()) not in text
    assert repr(CLIENT.private) not in text
