"""The inbox of who stands in for others: what the rules say, however many tasks those have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from app.db.tx import Database
from app.identity.actor import Actor, StandIn
from app.task import access, inbox
from app.task.filters import NONE, Filters
from app.task.inbox import COUNT_CAP, ORDERS, InboxPage, Order
from tests.bench import copies
from tests.support.inbox_lists import in_order, to_the_end
from tests.support.office import NOW, Office, make_office

_TASKS: Final = 1_500
_SIZE: Final = 190
_LATER: Final = NOW + timedelta(hours=45)
# mei has nearly all of them; li's are older, and dates have ties and gaps. Some are offered to
# both by name, some to who stands in for them as well; some were started by who does.
_MIXED: Final = """
update tasks
   set assignee = case when id %% 10 < 7 then 'mei' when id %% 10 = 7 then 'li'
                       when id %% 50 = 8 then 'stranger' end,
       state = case when id %% 10 < 8 or id %% 50 = 8 then 'claimed' else 'open' end,
       candidates = case when id %% 10 < 9 then array['u:mei', 'u:li']
                         when id %% 20 = 9 then array['u:stranger', 'u:mei']
                         else array['g:finance_team'] end,
       barred = case when id %% 70 = 9 then array['stranger'] end,
       due_at = case when id %% 5 > 0 then %(now)s::timestamptz
                          + make_interval(hours => (id %% 9 * 20 + id %% 7)::int) end,
       priority = 40 + id %% 3 * 10,
       created_at = %(now)s::timestamptz + make_interval(mins => (id %% 3)::int)
"""
_ROWS: Final = """
select t.id, t.state, t.assignee, t.candidates, t.barred, t.due_at, t.priority, t.created_at,
       i.started_by, d.key as definition_key
  from tasks t join process_instances i on i.id = t.instance_id
  join process_definitions d on d.id = t.definition_id
"""
_FOR_MEI: Final = StandIn("mei", NOW + timedelta(days=9))
_FOR_LI: Final = StandIn("li", NOW + timedelta(days=9), NOW + timedelta(minutes=1))
_FOR_NOTHING: Final = StandIn("li", NOW + timedelta(days=9), None, frozenset({"other"}))


@pytest.fixture
def office(db: Database) -> Office:
    made = make_office(db)
    copies.make(db, made.start(), _TASKS - 1)
    with db.transaction() as tx:
        tx.run(_MIXED, {"now": NOW})
        tx.run("update process_instances set started_by = 'stranger' where id % 41 = 0")
        tx.run("analyze tasks")
    return made


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    inbox._first_walk.cache_clear()


def standing_in(office: Office, *for_: StandIn) -> Actor:
    return replace(office["stranger"], stands_in=for_)


def listed(
    office: Office, who: Actor, order: Order, filters: Filters = NONE, q: str | None = None
) -> list[int]:
    """Return the ids of all pages."""

    def page(after: str | None) -> InboxPage:
        return inbox.inbox(
            *(office.db, who, "todo"),
            q=q,
            filters=filters,
            order=order,
            size=_SIZE,
            after=after,
            now=_LATER,
        )

    return to_the_end(page, _SIZE)


def expected(office: Office, who: Actor, order: Order, *, urgent: bool = False) -> list[int]:
    """Return the ids as ``task.access`` says, sorted here."""
    with office.db.transaction() as tx:
        rows = list(tx.run(_ROWS))
    parts = [(_part(who, row), row) for row in rows if not urgent or row["priority"] > 50]
    return in_order(parts, order)


def _part(who: Actor, row: dict[str, Any]) -> int | None:
    if access.is_holder(who, row):
        return 0
    free = row["state"] == "open" and not access.is_barred(row, *access.deciding(who, row))
    return 1 if free and access.is_candidate(who, row) else None


def test_all_pages_are_what_the_rules_say(office: Office, walks: pytest.MonkeyPatch) -> None:
    many = standing_in(office, _FOR_MEI)
    assert inbox.inbox(office.db, many, "todo", now=_LATER).counts["mine"] == COUNT_CAP
    assert inbox.badge(office.db, many) == COUNT_CAP
    for order in ORDERS:
        assert listed(office, many, order) == expected(office, many, order), order
    urgent = Filters(priority="urgent")
    assert listed(office, many, "due", urgent) == expected(office, many, "due", urgent=True)
    assert listed(office, many, "due", q="nothing of this") == []
    walks.setattr(inbox, "_WALK", 300)
    assert listed(office, many, "due") == expected(office, many, "due")

    mei = office["mei"]  # the same ways find the tasks of who has as many themselves
    assert inbox.inbox(office.db, mei, "todo", now=_LATER).counts["mine"] == COUNT_CAP
    for order in ORDERS:
        assert listed(office, mei, order) == expected(office, mei, order), order

    some = standing_in(office, _FOR_LI, _FOR_NOTHING)
    for order in ORDERS:
        rules = expected(office, some, order)
        assert listed(office, some, order) == rules != [], order
    assert inbox.badge(office.db, some) == len(rules) < COUNT_CAP
    assert listed(office, some, "oldest", q="appro") == expected(office, some, "oldest")
