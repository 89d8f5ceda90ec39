"""``message_queue`` steps: a message to a broker, through kombu (the extra ``mq``).

Redis is the default; AMQP and others by the setting ``message_queue.url``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from app.connector.base import BusinessError, ConnectorError, JobContext
from app.connector.registry import Registry
from app.core.values import json_text

MAX_NAME: Final = 255
"""Bytes in UTF-8 of a queue's name, and of a header's; AMQP has no room for more."""
MAX_HEADERS: Final = 64 * 1024
"""Bytes of all headers as JSON; AMQP has room for 128 KiB in its own form."""
MAX_MESSAGE: Final = 1024 * 1024
"""Bytes of a message."""
_WAIT: Final = 10.0
"""Seconds that the broker may be silent, to any one thing it is told."""
_INTEGERS: Final = range(-(2**63), 2**63)
"""Those that AMQP can write."""
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
        self._speaks_amqp = self._url.startswith(("amqp", "pyamqp"))

    def publish(self, given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
        """Publish ``message`` as JSON to ``queue_name``; return the message's id.

        The queue is made if it is not there. The id is in the properties and, as
        ``idempotency-key``, in the headers: a repeated attempt has the same.

        Raises:
            BusinessError: the queue's name or the message cannot be sent, or kombu is missing.
            ConnectorError: ``unreachable``: the broker is away, or takes nothing now;
                ``refused``: it says that it will not take this.
        """
        name = self._name(given.get("queue_name"))
        headers = _headers(given.get("headers") or {})
        body = json_text(given.get("message"))
        if len(body.encode()) > MAX_MESSAGE:
            raise BusinessError("message_too_large", "A message is at most 1 MiB of JSON.")
        self._send(name, body, headers, context)
        return {"queue_name": name, "message_id": context.idempotency_key}

    def _send(self, name: str, body: str, headers: dict[str, Any], context: JobContext) -> None:
        kombu = _kombu()
        seconds = min(_WAIT, context.timeout)
        with kombu.Connection(
            _address(self._url),
            connect_timeout=seconds,
            transport_options={
                "socket_timeout": seconds,
                "socket_connect_timeout": seconds,
                "confirm_publish": True,
                # A broker that is short of memory reads nothing more, not even the goodbye.
                "read_timeout": seconds,
                "write_timeout": seconds,
            },
        ) as connection:
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
                    confirm_timeout=seconds,
                )
            except Exception as error:  # each transport has its own, without a common base
                code = "refused" if _is_final(connection, error) else "unreachable"
                said = f"The broker did not take the message: {type(error).__name__}: {error}"
                raise ConnectorError(code, said.rstrip(": ")) from None

    def _name(self, name: Any) -> str:
        if not isinstance(name, str) or not _fits(name) or not name.isprintable():
            said = (
                f"The queue's name must be a text of 1 to {MAX_NAME} bytes in UTF-8, without"
                " control characters."
            )
            raise BusinessError("bad_queue_name", said)
        if name.startswith("amq.") and self._speaks_amqp:
            raise BusinessError(
                "bad_queue_name", f"{name}: names that begin with amq. are the broker's own."
            )
        if self._shared and (":" in name or name.startswith(_OURS)):
            raise BusinessError(
                "bad_queue_name",
                f"{name} could be a name of this program's own in its Redis; use one without a"
                " colon, or another broker in the setting message_queue.url.",
            )
        return name


def _headers(given: Any) -> dict[str, Any]:
    """Return the headers as every broker can carry them: exact numbers as text.

    Raises:
        BusinessError: ``bad_header``.
    """
    if not isinstance(given, Mapping):
        raise BusinessError("bad_header", "The headers are no object.")
    if len(json_text(given).encode()) > MAX_HEADERS:
        said = f"The headers are larger than {MAX_HEADERS // 1024} KiB; send the rest as message."
        raise BusinessError("bad_header", said)
    return {_header_name(name): _header(value) for name, value in given.items()}


def _header(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_header_name(name): _header(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_header(each) for each in value]
    if isinstance(value, Decimal) or (isinstance(value, int) and value not in _INTEGERS):
        return str(value)
    return value


def _header_name(name: str) -> str:
    if not _fits(name):
        said = f"A header's name must be 1 to {MAX_NAME} bytes in UTF-8: {name[:50]!r}"
        raise BusinessError("bad_header", said)
    return name


def _fits(name: str) -> bool:
    return 0 < len(name.encode()) <= MAX_NAME


def _is_final(connection: Any, error: Exception) -> bool:
    """Say whether the broker answered, and to ask it once more is of no use."""
    known = (*connection.connection_errors, *connection.channel_errors)
    passing = (*connection.recoverable_connection_errors, *connection.recoverable_channel_errors)
    return isinstance(error, known) and not isinstance(error, passing)


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
