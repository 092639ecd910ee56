"""Pairings in the browser: chosen by owners, mapped, tried and paused by marketers; mistakes are told by line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.actito.models import ActitoConnection
from integrations.pairing import hub
from integrations.pairing.models import ConsentMapping, PairedPerson, Pairing
from integrations.rules.consents import choices
from portal import ledger
from portal.models import Change, Customer, Job, Tenant
from portal.sentences import joined, say
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.pairing.admin.paired_world import connected, known, paired
from tests.integrations.pairing.sides import EMAIL, NEWSLETTER, PROMOTIONS, Paper, received, told
from tests.portal.admin_world import World, action, client_of, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


def person(tenant: Tenant, role: Role) -> Client:
    user = make.UserFactory.make()
    make.MembershipFactory.make(tenant=tenant, user=user, role=role)
    return client_of(user)


@pytest.fixture
def marketer(brand: Tenant) -> Client:
    return person(brand, Role.MARKETER)


def form(pairing: Pairing, *more: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The page's form with its stored lines, and more of them."""
    stored = [
        {"id": each.pk, "pairing": pairing.pk, "part": each.part, "target": each.target, "path": each.path,
         "value_name": each.value_name, "policy": each.policy}
        for each in pairing.mappings.all()
    ]  # fmt: skip
    empty = {"pairing": pairing.pk, "part": "subscriptions", "value_name": "", "policy": "newest"}
    new = [{**empty, **each} for each in more]
    lines = {
        f"mappings-{place}-{name}": value
        for place, line in enumerate([*stored, *new]) for name, value in line.items()
    }  # fmt: skip
    count = {"mappings-TOTAL_FORMS": len(stored) + len(new), "mappings-INITIAL_FORMS": len(stored)}
    return {"name": pairing.name, **count, **lines, **values}


def content(answer: Any) -> str:
    return str(answer.content.decode().replace("&#x27;", "'"))


# The form


def test_an_owner_pairs_two_connections_and_goes_on_at_the_page_of_the_pairing(
    brand: Tenant, actito: ActitoConnection
) -> None:
    didomi = make.DidomiFactory.make(tenant=brand)
    owner = person(brand, Role.OWNER)
    page = content(owner.get(url(Pairing, "add")))
    assert f'value="paper:{didomi.pk}" selected' in page
    chosen = {"name": "Main", "consents": f"paper:{didomi.pk}", "profiles": actito.source}
    answer = owner.post(url(Pairing, "add"), chosen)
    made = Pairing.objects.get(name="Main")
    assert (answer.status_code, answer.url) == (302, url(Pairing, "change", made.pk))
    assert (made.phase, made.upsert_mode, made.tenant) == (Pairing.Phase.DRAFT, False, brand)
    page = content(owner.get(answer.url))
    assert "What arrives is kept, and changes nothing yet." in page
    assert "emailAddress" in page  # the unique key, which the connection decides
    assert '<option value="Catalogue"></option>' in page
    assert f'<option value="{EMAIL}" label="E-mail"></option>' in page


def test_two_connections_are_paired_once(pairing: Pairing) -> None:
    chosen = {"name": "Again", "consents": pairing.consents, "profiles": pairing.profiles}
    answer = person(pairing.tenant, Role.OWNER).post(url(Pairing, "add"), chosen)
    assert "already exists" in content(answer)
    assert Pairing.objects.count() == 1


@pytest.mark.parametrize("name", ["consents", "profiles"])
def test_a_connection_of_somebody_else_is_refused(brand: Tenant, actito: ActitoConnection, name: str) -> None:
    didomi, other = make.DidomiFactory.make(tenant=brand), make.TenantFactory.make()
    theirs = {"consents": f"paper:{make.DidomiFactory.make(tenant=other).pk}", "profiles": connected(other).source}
    chosen = {"name": "Main", "consents": f"paper:{didomi.pk}", "profiles": actito.source, name: theirs[name]}
    answer = person(brand, Role.OWNER).post(url(Pairing, "add"), chosen)
    assert "Select a valid choice." in content(answer)
    assert not Pairing.objects.exists()


def test_a_superuser_who_sees_all_tenants_pairs_connections_of_one(brand: Tenant, actito: ActitoConnection) -> None:
    theirs = make.DidomiFactory.make(tenant=make.TenantFactory.make())
    superuser = client_of(make.UserFactory.make(is_superuser=True, is_staff=True))
    chosen = {"name": "Main", "tenant": brand.pk, "consents": f"paper:{theirs.pk}", "profiles": actito.source}
    answer = superuser.post(url(Pairing, "add"), chosen)
    assert "Choose one from your own list." in content(answer)
    assert not Pairing.objects.exists()


def test_a_marketer_maps_but_does_not_choose_connections(pairing: Pairing, marketer: Client) -> None:
    other = make.DidomiFactory.make(tenant=pairing.tenant)
    sent = form(pairing, {"target": "Catalogue", "path": EMAIL}, consents=f"paper:{other.pk}", upsert_mode="on")
    assert marketer.post(url(Pairing, "change", pairing.pk), sent).status_code == 302
    was = pairing.consents
    pairing.refresh_from_db()
    assert (pairing.consents, pairing.upsert_mode) == (was, True)
    assert pairing.mappings.get(target="Catalogue").policy == ConsentMapping.Policy.NEWEST
    assert marketer.get(url(Pairing, "add")).status_code == 403


def test_a_line_that_follows_another_consent_now_forgets_what_stood_by_the_old_one(
    pairing: Pairing, marketer: Client, anna: Customer
) -> None:
    standing = {"state": True, "at": None, "by": pairing.consents, "sides": {}}
    held = PairedPerson.objects.create(
        pairing=pairing, customer=anna, standings={"newsletter": standing, "promotions": standing}
    )
    sent = form(pairing)
    (line,) = [name for name, value in sent.items() if value == NEWSLETTER]
    assert marketer.post(url(Pairing, "change", pairing.pk), {**sent, line: EMAIL}).status_code == 302
    held.refresh_from_db()
    assert held.standings == {"promotions": standing}


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_others_read_the_lines_and_change_nothing(pairing: Pairing, role: Role) -> None:
    client = person(pairing.tenant, role)
    page = client.get(url(Pairing, "change", pairing.pk))
    assert page.status_code == 200
    assert NEWSLETTER in content(page)
    assert client.post(url(Pairing, "change", pairing.pk), form(pairing, name="Mine")).status_code == 403
    assert client.post(action(Pairing, pairing.pk, "try-out"), SUBMIT).status_code in {403, 404}


def test_connections_stay_once_a_pairing_was_on(pairing: Pairing) -> None:
    Pairing.objects.update(phase=Pairing.Phase.ON)
    other = make.DidomiFactory.make(tenant=pairing.tenant)
    owner = person(pairing.tenant, Role.OWNER)
    owner.post(url(Pairing, "change", pairing.pk), form(pairing, consents=f"paper:{other.pk}"))
    assert Pairing.objects.get().consents == pairing.consents


@pytest.mark.parametrize(
    ("more", "settings", "said"),
    [
        ([{"target": "Newsletter", "path": EMAIL}], {}, "“Newsletter” has a line already."),
        ([{"target": "Catalogue", "path": NEWSLETTER}], {"enable_webhooks": "on"}, "“Newsletter” has this path"),
        ([{"target": "Shoes", "path": EMAIL}], {}, "The profile table has no subscription “Shoes”."),
        ([{"part": "attributes", "target": "shoe", "path": "user_x"}], {}, "has no attribute “shoe”."),
        ([{"target": "Catalogue", "path": "email"}], {}, "“email” is no path of a consent."),
        ([{"target": "Catalogue", "path": "user_x"}], {"enable_webhooks": "on"}, "“user_x” cannot be written back."),
        ([{"target": "Catalogue", "path": EMAIL, "value_name": "newsletter"}], {}, "customer value “newsletter”"),
        ([{"target": "Catalogue", "path": EMAIL, "value_name": "home"}], {}, "fills “home” with “city”."),
        ([{"target": "Catalogue", "path": EMAIL, "value_name": "no name"}], {}, "Use letters, digits and _ only"),
        ([{"target": "", "path": EMAIL}], {}, "This field is required."),
        ([{"target": f"S{n}", "path": EMAIL} for n in range(99)], {}, "A pairing has 100 lines at most."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_line_and_nothing_is_stored(
    pairing: Pairing, marketer: Client, more: list[dict[str, Any]], settings: dict[str, str], said: str
) -> None:
    answer = marketer.post(url(Pairing, "change", pairing.pk), form(pairing, *more, **settings))
    assert answer.status_code == 200
    assert said in content(answer)
    assert pairing.mappings.count() == 2


def test_a_stored_line_whose_subscription_went_does_not_keep_others_from_being_saved(
    pairing: Pairing, actito: ActitoConnection, marketer: Client
) -> None:
    actito.structure.parts["subscriptions"].pop(0)
    actito.structure.save()
    answer = marketer.post(url(Pairing, "change", pairing.pk), form(pairing, {"target": "Catalogue", "path": EMAIL}))
    assert answer.status_code == 302
    assert "The profile table has no subscription “Newsletter”." in content(
        marketer.get(url(Pairing, "change", pairing.pk))
    )


def test_a_pairing_whose_connection_was_deleted_still_has_a_page(pairing: Pairing, marketer: Client) -> None:
    ActitoConnection.objects.all().delete()
    page = content(marketer.get(url(Pairing, "change", pairing.pk)))
    assert "A connection of this pairing was deleted" in page
    assert marketer.get(url(Pairing, "changelist")).status_code == 200


# A consent is tried


def preview(client: Client, pairing: Pairing, *more: dict[str, Any], **values: Any) -> str:
    return content(client.post(reverse("admin:integrations_pairing_preview", args=[pairing.pk]),
                               form(pairing, *more, **values)))  # fmt: skip


def test_an_event_that_came_is_tried_on_lines_that_are_not_saved(pairing: Pairing, marketer: Client) -> None:
    Paper.received_ones = [received(7, told(**{NEWSLETTER: True, EMAIL: False})), received(8, None, "It is pending.")]
    assert 'value="7"' in content(marketer.get(url(Pairing, "change", pairing.pk)))
    shown = preview(marketer, pairing, {"target": "Catalogue", "path": EMAIL}, sample_event="7")
    assert "anna@example.com" in shown
    assert shown.index("Would be subscribed.") < shown.index("This event says nothing of it") < shown.index(
        "Would be unsubscribed."
    )  # fmt: skip
    assert "It is pending." in preview(marketer, pairing, sample_event="8")
    assert pairing.mappings.count() == 2


def test_a_pasted_event_is_tried_and_what_is_none_is_told(pairing: Pairing, marketer: Client) -> None:
    text = json.dumps({"metadata": {"city": "Ghent", "shoe": 42}, PROMOTIONS: "yes"})
    shown = preview(marketer, pairing, sample_text=text, all_metadata="on")
    assert "This is a text, not yes or no" in shown
    assert "User metadata that is written: city." in shown
    assert "User metadata without an attribute, not sent: shoe." in shown
    assert "This is no event." in preview(marketer, pairing, sample_text="[")
    assert "This is too long for an event." in preview(marketer, pairing, sample_text="x" * 100_001)


def test_the_preview_tells_of_mistakes_and_is_for_those_who_may_map(pairing: Pairing, marketer: Client) -> None:
    shown = preview(marketer, pairing, {"target": "Shoes", "path": NEWSLETTER}, enable_webhooks="on")
    assert "no subscription “Shoes”" in shown
    assert "has this path as well" in shown
    page = reverse("admin:integrations_pairing_preview", args=[pairing.pk])
    assert marketer.get(page).status_code == 405
    assert person(pairing.tenant, Role.AUDITOR).post(page).status_code == 404


def test_trying_it_says_what_would_have_changed(pairing: Pairing, marketer: Client, anna: Customer) -> None:
    Paper.received_ones = [received(7, told(**{NEWSLETTER: True})), received(8, None, "It is pending.")]
    answer = content(marketer.post(action(Pairing, pairing.pk, "try-out"), {**SUBMIT, "events": "10"}))
    assert "It would have subscribed 1, unsubscribed 0 and left 0 alone." in answer
    assert "1 skipped: It is pending." in " ".join(answer.split())
    assert url(Customer, "change", anna.pk) in answer
    refused = content(marketer.post(action(Pairing, pairing.pk, "try-out"), {**SUBMIT, "events": "501"}))
    assert "less than or equal to 500" in refused


# Taking over, and subscriptions that came since


def test_the_connector_is_taken_over(pairing: Pairing, actito: ActitoConnection, marketer: Client) -> None:
    page = url(Pairing, "change", pairing.pk)
    assert "Take over from the connector" not in content(marketer.get(page))
    actito.connector = {"mappings": [{"id": "Catalogue", "value": EMAIL}], "upsert_mode": True, "enable_emailing": True}
    actito.save()
    assert "On in the imported connector. Kept for import and export" in content(marketer.get(page))
    asked = content(marketer.get(action(Pairing, pairing.pk, "take-over")))
    assert "Catalogue" in asked
    assert EMAIL in asked
    marketer.post(action(Pairing, pairing.pk, "take-over"), SUBMIT)
    pairing.refresh_from_db()
    assert (pairing.upsert_mode, pairing.mappings.get(target="Catalogue").path) == (True, EMAIL)
    assert Change.objects.filter(sentence="Taken over from Didomi's connector.").exists()


@pytest.fixture
def switched_on(pairing: Pairing) -> Pairing:
    pairing.phase, pairing.known_subscriptions = Pairing.Phase.ON, ["Newsletter", "Promotions"]
    pairing.on_since = pairing.created_at
    pairing.save()
    return pairing


def test_a_new_subscription_is_announced_until_it_is_mapped(switched_on: Pairing, marketer: Client) -> None:
    page = url(Pairing, "change", switched_on.pk)
    assert "New in the profile table" in content(marketer.get(page))
    assert "subscription Catalogue is new" in content(marketer.get(reverse("admin:index")))
    wrong = {"target": "Catalogue", "path": "email", "policy": "newest", "value_name": ""}
    answer = content(marketer.post(action(Pairing, switched_on.pk, "add-line"), {**SUBMIT, **wrong}))
    assert "“email” is no path of a consent." in answer
    marketer.post(action(Pairing, switched_on.pk, "add-line"), {**SUBMIT, **wrong, "path": EMAIL})
    assert switched_on.mappings.get(target="Catalogue").path == EMAIL
    assert "New in the profile table" not in content(marketer.get(page))


def test_a_new_subscription_is_left_as_it_is(switched_on: Pairing, marketer: Client) -> None:
    marketer.post(action(Pairing, switched_on.pk, "leave-it"), {**SUBMIT, "names": ["Catalogue"]})
    switched_on.refresh_from_db()
    assert switched_on.known_subscriptions == ["Catalogue", "Newsletter", "Promotions"]
    assert "is new" not in content(marketer.get(reverse("admin:index")))
    assert switched_on.mappings.count() == 2


# Paused and resumed


def test_a_paused_pairing_keeps_what_arrives_and_says_how_much(
    switched_on: Pairing, marketer: Client, anna: Customer
) -> None:
    page = url(Pairing, "change", switched_on.pk)
    marketer.post(action(Pairing, switched_on.pk, "pause"), SUBMIT)
    assert Pairing.objects.get().phase == Pairing.Phase.PAUSED
    cause = arrival(switched_on)
    assert hub.told(switched_on.consents, told(**{NEWSLETTER: True}), cause) == hub.KEPT
    assert "Events that were kept while no pairing was on: 1." in content(marketer.get(page))
    marketer.post(action(Pairing, switched_on.pk, "resume"), SUBMIT)
    assert Pairing.objects.get().phase == Pairing.Phase.ON
    assert "“Replay what was kept” takes them." in content(marketer.get(page))
    hub.told(switched_on.consents, told(**{NEWSLETTER: True}), cause)
    assert Customer.objects.get(pk=anna.pk).values["newsletter"] is True


def test_a_marketer_replays_what_was_kept_once_the_pairing_is_on(switched_on: Pairing, marketer: Client) -> None:
    kept, replay = arrival(switched_on, "didomi.event"), action(Pairing, switched_on.pk, "replay-kept")
    arrival(switched_on, "didomi.event", consents="didomi:99")
    assert "1 event came while no pairing" in content(marketer.get(replay))
    marketer.post(action(Pairing, switched_on.pk, "pause"), SUBMIT)
    marketer.post(replay, SUBMIT)
    assert not Job.objects.exists()
    marketer.post(action(Pairing, switched_on.pk, "resume"), SUBMIT)
    marketer.post(replay, SUBMIT)
    assert Job.objects.get().payload == {"events": [kept.pk]}


def arrival(pairing: Pairing, kind: str = "test.event", consents: str = "") -> Any:
    said = ledger.ignored(joined([say("Read."), hub.KEPT]))
    made = ledger.news(kind, tenant_id=pairing.tenant_id, subject="person", result=said)
    made.source = consents or pairing.consents
    made.save()
    return made


def test_only_one_that_is_on_is_paused_and_a_draft_is_not_resumed(pairing: Pairing, marketer: Client) -> None:
    for name in ("pause", "resume"):
        marketer.post(action(Pairing, pairing.pk, name), SUBMIT)
    assert Pairing.objects.get().phase == Pairing.Phase.DRAFT
    assert marketer.post(action(Pairing, pairing.pk, "pause"), SUBMIT, follow=True).status_code == 200
    assert not Change.objects.filter(sentence="Paused.").exists()


# Elsewhere


def test_rules_may_ask_for_the_consents_of_a_pairing(pairing: Pairing) -> None:
    assert ("promotions", "Promotions in “Main”") in choices([pairing.tenant_id])
    assert choices([make.TenantFactory.make().pk]) == []


def test_a_pairing_and_what_stands_about_people_can_be_removed_by_an_owner(pairing: Pairing, anna: Customer) -> None:
    make.PairedPersonFactory.make(pairing=pairing, customer=anna)
    make.ConsentReviewFactory.make(pairing=pairing, customer=anna)
    owner = person(pairing.tenant, Role.OWNER)
    assert owner.post(url(Pairing, "delete", pairing.pk), {"post": "yes"}).status_code == 302
    assert not Pairing.objects.exists()


def test_of_two_worlds_each_sees_its_own_pairings(world: World, owner: Client, brand: Tenant) -> None:
    paired(brand, connected(brand), name="Rossi pairing")
    page = content(owner.get(url(Pairing, "changelist")))
    assert "Verdi pairing" in page
    assert "Rossi" not in page


def test_a_page_with_many_events_and_people_asks_the_database_few_questions(
    pairing: Pairing, actito: ActitoConnection, marketer: Client, django_assert_max_num_queries: Any
) -> None:
    for n in range(5):
        known(pairing.tenant, actito, f"p{n}@example.com")
    Paper.received_ones = [received(n, told(f"p{n % 5}@example.com", **{NEWSLETTER: True})) for n in range(100)]
    with django_assert_max_num_queries(60):
        marketer.post(action(Pairing, pairing.pk, "try-out"), {**SUBMIT, "events": "100"})
