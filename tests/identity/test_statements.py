"""The bytes of statements: made, parsed, and each way to be wrong."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat import limits
from onionchat.codec import decode, encode
from onionchat.crypto.keys import SigningKey
from onionchat.errors import LocalError, RemoteError
from onionchat.identity import statements as made
from onionchat.ids import LogId
from tests.identity.people import key

A, B = key("A"), key("B")
GENESIS = made.make_genesis(A, b"n" * 16, None)
ACCOUNT = made.account_id(GENESIS)
ADD = made.make_add(ACCOUNT, [ACCOUNT], B, A)
CUTS = [(b"L" * 32, 9, b"9" * 32), (b"K" * 32, 3, b"3" * 32)]
REMOVE = made.make_remove(ACCOUNT, [made.statement_id(ADD)], B.public, "stolen", [], CUTS, A)


def opened(raw: bytes) -> made.SignedStatement:
    return decode(raw, made.SignedStatement, limits.STATEMENT_MAX_BYTES)


def signed(body: object, label: bytes, by: SigningKey, **rest: object) -> bytes:
    raw = encode(body)
    fields = {"accepted": None, "cuts": (), **rest}
    return encode((raw, by.sign(label, raw), fields["accepted"], fields["cuts"]))


def test_what_was_made_is_parsed() -> None:
    genesis, add, remove = map(made.parse_statement, (GENESIS, ADD, REMOVE))
    assert genesis.account == genesis.id == add.account == remove.account == ACCOUNT
    assert (genesis.signer, genesis.subject, genesis.heads) == (A.public, A.public, ())
    assert (add.signer, add.subject, add.heads) == (A.public, B.public, (ACCOUNT,))
    assert (remove.signer, remove.subject) == (A.public, B.public)
    assert {cut.log for cut in remove.cuts} == {b"L" * 32, b"K" * 32}
    assert made.statement_id(ADD) == add.id


def test_linking_in_three_steps_gives_the_same_statement() -> None:
    body = made.unsigned_add(ACCOUNT, [ACCOUNT], B.public, A.public)
    assert made.countersign(body, made.accept_add(body, ACCOUNT, B), A) == ADD


def test_a_new_device_signs_nothing_but_its_own_admission() -> None:
    body = made.unsigned_add(ACCOUNT, [ACCOUNT], B.public, A.public)
    for raw, account, device in (
        (body, b"x" * 32, B),
        (body, ACCOUNT, A),
        (opened(REMOVE).body, ACCOUNT, B),
        (b"junk", ACCOUNT, B),
    ):
        with pytest.raises(RemoteError):
            made.accept_add(raw, account, device)
    with pytest.raises(RemoteError):
        made.countersign(body, bytes(64), A)


def test_heads_are_sorted_and_capped_with_the_first_kept() -> None:
    heads = [bytes([index % 256, index // 256]) + bytes(30) for index in range(300)]
    raw = made.make_add(ACCOUNT, heads, B, A)
    assert made.parse_statement(raw).heads == tuple(sorted(heads[: limits.HEADS_MAX]))


def test_the_largest_removal_fits() -> None:
    heads = [bytes([index]) * 32 for index in range(256)]
    cuts = [(bytes([index]) * 32, 2**62, b"i" * 32) for index in range(limits.CUTS_MAX)]
    raw = made.make_remove(ACCOUNT, heads, B.public, "stolen", heads[: limits.STATEMENTS_PER_SIGNER_MAX], cuts, A)
    assert len(made.parse_statement(raw).cuts) == limits.CUTS_MAX
    with pytest.raises(LocalError, match="too many"):
        made.make_remove(ACCOUNT, heads, B.public, "stolen", [], [*cuts, (b"zz" * 16, 1, b"i" * 32)], A)
    with pytest.raises(LocalError, match="stolen"):
        made.make_remove(ACCOUNT, heads, B.public, "retired", [], cuts[:1], A)


def test_the_body_does_not_tell_how_many_cuts_there_are_nor_of_which_logs() -> None:
    """Else a contact who is shown a removal would learn the number of my conversations."""
    bodies = []
    for count in (1, 2, 32):
        cuts = [(bytes([index + 1]) * 32, 9, b"9" * 32) for index in range(count)]
        raw = made.make_remove(ACCOUNT, [ACCOUNT], B.public, "stolen", [], cuts, A)
        bodies.append(opened(raw).body)
        shown = made.revealing(made.parse_statement(raw), [LogId(b"\x01" * 32)])
        assert made.parse_statement(shown.raw).cuts == (made.Cut(b"\x01" * 32, 9, b"9" * 32),)
        assert b"\x02" * 32 not in shown.raw
    assert len({len(body) for body in bodies}) == 1
    assert not any(b"\x01" * 32 in body for body in bodies)


def test_fillers_look_like_digests_and_differ_by_signer() -> None:
    other = made.make_remove(ACCOUNT, [made.statement_id(ADD)], B.public, "stolen", [], CUTS, key("C"))
    digests = [set(msgspec.msgpack.decode(opened(raw).body)[6]) for raw in (REMOVE, other)]
    assert digests[0] & digests[1] == {made.cut_digest(made.Cut(*cut)) for cut in CUTS}


def remove_body(**changes: object) -> made.Remove:
    fields: dict[str, object] = {
        "account": ACCOUNT,
        "heads": (),
        "target": B.public,
        "stolen": True,
        "keeps": (),
        "digests": (),
        "signer": A.public,
    }
    return made.Remove(**{**fields, **changes})  # type: ignore[arg-type]


REMOVE_LABEL, ADD_LABEL, GENESIS_LABEL = b"roster remove", b"roster add", b"roster genesis"
ADD_BODY = made.Add(ACCOUNT, (ACCOUNT,), B.public, A.public)
ACCEPTED = B.sign(b"roster add accepted", encode(ADD_BODY))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        GENESIS + b"\x00",
        b"\x00" * (limits.STATEMENT_MAX_BYTES + 1),
        signed(made.Genesis(A.public, b"n" * 16, None), GENESIS_LABEL, B),
        signed(made.Genesis(A.public, b"n" * 16, None), ADD_LABEL, A),
        signed(made.Genesis(A.public, b"n" * 16, A.public), GENESIS_LABEL, A),
        signed(made.Genesis(A.public, b"n" * 15, None), GENESIS_LABEL, A),
        signed(made.Genesis(A.public, b"n" * 16, None), GENESIS_LABEL, A, accepted=bytes(64)),
        signed(made.Genesis(A.public, b"n" * 16, None), GENESIS_LABEL, A, cuts=CUTS[:1]),
        signed(ADD_BODY, ADD_LABEL, A),
        signed(ADD_BODY, ADD_LABEL, A, accepted=bytes(64)),
        signed(ADD_BODY, ADD_LABEL, A, accepted=A.sign(b"roster add accepted", encode(ADD_BODY))),
        signed(ADD_BODY, ADD_LABEL, A, accepted=B.sign(ADD_LABEL, encode(ADD_BODY))),
        signed(ADD_BODY, ADD_LABEL, B, accepted=ACCEPTED),
        signed(ADD_BODY, ADD_LABEL, A, accepted=ACCEPTED, cuts=CUTS[:1]),
        signed(made.Add(ACCOUNT, (), A.public, A.public), ADD_LABEL, A, accepted=ACCEPTED),
        signed(remove_body(), REMOVE_LABEL, B),
        signed(remove_body(), ADD_LABEL, A),
        signed(remove_body(), REMOVE_LABEL, A, accepted=bytes(64)),
        signed(remove_body(heads=(b"b" * 32, b"a" * 32)), REMOVE_LABEL, A),
        signed(remove_body(keeps=(b"a" * 32, b"a" * 32)), REMOVE_LABEL, A),
        signed(remove_body(heads=tuple(bytes([i // 2, i % 2]) * 16 for i in range(300))), REMOVE_LABEL, A),
        signed(remove_body(digests=(b"d" * 16,)), REMOVE_LABEL, A),
        signed(remove_body(stolen=False, digests=tuple(bytes([i]) * 16 for i in range(32))), REMOVE_LABEL, A),
        signed(remove_body(digests=tuple(bytes([i]) * 16 for i in range(32))), REMOVE_LABEL, A, cuts=CUTS[:1]),
        encode((encode((4, b"x")), bytes(64), None, ())),
        encode((encode((1, A.public, b"n" * 16)), bytes(64), None, ())),
    ],
)
def test_each_wrong_statement_is_refused(raw: bytes) -> None:
    with pytest.raises(RemoteError):
        made.parse_statement(raw)


def test_the_helpers_of_this_file_make_good_ones_too() -> None:
    """So that the list above fails for the reasons it names."""
    made.parse_statement(signed(made.Genesis(A.public, b"n" * 16, None), GENESIS_LABEL, A))
    made.parse_statement(signed(ADD_BODY, ADD_LABEL, A, accepted=ACCEPTED))
    made.parse_statement(signed(remove_body(), REMOVE_LABEL, A))


def test_another_encoding_of_a_body_is_refused() -> None:
    body = encode(made.Genesis(A.public, b"n" * 16, None))
    longer = b"\xdc\x00" + bytes([body[0] & 0x0F]) + body[1:]
    with pytest.raises(RemoteError, match="canonical"):
        made.parse_statement(encode((longer, A.sign(GENESIS_LABEL, longer), None, ())))


@given(st.sampled_from([GENESIS, ADD, REMOVE]), st.integers(0), st.integers(0, 7))
def test_no_bit_can_be_changed(good: bytes, place: int, bit: int) -> None:
    index = place % len(good)
    with pytest.raises(RemoteError):
        made.parse_statement(good[:index] + bytes([good[index] ^ 1 << bit]) + good[index + 1 :])


@given(st.binary(max_size=400))
def test_garbage_raises_only_remote_error(raw: bytes) -> None:
    for parse in (made.parse_statement, made.statement_id, made.account_id):
        with pytest.raises(RemoteError):
            parse(raw)


def test_an_account_begins_with_a_genesis() -> None:
    with pytest.raises(RemoteError, match="genesis"):
        made.account_id(ADD)
