"""What the dialog of a return says of other branches, and a start form filled in as before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from app.definition import service as definitions
from app.runtime import service as runtime
from app.task import service
from tests.support.office import NOW, Office
from tests.support.pages import Pages

Browser = Callable[[str | None], Pages]
SIDE: dict[str, Any] = {
    "name": "Side",
    "key": "side",
    "version": "1",
    "variables": {"secret": {"type": "string", "sensitive": True}},
    "start": {"form": {"why": "string", "secret": "string"}},
    "steps": [
        {
            "id": "ask",
            "name": "Ask",
            "type": "user_task",
            "config": {"assignee": "zhao"},
            "next": ["both"],
        },
        {"id": "both", "type": "parallel_gateway", "next": ["left", "right"]},
        {"id": "left", "name": "Left", "type": "user_task", "config": {"assignee": "li"}},
        {"id": "right", "name": "Right", "type": "user_task", "config": {"assignee": "mei"}},
    ],
}


def begun(office: Office) -> int:
    definitions.create(office.db, office["root"], json.dumps(SIDE), known=None, now=NOW)
    instance = office.start("side", why="Chairs", secret="x")
    service.complete(office.engine, office["zhao"], office.task_of(instance, "ask"), {}, now=NOW)
    return instance


def test_before_a_return_one_sees_what_it_would_cancel(browser: Browser, office: Office) -> None:
    task = office.task_of(begun(office), "left")
    page = browser("li").get(f"/tasks/{task}/return").ok()
    page.says("Return “Left”?", "Ask (Zhao Min)", "Start form (Zhao Min)")
    page.says("This also cancels what is under way beside it: Right.")
    page.is_silent_about("It comes straight back to me")


def test_who_was_at_work_beside_is_told_who_returned_what(browser: Browser, office: Office) -> None:
    instance = begun(office)
    right, left = (office.task_of(instance, step) for step in ("right", "left"))
    service.give_back(office.engine, office["li"], left, "ask", comment="Too dear", now=NOW)
    mei = browser("mei")
    page = mei.get(f"/tasks/{right}").ok().says("Li Wei returned “Left”", "this task has ended")
    page.is_silent_about("This task was withdrawn")
    told = mei.get("/notifications").ok()
    told.says("“Right” does not wait for you any more: Li Wei returned the request", "Too dear")
    shown = mei.get(f"/instances/{instance}").ok()
    shown.says("Right: ended, because “Left” was returned")
    shown.is_silent_about("Right: withdrawn")


def test_a_withdrawn_request_is_copied_as_a_new_one(browser: Browser, office: Office) -> None:
    instance = begun(office)
    runtime.withdraw(office.engine, office["zhao"], instance, now=NOW)
    pages = browser("zhao")
    page = pages.get(f"/instances/{instance}").ok().says("Withdrawn", "Copy as new")
    (link,) = [part for part in page.text.split('"') if "?copy=" in part]
    copied = pages.get(link).ok()
    assert 'value="Chairs"' in copied.control("f.why")
    assert "value=" not in copied.control("f.secret").replace('value=""', "")
    browser("stranger").get(link).ok(404)


def test_the_question_says_which_of_its_ends_a_withdrawal_has(
    browser: Browser, office: Office
) -> None:
    """By the definition: it ends, or its start form comes back, here one made of variables."""
    pages = browser("zhao")
    ends = pages.get(f"/instances/{begun(office)}/withdraw").ok()
    ends.says("Its open tasks are withdrawn, and it ends.").is_silent_about("comes back")
    document = {name: part for name, part in SIDE.items() if name != "start"}
    text = json.dumps(
        document | {"key": "other", "settings": {"withdraw": "start_form"}}, ensure_ascii=False
    )
    definitions.create(office.db, office["root"], text, known=None, now=NOW)
    instance = office.start("other", secret="x")
    url = f"/instances/{instance}/withdraw"
    pages.get(url).ok().says("the start form comes back to you", "Withdrawn once more from there")
    pages.post(url).goes_to(f"/instances/{instance}")
    pages.get(f"/instances/{instance}").ok().says("its start form is back with you", "Start form")
    task = f"/tasks/{office.task_of(instance, '@start')}"
    pages.get(task).ok().says("Start form", "secret")
    pages.post(f"{task}/complete", {"f.secret": "y"})
    assert office.task_of(instance, "ask")
    pages.get(url).ok().says("the start form comes back to you")
