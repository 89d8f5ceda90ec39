"""The same act by page and by REST leaves the same rows, in every table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from app.db.types import dumps
from app.definition import service as definitions
from app.runtime import service as runtime
from app.task import service as tasks
from tests.http.test_access import BROKEN
from tests.support import stored
from tests.support.office import CHOICE, NOW, REQUEST, Office
from tests.support.pages import Pages, Sheet
from tests.support.rest import Reply, Rest

Browser = Callable[[str | None], Pages]
Things = dict[str, int]


@dataclass(frozen=True)
class Act:
    """One thing that people do, by both doors.

    Args:
        by: who does it.
        page: path and fields of the form.
        rest: method, path and body.
        before: what has to be done first.
    """

    by: str
    page: tuple[str, dict[str, Any]]
    rest: tuple[str, str, Any]
    before: Callable[[Office, Things], object] = lambda office, things: None


def claimed(office: Office, things: Things) -> None:
    tasks.claim(office.engine, office["mei"], things["task"], now=NOW)


def with_draft(office: Office, things: Things) -> None:
    claimed(office, things)
    typed = {"comments": "half a sen"}
    tasks.save_draft(office.engine, office["mei"], things["task"], typed, now=NOW)


def suspended(office: Office, things: Things) -> None:
    runtime.suspend(office.engine, office["li"], things["instance"], now=NOW)


def corrected(office: Office, things: Things) -> None:
    runtime.set_variables(office.engine, office["li"], things["broken"], {"amount": 5000}, now=NOW)


NEW = {**REQUEST, "version": "2.0.0"}
TEXT = dumps(NEW)
VALUES = {"approved": True, "comments": "Fine.", "amount": Decimal("1250.50")}
TYPED = {"f.approved": "true", "f.comments": "Fine.", "f.amount": "1,250.50"}
DONE = Act(
    "mei",
    ("/tasks/{task}/complete", TYPED | {"comment": "Yes"}),
    ("PUT", "/tasks/{task}/complete", {"variables": VALUES, "comment": "Yes"}),
)
ACTS = {
    "upload": Act(
        "li",
        ("/definitions/upload", {"source": TEXT, "action": "store", "status": "active"}),
        ("POST", "/process-definitions", NEW),
    ),
    "upload as a draft": Act(
        "li",
        ("/definitions/upload", {"source": TEXT, "action": "store", "status": "draft"}),
        ("POST", "/process-definitions?status=draft", NEW),
    ),
    "upload what is there": Act(
        "li",
        ("/definitions/upload", {"source": dumps(CHOICE), "action": "store"}),
        ("POST", "/process-definitions", CHOICE),
    ),
    "publish": Act(
        "li",
        ("/definitions/{draft}/publish", {}),
        ("POST", "/process-definitions/{draft}/publish", None),
    ),
    "retire": Act(
        "li",
        ("/definitions/{definition}/retire", {}),
        ("POST", "/process-definitions/{definition}/retire", None),
    ),
    "delete": Act(
        "li", ("/definitions/{draft}/delete", {}), ("DELETE", "/process-definitions/{draft}", None)
    ),
    "start": Act(
        "zhao",
        ("/start/{definition}", {"f.amount": "12.50", "f.purpose": "Chairs", "business_key": "K"}),
        (
            "POST",
            "/process-instances",
            {
                "process_definition_id": "{definition}",
                "business_key": "K",
                "variables": {"amount": Decimal("12.50"), "purpose": "Chairs"},
            },
        ),
    ),
    "claim": Act("mei", ("/tasks/{task}/claim", {}), ("PUT", "/tasks/{task}/claim", None)),
    "release": Act(
        "mei", ("/tasks/{task}/release", {}), ("PUT", "/tasks/{task}/release", None), claimed
    ),
    "release with a draft": Act(
        "mei",
        ("/tasks/{task}/release", {"f.comments": "half a sen"}),
        ("PUT", "/tasks/{task}/release", None),
        with_draft,
    ),
    "complete": Act(DONE.by, DONE.page, DONE.rest, with_draft),
    "complete without a claim": DONE,
    "complete by an outcome": Act(
        "mei",
        ("/tasks/{choice}/complete", {"f.note": "this way", "outcome": "right"}),
        (
            "PUT",
            "/tasks/{choice}/complete",
            {"variables": {"note": "this way"}, "outcome": "right"},
        ),
    ),
    "suspend": Act(
        "li",
        ("/instances/{instance}/suspend", {"reason": " audit "}),
        ("PUT", "/process-instances/{instance}/suspend", {"reason": "audit"}),
    ),
    "activate": Act(
        "li",
        ("/instances/{instance}/activate", {"reason": "done"}),
        ("PUT", "/process-instances/{instance}/activate", {"reason": "done"}),
        suspended,
    ),
    "terminate": Act(
        "li",
        ("/instances/{instance}/terminate", {"reason": "mistake"}),
        ("DELETE", "/process-instances/{instance}", {"reason": "mistake"}),
        with_draft,
    ),
    "retry an incident": Act(
        "li",
        ("/incidents/{incident}/retry", {"reason": "corrected"}),
        ("POST", "/incidents/{incident}/retry", {"reason": "corrected"}),
        corrected,
    ),
}
REFUSED = {
    "claim what another has": Act(
        "wang", ("/tasks/{task}/claim", {}), ("PUT", "/tasks/{task}/claim", None), claimed
    ),
    "complete with a wrong value": Act(
        "mei",
        ("/tasks/{task}/complete", {"f.approved": "true", "f.amount": "many"}),
        ("PUT", "/tasks/{task}/complete", {"variables": {"approved": True, "amount": "many"}}),
    ),
    "complete while suspended": Act(DONE.by, DONE.page, DONE.rest, suspended),
    "complete what is another's": Act("zhao", DONE.page, DONE.rest),
    "see nothing": Act("stranger", DONE.page, DONE.rest),
    "terminate without the right": Act("zhao", ACTS["terminate"].page, ACTS["terminate"].rest),
    "upload without the right": Act("mei", ACTS["upload"].page, ACTS["upload"].rest),
    "upload another content": Act(
        "li",
        (
            "/definitions/upload",
            {"source": dumps({**CHOICE, "description": "Other"}), "action": "store"},
        ),
        ("POST", "/process-definitions", {**CHOICE, "description": "Other"}),
    ),
}


@pytest.fixture
def things(office: Office) -> Things:
    """Something of each kind to act on."""
    li = office["li"]
    draft, _ = definitions.create(
        office.db, li, TEXT.replace("2.0.0", "3.0.0"), known=None, now=NOW, status="draft"
    )
    definitions.create(office.db, li, dumps(BROKEN), known=None, now=NOW)
    instance, broken = office.start(amount=7), office.start("broken", amount=7)
    with office.db.transaction() as tx:
        incident = tx.run("select id from incidents").fetchone()
        definition = tx.run(
            "select definition_id as id from process_instances where id = %(id)s", {"id": instance}
        ).fetchone()
    assert incident is not None
    assert definition is not None
    return {
        "definition": definition["id"],
        "draft": draft.id,
        "instance": instance,
        "task": office.task_of(instance, "approve"),
        "choice": office.task_of(office.start("choice"), "decide"),
        "broken": broken,
        "incident": incident["id"],
    }


def both(
    act: Act, office: Office, browser: Browser, rest: Rest, things: Things
) -> tuple[Sheet, Reply, Any, Any, Any]:
    """Act by page and by REST from the same rows; return answers and what each left."""
    act.before(office, things)
    pages = browser(act.by)
    pages.get("/profile").ok()
    rest(act.by, "GET", "/auth/me").ok()
    before = stored.comparable(office.db)
    path, form = act.page
    with stored.taken_back(office.db):
        sheet = pages.post(path.format(**things), form)
        by_page = stored.comparable(office.db)
    method, path, body = act.rest
    if isinstance(body, dict) and body.get("process_definition_id"):
        body = body | {"process_definition_id": things["definition"]}
    with stored.taken_back(office.db):
        reply = rest(act.by, method, path.format(**things), body)
        by_rest = stored.comparable(office.db)
    assert stored.comparable(office.db) == before
    return sheet, reply, before, by_page, by_rest


@pytest.mark.parametrize("name", sorted(ACTS))
def test_both_doors_leave_the_same_rows(
    office: Office, browser: Browser, rest: Rest, things: Things, name: str
) -> None:
    sheet, reply, before, by_page, by_rest = both(ACTS[name], office, browser, rest, things)
    assert sheet.status == 303, sheet.words
    assert reply.status < 300, reply.text
    assert by_page == by_rest
    assert (by_page == before) is (name == "upload what is there")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_both_doors_refuse_with_the_same_status_and_change_nothing(
    office: Office, browser: Browser, rest: Rest, things: Things, name: str
) -> None:
    sheet, reply, before, by_page, by_rest = both(REFUSED[name], office, browser, rest, things)
    assert 400 <= reply.status < 500
    assert sheet.status == reply.status, sheet.words
    assert by_page == by_rest == before
