"""Notifications by mail: to whom, in which language, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest

from app.connector.base import ConnectorError, JobContext
from app.connector.registry import Registry
from app.notice import mail
from app.notice import service as notices
from app.notice.away import Change
from app.notice.store import EVENTS
from app.runtime.ports import Engine
from app.task import service as tasks
from app.worker import duty_mail
from app.worker.mail_words import _ABSENCES, _SUBJECTS
from tests.support.until import until
from tests.worker.conftest import Shop
from tests.worker.test_connector_mail import Box, mailer, serving


@pytest.fixture
def box() -> Iterator[Box]:
    with serving() as made:
        yield made


def mailing(shop: Shop, send: Any) -> Engine:
    """Return the shop's engine with a way to send mails."""
    registry = Registry()
    registry.register("email", "send", send)
    return replace(shop.engine, services=registry)


def wants(
    shop: Shop,
    username: str,
    *,
    language: str | None = None,
    choice: str = "mail",
    zone: str | None = None,
) -> None:
    """Give somebody an address, and let them be mailed about tasks."""
    who = shop.office[username]
    with shop.db.transaction() as tx:
        tx.run(
            "update users set email = %(email)s, language = %(language)s, timezone = %(zone)s"
            " where id = %(id)s",
            {
                "email": f"{username}@example.com",
                "language": language,
                "zone": zone,
                "id": who.id,
            },
        )
    notices.choose(shop.db, who, {"task": choice})


def given(shop: Shop, to: str) -> int:
    """Give a task to somebody; return the id of their notification."""
    task = shop.office.open_task()
    comment = "You know\nthem."
    li = shop.office["li"]
    tasks.assign(shop.engine, li, task, to, comment=comment, now=shop.at)
    (row,) = shop.rows("select max(id) as id from notifications")
    return int(row["id"])


def left(shop: Shop) -> list[tuple[Any, int]]:
    found = shop.rows("select mail_at, mail_tries from notifications order by id")
    return [(each["mail_at"], each["mail_tries"]) for each in found]


def test_who_wants_mails_gets_one_in_their_language(shop: Shop, box: Box) -> None:
    engine = mailing(shop, mailer(box).send)
    wants(shop, "zhao", language="zh")
    note = given(shop, "zhao")
    assert duty_mail.deliver(engine, shop.at) == 1
    assert duty_mail.deliver(engine, shop.later(days=1)) == 0
    message = box.message()
    assert message["To"] == "zhao@example.com"
    assert message["Subject"] == "“审批”等待您处理：Request"
    assert message["Message-ID"] == f"<workflow-notification-{note}@example.org>"
    text = message.get_content()
    assert "Zhao Min，您好！" in text
    assert "You know them." in text
    assert left(shop) == [(None, 1)]


def test_that_a_task_is_taken_back_is_mailed_although_it_is_over(shop: Shop, box: Box) -> None:
    wants(shop, "zhao")
    note = given(shop, "zhao")
    with shop.db.transaction() as tx:
        told = "update notifications set event = 'withdrawn' where id = %(id)s"
        tx.run(told, {"id": note})
        tx.run("update tasks set state = 'cancelled'")
    assert duty_mail.deliver(mailing(shop, mailer(box).send), shop.at) == 1
    assert "took back" in box.message()["Subject"]


def test_without_a_language_it_is_english(shop: Shop, box: Box) -> None:
    wants(shop, "zhao")
    given(shop, "zhao")
    duty_mail.deliver(mailing(shop, mailer(box).send), shop.at)
    assert box.message()["Subject"].startswith("“Approve” waits for you: ")


@pytest.mark.parametrize("choice", ["page", "none"])
def test_who_does_not_want_mails_gets_none(shop: Shop, box: Box, choice: str) -> None:
    wants(shop, "zhao", choice=choice)
    shop.office.open_task()
    task = shop.office.open_task()
    tasks.assign(shop.engine, shop.office["li"], task, "zhao", now=shop.at)
    assert duty_mail.deliver(mailing(shop, mailer(box).send), shop.at) == 0
    assert box.envelopes == []
    assert len(left(shop)) == (1 if choice == "page" else 0)


@pytest.mark.parametrize(
    "change",
    [
        "update notifications set read_at = now()",
        "update users set active = false",
        "update users set email = null",
    ],
)
def test_what_is_read_or_cannot_be_sent_any_more_is_not_mailed(
    shop: Shop, box: Box, change: str
) -> None:
    wants(shop, "zhao")
    given(shop, "zhao")
    with shop.db.transaction() as tx:
        tx.run(change)
    assert duty_mail.deliver(mailing(shop, mailer(box).send), shop.at) == 0
    assert (box.envelopes, left(shop)) == ([], [(None, 0)])


def test_a_server_that_fails_is_tried_again_later_and_at_last_given_up(shop: Shop) -> None:
    calls: list[int] = []

    def fails(_given: Mapping[str, Any], context: JobContext) -> None:
        calls.append(context.attempt)
        raise ConnectorError("unreachable", "away")

    engine = mailing(shop, fails)
    wants(shop, "zhao")
    given(shop, "zhao")
    given(shop, "zhao")
    assert duty_mail.deliver(engine, shop.at) == 0
    assert left(shop) == [(shop.at + timedelta(minutes=1), 1), (shop.at, 0)]
    for _ in range(2 * mail.MOST_TRIES):
        duty_mail.deliver(engine, shop.later(hours=7))
    assert left(shop) == [(None, mail.MOST_TRIES)] * 2
    assert sorted(calls) == sorted([*range(1, mail.MOST_TRIES + 1)] * 2)


def test_an_address_that_is_refused_for_good_is_not_tried_again(shop: Shop, box: Box) -> None:
    box.refused["zhao@example.com"] = "550 nobody here"
    engine = mailing(shop, mailer(box).send)
    wants(shop, "zhao")
    wants(shop, "wang")
    given(shop, "zhao")
    given(shop, "wang")
    assert duty_mail.deliver(engine, shop.at) == 1
    assert left(shop) == [(None, 1), (None, 1)]
    assert box.message()["To"] == "wang@example.com"


def test_a_mail_that_died_on_the_way_is_sent_after_its_lease(shop: Shop, box: Box) -> None:
    engine = mailing(shop, mailer(box).send)
    wants(shop, "zhao")
    given(shop, "zhao")
    assert mail.take(shop.db, now=shop.at) is not None
    assert duty_mail.deliver(engine, shop.later(minutes=9)) == 0
    assert duty_mail.deliver(engine, shop.later(minutes=1)) == 1
    assert left(shop) == [(None, 2)]


def test_the_duty_sends_in_the_background(open_shop: Shop, box: Box) -> None:
    postman = duty_mail.Postman()
    engine = mailing(open_shop, mailer(box).send)
    assert postman.run(engine, open_shop.at) == 0
    wants(open_shop, "zhao")
    given(open_shop, "zhao")
    assert postman.run(engine, open_shop.at) == 1
    until(lambda: left(open_shop) == [(None, 1)])
    assert box.message()["To"] == "zhao@example.com"


def test_every_kind_has_words_in_every_language() -> None:
    changes = {
        f"{event} {each}" for event in ("substitute", "absence") for each in get_args(Change)
    }
    assert [set(words) for words in _ABSENCES.values()] == [changes, changes]
    assert {language: set(words) for language, words in _SUBJECTS.items()} == {
        language: set(EVENTS) for language in ("en", "zh")
    }
