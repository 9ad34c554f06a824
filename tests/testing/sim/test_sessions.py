"""TLS whose exporter comes from a seed."""

import random as dice

from onionchat.crypto.tls import TlsIdentity, TlsRecords
from onionchat.testing.sim.sessions import repeatable_tls
from onionchat.wire import handshake


def exporters(seed: int) -> tuple[bytes, bytes]:
    """Of both ends of one session."""
    with repeatable_tls(dice.Random(seed).randbytes):
        client = handshake.TlsSession(TlsIdentity.generate(), client=True)
        server = handshake.TlsSession(TlsIdentity.generate(), client=False)
        client.start()
        to_server, to_client = TlsRecords(), TlsRecords()
        for _ in range(3):
            to_server.feed(client.output())
            while (record := to_server.take()) is not None:
                server.receive_handshake(record)
            to_client.feed(server.output())
            while not client.established and (record := to_client.take()) is not None:
                client.receive_handshake(record)
        return client.exporter(), server.exporter()


def test_both_ends_have_the_same_name_and_so_have_two_runs_of_one_seed() -> None:
    first, again, other = exporters(1), exporters(1), exporters(2)
    assert first[0] == first[1] and first == again != other


def test_outside_of_a_world_it_is_tls_as_ever() -> None:
    before = handshake.TlsSession
    with repeatable_tls(dice.Random(1).randbytes):
        assert handshake.TlsSession is not before
    assert handshake.TlsSession is before
