"""Repairing an instance in the browser: skip, move, values, another version, anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from app.definition import service as definitions
from app.history.queries import events
from app.runtime import queries
from app.runtime import service as runtime
from tests.support.office import CHOICE, NOW, REQUEST, Office
from tests.support.pages import Pages

Browser = Callable[..., Pages]

STUCK: dict[str, Any] = {
    "name": "Stuck",
    "key": "stuck",
    "version": "1",
    "steps": [
        {
            "id": "count",
            "name": "Count",
            "type": "script",
            "config": {"set": {"total": "${missing + 1}"}},
            "next": ["look"],
        },
        {"id": "look", "name": "Look", "type": "user_task", "config": {"assignee": "mei"}},
    ],
}
VALUES: dict[str, Any] = {
    "name": "Values",
    "key": "values",
    "version": "1",
    "variables": {
        "amount": {"type": "money", "label": "Amount"},
        "urgent": "boolean",
        "tags": "array",
        "size": {"type": "string", "enum": ["small", "large"]},
        "secret": {"type": "string", "sensitive": True},
    },
    "steps": [{"id": "look", "name": "Look", "type": "user_task", "config": {"assignee": "mei"}}],
}


def store(office: Office, document: dict[str, Any], version: str = "") -> int:
    """Store another definition, or another version of one."""
    full = document | ({"version": version} if version else {})
    row, _ = definitions.create(office.db, office["root"], json.dumps(full), known=None, now=NOW)
    return row.id


def seen(office: Office, number: int) -> dict[str, Any]:
    """Return an instance as an administrator sees it."""
    return queries.get(office.db, office["root"], number, now=NOW)


def token(office: Office, number: int) -> int:
    """Return the id of an instance's only token."""
    (only,) = seen(office, number)["tokens"]
    return int(only["id"])


def suspended(office: Office, key: str = "choice") -> int:
    """Start an instance and suspend it."""
    number = office.start(key)
    runtime.suspend(office.engine, office["li"], number, now=NOW)
    return number


def reasons(office: Office, number: int, kind: str) -> list[Any]:
    """Return the reasons in the history's lines of a kind."""
    lines = events(office.db, office["root"], number)
    return [line["data"].get("reason") for line in lines if line["kind"] == kind]


def test_a_waiting_step_is_skipped_by_a_chosen_way(browser: Browser, office: Office) -> None:
    number = office.start("choice")
    pages, url = browser("li"), f"/instances/{number}"
    skip = f"{url}/tokens/{token(office, number)}/skip"
    assert f'hx-get="{skip}" hx-target="#dialogs"' in pages.get(url).ok().text
    asked = pages.get(skip, htmx=True).ok()
    asked.says("Skip “Decide”?", "Its task is withdrawn.", "Left", "Right", "Reason")
    wrong = pages.post(skip, {"outcome": "up", "reason": "So it is"}).ok(422)
    wrong.says("There is no outcome up", "So it is")
    pages.post(skip, {"outcome": "right", "reason": "Nobody there"}).goes_to(url)
    page = pages.get(url).ok().says("“Decide” is skipped.", "Decide: skipped", "Nobody there")
    page.says("Right In charge: Li Wei")
    assert reasons(office, number, "token.skipped") == ["Nobody there"]


def test_an_incident_is_tried_again_or_skipped(browser: Browser, office: Office) -> None:
    store(office, STUCK)
    number = office.start("stuck")
    pages, url = browser("li"), f"/instances/{number}"
    (trouble,) = seen(office, number)["incidents"]
    skip = f"{url}/tokens/{token(office, number)}/skip"
    page = pages.get(url).ok().says("Count is stuck", "Try again", "Skip")
    assert skip in page.text
    retry = f"/incidents/{trouble['id']}/retry"
    pages.get(retry, htmx=True).ok().says("Try “Count” again?", "Reason")
    pages.post(retry, {"reason": "x" * 2001}).ok(422).says("Use at most 2000 characters.")
    pages.post(retry, {"reason": "Again"}).goes_to(url)
    assert len(seen(office, number)["incidents"]) == 1
    assert "Again" in reasons(office, number, "incident.resolved")
    pages.post(f"{url}/tokens/{token(office, number)}/skip", {"reason": "By hand"}).goes_to(url)
    page = pages.get(url).ok().says("Look In charge: Chen Mei", "Count: skipped", "By hand")
    page.is_silent_about("is stuck")
    pages.post(retry).ok(409).says("This incident is over", "Nothing was changed.")


def test_a_token_of_a_suspended_instance_is_moved(browser: Browser, office: Office) -> None:
    number = office.start("choice")
    pages, url = browser("li"), f"/instances/{number}"
    jump = f"{url}/tokens/{token(office, number)}/jump"
    assert jump not in pages.get(url).ok().text
    pages.post(jump, {"step": "right"}).ok(409).says("Suspend the instance first")
    runtime.suspend(office.engine, office["li"], number, now=NOW)
    page = pages.get(url).ok().says("Move")
    assert jump in page.text
    assert f"{url}/tokens/{token(office, number)}/skip" not in page.text
    pages.get(jump).ok().says("Move “Decide” to another step?", "Its task is withdrawn.", "Right")
    pages.post(jump, {"reason": "Late"}).ok(422).says("To the step : Choose a step.", "Late")
    pages.post(jump, {"step": "nowhere"}).ok(422).says("The token cannot be moved to nowhere")
    pages.post(jump, {"step": "right", "reason": "Shortcut"}).goes_to(url)
    page = pages.get(url).ok().says("Moved to “Right”", "Decide: moved on to Right", "Shortcut")
    page.says("Right Enters the step when the instance is resumed")
    pages.post(f"{url}/activate").goes_to(url)
    pages.get(url).ok().says("Right In charge: Li Wei")


def test_values_are_corrected_by_their_types(browser: Browser, office: Office) -> None:
    store(office, VALUES)
    number = office.start(
        "values", amount=Decimal("10.50"), tags=["a"], secret="s3", extra={"b": 1}
    )
    pages, url = browser("li"), f"/instances/{number}"
    form = pages.get(f"{url}/variables").ok()
    form.says("Edit the values", "1 value is left out").is_silent_about("s3", "secret")
    assert 'value="10.50"' in form.control("f.amount")
    assert form.field("f.tags") == '["a"]'
    sent = {
        "f.amount": "12.30",
        "was.amount": "10.50",
        "f.urgent": "true",
        "was.urgent": "",
        "f.tags": '["a", "b"]',
        "was.tags": '["a"]',
        "f.extra": '{"b":1}',
        "was.extra": '{"b":1}',
        "reason": "Typing error",
    }
    wrong = pages.post(f"{url}/variables", sent | {"f.tags": "[a", "f.amount": "much"}).ok(422)
    wrong.says("2 entries need another look", "This is not JSON", "Typing error")
    assert 'value="much"' in wrong.control("f.amount")
    pages.post(f"{url}/variables", sent).goes_to(url)
    assert seen(office, number)["variables"] == {
        "amount": Decimal("12.30"),
        "urgent": True,
        "tags": ["a", "b"],
        "secret": "s3",
        "extra": {"b": 1},
    }
    changed = [
        line["data"]
        for line in events(office.db, office["root"], number)
        if line["kind"] == "variables.changed"
    ]
    assert changed[-1]["reason"] == "Typing error"
    assert changed[-1]["values"].keys() == {"amount", "urgent", "tags"}


def test_what_the_form_only_showed_does_not_undo_what_another_changed(
    browser: Browser, office: Office
) -> None:
    number = office.start(amount=5, purpose="Chairs")
    runtime.set_variables(office.engine, office["root"], number, {"amount": 6}, now=NOW)
    pages, url = browser("li"), f"/instances/{number}"
    sent = {"f.amount": "5", "was.amount": "5", "f.purpose": "Desks", "was.purpose": "Chairs"}
    pages.post(f"{url}/variables", sent).goes_to(url)
    assert seen(office, number)["variables"] == {"amount": 6, "purpose": "Desks"}
    pages.post(f"{url}/variables", {"f.amount": "5", "was.amount": "5"}).goes_to(url)
    pages.get(url).ok().says("Nothing was changed.")


def test_another_version_is_previewed_then_taken(browser: Browser, office: Office) -> None:
    number = office.start()
    pages, url = browser("li"), f"/instances/{number}"
    pages.get(url).ok().is_silent_about("Other version")
    pages.get(f"{url}/migrate").ok().says("There is no other version")
    steps = [step | {"name": "Approve it"} for step in REQUEST["steps"][:1]] + REQUEST["steps"][1:]
    store(office, REQUEST | {"steps": steps}, "2.0.0")
    pages.get(url).ok().says("Other version")
    preview = pages.get(f"{url}/migrate").ok()
    preview.says("Go on by another version", "Now by version 1.0.0", "Approve it", "Nothing")
    assert seen(office, number)["definition"]["version"] == "1.0.0"
    pages.post(f"{url}/migrate", {"reason": "Clearer words"}).goes_to(url)
    pages.get(url).ok().says("It goes on by the other version.", "Request 2.0.0", "Clearer words")
    assert reasons(office, number, "instance.migrated") == ["Clearer words"]


def test_a_step_that_is_gone_is_mapped_by_hand(browser: Browser, office: Office) -> None:
    number = office.start("choice")
    renamed = json.loads(json.dumps(CHOICE).replace('"decide"', '"choose"'))
    to = store(office, renamed, "2")
    pages, url = browser("li"), f"/instances/{number}/migrate"
    page = pages.get(url).ok().says("There is no such step in that version; choose one.")
    assert 'name="map.decide"' in page.text
    sent = {"to": str(to), "action": "migrate"}
    refused = pages.post(url, sent).ok(409)
    refused.says("1 of its tokens would be lost", "Nothing was changed.")
    chosen = sent | {"map.decide": "choose"}
    looked = pages.post(url, chosen | {"action": "preview"}).ok()
    looked.is_silent_about("There is no such step")
    assert seen(office, number)["definition"]["version"] == "1"
    pages.post(url, chosen).goes_to(f"/instances/{number}")
    assert [each["step"]["id"] for each in seen(office, number)["tokens"]] == ["choose"]


def test_an_ended_instance_is_started_anew(browser: Browser, office: Office) -> None:
    number = office.start(amount=7, purpose="Chairs")
    pages, url = browser("li"), f"/instances/{number}"
    pages.get(url).ok().is_silent_about("Copy as new")
    pages.post(f"{url}/restart").ok(409).says("The instance still runs")
    pages.post(f"{url}/terminate")
    pages.get(url).ok().says("Copy as new")
    pages.get(f"{url}/restart", htmx=True).ok().says("Start “Request” anew?")
    pages.post(f"{url}/restart", {"reason": "x" * 2001}).ok(422).says("at most 2000 characters")
    answer = pages.post(f"{url}/restart", {"reason": "Wrong chairs"}).ok(303)
    new = int(answer.headers["Location"].rpartition("/")[2])
    pages.get(f"/instances/{new}").ok().says("“Request” is started anew.", "Chairs", "R-1")
    assert new != number
    for each in (number, new):
        pages.get(f"/instances/{each}").ok().says("Started anew", "Wrong chairs")
        assert reasons(office, each, "instance.restarted") == ["Wrong chairs"]
    # Who started it may start the definition as well, and so may start it anew.
    browser("zhao").get(url).ok().says("Copy as new")


@pytest.mark.parametrize("verb", ["skip", "jump", "variables", "migrate"])
def test_repairing_needs_the_right(browser: Browser, office: Office, verb: str) -> None:
    number = suspended(office) if verb == "jump" else office.start("choice")
    before = seen(office, number)
    at = f"/tokens/{token(office, number)}" if verb in ("skip", "jump") else ""
    url = f"/instances/{number}{at}/{verb}"
    sent = {"step": "right", "f.note": "x"}
    browser("zhao").get(url).ok(403)
    browser("zhao").post(url, sent).ok(403)
    browser("stranger").post(url, sent).ok(404)
    browser("li").post(url, sent, token="").ok(400)
    assert seen(office, number) == before


@pytest.mark.parametrize("verb", ["skip", "jump"])
def test_a_token_that_is_gone_is_not_found(browser: Browser, office: Office, verb: str) -> None:
    number = office.start("choice")
    for where in ("99", "99999999999999999999"):
        browser("li").get(f"/instances/{number}/tokens/{where}/{verb}").ok(404)


def test_what_has_ended_or_stands_still_cannot_be_repaired(
    browser: Browser, office: Office
) -> None:
    number = suspended(office)
    pages, url = browser("li"), f"/instances/{number}"
    at = f"{url}/tokens/{token(office, number)}"
    pages.post(f"{at}/skip").ok(409).says("The instance is suspended; activate it first.")
    pages.post(f"{url}/terminate")
    sent = {"f.note": "x", "was.note": ""}
    pages.post(f"{url}/variables", sent).ok(303)  # there is no such value to change
    pages.get(f"{at}/skip").ok(404)
    page = pages.get(url).ok()
    for gone in ("/variables", "/migrate", "/skip", "/jump"):
        assert f"{url}{gone}" not in page.text
