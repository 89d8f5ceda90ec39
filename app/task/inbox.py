"""The inbox: what waits for someone, what they could take, and what they have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from app.db.paging import Sort, check_window, decode_cursor, encode_cursor, listed_of
from app.db.schema import tasks as t
from app.db.tx import Database, Tx
from app.errors import Malformed
from app.identity.actor import Actor
from app.task.present import body
from app.task.select import held_by, listed, offered_to, search

COUNT_CAP: Final = 1000
"""Counts beside tabs stop here: nobody reads a longer one, and it stays cheap."""

Tab = Literal["todo", "done"]
Order = Literal["newest", "oldest", "due", "priority"]

ORDERS: Final[Mapping[str, Sort]] = {
    "newest": Sort(t.c.id, t.c.id, int, "id", descending=True),
    "oldest": Sort(t.c.id, t.c.id, int, "id"),
    "due": Sort(t.c.due_at, t.c.id, datetime, "due_at", nullable=True),
    "priority": Sort(t.c.priority, t.c.id, int, "priority", descending=True),
}
_DONE: Final = Sort(t.c.completed_at, t.c.id, datetime, "completed_at", descending=True)
_MINE: Final = 0
_CLAIMABLE: Final = 1


@dataclass(frozen=True, slots=True)
class InboxPage:
    """One page of a tab.

    Args:
        items: task bodies; ``mine`` tells the own ones, which come first, from those
            that could be claimed.
        next: cursor of what follows; None at the end.
        counts: ``mine``, ``claimable`` and ``done``, each at most ``COUNT_CAP``.
    """

    items: Sequence[dict[str, Any]]
    next: str | None
    counts: Mapping[str, int]


def inbox(
    db: Database,
    actor: Actor,
    tab: Tab,
    *,
    q: str | None = None,
    after: str | None = None,
    size: int = 50,
    order: Order = "newest",
    now: datetime,
) -> InboxPage:
    """Return a page of the actor's inbox.

    Args:
        q: part of the title, the business key or the step's name.
        after: cursor of the page before.
        order: of the tab To do; Done shows the latest completion first.

    Raises:
        Malformed: an unknown tab or order, a size out of range, a foreign cursor.
    """
    check_window(1, size)
    if tab not in ("todo", "done") or order not in ORDERS:
        raise Malformed("bad_tab", "tab is todo or done; sort is newest, oldest, due or priority.")
    with db.transaction() as tx:
        if tab == "done":
            rows, follow = _done(tx, actor, q, after, size)
        else:
            rows, follow = _todo(tx, actor, q, after, size, ORDERS[order])
        counts = _counts(tx, actor)
    return InboxPage([body(row, actor, now=now) for row in rows], follow, counts)


def badge(db: Database, actor: Actor) -> int:
    """Return how many tasks wait for the actor, own and claimable, at most ``COUNT_CAP``."""
    with db.transaction() as tx:
        query = sa.select(
            sa.select(_capped(held_by(actor.username))).scalar_subquery()
            + sa.select(_capped(offered_to(actor))).scalar_subquery()
        )
        return min(COUNT_CAP, int(tx.conn.execute(query).scalar_one()))


def _todo(
    tx: Tx, actor: Actor, q: str | None, after: str | None, size: int, sort: Sort
) -> tuple[list[dict[str, Any]], str | None]:
    part, position = _MINE, None
    if after:
        part, *position = decode_cursor(after, int, sort.kind, int, nullable=sort.nullable)
    rows: list[tuple[int, dict[str, Any]]] = []
    for current, condition in ((_MINE, held_by(actor.username)), (_CLAIMABLE, offered_to(actor))):
        if current < part or len(rows) > size:
            continue
        query = search(listed().where(condition), q)
        if position and current == part:
            query = query.where(sort.after(position))
        rows.extend((current, row) for row in _rows(tx, query, sort, size + 1 - len(rows)))
    shown = rows[:size]
    if len(rows) <= size:
        return [row for _, row in shown], None
    last_part, last = shown[-1]
    return [row for _, row in shown], encode_cursor(last_part, *sort.position(last))


def _done(
    tx: Tx, actor: Actor, q: str | None, after: str | None, size: int
) -> tuple[list[dict[str, Any]], str | None]:
    query = search(listed().where(t.c.completed_by == actor.username), q)
    if after:
        query = query.where(_DONE.after(_DONE.read(after)))
    rows = _rows(tx, query, _DONE, size + 1)
    shown = rows[:size]
    more = encode_cursor(*_DONE.position(shown[-1])) if len(rows) > size else None
    return shown, more


def _rows(tx: Tx, query: sa.Select[Any], sort: Sort, limit: int) -> list[dict[str, Any]]:
    """Return the first rows; which ones is found before anything else is read of them."""
    window = query.with_only_columns(t.c.id, maintain_column_froms=True)
    window = window.order_by(*sort.order()).limit(limit)
    return [dict(row) for row in tx.conn.execute(listed_of(listed(), sort, window)).mappings()]


def _counts(tx: Tx, actor: Actor) -> dict[str, int]:
    query = sa.select(
        sa.select(_capped(held_by(actor.username))).scalar_subquery().label("mine"),
        sa.select(_capped(offered_to(actor))).scalar_subquery().label("claimable"),
        sa.select(_capped(t.c.completed_by == actor.username)).scalar_subquery().label("done"),
    )
    return dict(tx.conn.execute(query).mappings().one())


def _capped(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    some = sa.select(sa.literal(1).label("one")).select_from(t).where(condition).limit(COUNT_CAP)
    return sa.select(sa.func.count()).select_from(some.subquery()).scalar_subquery()
