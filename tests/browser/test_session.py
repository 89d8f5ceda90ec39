"""Sessions that end while a page is open, and what people set for themselves."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.task import queries
from tests.browser.conftest import Window, sign_in
from tests.browser.serving import Live
from tests.support.until import until


def test_a_lost_session_leads_back_with_what_was_typed(live: Live, window: Window) -> None:
    task = live.payment("ORDER-1")
    live.claim(task, "mei")
    mine = window("mei")
    page = mine.open(f"/tasks/{task}")
    mine.context.clear_cookies()
    page.get_by_label("Yes").check()
    page.get_by_label("Notes").fill("Line 12 of the statement")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, "mei")
    page.wait_for_url(f"**/tasks/{task}")
    expect(page.get_by_label("Notes")).to_have_value("Line 12 of the statement")
    expect(page.get_by_label("Yes")).to_be_checked()
    expect(page.get_by_role("status")).to_contain_text("is back")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()


def test_what_was_typed_is_not_shown_to_who_signs_in_next(live: Live, window: Window) -> None:
    task = live.payment("ORDER-2")
    live.claim(task, "mei")
    mine = window("mei")
    page = mine.open(f"/tasks/{task}")
    mine.context.clear_cookies()
    page.get_by_label("Notes").fill("Only for me")
    page.get_by_role("button", name="Complete").click()
    sign_in(page, "wang")
    page.wait_for_url(f"**/tasks/{task}")
    expect(page.get_by_label("Notes")).to_have_value("")


def test_a_draft_waits_for_its_writer(live: Live, window: Window) -> None:
    task = live.payment("ORDER-3")
    live.claim(task, "mei")
    page = window("mei").open(f"/tasks/{task}")
    page.get_by_label("Notes").fill("Half a sentence")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Notes")).to_have_value("Half a sentence")
    page.get_by_role("link", name="Start over").click()
    expect(page.get_by_label("Notes")).to_have_value("")
    page.get_by_label("Notes").fill("And gone at once")
    page.goto("/profile")

    def kept() -> bool:
        now, actor = live.clock(), live.actor("mei")
        draft = queries.get(live.engine.db, actor, task, now=now)["draft"]
        return bool(draft and draft["values"]["notes"] == "And gone at once")

    until(kept)


def test_the_theme_is_kept_and_the_next_page_is_drawn_in_it(live: Live, window: Window) -> None:
    page = window("mei", color_scheme="light").open("/inbox")
    canvas = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(canvas)
    page.get_by_text("Chen Mei 陈梅", exact=True).click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(canvas)
    assert dark != light
    page.goto("/start")
    assert page.evaluate(canvas) == dark
    assert page.locator("html").get_attribute("data-theme") == "dark"


@pytest.mark.parametrize(("wanted", "heading"), [("zh-CN", "待办"), ("fr-FR", "Inbox")])
def test_the_browser_says_which_language(
    live: Live, window: Window, wanted: str, heading: str
) -> None:
    page = window("mei", locale=wanted).open("/inbox")
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def test_the_language_can_be_switched_where_one_is(live: Live, window: Window) -> None:
    page = window("mei").open("/inbox?q=nothing")
    page.get_by_text("Chen Mei 陈梅", exact=True).click()
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("待办")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.get_by_role("searchbox")).to_have_value("nothing")
    page.goto("/start")
    expect(page.get_by_role("heading", level=1)).to_have_text("发起流程")
