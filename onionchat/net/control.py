"""Tor's control port, as little of it as possible (control-spec): what a tight filter lets through, no more.

The protocol, its queue and its authentication are txtorcon's; its usual bootstrap asks for things that no
filter allows, so ours asks for the version alone. `TorControl` is the only thing that the rest sees.

A command is optional when one can live without it: where it is refused, its name goes into `missing` and
the answer is empty. `510` is what a filter says, `512` and `552` what a Tor says that does not know it.
"""

import base64
import errno
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, fail
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from txtorcon import TorProtocolError
from txtorcon.torcontrolprotocol import TorControlProtocol

from onionchat.errors import TorError
from onionchat.limits import CONTROL_LINE_MAX_BYTES, CONTROL_TIMEOUT_SECONDS

REFUSED_CODES = frozenset({510, 512, 552})
COLLISION_CODE = 550
EVENTS = ("HS_DESC", "STATUS_CLIENT")
_PROGRESS = re.compile(r"PROGRESS=(\d{1,3})")
_SUMMARY = re.compile(r'SUMMARY="([^"]*)"')


class ControlRefused(TorError):
    """Tor, or the filter before it, refused a command; `code` is its answer (control-spec 4)."""

    def __init__(self, command: str, code: int, text: str, advice: str) -> None:
        super().__init__(f"Tor refused {command} ({code} {_plain(text)}); {advice}")
        self.command = command
        self.code = code

    @property
    def is_unknown(self) -> bool:
        """Whether the command, or this form of it, is not to be had here at all."""
        return self.code in REFUSED_CODES


class ControlLost(TorError):
    """The control connection is gone or does not answer; it is made anew by itself."""


class CookieNotYet(TorError):
    """The cookie file that Tor names does not exist yet: Tor is starting."""


def _plain(text: str) -> str:
    line = text.strip().split("\n", 1)[0]
    return "".join(c if c.isprintable() else " " for c in line)[:120]


class _Protocol(TorControlProtocol):  # type: ignore[misc]
    """txtorcon's protocol with a bootstrap that passes every filter."""

    def __init__(self) -> None:
        super().__init__()
        self.on_disconnect = None  # deprecated there, and touched only if it is there

    def _bootstrap(self, *_: object) -> Any:
        self._set_valid_events(" ".join(EVENTS))
        return self.get_info("version").addCallback(self._ready)

    def _ready(self, answer: dict[str, str]) -> Any:
        self.version = answer.get("version", "")
        self.post_bootstrap.callback(self)
        return self


class _ProtocolFactory(Factory):
    noisy = False

    def buildProtocol(self, addr: object) -> Any:
        return _Protocol()


class TorControl:
    """An authenticated control connection. Every method's Deferred fails with a TorError, nothing else."""

    def __init__(self, protocol: Any, clock: Any, advice: str) -> None:
        self._protocol = protocol
        self._clock = clock
        self.advice = advice
        self.version: str = protocol.version
        self.missing: set[str] = set()
        self.events: frozenset[str] = frozenset()
        self.is_lost = False
        self.when_lost(lambda: None)

    def when_lost(self, callback: Callable[[], object]) -> None:
        """Call back once when the connection is gone."""

        def lost(_: object) -> None:
            self.is_lost = True
            callback()

        self._protocol.when_disconnected().addBoth(lost)

    def close(self) -> None:
        """Drop the connection; Tor drops the onions that were added over it."""
        self._protocol.transport.abortConnection()

    # --- questions ---------------------------------------------------------------------------------

    async def onions_current(self) -> set[str] | None:
        """Addresses of the onions that this connection keeps up; None where Tor may not be asked."""
        answer = await self._optional("GETINFO onions/current")
        if answer is None:
            return None
        return set(answer.replace("onions/current=", "").split()) - {"OK"}

    async def bootstrap(self) -> tuple[int, str]:
        """Percent and what Tor says it is doing. (100, "") where Tor may not be asked."""
        answer = await self._optional("GETINFO status/bootstrap-phase")
        progress = _PROGRESS.search(answer or "")
        summary = _SUMMARY.search(answer or "")
        percent = min(100, int(progress.group(1))) if progress else 100
        return percent, _plain(summary.group(1)) if summary else ""

    async def circuit_established(self) -> bool:
        """Whether Tor has circuits. True where Tor may not be asked: a dial will tell."""
        answer = await self._optional("GETINFO status/circuit-established")
        return answer is None or answer.strip().endswith("=1")

    # --- onions ------------------------------------------------------------------------------------

    async def add_onion(
        self,
        expanded_key: bytes,
        virtual_port: int,
        target: str,
        client_keys: Sequence[bytes] = (),
        pow_defense: bool = False,
        max_streams: int = 0,
    ) -> str:
        """Publish an onion until this connection ends; its address.

        `expanded_key`: 64 bytes (Ed25519, expanded). `target`: HOST:PORT. `client_keys`: X25519 public keys of
        32 bytes; with none everybody may connect. `max_streams`: for each circuit, 0 for any number.
        ControlRefused when Tor or the filter says no.
        """
        words = ["ADD_ONION", "ED25519-V3:" + base64.b64encode(expanded_key).decode("ascii")]
        words += ["Flags=V3Auth"] if client_keys else []
        words += ["PoWDefensesEnabled=1"] if pow_defense else []
        words += [f"MaxStreams={max_streams}"] if max_streams else []
        words.append(f"Port={virtual_port},{target}")
        words += [f"ClientAuthV3={_base32(key)}" for key in client_keys]
        answer = await self._ask(" ".join(words))
        found = re.search(r"ServiceID=([a-z2-7]{56})", answer)
        if not found:
            raise TorError("Tor added an onion and did not say which; is this really Tor's control port?")
        return found.group(1)

    async def del_onion(self, address: str) -> None:
        """Take an onion down. One that is not there is no error."""
        try:
            await self._ask(f"DEL_ONION {address}")
        except ControlRefused as refused:
            if refused.code != 552:
                raise

    async def client_auth_add(self, address: str, private_key: bytes) -> bool:
        """Give Tor a discovery key (X25519, 32 bytes); False where that may not be done."""
        key = base64.b64encode(private_key).decode("ascii")
        return await self._optional(f"ONION_CLIENT_AUTH_ADD {address} x25519:{key}") is not None

    async def client_auth_remove(self, address: str) -> bool:
        """Take a discovery key away again; False where that may not be done."""
        return await self._optional(f"ONION_CLIENT_AUTH_REMOVE {address}") is not None

    async def hsfetch(self, address: str) -> bool:
        """Ask Tor to fetch a descriptor anew; False where that may not be done."""
        return await self._optional(f"HSFETCH {address}") is not None

    # --- events ------------------------------------------------------------------------------------

    async def listen(self, callback: Callable[[str, str], object]) -> frozenset[str]:
        """Hear of events: `callback(name, rest of the line)`. What may not be heard is left out; the rest is returned.

        A filter refuses `SETEVENTS` whole when one event is not listed, so each is also tried alone.
        """
        for names in (EVENTS, *((name,) for name in EVENTS)):
            if await self._set_events(names, callback):
                self.events = frozenset(names)
                break
        self.missing |= {f"SETEVENTS {name}" for name in EVENTS if name not in self.events}
        return self.events

    async def _set_events(self, names: Collection[str], callback: Callable[[str, str], object]) -> bool:
        try:
            await self._ask("SETEVENTS " + " ".join(names))
        except ControlRefused as refused:
            if not refused.is_unknown:
                raise
            return False
        for name in names:
            event = self._protocol.valid_events[name]
            event.listen(lambda line, name=name: callback(name, line))
            self._protocol.events[name] = event
        return True

    # --- sending -----------------------------------------------------------------------------------

    async def _optional(self, line: str) -> str | None:
        """The answer, or None when the command is not to be had; its name is then in `missing`."""
        name = " ".join(line.split()[:2]) if line.startswith("GETINFO") else line.split()[0]
        if name in self.missing:
            return None
        try:
            return await self._ask(line)
        except ControlRefused as refused:
            if refused.code != 510 and not (refused.is_unknown and line.startswith(("GETINFO", "HSFETCH"))):
                raise
            self.missing.add(name)
            return None

    def _ask(self, line: str) -> "Deferred[str]":
        name = line.split()[0]
        if len(line) + 2 > CONTROL_LINE_MAX_BYTES:
            return fail(TorError(f"{name} would be too long for Tor's control port; use fewer discovery keys"))
        sent: Deferred[str] = self._protocol.queue_command(line)
        sent.addTimeout(CONTROL_TIMEOUT_SECONDS, self._clock)
        return sent.addErrback(self._explain, name)

    def _explain(self, reason: Failure, name: str) -> str:
        """Every failure becomes a TorError. txtorcon's own texts are dropped: they may quote a key that was sent."""
        error = reason.value
        if isinstance(error, TorProtocolError):
            raise ControlRefused(name, int(error.code), str(error.text), self.advice) from None
        if isinstance(error, TimeoutError | CancelledError):
            self.close()  # answers come in order: after one that is missing nothing can be told apart
            raise ControlLost(f"Tor's control port did not answer {name}; the connection is made anew") from None
        raise ControlLost("the connection to Tor's control port was lost; it is made anew") from None


def _base32(key: bytes) -> str:
    return base64.b32encode(key).decode("ascii").rstrip("=")


async def connect_control(endpoint: IStreamClientEndpoint, clock: Any, advice: str) -> TorControl:
    """Connect and authenticate. `advice` is what to do when Tor refuses something, as part of a sentence.

    CookieNotYet when Tor is only starting; any other TorError says what is wrong.
    """
    connecting: Deferred[Any] = endpoint.connect(_ProtocolFactory())
    try:
        protocol = await connecting
    except Exception as error:
        if getattr(error, "osError", None) == errno.EACCES:
            raise TorError(f"Tor's control socket may not be opened by you; {advice}") from None
        raise ControlLost("Tor's control port cannot be reached; is Tor running? (`onionchat doctor`)") from None
    authenticated: Deferred[Any] = protocol.post_bootstrap
    authenticated.addTimeout(CONTROL_TIMEOUT_SECONDS, clock)
    try:
        await authenticated
    except Exception as error:
        protocol.transport.abortConnection()
        raise _authentication_error(error, advice) from None
    return TorControl(protocol, clock, advice)


def _authentication_error(error: Exception, advice: str) -> TorError:
    if isinstance(error, TorProtocolError):
        return ControlRefused("us", int(error.code), str(error.text), advice)
    text = str(error)
    if "No such file" in text or "Expected authentication cookie" in text:
        return CookieNotYet("Tor is starting: its control cookie is not there yet")
    if "Permission denied" in text:
        return TorError(f"Tor's control cookie may not be read by you; {advice}")
    if "doesn't support" in text or "COOKIE" in text:
        return TorError("Tor's control port asks for a password; set `CookieAuthentication 1` in its torrc instead")
    return ControlLost("Tor's control port does not speak with us; is it really Tor's control port?")
