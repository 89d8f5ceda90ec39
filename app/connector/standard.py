"""The registry that every process starts with."""

from __future__ import annotations

from pathlib import Path

from app.config import Settings
from app.connector import demo, email, installed, mail, message_queue, noop, webhook
from app.connector.guard import Guard
from app.connector.http_call import Caller
from app.connector.registry import Registry


def standard_registry(settings: Settings | None = None) -> Registry:
    """Return a registry with every connector of this folder, and those from outside.

    Args:
        settings: None: those of a demo, without connectors from outside.

    Raises:
        ConfigError: a connector from outside cannot be used.
    """
    registry = Registry()
    for connector in (noop, email, demo):
        connector.install(registry)
    known = settings or Settings(mode="demo")
    caller = Caller(Guard(known.webhook.allow))
    webhook.install(registry, webhook.Webhook(caller, known.webhook.secret))
    queue = message_queue.MessageQueue(known.message_queue.url, known.redis_url)
    message_queue.install(registry, queue)
    mail.install(registry, mail.Mailer(known.mail, demo=known.mode == "demo"))
    if settings is not None:
        installed.install_packages(registry)
        if settings.connectors:
            installed.install_folder(registry, Path(settings.connectors))
    return registry
