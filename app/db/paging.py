"""Lists: pages by number with a capped count, and keyset cursors."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa

from app.db.tx import Tx
from app.errors import Malformed

MAX_SIZE: Final = 200
COUNT_CAP: Final = 10_000
_MAX_PAGE: Final = 1_000_000
_MAX_ID: Final = 2**63 - 1

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list.

    Args:
        page: number of this page, from 1.
        size: how many items a page holds at most.
        total: how many there are; ``COUNT_CAP`` if ``total_is_estimate``.
        pages: number of pages, by ``total``.
        next: cursor of what follows; None at the end.
    """

    items: Sequence[Item]
    page: int
    size: int
    total: int
    total_is_estimate: bool
    pages: int
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """An order that a keyset cursor can continue: a column, then the unique id.

    Args:
        column: what is sorted by.
        id: the unique column that breaks ties; may be ``column`` itself.
        kind: type of the column's values, for the cursor.
        name: label of the column in a row.
        nullable: rows may have no value; they come last, in both directions. Leave it out
            where that can't be: only then an index gives the order downwards.
    """

    column: sa.ColumnElement[Any]
    id: sa.ColumnElement[int]
    kind: type[int] | type[datetime]
    name: str
    descending: bool = False
    nullable: bool = False

    def order(self, among: sa.FromClause | None = None) -> list[sa.ColumnElement[Any]]:
        """Return the ``ORDER BY``.

        Args:
            among: a subquery with columns of the same names, to be sorted instead.
        """
        column = self.column if among is None else among.c[self.name]
        row_id = self.id if among is None else among.c["id"]
        by_id = row_id.desc() if self.descending else row_id.asc()
        if self.column is self.id:
            return [by_id]
        value = column.desc() if self.descending else column.asc()
        return [value.nulls_last() if self.nullable else value, by_id]

    def behind(self, position: Sequence[Any] | None) -> tuple[sa.ColumnElement[bool], ...]:
        """Return the conditions for the rows behind ``position`` (value, id), in their order.

        All rows of the first come before those of the next. Each is one that an index is
        read by from its first row on, however many rows come before; as one condition with
        an "or" it would be read from the beginning.

        Args:
            position: None: from the first row on.
        """
        if position is None:
            return (sa.true(),)
        value, row_id = position
        beyond: sa.ColumnElement[bool] = self.id < row_id if self.descending else self.id > row_id
        if self.column is self.id:
            return (beyond,)
        if value is None:
            return (sa.and_(self.column.is_(None), beyond),)
        here = sa.tuple_(self.column, self.id)
        there = sa.tuple_(sa.literal(value, self.column.type), sa.literal(row_id, self.id.type))
        later: sa.ColumnElement[bool] = here < there if self.descending else here > there
        return (later, self.column.is_(None)) if self.nullable else (later,)

    def read(self, cursor: str) -> tuple[Any, ...]:
        """Return the position that ``encode_cursor(*position)`` was made of.

        Raises:
            Malformed: code ``bad_cursor``.
        """
        return decode_cursor(cursor, self.kind, int, nullable=self.nullable)

    def position(self, row: Mapping[str, Any]) -> tuple[Any, int]:
        """Return where ``row`` stands in this order."""
        return row[self.name], row["id"]


def paged(
    tx: Tx,
    query: sa.Select[Any],
    sort: Sort,
    to_item: Callable[[dict[str, Any]], Item],
    *,
    listed: sa.Select[Any],
    page: int,
    size: int,
    after: str | None = None,
) -> Page[Item]:
    """Return one page of a list, with the count of the whole list.

    The page's ids are found first, by an index and no more tables than the conditions
    need; everything else is read for these few rows only.

    Args:
        query: which rows the list has; only its conditions count.
        to_item: makes an item of a row.
        listed: what a row holds, without conditions.
        after: cursor of the page before; then ``page`` is not looked at.

    Raises:
        Malformed: page, size or cursor out of range.
    """
    check_window(page, size)
    position = None if after is None else sort.read(after)
    skipped = (page - 1) * size if after is None else 0
    total, estimated = count_capped(tx, query)
    rows = first_rows(tx, query, sort, size + 1, listed=listed, position=position, skipped=skipped)
    more = encode_cursor(*sort.position(rows[size - 1])) if len(rows) > size else None
    items = [to_item(row) for row in rows[:size]]
    return Page(items, page, size, total, estimated, -(-total // size), more)


def first_rows(
    tx: Tx,
    query: sa.Select[Any],
    sort: Sort,
    limit: int,
    *,
    listed: sa.Select[Any],
    position: Sequence[Any] | None = None,
    skipped: int = 0,
) -> list[dict[str, Any]]:
    """Return the first rows of a list; which ones is found before anything else of them is read.

    Args:
        query: which rows the list has; only its conditions count.
        listed: what a row holds, without conditions.
        position: the list begins behind it.
        skipped: how many of the first are left out.
    """
    ids = query.with_only_columns(sort.id, maintain_column_froms=True).order_by(*sort.order())
    rows: list[dict[str, Any]] = []
    for behind in sort.behind(position):
        window = ids.where(behind).offset(skipped or None).limit(limit - len(rows))
        found = tx.conn.execute(whole(listed, sort, window)).mappings()
        rows.extend(dict(row) for row in found)
        if len(rows) == limit:
            break
    return rows


def whole(listed: sa.Select[Any], sort: Sort, window: sa.Select[Any]) -> sa.Select[Any]:
    """Return the query of the rows whose ids ``window`` selects, in order.

    Args:
        listed: what a row holds, without conditions.
    """
    ids = window.cte("page").prefix_with("materialized")
    return listed.where(sort.id.in_(sa.select(*ids.c))).order_by(*sort.order())


def count_capped(tx: Tx, query: sa.Select[Any], cap: int = COUNT_CAP) -> tuple[int, bool]:
    """Count the rows of ``query``, but never more than ``cap`` of them.

    Returns:
        The number, and whether there are more than that.
    """
    some = query.with_only_columns(sa.literal(1).label("one"), maintain_column_froms=True)
    limited = some.order_by(None).limit(cap + 1).subquery()
    count = tx.conn.execute(sa.select(sa.func.count()).select_from(limited)).scalar_one()
    return min(count, cap), count > cap


def check_window(page: int, size: int) -> None:
    """Refuse a page or size out of range.

    Raises:
        Malformed: code ``bad_page`` or ``bad_size``.
    """
    if not 1 <= page <= _MAX_PAGE:
        raise Malformed("bad_page", "page must be between 1 and %(max)d.", max=_MAX_PAGE)
    if not 1 <= size <= MAX_SIZE:
        raise Malformed("bad_size", "size must be between 1 and %(max)d.", max=MAX_SIZE)


def encode_cursor(*position: int | str | datetime | None) -> str:
    """Make the opaque cursor of a row from the values that it is sorted by."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in position]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def decode_cursor(
    cursor: str, *kinds: type[int] | type[datetime], nullable: bool = False
) -> tuple[Any, ...]:
    """Read a cursor made by ``encode_cursor``.

    Args:
        kinds: what the parts must be; the last one is the id.
        nullable: the value before the id may be missing.

    Raises:
        Malformed: code ``bad_cursor``: not made by this list.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        parts = json.loads(text)
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise ValueError(cursor)
        missing = len(parts) - 2 if nullable else None
        return tuple(
            None if part is None and place == missing else _part(part, kind)
            for place, (part, kind) in enumerate(zip(parts, kinds, strict=True))
        )
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise Malformed(
            "bad_cursor", "This cursor does not belong to this list; begin at its first page."
        ) from error


def _part(part: Any, kind: type[int] | type[datetime]) -> int | datetime:
    if kind is datetime:
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            raise ValueError(part)
        return moment
    if type(part) is not int or abs(part) > _MAX_ID:
        raise ValueError(part)
    return part


def like(text: str) -> str:
    """Return the ``ILIKE`` pattern for "contains ``text``" (backslash escapes)."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
