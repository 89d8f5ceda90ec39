"""Files that are attached to comments: who may, what is kept, who reads them, where they show."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.runtime import files
from app.runtime import service as runtime
from app.task import service as tasks
from tests.support import stored
from tests.support.office import NOW, Office
from tests.support.pages import Pages
from tests.support.rest import Reply, Rest

Browser = Callable[..., Pages]
PDF = b"%PDF-1.7\n1 0 obj"


@pytest.fixture
def task(office: Office) -> int:
    return office.open_task()


def send(rest: Rest, who: str, task: int, name: str = "offer.pdf", content: bytes = PDF) -> Reply:
    kind = {"Content-Type": "application/octet-stream"}
    path = f"/tasks/{task}/attachments?name={name}"
    return rest(who, "POST", path, text=content, headers=kind)


def say(rest: Rest, who: str, task: int, text: str, *ids: int) -> Reply:
    return rest(who, "POST", f"/tasks/{task}/comments", {"text": text, "files": list(ids)})


def test_a_file_goes_with_a_comment_and_its_readers_have_it(rest: Rest, task: int) -> None:
    made = send(rest, "mei", task).ok(201)
    assert (made["name"], made["type"], made["size"]) == ("offer.pdf", "application/pdf", len(PDF))
    path = f"/files/{made['id']}/content"
    assert rest("mei", "GET", path).status == 200
    assert rest("wang", "GET", path).status == 404
    comment = say(rest, "mei", task, "", made["id"]).ok(201)
    assert comment["files"] == [made]
    assert comment["text"] == ""
    assert rest("zhao", "GET", f"/tasks/{task}/comments").body["items"][0]["files"] == [made]
    for who, status in (("wang", 200), ("zhao", 200), ("li", 200), ("stranger", 404)):
        assert rest(who, "GET", path).status == status, who
    edited = rest("mei", "POST", f"/tasks/{task}/comments/{comment['id']}", {"text": "See it"})
    assert (edited.ok()["files"], edited.body["text"]) == ([made], "See it")


def test_only_ones_own_unused_files_of_this_task_can_be_attached(
    rest: Rest, office: Office, task: int
) -> None:
    used, mine, others, elsewhere = (
        send(rest, who, where).ok(201)["id"]
        for who, where in (
            ("mei", task),
            ("mei", task),
            ("wang", task),
            ("mei", office.open_task()),
        )
    )
    say(rest, "mei", task, "One", used).ok(201)
    for wrong in (used, others, elsewhere, 10**9):
        refused = say(rest, "mei", task, "Two", mine, wrong).ok(422)
        assert [each["code"] for each in refused["errors"]] == ["unknown_file"]
    assert say(rest, "mei", task, "x", *range(1, 12)).status == 422
    assert say(rest, "mei", task, "Two", mine, mine).status == 201
    assert len(rest("mei", "GET", f"/tasks/{task}/comments").body["items"]) == 2
    assert stored.row(office.db, "select count(*) as n from files where submitted_at is null") == {
        "n": 2
    }


def test_who_may_not_comment_cannot_attach(rest: Rest, office: Office, task: int) -> None:
    assert send(rest, "stranger", task).status == 404
    assert send(rest, "mei", task, "a.pdf", b"").ok(422)["errors"][0]["field"] == "files"
    assert send(rest, "mei", task, "a.pdf", b"GIF89a...").status == 422
    (row,) = stored.rows(office.db, "select instance_id as id from tasks")
    runtime.terminate(office.engine, office["root"], row["id"], reason="x", now=NOW)
    assert send(rest, "mei", task).ok(409)["code"] == "instance_ended"


def test_a_step_may_allow_talk_without_files(rest: Rest, office: Office, task: int) -> None:
    with office.db.transaction() as tx:
        tx.run("update tasks set allow = '{comment}'")
    assert send(rest, "mei", task).ok(403)["code"] == "not_allowed_here"
    assert say(rest, "mei", task, "Only words").status == 201


def test_what_no_comment_was_made_with_is_forgotten(rest: Rest, office: Office, task: int) -> None:
    kept, left = (send(rest, "mei", task).body["id"] for _ in range(2))
    say(rest, "mei", task, "One", kept).ok(201)
    (row,) = stored.rows(office.db, "select max(uploaded_at) as at from files")
    late = row["at"] + files.KEPT_UNSUBMITTED + timedelta(seconds=1)
    assert files.prune(office.db, now=late) == 1
    assert say(rest, "mei", task, "Two", left).status == 422


def test_a_forms_field_takes_no_attachment(rest: Rest, office: Office, task: int) -> None:
    attached = send(rest, "mei", task).body["id"]
    with office.db.transaction() as tx:
        row: dict[str, Any] = stored.row(office.db, "select * from tasks")
        place = files.Place(row["definition_id"], task, row["instance_id"])
        assert files.known(tx, office["mei"], place, [attached]) == {}


def test_by_page_with_and_without_scripts(browser: Browser, office: Office, task: int) -> None:
    pages = browser("mei")
    page = pages.get(f"/tasks/{task}").ok().says("Attachments")
    assert f'hx-post="/tasks/{task}/attachments"' in page.text
    sent = {"upload.comment-files": (io.BytesIO(PDF), "offer.pdf")}
    line = pages.post(f"/tasks/{task}/attachments", sent, htmx=True).ok().says("offer.pdf")
    number = line.text.partition('name="comment-files" value="')[2].partition('"')[0]
    wrong = {"text": "x" * 10_001, "comment-files": number}
    kept = pages.post(f"/tasks/{task}/comments", wrong).ok(422).says("offer.pdf")
    assert f'value="{number}" checked' in kept.text
    whole = {
        "text": "Both",
        "comment-files": number,
        "upload.comment-files": (io.BytesIO(b"hello"), "note.txt"),
    }
    pages.post(f"/tasks/{task}/comments", whole).goes_to(f"/tasks/{task}#comments")
    pages.get(f"/tasks/{task}").ok().says("offer.pdf", "note.txt", "Both")
    assert pages.get(f"/files/{number}").status == 200
    (row,) = stored.rows(office.db, "select instance_id as id from tasks")
    sheet = browser("zhao").get(f"/instances/{row['id']}/sheet").ok()
    sheet.says("Attached: offer.pdf", "Attached: note.txt", "sha256")
    tasks.comment(office.engine, office["mei"], task, "No file", now=NOW)
    empty = {"text": "", "upload.comment-files": (io.BytesIO(b""), "empty.txt")}
    pages.post(f"/tasks/{task}/comments", empty).ok(422).says("empty.txt is empty.")
