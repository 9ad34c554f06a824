"""Commands say what they are without showing what they carry."""

import dataclasses

import pytest

from onionchat.wire.commands import Closed, PeerIdentity, RecordReceived, SendBytes, WakeAt
from onionchat.wire.records import Ready
from tests.wire.stream import ALICE


def test_commands_do_not_change_and_compare_by_value() -> None:
    assert Closed("done", False) == Closed("done", False) != Closed("done", True)
    assert WakeAt(1.0) == WakeAt(1.0) and RecordReceived(Ready()) == RecordReceived(Ready())
    with pytest.raises(dataclasses.FrozenInstanceError):
        WakeAt(1.0).at = 2.0  # type: ignore[misc]


def test_bytes_on_the_stream_do_not_fill_logs() -> None:
    assert repr(SendBytes(b"x" * 1000)) == "SendBytes()"
    assert "certificate_raw" not in repr(PeerIdentity(b"s" * 32, certificate_raw=ALICE.certificate))
