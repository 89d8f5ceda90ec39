"""Starting in the browser, one's own requests, and the list of all instances."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from app.definition import service as definitions
from app.runtime import queries
from app.task import service as tasks
from tests.support.office import CHOICE, NOW, Office
from tests.support.pages import Pages, Sheet
from tests.support.rest import Rest

Browser = Callable[..., Pages]

TRIP: dict[str, Any] = {
    "name": {"en": "Trip", "zh": "出差"},
    "key": "trip",
    "version": "1",
    "description": "Asks for a journey.",
    "variables": {
        "where": {"type": "string", "label": {"en": "Where to", "zh": "目的地"}, "required": True},
        "budget": {"type": "number", "default": 100},
        "days": "integer",
        "abroad": "boolean",
        "on": "date",
        "leaves": "datetime",
        "train": {"type": "string", "enum": ["first", "second"]},
        "guests": {"type": "array", "label": "Guests"},
        "note": "any",
    },
    "start": {"title": "Trip to ${where}"},
    "steps": CHOICE["steps"],
}


def store(office: Office, document: dict[str, Any], status: Any = "active") -> int:
    """Store a definition and return its id."""
    row, _ = definitions.create(
        office.db, office["root"], json.dumps(document), known=None, now=NOW, status=status
    )
    return row.id


def instance_of(office: Office, answer: Sheet) -> dict[str, Any]:
    """Return the instance that an answer leads to."""
    assert answer.status == 303, answer.words
    number = int(answer.headers["Location"].rsplit("/", 1)[1])
    return queries.get(office.db, office["root"], number, now=NOW)


def test_the_catalogue_offers_what_one_may_start(browser: Browser, office: Office) -> None:
    closed = store(office, TRIP | {"start": {"who": ["sales"]}})
    draft = store(office, CHOICE | {"version": "2"}, "draft")
    page = browser("mei").get("/start").ok().says("Request", "Choice").is_silent_about("Trip")
    assert f'href="/start/{draft}"' not in page.text
    own = browser("zhao").get("/start").ok().says("Trip", "Asks for a journey.", "Version 1")
    assert f'href="/start/{closed}"' in own.text


def test_the_catalogue_is_searched(browser: Browser, office: Office) -> None:
    store(office, TRIP)
    pages = browser("mei")
    for q in ("JOURNEY", "出差", "tri"):
        part = pages.get(f"/start?q={q}", htmx=True).ok().says("Trip").is_silent_about("Choice")
        assert "<html" not in part.text
    pages.get("/start?q=zebra").ok().says("No process fits “zebra”", "Show all")


def test_what_one_may_not_start_is_refused(browser: Browser, office: Office) -> None:
    closed = store(office, TRIP | {"start": {"who": ["sales"]}})
    draft = store(office, CHOICE | {"version": "2"}, "draft")
    for ask in (Pages.get, Pages.post):
        ask(browser("mei"), f"/start/{closed}").ok(404)
        ask(browser("mei"), f"/start/{draft}").ok(404)
        ask(browser("mei"), "/start/999999").ok(404)
        ask(browser("li"), f"/start/{draft}").ok(409).says("This definition is draft")
    assert queries.list_(office.db, office["root"]).total == 0


def test_variables_make_the_form(browser: Browser, office: Office) -> None:
    number = store(office, TRIP)
    page = browser("mei").get(f"/start/{number}").ok()
    page.says("Where to *", "Guests Written as JSON: a list", "Business key Optional")
    assert 'value="100"' in page.control("f.budget")
    assert 'type="date"' in page.control("f.on")
    assert 'type="datetime-local"' in page.control("f.leaves")
    assert "checked" not in page.control("f.abroad", "true") + page.control("f.abroad", "false")
    page.control("f.train", "first")


def test_starting_leads_to_the_instance(browser: Browser, office: Office) -> None:
    number = store(office, TRIP)
    pages = browser("mei")
    typed = {
        "f.where": "Ulm",
        "f.budget": "1,250.10",
        "f.days": "3",
        "f.abroad": "false",
        "f.on": "2026-05-04",
        "f.leaves": "2026-05-04T08:30",
        "f.train": "second",
        "f.guests": '["Zoë", 2.50]',
        "f.note": "plain words",
        "business_key": " T-1 ",
    }
    answer = pages.post(f"/start/{number}", typed)
    body = instance_of(office, answer)
    assert body["variables"] == {
        "where": "Ulm",
        "budget": Decimal("1250.10"),
        "days": 3,
        "abroad": False,
        "on": "2026-05-04",
        "leaves": "2026-05-04T08:30:00+00:00",
        "train": "second",
        "guests": ["Zoë", Decimal("2.50")],
        "note": "plain words",
    }
    assert body["business_key"] == "T-1"
    pages.get(answer.headers["Location"]).ok().says("“Trip to Ulm” is started.", "Decide", "T-1")


def test_what_is_left_empty_is_not_set(browser: Browser, office: Office) -> None:
    number = store(office, TRIP)
    blank = dict.fromkeys(("f.days", "f.on", "f.train", "f.guests", "f.note"), "")
    body = instance_of(
        office, browser("mei").post(f"/start/{number}", blank | {"f.where": "Ulm", "f.budget": ""})
    )
    assert body["variables"] == {"where": "Ulm", "budget": None}
    assert body["business_key"] is None


def test_errors_come_at_once_and_nothing_typed_is_lost(browser: Browser, office: Office) -> None:
    number = store(office, TRIP)
    typed = {"f.budget": "much", "f.days": "1.5", "f.guests": "[1,", "business_key": "k" * 300}
    page = browser("mei").post(f"/start/{number}", typed).ok(422)
    page.says("Where to : Fill this in.", "budget : This must be a number.")
    page.says("days : This must be a whole number.", "Guests : This is not JSON (line 1, column")
    assert 'value="much"' in page.control("f.budget")
    assert 'aria-invalid="true"' in page.control("f.where")
    assert "[1,</textarea>" in page.text
    assert f'value="{"k" * 300}"' in page.control("business_key")
    part = browser("mei").post(f"/start/{number}", typed, htmx=True).ok(422)
    assert part.headers["HX-Retarget"] == "#start"
    assert "<html" not in part.text
    long_key = {"f.where": "Ulm", "business_key": "k" * 300}
    refused = browser("mei").post(f"/start/{number}", long_key).ok(422)
    refused.says("Business key : Use at most 255 characters.")
    assert 'value="Ulm"' in refused.control("f.where")
    assert queries.list_(office.db, office["root"]).total == 0


def test_names_that_the_form_has_not_are_refused(browser: Browser, office: Office) -> None:
    number = store(office, TRIP)
    page = browser("mei").post(f"/start/{number}", {"f.where": "Ulm", "f.salary": "1"})
    page.ok(422).says("The form has no such field.")


@pytest.mark.parametrize("given", ["42", '{"a": [true]}', "null", '"42"', "4 2", "<b>"])
def test_a_value_of_any_type_is_json_or_else_text(
    browser: Browser, office: Office, given: str
) -> None:
    number = store(office, TRIP)
    answer = browser("mei").post(f"/start/{number}", {"f.where": "Ulm", "f.note": given})
    expected = {"42": 42, '{"a": [true]}': {"a": [True]}, "null": None, '"42"': "42"}
    note = instance_of(office, answer)["variables"].get("note")
    assert note == expected.get(given, given)


def test_a_start_form_is_taken_as_it_is(browser: Browser, office: Office) -> None:
    form = {
        "where": {"type": "string", "pattern": "[A-Z].*", "pattern_message": "A town."},
        "by": {"type": "string", "default": "${initiator.name}"},
        "budget": "number",
        "guests": "string",
    }
    variables = TRIP["variables"] | {"guests": "string"}
    number = store(office, TRIP | {"start": {"form": form}, "variables": variables})
    pages = browser("mei")
    page = pages.get(f"/start/{number}").ok().says("Where to *").is_silent_about("abroad")
    assert 'value="Chen Mei"' in page.control("f.by")
    assert 'value="100"' in page.control("f.budget")
    pages.post(f"/start/{number}", {"f.where": "ulm"}).ok(422).says("Where to : A town.")
    typed = {"f.where": "Ulm", "f.by": "Me", "f.budget": "100", "f.guests": "[1]"}
    body = instance_of(office, pages.post(f"/start/{number}", typed))
    assert body["variables"]["guests"] == "[1]"
    assert body["variables"]["by"] == "Me"


def test_a_start_form_that_is_sent_twice_starts_one_instance(
    browser: Browser, office: Office
) -> None:
    number = store(office, TRIP)
    pages = browser("mei")
    shown = pages.get(f"/start/{number}").ok()
    once = re.findall(r'name="once" value="([^"]+)"', shown.text)[0]
    typed = {"f.where": "Ulm", "once": once}
    pages.post(f"/start/{number}", typed | {"f.budget": "much"}).ok(422)
    first, again = (pages.post(f"/start/{number}", typed) for _ in range(2))
    assert instance_of(office, first)["id"] == instance_of(office, again)["id"]
    pages.get("/requests").says("“Trip to Ulm” is started.")
    other = pages.post(f"/start/{number}", typed | {"f.where": "Bonn"})
    assert instance_of(office, other)["title"] == "Trip to Bonn"
    later = re.findall(r'name="once" value="([^"]+)"', pages.get(f"/start/{number}").text)[0]
    more = pages.post(f"/start/{number}", typed | {"once": later})
    assert instance_of(office, more)["id"] > instance_of(office, other)["id"]
    elses = browser("li").post(f"/start/{number}", typed)
    assert instance_of(office, elses)["started_by"] == "li"


def test_the_page_and_rest_start_the_same(browser: Browser, office: Office, rest: Rest) -> None:
    number = store(office, TRIP)
    typed = {"f.where": "Ulm", "f.budget": "7.50", "business_key": "T-1"}
    by_page = instance_of(office, browser("mei").post(f"/start/{number}", typed))
    sent = {
        "process_definition_id": number,
        "business_key": "T-1",
        "variables": {"where": "Ulm", "budget": Decimal("7.50")},
    }
    by_rest = rest("mei", "POST", "/process-instances", sent).ok(201)
    seen = queries.get(office.db, office["root"], by_rest["id"], now=NOW)
    for name in ("variables", "title", "business_key", "status", "started_by", "started_at"):
        assert by_page[name] == seen[name], name
    with office.db.transaction() as tx:
        rows = tx.run(
            "select data -> 'lines' as lines, actor, at from history_events"
            " where instance_id = any(%(ids)s) order by instance_id, seq",
            {"ids": [by_page["id"], seen["id"]]},
        ).fetchall()
    assert len(rows) == 2
    assert rows[0] == rows[1]


def test_my_requests_tell_where_they_stand(browser: Browser, office: Office) -> None:
    office.start(amount=1)
    taken = office.start(amount=2)
    tasks.claim(office.engine, office["wang"], office.task_of(taken, "approve"), now=NOW)
    office.start(by="mei")
    page = browser("zhao").get("/requests").ok()
    page.says("Approve: finance_team", "Approve: Wang Fang", "Running")
    assert page.text.count("data-row") == 2
    browser("wang").get("/requests").ok().says("Nothing started yet", "Start a process")


def test_requests_are_filtered(browser: Browser, office: Office) -> None:
    office.start()
    pages = browser("zhao")
    assert pages.get("/requests?status=running&q=R-1").ok().text.count("data-row") == 1
    for nothing in ("status=completed", "q=zebra%25", "status=incident"):
        pages.get(f"/requests?{nothing}").ok().says("Nothing fits", "Show all")
    pages.get("/requests?status=odd").ok(400)
    pages.get("/requests?after=odd").ok(400)


def test_all_instances_are_for_those_who_may_read_them(browser: Browser, office: Office) -> None:
    office.start(by="mei")
    office.start("choice", by="zhao")
    browser("mei").get("/instances").ok(403)
    pages = browser("li")
    pages.get("/instances").ok().says("Chen Mei", "Zhao Min", "Request", "Choice")
    part = pages.get("/instances?definition=choice", htmx=True).ok().says("Decide: finance_team")
    assert part.text.count("data-row") == 1
    pages.get("/instances?definition=nothing").ok().says("Nothing fits")


def test_instances_have_pages(browser: Browser, office: Office) -> None:
    for _ in range(51):
        office.start("choice")
    pages = browser("li")
    first = pages.get("/instances?q=R-1").ok().says("50 of 51")
    assert first.text.count("data-row") == 50
    following = first.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = pages.get(following.replace("&amp;", "&")).ok().says("To the beginning")
    assert second.text.count("data-row") == 1


def test_viewers_find_what_they_may_read_and_remind(browser: Browser, office: Office) -> None:
    store(office, TRIP | {"settings": {"viewers": ["stranger"]}})
    number = office.start("trip", where="Harbin")
    office.start()
    viewer = browser("stranger")
    page = viewer.get("/inbox").ok().says("Instances").is_silent_about("Definitions")
    page = viewer.get("/instances").ok().says("Trip to Harbin", "Remind together")
    assert page.text.count("data-row") == 1
    assert f'name="instances" value="{number}"' in page.text
    viewer.get(f"/instances/{number}").ok().says("Trip to Harbin").is_silent_about("Suspend")
    viewer.get(f"/instances/{number}/history").ok()
    viewer.get(f"/instances/{number}/sheet").ok()
