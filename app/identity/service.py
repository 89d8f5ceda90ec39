"""Signing in, and what people change about themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from app.db.tx import Database
from app.errors import FieldError, Invalid, Unauthenticated
from app.identity import names, passwords, store
from app.identity.absence import stands_in
from app.identity.accounts import create_group, create_user, ensure_roles
from app.identity.actor import Actor
from app.identity.preferences import LANGUAGES, preference_errors
from app.identity.tokens import (
    is_revoked,
    prune_tokens,
    revoke,
    revoke_refresh,
    rotate_refresh,
    sign_out_everywhere,
    store_refresh,
)

__all__ = [
    "DEMO_PASSWORD",
    "LANGUAGES",
    "actor_and_epoch",
    "actor_by_id",
    "auth_epoch",
    "authenticate",
    "change_password",
    "create_group",
    "create_user",
    "ensure_roles",
    "has_demo_password",
    "is_revoked",
    "prune_tokens",
    "revoke",
    "revoke_refresh",
    "rotate_refresh",
    "set_preferences",
    "sign_out_everywhere",
    "store_refresh",
]

DEMO_PASSWORD: Final = "password123"  # noqa: S105  # published in the manual; demo mode only


def authenticate(db: Database, username: str, password: str, *, now: datetime) -> Actor:
    """Return who signs in with a username and a password.

    An unknown name, a wrong password and an inactive account are told apart by neither
    the answer nor its time. The hash is verified outside any transaction.

    Raises:
        Unauthenticated: code ``bad_credentials``.
    """
    wanted = names.normal(username)
    row = None
    if names.problem("username", wanted) is None:
        with db.transaction() as tx:
            row = store.person_by_username(tx, wanted)
    stored = row["password_hash"] if row else None
    matches = passwords.verify(stored, password[: passwords.MAX_LENGTH + 1])
    if row is None or not matches or not row["active"]:
        raise Unauthenticated(
            "bad_credentials", "The username or the password is wrong. Check both and try again."
        )
    if passwords.outdated(row["password_hash"]):
        _keep_hash(db, row["id"], row["password_hash"], passwords.hash_password(password))
    return store.actor_of(row)


def actor_and_epoch(
    db: Database, user_id: int, *, now: datetime | None = None
) -> tuple[Actor, int] | None:
    """Return an active person with their current epoch; None if there is none.

    A token or session that carries an older epoch has ended. It is one query, and another
    one for who is chosen as a substitute.

    Args:
        now: when they stand in for others; None: they act in their own name alone.
    """
    with db.transaction() as tx:  # one trip: nearly nobody is a substitute
        row = tx.only(store.BY_ID, {"id": user_id}).fetchone()
    if row is None or not row["active"]:
        return None
    actor = store.actor_of(row)
    if now is not None and row["stands_in_until"] is not None and row["stands_in_until"] > now:
        with db.transaction() as tx:
            actor = replace(actor, stands_in=stands_in(tx, actor.username, now=now))
    return actor, row["auth_epoch"]


def actor_by_id(db: Database, user_id: int, *, now: datetime | None = None) -> Actor | None:
    """Return an active person; None if there is none of this id."""
    found = actor_and_epoch(db, user_id, now=now)
    return found[0] if found else None


def auth_epoch(db: Database, user_id: int) -> int | None:
    """Return the epoch that tokens of this person must carry; None if nobody may sign in."""
    with db.transaction() as tx:
        row = tx.run(
            "select auth_epoch from users where id = %(id)s and active", {"id": user_id}
        ).fetchone()
    return row["auth_epoch"] if row else None


def set_preferences(
    db: Database, actor: Actor, *, language: str | None, timezone: str | None
) -> None:
    """Store the actor's own language and time zone.

    Args:
        language: one of ``LANGUAGES``; None follows the browser.
        timezone: an IANA name; None follows the server's default.

    Raises:
        Invalid: one error per value that is not known.
    """
    errors = preference_errors(language, timezone)
    if errors:
        raise Invalid("invalid_preferences", "Correct the marked fields.", errors=errors)
    with db.transaction() as tx:
        tx.run(
            "update users set language = %(language)s, timezone = %(timezone)s where id = %(id)s",
            {"language": language, "timezone": timezone, "id": actor.id},
        )


def change_password(db: Database, actor: Actor, *, current: str, new: str, now: datetime) -> None:
    """Give the actor another password; every session and token from before ends.

    Raises:
        Invalid: the current password is wrong, or the new one is too weak.
    """
    with db.transaction() as tx:
        row = store.person_by_id(tx, actor.id)
    if row is None or not passwords.verify(row["password_hash"], current):
        wrong = FieldError("current", "wrong_password", "This is not your current password.")
        raise Invalid("wrong_password", "Correct the marked fields.", errors=(wrong,))
    weak = passwords.problem("new", new, username=actor.username)
    if weak:
        raise Invalid("weak_password", "Choose a stronger password.", errors=(weak,))
    hashed = passwords.hash_password(new)
    with db.transaction() as tx:
        tx.run(
            "update users set password_hash = %(hash)s where id = %(id)s",
            {"hash": hashed, "id": actor.id},
        )
        sign_out_everywhere(db, actor, now=now)


def has_demo_password(db: Database, username: str = "admin") -> bool:
    """Say whether an account still has the manual's password (refused outside demo mode)."""
    with db.transaction() as tx:
        row = store.person_by_username(tx, username)
    return bool(row and row["active"] and passwords.verify(row["password_hash"], DEMO_PASSWORD))


def _keep_hash(db: Database, user_id: int, old: str, new: str) -> None:
    with db.transaction() as tx:
        tx.run(
            "update users set password_hash = %(new)s"
            " where id = %(id)s and password_hash = %(old)s",
            {"new": new, "old": old, "id": user_id},
        )
