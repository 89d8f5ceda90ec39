"""The inbox by page: tabs, filters that stand in the address, what rows tell."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.definition import service as definitions
from app.task import service as tasks
from tests.support.office import NOW, REQUEST, Office
from tests.support.pages import Pages, Sheet
from tests.support.rest import Clock, Rest

Browser = Callable[..., Pages]


def links(page: Sheet, words: str) -> list[str]:
    """Return where the links lead that say this."""
    found = re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', page.text, re.DOTALL)
    return [
        html.unescape(href)
        for href, inside in found
        if " ".join(html.unescape(re.sub(r"<[^>]+>", " ", inside)).split()) == words
    ]


def query(address: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def test_filters_stand_in_the_address_and_are_taken_away_one_by_one(
    browser: Browser, office: Office
) -> None:
    office.open_task()
    office.start("choice")
    page = browser("mei").get("/inbox?process=request&step=approve&q=appr&due=today").ok()
    assert page.text.count("data-row") == 1
    for words, name in (
        ("Request", "process"),
        ("Approve", "step"),
        ("“appr”", "q"),
        ("Due today", "due"),
    ):
        (address,) = [each for each in links(page, words) if each.startswith("/inbox?")]
        rest = {"process": "request", "step": "approve", "q": "appr", "due": "today"}
        del rest[name]
        assert query(address) == {"tab": "todo"} | rest
    (everything,) = links(page, "Remove all")
    assert query(everything) == {"tab": "todo"}
    assert 'value="today" selected' in page.text
    assert "data-row" not in browser("mei").get("/inbox?process=request&step=decide").ok().text


def test_a_filter_with_nothing_to_choose_is_not_offered(browser: Browser, office: Office) -> None:
    office.open_task()
    page = browser("mei").get("/inbox").ok()
    assert 'name="process"' not in page.text
    assert 'name="due"' in page.text
    assert page.text.count('class="chip"') == 0
    office.start("choice")
    page = browser("mei").get("/inbox").ok()
    assert 'name="process"' in page.text
    done = browser("mei").get("/inbox?tab=done").ok()
    assert 'name="due"' not in done.text
    assert 'name="order"' not in done.text


@pytest.mark.parametrize("wrong", ["due=soon", "priority=9", "order=loud", "tab=other", "after=x"])
def test_a_word_that_is_no_filter_is_refused(browser: Browser, wrong: str) -> None:
    browser("mei").get(f"/inbox?{wrong}").ok(400)


def test_the_pages_of_a_list_and_a_claim_keep_its_filters(browser: Browser, office: Office) -> None:
    first, *_ = (office.open_task() for _ in range(51))
    office.start("choice")
    pages = browser("mei")
    page = pages.get("/inbox?process=request&order=newest").ok()
    (following,) = links(page, "Next page")
    assert query(following)["process"] == "request"
    last = pages.get(following).ok()
    assert re.findall(r'data-row id="task-(\d+)"', last.text) == [str(first)]
    after = html.unescape(re.findall(r'name="after" value="([^"]*)"', last.text)[0])
    sent = {"from": "inbox", "tab": "todo", "process": "request", "order": "newest", "after": after}
    listed = pages.post(f"/tasks/{first}/claim", sent, htmx=True).ok()
    assert "Decide" not in listed.words


def test_nothing_that_fits_says_so_and_how_to_go_on(browser: Browser, office: Office) -> None:
    office.open_task()
    page = browser("mei").get("/inbox?priority=low").ok().says("No task fits", "Remove a filter")
    assert query(links(page, "Show all")[0]) == {"tab": "todo"}
    browser("mei").get("/inbox?q=zebra").ok().says("No task fits “zebra”", "what rows show")
    browser("mei").get("/inbox?tab=done&process=request").ok().says("No task fits")


def test_a_process_that_is_gone_from_the_list_can_still_be_taken_away(
    browser: Browser, office: Office
) -> None:
    page = browser("mei").get("/inbox?process=<b>&step=x").ok()
    assert "<b>&" not in page.text
    assert query(links(page, "<b>")[0]) == {"tab": "todo", "step": "x"}


def test_sent_is_a_tab_with_filters_of_its_own(browser: Browser, office: Office) -> None:
    office.start()
    office.start("choice")
    pages = browser("zhao")
    assert links(pages.get("/inbox").ok(), "Sent") == ["/requests"]
    page = pages.get("/requests").ok()
    assert re.search(r'href="/requests" aria-current="page">Sent', page.text)
    assert page.text.count("data-row") == 2
    narrowed = pages.get("/requests?definition=choice&status=running&q=cho").ok()
    assert narrowed.text.count("data-row") == 1
    assert query(links(narrowed, "Choice")[0]) == {"status": "running", "q": "cho"}
    assert query(links(narrowed, "Running")[0]) == {"definition": "choice", "q": "cho"}
    pages.get("/requests?definition=choice&status=failed").ok().says("Nothing fits")


def test_a_row_tells_what_its_step_names_in_the_readers_words(
    browser: Browser, office: Office
) -> None:
    step: dict[str, Any] = {**REQUEST["steps"][0], "next": []}
    step = {**step, "config": {**step["config"], "summary": ["amount", "salary", "purpose"]}}
    document = {**REQUEST, "key": "told", "steps": [step]}
    definitions.create(office.db, office["root"], json.dumps(document), known=None, now=NOW)
    office.start("told", amount=12500, salary=99, purpose="<i>Chairs")
    page = browser("mei").get("/inbox").ok().says("amount 12,500", "Purpose <i>Chairs")
    page.is_silent_about("99")
    assert browser("mei").get("/inbox?q=12500").ok().text.count("data-row") == 1
    assert '<option value="amount">' in page.text
    assert '<option value="salary">' not in page.text
    page = browser("mei").get("/inbox?field=amount&op=least&value=12,000").ok()
    assert page.text.count("data-row") == 1
    assert query(links(page, "amount at least “12,000”")[0]) == {"tab": "todo"}
    browser("mei").get("/inbox?field=amount&op=most&value=12,000").ok().says("No task fits")


def test_rest_narrows_by_the_same_words(office: Office, rest: Rest) -> None:
    task = office.open_task()
    office.start("choice")

    def ids(asked: str) -> list[int]:
        return [each["id"] for each in rest("mei", "GET", f"/tasks?{asked}").ok()["items"]]

    assert ids("due=today") == [task]
    assert ids("due=overdue") == []
    rest.clock.pass_(hours=3)
    assert ids("due=overdue") == [task]
    assert ids("priority=normal&step=approve") == [task]
    assert ids("priority=urgent") == []
    assert ids("field=amount&op=least&value=0") == []
    rest("mei", "GET", "/tasks?due=soon").refused(400, "invalid_query")


def test_a_day_over_rest_is_that_of_the_callers_profile(office: Office, rest: Rest) -> None:
    task = office.open_task()
    with office.db.transaction() as tx:
        tx.run("update tasks set due_at = %(at)s", {"at": NOW.replace(hour=20)})
        tx.run("update users set timezone = 'Asia/Shanghai' where username = 'mei'")
    found = {by: rest(by, "GET", "/tasks?due=today").ok()["items"] for by in ("mei", "wang")}
    assert ([each["id"] for each in found["wang"]], found["mei"]) == ([task], [])


def test_done_is_narrowed_too(browser: Browser, office: Office) -> None:
    task = office.open_task()
    tasks.complete(office.engine, office["mei"], task, {"approved": True}, now=Clock()())
    pages = browser("mei")
    assert pages.get("/inbox?tab=done&step=approve").ok().text.count("data-row") == 1
    assert pages.get("/inbox?tab=done&priority=urgent").ok().text.count("data-row") == 0
