"""A pairing of Actito with a consent platform of paper, and people whom Actito knows."""

from __future__ import annotations

from integrations.actito.models import ActitoConnection
from integrations.pairing.models import Pairing
from portal.models import Customer, Tenant
from tests import factories as make
from tests.integrations.pairing import sides

SUBSCRIPTIONS = ["Newsletter", "Promotions", "Catalogue"]


def connected(brand: Tenant) -> ActitoConnection:
    """An Actito connection whose table was read, and which reads the newsletter itself."""
    connection: ActitoConnection = make.ConnectionFactory.make(tenant=brand)
    parts = {
        "attributes": [{"name": "emailAddress", "type": "EMAIL_ADDRESS"}, {"name": "city", "type": "STRING"}],
        "subscriptions": [{"name": name, "type": "BOOLEAN"} for name in SUBSCRIPTIONS],
    }  # fmt: skip
    make.StructureFactory.make(connection=connection, parts=parts)
    make.MappingFactory.make(connection=connection, part="subscriptions", attribute="Newsletter", value_name="news",
                             value_type="yes_no")  # fmt: skip
    make.MappingFactory.make(connection=connection, attribute="city", value_name="home")
    return connection


def paired(brand: Tenant, actito: ActitoConnection, **values: object) -> Pairing:
    didomi = make.DidomiFactory.make(tenant=brand)
    wanted = {"name": "Main", "consents": f"paper:{didomi.pk}", "profiles": actito.source, **values}
    made: Pairing = make.PairingFactory.make(tenant=brand, **wanted)
    make.ConsentMappingFactory.make(pairing=made, target="Newsletter", path=sides.NEWSLETTER)
    make.ConsentMappingFactory.make(pairing=made, target="Promotions", path=sides.PROMOTIONS, policy="hold")
    return made


def known(brand: Tenant, actito: ActitoConnection, key: str, **values: object) -> Customer:
    customer: Customer = make.CustomerFactory.make(tenant=brand, key=key, values=values)
    make.IdentityFactory.make(customer=customer, namespace=f"{actito.source}:key", value=key)
    return customer
