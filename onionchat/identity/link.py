"""Links and codes that people pass on, and the proof that an invitation address gives. docs/spec/identity.md.

A link is `onionchat:` and the address of an invitation; a code is `onionchat-link:` and the address at which a
new device of one's own account is awaited. What people paste was wrapped, quoted, shouted or cut; what can only
mean one thing is understood, the rest is refused with a sentence that says what is wrong with it.
"""

import re
from datetime import UTC, datetime

from onionchat import limits
from onionchat.codec import Bytes32, Bytes64, Record, decode_canonical, encode
from onionchat.crypto.hashing import labelled_hash
from onionchat.crypto.keys import SigningKey, is_signed, verify
from onionchat.errors import LocalError
from onionchat.identity.device import require_exchange_key
from onionchat.ids import ONION_CHARACTERS, onion_address, parse_onion_address

LINK_SCHEME = "onionchat:"
CODE_SCHEME = "onionchat-link:"
INVITATION_LABEL = b"invitation certificate"
OPEN_INVITATION_LABEL = b"open invitation"
OPEN_INVITATION_NAME_LABEL = b"open invitation name"

_PASTED_MAX_CHARACTERS = 1000
_WRAPPING = "<>\"'`()[]{}“”‘’«»"
_ENDINGS = ".,;!/"
_BASE32_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz234567")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.ASCII)
_DURATION = re.compile(r"([0-9]{1,9})\s*([smhdw])", re.ASCII)
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


# --- the proof at an invitation address -------------------------------------------------------------
class InvitationCertificate(Record, frozen=True):
    """What the responder at an invitation address shows instead of a device: the invitation's key and static key."""

    invitation: Bytes32  # Ed25519 public key of the invitation's onion address
    static: Bytes32  # X25519 public key of this invitation alone


class SignedInvitationCertificate(Record, frozen=True):
    """What travels: the encoding and the invitation key's signature over it."""

    certificate: bytes
    signature: Bytes64


def prove_invitation(invitation: SigningKey, static_public: bytes) -> bytes:
    """The encoded, signed `InvitationCertificate`."""
    body = encode(InvitationCertificate(invitation.public, static_public))
    return encode(SignedInvitationCertificate(body, invitation.sign(INVITATION_LABEL, body)))


def parse_invitation_proof(raw: bytes) -> InvitationCertificate:
    """The proof in `raw`, verified. RemoteError: too long, malformed, not canonical, wrongly signed, bad static key."""
    signed = decode_canonical(raw, SignedInvitationCertificate, limits.CERTIFICATE_MAX_BYTES)
    certificate = decode_canonical(signed.certificate, InvitationCertificate, limits.CERTIFICATE_MAX_BYTES)
    verify(certificate.invitation, INVITATION_LABEL, signed.certificate, signed.signature)
    require_exchange_key(certificate.static)
    return certificate


def sign_open_invitation(invitation: SigningKey, exporter: bytes) -> bytes:
    """64 bytes: "this open invitation is mine", bound to one channel by its TLS exporter (RFC 9266)."""
    return invitation.sign(OPEN_INVITATION_LABEL, exporter)


def name_open_invitation(invitation_public: bytes, exporter: bytes) -> bytes:
    """32 bytes that name an invitation, on one channel, to those who know its key; others learn nothing from them.

    The key itself is an address where whoever knows it may ask: it is not told to those who were not given the link.
    """
    return labelled_hash(OPEN_INVITATION_NAME_LABEL, exporter + invitation_public)


def is_open_invitation(invitation_public: bytes, exporter: bytes, signature: bytes) -> bool:
    """Whether the other end of the channel with this exporter holds the key of that invitation."""
    return is_signed(invitation_public, OPEN_INVITATION_LABEL, exporter, signature)


# --- links and codes --------------------------------------------------------------------------------
def format_link(address_public: bytes) -> str:
    """`onionchat:` and the 56 characters of the invitation's address."""
    return LINK_SCHEME + onion_address(address_public)


def format_code(address_public: bytes) -> str:
    """`onionchat-link:` and the 56 characters of the address where a new device is awaited."""
    return CODE_SCHEME + onion_address(address_public)


def parse_link(text: str) -> bytes:
    """The invitation's public key (32 bytes) behind a pasted link. LocalError says what is wrong with it."""
    pasted = _tidy(text, "link")
    if pasted.startswith(CODE_SCHEME):
        raise LocalError("that is a code for linking a device of your own: use it with `onionchat join`")
    return _address(_without_scheme(pasted, LINK_SCHEME, "link"), "link")


def parse_code(text: str) -> bytes:
    """The public key (32 bytes) of the address behind a pasted link code. LocalError says what is wrong with it."""
    pasted = _tidy(text, "code")
    if pasted.startswith(LINK_SCHEME):
        raise LocalError("that is a person's invitation link: use it with `onionchat add`")
    return _address(_without_scheme(pasted, CODE_SCHEME, "code"), "code")


def _tidy(text: str, what: str) -> str:
    """What was meant: white space anywhere, wrapping and a sentence's end are no part of a link, nor is case."""
    if len(text) > _PASTED_MAX_CHARACTERS:
        raise LocalError(f"that is too long for a {what}: paste the {what} alone")
    pasted = "".join(text.split()).lstrip(_WRAPPING).rstrip(_WRAPPING + _ENDINGS).lower()
    if not pasted:
        raise LocalError(f"there is no {what}: paste the whole {what} that you were given")
    return pasted


def _without_scheme(pasted: str, scheme: str, what: str) -> str:
    if pasted.startswith(scheme):
        return pasted.removeprefix(scheme).removeprefix("//")
    if _SCHEME.match(pasted):
        raise LocalError(f'that is a link to something else: a {what} begins with "{scheme}"')
    raise LocalError(f'a {what} begins with "{scheme}": copy it again from the start')


def _address(text: str, what: str) -> bytes:
    name = text.removesuffix(".onion")
    if LINK_SCHEME in name or CODE_SCHEME in name:
        raise LocalError(f"that is more than one {what}: paste one at a time")
    strange = next((character for character in name if character not in _BASE32_CHARACTERS), None)
    if strange is not None:
        raise LocalError(
            f"a {what} has only the letters a-z and digits 2-7, but there is {_shown(strange)}: copy it again"
        )
    if len(name) < ONION_CHARACTERS:
        raise LocalError(
            f"that {what} is cut off: {ONION_CHARACTERS - len(name)} of {ONION_CHARACTERS} characters are missing"
        )
    if len(name) > ONION_CHARACTERS:
        raise LocalError(f"that {what} is too long by {len(name) - ONION_CHARACTERS} characters: copy it again, alone")
    try:
        return parse_onion_address(name)
    except LocalError:
        raise LocalError(f"that {what} has a wrong checksum: a character was lost or changed; copy it again") from None


def _shown(character: str) -> str:
    """A character that was pasted, harmless on a terminal."""
    return (
        f'"{character}"' if character.isascii() and character.isprintable() else f"a character U+{ord(character):04X}"
    )


# --- durations --------------------------------------------------------------------------------------
def parse_duration(text: str) -> int:
    """Seconds, of a whole number and a unit: `45s`, `30m`, `12h`, `7d`, `2w`. LocalError otherwise."""
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise LocalError('a length of time is a number and a unit, such as "30m", "12h", "7d" or "2w"')
    seconds = int(found[1]) * _UNIT_SECONDS[found[2]]
    if seconds == 0:
        raise LocalError('a length of time must be more than nothing, such as "30m"')
    if seconds > limits.DURATION_MAX_SECONDS:
        raise LocalError("that is more than ten years: give a shorter length of time")
    return seconds


def parse_expiry(text: str, now: float) -> float:
    """Seconds since 1970 of a moment to come: a length of time from `now`, or a day `2031-05-24` (its start, UTC)."""
    stripped = text.strip()
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", stripped, re.ASCII):
        return now + parse_duration(stripped)
    try:
        at = datetime.fromisoformat(stripped).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise LocalError("there is no such day: write it as year-month-day, such as 2031-05-24") from None
    if at <= now:
        raise LocalError("that day has begun or gone by: give one that is to come")
    if at > now + limits.DURATION_MAX_SECONDS:
        raise LocalError("that is more than ten years away: give an earlier day")
    return at
