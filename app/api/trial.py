"""Trying definitions out over REST, and the format itself for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.api import bodies_language as bodies
from app.api import payloads_language as payloads
from app.api import reading
from app.api.call import Answer, Call
from app.api.language import translated
from app.api.operation import Operations
from app.core import jsontext
from app.core.envelope import envelope
from app.core.json_schema import schema
from app.definition import service
from app.errors import FieldError, Invalid
from app.identity.policy import require
from app.runtime import trial

operations = Operations("trial", "Process definitions")


@operations.add(
    "POST",
    "/process-definitions/simulate",
    "Play a definition with invented answers",
    raw=payloads.Simulation,
    permission="process:read",
    answers={200: bodies.Simulated},
    changes=False,
)
def simulate(call: Call) -> Answer:
    """The engine's own core plays the scenario; nothing is stored and nobody is called."""
    require(call.actor, "process:read")
    text, scenario = _taken_out(call.text)
    names = service.known(call.db, call.engine.services.names())
    definition = service.checked_definition(envelope(text), names)
    return Answer(translated(trial.told(trial.trial(definition, scenario))))


@operations.add(
    "GET",
    "/process-definitions/format.schema.json",
    "The JSON Schema of the definition format",
    answers={200: bodies.FormatSchema},
    open=True,
)
def format_schema(call: Call) -> Answer:
    """For editors: what the checker's first layer accepts, made of the same tables."""
    return Answer(schema())


def _taken_out(text: str) -> tuple[str, Mapping[str, Any]]:
    """Return the body without its member ``scenario``, every other line in its place.

    Raises:
        Malformed: it is not JSON.
        Invalid: there is no scenario.
    """
    value = reading.parse(text)
    scenario = value.get("scenario") if isinstance(value, dict) else None
    if not isinstance(scenario, dict):
        code = "wrong_type" if isinstance(value, dict) and "scenario" in value else "required"
        error = FieldError("/scenario", code, "Give a scenario: an object with start and answers.")
        raise Invalid(
            "invalid_body",
            "The body has members that cannot be used; correct what is listed.",
            errors=(error,),
        )
    return jsontext.without(text, "scenario"), scenario
