"""All addresses. Higher storeys are included by name, so that nothing here imports them."""

from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

from portal.admin.site import site

handler400 = "portal.problems.bad_request"
handler403 = "portal.admin.errors.forbidden"
handler404 = "portal.admin.errors.not_found"
handler500 = "portal.problems.server_error"

urlpatterns = [
    # First, because machines call it all day.
    path("api/<str:tenant>/webhooks/listeners/actito/", include("integrations.actito.webhooks")),
    path("api/<str:tenant>/webhooks/listeners/didomi/", include("integrations.didomi.webhooks")),
    path("api/<str:tenant>/oauth/", include("portal.oauth")),
    path("api/<str:tenant>/", include("passes.api.views")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/", include("portal.api")),
    path("wallet/apple/", include("passes.apple.service")),
    path("wallet/google/images/", include("passes.google.images")),
    path("wallet/google/", include("passes.google.callbacks")),
    path("p/", include("passes.pages")),
]
