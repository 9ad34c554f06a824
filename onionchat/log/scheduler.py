"""Who is asked for what: one peer for a log at a time, among all sessions of one conversation."""

from dataclasses import dataclass

from onionchat import limits


@dataclass(slots=True)
class _Claim:
    session: object
    progress_at: float


class RequestScheduler:
    """Keeps two sessions of one conversation from asking two peers for the same run. Shared by the sessions.

    A claim is on a log's key (for older history: on that with a prefix). A claim without progress for
    REQUEST_STALL_SECONDS may be taken over. After a session has ended, the node calls `wake` on the others, so that
    they ask for what it leaves behind.
    """

    def __init__(self) -> None:
        self._claims: dict[bytes, _Claim] = {}

    def claim(self, log: bytes, session: object, now: float) -> bool:
        """Whether this session may ask for the log now; it then holds the claim."""
        claim = self._claims.get(log)
        if claim is not None and claim.session is not session and now < self._stalls_at(claim):
            return False
        self._claims[log] = _Claim(session, now)
        return True

    def progressed(self, log: bytes, session: object, now: float) -> None:
        """Entries of the log came in by this session."""
        claim = self._claims.get(log)
        if claim is not None and claim.session is session:
            claim.progress_at = now

    def release(self, log: bytes, session: object) -> None:
        """The session has what it asked for, or its peer cannot give it."""
        claim = self._claims.get(log)
        if claim is not None and claim.session is session:
            del self._claims[log]

    def release_all(self, session: object) -> None:
        """The session has ended."""
        for log in [log for log, claim in self._claims.items() if claim.session is session]:
            del self._claims[log]

    def free_at(self, log: bytes) -> float | None:
        """When the claim on a log may be taken over if nothing moves; None when it is free."""
        claim = self._claims.get(log)
        return None if claim is None else self._stalls_at(claim)

    @staticmethod
    def _stalls_at(claim: _Claim) -> float:
        return claim.progress_at + limits.REQUEST_STALL_SECONDS
