"""Forms by page and by REST: what shows, tables, amounts, people, outcomes, instructions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from app.db.types import dumps
from app.definition import service as definitions
from app.definition.content import checksum_of
from tests.support import stored
from tests.support.office import NOW, Office
from tests.support.pages import Pages
from tests.support.rest import Rest

Browser = Callable[..., Pages]

FORM: list[dict[str, Any]] = [
    {"name": "kind", "type": "select", "options": "${kinds}", "required": True},
    {"name": "why", "type": "text", "show_if": "kind == 'other'", "required": True},
    {"name": "vip", "type": "note", "label": "A VIP asks", "show_if": "initiator.name == boss"},
    {"name": "tags", "type": "multiselect", "options": ["red", "big"]},
    {"name": "price", "type": "money", "currency": ["EUR", "CNY"], "span": "half"},
    {"name": "deputy", "type": "user"},
    {
        "name": "items",
        "type": "rows",
        "columns": {
            "what": {"type": "string", "required": True, "label": "What"},
            "cost": {"type": "number", "sum": True, "label": "Cost"},
        },
    },
]
OFFER: dict[str, Any] = {
    "name": "Offer",
    "key": "offer",
    "version": "1",
    "variables": {"boss": "string", "kinds": {"type": "array", "default": ["usual", "other"]}},
    "start": {
        "form": [
            {"name": "boss", "type": "string"},
            {"name": "more", "type": "string", "show_if": "boss == 'x'", "required": True},
            {"name": "parts", "type": "rows", "columns": {"part": "string"}},
        ]
    },
    "steps": [
        {
            "id": "decide",
            "name": "Decide",
            "type": "user_task",
            "config": {
                "assignee": "finance_team",
                "instructions": "# Look\n\nCheck **twice**, see [rules](https://example.org/r).",
                "form": FORM,
                "outcomes": [
                    {"id": "yes", "label": "Take it", "next": "end", "style": "primary"},
                    {
                        "id": "no",
                        "label": "Reject",
                        "next": "end",
                        "style": "danger",
                        "requires": ["comment"],
                        "confirm": "Reject this offer?",
                        "set": {"rejected": True},
                    },
                ],
            },
        },
        {"id": "end", "type": "end"},
    ],
}
SHOWN: dict[str, Any] = {
    "name": "Shown",
    "key": "shown",
    "version": "1",
    "variables": {"kind": {"type": "string", "label": "Kind"}, "parts": {"type": "array"}},
    "start": {
        "form": [
            {"name": "kind", "type": "select", "options": [{"value": "meal", "label": "A meal"}]},
            {"name": "parts", "type": "rows", "label": "Parts", "columns": FORM[-1]["columns"]},
        ]
    },
    "steps": [
        {"id": "look", "type": "user_task", "config": {"assignee": "zhao"}, "next": ["end"]},
        {"id": "end", "type": "end"},
    ],
}
TYPED = {
    "f.kind": "other",
    "f.why": "Because.",
    "f.tags": ["", "big"],
    "f.price": "1,250.50",
    "f.price.currency": "CNY",
    "f.deputy": " Wang ",
    "f.items": "",
    "f.items.0.what": "Desk",
    "f.items.0.cost": "10.25",
    "f.items.1.what": "Chair",
    "f.items.1.cost": "2",
}
VALUES = {
    "kind": "other",
    "why": "Because.",
    "tags": ["big"],
    "price": {"amount": Decimal("1250.50"), "currency": "CNY"},
    "deputy": "wang",
    "items": [{"what": "Desk", "cost": Decimal("10.25")}, {"what": "Chair", "cost": 2}],
}


@pytest.fixture
def definition(office: Office) -> int:
    row, _ = definitions.create(office.db, office["li"], dumps(OFFER), known=None, now=NOW)
    return row.id


@pytest.fixture
def task(office: Office, definition: int) -> int:
    assert definition
    return office.task_of(office.start("offer", boss="Li Wei"), "decide")


@pytest.fixture
def pages(browser: Browser, task: int) -> Pages:
    seat = browser("mei")
    seat.post(f"/tasks/{task}/claim").goes_to(f"/tasks/{task}")
    return seat


def variables_of(office: Office) -> dict[str, Any]:
    found = stored.row(office.db, "select variables from process_instances")["variables"]
    assert isinstance(found, dict)
    return found


def test_both_doors_keep_the_same_values(
    office: Office, browser: Browser, rest: Rest, task: int
) -> None:
    seat = browser("mei")
    seat.get("/profile").ok()
    rest("mei", "GET", "/auth/me").ok()
    with stored.taken_back(office.db):
        seat.post(f"/tasks/{task}/complete", TYPED | {"outcome": "yes"}).goes_to(
            f"/tasks/{task}/done"
        )
        by_page = stored.comparable(office.db)
        assert VALUES.items() <= variables_of(office).items()
    with stored.taken_back(office.db):
        body = {"variables": VALUES, "outcome": "yes"}
        rest("mei", "PUT", f"/tasks/{task}/complete", body).ok()
        by_rest = stored.comparable(office.db)
    assert by_page == by_rest


def test_the_page_shows_each_control(pages: Pages, task: int) -> None:
    page = pages.get(f"/tasks/{task}").ok()
    assert 'data-slot="why" hidden' in page.text
    assert 'data-slot="vip" hidden' in page.text
    assert 'class="slot span-half" data-slot="price"' in page.text
    assert 'type="checkbox"' in page.control("f.tags", "big")
    assert "EUR CNY" in page.words
    assert f'hx-post="/tasks/{task}/form/live"' in page.text
    assert 'list="f-deputy-people"' in page.control("f.deputy")
    assert 'aria-label="What, row 1"' in page.control("f.items.0.what")


def test_a_variable_or_what_is_typed_shows_a_field(rest: Rest, office: Office, task: int) -> None:
    def hidden(**variables: Any) -> Any:
        return rest("mei", "POST", f"/tasks/{task}/form", {"variables": variables}).ok()["hidden"]

    assert hidden() == ["vip", "why"]
    assert hidden(kind="other") == ["vip"]
    other = office.task_of(office.start("offer", boss="Zhao Min"), "decide")
    assert rest("mei", "POST", f"/tasks/{other}/form", {}).ok()["hidden"] == ["why"]


def test_what_would_be_refused_and_sums_are_told_without_completing(rest: Rest, task: int) -> None:
    values = {**VALUES, "deputy": "nobody", "items": [{"cost": 5}, {"what": "x", "cost": 2}]}
    told = rest("mei", "POST", f"/tasks/{task}/form", {"variables": values}).ok()
    assert [(each["field"], each["code"]) for each in told["errors"]] == [
        ("deputy", "unknown_user"),
        ("items.0.what", "required"),
    ]
    assert told["sums"] == {"items.cost": 7}
    assert rest("mei", "GET", f"/tasks/{task}").ok()["state"] == "open"


def test_while_typing_the_page_is_told_what_to_show(pages: Pages, task: int) -> None:
    answer = pages.post(f"/tasks/{task}/form/live", TYPED, htmx=True)
    assert answer.status == 204
    assert '"hidden": ["vip"]' in answer.headers["HX-Trigger"]
    assert '"items.cost": "12.25"' in answer.headers["HX-Trigger"]


def test_a_hidden_field_is_neither_required_nor_kept(office: Office, rest: Rest, task: int) -> None:
    values = {"kind": "usual", "why": "left over"}
    rest("mei", "PUT", f"/tasks/{task}/complete", {"variables": values, "outcome": "yes"}).ok()
    assert "why" not in variables_of(office)


def test_a_field_that_appears_when_the_form_is_sent_is_asked_for(pages: Pages, task: int) -> None:
    typed = {"f.kind": "other", "f.price": "5", "outcome": "yes"}
    page = pages.post(f"/tasks/{task}/complete", typed).ok(422)
    page.says("Fill this in.")
    assert '<div class="slot" data-slot="why">' in page.text
    assert 'value="5"' in page.control("f.price")
    assert "checked" in page.control("f.kind", "other")


def test_rows_are_added_and_removed_without_scripts(pages: Pages, task: int) -> None:
    page = pages.post(f"/tasks/{task}/form", TYPED | {"rows": "add.items"}).ok()
    assert 'value="Desk"' in page.control("f.items.0.what")
    assert 'value=""' in page.control("f.items.2.what")
    page.says("12.25")
    assert page.field("f.why") == "Because."
    page = pages.post(f"/tasks/{task}/form", TYPED | {"rows": "remove.items.0"}).ok()
    assert 'value="Chair"' in page.control("f.items.0.what")
    assert "f.items.1.what" not in page.text


@pytest.mark.parametrize("pressed", ["add.kind", "remove.items.99", "add.", "x", "add.nothing"])
def test_a_button_that_is_not_there_changes_nothing(pages: Pages, task: int, pressed: str) -> None:
    page = pages.post(f"/tasks/{task}/form", TYPED | {"rows": pressed}).ok()
    assert 'value="Chair"' in page.control("f.items.1.what")
    assert "f.items.2.what" not in page.text


def test_an_error_in_a_table_stands_at_its_cell(pages: Pages, task: int) -> None:
    empty = {"f.items.0.what": "", "f.items.0.cost": ""}
    typed = TYPED | empty | {"f.items.1.cost": "dear", "outcome": "no"}
    page = pages.post(f"/tasks/{task}/complete", typed, htmx=True).ok(422)
    page.says("items, row 2, Cost : This must be a number.", "Say why: this decision needs")
    assert 'aria-invalid="true"' in page.control("f.items.1.cost")
    assert 'value="dear"' in page.control("f.items.1.cost")


def test_a_draft_brings_a_table_back(pages: Pages, task: int) -> None:
    pages.post(f"/tasks/{task}/draft", TYPED | {"comment": "Too <dear>"}, htmx=True).ok()
    page = pages.get(f"/tasks/{task}").ok().says("Too <dear>")
    assert '<details class="more" open>' in page.text
    assert 'value="Chair"' in page.control("f.items.1.what")
    assert "checked" in page.control("f.tags", "big")
    assert '<div class="slot" data-slot="why">' in page.text


def test_rejecting_asks_for_its_comment_in_place(
    office: Office, pages: Pages, rest: Rest, task: int
) -> None:
    path = f"/tasks/{task}/complete"
    refused = rest("mei", "PUT", path, {"variables": VALUES, "outcome": "no"})
    errors = refused.refused(422, "outcome_needed")["errors"]
    assert [each["field"] for each in errors] == ["comment"]
    page = pages.post(path, TYPED | {"outcome": "no"}, htmx=True).ok(422)
    page.says("Comment : Say why: this decision needs a comment.")
    assert '<details class="more" open>' in page.text
    typed = TYPED | {"outcome": "no", "comment": "Too dear."}
    pages.post(path, typed, htmx=True).ok().says("Thank you")
    assert variables_of(office)["rejected"] is True


def test_without_scripts_a_page_asks_before_it_rejects(pages: Pages, task: int) -> None:
    typed = TYPED | {"outcome": "no", "comment": "Too dear."}
    page = pages.post(f"/tasks/{task}/complete", typed).ok()
    page.says("Reject this offer?", "Decide · Offer")
    assert page.field("f.why") == "Because."
    assert f'formaction="/tasks/{task}/complete?confirmed=no"' in page.control("outcome", "no")
    pages.post(f"/tasks/{task}/complete?confirmed=no", typed).goes_to(f"/tasks/{task}/done")


def test_with_scripts_the_button_asks(pages: Pages, task: int) -> None:
    button = pages.get(f"/tasks/{task}").ok().control("outcome", "no")
    assert 'data-confirm="Reject this offer?"' in button
    assert 'data-confirm-text="Decide · Offer"' in button


def test_instructions_stand_above_the_form(pages: Pages, rest: Rest, task: int) -> None:
    page = pages.get(f"/tasks/{task}").ok()
    assert "<h3>Look</h3>" in page.text
    assert "<strong>twice</strong>" in page.text
    assert 'href="https://example.org/r" rel="noopener noreferrer nofollow"' in page.text
    assert rest("mei", "GET", f"/tasks/{task}").ok()["instructions"].startswith("# Look")


def test_what_was_entered_can_be_read_afterwards(pages: Pages, task: int) -> None:
    pages.post(f"/tasks/{task}/complete", TYPED | {"outcome": "yes"})
    page = pages.get(f"/tasks/{task}").ok()
    page.says("1,250.50\N{NO-BREAK SPACE}CNY".replace("\N{NO-BREAK SPACE}", " "), "big")
    page.says("Wang Fang")
    assert '<td data-label="What">' in page.text


def test_people_are_found_by_part_of_a_name(browser: Browser, rest: Rest) -> None:
    assert rest("mei", "GET", "/people?q=ang%20f").ok()["items"] == [
        {"username": "wang", "name": "Wang Fang"}
    ]
    for nobody in ("", "%25", "_", "zz", "%ED%A0%80"):
        assert rest("mei", "GET", f"/people?q={nobody}").ok()["items"] == []
    browser("mei").get("/people?of=f.deputy&f.deputy=%00", htmx=True).ok()
    part = browser("mei").get("/people?of=f.deputy&f.deputy=wang", htmx=True).ok()
    assert '<option value="wang">Wang Fang</option>' in part.text
    assert 'id="f-deputy-people"' in part.text
    part = browser("mei").get("/people?of=users&many=1&users=li,+wang,+li+w", htmx=True).ok()
    part.says("Li Wei, Wang Fang")
    assert "<option" not in part.text, "who is named already is not offered again"
    part = browser("mei").get("/people?of=users&many=1&users=li,+fa", htmx=True).ok()
    assert '<option value="li, wang">li, Wang Fang</option>' in part.text


def test_a_start_form_hides_fields_and_has_tables_too(
    browser: Browser, rest: Rest, office: Office, definition: int
) -> None:
    seat = browser("zhao")
    page = seat.get(f"/start/{definition}").ok()
    assert 'data-slot="more" hidden' in page.text
    live = seat.post(f"/start/{definition}/form/live", {"f.boss": "x"}, htmx=True)
    assert '"hidden": []' in live.headers["HX-Trigger"]
    page = seat.post(f"/start/{definition}/form", {"f.boss": "x", "rows": "add.parts"}).ok()
    assert '<div class="slot" data-slot="more">' in page.text
    seat.post(f"/start/{definition}", {"f.boss": "x", "f.parts.0.part": "a"}).ok(422)
    seat.post(f"/start/{definition}", {"f.boss": "y", "f.more": "z", "f.parts.0.part": "a"})
    kept = variables_of(office)
    assert kept["parts"] == [{"part": "a"}]
    assert "more" not in kept
    sent = {"process_definition_id": definition, "variables": {"boss": "y", "more": "z"}}
    assert "more" not in rest("zhao", "POST", "/process-instances", sent).ok(201)["variables"]


def test_a_dry_run_fills_in_every_field(browser: Browser, definition: int) -> None:
    seat, path = browser("li"), f"/definitions/{definition}/dry-run"
    page = seat.post(path, {"scenario": seat.get(path).ok().field("scenario")}).ok()
    pressed = {"scenario": page.field("scenario"), "add": page.button_named("Reject")}
    page = seat.post(path, pressed).ok()
    assert '"comment":"x"' in page.field("scenario")
    page.says("Completed")


def test_an_amount_with_its_currency_is_corrected_as_json(
    browser: Browser, office: Office, rest: Rest, task: int
) -> None:
    instance = rest("mei", "GET", f"/tasks/{task}").ok()["process_instance_id"]
    body = {"variables": {"price": {"amount": 5, "currency": "EUR"}}}
    rest("li", "PATCH", f"/process-instances/{instance}/variables", body).ok()
    page = browser("li").get(f"/instances/{instance}/variables").ok()
    assert '"currency": "EUR"' in page.field("f.price").replace('":"', '": "')


def test_the_order_of_columns_is_part_of_the_content() -> None:
    def form(*names: str) -> dict[str, Any]:
        return {"form": {"t": {"type": "rows", "columns": dict.fromkeys(names, "string")}}}

    assert checksum_of(form("a", "b")) == checksum_of(form("a", "b"))
    assert checksum_of(form("a", "b")) != checksum_of(form("b", "a"))


def test_a_required_comment_goes_with_many_decisions_at_once(
    rest: Rest, office: Office, definition: int
) -> None:
    small = OFFER["steps"][0]["config"] | {"form": {"note": "string"}}
    document = {
        "name": "Small",
        "key": "small",
        "version": "1",
        "steps": [{**OFFER["steps"][0], "config": small}, OFFER["steps"][1]],
    }
    definitions.create(office.db, office["li"], dumps(document), known=None, now=NOW)
    ids = [office.task_of(office.start("small"), "decide") for _ in range(2)]
    body: dict[str, Any] = {"action": "complete", "ids": ids, "outcome": "no"}
    assert rest("mei", "POST", "/tasks/batch", body).ok()["done"] == 0
    assert rest("mei", "POST", "/tasks/batch", body | {"comment": "Too dear."}).ok()["done"] == 2


def test_the_likely_way_of_a_rejection_is_known_before_its_comment(
    browser: Browser, rest: Rest, task: int
) -> None:
    ways = rest("mei", "POST", f"/tasks/{task}/route", {"variables": VALUES}).ok()
    assert "end" in dumps(ways)
    page = browser("mei").post(f"/tasks/{task}/route", TYPED, htmx=True).ok()
    page.is_silent_about("Then it depends")


def test_what_was_entered_before_is_shown_as_it_was_chosen(
    browser: Browser, office: Office
) -> None:
    definitions.create(office.db, office["li"], dumps(SHOWN), known=None, now=NOW)
    parts = [{"what": "Soup", "cost": 2}, {"what": "Tea", "cost": Decimal("1.5")}]
    task = office.task_of(office.start("shown", kind="meal", parts=parts), "look")
    page = browser("zhao").get(f"/tasks/{task}").ok()
    page.says("Kind A meal", "Parts What Cost Soup 2 Tea 1.5 3.5")
