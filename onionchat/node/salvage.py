"""Reading what is readable of a damaged database: every row whose pages are whole, and how many are not."""

from collections.abc import Callable, Iterator
from typing import Any

from onionchat.store.db import Connection, DatabaseError

_CHUNK = 1024
_UNKNOWN_MAX = 2**20
"""How many numbers are tried where the table does not even say which one is its last."""

Row = tuple[Any, ...]


class Damaged:
    """A database that may fail anywhere; reopened each time, for SQLCipher gives nothing more after a damaged page.

    `c` is the caller's, and stays open; those that `reopen` makes are closed by `close`.
    """

    def __init__(self, c: Connection, reopen: Callable[[], Connection]) -> None:
        self._given = self._c = c
        self._reopen = reopen

    def fetch(self, query: str, values: tuple[object, ...] = ()) -> list[Row]:
        """All rows of a query. DatabaseError when any of them cannot be read."""
        try:
            return self._c.execute(query, values).fetchall()
        except DatabaseError:
            self._renew()
            raise

    def stream(self, query: str) -> Iterator[Row]:
        """The rows of a query, up to a DatabaseError."""
        try:
            cursor = self._c.execute(query)
            while (row := cursor.fetchone()) is not None:
                yield row
        except DatabaseError:
            self._renew()
            raise

    def _renew(self) -> None:
        self.close()
        self._c = self._reopen()

    def close(self) -> None:
        """Close what was reopened."""
        if self._c is not self._given:
            self._c.close()


def rows_by_number(source: Damaged, table: str, columns: str, lose: Callable[[int], None]) -> Iterator[Row]:
    """The rows of a table with the primary key `n`; numbers that cannot be read are given to `lose`.

    A range that fails is halved until what is damaged stands alone, so nothing readable beside it is lost.
    """
    last = _last_number(source, table)
    query = f"SELECT {columns} FROM {table} WHERE n BETWEEN ? AND ?"  # noqa: S608
    for first in range(1, last + 1, _CHUNK):
        yield from _range(source, query, first, min(first + _CHUNK - 1, last), lose)


def _range(source: Damaged, query: str, first: int, last: int, lose: Callable[[int], None]) -> Iterator[Row]:
    try:
        yield from source.fetch(query, (first, last))
        return
    except DatabaseError:
        if first == last:
            lose(1)
            return
    middle = (first + last) // 2
    yield from _range(source, query, first, middle, lose)
    yield from _range(source, query, middle + 1, last, lose)


def _last_number(source: Damaged, table: str) -> int:
    known = False
    last = 0
    queries: tuple[tuple[str, tuple[object, ...]], ...] = (
        (f"SELECT max(n) FROM {table}", ()),  # noqa: S608
        ("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", (table,)),
    )
    for query, values in queries:
        try:
            ((found,),) = source.fetch(query, values)
        except DatabaseError:
            continue
        known, last = True, max(last, found or 0)
    return last if known else _UNKNOWN_MAX


def rows_from_both_ends(
    source: Damaged, table: str, columns: str, order: str, lose: Callable[[int], None]
) -> Iterator[Row]:
    """The rows of a table in the order of its primary key, up to the damage; then from the other end.

    A row may come twice. `lose` is told 1 for a damaged place, since rows that cannot be read cannot be counted.
    """
    backwards = ", ".join(f"{column.strip()} DESC" for column in order.split(","))
    for direction in (order, backwards):
        try:
            yield from source.stream(f"SELECT {columns} FROM {table} ORDER BY {direction}")  # noqa: S608
            return
        except DatabaseError:
            if direction == order:
                lose(1)
