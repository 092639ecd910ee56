"""The people and scenarios in the sandbox's Actito: the same at each first start."""

from __future__ import annotations

from typing import Any

from integrations.actito.sandbox import ActitoSandbox, Attribute
from integrations.didomi.sandbox import DidomiSandbox

ENTITY, TABLE, ACTITO_KEY = "demo", "Profiles", "sandbox-api-key"
POINTS = "loyaltyPoints"
NEWSLETTER, PURPOSE = "Newsletter", "newsletter"  # the subscription in Actito, the purpose in Didomi
COUNT = 25

_FIRST = ["Anna", "Bram", "Chloé", "Daan", "Emma", "Finn", "Giulia", "Hugo", "Inès", "Jef", "Kato", "Liam", "Manon"]
_LAST = ["Peeters", "Janssens", "Maes", "Jacobs", "Dubois", "Lambert", "Claes", "Martin"]
_TIERS = ("Bronze", "Silver", "Gold")
_LANGUAGES = ("EN", "NL", "FR")

ATTRIBUTES = (
    Attribute("emailAddress", unique=True, mandatory=True, type="EMAIL_ADDRESS"),
    Attribute("lastName", type="LASTNAME"),
    Attribute("firstName", type="FIRSTNAME"),
    Attribute("motherLanguage", type="MOTHER_LANGUAGE"),
    Attribute("birthDate", type="BIRTHDATE"),
    Attribute("customerId", unique=True),
    Attribute(POINTS, value_type="INTEGER"),
    Attribute("tier"),
    # For wallet news, so that it can be switched on at once.
    Attribute("walletStatus"),
    Attribute("walletAppleInstalledAt", value_type="TIMESTAMP"),
    Attribute("walletGoogleInstalledAt", value_type="TIMESTAMP"),
    Attribute("walletLastChange", value_type="TIMESTAMP"),
    Attribute("walletLastEvent"),
    Attribute("walletPassLink"),
)
SAID_AT = "2024-03-01T09:00:00Z"
SCENARIOS = (
    {"name": "Welcome to Verdi"},
    {"name": "Birthday offer"},
    {"name": "Points about to expire"},
    {"name": "Autumn tasting", "isActive": False},
    {"name": "Win back after a year", "isStartEventTriggered": False},
)


def seed_actito(sandbox: ActitoSandbox) -> None:
    """Makes the entity, table, key, people and scenarios that are not there yet."""
    sandbox.seed(
        entity=ENTITY,
        table=TABLE,
        api_key=ACTITO_KEY,
        attributes=ATTRIBUTES,
        subscriptions=(NEWSLETTER,),
        profiles=profiles(),
        scenarios=SCENARIOS,
        custom_actions=("updatePass",),
    )


def seed_didomi(sandbox: DidomiSandbox) -> None:
    """At the first start, what the people of Actito said of the newsletter: both know the same."""
    if sandbox.events:
        return
    for person in reversed(profiles()):  # the page begins with who was heard last
        sandbox.say(
            person["emailAddress"], purposes={PURPOSE: person[NEWSLETTER]}, channels={"email": True},
            created_at=SAID_AT, metadata={"source": "sign-up"},
        )  # fmt: skip


def profiles() -> list[dict[str, Any]]:
    """The sandbox's 25 people, the same at each first start."""
    return [
        {
            "emailAddress": f"{first}.{last}@example.com".lower().replace("é", "e").replace("è", "e"),
            "firstName": first,
            "lastName": last,
            "motherLanguage": _LANGUAGES[index % 3],
            "birthDate": f"{1970 + index}-0{1 + index % 9}-1{index % 9}",
            "customerId": f"V{10_000 + 37 * index}",
            POINTS: 120 + 35 * index,
            "tier": _TIERS[index % 3],
            NEWSLETTER: index % 2 == 0,
        }
        for index in range(COUNT)
        for first, last in [(_FIRST[index % len(_FIRST)], _LAST[index % len(_LAST)])]
    ]
