"""A step type of its own: ``custom_email`` writes a mail by template to several people.

Point the setting ``connectors`` (``APP_CONNECTORS``) at this folder, and definitions may say
``{"type": "custom_email", "config": {"template": "welcome", "recipients": ["…"]}}``.
"""

from __future__ import annotations

from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, Field

from app.connector.base import BusinessError, JobContext
from app.connector.registry import Registry

log = structlog.get_logger(__name__)

TEMPLATES = {"welcome": "Welcome!", "goodbye": "Goodbye!"}


class EmailConfig(BaseModel):
    """What a step of this type may say in its config."""

    model_config = ConfigDict(extra="forbid")

    template: str = Field(min_length=1)
    recipients: list[str] = Field(min_length=1, max_length=100)
    urgent: bool = False


class EmailTask:
    """Does the work of such steps."""

    config_model = EmailConfig

    def execute(self, ctx: JobContext, input: dict[str, Any]) -> dict[str, Any]:
        """Write the mails; ``input`` is the evaluated config."""
        text = TEMPLATES.get(input["template"])
        if text is None:
            raise BusinessError("no_template", f"There is no template {input['template']}.")
        for number, recipient in enumerate(input["recipients"]):
            log.info("mail", to=recipient, text=text, message_id=f"{ctx.idempotency_key}-{number}")
        return {"sent": len(input["recipients"])}


def install(registry: Registry) -> None:
    """Add this connector."""
    registry.register("custom_email", EmailTask(), concurrency=4)
