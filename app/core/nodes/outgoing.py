"""Steps that reach outside by a connector of ours: HTTP requests, queues, e-mail."""

from __future__ import annotations

from app.core.keys import Key
from app.core.nodes.job import OUTPUT, RETRY, TIMEOUT, JobNode


class Webhook(JobNode):
    """An HTTP request."""

    type = "webhook"
    doc = "Sends an HTTP request and takes the answer along."
    service = "webhook.call"
    keys = (
        Key("url", "text", required=True, expr=True, doc="https, unless the host is allowed"),
        Key(
            "method",
            "choice",
            choices=("GET", "POST", "PUT", "PATCH", "DELETE"),
            doc="default POST",
        ),
        Key("headers", "expr_map", expr=True, doc="header ← value"),
        Key("body", "any_expr", expr=True, doc="sent as JSON; a text is sent as it is"),
        Key("expect", "statuses", doc="statuses that are success; default 200 to 299"),
        Key("sign", "flag", doc="true: signed with the shared secret (Standard Webhooks)"),
        OUTPUT,
        TIMEOUT,
        RETRY,
    )


class MessageQueue(JobNode):
    """A message to a broker."""

    type = "message_queue"
    doc = "Publishes a message to a queue of a broker outside."
    service = "message_queue.publish"
    keys = (
        Key("queue_name", "text", required=True, expr=True, doc="the queue"),
        Key("message", "any_expr", required=True, expr=True, doc="sent as JSON"),
        Key("headers", "expr_map", expr=True, doc="header ← value"),
        OUTPUT,
        TIMEOUT,
        RETRY,
    )


class Email(JobNode):
    """An e-mail."""

    type = "email"
    doc = "Sends an e-mail."
    service = "email.send"
    keys = (
        Key("to", "addresses", required=True, expr=True, doc="addresses, or one expression"),
        Key("cc", "addresses", expr=True, doc="the same for copies"),
        Key("subject", "text", required=True, expr=True, doc="one line"),
        Key("body", "text", expr=True, doc="the text"),
        Key("template", "text", doc="a shipped text instead of `body`"),
        Key("data", "expr_map", expr=True, doc="what fills the template"),
        OUTPUT,
        TIMEOUT,
        RETRY,
    )
