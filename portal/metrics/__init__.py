"""Figures for Prometheus, read from the database when it asks: web processes and workers are many, the ledger is one.

A collector is a function without arguments that yields metrics. Register it in `AppConfig.ready()`, by dotted name:

    collects("certificates", "passes.metrics.certificates")

    def certificates() -> Iterator[Metric]:
        yield gauge("portal_certificate_days_left", "Days until it ends.", ("tenant",), [("verdi", 41)])

Its queries follow an index and its labels have few values: never a person, a subject or an address. docs/monitoring.md
says what each metric means, and what to do; a test holds the page against what is exposed.
"""

from portal.metrics.registry import collects, counter, gauge

__all__ = ["collects", "counter", "gauge"]
