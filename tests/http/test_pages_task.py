"""Inbox and task page: who sees what, claiming, forms, drafts, what came of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.runtime import service as runtime
from app.task import service as tasks
from tests.support.office import NOW, Office
from tests.support.pages import Pages

Browser = Callable[..., Pages]
GOOD = {"f.approved": "true", "f.comments": "Fine.", "f.amount": "1,250.50"}


def test_the_inbox_tells_mine_from_claimable(browser: Browser, office: Office) -> None:
    mine, offered = office.open_task(amount=7), office.open_task(amount=8)
    tasks.claim(office.engine, office["mei"], mine, now=NOW)
    page = browser("mei").get("/inbox").ok()
    page.says("Mine 1", "To claim 1", "Request", "Approve", "R-1", "Zhao Min", "To do 2")
    assert f'href="/tasks/{mine}"' in page.text
    assert f'action="/tasks/{offered}/claim"' in page.text
    assert f'action="/tasks/{mine}/claim"' not in page.text
    browser("stranger").get("/inbox").ok().says("Nothing waits for you", "Start a process")


def test_the_inbox_searches_and_pages(browser: Browser, office: Office) -> None:
    for _ in range(51):
        office.open_task(amount=1)
    pages = browser("mei")
    part = pages.get("/inbox?q=appr", htmx=True).ok()
    assert "<html" not in part.text
    assert part.text.count("data-row") == 50
    following = part.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert following.startswith("/inbox?tab=todo&amp;q=appr&amp;after=")
    last = pages.get(following.replace("&amp;", "&")).ok()
    assert last.text.count("data-row") == 1
    last.says("To the beginning")
    pages.get("/inbox?q=zebra%25").ok().says("No task fits “zebra%”", "Show all")
    pages.get("/inbox?order=due").ok()


def test_a_history_restore_gets_the_whole_page(browser: Browser, office: Office) -> None:
    pages = browser("mei")
    restored = pages.get("/inbox", htmx=True, HX_History_Restore_Request="true").ok()
    assert "<html" in restored.text
    assert "<html" in pages.get("/inbox", htmx=True, HX_Boosted="true").ok().text


def test_the_badge_answers_only_news(browser: Browser, office: Office) -> None:
    office.open_task()
    pages = browser("mei")
    assert pages.get("/inbox/badge?shown=1", htmx=True).status == 204
    news = pages.get("/inbox/badge?shown=0", htmx=True).ok().says("1 waiting")
    assert 'hx-get="/inbox/badge?shown=1"' in news.text
    assert "inbox-changed" in news.headers["HX-Trigger"]


def test_claims_by_plain_post(browser: Browser, office: Office) -> None:
    task = office.open_task()
    pages = browser("mei")
    pages.get(f"/tasks/{task}").ok().says("Nobody has claimed this yet")
    pages.post(f"/tasks/{task}/claim").goes_to(f"/tasks/{task}")
    page = pages.get(f"/tasks/{task}").ok().says("Claimed. It is yours now.", "Complete")
    page.is_silent_about("Nobody has claimed")
    assert "disabled" not in page.control("f.approved", "true")


def test_claims_in_place(browser: Browser, office: Office) -> None:
    one, two = office.open_task(), office.open_task()
    pages = browser("mei")
    panel = pages.post(f"/tasks/{one}/claim", htmx=True).ok().says("In progress", "Release")
    assert "<html" not in panel.text
    assert "data-focus" in panel.text
    listed = pages.post(f"/tasks/{two}/claim", {"from": "inbox"}, htmx=True).ok()
    listed.says("Mine 2").is_silent_about("To claim")
    assert f'id="task-{two}-link" data-focus' in listed.text


def test_who_comes_late_is_told_by_whom(browser: Browser, office: Office) -> None:
    task = office.open_task()
    late = browser("wang")
    late.get("/inbox").ok()
    tasks.claim(office.engine, office["mei"], task, now=NOW)
    said = "Chen Mei has this task. Choose another one, or ask Chen Mei to release it."
    late.post(f"/tasks/{task}/claim").ok(409).says(said)
    part = late.post(f"/tasks/{task}/claim", {"from": "inbox"}, htmx=True).ok(409)
    assert part.headers["HX-Retarget"] == "#tasks"
    assert "Chen Mei has this task" in part.headers["HX-Trigger"]
    part.says("Nothing waits for you")


def test_a_form_that_is_wrong_keeps_what_was_typed(browser: Browser, office: Office) -> None:
    task = office.open_task(amount=7)
    pages = browser("mei")
    pages.post(f"/tasks/{task}/claim")
    sent = {"f.amount": "a <lot>", "f.comments": "First\r\nsecond & third"}
    for htmx in (False, True):
        page = pages.post(f"/tasks/{task}/complete", sent, htmx=htmx).ok(422)
        page.says("2 entries need another look", "approved : Choose yes or no.")
        page.says("This must be a number.", "second & third")
        assert 'value="a &lt;lot&gt;"' in page.control("f.amount")
        assert 'aria-invalid="true"' in page.control("f.amount")
        assert 'aria-describedby="f-amount-error"' in page.control("f.amount")
        assert 'href="#f-amount"' in page.text
        assert "data-error-summary" in page.text
        assert ("<html" in page.text) is not htmx
    pages.get(f"/tasks/{task}").ok().says("In progress")


def test_completes_and_says_what_is_next(browser: Browser, office: Office) -> None:
    task, other = office.open_task(), office.open_task()
    pages = browser("mei")
    pages.post(f"/tasks/{task}/claim")
    pages.post(f"/tasks/{task}/complete", GOOD | {"comment": "At last"}).goes_to(
        f"/tasks/{task}/done"
    )
    done = pages.get(f"/tasks/{task}/done").ok()
    done.says("Thank you, that is done.", "Next: Pay, by Li Wei.", "Next for you")
    assert f'href="/tasks/{other}"' in done.text
    again = GOOD | {"comment": "At last"}  # a tap too many, or an answer that got lost
    pages.post(f"/tasks/{task}/complete", again).goes_to(f"/tasks/{task}/done")
    other_values = pages.post(f"/tasks/{task}/complete", GOOD | {"f.amount": "2"}).ok(409)
    other_values.says("You have completed this task already.", "What you had typed")
    over = pages.get(f"/tasks/{task}").ok()
    over.says("Completed by Chen Mei", "At last", "1,250.50", "approved Yes", "Approve: completed")
    assert "<form id=" not in over.text
    pages.get("/inbox?tab=done").ok().says("Request", "Approve")


def test_completes_in_place(browser: Browser, office: Office) -> None:
    task = office.open_task()
    pages = browser("mei")
    part = pages.post(f"/tasks/{task}/complete", GOOD, htmx=True).ok()
    part.says("Next: Pay, by Li Wei.", "Nothing else waits for you")
    assert "<html" not in part.text
    assert part.headers["HX-Push-Url"] == f"/tasks/{task}/done"
    assert "inbox-moved" in part.headers["HX-Trigger"]


def test_the_page_of_what_came_needs_a_completed_task(browser: Browser, office: Office) -> None:
    task = office.open_task()
    browser("mei").get(f"/tasks/{task}/done").goes_to(f"/tasks/{task}")


def test_completed_by_someone_else_keeps_what_was_typed(browser: Browser, office: Office) -> None:
    task = office.open_task()
    pages = browser("wang")
    pages.get(f"/tasks/{task}").ok()
    tasks.complete(office.engine, office["mei"], task, {"approved": True}, now=NOW)
    sent = GOOD | {"f.comments": "My own words"}
    for htmx in (False, True):
        page = pages.post(f"/tasks/{task}/complete", sent, htmx=htmx).ok(409)
        page.says("Chen Mei has completed this task already.", "What you had typed", "My own words")
    assert page.headers["HX-Retarget"] == "#task"


def test_claimed_by_someone_else_keeps_what_was_typed(browser: Browser, office: Office) -> None:
    task = office.open_task()
    tasks.claim(office.engine, office["mei"], task, now=NOW)
    page = browser("wang").post(f"/tasks/{task}/complete", GOOD).ok(409)
    page.says("Chen Mei has this task.", "What you typed is still below")
    assert 'value="1,250.50"' in page.control("f.amount")
    page.is_silent_about("Complete")


def test_outcomes_are_buttons_that_enter_does_not_press(browser: Browser, office: Office) -> None:
    task = office.task_of(office.start("choice"), "decide")
    pages = browser("mei")
    pages.post(f"/tasks/{task}/claim")
    page = pages.get(f"/tasks/{task}").ok()
    page.control("outcome", "left")
    page.control("outcome", "right")
    form = page.text.split('id="task-form"')[1]
    assert form.index("disabled hidden") < form.index('name="f.note"')
    missing = pages.post(f"/tasks/{task}/complete", {"f.note": "hm"}).ok(422)
    missing.says("Choose an outcome")
    assert 'value="hm"' in missing.control("f.note")
    sent = {"f.note": "hm", "outcome": "right"}
    pages.post(f"/tasks/{task}/complete", sent).goes_to(f"/tasks/{task}/done")
    pages.get(f"/tasks/{task}/done").says("Next: Right, by Li Wei.")


def test_a_draft_comes_back_to_its_writer(browser: Browser, office: Office) -> None:
    task = office.open_task(amount=7)
    pages = browser("mei")
    pages.post(f"/tasks/{task}/claim")
    sent = {"f.amount": "12,", "f.comments": "half a sen"}
    pages.post(f"/tasks/{task}/draft", sent, htmx=True).ok().says("Draft kept just now")
    page = pages.get(f"/tasks/{task}").ok().says("is filled in", "half a sen")
    assert 'value="12,"' in page.control("f.amount")
    anew = pages.get(f"/tasks/{task}?draft=none").ok().is_silent_about("half a sen")
    assert 'value="7"' in anew.control("f.amount")


def test_what_was_typed_stays_for_the_next_one(browser: Browser, office: Office) -> None:
    task = office.open_task(amount=7)
    pages, other = browser("mei"), browser("wang")
    pages.post(f"/tasks/{task}/claim")
    pages.post(f"/tasks/{task}/release", {"f.comments": "Ask the bank"}).goes_to("/inbox")
    pages.get("/inbox").says("Released. Others can claim it now.")
    other.post(f"/tasks/{task}/claim")
    offer = other.get(f"/tasks/{task}").ok().says("Chen Mei has begun this form.")
    offer.is_silent_about("Ask the bank")
    other.get(f"/tasks/{task}?draft=take").ok().says("Filled in by Chen Mei.", "Ask the bank")


def test_a_draft_that_cannot_be_kept_says_why(browser: Browser, office: Office) -> None:
    task = office.open_task()
    tasks.claim(office.engine, office["mei"], task, now=NOW)
    page = browser("wang").post(f"/tasks/{task}/draft", {"f.comments": "x"}, htmx=True).ok()
    page.says("Not kept as a draft: Chen Mei has this task.")


def test_others_see_or_do_not_see(browser: Browser, office: Office) -> None:
    task = office.open_task(salary=1234)
    browser("stranger").get(f"/tasks/{task}").ok(404).says("There is no such task.")
    for verb in ("claim", "release", "draft", "complete"):
        page = browser("stranger").post(f"/tasks/{task}/{verb}")
        assert page.status == 404 or (verb == "draft" and "no such task" in page.words)
    manager = browser("li")
    seen = manager.get(f"/tasks/{task}").ok().says("For reading only")
    seen.is_silent_about("1,234", "Nobody has claimed")
    assert f'action="/tasks/{task}/claim"' not in seen.text
    manager.post(f"/tasks/{task}/claim").ok(403).says("was not offered to you")
    manager.post(f"/tasks/{task}/complete", GOOD).ok(403)
    browser("zhao").get(f"/tasks/{task}").ok().says("For reading only")


def test_a_suspended_process_can_only_be_read(browser: Browser, office: Office) -> None:
    task = office.open_task()
    with office.db.transaction() as tx:
        instance = tx.run(
            "select instance_id from tasks where id = %(id)s", {"id": task}
        ).fetchone()["instance_id"]
    runtime.suspend(office.engine, office["li"], instance, now=NOW)
    pages = browser("mei")
    pages.get(f"/tasks/{task}").ok().says("This process is suspended")
    assert f'action="/tasks/{task}/claim"' not in pages.get(f"/tasks/{task}").text
    pages.get("/inbox").ok().says("Suspended")
    pages.post(f"/tasks/{task}/complete", GOOD).ok(409).says("This process is suspended:")


def test_what_people_write_is_never_markup(browser: Browser, office: Office) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    task = office.open_task(purpose=evil)
    pages = browser("mei")
    sent = GOOD | {"f.comments": evil, "comment": evil}
    page = pages.get(f"/tasks/{task}").ok()
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    pages.post(f"/tasks/{task}/complete", sent).goes_to(f"/tasks/{task}/done")
    for path in (f"/tasks/{task}", f"/tasks/{task}/done", f"/inbox?q={evil}"):
        page = pages.get(path).ok()
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text


@pytest.mark.parametrize("path", ["/inbox", "/tasks/{task}", "/profile"])
def test_both_languages(browser: Browser, office: Office, app: Flask, path: str) -> None:
    task = office.open_task()
    pages = browser("mei")
    page = pages.get(path.format(task=task) + "?lang=zh").ok()
    assert '<html lang="zh-Hans">' in page.text
    if "tasks" in path:
        page.says("审批")
