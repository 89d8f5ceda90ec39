"""Pages of the verbs beside answering: dialogs and pages, comments, copies, notifications."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.notice.store import EVENTS
from app.task import service as tasks
from tests.support.office import NOW, Office
from tests.support.pages import Pages
from tests.support.rest import Rest

Browser = Callable[[str | None], Pages]


@pytest.fixture
def task(office: Office) -> int:
    """A task that mei has claimed."""
    made = office.open_task(amount=5)
    tasks.claim(office.engine, office["mei"], made, now=NOW)
    return made


@pytest.mark.parametrize(
    ("by", "has", "has_not"),
    [
        ("mei", ("transfer", "cc"), ("assign", "remind")),
        ("zhao", ("remind",), ("transfer", "cc", "assign")),
        ("li", ("assign", "remind"), ("transfer", "cc")),
        ("wang", ("remind",), ("assign", "transfer", "cc")),
    ],
)
def test_a_page_has_the_buttons_of_what_its_reader_may_do(
    browser: Browser, task: int, by: str, has: tuple[str, ...], has_not: tuple[str, ...]
) -> None:
    page = browser(by).get(f"/tasks/{task}").ok().text
    assert [verb for verb in has if f'href="/tasks/{task}/{verb}"' not in page] == []
    assert [verb for verb in has_not if f'href="/tasks/{task}/{verb}"' in page] == []


def test_a_task_is_transferred_and_its_history_says_so_in_words(
    browser: Browser, task: int
) -> None:
    pages = browser("mei")
    asked = pages.get(f"/tasks/{task}/transfer").ok().says("Transfer “Approve”?", "To whom")
    assert 'hx-get="/people?of=to"' in asked.control("to")
    dialog = pages.get(f"/tasks/{task}/transfer", htmx=True).ok()
    assert "<dialog" in dialog.text
    assert "<html" not in dialog.text
    sent = {"to": "stranger", "reason": "on leave"}
    pages.post(f"/tasks/{task}/transfer", sent).goes_to("/inbox")
    pages.get("/inbox").ok().says("Some One has it now.")
    seen = browser("stranger").get(f"/tasks/{task}").ok()
    seen.says("Chen Mei transferred “Approve” to Some One", "on leave")
    seen = browser("stranger").get(f"/tasks/{task}?lang=zh").ok()
    seen.says("Chen Mei 将“审批”转办给 Some One")


def test_a_name_that_cannot_be_is_asked_for_again(browser: Browser, task: int) -> None:
    pages = browser("mei")
    page = pages.post(f"/tasks/{task}/transfer", {"to": "nobody", "reason": "on leave"}).ok(422)
    page.says("There is nobody with the username nobody.")
    assert 'value="nobody"' in page.control("to")
    assert page.field("reason") == "on leave"


def test_a_manager_assigns_and_hands_over(browser: Browser, task: int) -> None:
    pages = browser("li")
    pages.post(f"/tasks/{task}/assign", {"to": "stranger"}).goes_to(f"/tasks/{task}")
    pages.post(f"/tasks/{task}/assign", {"to": "wang", "reason": ""}).goes_to(f"/tasks/{task}")
    told = browser("stranger")
    note = told.get("/notifications").ok().says("Li Wei took it back")
    link = "/notifications/" + note.text.partition('href="/notifications/')[2].partition('"')[0]
    told.get(link).goes_to("/notifications")  # it leads nowhere else
    told.get("/notifications").ok().says("This is with others now; you cannot read it any more.")
    pages.get(f"/tasks/{task}").ok().says(
        "Wang Fang has it now.", "Li Wei gave “Approve”, which Some One had, to Wang Fang"
    )
    pages.get("/hand-over").ok().says("Hand over tasks", "Who has them", "Who gets them")
    pages.post("/hand-over", {"from": "wang", "to": "mei"}).goes_to("/inbox")
    pages.get("/inbox").ok().says("1 task is handed over.")
    assert 'href="/hand-over"' not in browser("mei").get("/inbox").ok().text


def test_who_was_slower_reads_what_was_decided_and_is_led_nowhere_else(
    browser: Browser, rest: Rest, task: int
) -> None:
    instance = rest("mei", "GET", f"/tasks/{task}").ok()["process_instance_id"]
    rest("mei", "POST", f"/tasks/{task}/comments", {"text": "Between us"}).ok(201)
    rest("mei", "PUT", f"/tasks/{task}/complete", {"variables": {"approved": True}}).ok()
    page = browser("wang").get(f"/tasks/{task}").ok().says("Completed by Chen Mei")
    page.is_silent_about("Between us")
    assert f'href="/instances/{instance}"' not in page.text
    assert f'href="/instances/{instance}"' in browser("mei").get(f"/tasks/{task}").text


def test_a_page_says_why_one_may_not_decide(browser: Browser, rest: Rest) -> None:
    approval = {"self_approval": "forbid"}
    step = {"assignee": "finance_team", "form": {"ok": "boolean"}, "approval": approval}
    document = {"name": "F", "steps": [{"id": "a", "type": "user_task", "config": step}]}
    rest("root", "POST", "/process-definitions", document).ok(201)
    made = rest("mei", "POST", "/process-instances", {"process_definition_key": "F"}).ok(201)
    own = rest("root", "GET", f"/tasks?process_instance_id={made['id']}").ok()["items"][0]["id"]
    browser("mei").get(f"/tasks/{own}").ok().says(
        "Somebody else decides this", "You started this, so somebody else has to decide here."
    )
    refused = rest("mei", "POST", f"/tasks/{own}/complete", {"variables": {"ok": True}})
    assert (refused.status, refused.ok(403)["code"]) == (403, "barred_by_rule")
    assert rest("wang", "GET", f"/tasks/{own}").ok()["barred"] is False


def test_managers_find_the_work_of_who_has_left(browser: Browser, rest: Rest, task: int) -> None:
    left = rest("root", "POST", "/users/mei/deactivate").ok()
    assert left == {"username": "mei", "name": "Chen Mei", "active": False, "tasks": 1}
    found = rest("li", "GET", "/tasks?unassigned=true").ok()
    assert [each["id"] for each in found["items"]] == [task]
    assert rest("wang", "GET", "/tasks?unassigned=true").status == 403
    pages = browser("li")
    assert 'href="/inbox/unassigned"' in pages.get("/inbox").ok().text
    page = pages.get("/inbox/unassigned").ok()
    page.says("Approve", "Chen Mei is not here any more")
    assert f'href="/tasks/{task}/assign"' in page.text
    pages.get("/notifications").ok().says("Chen Mei · 1")
    pages.post(f"/tasks/{task}/assign", {"to": "wang"}).goes_to(f"/tasks/{task}")
    pages.get("/inbox/unassigned").ok().says("Somebody is there for everything")
    assert 'href="/inbox/unassigned"' not in browser("wang").get("/inbox").ok().text


def test_what_could_not_be_handed_over_is_said(browser: Browser, office: Office, task: int) -> None:
    pages = browser("li")
    instance = pages.get(f"/tasks/{task}").text.partition("/instances/")[2].partition('"')[0]
    pages.post(f"/instances/{instance}/suspend", {}).goes_to(f"/instances/{instance}")
    pages.post("/hand-over", {"from": "mei", "to": "wang"}).goes_to("/hand-over")
    pages.get("/hand-over").ok().says("0 tasks are handed over. 1 is left.")


def test_people_talk_and_correct_themselves(browser: Browser, rest: Rest, task: int) -> None:
    pages = browser("mei")
    url = f"/tasks/{task}/comments"
    pages.post(url, {"text": "To much, @zhao"}).goes_to(f"/tasks/{task}#comments")
    page = pages.get(f"/tasks/{task}").ok().says("To much, @zhao", "Correct")
    edit = page.text.partition(f'href="{url}/')[2].partition('"')[0]
    assert pages.get(f"{url}/{edit}").ok().field("text") == "To much, @zhao"
    pages.post(f"{url}/{edit}", {"text": "Too much"}).goes_to(f"/tasks/{task}#comments")
    pages.get(f"/tasks/{task}").ok().says("Too much", "corrected", "What it said before")
    refused = pages.post(f"{url}/{edit}", {"text": " "}).ok(422)
    refused.says("Write something first.")
    rest.clock.pass_(minutes=6)
    pages.get(f"{url}/{edit}").ok(404)
    late = pages.post(f"{url}/{edit}", {"text": "Late"}).ok(409).says("for 5 minutes")
    assert late.field("text") == "Late"
    assert f'href="{url}/{edit}"' not in pages.get(f"/tasks/{task}").text


def test_what_people_say_is_never_markup(browser: Browser, task: int) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    pages = browser("mei")
    pages.post(f"/tasks/{task}/comments", {"text": f"@zhao {evil}"})
    pages.post(f"/tasks/{task}/cc", {"users": "zhao", "reason": evil})
    for by, path in (("mei", f"/tasks/{task}"), ("zhao", "/notifications"), ("zhao", "/copies")):
        text = browser(by).get(path).ok().says(evil).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_a_copy_is_read_in_its_own_tab(browser: Browser, task: int) -> None:
    pages = browser("mei")
    sent = {"users": "stranger, nobody", "reason": "for your books"}
    page = pages.post(f"/tasks/{task}/cc", sent).ok(422)
    page.says("There is nobody with the username nobody.")
    sent["users"] = "stranger"
    pages.post(f"/tasks/{task}/cc", sent).goes_to(f"/tasks/{task}")
    pages.get(f"/tasks/{task}").ok().says("Copies", "not read yet")
    reader = browser("stranger")
    reader.get("/inbox").ok().says("CC'd")
    page = reader.get("/copies").ok().says("Request", "from Chen Mei", "for your books", "new")
    link = page.text.partition('href="/copies/')[2].partition('"')[0]
    instance = reader.get(f"/copies/{link}").headers["Location"]
    pages.get(f"/tasks/{task}").ok().says("read just now").is_silent_about("not read yet")
    reader.get(instance).ok().says("Chen Mei sent a copy of “Approve” to Some One")
    reader.get("/copies").ok().is_silent_about("Mark all as read")
    reader.get(f"/tasks/{task}").ok().says("Chen Mei has this task")
    browser("zhao").get("/copies").ok().says("No copies")


def test_copies_are_sent_with_the_answer(browser: Browser, task: int) -> None:
    pages = browser("mei")
    typed = {"f.approved": "true", "f.comments": "Fine.", "cc": "nobody"}
    page = pages.post(f"/tasks/{task}/complete", typed).ok(422)
    page.says("There is nobody with the username nobody.")
    assert 'value="nobody"' in page.control("cc")
    assert page.field("f.comments") == "Fine."
    typed["cc"] = "stranger"
    pages.post(f"/tasks/{task}/complete", typed).goes_to(f"/tasks/{task}/done")
    browser("stranger").get("/copies").ok().says("from Chen Mei")


def test_who_waits_reminds_once_in_four_hours(browser: Browser, rest: Rest, task: int) -> None:
    pages, url = browser("zhao"), f"/tasks/{task}/remind"
    pages.get(url).ok().says("Remind them of “Approve”?")
    pages.post(url, {"reason": "today"}).goes_to(f"/tasks/{task}")
    pages.get(f"/tasks/{task}").ok().says("They are reminded.", "1 time, just now")
    refused = pages.post(url, {}).ok(429)
    refused.says("less than 4 hours ago. You can do it again in 4 h 0 min.", "In charge")
    assert refused.headers["Retry-After"] == str(4 * 3600)
    rest.clock.pass_(hours=5)
    pages.post(url, {}).goes_to(f"/tasks/{task}")
    pages.get(f"/tasks/{task}").ok().says("2 times, last just now")
    browser("mei").get("/notifications").ok().says("Zhao Min reminds you of “Approve”", "today")


def test_the_bell_counts_and_is_silent_when_nothing_changed(browser: Browser, task: int) -> None:
    mei, zhao = browser("mei"), browser("zhao")
    assert 'id="notice-badge"' in mei.get("/inbox").ok().text
    assert mei.get("/notifications/badge?shown=0", htmx=True).status == 204
    zhao.post(f"/tasks/{task}/remind", {}).goes_to(f"/tasks/{task}")
    badge = mei.get("/notifications/badge?shown=0", htmx=True).ok()
    assert "shown=1" in badge.text
    assert badge.words.startswith("1")
    note = mei.get("/notifications").text.partition('href="/notifications/')[2].partition('"')[0]
    mei.get(f"/notifications/{note}").goes_to(f"/tasks/{task}")
    assert mei.get("/notifications/badge?shown=0", htmx=True).status == 204
    assert zhao.get(f"/notifications/{note}").status == 404


def test_who_follows_a_mail_has_read_what_it_told(browser: Browser, task: int) -> None:
    browser("zhao").post(f"/tasks/{task}/remind", {}).goes_to(f"/tasks/{task}")
    mei = browser("mei")
    note = mei.get("/notifications").text.partition('href="/notifications/')[2].partition('"')[0]
    mei.get(f"/tasks/{task}?told=abc").ok()
    mei.get(f"/tasks/{task}?told={note}").ok()
    assert mei.get("/notifications/badge?shown=0", htmx=True).status == 204


def test_all_is_read_at_once_and_how_to_be_told_is_chosen(browser: Browser, task: int) -> None:
    browser("zhao").post(f"/tasks/{task}/remind", {}).goes_to(f"/tasks/{task}")
    mei = browser("mei")
    mei.get("/notifications").ok().says("Mark all as read", "How to tell me")
    mei.post("/notifications/read").goes_to("/notifications")
    page = mei.get("/notifications").ok().says("Everything is marked as read.")
    assert 'action="/notifications/read"' not in page.text
    mei.post("/notifications/choices", {"reminded": "mail"}).goes_to("/notifications")
    page = mei.get("/notifications").ok().says("Your settings are saved.")
    assert '<option value="mail" selected>' in page.text
    mei.post("/notifications/choices", {"all": "digest", "digest_hour": "17"}).goes_to(
        "/notifications"
    )
    page = mei.get("/notifications").ok().says("The mail of the day comes at")
    assert page.text.count('<option value="digest" selected>') == len(EVENTS)
    assert '<option value="17" selected>17:00</option>' in page.text
    mei.post("/notifications/choices", {"digest_hour": "24"}).ok(422).says(
        "Choose an hour from 0 to 23."
    )
    mei.post("/notifications/choices", {"reminded": "pigeon"}).ok(422).says(
        "There is no such choice."
    )


@pytest.mark.parametrize(
    "path",
    ["/notifications", "/copies", "/tasks/{task}/transfer", "/tasks/{task}/cc", "/tasks/{task}"],
)
def test_both_languages(browser: Browser, task: int, path: str) -> None:
    page = browser("mei").get(path.format(task=task) + "?lang=zh").ok()
    assert '<html lang="zh-Hans">' in page.text
    page.is_silent_about("Transfer", "Notifications", "Comment", "Copies", "Username")
