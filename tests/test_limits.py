"""Caps that lean on each other: what is nested must fit into what it is nested in."""

from onionchat import limits


def test_every_cap_is_a_positive_number_or_an_ascending_ladder() -> None:
    for name, value in vars(limits).items():
        if name.isupper():
            steps = value if isinstance(value, tuple) else (value,)
            assert list(steps) == sorted(set(steps)), name
            assert all(step > 0 for step in steps), name


def test_text_fits_an_entry_an_entry_a_batch_a_batch_a_frame() -> None:
    assert limits.TEXT_MAX_BYTES < limits.ENTRY_MAX_BYTES < limits.BATCH_MAX_BYTES < limits.FRAME_MAX_BYTES


def test_the_largest_statement_fits_its_cap_and_an_entry() -> None:
    """Ids are 34 bytes encoded, digests 18, a cut 79; 600 for keys, signatures and headers."""
    ids = 34 * (limits.HEADS_MAX + limits.STATEMENTS_PER_SIGNER_MAX)
    assert ids + (18 + 79) * limits.CUTS_MAX + 600 <= limits.STATEMENT_MAX_BYTES < limits.ENTRY_MAX_BYTES


def test_caps_of_a_roster_leave_room_for_a_full_account() -> None:
    assert limits.DEVICES_PER_ACCOUNT_MAX < limits.STATEMENTS_PER_SIGNER_MAX
    assert limits.REMOVALS_PER_ACCOUNT_MAX < limits.STATEMENTS_PER_ACCOUNT_MAX
    assert limits.LOGS_PER_CONVERSATION_MAX >= 2 * limits.DEVICES_PER_ACCOUNT_MAX


def test_the_clock_of_a_connection_notices_death_before_renewal() -> None:
    silence = limits.HEARTBEAT_SECONDS + limits.HEARTBEAT_YIELD_SECONDS
    silence += limits.HEARTBEATS_LOST_MAX * limits.HEARTBEAT_TIMEOUT_SECONDS
    assert silence < limits.RENEWAL_SECONDS


def test_discovery_keys_fit_one_control_line() -> None:
    """` ClientAuthV3=` and 52 characters each, after at most 300 of command and key."""
    assert limits.DISCOVERY_KEYS * (len(" ClientAuthV3=") + 52) + 300 < limits.CONTROL_LINE_MAX_BYTES
