"""The portal's settings for tests that run `manage.py worker`: more kinds of Events, and short times."""

from portal.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.portal.worker_kinds.WorkerKinds"]  # noqa: F405
