"""The two worlds of the stranger test: made once for a whole file, since every visit is undone."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from integrations.actito.models import ActitoConnection
from integrations.didomi.models import DidomiConnection
from passes.models import TemplateImage
from tests.portal.admin_world import World, make_world

Worlds = tuple[World, World]
NOBODY = "https://127.0.0.1:9"  # whoever calls it is refused at once


@contextmanager
def two_worlds(blocker: Any) -> Iterator[Worlds]:
    """`blocker`: pytest-django's, which keeps tests from the database unless they ask."""
    with blocker.unblock(), transaction.atomic():
        yield _world("OurMark"), _world("TheirMark")
        transaction.set_rollback(True)


def _world(mark: str) -> World:
    world = make_world(mark)
    for model in (ActitoConnection, DidomiConnection):
        world.rows[model].host = NOBODY
        world.rows[model].save()
    image = world.rows[TemplateImage]
    image.data = _marked(bytes(image.data), mark)
    image.save()
    return world


def _marked(png: bytes, mark: str) -> bytes:
    """The same picture with a comment in it, so that no two worlds have the same bytes."""
    chunk = b"tEXt" + b"Comment\0" + mark.encode()
    comment = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return png[:-12] + comment + png[-12:]
