"""Every page for everybody: axe finds nothing, and nothing has to be pushed to the side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page, ViewportSize

from app.task import service as tasks
from tests.browser.conftest import AXE, DESKTOP, PHONE, Window, sideways, violations
from tests.browser.serving import Live

NARROW: ViewportSize = {"width": 320, "height": 640}
"""The smallest phone."""
# What a phone, the dark or another language can break; the rest is the same everywhere.
OF_THE_LOOK = ["color-contrast", "target-size", "scrollable-region-focusable", "button-name"]
WRONG = '{"name": "Broken", "steps": [{"id": "a", "type": "user_tsk"}]}'


def tell(live: Live, task: int) -> None:
    """Let the administrator be told something, and talk about a task that is theirs."""
    other = live.payment("ORDER-5")
    live.claim(other, "mei")
    engine, now = live.engine, live.clock()
    tasks.copy(engine, live.actor("mei"), other, ["admin"], comment="For you", now=now)
    file = tasks.attach(engine, live.actor("admin"), task, "offer.pdf", b"%PDF-1.7", now=now)
    attached = {"files": [file["id"]], "now": now}
    said = tasks.comment(engine, live.actor("admin"), task, "Well, @mei", **attached)
    tasks.edit(engine, live.actor("admin"), task, said["id"], "Well then, @mei", now=now)


def pages(live: Live, page: Page) -> Iterator[None]:
    """Open one page after the other, for an administrator who has something on each."""
    order = live.order("ORDER-1", 800)
    task = live.task(order, "payment_check")
    live.payment("ORDER-2")
    mine = live.payment("ORDER-3")
    live.claim(mine, "admin")
    tell(live, mine)
    done = live.payment("ORDER-4")
    live.complete(done, "admin", payment_verified=True, notes="Arrived")
    live.settle()
    paths = [
        "/inbox",
        "/inbox?tab=done",
        "/inbox/unassigned",
        "/inbox?q=zebra",
        "/inbox?process=example_order_processing&priority=normal",
        f"/tasks/{task}",
        f"/tasks/{mine}",
        f"/tasks/{done}",
        f"/tasks/{done}/done",
        "/start",
        "/requests",
        "/instances",
        f"/instances/{order}",
        f"/instances/{order}/history",
        f"/instances/{order}/sheet",
        f"/instances/{order}/terminate",
        "/definitions",
        "/profile",
        "/absences",
        "/notifications",
        "/copies",
        f"/tasks/{mine}/transfer",
        "/hand-over",
        "/no/such/page",
    ]
    for path in paths:
        page.goto(path)
        yield
    page.goto(f"/tasks/{mine}")
    page.locator("#task-form .btn-primary").click()
    page.locator("[data-error-summary]").wait_for()
    yield
    page.goto("/instances")
    page.locator("[data-pick]").first.check()
    page.locator("#bulk .btn-primary").click()
    page.locator("h1").wait_for()
    page.wait_for_url("**/inbox/bulk/remind")
    yield
    page.goto("/definitions")
    page.locator(".row-link").first.click()
    page.locator(".code").wait_for()
    yield
    page.goto("/definitions/upload")
    page.locator("textarea").fill(WRONG)
    page.locator("[value=check]").click()
    page.locator(".findings").first.wait_for()
    yield
    page.goto("/start")
    page.locator(".row-link").first.click()
    page.locator("#start-form .btn-primary").click()
    page.locator("[data-error-summary]").wait_for()
    yield


def examined(window: Window, **look: Any) -> Page:
    """Open a browser of the administrator's whose pages all have axe in them."""
    watched = window("admin", reduced_motion="reduce", **look)
    watched.context.add_init_script(AXE)
    return watched.open("/profile")


def test_axe_finds_nothing_and_no_page_is_wider_than_the_smallest_phone(
    live: Live, window: Window
) -> None:
    page = examined(window, color_scheme="light")
    found, wide = [], []
    for _ in pages(live, page):
        found += violations(page)
        page.set_viewport_size(NARROW)
        wide += [(page.url, sideways(page))] if sideways(page) else []
        page.set_viewport_size(DESKTOP)
    assert (found, wide) == ([], [])


def test_axe_finds_nothing_on_a_phone_in_the_dark(live: Live, window: Window) -> None:
    page = examined(window, viewport=PHONE, color_scheme="dark", locale="zh-CN")
    found = [said for _ in pages(live, page) for said in violations(page, only=OF_THE_LOOK)]
    assert found == []


def test_what_opens_above_the_page_is_accessible_too(live: Live, window: Window) -> None:
    order = live.order("ORDER-1", 5000)
    page = window("admin", reduced_motion="reduce").open(f"/instances/{order}")
    page.emulate_media(color_scheme="dark")  # the system turns dark while the page is open
    page.evaluate("getComputedStyle(document.querySelector('.muted')).color")
    assert page.evaluate("document.getAnimations().length") == 0, "colours fade in one by one"
    found = violations(page, only=["color-contrast"])
    page.get_by_role("link", name="Terminate").click()
    page.get_by_role("dialog").wait_for()
    found += violations(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("#keys[open]").wait_for()
    found += violations(page)
    page.keyboard.press("Escape")
    page.locator(".menu > summary").click()
    found += violations(page)
    assert found == []


def test_the_focus_can_always_be_seen(live: Live, window: Window) -> None:
    """Everything the Tab key reaches looks different while it has the focus."""
    live.payment("ORDER-1")
    page = window("mei").open("/inbox")
    look = """() => {
      const at = document.activeElement, row = at.closest(".row, .choice") ?? at;
      const of = (e) => { const s = getComputedStyle(e);
        return [s.outlineStyle, s.outlineWidth, s.boxShadow, s.textDecorationLine].join() };
      const now = of(at) + of(row), name = at.outerHTML.slice(0, 90);
      at.blur();
      const then = of(at) + of(row);
      at.focus();
      return at === document.body ? "end" : now === then ? name : "";
    }"""
    unseen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        said = page.evaluate(look)
        if said == "end":
            break
        unseen.append(said)
    assert len(unseen) > 8
    assert [each for each in unseen if each] == []
