"""Signing in and out over REST, and who the caller is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.adapters import sign_in_limit
from app.api import answers, bearer, bodies, bodies_users, payloads
from app.api.call import Answer, Call
from app.api.operation import Operations
from app.errors import Unauthenticated
from app.identity import service
from app.task.unassigned import set_active

operations = Operations("identity", "Sign-in")


@operations.add(
    "POST",
    "/auth/login",
    "Sign in with username and password",
    body=payloads.Login,
    answers={200: bodies.Tokens},
    open=True,
)
def login(call: Call, body: payloads.Login) -> Answer:
    """Give an access token and a refresh token that begins a family."""
    who = sign_in_limit.attempt(
        body.username,
        lambda: service.authenticate(call.db, body.username, body.password, now=call.now),
        door="api",
    )
    with call.db.transaction():
        pair = bearer.make_pair(who.id, service.auth_epoch(call.db, who.id) or 0)
        service.store_refresh(call.db, who.id, pair.refresh_jti, expires_at=pair.refresh_expires_at)
    return Answer(_tokens(pair, answers.user(who)))


@operations.add(
    "POST",
    "/auth/refresh",
    "Exchange a refresh token for new tokens",
    body=payloads.Refresh,
    answers={200: bodies.Tokens},
    open=True,
)
def refresh(call: Call, body: payloads.Refresh) -> Answer:
    """Use up a refresh token; one that was used before ends its whole family."""
    claims = bearer.read_refresh(body.refresh_token)
    found = service.actor_and_epoch(call.db, int(claims["sub"]))
    if found is None or found[1] != claims.get("epoch"):
        raise Unauthenticated("token_ended", "This token has ended. Sign in again.")
    who, epoch = found
    pair = bearer.make_pair(who.id, epoch, bearer.family_of(claims))
    service.rotate_refresh(
        call.db,
        claims["jti"],
        pair.refresh_jti,
        now=call.now,
        expires_at=pair.refresh_expires_at,
    )
    return Answer(_tokens(pair, answers.user(who)))


@operations.add(
    "POST",
    "/auth/logout",
    "End this token",
    body=payloads.Logout,
    answers={204: None},
    changes=False,
)
def logout(call: Call, body: payloads.Logout) -> Answer:
    """Revoke the token of this request and the family of the refresh token, if given."""
    claims = bearer.claims()
    service.revoke(call.db, claims["jti"], datetime.fromtimestamp(claims["exp"], UTC))
    if body.refresh_token is not None:
        mine = bearer.read_refresh(body.refresh_token)
        if mine["sub"] == claims["sub"]:
            service.revoke_refresh(call.db, mine["jti"], now=call.now)
    bearer.forget(claims["jti"])
    return Answer(status=204)


@operations.add(
    ("PUT", "POST"),
    "/users/<username>/deactivate",
    "Close an account",
    permission="user:admin",
    answers={200: bodies_users.Account},
)
def deactivate(call: Call, username: str) -> Answer:
    """Who has left is signed out everywhere; managers are told of the tasks they had."""
    return Answer(set_active(call.engine, call.actor, username, active=False, now=call.now))


@operations.add(
    ("PUT", "POST"),
    "/users/<username>/activate",
    "Open an account again",
    permission="user:admin",
    answers={200: bodies_users.Account},
)
def activate(call: Call, username: str) -> Answer:
    """Tasks that were given to others meanwhile stay with them."""
    return Answer(set_active(call.engine, call.actor, username, active=True, now=call.now))


@operations.add("GET", "/auth/me", "Who the token belongs to", answers={200: bodies.User})
def me(call: Call) -> Answer:
    """Return the caller with groups, roles and permissions."""
    return Answer(answers.user(call.actor))


def _tokens(pair: bearer.Pair, who: dict[str, Any]) -> dict[str, Any]:
    return {
        "access_token": pair.access_token,
        "token_type": "Bearer",
        "expires_in": pair.expires_in,
        "refresh_token": pair.refresh_token,
        "user": who,
    }
