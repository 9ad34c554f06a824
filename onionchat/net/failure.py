"""Why a dial failed, in a form that a program can weigh and a person can read. No I/O in here."""

from enum import Enum

from onionchat.errors import TorError


class DialFailure(Enum):
    """The ways a dial fails; the value is the line for the connection screen."""

    NO_DESCRIPTOR = "no descriptor (it is off)"
    BAD_DESCRIPTOR = "its descriptor cannot be read (an older or damaged one; it goes away by itself)"
    INTRODUCTION_FAILED = "it no longer answers (it has just gone off)"
    RENDEZVOUS_FAILED = "the meeting point could not be reached; Tor tries another way"
    KEY_MISSING = "it hides from us: our Tor has no discovery key for it (was it removed from their contacts?)"
    KEY_WRONG = "it hides from us: our discovery key for it is no longer right (ask for a new link)"
    BAD_ADDRESS = "Tor does not accept the address; copy the link again"
    PORT_CLOSED = "it is there, but takes no connection now"
    TARGET_REFUSED = "Tor could not connect (its own port is closed, or Tor is still starting)"
    TIMED_OUT = "no answer in time"
    UNREACHABLE = "cannot be reached (it is probably off)"
    TOR_AWAY = "Tor's SOCKS port does not answer; is Tor running?"
    NOT_TOR = "what answers on the SOCKS port is not Tor's; check `--socks`"
    LOST = "the connection broke while it was made"
    REJECTED = "it sent something that had to be refused"
    CANCELLED = "given up"


class DialError(TorError):
    """A device could not be reached through Tor. Nothing is lost: it is tried again by itself."""

    def __init__(self, failure: DialFailure) -> None:
        super().__init__(failure.value)
        self.failure = failure
