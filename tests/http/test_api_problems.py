"""The form of refusals, and the headers of every answer."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from app.config import Settings
from app.factory import create_app, make_engine
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


def test_asking_what_an_address_takes_is_answered_without_html(rest: Rest) -> None:
    answer = rest(None, "OPTIONS", "/tasks")
    assert (answer.status, answer.text) == (204, "")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert "Content-Type" not in answer.headers


def test_head_is_get_without_a_body(rest: Rest) -> None:
    get, head = rest("li", "GET", "/tasks"), rest("li", "HEAD", "/tasks")
    assert (head.status, head.text) == (200, "")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_a_database_that_is_away_is_503_with_a_time_to_try_again(
    settings: Settings, redis_url: str, tmp_path: Path
) -> None:
    away = {"database_url": f"postgresql://nobody@/nothing?host={tmp_path}", "redis_url": redis_url}
    app = create_app(settings, engine=make_engine(settings.model_copy(update=away)))
    client = app.test_client()
    login = client.post("/api/v1/auth/login", json={"username": "a", "password": "b"})
    assert (login.status_code, login.json["code"]) == (503, "database_unavailable")
    assert int(login.headers["Retry-After"]) > 0
    assert client.get("/health").status_code == 200
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json["status"]) == (503, "unavailable")
