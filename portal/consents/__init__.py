"""CONSENTS: the proof of who agreed to what, as a chain of records for each tenant. Only ever added to.

`portal.customers.apply_consents` is what writes it; docs/consents-proof.md says what it proves and what it cannot.
"""

from portal.consents.chain import append
from portal.consents.entries import Entry, decided_names, decides

__all__ = ["Entry", "append", "decided_names", "decides"]
