"""The address guard: tenants name the addresses that the portal calls, so it looks where they lead before it connects.

Names are resolved once, every address found must be public, and the connection goes to an address that was looked at:
a second DNS answer cannot slip past, and nothing is learnt about hosts that may not be called.
"""

from __future__ import annotations

import io
import ipaddress
import socket
import time
from http.client import HTTPResponse
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from portal.sentences import Explained, say

# More addresses than this are not tried: each may take the whole connection time-out.
ADDRESSES_TRIED = 3
_UNICAST = ipaddress.ip_network("2000::/3")
_REFUSED = [
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # Azure's host agent: public by its number only
        "2001::/23",  # Teredo and other protocols' own
        "2002::/16",  # 6to4, which embeds an IPv4 address; so does NAT64, outside of 2000::/3
    )
]


class Refused(Explained, ValueError):
    """An address that may not be called; the message says why, without any credentials that it held."""


class BlockedAddress(NewConnectionError):
    """The name resolved to an address that the portal must not call."""


def check_url(url: str) -> None:
    """Raises Refused for an address that may not be called at all: https only, unless the sandbox is allowed."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Refused(say("The address is not a web address.")) from None
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.scheme != "https" and not (settings.SANDBOX and parts.scheme == "http"):
        raise Refused(say("%(address)s is not an https address.", address=shown))
    if not host or port == 0 or not url.isprintable() or any(sign in url for sign in " \\"):
        raise Refused(say("%(address)s is not an address that can be called.", address=shown))
    if "@" in parts.netloc:
        raise Refused(say("%(address)s must be written without a user name.", address=shown))


def is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip not in _UNICAST):
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _REFUSED)


class _PatientResponse(HTTPResponse):
    """Reads head and body within one time: a server that drips never lets a time-out between two bytes strike."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        unbuffered = self.fp.detach()
        self.fp = io.BufferedReader(_Deadline(unbuffered, sock))


class _Deadline(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._end = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer dripped")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PatientConnection(HTTPConnection):
    response_class = _PatientResponse


class _PatientTLSConnection(HTTPSConnection):
    response_class = _PatientResponse


class _GuardedConnection(_PatientTLSConnection):
    def _new_conn(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, cast(socket.gaierror, error)) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not all(map(is_public, addresses)):
            raise BlockedAddress(self, f"{self.host} leads to an address that is not public.")
        return self._connect(addresses[:ADDRESSES_TRIED])

    def _connect(self, addresses: list[str]) -> socket.socket:
        problem: OSError | None = None
        for address in addresses:
            try:
                return create_connection((address, self.port), self.timeout, socket_options=self.socket_options)
            except OSError as error:
                problem = error
        if isinstance(problem, TimeoutError):
            raise ConnectTimeoutError(self, f"{self.host} did not answer.") from problem
        raise NewConnectionError(self, f"{self.host}: {problem}") from problem


class _PatientPool(HTTPConnectionPool):
    ConnectionCls = _PatientConnection


class _PatientTLSPool(HTTPSConnectionPool):
    ConnectionCls = _PatientTLSConnection


class _GuardedPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedConnection


class PatientAdapter(HTTPAdapter):
    """For the sandbox: any address, one time for the whole answer."""

    _pools: dict[str, Any] = {"http": _PatientPool, "https": _PatientTLSPool}

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools


class GuardedAdapter(PatientAdapter):
    """For everything else: https to public addresses only."""

    _pools = {"https": _GuardedPool}
