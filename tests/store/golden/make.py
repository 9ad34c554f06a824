"""Makes the golden database of a schema, once, before its release: `python -m tests.store.golden.make`.

It is never made again: later versions must open the file that an earlier one wrote.
"""

from pathlib import Path

from onionchat.kinds.chat import Edit, Reaction, Text
from onionchat.store.db import SCHEMA_VERSION
from tests.store.stores import KEY, NOW, World

GOLDEN = Path(__file__).parent / "001.db"
GOLDEN_KEY = KEY
TEXTS = ["golden words", "an answer, edited", None]


def make(path: Path) -> None:
    """Two messages, an edit, a reaction, a forgotten text."""
    world = World(str(path), seed=41)
    log = world.log()
    world.say(Text("golden words"), NOW)
    answer = log.write(Text("an answer"), NOW + 1)
    world.take([answer, log.write(Edit(answer.id, "an answer, edited"), NOW + 2)])
    world.say(Reaction(answer.id, "👍"), NOW + 3)
    gone = world.say(Text("to be forgotten"), NOW + 4)
    from onionchat.kinds.account import Forget

    world.say(Forget(world.direct, gone.log, ((gone.seq, gone.seq),)), NOW + 5, world.self_id)
    world.c.execute("PRAGMA journal_mode=DELETE")
    world.c.close()


if __name__ == "__main__":
    path = Path(__file__).parent / f"{SCHEMA_VERSION:03}.db"
    if path.exists():
        raise SystemExit(f"{path} is there already, and stays as it is")
    make(path)
