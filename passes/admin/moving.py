"""Moving a pass to another template: a dialog on the pass's page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.widgets import UnfoldAdminSelectWidget

from passes.content import ContentError
from passes.models import PassTemplate, WalletPass
from passes.moving import CannotMove, move, templates_for
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.rights import row
from portal.sentences import say, told
from portal.tenancy import Action

NONE_FREE = _("There is no other published template of which the customer has no pass.")


class MoveForm(DialogForm):
    template = forms.ModelChoiceField(label=_("Template"), queryset=PassTemplate.objects.none(), empty_label=None,
                                      widget=UnfoldAdminSelectWidget)  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = templates_for(row(self.request, WalletPass, self.object_id, Action.OPERATE))
        self.fields["template"].queryset = found
        if not found.exists():
            self.fields["template"].help_text = NONE_FREE


class Moving:
    """The dialog of WalletPassAdmin."""

    @dialog(
        label=_("Move to another template"), needs=Action.OPERATE, title=_("Move this pass to another template?"),
        icon="move_item", form=MoveForm, submit=_("Move"),
        description=_("The card stays on iPhones and changes its design there; serial number and links stay, too. In "
                      "Google Wallet, a card of another kind must be added anew."),
    )  # fmt: skip
    def move(self, request: HttpRequest, form: MoveForm, wallet_pass: WalletPass) -> HttpResponse:
        template, page = form.cleaned_data["template"], self.change_url(wallet_pass)  # type: ignore[attr-defined]
        said = say("%(who)s moved the pass of %(customer)s from “%(before)s” to “%(template)s”.",
                   who=request.user.get_username(), customer=wallet_pass.customer, before=wallet_pass.template,
                   template=template)  # fmt: skip
        try:
            with transaction.atomic():
                locked = WalletPass.objects.select_for_update(of=("self",)).get(pk=wallet_pass.pk)
                move(locked, template, said)
                self.log_change(request, wallet_pass, gettext_noop("Moved to another template."))  # type: ignore[attr-defined]
        except (CannotMove, ContentError) as error:
            return finished(request, page, told(error.sentence), messages.ERROR)
        return finished(request, page, _("The pass has its new design."))
