"""The published description of Didomi's webhook: what it takes, in words and as JSON Schema, and what it answers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema

from integrations.didomi.openapi_examples import EVENTS
from integrations.didomi.payloads import NAME_LIMIT
from portal.models import Scope
from portal.openapi import TENANT, answer_header, body, described, ref, refusal, refusals, secured

TAG = {"name": "Didomi", "description": "What Didomi calls when people say what they consent to."}

COMPONENTS: dict[str, dict[str, Any]] = {
    "DidomiEvent": {
        "type": "object",
        "description": "A webhook as Didomi sends it, nested or flattened with `__`. Other members are kept.",
        "properties": {
            "type": {
                "type": "string",
                # Not blank, as Python and not only JavaScript understands it.
                "pattern": r"[^\s\x1c-\x1f\x85]",
                "maxLength": NAME_LIMIT,
                "description": "Such as `event.created`. One that the portal does nothing with is taken, too.",
            },
            "parameters": {
                "description": "`entity`, or `old_entity` and `new_entity`: a consent event, or a user."
            },
            "regulation": {"description": "Such as `gdpr`, which is meant where there is none."},
        },
        "required": ["type"],
    },
}  # fmt: skip

_HEADERS = [
    answer_header("WWW-Authenticate", [401, 403], "How to authenticate; with 403, what a bearer token lacks."),
    answer_header("Allow", [405], "The methods that are taken: POST."),
    answer_header("Retry-After", [429, 503], "Seconds after which to try again.", int),
]
_ANSWERS: dict[int, OpenApiResponse] = {
    400: refusal("The body is not JSON, or no object with a type. Nothing was stored.", validation=True),
    401: refusal("No valid key or token of this tenant. An unknown tenant gets the same answer."),
    403: refusal("The key or token lacks the scope, or it is open which Didomi connection it speaks for."),
    405: refusal("The method is not POST. No key is needed to learn that."),
    413: refusal("The body is larger than 256 KiB."),
    415: refusal("The Content-Type is not JSON."),
    429: refusal("Too many calls with this key. Nothing was stored; try again later."),
    500: refusal("Something went wrong in the portal. Try again later."),
    503: refusal(
        "The tenant is suspended, or the issuer of tokens is out of reach. Nothing was stored; try again later."
    ),
}
_EVENT_WEBHOOK = extend_schema(
    operation_id="didomiEvent",
    tags=["Didomi"],
    summary="A consent event or a user was created, changed or deleted",
    description="Didomi calls this once for each change. The portal stores the call and answers; a worker does the "
    "rest. Consents are taken from `event.created` and `event.updated`.\n\n"
    f"Needs the scope `{Scope.DIDOMI_LISTENER.value}`. Didomi gets its bearer token from this tenant's token address.",
    parameters=[TENANT, *_HEADERS],
    request=body(ref("DidomiEvent"), EVENTS),
    responses={
        200: OpenApiResponse(description="Stored, or known already. A worker does the rest."),
        208: OpenApiResponse(description="Known already, where the connection is set to say so."),
        **refusals(_ANSWERS),
    },
    auth=secured(Scope.DIDOMI_LISTENER.value),
)


class _EventWebhook(OpenApiViewExtension):
    target_class = "integrations.didomi.webhooks.EventWebhook"

    def view_replacement(self) -> Any:
        return described(self.target, post=_EVENT_WEBHOOK)
