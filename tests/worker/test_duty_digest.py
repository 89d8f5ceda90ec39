"""One mail a day: when it comes, what it lists, and that nothing is sent twice or lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.connector.base import ConnectorError, JobContext
from app.notice import mail
from app.notice import service as notices
from app.notice.mail import day_of
from app.task import absence
from app.task import service as tasks
from app.task.absence import Wish
from app.worker import duty_mail
from tests.support.threads import at_once
from tests.worker.conftest import Shop
from tests.worker.test_duty_mail import given, mailing, wants

TONIGHT = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
"""Eight in the morning of the next day in Shanghai; the shop opens at nine UTC."""


@dataclass
class Sent:
    """A way to send mails that notes them, and fails as long as it should."""

    mails: list[tuple[str, str, str]] = field(default_factory=list)
    fails: bool = False

    def send(self, mail_: Mapping[str, Any], context: JobContext) -> None:
        if self.fails:
            raise ConnectorError("unreachable", "away")
        self.mails.append((context.idempotency_key, mail_["subject"], mail_["data"]["text"]))


def digest(shop: Shop, username: str = "zhao", *, zone: str | None = "Asia/Shanghai") -> None:
    wants(shop, username, choice="digest", zone=zone)


def deliver(shop: Shop, sent: Sent, at: datetime, *, url: str = "") -> int:
    return duty_mail.deliver(replace(mailing(shop, sent.send), public_url=url), at)


@pytest.mark.parametrize(
    ("at", "zone", "hour", "when"),
    [
        ("2026-03-02T09:00", None, 8, "2026-03-03T08:00"),
        ("2026-03-02T07:59", None, 8, "2026-03-02T08:00"),
        ("2026-03-02T08:00", None, 8, "2026-03-03T08:00"),
        ("2026-03-02T09:00", "Asia/Shanghai", 18, "2026-03-02T10:00"),
        ("2026-03-02T23:00", "America/New_York", 0, "2026-03-03T05:00"),
        ("2026-03-28T12:00", "Europe/Berlin", 8, "2026-03-29T06:00"),  # their clocks go forward
        ("2026-03-28T12:00", "Europe/Berlin", 2, "2026-03-29T01:00"),  # an hour that is not there
        ("2026-03-02T09:00", "Mars/Olympus", 8, "2026-03-03T08:00"),
    ],
)
def test_the_hour_is_the_persons(at: str, zone: str | None, hour: int, when: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert day_of(moment, zone, hour).isoformat() == f"{when}:00+00:00"


def test_what_happens_in_a_day_is_one_mail_in_the_morning(shop: Shop) -> None:
    digest(shop)
    sent = Sent()
    first = given(shop, "zhao")
    assert deliver(shop, sent, shop.at) == 0
    second = given(shop, "zhao")
    assert deliver(shop, sent, TONIGHT - timedelta(seconds=1)) == 0
    assert deliver(shop, sent, TONIGHT, url="https://flow.example") == 1
    assert deliver(shop, sent, TONIGHT + timedelta(days=1)) == 0
    ((key, subject, text),) = sent.mails
    assert (key, subject) == (f"digest-{first}", "2 notifications for you")
    assert text.index(f"?told={second}") < text.index(f"?told={first}")
    assert "“Approve” waits for you: Request" in text
    assert text.endswith(
        "See them all: https://flow.example/notifications\nYou can choose there how you are told."
    )


def test_it_names_only_so_many_and_counts_the_others(shop: Shop) -> None:
    digest(shop)
    given(shop, "zhao")
    with shop.db.transaction() as tx:
        tx.run(
            "insert into notifications (username, event, instance_id, task_id, actor, at, mail_at,"
            " digest) select username, event, instance_id, task_id, actor, at, mail_at, digest"
            " from notifications, generate_series(1, 31)"
        )
    sent = Sent()
    assert deliver(shop, sent, shop.at) == 0
    assert deliver(shop, sent, TONIGHT) == 1
    ((_, subject, text),) = sent.mails
    assert subject == "32 notifications for you"
    assert text.count("\n\n- “Approve”") + text.startswith("- ") == mail.LISTED
    assert "and 12 more" in text


def test_what_is_read_or_done_by_then_is_left_out(shop: Shop) -> None:
    digest(shop)
    sent = Sent()
    zhao = shop.office["zhao"]
    notices.read(shop.db, zhao, [given(shop, "zhao")], now=shop.at)
    given(shop, "zhao")
    (row,) = shop.rows("select max(task_id) as id from notifications")
    tasks.complete(shop.engine, zhao, row["id"], {"approved": True}, now=shop.at)
    assert deliver(shop, sent, TONIGHT) == 0
    left = given(shop, "zhao")
    assert deliver(shop, sent, TONIGHT) == 1
    assert [each[0] for each in sent.mails] == [f"digest-{left}"]


def test_a_day_that_cannot_be_sent_is_tried_again_apart_from_the_next(shop: Shop) -> None:
    digest(shop)
    sent = Sent(fails=True)
    first = given(shop, "zhao")
    given(shop, "zhao")
    assert deliver(shop, sent, TONIGHT) == 0
    sent.fails = False
    with shop.db.transaction() as tx:
        tx.run("update notifications set at = %(at)s", {"at": TONIGHT})
    assert deliver(shop, sent, TONIGHT + timedelta(seconds=59)) == 0
    later = given(shop, "zhao")
    assert deliver(shop, sent, TONIGHT + timedelta(minutes=1)) == 2
    assert {each[:2] for each in sent.mails} == {
        (f"digest-{first}", "2 notifications for you"),
        (f"digest-{later}", "1 notification for you"),
    }


def test_a_process_that_dies_while_sending_loses_nothing(shop: Shop) -> None:
    digest(shop)
    notes = (given(shop, "zhao"), given(shop, "zhao"))
    taken = mail.take(shop.db, now=TONIGHT)
    assert taken is not None
    assert taken.ids == notes
    sent = Sent()
    assert deliver(shop, sent, TONIGHT + timedelta(minutes=9)) == 0
    assert deliver(shop, sent, TONIGHT + mail.LEASE) == 1
    assert sent.mails[0][0] == taken.key


def test_two_duties_at_once_send_a_day_once(open_shop: Shop) -> None:
    digest(open_shop)
    for _ in range(6):
        given(open_shop, "zhao")
    sent = Sent()
    assert sorted(at_once([lambda: deliver(open_shop, sent, TONIGHT)] * 2)) == [0, 1]
    assert len(sent.mails) == 1


def test_what_waits_follows_a_changed_mind(shop: Shop) -> None:
    digest(shop)
    zhao, sent = shop.office["zhao"], Sent()
    given(shop, "zhao")
    assert deliver(shop, sent, shop.at) == 0
    notices.choose(shop.db, zhao, {}, digest_hour=18)
    ten = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert deliver(shop, sent, ten - timedelta(seconds=1)) == 0
    notices.choose(shop.db, zhao, {"task": "page"})
    assert deliver(shop, sent, ten) == 0
    given(shop, "zhao")
    notices.choose(shop.db, zhao, {"task": "digest"})
    given(shop, "zhao")
    assert deliver(shop, sent, ten) == 1
    assert sent.mails[0][1] == "1 notification for you"


def test_each_kind_is_mailed_as_it_was_chosen(shop: Shop) -> None:
    digest(shop)
    sent, zhao = Sent(), shop.office["zhao"]
    notices.choose(shop.db, zhao, {"reminded": "mail"})
    given(shop, "zhao")
    (row,) = shop.rows("select max(task_id) as id from notifications")
    tasks.remind(shop.engine, shop.office["li"], row["id"], now=shop.at)
    assert deliver(shop, sent, shop.at, url="https://flow.example/w") == 1
    ((key, subject, text),) = sent.mails
    assert subject == "Li Wei reminds you of “Approve”: Request"
    told = key.removeprefix("notification-")
    assert f"See it and go on: https://flow.example/w/tasks/{row['id']}?told={told}" in text
    assert deliver(shop, sent, TONIGHT) == 1
    assert sent.mails[1][1] == "1 notification for you"


def test_without_an_address_a_mail_says_what_to_look_for(shop: Shop) -> None:
    wants(shop, "zhao", language="zh")
    sent = Sent()
    given(shop, "zhao")
    assert deliver(shop, sent, shop.at) == 1
    assert sent.mails[0][2].endswith("请登录系统，在通知中打开“Request”。")


def test_an_absence_is_mailed_with_its_times_in_the_readers_zone_and_language(shop: Shop) -> None:
    office, sent = shop.office, Sent()
    wants(shop, "zhao", language="zh", zone="Asia/Shanghai")
    wants(shop, "li", zone="America/New_York")
    for name, choice in (("zhao", "mail"), ("li", "digest")):
        notices.choose(shop.db, office[name], {"substitute": choice, "absence": choice})
    wish = Wish("zhao", shop.at + timedelta(days=4), starts_at=shop.at + timedelta(hours=9))
    absence.set_(shop.db, office["root"], wish, user="li", now=shop.at)
    assert deliver(shop, sent, shop.at, url="https://flow.example") == 1
    ((key, subject, text),) = sent.mails
    assert subject == "您代理 Li Wei：2026年3月3日 02:00 至 2026年3月6日 17:00"
    assert f"https://flow.example/notifications/{key.removeprefix('notification-')}" in text
    assert deliver(shop, sent, shop.at + timedelta(days=1)) == 1
    said = "- Root has entered that you are away: Mar 2, 2026 1:00 PM to Mar 6, 2026 4:00 AM;"
    assert said in sent.mails[1][2].replace("\u202f", " ")
