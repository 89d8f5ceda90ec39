"""Definitions: immutable versions, their life, who sees them and who may start them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.db.tx import Database
from app.definition import queries, service, version
from app.definition.cache import DefinitionCache
from app.definition.content import checksum_of
from app.definition.row import DefinitionRow
from app.errors import Conflict, Forbidden, Invalid, Malformed, NotFound
from app.identity import service as identity
from app.identity.actor import SYSTEM, Actor
from app.identity.permissions import ROLES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOSS = Actor(id=1, username="boss", name="Boss", permissions=ROLES["manager"])
USER = Actor(
    id=2,
    username="user",
    name="User",
    groups=frozenset({"sales"}),
    roles=frozenset({"user"}),
    permissions=ROLES["user"],
)


def document(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Request",
        "key": "request",
        "version": "1.0.0",
        "variables": {"amount": "number"},
        "steps": [
            {"id": "ask", "name": "Ask", "type": "user_task", "config": {"assignee": "boss"}}
        ],
    } | changes


def create(db: Database, actor: Actor = BOSS, **changes: Any) -> DefinitionRow:
    status = changes.pop("status", "active")
    row, _ = service.create(
        db, actor, json.dumps(document(**changes)), known=None, now=NOW, status=status
    )
    return row


def test_a_definition_is_stored_as_written(db: Database) -> None:
    source = json.dumps(document(name={"zh": "申请", "en": "Request"}), indent=3)
    row, new = service.create(db, BOSS, source, known=None, now=NOW)
    assert new
    assert (row.key, row.version, row.name, row.status) == ("request", "1.0.0", "申请", "active")
    assert row.names == {"zh": "申请", "en": "Request"}
    assert queries.get(db, BOSS, row.id) == row
    assert row.source == source
    assert (row.created_by, row.created_at) == ("boss", NOW)


def test_the_same_content_again_is_the_existing_row(db: Database) -> None:
    row = create(db)
    same = dict(reversed(document().items()))
    again, new = service.create(db, BOSS, json.dumps(same, indent=2), known=None, now=NOW)
    assert (again, new) == (row, False)


def test_another_content_of_a_version_is_refused_with_the_next_free_one(db: Database) -> None:
    create(db)
    create(db, version="1.0.1")
    with pytest.raises(Conflict) as refusal:
        create(db, description="changed")
    assert refusal.value.code == "version_exists"
    assert refusal.value.extra == {"next_version": "1.0.2"}
    assert "1.0.2" in str(refusal.value)


def test_exact_numbers_make_a_difference(db: Database) -> None:
    source = json.dumps(document()).replace('"number"', '{"type": "number", "default": 0.1}')
    service.create(db, BOSS, source, known=None, now=NOW)
    other = source.replace("0.1", "0.1000000000000000055511151231257827")
    with pytest.raises(Conflict):
        service.create(db, BOSS, other, known=None, now=NOW)


def test_errors_come_with_every_finding(db: Database) -> None:
    with pytest.raises(Invalid) as refusal:
        create(db, steps=[{"id": "a", "type": "user_task", "name": "A", "next": ["b", "c"]}])
    findings = refusal.value.extra["findings"]
    assert len(refusal.value.errors) == len([f for f in findings if f["severity"] == "error"])
    assert {"b", "c"} <= {word for each in findings for word in each["message"].split("“")} or any(
        "b" in each["message"] for each in findings
    )
    assert all({"line", "column", "pointer", "code"} <= set(each) for each in findings)
    assert queries.list_(db, BOSS).total == 0


def test_only_writers_write(db: Database) -> None:
    row = create(db)
    with pytest.raises(Forbidden):
        create(db, USER, version="2")
    for call in (service.publish, service.retire):
        with pytest.raises(Forbidden):
            call(db, USER, row.id, now=NOW)
    with pytest.raises(Forbidden):
        service.delete(db, USER, row.id)
    with pytest.raises(Forbidden):
        service.update_draft(db, USER, row.id, json.dumps(document()), known=None, now=NOW)


def test_a_draft_is_edited_then_published_then_retired(db: Database) -> None:
    row = create(db, status="draft")
    changed = service.update_draft(
        db, BOSS, row.id, json.dumps(document(version="1.1.0")), known=None, now=NOW
    )
    assert (changed.id, changed.version, changed.status) == (row.id, "1.1.0", "draft")
    with pytest.raises(Conflict, match="delete it"):
        service.retire(db, BOSS, row.id, now=NOW)
    for _ in range(2):
        assert service.publish(db, BOSS, row.id, now=NOW).status == "active"
    with pytest.raises(Conflict) as refusal:
        service.update_draft(db, BOSS, row.id, json.dumps(document()), known=None, now=NOW)
    assert refusal.value.code == "not_a_draft"
    for _ in range(2):
        assert service.retire(db, BOSS, row.id, now=NOW).status == "retired"
    assert service.publish(db, BOSS, row.id, now=NOW).status == "active"


def test_a_draft_cannot_take_a_version_that_exists(db: Database) -> None:
    create(db)
    draft = create(db, version="2.0.0", status="draft")
    with pytest.raises(Conflict) as refusal:
        service.update_draft(
            db, BOSS, draft.id, json.dumps(document(description="x")), known=None, now=NOW
        )
    assert refusal.value.extra == {"next_version": "1.0.1"}
    assert queries.get(db, BOSS, draft.id) == draft


def test_what_was_never_started_can_be_deleted(db: Database) -> None:
    row = create(db)
    service.delete(db, BOSS, row.id)
    for call in (queries.get, service.delete):
        with pytest.raises(NotFound):
            call(db, BOSS, row.id)


def test_what_was_started_is_kept(db: Database) -> None:
    row = create(db)
    with db.transaction() as tx:
        tx.run(
            """
            insert into process_instances (definition_id, title, status, state, variables,
                   started_by, started_at, history_seq, history_hash)
            values (%(id)s, '', 'running', '{}', '{}', 'boss', %(now)s, 0, '')
            """,
            {"id": row.id, "now": NOW},
        )
    with pytest.raises(Conflict) as refusal:
        service.delete(db, BOSS, row.id)
    assert refusal.value.code == "in_use"


# --- reading --------------------------------------------------------------------------


def test_versions_sort_by_their_numbers(db: Database) -> None:
    for number in ("1.9.0", "1.10.0", "1.2.0", "draft", "2.0.0"):
        create(db, version=number)
    service.retire(db, BOSS, queries.list_(db, BOSS, latest=True).items[0].id, now=NOW)
    listed = [row.version for row in queries.versions(db, BOSS, "request")]
    assert listed == ["2.0.0", "1.10.0", "1.9.0", "1.2.0", "draft"]
    assert [row.version for row in queries.startable(db, USER)] == ["1.10.0"]


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.9.0", "1.10.0"),
        ("1.0", "1.0.0"),
        ("v1", "v2"),
        ("1.0.0", "1.0.0-beta"),
        ("1.0-beta", "1.0.0"),
        ("draft", "0.1"),
        ("9" * 30, "1" + "0" * 30),
        ("01", "2"),
    ],
)
def test_version_order(lower: str, higher: str) -> None:
    assert version.order(lower) < version.order(higher)


@pytest.mark.parametrize(
    ("given", "taken", "expected"),
    [
        ("1.0.0", [], "1.0.1"),
        ("1.0.0", ["1.0.1", "1.0.2"], "1.0.3"),
        ("v3", ["v4"], "v5"),
        ("2026-03", [], "2027"),
        ("draft", [], "draft-2"),
        ("draft", ["draft-2"], "draft-3"),
        ("", [], "-2"),
    ],
)
def test_next_free_version(given: str, taken: list[str], expected: str) -> None:
    assert version.next_free(given, taken) == expected


def test_people_see_what_they_may_start(db: Database) -> None:
    everyone = create(db, key="a")
    ours = create(db, key="b", start={"who": ["group:sales"]})
    mine = create(db, key="c", start={"who": ["user:user"]})
    theirs = create(db, key="d", start={"who": ["group:finance"]})
    draft = create(db, key="e", status="draft")
    visible = [everyone.id, ours.id, mine.id]
    assert [row.id for row in queries.list_(db, USER).items] == visible
    assert [row.id for row in queries.startable(db, USER)] == visible
    assert len(queries.list_(db, BOSS).items) == 5
    for hidden in (theirs, draft):
        assert queries.get(db, BOSS, hidden.id).id == hidden.id
        with pytest.raises(NotFound):
            queries.get(db, USER, hidden.id)


def test_a_plain_name_in_who_means_a_person_then_a_group(db: Database) -> None:
    identity.ensure_roles(db)
    identity.create_group(db, SYSTEM, name="sales", now=NOW)
    identity.create_user(db, SYSTEM, username="zhao", name="Z", groups=["sales"], now=NOW)
    row = create(db, start={"who": ["zhao", "sales", "nobody"]})
    assert row.starters == ("u:zhao", "g:sales", "u:nobody", "g:nobody", "r:nobody")


def test_a_newer_version_hides_the_older_even_from_whom_it_is_closed_to(db: Database) -> None:
    create(db)
    create(db, version="2.0.0", start={"who": ["group:finance"]})
    assert queries.startable(db, USER) == []


def test_lists_filter_and_page(db: Database) -> None:
    create(db, key="a", name={"en": "Leave 100%", "zh": "请假"})
    create(db, key="b", name="Expense")
    create(db, key="b", name="Expense", version="2.0.0")
    assert [row.key for row in queries.list_(db, BOSS, name="请").items] == ["a"]
    assert [row.key for row in queries.list_(db, BOSS, name="0%").items] == ["a"]
    assert queries.list_(db, BOSS, name="_eave").items == []
    assert [row.version for row in queries.list_(db, BOSS, key="b").items] == ["2.0.0", "1.0.0"]
    latest = queries.list_(db, BOSS, latest=True)
    assert [(row.key, row.version) for row in latest.items] == [("b", "2.0.0"), ("a", "1.0.0")]
    assert latest.items[0].source == ""
    page = queries.list_(db, BOSS, page=2, size=2)
    assert (len(page.items), page.total, page.pages, page.total_is_estimate) == (1, 3, 2, False)
    assert queries.list_(db, BOSS, status="draft").total == 0
    for wrong in ({"status": "gone"}, {"page": 0}, {"size": 201}):
        with pytest.raises(Malformed):
            queries.list_(db, BOSS, **wrong)  # type: ignore[arg-type]  # wrong on purpose


# --- compiled once --------------------------------------------------------------------


def test_a_published_definition_is_compiled_once(db: Database) -> None:
    cache = DefinitionCache()
    row, draft = create(db), create(db, key="d", status="draft")
    with db.transaction() as tx:
        assert cache.get(tx, row.id) is cache.get(tx, row.id, row.checksum)
        assert cache.get(tx, row.id).key == "request"
        assert cache.get(tx, draft.id) is not cache.get(tx, draft.id)
        kept = cache.get(tx, row.id)
        assert cache.get(tx, row.id, "another database's") is not kept
        with pytest.raises(NotFound):
            cache.get(tx, row.id + 1000)


def test_the_cache_is_bounded(db: Database) -> None:
    cache = DefinitionCache(capacity=2)
    first, *others = (create(db, key=key) for key in "abc")
    with db.transaction() as tx:
        kept = cache.get(tx, first.id)
        for row in others:
            cache.get(tx, row.id)
        assert cache.get(tx, first.id) is not kept


def test_what_exists_is_known(db: Database) -> None:
    identity.ensure_roles(db)
    identity.create_group(db, SYSTEM, name="sales", now=NOW)
    known = service.known(db, frozenset({"A.b"}))
    assert (known.groups, known.roles) == ({"sales"}, set(ROLES))
    assert known.services == {"A.b"}


def test_the_order_of_what_is_set_is_content_and_that_of_other_keys_is_not() -> None:
    one = {"id": "s", "type": "script", "config": {"set": {"a": "${1}", "b": "${a}"}}}
    other = {"type": "script", "id": "s", "config": {"set": {"a": "${1}", "b": "${a}"}}}
    swapped = {"id": "s", "type": "script", "config": {"set": {"b": "${a}", "a": "${1}"}}}
    assert checksum_of({"steps": [one]}) == checksum_of({"steps": [other]})
    assert checksum_of({"steps": [one]}) != checksum_of({"steps": [swapped]})
