"""Signing in and out, the profile, and what guards every page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.errors import Unavailable
from app.identity import service
from app.identity.actor import SYSTEM
from tests.support.office import NOW, Office
from tests.support.pages import Pages, Sheet

PASSWORD = "a quiet harbour at dawn"
Browser = Callable[..., Pages]


@pytest.fixture
def person(office: Office) -> str:
    """Somebody with a password."""
    made = service.create_user(
        office.db,
        SYSTEM,
        username="anna",
        name="Anna Berg",
        password=PASSWORD,
        roles=["user"],
        now=NOW,
    )
    return made.username


def enter(pages: Pages, username: str, password: str, path: str = "/sign-in") -> Sheet:
    pages.get(path)
    return pages.post(path, {"username": username, "password": password})


def test_signs_in_and_out(browser: Browser, person: str) -> None:
    pages = browser()
    enter(pages, " Anna ", PASSWORD).goes_to("/inbox")
    pages.get("/inbox").ok().says("Anna Berg")
    pages.post("/sign-out").goes_to("/sign-in")
    pages.get("/sign-in").says("You are signed out.")
    pages.get("/inbox").goes_to("/sign-in?next=/inbox")


def test_unknown_and_wrong_are_told_the_same(browser: Browser, person: str) -> None:
    wrong = enter(browser(), person, "not this").ok(422)
    unknown = enter(browser(), "nobody", "not this").ok(422)
    wrong.says("The username or the password is wrong. Check both and try again.")
    assert wrong.words == unknown.words
    assert 'value="anna"' in wrong.control("username")
    assert PASSWORD not in wrong.text
    assert 'value=""' in wrong.control("password")


def test_signing_in_by_get_is_not_possible(browser: Browser, person: str) -> None:
    pages = browser()
    pages.get(f"/sign-in?username={person}&password={PASSWORD}").ok()
    pages.get("/inbox").goes_to("/sign-in?next=/inbox")


def test_too_many_failures_wait(browser: Browser, person: str) -> None:
    pages = browser()
    for _ in range(10):
        enter(pages, person, "no").ok(422)
    late = enter(pages, person, PASSWORD).ok(429)
    late.says("Too many failed sign-ins.")
    assert int(late.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "wish",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/\t/evil.example",
        "",
    ],
)
def test_next_leads_nowhere_else(browser: Browser, person: str, wish: str) -> None:
    pages = browser()
    pages.get("/sign-in").ok()
    answer = pages.client.post(
        "/sign-in",
        query_string={"next": wish},
        data={"username": person, "password": PASSWORD, "csrf_token": pages.token},
    )
    location = answer.headers["Location"]
    assert location == "/inbox" or (location.startswith("/%") and "//" not in location)


def test_next_leads_back(browser: Browser, person: str) -> None:
    enter(browser(), person, PASSWORD, "/sign-in?next=/inbox?tab%3Ddone").goes_to("/inbox?tab=done")


def test_a_signed_in_person_passes_the_door(browser: Browser) -> None:
    browser("mei").get("/sign-in?next=/profile").goes_to("/profile")


def test_a_lost_session_comes_back_to_its_page(browser: Browser) -> None:
    pages = browser()
    pages.get("/tasks/7?draft=take").goes_to("/sign-in?next=/tasks/7?draft%3Dtake")
    sent = pages.post(
        "/tasks/7/complete", token="", htmx=True, HX_Current_URL="http://localhost/tasks/7"
    )
    assert (sent.status, sent.headers["HX-Redirect"]) == (204, "/sign-in?next=/tasks/7")
    pages.post("/tasks/7/complete", token="").goes_to("/sign-in?next=/inbox")
    plain = pages.post("/tasks/7/complete", token="", Referer="http://localhost/tasks/7")
    plain.goes_to("/sign-in?next=/tasks/7")
    foreign = pages.post("/tasks/7/complete", token="", Referer="http://evil.example/tasks/7")
    foreign.goes_to("/sign-in?next=/inbox")


def test_a_session_ends_with_the_password(browser: Browser, office: Office) -> None:
    pages = browser("mei")
    pages.get("/inbox").ok()
    service.sign_out_everywhere(office.db, office["mei"], now=NOW)
    pages.get("/inbox").goes_to("/sign-in?next=/inbox")


@pytest.mark.parametrize("kept", ["", "x", "1", "1.", "-1.1", "1.1.1", "99999.1", "²·1.0"])
def test_a_session_of_nobody_is_none(browser: Browser, kept: str) -> None:
    pages = browser()
    with pages.client.session_transaction() as session:
        session["_user_id"] = kept
    pages.get("/inbox").goes_to("/sign-in?next=/inbox")


def test_every_post_needs_its_token(app: Flask, browser: Browser) -> None:
    pages = browser("root")
    posts = [
        rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/")
    ]
    assert len(posts) > 5
    for rule in posts:
        path = rule.rule
        for argument in rule.arguments:
            path = path.replace(f"<int:{argument}>", "1")
        if rule.endpoint == "identity.let_in":
            continue
        for token in ("", "made-up"):
            pages.post(path, token=token).ok(400).says("This page has expired", "reload the page")
    pages.get("/inbox").ok()


def test_an_expired_sign_in_page_is_shown_anew(browser: Browser, person: str) -> None:
    pages = browser()
    sent = {"username": person, "password": PASSWORD}
    pages.post("/sign-in?next=/profile", sent, token="old").goes_to("/sign-in?next=/profile")
    pages.get("/sign-in").says("had been open too long")


def test_preferences_are_kept(browser: Browser, office: Office) -> None:
    pages = browser("mei")
    pages.get("/profile?lang=en").ok().says("Chen Mei", "finance_team")
    sent = {"language": "zh", "timezone": "Asia/Shanghai", "theme": "dark"}
    pages.post("/profile", sent).goes_to("/profile")
    after = service.actor_by_id(office.db, office["mei"].id)
    assert after is not None
    assert (after.language, after.timezone) == ("zh", "Asia/Shanghai")
    shown = pages.get("/profile").ok()
    assert '<html lang="zh-Hans" data-theme="dark">' in shown.text
    pages.post("/profile", {"language": "", "timezone": "", "theme": "system"}).goes_to("/profile")
    assert '<html lang="en">' in pages.get("/profile").text


def test_wrong_preferences_are_marked(browser: Browser, office: Office) -> None:
    sent = {"language": "xx", "timezone": "Mars/Base", "theme": "pink"}
    pages = browser("mei")
    pages.post("/profile", sent).ok(422).says("Choose one of the themes.")
    page = pages.post("/profile", sent | {"theme": "dark"}).ok(422)
    page.says("2 entries need another look", "“Mars/Base” is not a time zone")
    assert 'value="Mars/Base"' in page.control("timezone")
    assert 'aria-invalid="true"' in page.control("timezone")
    after = service.actor_by_id(office.db, office["mei"].id)
    assert after is not None
    assert after.timezone is None


def test_the_password_changes_and_this_session_goes_on(browser: Browser, person: str) -> None:
    pages, elsewhere = browser(), browser()
    for each in (pages, elsewhere):
        enter(each, person, PASSWORD).goes_to("/inbox")
    new = "seven green lanterns"
    sent = {"current": PASSWORD, "new": new, "again": new}
    pages.get("/profile")
    pages.post("/profile/password", sent | {"again": "other"}).ok(422).says("This differs")
    pages.post("/profile/password", sent | {"new": "short", "again": "short"}).ok(422)
    wrong = pages.post("/profile/password", sent | {"current": "wrong"}).ok(422)
    wrong.says("This is not your current password.")
    assert new not in wrong.text
    pages.post("/profile/password", sent).goes_to("/profile")
    pages.get("/inbox").ok()
    elsewhere.get("/inbox").goes_to("/sign-in?next=/inbox")
    enter(browser(), person, new).goes_to("/inbox")


def test_guessing_the_current_password_is_limited(browser: Browser, person: str) -> None:
    pages = browser()
    enter(pages, person, PASSWORD).goes_to("/inbox")
    pages.get("/profile")
    sent = {"current": "guess", "new": "seven green lanterns", "again": "seven green lanterns"}
    for _ in range(10):
        pages.post("/profile/password", sent).ok(422)
    pages.post("/profile/password", sent | {"current": PASSWORD}).ok(429).says("Too many")


def test_pages_are_private_and_guarded(browser: Browser) -> None:
    pages = browser("mei")
    for path in ("/inbox", "/profile"):
        headers = pages.get(path).ok().headers
        assert headers["Cache-Control"] == "no-store"
        assert "HX-Request" in headers["Vary"]
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        for part in ("base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
            assert part in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    cookie = pages.get("/inbox").headers.get_all("Set-Cookie")
    assert all("HttpOnly" in each and "SameSite=Lax" in each for each in cookie)


def test_errors_are_pages_in_the_readers_language(browser: Browser) -> None:
    pages = browser("mei")
    missing = pages.get("/no/such/page").ok(404).says("There is nothing here", "To the inbox")
    assert "<h1>" in missing.text
    pages.get("/tasks/999999").ok(404).says("There is no such task.")
    pages.get("/tasks/99999999999999999999").ok(404)
    pages.get("/sign-out").ok(405).says("That does not work here")
    pages.get("/inbox?tab=nonsense").ok(400).says("Use the tabs of the inbox.")
    pages.get("/inbox?after=nonsense").ok(400)
    pages.get("/inbox?tab=todo%00&q=%00").ok(400)
    assert '<html lang="zh-Hans">' in pages.get("/no/such/page?lang=zh").ok(404).text


def test_a_bug_says_nothing_of_itself(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    pages = browser("mei")
    monkeypatch.setattr("app.web.inbox.inbox", broken)
    page = pages.get("/inbox").ok(500)
    page.says("Something went wrong on our side", page.headers["X-Request-ID"])
    assert "secret detail" not in page.text
    part = pages.get("/inbox", htmx=True).ok(500)
    assert "<html" not in part.text
    assert '"tone": "bad"' in part.headers["HX-Trigger"]


def test_without_the_database_a_page_says_so(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable("database_away", "The database cannot be reached. Try again later.")

    pages = browser("mei")
    monkeypatch.setattr("app.web.session.actor_and_epoch", away)
    page = pages.get("/inbox").ok(503)
    page.says("Out of reach for the moment", "The database cannot be reached.")
    assert int(page.headers["Retry-After"]) > 0
