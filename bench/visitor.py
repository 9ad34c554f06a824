"""Somebody in an OnionShare chat room, scripted; runs in OnionShare's own environment, and knows nothing of onionchat.

`python visitor.py HOST:PORT`, the SOCKS port of a Tor. One command a line comes on stdin, one answer a line goes out,
both JSON: `["join", URL, USER]`, `["trips", COUNT]`, `["send", TEXT, COUNT]`, `["hear", COUNT]`, `["leave"]`. Times are
`time.perf_counter`, which all processes of a machine share. The room's page is a browser's: this does what its script
does (a page, its cookie, socket.io over a WebSocket), without the browser's own time.
"""

import http.client
import json
import re
import socket
import sys
import time
from urllib.parse import urlsplit

import socks  # PySocks
import websocket  # websocket-client

ROOM = "/chat"
JOIN_SECONDS = 60.0
TEXT_CHARACTERS = 100


class Visitor:
    """One participant, on a circuit of its own for each SOCKS user."""

    def __init__(self, proxy):
        host, _, port = proxy.rpartition(":")
        self._proxy = (host, int(port))
        self._socket = None

    def _stream(self, host, user):
        stream = socks.socksocket()
        stream.set_proxy(socks.SOCKS5, *self._proxy, rdns=True, username=user, password="-")
        stream.settimeout(JOIN_SECONDS)
        stream.connect((host, 80))
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream

    def join(self, url, user):
        """Load the page, then open the socket; when the page was there, and when we were in."""
        host = urlsplit(url).hostname
        end = time.monotonic() + JOIN_SECONDS
        while True:
            try:
                stream = self._stream(host, user)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        page = http.client.HTTPConnection(host)
        page.sock = stream
        page.request("GET", "/")
        answer = page.getresponse()
        answer.read()
        if answer.status != 200:
            raise OSError(f"the page said {answer.status}")
        loaded = time.perf_counter()
        cookie = re.split("[;,]", answer.headers["Set-Cookie"])[0]
        page.close()
        address = f"ws://{host}/socket.io/?EIO=4&transport=websocket"
        self._socket = websocket.create_connection(address, socket=self._stream(host, user), cookie=cookie)
        self._socket.recv()  # engine.io's open
        self._socket.send(f"40{ROOM},")
        while not self._socket.recv().startswith(f"40{ROOM},"):
            pass
        return [loaded, time.perf_counter()]

    def _emit(self, text):
        self._socket.send(f"42{ROOM}," + json.dumps(["text", {"msg": text}]))

    def _next_text(self):
        """The next message of anybody's."""
        while True:
            packet = self._socket.recv()
            if packet == "2":  # engine.io's ping
                self._socket.send("3")
            elif packet.startswith(f"42{ROOM},"):
                event, value = json.loads(packet[len(f"42{ROOM},") :])
                if event == "chat_message":
                    return value["msg"]

    def trips(self, count):
        """Milliseconds from sending a message to its being shown to ourselves, one after the other."""
        found = []
        for number in range(count):
            text = f"message {number} ".ljust(TEXT_CHARACTERS, "x")
            begin = time.perf_counter()
            self._emit(text)
            while self._next_text() != text:
                pass
            found.append((time.perf_counter() - begin) * 1000)
        return found

    def send(self, text, count):
        """Send so many at once; when that began."""
        begin = time.perf_counter()
        for number in range(count):
            self._emit(f"{text} {number} ".ljust(TEXT_CHARACTERS, "x"))
        return begin

    def hear(self, count):
        """Until so many messages were shown; when the last one was, and what it said."""
        text = ""
        for _ in range(count):
            text = self._next_text()
        return [time.perf_counter(), text.strip("x ")]

    def leave(self):
        """Out of the room."""
        self._socket.close()
        return


def main():
    """Do as told until stdin ends."""
    visitor = Visitor(sys.argv[1])
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(visitor, name)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
