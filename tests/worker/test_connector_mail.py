"""Mails to a real SMTP server on this machine, and to the log."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from app.config import ConfigError, Mail, load_settings
from app.connector.base import BusinessError, ConnectorError, JobContext
from app.connector.mail import Mailer
from app.connector.mail_message import TEMPLATES
from app.runtime.failures import ServiceFailure

CONTEXT = JobContext("17", instance_id=4, step="mail", attempt=2, timeout=10)
MAIL = {"to": "Li Ming <li@example.com>", "subject": "Hello", "body": "One\nTwo\n"}


@dataclass
class Box:
    """What a server took. Recipients and data that it refuses have an answer here."""

    port: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    data: str = "250 OK"
    envelopes: list[Envelope] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        return self.data

    def message(self) -> EmailMessage:
        """Return the only message it took."""
        (envelope,) = self.envelopes
        assert isinstance(envelope.content, bytes)
        made = message_from_bytes(envelope.content, policy=default)
        assert isinstance(made, EmailMessage)
        return made


@contextmanager
def serving(**more: Any) -> Iterator[Box]:
    box = Box()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box.port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **more)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@pytest.fixture
def box() -> Iterator[Box]:
    with serving() as made:
        yield made


def mailer(box: Box, tls: ssl.SSLContext | None = None, **more: Any) -> Mailer:
    settings = {"host": "127.0.0.1", "port": box.port, "starttls": False} | more
    return Mailer(Mail(sender="flow@example.org", **settings), demo=False, tls=tls)


def failure(kind: type[ServiceFailure], by: Mailer, **given: Any) -> ServiceFailure:
    with pytest.raises(kind) as raised:
        by.send({**MAIL, **given}, CONTEXT)
    return raised.value


def test_a_mail_arrives_and_its_id_is_the_job_s(box: Box) -> None:
    given = MAIL | {"cc": ["b@example.com", "王 <c@example.com>"], "subject": "订单 12"}
    sent = mailer(box).send(given, CONTEXT)
    assert sent == {
        "sent_to": ["li@example.com", "b@example.com", "c@example.com"],
        "refused": [],
        "message_id": "<workflow-17@example.org>",
    }
    assert box.envelopes[0].rcpt_tos == sent["sent_to"]
    assert box.envelopes[0].mail_from == "flow@example.org"
    message = box.message()
    assert (message["Subject"], message["From"]) == ("订单 12", "flow@example.org")
    assert message["Cc"] == "b@example.com, 王 <c@example.com>"
    assert message["Message-ID"] == "<workflow-17@example.org>"
    assert message.get_content().replace("\r\n", "\n") == "One\nTwo\n"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"subject": "Hello\nBcc: all@example.com"}, "bad_subject"),
        ({"subject": "Hello\r\n\r\nbody"}, "bad_subject"),
        ({"subject": "a\u2028b"}, "bad_subject"),
        ({"subject": ""}, "bad_subject"),
        ({"subject": "a" * 501}, "bad_subject"),
        ({"to": "li@example.com\nBcc: all@example.com"}, "bad_recipient"),
        ({"to": "Li\r\nBcc: all@example.com <li@example.com>"}, "bad_recipient"),
        ({"to": "li@example.com, all@example.com"}, "bad_recipient"),
        ({"to": ["li@example.com", None]}, "bad_recipient"),
        ({"to": []}, "bad_recipient"),
        ({"to": None}, "bad_recipient"),
        ({"to": "nobody"}, "bad_recipient"),
        ({"to": "a@b@c"}, "bad_recipient"),
        ({"to": "<>"}, "bad_recipient"),
        ({"to": "a@" + "b" * 80 + ".com"}, "bad_recipient"),
        ({"cc": "x"}, "bad_recipient"),
        ({"to": [f"u{n}@example.com" for n in range(51)]}, "bad_recipient"),
        ({"template": "../../configs/config"}, "bad_template"),
        ({"template": "nothing"}, "bad_template"),
        ({"template": "welcome"}, "bad_template"),
        ({"template": "welcome", "data": 5}, "bad_template"),
    ],
)
def test_what_could_become_a_header_or_nothing_is_refused(
    box: Box, given: dict[str, Any], code: str
) -> None:
    assert failure(BusinessError, mailer(box), **given).code == code
    assert box.envelopes == []


def test_a_template_is_filled_once_and_what_fills_it_is_text(box: Box) -> None:
    mailer(box).send(
        MAIL | {"template": "welcome", "data": {"name": "${x} $y", "more": 1}}, CONTEXT
    )
    assert box.message().get_content().startswith("Hello ${x} $y,")


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.txt")), ids=lambda path: path.stem)
def test_every_template_can_be_filled_in_both_languages(box: Box, path: Any) -> None:
    other = path.stem.removesuffix("_zh") if path.stem.endswith("_zh") else f"{path.stem}_zh"
    assert (TEMPLATES / f"{other}.txt").exists()
    names = set(re.findall(r"\$\{([a-z_]+)\}", path.read_text(encoding="utf-8")))
    data = {name: f"[{name}]" for name in names}
    mailer(box).send(MAIL | {"template": path.stem, "data": data}, CONTEXT)
    content = box.message().get_content()
    assert all(value in content for value in data.values())
    assert "$" not in content


def test_some_refused_recipients_are_told_and_the_others_get_it(box: Box) -> None:
    box.refused = {"b@example.com": "550 unknown"}
    sent = mailer(box).send(MAIL | {"cc": "b@example.com"}, CONTEXT)
    assert (sent["sent_to"], sent["refused"]) == (["li@example.com"], ["b@example.com"])


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ("550 unknown", BusinessError, "smtp_550"),
        ("450 greylisted", ConnectorError, "smtp_450"),
    ],
)
@pytest.mark.parametrize("where", ["recipient", "data"])
def test_for_good_or_for_now(
    box: Box, where: str, answer: str, kind: type[ServiceFailure], code: str
) -> None:
    if where == "data":
        box.data = answer
    else:
        box.refused = {"li@example.com": answer}
    raised = failure(kind, mailer(box))
    assert raised.code == code
    assert answer[4:] in raised.message


def test_a_server_that_is_away_or_silent_is_tried_again() -> None:
    nobody = Box(port=1)
    assert failure(ConnectorError, mailer(nobody)).code == "unreachable"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        by = mailer(Box(port=silent.getsockname()[1]))
        short = JobContext("17", 4, "mail", 1, timeout=0.2)
        with pytest.raises(ConnectorError) as raised:
            by.send(MAIL, short)
        assert raised.value.code == "timeout"


def test_the_password_goes_only_to_a_server_with_the_right_certificate() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusts = ssl.create_default_context()
    authority.configure_trust(trusts)
    tried: list[Any] = []

    def judge(smtp: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        tried.append(data.password)
        return AuthResult(success=data.password == b"right", handled=False)

    with serving(tls_context=server, authenticator=judge) as box:
        login = {"starttls": True, "user": "u"}
        assert mailer(box, trusts, password="right", **login).send(MAIL, CONTEXT)["sent_to"]
        wrong = failure(ConnectorError, mailer(box, trusts, password="wrong", **login))
        assert wrong.code == "smtp_login"
        assert "wrong" not in wrong.message
        seen = list(tried)
        assert failure(ConnectorError, mailer(box, password="right", **login)).code == "unreachable"
        assert tried == seen
    with serving() as box:
        plain = failure(BusinessError, mailer(box, trusts, starttls=True))
        assert plain.code == "smtp_not_supported"


def test_a_demo_without_a_server_writes_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    sent = Mailer(Mail(), demo=True).send(MAIL, CONTEXT)
    assert sent["sent_to"] == ["li@example.com"]
    assert "mail.written_to_log" in capsys.readouterr().out


def test_without_a_server_outside_of_the_demo_the_remedy_is_told() -> None:
    raised = failure(BusinessError, Mailer(Mail(), demo=False))
    assert raised.code == "mail_not_set_up"
    assert "mail.host" in raised.message


def test_a_server_without_a_sender_is_refused_at_the_start() -> None:
    env = {"APP_MODE": "demo", "JWT_SECRET_KEY": "x", "APP_MAIL__HOST": "mail.example.com"}
    with pytest.raises(ConfigError, match=r"mail\.sender is missing"):
        load_settings(env=env)
