"""What a remote account does, in words; setting it going again, and how much it is asked for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from portal import history
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm
from portal.admin.rights import row
from portal.ledger.limits import BURST_SECONDS
from portal.ledger.states import State, state_of
from portal.models import Change, Lane
from portal.sentences import told
from portal.tenancy import Action
from portal.watch import words

MOST_RUNNING, MOST_A_MINUTE = 256, 100_000
LIMITS_SHARED = _(
    "Shared by everything that uses this account: all connections of the licence or pass type, and all workers."
)


def lane_state(lane: Lane) -> SafeString:
    now = timezone.now()
    match state_of(lane, now):
        case State.PAUSED:
            return chip("bad", _t("Paused: %(reason)s") % {"reason": Truncator(told(lane.pause_reason)).chars(90)})
        case State.SILENT:
            said = _t("Does not answer; next try in %(time)s") if lane.not_before > now else _t("Does not answer")
            return chip("bad", said % {"time": words.length((lane.not_before - now).total_seconds())})
        case State.DEFERRED:
            said = _t("Asked us to wait until %(time)s")
            return chip("busy", said % {"time": words.since(lane.not_before)})
        case State.OVER_BUDGET:
            said = _t("The calls of this minute are used up; it goes on in %(time)s")
            left = lane.budget_until - BURST_SECONDS - now.timestamp()
            return chip("busy", said % {"time": words.length(left)})
    return chip("good", _t("Moving"))


def resume_lane(lane_id: int) -> None:
    Lane.objects.filter(pk=lane_id).update(paused_at=None, pause_reason="")


class LimitsForm(DialogForm):
    """For rows that have a lane. Subclasses name their model: the dialog shows what holds now."""

    row_model: type[Model]

    max_running = forms.IntegerField(
        label=_("Calls at the same time"), min_value=1, max_value=MOST_RUNNING, widget=UnfoldAdminIntegerFieldWidget
    )
    calls_per_minute = forms.IntegerField(
        label=_("Calls a minute"), min_value=0, max_value=MOST_A_MINUTE, widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("0 is no limit."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lane = row(self.request, self.row_model, self.object_id, Action.CONNECT).lane
        for name in ("max_running", "calls_per_minute"):
            self.fields[name].initial = getattr(lane, name)


def limits_form(model: type[Model]) -> type[LimitsForm]:
    return type("LimitsForm", (LimitsForm,), {"row_model": model})


def set_limits(request: HttpRequest, account: Any, form: LimitsForm) -> None:
    """Writes the limits of the account's lane, and what they were before into the account's history."""
    wanted = {name: form.cleaned_data[name] for name in ("max_running", "calls_per_minute")}
    with transaction.atomic():
        lane = Lane.objects.select_for_update(no_key=True).get(pk=account.lane_id)
        before = {name: getattr(lane, name) for name in wanted}
        Lane.objects.filter(pk=lane.pk).update(**wanted)
        part, named = f"{lane._meta.label_lower}:{lane.pk}", {history.NAME: str(account)}
        differences = history.difference({"": {}, part: {**named, **before}}, {"": {}, part: {**named, **wanted}})
        if differences:
            history.record(
                account, by=request.user, kind=Change.Kind.DONE, differences=differences,
                sentence=gettext_noop("Limits changed."),
            )  # fmt: skip
