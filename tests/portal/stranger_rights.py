"""What it takes to read and to change the rows of each model, said a second time, apart from the admins.

Whoever adds a model need not add it here: what is not listed is read by everybody in the tenant and changed by owners.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Model

from integrations.actito.models import (
    AttributeMapping,
    CustomerImport,
    CustomerImportChunk,
    CustomerImportPart,
    CustomerImportProblem,
    GoneQuestion,
    TableStructure,
    WalletNews,
)
from integrations.pairing.models import ConsentMapping, Pairing
from integrations.rules.models import Rule, RuleCondition, RuleFiring
from passes.models import (
    CardImport,
    CardImportPart,
    CardImportProblem,
    Device,
    MessageCondition,
    MessageLimits,
    MessageReceipt,
    MessageText,
    MessageValue,
    PassMessage,
    PassTemplate,
    TemplateAction,
    TemplateBeacon,
    TemplateCondition,
    TemplateField,
    TemplateImage,
    TemplateLocation,
    TemplateMoment,
    TemplateText,
    UpdateCounter,
    WalletPass,
)
from portal.models import ApiKey, Change, Event, Job, Lane, Membership, OAuthClient, Tenant
from portal.tenancy import ROLE_ACTIONS, Action, Role

ONLY_OWNERS = ROLE_ACTIONS[Role.OWNER] - {
    action for role, actions in ROLE_ACTIONS.items() if role != Role.OWNER for action in actions
}
DOING = frozenset(Action) - {Action.VIEW, Action.AUDIT, Action.EXPORT}

# Models that are not listed take VIEW; an empty set is for superusers alone.
READS: dict[type[Model], frozenset[Action]] = {
    Tenant: frozenset(),
    User: frozenset(),
    Membership: frozenset({Action.AUDIT}),
    ApiKey: frozenset({Action.AUDIT}),
    OAuthClient: frozenset({Action.AUDIT}),
    Change: frozenset({Action.AUDIT}),
}
# Any one of the actions is enough. Models that are not listed take an action that only owners have.
WRITES: dict[type[Model], frozenset[Action]] = {
    Tenant: frozenset(),
    User: frozenset({Action.TEAM}),  # an account is made when a person is added
    PassTemplate: frozenset({Action.CONFIGURE}),
    TemplateField: frozenset({Action.CONFIGURE}),
    TemplateText: frozenset({Action.CONFIGURE}),
    TemplateImage: frozenset({Action.CONFIGURE}),
    TemplateLocation: frozenset({Action.CONFIGURE}),
    TemplateBeacon: frozenset({Action.CONFIGURE}),
    TemplateCondition: frozenset({Action.CONFIGURE}),
    PassMessage: frozenset({Action.CONFIGURE}),
    MessageText: frozenset({Action.CONFIGURE}),
    MessageValue: frozenset({Action.CONFIGURE}),
    MessageCondition: frozenset({Action.CONFIGURE}),
    MessageLimits: frozenset({Action.CONFIGURE}),
    MessageReceipt: frozenset({Action.CONFIGURE}),
    Rule: frozenset({Action.CONFIGURE}),
    RuleCondition: frozenset({Action.CONFIGURE}),
    RuleFiring: frozenset({Action.CONFIGURE}),
    Pairing: frozenset({Action.CONFIGURE}),
    ConsentMapping: frozenset({Action.CONFIGURE}),
    TableStructure: frozenset({Action.CONFIGURE}),
    GoneQuestion: frozenset({Action.OPERATE, Action.CONFIGURE}),
    WalletNews: frozenset({Action.CONFIGURE}),
    TemplateMoment: frozenset({Action.CONFIGURE}),
    TemplateAction: frozenset({Action.CONFIGURE}),
    CardImport: frozenset({Action.CONFIGURE}),
    CardImportPart: frozenset({Action.CONFIGURE}),
    CardImportProblem: frozenset({Action.CONFIGURE}),
    CustomerImport: frozenset({Action.CONFIGURE}),
    CustomerImportChunk: frozenset({Action.CONFIGURE}),
    CustomerImportPart: frozenset({Action.CONFIGURE}),
    CustomerImportProblem: frozenset({Action.CONFIGURE}),
    AttributeMapping: frozenset({Action.CONFIGURE}),
    WalletPass: frozenset({Action.OPERATE, Action.CONFIGURE}),
    Device: frozenset({Action.OPERATE, Action.CONFIGURE}),  # which changes a phone has yet to ask for
    Lane: frozenset({Action.OPERATE, Action.CONNECT}),
    UpdateCounter: frozenset({Action.OPERATE, Action.CONFIGURE}),
    Job: frozenset({Action.OPERATE, Action.CONFIGURE}),
    # What follows from whatever anybody does: its event and its entry in the history.
    Event: DOING,
    Change: DOING | {Action.EXPORT},
}


def may_read(model: type[Model], actions: frozenset[Action]) -> bool:
    return bool(READS.get(model, frozenset({Action.VIEW})) & actions)


def may_write(model: type[Model], actions: frozenset[Action]) -> bool:
    return bool(WRITES.get(model, ONLY_OWNERS) & actions)
