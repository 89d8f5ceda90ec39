"""A request that is returned and sent again, and a decision that is taken back, as people do it."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

from app.definition import service as definitions
from app.task import service as tasks
from tests.browser.conftest import PHONE, Window, sideways, violations
from tests.browser.serving import Live

TRIP: dict[str, Any] = {
    "name": "Trip",
    "key": "trip",
    "version": "1",
    "variables": {"days": {"type": "number", "label": "Days"}},
    "steps": [
        {
            "id": "plan",
            "name": "Plan",
            "type": "user_task",
            "config": {"assignee": "zhao", "form": {"days": {"type": "number", "label": "Days"}}},
            "next": ["check"],
        },
        {
            "id": "check",
            "name": "Check",
            "type": "user_task",
            "config": {"assignee": "mei", "form": {"note": {"type": "string", "label": "Note"}}},
            "next": ["sign"],
        },
        {
            "id": "sign",
            "name": "Sign",
            "type": "user_task",
            "config": {"assignee": "wang", "form": {"note": {"type": "string", "label": "Note"}}},
        },
    ],
}


def complete(live: Live, task: int, by: str, **values: Any) -> None:
    tasks.complete(live.engine, live.actor(by), task, values, now=live.clock())


def test_a_request_is_returned_sent_again_and_a_decision_taken_back(
    live: Live, window: Window
) -> None:
    text = json.dumps(TRIP)
    root, now = live.actor("admin"), live.clock()
    definitions.create(live.engine.db, root, text, known=None, now=now)
    instance = live.start("trip")
    complete(live, live.task(instance, "plan"), "zhao", days=5)

    mei = window("mei", viewport=PHONE).open(f"/tasks/{live.task(instance, 'check')}")
    mei.get_by_role("link", name="Return").click()
    dialog = mei.get_by_role("dialog")
    expect(dialog.get_by_label("Back to")).to_contain_text("Plan")
    seen = violations(mei)
    dialog.get_by_label("Reason").fill("Too long")
    dialog.get_by_role("button", name="Return").click()
    expect(mei.get_by_role("status").first).to_contain_text("It is returned")

    zhao = window("zhao").open(f"/tasks/{live.task(instance, 'plan')}")
    expect(zhao.get_by_text("returned it: round 2")).to_be_visible()
    expect(zhao.get_by_text("Too long").first).to_be_visible()
    zhao.get_by_label("Days").fill("4")
    zhao.get_by_role("button", name="Complete").click()
    expect(zhao.get_by_text("Thank you, that is done.")).to_be_visible()

    check = live.task(instance, "check")
    mei.goto(f"{live.url}/tasks/{check}")
    expect(mei.locator("#changes")).to_contain_text("5 → Now: 4")
    seen += violations(mei)
    assert not sideways(mei)
    mei.get_by_role("button", name="Complete").click()
    mei.get_by_role("link", name="Take back").click()
    mei.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(mei.get_by_role("status").first).to_contain_text("yours again")
    assert live.task(instance, "check") != check

    mei.get_by_role("button", name="Complete").click()
    expect(mei.get_by_text("Thank you, that is done.")).to_be_visible()
    typed, sign = {"note": "Well"}, live.task(instance, "sign")
    tasks.save_draft(live.engine, live.actor("wang"), sign, typed, now=live.clock())
    mei.get_by_role("link", name="Take back").click()
    mei.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(mei.get_by_role("status").first).to_contain_text("begun to fill in")
    expect(mei.get_by_label("Your comment")).to_have_value("@wang please return this to me.")
    assert seen == []
