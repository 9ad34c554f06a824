"""The main job from nothing to an answer, as a program of its own, so that it can run where only loopback is."""

import json
import socket
import sys
from pathlib import Path

from onionchat.testing.network import TorNetwork
from onionchat.testing.people import People


def main(folder: Path) -> None:
    """Prints the network interfaces and what each of the two has in the end."""
    with TorNetwork() as network, People(network, folder) as people:
        ann, ben = people.arrive("ann", "ben")
        ben.do("add", ann.do("invite").splitlines()[0], "--name", "ann", "-m", "hello")
        ann.do("accept", ann.wait_request().id, "--name", "ben")
        ben.wait_contact("ann")
        ann.do("send", "ben", "one", "--wait", "delivered")
        ben.do("send", "ann", "two", "--wait", "delivered")
        names = [name for _, name in socket.if_nameindex()]
        print(json.dumps([names, ann.texts("ben"), ben.texts("ann")]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
