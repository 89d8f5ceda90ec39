"""Definitions in the browser: the list, one with its life, who may do what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.definition import queries, service
from app.definition.row import DefinitionRow
from tests.support.office import CHOICE, NOW, REQUEST, Office
from tests.support.pages import Pages

Browser = Callable[..., Pages]


def store(office: Office, document: dict[str, Any], status: Any = "active") -> DefinitionRow:
    """Store another definition."""
    row, _ = service.create(
        office.db, office["root"], json.dumps(document), known=None, now=NOW, status=status
    )
    return row


def only(office: Office, key: str) -> DefinitionRow:
    """Return the newest version of a key."""
    return queries.versions(office.db, office["root"], key)[0]


def test_the_list_names_versions_and_states(browser: Browser, office: Office) -> None:
    store(office, REQUEST | {"version": "2.0.0-rc"}, "draft")
    page = browser("li").get("/definitions").ok()
    page.says("Request", "2.0.0-rc", "Draft", "Choice", "Active", "Root", "Upload")
    page.is_silent_about("1.0.0")
    browser("li").get("/definitions?versions=all").ok().says("2.0.0-rc", "1.0.0")


@pytest.mark.parametrize("q", ["申请", "REQUE", "equ"])
def test_the_list_is_searched_by_names_and_keys(browser: Browser, office: Office, q: str) -> None:
    part = browser("li").get(f"/definitions?q={q}", htmx=True).ok()
    assert "<html" not in part.text
    assert part.text.count("data-row") == 1
    part.says("Request").is_silent_about("Choice")


def test_what_nothing_fits_says_so(browser: Browser, office: Office) -> None:
    pages = browser("li")
    pages.get("/definitions?q=%25").ok().says("No definition fits", "Show all")
    pages.get("/definitions?status=retired").ok().says("No definition fits")
    pages.get("/definitions?status=odd").ok(400)
    pages.get("/definitions?page=x").ok(400)
    pages.get("/definitions?page=9").ok()


def test_the_list_has_pages(browser: Browser, office: Office) -> None:
    for number in range(60):
        store(office, CHOICE | {"key": f"many-{number:02}", "name": f"Many {number:02}"})
    pages = browser("li")
    first = pages.get("/definitions?q=many").ok().says("50 of 60")
    assert first.text.count("data-row") == 50
    assert 'href="/definitions?q=many&amp;page=2"' in first.text
    second = pages.get("/definitions?q=many&page=2").ok().says("Many 59", "To the beginning")
    assert second.text.count("data-row") == 10


def test_those_who_only_work_see_what_is_active(browser: Browser, office: Office) -> None:
    draft = store(office, REQUEST | {"version": "2.0.0"}, "draft")
    pages = browser("mei")
    pages.get("/definitions").ok().says("Request 1.0.0").is_silent_about("Upload", "2.0.0")
    pages.get(f"/definitions/{draft.id}").ok(404)
    active = only(office, "choice")
    pages.get(f"/definitions/{active.id}").ok().says("Start").is_silent_about("Retire")
    for verb in ("publish", "retire", "delete"):
        pages.get(f"/definitions/{active.id}/{verb}").ok(403)
        pages.post(f"/definitions/{active.id}/{verb}").ok(403)
    assert only(office, "choice").status == "active"


def test_a_definition_shows_what_it_says(browser: Browser, office: Office) -> None:
    row = only(office, "request")
    page = browser("li").get(f"/definitions/{row.id}").ok()
    page.says("Approve", "finance_team", "3 fields: approved, comments, amount", "2h")
    page.says("Pay", "Rework", "who started it", "Everyone")
    page.says("Purpose string", "salary number · sensitive")
    assert '<span id="L1"' in page.text
    assert f'href="/start/{row.id}"' in page.text
    browser("li").get("/definitions/999999").ok(404)


def test_a_stored_definition_tells_what_the_checker_says_now(
    browser: Browser, office: Office
) -> None:
    row = store(office, _assigned_to("gone"))
    page = browser("li").get(f"/definitions/{row.id}").ok()
    page.says("1 warning", "There is no user, group or role gone yet.")
    assert 'href="#L' in page.text


def test_who_may_start_is_named(browser: Browser, office: Office) -> None:
    document = CHOICE | {"key": "closed", "start": {"who": ["group:sales", "li", "role:manager"]}}
    row = store(office, document)
    page = browser("li").get(f"/definitions/{row.id}").ok()
    page.says("May start it", "sales", "Li Wei", "Role manager")
    browser("mei").get(f"/definitions/{row.id}").ok(404)
    assert f'href="/start/{row.id}"' in browser("zhao").get(f"/definitions/{row.id}").ok().text


def test_a_definition_lives(browser: Browser, office: Office) -> None:
    row = store(office, CHOICE | {"version": "2"}, "draft")
    pages, url = browser("li"), f"/definitions/{row.id}"
    pages.get(url).ok().says("Draft", "Publish", "Delete")
    pages.get(f"{url}/publish").ok().says("Publish “Choice” 2?", "Cancel")
    pages.post(f"{url}/publish").goes_to(url)
    pages.get(url).ok().says("“Choice” 2 can be started now.", "Active", "Retire")
    pages.get(f"{url}/retire").ok().says("Retire “Choice” 2?")
    pages.post(f"{url}/retire").goes_to(url)
    page = pages.get(url).ok().says("“Choice” 2 is retired.", "Retired", "Publish", "Delete")
    assert f'href="/start/{row.id}"' not in page.text
    pages.get(f"{url}/delete").ok().says("Delete “Choice” 2?", "this cannot be undone")
    pages.post(f"{url}/delete").goes_to("/definitions")
    pages.get("/definitions").ok().says("“Choice” 2 is deleted.")
    pages.get(url).ok(404)


def test_asking_comes_as_a_dialog_with_htmx(browser: Browser, office: Office) -> None:
    row = only(office, "choice")
    part = browser("li").get(f"/definitions/{row.id}/retire", htmx=True).ok()
    assert part.text.lstrip().startswith('<dialog id="ask"')
    assert f'action="/definitions/{row.id}/retire"' in part.text
    assert 'name="csrf_token"' in part.text


def test_what_was_started_cannot_be_deleted(browser: Browser, office: Office) -> None:
    office.start()
    row = only(office, "request")
    page = browser("li").post(f"/definitions/{row.id}/delete").ok(409)
    page.says("This version has been started and is kept; retire it instead.", "Approve")
    assert only(office, "request").id == row.id


def test_a_draft_is_not_retired(browser: Browser, office: Office) -> None:
    row = store(office, CHOICE | {"version": "2"}, "draft")
    page = browser("li").post(f"/definitions/{row.id}/retire").ok(409)
    page.says("A draft cannot be retired; delete it instead.", "Draft")


def test_nothing_is_changed_without_the_token(browser: Browser, office: Office) -> None:
    row = only(office, "choice")
    browser("li").post(f"/definitions/{row.id}/retire", token="").ok(400)
    browser("li").post("/definitions/upload", {"action": "store"}, token="").ok(400)
    assert only(office, "choice").status == "active"


def _assigned_to(name: str) -> dict[str, Any]:
    step = {"id": "do", "name": "Do", "type": "user_task", "config": {"assignee": name}}
    return {"name": "Lonely", "key": "lonely", "version": "1", "steps": [step]}
