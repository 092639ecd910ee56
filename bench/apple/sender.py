"""Requests over some open connections, each with one under way, and how many were answered a second."""

from __future__ import annotations

import selectors
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

CONNECTIONS = 8


@dataclass
class _Link:
    socket: socket.socket
    sent_at: float = 0.0
    missing: int = -1  # bytes of the answer; unknown before its head is there
    head: bytes = b""


@dataclass
class Sender:
    """`expected`: the status that each answer must have."""

    port: int
    _links: list[_Link] = field(default_factory=list)

    def __post_init__(self) -> None:
        for _ in range(CONNECTIONS):
            link = socket.create_connection(("127.0.0.1", self.port))
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._links.append(_Link(link))

    def rate(self, request: Callable[[], bytes], expected: int, seconds: float) -> float:
        begun, answers, open_links = time.perf_counter(), 0, len(self._links)
        with selectors.DefaultSelector() as selector:
            for link in self._links:
                selector.register(link.socket, selectors.EVENT_READ, link)
                link.socket.sendall(request())
            while open_links:
                for entry, _ in selector.select():
                    if not _answered(entry.data, expected):
                        continue
                    answers += 1
                    if time.perf_counter() - begun < seconds:
                        entry.data.socket.sendall(request())
                    else:
                        open_links -= 1
        return answers / (time.perf_counter() - begun)


def _answered(link: _Link, expected: int) -> bool:
    """Whether the answer is complete. Anything but what is expected ends the benchmark."""
    data = link.socket.recv(1 << 18)
    if link.missing < 0:
        head, found, body = (link.head + data).partition(b"\r\n\r\n")
        link.head = head
        if not found:
            return False
        if not head.startswith(b"HTTP/1.1 %d " % expected):
            sys.exit(f"Not what was expected: {head!r} {body[:500]!r}")
        link.missing, data = _length(head), body
    link.missing -= len(data)
    if link.missing:
        return False
    link.missing, link.head = -1, b""
    return True


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
