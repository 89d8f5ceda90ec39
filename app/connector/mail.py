"""``email`` steps: by SMTP; in demo mode, without a server, to the log."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Any, Final

import structlog

from app.config import Mail
from app.connector.base import BusinessError, ConnectorError, JobContext
from app.connector.mail_message import message
from app.connector.registry import Registry

log = structlog.get_logger(__name__)

_TLS_PORT: Final = 465
_CONNECT: Final = 30.0
_DEMO_SENDER: Final = "workflow@localhost"


class Mailer:
    """Sends the mails of steps.

    Args:
        demo: whether mails go to the log while no server is set.
        tls: default: the system's certificates.
    """

    def __init__(self, settings: Mail, *, demo: bool, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._demo = demo
        self._tls = tls

    def send(self, given: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
        """Send a mail; return ``sent_to``, ``refused`` (addresses) and ``message_id``.

        Raises:
            BusinessError: what would be sent is wrong; the server refused every recipient
                or the mail for good (``smtp_<code>``); no server is set.
            ConnectorError: ``unreachable``, ``timeout``, ``smtp_login``, ``smtp_<code>``.
        """
        settings = self._settings
        if not settings.host and not self._demo:
            raise BusinessError(
                "mail_not_set_up",
                "No mail server is set; set mail.host and mail.sender in the settings, start"
                " the workers again, and then retry.",
            )
        made = message(given, key=context.idempotency_key, sender=settings.sender or _DEMO_SENDER)
        to = [
            each.addr_spec
            for field in ("To", "Cc")
            if made[field]
            for each in made[field].addresses
        ]
        refused: list[str] = []
        if settings.host:
            refused = self._deliver(made, to, context.timeout)
        else:
            log.info("mail.written_to_log", to=to, subject=made["Subject"], text=made.get_content())
        sent = [address for address in to if address not in refused]
        return {"sent_to": sent, "refused": refused, "message_id": made["Message-ID"]}

    def _deliver(self, made: EmailMessage, to: list[str], timeout: float) -> list[str]:
        with _errors(self._settings.host):
            server = self._connected(min(timeout, _CONNECT))
            try:
                refused = server.send_message(made, to_addrs=to)
            finally:
                with suppress(smtplib.SMTPException, OSError):  # it was taken, or not, by now
                    server.quit()
                server.close()
        return list(refused)

    def _connected(self, seconds: float) -> smtplib.SMTP:
        settings = self._settings
        tls = self._tls or ssl.create_default_context()
        if settings.port == _TLS_PORT:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=seconds, context=tls
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=seconds)
        try:
            if settings.starttls and settings.port != _TLS_PORT:
                server.starttls(context=tls)
            if settings.user:
                server.login(settings.user, settings.password)
        except BaseException:
            server.close()
            raise
        return server


@contextmanager
def _errors(host: str) -> Iterator[None]:
    """Say what a mail server's refusal means: for good, or for now."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        said = f"{host} refused every recipient: {_said(next(iter(error.recipients.values()))[1])}"
        raise _kind(min(codes))(f"smtp_{min(codes)}", said) from None
    except smtplib.SMTPAuthenticationError as error:
        said = f"{host} refused mail.user and mail.password: {error.smtp_code}"
        raise ConnectorError("smtp_login", said) from None
    except smtplib.SMTPNotSupportedError as error:
        said = f"{host} cannot do what this mail needs: {error}"
        raise BusinessError("smtp_not_supported", said) from None
    except smtplib.SMTPConnectError as error:
        raise ConnectorError("unreachable", f"{host} takes no mail now: {_said(error)}") from None
    except smtplib.SMTPResponseException as error:
        said = f"{host} refused the mail: {error.smtp_code} {_said(error.smtp_error)}"
        raise _kind(error.smtp_code)(f"smtp_{error.smtp_code}", said) from None
    except (smtplib.SMTPException, OSError) as error:
        if any(isinstance(cause, TimeoutError) for cause in (error, error.__context__)):
            raise ConnectorError("timeout", f"{host} did not answer in time.") from None
        raise ConnectorError("unreachable", f"{host} cannot be reached: {error}") from None


def _kind(code: int) -> type[BusinessError] | type[ConnectorError]:
    return BusinessError if code >= 500 else ConnectorError


def _said(text: Any) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def install(registry: Registry, mailer: Mailer) -> None:
    """Add this connector."""
    registry.register("email", "send", mailer.send)
