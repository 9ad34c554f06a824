"""Linking a new device, at the new device: before it has a profile. docs/spec/linking.md.

    DIALLING   the code's address is dialled, again and again   it answers -> COMPARING
    COMPARING  both users look at the words                     both say yes, the membership comes -> MAKING
    MAKING     the profile is being written                     it is on the disk; our signature goes out -> WAITING
    WAITING    the other device decides                         it says that we are in -> JOINED; silence -> UNCERTAIN
    JOINED, UNCERTAIN, FAILED                                   the end

Up to WAITING nothing is kept of a failure. In UNCERTAIN the profile stays: a node on it learns from the other device
what was decided, and until then it is a device of nobody.
"""

import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from onionchat import limits
from onionchat.codec import decode_canonical
from onionchat.crypto.vault import Cost
from onionchat.crypto.words import sas_words
from onionchat.errors import LocalError, OnionchatError, RemoteError
from onionchat.identity.account import Add, accept_add, fold
from onionchat.identity.device import parse_certificate
from onionchat.identity.link import parse_code
from onionchat.ids import AccountId, onion_address
from onionchat.net.failure import DialError
from onionchat.net.onions import VIRTUAL_PORT, OnionState
from onionchat.net.peer import PeerLink, dial
from onionchat.net.tor import Tor
from onionchat.node.founding import Membership
from onionchat.node.profile import create_member, discard_attempt, profile_exists, wipe_profile
from onionchat.store.own import DeviceKeys
from onionchat.text import clean_name
from onionchat.wire.handshake import DeviceCredentials, InvitationExpected
from onionchat.wire.records import (
    Admitted,
    AnyRecord,
    LinkAsked,
    LinkConfirmed,
    MembershipAccepted,
    MembershipOffered,
    Ready,
    Statements,
)

REDIAL_SECONDS = 3.0
DECISION_SECONDS = 60.0
"""The other device has only to write to its disk."""

_log = Logger()


class JoinState(Enum):
    """See the module."""

    DIALLING = "dialling"
    COMPARING = "comparing"
    MAKING = "making"
    WAITING = "waiting"
    JOINED = "joined"
    UNCERTAIN = "uncertain"
    FAILED = "failed"


_OVER = frozenset({JoinState.JOINED, JoinState.UNCERTAIN, JoinState.FAILED})


def require_joinable(directory: Path, code: str, label: str) -> bytes:
    """The key behind a code. LocalError: no code, a name that cannot be, or a profile is there, with the way out."""
    if profile_exists(directory):
        raise LocalError(
            f"there is a profile in {directory} already, with an account of its own; use another --profile,"
            " or `onionchat export` what you need of it and `onionchat wipe` it"
        )
    clean_name(label)
    return parse_code(code)


class JoinListener(Protocol):
    """Who shows what goes on. Called on the reactor's thread."""

    def join_progress(self, text: str) -> None:
        """A line for the user: what it is waiting for."""

    def join_words(self, words: tuple[str, ...]) -> None:
        """Both devices show six words now; `Joining.confirm` says whether they are equal."""


class Joining:
    """One attempt to become a further device of an account. Its Tor is its own, and stopped at the end."""

    def __init__(
        self,
        directory: Path,
        code: str,
        label: str,
        passphrase: str,
        history_not_before_ms: int,
        reactor: Any,
        listener: JoinListener,
        *,
        cost: Cost = Cost.MODERATE,
        random: Callable[[int], bytes] = os.urandom,
        in_thread: Callable[..., "Deferred[Any]"] = deferToThread,
    ) -> None:
        """LocalError: no code, a name that cannot be, or a profile is there already."""
        self.key = require_joinable(directory, code, label)
        self.state = JoinState.DIALLING
        self._directory, self._label, self._passphrase = directory, label, passphrase
        self._history_not_before_ms = history_not_before_ms
        self._reactor, self._listener, self._cost, self._random = reactor, listener, cost, random
        self._in_thread = in_thread
        self._keys = DeviceKeys.generate(random)
        self._tor: Tor | None = None
        self._link: PeerLink | None = None
        self._statements: list[bytes] = []
        self._words: tuple[str, ...] = ()
        self._said_yes = False
        self._timers: list[Any] = []
        self._dialled: Deferred[PeerLink] | None = None
        self._is_dialling = False
        self._failure: OnionchatError | None = None
        self.done: Deferred[JoinState] = Deferred()
        """Fires with JOINED or UNCERTAIN; fails with what was wrong: nothing was linked then."""

    # --- the user --------------------------------------------------------------------------------------------
    def start(self, tor: Tor) -> None:
        """Begin. `tor` has this object for its listener."""
        self._tor = tor
        self._listener.join_progress("looking for Tor")
        self._later(limits.LINK_CODE_SECONDS, self._expired)
        tor.start()

    def confirm(self, is_equal: bool) -> None:
        """What the user says of the words."""
        if self.state is not JoinState.COMPARING or self._link is None or not self._words or self._said_yes:
            return
        if not is_equal:
            self._fail(LocalError("the words were different: nothing was linked; make a new code"), "refused")
            return
        self._said_yes = True
        self._listener.join_progress("waiting for the yes at the other device")
        self._link.send([LinkConfirmed()])

    def cancel(self) -> None:
        """The user has enough of it. Once our signature is out only the other device can decide."""
        self._end(JoinState.UNCERTAIN if self.state is JoinState.WAITING else JoinState.FAILED, "done")

    # --- Tor ---------------------------------------------------------------------------------------------------
    def on_connected(self) -> None:
        """The control port answers."""

    def on_ready(self) -> None:
        """Tor has circuits."""
        if self.state is JoinState.DIALLING and not self._is_dialling:
            self._listener.join_progress("looking for the other device; it may take a minute")
            self._dial()

    def on_lost(self, reason: str) -> None:
        """No Tor, and why."""
        self._listener.join_progress(f"{reason}; waiting for it")

    def on_bootstrap(self, progress: int, summary: str) -> None:
        """Tor's start went on."""
        self._listener.join_progress(f"Tor: {progress} % ({summary})")

    def on_onion_state(self, address: str, state: OnionState) -> None:
        """We have no onion yet."""

    def _dial(self) -> None:
        if self.state is not JoinState.DIALLING or self._tor is None:
            return
        self._is_dialling = True
        credentials = DeviceCredentials(self._keys.certificate, self._keys.static)
        expected, address = InvitationExpected(self.key), onion_address(self.key)
        user = self._random(8).hex()
        self._dialled = dial(
            self._tor, self._reactor, credentials, expected, address, VIRTUAL_PORT, user, self, self.key, fresh=True
        )
        self._dialled.addCallbacks(lambda _: None, self._not_reached)

    def _not_reached(self, failure: Failure) -> None:
        self._is_dialling = False
        if not isinstance(failure.value, DialError):
            _log.error("a dial failed: {kind}", kind=type(failure.value).__name__)
        if self.state is JoinState.DIALLING:
            self._listener.join_progress("the other device is not there yet; trying again")
            self._later(REDIAL_SECONDS, self._dial)

    def _expired(self) -> None:
        if self.state is JoinState.DIALLING:
            self._fail(
                LocalError(
                    "nobody waits at this code: it has expired, was used, or was mistyped; make a new one with"
                    " `onionchat link`"
                )
            )
        elif self.state is JoinState.COMPARING:
            self._fail(LocalError("the code has expired; make a new one with `onionchat link`"))

    # --- the channel ---------------------------------------------------------------------------------------------
    def channel_authenticated(self, link: PeerLink) -> None:
        """The other device's code has answered."""
        if self.state is not JoinState.DIALLING:
            link.close("done")
            return
        self._link, self.state = link, JoinState.COMPARING
        link.send([LinkAsked(self._label)])

    def record_received(self, link: PeerLink, record: AnyRecord) -> None:
        """What the other device says."""
        match (self.state, record):
            case (JoinState.COMPARING, Ready()):  # we are the first with this code
                self._words = sas_words(link.channel.handshake_hash)
                self._listener.join_words(self._words)
            case (JoinState.COMPARING, LinkConfirmed()):
                pass  # the membership follows once it has heard ours
            case (JoinState.COMPARING, Statements()) if self._said_yes:
                self._statements += record.statements
                if len(self._statements) > limits.STATEMENTS_PER_ACCOUNT_MAX:
                    raise RemoteError("more statements than an account has")
            case (JoinState.COMPARING, MembershipOffered()) if self._said_yes:
                self._offered(record)
            case (JoinState.WAITING, Admitted()):
                self._end(JoinState.JOINED, "done")
            case _ if self.state not in _OVER:
                raise RemoteError(f"a {type(record).__name__} at the wrong time")

    def drained(self, link: PeerLink) -> None:
        """Nothing waits here."""

    def channel_closed(self, link: PeerLink, reason: str, remote_fault: bool) -> None:
        """The channel is gone."""
        if link is not self._link or self.state in _OVER or self.state is JoinState.MAKING:
            return  # what is being made is taken back when it is
        if self.state is JoinState.WAITING:
            self._end(JoinState.UNCERTAIN)
        elif reason.endswith("refused"):
            self._fail(LocalError("the other device said no: nothing was linked"))
        elif reason.endswith("full"):
            self._fail(
                LocalError(
                    "another device came with this code before: if it is not yours, say no to its words over there,"
                    " and make a new code"
                )
            )
        else:
            self._fail(
                LocalError("the other device ended it, or the connection broke: nothing was linked; make a new code")
            )

    # --- membership ----------------------------------------------------------------------------------------------
    def _offered(self, offer: MembershipOffered) -> None:
        account = AccountId(offer.account)
        accepted = accept_add(offer.unsigned, account, self._keys.identity)
        add = decode_canonical(offer.unsigned, Add, limits.STATEMENT_MAX_BYTES)
        roster = fold(self._statements, account)
        cards = tuple((card.certificate, card.discovery_private) for card in offer.cards)
        devices = {parse_certificate(certificate).device for certificate, _ in cards}
        if not roster.is_member(add.signer) or roster.disputed or add.signer not in devices:
            raise RemoteError("a membership by a device that is no member")
        if not all(map(roster.is_member, devices)):
            raise RemoteError("cards of devices that are no members")
        self.state = JoinState.MAKING
        self._listener.join_progress("making the profile")
        membership = Membership(self._keys, account, roster.statements, cards, self._history_not_before_ms)
        made = self._in_thread(self._make, membership)
        made.addCallbacks(lambda discovery: self._made(accepted, discovery), self._not_made)

    def _make(self, membership: Membership) -> bytes:
        passphrase, self._passphrase = self._passphrase, ""
        return create_member(self._directory, membership, passphrase, self._cost, self._random)

    def _made(self, accepted: bytes, discovery: bytes) -> None:
        assert self._link is not None
        if self._link.closed or self.state is not JoinState.MAKING:
            wipe_profile(self._directory)  # our signature is not out: nobody can have admitted this device
            self._fail(LocalError("the connection broke: nothing was linked; make a new code"))
            return
        self.state = JoinState.WAITING
        self._later(DECISION_SECONDS, self._undecided)
        self._link.send([MembershipAccepted(accepted, discovery)])

    def _not_made(self, failure: Failure) -> None:
        error = failure.value
        if not isinstance(error, OnionchatError):
            _log.error("no profile could be made: {kind}", kind=type(error).__name__)
            error = LocalError("no profile could be made here; check the disk and the folder")
        self._fail(error, "error")

    def _undecided(self) -> None:
        if self.state is JoinState.WAITING:
            self._end(JoinState.UNCERTAIN)

    # --- the end ---------------------------------------------------------------------------------------------------
    def _fail(self, error: OnionchatError, reason: str = "done") -> None:
        if self.state not in _OVER:
            self._failure = error
            self._end(JoinState.FAILED, reason)

    def _end(self, state: JoinState, reason: str = "done") -> None:
        if self.state in _OVER:
            return
        self.state = state
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        if self._dialled is not None and not self._dialled.called:
            self._dialled.cancel()
        if self._link is not None:
            self._link.close(reason)
        ensureDeferred(self._stop_tor()).addBoth(lambda _: self._tell())

    async def _stop_tor(self) -> None:
        if self._tor is not None:
            await self._tor.stop()

    def _tell(self) -> None:
        if self.state is JoinState.FAILED:
            discard_attempt(self._directory)
            self.done.errback(self._failure or LocalError("it was cancelled; nothing was linked"))
        else:
            self.done.callback(self.state)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.append(self._reactor.callLater(seconds, action))
