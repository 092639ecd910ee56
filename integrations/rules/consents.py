"""Which consents the rules of a tenant may ask for: what vendors offer, and what is to be done where they do not."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from integrations.rules.holding import OF_CONSENT
from integrations.rules.models import Rule
from integrations.rules.registry import consent_sources, trigger_of
from portal.sentences import Sentence, say

CONSENT = "consent"  # the field of forms, and what a kind of trigger asks for; the rule keeps it as its value's name


def choices(tenants: Collection[int]) -> list[tuple[str, str]]:
    """(value, title), each value once: two vendors may fill it."""
    titles: dict[str, list[str]] = {}
    for source in consent_sources():
        for consent in source.offered(tenants):
            titles.setdefault(consent.value_name, []).append(consent.title)
    return sorted((name, ", ".join(sorted(set(said)))) for name, said in titles.items())


def remedies(tenants: Collection[int]) -> SafeString:
    """Links to where consents come from, for the help beside an empty list."""
    links = [source.remedy(tenants) for source in consent_sources()]
    return format_html_join(" · ", '<a href="{1}">{0}</a>', links) if links else format_html("")


def unknown(rule: Rule) -> Sentence:
    """Says which consent of the rule no vendor fills any more; empty where all are."""
    asked = [each.name for each in rule.conditions.all() if each.operator in OF_CONSENT]
    kind = trigger_of(rule)
    if kind and CONSENT in kind.asks:
        asked.insert(0, rule.value_name)
    known = dict(choices([rule.tenant_id])) if asked else {}
    missing = [f"“{name}”" for name in dict.fromkeys(asked) if name not in known]
    if not missing:
        return Sentence()
    return say("Nothing fills the consent %(names)s any more. Map a subscription to it, or choose another consent.",
               names=missing)  # fmt: skip
