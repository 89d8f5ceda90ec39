"""Files of forms: uploading, what is taken, who may read them, and when they are forgotten."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.db.types import dumps
from app.definition import service as definitions
from app.runtime import files
from app.runtime.file_type import type_of
from app.worker import duty_files
from tests.support import stored
from tests.support.office import NOW, Office
from tests.support.pages import Pages
from tests.support.rest import Reply, Rest

Browser = Callable[..., Pages]
PDF = b"%PDF-1.7\n1 0 obj"
PNG = b"\x89PNG\r\n\x1a\n\x00"
PAPERS: dict[str, Any] = {
    "name": "Papers",
    "key": "papers",
    "version": "1",
    "variables": {"secret": {"type": "file", "sensitive": True}},
    "start": {"form": {"request": {"type": "file", "accept": ".pdf"}, "why": "string"}},
    "steps": [
        {
            "id": "collect",
            "name": "Collect",
            "type": "user_task",
            "config": {
                "assignee": "finance_team",
                "form": {
                    "offers": {"type": "file", "accept": [".pdf", "image/*"], "max_files": 2},
                    "small": {"type": "file", "max_size": 20, "required": True},
                    "secret": "file",
                },
            },
            "next": ["look"],
        },
        {
            "id": "look",
            "name": "Look",
            "type": "user_task",
            "config": {"assignee": "li", "form": {"offers": {"type": "file"}}},
        },
    ],
}


@pytest.fixture
def definition(office: Office) -> int:
    row, _ = definitions.create(office.db, office["li"], dumps(PAPERS), known=None, now=NOW)
    return row.id


@pytest.fixture
def task(office: Office, definition: int) -> int:
    assert definition
    return office.task_of(office.start("papers"), "collect")


def send(
    rest: Rest, who: str, path: str, field: str, name: str, content: bytes, **headers: str
) -> Reply:
    sent = {"Content-Type": "application/octet-stream"} | {
        key.replace("_", "-"): value for key, value in headers.items()
    }
    return rest(who, "POST", f"{path}/files?field={field}&name={name}", text=content, headers=sent)


def packed(*names: str, **texts: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
        for name in names:
            archive.writestr(name, "")
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (PDF, "x", "application/pdf"),
        (PNG, "x", "image/png"),
        (b"\xff\xd8\xff\xe0", "x", "image/jpeg"),
        (b"GIF89a...", "x", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "x", "image/webp"),
        (packed("a.txt"), "x", "application/zip"),
        (
            packed("[Content_Types].xml", "xl/workbook.xml"),
            "x",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            packed(mimetype="application/vnd.oasis.opendocument.text"),
            "x",
            "application/vnd.oasis.opendocument.text",
        ),
        (packed(mimetype="text/html"), "x", "application/zip"),
        (b"PK\x03\x04 broken", "x.docx", "application/octet-stream"),
        ("né, 中".encode(), "x.html", "text/plain"),
        (b"a,b\n", "x.csv", "text/csv"),
        (b"MZ\x90\x00", "x.txt", "application/octet-stream"),
        ("é".encode("latin-1"), "x.txt", "application/octet-stream"),
    ],
)
def test_the_content_says_what_a_file_is(content: bytes, name: str, kind: str) -> None:
    assert type_of(content, name) == kind


def test_a_file_is_uploaded_named_and_read_again(rest: Rest, office: Office, task: int) -> None:
    made = send(rest, "mei", f"/tasks/{task}", "offers", "a%20b%E4%B8%AD.pdf", PDF).ok(201)
    digest = hashlib.sha256(PDF).hexdigest()
    assert (made["name"], made["type"], made["sha256"]) == ("a b中.pdf", "application/pdf", digest)
    small = send(rest, "mei", f"/tasks/{task}", "small", "s.txt", b"hello").ok(201)
    values = {"offers": [made["id"]], "small": [{"id": small["id"], "name": "forged"}]}
    rest("mei", "PUT", f"/tasks/{task}/complete", {"variables": values}).ok()
    row = stored.row(office.db, "select variables from process_instances")
    assert row["variables"]["offers"] == [
        {"id": made["id"], "name": "a b中.pdf", "size": len(PDF), "sha256": digest}
    ]
    assert row["variables"]["small"][0]["name"] == "s.txt"
    about = rest("zhao", "GET", f"/files/{made['id']}").ok()
    assert (about["task_id"], about["field"], about["uploaded_by"]) == (task, "offers", "mei")
    content = rest("zhao", "GET", f"/files/{made['id']}/content")
    assert content.text.encode() == PDF
    said = content.headers
    assert said["Content-Disposition"] == (
        "attachment; filename=\"a b_.pdf\"; filename*=UTF-8''a%20b%E4%B8%AD.pdf"
    )
    assert said["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert said["X-Content-Type-Options"] == "nosniff"
    assert said["Content-Type"] == "application/pdf"


@pytest.mark.parametrize(
    ("field", "name", "content", "code"),
    [
        ("offers", "a.txt", b"text", "bad_file_type"),
        ("offers", "a.pdf", PNG, "wrong_content"),
        ("offers", "a.png.pdf", PNG, "wrong_content"),
        ("offers", "a.pdf", b"", "empty_file"),
        ("small", "a.txt", b"x" * 21, "too_large"),
        ("nothing", "a.txt", b"x", "unknown_field"),
    ],
)
def test_what_the_form_does_not_take_is_refused(
    rest: Rest, office: Office, task: int, field: str, name: str, content: bytes, code: str
) -> None:
    problem = send(rest, "mei", f"/tasks/{task}", field, name, content)
    errors = problem.refused(422, "invalid_file")["errors"]
    assert [(each["field"], each["code"]) for each in errors] == [(field, code)]
    assert stored.rows(office.db, "select 1 from files") == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("C%3A%5Cpapers%5Ca.txt", "a.txt"),
        ("%3Cb%3E%22%0D%0ASet-Cookie%3A.txt", "_b____Set-Cookie_.txt"),
        ("evil%E2%80%AEtxt.exe", "evil_txt.exe"),
        ("...", "file"),
        ("x" * 400 + ".txt", "x" * 179 + ".txt"),
    ],
)
def test_a_name_is_made_harmless(rest: Rest, task: int, name: str, kept: str) -> None:
    made = send(rest, "mei", f"/tasks/{task}", "small", name, b"text").ok(201)
    assert made["name"] == kept


def test_a_file_larger_than_any_is_refused(rest: Rest, task: int) -> None:
    sent = send(rest, "mei", f"/tasks/{task}", "small", "a.txt", b"x" * (10 * 1024 * 1024 + 1))
    sent.refused(413, "file_too_large")


def test_a_form_as_body_is_no_file(rest: Rest, task: int) -> None:
    sent = {"Content-Type": "multipart/form-data; boundary=x"}
    path = f"/tasks/{task}/files?field=small&name=a"
    rest("mei", "POST", path, text=b"--x--", headers=sent).refused(415, "unsupported_media_type")


def test_the_same_key_uploads_once(rest: Rest, office: Office, task: int) -> None:
    key = {"Idempotency_Key": "k"}
    one = send(rest, "mei", f"/tasks/{task}", "small", "a.txt", b"text", **key).ok(201)
    two = send(rest, "mei", f"/tasks/{task}", "small", "a.txt", b"text", **key).ok(201)
    assert one == two
    assert len(stored.rows(office.db, "select 1 from files")) == 1
    other = send(rest, "mei", f"/tasks/{task}", "small", "a.txt", b"other", **key)
    other.refused(422, "key_reused")


def test_one_person_cannot_fill_the_disk(
    rest: Rest, task: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_UNSUBMITTED", 30)
    send(rest, "mei", f"/tasks/{task}", "small", "a.txt", b"x" * 20).ok(201)
    refused = send(rest, "mei", f"/tasks/{task}", "small", "a.txt", b"x" * 20)
    assert refused.refused(422, "invalid_file")["errors"][0]["code"] == "too_much_waiting"
    send(rest, "wang", f"/tasks/{task}", "small", "a.txt", b"x" * 20).ok(201)


def test_a_file_of_another_form_cannot_be_named(
    rest: Rest, office: Office, task: int, definition: int
) -> None:
    other = office.task_of(office.start("papers"), "collect")
    at_start = send(rest, "mei", f"/process-definitions/{definition}", "request", "a.pdf", PDF)
    for strange in (
        send(rest, "mei", f"/tasks/{other}", "small", "a.txt", b"x").ok(201)["id"],
        at_start.ok(201)["id"],
        999_999,
    ):
        body = {"variables": {"small": [strange]}}
        refused = rest("mei", "PUT", f"/tasks/{task}/complete", body)
        errors = refused.refused(422, "invalid_form")["errors"]
        assert errors[0]["code"] == "unknown_file"


def test_before_it_is_sent_a_file_is_for_those_who_could_send_it(rest: Rest, task: int) -> None:
    number = send(rest, "mei", f"/tasks/{task}", "small", "a.txt", b"x").ok(201)["id"]
    rest("wang", "GET", f"/files/{number}").ok()
    rest("mei", "PUT", f"/tasks/{task}/claim").ok()
    rest("mei", "GET", f"/files/{number}/content").ok()
    for stranger in ("wang", "zhao", "li", "root", "stranger"):
        rest(stranger, "GET", f"/files/{number}").refused(404, "file_not_found")
        rest(stranger, "GET", f"/files/{number}/content").refused(404, "file_not_found")


def test_a_sensitive_file_is_not_for_everybody_who_sees_the_instance(rest: Rest, task: int) -> None:
    small = send(rest, "mei", f"/tasks/{task}", "small", "a.txt", b"x").ok(201)["id"]
    secret = send(rest, "mei", f"/tasks/{task}", "secret", "a.txt", b"x").ok(201)["id"]
    body = {"variables": {"small": [small], "secret": [secret]}}
    rest("mei", "PUT", f"/tasks/{task}/complete", body).ok()
    rest("root", "GET", f"/files/{secret}").ok()
    rest("zhao", "GET", f"/files/{small}").ok()
    rest("zhao", "GET", f"/files/{secret}").refused(404, "file_not_found")
    rest("stranger", "GET", f"/files/{small}").refused(404, "file_not_found")


def test_a_later_form_keeps_files_that_are_there(rest: Rest, office: Office, task: int) -> None:
    offer = send(rest, "mei", f"/tasks/{task}", "offers", "a.pdf", PDF).ok(201)["id"]
    small = send(rest, "mei", f"/tasks/{task}", "small", "a.txt", b"x").ok(201)["id"]
    body = {"variables": {"offers": [offer], "small": [small]}}
    (after,) = rest("mei", "PUT", f"/tasks/{task}/complete", body).ok()["next"]
    kept = rest("li", "GET", f"/tasks/{after['id']}").ok()["values"]["offers"]
    body = {"variables": {"offers": kept}}
    rest("li", "PUT", f"/tasks/{after['id']}/complete", body).ok()
    row = stored.row(office.db, "select variables from process_instances")
    assert row["variables"]["offers"] == kept


def test_a_start_takes_files_by_both_doors(
    rest: Rest, browser: Browser, office: Office, definition: int
) -> None:
    path = f"/process-definitions/{definition}"
    number = send(rest, "zhao", path, "request", "a.pdf", PDF).ok(201)["id"]
    sent = {"process_definition_id": definition, "variables": {"request": [number]}}
    started = rest("zhao", "POST", "/process-instances", sent).ok(201)
    assert started["variables"]["request"][0]["name"] == "a.pdf"
    assert rest("li", "GET", f"/files/{number}").ok()["instance_id"] == started["id"]
    again = rest("zhao", "POST", "/process-instances", sent).refused(422, "invalid_variables")
    assert again["errors"][0]["code"] == "unknown_file"
    seat = browser("zhao")
    upload = {"upload.request": (io.BytesIO(PDF), "b.pdf"), "f.request": "", "f.why": "x"}
    assert seat.post(f"/start/{definition}", upload).status == 303
    row = stored.row(office.db, "select variables from process_instances order by id desc limit 1")
    assert row["variables"]["request"][0]["name"] == "b.pdf"


def test_without_scripts_the_form_brings_its_files(
    browser: Browser, office: Office, task: int
) -> None:
    seat = browser("mei")
    page = seat.get(f"/tasks/{task}").ok()
    assert 'enctype="multipart/form-data"' in page.text
    seat.post(f"/tasks/{task}/claim")
    sent = {"upload.offers": (io.BytesIO(PNG), "a.png"), "f.offers": "", "f.small": ""}
    page = seat.post(f"/tasks/{task}/complete", sent).ok(422).says("Add a file.", "a.png")
    kept = stored.row(office.db, "select id from files")["id"]
    assert "checked" in page.control("f.offers", str(kept))
    sent = {
        "upload.small": (io.BytesIO(b"hello"), "s.txt"),
        "f.offers": ["", str(kept)],
        "f.small": "",
    }
    seat.post(f"/tasks/{task}/complete", sent).goes_to(f"/tasks/{task}/done")
    page = seat.get(f"/tasks/{task}").ok().says("a.png", "s.txt", "5 bytes")
    assert f'href="/files/{kept}" download' in page.text


def test_a_refused_file_stands_at_its_field_and_nothing_else_is_lost(
    browser: Browser, office: Office, task: int
) -> None:
    seat = browser("mei")
    seat.post(f"/tasks/{task}/claim")
    sent = {
        "upload.offers": (io.BytesIO(b"MZ\x00"), "a.exe"),
        "upload.small": (io.BytesIO(b"hello"), "s.txt"),
    }
    page = seat.post(f"/tasks/{task}/complete", sent).ok(422)
    page.says("a.exe is not of a type that is taken here: .pdf, image/*.", "s.txt")
    assert stored.row(office.db, "select state from tasks")["state"] == "claimed"


def test_scripts_get_a_line_for_each_file(browser: Browser, task: int) -> None:
    seat = browser("mei")
    sent = {"upload.offers": [(io.BytesIO(PNG), "a.png"), (io.BytesIO(b"x"), "b.pdf")]}
    lines = seat.post(f"/tasks/{task}/files", sent, htmx=True).ok()
    lines.says("a.png", "b.pdf is not what its name says")
    assert lines.text.count("<li") == 2
    sent = {"upload.offers": (io.BytesIO(PNG), "a.png")}
    told = browser("stranger").post(f"/tasks/{task}/files", sent, htmx=True).ok()
    told.says("There is no such task.")
    assert "checkbox" not in told.text


def test_what_nobody_sent_is_forgotten_after_a_day(rest: Rest, office: Office, task: int) -> None:
    kept = send(rest, "mei", f"/tasks/{task}", "small", "kept.txt", b"x").ok(201)["id"]
    draft = send(rest, "wang", f"/tasks/{task}", "offers", "draft.pdf", PDF).ok(201)["id"]
    listed = send(rest, "wang", f"/tasks/{task}", "secret", "listed.txt", b"x").ok(201)["id"]
    gone = send(rest, "mei", f"/tasks/{task}", "small", "gone.txt", b"x").ok(201)["id"]
    other = office.task_of(office.start("papers"), "collect")
    fresh = send(rest, "mei", f"/tasks/{other}", "small", "sent.txt", b"x").ok(201)["id"]
    rest("mei", "PUT", f"/tasks/{other}/complete", {"variables": {"small": [fresh]}}).ok()
    with office.db.transaction() as tx:
        values = {"small": str(kept), "offers": str(draft), "secret": ["", str(listed)]}
        tx.run(
            "insert into drafts (task_id, username, values, saved_at)"
            " values (%(id)s, 'mei', %(values)s, %(now)s)",
            {"id": task, "values": values, "now": NOW},
        )
    before = NOW + timedelta(days=1)
    assert duty_files.DUTY.run(office.engine, before) == 0
    assert duty_files.DUTY.run(office.engine, before + timedelta(seconds=1)) == 1
    left = {row["id"] for row in stored.rows(office.db, "select id from files")}
    assert left == {kept, draft, listed, fresh}
    assert gone not in left
    with office.db.transaction() as tx:
        tx.run("update tasks set state = 'cancelled' where id = %(id)s", {"id": task})
    assert duty_files.DUTY.run(office.engine, before + timedelta(seconds=1)) == 3


def test_the_largest_file_fits_into_a_form_and_no_larger_one(
    browser: Browser, office: Office, task: int
) -> None:
    seat = browser("mei")
    seat.post(f"/tasks/{task}/claim")
    for more, said in ((0, "big.txt"), (1, "A file is at most 10 MB.")):
        content = io.BytesIO(b"x" * (10 * 1024 * 1024 + more))
        page = seat.post(f"/tasks/{task}/complete", {"upload.secret": (content, "big.txt")})
        page.ok(422).says(said)
    assert len(stored.rows(office.db, "select 1 from files")) == 1


def test_a_file_goes_with_the_process_that_is_called_and_back(rest: Rest, office: Office) -> None:
    file = {"doc": {"type": "file"}}
    steps = {
        "kid": {"type": "user_task", "config": {"assignee": "wang", "form": file}},
        "dad": {
            "type": "call_activity",
            "config": {"process_key": "kid", "output": {"doc": "${result.doc}"}},
            "next": ["last"],
        },
        "last": {"type": "user_task", "config": {"assignee": "mei", "form": file}},
    }
    made = {}
    for key, names in (("kid", ["kid"]), ("dad", ["dad", "last"])):
        given = {
            "name": key,
            "key": key,
            "version": "1",
            "start": {"form": file},
            "steps": [{"id": name, **steps[name]} for name in names],
        }
        row, _ = definitions.create(office.db, office["li"], dumps(given), known=None, now=NOW)
        made[key] = row.id
    one = send(rest, "zhao", f"/process-definitions/{made['dad']}", "doc", "a.pdf", PDF).ok(201)
    begun = {"process_definition_key": "dad", "variables": {"doc": [one["id"]]}}
    instance = rest("zhao", "POST", "/process-instances", begun).ok(201)["id"]
    stolen = {"process_definition_key": "papers", "variables": {"offers": [{"id": one["id"]}]}}
    definitions.create(office.db, office["li"], dumps(PAPERS), known=None, now=NOW)
    rest("stranger", "POST", "/process-instances", stolen).ok(201)
    for stranger in ("mei", "stranger"):
        rest(stranger, "GET", f"/files/{one['id']}").refused(404, "file_not_found")
    task = office.task_of(instance + 1, "kid")
    shown = rest("wang", "GET", f"/tasks/{task}").ok()["values"]["doc"]
    rest("wang", "GET", f"/files/{one['id']}/content").ok()
    more = send(rest, "wang", f"/tasks/{task}", "doc", "b.pdf", PDF).ok(201)
    body = {"variables": {"doc": [*shown, more["id"]]}}
    rest("wang", "PUT", f"/tasks/{task}/complete", body).ok()
    last = office.task_of(instance, "last")
    shown = rest("mei", "GET", f"/tasks/{last}").ok()["values"]["doc"]
    assert [each["name"] for each in shown] == ["a.pdf", "b.pdf"]
    rest("mei", "GET", f"/files/{more['id']}").ok()
    rest("mei", "PUT", f"/tasks/{last}/complete", {"variables": {"doc": shown}}).ok()
    again = rest("zhao", "POST", f"/process-instances/{instance}/restart", {"reason": "Once more"})
    (copy,) = again.ok(201)["variables"]["doc"]
    assert (copy["sha256"], copy["id"] > more["id"]) == (one["sha256"], True)
    rest("zhao", "GET", f"/files/{copy['id']}").ok()
