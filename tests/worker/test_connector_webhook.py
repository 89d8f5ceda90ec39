"""HTTP requests of steps: where they may go, what they send, what becomes of answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from email.utils import formatdate
from typing import Any

import pytest
import trustme

from app.config import ConfigError, load_settings
from app.connector.base import BusinessError, ConnectorError, JobContext
from app.connector.guard import Guard, is_public
from app.connector.http_call import Caller
from app.connector.webhook import Webhook
from app.runtime.failures import ServiceFailure
from tests.support.loopback import Got, Remote, json_reply, reply, serving

CONTEXT = JobContext("17", instance_id=4, step="hook", attempt=2, timeout=10)
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
HERE = ("127.0.0.1",)


def hook(
    allow: tuple[str, ...] = HERE,
    resolve: Callable[[str, int], list[str]] | None = None,
    tls: ssl.SSLContext | None = None,
    clock: float = 1_700_000_000.0,
) -> Webhook:
    guard = Guard(allow, resolve) if resolve else Guard(allow)
    return Webhook(Caller(guard, tls), SECRET, lambda: clock)


def call(
    remote: Remote | str, *, by: Webhook | None = None, seconds: float = 10, **given: Any
) -> Any:
    url = remote if isinstance(remote, str) else f"http://127.0.0.1:{remote.port}/in?token=x"
    context = JobContext("17", 4, "hook", 2, seconds)
    return (by or hook()).call({"url": url, **given}, context)


def failure(kind: type[ServiceFailure], remote: Remote | str, **given: Any) -> ServiceFailure:
    with pytest.raises(kind) as raised:
        call(remote, **given)
    return raised.value


@pytest.fixture
def echo() -> Iterator[Remote]:
    with serving(json_reply('{"total": 12.10, "id": 9007199254740993}')) as remote:
        yield remote


# --- what is sent and what comes back ------------------------------------------------------------


def test_json_goes_out_and_comes_back_with_exact_numbers(echo: Remote) -> None:
    sent = {"amount": Decimal("99.90"), "name": "李"}
    answer = call(echo, body=sent, headers={"X-Tenant": 5, "X-None": None})
    assert answer["status"] == 200
    assert answer["body"] == {"total": Decimal("12.10"), "id": 9007199254740993}
    assert str(answer["body"]["total"]) == "12.10"
    (got,) = echo.got
    assert (got.method, got.path) == ("POST", "/in?token=x")
    assert got.body.decode() == '{"amount":99.90,"name":"李"}'
    assert got.headers["content-type"] == "application/json"
    assert (got.headers["x-tenant"], got.headers["idempotency-key"]) == ("5", "17")
    assert "x-none" not in got.headers
    assert got.headers["host"] == f"127.0.0.1:{echo.port}"


def test_a_text_goes_out_as_it_is_and_without_a_body_there_is_none(echo: Remote) -> None:
    call(echo, method="PUT", body="a=1", headers={"Content-Type": "text/csv"})
    call(echo, method="GET")
    put, get = echo.got
    assert (put.method, put.body, put.headers["content-type"]) == ("PUT", b"a=1", "text/csv")
    assert (get.method, get.body) == ("GET", b"")
    assert "content-type" not in get.headers


@pytest.mark.parametrize(
    ("kind", "sent", "body"),
    [
        ("application/json", b"", None),
        ("application/json", b"{oops", "{oops"),
        ("application/problem+json; charset=utf-8", b'{"a": 1}', {"a": 1}),
        ("text/plain", b"12", "12"),
        ("text/plain", b"a\0\xff", "a\ufffd\ufffd"),
    ],
)
def test_what_an_answer_s_body_becomes(kind: str, sent: bytes, body: Any) -> None:
    headers = {"Content-Type": kind, "Set-Cookie": "sid=1", "X-Request-Id": "r"}
    with serving(lambda got, handler: reply(handler, 201, sent, headers)) as remote:
        answer = call(remote)
    assert (answer["status"], answer["body"]) == (201, body)
    assert answer["headers"]["x-request-id"] == "r"
    assert "set-cookie" not in answer["headers"]


def test_a_signature_is_what_the_standard_says(echo: Remote) -> None:
    call(echo, body={"a": 1}, sign=True)
    headers = echo.got[0].headers
    content = b"17.1700000000." + echo.got[0].body
    made = base64.b64encode(hmac.new(b"k" * 32, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-id"] == "17"
    assert headers["webhook-timestamp"] == "1700000000"
    assert headers["webhook-signature"] == f"v1,{made}"


def test_nothing_is_signed_without_a_secret(echo: Remote) -> None:
    unsigned = Webhook(Caller(Guard(HERE)))
    assert failure(BusinessError, echo, by=unsigned, sign=True).code == "no_secret"
    assert echo.got == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "other"},
        {"Content-Length": "3"},
        {"Transfer-Encoding": "chunked"},
        {"Idempotency-Key": "1"},
        {"Webhook-Signature": "v1,x"},
        {"X-A": "1\r\nX-B: 2"},
        {"X A": "1"},
        {"": "1"},
        {"X-A": "李"},
        {"X-A": "a" * 17_000},
        ["X-A"],
    ],
)
def test_headers_that_could_change_the_request_are_refused(echo: Remote, headers: Any) -> None:
    assert failure(BusinessError, echo, headers=headers).code == "bad_header"
    assert echo.got == []


# --- statuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expect", "kind"),
    [
        (400, None, BusinessError),
        (404, [200, 201], BusinessError),
        (201, 200, BusinessError),
        (302, None, BusinessError),  # a redirect to nowhere
        (429, None, ConnectorError),
        (500, None, ConnectorError),
        (503, [200], ConnectorError),
    ],
)
def test_what_a_status_means(status: int, expect: Any, kind: type[ServiceFailure]) -> None:
    with serving(json_reply('{"why": "because"}', status)) as remote:
        raised = failure(kind, remote, expect=expect) if expect else failure(kind, remote)
    assert raised.code == f"http_{status}"
    assert "because" in raised.message


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_status_that_is_expected_is_success(status: int) -> None:
    headers = {"Location": "http://127.0.0.1:1/", "Retry-After": "5"}
    with serving(lambda got, handler: reply(handler, status, b"{}", headers)) as remote:
        assert call(remote, expect=[status])["status"] == status
        assert len(remote.got) == 1


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("120", 120), (formatdate(1_700_000_030, usegmt=True), 30), ("soon", None), ("-1", None)],
)
def test_how_long_the_remote_wants_to_be_left_alone(asked: str, seconds: float | None) -> None:
    headers = {"Retry-After": asked}
    with serving(lambda got, handler: reply(handler, 503, b"", headers)) as remote:
        raised = failure(ConnectorError, remote)
    assert raised.retry_after == seconds


# --- where it may go -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - nothing is bound here
        "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1",
        "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "203.0.113.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1",
        "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1",
        "2001::1", "2001:db8::1", "2002:7f00:1::1", "fc00::1", "fd00:ec2::254", "fe80::1",
        "fec0::1", "ff02::1", "5f00::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    closed = hook(allow=(), resolve=lambda host, port: [address])
    raised = failure(BusinessError, "https://partner.example/x", by=closed)
    assert raised.code == "address_refused"
    assert "webhook.allow" in raised.message


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "193.0.0.1"])
def test_public_ones_are_not(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_other_ways_to_write_this_machine_are_refused_too(echo: Remote, host: str) -> None:
    raised = failure(ServiceFailure, f"https://{host}:{echo.port}/", by=hook(allow=()))
    assert raised.code in ("address_refused", "unreachable", "bad_url")
    assert echo.got == []


def test_the_address_that_was_judged_is_the_one_that_is_reached(echo: Remote) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1" if len(asked) == 1 else "169.254.169.254"]

    by = hook(allow=HERE, resolve=rebinding)
    call(f"http://partner.example:{echo.port}/", by=by)
    assert asked == ["partner.example"]
    assert echo.got[0].headers["host"] == f"partner.example:{echo.port}"


def test_of_several_addresses_only_the_allowed_are_tried(echo: Remote) -> None:
    by = hook(resolve=lambda host, port: ["10.0.0.1", "127.0.0.1"])
    assert call(f"http://partner.example:{echo.port}/", by=by)["status"] == 200


def test_one_address_that_does_not_answer_leaves_the_next(echo: Remote) -> None:
    by = hook(allow=("127.0.0.0/8",), resolve=lambda host, port: ["127.0.0.2", "127.0.0.1"])
    assert call(f"http://partner.example:{echo.port}/", by=by)["status"] == 200


def test_a_host_that_the_settings_name_may_be_private_and_plain(echo: Remote) -> None:
    by = hook(allow=("partner.example",), resolve=lambda host, port: ["127.0.0.1"])
    assert call(f"http://PARTNER.example.:{echo.port}/", by=by)["status"] == 200


def test_plain_http_to_the_public_is_refused() -> None:
    by = hook(allow=(), resolve=lambda host, port: ["8.8.8.8"])
    assert failure(BusinessError, "http://partner.example/", by=by).code == "http_refused"


@pytest.mark.parametrize(
    "url",
    ["", "partner.example/x", "ftp://127.0.0.1/", "file:///etc/passwd", "https://", "https:///x",
     "http://a:b@127.0.0.1/", "http://127.0.0.1/\r\nX: 1", "http://127.0.0.1:99999/", None, 5,
     "http://127.0.0.1/" + "a" * 9_000, "http://[::1/", "http://" + "a" * 300 + "/"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: Any) -> None:
    with pytest.raises(ServiceFailure) as raised:
        hook().call({"url": url}, CONTEXT)
    assert raised.value.code in ("bad_url", "unreachable")


# --- redirects -----------------------------------------------------------------------------------


def redirecting(to: Callable[[Got], str | None], status: int = 302) -> Any:
    def answer(got: Got, handler: Any) -> None:
        where = to(got)
        if where is None:
            reply(handler, 200, b"there")
        else:
            reply(handler, status, b"", {"Location": where})

    return serving(answer)


def test_a_redirect_to_where_it_may_not_go_is_refused() -> None:
    with redirecting(lambda got: "http://10.0.0.1/latest/meta-data") as remote:
        raised = failure(BusinessError, remote)
    assert raised.code == "address_refused"


def test_redirects_are_followed_three_times() -> None:
    def to(got: Got) -> str | None:
        left = int(got.headers["x-left"])
        return f"/next{len(remote.got)}" if len(remote.got) <= left else None

    with redirecting(to) as remote:
        assert call(remote, headers={"X-Left": 3})["body"] == "there"
        remote.got.clear()
        assert failure(BusinessError, remote, headers={"X-Left": 4}).code == "too_many_redirects"
        assert len(remote.got) == 4


@pytest.mark.parametrize(
    ("status", "method", "body"), [(302, "GET", b""), (303, "GET", b""), (307, "POST", b"x")]
)
def test_what_is_sent_on(status: int, method: str, body: bytes) -> None:
    with redirecting(lambda got: None if got.path == "/b" else "/b", status) as remote:
        call(remote, body="x", headers={"Authorization": "Bearer a"})
    assert (remote.got[1].method, remote.got[1].body) == (method, body)
    assert remote.got[1].headers["authorization"] == "Bearer a"


def test_another_host_is_told_no_secret(echo: Remote) -> None:
    with redirecting(lambda got: f"http://127.0.0.1:{echo.port}/", 307) as remote:
        call(remote, body="x", sign=True, headers={"Authorization": "Bearer a", "X-Key": "b"})
    (got,) = echo.got
    assert got.body == b"x"
    secret = {"authorization", "x-key", "webhook-signature", "webhook-id"}
    assert not secret & got.headers.keys()
    assert got.headers["idempotency-key"] == "17"


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [True, False])
def test_an_answer_without_end_is_cut_off(length: bool) -> None:
    def endless(got: Got, handler: Any) -> None:
        handler.send_response(200)
        if length:
            handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        while not remote.over.is_set():
            handler.wfile.write(b"x" * 65_536)

    with serving(endless) as remote:
        assert failure(BusinessError, remote).code == "answer_too_large"


@pytest.mark.parametrize("part", ["nothing", "status", "body"])
def test_an_answer_that_drips_ends_with_the_time_limit(part: str) -> None:
    def slow(got: Got, handler: Any) -> None:
        if part == "body":
            handler.send_response(200)
            handler.end_headers()
        drop = b"H" if part == "status" else b"x"
        while not remote.over.wait(0.02):
            if part != "nothing":
                handler.wfile.write(drop)

    with serving(slow) as remote:
        start = time.monotonic()
        assert failure(ConnectorError, remote, seconds=0.3).code in ("timeout", "bad_answer")
        assert time.monotonic() - start < 2


def test_headers_without_end_are_cut_off() -> None:
    def endless(got: Got, handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
        while not remote.over.is_set():
            handler.wfile.write(b"X-A: " + b"a" * 1_000 + b"\r\n")

    with serving(endless) as remote:
        assert failure(ConnectorError, remote).code == "bad_answer"


def test_an_answer_that_was_compressed_unasked_is_no_bomb() -> None:
    headers = {"Content-Encoding": "gzip"}
    with serving(lambda got, handler: reply(handler, 200, b"x", headers)) as remote:
        assert failure(ConnectorError, remote).code == "bad_answer"
        assert remote.got[0].headers["accept-encoding"] == "identity"


def test_nobody_there_and_no_http_are_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert failure(ConnectorError, nobody).code == "unreachable"
    with serving(lambda got, handler: handler.wfile.write(b"SSH-2.0-x\r\n\r\n")) as remote:
        assert failure(ConnectorError, remote).code == "bad_answer"
    with serving(lambda got, handler: None) as remote:
        assert failure(ConnectorError, remote).code in ("bad_answer", "unreachable")


def test_a_name_without_address_is_tried_again() -> None:
    def lost(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    assert failure(ConnectorError, "https://a.example/", by=hook((), lost)).code == "unreachable"


# --- TLS -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def secure(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> Webhook:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return hook(resolve=lambda host, port: ["127.0.0.1"], tls=context)


def test_the_certificate_is_of_the_host_not_of_the_address(authority: trustme.CA) -> None:
    with serving(json_reply("{}"), secure(authority, "partner.example")) as remote:
        by = trusting(authority)
        assert call(f"https://partner.example:{remote.port}/", by=by)["status"] == 200
        raised = failure(ConnectorError, f"https://other.example:{remote.port}/", by=by)
        assert raised.code == "tls"
        assert "certificate" in raised.message
        assert len(remote.got) == 1


def test_a_certificate_of_nobody_known_is_refused(authority: trustme.CA) -> None:
    with serving(json_reply("{}"), secure(authority, "127.0.0.1")) as remote:
        raised = failure(ConnectorError, f"https://127.0.0.1:{remote.port}/")
    assert raised.code == "tls"
    assert remote.got == []


# --- silence -------------------------------------------------------------------------------------


def test_nothing_secret_is_logged_or_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with caplog.at_level(logging.DEBUG), serving(json_reply("{}", 500)) as remote:
        raised = failure(ConnectorError, remote, headers={"Authorization": "Bearer hush"})
        (got,) = remote.got
    assert got.headers["authorization"] == "Bearer hush"
    assert "token=x" in got.path
    for secret in ("hush", "token=x"):
        assert secret not in caplog.text
        assert secret not in raised.message


# --- settings ------------------------------------------------------------------------------------


def test_hosts_and_networks_come_as_a_list_from_the_environment() -> None:
    env = {"APP_WEBHOOK__ALLOW": "Hooks.Internal., 10.1.0.0/16,10.2.0.3,bücher.example"}
    allow = load_settings(env=env | {"APP_MODE": "demo", "JWT_SECRET_KEY": "x"}).webhook.allow
    assert allow == ("hooks.internal", "10.1.0.0/16", "10.2.0.3/32", "xn--bcher-kva.example")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ALLOW", "https://hooks.internal"),
        ("ALLOW", "hooks.internal:8443"),
        ("ALLOW", "10.1.0.0/99"),
        ("ALLOW", "*"),
        ("SECRET", "hush-hush"),
        ("SECRET", "whsec_" + base64.b64encode(b"hush").decode()),
        ("SECRET", "whsec_hush!" * 9),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(key: str, value: str) -> None:
    env = {f"APP_WEBHOOK__{key}": value, "APP_MODE": "demo", "JWT_SECRET_KEY": "x"}
    with pytest.raises(ConfigError) as refused:
        load_settings(env=env)
    assert f"webhook.{key.lower()}" in str(refused.value)
    assert "hush" not in str(refused.value)
