"""Many clients at once: processes with threads, each running whole approvals for a while."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

WARM_UP = 12
"""Approvals of each thread before they count: statements get prepared."""


class Work(Protocol):
    """What is measured."""

    def once(self) -> None:
        """Run one approval."""
        ...


@dataclass(frozen=True, slots=True)
class Shape:
    """How many clients.

    Args:
        processes: each with its own interpreter and pool.
        threads: in each process.
    """

    processes: int
    threads: int

    @property
    def clients(self) -> int:
        """All of them."""
        return self.processes * self.threads


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of it.

    Args:
        rate: approvals a second, all clients together.
        cpu: seconds of the clients' processor time for one approval.
    """

    rate: float
    cpu: float


def measure(
    make: Callable[[int], Work], shape: Shape, seconds: float, *, warm_up: int = WARM_UP
) -> Measured:
    """Run ``shape`` clients for ``seconds``.

    Args:
        make: called once in each process, with its number of threads.
        warm_up: approvals of each thread before they count.
    """
    context = multiprocessing.get_context("fork")
    start = context.Barrier(shape.processes)
    results = context.SimpleQueue()
    processes = [
        context.Process(
            target=_process, args=(make, shape.threads, seconds, warm_up, start, results)
        )
        for _ in range(shape.processes)
    ]
    for process in processes:
        process.start()
    counts = [results.get() for _ in processes]
    for process in processes:
        process.join()
    failed = [error for _, _, error in counts if error]
    if failed:
        raise RuntimeError(failed[0])
    done = sum(rate for rate, _, _ in counts)
    return Measured(done, sum(rate * cpu for rate, cpu, _ in counts) / done)


def _process(make, threads, seconds, warm_up, start, results) -> None:  # type: ignore[no-untyped-def]  # multiprocessing has no usable types for its parts
    try:
        work = make(threads)
        ready = threading.Barrier(threads + 1)
        counts = [0] * threads
        errors: list[str] = []
        end = [0.0]

        def client(number: int) -> None:
            try:
                for _ in range(warm_up):
                    work.once()
                ready.wait()
                ready.wait()
                while time.perf_counter() < end[0]:
                    work.once()
                    counts[number] += 1
            except Exception as error:
                errors.append(repr(error))
                ready.abort()

        for number in range(threads):
            threading.Thread(target=client, args=(number,), daemon=True).start()
        ready.wait(60)
        start.wait(60)
        cpu, begun = time.process_time(), time.perf_counter()
        end[0] = begun + seconds
        ready.wait(60)
        while sum(1 for each in threading.enumerate() if each.daemon):
            time.sleep(0.01)
        took, used = time.perf_counter() - begun, time.process_time() - cpu
        count = sum(counts)
        results.put((count / took, used / max(count, 1), errors[0] if errors else ""))
    except Exception as error:
        results.put((0.0, 0.0, repr(error)))
