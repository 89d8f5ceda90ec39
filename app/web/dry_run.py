"""Trying a definition out: invented answers, the engine's own core, nothing stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask import Response, request
from flask_babel import gettext

from app.core.definition import Definition
from app.core.effects import OpenTask
from app.core.form_values import currencies_of
from app.core.jsontext import JsonError, read
from app.core.outcome import COMMENT
from app.core.simulate import BEGINS, ScenarioError, Simulation, play
from app.core.state import Token
from app.db.types import dumps
from app.definition import queries, service
from app.definition.row import DefinitionRow
from app.errors import Conflict
from app.identity.policy import require
from app.web import respond
from app.web.forms import text
from app.web.i18n import pick, translate
from app.web.runs import step_name
from app.web.session import actor, engine
from app.web.step_words import event_words, kind_of, message_words
from app.web.words import trouble_word

MAX_SCENARIO: Final = 200_000
"""Characters."""
_MAX_PATH: Final = 200
"""Steps of the path that are shown: the last ones."""
_BY_TYPE: Final[Mapping[str, Any]] = {
    "boolean": True,
    "number": 1,
    "integer": 1,
    "money": 1,
    "date": "2026-03-02",
    "datetime": "2026-03-02T09:00:00Z",
    "object": {},
    "array": [],
    "file": {},
}
"""What is put in for a value of a type; any other type is a text."""


def dry_run(definition_id: int) -> Response:
    """Show a scenario to begin with (GET), or play what was sent (POST)."""
    require(actor(), "process:read")
    row = queries.get(engine().db, actor(), definition_id)
    definition = service.check_source(row.source).definition
    if definition is None:
        raise Conflict(
            "definition_outdated", "This definition cannot be played: an older version stored it."
        )
    if request.method == "GET":
        return _page(row, _laid_out(skeleton(definition)))
    typed = text("scenario").replace("\r\n", "\n")
    if len(typed) > MAX_SCENARIO:
        return _page(row, typed[:MAX_SCENARIO], problem=gettext("The scenario is too long."))
    try:
        scenario = read(typed).value
    except JsonError as error:
        problem = gettext(
            "This is not JSON (line %(line)d, column %(column)d). Texts stand in double quotes.",
            line=error.line,
            column=error.column,
        )
        return _page(row, typed, problem=problem)
    if not isinstance(scenario, Mapping):
        return _page(row, typed, problem=gettext("A scenario is an object with start and answers."))
    run, problem = _played(definition, scenario)
    if run is not None and problem is None and text("add"):
        given = _invented(run, text("add"))
        if given is not None:
            answers = [*scenario.get("answers", ()), given]
            scenario = {**scenario, "answers": answers}
            typed = _laid_out(scenario)
            run, problem = _played(definition, scenario)
    return _page(row, typed, run=run, problem=problem)


def skeleton(definition: Definition) -> dict[str, Any]:
    """Return a scenario that starts the definition, with a value for each variable it wants."""
    form = definition.start.get("form")
    if form is not None:
        variables = dict(_filled(form))
    else:
        variables = {
            name: each.default if each.default is not None else _value(each.type, each.enum)
            for name, each in definition.variables.items()
            if each.required or each.default is None
        }
    return {"start": {"variables": variables}, "answers": []}


def _played(
    definition: Definition, scenario: Mapping[str, Any]
) -> tuple[Simulation | None, str | None]:
    """Return the run, as far as it goes, and what is wrong with the scenario."""
    try:
        return play(definition, scenario), None
    except ScenarioError as error:
        problem = translate(error.template, error.params)
        if error.answer is None:
            return None, problem
        problem = gettext(
            "Answer %(number)d: %(problem)s", number=error.answer + 1, problem=problem
        )
        before = {**scenario, "answers": scenario["answers"][: error.answer]}
        return play(definition, before), problem


def _page(
    row: DefinitionRow,
    typed: str,
    *,
    run: Simulation | None = None,
    problem: str | None = None,
) -> Response:
    return respond.page(
        "definition/dry_run.html",
        status=422 if problem else 200,
        row=row,
        scenario=typed,
        problem=problem,
        run=_shown(run) if run is not None else None,
        begins=BEGINS,
    )


def _shown(run: Simulation) -> dict[str, Any]:
    """Return a run for its page."""
    definition, path = run.definition, run.path
    return {
        "status": run.state.status,
        "result": run.state.result,
        "left_out": max(0, len(path) - _MAX_PATH),
        "path": [{"name": step_name(definition, step), "choice": ""} for step in path[-_MAX_PATH:]],
        "variables": [
            {
                "name": name,
                "label": pick(declared.label, name) if declared else name,
                "type": declared.type if declared else None,
                "value": value,
            }
            for name, value in run.state.variables.items()
            for declared in [definition.variables.get(name)]
        ],
        "places": [_standing(run, token) for token in run.state.tokens if token.wait],
    }


def _standing(run: Simulation, token: Token) -> dict[str, Any]:
    """Return where a token stands: ``{name, icon, word, trouble, message, offers}``."""
    step = run.definition.by_id[token.step]
    word, icon = kind_of(step.type)
    error = (token.wait.error or {}) if token.wait is not None else {}
    stuck = token.wait is not None and token.wait.kind == "incident"
    return {
        "name": pick(step.name, step.id),
        "word": word,
        "icon": icon,
        "trouble": str(trouble_word(str(error.get("kind", "")))) if stuck else None,
        "message": error.get("message"),
        "offers": [(key, said) for key, said, _ in _offers(run, token)],
    }


def _invented(run: Simulation, key: str) -> dict[str, Any] | None:
    """Return the answer that a button stands for; None if it is not offered any more."""
    for token in run.state.tokens:
        for known, _, given in _offers(run, token):
            if known == key:
                return given
    return None


def _offers(run: Simulation, token: Token) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the answers that a token could be given: a key, what it says, and the answer."""
    wait = token.wait
    if wait is None:
        return
    given: dict[str, Any] = {"step": token.step}
    same = [each.id for each in run.tokens_at(token.step)]
    if len(same) > 1:
        given["of"] = same.index(token.id)
    key = str(token.id)
    if wait.kind == "task":
        yield from _of_task(run, key, wait.id, given)
    elif wait.kind == "job":
        yield key, gettext("It is done"), {**given, "result": {}}
        failed = {"code": "error", "message": "It failed."}
        yield f"{key}!", gettext("It fails"), {**given, "fails": failed}
    elif wait.kind == "timer":
        yield key, gettext("The time has come"), {**given, "fires": True}
    elif wait.kind == "message":
        yield key, gettext("The message comes"), {**given, "message": {}}
    elif wait.kind == "child":
        ended = {"status": "completed", "variables": {}}
        yield key, gettext("The other process ends"), {**given, "child": ended}
    elif wait.kind == "incident":
        yield key, gettext("Try again"), {**given, "retry": True}
        yield f"{key}!", gettext("Skip"), {**given, "skip": True}
    boundary = run.definition.by_id[token.step].boundary
    for each in wait.attached:
        if not 0 <= each.index < len(boundary):
            continue
        event = boundary[each.index]
        if each.kind == "timer":
            answer = {**given, "fires": each.index}
            said = event_words(event)
        else:
            answer = {**given, "message": {}, "boundary": each.index}
            said = message_words(event.config.get("message", ""))
        yield f"{key}#{each.index}", pick(event.label) or said, answer


def _of_task(
    run: Simulation, key: str, wait: int, given: dict[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    opened = next(e for e in run.effects if isinstance(e, OpenTask) and e.wait == wait)
    answer = {**given, "values": dict(_filled(opened.form))}
    if not opened.outcomes:
        yield key, gettext("It is completed"), answer
    for index, outcome in enumerate(opened.outcomes):
        label = outcome.get("label")
        if label == outcome["id"]:
            label = run.definition.by_id[label].name if label in run.definition.by_id else label
        yield f"{key}.{index}", pick(label, outcome["id"]), _said(answer, outcome)


def _said(answer: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer with the chosen outcome, and a comment if that requires one."""
    comment = {"comment": "x"} if COMMENT in outcome["requires"] else {}
    return {**answer, "outcome": outcome["id"], **comment}


def _filled(form: Any) -> Iterator[tuple[str, Any]]:
    """Yield a value for each field that can be filled in."""
    for field in form:
        if field["type"] == "note" or field.get("read_only"):
            continue
        default = field.get("default")
        options = [
            each["value"] if isinstance(each, Mapping) else each
            for each in field.get("options") or ()
        ]
        literal = default is not None and not (isinstance(default, str) and "${" in default)
        if literal:
            yield field["name"], default
        elif field["type"] == "money":
            currency = next(iter(currencies_of(field)), "EUR")
            yield field["name"], {"amount": 1, "currency": currency}
        elif field["type"] in ("multiselect", "file", "rows"):
            yield field["name"], options[:1]
        else:
            yield field["name"], _value(field["type"], options)


def _value(kind: str, options: Any = None) -> Any:
    return options[0] if options else _BY_TYPE.get(kind, "x")


def _laid_out(value: Any, depth: int = 0) -> str:
    """Return JSON with a line for each answer and variable, and exact numbers."""
    lead = "  " * (depth + 1)
    if isinstance(value, Mapping) and value and depth < 3:
        rows = [
            f"{lead}{dumps(name)}: {_laid_out(item, depth + 1)}" for name, item in value.items()
        ]
        return "{\n" + ",\n".join(rows) + "\n" + "  " * depth + "}"
    if isinstance(value, list | tuple) and value and depth < 2:
        rows = [lead + dumps(item) for item in value]
        return "[\n" + ",\n".join(rows) + "\n" + "  " * depth + "]"
    return dumps(value)
