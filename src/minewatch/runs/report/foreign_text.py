"""Text that somebody else wrote: made visible, so that it cannot hide or turn what stands beside it."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str) -> str:
    """Return ``text`` with every control, format and unassigned character spelled out.

    A right-to-left override becomes ``⟨U+202E⟩``, a line break ``␊``. Escaping for HTML or a workbook is
    the work of whoever writes that format.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def _spelled(char: str) -> str:
    code = ord(char)
    return chr(0x2400 + code) if code < 0x20 else f"⟨U+{code:04X}⟩"


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Return ``value`` (row, list or text, nested as they come) with ``change`` applied to every text."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [each_text(item, change) for item in value]
    if isinstance(value, dict):
        return {key: each_text(item, change) for key, item in value.items()}
    return value


_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])",
    re.I,
)
_NUMBER = re.compile(r"(?<![\w.-])\d{8,}(?![\w.])")
_WALLET = re.compile(r"(?<![\w-])(?=\w*\d)\w{24,}(?![\w-])")


def mask_name(text: str) -> str:
    """Return a name, number or address with all but its beginning hidden.

    A quarter of it stays, at most six characters; of a long number the last two digits stay as well. What
    follows a comma (a name with its address) goes altogether.
    """
    text = text.strip().partition(",")[0]
    if _ADDRESS.search(text):
        return mask_traces(text)
    kept = text[: min(6, max(1, len(text) // 4))]
    ending = text[-2:] if text.isdigit() and len(text) >= 8 else ""
    return f"{kept}***{ending}"


def mask_traces(text: str) -> str:
    """Return free text with network addresses, long numbers and wallets hidden."""
    text = _ADDRESS.sub(lambda match: _mask_address(match[0]), text)
    text = _NUMBER.sub(lambda match: f"{match[0][:2]}***{match[0][-2:]}", text)
    return _WALLET.sub(lambda match: f"{match[0][:4]}***", text)


def _mask_address(address: str) -> str:
    if ":" in address:
        return ":".join([*address.split(":")[:2], "*"])
    first, second, *_ = address.split(".")
    return f"{first}.{second}.*.*"
