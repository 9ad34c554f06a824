"""TLS sessions over memory, certificates that say nothing, and the cutting of streams into records."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from onionchat.crypto.tls import GROUP, RECORD_FRAGMENT_MAX_BYTES, TlsIdentity, TlsRecords, TlsSession
from onionchat.errors import RemoteError

IDENTITY = TlsIdentity.generate()


def records(data: bytes) -> list[bytes]:
    cutter = TlsRecords()
    cutter.feed(data)
    return list(iter(cutter.take, None))


def established() -> tuple[TlsSession, TlsSession]:
    client, server = TlsSession(IDENTITY, client=True), TlsSession(IDENTITY, client=False)
    client.start()
    while not (client.established and server.established):
        for writer, reader in ((client, server), (server, client)):
            for record in records(writer.output()):
                if reader.established:
                    assert reader.read(record) == b""
                else:
                    reader.receive_handshake(record)
    for record in records(server.output()):
        assert client.read(record) == b""
    return client, server


def carry(writer: TlsSession, reader: TlsSession) -> bytes:
    return b"".join(reader.read(record) for record in records(writer.output()))


def test_a_session_is_hybrid_and_names_itself_equally_on_both_sides() -> None:
    client, server = established()
    assert client._connection.get_group_name() == GROUP
    assert client._connection.get_protocol_version_name() == "TLSv1.3"
    assert client.exporter() == server.exporter() and len(client.exporter()) == 32
    assert established()[0].exporter() != client.exporter()


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 100_000])
def test_data_of_any_size_arrives(size: int) -> None:
    client, server = established()
    data = bytes(range(256)) * (size // 256 + 1)
    client.write(data[:size])
    assert carry(client, server) == data[:size]
    server.write(data[:size])
    assert carry(server, client) == data[:size]


def test_one_side_may_close_and_still_read() -> None:
    client, server = established()
    client.close()
    assert carry(client, server) == b"" and server.closed_by_peer and not client.closed_by_peer
    server.write(b"late")
    assert carry(server, client) == b"late"
    server.close()
    assert carry(server, client) == b"" and client.closed_by_peer


def test_a_changed_record_is_a_remote_error() -> None:
    client, server = established()
    client.write(b"hello")
    [record] = records(client.output())
    with pytest.raises(RemoteError):
        server.read(record[:-1] + bytes([record[-1] ^ 1]))


def test_a_broken_handshake_is_a_remote_error() -> None:
    server = TlsSession(IDENTITY, client=False)
    with pytest.raises(RemoteError):
        server.receive_handshake(bytes((22, 3, 1, 0, 4, 9, 9, 9, 9)))


def certificate(identity: TlsIdentity) -> bytes:
    connection = SSL.Connection(identity.server_context, None)
    found = connection.get_certificate(as_cryptography=True)
    assert found is not None
    return found.public_bytes(Encoding.DER)


def test_certificates_differ_in_key_and_signature_alone() -> None:
    """Two addresses of one device must not be linkable, nor a device by its clock."""
    one, two = certificate(TlsIdentity.generate()), certificate(TlsIdentity.generate())
    assert len(one) == len(two) and one != two
    same = [at for at, (a, b) in enumerate(zip(one, two, strict=True)) if a != b]
    assert len(same) <= 32 + 64 and same[-1] - same[0] < 32 + 64 + 32
    assert b"localhost" in one and one[-64:] != two[-64:]


def test_a_client_shows_no_certificate_to_a_server_that_asks() -> None:
    """It would be the one of our listening address, with a signature."""
    curious = TlsIdentity.generate()
    curious.server_context.set_verify(SSL.VERIFY_PEER, lambda *arguments: True)
    client, server = TlsSession(IDENTITY, client=True), TlsSession(curious, client=False)
    client.start()
    for _ in range(3):
        for writer, reader in ((client, server), (server, client)):
            for record in records(writer.output()):
                if not reader.established:
                    reader.receive_handshake(record)
    assert client.established and server.established
    assert server._connection.get_peer_certificate() is None


# --- TLS records --------------------------------------------------------------------------------------
WHOLE = [bytes((kind, 3, 3)) + len(body).to_bytes(2) + body for kind, body in ((22, b"abc"), (20, b"\x01"), (23, b""))]


@given(st.lists(st.integers(1, 20)))
def test_records_are_cut_out_of_any_pieces(sizes: list[int]) -> None:
    data, cutter, found, at = b"".join(WHOLE), TlsRecords(), [], 0
    for size in [*sizes, len(data)]:
        cutter.feed(data[at : at + size])
        at += size
        found += list(iter(cutter.take, None))
    assert found == WHOLE and cutter.waiting_bytes == 0


@pytest.mark.parametrize(
    "data",
    [
        b"G",
        b"GET / HTTP/1.1\r\n",
        b"SSH-2.0-OpenSSH",
        b"\x00",
        b"\x18\x03\x03\x00\x00",
        b"\x16\x02\x00\x00\x01",
        b"\x16\x03\x03" + (RECORD_FRAGMENT_MAX_BYTES + 1).to_bytes(2),
    ],
)
def test_what_is_not_tls_is_refused_at_its_first_bytes(data: bytes) -> None:
    with pytest.raises(RemoteError):
        records(data)


@given(st.binary(max_size=100))
def test_garbage_is_records_or_a_remote_error(data: bytes) -> None:
    try:
        found = records(data)
    except RemoteError:
        return
    assert data.startswith(b"".join(found))


def test_no_key_shows() -> None:
    assert repr(IDENTITY) == "TlsIdentity(…)" and repr(established()[0]) == "TlsSession(established=True)"
