"""A control-port filter before a real tor: `python filtering.py whonix CONTROL-SOCKET COOKIE` prints its port."""

import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.endpoints import UNIXClientEndpoint

from onionchat.net.torprofile import profile_text
from onionchat.testing.controlfilter import FilterRules
from onionchat.testing.controlforward import ForwardedTor
from onionchat.testing.controlport import ControlServerFactory


def main(kind: str, control: str, cookie: str) -> None:
    rules = FilterRules.from_text(profile_text(kind), "127.0.0.1")
    tor = ForwardedTor(reactor, UNIXClientEndpoint(reactor, control), Path(cookie))
    port = reactor.listenTCP(0, ControlServerFactory(tor, rules), interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
