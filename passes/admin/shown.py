"""A certificate in the words and colours of the admin's pages."""

from __future__ import annotations

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext

from passes.apple.certificate import Facts, facts
from passes.certificates import SOON_DAYS, URGENT_DAYS, days_left, parsed
from portal.admin.chips import chip


def known_facts(certificate: str) -> Facts | None:
    read_in = parsed(certificate)
    return facts(read_in) if read_in else None


def days_chip(certificate: str) -> SafeString:
    days = days_left(certificate)
    if days is None:
        return chip("bad", _t("Cannot be read"))
    if days < 0:
        return chip("bad", _t("Expired"))
    said = ngettext("%(n)d day left", "%(n)d days left", days) % {"n": days}
    return chip("bad" if days <= URGENT_DAYS else "warn" if days <= SOON_DAYS else "good", said)


def nfc_words(certificate: str) -> str:
    found = known_facts(certificate)
    return _said(found and found.nfc, _t("Passes may be read by NFC"), _t("Not for passes with NFC"))


def push_words(certificate: str) -> str:
    found = known_facts(certificate)
    return _said(found and found.push, _t("Opens Apple's push service"), _t("Does not open Apple's push service"))


def _said(known: bool | None, yes: str, no: str) -> str:
    return "–" if known is None else yes if known else no
