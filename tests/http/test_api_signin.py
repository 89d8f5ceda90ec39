"""Signing in, rotating, signing out; what a token is worth afterwards."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from flask import Flask

from app.adapters import sign_in_limit
from app.identity import passwords, service
from app.identity.actor import SYSTEM
from tests.support.office import NOW
from tests.support.rest import Rest

PASSWORD = "a long and quiet evening"


@pytest.fixture
def ada(rest: Rest) -> str:
    """Someone with a password."""
    service.create_user(
        rest.office.db, SYSTEM, username="ada", name="Ada", password=PASSWORD, now=NOW
    )
    return "ada"


def login(rest: Rest, username: str, password: str = PASSWORD):
    return rest(None, "POST", "/auth/login", {"username": username, "password": password})


def me(rest: Rest, token: str):
    return rest(None, "GET", "/auth/me", headers={"Authorization": f"Bearer {token}"})


def test_login_answers_as_the_manual_prints(rest: Rest, ada: str) -> None:
    body = login(rest, ada).ok()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 86400
    assert me(rest, body["access_token"]).ok()["username"] == "ada"


def test_username_is_taken_in_any_case(rest: Rest, ada: str) -> None:
    assert login(rest, " ADA ").ok()["user"]["username"] == "ada"


@pytest.mark.parametrize(
    ("username", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("a\0b", "x")]
)
def test_wrong_and_unknown_get_the_same_answer(
    rest: Rest, ada: str, username: str, password: str
) -> None:
    refusal = login(rest, username, password)
    if "\0" in username:
        assert refusal.status in (400, 401)
        return
    assert refusal.refused(401, "bad_credentials")["detail"].startswith("The username or")


def test_no_token_is_401_and_says_how(rest: Rest) -> None:
    answer = rest(None, "GET", "/auth/me")
    answer.refused(401, "bad_token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
def test_broken_tokens_are_refused(rest: Rest, token: str) -> None:
    me(rest, token).refused(401, "bad_token")


def test_a_refresh_token_opens_nothing(rest: Rest, ada: str) -> None:
    pair = login(rest, ada).ok()
    me(rest, pair["refresh_token"]).refused(401, "bad_token")


def test_a_refresh_token_is_exchanged_once_and_its_reuse_ends_the_family(
    rest: Rest, ada: str
) -> None:
    first = login(rest, ada).ok()["refresh_token"]
    second = rest(None, "POST", "/auth/refresh", {"refresh_token": first}).ok()
    assert me(rest, second["access_token"]).ok()["username"] == "ada"
    again = rest(None, "POST", "/auth/refresh", {"refresh_token": first})
    again.refused(401, "bad_refresh_token")
    successor = rest(None, "POST", "/auth/refresh", {"refresh_token": second["refresh_token"]})
    successor.refused(401, "bad_refresh_token")


def test_the_end_of_a_family_ends_its_access_tokens_too(rest: Rest, ada: str) -> None:
    """Somebody used a stolen refresh token first: what it gave must not live for a day."""
    first = login(rest, ada).ok()
    other = login(rest, ada).ok()
    stolen = rest(None, "POST", "/auth/refresh", {"refresh_token": first["refresh_token"]}).ok()
    reuse = rest(None, "POST", "/auth/refresh", {"refresh_token": first["refresh_token"]})
    reuse.refused(401, "bad_refresh_token")
    rest.clock.pass_(seconds=15)
    for token in (first["access_token"], stolen["access_token"]):
        me(rest, token).refused(401, "token_ended")
    assert me(rest, other["access_token"]).ok()


def forged(rest: Rest, **changes: Any) -> dict[str, Any]:
    """Return the claims of a good token of ``li``, changed; None takes one away."""
    good = jwt.decode(rest.token("li"), options={"verify_signature": False})
    return {name: value for name, value in (good | changes).items() if value is not None}


def relabelled(token: str, secret: str, algorithm: str) -> str:
    """Return a token that claims another method and is signed with our key all the same."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    signed = head.rstrip(b"=") + b"." + token.split(".")[1].encode()
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_tokens_that_were_not_signed_with_our_key_and_method_are_refused(rest: Rest) -> None:
    secret = rest.app.config["JWT_SECRET_KEY"]
    claims = forged(rest)
    assert me(rest, jwt.encode(claims, secret, "HS256")).ok()["username"] == "li"
    for token in (
        jwt.encode(claims, None, "none"),
        jwt.encode(claims, secret, "HS512"),
        relabelled(jwt.encode(claims, secret, "HS256"), secret, "RS256"),
        relabelled(jwt.encode(claims, secret, "HS256"), secret, "none"),
        jwt.encode(claims, "another secret of thirty-two characters", "HS256"),
        jwt.encode(claims, rest.app.config["SECRET_KEY"], "HS256"),
        jwt.encode(claims, secret, "HS256")[:-2],
    ):
        me(rest, token).refused(401, "bad_token")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": 1}, "token_expired"),
        ({"sub": None}, "bad_token"),
        ({"sub": "li"}, "bad_token"),
        ({"sub": "0"}, "bad_token"),
        ({"sub": str(2**63)}, "bad_token"),
        ({"sub": "999999999"}, "token_ended"),
        ({"epoch": 7}, "token_ended"),
        ({"epoch": None}, "token_ended"),
        ({"type": "refresh"}, "bad_token"),
        ({"nbf": 2**40}, "bad_token"),
    ],
)
def test_claims_that_do_not_hold_are_refused(
    rest: Rest, changes: dict[str, Any], code: str
) -> None:
    token = jwt.encode(forged(rest, jti="forged", **changes), rest.app.config["JWT_SECRET_KEY"])
    me(rest, token).refused(401, code)


def test_an_account_that_is_made_inactive_ends_everywhere(rest: Rest, ada: str) -> None:
    pair = login(rest, ada).ok()
    with rest.office.db.transaction() as tx:
        tx.run("update users set active = false where username = 'ada'")
    rest.clock.pass_(seconds=15)
    me(rest, pair["access_token"]).refused(401, "token_ended")
    again = rest(None, "POST", "/auth/refresh", {"refresh_token": pair["refresh_token"]})
    again.refused(401, "token_ended")
    login(rest, ada).refused(401, "bad_credentials")


def test_an_unknown_name_costs_as_much_as_a_wrong_password(
    rest: Rest, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = []
    verify = passwords._hasher.verify
    monkeypatch.setattr(
        passwords, "_hasher", SimpleNamespace(verify=lambda *a: verified.append(a[0]) or verify(*a))
    )
    login(rest, ada, "wrong").refused(401, "bad_credentials")
    login(rest, "nobody", "wrong").refused(401, "bad_credentials")
    assert len(verified) == 2
    assert verified[0].rsplit("$", 2)[0] == verified[1].rsplit("$", 2)[0], "another price"


def test_an_access_token_cannot_be_exchanged(rest: Rest, ada: str) -> None:
    access = login(rest, ada).ok()["access_token"]
    answer = rest(None, "POST", "/auth/refresh", {"refresh_token": access})
    answer.refused(401, "bad_refresh_token")


def test_logout_ends_the_token_and_the_refresh_family(rest: Rest, ada: str) -> None:
    pair = login(rest, ada).ok()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    body = {"refresh_token": pair["refresh_token"]}
    rest(None, "POST", "/auth/logout", body, headers=headers).ok(204)
    me(rest, pair["access_token"]).refused(401, "token_ended")
    rest(None, "POST", "/auth/refresh", body).refused(401, "bad_refresh_token")


def test_signing_out_everywhere_ends_tokens_within_thirty_seconds(rest: Rest, ada: str) -> None:
    token = login(rest, ada).ok()["access_token"]
    who = me(rest, token).ok()
    actor = service.actor_by_id(rest.office.db, who["id"])
    assert actor is not None
    service.sign_out_everywhere(rest.office.db, actor, now=rest.clock())
    rest.clock.pass_(seconds=30)
    me(rest, token).refused(401, "token_ended")


def test_a_cookie_never_authenticates_the_api(app: Flask, rest: Rest, ada: str) -> None:
    client = app.test_client()
    who = service.authenticate(rest.office.db, ada, PASSWORD, now=NOW)
    with client.session_transaction() as session:
        session["_user_id"] = str(who.id)
        session["_fresh"] = True
    assert client.get("/api/v1/auth/me").status_code == 401


def test_failures_of_one_account_are_limited_and_successes_are_not_counted(
    rest: Rest, ada: str
) -> None:
    for _ in range(3):
        login(rest, ada).ok()
    for _ in range(10):
        login(rest, ada, "wrong").refused(401, "bad_credentials")
    answer = login(rest, ada)
    answer.refused(429, "too_many_sign_ins")
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60


def test_one_account_too_many_does_not_stop_another(rest: Rest, ada: str) -> None:
    for _ in range(11):
        login(rest, "somebody", "wrong")
    login(rest, ada).ok()


@pytest.fixture(autouse=True)
def no_earlier_failures(app: Flask) -> None:
    sign_in_limit.forget_all()
