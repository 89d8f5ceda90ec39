"""Repairing an instance: going past a step, moving a token, values, versions, starting anew.

Each asks first (GET) and does it after (POST), by the same use cases as REST.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, request, url_for
from flask_babel import LazyString, gettext, lazy_gettext

from app.core.definition import Definition
from app.errors import AppError, Conflict, FieldError, Invalid, NotFound
from app.identity.policy import require
from app.identity.sensitive import hidden_names
from app.runtime import migrate, repair, service
from app.runtime.details import Details, details
from app.runtime.edit_form import EditForm, edit_form
from app.runtime.standing import Place
from app.web import forms, respond
from app.web.ask import Choice, Question, ask, reason
from app.web.i18n import pick, translate, translate_error
from app.web.instance import nav_of, other_versions, page_of
from app.web.session import actor, engine, now
from app.web.step_words import kind_of

_RIGHT: Final = "process:operate"
_WAS: Final = "was."
"""Before the names of what the controls of variables began with."""
_MAP: Final = "map."
"""Before the ids of steps for which another one is chosen."""
_CLOSED: Final[Mapping[str, LazyString]] = {
    "task": lazy_gettext("Its task is withdrawn."),
    "job": lazy_gettext("What runs automatically is given up."),
    "timer": lazy_gettext("Its clock is stopped."),
    "message": lazy_gettext("The message is not awaited any more."),
    "event": lazy_gettext("None of the events is awaited any more."),
    "child": lazy_gettext("The process that it called is terminated."),
    "scope": lazy_gettext("Everything inside is withdrawn."),
    "multi": lazy_gettext("All elements of the list are withdrawn."),
    "incident": lazy_gettext("The incident is closed."),
    "join": lazy_gettext("It does not wait for the other branches any more."),
}
"""What a token waits for → what becomes of that when it leaves."""
PROBLEMS: Final[Mapping[str, LazyString]] = {
    "no_step": lazy_gettext("There is no such step in that version; choose one."),
    "other_type": lazy_gettext("The step is of another type there; choose one of the same type."),
    "other_scope": lazy_gettext("The step stands in another sub-process there."),
    "no_edge": lazy_gettext("The branch that it came by does not lead there any more."),
}
"""Why a token would be lost."""


def skip(instance_id: int, token: int) -> Response:
    """Go past the step that a token waits in."""
    shown, place = _place(instance_id, token)
    if request.method == "GET":
        return ask(_skipping(shown, place))
    outcome = forms.text("outcome").strip() or None
    try:
        repair.skip(
            engine(), actor(), instance_id, token, outcome=outcome, reason=reason(), now=now()
        )
    except Invalid as error:
        return ask(_skipping(shown, place), error)
    except Conflict as error:
        return page_of(instance_id, error)
    return _back(instance_id, gettext("“%(step)s” is skipped.", step=_called(shown, place.step)))


def jump(instance_id: int, token: int) -> Response:
    """Move a token of a suspended instance to another step."""
    shown, place = _place(instance_id, token)
    if request.method == "GET":
        return ask(_moving(shown, place))
    to = forms.text("step")
    try:
        if not to:
            missing = FieldError("step", "required", "Choose a step.")
            raise Invalid("cannot_jump", "Choose another step.", errors=(missing,))
        repair.jump(engine(), actor(), instance_id, token, to, reason=reason(), now=now())
    except Invalid as error:
        return ask(_moving(shown, place), error)
    except Conflict as error:
        return page_of(instance_id, error)
    message = gettext(
        "Moved to “%(step)s”; it begins when the instance is resumed.", step=_called(shown, to)
    )
    return _back(instance_id, message)


def restart(instance_id: int) -> Response:
    """Start a new instance with what an ended one was started with."""
    shown = details(engine(), actor(), instance_id, now=now())
    if request.method == "GET":
        return ask(_restarting(shown))
    try:
        row = repair.restart(engine(), actor(), instance_id, reason=reason(), now=now())
    except Invalid as error:
        return ask(_restarting(shown), error)
    except Conflict as error:
        return page_of(instance_id, error)
    return _back(row.id, gettext("“%(title)s” is started anew.", title=row.title))


def variables(instance_id: int) -> Response:
    """Correct variables."""
    shown = details(engine(), actor(), instance_id, now=now())
    require(actor(), _RIGHT)
    hidden = hidden_names(shown.definition, actor())
    form = edit_form(shown.definition, shown.instance["variables"], hidden)
    if request.method == "GET":
        return _editing(shown, form)
    raw = _changed(form)
    if not raw:
        return _back(instance_id, gettext("Nothing was changed."), "info")
    try:
        values = form.read(forms.with_zone(form.fields, raw))
        service.set_variables(engine(), actor(), instance_id, values, reason=reason(), now=now())
    except Invalid as error:
        return _editing(shown, form, error)
    except Conflict as error:
        return page_of(instance_id, error)
    return _back(instance_id, gettext("The values are changed."))


def move_over(instance_id: int) -> Response:
    """Show what going over to another version would do, and do it."""
    shown = details(engine(), actor(), instance_id, now=now())
    require(actor(), _RIGHT)
    sent = request.form if request.method == "POST" else request.args
    chosen = _version(shown, sent.get("to", ""))
    if chosen is None:
        return _migrating(shown, None)
    # Sent are only steps that were shown with a problem, and for which one was chosen.
    steps = {
        name.removeprefix(_MAP): step
        for name, step in sent.items()
        if name.startswith(_MAP) and step
    }
    error: AppError | None = None
    if request.method == "POST" and forms.text("action") != "preview":
        try:
            migrate.migrate(
                engine(), actor(), instance_id, chosen, steps=steps, reason=reason(), now=now()
            )
        except (Invalid, Conflict) as refused:
            error = refused
        else:
            return _back(instance_id, gettext("It goes on by the other version."))
    return _migrating(shown, chosen, steps, error)


def _place(instance_id: int, token: int) -> tuple[Details, Place]:
    """Return an instance and where one of its tokens stands.

    Raises:
        Forbidden: the reader may not steer it.
        NotFound: there is no such instance or token.
    """
    shown = details(engine(), actor(), instance_id, now=now())
    require(actor(), _RIGHT)
    for place in shown.places:
        if place.token == token:
            return shown, place
    raise NotFound("token_not_found", "There is no such token any more; look at the instance.")


def _skipping(shown: Details, place: Place) -> Question:
    name = _called(shown, place.step)
    options = tuple(
        (each["id"], pick(each["label"]) or _called(shown, each["id"])) for each in place.outcomes
    )
    return _question(
        shown,
        title=gettext("Skip “%(step)s”?", step=name),
        text=gettext("It goes on as if the step had been done. Nobody does its work."),
        action=gettext("Skip"),
        url=url_for("runtime.skip", instance_id=shown.instance["id"], token=place.token),
        choice=Choice("outcome", gettext("How it goes on"), options) if options else None,
        details=_closed(place),
    )


def _moving(shown: Details, place: Place) -> Question:
    options = (
        ("", gettext("Choose …")),
        *((step, _in_full(shown.definition, step)) for step in place.targets),
    )
    return _question(
        shown,
        title=gettext("Move “%(step)s” to another step?", step=_called(shown, place.step)),
        text=gettext("It leaves its step, and enters the other one when the instance is resumed."),
        action=gettext("Move"),
        url=url_for("runtime.jump", instance_id=shown.instance["id"], token=place.token),
        choice=Choice("step", gettext("To the step"), options),
        details=_closed(place),
    )


def _restarting(shown: Details) -> Question:
    instance = shown.instance
    return _question(
        shown,
        title=gettext("Start “%(title)s” anew?", title=instance["title"]),
        text=gettext(
            "A new instance begins with the values and the business key that this one was"
            " started with; this one stays as it is."
        ),
        action=gettext("Copy as new"),
        url=url_for("runtime.restart", instance_id=instance["id"]),
    )


def _question(
    shown: Details,
    *,
    title: str,
    text: str,
    action: str,
    url: str,
    choice: Choice | None = None,
    details: tuple[str, ...] = (),
) -> Question:
    return Question(
        title=title,
        text=text,
        action=action,
        url=url,
        back_url=url_for("runtime.instance", instance_id=shown.instance["id"]),
        back_text=shown.instance["title"],
        nav=nav_of(shown.instance),
        with_reason=True,
        choice=choice,
        details=details,
    )


def _closed(place: Place) -> tuple[str, ...]:
    """Return what is withdrawn when a token leaves its step."""
    said = [str(_CLOSED[place.waits])] if place.waits in _CLOSED else []
    if place.beside and place.waits != "event":
        said.append(str(gettext("Nothing else that may happen meanwhile is awaited any more.")))
    return tuple(said)


def _called(shown: Details, step_id: str) -> str:
    step = shown.definition.by_id.get(step_id)
    return pick(step.name, step.id) if step else step_id


def _in_full(definition: Definition, step_id: str) -> str:
    """Return a step by its name, its id where that differs, and its type."""
    step = definition.by_id[step_id]
    name = pick(step.name, step.id)
    text = name if name == step.id else f"{name} ({step.id})"
    return f"{text} · {kind_of(step.type)[0]}"


def _changed(form: EditForm) -> dict[str, Any]:
    """Return what was typed that differs from what the controls began with.

    So what another has changed meanwhile is not set back by a form that only shows it.
    """
    return {
        name: typed
        for name, typed in forms.posted().items()
        if _same_lines(typed) != _same_lines(forms.text(_WAS + name))
        and any(field["name"] == name for field in form.fields)
    }


def _same_lines(typed: Any) -> Any:
    return typed.replace("\r\n", "\n") if isinstance(typed, str) else typed


def _editing(shown: Details, form: EditForm, error: Invalid | None = None) -> Response:
    """Show the form of the variables; after an error with what was typed."""
    fields = [
        {**field, "help": translate(field["help"])} if field.get("help") else field
        for field in form.fields
    ]
    return respond.page(
        "runtime/repair_variables.html",
        status=error.status if error else 200,
        instance=shown.instance,
        fields=fields,
        values={**form.values, **forms.posted()},
        began={name: forms.text(_WAS + name) for name in form.values} if error else form.values,
        left_out=len(shown.variables)
        - len([v for v in shown.variables if v["name"] in form.values]),
        problems=forms.problems(error),
        labels={field["name"]: field["label"] for field in fields} | {"reason": gettext("Reason")},
        reason=forms.text("reason"),
        prefix=forms.PREFIX,
        was=_WAS,
        nav=nav_of(shown.instance),
    )


def _version(shown: Details, text: str) -> int | None:
    """Return the id of the version that was chosen; by default the newest one."""
    known = [row.id for row in other_versions(shown)]
    if text.isdecimal() and int(text) in known:
        return int(text)
    return known[0] if known else None


def _migrating(
    shown: Details,
    chosen: int | None,
    steps: Mapping[str, str] | None = None,
    error: AppError | None = None,
) -> Response:
    """Show the preview of going over to a version.

    Args:
        steps: old step id → the one that was chosen for it.
        error: why it was refused; its status is the answer's.
    """
    versions = other_versions(shown)
    rows: list[_Fate] = []
    if chosen is not None:
        planned = migrate.migrate(
            engine(),
            actor(),
            shown.instance["id"],
            chosen,
            steps=steps or {},
            only_preview=True,
            now=now(),
        )
        with engine().db.transaction() as tx:
            new = engine().definitions.get(tx, chosen)
        rows = [_fate(shown.definition, new, fate, steps or {}) for fate in planned.fates]
    return respond.page(
        "runtime/repair_migrate.html",
        status=error.status if error else 200,
        instance=shown.instance,
        versions=[(row.id, row.version) for row in versions],
        chosen=chosen,
        rows=rows,
        possible=all(row.problem is None for row in rows),
        conflict=translate_error(error) if isinstance(error, Conflict) else None,
        problems=forms.problems(error if isinstance(error, Invalid) else None),
        reason=forms.text("reason"),
        map=_MAP,
        nav=nav_of(shown.instance),
    )


@dataclass(frozen=True, slots=True)
class _Fate:
    """What would become of a token, for its row.

    Args:
        options: steps that can be chosen instead, ``(id, text)``.
    """

    step: str
    name: str
    icon: str
    word: str
    target: str | None
    target_name: str | None
    problem: str | None
    options: tuple[tuple[str, str], ...]
    picked: str


def _fate(old: Definition, new: Definition, fate: migrate.Fate, steps: Mapping[str, str]) -> _Fate:
    step = old.by_id[fate.step]
    word, icon = kind_of(step.type)
    target = new.by_id.get(fate.target or "")
    fitting = [each.id for each in new.steps if each.type == step.type]
    asks = fate.problem is not None or fate.step in steps
    return _Fate(
        step.id,
        pick(step.name, step.id),
        icon,
        word,
        fate.target,
        pick(target.name, target.id) if target else None,
        str(PROBLEMS[fate.problem]) if fate.problem else None,
        tuple((each, _in_full(new, each)) for each in fitting) if asks else (),
        steps.get(fate.step, ""),
    )


def _back(instance_id: int, message: str, tone: respond.Tone = "good") -> Response:
    return respond.redirect(url_for("runtime.instance", instance_id=instance_id), message, tone)
