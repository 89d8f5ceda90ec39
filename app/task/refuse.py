"""Why a verb is refused: one place that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from app.db.tx import Database
from app.errors import AppError, Conflict, Forbidden
from app.identity.actor import Actor
from app.identity.queries import display_names
from app.runtime.row import STATUS_WORDS
from app.task import access

Verb = (
    Literal["claim", "release", "complete", "assign", "transfer", "add_signer", "remove_signer"]
    | Literal["comment", "attach", "cc", "remind"]
)
_TALK: Final = ("comment", "attach")
_OF_THE_INSTANCE: Final = (*_TALK, "remove_signer")
"""Verbs that do not ask how the very task stands."""
_HOLDERS: Final = ("transfer", "add_signer", "cc")


def refusal(db: Database, actor: Actor, task: Mapping[str, Any], verb: Verb) -> AppError:
    """Return the error for a verb that the task, as it is now, does not allow the actor.

    Args:
        task: a row that the actor may see.
    """
    if verb in (*_TALK, "remind", "assign", "remove_signer"):
        refused = _beside(actor, task, verb)
    else:
        refused = None if access.takes_part(actor, task) else _not_a_candidate()
    if refused is None and not access.permits(task, verb):
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
        return _completed(db, task)
    if task["state"] == "cancelled" and task["decided_by"] and not of_all:
        return _decided(db, task)
    if task["state"] == "cancelled" and not of_all:
        return Conflict(
            "task_cancelled",
            "This task was withdrawn; nothing has to be done any more.",
            extra={"reason": task["reason"], "at": _iso(task["completed_at"])},
        )
    if task["instance_status"] != "running":
        return Conflict(
            "instance_suspended",
            "This process is suspended: its tasks can be read but not changed. "
            "Try again when it has been activated.",
        )
    if task["state"] == "claimed" and not access.is_holder(actor, task):
        return _claimed(db, task)
    if verb in _HOLDERS and task["state"] == "open":
        return Conflict("not_yours_yet", "Nobody has this task. Claim it first, then do this.")
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
    waits = task["started_by"] == actor.username or actor.can("task:read")
    if verb == "remind" and not waits:
        return Forbidden(
            "not_waiting", "Only who started this, or looks after all tasks, can remind people."
        )
    return None


def changed() -> Conflict:
    """Return the error for a task that someone changed in the same moment."""
    return Conflict(
        "task_changed", "This task was changed by someone just now. Reload it and try again."
    )


def _completed(db: Database, task: Mapping[str, Any]) -> Conflict:
    by = task["completed_by"]
    name = display_names(db, [by]).get(by, by)
    return Conflict(
        "already_completed",
        "%(name)s has completed this task already.",
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
