"""Switching a pairing on in the admin: compared, looked at, and then on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.pairing import switching
from integrations.pairing.models import Pairing
from portal.models import Change, Job, Lane
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.pairing.activation.activation_world import LETTER, Brand
from tests.portal.admin_world import client_of, url
from tests.portal.jobs_world import Worker

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


def as_(brand: Brand, role: Role) -> Client:
    user = make.UserFactory.make(username=f"{role}@brand.example")
    make.MembershipFactory.make(tenant=brand.tenant, user=user, role=role)
    return client_of(user)


def dialog(brand: Brand, name: str) -> str:
    return f"{url(Pairing, 'changelist')}{brand.pairing.pk}/{name}/"


def page(brand: Brand) -> str:
    return f"{url(Pairing, 'changelist')}{brand.pairing.pk}/comparison/"


def file(brand: Brand, client: Client, query: str = "") -> Any:
    response = client.get(f"{url(Pairing, 'changelist')}{brand.pairing.pk}/comparison.csv{query}")
    if response.status_code != 200:
        return response.status_code
    return b"".join(response.streaming_content).decode().lstrip("\ufeff").splitlines()


def buttons(brand: Brand, client: Client) -> set[str]:
    text = client.get(url(Pairing, "change", brand.pairing.pk)).content.decode()
    names = ("compare", "compare-again", "switch-on", "switch-on-blind", "stop-comparing", "align-rest")
    return {name for name in names if f"/{name}/" in text}


def test_a_marketer_compares_then_looks_then_switches_on(brand: Brand) -> None:
    brand.person("anna", didomi={LETTER: True})
    brand.person("bram", didomi={LETTER: False}, actito={"Newsletter": True})
    Lane.objects.filter(pk=brand.system.lane_id).update(calls_per_minute=60)
    client = as_(brand, Role.MARKETER)
    assert buttons(brand, client) == {"compare", "switch-on-blind"}
    shown = client.get(dialog(brand, "compare")).content.decode()
    assert "People known from “Actito”: 2." in shown
    assert "at 60 a minute, which is what the slower account allows" in shown
    response = client.post(dialog(brand, "compare"), {**SUBMIT, "rate": ""}, HTTP_HX_REQUEST="true")
    assert response["HX-Redirect"] == page(brand)
    assert buttons(brand, client) == {"stop-comparing"}
    assert "still under way" in client.get(page(brand)).content.decode()
    Worker().until_ended(Job.objects.get(kind="pairing.comparison"))
    assert buttons(brand, client) == {"compare-again", "switch-on", "stop-comparing"}
    text = client.get(page(brand)).content.decode()
    for part in ("anna@example.com", "bram@example.com", "Didomi yes, Actito no", "Didomi no, Actito yes"):
        assert part in text, part
    shown = client.get(dialog(brand, "switch-on")).content.decode()
    assert "1 subscribed in Actito" in shown
    assert "1 unsubscribed in Actito" in shown
    assert "Write Actito&#x27;s state to Didomi" not in shown
    response = client.post(dialog(brand, "switch-on"), {**SUBMIT, "differences": "consents"}, HTTP_HX_REQUEST="true")
    assert response["HX-Redirect"] == url(Job, "change", Job.objects.get(kind="pairing.alignment").pk)
    brand.pairing.refresh_from_db()
    assert (brand.pairing.phase, brand.pairing.differences) == ("on", "consents")
    said = set(Change.objects.filter(tenant=brand.tenant).values_list("sentence", flat=True))
    assert {"Had both systems compared.", "Switched on after the comparison."} <= said


def test_what_stands_in_no_choice_is_refused(brand: Brand) -> None:
    brand.person("anna", didomi={LETTER: True})
    brand.compare()
    client = as_(brand, Role.OWNER)
    for forged in ("profiles", "", "everything"):
        client.post(dialog(brand, "switch-on"), {**SUBMIT, "differences": forged})
    brand.pairing.refresh_from_db()
    assert brand.pairing.phase == Pairing.Phase.COMPARING


def test_without_comparing_it_takes_the_typed_name(brand: Brand) -> None:
    client = as_(brand, Role.OWNER)
    shown = client.post(dialog(brand, "switch-on-blind"), {**SUBMIT, "name": "web"}).content.decode()
    assert "Type the pairing" in shown
    client.post(dialog(brand, "switch-on-blind"), {**SUBMIT, "name": "Web"})
    brand.pairing.refresh_from_db()
    assert brand.pairing.phase == Pairing.Phase.ON
    assert buttons(brand, client) == set()


def test_back_to_draft_says_so_and_a_cancelled_comparison_is_no_ground(brand: Brand) -> None:
    brand.person("anna", didomi={LETTER: True})
    client = as_(brand, Role.OWNER)
    switching.compare(brand.pairing, by=brand.owner)
    client.post(dialog(brand, "stop-comparing"), SUBMIT)
    brand.pairing.refresh_from_db()
    assert brand.pairing.phase == Pairing.Phase.DRAFT
    client.post(dialog(brand, "switch-on"), {**SUBMIT, "differences": "consents"})
    brand.pairing.refresh_from_db()
    assert brand.pairing.phase == Pairing.Phase.DRAFT
    assert "Nothing was compared yet." in client.get(page(brand)).content.decode()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
@pytest.mark.parametrize("name", ["compare", "switch-on", "switch-on-blind", "stop-comparing", "align-rest"])
def test_only_those_who_configure_switch_it_on(brand: Brand, role: Role, name: str) -> None:
    client = as_(brand, role)
    assert client.get(dialog(brand, name)).status_code == 403
    assert client.post(dialog(brand, name), {**SUBMIT, "name": "Web", "differences": "leave"}).status_code == 403
    brand.pairing.refresh_from_db()
    assert brand.pairing.phase == Pairing.Phase.DRAFT


def test_the_file_has_a_line_for_each_person_and_is_not_for_auditors(brand: Brand) -> None:
    brand.person("anna", didomi={LETTER: True})
    brand.person("bram", didomi={LETTER: False})
    brand.person("carl", known=False)
    brand.compare()
    auditor, owner = as_(brand, Role.AUDITOR), as_(brand, Role.OWNER)
    assert "anna@example.com" in auditor.get(page(brand)).content.decode()
    assert file(brand, auditor) == 403
    head, *lines = file(brand, owner)
    assert head == (
        '"Customer","Newsletter · Didomi","Newsletter · Actito","Promotions · Didomi","Promotions · Actito",'
        '"Differs","Not read"'
    )
    assert lines[0] == '"anna@example.com","yes","no","","no","yes",""'
    assert lines[1] == '"bram@example.com","no","no","","no","no",""'
    assert "by which Didomi knows people" in lines[2]
    assert [line.split(",")[0] for line in file(brand, owner, "?only=differences")[1:]] == ['"anna@example.com"']
    assert Change.objects.filter(sentence="Exported what a comparison found.").exists()


def test_strangers_see_and_change_nothing(brand: Brand) -> None:
    brand.person("anna", didomi={LETTER: True})
    brand.compare()
    stranger = make.UserFactory.make(username="stranger@other.example")
    make.MembershipFactory.make(tenant=make.TenantFactory.make(), user=stranger, role=Role.OWNER)
    client = client_of(stranger)
    assert client.get(page(brand)).status_code == 404
    assert file(brand, client) == 404
    assert client.post(dialog(brand, "switch-on"), {**SUBMIT, "differences": "leave"}).status_code in (403, 404)
    brand.pairing.refresh_from_db()
    assert brand.pairing.phase == Pairing.Phase.COMPARING
