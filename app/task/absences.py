"""Reading absences: one's own, those in which one is the substitute, and, for managers, all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from app.core.definition import Label
from app.db.paging import Page, Sort, paged
from app.db.schema_absence import absences as a
from app.db.tx import Database, Tx
from app.errors import NotFound
from app.identity.actor import Actor
from app.identity.store import actor_of
from app.task.choices import choices
from app.task.person import someone

Row = dict[str, Any]

MANAGE: Final = "task:assign"
"""The permission of those who say it for others."""
ME: Final = frozenset({"current_user", "me"})
_ONE: Final = "select * from absences where id = %(id)s"
_NOW: Final = """
select * from absences
 where username = %(user)s and ended_at is null and starts_at <= %(now)s and ends_at > %(now)s
 order by ends_at desc
"""
_NEWEST: Final = Sort(a.c.id, a.c.id, int, "id", descending=True)


def get(db: Database, actor: Actor, absence_id: int, *, now: datetime) -> Row:
    """Return an absence.

    Raises:
        NotFound: there is none, or the actor has no part in it.
    """
    with db.transaction() as tx:
        return body(seen(tx, actor, absence_id), now)


def list_(
    db: Database,
    actor: Actor,
    *,
    user: str | None = None,
    substitute: str | None = None,
    over: bool | None = None,
    page: int = 1,
    size: int = 20,
    after: str | None = None,
    now: datetime,
) -> Page[Row]:
    """List absences, the newest first: those that the actor has a part in, or as asked for.

    Args:
        user, substitute: usernames, or ``current_user``; without either it is the actor's
            own ones and those in which they are the substitute.
        over: only those that are over, or that are not; None: both.

    Raises:
        Malformed: page, size or cursor out of range.
    """
    mine = sa.or_(a.c.username == actor.username, a.c.substitute == actor.username)
    named = [
        column == (actor.username if name in ME else name)
        for column, name in ((a.c.username, user), (a.c.substitute, substitute))
        if name is not None
    ]
    query = sa.select(a.c.id).where(*named)
    if not named or not actor.can(MANAGE):
        query = query.where(mine)
    if over is not None:
        is_over = sa.or_(a.c.ended_at.is_not(None), a.c.ends_at <= now)
        query = query.where(is_over if over else sa.not_(is_over))
    with db.transaction() as tx:
        return paged(
            tx,
            query,
            _NEWEST,
            lambda row: body(row, now),
            listed=sa.select(a),
            page=page,
            size=size,
            after=after,
        )


def current(db: Database, actor: Actor, *, now: datetime) -> list[Row]:
    """Return the actor's own absences of this moment; nothing is asked for who has none."""
    if actor.away_until is None or actor.away_until <= now:
        return []
    with db.transaction() as tx:
        rows = tx.run(_NOW, {"user": actor.username, "now": now}).fetchall()
    return [body(row, now) for row in rows]


def processes(db: Database, actor: Actor, user: str | None = None) -> list[tuple[str, Label]]:
    """Return key and name of the processes that a person has, or has had, tasks of.

    Args:
        user: username; None, or without the right to say it for them: the actor.
    """
    who = actor
    if user and user != actor.username and actor.can(MANAGE):
        with db.transaction() as tx:
            who = actor_of(someone(tx, user, field="user"))
    found: dict[str, Label] = {}
    for tab in ("todo", "done"):
        for key, name in choices(db, who, tab).processes:
            found.setdefault(key, name)
    return list(found.items())


def seen(tx: Tx, actor: Actor, absence_id: int) -> Row:
    """Return the row of an absence.

    Raises:
        NotFound: there is none, or the actor has no part in it.
    """
    row = tx.run(_ONE, {"id": absence_id}).fetchone()
    if row is None or not (
        actor.can(MANAGE) or actor.username in (row["username"], row["substitute"])
    ):
        raise NotFound("absence_not_found", "There is no such absence.")
    return row


def state(row: Mapping[str, Any], now: datetime) -> str:
    """Say whether an absence is ``planned``, ``away`` or ``over``."""
    if row["ended_at"] is not None or row["ends_at"] <= now:
        return "over"
    return "away" if row["starts_at"] <= now else "planned"


def body(row: Mapping[str, Any], now: datetime) -> Row:
    """Return what is public of an absence; see ``absence.set_``."""
    return {
        "id": row["id"],
        "user": row["username"],
        "substitute": row["substitute"],
        "from": row["starts_at"],
        "until": row["ends_at"],
        "definitions": row["definitions"],
        "open_tasks": row["open_tasks"],
        "state": state(row, now),
        "created_by": row["created_by"],
        "created_at": row["created_at"],
        "ended_at": row["ended_at"],
    }
