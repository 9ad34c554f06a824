"""Where Tor is looked for, in made-up file systems."""

from pathlib import Path

import pytest

from onionchat.errors import LocalError, UsageError
from onionchat.net.endpoint import TcpPlace, UnixPlace
from onionchat.net.find import (
    DEFAULT_SOCKS,
    WHONIX_PORTS,
    TorKind,
    TorOptions,
    allowed_hosts,
    find_places,
    is_tails,
    is_whonix,
    permission_advice,
)


@pytest.fixture
def plain(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('NAME="Debian"\nID=debian\n')
    return tmp_path


@pytest.fixture
def whonix(plain):
    mark = plain / "usr/share/anon-ws-base-files/workstation"
    mark.parent.mkdir(parents=True)
    mark.touch()
    return plain


@pytest.fixture(params=["os-release", "quoted", "amnesia"])
def tails(plain, request):
    if request.param == "amnesia":
        (plain / "etc/amnesia").mkdir()
    else:
        (plain / "etc/os-release").write_text('ID="tails"\n' if request.param == "quoted" else "NAME=Tails\nID=tails\n")
    return plain


def kinds(places):
    return [place.kind for place in places]


def test_plain_linux_without_tor_tries_the_port_then_launches(plain):
    places = find_places(TorOptions(), {}, plain)
    assert kinds(places) == [TorKind.SYSTEM, TorKind.LAUNCHED]
    assert places[0].control == TcpPlace("127.0.0.1", 9051)
    assert not is_whonix(plain)
    assert not is_tails(plain)


def test_the_system_socket_is_preferred(plain):
    (plain / "run/tor").mkdir(parents=True)
    (plain / "run/tor/control").touch()
    places = find_places(TorOptions(mode="system"), {}, plain)
    assert [place.control for place in places] == [UnixPlace(plain / "run/tor/control"), TcpPlace("127.0.0.1", 9051)]


def test_launch_looks_for_nothing_else(whonix):
    assert kinds(find_places(TorOptions(mode="launch"), {}, whonix)) == [TorKind.LAUNCHED]


def test_tails_is_the_filter_and_nothing_is_launched(tails):
    (place,) = find_places(TorOptions(), {}, tails)
    assert (place.kind, place.control, place.socks) == (TorKind.TAILS, TcpPlace("127.0.0.1", 951), DEFAULT_SOCKS)
    assert place.onion_ports is None


def test_whonix_listens_for_the_gateway_on_the_ports_of_the_profile(whonix):
    (place,) = find_places(TorOptions(), {}, whonix)
    assert (place.kind, place.control) == (TorKind.WHONIX, TcpPlace("127.0.0.1", 9051))
    assert (place.listen_host, place.onion_ports) == ("0.0.0.0", WHONIX_PORTS)


@pytest.mark.parametrize(
    ("env", "control"),
    [
        ({"TOR_CONTROL_IPC_PATH": "/run/x"}, UnixPlace(Path("/run/x"))),
        ({"TOR_CONTROL_HOST": "10.137.0.7", "TOR_CONTROL_PORT": "9052"}, TcpPlace("10.137.0.7", 9052)),
        ({"TOR_CONTROL_PORT": "9151"}, TcpPlace("127.0.0.1", 9151)),
    ],
)
def test_whonix_variables_come_first(whonix, env, control):
    assert find_places(TorOptions(), env, whonix)[0].control == control


def test_a_variable_cannot_lead_us_off_the_machine(whonix, tmp_path):
    with pytest.raises(LocalError):
        find_places(TorOptions(), {"TOR_CONTROL_HOST": "8.8.8.8"}, whonix)
    assert allowed_hosts({"TOR_CONTROL_HOST": "evil.example"}, whonix) == {"10.152.152.10"}
    assert allowed_hosts({"TOR_CONTROL_HOST": "10.0.0.1"}, tmp_path / "elsewhere") == frozenset()


def test_what_the_user_says_wins(plain):
    options = TorOptions(control="tcp:127.0.0.1:1234", socks="unix:/s", onion_port=4000)
    (place,) = find_places(options, {}, plain)
    assert (place.kind, place.control) == (TorKind.EXPLICIT, TcpPlace("127.0.0.1", 1234))
    assert str(place.socks) == "unix:/s"
    assert place.onion_ports is not None
    assert place.onion_ports[0] == 4000


def test_an_explicit_gateway_passes_on_whonix_only(whonix, plain):
    options = TorOptions(control="10.152.152.10:9051")
    assert find_places(options, {}, whonix)[0].kind is TorKind.WHONIX


def test_an_explicit_gateway_is_refused_elsewhere(plain):
    with pytest.raises(LocalError):
        find_places(TorOptions(control="10.152.152.10:9051"), {}, plain)


@pytest.mark.parametrize(
    "options",
    [
        TorOptions(mode="clearnet"),
        TorOptions(mode="launch", control="127.0.0.1:9051"),
        TorOptions(onion_port=0),
        TorOptions(onion_port=70000),
    ],
)
def test_options_that_make_no_sense(plain, options):
    with pytest.raises(UsageError):
        find_places(options, {}, plain)


def test_whonix_takes_only_ports_of_its_profile(whonix):
    assert find_places(TorOptions(onion_port=16610), {}, whonix)[0].onion_ports == range(16610, 16650)
    with pytest.raises(UsageError):
        find_places(TorOptions(onion_port=9999), {}, whonix)


def test_every_kind_has_an_advice_that_fits():
    assert "tor-profile whonix" in permission_advice(TorKind.WHONIX)
    assert "tor-profile tails" in permission_advice(TorKind.TAILS)
    assert "debian-tor" in permission_advice(TorKind.SYSTEM)
    assert permission_advice(TorKind.LAUNCHED)
