"""Forms in a browser: fields that come and go, tables, files, people, questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.db.types import dumps
from app.definition import service as definitions
from tests.browser.conftest import PHONE, Window, focused, sideways, violations
from tests.browser.serving import Live
from tests.support.until import until

REQUEST: dict[str, Any] = {
    "name": "Purchase",
    "key": "purchase_form",
    "version": "1",
    "start": {
        "form": [
            {"name": "urgent", "type": "boolean", "label": "Urgent?"},
            {"name": "reason", "type": "text", "label": "Reason", "show_if": "urgent"},
        ]
    },
    "steps": [
        {
            "id": "fill",
            "name": "Fill in",
            "type": "user_task",
            "config": {
                "assignee": "mei",
                "instructions": "## Please\n\n- see [the rules](https://example.org/r)\n- **add**",
                "form": [
                    {
                        "name": "kind",
                        "type": "select",
                        "label": "Kind",
                        "options": ["usual", "other"],
                        "required": True,
                    },
                    {
                        "name": "why",
                        "type": "text",
                        "label": "Why",
                        "show_if": "kind == 'other'",
                        "required": True,
                    },
                    {
                        "name": "price",
                        "type": "money",
                        "label": "Price",
                        "currency": ["EUR", "CNY"],
                    },
                    {"name": "to", "type": "user", "label": "For whom", "span": "half"},
                    {
                        "name": "tags",
                        "type": "multiselect",
                        "label": "Tags",
                        "options": ["red", "big"],
                    },
                    {
                        "name": "items",
                        "type": "rows",
                        "label": "Items",
                        "columns": {
                            "what": {"type": "string", "label": "What", "required": True},
                            "cost": {"type": "number", "label": "Cost", "sum": True},
                            "kind": {"type": "select", "label": "Sort", "options": ["a", "b"]},
                        },
                    },
                    {"name": "offers", "type": "file", "label": "Offers", "accept": ".pdf,.txt"},
                ],
                "outcomes": [
                    {"id": "send", "label": "Send", "next": "end", "style": "primary"},
                    {
                        "id": "drop",
                        "label": "Drop",
                        "next": "end",
                        "style": "danger",
                        "requires": ["comment"],
                        "confirm": "Drop this purchase?",
                    },
                ],
            },
        },
        {"id": "end", "type": "end"},
    ],
}


@pytest.fixture
def task(live: Live) -> int:
    definitions.create(
        live.engine.db, live.actor("admin"), dumps(REQUEST), known=None, now=live.clock()
    )
    return live.task(live.start("purchase_form"), "fill")


def table_says(page: Page, cost: str) -> None:
    expect(page.get_by_label("Sum of Cost")).to_have_text(cost)


def test_a_form_on_a_phone(live: Live, window: Window, task: int, tmp_path: Path) -> None:
    page = window("mei", viewport=PHONE, reduced_motion="reduce").open(f"/tasks/{task}")
    found = violations(page)
    why = page.get_by_label("Why")
    expect(why).to_be_hidden()

    page.get_by_label("other").check()
    expect(why).to_be_visible()
    why.fill("Because.")
    page.get_by_label("usual").check()
    expect(why).to_be_hidden()
    page.get_by_label("other").check()
    expect(why).to_have_value("Because.")

    page.get_by_label("What, row 1").fill("Desk")
    page.get_by_label("Cost, row 1").fill("1,000.50")
    table_says(page, "1,000.50")
    page.get_by_role("button", name="Add a row").click()
    until(lambda: focused(page) == page.get_by_label("What, row 2").get_attribute("id"))
    page.keyboard.type("Chair")
    page.get_by_label("Cost, row 2").fill("99")
    table_says(page, "1,099.50")
    expect(why).to_have_value("Because.")
    page.get_by_role("button", name="Remove row 1").click()
    expect(page.get_by_label("What, row 1")).to_have_value("Chair")
    table_says(page, "99")

    (tmp_path / "offer.txt").write_text("One desk: 100")
    (tmp_path / "bad.txt").write_bytes(b"MZ\x90\x00")
    page.get_by_role("button", name="Offers").set_input_files(
        [tmp_path / "offer.txt", tmp_path / "bad.txt"]
    )
    expect(page.get_by_label("offer.txt")).to_be_checked()
    expect(page.get_by_role("alert")).to_contain_text("bad.txt is not what its name says")
    expect(page.get_by_role("progressbar")).to_be_hidden()

    page.get_by_label("For whom").fill("li")
    expect(page.locator("#f-to-people option[value=li]")).to_have_count(1)
    page.get_by_label("Price: amount").fill("12")
    page.get_by_label("Price: currency").select_option("CNY")
    page.get_by_label("big").check()
    expect(page.locator("#draft-state")).to_contain_text("Draft kept")
    found += violations(page)
    assert sideways(page) == 0

    page.reload()
    expect(page.get_by_label("offer.txt")).to_be_checked()
    expect(page.get_by_label("What, row 1")).to_have_value("Chair")
    expect(page.get_by_label("Why")).to_have_value("Because.")

    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()
    page.get_by_role("link", name="What was entered").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="offer.txt").first.click()
    assert Path(download.value.path()).read_text() == "One desk: 100"
    found += violations(page)
    assert sideways(page) == 0
    assert found == []


def test_what_is_typed_while_the_server_thinks_stays(live: Live, window: Window, task: int) -> None:
    page = window("mei").open(f"/tasks/{task}")
    with page.expect_response("**/form/live"):
        page.get_by_label("other").check()
        page.get_by_label("Price: amount").focus()
        page.keyboard.type("77")
    expect(page.get_by_label("Why")).to_be_visible()
    expect(page.get_by_label("Price: amount")).to_have_value("77")
    assert focused(page) == page.get_by_label("Price: amount").get_attribute("id")


def test_dropping_asks_first_and_then_for_a_comment(live: Live, window: Window, task: int) -> None:
    page = window("mei", viewport=PHONE).open(f"/tasks/{task}")
    page.get_by_label("usual").check()
    page.get_by_role("button", name="Drop").click()
    dialog = page.get_by_role("dialog", name="Drop this purchase?")
    expect(dialog).to_contain_text("Fill in · Purchase")
    dialog.get_by_role("button", name="Cancel").click()
    assert live.state(task)[0] == "claimed"
    page.get_by_role("button", name="Drop").click()
    dialog.get_by_role("button", name="Drop").click()
    expect(page.get_by_text("Say why: this decision needs a comment.").first).to_be_visible()
    assert violations(page) == []
    page.get_by_role("textbox", name="Comment", exact=True).fill("Not needed.")
    page.get_by_role("button", name="Drop").click()
    dialog.get_by_role("button", name="Drop").click()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()


def test_a_start_form_shows_what_is_needed(live: Live, window: Window, task: int) -> None:
    page = window("zhao").open("/start")
    page.get_by_role("link", name="Purchase", exact=True).click()
    expect(page.get_by_label("Reason")).to_be_hidden()
    page.get_by_label("Yes").check()
    expect(page.get_by_label("Reason")).to_be_visible()
    page.get_by_label("No", exact=True).check()
    expect(page.get_by_label("Reason")).to_be_hidden()


def test_without_scripts_everything_can_be_filled_in(
    live: Live, window: Window, task: int, tmp_path: Path
) -> None:
    page = window("mei", viewport=PHONE, java_script_enabled=False).open(f"/tasks/{task}")
    page.get_by_label("other").check()
    page.get_by_label("What, row 1").fill("Desk")
    page.get_by_role("button", name="Add a row").click()
    page.get_by_label("What, row 2").fill("Chair")
    page.get_by_label("Cost, row 2").fill("5")
    expect(page.get_by_label("What, row 1")).to_have_value("Desk")
    (tmp_path / "offer.txt").write_text("One desk: 100")
    page.get_by_role("button", name="Offers").set_input_files(tmp_path / "offer.txt")
    page.get_by_label("For whom").fill("li")
    page.get_by_label("Why").fill("Because.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()
    page.get_by_role("link", name="What was entered").click()
    expect(page.get_by_text("offer.txt").first).to_be_visible()
    expect(page.get_by_text("Chair").first).to_be_visible()
