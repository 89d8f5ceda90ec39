"""From a definition to a finished instance, in each way that people work."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import TOUCH, Window, focused, sideways, sign_in, violations
from tests.browser.serving import Live
from tests.support.until import until

VISIT: dict[str, Any] = {
    "name": {"en": "Visit", "zh": "访客"},
    "key": "visit",
    "version": "1",
    "start": {"title": "Visit of ${guest}"},
    "variables": {"guest": {"type": "string", "label": "Guest", "required": True}},
    "steps": [
        {
            "id": "greet",
            "name": {"en": "Greet the guest", "zh": "迎接访客"},
            "type": "user_task",
            "config": {
                "assignee": "finance_team",
                "form": {
                    "came": {"type": "boolean", "label": "Did they come?", "required": True},
                    "badge": {"type": "integer", "label": "Badge"},
                },
                "due_date": "2h",
            },
        }
    ],
}


def test_upload_start_claim_complete_done(live: Live, window: Window) -> None:
    page = window().open("/")
    seen: list[str] = violations(page)
    sign_in(page, "admin")
    page.get_by_role("link", name="Definitions").click()
    page.get_by_role("link", name="Upload").click()
    seen += violations(page)
    page.get_by_label("Or paste it here").fill(json.dumps(VISIT))
    page.get_by_role("button", name="Store").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Visit")
    expect(page.get_by_role("status").first).to_contain_text("is stored and can be started")
    seen += violations(page)

    page.get_by_role("link", name="Start", exact=True).last.click()
    page.get_by_label("Guest").fill("Ada")
    seen += violations(page)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Visit of Ada")
    seen += violations(page)

    page.get_by_role("link", name="Inbox").click()
    seen += violations(page)
    page.get_by_role("link", name="Visit of Ada").click()
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_role("button", name="Complete")).to_be_visible()
    seen += violations(page)
    page.get_by_label("Yes").check()
    page.get_by_label("Badge").fill("1,204")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("With this the process is finished.")).to_be_visible()
    seen += violations(page)
    assert page.url.endswith("/done")

    page.get_by_role("link", name="What was entered").click()
    expect(page.get_by_role("main")).to_contain_text("1,204")
    assert seen == []


def test_by_keyboard_alone(live: Live, window: Window) -> None:
    task = live.payment("ORDER-1")
    page = window().open("/inbox")
    keys = page.keyboard
    keys.type("mei")
    keys.press("Tab")
    keys.type("password123")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    keys.press("j")
    assert focused(page) == f"task-{task}-link"
    keys.press("c")
    expect(page.get_by_text("Claimed. It is yours now.")).to_be_visible()
    until(lambda: focused(page) == f"task-{task}-link")
    keys.press("Enter")
    page.wait_for_url(f"**/tasks/{task}")
    for _ in range(40):
        keys.press("Tab")
        if focused(page) == "f-payment_verified":
            break
    keys.press("Space")
    keys.press("Control+Enter")
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()
    assert live.state(task) == ("completed", "mei")
    until(lambda: focused(page) == "To the inbox")
    keys.press("Enter")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()


def test_a_payment_is_checked_on_a_phone_by_touch(live: Live, window: Window) -> None:
    order = live.order("ORDER-7", 800)
    task = live.task(order, "payment_check")
    page = window("mei", **TOUCH).open("/inbox")
    page.get_by_role("link", name="ORDER-7").tap()
    page.get_by_role("button", name="Claim").tap()
    complete = page.get_by_role("button", name="Complete")
    expect(complete).to_be_in_viewport()
    page.get_by_text("Yes", exact=True).tap()
    page.get_by_label("Notes").tap()
    page.keyboard.type("Bank statement 12")
    complete.tap()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()
    assert sideways(page) == 0
    assert live.state(task) == ("completed", "mei")
    live.settle()
    page.goto(f"/instances/{order}")
    expect(page.get_by_role("main")).to_contain_text("fulfilled")


def test_without_scripts(live: Live, window: Window) -> None:
    page = window(java_script_enabled=False).open("/start")
    sign_in(page, "mei")
    page.get_by_role("link", name="Order processing").click()
    page.get_by_label("Order number").fill("ORDER-9")
    page.get_by_label("Customer number").fill("C-9")
    page.get_by_label("Amount").fill("20")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/instances/*")
    live.settle()
    page.goto("/inbox")
    page.get_by_role("button", name="Claim “订单").click()
    page.wait_for_url("**/tasks/*")
    page.get_by_label("Notes").fill("No script was harmed")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("1 entry needs another look")).to_be_visible()
    expect(page.get_by_label("Notes")).to_have_value("No script was harmed")
    page.get_by_label("Yes").check()
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()
