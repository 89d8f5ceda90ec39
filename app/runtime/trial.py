"""Dry runs: a definition played with invented answers, by the core that runs instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.core.definition import Definition
from app.core.form import Seen
from app.core.simulate import BEGINS, MAX_ANSWERS, ScenarioError, Simulation, play
from app.errors import FieldError, Invalid, Phrase
from app.runtime import trouble
from app.runtime.variables import by_start_form, variable_errors

_MEMBERS: Final = frozenset({"name", "definition", "description", "start", "answers", "expect"})
_START: Final = frozenset({"by", "at", "variables"})


def trial(definition: Definition, scenario: Mapping[str, Any]) -> Simulation:
    """Play a scenario to its last answer; nothing is stored.

    Raises:
        Invalid: code ``bad_scenario``; the entry's field says which part does not fit, as
            ``answers[2]`` or ``start.variables.amount``.
    """
    errors = [*_strangers(scenario), *_values(definition, scenario)]
    if errors:
        raise _bad(*errors)
    try:
        return play(definition, scenario)
    except ScenarioError as error:
        field = "start" if error.answer is None else f"answers[{error.answer}]"
        raise _bad(FieldError(field, "does_not_fit", error.template, error.params)) from error


def told(run: Simulation) -> dict[str, Any]:
    """Return how a dry run went, as JSON values."""
    return {
        "path": run.path,
        "status": run.state.status,
        "result": run.state.result,
        "variables": dict(run.state.variables),
        "waiting": [
            {name: row[name] for name in ("step", "kind", "message") if name in row}
            for row in _waiting(run)
        ],
        "incidents": [
            {
                "step": _step_of(run, incident.token),
                "kind": incident.error_kind,
                **trouble.told(incident.message, incident.detail, frozenset()),
            }
            for incident in run.incidents()
        ],
    }


def differences(run: Simulation, expect: Mapping[str, Any]) -> list[Phrase]:
    """Return what of ``expect`` did not come true.

    Args:
        expect: ``path``, ``status``, ``result``, kinds of open ``incidents``, and those
            ``variables`` that are worth naming.
    """
    found = told(run)
    wrong = [
        _differs(name, expect[name], found[name])
        for name in ("path", "status", "result")
        if name in expect and expect[name] != found[name]
    ]
    if "incidents" in expect:
        kinds = [incident["kind"] for incident in found["incidents"]]
        if kinds != expect["incidents"]:
            wrong.append(_differs("incidents", expect["incidents"], kinds))
    variables = expect.get("variables", {})
    for name, wanted in variables.items() if isinstance(variables, Mapping) else ():
        got = found["variables"].get(name)
        if got != wanted or isinstance(got, bool) is not isinstance(wanted, bool):
            wrong.append(_differs(f"variables.{name}", wanted, got))
    unknown = sorted(set(expect) - {"path", "status", "result", "variables", "incidents"})
    wrong += [Phrase("expect names %(name)s, which nobody knows.", name=name) for name in unknown]
    return wrong


def _differs(name: str, wanted: Any, got: Any) -> Phrase:
    return Phrase(
        "%(name)s should be %(wanted)s and is %(got)s.",
        name=name,
        wanted=_shown(wanted),
        got=_shown(got),
    )


def _shown(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " → ".join(value) or "–"
    return repr(value) if isinstance(value, str) else str(value)


def _waiting(run: Simulation) -> Iterator[dict[str, Any]]:
    for token in run.state.tokens:
        if token.wait is not None:
            error = token.wait.error or {}
            row = {"step": token.step, "kind": token.wait.kind}
            yield row | ({"message": error["message"]} if "message" in error else {})


def _step_of(run: Simulation, token_id: int) -> str:
    return next(token.step for token in run.state.tokens if token.id == token_id)


def _strangers(scenario: Mapping[str, Any]) -> Iterator[FieldError]:
    start = scenario.get("start")
    parts = [("", scenario, _MEMBERS)]
    if isinstance(start, Mapping):
        parts.append(("start.", start, _START))
    for prefix, given, known in parts:
        for name in given:
            if name not in known and not name.startswith("x-"):
                yield FieldError(
                    prefix + name,
                    "unknown_name",
                    "Unknown name. Known are: %(known)s.",
                    {"known": ", ".join(sorted(known))},
                )
    answers = scenario.get("answers", [])
    if isinstance(answers, list) and len(answers) > MAX_ANSWERS:
        yield FieldError(
            "answers", "too_long", "Use at most %(max)d answers.", {"max": MAX_ANSWERS}
        )


def _values(definition: Definition, scenario: Mapping[str, Any]) -> Iterator[FieldError]:
    start = scenario.get("start")
    values = start.get("variables", {}) if isinstance(start, Mapping) else {}
    if isinstance(values, Mapping):
        wrong = {error.field: error for error in variable_errors(definition, values)}
        for error in by_start_form(definition, values, Seen(values, BEGINS)).errors:
            wrong.setdefault(error.field, error)
        for error in wrong.values():
            field = f"start.variables.{error.field}"
            yield FieldError(field, error.code, error.message, error.params)


def _bad(*errors: FieldError) -> Invalid:
    return Invalid(
        "bad_scenario", "The scenario does not fit the run; correct it.", errors=tuple(errors)
    )
