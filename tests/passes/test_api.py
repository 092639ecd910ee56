"""The API for passes: what a till or a site does with it, and what it hears when it does it wrong."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from passes.design import design_of
from passes.links import link_to_get
from passes.models import PassTemplate, WalletPass
from portal import ledger
from portal.access import make_key
from portal.models import Customer, Event, Scope, Tenant
from tests import factories as make
from tests.passes import world

pytestmark = pytest.mark.django_db
NOBODYS = "0b5c3b3e-6d0f-4d5c-9d0e-3f1f6a0c7a11"
BOTH = [Scope.PASS_READ, Scope.PASS_WRITE]


class Till:
    """A system of a tenant with a template, a customer and a key."""

    def __init__(self, slug: str = "verdi", scopes: list[Scope] | None = None) -> None:
        self.tenant = Tenant.objects.create(slug=slug, name=slug.title())
        self.template = published(self.tenant, "Loyalty card")
        self.anna = make.CustomerFactory.make(tenant=self.tenant, key="anna@example.com", values={"points": 120})
        self.secret = make_key(self.tenant, "Till", BOTH if scopes is None else scopes)[1]

    def call(self, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        address = f"/api/{self.tenant.slug}/passes{path}"
        client = Client(raise_request_exception=False)
        return getattr(client, method)(address, **sent, headers={"X-API-KEY": self.secret, **headers})

    def make(self, **more: Any) -> Any:
        return self.call("post", body={"template": self.template.pk, "customer": "anna@example.com", **more})

    def made(self) -> WalletPass:
        assert self.make().status_code == 201
        return WalletPass.objects.get(template=self.template, customer=self.anna)

    def change(self, one: WalletPass, body: Any, **headers: str) -> Any:
        return self.call("patch", f"/{one.serial_number}", body, **headers)

    def shown(self, one: WalletPass) -> dict[str, Any]:
        return dict(self.call("get", f"/{one.serial_number}").json())


def published(tenant: Tenant, name: str, **more: Any) -> PassTemplate:
    template = make.TemplateFactory.make(tenant=tenant, name=name, **more)
    make.TemplateFieldFactory.make(template=template, key="points", label="Points", expression="{{ points }}")
    template.published = design_of(template)
    template.save()
    return template


def work() -> None:
    while events := ledger.claim(32, "tests"):
        for event in events:
            ledger.run(event)


@pytest.fixture
def till() -> Till:
    return Till()


class TestMaking:
    def test_a_pass_is_made_and_its_page_is_told(self, till: Till) -> None:
        answer = till.make()
        assert answer.status_code == 201
        one, told = WalletPass.objects.get(), answer.json()
        assert told["id"] == str(one.serial_number)
        assert (told["customer"], told["values"]) == ("anna@example.com", {"points": 120})
        assert (told["templateName"], told["phones"], told["voided"], told["message"]) == ("Loyalty card", 0, False, "")
        assert answer.headers["Location"].endswith(f"/api/verdi/passes/{one.serial_number}")
        assert "/p/" in told["link"]
        assert "anna" not in told["link"]
        assert one.content["fields"][0]["value"] == 120

    def test_a_second_time_it_is_the_same_pass(self, till: Till) -> None:
        first, again = till.make(), till.make()
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert Event.objects.filter(kind="pass.made").count() == 1

    def test_a_template_that_makes_its_passes_in_another_way_is_refused(self, till: Till) -> None:
        PassTemplate.objects.update(issue=PassTemplate.Issue.RULE)
        answer = till.make()
        assert answer.status_code == 400
        assert "made in another way" in answer.json()["errors"]["$.template"][0]
        assert not WalletPass.objects.exists()

    def test_values_and_a_message_are_put_on_it(self, till: Till) -> None:
        till.make(values={"points": 200}, message="Welcome")
        work()
        told = till.shown(WalletPass.objects.get())
        assert (told["values"]["points"], told["message"]) == (200, "Welcome")

    def test_the_trace_says_who_made_it(self, till: Till) -> None:
        one = till.made()
        assert one.changed_by
        assert (one.changed_by.kind, one.changed_by.status) == ("pass.made", "done")

    @pytest.mark.parametrize(
        ("body", "places"),
        [
            ({}, {"$.template", "$.customer"}),
            ({"template": "3", "customer": 7}, {"$.template", "$.customer"}),
            ({"template": True, "customer": ""}, {"$.template", "$.customer"}),
            ({"template": 10**30, "customer": "x" * 256}, {"$.template", "$.customer"}),
            ({"template": 987654, "customer": "nobody@example.com"}, {"$.template", "$.customer"}),
            ({"template": 1, "customer": "a", "valeus": {}}, {"$.valeus"}),
            ({"template": 1, "customer": "a", "values": {"Points": 1}}, {"$.values.Points"}),
            ({"template": 1, "customer": "a", "values": {"points": [1]}}, {"$.values.points"}),
            ({"template": 1, "customer": "a", "values": {"points": 10**16}}, {"$.values.points"}),
            ({"template": 1, "customer": "a", "values": {"name": "x" * 1001}}, {"$.values.name"}),
            ({"template": 1, "customer": "a", "values": {"message": "x"}}, {"$.values.message"}),
            ({"template": 1, "customer": "a", "values": [1]}, {"$.values"}),
            ({"template": 1, "customer": "a", "values": {f"v{n}": 1 for n in range(101)}}, {"$.values"}),
            ({"template": 1, "customer": "a", "message": "x" * 1001}, {"$.message"}),
            ([], {"$"}),
        ],
    )
    def test_what_cannot_be_used_is_told_all_at_once_by_its_place(
        self, till: Till, body: Any, places: set[str]
    ) -> None:
        answer = till.call("post", body=body)
        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == places
        assert not WalletPass.objects.exists()

    def test_a_template_that_is_not_published_makes_no_pass(self, till: Till) -> None:
        PassTemplate.objects.update(published=None)
        assert set(till.make().json()["errors"]) == {"$.template"}

    def test_a_template_that_cannot_be_worked_out_says_why(self, till: Till) -> None:
        till.template.published["fields"][0]["format"] = "number"
        till.template.save()
        Customer.objects.update(values={"points": "many"})
        answer = till.make()
        assert answer.status_code == 400
        assert "“Points”" in answer.json()["errors"]["$.customer"][0]
        assert not Event.objects.exists()


class TestChanging:
    def test_a_change_is_stored_answered_and_carried_out(self, till: Till) -> None:
        one = till.made()
        answer = till.change(one, {"values": {"points": 450, "tier": None}, "message": "30 points more"})
        assert answer.status_code == 202
        event = Event.objects.get(pk=answer.json()["event"])
        assert (event.kind, event.status, answer.json()["id"]) == ("pass.update", "waiting", str(one.serial_number))
        work()
        assert till.shown(one)["values"]["points"] == 450
        assert till.shown(one)["message"] == "30 points more"
        assert WalletPass.objects.get().content["fields"][0]["value"] == 450

    def test_the_newest_value_wins_over_the_profiles(self, till: Till) -> None:
        one = till.made()
        till.change(one, {"values": {"points": 1}})
        till.change(one, {"values": {"points": 2}})
        work()
        assert till.shown(one)["values"]["points"] == 2

    def test_it_moves_to_another_template_of_the_same_tenant_only(self, till: Till) -> None:
        one, gold = till.made(), published(till.tenant, "Gold card", apple=till.template.apple)
        foreign = published(world.tenant("other"), "Theirs")
        answer = till.change(one, {"template": foreign.pk})
        assert set(answer.json()["errors"]) == {"$.template"}
        till.change(one, {"template": gold.pk})
        work()
        assert till.shown(one)["templateName"] == "Gold card"

    @pytest.mark.parametrize(
        "body", [{}, {"template": None}, {"message": None}, {"customer": "b"}, {"values": None}, [7]]
    )
    def test_what_changes_nothing_or_cannot_be_used_is_refused(self, till: Till, body: Any) -> None:
        one = till.made()
        answer = till.change(one, body)
        assert answer.status_code == 400
        assert answer.json()["errors"]
        assert not Event.objects.filter(kind="pass.update").exists()

    def test_silently_it_changes_without_a_message(self, till: Till) -> None:
        till.template.fields.update(change_message="%@ points")
        till.template.published = design_of(till.template)
        till.template.save()
        one = till.made()

        assert till.change(one, {"values": {"points": 480}, "silent": True}).status_code == 202
        work()

        one.refresh_from_db()
        assert [(field["value"], field["hushed"]) for field in one.content["fields"][:1]] == [(480, True)]

    @pytest.mark.parametrize("body", [{"silent": True}, {"values": {"points": 1}, "silent": "yes"}])
    def test_silent_says_how_not_what(self, till: Till, body: Any) -> None:
        assert till.change(till.made(), body).status_code == 400

    def test_a_pass_that_is_not_there_is_404(self, till: Till) -> None:
        assert till.call("patch", f"/{NOBODYS}", {"message": "x"}).status_code == 404
        assert till.call("get", f"/{NOBODYS}").status_code == 404
        assert till.call("get", "/not-a-serial").status_code == 404


class TestIdempotencyKey:
    def test_the_same_change_is_done_once(self, till: Till) -> None:
        one = till.made()
        answers = [till.change(one, {"message": "Hello"}, **{"Idempotency-Key": "receipt-77"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 202]
        assert len({answer.json()["event"] for answer in answers}) == 1
        assert Event.objects.filter(kind="pass.update").count() == 1

    def test_with_another_body_it_is_refused_and_nothing_is_done(self, till: Till) -> None:
        one = till.made()
        till.change(one, {"values": {"points": 1}}, **{"Idempotency-Key": "receipt-77"})
        answer = till.change(one, {"values": {"points": 2}}, **{"Idempotency-Key": "receipt-77"})
        assert answer.status_code == 422
        work()
        assert till.shown(one)["values"]["points"] == 1

    def test_making_with_it_twice_puts_the_values_on_once(self, till: Till) -> None:
        body = {"template": till.template.pk, "customer": "anna@example.com", "values": {"points": 5}}
        answers = [till.call("post", body=body, **{"Idempotency-Key": "sale-1"}).status_code for _ in range(2)]
        assert answers == [201, 200]
        assert Event.objects.filter(kind="pass.update").count() == 1

    def test_it_belongs_to_one_pass(self, till: Till) -> None:
        one = till.made()
        bert = make.CustomerFactory.make(tenant=till.tenant, key="bert@example.com")
        other = make.PassFactory.make(template=till.template, customer=bert)
        for each in (one, other):
            assert till.change(each, {"message": "Hi"}, **{"Idempotency-Key": "k"}).status_code == 202
        assert Event.objects.filter(kind="pass.update").count() == 2

    @pytest.mark.parametrize("key", ["", "two words", "x" * 101, "é"])
    def test_one_that_is_none_is_refused(self, till: Till, key: str) -> None:
        answer = till.change(till.made(), {"message": "x"}, **{"Idempotency-Key": key})
        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == {"Idempotency-Key"}


class TestFinding:
    def several(self, till: Till, number: int = 5) -> list[WalletPass]:
        people = [make.CustomerFactory.make(tenant=till.tenant, key=f"c{n}@example.com") for n in range(number)]
        return [make.PassFactory.make(template=till.template, customer=each) for each in people]

    def test_pages_follow_each_other_newest_first(self, till: Till) -> None:
        passes = self.several(till)
        found, path = [], "?limit=2"
        while path:
            told = till.call("get", path).json()
            found += [each["id"] for each in told["passes"]]
            path = "?" + told["next"].split("?")[1] if told["next"] else ""
        assert found == [str(each.serial_number) for each in reversed(passes)]

    def test_a_pass_made_meanwhile_moves_no_page(self, till: Till) -> None:
        passes = self.several(till, 3)
        first = till.call("get", "?limit=2").json()
        till.made()
        rest = till.call("get", "?" + first["next"].split("?")[1]).json()
        assert [each["id"] for each in rest["passes"]] == [str(passes[0].serial_number)]
        assert rest["next"] is None

    def test_filters_narrow_it_down(self, till: Till) -> None:
        passes = self.several(till, 3)
        WalletPass.objects.filter(pk=passes[0].pk).update(voided=True)
        gold = published(till.tenant, "Gold card")
        of_gold = make.PassFactory.make(template=gold, customer=till.anna)
        for query, expected in {
            "customer=c1@example.com": [passes[1]], "customer=nobody": [], "voided=true": [passes[0]],
            f"template={gold.pk}": [of_gold], f"template={gold.pk}&voided=true": [],
            f"voided=false&template={till.template.pk}": [passes[2], passes[1]],
        }.items():  # fmt: skip
            found = till.call("get", f"?{query}").json()["passes"]
            assert [each["id"] for each in found] == [str(each.serial_number) for each in expected], query

    @pytest.mark.parametrize(
        "query",
        ["limit=0", "limit=101", "limit=x", "voided=1", "template=x", "template=0", "after=x", "installed=true",
         "customer=", "customer=%00", f"after={NOBODYS}", "limit=٣"],
    )  # fmt: skip
    def test_a_filter_that_cannot_be_used_is_told(self, till: Till, query: str) -> None:
        answer = till.call("get", f"?{query}")
        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == {query.split("=", maxsplit=1)[0]}

    def test_a_page_asks_as_often_for_many_as_for_few(self, till: Till) -> None:
        self.several(till, 2)
        till.call("get")
        with CaptureQueriesContext(connection) as few:
            till.call("get")
        self.several_more(till)
        with CaptureQueriesContext(connection) as many:
            assert len(till.call("get").json()["passes"]) == 12
        assert len(many) == len(few)

    def several_more(self, till: Till) -> None:
        for number in range(10):
            someone = make.CustomerFactory.make(tenant=till.tenant, key=f"d{number}@example.com")
            make.PassFactory.make(template=till.template, customer=someone)


class TestWhoMay:
    @pytest.mark.parametrize(
        ("scopes", "reads", "writes"), [([Scope.PASS_READ], 200, 403), ([Scope.PASS_WRITE], 403, 201), ([], 403, 403)]
    )
    def test_reading_and_writing_have_scopes_of_their_own(self, scopes: list[Scope], reads: int, writes: int) -> None:
        till = Till(scopes=scopes)
        assert till.call("get").status_code == reads
        assert till.make().status_code == writes

    def test_another_tenants_passes_templates_and_customers_are_not_there(self, till: Till) -> None:
        theirs = Till("bianchi")
        one = theirs.made()
        assert till.call("get", f"/{one.serial_number}").status_code == 404
        assert till.change(one, {"message": "x"}).status_code == 404
        assert till.call("get", f"?after={one.serial_number}").status_code == 400
        assert till.call("get").json() == {"passes": [], "next": None}
        answer = till.call("post", body={"template": theirs.template.pk, "customer": "anna@example.com"})
        assert set(answer.json()["errors"]) == {"$.template"}
        Customer.objects.filter(pk=theirs.anna.pk).update(key="only@theirs.example")
        answer = till.call("post", body={"template": till.template.pk, "customer": "only@theirs.example"})
        assert set(answer.json()["errors"]) == {"$.customer"}

    def test_a_key_of_another_tenant_is_none(self, till: Till) -> None:
        other = Till("bianchi")
        other.secret = till.secret
        assert other.call("get").status_code == 401
        other.tenant.slug = "nobody"
        assert other.call("get").status_code == 401

    def test_a_suspended_tenant_hears_503(self, till: Till) -> None:
        Tenant.objects.update(suspended_at=timezone.now() - timedelta(days=1))
        answer = till.call("get")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "300")

    @pytest.mark.parametrize(("path", "allowed"), [("", "GET, HEAD, POST"), (f"/{NOBODYS}", "GET, HEAD, PATCH")])
    @pytest.mark.parametrize("method", ["put", "delete", "options"])
    def test_other_methods_are_refused_before_anybody_is_asked_who_they_are(
        self, path: str, allowed: str, method: str
    ) -> None:
        answer = getattr(Client(), method)(f"/api/verdi/passes{path}")
        assert answer.status_code == 405
        assert sorted(answer.headers["Allow"].split(", ")) == sorted(allowed.split(", "))


def test_what_the_api_tells_is_what_it_publishes(till: Till) -> None:
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    from portal import api  # noqa: PLC0415

    components = api.document()["components"]
    one = till.made()
    for name, told in {
        "Pass": till.shown(one),
        "PassPage": till.call("get").json(),
        "PassChangeAccepted": till.change(one, {"message": "x"}).json(),
    }.items():
        Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components}).validate(told)


def test_the_addresses_are_those_that_are_published() -> None:
    serial = uuid.uuid4()
    assert reverse("api-passes", args=["verdi"]) == "/api/verdi/passes"
    assert reverse("api-pass", args=["verdi", serial]) == f"/api/verdi/passes/{serial}"


class TestLinks:
    """Links on which customers get a pass themselves."""

    def links(self, till: Till, query: str) -> Any:
        return Client().get(f"/api/{till.tenant.slug}/links?{query}", headers={"X-API-KEY": till.secret})

    @pytest.fixture
    def design(self, till: Till) -> PassTemplate:
        return published(till.tenant, "Voucher", issue=PassTemplate.Issue.LINK)

    def test_each_customer_has_one_and_nothing_is_made(self, till: Till, design: PassTemplate) -> None:
        others = [make.CustomerFactory.make(tenant=till.tenant) for _ in range(2)]
        make.CustomerFactory.make()

        first = self.links(till, f"template={design.pk}&limit=2").json()
        rest = Client().get("/" + first["next"].split("/", 3)[3], headers={"X-API-KEY": till.secret}).json()

        assert [*first["links"], *rest["links"]] == [
            {"customer": each.key, "link": link_to_get(design, each)} for each in (till.anna, *others)
        ]
        assert rest["next"] is None
        assert not WalletPass.objects.exists()
        assert Client().post("/" + first["links"][0]["link"].split("/", 3)[3]).status_code == 303
        assert WalletPass.objects.get().customer == till.anna

    def test_one_customer_is_found_by_key(self, till: Till, design: PassTemplate) -> None:
        make.CustomerFactory.make(tenant=till.tenant)
        found = self.links(till, f"template={design.pk}&customer=anna@example.com").json()
        assert [each["customer"] for each in found["links"]] == ["anna@example.com"]
        assert self.links(till, f"template={design.pk}&customer=nobody").json() == {"links": [], "next": None}

    @pytest.mark.parametrize(
        ("query", "place"),
        [("", "template"), ("template=x", "template"), ("template=1&after=0", "after"), ("template=1&who=x", "who")],
    )
    def test_a_filter_that_cannot_be_used_is_named(self, till: Till, query: str, place: str) -> None:
        answer = self.links(till, query)
        assert (answer.status_code, [*answer.json()["errors"]]) == (400, [place])

    @pytest.mark.parametrize("changes", [{"active": False}, {"published": None}, {"issue": "hand"}])
    def test_a_template_that_is_not_open_to_links_is_refused(
        self, till: Till, design: PassTemplate, changes: dict[str, Any]
    ) -> None:
        PassTemplate.objects.filter(pk=design.pk).update(**changes)
        assert self.links(till, f"template={design.pk}").status_code == 400

    def test_another_tenants_template_and_keys_without_the_scope_are_refused(
        self, till: Till, design: PassTemplate
    ) -> None:
        assert self.links(Till("other"), f"template={design.pk}").status_code == 400
        assert self.links(Till("third", [Scope.PASS_WRITE]), f"template={design.pk}").status_code == 403
