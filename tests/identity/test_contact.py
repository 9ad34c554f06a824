"""Trust that nothing but the user raises, and pet names that cannot be mistaken for each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.errors import LocalError
from onionchat.identity.contact import Trust, check_pet_name, needs_asking, on_new_device, suggest_name


@pytest.mark.parametrize(
    ("trust", "by_validated", "after"),
    [
        (Trust.VALIDATED, True, Trust.VALIDATED),
        (Trust.VALIDATED, False, Trust.UNVALIDATED),
        (Trust.UNVALIDATED, True, Trust.UNVALIDATED),
        (Trust.UNVALIDATED, False, Trust.UNVALIDATED),
        (Trust.COMPROMISED, True, Trust.COMPROMISED),
        (Trust.COMPROMISED, False, Trust.COMPROMISED),
    ],
)
def test_a_new_device_never_raises_trust(trust: Trust, by_validated: bool, after: Trust) -> None:
    assert on_new_device(trust, by_validated) is after


def test_only_leaving_compromised_is_asked_for() -> None:
    asked = {(old, new) for old in Trust for new in Trust if needs_asking(old, new)}
    assert asked == {(Trust.COMPROMISED, Trust.UNVALIDATED), (Trust.COMPROMISED, Trust.VALIDATED)}


def test_each_trust_has_its_sentence() -> None:
    assert len({trust.sentence for trust in Trust}) == 3


@pytest.mark.parametrize("clash", ["Bob", "bob", "BOB", "Ｂob"])
def test_a_name_in_use_is_refused(clash: str) -> None:
    with pytest.raises(LocalError):
        check_pet_name(clash, ["Alice", "Bob"])


@pytest.mark.parametrize("impostor", ["Воb", "B0b", "ΒοЬ".replace("Ь", "b")])
def test_onionshare_a_homoglyph_of_a_contact_is_refused_by_name(impostor: str) -> None:
    with pytest.raises(LocalError, match='looks like "Bob"'):
        check_pet_name(impostor, ["Alice", "Bob"])


def test_a_free_name_is_returned_as_it_is() -> None:
    assert check_pet_name("Böb", ["Bob"]) == "Böb"


def test_an_unclean_name_is_refused_though_free() -> None:
    with pytest.raises(LocalError):
        check_pet_name("Bob\u202e", [])


def test_suggestions_count_upwards() -> None:
    assert suggest_name("Bob", []) == "Bob"
    assert suggest_name("Bob", ["Bob"]) == "Bob 2"
    assert suggest_name("Воb", ["bob", "Bob 2"]) == "Воb 3"
    assert suggest_name("\u200b\x1b", []) == "?"
    assert suggest_name("", ["nameless"]) == "nameless 2"


@given(st.text(max_size=100), st.integers(0, 30))
def test_every_suggestion_can_be_used(remote: str, times: int) -> None:
    taken: list[str] = []
    for _ in range(min(times, 5)):
        taken.append(check_pet_name(suggest_name(remote, taken), taken))
    assert check_pet_name(suggest_name(remote, taken), taken)
