from portal.models.access import ApiKey, OAuthClient, RefusedCall, Scope
from portal.models.change import Change
from portal.models.customer import Customer, Identity
from portal.models.event import Attempt, Event, Heart, Lane
from portal.models.tenant import Membership, Tenant

__all__ = [
    "ApiKey",
    "Attempt",
    "Change",
    "Customer",
    "Event",
    "Heart",
    "Identity",
    "Lane",
    "Membership",
    "OAuthClient",
    "RefusedCall",
    "Scope",
    "Tenant",
]
