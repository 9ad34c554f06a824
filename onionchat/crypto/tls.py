"""TLS 1.3 with hybrid key agreement over memory BIOs, fed one TLS record at a time (pyOpenSSL).

TLS gives confidentiality and forward secrecy, and no identity: the certificate is self-signed, thrown away with its
key, and the same for everybody but for the key. Who is there is said by Noise inside.

A TLS record is 5 bytes of header (type, version, length: RFC 8446, 5.1) and a fragment. Whoever feeds records one by
one knows which session each belongs to, although two sessions follow each other on one stream.
"""

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from onionchat.errors import RemoteError

GROUP = "X25519MLKEM768"
PROTOCOL = "TLSv1.3"
CIPHER_SUITES = b"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
EXPORTER_LABEL = b"EXPORTER-Channel-Binding"  # RFC 9266
EXPORTER_BYTES = 32

RECORD_HEADER_BYTES = 5
RECORD_FRAGMENT_MAX_BYTES = 2**14 + 256  # RFC 8446, 5.2
RECORD_PLAINTEXT_MAX_BYTES = 2**14
_RECORD_TYPES = (20, 21, 22, 23)  # change_cipher_spec, alert, handshake, application_data
_RECORD_MAJOR_VERSION = 3
_DRAIN_BYTES = 2**15

# Constant fields: two addresses of one device must not be linkable, and no clock shows.
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
_SERIAL_NUMBER = 1
_NOT_BEFORE = datetime(2000, 1, 1)  # noqa: DTZ001 - X.509 times are UTC; nobody checks these
_NOT_AFTER = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - RFC 5280: no expiry


class TlsIdentity:
    """The throw-away certificate of one listening address, and the settings of both roles.

    Make a new one for each listening address and each start. The client's side never shows the certificate.
    """

    __slots__ = ("client_context", "server_context")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.client_context = _context()
        self.server_context = _context()
        self.server_context.use_certificate(_certificate(key))
        self.server_context.use_privatekey(key)

    @classmethod
    def generate(cls) -> "TlsIdentity":
        """One with a new key (OpenSSL's randomness)."""
        return cls(Ed25519PrivateKey.generate())

    def __repr__(self) -> str:
        return "TlsIdentity(…)"


def _certificate(key: Ed25519PrivateKey) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(_NAME).issuer_name(_NAME).public_key(key.public_key())
    builder = builder.serial_number(_SERIAL_NUMBER).not_valid_before(_NOT_BEFORE).not_valid_after(_NOT_AFTER)
    return builder.sign(key, None)


def _context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_max_proto_version(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(CIPHER_SUITES)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle channel keeps no 16 KiB buffers
    context.set_verify(SSL.VERIFY_NONE)
    return context


class TlsRecords:
    """Cuts a stream into TLS records. When all whole ones are taken, it holds at most one unfinished record."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def waiting_bytes(self) -> int:
        """Bytes that were fed and not taken yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add what came from the stream. Take all whole records before the next call."""
        self._buffer += data

    def take(self) -> bytes | None:
        """The next whole record with its header, or None. RemoteError as soon as this cannot be TLS."""
        buffer = self._buffer
        if buffer and buffer[0] not in _RECORD_TYPES:
            raise RemoteError("this is not TLS")
        if len(buffer) < RECORD_HEADER_BYTES:
            return None
        length = int.from_bytes(buffer[3:RECORD_HEADER_BYTES])
        if buffer[1] != _RECORD_MAJOR_VERSION or length > RECORD_FRAGMENT_MAX_BYTES:
            raise RemoteError("this is not TLS")
        end = RECORD_HEADER_BYTES + length
        if end > len(buffer):
            return None
        record = bytes(buffer[:end])
        del buffer[:end]  # moves the start only: taking one by one does not copy the rest
        return record


class TlsSession:
    """One TLS session. `output()` holds what must be sent after every other call. RemoteError for any failure."""

    __slots__ = ("_connection", "_output", "closed_by_peer", "established")

    def __init__(self, identity: TlsIdentity, *, client: bool) -> None:
        context = identity.client_context if client else identity.server_context
        self._connection = SSL.Connection(context, None)
        if client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self._output: list[bytes] = []
        self.established = False
        self.closed_by_peer = False

    def start(self) -> None:
        """The client's first flight."""
        self._shake_hands()

    def receive_handshake(self, record: bytes) -> bool:
        """Feed one record of the handshake; whether it is complete, with the group that is asked for."""
        self._connection.bio_write(record)
        if self._shake_hands():
            self._require_hybrid()
        return self.established

    def _shake_hands(self) -> bool:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error:
            raise RemoteError("the TLS handshake failed") from None
        self.established = True
        return True

    def _require_hybrid(self) -> None:
        if self._connection.get_group_name() != GROUP or self._connection.get_protocol_version_name() != PROTOCOL:
            raise RemoteError(f"the other side does not use {PROTOCOL} with {GROUP}")

    def exporter(self) -> bytes:
        """32 bytes that name this session (RFC 9266, tls-exporter); equal on both sides."""
        return self._connection.export_keying_material(EXPORTER_LABEL, EXPORTER_BYTES, b"")

    def read(self, record: bytes) -> bytes:
        """The plaintext of one record; empty for one without data. Sets `closed_by_peer` at a close_notify."""
        try:
            self._connection.bio_write(record)
            return self._connection.recv(RECORD_PLAINTEXT_MAX_BYTES)
        except SSL.WantReadError:
            return b""
        except SSL.ZeroReturnError:
            self.closed_by_peer = True
            return b""
        except SSL.Error:
            raise RemoteError("a TLS record that does not verify") from None

    def write(self, plaintext: bytes) -> None:
        """Encrypt: as many records of 16 KiB as needed."""
        whole = memoryview(plaintext)
        try:
            for start in range(0, len(whole), RECORD_PLAINTEXT_MAX_BYTES):
                self._connection.sendall(whole[start : start + RECORD_PLAINTEXT_MAX_BYTES])
                # taken out at once: a memory BIO never gives back the room for the longest that it held
                self._drain()
        except SSL.Error:
            raise RemoteError("the TLS session is broken") from None

    def close(self) -> None:
        """Our close_notify. Reading goes on until the other side's."""
        try:
            self._connection.shutdown()
        except SSL.Error:
            raise RemoteError("the TLS session is broken") from None

    def output(self) -> bytes:
        """The bytes for the stream that have come together since the last call."""
        self._drain()
        output = b"".join(self._output)
        self._output.clear()
        return output

    def _drain(self) -> None:
        try:
            while True:
                self._output.append(self._connection.bio_read(_DRAIN_BYTES))
        except SSL.WantReadError:
            return

    def __repr__(self) -> str:
        return f"TlsSession(established={self.established})"
