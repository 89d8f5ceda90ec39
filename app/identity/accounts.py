"""Making people, groups and roles."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from app.db.tx import Database, Tx
from app.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from app.identity import names, passwords, store
from app.identity.actor import SYSTEM, Actor
from app.identity.policy import ROLES, require
from app.identity.preferences import preference_errors
from app.identity.tokens import sign_out_everywhere


def ensure_roles(db: Database) -> None:
    """Make the built-in roles, or bring them back to their table of permissions."""
    with db.transaction() as tx:
        for name, permissions in ROLES.items():
            tx.run(
                """
                insert into roles (name, permissions) values (%(name)s, %(permissions)s)
                on conflict (name) do update set permissions = excluded.permissions
                 where roles.permissions is distinct from excluded.permissions
                """,
                {"name": name, "permissions": sorted(permissions)},
            )


def create_group(
    db: Database, actor: Actor, *, name: str, title: str | None = None, now: datetime
) -> int:
    """Make a group and return its id.

    Raises:
        Forbidden: without ``user:admin``.
        Invalid: the name is malformed.
        Conflict: there is a group of this name.
    """
    require(actor, "user:admin")
    wrong = names.problem("name", name)
    if wrong:
        raise Invalid("invalid_group", "Correct the marked fields.", errors=(wrong,))
    with db.transaction() as tx:
        row = tx.run(
            "insert into groups (name, title) values (%(name)s, %(title)s)"
            " on conflict (name) do nothing returning id",
            {"name": name, "title": title},
        ).fetchone()
    if row is None:
        raise Conflict("group_exists", "There is a group “%(name)s” already.", name=name)
    return int(row["id"])


def create_user(
    db: Database,
    actor: Actor,
    *,
    username: str,
    name: str,
    email: str | None = None,
    password: str | None = None,
    groups: Collection[str] = (),
    roles: Collection[str] = (),
    manager: str | None = None,
    language: str | None = None,
    timezone: str | None = None,
    now: datetime,
) -> Actor:
    """Make a person and return them as an actor.

    Args:
        username: normalised (``identity.names``) before it is stored.
        password: None: cannot sign in with a password. The rules for passwords bind
            everyone but the engine's own set-up (``SYSTEM``: demo people).
        groups, roles: names of existing ones.
        manager: username of an existing person.

    Raises:
        Forbidden: without ``user:admin``, or a role gives more than the actor has.
        Invalid: one error per wrong value.
        Conflict: the username is taken.
    """
    require(actor, "user:admin")
    username = names.normal(username)
    errors = [names.problem("username", username)]
    if not name.strip():
        errors.append(FieldError("name", "required", "Enter the person's name."))
    if password is not None and actor is not SYSTEM:
        errors.append(passwords.problem("password", password, username=username))
    errors.extend(preference_errors(language, timezone))
    hashed = passwords.hash_password(password) if password and not any(errors) else None
    with db.transaction() as tx:
        group_ids, missing_groups = _ids(tx, "groups", groups)
        role_ids, missing_roles = _ids(tx, "roles", roles)
        boss = store.person_by_username(tx, names.normal(manager)) if manager else None
        errors.extend(_unknown("groups", missing_groups))
        errors.extend(_unknown("roles", missing_roles))
        errors.extend(_unknown("manager", [manager] if manager and boss is None else []))
        found = tuple(error for error in errors if error)
        if found:
            raise Invalid("invalid_user", "Correct the marked fields.", errors=found)
        _refuse_to_give_more(tx, actor, role_ids)
        row = tx.run(
            """
            insert into users (username, name, email, password_hash, manager_id, language,
                               timezone, created_at)
            values (%(username)s, %(name)s, %(email)s, %(hash)s, %(manager)s, %(language)s,
                    %(timezone)s, %(now)s)
            on conflict (username) do nothing returning id
            """,
            {
                "username": username,
                "name": name.strip(),
                "email": email,
                "hash": hashed,
                "manager": boss["id"] if boss else None,
                "language": language,
                "timezone": timezone,
                "now": now,
            },
        ).fetchone()
        if row is None:
            raise Conflict(
                "username_taken",
                "The username “%(username)s” is taken; choose another.",
                username=username,
            )
        _attach(tx, row["id"], group_ids, role_ids)
        made = store.person_by_id(tx, row["id"])
    return store.actor_of(made or {})


def set_password(db: Database, actor: Actor, *, username: str, new: str, now: datetime) -> None:
    """Give a person another password; every session and token of theirs ends.

    Raises:
        Forbidden: without ``user:admin``.
        NotFound: there is no such person.
        Invalid: the password is too weak.
    """
    require(actor, "user:admin")
    username = names.normal(username)
    weak = passwords.problem("password", new, username=username)
    if weak:
        raise Invalid("weak_password", "Choose a stronger password.", errors=(weak,))
    hashed = passwords.hash_password(new)
    with db.transaction() as tx:
        row = None
        if names.problem("username", username) is None:
            row = store.person_by_username(tx, username)
        if row is None:
            raise NotFound("user_not_found", "There is no such person.")
        tx.run(
            "update users set password_hash = %(hash)s where id = %(id)s",
            {"hash": hashed, "id": row["id"]},
        )
        sign_out_everywhere(db, store.actor_of(row), now=now)


def list_people(db: Database, actor: Actor) -> list[dict[str, Any]]:
    """Return everybody by username: ``username, name, active, roles, groups``.

    Raises:
        Forbidden: without ``user:admin``.
    """
    require(actor, "user:admin")
    with db.transaction() as tx:
        return tx.run(store.EVERYBODY).fetchall()


def _attach(tx: Tx, user_id: int, group_ids: list[int], role_ids: list[int]) -> None:
    tx.run(
        "insert into memberships (user_id, group_id) select %(user_id)s, unnest(%(ids)s::bigint[])",
        {"user_id": user_id, "ids": group_ids},
    )
    tx.run(
        "insert into user_roles (user_id, role_id) select %(user_id)s, unnest(%(ids)s::bigint[])",
        {"user_id": user_id, "ids": role_ids},
    )


_FIND = {
    "groups": "select id, name from groups where name = any(%(names)s)",
    "roles": "select id, name from roles where name = any(%(names)s)",
}


def _ids(tx: Tx, table: str, wanted: Collection[str]) -> tuple[list[int], list[str]]:
    rows: list[dict[str, Any]] = tx.run(_FIND[table], {"names": list(wanted)}).fetchall()
    found = {row["name"] for row in rows}
    return [row["id"] for row in rows], [name for name in wanted if name not in found]


def _unknown(field: str, missing: Collection[str]) -> list[FieldError]:
    return [
        FieldError(field, "unknown_name", "There is no “%(name)s”; make it first.", {"name": name})
        for name in missing
    ]


def _refuse_to_give_more(tx: Tx, actor: Actor, role_ids: list[int]) -> None:
    rows = tx.run(
        "select distinct unnest(permissions) as permission from roles where id = any(%(ids)s)",
        {"ids": role_ids},
    ).fetchall()
    more = sorted({row["permission"] for row in rows} - actor.permissions)
    if more:
        raise Forbidden(
            "role_gives_more",
            "You cannot give a role with permissions that you do not have: %(permissions)s.",
            permissions=", ".join(more),
        )
