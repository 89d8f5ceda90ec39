"""Views of the inbox: kept, shared and deleted, by page and by REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.errors import Conflict, Invalid
from app.task import views
from tests.support.office import NOW, Office
from tests.support.pages import Pages
from tests.support.rest import Rest

Browser = Callable[..., Pages]


def names(office: Office, by: str) -> list[tuple[str, bool]]:
    return [(each["name"], each["mine"]) for each in views.list_(office.db, office[by])]


def keep(office: Office, by: str, name: str, **more: Any) -> dict[str, Any]:
    query = more.pop("query", {"step": "approve"})
    view, _ = views.save(office.db, office[by], name=name, query=query, now=NOW, **more)
    return view


def test_keeps_what_is_shown_and_comes_back_to_it(browser: Browser, office: Office) -> None:
    office.open_task()
    pages = browser("mei")
    pages.get("/inbox").ok().is_silent_about("Keep as a view")
    pages.get("/inbox?step=approve&q=chair").ok().says("Keep as a view")
    sent = {"name": "  My   approvals ", "tab": "todo", "step": "approve", "q": "chair"}
    pages.post("/inbox/views", sent).goes_to("/inbox?q=chair&step=approve")
    page = pages.get("/inbox?step=approve&q=chair").ok()
    page.says("The view “My approvals” is kept.", "Delete view").is_silent_about("Keep as a view")
    assert 'href="/inbox?tab=todo&amp;q=chair&amp;step=approve" aria-current="true"' in page.text
    other = pages.get("/inbox").ok().says("My approvals").is_silent_about("Delete view")
    assert 'aria-current="true"' not in other.text.split('id="tasks"')[1]


def test_a_name_is_used_once_and_the_later_filters_count(office: Office) -> None:
    first = keep(office, "mei", "Mine")
    view, made = views.save(
        office.db, office["mei"], name="Mine", query={"due": "today", "order": "newest"}, now=NOW
    )
    assert (view["id"], made) == (first["id"], False)
    assert view["query"] == {"due": "today", "order": "newest"}
    assert names(office, "mei") == [("Mine", True)]
    keep(office, "wang", "Mine")  # somebody else's has nothing to do with it
    assert names(office, "mei") == [("Mine", True)]


def test_own_views_come_first_then_those_that_are_shared(office: Office) -> None:
    keep(office, "li", "Late", shared=True)
    keep(office, "li", "Private")
    keep(office, "mei", "Zebra")
    assert names(office, "mei") == [("Zebra", True), ("Late", False)]
    assert names(office, "li") == [("Late", True), ("Private", True)]


def test_only_who_manages_work_can_share(browser: Browser, office: Office) -> None:
    office.open_task()
    assert 'name="shared"' not in browser("mei").get("/inbox?step=approve").ok().text
    assert 'name="shared"' in browser("li").get("/inbox?step=approve").ok().text
    pages = browser("mei")
    pages.post("/inbox/views", {"name": "x", "shared": "true"}).ok(403)
    assert names(office, "mei") == []


def test_deleting_one_leaves_the_others(browser: Browser, office: Office) -> None:
    own, shared = keep(office, "mei", "Own"), keep(office, "li", "Shared", shared=True)
    pages = browser("mei")
    pages.post(f"/inbox/views/{shared['id']}/delete").ok(403)
    pages.post(f"/inbox/views/{own['id']}/delete", {"step": "approve"}).goes_to(
        "/inbox?step=approve"
    )
    assert names(office, "mei") == [("Shared", False)]
    hidden = keep(office, "li", "Private")
    pages.post(f"/inbox/views/{hidden['id']}/delete").ok(404)
    browser("root").post(f"/inbox/views/{shared['id']}/delete").goes_to("/inbox")


def test_a_name_that_cannot_be_kept_is_asked_for_again(browser: Browser, office: Office) -> None:
    office.open_task()
    pages = browser("mei")
    for name, said in (("  ", "Give the view a name."), ("x" * 81, "Use at most 80 characters.")):
        page = pages.post("/inbox/views", {"name": name, "step": "approve"}).ok(422).says(said)
        assert page.text.count("data-row") == 1
        assert 'aria-invalid="true"' in page.control("name")
    assert names(office, "mei") == []


@pytest.mark.parametrize(
    "query", [{"due": "soon"}, {"order": "loud"}, {"tab": "other"}, {"step": "x" * 300}]
)
def test_filters_that_are_none_are_refused(office: Office, query: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        keep(office, "mei", "Mine", query=query)


def test_nobody_keeps_more_than_a_list_has_room_for(office: Office) -> None:
    for number in range(views.MOST):
        keep(office, "mei", f"View {number}")
    keep(office, "mei", "View 7", query={"due": "today"})
    with pytest.raises(Conflict):
        keep(office, "mei", "One more")
    assert len(names(office, "mei")) == views.MOST


def test_rest_keeps_lists_and_deletes(rest: Rest, office: Office) -> None:
    body = {"name": "Late", "query": {"due": "overdue", "order": "due"}, "shared": True}
    made = rest("li", "POST", "/task-views", body).ok(201)
    assert rest("li", "POST", "/task-views", body).ok(200) == made
    (seen,) = rest("mei", "GET", "/task-views").ok()["items"]
    assert (seen["owner"], seen["owner_name"], seen["mine"]) == ("li", "Li Wei", False)
    assert seen["query"] == body["query"]
    rest("mei", "DELETE", f"/task-views/{made['id']}").refused(403, "not_your_view")
    rest("mei", "POST", "/task-views", {"name": "a", "query": {"due": "x"}}).refused(
        422, "invalid_body"
    )
    rest("li", "DELETE", f"/task-views/{made['id']}").ok(204)
    rest("li", "DELETE", f"/task-views/{made['id']}").refused(404, "view_not_found")
