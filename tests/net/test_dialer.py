"""Who is dialled when: playbooks, and properties that hold for every order of events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.limits import BACKGROUND_DIALS_MAX, BACKOFF_MAX_SECONDS, BACKOFF_MIN_SECONDS
from onionchat.net.dialer import SPREAD_SECONDS, URGENT_MAX_SECONDS, Dial, Dialer, DialState, WakeAt
from onionchat.net.failure import DialFailure

LEAST, MOST = (lambda size: bytes(size)), (lambda size: b"\xff" * size)


def dialer_with_tor(random=MOST) -> Dialer[str]:
    dialer: Dialer[str] = Dialer(random)
    dialer.tor_returned(0.0)
    return dialer


def dials(commands) -> list[str]:
    return [command.target for command in commands if isinstance(command, Dial)]


def wake_time(commands) -> float | None:
    return next((command.time for command in commands if isinstance(command, WakeAt)), None)


def test_a_new_target_is_dialled_at_once():
    assert dialer_with_tor().wanted({"bob"}, 5.0) == [Dial("bob")]


def test_nothing_is_dialled_without_tor_and_all_when_it_comes():
    dialer: Dialer[str] = Dialer(MOST)
    assert dialer.wanted({"bob"}, 0.0) == []
    assert dials(dialer.tor_returned(9.0)) == ["bob"]


def test_a_target_is_not_dialled_twice_at_the_same_time():
    dialer = dialer_with_tor()
    dialer.wanted({"bob"}, 0.0)
    assert dialer.wake(1000.0) == []
    assert dialer.wanted({"bob"}, 1000.0) == []


def test_waits_double_with_jitter_and_end_at_the_cap():
    for random, factor in ((LEAST, 0.5), (MOST, 1.0)):
        dialer, now, waits = dialer_with_tor(random), 0.0, []
        dialer.wanted({"bob"}, now)
        for _ in range(12):
            due = wake_time(dialer.dial_failed("bob", DialFailure.TIMED_OUT, now))
            waits.append(due - now)
            now = due
            assert dials(dialer.wake(now)) == ["bob"]
        expected = [min(BACKOFF_MAX_SECONDS, BACKOFF_MIN_SECONDS * 2**n) * factor for n in range(12)]
        assert all(abs(wait - want) < 1e-6 * want + 1e-6 for wait, want in zip(waits, expected, strict=True))


def test_who_is_off_is_tried_less_often_than_who_does_not_answer():
    waits = {}
    for failure in (DialFailure.NO_DESCRIPTOR, DialFailure.TIMED_OUT, DialFailure.REJECTED):
        dialer = dialer_with_tor()
        dialer.wanted({"bob"}, 0.0)
        waits[failure] = wake_time(dialer.dial_failed("bob", failure, 0.0))
    assert waits[DialFailure.TIMED_OUT] < waits[DialFailure.NO_DESCRIPTOR] < waits[DialFailure.REJECTED]


def test_a_fault_of_our_tor_is_no_try_of_theirs():
    dialer = dialer_with_tor()
    dialer.wanted({"bob"}, 0.0)
    dialer.dial_failed("bob", DialFailure.TOR_AWAY, 0.0)
    assert dialer.explain("bob", 0.0).tries == 0


@pytest.mark.parametrize(
    ("failure", "fresh"),
    [
        (DialFailure.INTRODUCTION_FAILED, True),
        (DialFailure.TIMED_OUT, True),
        (DialFailure.NO_DESCRIPTOR, False),  # there is no old one
        (DialFailure.TOR_AWAY, False),
    ],
)
def test_where_the_descriptor_may_be_old_a_new_one_is_asked_for(failure, fresh):
    dialer = dialer_with_tor()
    assert dialer.wanted({"bob"}, 0.0) == [Dial("bob", fresh=False)]
    due = wake_time(dialer.dial_failed("bob", failure, 0.0))
    assert dialer.wake(due) == [Dial("bob", fresh=fresh)]


def test_after_a_channel_broke_the_descriptor_may_be_old():
    dialer = dialer_with_tor()
    dialer.wanted({"bob"}, 0.0)
    dialer.dial_succeeded("bob", 0.0)
    due = wake_time(dialer.lost("bob", 9.0))
    assert dialer.wake(due) == [Dial("bob", fresh=True)]


def test_success_resets_the_wait():
    dialer, now = dialer_with_tor(), 0.0
    dialer.wanted({"bob"}, now)
    for _ in range(6):
        now = wake_time(dialer.dial_failed("bob", DialFailure.TIMED_OUT, now))
        dialer.wake(now)
    dialer.dial_succeeded("bob", now)
    assert dialer.explain("bob", now).state is DialState.CONNECTED
    dialer.channel_opened("bob", now)
    due = wake_time(dialer.lost("bob", now))
    assert due - now <= SPREAD_SECONDS


def test_who_turns_us_away_at_once_is_dialled_less_and_less():
    """Its address may be there for a month after it has blocked us."""
    dialer, now, waits = dialer_with_tor(), 0.0, []
    dialer.wanted({"bob"}, now)
    for _ in range(12):
        dialer.dial_succeeded("bob", now)
        due = wake_time(dialer.lost("bob", now))
        waits.append(due - now)
        now = due
        assert dials(dialer.wake(now)) == ["bob"]
    assert waits[0] <= BACKOFF_MIN_SECONDS and waits[-1] >= BACKOFF_MAX_SECONDS / 2
    dialer.channel_opened("bob", now)
    assert wake_time(dialer.lost("bob", now)) - now <= SPREAD_SECONDS


def test_a_channel_that_they_opened_ends_our_dial():
    dialer = dialer_with_tor()
    dialer.wanted({"bob"}, 0.0)
    dialer.channel_opened("bob", 1.0)
    assert dialer.dial_failed("bob", DialFailure.TIMED_OUT, 2.0) == []
    assert dialer.explain("bob", 2.0).state is DialState.CONNECTED


def test_a_peer_we_threw_out_waits_long_even_when_tor_comes_back_or_it_is_urgent():
    dialer = dialer_with_tor()
    dialer.wanted({"bob"}, 0.0)
    dialer.dial_succeeded("bob", 0.0)
    dialer.lost("bob", 0.0, DialFailure.REJECTED)
    dialer.tor_lost(1.0)
    assert dials(dialer.tor_returned(2.0)) == []
    assert dialer.explain("bob", 2.0).next_try_seconds > BACKOFF_MIN_SECONDS


def test_only_so_many_background_dials_and_the_next_follows_when_one_ends():
    dialer = dialer_with_tor()
    names = {f"peer{n}" for n in range(BACKGROUND_DIALS_MAX + 5)}
    started = dials(dialer.wanted(names, 0.0))
    assert len(started) == BACKGROUND_DIALS_MAX
    more = dials(dialer.dial_failed(started[0], DialFailure.NO_DESCRIPTOR, 1.0))
    assert len(more) == 1
    assert more[0] not in started


def test_urgent_ones_need_no_slot_and_do_not_wait():
    dialer = dialer_with_tor()
    names = {f"peer{n}" for n in range(BACKGROUND_DIALS_MAX)}
    dialer.wanted(names, 0.0)
    assert dials(dialer.wanted(names | {"bob"}, 1.0)) == []
    assert dials(dialer.wanted(names | {"bob"}, 1.0, urgent={"bob"})) == ["bob"]
    for _ in range(10):
        due = wake_time(dialer.dial_failed("bob", DialFailure.NO_DESCRIPTOR, 1.0))
        assert due - 1.0 <= URGENT_MAX_SECONDS
        dialer.wake(due)


def test_becoming_urgent_cuts_the_wait_once_not_at_every_call():
    dialer = dialer_with_tor()
    dialer.wanted({"bob"}, 0.0)
    dialer.dial_failed("bob", DialFailure.NO_DESCRIPTOR, 0.0)
    assert dials(dialer.wanted({"bob"}, 1.0, urgent={"bob"})) == ["bob"]
    dialer.dial_failed("bob", DialFailure.NO_DESCRIPTOR, 1.0)
    assert dials(dialer.wanted({"bob"}, 1.1, urgent={"bob"})) == []


def test_tor_coming_back_shortens_every_wait():
    dialer, now = dialer_with_tor(), 0.0
    dialer.wanted({"bob"}, now)
    for _ in range(8):
        now = wake_time(dialer.dial_failed("bob", DialFailure.NO_DESCRIPTOR, now))
        dialer.wake(now)
    dialer.dial_failed("bob", DialFailure.NO_DESCRIPTOR, now)
    assert dialer.explain("bob", now).next_try_seconds > 100
    assert dialer.tor_lost(now) == []
    assert dialer.explain("bob", now).next_try_seconds is None
    assert wake_time(dialer.tor_returned(now)) - now <= SPREAD_SECONDS


def test_who_is_not_wanted_any_more_is_not_dialled_and_not_explained():
    dialer = dialer_with_tor()
    dialer.wanted({"bob", "carol"}, 0.0)
    dialer.dial_failed("bob", DialFailure.NO_DESCRIPTOR, 0.0)
    dialer.wanted(set(), 0.0)
    assert dialer.explain("bob", 0.0) is None
    assert dialer.explain("carol", 0.0) is None
    assert dialer.dial_failed("carol", DialFailure.NO_DESCRIPTOR, 1.0) == []
    assert dialer.wake(1e9) == []


def test_the_explanation_says_what_a_person_wants_to_know():
    dialer = dialer_with_tor()
    dialer.wanted({"bob"}, 0.0)
    dialer.dial_failed("bob", DialFailure.NO_DESCRIPTOR, 0.0)
    shown = dialer.explain("bob", 4.0)
    assert (shown.state, shown.tries, shown.last_failure) == (DialState.WAITING, 1, "no descriptor (it is off)")
    assert 0 < shown.next_try_seconds < 10


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["wake", "fail", "succeed", "open", "lose", "tor_lost", "tor_returned", "want", "urgent", "drop"]
        ),
        st.integers(0, 11),
        st.sampled_from(list(DialFailure)),
        st.floats(0, 2000),
    ),
    max_size=80,
)


@given(EVENTS, st.binary(min_size=4, max_size=4))
def test_whatever_happens_the_rules_hold(events, noise):
    """No double dial, no dial without Tor or for the unwanted, slots kept, waits capped, no target forgotten."""
    dialer: Dialer[int] = Dialer(lambda size: noise[:size])
    now, has_tor, names, urgent, dialing = 0.0, False, set(), set(), set()
    for event, name, failure, seconds in events:
        now += seconds
        match event:
            case "want":
                names = names | {name}
                commands = dialer.wanted(names, now, urgent)
            case "urgent":
                urgent = urgent ^ {name}
                commands = dialer.wanted(names, now, urgent)
            case "drop":
                names = names - {name}
                commands = dialer.wanted(names, now, urgent)
            case "fail" if name in dialing:
                dialing.discard(name)
                commands = dialer.dial_failed(name, failure, now)
            case "succeed" if name in dialing:
                dialing.discard(name)
                commands = dialer.dial_succeeded(name, now)
            case "open":
                dialing.discard(name)
                commands = dialer.channel_opened(name, now)
            case "lose":
                commands = dialer.lost(name, now, failure)
            case "tor_lost":
                has_tor, commands = False, dialer.tor_lost(now)
            case "tor_returned":
                has_tor, commands = True, dialer.tor_returned(now)
            case _:
                commands = dialer.wake(now)
        started = dials(commands)
        assert has_tor or not started
        assert not dialing & set(started)
        assert set(started) <= names
        dialing |= set(started)
        assert len(started) == len(set(started))
        due = wake_time(commands)
        assert due is None or now < due <= now + BACKOFF_MAX_SECONDS
        for wanted in names:
            shown = dialer.explain(wanted, now)
            assert shown is not None
            assert shown.next_try_seconds is None or shown.next_try_seconds <= BACKOFF_MAX_SECONDS


@given(st.sets(st.integers(), max_size=40), st.binary(min_size=4, max_size=4))
def test_everybody_gets_a_turn(names, noise):
    """With all dials failing, every target is dialled again and again."""
    dialer: Dialer[int] = Dialer(lambda size: noise[:size])
    dialer.tor_returned(0.0)
    counts = dict.fromkeys(names, 0)
    now, queue = 0.0, dialer.wanted(names, 0.0)
    for _ in range(200):
        for name in dials(queue):
            counts[name] += 1
        due = wake_time(queue)
        queue = [
            command for name in dials(queue) for command in dialer.dial_failed(name, DialFailure.NO_DESCRIPTOR, now)
        ]
        if not dials(queue):
            due = wake_time(queue) or due
            if due is None:
                break
            now = max(now, due)
            queue = dialer.wake(now)
    assert all(count >= 2 for count in counts.values())
