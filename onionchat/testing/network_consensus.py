"""The directory of a private Tor network without a directory authority.

Tor needs a consensus that an authority signed, the authority's certificate, and a microdescriptor of each relay.
This module makes all three from the relays' keys, for an authority that exists on paper alone. They go into the
data directory of every tor as if they had been downloaded (`cached_files`). Formats: Tor's dir-spec (consensus
and microdescriptors, authority key certificates).
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

CONSENSUS_METHOD = 35  # what Tor 0.4.8 and 0.4.9 agree on: no publication times, no old onion-key needed
INTERVAL = timedelta(minutes=30)  # Tor's onion time period is 24 of these; with 12 h an assertion fails in tor
VALID = timedelta(hours=24)
CERTIFICATE_VALID = timedelta(days=360)
RSA_BITS = 2048
FLAGS = "Exit Fast Guard HSDir Running Stable V2Dir Valid"
PROTOCOLS = (
    "Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4-5 HSRend=1-2 Link=1-5 LinkAuth=1,3 Microdesc=1-2 "
    "Padding=2 Relay=1-4"
)


@dataclass(frozen=True)
class Relay:
    """What the directory says of one relay: public keys (bytes) and its port on 127.0.0.1."""

    nickname: str
    or_port: int
    rsa_identity: bytes  # 20 bytes: SHA-1 of the RSA identity key
    ed25519_identity: bytes  # 32 bytes
    ntor_key: bytes  # 32 bytes, X25519
    onion_key_pem: str  # RSA public key; "" for a tor that has none any more

    @classmethod
    def load(cls, nickname: str, or_port: int, data_directory: Path) -> "Relay":
        """Read the keys that `tor --list-fingerprint` made in a data directory."""
        keys = data_directory / "keys"
        old_key = keys / "secret_onion_key"
        return cls(
            nickname,
            or_port,
            bytes.fromhex((data_directory / "fingerprint").read_text().split()[1]),
            (keys / "ed25519_master_id_public_key").read_bytes()[32:64],
            (keys / "secret_onion_key_ntor").read_bytes()[64:96],
            _public_half(old_key) if old_key.exists() else "",
        )

    def microdescriptor(self) -> str:
        return (
            f"onion-key\n{self.onion_key_pem}ntor-onion-key {_base64(self.ntor_key, padded=True)}\n"
            f"id ed25519 {_base64(self.ed25519_identity)}\n"
        )

    def status(self) -> str:
        """Its lines in the consensus."""
        digest = hashlib.sha256(self.microdescriptor().encode()).digest()
        return (
            f"r {self.nickname} {_base64(self.rsa_identity)} 2038-01-01 00:00:00 127.0.0.1 {self.or_port} 0\n"
            f"m {_base64(digest)}\ns {FLAGS}\nv Tor 0.4.9.1\npr {PROTOCOLS}\nw Bandwidth=10000\n"
        )


class Authority:
    """A directory authority on paper: two RSA keys, and nobody who listens."""

    def __init__(self) -> None:
        self._identity = rsa.generate_private_key(65537, RSA_BITS)
        self._signing = rsa.generate_private_key(65537, RSA_BITS)
        self.fingerprint = _fingerprint(self._identity.public_key())

    def torrc_value(self) -> str:
        """The value of tor's option DirAuthority. Nothing answers at port 9, and nothing has to."""
        return f"auth0 orport=9 no-v2 v3ident={self.fingerprint} 127.0.0.1:9 {'F' * 40}"

    def certificate(self, now: datetime) -> str:
        """The key certificate: the identity key vouches for the signing key, and the other way round."""
        cross = _block("ID SIGNATURE", _sign(self._signing, bytes.fromhex(self.fingerprint)))
        text = (
            f"dir-key-certificate-version 3\nfingerprint {self.fingerprint}\n"
            f"dir-key-published {_time(now - timedelta(days=1))}\ndir-key-expires {_time(now + CERTIFICATE_VALID)}\n"
            f"dir-identity-key\n{_pem(self._identity.public_key())}dir-signing-key\n{_pem(self._signing.public_key())}"
            f"dir-key-crosscert\n{cross}dir-key-certification\n"
        )
        return text + _block("SIGNATURE", _sign(self._identity, hashlib.sha1(text.encode()).digest()))

    def consensus(self, relays: Sequence[Relay], now: datetime) -> str:
        """The signed microdescriptor consensus, valid from a minute before `now` (UTC) for a day."""
        start = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
        ordered = sorted(relays, key=lambda relay: relay.rsa_identity)
        text = (
            f"network-status-version 3 microdesc\nvote-status consensus\nconsensus-method {CONSENSUS_METHOD}\n"
            f"valid-after {_time(start)}\nfresh-until {_time(start + INTERVAL)}\nvalid-until {_time(start + VALID)}\n"
            f"voting-delay 20 20\nclient-versions \nserver-versions \nknown-flags {FLAGS}\nparams cbtdisabled=1\n"
            f"shared-rand-previous-value 9 {_base64(os.urandom(32), padded=True)}\n"
            f"shared-rand-current-value 9 {_base64(os.urandom(32), padded=True)}\n"
            f"dir-source auth0 {self.fingerprint} 127.0.0.1 127.0.0.1 9 9\ncontact nobody\nvote-digest {'0' * 40}\n"
            f"{''.join(relay.status() for relay in ordered)}directory-footer\ndirectory-signature "
        )
        signature = _block("SIGNATURE", _sign(self._signing, hashlib.sha256(text.encode()).digest()))
        return f"{text}sha256 {self.fingerprint} {_fingerprint(self._signing.public_key())}\n{signature}"


def cached_files(authority: Authority, relays: Sequence[Relay], now: datetime | None = None) -> dict[str, str]:
    """File name → text of what tor keeps of a directory; `now` (UTC) defaults to this moment."""
    moment = now or datetime.now(UTC)
    listed = f"@last-listed {_time(moment)}\n"
    return {
        "cached-certs": authority.certificate(moment),
        "cached-microdesc-consensus": authority.consensus(relays, moment),
        "cached-microdescs.new": "".join(listed + relay.microdescriptor() for relay in relays),
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _base64(raw: bytes, padded: bool = False) -> str:
    text = base64.b64encode(raw).decode()
    return text if padded else text.rstrip("=")


def _public_half(path: Path) -> str:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return _pem(key.public_key())


def _pem(key: rsa.RSAPublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1).decode()


def _fingerprint(key: rsa.RSAPublicKey) -> str:
    encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return hashlib.sha1(encoded).hexdigest().upper()


def _sign(key: rsa.RSAPrivateKey, digest: bytes) -> bytes:
    """Tor's old signature: PKCS #1 v1.5 padding round the bare digest, without a DigestInfo."""
    return key.sign(digest, padding.PKCS1v15(), utils.NoDigestInfo())


def _block(label: str, raw: bytes) -> str:
    text = base64.b64encode(raw).decode()
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"
