"""A countersign with a signer who is added late, on a phone."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Window, sideways, violations
from tests.browser.serving import Live
from tests.support import stored


def task_of(live: Live, instance: int, who: str) -> int:
    """Return the id of somebody's task."""
    sql = "select id from tasks where instance_id = %(id)s and assignee = %(who)s"
    return int(stored.row(live.engine.db, sql, id=instance, who=who)["id"])


def test_a_countersign_with_a_late_added_signer(live: Live, window: Window) -> None:
    instance = live.start("example_supplier_admission", supplier="Far Hills")
    page = window("mei", viewport=PHONE).open(f"/tasks/{task_of(live, instance, 'mei')}")
    panel = page.locator("#seats")
    expect(panel).to_contain_text("have to approve")
    assert not sideways(page)
    page.set_viewport_size({"width": 430, "height": 900})  # there is room beside the title
    page.locator("summary", has_text="More").click()
    assert not sideways(page)
    page.set_viewport_size(PHONE)
    page.get_by_role("link", name="Add people").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Who else").fill("zhao")
    dialog.get_by_label("Reason").fill("knows them")
    seen = violations(page)
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(panel).to_contain_text("added by Chen Mei")
    page.get_by_label("Yes").check()
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("Your decision is counted: 1 of")).to_be_visible()

    for who in ("wang", "li"):  # three of four would have been enough, of five they are not
        live.complete(task_of(live, instance, who), who, approved=True)
    late = task_of(live, instance, "zhao")
    assert live.state(late) == ("claimed", "zhao")
    page = window("zhao", viewport=PHONE).open(f"/tasks/{late}")
    expect(page.locator("#seats")).to_contain_text("Approved")
    expect(page.get_by_role("list", name="History")).to_contain_text("knows them")
    seen += violations(page)
    assert not sideways(page)
    assert seen == []
    page.get_by_label("Yes").check()
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()
    assert live.task(instance, "sign")
