from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models

from portal.consents.heads import key_ids, reseal
from portal.secrets import EncryptedTextField, SecretError, encrypted_fields, newest_key_id, rotate


class Command(BaseCommand):
    help = (
        "Stores every secret anew under the newest of ENCRYPTION_KEYS. Put the new key first, restart everything, "
        "run this, and remove the old key when it says so."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only count what there is to do.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            newest = newest_key_id()
        except SecretError as error:
            raise CommandError(str(error)) from error
        unreadable: list[str] = []
        for model, field in encrypted_fields():
            counts = _go_through(model, field, newest, dry_run=options["dry_run"], unreadable=unreadable)
            said = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none stored"
            self.stdout.write(f"{model._meta.label}.{field.name}: {said}")
        counts = reseal(dry_run=options["dry_run"])
        if counts:
            self.stdout.write("Seals of consents: " + ", ".join(f"{count} {state}" for state, count in counts.items()))
        if counts["unreadable"]:
            unreadable.append("Heads of consents: their seals are broken; manage.py check_consents says whose.")
        if unreadable:
            listed = "\n".join(f"  {sentence}" for sentence in unreadable)
            raise CommandError(f"These secrets were left as they are; keep their keys, or enter them anew:\n{listed}")
        older = _older_keys(newest)
        if older:
            self.stdout.write("Still in use: " + ", ".join(f"key {key} ({count})" for key, count in older.items()))
        else:
            self.stdout.write(f"All secrets are stored under key {newest}; older keys can be removed.")


def _go_through(
    model: type[models.Model], field: EncryptedTextField, newest: str, *, dry_run: bool, unreadable: list[str]
) -> Counter[str]:
    counts: Counter[str] = Counter()
    rows = model._base_manager.exclude(**{f"{field.attname}__isnull": True}).only("pk", field.bound_to, field.attname)
    for row in rows.order_by("pk").iterator():
        if not row.__dict__[field.attname]:
            continue
        try:
            getattr(row, field.attname)  # raises when it cannot be read
            counts[_treat(row, field, newest, dry_run=dry_run)] += 1
        except SecretError as error:
            counts["unreadable"] += 1
            unreadable.append(f"{model._meta.label} {row.pk}: {error}")
    return counts


def _treat(row: models.Model, field: EncryptedTextField, newest: str, *, dry_run: bool) -> str:
    """What was done with one secret, or would be."""
    if row.__dict__[field.attname].key_id == newest:
        return "up to date"
    if dry_run:
        return "to rotate"
    return "rotated" if rotate(row, field) else "changed meanwhile"


def _older_keys(newest: str) -> Counter[str]:
    """Counted afresh at the end: a process that was not restarted may still store under an older key."""
    stored = (
        secret
        for model, field in encrypted_fields()
        for secret in model._base_manager.values_list(field.attname, flat=True)
    )
    older = Counter(secret.key_id for secret in stored if secret) + key_ids()
    del older[newest]
    return older
