"""The message itself, and how its sending ended."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import Enum
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.models import Tenant
from portal.watch.digest import Digest
from portal.watch.trouble import Trouble

log = logging.getLogger(__name__)


class Sent(Enum):
    YES = "yes"
    NO = "no"  # the server did not take it
    PERHAPS = "perhaps"  # the talk broke off after it began


def letter(tenant: Tenant | None, found: Sequence[Trouble], digest: Digest) -> tuple[str, str]:
    """Subject and text, in the language and zone that are active."""
    about = tenant.name if tenant else _("Wallet portal")
    named = {trouble.key: trouble for trouble in found}
    new, still = _those(named, digest.new), _those(named, digest.still)
    shown = {
        "about": about,
        "new": new,
        "still": still,
        "over": digest.over,
        "base": settings.PUBLIC_URL,
        "home": settings.PUBLIC_URL + reverse("admin:index"),
        "settings": settings.PUBLIC_URL + reverse("admin:messages"),
    }
    return " ".join(_subject(about, new, still, digest).split()), render_to_string("mail/digest.txt", shown)


def _those(named: dict[str, Trouble], keys: Iterable[str]) -> list[Trouble]:
    return [named[key] for key in keys if key in named]


def _subject(about: str, new: list[Trouble], still: list[Trouble], digest: Digest) -> str:
    if digest.all_is_well:
        return _("%(about)s: all is well again") % {"about": about}
    if len(new) == 1:
        return f"{about}: {new[0].title}: {new[0].wrong}"
    if new:
        said = ngettext("%(about)s: %(n)d thing is wrong", "%(about)s: %(n)d things are wrong", len(new))
        return said % {"about": about, "n": len(new)}
    left = ngettext("%(about)s: %(n)d thing is still wrong", "%(about)s: %(n)d things are still wrong", len(still))
    return left % {"about": about, "n": len(still)}


def send(subject: str, body: str, to: str) -> Sent:
    connection = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException, ValueError) as error:
        log.error("A mail was not sent (%s).", type(error).__name__)
        return Sent.NO
    try:
        EmailMessage(subject[:200], body, to=[to], connection=connection).send()
    except (SMTPResponseException, SMTPRecipientsRefused, ValueError) as error:  # it said no
        log.error("A mail was not sent (%s).", type(error).__name__)
        return Sent.NO
    except (OSError, SMTPException) as error:
        log.error("It is not known whether a mail was sent (%s).", type(error).__name__)
        return Sent.PERHAPS
    finally:
        with suppress(OSError, SMTPException):
            connection.close()
    return Sent.YES
