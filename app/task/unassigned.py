"""Work that nobody is there for any more: its people have left, or their accounts are closed.

It is looked up when it is asked for, so it is there the same moment; who manages work gives it
to others (``task.assign``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from app.db.schema import tasks as t
from app.errors import Conflict, NotFound
from app.identity import names
from app.identity.actor import Actor
from app.identity.policy import require
from app.identity.service import sign_out_everywhere
from app.identity.store import actor_of, person_by_username
from app.notice.store import told
from app.runtime.ports import Engine

# Those who are gone are few beside those who work, and so are their live tasks: each part is
# found by the index of live tasks that it needs. An offered task counts if all of its
# candidates are gone.
_GONE: Final = """
select x.id from tasks x join users u on u.username = x.assignee and not u.active
 where x.state in ('open', 'claimed')
union
select x.id from tasks x, (
       select array(select 'u:' || username from users where not active
         union all
        select 'g:' || g.name from groups g where not exists (
               select 1 from memberships m join users u on u.id = m.user_id and u.active
                where m.group_id = g.id)
         union all
        select 'r:' || r.name from roles r where not exists (
               select 1 from user_roles ur join users u on u.id = ur.user_id and u.active
                where ur.role_id = r.id)) as keys) gone
 where x.state = 'open' and x.candidates && gone.keys and x.candidates <@ gone.keys
"""
_SET: Final = "update users set active = %(active)s where id = %(id)s"
_HELD: Final = """
select min(id) as task, count(*) as held, min(instance_id) filter (where first) as instance
  from (select id, instance_id, id = min(id) over () as first from tasks
         where assignee = %(name)s and state in ('open', 'claimed')) own
"""
_MANAGERS: Final = "select name from roles where 'task:assign' = any(permissions) order by name"


def condition() -> sa.ColumnElement[bool]:
    """Return what is true for live tasks that nobody is there for."""
    gone = sa.text(_GONE).columns(sa.column("id", sa.BigInteger))
    return t.c.id.in_(sa.select(gone.subquery("gone").c.id))


def set_active(
    engine: Engine, actor: Actor, username: str, *, active: bool, now: datetime
) -> dict[str, Any]:
    """Close an account, or open it again.

    Who has left is signed out everywhere, and gets no work any more; those who manage work
    are told once of what they still have.

    Returns:
        ``{username, name, active, tasks}``: how many live tasks the person has.

    Raises:
        Forbidden: without ``user:admin``.
        NotFound: there is no such person.
        Conflict: code ``own_account``: nobody closes their own.
    """
    require(actor, "user:admin")
    wanted = names.normal(username)
    with engine.db.transaction() as tx:
        row = person_by_username(tx, wanted) if names.problem("username", wanted) is None else None
        if row is None:
            raise NotFound("user_not_found", "There is no such person.")
        if wanted == actor.username and not active:
            raise Conflict("own_account", "You cannot close your own account.")
        tx.run(_SET, {"active": active, "id": row["id"]})
        held = tx.run(_HELD, {"name": wanted}).fetchone() or {}
        if row["active"] and not active:
            sign_out_everywhere(engine.db, actor_of(row), now=now)
            if held["held"]:
                keys = [f"r:{role['name']}" for role in tx.run(_MANAGERS).fetchall()]
                about = {"instance": held["instance"], "task": held["task"]}
                text = f"{row['name']} · {held['held']}"
                tx.run(*told("unassigned", keys, actor=actor.username, text=text, at=now, **about))
    return {
        "username": wanted,
        "name": row["name"],
        "active": active,
        "tasks": held["held"],
    }
