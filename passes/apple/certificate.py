"""Whether passes may be signed with a certificate: all that iOS refuses without telling anybody, each in a sentence.

What a pass certificate looks like: https://developer.apple.com/documentation/walletpasses/building-a-pass
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from passes.apple.authorities import is_apples, is_authority, issuer_of, known, subject
from passes.apple.upload import PrivateKey, Upload, key_pem, pem_of
from passes.certificates import SOON_DAYS

PASS_TYPE_EXTENSION = x509.ObjectIdentifier("1.2.840.113635.100.6.1.16")
# Seen in certificates named “Pass Type ID with NFC”; Apple does not document it.
NFC_EXTENSION = x509.ObjectIdentifier("1.2.840.113635.100.6.1.26")


@dataclass(frozen=True)
class Facts:
    """What a certificate says of itself. `push`: whether it opens Apple's push service."""

    pass_type_identifier: str
    team_identifier: str
    organization: str
    serial: str
    starts_at: datetime
    ends_at: datetime
    issuer: str
    nfc: bool
    push: bool


@dataclass(frozen=True)
class Wanted:
    """What the certificate must be for; empty for whatever it says itself."""

    pass_type_identifier: str = ""
    team_identifier: str = ""


@dataclass(frozen=True)
class Signer:
    """What signs passes: a certificate, its key, and Apple's intermediate that issued it."""

    leaf: x509.Certificate
    key: PrivateKey
    issuer: x509.Certificate

    def columns(self) -> dict[str, str]:
        """PEM texts by the names of their columns."""
        return {
            "certificate": pem_of(self.leaf),
            "private_key": key_pem(self.key),
            "intermediate": pem_of(self.issuer),
        }


@dataclass(frozen=True)
class Verdict:
    """A signer, or the problems that stand in its way. Remarks are shown, and stop nothing."""

    signer: Signer | None = None
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def facts(certificate: x509.Certificate) -> Facts:
    return Facts(
        pass_type_identifier=subject(certificate, NameOID.USER_ID),
        team_identifier=subject(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME),
        organization=subject(certificate, NameOID.ORGANIZATION_NAME),
        serial=f"{certificate.serial_number:X}",
        starts_at=certificate.not_valid_before_utc,
        ends_at=certificate.not_valid_after_utc,
        issuer=_issuer_name(certificate),
        nfc=_has(certificate, NFC_EXTENSION) or "with NFC" in subject(certificate),
        push=_may_push(certificate),
    )


def judge(upload: Upload, wanted: Wanted, *, rehearsal: bool, now: datetime | None = None) -> Verdict:
    """All that is wrong with it, at once. In a `rehearsal` certificates of other authorities than Apple's are taken."""
    now = now or datetime.now(UTC)
    leaf, key = _pair(upload)
    if leaf is None:
        return Verdict(problems=upload.problems or (_no_leaf(upload),))
    issuer = issuer_of(leaf, [*upload.certificates, *known()])
    problems = (
        *upload.problems,
        *_key_problems(leaf, key, upload),
        *_identity_problems(facts(leaf), leaf, wanted),
        *_time_problems(leaf, now),
        *_chain_problems(leaf, issuer, now, rehearsal=rehearsal),
    )
    if problems or key is None or issuer is None:
        return Verdict(problems=problems)
    return Verdict(Signer(leaf, key, issuer), remarks=tuple(_remarks(leaf, issuer, now)))


def _pair(upload: Upload) -> tuple[x509.Certificate | None, PrivateKey | None]:
    """The certificate and its key. Without a match, the newest certificate and any key, to say what is wrong."""
    leaves = [each for each in upload.certificates if not is_authority(each)]
    leaves.sort(key=lambda each: each.not_valid_before_utc, reverse=True)
    for leaf in leaves:
        for key in upload.keys:
            if leaf.public_key() == key.public_key():
                return leaf, key
    return next(iter(leaves), None), next(iter(upload.keys), None)


def _no_leaf(upload: Upload) -> str:
    if any(each.subject == each.issuer for each in upload.certificates):
        return _("This certificate was made by its owner, not by Apple. Ask Apple for one of your pass type.")
    if upload.certificates:
        return _("This is Apple's own intermediate certificate. Add the one that Apple made for your pass type.")
    if upload.keys:
        return _("This is a private key alone. Add the certificate (.cer) that Apple made for it.")
    return _("Choose the file of the certificate, or paste its text.")


def _key_problems(leaf: x509.Certificate, key: PrivateKey | None, upload: Upload) -> Iterator[str]:
    if key is None:
        if not upload.problems:
            yield _(
                "The private key is missing, and no request made here waits for this certificate. Export both from "
                "the keychain as one .p12 file, or add the key."
            )
    elif leaf.public_key() != key.public_key():
        yield _("The private key does not belong to the certificate. Use the key whose request went to Apple.")


def _identity_problems(found: Facts, leaf: x509.Certificate, wanted: Wanted) -> Iterator[str]:
    named = {"found": found.pass_type_identifier, "wanted": wanted.pass_type_identifier}
    if not found.pass_type_identifier.startswith("pass."):
        said = _("“%(name)s” is not a certificate for passes. At Apple, make one for a Pass Type ID.")
        yield said % {"name": subject(leaf) or found.issuer}
        return
    if wanted.pass_type_identifier not in ("", found.pass_type_identifier):
        yield _("The certificate is for %(found)s, not for %(wanted)s. Ask Apple for one of %(wanted)s.") % named
    if _marked_type(leaf) not in ("", found.pass_type_identifier):
        yield _("The certificate names two pass types, %(found)s and %(other)s. Ask Apple for a new one.") % {
            **named, "other": _marked_type(leaf),
        }  # fmt: skip
    if not found.team_identifier:
        yield _("The certificate names no team. Ask Apple for one of your pass type.")
    elif wanted.team_identifier not in ("", found.team_identifier):
        said = _("The certificate is of team %(found)s, not of %(wanted)s. Sign in to the right team at Apple.")
        yield said % {"found": found.team_identifier, "wanted": wanted.team_identifier}
    if not found.push:
        yield _("The certificate does not open Apple's push service. Ask Apple for one of your pass type.")


def _time_problems(leaf: x509.Certificate, now: datetime) -> Iterator[str]:
    if now < leaf.not_valid_before_utc:
        said = _("The certificate is not valid before %(day)s. Add it then.")
        yield said % {"day": _day(leaf.not_valid_before_utc)}
    if now > leaf.not_valid_after_utc:
        said = _("The certificate ended on %(day)s. Ask Apple for a new one of this pass type.")
        yield said % {"day": _day(leaf.not_valid_after_utc)}


def _chain_problems(
    leaf: x509.Certificate, issuer: x509.Certificate | None, now: datetime, *, rehearsal: bool
) -> Iterator[str]:
    if leaf.subject == leaf.issuer:
        yield _("This certificate was made by its owner, not by Apple. Ask Apple for one of your pass type.")
    elif issuer is None:
        yield _unknown_issuer(leaf)
    elif not rehearsal and not is_apples(issuer):
        said = _("The certificate was made by “%(issuer)s”, not by Apple: iPhones would refuse the passes.")
        yield said % {"issuer": subject(issuer)}
    elif now > issuer.not_valid_after_utc:
        said = _(
            "Apple's intermediate certificate ended on %(day)s. Ask Apple for a new certificate of this pass type."
        )
        yield said % {"day": _day(issuer.not_valid_after_utc)}


def _unknown_issuer(leaf: x509.Certificate) -> str:
    name = _issuer_name(leaf)
    if "Apple Worldwide Developer Relations" in name:
        said = _(
            "The certificate was made by “%(issuer)s”, which is not known here. Get that intermediate certificate at "
            "apple.com/certificateauthority and add it below."
        )
    else:
        said = _("The certificate was made by “%(issuer)s”, not by Apple: iPhones would refuse the passes.")
    return said % {"issuer": name}


def _remarks(leaf: x509.Certificate, issuer: x509.Certificate, now: datetime) -> Iterator[str]:
    days = (leaf.not_valid_after_utc - now).days
    if days <= SOON_DAYS:
        said = ngettext("It ends in %(n)d day: ask Apple for the next one soon.",
                        "It ends in %(n)d days: ask Apple for the next one soon.", days)  # fmt: skip
        yield said % {"n": days}
    if not is_apples(issuer):
        yield _("Apple did not make it: it serves rehearsals only.")


def _issuer_name(certificate: x509.Certificate) -> str:
    """With the generation that tells Apple's intermediates apart: “Apple Worldwide Developer Relations …, G4”."""
    wanted = (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)
    parts = [str(each.value) for oid in wanted for each in certificate.issuer.get_attributes_for_oid(oid)]
    return ", ".join(parts) or certificate.issuer.rfc4514_string()


def _marked_type(leaf: x509.Certificate) -> str:
    """The pass type that Apple's extension names: a DER string."""
    for each in leaf.extensions:
        if each.oid == PASS_TYPE_EXTENSION and isinstance(each.value, x509.UnrecognizedExtension):
            return each.value.value[2:].decode(errors="replace")
    return ""


def _may_push(leaf: x509.Certificate) -> bool:
    """Certificates that name no usage may be used for anything."""
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage


def _has(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> bool:
    return any(each.oid == oid for each in certificate.extensions)


def _day(moment: datetime) -> str:
    return date_format(moment, "j M Y")
