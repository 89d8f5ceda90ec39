"""Many tasks of a list at once: which decision, then what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext, ngettext

from app.core.definition import Label
from app.errors import Invalid, Malformed
from app.identity.queries import display_names, group_titles
from app.task import bulk
from app.task.filters import NAMES
from app.web import forms, people, respond
from app.web.forms import text
from app.web.i18n import pick
from app.web.inbox import address_of
from app.web.session import actor, engine, now
from app.web.words import why, yes_no

bp = Blueprint("bulk", __name__)

_MAX_DIGITS: Final = 18
_LISTS: Final = {"sent": "runtime.requests", "all": "runtime.instances"}
"""Lists of instances that reminding begins in."""
_KEPT: Final = ("tab", "q", "order", "list", *NAMES)
"""What the list was narrowed by: it is shown again afterwards."""


@dataclass
class Group:
    """Tasks that can be decided alike.

    Args:
        step: what their step is called, ``process`` their process.
        outcomes: id and text of each decision; empty: there is only "done".
        instructions: in markdown.
        confirms: what is asked before an outcome, by its id.
    """

    step: str
    process: str
    outcomes: Sequence[tuple[str, str]]
    instructions: str = ""
    confirms: Mapping[str, str] = field(default_factory=dict)
    tasks: list[Mapping[str, Any]] = field(default_factory=list)


@bp.post("/inbox/bulk")
def choose() -> Response:
    """Claim what was selected, or ask how to decide it."""
    ids = _ids("ids")
    if not ids:
        return respond.redirect(_back(), gettext("Select tasks in the list first."), "info")
    if text("action") == "claim":
        return _answer("claim", bulk.act(engine(), actor(), "claim", ids, now=now()))
    return _ask(ids)


@bp.post("/inbox/bulk/complete")
def complete() -> Response:
    """Decide a group of tasks, and say what became of each."""
    ids, outcome, comment = _ids("ids"), text("outcome") or None, text("comment").strip() or None
    if outcome and text("confirmed") != outcome and _confirms(ids, outcome):
        return _ask(ids, asks=outcome)
    try:
        done = bulk.act(
            engine(), actor(), "complete", ids, outcome=outcome, comment=comment, now=now()
        )
    except Invalid as error:  # of the comment, before any task was looked at
        return _ask([*ids, *_ids("rest")], error)
    return _answer("complete", done)


@bp.post("/inbox/bulk/transfer")
def transfer() -> Response:
    """Pass what was selected on to somebody."""
    to, comment = text("to").strip(), text("comment").strip() or None
    ids = _ids("ids")
    try:
        done = bulk.act(engine(), actor(), "transfer", ids, to=to, comment=comment, now=now())
    except Invalid as error:
        return _ask(ids, error)
    return _answer("transfer", done)


@bp.post("/inbox/bulk/remind")
def remind() -> Response:
    """Ask whom to remind of what was selected, or do it, and say what became of each."""
    ids, comment = _ids("ids"), text("comment").strip() or None
    if not ids:
        return _ask_to_remind()
    try:
        done = bulk.act(engine(), actor(), "remind", ids, comment=comment, now=now())
    except Invalid as error:
        return _ask_to_remind(error)
    return _answer("remind", done)


def _ask_to_remind(error: Invalid | None = None) -> Response:
    """Show the tasks that wait in the chosen instances, and who has them."""
    chosen = _ids("instances")
    if not chosen:
        return respond.redirect(_back(), gettext("Select what you wait for in the list."), "info")
    found = bulk.waiting(engine(), actor(), chosen, now=now())
    tasks = [each.task for each in found if each.problem is None and each.task is not None]
    named = {task["assignee"] for task in tasks if task["assignee"]}
    named.update(*(task["candidates"]["users"] for task in tasks))
    groups = {name for task in tasks for name in task["candidates"]["groups"]}
    return respond.page(
        "task/bulk_remind.html",
        status=error.status if error else 200,
        tasks=tasks,
        instances=chosen,
        left_out=[_told(each.id, each.task, each.problem) for each in found if each.problem],
        names=display_names(engine().db, named),
        groups=group_titles(engine().db, groups),
        problems=forms.problems(error),
        comment=text("comment"),
        kept=_kept(),
        back_url=_back(),
    )


def _confirms(ids: Sequence[int], outcome: str) -> bool:
    """Say whether an outcome of one of the tasks is asked for once more."""
    return any(outcome in each.confirms for each in bulk.offers(engine(), actor(), ids, now=now()))


def _ask(ids: Sequence[int], error: Invalid | None = None, *, asks: str = "") -> Response:
    """Show what was selected, by how it can be decided.

    Args:
        asks: id of an outcome of all of them that has to be confirmed.
    """
    groups: dict[Any, Group] = {}
    left_out, movable = [], []
    for offer in bulk.offers(engine(), actor(), ids, now=now()):
        if offer.task is not None and "transfer" in offer.task["allowed"]:
            movable.append(offer.id)
        if offer.problem is not None or offer.task is None:
            left_out.append(_told(offer.id, offer.task, offer.problem))
            continue
        task = offer.task
        outcomes = tuple((each, _word(each, label)) for each, label in offer.outcomes)
        step, definition = task["step"], task["definition"]
        instructions = pick(offer.instructions, "") if offer.instructions else ""
        confirms = {each: pick(label, each) for each, label in offer.confirms.items()}
        key = (definition["key"], step["id"], outcomes, instructions, tuple(confirms.items()))
        process = pick(definition["name"], definition["key"])
        name = pick(step["name"], step["id"])
        new = Group(name, process, outcomes, instructions, confirms)
        groups.setdefault(key, new).tasks.append(task)
    people.prepare(
        (each, each["value"])
        for group in groups.values()
        for task in group.tasks
        for each in task["summary"]
    )
    return respond.page(
        "task/bulk.html",
        status=error.status if error else 200,
        groups=list(groups.values()),
        left_out=left_out,
        asks=asks,
        rest=_ids("rest") if asks else (),
        movable=() if asks else movable,
        to=text("to"),
        problems=forms.problems(error),
        comment=text("comment"),
        kept=_kept(),
        back_url=_back(),
    )


def _answer(action: bulk.Action, done: Sequence[bulk.Done]) -> Response:
    """Go back to the list if everything was done; else say what was not, and why."""
    number = sum(each.problem is None for each in done)
    message = _sentence(action, number)
    failed = [each for each in done if each.problem is not None]
    rest = _ids("rest")
    if not failed and not rest:
        return respond.redirect(_back(), message)
    told = bulk.offers(engine(), actor(), [each.id for each in failed], now=now())
    shown = {each.id: each.task for each in told}
    return respond.page(
        "task/bulk_done.html",
        message=message if number else None,
        failed=[_told(each.id, shown.get(each.id), each.problem) for each in failed],
        rest=rest,
        kept=_kept(),
        back_url=_back(),
    )


def _told(task_id: int, task: Mapping[str, Any] | None, problem: Any) -> dict[str, Any]:
    title = task["title"] if task else gettext("Task %(number)d", number=task_id)
    return {"id": task_id if task else None, "title": title, "why": why(problem)}


def _sentence(action: bulk.Action, number: int) -> str:
    if action == "claim":
        return str(ngettext("%(num)d task claimed.", "%(num)d tasks claimed.", number))
    if action == "remind":
        return str(ngettext("Reminded of %(num)d task.", "Reminded of %(num)d tasks.", number))
    if action == "transfer":
        return str(ngettext("%(num)d task transferred.", "%(num)d tasks transferred.", number))
    return str(ngettext("%(num)d task completed.", "%(num)d tasks completed.", number))


def _word(outcome: str, label: Label | None) -> str:
    return yes_no(outcome == bulk.YES) if label is None else pick(label, outcome)


def _ids(name: str) -> list[int]:
    given = request.form.getlist(name)
    if len(given) > bulk.MAX:
        raise Malformed("too_many", "Select at most %(max)d tasks.", max=bulk.MAX)
    return [int(each) for each in _numbers(given)]


def _numbers(given: Iterable[str]) -> Iterable[str]:
    for each in given:
        if not (each.isascii() and each.isdecimal() and len(each) <= _MAX_DIGITS):
            raise Malformed("bad_ids", "There is no such task. Go back to the list.")
        yield each


def _kept() -> dict[str, str]:
    return {name: text(name) for name in _KEPT if text(name)}


def _back() -> str:
    if text("list") in _LISTS:
        return url_for(_LISTS[text("list")])
    return address_of(cast(Mapping[str, Any], _kept()))
