"""``message_queue`` steps: a message to a broker, through kombu (the extra ``mq``).

Redis is the default; AMQP and others by the setting ``message_queue.url``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from app.connector.base import BusinessError, ConnectorError, JobContext
from app.connector.registry import Registry
from app.core.values import json_text

MAX_NAME: Final = 200
"""Characters of a queue's name; AMQP allows 255 bytes."""
MAX_MESSAGE: Final = 1024 * 1024
"""Bytes of a message."""
_CONNECT: Final = 10.0
_OURS: Final = ("_kombu", "unacked")


class MessageQueue:
    """Publishes the messages of steps.

    Args:
        url: of the broker; empty: ``redis_url``.
        redis_url: of this program's own Redis, where some names are taken.
    """

    def __init__(self, url: str, redis_url: str) -> None:
        self._url = url or redis_url
        self._shared = not url or url == redis_url

    def publish(self, given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
        """Publish ``message`` as JSON to ``queue_name``; return the message's id.

        The queue is made if it is not there. The id is in the properties and, as
        ``idempotency-key``, in the headers: a repeated attempt has the same.

        Raises:
            BusinessError: the queue's name or the message cannot be sent, or kombu is missing.
            ConnectorError: ``unreachable``: the broker is away or refused.
        """
        name = self._name(given.get("queue_name"))
        headers = given.get("headers") or {}
        if not isinstance(headers, Mapping):
            raise BusinessError("bad_header", "The headers are no object.")
        body = json_text(given.get("message"))
        if len(body.encode()) > MAX_MESSAGE:
            raise BusinessError("message_too_large", "A message is at most 1 MiB of JSON.")
        self._send(name, body, dict(headers), context)
        return {"queue_name": name, "message_id": context.idempotency_key}

    def _send(self, name: str, body: str, headers: dict[str, Any], context: JobContext) -> None:
        kombu = _kombu()
        seconds = min(_CONNECT, context.timeout)
        with kombu.Connection(
            _address(self._url),
            connect_timeout=seconds,
            transport_options={
                "socket_timeout": seconds,
                "socket_connect_timeout": seconds,
                "confirm_publish": True,
            },
        ) as connection:
            broken = (
                *connection.connection_errors,
                *connection.channel_errors,
                kombu.exceptions.KombuError,
                OSError,
            )
            try:
                connection.ensure_connection(
                    max_retries=1, interval_start=0, interval_max=0, timeout=seconds
                )
                connection.Producer().publish(
                    body.encode(),
                    routing_key=name,
                    declare=[kombu.Queue(name, durable=True)],
                    content_type="application/json",
                    content_encoding="utf-8",
                    headers=headers | {"idempotency-key": context.idempotency_key},
                    message_id=context.idempotency_key,
                    delivery_mode="persistent",
                    timeout=seconds,
                )
            except broken as error:
                said = f"The broker did not take the message: {type(error).__name__}: {error}"
                raise ConnectorError("unreachable", said) from None

    def _name(self, name: Any) -> str:
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable():
            said = f"The queue's name must be a text of 1 to {MAX_NAME} characters."
            raise BusinessError("bad_queue_name", said)
        if self._shared and (":" in name or name.startswith(_OURS)):
            raise BusinessError(
                "bad_queue_name",
                f"{name} could be a name of this program's own in its Redis; use one without a"
                " colon, or another broker in the setting message_queue.url.",
            )
        return name


def _kombu() -> Any:
    try:
        import kombu
    except ImportError:
        raise BusinessError(
            "kombu_missing",
            "Messages to brokers need the package kombu on the workers; install it with"
            ' pip install "workflow-engine[mq]", start them again, and then retry.',
        ) from None
    return kombu


def _address(url: str) -> str:
    """Return the broker's address as kombu writes it, which differs for unix sockets."""
    if not url.startswith("unix://"):
        return url
    parts = urlsplit(url)
    number = parse_qs(parts.query).get("db", ["0"])[0]
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{user}{quote(parts.path)}?virtual_host={number}"


def install(registry: Registry, queue: MessageQueue) -> None:
    """Add this connector."""
    registry.register("message_queue", "publish", queue.publish)
