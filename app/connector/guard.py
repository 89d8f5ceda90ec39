"""Where requests may go: public addresses, and what the settings allow beside them.

The names of a definition's author are looked up here, once, and the connection is made to
the very addresses that were judged: a name that answers differently a moment later (DNS
rebinding) changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from app.connector.base import BusinessError, ConnectorError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""Takes a host's name and a port, returns its addresses; raises OSError."""

MAX_ADDRESSES: Final = 4
"""Addresses of one host that are tried."""
_REFUSED: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared by a provider's customers
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        # What carries another address inside: it would have to be judged too.
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
        "fec0::/10",  # site-local, as old systems still route it
        "5f00::/16",
    )
)
"""Beside what the standard library calls private or special, in every release of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Args:
        addresses: judged; the connection is made to one of these.
        trusted: the settings name it, so that plain http is allowed.
    """

    host: str
    port: int
    addresses: tuple[str, ...]
    trusted: bool


def system_resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard:
    """Judges hosts.

    Args:
        allow: names of hosts, and networks, as ``webhook.allow`` has them.
        resolve: finds a host's addresses.
    """

    def __init__(self, allow: Iterable[str] = (), resolve: Resolve = system_resolve) -> None:
        self._resolve = resolve
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._hosts: set[str] = set()
        for each in allow:
            try:
                self._networks.append(ipaddress.ip_network(each))
            except ValueError:
                self._hosts.add(each)

    def target(self, host: str, port: int) -> Target:
        """Look a host up and keep the addresses that may be reached.

        Args:
            host: in ASCII, as it stands in the URL.

        Raises:
            ConnectorError: code ``unreachable``: it has no address (now).
            BusinessError: code ``address_refused``: none of its addresses is allowed.
        """
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise ConnectorError("unreachable", f"{host} has no address: {error}") from None
        if host.lower().removesuffix(".") in self._hosts:
            return Target(host, port, tuple(found[:MAX_ADDRESSES]), True)
        judged = [(text, ipaddress.ip_address(text)) for text in found]
        trusted = [text for text, address in judged if self._listed(address)]
        allowed = trusted or [text for text, address in judged if is_public(address)]
        if not allowed:
            raise BusinessError(
                "address_refused",
                f"{host} is not a public address, and requests go to public ones only. If it"
                " may be reached, add it to the setting webhook.allow.",
            )
        return Target(host, port, tuple(allowed[:MAX_ADDRESSES]), bool(trusted))

    def _listed(self, address: Address) -> bool:
        return any(
            address.version == network.version and address in network for network in self._networks
        )


def is_public(address: Address) -> bool:
    """Say whether an address belongs to the public internet and to one host."""
    special = (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
    )
    return not special and not any(
        address.version == network.version and address in network for network in _REFUSED
    )
