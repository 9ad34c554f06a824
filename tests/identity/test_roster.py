"""The fold. Each rule of docs/spec/identity.md has its tests; then properties over histories made by chance."""

import random as chance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.identity.account import fold, make_add, make_genesis, make_remove, roster_fingerprint, statement_id
from onionchat.identity.statements import parse_statement, revealing
from tests.identity.people import Play, device_names, key


# --- members ------------------------------------------------------------------------------------------
def test_a_genesis_alone_is_an_account_of_one_device() -> None:
    roster = Play().roster()
    assert roster.active == {key("A").public}
    assert roster.account == statement_id(roster.statements[0])
    assert roster.heads == (roster.account,)
    assert (roster.removed, roster.disputed, roster.admitted_by) == ({}, False, {})


def test_members_admit_members() -> None:
    play = Play()
    play.add("B", by="A")
    play.add("C", by="B")
    assert play.active() == "ABC"
    assert play.roster().admitted_by == {key("B").public: key("A").public, key("C").public: key("B").public}
    assert play.roster().is_member(key("C").public)


def test_a_stranger_admits_nobody_until_it_is_known_to_be_a_member() -> None:
    play = Play()
    play.add("C", by="B")
    assert play.active() == "A"
    assert play.roster().ignored == (play.raws[1],)
    play.add("B", by="A")
    assert play.active() == "ABC"


def test_two_strangers_who_admit_each_other_are_no_members() -> None:
    play = Play()
    play.add("X", by="Y")
    play.add("Y", by="X")
    assert play.active() == "A"


def test_several_heads_merge() -> None:
    play = Play()
    b = play.add("B", by="A", seen=[play.genesis])
    c = play.add("C", by="A", seen=[play.genesis])
    assert set(play.roster().heads) == {b, c}
    d = play.add("D", by="C")
    assert play.roster().heads == (d,)
    assert play.active() == "ABCD"


def test_statements_whose_past_is_missing_are_folded() -> None:
    play = Play()
    play.add("B", by="A", seen=[b"\xee" * 32])
    assert play.active() == "AB"


def test_no_more_than_sixteen_devices_are_active() -> None:
    play = Play()
    names = [f"d{index}" for index in range(limits.DEVICES_PER_ACCOUNT_MAX)]
    for name in names:
        play.add(name, by="A", seen=[play.genesis])
    roster = play.roster()
    assert len(roster.active) == limits.DEVICES_PER_ACCOUNT_MAX
    assert roster.is_full()
    assert roster.is_member(key("A").public)
    assert len(roster.devices_surplus) == 1


# --- removal ------------------------------------------------------------------------------------------
def test_a_removal_takes_a_device_out() -> None:
    play = Play()
    play.add("B", by="A")
    play.remove("B", by="A")
    assert play.active() == "A"
    assert play.roster().removed[key("B").public].reason == "retired"
    assert play.roster().removed[key("B").public].by == key("A").public


def test_the_genesis_device_can_be_removed_by_the_one_it_admitted() -> None:
    """And takes nobody with it: a removal keeps what its own signer's membership comes from."""
    play = Play()
    play.add("B", by="A")
    play.add("C", by="B")
    play.remove("A", by="C", stolen=True)
    assert play.active() == "BC"


def test_a_device_can_leave_and_the_last_one_too() -> None:
    play = Play()
    play.add("B", by="A")
    play.remove("B", by="B")
    assert play.active() == "A"
    play.remove("A", by="A")
    assert play.active() == ""
    assert not play.roster().disputed


def test_a_removal_voids_what_it_does_not_keep_and_all_that_comes_from_it() -> None:
    play = Play()
    thief = play.add("T", by="A")
    kept = play.add("B", by="T", seen=[thief])
    play.add("X", by="T", seen=[thief])
    play.add("Y", by="X", seen=[thief])
    play.remove("T", by="A", keeps=[kept], stolen=True)
    assert play.active() == "AB"
    assert device_names(play.roster().devices_voided, play.names) == "XY"
    assert play.roster().removed.keys() == {key("T").public}


def test_what_a_voided_device_signed_counts_for_nothing() -> None:
    """The thief's second device removed an honest one; when the thief is removed, that removal falls with it."""
    play = Play()
    play.add("B", by="A")
    play.add("T", by="A")
    play.add("X", by="T")
    play.remove("B", by="X")
    assert play.active() == "ATX"
    play.remove("T", by="A", stolen=True)
    assert play.active() == "AB"


def test_an_add_that_comes_late_from_a_removed_device_is_void() -> None:
    play = Play()
    seen = play.add("T", by="A")
    play.remove("T", by="A")
    play.add("X", by="T", seen=[seen])
    assert play.active() == "A"


def test_a_device_admitted_twice_stays_when_one_admission_is_voided() -> None:
    play = Play()
    play.add("T", by="A")
    play.add("B", by="T")
    play.add("B", by="A")
    play.remove("T", by="A")
    assert play.active() == "AB"
    assert play.roster().admitted_by[key("B").public] == key("A").public


def test_members_cannot_bring_a_removed_device_back() -> None:
    play = Play()
    play.add("B", by="A")
    play.add("C", by="A")
    play.remove("C", by="A")
    play.add("C", by="B")
    assert play.active() == "AB"


def test_a_removal_stands_when_its_signer_is_removed_later() -> None:
    play = Play()
    play.add("B", by="A")
    play.add("C", by="A")
    play.remove("C", by="B")
    play.remove("B", by="A")
    assert play.active() == "A"


def test_a_removed_device_that_knows_it_removes_nobody() -> None:
    play = Play()
    play.add("T", by="A")
    play.remove("T", by="A")
    play.remove("A", by="T")
    assert play.active() == "A"
    assert not play.roster().disputed


def test_a_device_knows_its_removal_through_others_statements() -> None:
    play = Play()
    play.add("T", by="A")
    play.remove("T", by="A")
    play.add("B", by="A")
    play.remove("A", by="T")
    assert play.active() == "AB"


# --- disputes -----------------------------------------------------------------------------------------
def dispute() -> Play:
    play = Play()
    seen = play.add("T", by="A")
    play.remove("T", by="A", seen=[seen])
    play.remove("A", by="T", seen=[seen])
    return play


def test_two_that_remove_each_other_unseen_are_both_out() -> None:
    roster = dispute().roster()
    assert roster.active == frozenset()
    assert roster.disputed


def test_a_ring_of_three_is_a_dispute_too() -> None:
    play = Play()
    play.add("B", by="A")
    seen = play.add("C", by="A")
    keeps = play.roster().adds_of(key("A").public)
    for target, signer in ("AB", "BC", "CA"):
        play.remove(target, by=signer, seen=[seen], keeps=keeps)
    assert play.active() == ""
    assert play.roster().disputed


def test_a_third_device_stays_but_the_account_is_disputed() -> None:
    play = Play()
    play.add("B", by="A")
    seen = play.add("T", by="A")
    kept = [play.genesis, *play.roster().adds_of(key("A").public)]
    play.remove("T", by="A", seen=[seen])
    play.remove("A", by="T", seen=[seen], keeps=kept[1:])
    assert play.active() == "B"
    assert play.roster().disputed


def test_removals_that_take_away_each_others_ground_both_count() -> None:
    """M admitted N and P; each removes M and, not knowing of the other's admission, voids it: both are out."""
    play = Play("M")
    n = play.add("N", by="M", seen=[play.genesis])
    p = play.add("P", by="M", seen=[play.genesis])
    play.remove("M", by="N", seen=[n])
    play.remove("M", by="P", seen=[p])
    assert play.active() == ""
    assert play.roster().disputed


def test_a_thief_does_not_own_an_account_by_voiding_those_who_remove_it() -> None:
    """A retired, B and T remain. B removes T; T, as if it did not know, removes A again, to void B's admission."""
    play = Play()
    play.add("B", by="A")
    seen = play.add("T", by="A")
    play.remove("A", by="B", keeps=play.roster().adds_of(key("A").public))
    play.remove("T", by="B", stolen=True)
    assert play.active() == "B"
    play.remove("A", by="T", seen=[seen])
    assert play.active() == ""
    assert play.roster().disputed


def test_a_thief_does_not_hide_a_device_among_the_origins_of_who_removes_it() -> None:
    """T admitted B. T admits X, which admits T: B's membership does not come from X for that."""
    play = Play()
    play.add("T", by="A")
    play.add("B", by="T")
    play.add("X", by="T")
    play.add("T", by="X")
    play.remove("T", by="B", stolen=True)
    assert play.active() == "AB"


def test_who_was_removed_by_a_thief_can_still_take_the_account_from_it() -> None:
    play = Play()
    play.add("B", by="A")
    play.add("T", by="B")
    play.remove("A", by="T")
    play.remove("B", by="T")
    assert play.active() == "T"
    play.remove("T", by="A")  # has seen that it is out
    assert play.active() == "T"
    play.remove("T", by="A", seen=play.roster().heads_before(key("T").public))
    assert play.active() == ""
    assert play.roster().disputed
    play.add("A", by="words")
    assert play.active() == "A"


def test_two_that_retire_a_device_at_once_and_know_each_other_both_stay() -> None:
    play = Play("M")
    play.add("N", by="M")
    seen = play.add("P", by="M")
    keeps = play.roster().adds_of(key("M").public)
    play.remove("M", by="N", seen=[seen], keeps=keeps)
    play.remove("M", by="P", seen=[seen], keeps=keeps)
    assert play.active() == "NP"
    assert not play.roster().disputed


# --- the recovery key ---------------------------------------------------------------------------------
def test_recovery_admits_when_every_device_is_lost() -> None:
    play = Play()
    play.remove("A", by="A")
    play.add("N", by="words")
    assert play.active() == "N"
    assert play.roster().admitted_by == {}


def test_recovery_settles_a_dispute_by_admitting_again() -> None:
    play = dispute()
    play.add("A", by="words")
    assert play.active() == "A"
    assert not play.roster().disputed


def test_recovery_settles_a_dispute_by_removing_the_thief_with_all_its_removals() -> None:
    play = dispute()
    play.remove("T", by="words", stolen=True)
    assert play.active() == "A"
    assert not play.roster().disputed


def test_a_thief_does_not_answer_the_recovery_key() -> None:
    play = dispute()
    seen = play.add("A", by="words")
    play.remove("A", by="T", seen=[seen])  # knows that it is out
    play.remove("A", by="T", seen=[play.genesis], keeps=[seen])  # pretends not to
    assert play.active() == "A"


def test_recovery_keeps_the_removals_that_it_names() -> None:
    play = Play()
    play.add("B", by="A")
    play.add("C", by="A")
    removal = play.remove("C", by="B")
    play.remove("B", by="words", keeps=[removal])
    assert play.active() == "A"
    play.remove("B", by="words")
    assert play.active() == "AC", "of two removals by the recovery key both must keep it"


def test_a_recovered_device_can_be_removed_again_in_the_usual_way() -> None:
    play = Play()
    play.add("B", by="A")
    play.remove("B", by="A")
    play.add("B", by="words")
    assert play.active() == "AB"
    play.remove("B", by="A")
    assert play.active() == "A"


def test_a_device_that_is_admitted_again_does_not_bring_back_what_was_done_in_its_name() -> None:
    play = Play()
    play.add("B", by="A")
    play.add("X", by="B")
    play.remove("B", by="A", stolen=True)
    play.add("B", by="words")
    assert play.active() == "AB"
    play.add("C", by="B")
    assert play.active() == "ABC"


def test_recovery_wins_over_a_removal_that_it_has_not_seen() -> None:
    play = Play()
    seen = play.add("B", by="A")
    play.add("B", by="words", seen=[seen])
    play.remove("B", by="A", seen=[seen])
    assert play.active() == "AB"


def test_of_two_recovery_statements_unknown_to_each_other_the_removal_counts() -> None:
    play = Play()
    seen = play.add("B", by="A")
    play.add("B", by="words", seen=[seen])
    play.remove("B", by="words", seen=[seen])
    assert play.active() == "A"
    play.add("B", by="words")
    assert play.active() == "AB"


def test_without_a_recovery_key_nobody_has_its_powers() -> None:
    play = Play(recovery=None)
    play.add("B", by="words")
    play.remove("A", by="words")
    assert play.active() == "A"


def test_another_recovery_key_is_a_stranger() -> None:
    play = Play()
    play.add("B", by="other words")
    play.remove("A", by="other words")
    assert play.active() == "A"
    assert len(play.roster().ignored) == 2


def test_the_recovery_key_is_no_device() -> None:
    play = Play()
    play.add("words", by="A")
    assert play.active() == "A"


# --- caps ---------------------------------------------------------------------------------------------
def test_statements_of_one_signer_count_by_their_ids_up_to_a_cap() -> None:
    play = Play()
    for index in range(limits.STATEMENTS_PER_SIGNER_MAX + 5):
        play.add(f"d{index}", by="A", seen=[play.genesis])
    roster = play.roster()
    assert len(roster.statements) == 1 + limits.STATEMENTS_PER_SIGNER_MAX
    assert len(roster.ignored) == 5
    assert roster.disputed
    assert max(map(statement_id, roster.statements[1:])) < min(map(statement_id, roster.ignored))


def test_a_flood_does_not_push_out_what_the_recovery_key_keeps() -> None:
    play = Play("T")
    kept = play.add("B", by="T")
    play.remove("T", by="words", keeps=[kept], stolen=True)
    for index in range(limits.STATEMENTS_PER_SIGNER_MAX * 2):
        play.add(f"d{index}", by="T", seen=[play.genesis])
    assert play.active() == "B"
    assert not play.roster().disputed


def test_what_the_recovery_key_does_not_keep_is_voided_in_sight() -> None:
    play = Play()
    play.add("B", by="A")
    play.add("C", by="B")
    play.remove("A", by="words")
    assert play.active() == ""
    assert device_names(play.roster().devices_voided, play.names) == "B"
    assert len(play.roster().ignored) == 1


def test_a_flood_that_pushes_out_a_removal_only_destroys() -> None:
    """T admitted B, who removes T. T tries keys until its statements have lower ids than B's admission."""
    play = Play("T")
    admission = play.add("B", by="T")
    play.remove("T", by="B", stolen=True)
    low = 0
    for index in range(100_000):
        if low == limits.STATEMENTS_PER_SIGNER_MAX:
            break
        if play.add(f"d{index}", by="T", seen=[play.genesis]) < admission:
            low += 1
        else:
            play.raws.pop()
    assert key("B").public not in play.roster().active
    assert play.roster().disputed
    play.remove("T", by="words", keeps=[admission], stolen=True)
    assert play.active() == "B"
    assert not play.roster().disputed


def test_a_flood_pushes_out_nothing_of_devices_nearer_to_the_genesis() -> None:
    play = Play()
    play.add("B", by="A")
    play.add("T", by="A")
    for name in [f"t{index}" for index in range(9)]:
        play.add(name, by="T", seen=[play.genesis])
        for index in range(limits.STATEMENTS_PER_SIGNER_MAX):
            play.add(f"{name}-{index}", by=name, seen=[play.genesis])
    roster = play.roster()
    assert len(roster.statements) == limits.STATEMENTS_PER_ACCOUNT_MAX
    assert roster.disputed
    assert {key("A").public, key("B").public, key("T").public} <= roster.active


# --- what is refused ------------------------------------------------------------------------------------
def test_an_account_has_one_genesis() -> None:
    with pytest.raises(RemoteError, match="one genesis"):
        fold([])
    other = make_genesis(key("Z"), b"n" * 16, None)
    with pytest.raises(RemoteError, match="one genesis"):
        fold([*Play().raws, other])


def test_statements_of_another_account_are_refused() -> None:
    play, other = Play(), Play("Z")
    other.add("B", by="Z")
    with pytest.raises(RemoteError, match="another account"):
        fold([*play.raws, other.raws[1]])
    with pytest.raises(RemoteError, match="another account"):
        fold(play.raws, other.account)


# --- cuts -----------------------------------------------------------------------------------------------
def test_the_lowest_cut_of_several_removals_counts() -> None:
    play = Play()
    play.add("B", by="A")
    seen = play.add("T", by="A")
    log, other = b"L" * 32, b"M" * 32
    play.remove("T", by="A", seen=[seen], cuts=[(log, 7, b"7" * 32), (other, 3, b"3" * 32)])
    play.remove("T", by="B", seen=[seen], cuts=[(log, 5, b"5" * 32)])
    cut = play.roster().cut_for(key("T").public, log)
    assert cut is not None
    assert (cut.seq, cut.id) == (5, b"5" * 32)
    assert play.roster().removed[key("T").public].reason == "stolen"
    assert play.roster().cut_for(key("T").public, b"N" * 32) is None
    assert play.roster().cut_for(key("A").public, log) is None


def test_copies_with_different_cuts_are_one_statement_with_both() -> None:
    play = Play()
    play.add("T", by="A")
    play.remove("T", by="A", cuts=[(b"L" * 32, 7, b"7" * 32), (b"M" * 32, 3, b"3" * 32)])
    statement = parse_statement(play.raws.pop())
    copies = [revealing(statement, [log]).raw for log in (b"L" * 32, b"M" * 32)]  # type: ignore[list-item]
    assert fold([*play.raws, *copies]).statements == fold([*play.raws, statement.raw]).statements
    assert fold([*play.raws, *reversed(copies)]) == fold([*play.raws, statement.raw])


# --- properties -------------------------------------------------------------------------------------------
NAMES = "ABCTX"
step = st.tuples(
    st.sampled_from(["add", "add", "remove", "remove", "stolen"]),
    st.sampled_from(NAMES),
    st.sampled_from([*NAMES, *NAMES, "words"]),
    st.integers(0, 2**16),
)


def history(steps: list[tuple[str, str, str, int]]) -> Play:
    """Statements by anyone about anyone, each having seen a part of what was there."""
    play = Play()
    play.names |= set(NAMES)
    for what, subject, signer, seed in steps:
        dice = chance.Random(seed)
        ids = [statement_id(raw) for raw in play.raws]
        seen = dice.sample(ids, dice.randint(0, min(3, len(ids))))
        keeps = [id_ for id_ in ids if dice.random() < 0.3]
        if what != "add":
            play.remove(subject, by=signer, seen=seen, keeps=keeps, stolen=what == "stolen")
        elif subject != signer:
            play.add(subject, by=signer, seen=seen)
    return play


@settings(max_examples=60)
@given(st.lists(step, max_size=14), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_roster(
    steps: list[tuple[str, str, str, int]], dice: chance.Random
) -> None:
    raws = history(steps).raws
    shuffled = [*raws, *dice.sample(raws, len(raws) // 2)]
    dice.shuffle(shuffled)
    assert fold(shuffled) == fold(raws)


@settings(max_examples=60)
@given(st.lists(step, max_size=14))
def test_what_holds_of_every_roster(steps: list[tuple[str, str, str, int]]) -> None:
    roster = history(steps).roster()
    assert not roster.active & roster.removed.keys()
    assert not roster.active & roster.devices_voided
    assert roster.devices == roster.active | roster.removed.keys() | roster.devices_voided | roster.devices_surplus
    assert roster.heads
    assert fold([*roster.statements, *roster.ignored]) == roster


@settings(max_examples=60)
@given(st.lists(step, max_size=14), st.sampled_from(NAMES))
def test_the_recovery_key_has_the_last_word(steps: list[tuple[str, str, str, int]], name: str) -> None:
    play = history(steps)
    play.remove(name, by="words")
    assert name not in play.active()
    play.add(name, by="words")
    assert name in play.active()


@settings(max_examples=60)
@given(st.lists(step, max_size=12), st.sampled_from(NAMES[1:]))
def test_a_statement_of_a_stranger_changes_nobody(steps: list[tuple[str, str, str, int]], name: str) -> None:
    play = history(steps)
    before = play.roster()
    play.remove(name, by="stranger")
    play.add("friend of a stranger", by="stranger")
    after = play.roster()
    assert (after.active, after.removed, after.disputed) == (before.active, before.removed, before.disputed)


thiefs_step = st.tuples(
    st.sampled_from(["add", "remove"]),
    st.sampled_from("ABCTXY"),
    st.sampled_from("TTXY"),
    st.one_of(st.none(), st.integers(0, 2**16)),
)


@settings(max_examples=80)
@given(st.lists(step, max_size=10), st.lists(thiefs_step, max_size=10), st.integers(0, 2))
def test_a_thief_never_owns_an_account_after_an_honest_device_removed_it(
    before: list[tuple[str, str, str, int]], after: list[tuple[str, str, str, int | None]], which: int
) -> None:
    """Whatever T signs with devices X and Y that it made up, and whatever it pretends not to know."""
    play = history([s for s in before if "X" not in (s[1], s[2]) and s[2] != "words"])
    play.names |= {"X", "Y"}
    honest = [name for name in play.active() if name != "T"]
    if not honest:
        return
    play.remove("T", by=honest[which % len(honest)], stolen=True)
    for what, subject, signer, shy in after:
        ids = [statement_id(raw) for raw in play.raws]
        seen = None if shy is None else chance.Random(shy).sample(ids, min(2, len(ids)))
        if what == "remove":
            play.remove(subject, by=signer, seen=seen)
        elif subject in set("TXY") - {signer}:
            play.add(subject, by=signer, seen=seen)
    assert not set("TXY") & set(play.active())


# --- fingerprint ------------------------------------------------------------------------------------------
def test_the_fingerprint_follows_account_devices_and_dispute() -> None:
    play = Play()
    prints = {roster_fingerprint(play.roster())}
    play.add("B", by="A")
    prints.add(roster_fingerprint(play.roster()))
    play.add("C", by="A")
    prints.add(roster_fingerprint(play.roster()))
    play.remove("C", by="A")
    assert roster_fingerprint(play.roster()) in prints
    assert len({*prints, roster_fingerprint(dispute().roster()), roster_fingerprint(Play("Z").roster())}) == 5


def test_making_and_folding_by_hand() -> None:
    genesis = make_genesis(key("A"), b"n" * 32, None)
    account = statement_id(genesis)
    add = make_add(account, [account], key("B"), key("A"))
    remove = make_remove(account, [statement_id(add)], key("A").public, "retired", [statement_id(add)], [], key("B"))
    assert fold([remove, add, genesis]).active == {key("B").public}
