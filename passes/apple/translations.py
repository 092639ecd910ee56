"""The translations in a pass: `pass.strings` of each language.

https://developer.apple.com/documentation/walletpasses/building-a-pass (localized passes)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def strings(content: Mapping[str, Any]) -> dict[str, bytes]:
    """`<language>.lproj/pass.strings` for each language: texts of pass.json are looked up there literally.

    Each has the same keys, and the template's own language has one too: iOS takes the first of its owner's languages
    that has a folder, and would prefer a second language to the untranslated texts.
    """
    texts: Mapping[str, Mapping[str, str]] = content["texts"]
    if not texts:
        return {}
    keys = sorted({text for translations in texts.values() for text in translations})
    return {
        f"{language}.lproj/pass.strings": _strings_file(
            {text: texts.get(language, {}).get(text, text) for text in keys}
        )
        for language in sorted({content["language"], *texts})
    }


def _strings_file(translations: Mapping[str, str]) -> bytes:
    lines = (f'"{_escape(text)}" = "{_escape(translation)}";\n' for text, translation in translations.items())
    return "".join(lines).encode("utf-16")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
