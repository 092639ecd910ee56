"""E-mail to people of the portal: plain texts, in the language of their tenant."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db import connections
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from portal.accounts import mailbox_of, password_link, people_to_mail
from portal.models import Membership

log = logging.getLogger(__name__)

_outbox = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")


class NotSent(Exception):
    """The server did not take a mail."""


def invite(membership: Membership, by: User) -> None:
    """Tells a person that they are in a team now, with a link to a first password where they have none.

    Raises NotSent.
    """
    user, tenant = membership.user, membership.tenant
    new = not user.has_usable_password()
    shown = {
        "tenant": tenant.name,
        "by": by.get_full_name() or by.get_username(),
        "link": password_link(user) if new else str(settings.PUBLIC_URL) + reverse("admin:login"),
        "name": user.get_username(),
    }
    with translation.override(tenant.language):
        shown["role"] = membership.get_role_display()
        subject = _("%(by)s added you to %(tenant)s") % {"by": shown["by"], "tenant": tenant.name}
        if not send("mail/invited.txt" if new else "mail/added.txt", subject, shown, mailbox_of(user)):
            raise NotSent


def send_reset_links(address: str) -> None:
    """Looks for the accounts and mails them elsewhere than in the request's thread: whether there is an account would
    otherwise show in how long the answer takes, since talking to a mail server takes longer than finding nobody."""
    elsewhere(_send_reset_links, address)


def elsewhere(work: Callable[..., None], *arguments: Any) -> None:
    """Runs what must not show in how long an answer takes."""

    def run() -> None:
        try:
            work(*arguments)
        except Exception as error:
            log.error("A mail was not made (%s in %s).", type(error).__name__, work.__name__)
        finally:
            connections.close_all()  # this thread's own

    _outbox.submit(run)


def _send_reset_links(address: str) -> None:
    for user in people_to_mail(address):
        with translation.override(_language(user)):
            shown = {"link": password_link(user), "name": user.get_username()}
            send("mail/reset.txt", _("A new password for the wallet portal"), shown, mailbox_of(user))


def _language(user: User) -> str:
    languages = Membership.objects.filter(user=user).values_list("tenant__language", flat=True)
    return languages.order_by("pk").first() or settings.LANGUAGE_CODE


def send(template: str, subject: str, shown: dict[str, Any], to: str) -> bool:
    """False, with a line in the log that names nobody, when the server did not take it."""
    message = EmailMessage(" ".join(subject.split()), render_to_string(template, shown), to=[to])
    try:
        message.send()
    except (OSError, ValueError) as error:
        log.error("A mail was not sent (%s).", type(error).__name__)
        return False
    return True
