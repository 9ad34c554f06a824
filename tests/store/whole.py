"""Whether a database is whole, and which step of the scripted history it stands at."""

from onionchat.log.entry import parse_entry
from onionchat.log.log import LogHead, judge_run
from onionchat.store.db import Connection
from onionchat.store.own import load_own
from onionchat.store.reader import StoreReader
from onionchat.store.rows import logs_of
from tests.store.crashing import WORD, steps
from tests.store.stores import World


def dump(c: Connection, upto: int) -> list[tuple[object, ...]]:
    """What holds after so many steps, as the screen has it; and the numbers of the logs."""
    rows = c.execute("SELECT shown, mine, content IS NULL, flags FROM entry ORDER BY n").fetchall()
    return [upto, *rows]  # type: ignore[list-item]


def expected_states() -> list[list[tuple[object, ...]]]:
    """The states between steps, from a run in which nothing happens."""
    world = World()
    states = [dump(world.c, 0)]
    for n, job in enumerate(steps(World()), 1):
        job(world.c)
        states.append(dump(world.c, n))
    return states


def check_whole(c: Connection) -> None:
    assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert c.execute("PRAGMA foreign_key_check").fetchall() == []
    c.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    own = load_own(c)
    reader = StoreReader(c, own)
    for conversation in reader.conversations():
        for row in logs_of(c, conversation):
            raws = reader.read(conversation, row.head.log, 1, row.head.seq, 10**7)
            assert len(raws) == row.head.seq
            assert judge_run(LogHead(row.head.log), [parse_entry(raw) for raw in raws]).new_head.id == row.head.id
    (shown,) = c.execute("SELECT count(*) FROM entry WHERE shown = 1 AND content IS NOT NULL").fetchone()
    (found,) = c.execute("SELECT count(*) FROM words WHERE words MATCH ?", (WORD,)).fetchone()
    assert shown == found
