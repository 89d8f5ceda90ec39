"""Every page in Chinese has no English left on it, and in English no Chinese."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.core.nodes.table import NODES
from app.core.values import TYPES
from app.runtime import queries
from app.task import queries as task_queries
from app.task import service as tasks
from app.task import unassigned
from tests.support.office import NOW, Office
from tests.support.pages import Pages, Sheet
from tests.support.reading import texts_of
from tests.support.walk_oneself import oneself

Browser = Callable[..., Pages]
Seen = tuple[str, str, Sheet]
"""method, address, page"""

ENGLISH = re.compile(r"\b[A-Za-z_]{2,}\b", re.ASCII)
CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff01-\uff5e]")
GAP = re.compile(
    r"[。！？；：，]\s+(?:<(?:a|span(?! class=\"required)|code|strong|b)\b|[^\s<·]).{0,40}"
)
"""A blank after a full stop that brings its own, before more on the same line."""
WRITTEN = """
    Chen Choice Fang Li Mei Min One Root Some Wang Wei Zhao CM WF ZM admin mei nobody root zhao
    finance_team assigne assignee book choice conditions config default en expression id look
    method next outcomes request service_name status strin think trip variables zh password123
    Nowhere amount bogus_gateway colour description go key moons name nowhere null settings start
    steps version zebra process write ISO Ctrl Enter Asia Berlin Europe JSON KiB MiB Shanghai UTC
    UTF cost EUR CNY KB MB pdf
"""
"""Names of people and groups, what definitions are written with, what is never translated."""
NO_WORDS = {"zh": {*WRITTEN.split(), *NODES, *TYPES}, "en": set[str]()}

NOT_PAGES = ("/api", "/static", "/swagger", "/health", "/metrics")


def both(en: str, zh: str) -> dict[str, str]:
    """Return a label in both languages."""
    return {"en": en, "zh": zh}


TRIP: dict[str, Any] = {
    "key": "trip",
    "name": both("Trip", "出差"),
    "description": both("Who wants to travel", "出差申请"),
    "version": "1",
    "variables": {
        "amount": {"type": "number", "label": both("Cost", "费用")},
        "secret": {"type": "string", "label": both("Secret", "秘密"), "sensitive": True},
    },
    "start": {
        "title": "1",
        "who": ["group:finance_team", "role:user"],
        "form": [
            {"name": "amount", "type": "number", "label": both("Cost", "费用"), "required": True},
            {"name": "day", "type": "date", "label": both("Day", "日期"), "help": both("A", "甲")},
            {
                "name": "kind",
                "type": "select",
                "label": both("Kind", "种类"),
                "options": [{"value": "a", "label": both("Train", "火车")}],
            },
        ],
    },
    "steps": [
        {
            "id": "look",
            "name": both("Look", "审批"),
            "type": "user_task",
            "config": {
                "assignee": "finance_team",
                "due_date": "2h",
                "priority": 90,
                "form": {
                    "fine": {"type": "boolean", "label": both("Fine", "同意"), "required": True},
                    "why": {"type": "text", "label": both("Why", "原因"), "min_length": 3},
                    "cost": {"type": "integer", "label": both("Cost", "费用"), "max": 9},
                    "at": {"type": "datetime", "label": both("At", "时间")},
                    "price": {"type": "money", "label": both("Price", "价格")},
                    "fee": {
                        "type": "money",
                        "currency": ["EUR", "CNY"],
                        "label": both("Fee", "费"),
                    },
                    "boss": {"type": "user", "label": both("Boss", "上级")},
                    "papers": {"type": "file", "accept": ".pdf", "label": both("Papers", "文件")},
                    "with": {
                        "type": "multiselect",
                        "label": both("With", "同行"),
                        "options": [{"value": 1, "label": both("One", "一")}],
                        "show_if": "fine",
                    },
                    "items": {
                        "type": "rows",
                        "label": both("Items", "项目"),
                        "columns": {
                            "cost": {"type": "number", "sum": True, "label": both("C", "费")}
                        },
                    },
                },
                "instructions": both("Look *twice*", "请*仔细*看"),
            },
            "next": ["book", "think"],
        },
        {
            "id": "book",
            "name": both("Book", "预订"),
            "type": "service_task",
            "config": {"service_name": "Nowhere", "method": "go"},
        },
        {
            "id": "think",
            "name": both("Think", "修改"),
            "type": "user_task",
            "config": {"assignee": "${initiator.username}"},
        },
    ],
}
BROKEN = json.dumps(
    {
        "name": "",
        "colour": 1,
        "variables": {"a": "strin", "null": "any"},
        "settings": {"timezone": "nowhere", "max_visits": 0},
        "steps": [
            {"id": "a", "type": "bogus_gateway"},
            {"id": "a", "type": "user_task", "config": {"assigne": 1, "due_date": "2 moons"}},
            {"id": "b", "type": "service_task", "config": {"timeout": "1 y"}, "next": 1},
            {
                "id": "c",
                "type": "exclusive_gateway",
                "config": {"conditions": [{"expression": "${amount >}", "next": "d"}, 1]},
            },
        ],
    }
)


class Walk:
    """A way through the whole site; keeps every page that was seen."""

    def __init__(self, browser: Browser, office: Office, language: str) -> None:
        self.browser = browser
        self.office = office
        self.language = language
        self.seen: list[Seen] = []
        self.who: Pages = browser()

    def be(self, username: str) -> None:
        """Go on as somebody."""
        self.who = self.browser(username)

    def get(self, path: str, status: int = 200, *, htmx: bool = False) -> Sheet:
        """Open a page."""
        page = self.who.get(path, htmx=htmx, Accept_Language=self.language)
        return self._note("GET", path, page, status)

    def post(self, path: str, status: int = 200, /, *, htmx: bool = False, **data: Any) -> Sheet:
        """Send a form."""
        form = {name.replace("__", "."): value for name, value in data.items()}
        page = self.who.post(path, form, htmx=htmx, Accept_Language=self.language)
        return self._note("POST", path, page, status)

    def _note(self, method: str, path: str, page: Sheet, status: int) -> Sheet:
        assert page.status == status, (method, path, page.status, page.words[:1500])
        self.seen.append((method, path, page))
        return page

    def left_over(self, foreign: re.Pattern[str]) -> list[str]:
        """Return the texts that are not in the language of the walk, each with its page."""
        told: dict[str, str] = {}
        for method, path, page in self.seen:
            if page.status == 303:
                continue
            said = texts_of(page.text)
            for event in json.loads(page.headers.get("HX-Trigger", "{}")).values():
                said += [event["message"]] if event and "message" in event else []
            for text in said:
                if set(foreign.findall(text)) - NO_WORDS[self.language]:
                    told.setdefault(text, f"{method} {path}: {text}")
        return list(told.values())

    def all_(self) -> Walk:
        """See every page there is, in its usual states and with its refusals."""
        self.get("/", 303)
        self.get("/sign-in")
        self.post("/sign-in", 422, username="mei", password="wrong")
        self.be("root")
        self.definitions()
        self.be("mei")
        self.tasks()
        self.verbs()
        self.signers()
        self.asking()
        self.going_back()
        self.be("mei")
        oneself(self)
        self.be("root")
        self.instances()
        self.refusals()
        return self

    def definitions(self) -> None:
        """Lists, uploading with every kind of finding, and the life of a version."""
        upload = "/definitions/upload"
        for page in ("/definitions?q=zebra", "/definitions", upload):
            self.get(page)
        for source in (BROKEN, '{"a": 1,}', ""):
            self.post(upload, 422, source=source, action="check")
        self.post(upload, source=json.dumps(TRIP), action="check")
        number = {}
        for version, status in (("0", "draft"), ("1", "active")):
            source = json.dumps(TRIP | {"version": version})
            page = self.post(upload, 303, source=source, action="store", status=status)
            number[version] = page.headers["Location"]
        self.get(number["1"])
        self.get(f"{number['1']}/dry-run")
        self.post(f"{number['1']}/dry-run", scenario='{"start": {"variables": {"amount": 1}}}')
        self.post(f"{number['1']}/dry-run", 422, scenario='{"answers": [{"step": "1"}]}')
        self.post(upload, 409, source=json.dumps(TRIP | {"name": "1"}), action="store")
        for version, verb in (("0", "publish"), ("1", "retire"), ("0", "delete")):
            self.get(f"{number[version]}/{verb}")
            self.get(f"{number[version]}/{verb}", htmx=True)
        self.post(f"{number['0']}/retire", 409)
        self.get(number["0"])
        self.post(f"{number['0']}/publish", 303)
        self.get(number["0"])

    def tasks(self) -> None:
        """Starting, the inbox, and a task from being offered to being done."""
        office, now = self.office, NOW
        for page in (
            "/inbox",
            "/inbox?tab=done",
            "/requests",
            "/start?q=zebra",
            "/requests?q=zebra",
        ):
            self.get(page)
        form = re.findall(r'href="(/start/[0-9]+)"', self.get("/start").text)[-1]
        self.get(form)
        self.post(form, 422, f__amount="x", f__day="x", f__kind="x")
        self.post(form, 303, f__amount="1")
        one, other, third = (
            office.task_of(office.start("trip", amount=n), "look") for n in (1, 2, 3)
        )
        self.get("/inbox?q=zebra")
        self.together(one, other)
        self.get(f"/tasks/{one}")
        self.post(f"/tasks/{one}/claim", htmx=True)
        self.post(f"/tasks/{one}/draft", f__why="abc", htmx=True)
        self.get(f"/tasks/{one}")
        self.get("/inbox")
        self.post(f"/tasks/{one}/complete", 422, f__why="a", f__cost="99", f__at="x")
        self.form(one)
        self.get(f"/tasks/{one}/done")
        self.get(f"/tasks/{one}")
        self.post(f"/tasks/{one}/claim", 409)
        tasks.claim(office.engine, office["wang"], other, now=now)
        self.get(f"/tasks/{other}")
        self.post(f"/tasks/{other}/claim", 409)
        tasks.claim(office.engine, office["mei"], third, now=now)
        self.post(f"/tasks/{third}/complete", 303, f__fine="false")
        self.get(f"/tasks/{third}/done")
        self.get("/inbox?tab=done")
        self.get("/inbox/badge?shown=77", htmx=True)
        self.get("/requests")

    def form(self, task: int) -> None:
        """Every kind of field: wrong, then right; files, people and rows."""
        wrong = {"f.boss": "zebra", "f.price": "1", "f.items.0.cost": "x", "f.papers": "77"}
        self.post(f"/tasks/{task}/complete", 422, **wrong)
        for content in (b"%PDF-1", b"zebra", b""):
            sent = {"upload.papers": (io.BytesIO(content), "1.pdf")}
            page = self.post(f"/tasks/{task}/files", htmx=True, **sent)
            self.get(f"/people?of=f.boss&f.boss={'mei' if content else ''}", htmx=True)
            if content.startswith(b"%"):
                (number,) = re.findall(r'value="([0-9]+)"', page.text)
        self.post(f"/tasks/{task}/form", rows="add.items")
        right = {"f.fine": "true", "f.with": "1", "f.fee": "5", "f.fee.currency": "EUR"}
        right |= {"f.papers": number, "f.boss": "mei", "f.items.0.cost": "5", "comment": "1"}
        self.post(f"/tasks/{task}/complete", 303, **right)
        self.who.get(f"/files/{number}")
        self.seen.append(("GET", f"/files/{number}", Sheet(200, {}, "")))

    def together(self, one: int, other: int) -> None:
        """Narrowing the inbox, keeping that as a view, and doing something with several."""
        self.get("/inbox?process=trip&step=look&due=week&priority=normal&group=finance_team")
        self.get("/inbox?due=overdue&priority=low&field=1&op=most&value=1")
        self.post("/inbox/views", 422, step="look", name=" ")
        self.post("/inbox/views", 303, step="look", name="1")
        self.get("/inbox?step=look")
        self.post("/inbox/bulk", 303, action="complete")
        self.get("/inbox")
        self.post("/inbox/bulk", ids=str(one), action="complete")
        self.post("/inbox/bulk", ids="999999", action="complete")
        self.post("/inbox/bulk/complete", 422, ids=str(one), comment="1" * 10_001)
        self.post("/inbox/bulk/complete", ids="999999", rest=str(other), outcome="true")
        self.post(f"/tasks/{one}/route", htmx=True)
        self.post("/inbox/bulk/transfer", 422, ids=str(one), to="x")
        self.post(f"/tasks/{one}/comments", 422, **{"comment-files": "999999"})
        instances = [str(each) for each in range(1, 200)]
        self.post("/inbox/bulk/remind", instances=instances, list="sent")
        self.post("/inbox/bulk/remind", ids="999999", list="sent")

    def verbs(self) -> None:
        """What is done with a task beside answering it, and what others are told of it."""
        number = self.office.start("trip", amount=4, by="root")
        task = self.office.task_of(number, "look")
        page = f"/tasks/{task}"
        self.post(f"{page}/transfer", 409, to="wang")
        self.post(f"{page}/claim", htmx=True)
        for verb in ("transfer", "cc"):
            self.get(f"{page}/{verb}")
            self.get(f"{page}/{verb}", htmx=True)
        self.post(f"{page}/transfer", 422, to="mei")
        self.post(f"{page}/cc", 422, users="nobody")
        self.post(f"{page}/cc", 303, users="zhao root", reason="1")
        self.post(f"{page}/comments", 422, text=" ")
        self.post(f"{page}/comments", 303, text="@root 1")
        said = seen_by_root(self.office, task)["comments"][0]["id"]
        self.get(f"{page}/comments/{said}")
        self.post(f"{page}/comments/{said}", 303, text="2")
        self.post(f"{page}/remind", 409)
        self.get(page)
        self.post(f"{page}/transfer", 303, to="wang", reason="1")
        self.be("root")
        for verb in ("remind", "assign"):
            self.get(f"{page}/{verb}")
        self.post(f"{page}/remind", 303)
        self.post(f"{page}/remind", 429)
        self.post(f"{page}/assign", 422, to="wang")
        self.get("/hand-over")
        self.post("/hand-over", 422)
        self.post("/hand-over", 303, **{"from": "wang", "to": "mei"})
        self.get("/inbox/unassigned")
        for active in (False, True):
            unassigned.set_active(
                self.office.engine, self.office["root"], "mei", active=active, now=NOW
            )
            self.get("/inbox/unassigned")
        self.get("/inbox")
        self.get(page)
        self.get(f"/instances/{number}")
        for path in ("/notifications", "/copies"):
            one = re.findall(rf'href="({path}/[0-9]+)"', self.get(path).text)[0]
            self.get(one, 303)
            self.get(path)
            self.post(f"{path}/read", 303)
            self.get(path)
        self.post("/notifications/choices", 422, task="1")
        self.get("/notifications/badge?shown=77", htmx=True)
        self.be("mei")
        self.get("/copies")

    def signers(self) -> None:
        """People who decide together: added, taken away, and what became of it."""
        office, engine = self.office, self.office.engine
        number = office.start("trip", amount=4, by="mei")
        task = office.task_of(number, "look")
        page = f"/tasks/{task}"
        self.post(f"{page}/claim", 303)
        with office.db.transaction() as tx:
            tx.run("update tasks set allow = '{add_signer,remove_signer}'")
        for verb in ("add-signer", "remove-signer"):
            self.get(f"{page}/{verb}")
        for wrong in ("", "mei", "zebra"):
            self.post(f"{page}/add-signer", 422, users=wrong)
        self.post(f"{page}/add-signer", 303, users="wang zhao li", reason="1")
        self.get(f"{page}/add-signer", htmx=True)
        self.get(f"{page}/remove-signer?user=li", htmx=True)
        self.post(f"{page}/remove-signer", 422, user="mei")
        self.post(f"{page}/remove-signer", 303, user="li")
        tasks.complete(engine, office["mei"], task, {"fine": True}, comment="1", now=NOW)
        for path in (f"{page}/done", page, f"/instances/{number}"):
            self.get(path)
        ours = self.seats(task)
        tasks.complete(engine, office["wang"], ours["wang"], {"fine": False}, now=NOW)
        self.get(page)
        self.post(f"{page}/remove-signer", 409, user="wang")
        self.be("zhao")
        self.get(f"/tasks/{ours['zhao']}")
        self.get("/inbox?tab=done")
        self.post(f"/tasks/{ours['zhao']}/complete", 409)
        self.be("mei")

    def seats(self, task: int) -> dict[str, int]:
        """Return the tasks of those who decide beside this one, by who has them."""
        visit = seen_by_root(self.office, task)["visit"]
        return {each["user"]: each["task_id"] for each in visit["seats"]}

    def asking(self) -> None:
        """Advice, questions and signatures: asked for, waited for, given, pulled back."""
        self.be("mei")
        task = self.office.task_of(self.office.start("trip", amount=4), "look")
        with self.office.db.transaction() as tx:
            tx.run("update tasks set allow = '{delegate,consult,add_signer,transfer,cc}'")
        page = f"/tasks/{task}"
        self.post(f"{page}/claim", htmx=True)
        self.get(page)
        for verb in ("delegate", "consult", "add-signer"):
            self.get(f"{page}/{verb}")
            self.post(f"{page}/{verb}", 422, users="mei", to="mei", reason="1")
        self.get(f"{page}/delegate", htmx=True)
        self.post(f"{page}/recall", 303)
        for step in (
            ("delegate", {"to": "root"}, {"outcome": "approve", "f.cost": "3"}),
            (
                "add-signer",
                {"users": "root", "position": "before"},
                {"outcome": "reject", "comment": "1"},
            ),
            ("consult", {"users": "root", "reason": "1"}, {"comment": "2"}),
        ):
            self.asked(page, *step)
        self.post(f"{page}/consult", 303, users="zhao", reason="1")
        self.get(page)
        self.post(f"{page}/complete", f__fine="true", unanswered="1")
        self.post(f"{page}/complete", 303, f__fine="true", after="wang")
        self.get(page)
        self.be("wang")
        self.get("/inbox")
        self.get("/notifications")
        sign = self.last_asked(task)
        self.get(f"/tasks/{sign}")
        self.get(page)
        self.post(f"/tasks/{sign}/resolve", 303, outcome="approve")
        self.get(page)
        self.get(f"/tasks/{sign}")
        self.be("mei")

    def asked(self, page: str, verb: str, ask: dict[str, str], answer: dict[str, str]) -> None:
        """Ask root, look at it from both sides, and let root answer."""
        self.post(f"{page}/{verb}", 303, **ask)
        self.get(page)
        self.get("/inbox")
        self.be("root")
        self.get("/inbox")
        side = f"/tasks/{self.last_asked(int(page.rpartition('/')[2]))}"
        self.get(side)
        self.post(f"{side}/resolve", 422, f__cost="x")
        self.post(f"{side}/resolve", 303, **answer)
        self.get(side)
        self.be("mei")
        self.get(page)

    def last_asked(self, task: int) -> int:
        """Return what somebody was asked last about a task."""
        return int(seen_by_root(self.office, task)["opinions"][-1]["id"])

    def going_back(self) -> None:
        """Return, recall and withdrawal, with what is seen and told after them."""
        office = self.office
        number = office.start("trip", amount=8)
        page = f"/tasks/{office.task_of(number, 'look')}"
        self.post(f"{page}/claim", htmx=True)
        self.get(f"{page}/return")
        self.get(f"{page}/return", htmx=True)
        self.post(f"{page}/return", 422, to="1", resume="walk_again")
        self.post(f"{page}/return", 422, to="@start", resume="straight_back")
        self.post(f"{page}/return", 303, to="@start", resume="walk_again", reason="1")
        self.get(page)
        self.be("zhao")
        again = f"/tasks/{office.task_of(number, '@start')}"
        self.get(again)
        self.post(f"{again}/complete", 303, f__amount="9", f__kind="a")
        self.be("mei")
        task = office.task_of(number, "look")
        page = f"/tasks/{task}"
        self.post(f"{page}/claim", htmx=True)
        self.post(f"{page}/complete", 303, f__fine="false")
        self.get(f"{page}/done")
        self.get(f"{page}/recall")
        thinking = office.task_of(number, "think")
        tasks.save_draft(office.engine, office["zhao"], thinking, {}, now=NOW)
        self.post(f"{page}/recall", 303, reason="1")
        self.get(page)
        self.be("zhao")
        self.get(f"/instances/{number}")
        self.get(f"/instances/{number}/withdraw")
        self.post(f"/instances/{number}/withdraw", 422)
        self.post(f"/instances/{number}/withdraw", 303, reason="1")
        self.get(f"/instances/{number}")
        self.get("/notifications")

    def instances(self) -> None:
        """Lists, and an instance as it runs, is suspended, is stuck and has ended."""
        office = self.office
        number = office.start("trip", amount=5)
        task = office.task_of(number, "look")
        page = f"/instances/{number}"
        for verb in ("suspend", "activate", "terminate"):
            if verb == "activate":
                self.get(f"/tasks/{task}")
                self.get(page)
            self.get(f"{page}/{verb}")
            self.post(f"{page}/{verb}", 303, reason="1")
            self.get(page)
        self.get(f"/tasks/{task}")
        self.post(f"{page}/suspend", 409)
        stuck = office.start("trip", amount=6)
        tasks.complete(
            office.engine,
            office["wang"],
            office.task_of(stuck, "look"),
            {"fine": True},
            now=NOW + timedelta(hours=3),
        )
        self.get(f"/instances/{stuck}")
        self.get(f"/instances/{stuck}/history")
        self.get(f"/instances/{stuck}/sheet")
        self.repairs(number, stuck)
        for query in ("", "?status=incident", "?status=completed", "?q=zebra"):
            self.get(f"/instances{query}")

    def repairs(self, ended: int, stuck: int) -> None:
        """What operators do to an instance that stands in the wrong place."""
        office, root = self.office, self.office["root"]
        self.get(f"/instances/{ended}/restart")
        (trouble,) = queries.get(office.db, root, stuck, now=NOW)["incidents"]
        self.get(f"/incidents/{trouble['id']}/retry")
        number = office.start("trip", amount=7)
        (token,) = queries.get(office.db, root, number, now=NOW)["tokens"]
        page = f"/instances/{number}"
        for what in ("variables", "migrate", f"tokens/{token['id']}/skip"):
            self.get(f"{page}/{what}")
        self.post(f"{page}/variables", 422, f__amount="x", was__amount="7")
        self.post(f"{page}/tokens/{token['id']}/skip", 422, outcome="1")
        self.post(f"{page}/tokens/{token['id']}/jump", 409, step="think")
        self.post(f"{page}/suspend", 303)
        self.get(f"{page}/tokens/{token['id']}/jump")
        self.post(f"{page}/tokens/{token['id']}/jump", 422)
        self.post(f"{page}/tokens/{token['id']}/jump", 303, step="think", reason="1")
        self.get(page)

    def refusals(self) -> None:
        """What is not there, not allowed, not readable."""
        for path, status in (
            ("/nowhere", 404),
            ("/definitions?status=x", 400),
            ("/inbox?tab=x", 400),
            ("/instances?after=x", 400),
            ("/instances/999999", 404),
        ):
            self.get(path, status)
        self.post("/inbox", 405)
        self.be("zhao")
        self.get("/definitions/upload", 403)
        self.get("/inbox")
        self.get("/definitions")
        self.post("/sign-out", 303)
        self.get("/sign-in")


def seen_by_root(office: Office, task: int) -> dict[str, Any]:
    """Return a task as an administrator sees it."""
    return task_queries.get(office.db, office["root"], task, now=NOW)


def endpoints(app: Flask, seen: list[Seen]) -> set[str]:
    """Return which pages were opened."""
    addresses = app.url_map.bind("localhost")
    found = set()
    for method, path, page in seen:
        if page.status not in (404, 405):
            found.add(addresses.match(path.partition("?")[0], method=method)[0])
    return found


@pytest.mark.parametrize(
    ("language", "foreign"), [("zh", ENGLISH), ("en", CHINESE)], ids=["zh", "en"]
)
def test_every_page_speaks_one_language(
    app: Flask, browser: Browser, office: Office, language: str, foreign: re.Pattern[str]
) -> None:
    way = Walk(browser, office, language).all_()
    assert way.left_over(foreign) == []
    assert {gap for *_, page in way.seen for gap in GAP.findall(page.text)} == set()
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(NOT_PAGES)
    }
    assert pages - endpoints(app, way.seen) == set()
