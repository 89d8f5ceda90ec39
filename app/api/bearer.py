"""Bearer tokens: made at sign-in, and who stands behind one.

A token names the user (``sub``), the epoch it was made in and the sign-in that it descends
from (``family``). Who that is now is looked up at most every ``FRESH`` seconds a process: a
changed password or role, an inactive account, a revoked token, an ended family and whom
somebody stands in for count after that time everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Flask, current_app, g, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    decode_token,
    get_jwt,
    verify_jwt_in_request,
)
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from app.api.call import engine, now
from app.errors import Unauthenticated
from app.identity.actor import Actor
from app.identity.service import actor_and_epoch, is_revoked

FRESH: Final = timedelta(seconds=15)
_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Looked:
    actor: Actor | None
    at: datetime


def set_up(app: Flask, *, secret: str, access: timedelta, refresh: timedelta) -> None:
    """Configure tokens.

    Args:
        secret: signs them (HS256); at least 32 characters outside demo mode.
        access, refresh: how long each kind is valid.
    """
    app.config.update(
        JWT_SECRET_KEY=secret,
        JWT_ALGORITHM="HS256",
        JWT_TOKEN_LOCATION=["headers"],
        JWT_ACCESS_TOKEN_EXPIRES=access,
        JWT_REFRESH_TOKEN_EXPIRES=refresh,
    )
    JWTManager(app)
    app.extensions["bearers"] = {}
    app.extensions["read_tokens"] = {}


@dataclass(frozen=True, slots=True)
class Pair:
    """What a sign-in or a rotation gives; times in seconds and as moments."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_jti: str
    refresh_expires_at: datetime


def make_pair(user_id: int, epoch: int, family: str | None = None) -> Pair:
    """Make an access and a refresh token for a user in an epoch.

    Args:
        family: the sign-in they descend from; None: they begin one.
    """
    claims: dict[str, Any] = {"epoch": epoch} | ({"family": family} if family else {})
    refresh = create_refresh_token(identity=str(user_id), additional_claims=claims)
    content = decode_token(refresh)
    claims["family"] = family_of(content)
    access = create_access_token(identity=str(user_id), additional_claims=claims)
    lifetime: timedelta = current_app.config["JWT_ACCESS_TOKEN_EXPIRES"]
    return Pair(
        access,
        int(lifetime.total_seconds()),
        refresh,
        content["jti"],
        datetime.fromtimestamp(content["exp"], UTC),
    )


def read_refresh(token: str) -> dict[str, Any]:
    """Return the claims of a refresh token.

    Raises:
        Unauthenticated: code ``bad_refresh_token``.
    """
    try:
        claims: dict[str, Any] = decode_token(token)
        if claims.get("type") != "refresh":
            raise PyJWTError("an access token")
        _user_id(claims)
    except (PyJWTError, JWTExtendedException, ValueError):
        raise Unauthenticated(
            "bad_refresh_token", "This refresh token is no longer valid. Sign in again."
        ) from None
    return claims


def family_of(claims: Mapping[str, Any]) -> str:
    """Return the sign-in that a refresh token descends from; the first one names itself."""
    return str(claims.get("family") or claims["jti"])


def actor() -> Actor:
    """Return who makes this request.

    Raises:
        Unauthenticated: no token, or one that is not valid (any more).
    """
    try:
        said = claims()
        user_id = _user_id(said)
    except ExpiredSignatureError:
        raise Unauthenticated(
            "token_expired", "This token has expired. Sign in again or use the refresh token."
        ) from None
    except (PyJWTError, JWTExtendedException, ValueError):
        raise Unauthenticated(
            "bad_token", "A valid token is needed: sign in, send “Authorization: Bearer <token>”."
        ) from None
    found = _look(said, user_id)
    if found is None:
        raise Unauthenticated("token_ended", "This token has ended. Sign in again.")
    g.user_id = found.id
    return found.at(now())


def claims() -> dict[str, Any]:
    """Return what the request's token says; its signature is looked at once in ``FRESH``.

    Raises:
        PyJWTError, JWTExtendedException: there is none, or it is not valid.
    """
    known: dict[str, tuple[dict[str, Any], datetime]] = current_app.extensions["read_tokens"]
    header, moment = request.headers.get("Authorization", ""), now()
    kept = known.get(header)
    if kept is not None and kept[1] - FRESH < moment < kept[1]:
        return kept[0]
    verify_jwt_in_request(locations=["headers"])
    said: dict[str, Any] = get_jwt()
    if len(known) >= _KEPT:
        known.clear()
    expires = datetime.fromtimestamp(said["exp"], UTC)
    known[header] = (said, min(expires, moment + FRESH))
    return said


def forget(jti: str) -> None:
    """Look again at the next request with this token (it was just revoked)."""
    current_app.extensions["bearers"].pop(jti, None)


def _look(claims: dict[str, Any], user_id: int) -> Actor | None:
    known: dict[str, _Looked] = current_app.extensions["bearers"]
    moment = now()
    looked = known.get(claims["jti"])
    if looked is None or not moment - FRESH < looked.at <= moment:
        if len(known) >= _KEPT:
            known.clear()
        looked = _Looked(_look_up(claims, user_id, moment), moment)
        known[claims["jti"]] = looked
    return looked.actor


def _look_up(claims: dict[str, Any], user_id: int, moment: datetime) -> Actor | None:
    db = engine().db
    with db.transaction():
        found = actor_and_epoch(db, user_id, now=moment)
        if found is None or found[1] != claims.get("epoch"):
            return None
        ended = is_revoked(db, claims["jti"], claims.get("family"))
    return None if ended else found[0]


def _user_id(claims: dict[str, Any]) -> int:
    number = int(claims["sub"])
    if not 0 < number < 2**63:
        raise ValueError("no user id")
    return number
