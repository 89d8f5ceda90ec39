"""Tasks that somebody has transferred: they go on reading them, and find them in Done.

The history tells who has transferred what; an index of those lines alone finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from app.db.schema import history_events as h
from app.db.schema import tasks as t
from app.db.tx import Tx
from app.identity.actor import Actor

_KIND: Final[sa.ColumnElement[str]] = sa.literal_column("'task.transferred'")
_SAID: Final = "(data -> 'lines' -> 0 -> 2 ->> '{}')"


def by(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the condition of a task that the actor has transferred."""
    ids = sa.select(sa.cast(_said("history_events", "task"), sa.BigInteger)).where(
        h.c.actor == actor.username, h.c.kind == _KIND
    )
    return t.c.id.in_(ids)


def rows(
    tx: Tx, actor: Actor, query: sa.Select[Any], limit: int, position: Sequence[Any] | None
) -> list[dict[str, Any]]:
    """Return tasks that the actor transferred and has neither back nor completed, the latest first.

    Args:
        query: of the tasks that fit.
        position: time and id of the last row before; None: from the first on.

    Returns:
        Rows of ``query`` with ``passed_at`` and ``passed_to``, a username.
    """
    later = h.alias("later")
    again = sa.exists().where(
        later.c.instance_id == h.c.instance_id,
        later.c.seq > h.c.seq,
        later.c.actor == actor.username,
        later.c.kind == _KIND,
        _said("later", "task") == _said("history_events", "task"),
    )
    found = (
        query.add_columns(
            h.c.at.label("passed_at"), _said("history_events", "to").label("passed_to")
        )
        .join(h, sa.cast(_said("history_events", "task"), sa.BigInteger) == t.c.id)
        .where(
            h.c.actor == actor.username,
            h.c.kind == _KIND,
            t.c.completed_by.is_distinct_from(actor.username),
            t.c.assignee.is_distinct_from(actor.username),
            ~again,
        )
        .order_by(h.c.at.desc(), t.c.id.desc())
        .limit(limit)
    )
    if position is not None:
        at, task = position
        there = sa.tuple_(sa.literal(at, h.c.at.type), sa.literal(task, t.c.id.type))
        found = found.where(sa.tuple_(h.c.at, t.c.id) < there)
    return [dict(row) for row in tx.conn.execute(found).mappings()]


def _said(table: str, name: str) -> sa.ColumnElement[str]:
    return sa.literal_column(_SAID.format(name).replace("data", f"{table}.data"), sa.Text)
