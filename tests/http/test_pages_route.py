"""The likely way from a task on, as a part of its page and over REST."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from app.definition import service as definitions
from tests.support.office import NOW, Office
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


def test_what_a_rule_decides_is_told_with_why(browser: Browser, office: Office, rest: Rest) -> None:
    steps: list[dict[str, Any]] = [
        {"id": "one", "config": {"assignee": "mei"}, "next": ["two"]},
        {"id": "two", "name": "Again", "config": {"assignee": "mei"}},
    ]
    for step in steps:
        step |= {"type": "user_task"}
        step["config"] |= {"form": {"ok": {"type": "boolean", "required": True}}}
    rules = {"approval": {"duplicate_approver": "auto_approve_consecutive"}}
    document = {"name": "Twice", "key": "twice", "version": "1", "steps": steps, "settings": rules}
    definitions.create(office.db, office["root"], json.dumps(document), known=None, now=NOW)
    task = office.task_of(office.start("twice"), "one")
    part = browser("mei").post(f"/tasks/{task}/route", {"f.ok": "true"}).ok()
    part.says(
        "Again · Chen Mei · approved automatically: the same person approved before"
        " The process is finished"
    )
    (way,) = rest("mei", "POST", f"/tasks/{task}/route", {"variables": {"ok": True}}).ok()["ways"]
    told = way["stops"][0]
    assert (told["kind"], told["rule"], told["approved"], told["assignee"]) == (
        *("decided", "duplicate_approver"),
        True,
        "mei",
    )
