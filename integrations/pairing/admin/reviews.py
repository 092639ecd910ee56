"""Consents to review: what each system says of a person, and the answer that somebody of the team gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget

from integrations.pairing import reviews
from integrations.pairing.answering import PORTAL
from integrations.pairing.lines import lines_of
from integrations.pairing.models import ConsentReview
from integrations.pairing.registry import title_of
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip, when
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.extend import Link, extensions
from portal.admin.filters import Question
from portal.admin.pages import PageAdmin
from portal.admin.paging import ManyRows
from portal.admin.rights import row
from portal.admin.site import site
from portal.models import Event
from portal.tenancy import Action

Reason = ConsentReview.Reason
OPEN, ANSWERED, ALL = "open", "answered", "all"
YES, NO = "yes", "no"
_FIELD = "consent__"


def open_reviews_url() -> str:
    return reverse("admin:integrations_consentreview_changelist")


# What each says


@dataclass(frozen=True)
class Claim:
    """`at` None: nobody knows when."""

    name: str
    title: str
    side: str
    state: bool
    at: datetime | None


def claims_of(review: ConsentReview) -> list[Claim]:
    """By consent, in the order in which they were heard."""
    titles = {line.name: line.target for line in lines_of(review.pairing)}
    found = [
        Claim(each["name"], titles.get(each["name"], each["name"]), said_by(each["side"]), bool(each["state"]),
              parse_datetime(each["at"]) if each["at"] else None)
        for each in review.claims
    ]  # fmt: skip
    return sorted(found, key=lambda claim: claim.name)


def said_by(side: str) -> str:
    if side == PORTAL:
        return _t("Your team")
    return title_of(side) or _t("A connection that was deleted")


def about(review: ConsentReview) -> str:
    """The subscription that it is about; of a person as a whole, all of which something was said."""
    return ", ".join(dict.fromkeys(claim.title for claim in claims_of(review))) or review.name or "–"


def is_being_answered(review: ConsentReview) -> bool:
    waiting = Event.objects.filter(
        tenant_id=review.tenant_id, subject=f"customer:{review.customer_id}", kind=reviews.CONSENTS_ANSWER,
        status__in=Event.PENDING, payload__review=review.pk,
    )  # fmt: skip
    return review.answered_at is None and waiting.exists()


# The list


class Answered(Question):
    """Those that wait for somebody, unless others are asked for."""

    title = _("answer")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(OPEN, _("Open")), (ANSWERED, _("Answered")), (ALL, _("All"))]

    def value(self) -> str:
        return super().value() or OPEN

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        for answer, title in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: answer})
            yield {"selected": self.value() == answer, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == ALL:
            return queryset
        return queryset.filter(answered_at__isnull=self.value() == OPEN)


class Why(Question):
    title = _("why")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Reason.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


# The answer


class DecideForm(DialogForm):
    form_before_template = "admin/pairing/decide.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.review = row(self.request, ConsentReview, self.object_id, Action.CONFIGURE)
        claims: dict[str, list[Claim]] = {}
        for claim in claims_of(self.review):
            claims.setdefault(claim.name, []).append(claim)
        for name, said in claims.items():
            self.fields[f"{_FIELD}{name}"] = forms.ChoiceField(
                label=said[0].title, widget=UnfoldAdminRadioSelectWidget,
                choices=[(YES, _choice(_t("Yes"), said, state=True)), (NO, _choice(_t("No"), said, state=False))],
            )  # fmt: skip

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        return {"review": self.review, "deleted": self.review.reason == Reason.DELETED}

    def states(self) -> dict[str, bool]:
        chosen = {name: value for name, value in self.cleaned_data.items() if name.startswith(_FIELD)}
        return {name.removeprefix(_FIELD): value == YES for name, value in chosen.items()}


def _choice(word: str, said: Iterable[Claim], *, state: bool) -> str:
    """“Yes – Didomi says so, since 3 Feb 2026, 10:12”"""
    voices = [_voice(claim) for claim in said if claim.state is state]
    return f"{word} – {'; '.join(voices)}" if voices else word


def _voice(claim: Claim) -> str:
    if claim.at is None:
        return _t("%(side)s says so, time unknown") % {"side": claim.side}
    at = date_format(timezone.localtime(claim.at), "j M Y, H:i")
    return _t("%(side)s says so, since %(at)s") % {"side": claim.side, "at": at}


@admin.register(ConsentReview, site=site)
class ConsentReviewAdmin(ManyRows, PageAdmin, TenantAdmin):
    list_display = ("customer", "about", "reason", "state", "asked")
    list_filter = (Answered, Why)
    list_select_related = ("customer", "pairing")
    change_form_template = "admin/pairing/review.html"
    actions_detail = ("decide", "keep")
    empty_sentence = _("Nothing waits for an answer. Where both systems say something else of a person, and the line "
                       "says “hold for review”, you are asked here.")  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("pairing__mappings")

    def page_title(self, review: Any) -> str:
        return str(review.customer)

    def page_context(self, request: HttpRequest, review: ConsentReview) -> dict[str, Any]:
        titles = {line.name: line.target for line in lines_of(review.pairing)}
        erase = self.permits(request, Action.ERASE, review) and review.reason == Reason.DELETED
        return {
            "claims": claims_of(review),
            "state": state_chip(review),
            "waits": is_being_answered(review),
            "answers": [(titles.get(name, name), state) for name, state in (review.answer or {}).items()],
            "deleted": review.reason == Reason.DELETED,
            "flips": review.reason == Reason.FLIPS,
            "erase_url": reverse("admin:portal_customer_erase", args=[review.customer_id]) if erase else "",
        }

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        review = self.get_object(request, object_id)
        if review is None or review.answered_at or is_being_answered(review):
            return []
        hidden = "decide" if review.reason == Reason.DELETED else "keep"
        return [each for each in super().get_actions_detail(request, object_id) if each.path != hidden]

    @display(description=_("Consent"))
    def about(self, review: ConsentReview) -> str:
        return about(review)

    @display(description=_("State"))
    def state(self, review: ConsentReview) -> Any:
        return state_chip(review)

    @display(description=_("Asked"))
    def asked(self, review: ConsentReview) -> Any:
        return when(review.asked_at)

    @dialog(
        label=_("Decide"), needs=Action.CONFIGURE, title=_("What did this person decide?"), form=DecideForm,
        icon="gavel", variant=ActionVariant.PRIMARY, submit=_("This stands"),
        description=_("Your answer stands, and both systems are told. It is kept as a proof, with your name."),
    )  # fmt: skip
    def decide(self, request: HttpRequest, form: DecideForm, review: ConsentReview) -> HttpResponse:
        return self._answer(request, review, form.states(), gettext_noop("Decided."))

    @dialog(
        label=_("Keep as it is"), needs=Action.CONFIGURE, title=_("Keep this person's consents as they are?"),
        icon="done", variant=ActionVariant.PRIMARY,
        description=_("The person stays, with the consents that stand. To erase them here, use the customer's page."),
    )  # fmt: skip
    def keep(self, request: HttpRequest, form: DialogForm, review: ConsentReview) -> HttpResponse:
        return self._answer(request, review, {}, gettext_noop("Kept as it was."))

    def _answer(self, request: HttpRequest, review: ConsentReview, states: dict[str, bool], noted: str) -> HttpResponse:
        url = reverse("admin:integrations_consentreview_change", args=[review.pk])
        if review.answered_at or is_being_answered(review):
            return finished(request, url, _t("Somebody answered this already."), messages.WARNING)
        reviews.ask_answer(review, states, request.user.get_username())
        self.log_change(request, review, noted)
        return finished(request, url, _t("Your answer is taken, and carried out in a moment."))


def state_chip(review: ConsentReview) -> Any:
    return chip("quiet", _("Answered")) if review.answered_at else chip("warn", _("Open"))


extensions.links["review"] = Link(
    "review", _("Consent to review"), ConsentReview, "admin:integrations_consentreview_change",
    person=lambda review: str(review.customer), joined=("customer",),
)  # fmt: skip
navigation.add(ConsentReview, _("Consents to review"), icon="rule", group=navigation.DAILY, position=14)
