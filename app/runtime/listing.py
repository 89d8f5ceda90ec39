"""Lists of instances and incidents, the newest first, paged on the primary key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from app.db.paging import Page, Sort, like, paged
from app.db.schema import history_events as h
from app.db.schema import incidents as n
from app.db.schema import process_definitions as d
from app.db.schema import process_instances as i
from app.db.schema import tasks as t
from app.db.schema_notices import copies as c
from app.db.tx import Database, Tx
from app.definition.cache import SHARED
from app.definition.queries import versions_of
from app.errors import NotFound
from app.identity.actor import Actor
from app.identity.policy import require
from app.identity.seats import own_offers, own_seats
from app.identity.sensitive import hidden_names
from app.runtime import access
from app.runtime.candidates import by_kind
from app.runtime.trouble import told

Item = dict[str, Any]

# Where a live instance stands, for one line of a list: its open tasks, without those of people
# who are only asked about one.
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
    .where(t.c.instance_id == i.c.id, t.c.state.in_(("open", "claimed")), t.c.role.is_(None))
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
_TROUBLES: Final = sa.select(n, d.c.id.label("definition_id"), d.c.checksum).select_from(
    n.join(i, i.c.id == n.c.instance_id).join(d, d.c.id == i.c.definition_id)
)
_STARTED: Final = """
with last as (select definition_id from process_instances
               where started_by = %(me)s order by id desc limit 1000)
select distinct on (key) key, names from process_definitions
 where id in (select definition_id from last) order by key, version_order desc, id desc
"""
_VIEWED: Final = """
select distinct on (key) key, names from process_definitions
 where viewers <> '{}' and viewers && %(keys)s order by key, version_order desc, id desc
"""
_NEWEST: Final = Sort(i.c.id, i.c.id, int, "id", descending=True)
_NEWEST_INCIDENT: Final = Sort(n.c.id, n.c.id, int, "id", descending=True)


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
    query = sa.select(i.c.id).where(
        *(
            column == wanted
            for column, wanted in (
                (i.c.status, status),
                (i.c.definition_id, process_definition_id),
                (i.c.business_key, business_key),
                (i.c.started_by, started_by),
            )
            if wanted is not None
        )
    )
    if process_definition_key is not None:
        query = query.where(i.c.definition_id.in_(versions_of(process_definition_key)))
    if started_after is not None:
        query = query.where(i.c.started_at >= started_after)
    if started_before is not None:
        query = query.where(i.c.started_at < started_before)
    if has_incident is not None:
        query = query.where(i.c.incident_count > 0 if has_incident else i.c.incident_count == 0)
    if q:
        query = query.where(i.c.title.ilike(like(q)) | i.c.business_key.ilike(like(q)))
    if not actor.can("process:read") and started_by != actor.username:
        few = business_key is not None or started_by is not None or has_incident
        part = _takes_part(actor) if few else i.c.id.in_(_taken_part(actor))
        query = query.where(part | access.viewed(actor) if actor.views else part)
    with db.transaction() as tx:
        return paged(
            tx, query, _NEWEST, _summary, listed=_LISTED, page=page, size=size, after=after
        )


def started_processes(db: Database, actor: Actor) -> list[Item]:
    """Return the processes of what the actor started last: ``{key, names}``, by key."""
    with db.transaction() as tx:
        return tx.run(_STARTED, {"me": actor.username}).fetchall()


def viewed_processes(db: Database, actor: Actor) -> list[Item]:
    """Return the processes that name the actor among their viewers: ``{key, names}``, by key."""
    with db.transaction() as tx:
        return tx.run(_VIEWED, {"keys": actor.candidate_keys}).fetchall()


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
    query = sa.select(n.c.id)
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
    with db.transaction() as tx:
        return paged(
            tx,
            query,
            _NEWEST_INCIDENT,
            lambda row: _incident(tx, actor, row),
            listed=_TROUBLES,
            page=page,
            size=size,
            after=after,
        )


def _parts(actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the ways to take part by a task, one for each index."""
    states: dict[str, sa.ColumnElement[str]] = {
        name: sa.literal_column(f"'{name}'") for name in ("open", "claimed", "cancelled")
    }
    own = t.c.assignee == actor.username
    return (
        sa.and_(t.c.state.in_([states["open"], states["claimed"]]), own_seats(actor)),
        sa.and_(t.c.state == states["cancelled"], own),
        t.c.completed_by == actor.username,
        sa.and_(t.c.state == states["open"], own_offers(actor)),
    )


def _takes_part(actor: Actor) -> sa.ColumnElement[bool]:
    """Same as ``parts.TAKES_PART`` without viewers: asked for each, where few are left."""
    part = sa.exists().where(t.c.instance_id == i.c.id, sa.or_(*_parts(actor)))
    copy = sa.exists().where(c.c.instance_id == i.c.id, c.c.username == actor.username)
    passed = sa.exists().where(h.c.instance_id == i.c.id, *_passed_on(actor))
    return sa.or_(i.c.started_by == actor.username, part, copy, passed)


def _taken_part(actor: Actor) -> sa.CompoundSelect[tuple[int]]:
    """Return the ids of all instances that ``_takes_part`` is true for.

    A list of them costs what the actor has done, not what all have.
    """
    return sa.union_all(
        sa.select(i.c.id).where(i.c.started_by == actor.username),
        *(sa.select(t.c.instance_id).where(part) for part in _parts(actor)),
        sa.select(c.c.instance_id).where(c.c.username == actor.username),
        sa.select(h.c.instance_id).where(*_passed_on(actor)),
    )


def _passed_on(actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    return h.c.actor == actor.username, h.c.kind == sa.literal_column("'task.transferred'")


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


def _incident(tx: Tx, actor: Actor, row: Mapping[str, Any]) -> Item:
    definition = SHARED.get(tx, row["definition_id"], row["checksum"])
    return {
        "id": row["id"],
        "process_instance_id": row["instance_id"],
        "step": row["step"],
        "kind": row["kind"],
        **told(row["message"], row["detail"], hidden_names(definition, actor)),
        "attempts": row["attempts"],
        "at": row["at"],
        "resolved_at": row["resolved_at"],
    }
