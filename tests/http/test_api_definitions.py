"""Definitions over REST."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.support.office import REQUEST
from tests.support.rest import Rest


def document(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(REQUEST) | changes


def enveloped(**changes: Any) -> dict[str, Any]:
    config = {name: value for name, value in REQUEST.items() if name not in ("name", "version")}
    return {"name": "申请", "description": "d", "version": "9.0", "config": config} | changes


def test_create_in_an_envelope_as_the_manual_prints(rest: Rest) -> None:
    answer = rest("li", "POST", "/process-definitions", enveloped())
    body = answer.ok(201)
    assert answer.headers["Location"] == f"/api/v1/process-definitions/{body['id']}"
    assert (body["name"], body["version"], body["status"]) == ("申请", "9.0", "active")
    stored = rest("li", "GET", f"/process-definitions/{body['id']}").ok()
    assert stored["config"]["steps"][0]["id"] == "approve"


def test_the_bare_document_is_taken_too(rest: Rest) -> None:
    assert rest("li", "POST", "/process-definitions", document(version="9.1")).ok(201)


def test_the_same_content_again_is_200_with_the_existing_one(rest: Rest) -> None:
    first = rest("li", "POST", "/process-definitions", enveloped()).ok(201)
    again = rest("li", "POST", "/process-definitions", enveloped()).ok(200)
    assert again["id"] == first["id"]


def test_another_content_under_the_same_version_says_which_is_free(rest: Rest) -> None:
    rest("li", "POST", "/process-definitions", enveloped()).ok(201)
    other = enveloped()
    other["config"]["variables"] = {"amount": "string"}
    problem = rest("li", "POST", "/process-definitions", other).refused(409, "version_exists")
    assert problem["next_version"] not in ("9.0", "")


def test_envelope_and_document_that_differ_are_refused_naming_both(rest: Rest) -> None:
    body = {"name": "other", "version": "2", "config": document()}
    answer = rest("li", "POST", "/process-definitions", body)
    assert answer.status == 422
    assert len(answer.body["errors"]) == 2


def test_every_undefined_target_is_listed(rest: Rest) -> None:
    broken = document(version="9.2")
    broken["steps"][0]["next"] = ["nowhere", "elsewhere"]
    answer = rest("li", "POST", "/process-definitions", broken)
    problem = answer.refused(422, "definition_invalid")
    named = json.dumps(problem["errors"])
    assert "nowhere" in named
    assert "elsewhere" in named
    assert all(finding["line"] and finding["column"] for finding in problem["findings"])


def test_check_answers_200_for_broken_json_and_names_the_place(rest: Rest) -> None:
    body = rest("li", "POST", "/process-definitions/check", text='{\n  "name": tru\n}').ok()
    assert body["valid"] is False
    assert (body["findings"][0]["line"], body["findings"][0]["column"]) == (2, 11)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "json_empty", 1),
        ("[]", "wrong_type", 1),
        ('{"version": "1",\n "config": []}', "wrong_type", 2),
        ('{"config": {},\n\n "colour/or/so": 1}', "unknown_member", 3),
        ('{"config": {"name": "a"},\n "name": "b"}', "differs", 2),
    ],
)
def test_check_answers_200_whatever_it_is_given(
    rest: Rest, text: str, code: str, line: int
) -> None:
    body = rest("li", "POST", "/process-definitions/check", text=text).ok()
    assert body["valid"] is False
    assert (body["findings"][0]["code"], body["findings"][0]["line"]) == (code, line)


def test_check_stores_nothing(rest: Rest) -> None:
    before = rest("li", "GET", "/process-definitions").ok()["total"]
    assert rest("li", "POST", "/process-definitions/check", enveloped()).ok()["valid"]
    assert rest("li", "GET", "/process-definitions").ok()["total"] == before


def test_a_draft_is_changed_published_and_retired(rest: Rest) -> None:
    path = "/process-definitions"
    draft = rest("li", "POST", f"{path}?status=draft", enveloped()).ok(201)
    one = f"{path}/{draft['id']}"
    etag = rest("li", "GET", one).headers["ETag"]
    created = rest("li", "POST", f"{path}?status=draft", enveloped())
    assert created.headers["ETag"] == etag
    changed = enveloped(description="better")
    assert rest("li", "PUT", one, changed, headers={"If-Match": etag}).ok()
    late = rest("li", "PUT", one, enveloped(description="late"), headers={"If-Match": etag})
    late.refused(412, "changed_meanwhile")
    assert rest("li", "POST", f"{one}/publish").ok()["status"] == "active"
    rest("li", "PUT", one, changed).refused(409, "not_a_draft")
    assert rest("li", "POST", f"{one}/retire").ok()["status"] == "retired"
    rest("li", "DELETE", one).ok(204)
    rest("li", "GET", one).refused(404, "definition_not_found")


def test_a_started_definition_is_not_deleted(rest: Rest) -> None:
    rest.office.start()
    used = rest("li", "GET", "/process-definitions?key=request").ok()["items"][0]
    rest("li", "DELETE", f"/process-definitions/{used['id']}").refused(409, "in_use")


def test_lists_are_paged_filtered_and_counted(rest: Rest) -> None:
    for version in ("9.0", "9.1", "10.0"):
        rest("li", "POST", "/process-definitions", document(version=version)).ok(201)
    body = rest("li", "GET", "/process-definitions?key=request&page=2&size=3").ok()
    assert (body["page"], body["size"], body["total"], body["pages"]) == (2, 3, 4, 2)
    assert [item["version"] for item in body["items"]] == ["1.0.0"]
    newest = rest("li", "GET", "/process-definitions?key=request&latest=true").ok()
    assert [item["version"] for item in newest["items"]] == ["10.0"]
    one = newest["items"][0]["id"]
    versions = rest("li", "GET", f"/process-definitions/{one}/versions").ok()["items"]
    assert [item["version"] for item in versions] == ["10.0", "9.1", "9.0", "1.0.0"]
