"""Dialogs: every action of the admin that changes something. GET shows it, POST with a CSRF token does it.

The row is looked up through the person's tenants before anything of the dialog is rendered; unfold does not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from portal.admin.rights import may_here
from portal.tenancy import Action, is_superuser

DialogForm = BaseDialogForm


def dialog(
    *,
    label: Any,
    needs: Action,
    title: Any,
    description: Any = "",
    submit: Any = None,
    form: type[BaseDialogForm] | None = None,
    icon: str | None = None,
    variant: ActionVariant = ActionVariant.DEFAULT,
    superusers_only: bool = False,
) -> Callable[[Callable[..., HttpResponse]], Any]:
    """Makes an admin's method an action with a dialog.

    On a row, the method gets (request, form, row); on a list, (request, form).
    """
    shown = {"title": title, "description": description, "form_class": form, "form_submit_text": submit or label}

    def decorate(method: Callable[..., HttpResponse]) -> Any:
        def call(admin: Any, request: HttpRequest, filled: BaseDialogForm, **kwargs: Any) -> HttpResponse:
            if "object_id" in kwargs:
                return method(admin, request, filled, admin.scoped_object(request, kwargs["object_id"], needs))
            return method(admin, request, filled)

        call.__name__ = method.__name__
        inner = action(
            call, permissions=["superuser" if superusers_only else needs.value], description=label, icon=icon,
            variant=variant, dialog=shown, url_path=method.__name__.replace("_", "-"),
        )  # fmt: skip

        @wraps(inner)
        def guarded(admin: Any, request: HttpRequest, **kwargs: Any) -> HttpResponse:
            if superusers_only and not is_superuser(request.user):
                raise PermissionDenied
            if "object_id" in kwargs:
                seen = admin.scoped_object(request, kwargs["object_id"])
                if not admin.permits(request, needs, seen):
                    raise PermissionDenied
                if request.method == "POST":
                    admin.note_before(request, seen)
            elif not may_here(request, needs):
                raise PermissionDenied
            return inner(admin, request, **kwargs)

        guarded.is_dialog = True  # type: ignore[attr-defined]  # what portal.E010 looks for
        return guarded

    return decorate


def finished(request: HttpRequest, url: str, sentence: Any, level: int = messages.SUCCESS) -> HttpResponse:
    """The end of a dialog: the page it was opened from is shown anew, with the sentence on top."""
    messages.add_message(request, level, sentence)
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return HttpResponseRedirect(url)


def leads_to(request: HttpRequest, url: str, sentence: Any, level: int = messages.SUCCESS) -> HttpResponse:
    """The end of a dialog that goes on at another page."""
    messages.add_message(request, level, sentence)
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def result(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Shows what came of it in the dialog's place. The template extends admin/portal/dialog_result.html."""
    response = render(request, template, {"done_label": _("Done"), **context})
    response["HX-Retarget"], response["HX-Reselect"], response["HX-Reswap"] = "#dialog", "#dialog", "outerHTML"
    response["Cache-Control"] = "no-store"
    return response
