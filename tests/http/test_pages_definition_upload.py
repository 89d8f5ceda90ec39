"""Uploading in the browser: every finding with its place, nothing lost, nothing half stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from app.core.jsontext import MAX_BYTES
from app.definition import queries
from tests.support.office import CHOICE, REQUEST, Office
from tests.support.pages import Pages, Sheet

Browser = Callable[..., Pages]

URL = "/definitions/upload"
NEW = {
    "name": "Lonely",
    "key": "lonely",
    "version": "1",
    "steps": [{"id": "do", "name": "Do", "type": "user_task", "config": {"assignee": "mei"}}],
}
BROKEN = """{
  "name": "Broken",
  "steps": [
    {"id": "a", "name": "A", "type": "user_task", "config": {"assigne": "mei"}},
    {"id": "b", "name": "<b>", "type": "user_tsk"}
  ]
}"""


def send(pages: Pages, source: str, action: str = "store", **more: Any) -> Sheet:
    """Send a pasted text."""
    return pages.post(URL, {"source": source, "name": "", "action": action, **more})


def send_files(pages: Pages, action: str = "store", **files: bytes) -> Sheet:
    """Send files, ``name=content`` each."""
    sent = [(BytesIO(content), f"{name}.json") for name, content in files.items()]
    return pages.post(URL, {"files": sent, "action": action})


def keys(office: Office) -> set[str]:
    """Return the keys of what is stored."""
    return {row.key for row in queries.list_(office.db, office["root"], size=200).items}


@pytest.fixture
def pages(browser: Browser) -> Pages:
    """A manager's browser."""
    return browser("li")


def test_only_those_who_may_write_upload(browser: Browser, office: Office) -> None:
    browser("mei").get(URL).ok(403)
    send(browser("mei"), json.dumps(NEW)).ok(403)
    assert "lonely" not in keys(office)


def test_a_check_tells_everything_and_stores_nothing(pages: Pages, office: Office) -> None:
    page = send(pages, BROKEN, "check").ok(422)
    page.says("2 errors", "This definition has errors", "assigne", "user_tsk", "/steps/1/type")
    page.says("4:62", "5:40", "Did you mean")
    assert 'data-place="5:40" data-source="source-1"' in page.text
    assert "&lt;b&gt;" in page.text
    assert "<b>" not in page.text
    page.control("source")
    page.says('"name": "Broken"')
    fine = send(pages, json.dumps(NEW), "check").ok()
    fine.says("No errors found", "It can be stored.", '"key": "lonely"')
    assert "lonely" not in keys(office)


def test_broken_json_is_a_finding_at_its_token(pages: Pages) -> None:
    page = send(pages, '{\r\n  "name": "A",\r\n  "steps" []\r\n}', "check").ok(422)
    page.says("1 error", "3:11", '"steps" []')


def test_storing_leads_to_the_definition(pages: Pages, office: Office) -> None:
    answer = send(pages, json.dumps(NEW))
    row = queries.versions(office.db, office["root"], "lonely")[0]
    url = answer.goes_to(f"/definitions/{row.id}").headers["Location"]
    pages.get(url).ok().says("“Lonely” 1 is stored and can be started.", "Active")
    send(pages, json.dumps(NEW, indent=4)).goes_to(url)
    pages.get(url).ok().says("“Lonely” 1 was there already")


def test_it_can_be_stored_as_a_draft(pages: Pages, office: Office) -> None:
    url = send(pages, json.dumps(NEW), status="draft").headers["Location"]
    pages.get(url).ok().says("“Lonely” 1 is stored as a draft.", "Draft", "Publish")


def test_a_version_that_is_taken_names_the_next(pages: Pages, office: Office) -> None:
    page = send(pages, json.dumps(CHOICE | {"description": "Another"})).ok(409)
    page.says("Version 1 of “choice” exists", "Give this one the version 2, which is free.")
    page.says('"description": "Another"')


def test_an_envelope_is_taken_off(pages: Pages, office: Office) -> None:
    bare = {"steps": NEW["steps"]}
    wrapped = {"name": "Lonely", "version": "1", "config": bare}
    send(pages, json.dumps(wrapped)).headers["Location"]
    assert "Lonely" in keys(office)
    differs = {"name": "A", "config": bare | {"name": "B"}}
    page = send(pages, json.dumps(differs)).ok(422)
    page.says("The members around config do not fit", "/name and /config/name differ.")
    page.says('"config"')


def test_several_files_have_a_result_each(pages: Pages, office: Office) -> None:
    page = send_files(
        pages,
        good=json.dumps(NEW).encode(),
        same=json.dumps(REQUEST).encode(),
        bad=BROKEN.encode(),
        latin="{'ä'}".encode("latin-1"),
        big=b" " * (MAX_BYTES + 1),
    ).ok(422)
    page.says("good.json Lonely 1 : stored.", "same.json Request 1.0.0 : was there already")
    page.says("bad.json has errors", "latin.json This is not UTF-8 text.")
    page.says("big.json This is larger than 1 MiB.")
    assert page.text.count("<textarea") == 1
    assert 'value="bad.json"' in page.text
    assert "lonely" in keys(office)


def test_files_that_are_all_fine_lead_to_the_list(pages: Pages, office: Office) -> None:
    send_files(
        pages,
        one=b"\xef\xbb\xbf" + json.dumps(NEW).encode(),
        two=json.dumps(NEW | {"key": "two"}).encode(),
    ).goes_to("/definitions")
    pages.get("/definitions").ok().says("2 definitions are new.", "two")


def test_what_is_too_large_is_refused_with_a_remedy(pages: Pages) -> None:
    send_files(pages, big=b" " * (MAX_BYTES + 1)).ok(413).says("Split it into several definitions")
    pasted = json.dumps(NEW | {"x-note": "工" * (MAX_BYTES // 3)}, ensure_ascii=False)
    page = send(pages, pasted, "check").ok(413).says("This is larger than 1 MiB.")
    assert "工工工" in page.text
    whole = pages.post(URL, {"source": " " * 12 * MAX_BYTES, "action": "check"}).ok(413)
    whole.says("That is too much at once")


def test_nothing_sent_is_said(pages: Pages) -> None:
    send(pages, " \r\n").ok(422).says("Choose a file or paste a definition")
    many = {f"n{number}": b"{}" for number in range(21)}
    send_files(pages, "check", **many).ok(413).says("Send at most 20 definitions at once")


@pytest.mark.parametrize(
    "source", ["[]", "null", "1e999", '{"a": 1, "a": 2}', "\\u0000", "[" * 999]
)
def test_no_text_breaks_the_page(pages: Pages, source: str) -> None:
    send(pages, source, "check").ok(422).says("error")
