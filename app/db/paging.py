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
        column: what is sorted by; rows without a value come last, in both directions.
        id: the unique column that breaks ties.
        kind: type of the column's values, for the cursor.
        name: label of the column in a row.
    """

    column: sa.ColumnElement[Any]
    id: sa.ColumnElement[int]
    kind: type[int] | type[datetime]
    name: str
    descending: bool = False

    def order(self) -> list[sa.ColumnElement[Any]]:
        """Return the ``ORDER BY``."""
        if self.descending:
            return [self.column.desc().nulls_last(), self.id.desc()]
        return [self.column.asc().nulls_last(), self.id.asc()]

    def after(self, position: tuple[Any, ...]) -> sa.ColumnElement[bool]:
        """Return the condition for the rows behind ``position`` (value, id)."""
        value, row_id = position
        beyond = self.id < row_id if self.descending else self.id > row_id
        if value is None:
            return sa.and_(self.column.is_(None), beyond)
        past = self.column < value if self.descending else self.column > value
        tie = sa.and_(self.column == value, beyond)
        return sa.or_(past, tie, self.column.is_(None))

    def position(self, row: Mapping[str, Any]) -> tuple[Any, int]:
        """Return where ``row`` stands in this order."""
        return row[self.name], row["id"]


def paged(
    tx: Tx,
    query: sa.Select[Any],
    sort: Sort,
    to_item: Callable[[dict[str, Any]], Item],
    *,
    page: int,
    size: int,
    after: str | None = None,
) -> Page[Item]:
    """Run ``query`` for one page, with the count of the whole list.

    Args:
        to_item: makes an item of a row.
        after: cursor of the page before; then ``page`` is not looked at.

    Raises:
        Malformed: page, size or cursor out of range.
    """
    check_window(page, size)
    total, estimated = count_capped(tx, query)
    window = query.order_by(*sort.order()).limit(size + 1)
    if after is None:
        window = window.offset((page - 1) * size)
    else:
        window = window.where(sort.after(decode_cursor(after, sort.kind, int)))
    rows = [dict(row) for row in tx.conn.execute(window).mappings()]
    more = encode_cursor(*sort.position(rows[size - 1])) if len(rows) > size else None
    items = [to_item(row) for row in rows[:size]]
    return Page(items, page, size, total, estimated, -(-total // size), more)


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


def decode_cursor(cursor: str, *kinds: type[int] | type[datetime]) -> tuple[Any, ...]:
    """Read a cursor made by ``encode_cursor``; each part may also be None.

    Args:
        kinds: what the parts must be.

    Raises:
        Malformed: code ``bad_cursor``: not made by this list.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        parts = json.loads(text)
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise ValueError(cursor)
        return tuple(_part(part, kind) for part, kind in zip(parts, kinds, strict=True))
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise Malformed(
            "bad_cursor", "This cursor does not belong to this list; begin at its first page."
        ) from error


def _part(part: Any, kind: type[int] | type[datetime]) -> int | datetime | None:
    if part is None:
        return None
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
