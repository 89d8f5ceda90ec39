"""Lists: every row once and in order, whatever happens between two pages; capped counts."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.db import paging
from app.db.paging import Page, Sort, decode_cursor, encode_cursor, like, paged
from app.db.schema import tasks as t
from app.db.tx import Database
from app.errors import Malformed
from app.runtime import listing
from app.task import queries, service
from tests.db.conftest import Lab
from tests.support.office import NOW

WIDE = sa.select(t.c.id, t.c.due_at, t.c.priority, t.c.step)
SORTS = {
    f"{'-' if down else ''}{column.name}": Sort(
        column, t.c.id, kind, column.name, descending=down, nullable=bool(column.nullable)
    )
    for column, kind in ((t.c.id, int), (t.c.due_at, datetime), (t.c.priority, int))
    for down in (False, True)
}


@pytest.fixture
def twelve(lab: Lab) -> Lab:
    """Twelve tasks with ties: each third without a due date, two of each priority."""
    for number in range(12):
        task = lab.task(lab.start("request"), "approve")
        due = None if number % 3 == 0 else NOW + timedelta(hours=number // 2)
        with lab.db.transaction() as tx:
            tx.run(
                "update tasks set due_at = %(due)s, priority = %(priority)s where id = %(id)s",
                {"id": task, "due": due, "priority": number // 2},
            )
    return lab


def page(db: Database, sort: Sort, **window: Any) -> Page[dict[str, Any]]:
    with db.transaction() as tx:
        given = {"page": 1, "size": 5} | window
        return paged(tx, WIDE, sort, dict, listed=WIDE, **given)


def walked(db: Database, sort: Sort, size: int) -> list[dict[str, Any]]:
    found, after = [], None
    while True:
        one = page(db, sort, size=size, after=after)
        found += one.items
        after = one.next
        if after is None:
            return found


@pytest.mark.parametrize("name", sorted(SORTS))
@pytest.mark.parametrize("size", [1, 4, 12])
def test_pages_give_every_row_once_in_order(twelve: Lab, name: str, size: int) -> None:
    sort = SORTS[name]
    with twelve.db.transaction() as tx:
        whole = [dict(row) for row in tx.conn.execute(WIDE.order_by(*sort.order())).mappings()]
    assert len(whole) == 12
    values = [row[sort.name] for row in whole if row[sort.name] is not None]
    assert values == sorted(values, reverse=sort.descending)
    assert walked(twelve.db, sort, size) == whole
    numbered = [page(twelve.db, sort, page=number, size=size).items for number in (1, 2, 3)]
    assert [row for items in numbered for row in items] == whole[: 3 * size]


@pytest.mark.parametrize("name", ["-id", "due_at", "-priority"])
def test_what_comes_and_goes_between_pages_shifts_nothing(twelve: Lab, name: str) -> None:
    sort = SORTS[name]
    before = walked(twelve.db, sort, 12)
    first = page(twelve.db, sort, size=5)
    twelve.start("request")
    with twelve.db.transaction() as tx:
        tx.run("delete from tasks where id = any(%(ids)s)", {"ids": [first.items[4]["id"]]})
    second = page(twelve.db, sort, size=50, after=first.next)
    ids = [row["id"] for row in second.items]
    assert [number for number in ids if number in {row["id"] for row in before}] == [
        row["id"] for row in before[5:]
    ]


def test_the_count_is_exact_up_to_a_cap_and_then_says_so(
    twelve: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (page(twelve.db, SORTS["id"]).total, page(twelve.db, SORTS["id"]).pages) == (12, 3)
    for cap, total, estimate in ((12, 12, False), (11, 11, True)):
        monkeypatch.setattr(paging.count_capped, "__defaults__", (cap,))
        one = page(twelve.db, SORTS["id"])
        assert (one.total, one.total_is_estimate) == (total, estimate)


def test_an_empty_list_is_a_page(lab: Lab) -> None:
    one = page(lab.db, SORTS["id"])
    assert (one.items, one.total, one.pages, one.next) == ([], 0, 0, None)


def test_a_page_behind_the_last_is_empty(twelve: Lab) -> None:
    one = page(twelve.db, SORTS["id"], page=4)
    assert (one.items, one.total, one.next) == ([], 12, None)


@pytest.mark.parametrize(
    ("window", "code"),
    [
        ({"page": 0}, "bad_page"),
        ({"page": 10**7}, "bad_page"),
        ({"size": 0}, "bad_size"),
        ({"size": 201}, "bad_size"),
    ],
)
def test_a_window_out_of_range_is_refused(lab: Lab, window: dict[str, int], code: str) -> None:
    with pytest.raises(Malformed) as refused:
        page(lab.db, SORTS["id"], **window)
    assert refused.value.code == code


def forged(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


HOSTILE = [
    "é",
    "nonsense",
    "W" * 20_000,
    forged("[" * 5_000),
    *map(
        forged,
        (
            None,
            {},
            [],
            [1],
            [1, 2, 3, 4],
            [None, None],
            [None, None, None],
            [True, True],
            ["1", "2"],
            [1.5, 2],
            [2**63, 1],
            [1, -(2**63)],
            ["2026-01-01", 1],
            ["2026-01-01T00:00:00", 1],
            [[1], [2]],
        ),
    ),
]


@pytest.mark.parametrize("cursor", HOSTILE)
def test_a_foreign_cursor_is_refused_by_every_list(lab: Lab, cursor: str) -> None:
    lab.start("request")
    root = lab.office["root"]
    lists = [
        lambda: page(lab.db, SORTS["due_at"], after=cursor),
        lambda: listing.list_(lab.db, root, after=cursor),
        lambda: listing.incidents(lab.db, root, after=cursor),
        lambda: queries.list_(lab.db, root, sort="due_at", after=cursor, now=NOW),
        lambda: queries.inbox(lab.db, root, "todo", after=cursor, now=NOW),
        lambda: queries.inbox(lab.db, root, "done", after=cursor, now=NOW),
    ]
    codes = [code_of(call) for call in lists]
    assert set(codes) <= {"bad_cursor", None}
    assert codes.count(None) <= 2  # [1] fits the lists that are sorted by id alone


def code_of(call: Callable[[], object]) -> str | None:
    """Return what the call is refused with."""
    try:
        call()
    except Malformed as error:
        return error.code
    return None


@pytest.mark.parametrize("position", [(1,), (None, 7), (NOW, 7)])
def test_a_cursor_is_read_as_it_was_made(position: tuple[Any, ...]) -> None:
    kinds = (int,) if len(position) == 1 else (datetime, int)
    assert decode_cursor(encode_cursor(*position), *kinds, nullable=True) == position


@pytest.mark.parametrize("text", ["50%", "a_b", "back\\slash", "plain"])
def test_what_is_searched_for_is_taken_literally(lab: Lab, text: str) -> None:
    with lab.db.transaction() as tx:
        for candidate, found in ((f"x {text.upper()} y", True), ("5000 aXb backXslash", False)):
            row = tx.run(
                "select %(it)s ilike %(like)s as hit", {"it": candidate, "like": like(text)}
            )
            assert (row.fetchone() or {})["hit"] is found


# --- who is listed what ---------------------------------------------------------------


def test_people_are_listed_the_instances_they_take_or_took_part_in(lab: Lab) -> None:
    """Each way to take part, in each form of the query, and the page of one agrees."""
    ways = {
        "offered": lab.start("request", by="root"),
        "claimed": lab.start("request", by="root"),
        "completed": lab.start("request", by="root"),
        "withdrawn": lab.start("request", by="root"),
        "started": lab.start("request", by="mei"),
        "someone else's": lab.start("request", by="root"),
    }
    for way in ("claimed", "withdrawn"):
        service.claim(lab.engine, lab.office["mei"], lab.task(ways[way], "approve"), now=NOW)
    lab.operate("terminate", ways["withdrawn"])
    lab.complete(ways["completed"], "approve", approved=True)
    service.claim(
        lab.engine, lab.office["wang"], lab.task(ways["someone else's"], "approve"), now=NOW
    )
    mine = {number for way, number in ways.items() if way != "someone else's"}
    mei = lab.office["mei"]
    for filters in ({}, {"started_by": "root"}, {"process_definition_key": "request"}):
        listed = {row["id"] for row in listing.list_(lab.db, mei, **filters).items}
        assert listed == (mine - {ways["started"]} if "started_by" in filters else mine)
    assert listing.list_(lab.db, mei, process_definition_key="choice").items == []
    assert {row["id"] for row in listing.mine(lab.db, mei).items} == {ways["started"]}
    for number in ways.values():
        with lab.db.transaction() as tx:
            assert listing.access.may_see(tx, mei, number) is (number in mine)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"status": "running"}, "ab"),
        ({"status": "terminated"}, "c"),
        ({"business_key": "K_1"}, "a"),
        ({"q": "k_"}, "ac"),
        ({"q": "nothing"}, ""),
        ({"has_incident": True}, "b"),
        ({"has_incident": False}, "ac"),
        ({"started_after": NOW + timedelta(hours=1)}, "bc"),
        ({"started_before": NOW + timedelta(hours=1)}, "a"),
        ({"started_by": "li", "status": "running"}, "b"),
    ],
)
def test_instances_are_found_by(lab: Lab, filters: dict[str, Any], found: str) -> None:
    made = {"a": lab.start("request"), "b": 0, "c": 0}
    lab.later(hours=1)
    made["b"] = lab.start("request", by="li")
    made["c"] = lab.start("request")
    lab.operate("terminate", made["c"])
    with lab.db.transaction() as tx:
        for name, key in (("a", "K_1"), ("b", "KX1"), ("c", "K_2")):
            tx.run(
                "update process_instances set business_key = %(key)s,"
                " incident_count = %(count)s where id = %(id)s",
                {"id": made[name], "key": key, "count": int(name == "b")},
            )
    listed = listing.list_(lab.db, lab.office["root"], **filters)
    assert [row["id"] for row in listed.items] == [made[name] for name in reversed(found)]
    assert listed.total == len(found)
