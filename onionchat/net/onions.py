"""Keeps our onions published, and knows when they can be reached.

Tor forgets them without a word: when it restarts behind a filter our control connection stays up and the
onions are gone. So what is wanted is compared with what there is, again and again, and mended.

An onion is *unpublished*, then *publishing* once Tor has taken it, then *reachable* when we have reached it
through Tor ourselves, or four directories have its descriptor (the first alone is not enough).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from twisted.internet.defer import Deferred

from onionchat.errors import LocalError, TorError
from onionchat.net.control import COLLISION_CODE, ControlLost, ControlRefused, TorControl
from onionchat.net.discovery import DiscoveryKeys
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.probe import ReachabilityProbe

VIRTUAL_PORT = 16600  # the port of every onion of onionchat
UPLOADS_ENOUGH = 4
UPLOAD_WAIT_SECONDS = 4.0  # probing starts at the first upload, or after this where no event comes


class OnionState(Enum):
    """How far an onion is; the values are part of the interface."""

    UNPUBLISHED = "unpublished"
    PUBLISHING = "publishing"
    REACHABLE = "reachable"


@dataclass(frozen=True)
class OnionService:
    """An onion that is wanted. `expanded_key`: 64 bytes. `client_keys`: X25519 public keys; with none it is open.

    `probe_key` is the private half of one of them, for finding ourselves. `max_streams`: at most so many for each
    circuit (0: any number). `allow_unrestricted`: publish without client keys where they cannot be had.
    """

    address: str
    expanded_key: bytes = field(repr=False)
    local_port: int
    client_keys: tuple[bytes, ...] = field(default=(), repr=False)
    probe_key: bytes | None = field(default=None, repr=False)
    virtual_port: int = VIRTUAL_PORT
    pow_defense: bool = False
    max_streams: int = 0
    allow_unrestricted: bool = False


class _Onion:
    """A wanted onion and what became of it."""

    def __init__(self, service: OnionService, probe: ReachabilityProbe) -> None:
        self.service = service
        self.probe = probe
        self.state = OnionState.UNPUBLISHED
        self.added_on: TorControl | None = None
        self.uploads = 0
        self.is_restricted = bool(service.client_keys)
        self.problem: str | None = None
        self.is_busy = False
        self.first_probe: Any = None


class OnionServices:
    """The wanted onions, kept up over whatever control connection there is.

    `probe(address)` dials an onion of ours; `on_state(address, state)` hears of every change.
    """

    def __init__(
        self,
        clock: Any,
        keys: DiscoveryKeys,
        probe: Callable[[str], "Deferred[Any]"],
        on_state: Callable[[str, OnionState], object],
    ) -> None:
        self._clock = clock
        self._keys = keys
        self._probe = probe
        self._on_state = on_state
        self._onions: dict[str, _Onion] = {}
        self._control: TorControl | None = None
        self._target_host = ""
        self._added_here: set[str] = set()
        self.missing: set[str] = set()

    # --- what is wanted ----------------------------------------------------------------------------

    async def publish(self, service: OnionService) -> None:
        """Want an onion. TorError when Tor refuses it now (it stays wanted and is tried again)."""
        if service.address in self._onions:
            raise LocalError("that onion is published already; unpublish it first to change it")
        address = service.address
        probe = ReachabilityProbe(
            self._clock, lambda: self._probe_once(address), lambda reached: self._probed(address, reached)
        )
        onion = self._onions[address] = _Onion(service, probe)
        if service.probe_key is not None:
            await self._keys.grant(address, service.probe_key)
        await self._add(onion)

    async def unpublish(self, address: str) -> None:
        """Want it no more. An address should not be published again soon: clients keep the old descriptor."""
        onion = self._onions.pop(address, None)
        if onion is None:
            return
        self._silence(onion)
        if onion.service.probe_key is not None:
            await self._keys.revoke(address)
        self._added_here.discard(address)
        if self._control is not None and onion.added_on is self._control:
            await self._control.del_onion(address)
        self._on_state(address, OnionState.UNPUBLISHED)

    def forget_all(self) -> None:
        """Want nothing any more. Tor takes the onions down with the control connection."""
        for onion in self._onions.values():
            self._forget(onion)
        self._onions.clear()

    def state(self, address: str) -> OnionState:
        """How far it is; unpublished for one that is not wanted."""
        onion = self._onions.get(address)
        return onion.state if onion else OnionState.UNPUBLISHED

    def is_restricted(self, address: str) -> bool:
        """Whether only those with a discovery key can find it."""
        onion = self._onions.get(address)
        return onion is not None and onion.is_restricted

    def problem(self, address: str) -> str | None:
        """Why it is not published, for people."""
        onion = self._onions.get(address)
        return onion.problem if onion else None

    @property
    def addresses(self) -> list[str]:
        """All that are wanted."""
        return list(self._onions)

    # --- the control connection --------------------------------------------------------------------

    async def connected(self, control: TorControl, target_host: str) -> None:
        """Publish everything over a new control connection. What is refused is kept as a problem."""
        self._control, self._target_host = control, target_host
        self._added_here.clear()
        await self.mend()

    def disconnected(self) -> None:
        """The connection is gone, and the onions with it."""
        self._control = None
        for onion in self._onions.values():
            self._forget(onion)

    async def mend(self) -> None:
        """Compare with what Tor keeps up; publish again what is gone, and give it the discovery keys again."""
        control = self._control
        if control is None:
            return
        live_before = [onion for onion in self._onions.values() if onion.added_on is control]
        current = await control.onions_current()
        lost = [onion for onion in live_before if self._is_lost(onion, control, current)]
        if lost and current is not None:
            self._added_here.difference_update(onion.service.address for onion in lost)
            for onion in lost:
                self._forget(onion)
            await self._keys.give_all()
        waiting = [onion for onion in self._onions.values() if onion.added_on is not control]
        for onion in {id(onion): onion for onion in (*lost, *waiting)}.values():
            await self._try_add(onion)

    def _is_lost(self, onion: _Onion, control: TorControl, current: set[str] | None) -> bool:
        """Judged by an answer that is newer than the onion. Where Tor may not be asked, adding again tells."""
        if onion.added_on is not control:
            return False
        if current is None:
            return onion.state is OnionState.PUBLISHING
        return onion.service.address not in current

    def event(self, name: str, line: str) -> None:
        """An event of Tor; of others' onions we take no notice."""
        words = line.split()
        if name != "HS_DESC" or len(words) < 2 or words[0] != "UPLOADED":
            return
        onion = self._onions.get(words[1])
        if onion is None or onion.added_on is None:
            return
        onion.uploads += 1
        if onion.uploads >= UPLOADS_ENOUGH:
            self._set(onion, OnionState.REACHABLE)
        onion.probe.start_once()

    # --- adding ------------------------------------------------------------------------------------

    async def _try_add(self, onion: _Onion) -> None:
        try:
            await self._add(onion)
        except ControlLost:
            return  # everything is added again over the next connection
        except TorError as error:
            onion.problem = str(error)

    async def _add(self, onion: _Onion) -> None:
        control = self._control
        if control is None or onion.is_busy or not self._is_wanted(onion):
            return
        onion.is_busy = True
        try:
            await self._add_in_some_form(onion, control)
        except TorError as error:
            onion.problem = str(error)
            if not isinstance(error, ControlLost):
                self._on_state(onion.service.address, onion.state)  # so that the reason is seen
            raise
        finally:
            onion.is_busy = False
        if not self._is_wanted(onion):  # unpublished meanwhile
            await control.del_onion(onion.service.address)
            return
        if self._control is not control:
            return
        onion.problem = None
        if onion.added_on is control:
            return  # it was live all the time
        onion.added_on = control
        self._set(onion, OnionState.PUBLISHING)
        onion.first_probe = self._clock.callLater(UPLOAD_WAIT_SECONDS, onion.probe.start_once)
        if "SETEVENTS HS_DESC" in control.missing:
            onion.probe.start_once()

    def _is_wanted(self, onion: _Onion) -> bool:
        return self._onions.get(onion.service.address) is onion

    async def _add_in_some_form(self, onion: _Onion, control: TorControl) -> None:
        """The full form first, then without what can be done without."""
        service = onion.service
        forms = [service]
        if service.pow_defense:
            forms.append(replace(service, pow_defense=False))
        if service.max_streams:
            forms.append(replace(service, pow_defense=False, max_streams=0))
        if service.client_keys and service.allow_unrestricted:
            forms.append(replace(service, client_keys=(), pow_defense=False, max_streams=0))
        for form in forms:
            if await self._add_form(onion, control, form):
                onion.is_restricted = bool(form.client_keys)
                self._note_missing(service, form)
                return
        raise TorError(_refusal_text(service, control.advice))

    async def _add_form(self, onion: _Onion, control: TorControl, form: OnionService) -> bool:
        """Whether Tor took it. False when this form is not to be had; TorError for any other refusal."""
        service = onion.service
        target = f"{self._target_host}:{service.local_port}"
        for is_last in (False, True):
            try:
                address = await control.add_onion(
                    form.expanded_key, form.virtual_port, target, form.client_keys, form.pow_defense, form.max_streams
                )
            except ControlRefused as refused:
                if refused.is_unknown:
                    return False
                if refused.code != COLLISION_CODE or is_last:
                    raise
                if service.address in self._added_here:
                    return True  # it is live, and over this very connection
                await control.del_onion(service.address)  # a left-over of ours: its form may be another
                continue
            if address != service.address:
                await control.del_onion(address)
                raise TorError("Tor published another address than ours; the profile's address key is damaged")
            self._added_here.add(address)
            return True
        return False

    def _note_missing(self, service: OnionService, form: OnionService) -> None:
        if service.max_streams and not form.max_streams:
            self.missing.add("ADD_ONION MaxStreams")
        if service.pow_defense and not form.pow_defense:
            self.missing.add("ADD_ONION PoWDefensesEnabled")
        if service.client_keys and not form.client_keys:
            self.missing.add("ADD_ONION ClientAuthV3")

    # --- reachability ------------------------------------------------------------------------------

    def _probe_once(self, address: str) -> "Deferred[Any]":
        return self._probe(address).addErrback(self._forgive_missing_key)

    def _forgive_missing_key(self, reason: Any) -> Any:
        """Where Tor may not be given keys, `key missing` still shows that the descriptor is out."""
        may_give = self._control is None or "ONION_CLIENT_AUTH_ADD" not in self._control.missing
        error = reason.value
        if isinstance(error, DialError) and error.failure is DialFailure.KEY_MISSING and not may_give:
            return None
        return reason

    def _probed(self, address: str, is_reached: bool) -> None:
        onion = self._onions.get(address)
        if onion is not None and onion.added_on is not None:
            self._set(onion, OnionState.REACHABLE if is_reached else OnionState.PUBLISHING)

    def _set(self, onion: _Onion, state: OnionState) -> None:
        if onion.state is not state:
            onion.state = state
            self._on_state(onion.service.address, state)

    def _silence(self, onion: _Onion) -> None:
        onion.probe.pause()
        if onion.first_probe is not None and onion.first_probe.active():
            onion.first_probe.cancel()

    def _forget(self, onion: _Onion) -> None:
        """It is gone from Tor: start again from nothing."""
        self._silence(onion)
        onion.added_on, onion.uploads = None, 0
        self._set(onion, OnionState.UNPUBLISHED)


def _refusal_text(service: OnionService, advice: str) -> str:
    if service.client_keys:
        return (
            "Tor does not let us hide our address from strangers who once saw it, so it was not published; "
            f"{advice}, or accept that with `--allow-unrestricted`"
        )
    return f"Tor does not let us publish an onion; {advice}"
