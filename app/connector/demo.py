"""The services of the order example. They check what they are given and say what they did."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import structlog

from app.connector.base import BusinessError, JobContext
from app.connector.registry import Registry

log = structlog.get_logger(__name__)


def validate(given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
    """Refuse an order without an id or with an amount that is no number ≥ 0."""
    if not given.get("order_id"):
        raise BusinessError("order_id_missing", "The order has no `order_id`.")
    amount = given.get("amount", given.get("total_amount", 0))
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal) or amount < 0:
        raise BusinessError("amount_invalid", f"`amount` must be a number ≥ 0, it is {amount!r}.")
    return {"status": "validated"}


def fulfill(given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
    """Hand the order to the warehouse."""
    log.info("order.fulfilled", order=given.get("order_id"), key=context.idempotency_key)
    return {"status": "fulfilled"}


def cancel(given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
    """Cancel the order."""
    log.info("order.cancelled", order=given.get("order_id"), key=context.idempotency_key)
    return {"status": "cancelled"}


def install(registry: Registry) -> None:
    """Add these connectors."""
    registry.register("OrderValidationService", "validate", validate)
    registry.register("OrderService", "fulfill", fulfill)
    registry.register("OrderService", "cancel", cancel)
