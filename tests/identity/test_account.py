"""What a contact is told of an account gives the same devices: whatever was told before, whatever happened."""

from hypothesis import given, settings
from hypothesis import strategies as st

from onionchat import limits
from onionchat.identity.account import fold, statements_admitting, statements_for_contact
from tests.identity.people import Play, device_names, key
from tests.identity.test_roster import NAMES, dispute, history, step


def told(play: Play, known: str = "", logs: tuple[bytes, ...] = ()) -> tuple[bytes, ...]:
    return statements_for_contact(play.roster(), [key(name).public for name in known], logs)


def test_a_new_contact_learns_nothing_of_devices_that_are_gone() -> None:
    play = Play()
    play.add("B", by="A")
    play.add("old", by="A")
    play.remove("old", by="B", stolen=True)
    assert fold(told(play)).devices == {key("A").public, key("B").public}


def test_a_contact_learns_that_a_device_it_knew_is_gone() -> None:
    play = Play()
    play.add("B", by="A")
    play.add("old", by="A")
    before = told(play)
    play.remove("old", by="B", stolen=True)
    after = fold([*before, *statements_for_contact(play.roster(), fold(before).devices)])
    assert after.active == play.roster().active
    assert after.removed[key("old").public].reason == "stolen"


def test_a_removed_device_that_admitted_the_living_is_told_with_its_removal() -> None:
    play = Play()
    kept = play.add("B", by="A")
    play.remove("A", by="B", keeps=[kept])
    assert fold(told(play)).active == {key("B").public}


def test_a_contact_sees_a_dispute() -> None:
    assert fold(told(dispute(), "AT")).disputed


def test_a_contact_is_shown_the_cuts_of_its_own_conversation_alone() -> None:
    play = Play()
    play.add("T", by="A")
    mine, other = b"m" * 32, b"o" * 32
    play.remove("T", by="A", cuts=[(mine, 4, b"4" * 32), (other, 5, b"5" * 32)])
    shown = fold(told(play, "T", logs=(mine,)))
    assert shown.cut_for(key("T").public, mine) is not None
    assert shown.cut_for(key("T").public, other) is None
    assert not any(other in raw for raw in told(play, "T", logs=(mine,)))
    assert fold(told(play, "T")).removed[key("T").public].cuts == {}


def test_an_order_that_only_left_out_statements_show_is_told_with_them() -> None:
    """B was admitted again by the recovery key and then removed by A, who knew that only through C's statement."""
    play = Play()
    play.add("B", by="A")
    play.add("C", by="A")
    play.remove("B", by="A")
    again = play.add("B", by="words")
    link = play.add("D", by="C", seen=[again])
    play.remove("B", by="A", seen=[link])
    play.remove("D", by="C")
    play.remove("C", by="A")
    assert play.active() == "A"
    assert fold(told(play, "B")).active == {key("A").public}


def test_what_admits_one_device_is_small() -> None:
    play = Play()
    for index in range(limits.DEVICES_PER_ACCOUNT_MAX - 1):
        play.add(f"d{index}", by="A")
    admitting = statements_admitting(play.roster(), key("d9").public)
    assert key("d9").public in fold(admitting).active
    assert len(admitting) == 2
    assert sum(map(len, admitting)) < limits.STATEMENTS_RECORD_MAX_BYTES
    assert sum(map(len, told(play))) < limits.STRANGER_RECORD_MAX_BYTES - 2048


@settings(max_examples=100)
@given(st.lists(step, max_size=14), st.sets(st.sampled_from(NAMES)))
def test_a_contact_folds_the_same_devices(steps: list[tuple[str, str, str, int]], known: set[str]) -> None:
    play = history(steps)
    roster = play.roster()
    shown = fold(told(play, "".join(known)), roster.account)
    assert (shown.active, shown.disputed) == (roster.active, roster.disputed)
    for device in (key(name).public for name in known):
        assert shown.removed.get(device) == roster.removed.get(device)


@settings(max_examples=100)
@given(st.lists(step, max_size=14), st.integers(0, 14))
def test_a_contact_that_was_told_before_folds_the_same_devices(
    steps: list[tuple[str, str, str, int]], early: int
) -> None:
    """A play with a prefix of the steps has a prefix of the statements."""
    before = told(history(steps[:early]))
    roster = history(steps).roster()
    after = fold([*before, *statements_for_contact(roster, fold(before).devices)])
    assert (after.active, after.disputed) == (roster.active, roster.disputed)


@settings(max_examples=60)
@given(st.lists(step, max_size=14))
def test_every_active_device_can_be_shown_to_be_one(steps: list[tuple[str, str, str, int]]) -> None:
    roster = history(steps).roster()
    for device in roster.active:
        assert device in fold(statements_admitting(roster, device)).active, device_names([device], NAMES)
