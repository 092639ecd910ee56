"""The eight ready designs. Values have the names that the documentation and the demo use."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from passes.models import PassTemplate, TemplateField
from passes.ready import signs
from passes.ready.design import Day, Line, Look, Ready

KIND, BARCODE, FORMAT = PassTemplate.Kind, PassTemplate.BarcodeFormat, TemplateField.Format
NUMBER = {"format": FORMAT.NUMBER}
MONEY = {"format": FORMAT.CURRENCY, "currency": "EUR"}
DATE = {"format": FORMAT.DATE}
EVENING = {**DATE, "time_style": TemplateField.Length.SHORT, "fixed_zone": True}

FULL_NAME = "{{ first_name }} {{ last_name }}"
VALID_UNTIL = "{{ valid_until }}"
ANNA = {"first_name": "Anna", "last_name": "Peeters"}

LOYALTY = Ready(
    key="loyalty",
    name=_("Loyalty card"),
    sentence=_("Points for each purchase, told on the lock screen when they change."),
    kind=KIND.CUSTOMER_CARD,
    description=_("Loyalty card"),
    look=Look("#14532D", "#1F7A4D", "#FFFFFF", "#CDEBD9", signs.STAR),
    lines=(
        Line("header", "points", _("Points"), "{{ points }}", _("You now have %@ points"), NUMBER),
        Line("secondary", "member", _("Member"), FULL_NAME),
        Line("secondary", "number", _("Card number"), "{{ card_number }}"),
        Line("back", "how", _("How it works"), _("Show this card when you pay: one point for each euro.")),
    ),
    values={**ANNA, "points": 240, "card_number": "0042 1877"},
    barcode=(BARCODE.QR, "{{ card_number }}"),
)
TIERED = Ready(
    key="tiered",
    name=_("Loyalty card with tiers"),
    sentence=_("Points, the tier that they lead to, and how far the next one is."),
    kind=KIND.CUSTOMER_CARD,
    description=_("Loyalty card"),
    look=Look("#1E1B4B", "#4338CA", "#FFFFFF", "#D6D3FF", signs.CROWN),
    lines=(
        Line("header", "points", _("Points"), "{{ points }}", _("You now have %@ points"), NUMBER),
        Line("primary", "tier", _("Tier"), "{{ tier }}", _("Welcome to %@")),
        Line("secondary", "member", _("Member"), FULL_NAME),
        Line("secondary", "missing", _("Points to the next tier"), "{{ points_to_next_tier }}"),
        Line("back", "number", _("Card number"), "{{ card_number }}"),
        Line("back", "benefits", _("Your benefits"), _("Each tier has benefits of its own. Ask us about yours.")),
    ),
    values={**ANNA, "points": 1240, "tier": _("Gold"), "points_to_next_tier": 260, "card_number": "0042 1877"},
    barcode=(BARCODE.QR, "{{ card_number }}"),
)
COUPON = Ready(
    key="coupon",
    name=_("Coupon"),
    sentence=_("One offer with a code and a last day, after which Wallet moves it aside."),
    kind=KIND.OFFER,
    description=_("Coupon"),
    look=Look("#7F1D1D", "#C2410C", "#FFFFFF", "#FFE4D6", signs.PERCENT),
    lines=(
        Line("primary", "offer", _("Your offer"), "{{ offer }}"),
        Line("secondary", "until", _("Valid until"), VALID_UNTIL, "", DATE),
        Line("secondary", "code", _("Code"), "{{ coupon_code }}"),
        Line("back", "terms", _("Conditions"), _("Good for one purchase, and not together with other offers.")),
    ),
    values={"offer": "– 20 %", "coupon_code": "AUTUMN-20", "valid_until": Day(60)},
    barcode=(BARCODE.CODE128, "{{ coupon_code }}"),
    expires=VALID_UNTIL,
)
GIFT_CARD = Ready(
    key="gift-card",
    name=_("Gift card"),
    sentence=_("A balance that each payment changes, with the number that the till reads."),
    kind=KIND.GIFT_CARD,
    description=_("Gift card"),
    look=Look("#701A43", "#BE185D", "#FFFFFF", "#FFDCEB", signs.GIFT),
    lines=(
        Line("primary", "balance", _("Balance"), "{{ balance }}", _("You have %@ left"), MONEY),
        Line("secondary", "until", _("Valid until"), VALID_UNTIL, "", DATE),
        Line("secondary", "number", _("Card number"), "{{ card_number }}"),
        Line("back", "terms", _("Conditions"), _("Pay with it in all our shops. It is not paid out.")),
    ),
    values={"balance": 50.0, "card_number": "7010 4488 2031", "valid_until": Day(365)},
    barcode=(BARCODE.QR, "{{ card_number }}"),
    expires=VALID_UNTIL,
)
EVENT = Ready(
    key="event",
    name=_("Event ticket"),
    sentence=_("What, when, where and which seat; it appears by itself when the evening comes."),
    kind=KIND.EVENT_TICKET,
    description=_("Ticket"),
    look=Look("#0F172A", "#155E75", "#FFFFFF", "#C7E9F1", signs.TICKET),
    lines=(
        Line("primary", "event", _("Your event"), "{{ event_name }}"),
        Line("secondary", "starts", _("Begins"), "{{ event_starts }}", _("It begins at another time: %@"), EVENING),
        Line("secondary", "venue", _("Venue"), "{{ venue }}", _("It is at another place: %@")),
        Line("auxiliary", "entrance", _("Entrance"), "{{ entrance }}"),
        Line("auxiliary", "row", _("Row"), "{{ row }}"),
        Line("auxiliary", "seat", _("Seat"), "{{ seat }}"),
        Line("back", "guest", _("Name"), FULL_NAME),
        Line("back", "ticket", _("Ticket number"), "{{ ticket_number }}"),
    ),
    values={
        **ANNA, "event_name": _("Autumn concert"), "event_starts": Day(45, "20:00"), "event_ends": Day(45, "23:00"),
        "venue": _("Town hall"), "entrance": "B", "row": "7", "seat": "12", "ticket_number": "T-2208-0712",
    },
    barcode=(BARCODE.AZTEC, "{{ ticket_number }}"),
    expires="{{ event_ends }}",
    moment=("{{ event_starts }}", "{{ event_ends }}"),
)  # fmt: skip
MEMBERSHIP = Ready(
    key="membership",
    name=_("Membership card"),
    sentence=_("Who is a member, of what sort and until when; for clubs, museums and associations."),
    kind=KIND.GENERIC,
    description=_("Membership card"),
    look=Look("#134E4A", "#0F766E", "#FFFFFF", "#CCF2EC", signs.PERSON, "thumbnail"),
    lines=(
        Line("primary", "member", _("Member"), FULL_NAME),
        Line("secondary", "type", _("Membership"), "{{ membership_type }}"),
        Line("secondary", "since", _("Since"), "{{ member_since }}"),
        Line("auxiliary", "number", _("Member number"), "{{ member_number }}"),
        Line("auxiliary", "until", _("Valid until"), VALID_UNTIL, "", DATE),
        Line("back", "renewal", _("Renewal"), _("When you renew, this card is renewed by itself.")),
    ),
    values={**ANNA, "membership_type": _("Friend"), "member_since": "2021", "member_number": "M-10482",
            "valid_until": Day(300)},
    barcode=(BARCODE.QR, "{{ member_number }}"),
    expires=VALID_UNTIL,
)  # fmt: skip
STAMP_CARD = Ready(
    key="stamp-card",
    name=_("Stamp card"),
    sentence=_("A stamp for each visit, and what the full card is worth."),
    kind=KIND.CUSTOMER_CARD,
    description=_("Stamp card"),
    look=Look("#4A2C17", "#8A5A34", "#FFFFFF", "#F6E2C9", signs.STAMPS),
    lines=(
        Line("header", "stamps", _("Stamps"), "{{ stamps }}", _("You now have %@ stamps"), NUMBER),
        Line("secondary", "reward", _("At ten stamps"), "{{ reward }}"),
        Line("secondary", "member", _("Member"), FULL_NAME),
        Line("back", "how", _("How it works"), _("One stamp for each visit. Ten stamps make the card full.")),
    ),
    values={**ANNA, "stamps": 6, "reward": "Cappuccino", "card_number": "S-31077"},
    barcode=(BARCODE.QR, "{{ card_number }}"),
)
STUDENT_CARD = Ready(
    key="student-card",
    name=_("Student card"),
    sentence=_("Who studies what, for the year that it is valid."),
    kind=KIND.GENERIC,
    description=_("Student card"),
    look=Look("#1E3A5F", "#2563EB", "#FFFFFF", "#D5E6FB", signs.CAP, "thumbnail"),
    lines=(
        Line("header", "year", _("Year"), "{{ academic_year }}"),
        Line("primary", "student", _("Student"), FULL_NAME),
        Line("secondary", "programme", _("Programme"), "{{ programme }}"),
        Line("secondary", "number", _("Student number"), "{{ student_number }}"),
        Line("auxiliary", "birthday", _("Date of birth"), "{{ birthday }}", "", DATE),
        Line("auxiliary", "until", _("Valid until"), VALID_UNTIL, "", DATE),
        Line("back", "lost", _("Lost your phone?"), _("Tell the student office. The card is then no longer valid.")),
    ),
    values={**ANNA, "academic_year": "2026–27", "programme": _("Architecture"), "student_number": "r0812345",
            "birthday": "2005-04-12", "valid_until": Day(330)},
    barcode=(BARCODE.CODE128, "{{ student_number }}"),
    expires=VALID_UNTIL,
)  # fmt: skip

DESIGNS = {each.key: each for each in (
    LOYALTY, TIERED, COUPON, GIFT_CARD, EVENT, MEMBERSHIP, STAMP_CARD, STUDENT_CARD,
)}  # fmt: skip
