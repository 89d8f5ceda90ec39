"""Selecting rows of the inbox and doing the same with each, by page and by REST."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from app.definition import service as definitions
from app.task import service as tasks
from tests.support.office import NOW, Office
from tests.support.pages import Pages
from tests.support.rest import Rest
from tests.support.stored import everything, rows

Browser = Callable[..., Pages]


def states(office: Office) -> dict[int, str]:
    return {row["id"]: row["state"] for row in rows(office.db, "select id, state from tasks")}


def test_rows_that_something_can_be_done_with_can_be_selected(
    browser: Browser, office: Office
) -> None:
    free = office.open_task()
    page = browser("mei").get("/inbox?step=approve").ok().says("Decide together")
    assert re.findall(
        r'<input type="checkbox" name="ids" value="(\d+)" form="bulk"', page.text
    ) == [str(free)]
    assert re.search(r'<form id="bulk".*?name="step" value="approve"', page.text, re.DOTALL)
    assert 'name="ids"' not in browser("mei").get("/inbox?tab=done").ok().text


def test_claims_what_was_selected(browser: Browser, office: Office) -> None:
    ids = [office.open_task() for _ in range(3)]
    pages = browser("mei")
    sent = {"ids": ids[:2], "action": "claim", "q": "appr", "tab": "todo"}
    pages.post("/inbox/bulk", sent).goes_to("/inbox?tab=todo&q=appr")
    assert [states(office)[each] for each in ids] == ["claimed", "claimed", "open"]
    pages.get("/inbox").ok().says("2 tasks claimed.", "Mine 2")


def test_nothing_can_be_selected_among_what_is_done(browser: Browser, office: Office) -> None:
    done, passed = office.open_task(), office.open_task()
    tasks.complete(office.engine, office["mei"], done, {"approved": True}, now=NOW)
    tasks.claim(office.engine, office["mei"], passed, now=NOW)
    tasks.transfer(office.engine, office["mei"], passed, "wang", now=NOW)
    page = browser("mei").get("/inbox?tab=done").ok().says("transferred to Wang")
    assert "data-pick" not in page.text


def test_decides_by_groups_of_what_can_be_decided_alike(browser: Browser, office: Office) -> None:
    one, two = office.open_task(), office.open_task()
    choice = office.task_of(office.start("choice"), "decide")
    pages = browser("mei")
    asked = pages.post("/inbox/bulk", {"ids": [one, choice, two], "action": "complete"}).ok()
    asked.says("2 tasks of “Request”.", "1 task of “Choice”.", "Yes", "No", "left", "right")
    assert set(states(office).values()) == {"open"}
    first = asked.text[asked.text.index('id="group-1"') : asked.text.index('id="group-2"')]
    assert re.findall(r'name="(ids|rest)" value="(\d+)"', first) == [
        ("ids", str(one)),
        ("ids", str(two)),
        ("rest", str(choice)),
    ]
    sent = {"ids": [one, two], "rest": [choice], "outcome": "true", "comment": "All fine"}
    done = pages.post("/inbox/bulk/complete", sent).ok()
    done.says("2 tasks completed.", "Go on with 1 other").is_silent_about("Not done")
    said = rows(office.db, "select comment from tasks where state = 'completed'")
    assert said == [{"comment": "All fine"}] * 2
    pages.post("/inbox/bulk/complete", {"ids": [choice], "outcome": "left"}).goes_to("/inbox")
    pages.get("/inbox").ok().says("1 task completed.")


def test_what_was_not_done_is_told_with_the_reason(browser: Browser, office: Office) -> None:
    free, taken = office.open_task(), office.open_task()
    pages = browser("mei")
    pages.post("/inbox/bulk", {"ids": [free, taken], "action": "complete"}).ok()
    tasks.claim(office.engine, office["wang"], taken, now=NOW)
    page = pages.post("/inbox/bulk/complete", {"ids": [free, taken, 9999], "outcome": "true"}).ok()
    page.says("1 task completed.", "Not done", "Wang Fang has this task.", "There is no such task.")
    assert f'href="/tasks/{taken}"' in page.text
    asked = pages.post("/inbox/bulk", {"ids": [taken], "action": "complete"}).ok()
    asked.says("Not decided here", "Wang Fang has this task.", "To the inbox")


def test_what_one_has_can_be_passed_on_instead(browser: Browser, office: Office) -> None:
    mine, free = office.open_task(), office.open_task()
    tasks.claim(office.engine, office["mei"], mine, now=NOW)
    pages = browser("mei")
    asked = pages.post("/inbox/bulk", {"ids": [mine, free], "action": "complete"}).ok()
    asked.says("Transfer instead", "1 task that you have goes to somebody else for good.")
    nobody = {"ids": [mine], "to": "nobody.here", "comment": "On leave"}
    refused = pages.post("/inbox/bulk/transfer", nobody).ok(422)
    refused.says("There is nobody with the username nobody.here.", "On leave", "Transfer instead")
    refused = pages.post("/inbox/bulk/transfer", {"ids": [mine, free], "to": "mei"}).ok()
    refused.says("Not done", "You have this task already. Choose somebody else.")
    pages.post("/inbox/bulk/transfer", {"ids": [mine], "to": "wang"}).goes_to("/inbox")
    pages.get("/inbox").ok().says("1 task transferred.")


def test_rest_needs_to_be_told_to_whom(office: Office, rest: Rest) -> None:
    body = {"action": "transfer", "ids": [office.open_task()]}
    rest("mei", "POST", "/tasks/batch", body).refused(422, "invalid_body")


def test_a_comment_that_cannot_be_kept_is_asked_for_again(browser: Browser, office: Office) -> None:
    task = office.open_task()
    sent = {"ids": [task], "outcome": "true", "comment": "x" * 10_001}
    page = browser("mei").post("/inbox/bulk/complete", sent).ok(422)
    page.says("1 entry needs another look", "Use at most 10000 characters.")
    assert page.field("comment") == "x" * 10_001
    assert states(office)[task] == "open"


def test_nothing_selected_changes_nothing(browser: Browser, office: Office) -> None:
    office.open_task()
    pages = browser("mei")
    before = everything(office.db)
    pages.post("/inbox/bulk", {"action": "complete"}).goes_to("/inbox")
    pages.get("/inbox").ok().says("Select tasks in the list first.")
    assert everything(office.db) == before


@pytest.mark.parametrize("ids", [["x"], ["1" * 19], ["-1"], ["1"] * 201])
def test_a_selection_that_no_list_gave_is_refused(
    browser: Browser, office: Office, ids: list[str]
) -> None:
    pages = browser("mei")
    for address in ("/inbox/bulk", "/inbox/bulk/complete"):
        pages.post(address, {"ids": ids, "action": "claim", "outcome": "true"}).ok(400)


def test_rest_gives_each_its_result(office: Office, rest: Rest) -> None:
    free, taken = office.open_task(), office.open_task()
    tasks.claim(office.engine, office["wang"], taken, now=NOW)
    body = {"action": "complete", "ids": [free, taken], "variables": {"approved": True}}
    answer = rest("mei", "POST", "/tasks/batch", body).ok()
    assert (answer["done"], answer["failed"]) == (1, 1)
    assert [(each["id"], each["status"]) for each in answer["results"]] == [
        (free, 200),
        (taken, 409),
    ]
    assert answer["results"][1]["problem"]["code"] == "claimed_by_other"


def test_rest_repeats_the_answer_of_a_batch_that_was_sent_twice(office: Office, rest: Rest) -> None:
    ids = [office.open_task() for _ in range(2)]
    body = {"action": "complete", "ids": [*ids, 9999], "outcome": "false"}
    first, second = (
        rest("mei", "POST", "/tasks/batch", body, headers={"Idempotency-Key": "k"}).ok()
        for _ in range(2)
    )
    assert first == second
    assert (first["done"], first["failed"]) == (2, 1)


@pytest.mark.parametrize(
    "body",
    [
        {"action": "complete", "ids": []},
        {"action": "complete", "ids": [1] * 201},
        {"action": "delete", "ids": [1]},
        {"action": "claim"},
    ],
)
def test_rest_refuses_a_batch_that_is_none(rest: Rest, office: Office, body: object) -> None:
    rest("mei", "POST", "/tasks/batch", body).refused(422, "invalid_body")


def test_what_one_waits_for_is_reminded_of_together(browser: Browser, office: Office) -> None:
    started = [office.start() for _ in range(2)]
    pages = browser("zhao")
    pages.get("/requests").ok().says("Remind together")
    sent = {"instances": started, "list": "sent"}
    asked = pages.post("/inbox/bulk/remind", sent).ok()
    asked.says("Remind together", "finance_team", "They are told it too.")
    ids = re.findall(r'name="ids" value="(\d+)"', asked.text)
    assert len(ids) == 2
    pages.post("/inbox/bulk/remind", sent | {"ids": ids, "comment": "x" * 10_001}).ok(422).says(
        "Use at most 10000 characters."
    )
    pages.post("/inbox/bulk/remind", {"ids": ids, "list": "sent"}).goes_to("/requests")
    pages.get("/requests").ok().says("Reminded of 2 tasks.")
    again = pages.post("/inbox/bulk/remind", sent).ok().says("Nobody is reminded of these")
    assert 'name="ids"' not in again.text
    pages.post("/inbox/bulk/remind", {"ids": ids[:1], "list": "sent"}).ok().says(
        "Not done", "less than 4 hours ago"
    )
    pages.post("/inbox/bulk/remind", {"list": "sent"}).goes_to("/requests")


def test_a_decision_that_asks_before_asks_once_for_all(browser: Browser, office: Office) -> None:
    step = {
        "id": "decide",
        "type": "user_task",
        "config": {
            "assignee": "finance_team",
            "instructions": "Look at **both** pages.",
            "outcomes": [
                {"id": "yes", "label": "Sign", "next": "end"},
                {"id": "no", "label": "Refuse", "next": "end", "confirm": "Really refuse?"},
            ],
        },
    }
    steps = [step, {"id": "end", "type": "end"}]
    document = {"name": "Sign", "key": "sign", "version": "1", "steps": steps}
    definitions.create(office.db, office["root"], json.dumps(document), known=None, now=NOW)
    ids = [office.task_of(office.start("sign"), "decide") for _ in range(2)]
    pages = browser("mei")
    asked = pages.post("/inbox/bulk", {"ids": ids, "action": "complete"}).ok()
    assert "Look at <strong>both</strong> pages." in asked.text
    asked.is_silent_about("Really refuse?")
    sent = {"ids": ids, "outcome": "no", "comment": "Too dear"}
    sure = pages.post("/inbox/bulk/complete", sent).ok().says("Really refuse?", "Too dear")
    assert ('value="no"' in sure.text, 'value="yes"' in sure.text) == (True, False)
    assert set(states(office).values()) == {"open"}
    pages.post("/inbox/bulk/complete", sent | {"confirmed": "no"}).goes_to("/inbox")
    assert set(states(office).values()) == {"completed"}
