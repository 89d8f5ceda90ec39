"""Whether the system lives, is ready, and how its parts do; and the figures."""

from __future__ import annotations

import hmac
import ipaddress
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response, current_app, request
from prometheus_client.exposition import choose_encoder

from app.adapters import redis_health
from app.api import bodies_health
from app.api.call import Answer, Call, engine, now
from app.api.errors import answered
from app.api.figures import BusinessFigures, Collector
from app.api.operation import Operations
from app.db import health, leader
from app.errors import NotFound, Unavailable
from app.identity.policy import require
from app.runtime.figures import figures
from app.telemetry import metrics

operations = Operations("health", "Health")
blueprint = Blueprint("health", __name__)

_PERMISSION = "system:read"


@blueprint.get("/health")
def live() -> Response:
    """Say that this process answers; nothing else is looked at."""
    return Answer({"status": "ok"}).response()


@blueprint.get("/health/ready")
@answered
def ready() -> Response:
    """Say whether requests can be served: 503 without PostgreSQL, degraded without Redis."""
    try:
        health.ping(engine().db)
    except Unavailable:
        body = {"status": "unavailable", "database": "down"}
        return Answer(body, 503, {"Retry-After": "5"}).response()
    redis = _redis()
    return Answer(
        {
            "status": "ok" if redis else "degraded",
            "database": "ok",
            "redis": "ok" if redis else "down",
        }
    ).response()


@operations.add(
    "GET",
    "/health/database",
    "How the database does",
    permission=_PERMISSION,
    answers={200: bodies_health.DatabaseHealth},
)
def database(call: Call) -> Answer:
    """Latency, versions, connections. 503 if it is away."""
    require(call.actor, _PERMISSION)
    state = health.state(call.db)
    return Answer(
        {
            "status": "ok",
            "latency_ms": _milliseconds(state.latency),
            "version": state.version,
            "migration": state.migration,
            "pool": state.pool,
            "connections": state.connections,
            "max_connections": state.max_connections,
        }
    )


@operations.add(
    "GET",
    "/health/redis",
    "How Redis does",
    permission=_PERMISSION,
    answers={200: bodies_health.RedisHealth},
)
def redis(call: Call) -> Answer:
    """Latency and version; without it everything goes on, more slowly."""
    require(call.actor, _PERMISSION)
    state = _redis()
    if state is None:
        problem = "Redis does not answer. Work goes on, more slowly; see that it is started."
        return Answer({"status": "down", "problem": problem})
    return Answer(
        {
            "status": "ok",
            "latency_ms": _milliseconds(state.latency),
            "version": state.version,
        }
    )


@operations.add(
    "GET",
    "/health/worker",
    "How work for machines does",
    permission=_PERMISSION,
    answers={200: bodies_health.WorkerHealth},
)
def worker(call: Call) -> Answer:
    """Length and age of the queue, late timers, who listens, and whether duties are done."""
    require(call.actor, _PERMISSION)
    with call.db.transaction() as tx:
        counted = figures(call.db, now=call.now)
        led = leader.led(tx, leader.DUTIES_LOCK)
    state = _redis()
    oldest = max(counted.oldest_due_seconds, counted.oldest_timer_seconds)
    late = oldest > current_app.config["WORKER_LATE_SECONDS"]
    return Answer(
        {
            "status": "late" if late else "ok",
            "due": counted.jobs_due,
            "leased": counted.jobs_leased,
            "oldest_due_seconds": Decimal(f"{counted.oldest_due_seconds:.3f}"),
            "timers_late": counted.timers_late,
            "oldest_timer_seconds": Decimal(f"{counted.oldest_timer_seconds:.3f}"),
            "workers": state.workers if state else None,
            "leader": led,
        }
    )


@blueprint.get("/metrics")
@answered
def show_metrics() -> Response:
    """Every figure in Prometheus' text format, for all processes of this host."""
    _admit()
    moment = now()
    counted: BusinessFigures = current_app.extensions["figures"]
    try:
        found = counted.at(moment)
    except Unavailable:
        found = None
    collector = Collector(found, redis=_redis() is not None, version=version("workflow-engine"))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    text = encode(_Together(metrics.collected(), collector))
    return Response(text, content_type=content_type, headers={"Cache-Control": "no-store"})


class _Together:
    """A registry and a collector as one, for the encoder."""

    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    def collect(self) -> Any:
        for part in self._parts:
            yield from part.collect()


def _admit() -> None:
    """Let in whom the settings name; to others there is nothing here.

    Raises:
        NotFound: neither the token nor the network is right.
    """
    wanted: str | None = current_app.config["METRICS_TOKEN"]
    networks: list[str] = current_app.config["METRICS_NETWORKS"]
    if wanted is None and not networks and current_app.config["METRICS_OPEN"]:
        return
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    if wanted is not None and hmac.compare_digest(given, wanted.encode()):
        return
    address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104  # no address: in no list
    if any(address in ipaddress.ip_network(network) for network in networks):
        return
    raise NotFound("no_such_address", "There is nothing at this address.")


def _redis() -> redis_health.RedisState | None:
    return redis_health.state(current_app.config["REDIS_URL"])


def _milliseconds(seconds: float) -> Decimal:
    return Decimal(f"{seconds * 1000:.3f}")
