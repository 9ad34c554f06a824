"""What people were promised."""

from onionchat.testing.sim.ledger import Ledger


def test_only_what_somebody_forgets_or_takes_back_may_be_lacking() -> None:
    ledger = Ledger()
    assert not ledger.may_lack("Ann", "m")
    ledger.begin_forgetting("Ann", ["m"])
    assert ledger.may_lack("Ann", "m") and not ledger.may_lack("Bob", "m")
    assert ledger.forgotten == {}
    ledger.forget("Ann", ["m"])
    assert ledger.forgotten == {"Ann": {"m"}}
    ledger.touched.add("n")
    assert ledger.may_lack("Ann", "n") and ledger.may_lack("Bob", "n")
