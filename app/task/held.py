"""Tasks that are somebody's own, found by who has them.

An index of dates or of all ids would be read through to its end where few of them fit. And
whether a substitute decides a task is asked of as few as fill a page: to ask it of each costs
more than all else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.paging import Sort, whole
from app.db.schema import tasks as t
from app.db.tx import Tx
from app.identity.actor import Actor
from app.identity.seats import own_seats
from app.task.select import listed

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
    columns = dict.fromkeys((*_COLUMNS, t.c.created_at, sort.column))
    found: list[dict[str, Any]] = []
    for behind in sort.behind(position):
        near = query.with_only_columns(*columns, maintain_column_froms=True).where(behind)
        most = limit - len(found)
        if at_once:
            theirs = near.where(t.c.assignee == sa.any_(names)).cte("theirs")
            mine = sa.select(theirs.prefix_with("materialized")).order_by(*sort.order(theirs))
            each = mine.subquery("mine")
            window = sa.select(each.c.id).where(own_seats(actor, each)).limit(most)
        else:
            who = sa.select(sa.func.unnest(names).label("person")).subquery("who")
            mine = near.where(t.c.assignee == who.c.person, own_seats(actor))
            one = mine.order_by(*sort.order()).limit(most).lateral("mine")
            both = sa.select(one.c.id).select_from(who.join(one, sa.true()))
            window = both.order_by(*sort.order(one)).limit(most)
        found += map(dict, tx.conn.execute(whole(listed(), sort, window)).mappings())
        if len(found) == limit:
            break
    return found
