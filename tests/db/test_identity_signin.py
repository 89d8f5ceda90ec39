"""Signing in, refresh tokens, passwords and preferences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.db.tx import Database
from app.errors import Invalid, Unauthenticated
from app.identity import service
from app.identity.actor import SYSTEM, Actor

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=7)


@pytest.fixture
def mei(db: Database) -> Actor:
    service.ensure_roles(db)
    service.create_group(db, SYSTEM, name="finance_team", title="Finance", now=NOW)
    service.create_user(db, SYSTEM, username="li", name="Li Wei", roles=["manager"], now=NOW)
    return service.create_user(
        db,
        SYSTEM,
        username="mei",
        name="Chen Mei",
        password="password123",
        groups=["finance_team"],
        roles=["user"],
        manager="li",
        now=NOW,
    )


def test_signing_in_gives_groups_roles_permissions_and_manager(db: Database, mei: Actor) -> None:
    actor = service.authenticate(db, "mei", "password123", now=NOW)
    assert actor == mei
    assert (actor.groups, actor.roles, actor.manager) == ({"finance_team"}, {"user"}, "li")
    assert actor.permissions == {"task:work"}
    assert actor.candidate_keys == ["u:mei", "g:finance_team", "r:user"]


@pytest.mark.parametrize("name", ["mei", " MEI ", "Mei"])
def test_a_username_is_compared_without_case(db: Database, mei: Actor, name: str) -> None:
    assert service.authenticate(db, name, "password123", now=NOW).id == mei.id


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("mei", "wrong"),
        ("mei", ""),
        ("nobody", "password123"),
        ("li", "password123"),  # has no password at all
        ("me\x00i", "password123"),
        ("mei", "\ud800"),
        ("mei", "x" * 100_000),
        ("' or 1=1 --", "password123"),
    ],
)
def test_every_refusal_is_the_same(db: Database, mei: Actor, username: str, password: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        service.authenticate(db, username, password, now=NOW)
    assert refusal.value.code == "bad_credentials"
    assert str(refusal.value) == (
        "The username or the password is wrong. Check both and try again."
    )


def test_someone_inactive_is_refused_like_a_wrong_password(db: Database, mei: Actor) -> None:
    with db.transaction() as tx:
        tx.run("update users set active = false where id = %(id)s", {"id": mei.id})
    with pytest.raises(Unauthenticated, match="username or the password"):
        service.authenticate(db, "mei", "password123", now=NOW)
    assert service.actor_by_id(db, mei.id) is None
    assert service.auth_epoch(db, mei.id) is None


def test_an_actor_is_found_by_id_with_the_epoch(db: Database, mei: Actor) -> None:
    assert service.actor_by_id(db, mei.id) == mei
    assert service.actor_and_epoch(db, mei.id) == (mei, 0)
    assert service.actor_by_id(db, mei.id + 1000) is None


def test_a_changed_password_ends_what_was_issued_before(db: Database, mei: Actor) -> None:
    service.store_refresh(db, mei.id, "r1", expires_at=LATER)
    service.change_password(db, mei, current="password123", new="correct horse battery", now=NOW)
    assert service.auth_epoch(db, mei.id) == 1
    with pytest.raises(Unauthenticated):
        service.rotate_refresh(db, "r1", "r2", now=NOW)
    assert service.authenticate(db, "mei", "correct horse battery", now=NOW)
    with pytest.raises(Unauthenticated):
        service.authenticate(db, "mei", "password123", now=NOW)


@pytest.mark.parametrize(
    ("current", "new", "field", "code"),
    [
        ("wrong", "correct horse battery", "current", "wrong_password"),
        ("password123", "short", "new", "too_short"),
        ("password123", "PasswordPassword", "new", "too_common"),
        ("password123", "abababababab", "new", "too_common"),
        ("password123", "x" * 2000, "new", "too_long"),
    ],
)
def test_a_password_that_cannot_be_taken_changes_nothing(
    db: Database, mei: Actor, current: str, new: str, field: str, code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        service.change_password(db, mei, current=current, new=new, now=NOW)
    assert [(error.field, error.code) for error in refusal.value.errors] == [(field, code)]
    assert service.authenticate(db, "mei", "password123", now=NOW)


def test_a_refresh_token_is_used_once_and_its_reuse_ends_the_family(
    db: Database, mei: Actor
) -> None:
    service.store_refresh(db, mei.id, "r1", expires_at=LATER)
    assert service.rotate_refresh(db, "r1", "r2", now=NOW) == mei.id
    assert service.rotate_refresh(db, "r2", "r3", now=NOW) == mei.id
    with pytest.raises(Unauthenticated):
        service.rotate_refresh(db, "r1", "stolen", now=NOW)
    with pytest.raises(Unauthenticated):
        service.rotate_refresh(db, "r3", "r4", now=NOW)


def test_another_sign_in_is_another_family(db: Database, mei: Actor) -> None:
    service.store_refresh(db, mei.id, "phone", expires_at=LATER)
    service.store_refresh(db, mei.id, "desk", expires_at=LATER)
    service.revoke_refresh(db, "phone", now=NOW)
    with pytest.raises(Unauthenticated):
        service.rotate_refresh(db, "phone", "phone2", now=NOW)
    assert service.rotate_refresh(db, "desk", "desk2", now=NOW) == mei.id


@pytest.mark.parametrize("jti", ["r1", "unknown"])
def test_an_old_or_unknown_refresh_token_is_refused(db: Database, mei: Actor, jti: str) -> None:
    service.store_refresh(db, mei.id, "r1", expires_at=NOW)
    with pytest.raises(Unauthenticated) as refusal:
        service.rotate_refresh(db, jti, "r2", now=NOW)
    assert refusal.value.code == "bad_refresh_token"


def test_signing_out_everywhere_ends_tokens_and_sessions(db: Database, mei: Actor) -> None:
    service.store_refresh(db, mei.id, "r1", expires_at=LATER)
    service.sign_out_everywhere(db, mei, now=NOW)
    assert service.auth_epoch(db, mei.id) == 1
    with pytest.raises(Unauthenticated):
        service.rotate_refresh(db, "r1", "r2", now=NOW)


def test_a_revoked_token_stays_revoked_until_it_is_pruned(db: Database, mei: Actor) -> None:
    assert not service.is_revoked(db, "a1")
    service.revoke(db, "a1", LATER)
    service.revoke(db, "a1", LATER)
    assert service.is_revoked(db, "a1")
    assert service.prune_tokens(db, now=NOW) == 0
    assert service.prune_tokens(db, now=LATER + timedelta(seconds=1)) == 1
    assert not service.is_revoked(db, "a1")


def test_preferences_are_stored(db: Database, mei: Actor) -> None:
    service.set_preferences(db, mei, language="zh", timezone="Asia/Shanghai")
    changed = service.actor_by_id(db, mei.id)
    assert changed is not None
    assert (changed.language, changed.timezone) == ("zh", "Asia/Shanghai")
    service.set_preferences(db, mei, language=None, timezone=None)
    assert service.actor_by_id(db, mei.id) == mei


def test_unknown_preferences_are_refused_together(db: Database, mei: Actor) -> None:
    with pytest.raises(Invalid) as refusal:
        service.set_preferences(db, mei, language="xx", timezone="../etc/passwd")
    assert [error.field for error in refusal.value.errors] == ["language", "timezone"]


def test_the_manuals_password_is_noticed(db: Database, mei: Actor) -> None:
    assert service.has_demo_password(db, "mei")
    assert not service.has_demo_password(db, "li")
    assert not service.has_demo_password(db)
