"""System checks: what an installer can get wrong, each with an id and a hint."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from portal.guard import Refused, check_url
from portal.keys import is_local_encryption_key, is_local_secret_key

# What depends on the environment: a web process looks at these before it serves.
INSTALLATION = "installation"
OWN_APPS = {"portal", "passes", "integrations", "actito", "didomi"}
METRICS_TOKEN_LENGTH = 16
MAKE_SECRET_KEY = (
    'Set SECRET_KEY or SECRET_KEY_FILE, made with: python -c "import secrets; print(secrets.token_urlsafe(50))"'
)
MAKE_ENCRYPTION_KEY = (
    "Set ENCRYPTION_KEYS or ENCRYPTION_KEYS_FILE to 32 random bytes as URL-safe base64, made with: "
    'python -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())". '
    "Keep it apart from the database: without it no stored secret can be read."
)


@register(Tags.security, INSTALLATION)
def check_keys(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.PRODUCTION:
        if is_local_secret_key(settings.SECRET_KEY):
            found.append(Error("Production needs a SECRET_KEY of its own.", hint=MAKE_SECRET_KEY, id="portal.E001"))
        if not settings.ENCRYPTION_KEYS or any(is_local_encryption_key(key) for key in settings.ENCRYPTION_KEYS):
            found.append(
                Error("Production needs ENCRYPTION_KEYS of its own.", hint=MAKE_ENCRYPTION_KEY, id="portal.E002")
            )
    if any(not _is_encryption_key(key) for key in settings.ENCRYPTION_KEYS):
        found.append(
            Error("ENCRYPTION_KEYS has a key that is not 32 bytes.", hint=MAKE_ENCRYPTION_KEY, id="portal.E003")
        )
    return found


def _is_encryption_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == 32
    except ValueError:
        return False


@register(Tags.urls, INSTALLATION)
def check_public_url(**_: Any) -> list[CheckMessage]:
    try:
        url = urlsplit(settings.PUBLIC_URL)
        usable = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable or url.query or url.fragment or "@" in url.netloc:
        return [
            Error("PUBLIC_URL is not a web address.", hint="For example https://wallet.example.com", id="portal.E004")
        ]
    if url.scheme != "https" and not settings.SANDBOX:
        return [
            Error(
                "PUBLIC_URL must be https: phones refuse passes that name a plain http address.",
                hint="Serve the portal over https, or set SANDBOX=true to rehearse locally.",
                id="portal.E005",
            )
        ]
    return []


@register(Tags.security, INSTALLATION)
def check_sandbox(**_: Any) -> list[CheckMessage]:
    if settings.PRODUCTION and settings.SANDBOX:
        return [
            Warning(
                "SANDBOX is on in production: connections may call private addresses and plain http.",
                hint="Leave SANDBOX unset unless this installation is for rehearsals only.",
                id="portal.W001",
            )
        ]
    return []


@register(INSTALLATION)
def check_mail(**_: Any) -> list[CheckMessage]:
    if settings.MAIL_SET_UP:
        return []
    return [
        Warning(
            "E-mail is not set up: nobody can be invited, set a forgotten password or be told what is wrong by mail.",
            hint="Set EMAIL_URL or EMAIL_URL_FILE, for example to smtp+tls://user:password@mail.example.com:587",
            id="portal.W002",
        )
    ]


@register(Tags.security, INSTALLATION)
def check_proxies(**_: Any) -> list[CheckMessage]:
    if not settings.BEHIND_PROXY or settings.PROXY_COUNT:
        return []
    return [
        Warning(
            "PROXY_COUNT is 0 behind a proxy: everybody seems to come from the proxy's address, so that one person's "
            "failed sign-ins make all others wait.",
            hint="Set PROXY_COUNT to how many proxies of yours add to X-Forwarded-For: mostly 1.",
            id="portal.W003",
        )
    ]


@register(Tags.security, INSTALLATION)
def check_bearer_tokens(**_: Any) -> list[CheckMessage]:
    """All of the issuer's settings, or none: half of them would be taken for a working set-up."""
    needed = ("OAUTH_ISSUER", "OAUTH_AUDIENCE", "OAUTH_JWKS_URL")
    missing = [name for name in needed if not getattr(settings, name)]
    if len(missing) == len(needed) and not settings.OAUTH_TENANT_CLAIM:
        return []
    if missing:
        return [
            Error(
                f"Bearer tokens are set up by half: {', '.join(missing)} is missing.",
                hint="Set OAUTH_ISSUER, OAUTH_AUDIENCE and OAUTH_JWKS_URL, or none of the OAUTH_ settings.",
                id="portal.E013",
            )
        ]
    return [*_wrong_address("OAUTH_ISSUER"), *_wrong_address("OAUTH_JWKS_URL")]


def _wrong_address(name: str) -> list[CheckMessage]:
    try:
        check_url(getattr(settings, name))
    except Refused as refused:
        hint = (
            "The issuer is the iss claim of its tokens, an https address; its jwks_uri stands in "
            "<issuer>/.well-known/openid-configuration."
        )
        return [Error(f"{name} cannot be used. {refused}", hint=hint, id="portal.E014")]
    return []


@register(Tags.security, INSTALLATION)
def check_metrics_token(**_: Any) -> list[CheckMessage]:
    token = settings.METRICS_TOKEN
    if not token or (len(token) >= METRICS_TOKEN_LENGTH and token.isascii() and not any(map(str.isspace, token))):
        return []
    hint = (
        'Make one with: python -c "import secrets; print(secrets.token_urlsafe(32))", or leave it unset: no /metrics.'
    )
    return [
        Error(
            f"METRICS_TOKEN needs {METRICS_TOKEN_LENGTH} characters or more, of ASCII without spaces.",
            hint=hint,
            id="portal.E016",
        )
    ]


@register(Tags.models)
def check_tenant_paths(**_: Any) -> list[CheckMessage]:
    """Every model says how it reaches its tenant, or why it has none."""
    found: list[CheckMessage] = []
    for model in apps.get_models():
        if model._meta.app_label not in OWN_APPS:
            continue
        if not hasattr(model, "tenant_path"):
            hint = 'Set tenant_path to a path such as "customer__tenant", or to None with a tenant_path_reason.'
            found.append(
                Error("The model does not say how it reaches its tenant.", hint=hint, obj=model, id="portal.E007")
            )
        elif model.tenant_path is None and not getattr(model, "tenant_path_reason", ""):
            found.append(
                Error(
                    "The model has no tenant and gives no reason.",
                    hint="Set tenant_path_reason.",
                    obj=model,
                    id="portal.E008",
                )
            )
    return found
