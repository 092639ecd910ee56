"""Cards that another vendor issued, as their phones have them, and the exports that name them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7

from passes.card_import.job import begin
from passes.card_import.look import look
from passes.models import CardImport, PassTemplate
from portal.models import Job
from tests import factories as make
from tests.passes import world

TOKEN = "token-of-the-other-vendor"
HEAD = ("serialNumber", "authenticationToken", "customer", "deviceLibraryIdentifier", "pushToken")


def pkpass(serial: str, token: str, web_service: str, **fields: Any) -> bytes:
    """A card as another vendor would build it: this shares no code with the product."""
    document = {
        "formatVersion": 1, "passTypeIdentifier": world.PASS_TYPE, "teamIdentifier": world.TEAM,
        "organizationName": "Example Coffee", "description": "Old card", "serialNumber": serial,
        "authenticationToken": token, "webServiceURL": web_service,
        "storeCard": {"headerFields": [{"key": "points", "label": "Points", "value": 7,
                                        "changeMessage": "You now have %@ points"}]},
        **fields,
    }  # fmt: skip
    files = {"pass.json": json.dumps(document).encode(), "icon.png": world.png()}
    manifest = json.dumps({name: hashlib.sha1(data).hexdigest() for name, data in files.items()}).encode()
    issued = world.credentials()
    certificate, intermediate = (
        x509.load_pem_x509_certificate(pem.encode()) for pem in (issued.certificate_pem, issued.intermediate_pem)
    )
    key: Any = load_pem_private_key(issued.private_key_pem.encode(), None)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(manifest).add_signer(certificate, key, SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    signature = builder.add_certificate(intermediate).sign(Encoding.DER, options)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in {**files, "manifest.json": manifest, "signature": signature}.items():
            archive.writestr(name, data)
    return out.getvalue()


def export(*lines: Iterable[str], head: Iterable[str] = HEAD, encoding: str = "utf-8") -> bytes:
    return "\n".join(",".join(line) for line in (head, *lines)).encode(encoding)


def line(serial: str, customer: str, token: str = TOKEN, device: str = "", push_token: str = "") -> tuple[str, ...]:
    return serial, token, customer, device, push_token


def looked_at(template: PassTemplate, file: bytes) -> CardImport:
    return look(template, io.BytesIO(file), name="cards.csv", who="anna@example.com")


def begun(seen: CardImport, *, makes_customers: bool = False) -> Job:
    job = begin(seen, makes_customers=makes_customers, by=make.UserFactory.make())
    assert job
    return job
