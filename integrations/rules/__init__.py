"""Rules: when something happens, and conditions hold, then do something. They know no vendor: docs/rules.md.

Vendors register what they can do (`registry.rule_action`), what they tell of (`registry.rule_trigger`) and
which consents they bring (`registry.rule_consents`).
"""
