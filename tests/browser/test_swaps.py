"""What changes in a page without loading another: where the keyboard is, and what is read out."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Window, focused
from tests.browser.serving import Live
from tests.support.until import until


def test_claiming_in_the_list_keeps_the_place(live: Live, window: Window) -> None:
    live.payment("ORDER-1")
    task = live.payment("ORDER-2")
    page = window("mei").open("/inbox")
    page.get_by_role("button", name="Claim “订单 ORDER-2”").click()
    until(lambda: focused(page) == f"task-{task}-link")
    toast = page.get_by_role("status").filter(has_text="Claimed. It is yours now.")
    expect(toast).to_have_attribute("aria-live", "polite")
    toast.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Claimed. It is yours now.")).to_have_count(0)


def test_claiming_on_the_page_leads_into_the_form(live: Live, window: Window) -> None:
    task = live.payment("ORDER-3")
    page = window("mei").open(f"/tasks/{task}")
    page.get_by_role("button", name="Claim").click()
    until(lambda: focused(page) == "task-form")
    page.keyboard.press("Tab")
    assert focused(page) == "f-payment_verified"


def test_completing_leads_to_the_next_task(live: Live, window: Window) -> None:
    first, second = live.payment("ORDER-4"), live.payment("ORDER-5")
    for task in (first, second):
        live.claim(task, "mei")
    page = window("mei").open(f"/tasks/{first}")
    expect(page.get_by_role("link", name="Inbox 2 waiting")).to_be_visible()
    page.get_by_label("Yes").check()
    page.get_by_role("button", name="Complete").dblclick()  # the second tap is one too many
    until(lambda: focused(page) == "Open")
    expect(page.get_by_role("link", name="Inbox 1 waiting")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tasks/{second}")
    page.go_back()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()


def test_the_inbox_renews_itself_only_when_something_changed(live: Live, window: Window) -> None:
    live.payment("ORDER-6")
    mine = window("mei")
    page = mine.open("/profile")
    page.clock.install()
    page.goto("/inbox")
    with page.expect_response("**/inbox/badge?shown=1") as answer:
        page.clock.run_for(20_500)
    assert answer.value.status == 204
    live.payment("ORDER-7")
    with page.expect_response("**/inbox?*") as renewed:
        page.clock.run_for(20_500)
    assert renewed.value.status == 200
    expect(page.get_by_role("link", name="ORDER-7")).to_be_visible()
    expect(page.get_by_role("link", name="Inbox 2 waiting")).to_be_visible()
    expect(page.locator('.tab[data-tab="todo"] .count')).to_have_text("2")
    expect(page).to_have_title("(2) Inbox · Workflow Engine")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.clock.run_for(45_000)
    assert asked == []
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false})")
    with page.expect_response("**/inbox/badge?shown=2"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_searching_renews_the_list_and_the_address(live: Live, window: Window) -> None:
    live.payment("ORDER-8")
    live.payment("ORDER-9")
    page = window("mei").open("/inbox")
    page.keyboard.press("/")
    page.keyboard.type("ORDER-9")
    expect(page.get_by_role("link", name="ORDER-8")).to_have_count(0)
    expect(page.get_by_role("link", name="订单 ORDER-9")).to_be_visible()
    assert "q=ORDER-9" in page.url
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("ORDER-9")


def test_ending_an_instance_is_asked_for_in_a_dialog(live: Live, window: Window) -> None:
    order = live.order("ORDER-10", 5000)
    page = window("admin").open(f"/instances/{order}")
    page.get_by_role("link", name="Terminate").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Terminate “订单 ORDER-10”?")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("link", name="Terminate").click()
    page.get_by_label("Reason").fill("Entered twice")
    page.get_by_role("button", name="Terminate").click()
    expect(page.get_by_role("status").first).to_contain_text("is terminated")
    expect(page.get_by_role("main")).to_contain_text("Entered twice")


def test_what_the_server_cannot_answer_is_said_and_nothing_is_lost(
    live: Live, window: Window
) -> None:
    task = live.payment("ORDER-11")
    live.claim(task, "mei")
    mine = window("mei")
    page = mine.open(f"/tasks/{task}")
    page.get_by_label("Notes").fill("Still here")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    mine.context.set_offline(True)
    page.get_by_label("Yes").check()
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("status").first).to_contain_text("The server cannot be reached")
    expect(page.get_by_label("Notes")).to_have_value("Still here")
    mine.context.set_offline(False)
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()
    told, mine.complaints = mine.complaints, []
    assert all(each.startswith("error: htmx:") for each in told)  # that it could not send
