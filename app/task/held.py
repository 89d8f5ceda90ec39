"""Tasks that are somebody's own, found by who has them.

An index of dates or of all ids would be read through to its end where few of them fit. And
whether a substitute decides a task is asked of as few as fill a page: to ask it of each costs
more than all else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.paging import Sort, whole
from app.db.schema import tasks as t
from app.db.tx import Tx
from app.identity.actor import Actor
from app.identity.seats import own_seats
from app.task.select import listed

_SOME: Final = 1_000
_COLUMNS: Final = (t.c.id, t.c.state, t.c.assignee, t.c.instance_id, t.c.definition_id)


def rows(
    tx: Tx,
    actor: Actor,
    query: sa.Select[Any],
    sort: Sort,
    limit: int,
    position: Sequence[Any] | None,
    *,
    at_once: bool,
) -> list[dict[str, Any]]:
    """Return the first tasks that are the actor's, or theirs for whom they stand in.

    Args:
        query: of the live tasks that fit, whoever has them.
        position: value and id of the last row before; None: from the first on.
        at_once: all of theirs are read and put in order; else those of each person in the
            order that the index of who has them gives, which is that of the ids.
    """
    people = sorted({actor.username, *(one.person for one in actor.stands_in)})
    names = sa.bindparam("people", people, type_=ARRAY(sa.Text))
    if at_once:
        theirs = query.where(t.c.assignee == sa.any_(names))
        return in_order(tx, theirs, sort, limit, position, actor=actor)
    who = sa.select(sa.func.unnest(names).label("person")).subquery("who")
    found: list[dict[str, Any]] = []
    for behind in sort.behind(position):
        most = limit - len(found)
        near = query.with_only_columns(*_columns(sort), maintain_column_froms=True)
        mine = near.where(t.c.assignee == who.c.person, behind)
        if actor.stands_in:  # else PostgreSQL would know the name, and take another index
            mine = mine.where(own_seats(actor))
        one = mine.order_by(*sort.order()).limit(most).lateral("mine")
        both = sa.select(one.c.id).select_from(who.join(one, sa.true()))
        found += _read(tx, sort, both.order_by(*sort.order(one)).limit(most))
        if len(found) == limit:
            break
    return found


def in_order(
    tx: Tx,
    query: sa.Select[Any],
    sort: Sort,
    limit: int,
    position: Sequence[Any] | None,
    *,
    actor: Actor | None = None,
) -> list[dict[str, Any]]:
    """Return the first tasks of a query: all of them are found before they are put in order.

    Args:
        actor: only those that they decide.
    """
    found: list[dict[str, Any]] = []
    for behind in sort.behind(position):
        near = query.with_only_columns(*_columns(sort), maintain_column_froms=True).where(behind)
        all_ = near.cte("theirs").prefix_with("materialized")
        each = sa.select(all_).order_by(*sort.order(all_)).subquery("mine")
        window = sa.select(each.c.id).limit(limit - len(found))
        if actor is not None:
            window = window.where(own_seats(actor, each))
        found += _read(tx, sort, window)
        if len(found) == limit:
            break
    return found


def are_rare(tx: Tx, query: sa.Select[Any], among: sa.Select[Any]) -> bool:
    """Say whether few tasks fit: an order is not to be walked then until there is a page of them.

    Some of the oldest tell.

    Args:
        query: of tasks that fit.
        among: of those that may be listed; only its conditions count.
    """
    ids = among.with_only_columns(t.c.id, maintain_column_froms=True)
    some = ids.order_by(t.c.id).limit(sa.literal_column(str(_SOME)))
    near = some.cte("some").prefix_with("materialized")
    fit = query.where(t.c.id.in_(sa.select(near.c.id)))
    seen, count = sa.select(sa.func.count()).select_from(near), sa.func.count()
    found = fit.with_only_columns(count, maintain_column_froms=True)
    looked_at, fits = tx.conn.execute(
        sa.select(seen.scalar_subquery(), found.scalar_subquery())
    ).one()
    return bool(looked_at == _SOME and fits < _SOME / 50)


def _columns(sort: Sort) -> Iterable[sa.ColumnElement[Any]]:
    return dict.fromkeys((*_COLUMNS, t.c.created_at, sort.column))


def _read(tx: Tx, sort: Sort, window: sa.Select[Any]) -> list[dict[str, Any]]:
    found = tx.conn.execute(whole(listed(), sort, window)).mappings()
    return [dict(row) for row in found]
