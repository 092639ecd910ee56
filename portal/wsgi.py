"""The WSGI application. A misconfigured portal does not start: the system checks run first."""

from __future__ import annotations

import os
import sys

from django.core.checks import ERROR, Tags, run_checks
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

if serious := [message for message in run_checks(tags=[Tags.security, Tags.urls]) if message.level >= ERROR]:
    sys.exit("\n".join(f"{message.id}: {message.msg} {message.hint or ''}" for message in serious))
