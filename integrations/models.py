"""The models of what spans vendors."""

from integrations.pairing.models import ConsentMapping, ConsentReview, PairedPerson, Pairing
from integrations.rules.models import Rule, RuleCondition, RuleFiring

__all__ = ["ConsentMapping", "ConsentReview", "PairedPerson", "Pairing", "Rule", "RuleCondition", "RuleFiring"]
