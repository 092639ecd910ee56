"""Fills a PostgreSQL database with a brand of any size and its neighbours, by SQL alone: a million rows in a minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

RARE = 60  # rows of what is rare, the oldest ones: a full page, and the last that a search from the newest would reach
NEIGHBOURS = 4
PROFILE, NEWS, PUSH, FETCHED, INSTALLED, REPLAYED = (
    "actito.profile", "customer.changed/passes", "apple.push", "pass.fetched", "pass.installed", "portal.replayed",
)  # fmt: skip
_TABLES = ("portal_event", "portal_attempt", "portal_customer", "portal_identity", "passes_walletpass",
           "passes_device", "passes_registration")  # fmt: skip
_FIRST = """'{anna,adam,aisha,alain,bart,bea,bilal,carla,chris,dirk,dora,els,emma,emil,fien,finn,greet,guy,hana,hugo,
    ines,ivan,jan,jana,karel,kim,lena,luc,marie,milan,nina,noor,olga,omar,piet,rosa,sam,tess,tom,wim}'::text[]"""
_LAST = """'{janssens,peeters,maes,jacobs,mertens,willems,claes,goossens,wouters,desmet,dubois,lambert,martin,dupont,
    simon,laurent,leroy,lefebvre,michel,petit,hermans,aerts,pauwels,lemmens,stevens,vermeulen,segers}'::text[]"""


@dataclass(frozen=True)
class Size:
    customers: int
    events: int
    passes: int
    lively: bool  # statuses shared out evenly, so that each filter fills a page of a small tenant
    days: int = 30  # over which the events came

    def part(self, share: float) -> Size:
        return Size(*(max(20, int(each * share)) for each in (self.customers, self.events, self.passes)),
                    self.lively, self.days)  # fmt: skip


@dataclass(frozen=True)
class Brand:
    tenant: int
    templates: list[int]
    first_customer: int
    first_pass: int
    first_event: int
    size: Size


def fill(size: Size) -> Brand:
    """The brand that is looked at, between its neighbours: their rows lie before and after its own."""
    indexes = _drop_indexes()
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET session_replication_role = replica")  # what is made here points where it should
        cursor.execute("SET maintenance_work_mem = '256MB'")
    around = size.part(0.05)
    brands = [_brand(number, size if number == NEIGHBOURS // 2 else around) for number in range(NEIGHBOURS + 1)]
    with connection.cursor() as cursor:
        for statement in indexes:
            cursor.execute(statement)
        for table in _TABLES:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
            cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("SET session_replication_role = origin")
    return brands[NEIGHBOURS // 2]


def _drop_indexes() -> list[str]:
    """Building an index once takes less than keeping it for every row. Returns what makes them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "WHERE i.indrelid = ANY(%s::regclass[]) "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)",
            [list(_TABLES)],
        )
        found = cursor.fetchall()
        for name, _statement in found:
            cursor.execute(f"DROP INDEX {name}")
    return [statement for _name, statement in found]


def _brand(number: int, size: Size) -> Brand:
    from portal.models import Lane, Membership, Tenant  # noqa: PLC0415 - after setup
    from portal.tenancy import Role  # noqa: PLC0415

    tenant = Tenant.objects.create(slug=f"brand-{number}", name=f"Brand {number}")
    Tenant.objects.filter(pk=tenant.pk).update(created_at=timezone.now() - timedelta(days=90))
    owner = get_user_model().objects.create_user(f"owner-{number}@example.com")
    Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER)
    lane = Lane.objects.create(tenant=tenant, key="local")
    apple, templates, content = _design(tenant)
    names = {
        "tenant": tenant.pk, "lane": lane.pk, "apple": apple, "content": content, "rare": RARE,
        "usual": templates[0], "other": templates[1], "seldom": templates[2], "lively": size.lively, "days": size.days,
        "customers": size.customers, "passes": size.passes, "events": size.events,
        **{f"after_{name}": _last(f"{app}_{name}") for app, name in
           (("portal", "customer"), ("portal", "event"), ("passes", "walletpass"), ("passes", "device"))},
    }  # fmt: skip
    with connection.cursor() as cursor:
        for statement in (_CUSTOMERS, _IDENTITIES, _PASSES, _DEVICES, _REGISTRATIONS, _EVENTS, _CALLS):
            cursor.execute(statement, names)
    return Brand(tenant.pk, templates, names["after_customer"] + 1, names["after_walletpass"] + 1,
                 names["after_event"] + 1, size)  # fmt: skip


def _last(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(max(id), 0) FROM {table}")
        return int(cursor.fetchone()[0])


def _design(tenant: Any) -> tuple[int, list[int], str]:
    from passes.content import render  # noqa: PLC0415
    from passes.design import design_of  # noqa: PLC0415
    from passes.models import AppleCredentials, PassTemplate, TemplateField  # noqa: PLC0415
    from portal.ledger.text import encode  # noqa: PLC0415

    apple = AppleCredentials.objects.create(
        tenant=tenant, name="Apple", pass_type_identifier=f"pass.example.b{tenant.pk}", team_identifier="TEAM123456",
        certificate="PEM", private_key="PEM", intermediate="PEM",
    )  # fmt: skip
    templates = [
        PassTemplate.objects.create(tenant=tenant, apple=apple, name=name, organization_name="Brand", description=name)
        for name in ("Loyalty card", "Gold card", "Test card")
    ]
    for position, name in enumerate(("points", "first_name", "card_number")):
        TemplateField.objects.create(
            template=templates[0], position=position, key=name, label=name, expression=f"{{{{ {name} }}}}"
        )
    values = {"points": 120, "first_name": "Anna", "card_number": "2900147471"}
    content = render(design_of(templates[0]), values).data
    return apple.pk, [template.pk for template in templates], encode(content)


# Ids are given, so that rows can name each other; `n` counts from 1 within the brand.
_CUSTOMERS = f"""
    INSERT INTO portal_customer (id, tenant_id, key, language, values, origins, created_at, changed_at, synced_at)
    SELECT %(after_customer)s + n, %(tenant)s,
        ({_FIRST})[1 + n * 7 %% 40] || '.' || ({_LAST})[1 + n * 11 %% 27] || n || '@example.com',
        ('{{en,fr,nl}}'::text[])[1 + n %% 3],
        jsonb_build_object('first_name', ({_FIRST})[1 + n * 7 %% 40], 'points', n %% 5000, 'card_number', 29000000 + n),
        jsonb_build_object('points', jsonb_build_object('source', 'actito:1', 'number', n, 'at', now())),
        now() - interval '90 days',
        now() - (CASE WHEN n %% 10 = 0 THEN 0 ELSE 1 + n %% 89 END) * interval '1 day', now()
    FROM generate_series(1, %(customers)s) n"""
_IDENTITIES = """
    INSERT INTO portal_identity (tenant_id, customer_id, namespace, value, number)
    SELECT %(tenant)s, %(after_customer)s + n, 'actito:' || %(tenant)s, (140000 + n)::text, n
    FROM generate_series(1, %(customers)s) n"""
_PASSES = """
    INSERT INTO passes_walletpass (id, tenant_id, template_id, customer_id, serial_number, authentication_token,
        values, origins, content, content_hash, changed_at, update_tag, fetched_at, voided, created_at)
    SELECT %(after_walletpass)s + n, %(tenant)s,
        CASE WHEN n <= %(rare)s THEN %(seldom)s WHEN n %% 10 < 7 THEN %(usual)s ELSE %(other)s END,
        %(after_customer)s + 1 + n %% %(customers)s, gen_random_uuid(), '', '{}'::jsonb, '{}'::jsonb,
        %(content)s::jsonb, md5(n::text),
        date_trunc('second', now() - n %% 90 * interval '1 day'), n, CASE WHEN n %% 3 = 0 THEN now() END,
        n %% (CASE WHEN %(lively)s THEN 10 ELSE 500 END) = 0, now()
    FROM generate_series(1, %(passes)s) n"""
_DEVICES = """
    INSERT INTO passes_device (id, tenant_id, apple_id, library_identifier, push_token, token_at, created_at)
    SELECT %(after_device)s + n, %(tenant)s, %(apple)s, md5('phone' || n), md5(n::text), now(), now()
    FROM generate_series(1, %(passes)s / 3) n"""
_REGISTRATIONS = """
    INSERT INTO passes_registration (device_id, wallet_pass_id, created_at)
    SELECT %(after_device)s + n, %(after_walletpass)s + n * 3, now() FROM generate_series(1, %(passes)s / 3) n"""
# Chains of five: a profile is read, the pass renewed, the phone told, the pass fetched, another phone added.
_EVENTS = f"""
    INSERT INTO portal_event (id, tenant_id, lane_id, kind, subject, coalesces, payload, source, source_id, body_hash,
        repeats, status, attempts, retries, due_at, claimed_at, lease_until, leased_by, correlation_id, parent_id,
        merged_into_id, outcome, created_at, finished_at)
    SELECT %(after_event)s + n, %(tenant)s, %(lane)s, kind,
        CASE step WHEN 0 THEN 'actito:' || %(tenant)s || ':profile:' || 140000 + one
            WHEN 1 THEN kind || ':customer:' || customer WHEN 2 THEN 'device:' || pass ELSE 'pass:' || pass END,
        step < 3, CASE step WHEN 0 THEN jsonb_build_object('profile', (140000 + one)::text, 'event_type', 'UPDATE')
            WHEN 1 THEN jsonb_build_object('customer', customer, 'names', '["points"]'::jsonb)
            ELSE jsonb_build_object('pass', pass, 'customer', customer) END,
        CASE step WHEN 0 THEN 'actito:' || %(tenant)s ELSE 'portal' END, CASE step WHEN 0 THEN n::text END, '', 0,
        status, (step < 3)::int, 0, CASE WHEN status = 'waiting' THEN now() + interval '1 day' ELSE at END, at,
        CASE WHEN status = 'leased' THEN now() + interval '1 day' END, '', md5(%(tenant)s || ':' || chain)::uuid,
        CASE WHEN step > 0 THEN %(after_event)s + n - 1 END,
        CASE WHEN status = 'merged' AND n > 5 THEN %(after_event)s + n - 5 END, 'points: 120 → 140.', at,
        CASE WHEN status NOT IN ('waiting', 'leased') THEN at + interval '1 second' END
    FROM (SELECT n, step, chain, one, at, %(after_customer)s + one AS customer, %(after_walletpass)s + one AS pass,
        CASE WHEN n <= 5 * %(rare)s AND step = 4 THEN '{REPLAYED}' ELSE
            ('{{{PROFILE},{NEWS},{PUSH},{FETCHED},{INSTALLED}}}'::text[])[step + 1] END AS kind,
        CASE WHEN n > 5 * %(rare)s AND n <= 10 * %(rare)s AND step = 1 THEN 'leased'
            WHEN %(lively)s
            THEN ('{{done,done,failed,failed,merged,ignored,uncertain,waiting}}'::text[])[1 + chain %% 8]
            WHEN luck < 970 THEN 'done' WHEN luck < 985 THEN 'merged' WHEN luck < 997 THEN 'ignored'
            WHEN luck < 998 THEN 'failed' WHEN luck < 999 THEN 'uncertain' ELSE 'waiting' END AS status
        FROM (SELECT n, (n - 1) %% 5 AS step, (n - 1) / 5 AS chain, 1 + (n - 1) / 5 %% %(customers)s AS one,
            ((n - 1) / 5)::bigint * 7919 %% 1000 AS luck,
            now() - (%(events)s - n) * (%(days)s * interval '1 day' / %(events)s) AS at
            FROM generate_series(1, %(events)s) n) counted) told"""
_CALLS = """
    INSERT INTO portal_attempt (event_id, number, target, method, url, repeatable, status, milliseconds, error,
        request_excerpt, response_excerpt, started_at, finished_at)
    SELECT %(after_event)s + 1 + n * 50, 1, 'Actito', 'GET', 'https://api3.actito.com/profiles', true, 200, 80, '',
        '', '{"points": 140}', now(), now() FROM generate_series(0, (%(events)s - 1) / 50) n"""
