"""The OpenAPI document tells the truth about the routes and the answers."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from app.api.openapi import document
from tests.support.rest import Rest, contract

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


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "text"),
    [
        ("GET", "/api/v1/auth/me", 200, "application/json", '{"id": 1}'),
        ("GET", "/api/v1/auth/me", 200, "text/html", "{}"),
        ("GET", "/api/v1/auth/me", 202, "application/json", "{}"),
        ("GET", "/api/v1/tasks/1", 404, "application/problem+json", '{"status": 404}'),
        ("GET", "/api/v1/nowhere", 200, "application/json", "{}"),
        ("DELETE", "/api/v1/process-definitions/1", 204, "application/json", "{}"),
        ("GET", "/api/v1/health/redis", 200, "application/json", '{"status": 1}'),
    ],
)
def test_the_judge_of_all_answers_refuses_what_is_not_as_described(
    method: str, path: str, status: int, kind: str, text: str
) -> None:
    """Every answer that these tests get by ``Rest`` is compared with the document."""
    with pytest.raises(AssertionError):
        contract().check(method, path, status, kind, text)


@pytest.mark.parametrize("path", ["//swagger/index.html", "//swagger/", "//swagger"])
def test_the_page_is_there(rest: Rest, path: str) -> None:
    assert rest(None, "GET", path).status in (200, 302)


def test_the_document_is_made_once() -> None:
    assert document() is document()
