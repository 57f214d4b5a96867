"""Evidence files are checked by content, kept by hash, and found altered."""

import io
import zipfile
from pathlib import Path

import pytest

from minewatch.office import home as home_module
from minewatch.office.conftest import OFFICE
from minewatch.office.home import Home
from minewatch.office.platform.models import AuditEntry, Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.scope import Scope, scoped
from minewatch.office.register import files
from minewatch.office.register.files import FileGiven, damaged, keep_file, path_of
from minewatch.office.register.models import EvidenceFile, Site

PDF = b"%PDF-1.7\n..."


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    settings: dict[str, object] = {}
    monkeypatch.setattr(files, "home", lambda: Home(tmp_path, settings))
    assert home_module.home is not files.home
    return settings


def keep(site: Site, name: str, *chunks: bytes) -> EvidenceFile:
    return keep_file(chunks, FileGiven(name, ("site", site.pk), site.region), OFFICE)


def ooxml() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return content.getvalue()


def test_a_file_is_kept_once_under_its_hash(warehouse: Site, said: dict[str, object], tmp_path: Path) -> None:
    file = keep(warehouse, "C:\\现场\\..\\照片 1.pdf", PDF[:4], PDF[4:])
    assert (file.name, file.media_type, file.size) == ("照片 1.pdf", "application/pdf", len(PDF))
    assert path_of(file).read_bytes() == PDF
    assert path_of(file).is_relative_to(tmp_path / "files")
    assert keep(warehouse, "again.pdf", PDF).pk == file.pk
    assert AuditEntry.objects.filter(action="file_kept").count() == 1
    assert list((tmp_path / "files" / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.JPG", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.csv", "户号,地址\n1,二".encode("gb18030"), "text/csv"),
        ("a.pcapng", b"\x0a\x0d\x0d\x0a....", "application/vnd.tcpdump.pcap"),
        ("a.xlsx", ooxml(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_the_type_is_told_by_the_content(
    warehouse: Site, said: dict[str, object], name: str, content: bytes, media_type: str
) -> None:
    assert keep(warehouse, name, content).media_type == media_type


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.pdf", b"MZ\x90\0", "file_type"),
        ("a.png", PDF, "file_type"),
        ("a.exe", b"MZ\x90\0", "file_type"),
        ("a.xlsx", b"PK\x03\x04 no archive", "file_type"),
        ("a.txt", b"\0\1\2", "file_type"),
        ("..", PDF, "file_type"),
        ("a.pdf", b"", "file_empty"),
        ("a.pdf", PDF + b"0" * 1_000_000, "file_too_large"),
    ],
)
def test_what_is_not_taken_leaves_nothing(
    warehouse: Site, said: dict[str, object], tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    said["file_mb"] = 1
    with pytest.raises(Refused) as refused:
        keep(warehouse, name, content)
    assert refused.value.code == code
    assert EvidenceFile.objects.count() == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_scanner_has_the_last_word(warehouse: Site, said: dict[str, object]) -> None:
    said["scanner"] = ["sh", "-c", '! grep -q EICAR "$0"']
    keep(warehouse, "a.pdf", PDF)
    with pytest.raises(Refused, match=r"b\.pdf"):
        keep(warehouse, "b.pdf", PDF + b"EICAR")


def test_an_altered_and_a_missing_file_are_found(warehouse: Site, said: dict[str, object]) -> None:
    altered, missing = keep(warehouse, "a.pdf", PDF), keep(warehouse, "b.pdf", PDF + b"2")
    keep(warehouse, "c.pdf", PDF + b"3")
    path_of(altered).write_bytes(b"other")
    path_of(missing).unlink()
    assert list(damaged()) == [(altered, "altered"), (missing, "missing")]


def test_a_file_is_seen_where_its_subject_is(warehouse: Site, said: dict[str, object]) -> None:
    keep(warehouse, "a.pdf", PDF)
    with scoped(Scope(Region.objects.get(code="620000").path)):
        assert not EvidenceFile.objects.exists()
