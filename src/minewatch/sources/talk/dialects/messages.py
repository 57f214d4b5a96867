"""A JSON message of a connection, and the small forms that mining messages are made of.

Keys and methods are compared in lower case: JSON-RPC says nothing of case and some software varies it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

HEX64 = re.compile(r"(0x)?[0-9a-fA-F]{64}")

_HEX = re.compile(r"(0x)?[0-9a-fA-F]+")
_ETH_USER = re.compile(r"(0x[0-9a-fA-F]{40})(?:[./]([^/]*))?.*")
_STALE = re.compile(r"(?i)stale|job not found|(unknown|invalid|no such|old) ?(job|work)|expired|outdated")
_STALE_CODE = 21
_LONGEST_NAME = 200


class Message(NamedTuple):
    """A JSON object, keys in lower case, with who sent it (``reverse``) and when (``at``, µs since 1970)."""

    value: Mapping[str, Any]
    text: str
    reverse: bool
    at: int

    @property
    def method(self) -> str:
        """The method in lower case, empty where there is none."""
        method = self.value.get("method")
        return method.lower() if isinstance(method, str) else ""

    @property
    def is_answer(self) -> bool:
        """Tell whether this answers a request; some software repeats the method in its answers."""
        return "params" not in self.value and ("result" in self.value or bool(self.value.get("error")))

    @property
    def params(self) -> Sequence[Any]:
        """The parameters where they are a list or one plain value, else an empty list."""
        params = self.value.get("params")
        if isinstance(params, list):
            return params
        return () if params is None or isinstance(params, dict) else (params,)

    @property
    def named(self) -> Mapping[str, Any]:
        """The parameters (or the ``body``), keys in lower case, where they are an object, else none."""
        params = self.value.get("params", self.value.get("body"))
        return lowered(params) if isinstance(params, dict) else {}

    def string(self, position: int) -> str:
        """Return the parameter at ``position`` where it is text, else an empty one."""
        params = self.params
        value = params[position] if position < len(params) else None
        return value if isinstance(value, str) else ""


def lowered(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Return ``value`` with its keys in lower case."""
    return {str(key).lower(): each for key, each in value.items()}


def text_of(value: Any) -> str | None:
    """Return ``value`` where it is text that is not empty, at most 200 characters of it, else None."""
    return value[:_LONGEST_NAME] if isinstance(value, str) and value else None


def number_of(value: Any) -> float | None:
    """Return ``value`` where it is a positive number that a float holds, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e300 else None


def rate_of(digits: str) -> float:
    """Return the hash rate that a miner reports in hexadecimal; 0 where it is none."""
    try:
        return float(int(digits[:_LONGEST_NAME], 16))
    except ValueError:
        return 0.0


def is_hex(value: Any, least: int) -> bool:
    """Tell whether ``value`` is text of at least ``least`` hexadecimal digits, with or without ``0x``."""
    return isinstance(value, str) and len(value) >= least and _HEX.fullmatch(value) is not None


def is_hash(value: Any) -> bool:
    """Tell whether ``value`` is text of 64 hexadecimal digits, with or without ``0x``."""
    return isinstance(value, str) and HEX64.fullmatch(value) is not None


def hashes_of_target(target: Any, little: bool = False) -> float:
    """Return 2^bits / target: how many hashes a share takes on average; 0 where the target is odd."""
    try:
        raw = bytes.fromhex(str(target).removeprefix("0x"))
    except ValueError:
        return 0.0
    number = int.from_bytes(raw[:64], "little" if little else "big")
    return 2.0 ** (8 * len(raw[:64])) / number if number else 0.0


def is_yes(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer agrees: a true result, or an object whose status is ``OK``, and no error."""
    result = answer.get("result")
    if isinstance(result, dict):
        result = str(lowered(result).get("status", "ok")).lower() == "ok"
    return bool(result) and not answer.get("error")


def is_stale(error: Any) -> bool:
    """Tell whether a share was refused for work that was over: code 21 of Stratum, or words that say so."""
    if isinstance(error, list):
        error = {"code": error[0] if error else None, "message": error[1] if len(error) > 1 else ""}
    if isinstance(error, dict):
        error = lowered(error)
        if error.get("code") == _STALE_CODE and not re.search("(?i)low.?diff", str(error.get("message"))):
            return True
        error = error.get("message")
    return isinstance(error, str) and _STALE.search(error) is not None


def split_user(user: str) -> tuple[str, str | None]:
    """Split ``wallet.worker``, ``wallet/worker/mail`` or ``wallet+diff.worker`` into account and worker."""
    if match := _ETH_USER.fullmatch(user):
        return match[1], match[2] or None
    head, _, rest = user.partition("." if "." in user.partition("/")[0] else "/")
    account = head.partition("+")[0]
    # between a Monero wallet and its worker a payment id of 64 digits may stand
    words = [word for word in rest.partition("/")[0].split(".") if word and not HEX64.fullmatch(word)]
    return account, ".".join(words) or None
