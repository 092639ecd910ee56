"""A mail server on this machine that takes everything and keeps it; it may hold back its answer to a mail."""

from __future__ import annotations

import socketserver
from threading import Event, Thread
from typing import Self


class MailServer:
    def __init__(self) -> None:
        received: list[str] = []
        answering = Event()
        answering.set()
        self.received, self.answering = received, answering

        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    word = line[:4].upper()
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        received.append(self.message())
                        answering.wait(60)
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")

            def message(self) -> str:
                return b"".join(iter(self.rfile.readline, b".\r\n")).decode()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self._server.daemon_threads = True

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.answering.set()
        self._server.shutdown()
        self._server.server_close()
