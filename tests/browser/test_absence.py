"""One is away and another decides for her, both on their phones."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Window, sideways, violations
from tests.browser.serving import Live


def test_a_substitute_decides(live: Live, window: Window) -> None:
    task = live.payment("ORDER-1")
    live.claim(task, "mei")
    page = window("mei", viewport=PHONE).open("/absences")
    substitute = page.get_by_label("Who decides meanwhile")
    substitute.press_sequentially("fang")
    expect(page.locator("#ownf-substitute-people option[value=wang]")).to_have_count(1)
    substitute.fill("wang")
    expect(page.locator("#ownf-substitute-people-found")).to_contain_text("Wang Fang")
    page.get_by_label("Until").fill("2099-01-01T08:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Your absences")).to_be_visible()
    seen = violations(page)
    assert sideways(page) == 0

    page = window("wang", viewport=PHONE).open("/inbox")
    row = page.get_by_role("listitem").filter(has_text="for Chen Mei")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="You decide for Chen Mei")).to_be_visible()
    seen += violations(page)
    page.get_by_label("Yes").check()
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("heading", name="Thank you, that is done.")).to_be_visible()
    assert live.state(task) == ("completed", "mei")

    page = window("mei", viewport=PHONE).open(f"/tasks/{task}")
    expect(page.get_by_role("list", name="History")).to_contain_text("王芳 for Chen Mei")
    assert seen == []
