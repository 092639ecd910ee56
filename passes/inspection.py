"""Looks at a template as it is saved: what of its design a wallet would refuse, or leave out."""

from __future__ import annotations

from django.conf import settings

from passes import eligible
from passes.apple import certificate
from passes.apple import lint as apple
from passes.certificates import parsed
from passes.design import design_of
from passes.findings import Facts, Finding
from passes.google import lint as google
from passes.images import inspect_png
from passes.models import AppleCredentials, PassTemplate, TemplateImage, WalletPass
from portal.models import Customer

LOOKED_AT, TRIED = 200, 50


def inspect_template(template: PassTemplate) -> list[Finding]:
    """Errors first. Of a template without a wallet only its conditions are looked at: nobody will see the rest."""
    facts, design = _facts(template), design_of(template)
    found = [*eligible.check(template, facts.known)]
    found += apple.lint(design, facts) if template.apple else []
    found += google.lint(design, facts) if template.google_id else []
    # What is wrong for both wallets is told once.
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity)  # "error" comes before "warning"


def _facts(template: PassTemplate) -> Facts:
    images = {
        image.file_name: inspect_png(bytes(image.data)) for image in TemplateImage.objects.filter(template=template)
    }
    customers = Customer.objects.for_tenant(template.tenant_id).order_by("-pk").values_list("values", flat=True)
    passes = WalletPass.objects.filter(template=template, tenant_id=template.tenant_id).order_by("-pk")
    newest = list(customers[:LOOKED_AT])
    known = {name for values in [*newest, *passes.values_list("values", flat=True)[:LOOKED_AT]] for name in values}
    reachable = settings.SANDBOX or settings.PUBLIC_URL.startswith("https://")
    return Facts(images, _nfc(template.apple), reachable, known=frozenset(known), samples=newest[:TRIED])


def _nfc(apple: AppleCredentials | None) -> bool | None:
    read_in = parsed(apple.certificate) if apple else None
    try:
        return certificate.facts(read_in).nfc if read_in else None
    except ValueError:
        return None
