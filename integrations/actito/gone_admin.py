"""Profiles that are gone from Actito: in the list of customers, and the question on the connection's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget

from integrations.actito import gone
from integrations.actito.models import ActitoConnection, GoneQuestion
from portal.admin.chips import chip
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.extend import Column, extensions
from portal.admin.filters import Question
from portal.admin.rights import allowed_tenants, row
from portal.models import Event, Identity
from portal.tenancy import Action
from portal.watch.words import spaced

EITHER = (Action.OPERATE, Action.CONFIGURE)
WAITING_COUNTED = 1000


@dataclass(frozen=True)
class Asking:
    """What there is to decide: how many were marked before it was asked, how many readings wait behind it."""

    marked: int
    waiting: str
    voids: bool


def question_of(connection: ActitoConnection) -> GoneQuestion | None:
    """The open question; it is open while the connection stands still for it."""
    if connection.lane.paused_at is None:
        return None
    return GoneQuestion.objects.filter(connection=connection, asked_at__isnull=False).first()


def asking_of(connection: ActitoConnection) -> Asking | None:
    question = question_of(connection)
    if question is None:
        return None
    waiting = Event.objects.filter(
        tenant_id=connection.tenant_id, lane_id=connection.lane_id, status=Event.Status.WAITING, kind="actito.profile",
        payload__connection=connection.pk,
    )  # fmt: skip
    number = waiting[: WAITING_COUNTED + 1].count()
    shown = f"{spaced(WAITING_COUNTED)}+" if number > WAITING_COUNTED else spaced(number)
    return Asking(gone.marked_lately(connection, question.asked_at).count(), shown, connection.void_when_gone)


class AnswerForm(DialogForm):  # type: ignore[misc]  # a name for unfold's own
    form_before_template = "admin/actito/gone.html"

    answer = forms.ChoiceField(
        label=_("What is right?"), choices=GoneQuestion.Answer.choices, widget=UnfoldAdminRadioSelectWidget
    )

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        return {"gone": asking_of(row(request, ActitoConnection, object_id))}


class GoneDialogs:
    """What the connection's admin adds."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """While it asks, it is set going by an answer: resumed without one, it would only ask again."""
        connection = self.get_object(request, object_id)  # type: ignore[attr-defined]
        actions = super().get_actions_detail(request, object_id) if connection else []  # type: ignore[misc]
        hidden = "_resume" if connection and question_of(connection) else "_answer_gone"
        return [action for action in actions if not action.action_name.endswith(hidden)]

    @dialog(
        label=_("Profiles that are gone"), needs=EITHER, title=_("Many profiles are gone from Actito"),
        form=AnswerForm, icon="person_off", submit=_("Answer and go on"), variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def answer_gone(self, request: HttpRequest, form: AnswerForm, connection: ActitoConnection) -> HttpResponse:
        url: str = self.change_url(connection)  # type: ignore[attr-defined]
        if question_of(connection) is None:
            return finished(request, url, _t("This was answered meanwhile."))
        given = form.cleaned_data["answer"]
        again = gone.answer(connection, given)
        if given == GoneQuestion.Answer.MARK:
            self.log_change(request, connection, gettext_noop("Had profiles that are gone marked."))  # type: ignore[attr-defined]
            return finished(request, url, _t("The connection moves again. Who is gone is marked."))
        self.log_change(request, connection, gettext_noop("Had profiles that are gone kept."))  # type: ignore[attr-defined]
        said = _t("The connection moves again. %(count)s customers who were marked are being set back.")
        return finished(request, url, said % {"count": spaced(again)})


def gone_since() -> Subquery:
    """Looked up for the shown rows only."""
    of_customer = Identity.objects.filter(customer=OuterRef("pk"), namespace__startswith="actito:")
    return Subquery(of_customer.filter(gone_at__isnull=False).order_by("gone_at").values("gone_at")[:1])


def gone_text(at: datetime | None) -> Any:
    if at is None:
        return ""
    return chip("bad", _t("Gone since %(day)s") % {"day": date_format(timezone.localtime(at), "j M Y")})


class InActito(Question):
    """Newest customer first, as the list is; the index of what is gone gives them."""

    title = _("in Actito")
    parameter_name = "in_actito"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("gone", _("Gone from Actito"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        gone_names = Identity.objects.for_tenants(allowed_tenants(request, Action.VIEW)).filter(
            namespace__startswith="actito:", gone_at__isnull=False
        )
        return queryset.filter(pk__in=gone_names.values("customer"))


extensions.customer_filters.append(InActito)
extensions.customer_columns.append(Column("gone_since", _("In Actito"), gone_since, gone_text))
