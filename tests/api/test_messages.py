"""The envelopes: what is written can be read, and errors keep their meaning."""

import json

import msgspec
import pytest

from onionchat.api import types as t
from onionchat.api.messages import (
    Call,
    ErrorObject,
    Incoming,
    call_line,
    error_from,
    error_line,
    event_line,
    result_line,
)
from onionchat.errors import LocalError, LockedError, NoNodeError, OnionchatError, RemoteError, TorError, UsageError


def test_a_call_reads_as_it_was_written() -> None:
    line = call_line(3, "contact.get", t.ContactName(name="bob \n\x1b 💬"))
    assert line.count(b"\n") == 1
    call = msgspec.json.decode(line, type=Call)
    assert (call.id, call.method, json.loads(bytes(call.params))) == (3, "contact.get", {"name": "bob \n\x1b 💬"})


def test_results_and_events_are_one_line_each() -> None:
    assert json.loads(result_line("a", t.Done(notice="x\ny"))) == {
        "jsonrpc": "2.0",
        "id": "a",
        "result": {"notice": "x\ny"},
    }
    line = event_line(t.Event(event="message", time=1, text="x\ny", sender="bob", conversation="bob"))
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "jsonrpc": "2.0",
        "method": "event",
        "params": {"event": "message", "time": 1, "text": "x\ny", "from": "bob", "in": "bob"},
    }


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (LocalError("x"), LocalError),
        (RemoteError("x"), LocalError),
        (UsageError("x"), UsageError),
        (LockedError("x"), LockedError),
        (NoNodeError("x"), NoNodeError),
        (TorError("x"), TorError),
    ],
)
def test_an_error_keeps_its_exit_code(error: OnionchatError, kind: type[OnionchatError]) -> None:
    incoming = msgspec.json.decode(error_line(1, error), type=Incoming)
    assert incoming.error is not None
    found = error_from(incoming.error)
    assert type(found) is kind
    assert (str(found), found.exit_code) == ("x", error.exit_code)


def test_an_exit_code_that_nobody_knows_means_failed() -> None:
    assert type(error_from(msgspec.json.decode(b'{"code":-32077,"message":"m"}', type=ErrorObject))) is LocalError
