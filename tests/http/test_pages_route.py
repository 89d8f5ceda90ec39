"""The likely way from a task on, as a part of its page and over REST."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.office import Office
from tests.support.pages import Pages
from tests.support.rest import Rest

Browser = Callable[..., Pages]


def test_the_page_asks_for_the_way_and_shows_it_in_words(browser: Browser, office: Office) -> None:
    task = office.open_task()
    pages = browser("mei")
    assert f'hx-post="/tasks/{task}/route"' in pages.get(f"/tasks/{task}").ok().text
    part = pages.post(f"/tasks/{task}/route", htmx=True).ok()
    part.says("“Yes” Pay · Li Wei The process is finished", "“No” Rework · Zhao Min")
    typed = pages.post(f"/tasks/{task}/route", {"f.approved": "true", "f.amount": "1,000"}).ok()
    typed.says("Pay · Li Wei").is_silent_about("Rework")


def test_who_cannot_decide_is_not_offered_a_way(browser: Browser, office: Office) -> None:
    task = office.open_task()
    pages = browser("zhao")
    assert "/route" not in pages.get(f"/tasks/{task}").ok().text
    assert pages.post(f"/tasks/{task}/route").ok().words == ""
    browser("stranger").post(f"/tasks/{task}/route").ok(404)


def test_rest_tells_the_same(office: Office, rest: Rest) -> None:
    task = office.open_task()
    answer = rest("mei", "POST", f"/tasks/{task}/route", {"variables": {"approved": True}}).ok()
    (way,) = answer["ways"]
    assert (way["outcome"], [stop["kind"] for stop in way["stops"]]) == ("true", ["next", "end"])
    assert way["stops"][0]["assignee"] == "li"
    assert rest("zhao", "POST", f"/tasks/{task}/route", {}).ok() == {"ways": []}
