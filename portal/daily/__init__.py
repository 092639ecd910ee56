"""What happened each day, in numbers that are counted once: figures and charts cost a page the same at any size.

`registry`: which numbers there are. `counting`: the periodic task that writes them. `reading`: what pages ask.
"""

from portal.daily.registry import counts_events, counts_rows, flow, stock

__all__ = ["counts_events", "counts_rows", "flow", "stock"]
