"""Messages to many: writing one, who would get it, trying it, sending it now or later, and what came of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.enums import ActionVariant

from passes.admin.message_forms import LimitsForm, SendForm, TestForm
from passes.messaging.sending import NotNow, plan, take_back, test
from passes.models import MessageCondition, MessageReceipt, MessageText, MessageValue, PassMessage
from portal.admin import navigation
from portal.admin.base import TenantAdmin, TenantTabularInline
from portal.admin.chips import chip, when
from portal.admin.current import current_tenant
from portal.admin.dialogs import DialogForm, dialog, finished, leads_to
from portal.admin.paging import COUNT_LIMIT, AtLeast, ManyRows
from portal.admin.site import site
from portal.sentences import told
from portal.tenancy import Action
from portal.watch.words import spaced

State = PassMessage.State


class Parts:
    """What the inlines of a message have in common: it is written while it is a draft."""

    change_action = add_action = delete_action = Action.CONFIGURE
    tab = True
    max_num = 20

    def permits(self, request: HttpRequest, action: Action | None, obj: Any = None) -> bool:
        fixed = isinstance(obj, PassMessage) and obj.state != State.DRAFT and action is not Action.VIEW
        return not fixed and bool(super().permits(request, action, obj))  # type: ignore[misc]


class ConditionInline(Parts, TenantTabularInline):
    model = MessageCondition
    fields = ("name", "operator", "value")
    verbose_name_plural = _("Conditions")


class TextInline(Parts, TenantTabularInline):
    model = MessageText
    fields = ("language", "text")
    verbose_name_plural = _("Translations")


class ValueInline(Parts, TenantTabularInline):
    model = MessageValue
    fields = ("name", "value")
    verbose_name_plural = _("Values")


def state_of(message: PassMessage) -> tuple[str, str]:
    """Tone and words."""
    if message.state == State.DRAFT:
        return "quiet", _t("Draft")
    if message.state == State.PLANNED:
        return "warn", _t("Planned")
    ended = message.job is None or message.job.finished_at
    return ("good", _t("Sent")) if ended else ("busy", _t("Being sent"))


@admin.register(PassMessage, site=site)
class PassMessageAdmin(ManyRows, TenantAdmin):
    change_action = add_action = delete_action = Action.CONFIGURE
    list_display = ("name", "cards", "state_shown", "moment", "reached")
    list_select_related = ("template", "job")
    change_form_template = "admin/passes/message.html"
    inlines = (TextInline, ConditionInline, ValueInline)
    actions_list = ("set_limits",)
    actions_detail = ("send", "send_test", "take_back", "copy")
    empty_sentence = _("A message says something new on the cards of many customers: write it, see whom it reaches, "
                       "send it to yourself first.")  # fmt: skip
    fieldsets = (
        (None, {"fields": ["name", "text"]}),
        (_("For whom"), {"fields": [("template", "on_phones"), "any_condition"]}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A message is fixed once it is planned."""
        return _is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_draft(obj) and super().has_delete_permission(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "template":
            kwargs["empty_label"] = _("All cards")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description=_("Cards"))
    def cards(self, message: PassMessage) -> str:
        return str(message.template) if message.template else _t("All cards")

    @display(description=_("State"))
    def state_shown(self, message: PassMessage) -> str:
        return chip(*state_of(message))

    @display(description=_("Begins"))
    def moment(self, message: PassMessage) -> str:
        return when(message.starts_at) if message.starts_at else "–"

    @display(description=_("Customers reached"))
    def reached(self, message: PassMessage) -> str:
        """Of values alone, nobody is counted. A list of messages to a million each would count for seconds."""
        if message.state != State.SENT or not message.text:
            return "–"
        some = _receipts(message)[: COUNT_LIMIT + 1].count()
        return spaced(some) if some <= COUNT_LIMIT else str(AtLeast(COUNT_LIMIT))

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        message = self.get_object(request, object_id)
        shown = {} if message is None else {"standing": chip(*state_of(message)), "message": message,
                                            "reached": spaced(_receipts(message).count())}  # fmt: skip
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def get_actions_list(self, request: HttpRequest) -> list[Any]:
        """The limits are one tenant's: who looks at all of them chooses one first."""
        return super().get_actions_list(request) if current_tenant(request) else []

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        message = self.get_object(request, object_id)
        state = message.state if message else ""
        offered = {
            State.DRAFT: {"send", "send_test"}, State.PLANNED: {"take_back", "send_test"}, State.SENT: {"copy"}
        }.get(state, set())  # fmt: skip
        prefix = f"{self.opts.app_label}_{self.opts.model_name}_"
        actions = super().get_actions_detail(request, object_id)
        return [each for each in actions if each.action_name.removeprefix(prefix) in offered]

    @dialog(
        label=_("Send"), needs=Action.CONFIGURE, title=_("Send this message?"), form=SendForm, icon="send",
        variant=ActionVariant.PRIMARY, submit=_("Send"),
    )  # fmt: skip
    def send(self, request: HttpRequest, form: SendForm, message: PassMessage) -> HttpResponse:
        url = self._page(message)
        try:
            plan(message, by=request.user, starts_at=form.cleaned_data["starts_at"])
        except NotNow as problem:
            return finished(request, url, told(problem.sentence), messages.WARNING)
        self.log_change(request, message, gettext_noop("Planned to be sent."))
        later = form.cleaned_data["starts_at"]
        said = _("It is planned. Until it begins you can take it back.") if later else _("It begins now.")
        return finished(request, url, said)

    @dialog(
        label=_("Send a test"), needs=Action.CONFIGURE, title=_("Send it to one customer"), form=TestForm,
        icon="science", submit=_("Send the test"),
    )  # fmt: skip
    def send_test(self, request: HttpRequest, form: TestForm, message: PassMessage) -> HttpResponse:
        test(message, form.passes)
        self.log_change(request, message, gettext_noop("Sent as a test."))
        return finished(request, self._page(message), _("The test is on its way. Events shows what becomes of it."))

    @dialog(
        label=_("Take back"), needs=Action.CONFIGURE, title=_("Take this message back?"), icon="undo",
        description=_("It is a draft again, and nothing is sent."), submit=_("Take it back"),
    )  # fmt: skip
    def take_back(self, request: HttpRequest, form: DialogForm, message: PassMessage) -> HttpResponse:
        try:
            take_back(message)
        except NotNow as problem:
            return finished(request, self._page(message), told(problem.sentence), messages.WARNING)
        self.log_change(request, message, gettext_noop("Taken back."))
        return finished(request, self._page(message), _("It is a draft again."))

    @dialog(
        label=_("Copy"), needs=Action.CONFIGURE, title=_("Write another one like this?"), icon="content_copy",
        description=_("A draft with the same texts, values and conditions."), submit=_("Copy"),
    )  # fmt: skip
    def copy(self, request: HttpRequest, form: DialogForm, message: PassMessage) -> HttpResponse:
        made = _copied(message)
        self.log_addition(request, made, gettext_noop("Copied from another message."))
        return leads_to(request, self._page(made), _("This is the copy."))

    @dialog(
        label=_("Quiet hours and limit"), needs=Action.CONFIGURE, title=_("Quiet hours and limit"), form=LimitsForm,
        icon="bedtime", submit=_("Save"),
        description=_("They hold for every message to many, in your brand's time zone."),
    )  # fmt: skip
    def set_limits(self, request: HttpRequest, form: LimitsForm) -> HttpResponse:
        limits = form.limits
        for name, value in form.cleaned_data.items():
            setattr(limits, name, value)
        limits.save()
        return finished(request, reverse("admin:passes_passmessage_changelist"), _("Saved."))

    def _page(self, message: PassMessage) -> str:
        return reverse("admin:passes_passmessage_change", args=[message.pk])


def _receipts(message: PassMessage) -> QuerySet[MessageReceipt]:
    return MessageReceipt.objects.filter(message=message).order_by()


def _is_draft(message: Any) -> bool:
    return not isinstance(message, PassMessage) or message.state == State.DRAFT


def _copied(message: PassMessage) -> PassMessage:
    made = PassMessage.objects.create(
        tenant_id=message.tenant_id, name=message.name, template_id=message.template_id, text=message.text,
        on_phones=message.on_phones, any_condition=message.any_condition,
    )  # fmt: skip
    for related in (message.texts, message.values, message.conditions):
        for part in related.all():
            part.pk, part.message = None, made
            part.save()
    return made


navigation.add(PassMessage, _("Messages"), icon="campaign", group=navigation.DAILY, position=25)
