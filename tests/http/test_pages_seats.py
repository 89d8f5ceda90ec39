"""The page of a task that several people decide."""

from __future__ import annotations

import json
from collections.abc import Callable

from app.definition import service as definitions
from app.task import service as tasks
from tests.support.office import NOW, Office
from tests.support.pages import Pages
from tests.support.rest import Rest

Browser = Callable[[str | None], Pages]

PROCESS = {
    "name": "Signing",
    "key": "signing",
    "steps": [
        {
            "id": "sign",
            "name": "Sign",
            "type": "user_task",
            "config": {
                "assignees": ["group:finance_team", "zhao"],
                "mode": "ratio",
                "ratio": "${2 / 3}",
                "form": {"approved": "boolean"},
                "allow": ["add_signer", "remove_signer", "assign"],
            },
        }
    ],
}


def start(office: Office, *people: str) -> tuple[int, dict[str, int]]:
    """Start an instance; return its id and who has which task."""
    source = json.dumps(PROCESS)
    if people:
        source = source.replace('["group:finance_team", "zhao"]', json.dumps(people))
    definitions.create(office.db, office["root"], source, known=None, now=NOW)
    instance = office.start("signing")
    with office.db.transaction() as tx:
        rows = tx.run("select assignee, id from tasks where step = 'sign'").rows
    return instance, {row["assignee"]: row["id"] for row in rows}


def test_a_page_tells_how_far_they_are_and_what_became_of_it(
    browser: Browser, office: Office, rest: Rest
) -> None:
    instance, ours = start(office)
    mei, wang = browser("mei"), browser("wang")
    page = mei.get(f"/tasks/{ours['mei']}").ok()
    page.says("Who decides", "2 of 3 have to approve.", "0 of 3 so far.", "Wang Fang", "Add people")
    done = mei.post(f"/tasks/{ours['mei']}/complete", {"f.approved": "true", "comment": "Fine"})
    mei.get(done.headers["Location"]).ok().says("Your decision is counted: 1 of 3 so far.")
    wang.get(f"/tasks/{ours['wang']}").ok().says("Approved", "Fine", "1 of 3 so far.")
    wang.get("/inbox").ok().says("1 of 3 have decided")
    wang.post(f"/tasks/{ours['wang']}/add-signer", {"users": "li"}).goes_to(
        f"/tasks/{ours['wang']}"
    )
    seen = wang.get(f"/tasks/{ours['wang']}").ok()
    seen.says("3 of 4 have to approve.", "added by Wang Fang", "Wang Fang let Li Wei decide")
    assert f'href="/tasks/{ours["wang"]}/remove-signer?user=li"' in seen.text
    wang.post(f"/tasks/{ours['wang']}/remove-signer", {"user": "li"}).goes_to(
        f"/tasks/{ours['wang']}"
    )
    wang.post(f"/tasks/{ours['wang']}/complete", {"f.approved": "true"})
    zhao = browser("zhao")
    zhao.get("/inbox?tab=done").ok().says("decided by Wang Fang")
    zhao.get(f"/tasks/{ours['zhao']}").ok().says("Decided by Wang Fang")
    told = zhao.get(f"/instances/{instance}").ok()
    told.says("Sign: decided, 2 for it and 0 against")
    told.says("Chen Mei approved “Sign”: 1 of 3 have decided")
    browser("root").get(f"/instances/{instance}/sheet").ok().says("Chen Mei", "Wang Fang", "Fine")


def test_a_manager_is_told_before_deciding_what_that_will_be(
    browser: Browser, office: Office, rest: Rest
) -> None:
    instance, ours = start(office, "mei", "wang")
    root, task = browser("root"), f"/tasks/{ours['wang']}"
    tasks.assign(office.engine, office["root"], ours["wang"], "root", now=NOW)
    root.get(task).ok().says("You decide as a manager", "the others decide without this seat")
    assert rest("root", "GET", task).ok()["visit"]["as_manager"] == "not_counted"
    done = root.post(f"{task}/complete", {"f.approved": "true"}).headers["Location"]
    root.get(done).ok().says("is no vote; of the others 0 of 1 have decided.")
    root.get(task).ok().says("by a manager, not counted", "1 of 1 have to approve.")
    tasks.assign(office.engine, office["li"], ours["mei"], "li", now=NOW)
    browser("li").get(f"/tasks/{ours['mei']}").ok().says("Nobody else has a say here")
    tasks.complete(office.engine, office["li"], ours["mei"], {"approved": True}, now=NOW)
    seen = root.get(task).ok().says("A manager has decided in place of everybody.")
    seen.is_silent_about("of 0")
    told = root.get(f"/instances/{instance}").ok()
    told.says("Root approved “Sign” as a manager, which is no vote: 0 of 1 have decided")
    told.says("Li Wei decided “Sign” as a manager", "Sign: decided by a manager")
    root.get(f"/instances/{instance}/sheet").ok().says("by a manager, not counted")


def test_the_same_over_rest(office: Office, rest: Rest) -> None:
    _, ours = start(office)
    body = rest("mei", "GET", f"/tasks/{ours['mei']}").ok()
    assert (body["visit"]["mode"], body["visit"]["needed"], body["visit"]["decided"]) == (
        "ratio",
        2,
        None,
    )
    sent = {"variables": {"approved": False}}
    voted = rest("mei", "PUT", f"/tasks/{ours['mei']}/complete", sent).ok()
    assert (voted["state"], voted["next"], voted["instance"]["status"]) == (
        "completed",
        [],
        "running",
    )
    assert voted["counts"]["rejected"] == 1
    tasks.complete(office.engine, office["zhao"], ours["zhao"], {"approved": False}, now=NOW)
    rest("wang", "PUT", f"/tasks/{ours['wang']}/complete", sent).refused(409, "decided_by_others")
    left = rest("wang", "GET", f"/tasks/{ours['wang']}").ok()
    assert (left["state"], left["decided_by"], left["visit"]["decided"]) == (
        "cancelled",
        "zhao",
        False,
    )
