"""The demo tenant: made at the first start, reused at the next; addresses follow the ports of each start."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from django.conf import settings
from django.contrib.auth import get_user_model

from integrations.actito import rereading, scenarios, structure
from integrations.actito.models import ActitoConnection, AttributeMapping, ParameterMapping
from integrations.demo import artwork, consents, pairing
from integrations.demo.people import ACTITO_KEY, ENTITY, POINTS, TABLE
from integrations.demo.processes import HOST, Ports
from integrations.mapping import ValueType
from integrations.pairing.models import Pairing
from passes.design import design_of
from passes.models import AppleCredentials, GoogleIssuer, PassTemplate, TemplateField, TemplateImage, TemplateText
from portal.access import check_key, make_key
from portal.models import Membership, Scope, Tenant
from portal.tenancy import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

SLUG, USERNAME = "demo", "demo"
COLOUR = "#1F6F54"
ISSUER = "3388000000000000001"
PASS_TYPE, TEAM, BRAND = "pass.example.verdi.loyalty", "SANDBOX123", "Verdi"

_MAPPINGS = (
    ("attributes", "firstName", "first_name", ValueType.TEXT),
    ("attributes", "lastName", "last_name", ValueType.TEXT),
    ("attributes", POINTS, "points", ValueType.NUMBER),
    ("attributes", "tier", "tier", ValueType.TEXT),
    ("attributes", "customerId", "card_number", ValueType.TEXT),
    ("attributes", "birthDate", "birthday", ValueType.DATE),
    ("subscriptions", "Newsletter", "newsletter", ValueType.YES_NO),
)
_PARAMETERS = (
    ("points", "points", ValueType.NUMBER, ParameterMapping.Mode.SET),
    ("bonus", "points", ValueType.NUMBER, ParameterMapping.Mode.ADD),
    ("tier", "tier", ValueType.TEXT, ParameterMapping.Mode.SET),
)
_FIELDS = (
    # place, key, label, expression, change message
    ("header", "points", "Points", "{{ points }}", "You now have %@ points"),
    ("secondary", "member", "Member", "{{ first_name }} {{ last_name }}", ""),
    ("auxiliary", "tier", "Tier", "{{ tier }}", "Welcome to %@"),
    ("auxiliary", "number", "Card number", "{{ card_number }}", ""),
    ("back", "terms", "How it works", "One point for each euro. 100 points are worth 5 euros.", ""),
)
_TEXTS = {
    "fr": {
        "Points": "Points", "Member": "Membre", "Tier": "Statut", "Card number": "Numéro de carte",
        "How it works": "Comment ça marche", "You now have %@ points": "Vous avez maintenant %@ points",
        "Welcome to %@": "Bienvenue au niveau %@",
        "One point for each euro. 100 points are worth 5 euros.": "Un point par euro. 100 points valent 5 euros.",
        "Loyalty card of Verdi": "Carte de fidélité Verdi",
    },
    "nl": {
        "Points": "Punten", "Member": "Lid", "Tier": "Status", "Card number": "Kaartnummer",
        "How it works": "Zo werkt het", "You now have %@ points": "U hebt nu %@ punten",
        "Welcome to %@": "Welkom bij %@",
        "One point for each euro. 100 points are worth 5 euros.": "Eén punt per euro. 100 punten zijn 5 euro waard.",
        "Loyalty card of Verdi": "Klantenkaart van Verdi",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Demo:
    """What the tour and the reader of var/demo.json need."""

    tenant: Tenant
    owner: AbstractUser
    connection: ActitoConnection
    pairing: Pairing
    template: PassTemplate
    api_key: str
    didomi_key: str
    password: str
    actito_url: str
    phones_url: str
    google_url: str
    didomi_url: str
    base_url: str
    moved: bool  # whether the portal's address is another than at the last start, so that cards must be added again


def state_file() -> Path:
    return Path(settings.VAR_DIR) / "demo.json"


def read_state() -> dict[str, Any]:
    """What an earlier start wrote; empty when there was none, or it is damaged."""
    try:
        found = json.loads(state_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_state(state: dict[str, Any]) -> None:
    path = state_file()
    draft = path.with_suffix(".tmp")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    os.replace(draft, path)


def seed(ports: Ports) -> Demo:
    """Makes what is missing of the demo tenant and points it at this start's sandbox."""
    state = read_state()
    actito_url, phones_url = f"http://{HOST}:{ports.actito}", f"http://{HOST}:{ports.phones}"
    google_url, didomi_url = f"http://{HOST}:{ports.google}", f"http://{HOST}:{ports.didomi}"
    tenant, _ = Tenant.objects.get_or_create(slug=SLUG, defaults={"name": BRAND, "colour": COLOUR})
    owner, password = _owner(tenant, state)
    connection = _connection(tenant, actito_url)
    scenarios.ask(connection)
    structure.ask(connection)
    apple = _apple(tenant, phones_url, f"https://{HOST}:{ports.apns}")
    template = _template(tenant, apple, _google(tenant, google_url))
    api_key = _api_key(tenant, connection, state)
    base_url = ports.base_url()
    didomi_key = consents.connect(tenant, didomi_url, base_url, str(state.get("didomi", {}).get("webhook_key", "")))
    moved = state.get("base_url") != base_url
    urls = (actito_url, phones_url, google_url, didomi_url, base_url)
    paired = pairing.prepare(tenant, connection)
    return Demo(tenant, owner, connection, paired, template, api_key, didomi_key, password, *urls, moved)


def _owner(tenant: Tenant, state: dict[str, Any]) -> tuple[AbstractUser, str]:
    user, _ = get_user_model().objects.get_or_create(username=USERNAME, defaults={"email": f"{USERNAME}@example.com"})
    password = str(state.get("admin", {}).get("password") or secrets.token_urlsafe(9))
    if not user.check_password(password):
        user.set_password(password)
        user.save()
    Membership.objects.get_or_create(tenant=tenant, user=user, defaults={"role": Role.OWNER})
    return user, password


def _connection(tenant: Tenant, actito_url: str) -> ActitoConnection:
    connection = ActitoConnection.objects.for_tenant(tenant).first() or ActitoConnection(tenant=tenant)
    connection.name, connection.host, connection.licence = "Actito (sandbox)", actito_url, "sandbox"
    connection.path_style = ActitoConnection.PathStyle.CATEGORISED
    connection.entity, connection.table, connection.api_key = ENTITY, TABLE, ACTITO_KEY
    connection.save()
    for part, attribute, name, kind in _MAPPINGS:
        AttributeMapping.objects.get_or_create(
            connection=connection, value_name=name, defaults={"part": part, "attribute": attribute, "value_type": kind}
        )
    for parameter, name, kind, mode in _PARAMETERS:
        ParameterMapping.objects.get_or_create(
            connection=connection, parameter=parameter, defaults={"value_name": name, "value_type": kind, "mode": mode}
        )
    return connection


def _apple(tenant: Tenant, phones_url: str, apns_url: str) -> AppleCredentials:
    apple = AppleCredentials.objects.for_tenant(tenant).first()
    if apple is None:
        wanted = {"pass_type_identifier": PASS_TYPE, "team_identifier": TEAM, "organization": BRAND}
        issued = requests.post(f"{phones_url}/certificates", json=wanted, timeout=30).json()
        apple = AppleCredentials(
            tenant=tenant,
            name="Sandbox certificate",
            pass_type_identifier=PASS_TYPE,
            team_identifier=TEAM,
            certificate=issued["certificate_pem"],
            private_key=issued["private_key_pem"],
            intermediate=issued["intermediate_pem"],
            apns_authority=requests.get(f"{phones_url}/certificates/root", timeout=10).text,
        )
    apple.apns_url = apns_url
    apple.save()
    return apple


def _google(tenant: Tenant, google_url: str) -> GoogleIssuer:
    """The key file names the address that gives its tokens, so another address takes another key."""
    issuer = GoogleIssuer.objects.for_tenant(tenant).first()
    if issuer is None or issuer.api_url != google_url:
        wanted = {"issuer_id": ISSUER, "name": BRAND}
        file = requests.post(f"{google_url}/_sandbox/keys", json=wanted, timeout=30).json()
        issuer = issuer or GoogleIssuer(tenant=tenant, name="Sandbox issuer", issuer_id=ISSUER)
        issuer.key_file, issuer.client_email = json.dumps(file), file["client_email"]
        issuer.api_url = issuer.save_url = google_url
        issuer.save()
    return issuer


def _template(tenant: Tenant, apple: AppleCredentials, google: GoogleIssuer) -> PassTemplate:
    template = PassTemplate.objects.for_tenant(tenant).filter(name="Loyalty card").first()
    if template:
        return template
    template = PassTemplate.objects.create(
        tenant=tenant,
        name="Loyalty card",
        kind=PassTemplate.Kind.CUSTOMER_CARD,
        issue=PassTemplate.Issue.EVERY_CUSTOMER,
        apple=apple,
        google=google,
        organization_name=BRAND,
        description="Loyalty card of Verdi",
        logo_text=BRAND,
        background_colour=COLOUR,
        text_colour="#FFFFFF",
        label_colour="#D6ECE0",
        barcode_format=PassTemplate.BarcodeFormat.QR,
        barcode_message="{{ card_number }}",
    )
    for position, (place, key, label, expression, message) in enumerate(_FIELDS):
        TemplateField.objects.create(
            template=template, position=position, place=place, key=key, label=label, expression=expression,
            change_message=message, format=TemplateField.Format.NUMBER if key == "points" else "",
        )  # fmt: skip
    for language, texts in _TEXTS.items():
        for text, translation in texts.items():
            TemplateText.objects.create(template=template, language=language, text=text, translation=translation)
    for (role, scale), data in artwork.images().items():
        TemplateImage.objects.create(template=template, role=role, scale=scale, data=data)
    template.published = design_of(template)
    template.save()
    return template


def _api_key(tenant: Tenant, connection: ActitoConnection, state: dict[str, Any]) -> str:
    kept = str(state.get("api_key", ""))
    if check_key(kept, tenant.slug):
        return kept
    return make_key(tenant, "Actito (sandbox)", [Scope.ACTITO_LISTENER], bound_to=connection.source)[1]


def read_everyone(demo: Demo, profile_ids: list[int]) -> int:
    """Asks for each profile that is not a customer yet, as its CREATE webhook would have. Returns how many."""
    known = set(demo.connection.profiles().values_list("value", flat=True))
    missing = [profile for profile in profile_ids if str(profile) not in known]
    for profile in missing:
        rereading.ask(demo.connection, str(profile))
    return len(missing)
