"""Collectors by name, and the shape of what they yield."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.utils.module_loading import import_string
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Collector = Callable[[], Iterable[Metric]]

_collectors: dict[str, str] = {}


def collects(name: str, collector: str) -> None:
    """Registers a collector by dotted name. It fails by itself: portal_scrape_errors names it, the others are read."""
    _collectors[name] = collector


def collectors() -> dict[str, str]:
    return dict(_collectors)


def load(collector: str) -> Collector:
    found: Collector = import_string(collector)
    return found


def gauge(name: str, documentation: str, labels: Sequence[str], rows: Iterable[Sequence[Any]]) -> Metric:
    """Rows of the labels' values and the figure."""
    return _filled(GaugeMetricFamily(name, documentation, labels=labels), rows)


def counter(name: str, documentation: str, labels: Sequence[str], rows: Iterable[Sequence[Any]]) -> Metric:
    """The same for a figure that only grows; its name ends in _total."""
    return _filled(CounterMetricFamily(name, documentation, labels=labels), rows)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, rows: Iterable[Sequence[Any]]) -> Metric:
    for *labels, value in rows:
        family.add_metric([str(label) for label in labels], float(value))
    return family
