"""Asking others about a task by both doors: advice, questions, signatures, and their answers."""

from __future__ import annotations

from app.task import service as tasks
from tests.support.acts import DONE, TYPED, VALUES, Act, Things, claimed
from tests.support.office import NOW, Office


def signable(office: Office, things: Things) -> None:
    """Claim a task whose step allows people to be added."""
    claimed(office, things)
    with office.db.transaction() as tx:
        tx.run("update tasks set allow = '{add_signer,cc}'")


def delegated(office: Office, things: Things) -> None:
    claimed(office, things)
    tasks.delegate(office.engine, office["mei"], things["task"], "wang", now=NOW)


def decided(office: Office, things: Things) -> None:
    signable(office, things)
    mei, task = office["mei"], things["task"]
    tasks.add_after(office.engine, mei, task, ["wang"], {"approved": True}, now=NOW)


def questioned(office: Office, things: Things) -> None:
    claimed(office, things)
    tasks.consult(office.engine, office["mei"], things["task"], ["wang"], "How many?", now=NOW)
    things["question"] = serving(office, things["task"])


def waiting(office: Office, things: Things) -> None:
    """Let zhao sign before mei decides, in a step where that can be taken back."""
    claimed(office, things)
    with office.db.transaction() as tx:
        tx.run("update tasks set allow = '{add_signer,remove_signer}'")
    tasks.add_signer(office.engine, office["mei"], things["task"], ["zhao"], "before", now=NOW)


def serving(office: Office, task: int) -> int:
    with office.db.transaction() as tx:
        (row,) = tx.run("select id from tasks where serves = %(task)s", {"task": task}).rows
    return int(row["id"])


ACTS = {
    "delegate": Act(
        "mei",
        ("/tasks/{task}/delegate", {"to": "wang", "reason": " Is it cheap? "}),
        ("POST", "/tasks/{task}/delegate", {"to": "wang", "comment": "Is it cheap?"}),
        claimed,
    ),
    "consult": Act(
        "mei",
        ("/tasks/{task}/consult", {"users": "zhao, @wang", "reason": "How many?"}),
        ("POST", "/tasks/{task}/consult", {"users": ["zhao", "wang"], "comment": "How many?"}),
        claimed,
    ),
    "let others sign before": Act(
        "mei",
        ("/tasks/{task}/add-signer", {"users": "li", "position": "before", "reason": "Please"}),
        (
            "POST",
            "/tasks/{task}/add-signer",
            {"users": ["li"], "position": "before", "comment": "Please"},
        ),
        signable,
    ),
    "decide, and let others sign after": Act(
        "mei",
        ("/tasks/{task}/complete", TYPED | {"comment": "Yes", "after": "li", "cc": "zhao"}),
        (
            "POST",
            "/tasks/{task}/add-signer",
            {
                "users": ["li"],
                "position": "after",
                "variables": VALUES,
                "comment": "Yes",
                "cc": ["zhao"],
            },
        ),
        signable,
    ),
    "give advice": Act(
        "wang",
        (
            "/tasks/{task}/resolve",
            {"outcome": "reject", "comment": " Dear ", "f.comments": "Too dear", "f.amount": ""},
        ),
        (
            "POST",
            "/tasks/{task}/resolve",
            {"outcome": "reject", "comment": "Dear", "variables": {"comments": "Too dear"}},
        ),
        delegated,
    ),
    "sign last": Act(
        "wang",
        ("/tasks/{task}/resolve", {"outcome": "approve", "comment": ""}),
        ("POST", "/tasks/{task}/resolve", {"outcome": "approve"}),
        decided,
    ),
    "pull back": Act(
        "mei",
        ("/tasks/{task}/recall", {"reason": "Settled"}),
        ("POST", "/tasks/{task}/recall", {"comment": "Settled"}),
        delegated,
    ),
    "withdraw a question": Act(
        "mei",
        ("/tasks/{question}/recall?question=1", {"reason": "Settled"}),
        ("POST", "/tasks/{question}/recall", {"comment": "Settled"}),
        questioned,
    ),
    "take away who signs first": Act(
        "mei",
        ("/tasks/{task}/remove-signer", {"user": "zhao", "reason": "On leave"}),
        ("POST", "/tasks/{task}/remove-signer", {"user": "zhao", "comment": "On leave"}),
        waiting,
    ),
}
REFUSED = {
    "ask oneself": Act(
        "mei",
        ("/tasks/{task}/delegate", {"to": "mei"}),
        ("POST", "/tasks/{task}/delegate", {"to": "mei"}),
        claimed,
    ),
    "ask nothing": Act(
        "mei",
        ("/tasks/{task}/consult", {"users": "wang", "reason": " "}),
        ("POST", "/tasks/{task}/consult", {"users": ["wang"], "comment": " "}),
        claimed,
    ),
    "advise without an opinion": Act(
        "wang",
        ("/tasks/{task}/resolve", {"comment": "Well"}),
        ("POST", "/tasks/{task}/resolve", {"comment": "Well"}),
        delegated,
    ),
    "complete what waits for advice": Act(DONE.by, DONE.page, DONE.rest, delegated),
    "withdraw another's question": Act(
        "wang",
        ("/tasks/{question}/recall?question=1", {"reason": ""}),
        ("POST", "/tasks/{question}/recall", {}),
        questioned,
    ),
}
