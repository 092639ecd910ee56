from portal.models.access import ApiKey, OAuthClient, RefusedCall, Scope, TokenSigningKey
from portal.models.change import Change
from portal.models.consent import ConsentHead, ConsentRecord
from portal.models.customer import Customer, Identity
from portal.models.day import TenantDay
from portal.models.event import Attempt, Event, Heart, Lane
from portal.models.job import Job
from portal.models.periodic import PeriodicTask
from portal.models.pruning import Pruning
from portal.models.sharing import LaneProof, SharedBudget
from portal.models.tenant import Membership, Tenant
from portal.models.watcher import Watcher

__all__ = [
    "ApiKey",
    "Attempt",
    "Change",
    "ConsentHead",
    "ConsentRecord",
    "Customer",
    "Event",
    "Heart",
    "Identity",
    "Job",
    "Lane",
    "LaneProof",
    "Membership",
    "OAuthClient",
    "PeriodicTask",
    "Pruning",
    "RefusedCall",
    "Scope",
    "SharedBudget",
    "Tenant",
    "TenantDay",
    "TokenSigningKey",
    "Watcher",
]
