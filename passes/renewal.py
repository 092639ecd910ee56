"""The certificate of a pass type is replaced by another one; cards on phones, and their pushes, go on.

Nothing on a phone names the certificate: a pass belongs to its pass type and team, and the next fetch or push is done
with whichever is in use then. https://developer.apple.com/documentation/walletpasses/building-a-pass
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from passes.apple.certificate import Verdict, Wanted, judge
from passes.apple.upload import read
from passes.models import AppleCredentials, SpareCertificate

_COLUMNS = ("certificate", "private_key", "intermediate")


def judged(apple: AppleCredentials, spare: SpareCertificate) -> Verdict:
    """Whether passes of this pass type may be signed with it now."""
    wanted = Wanted(apple.pass_type_identifier, apple.team_identifier)
    texts = (getattr(spare, name) for name in _COLUMNS)
    return judge(read("".join(texts).encode()), wanted, rehearsal=settings.SANDBOX)


@transaction.atomic
def switch(apple: AppleCredentials, spare: SpareCertificate) -> None:
    """The two change places. Raises DoesNotExist when somebody removed the spare one meanwhile."""
    apple = AppleCredentials.objects.select_for_update(of=("self",)).get(pk=apple.pk)
    spare = SpareCertificate.objects.select_for_update(of=("self",)).get(pk=spare.pk, apple=apple)
    for name in _COLUMNS:
        before, after = getattr(apple, name), getattr(spare, name)
        setattr(apple, name, after)
        setattr(spare, name, before)
    spare.used_until = timezone.now()
    apple.save(update_fields=_COLUMNS)
    spare.save()
