"""The models of what spans vendors."""

from integrations.rules.models import Rule, RuleCondition, RuleFiring

__all__ = ["Rule", "RuleCondition", "RuleFiring"]
