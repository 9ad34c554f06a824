"""Several real nodes in one process, without sockets: real stores, gates and channels on one virtual onion network."""

import gc
import random as dice
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
from twisted.internet.defer import maybeDeferred
from twisted.logger import LogEvent, LogLevel, globalLogPublisher
from twisted.python.failure import Failure

from onionchat.api import types as t
from onionchat.api.methods import BY_NAME
from onionchat.api.service import Service
from onionchat.crypto.vault import Cost
from onionchat.identity.account import accept_add, countersign, unsigned_add
from onionchat.ids import id_text
from onionchat.node.events import NodeEvent
from onionchat.node.founding import Membership
from onionchat.node.linking import admit_device
from onionchat.node.node import Node
from onionchat.node.profile import Profile, create_member, create_profile
from onionchat.node.services import INVITATION_DELAY_SETTING
from onionchat.store.own import DeviceKeys
from onionchat.store.store import Store
from onionchat.testing.virtualtor import OnionNetwork, VirtualReactor, VirtualTor

EPOCH_SECONDS = 1_800_000_000.0
PASSPHRASE = "correct horse"


class WatchedProfile(Profile):
    """A profile whose store's jobs the reactor waits for."""

    def open_store(self, reactor: Any, random: Callable[[int], bytes] = dice.randbytes) -> Store:
        """See `Profile`."""
        store = super().open_store(reactor, random)
        write = store.write
        store.write = lambda job: reactor.counted(write(job))  # type: ignore[method-assign]
        return store


class Actor:
    """A device of a person: a node, and the API on it. `found`: makes its profile; by default a new account's."""

    def __init__(self, world: "World", name: str, seed: int, found: Callable[["Actor"], object] | None = None) -> None:
        self.world, self.name = world, name
        self.folder = world.folder / name
        self.clock_offset_seconds = 0.0
        self.events: list[t.Event] = []
        self.node_events: list[NodeEvent] = []
        self.random = dice.Random(seed).randbytes
        if found is None:
            create_profile(self.folder, name, PASSPHRASE, "decline", Cost.TESTS, self.random)
        else:
            found(self)
        self.start()

    # --- life ----------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Open the profile and run a node on it, until it is at rest."""
        profile = WatchedProfile.open(self.folder, PASSPHRASE)
        self.node = Node(profile, self.world.reactor, None, random=self.random, wall_clock=self.wall_clock)
        self.tor = VirtualTor(self.world.network, self.node)
        self.node.tor = self.tor  # type: ignore[assignment]
        self.service = Service(self.node)
        self.service.subscribe([], self.events.append)
        self.node.subscribe(self.node_events.append)
        self.world.wait(self.node.start())
        if self.node.book.settings.get(INVITATION_DELAY_SETTING) != "0" and not self.node.own.is_linking:
            self.do("setting.set", key=INVITATION_DELAY_SETTING, value="0")

    def stop(self) -> None:
        """An orderly stop."""
        self.world.wait(self.node.stop())

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def wall_clock(self) -> float:
        """Seconds since 1970, as this machine has it."""
        return EPOCH_SECONDS + self.world.reactor.seconds() + self.clock_offset_seconds

    # --- the API ---------------------------------------------------------------------------------------------
    def begin(self, method: str, **params: Any) -> Any:
        """Call a method; a Deferred of its result."""
        return maybeDeferred(self.service.call, method, msgspec.convert(params, BY_NAME[method].params))

    def do(self, method: str, **params: Any) -> Any:
        """Call a method of the API, let everything happen, and give its result or raise its error."""
        result = self.world.wait(self.begin(method, **params))
        msgspec.json.encode(result)
        return result

    def send(self, name: str, text: str, **params: Any) -> str:
        """Send a message; its id."""
        sent: t.Sent = self.do("message.send", name=name, text=text, **params)
        return sent.id

    def log(self, name: str, **params: Any) -> list[t.Message]:
        """The last lines of a conversation."""
        lines: list[t.Message] = self.do("message.log", name=name, **params)
        return lines

    def texts(self, name: str) -> list[str]:
        """What the lines say."""
        return [line.text for line in self.log(name)]

    def contact(self, name: str) -> t.Contact:
        """A contact."""
        found: t.Contact = self.do("contact.get", name=name)
        return found

    def status(self) -> t.Status:
        """The node's status."""
        found: t.Status = self.do("status.get")
        return found

    def heard(self, *kinds: str) -> list[t.Event]:
        """The events of some kinds that came so far."""
        return [event for event in self.events if event.event in kinds]

    @property
    def device(self) -> str:
        """Its DeviceId, as text."""
        return id_text(self.node.own.device)

    @property
    def address(self) -> str:
        """Its current onion address."""
        return self.status().address

    def cut(self) -> None:
        """Off the network."""
        self.tor.cut()
        self.world.settle()

    def restore(self) -> None:
        """On the network again, and everything that follows at once."""
        self.tor.restore()
        self.world.pass_time(5)


class World:
    """Some people on one network. `faults`: what was logged as an error; a test of health wants it empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reactor = VirtualReactor()
        self.network = OnionNetwork(self.reactor)
        self.actors: list[Actor] = []
        self.faults: list[str] = []
        self._observer = cast(Any, self._logged)
        globalLogPublisher.addObserver(self._observer)

    def _logged(self, event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            failure = event.get("log_failure")
            what = "" if failure is None else failure.getTraceback()
            self.faults.append(str(event.get("log_format", "")).format_map(_Fields(event)) + what)

    def add(self, name: str) -> Actor:
        """Another person, with a running node."""
        actor = Actor(self, name, len(self.actors) + 1)
        self.actors.append(actor)
        return actor

    def add_device(self, actor: Actor, name: str, history_not_before_ms: int = 0) -> Actor:
        """Another device of a person's account, admitted by this one, and connected. Linking without its ceremony."""
        node = actor.node
        assert node.book.own_roster is not None

        def found(new: Actor) -> None:
            keys = DeviceKeys.generate(new.random)
            roster = node.book.own_roster
            assert roster is not None
            body = unsigned_add(node.own.account, roster.heads, keys.identity.public, node.own.device)
            statement = countersign(body, accept_add(body, node.own.account, keys.identity), node.own.identity)
            cards = tuple((row.certificate_raw, row.discovery) for row in node.book.own_devices.values())
            membership = Membership(keys, node.own.account, roster.statements, cards, history_not_before_ms)
            discovery = create_member(new.folder, membership, PASSPHRASE, Cost.TESTS, new.random)
            self.wait(admit_device(node, statement, keys.certificate, discovery, name))

        new = Actor(self, name, len(self.actors) + 1, found)
        self.actors.append(new)
        self.pass_time(5)
        assert new.node.book.is_member and not new.node.own.is_linking
        return new

    def stop(self) -> None:
        """End all nodes."""
        for actor in self.actors:
            actor.stop()
        gc.collect()  # a Deferred whose failure nobody took says so when it goes
        globalLogPublisher.removeObserver(self._observer)

    def settle(self) -> None:
        """Let everything happen that needs no time."""
        self.reactor.settle()

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.reactor.pass_time(seconds)

    def wait(self, deferred: Any) -> Any:
        """The result of what ends without time passing."""
        outcome: list[Any] = []
        deferred.addBoth(outcome.append)
        self.settle()
        assert outcome, "it waits for something"
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]

    def befriend(self, one: Actor, other: Actor) -> None:
        """`other` adds a link of `one`'s, is accepted, and both are connected."""
        link = one.do("invite.create").link
        other.do("contact.add", link=link, name=one.name)
        (request,) = [r for r in one.do("request.list") if r.direction == "incoming"]
        one.do("request.accept", id=request.id)
        self.pass_time(5)
        assert one.contact(other.name).online and other.contact(one.name).online


class _Fields(dict[str, Any]):
    """Of a log event; what it lacks is shown as its name."""

    def __missing__(self, key: str) -> str:
        return key
