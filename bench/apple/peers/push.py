"""Pushes with aioapns: over one connection, as many in flight as the server takes, or with a client for each."""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from pathlib import Path

from aioapns import APNs, NotificationRequest
from aioapns.connection import APNsProductionClientProtocol

FOLDER = Path(sys.argv[1])
IN_FLIGHT = 100
APNsProductionClientProtocol.APNS_SERVER = "127.0.0.1"
APNsProductionClientProtocol.APNS_PORT = int((FOLDER / "port").read_text())


def context() -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.load_verify_locations(FOLDER / "root.pem")
    made.load_cert_chain(FOLDER / "certificate.pem", FOLDER / "key.pem")
    made.set_alpn_protocols(["h2"])
    return made


def client() -> APNs:
    return APNs(
        client_cert=str(FOLDER / "all.pem"), topic="pass.com.example.bench", max_connections=1, ssl_context=context()
    )


async def push(sender: APNs) -> None:
    answer = await sender.send_notification(NotificationRequest(device_token="ab" * 32, message={}))
    if not answer.is_successful:
        sys.exit(f"Not taken: {answer.status} {answer.description}")


async def over_one(sender: APNs, count: int) -> None:
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> None:
        async with slots:
            await push(sender)

    await asyncio.gather(*(one() for _ in range(count)))


async def anew(count: int) -> None:
    """As django-walletpass does it."""
    for _ in range(count):
        sender = client()
        await push(sender)
        for connection in sender.pool.connections:
            connection.close()


async def main() -> None:
    kept = client()
    while line := await asyncio.to_thread(sys.stdin.readline):
        name, count = line.split()
        begun = time.perf_counter()
        await (over_one(kept, int(count)) if name == "aioapns" else anew(int(count)))
        print(time.perf_counter() - begun, flush=True)


asyncio.run(main())
