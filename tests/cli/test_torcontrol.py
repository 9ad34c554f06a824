"""The doctor's own control-port client: authentication, answers in parts, and what is not Tor."""

import hashlib
import hmac
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onionchat.cli.torcontrol import (
    ControlPort,
    Refused,
    connect,
    socks_greeting,
    socks_reply_to_nonsense,
    throw_away_onion,
)
from onionchat.errors import TorError

Answer = Callable[[str], str]
COOKIE = b"c" * 32


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Serves connections on a Unix socket with a function of the stream; gives the place."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "control"))
    listener.listen()

    def serve_with(talk: Callable[[socket.socket], None]) -> str:
        def serve() -> None:
            while True:
                try:
                    stream, _ = listener.accept()
                except OSError:
                    return
                with stream:
                    talk(stream)

        threading.Thread(target=serve, daemon=True).start()
        return f"unix:{tmp_path / 'control'}"

    yield serve_with
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def lines(answer: Answer) -> Callable[[socket.socket], None]:
    def talk(stream: socket.socket) -> None:
        with stream.makefile("rb") as file:
            for line in file:
                stream.sendall(answer(line.decode().strip()).encode())

    return talk


def tor(methods: str, cookie_file: Path | None = None, liar: bool = False) -> Answer:
    """A Tor that asks for one of these methods."""
    state = {"hash": ""}

    def answer(line: str) -> str:
        if line.startswith("PROTOCOLINFO"):
            cookie = f' COOKIEFILE="{cookie_file}"' if cookie_file else ""
            return f"250-PROTOCOLINFO 1\r\n250-AUTH METHODS={methods}{cookie}\r\n250 OK\r\n"
        if line.startswith("AUTHCHALLENGE"):
            client = bytes.fromhex(line.split()[2])
            message = COOKIE + client + b"s" * 32
            state["hash"] = keyed(b"Tor safe cookie authentication controller-to-server hash", message)
            told = keyed(b"Tor safe cookie authentication server-to-controller hash", b"x" if liar else message)
            return f"250 AUTHCHALLENGE SERVERHASH={told} SERVERNONCE={(b's' * 32).hex().upper()}\r\n"
        if line.startswith("AUTHENTICATE"):
            expected = {"NULL": "", "COOKIE": COOKIE.hex(), "SAFECOOKIE": state["hash"].lower()}[methods]
            return "250 OK\r\n" if line.partition(" ")[2] == expected else "515 Authentication failed\r\n"
        return "250-version=0.4.9.11\r\n650 EVENT\r\n250+info=\r\ndata\r\n.\r\n250 OK\r\n"

    return answer


def keyed(label: bytes, message: bytes) -> str:
    return hmac.new(label, message, hashlib.sha256).hexdigest().upper()


@pytest.mark.parametrize("methods", ["NULL", "COOKIE", "SAFECOOKIE"])
def test_authentication(listening: Callable[..., str], tmp_path: Path, methods: str) -> None:
    (tmp_path / "cookie").write_bytes(COOKIE)
    port = ControlPort(listening(lines(tor(methods, tmp_path / "cookie"))))
    port.authenticate()
    assert port.command("GETINFO version") == ["version=0.4.9.11", "info=", "OK"]
    port.close()


def test_a_cookie_that_is_wrong_or_missing(listening: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "cookie").write_bytes(b"x" * 32)
    place = listening(lines(tor("COOKIE", tmp_path / "cookie")))
    with pytest.raises(Refused, match="515"):
        ControlPort(place).authenticate()
    (tmp_path / "cookie").unlink()
    with pytest.raises(TorError, match="not there"):
        ControlPort(place).authenticate()


def test_who_does_not_know_the_cookie_is_not_tor(listening: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "cookie").write_bytes(COOKIE)
    with pytest.raises(TorError, match="not Tor"):
        ControlPort(listening(lines(tor("SAFECOOKIE", tmp_path / "cookie", liar=True)))).authenticate()


def test_a_password_is_told(listening: Callable[..., str]) -> None:
    with pytest.raises(TorError, match="password"):
        ControlPort(listening(lines(tor("HASHEDPASSWORD")))).authenticate()


@pytest.mark.parametrize("said", ["HTTP/1.1 400\r\n", "\r\n", "250", "x" * 300_000])
def test_what_is_not_tor(listening: Callable[..., str], said: str) -> None:
    def talk(stream: socket.socket) -> None:
        stream.recv(100)
        try:
            stream.sendall(said.encode())
        except OSError:
            return

    with pytest.raises(TorError):
        ControlPort(listening(talk)).command("PROTOCOLINFO 1")


@pytest.mark.parametrize("place", ["unix:/nowhere/control", "tcp:127.0.0.1:1", "tcp:127.0.0.1:x", "[::1]:1"])
def test_nothing_answers(place: str) -> None:
    with pytest.raises(TorError, match="nothing answers"):
        connect(place)


def test_a_throw_away_key_has_the_form_that_tor_takes() -> None:
    key, client = throw_away_onion()
    assert re.fullmatch(r"ED25519-V3:[A-Za-z0-9+/]{86}==", key)
    assert re.fullmatch(r"[A-Z2-7]{52}", client)
    assert throw_away_onion() != (key, client)


@pytest.mark.parametrize(("greeting", "word"), [(b"\x05\xff", "not Tor"), (b"", "not Tor"), (b"HT", "not Tor")])
def test_a_socks_port_that_is_none(listening: Callable[..., str], greeting: bytes, word: str) -> None:
    def talk(stream: socket.socket) -> None:
        stream.recv(100)
        stream.sendall(greeting)

    with pytest.raises(TorError, match=word):
        socks_greeting(listening(talk))


def test_the_reply_to_nonsense(listening: Callable[..., str]) -> None:
    asked: list[bytes] = []

    def talk(stream: socket.socket) -> None:
        for answer in (b"\x05\x02", b"\x01\x00", b"\x05\xf6\x00\x01" + bytes(6)):
            asked.append(stream.recv(200))
            stream.sendall(answer)

    assert socks_reply_to_nonsense(listening(talk)) == 0xF6
    assert asked[2].startswith(b"\x05\x01\x00\x03\x3eaaaa")
    assert asked[2].endswith(b".onion\x00\x50")
