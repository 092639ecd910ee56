"""Save links: a signed token that names an object which Google has already. The whole object never travels in it.

A link with the object inside (fat) breaks where browsers cut it, at 1,800 characters, and holds the owner's data.
https://developers.google.com/wallet/generic/use-cases/jwt
"""

from __future__ import annotations

import time

from django.conf import settings

from passes.google.account import account_of
from passes.models import GoogleObject

LENGTH_LIMIT = 1800


def save_address(held: GoogleObject) -> str:
    """The address of Google's page that saves the object, which must have been sent. It works for ever.

    Raises ApiError where the issuer's key cannot be used.
    """
    account = account_of(held.issuer)
    claims = {
        "iss": account.client_email,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(time.time()),
        "origins": [settings.PUBLIC_URL],
        "payload": {f"{held.type}Objects": [{"id": held.object_id, "classId": held.class_id}]},
    }
    return f"{held.issuer.save_url.rstrip('/')}/gp/v/save/{account.signed(claims)}"
