"""Two people at once, and wrong entries: no typing is lost, and the page says what happened."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from app.task import service as tasks
from tests.browser.conftest import Window, focused
from tests.browser.serving import Live
from tests.support.until import until

TYPED = "Statement 44 <b>& more</b>"


def fill(page: Page) -> None:
    """Fill in the payment check."""
    page.get_by_label("Yes").check()
    page.get_by_label("Notes").fill(TYPED)


def test_the_loser_of_a_completion_keeps_what_was_typed(live: Live, window: Window) -> None:
    task = live.payment("ORDER-1")
    live.claim(task, "mei")
    second = window("mei").open(f"/tasks/{task}")
    fill(second)
    tasks.assign(live.engine, live.actor("li"), task, "wang", now=live.clock())
    first = window("wang").open(f"/tasks/{task}")
    first.get_by_label("No", exact=True).check()
    first.get_by_role("button", name="Complete").click()
    expect(first.get_by_text("Thank you, that is done.")).to_be_visible()
    second.get_by_role("button", name="Complete").click()
    told = second.get_by_role("alert")
    expect(told).to_contain_text("Wang Fang 王芳 has completed this task already")
    expect(told).to_contain_text("What you typed is still below")
    kept = second.get_by_label("What you had typed")
    expect(kept).to_contain_text(TYPED)
    expect(kept).to_contain_text("Has the payment arrived?Yes")
    expect(second.get_by_label("What was entered")).to_contain_text("No")
    assert "Wang Fang" in focused(second)


def test_a_form_that_somebody_else_took_meanwhile_keeps_its_values(
    live: Live, window: Window
) -> None:
    task = live.payment("ORDER-2")
    live.claim(task, "mei")
    page = window("mei").open(f"/tasks/{task}")
    fill(page)
    other = window("mei").open(f"/tasks/{task}")
    other.get_by_role("button", name="Release").click()
    expect(other.get_by_text("Released. Others can claim it now.")).to_be_visible()
    live.claim(task, "wang")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("alert")).to_contain_text("Wang Fang 王芳")
    expect(page.get_by_label("Notes")).to_have_value(TYPED)
    expect(page.get_by_label("Yes")).to_be_checked()
    assert live.state(task) == ("claimed", "wang")


def test_the_loser_of_a_claim_is_told_in_the_list(live: Live, window: Window) -> None:
    other, task = live.payment("ORDER-3"), live.payment("ORDER-4")
    page = window("mei").open("/inbox")
    live.claim(task, "wang")
    page.get_by_role("button", name="Claim “订单 ORDER-4”").click()
    expect(page.get_by_role("status")).to_contain_text("Wang Fang 王芳 has this task")
    expect(page.get_by_role("link", name="ORDER-4")).to_have_count(0)
    until(lambda: focused(page) == f"task-{other}-link")


def test_the_loser_of_a_claim_is_told_on_the_page(live: Live, window: Window) -> None:
    task = live.payment("ORDER-5")
    page = window("mei").open(f"/tasks/{task}")
    live.claim(task, "wang")
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_role("alert")).to_contain_text("Wang Fang 王芳 has this task")
    expect(page.get_by_role("button", name="Complete")).to_have_count(0)


def test_wrong_entries_are_listed_with_links_to_them(live: Live, window: Window) -> None:
    page = window("zhao").open("/start")
    page.get_by_role("link", name="Order processing").click()
    page.get_by_label("Order number").fill("ORDER 1/2")
    page.get_by_label("Amount").fill("a lot")
    page.get_by_role("button", name="Start").click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("3 entries need another look")
    expect(summary).to_be_focused()
    amount = page.get_by_label("Amount")
    expect(amount).to_have_attribute("aria-invalid", "true")
    expect(amount).to_have_accessible_description(
        "Above 1000 a manager has to approve it This must be a number."
    )
    expect(amount).to_have_value("a lot")
    summary.get_by_role("link", name="Amount").click()
    expect(amount).to_be_focused()


def test_a_finding_leads_to_its_place_in_the_text(live: Live, window: Window) -> None:
    page = window("admin").open("/definitions/upload")
    area = page.get_by_label("Or paste it here")
    area.fill('{\n  "name": "Broken",\n  "steps": [{"id": "a", "type": "user_tsk"}]\n}')
    page.get_by_role("button", name="Check").click()
    until(lambda: "This definition has errors" in focused(page))
    page.get_by_role("link", name="Line 3, column").first.click()
    text = page.get_by_label("Text of the definition")
    expect(text).to_be_focused()
    marked = text.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert marked.startswith('"user_tsk"')
