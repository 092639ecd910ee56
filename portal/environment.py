"""The environment, read strictly: what is misspelt ends the start in one sentence instead of meaning something else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0", ""}
_DATABASES = ("postgres://", "postgresql://", "sqlite:///")
# django-environ's further names mislead: its smtps:// begins without TLS.
_MAIL_SERVERS = ("smtp://", "smtp+tls://", "smtp+ssl://")


class Environment:
    """Values by name. A name that is set to nothing counts as not set."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str = "") -> str:
        return self._variables.get(name, "").strip() or default

    def secret(self, name: str) -> str:
        """The value of `name`, or the content of the file that `<name>_FILE` names; empty when neither is set."""
        path = self.text(f"{name}_FILE")
        if not path:
            return self.text(name)
        if self.text(name):
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Set one of them.")
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names a file that cannot be read: {path} ({error.strerror})."
            ) from error
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}_FILE names a file that is not text: {path}.") from error

    def flag(self, name: str, default: bool) -> bool:
        given = self.text(name, str(default)).lower()
        if given not in _TRUE | _FALSE:
            raise ImproperlyConfigured(f"{name} must be true or false, not “{given}”.")
        return given in _TRUE

    def whole(self, name: str, default: int, least: int = 0) -> int:
        given = self.text(name, str(default))
        if not (given.isascii() and given.isdigit() and int(given) >= least):
            raise ImproperlyConfigured(f"{name} must be a whole number, {least} or more, not “{given}”.")
        return int(given)

    def seconds(self, name: str, default: float) -> float:
        given = self.text(name, str(default))
        try:
            number = float(given)
        except ValueError:
            number = 0.0
        if not 0 < number < 1e6:
            raise ImproperlyConfigured(f"{name} must be a number of seconds, not “{given}”.")
        return number

    def several(self, name: str, default: list[str]) -> list[str]:
        """Comma-separated."""
        return [member.strip() for member in self.text(name).split(",") if member.strip()] or default

    def secrets(self, name: str) -> list[str]:
        """Separated by commas or white space."""
        return self.secret(name).replace(",", " ").split()

    def one_of(self, name: str, choices: list[str], default: str) -> str:
        given = self.text(name, default)
        if given not in choices:
            raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not “{given}”.")
        return given

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Django's settings for a database URL, which is never repeated: it holds a password."""
        url = self.secret(name) or default
        example = "For example postgres://portal:password@db:5432/portal, or leave it unset for SQLite."
        if not url.startswith(_DATABASES):
            raise ImproperlyConfigured(f"{name} must begin with postgres:// or sqlite:///. {example}")
        try:
            _ = urlsplit(url).port
            found: dict[str, Any] = environ.Env.db_url_config(url)
        except (ValueError, KeyError):
            raise ImproperlyConfigured(f"{name} is not a database address. {example}") from None
        if not found.get("NAME"):
            raise ImproperlyConfigured(f"{name} names no database. {example}")
        return found

    def mail(self, name: str) -> dict[str, Any]:
        """Django's settings for a mail server's URL, which is never repeated; nothing when it is not set."""
        url = self.secret(name)
        if not url:
            return {}
        example = "For example smtp+tls://user:password@mail.example.com:587, or smtp+ssl:// with port 465."
        if not url.startswith(_MAIL_SERVERS):
            raise ImproperlyConfigured(f"{name} must begin with {', '.join(_MAIL_SERVERS)}. {example}")
        try:
            found: dict[str, Any] = environ.Env.email_url_config(url)
        except (ValueError, KeyError):
            raise ImproperlyConfigured(f"{name} is not a mail server's address. {example}") from None
        if not found.get("EMAIL_HOST"):
            raise ImproperlyConfigured(f"{name} names no mail server. {example}")
        return found


def host_of(url: str) -> list[str]:
    """The host of a web address, as ALLOWED_HOSTS spells it; nothing for what is none (portal.E004 tells of it)."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return []
    return [f"[{host}]" if ":" in host else host] if host else []
