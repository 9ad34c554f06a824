"""Links and codes: what people paste, one sentence for each way to be wrong, and the proof of an invitation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.codec import encode
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import LocalError, RemoteError
from onionchat.identity import link
from onionchat.identity.device import issue_certificate, parse_certificate
from onionchat.limits import DURATION_MAX_SECONDS

KEY = SigningKey(b"k" * 32)
STATIC = ExchangeKey(b"s" * 32)
LINK = link.format_link(KEY.public)
CODE = link.format_code(KEY.public)
ADDRESS = LINK.removeprefix("onionchat:")


def changed(text: str, index: int) -> str:
    return text[:index] + ("a" if text[index] != "a" else "b") + text[index + 1 :]


@pytest.mark.parametrize(
    "pasted",
    [
        LINK,
        f"  {LINK}\n",
        f"<{LINK}>",
        f'"{LINK}".',
        f"({LINK}),",
        LINK.upper(),
        f"onionchat://{ADDRESS}",
        f"onionchat://{ADDRESS}.onion/",
        f"{LINK}.onion",
        f"onionchat:\n  {ADDRESS[:20]}\r\n  {ADDRESS[20:]}",
        f"«{LINK}»",
    ],
)
def test_what_can_only_mean_one_link_is_understood(pasted: str) -> None:
    assert link.parse_link(pasted) == KEY.public
    assert link.parse_code(pasted.lower().replace("onionchat:", "onionchat-link:")) == KEY.public


WRONG = [
    ("", "there is no link"),
    ("<> \n", "there is no link"),
    ("x" * 2000, "too long for a link"),
    (CODE, "onionchat join"),
    ("https://example.org/", "something else"),
    (ADDRESS, "begins with"),
    ("Bob", "begins with"),
    (LINK[:-1], "1 of 56 characters are missing"),
    ("onionchat:", "56 of 56 characters are missing"),
    (LINK + "aa", "too long by 2"),
    (LINK + " " + LINK, "more than one link"),
    (LINK[:30] + "0" + LINK[31:], 'there is "0"'),
    (LINK[:30] + "а" + LINK[31:], "U\\+0430"),
    (LINK[:30] + "\x1b" + LINK[31:], "U\\+001B"),
    (changed(LINK, 20), "checksum"),
    (LINK[:-1] + "e", "checksum"),  # another version of onion services
]


@pytest.mark.parametrize(("pasted", "sentence"), WRONG)
def test_each_wrong_link_has_its_sentence(pasted: str, sentence: str) -> None:
    with pytest.raises(LocalError, match=sentence):
        link.parse_link(pasted)


def test_a_link_is_no_code() -> None:
    with pytest.raises(LocalError, match="onionchat add"):
        link.parse_code(LINK)


@given(st.text(max_size=120))
def test_nothing_else_than_a_sentence_comes_of_garbage(pasted: str) -> None:
    with pytest.raises(LocalError) as caught:
        link.parse_link(pasted)
    assert str(caught.value).isprintable()


@given(st.binary(min_size=32, max_size=32))
def test_every_address_survives_the_journey(public: bytes) -> None:
    assert link.parse_link(link.format_link(public)) == public
    assert link.parse_code(link.format_code(public)) == public


# --- the proof ------------------------------------------------------------------------------------------
def test_an_invitation_is_proven() -> None:
    proof = link.parse_invitation_proof(link.prove_invitation(KEY, STATIC.public))
    assert (proof.invitation, proof.static) == (KEY.public, STATIC.public)


def test_a_proof_and_a_certificate_are_not_taken_for_each_other() -> None:
    with pytest.raises(RemoteError):
        parse_certificate(link.prove_invitation(KEY, STATIC.public))
    with pytest.raises(RemoteError):
        link.parse_invitation_proof(issue_certificate(KEY, KEY.public, STATIC.public, 1))


def test_a_proof_by_another_key_is_refused() -> None:
    body = encode(link.InvitationCertificate(KEY.public, STATIC.public))
    other = SigningKey(b"o" * 32)
    for signature in (other.sign(b"invitation certificate", body), KEY.sign(b"certificate", body)):
        with pytest.raises(RemoteError, match="signature"):
            link.parse_invitation_proof(encode(link.SignedInvitationCertificate(body, signature)))
    with pytest.raises(RemoteError, match="static key"):
        link.parse_invitation_proof(link.prove_invitation(KEY, bytes(32)))


@given(st.binary(max_size=600))
def test_garbage_is_no_proof(raw: bytes) -> None:
    with pytest.raises(RemoteError):
        link.parse_invitation_proof(raw)


def test_an_open_invitation_is_shown_for_one_channel_only() -> None:
    signature = link.sign_open_invitation(KEY, b"e" * 32)
    assert link.is_open_invitation(KEY.public, b"e" * 32, signature)
    assert not link.is_open_invitation(KEY.public, b"f" * 32, signature)
    assert not link.is_open_invitation(STATIC.public, b"e" * 32, signature)


# --- durations --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("30m", 1800), ("12h", 43200), ("7d", 604800), (" 2W ", 1209600), ("7 d", 604800)],
)
def test_lengths_of_time(text: str, seconds: int) -> None:
    assert link.parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "7", "d", "-7d", "7.5d", "1d12h", "7y", "0h", "99999d", "9" * 400 + "d", "٧d", "1e3s"]
)
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(LocalError):
        link.parse_duration(text)


def test_an_expiry_is_a_length_of_time_or_a_day_to_come() -> None:
    now = 1_900_000_000.0  # 2030-03-17
    assert link.parse_expiry("7d", now) == now + 604800
    assert link.parse_expiry("2030-03-18", now) == 1_900_022_400.0
    for wrong in ("2030-03-17", "2029-01-01", "2030-02-30", "2099-01-01", "0000-00-00", "tomorrow", ""):
        with pytest.raises(LocalError):
            link.parse_expiry(wrong, now)
    assert link.parse_duration(f"{DURATION_MAX_SECONDS}s") == DURATION_MAX_SECONDS
