"""Who may use which address: every route × role × owner or stranger.

A route without an entry fails. People: nobody; ``stranger`` (role user, has no part in
it); ``zhao`` (role user, started it); ``mei`` (role user, candidate of its task); ``li``
(manager); ``root`` (administrator).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from tests.support.pages import Pages
from tests.support.rest import Rest
from tests.support.stored import rows, taken_back

Browser = Callable[[str | None], Pages]

PEOPLE = (None, "stranger", "zhao", "mei", "li", "root")
ALL = frozenset(PEOPLE)
SIGNED_IN = ALL - {None}
PART = frozenset({"zhao", "mei", "li", "root"})
MANAGERS = frozenset({"li", "root"})
ADMIN = frozenset({"root"})
CANDIDATE = frozenset({"mei"})
REFUSALS = frozenset({401, 403, 404})

BROKEN: dict[str, Any] = {
    "name": "Broken",
    "key": "broken",
    "version": "1",
    "variables": {"amount": "number"},
    "steps": [
        {
            "id": "choose",
            "name": "Choose",
            "type": "exclusive_gateway",
            "config": {"conditions": [{"expression": "${amount > 1000}", "next": "more"}]},
        },
        {"id": "more", "name": "More", "type": "user_task", "config": {"assignee": "li"}},
    ],
}

ELSEWHERE: dict[str, Any] = {
    "name": "Elsewhere",
    "key": "elsewhere",
    "version": "1",
    "steps": [{"id": "work", "type": "external_task", "config": {"topic": "print"}}],
}


@dataclass(frozen=True)
class Entry:
    """Who is let in, and what to send.

    401, 403, 404 and being sent to sign in mean "not let in"; anything else, a conflict or
    a wrong value included, means that the person may use the address.

    Args:
        body: JSON value, or the fields of a page's form.
        done: for an address that answers everybody alike, SQL that finds something only if
            the person was let in.
        query: what the address needs.
    """

    who: frozenset[str | None]
    body: Any = None
    done: str | None = None
    query: str = ""


API = {
    "POST /auth/login": Entry(ALL, {"username": "x"}),
    "POST /auth/refresh": Entry(ALL, {}),
    "POST /auth/logout": Entry(SIGNED_IN),
    "GET /auth/me": Entry(SIGNED_IN),
    "POST /users/<username>/deactivate": Entry(ADMIN),
    "PUT /users/<username>/deactivate": Entry(ADMIN),
    "POST /users/<username>/activate": Entry(ADMIN),
    "PUT /users/<username>/activate": Entry(ADMIN),
    "POST /process-definitions": Entry(MANAGERS, BROKEN),
    "GET /process-definitions": Entry(SIGNED_IN),
    "POST /process-definitions/check": Entry(MANAGERS, BROKEN),
    "POST /process-definitions/simulate": Entry(MANAGERS, {**BROKEN, "scenario": {}}),
    "GET /process-definitions/format.schema.json": Entry(ALL),
    "GET /process-definitions/<int:definition_id>": Entry(SIGNED_IN),
    "PUT /process-definitions/<int:definition_id>": Entry(MANAGERS, BROKEN),
    "DELETE /process-definitions/<int:definition_id>": Entry(MANAGERS),
    "POST /process-definitions/<int:definition_id>/publish": Entry(MANAGERS),
    "PUT /process-definitions/<int:definition_id>/publish": Entry(MANAGERS),
    "POST /process-definitions/<int:definition_id>/retire": Entry(MANAGERS),
    "PUT /process-definitions/<int:definition_id>/retire": Entry(MANAGERS),
    "GET /process-definitions/<int:definition_id>/versions": Entry(SIGNED_IN),
    "POST /process-instances": Entry(SIGNED_IN, {"process_definition_key": "request"}),
    "GET /process-instances": Entry(SIGNED_IN),
    "GET /process-instances/<int:instance_id>": Entry(PART),
    "PUT /process-instances/<int:instance_id>/suspend": Entry(MANAGERS),
    "POST /process-instances/<int:instance_id>/suspend": Entry(MANAGERS),
    "PUT /process-instances/<int:instance_id>/activate": Entry(MANAGERS),
    "POST /process-instances/<int:instance_id>/activate": Entry(MANAGERS),
    "DELETE /process-instances/<int:instance_id>": Entry(MANAGERS),
    "PATCH /process-instances/<int:instance_id>/variables": Entry(
        MANAGERS, {"variables": {"amount": 7}}
    ),
    "GET /process-instances/<int:instance_id>/history": Entry(PART),
    # Each item is judged for itself; test_api_language_repair has who may not.
    "POST /process-instances/batch": Entry(SIGNED_IN, {"action": "suspend", "ids": [1]}),
    "POST /process-instances/<int:instance_id>/jump": Entry(MANAGERS, {"token": 1, "to": "pay"}),
    "POST /process-instances/<int:instance_id>/skip": Entry(MANAGERS, {"token": 1}),
    "POST /process-instances/<int:instance_id>/migrate": Entry(
        MANAGERS, {"process_definition_id": "<definition_id>", "preview": True}
    ),
    "POST /process-instances/<int:instance_id>/restart": Entry(PART),
    "GET /incidents": Entry(MANAGERS),
    "POST /incidents/<int:incident_id>/retry": Entry(MANAGERS),
    "PUT /incidents/<int:incident_id>/retry": Entry(MANAGERS),
    "POST /incidents/<int:incident_id>/skip": Entry(MANAGERS),
    "POST /incidents/batch-retry": Entry(MANAGERS, {"process_definition_id": "<definition_id>"}),
    "POST /messages": Entry(ADMIN, {"name": "paid"}),
    "POST /external-tasks/fetch-and-lock": Entry(ADMIN, {"worker_id": "w", "topics": ["a"]}),
    "POST /external-tasks/<int:external_id>/complete": Entry(ADMIN, {"worker_id": "w"}),
    "POST /external-tasks/<int:external_id>/fail": Entry(ADMIN, {"worker_id": "w", "code": "x"}),
    "POST /external-tasks/<int:external_id>/extend": Entry(ADMIN, {"worker_id": "w", "lock": "1m"}),
    "POST /external-tasks/<int:external_id>/unlock": Entry(ADMIN, {"worker_id": "w"}),
    "GET /tasks": Entry(SIGNED_IN),
    "POST /tasks/<int:task_id>/route": Entry(PART, {"variables": {"approved": True}}),
    # Each item is judged for itself; test_task_bulk has who may not.
    "POST /tasks/batch": Entry(SIGNED_IN, {"action": "claim", "ids": [1]}),
    "GET /tasks/<int:task_id>": Entry(PART),
    "PUT /tasks/<int:task_id>/claim": Entry(CANDIDATE),
    "POST /tasks/<int:task_id>/claim": Entry(CANDIDATE),
    "PUT /tasks/<int:task_id>/release": Entry(CANDIDATE),
    "POST /tasks/<int:task_id>/release": Entry(CANDIDATE),
    "PUT /tasks/<int:task_id>/complete": Entry(CANDIDATE, {"variables": {"approved": True}}),
    "POST /tasks/<int:task_id>/complete": Entry(CANDIDATE, {"variables": {"approved": True}}),
    "POST /tasks/<int:task_id>/form": Entry(PART),
    "POST /tasks/<int:task_id>/files": Entry(CANDIDATE, {}, query="?field=papers&name=a.txt"),
    "POST /tasks/<int:task_id>/attachments": Entry(PART, {}, query="?name=a.txt"),
    "POST /process-definitions/<int:definition_id>/files": Entry(
        SIGNED_IN, {}, query="?field=papers&name=a.txt"
    ),
    "GET /files/<int:file_id>": Entry(PART),
    "GET /files/<int:file_id>/content": Entry(PART),
    "GET /people": Entry(SIGNED_IN, query="?q=mei"),
    "GET /task-views": Entry(SIGNED_IN),
    "POST /task-views": Entry(SIGNED_IN, {"name": "v", "query": {}}),
    "DELETE /task-views/<int:view_id>": Entry(MANAGERS),
    "POST /tasks/<int:task_id>/assign": Entry(MANAGERS, {"to": "wang"}),
    "POST /tasks/<int:task_id>/transfer": Entry(CANDIDATE, {"to": "wang"}),
    "POST /tasks/<int:task_id>/add-signer": Entry(CANDIDATE, {"users": ["li"]}),
    "POST /tasks/<int:task_id>/remove-signer": Entry(CANDIDATE | MANAGERS, {"user": "zhao"}),
    "POST /tasks/<int:task_id>/delegate": Entry(CANDIDATE, {"to": "wang"}),
    "POST /tasks/<int:task_id>/consult": Entry(CANDIDATE, {"users": ["wang"], "comment": "?"}),
    "POST /tasks/<int:task_id>/resolve": Entry(frozenset({"stranger"}), {"outcome": "approve"}),
    "POST /tasks/<int:task_id>/return": Entry(CANDIDATE, {"to": "previous", "comment": "No"}),
    "POST /tasks/<int:task_id>/recall": Entry(CANDIDATE),
    "POST /process-instances/<int:instance_id>/withdraw": Entry(frozenset({"zhao"})),
    "POST /tasks/<int:task_id>/cc": Entry(CANDIDATE, {"users": ["wang"]}),
    "POST /tasks/<int:task_id>/remind": Entry(PART),
    "GET /tasks/<int:task_id>/comments": Entry(PART),
    "POST /tasks/<int:task_id>/comments": Entry(PART, {"text": "Well"}),
    "PUT /tasks/<int:task_id>/comments/<int:comment_id>": Entry(CANDIDATE, {"text": "Well"}),
    "POST /tasks/<int:task_id>/comments/<int:comment_id>": Entry(CANDIDATE, {"text": "Well"}),
    "POST /tasks/hand-over": Entry(MANAGERS, {"from": "mei", "to": "wang"}),
    "GET /delegations": Entry(SIGNED_IN),
    "POST /delegations": Entry(
        SIGNED_IN, {"substitute": "wang", "until": "2099-01-01T00:00:00Z", "definitions": []}
    ),
    "GET /delegations/<int:delegation_id>": Entry(CANDIDATE | MANAGERS),
    "PUT /delegations/<int:delegation_id>": Entry(
        CANDIDATE | MANAGERS, {"substitute": "wang", "until": "2099-01-01T00:00:00Z"}
    ),
    "DELETE /delegations/<int:delegation_id>": Entry(CANDIDATE | MANAGERS),
    "GET /notifications": Entry(SIGNED_IN),
    "GET /notifications/unread": Entry(SIGNED_IN),
    "POST /notifications/read": Entry(SIGNED_IN),
    "GET /notifications/choices": Entry(SIGNED_IN),
    "PUT /notifications/choices": Entry(SIGNED_IN, {"task": "mail"}),
    "GET /copies": Entry(SIGNED_IN),
    "POST /copies/read": Entry(SIGNED_IN),
    "GET /health/database": Entry(ADMIN),
    "GET /health/redis": Entry(ADMIN),
    "GET /health/worker": Entry(ADMIN),
    "GET /openapi.json": Entry(ALL),
}

PAGES = {
    "GET /": Entry(SIGNED_IN),
    "GET /sign-in": Entry(ALL),
    "POST /sign-in": Entry(ALL, {"username": "x", "password": "y"}),
    "POST /sign-out": Entry(SIGNED_IN),
    "GET /profile": Entry(SIGNED_IN),
    "POST /profile": Entry(SIGNED_IN, {"language": "en", "timezone": ""}),
    "POST /profile/password": Entry(SIGNED_IN, {"current": "x", "new": "y"}),
    "GET /absences": Entry(SIGNED_IN),
    "POST /absences": Entry(SIGNED_IN, {"substitute": "wang", "until": ""}),
    "GET /absences/<int:absence_id>": Entry(CANDIDATE | MANAGERS),
    "POST /absences/<int:absence_id>": Entry(CANDIDATE | MANAGERS, {"substitute": "wang"}),
    "GET /absences/<int:absence_id>/end": Entry(CANDIDATE | MANAGERS),
    "POST /absences/<int:absence_id>/end": Entry(CANDIDATE | MANAGERS),
    "GET /inbox": Entry(SIGNED_IN),
    "GET /inbox/badge": Entry(SIGNED_IN),
    "POST /inbox/views": Entry(SIGNED_IN, {"name": "v"}),
    "POST /inbox/views/<int:view_id>/delete": Entry(MANAGERS),
    "POST /inbox/bulk": Entry(SIGNED_IN, {"ids": "1", "action": "claim"}),
    "POST /inbox/bulk/transfer": Entry(SIGNED_IN, {"ids": "1", "to": "li"}),
    "POST /inbox/bulk/remind": Entry(SIGNED_IN, {"ids": "1"}),
    "POST /inbox/bulk/complete": Entry(SIGNED_IN, {"ids": "1", "outcome": "true"}),
    "GET /tasks/<int:task_id>": Entry(PART),
    "GET /tasks/<int:task_id>/done": Entry(PART),
    "POST /tasks/<int:task_id>/claim": Entry(CANDIDATE),
    "POST /tasks/<int:task_id>/release": Entry(CANDIDATE),
    "POST /tasks/<int:task_id>/route": Entry(PART, {"f.approved": "true"}),
    "POST /tasks/<int:task_id>/draft": Entry(
        CANDIDATE, {"f.comments": "x"}, "select 1 as done from drafts"
    ),
    "POST /tasks/<int:task_id>/complete": Entry(CANDIDATE, {"f.approved": "true"}),
    "GET /tasks/<int:task_id>/assign": Entry(MANAGERS),
    "POST /tasks/<int:task_id>/assign": Entry(MANAGERS, {"to": "wang"}),
    "GET /tasks/<int:task_id>/transfer": Entry(PART),
    "POST /tasks/<int:task_id>/transfer": Entry(CANDIDATE, {"to": "wang"}),
    "GET /tasks/<int:task_id>/add-signer": Entry(PART),
    "POST /tasks/<int:task_id>/add-signer": Entry(CANDIDATE, {"users": "li"}),
    "GET /tasks/<int:task_id>/remove-signer": Entry(PART),
    "POST /tasks/<int:task_id>/remove-signer": Entry(CANDIDATE | MANAGERS, {"user": "zhao"}),
    "GET /tasks/<int:task_id>/delegate": Entry(PART),
    "POST /tasks/<int:task_id>/delegate": Entry(CANDIDATE, {"to": "wang"}),
    "GET /tasks/<int:task_id>/consult": Entry(PART),
    "POST /tasks/<int:task_id>/consult": Entry(CANDIDATE, {"users": "wang", "reason": "?"}),
    "POST /tasks/<int:task_id>/resolve": Entry(frozenset({"stranger"}), {"outcome": "approve"}),
    "GET /tasks/<int:task_id>/return": Entry(PART),
    "POST /tasks/<int:task_id>/return": Entry(CANDIDATE, {"to": "approve", "reason": "No"}),
    "GET /tasks/<int:task_id>/recall": Entry(PART),
    "POST /tasks/<int:task_id>/recall": Entry(CANDIDATE),
    "GET /instances/<int:instance_id>/withdraw": Entry(frozenset({"zhao"})),
    "POST /instances/<int:instance_id>/withdraw": Entry(frozenset({"zhao"})),
    "GET /tasks/<int:task_id>/cc": Entry(PART),
    "POST /tasks/<int:task_id>/cc": Entry(CANDIDATE, {"users": "wang"}),
    "GET /tasks/<int:task_id>/remind": Entry(PART),
    "POST /tasks/<int:task_id>/remind": Entry(PART),
    "POST /tasks/<int:task_id>/comments": Entry(PART, {"text": "Well"}),
    "GET /tasks/<int:task_id>/comments/<int:comment_id>": Entry(CANDIDATE),
    "POST /tasks/<int:task_id>/comments/<int:comment_id>": Entry(CANDIDATE, {"text": "Well"}),
    "GET /hand-over": Entry(MANAGERS),
    "GET /inbox/unassigned": Entry(MANAGERS),
    "POST /hand-over": Entry(MANAGERS, {"from": "mei", "to": "wang"}),
    "GET /notifications": Entry(SIGNED_IN),
    "GET /notifications/badge": Entry(SIGNED_IN),
    "GET /notifications/<int:notification_id>": Entry(CANDIDATE),
    "POST /notifications/read": Entry(SIGNED_IN),
    "POST /notifications/choices": Entry(SIGNED_IN, {"task": "mail"}),
    "GET /copies": Entry(SIGNED_IN),
    "GET /copies/<int:copy_id>": Entry(CANDIDATE),
    "POST /copies/read": Entry(SIGNED_IN),
    "POST /tasks/<int:task_id>/form": Entry(PART),
    "POST /tasks/<int:task_id>/form/live": Entry(PART),
    "POST /start/<int:definition_id>/form": Entry(SIGNED_IN),
    "POST /start/<int:definition_id>/form/live": Entry(SIGNED_IN),
    # Each file is answered for itself; test_pages_files has who may not.
    "POST /tasks/<int:task_id>/files": Entry(SIGNED_IN),
    "POST /tasks/<int:task_id>/attachments": Entry(SIGNED_IN),
    "POST /start/<int:definition_id>/files": Entry(SIGNED_IN),
    "GET /files/<int:file_id>": Entry(PART),
    "GET /people": Entry(SIGNED_IN),
    "GET /requests": Entry(SIGNED_IN),
    "GET /instances": Entry(MANAGERS),
    "GET /instances/<int:instance_id>": Entry(PART),
    "GET /instances/<int:instance_id>/history": Entry(PART),
    "GET /instances/<int:instance_id>/sheet": Entry(PART),
    "GET /instances/<int:instance_id>/suspend": Entry(MANAGERS),
    "POST /instances/<int:instance_id>/suspend": Entry(MANAGERS),
    "GET /instances/<int:instance_id>/activate": Entry(MANAGERS),
    "POST /instances/<int:instance_id>/activate": Entry(MANAGERS),
    "GET /instances/<int:instance_id>/terminate": Entry(MANAGERS),
    "POST /instances/<int:instance_id>/terminate": Entry(MANAGERS),
    "GET /instances/<int:instance_id>/tokens/<int:token>/skip": Entry(MANAGERS),
    "POST /instances/<int:instance_id>/tokens/<int:token>/skip": Entry(MANAGERS),
    "GET /instances/<int:instance_id>/tokens/<int:token>/jump": Entry(MANAGERS),
    "POST /instances/<int:instance_id>/tokens/<int:token>/jump": Entry(MANAGERS, {"step": "pay"}),
    "GET /instances/<int:instance_id>/variables": Entry(MANAGERS),
    "POST /instances/<int:instance_id>/variables": Entry(MANAGERS, {"f.amount": "7"}),
    "GET /instances/<int:instance_id>/migrate": Entry(MANAGERS),
    "POST /instances/<int:instance_id>/migrate": Entry(MANAGERS),
    "GET /instances/<int:instance_id>/restart": Entry(PART),
    "POST /instances/<int:instance_id>/restart": Entry(PART),
    "GET /incidents/<int:incident_id>/retry": Entry(MANAGERS),
    "POST /incidents/<int:incident_id>/retry": Entry(MANAGERS),
    "GET /start": Entry(SIGNED_IN),
    "GET /start/<int:definition_id>": Entry(SIGNED_IN),
    "POST /start/<int:definition_id>": Entry(SIGNED_IN),
    "GET /definitions": Entry(SIGNED_IN),
    "GET /definitions/<int:definition_id>": Entry(SIGNED_IN),
    "GET /definitions/<int:definition_id>/dry-run": Entry(MANAGERS),
    "POST /definitions/<int:definition_id>/dry-run": Entry(MANAGERS, {"scenario": "{}"}),
    "GET /definitions/upload": Entry(MANAGERS),
    "POST /definitions/upload": Entry(MANAGERS, {"source": "{}", "action": "check"}),
    "GET /definitions/<int:definition_id>/publish": Entry(MANAGERS),
    "POST /definitions/<int:definition_id>/publish": Entry(MANAGERS),
    "GET /definitions/<int:definition_id>/retire": Entry(MANAGERS),
    "POST /definitions/<int:definition_id>/retire": Entry(MANAGERS),
    "GET /definitions/<int:definition_id>/delete": Entry(MANAGERS),
    "POST /definitions/<int:definition_id>/delete": Entry(MANAGERS),
}

LAST = "POST /sign-out"
"""Ends the sessions that the other pages are asked with."""

OPEN = {
    "GET /health",
    "GET /health/ready",
    "GET /metrics",
    "GET /swagger",
    "GET /swagger/",
    "GET /swagger/index.html",
    "GET /static/<path:filename>",
}
"""What anybody may ask for, and that shows nobody's data."""


@pytest.fixture
def things(rest: Rest) -> dict[str, int]:
    """Something behind every parameter of a route."""
    rest("root", "POST", "/process-definitions", BROKEN).ok(201)
    rest("root", "POST", "/process-definitions", ELSEWHERE).ok(201)
    rest("root", "POST", "/process-instances", {"process_definition_key": "elsewhere"}).ok(201)
    worker = {"worker_id": "w", "topics": ["print"]}
    held = rest("root", "POST", "/external-tasks/fetch-and-lock", worker).ok()["items"]
    broken = rest("root", "POST", "/process-instances", {"process_definition_key": "broken"})
    task = rest.office.open_task(amount=5)
    seen = rest("root", "GET", f"/tasks/{task}").ok()
    view = rest("li", "POST", "/task-views", {"name": "All", "query": {}, "shared": True}).ok(201)
    instance = rest("root", "GET", f"/process-instances/{seen['process_instance_id']}").ok()
    said = rest("mei", "POST", f"/tasks/{task}/comments", {"text": "Well @zhao"}).ok(201)
    note, copy = told_to_mei(rest)
    away = {"substitute": "wang", "from": "2098-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}
    absence = rest("mei", "POST", "/delegations", away).ok(201)["id"]
    return {
        "delegation_id": absence,
        "absence_id": absence,
        "task_id": task,
        "instance_id": seen["process_instance_id"],
        "token": instance["tokens"][0]["id"],
        "definition_id": seen["process_definition_id"],
        "view_id": view["id"],
        "external_id": held[0]["id"],
        "file_id": stored_file(rest, seen),
        "incident_id": broken.ok(201)["incidents"][0]["id"],
        "comment_id": said["id"],
        "notification_id": note,
        "copy_id": copy,
    }


def told_to_mei(rest: Rest) -> tuple[int, int]:
    """Send mei a copy of another task; return the ids of her notification and her copy."""
    other = rest.office.open_task()
    rest("wang", "PUT", f"/tasks/{other}/claim").ok()
    rest("wang", "POST", f"/tasks/{other}/cc", {"users": ["mei"]}).ok()
    lists = (rest("mei", "GET", path).ok() for path in ("/notifications", "/copies"))
    note, copy = (found["items"][0]["id"] for found in lists)
    return note, copy


def stored_file(rest: Rest, task: dict[str, Any]) -> int:
    """Put a file of the task's instance into the database."""
    with rest.office.db.transaction() as tx:
        row = tx.run(
            "insert into files (task_id, definition_id, instance_id, field, name, type, size,"
            " sha256, content, uploaded_by, uploaded_at, submitted_at)"
            " values (%(id)s, %(process_definition_id)s, %(process_instance_id)s, 'papers',"
            " 'a.txt', 'text/plain', 1, '\\x00', 'a', 'nobody', now(), now()) returning id",
            task,
        ).fetchone()
    assert row is not None
    return int(row["id"])


def address(rule: str, things: dict[str, int]) -> str:
    for name, value in things.items():
        rule = rule.replace(f"<int:{name}>", str(value))
    rule = rule.replace("<username>", "wang")
    assert "<" not in rule, f"nothing stands for a parameter of {rule}"
    return rule


def filled(body: Any, things: dict[str, int]) -> Any:
    """Return a body with ids for the names in it."""
    if not isinstance(body, dict):
        return body
    return {
        name: things[value[1:-1]] if isinstance(value, str) and value[:1] == "<" else value
        for name, value in body.items()
    }


def routes(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield f"{method} {rule.rule}"


def test_api(rest: Rest, things: dict[str, int]) -> None:
    found = {}
    for route, entry in API.items():
        method, rule = route.split(" ")
        let_in = set()
        for person in PEOPLE:
            with taken_back(rest.office.db):
                prepare(rest, route, things)
                if "/auth/" in route:  # which may end a token for this process
                    rest._tokens.clear()
                answer = rest(
                    person, method, address(rule, things) + entry.query, filled(entry.body, things)
                )
                assert answer.status < 500, (route, person, answer.text)
                if answer.status not in REFUSALS:
                    let_in.add(person)
        if "/auth/" in route:
            rest._tokens.clear()
        found[route] = let_in
    assert found == {route: entry.who for route, entry in API.items()}


def test_pages(rest: Rest, browser: Browser, things: dict[str, int]) -> None:
    seats = {person: browser(person) for person in PEOPLE}
    for person, pages in seats.items():
        pages.get("/profile" if person else "/sign-in").ok()  # takes the token along
    found = {}
    for route, entry in sorted(PAGES.items(), key=lambda item: item[0] == LAST):
        method, rule = route.split(" ")
        let_in = set()
        for person, pages in seats.items():
            with taken_back(rest.office.db):
                prepare(rest, route, things)
                path = address(rule, things)
                sheet = pages.get(path) if method == "GET" else pages.post(path, entry.body)
                assert sheet.status < 500, (route, person, sheet.words)
                if entry.done is not None:
                    refused = not rows(rest.office.db, entry.done)
                else:
                    sent_away = sheet.headers.get("Location", "").startswith("/sign-in?")
                    refused = sheet.status in REFUSALS or sent_away
                if not refused:
                    let_in.add(person)
        found[route] = let_in
    assert found == {route: entry.who for route, entry in PAGES.items()}


def test_every_route_has_an_entry(app: Flask) -> None:
    api = {f"{route.split(' ')[0]} /api/v1{route.split(' ')[1]}" for route in API}
    assert set(routes(app)) == api | PAGES.keys() | OPEN


HOLDERS = {
    "POST /tasks/<int:task_id>/transfer",
    "POST /tasks/<int:task_id>/return",
    "POST /tasks/<int:task_id>/cc",
    "POST /tasks/<int:task_id>/delegate",
    "POST /tasks/<int:task_id>/consult",
    "POST /tasks/<int:task_id>/add-signer",
}
ASKED = {"POST /tasks/<int:task_id>/resolve"}


def prepare(rest: Rest, route: str, things: dict[str, int]) -> None:
    task = f"/tasks/{things['task_id']}"
    if "-signer" in route:
        rest("mei", "PUT", f"{task}/claim").ok()
        with rest.office.db.transaction() as tx:
            tx.run("update tasks set allow = '{add_signer,remove_signer}'")
        if "remove" in route:
            rest("mei", "POST", f"{task}/add-signer", {"users": ["zhao"]}).ok()
    if route.endswith("/release") or route in HOLDERS | ASKED:
        rest("mei", "PUT", f"{task}/claim").ok()
    if route in ASKED:
        rest("mei", "POST", f"{task}/delegate", {"to": "stranger"}).ok()
    if route.startswith("POST") and route.endswith("/recall"):
        answer = {"variables": {"approved": True}}
        rest("mei", "PUT", f"{task}/complete", answer).ok()
