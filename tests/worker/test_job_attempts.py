"""What becomes of attempts that fail: when the next is made, and who is told in the end."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from markupsafe import Markup

from app.connector.base import BusinessError, ConnectorError
from app.runtime import failures
from app.runtime import service as runtime
from tests.worker.conftest import Shop, service


def policy(**more: Any) -> dict[str, Any]:
    return {"max_attempts": 5, "jitter": False, **more}


@pytest.mark.parametrize(
    ("given", "delays"),
    [
        ({"backoff": "fixed", "initial": "7s"}, [7, 7, 7, 7]),
        ({"backoff": "linear", "initial": "7s"}, [7, 14, 21, 28]),
        ({"backoff": "exponential", "initial": "7s"}, [7, 14, 28, 56]),
        ({"backoff": "exponential", "initial": "2s", "factor": 3}, [2, 6, 18, 54]),
        ({"backoff": "linear", "initial": "7s", "max_interval": "15s"}, [7, 14, 15, 15]),
        ({"backoff": "exponential", "factor": 100, "max_interval": "1h"}, [1, 100, 3600, 3600]),
        ({}, [1, 2, 4, 8]),
    ],
)
def test_the_next_attempt_is_made_after_the_policy_s_delay(
    shop: Shop, given: dict[str, Any], delays: list[int]
) -> None:
    instance = shop.start(service("only", retry_policy=policy(**given)))
    for delay in delays:
        assert shop.fail(shop.one())
        shop.later(seconds=delay, milliseconds=-1)
        assert shop.lease() == []
        shop.later(milliseconds=1)
    assert shop.instance(instance)["incident_count"] == 0
    shop.fail(shop.one())
    assert shop.instance(instance)["incident_count"] == 1
    incident = shop.incident(instance)
    assert (incident["kind"], incident["attempts"]) == ("job_failed", 5)
    assert incident["message"] == "It is error."


@pytest.mark.parametrize(("spread", "delay"), [(0, 5.0), (0.5, 7.5), (1, 10.0)])
def test_jitter_waits_for_half_to_all_of_the_delay(shop: Shop, spread: float, delay: float) -> None:
    shop.start(service("only", retry_policy={"initial": "10s"}))
    job = shop.one()
    shop.fail(job, spread=spread)
    assert shop.job(job.id)["due_at"] - shop.at == timedelta(seconds=delay)


@pytest.mark.parametrize(
    ("given", "code", "again"),
    [
        ({"retry_on": ["busy"]}, "busy", True),
        ({"retry_on": ["busy"]}, "broken", False),
        ({"do_not_retry": ["broken"]}, "broken", False),
        ({"do_not_retry": ["broken"]}, "busy", True),
        ({"retry_on": ["timeout"]}, "timeout", True),
        ({"max_attempts": 1}, "busy", False),
    ],
)
def test_the_policy_names_the_codes_that_are_tried_again(
    shop: Shop, given: dict[str, Any], code: str, again: bool
) -> None:
    instance = shop.start(service("only", retry_policy=given))
    job = shop.one()
    shop.fail(job, code)
    assert shop.job(job.id)["state"] == ("due" if again else "failed")
    assert shop.instance(instance)["incident_count"] == (0 if again else 1)


def test_a_refusal_is_not_tried_again(shop: Shop) -> None:
    instance = shop.start()
    shop.fail(shop.one(), "no_stock", business=True)
    incident = shop.incident(instance)
    assert (incident["attempts"], incident["detail"]["code"]) == (1, "no_stock")
    assert incident["detail"]["business"] is True
    assert shop.lease() == []


def test_on_error_takes_over_with_what_went_wrong(shop: Shop) -> None:
    instance = shop.start(
        service("pay", next_="ship", on_error="excuse"), service("ship"), service("excuse")
    )
    shop.fail(shop.one(), "no_money", business=True)
    job = shop.one()
    assert job.step == "excuse"
    error = shop.instance(instance)["variables"]["error"]
    assert (error["step"], error["code"]) == ("pay", "no_money")
    assert error["message"] == "It is no_money."


def test_on_error_takes_over_only_when_attempts_are_used_up(shop: Shop) -> None:
    shop.start(
        service("pay", on_error="excuse", retry_policy=policy(max_attempts=2)), service("excuse")
    )
    shop.fail(shop.one())
    shop.later(seconds=1)
    again = shop.one()
    assert (again.step, again.attempt) == ("pay", 2)
    shop.fail(again)
    assert shop.one().step == "excuse"


def test_every_attempt_has_the_same_id_and_a_number_of_its_own(shop: Shop) -> None:
    shop.start(service("only", retry_policy=policy(backoff="fixed")))
    seen = []
    for _ in range(2):
        job = shop.one()
        seen.append((job.id, job.attempt, job.failures))
        shop.fail(job)
        shop.later(seconds=1)
    lost = shop.one()
    seen.append((lost.id, lost.attempt, lost.failures))
    shop.later(seconds=31)
    assert shop.expire() == 1
    last = shop.one()
    seen.append((last.id, last.attempt, last.failures))
    assert seen == [(lost.id, 1, 0), (lost.id, 2, 1), (lost.id, 3, 2), (lost.id, 4, 2)]


def test_an_operator_s_retry_makes_a_fresh_set_of_attempts(shop: Shop) -> None:
    instance = shop.start(service("only", retry_policy=policy(max_attempts=1)))
    first = shop.one()
    shop.fail(first)
    incident = shop.incident(instance)["id"]
    runtime.retry_incident(shop.engine, shop.office["root"], incident, now=shop.at)
    second = shop.one()
    assert (second.attempt, second.failures) == (1, 0)
    assert second.id != first.id
    assert shop.succeed(second, {"ok": True})
    assert shop.instance(instance)["status"] == "completed"
    assert not shop.succeed(first, {"ok": False})
    assert shop.lines(instance, "job.completed")[-1]["ignored"] == "late"
    assert shop.instance(instance)["variables"] == {"only": {"ok": True}}


class Trap(Mapping[str, Any]):
    """A result that raises when it is read."""

    def __getitem__(self, name: str) -> Any:
        raise LookupError(name)

    def __iter__(self) -> Iterator[str]:
        raise OSError("the connection is closed")

    def __len__(self) -> int:
        return 1


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (object(), "type object"),
        (b"bytes", "type bytes"),
        ({1, 2}, "type set"),
        ({"price": float("nan")}, "NaN"),
        ({"a": ["x\0y"]}, "NUL"),
        ("\ud83d", "surrogate"),
        ({1: "one"}, "must be text"),
        (10**5000, "out of range"),
        (nested(40), "deeper"),
        ("x" * 2_000_000, "Larger"),
        (Trap(), "the connection is closed"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "result",
)
def test_a_result_that_cannot_be_stored_is_a_failed_attempt(
    shop: Shop, result: Any, said: str
) -> None:
    instance = shop.start()
    job = shop.one()
    assert shop.succeed(job, result)
    row = shop.job(job.id)
    assert (row["state"], row["failures"], row["error"]["code"]) == ("due", 1, "bad_result")
    assert said in row["error"]["message"]
    assert shop.lines(instance, "job.failed")[0]["code"] == "bad_result"


class Colour(enum.StrEnum):
    """A text that is more than a text."""

    RED = "red"


class Size(enum.IntEnum):
    """A number that is more than a number."""

    M = 2


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        (Colour.RED, "red"),
        (Markup("<b>"), "<b>"),
        (Size.M, 2),
        (type("Money", (Decimal,), {})("1.10"), Decimal("1.10")),
        (0.1, Decimal("0.1")),
        ((1, "two", None), [1, "two", None]),
        ({"day": date(2026, 3, 2), "yes": True}, {"day": "2026-03-02", "yes": True}),
        (2**70, 2**70),
    ],
    ids=str,
)
def test_a_result_of_python_s_richer_types_is_stored_plainly(
    shop: Shop, result: Any, kept: Any
) -> None:
    instance = shop.start()
    assert shop.succeed(shop.one(), result)
    assert shop.instance(instance)["variables"] == {"only": kept}


class Mute(Exception):
    """Cannot even be shown."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "code", "message", "business"),
    [
        (BusinessError("no_stock", "None left."), "no_stock", "None left.", True),
        (ConnectorError("http_503", "Busy."), "http_503", "Busy.", False),
        (KeyError("amount"), "error", "KeyError: 'amount'", False),
        (ValueError("a\0b\ud83d"), "error", "ValueError: ab?", False),
        (Mute(), "error", "Mute: (cannot be shown)", False),
        (BusinessError(404, "A number."), "404", "A number.", True),  # type: ignore[arg-type]  # on purpose
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_whatever_a_service_raises_becomes_a_failure_in_words(
    error: Exception, code: str, message: str, business: bool
) -> None:
    assert failures.of(error) == failures.Failure(code, message, business)


def test_an_endless_message_is_cut() -> None:
    assert len(failures.of(BusinessError("x", "y" * 1_000_000)).message) == failures.MAX_MESSAGE


def test_a_service_that_nobody_knows_is_an_incident_at_once(shop: Shop) -> None:
    instance = shop.start(service("only", method="misspelt"))
    incident = shop.incident(instance)
    assert incident["kind"] == "unknown_service"
    assert "Shop.misspelt" in incident["message"]
    assert shop.rows("select 1 from jobs") == []
