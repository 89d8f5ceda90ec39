"""Steps that reach outside, from the definition through a worker to the remote and back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import redis

from app.config import MessageQueue, Settings, Webhook
from app.connector.standard import standard_registry
from app.worker.clock import now
from app.worker.drain import Drain
from tests.support.loopback import json_reply, reply, serving
from tests.support.until import until
from tests.worker.conftest import Shop, Step


def step(id_: str, kind: str, next_: str | None = None, **config: Any) -> Step:
    made: Step = {"id": id_, "name": id_, "type": kind, "config": config}
    return made | ({"next": [next_]} if next_ else {})


def shop_with(shop: Shop, chosen: Settings) -> Shop:
    """Give a shop the services that a process with these settings has."""
    shop.services = standard_registry(chosen)
    engine = replace(shop.office.engine, services=shop.services)
    shop.office = replace(shop.office, engine=engine)
    shop.at = now()
    return shop


def settings(redis_url: str = "") -> Settings:
    return Settings(
        mode="demo",
        webhook=Webhook(allow=("127.0.0.1",)),
        message_queue=MessageQueue(url=redis_url),
    )


def test_a_request_a_message_and_a_mail_follow_one_another(
    open_shop: Shop, clean_redis: redis.Redis, redis_url: str
) -> None:
    number = clean_redis.connection_pool.connection_kwargs["db"]
    shop_with(open_shop, settings(f"{redis_url}?db={number}"))
    with serving(json_reply('{"id": "X-1", "fee": 0.30}', 201)) as remote:
        instance = open_shop.start(
            step(
                "ask",
                "webhook",
                "tell",
                url=f"http://127.0.0.1:{remote.port}/orders/${{order}}",
                body={"total": "${total}"},
                headers={"X-Order": "${order}"},
                expect=[201],
                output={"fee": "${result.body.fee}", "status": "${result.status}"},
            ),
            step(
                "tell",
                "message_queue",
                "mail",
                queue_name="orders",
                message={"sum": "${total + fee}"},
            ),
            step("mail", "email", to=["${who}"], subject="Order ${order}", body="Fee: ${fee}"),
            order="O-1",
            total=Decimal("99.90"),
            who="li@example.com",
        )
        drain = Drain(open_shop.engine, open_shop.services, worker="a", clock=now)
        drain.start()
        until(lambda: open_shop.instance(instance)["status"] == "completed")
        drain.stop(5)
    (got,) = remote.got
    assert (got.path, got.headers["x-order"]) == ("/orders/O-1", "O-1")
    assert got.body == b'{"total":99.90}'
    job = open_shop.rows("select id from jobs order by id limit 1")[0]["id"]
    assert got.headers["idempotency-key"] == str(job)
    variables = open_shop.instance(instance)["variables"]
    assert (str(variables["fee"]), variables["status"]) == ("0.30", 201)
    assert variables["mail"]["sent_to"] == ["li@example.com"]
    assert clean_redis.llen("orders") == 1


def test_a_refusal_goes_to_on_error_at_once_and_trouble_is_tried_again(open_shop: Shop) -> None:
    shop_with(open_shop, settings())
    statuses = iter((503, 404))

    def answer(got: Any, handler: Any) -> None:
        reply(handler, next(statuses), b"no", {"Retry-After": "1"})

    quick = {"initial": "1s", "max_interval": "1s", "jitter": False}
    with serving(answer) as remote:
        url = f"http://127.0.0.1:{remote.port}/"
        ask = step("ask", "webhook", url=url, retry_policy=quick) | {"on_error": "sorry"}
        sorry: Step = {"id": "sorry", "name": "Sorry", "type": "end"}
        instance = open_shop.start(ask, sorry)
        drain = Drain(open_shop.engine, open_shop.services, worker="a", clock=now)
        drain.start()
        until(lambda: open_shop.rows("select 1 from jobs where failures = 1"))
        open_shop.rows("update jobs set due_at = now() returning 1")
        drain.notify()
        until(lambda: open_shop.instance(instance)["status"] == "completed")
        drain.stop(5)
    assert [got.headers["idempotency-key"] for got in remote.got[1:]] == [
        remote.got[0].headers["idempotency-key"]
    ]
    assert open_shop.instance(instance)["variables"]["error"]["code"] == "http_404"
