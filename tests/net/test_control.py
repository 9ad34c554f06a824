"""The control connection: what is said, what each answer means, what happens when none comes."""

import base64
import errno
import gc

import pytest
from twisted.internet.defer import ensureDeferred, fail
from twisted.internet.error import ConnectError
from twisted.internet.task import Clock

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import TorError
from onionchat.ids import onion_address
from onionchat.limits import CONTROL_TIMEOUT_SECONDS, DISCOVERY_KEYS
from onionchat.net.control import ControlLost, ControlRefused, CookieNotYet, connect_control
from onionchat.net.torprofile import profile_text
from onionchat.testing.controlfilter import FilterRules
from onionchat.testing.controlport import ControlServer, SimulatedTor
from onionchat.testing.memory import MemoryEndpoint, settle

KEY = SigningKey(bytes(range(32)))
ADDRESS = onion_address(KEY.public)
CLIENTS = [ExchangeKey(bytes([n]) * 32) for n in range(1, 129)]


class Link:
    """A control connection to a simulated Tor; `run` drives a coroutine to its end."""

    def __init__(self, rules=None):
        self.clock = Clock()
        self.tor = SimulatedTor()
        self.endpoint = MemoryEndpoint(self.clock, lambda: ControlServer(self.tor, rules))
        self.events = []

    def start(self, coroutine):
        results = []
        ensureDeferred(coroutine).addBoth(results.append)
        settle(self.clock)
        return results

    def run(self, coroutine):
        (result,) = self.start(coroutine)
        if hasattr(result, "raiseException"):
            result.raiseException()
        return result

    def connect(self):
        self.control = self.run(connect_control(self.endpoint, self.clock, "do something"))
        return self.control

    def hear(self, name, line):
        self.events.append((name, line.strip()))


@pytest.fixture
def link():
    return Link()


@pytest.fixture(params=["bare", "whonix", "tails"])
def any_link(request):
    return Link(None if request.param == "bare" else FilterRules.from_text(profile_text(request.param)))


def test_only_the_version_is_asked_at_the_start(link):
    assert link.connect().version == "0.4.9.11"
    assert link.tor.lines == ["PROTOCOLINFO 1", "AUTHENTICATE", "GETINFO version"]


def test_everything_we_use_works_bare_and_behind_both_filters(any_link):
    control = any_link.connect()
    address = any_link.run(control.add_onion(KEY.expanded(), 16600, "127.0.0.1:16600", [key.public for key in CLIENTS]))
    assert address == ADDRESS
    assert any_link.tor.clients[ADDRESS] == DISCOVERY_KEYS
    assert any_link.run(control.onions_current()) == {ADDRESS}
    assert any_link.run(control.bootstrap())[0] == 100
    assert any_link.run(control.circuit_established()) is True
    assert any_link.run(control.client_auth_add(ADDRESS, CLIENTS[0].private)) is True
    assert any_link.run(control.client_auth_add(ADDRESS, CLIENTS[0].private)) is True  # 251: it was there
    assert any_link.run(control.client_auth_remove(ADDRESS)) is True
    assert any_link.run(control.client_auth_remove(ADDRESS)) is True
    any_link.run(control.del_onion(ADDRESS))
    assert any_link.run(control.onions_current()) == set()
    assert any_link.run(control.add_onion(KEY.expanded(), 16600, "127.0.0.1:16600", pow_defense=True)) == ADDRESS
    assert "ADD_ONION" not in str(control.missing)


def test_several_onions_are_read_from_a_long_answer(link):
    control = link.connect()
    addresses = {
        link.run(control.add_onion(SigningKey(bytes([n]) * 32).expanded(), 1, "127.0.0.1:1")) for n in range(1, 6)
    }
    assert link.run(control.onions_current()) == addresses


def test_the_start_of_tor_is_told_in_percent(link):
    control = link.connect()
    link.tor.progress, link.tor.has_circuits = 45, False
    assert link.run(control.bootstrap()) == (45, "Phase 45")
    assert link.run(control.circuit_established()) is False


@pytest.mark.parametrize("answer", ["510 Command filtered", "552 Unrecognized key", "512 Bad"])
def test_questions_that_may_not_be_asked_are_missing_and_asked_once(link, answer):
    control = link.connect()
    link.tor.refusals["GETINFO"] = answer
    assert link.run(control.onions_current()) is None
    assert link.run(control.bootstrap()) == (100, "")
    assert link.run(control.circuit_established()) is True
    asked = len(link.tor.lines)
    assert link.run(control.onions_current()) is None
    assert len(link.tor.lines) == asked
    assert "GETINFO onions/current" in control.missing


def test_keys_that_may_not_be_given_are_missing_not_an_error(link):
    control = link.connect()
    link.tor.refusals["ONION_CLIENT_AUTH"] = "510 Command filtered"
    assert link.run(control.client_auth_add(ADDRESS, bytes(32))) is False
    assert link.run(control.client_auth_remove(ADDRESS)) is False
    assert control.missing == {"ONION_CLIENT_AUTH_ADD", "ONION_CLIENT_AUTH_REMOVE"}


@pytest.mark.parametrize(
    ("answer", "code", "is_unknown"),
    [
        ("510 Command filtered", 510, True),
        ("512 Invalid argument", 512, True),
        ("552 Unknown", 552, True),
        ("550 Onion address collision", 550, False),
        ("551 Failed", 551, False),
    ],
)
def test_a_refused_onion_says_what_to_do(link, answer, code, is_unknown):
    control = link.connect()
    link.tor.refusals["ADD_ONION"] = answer
    with pytest.raises(ControlRefused) as caught:
        link.run(control.add_onion(KEY.expanded(), 1, "127.0.0.1:1"))
    assert (caught.value.code, caught.value.is_unknown) == (code, is_unknown)
    assert "do something" in str(caught.value)


def test_a_live_onion_collides(link):
    control = link.connect()
    link.run(control.add_onion(KEY.expanded(), 1, "127.0.0.1:1"))
    with pytest.raises(ControlRefused) as caught:
        link.run(control.add_onion(KEY.expanded(), 1, "127.0.0.1:1"))
    assert caught.value.code == 550


def test_taking_down_what_is_not_there_is_no_error(link):
    link.run(link.connect().del_onion(ADDRESS))


def test_a_line_that_the_filter_would_cut_is_never_sent(link):
    control = link.connect()
    sent = len(link.tor.lines)
    with pytest.raises(TorError, match="fewer"):
        link.run(control.add_onion(KEY.expanded(), 1, "127.0.0.1:1", [bytes(32)] * 160))
    assert len(link.tor.lines) == sent


def test_the_filter_drops_who_sends_too_long_a_line():
    link = Link(FilterRules.from_text(profile_text("tails")))
    control = link.connect()
    lost = []
    control.when_lost(lambda: lost.append(1))
    link.endpoint.servers[0].dataReceived(b"GETINFO " + b"x" * 10300 + b"\r\n")
    settle(link.clock)
    assert lost == [1]


@pytest.mark.parametrize("kind", ["whonix", "tails", None])
def test_events_come_through(kind):
    link = Link(FilterRules.from_text(profile_text(kind)) if kind else None)
    control = link.connect()
    assert link.run(control.listen(link.hear)) == {"HS_DESC", "STATUS_CLIENT"}
    link.tor.upload(ADDRESS)
    settle(link.clock)
    assert link.events[0][0] == "HS_DESC"
    assert link.events[0][1].split()[:2] == ["UPLOADED", ADDRESS]


def test_events_that_may_not_be_heard_are_left_out(link):
    control = link.connect()
    link.tor.refusals["SETEVENTS .*HS_DESC"] = "510 Command filtered"
    assert link.run(control.listen(link.hear)) == {"STATUS_CLIENT"}
    assert control.missing == {"SETEVENTS HS_DESC"}
    link.tor.tell("650 STATUS_CLIENT NOTICE BOOTSTRAP PROGRESS=5")
    settle(link.clock)
    assert link.events == [("STATUS_CLIENT", "NOTICE BOOTSTRAP PROGRESS=5")]


def test_no_events_at_all_is_no_error(link):
    control = link.connect()
    link.tor.refusals["SETEVENTS"] = "552 Unrecognized event"
    assert link.run(control.listen(link.hear)) == frozenset()


def test_a_tor_that_does_not_answer_is_left_after_our_own_time(link):
    control = link.connect()
    lost = []
    control.when_lost(lambda: lost.append(1))
    link.tor.is_hanging = True
    results = link.start(control.circuit_established())
    link.clock.advance(CONTROL_TIMEOUT_SECONDS + 1)
    settle(link.clock)
    assert results[0].check(ControlLost)
    assert lost == [1]
    assert control.is_lost
    with pytest.raises(ControlLost):
        link.run(control.circuit_established())


def test_a_tor_that_does_not_even_greet_is_left_too(link):
    link.tor.is_hanging = True
    results = link.start(connect_control(link.endpoint, link.clock, ""))
    link.clock.advance(CONTROL_TIMEOUT_SECONDS + 1)
    settle(link.clock)
    assert results[0].check(ControlLost)
    assert link.clock.getDelayedCalls() == []


def test_no_error_quotes_a_key_even_when_tor_dies_in_the_middle(link):
    control = link.connect()
    link.tor.is_hanging = True
    results = link.start(control.add_onion(KEY.expanded(), 1, "127.0.0.1:1"))
    link.tor.restart()
    settle(link.clock)
    secret = base64.b64encode(KEY.expanded()).decode()
    text = results[0].getTraceback() + repr(results[0].value) + repr(results[0].value.__context__)
    assert results[0].check(ControlLost)
    assert secret not in text
    gc.collect()  # an unhandled error in a Deferred would be logged now, and fail the test run


def test_nobody_there(link):
    link.endpoint.is_refusing = True
    with pytest.raises(ControlLost):
        link.connect()


def test_a_socket_that_is_not_ours_to_open_says_what_to_do(link, monkeypatch):
    monkeypatch.setattr(link.endpoint, "connect", lambda factory: fail(ConnectError(osError=errno.EACCES)))
    with pytest.raises(TorError, match="do something"):
        link.connect()


def test_cookie_authentication(link, tmp_path):
    link.tor.cookie_path = tmp_path / "cookie"
    with pytest.raises(CookieNotYet):
        link.connect()
    link.tor.cookie_path.write_bytes(b"short")
    with pytest.raises(CookieNotYet):
        link.connect()
    link.tor.cookie_path.write_bytes(bytes(range(32)))
    assert link.connect().version


def test_a_cookie_that_is_not_ours_to_read_says_what_to_do(link, tmp_path):
    link.tor.cookie_path = tmp_path  # a directory cannot be read as a cookie, by root neither
    with pytest.raises(TorError) as caught:
        link.connect()
    assert "\n" not in str(caught.value)


def test_a_filter_that_does_not_know_us_at_all(link):
    link.tor.refusals["GETINFO version"] = "510 Command filtered"
    with pytest.raises(ControlRefused, match="do something"):
        link.connect()


def test_answers_with_control_characters_reach_nobody_s_terminal(link):
    control = link.connect()
    link.tor.refusals["ADD_ONION"] = "551 \x1b[2Jgone"
    with pytest.raises(ControlRefused) as caught:
        link.run(control.add_onion(KEY.expanded(), 1, "127.0.0.1:1"))
    assert "\x1b" not in str(caught.value)
