"""The worlds that the trial opens."""

import pytest

from onionchat.errors import LocalError
from onionchat.testing.fakeservice import FakeService
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
    later = []
    founder, made = TrialFounder(lambda: START_MS / 1000, lambda seconds, *call: later.append(call)), []
    founder.create_profile("alice", "secret").addCallback(made.append)
    assert len(made[0].recovery) == 24 and made[0].onion == "unpublished"
    later.pop()[0]()
    assert made[0].onion == "reachable"
    assert founder.strength("")[0] == 0 and founder.strength("x" * 30)[0] == 4


class Listener:
    def join_progress(self, text):
        self.text = text

    def join_words(self, words):
        self.words = words


@pytest.mark.parametrize("answer, ended", [(True, FakeService), (False, LocalError)])
def test_a_device_joins_after_a_yes_only(answer, ended):
    later, heard, made = [], Listener(), []
    founder = TrialFounder(lambda: START_MS / 1000, lambda seconds, *call: later.append(call))
    with pytest.raises(LocalError):
        founder.require_joinable("onionchat:x", "tablet")
    joiner = founder.join("onionchat-link:x", "tablet", "words", 0, heard)
    for call, *arguments in later:
        call(*arguments)
    assert len(heard.words) == 6
    joiner.done.addBoth(lambda found: made.append(getattr(found, "value", found)))
    del later[:]
    joiner.confirm(answer)
    for call, *arguments in later:
        call(*arguments)
    joiner.cancel()
    assert isinstance(made[0], ended)
