"""The portal's settings for tests with real processes: more kinds of Events, and a clock that a test may set."""

import os
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from portal.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.kinds.FaultKinds"]  # noqa: F405

if "FAULT_CLOCK" in os.environ:
    # Seconds by which the host's clock is wrong, in a file that all processes read.
    _true_now, _clock = timezone.now, Path(os.environ["FAULT_CLOCK"])
    timezone.now = lambda: _true_now() + timedelta(seconds=float(_clock.read_text()))
