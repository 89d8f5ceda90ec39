"""A plant on a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.orders import publish
from tests.fault.plant import Plant, plant

SERVICES = Path(__file__).with_name("services")


@pytest.fixture
def works(fresh_url: str) -> Iterator[Plant]:
    """Redis runs, people and the orders' definition are stored; the rest is to be started."""
    with plant(fresh_url) as made:
        publish(made)
        yield made


@pytest.fixture
def parcels(fresh_url: str) -> Iterator[Plant]:
    """The same with the connectors of ``services``, and without a definition."""
    with plant(fresh_url, lease="1s", env={"APP_CONNECTORS": str(SERVICES)}) as made:
        yield made
