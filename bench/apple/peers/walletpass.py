"""A site with django-walletpass and Django's own middleware: `python walletpass.py COUNT` fills it, granian serves it.

BENCH_FOLDER has the stored pass; BENCH_DATABASE is the name of a PostgreSQL database, empty for SQLite in the folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

FOLDER, DATABASE = Path(os.environ["BENCH_FOLDER"]), urlsplit(os.environ.get("BENCH_DATABASE", ""))
POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql", "NAME": DATABASE.path.strip("/"), "USER": DATABASE.username,
    "HOST": DATABASE.hostname, "PORT": DATABASE.port, "CONN_MAX_AGE": None,
}  # fmt: skip
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "walletpass.sqlite3"}
settings.configure(
    SECRET_KEY="of a benchmark",
    ROOT_URLCONF="django_walletpass.urls",
    ALLOWED_HOSTS=["*"],
    USE_TZ=True,
    MEDIA_ROOT=FOLDER,
    DATABASES={"default": POSTGRESQL if DATABASE.path else SQLITE},
    INSTALLED_APPS=[
        "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
        "django.contrib.messages", "django.contrib.staticfiles", "rest_framework", "django_walletpass",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    WALLETPASS={
        "CERT_PATH": FOLDER / "certificate.pem", "KEY_PATH": FOLDER / "key.pem", "SERVICE_URL": "https://example.com",
        "APPLE_WWDRCA_PEM_PATH": FOLDER / "issuer.pem", "PASS_TYPE_ID": "pass.com.example.bench",
        "TEAM_ID": "TEAM123456",
    },
)  # fmt: skip

from django.core.wsgi import get_wsgi_application  # noqa: E402 - it needs the settings

application = get_wsgi_application()


def fill(count: int) -> None:
    """Passes of two on each phone, all changed at one moment: of others it would not tell."""
    from django.core.management import call_command  # noqa: PLC0415 - after setup
    from django.utils import timezone  # noqa: PLC0415
    from django_walletpass.models import Pass, Registration  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    rows = [Pass(pass_type_identifier="pass.com.example.bench", serial_number=f"SN{number}", data="card.pkpass",
                 authentication_token="0123456789abcdef") for number in range(count)]  # fmt: skip
    made = Pass.objects.bulk_create(rows)
    Pass.objects.update(updated_at=timezone.now())
    Registration.objects.bulk_create(
        Registration(device_library_identifier=f"device{number // 2}", push_token="ab" * 32, pazz=each)
        for number, each in enumerate(made)
    )


if __name__ == "__main__":
    fill(int(sys.argv[1]))
