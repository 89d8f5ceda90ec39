"""What an incident tells: in the reader's language, for as long as it is kept."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from app.core.effects import RaiseIncident
from app.db.types import dumps, loads
from app.errors import Phrase, phrase_of
from app.runtime.trouble import told
from tests.http.test_api_language import define, start
from tests.support.pages import Pages
from tests.support.rest import Rest

ENGLISH = "The value for total is not of its declared type integer."
CHINESE = "total 的值不符合声明的类型 integer。"
COUNT = {
    "id": "count",
    "type": "script",
    "config": {"set": {"total": "${'many'}"}},
    "next": ["look"],
}
LOOK = {"id": "look", "type": "user_task", "config": {"assignee": "li"}}
ZH = {"Accept-Language": "zh-CN"}


def stuck(rest: Rest) -> Any:
    define(rest, "stuck", COUNT, LOOK, variables={"total": "integer"})
    return start(rest, "stuck")


def test_rest_tells_it_in_the_caller_s_language(rest: Rest) -> None:
    one = stuck(rest)
    for path, find in (
        (f"/process-instances/{one['id']}", lambda body: body["incidents"]),
        ("/incidents", lambda body: body["items"]),
    ):
        (english,) = find(rest("li", "GET", path).ok())
        (chinese,) = find(rest("li", "GET", path, headers=ZH).ok())
        assert (english["message"], chinese["message"]) == (ENGLISH, CHINESE)
        assert english["detail"] == chinese["detail"] == {"variable": "total", "value": "many"}


def test_the_page_tells_it_in_the_reader_s_language(
    rest: Rest, browser: Callable[[str | None], Pages]
) -> None:
    url = f"/instances/{stuck(rest)['id']}"
    pages = browser("li")
    assert f'<p class="value-text" lang="en">{ENGLISH}</p>' in pages.get(url).ok().text
    page = pages.get(f"{url}?lang=zh").ok()
    assert f'<p class="value-text" lang="zh">{CHINESE}</p>' in page.text
    assert f'<p class="muted small" lang="zh">{CHINESE}</p>' in page.text


def test_the_history_tells_it_in_the_caller_s_language(rest: Rest) -> None:
    path = f"/process-instances/{stuck(rest)['id']}/history"
    for headers, message in (({}, ENGLISH), (ZH, CHINESE)):
        lines = rest("li", "GET", path, headers=headers).ok()["items"]
        (opened,) = [line["data"] for line in lines if line["kind"] == "incident.opened"]
        assert opened == {"wait": opened["wait"], "kind": "wrong_type", "message": message}


def test_a_dry_run_tells_it_in_the_caller_s_language(rest: Rest) -> None:
    body = {
        "name": "Dry",
        "key": "dry",
        "version": "1",
        "variables": {"total": "integer"},
        "steps": [COUNT, LOOK],
        "scenario": {},
    }
    found = rest("li", "POST", "/process-definitions/simulate", body, headers=ZH).ok()
    (incident,) = found["incidents"]
    assert incident["message"] == CHINESE
    assert incident["detail"] == {"variable": "total", "value": "many"}


def test_words_that_nobody_knows_stay_as_they_are(
    rest: Rest, browser: Callable[[str | None], Pages]
) -> None:
    call = {"service_name": "Nowhere", "method": "go"}
    define(rest, "lost", {"id": "call", "type": "service_task", "config": call})
    url = f"/instances/{start(rest, 'lost')['id']}?lang=zh"
    page = browser("li").get(url).ok()
    assert '<p class="value-text" lang="en">There is no service Nowhere.go.' in page.text


def test_what_a_message_was_made_of_is_kept_as_json() -> None:
    inner = Phrase("“%(text)s” is neither a number nor a date.", text="x")
    message = Phrase(
        "%(problem)s (in %(n)d, %(d)s, %(e)s)", problem=inner, n=3, d=Decimal("1.10"), e=None
    )
    raised = RaiseIncident(
        step="s", wait=1, token=1, error_kind="k", message=message, detail={"a": 1}
    )
    kept = loads(dumps(raised.detail))
    again = told(str(message), kept, frozenset())
    assert again == {"message": message, "detail": {"a": 1}}
    assert again["message"].params["problem"].template == inner.template
    assert phrase_of(loads(dumps(inner.parts()))) == inner


def test_a_message_without_parameters_needs_nothing_kept() -> None:
    raised = RaiseIncident(
        step="s", wait=1, token=1, error_kind="k", message=Phrase("No rule of the table matches.")
    )
    assert raised.detail == {}


def test_an_empty_message_stays_empty() -> None:
    assert told("", {}, frozenset()) == {"message": "", "detail": {}}
