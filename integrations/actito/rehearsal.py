"""A custom action tried on a sample body: whom it finds, and what it would change on which pass. Nothing is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from integrations.actito.actions import Plan, plan
from integrations.actito.commands import Unclear, command_of
from integrations.actito.models import ActitoConnection
from integrations.actito.pushes import Push, Unreadable, pushes_of
from passes.admin.changes import Change, differences
from passes.content import ContentError
from passes.models import WalletPass
from passes.refresh import content_of
from passes.update import Impossible, apply
from portal.admin.dialogs import DialogForm
from portal.models import Event
from portal.sentences import told
from portal.text import loads

BODY_LIMIT = 64 * 1024
PASSES_SHOWN = 10
SAMPLE = {
    "data": {
        "profileAttributes.emailAddress": "anna.peeters@example.com",
        "actionParameters.points": "250",
        "actionParameters.message": "Your points count double today",
    }
}


class RehearsalForm(DialogForm):
    body = forms.CharField(
        label=_("Body"), max_length=BODY_LIMIT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 9, "spellcheck": "false"}),
        initial=json.dumps(SAMPLE, indent=2),
        help_text=_("What Actito would post, as JSON. Of a bulk, the first element is tried."),
    )  # fmt: skip

    def clean_body(self) -> Push:
        try:
            body = loads(self.cleaned_data["body"])
        except ValueError as error:
            raise ValidationError(_("This is not valid JSON.")) from error
        if not isinstance(body, dict | list):
            raise ValidationError(_("Send a JSON object, or an array of them."))
        try:
            return pushes_of(body)[0]
        except Unreadable as error:
            raise ValidationError(told(error.sentence)) from error


@dataclass(frozen=True)
class Tried:
    """What would become of one pass."""

    name: str
    changes: list[Change]
    sentence: str = ""


def rehearsed(connection: ActitoConnection, push: Push) -> dict[str, Any]:
    """What admin/actito/rehearsed.html shows."""
    try:
        command = command_of(push, connection.identifiers())
        planned = plan(connection, command)
    except Unclear as error:
        return {"sentence": told(error.sentence)}
    tried = [_tried(wallet_pass, planned) for wallet_pass in planned.passes[:PASSES_SHOWN]]
    sentence = "" if tried else _t("No pass is found: the action would be noted, and nothing would change.")
    return {
        "who": [name for _kind, name in command.who],
        "customer": planned.customer,
        "tried": tried,
        "notes": [told(note) for note in planned.notes],
        "sentence": sentence,
    }


def _tried(wallet_pass: WalletPass, planned: Plan) -> Tried:
    before, name = wallet_pass.content, str(wallet_pass.template)
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    try:
        apply(wallet_pass, planned.update, newest + 1)
        content = content_of(wallet_pass)
    except (Impossible, ContentError) as error:
        return Tried(name, [], told(error.sentence))
    changes = differences(before, content.data)
    return Tried(name, changes, "" if changes else _t("The card shows none of it."))
