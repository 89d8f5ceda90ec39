"""Who may see an instance, and who may steer it."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from app.core.definition import Definition
from app.db.schema import process_definitions as d
from app.db.schema import process_instances as i
from app.db.tx import Tx
from app.errors import Forbidden, NotFound
from app.identity.actor import Actor
from app.identity.parts import TAKES_PART
from app.identity.seats import ForSeats
from app.runtime.row import InstanceRow

_TAKES_PART: Final = ForSeats(
    f"select 1 from process_instances i where i.id = %(id)s and {TAKES_PART}"  # noqa: S608  # constants only
)


def viewed(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the condition that an instance's definition names the actor among its viewers.

    Nobody need ask for an actor who does not view any.
    """
    any_ = d.c.viewers != sa.literal_column("'{}'")  # by the index of those that name somebody
    named = sa.select(d.c.id).where(any_, d.c.viewers.overlap(actor.candidate_keys))
    return i.c.definition_id.in_(named)


def may_see(tx: Tx, actor: Actor, instance_id: int) -> bool:
    """Say whether the actor may read the instance."""
    if actor.can("process:read"):
        return True
    asked = _TAKES_PART.by(actor, {"id": instance_id})
    return tx.run(*asked).fetchone() is not None


def require_seen(tx: Tx, actor: Actor, instance_id: int) -> None:
    """Refuse unless the actor may read the instance.

    Raises:
        NotFound: code ``instance_not_found``; the same as for one that does not exist.
    """
    if not may_see(tx, actor, instance_id):
        raise NotFound("instance_not_found", "There is no such instance, or you may not see it.")


def require_operate(tx: Tx, actor: Actor, instance: InstanceRow) -> None:
    """Refuse unless the actor may steer the instance.

    Raises:
        NotFound: they may not even see it.
        Forbidden: code ``forbidden``.
    """
    if not actor.can("process:operate"):
        require_seen(tx, actor, instance.id)
        raise _may_not()


def require_terminate(tx: Tx, actor: Actor, instance: InstanceRow, definition: Definition) -> None:
    """Same for ending it: the definition may let people end what they started."""
    own = instance.started_by == actor.username
    if not (own and definition.settings.get("initiator_may_terminate") is True):
        require_operate(tx, actor, instance)


def _may_not() -> Forbidden:
    return Forbidden(
        "forbidden",
        "You may not do this: it needs the permission %(permission)s. "
        "An administrator can give you a role that has it.",
        extra={"permission": "process:operate"},
        permission="process:operate",
    )
