"""The same act by page and by REST leaves the same rows, in every table."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from app.db.types import dumps
from app.definition import service as definitions
from app.runtime import service as runtime
from app.task import service as tasks
from app.task import views
from tests.http.test_access import BROKEN
from tests.support import acts_asking, stored
from tests.support.acts import DONE, TYPED, VALUES, Act, Things, claimed
from tests.support.office import CHOICE, NOW, REQUEST, Office
from tests.support.pages import Pages, Sheet
from tests.support.rest import Reply, Rest

Browser = Callable[[str | None], Pages]


def with_draft(office: Office, things: Things) -> None:
    claimed(office, things)
    typed = {"comments": "half a sen"}
    tasks.save_draft(office.engine, office["mei"], things["task"], typed, now=NOW)


def kept(office: Office, things: Things) -> None:
    """Let mei keep a view."""
    view, _ = views.save(office.db, office["mei"], name="Mine", query={"step": "approve"}, now=NOW)
    things["view"] = view["id"]


def suspended(office: Office, things: Things) -> None:
    runtime.suspend(office.engine, office["li"], things["instance"], now=NOW)


def corrected(office: Office, things: Things) -> None:
    runtime.set_variables(office.engine, office["li"], things["broken"], {"amount": 5000}, now=NOW)


def halted(office: Office, things: Things) -> None:
    runtime.suspend(office.engine, office["li"], things["chosen"], now=NOW)


def renewed(office: Office, things: Things) -> None:
    """Publish the choice with its step by another name."""
    text = dumps({**CHOICE, "version": "2"}).replace('"decide"', '"choose"')
    row, _ = definitions.create(office.db, office["li"], text, known=None, now=NOW)
    things["renewed"] = row.id


def ended(office: Office, things: Things) -> None:
    runtime.terminate(office.engine, office["li"], things["instance"], now=NOW)


def commented(office: Office, things: Things) -> None:
    text = "Well, @zhao"
    made = tasks.comment(office.engine, office["mei"], things["task"], text, now=NOW)
    things["comment"] = made["id"]


def copied(office: Office, things: Things) -> None:
    claimed(office, things)
    tasks.copy(office.engine, office["mei"], things["task"], ["zhao"], now=NOW)


def reminded(office: Office, things: Things) -> None:
    tasks.remind(office.engine, office["li"], things["task"], now=NOW)


def signing(office: Office, things: Things) -> None:
    """Let mei have the task, in a step that allows signers."""
    claimed(office, things)
    with office.db.transaction() as tx:
        tx.run("update tasks set allow = '{add_signer,remove_signer}'")


def voting(office: Office, things: Things) -> None:
    """Let zhao decide beside mei."""
    signing(office, things)
    tasks.add_signer(office.engine, office["mei"], things["task"], ["zhao"], now=NOW)


def signed(office: Office, things: Things) -> None:
    """Let zhao decide beside mei, who has decided."""
    voting(office, things)
    mei, task = office["mei"], things["task"]
    tasks.complete(office.engine, mei, task, {"approved": True}, now=NOW)


def approved(office: Office, things: Things) -> None:
    """Let mei approve, so that li has to pay."""
    values = {"approved": True, "amount": 3}
    tasks.complete(office.engine, office["mei"], things["task"], values, now=NOW)
    things["pay"] = office.task_of(things["instance"], "pay")


NEW = {**REQUEST, "version": "2.0.0"}
TEXT = dumps(NEW)
ACTS = {
    **acts_asking.ACTS,
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
    "claim many": Act(
        "mei",
        ("/inbox/bulk", {"ids": ["{task}", "{choice}"], "action": "claim"}),
        ("POST", "/tasks/batch", {"action": "claim", "ids": ["{task}", "{choice}"]}),
    ),
    "transfer many": Act(
        "mei",
        ("/inbox/bulk/transfer", {"ids": ["{task}"], "to": "wang", "comment": " On leave "}),
        (
            "POST",
            "/tasks/batch",
            {"action": "transfer", "ids": ["{task}"], "to": "wang", "comment": "On leave"},
        ),
        claimed,
    ),
    "remind of many": Act(
        "zhao",
        ("/inbox/bulk/remind", {"ids": ["{task}"], "comment": " Please "}),
        ("POST", "/tasks/batch", {"action": "remind", "ids": ["{task}"], "comment": "Please"}),
    ),
    "complete many": Act(
        "mei",
        ("/inbox/bulk/complete", {"ids": ["{task}"], "outcome": "true", "comment": " Yes "}),
        (
            "POST",
            "/tasks/batch",
            {"action": "complete", "ids": ["{task}"], "outcome": "true", "comment": "Yes"},
        ),
    ),
    "keep a view": Act(
        "li",
        ("/inbox/views", {"name": " Late ", "shared": "true", "due": "overdue", "order": "due"}),
        (
            "POST",
            "/task-views",
            {"name": "Late", "shared": True, "query": {"due": "overdue", "order": "due"}},
        ),
    ),
    "delete a view": Act(
        "mei", ("/inbox/views/{view}/delete", {}), ("DELETE", "/task-views/{view}", None), kept
    ),
    "complete and send copies": Act(
        "mei",
        ("/tasks/{task}/complete", TYPED | {"comment": "Yes", "cc": "zhao, @wang"}),
        (
            "PUT",
            "/tasks/{task}/complete",
            {"variables": VALUES, "comment": "Yes", "cc": ["zhao", "wang"]},
        ),
    ),
    "add signers": Act(
        "mei",
        ("/tasks/{task}/add-signer", {"users": "zhao，wang", "reason": " knows it "}),
        ("POST", "/tasks/{task}/add-signer", {"users": ["zhao", "wang"], "comment": "knows it"}),
        signing,
    ),
    "remove the signer who was waited for": Act(
        "mei",
        ("/tasks/{task}/remove-signer", {"user": "zhao", "reason": ""}),
        ("POST", "/tasks/{task}/remove-signer", {"user": "zhao"}),
        signed,
    ),
    "vote as one of two": Act(DONE.by, DONE.page, DONE.rest, voting),
    "transfer": Act(
        "mei",
        ("/tasks/{task}/transfer", {"to": "wang", "reason": " on leave "}),
        ("POST", "/tasks/{task}/transfer", {"to": "wang", "comment": "on leave"}),
        with_draft,
    ),
    "assign": Act(
        "li",
        ("/tasks/{task}/assign", {"to": "zhao", "reason": "knows them"}),
        ("POST", "/tasks/{task}/assign", {"to": "zhao", "comment": "knows them"}),
    ),
    "hand over": Act(
        "li",
        ("/hand-over", {"from": "mei", "to": "wang", "reason": "has left"}),
        ("POST", "/tasks/hand-over", {"from": "mei", "to": "wang", "comment": "has left"}),
        claimed,
    ),
    "return": Act(
        "li",
        (
            "/tasks/{pay}/return",
            {"to": "approve", "resume": "straight_back", "reason": " Look again "},
        ),
        (
            "POST",
            "/tasks/{pay}/return",
            {"to": "approve", "resume": "straight_back", "comment": "Look again"},
        ),
        approved,
    ),
    "recall": Act(
        "mei",
        ("/tasks/{task}/recall", {"reason": "Oops"}),
        ("POST", "/tasks/{task}/recall", {"comment": "Oops"}),
        approved,
    ),
    "withdraw": Act(
        "zhao",
        ("/instances/{instance}/withdraw", {"reason": "not needed"}),
        ("POST", "/process-instances/{instance}/withdraw", {"comment": "not needed"}),
        approved,
    ),
    "copy": Act(
        "mei",
        ("/tasks/{task}/cc", {"users": "zhao，wang", "reason": ""}),
        ("POST", "/tasks/{task}/cc", {"users": ["zhao", "wang"]}),
        claimed,
    ),
    "remind": Act(
        "zhao",
        ("/tasks/{task}/remind", {"reason": "today"}),
        ("POST", "/tasks/{task}/remind", {"comment": "today"}),
    ),
    "comment": Act(
        "mei",
        ("/tasks/{task}/comments", {"text": "Look, @zhao: "}),
        ("POST", "/tasks/{task}/comments", {"text": "Look, @zhao: "}),
    ),
    "correct a comment": Act(
        "mei",
        ("/tasks/{task}/comments/{comment}", {"text": "Well, @wang"}),
        ("PUT", "/tasks/{task}/comments/{comment}", {"text": "Well, @wang"}),
        commented,
    ),
    "read notifications": Act(
        "zhao", ("/notifications/read", {}), ("POST", "/notifications/read", None), copied
    ),
    "read copies": Act("zhao", ("/copies/read", {}), ("POST", "/copies/read", None), copied),
    "choose how to be told": Act(
        "zhao",
        ("/notifications/choices", {"task": "mail", "copied": "none"}),
        ("PUT", "/notifications/choices", {"task": "mail", "copied": "none"}),
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
    "skip": Act(
        "li",
        (
            "/instances/{chosen}/tokens/{token}/skip",
            {"outcome": "right", "reason": " nobody there "},
        ),
        (
            "POST",
            "/process-instances/{chosen}/skip",
            {"token": "{token}", "outcome": "right", "reason": "nobody there"},
        ),
    ),
    "skip an incident": Act(
        "li",
        ("/instances/{broken}/tokens/{stuck}/skip", {"reason": "by hand"}),
        ("POST", "/incidents/{incident}/skip", {"reason": "by hand"}),
    ),
    "jump": Act(
        "li",
        ("/instances/{chosen}/tokens/{token}/jump", {"step": "left", "reason": "shortcut"}),
        (
            "POST",
            "/process-instances/{chosen}/jump",
            {"token": "{token}", "to": "left", "reason": "shortcut"},
        ),
        halted,
    ),
    "set variables": Act(
        "li",
        (
            "/instances/{instance}/variables",
            {"f.amount": "1,250.50", "was.amount": "7", "reason": "typing error"},
        ),
        (
            "PATCH",
            "/process-instances/{instance}/variables",
            {"variables": {"amount": Decimal("1250.50")}, "reason": "typing error"},
        ),
    ),
    "migrate": Act(
        "li",
        (
            "/instances/{chosen}/migrate",
            {"to": "{renewed}", "map.decide": "choose", "action": "migrate", "reason": "clearer"},
        ),
        (
            "POST",
            "/process-instances/{chosen}/migrate",
            {
                "process_definition_id": "{renewed}",
                "steps": {"decide": "choose"},
                "reason": "clearer",
            },
        ),
        renewed,
    ),
    "restart": Act(
        "zhao",
        ("/instances/{instance}/restart", {"reason": " wrong chairs "}),
        ("POST", "/process-instances/{instance}/restart", {"reason": "wrong chairs"}),
        ended,
    ),
}
REFUSED = {
    **acts_asking.REFUSED,
    "share a view without the right": Act(
        "mei",
        ("/inbox/views", {"name": "Late", "shared": "true"}),
        ("POST", "/task-views", {"name": "Late", "shared": True, "query": {}}),
    ),
    "delete what another keeps": Act(
        "li", ("/inbox/views/{view}/delete", {}), ("DELETE", "/task-views/{view}", None), kept
    ),
    "claim what another has": Act(
        "wang", ("/tasks/{task}/claim", {}), ("PUT", "/tasks/{task}/claim", None), claimed
    ),
    "complete with a wrong value": Act(
        "mei",
        ("/tasks/{task}/complete", {"f.approved": "true", "f.amount": "many"}),
        ("PUT", "/tasks/{task}/complete", {"variables": {"approved": True, "amount": "many"}}),
    ),
    "add who decides already": Act(
        "mei",
        ("/tasks/{task}/add-signer", {"users": "mei"}),
        ("POST", "/tasks/{task}/add-signer", {"users": ["mei"]}),
        signing,
    ),
    "remove who was not added": Act(
        "mei",
        ("/tasks/{task}/remove-signer", {"user": "wang"}),
        ("POST", "/tasks/{task}/remove-signer", {"user": "wang"}),
        voting,
    ),
    "transfer to oneself": Act(
        "mei",
        ("/tasks/{task}/transfer", {"to": "mei"}),
        ("POST", "/tasks/{task}/transfer", {"to": "mei"}),
        claimed,
    ),
    "transfer what another has": Act("wang", ACTS["transfer"].page, ACTS["transfer"].rest, claimed),
    "assign without the right": Act("mei", ACTS["assign"].page, ACTS["assign"].rest, claimed),
    "hand over to nobody": Act(
        "li",
        ("/hand-over", {"from": "mei", "to": "nobody"}),
        ("POST", "/tasks/hand-over", {"from": "mei", "to": "nobody"}),
        claimed,
    ),
    "hand over without the right": Act(
        "mei", ACTS["hand over"].page, ACTS["hand over"].rest, claimed
    ),
    "copy to nobody": Act(
        "mei",
        ("/tasks/{task}/cc", {"users": " , "}),
        ("POST", "/tasks/{task}/cc", {"users": []}),
        claimed,
    ),
    "complete with copies to nobody": Act(
        "mei",
        ("/tasks/{task}/complete", TYPED | {"cc": "nobody"}),
        ("PUT", "/tasks/{task}/complete", {"variables": VALUES, "cc": ["nobody"]}),
    ),
    "remind twice": Act("zhao", ACTS["remind"].page, ACTS["remind"].rest, reminded),
    "remind what one does not wait for": Act("wang", ACTS["remind"].page, ACTS["remind"].rest),
    "say nothing": Act(
        "mei",
        ("/tasks/{task}/comments", {"text": " "}),
        ("POST", "/tasks/{task}/comments", {"text": " "}),
    ),
    "correct what another said": Act(
        "wang",
        ACTS["correct a comment"].page,
        ACTS["correct a comment"].rest,
        commented,
    ),
    "choose what there is not": Act(
        "zhao",
        ("/notifications/choices", {"task": "pigeon"}),
        ("PUT", "/notifications/choices", {"task": "pigeon"}),
    ),
    "complete while suspended": Act(DONE.by, DONE.page, DONE.rest, suspended),
    "complete what is another's": Act("zhao", DONE.page, DONE.rest),
    "see nothing": Act("stranger", DONE.page, DONE.rest),
    "terminate without the right": Act("zhao", ACTS["terminate"].page, ACTS["terminate"].rest),
    "skip without the right": Act("zhao", ACTS["skip"].page, ACTS["skip"].rest),
    "jump without the right": Act("zhao", ACTS["jump"].page, ACTS["jump"].rest, halted),
    "jump while it runs": Act("li", ACTS["jump"].page, ACTS["jump"].rest),
    "set variables without the right": Act(
        "zhao", ACTS["set variables"].page, ACTS["set variables"].rest
    ),
    "migrate without the right": Act("zhao", ACTS["migrate"].page, ACTS["migrate"].rest, renewed),
    "migrate and lose a token": Act(
        "li",
        ("/instances/{chosen}/migrate", {"to": "{renewed}", "action": "migrate"}),
        ("POST", "/process-instances/{chosen}/migrate", {"process_definition_id": "{renewed}"}),
        renewed,
    ),
    "restart what is another's": Act("stranger", ACTS["restart"].page, ACTS["restart"].rest, ended),
    "restart what still runs": Act("zhao", ACTS["restart"].page, ACTS["restart"].rest),
    "retry without the right": Act(
        "zhao", ACTS["retry an incident"].page, ACTS["retry an incident"].rest, corrected
    ),
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
    chosen = office.start("choice")
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
        "chosen": chosen,
        "choice": office.task_of(chosen, "decide"),
        "token": token_of(office, chosen),
        "broken": broken,
        "stuck": token_of(office, broken),
        "incident": incident["id"],
    }


def token_of(office: Office, instance: int) -> int:
    """Return the id of an instance's only token."""
    (token,) = stored.state_of(office.db, instance).tokens
    return token.id


def filled(sent: Any, things: Things) -> Any:
    """Return a form or a body with the ids of things for their names."""
    if not isinstance(sent, dict):
        return sent
    return {
        name: [filled_in(each, things) for each in value]
        if isinstance(value, list)
        else filled_in(value, things)
        for name, value in sent.items()
    }


def filled_in(value: Any, things: Things) -> Any:
    """Return the id of a thing for its name, else the value."""
    return things.get(value[1:-1], value) if isinstance(value, str) else value


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
        sheet = pages.post(path.format(**things), filled(form, things))
        by_page = stored.comparable(office.db)
    method, path, body = act.rest
    with stored.taken_back(office.db):
        reply = rest(act.by, method, path.format(**things), filled(body, things))
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
