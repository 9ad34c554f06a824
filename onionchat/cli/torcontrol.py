"""A small blocking client of Tor's control port, for `doctor` alone. The node has its own, in net/.

It asks for what the node asks for, in the same words, so that a filter before the port answers alike.
"""

import base64
import hashlib
import hmac
import os
import re
import socket
from pathlib import Path

from onionchat.errors import TorError

_TIMEOUT_SECONDS = 10.0
_REPLY_MAX_BYTES = 256 * 1024
_COOKIE_MAX_BYTES = 4096
_SERVER_HASH = b"Tor safe cookie authentication server-to-controller hash"  # control-spec, 3.24
_CLIENT_HASH = b"Tor safe cookie authentication controller-to-server hash"


class Refused(TorError):
    """Tor, or a filter before it, refused a command."""


def connect(place: str) -> socket.socket:
    """A stream to `tcp:HOST:PORT` or `unix:PATH`. TorError says why there is none."""
    try:
        if place.startswith("unix:"):
            stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            stream.settimeout(_TIMEOUT_SECONDS)
            stream.connect(place.removeprefix("unix:"))
            return stream
        host, _, port = place.removeprefix("tcp:").rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT_SECONDS)
    except PermissionError:
        raise TorError("you may not open it") from None
    except (OSError, ValueError) as error:
        raise TorError(f"nothing answers there ({getattr(error, 'strerror', None) or type(error).__name__})") from None


class ControlPort:
    """One connection. `command` gives the lines of the answer; Refused for anything but 250-252."""

    def __init__(self, place: str) -> None:
        self._stream = connect(place)
        self._buffer = b""

    def close(self) -> None:
        """Close it; onions added over it go with it."""
        self._stream.close()

    def command(self, line: str) -> list[str]:
        """Send one command line and read its whole answer."""
        try:
            self._stream.sendall(line.encode("ascii") + b"\r\n")
            return self._answer()
        except OSError:
            raise TorError("it broke off") from None

    def authenticate(self) -> None:
        """With no password, a safe cookie or a cookie. TorError says what is in the way."""
        told = "\n".join(self.command("PROTOCOLINFO 1"))
        methods = re.search(r"METHODS=(\S+)", told)
        names = methods[1].split(",") if methods else []
        cookie_file = re.search(r'COOKIEFILE="((?:[^"\\]|\\.)*)"', told)
        if "NULL" in names:
            self.command("AUTHENTICATE")
        elif "SAFECOOKIE" in names and cookie_file:
            self._authenticate_safely(_read_cookie(cookie_file[1]))
        elif "COOKIE" in names and cookie_file:
            self.command(f"AUTHENTICATE {_read_cookie(cookie_file[1]).hex()}")
        else:
            raise TorError("it wants a password; set `CookieAuthentication 1` in torrc instead")

    def _authenticate_safely(self, cookie: bytes) -> None:
        nonce = os.urandom(32)
        told = "\n".join(self.command(f"AUTHCHALLENGE SAFECOOKIE {nonce.hex()}"))
        found = re.search(r"SERVERHASH=([0-9A-F]{64}) SERVERNONCE=([0-9A-F]{64})", told)
        if found is None:
            raise TorError("it does not speak as Tor does")
        message = cookie + nonce + bytes.fromhex(found[2])
        if not hmac.compare_digest(_keyed(_SERVER_HASH, message), bytes.fromhex(found[1])):
            raise TorError("it does not know its own cookie: it is not Tor")
        self.command(f"AUTHENTICATE {_keyed(_CLIENT_HASH, message).hex()}")

    def _answer(self) -> list[str]:
        lines: list[str] = []
        is_data = False
        while True:
            line = self._line()
            if is_data:
                is_data = line != "."
                continue
            if not re.match(r"[0-9]{3}[ +-]", line):
                raise TorError("it does not speak as Tor does")
            if line[0] == "6":  # an event
                continue
            lines.append(line[4:])
            is_data = line[3] == "+"
            if line[3] == " ":
                if line[0] != "2":
                    raise Refused(line[:200])
                return lines

    def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            more = self._stream.recv(4096)
            if not more or len(self._buffer) > _REPLY_MAX_BYTES:
                raise TorError("it broke off")
            self._buffer += more
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line.decode("latin-1")


def throw_away_onion() -> tuple[str, str]:
    """An ED25519-V3 key that is nobody's, as ADD_ONION takes it, and a client's public key."""
    expanded = bytearray(os.urandom(64))
    expanded[0] &= 248
    expanded[31] = expanded[31] & 63 | 64
    client = base64.b32encode(os.urandom(32)).decode().rstrip("=")
    return f"ED25519-V3:{base64.b64encode(expanded).decode()}", client


def socks_greeting(place: str) -> None:
    """Ask a SOCKS port whether it takes user names, as Tor's does. TorError says what is wrong."""
    stream = connect(place)
    try:
        stream.sendall(b"\x05\x01\x02")
        if stream.recv(2) != b"\x05\x02":
            raise TorError("what answers there is not Tor's SOCKS port")
    except OSError:
        raise TorError("it does not answer") from None
    finally:
        stream.close()


def socks_reply_to_nonsense(place: str) -> int:
    """Tor's reply code to an onion address that cannot exist: F6 with `ExtendedErrors`. Nothing leaves Tor."""
    stream = connect(place)
    name = b"a" * 56 + b".onion"
    try:
        stream.sendall(b"\x05\x01\x02")
        stream.recv(2)
        stream.sendall(b"\x01\x06doctor\x06doctor")
        stream.recv(2)
        stream.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + b"\x00\x50")
        reply = stream.recv(10)
    except OSError:
        raise TorError("it does not answer") from None
    finally:
        stream.close()
    if len(reply) < 2:
        raise TorError("it breaks off")
    return reply[1]


def _keyed(label: bytes, message: bytes) -> bytes:
    return hmac.new(label, message, hashlib.sha256).digest()


def _read_cookie(escaped: str) -> bytes:
    path = Path(re.sub(r"\\(.)", r"\1", escaped))
    try:
        with path.open("rb") as file:
            return file.read(_COOKIE_MAX_BYTES)
    except PermissionError:
        raise TorError(f"you may not read its cookie {path}") from None
    except OSError:
        raise TorError(f"its cookie is not there: {path}") from None
