"""The webhook's address on the connection's page, and what to enter beside it: a key that is made then and there."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from integrations.didomi.addresses import webhook_address
from integrations.didomi.models import DidomiConnection
from portal.access import live_keys, make_key
from portal.admin.dialogs import DialogForm, dialog, result
from portal.admin.rights import row
from portal.models import ApiKey, Scope
from portal.own_tokens import CLIENT
from portal.tenancy import Action

NAME = "Didomi: {}"


def token_address(connection: DidomiConnection) -> str:
    return f"{settings.PUBLIC_URL}{reverse('oauth-token', args=[connection.tenant.slug])}"


def keys_of(connection: DidomiConnection) -> list[ApiKey]:
    """Those that let this connection's events in now, the newest first."""
    keys = ApiKey.objects.for_tenant(connection.tenant_id).filter(live_keys(), bound_to=connection.source)
    return [key for key in keys.order_by("-pk") if Scope.DIDOMI_LISTENER in key.scopes]


class WebhookForm(DialogForm):
    """Shows what there is; the secret comes with the next page."""

    form_before_template = "admin/didomi/webhook_address.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        connection = row(request, DidomiConnection, object_id)
        return {"address": webhook_address(connection), "token_address": token_address(connection),
                "keys": [f"{CLIENT}{key.prefix}" for key in keys_of(connection)]}  # fmt: skip


class Webhook:
    """A dialog of the connection's admin."""

    @dialog(
        label=_("Webhook address"), needs=Action.CONNECT, title=_("What to enter in Didomi"), form=WebhookForm,
        icon="webhook", submit=_("Make the client ID and secret"),
    )  # fmt: skip
    def webhook_address(self, request: HttpRequest, form: WebhookForm, connection: DidomiConnection) -> HttpResponse:
        name = NAME.format(connection.name)[: ApiKey._meta.get_field("name").max_length]
        key, text = make_key(connection.tenant, name, [Scope.DIDOMI_LISTENER.value], connection.source)
        self.log_addition(request, key, [{"added": {}}])  # type: ignore[attr-defined]
        self.log_change(request, connection, gettext_noop("Had a key made for its webhook."))  # type: ignore[attr-defined]
        shown = {"address": webhook_address(connection), "token_address": token_address(connection), "text": text,
                 "client": f"{CLIENT}{key.prefix}",
                 "done_url": self.change_url(connection)}  # type: ignore[attr-defined]  # fmt: skip
        return result(request, "admin/didomi/webhook_key.html", shown)
