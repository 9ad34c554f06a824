"""An account whose devices live apart: they link, retire, are stolen, meet and part; then the recovery key speaks."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from onionchat.identity.account import Roster, fold, make_add, make_genesis, make_remove, statement_id
from tests.identity.people import key

NAMES = [f"d{index}" for index in range(6)]
devices = st.sampled_from(NAMES)


class LivingApart(RuleBasedStateMachine):
    """Honest devices act on what they know; stolen ones say what they like about any past they like."""

    @initialize()
    def found(self) -> None:
        genesis = make_genesis(key("d0"), b"n" * 16, key("words").public)
        self.account = statement_id(genesis)
        self.known: dict[str, set[bytes]] = {"d0": {genesis}}
        self.stolen: set[str] = set()

    def roster(self, name: str) -> Roster:
        return fold(self.known[name])

    def is_in(self, name: str) -> bool:
        return name in self.known and self.roster(name).is_member(key(name).public)

    def everything(self) -> set[bytes]:
        return set().union(*self.known.values())

    @rule(member=devices, fresh=devices)
    def link(self, member: str, fresh: str) -> None:
        if self.is_in(member) and member not in self.stolen and fresh not in self.known:
            raw = make_add(self.account, self.roster(member).heads, key(fresh), key(member))
            self.known[member].add(raw)
            self.known[fresh] = set(self.known[member])
            assert self.is_in(fresh)

    @rule(member=devices, who=devices, undo=st.booleans())
    def remove(self, member: str, who: str, undo: bool) -> None:
        if self.is_in(member) and member not in self.stolen and who in self.known and who != member:
            roster, lost = self.roster(member), key(who).public
            if lost not in roster.devices:
                return  # a member does not remove what it never heard of: that would bar it for ever
            keeps = () if undo else roster.adds_of(lost)
            self.known[member].add(make_remove(self.account, roster.heads, lost, "stolen", keeps, [], key(member)))
            assert not self.roster(member).is_member(lost)
            assert self.is_in(member), "who removes a device does not remove itself"

    @rule(name=devices)
    def steal(self, name: str) -> None:
        if name in self.known:
            self.stolen.add(name)

    @precondition(lambda self: self.stolen)
    @rule(data=st.data(), who=devices)
    def misuse(self, data: st.DataObject, who: str) -> None:
        thief = data.draw(st.sampled_from(sorted(self.stolen)))
        seen = data.draw(st.lists(st.sampled_from(sorted(map(statement_id, self.known[thief]))), max_size=2))
        if who in self.known and who != thief:
            lost = key(who).public
            self.known[thief].add(make_remove(self.account, seen, lost, "stolen", (), [], key(thief)))
            self.known[thief].add(make_add(self.account, seen, key(f"made up by {thief}"), key(thief)))

    @rule(one=devices, other=devices)
    def meet(self, one: str, other: str) -> None:
        if one in self.known and other in self.known:
            both = self.known[one] | self.known[other]
            self.known[one], self.known[other] = set(both), set(both)

    @invariant()
    def who_knows_the_same_sees_the_same(self) -> None:
        if hasattr(self, "known"):
            raws = sorted(self.everything())
            assert fold(raws) == fold(reversed(raws))

    def teardown(self) -> None:
        """The owner types the 24 words on d0: every stolen device goes, d0 and a fresh one are in, all is settled."""
        if not hasattr(self, "known"):
            return
        raws, words = self.everything(), key("words")
        for thief in sorted(self.stolen | {"d1"}):
            raws.add(make_remove(self.account, fold(raws).heads, key(thief).public, "stolen", (), [], words))
        for mine in ("d0", "fresh"):
            raws.add(make_add(self.account, fold(raws).heads, key(mine), words))
        roster = fold(raws)
        assert {key("d0").public, key("fresh").public} <= roster.active
        out = {key(name).public for name in self.stolen - {"d0"}}
        made_up = {key(f"made up by {name}").public for name in self.stolen - {"d0"}}
        assert not roster.active & (out | made_up)


LivingApart.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLivingApart = LivingApart.TestCase
