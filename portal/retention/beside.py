"""The daily removal, on a thread of the supervisor: it takes no worker from live work, and ends with its process."""

from __future__ import annotations

import logging
import threading

from django.db import Error as DatabaseError
from django.db import connection

from portal.redaction import place_of
from portal.retention.runs import is_asked, prune_asked

log = logging.getLogger(__name__)
STOP_SECONDS = 10.0


class Beside:
    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start_if_asked(self) -> None:
        """Begins what is owed, unless this process is at it; several processes share the classes between them."""
        if (self._thread is None or not self._thread.is_alive()) and is_asked():
            self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Waits for the batch that runs. What is left stays owed."""
        self._stopping.set()
        if self._thread:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            prune_asked(self._stopping.is_set)
        except DatabaseError as error:
            log.warning("retention=interrupted (%s), it is gone on with", type(error).__name__)
        except Exception as error:
            log.error("retention=failed (%s)\n%s", type(error).__name__, place_of(error))
        finally:
            connection.close()
