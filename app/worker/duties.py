"""``python -m app.worker.duties``: what has to be done every so often, by one process.

Any number of these may run: the one that holds the lock does the work, the others wait.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from app.adapters.executor_rq import RqWaker, connect
from app.config import ConfigError, Settings, load_settings
from app.connector.standard import standard_registry
from app.db.engine import create_database
from app.db.leader import DUTIES_LOCK, Leadership
from app.definition.cache import DefinitionCache
from app.errors import AppError
from app.runtime.ports import Engine
from app.telemetry import logs
from app.worker import (
    duty_files,
    duty_leases,
    duty_mail,
    duty_messages,
    duty_prune,
    duty_reminders,
    duty_starts,
    duty_timers,
    duty_wake,
)
from app.worker.clock import now as read_clock
from app.worker.duty import Duty
from app.worker.stopping import stop_on_signals

log = structlog.get_logger(__name__)

DUTIES: Final = (
    duty_timers.DUTY,
    duty_messages.DUTY,
    duty_starts.DUTY,
    duty_wake.DUTY,
    duty_leases.DUTY,
    duty_mail.DUTY,
    duty_reminders.DUTY,
    duty_messages.PRUNE,
    duty_prune.DUTY,
    duty_files.DUTY,
)
TICK: Final = 0.5
"""Seconds between two looks at what is to be done."""


class Round:
    """Does each duty when its time has come.

    Args:
        monotonic: seconds that only go forward; the wall clock may be set.
    """

    def __init__(
        self,
        engine: Engine,
        leads: Callable[[], bool],
        *,
        duties: Sequence[Duty] = DUTIES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._leads = leads
        self._monotonic = monotonic
        self._next = dict.fromkeys(duties, 0.0)

    def tick(self, now: datetime) -> None:
        """Do what is to be done, if this process leads. One that fails does not stop others."""
        at = self._monotonic()
        waiting = [duty for duty, when in self._next.items() if when <= at]
        if not waiting or not self._leads():
            return
        for duty in waiting:
            self._do(duty, now)
            self._next[duty] = self._monotonic() + duty.every.total_seconds()

    def _do(self, duty: Duty, now: datetime) -> None:
        try:
            count = duty.run(self._engine, now)
        except AppError as error:
            log.warning("duty.failed", duty=duty.name, error=str(error))
        except Exception:
            log.exception("duty.failed", duty=duty.name)
        else:
            log.debug("duty.done", duty=duty.name, count=count)


def run(settings: Settings) -> None:
    """Do the duties until SIGTERM or SIGINT."""
    db = create_database(
        settings.database_url, pool_size=2, max_overflow=1, name="workflow-engine duties"
    )
    waker = RqWaker(connect(settings.redis_url))
    engine = Engine(
        db=db,
        services=standard_registry(settings),
        waker=waker,
        definitions=DefinitionCache(),
        public_url=settings.public_url,
    )
    leadership = Leadership(db, DUTIES_LOCK)
    stop = threading.Event()
    stop_on_signals(stop)
    log.info("duties.started")
    turn = Round(engine, leadership.held)
    while not stop.is_set():
        turn.tick(read_clock())
        stop.wait(TICK)
    leadership.release()
    db.engine.dispose()
    log.info("duties.stopped")


def main() -> int:
    """Run with the settings of this process; return its exit status."""
    try:
        settings = load_settings()
        logs.configure(
            level=settings.log.level, form=settings.log.format, output=settings.log.output
        )
        run(settings)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
