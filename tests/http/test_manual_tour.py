"""Every request that the manual prints, as printed but for ids, against a started server."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from app.cli.demo import EXAMPLES
from tests.support.rest import Rest

MANUAL_CONFIG: dict[str, Any] = {
    "variables": {"order_id": "string", "amount": "number"},
    "steps": [
        {
            "id": "approve",
            "name": "审批",
            "type": "user_task",
            "config": {
                "assignee": "admin",
                "form": {"approved": "boolean", "comments": "text"},
                "due_date": "2h",
            },
        }
    ],
}


@pytest.fixture
def token(demo: Rest) -> str:
    body = {"username": "admin", "password": "password123"}
    answer = demo(None, "POST", "/auth/login", body).ok()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 86400
    return str(answer["access_token"])


class Admin:
    """The manual's reader, with the token that the sign-in gave."""

    def __init__(self, rest: Rest, token: str) -> None:
        self._rest = rest
        self._headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        return self._rest(None, method, path, body, headers=self._headers).ok(status)


@pytest.fixture
def admin(demo: Rest, token: str) -> Admin:
    return Admin(demo, token)


def create(admin: Admin) -> int:
    body = {
        "name": "测试流程",
        "description": "这是一个测试流程",
        "version": "1.0.0",
        "config": MANUAL_CONFIG,
    }
    return int(admin("POST", "/process-definitions", body, 201)["id"])


def start(admin: Admin, definition: int) -> int:
    body = {
        "process_definition_id": definition,
        "business_key": "ORDER-001",
        "variables": {"order_id": "ORDER-001", "amount": Decimal("999.99")},
    }
    return int(admin("POST", "/process-instances", body, 201)["id"])


def test_definitions(admin: Admin) -> None:
    definition = create(admin)
    listed = admin("GET", "/process-definitions?page=1&size=10")
    assert (listed["page"], listed["size"]) == (1, 10)
    assert definition in [item["id"] for item in listed["items"]]
    assert admin("GET", f"/process-definitions/{definition}")["name"] == "测试流程"


def test_instances(admin: Admin) -> None:
    one = start(admin, create(admin))
    running = admin("GET", "/process-instances?status=running")
    assert one in [item["id"] for item in running["items"]]
    detail = admin("GET", f"/process-instances/{one}")
    assert detail["business_key"] == "ORDER-001"
    assert detail["variables"]["amount"] == Decimal("999.99")
    assert admin("PUT", f"/process-instances/{one}/suspend")["status"] == "suspended"
    assert admin("PUT", f"/process-instances/{one}/activate")["status"] == "running"
    assert admin("DELETE", f"/process-instances/{one}")["status"] == "terminated"


def test_tasks(admin: Admin) -> None:
    one = start(admin, create(admin))
    mine = admin("GET", "/tasks?assignee=current_user")["items"]
    assert [task["process_instance_id"] for task in mine] == [one]
    assert "items" in admin("GET", "/tasks?candidate_user=current_user")
    task = mine[0]["id"]
    assert admin("PUT", f"/tasks/{task}/claim")["assignee"] == "admin"
    body = {"variables": {"approved": True, "comments": "审批通过"}}
    done = admin("PUT", f"/tasks/{task}/complete", body)
    assert done["state"] == "completed"
    assert done["instance"] == {"id": one, "status": "completed"}


def test_troubleshooting(admin: Admin) -> None:
    one = start(admin, create(admin))
    assert admin("GET", f"/process-instances/{one}")["tokens"]
    assert admin("GET", f"/tasks?process_instance_id={one}")["total"] == 1
    assert admin("GET", "/health/database")["status"] == "ok"


def test_addresses_that_the_manual_names(demo: Rest) -> None:
    for path in ("//health", "//swagger/index.html", "//metrics"):
        assert demo(None, "GET", path).status == 200


@pytest.mark.parametrize(
    ("amount", "step"),
    [("999.99", "auto_approve"), ("1000", "auto_approve"), ("1000.01", "manager_approval")],
)
def test_the_order_process_chooses_exactly_at_the_limit(
    demo: Rest, admin: Admin, drain: Any, amount: str, step: str
) -> None:
    source = (EXAMPLES / "example_order_processing.json").read_text(encoding="utf-8")
    key = json.loads(source)["key"]
    body = {
        "process_definition_key": key,
        "business_key": "ORDER-001",
        "variables": {"order_id": "ORDER-001", "customer_id": "C-7", "amount": Decimal(amount)},
    }
    one = int(admin("POST", "/process-instances", body, 201)["id"])
    drain()
    history = admin("GET", f"/process-instances/{one}/history?size=200")["items"]
    entered = {event["step"]["id"] for event in history if event["step"]}
    assert step in entered
    assert len(entered & {"auto_approve", "manager_approval"}) == 1
