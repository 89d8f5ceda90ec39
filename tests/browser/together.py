"""An office of its own for pictures of what people do together: sign, ask, return, stand in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

from app.cli.demo import EXAMPLES
from app.definition import service as definitions
from app.identity import service as identity
from app.identity.actor import SYSTEM
from app.notice import service as notices
from app.runtime import service as runtime
from app.task import absence, unassigned
from app.task import service as tasks
from tests.browser.serving import Live
from tests.browser.shot import Shot
from tests.support import stored
from tests.support.rest import Clock

PASSWORD: Final = "password123"
PEOPLE: Final = {
    "yan": "Wu Yan 吴燕",
    "hao": "Guo Hao 郭浩",
    "lin": "Lin Tao 林涛",
    "ting": "Xu Ting 许婷",
}
_PARTNER: Final = {"type": "string", "label": {"en": "Partner", "zh": "合作方"}}
_MONTHS: Final = {"type": "integer", "label": {"en": "Months", "zh": "期限（月）"}}
_VALUE: Final = {"type": "number", "label": {"en": "Value per year", "zh": "年度金额"}}
_YES: Final = {"type": "boolean", "required": True}
_REMARK: Final = {"type": "text", "label": {"en": "Remark", "zh": "意见"}}
CONTRACT: Final[dict[str, Any]] = {
    "key": "framework_contract",
    "name": {"en": "Framework contract", "zh": "框架协议"},
    "description": {"en": "Written, checked by two, signed", "zh": "起草，双重审核，签署"},
    "version": "1.0.0",
    "start": {"title": "${partner}", "form": {"partner": _PARTNER}},
    "variables": {
        "partner": _PARTNER,
        "months": _MONTHS,
        "value": _VALUE,
        "terms_ok": {"type": "boolean", "label": {"en": "Terms are right", "zh": "条款无误"}},
        "price_ok": {"type": "boolean", "label": {"en": "Price is right", "zh": "价格合理"}},
        "signed": {"type": "boolean", "label": {"en": "Sign it", "zh": "同意签署"}},
        "remark": {"type": "text", "label": {"en": "Remark", "zh": "意见"}},
    },
    "steps": [
        {
            "id": "write",
            "name": {"en": "Write the contract", "zh": "起草合同"},
            "type": "user_task",
            "config": {"assignee": "hao", "form": {"months": _MONTHS, "value": _VALUE}},
            "next": ["both"],
        },
        {
            "id": "both",
            "name": {"en": "Check", "zh": "审核"},
            "type": "parallel_gateway",
            "next": ["terms", "price"],
        },
        {
            "id": "terms",
            "name": {"en": "Check the terms", "zh": "审核条款"},
            "type": "user_task",
            "config": {
                "assignee": "yan",
                "form": {
                    "terms_ok": {**_YES, "label": {"en": "Terms are right", "zh": "条款无误"}},
                    "remark": _REMARK,
                },
                "due_date": "3d",
                "summary": ["months", "value"],
                "allow": [
                    *("release", "assign", "transfer", "delegate", "consult", "add_signer"),
                    *("return", "recall", "remind", "cc", "comment", "attach", "withdraw"),
                ],
            },
            "next": ["checked"],
        },
        {
            "id": "price",
            "name": {"en": "Check the price", "zh": "核价"},
            "type": "user_task",
            "config": {
                "assignee": "lin",
                "form": {
                    "price_ok": {**_YES, "label": {"en": "Price is right", "zh": "价格合理"}},
                },
                "due_date": "1d",
            },
            "next": ["checked"],
        },
        {
            "id": "checked",
            "name": {"en": "Checked", "zh": "审核完毕"},
            "type": "parallel_gateway",
            "next": ["sign"],
        },
        {
            "id": "sign",
            "name": {"en": "Sign the contract", "zh": "签署合同"},
            "type": "user_task",
            "config": {
                "assignee": "yan",
                "form": {"signed": {**_YES, "label": {"en": "Sign it", "zh": "同意签署"}}},
            },
        },
    ],
}
CLAIM: Final[dict[str, Any]] = {
    "key": "small_claim",
    "name": {"en": "Small expenses", "zh": "小额报销"},
    "version": "1.0.0",
    "start": {"title": "${what}"},
    "variables": {
        "what": {"type": "string", "label": {"en": "What for", "zh": "事由"}},
        "agreed": {"type": "boolean", "label": {"en": "Agreed", "zh": "同意"}},
    },
    "steps": [
        {
            "id": "agree",
            "name": {"en": "Agree to it", "zh": "部门同意"},
            "type": "user_task",
            "config": {
                "assignee": "${initiator.username}",
                "form": {"agreed": {**_YES, "label": {"en": "Agreed", "zh": "同意"}}},
                "approval": {"self_approval": "skip"},
            },
            "next": ["pay"],
        },
        {
            "id": "pay",
            "name": {"en": "Pay it out", "zh": "付款"},
            "type": "user_task",
            "config": {"assignee": "ting", "form": {"paid_on": "date"}},
        },
    ],
}


@dataclass(frozen=True)
class Together:
    """Ids of what the pictures show; tasks unless said otherwise."""

    plain: int
    vote: int
    decided: int
    counted: int
    overruled: int
    waiting: int
    advice: int
    question: int
    opinions: int
    pending: int
    after: int
    again: int
    returned: int
    written: int
    by_rule: int
    left: int
    overdue: int
    withdrawn: int
    own: int
    """The last two are instances."""


def work_together(live: Live, clock: Clock) -> Together:
    """Fill the office; the clock ends where it stood."""
    end = clock.at
    _people(live, clock)
    for document in (CONTRACT, CLAIM, _review()):
        text = json.dumps(document, ensure_ascii=False, indent=2)
        definitions.create(live.engine.db, live.actor("admin"), text, known=None, now=clock())
    office = _Office(live)

    def at(**before: float) -> None:
        live.settle()
        clock.at = end - timedelta(**before)

    at(days=2, hours=3)
    overdue = live.task(office.contract("Nordlicht Papier GmbH"), "price")
    by_rule_of = live.start("small_claim", "yan", what="Taxi to the customer 打车费")
    withdrawn = live.start("framework_contract", "hao", partner="Old Mill Printing")
    runtime.withdraw(live.engine, live.actor("hao"), withdrawn, comment="Twice.", now=clock())
    again = office.contract("上海恒文办公用品有限公司", months=24, value=480000)
    at(days=1, hours=20)
    office.give_back(again, "A year is enough, with an option for a second one. 期限改为一年。")
    at(hours=30)
    office.do(again, "write", "hao", months=12, value=255000)
    returned = office.contract("Baltic Freight")
    office.give_back(returned, "The bank details are missing.")
    reviewed, counted = office.review("北京文仪"), office.review("Far Hills Timber")
    at(hours=26)
    office.vote(reviewed, "yan", approved=True, remark="价格和交期都好。")
    at(hours=25)
    office.vote(reviewed, "lin", approved=True)
    at(hours=5)
    voted = office.vote(counted, "lin", approved=False, remark="Two late deliveries last year.")
    mine = office.of(counted, "yan")
    tasks.add_signer(
        *(live.engine, live.actor("yan"), mine, ["wang"]), comment="Knows them.", now=clock()
    )
    at(hours=4)
    advice = office.terms("Kestrel Software")
    tasks.delegate(
        *(live.engine, live.actor("yan"), advice, "lin"),
        comment="Is the exit clause as usual? 退出条款正常吗？",
        now=clock(),
    )
    asked = office.terms("Green Desk Leasing")
    tasks.delegate(
        live.engine, live.actor("yan"), asked, "lin", comment="Please read.", now=clock()
    )
    at(hours=3)
    given = {"terms_ok": "true", "remark": "Clause 7 is new, but harmless. 第七条无妨。"}
    tasks.resolve(
        *(live.engine, live.actor("lin"), office.side(asked, "lin"), given),
        text=True,
        outcome="approve",
        comment="Looks good to me.",
        now=clock(),
    )
    tasks.consult(
        *(live.engine, live.actor("yan"), asked, ["hao", "lin"]),
        "Who is the contact? 联系人是谁？",
        now=clock(),
    )
    tasks.resolve(
        *(live.engine, live.actor("hao"), office.side(asked, "hao"), {}),
        comment="Mr. Grün, 030 5550100",
        now=clock(),
    )
    after = office.terms("Riverside Catering")
    tasks.add_signer(
        *(live.engine, live.actor("yan"), after, ["lin"], "after"),
        values={"terms_ok": True, "remark": "One year only."},
        comment="Please countersign.",
        now=clock(),
    )
    at(hours=1)
    plain = office.terms("Harbour Cleaning")
    file = tasks.attach(
        *(live.engine, live.actor("yan"), plain, "offer 报价单 2026.pdf", b"%PDF-1.7" * 9000),
        now=clock(),
    )
    tasks.comment(
        *(live.engine, live.actor("yan"), plain, "The new offer, @lin."),
        files=[file["id"]],
        now=clock(),
    )
    at(minutes=8)
    written = office.contract("Fern & Sons")
    typed = {"remark": "Page 3"}
    yans = live.task(written, "terms")
    tasks.save_draft(live.engine, live.actor("yan"), yans, typed, now=clock())
    left = live.task(by_rule_of, "pay")
    at(days=0)
    _absences(live, clock)
    return Together(
        plain=plain,
        vote=mine,
        decided=office.of(reviewed, "lin", done=True),
        counted=voted,
        overruled=office.of(reviewed, "hao", done=True),
        waiting=advice,
        advice=office.side(advice, "lin"),
        question=office.side(asked, "lin"),
        opinions=asked,
        pending=after,
        after=office.side(after, "lin"),
        again=live.task(again, "terms"),
        returned=live.task(returned, "write"),
        written=office.of(written, "hao", done=True),
        by_rule=office.of(by_rule_of, None, done=True),
        left=left,
        overdue=overdue,
        withdrawn=withdrawn,
        own=written,
    )


@dataclass(frozen=True)
class _Office:
    """What people do in it."""

    live: Live

    def contract(self, partner: str, **written: Any) -> int:
        """Let a contract be written; return the id of the instance."""
        instance = self.live.start("framework_contract", "hao", partner=partner)
        self.do(instance, "write", "hao", **({"months": 12, "value": 96000} | written))
        return instance

    def terms(self, partner: str) -> int:
        """Return the task of who checks the terms of a new contract."""
        return self.live.task(self.contract(partner), "terms")

    def review(self, supplier: str) -> int:
        """Let a supplier be reviewed; return the id of the instance."""
        return self.live.start("supplier_review", "hao", supplier=supplier)

    def do(self, instance: int, step: str, by: str, **values: Any) -> None:
        """Complete the task of a step."""
        self.live.complete(self.live.task(instance, step), by, **values)

    def vote(self, instance: int, by: str, **values: Any) -> int:
        """Let somebody decide with others; return the id of their task."""
        task = self.of(instance, by)
        self.live.complete(task, by, **values)
        return task

    def give_back(self, instance: int, why: str) -> None:
        """Return a contract to who wrote it."""
        live, task = self.live, self.live.task(instance, "terms")
        tasks.give_back(
            live.engine, live.actor("yan"), task, "write", comment=why, now=live.clock()
        )

    def of(self, instance: int, who: str | None, *, done: bool = False) -> int:
        """Return the id of somebody's first task, a live one or one that is over."""
        states = "('completed', 'cancelled')" if done else "('open', 'claimed')"
        sql = (
            "select min(id) as id from tasks where instance_id = %(id)s and serves is null"
            f" and (%(who)s::text is null or assignee = %(who)s) and state in {states}"
        )
        return int(stored.row(self.live.engine.db, sql, id=instance, who=who)["id"])

    def side(self, task: int, who: str) -> int:
        """Return the id of what somebody was asked about a task, lately."""
        sql = "select max(id) as id from tasks where serves = %(id)s and assignee = %(who)s"
        return int(stored.row(self.live.engine.db, sql, id=task, who=who)["id"])


def _people(live: Live, clock: Clock) -> None:
    db, now = live.engine.db, clock()
    identity.create_group(db, SYSTEM, name="purchasing", title="Purchasing 采购", now=now)
    for username, name in PEOPLE.items():
        identity.create_user(
            db,
            SYSTEM,
            username=username,
            name=name,
            email=f"{username}@example.com",
            password=PASSWORD,
            groups=["purchasing"] if username != "ting" else [],
            roles=["user"],
            now=now,
        )
        identity.set_preferences(db, live.actor(username), language=None, timezone="Asia/Shanghai")


def _review() -> dict[str, Any]:
    """Return the shipped admission of suppliers, for the people of this office."""
    path: Path = EXAMPLES / "example_supplier_admission.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    review, _, sign, *_ = document["steps"]
    review["config"]["assignees"] = ["group:purchasing"]
    sign["config"]["assignees"] = ["yan", "lin"]
    return document | {"key": "supplier_review"}


def _absences(live: Live, clock: Clock) -> None:
    db, now = live.engine.db, clock()
    wish = absence.Wish("lin", now + timedelta(days=5), now - timedelta(minutes=1))
    absence.set_(db, live.actor("hao"), wish, now=now)
    later = absence.Wish(
        "yan", now + timedelta(days=40), now + timedelta(days=30), ["framework_contract"], False
    )
    absence.set_(db, live.actor("hao"), later, now=now)
    chosen = {"task": "digest", "mentioned": "mail"}
    notices.choose(db, live.actor("lin"), chosen, digest_hour=8)


def shots_of_people(live: Live, ids: Together) -> Iterator[Shot]:
    """Yield what people do together."""
    yield from _of_signatures(ids)
    yield from _of_questions(ids)
    yield from _of_ways_back(ids)
    yield from _of_rules(live, ids)
    yield from _of_absences(ids)
    yield Shot("people-comment-with-file", "yan", f"/tasks/{ids.plain}#comments")
    yield Shot("people-notifications", "lin", "/notifications")
    yield Shot("people-remind-selected", "hao", "/requests", _selects_all, part=True)
    yield Shot("people-remind", "hao", "/requests", _reminds)
    yield Shot("people-filters-open", "yan", "/inbox", _unfolds, part=True)
    yield Shot("people-inbox-desk", "yan", "/inbox")


def _of_signatures(ids: Together) -> Iterator[Shot]:
    yield Shot("people-seats-open", "yan", f"/tasks/{ids.vote}")
    yield Shot("people-seats-decided", "lin", f"/tasks/{ids.decided}")
    yield Shot("people-seats-overruled", "hao", f"/tasks/{ids.overruled}")
    yield Shot("people-done-decided-by", "hao", "/inbox?tab=done")
    yield Shot("people-counted", "lin", f"/tasks/{ids.counted}/done")
    yield Shot("people-add", "yan", f"/tasks/{ids.vote}", _more("add-signer"), part=True)
    yield Shot("people-add-plain", "yan", f"/tasks/{ids.vote}/add-signer", script=False)
    yield Shot(
        "people-remove", "yan", f"/tasks/{ids.vote}", _dialog("a[href*='remove-']"), part=True
    )


def _of_questions(ids: Together) -> Iterator[Shot]:
    yield Shot("people-advice", "lin", f"/tasks/{ids.advice}")
    yield Shot("people-question", "lin", f"/tasks/{ids.question}")
    yield Shot("people-sign-after", "lin", f"/tasks/{ids.after}")
    yield Shot("people-opinions", "yan", f"/tasks/{ids.opinions}")
    yield Shot("people-waiting", "yan", f"/tasks/{ids.waiting}")
    yield Shot("people-waiting-after", "yan", f"/tasks/{ids.pending}")
    yield Shot("people-after-me", "yan", f"/tasks/{ids.plain}", _after_me)
    yield Shot("people-menu", "yan", f"/tasks/{ids.plain}", _opens_more, part=True)
    yield Shot("people-ask-advice", "yan", f"/tasks/{ids.plain}", _more("delegate"), part=True)
    yield Shot("people-ask-question", "yan", f"/tasks/{ids.plain}", _more("consult"), part=True)


def _of_ways_back(ids: Together) -> Iterator[Shot]:
    back = "a[href$='/return']"
    yield Shot("people-return", "yan", f"/tasks/{ids.plain}", _dialog(back), part=True)
    yield Shot("people-again", "yan", f"/tasks/{ids.again}", _unfolds_earlier)
    yield Shot("people-returned", "hao", f"/tasks/{ids.returned}")
    yield Shot("people-withdrawn", "hao", f"/instances/{ids.withdrawn}")
    yield Shot(
        "people-withdraw",
        "hao",
        f"/instances/{ids.own}",
        _dialog("a[href$='/withdraw']"),
        part=True,
    )
    yield Shot("people-recall-refused", "hao", f"/tasks/{ids.written}", _recalls, part=True)


def _of_rules(live: Live, ids: Together) -> Iterator[Shot]:
    def leaves() -> str:
        unassigned.set_active(
            live.engine, live.actor("admin"), "ting", active=False, now=live.clock()
        )
        return "/inbox/unassigned"

    yield Shot("people-unassigned", "li", "", before=leaves)
    yield Shot("people-by-rule", "yan", f"/tasks/{ids.by_rule}")
    yield Shot("people-overdue", "lin", f"/tasks/{ids.overdue}")


def _of_absences(ids: Together) -> Iterator[Shot]:
    yield Shot("people-absences-none", "yan", "/absences")
    yield Shot("people-absences", "hao", "/absences")
    yield Shot("people-absences-wrong", "yan", "/absences", _is_away_wrongly)
    yield Shot("people-absences-manager", "li", "/absences?whose=hao")
    yield Shot("people-away", "hao", "/inbox")
    yield Shot("people-inbox-for-another", "lin", "/inbox")
    yield Shot("people-decides-for-another", "lin", f"/tasks/{ids.returned}")


def _dialog(link: str) -> Callable[[Page], None]:
    """Open the dialog of a link."""

    def act(page: Page) -> None:
        page.locator(link).first.click()
        page.locator("dialog[open]").wait_for()

    return act


def _more(verb: str) -> Callable[[Page], None]:
    """Open the dialog of a verb, wherever it stands."""

    def act(page: Page) -> None:
        link = page.locator(f"a[href$='/{verb}']").first
        if not link.is_visible():
            _opens_more(page)
        link.click()
        page.locator("dialog[open]").wait_for()

    return act


def _opens_more(page: Page) -> None:
    page.locator(".menu-down > summary").click()


def _after_me(page: Page) -> None:
    page.locator("details.more:has([name=after]) > summary").click()


def _unfolds_earlier(page: Page) -> None:
    page.locator("#changes summary").click()


def _unfolds(page: Page) -> None:
    fold = page.locator(".fold > summary")
    if fold.is_visible():
        fold.click()


def _recalls(page: Page) -> None:
    _dialog("a[href$='/recall']")(page)
    page.locator("dialog[open] form .btn").last.click()
    page.locator(".notice[role=status]").wait_for()


def _selects_all(page: Page) -> None:
    for box in page.locator("[data-pick]").all():
        box.check()


def _reminds(page: Page) -> None:
    _selects_all(page)
    page.locator("#bulk [type=submit]").click()
    page.wait_for_url("**/inbox/bulk/remind")


def _is_away_wrongly(page: Page) -> None:
    page.locator("[name$='substitute']").fill("nobody")
    page.locator("[name$='until']").fill("2020-01-01T08:00")
    page.locator("form[action$='/absences'] .btn-primary").click()
    page.locator("[data-error-summary]").wait_for()
