"""The WSGI application. A misconfigured portal does not start: the system checks run first."""

from __future__ import annotations

import os
import sys

from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
try:
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    sys.exit(f"The portal cannot start: {error}")

from portal.checks import INSTALLATION

if serious := [message for message in run_checks(tags=[INSTALLATION]) if message.level >= ERROR]:
    sys.exit("\n".join(f"{message.id}: {message.msg} {message.hint or ''}" for message in serious))
