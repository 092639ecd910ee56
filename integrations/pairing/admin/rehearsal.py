"""Trying a pairing on the last events that came: what it would have changed. Nothing is stored or sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from integrations.pairing.models import ConsentMapping, Pairing
from integrations.pairing.registry import is_known
from integrations.pairing.standing import Verdict
from integrations.pairing.trial import FEWEST, MOST, Difference, Trial, trial
from portal.admin.dialogs import DialogForm, dialog, result
from portal.admin.rights import row
from portal.sentences import told
from portal.tenancy import Action


class TrialForm(DialogForm):
    events = forms.IntegerField(
        label=_("How many of the last events"), min_value=FEWEST, max_value=MOST, initial=100,
        widget=UnfoldAdminIntegerFieldWidget, help_text=_("10 to 500."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        pairing = row(self.request, Pairing, self.object_id, Action.CONFIGURE)
        if not (is_known(pairing.consents) and is_known(pairing.profiles)):
            self.add_error("events", _t("A connection of this pairing is gone."))
        return cleaned


@dataclass(frozen=True)
class Shown:
    difference: Difference
    decided: str


class TrialDialog:
    """Of the pairing's admin."""

    @dialog(
        label=_("Try it"), needs=Action.CONFIGURE, form=TrialForm, icon="science",
        title=_("Try this pairing on events that came?"),
        description=_("It says what would have changed in the other system, and for whom. Nothing is changed."),
    )  # fmt: skip
    def try_out(self, request: HttpRequest, form: TrialForm, pairing: Pairing) -> HttpResponse:
        found = trial(pairing, form.cleaned_data["events"])
        context = {
            "trial": found, "said": summary(found), "done_url": self.change_url(pairing),
            "skipped": [(told(sentence), number) for sentence, number in found.skipped],
            "unread": [(told(sentence), number) for sentence, number in found.unread],
            "first": [Shown(each, _decided(each)) for each in found.first],
        }  # fmt: skip
        return result(request, "admin/pairing/trial.html", context)


def summary(found: Trial) -> str:
    """“It would have subscribed 12, unsubscribed 3 and left 40 alone.”"""
    if not found.events:
        return _t("No event came yet, so there is nothing to try it on.")
    said = _t("It would have subscribed %(on)d, unsubscribed %(off)d and left %(alone)d alone.") % {
        "on": found.subscribed, "off": found.unsubscribed, "alone": found.untouched,
    }  # fmt: skip
    if found.held:
        held = ngettext("%(held)d would wait for review.", "%(held)d would wait for review.", found.held)
        said += f" {held % {'held': found.held}}"
    return said


def _decided(each: Difference) -> str:
    policy = dict(ConsentMapping.Policy.choices)[each.policy]
    if each.verdict is Verdict.HELD:
        return _t("is held for review")
    if each.verdict is Verdict.OVERRULED:
        return _t("stays: %(policy)s") % {"policy": policy}
    return _t("is written")
