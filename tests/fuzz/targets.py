"""What is fuzzed: functions of bytes from outside. Only the errors named here may come out of them.

`python -m tests.fuzz.run` feeds them with atheris, `test_fuzz.py` with mutated seeds and no fuzzer.
"""

import random as dice

from onionchat.api import server
from onionchat.codec import encode
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.crypto.tls import TlsIdentity
from onionchat.crypto.vault import Cost, unwrap_key, wrap_key
from onionchat.errors import LocalError, OnionchatError, RemoteError, StoreError
from onionchat.identity.account import fold, make_genesis, parse_statement
from onionchat.identity.device import issue_certificate, parse_certificate
from onionchat.identity.link import (
    format_link,
    parse_code,
    parse_duration,
    parse_invitation_proof,
    parse_link,
    prove_invitation,
)
from onionchat.ids import LogId
from onionchat.kinds.chat import Reaction, Text
from onionchat.kinds.fold import KINDS, Place
from onionchat.kinds.fold import fold as fold_kind
from onionchat.log.certificate import make_log_certificate, parse_log_certificate
from onionchat.log.entry import NO_ENTRY, Content, make_entry, parse_entry
from onionchat.log.log import LogHead, judge_run
from onionchat.text import clean_name, remote_name, safe_line, safe_text
from onionchat.wire.channel import Channel
from onionchat.wire.frame import FrameReader, encode_frame
from onionchat.wire.handshake import DeviceCredentials, DeviceExpected, Role
from onionchat.wire.records import Frontier, Ping, Position, Ready
from tests.fuzz import seeds
from tests.fuzz.talks import TALKS
from tests.fuzz.target import Target

seeded = dice.Random(7).randbytes
_identity, _static, _log = SigningKey(seeded(32)), ExchangeKey(seeded(32)), SigningKey(seeded(32))
_address = SigningKey(seeded(32))
_certificate = issue_certificate(_identity, _address.public, _static.public, 1)
_tls = TlsIdentity.generate()
_content = Content(seeded(16), (), "text", 0, encode(Text("hello")))
_entry = make_entry(_log, 1, NO_ENTRY, (1_700_000_000_000, 0), _content)
_vault = wrap_key(seeded(32), "a passphrase", seeded, Cost.TESTS)


def _frames(data: bytes) -> None:
    reader = FrameReader()
    for start in range(0, len(data), 97):
        reader.feed(data[start : start + 97])


def _entries(data: bytes) -> None:
    entry = parse_entry(data)
    if entry.raw != data:
        raise AssertionError("an entry that is not the bytes it came in")
    judge_run(LogHead(LogId(entry.header.log)), [entry])


def _channel(data: bytes) -> None:
    """Bytes to a responder and to an initiator; no error may come out at all."""
    credentials = DeviceCredentials(_certificate, _static)
    for role, expected in ((Role.RESPONDER, None), (Role.INITIATOR, DeviceExpected(credentials.device))):
        channel = Channel(role, credentials, expected, _tls, seeded)
        channel.connection_made(0.0)
        for start in range(0, len(data), 501):
            channel.receive_bytes(data[start : start + 501], 1.0)
        channel.connection_lost(2.0)


def _text(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    if data[:1] == b"\xed":  # so that half surrogate pairs are tried too
        text = data[: len(data) // 2 * 2].decode("utf-16-le", "surrogatepass")
    for make_safe in (safe_line, safe_text, remote_name):
        safe = make_safe(text)
        if make_safe(safe) != safe:
            raise AssertionError("what was safe is made safe once more, and changes")
        if any(
            (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202a\u202b\u202d\u202e\u2066" for c in safe
        ):
            raise AssertionError("a control character in safe text")
    clean_name(text)


def _kinds(data: bytes) -> None:
    """Meaning never rejects: no error may come out at all."""
    for kind in (*KINDS, "from.a-newer-one"):
        for place in Place:
            fold_kind(place, bytes(32), Content(bytes(16), (), kind, 0, data))


def _words(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for parse in (parse_link, parse_code, parse_duration):
        try:
            parse(text)
        except LocalError:
            continue


def _statements(data: bytes) -> None:
    fold([parse_statement(data).raw])


def _api(data: bytes) -> None:
    server._parse_params(server._parse_call(data))


TARGETS: dict[str, Target] = {
    "frames": Target(
        _frames,
        (RemoteError,),
        (
            b"".join(encode_frame([Ready(), Ping(7)])),
            b"".join(encode_frame([Frontier(bytes(32), (Position(bytes(32), 3, bytes(32)),))])),
            *seeds.frames(),
        ),
    ),
    "entries": Target(_entries, (RemoteError,), (_entry.raw, _entry.tombstone().raw)),
    "certificates": Target(parse_certificate, (RemoteError,), (_certificate,)),
    "invitation_proofs": Target(parse_invitation_proof, (RemoteError,), (prove_invitation(_address, _static.public),)),
    "log_certificates": Target(
        parse_log_certificate, (RemoteError,), (make_log_certificate(_log, bytes(32), _identity.public),)
    ),
    "statements": Target(_statements, (RemoteError,), (make_genesis(_identity, seeded(32), None),)),
    "channel": Target(_channel, (), (b"\x16\x03\x01\x00\x05hello", seeded(40))),
    "kinds": Target(_kinds, (), (encode(Text("hi")), encode(Reaction(bytes(32), "👍")), *seeds.bodies())),
    "text": Target(_text, (LocalError,), ("Bob\u202e \x1b[31m👍🏽e\u0301".encode(), b"\xed\xa0\x80")),
    "links": Target(_words, (), (format_link(_address.public).encode(), b"7d", b"onionchat-link:" + b"a" * 56)),
    "vault": Target(lambda data: unwrap_key(data, "a passphrase"), (OnionchatError, StoreError), (_vault,)),
    "api": Target(_api, (OnionchatError,), (b'{"jsonrpc":"2.0","id":1,"method":"status.get","params":{}}',)),
    **TALKS,
}
