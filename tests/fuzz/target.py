"""What a fuzz target is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
"""`corpus/TARGET/*`: inputs that were findings once, or that are worth keeping."""


@dataclass(frozen=True)
class Target:
    """A function of bytes; `errors` are what it may raise; `seeds` are good inputs."""

    run: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]

    def feed(self, data: bytes) -> None:
        """Call it; anything but the errors that it names is a finding."""
        try:
            self.run(data)
        except self.errors:
            return


def kept(name: str) -> Iterator[bytes]:
    """The inputs kept for a target."""
    for path in sorted((CORPUS / name).glob("*")):
        yield path.read_bytes()
