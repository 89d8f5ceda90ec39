"""The table of services, those that come with it, and those that run inside a step."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.connector import demo, email
from app.connector.base import BusinessError, JobContext
from app.connector.registry import Registry
from app.connector.standard import standard_registry
from app.runtime.plan import INLINE_LIMIT
from tests.worker.conftest import Shop, Step, service

CONTEXT = JobContext("17", instance_id=4, step="mail", attempt=2, timeout=60)


def test_a_name_is_taken_once() -> None:
    registry = Registry()
    registry.register("A", "do", lambda given, context: 1)
    registry.register_inline("A", "add", lambda given: 2)
    for method in ("do", "add"):
        with pytest.raises(ValueError, match=f"A.{method} is registered twice"):
            registry.register("A", method, lambda given, context: 3)
        with pytest.raises(ValueError, match=f"A.{method} is registered twice"):
            registry.register_inline("A", method, lambda given: 3)
    assert registry.names() == {"A.do", "A.add"}


def test_a_worker_may_call_what_could_run_inside_a_step() -> None:
    registry = Registry()
    registry.register_inline("A", "add", lambda given: given["n"] + 1)
    service = registry.service("A", "add")
    assert service is not None
    assert service.one is not None
    assert service.one({"n": 1}, CONTEXT) == 2
    assert registry.service("A", "other") is None
    assert registry.inline("A", "other") is None
    assert not registry.known("A", "other")


def test_what_comes_with_the_program() -> None:
    assert standard_registry().names() == {
        "NoopService.run",
        "EmailService.send",
        "EmailService.sendWelcomeEmail",
        "OrderValidationService.validate",
        "OrderService.fulfill",
        "OrderService.cancel",
        "webhook.call",
        "message_queue.publish",
        "email.send",
    }


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "order_id_missing"),
        ({"order_id": "", "amount": 1}, "order_id_missing"),
        ({"order_id": "O-1", "amount": -1}, "amount_invalid"),
        ({"order_id": "O-1", "amount": "12"}, "amount_invalid"),
        ({"order_id": "O-1", "amount": True}, "amount_invalid"),
        ({"order_id": "O-1", "total_amount": Decimal("-0.01")}, "amount_invalid"),
    ],
)
def test_an_order_without_id_or_amount_is_refused(given: dict[str, Any], code: str) -> None:
    with pytest.raises(BusinessError) as refused:
        demo.validate(given, CONTEXT)
    assert refused.value.code == code


@pytest.mark.parametrize("amount", [0, 5, Decimal("999.99")])
def test_an_order_with_both_is_accepted(amount: Any) -> None:
    given = {"order_id": "O-1", "total_amount": amount}
    assert demo.validate(given, CONTEXT) == {"status": "validated"}


def test_a_mail_is_told_to_the_log_under_the_job_s_key(capsys: pytest.CaptureFixture[str]) -> None:
    sent = email.send({"to": "li@example.com", "subject": "Hello"}, CONTEXT)
    assert sent == {"sent_to": "li@example.com", "message_id": "17"}
    welcome = email.send_welcome({"email": "li@example.com", "name": "Li"}, CONTEXT)
    assert welcome == sent


@pytest.mark.parametrize("given", [{}, {"to": None}, {"to": 5}, {"email": "nobody"}])
def test_a_mail_without_an_address_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BusinessError, match="address") as refused:
        email.send(given, CONTEXT)
    assert refused.value.code == "no_recipient"


# --- inside a step ------------------------------------------------------------------------------


def test_a_service_inside_a_step_needs_no_job(shop: Shop) -> None:
    shop.services.register_inline("Shop", "double", lambda given: given["n"] * 2)
    steps = [service("one", "double", input={"n": "${n}"}, next_="two")]
    steps += [service("two", "double", input={"n": "${one}"})]
    instance = shop.start(*steps, n=3)
    row = shop.instance(instance)
    assert (row["status"], row["history_seq"]) == ("completed", 1)
    assert row["variables"] == {"n": 3, "one": 6, "two": 12}
    assert shop.rows("select 1 from jobs") == []


def test_one_that_raises_is_an_incident_and_the_start_is_kept(shop: Shop) -> None:
    shop.services.register_inline("Shop", "divide", lambda given: 1 / given["n"])
    instance = shop.start(service("one", "divide"), n=0)
    incident = shop.incident(instance)
    assert (incident["kind"], incident["detail"]["code"]) == ("job_failed", "error")
    assert "ZeroDivisionError" in incident["message"]


def test_one_that_refuses_goes_to_on_error(shop: Shop) -> None:
    def refuse(given: Any) -> Any:
        raise BusinessError("closed", "We are closed.")

    shop.services.register_inline("Shop", "refuse", refuse)
    instance = shop.start(service("one", "refuse", on_error="two"), service("two"))
    assert shop.instance(instance)["variables"]["error"]["code"] == "closed"
    assert shop.one().step == "two"


def test_one_whose_result_cannot_be_stored_is_an_incident(shop: Shop) -> None:
    shop.services.register_inline("Shop", "odd", lambda given: {"x": "\0"})
    instance = shop.start(service("one", "odd"))
    assert shop.incident(instance)["detail"]["code"] == "bad_result"


def test_a_circle_of_them_does_not_hold_the_transaction_for_ever(shop: Shop) -> None:
    def count(given: Any) -> Any:
        return {"n": given.get("n", 0) + 1}

    shop.services.register_inline("Shop", "count", count)
    around: Step = {
        "id": "again",
        "name": "Again?",
        "type": "exclusive_gateway",
        "config": {
            "conditions": [{"expression": f"n < {INLINE_LIMIT + 5}", "next": "count"}],
            "default": "end",
        },
    }
    counting = service("count", "count", next_="again", output={"n": "${result.n}"})
    end: Step = {"id": "end", "name": "End", "type": "end"}
    instance = shop.start(counting, around, end)
    assert shop.instance(instance)["variables"]["n"] == INLINE_LIMIT
    job = shop.one()
    assert shop.succeed(job, count(job.input))
    assert shop.instance(instance)["status"] == "completed"
    assert shop.instance(instance)["variables"]["n"] == INLINE_LIMIT + 5
