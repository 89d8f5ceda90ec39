"""The words, icons and tones of states and events: one table for every page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import LazyString, gettext, lazy_gettext
from markupsafe import Markup

from app.errors import AppError
from app.web.i18n import (
    DEFAULT_LANGUAGE,
    language,
    translate_error,
    translate_fields,
    translate_phrase,
)


@dataclass(frozen=True, slots=True)
class Word:
    """How something is shown.

    Args:
        text: in the reader's language when it is rendered.
        icon: name of a symbol in ``static/img/icons.svg``.
        tone: ``good``, ``info``, ``warn``, ``bad`` or ``calm``.
    """

    text: LazyString | str
    icon: str
    tone: str


STATES: Final[Mapping[str, Mapping[str, Word]]] = {
    "instance": {
        "running": Word(lazy_gettext("Running"), "player-play", "info"),
        "suspended": Word(lazy_gettext("Suspended"), "player-pause", "warn"),
        "completed": Word(lazy_gettext("Completed"), "circle-check", "good"),
        "terminated": Word(lazy_gettext("Terminated"), "player-stop", "calm"),
        "withdrawn": Word(lazy_gettext("Withdrawn"), "arrow-back-up", "calm"),
        "cancelled": Word(lazy_gettext("Cancelled"), "ban", "calm"),
        "failed": Word(lazy_gettext("Failed"), "circle-x", "bad"),
        "incident": Word(lazy_gettext("Incident"), "alert-triangle", "bad"),
    },
    "task": {
        "open": Word(lazy_gettext("To claim"), "circle-dashed", "info"),
        "claimed": Word(lazy_gettext("In progress"), "user-check", "info"),
        "completed": Word(lazy_gettext("Completed"), "circle-check", "good"),
        "cancelled": Word(lazy_gettext("Cancelled"), "ban", "calm"),
        "overdue": Word(lazy_gettext("Overdue"), "clock-exclamation", "bad"),
    },
    "definition": {
        "draft": Word(lazy_gettext("Draft"), "pencil", "warn"),
        "active": Word(lazy_gettext("Active"), "circle-check", "good"),
        "retired": Word(lazy_gettext("Retired"), "archive", "calm"),
    },
    "finding": {
        "error": Word(lazy_gettext("Error"), "circle-x", "bad"),
        "warning": Word(lazy_gettext("Warning"), "alert-triangle", "warn"),
        "info": Word(lazy_gettext("Note"), "info-circle", "info"),
    },
}

EVENTS: Final[Mapping[str, Word]] = {
    "instance.started": Word(lazy_gettext("Started"), "player-play", "info"),
    "instance.completed": Word(lazy_gettext("Completed"), "circle-check", "good"),
    "instance.terminated": Word(lazy_gettext("Terminated"), "player-stop", "bad"),
    "instance.withdrawn": Word(lazy_gettext("Withdrawn"), "arrow-back-up", "calm"),
    "instance.failed": Word(lazy_gettext("Failed"), "circle-x", "bad"),
    "instance.suspended": Word(lazy_gettext("Suspended"), "player-pause", "warn"),
    "instance.activated": Word(lazy_gettext("Resumed"), "player-play", "info"),
    "instance.migrated": Word(lazy_gettext("Moved to another version"), "refresh", "info"),
    "instance.restarted": Word(lazy_gettext("Started anew"), "copy", "info"),
    "step.entered": Word(lazy_gettext("Step reached"), "arrow-right", "calm"),
    "step.left": Word(lazy_gettext("Step left"), "check", "calm"),
    "task.opened": Word(lazy_gettext("Task opened"), "inbox", "info"),
    "task.claimed": Word(lazy_gettext("Task claimed"), "user-check", "info"),
    "task.released": Word(lazy_gettext("Task released"), "arrow-back-up", "calm"),
    "task.completed": Word(lazy_gettext("Task completed"), "check", "good"),
    "task.cancelled": Word(lazy_gettext("Task cancelled"), "ban", "calm"),
    "task.assigned": Word(lazy_gettext("Task given"), "user-check", "info"),
    "task.transferred": Word(lazy_gettext("Task transferred"), "arrow-right", "info"),
    "task.voted": Word(lazy_gettext("Vote"), "user-check", "info"),
    "task.signer_added": Word(lazy_gettext("People added"), "users", "info"),
    "task.signer_removed": Word(lazy_gettext("People taken away"), "ban", "calm"),
    "task.delegated": Word(lazy_gettext("Advice asked for"), "users", "info"),
    "task.consulted": Word(lazy_gettext("Question asked"), "message", "info"),
    "task.resolved": Word(lazy_gettext("Answer given"), "message-circle", "good"),
    "task.pulled_back": Word(lazy_gettext("Task pulled back"), "arrow-back-up", "warn"),
    "task.unasked": Word(lazy_gettext("No answer needed any more"), "ban", "calm"),
    "task.not_applied": Word(lazy_gettext("Decision not applied"), "alert-triangle", "warn"),
    "task.commented": Word(lazy_gettext("Commented"), "message-circle", "calm"),
    "task.comment_edited": Word(lazy_gettext("Comment corrected"), "pencil", "calm"),
    "task.copied": Word(lazy_gettext("Copy sent"), "send", "calm"),
    "task.returned": Word(lazy_gettext("Returned"), "arrow-back-up", "warn"),
    "task.recalled": Word(lazy_gettext("Taken back"), "arrow-back-up", "warn"),
    "task.reminded": Word(lazy_gettext("Reminded"), "bell", "warn"),
    "task.overdue": Word(lazy_gettext("Overdue"), "clock-exclamation", "bad"),
    "job.started": Word(lazy_gettext("Automatic step started"), "settings", "calm"),
    "job.failed": Word(lazy_gettext("Attempt failed"), "alert-triangle", "warn"),
    "job.completed": Word(lazy_gettext("Automatic step done"), "settings", "good"),
    "job.cancelled": Word(lazy_gettext("Automatic step withdrawn"), "ban", "calm"),
    "timer.started": Word(lazy_gettext("Clock started"), "hourglass", "calm"),
    "timer.fired": Word(lazy_gettext("Time reached"), "clock", "info"),
    "timer.cancelled": Word(lazy_gettext("Clock stopped"), "ban", "calm"),
    "message.awaited": Word(lazy_gettext("Message awaited"), "message", "calm"),
    "message.received": Word(lazy_gettext("Message received"), "message-circle", "info"),
    "message.given_up": Word(lazy_gettext("Message not awaited any more"), "ban", "calm"),
    "message.sent": Word(lazy_gettext("Message sent"), "send", "info"),
    "child.started": Word(lazy_gettext("Another process started"), "hierarchy-2", "info"),
    "child.ended": Word(lazy_gettext("The other process has ended"), "hierarchy-2", "good"),
    "child.withdrawn": Word(lazy_gettext("The other process is withdrawn"), "ban", "calm"),
    "token.skipped": Word(lazy_gettext("Step skipped"), "chevron-right", "warn"),
    "token.jumped": Word(lazy_gettext("Moved to another step"), "arrow-right", "warn"),
    "variables.changed": Word(lazy_gettext("Values changed"), "pencil", "warn"),
    "incident.opened": Word(lazy_gettext("Incident"), "alert-triangle", "bad"),
    "incident.resolved": Word(lazy_gettext("Incident resolved"), "circle-check", "good"),
    "decision.automatic": Word(lazy_gettext("Decided by rule"), "route", "info"),
}
"""By the kinds that history knows."""

TROUBLES: Final[Mapping[str, LazyString]] = {
    "bad_input": lazy_gettext("The table cannot compare a value"),
    "bad_multi": lazy_gettext("There is no list to go through"),
    "bad_options": lazy_gettext("The choices of the form cannot be used"),
    "bad_timer": lazy_gettext("The time cannot be used"),
    "bad_value": lazy_gettext("A value cannot be kept"),
    "child_failed": lazy_gettext("The process that was called failed"),
    "empty_assignee": lazy_gettext("Nobody is left for the task"),
    "error_end": lazy_gettext("It ended with an error"),
    "many_rules": lazy_gettext("Several rules match where only one may"),
    "no_rule": lazy_gettext("No rule of the table matches"),
    "timeout": lazy_gettext("The time for it is over"),
    "bad_due_date": lazy_gettext("The due date cannot be used"),
    "bad_people": lazy_gettext("Nobody can be found for the task"),
    "bad_ratio": lazy_gettext("The ratio cannot be used"),
    "bad_priority": lazy_gettext("The priority cannot be used"),
    "expression": lazy_gettext("An expression has no value"),
    "job_failed": lazy_gettext("The service failed"),
    "loop_limit": lazy_gettext("The process runs in a circle"),
    "no_decision": lazy_gettext("Nothing says where to go on"),
    "no_way_out": lazy_gettext("No condition is true"),
    "unexpected": lazy_gettext("The answer does not fit the step"),
    "unknown_service": lazy_gettext("The service is missing"),
    "wrong_type": lazy_gettext("A result is of the wrong type"),
}
"""By the kinds of incidents that the core knows."""


def state_word(kind: str, state: str) -> Word:
    """Return how a state is shown; an unknown one by its own name.

    Args:
        kind: ``instance``, ``task``, ``definition`` or ``finding``.
    """
    return STATES[kind].get(state) or Word(state, "circle", "calm")


def ended_word(row: Mapping[str, Any]) -> str:
    """Return the word of ``STATES`` for an instance: how it ended is told apart.

    Args:
        row: with ``status`` and ``result``.
    """
    if row["status"] != "terminated" or row["result"] == "terminated":
        return str(row["status"])
    return "withdrawn" if row["result"] == "withdrawn" else "cancelled"


def event_word(kind: str) -> Word:
    """Return how an event of the history is shown; an unknown one by its own name."""
    return EVENTS.get(kind) or Word(kind, "circle", "calm")


def trouble_word(kind: str) -> LazyString | str:
    """Return what kind of incident it is; an unknown one by its own name."""
    return TROUBLES.get(kind, kind)


def account(text: str, css: str) -> Markup:
    """Return what is told of an incident, in the reader's words as far as there are any.

    Args:
        css: classes of the paragraph.
    """
    said = translate_phrase(text)
    spoken = DEFAULT_LANGUAGE if said == text else language()
    return Markup('<p class="{}" lang="{}">{}</p>').format(css, spoken, said)


def gap() -> str:
    """Return what stands between two sentences: a Chinese full stop brings its own."""
    return "" if language() == "zh" else " "


def sentences(*texts: str | LazyString) -> str:
    """Return several sentences, in the reader's language, as one text."""
    return gap().join(str(each) for each in texts if each)


def why(error: AppError) -> str:
    """Say why something was not done: what is wrong with a value says more than that one is."""
    texts = [each["text"] for each in translate_fields(error.errors)]
    return sentences(*dict.fromkeys(texts)) or translate_error(error)


def yes_no(value: bool) -> str:
    """Return a truth value as a person reads it."""
    return str(gettext("Yes") if value else gettext("No"))
