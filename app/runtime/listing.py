"""Lists of instances and incidents, the newest first, paged on the primary key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from app.db.paging import Page, check_window, count_capped, decode_cursor, encode_cursor, like
from app.db.schema import incidents as n
from app.db.schema import process_definitions as d
from app.db.schema import process_instances as i
from app.db.schema import tasks as t
from app.db.tx import Database
from app.errors import NotFound
from app.identity.actor import Actor
from app.identity.policy import require
from app.runtime import access
from app.runtime.candidates import by_kind

Item = dict[str, Any]

# Where a live instance stands, for one line of a list: its open tasks.
_STANDING: Final = (
    sa.select(
        sa.func.coalesce(
            sa.func.jsonb_agg(
                sa.func.jsonb_build_object(
                    "id",
                    t.c.step,
                    "name",
                    t.c.name,
                    "assignee",
                    t.c.assignee,
                    "candidates",
                    t.c.candidates,
                )
            ),
            sa.text("'[]'::jsonb"),
        )
    )
    .where(t.c.instance_id == i.c.id, t.c.state.in_(("open", "claimed")))
    .scalar_subquery()
)
_LISTED: Final = sa.select(
    i.c.id,
    i.c.definition_id,
    i.c.business_key,
    i.c.title,
    i.c.status,
    i.c.result,
    i.c.incident_count,
    i.c.started_by,
    i.c.started_at,
    i.c.ended_at,
    d.c.key.label("definition_key"),
    d.c.names.label("definition_names"),
    d.c.version.label("definition_version"),
    _STANDING.label("standing"),
).select_from(i.join(d, d.c.id == i.c.definition_id))


def list_(
    db: Database,
    actor: Actor,
    *,
    status: str | None = None,
    process_definition_id: int | None = None,
    process_definition_key: str | None = None,
    business_key: str | None = None,
    started_by: str | None = None,
    started_after: datetime | None = None,
    started_before: datetime | None = None,
    has_incident: bool | None = None,
    q: str | None = None,
    page: int = 1,
    size: int = 20,
    after: str | None = None,
) -> Page[Item]:
    """List the instances that the actor may see.

    Args:
        q: part of a title or business key.
        after: cursor of the page before; then ``page`` is not looked at.

    Raises:
        Malformed: page, size or cursor out of range.
    """
    query = _LISTED.where(
        *(
            column == wanted
            for column, wanted in (
                (i.c.status, status),
                (i.c.definition_id, process_definition_id),
                (d.c.key, process_definition_key),
                (i.c.business_key, business_key),
                (i.c.started_by, started_by),
            )
            if wanted is not None
        )
    )
    if started_after is not None:
        query = query.where(i.c.started_at >= started_after)
    if started_before is not None:
        query = query.where(i.c.started_at < started_before)
    if has_incident is not None:
        query = query.where(i.c.incident_count > 0 if has_incident else i.c.incident_count == 0)
    if q:
        query = query.where(i.c.title.ilike(like(q)) | i.c.business_key.ilike(like(q)))
    if not actor.can("process:read"):
        query = query.where(_takes_part(actor))
    return _paged(db, query, i.c.id, _summary, page=page, size=size, after=after)


def mine(
    db: Database,
    actor: Actor,
    *,
    status: str | None = None,
    q: str | None = None,
    page: int = 1,
    size: int = 20,
    after: str | None = None,
) -> Page[Item]:
    """List what the actor started."""
    return list_(
        db,
        actor,
        started_by=actor.username,
        status=status,
        q=q,
        page=page,
        size=size,
        after=after,
    )


def incidents(
    db: Database,
    actor: Actor,
    *,
    open: bool = True,
    process_instance_id: int | None = None,
    page: int = 1,
    size: int = 20,
    after: str | None = None,
) -> Page[Item]:
    """List incidents, of all instances or of one.

    Raises:
        NotFound: the actor may not see the instance.
        Forbidden: listing those of all instances needs ``process:operate``.
    """
    query = sa.select(n)
    if process_instance_id is None:
        require(actor, "process:operate")
    else:
        with db.transaction() as tx:
            if not access.may_see(tx, actor, process_instance_id):
                raise NotFound(
                    "instance_not_found", "There is no such instance, or you may not see it."
                )
        query = query.where(n.c.instance_id == process_instance_id)
    if open:
        query = query.where(n.c.resolved_at.is_(None))
    return _paged(db, query, n.c.id, _incident, page=page, size=size, after=after)


def _takes_part(actor: Actor) -> sa.ColumnElement[bool]:
    keys = sa.cast(actor.candidate_keys, sa.ARRAY(sa.Text))
    part = sa.or_(
        t.c.assignee == actor.username,
        t.c.completed_by == actor.username,
        sa.and_(t.c.state == "open", t.c.candidates.overlap(keys)),
    )
    return sa.or_(
        i.c.started_by == actor.username,
        sa.exists().where(t.c.instance_id == i.c.id, part),
    )


def _paged(
    db: Database,
    query: sa.Select[Any],
    key: sa.ColumnElement[int],
    to_item: Callable[[Mapping[str, Any]], Item],
    *,
    page: int,
    size: int,
    after: str | None,
) -> Page[Item]:
    """Page by a primary key downwards: the index gives the order without sorting."""
    check_window(page, size)
    window = query.order_by(key.desc()).limit(size + 1)
    if after is None:
        window = window.offset((page - 1) * size)
    else:
        window = window.where(key < decode_cursor(after, int)[0])
    with db.transaction() as tx:
        total, estimated = count_capped(tx, query)
        rows = list(tx.conn.execute(window).mappings())
    items = [to_item(dict(row)) for row in rows[:size]]
    more = encode_cursor(items[-1]["id"]) if len(rows) > size else None
    return Page(items, page, size, total, estimated, -(-total // size), more)


def _summary(row: Mapping[str, Any]) -> Item:
    return {
        "id": row["id"],
        "process_definition_id": row["definition_id"],
        "definition": {
            "id": row["definition_id"],
            "key": row["definition_key"],
            "name": row["definition_names"],
            "version": row["definition_version"],
        },
        "business_key": row["business_key"],
        "title": row["title"],
        "status": row["status"],
        "result": row["result"],
        "incident_count": row["incident_count"],
        "standing": [
            {**task, "candidates": by_kind(task["candidates"])} for task in row["standing"]
        ],
        "started_by": row["started_by"],
        "started_at": row["started_at"],
        "ended_at": row["ended_at"],
    }


def _incident(row: Mapping[str, Any]) -> Item:
    return {
        "id": row["id"],
        "process_instance_id": row["instance_id"],
        "step": row["step"],
        "kind": row["kind"],
        "message": row["message"],
        "detail": row["detail"],
        "attempts": row["attempts"],
        "at": row["at"],
        "resolved_at": row["resolved_at"],
    }
