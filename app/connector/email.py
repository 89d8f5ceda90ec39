"""``EmailService``: mail from a service step; in demo mode it goes to the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from app.connector.base import BusinessError, JobContext
from app.connector.registry import Registry

log = structlog.get_logger(__name__)


def _recipient(given: Mapping[str, Any]) -> str:
    address = given.get("email") or given.get("to")
    if not isinstance(address, str) or "@" not in address:
        raise BusinessError("no_recipient", "The input needs `email`: the address to write to.")
    return address


def _written(given: Mapping[str, Any], context: JobContext, subject: str) -> dict[str, Any]:
    address = _recipient(given)
    log.info(
        "mail.written_to_log",
        to=address,
        subject=subject,
        instance=context.instance_id,
        message_id=context.idempotency_key,
    )
    return {"sent_to": address, "message_id": context.idempotency_key}


def send_welcome(given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
    """Welcome ``name`` at ``email``."""
    return _written(given, context, f"Welcome, {given.get('name') or _recipient(given)}")


def send(given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
    """Send ``subject`` to ``to``."""
    return _written(given, context, str(given.get("subject") or ""))


def install(registry: Registry) -> None:
    """Add this connector."""
    registry.register("EmailService", "sendWelcomeEmail", send_welcome)
    registry.register("EmailService", "send", send)
