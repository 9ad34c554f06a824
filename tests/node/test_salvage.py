"""Reading what is readable: nothing is left out beside the damage, and the damage is counted."""

from pathlib import Path

from onionchat.node.salvage import Damaged, rows_by_number, rows_from_both_ends
from onionchat.store.db import connect
from tests.store.stores import KEY

ROWS = 3000


def make(path: Path) -> None:
    c = connect(path, KEY)
    c.execute("CREATE TABLE numbered (n INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT)")
    c.execute("CREATE TABLE keyed (a INTEGER, b INTEGER, text TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID")
    c.execute("BEGIN")
    c.executemany("INSERT INTO numbered VALUES (?, ?)", ((n, f"row {n} " * 9) for n in range(1, ROWS + 1)))
    c.executemany("INSERT INTO keyed VALUES (?, ?, ?)", ((n, -n, f"row {n} " * 9) for n in range(ROWS)))
    c.execute("COMMIT")
    c.close()


def damaged(path: Path, table: str, count: int) -> Damaged:
    """A database in which some leaves of a table are damaged."""
    raw = bytearray(path.read_bytes())
    half = len(raw) // 4096 // 2  # the first half of the file is the first table's, for it was filled first
    leaves = range(6, half - 4) if table == "numbered" else range(half + 6, 2 * half - 4)
    for page in leaves[10 :: max(1, (len(leaves) - 20) // count)][:count]:
        raw[(page - 1) * 4096 + 77] ^= 1
    path.write_bytes(raw)
    return source(path)


def source(path: Path) -> Damaged:
    return Damaged(connect(path, KEY), lambda: connect(path, KEY))


def test_whole_tables_are_read_once_and_in_order(tmp_path: Path) -> None:
    make(tmp_path / "db")
    c = source(tmp_path / "db")
    lost: list[int] = []
    assert [row[0] for row in rows_by_number(c, "numbered", "n", lost.append)] == list(range(1, ROWS + 1))
    assert [row[0] for row in rows_from_both_ends(c, "keyed", "a", "a, b", lost.append)] == list(range(ROWS))
    assert lost == []


def test_only_rows_on_damaged_pages_are_lost(tmp_path: Path) -> None:
    make(tmp_path / "db")
    c = damaged(tmp_path / "db", "numbered", 3)
    lost: list[int] = []
    kept = [row[0] for row in rows_by_number(c, "numbered", "n, text", lost.append)]
    assert kept == sorted(set(kept))
    assert len(kept) + sum(lost) == ROWS
    assert 0 < sum(lost) < 3 * 200


def test_both_ends_of_a_damaged_table_are_read(tmp_path: Path) -> None:
    make(tmp_path / "db")
    c = damaged(tmp_path / "db", "keyed", 1)
    lost: list[int] = []
    kept = {row[0] for row in rows_from_both_ends(c, "keyed", "a, text", "a, b", lost.append)}
    assert lost == [1]
    assert {0, ROWS - 1} <= kept
    assert ROWS - 200 < len(kept) < ROWS


def test_an_empty_table_gives_nothing(tmp_path: Path) -> None:
    c = connect(tmp_path / "db", KEY)
    c.execute("CREATE TABLE numbered (n INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT)")
    c.close()
    empty = source(tmp_path / "db")
    assert list(rows_by_number(empty, "numbered", "n", lambda _: None)) == []
    assert list(rows_from_both_ends(empty, "numbered", "n", "n", lambda _: None)) == []


def test_a_table_that_is_gone_is_told_as_lost(tmp_path: Path) -> None:
    c = source(tmp_path / "db")
    lost: list[int] = []
    assert list(rows_from_both_ends(c, "none", "n", "n", lost.append)) == []
    assert lost == [1]
