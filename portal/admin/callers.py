"""What API keys and OAuth2 clients both say of themselves: what they may, for whom they speak, when they came last."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.views import ChangeList

from portal.admin.chips import chip
from portal.admin.refused import connection_names
from portal.models import ApiKey, OAuthClient, Scope
from portal.templatetags.portal_admin import ago

ONLY_ONE = _("The tenant's only one")


class CallerList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        names = connection_names((row.tenant_id, row.bound_to) for row in self.result_list)
        for row in self.result_list:
            row.connection_name = names[row.tenant_id, row.bound_to]


class CallerColumns:
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CallerList

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Only what was changed: the rest, as it was read, may be older than a revocation."""
        obj.save(update_fields=[*form.changed_data] if change else None)

    @display(description=_("It may"))
    def may(self, row: ApiKey | OAuthClient) -> str:
        known = dict(Scope.choices)
        return ", ".join(str(known.get(scope, scope)) for scope in row.scopes)

    @display(description=_("Connection"))
    def connection(self, row: ApiKey | OAuthClient) -> str:
        if not row.bound_to:
            return str(ONLY_ONE)
        pair = row.tenant_id, row.bound_to
        return getattr(row, "connection_name", None) or connection_names([pair])[pair]

    @display(description=_("Last used"), ordering="last_used_at")
    def last_used(self, row: ApiKey | OAuthClient) -> str:
        if row.last_used_at is None:
            return chip("quiet", _("Never used"))
        at = timezone.localtime(row.last_used_at)
        return format_html('<span title="{}">{}</span>', date_format(at, "j M Y, H:i"), ago(row.last_used_at))
