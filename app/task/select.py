"""The queries that tasks are read with, and the conditions of who sees what."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.db.paging import like
from app.db.schema import process_definitions as d
from app.db.schema import process_instances as i
from app.db.schema import tasks as t
from app.identity.actor import Actor
from app.identity.seats import own_offers, own_seats
from app.task.summary import MATCHES, SHOWN

# Written into the SQL, not sent as parameters: the planner proves with them that the
# partial indexes of live tasks apply, also for a prepared statement.
_STATES: Final[dict[str, sa.ColumnElement[str]]] = {
    state: sa.literal_column(f"'{state}'")
    for state in ("open", "claimed", "completed", "cancelled")
}
STATES: Final = tuple(_STATES)

_BETWEEN: Final = "\x01"
"""Between texts that are searched as one: nobody types it."""
_UNLISTED: Final = ("values", "pending", "serves", "asked", "remind_at")
# Outer joins (there always is a partner): PostgreSQL leaves out those that are not needed,
# for counting say.
_JOINED: Final = t.outerjoin(i, i.c.id == t.c.instance_id).outerjoin(d, d.c.id == t.c.definition_id)
_LISTED: Final = (
    *(column for column in t.columns if column.name not in _UNLISTED),
    i.c.status.label("instance_status"),
    i.c.suspended_at,
    i.c.business_key,
    i.c.title,
    i.c.started_by,
    d.c.key.label("definition_key"),
    d.c.names.label("definition_names"),
    d.c.version.label("definition_version"),
    SHOWN.label("summary"),
)


def listed() -> sa.Select[Any]:
    """Return the query of a list: everything but the values."""
    return sa.select(*_LISTED, sa.null().label("values")).select_from(_JOINED)


def live() -> sa.ColumnElement[bool]:
    """Tasks that are neither completed nor cancelled."""
    return t.c.state.in_([_STATES["open"], _STATES["claimed"]])


def in_state(state: str) -> sa.ColumnElement[bool]:
    """Tasks in one of ``STATES``."""
    return t.c.state == _STATES[state]


def held_by(actor: Actor) -> sa.ColumnElement[bool]:
    """Live tasks that are the actor's, or theirs for whom they stand in."""
    return sa.and_(live(), own_seats(actor))


def offered_to(actor: Actor) -> sa.ColumnElement[bool]:
    """Open tasks that the actor can claim, for themselves or for whom they stand in."""
    return sa.and_(in_state("open"), own_offers(actor), not_barred(actor.username))


def not_barred(username: Any, among: sa.FromClause = t) -> sa.ColumnElement[bool]:
    """Tasks that no approval rule keeps this person from deciding.

    Args:
        username: or what stands for it in a statement.
        among: the tasks, or a subquery with columns of the same names.
    """
    me = sa.cast(postgresql.array([username]), t.c.barred.type)
    return sa.or_(among.c.barred.is_(None), sa.not_(among.c.barred.contains(me)))


def visible(actor: Actor, state: str | None) -> sa.ColumnElement[bool]:
    """Tasks in a state (None: live ones) that lists show to the actor.

    Everyone's with ``task:read``, else the own ones.
    """
    wanted = live() if state is None else in_state(state)
    if actor.can("task:read"):
        return wanted
    mine = {
        None: sa.or_(held_by(actor), offered_to(actor)),
        "open": offered_to(actor),
        "claimed": held_by(actor),
        "completed": t.c.completed_by == actor.username,
        "cancelled": t.c.assignee == actor.username,
    }
    return sa.and_(wanted, mine[state])


def search(query: sa.Select[Any], q: str | None) -> sa.Select[Any]:
    """Narrow ``query`` to tasks with ``q`` in a text that a row shows.

    That is the title, the business key, the step's name, and what its summary says of
    values that are not sensitive.
    """
    wanted = (q or "").replace("\x00", "").strip()
    if not wanted:
        return query
    # As ``ilike`` does it, but the pattern is made small once, and the texts as one.
    texts = sa.func.concat_ws(_BETWEEN, i.c.title, i.c.business_key, sa.cast(t.c.name, sa.Text))
    small = sa.select(sa.func.lower(sa.bindparam("words", like(wanted)))).scalar_subquery()
    found = sa.func.lower(texts).like(small)
    return query.where(sa.or_(found, MATCHES.bindparams(words=like(wanted))))
