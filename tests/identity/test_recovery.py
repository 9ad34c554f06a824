"""What the recovery key says: the owner wins, and nothing else changes."""

import pytest

from onionchat.errors import LocalError
from onionchat.identity.account import Roster, fold
from onionchat.identity.recovery import Removing, Spoken, require_recovery_key, speak
from onionchat.ids import DeviceId
from tests.identity.people import Play, device_names, key


def said(play: Play, device: str, stolen: str = "", retired: str = "", keep: str = "") -> Spoken:
    removals = {DeviceId(key(name).public): Removing("stolen") for name in stolen}
    removals |= {DeviceId(key(name).public): Removing("retired") for name in retired}
    play.names |= set(device)
    kept = {DeviceId(key(name).public) for name in keep}
    return speak(play.raws, key("words"), key(device), removals, kept)


def active(play: Play, spoken: Spoken) -> str:
    told = fold([*play.raws, *spoken.statements])
    assert told.active == spoken.roster.active and not told.disputed
    return device_names(told.active, play.names)


def linked() -> Play:
    """A linked B, B linked C."""
    play = Play()
    play.add("B", by="A")
    play.add("C", by="B")
    return play


def test_nothing_is_said_twice() -> None:
    play = linked()
    play.raws += said(play, "C").statements
    assert len(play.raws) == 4
    assert said(play, "C").statements == ()
    assert len(said(play, "B").statements) == 1


def test_one_that_does_not_know_that_it_is_out_is_in_again() -> None:
    play = linked()
    spoken = said(play, "C")
    play.remove("C", by="A")
    assert play.active() == "AB"
    told = fold([*play.raws, *spoken.statements])
    assert device_names(told.active, play.names) == "ABC"


def test_words_that_were_used_too_often_make_no_flood() -> None:
    play = Play()
    for number in range(63):
        play.add(f"d{number}", by="words")
        play.remove(f"d{number}", by="A")
    with pytest.raises(LocalError, match="too often"):
        said(play, "A")


def test_a_new_device_when_all_are_lost() -> None:
    play = linked()
    spoken = said(play, "N", retired="ABC")
    assert active(play, spoken) == "N"
    assert key("N").public not in spoken.roster.admitted_by


def test_one_that_was_removed_is_in_again() -> None:
    play = linked()
    play.remove("C", by="A")
    assert active(play, said(play, "C")) == "ABC"


def test_a_dispute_ends() -> None:
    play = linked()
    heads = play.roster().heads
    play.remove("C", by="B", seen=heads)
    play.remove("B", by="C", seen=heads)
    assert play.roster().disputed
    assert active(play, said(play, "C")) == "AC"
    assert active(play, said(play, "A")) == "A"
    assert active(play, said(play, "B", stolen="C")) == "AB"


def test_the_thief_cannot_answer() -> None:
    play = linked()
    play.remove("A", by="B", stolen=True)
    before = play.roster().heads_before(key("A").public)
    spoken = said(play, "A", stolen="B")
    play.raws += spoken.statements
    play.remove("A", by="B")  # it has seen all
    play.remove("A", by="B", seen=before)
    play.remove("A", by="B", seen=[play.genesis])
    play.add("X", by="B")
    assert play.active() == "A"
    assert not play.roster().disputed


def test_what_a_stolen_device_linked_goes_with_it_but_not_what_we_come_from() -> None:
    play = linked()
    play.add("D", by="B")
    spoken = said(play, "C", stolen="B")
    assert active(play, spoken) == "AC"
    assert active(play, said(play, "C", stolen="B", keep="D")) == "ACD"
    assert active(play, said(play, "C", retired="B")) == "ACD"


def test_who_was_out_stays_out_unless_it_is_ours() -> None:
    play = linked()
    play.remove("A", by="B")
    play.add("D", by="B")
    play.remove("D", by="B")
    for removed in ({"stolen": "B"}, {"retired": "B"}):
        assert active(play, said(play, "C", **removed)) == "C"
        assert active(play, said(play, "C", keep="A", **removed)) == "AC"


def test_our_own_membership_does_not_bring_back_who_linked_us() -> None:
    play = linked()
    play.add("D", by="C")
    play.remove("C", by="B")
    assert active(play, said(play, "D", stolen="B")) == "AD"


def test_a_device_that_was_reported_stolen_needs_new_keys() -> None:
    play = linked()
    play.remove("C", by="A", stolen=True)
    with pytest.raises(LocalError, match="reported as stolen"):
        said(play, "C")
    assert active(play, said(play, "C", stolen="A", keep="BC")) == "BC"  # the report was a thief's


def test_what_cannot_be() -> None:
    with pytest.raises(LocalError, match="cannot remove itself"):
        said(linked(), "A", stolen="A")
    with pytest.raises(LocalError, match="of another account"):
        speak(linked().raws, key("other words"), key("A"), {})
    with pytest.raises(LocalError, match="without recovery words"):
        require_recovery_key(Play(recovery=None).roster(), key("words"))


def test_a_flood_ends_with_who_made_it() -> None:
    play = linked()
    for number in range(70):
        play.add(f"{number}", by="B", seen=[play.genesis])
    roster: Roster = play.roster()
    assert roster.disputed
    with pytest.raises(LocalError, match="flooded"):
        said(play, "A")
    assert "A" in active(play, said(play, "A", stolen="B"))


def test_ends_of_logs_are_told_of_stolen_devices_only() -> None:
    play = linked()
    target, ends = DeviceId(key("B").public), ((b"\x01" * 32, 7, b"\x02" * 32),)
    for reason in ("stolen", "retired"):
        spoken = speak(play.raws, key("words"), key("A"), {target: Removing(reason, ends)})
        cut = spoken.roster.cut_for(target, b"\x01" * 32)
        assert (cut is not None and cut.seq == 7) == (reason == "stolen")
