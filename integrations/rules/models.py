from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.rules.holding import ALONE, OF_PASSES, Answered, Holder
from integrations.rules.registry import actions, triggers
from passes.conditions import CONTAINS, EMPTY, EQUALS, FILLED, GREATER, IS_NOT, LESS
from passes.models import PassTemplate
from passes.models.validators import field_key
from portal.sentences import SentenceField
from portal.tenancy import TenantModel, TenantQuerySet


def known_trigger(name: str) -> None:
    if name not in triggers():
        raise ValidationError(_("This portal does not know this beginning of a rule."))


def known_action(name: str) -> None:
    if name not in actions():
        raise ValidationError(_("This portal does not know this end of a rule."))


ONCE = -1  # of a cooldown: a customer meets the rule once in a lifetime
DAYS_MOST = 3650


class Rule(TenantModel):
    """When something happens to a customer, and conditions hold, then something is done. See integrations.rules."""

    class Direction(models.TextChoices):
        UP = "up", _("rises to it, or above")
        DOWN = "down", _("falls below it")

    class Side(models.TextChoices):
        BEFORE = "before", _("before")
        AFTER = "after", _("after")

    class Cooldown(models.IntegerChoices):
        NONE = 0, _("as often as it happens")
        HOUR = 1, _("once an hour")
        DAY = 24, _("once a day")
        WEEK = 168, _("once a week")
        MONTH = 720, _("once in 30 days")
        YEAR = 8760, _("once a year")
        ONCE = ONCE, _("only once")

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
                               verbose_name=_("tenant"))  # fmt: skip
    name = models.CharField(_("name"), max_length=100)
    position = models.PositiveIntegerField(_("place"), default=1, editable=False)
    active = models.BooleanField(_("on"), default=False, editable=False)
    # What happened before was no business of the rule's.
    on_since = models.DateTimeField(_("on since"), null=True, editable=False)

    trigger = models.CharField(_("what happens"), max_length=40, validators=[known_trigger])
    template = models.ForeignKey(
        PassTemplate, verbose_name=_("of the template"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="+", help_text=_("Empty: any template."),
    )  # fmt: skip
    value_name = models.CharField(_("value"), max_length=40, blank=True, default="", validators=[field_key],
                                  help_text=_("Its name, as in the mapping: for example points."))  # fmt: skip
    direction = models.CharField(_("crosses"), max_length=5, choices=Direction.choices, blank=True,
                                 default=Direction.UP)  # fmt: skip
    compared = models.CharField(_("compared with"), max_length=200, blank=True, default="",
                                help_text=_("A text, a number, or a date such as 2027-03-31."))  # fmt: skip
    days = models.PositiveSmallIntegerField(_("days"), default=0, blank=True, validators=[MaxValueValidator(DAYS_MOST)],
                                            help_text=_("0: on the day itself."))  # fmt: skip
    side = models.CharField(_("before or after"), max_length=6, choices=Side.choices, blank=True, default=Side.BEFORE)
    yearly = models.BooleanField(_("every year"), default=False,
                                 help_text=_("For birthdays: the year of the date does not count."))  # fmt: skip
    hour = models.PositiveSmallIntegerField(
        _("at what hour"), default=9, blank=True, validators=[MaxValueValidator(23)],
        help_text=_("0 to 23, in your time zone. It begins then."),
    )  # fmt: skip
    # The last day for which customers were looked for, of rules that wait for a date.
    looked_until = models.DateField(null=True, editable=False)

    any_condition = models.BooleanField(
        _("one condition is enough"), default=False, help_text=_("Otherwise all of them must hold.")
    )
    action = models.CharField(_("what is done"), max_length=40, validators=[known_action])
    params = models.JSONField(_("with"), default=dict, blank=True)
    cooldown = models.IntegerField(
        _("for one customer"), choices=Cooldown.choices, default=Cooldown.DAY,
        help_text=_("What happens in between starts nothing for this customer."),
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="rule_name")]
        indexes = [models.Index(fields=["tenant", "active", "trigger"], name="rule_waiting")]

    def __str__(self) -> str:
        return self.name


class RuleCondition(models.Model):
    """What must hold of a customer's value, consent or passes: see integrations.rules.holding."""

    class Operator(models.TextChoices):
        EQUALS = EQUALS, _("is")
        IS_NOT = IS_NOT, _("is not")
        GREATER = GREATER, _("is greater, or later, than")
        LESS = LESS, _("is less, or earlier, than")
        CONTAINS = CONTAINS, _("contains")
        FILLED = FILLED, _("is known")
        EMPTY = EMPTY, _("is empty")
        ON_PHONE = Holder.ON_PHONE.value, _("pass is on a phone")
        NOT_ON_PHONE = Holder.NOT_ON_PHONE.value, _("pass is on no phone")
        VALID = Holder.VALID.value, _("pass is made and valid")
        NONE = Holder.NONE.value, _("pass was never made")
        CONSENT_GIVEN = Answered.GIVEN.value, _("consent is given")
        CONSENT_NOT_GIVEN = Answered.NOT_GIVEN.value, _("consent is not given")
        CONSENT_REFUSED = Answered.REFUSED.value, _("consent is refused")

    tenant_path: ClassVar[str | None] = "rule__tenant"

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="conditions")
    name = models.CharField(_("value"), max_length=40, blank=True, default="", validators=[field_key],
                            help_text=_("Its name, as in the mapping: for example tier."))  # fmt: skip
    template = models.ForeignKey(
        PassTemplate, verbose_name=_("pass of"), null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text=_("Empty: any template."),
    )  # fmt: skip
    operator = models.CharField(_("condition"), max_length=20, choices=Operator.choices, default=Operator.EQUALS)
    value = models.CharField(_("compared with"), max_length=200, blank=True, default="",
                             help_text=_("A text, a number such as 12.5, or a date such as 2027-03-31."))  # fmt: skip

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        ordering = ["id"]

    def __str__(self) -> str:
        about = str(self.template or "") if self.operator in OF_PASSES else self.name
        return f"{about} {self.get_operator_display()} {self.value}".strip()

    def clean(self) -> None:
        """What the operator does not ask for is emptied, since the form hides it."""
        super().clean()
        if self.operator in OF_PASSES:
            self.name = self.value = ""
            return
        self.template = None
        if not self.name:
            raise ValidationError({"name": _("Say which value.")})
        if self.operator in ALONE:
            self.value = ""
        elif not self.value:
            raise ValidationError({"value": _("Say what to compare with.")})


class RuleFiring(TenantModel):
    """A rule that did something for a customer, or could not. Written by integrations.rules.firing alone.

    It stays as long as the customer: a cooldown may be for life.
    """

    personal: ClassVar[bool] = True

    class State(models.TextChoices):
        FIRED = "fired", _("Fired")
        REFUSED = "refused", _("Could not")

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="firings", db_index=False)
    customer = models.ForeignKey("portal.Customer", on_delete=models.CASCADE, related_name="+", db_index=False)
    # What it answered: "event:812", or a date, "2027-03-31". One firing answers it, also when it is replayed.
    occasion = models.CharField(max_length=40)
    chain = models.UUIDField()
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    outcome = SentenceField(_("outcome"), blank=True, default="")
    # Both go with their age; the row stays.
    event = models.ForeignKey("portal.Event", on_delete=models.SET_NULL, null=True, related_name="+")
    effect = models.ForeignKey("portal.Event", on_delete=models.SET_NULL, null=True, related_name="+")
    fired_at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("firing of a rule")
        verbose_name_plural = _("firings of rules")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "customer", "occasion"], name="rule_fires_once_an_occasion")
        ]
        indexes = [
            models.Index(fields=["rule", "-id"], name="rule_firings"),
            models.Index(fields=["rule", "state", "fired_at"], name="rule_fired_lately"),
            models.Index(fields=["customer", "-id"], name="rule_firings_of_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} · {self.customer}"
