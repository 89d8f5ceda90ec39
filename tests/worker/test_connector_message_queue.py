"""Messages to a broker: the real Redis, read back with kombu as anybody would."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import kombu
import pytest
import redis

from app.connector.base import BusinessError, ConnectorError, JobContext
from app.connector.message_queue import MessageQueue, _address
from app.core import jsontext

CONTEXT = JobContext("17", instance_id=4, step="tell", attempt=2, timeout=10)


@pytest.fixture
def url(clean_redis: redis.Redis, redis_url: str) -> str:
    number = clean_redis.connection_pool.connection_kwargs["db"]
    return f"{redis_url}?db={number}"


@contextmanager
def received(url: str, queue: str) -> Iterator[Any]:
    with kombu.Connection(_address(url)) as connection:
        waiting = connection.SimpleQueue(queue)
        message = waiting.get(block=True, timeout=5)
        yield message
        message.ack()
        waiting.close()


def test_a_message_arrives_with_exact_numbers_and_the_job_s_key(url: str) -> None:
    given = {
        "queue_name": "orders",
        "message": {"total": Decimal("12.10"), "name": "李"},
        "headers": {"tenant": "a", "idempotency-key": "forged"},
    }
    sent = MessageQueue("", url).publish(given, CONTEXT)
    assert sent == {"queue_name": "orders", "message_id": "17"}
    with received(url, "orders") as message:
        body = message.body if isinstance(message.body, str) else bytes(message.body).decode()
        assert str(jsontext.read(body).value["total"]) == "12.10"
        assert jsontext.read(body).value["name"] == "李"
        assert message.content_type == "application/json"
        assert message.headers["idempotency-key"] == "17"
        assert message.headers["tenant"] == "a"
        assert message.properties["message_id"] == "17"


@pytest.mark.parametrize("message", [None, [], "text", 0, {"deep": [{"a": None}]}])
def test_any_json_can_be_a_message(url: str, message: Any) -> None:
    MessageQueue(url, "").publish({"queue_name": "any", "message": message}, CONTEXT)
    with received(url, "any") as got:
        assert got.payload == message


def test_headers_arrive_exactly_whatever_the_broker_can_count_to(url: str) -> None:
    headers = {
        "money": Decimal("12.10"),
        "long": 2**63,
        "list": [Decimal("1E+400"), {"deep": -(2**63) - 1}],
        "plain": {"a": 7, "b": True, "c": None, "d": "x"},
    }
    MessageQueue(url, "").publish({"queue_name": "h", "message": 1, "headers": headers}, CONTEXT)
    with received(url, "h") as got:
        assert got.headers == {
            "money": "12.10",
            "long": "9223372036854775808",
            "list": ["1E+400", {"deep": "-9223372036854775809"}],
            "plain": {"a": 7, "b": True, "c": None, "d": "x"},
            "idempotency-key": "17",
        }


@pytest.mark.parametrize(
    "headers", [["a"], {"": 1}, {"李" * 86: 1}, {"a": {"b" * 256: 1}}, {"a": "x" * 2**16}]
)
def test_headers_that_no_broker_can_carry_are_refused(url: str, headers: Any) -> None:
    with pytest.raises(BusinessError) as refused:
        MessageQueue(url, "").publish(
            {"queue_name": "h", "message": 1, "headers": headers}, CONTEXT
        )
    assert refused.value.code == "bad_header"


def test_the_broker_s_own_names_are_refused() -> None:
    broker = MessageQueue("amqp://127.0.0.1:1//", "")
    for name in ("amq.rabbitmq.reply-to", "amq.x"):
        with pytest.raises(BusinessError, match="the broker's own"):
            broker.publish({"queue_name": name, "message": 1}, CONTEXT)


def test_a_name_that_holds_something_else_is_a_failed_attempt(
    clean_redis: redis.Redis, url: str
) -> None:
    clean_redis.set("taken", "by something that is no list")
    with pytest.raises(ConnectorError, match="WRONGTYPE") as raised:
        MessageQueue(url, "").publish({"queue_name": "taken", "message": 1}, CONTEXT)
    assert raised.value.code == "unreachable"


@pytest.mark.parametrize(
    "name",
    ["", None, 5, "a" * 256, "李" * 86, "a\n", "rq:queue:default", "_kombu.x"],
)
def test_names_that_are_none_or_our_own_are_refused(url: str, name: Any) -> None:
    with pytest.raises(BusinessError) as refused:
        MessageQueue("", url).publish({"queue_name": name, "message": 1}, CONTEXT)
    assert refused.value.code == "bad_queue_name"


def test_a_message_beyond_a_mebibyte_is_refused(url: str) -> None:
    with pytest.raises(BusinessError, match="1 MiB"):
        MessageQueue("", url).publish({"queue_name": "a", "message": "x" * 2**20}, CONTEXT)


@pytest.mark.parametrize(
    "away",
    ["redis://127.0.0.1:1/0", "unix:///nowhere/redis.sock", "amqp://guest:hush@127.0.0.1:1//"],
)
def test_a_broker_that_is_away_is_tried_again_and_no_password_is_told(away: str) -> None:
    with pytest.raises(ConnectorError) as raised:
        MessageQueue(away, "").publish({"queue_name": "a", "message": 1}, CONTEXT)
    assert raised.value.code == "unreachable"
    assert "hush" not in raised.value.message


def test_without_kombu_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kombu", None)
    with pytest.raises(BusinessError, match=r"pip install \"workflow-engine\[mq\]\"") as raised:
        MessageQueue("", "redis://x").publish({"queue_name": "a", "message": 1}, CONTEXT)
    assert raised.value.code == "kombu_missing"


def test_addresses_of_unix_sockets_are_written_as_kombu_wants_them() -> None:
    assert _address("unix:///run/r.sock?db=3") == "redis+socket:///run/r.sock?virtual_host=3"
    assert _address("redis://h:1/2") == "redis://h:1/2"


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_says_nothing_is_left_when_the_time_is_over(scheme: str) -> None:
    short = JobContext("17", instance_id=4, step="tell", attempt=2, timeout=0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        away = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/"
        start = time.monotonic()
        with pytest.raises(ConnectorError):
            MessageQueue(away, "").publish({"queue_name": "a", "message": 1}, short)
        assert time.monotonic() - start < 3
