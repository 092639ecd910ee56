"""The keys of pass.json by the type a device expects, and the values it knows.

Names and types as Apple's pass-builder gives them (github.com/apple/pass-builder); meanings on
developer.apple.com/documentation/walletpasses/pass and …/passfieldcontent
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

CLASSIC_STYLES = ("boardingPass", "coupon", "eventTicket", "generic", "storeCard")
POSTER = "posterGeneric"
GROUPS = (
    "headerFields",
    "primaryFields",
    "secondaryFields",
    "auxiliaryFields",
    "backFields",
    "additionalInfoFields",
    "footerFields",
)

REQUIRED = ("passTypeIdentifier", "serialNumber", "teamIdentifier", "organizationName", "description")
BOOLEANS = frozenset(
    {"sharingProhibited", "voided", "suppressHeaderDarkening", "suppressStripShine", "useAutomaticColors"}
)
COLOURS = frozenset({"backgroundColor", "foregroundColor", "labelColor", "stripColor", "footerBackgroundColor"})
DATES = frozenset({"expirationDate", "relevantDate"})
OBJECT_LISTS = frozenset(
    {"barcodes", "beacons", "featuredActions", "locations", "relevantDates", "upcomingPassInformation"}
)
LISTS = OBJECT_LISTS | {"associatedStoreIdentifiers", "auxiliaryStoreIdentifiers", "preferredStyleSchemes"}
OBJECTS = frozenset({"barcode", "nfc", "semantics", POSTER, *CLASSIC_STYLES})
TEXTS = frozenset(
    """
    passTypeIdentifier serialNumber teamIdentifier organizationName description webServiceURL authenticationToken
    eventLogoText logoText logoSymbolName groupingIdentifier accessibilityURL addOnURL appLaunchURL bagPolicyURL
    merchandiseURL orderFoodURL parkingInformationURL purchaseParkingURL sellURL transferURL transitInformationURL
    contactVenueEmail contactVenuePhoneNumber contactVenueWebsite directionsInformationURL changeSeatURL
    entertainmentURL purchaseAdditionalBaggageURL purchaseLoungeAccessURL purchaseWifiURL upgradeURL managementURL
    registerServiceAnimalURL reportLostBagURL requestWheelchairURL transitProviderEmail transitProviderPhoneNumber
    transitProviderWebsiteURL
    """.split()  # noqa: SIM905  (forty names read better as a paragraph)
)
TOP_LEVEL = BOOLEANS | COLOURS | DATES | LISTS | OBJECTS | TEXTS | {"formatVersion", "maxDistance", "userInfo"}

FIELD_KEYS = frozenset(
    {"key", "label", "value", "attributedValue", "changeMessage", "dataDetectorTypes", "textAlignment"}
    | {"dateStyle", "timeStyle", "ignoresTimeZone", "isRelative", "numberStyle", "currencyCode", "row", "semantics"}
)
DATE_STYLES = frozenset(f"PKDateStyle{size}" for size in ("None", "Short", "Medium", "Long", "Full"))
FIELD_VALUES = {
    "textAlignment": frozenset(f"PKTextAlignment{side}" for side in ("Natural", "Left", "Center", "Right")),
    "dateStyle": DATE_STYLES,
    "timeStyle": DATE_STYLES,
    "numberStyle": frozenset(f"PKNumberStyle{kind}" for kind in ("Decimal", "Percent", "Scientific", "SpellOut")),
}
DETECTORS = frozenset(f"PKDataDetectorType{kind}" for kind in ("PhoneNumber", "Link", "Address", "CalendarEvent"))
FIELD_BOOLEANS = frozenset({"ignoresTimeZone", "isRelative"})
ACTION_TYPES = frozenset(
    """
    viewSchedule watchTrailer listenToMusic call place addToBalance order shop membershipBenefits bookAppointment
    bookCar bookFlight bookStay viewOffersRewards
    """.split()  # noqa: SIM905
)
TRANSIT_TYPES = frozenset(f"PKTransitType{kind}" for kind in ("Air", "Boat", "Bus", "Generic", "Train"))
LEGACY_BARCODES = frozenset(f"PKBarcodeFormat{kind}" for kind in ("QR", "PDF417", "Aztec", "Code128"))
BARCODES = LEGACY_BARCODES | {f"PKBarcodeFormat{kind}" for kind in ("Code39", "Codabar", "EAN13", "I2of5")}

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_HEX_COLOUR = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_RGB_COLOUR = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def is_date(value: Any) -> bool:
    """ISO 8601 with hours, minutes and a zone written `Z` or `±HH:MM`; anything else is no date to a device."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value))
    except ValueError:
        return False
    return True


def is_colour(value: Any) -> bool:
    """`rgb(r, g, b)` with parts up to 255, `#RGB` or `#RRGGBB`; no names, no alpha."""
    if not isinstance(value, str):
        return False
    if parts := _RGB_COLOUR.fullmatch(value):
        return all(int(part) <= 255 for part in parts.groups())
    return bool(_HEX_COLOUR.fullmatch(value))


def objects(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in a list; what else stands there is told by the type of the key."""
    value = document.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
