"""``python -m tests.fault.slow_worker``: a worker whose mails wait until a file is there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from app.config import load_settings
from app.connector import demo, email
from app.connector.base import JobContext
from app.connector.registry import Registry
from app.telemetry import logs
from app.worker.__main__ import run
from tests.fault.plant import Plant, Program
from tests.support.until import until

log = structlog.get_logger(__name__)
_GO = "SLOW_UNTIL"


def _send(given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
    log.info("slow.called", key=context.idempotency_key)
    go = Path(os.environ[_GO])
    until(go.exists, seconds=600)
    return email.send(given, context)


def slow_worker(plant: Plant) -> Program:
    """Return such a worker, not started; ``plant.folder / "go"`` lets mails go."""
    program = plant.program("worker.slow", "tests.fault.slow_worker")
    program.env[_GO] = str(plant.folder / "go")
    return program


def main() -> None:
    """Run it with the settings of this process."""
    settings = load_settings()
    logs.configure(level=settings.log.level, form=settings.log.format, output=settings.log.output)
    registry = Registry()
    demo.install(registry)
    registry.register("EmailService", "send", _send)
    run(settings, registry, stop_within=0.5)


if __name__ == "__main__":
    main()
