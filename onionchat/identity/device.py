"""Certificates: how to reach a device, and which static key is its own. The bytes: docs/spec/identity.md.

A certificate is signed by the identity key. The address key signs nothing: a certificate that names someone
else's address brings no one but its own device into trouble, since the device behind the address must prove itself.
"""

from onionchat import limits
from onionchat.codec import Bytes32, Bytes64, Record, Unsigned, decode_canonical, encode
from onionchat.crypto.keys import SigningKey, is_exchange_public, verify
from onionchat.errors import RemoteError
from onionchat.ids import onion_address

CERTIFICATE_LABEL = b"certificate"


class Certificate(Record, frozen=True):
    """What a device says of itself. Of several certificates of one device the highest serial counts (`newest`)."""

    device: Bytes32
    address: Bytes32  # Ed25519 public key of the onion service
    static: Bytes32  # X25519 public key for Noise and for boxes
    serial: Unsigned

    @property
    def address_text(self) -> str:
        """The 56 characters of the onion address, without `.onion`."""
        return onion_address(self.address)


class SignedCertificate(Record, frozen=True):
    """What travels and is stored: the certificate's encoding and the identity key's signature over it."""

    certificate: bytes
    signature: Bytes64


def issue_certificate(identity: SigningKey, address_public: bytes, static_public: bytes, serial: int) -> bytes:
    """The encoded, signed certificate of the device whose identity key this is (about 180 bytes)."""
    body = encode(Certificate(identity.public, address_public, static_public, serial))
    return encode(SignedCertificate(body, identity.sign(CERTIFICATE_LABEL, body)))


def parse_certificate(raw: bytes) -> Certificate:
    """The certificate in `raw`, verified. RemoteError: too long, malformed, not canonical, wrongly signed, bad key."""
    signed = decode_canonical(raw, SignedCertificate, limits.CERTIFICATE_MAX_BYTES)
    certificate = decode_canonical(signed.certificate, Certificate, limits.CERTIFICATE_MAX_BYTES)
    verify(certificate.device, CERTIFICATE_LABEL, signed.certificate, signed.signature)
    require_exchange_key(certificate.static)
    return certificate


def require_exchange_key(public: bytes) -> None:
    """RemoteError for an X25519 public key of small order: with it everyone shares one known secret (RFC 7748, 6.1)."""
    if not is_exchange_public(public):
        raise RemoteError("a static key that gives no secret")


def newest(a: Certificate, b: Certificate) -> Certificate:
    """The one that counts, of two certificates of one device: the higher serial.

    A device that issued two with one serial broke a rule; the greater encoding wins, so that all still agree.
    """
    if a.device != b.device:
        raise ValueError("certificates of two devices cannot be compared")
    return max(a, b, key=lambda certificate: (certificate.serial, encode(certificate)))
