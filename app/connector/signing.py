"""Signatures by Standard Webhooks (https://www.standardwebhooks.com), version 1."""

from __future__ import annotations

import base64
import hashlib
import hmac

from app.config_values import signing_key


def signed(secret: str, *, key: str, at: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a signed request.

    Args:
        secret: ``whsec_`` and base64.
        key: the same for every attempt: the receiver's guard against repeats.
        at: seconds since 1970.
    """
    content = f"{key}.{at}.".encode() + body
    made = hmac.new(signing_key(secret), content, hashlib.sha256).digest()
    return {
        "webhook-id": key,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(made).decode('ascii')}",
    }
