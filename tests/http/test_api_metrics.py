"""Figures and health."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from app.config import Settings
from app.factory import make_engine
from app.runtime.figures import Figures
from tests.http.test_api_language import define, start
from tests.support.rest import Rest

ROOT = Path(__file__).resolve().parents[2]


def samples(text: str) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(rest: Rest) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
    return samples(rest(None, "GET", "//metrics").text)


def test_the_manual_s_five_names_are_there(rest: Rest, settings: Settings, redis_url: str) -> None:
    task = rest.office.open_task()
    rest("mei", "PUT", f"/tasks/{task}/complete", {"variables": {"approved": True}}).ok()
    pool = make_engine(settings.model_copy(update={"redis_url": redis_url})).db
    with pool.transaction():
        text = rest(None, "GET", "//metrics").text
    pool.engine.dispose()
    for line in (
        'workflow_instances_total{definition="request",status="started"} 1.0',
        'workflow_instances_active{definition="request"} 1.0',
        'task_completion_time_count{definition="request",step="approve"}',
        "api_request_duration_bucket{",
        'database_connections{state="max"}',
        "task_completion_time_seconds_bucket{",
        "api_request_duration_seconds_sum{",
    ):
        assert line in text, line


def test_ended_instances_are_counted_by_how_they_ended(rest: Rest) -> None:
    instance = rest.office.start()
    rest("li", "DELETE", f"/process-instances/{instance}").ok()
    found = scrape(rest)
    labels = frozenset({("definition", "request"), ("status", "terminated")})
    assert found["workflow_instances_total", labels] == 1


def test_business_figures_are_at_most_fifteen_seconds_old(rest: Rest) -> None:
    active = ("workflow_instances_active", frozenset({("definition", "request")}))
    rest.office.start()
    assert scrape(rest)[active] == 1
    rest.office.start()
    assert scrape(rest)[active] == 1
    rest.clock.pass_(seconds=15)
    assert scrape(rest)[active] == 2


def test_timers_are_late_when_nobody_has_fired_them(rest: Rest) -> None:
    wait = {"id": "wait", "type": "timer", "config": {"after": "10s"}}
    define(rest, "clock", wait)
    start(rest, "clock")
    stopped = start(rest, "clock")["id"]
    rest("li", "PUT", f"/process-instances/{stopped}/suspend").ok()
    rest.clock.pass_(seconds=15)
    assert scrape(rest)["timers_late", frozenset()] == 0
    rest.clock.pass_(seconds=15)
    found = scrape(rest)
    assert found["timers_late", frozenset()] == 1
    assert found["timer_oldest_late_seconds", frozenset()] == 20
    assert rest("root", "GET", "/health/worker").ok()["status"] == "ok"
    rest.clock.pass_(seconds=41)
    body = rest("root", "GET", "/health/worker").ok()
    assert (body["status"], body["timers_late"], body["oldest_timer_seconds"]) == ("late", 1, 61)


def test_labels_hold_routes_and_never_ids(rest: Rest) -> None:
    task = rest.office.open_task()
    rest("mei", "GET", f"/tasks/{task}")
    rest("mei", "GET", f"/nowhere-{task}")
    routes = {
        dict(labels)["route"]
        for name, labels in scrape(rest)
        if name == "api_request_duration_count"
    }
    assert "/api/v1/tasks/<int:task_id>" in routes
    assert not [route for route in routes if "nowhere" in route]


def test_metrics_are_closed_unless_opened(app: Flask, rest: Rest) -> None:
    app.config.update(METRICS_OPEN=False, METRICS_TOKEN="s3cret", METRICS_NETWORKS=[])
    rest(None, "GET", "//metrics").refused(404, "no_such_address")
    admitted = rest(None, "GET", "//metrics", headers={"Authorization": "Bearer s3cret"})
    assert admitted.status == 200
    app.config.update(METRICS_TOKEN=None, METRICS_NETWORKS=["127.0.0.0/8"])
    assert rest(None, "GET", "//metrics").status == 200
    app.config.update(METRICS_NETWORKS=["10.0.0.0/8"])
    assert rest(None, "GET", "//metrics").status == 404


_PROCESS = """
from app.telemetry import metrics
metrics.request_answered("GET", "/api/v1/tasks", 200, 0.01)
metrics.pool_changed({"in_use": 2, "max": 10})
print("ready", flush=True)
input()
"""
_SCRAPE = """
from prometheus_client import CollectorRegistry, generate_latest
from app.telemetry import metrics
metrics.forget_process(int(input() or 0))
registry = CollectorRegistry()
registry.register(metrics.collected())
print(generate_latest(registry).decode())
"""


def test_two_processes_are_counted_together_and_a_dead_one_holds_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def spawn() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROCESS],
            env=environment,
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def scraped(dead: int = 0) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
        done = subprocess.run(
            [sys.executable, "-c", _SCRAPE],
            env=environment,
            cwd=ROOT,
            text=True,
            input=f"{dead}\n",
            capture_output=True,
            check=True,
        )
        return samples(done.stdout)

    requests = (
        "api_request_duration_count",
        frozenset({("method", "GET"), ("route", "/api/v1/tasks"), ("status", "200")}),
    )
    in_use = ("database_connections", frozenset({("state", "in_use")}))
    with spawn() as one, spawn() as two:
        together = scraped()
        assert (together[requests], together[in_use]) == (2, 4)
        two.communicate("\n")
        left = scraped(dead=two.pid)
        assert (left[requests], left[in_use]) == (2, 2)
        one.communicate("\n")


def test_health_says_no_more_than_it_must(rest: Rest) -> None:
    assert rest(None, "GET", "//health").ok() == {"status": "ok"}
    assert rest(None, "GET", "//health/ready").ok()["database"] == "ok"


@pytest.mark.parametrize("part", ["database", "redis", "worker"])
def test_details_are_for_administrators(rest: Rest, part: str) -> None:
    assert rest("root", "GET", f"/health/{part}").ok()["status"]
    rest("li", "GET", f"/health/{part}").refused(403, "forbidden")
    assert rest(None, "GET", f"/health/{part}").status == 401


def test_database_health_names_versions_and_connections(rest: Rest) -> None:
    body = rest("root", "GET", "/health/database").ok()
    assert body["version"]
    assert body["migration"]
    assert body["max_connections"] > 0


def test_redis_away_is_degraded_and_not_down(app: Flask, rest: Rest, tmp_path: Path) -> None:
    app.config["REDIS_URL"] = f"unix://{tmp_path}/nobody.sock"
    body = rest(None, "GET", "//health/ready").ok()
    assert (body["status"], body["redis"]) == ("degraded", "down")
    assert rest("root", "GET", "/health/redis").ok()["status"] == "down"
    assert scrape(rest)["redis_up", frozenset()] == 0


def test_without_a_database_the_rest_of_the_figures_stays(app: Flask, rest: Rest) -> None:
    from app.errors import Unavailable

    def away(_now: object) -> Figures:
        raise Unavailable("database_unavailable", "away")

    app.extensions["figures"]._count = away
    assert scrape(rest)["postgresql_up", frozenset()] == 0
