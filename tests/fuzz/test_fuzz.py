"""The fuzz targets without a fuzzer: seeds, mutated seeds, noise. `make fuzz` looks deeper."""

import random as dice

import pytest

from tests.fuzz.target import kept
from tests.fuzz.targets import TARGETS

ROUNDS = {"channel": 300, "vault": 60, "session": 200, "rosters": 60, "chains": 800, "control": 600}
"""Of what is slow. Each target takes about a second."""


def mutated(random: dice.Random, seed: bytes) -> bytes:
    """A seed with a few bytes changed, cut, doubled or inserted."""
    data = bytearray(seed)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(data) + 1)
        match random.randrange(4):
            case 0 if data:
                data[place % len(data)] ^= 1 << random.randrange(8)
            case 1:
                del data[place : place + random.randint(1, 8)]
            case 2:
                data[place:place] = random.randbytes(random.randint(1, 8))
            case _:
                data += data[:place]
    return bytes(data[:4096])


@pytest.mark.parametrize("name", TARGETS)
def test_only_the_errors_that_are_named_come_out(name: str) -> None:
    target = TARGETS[name]
    random = dice.Random(f"onionchat {name}")
    for seed in (*target.seeds, *kept(name), b"", b"\0", b"\xff" * 64):
        target.feed(seed)
    for _ in range(ROUNDS.get(name, 1500)):
        target.feed(mutated(random, random.choice(target.seeds)))
        target.feed(random.randbytes(random.randint(0, 200)))


@pytest.mark.parametrize("name", sorted(set(TARGETS) - {"channel", "vault", "text", "api_answer"}))
def test_the_seeds_are_good_inputs(name: str) -> None:
    """Else the targets would be fed with nothing but noise."""
    TARGETS[name].run(TARGETS[name].seeds[0])
