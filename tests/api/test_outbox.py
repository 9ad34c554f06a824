"""What waits for one client."""

from onionchat.api.outbox import Outbox
from onionchat.limits import API_EVENTS_QUEUED_MAX, API_EVENTS_QUEUED_MAX_BYTES


def test_events_wait_while_it_is_held_and_go_out_in_order() -> None:
    written: list[bytes] = []
    outbox = Outbox(written.append)
    assert outbox.write_event(b"1")
    outbox.hold()
    assert outbox.write_event(b"2")
    assert outbox.write_event(b"3")
    outbox.write(b"answer")
    assert written == [b"1", b"answer"]
    outbox.release()
    assert written == [b"1", b"answer", b"2", b"3"]


def test_it_stops_again_when_the_transport_is_full_again() -> None:
    written: list[bytes] = []

    def write(line: bytes) -> None:
        written.append(line)
        outbox.hold()

    outbox = Outbox(write)
    outbox.hold()
    for line in (b"1", b"2"):
        outbox.write_event(line)
    outbox.release()
    assert written == [b"1"]
    outbox.release()
    assert written == [b"1", b"2"]


def test_too_many_events_that_wait_are_told() -> None:
    outbox = Outbox(lambda line: None)
    outbox.hold()
    assert all(outbox.write_event(b"x") for _ in range(API_EVENTS_QUEUED_MAX))
    assert not outbox.write_event(b"x")


def test_too_many_bytes_that_wait_are_told() -> None:
    outbox = Outbox(lambda line: None)
    outbox.hold()
    assert outbox.write_event(b"x" * API_EVENTS_QUEUED_MAX_BYTES)
    assert not outbox.write_event(b"x")
