"""Hand-written SQL straight to PostgreSQL: prepared, and several statements in one trip.

The pipeline mode of libpq, by way of ``psycopg.pq``: ``begin`` travels with the first
statement of a transaction and ``commit`` with the last, and what is written between is one
message to the server and one answer. That, and that nothing but what we use is looked up for
each statement, makes it several times as quick as a cursor.
"""

from __future__ import annotations

import re
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

from app.db.wire_values import Dump, how, sized

Statement = tuple[str, Mapping[str, Any] | None]
"""SQL with ``%(name)s`` for its parameters, and these."""

_PLACE: Final = re.compile(r"%(?:\((\w+)\)s|%)")
_KEPT: Final = 400
"""Prepared statements of a connection; beyond, all are forgotten and prepared anew."""
_DONE, _ROWS = pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK
_GOOD: Final = (_DONE, _ROWS, pq.ExecStatus.EMPTY_QUERY)

_Key = tuple[str, tuple[int, ...]]
"""What is prepared under one name: the SQL, and the types of its parameters."""
_Ready = tuple[_Key, Sequence[bytes | None]]
# psycopg deallocates all after a rollback of its own; a migration changes what is returned.
_STALE: Final = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported)
_BEGIN: Final[_Ready] = (("begin", ()), ())
_COMMIT: Final[_Ready] = (("commit", ()), ())


class Answer:
    """What a statement gave: rows as dicts, in their order.

    Args:
        rowcount: rows that were returned, or else written.
    """

    __slots__ = ("_next", "rowcount", "rows")

    def __init__(self, rows: list[dict[str, Any]], rowcount: int) -> None:
        self.rows = rows
        self.rowcount = rowcount
        self._next = 0

    def fetchone(self) -> dict[str, Any] | None:
        """Return the next row, or None."""
        if self._next >= len(self.rows):
            return None
        self._next += 1
        return self.rows[self._next - 1]

    def fetchall(self) -> list[dict[str, Any]]:
        """Return the rows that were not fetched yet."""
        rest = self.rows[self._next :] if self._next else self.rows
        self._next = len(self.rows)
        return rest

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Go through the rows that were not fetched yet."""
        return iter(self.fetchall())


class Wire:
    """One connection's way to send statements; it stays with the connection.

    Args:
        driver: nothing else may be under way on it.
    """

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self.driver = driver
        self._pg = driver.pgconn
        self._names: dict[_Key, bytes] = {}
        self._readers: dict[_Key, Callable[[pq.abc.PGresult], list[dict[str, Any]]]] = {}
        self._numbers = count()
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)

    @property
    def idle(self) -> bool:
        """Say whether no transaction is open."""
        return self._pg.transaction_status == pq.TransactionStatus.IDLE

    def send(
        self, statements: Sequence[Statement], *, begin: bool = False, commit: bool = False
    ) -> list[Answer]:
        """Run statements in their order; the first that fails ends it.

        Args:
            begin: open a transaction before the first. If none is open the statements are
                one by themselves: all of them are done, or none.
            commit: commit it after the last.

        Raises:
            psycopg.Error: one failed; what is open is to be rolled back.
            TypeError: a parameter that no column can hold; nothing was sent.
        """
        ready = [_ready(sql, params) for sql, params in statements]
        first = 0
        if begin:
            ready.insert(0, _BEGIN)
            first = 1
        if commit:
            ready.append(_COMMIT)
        if len(self._names) > _KEPT:
            self._deallocate()
        try:
            answers = self._send(ready)
        except _STALE:
            self.forget()
            if not (begin or self.idle):
                raise
            self.roll_back()  # nothing is done: once more, prepared anew
            answers = self._send(ready)
        return answers[first : first + len(statements)] if begin or commit else answers

    def roll_back(self) -> None:
        """Undo what is open, if anything is."""
        if not self.idle:
            self.script("rollback")

    def forget(self) -> None:
        """Prepare everything anew: somebody has told PostgreSQL to deallocate all."""
        self._names.clear()
        self._readers.clear()

    def script(self, sql: str) -> None:
        """Run several statements that have no parameters; what they return is dropped."""
        self._pg.send_query(sql.encode())
        self._flush()
        error: psycopg.Error | None = None
        while True:
            self._await()
            result = self._pg.get_result()
            if result is None:
                break
            if result.status not in _GOOD:
                error = error or self._error(result)
        if error is not None:
            raise error

    def _send(self, ready: Sequence[_Ready]) -> list[Answer]:
        names, pg = self._names, self._pg
        new: dict[_Key, bytes] = {}
        asked: list[tuple[_Key, bool]] = []
        pg.enter_pipeline_mode()
        try:
            for key, values in ready:
                name = names.get(key) or new.get(key)
                if name is None:
                    name = new[key] = b"w%d" % next(self._numbers)
                    pg.send_prepare(name, _parsed(key[0])[0], key[1])
                    asked.append((key, True))
                pg.send_query_prepared(name, values)
                asked.append((key, False))
            pg.pipeline_sync()
            self._flush()
            return self._answers(asked, new)
        finally:
            if pg.status == pq.ConnStatus.OK:
                pg.exit_pipeline_mode()

    def _flush(self) -> None:
        """Send all; what the server has to say meanwhile is read, lest both wait."""
        while self._pg.flush():
            self._poll.modify(self._pg.socket, select.POLLIN | select.POLLOUT)
            try:
                ready = self._poll.poll()
            finally:
                self._poll.modify(self._pg.socket, select.POLLIN)
            if any(event & select.POLLIN for _, event in ready):
                self._pg.consume_input()

    def _await(self) -> None:
        """Wait for the next result, without keeping other threads from running."""
        while self._pg.is_busy():
            self._poll.poll()
            self._pg.consume_input()

    def _answers(
        self, asked: Sequence[tuple[_Key, bool]], new: Mapping[_Key, bytes]
    ) -> list[Answer]:
        """Fetch what came of each, to the very end, whatever happens on the way."""
        answers: list[Answer] = []
        error: psycopg.Error | None = None
        is_busy, get = self._pg.is_busy, self._pg.get_result
        for key, prepared in asked:
            if is_busy():
                self._await()
            result = get()
            if result is None:
                raise self._lost()
            status = result.status
            if status == _ROWS:
                try:
                    answers.append(Answer(self._rows(key, result), result.command_tuples or 0))
                except psycopg.Error as unreadable:  # a time before the first year, say
                    error = error or unreadable
            elif status not in _GOOD:
                error = error or self._error(result)
            elif prepared:
                self._names[key] = new[key]
            else:
                answers.append(Answer([], result.command_tuples or 0))
            if is_busy():
                self._await()
            get()  # None: the end of this one
        if is_busy():
            self._await()
        synced = get()
        if error is not None:
            raise error
        if synced is None or synced.status != pq.ExecStatus.PIPELINE_SYNC:
            raise self._lost()
        return answers

    def _rows(self, key: _Key, result: pq.abc.PGresult) -> list[dict[str, Any]]:
        read = self._readers.get(key)
        if read is None:
            read = self._readers[key] = _reader(self.driver, result)
        return read(result)

    def _error(self, result: pq.abc.PGresult) -> psycopg.Error:
        if self._pg.status != pq.ConnStatus.OK:
            return self._lost()
        return error_from_result(result, encoding=self.driver.info.encoding)

    def _lost(self) -> psycopg.Error:
        said = self._pg.get_error_message() if self._pg.status != pq.ConnStatus.OK else ""
        return psycopg.OperationalError(said or "the connection gave no answer")

    def _deallocate(self) -> None:
        self.script(";".join(f"deallocate {name.decode()}" for name in self._names.values()))
        self.forget()


def _reader(
    driver: psycopg.Connection[Any], like: pq.abc.PGresult
) -> Callable[[pq.abc.PGresult], list[dict[str, Any]]]:
    """Return what makes dicts of the results of a statement, by one of them."""
    names = [(like.fname(place) or b"").decode() for place in range(like.nfields)]
    loading = Transformer(driver)
    loading.set_pgresult(like)

    def row(values: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(names, values, strict=True))

    def read(result: pq.abc.PGresult) -> list[dict[str, Any]]:
        loading.set_pgresult(result, set_loaders=False)
        rows = loading.load_rows(0, result.ntuples, row)
        loading.set_pgresult(None, set_loaders=False)  # its memory is not kept
        return rows

    return read


@lru_cache(maxsize=4096)
def _parsed(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the SQL with ``$1`` for its parameters, and their names in that order."""
    places: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "%"
        return f"${places.setdefault(name, len(places) + 1)}"

    return _PLACE.sub(number, sql).encode(), tuple(places)


@lru_cache(maxsize=4096)
def _shape(sql: str, *kinds: type) -> tuple[_Key, tuple[Dump | None, ...]]:
    """Return what is prepared for parameters of these types, and what writes each."""
    written = [how(kind) for kind in kinds]
    return (sql, tuple(oid for oid, _ in written)), tuple(dump for _, dump in written)


def _ready(sql: str, params: Mapping[str, Any] | None) -> _Ready:
    """Return what is to be prepared, and the values as they are sent."""
    if params is None:
        return (sql, ()), ()
    values = [params[name] for name in _parsed(sql)[1]]
    try:
        return _written(sql, values)
    except OverflowError:
        return _written(sql, [sized(value) for value in values])


def _written(sql: str, values: Sequence[Any]) -> _Ready:
    key, dumps = _shape(sql, *map(type, values))
    return key, [
        None if dump is None else dump(value) for dump, value in zip(dumps, values, strict=True)
    ]


def forget(conn: sa.Connection) -> None:
    """Tell the wire of a connection that SQLAlchemy rolls back; see ``Wire.forget``."""
    known = None if conn.invalidated else conn.info.get("wire")
    if isinstance(known, Wire):
        known.forget()


def wire_of(connection: sa.PoolProxiedConnection) -> Wire:
    """Return the wire that stays with a connection of the pool."""
    driver = connection.driver_connection
    known = connection.info.get("wire")
    if isinstance(known, Wire) and known.driver is driver:
        return known
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("the pool holds connections of another driver")
    made = connection.info["wire"] = Wire(driver)
    return made
