"""The SQL of identity: one row of a person with everything that makes an actor."""

from __future__ import annotations

from typing import Any, Final

from app.db.tx import Tx
from app.identity.actor import Actor

_PERSON: Final = """
select u.id, u.username, u.name, u.email, u.password_hash, u.active, u.language, u.timezone,
       u.auth_epoch, m.username as manager,
       (select max(ends_at) from absences
         where username = u.username and ended_at is null) as away_until,
       (select max(ends_at) from absences
         where substitute = u.username and ended_at is null) as stands_in_until,
       array(select g.name from memberships ms join groups g on g.id = ms.group_id
              where ms.user_id = u.id) as groups,
       array(select r.name from user_roles ur join roles r on r.id = ur.role_id
              where ur.user_id = u.id) as roles,
       array(select distinct p from user_roles ur join roles r on r.id = ur.role_id,
                    unnest(r.permissions) p
              where ur.user_id = u.id) as permissions,
       exists (select from process_definitions
                where viewers <> '{}' and viewers && (
                   array['u:' || u.username]
                   || array(select 'g:' || g.name from memberships ms
                              join groups g on g.id = ms.group_id where ms.user_id = u.id)
                   || array(select 'r:' || r.name from user_roles ur
                              join roles r on r.id = ur.role_id where ur.user_id = u.id))) as views
  from users u left join users m on m.id = u.manager_id and m.active
"""
BY_ID: Final = _PERSON + " where u.id = %(id)s"
BY_USERNAME: Final = _PERSON + " where u.username = %(username)s"
EVERYBODY: Final = _PERSON + " order by u.username"

RAISE_EPOCH: Final = "update users set auth_epoch = auth_epoch + 1 where id = %(user_id)s"
REVOKE_ALL_REFRESH: Final = """
update refresh_tokens set revoked_at = %(now)s
 where user_id = %(user_id)s and revoked_at is null
"""


def person_by_id(tx: Tx, user_id: int) -> dict[str, Any] | None:
    """Return the row of a person, active or not, with groups, roles and permissions."""
    return tx.run(BY_ID, {"id": user_id}).fetchone()


def person_by_username(tx: Tx, username: str) -> dict[str, Any] | None:
    """Same by (normalised) username."""
    return tx.run(BY_USERNAME, {"username": username}).fetchone()


def actor_of(row: dict[str, Any]) -> Actor:
    """Make the actor of a person's row."""
    return Actor(
        id=row["id"],
        username=row["username"],
        name=row["name"],
        email=row["email"],
        groups=frozenset(row["groups"]),
        roles=frozenset(row["roles"]),
        permissions=frozenset(row["permissions"]),
        manager=row["manager"],
        language=row["language"],
        timezone=row["timezone"],
        away_until=row["away_until"],
        views=row["views"],
    )
