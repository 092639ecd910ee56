"""Addresses for the public. They are signed, so nobody makes one up, and say nothing of the customer.

A token is `what.signature`, or `what-20271231.signature` for a link that works until the end of that day (UTC).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils import timezone

from passes.models import PassTemplate, WalletPass
from portal.models import Customer
from portal.secrets import Ciphertext, SecretError, decrypt, encrypt

_OF_PASS = Signer(salt="passes.link", sep=".")
_OF_ALL = Signer(salt="passes.link.all", sep=".")
_TO_GET = Signer(salt="passes.link.get", sep=".")
_TO_JOIN = Signer(salt="passes.link.join", sep=".")
_TO_CONFIRM = Signer(salt="passes.link.confirm", sep=".")
_CONFIRM_DAYS = 1


@dataclass(frozen=True)
class Read:
    """What a token stands for, and whether its days are over."""

    what: str
    expired: bool


def link(wallet_pass: WalletPass) -> str:
    """The address of the pass's page."""
    return page_of(token_of(wallet_pass))


def google_link(wallet_pass: WalletPass) -> str | None:
    """The address that leads to Google's save page once Google has the pass; None where it never will."""
    return _address("pass-google", token_of(wallet_pass)) if wallet_pass.template.google_id else None


def page_of(token: str) -> str:
    """The address that holds this token. A page that shows its own address makes no link that lasts longer."""
    return _address("pass-page", token)


def token_of(wallet_pass: WalletPass) -> str:
    return _token(_OF_PASS, wallet_pass.serial_number.hex, wallet_pass.template)


def link_to_all(wallet_pass: WalletPass) -> str:
    """The address of all valid passes of the same customer. Who has the link of one pass cannot make it."""
    return _address("pass-collection", _token(_OF_ALL, wallet_pass.serial_number.hex, wallet_pass.template))


def link_to_get(template: PassTemplate, customer: Customer) -> str:
    """The address on which this customer gets their pass of the template; nothing is made before."""
    return _address("pass-get", _token(_TO_GET, f"{template.pk}_{customer.pk}", template))


def link_to_join(template: PassTemplate) -> str:
    """The address on which strangers ask for a pass: for posters, so it works as long as the template is open."""
    return _address("pass-join", _TO_JOIN.sign(str(template.pk)))


def link_to_confirm(template: PassTemplate, mailbox: str) -> str:
    """The address that shows that a mailbox is somebody's own. It is encrypted: addresses of pages end up in logs."""
    sealed = base64.b64encode(encrypt(mailbox, _bound_to(template.pk)).encode(), altchars=b"~!").decode()
    last = _today() + timedelta(days=_CONFIRM_DAYS)
    return _address("pass-confirm", _TO_CONFIRM.sign(f"{template.pk}_{sealed}-{last:%Y%m%d}"))


def read_link_to_join(token: str) -> Read | None:
    return _read(_TO_JOIN, token)


def read_link_to_confirm(token: str) -> tuple[Read, str] | None:
    """What was read, of which `what` is the template's key, and the mailbox. None also once its key is gone."""
    if (read := _read(_TO_CONFIRM, token)) is None:
        return None
    key, _, sealed = read.what.partition("_")
    try:
        mailbox = decrypt(Ciphertext(base64.b64decode(sealed, altchars=b"~!").decode()), _bound_to(int(key)))
    except SecretError:
        return None
    return Read(key, read.expired), mailbox


def _bound_to(template_id: int) -> str:
    return f"passes.link.confirm:{template_id}"


def read_link(token: str) -> Read | None:
    return _read(_OF_PASS, token)


def read_link_to_all(token: str) -> Read | None:
    return _read(_OF_ALL, token)


def read_link_to_get(token: str) -> Read | None:
    return _read(_TO_GET, token)


def _address(name: str, token: str) -> str:
    return str(settings.PUBLIC_URL) + reverse(name, args=[token])


def _token(signer: Signer, what: str, template: PassTemplate) -> str:
    """The same all day, so that what asks for links again and again finds nothing new."""
    if not template.link_days:
        return signer.sign(what)
    last = _today() + timedelta(days=template.link_days)
    return signer.sign(f"{what}-{last:%Y%m%d}")


def _read(signer: Signer, token: str) -> Read | None:
    """None for what was not signed here."""
    try:
        what, _, last = signer.unsign(token).partition("-")
    except BadSignature:
        return None
    return Read(what, bool(last) and datetime.strptime(last, "%Y%m%d").date() < _today())  # noqa: DTZ007 - a day


def _today() -> date:
    return timezone.now().date()
