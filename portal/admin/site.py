"""The portal's own admin site: only what is registered here or through it is shown."""

from __future__ import annotations

from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite


class PortalAdminSite(UnfoldAdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        return True


site = PortalAdminSite(name="admin")
