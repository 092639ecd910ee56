"""When a certificate ends."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509


@lru_cache(maxsize=1024)
def ends_at(pem: str) -> datetime | None:
    """None for what cannot be read: nothing can be said of its end, and the admin takes no such certificate."""
    try:
        return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    except ValueError:
        return None


def ends(certificate: str, intermediate: str) -> list[tuple[str, datetime]]:
    """When the parts of Apple's credentials end: those that can be read."""
    parts = ("certificate", ends_at(certificate)), ("intermediate", ends_at(intermediate))
    return [(part, end) for part, end in parts if end]


def days_left(pem: str, now: datetime | None = None) -> int | None:
    """Whole days; negative once it has ended."""
    end = ends_at(pem)
    return None if end is None else (end - (now or datetime.now(UTC))).days
