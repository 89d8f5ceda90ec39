"""Making people, and who a name means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.db.tx import Database
from app.errors import Conflict, Forbidden, Invalid
from app.identity import queries, service
from app.identity.actor import SYSTEM, Actor
from app.identity.permissions import ALL
from app.identity.policy import ROLES, may_start, require

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def people(db: Database) -> Database:
    service.ensure_roles(db)
    for group in ("finance_team", "empty_team", "twin"):
        service.create_group(db, SYSTEM, name=group, now=NOW)
    for username, groups, roles in (
        ("mei", ["finance_team"], ["user"]),
        ("twin", ["twin"], ["user"]),
        ("boss", [], ["manager"]),
    ):
        service.create_user(
            db,
            SYSTEM,
            username=username,
            name=username.title(),
            groups=groups,
            roles=roles,
            now=NOW,
        )
    return db


def make(db: Database, actor: Actor = SYSTEM, **values: Any) -> Actor:
    given = {"username": "new", "name": "New Person", "now": NOW} | values
    return service.create_user(db, actor, **given)


@pytest.mark.parametrize(
    ("name", "users", "keys"),
    [
        ("mei", ("mei",), ("u:mei",)),
        ("MEI", ("mei",), ("u:mei",)),
        ("finance_team", (), ("g:finance_team",)),
        ("manager", (), ("r:manager",)),
        ("twin", ("twin",), ("u:twin",)),
        ("group:twin", (), ("g:twin",)),
        ("user:twin", ("twin",), ("u:twin",)),
        ("role:twin", (), ()),
        ("role:manager", (), ("r:manager",)),
        ("empty_team", (), ()),
        ("admin", (), ()),
        ("nobody", (), ()),
        ("", (), ()),
        ("a:b", (), ()),
    ],
)
def test_a_name_means_a_person_then_a_group_then_a_role(
    people: Database, name: str, users: tuple[str, ...], keys: tuple[str, ...]
) -> None:
    with people.transaction() as tx:
        assert queries.resolve(tx, name) == queries.Resolved(users, keys)


def test_an_inactive_person_is_nobody_and_empties_the_group(people: Database) -> None:
    with people.transaction() as tx:
        tx.run("update users set active = false where username in ('mei', 'twin')")
        assert queries.resolve(tx, "mei") == queries.Resolved()
        assert queries.resolve(tx, "finance_team") == queries.Resolved()
        # The name is the person's: the work does not go to a group that is called the same.
        assert queries.resolve(tx, "twin") == queries.Resolved()


def test_several_names_are_resolved_at_once(people: Database) -> None:
    with people.transaction() as tx:
        found = queries.resolve_all(
            tx, [("finance_team", None), ("mei", "user"), ("twin", "group"), ("mei", None)]
        )
    assert found == queries.Resolved(("mei",), ("g:finance_team", "u:mei", "g:twin"))


def test_known_names_and_display_names(people: Database) -> None:
    users, groups, roles = queries.known_names(people)
    assert users == {"mei", "twin", "boss"}
    assert groups == {"finance_team", "empty_team", "twin"}
    assert roles == set(ROLES)
    assert queries.display_names(people, ["mei", "gone", "mei"]) == {"mei": "Mei"}
    assert queries.display_names(people, []) == {}
    assert queries.group_titles(people, ["finance_team"]) == {"finance_team": "finance_team"}


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"username": ""}, [("username", "required")]),
        ({"username": "current_user"}, [("username", "reserved")]),
        ({"username": "ME"}, [("username", "reserved")]),
        ({"username": "a b"}, [("username", "wrong_form")]),
        ({"username": "group:x"}, [("username", "wrong_form")]),
        ({"username": "x" * 65}, [("username", "too_long")]),
        ({"name": " "}, [("name", "required")]),
        (
            {"groups": ["ghosts"], "roles": ["king"], "manager": "nobody"},
            [("groups", "unknown_name"), ("roles", "unknown_name"), ("manager", "unknown_name")],
        ),
        ({"language": "fr"}, [("language", "unknown_language")]),
    ],
)
def test_wrong_values_of_a_person_are_all_named(
    people: Database, values: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    with pytest.raises(Invalid) as refusal:
        make(people, **values)
    assert [(error.field, error.code) for error in refusal.value.errors] == wrong
    assert queries.display_names(people, ["new"]) == {}


def test_a_chinese_username_is_fine(people: Database) -> None:
    assert make(people, username="陈梅").username == "陈梅"


def test_a_username_is_given_once(people: Database) -> None:
    with pytest.raises(Conflict):
        make(people, username="Mei")


def test_only_an_administrator_makes_people_and_groups(people: Database) -> None:
    boss = service.actor_by_id(people, make(people, username="b2", roles=["manager"]).id)
    assert boss is not None
    with pytest.raises(Forbidden):
        make(people, boss)
    with pytest.raises(Forbidden):
        service.create_group(people, boss, name="mine", now=NOW)


def test_nobody_gives_a_role_with_more_than_they_have(people: Database) -> None:
    clerk = Actor(id=1, username="clerk", name="", permissions=frozenset({"user:admin"}))
    with pytest.raises(Forbidden, match="permissions that you do not have"):
        make(people, clerk, roles=["admin"])
    assert queries.display_names(people, ["new"]) == {}


def test_an_administrators_choice_of_password_is_checked(people: Database) -> None:
    admin = make(people, username="root", roles=["admin"])
    assert admin.permissions == ALL
    with pytest.raises(Invalid, match="marked"):
        make(people, admin, password="password123")
    assert make(people, admin, password="a-long-and-odd-one").username == "new"


def test_a_group_is_made_once_and_well_named(people: Database) -> None:
    with pytest.raises(Conflict):
        service.create_group(people, SYSTEM, name="finance_team", now=NOW)
    with pytest.raises(Invalid):
        service.create_group(people, SYSTEM, name="two words", now=NOW)


def test_the_builtin_roles_come_back_to_their_table(people: Database) -> None:
    with people.transaction() as tx:
        tx.run("update roles set permissions = '{}' where name = 'manager'")
    service.ensure_roles(people)
    assert make(people, roles=["manager"]).permissions == ROLES["manager"]


def test_require_names_the_missing_permission() -> None:
    user = Actor(id=1, username="u", name="", permissions=ROLES["user"])
    require(user, "task:work")
    with pytest.raises(Forbidden) as refusal:
        require(user, "process:write")
    assert refusal.value.extra == {"permission": "process:write"}
    with pytest.raises(ValueError, match="unknown permission"):
        require(user, "process:fly")


@pytest.mark.parametrize(
    ("starters", "may"),
    [([], True), (["g:sales"], True), (["u:zhao"], True), (["g:other", "r:admin"], False)],
)
def test_who_may_start(starters: list[str], may: bool) -> None:
    zhao = Actor(id=1, username="zhao", name="", groups=frozenset({"sales"}))
    assert may_start(zhao, starters) is may
    manager = Actor(id=2, username="m", name="", permissions=ROLES["manager"])
    assert may_start(manager, starters)
