"""From the input of an ``email`` step to a message; nothing in it can become a header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from string import Template
from typing import Any, Final

from app.connector.base import BusinessError
from app.core.values import plain_text

TEMPLATES: Final = Path(__file__).parent / "mail"
MAX_RECIPIENTS: Final = 50
MAX_SUBJECT: Final = 500
_ADDRESS: Final = re.compile(
    r"(?:(?P<name>[^<>]*)<(?P<inside>[^<>]+)>|(?P<bare>[^<>]+))", re.DOTALL
)
_SPEC: Final = re.compile(r"""[^\s@<>,;:"()\[\]\\]{1,64}@[^\s@<>,;:"()\[\]\\]{1,255}""")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_TEMPLATE: Final = re.compile(r"[a-z0-9_]{1,50}")


def message(given: Mapping[str, Any], *, key: str, sender: str) -> EmailMessage:
    """Return the message of a step.

    Args:
        key: the same for every attempt; the ``Message-ID`` is made of it, so that a mail
            that is sent twice is known as one.

    Raises:
        BusinessError: ``bad_recipient``, ``bad_subject``, ``bad_template``.
    """
    to, cc = addresses(given.get("to")), addresses(given.get("cc"))
    if not to:
        raise BusinessError("bad_recipient", "The mail has no recipient in `to`.")
    if len(to) + len(cc) > MAX_RECIPIENTS:
        said = f"A mail has at most {MAX_RECIPIENTS} recipients."
        raise BusinessError("bad_recipient", said)
    subject = plain_text(given.get("subject"))
    if _CONTROL.search(subject) or not 0 < len(subject) <= MAX_SUBJECT:
        said = f"The subject must be one line of 1 to {MAX_SUBJECT} characters."
        raise BusinessError("bad_subject", said)
    (origin,) = addresses(sender)
    made = EmailMessage(policy=SMTP)
    made["From"] = origin
    made["To"] = to
    if cc:
        made["Cc"] = cc
    made["Subject"] = subject
    made["Message-ID"] = f"<workflow-{key}@{origin.domain}>"
    made["Auto-Submitted"] = "auto-generated"  # no out-of-office answers, please (RFC 3834)
    made.set_content(_text(given))
    return made


def addresses(given: Any) -> list[Address]:
    """Read one address, or a list of them; each may have a name: ``Li <li@example.com>``.

    Raises:
        BusinessError: ``bad_recipient``: one cannot be used.
    """
    if given is None:
        return []
    listed = given if isinstance(given, list) else [given]
    return list({each.addr_spec: each for each in map(_address, listed)}.values())


def _address(text: Any) -> Address:
    found = _ADDRESS.fullmatch(text.strip()) if isinstance(text, str) else None
    spec = (found["inside"] or found["bare"]).strip() if found else ""
    if found is None or _CONTROL.search(text) or not _SPEC.fullmatch(spec):
        raise BusinessError("bad_recipient", f"{str(text)[:100]!r} is no e-mail address.")
    name = (found["name"] or "").strip().strip('"')
    local, _, domain = spec.rpartition("@")
    try:
        return Address(name, local, domain.encode("idna").decode("ascii"))
    except (UnicodeError, ValueError, IndexError):
        raise BusinessError("bad_recipient", f"{spec!r} is no e-mail address.") from None


def _text(given: Mapping[str, Any]) -> str:
    name = given.get("template")
    if name is None:
        return plain_text(given.get("body")).replace("\0", "")
    if not isinstance(name, str) or not _TEMPLATE.fullmatch(name):
        raise BusinessError("bad_template", "A template's name has a-z, 0-9 and _ only.")
    try:
        template = Template((TEMPLATES / f"{name}.txt").read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = ", ".join(sorted(each.stem for each in TEMPLATES.glob("*.txt")))
        said = f"There is no template {name}; there are: {there}."
        raise BusinessError("bad_template", said) from None
    data = given.get("data") or {}
    if not isinstance(data, Mapping):
        raise BusinessError("bad_template", "The template's data is no object.")
    try:
        return template.substitute({key: plain_text(value) for key, value in data.items()})
    except KeyError as error:
        said = f"The template {name} needs {error.args[0]!r} in `data`."
        raise BusinessError("bad_template", said) from None
