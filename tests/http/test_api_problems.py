"""The form of refusals, and the headers of every answer."""

from __future__ import annotations

from flask import Flask

from tests.support.rest import Rest


def test_a_problem_is_in_the_caller_s_language(rest: Rest) -> None:
    english = rest("li", "GET", "/tasks/999", headers={"Accept-Language": "en-GB"}).body
    chinese = rest("li", "GET", "/tasks/999", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).body
    assert english["detail"].isascii()
    assert not chinese["detail"].isascii()
    assert english["code"] == chinese["code"]


def test_every_part_of_a_problem_is_in_the_caller_s_language(rest: Rest) -> None:
    step = {"id": "a", "type": "user_task", "config": {"priority": "x", "due_date": "2 moons"}}
    body = {"name": "P", "version": "1", "config": {"steps": [step, {"id": "b"}]}}
    chinese = {"Accept-Language": "zh-CN"}
    problem = rest("root", "POST", "/process-definitions", body, headers=chinese).body
    assert problem["code"] == "definition_invalid"
    told = [problem["title"], problem["detail"], *(each["message"] for each in problem["errors"])]
    told += [each[part] for each in problem["findings"] for part in ("message", "hint")]
    checked = rest("root", "POST", "/process-definitions/check", body, headers=chinese).ok()
    told += [each[part] for each in checked["findings"] for part in ("message", "hint")]
    assert len(told) > 8
    assert [text for text in told if text and text.isascii()] == []


def test_an_unknown_language_gets_english(rest: Rest) -> None:
    body = rest("li", "GET", "/tasks/999", headers={"Accept-Language": "xx"}).body
    assert body["detail"].isascii()


def test_a_request_id_is_echoed_if_well_formed_and_made_otherwise(rest: Rest) -> None:
    own = rest(None, "GET", "//health", headers={"X-Request-ID": "abc-123.x_Y"})
    assert own.headers["X-Request-ID"] == "abc-123.x_Y"
    made = rest(None, "GET", "//health", headers={"X-Request-ID": "a b<script>"})
    assert made.headers["X-Request-ID"] not in ("", "a b<script>")


def test_every_answer_carries_the_guarding_headers(rest: Rest) -> None:
    for path in ("//health", "/nowhere", "//swagger/index.html"):
        headers = rest(None, "GET", path).headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_an_unforeseen_error_is_500_without_details(app: Flask, rest: Rest) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret detail")

    app.extensions["clock"] = broken
    answer = rest("li", "GET", "/auth/me")
    answer.refused(500, "internal_error")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_numbers_and_times_keep_their_form(rest: Rest) -> None:
    task = rest.office.open_task(amount=5)
    body = rest("mei", "GET", f"/tasks/{task}").ok()
    assert body["created_at"].endswith("Z")
