"""What browsers are told about every answer: what it may load, who may frame it, what of the device it may use."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from csp.constants import HEADER, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponse, HttpResponseBase

# Answers for machines, redirects, errors: nothing may be loaded. Pages that need more say so with csp's decorator.
STRICT: dict[str, Any] = {
    "default-src": [NONE],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [NONE],
    "object-src": [NONE],
}
# Alpine, which draws unfold's menus and dialogs, evaluates the expressions in its attributes. Unfold and its scripts
# write styles into the page. Scripts in the page stay forbidden.
ADMIN: dict[str, Any] = {
    **STRICT,
    "form-action": [SELF],
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:", "blob:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "manifest-src": [SELF],
}
ADMIN_PATH = "/admin/"
_UNUSED = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi",
    "payment", "publickey-credentials-get", "screen-wake-lock", "usb", "xr-spatial-tracking",
)  # fmt: skip
HEADERS = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in _UNUSED),
}


@lru_cache(maxsize=1)
def _strict() -> str:
    return str(build_policy(STRICT))


def headers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Also for what Django's own middleware never sees, because it is answered before: probes and static files."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


class Policies(CSPMiddleware):
    """The strict policy everywhere, the admin's under its path alone."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith(ADMIN_PATH) or any(name.startswith("_csp") for name in vars(response)):
            return super().process_response(request, response)
        # What machines get all day: the policy of every such answer is the same.
        response.headers.setdefault(HEADER, _strict())
        return response

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and parts.config is None:
            parts.config = ADMIN if request.path_info.startswith(ADMIN_PATH) else STRICT
        return parts
