"""Signing in, and setting a new password through a link that was mailed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm as BaseAuthenticationForm
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import EmailField, Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES, UnfoldAdminEmailInputWidget

from portal import history, limits
from portal.accounts import may_enter
from portal.mail import send_reset_links
from portal.models import Change


class LoginForm(AuthenticationForm):
    """Lets in members of a tenant and superusers, and says when somebody has to wait."""

    @property
    def offers_new_password(self) -> bool:
        return bool(settings.MAIL_SET_UP)

    def get_invalid_login_error(self) -> ValidationError:
        if not getattr(self.request, "axes_locked_out", False):
            return ValidationError(_("The name or the password is not right."), code="invalid_login")
        said = limits.sentence(self.request)
        if self.offers_new_password:
            said = " ".join([said, str(_("If you do not know your password, get a new one with the link below."))])
        return ValidationError(said, code="locked")

    def confirm_login_allowed(self, user: Any) -> None:
        BaseAuthenticationForm.confirm_login_allowed(self, user)
        if not may_enter(user):
            raise ValidationError(
                _("You are not a member of any team yet. Ask the administrator of this installation to add you.")
            )


class AddressForm(Form):
    email = EmailField(
        label=_("E-mail address"), max_length=254,
        widget=UnfoldAdminEmailInputWidget(
            attrs={"autocomplete": "email", "autofocus": "", "class": " ".join(BASE_INPUT_CLASSES)}
        ),
    )  # fmt: skip


class NewPasswordForm(SetPasswordForm):
    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        for name in ("new_password1", "new_password2"):
            self.fields[name].widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)


class ChangePassword(views.PasswordChangeView):
    form_class = AdminOwnPasswordChangeForm

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            note_password(form.user, gettext_noop("Password changed."))
            return super().form_valid(form)


def note_password(user: User, sentence: str) -> None:
    """Whoever got into an account changes its password first: the history says when that was."""
    history.record(user, by=user, kind=Change.Kind.DONE, sentence=sentence)


class OnSite:
    """Shows the site's name, styles and colours; without mail there are no links to ask for."""

    site: Any = None
    needs_mail = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.needs_mail and not settings.MAIL_SET_UP:
            raise Http404
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc,no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = {**self.site.each_context(self.request), "mail_set_up": settings.MAIL_SET_UP}  # type: ignore[attr-defined]
        return {**shown, **super().get_context_data(**kwargs)}  # type: ignore[misc]


class AskForLink(OnSite, views.PasswordResetView):
    """Answers alike for every address: nobody learns here who has an account."""

    needs_mail = True
    form_class = AddressForm
    template_name = "admin/signin/ask.html"
    success_url = reverse_lazy("admin:password_reset_done")
    title = _("Forgot your password?")

    def form_valid(self, form: Any) -> HttpResponse:
        address = form.cleaned_data["email"]
        if limits.may_mail(self.request, address):
            send_reset_links(address)
        return HttpResponseRedirect(str(self.success_url))


class LinkSent(OnSite, views.PasswordResetDoneView):
    needs_mail = True
    template_name = "admin/signin/sent.html"
    title = _("Look into your mailbox")


class SetPassword(OnSite, views.PasswordResetConfirmView):
    """All sessions of the person end with the old password: each holds a hash that it is part of."""

    form_class = NewPasswordForm
    template_name = "admin/signin/set.html"
    success_url = reverse_lazy("admin:password_reset_complete")
    title = _("Set your password")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = super().get_context_data(**kwargs)
        return shown if self.validlink else {**shown, "title": _("This link is no longer good")}

    def form_valid(self, form: Any) -> HttpResponse:
        limits.forgive(form.user.get_username())
        with transaction.atomic():
            note_password(form.user, gettext_noop("Password set through a link."))
            return super().form_valid(form)


class PasswordSet(OnSite, views.PasswordResetCompleteView):
    template_name = "admin/signin/done.html"
    title = _("Your password is set")


def password_urls(site: Any) -> list[URLPattern]:
    return [
        path("password-reset/", AskForLink.as_view(site=site), name="password_reset"),
        path("password-reset/sent/", LinkSent.as_view(site=site), name="password_reset_done"),
        path("password-reset/done/", PasswordSet.as_view(site=site), name="password_reset_complete"),
        path("password-reset/<uidb64>/<token>/", SetPassword.as_view(site=site), name="password_reset_confirm"),
    ]
