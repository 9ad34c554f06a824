"""A hostile peer in a process of its own. What it does to a real node: tests/tor/test_hostile.py."""

import os
import socket

import pytest

from onionchat.errors import LocalError
from onionchat.identity.link import format_link
from onionchat.testing.hostile_process import HostileProcess, listening_ports


def test_the_ports_at_which_a_process_listens():
    before = set(listening_ports(os.getpid()))
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert set(listening_ports(os.getpid())) - before == {server.getsockname()[1]}
        with socket.create_connection(server.getsockname()):
            assert set(listening_ports(os.getpid())) - before == {server.getsockname()[1]}, "and no others"
    assert set(listening_ports(os.getpid())) == before


def test_it_says_so_when_its_victim_is_nowhere(capfd):
    link = format_link(b"\x01" * 32)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LocalError, match="did not become a contact"):
        HostileProcess(link, link, [port])
    assert "none of the ports" in capfd.readouterr().err
