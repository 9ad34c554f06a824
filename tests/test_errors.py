"""Errors: the exit codes are a contract with scripts, the docstrings are what people read."""

import inspect

import pytest

from onionchat import errors

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.OnionchatError)]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.LocalError, 1),
        (errors.RemoteError, 1),
        (errors.StoreError, 1),
        (errors.UsageError, 2),
        (errors.LockedError, 3),
        (errors.NoNodeError, 4),
        (errors.TorError, 5),
    ],
)
def test_exit_codes(kind: type[errors.OnionchatError], code: int) -> None:
    assert kind("what to do").exit_code == code


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_says_what_it_is_in_whole_sentences(kind: type[errors.OnionchatError]) -> None:
    assert kind.__doc__
    assert kind.__doc__[0].isupper()
    assert kind.__doc__.rstrip().endswith(".")


def test_a_peer_s_fault_is_never_taken_for_the_user_s() -> None:
    assert not issubclass(errors.RemoteError, errors.LocalError)
    assert not issubclass(errors.LocalError, errors.RemoteError)
