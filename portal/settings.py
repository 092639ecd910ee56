"""All settings, from the environment only; every variable is listed in .env.example.

Secrets may also come from a file named by `<NAME>_FILE`. A wrong value is a system check (portal/checks.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import environ

from portal.keys import KeyDirectory, secret_from

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
PRODUCTION = env.bool("PRODUCTION", default=False)
DEBUG = env.bool("DEBUG", default=False)

# A first start without any environment makes its own keys in var/; production refuses them (portal.E001, portal.E002).
_keys = None if PRODUCTION else KeyDirectory(VAR_DIR / "keys")
SECRET_KEY = secret_from(os.environ, "SECRET_KEY") or (_keys.secret_key() if _keys else "")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Keys for stored vendor secrets, newest first, comma-separated: 32 bytes as URL-safe base64 each.
ENCRYPTION_KEYS = [
    key
    for key in (secret_from(os.environ, "ENCRYPTION_KEYS") or (_keys.encryption_key() if _keys else "")).split(",")
    if key
]

# What phones and vendors see. Apple's webServiceURL is {PUBLIC_URL}/wallet/apple.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
# The sandbox setting: plain http and local addresses are allowed for vendors and for PUBLIC_URL.
SANDBOX = env.bool("SANDBOX", default=not PRODUCTION)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "integrations",
    "integrations.actito",
    "passes",
    "portal",
    "unfold",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_q",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'portal.sqlite3'}"),
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Durable (FULL) and fit for several processes (WAL, write lock taken at BEGIN): https://www.sqlite.org/wal.html
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
    # An in-memory test database cannot be shared with worker and web processes.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français"), ("nl", "Nederlands")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False

if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_SUBDOMAINS", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^health/"]  # probes come in over plain http

# A webhook body may be 256 KiB; the views check it themselves because DRF reads the stream.
WEBHOOK_BODY_LIMIT = 256 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.access.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["portal.access.ScopePermission"],
    "DEFAULT_RENDERER_CLASSES": ["portal.problems.ProblemRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "portal.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

# The ledger: how long a claim is held, and how a worker waits (docs/operations.md).
LEASE_SECONDS = env.float("LEASE_SECONDS", default=50.0)
HEART_SECONDS = env.float("HEART_SECONDS", default=2.0)
HEART_LIMIT_SECONDS = env.float("HEART_LIMIT_SECONDS", default=10.0)
DRAIN_SECONDS = env.float("DRAIN_SECONDS", default=8.0)
DRAIN_LOOK_SECONDS = env.float("DRAIN_LOOK_SECONDS", default=0.025)
WORKER_PROCESSES = env.int("WORKER_PROCESSES", default=2)
WORKER_THREADS = env.int("WORKER_THREADS", default=8)

# django-q2 executes drain() and nothing else. Each value answers a fault that was seen with the defaults:
# results saved one by one (save_limit), endless re-runs (ack_failures, max_attempts), long stops (queue_limit).
Q_CLUSTER = {
    "name": "portal",
    "cluster_name": env.str("PORTAL_WORKER", default="portal"),  # each supervisor's own queue
    "orm": "default",
    "workers": WORKER_PROCESSES,
    "queue_limit": WORKER_PROCESSES,
    "bulk": 1,
    "poll": 0.2,
    "save_limit": -1,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "timeout": 120,
    "retry": 180,
    "scheduler": False,
    "label": "django-q2",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django-q": {"level": "WARNING", "propagate": True},
        # httpx logs a line a request at INFO, device tokens in the path included.
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
    },
}
