"""The worlds that the trial opens."""

from onionchat.testing.fakeworld import START_MS
from onionchat.testing.trial_console import HOSTILE, TrialFounder, hostile_service, long_service
from onionchat.text import safe_line


def test_the_hostile_world_is_hostile():
    service = hostile_service(lambda: START_MS / 1000)
    assert safe_line(HOSTILE) != HOSTILE
    assert all(HOSTILE in talk.name and HOSTILE in talk.messages[0].text for talk in service.talks.values())


def test_the_long_world_is_long_and_in_order():
    messages = long_service(lambda: START_MS / 1000, 300).talks["Long"].messages
    assert [int(message.text.split()[0]) for message in messages] == list(range(300))


def test_the_founder_makes_a_node_with_words():
    founder, made = TrialFounder(lambda: START_MS / 1000), []
    founder.create_profile("alice", "secret").addCallback(made.append)
    assert len(made[0].recovery) == 24
    assert founder.strength("")[0] == 0 and founder.strength("x" * 30)[0] == 4
