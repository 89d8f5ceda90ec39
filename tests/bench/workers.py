"""Worker processes as they run in production, with services of the bench's own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from app.config import Settings
from app.connector.base import Handler, JobContext
from app.connector.registry import Registry
from app.connector.standard import standard_registry
from app.telemetry import logs
from app.worker.__main__ import run
from tests.bench.approval import SERVICE
from tests.bench.given import Given


def now() -> datetime:
    """Return the time: these benches run by the real clock."""
    return datetime.now(UTC)


def echo(given: Mapping[str, Any], _context: JobContext) -> Any:
    """Return the input."""
    return dict(given)


def registry(handler: Handler = echo) -> Registry:
    """Return every service, and the bench's."""
    made = standard_registry()
    made.register(SERVICE, "run", handler)
    return made


@contextmanager
def working(given: Given, url: str, count: int, handler: Handler = echo) -> Iterator[None]:
    """Run ``count`` worker processes inside ``with``."""
    settings = given.loaded(url)
    processes = [in_process(_work, settings, handler) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(30)
            process.kill()


def in_process(target: Callable[..., None], *args: Any) -> multiprocessing.context.ForkProcess:
    """Start a process that runs ``target``."""
    process = multiprocessing.get_context("fork").Process(target=target, args=args, daemon=True)
    process.start()
    return process


def _work(settings: Settings, handler: Handler) -> None:
    logs.configure(level="error", output="stderr")
    run(settings, registry(handler), stop_within=2)
