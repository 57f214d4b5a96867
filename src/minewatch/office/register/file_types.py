"""What a file is by its content: the first bytes decide, and the name must agree with them."""

import codecs
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

_HEAD = 65_536
_OOXML = "application/vnd.openxmlformats-officedocument"


class FileType(NamedTuple):
    """A type that is taken: endings of names, and a look at the head of the content."""

    media_type: str
    endings: tuple[str, ...]
    fits: Callable[[bytes], bool]


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(starts)


def _brand(*brands: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[4:8] == b"ftyp" and head[8:12] in brands


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(head)
        except UnicodeDecodeError:
            continue
        return True
    return False


TYPES: Sequence[FileType] = (
    FileType("application/pdf", (".pdf",), _begins(b"%PDF-")),
    FileType("image/png", (".png",), _begins(b"\x89PNG\r\n\x1a\n")),
    FileType("image/jpeg", (".jpg", ".jpeg"), _begins(b"\xff\xd8\xff")),
    FileType("image/webp", (".webp",), lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    FileType("image/heic", (".heic", ".heif"), _brand(b"heic", b"heix", b"mif1")),
    FileType("video/mp4", (".mp4",), _brand(b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ")),
    FileType("video/quicktime", (".mov",), _brand(b"qt  ")),
    FileType(f"{_OOXML}.spreadsheetml.sheet", (".xlsx",), _begins(b"PK\x03\x04")),
    FileType(f"{_OOXML}.wordprocessingml.document", (".docx",), _begins(b"PK\x03\x04")),
    FileType("application/zip", (".zip",), _begins(b"PK\x03\x04")),
    FileType(
        "application/vnd.tcpdump.pcap",
        (".pcap", ".pcapng", ".cap"),
        _begins(b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\x0a\x0d\x0d\x0a"),
    ),
    FileType("application/vnd.apache.parquet", (".parquet",), _begins(b"PAR1")),
    FileType("application/json", (".json", ".jsonl"), _is_text),
    FileType("text/csv", (".csv",), _is_text),
    FileType("text/plain", (".txt", ".log"), _is_text),
)
"""Types of evidence files that are taken."""


def type_of(path: Path, name: str) -> str | None:
    """Return the media type of a file that its name and its content agree on; None where they do not."""
    ending = PurePath(name).suffix.lower()
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for known in TYPES:
        if ending in known.endings and known.fits(head):
            return known.media_type if not known.media_type.startswith(_OOXML) or _is_ooxml(path) else None
    return None


def _is_ooxml(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False
