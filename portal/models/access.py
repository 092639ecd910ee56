from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.secrets import EncryptedTextField
from portal.tenancy import TenantModel


class Scope(models.TextChoices):
    ACTITO_LISTENER = "ActitoListener.Write", _("Receive Actito's webhooks")
    DIDOMI_LISTENER = "DidomiListener.Write", _("Receive Didomi's webhooks")
    PASS_READ = "Pass.Read", _("Read passes")
    PASS_WRITE = "Pass.Write", _("Make and change passes")


class ApiKey(TenantModel):
    """A key of a tenant. Only its SHA-256 is stored; the key itself is shown once, when it is made."""

    name = models.CharField(
        _("name"), max_length=100, help_text=_("What uses this key, for example “Actito production”.")
    )
    prefix = models.CharField(_("beginning"), max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(_("it may"), default=list)
    # "actito:3": which connection is speaking, because profile ids are per table. Empty: the tenant's only one.
    bound_to = models.CharField(_("connection"), max_length=60, blank=True, default="")
    # A key and those that replaced it, one after the other. Two of them may be live at a time.
    line = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, help_text=_("Empty: it does not expire."))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name", "-id"]
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        indexes = [models.Index(fields=["line"], name="apikey_line")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and not self.is_expired


class OAuthClient(TenantModel):
    """A client of the installation's token issuer that a tenant lets in. Its tokens are the issuer's business."""

    name = models.CharField(
        _("name"), max_length=100, help_text=_("What uses this client, for example “Actito production”.")
    )
    client_id = models.CharField(_("client ID"), max_length=200)
    scopes = models.JSONField(_("it may"), default=list)
    # As of ApiKey.
    bound_to = models.CharField(_("connection"), max_length=60, blank=True, default="")
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name", "-id"]
        verbose_name = _("OAuth2 client")
        verbose_name_plural = _("OAuth2 clients")
        constraints = [models.UniqueConstraint(fields=["tenant", "client_id"], name="oauthclient_once")]

    def __str__(self) -> str:
        return self.name


class RefusedCall(TenantModel):
    """A call with a real key that was refused, and how often in a row. Written by `portal.refused` only.

    It belongs to the key's tenant, whatever address was called.
    """

    class Reason(models.TextChoices):
        REVOKED = "revoked", _("The key was revoked")
        EXPIRED = "expired", _("The key has expired")
        ELSEWHERE = "elsewhere", _("The address is not this tenant's")
        SUSPENDED = "suspended", _("The tenant is suspended")
        SCOPE = "scope", _("The key may not do this")
        CONNECTION = "connection", _("The key has no connection")
        ADDRESS = "address", _("The address does not exist")
        METHOD = "method", _("The method is not POST")
        BODY = "body", _("The body could not be understood")
        SIZE = "size", _("The body is too large")
        TYPE = "type", _("The body is not JSON")
        RATE = "rate", _("Too many calls at once")
        OTHER = "other", _("Refused")

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="refused_calls", verbose_name=_("API key"))
    source = models.CharField(_("connection"), max_length=60, blank=True, default="")  # the key's `bound_to`
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    status = models.PositiveSmallIntegerField(_("answer"))
    method = models.CharField(_("method"), max_length=10)
    path = models.CharField(_("address"), max_length=200)
    detail = models.CharField(_("what was answered"), max_length=500, blank=True, default="")
    excerpt = models.TextField(_("what was sent"), blank=True, default="")
    at = models.DateTimeField(_("first"), default=timezone.now)
    last_at = models.DateTimeField(_("last"), default=timezone.now)
    count = models.PositiveIntegerField(_("calls"), default=1)

    class Meta:
        ordering = ["-last_at", "-id"]
        verbose_name = _("refused call")
        verbose_name_plural = _("refused calls")
        indexes = [
            models.Index(fields=["tenant", "-last_at"], name="refused_newest"),
            models.Index(fields=["tenant", "source", "-last_at"], name="refused_connection"),
            models.Index(fields=["key", "-last_at"], name="refused_key"),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} ({self.status})"


class TokenSigningKey(TenantModel):
    """What a tenant's own access tokens are signed with (portal/own_tokens.py). It is shown to nobody."""

    tenant = models.ForeignKey("portal.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
                               verbose_name=_("tenant"))  # fmt: skip
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    private_key = EncryptedTextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("signing key of tokens")
        verbose_name_plural = _("signing keys of tokens")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="tokensigningkey_once")]

    def __str__(self) -> str:
        return f"{self.uid}"
