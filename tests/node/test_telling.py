"""Events reach everybody, whatever one of them does; warnings are few; a failed job is named without its words."""

import pytest
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from onionchat.errors import LocalError, LockedError
from onionchat.node.events import Locked, TorChanged
from onionchat.node.telling import WARNINGS_MAX, Telling


@pytest.fixture
def logged():
    lines = []

    def keep(event):
        lines.append(str(event.get("log_format", "")).format_map(event))

    globalLogPublisher.addObserver(keep)
    yield lines
    globalLogPublisher.removeObserver(keep)


def test_a_subscriber_that_fails_harms_no_other(logged):
    telling, heard = Telling(), []

    def fail(event):
        raise ValueError("a secret of the listener")

    telling.subscribe(fail)
    end = telling.subscribe(heard.append)
    telling.emit(Locked())
    end()
    end()
    telling.emit(Locked())
    assert heard == [Locked()] and telling.has_subscribers
    assert any("ValueError" in line for line in logged) and not any("secret" in line for line in logged)


def test_warnings_are_said_once_and_the_last_few_stay():
    telling, heard = Telling(["old"]), []
    telling.subscribe(heard.append)
    for number in range(WARNINGS_MAX + 3):
        telling.warn(f"w{number}")
        telling.warn(f"w{number}")
    assert telling.warnings == [f"w{number}" for number in range(3, WARNINGS_MAX + 3)]
    assert heard and set(heard) == {TorChanged()}


def test_what_failed_is_named_by_its_class_alone(logged):
    telling = Telling()
    telling.report(Failure(LocalError("what a friend wrote")))
    telling.report(Failure(LockedError("at a lock jobs end")))
    assert len(logged) == 1 and "LocalError" in logged[0] and "friend" not in logged[0]
