"""The directory that a private network signs for itself: what tor will check, checked here without tor."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from onionchat.testing.network_consensus import Authority, Relay, cached_files

NOW = datetime(2026, 11, 20, 21, 41, 30, tzinfo=UTC)
RELAYS = [
    Relay(f"relay{n}", 5000 + n, bytes([9 - n]) * 20, bytes([n]) * 32, bytes([n + 100]) * 32, "") for n in range(3)
]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def key(text: str, label: str) -> rsa.RSAPublicKey:
    found = re.search(rf"{label}\n(-----BEGIN RSA PUBLIC KEY-----.*?-----END RSA PUBLIC KEY-----\n)", text, re.DOTALL)
    assert found
    loaded = serialization.load_pem_public_key(found[1].encode())
    assert isinstance(loaded, rsa.RSAPublicKey)
    return loaded


def block(text: str, after: str) -> bytes:
    found = re.search(rf"{after}\n-----BEGIN [A-Z ]+-----\n(.*?)-----END", text, re.DOTALL)
    assert found
    return base64.b64decode(found[1])


def check(public: rsa.RSAPublicKey, signature: bytes, digest: bytes) -> None:
    public.verify(signature, digest, padding.PKCS1v15(), utils.NoDigestInfo())


def test_the_certificate_binds_both_keys(authority: Authority) -> None:
    text = authority.certificate(NOW)
    identity, signing = key(text, "dir-identity-key"), key(text, "dir-signing-key")
    check(signing, block(text, "dir-key-crosscert"), bytes.fromhex(authority.fingerprint))
    signed = text[: text.index("dir-key-certification\n") + len("dir-key-certification\n")]
    check(identity, block(text, "dir-key-certification"), hashlib.sha1(signed.encode()).digest())
    assert f"v3ident={authority.fingerprint} " in authority.torrc_value()


def test_the_consensus_is_signed_by_the_certified_key(authority: Authority) -> None:
    text = authority.consensus(RELAYS, NOW)
    signing = key(authority.certificate(NOW), "dir-signing-key")
    signed, _, rest = text.partition("directory-signature ")
    digest = hashlib.sha256((signed + "directory-signature ").encode()).digest()
    check(signing, block(rest, r"sha256 \S+ \S+"), digest)
    with pytest.raises(InvalidSignature):
        check(signing, block(rest, r"sha256 \S+ \S+"), hashlib.sha256(b"another").digest())


def test_the_consensus_is_of_now_and_its_interval_is_half_an_hour(authority: Authority) -> None:
    text = authority.consensus(RELAYS, NOW)
    assert "valid-after 2026-11-20 21:40:00\nfresh-until 2026-11-20 22:10:00\nvalid-until 2026-11-21 21:40:00\n" in text


def test_relays_stand_in_the_order_of_their_identities(authority: Authority) -> None:
    text = authority.consensus(RELAYS, NOW)
    assert re.findall(r"^r (\S+)", text, re.MULTILINE) == ["relay2", "relay1", "relay0"]
    assert re.findall(r"^r .* (127\.0\.0\.1 \d+ 0)$", text, re.MULTILINE)[0] == "127.0.0.1 5002 0"


def test_the_consensus_names_each_microdescriptor_by_its_hash(authority: Authority) -> None:
    files = cached_files(authority, RELAYS, NOW)
    described = re.split(r"@last-listed 2026-11-20 21:41:30\n", files["cached-microdescs.new"])[1:]
    digests = {base64.b64encode(hashlib.sha256(one.encode()).digest()).decode().rstrip("=") for one in described}
    assert set(re.findall(r"^m (\S+)$", files["cached-microdesc-consensus"], re.MULTILINE)) == digests
    assert len(digests) == len(RELAYS)


def test_two_networks_share_no_key_and_no_randomness() -> None:
    first, second = Authority(), Authority()
    assert first.fingerprint != second.fingerprint
    pattern = r"shared-rand-\S+ 9 (\S+)"
    values = [re.findall(pattern, one.consensus(RELAYS, NOW)) for one in (first, second)]
    assert len({*values[0], *values[1]}) == 4


def test_a_relay_s_keys_are_read_from_what_tor_wrote(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (tmp_path / "fingerprint").write_text(f"relay0 {'AB' * 20}\n")
    (keys / "ed25519_master_id_public_key").write_bytes(bytes(32) + b"e" * 32)
    (keys / "secret_onion_key_ntor").write_bytes(bytes(32) + b"s" * 32 + b"p" * 32)
    relay = Relay.load("relay0", 5000, tmp_path)
    assert relay == Relay("relay0", 5000, b"\xab" * 20, b"e" * 32, b"p" * 32, "")
    assert relay.microdescriptor().startswith("onion-key\nntor-onion-key ")
    assert "c3Nz" not in relay.microdescriptor()  # "sss…", the private half
    old = rsa.generate_private_key(65537, 1024)
    (keys / "secret_onion_key").write_bytes(
        old.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    text = Relay.load("relay0", 5000, tmp_path).microdescriptor()
    assert key(text, "onion-key").public_numbers() == old.public_key().public_numbers()
    assert "PRIVATE" not in text
