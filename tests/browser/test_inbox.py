"""The inbox with many tasks: selecting, deciding together, narrowing, views; by key and by tap."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import TOUCH, Window, focused, sideways, violations
from tests.browser.serving import Live
from tests.support.until import until


def approvals(live: Live, number: int) -> list[int]:
    """Return tasks that li can decide."""
    orders = [live.order(f"ORDER-{each}", 5000) for each in range(number)]
    return [live.task(order, "manager_approval") for order in orders]


def test_ten_tasks_are_decided_by_taps_on_a_phone(live: Live, window: Window) -> None:
    tasks = approvals(live, 10)
    page = window("li", **TOUCH).open("/inbox")
    expect(page.get_by_role("button", name="Decide together")).to_be_hidden()
    expect(page.get_by_label("Order", exact=True)).to_be_hidden()
    page.get_by_text("Filters").tap()
    expect(page.get_by_label("Order", exact=True)).to_be_visible()
    page.get_by_text("Filters").tap()
    page.locator(".row-pick").first.tap()
    page.get_by_role("button", name="Select all").tap()
    expect(page.get_by_text("10 selected")).to_be_visible()
    found = violations(page)
    width = sideways(page)
    page.get_by_role("button", name="Decide together").tap()
    expect(page.get_by_text("10 tasks of")).to_be_visible()
    found += violations(page)
    page.get_by_role("button", name="Yes").tap()
    expect(page.get_by_role("status").first).to_contain_text("10 tasks completed.")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    assert [live.state(task)[0] for task in tasks] == ["completed"] * 10
    assert (found, width, sideways(page)) == ([], 0, 0)


def test_rows_are_selected_by_key_and_stay_so_when_the_list_is_renewed(
    live: Live, window: Window
) -> None:
    approvals(live, 3)
    page = window("li").open("/profile")
    page.clock.install()
    page.goto("/inbox")
    for key in "jxjx":
        page.keyboard.press(key)
    expect(page.get_by_text("2 selected")).to_be_visible()
    chosen = page.locator("[data-pick]:checked").evaluate_all("all => all.map(e => e.value)")
    approvals(live, 1)
    with page.expect_response("**/inbox?*"):
        page.clock.run_for(20_500)
    expect(page.locator("[data-row]")).to_have_count(4)
    again = page.locator("[data-pick]:checked").evaluate_all("all => all.map(e => e.value)")
    assert sorted(again) == sorted(chosen)
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Select the task")


def test_a_row_that_was_taken_meanwhile_is_told_with_the_reason(live: Live, window: Window) -> None:
    first, second = approvals(live, 2)
    page = window("li").open("/inbox")
    for box in page.locator("[data-pick]").all():
        box.check()
    page.get_by_role("button", name="Decide together").click()
    live.complete(first, "li", approved=True)
    page.get_by_role("button", name="No").click()
    expect(page.get_by_role("heading", name="Not done")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("1 task completed.")
    assert live.state(second)[0] == "completed"
    assert violations(page) == []


def test_filters_renew_the_list_and_are_kept_as_a_view(live: Live, window: Window) -> None:
    approvals(live, 2)
    leave: dict[str, Any] = {
        "first_day": "2026-04-07",
        "last_day": "2026-04-10",
        "days": 4,
        "deputy": "Wang",
    }
    live.start("example_leave_request", leave_type="annual", **leave)
    page = window("li").open("/inbox")
    expect(page.locator("[data-row]")).to_have_count(3)
    page.get_by_label("Any process").select_option("example_order_processing")
    expect(page.locator("[data-row]")).to_have_count(2)
    assert "process=example_order_processing" in page.url
    page.get_by_text("Keep as a view").click()
    page.get_by_label("Name of the view").fill("Orders")
    found = violations(page)
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("link", name="Orders")).to_have_attribute("aria-current", "true")
    page.get_by_role("list", name="Filters").get_by_role("link").first.click()
    expect(page.locator("[data-row]")).to_have_count(3)
    page.get_by_role("link", name="Orders", exact=True).click()
    expect(page.locator("[data-row]")).to_have_count(2)
    page.get_by_role("button", name="Delete view").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").first).to_contain_text("The view is deleted.")
    assert found == []


def test_naming_a_view_is_not_disturbed_by_news(live: Live, window: Window) -> None:
    approvals(live, 1)
    page = window("li").open("/profile")
    page.clock.install()
    page.goto("/inbox?priority=normal")
    page.get_by_text("Keep as a view").click()
    page.get_by_label("Name of the view").fill("Half a na")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    approvals(live, 1)
    page.clock.run_for(20_500)
    expect(page.get_by_role("link", name="Inbox 2 waiting")).to_be_visible()
    expect(page.get_by_label("Name of the view")).to_have_value("Half a na")
    assert [url for url in asked if "priority" in url] == []


def test_the_way_follows_what_is_chosen_and_the_next_task_opens_by_enter(
    live: Live, window: Window
) -> None:
    first, second = approvals(live, 2)
    page = window("li").open(f"/tasks/{first}")
    way = page.locator("#route")
    expect(way.get_by_role("heading", name="Yes")).to_be_visible()
    if page.get_by_role("button", name="Claim").count():
        page.get_by_role("button", name="Claim").click()
    page.get_by_label("Yes").check()
    expect(way.get_by_role("heading", name="No")).to_have_count(0)
    found = violations(page)
    page.get_by_role("button", name="Complete").click()
    until(lambda: focused(page) == "Open")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tasks/{second}")
    assert found == []
