"""The pictures of passes, which Google fetches by itself: public, and named by what is in them.

Whoever has the address of a picture has the picture's hash, and so the picture. Nothing else of a tenant is here.
"""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from passes.models import TemplateImage


def address_of(sha1: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse('google-image', args=[sha1])}"


@require_safe
def image(request: HttpRequest, sha1: str) -> HttpResponse:
    """A picture of a published design for Google Wallet. What has this address never changes."""
    row = _published(sha1)
    if row is None:
        raise Http404
    if request.headers.get("If-None-Match") == f'"{sha1}"':
        return HttpResponseNotModified()
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{sha1}"'}
    return HttpResponse(bytes(row.data), content_type="image/png", headers=headers)


def _published(sha1: str) -> TemplateImage | None:
    """Two tenants may have the same picture: either one's is it."""
    rows = TemplateImage.objects.filter(sha1=sha1, template__published__isnull=False, template__google__isnull=False)
    rows = rows.select_related("template").only("data", "template__published")
    return next((row for row in rows if sha1 in (row.template.published or {})["images"].values()), None)


urlpatterns = [path("<str:sha1>.png", image, name="google-image")]
