"""What pages say of the whole language: step types, waits, families, findings, dry runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.definition import service as definitions
from app.definition.row import DefinitionRow
from app.runtime import messages, queries, timers
from app.runtime import service as runtime
from app.web.by_clock import in_words
from tests.support.office import NOW, Office
from tests.support.pages import Pages

Browser = Callable[..., Pages]

CHILD: dict[str, Any] = {
    "name": "Child",
    "key": "child",
    "version": "1",
    "steps": [{"id": "sign", "name": "Sign", "type": "user_task", "config": {"assignee": "mei"}}],
}
WAITS: dict[str, Any] = {
    "name": "Waits",
    "key": "waits",
    "version": "1",
    "variables": {"people": "array"},
    "steps": [
        {"id": "split", "type": "parallel_gateway", "next": ["pause", "word", "first", "call"]},
        {
            "id": "pause",
            "name": "Pause",
            "type": "timer",
            "config": {"after": "2h"},
            "next": ["all"],
        },
        {
            "id": "word",
            "name": "Word",
            "type": "receive_message",
            "config": {"message": "paid", "correlate": "${instance.business_key}"},
            "boundary": [{"on": "timer", "after": "1d", "interrupt": False, "next": "remind"}],
            "next": ["all"],
        },
        {
            "id": "first",
            "name": "First",
            "type": "event_gateway",
            "config": {
                "events": [
                    {"on": "message", "message": "go", "next": "all"},
                    {"on": "timer", "after": "3d", "next": "remind"},
                ]
            },
        },
        {
            "id": "call",
            "name": "Call",
            "type": "call_activity",
            "config": {"process_key": "child"},
            "next": ["all"],
        },
        {"id": "all", "name": "All", "type": "inclusive_gateway", "next": ["done"]},
        {"id": "remind", "name": "Remind", "type": "user_task", "config": {"assignee": "li"}},
        {"id": "done", "name": "Done", "type": "end"},
    ],
}
OTHERS: dict[str, Any] = {
    "name": "Others",
    "key": "others",
    "version": "1",
    "variables": {"people": "array", "who": "any"},
    "start": {"cron": "0 9 * * 1-5", "message": "begin"},
    "steps": [
        {
            "id": "each",
            "name": "Each",
            "type": "sub_process",
            "multi": {"over": "${people}", "as": "person"},
            "config": {
                "steps": [
                    {
                        "id": "ask",
                        "name": "Ask",
                        "type": "external_task",
                        "config": {"topic": "survey"},
                    }
                ]
            },
            "next": ["hook"],
        },
        {
            "id": "hook",
            "name": "Hook",
            "type": "webhook",
            "config": {"url": "https://example.com/x"},
            "boundary": [{"on": "error", "code": "http_404", "next": "queue"}],
            "next": ["queue"],
        },
        {
            "id": "queue",
            "name": "Queue",
            "type": "message_queue",
            "config": {"queue_name": "orders", "message": {"a": 1}},
            "next": ["mail"],
        },
        {
            "id": "mail",
            "name": "Mail",
            "type": "email",
            "config": {"to": "a@example.com", "subject": "Hello", "body": "x"},
            "next": ["tell"],
        },
        {
            "id": "tell",
            "name": "Tell",
            "type": "send_message",
            "config": {"message": "told", "correlate": "7"},
            "next": ["set"],
        },
        {
            "id": "set",
            "name": "Set",
            "type": "script",
            "config": {"set": {"who": "x"}},
            "next": ["table"],
        },
        {
            "id": "table",
            "name": "Table",
            "type": "decision",
            "config": {
                "inputs": ["${who}"],
                "rules": [{"when": ["-"], "set": {"level": 1}}],
            },
            "skip_when": "${who == 'y'}",
            "next": ["end"],
        },
        {
            "id": "end",
            "name": "End",
            "type": "end",
            "config": {"result": "cancelled", "code": "no"},
        },
    ],
}
STARVING: dict[str, Any] = {
    "name": "Starving",
    "key": "starving",
    "version": "1",
    "variables": {"amount": {"type": "number", "required": True}},
    "steps": [
        {
            "id": "size",
            "name": {"en": "How much?", "zh": "多少？"},
            "type": "exclusive_gateway",
            "config": {
                "conditions": [{"expression": "amount > 1000", "next": "look"}],
                "default": "pay",
            },
        },
        {
            "id": "look",
            "name": "Look",
            "type": "user_task",
            "config": {"assignee": "mei"},
            "next": ["both"],
        },
        {
            "id": "pay",
            "name": "Pay",
            "type": "user_task",
            "config": {"assignee": "li"},
            "next": ["both"],
        },
        {"id": "both", "name": "Both", "type": "parallel_gateway", "next": ["end"]},
        {"id": "end", "name": "End", "type": "end"},
    ],
}


def store(office: Office, document: dict[str, Any]) -> DefinitionRow:
    """Store another definition."""
    row, _ = definitions.create(
        office.db, office["root"], json.dumps(document), known=None, now=NOW
    )
    return row


@pytest.fixture
def waiting(office: Office) -> int:
    """An instance that waits for everything at once."""
    store(office, CHILD)
    store(office, WAITS)
    return office.start("waits")


def test_where_it_stands_says_what_each_token_waits_for(
    browser: Browser, office: Office, waiting: int
) -> None:
    page = browser("li").get(f"/instances/{waiting}").ok()
    page.says(
        "Pause Waits until Mar 2, 2026 11:00",
        "Word Waits for the message “paid” with the key R-1",
        "at Mar 3, 2026 9:00",
        "→ Remind (beside it)",
        "First Waits for whatever comes first",
        "message “go”",
        "Call Waits for another process: Child",
        "Processes that it started",
    )
    page.is_silent_about("An automatic step is at work")
    runtime.suspend(office.engine, office["li"], waiting, now=NOW)
    stopped = browser("li").get(f"/instances/{waiting}").ok()
    stopped.says("Waits for its time; the clock is stopped").is_silent_about("Waits until")


def test_a_join_names_the_branches_that_it_waits_for(
    browser: Browser, office: Office, waiting: int
) -> None:
    assert timers.fire_due(office.engine, now=NOW + timedelta(hours=2)) is not None
    page = browser("li").get(f"/instances/{waiting}").ok()
    page.says("All Waits for the other branches: Word, First, Call", "Pause: time reached")


def test_a_family_is_linked_both_ways(browser: Browser, office: Office, waiting: int) -> None:
    with office.db.transaction() as tx:
        found = tx.run(
            "select id from process_instances where parent_id = %(id)s", {"id": waiting}
        ).fetchone()
    assert found is not None
    child = found["id"]
    assert f'href="/instances/{child}"' in browser("li").get(f"/instances/{waiting}").text
    page = browser("li").get(f"/instances/{child}").ok().says("Part of Waits")
    assert f'href="/instances/{waiting}"' in page.text
    # Mei has a task in the child only: the parent is not hers to see.
    own = browser("mei").get(f"/instances/{child}").ok()
    assert f"/instances/{waiting}" not in own.text


def test_the_history_tells_of_messages_and_children(
    browser: Browser, office: Office, waiting: int
) -> None:
    messages.send(office.engine, office["root"], name="paid", key="R-1", payload={}, now=NOW)
    page = browser("li").get(f"/instances/{waiting}").ok()
    page.says("Word: message “paid” received", "Call: process child started")
    full = browser("li").get(f"/instances/{waiting}/history").ok()
    full.says("Message awaited", "Clock started", "Another process started")
    full.is_silent_about("timer.started Clock")


def test_elements_of_a_list_say_which_they_are(browser: Browser, office: Office) -> None:
    store(office, OTHERS)
    number = office.start("others", people=["a", "b", "c"])
    page = browser("li").get(f"/instances/{number}").ok()
    page.says("Each 0 of 3 done", "number 2 of 3", "within Each")
    page.says("Offered to workers elsewhere, topic “survey”").is_silent_about("of 0")
    assert page.words.count("number 2 of 3") == 1


def test_the_steps_of_a_definition_say_what_they_do(browser: Browser, office: Office) -> None:
    row = store(office, OTHERS)
    page = browser("li").get(f"/definitions/{row.id}").ok()
    page.says(
        "for each of ${people} at once",
        "1 step inside",
        "topic “survey”",
        "within Each",
        "POST https://example.com/x",
        "on the error http_404",
        "orders",
        "“Hello”",
        "message “told” with the key 7",
        "sets who",
        "1 rule",
        "skipped if who == 'y'",
        "ends as cancelled",
    )
    timed = browser("li").get(f"/definitions/{store(office, WAITS).id}").ok()
    timed.says("after 2h", "after 1d, beside it", "the first of 2 events", "Side by side")


def test_a_definition_says_when_it_starts_by_itself(browser: Browser, office: Office) -> None:
    row = store(office, OTHERS)
    page = browser("li").get(f"/definitions/{row.id}").ok()
    page.says("Monday to Friday at 9:00", "when the message “begin” comes", "Next time Mar 3, 2026")
    browser("li").get("/definitions").ok().says("Starts Monday to Friday at 9:00")
    definitions.retire(office.db, office["root"], row.id, now=NOW)
    browser("li").get(f"/definitions/{row.id}").ok().is_silent_about("Next time")


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 9 * * *", "every day at 9:00 AM"),
        ("*/15 * * * *", "every day every 15 minutes"),
        ("5 * * * *", "every day every hour at minute 5"),
        ("30 8,17 1,l * *", "on 1, the last day of the month at 8:30 AM, 5:30 PM"),
        ("0 0 * jan,jul sun", "on Sunday in January, July at 12:00 AM"),
        ("0 */6 * * *", "every day at 12:00 AM, 6:00 AM, 12:00 PM, 6:00 PM"),
        ("0 9 13 * 5", "by the clock: 0 9 13 * 5"),
        ("1-40/3 9-17 * * *", "by the clock: 1-40/3 9-17 * * *"),
        ("no cron", "no cron"),
    ],
)
def test_cron_in_words(browser: Browser, cron: str, words: str) -> None:
    pages = browser("li")
    with pages.app.test_request_context():
        said = in_words(cron).replace("\u202f", " ")
    assert said == words


def test_a_finding_shows_the_run_that_leads_there(browser: Browser, office: Office) -> None:
    pages = browser("li")
    sent = {"source": json.dumps(STARVING), "action": "check"}
    page = pages.post("/definitions/upload", sent).ok(422)
    page.says("This run leads there: How much? (", "Both")
    zh = pages.post("/definitions/upload?lang=zh", sent).ok(422)
    zh.is_silent_about("leads there")
    assert ">多少？</strong>" in zh.text


def test_findings_stand_in_groups_with_notes_last(browser: Browser, office: Office) -> None:
    document = STARVING | {"variables": {}}  # amount is read, but nobody sets it
    page = browser("li").post(
        "/definitions/upload", {"source": json.dumps(document), "action": "check"}
    )
    words = page.ok(422).words
    assert 0 < words.index("Errors") < words.index("Warnings")


def test_a_dry_run_is_played_click_by_click(browser: Browser, office: Office) -> None:
    store(office, CHILD)
    row = store(office, WAITS)
    pages, url = browser("li"), f"/definitions/{row.id}/dry-run"
    first = pages.get(url).ok().says("Try out", "nothing is stored")
    scenario = first.field("scenario")
    page = pages.post(url, {"scenario": scenario}).ok().says("Running", "The time has come")
    for step in (
        "The time has come",
        "The message comes",
        "message “go”",
        "The other process ends",
    ):
        key = page.button_named(step)
        page = pages.post(url, {"scenario": page.field("scenario"), "add": key}).ok()
    page.says("Completed", "It has ended", "Pause")
    with office.db.transaction() as tx:
        assert tx.run("select count(*) as n from process_instances").fetchone() == {"n": 0}


def test_a_dry_run_says_what_is_wrong_and_how_far_it_came(browser: Browser, office: Office) -> None:
    row = definitions.create(office.db, office["root"], json.dumps(CHILD), known=None, now=NOW)[0]
    pages, url = browser("li"), f"/definitions/{row.id}/dry-run"
    wrong = {"answers": [{"step": "sign"}, {"step": "sign"}]}
    page = pages.post(url, {"scenario": json.dumps(wrong)}).ok(422)
    page.says("Answer 2: Nothing waits at sign. The run is completed", "Completed")
    pages.post(url, {"scenario": '{"start": '}).ok(422).says("This is not JSON (line 1")
    pages.post(url, {"scenario": "[]"}).ok(422).says("A scenario is an object")
    pages.post(url, {"scenario": '{"answers": 3}'}).ok(422).says("must be a list")
    pages.post(url, {"scenario": "{}", "add": "77"}).ok()


def test_a_dry_run_needs_the_right_to_see_processes(browser: Browser, office: Office) -> None:
    row = store(office, CHILD)
    browser("zhao").get(f"/definitions/{row.id}/dry-run").ok(403)
    browser("zhao").get(f"/definitions/{row.id}").ok().is_silent_about("Try out")


def test_a_stuck_run_can_go_on_in_a_dry_run(browser: Browser, office: Office) -> None:
    row = store(
        office,
        CHILD
        | {
            "key": "stuck",
            "steps": [
                {
                    "id": "set",
                    "name": "Set",
                    "type": "script",
                    "config": {"set": {"x": "${missing + 1}"}},
                    "next": ["sign"],
                },
                *CHILD["steps"],
            ],
        },
    )
    pages, url = browser("li"), f"/definitions/{row.id}/dry-run"
    page = pages.post(url, {"scenario": "{}"}).ok().says("An expression has no value", "Try again")
    skipped = pages.post(url, {"scenario": "{}", "add": page.button_named("Skip")}).ok()
    skipped.says("Sign", "It is completed")


def test_instances_are_seen_by_everybody_who_takes_part_whatever_the_step(
    browser: Browser, office: Office, waiting: int
) -> None:
    assert queries.get(office.db, office["zhao"], waiting, now=NOW)["tokens"]
    page = browser("zhao").get(f"/instances/{waiting}?lang=zh").ok()
    page.says("Pause").is_silent_about("Waits until", "Waits for", "Skip", "Edit")
