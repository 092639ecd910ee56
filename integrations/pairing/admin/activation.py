"""Switching a pairing on: both systems are compared first, then a person says what becomes of the differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from integrations.pairing import aligning, comparing, report, switching
from integrations.pairing.admin.comparison import ComparisonPage, comparison_url
from integrations.pairing.models import Pairing
from integrations.pairing.registry import profile_side_of, title_of
from integrations.pairing.switching import CannotSwitch
from portal.admin.dialogs import DialogForm, dialog, finished, leads_to
from portal.admin.progress import end_in_sight
from portal.admin.replays import rate_field
from portal.admin.rights import row
from portal.models import Job, Lane
from portal.sentences import told
from portal.tenancy import Action
from portal.watch.words import spaced

Phase, Choice = Pairing.Phase, Pairing.Differences


class CompareForm(DialogForm):
    """Says whom it reads and how long that takes, by the slower of both lanes."""

    form_before_template = "admin/pairing/compare.html"
    rate = rate_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pairing = row(self.request, Pairing, self.object_id, Action.CONFIGURE)
        self.fields["rate"].help_text = _t("Two rows a person. Empty: as fast as both accounts allow.")

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        if problem := switching.obstacle(self.pairing):
            return {"problem": told(problem)}
        people = profile_side_of(self.pairing.profiles).count_people(self.pairing.profiles)
        return {
            "count": spaced(people), "end": slowest(people, comparing.lanes_of(self.pairing) or ()),
            "consents": title_of(self.pairing.consents), "profiles": title_of(self.pairing.profiles),
        }  # fmt: skip


def slowest(people: int, lane_ids: tuple[int, ...]) -> str:
    """“about 8 hours at 100 a minute”: one call a person on each lane. Empty where neither has a limit."""
    limited = Lane.objects.filter(pk__in=lane_ids, calls_per_minute__gt=0).order_by("calls_per_minute")
    return end_in_sight(people, limited.first())


class ChoiceForm(DialogForm):
    """What each choice would change, before one is taken."""

    form_before_template = "admin/pairing/switch_on.html"
    differences = forms.ChoiceField(label=_("Where they differ"), widget=UnfoldAdminRadioSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pairing = row(self.request, Pairing, self.object_id, Action.CONFIGURE)
        offered = switching.choices(self.pairing)
        self.fields["differences"].choices = [(each, Choice(each).label) for each in offered]
        self.fields["differences"].initial = Choice.RESTRICTIVE  # nobody is subscribed by a hasty click

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        if problem := switching.unfinished(self.pairing):
            return {"problem": told(problem)}
        counted = report.found(self.pairing)
        missing = sum(each.count for each in report.missing(self.pairing))
        return {
            "choices": [(Choice(each).label, self._changes(counted, each)) for each in switching.choices(self.pairing)],
            "missing": spaced(missing) if missing else "", "url": comparison_url(self.pairing),
        }  # fmt: skip

    def _changes(self, counted: list[report.Found], choice: str) -> list[report.Planned]:
        return [each for each in report.planned(self.pairing, counted, choice) if each.anything]


class BlindForm(DialogForm):
    """Typed, for it cannot be taken back: what either system had stays unknown."""

    form_before_template = "admin/pairing/blind.html"
    name = forms.CharField(label=_("Name of the pairing"), widget=UnfoldAdminTextInputWidget, max_length=100)

    def clean_name(self) -> str:
        given = str(self.cleaned_data["name"]).strip()
        if given != row(self.request, Pairing, self.object_id, Action.CONFIGURE).name:
            raise forms.ValidationError(_t("Type the pairing's name as it stands on its page."))
        return given


# The dialogs that a phase has; the rest is hidden.
_SHOWN = {
    Phase.DRAFT: {"compare", "switch-on-blind"},
    Phase.COMPARING: {"compare-again", "switch-on", "stop-comparing"},
    Phase.PAUSED: {"compare-again"},
    Phase.ON: {"align-rest"},
}
_ALL = frozenset[str]().union(*_SHOWN.values())


class ActivationDialogs(ComparisonPage):
    """Of the pairing's admin."""

    activation_dialogs = ("compare", "switch_on", "compare_again", "stop_comparing", "switch_on_blind", "align_rest")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        pairing = self.get_object(request, object_id)
        shown = shown_for(pairing) if pairing else set()
        return [each for each in super().get_actions_detail(request, object_id) if each.path not in _ALL - shown]

    @dialog(
        label=_("Switch on"), needs=Action.CONFIGURE, title=_("Compare both systems first?"), form=CompareForm,
        icon="toggle_on", submit=_("Compare"), variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def compare(self, request: HttpRequest, form: CompareForm, pairing: Pairing) -> HttpResponse:
        return self._compare(request, form, pairing)

    @dialog(
        label=_("Compare again"), needs=Action.CONFIGURE, title=_("Compare both systems again?"), form=CompareForm,
        icon="compare_arrows", submit=_("Compare"),
    )  # fmt: skip
    def compare_again(self, request: HttpRequest, form: CompareForm, pairing: Pairing) -> HttpResponse:
        return self._compare(request, form, pairing)

    def _compare(self, request: HttpRequest, form: CompareForm, pairing: Pairing) -> HttpResponse:
        return self._begun(
            request, pairing, gettext_noop("Had both systems compared."),
            lambda: switching.compare(pairing, by=request.user, rate=form.cleaned_data["rate"] or 0),
            comparison_url(pairing), _t("Both systems are compared. Follow it here."),
        )  # fmt: skip

    @dialog(
        label=_("Switch on with …"), needs=Action.CONFIGURE, title=_("Switch this pairing on"), form=ChoiceForm,
        icon="toggle_on", submit=_("Switch on"), variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def switch_on(self, request: HttpRequest, form: ChoiceForm, pairing: Pairing) -> HttpResponse:
        return self._begun(
            request, pairing, gettext_noop("Switched on after the comparison."),
            lambda: switching.switch_on(pairing, form.cleaned_data["differences"], by=request.user),
            self.change_url(pairing), _t("The pairing is on."),
        )  # fmt: skip

    @dialog(
        label=_("Switch on without comparing"), needs=Action.CONFIGURE, form=BlindForm, icon="toggle_on",
        title=_("Switch on without comparing?"), submit=_("Switch on"),
    )  # fmt: skip
    def switch_on_blind(self, request: HttpRequest, form: BlindForm, pairing: Pairing) -> HttpResponse:
        return self._begun(
            request, pairing, gettext_noop("Switched on without comparing."),
            lambda: switching.switch_on_blind(pairing), self.change_url(pairing), _t("The pairing is on."),
        )  # fmt: skip

    @dialog(
        label=_("Back to draft"), needs=Action.CONFIGURE, title=_("End the comparison?"), icon="undo",
        description=_("The pairing is set up further. Nothing was changed in either system; compare again when you "
                      "are ready."), submit=_("Back to draft"),
    )  # fmt: skip
    def stop_comparing(self, request: HttpRequest, form: DialogForm, pairing: Pairing) -> HttpResponse:
        return self._begun(
            request, pairing, gettext_noop("Ended the comparison."),
            lambda: switching.stop_comparing(pairing, by=request.user), self.change_url(pairing),
            _t("The pairing is being set up again."),
        )  # fmt: skip

    @dialog(
        label=_("Align the rest"), needs=Action.CONFIGURE, title=_("Align the rest?"), icon="done_all",
        description=_("Whom the alignment did not come to, because it was cancelled or the pairing was paused, is "
                      "brought to what was chosen when it was switched on."),
    )  # fmt: skip
    def align_rest(self, request: HttpRequest, form: DialogForm, pairing: Pairing) -> HttpResponse:
        return self._begun(
            request, pairing, gettext_noop("Had the rest aligned."),
            lambda: switching.align_rest(pairing, by=request.user), self.change_url(pairing), _t("Nobody was left."),
        )  # fmt: skip

    def _begun(
        self, request: HttpRequest, pairing: Pairing, note: str, do: Callable[[], Job | None], url: str, said: str
    ) -> HttpResponse:
        """A job that was begun is where it goes on, save a comparison, which has a page of its own."""
        try:
            job = do()
        except CannotSwitch as refused:
            return finished(request, self.change_url(pairing), told(refused.sentence), messages.ERROR)
        self.log_change(request, pairing, note)
        if job is not None and job.kind == aligning.ALIGNMENT:
            page = reverse("admin:portal_job_change", args=[job.pk])
            return leads_to(request, page, _t("The pairing is on. People are aligned: follow it here."))
        return leads_to(request, url, said)


def shown_for(pairing: Pairing) -> set[str]:
    """The dialogs, by their addresses, that the pairing's state has a use for."""
    shown = set(_SHOWN[Phase(pairing.phase)])
    if pairing.phase == Phase.COMPARING:
        busy = switching.under_way(comparing.newest(pairing))
        shown -= {"compare-again"} if busy else set()
        shown -= {"switch-on"} if switching.unfinished(pairing) else set()
    if pairing.phase == Phase.ON and not switching.is_anybody_left(pairing):
        shown.clear()
    return shown
