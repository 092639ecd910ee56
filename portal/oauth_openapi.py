"""The published description of the token endpoint."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse, extend_schema

from portal.oauth import FORM
from portal.openapi import TENANT, answer_header, described, ref, refusal, refusals

TAG = {"name": "Tokens", "description": "For senders that know OAuth2 client credentials and no API keys."}

COMPONENTS: dict[str, dict[str, Any]] = {
    "TokenRequest": {
        "type": "object",
        "description": "RFC 6749, 4.4.2. The client may authenticate by HTTP Basic instead of in the body.",
        "properties": {
            "grant_type": {"type": "string", "const": "client_credentials"},
            "client_id": {"type": "string", "description": "The beginning of an API key: `awp_` and eight characters."},
            "client_secret": {"type": "string", "description": "The whole API key."},
            "scope": {
                "type": "string",
                "description": "Scopes of the key, with spaces between. Without it, the token has all of them.",
            },
        },
        "required": ["grant_type"],
    },
    "Token": {
        "type": "object",
        "description": "RFC 6749, 5.1. It acts for this tenant only, and for no longer than its key is valid.",
        "properties": {
            "access_token": {"type": "string"},
            "token_type": {"type": "string", "const": "Bearer"},
            "expires_in": {"type": "integer", "description": "Seconds: an hour, or less where the key ends before."},
            "scope": {"type": "string"},
        },
        "required": ["access_token", "token_type", "expires_in", "scope"],
    },
    "TokenRefusal": {
        "type": "object",
        "description": "RFC 6749, 5.2.",
        "properties": {
            "error": {
                "type": "string",
                "enum": [
                    "invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope", "server_error",
                    "temporarily_unavailable",
                ],
            },
            "error_description": {"type": "string", "description": "What was wrong, in a sentence for people."},
        },
        "required": ["error", "error_description"],
    },
}  # fmt: skip


def _refused(description: str) -> OpenApiResponse:
    return OpenApiResponse(ref("TokenRefusal"), description)


_HEADERS = [
    answer_header("Cache-Control", [200], "no-store"),
    answer_header("WWW-Authenticate", [401], "HTTP Basic is taken, too."),
    answer_header("Allow", [405], "The method that is taken: POST."),
    answer_header("Retry-After", [429, 503], "Seconds after which to try again.", int),
]
_BASIC = OpenApiParameter(
    "Authorization", str, OpenApiParameter.HEADER, description="HTTP Basic: the client's id and secret, form-encoded."
)
_EXAMPLE = OpenApiExample(
    "token_request",
    summary="A token for the holder of a key",
    value={
        "grant_type": "client_credentials",
        "client_id": "awp_1a2b3c4d",
        "client_secret": "awp_1a2b3c4d_…",
    },
)

_TOKEN = extend_schema(
    operation_id="token",
    tags=["Tokens"],
    summary="An access token for an API key",
    description="The key's beginning is the client's id, the whole key its secret. The token is sent as "
    "`Authorization: Bearer …` to the other addresses of this tenant.",
    parameters=[TENANT, _BASIC, *_HEADERS],
    request={FORM: OpenApiRequest(ref("TokenRequest"), examples=[_EXAMPLE])},
    responses={
        200: OpenApiResponse(ref("Token"), "The token."),
        400: _refused("The request cannot be used. `error` says why."),
        401: _refused("The client is not known here, or its secret is wrong. An unknown tenant gets the same answer."),
        429: _refused("Too many calls with this key. Try again later."),
        503: _refused("The tenant is suspended, or a token cannot be made now. Try again later."),
        **refusals({405: refusal("The method is not POST."), 500: refusal("Something went wrong. Try again later.")}),
    },
    auth=[],
)


class _TokenView(OpenApiViewExtension):
    target_class = "portal.oauth.TokenView"

    def view_replacement(self) -> Any:
        return described(self.target, post=_TOKEN)
