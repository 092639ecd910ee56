"""Dialogs: every action of the admin that changes something. GET shows it, POST with a CSRF token does it.

The row is looked up through the person's tenants before anything of the dialog is rendered; unfold does not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from portal.admin.rights import may_here, rows
from portal.tenancy import Action, is_superuser

DialogForm = BaseDialogForm


def dialog(
    *,
    label: Any,
    needs: Action | tuple[Action, ...],
    title: Any,
    description: Any = "",
    submit: Any = None,
    form: type[BaseDialogForm] | None = None,
    icon: str | None = None,
    variant: ActionVariant = ActionVariant.DEFAULT,
    superusers_only: bool = False,
) -> Callable[[Callable[..., HttpResponse]], Any]:
    """Makes an admin's method an action with a dialog.

    On a row, the method gets (request, form, row); on a list, (request, form). Of several actions that it `needs`, any
    one is enough; the admin then has a `has_<one>_or_<other>_permission` of its own, for the button.
    """
    enough = (needs,) if isinstance(needs, Action) else needs
    shown = {"title": title, "description": description, "form_class": form, "form_submit_text": submit or label}

    def _row(model_admin: Any, request: HttpRequest, key: Any) -> Any:
        granted = next((each for each in enough if model_admin.permits(request, each, key)), enough[0])
        return model_admin.scoped_object(request, key, granted)

    def decorate(method: Callable[..., HttpResponse]) -> Any:
        def call(model_admin: Any, request: HttpRequest, filled: BaseDialogForm, **kwargs: Any) -> HttpResponse:
            if "object_id" in kwargs:
                return method(model_admin, request, filled, _row(model_admin, request, kwargs["object_id"]))
            return method(model_admin, request, filled)

        call.__name__ = method.__name__
        inner = action(
            call, permissions=["superuser" if superusers_only else "_or_".join(enough)], description=label, icon=icon,
            variant=variant, dialog=shown, url_path=method.__name__.replace("_", "-"),
        )  # fmt: skip

        @wraps(inner)
        def guarded(model_admin: Any, request: HttpRequest, **kwargs: Any) -> HttpResponse:
            if superusers_only and not is_superuser(request.user):
                raise PermissionDenied
            if "object_id" in kwargs:
                seen = model_admin.scoped_object(request, kwargs["object_id"])
                if not any(model_admin.permits(request, each, seen) for each in enough):
                    raise PermissionDenied
                if request.method == "POST":
                    model_admin.note_before(request, seen)
            elif not any(may_here(request, each) for each in enough):
                raise PermissionDenied
            return inner(model_admin, request, **kwargs)

        guarded.is_dialog = True  # type: ignore[attr-defined]  # what portal.E010 looks for
        return guarded

    return decorate


def bulk_dialog(*, label: Any, needs: Action) -> Callable[[Callable[..., HttpResponse]], Any]:
    """Makes an admin's method an action on the chosen rows of its list, which asks on a page of its own first.

    The method gets (request, rows, confirmed): those rows that the person may take the action on, and whether the
    answer was yes. Django posts both with a CSRF token.
    """

    def decorate(method: Callable[..., HttpResponse]) -> Any:
        @admin.action(description=label, permissions=[needs.value])
        @wraps(method)
        def guarded(model_admin: Any, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse:
            if not may_here(request, needs):
                raise PermissionDenied
            permitted = rows(request, model_admin.model, needs).filter(pk__in=chosen.values("pk"))
            return method(model_admin, request, permitted, request.POST.get("confirmed") == "1")

        guarded.is_dialog = True  # type: ignore[attr-defined]
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
    return goes_to(request, url)


def goes_to(request: HttpRequest, url: str) -> HttpResponse:
    """Like `leads_to`, where the page says enough."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def result(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Shows what came of it in the dialog's place. The template extends admin/portal/dialog_result.html."""
    response = render(request, template, {"done_label": _("Done"), **context})
    response["HX-Retarget"], response["HX-Reselect"], response["HX-Reswap"] = "#dialog", "#dialog", "outerHTML"
    response["Cache-Control"] = "no-store"
    return response
