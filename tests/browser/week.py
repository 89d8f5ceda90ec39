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
    definition: int
    draft: int
    """From ``running`` to ``finished`` they are instances; the last two are definitions."""


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
    old = json.dumps(INVENTORY | {"version": "1.4.0"}, ensure_ascii=False, indent=2)
    row, _ = definitions.create(db, admin, old, known=known, now=NOW - timedelta(days=40))
    definitions.retire(db, admin, row.id, now=NOW - timedelta(days=9))
    new = json.dumps(INVENTORY, ensure_ascii=False, indent=2)
    row, _ = definitions.create(
        db, admin, new, known=known, now=NOW - timedelta(days=1), status="draft"
    )
    return int(row.id)


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
