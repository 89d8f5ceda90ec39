"""What an inbox is narrowed by, and what its rows tell of the business behind a task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.db.tx import Database
from app.definition import service as definitions
from app.errors import Malformed
from app.runtime import service as runtime
from app.task import filters, service
from app.task.choices import choices
from app.task.filters import Filters
from app.task.inbox import ORDERS, inbox
from app.task.queries import get, list_
from tests.support.office import NOW, Office, make_office

CLAIM: dict[str, Any] = {
    "name": "Claim",
    "key": "claim",
    "version": "1",
    "variables": {
        "amount": {"type": "number", "label": {"en": "Amount", "zh": "金额"}},
        "salary": {"type": "number", "sensitive": True},
        "kind": "string",
        "note": "string",
    },
    "start": {"form": {"kind": {"type": "select", "options": [{"value": "t", "label": "Taxi"}]}}},
    "steps": [
        {
            "id": "check",
            "name": "Check",
            "type": "user_task",
            "config": {
                "candidate_groups": ["finance_team", "sales"],
                "summary": ["amount", "salary", "kind", "note"],
            },
        }
    ],
}


@pytest.fixture
def office(db: Database) -> Office:
    made = make_office(db)
    definitions.create(db, made["root"], json.dumps(CLAIM), known=None, now=NOW)
    return made


def found(office: Office, by: str = "mei", tab: Any = "todo", **asked: Any) -> list[int]:
    more: Mapping[str, Any] = {"now": NOW, "order": "oldest"} | asked
    return [item["id"] for item in inbox(office.db, office[by], tab, **more).items]


def change(office: Office, task: int, **columns: Any) -> None:
    pairs = ", ".join(f"{name} = %({name})s" for name in columns)
    with office.db.transaction() as tx:
        tx.run(f"update tasks set {pairs} where id = %(id)s", columns | {"id": task})


def claim_form(office: Office, **variables: Any) -> int:
    return office.task_of(office.start("claim", kind="t", **variables), "check")


def test_each_filter_leaves_what_fits(office: Office) -> None:
    request, choice = office.open_task(), office.task_of(office.start("choice"), "decide")
    claim = claim_form(office)
    change(office, request, priority=80)
    change(office, choice, priority=20)
    for given, expected in (
        ({"process": "claim"}, [claim]),
        ({"process": "nothing"}, []),
        ({"step": "decide"}, [choice]),
        ({"group": "sales"}, [claim]),
        ({"priority": "urgent"}, [request]),
        ({"priority": "normal"}, [claim]),
        ({"priority": "low"}, [choice]),
        ({"priority": "low", "process": "request"}, []),
        ({}, [request, choice, claim]),
    ):
        assert found(office, filters=filters.read(given)) == expected, given


@pytest.mark.parametrize(
    ("field", "op", "value", "fits"),
    [
        ("amount", None, "1,250.5", True),
        ("amount", "is", "125", False),
        ("amount", "least", "1250.50", True),
        ("amount", "least", "1251", False),
        ("amount", "most", "1250", False),
        ("amount", "most", "much", False),
        ("note", "is", "TAXI", True),
        ("note", "least", "Ta", True),
        ("note", "most", "Sa", False),
        ("kind", "is", "taxi", True),
        ("kind", "is", "label", False),
        ("salary", "is", "9000", False),
        ("nothing", "is", "1", False),
        ("amount", "is", " ", True),
    ],
)
def test_business_data_is_compared_by_its_type(
    office: Office, field: str, op: str | None, value: str, fits: bool
) -> None:
    task = claim_form(office, amount=Decimal("1250.50"), salary=9000, note="Taxi to the fair")
    given = filters.read({"field": field, "op": op, "value": value})
    assert found(office, filters=given) == ([task] if fits else [])
    listed = list_(office.db, office["mei"], **given.named, now=NOW)
    assert [each["id"] for each in listed.items] == ([task] if fits else [])
    assert found(office, filters=given, q="taxi") == ([task] if fits else [])


def test_filters_fit_ones_own_tasks_and_those_that_are_done_too(office: Office) -> None:
    request, claim = office.open_task(), claim_form(office)
    for task in (request, claim):
        service.claim(office.engine, office["mei"], task, now=NOW)
    only = Filters(process="claim")
    assert found(office, filters=only) == [claim]
    service.complete(office.engine, office["mei"], claim, {}, now=NOW)
    service.complete(office.engine, office["mei"], request, {"approved": True}, now=NOW)
    assert sorted(found(office, tab="done")) == [request, claim]
    assert found(office, tab="done", filters=only) == [claim]


def test_pages_of_a_narrowed_list_follow_each_other(office: Office) -> None:
    tasks = [office.open_task() for _ in range(5)]
    claim_form(office)
    only = Filters(process="request")
    for order in ORDERS:
        seen: list[int] = []
        after = None
        for _ in range(3):
            page = inbox(
                office.db,
                office["mei"],
                "todo",
                filters=only,
                size=2,
                after=after,
                order=order,
                now=NOW,
            )
            seen += [item["id"] for item in page.items]
            after = page.next
        assert sorted(seen) == tasks, order
        assert after is None


@pytest.mark.parametrize(
    ("due", "zone", "minutes", "fits"),
    [
        ("overdue", "UTC", -1, True),
        ("overdue", "UTC", 0, False),
        ("today", "UTC", -600, True),
        ("today", "UTC", 15 * 60 - 1, True),
        ("today", "UTC", 15 * 60, False),
        # Nine in the morning is five in the afternoon there: the day ends sooner.
        ("today", "Asia/Shanghai", 7 * 60 - 1, True),
        ("today", "Asia/Shanghai", 7 * 60, False),
        ("week", "UTC", (6 * 24 + 15) * 60 - 1, True),
        ("week", "UTC", (6 * 24 + 15) * 60, False),
    ],
)
def test_days_are_the_readers(
    office: Office, due: Any, zone: str, minutes: int, fits: bool
) -> None:
    task = office.open_task()
    change(office, task, due_at=NOW + timedelta(minutes=minutes))
    narrowed = found(office, filters=Filters(due=due), zone=ZoneInfo(zone), order="due")
    assert (narrowed == [task]) is fits


def test_a_day_is_as_long_as_the_clocks_make_it() -> None:
    """The last Sunday of October has 25 hours in Berlin."""
    begin = datetime(2026, 10, 25, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    end = filters.bound("today", begin.astimezone(UTC), ZoneInfo("Europe/Berlin"))
    assert end - begin.astimezone(UTC) == timedelta(hours=24, minutes=30)


def test_a_task_without_a_date_is_never_due(office: Office) -> None:
    change(office, office.open_task(), due_at=None)
    for due in filters.DUES:
        assert found(office, filters=Filters(due=due)) == []


def test_what_stood_still_before_it_was_late_is_not_late(office: Office) -> None:
    before, after = (office.start() for _ in range(2))
    late = NOW + timedelta(hours=5)
    runtime.suspend(office.engine, office["li"], before, now=NOW)
    runtime.suspend(office.engine, office["li"], after, now=NOW + timedelta(hours=3))
    asked = replace(filters.NONE, due="overdue")
    assert found(office, filters=asked, now=late) == [office.task_of(after, "approve")]
    shown = inbox(office.db, office["mei"], "todo", filters=asked, now=late).items
    assert [item["overdue"] for item in shown] == [True]


@pytest.mark.parametrize("given", [{"due": "soon"}, {"priority": "80"}, {"step": "x" * 256}])
def test_an_unknown_word_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(Malformed) as refused:
        filters.read(given)
    assert refused.value.code == "bad_filter"


def test_the_choices_are_those_of_the_tab(office: Office) -> None:
    office.open_task()
    offered = choices(office.db, office["mei"], "todo")
    assert [key for key, _ in offered.processes] == ["request"]
    assert [(key, step) for key, step, _ in offered.steps] == [("request", "approve")]
    assert list(offered.groups) == [("finance_team", "finance_team")]
    assert offered.process("request") == {"en": "Request", "zh": "申请"}
    assert choices(office.db, office["mei"], "done").processes == []
    assert choices(office.db, office["stranger"], "todo").steps == []


def test_a_row_tells_the_values_that_its_step_names(office: Office) -> None:
    claim_form(office, amount=Decimal("1250.50"), salary=9000)

    def told(by: str) -> list[tuple[Any, ...]]:
        (item,) = inbox(office.db, office[by], "todo", now=NOW).items
        return [(each["name"], each["type"], each["value"]) for each in item["summary"]]

    plain = [("amount", "number", Decimal("1250.50")), ("kind", "string", "t")]
    assert told("mei") == plain
    root = replace(office["root"], groups=frozenset({"sales"}))
    (item,) = inbox(office.db, root, "todo", now=NOW).items
    assert [each["name"] for each in item["summary"]] == ["amount", "salary", "kind"]
    (amount, _, kind) = item["summary"]
    assert amount["label"] == {"en": "Amount", "zh": "金额"}
    assert kind["options"] == [{"value": "t", "label": "Taxi"}]


def test_a_task_without_a_summary_tells_nothing(office: Office) -> None:
    office.open_task(amount=7)
    (item,) = inbox(office.db, office["mei"], "todo", now=NOW).items
    assert item["summary"] == []


def test_a_task_tells_the_same_as_its_row(office: Office) -> None:
    task = claim_form(office, amount=7, salary=9000)
    (item,) = inbox(office.db, office["mei"], "todo", now=NOW).items
    assert get(office.db, office["mei"], task, now=NOW)["summary"] == item["summary"] != []


@pytest.mark.parametrize(
    ("q", "fits"),
    [("1250", True), ("taxi to", True), ("9000", False), ("amount", False), ("axi", True)],
)
def test_a_search_covers_what_rows_show_but_nothing_sensitive(
    office: Office, q: str, fits: bool
) -> None:
    office.open_task(amount=Decimal("1250.50"), salary=9000)  # its step names nothing
    task = claim_form(office, amount=Decimal("1250.50"), salary=9000, note="Taxi to the fair")
    for tab in ("todo", "done"):
        assert found(office, q=q, tab=tab) == ([task] if fits else [])
        if tab == "todo":
            service.complete(office.engine, office["mei"], task, {}, now=NOW)
