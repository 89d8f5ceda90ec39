"""A week of the demo's office, for pictures: everything that a page may have to show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.connector.base import BusinessError, JobContext
from app.connector.registry import Registry
from app.connector.standard import standard_registry
from app.definition import service as definitions
from app.identity import service as identity
from app.identity.actor import SYSTEM
from app.runtime import service as runtime
from app.task import service as tasks
from tests.browser.serving import Live
from tests.support.rest import Clock

NOW: Final = datetime(2026, 3, 12, 6, 20, tzinfo=UTC)
"""A Thursday; afternoon in China."""
PASSWORD: Final = "password123"

INVENTORY: Final[dict[str, Any]] = {
    "key": "stock_take",
    "name": {"en": "Stock-take", "zh": "库存盘点"},
    "description": {
        "en": "Count a shelf, compare it with the books and correct the difference",
        "zh": "清点货架，与账面核对并修正差异",
    },
    "version": "2.1.0",
    "variables": {"shelf": {"type": "string", "label": {"en": "Shelf", "zh": "货架"}}},
    "steps": [
        {
            "id": "count",
            "name": {"en": "Count the shelf", "zh": "清点货架"},
            "type": "user_task",
            "config": {"assignee": "warehouse", "form": {"counted": "integer"}},
        }
    ],
}
ISSUE: Final[dict[str, Any]] = {
    "key": "goods_issue",
    "name": {"en": "Goods issue", "zh": "出库"},
    "description": {"en": "Reserve goods, pick and pack them", "zh": "预留、拣货并打包"},
    "version": "1.0.2",
    "start": {"title": "出库 ${slip}"},
    "variables": {
        "slip": {"type": "string", "label": {"en": "Delivery note", "zh": "出库单"}},
        "pieces": {"type": "integer", "label": {"en": "Pieces", "zh": "件数"}},
    },
    "steps": [
        {
            "id": "reserve",
            "name": {"en": "Reserve the goods", "zh": "预留货物"},
            "type": "service_task",
            "config": {"service_name": "Warehouse", "method": "reserve"},
            "next": ["pick"],
        },
        {
            "id": "pick",
            "name": {"en": "Pick and pack", "zh": "拣货打包"},
            "type": "user_task",
            "config": {"assignee": "warehouse", "form": {"parcels": "integer"}},
        },
    ],
}
CARRIER: Final[dict[str, Any]] = {
    "key": "carrier",
    "name": {"en": "Carrier", "zh": "承运"},
    "version": "1.0.0",
    "steps": [
        {
            "id": "book",
            "name": {"en": "Book a lorry", "zh": "预订货车"},
            "type": "user_task",
            "config": {"assignee": "warehouse"},
        }
    ],
}
DELIVERY: Final[dict[str, Any]] = {
    "key": "delivery",
    "name": {"en": "Delivery", "zh": "送货"},
    "description": {"en": "Everything that a delivery waits for", "zh": "送货所等待的一切"},
    "version": "1.0.0",
    "start": {"title": "送货 ${order}", "cron": "30 8 * * 1-5", "message": "order_packed"},
    "settings": {"timezone": "Asia/Shanghai"},
    "variables": {
        "order": {"type": "string", "label": {"en": "Order", "zh": "订单"}},
        "stops": {"type": "array", "label": {"en": "Stops", "zh": "停靠点"}},
        "express": {"type": "boolean", "label": {"en": "Express", "zh": "加急"}},
        "fee": {"type": "money", "label": {"en": "Fee", "zh": "费用"}},
    },
    "steps": [
        {
            "id": "fork",
            "name": {"en": "Prepare", "zh": "准备"},
            "type": "parallel_gateway",
            "next": ["dry", "paid", "carrier", "stop", "sign"],
        },
        {
            "id": "dry",
            "name": {"en": "Let the paint dry", "zh": "等待油漆干燥"},
            "type": "timer",
            "config": {"after": "20h"},
            "next": ["ready"],
        },
        {
            "id": "paid",
            "name": {"en": "Payment arrives", "zh": "款项到账"},
            "type": "receive_message",
            "config": {"message": "payment_received", "correlate": "${order}"},
            "boundary": [
                {"on": "timer", "after": "2d", "interrupt": False, "repeat": 3, "next": "remind"}
            ],
            "next": ["ready"],
        },
        {
            "id": "carrier",
            "name": {"en": "Carrier", "zh": "承运"},
            "type": "call_activity",
            "config": {"process_key": "carrier"},
            "next": ["ready"],
        },
        {
            "id": "stop",
            "name": {"en": "Announce each stop", "zh": "通知各停靠点"},
            "type": "sub_process",
            "multi": {"over": "${stops}", "as": "stop"},
            "config": {
                "steps": [
                    {
                        "id": "announce",
                        "name": {"en": "Announce", "zh": "通知"},
                        "type": "external_task",
                        "config": {"topic": "announcements"},
                    }
                ]
            },
            "next": ["ready"],
        },
        {
            "id": "sign",
            "name": {"en": "Signature or refusal", "zh": "签收或拒收"},
            "type": "event_gateway",
            "config": {
                "events": [
                    {"on": "message", "message": "signed", "next": "ready"},
                    {
                        "on": "timer",
                        "after": "5d",
                        "next": "remind",
                        "label": {"en": "nobody there", "zh": "无人签收"},
                    },
                ]
            },
        },
        {
            "id": "ready",
            "name": {"en": "Everything there", "zh": "全部就绪"},
            "type": "inclusive_gateway",
            "next": ["charge"],
        },
        {
            "id": "charge",
            "name": {"en": "What it costs", "zh": "费用"},
            "type": "decision",
            "config": {
                "inputs": ["${express}"],
                "rules": [
                    {"when": [True], "set": {"fee": 40}},
                    {"when": ["-"], "set": {"fee": 15}},
                ],
            },
            "next": ["report"],
        },
        {
            "id": "report",
            "name": {"en": "Tell the shop", "zh": "告知门店"},
            "type": "webhook",
            "config": {"url": "https://shop.example.com/delivered"},
            "boundary": [{"on": "error", "code": "http_404", "next": "remind"}],
            "skip_when": "${not express}",
            "next": ["end"],
        },
        {
            "id": "remind",
            "name": {"en": "Ask the customer", "zh": "询问客户"},
            "type": "user_task",
            "config": {"assignee": "warehouse"},
        },
        {"id": "end", "name": {"en": "Delivered", "zh": "已送达"}, "type": "end"},
    ],
}
STARVING: Final = json.dumps(
    {
        "name": {"en": "Two signatures", "zh": "双签"},
        "key": "two_signatures",
        "version": "1.0.0",
        "variables": {"amount": {"type": "number", "required": True}},
        "steps": [
            {
                "id": "size",
                "name": {"en": "How much?", "zh": "金额多少？"},
                "type": "exclusive_gateway",
                "config": {
                    "conditions": [{"expression": "amount > 1000", "next": "head"}],
                    "default": "clerk",
                },
            },
            {
                "id": "head",
                "name": {"en": "The head signs", "zh": "主管签字"},
                "type": "user_task",
                "config": {"assignee": "li"},
                "next": ["both"],
            },
            {
                "id": "clerk",
                "name": {"en": "The clerk signs", "zh": "经办人签字"},
                "type": "user_task",
                "config": {"assignee": "nobody_yet"},
                "next": ["both"],
            },
            {
                "id": "both",
                "name": {"en": "Both signed", "zh": "均已签字"},
                "type": "parallel_gateway",
                "next": ["end"],
            },
            {"id": "end", "name": "End", "type": "end"},
        ],
    },
    ensure_ascii=False,
    indent=2,
)
"""A join that waits for two of which only one can come."""
BROKEN: Final = """{
  "name": {"en": "Invoice check", "zh": "发票核对"},
  "key": "invoice_check",
  "version": "1.0.0",
  "variables": {"amount": "number", "invoice": "strng"},
  "steps": [
    {
      "id": "check",
      "name": "Check the invoice",
      "type": "user_task",
      "config": {"assigne": "finance_team", "form": {"correct": "boolean"}, "due_date": "2 days"},
      "next": ["pay", "reject"]
    },
    {
      "id": "pay",
      "name": "Pay",
      "type": "service_task",
      "config": {"service_name": "PaymentService", "method": "pay"},
      "next": ["end"]
    },
    {
      "id": "large",
      "name": "Large?",
      "type": "exclusive_gateway",
      "config": {"conditions": [{"expression": "${amont > 1000 &}", "next": "pay"}]}
    },
    {"id": "end", "name": "End", "type": "end"}
  ]
}
"""
LONG: Final = (
    "研发中心二期办公区电动升降桌（1.6 米、静音双电机、含理线槽与人体工学椅）共 48 套，"
    "用于新入职同事及远程协作会议室的改造"
)


@dataclass(frozen=True)
class Week:
    """Ids of what the pictures show; tasks unless said otherwise."""

    offered: int
    drafted: int
    decide: int
    taken: int
    wrong: int
    stopped: int
    done: int
    withdrawn: int
    running: int
    stuck: int
    suspended: int
    finished: int
    waiting: int
    moving: int
    definition: int
    draft: int
    language: int
    """From ``running`` to ``moving`` they are instances; the last three are definitions."""


def services() -> Registry:
    """Return the services of the demo and a warehouse that refuses."""

    def reserve(given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
        raise BusinessError("not_in_stock", "Warehouse B has 12 of 40 pieces; 28 are missing.")

    registry = standard_registry()
    registry.register("Warehouse", "reserve", reserve)
    return registry


def live_through(live: Live, clock: Clock) -> Week:
    """Fill the demo; the clock ends at ``NOW``."""
    _people(live)
    inventory = _definitions(live)

    def at(**before: float) -> None:
        live.settle()
        clock.at = NOW - timedelta(**before)

    def purchase(item: str, cost: int, **more: Any) -> int:
        values: dict[str, Any] = {
            "item": item,
            "cost": cost,
            "cost_centre": "office",
            "supplier_name": "北京文仪",
        }
        return live.start("example_purchase_email", **(values | more))

    at(days=6)
    done = live.payment("ORDER-2398")
    finished = _instance(live, done)
    at(days=5, hours=20)
    live.claim(done, "mei")
    at(days=5, hours=19)
    live.complete(done, "mei", payment_verified=True, notes="到账，流水号 88120031。Arrived.")
    at(days=4)
    overdue = live.task(purchase("Server for the warehouse", 12800), "finance_approval")
    purchase(LONG, 86400, needed_by="2026-04-01")
    at(days=3, hours=4)
    held = live.order("ORDER-2405")
    stopped = live.task(held, "payment_check")
    live.claim(stopped, "mei")
    runtime.suspend(
        live.engine, live.actor("admin"), held, reason="Customer asks to wait.", now=clock()
    )
    at(days=2, hours=3)
    large = live.order("ORDER-2409", 18250)
    at(days=2)
    live.complete(live.task(large, "manager_approval"), "li", approved=True, comments="长期客户。")
    approved = live.task(large, "payment_check")
    at(days=1, hours=22, minutes=20)
    purchase("Label printers", 5400)
    at(days=1, hours=4)
    gone = live.order("ORDER-2411")
    withdrawn = live.task(gone, "payment_check")
    runtime.terminate(live.engine, live.actor("admin"), gone, reason="Entered twice.", now=clock())
    at(hours=27)
    stuck = live.start("goods_issue", slip="CK-0311", pieces=40)
    at(hours=26)
    live.order("ORDER-2414", 7300)
    at(hours=20)
    taken = live.payment("ORDER-2415")
    live.claim(taken, "wang")
    at(hours=5)
    for number in ("ORDER-2416", "ORDER-2417"):
        live.payment(number)
    wrong, drafted = live.payment("ORDER-2418"), live.payment("ORDER-2419")
    at(hours=3)
    live.order("ORDER-2420", 1640)
    live.start(
        "example_leave_request",
        leave_type="annual",
        first_day="2026-04-07",
        last_day="2026-04-10",
        days=4,
        deputy="Wang Fang 王芳",
    )
    at(hours=2)
    for each in (drafted, wrong, overdue):
        live.claim(each, "mei")
    at(hours=1, minutes=30)
    stops = ["Suzhou", "Wuxi", "Nanjing"]
    waiting = live.start("delivery", order="ORDER-2402", stops=stops, express=True)
    moving = live.start("delivery", order="ORDER-2403", stops=stops[:1], express=False)
    runtime.suspend(live.engine, live.actor("admin"), moving, reason="Wrong address.", now=clock())
    _store(live, json.loads(json.dumps(DELIVERY).replace('"dry"', '"harden"')), "1.1.0")
    at(minutes=50)
    typed = {"payment_verified": "true", "notes": "流水 88120419，金额一致"}
    tasks.save_draft(live.engine, live.actor("mei"), drafted, typed, now=clock())
    at(minutes=12)
    offered = live.payment("ORDER-2421")
    at(days=0)
    return Week(
        offered=offered,
        drafted=drafted,
        decide=overdue,
        taken=taken,
        wrong=wrong,
        stopped=stopped,
        done=done,
        withdrawn=withdrawn,
        running=_instance(live, approved),
        stuck=stuck,
        suspended=held,
        finished=finished,
        waiting=waiting,
        moving=moving,
        language=_definition(live, "delivery"),
        definition=_definition(live, "example_order_processing"),
        draft=inventory,
    )


def _people(live: Live) -> None:
    """Somebody for whom every list is empty; and where the others live."""
    db = live.engine.db
    identity.create_user(
        db, SYSTEM, username="sun", name="Sun Yue 孙悦", password=PASSWORD, roles=["user"], now=NOW
    )
    for username in ("admin", "mei", "li", "zhao", "wang", "sun"):
        identity.set_preferences(db, live.actor(username), language=None, timezone="Asia/Shanghai")


def _definitions(live: Live) -> int:
    """Store a draft beside an older version that is retired; return the draft's id."""
    db, admin = live.engine.db, live.actor("admin")
    known = definitions.known(db, live.engine.services.names(), live.engine.services.types())
    issue = json.dumps(ISSUE, ensure_ascii=False, indent=2)
    definitions.create(db, admin, issue, known=known, now=NOW - timedelta(days=12))
    for document in (
        CARRIER,
        DELIVERY,
    ):
        text = json.dumps(document, ensure_ascii=False, indent=2)
        definitions.create(db, admin, text, known=known, now=NOW - timedelta(days=12))
    old = json.dumps(INVENTORY | {"version": "1.4.0"}, ensure_ascii=False, indent=2)
    row, _ = definitions.create(db, admin, old, known=known, now=NOW - timedelta(days=40))
    definitions.retire(db, admin, row.id, now=NOW - timedelta(days=9))
    new = json.dumps(INVENTORY, ensure_ascii=False, indent=2)
    row, _ = definitions.create(
        db, admin, new, known=known, now=NOW - timedelta(days=1), status="draft"
    )
    return int(row.id)


def _store(live: Live, document: Mapping[str, Any], version: str) -> None:
    """Store another version of a definition."""
    text = json.dumps({**document, "version": version}, ensure_ascii=False, indent=2)
    definitions.create(live.engine.db, live.actor("admin"), text, known=None, now=live.clock())


def _definition(live: Live, key: str) -> int:
    with live.engine.db.transaction() as tx:
        row = tx.run(
            "select id from process_definitions where key = %(key)s", {"key": key}
        ).fetchone()
    assert row is not None
    return int(row["id"])


def _instance(live: Live, task_id: int) -> int:
    with live.engine.db.transaction() as tx:
        row = tx.run("select instance_id from tasks where id = %(id)s", {"id": task_id}).fetchone()
    assert row is not None
    return int(row["instance_id"])
