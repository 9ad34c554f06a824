"""The raw thing: an onion that echoes, on the same Tors as the people, and a stream to it."""

import os
import re
import socket
import threading
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import socks

from onionchat.errors import TorError
from onionchat.testing.network import TorClient

PORT = 7
MESSAGE_BYTES = 100
CONNECT_SECONDS = 60.0
_SERVICE = re.compile(r"ServiceID=([a-z2-7]{56})")


class EchoOnion:
    """An onion on somebody's Tor; what is sent to it comes back. Ends with its Tor."""

    def __init__(self, tor: TorClient) -> None:
        """Listen, and publish; the address may not be found at once."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        port = self._listening.getsockname()[1]
        reply = tor.process.ask(f"ADD_ONION NEW:ED25519-V3 Flags=DiscardPK,Detach Port={PORT},127.0.0.1:{port}")
        found = _SERVICE.search(reply)
        if found is None:
            raise TorError(f"no echo onion: {reply}")
        self.address = f"{found[1]}.onion"

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listening.accept()
            except OSError:
                return
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_echo, args=(stream,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._listening.close()


def _echo(stream: socket.socket) -> None:
    with closing(stream):
        while data := stream.recv(65536):
            stream.sendall(data)


def connect(tor: TorClient, address: str, user: str) -> socket.socket:
    """A stream through a Tor, on a circuit of its own for each user; tried until the descriptor is found."""
    host, _, port = tor.socks.rpartition(":")
    end = time.monotonic() + CONNECT_SECONDS
    while True:
        proxied = socks.socksocket()
        stream: socket.socket = proxied
        proxied.set_proxy(socks.SOCKS5, host, int(port), rdns=True, username=user, password="-")
        stream.settimeout(CONNECT_SECONDS)
        try:
            stream.connect((address, PORT))
        except OSError:
            stream.close()
            if time.monotonic() > end:
                raise TorError("the echo onion cannot be reached") from None
            time.sleep(0.05)
            continue
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream


def round_trips(stream: socket.socket, count: int) -> list[float]:
    """Milliseconds of each of `count` echoes, one after the other."""
    found = []
    for _ in range(count):
        begin = time.perf_counter()
        stream.sendall(bytes(MESSAGE_BYTES))
        _receive(stream, MESSAGE_BYTES)
        found.append((time.perf_counter() - begin) * 1000)
    return found


def pipelined(stream: socket.socket, count: int) -> float:
    """Messages a second when `count` are sent without waiting and all come back."""
    begin = time.perf_counter()
    sending = threading.Thread(target=stream.sendall, args=(bytes(MESSAGE_BYTES * count),))
    sending.start()
    _receive(stream, MESSAGE_BYTES * count)
    sending.join()
    return count / (time.perf_counter() - begin)


def _receive(stream: socket.socket, count: int) -> None:
    while count:
        data = stream.recv(min(count, 65536))
        if not data:
            raise TorError("the echo broke off")
        count -= len(data)


def fsync_times(folder: Path, count: int = 200) -> list[float]:
    """Milliseconds of appending 4 KiB to a file in this folder and having it on the disk."""
    path = folder / "fsync"
    found = []
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(bytes(4096))
            begin = time.perf_counter()
            os.fsync(file.fileno())
            found.append((time.perf_counter() - begin) * 1000)
    path.unlink()
    return found
