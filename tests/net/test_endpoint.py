"""What is a port of Tor, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, UNIXClientEndpoint

from onionchat.errors import LocalError
from onionchat.net.endpoint import TcpPlace, UnixPlace, client_endpoint, parse_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("tcp:127.0.0.1:9051", TcpPlace("127.0.0.1", 9051)),
        ("127.0.0.1:9050", TcpPlace("127.0.0.1", 9050)),
        ("localhost:1", TcpPlace("127.0.0.1", 1)),
        ("127.3.2.1:65535", TcpPlace("127.3.2.1", 65535)),
        ("tcp:[::1]:9051", TcpPlace("::1", 9051)),
        ("unix:/run/tor/control", UnixPlace(Path("/run/tor/control"))),
        ("unix:/a b/c:d", UnixPlace(Path("/a b/c:d"))),
    ],
)
def test_the_three_forms(text, place):
    assert parse_place(text) == place


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "tcp:", "unix:", "9051", "tcp:127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1:٣", "tor.example:9051", "example.onion:9051", "unix:relative", "unix:/a\nb",
        "unix:/" + "x" * 107, "0.0.0.0:9051", "8.8.8.8:9051", "10.152.152.10:9051", "[2001:db8::1]:9051", "::1:x",
    ],
)  # fmt: skip
def test_nonsense_names_and_foreign_hosts_are_refused(text):
    with pytest.raises(LocalError):
        parse_place(text)


def test_a_gateway_passes_only_when_it_is_named():
    assert parse_place("tcp:10.152.152.10:9051", {"10.152.152.10"}) == TcpPlace("10.152.152.10", 9051)
    with pytest.raises(LocalError):
        parse_place("tcp:10.152.152.11:9051", {"10.152.152.10"})
    with pytest.raises(LocalError):
        parse_place("tcp:8.8.8.8:9051", {"8.8.8.8"})


@given(st.text(max_size=200))
def test_any_text_is_a_loopback_place_or_an_error_of_one_line(text):
    try:
        place = parse_place(text)
    except LocalError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(place, UnixPlace) or place.host.startswith(("127.", "::"))


def test_a_place_can_be_written_and_read_again():
    for text in ("tcp:127.0.0.1:9051", "tcp:[::1]:9051", "unix:/run/tor/control"):
        assert str(parse_place(text)) == text


def test_each_place_has_its_endpoint():
    reactor = object()
    assert isinstance(client_endpoint(reactor, parse_place("127.0.0.1:1"), 3.0), TCP4ClientEndpoint)
    assert isinstance(client_endpoint(reactor, parse_place("[::1]:1"), 3.0), TCP6ClientEndpoint)
    assert isinstance(client_endpoint(reactor, parse_place("unix:/x"), 3.0), UNIXClientEndpoint)
