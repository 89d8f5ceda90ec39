"""Being away, on pages and by REST: what is asked, what is shown, and that both do the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from app.definition import service as definitions
from app.task import absence
from app.task import service as tasks
from tests.http.test_parity import TYPED, VALUES, Act, both
from tests.support.office import NOW, Office
from tests.support.pages import Pages
from tests.support.rest import Rest

Browser = Callable[[str | None], Pages]
Things = dict[str, int]

FORM = {
    "substitute": " Wang ",
    "from": "2026-03-03T08:00",
    "until": "2026-03-09T08:00",
    "definitions": ["", "request"],
    "open_tasks": "false",
}


def away(office: Office, things: Things, days: int = 1) -> None:
    """Let wang decide for mei."""
    wish = absence.Wish("wang", NOW + timedelta(days=days))
    things["absence"] = absence.set_(office.db, office["mei"], wish, now=NOW)["id"]


def away_with_a_task(office: Office, things: Things) -> None:
    tasks.claim(office.engine, office["mei"], things["task"], now=NOW)
    away(office, things)


BE_AWAY = Act(
    "li",
    ("/absences", FORM | {"user": "mei"}),
    (
        "POST",
        "/delegations",
        {
            "user": "mei",
            "substitute": "wang",
            "from": "2026-03-03T08:00:00Z",
            "until": "2026-03-09T08:00:00Z",
            "definitions": ["request"],
            "open_tasks": False,
        },
    ),
)
END = Act("mei", ("/absences/{absence}/end", {}), ("DELETE", "/delegations/{absence}", None), away)
ACTS = {
    "be away": BE_AWAY,
    "change it": Act(
        "mei",
        ("/absences/{absence}", {"substitute": "zhao", "from": "", "until": "2026-03-04T08:00"}),
        (
            "PUT",
            "/delegations/{absence}",
            {"substitute": "zhao", "until": "2026-03-04T08:00:00Z"},
        ),
        away,
    ),
    "be back early": END,
    "decide for somebody": Act(
        "wang",
        ("/tasks/{task}/complete", TYPED),
        ("PUT", "/tasks/{task}/complete", {"variables": VALUES}),
        away_with_a_task,
    ),
}
REFUSED = {
    "for another without the right": Act("zhao", BE_AWAY.page, BE_AWAY.rest),
    "twice": Act("li", BE_AWAY.page, BE_AWAY.rest, lambda office, things: away(office, things, 30)),
    "by the substitute": Act("wang", END.page, END.rest, away),
}


@pytest.mark.parametrize("name", [*ACTS, *REFUSED])
def test_both_doors_do_the_same(office: Office, browser: Browser, rest: Rest, name: str) -> None:
    things = {"task": office.open_task()}
    act = ACTS.get(name) or REFUSED[name]
    sheet, reply, before, by_page, by_rest = both(act, office, browser, rest, things)
    assert by_page == by_rest
    if name in ACTS:
        assert (sheet.status, reply.status // 100) == (303, 2), (sheet.words, reply.text)
        assert by_page != before
    else:
        assert 400 <= reply.status < 500
        assert (sheet.status, by_page) == (reply.status, before), sheet.words


def test_one_is_away_another_decides_and_pages_say_so(
    browser: Browser, rest: Rest, office: Office
) -> None:
    task = office.open_task()
    tasks.claim(office.engine, office["mei"], task, now=NOW)
    mei, wang = browser("mei"), browser("wang")
    page = mei.get("/absences").ok().says("Absence", "Who decides meanwhile", "Request")
    assert 'name="user"' not in page.text, "only managers say it for others"
    wrong = mei.post("/absences", FORM | {"substitute": "nobody", "from": "x", "until": ""})
    wrong.ok(422).says("This must be a date and time")
    assert 'value="nobody"' in wrong.control("substitute")
    wrong = mei.post("/absences", FORM | {"substitute": "mei", "until": ""}).ok(422)
    wrong.says("Say until when.", "Nobody can stand in for themselves")
    assert "checked" in wrong.control("definitions", "request")
    now = {"substitute": "wang", "until": "2099-03-09T08:00", "open_tasks": "true"}
    mei.post("/absences", now).goes_to("/absences")
    mei.get("/absences").ok().says("Wang Fang decides until", "Wang Fang for Chen Mei", "now")
    mei.get("/inbox").ok().says("You are away until", "Wang Fang decides for you.")
    wang.get("/notifications").ok().says("You stand in for Chen Mei: ", " to Mar 9, 2099 8:00")
    note = rest("wang", "GET", "/notifications").ok()["items"][0]
    assert (note["event"], note["task_id"], note["step"]) == ("substitute", None, None)
    assert (note["absence"]["change"], note["absence"]["until"][:10]) == ("set", "2099-03-09")
    wang.get(f"/notifications/{note['id']}").goes_to("/absences")
    wang.get("/absences").ok().says("You decide for others", "Wang Fang for Chen Mei")
    wang.get("/inbox").ok().says("for Chen Mei").is_silent_about("You are away")
    wang.get(f"/tasks/{task}").ok().says("You decide for Chen Mei, who is away")
    wang.post(f"/tasks/{task}/complete", TYPED).goes_to(f"/tasks/{task}/done")
    wang.get("/inbox?tab=done").ok().says("for Chen Mei")
    seen = mei.get(f"/tasks/{task}").ok()
    seen.says("Completed by Wang Fang for Chen Mei", "Approve: completed Wang Fang for Chen Mei")
    instance = rest("mei", "GET", f"/tasks/{task}").ok()["process_instance_id"]
    browser("li").get(f"/instances/{instance}/history").ok().says("Wang Fang for Chen Mei")


def test_what_is_offered_by_name_is_claimed_for_who_is_away(
    browser: Browser, office: Office
) -> None:
    config = {"candidate_users": ["mei"], "form": {"note": "string"}}
    step = {"id": "pick", "name": "Pick", "type": "user_task", "config": config}
    document = {"name": "Picked", "key": "picked", "version": "1", "steps": [step]}
    definitions.create(office.db, office["root"], json.dumps(document), known=None, now=NOW)
    task = office.task_of(office.start("picked"), "pick")
    wish = absence.Wish("stranger", NOW + timedelta(days=9))
    absence.set_(office.db, office["mei"], wish, now=NOW)
    who = browser("stranger")
    who.get("/inbox").ok().says("To claim", "for Chen Mei")
    page = who.get(f"/tasks/{task}").ok()
    page.says("You decide for Chen Mei, who is away", "Nobody has claimed this yet")
    who.post(f"/tasks/{task}/claim").goes_to(f"/tasks/{task}")
    who.get("/inbox").ok().says("Mine", "for Chen Mei")
    browser("mei").get(f"/tasks/{task}").ok().says("Pick: claimed Some One for Chen Mei")


def test_a_substitute_who_comes_too_late_keeps_what_they_typed(
    browser: Browser, office: Office
) -> None:
    task = office.open_task()
    tasks.claim(office.engine, office["mei"], task, now=NOW)
    wish = absence.Wish("stranger", NOW.replace(year=2099), open_tasks=True)
    absence.set_(office.db, office["mei"], wish, now=NOW)
    late = browser("stranger")
    late.get(f"/tasks/{task}").ok().says("You decide for Chen Mei, who is away")
    tasks.complete(office.engine, office["mei"], task, VALUES, now=NOW)
    page = late.post(f"/tasks/{task}/complete", TYPED | {"f.comments": "My own words"}).ok(409)
    page.says("Chen Mei has completed this task already.", "My own words")


def test_managers_see_and_say_it_for_others(browser: Browser, office: Office) -> None:
    li = browser("li")
    li.post("/absences", FORM | {"user": "mei"}).goes_to("/absences?whose=mei")
    page = li.get("/absences?whose=mei").ok()
    page.says("Absences of Chen Mei", "Planned", "new tasks only", "request")
    number = page.text.partition("/absences/")[2].partition('"')[0]
    edited = li.get(f"/absences/{number}").ok()
    assert 'value="2026-03-09T08:00"' in edited.control("until")
    assert "checked" in edited.control("definitions", "request")
    assert "<dialog" in li.get(f"/absences/{number}/end", htmx=True).ok().text
    li.post(f"/absences/{number}/end", {}).goes_to("/absences?whose=mei")
    li.get("/absences?whose=mei").ok().says("Past")
    li.post(f"/absences/{number}/end", {}).goes_to("/absences?whose=mei")
    li.get("/absences?whose=mei").ok().says("This absence is over.")
    told = browser("mei").get("/notifications").ok()
    told.says("Li Wei has ended your absence", "Li Wei has entered that you are away: ")
    told.says("Somebody enters that I am away", "I stand in for somebody")
    browser("mei").get("/notifications?lang=zh").ok().says("Li Wei 结束了您的外出")
