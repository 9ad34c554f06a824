"""The SOCKS port for tests speaks the protocol, however its bytes come."""

import pytest
from twisted.internet.testing import StringTransport

from onionchat.testing.socksport import SocksRequest, SocksServer

HELLO = b"\x05\x01\x02"
NAMES = b"\x01\x03bob\x02pw"
REQUEST = b"\x05\x01\x00\x03\x07a.onion\x40\xd8"


def serve(code, *parts):
    server = SocksServer(lambda request: code)
    transport = StringTransport()
    server.makeConnection(transport)
    for part in parts:
        server.dataReceived(part)
    return server, transport


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_however_the_bytes_come_the_request_is_read(size):
    raw = HELLO + NAMES + REQUEST
    server, transport = serve(0, *(raw[at : at + size] for at in range(0, len(raw), size)))
    assert server.requests == [SocksRequest("a.onion", 16600, "bob")]
    assert transport.value() == b"\x05\x02\x01\x00\x05\x00\x00\x01" + bytes(6)
    server.dataReceived(b"echo")
    assert transport.value().endswith(b"echo")


def test_a_refusal_ends_the_connection():
    _, transport = serve(0xF0, HELLO, NAMES, REQUEST)
    assert transport.value()[-9] == 0xF0
    assert transport.disconnecting


def test_silence():
    _, transport = serve(None, HELLO, NAMES, REQUEST)
    assert transport.value() == b"\x05\x02\x01\x00"


def test_a_client_without_a_user_name_is_not_served():
    _, transport = serve(0, b"\x05\x01\x00")
    assert transport.value() == b"\x05\xff"
