"""Definitions and entries of people who mean ill: shown as text, and the page stays in shape."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

from app.definition import service as definitions
from tests.browser.conftest import PHONE, Window, sideways
from tests.browser.serving import Live

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
BIDI = "abc\u202etxt.exe"
NAME = f"{BIDI}{SCRIPT}{'W' * 120}"
"""Everything at once: each page is opened once for all of it."""
MANY = 200


def hostile(key: str, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a definition in which everything that is shown is ``name``."""
    return {
        "key": key,
        "name": name,
        "description": name,
        "version": "1",
        "variables": {"v": {"type": "string", "label": name}},
        "start": {"title": name},
        "steps": [
            {
                "id": "do",
                "name": name,
                "description": name,
                "type": "user_task",
                "config": {
                    "assignee": "finance_team",
                    "form": fields,
                    "outcomes": [{"id": "ok", "label": name}, {"id": "no", "label": "No"}],
                },
            }
        ],
    }


def store(live: Live, document: dict[str, Any]) -> int:
    """Store a definition; return its id."""
    admin = live.actor("admin")
    row, _ = definitions.create(
        live.engine.db, admin, json.dumps(document), known=None, now=live.clock()
    )
    return int(row.id)


def test_names_are_text_and_fit_the_phone(live: Live, window: Window) -> None:
    name = NAME
    fields = {"a": {"type": "text", "label": name, "help": name}}
    choice = {"type": "select", "label": name, "options": [{"value": "x", "label": name}]}
    definition = store(live, hostile("ill", name, fields | {"b": choice}))
    instance = live.start("ill", v=name)
    task = live.task(instance, "do")
    live.claim(task, "admin")
    page = window("admin", viewport=PHONE).open("/inbox")
    too_wide = {}
    for path in (
        "/inbox",
        f"/tasks/{task}",
        f"/instances/{instance}",
        f"/instances/{instance}/history",
        f"/instances/{instance}/terminate",
        f"/definitions/{definition}",
        f"/definitions/{definition}/retire",
        f"/start/{definition}",
        "/definitions",
        "/instances",
        "/start",
    ):
        page.goto(path)
        expect(page.get_by_role("main")).to_contain_text(name[:70])
        if sideways(page):
            too_wide[path] = sideways(page)
    assert too_wide == {}
    assert page.locator("img[src=x]").count() == 0


def test_what_was_typed_is_text_for_whoever_reads_it(live: Live, window: Window) -> None:
    fields = {"a": {"type": "text", "label": "A"}}
    store(live, hostile("plain", "Plain", fields))
    task = live.task(live.start("plain"), "do")
    live.claim(task, "mei")
    page = window("mei").open(f"/tasks/{task}")
    page.get_by_label("A", exact=True).fill(SCRIPT)
    page.get_by_role("button", name="Plain").click()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()
    page.goto(f"/tasks/{task}")
    expect(page.get_by_label("What was entered")).to_contain_text(SCRIPT)


def test_a_very_long_form_can_be_sent(live: Live, window: Window) -> None:
    fields = {f"f{n}": {"type": "integer", "label": f"Field {n}"} for n in range(MANY)}
    store(live, hostile("many", "Many", fields))
    task = live.task(live.start("many"), "do")
    live.claim(task, "mei")
    page = window("mei").open(f"/tasks/{task}")
    page.get_by_label("Field 199").fill("many")
    page.get_by_role("button", name="Many").click()
    page.get_by_role("alert").get_by_role("link", name="Field 199").click()
    expect(page.get_by_label("Field 199")).to_be_focused()
    page.get_by_label("Field 199").fill("7")
    page.get_by_role("button", name="Many").click()
    expect(page.get_by_text("Thank you, that is done.")).to_be_visible()
