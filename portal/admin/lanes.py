"""Whether a remote account is paused, in words, and setting it going again."""

from __future__ import annotations

from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from portal.admin.chips import chip
from portal.models import Lane


def lane_state(lane: Lane) -> SafeString:
    if lane.paused_at is None:
        return chip("good", _("Moving"))
    return chip("bad", _("Paused: %(reason)s") % {"reason": Truncator(lane.pause_reason).chars(90)})


def resume_lane(lane_id: int) -> None:
    Lane.objects.filter(pk=lane_id).update(paused_at=None, pause_reason="")
