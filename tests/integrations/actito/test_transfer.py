"""Connections as JSON: given out without secrets and taken back; what is wrong is told where it stands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from integrations.actito.models import ActitoConnection, AttributeMapping, ParameterMapping
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.transfer import Malformed, document_of, parse
from portal.models import Change, Event
from portal.tenancy import Role
from tests.portal.admin_world import World, action, client_of, member, url
from tests.world import ACTITO_KEY, PAYLOADS, make_connection, make_tenant, map_value, payload

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True", "click": "c"}
DIDOMI = (PAYLOADS / "connection_of_didomis_users.json").read_text()


def sent(client: Client, where: str, **given: str) -> Any:
    return client.post(where, {**SUBMIT, **given})


def twice(client: Client, where: str, **given: str) -> tuple[str, Any]:
    """The page that says what would change, and the answer once it was read."""
    first = sent(client, where, **given)
    return first.content.decode(), sent(client, where, seen=first.context["form"].data["seen"], **given)


def test_an_export_holds_everything_but_secrets_and_comes_back_the_same() -> None:
    connection = make_connection(make_tenant(), "https://api3.actito.com", licence="verdi")
    map_value(connection, "loyaltyPoints", "points", "number", keep_if_empty=True)
    ParameterMapping.objects.create(connection=connection, parameter="bonus", value_name="points", value_type="number")
    connection.connector = {"mappings": payload("connection_of_didomis_users")["mappings"], "upsert_mode": True}
    given = json.dumps(document_of(connection))
    assert ACTITO_KEY not in given
    document = parse(given)
    assert (document.values["host"], document.values["entity"], document.values["licence"]) == (
        "https://api3.actito.com", "demo", "verdi"
    )  # fmt: skip
    assert (
        document.lines["mappings"][0] | {"attribute": "loyaltyPoints", "keep_if_empty": True}
        == (document.lines["mappings"][0])
    )
    assert [line["parameter"] for line in document.lines["parameters"]] == ["bonus"]
    assert document.connector["upsert_mode"] is True
    assert document.connector["mappings"] == connection.connector["mappings"]


def test_didomis_mappings_become_mappings_of_the_connection() -> None:
    document = parse(DIDOMI)
    found = {line["attribute"]: (line["part"], line["value_name"], line["value_type"])
             for line in document.lines["mappings"]}  # fmt: skip
    assert found == {
        "Newsletter": ("subscriptions", "newsletter", "yes_no"),
        "emailOptIn": ("subscriptions", "email_opt_in", "yes_no"),
        "customerId": ("attributes", "customer_id", "text"),
    }
    assert document.secret == ACTITO_KEY
    assert ACTITO_KEY not in repr(document)


def test_malformed_json_is_told_by_line_and_column_without_its_secret() -> None:
    with pytest.raises(Malformed) as caught:
        parse((PAYLOADS / "connection_malformed.txt").read_text())
    assert "line 4, column 24" in caught.value.sentence
    assert "k-7d1f0c22" not in caught.value.sentence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type_id": "mailchimp"}, "$.type_id: this is not a connection of Actito."),
        ({"properties": {"entity_id": "demo"}}, "$.properties.table_name: send a text of 1 to 100 characters."),
        ({"properties": []}, "$.properties.entity_id"),
        ({"mappings": [{"id": 7}]}, "$.mappings[0]: send texts as id and value."),
        ({"mappings": [1]}, "$.mappings: send an array of at most 200 objects."),
        ({"mappings": [{}] * 201}, "$.mappings: send an array of at most 200 objects."),
        ({"upsert_mode": "yes"}, "$.upsert_mode: send true or false."),
        ({"authentication": {"path_style": "curly"}}, "$.authentication.path_style:"),
        (
            {"portal": {"mappings": [{"value_name": "x", "attribute": "x", "value_type": "shoe"}]}},
            "$.portal.mappings[0]:",
        ),
        ({"portal": {"parameters": [{"parameter": "a", "value_name": "a"}] * 2}}, "a line above has the same name."),
    ],
)
def test_each_wrong_member_is_named_with_its_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(json.dumps({**payload("connection_of_didomis_users"), **change}))
    assert said in caught.value.sentence


def test_lines_are_what_their_fields_make_of_them(world: World, owner: Client) -> None:
    line = {"attribute": "card", "value_name": "card", "default": ["a"], "keep_if_empty": "False", "decimals": "2"}
    given = json.dumps({**payload("connection_of_didomis_users"), "portal": {"mappings": [line]}})
    assert parse(given).lines["mappings"][0]["keep_if_empty"] is False
    where = action(ActitoConnection, world.rows[ActitoConnection].pk, "").rstrip("/") + "/import-json/"
    assert sent(owner, where, document=given).status_code == 200


@pytest.mark.parametrize("given", ["", "[]", "null", '"actito"', "{" * 5000, "[" * 100_000, '{"a": NaN}'])
def test_what_is_no_connection_is_refused(given: str) -> None:
    with pytest.raises(Malformed):
        parse(given)


# In the admin


def test_what_the_editor_refuses_does_not_come_in_by_a_document(world: World, owner: Client) -> None:
    """A card number for everybody without one would make one customer of them."""
    connection = world.rows[ActitoConnection]
    card = {"attribute": "card", "value_name": "card", "identifies": True, "default": "0000"}
    given = json.dumps({**document_of(connection), "portal": {"mappings": [card]}})
    where = action(ActitoConnection, connection.pk, "").rstrip("/") + "/import-json/"
    _, answer = twice(owner, where, document=given)
    assert "This would name everybody without a value." in answer.content.decode()
    assert not connection.mappings.filter(identifies=True).exists()


def test_what_would_change_is_shown_before_it_does(world: World, owner: Client) -> None:
    connection, where = world.rows[ActitoConnection], action(ActitoConnection, world.rows[ActitoConnection].pk, "")
    where = where.rstrip("/") + "/import-json/"
    shown, answer = twice(owner, where, document=DIDOMI)
    for part in ("What would change", connection.entity, "demo", "Newsletter → newsletter"):
        assert part in shown, part
    assert answer.status_code == 302
    stored = ActitoConnection.objects.get(pk=connection.pk)
    assert (stored.entity, stored.unique_key, stored.name, stored.host) == (
        "demo", "emailAddress", connection.name, connection.host
    )  # fmt: skip
    assert stored.connector["enable_webhooks"] is True
    kept = world.rows[AttributeMapping]
    assert {"newsletter", "customer_id", kept.value_name} <= set(stored.mappings.values_list("value_name", flat=True))
    assert Change.objects.filter(object_key=str(connection.pk)).exists()
    again = sent(owner, where, document=DIDOMI).content.decode()
    assert "Nothing would change" in again


def test_looking_at_a_document_changes_nothing(world: World, owner: Client) -> None:
    connection = world.rows[ActitoConnection]
    sent(owner, action(ActitoConnection, connection.pk, "import-json"), document=DIDOMI)
    assert ActitoConnection.objects.get(pk=connection.pk).entity == connection.entity
    other = DIDOMI.replace("demo", "else")  # not what was shown
    first = sent(owner, action(ActitoConnection, connection.pk, "import-json"), document=DIDOMI)
    sent(owner, action(ActitoConnection, connection.pk, "import-json"), document=other,
         seen=first.context["form"].data["seen"])  # fmt: skip
    assert ActitoConnection.objects.get(pk=connection.pk).entity == connection.entity


def test_a_new_connection_is_imported_once_its_key_was_tried(
    world: World, owner: Client, actito: ActitoSandbox
) -> None:
    where = action(ActitoConnection, None, "import-new")
    rest = {"name": "Shop", "host": actito.url, "licence": "verdi"}
    shown, wrong = twice(owner, where, document=DIDOMI, **rest, api_key="wrong")
    assert 'name="api_key"' in shown
    assert "does not accept this API key" in str(wrong.context["form"].errors["api_key"])
    _, wrong = twice(owner, where, document=DIDOMI.replace("Profiles", "Nobody"), **rest, api_key=ACTITO_KEY)
    assert "knows no profile table “Nobody”" in str(wrong.context["form"].non_field_errors())
    assert not ActitoConnection.objects.filter(name="Shop").exists()
    _, answer = twice(owner, where, document=DIDOMI, **rest, api_key="")  # the document has it
    made = ActitoConnection.objects.get(name="Shop")
    assert answer.url == url(ActitoConnection, "change", made.pk)
    assert (made.tenant, made.path_style, made.api_key, made.mappings.count()) == (
        world.tenant, "categorised", ACTITO_KEY, 3
    )  # fmt: skip
    assert Event.objects.filter(kind="actito.structure", payload__connection=made.pk).exists()


def test_a_taken_name_imports_nothing(world: World, owner: Client, actito: ActitoSandbox) -> None:
    given = {"name": world.rows[ActitoConnection].name, "host": actito.url, "licence": "verdi", "api_key": ACTITO_KEY}
    before = ActitoConnection.objects.count()
    _, answer = twice(owner, action(ActitoConnection, None, "import-new"), document=DIDOMI, **given)
    assert "Nothing was imported" in answer.content.decode()
    assert ActitoConnection.objects.count() == before


def test_the_file_is_for_those_who_map_values_and_holds_no_secret(world: World, owner: Client) -> None:
    connection = world.rows[ActitoConnection]
    assert "connection.json" in sent(owner, action(ActitoConnection, connection.pk, "export-json")).content.decode()
    file = f"{url(ActitoConnection, 'changelist')}{connection.pk}/connection.json"
    given = owner.get(file)
    assert json.loads(given.content)["properties"]["table_name"] == connection.table
    assert connection.api_key not in given.content.decode()
    assert client_of(member(world, Role.AUDITOR)).get(file).status_code == 404
    marketer = client_of(member(world, Role.MARKETER))
    assert marketer.get(file).status_code == 200
    assert marketer.post(action(ActitoConnection, connection.pk, "import-json"), SUBMIT).status_code == 403
