"""All settings, from the environment only; every variable is listed in .env.example.

Secrets may also come from a file named by `<NAME>_FILE`. A wrong value is a system check (portal/checks.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from portal.environment import Environment, host_of
from portal.keys import KeyDirectory, new_local_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(os.environ)

VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var"))).resolve()
PRODUCTION = env.flag("PRODUCTION", False)
DEBUG = env.flag("DEBUG", False)

# A first start without any environment makes its own keys in var/; production refuses them (portal.E001, portal.E002).
_keys = None if PRODUCTION else KeyDirectory(VAR_DIR / "keys")
# Where there is none, one that nobody can guess holds until the checks have told of it.
SECRET_KEY = env.secret("SECRET_KEY") or (_keys.secret_key() if _keys else new_local_secret_key())
SECRET_KEY_FALLBACKS = env.secrets("SECRET_KEY_FALLBACKS")
# Keys for stored vendor secrets, newest first: 32 bytes as URL-safe base64 each.
ENCRYPTION_KEYS = env.secrets("ENCRYPTION_KEYS") or ([_keys.encryption_key()] if _keys else [])

# Whether both are files of VAR_DIR/keys.
KEYS_MADE_HERE = not (PRODUCTION or env.secret("SECRET_KEY") or env.secret("ENCRYPTION_KEYS"))

# What phones and vendors see. Apple's webServiceURL is {PUBLIC_URL}/wallet/apple.
PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
# The sandbox setting: plain http and local addresses are allowed for vendors and for PUBLIC_URL.
SANDBOX = env.flag("SANDBOX", not PRODUCTION)
ALLOWED_HOSTS = env.several("ALLOWED_HOSTS", host_of(PUBLIC_URL) if PRODUCTION else ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.several("CSRF_TRUSTED_ORIGINS", [])
BEHIND_PROXY = env.flag("BEHIND_PROXY", False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# How many proxies of ours write X-Forwarded-For; with none, what it says is somebody's own word.
PROXY_COUNT = env.whole("PROXY_COUNT", 0)

INSTALLED_APPS = [
    "integrations",
    "integrations.actito",
    "integrations.didomi",
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
    "axes",
]

MIDDLEWARE = [
    "portal.headers.headers",
    "portal.headers.Policies",
    "portal.health.probes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
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
    "default": env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'portal.sqlite3'}"),
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Durable (FULL) and fit for several processes (WAL, write lock taken at BEGIN): https://www.sqlite.org/wal.html
    # The log is written back every 32 MB, not every 4: an arrival touches many pages, most of them again and again.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=8000;",
    }
    # An in-memory test database cannot be shared with worker and web processes.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    # A host that went away without a word is noticed; short statements are not worth compiling.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "options": "-c jit=off",
        # After so many times a statement that runs all day is kept prepared (portal/prepared.py).
        "prepare_threshold": 5 if env.flag("PREPARED_STATEMENTS", True) else None,
        **DATABASES["default"].get("OPTIONS", {}),
    }
DATABASES["default"]["CONN_MAX_AGE"] = env.whole("CONN_MAX_AGE", 60)
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
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "portal.accounts.AnyCaseBackend"]
CSRF_FAILURE_VIEW = "portal.admin.errors.csrf_failure"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "admin:login"
# Links to a new password; the pages and mails that speak of them say "24 hours".
PASSWORD_RESET_TIMEOUT = 24 * 3600

# Who tried to sign in, and who has to wait: portal/limits.py.
AXES_HANDLER = "portal.limits.SignInLimits"
AXES_CLIENT_IP_CALLABLE = "portal.limits.address_of"
AXES_LOCKOUT_CALLABLE = "portal.limits.locked_response"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = AXES_VERBOSE = False

# A working day, counted from signing in. Nothing puts the end off.
SESSION_HOURS = env.whole("SESSION_HOURS", 12, least=1)
SESSION_COOKIE_AGE = SESSION_HOURS * 3600
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

_mail = env.mail("EMAIL_URL")
# Outside of production, mails are files that one can open.
MAIL_SET_UP = bool(_mail) or not PRODUCTION
EMAIL_BACKEND = _mail.get("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST") or "localhost", _mail.get("EMAIL_PORT") or 0
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_USER") or "", _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"portal@{next(iter(host_of(PUBLIC_URL)), '')}")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français"), ("nl", "Nederlands")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
FORMAT_MODULE_PATH = ["portal.formats"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False

SECURE_REFERRER_POLICY = SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = True
    # Browsers take these names only over https, for this host alone: no neighbouring host can set them.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SECURE_HSTS_SECONDS = env.whole("HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.flag("HSTS_SUBDOMAINS", True)

# A webhook body may be 256 KiB; the views check it themselves because DRF reads the stream.
WEBHOOK_BODY_LIMIT = 256 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# Three lists of a template with 200 lines each fit.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 6000

# Calls a second of one key in one process, and how many may come at once (portal/rate.py).
WEBHOOK_RATE = env.whole("WEBHOOK_RATE", 300, least=1)
WEBHOOK_BURST = env.whole("WEBHOOK_BURST", 600, least=1)

# OAuth2 bearer tokens for the webhooks: off unless issuer, audience and JWKS are set (portal/bearer.py).
OAUTH_ISSUER = env.text("OAUTH_ISSUER")
OAUTH_AUDIENCE = env.text("OAUTH_AUDIENCE")
OAUTH_JWKS_URL = env.text("OAUTH_JWKS_URL")
# The claim that names the tenants of a token; without it, only registered clients are let in.
OAUTH_TENANT_CLAIM = env.text("OAUTH_TENANT_CLAIM")

# Further intermediates of Apple beside those that ship: a folder of .pem and .cer files, or PEM text.
APPLE_INTERMEDIATES = env.text("APPLE_INTERMEDIATES")

UNFOLD = {
    "SITE_TITLE": "Wallet portal",
    "SITE_HEADER": "Wallet portal",
    "SITE_SUBHEADER": "portal.admin.navigation.tenant_name",
    "SITE_DROPDOWN": "portal.admin.current.header_items",
    "ACCOUNT": {"navigation": "portal.admin.messages.account_links"},
    "SHOW_LANGUAGES": True,
    "SITE_URL": None,
    "SITE_SYMBOL": "wallet",
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "8px",
    "STYLES": ["portal.admin.navigation.stylesheet"],
    "SCRIPTS": ["portal.admin.navigation.script"],
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "portal.admin.navigation.icon"}],
    "COMMAND": {"search_models": False, "show_history": False},
    "SIDEBAR": {
        "show_search": False,
        "command_search": False,
        "show_all_applications": False,
        "navigation": "portal.admin.navigation.sidebar",
    },
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .014 243)", "100": "oklch(93.6% .032 245)", "200": "oklch(88.2% .059 248)",
            "300": "oklch(80.4% .1 251)", "400": "oklch(70.7% .15 255)", "500": "oklch(61.5% .18 258)",
            "600": "oklch(53.2% .19 260)", "700": "oklch(46.9% .175 261)", "800": "oklch(40.9% .145 262)",
            "900": "oklch(36% .11 263)", "950": "oklch(27% .08 264)",
        },
    },
}  # fmt: skip

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.bearer.BearerAuthentication", "portal.access.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["portal.access.ScopePermission"],
    "DEFAULT_THROTTLE_CLASSES": ["portal.rate.CallerRate"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "portal.accept.OneFormat",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "portal.openapi.Schema",
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "portal.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

# The published description of the API: portal/openapi.py.
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "Wallet portal",
    "VERSION": "v1",
    "DESCRIPTION": (
        "What other systems call. Each call belongs to a tenant and needs a key or a token of that tenant. A call that "
        "was answered with 200 or 208 is stored for good. Every refusal is a problem (RFC 9457) that says what was "
        "wrong; the `Accept` header may ask for it as `application/json`, `text/json` or `text/plain` instead of "
        "`application/problem+json`."
    ),
    "SERVERS": [{"url": PUBLIC_URL}],
    "POSTPROCESSING_HOOKS": [],
}

# A phone that has not asked what changed so long after a push is pushed once more, and shown; 0: never.
PUSH_ANSWER_HOURS = env.whole("PUSH_ANSWER_HOURS", 4)

# The ledger: how long a claim is held, and how a worker waits (docs/operations.md).
LEASE_SECONDS = env.seconds("LEASE_SECONDS", 50.0)
HEART_SECONDS = env.seconds("HEART_SECONDS", 2.0)
HEART_LIMIT_SECONDS = env.seconds("HEART_LIMIT_SECONDS", 10.0)
DRAIN_SECONDS = env.seconds("DRAIN_SECONDS", 8.0)
DRAIN_LOOK_SECONDS = env.seconds("DRAIN_LOOK_SECONDS", 0.04)
WORKER_PROCESSES = env.whole("WORKER_PROCESSES", 2, least=1)
WORKER_THREADS = env.whole("WORKER_THREADS", 8, least=1)

# /health/ready tells of due work that has waited for longer. /metrics is not there without a token.
READY_OLDEST_SECONDS = env.seconds("READY_OLDEST_SECONDS", 300.0)
METRICS_TOKEN = env.secret("METRICS_TOKEN")

# Days for which what has ended is kept; 0 keeps it for good (portal/retention, docs/retention.md).
RETENTION_CONTENTS_DAYS = env.whole("RETENTION_CONTENTS_DAYS", 30)
RETENTION_EVENTS_DAYS = env.whole("RETENTION_EVENTS_DAYS", 90)
RETENTION_REFUSED_DAYS = env.whole("RETENTION_REFUSED_DAYS", 30)
RETENTION_CONSENTS_DAYS = env.whole("RETENTION_CONSENTS_DAYS", 0)
RETENTION_NOTICES_DAYS = env.whole("RETENTION_NOTICES_DAYS", 30)

# django-q2 executes drain() and nothing else. Each value answers a fault that was seen with the defaults:
# results saved one by one (save_limit), endless re-runs (ack_failures, max_attempts), long stops (queue_limit).
Q_CLUSTER = {
    "name": "portal",
    "cluster_name": env.text("PORTAL_WORKER", "portal"),  # each supervisor's own queue
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
    "root": {
        "handlers": ["console"],
        "level": env.one_of("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], "INFO"),
    },
    "loggers": {
        "django-q": {"level": "WARNING", "propagate": True},
        # A line for each 4xx would let whoever is refused fill the log; refused calls are kept in the database.
        "django.request": {"level": "ERROR"},
        # httpx logs a line a request at INFO, device tokens in the path included.
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        # axes writes names and addresses; portal.limits says that somebody was refused.
        "axes": {"level": "ERROR"},
    },
}
