"""What tests of Google's sandbox share: an issuer's account, valid bodies of each type, and save links."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from passes.google.sandbox import GoogleSandbox

ISSUER, OTHER_ISSUER = "3388000000012345678", "3388000000087654321"
PAYLOADS = Path(__file__).resolve().parents[2] / "payloads" / "google" / "sandbox"
SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
Json = dict[str, Any]


@cache
def private_key() -> rsa.RSAPrivateKey:
    """One for all accounts of a process: keys are slow to make."""
    return rsa.generate_private_key(65537, 2048)


def body(kind: str, name: str = "", **more: Any) -> Json:
    """A valid body; ids are `{ISSUER}.{name}`, and an object is of the class named after its type."""
    found: Json = json.loads((PAYLOADS / f"{kind}.json").read_text(encoding="utf-8"))
    sort = kind.removesuffix("Class").removesuffix("Object")
    ids = {"id": f"{ISSUER}.{name or sort}"}
    if kind.endswith("Object"):
        ids = {"id": f"{ISSUER}.{name or f'{sort}-card'}", "classId": f"{ISSUER}.{sort}"}
    return {**found, **ids, **more}


def assertion(file: Json, **claims: Any) -> str:
    now = int(time.time())
    wanted = {
        "iss": file["client_email"], "scope": SCOPE, "iat": now, "exp": now + 3600,
        "aud": "https://oauth2.googleapis.com/token",
    }  # fmt: skip
    return jwt.encode({**wanted, **claims}, file["private_key"], "RS256", headers={"kid": file["private_key_id"]})


def ask_token(file: Json, signed: str, **form: str) -> requests.Response:
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return requests.post(file["token_uri"], data={"grant_type": grant, "assertion": signed, **form}, timeout=5)


def save_token(file: Json, payload: Json, /, **claims: Any) -> str:
    wanted = {"iss": file["client_email"], "aud": "google", "typ": "savetowallet", "iat": int(time.time()),
              "origins": ["https://wallet.example"], "payload": payload}  # fmt: skip
    wanted = {key: value for key, value in {**wanted, **claims}.items() if value is not None}
    return jwt.encode(wanted, file["private_key"], "RS256")


def points(value: int) -> Json:
    return {"loyaltyPoints": {"balance": {"int": value}}}


class Account:
    """A service account at the sandbox, and its calls."""

    def __init__(self, google: GoogleSandbox, issuer: str = ISSUER, name: str = "wallet") -> None:
        self.google = google
        self.file: Json = google.issue_key(issuer, "Verdi", account=name, key=private_key())
        token = ask_token(self.file, assertion(self.file)).json()["access_token"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, sent: Any = None, **query: Any) -> requests.Response:
        return self.session.request(method, f"{self.google.api_url}/{path}", json=sent, params=query, timeout=10)

    def insert(self, kind: str, name: str = "", **more: Any) -> Json:
        """Inserts a valid body, with changes, and gives the answer's."""
        answer = self.call("POST", kind, body(kind, name, **more))
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def make(self, sort: str, url: str = "", **more: Any) -> str:
        """A class of this type and one object in it; the object's id. `url`: where callbacks go."""
        self.insert(f"{sort}Class", **({"callbackOptions": {"url": url}} if url else {}))
        return str(self.insert(f"{sort}Object", **more)["id"])

    def patch(self, resource: str, *, notify: bool = True, **change: Any) -> None:
        """Changes a loyalty card, with a push if need be."""
        more = {"notifyPreference": "NOTIFY_ON_UPDATE"} if notify else {}
        answer = self.call("PATCH", f"loyaltyObject/{resource}", {**change, **more})
        assert answer.status_code == 200, answer.text
        assert "notifyPreference" not in answer.json()

    def link(self, *objects: str, sort: str = "loyalty") -> str:
        """The skinny save link of objects."""
        named = [{"id": each, "classId": f"{ISSUER}.{sort}"} for each in objects]
        return f"{self.google.save_url}/{save_token(self.file, {f'{sort}Objects': named})}"


def reason(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]
