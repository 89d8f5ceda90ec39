"""The OpenAPI document, made of the models that check requests; and its page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, url_for
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from werkzeug.wrappers import Response as AnyResponse

from app.api import bodies
from app.api.call import Answer
from app.api.errors import PROBLEM
from app.api.idempotency import HEADER, PATTERN
from app.api.operation import BASE, Operation, Operations

blueprint = Blueprint("openapi", __name__)

_REF: Final = "#/components/schemas/{model}"
_PARAMETER: Final = re.compile(r"<(?:(\w+):)?(\w+)>")
_BYTES: Final[dict[str, Any]] = {"application/octet-stream": {}}
_documented: list[Operation] = []

_ABOUT: Final = """\
Start processes, work on tasks and see what happened.

Numbers are exact decimals in both directions; times are RFC 3339 in UTC. Every refusal is
a problem document (RFC 9457) with a stable `code`. Lists take `page` and `size` (at most
200). A request that changes something may carry an `Idempotency-Key`: a repeat within 24
hours gets the first answer again.
"""


def document_all(modules: Iterable[Operations]) -> None:
    """Say which endpoints the document is about."""
    _documented[:] = [operation for module in modules for operation in module.all]
    document.cache_clear()


@blueprint.get(f"{BASE}/openapi.json")
def show() -> Response:
    """Return the document."""
    return Answer(document()).response()


@blueprint.get("/swagger/index.html")
def page() -> str:
    """Show the document as a page that requests can be tried from."""
    return render_template("api/swagger.html")


@blueprint.get("/swagger")
@blueprint.get("/swagger/")
def page_short() -> AnyResponse:
    """Lead to the page."""
    return redirect(url_for("openapi.page"))


@cache
def document() -> dict[str, Any]:
    """Make the document."""
    names, schemas = models_json_schema(sorted(_models(), key=repr), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in _documented:
        path = BASE + _PARAMETER.sub(r"{\2}", operation.rule)
        for place, method in enumerate(operation.methods):
            described = _described(operation, names, suffix=f"_{method.lower()}" if place else "")
            paths.setdefault(path, {})[method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Workflow Engine",
            "version": version("workflow-engine"),
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in _documented)],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
        "security": [{"bearer": []}],
    }


Named = dict[tuple[type[BaseModel], JsonSchemaMode], dict[str, Any]]


def _models() -> set[tuple[type[BaseModel], JsonSchemaMode]]:
    found: set[tuple[type[BaseModel], JsonSchemaMode]] = {(bodies.Problem, "serialization")}
    for operation in _documented:
        for asked in (operation.body, operation.raw, operation.query):
            if asked is not None:
                found.add((asked, "validation"))
        for given in operation.answers.values():
            if given is not None:
                found.add((given, "serialization"))
    return found


def _described(operation: Operation, names: Any, *, suffix: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name + suffix,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": _responses(operation, names),
    }
    if operation.changes:
        described["parameters"].append(
            {
                "name": HEADER,
                "in": "header",
                "schema": {"type": "string", "pattern": PATTERN},
                "description": "A repeat with the same key gets the first answer again.",
            }
        )
    if operation.guarded:
        described["parameters"].append(
            {
                "name": "If-Match",
                "in": "header",
                "schema": {"type": "string"},
                "description": "The ETag of what is changed; 412 if it is another by now.",
            }
        )
    body = operation.body or operation.raw
    if body is not None:
        described["requestBody"] = {
            "required": any(each.is_required() for each in body.model_fields.values()),
            "content": {"application/json": {"schema": names[body, "validation"]}},
        }
    if operation.takes_file:
        described["requestBody"] = {"required": True, "content": _BYTES}
    if operation.permission:
        described["description"] += f"\n\nNeeds: {operation.permission}."
    if operation.open:
        described["security"] = []
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1} if kind == "int" else {"type": "string"},
        }
        for kind, name in _PARAMETER.findall(operation.rule)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema()
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": described}
        for name, described in schema["properties"].items()
    ]


def _responses(operation: Operation, names: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for status, model in operation.answers.items():
        answer: dict[str, Any] = {"description": "Done."}
        if model is not None:
            schema = names[model, "serialization"]
            answer["content"] = {"application/json": {"schema": schema}}
        elif status == 200:
            answer["content"] = {"*/*": {}}
        made[str(status)] = answer
    problem = names[bodies.Problem, "serialization"]
    made["default"] = {
        "description": "Refused; the problem document says why and what to do.",
        "content": {PROBLEM: {"schema": problem}},
    }
    return made
