"""What people were told, and what was copied to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from app.db.paging import Page, Sort, paged
from app.db.schema import process_definitions as d
from app.db.schema import process_instances as i
from app.db.schema import tasks as t
from app.db.schema_notices import copies as c
from app.db.schema_notices import notifications as n
from app.db.tx import Database, Tx
from app.errors import NotFound
from app.identity.actor import Actor
from app.notice import away
from app.notice.store import EVENTS, Choice, Event

Item = dict[str, Any]

COUNT_CAP: Final = 100
"""The badge counts no further: nobody reads a longer number, and it stays cheap."""
_UNREAD: Final = f"""
select count(*) as unread from (select 1 from notifications
 where username = %(me)s and read_at is null limit {COUNT_CAP}) waiting
"""  # noqa: S608 - a number of ours
_NOTES: Final = sa.select(
    *(n.c[name] for name in ("id", "event", "instance_id", "task_id", "actor", "text", "at")),
    n.c.read_at,
    n.c.about,
    t.c.step,
    t.c.name.label("step_name"),
    i.c.title,
).select_from(n.outerjoin(t, t.c.id == n.c.task_id).outerjoin(i, i.c.id == n.c.instance_id))
_COPIES: Final = sa.select(
    *(c.c[name] for name in ("id", "instance_id", "task_id", "step", "actor", "comment", "at")),
    c.c.read_at,
    t.c.name.label("step_name"),
    i.c.title,
    i.c.business_key,
    i.c.status,
    i.c.started_by,
    d.c.key.label("definition_key"),
    d.c.names.label("definition_names"),
).select_from(
    c.join(t, t.c.id == c.c.task_id)
    .join(i, i.c.id == c.c.instance_id)
    .join(d, d.c.id == i.c.definition_id)
)


def notifications(
    db: Database,
    actor: Actor,
    *,
    unread: bool = False,
    page: int = 1,
    size: int = 20,
    after: str | None = None,
) -> Page[Item]:
    """List what the actor was told, the newest first.

    Raises:
        Malformed: page, size or cursor out of range.
    """
    query, newest = _of(n, actor, unread=unread), _newest(n)
    with db.transaction() as tx:
        return paged(tx, query, newest, _note, listed=_NOTES, page=page, size=size, after=after)


def unread(db: Database, actor: Actor) -> int:
    """Return how many notifications the actor has not read, at most ``COUNT_CAP``."""
    with db.transaction() as tx:
        row = tx.only(_UNREAD, {"me": actor.username}).fetchone() or {}
        return int(row["unread"])


def unread_soon(db: Database, actor: Actor) -> Callable[[], int]:
    """Ask for ``unread`` with the next trip of the transaction that is open."""
    with db.transaction() as tx:
        answer = tx.soon(_UNREAD, {"me": actor.username})
    return lambda: int((answer().fetchone() or {})["unread"])


def one(db: Database, actor: Actor, notification_id: int) -> Item:
    """Return one of the actor's notifications.

    Raises:
        NotFound: there is none of this id, or it is not the actor's.
    """
    with db.transaction() as tx:
        row = _single(tx, _NOTES.where(n.c.id == notification_id, n.c.username == actor.username))
    return _note(row)


def copies(
    db: Database,
    actor: Actor,
    *,
    unread: bool = False,
    page: int = 1,
    size: int = 20,
    after: str | None = None,
) -> Page[Item]:
    """List what was copied to the actor, the newest first.

    Raises:
        Malformed: page, size or cursor out of range.
    """
    query = _of(c, actor, unread=unread)
    with db.transaction() as tx:
        return paged(
            tx, query, _newest(c), _copy, listed=_COPIES, page=page, size=size, after=after
        )


def one_copy(db: Database, actor: Actor, copy_id: int) -> Item:
    """Return one of the actor's copies.

    Raises:
        NotFound: there is none of this id, or it is not the actor's.
    """
    with db.transaction() as tx:
        row = _single(tx, _COPIES.where(c.c.id == copy_id, c.c.username == actor.username))
    return _copy(row)


def choices(db: Database, actor: Actor) -> dict[Event, Choice]:
    """Return how the actor wants to be told of each kind of event."""
    with db.transaction() as tx:
        rows = tx.run(
            "select event, choice from notification_choices where username = %(me)s",
            {"me": actor.username},
        ).fetchall()
    made = {row["event"]: row["choice"] for row in rows}
    return {event: made.get(event, "page") for event in EVENTS}


def digest_hour(db: Database, actor: Actor) -> int:
    """Return at which hour, in the actor's time zone, the mail of the day comes."""
    with db.transaction() as tx:
        asked = {"id": actor.id}
        row = tx.only("select digest_hour from users where id = %(id)s", asked).fetchone()
        return int((row or {"digest_hour": 8})["digest_hour"])


def _of(table: sa.Table, actor: Actor, *, unread: bool) -> sa.Select[Any]:
    """Return the query of the ids of what is the actor's in a table, or of what is new of it."""
    query = sa.select(table.c.id).where(table.c.username == actor.username)
    return query.where(table.c.read_at.is_(None)) if unread else query


def _newest(table: sa.Table) -> Sort:
    return Sort(table.c.id, table.c.id, int, "id", descending=True)


def _single(tx: Tx, query: sa.Select[Any]) -> Mapping[str, Any]:
    row = tx.conn.execute(query).mappings().first()
    if row is None:
        raise NotFound("notification_not_found", "There is no such notification.")
    return dict(row)


def _note(row: Mapping[str, Any]) -> Item:
    return {
        "id": row["id"],
        "event": row["event"],
        "process_instance_id": row["instance_id"],
        "task_id": row["task_id"],
        "title": row["title"],
        "step": {"id": row["step"], "name": row["step_name"]} if row["step"] else None,
        "by": row["actor"],
        "text": row["text"],
        "absence": _absence(row["about"]),
        "at": row["at"],
        "read_at": row["read_at"],
    }


def _absence(about: Mapping[str, Any] | None) -> Item | None:
    if about is None:
        return None
    return {**about, **away.times(about)}


def _copy(row: Mapping[str, Any]) -> Item:
    return {
        "id": row["id"],
        "process_instance_id": row["instance_id"],
        "task_id": row["task_id"],
        "title": row["title"],
        "business_key": row["business_key"],
        "definition": {"key": row["definition_key"], "name": row["definition_names"]},
        "instance_status": row["status"],
        "step": {"id": row["step"], "name": row["step_name"]},
        "started_by": row["started_by"],
        "by": row["actor"],
        "comment": row["comment"],
        "at": row["at"],
        "read_at": row["read_at"],
    }
