"""What lists of tasks show, to whom, in which order."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.tx import Database
from app.definition.sensitive import MASK
from app.errors import Conflict, Forbidden, Malformed, NotFound
from app.task import queries, service
from tests.support.office import NOW, Office, make_office

LATER = NOW + timedelta(hours=3)


@pytest.fixture
def office(db: Database) -> Office:
    return make_office(db)


def inbox(office: Office, by: str, tab: Any = "todo", **filters: Any) -> queries.InboxPage:
    return queries.inbox(office.db, office[by], tab, **({"now": NOW} | filters))


def ids(page: Any) -> list[int]:
    return [item["id"] for item in page.items]


def all_pages(office: Office, by: str, size: int, **filters: Any) -> list[int]:
    found, after = [], None
    while True:
        page = inbox(office, by, size=size, after=after, **filters)
        assert len(page.items) <= size
        found += ids(page)
        after = page.next
        if after is None:
            return found


def test_mine_comes_before_what_i_could_claim(office: Office) -> None:
    first, second, third = (office.open_task() for _ in range(3))
    service.claim(office.engine, office["mei"], first, now=NOW)
    page = inbox(office, "mei")
    assert ids(page) == [first, third, second]
    assert [item["mine"] for item in page.items] == [True, False, False]
    assert page.counts == {"mine": 1, "claimable": 2, "done": 0}
    assert queries.badge(office.db, office["mei"]) == 3
    assert ids(inbox(office, "wang")) == [third, second]
    for nobody in ("zhao", "stranger", "root"):
        assert ids(inbox(office, nobody)) == []


def test_done_shows_what_i_completed_the_latest_first(office: Office) -> None:
    first, second = office.open_task(), office.open_task()
    for minutes, task_id in enumerate((second, first)):
        service.complete(
            office.engine,
            office["mei"],
            task_id,
            {"approved": True},
            now=NOW + timedelta(minutes=minutes),
        )
    assert ids(inbox(office, "mei", "done")) == [first, second]
    page = inbox(office, "mei", "done", size=1)
    assert ids(page) == [first]
    assert ids(inbox(office, "mei", "done", size=1, after=page.next)) == [second]
    assert page.counts["done"] == 2
    assert ids(inbox(office, "wang", "done")) == []


@pytest.mark.parametrize("order", ["newest", "oldest", "due", "priority"])
@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_paging_shows_every_task_once(office: Office, order: str, size: int) -> None:
    tasks = [office.open_task() for _ in range(7)]
    with office.db.transaction() as tx:
        for task_id in tasks[::2]:
            tx.run(
                "update tasks set due_at = null, priority = 70 where id = %(id)s",
                {"id": task_id},
            )
        for task_id in tasks[2:5]:
            tx.run(
                "update tasks set state = 'claimed', assignee = 'mei' where id = %(id)s",
                {"id": task_id},
            )
    paged = all_pages(office, "mei", size, order=order)
    assert sorted(paged) == tasks
    assert set(paged[:3]) == set(tasks[2:5])
    assert paged == ids(inbox(office, "mei", size=50, order=order))


def test_the_due_come_first_and_those_without_a_date_last(office: Office) -> None:
    never, late, soon = (office.open_task() for _ in range(3))
    due = {never: None, late: NOW + timedelta(days=2), soon: NOW + timedelta(days=1)}
    with office.db.transaction() as tx:
        for task_id, moment in due.items():
            tx.run(
                "update tasks set due_at = %(at)s where id = %(id)s",
                {"id": task_id, "at": moment},
            )
    assert ids(inbox(office, "mei", order="due")) == [soon, late, never]


@pytest.mark.parametrize(
    ("q", "found"),
    [("r-1", True), ("APPRO", True), ("审批", True), ("  ", True), ("%", False), ("_", False)],
)
def test_search_looks_into_title_business_key_and_step(office: Office, q: str, found: bool) -> None:
    task_id = office.open_task()
    with office.db.transaction() as tx:
        tx.run("update process_instances set title = 'Chairs'")
    assert ids(inbox(office, "mei", q=q)) == ([task_id] if found else [])


@pytest.mark.parametrize(
    "filters",
    [
        {"tab": "bin"},
        {"order": "random"},
        {"size": 0},
        {"size": 201},
        {"after": "nonsense"},
        {"after": "WzFd"},
        {"after": "eyJhIjoxfQ"},
        {"after": "é"},
        {"after": "W" * 10_000},
    ],
)
def test_what_an_inbox_cannot_be_asked(office: Office, filters: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        inbox(office, "mei", **filters)


def test_overdue_is_told_by_the_given_time(office: Office) -> None:
    office.open_task()
    assert [inbox(office, "mei", now=at).items[0]["overdue"] for at in (NOW, LATER)] == [
        False,
        True,
    ]


# --- one task -------------------------------------------------------------------------


def test_a_form_begins_with_the_variables_of_the_same_name(office: Office) -> None:
    task_id = office.open_task(amount=Decimal("12.50"), purpose="Chairs", extra={"a": 1})
    shown = queries.get(office.db, office["mei"], task_id, now=NOW)
    assert shown["values"] == {"approved": None, "comments": None, "amount": Decimal("12.50")}
    assert [(each["name"], each["value"]) for each in shown["variables"]] == [
        ("purpose", "Chairs"),
        ("extra", {"a": 1}),
    ]
    assert shown["variables"][0]["label"] == "Purpose"
    assert shown["people"]["zhao"] == "Zhao Min"
    assert shown["candidates"]["groups"] == ["finance_team"]


def test_a_yes_or_no_is_never_filled_in_from_before(office: Office) -> None:
    task_id = office.open_task(approved=True)
    assert queries.get(office.db, office["mei"], task_id, now=NOW)["values"]["approved"] is None


def test_a_sensitive_variable_is_masked(office: Office) -> None:
    task_id = office.open_task(salary=Decimal(5000))

    def salary(by: str) -> Any:
        shown = queries.get(office.db, office[by], task_id, now=NOW)
        return next(each["value"] for each in shown["variables"] if each["name"] == "salary")

    assert salary("mei") == MASK
    assert salary("li") == MASK
    assert salary("root") == Decimal(5000)


def test_the_verbs_follow_the_state(office: Office) -> None:
    task_id = office.open_task()

    def allowed(by: str) -> list[str]:
        return list(queries.get(office.db, office[by], task_id, now=NOW)["allowed"])

    assert allowed("mei") == ["claim", "complete", "comment", "attach"]
    assert allowed("zhao") == ["comment", "attach", "remind"]
    assert allowed("li") == ["assign", "comment", "attach", "remind"]
    service.claim(office.engine, office["mei"], task_id, now=NOW)
    own = ["release", "complete", "transfer", "delegate", "consult", "return"]
    own += ["comment", "attach", "cc"]
    assert allowed("mei") == own
    assert allowed("wang") == ["comment", "attach", "remind"]
    service.complete(office.engine, office["mei"], task_id, {"approved": True}, now=NOW)
    assert allowed("mei") == ["recall", "comment", "attach"]
    assert allowed("li") == ["comment", "attach"]


@pytest.mark.parametrize(
    ("by", "sees"),
    [
        ("mei", True),
        ("zhao", True),
        ("li", True),
        ("root", True),
        ("stranger", False),
    ],
)
def test_who_sees_a_task(office: Office, by: str, sees: bool) -> None:
    task_id = office.open_task()
    if sees:
        assert queries.get(office.db, office[by], task_id, now=NOW)["id"] == task_id
    else:
        with pytest.raises(NotFound):
            queries.get(office.db, office[by], task_id, now=NOW)


def test_who_was_only_offered_a_task_is_told_what_became_of_it_and_no_more(office: Office) -> None:
    instance = office.start(purpose="Chairs")
    task, db, wang = office.task_of(instance, "approve"), office.db, office["wang"]
    assert queries.get(db, wang, task, now=NOW)["variables"], "while they could take it, all"
    service.complete(office.engine, office["mei"], task, {"approved": True}, now=NOW)
    service.comment(office.engine, office["mei"], task, "Between us", now=NOW)
    shown = queries.get(db, wang, task, now=NOW)
    assert (shown["completed_by"], shown["values"]) == ("mei", {"approved": True})
    assert (shown["variables"], shown["comments"], shown["allowed"]) == ([], [], [])
    with pytest.raises(Forbidden, match="only those who take part"):
        service.comment(office.engine, wang, task, "And I?", now=NOW)
    with pytest.raises(Conflict, match="Chen Mei has completed this"):
        service.complete(office.engine, wang, task, {"approved": True}, now=NOW)
    with pytest.raises(NotFound):
        queries.get(db, wang, office.task_of(instance, "pay"), now=NOW)


# --- lists for REST -------------------------------------------------------------------


def listed(office: Office, by: str, **filters: Any) -> list[int]:
    page = queries.list_(office.db, office[by], **({"now": NOW} | filters))
    assert page.total == len(page.items)
    return sorted(ids(page))


def test_a_list_shows_the_own_and_with_task_read_everyones(office: Office) -> None:
    instance_id = office.start()
    one, other = office.task_of(instance_id, "approve"), office.open_task()
    service.complete(office.engine, office["mei"], one, {"approved": True}, now=NOW)
    pay = office.task_of(instance_id, "pay")
    assert listed(office, "root") == [other, pay]
    assert listed(office, "wang") == [other]
    assert listed(office, "stranger") == []
    assert listed(office, "mei", state="completed") == [one]
    assert listed(office, "wang", state="completed") == []
    assert listed(office, "root", state="completed") == [one]


def test_filters_narrow_the_list(office: Office) -> None:
    instance_id = office.start()
    task_id = office.task_of(instance_id, "approve")
    other = office.task_of(office.start("choice"), "decide")
    service.claim(office.engine, office["mei"], task_id, now=NOW)
    for filters, expected in (
        ({"assignee": "current_user"}, [task_id]),
        ({"assignee": "me"}, [task_id]),
        ({"assignee": "mei"}, [task_id]),
        ({"assignee": "wang"}, []),
        ({"candidate_user": "current_user"}, [other]),
        ({"candidate_user": "nobody"}, []),
        ({"candidate_group": "finance_team"}, [task_id, other]),
        ({"candidate_group": "sales"}, []),
        ({"process_instance_id": instance_id}, [task_id]),
        ({"process_definition_key": "choice"}, [other]),
        ({"step": "decide"}, [other]),
        ({"state": "open"}, [other]),
        ({"state": "claimed"}, [task_id]),
        ({"state": "cancelled"}, []),
        ({"due_before": LATER}, [task_id]),
        ({"due_before": NOW}, []),
        ({"q": "Decide"}, [other]),
    ):
        assert listed(office, "mei", **filters) == expected, filters
    assert listed(office, "root", candidate_user="wang") == [other]


@pytest.mark.parametrize("sort", sorted(queries.SORTS))
def test_every_sort_pages_by_number_and_by_cursor(office: Office, sort: str) -> None:
    tasks = [office.open_task() for _ in range(5)]
    by_number = [
        task_id
        for page in (1, 2, 3)
        for task_id in ids(
            queries.list_(office.db, office["root"], sort=sort, page=page, size=2, now=NOW)
        )
    ]
    by_cursor, after = [], None
    for _ in range(3):
        page = queries.list_(office.db, office["root"], sort=sort, size=2, after=after, now=NOW)
        by_cursor += ids(page)
        after = page.next
    assert after is None
    assert by_number == by_cursor
    assert sorted(by_number) == tasks
    assert (page.total, page.pages, page.total_is_estimate) == (5, 3, False)


@pytest.mark.parametrize(
    "filters", [{"state": "lost"}, {"sort": "name"}, {"page": 0}, {"size": 1000}]
)
def test_what_a_list_cannot_be_asked(office: Office, filters: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        queries.list_(office.db, office["root"], now=NOW, **filters)


def test_times_are_aware(office: Office) -> None:
    shown = queries.get(office.db, office["mei"], office.open_task(), now=NOW)
    moment: datetime = shown["due_at"]
    assert moment == NOW + timedelta(hours=2)
    assert moment.tzinfo is not None
