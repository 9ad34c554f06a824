"""The made-up node keeps the contract of the local API."""

import re
import typing
from pathlib import Path

import pytest

import onionchat.tui
from onionchat.api import types as t
from onionchat.api.methods import BY_NAME
from onionchat.errors import LocalError, LockedError, UsageError
from onionchat.testing.fakeservice import PASSPHRASE, FakeService
from onionchat.testing.fakeworld import FakeTalk


def result(service, name, params):
    kept = []
    service.call(name, params).addCallbacks(kept.append, lambda failure: kept.append(failure.value))
    return kept[0]


def called_by_the_console():
    """Names of methods in the source of the console."""
    sources = [path.read_text() for path in Path(onionchat.tui.__path__[0]).rglob("*.py")]
    found = {name for source in sources for name in re.findall(r'"([a-z]+\.[a-z]+)"', source)}
    return sorted(name for name in found if name.split(".")[0] in {known.split(".")[0] for known in BY_NAME})


@pytest.mark.parametrize("name", called_by_the_console())
def test_what_the_console_calls_is_in_the_table_and_here_with_its_types(name):
    made = getattr(FakeService, "do_" + name.replace(".", "_"))
    hints = typing.get_type_hints(made)
    assert hints["params"] is BY_NAME[name].params
    assert hints["return"] == BY_NAME[name].result


def test_the_console_calls_enough_to_be_useful():
    assert len(called_by_the_console()) > 25


def test_it_is_the_same_every_time():
    first, second = FakeService(), FakeService()
    for name in first.talks:
        assert first.talks[name].messages == second.talks[name].messages


def test_pages_of_a_log():
    service = FakeService(people=False)
    talk = service.add_talk(FakeTalk("Bob"))
    ids = [service.add_message(talk, "Bob", str(n), 1000 + n).id for n in range(10)]

    def page(**keys):
        return [int(m.text) for m in result(service, "message.log", t.MessageLog(name="Bob", **keys))]

    assert page(limit=3) == [7, 8, 9]
    assert page(limit=3, before=ids[5]) == [2, 3, 4]
    assert page(limit=3, after=ids[5]) == [6, 7, 8]
    assert page(limit=3, around=ids[5]) == [4, 5, 6]
    assert page(limit=3, before=ids[0]) == [] and page(limit=3, after=ids[9]) == []
    assert page(limit=2, since=4) == [4, 5]


def test_what_is_wrong_is_an_error_of_ours():
    service = FakeService()
    assert isinstance(result(service, "contact.words", t.ContactName(name="nobody")), LocalError)
    assert isinstance(result(service, "no.such", t.Nothing()), UsageError)
    assert isinstance(result(service, "contact.words", t.Nothing()), UsageError)


def test_locked_it_answers_almost_nothing():
    service = FakeService()
    result(service, "node.lock", t.Nothing())
    assert isinstance(result(service, "conversation.list", t.Nothing()), LockedError)
    assert isinstance(result(service, "status.get", t.Nothing()), t.Status)
    assert isinstance(result(service, "node.unlock", t.Passphrase(passphrase="no")), LockedError)
    result(service, "node.unlock", t.Passphrase(passphrase=PASSPHRASE))
    assert len(result(service, "conversation.list", t.Nothing())) == 6


def test_held_calls_are_answered_when_released():
    service = FakeService()
    service.held = []
    kept = []
    service.call("contact.list", t.Nothing()).addCallback(kept.append)
    assert kept == []
    service.release()
    assert len(kept) == 1


def test_pages_are_copies():
    service = FakeService()
    result(service, "message.log", t.MessageLog(name="Bob"))[0].text = "changed"
    assert service.talks["Bob"].messages[0].text != "changed"
