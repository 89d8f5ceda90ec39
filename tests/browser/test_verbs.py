"""Passing a task on in a dialog, and the bell of who gets it, as people use them."""

from __future__ import annotations

from playwright.sync_api import expect

from app.task import service as tasks
from tests.browser.conftest import PHONE, Window, focused, sideways, violations
from tests.browser.serving import Live


def test_a_task_is_transferred_in_a_dialog_and_the_other_is_told(
    live: Live, window: Window
) -> None:
    task = live.payment("ORDER-1")
    live.claim(task, "mei")
    page = window("mei", viewport=PHONE).open(f"/tasks/{task}")
    page.get_by_role("link", name="Transfer").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Transfer “Check the payment”?")
    assert focused(page) == "f-to"
    seen = violations(page)
    dialog.get_by_label("To whom").fill("wang")
    dialog.get_by_label("Reason").fill("on leave")
    dialog.get_by_role("button", name="Transfer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")
    expect(page.get_by_role("status").first).to_contain_text("has it now")
    assert live.state(task) == ("claimed", "wang")

    page = window("wang", viewport=PHONE).open("/inbox")
    bell = page.get_by_role("link", name="Notifications")
    expect(bell).to_contain_text("1")
    bell.click()
    seen += violations(page)
    assert not sideways(page)
    page.get_by_role("link", name="transferred “Check the payment” to you").click()
    expect(page.get_by_role("list", name="History")).to_contain_text("on leave")
    expect(page.locator("#notice-badge")).to_have_text("")
    assert seen == []


def test_the_bell_rings_by_itself(live: Live, window: Window) -> None:
    task = live.payment("ORDER-2")
    live.claim(task, "mei")
    page = window("mei").open("/start")
    badge = page.locator("#notice-badge")
    expect(badge).to_have_text("")
    tasks.remind(live.engine, live.actor("zhao"), task, now=live.clock())
    page.evaluate("document.body.dispatchEvent(new Event('notices-read'))")
    expect(badge).to_contain_text("1")
