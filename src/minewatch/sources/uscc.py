"""Unified social credit codes (统一社会信用代码, GB 32100-2015) with both check characters.

python-stdnum 2.2 refuses rightly built codes of class A, N and Y and does not look at the inner check
(GB 11714), so both are computed here.
"""

import re

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUE = {letter: number for number, letter in enumerate(_ALPHABET)}
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_INNER_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_FORM = re.compile(rf"[1-9ANY][1-9A]\d{{6}}[{_ALPHABET}]{{8}}[0-9X][{_ALPHABET}]")


def is_uscc(code: str) -> bool:
    """Tell whether ``code`` (upper case) is built as a credit code with both check characters right."""
    return bool(_FORM.fullmatch(code)) and code[16] == _inner_check(code[8:16]) and code[17] == _check(code)


def _check(code: str) -> str:
    total = sum(weight * _VALUE[letter] for weight, letter in zip(_WEIGHTS, code, strict=False))
    return _ALPHABET[(31 - total % 31) % 31]


def _inner_check(body: str) -> str:
    """Return the check character of an organisation code; its letters count from A = 10 without gaps."""
    digits = (int(letter, 36) for letter in body)
    rest = 11 - sum(weight * digit for weight, digit in zip(_INNER_WEIGHTS, digits, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))
