"""The OpenAPI document tells the truth about the routes and the answers."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from pydantic import BaseModel

from app.api import bodies
from app.api.openapi import document
from tests.support.rest import Rest

REF = re.compile(r'"\$ref":"#/components/schemas/([^"]+)"')


def test_every_route_of_the_api_is_described_and_nothing_else(app: Flask, rest: Rest) -> None:
    described = {
        (method.upper(), path)
        for path, item in rest(None, "GET", "/openapi.json").ok()["paths"].items()
        for method in item
    }
    served = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "openapi.show"
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    assert described == served


def test_every_reference_leads_somewhere(rest: Rest) -> None:
    answer = rest(None, "GET", "/openapi.json")
    named = set(REF.findall(answer.text))
    assert named <= set(answer.ok()["components"]["schemas"])
    assert "Problem" in named


def test_operation_ids_are_unique(rest: Rest) -> None:
    paths = rest(None, "GET", "/openapi.json").ok()["paths"].values()
    ids = [operation["operationId"] for item in paths for operation in item.values()]
    assert len(ids) == len(set(ids))


def test_real_answers_are_as_described(rest: Rest) -> None:
    task = rest.office.open_task(amount=5)
    instance = rest("mei", "GET", f"/tasks/{task}").ok()["process_instance_id"]
    definition = rest("li", "GET", "/process-definitions").ok()["items"][0]["id"]
    for path, model in (
        ("/auth/me", bodies.User),
        ("/process-definitions", bodies.Paged[bodies.DefinitionSummary]),
        (f"/process-definitions/{definition}", bodies.Definition),
        ("/process-instances", bodies.Paged[bodies.InstanceSummary]),
        (f"/process-instances/{instance}", bodies.Instance),
        (f"/process-instances/{instance}/history", bodies.Events),
        ("/tasks", bodies.Paged[bodies.Task]),
        (f"/tasks/{task}", bodies.Task),
        ("/incidents", bodies.Paged[bodies.Incident]),
    ):
        fits(model, rest("li", "GET", path).text)
    done = rest("mei", "PUT", f"/tasks/{task}/complete", {"variables": {"approved": True}})
    fits(bodies.CompletedTask, done.text)


def fits(model: type[BaseModel], text: str) -> None:
    model.model_validate_json(text)


@pytest.mark.parametrize("path", ["//swagger/index.html", "//swagger/", "//swagger"])
def test_the_page_is_there(rest: Rest, path: str) -> None:
    assert rest(None, "GET", path).status in (200, 302)


def test_the_document_is_made_once() -> None:
    assert document() is document()
