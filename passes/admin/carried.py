"""What a replay of an event that carries values would do to a pass: worked out in memory, nothing is stored."""

from __future__ import annotations

from passes.models import WalletPass
from passes.refresh import values_of
from passes.update import PASS_UPDATE, Impossible, Update, apply, has_counted, number_of, ordered, without_additions
from portal.admin.extend import Carried, extensions
from portal.models import Event


def undone(wallet_pass: WalletPass, update: Update, number: int, earlier: bool) -> list[Carried]:
    """`number`: of the arrival that brought the values. `earlier`: whether its additions have counted."""
    before = values_of(wallet_pass)
    try:
        apply(wallet_pass, without_additions(update) if earlier else update, number)
    except Impossible:
        return []
    after = values_of(wallet_pass)
    name = str(wallet_pass.template)
    return [
        Carried(name, write.name, f"+{write.value}" if write.add else write.value, before.get(write.name),
                after.get(write.name))
        for write in update.writes
    ]  # fmt: skip


def of_update(event: Event) -> list[Carried]:
    passes = WalletPass.objects.for_tenant(event.tenant_id).select_related("template__apple", "customer")
    wallet_pass = passes.filter(pk=event.payload["pass"]).first()
    if wallet_pass is None:
        return []
    earlier = has_counted(Event.objects.filter(pk=event.pk))
    return undone(wallet_pass, ordered(event.payload), number_of(event), earlier)


extensions.carried[PASS_UPDATE] = of_update
