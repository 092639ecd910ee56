"""Messages to people: to whom, in which language, over a real mail server, each of them once."""

from __future__ import annotations

import email
import email.policy
import json
import re
import socket
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as installed
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.models import Event, Heart, Lane, Tenant, Watcher
from portal.tenancy import Role
from portal.watch import post
from portal.watch.digest import LOST_AFTER, SETTLING
from tests import factories as make
from tests.apart import run_apart
from tests.portal.admin_world import World, client_of, make_world, member
from tests.portal.ledger_world import at
from tests.portal.mail_server import MailServer

pytestmark = pytest.mark.django_db
PAGE = "/admin/messages/"


def use(settings: Settings, address: tuple[str, int]) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = address
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False


@pytest.fixture
def server(settings: Settings) -> Any:
    with MailServer() as running:
        use(settings, running.address)
        yield running


@pytest.fixture
def verdi() -> World:
    """A tenant of which all is well."""
    world = make_world("Verdi")
    Event.objects.filter(status=Event.Status.FAILED).delete()
    Heart.objects.create(cluster="a", process="1", beat_at=timezone.now() + timedelta(days=2))
    Watcher.objects.all().delete()
    return world


def pause(world: World) -> Lane:
    lane: Lane = world.rows[Lane]
    Lane.objects.filter(pk=lane.pk).update(paused_at=timezone.now(), pause_reason="The key is refused.")
    return lane


def resume(lane: Lane) -> None:
    Lane.objects.filter(pk=lane.pk).update(paused_at=None, pause_reason="")


def look(minutes: float = 0) -> int:
    """One look, so many minutes from now."""
    with at(timezone.now() + timedelta(minutes=minutes)):
        return post.tell_all(list(Tenant.objects.filter(suspended_at=None).values_list("pk", flat=True)))


def settled() -> float:
    return SETTLING / timedelta(minutes=1)


def read(text: str) -> EmailMessage:
    message = email.message_from_string(text, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_owner_is_told_once_what_is_wrong_and_once_that_it_is_over(verdi: World, server: MailServer) -> None:
    lane = pause(verdi)
    assert [look(minute) for minute in range(60)].count(1) == 1
    (text,) = server.received
    message = read(text)
    assert message["To"] == "Verdi-owner@example.com"
    assert message["Subject"] == "Verdi brand: Verdi connection: The key is refused."
    assert message.get_content_type() == "text/plain"
    body = message.get_content()
    assert "This is wrong in Verdi brand:" in body
    assert f"{installed.PUBLIC_URL}/admin/actito/actitoconnection/" in body
    assert f"{installed.PUBLIC_URL}{PAGE}" in body
    resume(lane)
    assert [look(minute) for minute in range(61, 120)].count(1) == 1
    assert read(server.received[1])["Subject"] == "Verdi brand: all is well again"


def test_many_troubles_make_one_message(verdi: World, server: MailServer) -> None:
    pause(verdi)
    for number in range(30):
        make.EventFactory.make(tenant=verdi.tenant, status="failed", finished_at=timezone.now(), subject=f"s:{number}")
    make.EventFactory.make(tenant=verdi.tenant, status="uncertain", finished_at=timezone.now())
    for minute in range(30):
        look(minute)
    (text,) = server.received
    message = read(text)
    assert message["Subject"] == "Verdi brand: 3 things are wrong"
    assert "30 events failed for good" in message.get_content()
    assert "1 call may have been carried out or not" in message.get_content()


def test_each_is_told_in_their_language_and_who_is_not_concerned_is_not(verdi: World, server: MailServer) -> None:
    operator, auditor = member(verdi, Role.OPERATOR), member(verdi, Role.AUDITOR)
    elsewhere = make_world("Other")
    Event.objects.filter(tenant=elsewhere.tenant).delete()
    Watcher.objects.all().delete()
    Watcher.objects.create(user=operator, tenant=verdi.tenant, language="nl")
    Watcher.objects.create(user=auditor, tenant=verdi.tenant, language="fr", wanted="at_once")
    marketer = member(verdi, Role.MARKETER)
    pause(verdi)
    look()
    look(settled())
    messages = {read(text)["To"]: read(text) for text in server.received}
    assert set(messages) == {"Verdi-owner@example.com", operator.email or operator.username,
                             auditor.email or auditor.username}  # fmt: skip
    assert marketer.username not in messages
    assert "Dit is er mis in Verdi brand:" in messages[operator.email or operator.username].get_content()
    assert "Voici ce qui ne va pas chez Verdi brand" in messages[auditor.email or auditor.username].get_content()


def test_nobody_of_a_suspended_tenant_is_told(verdi: World, server: MailServer) -> None:
    pause(verdi)
    Tenant.objects.update(suspended_at=timezone.now())
    assert (look(), look(10)) == (0, 0)


def test_superusers_are_told_that_no_worker_lives(
    verdi: World, server: MailServer, django_user_model: type[User]
) -> None:
    django_user_model.objects.create_superuser("root", "root@example.com")
    Heart.objects.all().delete()
    look()
    look(settled())
    (text,) = server.received
    assert read(text)["To"] == "root@example.com"
    assert "The worker is not running." in read(text).get_content()


def test_a_mail_that_is_not_taken_is_tried_again_and_told_once(
    verdi: World, server: MailServer, settings: Settings
) -> None:
    pause(verdi)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()[:2]
    use(settings, nobody)
    assert [look(minute) for minute in range(20)] == [0] * 20
    watcher = Watcher.objects.get(user=verdi.owner)
    assert watcher.tries == 3  # at 3, 4 and 9 minutes
    assert "The mail server did not take the last messages." in client_of(verdi.owner).get("/admin/").content.decode()
    use(settings, server.address)
    assert sum(look(minute) for minute in range(20, 80)) == 1
    assert len(server.received) == 1
    assert Watcher.objects.get(user=verdi.owner).tries == 0


def test_a_mail_whose_end_nobody_saw_is_not_sent_again(verdi: World, server: MailServer) -> None:
    pause(verdi)
    look()
    watcher = Watcher.objects.get(user=verdi.owner)
    (key,) = watcher.seen
    Watcher.objects.update(sending={"told": {key: 0}, "alarm": True}, sending_at=timezone.now())  # then it was killed
    minutes = LOST_AFTER / timedelta(minutes=1)
    assert [look(minutes * part) for part in (0.5, 1.1, 1.2, 8)] == [0, 0, 0, 0]
    watcher.refresh_from_db()
    assert (watcher.told, watcher.sending_at, watcher.seen) == ({key: 0}, None, {})
    make.EventFactory.make(tenant=verdi.tenant, status="failed", finished_at=timezone.now())
    look(90)
    assert look(90 + settled()) == 1
    assert "Still as it was:" in read(server.received[0]).get_content()


def test_who_decides_by_an_older_row_sends_nothing(verdi: World, server: MailServer) -> None:
    pause(verdi)
    look()
    with at(timezone.now() + SETTLING):
        first, second = (next(post._people([verdi.tenant.pk])) for _ in range(2))
        troubles = post._by_tenant(post.troubles_of([verdi.tenant.pk]))
        assert [post.tell(first, troubles), post.tell(second, troubles)] == [True, False]
    assert len(server.received) == 1


def test_without_a_mail_server_nothing_is_begun_and_home_says_so(verdi: World, settings: Settings) -> None:
    settings.MAIL_SET_UP = False
    text = client_of(verdi.owner).get("/admin/").content.decode()
    assert "nobody is told when something is wrong" in text
    assert "Everything is moving" in text


# The page on which each chooses.


def test_each_chooses_for_themselves(verdi: World, server: MailServer) -> None:
    marketer = member(verdi, Role.MARKETER)
    client = client_of(marketer)
    assert re.search(r'value="never"[^>]*\bchecked', client.get(PAGE).content.decode())
    client.post(PAGE, {"wanted": "at_once", "language": "fr"})
    chosen = Watcher.objects.get(user=marketer)
    assert (chosen.tenant, chosen.wanted, chosen.language) == (verdi.tenant, "at_once", "fr")
    client.post(PAGE, {"wanted": "hourly", "language": "fr"})
    assert Watcher.objects.get(user=marketer).wanted == "at_once"
    client_of(verdi.owner).post(PAGE, {"wanted": "never", "language": "en"})
    pause(verdi)
    look()
    look(settled())
    assert [read(text)["To"] for text in server.received] == [marketer.email or marketer.username]


def test_choosing_needs_a_post_with_a_token(verdi: World) -> None:
    client = client_of(verdi.owner, enforce_csrf_checks=True)
    assert client.post(PAGE, {"wanted": "never", "language": "en"}).status_code == 403
    assert Client().get(PAGE).status_code == 302


def test_a_superuser_who_looks_at_a_tenant_is_not_in_its_team(verdi: World, django_user_model: type[User]) -> None:
    root = client_of(django_user_model.objects.create_superuser("root", "root@example.com"))
    assert "when no worker runs" in root.get(PAGE).content.decode()
    root.post("/admin/tenant/", {"tenant": verdi.tenant.pk})
    assert "you are not one of them" in root.get(PAGE).content.decode()
    root.post(PAGE, {"wanted": "never", "language": "en"})
    assert not Watcher.objects.filter(user__username="root").exists()


# Over several processes.


def test_of_several_processes_exactly_one_tells(own_database: str, tmp_path: Path) -> None:
    with MailServer() as running:
        host, port = running.address
        mail = {"EMAIL_URL": f"smtp://{host}:{port}"}
        ended = run_apart("tests.portal.watch_race", "main()", url=own_database, folder=tmp_path, timeout=90, **mail)
        assert json.loads(ended.stdout) == {"sent": [10, 10, 10], "exits": [0] * 4}
        assert len(running.received) == 30
        assert len({(read(text)["To"], read(text)["Subject"]) for text in running.received}) == 30
