"""Who may see an instance, and who may steer it."""

from __future__ import annotations

from typing import Final

from app.core.definition import Definition
from app.db.tx import Tx
from app.errors import Forbidden, NotFound
from app.identity.actor import Actor
from app.identity.seats import OFFER, SEAT, ForSeats
from app.runtime.row import InstanceRow

# The condition for instance ``i``, in a ``ForSeats``: started by the actor, they take or took
# part in it, it was copied to them, or they transferred a task of it.
TAKES_PART: Final = f"""
(i.started_by = %(me)s or exists (
    select 1 from tasks t where t.instance_id = i.id
       and ({SEAT} or t.completed_by = %(me)s
            or (t.state = 'open' and {OFFER})))
 or exists (select 1 from copies c where c.instance_id = i.id and c.username = %(me)s)
 or exists (select 1 from history_events h where h.instance_id = i.id and h.actor = %(me)s
               and h.kind = 'task.transferred'))
"""  # noqa: S608 - constants only
_TAKES_PART: Final = ForSeats(
    f"select 1 from process_instances i where i.id = %(id)s and {TAKES_PART}"  # noqa: S608  # constants only
)


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
