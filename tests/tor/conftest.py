"""One private Tor network for all tests in this folder."""

from collections.abc import Iterator

import pytest

from onionchat.testing.network import TorNetwork


@pytest.fixture(scope="session")
def tor_network() -> Iterator[TorNetwork]:
    """Up for the whole session; each test makes clients of its own (`with tor_network.client("alice") as tor`).

    Who cuts it (`pause`) resumes it.
    """
    with TorNetwork() as network:
        yield network
