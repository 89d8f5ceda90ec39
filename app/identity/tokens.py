"""Refresh tokens that rotate, and access tokens that were revoked."""

from __future__ import annotations

from datetime import datetime

from app.db.tx import Database
from app.errors import Unauthenticated
from app.identity import store
from app.identity.actor import Actor


def store_refresh(
    db: Database, user_id: int, jti: str, *, expires_at: datetime, family: str | None = None
) -> None:
    """Remember a refresh token that was just issued at sign-in.

    Args:
        jti: the token's id; unguessable, chosen by the caller.
        family: the sign-in that it descends from; default: this token begins one.
    """
    with db.transaction() as tx:
        tx.run(
            "insert into refresh_tokens (jti, family, user_id, expires_at)"
            " values (%(jti)s, %(family)s, %(user_id)s, %(expires_at)s)",
            {
                "jti": jti,
                "family": family or jti,
                "user_id": user_id,
                "expires_at": expires_at,
            },
        )


def rotate_refresh(
    db: Database, jti: str, new_jti: str, *, now: datetime, expires_at: datetime | None = None
) -> int:
    """Use up a refresh token and store its successor; one of two uses at once wins.

    A token that was used before is in two hands: its whole family ends. This must be
    kept although the call fails, so it must not run inside another transaction.

    Args:
        expires_at: end of the successor; default: the end of the token it replaces.

    Returns:
        The id of the (active) user it belongs to.

    Raises:
        Unauthenticated: code ``bad_refresh_token``: unknown, used, revoked or too old.
    """
    with db.transaction() as tx:
        row = tx.run(
            """
            update refresh_tokens t set used_at = %(now)s
              from users u
             where t.jti = %(jti)s and u.id = t.user_id and u.active
               and t.used_at is null and t.revoked_at is null and t.expires_at > %(now)s
            returning t.user_id, t.family, t.expires_at
            """,
            {"jti": jti, "now": now},
        ).fetchone()
        if row is None:
            tx.run(
                """
                update refresh_tokens set revoked_at = %(now)s
                 where revoked_at is null
                   and family = (select family from refresh_tokens
                                  where jti = %(jti)s and used_at is not null)
                """,
                {"jti": jti, "now": now},
            )
        else:
            store_refresh(
                db,
                row["user_id"],
                new_jti,
                expires_at=expires_at or row["expires_at"],
                family=row["family"],
            )
    if row is None:
        raise Unauthenticated(
            "bad_refresh_token", "This refresh token is no longer valid. Sign in again."
        )
    return int(row["user_id"])


def revoke_refresh(db: Database, jti: str, *, now: datetime) -> None:
    """End the family of a refresh token (sign-out); an unknown one is ignored."""
    with db.transaction() as tx:
        tx.run(
            """
            update refresh_tokens set revoked_at = %(now)s
             where revoked_at is null
               and family = (select family from refresh_tokens where jti = %(jti)s)
            """,
            {"jti": jti, "now": now},
        )


def revoke(db: Database, jti: str, expires_at: datetime) -> None:
    """Put an access token on the revocation list until it would have ended anyway."""
    with db.transaction() as tx:
        tx.run(
            "insert into revoked_tokens (jti, expires_at) values (%(jti)s, %(expires_at)s)"
            " on conflict (jti) do nothing",
            {"jti": jti, "expires_at": expires_at},
        )


def is_revoked(db: Database, jti: str, family: str | None = None) -> bool:
    """Say whether an access token is on the revocation list, or its family has ended.

    Args:
        family: of the refresh token that it was given with.
    """
    with db.transaction() as tx:
        row = tx.run(
            """
            select 1 from revoked_tokens where jti = %(jti)s
            union all
            select 1 from refresh_tokens
             where family = %(family)s and revoked_at is not null
            limit 1
            """,
            {"jti": jti, "family": family},
        ).fetchone()
    return row is not None


def sign_out_everywhere(db: Database, actor: Actor, *, now: datetime) -> None:
    """End every session and token of the actor."""
    with db.transaction() as tx:
        tx.run(store.RAISE_EPOCH, {"user_id": actor.id})
        tx.run(store.REVOKE_ALL_REFRESH, {"user_id": actor.id, "now": now})


def prune_tokens(db: Database, *, now: datetime) -> int:
    """Delete tokens whose time is over; return how many rows went."""
    with db.transaction() as tx:
        gone = tx.run("delete from revoked_tokens where expires_at < %(now)s", {"now": now})
        old = tx.run("delete from refresh_tokens where expires_at < %(now)s", {"now": now})
        return gone.rowcount + old.rowcount
