"""Which encoding a text file is in, and the lines that are in another."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BOM_UTF8 = b"\xef\xbb\xbf"
_BOMS_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_HAN = re.compile(rb"[\xe3-\xe9][\x80-\xbf][\x80-\xbf]")
UTF8 = "utf-8"
CHINESE = "gb18030"
"""Reads GBK and GB 2312 too."""


@dataclass(frozen=True)
class Decoded:
    """A block of lines: ``utf8`` text of the good lines, ``bad`` numbers of the others in the block."""

    utf8: bytes
    bad: tuple[int, ...]


def is_utf16(head: bytes) -> bool:
    """Tell UTF-16 by its byte order mark (Excel's "Unicode text")."""
    return head.startswith(_BOMS_UTF16)


def utf8_head(head: bytes) -> bytes:
    """Return the first bytes of a UTF-16 file in UTF-8."""
    return head[: len(head) // 4 * 4].decode("utf-16", "replace").encode()


@contextmanager
def utf8_copy(path: Path) -> Iterator[Path]:
    """Copy a UTF-16 file to a temporary one in UTF-8; what is no UTF-16 becomes U+FFFD."""
    with tempfile.TemporaryDirectory(prefix="minewatch-") as folder:
        copy = Path(folder) / path.name
        with (
            path.open(encoding="utf-16", errors="replace", newline="") as source,
            copy.open("w", encoding=UTF8, newline="") as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)
        yield copy


def detect(head: bytes) -> str | None:
    """Return "utf-8" or "gb18030"; None for plain ASCII so far, which may become either.

    The choice between UTF-8 and GB 18030 is made by the majority of the lines that are not plain ASCII.
    """
    if head.startswith(BOM_UTF8):
        return UTF8
    lines = [line for line in head.split(b"\n")[:2000] if not line.isascii()]
    if not lines:
        return None
    utf8 = sum(_is(line, UTF8) for line in lines)
    return UTF8 if 2 * utf8 >= len(lines) else CHINESE


def decode_lines(lines: list[bytes], encoding: str) -> Decoded:
    """Decode lines one by one; a line in another encoding than the file's is left out and numbered."""
    good, bad = [], []
    for number, line in enumerate(lines):
        if _is(line, encoding) and not _is_stray(line, encoding):
            good.append(line.decode(encoding).encode())
        else:
            bad.append(number)
    return Decoded(b"\n".join(good) + b"\n" if good else b"", tuple(bad))


def is_clean(block: bytes, encoding: str) -> bool:
    """Tell whether a whole block is in ``encoding``."""
    if block.isascii():
        return True
    if encoding == CHINESE and _UTF8_HAN.search(block):
        return False  # may be UTF-8 lines in a GBK file: look line by line
    return _is(block, encoding)


def readable(line: bytes, encoding: str) -> str:
    """Return a line as text for a person to correct, whatever encoding it is in."""
    candidates = (UTF8, CHINESE) if _is_stray(line, encoding) else (encoding, UTF8, CHINESE)
    for candidate in candidates:
        if _is(line, candidate):
            return line.decode(candidate)
    return line.decode(encoding, "replace")


def _is(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_stray(line: bytes, encoding: str) -> bool:
    """Tell whether a line of a GBK file is really UTF-8: GB 18030 accepts nearly any bytes."""
    if encoding != CHINESE or line.isascii() or not _UTF8_HAN.search(line):
        return False
    return _is(line, UTF8)
