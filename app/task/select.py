"""The queries that tasks are read with, and the conditions of who sees what."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from app.db.paging import like
from app.db.schema import process_definitions as d
from app.db.schema import process_instances as i
from app.db.schema import tasks as t
from app.identity.actor import Actor

# Written into the SQL, not sent as parameters: the planner proves with them that the
# partial indexes of live tasks apply, also for a prepared statement.
_OPEN: Final[sa.ColumnElement[str]] = sa.literal_column("'open'")
_CLAIMED: Final[sa.ColumnElement[str]] = sa.literal_column("'claimed'")

_JOINED: Final = t.join(i, i.c.id == t.c.instance_id).join(d, d.c.id == t.c.definition_id)
_LISTED: Final = (
    *(column for column in t.columns if column.name not in ("values", "wait", "seat")),
    i.c.status.label("instance_status"),
    i.c.business_key,
    i.c.title,
    i.c.started_by,
    d.c.key.label("definition_key"),
    d.c.names.label("definition_names"),
    d.c.version.label("definition_version"),
)


def listed() -> sa.Select[Any]:
    """Return the query of a list: everything but the values."""
    return sa.select(*_LISTED, sa.null().label("values")).select_from(_JOINED)


def live() -> sa.ColumnElement[bool]:
    """Tasks that are neither completed nor cancelled."""
    return t.c.state.in_([_OPEN, _CLAIMED])


def held_by(username: str) -> sa.ColumnElement[bool]:
    """Live tasks that are this person's."""
    return sa.and_(live(), t.c.assignee == username)


def offered_to(actor: Actor) -> sa.ColumnElement[bool]:
    """Open tasks that the actor can claim."""
    return sa.and_(t.c.state == _OPEN, t.c.candidates.overlap(actor.candidate_keys))


def visible(actor: Actor) -> sa.ColumnElement[bool]:
    """Tasks that lists show to the actor: everyone's with ``task:read``, else the own ones."""
    if actor.can("task:read"):
        return sa.true()
    return sa.or_(
        held_by(actor.username),
        offered_to(actor),
        t.c.completed_by == actor.username,
        sa.and_(t.c.state == "cancelled", t.c.assignee == actor.username),
    )


def search(query: sa.Select[Any], q: str | None) -> sa.Select[Any]:
    """Narrow ``query`` to tasks with ``q`` in the title, the business key or the step's name."""
    wanted = (q or "").replace("\x00", "").strip()
    if not wanted:
        return query
    texts = (i.c.title, i.c.business_key, sa.cast(t.c.name, sa.Text))
    return query.where(sa.or_(*(text.ilike(like(wanted)) for text in texts)))
