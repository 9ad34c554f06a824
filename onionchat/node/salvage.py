"""Reading what is readable of a damaged database: every row whose pages are whole, and how many are not."""

from collections.abc import Callable, Iterator
from typing import Any

from onionchat.store.db import Connection, DatabaseError

_CHUNK = 1024
_UNKNOWN_MAX = 2**20
"""How many numbers are tried where the table does not even say which one is its last."""

Row = tuple[Any, ...]


def rows_by_number(c: Connection, table: str, columns: str, lose: Callable[[int], None]) -> Iterator[Row]:
    """The rows of a table with the primary key `n`; numbers that cannot be read are given to `lose`.

    A range that fails is halved until what is damaged stands alone, so nothing readable beside it is lost.
    """
    last = _last_number(c, table)
    for first in range(1, last + 1, _CHUNK):
        yield from _range(c, table, columns, first, min(first + _CHUNK - 1, last), lose)


def _range(
    c: Connection, table: str, columns: str, first: int, last: int, lose: Callable[[int], None]
) -> Iterator[Row]:
    try:
        yield from c.execute(
            f"SELECT {columns} FROM {table} WHERE n BETWEEN ? AND ?",  # noqa: S608
            (first, last),
        ).fetchall()
        return
    except DatabaseError:
        if first == last:
            lose(1)
            return
    middle = (first + last) // 2
    yield from _range(c, table, columns, first, middle, lose)
    yield from _range(c, table, columns, middle + 1, last, lose)


def _last_number(c: Connection, table: str) -> int:
    known = False
    last = 0
    for query, values in (
        (f"SELECT max(n) FROM {table}", ()),  # noqa: S608
        ("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", (table,)),
    ):
        try:
            (found,) = c.execute(query, values).fetchone()
        except DatabaseError:
            continue
        known, last = True, max(last, found or 0)
    return last if known else _UNKNOWN_MAX


def rows_from_both_ends(
    c: Connection, table: str, columns: str, order: str, lose: Callable[[int], None]
) -> Iterator[Row]:
    """The rows of a table in the order of its primary key, up to the damage; then from the other end.

    A row may come twice. `lose` is told 1 for a damaged place, since rows that cannot be read cannot be counted.
    """
    backwards = ", ".join(f"{column.strip()} DESC" for column in order.split(","))
    for direction in (order, backwards):
        cursor = None
        try:
            cursor = c.execute(f"SELECT {columns} FROM {table} ORDER BY {direction}")  # noqa: S608
            while (row := cursor.fetchone()) is not None:
                yield row
            return
        except DatabaseError:
            if direction == order:
                lose(1)
        finally:
            if cursor is not None:
                cursor.close()
