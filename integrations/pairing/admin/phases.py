"""The state of a pairing: paused and resumed here, and what came meanwhile."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from integrations.pairing.hub import KEPT
from integrations.pairing.models import Pairing
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, finished, leads_to
from portal.admin.paging import newest
from portal.admin.replays import replayable, start_chosen
from portal.admin.rights import row
from portal.models import Event
from portal.tenancy import Action

Phase = Pairing.Phase
TONES = {Phase.ON: "good", Phase.PAUSED: "warn", Phase.COMPARING: "busy", Phase.DRAFT: "quiet"}
EVENTS_LOOKED_AT = 1_000


def state_chip(pairing: Pairing) -> SafeString:
    return chip(TONES[Phase(pairing.phase)], pairing.get_phase_display())


def kept_events(pairing: Pairing) -> list[Event]:
    """Events that came while no pairing of the connection was on, among the newest."""
    branches = [Q(tenant_id=pairing.tenant_id, status=status) for status in (Event.Status.IGNORED, Event.Status.DONE)]
    shown = Event.objects.only("kind", "source", "outcome", "status", "tenant_id").order_by("-id")
    events = newest(shown, branches, EVENTS_LOOKED_AT)
    return [each for each in events if each.source == pairing.consents and KEPT in each.outcome]


def kept_of(pairing: Pairing) -> dict[str, Any]:
    """How many there are, and where they are listed; empty for none."""
    if not (found := kept_events(pairing)):
        return {}
    return {"count": len(found), "url": f"{reverse('admin:portal_event_changelist')}?kind={found[0].kind}"}


class KeptForm(DialogForm):
    """Says how many events it is about."""

    form_before_template = "admin/pairing/kept.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        return {"count": len(kept_events(row(request, Pairing, object_id, Action.CONFIGURE)))}


class PhaseDialogs:
    """Of the pairing's admin."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        pairing = self.get_object(request, object_id)
        phase = pairing.phase if pairing else ""
        hidden = {name for name, needed in (("pause", Phase.ON), ("resume", Phase.PAUSED)) if phase != needed}
        if pairing is None or phase != Phase.ON or not kept_events(pairing):
            hidden.add("replay-kept")
        return [each for each in super().get_actions_detail(request, object_id) if each.path not in hidden]

    @dialog(
        label=_("Pause"), needs=Action.CONFIGURE, title=_("Pause this pairing?"), icon="pause",
        description=_("Consents and subscriptions then change nothing in each other's system. What arrives meanwhile "
                      "is kept: “Replay what was kept” makes up for it once the pairing is on again."),
    )  # fmt: skip
    def pause(self, request: HttpRequest, form: DialogForm, pairing: Pairing) -> HttpResponse:
        return self._move(
            request, pairing, Phase.ON, Phase.PAUSED, gettext_noop("Paused."),
            _t("The pairing is paused. What arrives is kept."),
        )  # fmt: skip

    @dialog(
        label=_("Resume"), needs=Action.CONFIGURE, title=_("Resume this pairing?"), icon="play_arrow",
        description=_("What arrives from now on is followed again. What was kept meanwhile is not made up for by "
                      "itself: “Replay what was kept” does that. An older word never undoes a newer one."),
    )  # fmt: skip
    def resume(self, request: HttpRequest, form: DialogForm, pairing: Pairing) -> HttpResponse:
        return self._move(
            request, pairing, Phase.PAUSED, Phase.ON, gettext_noop("Resumed."),
            _t("The pairing is on again. Replay what was kept, if it is to count."),
        )  # fmt: skip

    @dialog(
        label=_("Replay what was kept"), needs=Action.CONFIGURE, title=_("Replay what was kept?"), form=KeptForm,
        icon="replay", submit=_("Replay"),
    )  # fmt: skip
    def replay_kept(self, request: HttpRequest, form: KeptForm, pairing: Pairing) -> HttpResponse:
        events = replayable(kept_events(pairing))
        if not events or not pairing.is_on:
            return finished(request, self.change_url(pairing), _t("Nothing is kept any more."), messages.WARNING)
        self.log_change(request, pairing, gettext_noop("Replayed what was kept."))
        started = start_chosen(events, by=request.user, rate=0)
        url = reverse("admin:portal_job_change", args=[started[-1].pk])
        return leads_to(request, url, _t("The events run again. Follow them here."))

    def _move(
        self, request: HttpRequest, pairing: Pairing, before: str, after: str, noted: str, said: str
    ) -> HttpResponse:
        url = self.change_url(pairing)
        if not Pairing.objects.filter(pk=pairing.pk, phase=before).update(phase=after):
            return finished(request, url, _t("Somebody changed its state meanwhile."), messages.WARNING)
        self.log_change(request, pairing, noted)
        return finished(request, url, said)
