"""Rows with a lane: what their remote account does, in words; setting it going again, how much it is asked for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from portal import history
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.rights import row
from portal.ledger import lanes
from portal.ledger.limits import BURST_SECONDS
from portal.ledger.states import State, state_of
from portal.models import Change, Lane
from portal.sentences import told
from portal.tenancy import Action
from portal.watch import words

MOST_RUNNING, MOST_A_MINUTE = 256, 100_000


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


def _set_limits(request: HttpRequest, account: Any, form: LimitsForm) -> None:
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


class LaneAdmin:
    """For admins of rows with a lane, which take `resume` and `limits` from the two functions below."""

    list_select_related = ("lane",)

    @display(description=_("State"))
    def state(self, account: Any) -> str:
        return lane_state(account.lane)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        account = self.get_object(request, object_id)
        actions = super().get_actions_detail(request, object_id) if account else []
        paused = account is not None and account.lane.paused_at is not None
        return [action for action in actions if paused or not action.action_name.endswith("_resume")]

    def change_url(self, account: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[account.pk])


def resume_dialog(*, title: Any, description: Any, resumed: Any) -> Any:
    """The action `resume` of a LaneAdmin. `resumed`: what is said when it is done."""

    @dialog(
        label=_("Resume"), needs=Action.OPERATE, title=title, icon="play_arrow", description=description,
        variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def resume(self: LaneAdmin, request: HttpRequest, form: DialogForm, account: Any) -> HttpResponse:
        lanes.resume(account.lane_id)
        self.log_change(request, account, gettext_noop("Resumed."))
        return finished(request, self.change_url(account), resumed)

    return resume


def limits_dialog(model: type[Model]) -> Any:
    """The action `limits` of the model's LaneAdmin."""

    @dialog(
        label=_("Limits"), needs=Action.CONNECT, title=_("Limits of this account"), icon="speed", submit=_("Save"),
        form=type("LimitsOfModel", (LimitsForm,), {"row_model": model}),
        description=_(
            "Shared by everything that uses this account: all connections of the licence or pass type, and all workers."
        ),
    )  # fmt: skip
    def limits(self: LaneAdmin, request: HttpRequest, form: LimitsForm, account: Any) -> HttpResponse:
        _set_limits(request, account, form)
        return finished(request, self.change_url(account), _("These limits hold within seconds."))

    return limits
