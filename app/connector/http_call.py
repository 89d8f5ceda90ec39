"""HTTP requests to hosts that a definition names: guarded, bounded in time and size."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import httpcore
import httpx

from app.connector.base import BusinessError, ConnectorError
from app.connector.guard import Guard, Target

MAX_ANSWER: Final = 1024 * 1024
"""Bytes of an answer's body."""
MAX_REDIRECTS: Final = 3
MAX_URL: Final = 8_000
_EXCERPT: Final = 4_096
_CONNECT: Final = 10.0
"""Seconds that connecting to one address may take."""
_PIECE: Final = 65_536
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_PORTS: Final = {"http": 80, "https": 443}
# What a host that we were sent to may see; the rest may be a secret of the first one's.
_ANY_HOST: Final = ("content-type", "accept", "user-agent", "idempotency-key")

# At debug level these write down headers and addresses with what is secret in them.
for _name in ("httpcore", "httpx"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Args:
        headers: by lower-case name; the last of several.
        body: whole, or the beginning if the status was not wanted.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Args:
        headers: by lower-case name, ASCII.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Caller:
    """Sends requests.

    Args:
        tls: default: what certifi trusts, or the file in ``SSL_CERT_FILE``.
    """

    def __init__(self, guard: Guard, tls: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._given_tls = tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx.create_ssl_context()

    def send(self, request: Request, *, timeout: float, wanted: Callable[[int], bool]) -> Answer:
        """Send a request and follow up to three redirects, each judged like the first.

        Args:
            timeout: seconds for all of it. Looking a name up cannot be cut short.
            wanted: says of a status whether its body is read whole.

        Raises:
            BusinessError: ``bad_url``, ``address_refused``, ``http_refused`` (plain http),
                ``too_many_redirects``, ``answer_too_large``.
            ConnectorError: ``unreachable``, ``tls``, ``timeout``, ``bad_answer``.
        """
        deadline = time.monotonic() + timeout
        for _ in range(MAX_REDIRECTS + 1):
            url = _parsed(request.url)
            target = self._guard.target(url.raw_host.decode("ascii"), _port(url))
            if url.scheme != "https" and not target.trusted:
                raise BusinessError(
                    "http_refused",
                    f"Requests go by https. If {target.host} may be reached by plain http, add"
                    " it to the setting webhook.allow.",
                )
            answer = self._once(request, url, target, deadline, wanted)
            to = answer.headers.get("location")
            if answer.status not in _REDIRECTS or wanted(answer.status) or not to:
                return answer
            request = _redirected(request, url, answer.status, to)
        said = f"There were more than {MAX_REDIRECTS} redirects."
        raise BusinessError("too_many_redirects", said)

    def _once(
        self,
        request: Request,
        url: httpx.URL,
        target: Target,
        deadline: float,
        wanted: Callable[[int], bool],
    ) -> Answer:
        backend = _Pinned(target, deadline)
        tls = self._tls if url.scheme == "https" else None
        headers = {"host": url.netloc.decode("ascii"), "accept-encoding": "identity"}
        headers |= {"connection": "close"} | dict(request.headers)
        if request.body is not None or request.method not in ("GET", "DELETE"):
            headers["content-length"] = str(len(request.body or b""))
        place = f"{url.scheme}://{url.netloc.decode('ascii')}"
        with (
            _errors(place),
            httpcore.ConnectionPool(ssl_context=tls, network_backend=backend) as pool,
            pool.stream(
                request.method,
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=list(headers.items()),
                content=request.body,
            ) as response,
        ):
            found = {
                name.decode("ascii").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            whole = wanted(response.status)
            if whole and found.get("content-encoding", "identity").lower() != "identity":
                said = f"{place} sent a compressed answer although none was asked for."
                raise ConnectorError("bad_answer", said)
            body = _body(response.iter_stream(), place, whole)
            return Answer(response.status, found, body)


class _Pinned(httpcore.NetworkBackend):
    """Connects to the judged addresses only, whatever the host's name says by now."""

    def __init__(self, target: Target, deadline: float) -> None:
        self._target = target
        self._deadline = deadline
        self._system = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        target = self._target
        if (host, port) != (target.host, target.port):
            raise httpcore.ConnectError(f"{host}:{port} was not judged")
        trouble: Exception = httpcore.ConnectError("no address")
        for number, address in enumerate(target.addresses):
            share = _left(self._deadline) / (len(target.addresses) - number)
            try:
                stream = self._system.connect_tcp(
                    address, port, min(share, _CONNECT), socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
            else:
                return _Bounded(stream, self._deadline)
        raise trouble


class _Bounded(httpcore.NetworkStream):
    """A stream that ends at a moment, however slowly something comes through it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come."""
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], _left(self._deadline))

    def close(self) -> None:
        """End it."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Shake hands; the certificate must be of the host that was asked for."""
        left = _left(self._deadline)
        inner = self._stream.start_tls(ssl_context, server_hostname, left)
        return _Bounded(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Return what the stream says."""
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


def _parsed(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text) if len(text) <= MAX_URL else None
    except (httpx.InvalidURL, ValueError):
        url = None
    if url is None or url.scheme not in _PORTS or not url.host:
        raise BusinessError("bad_url", "The url must be like https://host/path.")
    if url.userinfo:
        said = "The url has a name or password in it; put them into an Authorization header."
        raise BusinessError("bad_url", said)
    return url


def _port(url: httpx.URL) -> int:
    return url.port or _PORTS[url.scheme]


def _redirected(request: Request, url: httpx.URL, status: int, to: str) -> Request:
    try:
        new = url.join(to)
    except (httpx.InvalidURL, ValueError):
        raise ConnectorError("bad_answer", "The redirect's address cannot be read.") from None
    method, body, headers = request.method, request.body, dict(request.headers)
    if status == 303 or (status in (301, 302) and method == "POST"):
        method, body = "GET", None
        headers.pop("content-type", None)
    if (new.scheme, new.host, new.port) != (url.scheme, url.host, url.port):
        headers = {name: value for name, value in headers.items() if name in _ANY_HOST}
    return Request(method, str(new), headers, body)


def _body(parts: Iterator[bytes], place: str, whole: bool) -> bytes:
    body = b""
    for part in parts:
        body += part
        if not whole and len(body) >= _EXCERPT:
            return body[:_EXCERPT]
        if len(body) > MAX_ANSWER:
            said = f"The answer of {place} is larger than 1 MiB."
            raise BusinessError("answer_too_large", said)
    return body


@contextmanager
def _errors(place: str) -> Iterator[None]:
    """Say what went wrong on the way, without what is secret in the URL."""
    try:
        yield
    except httpcore.TimeoutException:
        raise ConnectorError("timeout", f"{place} did not answer in time.") from None
    except httpcore.ConnectError as error:
        if any(isinstance(cause, ssl.SSLError) for cause in (*error.args, error.__context__)):
            said = f"{place} has no certificate that can be trusted: {error}"
            raise ConnectorError("tls", said) from None
        raise ConnectorError("unreachable", f"{place} cannot be reached: {error}") from None
    except httpcore.RemoteProtocolError as error:
        raise ConnectorError("bad_answer", f"{place} answered no HTTP: {error}") from None
    except (httpcore.NetworkError, OSError) as error:
        said = f"The connection to {place} broke: {error}"
        raise ConnectorError("unreachable", said) from None
