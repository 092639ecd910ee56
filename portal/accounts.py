"""People's accounts: signing in by name, links to a new password, and how long a session lasts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.auth.tokens import default_token_generator
from django.db.models import Q
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from portal.limits import plain_name
from portal.models import Membership


def account_named(name: str) -> User | None:
    """The account with this name, upper and lower case alike. Of several the one spelt exactly so, else the oldest."""
    found = [user for user in User.objects.filter(_spelt("username", name)).order_by("pk") if _is(user.username, name)]
    exact = [user for user in found if user.username == name]
    return next(iter(exact or found), None)


def account_of(address: str) -> User | None:
    """Whose account an e-mail address stands for: the one named by it, else the only active one that has it.

    Accounts that are made on the command line, or for a demo, have a name of another kind.
    """
    if named := account_named(address):
        return named
    having = [
        user for user in User.objects.filter(_spelt("email", address), is_active=True) if _is(user.email, address)
    ]
    return having[0] if len(having) == 1 else None


def _spelt(column: str, name: str) -> Q:
    return Q(**{f"{column}__iexact": name}) | Q(**{f"{column}__iexact": plain_name(name)})


def _is(one: str, other: str) -> bool:
    """Databases differ in which letters they take for the same (PostgreSQL: I and a dotless i). The limits of sign-in
    count by `plain_name`, so nobody may get in by a spelling that it counts as another name."""
    return plain_name(one) == plain_name(other)


class AnyCaseBackend(ModelBackend):
    """Signs in by name and password; the name's case does not matter."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        user = account_named(username)
        if user is None:
            User().set_password(password)  # an unknown name takes as long as a wrong password
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None


def may_enter(user: User) -> bool:
    """Members and superusers; Django's staff flag says nothing here."""
    return user.is_active and (user.is_superuser or Membership.objects.filter(user=user).exists())


def has_joined(membership: Membership) -> bool:
    """Whether the person has signed in since they were added to this team.

    What they did before says whether the account is an old one, and that is no business of this team.
    """
    last: Any = membership.user.last_login
    return bool(last and last > membership.created_at)


def people_to_mail(address: str) -> list[User]:
    """Whose password may be set anew by whoever reads this mailbox."""
    named = _spelt("email", address) | Q(email="") & _spelt("username", address)
    found = [user for user in User.objects.filter(named).order_by("pk") if _is(mailbox_of(user), address)]
    return [user for user in found[:10] if may_enter(user)]


def mailbox_of(user: User) -> str:
    """New accounts are named by their address."""
    return user.email or user.username


def password_link(user: User) -> str:
    """Where the person sets a password; good once, and for PASSWORD_RESET_TIMEOUT.

    PUBLIC_URL and not the request names the host: a forged Host header would send the link's reader elsewhere.
    """
    key = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("admin:password_reset_confirm", args=[key, default_token_generator.make_token(user)])
    return str(settings.PUBLIC_URL) + path


@receiver(user_logged_in)
def end_the_session_on_time(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """A moment, not a length: nothing that is stored in the session later puts the end off."""
    request.session.set_expiry(timezone.now() + timedelta(hours=settings.SESSION_HOURS))
