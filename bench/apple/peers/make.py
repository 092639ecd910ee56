"""Builds the pass of a folder (pass.json, pictures, PEM files) with py-pkpass or with django-walletpass's builder."""

from __future__ import annotations

import json
import sys
import time
from io import BytesIO
from pathlib import Path

from django.conf import settings

FOLDER = Path(sys.argv[1])
CERTIFICATE, KEY, ISSUER = (str(FOLDER / f"{name}.pem") for name in ("certificate", "key", "issuer"))
DOCUMENT = json.loads((FOLDER / "pass.json").read_text())
PICTURES = {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.png"))}

settings.configure(
    SECRET_KEY="of a benchmark",
    INSTALLED_APPS=["django_walletpass"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    WALLETPASS={
        "CERT_PATH": CERTIFICATE, "KEY_PATH": KEY, "APPLE_WWDRCA_PEM_PATH": ISSUER, "SERVICE_URL": "https://example.com",
        "PASS_TYPE_ID": DOCUMENT["passTypeIdentifier"], "TEAM_ID": DOCUMENT["teamIdentifier"],
    },
)  # fmt: skip

import django  # noqa: E402 - it needs the settings

django.setup()

from django_walletpass.services.pass_builder import PassBuilder  # noqa: E402
from py_pkpass.models import Barcode, BarcodeFormat, Pass, StoreCard  # noqa: E402


def pkpass() -> bytes:
    card = StoreCard()
    for add, group in ((card.addHeaderField, "header"), (card.addPrimaryField, "primary"),
                       (card.addSecondaryField, "secondary"),
                       (card.addAuxiliaryField, "auxiliary"), (card.addBackField, "back")):  # fmt: skip
        for field in DOCUMENT["storeCard"].get(f"{group}Fields", []):
            add(field["key"], field["value"], field.get("label", ""))
    made = Pass(card, "", DOCUMENT["passTypeIdentifier"], DOCUMENT["organizationName"], DOCUMENT["teamIdentifier"])
    for name in ("serialNumber", "description", "backgroundColor", "webServiceURL", "authenticationToken"):
        setattr(made, name, DOCUMENT[name])
    made.barcode = Barcode(DOCUMENT["barcodes"][0]["message"], BarcodeFormat.QR)
    for name, data in PICTURES.items():
        made.addFile(name, BytesIO(data))
    return bytes(made.create(CERTIFICATE, KEY, ISSUER, None).getvalue())


def walletpass() -> bytes:
    builder = PassBuilder()
    builder.pass_data = dict(DOCUMENT)
    for name, data in PICTURES.items():
        builder.extra_files[name] = data
    return bytes(builder.build())


MAKERS = {"py-pkpass": pkpass, "django-walletpass": walletpass}
for line in sys.stdin:
    maker, count = line.split()
    begun = time.perf_counter()
    for _ in range(int(count)):
        MAKERS[maker]()
    print(time.perf_counter() - begun, flush=True)
