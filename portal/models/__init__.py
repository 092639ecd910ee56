from portal.models.access import ApiKey, Scope
from portal.models.customer import Customer, Identity
from portal.models.event import Attempt, Event, Heart, Lane
from portal.models.tenant import Membership, Tenant

__all__ = ["ApiKey", "Attempt", "Customer", "Event", "Heart", "Identity", "Lane", "Membership", "Scope", "Tenant"]
