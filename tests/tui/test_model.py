"""What the console knows, and how seldom it asks."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from onionchat.api import types as t
from onionchat.testing.fakeservice import FakeService
from onionchat.tui.model import Asked, Model


@pytest.fixture
def clock():
    return Clock()


def test_a_burst_is_one_question_and_never_two_at_once(clock):
    asked = []

    async def ask():
        answer = Deferred()
        asked.append(answer)
        await answer

    running = []
    question = Asked(clock, ask, lambda work: running.append(Deferred.fromCoroutine(work)))
    for _ in range(50):
        question.soon()
    clock.advance(1)
    assert len(asked) == 1
    question.soon()
    question.soon()
    clock.advance(1)
    assert len(asked) == 1
    asked[0].callback(None)
    clock.advance(1)
    assert len(asked) == 2
    asked[1].callback(None)
    clock.advance(10)
    assert len(asked) == 2


def test_a_question_that_failed_may_be_asked_again(clock):
    asked = []

    async def ask():
        asked.append(1)
        raise ValueError

    question = Asked(clock, ask, lambda work: Deferred.fromCoroutine(work).addErrback(lambda failure: None))
    for _ in range(2):
        question.soon()
        clock.advance(1)
    assert len(asked) == 2


def test_cancelled_is_not_asked(clock):
    asked = []

    async def ask():
        asked.append(1)

    question = Asked(clock, ask, Deferred.fromCoroutine)
    question.soon()
    question.cancel()
    clock.advance(1)
    assert asked == [] and clock.getDelayedCalls() == []


@pytest.fixture
def model(clock):
    service = FakeService()
    changed = []
    made = Model(service.call, clock, Deferred.fromCoroutine, lambda: changed.append(1))
    made.service, made.changes = service, changed
    made.refresh()
    clock.advance(1)
    return made


def test_it_knows_everything_after_a_refresh(model):
    assert model.status.name == "alice"
    assert [conversation.name for conversation in model.conversations][:2] == ["Bob", "Carol"]
    assert [request.name for request in model.incoming] == ["Erin", "Вob"]
    assert model.conversation("Carol").trust == "validated"
    assert model.conversation("nobody") is None
    assert len(model.changes) == 3


@pytest.mark.parametrize(
    "event, methods",
    [
        ("tor", {"status.get"}),
        ("delivered", {"status.get"}),
        ("trust", {"conversation.list"}),
        ("message", {"status.get", "conversation.list"}),
        ("request", {"status.get", "conversation.list", "request.list"}),
        ("transfer", set()),
    ],
)
def test_an_event_asks_for_what_it_may_have_changed(model, clock, event, methods):
    model.service.calls.clear()
    model.on_event(t.Event(event=event, time=0))
    clock.advance(1)
    assert {name for name, _ in model.service.calls} == methods


def test_the_next_unread_one_is_after_this_one(model):
    for name, unread in (("Bob", 1), ("Carol", 0), ("Dave", 2), ("Mallory", 3)):
        model.conversation(name).unread = unread
    model.conversation("Mallory").blocked = True
    assert model.next_unread(None) == "Bob"
    assert model.next_unread("Bob") == "Dave"
    assert model.next_unread("Dave") == "Bob"
    model.conversation("Bob").unread = 0
    assert model.next_unread("Dave") is None


def test_the_lock_forgets(model):
    model.forget()
    assert model.conversations == [] and model.requests == []
