"""What a response holds: all its text, wherever it stands, and the forms on its page."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

from django.contrib.messages import get_messages
from django.forms import BaseForm, ModelChoiceField

Data = dict[str, Any]
REVEALS = re.compile(r"already|exists|taken|in use|violated", re.IGNORECASE)


def content_of(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def text_of(response: Any) -> str:
    """Body, headers, cookies and messages in small letters, also as a browser reads them. A zip file is opened."""
    body = content_of(response)
    parts = [body.decode("utf-8", "replace"), *_packed(body)]
    if response.get("Content-Type", "").startswith("application/json"):
        parts.append(json.dumps(json.loads(body), ensure_ascii=False))
    parts += [f"{name}: {value}" for name, value in response.items()]
    parts += [morsel.OutputString() for morsel in response.cookies.values()]
    request = getattr(response, "wsgi_request", None)
    if request is not None and hasattr(request, "_messages"):
        parts += [str(message) for message in get_messages(request)]
    text = "\n".join(parts)
    return "\n".join({text, unescape(text), unquote(text)}).lower()


def _packed(body: bytes) -> Iterator[str]:
    if body.startswith(b"PK") and zipfile.is_zipfile(io.BytesIO(body)):
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            yield from (packed.read(name).decode("utf-8", "replace") for name in packed.namelist())


class _Forms(HTMLParser):
    """The values that a browser would send with each form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Data] = []
        self.changing: Data | None = None  # Django's own form for a row
        self._select: str | None = None
        self._textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form":
            self.forms.append({})
            if (given.get("id") or "").endswith("_form"):
                self.changing = self.forms[-1]
        elif not self.forms:
            return
        elif tag == "input" and name:
            self._input(name, given)
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self._add(self._select, given.get("value") or "")
        elif tag == "textarea":
            self._textarea = None if "__prefix__" in name else name
            self._add(name, "")

    def _input(self, name: str, given: dict[str, str | None]) -> None:
        kind = given.get("type", "text")
        if kind in {"submit", "button", "file", "image"} or (kind in {"checkbox", "radio"} and "checked" not in given):
            return
        self._add(name, given.get("value") or ("on" if kind == "checkbox" else ""))

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.forms[-1][self._textarea][-1] += data.removeprefix("\n").removeprefix("\r\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._textarea = None

    def _add(self, name: str, value: str) -> None:
        if name and "__prefix__" not in name:
            self.forms[-1].setdefault(name, []).append(value)


def form_data(response: Any) -> Data:
    """What the page's own form would send as it stands: that of a dialog, that of a row, or else the largest."""
    parser = _Forms()
    parser.feed(content_of(response).decode("utf-8", "replace"))
    dialogs = [form for form in parser.forms if "_form_submitted" in form]
    found = dialogs[0] if dialogs else parser.changing or max(parser.forms, key=len, default={})
    return {name: values for name, values in found.items() if name != "csrfmiddlewaretoken"}


def forms_of(response: Any) -> list[BaseForm]:
    """The admin's form and the forms of its inlines, as the view made them."""
    context = getattr(response, "context_data", None) or {}
    main = [context["adminform"].form] if "adminform" in context else []
    return [*main, *(form for formset in formsets_of(response) for form in formset.forms)]


def formsets_of(response: Any) -> list[Any]:
    context = getattr(response, "context_data", None) or {}
    return [inline.formset for inline in context.get("inline_admin_formsets", [])]


def row_choices(forms: Iterable[BaseForm]) -> dict[str, Any]:
    """Name in the posted form -> the model that it chooses rows of."""
    return {
        form.add_prefix(name): field.queryset.model
        for form in forms
        for name, field in form.fields.items()
        if isinstance(field, ModelChoiceField)
    }


def reveals_existence(response: Any) -> str:
    """The words of a form that says a value is taken; empty when it says no such thing."""
    forms = forms_of(response)
    context = getattr(response, "context", None)
    if not forms and context is not None and "form" in context:
        forms = [context["form"]]
    for form in forms:
        if not isinstance(form, BaseForm) or not form.is_bound or not form.errors:
            continue
        for name, errors in form.errors.as_data().items():
            for error in errors:
                said = " ".join(map(str, error.messages))
                if error.code in {"unique", "unique_together"} or REVEALS.search(said):
                    return f"{name}: {said}"
    return ""
