"""The page of an instance: where it stands, its history, and what is done to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.definition import service as definitions
from app.history.queries import events
from app.runtime import queries
from app.runtime import service as runtime
from app.task import service as tasks
from tests.support.office import CHOICE, NOW, REQUEST, Office
from tests.support.pages import Pages

Browser = Callable[..., Pages]

FORK: dict[str, Any] = {
    "name": "Fork",
    "key": "fork",
    "version": "1",
    "variables": {"amount": "number"},
    "steps": [
        {
            "id": "gate",
            "name": "How much?",
            "type": "exclusive_gateway",
            "config": {"conditions": [{"expression": "amount > 10", "next": "look"}]},
        },
        {"id": "look", "name": "Look", "type": "user_task", "config": {"assignee": "mei"}},
    ],
}


def status(office: Office, instance_id: int) -> str:
    """Return how an instance stands."""
    return str(queries.get(office.db, office["root"], instance_id, now=NOW)["status"])


def store(office: Office, document: dict[str, Any]) -> None:
    """Store another definition."""
    definitions.create(office.db, office["root"], json.dumps(document), known=None, now=NOW)


def test_it_tells_where_it_stands_and_how_it_came_there(browser: Browser, office: Office) -> None:
    number = office.start(amount=7, purpose="Chairs")
    page = browser("zhao").get(f"/instances/{number}").ok()
    page.says("Request", "R-1", "Running", "Offered to: finance_team", "Purpose Chairs")
    page.says("Started Zhao Min", "My requests").is_silent_about("Suspend", "Terminate")
    task = office.task_of(number, "approve")
    assert f'href="/tasks/{task}"' in page.text
    tasks.claim(office.engine, office["mei"], task, now=NOW)
    tasks.complete(
        office.engine,
        office["mei"],
        task,
        {"approved": True, "comments": "Fine."},
        comment="Looked twice.",
        now=NOW,
    )
    later = browser("zhao").get(f"/instances/{number}").ok()
    later.says("Approve (done) Chen Mei", "Pay (now)", "In charge: Li Wei")
    later.says("Approve: completed Chen Mei", "comments Fine.", "Looked twice.")


def test_only_those_who_take_part_or_may_read_see_it(browser: Browser, office: Office) -> None:
    number = office.start()
    for path in ("", "/history", "/terminate"):
        browser("stranger").get(f"/instances/{number}{path}").ok(404)
    for who in ("zhao", "mei", "li", "root"):
        browser(who).get(f"/instances/{number}").ok()
    browser("li").get("/instances/999999").ok(404)
    browser("li").get("/instances/99999999999999999999").ok(404)


def test_what_is_sensitive_is_masked(browser: Browser, office: Office) -> None:
    number = office.start(salary=4711)
    for path in ("", "/history"):
        masked = browser("li").get(f"/instances/{number}{path}").ok()
        masked.is_silent_about("4,711", "4711").says("••••••")
    browser("root").get(f"/instances/{number}").ok().says("4,711")


@pytest.mark.parametrize("verb", ["suspend", "activate", "terminate"])
def test_steering_needs_the_right_and_the_token(
    browser: Browser, office: Office, verb: str
) -> None:
    number = office.start()
    if verb == "activate":
        runtime.suspend(office.engine, office["li"], number, now=NOW)
    before = status(office, number)
    browser("zhao").post(f"/instances/{number}/{verb}").ok(403)
    browser("stranger").post(f"/instances/{number}/{verb}").ok(404)
    browser("li").post(f"/instances/{number}/{verb}", token="").ok(400)
    assert status(office, number) == before


def test_it_is_steered_after_asking(browser: Browser, office: Office) -> None:
    number = office.start()
    pages, url = browser("li"), f"/instances/{number}"
    pages.get(f"{url}/suspend").ok().says("Suspend “Request”?", "Reason", "Cancel")
    assert status(office, number) == "running"
    pages.post(f"{url}/suspend", {"reason": " Audit "}).goes_to(url)
    pages.get(url).ok().says("“Request” is suspended.", "Suspended", "Resume", "Audit")
    pages.post(f"{url}/activate").goes_to(url)
    pages.get(url).ok().says("“Request” goes on.", "Running")
    pages.post(f"{url}/terminate", {"reason": "Twice"}).goes_to(url)
    page = pages.get(url).ok().says("“Request” is terminated.", "Terminated", "Twice", "Ended")
    assert f"{url}/terminate" not in page.text
    assert status(office, number) == "terminated"
    reasons = [
        line["data"]["reason"]
        for line in events(office.db, office["li"], number)
        if line["kind"] in ("instance.suspended", "instance.activated", "instance.terminated")
    ]
    assert reasons == ["Audit", None, "Twice"]


def test_asking_comes_as_a_dialog_with_htmx(browser: Browser, office: Office) -> None:
    number = office.start()
    part = browser("li").get(f"/instances/{number}/terminate", htmx=True).ok()
    part.says("Terminate “Request”?", "This cannot be undone.")
    assert part.text.lstrip().startswith('<dialog id="ask"')
    page = browser("li").get(f"/instances/{number}").ok()
    assert f'hx-get="/instances/{number}/terminate" hx-target="#dialogs"' in page.text


def test_a_reason_that_is_too_long_is_asked_again(browser: Browser, office: Office) -> None:
    number = office.start()
    reason = "x" * 2001
    page = browser("li").post(f"/instances/{number}/terminate", {"reason": reason}).ok(422)
    page.says("Reason : Use at most 2000 characters.", reason)
    assert status(office, number) == "running"


def test_what_has_ended_is_not_steered(browser: Browser, office: Office) -> None:
    number = office.start("choice")
    pages, url = browser("li"), f"/instances/{number}"
    pages.post(f"{url}/terminate")
    for verb in ("suspend", "activate"):
        page = pages.post(f"{url}/{verb}").ok(409)
        page.says("The instance is terminated; nothing can be changed any more.", "Decide")
    pages.post(f"{url}/terminate").goes_to(url)


def test_the_definition_may_let_people_end_their_own(browser: Browser, office: Office) -> None:
    store(office, CHOICE | {"version": "2", "settings": {"initiator_may_terminate": True}})
    number = office.start("choice")
    url = f"/instances/{number}"
    page = browser("zhao").get(url).ok().says("Terminate").is_silent_about("Suspend")
    assert f'href="{url}/terminate"' in page.text
    browser("mei").get(url).ok().is_silent_about("Terminate")
    browser("mei").post(f"{url}/terminate").ok(403)
    browser("zhao").post(f"{url}/terminate").goes_to(url)
    assert status(office, number) == "terminated"


def test_an_incident_is_told_and_tried_again(browser: Browser, office: Office) -> None:
    store(office, FORK)
    number = office.start("fork", amount=5)
    (trouble,) = queries.get(office.db, office["root"], number, now=NOW)["incidents"]
    retry = f"/incidents/{trouble['id']}/retry"
    seen = browser("zhao").get(f"/instances/{number}").ok()
    seen.says("How much? is stuck", "Incident", "Waits for help").is_silent_about("Try again")
    browser("zhao").post(retry).ok(403)
    browser("stranger").post(retry).ok(404)
    browser("li").post("/incidents/999999/retry").ok(404)
    browser("li").get(f"/instances/{number}").ok().says("Try again")
    browser("li").get("/instances?status=incident").ok().says("Fork", "Incident")
    runtime.set_variables(office.engine, office["li"], number, {"amount": 50}, now=NOW)
    browser("li").post(retry).goes_to(f"/instances/{number}")
    page = browser("li").get(f"/instances/{number}").ok()
    page.says("Look", "In charge: Chen Mei", "Values changed").is_silent_about("is stuck")
    browser("li").post(retry).ok(409).says("This incident is over")


def test_names_and_values_are_text_and_no_html(browser: Browser, office: Office) -> None:
    number = office.start(purpose="<img src=x onerror=alert(1)>")
    for path in ("", "/history"):
        page = browser("li").get(f"/instances/{number}{path}").ok()
        assert "<img src=x" not in page.text
    evil = REQUEST | {"key": "evil", "name": "<script>x()</script>", "start": {"title": "<i>T</i>"}}
    store(office, evil)
    number = office.start("evil")
    for path in ("/definitions", "/start", "/requests", f"/instances/{number}"):
        page = browser("zhao").get(path).ok()
        assert "<script>x" not in page.text
        assert "<i>T" not in page.text


def test_the_whole_history_has_pages(browser: Browser, office: Office) -> None:
    number = office.start()
    url = f"/instances/{number}/history"
    browser("zhao").get(url).ok().says("Started", "Task opened Approve", "Zhao Min", "task.opened")
    for _ in range(110):
        runtime.suspend(office.engine, office["li"], number, now=NOW)
        runtime.activate(office.engine, office["li"], number, now=NOW)
    pages = browser("zhao")
    first = pages.get(url).ok()
    following = first.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    last = pages.get(following).ok().says("To the beginning", "Suspended", "Li Wei")
    lines = first.text.count('<tr role="row">') + last.text.count('<tr role="row">') - 2
    assert lines == len(events(office.db, office["li"], number))
    pages.get(f"{url}?after=x").ok(400)
    pages.get(f"/instances/{number}").ok().says("earlier, and all details")
