"""When a certificate ends."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509

SOON_DAYS, URGENT_DAYS = 60, 14


@lru_cache(maxsize=1024)
def parsed(pem: str) -> x509.Certificate | None:
    """None for what cannot be read: nothing can be said of it, and the admin takes no such certificate."""
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except (ValueError, x509.InvalidVersion):
        return None


def ends_at(pem: str) -> datetime | None:
    certificate = parsed(pem)
    return certificate.not_valid_after_utc if certificate else None


def ends(certificate: str, intermediate: str) -> list[tuple[str, datetime]]:
    """When the parts of Apple's credentials end: those that can be read."""
    parts = ("certificate", ends_at(certificate)), ("intermediate", ends_at(intermediate))
    return [(part, end) for part, end in parts if end]


def days_left(pem: str, now: datetime | None = None) -> int | None:
    """Whole days; negative once it has ended."""
    end = ends_at(pem)
    return None if end is None else (end - (now or datetime.now(UTC))).days
