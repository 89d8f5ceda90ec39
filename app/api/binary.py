"""Files over REST: a body that is one, and an answer that is one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.api.call import Answer
from app.core.form_values import MAX_FILE_SIZE
from app.errors import TooLarge, Unsupported


@dataclass(frozen=True, slots=True)
class FileAnswer(Answer):
    """A file; all of its headers are in ``headers``."""

    content: bytes = b""

    def response(self) -> Response:
        """Make the HTTP response."""
        return Response(self.content, status=self.status, headers=dict(self.headers))


def file_body() -> bytes:
    """Return the body as it is.

    Raises:
        TooLarge: larger than a file may be.
        Unsupported: it is a form, or compressed.
    """
    if request.mimetype in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raise Unsupported(
            "unsupported_media_type",
            "Send the file itself as the body, with “Content-Type: application/octet-stream”.",
        )
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unsupported("unsupported_encoding", "Send the body as it is, not compressed.")
    # One byte more than allowed: a chunked body that has it would else be cut, unnoticed.
    request.max_content_length = MAX_FILE_SIZE + 1
    with suppress(RequestEntityTooLarge):
        data = request.get_data()
        if len(data) <= MAX_FILE_SIZE:
            return data
    raise TooLarge("file_too_large", "A file is at most %(limit)d bytes.", limit=MAX_FILE_SIZE)
