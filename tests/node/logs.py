"""What is logged and printed while something hostile goes on."""

from typing import Any, Self

import pytest
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from onionchat.testing.leaks import Secrets
from onionchat.testing.strangers import Stranger


class Heard:
    """Every log event of Twisted and of `logging`, at every level, and both standard streams."""

    def __init__(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        self._caplog, self._capfd = caplog, capfd
        self._said: list[str] = []
        self._observer: Any = self._event

    def _event(self, event: LogEvent) -> None:
        failure = event.get("log_failure")
        told = "" if failure is None else failure.getTraceback(detail="default")
        self._said.append(f"{formatEvent(event)} {sorted(map(repr, event.items()))} {told}")

    def __enter__(self) -> Self:
        globalLogPublisher.addObserver(self._observer)
        return self

    def __exit__(self, *_: object) -> None:
        globalLogPublisher.removeObserver(self._observer)

    def forget(self) -> None:
        """Begin anew."""
        self._said.clear()
        self._caplog.clear()
        self._capfd.readouterr()

    def require_nothing_of(self, peer: Stranger, *texts: str) -> None:
        """Neither keys, nor names, nor texts; in no spelling."""
        self._said += [self._caplog.text, *self._capfd.readouterr()]
        secrets: dict[str, bytes | str] = {text[:20]: text for text in (peer.name, *texts)}
        secrets |= {"device": peer.device, "account": peer.account, "static key": peer.static.public}
        secrets |= {"address": peer.address.public, "discovery": peer.discovery, "log": peer.log_key.public}
        spelled = {f"{name} as Python has it": repr(secret)[1:-1].lstrip("'") for name, secret in secrets.items()}
        assert Secrets({**secrets, **spelled}).in_bytes("\n".join(self._said).encode("utf-8", "surrogatepass")) == []
