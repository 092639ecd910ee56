from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integrations.demo import consent_tour, pairing
from integrations.demo import seed as seeding
from integrations.demo import tour as touring
from integrations.demo.outside import ActitoHand, AndroidPhone, DidomiHand, Phone
from integrations.demo.people import ACTITO_KEY, ENTITY, TABLE
from integrations.demo.processes import DemoError, Ports, Process, choose_ports, commands, only_one, running
from integrations.didomi.sandbox import API_KEY, ORGANIZATION, SECRET
from passes.links import link
from passes.models import GoogleNotification, WalletPass, in_google
from portal.models import Event, Heart

DEFAULT_PORT = "8000"
# Who carries a phone in the demo: (e-mail address, name of the phone, its language). The first one is on the tour.
OWNERS = (
    ("anna.peeters@example.com", "Anna", "en"),
    ("bram.janssens@example.com", "Bram", "nl"),
    ("chloe.maes@example.com", "Chloe", "fr"),
)
READ_SECONDS = 60.0


class Command(BaseCommand):
    help = "Runs the whole portal against the sandbox: one tour from Actito to a phone, then serves until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="End after the tour; exit 1 if any stop failed.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo makes a demo tenant. It does not run with PRODUCTION=true.")
        signal.signal(signal.SIGTERM, _end)
        try:
            ports = choose_ports(os.environ.get("PORT") or DEFAULT_PORT)
            _see_own_address(ports)
            with only_one():
                self._run(ports, once=options["once"])
        except (DemoError, touring.StopFailed) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")

    def _run(self, ports: Ports, *, once: bool) -> None:
        self._say("Preparing the database")
        call_command("migrate", verbosity=0)
        chosen = commands(ports)
        self._say("Starting the sandbox: Actito, Didomi, Apple's push service, Google, virtual phones")
        with running({"sandbox": chosen.pop("sandbox")}) as sandbox:
            demo = seeding.seed(ports)
            actito = ActitoHand(demo.actito_url)
            self._say("Starting the web server and the worker")
            with running(chosen) as others:
                self._tour(demo, actito)
                if not once:
                    self._serve(demo, [*sandbox, *others])

    def _tour(self, demo: seeding.Demo, actito: ActitoHand) -> None:
        began = timezone.now()
        webhooks = f"{demo.base_url}/api/{demo.tenant.slug}/webhooks/listeners/actito"
        actito.post_changes_to(webhooks, demo.api_key)
        self._say(f"Reading {seeding.read_everyone(demo, actito.profile_ids())} new profiles from Actito")
        _wait_until_quiet(demo, began)
        self._pair(demo, began)
        phones = [self._phone(demo, *owner) for owner in OWNERS]
        phone, wallet_pass = phones[0]
        profile = actito.profile_id(OWNERS[0][0])
        both = touring.Phones(phone, *self._android(demo, wallet_pass))
        self._write_state(demo, profile, wallet_pass, both.object_id)
        self._say(f"The tour: {OWNERS[0][1]} gets {touring.ADDED_POINTS} points\n")
        stops, seconds = touring.tour(demo, actito, both, wallet_pass, profile)
        self.stdout.write("\n".join(touring.printed(stops, ZoneInfo(demo.tenant.time_zone))))
        self.stdout.write(self.style.SUCCESS(f"\n  From Actito to the phone in {seconds:.2f} s.\n"))
        self._consents(demo, actito, began)

    def _pair(self, demo: seeding.Demo, began: datetime) -> None:
        """The pairing is on at the end; what it compared at the first start has come to stand."""
        if demo.pairing.is_on:
            return
        self._say("Comparing who wants the newsletter in Didomi and in Actito")
        pairing.compare(demo.pairing, demo.owner)
        _wait_until(lambda: pairing.is_compared(demo.pairing), "Didomi and Actito were not compared.")
        pairing.switch_on(demo.pairing, demo.owner)
        _wait_until_quiet(demo, began)

    def _consents(self, demo: seeding.Demo, actito: ActitoHand, began: datetime) -> None:
        """A consent there and back, each followed by itself."""
        didomi = DidomiHand(demo.didomi_url)
        reader = consent_tour.reader_of(demo.pairing, actito)
        if reader.subscribed:
            actito.unsubscribe(reader.profile)
            _wait_until(lambda: not consent_tour.stands(demo.pairing, reader), "Actito told of no unsubscription.")
        self._say(f"The tour of consents: {reader.email} wants the newsletter, and then no more\n")
        for part, title in (
            (consent_tour.given, "From Didomi to Actito"),
            (consent_tour.ended, "From Actito to Didomi"),
        ):
            _wait_until_quiet(demo, began)
            stops = part(demo.pairing, reader, didomi, actito)
            self.stdout.write("\n".join(touring.printed(stops, ZoneInfo(demo.tenant.time_zone))))
            seconds = (stops[-1].at - stops[0].at).total_seconds()
            self.stdout.write(self.style.SUCCESS(f"\n  {title} in {seconds:.2f} s.\n"))

    def _phone(self, demo: seeding.Demo, email: str, name: str, language: str) -> tuple[Phone, WalletPass]:
        """The customer's phone, with the pass on it."""
        wallet_pass = _pass_of(demo, email)
        phone = Phone(demo.phones_url, name, language)
        if demo.moved or phone.card(str(wallet_pass.serial_number)) is None:
            phone.add(f"{link(wallet_pass)}/apple")
        return phone, wallet_pass

    def _android(self, demo: seeding.Demo, wallet_pass: WalletPass) -> tuple[AndroidPhone, str]:
        """The same customer's Android phone with the same pass, once Google has told of it."""
        _, name, language = OWNERS[0]
        phone = AndroidPhone(demo.google_url, f"{name}-android", language)
        object_id = phone.add(link(wallet_pass))
        _wait_until(lambda: in_google().filter(wallet_pass=wallet_pass).exists(), "Google did not tell of the pass.")
        # The portal counts them, too.
        GoogleNotification.objects.filter(google_object__wallet_pass=wallet_pass).delete()
        return phone, object_id

    def _write_state(self, demo: seeding.Demo, profile: int, wallet_pass: WalletPass, object_id: str) -> None:
        seeding.write_state(
            {
                "base_url": demo.base_url,
                "tenant": demo.tenant.slug,
                "api_key": demo.api_key,
                "admin": {"username": seeding.USERNAME, "password": demo.password},
                "actito": {
                    "base_url": demo.actito_url,
                    "api_key": ACTITO_KEY,
                    "entity": ENTITY,
                    "table": TABLE,
                    "profile_id": profile,
                },
                "apple": {
                    "pass_type_identifier": seeding.PASS_TYPE,
                    "serial_number": str(wallet_pass.serial_number),
                    "authentication_token": wallet_pass.authentication_token,
                },
                "didomi": {
                    "base_url": demo.didomi_url,
                    "organization_id": ORGANIZATION,
                    "api_key": API_KEY,
                    "api_secret": SECRET,
                    "webhook_key": demo.didomi_key,
                },
                "google": {"issuer_id": seeding.ISSUER, "object_id": object_id},
                "sandbox": {"phones_url": demo.phones_url, "google_url": demo.google_url},
            }
        )

    def _serve(self, demo: seeding.Demo, processes: list[Process]) -> None:
        self.stdout.write(
            f"The portal serves on  {demo.base_url}/admin/\n"
            f"  user {seeding.USERNAME}, password {demo.password}\n\n"
            "Try next\n"
            "  1. Events: open the newest “Actito profile changed” and follow it to the phone.\n"
            f"  2. The iPhones: {demo.phones_url}, and the Android phone: {demo.google_url}\n"
            "  3. Templates: change a text, publish it, and watch the phones.\n"
            f"  4. Customers: open {OWNERS[0][0]}.\n"
            f"  5. Be the marketer in Actito: change a profile, fire a custom action: {demo.actito_url}\n"
            f"  6. Be the customer at Didomi's preference centre: {demo.didomi_url}\n"
            "     What you choose of the newsletter is so in Actito a moment later; the customer's page says why.\n"
            "  7. Break something: docs/sandbox.md.\n"
            f"  Addresses and keys for scripts are in {seeding.state_file()}.\n\n"
            "Ctrl-C stops everything."
        )
        while True:
            time.sleep(1)
            for process in processes:
                process.check()

    def _say(self, sentence: str) -> None:
        self.stdout.write(f"• {sentence}")
        self.stdout.flush()


def _see_own_address(ports: Ports) -> None:
    """Settings are read once, at the start: begin again with the address that phones will see."""
    wanted = {"PUBLIC_URL": ports.base_url(), "SANDBOX": "true", "VAR_DIR": str(settings.VAR_DIR)}
    if wanted["PUBLIC_URL"] != settings.PUBLIC_URL or not settings.SANDBOX:
        os.environ.update(wanted)
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - the same command again
    os.environ.update(wanted)


def _end(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wait_until_quiet(demo: seeding.Demo, began: datetime) -> None:
    """Until the worker is up and nothing waits any more, so that the tour is followed alone."""
    hearts = Heart.objects.filter(beat_at__gt=began)
    unfinished = Event.objects.for_tenant(demo.tenant).filter(status__in=Event.PENDING)
    deadline = time.monotonic() + READ_SECONDS
    while unfinished.exists() or not hearts.exists():
        if time.monotonic() > deadline:
            event = unfinished.order_by("pk").first()
            raise touring.StopFailed(
                f"The worker did not finish {event} within {READ_SECONDS:.0f} s. {event.outcome}"
                if event
                else f"The worker did not start within {READ_SECONDS:.0f} s. See {settings.VAR_DIR}/log/worker.log."
            )
        time.sleep(0.1)


def _wait_until(reached: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + READ_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise touring.StopFailed(otherwise)
        time.sleep(0.1)


def _pass_of(demo: seeding.Demo, email: str) -> WalletPass:
    found = demo.template.passes.filter(customer__key=email).select_related("template__apple").first()
    if found is None:
        raise touring.StopFailed(f"6 PASS: {email} got no pass. See {settings.VAR_DIR}/log/worker.log.")
    return found
