"""Why a verb is refused: one place that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from app.db.tx import Database
from app.errors import AppError, Conflict, Forbidden
from app.identity.actor import Actor
from app.identity.queries import display_names
from app.runtime.row import STATUS_WORDS
from app.task import access, side_store

Verb = Literal[
    "claim",
    "release",
    "complete",
    "resolve",
    "assign",
    "transfer",
    "delegate",
    "consult",
    "add_signer",
    "remove_signer",
    "return",
    "recall",
    "remind",
    "cc",
    "comment",
    "attach",
]
_HOLDERS: Final = ("transfer", "delegate", "consult", "add_signer", "return", "cc")
_TALK: Final = ("comment", "attach")
_OF_THE_INSTANCE: Final = (*_TALK, "remove_signer")
"""Verbs that do not ask how the very task stands."""
_OF_OTHERS: Final = ("comment", "remind", "assign", "remove_signer")
_ALWAYS: Final = ("recall", "resolve")
_DECIDING: Final = ("claim", "complete", "resolve")


def refusal(db: Database, actor: Actor, task: Mapping[str, Any], verb: Verb) -> AppError:
    """Return the error for a verb that the task, as it is now, does not allow the actor.

    Args:
        task: a row that the actor may see.
    """
    if verb in _OF_OTHERS or (verb == "recall" and actor.can("task:assign")):
        refused = _beside(actor, task, verb)
    elif verb == "resolve":
        asked = task["role"] is not None and _had_part(actor, task)
        refused = None if asked else Forbidden("not_asked", "You were not asked for anything here.")
    elif verb == "recall" and task["role"] == "consult":
        refused = None
    else:
        refused = None if _had_part(actor, task) else _not_a_candidate()
    if refused is None and verb not in _ALWAYS and not access.permits(task, verb):
        refused = Forbidden(
            "not_allowed_here", "The process does not allow this in the task's step."
        )
    if refused is not None:
        return refused
    of_all = verb in _OF_THE_INSTANCE
    if of_all and task["instance_status"] not in ("running", "suspended"):
        return Conflict(
            "instance_ended",
            "The instance is %(status)s; nothing can be changed any more.",
            extra={"instance_status": task["instance_status"]},
            status=STATUS_WORDS[task["instance_status"]],
        )
    if task["state"] == "completed" and not of_all:
        return _completed(db, actor, task)
    if task["state"] == "cancelled" and task["decided_by"] and not of_all:
        return _decided(db, task)
    if task["state"] == "cancelled" and not of_all:
        return Conflict(
            "task_cancelled",
            "This task was withdrawn; nothing has to be done any more.",
            extra={"reason": task["reason"], "at": _iso(task["completed_at"])},
        )
    if verb in _DECIDING and access.is_barred(task, *access.deciding(actor, task)):
        return barred(task, actor.username)
    if task["instance_status"] != "running":
        return Conflict(
            "instance_suspended",
            "This process is suspended: its tasks can be read but not changed. "
            "Try again when it has been activated.",
        )
    if verb == "recall" and task["role"] == "consult":
        return Forbidden("not_yours", "Only who asked this, or a manager, can withdraw it.")
    if task["waits_for"] is not None and (verb == "assign" or access.is_holder(actor, task)):
        return _waiting(db, task)
    others = task["state"] == "claimed" and not access.is_holder(actor, task)
    if others and not (verb == "recall" and actor.can("task:assign")):
        return _claimed(db, task)
    if verb == "recall":
        return Conflict("nothing_to_pull_back", "Nobody is asked first: whoever was has answered.")
    if task["role"] is not None:
        return _asked_oneself(verb)
    if verb == "add_signer" and access.may_hand_on(actor, task):
        return Conflict(
            "added_yourself",
            "You were added to this yourself, so you cannot add others. Ask who added you.",
        )
    if verb in _HOLDERS and task["state"] == "open":
        return Conflict("not_yours_yet", "Nobody has this task. Claim it first, then do this.")
    if verb == "remind" and task["state"] == "open":
        return Conflict("yours", "Nobody has this task, and it is offered to you. Claim it.")
    if verb == "remind":
        return Conflict("yours", "You have this task yourself; there is nobody to remind.")
    if verb == "release" and task["state"] == "open":
        return Conflict("not_claimed", "Nobody has claimed this task; there is nothing to release.")
    if verb == "release":
        return Conflict(
            "only_yours",
            "This task was given to you alone, so there is nobody to release it to. "
            "Ask a manager to give it to someone else.",
        )
    return changed()


def _had_part(actor: Actor, task: Mapping[str, Any]) -> bool:
    return access.may_look(actor, task) or access.stood_in(actor, task)


def _not_a_candidate() -> Forbidden:
    return Forbidden(
        "not_a_candidate",
        "This task is not yours and was not offered to you. "
        "Ask the person who has it, or a manager.",
    )


def _beside(actor: Actor, task: Mapping[str, Any], verb: Verb) -> Forbidden | None:
    """Return why somebody who can see a task may not do more with it than look."""
    if verb in _TALK and not access.may_comment(actor, task):
        return Forbidden(
            "not_a_participant",
            "You can read this, but only those who take part can comment on it.",
        )
    return None


def barred(task: Mapping[str, Any], username: str) -> Forbidden:
    """Return the error for somebody whom an approval rule keeps from deciding."""
    if username == task["started_by"]:
        message = "You started this, so somebody else has to decide here."
    else:
        message = "You have had a part in this before, so somebody else has to decide here."
    return Forbidden("barred_by_rule", message)


def _asked_oneself(verb: Verb) -> Forbidden:
    """Return why who was asked may do nothing but answer."""
    if verb == "complete":
        return Forbidden(
            "resolve_instead",
            "You were asked here, and somebody else decides. Give your answer.",
        )
    return Forbidden(
        "asked_oneself",
        "You were asked here yourself, so you cannot pass it on or ask others. Give your answer.",
    )


def _waiting(db: Database, task: Mapping[str, Any]) -> Conflict:
    """Return the error for a task whose holder has asked others first."""
    with db.transaction() as tx:
        live = side_store.live(tx, task)
    names = display_names(db, [each["assignee"] for each in live])
    people = [{"username": name, "name": names.get(name, name)} for name in names]
    return Conflict(
        "waits_for_others",
        "This waits for %(names)s. It goes on when they have answered; pull it back to do it now.",
        extra={
            "role": task["waits_for"],
            "people": people,
            "since": _iso(live[0]["created_at"]) if live else None,
        },
        names=", ".join(each["name"] for each in people),
    )


def changed() -> Conflict:
    """Return the error for a task that someone changed in the same moment."""
    return Conflict(
        "task_changed", "This task was changed by someone just now. Reload it and try again."
    )


def _completed(db: Database, actor: Actor, task: Mapping[str, Any]) -> Conflict:
    by = task["completed_by"]
    name = display_names(db, [by]).get(by, by)
    message = "%(name)s has completed this task already."
    if by == actor.username:
        message = "You have completed this task already."
    return Conflict(
        "already_completed",
        message,
        extra={
            "by": by,
            "name": name,
            "at": _iso(task["completed_at"]),
            "outcome": task["outcome"],
        },
        name=name,
    )


def _decided(db: Database, task: Mapping[str, Any]) -> Conflict:
    by = task["decided_by"]
    name = display_names(db, [by]).get(by, by)
    return Conflict(
        "decided_by_others",
        "This was decided with the vote of %(name)s; nothing has to be done any more.",
        extra={"by": by, "name": name, "at": _iso(task["completed_at"])},
        name=name,
    )


def _claimed(db: Database, task: Mapping[str, Any]) -> Conflict:
    holder = task["assignee"]
    name = display_names(db, [holder]).get(holder, holder)
    return Conflict(
        "claimed_by_other",
        "%(name)s has this task. Choose another one, or ask %(name)s to release it.",
        extra={
            "by": holder,
            "name": name,
            "since": _iso(task["claimed_at"] or task["created_at"]),
        },
        name=name,
    )


def _iso(moment: Any) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
